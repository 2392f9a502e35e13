//! What humans decide, each with who and why in the journal of the same transaction.
//!
//! Nothing here decides for them: an operation that does not fit the state it meets is refused with the reason.

use jiff::Timestamp;

use super::super::codec::Coded;
use super::super::{Operated, Operation, Refusal, StoreError};
use super::columns::{At, Number};
use super::journal::{self, OPERATOR, entity};
use super::steps::{self, Cause, Detail, Row};
use super::writer::Tx;
use super::{accepting, approving, breaks, candidates, dossier, never_sent};
use reconciled_core::adoption::{self, Part};
use reconciled_core::attribution::{open_without, refunds_of};
use reconciled_core::id::{KlarnaOrderId, OrderId, RefundId};
use reconciled_core::ledger::Attribution;
use reconciled_core::link::Told;

/// Who decided, why and when.
#[derive(Clone, Copy)]
pub(super) struct Human<'a> {
    pub(super) actor: &'a str,
    pub(super) note: &'a str,
    pub(super) at: Timestamp,
}

impl<'a> Human<'a> {
    pub(super) const fn cause(self, order: OrderId) -> Cause<'a> {
        Cause { order, at: self.at, actor: self.actor, id: OPERATOR }
    }

    pub(super) fn detail(self) -> Detail<'a> {
        Detail { note: Some(self.note), ..Detail::default() }
    }
}

pub(super) fn operate(
    tx: &mut Tx<'_>, operation: &Operation, actor: &str, note: &str, at: Timestamp,
) -> Result<Operated, StoreError> {
    let human = Human { actor, note, at };
    let done = match operation {
        Operation::Approve { order, intent, amount, two_person_above } => {
            return approving::approve(tx, human, *order, *intent, *amount, *two_person_above);
        }
        Operation::Breaks(bulk) => return breaks::bulk(tx, human, bulk),
        Operation::Stop => switch(tx, human, true),
        Operation::Resume => switch(tx, human, false),
        Operation::Hold(order) => hold(tx, human, *order),
        Operation::Release(order) => release(tx, human, *order),
        Operation::Accept { order, amount } => accepting::accept(tx, human, *order, *amount),
        Operation::Abandon(intent) => approving::abandon(tx, human, *intent),
        Operation::Attribute { order, refund, to } => attribute(tx, human, *order, refund, to),
        Operation::NeverSent { order, credit } => never_sent::say(tx, human, *order, *credit),
        Operation::Link { order, to } => link(tx, human, *order, to),
        Operation::Break(id, step) => breaks::step(tx, human, *id, step),
        Operation::Remark(id) => breaks::remark(tx, human, *id),
    };
    done.map(|()| Operated::Done)
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

/// The order is known, and the next pass looks at it. No two words have one time: a decision knows the last that it
/// heard by that.
pub(super) fn touch(tx: &Tx<'_>, order: OrderId, at: Timestamp) -> Result<(), StoreError> {
    let mut update = tx.conn.prepare_cached(
        "UPDATE shop_order SET look_at = 0, touched_at = max(?3, coalesce(touched_at + 1, ?3))
             WHERE shop = ?1 AND id = ?2",
    )?;
    match update.execute((tx.shop, Number(order.0), At(at)))? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound(format!("order {order}"))),
    }
}

pub(super) fn on_order(
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
        return Err(StoreError::Refused(Refusal::NotHeld { order }));
    }
    on_order(tx, human, order, "operator_release", &human.detail())
}

/// The parts, against what is held now: together no more than the refund, each no more than what its credit invoice still
/// asks for.
fn fits(tx: &Tx<'_>, order: OrderId, refund: &RefundId, parts: &[Part]) -> Result<(), StoreError> {
    let dossier = dossier::dossiers(tx.conn, tx.shop, &[order])?.pop();
    let dossier = dossier.ok_or_else(|| StoreError::NotFound(format!("order {order}")))?;
    let (ledger, shop) = (&dossier.ledger, &dossier.shop);
    let Some((klarna, _)) = &dossier.klarna else {
        return Err(StoreError::Refused(Refusal::Unread { order: shop.number.clone() }));
    };
    let all = refunds_of(ledger, shop, klarna);
    let found = all.iter().find(|shown| shown.id == *refund);
    let found = found.ok_or_else(|| StoreError::NotFound(format!("refund {refund} of order {}", shop.number)))?;
    let checked = adoption::check(found.amount, parts, &open_without(refund, ledger, shop, klarna));
    let currency = klarna.currency.known().copied();
    checked.map_err(|why| StoreError::Refused(Refusal::Adopt { refund: refund.clone(), why, currency }))
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
    if let Attribution::Parts(parts) = to {
        fits(tx, order, refund, parts)?;
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

/// The word for a link that a human ruled out, in the journal; no Klarna order id has a space.
pub(super) const NOBODY: &str = "no order";

/// From now on effects go to this Klarna order alone: what is planned for another is not claimed any more.
fn link(tx: &mut Tx<'_>, human: Human<'_>, order: OrderId, to: &Told) -> Result<(), StoreError> {
    touch(tx, order, human.at)?;
    let id = match to {
        Told::To(id) => Some(id),
        Told::Nobody => None,
    };
    candidates::set(tx, order, id)?;
    let word = id.map(KlarnaOrderId::as_str);
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO link (shop, order_id, klarna_order_id, at, actor, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (shop, order_id) DO UPDATE SET
            klarna_order_id = excluded.klarna_order_id, at = excluded.at, actor = excluded.actor,
            note = excluded.note",
    )?;
    put.execute((tx.shop, Number(order.0), word, At(human.at), human.actor, human.note))?;
    on_order(tx, human, order, "operator_link", &Detail { target: Some(word.unwrap_or(NOBODY)), ..human.detail() })
}
