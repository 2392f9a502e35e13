//! So many calls per second, evenly.
//!
//! Counts in time since boot, which cannot jump.

use std::time::Duration;

use crate::http::Response;

/// The share of a limit that is used, in percent. The shop's own checkout draws on the same limit, and when it is
/// exceeded everybody is refused.
const SHARE: u32 = 80;

/// How many calls may come at once before spacing begins, as a part of the limit.
const BURST_DIVISOR: u32 = 10;

#[derive(Debug)]
pub(super) struct Pace {
    calls: u32,
    seconds: u32,
    /// When the next call is due, in time since boot.
    due: Duration,
}

impl Pace {
    pub(super) const fn per_second(calls: u32) -> Self {
        Self { calls, seconds: 1, due: Duration::ZERO }
    }

    /// How long the next turn is away.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        self.turn(now).saturating_sub(now)
    }

    pub(super) fn take(&mut self, now: Duration) {
        self.due = self.turn(now).saturating_add(self.gap());
    }

    fn turn(&self, now: Duration) -> Duration {
        let burst = self.gap().saturating_mul(self.calls.checked_div(BURST_DIVISOR).unwrap_or(0));
        self.due.max(now.saturating_sub(burst))
    }

    /// No turn before `wait` is over.
    fn pause(&mut self, now: Duration, wait: Duration) {
        self.due = self.due.max(now.saturating_add(wait));
    }

    /// `x-ratelimit-limit: 50, 50;w=1` and `x-ratelimit-remaining`, `x-ratelimit-reset` in seconds, as Klarna's
    /// session API answers (recorded 2024). Returns whether a limit was named.
    pub(super) fn learn(&mut self, now: Duration, response: &Response) -> bool {
        let limit = response.header("x-ratelimit-limit").and_then(policy);
        if let Some((calls, seconds)) = limit {
            (self.calls, self.seconds) = (calls, seconds);
        }
        let number = |header| response.header(header)?.trim().parse::<u32>().ok();
        if let (Some(0), Some(reset)) = (number("x-ratelimit-remaining"), number("x-ratelimit-reset")) {
            self.pause(now, Duration::from_secs(reset.into()));
        }
        limit.is_some()
    }

    pub(super) fn save(&self) -> String {
        format!("{};w={}", self.calls, self.seconds)
    }

    pub(super) fn restore(&mut self, text: &str) -> bool {
        let Some((calls, seconds)) = policy(text) else { return false };
        (self.calls, self.seconds) = (calls, seconds);
        true
    }

    fn gap(&self) -> Duration {
        let per_window = self.calls.saturating_mul(SHARE).checked_div(100).unwrap_or(0).max(1);
        Duration::from_secs(self.seconds.into()).checked_div(per_window).unwrap_or(Duration::ZERO)
    }
}

/// `50, 50;w=1`, `50;w=1` or `50`: calls, and the seconds in which they may be made.
fn policy(text: &str) -> Option<(u32, u32)> {
    let policy = text.split(',').next_back()?.trim();
    let mut parts = policy.split(';');
    let calls: u32 = parts.next()?.trim().parse().ok().filter(|calls| *calls > 0)?;
    let window = parts.find_map(|part| part.trim().strip_prefix("w=")).unwrap_or("1");
    let seconds: u32 = window.parse().ok().filter(|seconds| *seconds > 0)?;
    Some((calls, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_in_every_form() {
        for (text, expected) in [
            ("5, 5;w=1", Some((5, 1))),
            ("200", Some((200, 1))),
            ("100;w=10", Some((100, 10))),
            ("0, 0;w=1", None),
            ("50, 50;w=0", None),
            ("many", None),
            ("", None),
        ] {
            assert_eq!(policy(text), expected, "{text}");
        }
    }

    #[test]
    fn no_second_holds_more_than_nine_tenths_of_the_limit() {
        let mut pace = Pace::per_second(50);
        let start = Duration::from_secs(100);
        let turn = |_| {
            let at = start + pace.wait(start);
            pace.take(start);
            at
        };
        let turns: Vec<Duration> = (0..500).map(turn).collect();
        for first in &turns {
            let within = turns.iter().filter(|turn| *turn >= first && **turn < *first + Duration::from_secs(1));
            assert!(within.count() <= 46);
        }
    }
}
