//! The credit invoices of the period: open at its beginning, or with a row in it.
//!
//! Each one's life is read from the journal's index over credit invoices, which holds all of it but the amounts.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row};
use serde_json::Value;

use super::super::super::StoreError;
use super::super::super::codec::Coded as _;
use super::super::super::period::{CreditLine, Line, Lines, RefundOf, Settled, Who};
use super::super::columns::{At, Cents, Number};
use super::super::decide::{CHANGED, FIRST_SEEN};
use super::Reading;
use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::money::Minor;

/// A credit invoice as its row has it now.
struct Held {
    id: i64,
    order: Number,
    number: String,
    amount: Option<Minor>,
    created_at: At,
}

/// What the journal says of one credit invoice up to the last row of the report.
#[derive(Default)]
struct Life {
    first: i64,
    first_seen: Option<Timestamp>,
    /// The last rows that name an amount: before the period, and in it.
    amount_before: i64,
    amount_row: i64,
    /// A row after the report names another.
    changed_later: bool,
    state_before: Option<CreditInvoice>,
    state: Option<CreditInvoice>,
    last: i64,
    proven_at: Option<Timestamp>,
    paid_at: Option<Timestamp>,
}

pub(super) fn read<L: Lines>(reading: &Reading<'_>, lines: &mut L) -> Result<(), StoreError> {
    let mut find = reading.conn.prepare(
        "SELECT id, order_id, number, amount, created_at FROM credit_invoice INDEXED BY credit_invoice_number
         WHERE shop = ?1 ORDER BY number, id",
    )?;
    let mut rows = find.query([reading.shop])?;
    while let Some(row) = rows.next()? {
        let held = held(row)?;
        let life = life(reading, held.id)?;
        if life.first == 0 {
            continue;
        }
        let was_open = life.state_before.as_ref().is_some_and(is_open);
        if was_open || life.last > reading.before() {
            lines.line(Line::Credit(line(reading, held, life, was_open)?))?;
        }
    }
    Ok(())
}

fn held(row: &Row<'_>) -> Result<Held, StoreError> {
    Ok(Held {
        id: row.get(0)?,
        order: row.get(1)?,
        number: row.get(2)?,
        amount: row.get::<_, Option<Cents>>(3)?.map(|cents| cents.0),
        created_at: row.get(4)?,
    })
}

/// Its money is not proven to be back, and it is not withdrawn.
const fn is_open(state: &CreditInvoice) -> bool {
    match state {
        CreditInvoice::Pending
        | CreditInvoice::Held
        | CreditInvoice::RefundRequested(_)
        | CreditInvoice::PaidByHand => true,
        CreditInvoice::Refunded(_) | CreditInvoice::Paid(_) | CreditInvoice::Cancelled => false,
    }
}

fn life(reading: &Reading<'_>, id: i64) -> Result<Life, StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT seq, at, event, after FROM journal INDEXED BY journal_credit
         WHERE shop = ?1 AND entity = 'credit_invoice' AND entity_id = ?2 ORDER BY seq",
    )?;
    let mut rows = find.query((reading.shop, id.to_string()))?;
    let mut life = Life::default();
    while let Some(row) = rows.next()? {
        follow(reading, &mut life, row)?;
    }
    Ok(life)
}

fn follow(reading: &Reading<'_>, life: &mut Life, row: &Row<'_>) -> Result<(), StoreError> {
    let seq: i64 = row.get(0)?;
    let damaged = |why: String| StoreError::Damaged(format!("journal row {seq}: {why}"));
    let text = |index: usize| row.get_ref(index)?.as_str().map_err(|why| damaged(why.to_string()));
    let (event, after) = (text(2)?, text(3)?);
    if seq > reading.last() {
        life.changed_later |= event == CHANGED;
        return Ok(());
    }
    let at = row.get::<_, At>(1)?.0;
    let state = CreditInvoice::decode(after)
        .ok_or_else(|| StoreError::Damaged(format!("journal row {seq}: a credit invoice is `{after}`")))?;
    if event == FIRST_SEEN {
        life.first = seq;
        life.first_seen = Some(at);
    }
    if event == FIRST_SEEN || event == CHANGED {
        life.amount_row = seq;
        if seq <= reading.before() {
            life.amount_before = seq;
        }
    }
    match &state {
        CreditInvoice::Refunded(_) if life.proven_at.is_none() => life.proven_at = Some(at),
        CreditInvoice::Paid(_) | CreditInvoice::PaidByHand if life.paid_at.is_none() => life.paid_at = Some(at),
        CreditInvoice::Pending | CreditInvoice::Refunded(_) => life.paid_at = None,
        CreditInvoice::Held
        | CreditInvoice::RefundRequested(_)
        | CreditInvoice::Paid(_)
        | CreditInvoice::PaidByHand
        | CreditInvoice::Cancelled => {}
    }
    if seq <= reading.before() {
        life.state_before = Some(state.clone());
    }
    life.state = Some(state);
    life.last = seq;
    Ok(())
}

fn line(reading: &Reading<'_>, held: Held, life: Life, was_open: bool) -> Result<CreditLine, StoreError> {
    let state = life.state.unwrap_or(CreditInvoice::Pending);
    let amount = if life.changed_later { amount_of(reading, life.amount_row)? } else { held.amount };
    let opening = match was_open {
        false => None,
        true if life.amount_before == life.amount_row => Some(amount.unwrap_or(Minor::ZERO)),
        true => Some(amount_of(reading, life.amount_before)?.unwrap_or(Minor::ZERO)),
    };
    let new = match reading.is_in(life.first) {
        false => None,
        true if life.first == life.amount_row => Some(amount.unwrap_or(Minor::ZERO)),
        true => Some(amount_of(reading, life.first)?.unwrap_or(Minor::ZERO)),
    };
    let began_open = was_open || new.is_some();
    let settled = match &state {
        CreditInvoice::Refunded(Proof::Refund(_)) | CreditInvoice::Paid(Proof::Refund(_)) => Some(Settled::Refunded),
        CreditInvoice::Refunded(Proof::Reversal) | CreditInvoice::Paid(Proof::Reversal) => Some(Settled::Reversed),
        CreditInvoice::Cancelled => Some(Settled::Withdrawn),
        CreditInvoice::Pending
        | CreditInvoice::Held
        | CreditInvoice::RefundRequested(_)
        | CreditInvoice::PaidByHand => None,
    };
    let (refund, klarna_order_id) = match &state {
        CreditInvoice::Refunded(Proof::Refund(id)) | CreditInvoice::Paid(Proof::Refund(id)) => {
            let (refund, klarna) = refund(reading, held.order, held.id, id.as_str())?;
            (Some(refund), klarna)
        }
        CreditInvoice::Refunded(Proof::Reversal)
        | CreditInvoice::Paid(Proof::Reversal)
        | CreditInvoice::Pending
        | CreditInvoice::Held
        | CreditInvoice::RefundRequested(_)
        | CreditInvoice::PaidByHand
        | CreditInvoice::Cancelled => (None, None),
    };
    Ok(CreditLine {
        order: reading.order_number(held.order)?,
        number: held.number,
        klarna_order_id,
        amount,
        opening,
        new,
        created_at: held.created_at.0,
        first_seen: life.first_seen.unwrap_or(reading.extent.from),
        by_hand: matches!(state, CreditInvoice::PaidByHand),
        is_open: is_open(&state),
        settled: settled.filter(|_| began_open),
        proven_at: life.proven_at,
        refund,
        paid_at: life.paid_at,
        late: reading.is_late(held.created_at.nanos(), life.first),
        state: state.name().to_owned(),
    })
}

/// The amount that a journal row names.
fn amount_of(reading: &Reading<'_>, seq: i64) -> Result<Option<Minor>, StoreError> {
    let mut find = reading.conn.prepare_cached("SELECT detail FROM journal WHERE shop = ?1 AND seq = ?2")?;
    let detail: Option<String> = find.query_row((reading.shop, seq), |row| row.get(0)).optional()?;
    let damaged = |why: String| StoreError::Damaged(format!("journal row {seq}: {why}"));
    let detail: Value =
        serde_json::from_str(detail.as_deref().unwrap_or("{}")).map_err(|why| damaged(why.to_string()))?;
    let amount = detail.get("amount_minor").and_then(Value::as_i64);
    amount.map(Minor::new).transpose().map_err(|why| damaged(why.to_string()))
}

/// The refund `id`, with the Klarna order it is on.
fn refund(
    reading: &Reading<'_>, order: Number, credit: i64, id: &str,
) -> Result<(RefundOf, Option<String>), StoreError> {
    let shown = shown(reading, order, id)?;
    let ours = ours(reading, order, id)?;
    let who = match (&ours, reading.humans.on(order, id)) {
        (Some(_), _) => Who::Us,
        (None, Some(word)) => Who::Adopted(word.actor.clone()),
        (None, None) => Who::Somebody,
    };
    let klarna = shown.as_ref().map(|shown| shown.klarna_order_id.clone());
    let klarna = klarna.or_else(|| ours.as_ref().and_then(|ours| ours.klarna_order_id.clone()));
    let period = At(reading.extent.from).nanos()..At(reading.extent.until).nanos();
    let refund = RefundOf {
        id: id.to_owned(),
        amount: match in_parts(reading, order, credit)? {
            Some(parts) => Some(parts),
            None => shown.as_ref().map(|it| it.amount).or(ours.as_ref().map(|it| it.amount)),
        },
        at: shown.as_ref().map_or(ours.as_ref().and_then(|it| it.ended_at), |it| it.made_at),
        who,
        correlation_id: ours.and_then(|ours| ours.correlation_id),
        in_period: shown.is_some_and(|shown| period.contains(&shown.booked_at)),
    };
    Ok((refund, klarna))
}

/// What went back for a credit invoice of which humans gave parts: those, and what this program refunded besides.
fn in_parts(reading: &Reading<'_>, order: Number, credit: i64) -> Result<Option<Minor>, StoreError> {
    let parts = reading.humans.parts_of(order, credit);
    if parts.is_empty() {
        return Ok(None);
    }
    let mut find = reading.conn.prepare_cached(
        "SELECT made, amount FROM intent INDEXED BY intent_order
         WHERE shop = ?1 AND order_id = ?2 AND kind = 'refund' AND state = 'confirmed' AND credit_id = ?3
            AND ended_seq <= ?4",
    )?;
    let mut sum: Minor = parts.iter().map(|(_, amount)| *amount).collect();
    let mut rows = find.query((reading.shop, order, credit, reading.last()))?;
    while let Some(row) = rows.next()? {
        let (made, Cents(amount)): (Option<String>, Cents) = (row.get(0)?, row.get(1)?);
        if !parts.iter().any(|(refund, _)| made.as_deref() == Some(*refund)) {
            sum = sum.plus(amount);
        }
    }
    Ok(Some(sum))
}

struct Shown {
    klarna_order_id: String,
    amount: Minor,
    made_at: Option<Timestamp>,
    booked_at: i64,
}

fn shown(reading: &Reading<'_>, order: Number, id: &str) -> Result<Option<Shown>, StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT klarna_order_id, amount, made_at, booked_at FROM movement
         WHERE shop = ?1 AND order_id = ?2 AND kind = 'refund' AND id = ?3 AND seen_after <= ?4",
    )?;
    let found = find.query_row((reading.shop, order, id, reading.last()), |row| {
        Ok(Shown {
            klarna_order_id: row.get(0)?,
            amount: row.get::<_, Cents>(1)?.0,
            made_at: row.get::<_, Option<At>>(2)?.map(|at| at.0),
            booked_at: row.get(3)?,
        })
    });
    Ok(found.optional()?)
}

struct Ours {
    klarna_order_id: Option<String>,
    amount: Minor,
    ended_at: Option<Timestamp>,
    correlation_id: Option<String>,
}

/// The intent of ours that made the refund.
fn ours(reading: &Reading<'_>, order: Number, id: &str) -> Result<Option<Ours>, StoreError> {
    let mut find = reading.conn.prepare_cached(
        "SELECT klarna_order_id, amount, ended_at, correlation_id FROM intent INDEXED BY intent_order
         WHERE shop = ?1 AND order_id = ?2 AND kind = 'refund' AND state = 'confirmed' AND made = ?3
            AND ended_seq <= ?4 ORDER BY rowid LIMIT 1",
    )?;
    let found = find.query_row((reading.shop, order, id, reading.last()), |row| {
        Ok(Ours {
            klarna_order_id: row.get(0)?,
            amount: row.get::<_, Cents>(1)?.0,
            ended_at: row.get::<_, Option<At>>(2)?.map(|at| at.0),
            correlation_id: row.get(3)?,
        })
    });
    Ok(found.optional()?)
}

/// Who made the refund `id`.
pub(super) fn who(reading: &Reading<'_>, order: Number, id: &str) -> Result<Who, StoreError> {
    Ok(match (ours(reading, order, id)?, reading.humans.on(order, id)) {
        (Some(_), _) => Who::Us,
        (None, Some(word)) => Who::Adopted(word.actor.clone()),
        (None, None) => Who::Somebody,
    })
}
