//! The proof that the journal was not edited and that the stored states are what it says.
//!
//! Two walks in one snapshot, neither of which holds more than one order in memory: the hash chain from the first row
//! to the head, and then every order's machines through their own `apply`. Reads only, and decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row};

use super::super::{Audit, Chain, StoreError};
use super::columns::{At, Number};
use super::decide::FIRST_SEEN;
use super::differences::OPENED;
use super::intents::PLANNED;
use super::journal::{self, Entry, Head, entity};
use super::replay;
use crate::checkpoint::Tree;
use reconciled_core::id::OrderId;

/// Why an audit ends before its end.
pub(super) enum Stop {
    /// The journal, or the state it explains, is broken; `seq` is the row nearest to the fault, 0 without one.
    Fault { seq: i64, why: String },
    /// The store could not be read.
    Store(StoreError),
}

impl<E: Into<StoreError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

pub(super) type Checked<T> = Result<T, Stop>;

pub(super) fn fault<T>(seq: i64, why: impl Into<String>) -> Checked<T> {
    Err(Stop::Fault { seq, why: why.into() })
}

/// A row that cannot be understood is a fault at `seq`, not a failure of the audit.
fn at<T>(seq: i64, result: Checked<T>) -> Checked<T> {
    match result {
        Err(Stop::Store(StoreError::Damaged(why))) => fault(seq, why),
        other => other,
    }
}

/// How many things of each kind the journal saw begin.
#[derive(Default)]
struct Begun {
    orders: u64,
    credits: u64,
    intents: u64,
    breaks: u64,
}

/// Audits one shop inside the caller's transaction.
pub(super) fn audit(conn: &Connection, shop: &str) -> Result<Audit, StoreError> {
    match at(0, walk(conn, shop)) {
        Ok(head) => Ok(Audit::Intact { entries: u64::try_from(head.seq).unwrap_or(0), head: journal::hex(&head.hash) }),
        Err(Stop::Fault { seq, why }) => Ok(Audit::Broken { seq, why }),
        Err(Stop::Store(error)) => Err(error),
    }
}

/// The chain alone, with the trees at `sizes`, inside the caller's transaction.
pub(super) fn trees(conn: &Connection, shop: &str, sizes: &BTreeSet<u64>) -> Result<Chain, StoreError> {
    let mut tree = Tree::default();
    let mut marks = BTreeMap::new();
    let mut keep = |tree: &Tree| {
        if sizes.contains(&tree.size()) {
            marks.insert(tree.size(), tree.root());
        }
    };
    keep(&tree);
    let walked = chain(conn, shop, |hash| {
        tree.push(hash);
        keep(&tree);
    });
    let fault = match at(0, walked) {
        Ok(_) => None,
        Err(Stop::Fault { seq, why }) => Some((seq, why)),
        Err(Stop::Store(error)) => return Err(error),
    };
    Ok(Chain { size: tree.size(), root: tree.root(), at: marks, fault })
}

fn walk(conn: &Connection, shop: &str) -> Checked<Head> {
    let (head, begun) = chain(conn, shop, |_| ())?;
    counts(conn, shop, &begun)?;
    let mut orders = conn.prepare_cached("SELECT id, state FROM shop_order WHERE shop = ?1 ORDER BY id")?;
    let mut rows = orders.query([shop])?;
    while let Some(row) = rows.next()? {
        let id = OrderId(row.get::<_, Number>(0)?.0);
        let state: Option<String> = row.get(1)?;
        at(0, replay::order(conn, shop, id, state.as_deref()))?;
    }
    ceiling(conn, shop)?;
    Ok(head)
}

/// Recomputes the chain, hands on the hash of every row that holds, and says what the journal saw begin.
fn chain(conn: &Connection, shop: &str, mut each: impl FnMut(&[u8; 32])) -> Checked<(Head, Begun)> {
    let mut find = conn.prepare_cached(
        "SELECT seq, at, actor, cause, entity, entity_id, order_id, event, before, after, detail, hash FROM journal
         WHERE shop = ?1 ORDER BY seq",
    )?;
    let mut rows = find.query([shop])?;
    let mut head = Head::START;
    let mut begun = Begun::default();
    let mut switch = "running".to_owned();
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        if Some(seq) != head.seq.checked_add(1) {
            return fault(seq, format!("row {} is missing", head.seq.saturating_add(1)));
        }
        let entry = at(seq, entry(row))?;
        let hash: [u8; 32] = row.get(11)?;
        let computed = journal::hash(&head.hash, shop, seq, At(entry.at).nanos(), &entry);
        if computed != hash {
            return fault(seq, "the row does not hash to what it says");
        }
        head = Head { seq, hash };
        each(&hash);
        count(&mut begun, &entry);
        if entry.entity == entity::SHOP && matches!(entry.event, "stop" | "resume") {
            entry.after.clone_into(&mut switch);
        }
    }
    if head != Head::load(conn, shop)? {
        return fault(head.seq.saturating_add(1), "the journal does not end where its head says");
    }
    let mut read = conn.prepare_cached("SELECT stopped FROM stop_switch WHERE shop = ?1")?;
    let stopped: bool = read.query_row([shop], |row| row.get(0))?;
    if stopped != (switch == "stopped") {
        return fault(head.seq, format!("the journal left the kill switch `{switch}`"));
    }
    Ok((head, begun))
}

fn entry<'a>(row: &'a Row<'_>) -> Checked<Entry<'a>> {
    let text = |index: usize| -> Checked<&'a str> {
        let text = row.get_ref(index)?.as_str();
        text.map_err(|why| StoreError::Damaged(why.to_string()).into())
    };
    Ok(Entry {
        at: row.get::<_, At>(1)?.0,
        actor: text(2)?,
        cause: text(3)?,
        entity: text(4)?,
        entity_id: text(5)?,
        order: row.get::<_, Option<Number>>(6)?.map(|id| OrderId(id.0)),
        event: text(7)?,
        before: text(8)?,
        after: text(9)?,
        detail: text(10)?,
    })
}

fn count(begun: &mut Begun, entry: &Entry<'_>) {
    let counter = match (entry.entity, entry.event) {
        (entity::ORDER, FIRST_SEEN) => &mut begun.orders,
        (entity::CREDIT_INVOICE, FIRST_SEEN) => &mut begun.credits,
        (entity::INTENT, PLANNED) => &mut begun.intents,
        (entity::BREAK, OPENED) => &mut begun.breaks,
        _ => return,
    };
    *counter = counter.saturating_add(1);
}

/// As many rows as the journal saw begin; with each of them replayed, no row was added or taken away.
fn counts(conn: &Connection, shop: &str, begun: &Begun) -> Checked<()> {
    for (what, sql, journalled) in [
        ("orders", "SELECT count(*) FROM shop_order WHERE shop = ?1 AND state IS NOT NULL", begun.orders),
        ("credit invoices", "SELECT count(*) FROM credit_invoice WHERE shop = ?1", begun.credits),
        ("intents", "SELECT count(*) FROM intent WHERE shop = ?1", begun.intents),
        ("breaks", "SELECT count(*) FROM break WHERE shop = ?1", begun.breaks),
    ] {
        let stored: Number = conn.prepare_cached(sql)?.query_row([shop], |row| row.get(0))?;
        if stored.0 != journalled {
            return fault(0, format!("{} {what} are stored, {journalled} journalled", stored.0));
        }
    }
    Ok(())
}

/// The hourly sums of the rolling ceiling are those of the intents.
fn ceiling(conn: &Connection, shop: &str) -> Checked<()> {
    let mut compare = conn.prepare_cached(
        "WITH counted AS (
            SELECT planned_at, first_sent_at, amount FROM intent
            WHERE shop = ?1 AND kind = 'refund' AND state NOT IN ('rejected', 'withdrawn')
                AND (state <> 'abandoned' OR first_sent_at IS NOT NULL)
         ), sums AS (
            SELECT 'planned' AS clock, planned_at / 3600000000000 AS hour, sum(amount) AS amount
            FROM counted GROUP BY 2
            UNION ALL
            SELECT 'sent', first_sent_at / 3600000000000, sum(amount)
            FROM counted WHERE first_sent_at IS NOT NULL GROUP BY 2
         ), kept AS (SELECT clock, hour, amount FROM spent WHERE shop = ?1 AND amount <> 0)
         SELECT (SELECT count(*) FROM (SELECT * FROM sums EXCEPT SELECT * FROM kept))
              + (SELECT count(*) FROM (SELECT * FROM kept EXCEPT SELECT * FROM sums))",
    )?;
    let wrong: i64 = compare.query_row([shop], |row| row.get(0))?;
    if wrong == 0 { Ok(()) } else { fault(0, "the hourly sums are not those of the intents") }
}
