//! What a difference is, as values: amounts, ids, and the state it was found in.
//!
//! Pure. The sentence, the remedy and the command to paste are made from it at the edge (`words`), so that a finding
//! reads the same in every language and a remedy fits the state and not only the kind.

use super::fulfilment::Fulfilled;
use super::id::{IntentId, InvoiceNumber, OrderNumber, Reference};
use super::link;
use super::money::Minor;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A whole sentence, composed where it was found. None is added; those that are left become values one by one.
    Told(String),
    /// A ceiling holds a refund.
    Limit {
        /// The ceiling's key of the configuration with its value.
        reached: String,
        amount: Minor,
        reference: Reference,
        intent: IntentId,
        /// Two operators must agree.
        needs_two: bool,
    },
    /// The shop's status says that the order is ended, its shipments that a part of it left.
    EndedInPart { order: OrderNumber, by: Fulfilled, rest: Minor },
    /// Whether a credit invoice takes back what was sent, or names what never left.
    Undelivered {
        order: OrderNumber,
        credit: InvoiceNumber,
        amount: Minor,
        doubt: Doubt,
        /// The refund that waits for the answer.
        intent: IntentId,
        /// `approve` lets the refund go: it is ours, and the money is there.
        may_be_approved: bool,
    },
    /// Which Klarna order the shop order belongs to.
    Link(link::Finding),
}

/// Why nobody can tell whether a credit invoice is owed as a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Klarna does not say when it captured, and not everything was.
    Undated,
    /// It and the capture are so close that two clocks do not tell which was first.
    Clocks,
    /// It was made after a capture, and fits into what was never captured: it may name goods that never left.
    NeverSent,
    /// It is older than the capture, which did not leave its amount out.
    InCapture,
}

impl From<link::Finding> for Finding {
    fn from(found: link::Finding) -> Self {
        Self::Link(found)
    }
}

impl From<String> for Finding {
    fn from(sentence: String) -> Self {
        Self::Told(sentence)
    }
}
