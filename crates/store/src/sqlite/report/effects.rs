//! The effects of the period: planned in it, ended in it, or under way all through it.

use rusqlite::{OptionalExtension, Row};

use super::super::super::StoreError;
use super::super::super::period::{EffectLine, Line, Lines};
use super::super::columns::{At, Cents, Code, Id, Number};
use super::Reading;
use reconciled_core::intent::State;

pub(super) fn read<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    // In the order in which they were planned, which is that of their rows.
    let mut find = reading.conn.prepare(
        "SELECT id, kind, order_id, credit_number, amount, currency, reference, key, state, planned_at, ended_at, made,
            coalesce(correlation_id, said_correlation), said_code, ended_seq
         FROM intent NOT INDEXED
         WHERE shop = ?1 AND planned_seq <= ?2 AND (ended_seq IS NULL OR ended_seq > ?3) ORDER BY rowid",
    )?;
    let mut rows = find.query((reading.shop, reading.last(), reading.before()))?;
    while let Some(row) = rows.next()? {
        lines.line(Line::Effect(line(reading, row)?))?;
    }
    Ok(())
}

fn line(reading: &Reading<'_>, row: &Row<'_>) -> Result<EffectLine, StoreError> {
    let (id, order): (Id, Number) = (row.get(0)?, row.get(2)?);
    let ended = row.get::<_, Option<i64>>(14)?.is_some_and(|seq| seq <= reading.last());
    let state = if ended { row.get::<_, Code<State>>(8)?.0 } else { state_then(reading, order, id)? };
    Ok(EffectLine {
        id: id.0.to_string(),
        kind: row.get::<_, Code<_>>(1)?.0,
        order: reading.order_number(order)?,
        credit_invoice: row.get(3)?,
        amount: row.get::<_, Cents>(4)?.0,
        currency: row.get::<_, Code<_>>(5)?.0,
        reference: row.get(6)?,
        key: row.get(7)?,
        code: if ended && state != State::Confirmed { row.get(13)? } else { None },
        state,
        planned_at: row.get::<_, At>(9)?.0,
        ended_at: row.get::<_, Option<At>>(10)?.map(|at| at.0).filter(|_| ended),
        made: row.get::<_, Option<String>>(11)?.filter(|_| ended),
        correlation_id: row.get::<_, Option<String>>(12)?.filter(|_| ended),
    })
}

/// The state that the journal had for an intent that was under way at the end of the period.
fn state_then(reading: &Reading<'_>, order: Number, id: Id) -> Result<State, StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT after FROM journal INDEXED BY journal_order
         WHERE shop = ?1 AND order_id = ?2 AND entity = 'intent' AND entity_id = ?3 AND seq <= ?4
         ORDER BY seq DESC LIMIT 1",
    )?;
    let found: Option<Code<State>> =
        find.query_row((reading.shop, order, id, reading.last()), |row| row.get(0)).optional()?;
    found.map(|state| state.0).ok_or_else(|| StoreError::Damaged(format!("intent {} has no journal row", id.0)))
}
