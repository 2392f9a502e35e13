//! What people were told, and requests that stayed unknown for too long.
//!
//! Read and written by a service that notifies; the journal does not know of it, and nothing about money rests on it.

use jiff::Timestamp;
use rusqlite::Connection;

use super::super::{Channel, Overdue, StoreError, Told};
use super::columns::{At, Cents, Code, Id};
use super::writer::Tx;
use reconciled_core::id::{IntentId, InvoiceNumber, OrderNumber};

pub(super) fn told(conn: &Connection, shop: &str, channel: Channel) -> Result<Vec<Told>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT subject, kind, order_number, credit_number, amount, since, told_at FROM told
         WHERE shop = ?1 AND channel = ?2 ORDER BY subject",
    )?;
    let rows = find.query_map((shop, channel.name()), |row| {
        Ok(Told {
            subject: row.get(0)?,
            kind: row.get(1)?,
            order: row.get::<_, Option<String>>(2)?.map(OrderNumber),
            credit_invoice: row.get::<_, Option<String>>(3)?.map(InvoiceNumber),
            amount: row.get::<_, Option<Cents>>(4)?.map(|cents| cents.0),
            since: row.get::<_, At>(5)?.0,
            told_at: row.get::<_, At>(6)?.0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn keep(tx: &Tx<'_>, channel: Channel, told: &[Told], over: &[String]) -> Result<(), StoreError> {
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO told (shop, channel, subject, kind, order_number, credit_number, amount, since, told_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (shop, channel, subject) DO UPDATE SET
            kind = excluded.kind, order_number = excluded.order_number, credit_number = excluded.credit_number,
            amount = excluded.amount, since = excluded.since, told_at = excluded.told_at",
    )?;
    for it in told {
        put.execute((
            tx.shop,
            channel.name(),
            &it.subject,
            &it.kind,
            it.order.as_ref().map(OrderNumber::as_str),
            it.credit_invoice.as_ref().map(InvoiceNumber::as_str),
            it.amount.map(Cents),
            At(it.since),
            At(it.told_at),
        ))?;
    }
    let mut forget = tx.conn.prepare_cached("DELETE FROM told WHERE shop = ?1 AND channel = ?2 AND subject = ?3")?;
    for subject in over {
        forget.execute((tx.shop, channel.name(), subject))?;
    }
    Ok(())
}

pub(super) fn overdue(conn: &Connection, shop: &str, before: Timestamp) -> Result<Vec<Overdue>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT i.id, i.kind, o.number, i.credit_number, i.amount, coalesce(i.first_sent_at, i.planned_at)
         FROM intent AS i INDEXED BY intent_open
         JOIN shop_order AS o ON o.shop = i.shop AND o.id = i.order_id
         WHERE i.shop = ?1 AND i.state = 'unknown'
            AND coalesce(i.first_sent_at, i.planned_at) < ?2
            AND NOT EXISTS (
                SELECT 1 FROM break AS b WHERE b.shop = i.shop AND b.order_id = i.order_id
                    AND b.status <> 'cleared' AND b.subject IN (i.id, i.credit_number))
         ORDER BY 6, 1",
    )?;
    let rows = find.query_map((shop, At(before)), |row| {
        Ok(Overdue {
            intent: IntentId(row.get::<_, Id>(0)?.0),
            kind: row.get::<_, Code<_>>(1)?.0,
            order: OrderNumber(row.get(2)?),
            credit_invoice: row.get::<_, Option<String>>(3)?.map(InvoiceNumber),
            amount: row.get::<_, Cents>(4)?.0,
            first_sent_at: row.get::<_, At>(5)?.0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
