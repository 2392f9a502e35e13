//! One read at Lightspeed: the URL, the budget, the bounded repetitions.

use std::fmt::Write;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Client;
use super::error::{self, Stumble};
use crate::budget::{Use, date};
use crate::clock::Clock;
use crate::http::{Login, Method, READ_TIMEOUT, Request, Response, SINGLE_ANSWER, Transport};
use reconciled_core::answer::Unreadable;

/// Before a read is repeated after a server error or a lost answer; once only.
pub(super) const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Just-listed orders and their sub-resources were seen to answer 404 for a moment; public clients wait and ask
/// again.
const PAUSES_AFTER_MISSING: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// When a refusal names neither a window nor a time: a fifth of the shortest window.
const UNNAMED_THROTTLE: SignedDuration = SignedDuration::from_secs(60);

/// A body that is an answer and no error, and when the shop says it was made.
pub(super) struct Answered {
    pub(super) body: String,
    pub(super) date: Option<Timestamp>,
}

impl<T: Transport, C: Clock> Client<T, C> {
    /// A GET, repeated once after a failure and twice after a 404.
    pub(super) async fn get(&self, path: &str, query: &str, largest_answer: usize) -> Result<Answered, Unreadable> {
        let mut failures = [PAUSE_AFTER_FAILURE].into_iter();
        let mut misses = PAUSES_AFTER_MISSING.into_iter();
        loop {
            let (why, pause) = match self.get_once(path, query, largest_answer).await {
                Ok(answered) => return Ok(answered),
                Err(Stumble::Over(why)) => (why, None),
                Err(Stumble::Failure(why)) => (why, failures.next()),
                Err(Stumble::Missing(why)) => (why, misses.next()),
            };
            match pause {
                Some(pause) => self.clock.sleep(pause).await,
                None => return Err(why),
            }
        }
    }

    /// Exactly one GET.
    pub(super) async fn get_once(&self, path: &str, query: &str, largest_answer: usize) -> Result<Answered, Stumble> {
        if let Err(until) = self.budget.admit(&self.clock, Use::Read).await {
            return Err(Stumble::Over(Unreadable::OutOfBudget { until }));
        }
        let mut request = self.request(Method::Get, path, query);
        request.largest_answer = largest_answer;
        self.counted.read();
        let response = self.transport.send(request).await.map_err(|e| error::no_answer(&e))?;
        self.budget.learn(&self.clock, &response);
        let date = date(&response);
        let body = error::read(response, |response| self.throttled_until(response))?;
        Ok(Answered { body, date })
    }

    pub(super) fn request(&self, method: Method, path: &str, query: &str) -> Request {
        let base = self.settings.base_url.trim_end_matches('/');
        Request {
            method,
            url: format!("{base}/{}/{path}.json{query}", self.settings.language),
            login: Login::Basic(self.settings.credentials.clone()),
            headers: Vec::new(),
            body: None,
            timeout: READ_TIMEOUT,
            largest_answer: SINGLE_ANSWER,
        }
    }

    pub(super) fn throttled_until(&self, response: &Response) -> Timestamp {
        self.budget.throttled(&self.clock, response, UNNAMED_THROTTLE)
    }
}

/// Percent-encoding of a query value.
pub(super) fn encode(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn query_values_cannot_leave_their_place() {
        assert_eq!(encode("ORD00018"), "ORD00018");
        assert_eq!(encode("A&limit=1 é/#"), "A%26limit%3D1%20%C3%A9%2F%23");
    }
}
