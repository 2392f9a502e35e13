//! Lightspeed's three windows: so many calls per five minutes, hour and day.
//!
//! The windows are aligned to a clock whose zone is not documented, so only the server's seconds-until-reset are
//! believed. Other programs may use the same key: a part of each window is left to them.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};

use super::{Use, later};
use crate::http::Response;

/// Reads leave this share of a window to others, in percent.
const LEFT_BY_READS: i64 = 30;

/// Writes leave this much.
const LEFT_BY_WRITES: i64 = 10;

/// Two answers that name reset times this close speak of the same window. The shortest window is five minutes long,
/// and answers arrive within a request's time-out.
const SAME_WINDOW: SignedDuration = SignedDuration::from_secs(90);

/// The documented limits per API key (support pages; the same in live headers, 2026): 300 in five minutes, 3,000 in
/// an hour, 12,000 in a day.
const DOCUMENTED: [(i64, SignedDuration); 3] = [
    (300, SignedDuration::from_mins(5)),
    (3_000, SignedDuration::from_hours(1)),
    (12_000, SignedDuration::from_hours(24)),
];

#[derive(Debug)]
pub(super) struct Windows {
    windows: [Window; 3],
}

#[derive(Clone, Copy, Debug)]
struct Window {
    limit: i64,
    /// As far as is known, less the calls that are under way.
    left: i64,
    length: SignedDuration,
    /// `None` until the first call.
    resets_at: Option<Timestamp>,
}

impl Windows {
    pub(super) fn documented() -> Self {
        let window = |(limit, length)| Window { limit, left: limit, length, resets_at: None };
        Self { windows: DOCUMENTED.map(window) }
    }

    /// Takes one call out of every window, or out of none.
    pub(super) fn take(&mut self, now: Timestamp, purpose: Use) -> Result<(), Timestamp> {
        for window in &mut self.windows {
            window.roll(now);
        }
        let used_up = self.windows.iter().filter(|window| !window.has_room(purpose));
        if let Some(until) = used_up.filter_map(|window| window.resets_at).max() {
            return Err(until);
        }
        for window in &mut self.windows {
            window.left = window.left.saturating_sub(1);
        }
        Ok(())
    }

    /// Returns whether the answer named its limits.
    pub(super) fn learn(&mut self, now: Timestamp, response: &Response) -> bool {
        let left = triple(response, "x-ratelimit-remaining");
        let reset = triple(response, "x-ratelimit-reset");
        let (Some(left), Some(reset)) = (left, reset) else { return false };
        let limits = triple(response, "x-ratelimit-limit");
        for (index, window) in self.windows.iter_mut().enumerate() {
            if let Some(limit) = limits.map_or(Some(window.limit), |limits| limits.get(index).copied()) {
                window.limit = limit.max(1);
            }
            if let (Some(left), Some(reset)) = (left.get(index), reset.get(index)) {
                window.hear(now, *left, SignedDuration::from_secs((*reset).max(0)));
            }
        }
        true
    }

    /// How long until the window resets that a refusal shows as used up: at -1, else at 0.
    pub(super) fn exhausted(response: &Response) -> Option<SignedDuration> {
        let left = triple(response, "x-ratelimit-remaining")?;
        let reset = triple(response, "x-ratelimit-reset")?;
        let longest = |is_used_up: fn(i64) -> bool| {
            let resets = left.iter().zip(reset).filter(|(left, _)| is_used_up(**left));
            resets.map(|(_, reset)| reset).max()
        };
        longest(|left| left < 0).or_else(|| longest(|left| left == 0)).map(SignedDuration::from_secs)
    }

    /// Calls left per window, by its length.
    pub(super) fn left(&self, now: Timestamp) -> Vec<(SignedDuration, i64)> {
        let mut windows = self.windows;
        for window in &mut windows {
            window.roll(now);
        }
        windows.iter().map(|window| (window.length, window.left)).collect()
    }

    /// `limit:left:resets_at` per window, separated by spaces.
    pub(super) fn save(&self) -> String {
        let mut text = String::new();
        for window in &self.windows {
            let resets_at = window.resets_at.map_or_else(String::new, |at| at.as_second().to_string());
            // Writing to a string cannot fail.
            let _ = write!(text, "{}:{}:{resets_at} ", window.limit, window.left);
        }
        text.trim_end().to_owned()
    }

    pub(super) fn restore(&mut self, text: &str) -> bool {
        let parse = |part: &str| {
            let mut fields = part.split(':');
            let (limit, left) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            let resets_at = Timestamp::from_second(fields.next()?.parse().ok()?).ok()?;
            Some((limit, left, resets_at))
        };
        let parsed: Option<Vec<(i64, i64, Timestamp)>> = text.split(' ').map(parse).collect();
        let Some(parsed) = parsed.filter(|parsed| parsed.len() == self.windows.len()) else {
            return false;
        };
        for (window, (limit, left, resets_at)) in self.windows.iter_mut().zip(parsed) {
            (window.limit, window.left, window.resets_at) = (limit.max(1), left, Some(resets_at));
        }
        true
    }
}

impl Window {
    /// A window that is over begins anew. A reset further away than the window is long was read on a clock that has
    /// jumped since.
    fn roll(&mut self, now: Timestamp) {
        let latest = later(now, self.length);
        match self.resets_at {
            Some(at) if at > latest => self.resets_at = Some(latest),
            Some(at) if at > now => {}
            Some(_) | None => {
                self.left = self.limit;
                self.resets_at = Some(latest);
            }
        }
    }

    fn has_room(&self, purpose: Use) -> bool {
        let share = match purpose {
            Use::Read => LEFT_BY_READS,
            Use::Write => LEFT_BY_WRITES,
        };
        let reserve = self.limit.saturating_mul(share).checked_div(100).unwrap_or(0);
        self.left > reserve
    }

    /// Answers arrive out of order, so within one window the lowest word counts; a later window replaces it.
    fn hear(&mut self, now: Timestamp, left: i64, reset: SignedDuration) {
        let resets_at = later(now, reset.min(self.length));
        let Some(known) = self.resets_at.filter(|at| *at > now) else {
            (self.left, self.resets_at) = (left, Some(resets_at));
            return;
        };
        let is_later_window = resets_at.duration_since(known) > SAME_WINDOW;
        self.left = if is_later_window { left } else { self.left.min(left) };
        self.resets_at = Some(resets_at);
    }
}

/// `299/2999/11999`.
fn triple(response: &Response, header: &str) -> Option<[i64; 3]> {
    let text = response.header(header)?;
    let numbers: Option<Vec<i64>> = text.split('/').map(|part| part.trim().parse().ok()).collect();
    numbers?.try_into().ok()
}
