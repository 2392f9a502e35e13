//! When a daemon works: `every N minutes`, `at HH:MM Zone`, or cron text with a zone.
//!
//! Only values; nothing here waits or reads a clock.

use jiff::SignedDuration;
use jiff::tz;

use super::read::Kind;
use super::values;

/// The `[schedule]` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// What changed since the last pass.
    pub poll: When,
    /// Everything again.
    pub full: When,
    /// Payouts.
    pub settle: When,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    Every(SignedDuration),
    At { hour: u8, minute: u8, zone: String },
    Cron { expression: String, zone: String },
}

pub(super) const WHEN: Kind<When> = Kind {
    allowed: "\"every 5 minutes\", \"at 03:30 Europe/Amsterdam\", or cron text with a time zone such as \"*/5 6-22 * * * Europe/Amsterdam\"",
    read: when,
};

impl Schedule {
    /// The contract's example.
    pub(super) fn standard() -> Self {
        let at = |hour, minute| When::At { hour, minute, zone: "Europe/Amsterdam".to_owned() };
        Self { poll: When::Every(SignedDuration::from_mins(5)), full: at(3, 30), settle: at(6, 0) }
    }
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
        return Some(When::At { hour, minute, zone: zone(place)? });
    }
    cron(text)
}

/// Five fields, or six with seconds before them, then a zone (UTC when none is given).
fn cron(text: &str) -> Option<When> {
    let mut fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let place = match fields.len() {
        6 | 7 if !fields.last()?.contains(|c: char| c.is_ascii_digit() || "*?".contains(c)) => zone(fields.pop()?)?,
        _ => "UTC".to_owned(),
    };
    let field = |field: &&str| {
        field.bytes().all(|b| b.is_ascii_alphanumeric() || b"*/,-?#".contains(&b))
            && field.contains(|c: char| c.is_ascii_digit() || "*?".contains(c) || c.is_alphabetic())
    };
    let valid = matches!(fields.len(), 5 | 6) && fields.iter().all(field);
    valid.then(|| When::Cron { expression: fields.join(" "), zone: place })
}

fn two_digits(text: &str, largest: u8) -> Option<u8> {
    let valid = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|value| valid && *value <= largest)
}

/// The name of a time zone. Looked up where this machine has a database of them; where it has none, any name of
/// the right form passes, since a one-shot pass never needs it.
fn zone(name: &str) -> Option<String> {
    let name = name.trim();
    let formed = !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b))
        && name.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_known = name == "UTC" || tz::db().is_definitively_empty() || tz::db().get(name).is_ok();
    (formed && is_known).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_or_refused() {
        let cron = |expression: &str, zone: &str| {
            Some(When::Cron { expression: expression.to_owned(), zone: zone.to_owned() })
        };
        let at = |hour, minute, zone: &str| Some(When::At { hour, minute, zone: zone.to_owned() });
        for (text, expected) in [
            ("every 5 minutes", Some(When::Every(SignedDuration::from_mins(5)))),
            ("every 1 hour", Some(When::Every(SignedDuration::from_hours(1)))),
            ("at 03:30 Europe/Amsterdam", at(3, 30, "Europe/Amsterdam")),
            ("at 6:00 UTC", at(6, 0, "UTC")),
            ("at 23:59", at(23, 59, "UTC")),
            ("*/5 * * * *", cron("*/5 * * * *", "UTC")),
            ("0 */5 * * * *", cron("0 */5 * * * *", "UTC")),
            ("0 6-22 * * MON-FRI Europe/Berlin", cron("0 6-22 * * MON-FRI", "Europe/Berlin")),
            ("0 0 6 * * 1 UTC", cron("0 0 6 * * 1", "UTC")),
            ("every 0 minutes", None),
            ("every five minutes", None),
            ("at 24:00 UTC", None),
            ("at 03:60 UTC", None),
            ("at noon", None),
            ("at 03:30 Atlantis/Capital", None),
            ("* * * *", None),
            ("", None),
            ("hourly", None),
        ] {
            assert_eq!(when(text), expected, "{text}");
        }
    }
}
