//! What moved at Klarna in the period: every refund with what explains it, and the sums per week.
//!
//! Goes through the refunds themselves, not through the credit invoices: what nothing explains shows because it is
//! looked for from this side.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Row;

use super::super::super::StoreError;
use super::super::super::codec::Coded as _;
use super::super::super::period::{Explained, FlowLine, Line, Lines, RefundLine};
use super::super::columns::{At, Cents, Number};
use super::extent::NANOS_PER_DAY;
use super::{Reading, credits};
use reconciled_core::adoption::{Part, Settles};
use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::ledger::Attribution;
use reconciled_core::money::Minor;
use reconciled_core::order::Order;
use reconciled_core::policy::AMOUNT_TOLERANCE;

pub(super) fn read<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    // The index has all that is needed of a refund which a credit invoice explains, and those are nearly all.
    let mut find = reading.conn.prepare(
        "SELECT order_id, id, currency, amount, booked_at FROM movement INDEXED BY movement_booked
         WHERE shop = ?1 AND kind = 'refund' AND booked_at >= ?2 AND booked_at < ?3 AND seen_after <= ?4
         ORDER BY booked_at, order_id, id",
    )?;
    let extent = reading.extent;
    let mut rows = find.query((reading.shop, At(extent.from), At(extent.until), reading.last()))?;
    while let Some(row) = rows.next()? {
        let (order, id): (Number, String) = (row.get(0)?, row.get(1)?);
        let (currency, Cents(amount)): (String, Cents) = (row.get(2)?, row.get(3)?);
        let booked_at: At = row.get(4)?;
        if let Some(word) = reading.humans.on(order, &id)
            && let Attribution::Parts(parts) = &word.target
        {
            let whole = (currency, amount);
            in_parts(reading, lines, (order, &id), whole, (parts, &word.actor), booked_at)?;
        } else if settles_a_credit(reading, order, &id)? {
            lines.line(Line::RefundOfCredit { currency, amount })?;
        } else {
            lines.line(Line::Refund(line(reading, order, id, (currency, amount), booked_at)?))?;
        }
    }
    Ok(())
}

/// A refund of which a human said part by part what it settles: a line for each, and one for what they leave.
fn in_parts<L: Lines>(
    reading: &Reading<'_>, lines: &mut L, (order, id): (Number, &str), (currency, whole): (String, Minor),
    (parts, actor): (&[Part], &str), booked_at: At,
) -> Result<(), StoreError> {
    let sum = |is: fn(&Settles) -> bool| parts.iter().filter(|it| is(&it.settles)).map(|it| it.amount).collect();
    let credits: Minor = sum(|settles| matches!(settles, Settles::Credit(_)));
    let cancel: Minor = sum(|settles| matches!(settles, Settles::Cancel));
    let nothing: Minor = sum(|settles| matches!(settles, Settles::Nothing));
    if credits.is_positive() {
        lines.line(Line::RefundOfCredit { currency: currency.clone(), amount: credits })?;
    }
    let rest = whole.less(credits).less(cancel).less(nothing);
    // A minor unit that parts leave is the rounding between the two sides.
    let nothing = if rest.get() <= AMOUNT_TOLERANCE { nothing.plus(rest) } else { nothing };
    let rest = if rest.get() <= AMOUNT_TOLERANCE { Minor::ZERO } else { rest };
    let others =
        [(cancel, Explained::Cancel), (nothing, Explained::RuledOut(actor.to_owned())), (rest, Explained::Nothing)];
    for (amount, explained) in others {
        if amount.is_positive() {
            let line = line(reading, order, id.to_owned(), (currency.clone(), amount), booked_at)?;
            lines.line(Line::Refund(RefundLine { explained, ..line }))?;
        }
    }
    Ok(())
}

/// A refund that no credit invoice explains, with what else may.
fn line(
    reading: &Reading<'_>, order: Number, id: String, (currency, amount): (String, Minor), booked_at: At,
) -> Result<RefundLine, StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT klarna_order_id, reference, made_at FROM movement
         WHERE shop = ?1 AND order_id = ?2 AND kind = 'refund' AND id = ?3",
    )?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (klarna_order_id, reference, made_at): (String, Option<String>, Option<At>) =
        find.query_row((reading.shop, order, &id), read)?;
    let number = reading.order_number(order)?;
    Ok(RefundLine {
        explained: explained(reading, order, &number, &id, reference.as_deref())?,
        who: credits::who(reading, order, &id)?,
        order: number,
        klarna_order_id,
        id,
        amount,
        currency,
        reference,
        made_at: made_at.map(|at| at.0),
        late: made_at.is_some_and(|made| made.nanos() < booked_at.nanos()),
    })
}

fn explained(
    reading: &Reading<'_>, order: Number, number: &str, id: &str, reference: Option<&str>,
) -> Result<Explained, StoreError> {
    match reading.humans.on(order, id).map(|word| (&word.target, &word.actor)) {
        Some((Attribution::Cancel, _)) => return Ok(Explained::Cancel),
        Some((Attribution::RuledOut, actor)) => return Ok(Explained::RuledOut(actor.clone())),
        Some((Attribution::CreditInvoice(_) | Attribution::Parts(_), _)) | None => {}
    }
    let for_cancel = reference.and_then(|it| it.strip_suffix(":cancel")) == Some(number);
    if for_cancel || is_reversal(reading, order, id)? || was_reversed(reading, order)? {
        return Ok(Explained::Cancel);
    }
    Ok(Explained::Nothing)
}

/// The money of a credit invoice is proven by this refund, as the journal had it.
fn settles_a_credit(reading: &Reading<'_>, order: Number, refund: &str) -> Result<bool, StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT (SELECT after FROM journal AS j INDEXED BY journal_credit
            WHERE j.shop = ?1 AND j.entity = 'credit_invoice' AND j.entity_id = CAST(c.id AS TEXT) AND j.seq <= ?3
            ORDER BY j.seq DESC LIMIT 1)
         FROM credit_invoice AS c INDEXED BY credit_invoice_order WHERE c.shop = ?1 AND c.order_id = ?2",
    )?;
    let mut rows = find.query((reading.shop, order, reading.last()))?;
    while let Some(row) = rows.next()? {
        let state: Option<String> = row.get(0)?;
        if let Some(CreditInvoice::Refunded(Proof::Refund(proof)) | CreditInvoice::Paid(Proof::Refund(proof))) =
            state.as_deref().and_then(CreditInvoice::decode)
            && proof.as_str() == refund
        {
            return Ok(true);
        }
    }
    made_for_a_credit(reading, order, refund)
}

/// We made it for a credit invoice, beside others that prove it: the rest of one of which somebody had refunded a part.
fn made_for_a_credit(reading: &Reading<'_>, order: Number, refund: &str) -> Result<bool, StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT 1 FROM intent INDEXED BY intent_order
         WHERE shop = ?1 AND order_id = ?2 AND kind = 'refund' AND made = ?3 AND credit_id IS NOT NULL
            AND reference <> credit_number AND ended_seq <= ?4",
    )?;
    Ok(find.exists((reading.shop, order, refund, reading.last()))?)
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

/// Captured and refunded per week and currency. Weeks begin on Monday; the first of January 1970 was a Thursday. Added
/// up here and not by SQLite, which would sort all movements first.
pub(super) fn flows<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    let mut find = reading.conn.prepare(
        "SELECT booked_at, currency, amount FROM movement INDEXED BY movement_booked
         WHERE shop = ?1 AND kind = ?5 AND booked_at >= ?2 AND booked_at < ?3 AND seen_after <= ?4",
    )?;
    let extent = reading.extent;
    for (kind, is_capture) in [("capture", true), ("refund", false)] {
        let mut weeks: BTreeMap<i64, BTreeMap<String, (u64, i64)>> = BTreeMap::new();
        let mut rows = find.query((reading.shop, At(extent.from), At(extent.until), reading.last(), kind))?;
        while let Some(row) = rows.next()? {
            let day = row.get::<_, i64>(0)?.div_euclid(NANOS_PER_DAY);
            let currencies = weeks.entry(day.saturating_add(3).div_euclid(7)).or_default();
            let currency = row.get_ref(1)?.as_str().map_err(|why| StoreError::Damaged(why.to_string()))?;
            let amount: i64 = row.get(2)?;
            match currencies.get_mut(currency) {
                Some((count, sum)) => {
                    (*count, *sum) = (count.saturating_add(1), sum.saturating_add(amount));
                }
                None => {
                    currencies.insert(currency.to_owned(), (1, amount));
                }
            }
        }
        for (week, currencies) in weeks {
            let second = week.saturating_mul(7).saturating_sub(3).saturating_mul(86_400);
            let week = Timestamp::from_second(second).unwrap_or(Timestamp::MIN);
            for (currency, (count, amount)) in currencies {
                lines.line(Line::Flow(FlowLine { week, currency, is_capture, count, amount }))?;
            }
        }
    }
    Ok(())
}
