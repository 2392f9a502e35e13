//! Closing a period: what keeps it open, and the journal row that closes it.
//!
//! Nothing is moved or marked: a closed period is a row that holds the digest of its report, and everything that comes
//! later is dated behind it.

use rusqlite::{Connection, OptionalExtension};
use serde_json::json;

use super::super::super::StoreError;
use super::super::super::period::{Closing, Extent, Hindrances};
use super::super::columns::{At, Code, Number};
use super::super::journal::{self, OPERATOR, entity};
use super::super::writer::Tx;
use super::extent::closed;
use reconciled_core::discrepancy::{BreakKind, Severity};

/// What keeps the period of `extent` from being closed now.
pub(in super::super) fn hindrances(conn: &Connection, shop: &str, extent: &Extent) -> Result<Hindrances, StoreError> {
    let unread: Number =
        conn.query_row("SELECT count(*) FROM listed WHERE shop = ?1 AND unread = 1", [shop], |row| row.get(0))?;
    let last_pass: Option<(At, Option<bool>)> = conn
        .query_row("SELECT started_at, complete FROM pass WHERE shop = ?1 ORDER BY no DESC LIMIT 1", [shop], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let begins: Option<At> = conn
        .query_row("SELECT at FROM journal WHERE shop = ?1 ORDER BY seq LIMIT 1", [shop], |row| row.get(0))
        .optional()?;
    Ok(Hindrances {
        unread: unread.0,
        is_covered: last_pass.is_some_and(|(began, complete)| began.0 >= extent.until && complete == Some(true)),
        unknown: unknown(conn, shop, extent.last)?,
        breaks: breaks(conn, shop, extent.last)?,
        last_closed: closed(conn, shop)?.pop(),
        begins: begins.map(|at| at.0),
    })
}

/// Intents that were planned up to `last` and whose request may or may not have arrived.
fn unknown(conn: &Connection, shop: &str, last: i64) -> Result<Vec<String>, StoreError> {
    let mut find = conn.prepare(
        "SELECT id FROM intent INDEXED BY intent_open
         WHERE shop = ?1 AND (state = 'planned' OR state = 'sending' OR state = 'unknown') AND state <> 'planned'
            AND planned_seq <= ?2 ORDER BY planned_seq",
    )?;
    let ids = find.query_map((shop, last), |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Breaks about money that were opened up to `last` and are open.
fn breaks(conn: &Connection, shop: &str, last: i64) -> Result<Vec<(i64, BreakKind)>, StoreError> {
    let mut find = conn.prepare(
        "SELECT id, kind FROM break AS b INDEXED BY break_open
         WHERE shop = ?1 AND status IN ('open', 'acknowledged')
            AND (SELECT min(seq) FROM journal AS j INDEXED BY journal_break
                WHERE j.shop = b.shop AND j.entity = 'break' AND j.entity_id = CAST(b.id AS TEXT)) <= ?2
         ORDER BY id",
    )?;
    let mut rows = find.query((shop, last))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let Code(kind): Code<BreakKind> = row.get(1)?;
        if kind.severity() == Severity::Money {
            found.push((row.get(0)?, kind));
        }
    }
    Ok(found)
}

/// Journals that the period is closed, unless it overlaps one that is.
pub(in super::super) fn close(tx: &mut Tx<'_>, closing: &Closing) -> Result<(), StoreError> {
    if let Some(last) = closed(tx.conn, tx.shop)?.pop()
        && closing.from < last.until
    {
        let why = format!("the period until {} is closed, and what is closed stays so", last.until);
        return Err(StoreError::refused(why));
    }
    let accepted: serde_json::Map<String, serde_json::Value> =
        closing.accepted.iter().map(|(id, note)| (id.to_string(), json!(note))).collect();
    let detail = json!({"digest": closing.digest, "last": closing.last, "accepted": accepted, "note": closing.note});
    let shop = tx.shop;
    tx.journal(&journal::Entry {
        at: closing.at,
        actor: &closing.actor,
        cause: OPERATOR,
        entity: entity::SHOP,
        entity_id: shop,
        order: None,
        event: "period_closed",
        before: &closing.from.to_string(),
        after: &closing.until.to_string(),
        detail: &detail.to_string(),
    })
}
