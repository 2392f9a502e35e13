//! Klarna's wire against the client: recorded shapes become facts, hostile ones become clear errors, and no answer
//! but a well-formed success is ever "done".

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on fails, and its helpers with it"
)]

mod wire_support;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;
use reconciled_core::answer::{Answer, Unreadable};
use reconciled_core::facts::{Fraud, KlarnaOrder, KlarnaStatus, Word};
use reconciled_core::id::{InvoiceId, InvoiceNumber, KlarnaOrderId, Reference};
use reconciled_core::intent::{Effect, Kind};
use reconciled_core::money::{Currency, Minor};
use reconciled_sides::budget::{Budget, KLARNA_PLAYGROUND_PER_SECOND};
use reconciled_sides::http::ReadWrite;
use reconciled_sides::http::{Method, Response, TransportError};
use reconciled_sides::klarna::{Client, Settings, payload};
use uuid::Uuid;
use wire_support::{Reply, Scripted, Still, at, credentials, fixture, ok, response, run};

const ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const KEY: Uuid = Uuid::from_u128(7);

fn id() -> KlarnaOrderId {
    KlarnaOrderId::new(ID).unwrap()
}

fn client(transport: &Scripted, clock: &Still) -> Client<Scripted, Still> {
    let base_url = "https://klarna.invalid/".to_owned();
    let budget = Budget::klarna("klarna", &base_url, KLARNA_PLAYGROUND_PER_SECOND);
    let settings = Settings { base_url, credentials: credentials() };
    Client::new(transport.clone(), clock.clone(), settings, Arc::new(budget))
}

fn read(reply: Reply) -> Result<KlarnaOrder, Unreadable> {
    run(client(&Scripted::always(reply), &Still::new()).order(&id()))
}

fn send(kind: Kind, reply: Reply) -> Answer {
    run(client(&Scripted::always(reply), &Still::new()).send(kind, &id(), "{}", &KEY))
}

fn minor(amount: i64) -> Minor {
    Minor::new(amount).unwrap()
}

fn failure(result: Result<KlarnaOrder, Unreadable>) -> String {
    match result {
        Err(Unreadable::Failed(said)) => said.message,
        other => panic!("not a failure: {other:?}"),
    }
}

#[test]
fn a_recorded_order_becomes_facts() {
    let order = read(ok(fixture("klarna/order.json"))).unwrap();
    assert_eq!(order.id, id());
    assert_eq!(order.status, Word::Known(KlarnaStatus::PartCaptured));
    assert_eq!(order.fraud, Some(Word::Known(Fraud::Accepted)));
    assert_eq!(order.currency, Word::Known(Currency::EUR));
    assert_eq!((order.order_amount, order.original_amount), (minor(9000), minor(10_000)));
    assert_eq!((order.captured, order.refunded), (minor(6000), minor(1500)));
    assert_eq!(order.remaining, minor(3000));
    assert_eq!(order.merchant_reference1.as_deref(), Some("ORD00018"));
    assert_eq!(order.expires_at, Some(at("2026-05-29T00:00:00Z")));
    let capture = &order.captures[0];
    assert_eq!(capture.id.as_str(), "4ba29b50-be7b-44f5-a492-113e6a865e22");
    assert_eq!(capture.amount, minor(6000));
    assert_eq!(capture.reference, Some(Reference("ORD00018:1".to_owned())));
    assert_eq!(capture.captured_at, Some(at("2026-05-02T07:00:00Z")));
    let refunds: Vec<(&str, i64, Option<&str>)> = order
        .refunds
        .iter()
        .map(|refund| {
            let reference = refund.reference.as_ref().map(Reference::as_str);
            (refund.id.as_str(), refund.amount.get(), reference)
        })
        .collect();
    let named = ("9c6b9a1e-70a8-4c21-a8c0-3a1a3cbd5d12", 1000, Some("INV00038"));
    let first = ("nameless:at:2026-05-10T15:00:00Z:250:1", 250, None);
    let second = ("nameless:at:2026-05-10T15:00:00Z:250:2", 250, None);
    assert_eq!(refunds, [named, first, second]);
}

/// The fixture with one line of it changed.
fn altered(from: &str, to: &str) -> String {
    let body = fixture("klarna/order.json");
    assert!(body.contains(from), "{from}");
    body.replacen(from, to, 1)
}

#[test]
fn what_is_missing_is_derived_only_where_klarna_says_how() {
    let order = read(ok(altered("  \"remaining_authorized_amount\" : 3000,\n", ""))).unwrap();
    assert_eq!(order.remaining, minor(3000));
    let without = altered("  \"remaining_authorized_amount\" : 3000,\n", "");
    let order = read(ok(without.replace("PART_CAPTURED", "CAPTURED"))).unwrap();
    assert_eq!(order.remaining, minor(0));
    let order = read(ok(altered("  \"original_order_amount\" : 10000,\n", ""))).unwrap();
    assert_eq!(order.original_amount, minor(9000));
    let order = read(ok(altered("\"fraud_status\" : \"ACCEPTED\"", "\"fraud_status\" : \"STOPPED\""))).unwrap();
    assert_eq!(order.fraud, Some(Word::Unknown("STOPPED".to_owned())));
    let order = read(ok(altered("\"fraud_status\" : \"ACCEPTED\",", ""))).unwrap();
    assert_eq!(order.fraud, None);
    let order = read(ok(altered("\"PART_CAPTURED\"", "\"PAUSED\""))).unwrap();
    assert_eq!(order.status, Word::Unknown("PAUSED".to_owned()));
    let order = read(ok(altered("\"status\" : \"PART_CAPTURED\",", ""))).unwrap();
    assert_eq!(order.status, Word::Unknown("(missing)".to_owned()));
    let order = read(ok(altered("\"EUR\"", "\"XTS\""))).unwrap();
    assert_eq!(order.currency, Word::Unknown("XTS".to_owned()));
    let order = read(ok(altered("\"2026-05-29T00:00:00.000Z\"", "\"soon\""))).unwrap();
    assert_eq!(order.expires_at, None);
}

#[test]
fn fields_nobody_needs_never_spoil_an_order() {
    let expected = read(ok(fixture("klarna/order.json"))).unwrap();
    for (from, to) in [
        ("\"locale\" : \"nl-NL\"", "\"locale\" : {\"a\":[1e400]}"),
        ("\"customer\" : { }", "\"customer\" : 7"),
        ("\"order_lines\" : [ {", "\"extra\" : null, \"order_lines\" : [ {"),
        ("\"klarna_reference\" : \"20S0A1B2\"", "\"klarna_reference\" : \"\\ud800\""),
        ("{\n", "\u{feff}{\n"),
    ] {
        assert_eq!(read(ok(altered(from, to))), Ok(expected.clone()), "{to}");
    }
    let deep = format!("\"customer\" : {}{}", "[".repeat(20_000), "]".repeat(20_000));
    assert_eq!(read(ok(altered("\"customer\" : { }", &deep))), Ok(expected));
}

#[test]
fn hostile_orders_are_refused_by_name() {
    let amount = "\"captured_amount\" : 6000,\n  \"refunded_amount\"";
    let changed = |value: &str| altered(amount, &format!("\"captured_amount\" : {value},\n  \"refunded_amount\""));
    for value in [
        "null",
        "\"6000\"",
        "6000.0",
        "6e3",
        "-1",
        "1e400",
        "true",
        "[]",
        "{}",
        "\"\"",
        "99999999999999999999",
        "9999999999999999",
    ] {
        assert!(failure(read(ok(changed(value)))).contains("captured_amount"), "{value}");
    }
    for (from, to, names) in [
        ("\"order_amount\" : 9000,", "", "order_amount"),
        ("\"refunded_amount\" : 1500,", "", "refunded_amount"),
        ("\"remaining_authorized_amount\" : 3000", "\"remaining_authorized_amount\" : \"x\"", "remaining"),
        ("\"original_order_amount\" : 10000", "\"original_order_amount\" : 0.5", "original"),
        ("\"refunded_amount\" : 1000", "\"refunded_amount\" : 10.00", "refunds.refunded_amount"),
        ("\"captured_amount\" : 6000, \"captured_at\"", "\"captured_at\"", "captures.captured_amount"),
        ("\"refunds\" : [", "\"refunds\" : {}, \"x\" : [", "refunds"),
        ("\"captures\" : [", "\"captures\" : [7,", "capture"),
        (ID, "3f2504e0-4f89-41d3-9a0c-0305e82c3302", "instead of order"),
        ("\"order_id\" :", "\"id\" :", "order_id"),
        ("\"captured_amount\" : 6000,\n", "\"captured_amount\" : 6000,\n\"captured_amount\" : 1,\n", "once"),
        ("{\n", "[{\n", "object"),
    ] {
        let message = failure(read(ok(altered(from, to))));
        assert!(message.contains(names), "{to}: {message}");
    }
    let whole = fixture("klarna/order.json");
    for cut in (0..whole.trim_end().len()).step_by(37) {
        failure(read(ok(&whole.as_bytes()[..cut])));
    }
    for body in ["", "null", "[]", "{}", "NaN", "<html>", "\u{0}"] {
        failure(read(ok(body)));
    }
    assert!(failure(read(ok(vec![b'"', 0xff, b'"']))).contains("UTF-8"));
}

#[test]
fn reads_are_classified_by_status_and_code() {
    let json = |code: &str| format!("{{\"error_code\":\"{code}\",\"error_messages\":[]}}");
    let name = |result: &Result<KlarnaOrder, Unreadable>| match result {
        Ok(_) => "read",
        Err(Unreadable::NotFound(_)) => "not found",
        Err(Unreadable::Throttled { .. }) => "throttled",
        Err(Unreadable::Refused(_)) => "refused",
        Err(Unreadable::OutOfBudget { .. }) => "out of budget",
        Err(Unreadable::Failed(_)) => "failed",
    };
    for (status, body, expected) in [
        (404, json("NO_SUCH_ORDER"), "not found"),
        (404, json("NOT_FOUND"), "not found"),
        (404, "<html>".to_owned(), "failed"),
        (404, String::new(), "failed"),
        (400, json("NOT_FOUND"), "not found"),
        (400, json("INVALID_ORDER_ID"), "not found"),
        (400, json("BAD_VALUE"), "failed"),
        (401, fixture("klarna/error_401.html"), "refused"),
        (401, json("UNAUTHORIZED"), "refused"),
        (403, "<html>".to_owned(), "refused"),
        (403, json("NOT_ALLOWED"), "failed"),
        (429, json("TOO_MANY_REQUESTS"), "throttled"),
        (429, String::new(), "throttled"),
        (301, String::new(), "failed"),
        (204, String::new(), "failed"),
        (206, fixture("klarna/order.json"), "failed"),
        (500, json("INTERNAL_SERVER_ERROR"), "failed"),
        (503, "<html>".to_owned(), "failed"),
    ] {
        let result = read(Ok(response(status, &[], body.clone())));
        assert_eq!(name(&result), expected, "{status} {body}");
    }
}

#[test]
fn a_read_is_repeated_once_and_counted() {
    let broken = Ok(response(502, &[], "<html>"));
    let lost = Err(TransportError::Lost("reset".to_owned()));
    let good = ok(fixture("klarna/order.json"));
    for first in [broken.clone(), lost.clone()] {
        let (transport, clock) = (Scripted::sequence(vec![first, good.clone()]), Still::new());
        let client = client(&transport, &clock);
        run(client.order(&id())).unwrap();
        assert_eq!(client.calls(), ReadWrite { read: 2, write: 0 });
        assert!(clock.passed() >= Duration::from_secs(1));
    }
    let transport = Scripted::sequence(vec![broken.clone(), lost, good]);
    let message = failure(run(client(&transport, &Still::new()).order(&id())));
    assert!(message.contains("reset"), "{message}");
    let request = &transport.asked()[0];
    assert_eq!(request.url, format!("https://klarna.invalid/ordermanagement/v1/orders/{ID}"));
    assert_eq!((request.method, request.body.as_deref()), (Method::Get, None));
    assert!(request.headers.is_empty());
}

#[test]
fn credentials_are_accepted_when_klarna_says_in_its_own_words_that_it_knows_no_such_order() {
    let probe = |reply: Reply| {
        let transport = Scripted::always(reply);
        let answer = run(client(&transport, &Still::new()).probe());
        assert_eq!(transport.asked().len(), 1);
        assert_eq!(transport.asked()[0].method, Method::Get);
        answer
    };
    let date = [("Date", "Mon, 01 Jun 2026 12:00:30 GMT")];
    let unknown = r#"{"error_code":"NO_SUCH_ORDER","error_messages":[],"correlation_id":"c"}"#;
    assert_eq!(probe(Ok(response(404, &date, unknown))), Ok(Some(at("2026-06-01T12:00:30Z"))));
    let invalid = r#"{"error_code":"INVALID_ORDER_ID","error_messages":[]}"#;
    assert_eq!(probe(Ok(response(400, &[], invalid))), Ok(None));
    let refused = probe(Ok(response(401, &date, fixture("klarna/error_401.html"))));
    assert!(matches!(refused, Err(Unreadable::Refused(_))), "{refused:?}");
    for reply in [
        Ok(response(404, &date, "<html>not here</html>")),
        Ok(response(503, &date, "")),
        Err(TransportError::Lost("reset".to_owned())),
    ] {
        assert!(matches!(probe(reply), Err(Unreadable::Failed(_))), "an edge is not Klarna");
    }
}

#[test]
fn a_write_is_one_request_with_the_callers_key_and_payload() {
    for (kind, path) in [
        (Kind::Refund, "/refunds"),
        (Kind::Capture, "/captures"),
        (Kind::Cancel, "/cancel"),
        (Kind::Release, "/release-remaining-authorization"),
        (Kind::Extend, "/extend-authorization-time"),
    ] {
        let transport = Scripted::always(Err(TransportError::Lost("reset".to_owned())));
        let client = client(&transport, &Still::new());
        let body = if path.ends_with('s') { "{\"a\":1}" } else { "" };
        let answer = run(client.send(kind, &id(), body, &KEY));
        assert!(matches!(answer, Answer::Unknown(_)));
        assert_eq!(client.calls(), ReadWrite { read: 0, write: 1 });
        let request = transport.asked().pop().unwrap();
        assert_eq!(request.method, Method::Post);
        assert_eq!(request.url, format!("https://klarna.invalid/ordermanagement/v1/orders/{ID}{path}"));
        assert_eq!(request.headers, [("klarna-idempotency-key", KEY.to_string())]);
        assert_eq!(request.body.unwrap_or_default(), body);
        assert_eq!(request.timeout, Duration::from_secs(70));
    }
}

fn shape(answer: &Answer) -> &'static str {
    match answer {
        Answer::Done { .. } => "done",
        Answer::Rejected(_) => "rejected",
        Answer::Throttled { .. } => "throttled",
        Answer::NotSent(_) => "not sent",
        Answer::Unknown(_) => "unknown",
        Answer::AccountRefused(_) => "account refused",
    }
}

const NO_HEADERS: &[(&str, &str)] = &[];
const REFUND: &str = "https://api.klarna.com/ordermanagement/v1/orders/3f2504e0-4f89-41d3-9a0c-0305e82c3301/refunds/";

/// Effect, status, headers, body, and what the answer is.
type Row<'a> = (Kind, u16, &'a [(&'a str, &'a str)], &'a str, &'a str);

#[test]
fn success_is_only_what_is_well_formed() {
    let below = format!("{REFUND}r-1");
    let elsewhere = format!("https://api.klarna.com/ordermanagement/v1/orders/{ID}");
    let elsewhere = elsewhere.as_str();
    let another = below.replace("3301/", "3302/");
    let capture = below.replace("refunds", "captures");
    let stranger = another.replace("refunds", "captures");
    let relative = format!("/ordermanagement/v1/orders/{}/refunds/r-1/?x=1", ID.to_uppercase());
    let refused = fixture("klarna/error_403.json");
    let long = "a".repeat(256);
    let table: &[Row<'_>] = &[
        (Kind::Refund, 201, &[("refund-id", "r-1")], "", "done"),
        (Kind::Refund, 201, &[("Refund-Id", "r-1"), ("location", elsewhere)], "", "unknown"),
        (Kind::Refund, 201, &[("Refund-Id", "r-1"), ("location", &another)], "", "unknown"),
        (Kind::Refund, 201, &[("location", &another)], "", "unknown"),
        (Kind::Refund, 201, &[("Refund-Id", "r-1"), ("location", &capture)], "", "unknown"),
        (Kind::Refund, 201, &[("Refund-Id", "r-1"), ("location", &below), ("location", &below)], "", "unknown"),
        (Kind::Refund, 201, &[("Refund-Id", "r-1"), ("capture-id", "r-1")], "", "unknown"),
        (Kind::Refund, 201, &[("Refund-Id", "r-1"), ("location", &relative)], "", "done"),
        (Kind::Refund, 201, &[("refund-id", "r-1"), ("location", &below)], "", "done"),
        (Kind::Refund, 201, &[("refund-id", "r-2"), ("location", &below)], "", "unknown"),
        (Kind::Refund, 201, &[("refund-id", "r-1")], "<html>", "done"),
        (Kind::Refund, 201, &[("location", &below)], "", "done"),
        (Kind::Refund, 201, &[("location", elsewhere)], "", "unknown"),
        (Kind::Refund, 201, &[("location", REFUND)], "", "unknown"),
        (Kind::Refund, 201, &[("capture-id", "r-1")], "", "unknown"),
        (Kind::Refund, 201, &[("refund-id", "")], "", "unknown"),
        (Kind::Refund, 201, &[("refund-id", "a b")], "", "unknown"),
        (Kind::Refund, 201, &[("refund-id", &long)], "", "unknown"),
        (Kind::Refund, 201, &[("refund-id", "r-1"), ("refund-id", "r-2")], "", "unknown"),
        (Kind::Refund, 201, &[("refund-id", "r-1")], &refused, "unknown"),
        (Kind::Refund, 201, &[("refund-id", "r-1")], r#"{"error_code":"A","error_code":"B"}"#, "unknown"),
        (Kind::Refund, 201, &[("refund-id", "r-1")], r#"{"error_code":"not a word"}"#, "unknown"),
        (Kind::Refund, 201, &[("refund-id", "r-1")], r#"{"error\u005fcode":7}"#, "unknown"),
        (Kind::Refund, 201, &[("refund-id", "r-1")], r#"{"error_code":"NOT_AL"#, "unknown"),
        (Kind::Refund, 201, NO_HEADERS, "", "unknown"),
        (Kind::Refund, 200, &[("refund-id", "r-1")], "", "unknown"),
        (Kind::Refund, 202, &[("refund-id", "r-1")], "", "unknown"),
        (Kind::Refund, 204, &[("refund-id", "r-1")], "", "unknown"),
        (Kind::Capture, 201, &[("capture-id", "c-1")], "", "done"),
        (Kind::Capture, 201, &[("refund-id", "c-1")], "", "unknown"),
        (Kind::Capture, 201, &[("location", &below)], "", "unknown"),
        (Kind::Capture, 201, &[("location", &capture)], "", "done"),
        (Kind::Capture, 201, &[("capture-id", "r-1"), ("location", &stranger)], "", "unknown"),
        (Kind::Cancel, 204, &[("location", elsewhere)], "", "done"),
        (Kind::Cancel, 204, &[("location", &another)], "", "unknown"),
        (Kind::Cancel, 204, &[("refund-id", "r-1")], "", "unknown"),
        (Kind::Release, 204, &[("location", &another)], "", "unknown"),
        (Kind::Extend, 204, &[("capture-id", "r-1")], "", "unknown"),
        (Kind::Cancel, 204, NO_HEADERS, "", "done"),
        (Kind::Cancel, 200, NO_HEADERS, "", "unknown"),
        (Kind::Cancel, 201, NO_HEADERS, "", "unknown"),
        (Kind::Cancel, 204, NO_HEADERS, &refused, "unknown"),
        (Kind::Cancel, 204, NO_HEADERS, r#"{"error_code":7}"#, "unknown"),
        (Kind::Release, 204, NO_HEADERS, "", "done"),
        (Kind::Release, 202, NO_HEADERS, "", "unknown"),
        (Kind::Extend, 204, NO_HEADERS, "", "done"),
        (Kind::Extend, 200, NO_HEADERS, "", "unknown"),
        (Kind::Extend, 204, NO_HEADERS, &refused, "unknown"),
        (Kind::MarkPaid, 204, NO_HEADERS, "", "not sent"),
    ];
    for (kind, status, headers, body, expected) in table {
        let answer = send(*kind, Ok(response(*status, headers, *body)));
        assert_eq!(shape(&answer), *expected, "{kind:?} {status} {headers:?}");
    }
    let answer = send(Kind::Refund, Ok(response(201, &[("refund-id", "r-1"), ("klarna-correlation-id", "c-9")], "")));
    let (id, correlation_id) = (Some("r-1".to_owned()), Some("c-9".to_owned()));
    assert_eq!(answer, Answer::Done { id, correlation_id });
}

#[test]
fn refusals_are_only_klarnas_own() {
    let json = fixture("klarna/error_403.json");
    let json = json.as_str();
    let bodies: [(&str, &str, bool); 9] = [
        ("klarna", json, true),
        ("one message", r#"{"error_code":"X","error_message":"no"}"#, true),
        ("html", "<html></html>", false),
        ("empty", "", false),
        ("no code", r#"{"error_messages":["no"]}"#, false),
        ("empty code", r#"{"error_code":""}"#, false),
        ("number", r#"{"error_code":7}"#, false),
        ("twice", r#"{"error_code":"A","error_code":"B"}"#, false),
        ("list", r#"["error_code"]"#, false),
    ];
    for kind in [Kind::Refund, Kind::Capture, Kind::Cancel, Kind::Release, Kind::Extend] {
        for (name, body, is_klarnas) in bodies {
            for status in
                [300, 302, 400, 401, 403, 404, 405, 408, 409, 413, 422, 425, 429, 499, 500, 502, 503, 504, 520]
            {
                let expected = match status {
                    401 => "account refused",
                    429 => "throttled",
                    408 | 409 | 425 | 499 | 300..=399 | 500..=599 => "unknown",
                    400..=499 if is_klarnas => "rejected",
                    403 => "account refused",
                    _ => "unknown",
                };
                let answer = send(kind, Ok(response(status, &[("refund-id", "r-1")], body)));
                assert_eq!(shape(&answer), expected, "{kind:?} {status} {name}");
            }
        }
    }
    let cut = &json[..json.len() - 4];
    assert_eq!(shape(&send(Kind::Refund, Ok(response(422, &[], cut)))), "unknown");
    assert_eq!(shape(&send(Kind::Refund, Ok(response(422, &[], format!("\u{feff}{json}"))))), "unknown");
    assert_eq!(shape(&send(Kind::Refund, Err(TransportError::NotSent("dns".to_owned())))), "not sent");
    assert_eq!(shape(&send(Kind::Refund, Err(TransportError::Lost("cut".to_owned())))), "unknown");
}

#[test]
fn what_klarna_said_is_kept_and_made_harmless() {
    let Answer::Rejected(said) = send(Kind::Refund, Ok(response(403, &[], fixture("klarna/error_403.json")))) else {
        panic!("not rejected");
    };
    assert_eq!(said.status, Some(403));
    assert_eq!(said.code.as_deref(), Some("REFUND_NOT_ALLOWED"));
    assert_eq!(said.message, "HTTP 403: REFUND_NOT_ALLOWED: Over refund is not allowed. Refund not possible.");
    assert_eq!(said.correlation_id.as_deref(), Some("b0c6c9ee-b4f8-4b98-9abf-09c85b7ce49a"));
    let body = format!(r#"{{"error_code":"X","error_message":"\u001b[2J\n{}"}}"#, "é".repeat(9000));
    let Answer::Rejected(said) = send(Kind::Refund, Ok(response(400, &[], body))) else {
        panic!("not rejected");
    };
    assert!(said.message.starts_with("HTTP 400: X: \\u{1b}[2J\\u{a}é"), "{}", said.message);
    assert!(said.message.chars().count() < 330);
}

#[test]
fn a_throttled_account_is_told_when() {
    let until = |headers: &[(&str, &str)]| {
        let clock = Still::new();
        let transport = Scripted::always(Ok(response(429, headers, "")));
        let answer = run(client(&transport, &clock).send(Kind::Refund, &id(), "{}", &KEY));
        let Answer::Throttled { until, .. } = answer else { panic!("{answer:?}") };
        until.duration_since(at("2026-06-01T12:00:00Z"))
    };
    let table: &[(&[(&str, &str)], i64)] = &[
        (&[("x-ratelimit-reset", "7")], 7),
        (&[("retry-after", "9")], 9),
        (&[("retry-after", "Mon, 01 Jun 2026 12:02:00 GMT")], 120),
        (&[("x-ratelimit-reset", "2"), ("retry-after", "9")], 2),
        (&[("x-ratelimit-reset", "0")], 1),
        (&[("x-ratelimit-reset", "4000000000")], 86_400),
        (&[("x-ratelimit-reset", "soon")], 1),
        (&[("retry-after", "Mon, 01 Jun 2020 12:02:00 GMT")], 1),
        (&[], 1),
    ];
    for (headers, seconds) in table {
        assert_eq!(until(headers), SignedDuration::from_secs(*seconds), "{headers:?}");
    }
}

#[test]
fn payloads_are_amounts_and_references_only() {
    let effect = |kind, amount| Effect {
        kind,
        amount: minor(amount),
        reference: Reference("INV\"1".to_owned()),
        credit_invoice: Some((InvoiceId(1), InvoiceNumber("INV1".to_owned()))),
        generation: 0,
    };
    assert_eq!(
        payload(&effect(Kind::Refund, 4495)),
        r#"{"refunded_amount":4495,"reference":"INV\"1","description":"Refund for your order"}"#
    );
    assert_eq!(
        payload(&effect(Kind::Capture, 1)),
        r#"{"captured_amount":1,"reference":"INV\"1","description":"Your order has been shipped"}"#
    );
    assert_eq!(payload(&effect(Kind::Cancel, 0)), "");
    assert_eq!(payload(&effect(Kind::Release, 0)), "");
    assert_eq!(payload(&effect(Kind::Extend, 4495)), "");
}

#[test]
fn nothing_secret_is_printed() {
    let transport = Scripted::always(ok(fixture("klarna/order.json")));
    let client = client(&transport, &Still::new());
    run(client.order(&id())).unwrap();
    assert!(!format!("{:?}", transport.asked()).contains("s3cret"));
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let raw = prop::collection::vec(any::<u8>(), 0..200);
    let json =
        prop::sample::select(vec![fixture("klarna/order.json"), fixture("klarna/error_403.json"), "{}".to_owned()]);
    let damaged = (json, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    });
    prop_oneof![raw, damaged]
}

fn header() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(vec![
        "location",
        "retry-after",
        "x-ratelimit-reset",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "klarna-correlation-id",
        "content-type",
    ]);
    (name.prop_map(str::to_owned), "[ -~]{0,40}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_but_a_well_formed_success_is_done(
        status in 100_u16..600,
        headers in prop::collection::vec(header(), 0..4),
        body in bodies(),
        kind in prop::sample::select(Kind::ALL.to_vec()),
    ) {
        let names_a_refund = headers.iter().any(|(name, value)| {
            name == "location" && (value.contains("refunds/") || value.contains("captures/"))
        });
        let is_success = match kind {
            Kind::Cancel | Kind::Release | Kind::Extend => status == 204,
            Kind::Refund | Kind::Capture => status == 201 && names_a_refund,
            Kind::MarkPaid => false,
        };
        let answer = send(kind, Ok(Response { status, headers, body }));
        prop_assert!(is_success || !matches!(answer, Answer::Done { .. }), "{answer:?}");
        let refusable = (400..500).contains(&status);
        prop_assert!(refusable || !matches!(answer, Answer::Rejected(_)), "{answer:?}");
    }

    #[test]
    fn no_body_makes_a_read_panic(status in 200_u16..600, body in bodies()) {
        let _ = read(Ok(response(status, &[], body)));
    }
}
