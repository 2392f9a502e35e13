//! One line of the store as one row of its table, in words.

use jiff::Timestamp;

use super::table::{Cell, Section};
use super::words;
use crate::report::words::{break_kind, effect};
use reconciled_core::intent::State;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::period::{
    BreakLine, CancelLine, CreditLine, DecisionLine, EffectLine, Explained, FlowLine, PassesLine, PolicyLine,
    RefundLine, UncheckedLine, Who,
};

/// What rows are told about all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) currency: Option<Currency>,
    pub(super) as_of: Timestamp,
}

impl Frame {
    fn money(self, amount: Minor) -> Cell {
        Cell::Money(amount.get(), self.currency)
    }

    fn some_money(self, amount: Option<Minor>) -> Cell {
        Cell::or_none(amount, |amount| self.money(amount))
    }

    pub(super) fn credit(self, it: CreditLine) -> Vec<Cell> {
        let refund = it.refund;
        let note = [
            (it.amount.is_none(), "the shop's amount cannot be read"),
            (it.by_hand, "marked paid in the shop without a refund"),
            (it.settled == Some(reconciled_store::period::Settled::Reversed), "went back with the whole order"),
            (it.late, "late: belongs to a closed period"),
        ];
        let by = refund.as_ref().map(|refund| who(&refund.who));
        vec![
            Cell::text(it.number),
            Cell::text(it.order),
            self.some_money(it.amount),
            Cell::Time(it.created_at),
            Cell::Time(it.first_seen),
            Cell::text(it.state),
            Cell::or_none(refund.as_ref().map(|it| it.id.clone()), Cell::Text),
            self.some_money(refund.as_ref().and_then(|it| it.amount)),
            Cell::or_none(refund.as_ref().and_then(|it| it.at), Cell::Time),
            Cell::or_none(by, Cell::Text),
            Cell::or_none(it.proven_at, Cell::Time),
            Cell::or_none(it.paid_at, Cell::Time),
            Cell::or_none(refund.and_then(|it| it.correlation_id), Cell::Text),
            Cell::or_none(it.klarna_order_id, Cell::Text),
            noted(&note),
            Cell::Flag(it.is_open),
            Cell::Flag(it.late),
        ]
    }

    pub(super) fn cancel(self, it: CancelLine) -> Vec<Cell> {
        let note = [(!it.is_new, "cancelled before the period"), (it.late, "late: belongs to a closed period")];
        let by: Vec<String> = it.who.iter().map(who).collect();
        vec![
            Cell::text(it.order),
            Cell::Time(it.seen_at),
            Cell::or_none(it.reversed_at, Cell::Time),
            self.money(it.captured),
            self.money(it.refunded),
            self.money(it.released),
            listed(&it.refunds),
            listed(&by),
            listed(&it.correlation_ids),
            Cell::or_none(it.klarna_order_id, Cell::Text),
            noted(&note),
            Cell::Flag(it.reversed_at.is_none()),
            Cell::Flag(it.late),
        ]
    }

    pub(super) fn refund(it: RefundLine) -> Vec<Cell> {
        let explained = match it.explained {
            Explained::Cancel => "a cancel".to_owned(),
            Explained::RuledOut(actor) => format!("ruled out by {actor}"),
            Explained::Nothing => "nothing".to_owned(),
        };
        vec![
            Cell::text(it.id),
            Cell::text(it.order),
            Cell::text(it.currency.clone()),
            Cell::Money(it.amount.get(), it.currency.parse().ok()),
            Cell::or_none(it.made_at, Cell::Time),
            Cell::text(explained),
            Cell::text(who(&it.who)),
            Cell::or_none(it.reference, Cell::Text),
            Cell::text(it.klarna_order_id),
            Cell::Flag(it.late),
        ]
    }

    pub(super) fn one_break(self, it: BreakLine) -> Vec<Cell> {
        let until = it.closed_at.unwrap_or(self.as_of);
        vec![
            Cell::text(it.id.to_string()),
            Cell::text(it.kind.name()),
            Cell::text(it.kind.severity().name()),
            Cell::text(break_kind(it.kind)),
            Cell::text(it.order),
            Cell::or_none(it.credit_invoice, Cell::Text),
            Cell::text(it.subject),
            self.some_money(it.amount),
            Cell::Time(it.opened_at),
            Cell::text(it.status),
            Cell::or_none(it.closed_at, Cell::Time),
            Cell::Count(crate::report::words::age_seconds(it.opened_at, until)),
            Cell::or_none(it.actor, Cell::Text),
            Cell::or_none(it.note, Cell::Text),
            Cell::Flag(it.is_open),
            Cell::Flag(it.late),
        ]
    }

    pub(super) fn effect(it: EffectLine) -> Vec<Cell> {
        let outcome = match it.state {
            State::Confirmed => "done",
            State::Rejected => "refused",
            State::Withdrawn => "not needed any more",
            State::Abandoned => "given up",
            State::Planned => "planned",
            State::Sending => "under way",
            State::Unknown => "outcome unknown",
        };
        vec![
            Cell::text(effect(it.kind)),
            Cell::text(it.order),
            Cell::or_none(it.credit_invoice, Cell::Text),
            Cell::Money(it.amount.get(), Some(it.currency)),
            Cell::text(it.reference),
            Cell::text(outcome),
            Cell::Time(it.planned_at),
            Cell::or_none(it.ended_at, Cell::Time),
            Cell::or_none(it.made, Cell::Text),
            Cell::or_none(it.correlation_id, Cell::Text),
            Cell::or_none(it.code, Cell::Text),
            Cell::text(it.id),
            Cell::text(it.key),
        ]
    }

    pub(super) fn decision(it: DecisionLine) -> Vec<Cell> {
        vec![
            Cell::Time(it.at),
            Cell::text(it.actor),
            Cell::text(words::decision(&it.event)),
            Cell::or_none(it.order, Cell::Text),
            Cell::text(it.subject),
            Cell::text(it.note),
            Cell::Count(it.seq),
            Cell::Flag(it.late),
        ]
    }

    pub(super) fn unchecked(it: UncheckedLine) -> Vec<Cell> {
        vec![
            Cell::text(it.what),
            Cell::text(it.why),
            Cell::count(it.passes),
            Cell::Time(it.first),
            Cell::Time(it.last),
            Cell::Flag(it.still),
        ]
    }

    /// One row per week, currency and direction.
    pub(super) fn flow(it: FlowLine) -> Vec<Cell> {
        let what = if it.is_capture { "captured" } else { "refunded" };
        let currency = it.currency.parse().ok();
        vec![
            Cell::Time(it.week),
            Cell::text(it.currency),
            Cell::text(what),
            Cell::count(it.count),
            Cell::Money(it.amount, currency),
        ]
    }

    /// The policy, a row per setting.
    pub(super) fn policy(self, it: &PolicyLine) -> Vec<Vec<Cell>> {
        let settings = words::settings(&it.text, self.currency);
        let row = |(name, value)| vec![Cell::Time(it.since), Cell::Text(name), Cell::Text(value)];
        settings.into_iter().map(row).collect()
    }

    pub(super) fn passes(it: &PassesLine) -> Vec<Vec<Cell>> {
        let row = |line: &str, what: &str, count: Cell, at: Option<Timestamp>| {
            vec![Cell::text(line), Cell::text(what), count, Cell::or_none(at, Cell::Time)]
        };
        vec![
            row(
                "complete",
                "passes that checked everything; the last one ended",
                Cell::count(it.complete),
                it.last_complete,
            ),
            row("incomplete", "passes that could not check everything", Cell::count(it.incomplete), None),
            row("interrupted", "passes that did not end", Cell::count(it.interrupted), None),
            row("longest_gap", "longest time without a complete pass, in minutes", minutes(it.longest_gap), None),
        ]
    }
}

fn who(who: &Who) -> String {
    match who {
        Who::Us => "reconciled".to_owned(),
        Who::Adopted(actor) => format!("by hand, adopted by {actor}"),
        Who::Somebody => "somebody else at Klarna".to_owned(),
    }
}

fn minutes(seconds: i64) -> Cell {
    Cell::Count(seconds.div_euclid(60))
}

fn listed(all: &[String]) -> Cell {
    if all.is_empty() { Cell::None } else { Cell::Text(all.join(", ")) }
}

fn noted(notes: &[(bool, &str)]) -> Cell {
    let said: Vec<&str> = notes.iter().filter(|(is, _)| *is).map(|(_, note)| *note).collect();
    if said.is_empty() { Cell::None } else { Cell::Text(said.join("; ")) }
}

/// The rows of a section in the order in which a line gives them.
pub(super) type Rows = (Section, Vec<Vec<Cell>>);
