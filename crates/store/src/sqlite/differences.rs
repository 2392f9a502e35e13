//! Differences and the breaks they become.
//!
//! A difference is what the last decision on an order saw, known by its kind and subject. Once its time has come it is
//! a break: a row of its own that stays for ever, with a life that ends when the difference is gone or a human says
//! so. A break that a human resolved stays so while the same difference of the same amount persists.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow};

use super::super::codec::Coded as _;
use super::super::{Break, Difference, Refusal, StoreError};
use super::columns::{At, Cents, Code, Id, Number};
use super::journal::entity;
use super::steps::{self, Cause, Detail, Row};
use super::writer::Tx;
use reconciled_core::breaks::{self, BreakEvent, BreakStatus, Fate, KnownBreak, SeenDifference};
use reconciled_core::discrepancy::{BreakKind, THIS_BREAK};
use reconciled_core::id::{IntentId, InvoiceNumber, OrderId, OrderNumber};
use reconciled_core::money::Minor;

pub(super) fn status(word: &str) -> Result<BreakStatus, StoreError> {
    BreakStatus::decode(word).ok_or_else(|| StoreError::Damaged(format!("a break is `{word}`")))
}

/// A break as far as its life goes.
pub(super) struct Held {
    pub(super) id: i64,
    pub(super) status: BreakStatus,
    pub(super) kind: String,
    subject: String,
    pub(super) amount: Option<Minor>,
    message: String,
    remedy: Option<String>,
    offer: Option<(IntentId, Minor)>,
}

impl Held {
    /// What a human says about it is for the next pass to act on.
    pub(super) fn bears_on_effects(&self) -> bool {
        BreakKind::from_name(&self.kind).is_some_and(breaks::bears_on_effects)
    }

    const fn known(&self) -> KnownBreak {
        KnownBreak { status: self.status, amount: self.amount }
    }
}

/// The first word of a break's journal.
pub(super) const OPENED: &str = "opened";

type Identity = (String, String);

/// Brings the differences of one order to what its newest decision saw. While something is withheld, what withholds it
/// is an open break, also after a human resolved one.
pub(super) fn keep(
    tx: &mut Tx<'_>, cause: Cause<'_>, seen: &[Difference], looks_back: bool, withheld: bool,
) -> Result<(), StoreError> {
    let newest = if looks_back { newest(tx)? } else { i64::MAX };
    let mut before = differences(tx, cause)?;
    let mut open = open_breaks(tx, cause)?;
    let mut now = BTreeMap::new();
    let seen = if planted!("breaks_are_not_kept") { &[] } else { seen };
    for discrepancy in seen {
        let identity = (discrepancy.kind.name().to_owned(), discrepancy.subject.clone());
        now.entry(identity).or_insert(discrepancy);
    }
    for (identity, discrepancy) in &now {
        let known = before.remove(identity);
        let at_break = match known.flatten() {
            Some(id) => Some(load(tx, id)?),
            None => open.remove(identity),
        };
        open.remove(identity);
        let (kind, amount) = (discrepancy.kind, discrepancy.amount);
        let seen = SeenDifference { kind, amount, is_due: discrepancy.due <= cause.at, withheld };
        match (breaks::fate(at_break.as_ref().map(Held::known), seen), at_break) {
            (Fate::Refreshed, Some(held)) => {
                refresh(tx, &held, discrepancy)?;
                if known.flatten().is_none() {
                    link(tx, cause, identity, Some(held.id))?;
                }
            }
            (Fate::Opened, _) => {
                let opened = open_break(tx, cause, discrepancy)?;
                link(tx, cause, identity, Some(opened))?;
            }
            (Fate::Waits, _) if known.is_none() => link(tx, cause, identity, None)?,
            (Fate::Refreshed | Fate::StaysSettled | Fate::Waits, _) => {}
        }
    }
    for (kind, subject) in before.keys() {
        let mut forget = tx.conn.prepare_cached(
            "DELETE FROM difference WHERE shop = ?1 AND order_id = ?2 AND kind = ?3 AND subject = ?4",
        )?;
        forget.execute((tx.shop, Number(cause.order.0), kind, subject))?;
    }
    for held in open.values() {
        step(tx, cause, held, BreakEvent::Cleared, &Detail { kind: Some(&held.kind), ..Detail::default() })?;
    }
    if looks_back {
        let mut mark = tx
            .conn
            .prepare_cached("UPDATE break SET looking_back = 1 WHERE shop = ?1 AND order_id = ?2 AND id > ?3")?;
        mark.execute((tx.shop, Number(cause.order.0), newest))?;
    }
    Ok(())
}

/// The newest break of the store.
fn newest(tx: &Tx<'_>) -> Result<i64, StoreError> {
    Ok(tx.conn.prepare_cached("SELECT coalesce(max(id), 0) FROM break")?.query_row([], |row| row.get(0))?)
}

fn link(tx: &Tx<'_>, cause: Cause<'_>, (kind, subject): &Identity, at_break: Option<i64>) -> Result<(), StoreError> {
    let mut keep = tx.conn.prepare_cached(
        "INSERT INTO difference (shop, order_id, kind, subject, first_seen, break) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (shop, order_id, kind, subject) DO UPDATE SET break = excluded.break",
    )?;
    keep.execute((tx.shop, Number(cause.order.0), kind, subject, At(cause.at), at_break))?;
    Ok(())
}

fn open_break(tx: &mut Tx<'_>, cause: Cause<'_>, found: &Difference) -> Result<i64, StoreError> {
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO break (shop, order_id, kind, subject, credit_number, amount, message, remedy, opened_at,
            offer_intent, offer_amount, status)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'open')",
    )?;
    insert.execute((
        tx.shop,
        Number(cause.order.0),
        Code(found.kind),
        &found.subject,
        found.credit_invoice.as_ref().map(InvoiceNumber::as_str),
        found.amount.map(Cents),
        &found.message,
        &found.remedy,
        At(cause.at),
        found.offer.map(|(intent, _)| Id(intent.0)),
        found.offer.map(|(_, amount)| Cents(amount)),
    ))?;
    let id = tx.conn.last_insert_rowid();
    let detail = Detail {
        kind: Some(found.kind.name()),
        subject: Some(&found.subject),
        amount_minor: found.amount.map(Minor::get),
        ..Detail::default()
    };
    journal(tx, cause, id, OPENED, "", BreakStatus::Open.name(), &detail)?;
    Ok(id)
}

fn refresh(tx: &Tx<'_>, held: &Held, seen: &Difference) -> Result<(), StoreError> {
    let is_said = held.amount == seen.amount && held.message == seen.message && held.remedy == seen.remedy;
    if is_said && held.offer == seen.offer {
        return Ok(());
    }
    let mut update = tx.conn.prepare_cached(
        "UPDATE break SET amount = ?2, message = ?3, credit_number = ?4, remedy = ?5, offer_intent = ?6, offer_amount = ?7
         WHERE id = ?1",
    )?;
    update.execute((
        held.id,
        seen.amount.map(Cents),
        &seen.message,
        seen.credit_invoice.as_ref().map(InvoiceNumber::as_str),
        &seen.remedy,
        seen.offer.map(|(intent, _)| Id(intent.0)),
        seen.offer.map(|(_, amount)| Cents(amount)),
    ))?;
    Ok(())
}

/// What its machine makes of a break; a step that has no row is refused.
pub(super) fn after(held: &Held, event: BreakEvent) -> Result<BreakStatus, StoreError> {
    let (id, status) = (held.id, held.status);
    status.apply(event).map_err(|_| StoreError::Refused(Refusal::Break { id, status, event }))
}

/// Moves a break as its machine says, journalled.
pub(super) fn step(
    tx: &mut Tx<'_>, cause: Cause<'_>, held: &Held, event: BreakEvent, detail: &Detail<'_>,
) -> Result<(), StoreError> {
    let (id, status, to) = (held.id, held.status, after(held, event)?);
    if to != status {
        let mut update =
            tx.conn.prepare_cached("UPDATE break SET status = ?2, closed_at = ?3 WHERE id = ?1 AND status = ?4")?;
        let ended = (!to.is_open()).then_some(At(cause.at));
        if update.execute((id, to.name(), ended, status.name()))? != 1 {
            return Err(StoreError::Moved(cause.order));
        }
    }
    journal(tx, cause, id, event.name(), status.name(), to.name(), detail)
}

fn journal(
    tx: &mut Tx<'_>, cause: Cause<'_>, id: i64, event: &str, before: &str, after: &str, detail: &Detail<'_>,
) -> Result<(), StoreError> {
    let row = Row { entity: entity::BREAK, entity_id: &id.to_string(), event, before, after };
    steps::journal_row(tx, cause, &row, &detail.json()?)
}

fn differences(tx: &Tx<'_>, cause: Cause<'_>) -> Result<BTreeMap<Identity, Option<i64>>, StoreError> {
    let mut find =
        tx.conn.prepare_cached("SELECT kind, subject, break FROM difference WHERE shop = ?1 AND order_id = ?2")?;
    let rows = find.query_map((tx.shop, Number(cause.order.0)), |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Since when each difference of the last decision on the order has been seen.
pub(super) fn since(
    conn: &Connection, shop: &str, order: OrderId,
) -> Result<BTreeMap<(BreakKind, String), Timestamp>, StoreError> {
    let mut find =
        conn.prepare_cached("SELECT kind, subject, first_seen FROM difference WHERE shop = ?1 AND order_id = ?2")?;
    let rows = find.query_map((shop, Number(order.0)), |row| {
        Ok(((row.get::<_, Code<BreakKind>>(0)?.0, row.get(1)?), row.get::<_, At>(2)?.0))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The plus keeps the status out of the index search: with it there SQLite builds a table of the two words each time.
fn open_breaks(tx: &Tx<'_>, cause: Cause<'_>) -> Result<BTreeMap<Identity, Held>, StoreError> {
    let mut find = tx.conn.prepare_cached(
        "SELECT id, status, kind, subject, amount, message, remedy, offer_intent, offer_amount FROM break
         WHERE shop = ?1 AND order_id = ?2 AND +status IN ('open', 'acknowledged')",
    )?;
    let mut rows = find.query((tx.shop, Number(cause.order.0)))?;
    let mut open = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let held = read_held(row)?;
        open.insert((held.kind.clone(), held.subject.clone()), held);
    }
    Ok(open)
}

fn load(tx: &Tx<'_>, id: i64) -> Result<Held, StoreError> {
    find(tx, id)?.map(|(_, held)| held).ok_or_else(|| StoreError::Damaged(format!("a difference names break {id}")))
}

/// A break of this shop by its id, with the order it is about.
pub(super) fn find(tx: &Tx<'_>, id: i64) -> Result<Option<(Number, Held)>, StoreError> {
    let mut find = tx.conn.prepare_cached(
        "SELECT id, status, kind, subject, amount, message, remedy, offer_intent, offer_amount, order_id FROM break
         WHERE id = ?1 AND shop = ?2",
    )?;
    let found = find.query_row((id, tx.shop), |row| Ok(read_held(row).map(|held| (row.get(9), held)))).optional()?;
    let Some(found) = found else { return Ok(None) };
    let (order, held) = found?;
    Ok(Some((order?, held)))
}

fn read_held(row: &SqlRow<'_>) -> Result<Held, StoreError> {
    let amount: Option<Cents> = row.get(4)?;
    Ok(Held {
        id: row.get(0)?,
        status: status(&row.get::<_, String>(1)?)?,
        kind: row.get(2)?,
        subject: row.get(3)?,
        amount: amount.map(|cents| cents.0),
        message: row.get(5)?,
        remedy: row.get(6)?,
        offer: offer(row, 7)?,
    })
}

/// What is offered, from two columns.
fn offer(row: &SqlRow<'_>, at: usize) -> Result<Option<(IntentId, Minor)>, StoreError> {
    let (intent, amount): (Option<Id>, Option<Cents>) = (row.get(at)?, row.get(at.saturating_add(1))?);
    Ok(intent.zip(amount).map(|(intent, amount)| (IntentId(intent.0), amount.0)))
}

/// A whole break, from the columns `id, kind, number, credit_number, subject, amount, message, opened_at, status,
/// note, assigned, remedy, offer_intent, offer_amount`; whoever reads proposals adds them.
pub(super) fn read_break(row: &SqlRow<'_>) -> Result<Break, StoreError> {
    let id: i64 = row.get(0)?;
    let remedy: Option<String> = row.get(11)?;
    Ok(Break {
        id,
        kind: row.get::<_, Code<BreakKind>>(1)?.0,
        order: row.get::<_, Option<String>>(2)?.map(OrderNumber),
        credit_invoice: row.get::<_, Option<String>>(3)?.map(InvoiceNumber),
        subject: row.get(4)?,
        amount: row.get::<_, Option<Cents>>(5)?.map(|cents| cents.0),
        message: row.get(6)?,
        opened_at: row.get::<_, At>(7)?.0,
        status: status(&row.get::<_, String>(8)?)?,
        note: row.get(9)?,
        assigned: row.get(10)?,
        remedy: remedy.map(|text| text.replace(THIS_BREAK, &id.to_string())),
        offer: offer(row, 12)?,
        proposal: None,
    })
}
