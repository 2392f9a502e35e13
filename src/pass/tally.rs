//! What a pass counts and says while it runs; becomes its report. Decides nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{ASKED_TO_END, Options, Stop};
use crate::report::{Calls, Checked, EffectRow, NotChecked, Outcome, PassReport, Side};
use reconciled_core::answer::{Said, Unreadable};
use reconciled_core::id::{IntentId, PassId, ShopName};
use reconciled_core::money::Currency;
use reconciled_sides::http::ReadWrite;

/// Told how far a pass is; for progress bars.
pub trait Progress: Send + Sync {
    fn stage(&self, what: &str);
    fn advance(&self, orders: u64);
}

/// No progress is shown.
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _what: &str) {}
    fn advance(&self, _orders: u64) {}
}

/// The running count of one pass.
pub(super) struct Tally<'a> {
    pub shop: ShopName,
    pub pass: PassId,
    pub started_at: Timestamp,
    pub progress: &'a dyn Progress,
    pub stop: Stop,
    dry_run: bool,
    pub currency: Option<Currency>,
    pub checked: Checked,
    effects: BTreeMap<IntentId, EffectRow>,
    calls: Calls,
    not_checked: Vec<NotChecked>,
    lists_failed: bool,
    closed: ClosedSides,
}

/// What takes no more writes in this pass.
#[derive(Default)]
struct ClosedSides {
    account: bool,
    marking: bool,
}

/// More entries than this say nothing that the first ones do not; the rest is counted.
const NAMED_AT_MOST: usize = 1_000;

impl<'a> Tally<'a> {
    pub(super) fn new(
        shop: ShopName, pass: PassId, started_at: Timestamp, options: &Options, progress: &'a dyn Progress,
    ) -> Self {
        Self {
            shop,
            pass,
            started_at,
            progress,
            stop: options.stop.clone(),
            dry_run: options.dry_run,
            currency: None,
            checked: Checked::default(),
            effects: BTreeMap::new(),
            calls: Calls::default(),
            not_checked: Vec::new(),
            lists_failed: false,
            closed: ClosedSides::default(),
        }
    }

    /// An effect and what became of it; a later word about the same effect replaces an earlier one.
    pub(super) fn effect(&mut self, row: EffectRow) {
        self.effects.insert(row.intent, row);
    }

    /// What was refused turned out not to be due any more.
    pub(super) fn superseded(&mut self, intent: IntentId) {
        let rows = self.effects.get_mut(&intent).filter(|row| row.outcome == Outcome::Rejected && !row.superseded);
        if let Some(row) = rows {
            row.superseded = true;
            row.why.push_str("; it is not due any more");
        }
    }

    pub(super) fn not_checked(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.note(NotChecked { what: what.into(), why: why.into(), side: None });
    }

    /// The same, because of what `side` answered or did not.
    pub(super) fn unanswered(&mut self, side: Side, what: impl Into<String>, why: impl Into<String>) {
        self.note(NotChecked { what: what.into(), why: why.into(), side: Some(side) });
    }

    fn note(&mut self, entry: NotChecked) {
        tracing::info!("{} was not checked: {}", entry.what, entry.why);
        if self.not_checked.len() < NAMED_AT_MOST && !self.not_checked.contains(&entry) {
            self.not_checked.push(entry);
        }
    }

    /// So many due orders were left; `or_more` when nobody counted on.
    pub(super) fn left_over(&mut self, orders: usize, or_more: bool) {
        if orders > 0 {
            let least = if or_more { "at least " } else { "" };
            self.not_checked(format!("{least}{orders} further orders that are due"), ASKED_TO_END);
        }
    }

    /// A list could not be read: what is known of the shop may be old, so nothing is decided on it.
    pub(super) fn lists_failed(&mut self, what: &str, why: &Unreadable) {
        self.lists_failed = true;
        self.unanswered(Side::Lightspeed, what, reason(why));
    }

    pub(super) fn lists_were_read(&self) -> bool {
        !self.lists_failed
    }

    /// Klarna refuses the credential: the whole account pauses.
    pub(super) fn close_account(&mut self, said: &Said) {
        if !self.closed.account {
            self.closed.account = true;
            self.unanswered(Side::Klarna, "Klarna", format!("the credential was refused: {}", spoken(said)));
        }
    }

    pub(super) const fn account_is_closed(&self) -> bool {
        self.closed.account
    }

    /// The shop refuses writes under this key: nothing else is marked paid in this pass.
    pub(super) fn close_marking(&mut self, said: &Said) {
        if !self.closed.marking {
            self.closed.marking = true;
            self.unanswered(Side::Lightspeed, "Lightspeed", format!("marking paid was refused: {}", spoken(said)));
        }
    }

    pub(super) const fn marking_is_closed(&self) -> bool {
        self.closed.marking
    }

    pub(super) fn count_calls(&mut self, lightspeed: ReadWrite, klarna: ReadWrite) {
        self.calls = Calls { lightspeed, klarna };
    }

    pub(super) fn report(self, finished_at: Timestamp) -> PassReport {
        let mut effects: Vec<_> = self.effects.into_values().collect();
        effects.sort_by(|a, b| (&a.order, a.kind, &a.reference).cmp(&(&b.order, b.kind, &b.reference)));
        PassReport {
            shop: self.shop,
            pass: self.pass,
            started_at: self.started_at,
            finished_at,
            dry_run: self.dry_run,
            currency: self.currency,
            checked: self.checked,
            effects,
            calls: self.calls,
            calls_left: Vec::new(),
            not_checked: self.not_checked,
        }
    }
}

/// Why a read is not begun any more.
pub(super) fn asked_to_end() -> Unreadable {
    Unreadable::Failed(Said { message: ASKED_TO_END.to_owned(), ..Said::default() })
}

/// Why a read gave nothing, in words.
pub(super) fn reason(why: &Unreadable) -> String {
    match why {
        Unreadable::NotFound(said) => format!("it is not known there: {}", spoken(said)),
        Unreadable::Throttled { until, said } => format!("too many requests, not before {until}: {}", spoken(said)),
        Unreadable::Refused(said) => format!("the credential was refused: {}", spoken(said)),
        Unreadable::OutOfBudget { until } => format!("no calls are left in the budget before {until}"),
        Unreadable::Failed(said) => spoken(said),
    }
}

/// What the other side said, with what its support desk asks for.
pub(super) fn spoken(said: &Said) -> String {
    said.to_string()
}
