//! A human's word on what of an order Klarna is to take.
//!
//! Kept with the total that it was said of: when the shop says another total, it counts no longer, and is asked anew.

use rusqlite::{Connection, OptionalExtension};

use super::super::{Refusal, StoreError};
use super::columns::{At, Cents, Number};
use super::operate::{Human, on_order, touch};
use super::steps::Detail;
use super::writer::Tx;
use reconciled_core::id::OrderId;
use reconciled_core::money::Minor;
use reconciled_core::share::Accepted;

pub(super) fn accept(tx: &mut Tx<'_>, human: Human<'_>, order: OrderId, amount: Minor) -> Result<(), StoreError> {
    touch(tx, order, human.at)?;
    let total: Option<Cents> = tx
        .conn
        .prepare_cached("SELECT total FROM shop_order WHERE shop = ?1 AND id = ?2")?
        .query_row((tx.shop, Number(order.0)), |row| row.get(0))?;
    let said = Accepted::of(amount, total.map(|cents| cents.0));
    let Accepted { amount, total } =
        said.map_err(|total| StoreError::Refused(Refusal::Share { said: amount, total }))?;
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO accepted_share (shop, order_id, amount, total, at, actor, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (shop, order_id) DO UPDATE SET amount = excluded.amount, total = excluded.total,
            at = excluded.at, actor = excluded.actor, note = excluded.note",
    )?;
    let who = (human.actor, human.note);
    put.execute((tx.shop, Number(order.0), Cents(amount), Cents(total), At(human.at), who.0, who.1))?;
    let detail = Detail { amount_minor: Some(amount.get()), total_minor: Some(total.get()), ..human.detail() };
    on_order(tx, human, order, "operator_accept", &detail)
}

pub(super) fn accepted(conn: &Connection, shop: &str, order: OrderId) -> Result<Option<Accepted>, StoreError> {
    let mut find = conn.prepare_cached("SELECT amount, total FROM accepted_share WHERE shop = ?1 AND order_id = ?2")?;
    let found = find.query_row((shop, Number(order.0)), |row| {
        Ok(Accepted { amount: row.get::<_, Cents>(0)?.0, total: row.get::<_, Cents>(1)?.0 })
    });
    Ok(found.optional()?)
}
