//! How every shop stands, for whoever asks: health, metrics, the status line.
//!
//! Written by the loop after each pass, read by the web server. A few hundred bytes per shop and nothing per order;
//! no decision rests on it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::agenda::Job;
use crate::report::words::count_of;
use crate::report::{Calls, PassReport, Side};
use crate::schedule::When;
use reconciled_core::id::ShopName;
use reconciled_store::Standing;

/// How the last pass over a shop went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub job: Job,
    pub started_at: Timestamp,
    pub took: Duration,
    /// Everything was checked.
    pub complete: bool,
    /// Why the pass could not run, or the first thing that it could not check.
    pub trouble: Option<String>,
    /// The first thing that each side did not answer.
    pub unanswered: Unanswered,
    pub calls: Calls,
    /// Calls left in each of the shop's windows, by the window's length.
    pub calls_left: Vec<(SignedDuration, i64)>,
    /// Effects by the name of their outcome.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// `None` when the store could not be read.
    pub standing: Option<Standing>,
}

/// What a side left out of a pass, in words; `None` where it answered everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unanswered {
    pub lightspeed: Option<String>,
    pub klarna: Option<String>,
}

impl Ended {
    /// A pass of which nothing is known but when it began.
    pub fn nothing(job: Job, started_at: Timestamp) -> Self {
        Self {
            job,
            started_at,
            took: Duration::ZERO,
            complete: false,
            trouble: None,
            unanswered: Unanswered::default(),
            calls: Calls::default(),
            calls_left: Vec::new(),
            outcomes: BTreeMap::new(),
            standing: None,
        }
    }

    /// What its report says.
    pub fn tell(&mut self, report: &PassReport) {
        self.complete = report.is_complete();
        self.trouble = report.not_checked.first().map(|first| format!("{}: {}", first.what, first.why));
        let of = |side| report.trouble_of(side).map(|it| format!("{}: {}", it.what, it.why));
        self.unanswered = Unanswered { lightspeed: of(Side::Lightspeed), klarna: of(Side::Klarna) };
        self.calls = report.calls;
        self.calls_left.clone_from(&report.calls_left);
        self.outcomes = report.outcomes();
    }
}

/// One shop on the board.
#[derive(Clone, Debug, Default)]
pub struct ShopActivity {
    pub running: bool,
    pub passes: u64,
    pub incomplete: u64,
    /// Summed over every pass since this process started.
    pub calls: Calls,
    pub outcomes: BTreeMap<&'static str, usize>,
    pub last: Option<Ended>,
    /// When a pass last checked everything, since this process started or as the store remembers.
    pub last_complete: Option<Timestamp>,
    /// How far apart two polls are meant to be, next.
    pub period: SignedDuration,
    /// When polls are meant to run.
    pub poll: Option<When>,
}

/// The board; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Board {
    lines: Arc<Mutex<BTreeMap<ShopName, ShopActivity>>>,
    beat: Arc<Mutex<Duration>>,
}

impl Board {
    /// A copy, for a reader that takes its time.
    pub fn lines(&self) -> BTreeMap<ShopName, ShopActivity> {
        self.lock().clone()
    }

    pub(super) fn schedule(&self, shop: &ShopName, poll: &When, period: SignedDuration) {
        let mut lines = self.lock();
        let line = lines.entry(shop.clone()).or_default();
        (line.period, line.poll) = (period, Some(poll.clone()));
    }

    /// Shops that are no longer configured leave the board.
    pub(super) fn keep(&self, is_seated: impl Fn(&ShopName) -> bool) {
        self.lock().retain(|shop, _| is_seated(shop));
    }

    pub(super) fn started(&self, shop: &ShopName) {
        self.lock().entry(shop.clone()).or_default().running = true;
    }

    pub(super) fn ended(&self, shop: &ShopName, ended: Ended) {
        let mut lines = self.lock();
        let line = lines.entry(shop.clone()).or_default();
        line.running = false;
        line.passes = line.passes.saturating_add(1);
        line.incomplete = line.incomplete.saturating_add(u64::from(!ended.complete));
        let remembered = ended.standing.as_ref().and_then(|standing| standing.last_complete);
        line.last_complete = remembered.or(line.last_complete);
        line.calls = line.calls.plus(ended.calls);
        for (outcome, count) in &ended.outcomes {
            let sum = line.outcomes.entry(outcome).or_default();
            *sum = sum.saturating_add(*count);
        }
        line.last = Some(ended);
    }

    /// The loop has come round, at this time since boot.
    pub(super) fn beat(&self, boot: Duration) {
        *self.beat.lock().unwrap_or_else(PoisonError::into_inner) = boot;
    }

    /// When the loop last came round, in time since boot.
    pub fn last_beat(&self) -> Duration {
        *self.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic while the board was held leaves plain values behind; they are still the best there are.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ShopName, ShopActivity>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One line for people: how many shops, what is wrong.
    pub(super) fn status(&self) -> String {
        let lines = self.lock();
        let count = |is: &dyn Fn(&ShopActivity) -> bool| lines.values().filter(|line| is(line)).count();
        let running = count(&|line| line.running);
        let troubled = count(&|line| line.last.as_ref().is_some_and(|last| !last.complete));
        let stopped = count(&|line| line.standing().is_some_and(|standing| standing.stopped));
        let breaks: u64 = lines.values().filter_map(ShopActivity::standing).map(Standing::open_breaks).sum();
        let last = lines.values().filter_map(|line| line.last.as_ref()).map(|last| last.started_at).max();
        let last = last.map_or_else(|| "none yet".to_owned(), |at| format!("{at:.0}"));
        let shops = count_of(i64::try_from(lines.len()).unwrap_or(i64::MAX), "shop");
        let mut status = format!("{shops}; last pass {last}; {}", count_of(breaks, "open break"));
        for (number, what) in [(running, "running"), (troubled, "not fully checked"), (stopped, "stopped")] {
            if number > 0 {
                let _ = write!(status, "; {number} {what}");
            }
        }
        status
    }
}

impl ShopActivity {
    /// Until when a pass must have checked everything, if one did at `complete`: two runs of the schedule later.
    pub fn deadline(&self, complete: Timestamp) -> Option<Timestamp> {
        self.poll.as_ref()?.second_after(complete).ok()
    }

    pub fn standing(&self) -> Option<&Standing> {
        self.last.as_ref()?.standing.as_ref()
    }
}
