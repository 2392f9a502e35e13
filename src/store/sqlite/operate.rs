//! What humans decide, each with who and why in the journal of the same transaction.
//!
//! Nothing here decides for them: an operation that does not fit the state it meets is refused with the reason.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::super::codec::Coded;
use super::super::{BreakStatus, Operation, StoreError};
use super::columns::{At, Code, Id, Number};
use super::journal::{self, OPERATOR, entity};
use super::steps::{self, Cause, Detail, IntentMove, Row};
use super::writer::Tx;
use super::{differences, intents};
use crate::core::credit_invoice::{self, CreditInvoice};
use crate::core::id::{IntentId, OrderId, RefundId};
use crate::core::intent::{self, Intent, State};
use crate::core::ledger::Attribution;

/// Who decided, why and when.
#[derive(Clone, Copy)]
struct Human<'a> {
    actor: &'a str,
    note: &'a str,
    at: Timestamp,
}

impl<'a> Human<'a> {
    const fn cause(self, order: OrderId) -> Cause<'a> {
        Cause { order, at: self.at, actor: self.actor, id: OPERATOR }
    }

    fn detail(self) -> Detail<'a> {
        Detail { note: Some(self.note), ..Detail::default() }
    }
}

pub(super) fn operate(
    tx: &mut Tx<'_>, operation: &Operation, actor: &str, note: &str, at: Timestamp,
) -> Result<(), StoreError> {
    let human = Human { actor, note, at };
    match operation {
        Operation::Stop => switch(tx, human, true),
        Operation::Resume => switch(tx, human, false),
        Operation::Hold(order) => hold(tx, human, *order),
        Operation::Release(order) => release(tx, human, *order),
        Operation::Approve { order, intent } => approve(tx, human, *order, *intent),
        Operation::Abandon(intent) => abandon(tx, human, *intent),
        Operation::Attribute { order, refund, to } => attribute(tx, human, *order, refund, to),
        Operation::Acknowledge(id) => move_break(tx, human, *id, BreakStatus::Acknowledged, "acknowledged"),
        Operation::Resolve(id) => move_break(tx, human, *id, BreakStatus::Resolved, "resolved"),
        Operation::Reopen(id) => move_break(tx, human, *id, BreakStatus::Open, "reopened"),
    }
}

fn switch(tx: &mut Tx<'_>, human: Human<'_>, halt: bool) -> Result<(), StoreError> {
    let word = |stopped: bool| if stopped { "stopped" } else { "running" };
    let was: bool = tx
        .conn
        .prepare_cached("SELECT stopped FROM stop_switch WHERE shop = ?1")?
        .query_row([tx.shop], |row| row.get(0))?;
    tx.conn
        .prepare_cached("UPDATE stop_switch SET stopped = ?2, since = ?3, actor = ?4, note = ?5 WHERE shop = ?1")?
        .execute((tx.shop, halt, At(human.at), human.actor, human.note))?;
    let shop = tx.shop;
    tx.journal(&journal::Entry {
        at: human.at,
        actor: human.actor,
        cause: OPERATOR,
        entity: entity::SHOP,
        entity_id: shop,
        order: None,
        event: if halt { "stop" } else { "resume" },
        before: word(was),
        after: word(halt),
        detail: &human.detail().json()?,
    })
}

/// The order is known, and the next pass looks at it.
fn touch(tx: &Tx<'_>, order: OrderId, at: Timestamp) -> Result<(), StoreError> {
    let mut update =
        tx.conn.prepare_cached("UPDATE shop_order SET look_at = 0, touched_at = ?3 WHERE shop = ?1 AND id = ?2")?;
    match update.execute((tx.shop, Number(order.0), At(at)))? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound(format!("order {order}"))),
    }
}

fn on_order(
    tx: &mut Tx<'_>, human: Human<'_>, order: OrderId, event: &str, detail: &Detail<'_>,
) -> Result<(), StoreError> {
    let id = order.to_string();
    let row = Row { entity: entity::ORDER, entity_id: &id, event, before: "", after: "" };
    steps::journal_row(tx, human.cause(order), &row, &detail.json()?)
}

fn hold(tx: &mut Tx<'_>, human: Human<'_>, order: OrderId) -> Result<(), StoreError> {
    touch(tx, order, human.at)?;
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO hold (shop, order_id, at, actor, note) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (shop, order_id) DO UPDATE SET at = excluded.at, actor = excluded.actor, note = excluded.note",
    )?;
    put.execute((tx.shop, Number(order.0), At(human.at), human.actor, human.note))?;
    on_order(tx, human, order, "operator_hold", &human.detail())
}

fn release(tx: &mut Tx<'_>, human: Human<'_>, order: OrderId) -> Result<(), StoreError> {
    touch(tx, order, human.at)?;
    let mut remove = tx.conn.prepare_cached("DELETE FROM hold WHERE shop = ?1 AND order_id = ?2")?;
    if remove.execute((tx.shop, Number(order.0)))? == 0 {
        return Err(StoreError::Refused(format!("order {order} is not held by an operator")));
    }
    on_order(tx, human, order, "operator_release", &human.detail())
}

/// Consent to one effect. An intent whose outcome is unknown is given up in the same transaction, but only once its
/// key can no longer be recognised: until then its repeat is safe and a second effect is not.
fn approve(tx: &mut Tx<'_>, human: Human<'_>, order: OrderId, id: IntentId) -> Result<(), StoreError> {
    touch(tx, order, human.at)?;
    if let Some(found) = intents::find(tx.conn, tx.shop, id)? {
        if found.target.order != order {
            return Err(StoreError::NotFound(format!("intent {id} of order {order}")));
        }
        may_be_approved(&found, human.at)?;
        if found.state == State::Unknown {
            give_up(tx, human, &found)?;
        }
    }
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO approval (shop, intent, order_id, at, actor, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (shop, intent) DO UPDATE SET at = excluded.at, actor = excluded.actor, note = excluded.note",
    )?;
    put.execute((tx.shop, Id(id.0), Number(order.0), At(human.at), human.actor, human.note))?;
    let subject = id.to_string();
    let detail = Detail { subject: Some(&subject), ..human.detail() };
    on_order(tx, human, order, "operator_approve", &detail)
}

fn may_be_approved(found: &Intent, at: Timestamp) -> Result<(), StoreError> {
    let why = match found.state {
        State::Planned | State::Rejected | State::Abandoned => return Ok(()),
        State::Unknown if !found.key_is_safe(at) => return Ok(()),
        State::Unknown => {
            "its outcome is unknown and its idempotency key is still remembered: the program itself repeats or \
             finds it, and starting it anew now could do it twice; approve it 23 hours after its first attempt"
        }
        State::Sending => "its request is under way",
        State::Confirmed => "it was confirmed",
        State::Withdrawn => "it was never sent and its reason is gone; what is due now is another intent",
    };
    Err(StoreError::Refused(format!("intent {} cannot be approved: {why}", found.id)))
}

fn abandon(tx: &mut Tx<'_>, human: Human<'_>, id: IntentId) -> Result<(), StoreError> {
    let Some(found) = intents::find(tx.conn, tx.shop, id)? else {
        return Err(StoreError::NotFound(format!("intent {id}")));
    };
    if !matches!(found.state, State::Planned | State::Unknown) {
        let state = found.state.name();
        return Err(StoreError::Refused(format!("intent {id} is {state}; nothing is left to abandon")));
    }
    touch(tx, found.target.order, human.at)?;
    give_up(tx, human, &found)
}

/// The intent becomes `Abandoned`, and the credit invoice that waits for it is held again.
fn give_up(tx: &mut Tx<'_>, human: Human<'_>, found: &Intent) -> Result<(), StoreError> {
    let cause = human.cause(found.target.order);
    let step =
        IntentMove { id: found.id, before: &found.state, event: intent::Event::Abandoned, after: &State::Abandoned };
    steps::move_intent(tx, cause, &step, &human.detail())?;
    let mut end = tx.conn.prepare_cached("UPDATE intent SET ended_at = ?3 WHERE shop = ?1 AND id = ?2")?;
    end.execute((tx.shop, Id(found.id.0), At(human.at)))?;
    let Some((credit, _)) = &found.effect.credit_invoice else { return Ok(()) };
    let state: Option<Code<CreditInvoice>> = tx
        .conn
        .prepare_cached("SELECT state FROM credit_invoice WHERE shop = ?1 AND id = ?2")?
        .query_row((tx.shop, Number(credit.0)), |row| row.get(0))
        .optional()?;
    let before = CreditInvoice::RefundRequested(found.id);
    if !state.is_some_and(|state| state.0 == before) {
        return Ok(());
    }
    let event = credit_invoice::Event::Refused;
    steps::move_credit(tx, cause, *credit, &before, &event, &CreditInvoice::Held)
}

fn attribute(
    tx: &mut Tx<'_>, human: Human<'_>, order: OrderId, refund: &RefundId, to: &Attribution,
) -> Result<(), StoreError> {
    touch(tx, order, human.at)?;
    if let Attribution::CreditInvoice(id) = to {
        let known: i64 = tx
            .conn
            .prepare_cached("SELECT count(*) FROM credit_invoice WHERE shop = ?1 AND id = ?2 AND order_id = ?3")?
            .query_row((tx.shop, Number(id.0), Number(order.0)), |row| row.get(0))?;
        if known == 0 {
            return Err(StoreError::NotFound(format!("credit invoice {id} of order {order}")));
        }
    }
    let target = to.encode();
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO attribution (shop, order_id, refund, target, at, actor, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (shop, order_id, refund) DO UPDATE SET
            target = excluded.target, at = excluded.at, actor = excluded.actor, note = excluded.note",
    )?;
    let who = (human.actor, human.note);
    put.execute((tx.shop, Number(order.0), refund.as_str(), target.as_ref(), At(human.at), who.0, who.1))?;
    let detail = Detail { subject: Some(refund.as_str()), target: Some(&target), ..human.detail() };
    on_order(tx, human, order, "operator_attribute", &detail)
}

fn move_break(tx: &mut Tx<'_>, human: Human<'_>, id: i64, to: BreakStatus, event: &str) -> Result<(), StoreError> {
    use BreakStatus::{Acknowledged, Cleared, Open, Resolved};
    let Some((order, held)) = differences::find(tx, id)? else {
        return Err(StoreError::NotFound(format!("break {id}")));
    };
    let allowed = match held.status {
        Open => matches!(to, Acknowledged | Resolved),
        Acknowledged => matches!(to, Acknowledged | Resolved | Open),
        Resolved => matches!(to, Open),
        Cleared => false,
    };
    if !allowed {
        let status = differences::word(held.status);
        return Err(StoreError::Refused(format!("break {id} is {status}; it cannot be {event}")));
    }
    let cause = human.cause(OrderId(order.0));
    differences::close(tx, cause, &held, to, event, Some(human.note))
}
