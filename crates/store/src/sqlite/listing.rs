//! What the shop's lists named and what was read of it: which orders a pass must read, and which it must look at.
//!
//! A list row is compared with the version that was read, never trusted for more. Lists overlap and come late, so each
//! invoice is remembered by itself: an older row that shows up after a newer one still marks its order.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::super::rows::write_shop_order;
use super::super::{Cursors, Scope, StoreError};
use super::columns::{At, Cents, Number, order};
use super::journal::{self, entity};
use super::owed;
use super::writer::Tx;
use super::{candidates, sharing};
use reconciled_core::decide::RULES;
use reconciled_core::facts::{ListedInvoice, ListedOrder, Place, ShopOrder};
use reconciled_core::id::{KlarnaOrderId, OrderId};
use reconciled_core::policy::EARLY_READ;

/// The order was read before the time had passed in which a read is early, so the next list marks it again.
macro_rules! read_early {
    ($end:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM fact AS f WHERE f.shop = ?1 AND f.order_id = ?2 AND f.side = 'shop' AND f.read_at < ",
            $end,
            ")"
        )
    };
}

pub(super) fn listed(tx: &Tx<'_>, orders: &[ListedOrder], invoices: &[ListedInvoice]) -> Result<(), StoreError> {
    let upsert = concat!(
        "INSERT INTO listed (shop, order_id, number, updated_at, is_klarna, unread, changed_at)
         VALUES (?1, ?2, ?4, ?3, ?5, ?5, ?3)
         ON CONFLICT (shop, order_id) DO UPDATE SET
            number = excluded.number, updated_at = excluded.updated_at, is_klarna = excluded.is_klarna,
            urgent = urgent AND unread,
            changed_at = CASE unread WHEN 1 THEN min(changed_at, excluded.changed_at) ELSE excluded.changed_at END,
            unread = CASE
                WHEN excluded.is_klarna = 0 AND NOT EXISTS (
                    SELECT 1 FROM shop_order AS o WHERE o.shop = listed.shop AND o.id = listed.order_id) THEN 0
                ELSE unread OR read_version IS NULL OR read_version < excluded.updated_at OR ",
        read_early!("?6"),
        " END
         WHERE updated_at IS NULL OR excluded.updated_at > updated_at
            OR (excluded.updated_at = updated_at AND (is_klarna IS NOT excluded.is_klarna OR ",
        read_early!("?6"),
        "))"
    );
    let mut upsert = tx.conn.prepare_cached(upsert)?;
    for row in orders {
        let id = Number(row.id.0);
        let early = early_until(row.updated_at);
        upsert.execute((tx.shop, id, At(row.updated_at), row.number.as_str(), row.is_klarna, early))?;
        sharing::listed(tx, row.id, &row.names)?;
    }
    for invoice in invoices {
        listed_invoice(tx, invoice)?;
    }
    Ok(())
}

fn early_until(changed: Timestamp) -> At {
    At(changed.checked_add(EARLY_READ).unwrap_or(Timestamp::MAX))
}

fn listed_invoice(tx: &Tx<'_>, invoice: &ListedInvoice) -> Result<(), StoreError> {
    let mut known = tx.conn.prepare_cached("SELECT updated_at FROM listed_invoice WHERE shop = ?1 AND id = ?2")?;
    let id = Number(invoice.id.0);
    let known: Option<i64> = known.query_row((tx.shop, id), |row| row.get(0)).optional()?;
    let (version, order) = (At(invoice.updated_at), Number(invoice.order.0));
    if known.is_some_and(|known| known >= version.nanos()) {
        let mut early = tx.conn.prepare_cached(concat!("SELECT ", read_early!("?3")))?;
        let again = known == Some(version.nanos())
            && early.query_row((tx.shop, order, early_until(invoice.updated_at)), |row| row.get(0))?;
        if !again {
            return Ok(());
        }
    }
    let mut mark = tx.conn.prepare_cached(
        "INSERT INTO listed (shop, order_id, unread, urgent, changed_at) VALUES (?1, ?2, 1, ?4, ?3)
         ON CONFLICT (shop, order_id) DO UPDATE SET
            urgent = urgent AND unread OR excluded.urgent,
            changed_at = CASE unread WHEN 1 THEN min(changed_at, excluded.changed_at) ELSE excluded.changed_at END,
            unread = unread OR is_klarna IS NOT 0 OR EXISTS (
                SELECT 1 FROM shop_order AS o WHERE o.shop = listed.shop AND o.id = listed.order_id)",
    )?;
    mark.execute((tx.shop, order, version, invoice.awaits_refund))?;
    let mut keep = tx.conn.prepare_cached(
        "INSERT INTO listed_invoice (shop, id, order_id, updated_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (shop, id) DO UPDATE SET order_id = excluded.order_id, updated_at = excluded.updated_at",
    )?;
    keep.execute((tx.shop, id, order, version))?;
    owed::named(tx, invoice)
}

pub(super) fn advance(tx: &Tx<'_>, cursors: Cursors) -> Result<(), StoreError> {
    let mut update = tx.conn.prepare_cached(
        "UPDATE cursor SET orders = coalesce(?2, orders), invoices = coalesce(?3, invoices) WHERE shop = ?1",
    )?;
    update.execute((tx.shop, cursors.orders.map(At), cursors.invoices.map(At)))?;
    Ok(())
}

pub(super) fn cursors(conn: &Connection, shop: &str) -> Result<Cursors, StoreError> {
    let mut find = conn.prepare_cached("SELECT orders, invoices FROM cursor WHERE shop = ?1")?;
    Ok(find.query_row([shop], |row| {
        let (orders, invoices): (Option<At>, Option<At>) = (row.get(0)?, row.get(1)?);
        Ok(Cursors { orders: orders.map(|at| at.0), invoices: invoices.map(|at| at.0) })
    })?)
}

pub(super) fn policy(conn: &Connection, shop: &str) -> Result<Option<String>, StoreError> {
    let mut find = conn.prepare_cached("SELECT policy FROM cursor WHERE shop = ?1")?;
    Ok(find.query_row([shop], |row| row.get(0))?)
}

/// A policy comes into force where its row stands in the journal.
pub(super) fn keep_policy(tx: &mut Tx<'_>, policy: &str, at: Timestamp) -> Result<(), StoreError> {
    let before = self::policy(tx.conn, tx.shop)?.unwrap_or_default();
    let mut update = tx.conn.prepare_cached("UPDATE cursor SET policy = ?2 WHERE shop = ?1")?;
    update.execute((tx.shop, policy))?;
    if before == policy {
        return Ok(());
    }
    let shop = tx.shop;
    tx.journal(&journal::Entry {
        at,
        actor: journal::ACTOR,
        cause: "configuration",
        entity: entity::SHOP,
        entity_id: shop,
        order: None,
        event: "policy",
        before: &before,
        after: policy,
        detail: "{}",
    })
}

pub(super) fn wake(tx: &Tx<'_>, id: OrderId) -> Result<(), StoreError> {
    let mut update = tx.conn.prepare_cached("UPDATE shop_order SET look_at = 0 WHERE shop = ?1 AND id = ?2")?;
    update.execute((tx.shop, Number(id.0)))?;
    Ok(())
}

pub(super) fn unread(conn: &Connection, shop: &str, limit: u32) -> Result<Vec<OrderId>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT order_id FROM listed WHERE shop = ?1 AND unread = 1 ORDER BY changed_at, order_id LIMIT ?2",
    )?;
    let ids = find.query_map((shop, limit), |row| row.get(0).map(order))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

pub(super) fn urgent(conn: &Connection, shop: &str, limit: u32) -> Result<Vec<OrderId>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT order_id FROM listed WHERE shop = ?1 AND unread = 1 AND urgent = 1
         ORDER BY changed_at DESC, order_id DESC LIMIT ?2",
    )?;
    let ids = find.query_map((shop, limit), |row| row.get(0).map(order))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Their place in the reading is after the changes that lists named, and among each other by their ids: older orders
/// first.
pub(super) fn reread(tx: &Tx<'_>, at: Timestamp) -> Result<(), StoreError> {
    let mut mark = tx.conn.prepare_cached(
        "UPDATE listed SET unread = 1, urgent = 0, changed_at = ?2 WHERE shop = ?1 AND unread = 0 AND order_id IN (
            SELECT id FROM shop_order AS o WHERE o.shop = ?1 AND (
                klarna_order_id IS NULL OR state IS NULL OR state NOT IN ('paid', 'cancelled', 'expired')
                OR EXISTS (SELECT 1 FROM credit_invoice AS c WHERE c.shop = o.shop AND c.order_id = o.id
                    AND c.state <> 'cancelled' AND c.state NOT LIKE 'paid%')
                OR EXISTS (SELECT 1 FROM intent AS i WHERE i.shop = o.shop AND i.order_id = o.id
                    AND (i.state = 'planned' OR i.state = 'sending' OR i.state = 'unknown'))
                OR EXISTS (SELECT 1 FROM difference AS d WHERE d.shop = o.shop AND d.order_id = o.id)
                OR state <> 'cancelled' AND EXISTS (SELECT 1 FROM fact AS f WHERE f.shop = o.shop AND f.order_id = o.id
                    AND f.side = 'shop' AND json_extract(f.body, '$.shipped') = 'partly')))",
    )?;
    mark.execute((tx.shop, At(at)))?;
    Ok(())
}

pub(super) fn observe(tx: &Tx<'_>, id: OrderId, said: Option<&ShopOrder>, at: Timestamp) -> Result<(), StoreError> {
    owed::found(tx, id)?;
    let Some(said) = said else { return not_klarnas(tx, id, at) };
    let Some(said) = candidates::otherwise(tx, said)? else { return not_klarnas(tx, id, at) };
    let said = said.as_ref();
    // Of an order that was paid otherwise no credit invoice is read, so none is owed.
    if !said.paid_otherwise && owed::lacks(tx, said)? {
        let mut number =
            tx.conn.prepare_cached("UPDATE listed SET number = ?3, unread = 1 WHERE shop = ?1 AND order_id = ?2")?;
        number.execute((tx.shop, Number(id.0), said.number.as_str()))?;
        return Ok(());
    }
    let mut read = tx.conn.prepare_cached(
        "INSERT INTO listed (shop, order_id, number, is_klarna, read_version, unread, changed_at)
         VALUES (?1, ?2, ?3, ?5, ?4, 0, ?4)
         ON CONFLICT (shop, order_id) DO UPDATE SET
            number = excluded.number, is_klarna = excluded.is_klarna,
            read_version = max(coalesce(read_version, excluded.read_version), excluded.read_version),
            unread = updated_at IS NOT NULL AND max(coalesce(read_version, excluded.read_version),
                excluded.read_version) < updated_at",
    )?;
    // As the lists say it, so that the next one does not have it read again.
    let in_memo = said.candidates.iter().any(|named| named.places.contains(&Place::Memo));
    let is_klarna = !said.paid_otherwise || in_memo;
    read.execute((tx.shop, Number(id.0), said.number.as_str(), At(said.updated_at), is_klarna))?;
    keep(tx, id, said, at)
}

/// Keeps the order's facts unless newer ones are held, and makes it due when they say anything new.
fn keep(tx: &Tx<'_>, id: OrderId, said: &ShopOrder, at: Timestamp) -> Result<(), StoreError> {
    let (shop, order) = (tx.shop, Number(id.0));
    let mut held =
        tx.conn.prepare_cached("SELECT version, body FROM fact WHERE shop = ?1 AND order_id = ?2 AND side = 'shop'")?;
    let held: Option<(i64, String)> = held.query_row((shop, order), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let version = At(said.updated_at);
    let body = write_shop_order(said)?;
    let is_older = held.as_ref().is_some_and(|(held, _)| *held > version.nanos());
    if !is_older {
        sharing::read(tx, said)?;
    }
    if is_older || held.is_some_and(|(_, text)| text == body) {
        let mut again = tx.conn.prepare_cached(
            "UPDATE fact SET read_at = max(read_at, ?4)
             WHERE shop = ?1 AND order_id = ?2 AND side = 'shop' AND version = ?3",
        )?;
        again.execute((shop, order, version, At(at)))?;
        return Ok(());
    }
    let link = candidates::held_link(tx, said)?;
    let mut upsert = tx.conn.prepare_cached(
        "INSERT INTO shop_order (shop, id, number, klarna_order_id, total, quiet_since, look_at, rules)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)
         ON CONFLICT (shop, id) DO UPDATE SET
            number = excluded.number, klarna_order_id = excluded.klarna_order_id, total = excluded.total,
            quiet_since = excluded.quiet_since, look_at = 0",
    )?;
    upsert.execute((
        shop,
        order,
        said.number.as_str(),
        link.as_ref().map(KlarnaOrderId::as_str),
        said.total.as_ref().ok().copied().map(Cents),
        At(at),
        RULES,
    ))?;
    put_fact(tx, id, "shop", version, At(at), &body)
}

/// Keeps a fact unless a newer one is held; one that is held already is not written again.
pub(super) fn put_fact(
    tx: &Tx<'_>, id: OrderId, side: &str, version: At, read_at: At, body: &str,
) -> Result<(), StoreError> {
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO fact (shop, order_id, side, version, read_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (shop, order_id, side) DO UPDATE SET
            version = excluded.version, read_at = excluded.read_at, body = excluded.body
         WHERE excluded.version > version OR (excluded.version = version AND excluded.body <> body)",
    )?;
    put.execute((tx.shop, Number(id.0), side, version, read_at, body))?;
    Ok(())
}

/// The order was read, and Klarna is not its payment. One that is held already stays held: its money at Klarna does
/// not vanish because the shop's words changed.
fn not_klarnas(tx: &Tx<'_>, id: OrderId, at: Timestamp) -> Result<(), StoreError> {
    let mut read = tx.conn.prepare_cached(
        "INSERT INTO listed (shop, order_id, is_klarna, unread, changed_at) VALUES (?1, ?2, 0, 0, ?3)
         ON CONFLICT (shop, order_id) DO UPDATE SET is_klarna = 0, unread = 0, read_version = updated_at",
    )?;
    read.execute((tx.shop, Number(id.0), At(at)))?;
    Ok(())
}

pub(super) fn due(
    conn: &Connection, shop: &str, scope: Scope, now: Timestamp, after: OrderId, limit: u32,
) -> Result<Vec<OrderId>, StoreError> {
    match scope {
        Scope::All => all(conn, shop, after, limit),
        Scope::Due => due_now(conn, shop, At(now), after, limit),
        Scope::Quiet => quiet(conn, shop, At(now), after, limit),
    }
}

fn quiet(conn: &Connection, shop: &str, now: At, after: OrderId, limit: u32) -> Result<Vec<OrderId>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT id FROM shop_order WHERE shop = ?1 AND id > ?2 AND (look_at IS NULL OR look_at > ?3)
         ORDER BY id LIMIT ?4",
    )?;
    let ids = find.query_map((shop, Number(after.0), now, limit), |row| row.get(0).map(order))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

fn all(conn: &Connection, shop: &str, after: OrderId, limit: u32) -> Result<Vec<OrderId>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT id FROM shop_order AS o WHERE shop = ?1 AND id > ?2
            AND NOT EXISTS (SELECT 1 FROM listed WHERE shop = o.shop AND order_id = o.id AND unread = 1)
         ORDER BY id LIMIT ?3",
    )?;
    let ids = find.query_map((shop, Number(after.0), limit), |row| row.get(0).map(order))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// The first due orders by id. The index holds them by the hour in which they become due and then by id, so each hour
/// gives its smallest ids without a sort, and an hour whose ids are all too large gives none.
fn due_now(conn: &Connection, shop: &str, now: At, after: OrderId, limit: u32) -> Result<Vec<OrderId>, StoreError> {
    let mut next_hour = conn.prepare_cached(
        "SELECT min(look_at / 3600000000000) FROM shop_order
         WHERE shop = ?1 AND look_at IS NOT NULL AND look_at / 3600000000000 > ?2
            AND look_at / 3600000000000 <= ?3",
    )?;
    let mut in_hour = conn.prepare_cached(
        "SELECT id FROM shop_order AS o INDEXED BY shop_order_due
         WHERE shop = ?1 AND look_at IS NOT NULL AND look_at / 3600000000000 = ?2 AND id > ?3 AND id <= ?4
            AND look_at <= ?5
            AND NOT EXISTS (SELECT 1 FROM listed WHERE shop = o.shop AND order_id = o.id AND unread = 1)
         ORDER BY id LIMIT ?6",
    )?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut first = BTreeSet::new();
    let mut hour = -1_i64;
    loop {
        let found: Option<i64> = next_hour.query_row((shop, hour, now.hour()), |row| row.get(0))?;
        let Some(found) = found else { break };
        hour = found;
        let full = first.len() >= wanted;
        let last = first.last().copied().filter(|_| full).unwrap_or(i64::MAX);
        let ids = in_hour.query_map((shop, hour, Number(after.0), last, now, limit), |row| row.get::<_, i64>(0))?;
        for id in ids {
            first.insert(id?);
            if first.len() > wanted {
                first.pop_last();
            }
        }
    }
    let ids = first.into_iter().map(|id| u64::try_from(id).map(OrderId));
    ids.collect::<Result<_, _>>().map_err(|why| StoreError::Damaged(why.to_string()))
}
