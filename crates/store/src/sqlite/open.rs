//! Opening the file: whose it is, which schema it has, and the settings durability rests on.
//!
//! Every setting is read back, because SQLite ignores what it cannot do. Opening never scans the file: only when the
//! last writer did not end (its write-ahead log is still there and nobody else is inside) and the file is small
//! enough to be read in seconds, `quick_check` runs once. SQLite recovers the log by itself; the check is for what a
//! power loss may have done to the disk. `store info --check` runs it at any size.

use std::ffi::CStr;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::super::StoreError;
use super::lock::UseLock;

/// Marks the file as ours: `recn`.
const APPLICATION_ID: i32 = 0x7265_636e;

/// The schemas in order; the place of each, counted from one, is its `user_version`.
const SCHEMAS: [&str; 5] = [
    include_str!("../../../../state/sqlite/0001_initial.sql"),
    include_str!("../../../../state/sqlite/0002_desk.sql"),
    include_str!("../../../../state/sqlite/0003_report.sql"),
    include_str!("../../../../state/sqlite/0004_pages.sql"),
    include_str!("../../../../state/sqlite/0005_real_shops.sql"),
];

/// SQLite before 3.51.3 may lose commits when two connections write and checkpoint at once (wal.html, "the WAL-reset
/// bug").
const SQLITE_NEEDED: i32 = 3_051_003;

/// Up to this size a check after an unclean end takes seconds.
const CHECKED_UP_TO: u64 = 1 << 30;

/// Pages in memory: 16 MiB for the writer, whose keys are spread all over, 8 MiB for a reader. A pass over any number of
/// orders needs no more.
const WRITER_KIB: i64 = -16_384;
const READER_KIB: i64 = -8192;

/// A waiting writer asks again every half millisecond, for five seconds. SQLite's own handler soon waits a tenth of a
/// second at a time, and would find a busy pass writing whenever it looks: an operator's `stop` must not starve.
const BUSY_TRIES: i32 = 10_000;
const BUSY_PAUSE: Duration = Duration::from_micros(500);

pub(super) fn known_schema() -> i64 {
    i64::try_from(SCHEMAS.len()).unwrap_or(i64::MAX)
}

/// Opens the store for writing, making it first when there is none, and shares the use lock.
pub(super) fn writer(path: &Path) -> Result<(Connection, UseLock), StoreError> {
    make_directory(path)?;
    refuse_network(path)?;
    let whole = UseLock::whole(path)?;
    let alone = whole.is_some();
    let lock = match whole {
        Some(lock) => lock,
        None => UseLock::shared(path)?,
    };
    let unclean = alone && left_a_log(path);
    make_file(path)?;
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let conn = prepared(conn, path, unclean && size(path) <= CHECKED_UP_TO)?;
    Ok((conn, if alone { lock.share()? } else { lock }))
}

/// The same on a file of `vfs`, which must be registered; what concerns the file system of the machine is left out.
pub(super) fn writer_on(vfs: &CStr, path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags_and_vfs(path, flags, vfs).map_err(|why| cannot(path, &why))?;
    prepared(conn, path, true)
}

/// What is ours, in WAL mode, with every setting, checked if asked for, and with the known schema.
fn prepared(mut conn: Connection, path: &Path, check: bool) -> Result<Connection, StoreError> {
    refuse_foreign(&conn, path)?;
    let mode = write_ahead(&conn).map_err(|why| cannot(path, &why))?;
    if mode != "wal" {
        return Err(cannot(path, &format!("its journal mode is `{mode}`, not WAL")));
    }
    settle(&mut conn, path)?;
    if check {
        quick_check(&conn, path)?;
    }
    create(&mut conn)?;
    require_known(&conn, path)?;
    Ok(conn)
}

/// Switches to the write-ahead log; the mode that the file has then. Reads the statement to its end: the mode is its row,
/// and whether the switch reached the disk is known only after it.
fn write_ahead(conn: &Connection) -> rusqlite::Result<String> {
    let mut switch = conn.prepare("PRAGMA journal_mode = WAL")?;
    let mut rows = switch.query([])?;
    let mut mode = String::new();
    while let Some(row) = rows.next()? {
        mode = row.get(0)?;
    }
    Ok(mode)
}

/// A second connection that cannot write.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    settle_with(&mut conn, path, READER_KIB)?;
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

/// A store that lives in memory and ends with its last handle.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    let path = Path::new(":memory:");
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    settle(&mut conn, path)?;
    create(&mut conn)?;
    Ok(conn)
}

/// Makes the rows that every shop has, once.
pub(super) fn knows(conn: &Connection, shop: &str) -> Result<bool, StoreError> {
    let mut find = conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM journal_head WHERE shop = ?1)")?;
    Ok(find.query_row([shop], |row| row.get(0))?)
}

pub(super) fn add_shop(conn: &mut Connection, shop: &str) -> Result<(), StoreError> {
    if knows(conn, shop)? {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute("INSERT INTO shop (name) VALUES (?1) ON CONFLICT DO NOTHING", [shop])?;
    tx.execute("INSERT INTO stop_switch (shop, stopped) VALUES (?1, 0) ON CONFLICT DO NOTHING", [shop])?;
    tx.execute("INSERT INTO cursor (shop) VALUES (?1) ON CONFLICT DO NOTHING", [shop])?;
    tx.execute(
        "INSERT INTO journal_head (shop, seq, hash) VALUES (?1, 0, zeroblob(32))
         ON CONFLICT DO NOTHING",
        [shop],
    )?;
    tx.commit()?;
    Ok(())
}

/// Makes the directory of the store, for its owner alone, when there is none.
pub(super) fn make_directory(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory(path)).map_err(|why| cannot(path, &why))
}

/// The file with `suffix` after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(super) fn cannot(path: &Path, why: &impl ToString) -> StoreError {
    StoreError::Open { path: path.display().to_string(), why: why.to_string() }
}

/// One line per fault that SQLite finds in the file.
pub(super) fn quick_check(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: String =
        conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|why| cannot(path, &why))?;
    if found == "ok" {
        return Ok(());
    }
    Err(cannot(path, &format!("it is damaged ({found}); restore a backup, never repair it")))
}

/// The schema of our file; refuses one that another program made.
pub(super) fn schema(conn: &Connection) -> rusqlite::Result<(i32, i64)> {
    let id = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok((id, version))
}

/// Runs the schemas that the file does not have yet, in one transaction. `true` when there were any.
pub(super) fn migrate(conn: &mut Connection) -> Result<bool, StoreError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (_, found) = schema(&tx)?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    let todo = SCHEMAS.get(done..).unwrap_or_default();
    for sql in todo {
        tx.execute_batch(sql)?;
    }
    if !todo.is_empty() {
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", known_schema())?;
    }
    tx.commit()?;
    Ok(!todo.is_empty())
}

pub(super) fn refuse_foreign(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let (id, version) = schema(conn).map_err(|why| cannot(path, &why))?;
    let tables: i64 =
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(|why| cannot(path, &why))?;
    let fresh = id == 0 && version == 0 && tables == 0;
    if id != APPLICATION_ID && !fresh {
        return Err(cannot(path, &"another program made this file"));
    }
    if version > known_schema() {
        return Err(StoreError::Newer { found: version, known: known_schema() });
    }
    Ok(())
}

fn create(conn: &mut Connection) -> Result<(), StoreError> {
    let (_, version) = schema(conn)?;
    if version == 0 {
        migrate(conn)?;
    }
    Ok(())
}

fn require_known(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let (_, found) = schema(conn)?;
    let known = known_schema();
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(StoreError::Newer { found, known }),
        std::cmp::Ordering::Less => {
            Err(cannot(path, &format!("it has schema {found}, this program needs {known}: `reconciled store migrate`")))
        }
    }
}

pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < SQLITE_NEEDED {
        let why = format!("SQLite {} may lose commits; 3.51.3 is needed", rusqlite::version());
        return Err(cannot(path, &why));
    }
    let mut conn =
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(|why| cannot(path, &why))?;
    conn.busy_handler(Some(|tries| {
        std::thread::sleep(BUSY_PAUSE);
        tries < BUSY_TRIES
    }))?;
    Ok(conn)
}

/// Sets what a connection that writes needs.
pub(super) fn settle(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    settle_with(conn, path, WRITER_KIB)
}

/// Sets what every connection needs, and reads it back.
fn settle_with(conn: &mut Connection, path: &Path, cache: i64) -> Result<(), StoreError> {
    conn.set_prepared_statement_cache_capacity(128);
    for (setting, wanted) in [
        // NORMAL may lose the last commits at a power loss; an intent must be on disk before its request leaves.
        ("synchronous", if planted!("synchronous_normal") { 1 } else { 2 }),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        // REPLACE would otherwise delete rows behind the triggers that forbid it.
        ("recursive_triggers", 1),
        ("cell_size_check", 1),
        ("cache_size", cache),
        ("temp_store", 2),
        ("wal_autocheckpoint", 4000),
    ] {
        conn.pragma_update(None, setting, wanted)?;
        let found: i64 = conn.pragma_query_value(None, setting, |row| row.get(0))?;
        if found != wanted {
            return Err(cannot(path, &format!("`{setting}` stays {found}, {wanted} is needed")));
        }
    }
    conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Without it a statement that a partial index might serve is planned anew for every set of values.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    Ok(())
}

fn make_file(path: &Path) -> Result<(), StoreError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_file() => return Ok(()),
        Ok(_) => return Err(cannot(path, &"it is not a plain file")),
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        Err(why) => return Err(cannot(path, &why)),
    }
    // The log and its index take their mode from the file, so that all three are the owner's alone.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(cannot(path, &why)),
    }
}

fn left_a_log(path: &Path) -> bool {
    size(&beside(path, "-wal")) > 0
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

/// File systems on which locks or shared memory are not to be trusted: NFS, SMB in three generations, AFS, Ceph, FUSE.
fn refuse_network(path: &Path) -> Result<(), StoreError> {
    const REFUSED: [i128; 7] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x5346_414f, 0x00c3_6400, 0x6573_5546];
    let found = rustix::fs::statfs(directory(path)).map_err(|why| cannot(path, &why))?;
    let kind = i128::from(found.f_type) & 0xffff_ffff;
    if REFUSED.contains(&kind) {
        return Err(cannot(path, &"it is on a network or user-space file system"));
    }
    Ok(())
}
