//! Klarna: the order as facts, and the one question that money hangs on: is this answer a success?

use std::collections::BTreeMap;
use std::sync::Arc;

use reconciled_core::answer::Answer;
use reconciled_core::id::KlarnaOrderId;
use reconciled_core::intent::Kind;
use reconciled_sides::budget::{Budget, KLARNA_PLAYGROUND_PER_SECOND};
use reconciled_sides::http::Response;
use reconciled_sides::klarna::{Client, Settings};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::wire::{Sections, Still, answer, credentials, run, text};

pub const ORDER_WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"order_id\":\"3f2504e0-4f89-41d3-9a0c-0305e82c3301\"",
    "\"status\":\"CAPTURED\"",
    "\"status\":\"PART_CAPTURED\"",
    "\"order_amount\":",
    "\"captured_amount\":",
    "\"refunded_amount\":",
    "\"remaining_authorized_amount\":",
    "\"purchase_currency\":\"EUR\"",
    "\"captures\":[",
    "\"refunds\":[",
    "\"capture_id\":\"c\"",
    "\"refund_id\":\"r\"",
    "\"refunded_at\":\"2026-05-10T15:00:00Z\"",
    "\"reference\":\"INV1\"",
    "0",
    "1",
    "9223372036854775807",
    "9223372036854775808",
    "-1",
    "1.0",
    "1e3",
    "null",
    "\"\"",
    "true",
    " ",
    "\u{feff}",
];

pub const ANSWER_WORDS: &[&str] = &[
    "R201\n",
    "C201\n",
    "X204\n",
    "L204\n",
    "E204\n",
    "R200\n",
    "R204\n",
    "R400\n",
    "R403\n",
    "R401\n",
    "R409\n",
    "R429\n",
    "R500\n",
    "X201\n",
    "X200\n",
    "refund-id: r-1\n",
    "capture-id: c-1\n",
    "refund-id: r-2\n",
    "refund-id:\n",
    "location: https://x.invalid/orders/o/refunds/r-1\n",
    "location: https://x.invalid/orders/o/captures/c-1\n",
    "klarna-correlation-id: c-9\n",
    "retry-after: 5\n",
    "\n",
    "{\"error_code\":\"NOT_ALLOWED\"}",
    "{\"error_code\":",
    "\"error_messages\":[\"no\"]",
    "<html>",
    "{}",
    "{",
    "}",
    "\"A\"",
    ",",
    "\"error_code\":\"B\"",
    "\u{feff}",
];

const ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

fn client(transport: Sections) -> Client<Sections, Still> {
    let base_url = "http://127.0.0.1".to_owned();
    let budget = Budget::klarna("klarna", &base_url, KLARNA_PLAYGROUND_PER_SECOND);
    let settings = Settings { base_url, credentials: credentials() };
    Client::new(transport, Still::new(), settings, Arc::new(budget))
}

/// An order that is read is the order that was asked for, and its amounts are the digits of the answer.
pub fn klarna_order(data: &[u8]) -> bool {
    let Some(id) = KlarnaOrderId::new(ID) else { return false };
    let Ok(order) = run(client(Sections::bodies(data)).order(&id)) else { return false };
    // The client asks a second time only after a server error, so the first section is the answer.
    let body = data.windows(4).position(|four| four == b"\n%%\n").map_or(data, |at| &data[..at]);
    let fields: BTreeMap<String, &RawValue> =
        text(body).and_then(|text| serde_json::from_str(text).ok()).expect("what was read as an order is an object");
    let said = |name: &str| fields.get(name).map(|value| value.get());
    let named: String = serde_json::from_str(said("order_id").expect("the order names itself")).expect("in a string");
    assert!(named.eq_ignore_ascii_case(ID), "another order was taken for the one that was asked for");
    for (name, amount) in [("captured_amount", order.captured), ("refunded_amount", order.refunded)] {
        assert_eq!(said(name), Some(amount.get().to_string().as_str()), "{name} is not what was said");
        assert!(amount.get() >= 0);
    }
    for (name, found) in [("captures", order.captures.len()), ("refunds", order.refunds.len())] {
        let rows: Vec<&RawValue> =
            said(name).map_or_else(Vec::new, |list| serde_json::from_str(list).unwrap_or_default());
        assert_eq!(rows.len(), found, "a row of {name} was lost or made up");
    }
    true
}

/// No bytes but a well-formed success are a success; and no bytes but a refusal in Klarna's own words are a refusal.
///
/// The first letter says what was sent: `R`efund, `C`apture, cancel (`X`), re`L`ease, `E`xtend.
pub fn klarna_answer(data: &[u8]) -> bool {
    let (Some(id), Some((letter, rest))) = (KlarnaOrderId::new(ID), data.split_first()) else { return false };
    let kind = match letter {
        b'R' => Kind::Refund,
        b'C' => Kind::Capture,
        b'X' => Kind::Cancel,
        b'L' => Kind::Release,
        b'E' => Kind::Extend,
        _ => return false,
    };
    let Some(response) = answer(rest) else { return false };
    let given = run(client(Sections::of(vec![response.clone()])).send(kind, &id, "{}", &Uuid::nil()));
    let success = success(kind, &response);
    match given {
        Answer::Done { id, .. } => {
            let made = id.map_or(Made::Nothing, Made::Named);
            assert_eq!(Some(made), success, "this is no success: {response:?}");
        }
        Answer::Rejected(_) => assert!(is_refusal(&response), "this refuses nothing: {response:?}"),
        Answer::Throttled { .. } => assert_eq!(response.status, 429),
        Answer::AccountRefused(_) => assert!(matches!(response.status, 401 | 403)),
        Answer::Unknown(_) => assert!(success.is_none(), "a success was not seen: {response:?}"),
        Answer::NotSent(_) => panic!("an answer came, so something was sent"),
    }
    success.is_some()
}

/// What a success made.
#[derive(Debug, PartialEq, Eq)]
enum Made {
    /// A cancel and a release make nothing that has a name.
    Nothing,
    Named(String),
}

/// A refund and a capture: 201, and what was made is named once, in its header, its place, or in both alike. A cancel,
/// a release and an extension: 204. None of them speaks of an error.
fn success(kind: Kind, response: &Response) -> Option<Made> {
    let is_said = response.body.windows(10).any(|word| word == b"error_code");
    if is_said || fields(&response.body).is_some_and(|fields| fields.contains_key("error_code")) {
        return None;
    }
    let all = |name: &str| -> Vec<&str> {
        response.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    };
    let (header, others, folder) = match kind {
        Kind::Refund => ("refund-id", "capture-id", "refunds"),
        Kind::Capture => ("capture-id", "refund-id", "captures"),
        Kind::Cancel | Kind::Release | Kind::Extend => {
            let is_elsewhere = match all("location").as_slice() {
                [] => false,
                [only] => !is_below(only),
                _ => true,
            };
            let names_something = !all("refund-id").is_empty() || !all("capture-id").is_empty();
            return (response.status == 204 && !is_elsewhere && !names_something).then_some(Made::Nothing);
        }
        Kind::MarkPaid => return None,
    };
    let placed = |place: &str| {
        let mut parts: Vec<&str> = bare(place).trim_end_matches('/').split('/').collect();
        let id = parts.pop()?;
        let is_below = parts.pop() == Some(folder)
            && parts.pop().is_some_and(|owner| owner.eq_ignore_ascii_case(ID))
            && parts.pop() == Some("orders");
        (is_below && is_name(id)).then(|| id.to_owned())
    };
    if !all(others).is_empty() {
        return None;
    }
    let named = all(header);
    let place = match all("location").as_slice() {
        [] => None,
        // Another place is the answer to something else.
        [only] => Some(placed(only)?),
        _ => return None,
    };
    let id = match (named.as_slice(), place) {
        ([], Some(place)) => place,
        ([name], None) if is_name(name) => (*name).to_owned(),
        ([name], Some(place)) if *name == place => place,
        _ => return None,
    };
    (response.status == 201).then_some(Made::Named(id))
}

/// A place without its query.
fn bare(place: &str) -> &str {
    place.split(['?', '#']).next().unwrap_or(place)
}

/// The place is the order's own, or one below it.
fn is_below(place: &str) -> bool {
    let mut parts = bare(place).split('/').skip_while(|part| *part != "orders").skip(1);
    parts.next().is_some_and(|owner| owner.eq_ignore_ascii_case(ID))
}

fn is_name(word: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.:".contains(letter);
    (1..=255).contains(&word.len()) && word.chars().all(allowed)
}

/// 4xx, but none of those that speak of the conversation, with an `error_code` that is a word.
fn is_refusal(response: &Response) -> bool {
    let speaks_of_the_request =
        (400..500).contains(&response.status) && ![401, 408, 409, 425, 429, 499].contains(&response.status);
    let code = fields(&response.body).and_then(|fields| fields.get("error_code").map(|code| code.get()));
    let code: Option<String> = code.and_then(|code| serde_json::from_str(code).ok());
    speaks_of_the_request && code.is_some_and(|code| is_name(&code))
}

/// The members of a JSON object; a key that is said twice counts as it was said last.
fn fields(body: &[u8]) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(std::str::from_utf8(body).ok()?).ok()
}
