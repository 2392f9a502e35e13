//! Reading a shop's history for a report over a period, line by line.
//!
//! One snapshot, one connection, and never more than one credit invoice or order in memory. Every line tells how things
//! stood behind the last journal row of the period: what is stored may be of a later moment, so a state is taken from
//! the journal, and a row without a journal row of its own says behind which it came. Reads only.

mod breaks;
mod cancels;
mod close;
mod coverage;
mod credits;
mod effects;
mod extent;
mod human;
mod refunds;

use rusqlite::{Connection, OptionalExtension};

use super::super::StoreError;
use super::super::period::{Extent, Lines, Span};
use super::columns::Number;
pub(super) use close::{close, hindrances};
pub(super) use extent::{closed_page, extent};
use human::Humans;
use reconciled_core::id::OrderId;

/// Pages in memory: four times a reader's, because a report walks several tables side by side.
const CACHE_KIB: i64 = -32_768;

/// What every section needs.
struct Reading<'a> {
    conn: &'a Connection,
    shop: &'a str,
    extent: &'a Extent,
    humans: Humans,
    /// The end of the last period that was closed before the first row of this one, and its journal row.
    closed_before: Option<(i64, i64)>,
}

impl Reading<'_> {
    /// The last row before the period.
    const fn before(&self) -> i64 {
        self.extent.first.saturating_sub(1)
    }

    const fn last(&self) -> i64 {
        self.extent.last
    }

    fn is_in(&self, seq: i64) -> bool {
        (self.extent.first..=self.extent.last).contains(&seq)
    }

    /// What is dated in a closed period and was first seen after it was closed.
    fn is_late(&self, dated: i64, seen: i64) -> bool {
        self.closed_before.is_some_and(|(until, closed)| dated < until && seen > closed)
    }

    fn order_number(&self, order: Number) -> Result<String, StoreError> {
        let mut find = self.conn.prepare_cached("SELECT number FROM shop_order WHERE shop = ?1 AND id = ?2")?;
        let found: Option<String> = find.query_row((self.shop, order), |row| row.get(0)).optional()?;
        found.ok_or_else(|| StoreError::NotFound(format!("order {}", OrderId(order.0))))
    }
}

/// Hands every line of the report to `lines`.
pub(super) fn run<L: Lines>(conn: &Connection, shop: &str, span: &Span, lines: &mut L) -> Result<Extent, StoreError> {
    conn.pragma_update(None, "cache_size", CACHE_KIB)?;
    let extent = extent(conn, shop, span)?;
    lines.begin(&extent)?;
    let reading = Reading {
        conn,
        shop,
        extent: &extent,
        humans: Humans::load(conn, shop, extent.last)?,
        closed_before: extent::closed_before(conn, shop, extent.first)?,
    };
    credits::read(&reading, lines)?;
    cancels::read(&reading, lines)?;
    refunds::read(&reading, lines)?;
    refunds::flows(&reading, lines)?;
    breaks::read(&reading, lines)?;
    effects::read(&reading, lines)?;
    coverage::decisions(&reading, lines)?;
    coverage::passes(&reading, lines)?;
    coverage::unchecked(&reading, lines)?;
    coverage::policies(&reading, lines)?;
    Ok(extent)
}
