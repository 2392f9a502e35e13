//! What moved at Klarna in the period: every refund with what explains it, and the sums per week.
//!
//! Goes through the refunds themselves, not through the credit invoices: what nothing explains shows because it is
//! looked for from this side.

use jiff::Timestamp;
use rusqlite::Row;

use super::super::super::StoreError;
use super::super::super::codec::Coded as _;
use super::super::super::period::{Explained, FlowLine, Line, Lines, RefundLine, Who};
use super::super::columns::{At, Cents, Number};
use super::{Reading, credits};
use crate::core::credit_invoice::{CreditInvoice, Proof};
use crate::core::ledger::Attribution;
use crate::core::order::Order;

pub(super) fn read<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    let mut find = reading.conn.prepare(
        "SELECT m.order_id, m.id, m.klarna_order_id, m.amount, m.currency, m.reference, m.made_at, m.booked_at
         FROM movement AS b INDEXED BY movement_booked
            JOIN movement AS m ON m.shop = b.shop AND m.order_id = b.order_id AND m.kind = b.kind AND m.id = b.id
         WHERE b.shop = ?1 AND b.kind = 'refund' AND b.booked_at >= ?2 AND b.booked_at < ?3 AND b.seen_after <= ?4
         ORDER BY b.booked_at, b.order_id, b.id",
    )?;
    let extent = reading.extent;
    let mut rows = find.query((reading.shop, At(extent.from), At(extent.until), reading.last()))?;
    while let Some(row) = rows.next()? {
        lines.line(Line::Refund(line(reading, row)?))?;
    }
    Ok(())
}

fn line(reading: &Reading<'_>, row: &Row<'_>) -> Result<RefundLine, StoreError> {
    let order: Number = row.get(0)?;
    let (id, reference): (String, Option<String>) = (row.get(1)?, row.get(5)?);
    let (made_at, booked_at): (Option<At>, At) = (row.get(6)?, row.get(7)?);
    let number = reading.order_number(order)?;
    let explained = explained(reading, order, &number, &id, reference.as_deref())?;
    Ok(RefundLine {
        who: match &explained {
            // Its credit invoice's line says who.
            Explained::Credit(_) => Who::Us,
            Explained::Cancel | Explained::RuledOut(_) | Explained::Nothing => credits::who(reading, order, &id)?,
        },
        order: number,
        klarna_order_id: row.get(2)?,
        id,
        amount: row.get::<_, Cents>(3)?.0,
        currency: row.get(4)?,
        reference,
        made_at: made_at.map(|at| at.0),
        explained,
        late: made_at.is_some_and(|made| made.nanos() < booked_at.nanos()),
    })
}

fn explained(
    reading: &Reading<'_>, order: Number, number: &str, id: &str, reference: Option<&str>,
) -> Result<Explained, StoreError> {
    if let Some(credit) = settles(reading, order, id)? {
        return Ok(Explained::Credit(credit));
    }
    match reading.humans.on(order, id).map(|word| (&word.target, &word.actor)) {
        Some((Attribution::Cancel, _)) => return Ok(Explained::Cancel),
        Some((Attribution::RuledOut, actor)) => return Ok(Explained::RuledOut(actor.clone())),
        Some((Attribution::CreditInvoice(_), _)) | None => {}
    }
    let for_cancel = reference.and_then(|it| it.strip_suffix(":cancel")) == Some(number);
    if for_cancel || is_reversal(reading, order, id)? || was_reversed(reading, order)? {
        return Ok(Explained::Cancel);
    }
    Ok(Explained::Nothing)
}

/// The credit invoice whose money this refund proves, as the journal had it.
fn settles(reading: &Reading<'_>, order: Number, refund: &str) -> Result<Option<String>, StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT c.number, (SELECT after FROM journal AS j INDEXED BY journal_credit
            WHERE j.shop = ?1 AND j.entity = 'credit_invoice' AND j.entity_id = CAST(c.id AS TEXT) AND j.seq <= ?3
            ORDER BY j.seq DESC LIMIT 1)
         FROM credit_invoice AS c INDEXED BY credit_invoice_order WHERE c.shop = ?1 AND c.order_id = ?2 ORDER BY c.id",
    )?;
    let mut rows = find.query((reading.shop, order, reading.last()))?;
    while let Some(row) = rows.next()? {
        let state: Option<String> = row.get(1)?;
        let Some(CreditInvoice::Refunded(Proof::Refund(proof)) | CreditInvoice::Paid(Proof::Refund(proof))) =
            state.as_deref().and_then(CreditInvoice::decode)
        else {
            continue;
        };
        if proof.as_str() == refund {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

/// We made it for a cancel.
fn is_reversal(reading: &Reading<'_>, order: Number, refund: &str) -> Result<bool, StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT 1 FROM intent INDEXED BY intent_order
         WHERE shop = ?1 AND order_id = ?2 AND kind = 'refund' AND made = ?3 AND credit_id IS NULL AND ended_seq <= ?4",
    )?;
    Ok(find.exists((reading.shop, order, refund, reading.last()))?)
}

/// The order was cancelled and everything is back: whatever it was called, it was part of that.
fn was_reversed(reading: &Reading<'_>, order: Number) -> Result<bool, StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT after FROM journal INDEXED BY journal_order
         WHERE shop = ?1 AND order_id = ?2 AND entity = 'order' AND event = 'reversed' AND seq <= ?3",
    )?;
    let mut rows = find.query((reading.shop, order, reading.last()))?;
    let Some(row) = rows.next()? else { return Ok(false) };
    Ok(Order::decode(&row.get::<_, String>(0)?).is_some_and(Order::was_cancelled))
}

/// Captured and refunded per week and currency. Weeks begin on Monday; the first of January 1970 was a Thursday.
pub(super) fn flows<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    let mut find = reading.conn.prepare(
        "SELECT (booked_at / 86400000000000 + 3) / 7, currency, count(*), sum(amount)
         FROM movement INDEXED BY movement_booked
         WHERE shop = ?1 AND kind = ?5 AND booked_at >= ?2 AND booked_at < ?3 AND seen_after <= ?4
         GROUP BY 1, 2 ORDER BY 1, 2",
    )?;
    let extent = reading.extent;
    for (kind, is_capture) in [("capture", true), ("refund", false)] {
        let mut rows = find.query((reading.shop, At(extent.from), At(extent.until), reading.last(), kind))?;
        while let Some(row) = rows.next()? {
            let week: i64 = row.get(0)?;
            let second = week.saturating_mul(7).saturating_sub(3).saturating_mul(86_400);
            let count: Number = row.get(2)?;
            lines.line(Line::Flow(FlowLine {
                week: Timestamp::from_second(second).unwrap_or(Timestamp::MIN),
                currency: row.get(1)?,
                is_capture,
                count: count.0,
                amount: row.get(3)?,
            }))?;
        }
    }
    Ok(())
}
