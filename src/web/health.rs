//! `/healthz`: the loop goes round. `/readyz`: every shop was looked at, and not too long ago.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;

use super::Site;
use crate::daemon::board::ShopActivity;
use reconciled_sides::clock::{Clock as _, SystemClock};

/// A loop that comes round every second has stopped when nothing was heard of it for this long.
const SILENCE: std::time::Duration = std::time::Duration::from_mins(1);

pub(super) async fn alive(State(site): State<Site>) -> (StatusCode, String) {
    let since = SystemClock.boottime().saturating_sub(site.board.last_beat());
    if since < SILENCE {
        (StatusCode::OK, "alive\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("the loop has not come round for {} seconds\n", since.as_secs()))
    }
}

pub(super) async fn ready(State(site): State<Site>) -> (StatusCode, String) {
    let now = SystemClock.now();
    let mut late = String::new();
    for (shop, line) in site.board.lines() {
        if let Some(why) = lateness(&line, now) {
            // Writing to a string cannot fail.
            let _ = writeln!(late, "{shop}: {why}");
        }
    }
    if late.is_empty() { (StatusCode::OK, "ready\n".to_owned()) } else { (StatusCode::SERVICE_UNAVAILABLE, late) }
}

/// Why a shop is not as it should be.
pub(crate) fn lateness(line: &ShopActivity, now: Timestamp) -> Option<String> {
    let Some(complete) = line.last_complete else {
        return Some("no pass has checked everything yet".to_owned());
    };
    let is_late = line.deadline(complete).is_some_and(|deadline| now > deadline);
    is_late.then(|| format!("no pass has checked everything since {complete:.0}"))
}
