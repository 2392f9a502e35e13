//! The durable state behind one trait of few verbs.
//!
//! Each verb is one transaction; what a crash right after it means is said on the verb. The store chooses nothing:
//! it compares, writes and appends to the journal. No network call is ever made inside a transaction.
#![forbid(unsafe_code)]

#[macro_use]
extern crate reconciled_core;

mod candidates;
pub mod checkpoint;
mod claim;
pub mod codec;
mod difference;
mod error;
pub mod pages;
mod parsed;
pub mod period;
pub mod policy;
mod refusal;
pub(crate) mod rows;
mod shown;
pub mod sqlite;
mod standing;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use jiff::{SignedDuration, Timestamp};

pub use claim::{Attempt, Claim, Guard};
pub use difference::Difference;
pub use error::StoreError;
use reconciled_core::breaks::BreakStep;
use reconciled_core::credit_invoice;
use reconciled_core::facts::{KlarnaOrder, ListedInvoice, ListedOrder, ShopOrder};
pub use reconciled_core::id::Identity;
use reconciled_core::id::{IntentId, InvoiceId, InvoiceNumber, KlarnaOrderId, OrderId, OrderNumber, PassId, RefundId};
use reconciled_core::intent::{self, Intent};
use reconciled_core::ledger::{Attribution, Ledger};
use reconciled_core::link::{Seen, Told as ToldLink};
use reconciled_core::money::{Currency, Minor};
use reconciled_core::order;
use reconciled_core::plan::Note;
use reconciled_core::references::References;
pub use refusal::Refusal;
pub use shown::{Audit, Break, Bulk, Chain, CreditRow, HeldOrder, JournalRow, Named, Operated, OrderRow, Proposal};
pub use standing::{OpenBreaks, Standing};
pub use told::{Channel, Overdue, Told};

/// What the shop said about itself, kept so that it is not asked again in every pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopRecord {
    /// Who the books belong to. Bound by the first pass; another identity is refused for ever.
    pub identity: Identity,
    pub currency: Currency,
    pub read_at: Timestamp,
}

/// When a shop's next passes are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextDue {
    /// What changed.
    pub poll: Timestamp,
    /// Everything again.
    pub full: Timestamp,
}

/// The place in the shop's history up to which the lists were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursors {
    pub orders: Option<Timestamp>,
    pub invoices: Option<Timestamp>,
}

impl Cursors {
    /// The same places, none of them after `now`: a row whose time lies ahead must not hide what changes until then.
    #[must_use]
    pub fn no_later_than(self, now: Timestamp) -> Self {
        let bound = |cursor: Option<Timestamp>| cursor.map(|cursor| cursor.min(now));
        Self { orders: bound(self.orders), invoices: bound(self.invoices) }
    }
}

/// Which orders of the shop a pass works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those whose time has come.
    Due,
    /// Those whose time has not come, unread ones included.
    Quiet,
    /// Every linked order (`--full`).
    All,
}

/// One order with everything held about it.
#[derive(Clone, Debug)]
pub struct Dossier {
    pub ledger: Ledger,
    pub shop: ShopOrder,
    /// When the shop's answer was kept.
    pub shop_read_at: Timestamp,
    /// What Klarna said last, and when that read was started.
    pub klarna: Option<(KlarnaOrder, Timestamp)>,
    /// What Klarna said of each Klarna order that it names or named, where there are several, and when that was asked.
    pub asked: Vec<(Seen, Timestamp)>,
    /// What a human said about which Klarna order is its own.
    pub told: Option<ToldLink>,
    /// Other shop orders that name the same Klarna order, for each that this one names.
    pub shared: BTreeMap<KlarnaOrderId, Vec<OrderNumber>>,
    /// Since when nothing changed on either side, as far as we saw.
    pub quiet_since: Timestamp,
    /// An earlier edition of the rules judged it last.
    pub is_outdated: bool,
    /// When a human last spoke about it.
    pub heard_at: Option<Timestamp>,
}

/// One state change of one machine, computed by the caller through the machine's `apply`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Order {
        before: order::Order,
        event: order::Event,
        after: order::Order,
    },
    Credit {
        id: InvoiceId,
        before: credit_invoice::CreditInvoice,
        event: credit_invoice::Event,
        after: credit_invoice::CreditInvoice,
    },
    Intent {
        id: IntentId,
        before: intent::State,
        event: intent::Event,
        after: intent::State,
        note: Option<Note>,
    },
}

/// Everything one decision about one order makes durable.
#[derive(Clone, Debug)]
pub struct Decided {
    pub order: OrderId,
    /// The Klarna answer the decision rests on, and when its read was started.
    pub klarna: Option<(KlarnaOrder, Timestamp)>,
    /// The Klarna order that was chosen for it; `None` leaves what is held.
    pub link: Option<KlarnaOrderId>,
    /// What Klarna said of each Klarna order that it names, where it names several.
    pub asked: Vec<(Seen, Timestamp)>,
    /// Whether a reference of its Klarna order names it, and when it was placed; `None` leaves what was learnt.
    pub named_by: Option<(bool, Timestamp)>,
    /// Something on either side differs from what was held before.
    pub changed: bool,
    /// Credit invoices as the shop says now; new ones are made `Pending` and journalled as first seen.
    pub credits: Vec<(InvoiceId, InvoiceNumber, Option<Minor>, Timestamp)>,
    /// In the order in which they happened. A step whose `before` is not what the store holds fails the whole
    /// decision with [`StoreError::Moved`].
    pub steps: Vec<Step>,
    /// Absent reads of intents in flight: remembered, not journalled.
    pub absent: Vec<(IntentId, Timestamp)>,
    /// New intents. Each is refused, and the decision with it, when an open one exists for the same order, kind
    /// and reference, or when refunds would exceed `captured`.
    pub intents: Vec<Intent>,
    /// What the money guard compares with, from the same read.
    pub captured: Minor,
    pub refunded: Minor,
    pub discrepancies: Vec<Difference>,
    /// Effects wait for what the differences say: while they do, no human's word closes a break that withholds.
    pub withheld: bool,
    pub next_look: Option<Timestamp>,
    /// An earlier edition of the rules had judged it: what opens now is marked as found by looking back.
    pub looks_back: bool,
    /// Which words of humans it rests on. One spoken since fails it with [`StoreError::Moved`].
    pub heard_at: Option<Timestamp>,
}

/// What a human decided (contract: hold, release, approve, adopt, ignore, breaks, stop, resume).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Stop,
    Resume,
    Hold(OrderId),
    Release(OrderId),
    /// An effect by the id the report named: one that a ceiling holds may go, one that was refused or whose key
    /// expired may be started anew (an `Unknown` intent becomes `Abandoned` in the same transaction).
    /// A refund above `two_person_above` is proposed by the first operator and let go by another, within a day; the
    /// amount is the one the store holds.
    Approve {
        order: OrderId,
        intent: IntentId,
        /// As the human named it, where they did.
        amount: Option<Minor>,
        two_person_above: Option<Minor>,
    },
    /// What of an order Klarna is to take, where the two sides differ: never more than the order's total.
    Accept {
        order: OrderId,
        amount: Minor,
    },
    /// An intent that will never be sent (again).
    Abandon(IntentId),
    Attribute {
        order: OrderId,
        refund: RefundId,
        to: Attribution,
    },
    /// A credit invoice names what never left: nothing of it is owed, and less is captured. Holds for the amount that the
    /// store holds, and takes back every consent to its refund that is no intent yet.
    NeverSent {
        order: OrderId,
        credit: InvoiceId,
    },
    /// Which Klarna order a shop order belongs to, for good. What was concluded under another one is judged again.
    Link {
        order: OrderId,
        to: ToldLink,
    },
    /// A step on one break, by its id.
    Break(i64, BreakStep),
    /// A note on a break, and nothing else.
    Remark(i64),
    /// One step on every break of a kind; refused when they are not the ones that were counted.
    Breaks(Bulk),
}

/// A shop's durable state. One writer; every verb that writes is one committed, synced transaction.
pub trait Store: Clone + Send + Sync + 'static {
    /// Binds the store to `identity` and keeps what the shop said; refuses another identity, and a second name for one
    /// that it holds ([`StoreError::OtherName`]).
    /// After a crash: bound or not, never half.
    fn bind(&self, shop: ShopRecord) -> impl Future<Output = Result<(), StoreError>> + Send;

    fn shop(&self) -> impl Future<Output = Result<Option<ShopRecord>, StoreError>> + Send;

    fn cursors(&self) -> impl Future<Output = Result<Cursors, StoreError>> + Send;

    /// Opens a pass. Every intent found `Sending` becomes `Unknown`: its request may have been under way when the
    /// last writer died. Returns their ids. Orders with a payment whose answer was lost become unread: only a new
    /// look at the shop may settle or repeat it.
    fn begin_pass(&self, id: PassId, at: Timestamp) -> impl Future<Output = Result<Vec<IntentId>, StoreError>> + Send;

    /// Remembers one list page, and which of its orders must be read. A crash loses the page, not the cursor.
    fn listed(
        &self, orders: Vec<ListedOrder>, invoices: Vec<ListedInvoice>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Moves the cursors once every page of a listing was remembered. Orders not yet read stay marked unread.
    fn advance(&self, cursors: Cursors) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Orders whose listed version is newer than the version read, oldest change first. Orders only known from an
    /// invoice are included; orders that are not Klarna's are not.
    fn unread(&self, limit: u32) -> impl Future<Output = Result<Vec<OrderId>, StoreError>> + Send;

    /// Those of the unread orders of which a list named a credit invoice that is not paid, newest change first: what
    /// happened today waits for no history.
    fn urgent(&self, limit: u32) -> impl Future<Output = Result<Vec<OrderId>, StoreError>> + Send;

    /// Marks as unread every order of which anything is open, whatever its date says: one that names no Klarna order,
    /// that is not paid, cancelled or expired, that has an unpaid credit invoice or an intent without an outcome, or
    /// that differs. They come behind what is unread already. After a crash: marked or not, never in part.
    fn reread(&self, at: Timestamp) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps what the shop said about orders. `None`: read, and not Klarna's; so is one that was paid otherwise, unless it
    /// names a Klarna order, or did, and nothing moved there. An older version never overwrites a newer one.
    fn observe(
        &self, orders: Vec<(OrderId, Option<ShopOrder>)>, at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The shop does not find an order. `true` once that is believed, `apart` after it was said first: it counts as gone.
    fn not_found(
        &self, order: OrderId, at: Timestamp, apart: SignedDuration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Orders to look at, by id after `after`; unread ones are among the quiet ones only.
    fn due(
        &self, scope: Scope, now: Timestamp, after: OrderId, limit: u32,
    ) -> impl Future<Output = Result<Vec<OrderId>, StoreError>> + Send;

    /// Makes orders due at once; unread ones once they are read.
    fn wake(&self, orders: Vec<OrderId>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The policy under which every quiet order was last looked through, as [`Store::keep_policy`] was told.
    fn policy(&self) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// Remembers and journals the policy once every order that it concerns is due. A crash before repeats the search.
    fn keep_policy(&self, policy: String, at: Timestamp) -> impl Future<Output = Result<(), StoreError>> + Send;

    fn dossiers(&self, orders: Vec<OrderId>) -> impl Future<Output = Result<Vec<Dossier>, StoreError>> + Send;

    /// Makes decisions durable, each wholly or not at all: facts, steps, intents, differences and journal rows in
    /// one transaction. The answer has one result per decision. After a crash the next pass decides anew.
    fn decide(
        &self, pass: PassId, at: Timestamp, decisions: Vec<Decided>,
    ) -> impl Future<Output = Result<Vec<Result<(), StoreError>>, StoreError>> + Send;

    /// Claims one intent for sending, if the kill switch, the holds and the money guard still allow it. Once this
    /// returned `Granted` the claim is on disk: after a crash the intent is found `Sending` and becomes `Unknown`.
    fn claim(
        &self, pass: PassId, intent: IntentId, guard: Guard,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// Moves the intent, and the credit invoice it serves, as the answer says. A crash before leaves it `Unknown`.
    fn record(
        &self, pass: PassId, attempt: Attempt, at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Refunds intended since `since`, without what surely moved no money.
    fn spent(&self, since: Timestamp) -> impl Future<Output = Result<Minor, StoreError>> + Send;

    /// What linked orders show of the references at Klarna.
    fn references(&self) -> impl Future<Output = Result<References, StoreError>> + Send;

    fn is_stopped(&self) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Keeps what a pass could not check and why, for the reports. After a crash before this the pass never ended.
    fn keep_unchecked(
        &self, id: PassId, unchecked: Vec<(String, String)>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Closes a pass; `complete` only when nothing was left unchecked.
    fn end_pass(
        &self, id: PassId, at: Timestamp, complete: bool,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A human's decision, journalled with who and why in the same transaction.
    fn operate(
        &self, operation: Operation, actor: String, note: String, at: Timestamp,
    ) -> impl Future<Output = Result<Operated, StoreError>> + Send;

    /// Breaks, oldest first; `closed` includes the resolved and cleared ones.
    fn breaks(&self, closed: bool) -> impl Future<Output = Result<Vec<Break>, StoreError>> + Send;

    /// Orders that operators hold, longest first.
    fn holds(&self) -> impl Future<Output = Result<Vec<HeldOrder>, StoreError>> + Send;

    /// Orders that the pass decided, by id after `after`.
    fn looked_at(
        &self, pass: PassId, after: OrderId, limit: u32,
    ) -> impl Future<Output = Result<Vec<OrderRow>, StoreError>> + Send;

    /// Orders of this number, else credit invoices of it, else what has it as its id. Two may have one number.
    fn find(&self, number: String) -> impl Future<Output = Result<Vec<Named>, StoreError>> + Send;

    /// Recomputes the hash chain, replays every machine through its `apply`, and compares with the stored states.
    fn audit(&self) -> impl Future<Output = Result<Audit, StoreError>> + Send;

    /// Recomputes the hash chain alone, with the trees at `sizes`: what a checkpoint is signed over and compared with.
    fn chain(&self, sizes: BTreeSet<u64>) -> impl Future<Output = Result<Chain, StoreError>> + Send;

    fn intent(&self, id: IntentId) -> impl Future<Output = Result<Option<Intent>, StoreError>> + Send;

    /// The journal of one order, its credit invoices and intents, oldest first.
    fn history(&self, order: OrderId) -> impl Future<Output = Result<Vec<JournalRow>, StoreError>> + Send;

    /// Calls left per window as the servers last said, and when; so that a restart does not forget a limit.
    fn budgets(&self) -> impl Future<Output = Result<BTreeMap<String, String>, StoreError>> + Send;

    fn keep_budgets(&self, budgets: BTreeMap<String, String>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// When the service's next passes are due; `None` before it ever ran.
    fn next_due(&self) -> impl Future<Output = Result<Option<NextDue>, StoreError>> + Send;

    /// Keeps when the next passes are due. After a crash before this, the pass that just ran is run once more.
    fn keep_next_due(&self, next: NextDue) -> impl Future<Output = Result<(), StoreError>> + Send;

    fn standing(&self) -> impl Future<Output = Result<Standing, StoreError>> + Send;

    /// What people were told through `channel` and was not over then.
    fn told(&self, channel: Channel) -> impl Future<Output = Result<Vec<Told>, StoreError>> + Send;

    /// Keeps what people were told, and forgets these subjects. After a crash before this they are told once more.
    fn keep_told(
        &self, channel: Channel, told: Vec<Told>, over: Vec<String>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Requests first sent before `before` whose outcome is unknown and that no break names, oldest first.
    fn overdue(&self, before: Timestamp) -> impl Future<Output = Result<Vec<Overdue>, StoreError>> + Send;
}
