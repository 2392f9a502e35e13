//! What a difference is, as values: amounts, ids, and the state it was found in.
//!
//! Pure. The sentence, the remedy and the command to paste are made from it at the edge (`words`), so that a finding
//! reads the same in every language and a remedy fits the state and not only the kind.

pub mod proof;
pub mod share;

use jiff::Timestamp;

use super::fulfilment::Fulfilled;
use super::id::{IntentId, InvoiceNumber, KlarnaOrderId, OrderNumber, Reference, RefundId};
use super::intent::Kind;
use super::link;
use super::money::Minor;
use super::sums::Contradiction;

/// An adoption as `adopt` takes it: what each part settles, by its number or word, and its amount.
pub type Said = Vec<(String, Minor)>;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A whole sentence, composed where it was found. None is added; those that are left become values one by one.
    Told(String),
    /// The facts contradict what was concluded for good.
    Contradicted(proof::Contradicted),
    /// What of the order is Klarna's.
    Share(share::ShareFinding),
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
    /// A refund at Klarna, or what the parts that a human named leave of it, is explained by nothing.
    Unattributed {
        order: OrderNumber,
        refund: RefundId,
        /// What nothing explains.
        amount: Minor,
        /// What a human said of the rest of it.
        said: Said,
        /// The adoption that fits what is open; empty where nothing is.
        offer: Said,
    },
    /// What went back for a credit invoice is not what it asks for.
    RefundDiffers {
        order: OrderNumber,
        credit: InvoiceNumber,
        asks: Minor,
        refunded: Minor,
        why: Differs,
        /// The adoptions under which what happened stands: more is ruled out, less leaves a rest.
        accept: Vec<(RefundId, Said)>,
    },
    /// A credit invoice asks for more than is left to refund.
    Beyond {
        order: OrderNumber,
        credit: InvoiceNumber,
        asks: Minor,
        left: Minor,
        /// What Klarna takes in one refund, where that is what keeps it.
        most: Option<Minor>,
        /// The effect that sends what is left, once a human agrees.
        offer: Option<IntentId>,
    },
    /// A sum that Klarna states contradicts the parts beside it.
    Sums { order: OrderNumber, klarna: KlarnaOrderId, found: Contradiction },
    /// More is captured than the shop's order is worth.
    CapturedTooMuch {
        order: OrderNumber,
        captured: Minor,
        worth: Minor,
        more: Minor,
        /// Effects wait until a human says what Klarna's share of the order is.
        is_held: bool,
    },
    /// The shop does not find the order that it had listed.
    OrderGone { order: OrderNumber },
    /// The shop's answer lacks a credit invoice that it had listed.
    CreditMissing { order: OrderNumber, credit: InvoiceNumber },
    /// What was confirmed, or proved something, is not in what Klarna shows.
    Vanished {
        what: Kind,
        order: OrderNumber,
        credit: Option<InvoiceNumber>,
        /// Klarna's id of it, or our intent's.
        id: String,
        amount: Option<Minor>,
        /// When Klarna confirmed it to us; `None` for what a read had shown.
        confirmed: Option<Timestamp>,
        /// Klarna's total counts it all the same.
        is_counted: bool,
    },
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

/// How what went back came to differ from a credit invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Differs {
    /// It was changed after its refund.
    Changed,
    /// It was refunded more than once.
    Repeated,
    /// Its refund is over another amount.
    Amount,
}

impl Finding {
    /// The effect that is no intent and is sent once a human agrees to it by this id, with its amount: less than was asked
    /// for.
    pub const fn offers(&self) -> Option<(IntentId, Minor)> {
        match self {
            Self::Beyond { offer: Some(intent), left, .. } => Some((*intent, *left)),
            Self::Beyond { offer: None, .. }
            | Self::Told(_)
            | Self::Contradicted(_)
            | Self::Share(_)
            | Self::Limit { .. }
            | Self::EndedInPart { .. }
            | Self::Undelivered { .. }
            | Self::Link(_)
            | Self::Unattributed { .. }
            | Self::RefundDiffers { .. }
            | Self::Sums { .. }
            | Self::CapturedTooMuch { .. }
            | Self::OrderGone { .. }
            | Self::CreditMissing { .. }
            | Self::Vanished { .. } => None,
        }
    }
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
