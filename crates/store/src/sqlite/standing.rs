//! How a shop stands in figures, and when its next passes are due.
//!
//! Read by a service for its health; no decision about money rests on it. Every figure comes from an index of what is
//! open, so that its cost does not grow with a shop's history.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use super::super::{OpenBreaks, Standing, StoreError};
use super::columns::{At, Cents, Code, Number};
use super::dossier;
use super::writer::Tx;
use crate::NextDue;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::intent::State;

pub(super) fn next_due(conn: &Connection, shop: &str) -> Result<Option<NextDue>, StoreError> {
    let mut find = conn.prepare_cached("SELECT poll_due, full_due FROM agenda WHERE shop = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        let (At(poll), At(full)) = (row.get(0)?, row.get(1)?);
        Ok(NextDue { poll, full })
    };
    Ok(find.query_row([shop], read).optional()?)
}

pub(super) fn keep_next_due(tx: &mut Tx<'_>, next: NextDue) -> Result<(), StoreError> {
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO agenda (shop, poll_due, full_due) VALUES (?1, ?2, ?3)
         ON CONFLICT (shop) DO UPDATE SET poll_due = excluded.poll_due, full_due = excluded.full_due",
    )?;
    put.execute((tx.shop, At(next.poll), At(next.full)))?;
    Ok(())
}

pub(super) fn standing(conn: &Connection, shop: &str) -> Result<Standing, StoreError> {
    Ok(Standing {
        stopped: dossier::is_stopped(conn, shop)?,
        breaks: breaks(conn, shop)?,
        intents: intents(conn, shop)?,
        oldest_unknown: oldest(
            conn,
            shop,
            "SELECT min(coalesce(last_sent_at, planned_at)) FROM intent INDEXED BY intent_open
             WHERE shop = ?1 AND state = 'unknown'",
        )?,
        last_complete: oldest(
            conn,
            shop,
            "SELECT ended_at FROM pass WHERE shop = ?1 AND complete = 1 ORDER BY no DESC LIMIT 1",
        )?,
    })
}

fn breaks(conn: &Connection, shop: &str) -> Result<BTreeMap<BreakKind, OpenBreaks>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT kind, count(*), coalesce(sum(amount), 0), min(opened_at) FROM break INDEXED BY break_open
         WHERE shop = ?1 AND status IN ('open', 'acknowledged') GROUP BY kind",
    )?;
    let rows = find.query_map([shop], |row| {
        let (Code(kind), Number(count), Cents(amount), At(oldest)) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((kind, OpenBreaks { count, amount, oldest }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn intents(conn: &Connection, shop: &str) -> Result<BTreeMap<&'static str, u64>, StoreError> {
    // The index is used only where its own condition stands in the query, word for word.
    let mut find = conn.prepare_cached(
        "SELECT count(*) FROM intent INDEXED BY intent_open
         WHERE shop = ?1 AND state = ?2 AND (state = 'planned' OR state = 'sending' OR state = 'unknown')",
    )?;
    let open = [State::Planned, State::Sending, State::Unknown];
    let counted = open.into_iter().map(|state| {
        let name = state.name();
        let Number(count) = find.query_row((shop, name), |row| row.get(0))?;
        Ok((name, count))
    });
    counted.collect()
}

fn oldest(conn: &Connection, shop: &str, query: &'static str) -> Result<Option<jiff::Timestamp>, StoreError> {
    let found: Option<Option<At>> = conn.prepare_cached(query)?.query_row([shop], |row| row.get(0)).optional()?;
    Ok(found.flatten().map(|At(at)| at))
}
