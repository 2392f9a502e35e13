//! What a pass found and did, for the person who started it.
//!
//! Everything that came from a side is escaped on the way out. Styles are written always and taken away by the
//! stream when nobody at a terminal reads them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::Table;
use jiff::Timestamp;

use super::json::RenderError;
use super::text::plain;
use super::words::{self, count_of, money, some_money};
use super::{EffectRow, NotChecked, Outcome, PassReport};
use reconciled_core::discrepancy::Severity;
use reconciled_core::id::{InvoiceNumber, OrderId};
use reconciled_core::money::Currency;
use reconciled_store::{Break, OrderRow, Store};

pub(super) const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const WAIT: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// More orders than these are counted, not listed.
const LISTED: usize = 20;

const PAGE: u32 = 500;

/// Writes the whole report.
///
/// # Errors
/// The store or the output failed.
pub async fn pass<S: Store, W: Write + Send>(
    out: &mut W, report: &PassReport, store: Option<&S>, breaks: &[Break],
) -> Result<(), RenderError> {
    head(out, report)?;
    if let Some(store) = store {
        orders(out, report, store).await?;
    }
    let of = |wanted: &[Outcome]| -> Vec<&EffectRow> {
        report.effects.iter().filter(|effect| wanted.contains(&effect.outcome)).collect()
    };
    let currency = report.currency;
    effects(out, "Done", GOOD, &of(&[Outcome::Confirmed]), currency)?;
    effects(out, "Waiting", WAIT, &of(&[Outcome::Planned, Outcome::Held]), currency)?;
    effects(out, "Refused", BAD, &of(&[Outcome::Rejected]), currency)?;
    effects(out, "Outcome not known", BAD, &of(&[Outcome::Unknown]), currency)?;
    needs_a_human(out, breaks, currency, report.finished_at)?;
    not_checked(out, &report.not_checked)?;
    writeln!(out, "\n{}", closing(report, breaks.len()))?;
    Ok(out.flush()?)
}

fn head<W: Write>(out: &mut W, report: &PassReport) -> io::Result<()> {
    let dry = if report.dry_run { ", dry run: nothing is written to either side" } else { "" };
    let took = words::age(report.started_at, report.finished_at);
    writeln!(
        out,
        "{HEADING}Shop {}{HEADING:#}, pass {}, {} ({took}{dry})",
        plain(report.shop.as_str()),
        report.pass,
        seconds(report.started_at),
    )?;
    let (checked, calls) = (report.checked, report.calls);
    writeln!(
        out,
        "Looked at {}, {} and {} at Klarna, with {} to Lightspeed and {} to Klarna.",
        count_of(checked.orders, "order"),
        count_of(checked.credit_invoices, "credit invoice"),
        count_of(checked.klarna_orders, "order"),
        count_of(calls.lightspeed.read.saturating_add(calls.lightspeed.write), "call"),
        count_of(calls.klarna.read.saturating_add(calls.klarna.write), "call"),
    )
}

/// One row per order as long as that is readable, and always how many are in which state.
async fn orders<S: Store, W: Write + Send>(out: &mut W, report: &PassReport, store: &S) -> Result<(), RenderError> {
    let mut states: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut listed: Vec<OrderRow> = Vec::new();
    let mut after = OrderId(0);
    loop {
        let page = store.looked_at(report.pass, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for row in page {
            let count = states.entry(row.state.name()).or_default();
            *count = count.saturating_add(1);
            if listed.len() < LISTED {
                listed.push(row);
            }
        }
    }
    if listed.is_empty() {
        return Ok(());
    }
    let mut table = grid(&["order", "state", "amount", "captured", "refunded", "credit invoices"]);
    for row in &listed {
        let credits: Vec<String> = row
            .credits
            .iter()
            .map(|credit| format!("{} {}", plain(credit.number.as_str()), credit.state.name()))
            .collect();
        table.add_row([
            plain(row.number.as_str()),
            row.state.name().to_owned(),
            some_money(row.amount, report.currency),
            money(row.captured, report.currency),
            money(row.refunded, report.currency),
            credits.join(", "),
        ]);
    }
    let counts: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    writeln!(out, "\n{HEADING}Orders{HEADING:#} ({})", counts.join(", "))?;
    print(out, &table)?;
    let all: u64 = states.values().fold(0, |sum, count| sum.saturating_add(*count));
    let rest = all.saturating_sub(u64::try_from(listed.len()).unwrap_or(u64::MAX));
    if rest > 0 {
        writeln!(out, "  … and {rest} more; --json lists them all")?;
    }
    Ok(())
}

fn effects<W: Write>(
    out: &mut W, title: &str, style: Style, rows: &[&EffectRow], currency: Option<Currency>,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{style}{title}{style:#} ({})", rows.len())?;
    let mut table = grid(&["what", "order", "credit invoice", "amount", "outcome", "why", "intent"]);
    for row in rows {
        table.add_row([
            words::effect(row.kind).to_owned(),
            plain(row.order.as_str()),
            row.credit_invoice.as_ref().map_or_else(String::new, |it| plain(it.as_str())),
            money(row.amount, currency),
            words::outcome(row.outcome).to_owned(),
            plain(&row.why),
            row.intent.to_string(),
        ]);
    }
    print(out, &table)
}

fn needs_a_human<W: Write>(
    out: &mut W, breaks: &[Break], currency: Option<Currency>, now: Timestamp,
) -> io::Result<()> {
    if breaks.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BAD}Needs a human{BAD:#} ({})", breaks.len())?;
    breaks.iter().try_for_each(|it| one_break(out, it, currency, now))
}

/// A break as every command prints it.
///
/// # Errors
/// The output failed.
pub fn one_break<W: Write>(out: &mut W, it: &Break, currency: Option<Currency>, now: Timestamp) -> io::Result<()> {
    let style = match it.kind.severity() {
        Severity::Money => BAD,
        Severity::Action => WAIT,
    };
    writeln!(out, "  {style}break {}{style:#}: {} ({})", it.id, words::break_kind(it.kind), it.kind.name())?;
    let mut about = Vec::new();
    about.extend(it.order.as_ref().map(|order| format!("order {}", plain(order.as_str()))));
    about.extend(it.credit_invoice.as_ref().map(credit_invoice));
    about.extend(it.amount.map(|amount| money(amount, currency)));
    about.push(format!("{} old", words::age(it.opened_at, now)));
    about.push(it.status.name().to_owned());
    about.extend(it.assigned.as_ref().map(|name| format!("with {}", plain(name))));
    writeln!(out, "    {}", about.join(" · "))?;
    writeln!(out, "    {}", plain(&it.message))?;
    if let Some(note) = &it.note {
        writeln!(out, "    note: {}", plain(note))?;
    }
    if let Some(proposal) = &it.proposal {
        let (by, note) = (plain(&proposal.actor), plain(&proposal.note));
        let until = seconds(proposal.until());
        let ends = if proposal.until() <= now { "lapsed" } else { "waits for another operator until" };
        let money = money(proposal.amount, currency);
        writeln!(out, "    proposed by {by}, {money}, {ends} {until}: {note}")?;
    }
    writeln!(out, "    → {}", plain(&words::remedy(it)))
}

fn credit_invoice(number: &InvoiceNumber) -> String {
    format!("credit invoice {}", plain(number.as_str()))
}

fn not_checked<W: Write>(out: &mut W, rows: &[NotChecked]) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BAD}Not checked{BAD:#} ({})", rows.len())?;
    rows.iter().try_for_each(|row| writeln!(out, "  {}: {}", plain(&row.what), plain(&row.why)))
}

/// One sentence that says what the exit status means this time.
fn closing(report: &PassReport, open_breaks: usize) -> String {
    let of = |outcome| report.effects.iter().filter(|it| it.outcome == outcome && !it.superseded).count();
    let due = of(Outcome::Planned).saturating_add(of(Outcome::Held));
    match report.exit_status(open_breaks) {
        0 => "Everything that was looked at agrees, or is under way inside its grace.".to_owned(),
        1 => {
            let mut parts = Vec::new();
            if open_breaks > 0 {
                parts.push(counted(open_breaks, "open break"));
            }
            if due > 0 {
                parts.push(format!("{} due and not carried out", counted(due, "effect")));
            }
            if of(Outcome::Rejected) > 0 {
                parts.push(format!("{} refused", counted(of(Outcome::Rejected), "effect")));
            }
            format!("Not everything agrees: {}.", parts.join(", "))
        }
        _ if report.is_complete() => {
            "The outcome of at least one effect is not known; the next pass reads before it repeats anything."
                .to_owned()
        }
        _ => "Not everything could be checked, so nothing is said about the rest; run it again.".to_owned(),
    }
}

fn counted(count: usize, noun: &str) -> String {
    count_of(i128::try_from(count).unwrap_or(i128::MAX), noun)
}

pub fn seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// A table without borders, indented by two.
pub(super) fn grid(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header.iter().copied());
    table
}

pub(super) fn print<W: Write>(out: &mut W, table: &Table) -> io::Result<()> {
    table.lines().try_for_each(|line| writeln!(out, " {}", line.trim_end()))
}
