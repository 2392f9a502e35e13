//! Breaks for people and scripts: the list, and one of them.

use std::io::{self, Write};

use jiff::Timestamp;

use super::human::{grid, one_break, print};
use super::json::{BreakView, write_value};
use super::text::plain;
use super::words::{self, some_money};
use crate::core::money::Currency;
use crate::store::Break;

/// `{"breaks":[…]}` and a newline; each break as in `reconcile --json`.
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
    out.write_all(b"]}\n")?;
    out.flush()
}

/// # Errors
/// The output failed.
pub fn one_json<W: Write>(out: &mut W, it: &Break, now: Timestamp) -> io::Result<()> {
    write_value(out, &BreakView::new(it, now))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// One row per break; `breaks show` has the rest.
///
/// # Errors
/// The output failed.
pub fn list<W: Write>(out: &mut W, breaks: &[Break], currency: Option<Currency>, now: Timestamp) -> io::Result<()> {
    if breaks.is_empty() {
        return writeln!(out, "No breaks.");
    }
    let mut table = grid(&["id", "what", "order", "credit invoice", "amount", "age", "status"]);
    for it in breaks {
        table.add_row([
            it.id.to_string(),
            words::break_kind(it.kind).to_owned(),
            it.order.as_ref().map_or_else(String::new, |order| plain(order.as_str())),
            it.credit_invoice.as_ref().map_or_else(String::new, |number| plain(number.as_str())),
            some_money(it.amount, currency),
            words::age(it.opened_at, now),
            words::status(it.status).to_owned(),
        ]);
    }
    print(out, &table)?;
    writeln!(out, "\n`reconciled breaks show ID` says what was found and what to do.")?;
    out.flush()
}

/// # Errors
/// The output failed.
pub fn one<W: Write>(out: &mut W, it: &Break, currency: Option<Currency>, now: Timestamp) -> io::Result<()> {
    one_break(out, it, currency, now)?;
    out.flush()
}
