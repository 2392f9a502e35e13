//! Which shop orders name one Klarna order: every id that any order names, read or only listed so far.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::Connection;

use super::super::StoreError;
use super::columns::{Code, Number};
use super::writer::Tx;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::ShopOrder;
use reconciled_core::id::{KlarnaOrderId, OrderId, OrderNumber};
use reconciled_core::link::{Seen, Told};

/// A list named these; what an earlier row or a read named stays until the order is read.
pub(super) fn listed(tx: &Tx<'_>, order: OrderId, names: &[KlarnaOrderId]) -> Result<(), StoreError> {
    let mut keep = tx.conn.prepare_cached(
        "INSERT INTO named (shop, klarna_order_id, order_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for name in names {
        keep.execute((tx.shop, name.as_str(), Number(order.0)))?;
    }
    Ok(())
}

/// The order was read: what it names, and nothing else. One that was paid otherwise claims none.
pub(super) fn read(tx: &Tx<'_>, said: &ShopOrder) -> Result<(), StoreError> {
    let mut forget = tx.conn.prepare_cached("DELETE FROM named WHERE shop = ?1 AND order_id = ?2")?;
    forget.execute((tx.shop, Number(said.id.0)))?;
    if said.paid_otherwise {
        return Ok(());
    }
    let names: Vec<KlarnaOrderId> = said.candidates.iter().map(|one| one.id.clone()).collect();
    listed(tx, said.id, &names)
}

/// Other orders that name the Klarna orders which this one names, or named once (`asked`).
///
/// One that is judged under another Klarna order and not in doubt does not count, nor one of which a human said
/// otherwise. A human's word about this order stands above what others merely name.
pub(super) fn of_order(
    conn: &Connection, shop: &str, order: &ShopOrder, asked: &[(Seen, Timestamp)], told: Option<&Told>,
) -> Result<BTreeMap<KlarnaOrderId, Vec<OrderNumber>>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT n.order_id AS id, coalesce(o.number, l.number, CAST(n.order_id AS TEXT)) AS number
         FROM named AS n
            LEFT JOIN shop_order AS o ON o.shop = n.shop AND o.id = n.order_id
            LEFT JOIN listed AS l ON l.shop = n.shop AND l.order_id = n.order_id
         WHERE ?4 AND n.shop = ?1 AND n.klarna_order_id = ?2 AND n.order_id <> ?3
            AND NOT EXISTS (SELECT 1 FROM link AS k WHERE k.shop = n.shop AND k.order_id = n.order_id
                AND k.klarna_order_id IS NOT ?2)
            AND (NOT EXISTS (SELECT 1 FROM fact AS f WHERE f.shop = n.shop AND f.order_id = n.order_id
                    AND f.side = 'klarna' AND json_extract(f.body, '$.id') <> ?2)
                OR EXISTS (SELECT 1 FROM difference AS d WHERE d.shop = n.shop AND d.order_id = n.order_id
                    AND d.kind IN (?5, ?6)))
         UNION
         SELECT o.id, o.number FROM link AS k JOIN shop_order AS o ON o.shop = k.shop AND o.id = k.order_id
         WHERE k.shop = ?1 AND k.klarna_order_id = ?2 AND k.order_id <> ?3
         ORDER BY id",
    )?;
    let linked = match told {
        Some(Told::To(id)) => Some(id),
        Some(Told::Nobody) | None => None,
    };
    let once = asked.iter().map(|(seen, _)| &seen.candidate.id);
    let named = order.candidates.iter().map(|one| &one.id).chain(once).chain(linked);
    let mut shared = BTreeMap::new();
    for klarna in named.collect::<BTreeSet<_>>() {
        let counts_names = !matches!(told, Some(Told::To(id)) if id == klarna);
        let doubts = (Code(BreakKind::KlarnaOrderAmbiguous), Code(BreakKind::KlarnaOrderMismatch));
        let key = (shop, klarna.as_str(), Number(order.id.0), counts_names, doubts.0, doubts.1);
        let others = find.query_map(key, |row| row.get(1).map(OrderNumber))?.collect::<Result<Vec<_>, _>>()?;
        if !others.is_empty() {
            shared.insert(klarna.clone(), others);
        }
    }
    Ok(shared)
}
