//! Making one decision about one order durable: facts, credit invoices, steps, intents and differences, wholly or not
//! at all.

use jiff::{SignedDuration, Timestamp};
use rusqlite::OptionalExtension;

use super::super::codec::Coded;
use super::super::rows::write_klarna_order;
use super::super::{Decided, StoreError};
use super::columns::{At, Cents, Code, Id, Number};
use super::journal::{ACTOR, entity};
use super::steps::{self, Cause, Detail, Row};
use super::writer::Tx;
use super::{candidates, differences, dossier, intents, listing, movements, owed};
use reconciled_core::attribution::seen;
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::decide::RULES;
use reconciled_core::facts::KlarnaOrder;
use reconciled_core::guard::Money;
use reconciled_core::id::{IntentId, InvoiceId, InvoiceNumber, OrderId, PassId, Reference};
use reconciled_core::intent::{Intent, Kind};
use reconciled_core::money::Minor;
use reconciled_core::order::Order;

/// The event of an order's and a credit invoice's first row.
pub(super) const FIRST_SEEN: &str = "first_seen";

/// The shop changed a credit invoice whose refund is not intended: its amount or its number is another.
pub(super) const CHANGED: &str = "changed";

/// A refund that Klarna confirmed this long before a read is in that read: reads lag by seconds, and the widest lag
/// ever assumed is ten minutes.
const READ_LAG: SignedDuration = SignedDuration::from_hours(1);

/// The running pass, as its rows are named.
pub(super) struct Pass {
    pub(super) id: String,
    no: i64,
    started_at: i64,
}

pub(super) fn pass(tx: &Tx<'_>, id: PassId) -> Result<Pass, StoreError> {
    let mut find = tx.conn.prepare_cached("SELECT no, started_at FROM pass WHERE shop = ?1 AND id = ?2")?;
    let found = find.query_row((tx.shop, Id(id.0)), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (no, started_at) = found.ok_or_else(|| StoreError::NotFound(format!("pass {id}")))?;
    Ok(Pass { id: id.to_string(), no, started_at })
}

pub(super) fn decide(tx: &mut Tx<'_>, pass: &Pass, at: Timestamp, decided: &Decided) -> Result<(), StoreError> {
    let cause = Cause { order: decided.order, at, actor: ACTOR, id: &pass.id };
    if was_told_since(tx, decided.order, decided.heard_at)? {
        return Err(StoreError::Moved(decided.order));
    }
    begin_order(tx, cause)?;
    if let Some(link) = &decided.link {
        candidates::choose(tx, decided.order, link)?;
    }
    candidates::keep(tx, decided.order, &decided.asked)?;
    candidates::learn(tx, decided.order, decided.named_by)?;
    if let Some((klarna, read_at)) = &decided.klarna {
        let body = write_klarna_order(klarna)?;
        forget_another(tx, decided.order, klarna)?;
        listing::put_fact(tx, decided.order, "klarna", At(*read_at), At(*read_at), &body)?;
        movements::keep(tx, cause, klarna)?;
    }
    for (id, number, amount, created_at) in &decided.credits {
        keep_credit(tx, cause, *id, number, *amount, *created_at)?;
    }
    for step in &decided.steps {
        steps::apply(tx, cause, step)?;
    }
    for (id, since) in &decided.absent {
        let mut update = tx.conn.prepare_cached(
            "UPDATE intent SET absent_since = ?3 WHERE shop = ?1 AND id = ?2 AND order_id = ?4
                AND (absent_since IS NULL OR absent_since > ?3
                    OR last_sent_at IS NOT NULL AND absent_since <= last_sent_at)",
        )?;
        update.execute((tx.shop, Id(id.0), At(*since), Number(decided.order.0)))?;
    }
    if let Some((klarna, read_at)) = &decided.klarna {
        mark_visible(tx, decided.order, klarna, *read_at)?;
        mark_captures(tx, decided.order, klarna)?;
    }
    intend(tx, cause, decided)?;
    differences::keep(tx, cause, &decided.discrepancies, decided.looks_back, decided.withheld)?;
    finish(tx, pass, at, decided)
}

/// Whether a human spoke about the order after `heard_at`.
pub(super) fn was_told_since(tx: &Tx<'_>, order: OrderId, heard_at: Option<Timestamp>) -> Result<bool, StoreError> {
    let mut find = tx.conn.prepare_cached("SELECT touched_at FROM shop_order WHERE shop = ?1 AND id = ?2")?;
    let touched: Option<Option<At>> = find.query_row((tx.shop, Number(order.0)), |row| row.get(0)).optional()?;
    Ok(touched.flatten().is_some_and(|at| heard_at.is_none_or(|heard| at.0 > heard)))
}

/// What was read of another Klarna order gives way to this one, whatever the clock said then: the states rest on this one
/// from now on, and what was refunded of that one is none of this one's.
fn forget_another(tx: &Tx<'_>, order: OrderId, klarna: &KlarnaOrder) -> Result<(), StoreError> {
    let mut forget = tx.conn.prepare_cached(
        "DELETE FROM fact WHERE shop = ?1 AND order_id = ?2 AND side = 'klarna' AND json_extract(body, '$.id') <> ?3",
    )?;
    if forget.execute((tx.shop, Number(order.0), klarna.id.as_str()))? > 0 {
        let mut forget =
            tx.conn.prepare_cached("UPDATE shop_order SET most_refunded = 0 WHERE shop = ?1 AND id = ?2")?;
        forget.execute((tx.shop, Number(order.0)))?;
    }
    Ok(())
}

/// Gives the order its first state, with the journal row that begins its history.
fn begin_order(tx: &mut Tx<'_>, cause: Cause<'_>) -> Result<(), StoreError> {
    let mut find = tx.conn.prepare_cached("SELECT state, number FROM shop_order WHERE shop = ?1 AND id = ?2")?;
    let id = Number(cause.order.0);
    let found: Option<(Option<String>, String)> =
        find.query_row((tx.shop, id), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((state, number)) = found else {
        return Err(StoreError::NotFound(format!("order {}", cause.order)));
    };
    if state.is_some() {
        return Ok(());
    }
    let mut begin = tx.conn.prepare_cached("UPDATE shop_order SET state = ?3 WHERE shop = ?1 AND id = ?2")?;
    begin.execute((tx.shop, id, Code(Order::Pending)))?;
    let row = Row {
        entity: entity::ORDER,
        entity_id: &cause.order.to_string(),
        event: FIRST_SEEN,
        before: "",
        after: &Order::Pending.encode(),
    };
    steps::journal_row(tx, cause, &row, &Detail { number: Some(&number), ..Detail::default() }.json()?)
}

/// Makes a new credit invoice `Pending`. The amount of a known one follows the shop until its refund is intended or it is
/// settled without one, and is kept from then on, so that a later change shows.
fn keep_credit(
    tx: &mut Tx<'_>, cause: Cause<'_>, id: InvoiceId, number: &InvoiceNumber, amount: Option<Minor>,
    created_at: Timestamp,
) -> Result<(), StoreError> {
    let mut find = tx
        .conn
        .prepare_cached("SELECT order_id, state, amount, number FROM credit_invoice WHERE shop = ?1 AND id = ?2")?;
    let found: Option<(Number, Code<CreditInvoice>, Option<Cents>, String)> = find
        .query_row((tx.shop, Number(id.0)), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((order, state, held, name)) = found else {
        return first_credit(tx, cause, id, number, amount, created_at);
    };
    if order.0 != cause.order.0 {
        let why = format!("credit invoice {number} belongs to order {}", order.0);
        return Err(StoreError::Guard(why));
    }
    let follows = match state.0 {
        CreditInvoice::Pending | CreditInvoice::Held | CreditInvoice::PaidByHand => true,
        CreditInvoice::RefundRequested(_)
        | CreditInvoice::Refunded(_)
        | CreditInvoice::Paid(_)
        | CreditInvoice::Cancelled => false,
    };
    let now = if follows { amount } else { held.map(|cents| cents.0) };
    if now == held.map(|cents| cents.0) && name == number.as_str() {
        return Ok(());
    }
    let mut update =
        tx.conn.prepare_cached("UPDATE credit_invoice SET amount = ?3, number = ?4 WHERE shop = ?1 AND id = ?2")?;
    update.execute((tx.shop, Number(id.0), now.map(Cents), number.as_str()))?;
    drop(update);
    let state = state.0.encode();
    let id = id.to_string();
    let row = Row { entity: entity::CREDIT_INVOICE, entity_id: &id, event: CHANGED, before: &state, after: &state };
    let detail = Detail { number: Some(number.as_str()), amount_minor: now.map(Minor::get), ..Detail::default() };
    steps::journal_row(tx, cause, &row, &detail.json()?)
}

fn first_credit(
    tx: &mut Tx<'_>, cause: Cause<'_>, id: InvoiceId, number: &InvoiceNumber, amount: Option<Minor>,
    created_at: Timestamp,
) -> Result<(), StoreError> {
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO credit_invoice (shop, id, order_id, number, state, amount, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    insert.execute((
        tx.shop,
        Number(id.0),
        Number(cause.order.0),
        number.as_str(),
        Code(CreditInvoice::Pending),
        amount.map(Cents),
        At(created_at),
    ))?;
    owed::recorded(tx, id)?;
    let row = Row {
        entity: entity::CREDIT_INVOICE,
        entity_id: &id.to_string(),
        event: FIRST_SEEN,
        before: "",
        after: &CreditInvoice::Pending.encode(),
    };
    let detail = Detail { number: Some(number.as_str()), amount_minor: amount.map(Minor::get), ..Detail::default() };
    steps::journal_row(tx, cause, &row, &detail.json()?)
}

/// Marks the confirmed refunds that this read shows, by id or by reference, or by amount and time where it carries
/// neither, and those given up that it shows all the same: one that is not marked counts beside the read. One that is too
/// old to be missing, in a read whose total covers all of ours, is there under a name we cannot tell.
fn mark_visible(tx: &Tx<'_>, order: OrderId, klarna: &KlarnaOrder, read_at: Timestamp) -> Result<(), StoreError> {
    let mut find = tx.conn.prepare_cached(
        "SELECT id, made, reference, ended_at,
            (SELECT sum(amount) FROM intent AS all_of_ours
             WHERE shop = ?1 AND order_id = ?2 AND kind = 'refund' AND state = 'confirmed' AND klarna_order_id = ?3),
            state = 'confirmed'
         FROM intent
         WHERE shop = ?1 AND order_id = ?2 AND kind = 'refund' AND visible = 0 AND klarna_order_id = ?3
            AND (state = 'confirmed' OR state = 'abandoned')",
    )?;
    let mut rows = find.query((tx.shop, Number(order.0), klarna.id.as_str()))?;
    let mut shown = Vec::new();
    let mut hidden = Vec::new();
    while let Some(row) = rows.next()? {
        let made: Option<String> = row.get(1)?;
        let reference: String = row.get(2)?;
        let ended_at: Option<At> = row.get(3)?;
        let is_named = klarna.refunds.iter().any(|refund| {
            made.as_deref() == Some(refund.id.as_str())
                || refund.reference.as_ref().is_some_and(|found| found.as_str() == reference)
        });
        let is_old = ended_at.is_none_or(|ended| read_at.duration_since(ended.0) >= READ_LAG);
        let ours: Option<i64> = row.get(4)?;
        let is_covered = row.get(5)? && ours.is_some_and(|ours| ours <= klarna.refunded.get());
        if is_named || is_old && is_covered {
            shown.push(row.get::<_, Id>(0)?);
        } else {
            hidden.push(row.get::<_, Id>(0)?);
        }
    }
    if !hidden.is_empty()
        && let Some(held) = dossier::dossiers(tx.conn, tx.shop, &[order])?.pop()
    {
        let seen = seen(&held.ledger, &held.shop, klarna);
        shown.extend(hidden.into_iter().filter(|id| seen.contains_key(&IntentId(id.0))));
    }
    for id in shown {
        let mut mark = tx.conn.prepare_cached("UPDATE intent SET visible = 1 WHERE shop = ?1 AND id = ?2")?;
        mark.execute((tx.shop, id))?;
    }
    Ok(())
}

/// Marks the confirmed captures that this read shows, by id or by reference.
fn mark_captures(tx: &Tx<'_>, order: OrderId, klarna: &KlarnaOrder) -> Result<(), StoreError> {
    let mut mark = tx.conn.prepare_cached(
        "UPDATE intent SET visible = 1 WHERE shop = ?1 AND order_id = ?2 AND kind = 'capture' AND state = 'confirmed'
            AND visible = 0 AND klarna_order_id = ?3 AND (made = ?4 OR reference = ?5)",
    )?;
    for capture in &klarna.captures {
        let reference = capture.reference.as_ref().map(Reference::as_str);
        mark.execute((tx.shop, Number(order.0), klarna.id.as_str(), &capture.id.0, reference))?;
    }
    Ok(())
}

/// Inserts the new intents, each refund behind the money guard: what Klarna's reads say was refunded, what is reserved
/// and is not in that read, and the new refund together stay within what is captured.
fn intend(tx: &mut Tx<'_>, cause: Cause<'_>, decided: &Decided) -> Result<(), StoreError> {
    if decided.intents.is_empty() {
        return Ok(());
    }
    let mut most = tx.conn.prepare_cached("SELECT most_refunded FROM shop_order WHERE shop = ?1 AND id = ?2")?;
    let most: Cents = most.query_row((tx.shop, Number(decided.order.0)), |row| row.get(0))?;
    for intent in &decided.intents {
        if intent.effect.kind == Kind::Refund {
            let reserved = intents::reserved(tx, decided.order, None, cause.at)?;
            let (captured, refunded) = (decided.captured, decided.refunded);
            let money = Money { captured, refunded, refunded_then: refunded.max(most.0), reserved };
            money.fits(intent.effect.amount).map_err(|after| beyond(decided, intent, after))?;
        }
        intents::insert(tx, cause.id, cause.at, decided.order, intent)?;
    }
    Ok(())
}

fn beyond(decided: &Decided, intent: &Intent, after: Minor) -> StoreError {
    StoreError::Guard(format!(
        "refund `{}` of {} would bring order {} to {} refunded or reserved of {} captured",
        intent.effect.reference,
        intent.effect.amount.get(),
        decided.order,
        after.get(),
        decided.captured.get(),
    ))
}

/// What an operator did to the order after the pass began was not in its dossier: such an order stays due.
fn finish(tx: &Tx<'_>, pass: &Pass, at: Timestamp, decided: &Decided) -> Result<(), StoreError> {
    let mut update = tx.conn.prepare_cached(
        "UPDATE shop_order SET captured = ?3, refunded = ?4, most_refunded = max(most_refunded, ?4), decided_in = ?5,
            quiet_since = CASE WHEN ?6 THEN ?7 ELSE quiet_since END,
            look_at = CASE WHEN touched_at >= ?8 THEN 0 ELSE ?9 END, rules = ?10
         WHERE shop = ?1 AND id = ?2",
    )?;
    update.execute(rusqlite::params![
        tx.shop,
        Number(decided.order.0),
        Cents(decided.captured),
        Cents(decided.refunded),
        pass.no,
        decided.changed,
        At(at),
        pass.started_at,
        decided.next_look.map(|look| At(look).nanos().max(0)),
        RULES,
    ])?;
    Ok(())
}
