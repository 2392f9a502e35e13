//! Sums that a side states, compared with the parts that it states beside them.
//!
//! Pure. A document that contradicts itself is no fact: nothing that depends on it is sent. Where no parts are stated there
//! is nothing to compare, and where a rule of Klarna's lets a sum stand apart from its parts, none is demanded.

use super::facts::{KlarnaOrder, KlarnaStatus, Word};
use super::money::Minor;
use super::policy::AMOUNT_TOLERANCE;

/// A sum of Klarna's beside its parts, in minor units of the order's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    pub what: Sum,
    pub stated: Minor,
    pub parts: Minor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// `captured_amount` and the captures listed.
    Captured,
    /// `refunded_amount` and the refunds listed. More than is listed may be a refund that is not: that is looked at as one.
    Refunded,
    /// What was ever authorized, and what is captured and still authorized together.
    Authorized,
    /// What is captured, and what is refunded.
    Returned,
    /// What is refunded, and the most that was ever shown as refunded.
    RefundedBefore,
    /// What is captured, and what earlier reads listed.
    CapturedBefore,
}

/// Every sum of the order that its parts contradict by more than a minor unit.
pub fn contradictions(klarna: &KlarnaOrder) -> Vec<Contradiction> {
    let captures: Minor = klarna.captures.iter().map(|capture| capture.amount).collect();
    let refunds: Minor = klarna.refunds.iter().map(|refund| refund.amount).collect();
    let authorized = klarna.order_amount.max(klarna.original_amount);
    let held = klarna.captured.plus(klarna.remaining);
    let said = |what, stated: Minor, parts: Minor| Contradiction { what, stated, parts };
    let mut found = Vec::new();
    if !klarna.captures.is_empty() && is_apart(captures, klarna.captured) {
        found.push(said(Sum::Captured, klarna.captured, captures));
    }
    if is_more(refunds, klarna.refunded) {
        found.push(said(Sum::Refunded, klarna.refunded, refunds));
    }
    let is_open = matches!(klarna.status, Word::Known(KlarnaStatus::Authorized | KlarnaStatus::PartCaptured));
    if is_open && klarna.remaining.is_positive() && is_more(held, authorized) {
        found.push(said(Sum::Authorized, authorized, held));
    }
    if is_more(klarna.refunded, klarna.captured.max(captures)) {
        found.push(said(Sum::Returned, klarna.captured, klarna.refunded));
    }
    found
}

fn is_apart(one: Minor, other: Minor) -> bool {
    one.minus(other).abs().get() > AMOUNT_TOLERANCE
}

fn is_more(one: Minor, other: Minor) -> bool {
    one.minus(other).get() > AMOUNT_TOLERANCE
}

/// What is captured beyond what the order is worth, and has not gone back: `captured` and `refunded` as Klarna says, of which
/// `for_credits` were refunds of credit invoices, over an order of `worth`. Zero within a minor unit.
pub fn beyond_worth(captured: Minor, worth: Minor, refunded: Minor, for_credits: Minor) -> Minor {
    let returned = refunded.less(for_credits);
    let more = captured.less(worth).less(returned);
    if more.get() > AMOUNT_TOLERANCE { more } else { Minor::ZERO }
}
