//! What the period rests on: the passes, what they could not check, what humans decided, and the policy in force.

use jiff::Timestamp;
use rusqlite::OptionalExtension;
use serde_json::Value;

use super::super::super::StoreError;
use super::super::super::codec::Coded as _;
use super::super::super::period::{DecisionLine, Line, Lines, PassesLine, PolicyLine, UncheckedLine};
use super::super::columns::{At, Number};
use super::Reading;
use reconciled_core::adoption::Settles;
use reconciled_core::id::InvoiceId;
use reconciled_core::ledger::Attribution;

pub(super) fn decisions<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    let mut find = reading.conn.prepare(
        "SELECT seq, at, actor, event, entity, entity_id, order_id, before, after, detail
         FROM journal INDEXED BY journal_operator
         WHERE shop = ?1 AND cause = 'operator' AND seq > ?2 AND seq <= ?3 ORDER BY seq",
    )?;
    let mut rows = find.query((reading.shop, reading.before(), reading.last()))?;
    while let Some(row) = rows.next()? {
        let (seq, At(at)): (i64, At) = (row.get(0)?, row.get(1)?);
        let (event, entity, entity_id): (String, String, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
        let order: Option<Number> = row.get(6)?;
        let detail: Value = serde_json::from_str(&row.get::<_, String>(9)?)
            .map_err(|why| StoreError::Damaged(format!("journal row {seq}: {why}")))?;
        let field = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let subject = match (entity.as_str(), event.as_str()) {
            ("shop", "period_closed") => format!("{} to {}", row.get::<_, String>(7)?, row.get::<_, String>(8)?),
            ("shop", _) => String::new(),
            ("order", _) if field("target").is_empty() => field("subject"),
            ("order", _) => format!("{} for {}", field("subject"), target(reading, &field("target"))?),
            _ => format!("{} {entity_id}", entity.replace('_', " ")),
        };
        lines.line(Line::Decision(DecisionLine {
            seq,
            at,
            actor: row.get(2)?,
            event,
            order: order.map(|order| reading.order_number(order)).transpose()?,
            subject,
            note: field("note"),
            late: at < reading.extent.from,
        }))?;
    }
    Ok(())
}

/// What a human said a refund was for, by the number that people know.
fn target(reading: &Reading<'_>, word: &str) -> Result<String, StoreError> {
    Ok(match Attribution::decode(word) {
        Some(Attribution::CreditInvoice(id)) => credit(reading, id)?,
        Some(Attribution::Cancel) => "the cancel".to_owned(),
        Some(Attribution::RuledOut) => "nothing".to_owned(),
        Some(Attribution::Parts(parts)) => {
            let mut words = Vec::with_capacity(parts.len());
            for part in parts {
                let what = match part.settles {
                    Settles::Credit(id) => credit(reading, id)?,
                    Settles::Cancel => "the cancel".to_owned(),
                    Settles::Nothing => "nothing".to_owned(),
                };
                words.push(what);
            }
            words.join(", ")
        }
        None => word.to_owned(),
    })
}

fn credit(reading: &Reading<'_>, id: InvoiceId) -> Result<String, StoreError> {
    let mut find = reading.conn.prepare_cached("SELECT number FROM credit_invoice WHERE shop = ?1 AND id = ?2")?;
    let number: Option<String> = find.query_row((reading.shop, Number(id.0)), |row| row.get(0)).optional()?;
    Ok(format!("credit invoice {}", number.unwrap_or_else(|| id.to_string())))
}

/// A pass belongs to the period in which it ended; one that never ended to that in which it began.
pub(super) fn passes<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    let extent = reading.extent;
    let mut line = PassesLine::default();
    let mut find = reading.conn.prepare(
        "SELECT ended_at, complete FROM pass INDEXED BY pass_ended
         WHERE shop = ?1 AND ended_at >= ?2 AND ended_at < ?3 AND ended_at <= ?4 ORDER BY ended_at, no",
    )?;
    let mut rows = find.query((reading.shop, At(extent.from), At(extent.until), At(extent.as_of)))?;
    // Before the journal's first row nobody looked, and nobody was meant to.
    let mut last = if extent.first == 1 { None } else { Some(extent.from) };
    let mut gap = |line: &mut PassesLine, at: Timestamp| {
        let gap = last.map_or(0, |last| at.duration_since(last).as_secs());
        line.longest_gap = line.longest_gap.max(gap);
        last = Some(at);
    };
    while let Some(row) = rows.next()? {
        let At(at) = row.get(0)?;
        line.first = line.first.or(Some(at));
        if row.get(1)? {
            line.complete = line.complete.saturating_add(1);
            line.last_complete = Some(at);
            gap(&mut line, at);
        } else {
            line.incomplete = line.incomplete.saturating_add(1);
        }
    }
    gap(&mut line, extent.as_of);
    let interrupted: Number = reading.conn.query_row(
        "SELECT count(*) FROM pass INDEXED BY pass_ended
         WHERE shop = ?1 AND ended_at IS NULL AND started_at >= ?2 AND started_at < ?3
            AND no < (SELECT no FROM pass INDEXED BY pass_ended
                WHERE shop = ?1 AND ended_at <= ?4 ORDER BY ended_at DESC LIMIT 1)",
        (reading.shop, At(extent.from), At(extent.until), At(extent.as_of)),
        |row| row.get(0),
    )?;
    line.interrupted = interrupted.0;
    lines.line(Line::Passes(line))
}

pub(super) fn unchecked<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    let extent = reading.extent;
    let span = (reading.shop, At(extent.from), At(extent.until), At(extent.as_of));
    let last: Option<i64> = reading
        .conn
        .query_row(
            "SELECT no FROM pass INDEXED BY pass_ended
             WHERE shop = ?1 AND ended_at >= ?2 AND ended_at < ?3 AND ended_at <= ?4
             ORDER BY ended_at DESC, no DESC LIMIT 1",
            span,
            |row| row.get(0),
        )
        .optional()?;
    let mut find = reading.conn.prepare(
        "SELECT u.what, u.why, count(*), min(p.ended_at), max(p.ended_at), max(p.no)
         FROM pass AS p INDEXED BY pass_ended JOIN unchecked AS u ON u.shop = p.shop AND u.pass = p.no
         WHERE p.shop = ?1 AND p.ended_at >= ?2 AND p.ended_at < ?3 AND p.ended_at <= ?4
         GROUP BY 1, 2 ORDER BY 4, 1, 2",
    )?;
    let mut rows = find.query(span)?;
    while let Some(row) = rows.next()? {
        let passes: Number = row.get(2)?;
        lines.line(Line::Unchecked(UncheckedLine {
            what: row.get(0)?,
            why: row.get(1)?,
            passes: passes.0,
            first: row.get::<_, At>(3)?.0,
            last: row.get::<_, At>(4)?.0,
            still: row.get::<_, Option<i64>>(5)? == last,
        }))?;
    }
    Ok(())
}

/// The policy in force at the beginning, and every one that came into force in the period.
pub(super) fn policies<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    let mut find = reading.conn.prepare(
        "SELECT at, after FROM journal INDEXED BY journal_policy
         WHERE shop = ?1 AND event = 'policy' AND seq <= ?3
            AND seq >= coalesce((SELECT max(seq) FROM journal INDEXED BY journal_policy
                WHERE shop = ?1 AND event = 'policy' AND seq <= ?2), 0)
         ORDER BY seq",
    )?;
    let mut rows = find.query((reading.shop, reading.before(), reading.last()))?;
    while let Some(row) = rows.next()? {
        lines.line(Line::Policy(PolicyLine { since: row.get::<_, At>(0)?.0, text: row.get(1)? }))?;
    }
    Ok(())
}
