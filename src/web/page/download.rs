//! A report on its way to a browser while it is made: a thread of its own writes it, the connection takes it.
//!
//! In memory is no more of it than lies between the two. Whoever takes nothing for a minute is given up, so that no
//! snapshot of a store is held for somebody who went away. A report that fails breaks the connection off: what arrived
//! by then never looks whole.

use std::io::{self, Write};
use std::os::unix::net::UnixStream as Writing;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream as Reading;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::refusal::chain;
use crate::report::period::{Any, FormatKind, Period, Source, Unmade, make};

/// So much is written and taken at once.
const PIECE: usize = 64 * 1024;

/// How long a browser may take nothing.
const PATIENCE: Duration = Duration::from_mins(1);

/// The end that a report is written into.
struct Spout {
    socket: Writing,
    /// What is not written yet; lost when the report fails, unlike with a `BufWriter`.
    held: Vec<u8>,
}

impl Write for Spout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }
}

/// The end that the connection takes it from.
struct Pouring {
    socket: Reading,
    made: oneshot::Receiver<Result<(), Unmade>>,
}

impl Pouring {
    /// What comes next; `None` only once all of the report was made and taken.
    async fn piece(&mut self) -> Result<Option<Bytes>, Unmade> {
        let mut piece = Vec::with_capacity(PIECE);
        if self.socket.read_buf(&mut piece).await? > 0 {
            return Ok(Some(piece.into()));
        }
        let made = (&mut self.made).await;
        made.unwrap_or_else(|_| Err(io::Error::other("the making broke off").into())).map(|()| None)
    }
}

/// Begins to make the report, and gives it back once its first piece is there: what fails before is no download yet.
/// `permit` is held for as long as it is made.
pub(super) async fn report(
    sources: Vec<Source>, period: Period, format: FormatKind, permit: OwnedSemaphorePermit,
) -> Result<Body, Unmade> {
    let mut pouring = begin(PATIENCE, move |spout| async move {
        let made = make(&sources, period, Any::new(format, spout)?).await.map(|_| ());
        drop(permit);
        made
    })?;
    let Some(first) = pouring.piece().await? else { return Ok(Body::empty()) };
    let rest = stream::unfold(Some(pouring), |pouring| async {
        let mut pouring = pouring?;
        match pouring.piece().await {
            Ok(piece) => Some((Ok(piece?), Some(pouring))),
            Err(why) => {
                tracing::warn!("a report broke off on its way to a browser: {}", chain(&why));
                Some((Err(why), None))
            }
        }
    });
    let first = stream::iter([Ok::<_, Unmade>(first)]);
    Ok(Body::from_stream(futures_util::StreamExt::chain(first, rest)))
}

/// Starts a thread that writes. It waits for the disk and for whoever takes, and ends with the process, not before it.
fn begin<W>(patience: Duration, write: impl FnOnce(Spout) -> W + Send + 'static) -> io::Result<Pouring>
where
    W: Future<Output = Result<(), Unmade>>,
{
    let (writing, reading) = Writing::pair()?;
    writing.set_write_timeout(Some(patience))?;
    reading.set_nonblocking(true)?;
    let socket = Reading::from_std(reading)?;
    let (tell, made) = oneshot::channel();
    let runtime = Handle::current();
    std::thread::Builder::new().name("report".to_owned()).spawn(move || {
        let spout = Spout { socket: writing, held: Vec::with_capacity(PIECE) };
        // Nobody hears it any more once the browser is gone.
        let _ = tell.send(runtime.block_on(write(spout)));
    })?;
    Ok(Pouring { socket, made })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn poured(mut pouring: Pouring) -> (usize, Result<(), Unmade>) {
        let mut taken = Vec::new();
        loop {
            match pouring.piece().await {
                Ok(Some(piece)) => taken.extend_from_slice(&piece),
                Ok(None) => return (taken.len(), Ok(())),
                Err(why) => return (taken.len(), Err(why)),
            }
        }
    }

    fn pieces(mut spout: Spout, count: usize) -> io::Result<()> {
        (0..count).try_for_each(|_| spout.write_all(&vec![7; PIECE]))?;
        spout.write_all(b"end")?;
        spout.flush()
    }

    #[tokio::test]
    async fn all_of_it_arrives_and_only_then_it_ends() {
        let pouring = begin(PATIENCE, |spout| async { Ok(pieces(spout, 100)?) }).unwrap();
        let (taken, ended) = poured(pouring).await;
        assert_eq!(taken, 100 * PIECE + 3);
        ended.unwrap();
    }

    #[tokio::test]
    async fn what_fails_half_way_ends_with_its_reason_and_without_the_rest() {
        let failing = |mut spout: Spout| async move {
            spout.write_all(&vec![7; PIECE]).and_then(|()| spout.write_all(b"not flushed"))?;
            Err(io::Error::other("the disk failed").into())
        };
        let (taken, ended) = poured(begin(PATIENCE, failing).unwrap()).await;
        assert_eq!(taken, PIECE);
        assert!(matches!(ended, Err(Unmade::Output(why)) if why.to_string() == "the disk failed"));
    }

    #[tokio::test]
    async fn whoever_went_away_or_takes_nothing_ends_the_making() {
        for stays in [false, true] {
            let (tell, told) = oneshot::channel();
            let short = Duration::from_millis(50);
            let pouring = begin(short, move |spout| async {
                let _ = tell.send(pieces(spout, 1_000).map_err(|why| why.kind()));
                Ok(())
            });
            let pouring = pouring.unwrap();
            let held = stays.then_some(pouring);
            let ended = told.await.unwrap();
            assert!(ended.is_err(), "a thousand pieces fit nowhere");
            drop(held);
        }
    }
}
