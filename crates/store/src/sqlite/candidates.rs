//! What Klarna said about the Klarna orders that a shop order names, and what a human said about them.
//!
//! Kept only where several are named: what Klarna says of a single one is the order's own fact.

use std::borrow::Cow;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::super::StoreError;
use super::super::rows::{read_klarna_order, read_shop_order, write_klarna_order};
use super::columns::{At, Number};
use super::intents::klarna_id;
use super::writer::Tx;
use reconciled_core::facts::{Candidate, Place, ShopOrder};
use reconciled_core::id::{KlarnaOrderId, OrderId};
use reconciled_core::link::{Answer, Seen, Told};
use reconciled_core::references::References;

/// What is kept of the Klarna orders that the order names or named; those that it names first, as they are named.
pub(super) fn asked(conn: &Connection, shop: &str, order: &ShopOrder) -> Result<Vec<(Seen, Timestamp)>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT klarna_order_id, read_at, body, said, anothers FROM candidate WHERE shop = ?1 AND order_id = ?2
         ORDER BY klarna_order_id",
    )?;
    let rows = find.query_map((shop, Number(order.id.0)), |row| {
        let (body, said): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
        Ok((row.get::<_, String>(0)?, row.get::<_, At>(1)?.0, body, said, row.get::<_, Option<String>>(4)?))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (id, read_at, body, said, anothers) = row?;
        let id = klarna_id(&id)?;
        let named = order.candidates.iter().find(|one| one.id == id).cloned();
        let candidate = named.unwrap_or_else(|| Candidate { id, places: vec![Place::Unsaid] });
        let answer = match body {
            Some(body) => Answer::Read(read_klarna_order(&body)?),
            None => Answer::NotFound { said: said.unwrap_or_default() },
        };
        found.push((Seen { candidate, answer, anothers }, read_at));
    }
    let place = |seen: &Seen| order.candidates.iter().position(|one| one.id == seen.candidate.id);
    found.sort_by_key(|(seen, _)| place(seen).unwrap_or(usize::MAX));
    Ok(found)
}

pub(super) fn keep(tx: &Tx<'_>, order: OrderId, asked: &[(Seen, Timestamp)]) -> Result<(), StoreError> {
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO candidate (shop, order_id, klarna_order_id, read_at, body, said, anothers)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (shop, order_id, klarna_order_id) DO UPDATE SET
            read_at = excluded.read_at, body = excluded.body, said = excluded.said, anothers = excluded.anothers
         WHERE excluded.read_at > read_at",
    )?;
    for (seen, read_at) in asked {
        let (body, said) = match &seen.answer {
            Answer::Read(klarna) => (Some(write_klarna_order(klarna)?), None),
            Answer::NotFound { said } => (None, Some(said.as_str())),
            Answer::Unasked => continue,
        };
        let Candidate { id, .. } = &seen.candidate;
        put.execute((tx.shop, Number(order.0), id.as_str(), At(*read_at), body, said, seen.anothers.as_deref()))?;
    }
    Ok(())
}

/// What a human said about the link of an order.
pub(super) fn told(conn: &Connection, shop: &str, order: OrderId) -> Result<Option<Told>, StoreError> {
    let mut find = conn.prepare_cached("SELECT klarna_order_id FROM link WHERE shop = ?1 AND order_id = ?2")?;
    let found: Option<Option<String>> = find.query_row((shop, Number(order.0)), |row| row.get(0)).optional()?;
    Ok(match found {
        None => None,
        Some(None) => Some(Told::Nobody),
        Some(Some(id)) => Some(Told::To(klarna_id(&id)?)),
    })
}

/// The Klarna order that an order is held for once the shop said this: a human's word, what it is held for while it is
/// still named, or else the first that is named.
pub(super) fn held_link(tx: &Tx<'_>, said: &ShopOrder) -> Result<Option<KlarnaOrderId>, StoreError> {
    match told(tx.conn, tx.shop, said.id)? {
        Some(Told::Nobody) => return Ok(None),
        Some(Told::To(id)) => return Ok(Some(id)),
        None => {}
    }
    let mut find = tx.conn.prepare_cached("SELECT klarna_order_id FROM shop_order WHERE shop = ?1 AND id = ?2")?;
    let held: Option<Option<String>> = find.query_row((tx.shop, Number(said.id.0)), |row| row.get(0)).optional()?;
    let is_named = |held: &str| said.candidates.iter().any(|candidate| candidate.id.as_str() == held);
    match held.flatten().filter(|held| is_named(held)) {
        Some(held) => Ok(Some(klarna_id(&held)?)),
        None => Ok(said.klarna_order_id.clone()),
    }
}

/// What is kept of an order that was paid otherwise: it names a Klarna order, or did before. Money that moved there under
/// another word goes on being looked at. `None`: what is held of it stays as it is.
pub(super) fn otherwise<'a>(tx: &Tx<'_>, said: &'a ShopOrder) -> Result<Option<Cow<'a, ShopOrder>>, StoreError> {
    if !said.paid_otherwise {
        return Ok(Some(Cow::Borrowed(said)));
    }
    let mut find =
        tx.conn.prepare_cached("SELECT body FROM fact WHERE shop = ?1 AND order_id = ?2 AND side = 'shop'")?;
    let held: Option<String> = find.query_row((tx.shop, Number(said.id.0)), |row| row.get(0)).optional()?;
    let Some(body) = held else {
        return Ok(Some(Cow::Borrowed(said)).filter(|said| !said.candidates.is_empty()));
    };
    let mut said = said.clone();
    for one in read_shop_order(&body)?.candidates {
        if said.candidates.iter().all(|known| known.id != one.id) {
            said.candidates.push(one);
        }
    }
    said.klarna_order_id = said.candidates.first().map(|first| first.id.clone());
    Ok((!said.candidates.is_empty()).then_some(Cow::Owned(said)))
}

/// Holds the order for the Klarna order that was chosen, unless a human said otherwise meanwhile. What another Klarna
/// order's reads showed does not count for this one.
pub(super) fn choose(tx: &Tx<'_>, order: OrderId, chosen: &KlarnaOrderId) -> Result<(), StoreError> {
    match told(tx.conn, tx.shop, order)? {
        Some(Told::Nobody) => return Ok(()),
        Some(Told::To(id)) if id != *chosen => return Ok(()),
        Some(Told::To(_)) | None => {}
    }
    set(tx, order, Some(chosen))
}

pub(super) fn set(tx: &Tx<'_>, order: OrderId, link: Option<&KlarnaOrderId>) -> Result<(), StoreError> {
    let mut update = tx.conn.prepare_cached(
        "UPDATE shop_order SET klarna_order_id = ?3
         WHERE shop = ?1 AND id = ?2 AND klarna_order_id IS NOT ?3",
    )?;
    update.execute((tx.shop, Number(order.0), link.map(KlarnaOrderId::as_str)))?;
    Ok(())
}

/// Remembers whether Klarna's references name the order.
pub(super) fn learn(tx: &Tx<'_>, order: OrderId, named_by: Option<(bool, Timestamp)>) -> Result<(), StoreError> {
    let Some((names, placed_at)) = named_by else { return Ok(()) };
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO referred (shop, order_id, names, placed_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (shop, order_id) DO UPDATE SET names = excluded.names, placed_at = excluded.placed_at
         WHERE names <> excluded.names OR placed_at <> excluded.placed_at",
    )?;
    put.execute((tx.shop, Number(order.0), names, At(placed_at)))?;
    Ok(())
}

pub(super) fn references(conn: &Connection, shop: &str) -> Result<References, StoreError> {
    let mut count = conn.prepare_cached(
        "SELECT count(*), coalesce(sum(names), 0), max(placed_at) FILTER (WHERE names = 0) FROM referred WHERE shop = ?1",
    )?;
    let (Number(linked), Number(naming), last_without): (_, _, Option<i64>) =
        count.query_row([shop], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut row_of = conn.prepare_cached(
        "SELECT count(*), min(placed_at) FROM referred WHERE shop = ?1 AND (?2 IS NULL OR placed_at > ?2)",
    )?;
    let (Number(in_a_row), since): (_, Option<At>) =
        row_of.query_row((shop, last_without), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(References { linked, naming, in_a_row, since: since.map(|at| at.0) })
}
