//! What an operator does to the store as a file: `store info`, `backup`, `restore` and `migrate`.
//!
//! Never `cp`: a copy is taken through SQLite's backup interface, in one step and so from one moment, while passes go
//! on. Nothing here deletes a store; what a restore replaces is kept beside it.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::super::{Audit, Operation, StoreError};
use super::columns::{At, Cents, Code, Id, Number};
use super::journal::{self, Head};
use super::lock::{PassLock, UseLock};
use super::operate::operate;
use super::writer::{Undo, Writer, job};
use super::{audit, dossier, open, reader};
use reconciled_core::id::ShopName;
use reconciled_core::intent::{Kind, State};
use reconciled_core::money::{Currency, Minor};

/// What `store info` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    pub path: PathBuf,
    /// Size of the file without its write-ahead log.
    pub bytes: u64,
    pub schema: i64,
    pub sqlite: &'static str,
    pub shops: Vec<ShopInfo>,
}

/// One shop of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopInfo {
    pub shop: ShopName,
    /// Rows of its journal.
    pub entries: u64,
    /// Hash of its last row, in hexadecimal.
    pub head: String,
    /// How many intents are in which state; states without any are left out.
    pub intents: Vec<(State, u64)>,
    pub stopped: bool,
}

/// Describes the store at `path`; with `check`, reads the whole file for damage first.
///
/// # Errors
/// When there is no store, it is not ours, it is newer than this program, or the check finds damage.
pub fn info(path: &Path, check: bool) -> Result<Info, StoreError> {
    let conn = look(path)?;
    if check {
        open::quick_check(&conn, path)?;
    }
    let (_, schema) = open::schema(&conn)?;
    let bytes = fs::metadata(path).map_err(|why| open::cannot(path, &why))?.len();
    let shops = shops(&conn)?.into_iter().map(|shop| shop_info(&conn, shop)).collect::<Result<_, _>>()?;
    Ok(Info { path: path.to_owned(), bytes, schema, sqlite: rusqlite::version(), shops })
}

/// The shops of the store at `path`.
///
/// # Errors
/// When there is no store, it is not ours, or it is newer than this program.
pub fn names(path: &Path) -> Result<Vec<ShopName>, StoreError> {
    shops(&look(path)?)
}

/// The shops of the store at `path` for which a human stopped all writes.
///
/// # Errors
/// When there is no store, it is not ours, or it is newer than this program.
pub fn stopped(path: &Path) -> Result<BTreeSet<ShopName>, StoreError> {
    let conn = look(path)?;
    let mut find = conn.prepare("SELECT shop FROM stop_switch WHERE stopped = 1")?;
    let rows = find.query_map([], |row| Ok(ShopName(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn shop_info(conn: &Connection, shop: ShopName) -> Result<ShopInfo, StoreError> {
    let head = Head::load(conn, shop.as_str())?;
    let mut count = conn.prepare("SELECT state, count(*) FROM intent WHERE shop = ?1 GROUP BY state ORDER BY state")?;
    let intents = count
        .query_map([shop.as_str()], |row| Ok((row.get::<_, Code<State>>(0)?.0, row.get::<_, Number>(1)?.0)))?
        .collect::<Result<_, _>>()?;
    Ok(ShopInfo {
        entries: u64::try_from(head.seq).unwrap_or(0),
        head: journal::hex(&head.hash),
        intents,
        stopped: dossier::is_stopped(conn, shop.as_str())?,
        shop,
    })
}

/// Copies the store at `path` to `to`, from one moment, while it is in use. The copy appears whole or not at all, and
/// only its owner may read it.
///
/// # Errors
/// When `to` exists already, or the copy cannot be written and synced.
pub fn backup(path: &Path, to: &Path) -> Result<(), StoreError> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(StoreError::refused(format!("`{}` exists already", to.display())));
    }
    let copy = copy(path, to)?;
    fs::rename(&copy, to).map_err(|why| io(to, &why))?;
    sync_directory(to)
}

/// What a restore left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where what was there before is kept.
    pub kept: Option<PathBuf>,
    pub shops: Vec<Forgetful>,
}

/// A shop of which the restored store knows nothing that came later than its backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgetful {
    pub shop: ShopName,
    pub currency: Option<Currency>,
    /// The last thing that it knows.
    pub until: Option<Timestamp>,
    /// Effects that were asked for since, as the replaced store has them; `None` where there was none, or it cannot be read.
    pub forgotten: Option<Vec<Forgotten>>,
}

/// An effect that may have happened, and of which the restored store does not know that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    pub kind: Kind,
    pub reference: String,
    pub amount: Minor,
}

/// Replaces the store at `path` by the copy `from`, after the copy passed every check. What was there before is kept
/// beside it. Every shop of it comes up stopped, with a row in its journal by `actor` that says so: what was sent after the
/// copy was made it does not know.
///
/// # Errors
/// [`StoreError::Locked`] while a pass runs, [`StoreError::Refused`] while anything else has the store open or when the
/// copy does not pass its audit.
pub fn restore(from: &Path, path: &Path, actor: &str, at: Timestamp) -> Result<Restored, StoreError> {
    open::make_directory(path)?;
    let source = look(from)?;
    let mut names = shops(&source)?;
    drop(source);
    if path.exists()
        && let Ok(conn) = look(path)
    {
        names.extend(shops(&conn).unwrap_or_default());
    }
    names.sort();
    names.dedup();
    let passes: Vec<PassLock> = names.iter().map(|shop| PassLock::acquire(path, shop)).collect::<Result<_, _>>()?;
    let alone = whole(path)?;
    let fresh = copy(from, path)?;
    let replaced = verify(&fresh).and_then(|()| {
        let shops = stopped_in(&fresh, path, actor, at)?;
        Ok(Restored { kept: swap(&fresh, path)?, shops })
    });
    if replaced.is_err() {
        // The copy is of no use; the store was not touched.
        let _ = fs::remove_file(&fresh);
    }
    drop((passes, alone));
    replaced
}

/// Stops every shop of the copy, and finds out what it does not know that the store at `path` does.
fn stopped_in(fresh: &Path, path: &Path, actor: &str, at: Timestamp) -> Result<Vec<Forgetful>, StoreError> {
    let mut conn = open::connect(fresh, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    open::settle(&mut conn, fresh)?;
    let old = if path.exists() { look(path).ok() } else { None };
    let mut all = Vec::new();
    for shop in shops(&conn)? {
        let until = conn.query_row("SELECT max(at) FROM journal WHERE shop = ?1", [shop.as_str()], |row| {
            Ok(row.get::<_, Option<At>>(0)?.map(|at| at.0))
        })?;
        let forgotten = old.as_ref().and_then(|old| forgotten(old, &conn, shop.as_str()).ok());
        let currency = dossier::shop(&conn, shop.as_str())?.map(|record| record.currency);
        let actor = actor.to_owned();
        let (stop, mut answer) = job(Undo::Whole, move |tx| operate(tx, &Operation::Stop, &actor, RESTORED, at));
        let mut writer = Writer::new(conn, shop.0.clone());
        writer.commit(&mut vec![stop]);
        answer.try_recv().map_err(|_| StoreError::Gone)??;
        conn = writer.into_connection();
        all.push(Forgetful { shop, currency, until, forgotten });
    }
    Ok(all)
}

const RESTORED: &str = "restored from a backup: what was sent since is not known here";

/// What left according to `old`, and did not according to `new`.
fn forgotten(old: &Connection, new: &Connection, shop: &str) -> Result<Vec<Forgotten>, StoreError> {
    let mut known = new.prepare("SELECT 1 FROM intent WHERE shop = ?1 AND id = ?2 AND first_sent_at IS NOT NULL")?;
    let mut sent = old.prepare(
        "SELECT id, kind, reference, amount FROM intent WHERE shop = ?1 AND first_sent_at IS NOT NULL
         ORDER BY first_sent_at, id",
    )?;
    let mut rows = sent.query([shop])?;
    let mut forgotten = Vec::new();
    while let Some(row) = rows.next()? {
        if !known.exists((shop, row.get::<_, Id>(0)?))? {
            let (kind, amount) = (row.get::<_, Code<Kind>>(1)?.0, row.get::<_, Cents>(3)?.0);
            forgotten.push(Forgotten { kind, reference: row.get(2)?, amount });
        }
    }
    Ok(forgotten)
}

/// Brings a store of an older schema to this program's, after taking a copy beside it. Returns the schema found and
/// the copy, or `None` when there was nothing to do.
///
/// # Errors
/// [`StoreError::Refused`] while anything has the store open.
pub fn migrate(path: &Path) -> Result<Option<(i64, PathBuf)>, StoreError> {
    let (_, found) = open::schema(&look(path)?)?;
    if found == open::known_schema() {
        return Ok(None);
    }
    let alone = whole(path)?;
    let kept = open::beside(path, &format!(".schema-{found}"));
    backup(path, &kept)?;
    let mut conn = open::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    open::settle(&mut conn, path)?;
    open::migrate(&mut conn)?;
    drop((conn, alone));
    Ok(Some((found, kept)))
}

fn whole(path: &Path) -> Result<UseLock, StoreError> {
    UseLock::whole(path)?
        .ok_or_else(|| StoreError::refused("the store is in use: stop the daemon and every other command"))
}

/// A connection that only looks, to a file that is ours.
fn look(path: &Path) -> Result<Connection, StoreError> {
    let conn = open::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    open::refuse_foreign(&conn, path)?;
    Ok(conn)
}

fn shops(conn: &Connection) -> Result<Vec<ShopName>, StoreError> {
    let mut find = conn.prepare("SELECT name FROM shop ORDER BY name")?;
    let names = find.query_map([], |row| row.get(0).map(ShopName))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// A synced copy of `from` under a passing name beside `to`.
fn copy(from: &Path, to: &Path) -> Result<PathBuf, StoreError> {
    let source = look(from)?;
    let passing = open::beside(to, ".part");
    let _ = fs::remove_file(&passing);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&passing);
    let file = file.map_err(|why| io(&passing, &why))?;
    let mut target = open::connect(&passing, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    {
        let backup = Backup::new(&source, &mut target)?;
        // All pages in one step: one moment, and no starting over when somebody writes meanwhile.
        if backup.step(-1)? != StepResult::Done {
            return Err(StoreError::Io("the store could not be copied in one step".into()));
        }
    }
    // One file without a log of its own, and whole on disk before it has its name.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get::<_, String>(0))?;
    open::quick_check(&target, &passing)?;
    drop(target);
    file.sync_all().map_err(|why| io(&passing, &why))?;
    Ok(passing)
}

/// A copy that may become the store: this schema, and a journal that proves it.
fn verify(fresh: &Path) -> Result<(), StoreError> {
    let mut conn = open::connect(fresh, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    open::settle(&mut conn, fresh)?;
    open::migrate(&mut conn)?;
    for shop in shops(&conn)? {
        if let Audit::Broken { seq, why } = reader::snapshot(&conn, |conn| audit::audit(conn, shop.as_str()))? {
            let why = format!("the copy is broken at row {seq} of shop {shop}: {why}");
            return Err(StoreError::refused(why));
        }
    }
    Ok(())
}

/// Puts `fresh` in the place of `path` in one step. The log of the old file is folded in or moved away first: beside
/// the new file it would be taken for its own.
fn swap(fresh: &Path, path: &Path) -> Result<Option<PathBuf>, StoreError> {
    let mut kept = None;
    if path.exists() {
        if let Ok(old) = open::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE) {
            // A damaged store cannot be folded; then its log is kept with it.
            let _ = old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        let name = free_name(path);
        for suffix in ["-wal", "-shm"] {
            let log = open::beside(path, suffix);
            if log.exists() {
                fs::rename(&log, open::beside(&name, suffix)).map_err(|why| io(&log, &why))?;
            }
        }
        fs::hard_link(path, &name).map_err(|why| io(&name, &why))?;
        kept = Some(name);
    }
    fs::rename(fresh, path).map_err(|why| io(path, &why))?;
    sync_directory(path)?;
    Ok(kept)
}

fn free_name(path: &Path) -> PathBuf {
    let numbered = (1_u32..).map(|number| open::beside(path, &format!(".replaced-{number}")));
    numbered.into_iter().find(|name| !name.exists()).unwrap_or_else(|| open::beside(path, ".replaced"))
}

fn sync_directory(path: &Path) -> Result<(), StoreError> {
    let directory = open::directory(path);
    File::open(directory).and_then(|file| file.sync_all()).map_err(|why| io(directory, &why))
}

fn io(path: &Path, why: &std::io::Error) -> StoreError {
    StoreError::Io(format!("{}: {why}", path.display()))
}
