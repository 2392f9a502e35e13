//! The credit invoice's machine: from seen to refunded and marked paid.
//!
//! Pure. `apply` is the only way its state changes, and the journal is replayed through it. Nothing here sends:
//! `RefundRequested` means that an intent is durable, so Klarna may have seen it and a second is never made.

use super::IllegalTransition;
use super::id::{IntentId, RefundId};

/// What is proven about the money of a credit invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// This refund at Klarna.
    Refund(RefundId),
    /// The whole order was reversed, this credit invoice's part with it.
    Reversal,
}

/// `Pending`: seen, nothing requested. `Held`: due, but a human or a guard withholds it. `RefundRequested`:
/// intended. `Refunded`: proven at Klarna, the shop does not say paid yet. `Paid`: proven and paid.
/// `PaidByHand`: the shop says paid and nothing is proven. `Cancelled`: withdrawn, or what it credits was never
/// captured; absorbs everything but its own return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreditInvoice {
    Pending,
    Held,
    RefundRequested(IntentId),
    Refunded(Proof),
    Paid(Proof),
    PaidByHand,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Held,
    Released,
    /// A refund intent became durable.
    Intended(IntentId),
    /// Klarna refused the refund, or a human abandoned it.
    Refused,
    /// The money is proven to have gone back.
    Refunded(Proof),
    /// The shop says paid.
    PaidSeen,
    /// The shop says not paid again.
    UnpaidSeen,
    /// The refund that proved it is not all of what it asks for any more: it asks for more, or a human gave it less of that.
    /// Comes with the intent of the rest alone; until then what proved it goes on proving that.
    Unsettled,
    /// Its amount was never and will never be captured. Earlier versions also said so of one that vanished.
    Withdrawn,
    /// Its order belongs to another Klarna order than the one on which the state rests.
    JudgedAnew,
    /// The shop does not list it any more.
    Vanished,
    /// It had vanished, and the shop lists it again.
    Reappeared,
}

impl CreditInvoice {
    pub fn apply(self, event: Event) -> Result<Self, IllegalTransition> {
        use {CreditInvoice as S, Event as E};
        Ok(match (self, event) {
            (S::Pending, E::Held) => S::Held,
            (S::Held, E::Released) => S::Pending,
            (S::Pending, E::Intended(intent)) => S::RefundRequested(intent),
            (S::RefundRequested(_), E::Refused) => S::Held,
            (S::Pending | S::Held | S::RefundRequested(_) | S::PaidByHand, E::Refunded(proof)) => S::Refunded(proof),
            (S::Refunded(proof), E::PaidSeen) => S::Paid(proof),
            (S::Paid(proof), E::UnpaidSeen) => S::Refunded(proof),
            (S::Pending | S::Held, E::PaidSeen) => S::PaidByHand,
            (S::PaidByHand, E::UnpaidSeen) | (S::Refunded(Proof::Refund(_)), E::Unsettled) => S::Pending,
            (S::Pending | S::Held | S::PaidByHand, E::Withdrawn | E::Vanished) => S::Cancelled,
            (S::RefundRequested(_) | S::Refunded(_) | S::Paid(_) | S::PaidByHand | S::Cancelled, E::JudgedAnew)
            | (S::Cancelled, E::Reappeared) => S::Pending,
            (from, event) => return Err(IllegalTransition::new("credit invoice", from.name(), event.name())),
        })
    }

    /// Money was never asked for, and may be.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Pending | Self::Held)
    }

    /// A conclusion about the money that nothing takes back: it is drawn from facts that agree, or not at all. What a
    /// human wrote into the shop (`PaidByHand`) concludes nothing.
    pub const fn is_concluded(&self) -> bool {
        matches!(self, Self::Paid(_) | Self::Cancelled | Self::Refunded(Proof::Reversal))
    }

    /// Whether a human may still say that what it names was never sent: once its refund was asked for, only what became of
    /// that refund counts.
    pub const fn may_be_never_sent(&self) -> bool {
        match self {
            Self::Pending | Self::Held | Self::PaidByHand | Self::Cancelled => true,
            Self::RefundRequested(_) | Self::Refunded(_) | Self::Paid(_) => false,
        }
    }

    /// The name of the outside contract.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::RefundRequested(_) => "refund_requested",
            Self::Refunded(_) => "refunded",
            Self::Paid(_) | Self::PaidByHand => "paid",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Event {
    /// The word in the journal.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Released => "released",
            Self::Intended(_) => "refund_intended",
            Self::Refused => "refund_refused",
            Self::Refunded(_) => "refunded",
            Self::PaidSeen => "paid_seen",
            Self::UnpaidSeen => "unpaid_seen",
            Self::Unsettled => "unsettled",
            Self::Withdrawn => "withdrawn",
            Self::JudgedAnew => "judged_anew",
            Self::Vanished => "vanished",
            Self::Reappeared => "reappeared",
        }
    }
}
