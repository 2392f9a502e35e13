//! What a pass found and did, for people and scripts. Read only: nothing here changes anything.

pub mod breaks;
pub mod human;
pub mod json;
pub mod period;
pub mod show;
pub mod text;
pub mod words;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use reconciled_core::id::{IntentId, InvoiceNumber, OrderNumber, PassId, ShopName};
use reconciled_core::intent::Kind;
use reconciled_core::money::{Currency, Minor};
use reconciled_sides::http::ReadWrite;
use uuid::Uuid;

/// The outcome of one pass; its orders and breaks are read from the store, page by page.
#[derive(Clone, Debug)]
#[must_use = "an unread report is not actionable"]
pub struct PassReport {
    pub shop: ShopName,
    pub pass: PassId,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    pub dry_run: bool,
    /// The shop's currency, once known.
    pub currency: Option<Currency>,
    pub checked: Checked,
    pub effects: Vec<EffectRow>,
    pub calls: Calls,
    /// Calls left in each of the shop's windows, by the window's length.
    pub calls_left: Vec<(SignedDuration, i64)>,
    pub not_checked: Vec<NotChecked>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub orders: u64,
    pub credit_invoices: u64,
    pub klarna_orders: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub lightspeed: ReadWrite,
    pub klarna: ReadWrite,
}

impl Calls {
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self { lightspeed: self.lightspeed.plus(more.lightspeed), klarna: self.klarna.plus(more.klarna) }
    }
}

/// Something that could not be checked, and why; never silently clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    pub what: String,
    pub why: String,
    /// Whose answer is missing or unusable; `None` when it is neither side's doing.
    pub side: Option<Side>,
}

/// The two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Lightspeed,
    Klarna,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Due, and not sent: `--dry-run` or `act = false`.
    Planned,
    Confirmed,
    Rejected,
    Unknown,
    /// Due, and withheld.
    Held,
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::Held => "held",
        }
    }
}

/// One effect that was due in the pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectRow {
    pub intent: IntentId,
    pub kind: Kind,
    pub order: OrderNumber,
    pub credit_invoice: Option<InvoiceNumber>,
    pub amount: Minor,
    pub reference: String,
    pub key: Uuid,
    pub outcome: Outcome,
    /// Refused, and not due any more: nothing is left to do about it.
    pub superseded: bool,
    pub why: String,
}

impl PassReport {
    /// Nothing was left unchecked.
    pub fn is_complete(&self) -> bool {
        self.not_checked.is_empty()
    }

    /// The first thing that a side did not answer, if it left anything out.
    pub fn trouble_of(&self, side: Side) -> Option<&NotChecked> {
        self.not_checked.iter().find(|it| it.side == Some(side))
    }

    /// How many effects ended how.
    pub fn outcomes(&self) -> BTreeMap<&'static str, usize> {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for effect in &self.effects {
            let count = counts.entry(effect.outcome.name()).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }

    /// The exit status of the outside contract: 0, 1 or 3; 3 wins over 1.
    pub fn exit_status(&self, open_breaks: usize) -> u8 {
        let any = |outcome| self.effects.iter().any(|effect| effect.outcome == outcome && !effect.superseded);
        if !self.is_complete() || any(Outcome::Unknown) {
            3
        } else {
            let due = any(Outcome::Planned) || any(Outcome::Held) || any(Outcome::Rejected);
            u8::from(open_breaks > 0 || due)
        }
    }
}
