//! What this program holds true about one order: its machines, its intents and what humans decided about it.
//!
//! Loaded from the store as one value, so that a decision never asks for more.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::adoption::Part;
use super::credit_invoice::{self, CreditInvoice, Proof};
use super::discrepancy::BreakKind;
use super::id::{CaptureId, Identity, IntentId, InvoiceId, InvoiceNumber, KlarnaOrderId, RefundId, ShopName};
use super::intent::{self, Intent, Kind};
use super::money::Minor;
use super::order::Order;
use super::share::Accepted;

/// A credit invoice as we hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditRecord {
    pub number: InvoiceNumber,
    pub state: CreditInvoice,
    /// The amount when it was last read (or intended); a later change is noticed against it.
    pub amount: Option<Minor>,
    pub created_at: Timestamp,
}

/// Which obligations a refund settles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribution {
    /// The whole refund, as far as the credit invoice reaches: what was said before refunds had parts.
    CreditInvoice(InvoiceId),
    /// The remainder of a cancelled order.
    Cancel,
    /// A human ruled it out: it settles nothing of this order, and stops nothing.
    RuledOut,
    /// Each part for what it settles. What they leave of the refund is explained by nothing.
    Parts(Vec<Part>),
}

/// Everything held about one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    pub shop: ShopName,
    /// Whose orders these are, once the shop said so; what new ids and keys are made of.
    pub whose: Option<Identity>,
    pub order: Order,
    /// The Klarna order on whose facts the states rest, once it was read.
    pub judged_under: Option<KlarnaOrderId>,
    pub credits: BTreeMap<InvoiceId, CreditRecord>,
    /// Every intent that ever existed for the order, oldest first.
    pub intents: Vec<Intent>,
    /// What humans said about refunds that carry no reference of ours.
    pub adopted: BTreeMap<RefundId, Attribution>,
    /// Credit invoices of which humans said that they name what never left, each with the amount it had then.
    pub never_sent: BTreeMap<InvoiceId, Minor>,
    /// Effects whose exact content a human approved although a ceiling holds them.
    pub approved: BTreeSet<IntentId>,
    /// Those of them to which two humans agreed.
    pub countersigned: BTreeSet<IntentId>,
    /// A human's hold, with its note.
    pub hold: Option<String>,
    /// Since when each difference of the last decision has been there, by its kind and subject.
    pub differs_since: BTreeMap<(BreakKind, String), Timestamp>,
    /// A human's word on what of the order Klarna is to take.
    pub accepted: Option<Accepted>,
    /// What a human said has gone back by other means, by the number of its credit invoice.
    pub given_back: BTreeMap<InvoiceNumber, Minor>,
    /// Credit invoices that are cancelled because they vanished from the shop.
    pub vanished: BTreeSet<InvoiceId>,
    /// Intents whose effect a read has shown.
    pub shown: BTreeSet<IntentId>,
    /// The most that reads of the Klarna order under which it was judged said was refunded.
    pub most_refunded: Minor,
    /// The captures that those reads ever listed by an id of Klarna's.
    pub captures: BTreeMap<CaptureId, Minor>,
    /// The refunds that they ever listed by one, together.
    pub refunds: Minor,
}

impl Ledger {
    /// An order seen for the first time.
    pub fn new(shop: ShopName) -> Self {
        Self {
            shop,
            whose: None,
            order: Order::Pending,
            judged_under: None,
            credits: BTreeMap::new(),
            intents: Vec::new(),
            adopted: BTreeMap::new(),
            never_sent: BTreeMap::new(),
            approved: BTreeSet::new(),
            countersigned: BTreeSet::new(),
            hold: None,
            differs_since: BTreeMap::new(),
            accepted: None,
            given_back: BTreeMap::new(),
            vanished: BTreeSet::new(),
            shown: BTreeSet::new(),
            most_refunded: Minor::ZERO,
            captures: BTreeMap::new(),
            refunds: Minor::ZERO,
        }
    }

    /// Since when this has been seen without a decision between that did not see it.
    pub fn since(&self, kind: BreakKind, subject: &str) -> Option<Timestamp> {
        self.differs_since.get(&(kind, subject.to_owned())).copied()
    }
}

/// What the outcome of an attempt means for the credit invoice that the intent serves.
pub fn follows(intent: &Intent, event: intent::Event, made: Option<&RefundId>) -> Option<credit_invoice::Event> {
    use credit_invoice::Event as C;
    use intent::Event as E;
    intent.effect.credit_invoice.as_ref()?;
    match (intent.effect.kind, event) {
        (Kind::Refund, E::Confirmed) => {
            let refund = made.cloned().unwrap_or_else(|| RefundId::made_up(&intent.id.to_string()));
            Some(C::Refunded(Proof::Refund(refund)))
        }
        (Kind::Refund, E::Rejected | E::Abandoned) => Some(C::Refused),
        (Kind::MarkPaid, E::Confirmed) => Some(C::PaidSeen),
        (Kind::Refund | Kind::MarkPaid | Kind::Cancel | Kind::Release | Kind::Capture | Kind::Extend, _) => None,
    }
}
