//! What people have to be told: what came up, what still stands, what is over.
//!
//! Pure: what is so now, what was told before, and the time go in. It sends nothing, forgets nothing, and decides
//! nothing about money. Its items carry numbers and amounts, never a person and never a secret.

use jiff::{SignedDuration, Timestamp};

use reconciled_core::breaks::BreakStatus;
use reconciled_core::discrepancy::{BreakKind, Severity};
use reconciled_core::id::{InvoiceNumber, OrderNumber};
use reconciled_core::money::Minor;
use reconciled_store::{Break, Overdue, Told};

/// What something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Break(BreakKind),
    /// No pass over the shop was complete for twice its period.
    PassLate,
    /// The kill switch is on.
    WritesStopped,
    /// A request's outcome is unknown beyond its key's life, and no break says so.
    OutcomeUnknown,
    /// The service goes on with its old configuration.
    ConfigurationRefused,
}

impl Kind {
    /// Those that are no breaks.
    pub const SERVICE: [Self; 4] =
        [Self::PassLate, Self::WritesStopped, Self::OutcomeUnknown, Self::ConfigurationRefused];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Break(kind) => kind.name(),
            Self::PassLate => "pass_late",
            Self::WritesStopped => "writes_stopped",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::ConfigurationRefused => "configuration_refused",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let service = Self::SERVICE.into_iter().find(|kind| kind.name() == name);
        service.or_else(|| BreakKind::from_name(name).map(Self::Break))
    }

    pub const fn severity(self) -> Severity {
        match self {
            Self::Break(kind) => kind.severity(),
            Self::OutcomeUnknown => Severity::Money,
            Self::PassLate | Self::WritesStopped | Self::ConfigurationRefused => Severity::Action,
        }
    }

    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Break(kind) => kind.explained(),
            Self::PassLate => "`reconciled reconcile --dry-run` says what could not be checked, and why.",
            Self::WritesStopped => {
                "Find out who stopped it and why (the journal says so); `reconciled resume` allows writes again."
            }
            Self::OutcomeUnknown => "A pass over its order reads both sides and says what to do.",
            Self::ConfigurationRefused => "The log names every mistake; correct them and reload the service again.",
        }
    }

    /// The runbook's heading.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Break(kind) => kind.name(),
            Self::PassLate => "A pass that never completes",
            Self::WritesStopped => "The kill switch",
            Self::OutcomeUnknown => "An outcome that stays unknown",
            Self::ConfigurationRefused => "A configuration that is refused",
        }
    }
}

/// Who looks at it, and when: what one look does not cover it neither tells nor calls over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The store, at the end of a pass.
    Pass,
    /// The board, from time to time.
    Board,
    /// The service's own reload.
    Reload,
}

/// One thing that is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Names it for ever.
    pub subject: String,
    pub kind: Kind,
    pub order: Option<OrderNumber>,
    pub credit_invoice: Option<InvoiceNumber>,
    pub amount: Option<Minor>,
    pub since: Timestamp,
    pub message: String,
    /// What to do about it in the state it was found in; `None`: what is always done about its kind.
    pub remedy: Option<String>,
    /// Somebody works on it: it is neither told nor repeated, and not over either.
    pub is_known: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    New,
    /// Told before, and still so.
    Again,
    Over,
}

impl Change {
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Again => "again",
            Self::Over => "over",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub change: Change,
    pub item: Item,
}

impl News {
    /// Worth a message of its own. What is over waits for the next one, except that writes are allowed again.
    pub fn is_urgent(&self) -> bool {
        match self.change {
            Change::New | Change::Again => true,
            Change::Over => self.item.kind == Kind::WritesStopped,
        }
    }
}

/// What the configuration says about telling.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub repeat: SignedDuration,
    pub min_severity: Severity,
}

const LATE: &str = "late";
const STOPPED: &str = "stopped";
const RELOAD: &str = "configuration";

impl Source {
    pub fn covers(self, subject: &str) -> bool {
        match self {
            Self::Pass => !Self::Board.covers(subject) && !Self::Reload.covers(subject),
            Self::Board => subject == LATE,
            Self::Reload => subject == RELOAD,
        }
    }
}

impl Item {
    pub fn remedy(&self) -> &str {
        self.remedy.as_deref().unwrap_or(self.kind.remedy())
    }

    fn plain(subject: String, kind: Kind, since: Timestamp, message: String) -> Self {
        let (order, credit_invoice, amount) = (None, None, None);
        Self { subject, kind, order, credit_invoice, amount, since, message, remedy: None, is_known: false }
    }

    fn of_break(it: &Break) -> Self {
        Self {
            order: it.order.clone(),
            credit_invoice: it.credit_invoice.clone(),
            amount: it.amount,
            remedy: it.remedy.clone(),
            is_known: it.status == BreakStatus::Acknowledged,
            ..Self::plain(format!("break {}", it.id), Kind::Break(it.kind), it.opened_at, it.message.clone())
        }
    }

    fn of_overdue(it: &Overdue) -> Self {
        let message = format!(
            "the outcome of the {} sent {:.0} is unknown, and its key is too old for a repeat (intent {})",
            it.kind.name(),
            it.first_sent_at,
            it.intent
        );
        Self {
            order: Some(it.order.clone()),
            credit_invoice: it.credit_invoice.clone(),
            amount: Some(it.amount),
            remedy: Some(format!("`reconciled reconcile --order {}` reads both sides and says what to do.", it.order)),
            ..Self::plain(format!("intent {}", it.intent), Kind::OutcomeUnknown, it.first_sent_at, message)
        }
    }

    /// Something that was told, as it was.
    fn of_told(told: &Told, message: String) -> Option<Self> {
        Some(Self {
            order: told.order.clone(),
            credit_invoice: told.credit_invoice.clone(),
            amount: told.amount,
            ..Self::plain(told.subject.clone(), Kind::from_name(&told.kind)?, told.since, message)
        })
    }

    /// What is kept of it once people were told at `at`.
    pub fn told(&self, at: Timestamp) -> Told {
        Told {
            subject: self.subject.clone(),
            kind: self.kind.name().to_owned(),
            order: self.order.clone(),
            credit_invoice: self.credit_invoice.clone(),
            amount: self.amount,
            since: self.since,
            told_at: at,
        }
    }
}

/// What a pass left in the store.
pub fn after_pass(stopped: bool, breaks: &[Break], overdue: &[Overdue], now: Timestamp) -> Vec<Item> {
    let message = || "nothing is written to either side until `reconciled resume`".to_owned();
    let switch = stopped.then(|| Item::plain(STOPPED.to_owned(), Kind::WritesStopped, now, message()));
    let open = breaks.iter().filter(|it| matches!(it.status, BreakStatus::Open | BreakStatus::Acknowledged));
    switch.into_iter().chain(open.map(Item::of_break)).chain(overdue.iter().map(Item::of_overdue)).collect()
}

/// Whether a shop is late: `deadline` says until when a pass must be complete, if one was at a time. `None` while
/// nobody can know, because the service has not watched the shop for long enough.
pub fn lateness(
    last_complete: Option<Timestamp>, deadline: impl Fn(Timestamp) -> Option<Timestamp>, watched_since: Timestamp,
    now: Timestamp,
) -> Option<Vec<Item>> {
    let is_past = |at: Timestamp| deadline(at).map(|deadline| now > deadline);
    if last_complete.is_some_and(|at| is_past(at) == Some(false)) {
        return Some(Vec::new());
    }
    let since = last_complete.map_or(watched_since, |at| at.max(watched_since));
    if is_past(since) != Some(true) {
        return None;
    }
    let message = match last_complete {
        Some(at) => format!("no pass has checked everything since {at:.0}"),
        None => "no pass has checked everything yet".to_owned(),
    };
    Some(vec![Item::plain(LATE.to_owned(), Kind::PassLate, last_complete.unwrap_or(since), message)])
}

/// Whether the configuration was refused when it was read again.
pub fn reload(refused_at: Option<Timestamp>) -> Vec<Item> {
    let message = || "the configuration was read again and refused; the service goes on with the old one".to_owned();
    let refused = refused_at.map(|at| Item::plain(RELOAD.to_owned(), Kind::ConfigurationRefused, at, message()));
    refused.into_iter().collect()
}

/// Compares what `source` found with what people were told before.
pub fn news(source: Source, found: &[Item], told: &[Told], rules: Rules, now: Timestamp) -> Vec<News> {
    let known = |subject: &str| told.iter().find(|told| told.subject == subject);
    let wanted = |item: &&Item| match item.kind {
        Kind::Break(kind) => !item.is_known && kind.severity() <= rules.min_severity,
        Kind::PassLate | Kind::WritesStopped | Kind::OutcomeUnknown | Kind::ConfigurationRefused => true,
    };
    let standing = found.iter().filter(wanted).filter_map(|item| match known(&item.subject) {
        None => Some(News { change: Change::New, item: item.clone() }),
        Some(told) => {
            let is_time = now.duration_since(told.told_at) >= rules.repeat;
            let item = Item { since: item.since.min(told.since), ..item.clone() };
            is_time.then_some(News { change: Change::Again, item })
        }
    });
    let over = told.iter().filter(|told| source.covers(&told.subject)).filter_map(|told| {
        let stands = found.iter().any(|item| item.subject == told.subject);
        let item = (!stands).then(|| Item::of_told(told, "it is over".to_owned())).flatten()?;
        Some(News { change: Change::Over, item })
    });
    standing.chain(over).collect()
}

#[cfg(test)]
#[path = "alarm/tests.rs"]
mod tests;
