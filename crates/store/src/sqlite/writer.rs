//! The writer: one connection, one thread, and group commit.
//!
//! The thread takes every job that waits, runs each inside its own savepoint of one transaction, commits once, which
//! is one fsync, and only then answers. A job that fails undoes itself alone; a commit that fails answers every job of
//! its group with the error. After a failure of the disk the writer is dead: what fsync left behind is unknown, so
//! nothing is tried again. A job that was handed over runs to its end, whoever still waits for it.

use rusqlite::{Connection, ErrorCode, ffi};
use tokio::sync::{mpsc, oneshot};

use super::super::StoreError;
use super::journal::{Entry, Head};

/// How many jobs share one commit. Larger groups gain nothing: at this size the fsync is a small part of the time.
const GROUP: usize = 512;

/// The transaction as a job sees it.
pub(super) struct Tx<'a> {
    pub(super) conn: &'a Connection,
    pub(super) shop: &'a str,
    head: Head,
}

impl Tx<'_> {
    pub(super) fn journal(&mut self, entry: &Entry<'_>) -> Result<(), StoreError> {
        self.head = self.head.append(self.conn, self.shop, entry)?;
        Ok(())
    }

    /// The journal's last row as this transaction sees it.
    pub(super) const fn last_row(&self) -> i64 {
        self.head.seq
    }

    /// Runs `work` wholly or not at all.
    pub(super) fn undoable<T>(
        &mut self, work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let head = self.head;
        self.conn.prepare_cached("SAVEPOINT part")?.execute([])?;
        let result = work(self);
        if result.is_err() {
            if !planted!("journal_outside_the_transaction") {
                self.head = head;
            }
            if !self.conn.is_autocommit() {
                self.conn.prepare_cached("ROLLBACK TO part")?.execute([])?;
            }
        }
        if !self.conn.is_autocommit() {
            self.conn.prepare_cached("RELEASE part")?.execute([])?;
        }
        result
    }
}

impl Tx<'_> {
    /// Passes on the result of one part of a job, or ends the job when the whole transaction is lost with it.
    pub(super) fn survived<T>(&self, result: Result<T, StoreError>) -> Result<Result<T, StoreError>, StoreError> {
        match result {
            Err(error) if self.is_lost(&error) => Err(error),
            result => Ok(result),
        }
    }

    fn is_lost(&self, error: &StoreError) -> bool {
        self.conn.is_autocommit() || Failure::new(error).is_fatal_in_sql()
    }
}

/// How a job is undone when it fails.
#[derive(Clone, Copy)]
pub(super) enum Undo {
    Whole,
    /// The job makes each of its parts undoable itself and writes nothing outside of them. A savepoint around a long
    /// job would keep every page it touches, and SQLite walks all of them at the end of every statement.
    InParts,
}

/// A piece of writing that waits for its commit.
pub(super) trait Job: Send {
    /// `Err` when the whole transaction is lost.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Failure>;
    /// Tells whoever waits what came of the job; `failed` when its group was not committed.
    fn answer(self: Box<Self>, failed: Option<&Failure>);
}

/// Why a whole group failed; each of its jobs gets a copy.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    code: Option<ffi::Error>,
    text: String,
}

impl Failure {
    fn new(error: &StoreError) -> Self {
        let StoreError::Sql(rusqlite::Error::SqliteFailure(code, message)) = error else {
            return Self { code: None, text: error.to_string() };
        };
        let text = message.clone().unwrap_or_else(|| code.to_string());
        Self { code: Some(*code), text }
    }

    pub(super) fn error(&self) -> StoreError {
        match self.code {
            Some(code) => StoreError::Sql(rusqlite::Error::SqliteFailure(code, Some(self.text.clone()))),
            None => StoreError::Io(self.text.clone()),
        }
    }

    /// The state of the file is unknown from here on. A group that failed without a code of SQLite's lost its head.
    fn is_fatal(&self) -> bool {
        self.code.is_none() || self.is_fatal_in_sql()
    }

    fn is_fatal_in_sql(&self) -> bool {
        self.code.is_some_and(|code| {
            matches!(
                code.code,
                ErrorCode::SystemIoFailure
                    | ErrorCode::DiskFull
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::CannotOpen
                    | ErrorCode::ReadOnly
                    | ErrorCode::OutOfMemory
                    | ErrorCode::FileLockingProtocolFailed
            )
        })
    }
}

struct Work<T, F> {
    todo: Option<F>,
    undo: Undo,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let Some(work) = self.todo.take() else { return Ok(()) };
        let result = match self.undo {
            Undo::Whole => tx.undoable(work),
            Undo::InParts => work(tx),
        };
        let lost = result.as_ref().err().filter(|error| tx.is_lost(error)).map(Failure::new);
        self.result = Some(result);
        lost.map_or(Ok(()), Err)
    }

    fn answer(self: Box<Self>, failed: Option<&Failure>) {
        let result = match failed {
            None => self.result.unwrap_or(Err(StoreError::Gone)),
            Some(failure) => Err(failure.error()),
        };
        // Whoever asked may have gone; the work is done all the same.
        let _ = self.reply.send(result);
    }
}

/// A job and the place where its answer will be.
pub(super) fn job<T, F>(undo: Undo, work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Work { todo: Some(work), undo, result: None, reply }), answer)
}

/// The write connection of one shop.
pub(super) struct Writer {
    conn: Connection,
    shop: String,
    dead: Option<Failure>,
}

impl Writer {
    pub(super) fn new(conn: Connection, shop: String) -> Self {
        Self { conn, shop, dead: None }
    }

    pub(super) fn into_connection(self) -> Connection {
        self.conn
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.conn
    }

    /// The writer's thread: ends when the last handle is gone, and closes the file behind it.
    pub(super) fn serve(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::with_capacity(GROUP);
        while let Some(first) = jobs.blocking_recv() {
            group.push(first);
            while group.len() < GROUP {
                match jobs.try_recv() {
                    Ok(next) => group.push(next),
                    Err(_) => break,
                }
            }
            self.commit(&mut group);
        }
    }

    /// Runs the jobs, commits once and answers all; `group` is empty afterwards.
    pub(super) fn commit(&mut self, group: &mut Vec<Box<dyn Job>>) {
        let result = match &self.dead {
            Some(failure) => Err(failure.clone()),
            None => self.transact(group),
        };
        if let Err(failure) = &result
            && failure.is_fatal()
        {
            self.dead = Some(failure.clone());
        }
        for job in group.drain(..) {
            job.answer(result.as_ref().err());
        }
    }

    fn transact(&self, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let begun = self.conn.prepare_cached("BEGIN IMMEDIATE").and_then(|mut go| go.execute([]));
        begun.map_err(|error| Failure::new(&error.into()))?;
        let done = self.run(group);
        if done.is_err() && !self.conn.is_autocommit() {
            // Whatever this answers, the transaction was never committed.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        done
    }

    fn run(&self, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let failed = |error: StoreError| Failure::new(&error);
        let start = Head::load(&self.conn, &self.shop).map_err(failed)?;
        let mut tx = Tx { conn: &self.conn, shop: &self.shop, head: start };
        for job in group {
            job.run(&mut tx)?;
        }
        if tx.head != start {
            tx.head.save(&self.conn, &self.shop).map_err(failed)?;
        }
        let committed = self.conn.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        committed.map(|_| ()).map_err(|error| failed(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::open;

    fn writer() -> Writer {
        let mut conn = open::in_memory().unwrap();
        open::add_shop(&mut conn, "main").unwrap();
        Writer::new(conn, "main".into())
    }

    fn budget(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO budget (shop, name, value) VALUES (?1, ?2, ?3)";
        tx.conn.execute(sql, (tx.shop, name, value))?;
        Ok(())
    }

    fn kept(writer: &Writer) -> i64 {
        writer.connection().query_row("SELECT count(*) FROM budget", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_full_disk_answers_the_whole_group_and_ends_the_writer() {
        let mut writer = writer();
        let pages: i64 = writer.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        writer.conn.pragma_update_and_check(None, "max_page_count", pages.saturating_add(4), |_| Ok(())).unwrap();
        let (small, mut small_answer) = job(Undo::Whole, |tx| budget(tx, "small", "1"));
        let (large, mut large_answer) = job(Undo::Whole, |tx| budget(tx, "large", &"x".repeat(100_000)));
        let (late, mut late_answer) = job(Undo::Whole, |tx| budget(tx, "late", "1"));
        writer.commit(&mut vec![small, large, late]);
        for answer in [&mut small_answer, &mut large_answer, &mut late_answer] {
            let result = answer.try_recv().unwrap();
            assert!(matches!(result, Err(StoreError::Sql(_))), "{result:?}");
        }
        let (after, mut after_answer) = job(Undo::Whole, |tx| budget(tx, "after", "1"));
        writer.commit(&mut vec![after]);
        assert!(after_answer.try_recv().unwrap().is_err(), "nothing is tried again");
        assert_eq!(kept(&writer), 0);
    }

    #[test]
    fn a_job_that_fails_leaves_the_others_of_its_group() {
        let mut writer = writer();
        let (first, mut first_answer) = job(Undo::Whole, |tx| budget(tx, "a", "1"));
        let (second, mut second_answer) = job(Undo::Whole, |tx| {
            budget(tx, "b", "1")?;
            budget(tx, "a", "2")
        });
        let (third, mut third_answer) = job(Undo::Whole, |tx| budget(tx, "c", "1"));
        writer.commit(&mut vec![first, second, third]);
        assert!(first_answer.try_recv().unwrap().is_ok());
        assert!(second_answer.try_recv().unwrap().is_err());
        assert!(third_answer.try_recv().unwrap().is_ok());
        assert_eq!(kept(&writer), 2);
    }
}
