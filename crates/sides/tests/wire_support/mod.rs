//! A transport that answers from a script and a clock that stands still, for the clients' own tests.

#![allow(dead_code, unreachable_pub, reason = "shared by test files, and each uses its part")]

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reconciled_sides::clock::Clock;
use reconciled_sides::http::{Credentials, Request, Response, Transport, TransportError};

pub type Reply = Result<Response, TransportError>;

type Script = dyn Fn(&Request, usize) -> Reply + Send + Sync;

/// Answers with what a function says; remembers what was asked.
#[derive(Clone)]
pub struct Scripted {
    answer: Arc<Script>,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Scripted {
    /// `answer` is given the request and how many came before it.
    pub fn new(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), asked: Arc::default() }
    }

    pub fn always(reply: Reply) -> Self {
        Self::new(move |_, _| reply.clone())
    }

    /// One after the other; the last one stays.
    pub fn sequence(replies: Vec<Reply>) -> Self {
        Self::new(move |_, index| replies[index.min(replies.len() - 1)].clone())
    }

    /// What this transport would answer to a first request.
    pub fn reply(&self, request: &Request) -> Reply {
        (self.answer)(request, 0)
    }

    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    /// The part of every URL behind the host.
    pub fn paths(&self) -> Vec<String> {
        let path = |request: Request| {
            let rest = request.url.split_once("://").unwrap().1.to_owned();
            rest.split_once('/').unwrap().1.to_owned()
        };
        self.asked().into_iter().map(path).collect()
    }
}

impl Transport for Scripted {
    fn send(&self, request: Request) -> impl Future<Output = Reply> + Send {
        let mut asked = self.asked.lock().unwrap();
        let reply = (self.answer)(&request, asked.len());
        asked.push(request);
        std::future::ready(reply)
    }
}

/// Time passes only while somebody sleeps.
#[derive(Clone)]
pub struct Still {
    start: Timestamp,
    passed: Arc<Mutex<Duration>>,
}

impl Still {
    pub fn new() -> Self {
        Self { start: "2026-06-01T12:00:00Z".parse().unwrap(), passed: Arc::default() }
    }

    pub fn passed(&self) -> Duration {
        *self.passed.lock().unwrap()
    }

    pub fn pass(&self, time: Duration) {
        *self.passed.lock().unwrap() += time;
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.start + SignedDuration::try_from(self.passed()).unwrap()
    }

    fn boottime(&self) -> Duration {
        Duration::from_secs(1000) + self.passed()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.pass(duration);
        std::future::ready(())
    }
}

pub fn credentials() -> Credentials {
    Credentials { user: "user".to_owned().into(), password: "s3cret".to_owned().into() }
}

pub fn response(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: body.into() }
}

#[expect(clippy::unnecessary_wraps, reason = "stands beside replies that fail")]
pub fn ok(body: impl Into<Vec<u8>>) -> Reply {
    Ok(response(200, &[], body))
}

pub fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs a future that never really waits.
pub fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
