//! When work is due: `every N minutes`, `at HH:MM Zone`, or cron text with a zone.
//!
//! Only values: the next time after a given one. Nothing here waits, reads a clock or remembers what ran; that is
//! `daemon::agenda`.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, tz};

/// When something is due, again and again.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// A fixed distance, whatever the calendar says.
    Every(SignedDuration),
    /// Times of the calendar in one zone. A time that a switch to summer time skips is due at the end of the gap; a
    /// time that the switch back repeats is due once.
    Calendar { cron: Box<Cron>, zone: Zone },
}

/// A time zone by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(String);

/// A schedule that can never be due, or whose zone this machine does not know.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("the time zone `{0}` is not known on this machine: install the package tzdata, or write UTC")]
    Zone(String),
    #[error("the schedule is never due again after {0}")]
    Never(Timestamp),
}

impl When {
    /// Cron text of five fields, or six with seconds before them. `None` when it is not such text.
    pub fn calendar(expression: &str, zone: Zone) -> Option<Self> {
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let cron = parser.parse(expression).ok()?;
        Some(Self::Calendar { cron: Box::new(cron), zone })
    }

    /// The first time strictly after `after`.
    ///
    /// # Errors
    /// The zone is unknown here, or no such time exists, as for 31 February.
    pub fn next_after(&self, after: Timestamp) -> Result<Timestamp, ScheduleError> {
        let never = || ScheduleError::Never(after);
        match self {
            Self::Every(span) => after.checked_add(*span).map_err(|_| never()),
            Self::Calendar { cron, zone } => {
                let from = after.to_zoned(zone.resolve()?);
                let next = cron.find_next_occurrence(&from, false).map_err(|_| never())?;
                Ok(next.timestamp())
            }
        }
    }

    /// The second time after `after`: who has been waiting since then for longer was missed twice.
    ///
    /// # Errors
    /// As for [`Self::next_after`].
    pub fn second_after(&self, after: Timestamp) -> Result<Timestamp, ScheduleError> {
        self.next_after(self.next_after(after)?)
    }
}

impl Zone {
    /// Looked up where this machine has a database of zones; where it has none, any name of the right form passes,
    /// since a one-shot pass never needs it.
    pub fn named(name: &str) -> Option<Self> {
        let formed = !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b))
            && name.starts_with(|c: char| c.is_ascii_alphabetic());
        let is_known = || name == "UTC" || tz::db().is_definitively_empty() || tz::db().get(name).is_ok();
        (formed && is_known()).then(|| Self(name.to_owned()))
    }

    fn resolve(&self) -> Result<TimeZone, ScheduleError> {
        if self.0 == "UTC" {
            return Ok(TimeZone::UTC);
        }
        tz::db().get(&self.0).map_err(|_| ScheduleError::Zone(self.0.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn amsterdam(expression: &str) -> When {
        When::calendar(expression, Zone::named("Europe/Amsterdam").unwrap()).unwrap()
    }

    /// The times after `from`, in UTC.
    fn times(when: &When, from: &str, count: usize) -> Vec<String> {
        let mut last = at(from);
        let next = |()| {
            last = when.next_after(last).unwrap();
            last.to_string()
        };
        std::iter::repeat_n((), count).map(next).collect()
    }

    #[test]
    fn a_distance_ignores_the_calendar() {
        assert_eq!(
            times(&When::Every(SignedDuration::from_hours(6)), "2027-03-27T22:00:00Z", 2),
            ["2027-03-28T04:00:00Z", "2027-03-28T10:00:00Z"]
        );
    }

    #[test]
    fn a_time_in_the_gap_of_spring_is_due_at_its_end() {
        assert_eq!(
            times(&amsterdam("30 2 * * *"), "2027-03-26T12:00:00Z", 3),
            ["2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]
        );
    }

    #[test]
    fn a_time_repeated_in_autumn_is_due_once() {
        assert_eq!(
            times(&amsterdam("30 2 * * *"), "2027-10-30T12:00:00Z", 2),
            ["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]
        );
    }

    #[test]
    fn a_leap_day_has_its_run() {
        assert_eq!(
            times(&amsterdam("30 3 * * *"), "2028-02-28T12:00:00Z", 2),
            ["2028-02-29T02:30:00Z", "2028-03-01T02:30:00Z"]
        );
        assert_eq!(times(&amsterdam("0 1 29 2 *"), "2027-01-01T00:00:00Z", 1), ["2028-02-29T00:00:00Z"]);
    }

    #[test]
    fn a_day_that_never_comes_is_an_error() {
        let never = amsterdam("0 0 31 2 *");
        assert!(matches!(never.next_after(at("2027-01-01T00:00:00Z")), Err(ScheduleError::Never(_))));
    }
}
