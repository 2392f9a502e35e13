//! What is read back for people: breaks, orders and the journal, as a report or a command shows them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::checkpoint::Root;
use reconciled_core::breaks::{BreakStatus, BreakStep};
use reconciled_core::credit_invoice;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{IntentId, InvoiceId, InvoiceNumber, KlarnaOrderId, OrderId, OrderNumber};
use reconciled_core::money::Minor;
use reconciled_core::order;
use reconciled_core::policy::PROPOSAL_LIFE;

/// A durable break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    pub id: i64,
    pub kind: BreakKind,
    pub order: Option<OrderNumber>,
    pub credit_invoice: Option<InvoiceNumber>,
    pub subject: String,
    pub amount: Option<Minor>,
    pub message: String,
    /// What to do about it in the state it was found in; `None` where an earlier version found it.
    pub remedy: Option<String>,
    /// The part of what is asked for that is sent once a human agrees to exactly that effect.
    pub offer: Option<(IntentId, Minor)>,
    pub opened_at: Timestamp,
    pub status: BreakStatus,
    pub note: Option<String>,
    /// Who works on it.
    pub assigned: Option<String>,
    /// What one operator proposed about it and another has not approved.
    pub proposal: Option<Proposal>,
}

/// One operator's wish that a refund goes which needs two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub intent: IntentId,
    pub amount: Minor,
    pub at: Timestamp,
    pub actor: String,
    pub note: String,
}

impl Proposal {
    /// When it lapses.
    pub fn until(&self) -> Timestamp {
        self.at.checked_add(PROPOSAL_LIFE).unwrap_or(Timestamp::MAX)
    }
}

/// What a number names: an order, or a credit invoice of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    pub order: OrderId,
    pub number: OrderNumber,
    pub credit: Option<InvoiceId>,
}

/// An order for which an operator withholds every effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldOrder {
    pub number: OrderNumber,
    pub since: Timestamp,
    pub actor: String,
    pub note: String,
}

/// One step on every break of a kind, as the human who takes it counted them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    pub kind: BreakKind,
    pub step: BreakStep,
    pub count: u64,
    /// What they name together.
    pub sum: Minor,
}

/// What came of a human's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operated {
    Done,
    /// Another operator must approve it, before this time.
    Proposed {
        until: Timestamp,
    },
    /// So many breaks took the step.
    Breaks(u64),
}

/// What a pass looked at, for its report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    pub id: OrderId,
    pub number: OrderNumber,
    pub klarna_order_id: Option<KlarnaOrderId>,
    pub state: order::Order,
    pub amount: Option<Minor>,
    pub captured: Minor,
    pub refunded: Minor,
    pub credits: Vec<CreditRow>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditRow {
    pub number: InvoiceNumber,
    pub state: credit_invoice::CreditInvoice,
    pub amount: Option<Minor>,
}

/// One row of the journal, as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    pub seq: i64,
    pub at: Timestamp,
    pub actor: String,
    pub cause: String,
    pub entity: String,
    pub entity_id: String,
    pub event: String,
    pub before: String,
    pub after: String,
    pub detail: String,
}

/// The journal's chain, recomputed without its machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// How many rows hold together from the first on.
    pub size: u64,
    /// The tree over them.
    pub root: Root,
    /// The trees at the sizes that were asked for, as far as the chain holds.
    pub at: BTreeMap<u64, Root>,
    /// The row at which it breaks, and why.
    pub fault: Option<(i64, String)>,
}

/// What `audit verify` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audit {
    Intact { entries: u64, head: String },
    Broken { seq: i64, why: String },
}
