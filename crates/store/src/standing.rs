//! A shop's figures: what a service shows of it. No decision about money rests on them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use reconciled_core::discrepancy::BreakKind;
use reconciled_core::money::Minor;

/// How a shop stands, in figures: for a service's health, not for decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The kill switch is on.
    pub stopped: bool,
    /// Open and acknowledged breaks.
    pub breaks: BTreeMap<BreakKind, OpenBreaks>,
    /// Intents that are not finished, by the name of their state.
    pub intents: BTreeMap<&'static str, u64>,
    /// When the oldest request whose outcome is unknown was last sent.
    pub oldest_unknown: Option<Timestamp>,
    /// When the last pass that checked everything ended.
    pub last_complete: Option<Timestamp>,
}

impl Standing {
    pub fn open_breaks(&self) -> u64 {
        self.breaks.values().fold(0, |sum, open| sum.saturating_add(open.count))
    }
}

/// The open breaks of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenBreaks {
    pub count: u64,
    /// What is at stake, as far as the breaks name an amount.
    pub amount: Minor,
    pub oldest: Timestamp,
}
