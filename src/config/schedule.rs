//! The `[schedule]` section: `every N minutes`, `at HH:MM Zone`, or cron text with a zone.
//!
//! Only text becoming values; when something is due is `crate::schedule`'s.

use jiff::SignedDuration;

use super::read::Kind;
use super::values;
use crate::schedule::{When, Zone};

/// The `[schedule]` section.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// What changed since the last pass.
    pub poll: When,
    /// Everything again.
    pub full: When,
}

pub(super) const WHEN: Kind<When> = Kind {
    allowed: "\"every 5 minutes\", \"at 03:30 Europe/Amsterdam\", or cron text with a time zone such as \"*/5 6-22 * * * Europe/Amsterdam\"",
    read: when,
};

impl Schedule {
    /// The contract's example.
    pub(super) fn standard() -> Self {
        Self { poll: When::Every(SignedDuration::from_mins(5)), full: daily("30 3 * * *") }
    }
}

/// Once a day in Amsterdam, or by UTC on a machine that has no such place.
fn daily(expression: &str) -> When {
    let zone = Zone::named("Europe/Amsterdam").or_else(|| Zone::named("UTC"));
    let calendar = zone.and_then(|zone| When::calendar(expression, zone));
    calendar.unwrap_or(When::Every(SignedDuration::from_hours(24)))
}

fn when(text: &str) -> Option<When> {
    let text = text.trim();
    if let Some(span) = text.strip_prefix("every ") {
        let span = values::duration(span)?;
        return span.is_positive().then_some(When::Every(span));
    }
    if let Some(rest) = text.strip_prefix("at ") {
        let (time, place) = rest.trim().split_once(' ').unwrap_or((rest.trim(), "UTC"));
        let (hour, minute) = time.split_once(':')?;
        let (hour, minute) = (two_digits(hour, 23)?, two_digits(minute, 59)?);
        return When::calendar(&format!("{minute} {hour} * * *"), Zone::named(place.trim())?);
    }
    cron(text)
}

/// Five fields, or six with seconds before them, then a zone (UTC when none is given).
fn cron(text: &str) -> Option<When> {
    let mut fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let zone = match fields.len() {
        6 | 7 if !fields.last()?.contains(|c: char| c.is_ascii_digit() || "*?".contains(c)) => fields.pop()?,
        _ => "UTC",
    };
    When::calendar(&fields.join(" "), Zone::named(zone)?)
}

fn two_digits(text: &str, largest: u8) -> Option<u8> {
    let valid = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|value| valid && *value <= largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_or_refused() {
        let zoned = |expression: &str, zone: &str| When::calendar(expression, Zone::named(zone)?);
        for (text, expected) in [
            ("every 5 minutes", Some(When::Every(SignedDuration::from_mins(5)))),
            ("every 1 hour", Some(When::Every(SignedDuration::from_hours(1)))),
            ("at 03:30 Europe/Amsterdam", zoned("30 3 * * *", "Europe/Amsterdam")),
            ("at 6:00 UTC", zoned("0 6 * * *", "UTC")),
            ("at 23:59", zoned("59 23 * * *", "UTC")),
            ("*/5 * * * *", zoned("*/5 * * * *", "UTC")),
            ("0 */5 * * * *", zoned("0 */5 * * * *", "UTC")),
            ("0 6-22 * * MON-FRI Europe/Berlin", zoned("0 6-22 * * MON-FRI", "Europe/Berlin")),
            ("0 0 6 * * 1 UTC", zoned("0 0 6 * * 1", "UTC")),
        ] {
            assert!(expected.is_some(), "{text}");
            assert_eq!(when(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "every 0 minutes",
            "every five minutes",
            "at 24:00 UTC",
            "at 03:60 UTC",
            "at noon",
            "at 03:30 Atlantis/Capital",
            "* * * *",
            "61 * * * *",
            "* * * FOO *",
            "",
            "hourly",
        ] {
            assert_eq!(when(text), None, "{text}");
        }
    }
}
