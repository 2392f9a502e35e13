//! The readings of an operations page. Each walks an index from where the last page ended, and stops after a page.

use rusqlite::{Connection, OptionalExtension};

use super::super::pages::{
    BreakFilter, BreakPlace, BreakRow, ClosedRow, CreditFilter, CreditLine, JournalLine, LookingBack, Pages, PassRow,
    ProposalRow, Switch,
};
use super::super::{Break, Proposal, StoreError};
use super::SqliteStore;
use super::columns::{At, Cents, Code, Id, Number, order};
use super::{differences, dossier, report};
use reconciled_core::consent::is_one_person;
use reconciled_core::decide::RULES;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{IntentId, InvoiceId, InvoiceNumber, OrderId, OrderNumber, PassId};

macro_rules! break_columns {
    () => {
        "SELECT b.id, b.kind, o.number, b.credit_number, b.subject, b.amount, b.message, b.opened_at, b.status, b.note,
            b.assigned, b.remedy, b.offer_intent, b.offer_amount, b.order_id
         FROM break AS b JOIN shop_order AS o ON o.shop = b.shop AND o.id = b.order_id"
    };
}

macro_rules! journal_columns {
    () => {
        "SELECT j.seq, j.at, j.actor, j.cause, j.entity, j.entity_id, j.event, j.before, j.after, j.detail, j.order_id,
            o.number, coalesce(i.kind || ' ' || i.reference, c.number)"
    };
}

/// What the rows of one page are about, by their keys.
macro_rules! journal_names {
    () => {
        "LEFT JOIN shop_order AS o ON o.shop = j.shop AND o.id = j.order_id
         LEFT JOIN intent AS i ON j.entity = 'intent' AND i.shop = j.shop AND i.id = j.entity_id
         LEFT JOIN credit_invoice AS c ON j.entity = 'credit_invoice' AND c.shop = j.shop
            AND c.id = CAST(j.entity_id AS INTEGER)"
    };
}

impl Pages for SqliteStore {
    async fn breaks_page(
        &self, filter: BreakFilter, after: Option<BreakPlace>, limit: u32,
    ) -> Result<Vec<BreakRow>, StoreError> {
        self.read(move |conn, shop| breaks_page(conn, shop, &filter, after, limit)).await
    }

    async fn break_by_id(&self, id: i64) -> Result<Option<BreakRow>, StoreError> {
        self.read(move |conn, shop| {
            let mut find = conn.prepare_cached(concat!(break_columns!(), " WHERE b.shop = ?1 AND b.id = ?2"))?;
            Ok(rows(find.query((shop, id))?)?.pop())
        })
        .await
    }

    async fn breaks_of(&self, order: OrderId) -> Result<Vec<Break>, StoreError> {
        self.read(move |conn, shop| {
            let mut find = conn.prepare_cached(concat!(
                break_columns!(),
                " WHERE b.shop = ?1 AND b.order_id = ?2 ORDER BY b.opened_at, b.id"
            ))?;
            Ok(rows(find.query((shop, Number(order.0)))?)?.into_iter().map(|row| row.it).collect())
        })
        .await
    }

    async fn credits_page(
        &self, filter: CreditFilter, before: Option<InvoiceId>, limit: u32,
    ) -> Result<Vec<CreditLine>, StoreError> {
        self.read(move |conn, shop| credits_page(conn, shop, filter, before, limit)).await
    }

    async fn passes_page(&self, before: Option<i64>, limit: u32) -> Result<Vec<PassRow>, StoreError> {
        self.read(move |conn, shop| passes_page(conn, shop, before, limit)).await
    }

    async fn journal_page(
        &self, humans: bool, before: Option<i64>, limit: u32,
    ) -> Result<Vec<JournalLine>, StoreError> {
        self.read(move |conn, shop| journal_page(conn, shop, humans, before, limit)).await
    }

    async fn proposals(
        &self, order: Option<OrderId>, reader: String, limit: u32,
    ) -> Result<Vec<ProposalRow>, StoreError> {
        self.read(move |conn, shop| proposals(conn, shop, order, &reader, limit)).await
    }

    async fn closed_periods(&self, before: Option<i64>, limit: u32) -> Result<Vec<ClosedRow>, StoreError> {
        self.read(move |conn, shop| report::closed_page(conn, shop, before, limit)).await
    }

    async fn looking_back(&self) -> Result<LookingBack, StoreError> {
        self.read(looking_back).await
    }

    async fn switch(&self) -> Result<Switch, StoreError> {
        self.read(switch).await
    }
}

fn looking_back(conn: &Connection, shop: &str) -> Result<LookingBack, StoreError> {
    let mut count = conn.prepare_cached(
        "SELECT (SELECT count(*) FROM shop_order WHERE shop = ?1),
            (SELECT count(*) FROM shop_order INDEXED BY shop_order_rules WHERE shop = ?1 AND rules < ?2)",
    )?;
    let (orders, waiting) =
        count.query_row((shop, RULES), |row| Ok((row.get::<_, Number>(0)?.0, row.get::<_, Number>(1)?.0)))?;
    let mut find = conn.prepare_cached(concat!(
        break_columns!(),
        " WHERE b.shop = ?1 AND b.looking_back = 1 AND b.status IN ('open', 'acknowledged') ORDER BY b.opened_at, b.id"
    ))?;
    let breaks = rows(find.query([shop])?)?.into_iter().map(|row| row.it).collect();
    Ok(LookingBack { orders, waiting, breaks })
}

/// An empty list of kinds is every kind.
fn breaks_page(
    conn: &Connection, shop: &str, filter: &BreakFilter, after: Option<BreakPlace>, limit: u32,
) -> Result<Vec<BreakRow>, StoreError> {
    let names: Vec<&str> = filter.kinds.iter().map(|kind| BreakKind::name(*kind)).collect();
    let kinds = (!names.is_empty()).then(|| serde_json::to_string(&names)).transpose();
    let kinds = kinds.map_err(|why| StoreError::Damaged(why.to_string()))?;
    if filter.closed {
        // Breaks are never deleted and get their ids as they open; the latest closed ones are found from the end.
        let mut find = conn.prepare_cached(concat!(
            break_columns!(),
            " WHERE b.shop = ?1 AND b.id < ?2 AND b.status IN ('resolved', 'cleared')
                AND (?3 IS NULL OR b.kind IN (SELECT value FROM json_each(?3)))
              ORDER BY b.id DESC LIMIT ?4"
        ))?;
        let before = after.map_or(i64::MAX, |place| place.id);
        return rows(find.query((shop, before, kinds, limit))?);
    }
    let mut find = conn.prepare_cached(
        "SELECT b.id, b.kind, o.number, b.credit_number, b.subject, b.amount, b.message, b.opened_at, b.status, b.note,
            b.assigned, b.remedy, b.offer_intent, b.offer_amount, b.order_id
         FROM break AS b INDEXED BY break_open JOIN shop_order AS o ON o.shop = b.shop AND o.id = b.order_id
         WHERE b.shop = ?1 AND b.opened_at >= ?2 AND (b.opened_at, b.id) > (?2, ?3)
            AND b.status IN ('open', 'acknowledged')
            AND (?4 IS NULL OR b.kind IN (SELECT value FROM json_each(?4)))
         ORDER BY b.opened_at, b.id LIMIT ?5",
    )?;
    let (opened_at, id) = after.map_or((i64::MIN, i64::MIN), |place| (At(place.opened_at).nanos(), place.id));
    rows(find.query((shop, opened_at, id, kinds, limit))?)
}

fn rows(mut found: rusqlite::Rows<'_>) -> Result<Vec<BreakRow>, StoreError> {
    let mut breaks = Vec::new();
    while let Some(row) = found.next()? {
        breaks.push(BreakRow { order: order(row.get(14)?), it: differences::read_break(row)? });
    }
    Ok(breaks)
}

fn credits_page(
    conn: &Connection, shop: &str, filter: CreditFilter, before: Option<InvoiceId>, limit: u32,
) -> Result<Vec<CreditLine>, StoreError> {
    let mut find = match filter {
        // The index is used only where its own condition stands in the query, word for word.
        CreditFilter::Open => conn.prepare_cached(
            "SELECT c.id, c.number, c.order_id, o.number, c.state, c.amount, c.created_at
             FROM credit_invoice AS c INDEXED BY credit_invoice_open
                JOIN shop_order AS o ON o.shop = c.shop AND o.id = c.order_id
             WHERE c.shop = ?1 AND c.id < ?2 AND substr(c.state, 1, 4) <> 'paid' AND c.state <> 'cancelled'
             ORDER BY c.id DESC LIMIT ?3",
        )?,
        CreditFilter::All => conn.prepare_cached(
            "SELECT c.id, c.number, c.order_id, o.number, c.state, c.amount, c.created_at
             FROM credit_invoice AS c JOIN shop_order AS o ON o.shop = c.shop AND o.id = c.order_id
             WHERE c.shop = ?1 AND c.id < ?2 ORDER BY c.id DESC LIMIT ?3",
        )?,
    };
    let before = before.map_or(i64::MAX, |id| i64::try_from(id.0).unwrap_or(i64::MAX));
    let rows = find.query_map((shop, before, limit), |row| {
        Ok(CreditLine {
            id: InvoiceId(row.get::<_, Number>(0)?.0),
            number: InvoiceNumber(row.get(1)?),
            order: order(row.get(2)?),
            order_number: OrderNumber(row.get(3)?),
            state: row.get::<_, Code<_>>(4)?.0,
            amount: row.get::<_, Option<Cents>>(5)?.map(|cents| cents.0),
            created_at: row.get::<_, At>(6)?.0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn passes_page(conn: &Connection, shop: &str, before: Option<i64>, limit: u32) -> Result<Vec<PassRow>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT no, id, started_at, ended_at, complete FROM pass INDEXED BY pass_of_shop
         WHERE shop = ?1 AND no < ?2 ORDER BY no DESC LIMIT ?3",
    )?;
    let rows = find.query_map((shop, before.unwrap_or(i64::MAX), limit), |row| {
        Ok(PassRow {
            no: row.get(0)?,
            id: PassId(row.get::<_, Id>(1)?.0),
            started_at: row.get::<_, At>(2)?.0,
            ended_at: row.get::<_, Option<At>>(3)?.map(|at| at.0),
            complete: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn journal_page(
    conn: &Connection, shop: &str, humans: bool, before: Option<i64>, limit: u32,
) -> Result<Vec<JournalLine>, StoreError> {
    let mut find = if humans {
        conn.prepare_cached(concat!(
            journal_columns!(),
            " FROM journal AS j INDEXED BY journal_operator ",
            journal_names!(),
            " WHERE j.shop = ?1 AND j.seq < ?2 AND j.cause = 'operator' ORDER BY j.seq DESC LIMIT ?3"
        ))?
    } else {
        conn.prepare_cached(concat!(
            journal_columns!(),
            " FROM journal AS j ",
            journal_names!(),
            " WHERE j.shop = ?1 AND j.seq < ?2 ORDER BY j.seq DESC LIMIT ?3"
        ))?
    };
    let rows = find.query_map((shop, before.unwrap_or(i64::MAX), limit), |row| {
        let (id, number): (Option<Number>, Option<String>) = (row.get(10)?, row.get(11)?);
        let order = id.map(order).zip(number.map(OrderNumber));
        Ok(JournalLine { order, about: row.get(12)?, row: dossier::journal_row(row)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn switch(conn: &Connection, shop: &str) -> Result<Switch, StoreError> {
    let mut find = conn.prepare_cached("SELECT stopped, since, actor, note FROM stop_switch WHERE shop = ?1")?;
    let found = find.query_row([shop], |row| {
        let since: Option<At> = row.get(1)?;
        Ok(Switch { stopped: row.get(0)?, since: since.map(|at| at.0), actor: row.get(2)?, note: row.get(3)? })
    });
    found.optional()?.ok_or_else(|| StoreError::Damaged(format!("shop `{shop}` has no kill switch")))
}

/// Few at any time: what is approved, given up or proposed anew leaves.
fn proposals(
    conn: &Connection, shop: &str, order: Option<OrderId>, reader: &str, limit: u32,
) -> Result<Vec<ProposalRow>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT p.intent, p.amount, p.at, p.actor, p.note, p.order_id, o.number
         FROM proposal AS p JOIN shop_order AS o ON o.shop = p.shop AND o.id = p.order_id
         WHERE p.shop = ?1 AND (?2 IS NULL OR p.order_id = ?2) ORDER BY p.at DESC, p.intent LIMIT ?3",
    )?;
    let rows = find.query_map((shop, order.map(|order| Number(order.0)), limit), |row| {
        let actor: String = row.get(3)?;
        let is_readers = is_one_person(&actor, reader);
        let it = Proposal {
            intent: IntentId(row.get::<_, Id>(0)?.0),
            amount: row.get::<_, Cents>(1)?.0,
            at: row.get::<_, At>(2)?.0,
            actor,
            note: row.get(4)?,
        };
        let order = OrderId(row.get::<_, Number>(5)?.0);
        Ok(ProposalRow { order, order_number: OrderNumber(row.get(6)?), it, is_readers })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
