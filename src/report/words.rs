//! Plain words for kinds, states, amounts and ages. For people; scripts read the names of the outside contract.

use jiff::Timestamp;

use super::Outcome;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::intent::Kind;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::Break;

/// `44.95 EUR`; minor units while the shop's currency is not known.
pub fn money(amount: Minor, currency: Option<Currency>) -> String {
    match currency {
        Some(currency) => format!("{} {currency}", amount.decimal(currency)),
        None => format!("{} minor units", amount.get()),
    }
}

pub fn some_money(amount: Option<Minor>, currency: Option<Currency>) -> String {
    amount.map_or_else(|| "–".to_owned(), |amount| money(amount, currency))
}

/// `3 hours`: the largest unit that fits, rounded down.
pub fn age(from: Timestamp, to: Timestamp) -> String {
    let seconds = age_seconds(from, to);
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds.div_euclid(60), "minute"),
        3_600..172_800 => (seconds.div_euclid(3_600), "hour"),
        _ => (seconds.div_euclid(86_400), "day"),
    };
    count_of(count, unit)
}

pub fn age_seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs().max(0)
}

/// `1 order`, `2 orders`.
pub fn count_of(count: impl Into<i128>, noun: &str) -> String {
    let count = count.into();
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

pub const fn effect(kind: Kind) -> &'static str {
    match kind {
        Kind::Refund => "refund",
        Kind::MarkPaid => "mark paid",
        Kind::Cancel => "cancel",
        Kind::Release => "release",
        Kind::Capture => "capture",
        Kind::Extend => "extend authorization",
    }
}

pub const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Planned => "planned, not sent",
        Outcome::Confirmed => "done",
        Outcome::Rejected => "refused",
        Outcome::Unknown => "outcome unknown",
        Outcome::Held => "held",
    }
}

/// Where the runbook says more about a kind of break.
pub fn runbook(kind: BreakKind) -> String {
    format!("docs/runbook.md#{}", kind.name())
}

/// What a human does about it, and where to read on.
pub fn remedy(it: &Break) -> String {
    format!("{} See {}.", what_to_do(it), runbook(it.kind))
}

/// What a human does about it, in the state it was found in; where an earlier version found it, where that stands.
pub fn what_to_do(it: &Break) -> &str {
    it.remedy.as_deref().unwrap_or(it.kind.explained())
}

/// A kind of break as a merchant would say it.
pub const fn break_kind(kind: BreakKind) -> &'static str {
    use BreakKind as B;
    match kind {
        B::RefundMissing => "a credit invoice has no refund",
        B::RefundUnconfirmed => "it is not known whether a refund happened",
        B::RefundRejected => "Klarna refused a refund",
        B::RefundAmountDiffers => "a refund has another amount than its credit invoice",
        B::RefundUnattributed => "a refund at Klarna that no credit invoice explains",
        B::RefundExceedsCredit => "more was refunded than the credit invoices oblige",
        B::CreditExceedsRefundable => "a credit invoice asks for more than is left to refund",
        B::CreditBeforeCapture => "a credit invoice on an order with nothing captured",
        B::CreditChanged => "a credit invoice changed after its refund was intended",
        B::PaidWithoutRefund => "a credit invoice is marked paid without a refund",
        B::CreditNotMarkedPaid => "a refunded credit invoice is not marked paid",
        B::CancelNotReleased => "cancelled in the shop, still authorized at Klarna",
        B::CancelNotRefunded => "cancelled in the shop, captured and not refunded",
        B::CancelRejected => "Klarna refused the cancel or release",
        B::CancelledAtKlarna => "cancelled at Klarna, open in the shop",
        B::ShippedNotCaptured => "shipped, not captured",
        B::CapturedNotShipped => "captured, nothing shipped",
        B::CaptureRejected => "Klarna refused the capture",
        B::CaptureUnconfirmed => "it is not known whether a capture happened",
        B::AmountDiffers => "the two sides disagree on the amount",
        B::CapturedTooMuch => "more is captured than the order is worth",
        B::CurrencyDiffers => "the two sides disagree on the currency",
        B::AuthorizationExpiring => "the authorization lapses soon",
        B::AuthorizationExpired => "the authorization has lapsed",
        B::FraudPending => "Klarna is still checking for fraud",
        B::FraudRejected => "Klarna rejected the order as fraud",
        B::KlarnaOrderUnlinked => "a Klarna-paid order with no Klarna order id",
        B::EffectVanished => "what Klarna confirmed is not in its reads any more",
        B::KlarnaOrderNotFound => "Klarna does not know the order",
        B::KlarnaOrderShared => "two shop orders name one Klarna order",
        B::KlarnaOrderAmbiguous => "several Klarna orders hold money for one shop order",
        B::KlarnaOrderMismatch => "Klarna says that the order is another one's",
        B::PaidOtherwise => "a credit invoice of which a part was not paid with Klarna",
        B::AuthorizationStray => "an authorization is open that nothing will come of",
        B::LimitReached => "a money ceiling holds an effect",
        B::UnknownValue => "a side said something this program has no word for",
    }
}
