//! What a list named is owed a read that contains it.
//!
//! One answer about an order may lack the credit invoice that the shop's own list named a moment before. Until an answer
//! has it the order stays unread, whatever its date says, and nothing is decided on what lacks it. One that an answer
//! had and that nothing was decided on yet is owed all the same: no record would miss it in the next answer.

use jiff::{SignedDuration, Timestamp};
use rusqlite::OptionalExtension;

use super::super::StoreError;
use super::super::rows::{read_shop_order, write_shop_order};
use super::columns::{At, Code, Number};
use super::listing::{put_fact, wake};
use super::writer::Tx;
use reconciled_core::decide::absence::MISSING;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::{GONE, ListedInvoice, ShopOrder, Word};
use reconciled_core::id::{InvoiceId, OrderId};

/// A list named this credit invoice.
pub(super) fn named(tx: &Tx<'_>, invoice: &ListedInvoice) -> Result<(), StoreError> {
    if !invoice.is_credit {
        return Ok(());
    }
    let mut mark = tx.conn.prepare_cached("UPDATE listed_invoice SET owed = 1 WHERE shop = ?1 AND id = ?2")?;
    mark.execute((tx.shop, Number(invoice.id.0)))?;
    Ok(())
}

/// Whether this answer lacks what a list named of the order. What it contains and a record holds is owed no more.
pub(super) fn lacks(tx: &Tx<'_>, said: &ShopOrder) -> Result<bool, StoreError> {
    let order = Number(said.id.0);
    let mut find =
        tx.conn.prepare_cached("SELECT id FROM listed_invoice WHERE shop = ?1 AND order_id = ?2 AND owed = 1")?;
    let owed = find.query_map((tx.shop, order), |row| row.get::<_, Number>(0))?;
    let owed: Vec<Number> = owed.collect::<Result<_, _>>()?;
    let mut lacks = false;
    for id in owed {
        if said.credit_invoices.iter().any(|credit| credit.id.0 == id.0) {
            let mut paid = tx.conn.prepare_cached(
                "UPDATE listed_invoice SET owed = 0 WHERE shop = ?1 AND id = ?2
                    AND EXISTS (SELECT 1 FROM credit_invoice AS c WHERE c.shop = ?1 AND c.id = ?2)",
            )?;
            paid.execute((tx.shop, id))?;
        } else {
            lacks = true;
        }
    }
    Ok(lacks && !planted!("a_list_is_owed_nothing"))
}

/// A decision rests on an answer that contained it, and from now on a record misses it.
pub(super) fn recorded(tx: &Tx<'_>, id: InvoiceId) -> Result<(), StoreError> {
    let mut paid = tx.conn.prepare_cached("UPDATE listed_invoice SET owed = 0 WHERE shop = ?1 AND id = ?2")?;
    paid.execute((tx.shop, Number(id.0)))?;
    Ok(())
}

/// What the shop's answer lacked is believed to be gone only once a later answer lacks it too, and no list names an
/// order for what it lacks.
pub(super) fn read_missing_again(tx: &Tx<'_>) -> Result<(), StoreError> {
    let mut mark = tx.conn.prepare_cached(
        "UPDATE listed SET unread = 1 WHERE shop = ?1 AND order_id IN (
            SELECT order_id FROM difference WHERE shop = ?1 AND kind = ?2 AND substr(subject, 1, length(?3)) = ?3)",
    )?;
    mark.execute((tx.shop, Code(BreakKind::CreditChanged), MISSING))?;
    Ok(())
}

/// The shop does not find the order. Believed twice, apart in time.
pub(super) fn not_found(tx: &Tx<'_>, id: OrderId, at: Timestamp, apart: SignedDuration) -> Result<bool, StoreError> {
    let order = Number(id.0);
    let mut missing = tx.conn.prepare_cached(
        "UPDATE listed SET missing_since = min(coalesce(missing_since, ?3), ?3) WHERE shop = ?1 AND order_id = ?2
         RETURNING missing_since",
    )?;
    let since: Option<At> = missing.query_row((tx.shop, order, At(at)), |row| row.get(0)).optional()?;
    if since.is_none_or(|since| at <= since.0 || at.duration_since(since.0) < apart) {
        return Ok(false);
    }
    let mut read = tx.conn.prepare_cached("UPDATE listed SET unread = 0 WHERE shop = ?1 AND order_id = ?2")?;
    read.execute((tx.shop, order))?;
    let mut held =
        tx.conn.prepare_cached("SELECT version, body FROM fact WHERE shop = ?1 AND order_id = ?2 AND side = 'shop'")?;
    let held =
        held.query_row((tx.shop, order), |row| Ok((row.get::<_, At>(0)?, row.get::<_, String>(1)?))).optional()?;
    if let Some((version, body)) = held {
        let gone = ShopOrder { status: Word::Unknown(GONE.to_owned()), ..read_shop_order(&body)? };
        put_fact(tx, id, "shop", version, At(at), &write_shop_order(&gone)?)?;
        wake(tx, id)?;
    }
    Ok(true)
}

/// An answer has the order again.
pub(super) fn found(tx: &Tx<'_>, id: OrderId) -> Result<(), StoreError> {
    let mut found = tx.conn.prepare_cached(
        "UPDATE listed SET missing_since = NULL WHERE shop = ?1 AND order_id = ?2 AND missing_since IS NOT NULL",
    )?;
    found.execute((tx.shop, Number(id.0)))?;
    Ok(())
}
