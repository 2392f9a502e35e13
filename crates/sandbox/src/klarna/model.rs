//! What Klarna knows: orders with their captures and refunds, and remembered idempotency keys.
//!
//! Amounts are integers in minor units. An order keeps its recent past, so that a read may lag.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use super::hide::Concealed;
use crate::switches::{PartExpiry, Switches};
use crate::time::SECOND;
use crate::wire::Response;

/// Earlier states kept per order.
const PAST_KEPT: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Authorized,
    PartCaptured,
    Captured,
    Cancelled,
    Expired,
    Closed,
}

impl Status {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Authorized => "AUTHORIZED",
            Self::PartCaptured => "PART_CAPTURED",
            Self::Captured => "CAPTURED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
            Self::Closed => "CLOSED",
        }
    }

    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Authorized | Self::PartCaptured)
    }
}

/// Klarna's word on fraud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fraud {
    Accepted,
    Pending,
    Rejected,
}

impl Fraud {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Pending => "PENDING",
            Self::Rejected => "REJECTED",
        }
    }
}

/// What a caller may add to a capture or refund.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    pub(crate) reference: Option<Box<str>>,
    pub(crate) description: Option<Box<str>>,
    /// JSON text of the array that was sent.
    pub(crate) order_lines: Option<Arc<str>>,
    pub(crate) line_references: Vec<String>,
    pub(crate) line_total: i64,
    pub(crate) shipping_info: Vec<Arc<str>>,
    /// The idempotency key it came with; never shown by the service.
    pub(crate) key: Option<Box<str>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub(crate) id: Uuid,
    pub(crate) at: i64,
    pub(crate) amount: i64,
    pub(crate) refunded: i64,
    pub(crate) details: Details,
    pub(crate) concealed: Concealed,
}

#[derive(Clone, Debug)]
pub(crate) struct Refund {
    pub(crate) id: Uuid,
    pub(crate) at: i64,
    pub(crate) amount: i64,
    pub(crate) details: Details,
    pub(crate) allocated: bool,
    pub(crate) concealed: Concealed,
}

/// One order line, kept small.
#[derive(Clone, Debug)]
pub(crate) struct OrderLine {
    pub(crate) kind: &'static str,
    pub(crate) reference: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) quantity: i64,
    pub(crate) unit_price: i64,
    /// Percent times 100.
    pub(crate) tax_rate: i64,
}

impl OrderLine {
    pub(crate) fn total(&self) -> i64 {
        self.unit_price.saturating_mul(self.quantity)
    }

    pub(crate) fn tax(&self) -> i64 {
        let total = i128::from(self.total());
        let factor = i128::from(self.tax_rate).saturating_add(10_000).max(1);
        let net = total.saturating_mul(10_000).div_euclid(factor);
        i64::try_from(total.saturating_sub(net)).unwrap_or(0)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Lines {
    Compact(Arc<[OrderLine]>),
    /// As an update sent them.
    Raw(Arc<str>),
}

/// Everything about an order that can change.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) status: Status,
    pub(crate) fraud: Fraud,
    pub(crate) fraud_since: i64,
    pub(crate) order_amount: i64,
    pub(crate) captured: i64,
    pub(crate) refunded: i64,
    pub(crate) remaining: i64,
    pub(crate) reference1: Box<str>,
    pub(crate) reference2: Box<str>,
    pub(crate) expires: i64,
    pub(crate) lines: Lines,
    pub(crate) captures: Vec<Capture>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) shipping_info: Vec<Arc<str>>,
    pub(crate) shipping_address: Option<Arc<str>>,
    /// Reads show an authorized order although it is cancelled.
    pub(crate) cancel_concealed: bool,
}

/// Raw JSON text by top-level key, set by hand to rehearse hostile input.
pub(crate) type RawFields = BTreeMap<String, String>;

/// A Klarna order.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: Uuid,
    pub(crate) created: i64,
    pub(crate) original_amount: i64,
    pub(crate) short_reference: Box<str>,
    pub(crate) currency: Option<Box<str>>,
    pub(crate) raw: RawFields,
    pub(crate) state: State,
    /// Since when `state` holds.
    pub(crate) since: i64,
    past: VecDeque<(i64, Arc<State>)>,
}

impl Order {
    pub(crate) fn new(
        id: Uuid, created: i64, short_reference: Box<str>, currency: Option<Box<str>>, state: State,
    ) -> Self {
        Self {
            id,
            created,
            original_amount: state.order_amount,
            short_reference,
            currency,
            raw: RawFields::new(),
            since: created,
            state,
            past: VecDeque::new(),
        }
    }

    /// The state for writing; what was so far becomes the past.
    pub(crate) fn change(&mut self, now: i64) -> &mut State {
        if self.past.len() >= PAST_KEPT {
            self.past.pop_front();
        }
        self.past.push_back((self.since, Arc::new(self.state.clone())));
        self.since = now;
        &mut self.state
    }

    /// The state as it was at `at`; the oldest known one when `at` lies before it.
    pub(crate) fn at(&self, at: i64) -> &State {
        if at >= self.since {
            return &self.state;
        }
        let held = self.past.iter().rev().find(|(since, _)| *since <= at);
        held.or_else(|| self.past.front()).map_or(&self.state, |(_, state)| state)
    }

    /// Drops the past; for seeds, which have none worth showing.
    pub(crate) fn forget_past(&mut self) {
        self.past = VecDeque::new();
    }

    /// Lets time do its work: expiry, and Klarna's own cancel after a fraud rejection.
    pub(crate) fn tick(&mut self, now: i64, switches: &Switches) {
        let state = &self.state;
        let patience = switches.klarna_rejected_cancel_after_s.saturating_mul(SECOND);
        let given_up = state.fraud_since.saturating_add(patience);
        if state.status == Status::Authorized
            && state.fraud == Fraud::Rejected
            && patience > 0
            && now >= given_up
            && given_up < state.expires
        {
            let state = self.change(given_up);
            state.status = Status::Cancelled;
            state.remaining = 0;
        }
        let state = &self.state;
        if !state.status.is_open() || now < state.expires || state.remaining < 0 {
            return;
        }
        let next = match (state.status, switches.klarna_part_captured_expiry) {
            (Status::PartCaptured, PartExpiry::PartCaptured) if state.remaining == 0 => return,
            (Status::PartCaptured, PartExpiry::PartCaptured) => Status::PartCaptured,
            (Status::PartCaptured, PartExpiry::Captured) => Status::Captured,
            _ => Status::Expired,
        };
        let expires = state.expires;
        let state = self.change(expires);
        state.status = next;
        state.remaining = 0;
    }
}

/// A remembered answer.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    pub(crate) at: i64,
    /// Until then the first request has not been answered yet.
    pub(crate) busy_until: i64,
    pub(crate) response: Response,
}

/// Everything of one merchant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Merchant {
    /// Boxed: ids come in no order, which leaves the tree's nodes half empty.
    pub(crate) orders: BTreeMap<Uuid, Box<Order>>,
    pub(crate) keys: BTreeMap<String, Remembered>,
}

/// A refusal in Klarna's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(crate) fn no_order(id: Uuid) -> Self {
        Self::new(404, "NO_SUCH_ORDER", format!("Order {id} cannot be found"))
    }
}
