//! The service: a pass over each shop when its agenda, or a hint from outside, says so, until told to stop.
//!
//! The loop decides only who is next; what a pass does is the pass's. There is no state to recover: a start after a
//! crash is an ordinary start, and the first pass finds out what happened. A hint wakes a pass and carries nothing
//! else. Passes over one shop never overlap; shops take turns, the one that waits longest first.

pub mod agenda;
pub mod alarm;
pub mod board;
pub mod outbox;
mod signals;
mod supervisor;
mod ticker;
mod turns;
pub mod wake;

use std::future::Future;
use std::io;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio_cron_scheduler::JobSchedulerError;

use crate::schedule::{ScheduleError, When};
use agenda::Moment;
use board::{Board, Ended};
use reconciled_core::id::ShopName;
use reconciled_sides::clock::{Clock, SystemClock};
use reconciled_store::NextDue;
pub use signals::Asked;
use signals::Signals;
use supervisor::Supervisor;
use ticker::Ticker;
pub use turns::Turn;
use turns::Turns;
use wake::Hints;

/// One shop and when it wants to be looked at.
#[derive(Clone, Debug)]
pub struct ShopSchedule {
    pub shop: ShopName,
    pub poll: When,
    pub full: When,
    /// What the store remembers.
    pub kept: Option<NextDue>,
}

/// What the daemon drives. The command line brings the real one.
pub trait Work {
    /// Every configured shop.
    ///
    /// # Errors
    /// Why the shops cannot be worked on, as text for people.
    fn schedules(&self) -> impl Future<Output = Result<Vec<ShopSchedule>, String>>;

    /// One pass; keeps the turn's next times in the store when it has ended by itself. Never panics on account of a shop's trouble.
    fn pass(&self, turn: Turn) -> impl Future<Output = Ended>;

    /// Reads the configuration again and gives its shops. When any of it is refused, everything stays as it was.
    ///
    /// # Errors
    /// Everything that is wrong with it, as text for people.
    fn reload(&self) -> impl Future<Output = Result<Vec<ShopSchedule>, String>>;

    /// Passes under way finish what they have sent and begin nothing new.
    fn wind_down(&self);
}

#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    #[error("no signal can be listened for")]
    Signals(#[source] io::Error),
    #[error("the ticker could not be started")]
    Ticker(#[source] JobSchedulerError),
    #[error("{0}")]
    Schedule(#[from] ScheduleError),
    #[error("{0}")]
    Schedules(String),
}

/// How long passes under way may take to finish once the service is told to stop: longer than a request may take,
/// shorter than systemd waits.
const DRAIN: Duration = Duration::from_secs(85);

/// Runs until SIGTERM or SIGINT, then lets what is under way finish.
///
/// # Errors
/// At the start, or when a schedule is never due again: otherwise trouble is a line in the log, a figure on the board
/// and the next try.
pub async fn run<W: Work>(work: &W, board: Board, hints: Hints) -> Result<(), DaemonError> {
    let mut signals = Signals::listen().map_err(DaemonError::Signals)?;
    let ticker = Ticker::start().await.map_err(DaemonError::Ticker)?;
    let (tick, asked) = (async || ticker.tick().await, async || signals.next().await);
    rounds(work, &board, hints, &SystemClock, tick, asked).await?;
    ticker.stop().await;
    Ok(())
}

/// The loop of [`run`] in given surroundings: their clock, what says that it is time to look, and what somebody asks for.
/// A test lives a day in it within a second.
///
/// # Errors
/// As [`run`].
pub async fn rounds<W: Work, C: Clock>(
    work: &W, board: &Board, mut hints: Hints, clock: &C, tick: impl AsyncFn(), mut asked: impl AsyncFnMut() -> Asked,
) -> Result<(), DaemonError> {
    let moment = || Moment { now: clock.now(), boot: clock.boottime() };
    let mut supervisor = Supervisor::default();
    let mut turns = Turns::new(work.schedules().await.map_err(DaemonError::Schedules)?, moment())?;
    turns.show(board, moment().now);
    // Polled here and not spawned: a pass mostly waits, and one that panics takes the process with it, as it must.
    let mut running = FuturesUnordered::new();
    Supervisor::ready();
    tracing::info!(shops = turns.len(), "the service is ready");
    loop {
        while let Some(turn) = turns.next(moment())? {
            board.started(&turn.shop);
            running.push(pass(work, turn));
        }
        board.beat(moment().boot);
        supervisor.alive(board.status());
        tokio::select! {
            () = tick() => {}
            shop = hints.next() => turns.wake(&shop, moment().now),
            Some((shop, ended)) = running.next() => {
                turns.ended(&shop);
                board.ended(&shop, ended);
            }
            asked = asked() => match asked {
                Asked::Stop => break,
                Asked::Reload => {
                    Supervisor::reloading();
                    reload(work, board, &mut turns, moment()).await;
                    Supervisor::ready();
                }
            },
        }
    }
    Supervisor::stopping();
    work.wind_down();
    drain(running, board).await;
    Ok(())
}

async fn pass<W: Work>(work: &W, turn: Turn) -> (ShopName, Ended) {
    let shop = turn.shop.clone();
    (shop, work.pass(turn).await)
}

/// A configuration that is refused changes nothing.
async fn reload<W: Work>(work: &W, board: &Board, turns: &mut Turns, at: Moment) {
    let schedules = work.reload().await;
    match schedules.and_then(|schedules| turns.reschedule(schedules, at).map_err(|error| error.to_string())) {
        Ok(()) => {
            turns.show(board, at.now);
            tracing::info!(shops = turns.len(), "the configuration was read again");
        }
        Err(why) => tracing::error!("the configuration was read again and refused, the old one stays:\n{why}"),
    }
}

/// Waits for the passes under way, but not for ever: what has not ended by then is found by the next start.
async fn drain<F: Future<Output = (ShopName, Ended)>>(mut running: FuturesUnordered<F>, board: &Board) {
    if running.is_empty() {
        return;
    }
    tracing::info!(passes = running.len(), "finishing what is under way");
    let all = async {
        while let Some((shop, ended)) = running.next().await {
            board.ended(&shop, ended);
        }
    };
    if tokio::time::timeout(DRAIN, all).await.is_err() {
        tracing::warn!(seconds = DRAIN.as_secs(), "passes did not end in time; the next start finds out what happened");
    }
}
