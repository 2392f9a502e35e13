//! The life of a break: found, taken up, settled by a human, or gone by itself. The fourth machine.
//!
//! Pure, and shared by the store, the replay, the commands and the page: what may be done to a break is said once, here.

use super::IllegalTransition;
use super::discrepancy::BreakKind;
use super::money::Minor;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakStatus {
    Open,
    Acknowledged,
    /// Closed by a human.
    Resolved,
    /// Gone by itself.
    Cleared,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakEvent {
    Acknowledged,
    Resolved,
    Reopened,
    /// The difference is gone.
    Cleared,
    Noted,
    Assigned,
    Unassigned,
}

impl BreakStatus {
    pub const ALL: [Self; 4] = [Self::Open, Self::Acknowledged, Self::Resolved, Self::Cleared];

    /// The name of the outside contract, and of the journal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Cleared => "cleared",
        }
    }

    /// Somebody is still to do something about it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Acknowledged)
    }

    /// # Errors
    /// The machine has no such row.
    pub fn apply(self, event: BreakEvent) -> Result<Self, IllegalTransition> {
        use BreakEvent as E;
        Ok(match (self, event) {
            (Self::Open | Self::Acknowledged, E::Acknowledged) => Self::Acknowledged,
            (Self::Open | Self::Acknowledged, E::Resolved) => Self::Resolved,
            (Self::Acknowledged | Self::Resolved, E::Reopened) => Self::Open,
            (Self::Open | Self::Acknowledged, E::Cleared) => Self::Cleared,
            (Self::Open | Self::Acknowledged, E::Assigned | E::Unassigned) | (_, E::Noted) => self,
            (from, event) => return Err(IllegalTransition::new("break", from.name(), event.name())),
        })
    }
}

impl BreakEvent {
    pub const ALL: [Self; 7] = [
        Self::Acknowledged,
        Self::Resolved,
        Self::Reopened,
        Self::Cleared,
        Self::Noted,
        Self::Assigned,
        Self::Unassigned,
    ];

    /// The word in the journal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Reopened => "reopened",
            Self::Cleared => "cleared",
            Self::Noted => "noted",
            Self::Assigned => "assigned",
            Self::Unassigned => "unassigned",
        }
    }
}

/// What a human does with a break, or with many at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreakStep {
    Acknowledge,
    Resolve,
    Reopen,
    /// To somebody, or to nobody.
    Assign(Option<String>),
}

impl BreakStep {
    pub const fn event(&self) -> BreakEvent {
        match self {
            Self::Acknowledge => BreakEvent::Acknowledged,
            Self::Resolve => BreakEvent::Resolved,
            Self::Reopen => BreakEvent::Reopened,
            Self::Assign(Some(_)) => BreakEvent::Assigned,
            Self::Assign(None) => BreakEvent::Unassigned,
        }
    }

    /// Whether a break of this status is meant when many are taken at once: one that is acknowledged is not acknowledged
    /// again, and one that somebody works on is not opened again in passing.
    pub const fn concerns(&self, status: BreakStatus) -> bool {
        match self {
            Self::Acknowledge => matches!(status, BreakStatus::Open),
            Self::Resolve | Self::Assign(_) => status.is_open(),
            Self::Reopen => matches!(status, BreakStatus::Resolved),
        }
    }
}

/// A break as a decision that sees its difference again finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownBreak {
    pub status: BreakStatus,
    pub amount: Option<Minor>,
}

/// A difference that a decision saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenDifference {
    pub kind: BreakKind,
    pub amount: Option<Minor>,
    /// Its grace is over.
    pub is_due: bool,
    /// Effects of the order wait for what its differences say.
    pub withheld: bool,
}

/// What becomes of a difference and the break it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its open break says what is seen now.
    Refreshed,
    /// A human settled it, and it is the same still.
    StaysSettled,
    /// A new break.
    Opened,
    /// It may still go away by itself.
    Waits,
}

/// A break that a human resolved stays so while the same difference of the same amount persists: 8.95 that was paid in
/// cash is not asked about every five minutes, and 12.95 is. But while something is withheld, what withholds it is an
/// open break whoever resolved it: nobody would know otherwise why nothing moves.
pub fn fate(known: Option<KnownBreak>, seen: SeenDifference) -> Fate {
    let speaks_again = seen.withheld && seen.kind.withholds() && !planted!("withheld_in_silence");
    match known {
        Some(known) if known.status.is_open() => Fate::Refreshed,
        Some(KnownBreak { status: BreakStatus::Resolved, amount }) if amount == seen.amount && !speaks_again => {
            Fate::StaysSettled
        }
        Some(_) | None if seen.is_due => Fate::Opened,
        Some(_) | None => Fate::Waits,
    }
}

/// What a human says about a break of this kind is for the next pass to act on.
pub fn bears_on_effects(kind: BreakKind) -> bool {
    kind.withholds() || kind == BreakKind::PaidOtherwise
}
