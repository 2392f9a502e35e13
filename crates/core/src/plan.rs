//! What one decision says: events to record, effects that are due, differences, and reasons for not acting.
//!
//! A value, richer than acting needs: a decision *not* to act is recorded with its reason.

use std::fmt;

use jiff::Timestamp;

use super::credit_invoice;
use super::discrepancy::{BreakKind, Discrepancy};
use super::id::{IntentId, InvoiceId, InvoiceNumber, RefundId};
use super::intent::{Effect, Intent, Kind};
use super::money::Minor;
use super::order;

/// The decision about one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "an unread plan is not carried out"]
pub struct Plan {
    pub order_events: Vec<order::Event>,
    pub credit_events: Vec<(InvoiceId, credit_invoice::Event)>,
    pub intent_notes: Vec<(IntentId, Note)>,
    pub effects: Vec<Wanted>,
    pub discrepancies: Vec<Discrepancy>,
    /// When time alone may change the decision: a grace, `refund_after`, a retry, an expiry.
    pub look_again: Option<Timestamp>,
    /// The Klarna order that was read is not the one on which what is held rests, and nothing was judged under it yet.
    pub is_unjudged: bool,
}

impl Plan {
    /// Something that is due waits for what a difference of this plan says; not for a human's hold or switch, nor for
    /// time alone.
    pub fn withholds(&self) -> bool {
        self.effects.iter().any(|wanted| match &wanted.verdict {
            Verdict::Hold(
                HoldReason::Unattributed
                | HoldReason::Unreadable(_)
                | HoldReason::Disagreement(_)
                | HoldReason::Undecided
                | HoldReason::Limit(_),
            ) => true,
            Verdict::Act | Verdict::Hold(HoldReason::Operator(_) | HoldReason::Stopped | HoldReason::NotBefore(_)) => {
                false
            }
        })
    }

    /// A refused intent is still somebody's to look at: a difference of this plan is about it. Without one, what was
    /// refused is not due any more.
    pub fn reports(&self, refused: &Intent) -> bool {
        let effect = &refused.effect;
        let extends =
            |found: &Discrepancy| effect.kind == Kind::Extend && found.kind == BreakKind::AuthorizationExpiring;
        self.discrepancies.iter().any(|found| found.subject == effect.reference.as_str() || extends(found))
    }
}

/// What a read says about an intent that is in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The read shows the effect.
    Seen { made: Option<RefundId> },
    /// The read, started at this time, does not show it.
    Absent { read_at: Timestamp },
    /// It was never sent and its reason is gone.
    Withdrawn { why: String },
}

/// An effect that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub effect: Effect,
    pub verdict: Verdict,
    /// Why it is due, for people.
    pub why: String,
    /// Set when a durable intent exists already and is to be sent (again).
    pub intent: Option<IntentId>,
    /// Of a new capture: the credit invoices that lowered it.
    pub left_out: Option<Vec<(InvoiceId, Minor)>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Act,
    /// Due, and withheld.
    Hold(HoldReason),
}

/// Why a due effect is withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldReason {
    /// A human holds the order; with the note.
    Operator(String),
    /// A refund at Klarna that nothing explains.
    Unattributed,
    /// Nobody can read how much this credit invoice of the order asks for.
    Unreadable(InvoiceNumber),
    /// Whether what it credits was ever sent: a human says so.
    Undecided,
    /// The two sides disagree on something every effect depends on.
    Disagreement(&'static str),
    /// A ceiling; with its name and value.
    Limit(String),
    /// The kill switch.
    Stopped,
    /// Not before this time: a retry, a throttle.
    NotBefore(Timestamp),
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(note) => write!(f, "the order is held by an operator: {note}"),
            Self::Unattributed => f.write_str("a refund at Klarna that nothing explains waits for a human"),
            Self::Unreadable(number) => {
                write!(f, "it waits until the amount of credit invoice {number} can be read")
            }
            Self::Undecided => f.write_str("whether it is owed at all waits for a human"),
            Self::Disagreement(what) => write!(f, "the two sides disagree: {what}"),
            Self::Limit(which) => write!(f, "{which} is reached"),
            Self::Stopped => f.write_str("the kill switch is on"),
            Self::NotBefore(at) => write!(f, "not before {at}"),
        }
    }
}
