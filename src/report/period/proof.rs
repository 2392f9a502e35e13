//! The proof: what was open, what came, what went, and what is open, each counted from its own lines.
//!
//! A credit invoice is resolved by the amount that Klarna says went back, not by its own. So the two sides of the
//! equation come from the two sides of the business, and a difference is real; it is then itemised.

use std::collections::BTreeMap;

use super::table::Cell;
use reconciled_core::discrepancy::{BreakKind, Severity};
use reconciled_core::money::{Currency, Minor};
use reconciled_core::policy::AMOUNT_TOLERANCE;
use reconciled_store::period::{BreakLine, CancelLine, CreditLine, Explained, FlowLine, RefundLine, Settled};

/// A number of things and their amount in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub count: i64,
    pub amount: i64,
}

impl Sum {
    fn add(&mut self, amount: i64) {
        self.count = self.count.saturating_add(1);
        self.amount = self.amount.saturating_add(amount);
    }
}

/// Something that makes a difference: what, and by how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub what: String,
    pub amount: i64,
}

/// Open items of one kind over the period.
#[derive(Clone, Copy, Debug, Default)]
pub struct Balance {
    pub opening: Sum,
    pub new: Sum,
    pub resolved: Sum,
    pub closing: Sum,
}

/// What moved in one currency.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moved {
    pub captured: Sum,
    pub refunded: Sum,
    pub for_credits: Sum,
    pub for_cancels: Sum,
    pub ruled_out: Sum,
    pub unexplained: Sum,
}

#[derive(Clone, Debug, Default)]
pub struct Proof {
    pub currency: Option<Currency>,
    pub credits: Balance,
    /// Changes of amounts of open credit invoices.
    pub changed: Sum,
    pub refunded: Sum,
    /// Refunds of credit invoices that Klarna confirmed or showed once, and that its newest reads do not show.
    pub missing: Sum,
    pub reversed: Sum,
    pub withdrawn: Sum,
    pub cancelled: Sum,
    pub went_back: Sum,
    pub breaks: Balance,
    pub money_breaks: Sum,
    pub moved: BTreeMap<String, Moved>,
    pub items: Vec<Item>,
    /// More differences than are itemised.
    pub more: u64,
    /// A pass could not check something, and no later one did.
    pub unchecked: u64,
}

/// So many differences are listed one by one.
const ITEMS: usize = 10_000;

fn minor(amount: Option<Minor>) -> i64 {
    amount.map_or(0, Minor::get)
}

impl Proof {
    pub(super) fn credit(&mut self, it: &CreditLine) {
        let amount = minor(it.amount);
        if let Some(opening) = it.opening {
            self.credits.opening.add(opening.get());
        }
        if let Some(new) = it.new {
            self.credits.new.add(new.get());
        }
        let Some(began) = it.opening.or(it.new) else { return };
        if began.get() != amount {
            self.changed.add(amount.saturating_sub(began.get()));
        }
        if it.is_open {
            self.credits.closing.add(amount);
        }
        let back = match it.settled {
            None => return,
            Some(Settled::Refunded) => {
                let back = it.refund.as_ref().and_then(|refund| refund.amount).map_or(amount, Minor::get);
                self.refunded.add(back);
                back
            }
            Some(Settled::Reversed) => {
                self.reversed.add(amount);
                amount
            }
            Some(Settled::Withdrawn) => {
                self.withdrawn.add(amount);
                amount
            }
        };
        self.credits.resolved.add(back);
        let rounded = back.saturating_sub(amount);
        if rounded != 0 && rounded.abs() <= AMOUNT_TOLERANCE {
            // The rounding between the two sides, which settles it.
            self.changed.add(rounded);
        } else if back != amount {
            let what = format!("credit invoice {} and its refund", it.number);
            self.item(what, amount.saturating_sub(back));
        }
    }

    pub(super) fn cancel(&mut self, it: &CancelLine) {
        if it.is_new {
            self.cancelled.add(0);
        }
        let back = it.released.plus(it.refunded).get();
        if it.is_new && back != 0 {
            self.went_back.add(back);
        }
    }

    pub(super) fn refund_of_credit(&mut self, currency: &str, amount: Minor) {
        if !self.moved.contains_key(currency) {
            self.moved.insert(currency.to_owned(), Moved::default());
        }
        if let Some(moved) = self.moved.get_mut(currency) {
            moved.for_credits.add(amount.get());
        }
    }

    pub(super) fn refund(&mut self, it: &RefundLine) {
        let moved = self.moved.entry(it.currency.clone()).or_default();
        let amount = it.amount.get();
        let part = match &it.explained {
            Explained::Cancel => &mut moved.for_cancels,
            Explained::RuledOut(_) => &mut moved.ruled_out,
            Explained::Nothing => &mut moved.unexplained,
        };
        part.add(amount);
        if it.explained == Explained::Nothing {
            self.item(format!("refund {} on order {}, explained by nothing", it.id, it.order), amount);
        }
    }

    pub(super) fn flow(&mut self, it: &FlowLine) {
        let moved = self.moved.entry(it.currency.clone()).or_default();
        let sum = if it.is_capture { &mut moved.captured } else { &mut moved.refunded };
        sum.count = sum.count.saturating_add(i64::try_from(it.count).unwrap_or(i64::MAX));
        sum.amount = sum.amount.saturating_add(it.amount);
    }

    pub(super) fn one_break(&mut self, it: &BreakLine) {
        let is_money = it.kind.severity() == Severity::Money;
        let amount = if is_money { minor(it.amount) } else { 0 };
        if it.was_open {
            self.breaks.opening.add(amount);
        } else {
            self.breaks.new.add(amount);
        }
        if it.is_open {
            self.breaks.closing.add(amount);
            if is_money {
                self.money_breaks.add(amount);
            }
            if it.kind == BreakKind::EffectVanished && it.credit_invoice.is_some() {
                self.missing.add(amount);
            }
        } else {
            self.breaks.resolved.add(amount);
        }
    }

    fn item(&mut self, what: String, amount: i64) {
        if self.items.len() < ITEMS {
            self.items.push(Item { what, amount });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Opening + new + changed - resolved - closing: nothing, or what the items explain.
    pub fn difference(&self) -> i64 {
        let came = self.credits.opening.amount.saturating_add(self.credits.new.amount);
        let came = came.saturating_add(self.changed.amount);
        came.saturating_sub(self.credits.resolved.amount).saturating_sub(self.credits.closing.amount)
    }

    /// Refunds by their weeks against refunds one by one, and what explains them.
    pub fn unexplained(&self, currency: &str) -> i64 {
        let Some(moved) = self.moved.get(currency) else { return 0 };
        let parts = [moved.for_credits, moved.for_cancels, moved.ruled_out];
        parts.iter().fold(moved.refunded.amount, |left, part| left.saturating_sub(part.amount))
    }

    /// Nothing differs and every refund is explained.
    pub fn adds_up(&self) -> bool {
        self.difference() == 0 && self.items.is_empty() && self.moved.keys().all(|it| self.unexplained(it) == 0)
    }

    /// The rows of the proof, in the order in which people add.
    pub(super) fn rows(&self) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        let own = self.currency.map_or("", Currency::code);
        self.open_items(&mut rows, own);
        self.movements(&mut rows);
        for item in &self.items {
            let cells = [Cell::text(own), Cell::text("item"), Cell::text(&item.what), Cell::None];
            rows.push([&cells[..], &[Cell::Money(item.amount, self.currency)]].concat());
        }
        if self.more > 0 {
            let what = format!("{} more differences", self.more);
            rows.push(vec![Cell::text(own), Cell::text("more"), Cell::text(what), Cell::count(self.more), Cell::None]);
        }
        rows
    }

    fn open_items(&self, rows: &mut Vec<Vec<Cell>>, own: &str) {
        let sum = |line: &str, what: &str, sum: Sum| row(own, line, what, Some(sum.count), sum.amount, self.currency);
        rows.extend([
            sum("credits_opening", "credit invoices open at the beginning", self.credits.opening),
            sum("credits_new", "credited: new credit invoices (+)", self.credits.new),
            sum("credits_changed", "changes of open credit invoices (+)", self.changed),
        ]);
        if self.missing == Sum::default() {
            rows.push(sum("credits_refunded", "refunded, as Klarna says (-)", self.refunded));
        } else {
            rows.push(sum("credits_refunded", "refunded, as Klarna said (-)", self.refunded));
            rows.push(sum("credits_missing", "said once, and not in Klarna's newest reads", self.missing));
        }
        rows.extend([
            sum("credits_reversed", "went back with a whole order (-)", self.reversed),
            sum("credits_withdrawn", "withdrawn, or never captured (-)", self.withdrawn),
            sum("credits_closing", "credit invoices open at the end (=)", self.credits.closing),
            row(own, "credits_difference", "difference", None, self.difference(), self.currency),
            sum("breaks_opening", "breaks open at the beginning", self.breaks.opening),
            sum("breaks_new", "new breaks (+)", self.breaks.new),
            sum("breaks_resolved", "resolved breaks (-)", self.breaks.resolved),
            sum("breaks_closing", "breaks open at the end (=)", self.breaks.closing),
            sum(
                "cancelled",
                "cancelled orders, and what went back for them",
                Sum { count: self.cancelled.count, amount: self.went_back.amount },
            ),
        ]);
    }

    fn movements(&self, rows: &mut Vec<Vec<Cell>>) {
        for (code, moved) in &self.moved {
            let currency = code.parse().ok();
            let sum = |line: &str, what: &str, sum: Sum| row(code, line, what, Some(sum.count), sum.amount, currency);
            rows.extend([
                sum("captured", "captured at Klarna", moved.captured),
                sum("refunded", "refunded at Klarna", moved.refunded),
                sum("refunded_for_credits", "of it for credit invoices (-)", moved.for_credits),
                sum("refunded_for_cancels", "of it for cancelled orders (-)", moved.for_cancels),
                sum("refunded_ruled_out", "of it ruled out by a human (-)", moved.ruled_out),
                row(
                    code,
                    "refunds_difference",
                    "of it explained by nothing (=)",
                    Some(moved.unexplained.count),
                    self.unexplained(code),
                    currency,
                ),
            ]);
        }
    }
}

fn row(code: &str, line: &str, what: &str, count: Option<i64>, amount: i64, currency: Option<Currency>) -> Vec<Cell> {
    let count = Cell::or_none(count, Cell::Count);
    vec![Cell::text(code), Cell::text(line), Cell::text(what), count, Cell::Money(amount, currency)]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn lines(proof: &Proof) -> Vec<String> {
        proof.rows().iter().map(|row| format!("{row:?}")).collect()
    }

    #[test]
    fn what_klarna_said_once_is_told_apart_from_what_its_newest_reads_show() {
        let mut proof = Proof::default();
        assert!(lines(&proof).iter().any(|line| line.contains("as Klarna says")));
        let gone = BreakLine {
            id: 1,
            kind: BreakKind::EffectVanished,
            order: "ORD1".to_owned(),
            credit_invoice: Some("INV1".to_owned()),
            subject: "r1".to_owned(),
            amount: Minor::new(2_500).ok(),
            opened_at: Timestamp::UNIX_EPOCH,
            was_open: false,
            status: "open".to_owned(),
            is_open: true,
            closed_at: None,
            note: None,
            actor: None,
            late: false,
        };
        proof.one_break(&gone);
        assert_eq!(proof.missing, Sum { count: 1, amount: 2_500 });
        let told = lines(&proof);
        assert!(told.iter().any(|line| line.contains("as Klarna said (-)")), "{told:?}");
        assert!(told.iter().any(|line| line.contains("credits_missing")), "{told:?}");
        proof.one_break(&BreakLine { is_open: false, ..gone });
        assert_eq!(proof.missing.count, 1, "one that is closed was looked into");
    }
}
