//! Breaks for people and scripts: the list with its ages, one of them with what was said about it, and what is held.

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::human::{grid, one_break, print, seconds};
use super::json::{BreakView, write_value};
use super::text::plain;
use super::words::{self, money, some_money};
use reconciled_core::breaks::BreakStatus;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::{Break, HeldOrder, JournalRow};

/// Open breaks by age: from so many days on, and their name.
const AGES: [(i64, &str); 4] = [(0, "under a day"), (1, "1 to 6 days"), (7, "7 to 29 days"), (30, "30 days and more")];

/// How much of one age is open.
#[derive(Serialize)]
struct Age {
    from_days: i64,
    count: u64,
    amount_minor: i64,
}

/// A line of a break's life.
#[derive(Serialize)]
struct LineView<'a> {
    at: String,
    by: &'a str,
    event: &'a str,
    detail: serde_json::Value,
}

#[derive(Serialize)]
struct LifeView<'a> {
    #[serde(flatten)]
    view: BreakView<'a>,
    history: Vec<LineView<'a>>,
}

/// `{"breaks":[…],"ageing":[…]}` and a newline; each break as in `reconcile --json`.
///
/// # Errors
/// The output failed.
pub fn list_json<W: Write>(out: &mut W, breaks: &[Break], now: Timestamp) -> io::Result<()> {
    out.write_all(b"{\"breaks\":[")?;
    for (index, it) in breaks.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        write_value(out, &BreakView::new(it, now))?;
    }
    out.write_all(b"],\"ageing\":")?;
    write_value(out, &ages(breaks, now))?;
    out.write_all(b"}\n")
}

/// # Errors
/// The output failed.
pub fn one_json<W: Write>(out: &mut W, it: &Break, history: &[JournalRow], now: Timestamp) -> io::Result<()> {
    let lines = history.iter().map(|row| LineView {
        at: row.at.to_string(),
        by: &row.actor,
        event: &row.event,
        detail: serde_json::from_str(&row.detail).unwrap_or_default(),
    });
    write_value(out, &LifeView { view: BreakView::new(it, now), history: lines.collect() })?;
    out.write_all(b"\n")
}

/// One row per break; `breaks show` has the rest.
///
/// # Errors
/// The output failed.
pub fn list<W: Write>(out: &mut W, breaks: &[Break], currency: Option<Currency>, now: Timestamp) -> io::Result<()> {
    if breaks.is_empty() {
        return writeln!(out, "No breaks.");
    }
    let mut table = grid(&["id", "what", "order", "credit invoice", "amount", "age", "status", "with"]);
    for it in breaks {
        table.add_row([
            it.id.to_string(),
            words::break_kind(it.kind).to_owned(),
            it.order.as_ref().map_or_else(String::new, |order| plain(order.as_str())),
            it.credit_invoice.as_ref().map_or_else(String::new, |number| plain(number.as_str())),
            some_money(it.amount, currency),
            words::age(it.opened_at, now),
            status(it, now),
            it.assigned.as_deref().map_or_else(|| "–".to_owned(), plain),
        ]);
    }
    print(out, &table)?;
    let old: Vec<String> = ages(breaks, now)
        .iter()
        .zip(AGES)
        .filter(|(age, _)| age.count > 0)
        .map(|(age, (_, name))| format!("{name}: {} ({})", age.count, money(sum_of(age), currency)))
        .collect();
    if !old.is_empty() {
        writeln!(out, "\nOpen by age: {}", old.join(" · "))?;
    }
    writeln!(out, "\n`reconciled breaks show ID` says what was found and what to do.")
}

/// # Errors
/// The output failed.
pub fn one<W: Write>(
    out: &mut W, it: &Break, history: &[JournalRow], currency: Option<Currency>, now: Timestamp,
) -> io::Result<()> {
    one_break(out, it, currency, now)?;
    for row in history {
        let detail: serde_json::Value = serde_json::from_str(&row.detail).unwrap_or_default();
        let field = |name: &str| detail.get(name).and_then(serde_json::Value::as_str).map(plain);
        let to = field("target").map_or_else(String::new, |to| format!(" to {to}"));
        let note = field("note").map_or_else(String::new, |note| format!(": {note}"));
        let (at, event, actor) = (seconds(row.at), plain(&row.event), plain(&row.actor));
        writeln!(out, "    {at} {event}{to} by {actor}{note}")?;
    }
    Ok(())
}

/// `{"held":[…]}` and a newline.
///
/// # Errors
/// The output failed.
pub fn held_json<W: Write>(out: &mut W, held: &[HeldOrder], now: Timestamp) -> io::Result<()> {
    let view = |it: &HeldOrder| {
        serde_json::json!({
            "number": it.number.as_str(),
            "since": it.since.to_string(),
            "age_seconds": words::age_seconds(it.since, now),
            "by": it.actor,
            "note": it.note,
        })
    };
    write_value(out, &serde_json::json!({"held": held.iter().map(view).collect::<Vec<_>>()}))?;
    out.write_all(b"\n")
}

/// One row per order that an operator holds.
///
/// # Errors
/// The output failed.
pub fn held<W: Write>(out: &mut W, held: &[HeldOrder], now: Timestamp) -> io::Result<()> {
    if held.is_empty() {
        return writeln!(out, "No order is held by an operator.");
    }
    let mut table = grid(&["order", "held for", "by", "why"]);
    for it in held {
        table.add_row([plain(it.number.as_str()), words::age(it.since, now), plain(&it.actor), plain(&it.note)]);
    }
    print(out, &table)
}

fn status(it: &Break, now: Timestamp) -> String {
    let status = it.status.name();
    match &it.proposal {
        Some(proposal) if proposal.until() > now => format!("{status}, proposed by {}", plain(&proposal.actor)),
        _ => status.to_owned(),
    }
}

fn ages(breaks: &[Break], now: Timestamp) -> Vec<Age> {
    let mut ages: Vec<Age> =
        AGES.iter().map(|(from_days, _)| Age { from_days: *from_days, count: 0, amount_minor: 0 }).collect();
    let open = breaks.iter().filter(|it| matches!(it.status, BreakStatus::Open | BreakStatus::Acknowledged));
    for it in open {
        let old = now.duration_since(it.opened_at);
        let fits =
            |age: &&mut Age| age.from_days == 0 || old >= SignedDuration::from_hours(age.from_days.saturating_mul(24));
        if let Some(age) = ages.iter_mut().rev().find(fits) {
            age.count = age.count.saturating_add(1);
            age.amount_minor = age.amount_minor.saturating_add(it.amount.map_or(0, Minor::get));
        }
    }
    ages
}

fn sum_of(age: &Age) -> Minor {
    Minor::new(age.amount_minor).unwrap_or(Minor::ZERO)
}
