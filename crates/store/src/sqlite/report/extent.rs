//! Where a period lies in the journal.
//!
//! A period ends before the first row that is dated at its end or later, and the next one begins there. So every row
//! belongs to exactly one period whatever clocks did, and once such a row exists no later one moves the boundary.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use super::super::super::StoreError;
use super::super::super::pages::ClosedRow;
use super::super::super::period::{Closed, Extent, Span};
use super::super::columns::At;
use super::super::dossier;
use super::super::journal::{self, Head};

pub(super) const NANOS_PER_DAY: i64 = 86_400_000_000_000;

pub(in super::super) fn extent(conn: &Connection, shop: &str, span: &Span) -> Result<Extent, StoreError> {
    let record = dossier::shop(conn, shop)?;
    let before = last_before(conn, shop, At(span.from))?;
    let end = last_before(conn, shop, At(span.until))?.max(before);
    let head = Head::load(conn, shop)?;
    let reached = reached(conn, shop, span)?;
    let over = reached.is_some() || end < head.seq;
    let (last, as_of) = match span.seen {
        Some(seen) if seen.last > end || seen.last < before => {
            return Err(StoreError::NotFound(format!("journal row {} in this period", seen.last)));
        }
        Some(seen) => (seen.last, seen.as_of),
        None if over => (end, span.until),
        None => (end, latest(conn, shop, span, end)?),
    };
    Ok(Extent {
        shop: shop.to_owned(),
        identity: record.as_ref().map(|record| record.identity.clone()),
        currency: record.map(|record| record.currency),
        from: span.from,
        until: span.until,
        over: as_of >= span.until,
        as_of,
        first: before.saturating_add(1),
        last,
        hash_before: hash(conn, shop, before)?,
        hash_last: hash(conn, shop, last)?,
        closed: closed(conn, shop)?.into_iter().find(|it| it.from == span.from && it.until == span.until),
    })
}

/// The last row before the first one that is dated `at` or later.
fn last_before(conn: &Connection, shop: &str, at: At) -> Result<i64, StoreError> {
    let day = at.nanos().div_euclid(NANOS_PER_DAY);
    let mut find =
        conn.prepare_cached("SELECT day, seq FROM journal_day WHERE shop = ?1 AND day >= ?2 ORDER BY day LIMIT 1")?;
    let found: Option<(i64, i64)> = find.query_row((shop, day), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let first = match found {
        None => None,
        Some((found, seq)) if found > day => Some(seq),
        Some((_, seq)) => {
            let mut scan = conn.prepare_cached(
                "SELECT seq FROM journal WHERE shop = ?1 AND seq >= ?2 AND at >= ?3 ORDER BY seq LIMIT 1",
            )?;
            scan.query_row((shop, seq, at), |row| row.get(0)).optional()?
        }
    };
    match first {
        Some(seq) => Ok(seq.saturating_sub(1)),
        None => Ok(Head::load(conn, shop)?.seq),
    }
}

/// A pass ended behind the period.
fn reached(conn: &Connection, shop: &str, span: &Span) -> Result<Option<i64>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT no FROM pass INDEXED BY pass_ended WHERE shop = ?1 AND ended_at >= ?2 ORDER BY ended_at LIMIT 1",
    )?;
    Ok(find.query_row((shop, At(span.until)), |row| row.get(0)).optional()?)
}

/// The last thing known of a period that is not over: a journal row or the end of a pass.
fn latest(conn: &Connection, shop: &str, span: &Span, last: i64) -> Result<Timestamp, StoreError> {
    let mut row = conn.prepare_cached("SELECT at FROM journal WHERE shop = ?1 AND seq = ?2")?;
    let row: Option<At> = row.query_row((shop, last), |row| row.get(0)).optional()?;
    let mut pass = conn.prepare_cached("SELECT max(ended_at) FROM pass INDEXED BY pass_ended WHERE shop = ?1")?;
    let pass: Option<At> = pass.query_row([shop], |row| row.get(0))?;
    let known = row.into_iter().chain(pass).map(|at| at.0).max();
    Ok(known.map_or(span.from, |at| at.max(span.from)))
}

fn hash(conn: &Connection, shop: &str, seq: i64) -> Result<String, StoreError> {
    if seq == 0 {
        return Ok(journal::hex(&Head::START.hash));
    }
    let mut find = conn.prepare_cached("SELECT hash FROM journal WHERE shop = ?1 AND seq = ?2")?;
    let hash: Option<[u8; 32]> = find.query_row((shop, seq), |row| row.get(0)).optional()?;
    hash.map(|hash| journal::hex(&hash)).ok_or_else(|| StoreError::Damaged(format!("journal row {seq} is missing")))
}

/// Every closed period, oldest first, as the journal says.
pub(super) fn closed(conn: &Connection, shop: &str) -> Result<Vec<Closed>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT seq, before, after, detail, at, actor FROM journal INDEXED BY journal_closed
         WHERE shop = ?1 AND event = 'period_closed' ORDER BY seq",
    )?;
    let mut rows = find.query([shop])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(closing(row)?.it);
    }
    Ok(found)
}

/// The same, latest first and a page at a time.
pub(in super::super) fn closed_page(
    conn: &Connection, shop: &str, before: Option<i64>, limit: u32,
) -> Result<Vec<ClosedRow>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT seq, before, after, detail, at, actor FROM journal INDEXED BY journal_closed
         WHERE shop = ?1 AND event = 'period_closed' AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
    )?;
    let mut rows = find.query((shop, before.unwrap_or(i64::MAX), limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(closing(row)?);
    }
    Ok(found)
}

/// A journal row that closed a period.
fn closing(row: &Row<'_>) -> Result<ClosedRow, StoreError> {
    let seq: i64 = row.get(0)?;
    let damaged = |why: String| StoreError::Damaged(format!("journal row {seq}, a closed period: {why}"));
    let time = |text: String| text.parse().map_err(|why: jiff::Error| damaged(why.to_string()));
    let detail: Value = serde_json::from_str(&row.get::<_, String>(3)?).map_err(|why| damaged(why.to_string()))?;
    let field = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(last), Some(digest)) = (detail.get("last").and_then(Value::as_i64), field("digest")) else {
        return Err(damaged("it names no last row or no digest".into()));
    };
    Ok(ClosedRow {
        it: Closed { from: time(row.get(1)?)?, until: time(row.get(2)?)?, last, digest, seq },
        at: row.get::<_, At>(4)?.0,
        actor: row.get(5)?,
        note: field("note").unwrap_or_default(),
        accepted: detail.get("accepted").and_then(Value::as_object).map_or(0, serde_json::Map::len),
    })
}

/// The end of the latest closed period that ends where the row `first` stands or before, with the row that closed it.
pub(super) fn closed_before(conn: &Connection, shop: &str, first: i64) -> Result<Option<(i64, i64)>, StoreError> {
    let before = closed(conn, shop)?.into_iter().rfind(|it| it.last < first);
    Ok(before.map(|it| (At(it.until).nanos(), it.seq)))
}
