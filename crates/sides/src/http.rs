//! The transport: one request in, one response or one transport error out.
//!
//! Never follows a redirect, never repeats a request, never reads a proxy from the environment, and never says
//! more than it knows: an error is either "nothing was written" or "it may have arrived".

pub(crate) mod json;
pub mod reqwest;
pub(crate) mod text;

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use secrecy::SecretString;

pub use self::reqwest::ReqwestTransport;

/// Klarna thinks for up to 59 seconds before it gives up (Klarna Network documentation, 2026); whoever waits less
/// makes outcomes unknown that were not.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(70);

/// As for writes, less the margin: a read that is given up costs only another read.
pub const READ_TIMEOUT: Duration = Duration::from_secs(65);

/// The largest answer to one object: a thousand order lines with every optional field stay far below it.
pub const SINGLE_ANSWER: usize = 4 << 20;

/// The largest answer to one list page: 250 orders of a hundred fields each are about two million bytes.
pub const PAGE_ANSWER: usize = 32 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

/// HTTP Basic credentials; never printed.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub user: SecretString,
    pub password: SecretString,
}

/// Who asks; never printed.
#[derive(Clone, Debug)]
pub enum Login {
    Basic(Credentials),
    Bearer(SecretString),
    Nobody,
}

#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    /// Absolute; carries no credential.
    pub url: String,
    pub login: Login,
    /// Extra headers, such as `Klarna-Idempotency-Key`.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Option<String>,
    pub timeout: Duration,
    /// A longer answer, counted after decompression, is a lost one.
    pub largest_answer: usize,
}

#[derive(Clone)]
pub struct Response {
    pub status: u16,
    /// Names in lower case; values that are not text are left out.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Without the body, which may name people.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// Why no response came. The text names no URL and no credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Nothing was ever written to the socket: name resolution, connecting or the TLS handshake failed.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request may have arrived.
    #[error("no complete answer: {0}")]
    Lost(String),
}

/// Sends requests. Implemented over reqwest, over the sandbox in process, and by simulations.
pub trait Transport: Clone + Send + Sync + 'static {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, TransportError>> + Send;
}

/// Requests of one run to one side, by whether they change anything there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadWrite {
    pub read: u64,
    pub write: u64,
}

impl ReadWrite {
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self { read: self.read.saturating_add(more.read), write: self.write.saturating_add(more.write) }
    }
}

/// How many requests a client has made, repeated ones included.
#[derive(Debug, Default)]
pub struct Counted {
    reads: AtomicU64,
    writes: AtomicU64,
}

impl Counted {
    pub fn read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    pub fn write(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    pub fn so_far(&self) -> ReadWrite {
        ReadWrite { read: self.reads.load(Ordering::Relaxed), write: self.writes.load(Ordering::Relaxed) }
    }
}
