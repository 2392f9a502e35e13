//! What must be true of a store that was found after a cut or a failure.
//!
//! Looks at the file with SQL of its own, and at the two services' own records; asks the program for the audit alone.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use reconciled_sandbox::{Side, World};
use reconciled_store::{Audit, Store as _};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use super::disk::Disk;
use super::merchant::{Outside, open, pass, wait};
use super::vfs::{self, Mounted};

type Files = BTreeMap<String, Vec<u8>>;

/// One sentence per breach.
pub type Breach = Result<(), String>;

fn connect(disk: &Mounted) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags_and_vfs(disk.path(), flags, vfs::NAME)
}

/// What the tables hold, as one number.
pub fn digest(files: &Files) -> Result<u64, String> {
    let disk = Mounted::new(Disk::holding(files));
    connect(&disk).and_then(|conn| digested(&conn)).map_err(|why| format!("it cannot be read: {why}"))
}

fn digested(conn: &Connection) -> rusqlite::Result<u64> {
    let mut names = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut hasher = DefaultHasher::new();
    for name in names {
        name.hash(&mut hasher);
        let mut all = conn.prepare(&format!("SELECT * FROM \"{name}\""))?;
        let columns = all.column_count();
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                format!("{:?}", row.get::<_, Value>(column)?).hash(&mut hasher);
            }
        }
    }
    Ok(hasher.finish())
}

/// SQLite finds no fault, the contents are those of one of `allowed`, and every effect outside has its intent.
pub fn stands(files: &Files, allowed: &[u64], world: &World) -> Breach {
    let disk = Mounted::new(Disk::holding(files));
    let failed = |why: rusqlite::Error| format!("it cannot be read: {why}");
    let conn = connect(&disk).map_err(failed)?;
    let found: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(failed)?;
    if found != "ok" {
        return Err(format!("integrity_check says {found}"));
    }
    every_effect_was_intended(&conn, world)?;
    if !allowed.is_empty() && !allowed.contains(&digested(&conn).map_err(failed)?) {
        return Err("an acknowledged commit is lost, or half of one is there".to_owned());
    }
    Ok(())
}

/// The keys of intents that were claimed, and the credit invoices whose paying was.
fn claimed(conn: &Connection) -> rusqlite::Result<(BTreeSet<String>, BTreeSet<String>)> {
    let tables: i64 =
        conn.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'intent'", [], |row| row.get(0))?;
    let (mut keys, mut paid) = (BTreeSet::new(), BTreeSet::new());
    if tables == 0 {
        return Ok((keys, paid));
    }
    let mut all = conn.prepare("SELECT key, kind, credit_id FROM intent WHERE state <> 'planned'")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        keys.insert(match row.get::<_, Value>(0)? {
            Value::Blob(bytes) => uuid::Uuid::from_slice(&bytes).unwrap_or_default().to_string(),
            Value::Text(text) => text,
            other @ (Value::Null | Value::Integer(_) | Value::Real(_)) => format!("{other:?}"),
        });
        if row.get::<_, String>(1)? == "mark_paid" {
            paid.insert(row.get::<_, i64>(2)?.to_string());
        }
    }
    Ok((keys, paid))
}

fn every_effect_was_intended(conn: &Connection, world: &World) -> Breach {
    let (keys, paid) = claimed(conn).map_err(|why| format!("its intents cannot be read: {why}"))?;
    for entry in world.log().filter(|entry| entry.effect && entry.method != "GET") {
        let is_known = match entry.side {
            Side::Klarna => entry.idempotency_key.as_ref().is_some_and(|key| keys.contains(key)),
            Side::Lightspeed | Side::Control => {
                let id = entry.path.rsplit('/').next().and_then(|last| last.strip_suffix(".json")).unwrap_or("");
                paid.contains(id)
            }
        };
        if !is_known {
            return Err(format!("{} {} happened without an intent", entry.method, entry.path));
        }
    }
    Ok(())
}

/// How many passes may be needed after a cut: one that finds what was lost, one that finishes, one that is silent.
const PASSES: usize = 4;

/// The program starts again: the chain is intact, and passes come to rest with everything settled.
pub fn comes_to_rest(files: &Files, world: &World, passed: std::time::Duration) -> Breach {
    let disk = Mounted::new(Disk::holding(files));
    let outside = Outside::new(world.clone(), passed, disk.share());
    let store = open(&disk).map_err(|why| format!("it does not open: {why}: {why:?}"))?;
    is_intact(&store)?;
    for _ in 0..PASSES {
        outside.wait(600);
        let before = outside.with(|world| world.log().filter(|entry| entry.method != "GET").count());
        let report = pass(&store, &outside).map_err(|why| format!("a pass failed: {why}: {why:?}"))?;
        let after = outside.with(|world| world.log().filter(|entry| entry.method != "GET").count());
        if before == after && report.not_checked.is_empty() {
            is_intact(&store)?;
            return outside.with(is_settled);
        }
    }
    Err(format!("{PASSES} passes do not come to rest"))
}

fn is_intact(store: &reconciled_store::sqlite::SqliteStore) -> Breach {
    match wait(store.audit()) {
        Ok(Audit::Intact { .. }) => Ok(()),
        other => Err(format!("the audit says {other:?}")),
    }
}

/// Everything owed has moved, once.
fn is_settled(world: &mut World) -> Breach {
    let mut keys = BTreeSet::new();
    for entry in world.log().filter(|entry| entry.effect && entry.side == Side::Klarna && entry.method != "GET") {
        if !keys.insert(entry.idempotency_key.clone()) {
            return Err(format!("{} happened twice", entry.path));
        }
    }
    for shop in world.all_shop_truth() {
        let klarna = shop.klarna_order_id.and_then(|id| world.klarna_truth(id));
        let klarna = klarna.ok_or_else(|| format!("order {} is not Klarna's", shop.number))?;
        let credits: i64 = shop.invoices.iter().filter(|it| it.is_credit).map(|it| it.total / 100).sum();
        let owed = if shop.status == "cancelled" { klarna.captured_amount } else { credits };
        let is_paid = shop.invoices.iter().filter(|it| it.is_credit).all(|it| it.status == "paid");
        let is_closed = klarna.remaining_authorized_amount == 0;
        if klarna.refunded_amount != owed || !is_paid || !is_closed {
            return Err(format!("order {} is not settled: {klarna:?}", shop.number));
        }
    }
    Ok(())
}
