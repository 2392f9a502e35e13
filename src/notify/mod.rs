//! Telling people: a digest goes to a command's standard input, or out as an HTTPS POST.
//!
//! Only the way out: what is worth telling, and when, is decided elsewhere. Never a shell, never a redirect, never a
//! credential of the two sides; a way that hangs is given up.

mod command;
pub mod digest;

use std::time::Duration;

use secrecy::SecretString;

use reconciled_sides::http::{Login, Method, Request, Transport, TransportError};

/// How long one way may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What is answered to a notification is thrown away.
const LARGEST_ANSWER: usize = 64 * 1024;

/// One way to tell people.
#[derive(Clone, Debug)]
pub enum Way {
    /// A program and its arguments.
    Command(Vec<String>),
    Post {
        url: String,
        token: Option<SecretString>,
    },
}

/// Why people could not be told this time. Names no address and no output: either may hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    #[error("the command could not be started: {0}")]
    NotStarted(std::io::Error),
    #[error("the command ended with {0}")]
    Ended(std::process::ExitStatus),
    #[error("the command was not finished after {} seconds and was ended", LIMIT.as_secs())]
    TooSlow,
    #[error("the command could not be waited for: {0}")]
    Lost(std::io::Error),
    #[error("the POST was answered with HTTP {0}")]
    Refused(u16),
    #[error("the POST: {0}")]
    Transport(#[from] TransportError),
}

/// Tells `body` to whoever is at the end of `way`.
///
/// # Errors
/// When nobody can be sure that it was taken.
pub async fn deliver<T: Transport>(transport: &T, way: &Way, body: String) -> Result<(), NotifyError> {
    match way {
        Way::Command(words) => command::run(words, body.into_bytes(), LIMIT).await,
        Way::Post { url, token } => post(transport, url, token.as_ref(), body).await,
    }
}

async fn post<T: Transport>(
    transport: &T, url: &str, token: Option<&SecretString>, body: String,
) -> Result<(), NotifyError> {
    let request = Request {
        method: Method::Post,
        url: url.to_owned(),
        login: token.map_or(Login::Nobody, |token| Login::Bearer(token.clone())),
        headers: Vec::new(),
        body: Some(body),
        timeout: LIMIT,
        largest_answer: LARGEST_ANSWER,
    };
    match transport.send(request).await?.status {
        200..=299 => Ok(()),
        status => Err(NotifyError::Refused(status)),
    }
}
