//! Loading what is held about orders, for a decision and for reports. Reads only.
//!
//! Where the primary key also begins with the shop, the index is named: without statistics SQLite would take the key
//! and walk the whole shop.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row};

use super::super::rows::{read_klarna_order, read_shop_order};
use super::super::{
    Break, CreditRow, Dossier, HeldOrder, JournalRow, Named, OrderRow, Proposal, ShopRecord, StoreError,
};
use super::columns::{At, Cents, Code, Id, Number};
use super::{accepting, candidates, differences, intents, never_sent, sharing};
use reconciled_core::decide::RULES;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::KlarnaOrder;
use reconciled_core::id::{
    CaptureId, Identity, IntentId, InvoiceId, InvoiceNumber, OrderId, OrderNumber, PassId, RefundId, ShopName,
};
use reconciled_core::ledger::{Attribution, CreditRecord, Ledger};
use reconciled_core::money::Minor;
use reconciled_core::order::Order;

pub(super) fn shop(conn: &Connection, shop: &str) -> Result<Option<ShopRecord>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT environment, region, shop_id, currency, read_at, coalesce(cluster, '') FROM shop
         WHERE name = ?1 AND environment IS NOT NULL",
    )?;
    let found = find.query_row([shop], |row| {
        Ok(ShopRecord {
            identity: Identity {
                cluster: row.get(5)?,
                environment: row.get(0)?,
                region: row.get(1)?,
                shop_id: row.get(2)?,
            },
            currency: row.get::<_, Code<_>>(3)?.0,
            read_at: row.get::<_, At>(4)?.0,
        })
    });
    Ok(found.optional()?)
}

/// A switch that cannot be read is an error, never "running".
pub(super) fn is_stopped(conn: &Connection, shop: &str) -> Result<bool, StoreError> {
    let mut find = conn.prepare_cached("SELECT stopped FROM stop_switch WHERE shop = ?1")?;
    Ok(find.query_row([shop], |row| row.get(0))?)
}

pub(super) fn dossiers(conn: &Connection, shop: &str, orders: &[OrderId]) -> Result<Vec<Dossier>, StoreError> {
    let mut found = Vec::with_capacity(orders.len());
    let record = self::shop(conn, shop)?;
    // What an earlier version bound names no cluster, and is whole again after the next pass has begun.
    let whose = record.map(|record| record.identity).filter(|whose| !whose.cluster.is_empty());
    for order in orders {
        found.extend(dossier(conn, shop, *order, whose.as_ref())?);
    }
    Ok(found)
}

/// `None` for an order whose facts were never kept.
fn dossier(
    conn: &Connection, shop: &str, id: OrderId, whose: Option<&Identity>,
) -> Result<Option<Dossier>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT o.state, o.klarna_order_id, o.quiet_since, f.body, f.read_at,
            (SELECT note FROM hold AS h WHERE h.shop = o.shop AND h.order_id = o.id), o.rules < ?3,
            o.most_refunded, o.touched_at
         FROM shop_order AS o JOIN fact AS f ON f.shop = o.shop AND f.order_id = o.id AND f.side = 'shop'
         WHERE o.shop = ?1 AND o.id = ?2",
    )?;
    let row = find.query_row((shop, Number(id.0), RULES), |row| {
        let state: Option<Code<Order>> = row.get(0)?;
        let klarna: Option<String> = row.get(1)?;
        let said = (row.get::<_, String>(3)?, row.get::<_, At>(4)?);
        let heard_at: Option<At> = row.get(8)?;
        let about = (row.get(6)?, row.get::<_, Cents>(7)?, heard_at);
        Ok((state, klarna, row.get::<_, At>(2)?, said, row.get(5)?, about))
    });
    let Some((state, klarna_order_id, quiet_since, (body, shop_read_at), hold, about)) = row.optional()? else {
        return Ok(None);
    };
    let (is_outdated, most, heard_at) = about;
    let approved = approved(conn, shop, id)?;
    let mut shop_order = read_shop_order(&body)?;
    shop_order.klarna_order_id = klarna_order_id.as_deref().map(intents::klarna_id).transpose()?;
    let read = klarna(conn, shop, id)?;
    let (captures, refunds) = movements(conn, shop, id, read.as_ref().map(|(order, _)| order))?;
    let told = candidates::told(conn, shop, id)?;
    let asked = candidates::asked(conn, shop, &shop_order)?;
    let shared = sharing::of_order(conn, shop, &shop_order, &asked, told.as_ref())?;
    Ok(Some(Dossier {
        asked,
        told,
        ledger: Ledger {
            shop: ShopName(shop.to_owned()),
            whose: whose.cloned(),
            judged_under: read.as_ref().map(|(order, _)| order.id.clone()),
            order: state.map_or(Order::Pending, |state| state.0),
            credits: credits(conn, shop, id)?,
            intents: intents::of_order(conn, shop, id)?,
            adopted: adopted(conn, shop, id)?,
            never_sent: never_sent::of_order(conn, shop, id)?,
            countersigned: approved.iter().filter(|(_, first)| first.is_some()).map(|(id, _)| *id).collect(),
            approved: approved.into_keys().collect(),
            hold,
            differs_since: differences::since(conn, shop, id)?,
            accepted: accepting::accepted(conn, shop, id)?,
            given_back: given_back(conn, shop, id)?,
            vanished: vanished(conn, shop, id)?,
            shown: shown(conn, shop, id)?,
            most_refunded: most.0,
            captures,
            refunds,
        },
        shop: shop_order,
        shop_read_at: shop_read_at.0,
        klarna: read,
        shared,
        quiet_since: quiet_since.0,
        is_outdated,
        heard_at: heard_at.map(|at| at.0),
    }))
}

fn credits(conn: &Connection, shop: &str, order: OrderId) -> Result<BTreeMap<InvoiceId, CreditRecord>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT id, number, state, amount, created_at FROM credit_invoice INDEXED BY credit_invoice_order
         WHERE shop = ?1 AND order_id = ?2",
    )?;
    let rows = find.query_map((shop, Number(order.0)), |row| {
        let amount: Option<Cents> = row.get(3)?;
        let record = CreditRecord {
            number: InvoiceNumber(row.get(1)?),
            state: row.get::<_, Code<_>>(2)?.0,
            amount: amount.map(|cents| cents.0),
            created_at: row.get::<_, At>(4)?.0,
        };
        Ok((InvoiceId(row.get::<_, Number>(0)?.0), record))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What a human said has gone back by other means, by resolving the break about it; the newest word counts.
fn given_back(conn: &Connection, shop: &str, order: OrderId) -> Result<BTreeMap<InvoiceNumber, Minor>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT credit_number, amount FROM break
         WHERE shop = ?1 AND order_id = ?2 AND status = 'resolved' AND kind = ?3
            AND credit_number IS NOT NULL AND amount IS NOT NULL ORDER BY id",
    )?;
    let rows = find.query_map((shop, Number(order.0), Code(BreakKind::PaidOtherwise)), |row| {
        Ok((InvoiceNumber(row.get(0)?), row.get::<_, Cents>(1)?.0))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Those whose last row in the journal says that they vanished.
fn vanished(conn: &Connection, shop: &str, order: OrderId) -> Result<BTreeSet<InvoiceId>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT id FROM credit_invoice AS c INDEXED BY credit_invoice_order
         WHERE shop = ?1 AND order_id = ?2 AND state = 'cancelled' AND 'vanished' = (
            SELECT event FROM journal AS j INDEXED BY journal_credit
            WHERE j.shop = ?1 AND j.entity = 'credit_invoice' AND j.entity_id = CAST(c.id AS TEXT) AND j.after <> j.before
            ORDER BY seq DESC LIMIT 1)",
    )?;
    let rows = find.query_map((shop, Number(order.0)), |row| Ok(InvoiceId(row.get::<_, Number>(0)?.0)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn shown(conn: &Connection, shop: &str, order: OrderId) -> Result<BTreeSet<IntentId>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT id FROM intent INDEXED BY intent_order WHERE shop = ?1 AND order_id = ?2 AND visible = 1",
    )?;
    let rows = find.query_map((shop, Number(order.0)), |row| Ok(IntentId(row.get::<_, Id>(0)?.0)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What reads of this Klarna order ever listed by an id of Klarna's: the captures, and the sum of the refunds.
fn movements(
    conn: &Connection, shop: &str, order: OrderId, klarna: Option<&KlarnaOrder>,
) -> Result<(BTreeMap<CaptureId, Minor>, Minor), StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT kind, id, amount FROM movement
         WHERE shop = ?1 AND order_id = ?2 AND klarna_order_id = ?3 AND instr(id, ?4) <> 1",
    )?;
    let judged = klarna.map(|order| order.id.as_str());
    let mut rows = find.query((shop, Number(order.0), judged, RefundId::MADE_UP))?;
    let (mut captures, mut refunds) = (BTreeMap::new(), Minor::ZERO);
    while let Some(row) = rows.next()? {
        let amount = row.get::<_, Cents>(2)?.0;
        if row.get::<_, String>(0)? == "capture" {
            captures.insert(CaptureId(row.get(1)?), amount);
        } else {
            refunds = refunds.plus(amount);
        }
    }
    Ok((captures, refunds))
}

fn adopted(conn: &Connection, shop: &str, order: OrderId) -> Result<BTreeMap<RefundId, Attribution>, StoreError> {
    let mut find = conn.prepare_cached("SELECT refund, target FROM attribution WHERE shop = ?1 AND order_id = ?2")?;
    let rows =
        find.query_map((shop, Number(order.0)), |row| Ok((RefundId(row.get(0)?), row.get::<_, Code<_>>(1)?.0)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Approved effects, each with who proposed it where two operators were needed.
fn approved(conn: &Connection, shop: &str, order: OrderId) -> Result<BTreeMap<IntentId, Option<String>>, StoreError> {
    let mut find = conn.prepare_cached("SELECT intent, proposed_by FROM approval WHERE shop = ?1 AND order_id = ?2")?;
    let rows = find.query_map((shop, Number(order.0)), |row| Ok((IntentId(row.get::<_, Id>(0)?.0), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn klarna(conn: &Connection, shop: &str, order: OrderId) -> Result<Option<(KlarnaOrder, jiff::Timestamp)>, StoreError> {
    let mut find =
        conn.prepare_cached("SELECT body, read_at FROM fact WHERE shop = ?1 AND order_id = ?2 AND side = 'klarna'")?;
    let row = find.query_row((shop, Number(order.0)), |row| Ok((row.get::<_, String>(0)?, row.get::<_, At>(1)?)));
    row.optional()?.map(|(body, at)| Ok((read_klarna_order(&body)?, at.0))).transpose()
}

pub(super) fn breaks(conn: &Connection, shop: &str, closed: bool) -> Result<Vec<Break>, StoreError> {
    let mut find = if closed {
        conn.prepare_cached(
            "SELECT b.id, b.kind, o.number, b.credit_number, b.subject, b.amount, b.message, b.opened_at,
                b.status, b.note, b.assigned, b.remedy, b.offer_intent, b.offer_amount
             FROM break AS b JOIN shop_order AS o ON o.shop = b.shop AND o.id = b.order_id
             WHERE b.shop = ?1 ORDER BY b.opened_at, b.id",
        )?
    } else {
        conn.prepare_cached(
            "SELECT b.id, b.kind, o.number, b.credit_number, b.subject, b.amount, b.message, b.opened_at,
                b.status, b.note, b.assigned, b.remedy, b.offer_intent, b.offer_amount
             FROM break AS b JOIN shop_order AS o ON o.shop = b.shop AND o.id = b.order_id
             WHERE b.shop = ?1 AND b.status IN ('open', 'acknowledged') ORDER BY b.opened_at, b.id",
        )?
    };
    let mut rows = find.query([shop])?;
    let mut breaks = Vec::new();
    while let Some(row) = rows.next()? {
        breaks.push(differences::read_break(row)?);
    }
    propose(conn, shop, &mut breaks)?;
    Ok(breaks)
}

/// Puts every proposal beside the break that it would settle: the one that names the intent, or its reference.
fn propose(conn: &Connection, shop: &str, breaks: &mut [Break]) -> Result<(), StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT p.intent, p.amount, p.at, p.actor, p.note, o.number, i.reference
         FROM proposal AS p JOIN shop_order AS o ON o.shop = p.shop AND o.id = p.order_id
            LEFT JOIN intent AS i ON i.shop = p.shop AND i.id = p.intent
         WHERE p.shop = ?1",
    )?;
    let mut rows = find.query([shop])?;
    while let Some(row) = rows.next()? {
        let intent = IntentId(row.get::<_, Id>(0)?.0);
        let proposal = Proposal {
            intent,
            amount: row.get::<_, Cents>(1)?.0,
            at: row.get::<_, At>(2)?.0,
            actor: row.get(3)?,
            note: row.get(4)?,
        };
        let order = OrderNumber(row.get(5)?);
        let subjects = [Some(intent.to_string()), row.get(6)?];
        let concerned = |it: &&mut Break| {
            it.order.as_ref() == Some(&order) && subjects.iter().flatten().any(|subject| *subject == it.subject)
        };
        for it in breaks.iter_mut().filter(concerned) {
            it.proposal = Some(proposal.clone());
        }
    }
    Ok(())
}

pub(super) fn holds(conn: &Connection, shop: &str) -> Result<Vec<HeldOrder>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT o.number, h.at, h.actor, h.note FROM hold AS h JOIN shop_order AS o ON o.shop = h.shop AND o.id = h.order_id
         WHERE h.shop = ?1 ORDER BY h.at, o.id",
    )?;
    let rows = find.query_map([shop], |row| {
        let (number, since) = (OrderNumber(row.get(0)?), row.get::<_, At>(1)?.0);
        Ok(HeldOrder { number, since, actor: row.get(2)?, note: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn looked_at(
    conn: &Connection, shop: &str, pass: PassId, after: OrderId, limit: u32,
) -> Result<Vec<OrderRow>, StoreError> {
    let mut find = conn.prepare_cached(
        // What Klarna confirmed to us after its order was read counts, whether a read shows it yet or not.
        "SELECT id, number, klarna_order_id, state, total,
            captured + (SELECT coalesce(sum(i.amount), 0) FROM intent AS i JOIN fact AS f
                ON f.shop = i.shop AND f.order_id = i.order_id AND f.side = 'klarna' AND i.ended_at > f.read_at
                WHERE i.shop = ?1 AND i.order_id = o.id AND i.kind = 'capture' AND i.state = 'confirmed'),
            refunded + (SELECT coalesce(sum(i.amount), 0) FROM intent AS i
                WHERE i.shop = ?1 AND i.order_id = o.id AND i.kind = 'refund' AND i.state = 'confirmed' AND i.visible = 0)
         FROM shop_order AS o INDEXED BY shop_order_decided
         WHERE shop = ?1 AND decided_in = (SELECT no FROM pass WHERE shop = ?1 AND id = ?2) AND id > ?3
         ORDER BY id LIMIT ?4",
    )?;
    let mut rows = find.query((shop, Id(pass.0), Number(after.0), limit))?;
    let mut orders = Vec::new();
    while let Some(row) = rows.next()? {
        orders.push(order_row(conn, shop, row)?);
    }
    Ok(orders)
}

fn order_row(conn: &Connection, shop: &str, row: &Row<'_>) -> Result<OrderRow, StoreError> {
    let id = OrderId(row.get::<_, Number>(0)?.0);
    let klarna: Option<String> = row.get(2)?;
    let credits = credits(conn, shop, id)?.into_values();
    Ok(OrderRow {
        id,
        number: OrderNumber(row.get(1)?),
        klarna_order_id: klarna.as_deref().map(intents::klarna_id).transpose()?,
        state: row.get::<_, Code<_>>(3)?.0,
        amount: row.get::<_, Option<Cents>>(4)?.map(|cents| cents.0),
        captured: row.get::<_, Cents>(5)?.0,
        refunded: row.get::<_, Cents>(6)?.0,
        credits: credits
            .map(|credit| CreditRow { number: credit.number, state: credit.state, amount: credit.amount })
            .collect(),
    })
}

pub(super) fn find(conn: &Connection, shop: &str, text: &str) -> Result<Vec<Named>, StoreError> {
    const ORDERS: &str = "SELECT id, number, NULL FROM shop_order INDEXED BY shop_order_number
        WHERE shop = ?1 AND number = ?2 ORDER BY id";
    const CREDITS: &str = "SELECT o.id, o.number, c.id FROM credit_invoice AS c INDEXED BY credit_invoice_number
        JOIN shop_order AS o ON o.shop = c.shop AND o.id = c.order_id
        WHERE c.shop = ?1 AND c.number = ?2 ORDER BY c.id";
    const IDS: &str = "SELECT id, number, NULL FROM shop_order WHERE shop = ?1 AND id = CAST(?2 AS INTEGER)
        UNION ALL
        SELECT o.id, o.number, c.id FROM credit_invoice AS c JOIN shop_order AS o ON o.shop = c.shop AND o.id = c.order_id
        WHERE c.shop = ?1 AND c.id = CAST(?2 AS INTEGER)";
    let is_id = text.parse::<u64>().is_ok_and(|id| i64::try_from(id).is_ok());
    for query in [Some(ORDERS), Some(CREDITS), is_id.then_some(IDS)].into_iter().flatten() {
        let mut find = conn.prepare_cached(query)?;
        let named = find.query_map((shop, text), |row| {
            let credit: Option<Number> = row.get(2)?;
            let credit = credit.map(|id| InvoiceId(id.0));
            Ok(Named { order: OrderId(row.get::<_, Number>(0)?.0), number: OrderNumber(row.get(1)?), credit })
        })?;
        let named: Vec<Named> = named.collect::<Result<_, _>>()?;
        if !named.is_empty() {
            return Ok(named);
        }
    }
    Ok(Vec::new())
}

pub(super) fn history(conn: &Connection, shop: &str, order: OrderId) -> Result<Vec<JournalRow>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT seq, at, actor, cause, entity, entity_id, event, before, after, detail
         FROM journal INDEXED BY journal_order
         WHERE shop = ?1 AND order_id = ?2 ORDER BY seq",
    )?;
    let rows = find.query_map((shop, Number(order.0)), journal_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// From the columns seq, at, actor, cause, entity, entity_id, event, before, after and detail, in this order.
pub(super) fn journal_row(row: &Row<'_>) -> rusqlite::Result<JournalRow> {
    Ok(JournalRow {
        seq: row.get(0)?,
        at: row.get::<_, At>(1)?.0,
        actor: row.get(2)?,
        cause: row.get(3)?,
        entity: row.get(4)?,
        entity_id: row.get(5)?,
        event: row.get(6)?,
        before: row.get(7)?,
        after: row.get(8)?,
        detail: row.get(9)?,
    })
}

pub(super) fn budgets(conn: &Connection, shop: &str) -> Result<BTreeMap<String, String>, StoreError> {
    let mut find = conn.prepare_cached("SELECT name, value FROM budget WHERE shop = ?1")?;
    let rows = find.query_map([shop], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
