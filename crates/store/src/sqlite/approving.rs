//! Consent to one effect, by one operator or by two, and taking it back.
//!
//! What needs two is decided here, in the transaction that gives the consent, on the amount that the store itself holds:
//! the caller brings the threshold and nothing else. The claim asks once more before anything leaves.

use std::collections::BTreeSet;

use rusqlite::OptionalExtension as _;

use super::super::{Operated, Refusal, StoreError};
use super::columns::{At, Cents, Code, Id, Number};
use super::intents;
use super::operate::{Human, on_order, touch};
use super::steps::{self, Detail, IntentMove};
use super::writer::Tx;
use reconciled_core::consent::{self, Consent, GivingUp, Held, Wish};
use reconciled_core::credit_invoice::{self, CreditInvoice};
use reconciled_core::id::{IntentId, OrderId};
use reconciled_core::intent::{self, Intent, Kind, State};
use reconciled_core::money::Minor;

/// Consent to one effect. An intent whose outcome is unknown is given up in the same transaction, but only once its
/// key can no longer be recognised: until then its repeat is safe and a second effect is not.
pub(super) fn approve(
    tx: &mut Tx<'_>, human: Human<'_>, order: OrderId, id: IntentId, amount: Option<Minor>,
    two_person_above: Option<Minor>,
) -> Result<Operated, StoreError> {
    let refused = |why| StoreError::Refused(Refusal::Approve { intent: id, why });
    touch(tx, order, human.at)?;
    let found = intents::find(tx.conn, tx.shop, id)?;
    if let Some(found) = &found {
        if found.target.order != order {
            return Err(StoreError::NotFound(format!("intent {id} of order {order}")));
        }
        let of_order = intents::of_order(tx.conn, tx.shop, order)?;
        consent::may_be_approved(found, &of_order, human.at).map_err(refused)?;
    }
    let held = held(tx, order, id, found.as_ref())?;
    consent::may_be_named(held, amount).map_err(refused)?;
    let first =
        match consent::consents(held, two_person_above, proposal(tx, id)?, human.actor, human.at).map_err(refused)? {
            Consent::Proposes { amount, until } => {
                propose(tx, human, order, id, amount)?;
                return Ok(Operated::Proposed { until });
            }
            Consent::LetsGo => None,
            Consent::Countersigns { first } => Some(first),
        };
    consent(tx, human, order, id, found.as_ref(), first.as_deref())?;
    Ok(Operated::Done)
}

/// The effect: a durable intent says so itself; one that is none yet is named by the break that holds or offers it, and is
/// a refund.
fn held(tx: &Tx<'_>, order: OrderId, id: IntentId, found: Option<&Intent>) -> Result<Option<Held>, StoreError> {
    if let Some(Intent { effect, .. }) = found {
        return Ok(Some(Held { kind: effect.kind, amount: effect.amount, is_part: false }));
    }
    let mut find = tx.conn.prepare_cached(
        "SELECT coalesce(offer_amount, amount), offer_amount IS NOT NULL FROM break
         WHERE shop = ?1 AND order_id = ?2 AND (offer_intent = ?3
            OR kind IN ('limit_reached', 'credit_before_capture') AND subject = ?3 AND amount IS NOT NULL)
         ORDER BY id DESC LIMIT 1",
    )?;
    let held = find.query_row((tx.shop, Number(order.0), Id(id.0)), |row| {
        Ok(Held { kind: Kind::Refund, amount: row.get::<_, Cents>(0)?.0, is_part: row.get(1)? })
    });
    Ok(held.optional()?)
}

fn proposal(tx: &Tx<'_>, id: IntentId) -> Result<Option<Wish>, StoreError> {
    let mut find = tx.conn.prepare_cached("SELECT amount, at, actor FROM proposal WHERE shop = ?1 AND intent = ?2")?;
    let found = find.query_row((tx.shop, Id(id.0)), |row| {
        Ok(Wish { amount: row.get::<_, Cents>(0)?.0, at: row.get::<_, At>(1)?.0, actor: row.get(2)? })
    });
    Ok(found.optional()?)
}

/// A proposal that lapsed, or was of another amount, gives way.
fn propose(tx: &mut Tx<'_>, human: Human<'_>, order: OrderId, id: IntentId, amount: Minor) -> Result<(), StoreError> {
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO proposal (shop, intent, order_id, amount, at, actor, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (shop, intent) DO UPDATE SET
            amount = excluded.amount, at = excluded.at, actor = excluded.actor, note = excluded.note",
    )?;
    let (at, who) = (At(human.at), (human.actor, human.note));
    put.execute((tx.shop, Id(id.0), Number(order.0), Cents(amount), at, who.0, who.1))?;
    let subject = id.to_string();
    let detail = Detail { subject: Some(&subject), amount_minor: Some(amount.get()), ..human.detail() };
    on_order(tx, human, order, "operator_propose", &detail)
}

fn consent(
    tx: &mut Tx<'_>, human: Human<'_>, order: OrderId, id: IntentId, found: Option<&Intent>, first: Option<&str>,
) -> Result<(), StoreError> {
    if let Some(found) = found.filter(|found| found.state == State::Unknown) {
        give_up(tx, human, found)?;
    }
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO approval (shop, intent, order_id, at, actor, note, proposed_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (shop, intent) DO UPDATE SET at = excluded.at, actor = excluded.actor, note = excluded.note,
            proposed_by = excluded.proposed_by",
    )?;
    put.execute((tx.shop, Id(id.0), Number(order.0), At(human.at), human.actor, human.note, first))?;
    tx.conn.prepare_cached("DELETE FROM proposal WHERE shop = ?1 AND intent = ?2")?.execute((tx.shop, Id(id.0)))?;
    let subject = id.to_string();
    let detail = Detail { subject: Some(&subject), proposed_by: first, ..human.detail() };
    on_order(tx, human, order, "operator_approve", &detail)
}

/// Gives an intent up for good, and takes back whatever consent it had: an approval that outlived this would start it
/// anew. What is no intent yet has nothing but its consent.
pub(super) fn abandon(tx: &mut Tx<'_>, human: Human<'_>, id: IntentId) -> Result<(), StoreError> {
    let Some(found) = intents::find(tx.conn, tx.shop, id)? else {
        let order = consented(tx, id)?.ok_or_else(|| StoreError::NotFound(format!("intent {id}")))?;
        touch(tx, order, human.at)?;
        return withdraw(tx, human, order, id);
    };
    let consented = consented(tx, id)?;
    match consent::may_be_given_up(&found, consented.is_some()) {
        Ok(GivingUp::Ends) => give_up(tx, human, &found)?,
        Ok(GivingUp::TakesConsentBack) => {}
        Err(why) => return Err(StoreError::Refused(Refusal::GiveUp { intent: id, why })),
    }
    touch(tx, found.target.order, human.at)?;
    consented.map_or(Ok(()), |order| withdraw(tx, human, order, id))
}

/// The order of an effect that somebody approved or proposed.
fn consented(tx: &Tx<'_>, id: IntentId) -> Result<Option<OrderId>, StoreError> {
    let mut find = tx.conn.prepare_cached(
        "SELECT order_id FROM approval WHERE shop = ?1 AND intent = ?2
         UNION ALL SELECT order_id FROM proposal WHERE shop = ?1 AND intent = ?2 LIMIT 1",
    )?;
    let order: Option<Number> = find.query_row((tx.shop, Id(id.0)), |row| row.get(0)).optional()?;
    Ok(order.map(|order| OrderId(order.0)))
}

pub(super) fn withdraw(tx: &mut Tx<'_>, human: Human<'_>, order: OrderId, id: IntentId) -> Result<(), StoreError> {
    let place = (tx.shop, Id(id.0));
    tx.conn.prepare_cached("DELETE FROM approval WHERE shop = ?1 AND intent = ?2")?.execute(place)?;
    tx.conn.prepare_cached("DELETE FROM proposal WHERE shop = ?1 AND intent = ?2")?.execute(place)?;
    let subject = id.to_string();
    let detail = Detail { subject: Some(&subject), ..human.detail() };
    on_order(tx, human, order, "operator_withdraw", &detail)
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

/// Two operators agreed to this refund, or to the one that it starts anew.
pub(super) fn is_countersigned(tx: &Tx<'_>, intent: &Intent) -> Result<bool, StoreError> {
    let mut find = tx
        .conn
        .prepare_cached("SELECT intent FROM approval WHERE shop = ?1 AND order_id = ?2 AND proposed_by IS NOT NULL")?;
    let order = intent.target.order;
    let agreed = find.query_map((tx.shop, Number(order.0)), |row| Ok(IntentId(row.get::<_, Id>(0)?.0)))?;
    let agreed: BTreeSet<IntentId> = agreed.collect::<Result<_, _>>()?;
    let of_order = intents::of_order(tx.conn, tx.shop, order)?;
    Ok(consent::is_countersigned(intent.id, &intent.effect, &of_order, |id| agreed.contains(&id)))
}
