//! PUT of orders, invoices and shipments, and POST of a credit invoice.
//!
//! Partial updates: fields that are not sent stay. Fields the service is not known to take are
//! ignored.

use serde_json::Value;

use super::call::{Call, Failure};
use super::effects::CreditPlan;
use super::model::{COST_TAX_BP, Item, ItemKind, event};
use super::webhook::{Subject, notify};
use super::{Outcome, answer, read, status_of, view};
use crate::World;
use crate::json::{J, obj};
use crate::switch::SwitchValue as _;
use crate::switches::{CreditAnswer, Verdict};
use crate::wire::Response;

const API: &str = "api";

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Outcome {
    match (call.request.method.as_str(), call.parts.as_slice()) {
        ("PUT", ["orders", _]) => put_order(world, call),
        ("PUT", ["invoices", _]) => put_invoice(world, call),
        ("PUT", ["shipments", _]) => put_shipment(world, call),
        ("POST", ["orders", _, "credit"]) => post_credit(world, call),
        _ => Err(Failure::NoSuchVerb),
    }
}

fn invalid(field: &str) -> Failure {
    Failure::Invalid { field: field.to_owned() }
}

fn text<'v>(fields: &'v Value, name: &str) -> Result<Option<&'v str>, Failure> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(name)),
    }
}

fn put_order(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = read::order(world, call)?.id;
    let fields = call.envelope("order")?;
    let status = text(&fields, "status")?;
    let payment = text(&fields, "paymentStatus")?;
    let shipment = text(&fields, "shipmentStatus")?;
    check_order(world, id, status, payment, shipment)?;
    put_plain_fields(world, id, &fields)?;
    if let Some(payment) = payment {
        match payment {
            "cancelled" => set_payment_cancelled(world, id),
            other => world.set_order_payment(id, other == "paid", API),
        }
    }
    match shipment {
        Some("shipped") => {
            // Shipping what has been shipped already changes nothing.
            let _ = world.ship_in_shop(id, None, "", API);
        }
        Some(_) => {
            let slips = world.shop.orders.get(&id).map(|order| order.shipments.clone());
            for slip in slips.unwrap_or_default() {
                world.set_shipment_status(slip, "not_shipped", API);
            }
        }
        None => {}
    }
    match status {
        Some("cancelled") => {
            let credit = world.switches.lightspeed_api_cancel_makes_credit_notes;
            world.cancel_order_in_shop(id, credit, API);
        }
        Some(hold) => put_hold(world, id, hold == "on_hold"),
        None => {}
    }
    Ok(answer(200, &obj! { "order": view(world, call).order_by_id(id, true) }))
}

/// Everything is judged before anything is changed.
fn check_order(
    world: &World, id: u64, status: Option<&str>, payment: Option<&str>, shipment: Option<&str>,
) -> Result<(), Failure> {
    if status.is_some_and(|text| !["on_hold", "off_hold", "cancelled"].contains(&text)) {
        return Err(invalid("status"));
    }
    if payment.is_some_and(|text| !["paid", "not_paid", "cancelled"].contains(&text)) {
        return Err(invalid("paymentStatus"));
    }
    if shipment.is_some_and(|text| !["shipped", "not_shipped"].contains(&text)) {
        return Err(invalid("shipmentStatus"));
    }
    let cancelled = world.shop.orders.get(&id).is_some_and(super::model::Order::is_cancelled);
    let revives = status.is_some_and(|text| text != "cancelled");
    if cancelled && (revives || payment.is_some() || shipment.is_some()) {
        let message = "The order is cancelled; this cannot be undone.".to_owned();
        return Err(Failure::Refused { message });
    }
    Ok(())
}

fn put_plain_fields(world: &mut World, id: u64, fields: &Value) -> Result<(), Failure> {
    let memo = text(fields, "memo")?.map(str::to_owned);
    let custom = match fields.get("customStatusId") {
        None => None,
        Some(Value::Null) => Some(None),
        Some(value) => Some(Some(value.as_i64().ok_or_else(|| invalid("customStatusId"))?)),
    };
    let now = world.now_ms;
    let Some(order) = world.shop.orders.get_mut(&id) else { return Err(Failure::NotFound) };
    let mut changed = false;
    if let Some(memo) = memo
        && order.memo != memo
    {
        order.memo = memo;
        changed = true;
    }
    if let Some(custom) = custom
        && order.custom_status != custom
    {
        order.custom_status = custom;
        changed = true;
    }
    if changed {
        world.effect();
        world.shop.touch_order(id, now);
        notify(world, Subject::Order(id), "updated");
    }
    Ok(())
}

fn set_payment_cancelled(world: &mut World, id: u64) {
    let now = world.now_ms;
    let Some(order) = world.shop.orders.get_mut(&id) else { return };
    if order.payment_status == "cancelled" {
        return;
    }
    order.payment_status = "cancelled".into();
    world.effect();
    world.shop.record(id, event(now, API, "order", "cancelled".into()));
    world.shop.touch_order(id, now);
    notify(world, Subject::Order(id), "updated");
}

fn put_hold(world: &mut World, id: u64, hold: bool) {
    let now = world.now_ms;
    let Some(order) = world.shop.orders.get_mut(&id) else { return };
    let status = match (hold, order.payment_status == "paid") {
        (true, _) => "on_hold",
        (false, true) => "processing_awaiting_shipment",
        (false, false) => "processing_awaiting_payment",
    };
    if order.status == status || (!hold && order.status != "on_hold") {
        return;
    }
    order.status = status.into();
    world.effect();
    let message = if hold { "on_hold" } else { "off_hold" };
    world.shop.record(id, event(now, API, "order", message.into()));
    world.shop.touch_order(id, now);
    notify(world, Subject::Order(id), "updated");
}

fn put_invoice(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = read::invoice(world, call)?.id;
    let fields = call.envelope("invoice")?;
    if let Some(status) = text(&fields, "status")? {
        let known = ["paid", "not_paid"].contains(&status);
        if !known && world.switches.lightspeed_put_unknown_status == Verdict::Refuse {
            return Err(invalid("status"));
        }
        world.set_invoice_status(id, status.to_owned().into(), API);
    }
    Ok(answer(200, &obj! { "invoice": view(world, call).invoice_by_id(id) }))
}

fn put_shipment(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = read::shipment(world, call)?.id;
    let fields = call.envelope("shipment")?;
    let status = match text(&fields, "status")? {
        None => None,
        Some("shipped") => Some("shipped"),
        Some("not_shipped") => Some("not_shipped"),
        Some(_) => return Err(invalid("status")),
    };
    let tracking = text(&fields, "trackingCode")?.map(str::to_owned);
    let now = world.now_ms;
    if let Some(tracking) = tracking
        && let Some(shipment) = world.shop.shipments.get_mut(&id)
    {
        shipment.tracking = tracking.into();
        world.effect();
        world.shop.touch_shipment(id, now);
        notify(world, Subject::Shipment(id), "updated");
    }
    if let Some(status) = status {
        world.set_shipment_status(id, status, API);
    }
    Ok(answer(200, &obj! { "shipment": view(world, call).shipment_by_id(id) }))
}

fn post_credit(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = read::order(world, call)?.id;
    let fields = call.envelope("credit")?;
    let items = credit_items(world, id, &fields)?;
    let plan = CreditPlan {
        original: None,
        items,
        total_incl: None,
        status: world.switches.lightspeed_credit_initial_status.show().into(),
        channel: API,
    };
    let credit = world.make_credit(id, plan).map_err(|message| Failure::Refused { message })?;
    let status = status_of(world.switches.lightspeed_post_status, 201);
    let invoice = |world: &World| -> J { view(world, call).invoice_by_id(credit) };
    Ok(match world.switches.lightspeed_post_credit_answer {
        CreditAnswer::Invoice => answer(status, &obj! { "invoice": invoice(world) }),
        CreditAnswer::Credit => answer(status, &obj! { "credit": invoice(world) }),
        CreditAnswer::Empty => Response::empty(status),
    })
}

/// Lines with quantities, and whole costs where asked.
fn credit_items(world: &World, id: u64, fields: &Value) -> Result<Vec<Item>, Failure> {
    let order = world.shop.orders.get(&id).ok_or(Failure::NotFound)?;
    let mut items = Vec::new();
    let products = fields.get("orderProducts").and_then(Value::as_array);
    for product in products.map_or(&[][..], Vec::as_slice) {
        let field = || invalid("orderProducts");
        let line = product.get("id").and_then(Value::as_u64).ok_or_else(field)?;
        let index = order.line_index(line).ok_or_else(field)?;
        let line = order.lines.get(index).ok_or_else(field)?;
        let quantity = product.get("quantity").and_then(Value::as_i64).ok_or_else(field)?;
        if quantity <= 0 || quantity > line.creditable() {
            return Err(field());
        }
        items.push(Item {
            kind: ItemKind::Product(index),
            quantity,
            total_incl: line.unit_incl.saturating_mul(quantity),
            tax_bp: line.tax_bp,
        });
    }
    let asked = |name: &str| fields.get(name).and_then(Value::as_bool).unwrap_or(false);
    let costs = [
        ("creditShipment", ItemKind::Shipping, order.shipping_incl),
        ("creditPayment", ItemKind::Payment, order.payment_incl),
    ];
    for (name, kind, total_incl) in costs {
        if asked(name) {
            items.push(Item { kind, quantity: 1, total_incl, tax_bp: COST_TAX_BP });
        }
    }
    if items.is_empty() { Err(invalid("orderProducts")) } else { Ok(items) }
}
