//! Intents as rows: written once, read whole, and the small text that binds their content into the journal.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::super::{Attempt, StoreError};
use super::columns::{At, Cents, Code, Id, Number, is_constraint};
use super::journal;
use super::writer::Tx;
use reconciled_core::answer::Said;
use reconciled_core::guard::Reserved;
use reconciled_core::id::{IntentId, InvoiceId, InvoiceNumber, KlarnaOrderId, OrderId, Reference, RefundId, ShopName};
use reconciled_core::intent::{Effect, Intent, State, Target};
use reconciled_core::money::Minor;

/// The columns that [`read`] expects, in its order.
macro_rules! intent_columns {
    () => {
        "id, order_id, klarna_order_id, kind, reference, credit_id, credit_number, amount, currency, generation,
         key, payload, planned_at, seen_before, state, attempts, first_sent_at, last_sent_at, not_before,
         absent_since, made, said_status, said_code, said_message, said_correlation, ended_at, left_out"
    };
}
pub(super) use intent_columns;

/// How many columns [`intent_columns`] names; what a query adds follows them.
pub(super) const COLUMNS: usize = 27;

pub(super) fn read(row: &Row<'_>, shop: &str) -> Result<Intent, StoreError> {
    let id: Id = row.get(0)?;
    let klarna: Option<String> = row.get(2)?;
    let klarna_order_id = klarna.as_deref().map(klarna_id).transpose()?;
    let credit: Option<Number> = row.get(5)?;
    let credit_number: Option<String> = row.get(6)?;
    let seen: String = row.get(13)?;
    let seen_before =
        serde_json::from_str(&seen).map_err(|why| StoreError::Damaged(format!("intent {}: {why}", id.0)))?;
    Ok(Intent {
        id: IntentId(id.0),
        effect: Effect {
            kind: row.get::<_, Code<_>>(3)?.0,
            amount: row.get::<_, Cents>(7)?.0,
            reference: Reference(row.get(4)?),
            credit_invoice: credit.zip(credit_number).map(|(id, number)| (InvoiceId(id.0), InvoiceNumber(number))),
            generation: row.get(9)?,
        },
        target: Target {
            shop: ShopName(shop.to_owned()),
            whose: None,
            order: OrderId(row.get::<_, Number>(1)?.0),
            klarna_order_id,
            currency: row.get::<_, Code<_>>(8)?.0,
        },
        key: row.get::<_, Id>(10)?.0,
        payload: row.get(11)?,
        state: row.get::<_, Code<_>>(14)?.0,
        planned_at: row.get::<_, At>(12)?.0,
        attempts: row.get(15)?,
        first_sent_at: row.get::<_, Option<At>>(16)?.map(|at| at.0),
        last_sent_at: row.get::<_, Option<At>>(17)?.map(|at| at.0),
        not_before: row.get::<_, Option<At>>(18)?.map(|at| at.0),
        seen_before,
        left_out: left_out(row, id.0)?,
        absent_since: row.get::<_, Option<At>>(19)?.map(|at| at.0),
        made: row.get::<_, Option<String>>(20)?.map(RefundId),
        said: said(row)?,
        ended_at: row.get::<_, Option<At>>(25)?.map(|at| at.0),
    })
}

/// The credit invoices that lowered a capture.
fn left_out(row: &Row<'_>, id: uuid::Uuid) -> Result<Option<Vec<(InvoiceId, Minor)>>, StoreError> {
    let Some(text) = row.get::<_, Option<String>>(26)? else { return Ok(None) };
    let damaged = |why: &dyn std::fmt::Display| StoreError::Damaged(format!("intent {id}: {why}"));
    let pairs: Vec<(u64, i64)> = serde_json::from_str(&text).map_err(|why| damaged(&why))?;
    let credit = |(id, minor): (u64, i64)| Ok((InvoiceId(id), Minor::new(minor).map_err(|why| damaged(&why))?));
    pairs.into_iter().map(credit).collect::<Result<_, _>>().map(Some)
}

fn left_out_text(intent: &Intent) -> Result<Option<String>, StoreError> {
    let Some(credits) = &intent.left_out else { return Ok(None) };
    let pairs: Vec<(u64, i64)> = credits.iter().map(|(id, amount)| (id.0, amount.get())).collect();
    serde_json::to_string(&pairs).map(Some).map_err(|why| StoreError::Damaged(why.to_string()))
}

fn said(row: &Row<'_>) -> Result<Option<Said>, StoreError> {
    let Some(message) = row.get::<_, Option<String>>(23)? else { return Ok(None) };
    Ok(Some(Said { status: row.get(21)?, code: row.get(22)?, message, correlation_id: row.get(24)? }))
}

pub(super) fn klarna_id(text: &str) -> Result<KlarnaOrderId, StoreError> {
    KlarnaOrderId::new(text).ok_or_else(|| StoreError::Damaged(format!("`{text}` as a Klarna order id")))
}

pub(super) fn find(conn: &Connection, shop: &str, id: IntentId) -> Result<Option<Intent>, StoreError> {
    let mut find =
        conn.prepare_cached(concat!("SELECT ", intent_columns!(), " FROM intent WHERE shop = ?1 AND id = ?2"))?;
    find.query_row((shop, Id(id.0)), |row| Ok(read(row, shop))).optional()?.transpose()
}

/// Every intent of the order, oldest first.
pub(super) fn of_order(conn: &Connection, shop: &str, order: OrderId) -> Result<Vec<Intent>, StoreError> {
    let mut find = conn.prepare_cached(concat!(
        "SELECT ",
        intent_columns!(),
        " FROM intent WHERE shop = ?1 AND order_id = ?2 ORDER BY planned_at, rowid"
    ))?;
    let mut rows = find.query((shop, Number(order.0)))?;
    let mut intents = Vec::new();
    while let Some(row) = rows.next()? {
        intents.push(read(row, shop)?);
    }
    Ok(intents)
}

/// Makes a new intent durable, with the journal row that binds its content.
pub(super) fn insert(
    tx: &mut Tx<'_>, cause: &str, at: jiff::Timestamp, order: OrderId, intent: &Intent,
) -> Result<(), StoreError> {
    let target = &intent.target;
    if intent.state != State::Planned || target.order != order || target.shop.as_str() != tx.shop {
        let why = format!("intent {} is not a new one of order {order}", intent.id);
        return Err(StoreError::Guard(why));
    }
    let credit = intent.effect.credit_invoice.as_ref();
    let seen = serde_json::to_string(&intent.seen_before).map_err(|why| StoreError::Damaged(why.to_string()))?;
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO intent (shop, id, order_id, klarna_order_id, kind, reference, credit_id, credit_number, amount,
            currency, generation, key, payload, planned_at, seen_before, state, not_before, left_out)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 'planned', ?16, ?17)",
    )?;
    let inserted = insert.execute(rusqlite::params![
        tx.shop,
        Id(intent.id.0),
        Number(order.0),
        target.klarna_order_id.as_ref().map(KlarnaOrderId::as_str),
        Code(intent.effect.kind),
        intent.effect.reference.as_str(),
        credit.map(|(id, _)| Number(id.0)),
        credit.map(|(_, number)| number.as_str()),
        Cents(intent.effect.amount),
        Code(target.currency),
        intent.effect.generation,
        Id(intent.key),
        intent.payload,
        At(intent.planned_at),
        seen,
        intent.not_before.map(At),
        left_out_text(intent)?,
    ]);
    if let Err(error) = inserted {
        return Err(refusal(intent, error));
    }
    tx.journal(&journal::Entry {
        at,
        actor: journal::ACTOR,
        cause,
        entity: journal::entity::INTENT,
        entity_id: &intent.id.to_string(),
        order: Some(order),
        event: PLANNED,
        before: "",
        after: State::Planned.name(),
        detail: &content(intent)?,
    })
}

fn refusal(intent: &Intent, error: rusqlite::Error) -> StoreError {
    if is_constraint(&error) {
        let (kind, reference) = (intent.effect.kind.name(), intent.effect.reference.as_str());
        StoreError::Guard(format!("the {kind} `{reference}` exists already ({error})"))
    } else {
        error.into()
    }
}

/// The event of an intent's first row.
pub(super) const PLANNED: &str = "planned";

/// What an intent is, as its first journal row says it; the audit compares the stored row with it.
pub(super) fn content(intent: &Intent) -> Result<String, StoreError> {
    #[derive(Serialize)]
    struct Content<'a> {
        kind: &'a str,
        reference: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        credit_invoice: Option<&'a str>,
        amount_minor: i64,
        currency: &'a str,
        generation: u32,
        key: String,
        payload_sha256: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<String>,
    }
    let credit = intent.effect.credit_invoice.as_ref();
    serde_json::to_string(&Content {
        kind: intent.effect.kind.name(),
        reference: intent.effect.reference.as_str(),
        credit_invoice: credit.map(|(_, number)| number.as_str()),
        amount_minor: intent.effect.amount.get(),
        currency: intent.target.currency.code(),
        generation: intent.effect.generation,
        key: intent.key.to_string(),
        payload_sha256: journal::hex(&Sha256::digest(intent.payload.as_bytes())),
        left_out: left_out_text(intent)?,
    })
    .map_err(|why| StoreError::Damaged(why.to_string()))
}

/// Another request of the order, for the same kind of effect, was answered with this id: answered beside this one, it could
/// not be known when this answer was judged.
pub(super) fn is_made_by_another(tx: &Tx<'_>, attempt: &Attempt, made: &RefundId) -> Result<bool, StoreError> {
    let mut find = tx.conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM intent AS other JOIN intent AS own ON own.shop = other.shop AND own.kind = other.kind
            WHERE own.shop = ?1 AND own.id = ?2 AND other.order_id = ?3 AND other.id <> own.id AND other.made = ?4)",
    )?;
    let id = Id(attempt.intent.0);
    let is_made: bool = find.query_row((tx.shop, id, Number(attempt.order.0), made.as_str()), |row| row.get(0))?;
    Ok(is_made && !planted!("any_name_proves"))
}

/// Adds up the refunds of `order` without `except`, at the Klarna order for which it is held now.
pub(super) fn reserved(
    tx: &Tx<'_>, order: OrderId, except: Option<IntentId>, now: jiff::Timestamp,
) -> Result<Reserved, StoreError> {
    let mut find = tx.conn.prepare_cached(
        "SELECT id, amount, state, first_sent_at FROM intent
         WHERE shop = ?1 AND order_id = ?2 AND kind = 'refund'
           AND klarna_order_id IS (SELECT o.klarna_order_id FROM shop_order AS o WHERE o.shop = ?1 AND o.id = ?2)
           AND (state = 'planned' OR state = 'sending' OR state = 'unknown'
                OR (state = 'confirmed' OR state = 'abandoned') AND visible = 0)",
    )?;
    let mut rows = find.query((tx.shop, Number(order.0)))?;
    let mut sums = Reserved::default();
    while let Some(row) = rows.next()? {
        if Some(IntentId(row.get::<_, Id>(0)?.0)) == except {
            continue;
        }
        let amount = row.get::<_, Cents>(1)?.0;
        let state = row.get::<_, Code<State>>(2)?.0;
        let first_sent_at = row.get::<_, Option<At>>(3)?.map(|at| at.0);
        sums = sums.with(amount, &state, first_sent_at, now);
    }
    Ok(sums)
}
