//! The last gate before a request leaves, and what came of the request.

use jiff::Timestamp;

use super::Step;
use reconciled_core::answer::Said;
use reconciled_core::guard::Withheld;
use reconciled_core::id::{IntentId, OrderId, RefundId};
use reconciled_core::intent::Intent;
use reconciled_core::money::Minor;

/// Why a claim was refused; nothing may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    Granted(Box<Intent>),
    Withheld(Withheld),
}

/// What came of one attempt, computed by the caller.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub order: OrderId,
    pub intent: IntentId,
    /// The intent's step first, then what follows from it for its credit invoice.
    pub steps: Vec<Step>,
    /// Klarna's id of what was made.
    pub made: Option<RefundId>,
    pub said: Option<Said>,
    pub correlation_id: Option<String>,
    pub not_before: Option<Timestamp>,
    /// The attempt does not count. Its times are taken back too when the intent is `Planned` again: then it surely
    /// never left.
    pub uncounted: bool,
}

/// What the claim compares with inside its transaction.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    pub at: Timestamp,
    /// From the fresh read on which the write leaves.
    pub captured: Minor,
    pub refunded: Minor,
    pub limit_per_day: Minor,
    /// A refund above it leaves only when two operators agreed to it.
    pub two_person_above: Option<Minor>,
    /// As in [`Decided`](super::Decided).
    pub heard_at: Option<Timestamp>,
}
