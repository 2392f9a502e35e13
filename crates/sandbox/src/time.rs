//! Instants as the two services print and read them. All state is milliseconds since 1970 UTC.
//!
//! Never reads a clock. Amsterdam's time is spelt out as a POSIX rule, so that no zone database
//! is needed on the machine.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const DAY: i64 = 86_400_000;

/// Central European time with its present summer-time rule.
static AMSTERDAM: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("the POSIX zone rule is well formed"));

/// The zone a shop's dates are shown in: Dutch local time on `eu1`, UTC on `us1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    Amsterdam,
    Utc,
}

pub(crate) fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(crate) fn seconds(ms: i64) -> i64 {
    ms.div_euclid(SECOND)
}

fn offset(zone: Zone, at: Timestamp) -> Offset {
    match zone {
        Zone::Amsterdam => AMSTERDAM.to_offset(at),
        Zone::Utc => Offset::UTC,
    }
}

/// `2026-02-09T13:36:52+01:00`: numeric offset, no fraction, never `Z`.
pub(crate) fn shop_text(ms: i64, zone: Zone) -> String {
    let at = timestamp(ms);
    let offset = offset(zone, at);
    let local = offset.to_datetime(at);
    let minutes = offset.seconds().div_euclid(60);
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
        local.year(),
        local.month(),
        local.day(),
        local.hour(),
        local.minute(),
        local.second(),
        minutes.div_euclid(60),
        minutes.rem_euclid(60),
    )
}

/// `2022-07-08T09:48:16.680Z`, as Klarna prints it.
pub(crate) fn klarna_text(ms: i64) -> String {
    format!("{:.3}", timestamp(ms))
}

/// Seconds until the next midnight of `zone`.
pub(crate) fn seconds_to_midnight(ms: i64, zone: Zone) -> i64 {
    let at = timestamp(ms);
    let local = seconds(ms).saturating_add(i64::from(offset(zone, at).seconds()));
    86_400_i64.saturating_sub(local.rem_euclid(86_400))
}

/// Midnight UTC that starts the day of `ms`.
pub(crate) fn utc_midnight(ms: i64) -> i64 {
    ms.div_euclid(DAY).saturating_mul(DAY)
}

/// Reads a filter: `YYYY-MM-DD[ HH:MM:SS]` in `zone`, or ISO 8601 with its own offset. A plus sign
/// that arrived as a space (sent without escaping) is put back.
pub(crate) fn parse_filter(text: &str, zone: Zone) -> Option<i64> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    if let Some((head, tail)) = text.rsplit_once(' ')
        && head.contains('T')
        && let Ok(at) = format!("{head}+{tail}").parse::<Timestamp>()
    {
        return Some(at.as_millisecond());
    }
    let civil: DateTime = text.parse().ok()?;
    let zone = match zone {
        Zone::Amsterdam => AMSTERDAM.clone(),
        Zone::Utc => TimeZone::UTC,
    };
    civil.to_zoned(zone).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

/// `Wed, 21 Oct 2026 07:28:00 GMT`, for headers.
pub(crate) fn http_date(ms: i64) -> String {
    timestamp(ms).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
