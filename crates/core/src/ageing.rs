//! When an order is looked at again although nobody says that it changed.
//!
//! Pure. Reads are spent where they can change a decision: the longer nothing happened, the longer the wait.

use jiff::{SignedDuration, Timestamp};

use super::facts::{KlarnaOrder, KlarnaStatus, Word};
use super::plan::Plan;

/// An open authorization is looked at after a twentieth of the time for which nothing changed, and at least hourly:
/// it may still be captured, cancelled or decided by Klarna.
const OPEN_FRACTION: i64 = 20;
const OPEN_MOST: SignedDuration = SignedDuration::from_hours(1);

/// A settled order is looked at after a tenth of the time for which nothing changed, at least monthly: somebody may
/// still refund it by hand. A pass started right after another finds nothing due.
const SETTLED_FRACTION: i64 = 10;
const SETTLED_LEAST: SignedDuration = SignedDuration::from_mins(1);
const SETTLED_MOST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The next look at an order about which `plan` was made at `now`; `in_flight` when an intent's outcome is open.
pub fn next_look(
    plan: &Plan, klarna: Option<&KlarnaOrder>, in_flight: bool, quiet_since: Timestamp, now: Timestamp,
) -> Timestamp {
    if in_flight || !plan.effects.is_empty() || !plan.discrepancies.is_empty() {
        // With every pass, also when `now` came from a clock that is set back afterwards.
        return Timestamp::UNIX_EPOCH;
    }
    let quiet = now.duration_since(quiet_since);
    let wait = if klarna.is_none_or(is_open) {
        part(quiet, OPEN_FRACTION).min(OPEN_MOST)
    } else {
        part(quiet, SETTLED_FRACTION).clamp(SETTLED_LEAST, SETTLED_MOST)
    };
    let aged = now.checked_add(wait).unwrap_or(Timestamp::MAX);
    plan.look_again.map_or(aged, |sooner| sooner.min(aged))
}

/// The next look at an order that is not Klarna's, and of which Klarna holds nothing that anybody would look after.
pub fn next_look_at_nothing(quiet_since: Timestamp, now: Timestamp) -> Timestamp {
    let wait = part(now.duration_since(quiet_since), SETTLED_FRACTION).clamp(SETTLED_LEAST, SETTLED_MOST);
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn is_open(klarna: &KlarnaOrder) -> bool {
    klarna.remaining.is_positive()
        && matches!(klarna.status, Word::Known(KlarnaStatus::Authorized | KlarnaStatus::PartCaptured))
}

fn part(of: SignedDuration, fraction: i64) -> SignedDuration {
    let millis = i64::try_from(of.as_millis()).unwrap_or(i64::MAX).max(0);
    SignedDuration::from_millis(millis.checked_div(fraction).unwrap_or(millis))
}
