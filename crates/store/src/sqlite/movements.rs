//! Captures and refunds at Klarna as rows that never change: what a period adds up.
//!
//! A read repeats everything that ever moved on its order, so each movement is kept once, when a read first shows it.
//! Concludes nothing: whose refund it is, is said elsewhere.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::super::StoreError;
use super::columns::{At, Cents, Number};
use super::steps::Cause;
use super::writer::Tx;
use reconciled_core::facts::{KlarnaOrder, Word};
use reconciled_core::id::Reference;
use reconciled_core::money::{Currency, Minor};

/// One capture or refund, as the read shows it.
struct Shown<'a> {
    kind: &'static str,
    id: &'a str,
    amount: Minor,
    reference: Option<&'a Reference>,
    made_at: Option<Timestamp>,
}

/// Keeps what this read shows for the first time. What was made before the end of a closed period is booked at that
/// end: a closed period never changes.
pub(super) fn keep(tx: &Tx<'_>, cause: Cause<'_>, klarna: &KlarnaOrder) -> Result<(), StoreError> {
    if klarna.captures.is_empty() && klarna.refunds.is_empty() {
        return Ok(());
    }
    let captures = klarna.captures.iter().map(|it| Shown {
        kind: "capture",
        id: it.id.as_str(),
        amount: it.amount,
        reference: it.reference.as_ref(),
        made_at: it.captured_at,
    });
    let refunds = klarna.refunds.iter().map(|it| Shown {
        kind: "refund",
        id: it.id.as_str(),
        amount: it.amount,
        reference: it.reference.as_ref(),
        made_at: it.refunded_at,
    });
    let order = Number(cause.order.0);
    let mut known =
        tx.conn.prepare_cached("SELECT 1 FROM movement WHERE shop = ?1 AND order_id = ?2 AND kind = ?3 AND id = ?4")?;
    for shown in captures.chain(refunds) {
        if !known.exists((tx.shop, order, shown.kind, shown.id))? {
            insert(tx, cause, klarna, &shown)?;
        }
    }
    Ok(())
}

fn insert(tx: &Tx<'_>, cause: Cause<'_>, klarna: &KlarnaOrder, shown: &Shown<'_>) -> Result<(), StoreError> {
    let currency = match &klarna.currency {
        Word::Known(currency) => Currency::code(*currency),
        Word::Unknown(text) => text.as_str(),
    };
    let made_at = shown.made_at.unwrap_or(cause.at);
    let booked_at = closed_until(tx)?.map_or(made_at, |closed| made_at.max(closed));
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO movement (shop, order_id, kind, id, klarna_order_id, amount, currency, reference, made_at,
            booked_at, seen_after)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    insert.execute(rusqlite::params![
        tx.shop,
        Number(cause.order.0),
        shown.kind,
        shown.id,
        klarna.id.as_str(),
        Cents(shown.amount),
        currency,
        shown.reference.map(Reference::as_str),
        shown.made_at.map(At),
        At(booked_at),
        tx.last_row(),
    ])?;
    Ok(())
}

/// The end of the last closed period, as its journal row says.
fn closed_until(tx: &Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let mut find = tx.conn.prepare_cached(
        "SELECT after FROM journal INDEXED BY journal_closed
         WHERE shop = ?1 AND event = 'period_closed' ORDER BY seq DESC LIMIT 1",
    )?;
    let until: Option<String> = find.query_row([tx.shop], |row| row.get(0)).optional()?;
    let until = until.map(|text| text.parse());
    until.transpose().map_err(|why| StoreError::Damaged(format!("the end of a closed period: {why}")))
}
