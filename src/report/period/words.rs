//! Words of the journal for people: what an operator decided, and a policy setting by setting.

use crate::report::words::money;
use jiff::SignedDuration;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::policy;
use serde_json::Value;

/// What an operator's journal row says.
pub(super) fn decision(event: &str) -> String {
    match event {
        "stop" => "stopped all writes",
        "resume" => "allowed writes again",
        "operator_hold" => "held the order",
        "operator_release" => "released the order",
        "operator_propose" => "proposed an effect to another operator",
        "operator_approve" => "approved an effect",
        "operator_withdraw" => "took an approval or a proposal back",
        "operator_never_sent" => "said that a credit invoice names what never left",
        "operator_accept" => "said what Klarna's share is",
        "operator_attribute" => "said what a refund was for",
        "abandoned" => "gave an effect up",
        "refund_refused" => "withheld the credit invoice again",
        "acknowledged" => "acknowledged a break",
        "resolved" => "resolved a break",
        "reopened" => "reopened a break",
        "noted" => "noted something on a break",
        "assigned" => "gave a break to somebody",
        "unassigned" => "took a break from somebody",
        "period_closed" => "closed a period",
        other => return other.replace('_', " "),
    }
    .to_owned()
}

/// The settings of a policy as the journal keeps it; a text of another form is one setting.
pub(super) fn settings(text: &str, currency: Option<Currency>) -> Vec<(String, String)> {
    let told = |(name, value): (String, Value)| (name, setting(&value, currency));
    policy::decode(text)
        .map_or_else(|| vec![("policy".to_owned(), text.to_owned())], |pairs| pairs.into_iter().map(told).collect())
}

fn setting(value: &Value, currency: Option<Currency>) -> String {
    let amount = |minor: i64| Minor::new(minor).map_or_else(|_| minor.to_string(), |amount| money(amount, currency));
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.parse().map_or_else(|_| text.clone(), |span: SignedDuration| format!("{span:#}")),
        Value::Number(number) => number.as_i64().map_or_else(|| number.to_string(), amount),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|"),
        Value::Bool(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reconciled_core::policy::{CaptureOn, Mode, Policy};

    fn strict() -> Policy {
        Policy {
            act: true,
            refunds: Mode::Drive,
            mark_paid: Mode::Drive,
            cancels: Mode::Off,
            captures: Mode::Verify,
            capture_on: CaptureOn::all(),
            extend_authorization: false,
            adopt_exact: false,
            refund_after: SignedDuration::from_mins(60),
            grace: SignedDuration::from_mins(90),
            refund_limit_per_order: Minor::new(100_000).unwrap(),
            refund_limit_per_pass: Minor::new(500_000).unwrap(),
            refund_limit_per_day: Minor::new(2_000_000).unwrap(),
            expiry_warning: SignedDuration::from_hours(120),
            two_person_above: Some(Minor::new(50_000).unwrap()),
        }
    }

    /// What a program kept of `strict` before policies were kept by their keys.
    const EARLIER: &str = "Policy { act: true, refunds: Drive, mark_paid: Drive, cancels: Off, captures: Verify, \
        capture_on: shipped|picked up|completed|ready to download, extend_authorization: false, adopt_exact: false, \
        refund_after: 1h, grace: 1h 30m, refund_limit_per_order: Minor(100000), refund_limit_per_pass: Minor(500000), \
        refund_limit_per_day: Minor(2000000), two_person_above: Some(Minor(50000)), expiry_warning: 120h }";

    /// What was decided under the same text is not decided again, so every policy has a text of its own.
    #[test]
    fn another_policy_is_another_text() {
        let other = Policy { adopt_exact: true, ..strict() };
        assert_eq!(policy::encode(&strict()), policy::encode(&strict()));
        assert_ne!(policy::encode(&strict()), policy::encode(&other));
        assert!(policy::encode(&other).contains("\"adopt_exact\":true"));
    }

    #[test]
    fn a_policy_is_told_setting_by_setting() {
        let told = settings(&policy::encode(&strict()), Some(Currency::EUR));
        let of = |wanted: &str| told.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        assert_eq!(told.len(), 15);
        assert_eq!(of("two_person_above"), Some("500.00 EUR"));
        assert_eq!((of("act"), of("refunds"), of("captures")), (Some("true"), Some("drive"), Some("verify")));
        assert_eq!(of("refund_limit_per_day"), Some("20000.00 EUR"));
        assert_eq!((of("refund_after"), of("grace")), (Some("1h"), Some("1h 30m")));
        assert_eq!(settings("other", None), [("policy".to_owned(), "other".to_owned())]);
    }

    /// Old rows stay in the journal for ever, and say the same; so an update is no change of policy.
    #[test]
    fn the_earlier_form_says_the_same() {
        let eur = Some(Currency::EUR);
        assert_eq!(policy::decode(EARLIER), policy::decode(&policy::encode(&strict())));
        assert_eq!(settings(EARLIER, eur), settings(&policy::encode(&strict()), eur));
        let lax = Policy { two_person_above: None, capture_on: CaptureOn::SHIPPED, ..strict() };
        let earlier = EARLIER.replace("Some(Minor(50000))", "None");
        let earlier = earlier.replace("shipped|picked up|completed|ready to download", "shipped");
        assert_eq!(settings(&earlier, eur), settings(&policy::encode(&lax), eur));
    }
}
