//! `reconcile --json` has exactly the fields and types of the contract, whatever happened.

use serde_json::Value;

use crate::support::{DRIVE, Rig};

/// Field and type, as the contract's example shows them; `?` allows null.
const PASS: &[(&str, &str)] = &[
    ("shop", "text"),
    ("pass", "text"),
    ("started_at", "time"),
    ("finished_at", "time"),
    ("dry_run", "flag"),
    ("complete", "flag"),
    ("checked", "object"),
    ("orders", "list"),
    ("effects", "list"),
    ("breaks", "list"),
    ("calls", "object"),
    ("not_checked", "list"),
];
const CHECKED: &[(&str, &str)] = &[("orders", "number"), ("credit_invoices", "number"), ("klarna_orders", "number")];
const CALLS: &[(&str, &str)] = &[("lightspeed", "object"), ("klarna", "object")];
const SIDE: &[(&str, &str)] = &[("read", "number"), ("write", "number")];
const ORDER: &[(&str, &str)] = &[
    ("number", "text"),
    ("klarna_order_id", "text?"),
    ("state", "text"),
    ("amount", "object?"),
    ("captured_minor", "number"),
    ("refunded_minor", "number"),
    ("credit_invoices", "list"),
];
const AMOUNT: &[(&str, &str)] = &[("minor", "number"), ("currency", "text")];
const CREDIT: &[(&str, &str)] =
    &[("number", "text"), ("state", "text"), ("amount_minor", "number?"), ("refund_id", "text?")];
const EFFECT: &[(&str, &str)] = &[
    ("intent", "text"),
    ("kind", "text"),
    ("order", "text"),
    ("credit_invoice", "text?"),
    ("amount_minor", "number"),
    ("reference", "text"),
    ("idempotency_key", "text"),
    ("outcome", "text"),
    ("why", "text"),
];
const BREAK: &[(&str, &str)] = &[
    ("id", "text"),
    ("kind", "text"),
    ("severity", "text"),
    ("order", "text?"),
    ("credit_invoice", "text?"),
    ("amount_minor", "number?"),
    ("opened_at", "time"),
    ("age_seconds", "number"),
    ("status", "text"),
    ("message", "text"),
    ("remedy", "text"),
];
const NOT_CHECKED: &[(&str, &str)] = &[("what", "text"), ("why", "text")];

pub const ORDER_STATES: [&str; 7] =
    ["pending", "partly_paid", "paid", "refund_requested", "cancelled", "expired", "held"];
pub const CREDIT_STATES: [&str; 6] = ["pending", "refund_requested", "refunded", "paid", "cancelled", "held"];
pub const OUTCOMES: [&str; 5] = ["planned", "confirmed", "rejected", "unknown", "held"];

/// The contract's closed list.
const BREAKS: [&str; 30] = [
    "refund_missing",
    "refund_unconfirmed",
    "refund_rejected",
    "refund_amount_differs",
    "refund_unattributed",
    "refund_exceeds_credit",
    "credit_exceeds_refundable",
    "credit_before_capture",
    "credit_changed",
    "paid_without_refund",
    "credit_not_marked_paid",
    "cancel_not_released",
    "cancel_not_refunded",
    "cancel_rejected",
    "cancelled_at_klarna",
    "shipped_not_captured",
    "captured_not_shipped",
    "capture_rejected",
    "capture_unconfirmed",
    "amount_differs",
    "currency_differs",
    "authorization_expiring",
    "authorization_expired",
    "fraud_pending",
    "fraud_rejected",
    "klarna_order_unlinked",
    "klarna_order_not_found",
    "klarna_order_shared",
    "limit_reached",
    "unknown_value",
];

/// Exactly these fields, each of its type.
#[track_caller]
fn is(value: &Value, fields: &[(&str, &str)]) {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    let mut found: Vec<&str> = object.keys().map(String::as_str).collect();
    let mut wanted: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    for (name, kind) in fields {
        let (value, kind) =
            (&object[*name], kind.strip_suffix('?').filter(|_| !object[*name].is_null()).unwrap_or(kind));
        let fits = match kind {
            "text" => value.is_string(),
            "time" => value.as_str().is_some_and(|it| it.ends_with('Z') && it.parse::<jiff::Timestamp>().is_ok()),
            "flag" => value.is_boolean(),
            "number" => value.is_i64() || value.is_u64(),
            "object" => value.is_object(),
            "list" => value.is_array(),
            _ => value.is_null(),
        };
        assert!(fits, "`{name}` is no {kind}: {value}");
    }
}

#[track_caller]
fn each<'v>(list: &'v Value, fields: &[(&str, &str)]) -> impl Iterator<Item = &'v Value> {
    let list = list.as_array().unwrap();
    for value in list {
        is(value, fields);
    }
    list.iter()
}

#[track_caller]
fn one_of(value: &Value, words: &[&str]) {
    assert!(words.contains(&value.as_str().unwrap()), "{value} is none of {words:?}");
}

/// The whole object.
#[track_caller]
pub fn follows_the_contract(pass: &Value) {
    is(pass, PASS);
    is(&pass["checked"], CHECKED);
    is(&pass["calls"], CALLS);
    is(&pass["calls"]["lightspeed"], SIDE);
    is(&pass["calls"]["klarna"], SIDE);
    for order in each(&pass["orders"], ORDER) {
        one_of(&order["state"], &ORDER_STATES);
        if !order["amount"].is_null() {
            is(&order["amount"], AMOUNT);
        }
        for credit in each(&order["credit_invoices"], CREDIT) {
            one_of(&credit["state"], &CREDIT_STATES);
        }
    }
    for effect in each(&pass["effects"], EFFECT) {
        one_of(&effect["outcome"], &OUTCOMES);
        one_of(&effect["kind"], &["refund", "mark_paid", "cancel", "release", "capture", "extend"]);
        assert!(!effect["why"].as_str().unwrap().is_empty(), "{effect}");
    }
    for it in each(&pass["breaks"], BREAK) {
        one_of(&it["severity"], &["money", "action"]);
        assert!(!it["message"].as_str().unwrap().is_empty() && !it["remedy"].as_str().unwrap().is_empty(), "{it}");
        one_of(&it["kind"], &BREAKS);
        one_of(&it["status"], &["open", "acknowledged"]);
    }
    each(&pass["not_checked"], NOT_CHECKED).for_each(drop);
}

#[test]
fn the_json_of_a_pass_has_exactly_the_contracts_fields() {
    let rig = Rig::demo(DRIVE);
    for more in [&["--dry-run"][..], &[], &[], &["--full"]] {
        let pass = rig.pass_with(more);
        follows_the_contract(&pass.json);
        assert_eq!(pass.json["shop"], "main");
        assert_eq!(pass.json["dry_run"], more.contains(&"--dry-run"));
        assert_eq!(pass.json["complete"], true);
    }
}

#[test]
fn the_json_of_a_pass_that_could_not_run_has_the_contracts_fields_too() {
    let rig = Rig::demo(DRIVE);
    rig.secret("main.lightspeed-key", "ffffffffffffffffffffffffffffffff");
    let pass = rig.pass();
    pass.ended(3);
    follows_the_contract(&pass.json);
    assert_eq!(pass.json["complete"], false);
    assert!(!pass.list("not_checked").is_empty());
}

#[test]
fn the_calls_of_a_pass_are_those_that_the_services_saw() {
    let rig = Rig::demo(DRIVE);
    for _ in 0..2 {
        rig.clear_log();
        let pass = rig.pass();
        let log = rig.log();
        for (side, name) in
            [(reconciled_sandbox::Side::Lightspeed, "lightspeed"), (reconciled_sandbox::Side::Klarna, "klarna")]
        {
            let of = |read: bool| log.iter().filter(|it| it.side == side && (it.method == "GET") == read).count();
            assert_eq!(pass.json["calls"][name]["read"], of(true), "{name}");
            assert_eq!(pass.json["calls"][name]["write"], of(false), "{name}");
        }
    }
}
