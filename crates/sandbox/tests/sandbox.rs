//! The sandbox against what is known of the two services: lifecycles, keys, lists, encodings, limits and faults.
//!
//! Most tests drive `World::handle` directly; the last few go over loopback.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reconciled_sandbox::server::{ServeOptions, serve};
use reconciled_sandbox::{
    Credit, Effect, FaultKind, FaultRule, KlarnaStart, NewLine, NewOrder, Reply, Request, Response, Seed, Side, World,
    person, webhook_signature,
};
use serde_json::Value;
use uuid::Uuid;

#[path = "sandbox/facts.rs"]
mod facts;
#[path = "sandbox/wide.rs"]
mod wide;

/// A world, the time it is asked at, and the shorthand of a client.
struct Rig {
    world: World,
    now: Timestamp,
}

fn noon() -> Timestamp {
    "2026-06-03T10:00:00Z".parse().expect("a valid instant")
}

impl Rig {
    fn new() -> Self {
        let mut world = World::new(7, noon());
        world.limits_mut().enabled = false;
        Self { world, now: noon() }
    }

    fn wait(&mut self, seconds: i64) {
        self.now = self.now.saturating_add(SignedDuration::from_secs(seconds)).expect("in range");
    }

    fn reply(&mut self, side: Side, request: Request) -> Reply {
        let authorization = match side {
            Side::Klarna => self.world.accounts().merchant_authorization(),
            Side::Lightspeed | Side::Control => self.world.accounts().shop_authorization(),
        };
        let request = request.with_header("Authorization", &authorization);
        self.world.handle(side, &request, self.now)
    }

    fn send(&mut self, side: Side, request: Request) -> Response {
        let reply = self.reply(side, request);
        let Reply::Respond(response) = reply else { panic!("no plain answer: {reply:?}") };
        response
    }

    fn shop_get(&mut self, path: &str) -> Value {
        let response = self.send(Side::Lightspeed, Request::new("GET", path));
        assert_eq!(response.status, 200, "{path}: {}", text(&response));
        json(&response)
    }

    fn shop(&mut self, method: &str, path: &str, body: &str) -> Response {
        self.send(Side::Lightspeed, Request::new(method, path).with_body(body))
    }

    fn klarna(&mut self, method: &str, id: Uuid, tail: &str, body: &str) -> Response {
        let path = format!("/ordermanagement/v1/orders/{id}{tail}");
        self.send(Side::Klarna, Request::new(method, &path).with_body(body))
    }

    fn keyed(&mut self, id: Uuid, tail: &str, body: &str, key: &str) -> Response {
        let path = format!("/ordermanagement/v1/orders/{id}{tail}");
        let request = Request::new("POST", &path).with_body(body);
        self.send(Side::Klarna, request.with_header("Klarna-Idempotency-Key", key))
    }

    fn klarna_order(&mut self, id: Uuid) -> Value {
        let response = self.klarna("GET", id, "", "");
        assert_eq!(response.status, 200);
        json(&response)
    }

    fn place(&mut self, amount: i64, start: KlarnaStart) -> (u64, Uuid) {
        self.world.at(self.now);
        let made = self.world.create_order(&NewOrder::of(amount, start));
        (made.order, made.klarna.expect("paid with Klarna"))
    }

    fn control(&mut self, method: &str, path: &str, body: &str) -> Value {
        let request = Request::new(method, path).with_body(body);
        let response = self.send(Side::Control, request);
        assert_eq!(response.status, 200, "{path}: {}", text(&response));
        json(&response)
    }

    fn switch(&mut self, name: &str, value: &str) {
        self.world.set_switch(name, value).expect("a switch of that name and value");
    }
}

fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}

fn json(response: &Response) -> Value {
    serde_json::from_slice(&response.body).expect("JSON")
}

fn code(response: &Response) -> (u16, String) {
    let code = serde_json::from_slice::<Value>(&response.body).ok();
    let code = code.and_then(|body| body["error_code"].as_str().map(str::to_owned));
    (response.status, code.unwrap_or_default())
}

// --- Klarna ---------------------------------------------------------------------------------

/// The table of what is allowed in which status.
#[test]
fn klarna_lifecycle_table() {
    let capture = ("POST", "/captures", r#"{"captured_amount":100}"#);
    let refund = ("POST", "/refunds", r#"{"refunded_amount":100}"#);
    let cancel = ("POST", "/cancel", "");
    let release = ("POST", "/release-remaining-authorization", "");
    let extend = ("POST", "/extend-authorization-time", "");
    let update = ("PATCH", "/authorization", r#"{"order_amount":4000}"#);
    let references = ("PATCH", "/merchant-references", r#"{"merchant_reference2":"x"}"#);
    let (captures, refunds, cancels, other) =
        ("CAPTURE_NOT_ALLOWED", "REFUND_NOT_ALLOWED", "CANCEL_NOT_ALLOWED", "NOT_ALLOWED");
    let part = KlarnaStart::PartCaptured(2_000);
    let rows = [
        (KlarnaStart::Authorized, capture, 201, ""),
        (KlarnaStart::Authorized, refund, 403, refunds),
        (KlarnaStart::Authorized, cancel, 204, ""),
        (KlarnaStart::Authorized, release, 403, other),
        (KlarnaStart::Authorized, extend, 204, ""),
        (KlarnaStart::Authorized, update, 204, ""),
        (KlarnaStart::Authorized, references, 204, ""),
        (part, capture, 201, ""),
        (part, refund, 201, ""),
        (part, cancel, 403, cancels),
        (part, release, 204, ""),
        (part, extend, 204, ""),
        (part, update, 204, ""),
        (part, references, 204, ""),
        (KlarnaStart::Captured, capture, 403, captures),
        (KlarnaStart::Captured, refund, 201, ""),
        (KlarnaStart::Captured, cancel, 403, cancels),
        (KlarnaStart::Captured, release, 403, other),
        (KlarnaStart::Captured, extend, 403, other),
        (KlarnaStart::Captured, update, 403, other),
        (KlarnaStart::Captured, references, 204, ""),
        (KlarnaStart::Cancelled, capture, 403, captures),
        (KlarnaStart::Cancelled, refund, 403, refunds),
        (KlarnaStart::Cancelled, cancel, 403, cancels),
        (KlarnaStart::Cancelled, release, 403, other),
        (KlarnaStart::Cancelled, extend, 403, other),
        (KlarnaStart::Cancelled, update, 403, other),
        (KlarnaStart::Cancelled, references, 403, other),
        (KlarnaStart::Expired, capture, 403, captures),
        (KlarnaStart::Expired, refund, 403, refunds),
        (KlarnaStart::Expired, cancel, 403, cancels),
        (KlarnaStart::Expired, release, 403, other),
        (KlarnaStart::Expired, extend, 403, other),
        (KlarnaStart::Expired, update, 403, other),
        (KlarnaStart::Expired, references, 403, other),
    ];
    for (start, (method, tail, body), status, error) in rows {
        let mut rig = Rig::new();
        let (_, id) = rig.place(5_000, start);
        let response = rig.klarna(method, id, tail, body);
        assert_eq!(code(&response), (status, error.to_owned()), "{start:?} {method} {tail}");
    }
}

#[test]
fn klarna_amounts_and_statuses_move() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Authorized);
    let over = rig.klarna("POST", id, "/captures", r#"{"captured_amount":5001}"#);
    assert_eq!(code(&over), (403, "CAPTURE_NOT_ALLOWED".to_owned()));
    rig.klarna("POST", id, "/captures", r#"{"captured_amount":2000,"reference":"c1"}"#);
    let order = rig.klarna_order(id);
    assert_eq!(order["status"], "PART_CAPTURED");
    assert_eq!(order["remaining_authorized_amount"], 3_000);
    assert_eq!(rig.klarna("POST", id, "/release-remaining-authorization", "").status, 204);
    let order = rig.klarna_order(id);
    assert_eq!((&order["status"], &order["order_amount"]), (&"CAPTURED".into(), &5_000.into()));
    assert_eq!(order["remaining_authorized_amount"], 0);
    let refund = rig.klarna("POST", id, "/refunds", r#"{"refunded_amount":2000}"#);
    assert_eq!(refund.status, 201);
    let order = rig.klarna_order(id);
    assert_eq!(order["status"], "CAPTURED", "a full refund changes no status");
    assert_eq!(order["refunded_amount"], 2_000);
    let over = rig.klarna("POST", id, "/refunds", r#"{"refunded_amount":1}"#);
    assert_eq!(code(&over), (403, "REFUND_NOT_ALLOWED".to_owned()));
}

#[test]
fn klarna_creation_answers_in_headers_only() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Captured);
    let body = r#"{"refunded_amount":700,"reference":"INV00038","description":"Return"}"#;
    let response = rig.klarna("POST", id, "/refunds", body);
    assert_eq!((response.status, response.body.len()), (201, 0));
    assert!(response.header("Content-Type").is_none());
    let refund = response.header("refund-id").expect("an id").to_owned();
    let location = response.header("location").expect("a location");
    assert!(location.ends_with(&format!("/ordermanagement/v1/orders/{id}/refunds/{refund}")));
    assert!(response.header("klarna-correlation-id").is_some());
    let read = json(&rig.klarna("GET", id, &format!("/refunds/{refund}"), ""));
    assert_eq!(read["refunded_amount"], 700);
    assert_eq!(read["reference"], "INV00038");
    let order = rig.klarna_order(id);
    assert_eq!(order["refunds"][0]["refund_id"], refund.as_str());
    assert_eq!(order["refunds"][0]["reference"], "INV00038");
    assert_eq!(order["captures"][0]["captured_amount"], 5_000);
    let capture = order["captures"][0]["capture_id"].as_str().expect("an id").to_owned();
    let info = r#"{"shipping_info":[{"tracking_number":"3S"}]}"#;
    let posted = rig.klarna("POST", id, &format!("/captures/{capture}/shipping-info"), info);
    assert_eq!(posted.status, 204);
    let read = json(&rig.klarna("GET", id, &format!("/captures/{capture}"), ""));
    assert_eq!(read["shipping_info"][0]["tracking_number"], "3S");
    rig.switch("klarna.reads_carry_reference", "false");
    rig.switch("klarna.reads_carry_refund_id", "false");
    let order = rig.klarna_order(id);
    assert!(order["refunds"][0].get("reference").is_none());
    assert!(order["refunds"][0].get("refund_id").is_none());
    assert!(order["captures"][0].get("reference").is_none());
}

#[test]
fn klarna_keys_replay_the_first_answer_for_a_day() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Captured);
    let first = rig.keyed(id, "/refunds", r#"{"refunded_amount":700}"#, "k1");
    let again = rig.keyed(id, "/refunds", r#"{"refunded_amount":900}"#, "k1");
    assert_eq!(first.header("refund-id"), again.header("refund-id"), "the body is not looked at");
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 700);
    let replayed: Vec<bool> = rig.world.log().filter(|entry| entry.method == "POST").map(|one| one.replayed).collect();
    assert_eq!(replayed, [false, true]);
    rig.wait(86_399);
    rig.keyed(id, "/refunds", r#"{"refunded_amount":700}"#, "k1");
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 700);
    rig.wait(1);
    rig.keyed(id, "/refunds", r#"{"refunded_amount":700}"#, "k1");
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 1_400, "after 24 h it happens again");
    rig.switch("klarna.key_ttl_s", "0");
    rig.keyed(id, "/refunds", r#"{"refunded_amount":100}"#, "k9");
    rig.keyed(id, "/refunds", r#"{"refunded_amount":100}"#, "k9");
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 1_600, "keys are forgotten at once");
}

#[test]
fn klarna_key_scope_and_refusals_are_switches() {
    let mut rig = Rig::new();
    let (_, one) = rig.place(5_000, KlarnaStart::Captured);
    let (_, two) = rig.place(5_000, KlarnaStart::Captured);
    let body = r#"{"refunded_amount":700}"#;
    rig.keyed(one, "/refunds", body, "k");
    rig.keyed(two, "/refunds", body, "k");
    assert_eq!(rig.klarna_order(two)["refunded_amount"], 0, "one key reaches the whole merchant");
    rig.switch("klarna.key_scope", "order");
    rig.keyed(two, "/refunds", body, "k");
    assert_eq!(rig.klarna_order(two)["refunded_amount"], 700);

    let (_, three) = rig.place(5_000, KlarnaStart::Authorized);
    assert_eq!(rig.keyed(three, "/refunds", body, "r").status, 403);
    rig.klarna("POST", three, "/captures", r#"{"captured_amount":5000}"#);
    assert_eq!(rig.keyed(three, "/refunds", body, "r").status, 201, "refusals are not kept");
    rig.switch("klarna.replay_4xx", "true");
    let (_, four) = rig.place(5_000, KlarnaStart::Authorized);
    assert_eq!(rig.keyed(four, "/refunds", body, "s").status, 403);
    rig.klarna("POST", four, "/captures", r#"{"captured_amount":5000}"#);
    assert_eq!(rig.keyed(four, "/refunds", body, "s").status, 403, "now they are");
}

#[test]
fn klarna_reads_may_lag() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Captured);
    rig.switch("klarna.read_lag_ms", "3000");
    rig.wait(10);
    rig.klarna("POST", id, "/refunds", r#"{"refunded_amount":700}"#);
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 0);
    rig.wait(2);
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 0);
    rig.wait(1);
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 700);
    let over = rig.klarna("POST", id, "/refunds", r#"{"refunded_amount":4301}"#);
    assert_eq!(over.status, 403, "writes are judged by the present");
}

#[test]
fn klarna_errors_have_their_shapes() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Captured);
    let stranger =
        rig.world.handle(Side::Klarna, &Request::new("GET", &format!("/ordermanagement/v1/orders/{id}")), noon());
    let Reply::Respond(stranger) = stranger else { panic!("answered") };
    assert_eq!((stranger.status, stranger.header("content-type")), (401, Some("text/html")));
    assert_eq!(stranger.header("www-authenticate"), Some("Basic realm=\"very closed site\""));
    let unknown = Uuid::from_u128(5);
    let missing = rig.klarna("GET", unknown, "", "");
    assert_eq!(code(&missing), (404, "NO_SUCH_ORDER".to_owned()));
    let body = json(&missing);
    assert_eq!(body["correlation_id"].as_str(), missing.header("klarna-correlation-id"));
    assert_eq!(body["error_messages"][0], format!("Order {unknown} cannot be found"));
    assert!(text(&missing).contains("\"error_code\" : \"NO_SUCH_ORDER\""), "recorded spacing");
    let path = Request::new("GET", "/ordermanagement/v1/orders/not-a-uuid");
    assert_eq!(code(&rig.send(Side::Klarna, path)), (400, "INVALID_ORDER_ID".to_owned()));
    let refund = rig.klarna("POST", unknown, "/refunds", r#"{"refunded_amount":1}"#);
    assert_eq!(code(&refund), (404, "NOT_FOUND".to_owned()));
    let empty = rig.klarna("POST", id, "/refunds", "{}");
    assert_eq!(code(&empty), (422, "UNPROCESSABLE_ENTITY".to_owned()));
    assert_eq!(json(&empty)["error_messages"][0], "'refunded_amount' may not be null");
    let huge = "x".repeat(1_000_001);
    assert_eq!(code(&rig.klarna("POST", id, "/refunds", &huge)).0, 413);
    let long = format!(r#"{{"refunded_amount":1,"reference":"{}"}}"#, "x".repeat(256));
    assert_eq!(rig.klarna("POST", id, "/refunds", &long).status, 422);
    assert_eq!(rig.klarna("POST", id, "/refunds", r#"{"refunded_amount":1.5}"#).status, 400);
}

#[test]
fn klarna_authorizations_expire_and_extend() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Authorized);
    let order = rig.klarna_order(id);
    assert_eq!(order["created_at"], "2026-06-03T10:00:00.000Z");
    assert_eq!(order["expires_at"], "2026-07-01T00:00:00.000Z");
    rig.wait(86_400);
    assert_eq!(rig.klarna("POST", id, "/extend-authorization-time", "").status, 204);
    assert_eq!(rig.klarna_order(id)["expires_at"], "2026-07-02T00:00:00.000Z");
    rig.world.advance_clock(28 * 86_400_000);
    let order = rig.klarna_order(id);
    assert_eq!((&order["status"], &order["remaining_authorized_amount"]), (&"EXPIRED".into(), &0.into()));
    let (_, part) = rig.place(5_000, KlarnaStart::PartCaptured(1_000));
    rig.world.expire(part).expect("known");
    assert_eq!(rig.klarna_order(part)["status"], "EXPIRED");
    let refund = rig.klarna("POST", part, "/refunds", r#"{"refunded_amount":1000}"#);
    assert_eq!(refund.status, 201, "captures stay refundable by default");
}

#[test]
fn klarna_switches_decide_open_questions() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Cancelled);
    rig.switch("klarna.second_cancel", "accept");
    assert_eq!(rig.klarna("POST", id, "/cancel", "").status, 204);
    let (_, id) = rig.place(5_000, KlarnaStart::Expired);
    rig.switch("klarna.cancel_expired", "accept");
    assert_eq!(rig.klarna("POST", id, "/cancel", "").status, 204);
    let (_, id) = rig.place(5_000, KlarnaStart::Captured);
    assert_eq!(rig.klarna("POST", id, "/refunds", r#"{"refunded_amount":0}"#).status, 403);
    rig.switch("klarna.refund_zero", "accept");
    assert_eq!(rig.klarna("POST", id, "/refunds", r#"{"refunded_amount":0}"#).status, 201);
    rig.switch("klarna.amount_after_close", "lowered");
    rig.switch("klarna.remaining_after_close", "kept");
    let (_, id) = rig.place(5_000, KlarnaStart::PartCaptured(1_500));
    rig.klarna("POST", id, "/release-remaining-authorization", "");
    let order = rig.klarna_order(id);
    assert_eq!(order["order_amount"], 1_500);
    assert_eq!(order["remaining_authorized_amount"], 3_500);
    assert!(rig.world.set_switch("klarna.refund_zero", "maybe").is_err());
    assert!(rig.world.set_switch("klarna.no_such", "true").is_err());
}

#[test]
fn klarna_rate_limit_counts_per_second() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Captured);
    rig.world.limits_mut().enabled = true;
    for left in (0..50).rev() {
        let response = rig.klarna("GET", id, "", "");
        let remaining = format!("{left}");
        assert_eq!(response.header("x-ratelimit-remaining"), Some(remaining.as_str()));
        assert_eq!(response.header("x-ratelimit-limit"), Some("50, 50;w=1"));
    }
    let limited = rig.klarna("GET", id, "", "");
    assert_eq!(code(&limited), (429, "TOO_MANY_REQUESTS".to_owned()));
    rig.wait(1);
    rig.switch("klarna.rate_headers", "none");
    let free = rig.klarna("GET", id, "", "");
    assert_eq!((free.status, free.header("x-ratelimit-limit")), (200, None));
}

// --- Lightspeed -----------------------------------------------------------------------------

#[test]
fn shop_refuses_strangers_languages_and_missing_permissions() {
    let mut rig = Rig::new();
    let (order, _) = rig.place(5_000, KlarnaStart::Captured);
    let path = format!("/nl/orders/{order}.json");
    let Reply::Respond(stranger) = rig.world.handle(Side::Lightspeed, &Request::new("GET", &path), noon()) else {
        panic!("answered")
    };
    assert_eq!(stranger.status, 401);
    assert_eq!(json(&stranger)["error"]["message"], "Access denied.");
    let foreign = rig.shop("GET", "/fr/orders.json", "");
    assert_eq!(foreign.status, 404);
    let error = json(&foreign)["error"].clone();
    assert_eq!(error["message"], "Unknown or inactive language.");
    assert_eq!((&error["code"], &error["method"]), (&404.into(), &"READ".into()));
    assert_eq!(error["request"], "/fr/orders.json");
    for (method, path, status) in [
        ("POST", "/nl/orders.json", 405),
        ("DELETE", "/nl/invoices/1.json", 405),
        ("GET", "/nl/orders/1.json", 404),
        ("GET", "/nl/nothing.json", 404),
    ] {
        assert_eq!(rig.shop(method, path, "{}").status, status, "{method} {path}");
    }
    let keys = &mut rig.world.accounts_mut().shop_keys;
    keys[0].permissions.set("orders", true, false);
    assert_eq!(rig.shop("GET", &path, "").status, 200);
    let denied = rig.shop("PUT", &path, r#"{"order":{"memo":"x"}}"#);
    assert_eq!(denied.status, 403);
    let granted = rig.shop_get("/nl/account/permissions.json");
    assert_eq!(granted["accountPermissions"]["orders"]["write"], false);
}

#[test]
fn shop_order_is_whole_and_encoded_as_php_does() {
    let mut rig = Rig::new();
    let made = rig.world.create_order(&NewOrder {
        lines: vec![NewLine::new("Café chair", 6, 700)],
        shipping_minor: 625,
        klarna: Some(KlarnaStart::Captured),
        ..NewOrder::default()
    });
    let path = format!("/nl/orders/{}.json", made.order);
    let response = rig.shop("GET", &path, "");
    let raw = text(&response);
    let order = json(&response)["order"].clone();
    let keys = order.as_object().expect("an object").len();
    assert!((100..=104).contains(&keys), "{keys} keys");
    assert!(raw.contains(r#""priceIncl":48.25,"#), "two decimals");
    assert!(raw.contains(r#""priceIncl":42,"#), "integral numbers have no decimals");
    assert!(raw.contains(r#""priceCost":0,"#));
    assert!(raw.contains(r"\/nl\/invoices.json?order="), "slashes are escaped");
    assert!(raw.contains(r"Caf\u00e9"), "so is what is not ASCII");
    assert!(raw.contains(r#""createdAt":"2026-06-03T12:00:00+02:00""#), "Dutch summer time");
    assert_eq!(order["referralId"], false);
    assert_eq!(order["giftCardsPayment"], serde_json::json!([]));
    assert_eq!(order["email"], person::EMAIL);
    assert_eq!(order["paymentData"]["klarna_order_id"], made.klarna.expect("paid with Klarna").to_string());
    assert_eq!(order["invoices"]["resource"]["id"], false);
    let embedded = &order["invoices"]["resource"]["embedded"][0];
    assert_eq!(embedded["priceIncl"].to_string(), "48.25");
    assert!(embedded["order"]["resource"].get("embedded").is_none(), "inner links are bare");
    assert_eq!(order["products"]["resource"]["embedded"][0]["quantityShipped"], 6);
    assert_eq!(order["customer"]["resource"]["embedded"]["email"], person::EMAIL);
    let list = rig.shop_get("/nl/orders.json");
    assert!(list["orders"][0]["invoices"]["resource"].get("embedded").is_none());
    rig.switch("lightspeed.embedded_in_lists", "true");
    let list = rig.shop_get("/nl/orders.json");
    assert!(list["orders"][0]["invoices"]["resource"].get("embedded").is_some());
    rig.switch("lightspeed.dates", "us1");
    let order = rig.shop_get(&path);
    assert_eq!(order["order"]["createdAt"], "2026-06-03T10:00:00+00:00");
    let trimmed = rig.shop_get(&format!("{path}?fields=id,number"));
    assert_eq!(trimmed["order"].as_object().map(serde_json::Map::len), Some(2));
}

#[test]
fn shop_lists_page_filter_and_count() {
    let mut rig = Rig::new();
    for index in 0..7 {
        rig.place(1_000 + index, KlarnaStart::Captured);
        rig.wait(60);
    }
    let ids = |value: &Value, key: &str| -> Vec<u64> {
        let rows = value[key].as_array().expect("a list");
        rows.iter().map(|row| row["id"].as_u64().expect("an id")).collect()
    };
    let all = ids(&rig.shop_get("/nl/orders.json"), "orders");
    assert!(all.is_sorted_by(|a, b| a > b), "newest first by default");
    let mut paged = Vec::new();
    for page in 1..=4 {
        let path = format!("/nl/orders.json?limit=2&page={page}");
        paged.extend(ids(&rig.shop_get(&path), "orders"));
    }
    assert_eq!(paged, all);
    assert!(ids(&rig.shop_get("/nl/orders.json?limit=2&page=5"), "orders").is_empty());
    let since = format!("/nl/orders.json?since_id={}", all[3]);
    assert_eq!(ids(&rig.shop_get(&since), "orders"), [all[2], all[1], all[0]]);
    assert_eq!(rig.shop_get("/nl/orders/count.json")["count"], 7);
    // Orders were placed at 10:00, 10:01 … 10:06 UTC.
    let window = "/nl/orders.json?updated_at_min=2026-06-03%2010:04:00&updated_at_max=2026-06-03+10:05:00";
    assert_eq!(ids(&rig.shop_get(window), "orders"), [all[1], all[2]]);
    let iso = "/nl/orders.json?created_at_min=2026-06-03T12:06:00%2B02:00";
    assert_eq!(ids(&rig.shop_get(iso), "orders"), [all[0]]);
    rig.switch("lightspeed.filter_zone", "local");
    let local = "/nl/orders/count.json?updated_at_min=2026-06-03%2012:04:00";
    assert_eq!(rig.shop_get(local)["count"], 3);
    assert_eq!(rig.shop("GET", "/nl/orders.json?updated_at_min=soon", "").status, 400);
    let number = rig.shop_get("/nl/orders.json?number=ORD00003");
    assert_eq!(ids(&number, "orders"), [all[4]]);
    assert_eq!(rig.shop_get("/nl/orders/count.json?paymentStatus=not_paid")["count"], 0);
    let invoices = rig.shop_get(&format!("/nl/invoices.json?order={}", all[0]));
    assert_eq!(ids(&invoices, "invoices").len(), 1);
    assert_eq!(rig.shop_get("/nl/invoices.json?order=1")["invoices"], serde_json::json!([]));
}

#[test]
fn shop_credit_invoices_look_as_documented() {
    let mut rig = Rig::new();
    let (order, _) = rig.place(5_000, KlarnaStart::Captured);
    rig.wait(5);
    rig.world.at(rig.now);
    let credit = rig.world.add_credit_invoice(order, &Credit::Amount(449_500));
    let (credit, number) = credit.expect("there is an invoice");
    let invoice = rig.shop_get(&format!("/nl/invoices/{credit}.json"))["invoice"].clone();
    assert_eq!(invoice["number"], number);
    assert_eq!((&invoice["isCreditNote"], &invoice["status"]), (&true.into(), &"not_paid".into()));
    assert_eq!(invoice["priceIncl"].to_string(), "44.95");
    assert_eq!(invoice["creditNote"], false);
    let original = invoice["invoice"]["resource"]["id"].as_u64().expect("a link to the original");
    let path = format!("/nl/invoices/{original}.json");
    let first = rig.shop_get(&path)["invoice"].clone();
    assert_eq!(first["creditNote"]["resource"]["id"], credit);
    assert_eq!((&first["invoice"], &first["isCreditNote"]), (&false.into(), &false.into()));
    rig.switch("lightspeed.credit_note_link", "false");
    assert_eq!(rig.shop_get(&path)["invoice"]["creditNote"], false);
    rig.switch("lightspeed.credit_note_sign", "negative");
    let negative = rig.shop_get(&format!("/nl/invoices/{credit}.json"));
    assert_eq!(negative["invoice"]["priceIncl"].to_string(), "-44.95");
    let items = rig.shop_get(&format!("/nl/invoices/{credit}/items.json"));
    assert_eq!(items["invoiceItems"][0]["priceIncl"].to_string(), "44.95");
}

#[test]
fn shop_put_invoice_writes_history() {
    let mut rig = Rig::new();
    let (order, _) = rig.place(5_000, KlarnaStart::Captured);
    let invoices = rig.shop_get(&format!("/nl/invoices.json?order={order}"));
    let id = invoices["invoices"][0]["id"].as_u64().expect("an id");
    let path = format!("/nl/invoices/{id}.json");
    rig.wait(60);
    let put = rig.shop("PUT", &path, r#"{"invoice":{"status":"not_paid"}}"#);
    assert_eq!(put.status, 200);
    assert_eq!(json(&put)["invoice"]["status"], "not_paid");
    assert_eq!(json(&put)["invoice"]["updatedAt"], "2026-06-03T12:01:00+02:00");
    let shown = rig.shop_get(&format!("/nl/orders/{order}.json"))["order"].clone();
    assert_eq!(shown["paymentStatus"], "not_paid");
    let events = rig.shop_get(&format!("/nl/orders/events.json?order={order}&since_id=0"));
    let rows = events["ordersEvents"].as_array().expect("events");
    let last: Vec<(&str, &str, &str)> = rows
        .iter()
        .rev()
        .take(2)
        .map(|row| {
            let word = |key: &str| row[key].as_str().expect("text");
            (word("channel"), word("type"), word("message"))
        })
        .collect();
    assert_eq!(last, [("api", "order", "not_paid"), ("api", "invoice", "not_paid")]);
    let before = rig.world.tally(Side::Lightspeed, false).effects;
    rig.shop("PUT", &path, r#"{"invoice":{"status":"not_paid"}}"#);
    assert_eq!(rig.world.tally(Side::Lightspeed, false).effects, before, "no change, no effect");
    let refused = rig.shop("PUT", &path, r#"{"invoice":{"status":"refunded"}}"#);
    assert_eq!(refused.status, 400);
    rig.switch("lightspeed.put_status_code_validation", "422");
    let refused = rig.shop("PUT", &path, r#"{"invoice":{"status":"refunded"}}"#);
    assert_eq!(refused.status, 422);
    assert!(json(&refused)["errors"]["status"].is_array());
    rig.switch("lightspeed.events_envelope", "orderEvents");
    assert!(rig.shop_get("/nl/orders/events.json")["orderEvents"].is_array());
}

#[test]
fn shop_cancel_makes_credit_invoices_by_switch() {
    for (switch, wanted) in [("true", 1), ("false", 0)] {
        let mut rig = Rig::new();
        rig.switch("lightspeed.api_cancel_makes_credit_notes", switch);
        let (order, _) = rig.place(5_000, KlarnaStart::Captured);
        let path = format!("/nl/orders/{order}.json");
        let put = rig.shop("PUT", &path, r#"{"order":{"status":"cancelled"}}"#);
        assert_eq!(put.status, 200);
        let truth = rig.world.shop_truth(order).expect("known");
        assert_eq!((truth.status.as_str(), truth.payment_status.as_str()), ("cancelled", "cancelled"));
        let credits: Vec<i64> = truth.invoices.iter().filter(|one| one.is_credit).map(|one| one.total).collect();
        assert_eq!(credits.len(), wanted);
        assert!(credits.iter().all(|total| *total == 500_000));
        let again = rig.shop("PUT", &path, r#"{"order":{"status":"off_hold"}}"#);
        assert_eq!(again.status, 400, "a cancelled order stays cancelled");
    }
    let mut rig = Rig::new();
    let (order, _) = rig.place(5_000, KlarnaStart::Captured);
    rig.world.add_credit_invoice(order, &Credit::Amount(120_000)).expect("creditable");
    rig.world.cancel_in_shop(order);
    let truth = rig.world.shop_truth(order).expect("known");
    let totals: Vec<i64> = truth.invoices.iter().filter(|one| one.is_credit).map(|one| one.total).collect();
    assert_eq!(totals, [120_000, 380_000], "a cancel credits what was left");
}

#[test]
fn shop_post_credit_by_lines() {
    let mut rig = Rig::new();
    let made = rig.world.create_order(&NewOrder {
        lines: vec![NewLine::new("Cap", 3, 1_000)],
        shipping_minor: 500,
        klarna: Some(KlarnaStart::Captured),
        ..NewOrder::default()
    });
    let line = made.order * 100;
    let path = format!("/nl/orders/{}/credit.json", made.order);
    let body = format!(r#"{{"credit":{{"creditShipment":true,"orderProducts":[{{"id":{line},"quantity":2}}]}}}}"#);
    let posted = rig.shop("POST", &path, &body);
    assert_eq!(posted.status, 201);
    assert_eq!(json(&posted)["invoice"]["priceIncl"].to_string(), "25");
    let products = rig.shop_get(&format!("/nl/orders/{}/products.json", made.order));
    assert_eq!(products["orderProducts"][0]["quantityRefunded"], 2);
    assert_eq!(rig.shop("POST", &path, &body).status, 400, "only one is left");
    rig.switch("lightspeed.post_credit_answer", "empty");
    let one = format!(r#"{{"credit":{{"orderProducts":[{{"id":{line},"quantity":1}}]}}}}"#);
    assert!(rig.shop("POST", &path, &one).body.is_empty());
}

#[test]
fn shop_ships_whole_and_in_parts() {
    let mut rig = Rig::new();
    let made = rig.world.create_order(&NewOrder { lines: vec![NewLine::new("Cap", 3, 1_000)], ..NewOrder::default() });
    rig.world.ship(made.order, Some(&[(0, 1)])).expect("one of three");
    let status = |rig: &mut Rig| rig.world.shop_truth(made.order).map(|one| one.shipment_status);
    assert_eq!(status(&mut rig).as_deref(), Some("partially_shipped"));
    let slips = rig.shop_get(&format!("/nl/shipments.json?order={}&since_id=0", made.order));
    let slips = slips["shipments"].as_array().expect("slips").clone();
    assert_eq!(slips.len(), 2);
    let products = rig.shop_get(&format!("/nl/shipments/{}/products.json", slips[0]["id"]));
    assert_eq!(products["shipmentProducts"][0]["quantity"], 1);
    let path = format!("/nl/shipments/{}.json", slips[1]["id"]);
    let put = rig.shop("PUT", &path, r#"{"shipment":{"status":"shipped","trackingCode":"3S"}}"#);
    assert_eq!(json(&put)["shipment"]["trackingCode"], "3S");
    assert_eq!(status(&mut rig).as_deref(), Some("shipped"));
    assert!(rig.world.ship(made.order, None).is_err());
}

#[test]
fn shop_rate_limits_are_clock_aligned() {
    let mut rig = Rig::new();
    rig.world.limits_mut().enabled = true;
    rig.now = "2026-06-02T15:25:37Z".parse().expect("an instant");
    let first = rig.shop("GET", "/nl/orders/count.json", "");
    assert_eq!(first.header("X-RateLimit-Limit"), Some("300/3000/12000"));
    assert_eq!(first.header("X-RateLimit-Remaining"), Some("299/2999/11999"));
    assert_eq!(first.header("X-RateLimit-Reset"), Some("263/2063/23663"), "as seen live on eu1");
    for _ in 1..20 {
        assert_eq!(rig.shop("GET", "/nl/orders/count.json", "").status, 200);
    }
    let fast = rig.shop("GET", "/nl/orders/count.json", "");
    assert_eq!((fast.status, fast.header("Retry-After")), (429, None));
    for _ in 0..14 {
        rig.wait(1);
        for _ in 0..20 {
            assert_eq!(rig.shop("GET", "/nl/orders/count.json", "").status, 200);
        }
    }
    rig.wait(1);
    rig.switch("lightspeed.retry_after", "seconds");
    let spent = rig.shop("GET", "/nl/orders/count.json", "");
    assert_eq!(spent.status, 429);
    assert_eq!(spent.header("X-RateLimit-Remaining"), Some("-1/2700/11700"));
    assert_eq!(spent.header("Retry-After"), Some("248"));
    assert!(json(&spent)["error"].is_object());
    rig.wait(248);
    let limits = rig.shop_get("/nl/account/ratelimit.json");
    assert_eq!(limits["accountRatelimit"]["limit5Min"]["remaining"], 299);
    assert_eq!(limits["accountRatelimit"]["limitDay"]["resetTime"], "2026-06-03T00:00:00+02:00");
    rig.control("POST", "/_control/limits", r#"{"lightspeed_second":999,"lightspeed_day":99999}"#);
    let raised = rig.shop("GET", "/nl/orders/count.json", "");
    assert_eq!(raised.header("X-RateLimit-Limit"), Some("300/3000/99999"));
}

#[test]
fn shop_klarna_id_can_be_anywhere() {
    for location in ["paymentData", "memo", "event", "metafield", "none"] {
        let mut rig = Rig::new();
        rig.switch("lightspeed.klarna_id_location", location);
        let (order, id) = rig.place(5_000, KlarnaStart::Captured);
        let shown = rig.shop_get(&format!("/nl/orders/{order}.json"))["order"].clone();
        let id = id.to_string();
        let holds = |value: &Value| value.to_string().contains(&id);
        assert_eq!(holds(&shown["paymentData"]), location == "paymentData");
        assert_eq!(holds(&shown["memo"]), location == "memo");
        assert_eq!(holds(&shown["events"]), location == "event");
        assert_eq!(holds(&shown["metafields"]), location == "metafield");
    }
}

#[test]
fn shop_metafields_and_events_feed() {
    let mut rig = Rig::new();
    let (order, _) = rig.place(5_000, KlarnaStart::Captured);
    let base = format!("/nl/orders/{order}/metafields");
    let body = r#"{"orderMetafield":{"key":"seen","value":"yes"}}"#;
    let posted = rig.shop("POST", &format!("{base}.json"), body);
    assert_eq!(posted.status, 201);
    let id = json(&posted)["orderMetafield"]["id"].clone();
    let one = format!("{base}/{id}.json");
    rig.shop("PUT", &one, r#"{"orderMetafield":{"value":7}}"#);
    assert_eq!(rig.shop_get(&one)["orderMetafield"]["value"], 7);
    assert_eq!(rig.shop_get(&format!("{base}/count.json"))["count"], 1);
    assert_eq!(rig.shop("DELETE", &one, "").status, 200);
    assert_eq!(rig.shop("GET", &one, "").status, 404);
    let feed = rig.shop_get("/nl/events.json");
    let first = feed["events"][0]["id"].clone();
    assert_eq!(rig.shop("DELETE", &format!("/nl/events/{first}.json"), "").status, 200);
    assert_ne!(rig.shop_get("/nl/events.json")["events"][0]["id"], first);
}

#[test]
fn shop_webhooks_are_signed_over_raw_bytes() {
    assert_eq!(webhook_signature(br#"{"order":{"id":123}}"#, "mysecret"), "b204b5467be8251155be8e3d750151d9");
    let mut rig = Rig::new();
    let hook = r#"{"webhook":{"isActive":true,"itemGroup":"invoices","itemAction":"created","language":"nl","format":"json","address":"https://shop.example/hook"}}"#;
    let posted = rig.shop("POST", "/nl/webhooks.json", hook);
    assert_eq!(posted.status, 201);
    let shown = json(&posted)["webhook"].clone();
    assert_eq!(shown["language"]["code"], "nl");
    assert!(shown.get("secret").is_none());
    let (order, _) = rig.place(5_000, KlarnaStart::Captured);
    rig.world.add_credit_invoice(order, &Credit::Amount(10_000)).expect("creditable");
    let deliveries: Vec<_> = rig.world.deliveries().cloned().collect();
    assert_eq!(deliveries.len(), 2);
    let credit = &deliveries[1];
    let header = |name: &str| credit.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
    assert_eq!(header("X-Event"), Some("invoices/created"));
    let secret = rig.world.accounts().shop_keys[0].secret.clone();
    let signed = webhook_signature(credit.body.as_bytes(), &secret);
    assert_eq!(header("X-Signature"), Some(signed.as_str()));
    assert!(credit.body.contains(r#""link":"http:\/\/api.webshopapp.com"#));
    let body: Value = serde_json::from_str(&credit.body).expect("JSON");
    assert_eq!(body["invoice"]["isCreditNote"], true);
    for _ in 1..10 {
        assert_eq!(rig.shop("POST", "/nl/webhooks.json", hook).status, 201);
    }
    assert_eq!(rig.shop("POST", "/nl/webhooks.json", hook).status, 400, "ten at most");
}

// --- Faults ---------------------------------------------------------------------------------

fn fault(kind: FaultKind) -> FaultRule {
    FaultRule::once(Side::Klarna, "POST", "*/refunds", kind)
}

const REFUND: &str = r#"{"refunded_amount":700}"#;

/// Sends one refund into a fault; returns the reply and what really was refunded.
fn into_fault(rule: FaultRule) -> (Reply, i64) {
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Captured);
    let rule = rig.world.add_fault(rule);
    let path = format!("/ordermanagement/v1/orders/{id}/refunds");
    let reply = rig.reply(Side::Klarna, Request::new("POST", &path).with_body(REFUND));
    assert_eq!(rig.world.fault_fired(rule), 1);
    let refunded = rig.world.klarna_truth(id).expect("known").refunded_amount;
    let entry = rig.world.log().last().expect("logged").clone();
    assert_eq!(entry.effect, refunded > 0);
    assert!(entry.fault.is_some());
    let next = rig.klarna("POST", id, "/refunds", REFUND);
    assert_eq!(next.status, 201, "the fault is spent");
    (reply, refunded)
}

fn answered(reply: &Reply) -> &Response {
    let Reply::Respond(response) = reply else { panic!("no plain answer: {reply:?}") };
    response
}

#[test]
fn faults_strike_before_or_after_the_effect() {
    for kind in [
        FaultKind::Hang,
        FaultKind::Drop,
        FaultKind::Status { code: 503, format: reconciled_sandbox::BodyFormat::Json },
    ] {
        let (before, none) = into_fault(fault(kind.clone()));
        let (after, some) = into_fault(fault(kind).after_effect());
        assert_eq!((none, some), (0, 700));
        match (before, after) {
            (Reply::Respond(first), Reply::Respond(second)) => {
                assert_eq!(code(&first), (503, "TEMPORARILY_UNAVAILABLE".to_owned()));
                assert_eq!(second.status, 503);
            }
            (first, second) => assert_eq!(first, second),
        }
    }
}

#[test]
fn faults_that_stand_in_for_the_answer() {
    use reconciled_sandbox::BodyFormat::{Empty, Html};
    let (reply, _) = into_fault(fault(FaultKind::Status { code: 401, format: Html }));
    let page = answered(&reply);
    assert_eq!((page.status, page.header("content-type")), (401, Some("text/html")));
    let (reply, _) = into_fault(fault(FaultKind::Status { code: 403, format: Html }));
    assert!(text(answered(&reply)).contains("<html>"));
    let (reply, _) = into_fault(fault(FaultKind::Status { code: 502, format: Empty }));
    assert!(answered(&reply).body.is_empty());
    let (reply, _) = into_fault(fault(FaultKind::Refusal {
        code: 403,
        error_code: "PAYMENT_METHOD_FAILED".to_owned(),
        message: "Try later".to_owned(),
    }));
    assert_eq!(code(answered(&reply)), (403, "PAYMENT_METHOD_FAILED".to_owned()));
    let (reply, _) = into_fault(fault(FaultKind::RateLimited { reset_seconds: Some(9) }));
    assert_eq!(answered(&reply).header("x-ratelimit-reset"), Some("9"));
    let (reply, _) = into_fault(fault(FaultKind::RateLimited { reset_seconds: None }));
    assert_eq!(answered(&reply).header("x-ratelimit-reset"), None);
    let location = "http://127.0.0.1:9/".to_owned();
    let (reply, _) = into_fault(fault(FaultKind::Redirect { code: 307, location }));
    assert_eq!(answered(&reply).header("location"), Some("http://127.0.0.1:9/"));
}

#[test]
fn faults_that_bend_the_answer_have_its_effect() {
    for (kind, look) in [
        (FaultKind::MissingIds, "201 without ids"),
        (FaultKind::OtherStatus { code: 200 }, "another status"),
        (FaultKind::Garbage, "garbage"),
        (FaultKind::HugeBody { bytes: 100_000 }, "huge"),
        (FaultKind::ContentType { value: "text/html".to_owned() }, "content type"),
        (FaultKind::Body { text: "{}".to_owned() }, "any body"),
    ] {
        let (reply, refunded) = into_fault(fault(kind.clone()));
        let response = answered(&reply);
        assert_eq!(refunded, 700, "{look}");
        let plain = std::str::from_utf8(&response.body).is_ok();
        assert_eq!(response.header("refund-id").is_none(), kind == FaultKind::MissingIds, "{look}");
        assert_eq!(response.status == 200, kind == FaultKind::OtherStatus { code: 200 }, "{look}");
        assert_eq!(!plain, kind == FaultKind::Garbage, "{look}");
        assert_eq!(response.body.len() == 100_000, look == "huge");
        assert_eq!(response.header("content-type") == Some("text/html"), look == "content type");
        assert_eq!(response.body == b"{}", look == "any body");
    }
    let (reply, refunded) = into_fault(fault(FaultKind::Delay { ms: 40 }));
    assert!(matches!(reply, Reply::After { .. }));
    assert_eq!((reply.response().map(|one| one.status), refunded), (Some(201), 700));
    let (reply, _) = into_fault(fault(FaultKind::CutBody { bytes: 3 }));
    assert!(matches!(reply, Reply::CutBody { bytes: 3, .. }));
}

#[test]
fn faults_on_reads_and_on_the_shop() {
    let mut rig = Rig::new();
    let (order, id) = rig.place(5_000, KlarnaStart::Captured);
    rig.wait(20);
    rig.klarna("POST", id, "/refunds", REFUND);
    rig.world.add_fault(FaultRule::once(Side::Klarna, "GET", "*", FaultKind::StaleRead { ms: 5_000 }));
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 0, "stale");
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 700, "fresh again");
    rig.world.add_fault(FaultRule::once(Side::Klarna, "GET", "*", FaultKind::TruncatedJson));
    let half = rig.klarna("GET", id, "", "");
    assert!(serde_json::from_slice::<Value>(&half.body).is_err());
    let wrong = FaultKind::ErrorIn200 { message: "Oops".to_owned() };
    rig.world.add_fault(FaultRule::once(Side::Lightspeed, "GET", "*", wrong));
    let answer = rig.shop("GET", &format!("/nl/orders/{order}.json"), "");
    assert_eq!((answer.status, json(&answer)["error"]["message"].as_str()), (200, Some("Oops")));
    let limited = FaultKind::RateLimited { reset_seconds: Some(12) };
    rig.world.add_fault(FaultRule::once(Side::Lightspeed, "GET", "*", limited));
    let answer = rig.shop("GET", "/nl/orders.json", "");
    assert_eq!(answer.header("X-RateLimit-Remaining"), Some("-1/3000/12000"));
    let mut rule = FaultRule::once(Side::Lightspeed, "GET", "*/orders/*", FaultKind::Drop);
    rule.skip = 1;
    rule.count = Some(2);
    rule.effect = Effect::Before;
    rig.world.add_fault(rule);
    let path = format!("/nl/orders/{order}.json");
    let dropped: Vec<bool> =
        (0..5).map(|_| rig.reply(Side::Lightspeed, Request::new("GET", &path)) == Reply::DropConnection).collect();
    assert_eq!(dropped, [false, true, true, false, false]);
}

#[test]
fn faults_by_chance_repeat_with_their_seed() {
    let run = |seed: u64| -> Vec<bool> {
        let mut rig = Rig::new();
        let body = format!(r#"{{"side":"lightspeed","path":"*","chance":0.3,"seed":{seed},"kind":"drop"}}"#);
        rig.control("POST", "/_control/faults", &body);
        let count = Request::new("GET", "/nl/orders/count.json");
        (0..200).map(|_| rig.reply(Side::Lightspeed, count.clone()) == Reply::DropConnection).collect()
    };
    let hits = run(1).iter().filter(|hit| **hit).count();
    assert!((40..=80).contains(&hits), "{hits} of 200");
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

// --- The vendor's app, hostile fields, control, seeds -----------------------------------------

#[test]
fn vendor_app_refunds_by_itself() {
    let mut rig = Rig::new();
    rig.switch("vendor.refunds", "true");
    rig.switch("vendor.delay_ms", "60000");
    let (order, id) = rig.place(5_000, KlarnaStart::Captured);
    rig.world.add_credit_invoice(order, &Credit::Amount(120_000)).expect("creditable");
    rig.wait(59);
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 0);
    rig.wait(1);
    let order_now = rig.klarna_order(id);
    assert_eq!(order_now["refunded_amount"], 1_200);
    assert!(order_now["refunds"][0].get("reference").is_none());
    let truth = rig.world.shop_truth(order).expect("known");
    assert_eq!(truth.invoices[1].status, "paid");
}

#[test]
fn raw_fields_reach_the_wire_untouched() {
    let mut rig = Rig::new();
    let (order, id) = rig.place(5_000, KlarnaStart::Captured);
    for raw in ["1e400", "12.3456", "-0.00", r#""=HYPERLINK()""#] {
        let body = format!(r#"{{"order":"{order}","field":"priceIncl","text":{}}}"#, Value::from(raw));
        rig.control("POST", "/_control/act/set_field", &body);
        let shown = rig.shop("GET", &format!("/nl/orders/{order}.json"), "");
        assert!(text(&shown).contains(&format!(r#""priceIncl":{raw},"#)), "{raw}");
    }
    let body = format!(r#"{{"klarna_order":"{id}","field":"status","json":"NEW_WORD"}}"#);
    rig.control("POST", "/_control/act/set_field", &body);
    assert_eq!(rig.klarna_order(id)["status"], "NEW_WORD");
    let body = format!(r#"{{"klarna_order":"{id}","field":"status"}}"#);
    rig.control("POST", "/_control/act/set_field", &body);
    assert_eq!(rig.klarna_order(id)["status"], "CAPTURED");
}

#[test]
fn control_acts_and_shows() {
    let mut rig = Rig::new();
    let made = rig.control(
        "POST",
        "/_control/act/create_order",
        r#"{"amount_minor":5000,"klarna":"captured","shipped":true,"age_seconds":86400}"#,
    );
    let number = made["number"].as_str().expect("a number").to_owned();
    let body = format!(r#"{{"order":"{number}","amount":"12.34","age_seconds":7200}}"#);
    let credit = rig.control("POST", "/_control/act/credit", &body);
    assert!(credit["number"].as_str().is_some_and(|number| number.starts_with("INV")));
    let body = format!(r#"{{"order":"{number}","amount_minor":100}}"#);
    rig.control("POST", "/_control/act/portal_refund", &body);
    let truth = rig.control("GET", &format!("/_control/truth?order={number}"), "");
    assert_eq!(truth["klarna_order"]["refunded_amount"], 100);
    assert_eq!(truth["shop_order"]["invoices"][1]["total"], "12.34");
    assert_eq!(truth["shop_order"]["invoices"][1]["created_at"], "2026-06-03T08:00:00.000Z");
    rig.control("POST", "/_control/clock", r#"{"advance_seconds":3600}"#);
    assert_eq!(rig.control("GET", "/_control/clock", "")["now"], "2026-06-03T11:00:00.000Z");
    let set = rig.control("POST", "/_control/switches", r#"{"klarna.read_lag_ms":250}"#);
    let rows = set["switches"].as_array().expect("switches");
    assert!(rows.len() > 50);
    assert!(rows.iter().any(|row| row["name"] == "klarna.read_lag_ms" && row["value"] == "250"));
    rig.shop_get("/nl/orders.json");
    let counters = rig.control("GET", "/_control/counters", "");
    assert_eq!(counters["lightspeed"]["read"]["requests"], 1);
    assert_eq!(rig.control("GET", "/_control/log", "")["log"][0]["path"], "/nl/orders.json");
    rig.control("DELETE", "/_control/log", "");
    assert_eq!(rig.control("GET", "/_control/log", "")["log"], serde_json::json!([]));
    let wrong = Request::new("POST", "/_control/act/ship").with_body(r#"{"order":"nope"}"#);
    assert_eq!(rig.send(Side::Control, wrong).status, 400);
}

#[test]
fn demo_seed_holds_what_is_promised() {
    let mut world = World::seeded(Seed::Demo, 1, noon());
    let orders = world.all_shop_truth();
    assert_eq!(orders.len(), 13);
    let klarna: Vec<_> =
        orders.iter().map(|order| order.klarna_order_id.and_then(|id| world.klarna_truth(id))).collect();
    let status: Vec<&str> = klarna.iter().map(|order| order.as_ref().map_or("-", |order| order.status)).collect();
    assert_eq!(
        status,
        [
            "CAPTURED",
            "CAPTURED",
            "CAPTURED",
            "AUTHORIZED",
            "CAPTURED",
            "PART_CAPTURED",
            "CAPTURED",
            "AUTHORIZED",
            "CAPTURED",
            "AUTHORIZED",
            "AUTHORIZED",
            "-",
            "CAPTURED"
        ]
    );
    let credits = |index: usize| orders[index].invoices.iter().filter(|one| one.is_credit).count();
    let counts: Vec<usize> = (0..13).map(credits).collect();
    assert_eq!(counts, [0, 1, 2, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1]);
    assert_eq!(orders[1].invoices[1].total, orders[1].total, "a full return");
    let total = orders[0].total;
    assert_eq!(Some(total), klarna[0].as_ref().map(|order| order.order_amount * 100));
    assert_eq!(klarna[8].as_ref().map(|order| order.refunded_amount), Some(1_500));
    assert_eq!(orders[12].invoices[1].status, "paid");
    assert_eq!(orders[7].shipment_status, "shipped");
    let left = klarna[10].as_ref().map(|order| order.expires_ms - noon().as_millisecond());
    assert_eq!(left, Some(3 * 86_400_000));
    let again = World::seeded(Seed::Demo, 1, noon());
    assert_eq!(orders, again.all_shop_truth(), "equal seeds, equal worlds");
}

#[test]
fn load_seed_is_quick_and_pages() {
    let mut rig = Rig::new();
    rig.world.sow(Seed::Orders { count: 3_000, credit_permille: 200 });
    let mut since = 0;
    let mut seen = 0;
    loop {
        let path = format!("/nl/invoices.json?limit=250&since_id={since}");
        let page = rig.shop_get(&path);
        let rows = page["invoices"].as_array().expect("a page").clone();
        seen += rows.len();
        let Some(last) = rows.last() else { break };
        since = last["id"].as_u64().expect("an id");
    }
    let credits: usize =
        rig.world.all_shop_truth().iter().map(|order| order.invoices.iter().filter(|one| one.is_credit).count()).sum();
    assert_eq!(seen, 3_000 + credits);
    assert!((450..=750).contains(&credits), "{credits}");
    let young = noon().as_millisecond() - 3_600_000;
    let orders = rig.world.all_shop_truth();
    assert!(orders.iter().flat_map(|order| &order.invoices).all(|one| one.created_ms < young));
}

#[test]
fn equal_requests_give_equal_worlds() {
    let run = || {
        let mut rig = Rig::new();
        let (order, id) = rig.place(5_000, KlarnaStart::Captured);
        let refund = rig.keyed(id, "/refunds", REFUND, "k");
        rig.world.cancel_in_shop(order);
        (refund, rig.world.all_klarna_truth(), rig.world.all_shop_truth())
    };
    assert_eq!(run(), run());
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Captured);
    let mut copy = rig.world.clone();
    rig.klarna("POST", id, "/refunds", REFUND);
    assert_eq!(copy.klarna_truth(id).map(|one| one.refunded_amount), Some(0), "a clone is a snapshot");
}

/// The page people read names every switch with its default, and every kind of fault.
#[test]
fn documentation_is_complete() {
    let page = include_str!("../../../docs/sandbox.md");
    for switch in reconciled_sandbox::Switches::default().list() {
        let row = format!("| `{}` | `{}` |", switch.name, switch.default);
        assert!(page.contains(&row), "docs/sandbox.md lacks: {row}");
    }
    for kind in [
        "delay",
        "hang",
        "drop",
        "cut_body",
        "status",
        "rate_limited",
        "refusal",
        "redirect",
        "error_in_200",
        "body",
        "garbage",
        "huge_body",
        "content_type",
        "truncated_json",
        "missing_ids",
        "other_status",
        "stale_read",
        "empty_page",
        "short_page",
        "shifted_page",
        "without_documents",
        "other_ids",
    ] {
        assert!(page.contains(&format!("`{kind}`")), "docs/sandbox.md lacks: {kind}");
    }
}

// --- Over loopback ----------------------------------------------------------------------------

/// What came back over a socket: everything up to the end of the connection.
fn exchange(address: SocketAddr, raw: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_millis(700)))?;
    stream.write_all(raw.as_bytes())?;
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    if answer.is_empty() { ended.map(|_| answer) } else { Ok(answer) }
}

async fn over(address: SocketAddr, raw: String) -> std::io::Result<String> {
    tokio::task::spawn_blocking(move || exchange(address, &raw)).await.expect("no panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_over_loopback_with_transport_faults() {
    let mut world = World::seeded(Seed::Demo, 1, noon());
    let shop_key = world.accounts().shop_authorization();
    let klarna_key = world.accounts().merchant_authorization();
    let id = world.order_by_number("ORD00001").and_then(|id| world.klarna_order_of(id));
    let id = id.expect("the first order of the demo");
    world.limits_mut().enabled = false;
    let options = ServeOptions::anywhere(noon);
    let running = serve(world, options).await.expect("free ports");
    let (shop, klarna) = (running.lightspeed, running.klarna);
    let get = format!(
        "GET /nl/orders/count.json HTTP/1.1\r\nHost: {shop}\r\nAuthorization: {shop_key}\r\nConnection: close\r\n\r\n"
    );
    let answer = over(shop, get.clone()).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("X-Ratelimit-Limit: 300/3000/12000"), "in canonical case: {answer}");
    assert!(answer.to_ascii_lowercase().contains("date: wed, 03 jun 2026 10:00:00 gmt"), "{answer}");
    assert!(answer.ends_with(r#"{"count":13}"#));

    let refund = format!(
        "POST /ordermanagement/v1/orders/{id}/refunds HTTP/1.1\r\nHost: {klarna}\r\nAuthorization: {klarna_key}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{REFUND}",
        REFUND.len()
    );
    running.world.with(|world| world.add_fault(fault(FaultKind::Drop).after_effect()));
    let dropped = over(klarna, refund.clone()).await;
    assert!(dropped.as_ref().map_or(true, String::is_empty), "{dropped:?}");
    let refunded = || running.world.with(|world| world.klarna_truth(id).map(|order| order.refunded_amount));
    assert_eq!(refunded(), Some(700));
    running.world.with(|world| world.add_fault(fault(FaultKind::Hang)));
    let hung = over(klarna, refund.clone()).await;
    assert!(hung.is_err(), "nothing was said: {hung:?}");
    assert_eq!(refunded(), Some(700));
    let created = over(klarna, refund).await.expect("an answer").to_ascii_lowercase();
    assert!(created.starts_with("http/1.1 201 created\r\n"));
    assert!(created.contains("content-length: 0\r\n") && created.contains("\r\nrefund-id: "));

    let cut = FaultRule::once(Side::Lightspeed, "GET", "*", FaultKind::CutBody { bytes: 4 });
    running.world.with(|world| world.add_fault(cut));
    let short = over(shop, get.clone()).await.expect("a part");
    assert!(short.to_ascii_lowercase().contains("content-length: 12\r\n"), "{short}");
    assert!(short.ends_with("\r\n\r\n{\"co"), "{short}");
    let delay = FaultRule::once(Side::Lightspeed, "GET", "*", FaultKind::Delay { ms: 150 });
    running.world.with(|world| world.add_fault(delay));
    assert!(over(shop, get.clone()).await.expect("late").contains("200 OK"));
    let control = format!("GET /_control/info HTTP/1.1\r\nHost: {klarna}\r\nConnection: close\r\n\r\n");
    assert!(over(klarna, control).await.expect("an answer").contains("\"klarna_orders\":12"));
    running.shutdown().await;
    assert!(over(shop, get).await.is_err(), "the port is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers_webhooks_to_loopback_only() {
    let receiver = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = receiver.local_addr().expect("an address");
    let mut world = World::new(1, noon());
    let key = world.accounts().shop_authorization();
    for target in [format!("http://{address}/hook"), "https://shop.example/hook".to_owned()] {
        let hook =
            format!(r#"{{"webhook":{{"itemGroup":"orders","itemAction":"*","language":"nl","address":"{target}"}}}}"#);
        let request = Request::new("POST", "/nl/webhooks.json").with_body(hook);
        world.handle(Side::Lightspeed, &request.with_header("Authorization", &key), noon());
    }
    let running = serve(world, ServeOptions::anywhere(noon)).await.expect("free ports");
    running.world.with(|world| world.create_order(&NewOrder::of(1_000, KlarnaStart::Authorized)));
    let seen = tokio::task::spawn_blocking(move || {
        let (mut stream, _) = receiver.accept().expect("a delivery");
        let mut start = [0_u8; 400];
        let read = stream.read(&mut start).expect("some of it");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("an answer");
        String::from_utf8_lossy(&start[..read]).into_owned()
    });
    let seen = seen.await.expect("no panic");
    assert!(seen.starts_with("POST /hook HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("X-Event: orders/created") && seen.contains("X-Signature: "));
    let left = running.world.with(|world| world.deliveries().count());
    assert_eq!(left, 1, "the public address is left alone");
    running.shutdown().await;
}

#[tokio::test]
async fn refuses_to_serve_the_network() {
    let everywhere = ServeOptions { klarna: "0.0.0.0:0".parse().expect("an address"), ..ServeOptions::anywhere(noon) };
    let refused = serve(World::new(1, noon()), everywhere).await.map(|_| ());
    assert_eq!(refused.map_err(|error| error.kind()), Err(std::io::ErrorKind::InvalidInput));
}
