//! What an operations page reads of a shop, a page at a time. No decision about money rests on it.
//!
//! Every list is read by where the last page ended, never by how many rows to skip, so that page 1,000 costs what
//! page 1 does and nothing is shown twice because something was added meanwhile.

use jiff::Timestamp;

use super::period::Closed;
use super::{Break, JournalRow, Proposal, Store, StoreError};
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{InvoiceId, InvoiceNumber, OrderId, OrderNumber, PassId};
use reconciled_core::money::Minor;

/// A break and the order it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakRow {
    pub order: OrderId,
    pub it: Break,
}

/// Where a page of breaks ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakPlace {
    pub opened_at: Timestamp,
    pub id: i64,
}

/// Which breaks, of which kinds; no kind named means every kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BreakFilter {
    /// The resolved and cleared ones, latest first, instead of the open and acknowledged ones, oldest first.
    pub closed: bool,
    pub kinds: Vec<BreakKind>,
}

/// Which credit invoices; latest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CreditFilter {
    /// Neither paid nor cancelled.
    #[default]
    Open,
    All,
}

/// A credit invoice as it is held, and its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditLine {
    pub id: InvoiceId,
    pub number: InvoiceNumber,
    pub order: OrderId,
    pub order_number: OrderNumber,
    pub state: CreditInvoice,
    pub amount: Option<Minor>,
    pub created_at: Timestamp,
}

/// One run of the reconciler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassRow {
    /// Its place among the passes of the store.
    pub no: i64,
    pub id: PassId,
    pub started_at: Timestamp,
    /// `None`: under way, or it ended without a word.
    pub ended_at: Option<Timestamp>,
    /// Whether everything was checked.
    pub complete: Option<bool>,
}

/// The kill switch, and who moved it last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switch {
    pub stopped: bool,
    pub since: Option<Timestamp>,
    pub actor: Option<String>,
    pub note: Option<String>,
}

/// A proposal and the order it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalRow {
    pub order: OrderId,
    pub order_number: OrderNumber,
    pub it: Proposal,
    /// The reader made it, as far as names tell.
    pub is_readers: bool,
}

/// A closed period, as whoever closed it journalled it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedRow {
    pub it: Closed,
    pub at: Timestamp,
    pub actor: String,
    pub note: String,
    /// Breaks about money that were accepted as open.
    pub accepted: usize,
}

/// A row of the journal, its order where it has one, and what it is about as people name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalLine {
    pub order: Option<(OrderId, OrderNumber)>,
    /// A credit invoice's number, or an effect's kind and reference.
    pub about: Option<String>,
    pub row: JournalRow,
}

/// How far the look back at what an earlier version concluded has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookingBack {
    pub orders: u64,
    /// Orders that wait to be judged under the present rules.
    pub waiting: u64,
    /// What it opened and nobody closed, oldest first.
    pub breaks: Vec<Break>,
}

/// Readings for people. Each is one snapshot.
pub trait Pages: Store {
    /// At most `limit` breaks behind `after`.
    fn breaks_page(
        &self, filter: BreakFilter, after: Option<BreakPlace>, limit: u32,
    ) -> impl Future<Output = Result<Vec<BreakRow>, StoreError>> + Send;

    fn break_by_id(&self, id: i64) -> impl Future<Output = Result<Option<BreakRow>, StoreError>> + Send;

    /// Every break an order ever had, oldest first.
    fn breaks_of(&self, order: OrderId) -> impl Future<Output = Result<Vec<Break>, StoreError>> + Send;

    /// At most `limit` credit invoices with smaller ids than `before`.
    fn credits_page(
        &self, filter: CreditFilter, before: Option<InvoiceId>, limit: u32,
    ) -> impl Future<Output = Result<Vec<CreditLine>, StoreError>> + Send;

    /// At most `limit` passes before the one numbered `before`, latest first.
    fn passes_page(
        &self, before: Option<i64>, limit: u32,
    ) -> impl Future<Output = Result<Vec<PassRow>, StoreError>> + Send;

    /// At most `limit` rows of the journal before the row `before`, latest first; only what humans decided, if asked.
    fn journal_page(
        &self, humans: bool, before: Option<i64>, limit: u32,
    ) -> impl Future<Output = Result<Vec<JournalLine>, StoreError>> + Send;

    /// At most `limit` proposals that wait for a second operator, of one order or of all; latest first. Those that
    /// lapsed are among them.
    fn proposals(
        &self, order: Option<OrderId>, reader: String, limit: u32,
    ) -> impl Future<Output = Result<Vec<ProposalRow>, StoreError>> + Send;

    /// At most `limit` periods that were closed before the journal row `before`, latest first.
    fn closed_periods(
        &self, before: Option<i64>, limit: u32,
    ) -> impl Future<Output = Result<Vec<ClosedRow>, StoreError>> + Send;

    fn looking_back(&self) -> impl Future<Output = Result<LookingBack, StoreError>> + Send;

    fn switch(&self) -> impl Future<Output = Result<Switch, StoreError>> + Send;
}
