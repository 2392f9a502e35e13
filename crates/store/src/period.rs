//! What is read for a report over a period: one value per line, as the journal and the facts told it then.
//!
//! Every value is of the moment behind the last journal row that the report covers; what came later is not in it. Adds
//! nothing up and words nothing: that is the report's.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Identity, StoreError};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::intent::{Kind, State};
use reconciled_core::money::{Currency, Minor};

/// Which part of a shop's history is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first moment of the period.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// How a report that was made earlier saw the store; `None` for all there is.
    pub seen: Option<Seen>,
}

/// Up to where a report looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The last journal row.
    pub last: i64,
    /// Until when the passes count.
    pub as_of: Timestamp,
}

/// A span with its place in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    pub shop: String,
    pub identity: Option<Identity>,
    pub currency: Option<Currency>,
    pub from: Timestamp,
    pub until: Timestamp,
    /// The period is over: the journal or a pass reached its end.
    pub over: bool,
    /// The end of the period, or the last thing that is known of it.
    pub as_of: Timestamp,
    /// The first and the last row of the period; `last` is `first - 1` when it has none.
    pub first: i64,
    pub last: i64,
    /// The hashes of the row before the first, and of the last, in lower-case hexadecimal.
    pub hash_before: String,
    pub hash_last: String,
    /// The period was closed exactly so.
    pub closed: Option<Closed>,
}

/// A closed period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub from: Timestamp,
    pub until: Timestamp,
    /// The last journal row of the period, and the digest of its report.
    pub last: i64,
    pub digest: String,
    /// The journal row that says so.
    pub seq: i64,
}

/// One line of a report.
#[derive(Clone, Debug)]
pub enum Line {
    Credit(CreditLine),
    Cancel(CancelLine),
    Refund(RefundLine),
    /// A refund at Klarna in the period that proves a credit invoice's money; the credit invoice's line has the rest.
    RefundOfCredit {
        currency: String,
        amount: Minor,
    },
    Break(BreakLine),
    Effect(EffectLine),
    Decision(DecisionLine),
    Flow(FlowLine),
    Passes(PassesLine),
    Unchecked(UncheckedLine),
    Policy(PolicyLine),
}

/// How an open item ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Refunded,
    /// The whole order was reversed, this credit invoice with it.
    Reversed,
    Withdrawn,
}

/// A credit invoice that was open at the beginning, or of which anything happened in the period.
#[derive(Clone, Debug)]
pub struct CreditLine {
    pub number: String,
    pub order: String,
    pub klarna_order_id: Option<String>,
    /// What it credits at the end; `None` when the shop's text is no amount.
    pub amount: Option<Minor>,
    /// What it credited at the beginning; `None` when it was not open then.
    pub opening: Option<Minor>,
    /// What it credited when it was first seen, if that was in the period.
    pub new: Option<Minor>,
    pub created_at: Timestamp,
    pub first_seen: Timestamp,
    /// The state at the end, by the name of the outside contract.
    pub state: String,
    pub by_hand: bool,
    pub is_open: bool,
    /// How and when it ended, if that was in the period.
    pub settled: Option<Settled>,
    /// When its money was proven to be back, in the period or before.
    pub proven_at: Option<Timestamp>,
    pub refund: Option<RefundOf>,
    /// When the shop was first seen to say paid.
    pub paid_at: Option<Timestamp>,
    /// It belongs to a period that was closed before it was seen.
    pub late: bool,
}

/// The refund that settled a credit invoice.
#[derive(Clone, Debug)]
pub struct RefundOf {
    pub id: String,
    /// As a read showed it, or as we asked for it when no read showed it yet.
    pub amount: Option<Minor>,
    pub at: Option<Timestamp>,
    pub who: Who,
    pub correlation_id: Option<String>,
    /// It is among the refunds booked in the period.
    pub in_period: bool,
}

/// Who moved money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// This program.
    Us,
    /// Somebody at Klarna; a human said what it was for.
    Adopted(String),
    /// Somebody at Klarna.
    Somebody,
}

/// An order that the shop cancelled, with what went back for it.
#[derive(Clone, Debug)]
pub struct CancelLine {
    pub order: String,
    pub klarna_order_id: Option<String>,
    pub seen_at: Timestamp,
    /// Everything is back.
    pub reversed_at: Option<Timestamp>,
    /// Seen in the period.
    pub is_new: bool,
    pub released: Minor,
    pub captured: Minor,
    pub refunded: Minor,
    pub refunds: Vec<String>,
    pub who: Vec<Who>,
    pub correlation_ids: Vec<String>,
    pub late: bool,
}

/// What explains a refund at Klarna that is for no credit invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explained {
    Cancel,
    /// A human said that it belongs to nothing here.
    RuledOut(String),
    Nothing,
}

/// A refund at Klarna that is booked in the period and for no credit invoice.
#[derive(Clone, Debug)]
pub struct RefundLine {
    pub order: String,
    pub klarna_order_id: String,
    pub id: String,
    pub amount: Minor,
    pub currency: String,
    pub reference: Option<String>,
    pub made_at: Option<Timestamp>,
    pub explained: Explained,
    pub who: Who,
    pub late: bool,
}

#[derive(Clone, Debug)]
pub struct BreakLine {
    pub id: i64,
    pub kind: BreakKind,
    pub order: String,
    pub credit_invoice: Option<String>,
    pub subject: String,
    /// What was at stake when it was opened.
    pub amount: Option<Minor>,
    pub opened_at: Timestamp,
    pub was_open: bool,
    pub status: String,
    pub is_open: bool,
    /// When it was last closed.
    pub closed_at: Option<Timestamp>,
    pub note: Option<String>,
    pub actor: Option<String>,
    pub late: bool,
}

/// One intent that was planned, or had its outcome, or was under way in the period.
#[derive(Clone, Debug)]
pub struct EffectLine {
    pub id: String,
    pub kind: Kind,
    pub order: String,
    pub credit_invoice: Option<String>,
    pub amount: Minor,
    pub currency: Currency,
    pub reference: String,
    pub key: String,
    pub state: State,
    pub planned_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub made: Option<String>,
    pub correlation_id: Option<String>,
    pub code: Option<String>,
}

/// What an operator decided.
#[derive(Clone, Debug)]
pub struct DecisionLine {
    pub seq: i64,
    pub at: Timestamp,
    pub actor: String,
    pub event: String,
    pub order: Option<String>,
    pub subject: String,
    pub note: String,
    pub late: bool,
}

/// What moved in one week and currency.
#[derive(Clone, Debug)]
pub struct FlowLine {
    /// Monday, midnight UTC.
    pub week: Timestamp,
    pub currency: String,
    pub is_capture: bool,
    pub count: u64,
    /// In minor units; a sum may be larger than any single amount.
    pub amount: i64,
}

#[derive(Clone, Debug, Default)]
pub struct PassesLine {
    pub complete: u64,
    pub incomplete: u64,
    /// Never ended: the process did.
    pub interrupted: u64,
    pub first: Option<Timestamp>,
    pub last_complete: Option<Timestamp>,
    /// The longest time without a complete pass, in seconds.
    pub longest_gap: i64,
}

/// Something that passes could not check.
#[derive(Clone, Debug)]
pub struct UncheckedLine {
    pub what: String,
    pub why: String,
    pub passes: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// The last pass of the period still could not.
    pub still: bool,
}

/// A policy, from where on it was in force.
#[derive(Clone, Debug)]
pub struct PolicyLine {
    pub since: Timestamp,
    pub text: String,
}

/// Takes the lines, section by section, in an order that the same store always gives.
pub trait Lines: Send + 'static {
    /// # Errors
    /// The report could not be written.
    fn begin(&mut self, extent: &Extent) -> Result<(), StoreError>;

    /// # Errors
    /// The report could not be written.
    fn line(&mut self, line: Line) -> Result<(), StoreError>;
}

/// What keeps a period from being closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hindrances {
    /// Orders that the shop named and that were not read since.
    pub unread: u64,
    /// A complete pass began after the period's end, and is the last one.
    pub is_covered: bool,
    /// Intents of the period whose outcome is unknown.
    pub unknown: Vec<String>,
    /// Money breaks of the period that are open now.
    pub breaks: Vec<(i64, BreakKind)>,
    /// The last closed period.
    pub last_closed: Option<Closed>,
    /// The journal's first row, if it has any.
    pub begins: Option<Timestamp>,
}

/// A period to be closed.
#[derive(Clone, Debug)]
pub struct Closing {
    pub from: Timestamp,
    pub until: Timestamp,
    pub last: i64,
    pub digest: String,
    /// Breaks that stay open, and why that is accepted.
    pub accepted: BTreeMap<i64, String>,
    pub actor: String,
    pub note: String,
    pub at: Timestamp,
}
