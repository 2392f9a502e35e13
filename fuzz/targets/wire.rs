//! A transport that answers out of the input, and a clock that moves only while somebody sleeps.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reconciled_sides::clock::Clock;
use reconciled_sides::http::{Credentials, Request, Response, Transport, TransportError};

/// Between the answers of one input.
const BETWEEN: &[u8] = b"\n%%\n";

/// Answers with one section of the input after the other; the last one stays.
#[derive(Clone)]
pub struct Sections {
    answers: Arc<Vec<Response>>,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Sections {
    /// Each section is the body of a 200.
    pub fn bodies(data: &[u8]) -> Self {
        Self::of(split(data, BETWEEN).into_iter().map(|body| response(200, Vec::new(), body)).collect())
    }

    pub fn of(answers: Vec<Response>) -> Self {
        Self { answers: Arc::new(answers), asked: Arc::default() }
    }

    pub fn urls(&self) -> Vec<String> {
        self.asked.lock().map_or_else(|_| Vec::new(), |asked| asked.iter().map(|r| r.url.clone()).collect())
    }
}

impl Transport for Sections {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, TransportError>> + Send {
        let index = self.asked.lock().map_or(0, |mut asked| {
            asked.push(request);
            asked.len().saturating_sub(1)
        });
        let answer = self.answers.get(index).or(self.answers.last()).cloned();
        std::future::ready(answer.ok_or_else(|| TransportError::Lost("nothing was said".to_owned())))
    }
}

fn split<'a>(data: &'a [u8], mark: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        parts.push(&rest[..at]);
        rest = rest.get(at.saturating_add(mark.len())..).unwrap_or_default();
    }
    parts.push(rest);
    parts
}

pub fn response(status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Response {
    Response { status, headers, body: body.to_vec() }
}

/// `status`, then one header per line, an empty line, and the body; as an answer is written, without its framing.
///
/// Names come in lower case and values without outer blanks, as the adapter gives them.
pub fn answer(data: &[u8]) -> Option<Response> {
    let at = data.windows(2).position(|two| two == b"\n\n")?;
    let (head, body) = (std::str::from_utf8(&data[..at]).ok()?, data.get(at.saturating_add(2)..)?);
    let mut lines = head.lines();
    let status = lines.next()?.parse().ok().filter(|status| (100..1000).contains(status))?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some(response(status, lines.filter_map(header).collect(), body))
}

/// The whole seconds of a day in June; moves only while somebody sleeps.
#[derive(Clone)]
pub struct Still {
    start: Timestamp,
    passed: Arc<Mutex<Duration>>,
}

impl Still {
    pub fn new() -> Self {
        Self { start: Timestamp::constant(1_780_315_200, 0), passed: Arc::default() }
    }

    fn passed(&self) -> Duration {
        self.passed.lock().map_or(Duration::ZERO, |passed| *passed)
    }

    pub fn pass(&self, time: Duration) {
        if let Ok(mut passed) = self.passed.lock() {
            *passed = passed.saturating_add(time);
        }
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.passed()).unwrap_or(SignedDuration::ZERO);
        self.start.checked_add(passed).unwrap_or(self.start)
    }

    fn boottime(&self) -> Duration {
        self.passed().saturating_add(Duration::from_secs(1000))
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.pass(duration);
        std::future::ready(())
    }
}

pub fn credentials() -> Credentials {
    Credentials { user: "user".to_owned().into(), password: "password".to_owned().into() }
}

/// Nothing here ever waits.
pub fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// The body as a reader would take it who has never heard of this program: UTF-8, perhaps with a byte order mark.
pub fn text(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    Some(text.strip_prefix('\u{feff}').unwrap_or(text))
}
