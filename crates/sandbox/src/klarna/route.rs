//! From a path of the merchant API to an effect or a read, and the checks of what was sent.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::checks::{self, unprocessable};
use super::json::{self, Print};
use super::model::{Details, Lines, Order, Refusal, Status};
use crate::World;
use crate::json::{Dialect, J, obj};
use crate::lightspeed::{is_loopback, status_of};
use crate::switches::{UnknownOrderCode, Verdict};
use crate::time::DAY;
use crate::wire::{Request, Response};

type Outcome = Result<Response, Refusal>;

pub(crate) fn route(world: &mut World, request: &Request) -> Outcome {
    let path = request.path().trim_start_matches('/');
    let Some(rest) = path.strip_prefix("ordermanagement/v1/orders/") else {
        return Err(Refusal::new(404, "NOT_FOUND", "Not found"));
    };
    let parts: Vec<&str> = rest.split('/').collect();
    let Some(id) = parts.first().and_then(|text| Uuid::try_parse(text).ok()) else {
        let status = status_of(world.switches.klarna_invalid_id_status, 400);
        let message = "Order ID must be a valid UUID.";
        return Err(Refusal::new(status, "INVALID_ORDER_ID", message));
    };
    if forgotten(world, id) {
        return Err(Refusal::no_order(id));
    }
    match (request.method.as_str(), parts.get(1..).unwrap_or(&[])) {
        ("GET", []) => read_order(world, id),
        ("POST", ["acknowledge"]) => acknowledge(world, id),
        ("PATCH", ["authorization"]) => update_authorization(world, id, request),
        ("POST", ["cancel"]) => world.klarna_cancel(id).map(|()| no_content()),
        ("POST", ["captures"]) => create_capture(world, id, request),
        ("GET", ["captures"]) => read_captures(world, id),
        ("GET", ["captures", capture]) => read_capture(world, id, capture),
        ("PATCH", ["captures", capture, "extend-due-date"]) => extend_due_date(world, id, capture, request),
        ("GET", ["captures", capture, "extend-due-date-options"]) => due_date_options(world, id, capture),
        ("POST", ["captures", capture, "shipping-info"]) => capture_shipping(world, id, capture, request),
        ("POST", ["captures", capture, "trigger-send-out"]) => {
            capture_index(world, id, capture, "Send out")?;
            world.effect();
            Ok(no_content())
        }
        ("PATCH", ["customer-details"]) => customer_details(world, id, request),
        ("POST", ["extend-authorization-time"]) => world.klarna_extend(id).map(|()| no_content()),
        ("PATCH", ["merchant-references"]) => merchant_references(world, id, request),
        ("POST", ["refunds"]) => create_refund(world, id, request),
        ("GET", ["refunds", refund]) => read_refund(world, id, refund),
        ("POST", ["release-remaining-authorization"]) => world.klarna_release(id).map(|()| no_content()),
        ("POST", ["shipping-info"]) => order_shipping(world, id, request),
        _ => Err(Refusal::new(404, "NOT_FOUND", "Not found")),
    }
}

/// Orders can be looked at for some years only.
fn forgotten(world: &World, id: Uuid) -> bool {
    let kept = world.switches.klarna_readable_days.saturating_mul(DAY);
    let created = world.merchant.orders.get(&id).map(|order| order.created);
    kept > 0 && created.is_some_and(|created| world.now_ms >= created.saturating_add(kept))
}

fn no_content() -> Response {
    Response::empty(204)
}

fn ok(body: &J) -> Response {
    let mut response = Response::json(200, body, Dialect::Plain);
    response.set_header("Content-Type", "application/json;charset=utf-8".to_owned());
    response
}

/// The order for a read, and the instant reads show.
fn seen(world: &mut World, id: Uuid) -> Result<(&Order, i64), Refusal> {
    let lag = world.switches.klarna_read_lag_ms.max(world.stale_ms);
    let at = world.now_ms.saturating_sub(lag);
    world.klarna_order(id).map(|order| (&*order, at))
}

fn read_order(world: &mut World, id: Uuid) -> Outcome {
    let (_, at) = seen(world, id)?;
    let order = world.merchant.orders.get(&id).ok_or_else(|| Refusal::no_order(id))?;
    Ok(ok(&json::order(order, &order.at(at).shown(), Print::of(world))))
}

fn read_captures(world: &mut World, id: Uuid) -> Outcome {
    let (_, at) = seen(world, id)?;
    let order = world.merchant.orders.get(&id).ok_or_else(|| Refusal::no_order(id))?;
    let state = order.at(at).shown();
    let captures = (1_i64..).zip(&state.captures);
    Ok(ok(&J::Arr(captures.map(|(n, one)| json::capture(order, n, one, Print::of(world))).collect())))
}

fn read_capture(world: &mut World, id: Uuid, capture: &str) -> Outcome {
    let (_, at) = seen(world, id)?;
    let order = world.merchant.orders.get(&id).ok_or_else(|| Refusal::no_order(id))?;
    let wanted = Uuid::try_parse(capture).ok();
    let state = order.at(at).shown();
    let found = (1_i64..).zip(&state.captures).find(|(_, one)| Some(one.id) == wanted);
    let (number, one) =
        found.ok_or_else(|| Refusal::new(404, "NO_SUCH_CAPTURE", format!("Capture {capture} could not be found")))?;
    Ok(ok(&json::capture(order, number, one, Print::of(world))))
}

fn read_refund(world: &mut World, id: Uuid, refund: &str) -> Outcome {
    let (order, at) = seen(world, id)?;
    let wanted = Uuid::try_parse(refund).ok();
    let found = order.at(at).shown().refunds.iter().find(|one| Some(one.id) == wanted).cloned();
    let one = found.ok_or_else(|| {
        let message = format!("Refund {refund} cannot be found for order {id}");
        Refusal::new(404, "NOT_FOUND", message)
    })?;
    Ok(ok(&json::refund(&one, Print::of(world))))
}

fn acknowledge(world: &mut World, id: Uuid) -> Outcome {
    let order = world.klarna_order(id)?;
    if matches!(order.state.status, Status::Cancelled | Status::Expired | Status::Closed) {
        return Err(Refusal::new(403, "NOT_ALLOWED", "Acknowledgement not possible."));
    }
    world.effect();
    Ok(no_content())
}

fn body(request: &Request) -> Result<Value, Refusal> {
    let bad = || Refusal::new(400, "BAD_VALUE", "Bad value: request body");
    let value: Value = serde_json::from_slice(&request.body).map_err(|_| bad())?;
    if value.is_object() { Ok(value) } else { Err(bad()) }
}

fn amount(world: &World, body: &Value, name: &str) -> Result<i64, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Err(unprocessable(format!("'{name}' may not be null"))),
        Some(value) => {
            let number = value.as_i64();
            let number = number.ok_or_else(|| Refusal::new(400, "BAD_VALUE", format!("Bad value: {name}")))?;
            let most = world.switches.klarna_max_amount;
            if (0..=most).contains(&number) {
                Ok(number)
            } else {
                Err(unprocessable(format!("The {name} value must be between 0 and {most}")))
            }
        }
    }
}

fn text(body: &Value, name: &str, most: usize) -> Result<Option<Box<str>>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text.as_str().into())),
        Some(Value::String(_)) => {
            Err(unprocessable(format!("The size of the {name} value must be between 0 and {most}")))
        }
        Some(_) => Err(Refusal::new(400, "BAD_VALUE", format!("Bad value: {name}"))),
    }
}

fn array<'v>(body: &'v Value, name: &str, most: usize) -> Result<&'v [Value], Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) if items.len() <= most => Ok(items),
        Some(Value::Array(_)) => {
            Err(unprocessable(format!("The size of the {name} value must be between 0 and {most}")))
        }
        Some(_) => Err(Refusal::new(400, "BAD_VALUE", format!("Bad value: {name}"))),
    }
}

fn details(request: &Request, body: &Value) -> Result<Details, Refusal> {
    let lines = array(body, "order_lines", 1_000)?;
    checks::lines(lines)?;
    let shipping = array(body, "shipping_info", 500)?;
    checks::shipping(shipping)?;
    let references = lines.iter().filter_map(|line| line.get("reference").and_then(Value::as_str));
    let totals = lines.iter().filter_map(|line| line.get("total_amount").and_then(Value::as_i64));
    Ok(Details {
        reference: text(body, "reference", 255)?,
        description: text(body, "description", 255)?,
        order_lines: body.get("order_lines").filter(|lines| lines.is_array()).map(|lines| Arc::from(lines.to_string())),
        line_references: references.map(str::to_owned).collect(),
        line_total: totals.fold(0, i64::saturating_add),
        shipping_info: raw_items(shipping),
        key: request.header("klarna-idempotency-key").map(Into::into),
    })
}

/// What POST shipping-info adds: 1 to 500 of them.
fn shipping_info(body: &Value) -> Result<Vec<Arc<str>>, Refusal> {
    let items = array(body, "shipping_info", 500)?;
    if items.is_empty() {
        return Err(unprocessable("The size of the shipping_info value must be between 1 and 500".to_owned()));
    }
    checks::shipping(items)?;
    Ok(raw_items(items))
}

fn raw_items(items: &[Value]) -> Vec<Arc<str>> {
    items.iter().map(|item| Arc::from(item.to_string())).collect()
}

/// 201 with the id in the headers and nothing in the body, as it was recorded.
fn created(world: &mut World, request: &Request, header: &'static str, id: Uuid) -> Response {
    let host = request.header("host").unwrap_or("api.playground.klarna.com");
    let scheme = if is_loopback(host) { "http" } else { "https" };
    let path = request.path().trim_end_matches('/');
    let status = status_of(world.switches.klarna_created_status, 201);
    let transaction = world.ids.uuid().to_string();
    Response::empty(status)
        .with("Location", format!("{scheme}://{host}{path}/{id}"))
        .with(header, id.to_string())
        .with("Transaction-Id", transaction)
        .with("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
        .with("Pragma", "no-cache")
        .with("Expires", "0")
        .with("X-Content-Type-Options", "nosniff")
        .with("X-Xss-Protection", "1; mode=block")
        .with("X-Frame-Options", "DENY")
        .with("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
}

fn create_capture(world: &mut World, id: Uuid, request: &Request) -> Outcome {
    let body = body(request)?;
    let amount = amount(world, &body, "captured_amount")?;
    let details = details(request, &body)?;
    let capture = world.klarna_capture(id, amount, Some(details))?;
    Ok(created(world, request, "Capture-Id", capture))
}

fn create_refund(world: &mut World, id: Uuid, request: &Request) -> Outcome {
    let unknown = world.switches.klarna_unknown_order_refund;
    if !world.merchant.orders.contains_key(&id) {
        let refusal = Refusal::no_order(id);
        return Err(match unknown {
            UnknownOrderCode::NotFound => Refusal { code: "NOT_FOUND", ..refusal },
            UnknownOrderCode::NoSuchOrder => refusal,
        });
    }
    let body = body(request)?;
    let amount = amount(world, &body, "refunded_amount")?;
    let details = details(request, &body)?;
    let refund = world.klarna_refund(id, amount, Some(details))?;
    Ok(created(world, request, "Refund-Id", refund))
}

fn update_authorization(world: &mut World, id: Uuid, request: &Request) -> Outcome {
    let body = body(request)?;
    let amount = amount(world, &body, "order_amount")?;
    text(&body, "description", 255)?;
    let lines = array(&body, "order_lines", 1_000)?;
    let raw = Value::from(lines.to_vec()).to_string();
    // Lines that are left out are deleted.
    world.klarna_update(id, amount)?.lines = Lines::Raw(Arc::from(raw));
    Ok(no_content())
}

fn merchant_references(world: &mut World, id: Uuid, request: &Request) -> Outcome {
    let body = body(request)?;
    let first = text(&body, "merchant_reference1", 255)?;
    let second = text(&body, "merchant_reference2", 255)?;
    let (now, expired) = (world.now_ms, world.switches.klarna_references_expired);
    let order = world.klarna_order(id).map_err(|_| {
        let message = "Order cannot be found. Merchant references cannot be updated.";
        Refusal::new(404, "NO_SUCH_ORDER", message)
    })?;
    let status = order.state.status;
    let refused = status == Status::Expired && expired == Verdict::Refuse;
    if status == Status::Cancelled || status == Status::Closed || refused {
        return Err(Refusal::new(403, "NOT_ALLOWED", "Merchant references cannot be updated."));
    }
    let state = order.change(now);
    state.reference1 = first.unwrap_or_else(|| state.reference1.clone());
    state.reference2 = second.unwrap_or_else(|| state.reference2.clone());
    world.effect();
    Ok(no_content())
}

fn customer_details(world: &mut World, id: Uuid, request: &Request) -> Outcome {
    let body = body(request)?;
    let now = world.now_ms;
    let order = world.klarna_order(id)?;
    if !order.state.status.is_open() {
        return Err(Refusal::new(403, "NOT_ALLOWED", "Update not allowed."));
    }
    if let Some(Value::Object(fields)) = body.get("shipping_address") {
        // Fields that are not sent stay.
        let before = order.state.shipping_address.as_deref().map_or_else(json::address_text, str::to_owned);
        let mut address: Value = serde_json::from_str(&before).unwrap_or_default();
        if let Some(known) = address.as_object_mut() {
            known.extend(fields.clone());
        }
        order.change(now).shipping_address = Some(Arc::from(address.to_string()));
    }
    world.effect();
    Ok(no_content())
}

fn order_shipping(world: &mut World, id: Uuid, request: &Request) -> Outcome {
    let info = shipping_info(&body(request)?)?;
    let now = world.now_ms;
    world.klarna_order(id)?.change(now).shipping_info.extend(info);
    world.effect();
    Ok(no_content())
}

/// The position of a capture, or why it cannot be written to.
fn capture_index(world: &mut World, id: Uuid, capture: &str, what: &str) -> Result<usize, Refusal> {
    let order = world.klarna_order(id)?;
    if order.state.captures.is_empty() {
        let message = format!("Order has no captures. {what} not possible.");
        return Err(Refusal::new(403, "NOT_ALLOWED", message));
    }
    let wanted = Uuid::try_parse(capture).ok();
    let index = order.state.captures.iter().position(|one| Some(one.id) == wanted);
    index.ok_or_else(|| {
        let message = format!("Capture could not be found. {what} not possible for {capture}.");
        Refusal::new(404, "NO_SUCH_CAPTURE", message)
    })
}

fn capture_shipping(world: &mut World, id: Uuid, capture: &str, request: &Request) -> Outcome {
    let info = shipping_info(&body(request)?)?;
    let index = capture_index(world, id, capture, "Shipping info")?;
    let now = world.now_ms;
    if let Some(capture) = world.klarna_order(id)?.change(now).captures.get_mut(index) {
        capture.details.shipping_info.extend(info);
    }
    world.effect();
    Ok(no_content())
}

fn extend_due_date(world: &mut World, id: Uuid, capture: &str, request: &Request) -> Outcome {
    let body = body(request)?;
    // The new due date shows in nothing that can be read here.
    amount(world, &body, "number_of_days")?;
    capture_index(world, id, capture, "Due date extension")?;
    world.effect();
    Ok(no_content())
}

/// What there is to choose from, or 404 whatever is in the way.
fn due_date_options(world: &mut World, id: Uuid, capture: &str) -> Outcome {
    let found = capture_index(world, id, capture, "Due date extension");
    found.map_err(|refusal| {
        if refusal.status == 403 { Refusal::new(404, "NO_SUCH_CAPTURE", refusal.message) } else { refusal }
    })?;
    let options: Vec<J> =
        [(95_i64, 14_i64), (195, 30)].map(|(amount, days)| obj! { "amount": amount, "number_of_days": days }).into();
    let currency = world.accounts.currency.clone();
    Ok(ok(&obj! { "currency": currency, "options": options }))
}
