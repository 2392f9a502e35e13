//! A policy as the journal keeps it: one JSON object, its keys those of the configuration, in the core's order.
//!
//! Amounts are minor units, spans are ISO 8601, a limit that is not set is `null`. The text of one policy is always the
//! same, and another policy has another text. Programs before this form kept `Policy { name: value, … }` instead; their
//! rows stay, and are read as the same values.

use std::fmt;

use jiff::SignedDuration;
use reconciled_core::fulfilment::Fulfilled;
use reconciled_core::policy::{Policy, Value as Setting};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Value, json};

/// The durable text.
pub fn encode(policy: &Policy) -> String {
    let pairs = policy.settings().map(|(key, value)| format!("{}:{}", json!(key), self::value(value)));
    format!("{{{}}}", pairs.join(","))
}

fn value(value: Setting) -> Value {
    match value {
        Setting::Flag(flag) => json!(flag),
        Setting::Mode(mode) => json!(mode.word()),
        Setting::CaptureOn(on) => on.words().map(Fulfilled::word).collect(),
        Setting::Span(span) => json!(span.to_string()),
        Setting::Amount(amount) => json!(amount.map(reconciled_core::money::Minor::get)),
    }
}

/// Its keys and values in the order in which they were written; `None` for a text of another form. Every policy says
/// first whether anything is sent at all.
pub fn decode(text: &str) -> Option<Vec<(String, Value)>> {
    let pairs = earlier(text).or_else(|| serde_json::from_str(text).ok().map(|Pairs(pairs)| pairs))?;
    pairs.first().is_some_and(|(key, _)| key == "act").then_some(pairs)
}

/// The form before this one, in this one's values.
fn earlier(text: &str) -> Option<Vec<(String, Value)>> {
    let inner = text.strip_prefix("Policy { ")?.strip_suffix(" }")?;
    let pair = |part: &str| part.split_once(": ").map(|(key, value)| (key.to_owned(), earlier_value(key, value)));
    inner.split(", ").map(pair).collect()
}

fn earlier_value(key: &str, text: &str) -> Value {
    let within = |name: &str, text: &str| {
        let inner = text.strip_prefix(name).and_then(|rest| rest.strip_prefix('('));
        inner.and_then(|rest| rest.strip_suffix(')')).map(str::to_owned)
    };
    let amount = within("Some", text).unwrap_or_else(|| text.to_owned());
    if let Some(minor) = within("Minor", &amount).and_then(|minor| minor.parse::<i64>().ok()) {
        return json!(minor);
    }
    match text {
        "true" | "false" => json!(text == "true"),
        "None" => Value::Null,
        _ if key == "capture_on" => text.split('|').collect(),
        _ => match text.parse::<SignedDuration>() {
            Ok(span) => json!(span.to_string()),
            Err(_) => json!(text.to_lowercase()),
        },
    }
}

struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}
