//! How many calls one API account may still make, and how fast.
//!
//! Learns the limits from the servers' headers, assumes the documented ones until then, and never asks the wall
//! clock itself. Lightspeed's windows can run out, which is said; Klarna's limit is per second and only ever makes
//! a call wait. A server on this machine that names no limits has none.

mod pace;
mod windows;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::pace::Pace;
use self::windows::Windows;
use crate::clock::Clock;
use crate::http::Response;
use crate::http::reqwest::leads_to_loopback;

/// Klarna's limit per merchant id for everything but creating sessions (documentation, "Rate limit", 2026).
pub const KLARNA_PRODUCTION_PER_SECOND: u32 = 200;

/// The same in the playground.
pub const KLARNA_PLAYGROUND_PER_SECOND: u32 = 50;

/// Lightspeed's limit per API key and shop, since November 2021; no header names it.
const LIGHTSPEED_PER_SECOND: u32 = 20;

/// A server's demand to wait is believed up to here: the longest window there is lasts a day.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// How long a call is made to wait without being refused. A longer wait is the caller's to plan.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// What a call is for. Writes may use more of a budget than reads: a read that waits costs time, a write that waits
/// leaves the two sides apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Read,
    Write,
}

/// The budget of one API account, shared by everything that calls it.
#[derive(Debug)]
pub struct Budget {
    name: String,
    on_loopback: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The server named its limits at least once.
    heard: bool,
    /// The server refused: no call before, in time since boot.
    resume: Duration,
    windows: Option<Windows>,
    pace: Pace,
}

impl Budget {
    /// A Lightspeed API key at `base_url`; `name` distinguishes it among the saved budgets.
    pub fn lightspeed(name: &str, base_url: &str) -> Self {
        Self::new(name, base_url, Some(Windows::documented()), LIGHTSPEED_PER_SECOND)
    }

    /// A Klarna merchant account with its documented calls per second.
    pub fn klarna(name: &str, base_url: &str, per_second: u32) -> Self {
        Self::new(name, base_url, None, per_second)
    }

    fn new(name: &str, base_url: &str, windows: Option<Windows>, per_second: u32) -> Self {
        let pace = Pace::per_second(per_second);
        let state = State { heard: false, resume: Duration::ZERO, windows, pace };
        Self { name: name.to_owned(), on_loopback: leads_to_loopback(base_url), state: Mutex::new(state) }
    }

    /// Takes one call out of the budget, waiting as long as the pace asks. A write asks for its turn before it is
    /// claimed, so that nothing waits between the check of its read and the socket.
    ///
    /// # Errors
    /// No call is left, or it would have to wait too long; the time from which there is a turn.
    pub async fn admit<C: Clock>(&self, clock: &C, purpose: Use) -> Result<(), Timestamp> {
        let wait = self.reserve(clock.now(), clock.boottime(), purpose)?;
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
        Ok(())
    }

    fn reserve(&self, now: Timestamp, since_boot: Duration, purpose: Use) -> Result<Duration, Timestamp> {
        let mut state = self.state();
        let pause = state.resume.saturating_sub(since_boot);
        if !pause.is_zero() && (state.windows.is_some() || pause > LONGEST_SLEEP) {
            return Err(later(now, signed(pause)));
        }
        if self.on_loopback && !state.heard {
            return Ok(pause);
        }
        // Lightspeed's limit per second is in no header: a server on this machine that names only windows has none.
        let is_paced = !(self.on_loopback && state.windows.is_some());
        let wait = if is_paced { state.pace.wait(since_boot).max(pause) } else { pause };
        if wait > LONGEST_SLEEP {
            return Err(later(now, signed(wait)));
        }
        if let Some(windows) = &mut state.windows {
            windows.take(now, purpose)?;
        }
        if is_paced {
            state.pace.take(since_boot);
        }
        Ok(wait)
    }

    /// Learns from the headers of an answer that arrived now.
    pub fn learn<C: Clock>(&self, clock: &C, response: &Response) {
        let mut state = self.state();
        let state = &mut *state;
        let heard = match &mut state.windows {
            Some(windows) => windows.learn(clock.now(), response),
            None => state.pace.learn(clock.boottime(), response),
        };
        state.heard |= heard;
    }

    /// After an answer 429: when the next call may be made. The server's word, for at most a day; `otherwise` when
    /// it says nothing.
    pub fn throttled<C: Clock>(&self, clock: &C, response: &Response, otherwise: SignedDuration) -> Timestamp {
        let now = clock.now();
        let mut state = self.state();
        let said = match &state.windows {
            Some(_) => Windows::exhausted(response),
            None => seconds(response, "x-ratelimit-reset"),
        };
        let wait = said
            .or_else(|| retry_after(now, response))
            .unwrap_or(otherwise)
            .clamp(SignedDuration::from_secs(1), LONGEST_WAIT);
        let resume = clock.boottime().saturating_add(wait.unsigned_abs());
        state.resume = state.resume.max(resume);
        later(now, wait)
    }

    /// How many calls are left in each window, by the window's length; empty where no window is known to bind.
    pub fn left(&self, now: Timestamp) -> Vec<(SignedDuration, i64)> {
        let state = self.state();
        let binds = state.heard || !self.on_loopback;
        state.windows.as_ref().filter(|_| binds).map_or_else(Vec::new, |windows| windows.left(now))
    }

    /// What a restart must not forget, under this budget's name.
    pub fn save(&self) -> BTreeMap<String, String> {
        let state = self.state();
        let text = match &state.windows {
            Some(windows) => windows.save(),
            None => state.pace.save(),
        };
        let known = state.heard || !self.on_loopback;
        known.then(|| (self.name.clone(), text)).into_iter().collect()
    }

    /// Takes back what `save` gave. What cannot be read is ignored: the documented limits hold until a header says
    /// otherwise.
    pub fn restore(&self, saved: &BTreeMap<String, String>) {
        let Some(text) = saved.get(&self.name) else { return };
        let mut state = self.state();
        let state = &mut *state;
        let understood = match &mut state.windows {
            Some(windows) => windows.restore(text),
            None => state.pace.restore(text),
        };
        state.heard |= understood;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `Retry-After`, in seconds or as an HTTP date.
fn retry_after(now: Timestamp, response: &Response) -> Option<SignedDuration> {
    seconds(response, "retry-after").or_else(|| {
        let until = http_date(response.header("retry-after")?)?;
        Some(until.duration_since(now))
    })
}

/// The `Date` header of an answer.
pub(crate) fn date(response: &Response) -> Option<Timestamp> {
    http_date(response.header("date")?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(zoned.timestamp())
}

fn seconds(response: &Response, header: &str) -> Option<SignedDuration> {
    let text = response.header(header)?.split([',', ';']).next()?.trim();
    text.parse::<u32>().ok().map(|seconds| SignedDuration::from_secs(seconds.into()))
}

fn signed(wait: Duration) -> SignedDuration {
    SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
