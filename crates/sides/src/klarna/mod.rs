//! The client of Klarna's order management: reads orders, and sends refunds, captures, cancels, releases and extensions.
//!
//! A write is one request with the caller's key and payload, never repeated and never changed here; what its answer
//! means is decided in `classify` alone. Klarna's messages are kept and never read.

mod classify;
mod convert;
mod dto;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use crate::budget::{Budget, Use, date};
use crate::clock::Clock;
use crate::http::{Counted, ReadWrite};
use crate::http::{
    Credentials, Login, Method, READ_TIMEOUT, Request, Response, SINGLE_ANSWER, Transport, WRITE_TIMEOUT,
};
use reconciled_core::answer::{Answer, Said, Unreadable};
use reconciled_core::facts::KlarnaOrder;
use reconciled_core::id::KlarnaOrderId;
use reconciled_core::intent::{Effect, Kind};

use self::classify::Stumble;

/// The header that makes a repeated request the same request, for 24 hours (documentation, "Escalation and retry
/// policy"). Klarna looks at the key alone, never at the body.
const IDEMPOTENCY_KEY: &str = "klarna-idempotency-key";

/// Before a read is repeated after a server error or a lost answer; once only.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// When a refusal names no time: the window of every documented limit.
const UNNAMED_THROTTLE: SignedDuration = SignedDuration::from_secs(1);

/// A well-formed id that is nobody's order.
const NOBODYS_ORDER: &str = "00000000-0000-4000-8000-000000000000";

/// Klarna shows these to the consumer (order management OpenAPI, 2026, `description`).
const REFUND_DESCRIPTION: &str = "Refund for your order";
const CAPTURE_DESCRIPTION: &str = "Your order has been shipped";

/// Where and how one merchant account is called.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://api.klarna.com`, or the playground, or another region.
    pub base_url: String,
    pub credentials: Credentials,
}

/// The client of one merchant account. Counts every request it makes.
#[derive(Debug)]
pub struct Client<T, C> {
    transport: T,
    clock: C,
    settings: Settings,
    budget: Arc<Budget>,
    counted: Counted,
}

impl<T: Transport, C: Clock> Client<T, C> {
    pub fn new(transport: T, clock: C, settings: Settings, budget: Arc<Budget>) -> Self {
        Self { transport, clock, settings, budget, counted: Counted::default() }
    }

    /// The requests made so far, repeated ones included.
    pub fn calls(&self) -> ReadWrite {
        self.counted.so_far()
    }

    /// One order with its captures and refunds (`getOrder`). Repeated once after a server error or a lost answer.
    ///
    /// *Assumptions*: a read may lag a write by seconds; absence in it proves nothing yet.
    ///
    /// # Errors
    /// `NotFound` only when Klarna says so in its own JSON. `Failed` names the field that is missing or cannot be
    /// understood.
    pub async fn order(&self, id: &KlarnaOrderId) -> Result<KlarnaOrder, Unreadable> {
        let body = match self.get_order(id).await {
            Err(Stumble::Failure(_)) => {
                self.clock.sleep(PAUSE_AFTER_FAILURE).await;
                self.get_order(id).await
            }
            first => first,
        };
        convert::order(&body.map_err(Stumble::into_unreadable)?, id)
    }

    async fn get_order(&self, id: &KlarnaOrderId) -> Result<String, Stumble> {
        if let Err(until) = self.budget.admit(&self.clock, Use::Read).await {
            return Err(Stumble::Over(Unreadable::OutOfBudget { until }));
        }
        self.counted.read();
        let sent = self.transport.send(self.request(Method::Get, id, "", READ_TIMEOUT)).await;
        let response = sent.map_err(|error| classify::no_answer(&error))?;
        self.budget.learn(&self.clock, &response);
        classify::read(response, |response| self.throttled_until(response))
    }

    /// Whether Klarna accepts the credentials, and what its clock says: asks for an order that cannot exist. Harmless,
    /// and the only read that needs no order.
    ///
    /// # Errors
    /// `Refused` when the credentials are not accepted.
    pub async fn probe(&self) -> Result<Option<Timestamp>, Unreadable> {
        if let Err(until) = self.budget.admit(&self.clock, Use::Read).await {
            return Err(Unreadable::OutOfBudget { until });
        }
        let nobodys = KlarnaOrderId::new(NOBODYS_ORDER).ok_or_else(|| Unreadable::Failed(Said::default()))?;
        self.counted.read();
        let sent = self.transport.send(self.request(Method::Get, &nobodys, "", READ_TIMEOUT)).await;
        let response = sent.map_err(|error| classify::no_answer(&error).into_unreadable())?;
        self.budget.learn(&self.clock, &response);
        let date = date(&response);
        let read = classify::read(response, |response| self.throttled_until(response));
        match read.map_err(Stumble::into_unreadable) {
            Ok(_) | Err(Unreadable::NotFound(_)) => Ok(date),
            Err(why) => Err(why),
        }
    }

    /// Waits for a write's turn in the budget; asked for before the write is claimed.
    ///
    /// # Errors
    /// The time before which there is none.
    pub async fn turn(&self) -> Result<(), Timestamp> {
        self.budget.admit(&self.clock, Use::Write).await
    }

    /// Sends one effect: exactly one request, with this key and payload.
    ///
    /// *Guarantees*: `Done` only for a well-formed success (201 with the id of what was made for a refund or a
    /// capture, 204 for a cancel, a release or an extension) that names nothing else; `Rejected` only for a refusal in Klarna's own JSON. An answer that
    /// was not received whole is `Unknown`, whatever its headers said: a later read finds what it made.
    pub async fn send(&self, kind: Kind, order: &KlarnaOrderId, payload: &str, key: &Uuid) -> Answer {
        let Some(path) = path(kind) else {
            return Answer::NotSent(classify::said("marking paid is not Klarna's to do"));
        };
        let mut request = self.request(Method::Post, order, path, WRITE_TIMEOUT);
        request.headers.push((IDEMPOTENCY_KEY, key.to_string()));
        request.body = (!payload.is_empty()).then(|| payload.to_owned());
        self.counted.write();
        let response = match self.transport.send(request).await {
            Ok(response) => response,
            Err(error) => return classify::unanswered(&error),
        };
        self.budget.learn(&self.clock, &response);
        classify::sent(kind, order, &response, |response| self.throttled_until(response))
    }

    fn request(&self, method: Method, order: &KlarnaOrderId, path: &str, timeout: Duration) -> Request {
        let base = self.settings.base_url.trim_end_matches('/');
        Request {
            method,
            url: format!("{base}/ordermanagement/v1/orders/{order}{path}"),
            login: Login::Basic(self.settings.credentials.clone()),
            headers: Vec::new(),
            body: None,
            timeout,
            largest_answer: SINGLE_ANSWER,
        }
    }

    fn throttled_until(&self, response: &Response) -> Timestamp {
        self.budget.throttled(&self.clock, response, UNNAMED_THROTTLE)
    }
}

/// Below the order. Refunds hang on the order, never on a capture (order management OpenAPI, 2026).
const fn path(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Refund => Some("/refunds"),
        Kind::Capture => Some("/captures"),
        Kind::Cancel => Some("/cancel"),
        Kind::Release => Some("/release-remaining-authorization"),
        Kind::Extend => Some("/extend-authorization-time"),
        Kind::MarkPaid => None,
    }
}

/// The body of an effect; empty where the request has none. Amounts only: lines that do not add up cost the
/// allocation to a capture, and lines that are wrong are worse than none.
pub fn payload(effect: &Effect) -> String {
    #[derive(Serialize)]
    struct Refund<'a> {
        refunded_amount: i64,
        reference: &'a str,
        description: &'static str,
    }
    #[derive(Serialize)]
    struct Capture<'a> {
        captured_amount: i64,
        reference: &'a str,
        description: &'static str,
    }
    let (mut amount, reference) = (effect.amount.get(), effect.reference.as_str());
    if planted!("same_key_other_amount") && amount > 1 {
        amount = amount.saturating_sub(1);
    }
    let json = match effect.kind {
        Kind::Refund => {
            let description = REFUND_DESCRIPTION;
            serde_json::to_string(&Refund { refunded_amount: amount, reference, description })
        }
        Kind::Capture => {
            let description = CAPTURE_DESCRIPTION;
            serde_json::to_string(&Capture { captured_amount: amount, reference, description })
        }
        Kind::Cancel | Kind::Release | Kind::Extend | Kind::MarkPaid => return String::new(),
    };
    json.expect("a struct of text and integers has a JSON form")
}
