//! Questions to a person at a terminal; a secret is not shown while it is typed.
//!
//! The terminal is put back as it was however the question ends, an interrupt included.

use std::io::{self, Write as _};
use std::os::fd::AsFd as _;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::error::CliError;

/// Whether a secret is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Yes,
    No,
}

/// Asks on stderr and reads one line of stdin, without its end.
pub(super) async fn ask(question: &str, shown: Shown) -> Result<String, CliError> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let silent = match shown {
        Shown::No => Some(Silent::begin()?),
        Shown::Yes => None,
    };
    anstream::eprint!("{question}: ");
    anstream::stderr().flush()?;
    let (told, answer) = oneshot::channel();
    // A thread of its own: a read of a terminal cannot be called off, and must not hold up the end of the program.
    std::thread::Builder::new().name("ask".to_owned()).spawn(move || {
        let mut line = String::new();
        let _ = told.send(io::stdin().read_line(&mut line).map(|length| (length, line)));
    })?;
    let stopped = || CliError::Failed { attempt: "asking".to_owned(), why: "it was called off".to_owned() };
    let read = tokio::select! {
        read = answer => read.map_err(|_| stopped())??,
        _ = interrupt.recv() => return Err(stopped()),
        _ = terminate.recv() => return Err(stopped()),
    };
    drop(silent);
    match read {
        (0, _) => Err(stopped()),
        (_, line) => Ok(line.trim_end_matches(['\n', '\r']).to_owned()),
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silent(Termios);

impl Silent {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin().as_fd())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // The end of the line is shown, so that the next question begins on its own.
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin().as_fd(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // Nothing better can be done about a terminal that is gone.
        let _ = tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &self.0);
    }
}
