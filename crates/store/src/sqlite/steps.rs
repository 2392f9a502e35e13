//! Applying one step of a machine: compare with what is stored, move, and journal.
//!
//! The store computes no step. It refuses one whose `before` is not what it holds, and one that the machine itself
//! does not know, because the journal could never be replayed over it.

use jiff::Timestamp;
use serde::Serialize;

use super::super::codec::Coded;
use super::super::{Step, StoreError};
use super::columns::{At, Code, Id, Number};
use super::journal::{self, entity};
use super::writer::Tx;
use reconciled_core::credit_invoice::{self, CreditInvoice};
use reconciled_core::id::{IntentId, InvoiceId, OrderId, RefundId};
use reconciled_core::intent;
use reconciled_core::order::{self, Order};
use reconciled_core::plan::Note;

/// Why and for whom steps are applied.
#[derive(Clone, Copy)]
pub(super) struct Cause<'a> {
    pub(super) order: OrderId,
    pub(super) at: Timestamp,
    pub(super) actor: &'a str,
    /// The pass, or `operator`.
    pub(super) id: &'a str,
}

/// What a journal row says besides the step; empty fields are left out.
#[derive(Default, Serialize)]
pub(super) struct Detail<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) amount_minor: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_minor: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) made: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uncounted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proposed_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<&'a str>,
}

impl Detail<'_> {
    pub(super) fn json(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|why| StoreError::Damaged(why.to_string()))
    }
}

/// Applies a step of an intent or a credit invoice, or the order's.
pub(super) fn apply(tx: &mut Tx<'_>, cause: Cause<'_>, step: &Step) -> Result<(), StoreError> {
    match step {
        Step::Order { before, event, after } => move_order(tx, cause, *before, *event, *after),
        Step::Credit { id, before, event, after } => move_credit(tx, cause, *id, before, event, after),
        Step::Intent { id, before, event, after, note } => {
            let (made, why) = match note {
                Some(Note::Seen { made }) => (made.as_ref().map(RefundId::as_str), None),
                Some(Note::Withdrawn { why }) => (None, Some(why.as_str())),
                Some(Note::Absent { .. }) | None => (None, None),
            };
            let detail = Detail { made, why, ..Detail::default() };
            let moved = IntentMove { id: *id, before, event: *event, after };
            move_intent(tx, cause, &moved, &detail)?;
            settle_intent(tx, cause, *id, after, made, matches!(note, Some(Note::Seen { .. })))
        }
    }
}

fn illegal(why: &reconciled_core::IllegalTransition) -> StoreError {
    StoreError::Guard(why.to_string())
}

fn differs(cause: Cause<'_>) -> StoreError {
    StoreError::Guard(format!("a step of order {} does not lead where it says", cause.order))
}

fn move_order(
    tx: &mut Tx<'_>, cause: Cause<'_>, before: Order, event: order::Event, after: Order,
) -> Result<(), StoreError> {
    if before.apply(event).map_err(|why| illegal(&why))? != after {
        return Err(differs(cause));
    }
    let mut update =
        tx.conn.prepare_cached("UPDATE shop_order SET state = ?3 WHERE shop = ?1 AND id = ?2 AND state = ?4")?;
    let id = Number(cause.order.0);
    if update.execute((tx.shop, id, Code(after), Code(before)))? != 1 {
        return Err(StoreError::Moved(cause.order));
    }
    let row = Row {
        entity: entity::ORDER,
        entity_id: &cause.order.to_string(),
        event: &event.encode(),
        before: &before.encode(),
        after: &after.encode(),
    };
    journal_row(tx, cause, &row, "{}")
}

pub(super) fn move_credit(
    tx: &mut Tx<'_>, cause: Cause<'_>, id: InvoiceId, before: &CreditInvoice, event: &credit_invoice::Event,
    after: &CreditInvoice,
) -> Result<(), StoreError> {
    if before.clone().apply(event.clone()).map_err(|why| illegal(&why))? != *after {
        return Err(differs(cause));
    }
    let mut update = tx.conn.prepare_cached(
        "UPDATE credit_invoice SET state = ?3 WHERE shop = ?1 AND id = ?2 AND state = ?4 AND order_id = ?5",
    )?;
    let (before, after) = (before.encode(), after.encode());
    let place = (tx.shop, Number(id.0), after.as_ref(), before.as_ref(), Number(cause.order.0));
    if update.execute(place)? != 1 {
        return Err(StoreError::Moved(cause.order));
    }
    if planted!("a_step_without_a_row") {
        return Ok(());
    }
    let row = Row {
        entity: entity::CREDIT_INVOICE,
        entity_id: &id.to_string(),
        event: &event.encode(),
        before: &before,
        after: &after,
    };
    journal_row(tx, cause, &row, "{}")
}

/// A step of one intent.
pub(super) struct IntentMove<'a> {
    pub(super) id: IntentId,
    pub(super) before: &'a intent::State,
    pub(super) event: intent::Event,
    pub(super) after: &'a intent::State,
}

/// Moves the intent's state and journals it; what else changes with the state is the caller's.
pub(super) fn move_intent(
    tx: &mut Tx<'_>, cause: Cause<'_>, step: &IntentMove<'_>, detail: &Detail<'_>,
) -> Result<(), StoreError> {
    if step.before.clone().apply(step.event).map_err(|why| illegal(&why))? != *step.after {
        return Err(differs(cause));
    }
    let mut update = tx
        .conn
        .prepare_cached("UPDATE intent SET state = ?3 WHERE shop = ?1 AND id = ?2 AND state = ?4 AND order_id = ?5")?;
    let (before, after) = (step.before.name(), step.after.name());
    if update.execute((tx.shop, Id(step.id.0), after, before, Number(cause.order.0)))? != 1 {
        return Err(StoreError::Moved(cause.order));
    }
    journal_intent(tx, cause, step, detail)
}

pub(super) fn journal_intent(
    tx: &mut Tx<'_>, cause: Cause<'_>, step: &IntentMove<'_>, detail: &Detail<'_>,
) -> Result<(), StoreError> {
    let row = Row {
        entity: entity::INTENT,
        entity_id: &step.id.to_string(),
        event: step.event.name(),
        before: step.before.name(),
        after: step.after.name(),
    };
    journal_row(tx, cause, &row, &detail.json()?)
}

/// Keeps what a read showed of an intent, and when it ended.
fn settle_intent(
    tx: &Tx<'_>, cause: Cause<'_>, id: IntentId, after: &intent::State, made: Option<&str>, seen: bool,
) -> Result<(), StoreError> {
    let ended = ends(after).then_some(At(cause.at));
    let mut update = tx.conn.prepare_cached(
        "UPDATE intent SET made = coalesce(?3, made), visible = max(visible, ?4), ended_at = ?5
         WHERE shop = ?1 AND id = ?2",
    )?;
    update.execute((tx.shop, Id(id.0), made, seen, ended))?;
    Ok(())
}

pub(super) const fn ends(state: &intent::State) -> bool {
    !state.is_in_flight()
}

/// The fields of a journal row that a step gives.
pub(super) struct Row<'a> {
    pub(super) entity: &'a str,
    pub(super) entity_id: &'a str,
    pub(super) event: &'a str,
    pub(super) before: &'a str,
    pub(super) after: &'a str,
}

pub(super) fn journal_row(tx: &mut Tx<'_>, cause: Cause<'_>, row: &Row<'_>, detail: &str) -> Result<(), StoreError> {
    tx.journal(&journal::Entry {
        at: cause.at,
        actor: cause.actor,
        cause: cause.id,
        entity: row.entity,
        entity_id: row.entity_id,
        order: Some(cause.order),
        event: row.event,
        before: row.before,
        after: row.after,
        detail,
    })
}
