//! The store on SQLite: one file, one writer thread, and a reader beside it.
//!
//! A [`SqliteStore`] is bound to one shop of the file. Writing goes through `writer` (group commit), reading through a
//! connection that cannot write, so that a report never waits for a pass nor a pass for a report. Nothing that a
//! decision needs is remembered here between two transactions: other processes write to the same file.

mod accepting;
mod act;
pub mod admin;
mod approving;
mod audit;
mod breaks;
mod candidates;
mod columns;
mod decide;
mod differences;
mod dossier;
mod fork;
mod intents;
mod journal;
mod listing;
mod lock;
mod movements;
mod names;
mod never_sent;
mod open;
mod operate;
mod owed;
mod pages;
mod reader;
mod replay;
mod report;
mod sharing;
mod standing;
mod steps;
mod told;
mod verbs;
mod writer;

use std::ffi::CStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::mpsc;

pub use self::lock::PassLock;
use self::lock::UseLock;
use self::reader::Reading;
use self::writer::{Job, Tx, Undo, Writer};
use super::StoreError;
use super::period::{Closing, Extent, Hindrances, Lines, Span};
use reconciled_core::id::ShopName;

/// Jobs that may wait for the writer; a caller beyond that waits for a place.
const WAITING: usize = 1024;

/// One shop's durable state in an SQLite file. Clones share the file; the last one to go closes it.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    shop: ShopName,
    backend: Backend,
}

enum Backend {
    Threads(Threads),
    /// Everything on the caller's thread, for simulations.
    Inline(Mutex<Writer>),
}

/// A thread and the channel it ends with.
struct Served<T> {
    channel: Option<mpsc::Sender<T>>,
    running: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Served<T> {
    fn spawn(name: &str, serve: impl FnOnce(mpsc::Receiver<T>) + Send + 'static) -> Result<Self, StoreError> {
        let (channel, waiting) = mpsc::channel(WAITING);
        let running = spawn(name, move || serve(waiting))?;
        Ok(Self { channel: Some(channel), running: Some(running) })
    }

    async fn send(&self, work: T) -> Result<(), StoreError> {
        let channel = self.channel.as_ref().ok_or(StoreError::Gone)?;
        channel.send(work).await.map_err(|_| StoreError::Gone)
    }

    /// Waits for what was handed over, and until the thread has closed its connection.
    fn end(&mut self) {
        self.channel = None;
        if let Some(thread) = self.running.take() {
            // A thread that panicked has closed its connection all the same.
            let _ = thread.join();
        }
    }
}

struct Threads {
    path: PathBuf,
    reader: Served<Reading>,
    writer: Served<Box<dyn Job>>,
    /// Let go after the threads.
    _in_use: UseLock,
}

impl Drop for Threads {
    /// Reader first, so that the writer is the last to close the file and folds the log back into it.
    fn drop(&mut self) {
        self.reader.end();
        self.writer.end();
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("shop", &self.inner.shop).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the store at `path` for `shop`, making it first when there is none.
    ///
    /// # Errors
    /// [`StoreError::Open`] for a file that is not ours, damaged, a link, on a network file system, or of an older
    /// schema; [`StoreError::Newer`] for one that a newer program wrote.
    pub fn open(path: &Path, shop: ShopName) -> Result<Self, StoreError> {
        let (mut conn, in_use) = open::writer(path)?;
        let shop = names::kept_under(&conn, shop)?;
        open::add_shop(&mut conn, shop.as_str())?;
        let read = open::reader(path)?;
        let writer = Writer::new(conn, shop.0.clone());
        let reader = Served::spawn("store-read", move |asked| reader::serve(&read, asked))?;
        let writer = Served::spawn("store-write", move |jobs| writer.serve(jobs))?;
        let threads = Threads { path: path.to_owned(), reader, writer, _in_use: in_use };
        Ok(Self { inner: Arc::new(Inner { shop, backend: Backend::Threads(threads) }) })
    }

    /// A store in memory whose verbs all run on the caller's thread, in the order they are first polled: for
    /// simulations, where a thread would break the order of events. It ends with its last handle.
    ///
    /// # Errors
    /// When SQLite is too old or has no memory.
    pub fn in_memory(shop: ShopName) -> Result<Self, StoreError> {
        Self::inline(open::in_memory()?, shop)
    }

    /// The same on a file of the SQLite VFS `vfs`, which the caller registered: for simulations of the disk. Locks
    /// beside the file are not taken, since the machine's file system does not know it.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn on_vfs(vfs: &CStr, path: &Path, shop: ShopName) -> Result<Self, StoreError> {
        Self::inline(open::writer_on(vfs, path)?, shop)
    }

    fn inline(mut conn: Connection, shop: ShopName) -> Result<Self, StoreError> {
        let shop = names::kept_under(&conn, shop)?;
        open::add_shop(&mut conn, shop.as_str())?;
        let writer = Mutex::new(Writer::new(conn, shop.0.clone()));
        Ok(Self { inner: Arc::new(Inner { shop, backend: Backend::Inline(writer) }) })
    }

    /// The books that are kept under the name `known` go on under this handle's name, from the next time it is opened.
    /// To be called only once the shop itself said that it is the same one, and while nothing else is called `known`.
    /// After a crash: taken over or not, never half.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when this name has books of its own.
    pub async fn take_over(&self, known: String, at: jiff::Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| names::take_over(tx, &known, at)).await
    }

    /// The name that this handle's rows are kept under.
    pub fn shop_name(&self) -> &ShopName {
        &self.inner.shop
    }

    /// Hands `work` to the writer and waits for its commit. Once handed over it runs to its end, whether or not the
    /// caller still waits.
    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.hand_over(Undo::Whole, work).await
    }

    async fn hand_over<T, F>(&self, undo: Undo, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (job, answer) = writer::job(undo, work);
        match &self.inner.backend {
            Backend::Threads(threads) => threads.writer.send(job).await?,
            Backend::Inline(writer) => {
                let mut writer = writer.lock().map_err(|_| StoreError::Gone)?;
                writer.commit(&mut vec![job]);
            }
        }
        answer.await.map_err(|_| StoreError::Gone)?
    }

    /// Runs `work` in a read transaction of its own, which sees every write answered before.
    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &str) -> Result<T, StoreError> + Send + 'static,
    {
        let shop = self.inner.shop.0.clone();
        let (reading, answer) = reader::reading(move |conn| work(conn, &shop));
        match &self.inner.backend {
            Backend::Threads(threads) => threads.reader.send(reading).await?,
            Backend::Inline(writer) => {
                let writer = writer.lock().map_err(|_| StoreError::Gone)?;
                reading(writer.connection());
            }
        }
        answer.await.map_err(|_| StoreError::Gone)?
    }

    /// Runs `work` on a connection and thread of its own, so that a long reading holds nobody up.
    async fn read_apart<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &str) -> Result<T, StoreError> + Send + 'static,
    {
        let Backend::Threads(threads) = &self.inner.backend else {
            return self.read(work).await;
        };
        let conn = open::reader(&threads.path)?;
        let inner = Arc::clone(&self.inner);
        let (reading, answer) = reader::reading(move |conn| work(conn, inner.shop.as_str()));
        spawn("store-audit", move || reading(&conn))?;
        answer.await.map_err(|_| StoreError::Gone)?
    }
}

/// Reports. No pass needs them, so they are no verbs of the trait.
impl SqliteStore {
    /// Hands every line of the report over `span` to `lines`, in one snapshot, on a thread and a connection of its own;
    /// gives `lines` back with where the period lies in the journal.
    ///
    /// # Errors
    /// The store failed, or `lines` could not take a line.
    pub async fn report<L: Lines>(&self, span: Span, mut lines: L) -> Result<(L, Extent), StoreError> {
        self.read_apart(move |conn, shop| {
            let extent = report::run(conn, shop, &span, &mut lines)?;
            Ok((lines, extent))
        })
        .await
    }

    /// Where `span` lies in the journal, and whether it is closed.
    pub async fn extent(&self, span: Span) -> Result<Extent, StoreError> {
        self.read(move |conn, shop| report::extent(conn, shop, &span)).await
    }

    /// What keeps the period of `extent` from being closed now.
    pub async fn hindrances(&self, extent: Extent) -> Result<Hindrances, StoreError> {
        self.read(move |conn, shop| report::hindrances(conn, shop, &extent)).await
    }

    /// Journals that a period is closed. After a crash: closed or not, never half.
    pub async fn close_period(&self, closing: Closing) -> Result<(), StoreError> {
        self.write(move |tx| report::close(tx, &closing)).await
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let named = std::thread::Builder::new().name(name.to_owned());
    named.spawn(work).map_err(|why| StoreError::Io(why.to_string()))
}
