//! A period as people write it: two moments, or a month.
//!
//! Days and months are those of UTC, like every date of the report and of the journal.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// From the first moment up to, and without, the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    pub until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongPeriod {
    #[error("`{0}` is no period: a month such as 2026-10, a day such as 2026-10-31, or a year such as 2026")]
    Unreadable(String),
    #[error("the period ends before it begins")]
    Empty,
    #[error("the clock says a day that no calendar has")]
    NoMonth,
}

/// What either end of a period may be, for whoever wrote something else.
pub const MOMENT: &str = "a time such as 2026-01-31T08:00:00Z, or a day such as 2026-01-31, or a month such as 2026-01";

fn midnight(date: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(DateTime::from(date)).ok()
}

impl Period {
    /// # Errors
    /// A period that is empty or ends before it begins.
    pub fn new(from: Timestamp, until: Timestamp) -> Result<Self, WrongPeriod> {
        if from < until { Ok(Self { from, until }) } else { Err(WrongPeriod::Empty) }
    }

    /// A month, a day or a year.
    ///
    /// # Errors
    /// Text that is none of them.
    pub fn parse(text: &str) -> Result<Self, WrongPeriod> {
        let unreadable = || WrongPeriod::Unreadable(text.chars().take(40).collect());
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let (first, next) = match text.len() {
            4 if is_plain => (format!("{text}-01-01"), jiff::Span::new().years(1)),
            7 if is_plain => (format!("{text}-01"), jiff::Span::new().months(1)),
            10 if is_plain => (text.to_owned(), jiff::Span::new().days(1)),
            _ => return Err(unreadable()),
        };
        let first: Date = first.parse().map_err(|_| unreadable())?;
        let next = first.checked_add(next).map_err(|_| unreadable())?;
        let (from, until) = midnight(first).zip(midnight(next)).ok_or_else(unreadable)?;
        Self::new(from, until)
    }

    /// The month so far, or what is given of its two ends.
    ///
    /// # Errors
    /// A period that ends before it begins.
    pub fn between(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> Result<Self, WrongPeriod> {
        let last = to.and_then(|to| to.checked_sub(SignedDuration::from_nanos(1)).ok());
        let month = Self::month_of(last.unwrap_or(now)).ok_or(WrongPeriod::NoMonth)?;
        Self::new(from.unwrap_or(month.from), to.unwrap_or(month.until))
    }

    /// A moment, or the beginning of a day, a month or a year; `None` for text that is none of them.
    pub fn moment(text: &str) -> Option<Timestamp> {
        Self::parse(text).map(|period| period.from).ok().or_else(|| text.parse().ok())
    }

    /// The month that `at` lies in.
    pub fn month_of(at: Timestamp) -> Option<Self> {
        let first = at.to_zoned(TimeZone::UTC).date().first_of_month();
        let next = first.checked_add(jiff::Span::new().months(1)).ok()?;
        Some(Self { from: midnight(first)?, until: midnight(next)? })
    }

    /// As people write it: a month where it is one, else its two ends.
    pub fn name(&self) -> String {
        let zoned = self.from.to_zoned(TimeZone::UTC);
        if Self::month_of(self.from) == Some(*self) {
            return zoned.strftime("%Y-%m").to_string();
        }
        format!("{} to {}", moment(self.from), moment(self.until))
    }
}

/// A day where it is midnight, else with the time.
pub(super) fn moment(at: Timestamp) -> String {
    let zoned = at.to_zoned(TimeZone::UTC);
    let is_midnight = zoned.time() == jiff::civil::Time::midnight();
    zoned.strftime(if is_midnight { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M:%S UTC" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_month_a_day_or_a_year() {
        let of = |text| Period::parse(text).map(|it| (it.from.to_string(), it.until.to_string(), it.name()));
        for (text, from, until, name) in [
            ("2026-10", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-10"),
            ("2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-12"),
            ("2028-02-29", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z", "2028-02-29 to 2028-03-01"),
            ("2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-01-01 to 2027-01-01"),
        ] {
            assert_eq!(of(text), Ok((from.to_owned(), until.to_owned(), name.to_owned())), "{text}");
        }
        for text in ["", "2026-13", "2026-02-30", "october", "2026-1", "26-10-01", "\u{202e}2026", "+202610", "9999"] {
            assert!(Period::parse(text).is_err(), "{text}");
        }
    }
}
