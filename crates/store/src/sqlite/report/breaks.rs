//! The breaks of the period: open at its beginning, or with a row in it.
//!
//! A break's message and amount follow its difference; what the journal has is its kind, its subject, what was at stake
//! when it was opened, and every step of its life with who took it and why.

use rusqlite::Row;
use serde_json::Value;

use super::super::super::StoreError;
use super::super::super::period::{BreakLine, Line, Lines};
use super::super::columns::{At, Code, Number};
use super::super::journal::ACTOR;
use super::Reading;
use crate::codec::Coded as _;
use reconciled_core::breaks::BreakStatus;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::money::Minor;

pub(super) fn read<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    let mut find = reading.conn.prepare(
        "SELECT id, order_id, kind, credit_number, subject FROM break NOT INDEXED WHERE shop = ?1 ORDER BY id",
    )?;
    let mut rows = find.query([reading.shop])?;
    while let Some(row) = rows.next()? {
        if let Some(line) = line(reading, row)? {
            lines.line(Line::Break(line))?;
        }
    }
    Ok(())
}

fn is_open(status: &str) -> bool {
    BreakStatus::decode(status).is_some_and(BreakStatus::is_open)
}

fn line(reading: &Reading<'_>, row: &Row<'_>) -> Result<Option<BreakLine>, StoreError> {
    let (id, order): (i64, Number) = (row.get(0)?, row.get(1)?);
    let Code(kind): Code<BreakKind> = row.get(2)?;
    let mut line: Option<BreakLine> = None;
    let mut last = 0;
    let mut find = reading.conn.prepare_cached(
        "SELECT seq, at, actor, after, detail FROM journal INDEXED BY journal_break
         WHERE shop = ?1 AND entity = 'break' AND entity_id = ?2 AND seq <= ?3 ORDER BY seq",
    )?;
    let mut steps = find.query((reading.shop, id.to_string(), reading.last()))?;
    while let Some(step) = steps.next()? {
        let (seq, At(at)): (i64, At) = (step.get(0)?, step.get(1)?);
        let (actor, status): (String, String) = (step.get(2)?, step.get(3)?);
        let detail: Value = serde_json::from_str(&step.get::<_, String>(4)?)
            .map_err(|why| StoreError::Damaged(format!("journal row {seq}: {why}")))?;
        if line.is_none() {
            let amount = detail.get("amount_minor").and_then(Value::as_i64).map(Minor::new).transpose();
            line = Some(BreakLine {
                id,
                kind,
                order: reading.order_number(order)?,
                credit_invoice: row.get(3)?,
                subject: row.get(4)?,
                amount: amount.map_err(|why| StoreError::Damaged(format!("journal row {seq}: {why}")))?,
                opened_at: at,
                was_open: false,
                status: String::new(),
                is_open: true,
                closed_at: None,
                note: None,
                actor: None,
                late: reading.is_in(seq) && at < reading.extent.from,
            });
        }
        if let Some(line) = &mut line {
            line.is_open = is_open(&status);
            line.closed_at = (!line.is_open).then_some(at);
            line.was_open = if seq <= reading.before() { line.is_open } else { line.was_open };
            line.status = status;
            if actor != ACTOR {
                line.actor = Some(actor);
                line.note = detail.get("note").and_then(Value::as_str).map(ToOwned::to_owned);
            }
        }
        last = seq;
    }
    Ok(line.filter(|line| line.was_open || last > reading.before()))
}
