//! Reading JSON from servers that write one value in several ways.
//!
//! Every field a reader needs is taken as the raw text of its value and understood one by one, so that a field
//! nobody needs can never spoil the rest, and no number ever passes through binary floating point.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The raw text of one value; `None` when the field is missing or `null`.
pub(crate) type Raw<'a> = Option<&'a RawValue>;

/// The body as text: UTF-8, with or without a byte order mark.
pub(crate) fn decode(body: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(body).map_err(|_| "the answer is not UTF-8 text".to_owned())?;
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Ok(rest.to_owned()),
        None => Ok(text),
    }
}

/// The members of an object, in their order; every key as often as it was written.
pub(crate) fn members(json: &str) -> Result<Vec<(String, &RawValue)>, serde_json::Error> {
    serde_json::from_str::<Members<_>>(json).map(|members| members.0)
}

/// The same of an object whose values are all arrays, with their elements.
pub(crate) fn lists(json: &str) -> Result<Vec<(String, Vec<&RawValue>)>, serde_json::Error> {
    serde_json::from_str::<Members<_>>(json).map(|members| members.0)
}

/// The elements of an array.
pub(crate) fn elements(json: &str) -> Result<Vec<&RawValue>, serde_json::Error> {
    serde_json::from_str(json)
}

/// The value, unless it is one of the ways to write "nothing": missing, `null`, `false`, `""`, `[]`.
pub(crate) fn present(raw: Raw<'_>) -> Raw<'_> {
    raw.filter(|value| {
        let text = value.get();
        let is_empty_list = text.strip_prefix('[').is_some_and(|rest| rest.trim_start() == "]");
        !matches!(text, "null" | "false" | "\"\"") && !is_empty_list
    })
}

/// A non-empty string, or a number as it was written.
pub(crate) fn text(raw: Raw<'_>) -> Option<String> {
    let value = raw?.get();
    let text = match value.as_bytes().first()? {
        b'"' => serde_json::from_str(value).ok()?,
        b'-' | b'0'..=b'9' => value.to_owned(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// An id: a positive integer, as a number or as text.
pub(crate) fn id(raw: Raw<'_>) -> Option<u64> {
    text(raw)?.parse().ok().filter(|id| *id > 0)
}

/// A quantity: an integer as a number, as text, or as the boolean that PHP sometimes makes of 0 and 1.
pub(crate) fn quantity(raw: Raw<'_>) -> Option<u32> {
    match raw?.get() {
        "true" => Some(1),
        "false" => Some(0),
        _ => text(raw)?.parse().ok(),
    }
}

/// A yes or no, as a boolean or as the number or text it sometimes becomes.
pub(crate) fn flag(raw: Raw<'_>) -> Option<bool> {
    match raw?.get() {
        "true" | "1" | "\"1\"" | "\"true\"" => Some(true),
        "false" | "0" | "\"0\"" | "\"false\"" => Some(false),
        _ => None,
    }
}

/// An instant: ISO 8601 with an offset, or without one, which is then read as UTC.
pub(crate) fn instant(raw: Raw<'_>) -> Option<Timestamp> {
    let text = text(raw).filter(|_| raw.is_some_and(|value| value.get().starts_with('"')))?;
    let naive = || {
        let civil: DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    text.parse().ok().or_else(naive)
}

struct Members<V>(Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder(PhantomData)).map(Members)
    }
}

struct InOrder<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for InOrder<V> {
    type Value = Vec<(String, V)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn nothing_is_written_in_many_ways() {
        for json in ["null", "false", "\"\"", "[]", "[ ]", "[\n]"] {
            assert!(present(Some(&raw(json))).is_none(), "{json}");
        }
        for json in ["true", "0", "\" \"", "[0]", "{}"] {
            assert!(present(Some(&raw(json))).is_some(), "{json}");
        }
        assert!(present(None).is_none());
    }

    #[test]
    fn scalars_are_read_in_every_form_they_were_seen_in() {
        let ids =
            ["7", "\"7\"", "0", "-7", "7.0", "true", "false", "\"\"", "1e3", "{}"].map(|json| id(Some(&raw(json))));
        assert_eq!(ids, [Some(7), Some(7), None, None, None, None, None, None, None, None]);
        let quantities =
            ["6", "true", "false", "\"2\"", "6.5", "-1", "null", "4294967296"].map(|json| quantity(Some(&raw(json))));
        assert_eq!(quantities, [Some(6), Some(1), Some(0), Some(2), None, None, None, None]);
        let flags = ["true", "1", "\"0\"", "\"no\"", "2"].map(|json| flag(Some(&raw(json))));
        assert_eq!(flags, [Some(true), Some(true), Some(false), None, None]);
    }

    #[test]
    fn instants_are_compared_across_offsets() {
        let at = |json: &str| instant(Some(&raw(json)));
        let noon = at("\"2026-06-03T12:00:00Z\"");
        assert!(noon.is_some());
        for json in [
            "\"2026-06-03T14:00:00+02:00\"",
            "\"2026-06-03T12:00:00+00:00\"",
            "\"2026-06-03T12:00:00.000Z\"",
            "\"2026-06-03T12:00:00\"",
            "\"2026-06-03 12:00:00\"",
        ] {
            assert_eq!(at(json), noon, "{json}");
        }
        for json in ["20260603", "\"0000-00-00 00:00:00\"", "false", "\"tomorrow\"", "{}"] {
            assert_eq!(at(json), None, "{json}");
        }
    }
}
