//! The orders that the shop cancelled: in the period, or before it with their money not back then.

use jiff::Timestamp;

use super::super::super::StoreError;
use super::super::super::period::{CancelLine, Line, Lines, Who};
use super::super::columns::{At, Cents, Number};
use super::{Reading, credits};
use reconciled_core::money::Minor;

pub(super) fn read<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    let mut find = reading.conn.prepare(
        "SELECT seq, at, order_id FROM journal INDEXED BY journal_cancel
         WHERE shop = ?1 AND event = 'cancel_seen' AND seq <= ?2 ORDER BY seq",
    )?;
    let mut rows = find.query((reading.shop, reading.last()))?;
    while let Some(row) = rows.next()? {
        let (seq, at, order): (i64, At, Number) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let reversed = reversed(reading, order)?;
        let is_new = reading.is_in(seq);
        if is_new || reversed.is_none_or(|(seq, _)| seq > reading.before()) {
            lines.line(Line::Cancel(line(reading, order, at.0, reversed.map(|it| it.1), is_new)?))?;
        }
    }
    Ok(())
}

/// The row that says that everything is back.
fn reversed(reading: &Reading<'_>, order: Number) -> Result<Option<(i64, Timestamp)>, StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT seq, at FROM journal INDEXED BY journal_order
         WHERE shop = ?1 AND order_id = ?2 AND entity = 'order' AND event = 'reversed' AND seq <= ?3
         ORDER BY seq LIMIT 1",
    )?;
    let mut rows = find.query((reading.shop, order, reading.last()))?;
    let found = rows.next()?.map(|row| Ok::<_, StoreError>((row.get(0)?, row.get::<_, At>(1)?.0)));
    found.transpose()
}

fn line(
    reading: &Reading<'_>, order: Number, seen_at: Timestamp, reversed_at: Option<Timestamp>, is_new: bool,
) -> Result<CancelLine, StoreError> {
    let mut line = CancelLine {
        order: reading.order_number(order)?,
        klarna_order_id: None,
        seen_at,
        reversed_at,
        is_new,
        released: Minor::ZERO,
        captured: Minor::ZERO,
        refunded: Minor::ZERO,
        refunds: Vec::new(),
        who: Vec::new(),
        correlation_ids: Vec::new(),
        late: is_new && seen_at < reading.extent.from,
    };
    effects(reading, order, &mut line)?;
    movements(reading, order, &mut line)?;
    Ok(line)
}

/// What we did about it, as far as it is confirmed.
fn effects(reading: &Reading<'_>, order: Number, line: &mut CancelLine) -> Result<(), StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT kind, klarna_order_id, amount, correlation_id, credit_id IS NULL FROM intent INDEXED BY intent_order
         WHERE shop = ?1 AND order_id = ?2 AND state = 'confirmed' AND ended_seq <= ?3 ORDER BY rowid",
    )?;
    let mut rows = find.query((reading.shop, order, reading.last()))?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        let is_reversal = kind == "cancel" || kind == "release" || kind == "refund" && row.get(4)?;
        if !is_reversal {
            continue;
        }
        line.klarna_order_id = row.get(1)?;
        line.correlation_ids.extend(row.get::<_, Option<String>>(3)?);
        if kind != "refund" {
            line.released = line.released.plus(row.get::<_, Cents>(2)?.0);
            note(&mut line.who, Who::Us);
        }
    }
    Ok(())
}

/// Everything that was captured and refunded of the order up to the end of the period.
fn movements(reading: &Reading<'_>, order: Number, line: &mut CancelLine) -> Result<(), StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT kind, id, klarna_order_id, amount FROM movement
         WHERE shop = ?1 AND order_id = ?2 AND seen_after <= ?3 AND booked_at < ?4 ORDER BY kind, id",
    )?;
    let mut rows = find.query((reading.shop, order, reading.last(), At(reading.extent.until)))?;
    while let Some(row) = rows.next()? {
        let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
        let amount = row.get::<_, Cents>(3)?.0;
        line.klarna_order_id = row.get(2)?;
        if kind == "capture" {
            line.captured = line.captured.plus(amount);
        } else {
            line.refunded = line.refunded.plus(amount);
            note(&mut line.who, credits::who(reading, order, &id)?);
            line.refunds.push(id);
        }
    }
    Ok(())
}

fn note(all: &mut Vec<Who>, who: Who) {
    if !all.contains(&who) {
        all.push(who);
    }
}
