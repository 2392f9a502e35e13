//! A human's word that a credit invoice names what never left the shop.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _};

use super::super::{Refusal, StoreError};
use super::approving;
use super::columns::{At, Cents, Code, Id, Number};
use super::operate::{Human, on_order, touch};
use super::steps::Detail;
use super::writer::Tx;
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::id::{IntentId, InvoiceId, InvoiceNumber, OrderId};
use reconciled_core::money::Minor;

/// Keeps it for the amount that the credit invoice has now. Refused once a refund of it was asked for: then only what
/// became of that refund counts.
pub(super) fn say(tx: &mut Tx<'_>, human: Human<'_>, order: OrderId, credit: InvoiceId) -> Result<(), StoreError> {
    touch(tx, order, human.at)?;
    let mut find = tx.conn.prepare_cached(
        "SELECT number, state, amount FROM credit_invoice WHERE shop = ?1 AND id = ?2 AND order_id = ?3",
    )?;
    let place = (tx.shop, Number(credit.0), Number(order.0));
    let found: Option<(String, Code<CreditInvoice>, Option<Cents>)> =
        find.query_row(place, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    drop(find);
    let unknown = || StoreError::NotFound(format!("credit invoice {credit} of order {order}"));
    let (number, state, amount) = found.ok_or_else(unknown)?;
    let Some(amount) = amount.filter(|_| state.0.may_be_never_sent()) else {
        return Err(StoreError::Refused(Refusal::NeverSent { number: InvoiceNumber(number), state: state.0 }));
    };
    for asked in consented(tx, order, &number)? {
        approving::withdraw(tx, human, order, asked)?;
    }
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO never_sent (shop, order_id, credit_id, amount, at, actor, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (shop, credit_id) DO UPDATE SET
            amount = excluded.amount, at = excluded.at, actor = excluded.actor, note = excluded.note",
    )?;
    let who = (human.actor, human.note);
    put.execute((tx.shop, Number(order.0), Number(credit.0), Cents(amount.0), At(human.at), who.0, who.1))?;
    drop(put);
    let subject = credit.to_string();
    let detail = Detail { subject: Some(&subject), amount_minor: Some(amount.0.get()), ..human.detail() };
    on_order(tx, human, order, "operator_never_sent", &detail)
}

/// The refunds of a credit invoice about which a human was asked, and to which somebody consented.
fn consented(tx: &Tx<'_>, order: OrderId, number: &str) -> Result<Vec<IntentId>, StoreError> {
    let mut find = tx.conn.prepare_cached(
        "SELECT DISTINCT b.subject FROM break AS b
         WHERE b.shop = ?1 AND b.order_id = ?2 AND b.kind = 'credit_before_capture' AND b.credit_number = ?3
           AND (EXISTS (SELECT 1 FROM approval AS a WHERE a.shop = b.shop AND a.intent = b.subject)
             OR EXISTS (SELECT 1 FROM proposal AS p WHERE p.shop = b.shop AND p.intent = b.subject))",
    )?;
    let rows = find.query_map((tx.shop, Number(order.0), number), |row| row.get::<_, Id>(0))?;
    let ids: Vec<Id> = rows.collect::<Result<_, _>>()?;
    Ok(ids.into_iter().map(|id| IntentId(id.0)).collect())
}

/// What humans said of the order's credit invoices, with the amount each had.
pub(super) fn of_order(
    conn: &Connection, shop: &str, order: OrderId,
) -> Result<BTreeMap<InvoiceId, Minor>, StoreError> {
    let mut find = conn.prepare_cached("SELECT credit_id, amount FROM never_sent WHERE shop = ?1 AND order_id = ?2")?;
    let rows = find.query_map((shop, Number(order.0)), |row| {
        Ok((InvoiceId(row.get::<_, Number>(0)?.0), row.get::<_, Cents>(1)?.0))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
