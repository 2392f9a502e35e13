//! What humans do with breaks: take them up, settle them, open them again, assign them, one by one or a kind at once.
//!
//! Every change is journalled on the break itself. Many at once are one transaction, which changes nothing when they
//! are not the ones that the human counted.

use super::super::{Bulk, Operated, Refusal, StoreError};
use super::columns::{Code, Number};
use super::differences::{self, Held};
use super::operate::{Human, touch};
use super::steps::Detail;
use super::writer::Tx;
use reconciled_core::breaks::{BreakEvent, BreakStep};
use reconciled_core::id::OrderId;
use reconciled_core::money::Minor;

pub(super) fn step(tx: &mut Tx<'_>, human: Human<'_>, id: i64, step: &BreakStep) -> Result<(), StoreError> {
    let (order, held) = find(tx, id)?;
    take(tx, human, order, &held, step)
}

/// A remark; the status stays.
pub(super) fn remark(tx: &mut Tx<'_>, human: Human<'_>, id: i64) -> Result<(), StoreError> {
    let (order, held) = find(tx, id)?;
    note(tx, human, &held)?;
    differences::step(tx, human.cause(order), &held, BreakEvent::Noted, &human.detail())
}

/// Every break of one kind that the step is about, if they are as many and as much as the human saw.
pub(super) fn bulk(tx: &mut Tx<'_>, human: Human<'_>, bulk: &Bulk) -> Result<Operated, StoreError> {
    let Bulk { kind, step, count, sum } = bulk;
    let mut list = tx.conn.prepare_cached("SELECT id FROM break WHERE shop = ?1 AND kind = ?2 ORDER BY id")?;
    let ids: Vec<i64> = list.query_map((tx.shop, Code(*kind)), |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for id in ids {
        let (order, held) = find(tx, id)?;
        if step.concerns(held.status) {
            found.push((order, held));
        }
    }
    let there: Minor = found.iter().filter_map(|(_, held)| held.amount).collect();
    let number = u64::try_from(found.len()).unwrap_or(u64::MAX);
    if (number, there) != (*count, *sum) {
        let (kind, waiting, confirmed) = (*kind, (number, there), (*count, *sum));
        return Err(StoreError::Refused(Refusal::Recount { kind, waiting, confirmed }));
    }
    for (order, held) in &found {
        take(tx, human, *order, held, step)?;
    }
    Ok(Operated::Breaks(number))
}

fn find(tx: &Tx<'_>, id: i64) -> Result<(OrderId, Held), StoreError> {
    let found = differences::find(tx, id)?;
    let (order, held) = found.ok_or_else(|| StoreError::NotFound(format!("break {id}")))?;
    let order: Number = order;
    Ok((OrderId(order.0), held))
}

fn take(tx: &mut Tx<'_>, human: Human<'_>, order: OrderId, held: &Held, step: &BreakStep) -> Result<(), StoreError> {
    let note = Some(human.note).filter(|note| !note.is_empty());
    differences::after(held, step.event())?;
    let detail = match step {
        BreakStep::Assign(to) => {
            let mut update = tx.conn.prepare_cached("UPDATE break SET assigned = ?2 WHERE id = ?1")?;
            update.execute((held.id, to))?;
            Detail { target: to.as_deref(), note, ..Detail::default() }
        }
        BreakStep::Acknowledge | BreakStep::Resolve | BreakStep::Reopen => {
            if held.bears_on_effects() {
                touch(tx, order, human.at)?;
            }
            self::note(tx, human, held)?;
            Detail { kind: Some(&held.kind), note: Some(human.note), ..Detail::default() }
        }
    };
    differences::step(tx, human.cause(order), held, step.event(), &detail)
}

fn note(tx: &Tx<'_>, human: Human<'_>, held: &Held) -> Result<(), StoreError> {
    let mut update = tx.conn.prepare_cached("UPDATE break SET note = ?2 WHERE id = ?1")?;
    update.execute((held.id, human.note))?;
    Ok(())
}
