//! A digest as JSON, with a text for people in it: numbers, amounts and remedies; no person and no secret.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use crate::daemon::alarm::{Change, Item, Kind};
use crate::daemon::outbox::Entry;
use crate::report::json::write_value;
use crate::report::text::plain;
use crate::report::words;
use reconciled_core::id::{InvoiceNumber, OrderNumber, ShopName};
use reconciled_core::money::{Currency, Minor};

/// More things than these are counted, not listed; `reconciled breaks list` has them all.
const LISTED: usize = 100;

#[derive(Serialize)]
struct DigestView<'a> {
    program: &'static str,
    version: &'static str,
    at: String,
    new: usize,
    again: usize,
    over: usize,
    text: String,
    items: Vec<ItemView<'a>>,
    /// How many items are not listed.
    more: usize,
}

#[derive(Serialize)]
struct ItemView<'a> {
    change: &'static str,
    shop: Option<&'a str>,
    kind: &'static str,
    severity: &'static str,
    #[serde(rename = "break")]
    break_id: Option<&'a str>,
    order: Option<&'a str>,
    credit_invoice: Option<&'a str>,
    amount_minor: Option<i64>,
    currency: Option<&'static str>,
    since: String,
    age_seconds: i64,
    message: &'a str,
    remedy: &'a str,
    runbook: String,
}

/// One JSON object and a newline: what is about money first, then what is new, then the oldest.
pub fn json(entries: &[Entry], now: Timestamp) -> String {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by_key(|entry| {
        let item = &entry.news.item;
        (entry.news.change == Change::Over, item.kind.severity(), entry.news.change, item.since)
    });
    let count = |change| entries.iter().filter(|entry| entry.news.change == change).count();
    let listed: Vec<&Entry> = sorted.iter().take(LISTED).copied().collect();
    let view = DigestView {
        program: "reconciled",
        version: env!("CARGO_PKG_VERSION"),
        at: now.to_string(),
        new: count(Change::New),
        again: count(Change::Again),
        over: count(Change::Over),
        text: text(&listed, sorted.len().saturating_sub(listed.len()), now),
        items: listed.iter().map(|entry| ItemView::new(entry, now)).collect(),
        more: sorted.len().saturating_sub(listed.len()),
    };
    let mut out = Vec::new();
    // Writing to memory cannot fail, and everything in the view is plain data.
    let _ = write_value(&mut out, &view);
    out.push(b'\n');
    String::from_utf8(out).unwrap_or_default()
}

impl<'a> ItemView<'a> {
    fn new(entry: &'a Entry, now: Timestamp) -> Self {
        let item = &entry.news.item;
        Self {
            change: entry.news.change.name(),
            shop: entry.place.as_ref().map(ShopName::as_str),
            kind: item.kind.name(),
            severity: item.kind.severity().name(),
            break_id: item.subject.strip_prefix("break "),
            order: item.order.as_ref().map(OrderNumber::as_str),
            credit_invoice: item.credit_invoice.as_ref().map(InvoiceNumber::as_str),
            amount_minor: item.amount.map(Minor::get),
            currency: entry.currency.filter(|_| item.amount.is_some()).map(Currency::code),
            since: item.since.to_string(),
            age_seconds: words::age_seconds(item.since, now),
            message: &item.message,
            remedy: item.remedy(),
            runbook: runbook(item.kind),
        }
    }
}

/// The heading's address as web pages of Markdown form it.
pub fn runbook(kind: Kind) -> String {
    format!("docs/runbook.md#{}", kind.heading().to_lowercase().replace(' ', "-"))
}

/// The same for a mail or a pager.
fn text(listed: &[&Entry], more: usize, now: Timestamp) -> String {
    let mut text = String::new();
    for (change, title) in
        [(Change::New, "New"), (Change::Again, "Still open"), (Change::Over, "Over since the last message")]
    {
        let of_change = || listed.iter().filter(|entry| entry.news.change == change);
        if of_change().next().is_some() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{title}:");
        }
        for entry in of_change() {
            line(&mut text, entry, now);
        }
    }
    if more > 0 {
        let _ = writeln!(text, "And {more} more: `reconciled breaks list` has them all.");
    }
    text
}

fn line(text: &mut String, entry: &Entry, now: Timestamp) {
    let item = &entry.news.item;
    let _ = write!(text, "- {}", about(entry, item));
    if entry.news.change == Change::Over {
        text.push('\n');
        return;
    }
    let _ = writeln!(text, ", {} old", words::age(item.since, now));
    let _ = writeln!(text, "  {}", plain(&item.message));
    let _ = writeln!(text, "  {} See {}.", item.remedy(), runbook(item.kind));
}

fn about(entry: &Entry, item: &Item) -> String {
    let mut parts = Vec::new();
    parts.extend(entry.place.as_ref().map(|shop| format!("shop {shop}")));
    parts.push(item.kind.name().to_owned());
    parts.extend(item.order.as_ref().map(|order| format!("order {}", plain(order.as_str()))));
    parts.extend(item.credit_invoice.as_ref().map(|number| format!("credit invoice {}", plain(number.as_str()))));
    parts.extend(item.amount.map(|amount| words::money(amount, entry.currency)));
    parts.join(", ")
}
