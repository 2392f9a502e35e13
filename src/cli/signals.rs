//! SIGTERM and SIGINT while a pass runs: the first asks it to end, the second ends the process at once.
//!
//! Ending at once loses nothing: whatever a crash leaves is a set of facts for the next pass.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use super::Status;
use crate::pass::Stop;

/// Listens until it is dropped; from then on both signals are taken and ignored.
#[derive(Debug)]
pub(super) struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts to listen on behalf of `stop`.
///
/// # Errors
/// When the system refuses to deliver signals.
pub(super) fn listen(stop: Stop) -> io::Result<Listening> {
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(Listening(tokio::spawn(async move {
        either(&mut terminated, &mut interrupted).await;
        anstream::eprintln!("asked to end: what is under way is finished and reported; once more ends at once");
        stop.ask();
        either(&mut terminated, &mut interrupted).await;
        std::process::exit(Status::UNKNOWN.0.into());
    })))
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
