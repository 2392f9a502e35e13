//! The reader: a thread with a connection that cannot write. Each reading is one transaction, so one snapshot.

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::super::StoreError;

/// A reading and the place for its answer.
pub(super) type Reading = Box<dyn FnOnce(&Connection) + Send>;

pub(super) fn serve(conn: &Connection, mut readings: mpsc::Receiver<Reading>) {
    while let Some(reading) = readings.blocking_recv() {
        reading(conn);
    }
}

pub(super) fn reading<T, F>(work: F) -> (Reading, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let reading = Box::new(move |conn: &Connection| {
        // Whoever asked may have gone.
        let _ = reply.send(snapshot(conn, work));
    });
    (reading, answer)
}

/// Runs `work` in one read transaction, which ends whatever comes of it.
pub(super) fn snapshot<T>(
    conn: &Connection, work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    conn.prepare_cached("BEGIN")?.execute([])?;
    let result = work(conn);
    conn.prepare_cached("ROLLBACK")?.execute([])?;
    result
}
