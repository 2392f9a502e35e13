//! The four pictures of the report, as whole numbers: what to draw, not how.
//!
//! Everything is counted while lines pass, so that a chart over any number of lines takes no more memory than its bars.

use std::collections::BTreeMap;

use jiff::Timestamp;

use reconciled_core::discrepancy::Severity;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::period::{BreakLine, CreditLine, Extent, FlowLine};

const DAY: i64 = 86_400;

/// Ages of open breaks in days: each bucket ends before its number.
const AGES: [(&str, i64); 5] =
    [("< 1 day", 1), ("1-3 days", 3), ("3-7 days", 7), ("7-30 days", 30), ("> 30 days", i64::MAX)];

/// Days from the credit invoice to paid.
const WAITS: [(&str, i64); 6] =
    [("same day", 1), ("1 day", 2), ("2-3 days", 4), ("4-7 days", 8), ("8-14 days", 15), ("> 14 days", i64::MAX)];

/// A bar, and the one beside it where a chart has two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    pub label: String,
    pub count: i64,
    /// Minor units.
    pub amount: i64,
    pub other: i64,
}

#[derive(Clone, Debug, Default)]
pub struct Charts {
    ages: [Bar; AGES.len()],
    waits: [Bar; WAITS.len()],
    /// Money at stake: what each day adds and takes away.
    stakes: BTreeMap<i64, i64>,
    at_first: i64,
    weeks: BTreeMap<Timestamp, Bar>,
    currency: Option<Currency>,
    from: i64,
    until: i64,
}

impl Charts {
    pub(super) fn begin(&mut self, extent: &Extent) {
        self.currency = extent.currency;
        self.from = extent.from.as_second().div_euclid(DAY);
        let last = extent.as_of.min(extent.until).as_second();
        self.until = last.saturating_sub(1).div_euclid(DAY).max(self.from);
        for (bar, (label, _)) in self.ages.iter_mut().zip(AGES) {
            label.clone_into(&mut bar.label);
        }
        for (bar, (label, _)) in self.waits.iter_mut().zip(WAITS) {
            label.clone_into(&mut bar.label);
        }
    }

    pub(super) fn credit(&mut self, it: &CreditLine) {
        let Some(paid) = it.paid_at.filter(|paid| paid.as_second().div_euclid(DAY) >= self.from) else { return };
        if it.by_hand {
            return;
        }
        let days = paid.duration_since(it.created_at).as_secs().max(0).div_euclid(DAY);
        let bucket = WAITS.iter().position(|(_, end)| days < *end);
        if let Some(bar) = bucket.and_then(|bucket| self.waits.get_mut(bucket)) {
            bar.count = bar.count.saturating_add(1);
        }
    }

    pub(super) fn one_break(&mut self, it: &BreakLine, as_of: Timestamp) {
        let amount = it.amount.map_or(0, Minor::get);
        if it.is_open {
            let days = as_of.duration_since(it.opened_at).as_secs().max(0).div_euclid(DAY);
            let bucket = AGES.iter().position(|(_, end)| days < *end);
            if let Some(bar) = bucket.and_then(|bucket| self.ages.get_mut(bucket)) {
                bar.count = bar.count.saturating_add(1);
                bar.amount = bar.amount.saturating_add(amount);
            }
        }
        if it.kind.severity() == Severity::Money {
            let day = |at: Timestamp| at.as_second().div_euclid(DAY);
            self.stake(day(it.opened_at), amount);
            if let Some(closed) = it.closed_at {
                self.stake(day(closed), amount.saturating_neg());
            }
        }
    }

    /// At the end of `day` and later this much more is at stake.
    fn stake(&mut self, day: i64, amount: i64) {
        if day < self.from {
            self.at_first = self.at_first.saturating_add(amount);
        } else {
            let change = self.stakes.entry(day).or_default();
            *change = change.saturating_add(amount);
        }
    }

    pub(super) fn flow(&mut self, it: &FlowLine) {
        if self.currency.is_none_or(|own| own.code() != it.currency) {
            return;
        }
        let bar = self.weeks.entry(it.week).or_default();
        let sum = if it.is_capture { &mut bar.amount } else { &mut bar.other };
        *sum = sum.saturating_add(it.amount);
    }

    pub fn ages(&self) -> &[Bar] {
        &self.ages
    }

    pub fn waits(&self) -> &[Bar] {
        &self.waits
    }

    /// Captured and, beside it, refunded.
    pub fn weeks(&self) -> impl Iterator<Item = (Timestamp, &Bar)> {
        self.weeks.iter().map(|(week, bar)| (*week, bar))
    }

    /// What was at stake at the end of each day, or of every so many days where the period is long.
    pub fn stakes(&self, points: i64) -> Vec<(Timestamp, i64)> {
        let days = self.until.saturating_sub(self.from).saturating_add(1);
        let step = days.saturating_add(points).saturating_sub(1).checked_div(points.max(1)).unwrap_or(1).max(1);
        let mut sum = self.at_first;
        let mut found = Vec::new();
        let mut changes = self.stakes.iter().peekable();
        let mut day = self.from;
        while day <= self.until {
            let last = day.saturating_add(step).saturating_sub(1).min(self.until);
            while let Some((_, change)) = changes.next_if(|(at, _)| **at <= last) {
                sum = sum.saturating_add(*change);
            }
            found.push((Timestamp::from_second(last.saturating_mul(DAY)).unwrap_or(Timestamp::MAX), sum));
            day = last.saturating_add(1);
        }
        found
    }
}
