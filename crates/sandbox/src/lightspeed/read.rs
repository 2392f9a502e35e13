//! GET of orders, lines, invoices, items, shipments and events.
//!
//! Changes nothing.

use super::call::{Call, Failure};
use super::list::Selection;
use super::model::{Invoice, Order, Shipment};
use super::{Outcome, answer, count, view};
use crate::World;
use crate::json::{J, obj};
use crate::person;
use crate::switches::EventsEnvelope;
use crate::wire::Response;

pub(crate) fn handle(world: &World, call: &Call<'_>) -> Outcome {
    match call.parts.as_slice() {
        ["orders"] => orders(world, call, false),
        ["orders", "count"] => orders(world, call, true),
        ["orders", "events"] => events(world, call, false),
        ["orders", "events", "count"] => events(world, call, true),
        ["orders", "events", _] => one_event(world, call),
        ["orders", _] => one_order(world, call),
        ["orders", _, "products"] => products(world, call, false),
        ["orders", _, "products", "count"] => products(world, call, true),
        ["orders", _, "products", _] => one_product(world, call),
        ["invoices"] => invoices(world, call, false),
        ["invoices", "count"] => invoices(world, call, true),
        ["invoices", _] => one_invoice(world, call),
        ["invoices", _, "items"] => items(world, call, false),
        ["invoices", _, "items", "count"] => items(world, call, true),
        ["invoices", _, "items", _] => one_item(world, call),
        ["shipments"] => shipments(world, call, false),
        ["shipments", "count"] => shipments(world, call, true),
        ["shipments", _] => one_shipment(world, call),
        ["shipments", _, "products"] => shipment_products(world, call, false),
        ["shipments", _, "products", "count"] => shipment_products(world, call, true),
        _ => Err(Failure::NotFound),
    }
}

/// Keeps only what `fields` names.
fn trim(call: &Call<'_>, mut json: J) -> J {
    if let Some(fields) = call.query.get("fields") {
        let keys: Vec<&str> = fields.split(',').map(str::trim).collect();
        json.keep_only(&keys);
    }
    json
}

fn envelope(name: &'static str, value: J) -> J {
    J::Obj(vec![(name.into(), value)])
}

fn list(name: &'static str, items: Vec<J>) -> Response {
    answer(200, &envelope(name, J::Arr(items)))
}

fn one(name: &'static str, item: J) -> Response {
    answer(200, &envelope(name, item))
}

/// A text filter; absent means everything.
fn same(wanted: Option<&str>, value: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == value)
}

pub(crate) fn order<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Order, Failure> {
    call.id(1).and_then(|id| world.shop.orders.get(&id)).ok_or(Failure::NotFound)
}

pub(crate) fn invoice<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Invoice, Failure> {
    call.id(1).and_then(|id| world.shop.invoices.get(&id)).ok_or(Failure::NotFound)
}

pub(crate) fn shipment<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Shipment, Failure> {
    call.id(1).and_then(|id| world.shop.shipments.get(&id)).ok_or(Failure::NotFound)
}

fn orders(world: &World, call: &Call<'_>, counted: bool) -> Outcome {
    let selection = Selection::of(call, world)?;
    let get = |name| call.query.get(name);
    let customer = call.query.number("customer");
    let keep = |order: &Order| {
        same(get("status"), &order.status)
            && same(get("paymentStatus"), &order.payment_status)
            && same(get("shipmentStatus"), &order.shipment_status)
            && same(get("email"), person::EMAIL)
            && customer.is_none_or(|customer| customer == order.customer)
    };
    let number = get("number").map(|number| world.shop.by_number.get(number));
    let only = number.map(|id| id.copied().into_iter().collect());
    let shop = &world.shop;
    if counted {
        return Ok(count(selection.count(&shop.orders, &shop.orders_time, only, keep)));
    }
    let ids = selection.page(&shop.orders, &shop.orders_time, only, keep);
    let (view, embed) = (view(world, call), world.switches.lightspeed_embedded_in_lists);
    Ok(list("orders", ids.iter().map(|id| trim(call, view.order_by_id(*id, embed))).collect()))
}

fn one_order(world: &World, call: &Call<'_>) -> Outcome {
    let order = order(world, call)?;
    Ok(one("order", trim(call, view(world, call).order(order, true))))
}

fn products(world: &World, call: &Call<'_>, counted: bool) -> Outcome {
    let order = order(world, call)?;
    let products = view(world, call).order_products(order);
    if counted { Ok(count(products.len())) } else { Ok(list("orderProducts", products)) }
}

fn one_product(world: &World, call: &Call<'_>) -> Outcome {
    let order = order(world, call)?;
    let index = call.id(3).and_then(|id| order.line_index(id)).ok_or(Failure::NotFound)?;
    let product = view(world, call).order_product(order, index).ok_or(Failure::NotFound)?;
    Ok(one("orderProduct", product))
}

fn invoices(world: &World, call: &Call<'_>, counted: bool) -> Outcome {
    let selection = Selection::of(call, world)?;
    let shop = &world.shop;
    let by_text = world.switches.lightspeed_invoice_filters;
    let get = |name| call.query.get(name).filter(|_| by_text);
    let customer = call.query.number("customer");
    let number = get("number").map(|number| shop.invoice_by_number.get(number).copied());
    let keep = |invoice: &Invoice| {
        let order = shop.orders.get(&invoice.order);
        same(get("status"), &invoice.status)
            && same(get("email"), person::EMAIL)
            && customer.is_none_or(|id| order.is_some_and(|order| order.customer == id))
            && number.is_none_or(|id| id == Some(invoice.id))
    };
    let only = of_order(world, call, |order| &order.invoices).or_else(|| number.map(|id| id.into_iter().collect()));
    if counted {
        return Ok(count(selection.count(&shop.invoices, &shop.invoices_time, only, keep)));
    }
    let ids = selection.page(&shop.invoices, &shop.invoices_time, only, keep);
    let view = view(world, call);
    Ok(list("invoices", ids.iter().map(|id| trim(call, view.invoice_by_id(*id))).collect()))
}

/// The documents of the order that `order=` names; no such parameter, no restriction.
fn of_order(world: &World, call: &Call<'_>, documents: impl Fn(&Order) -> &Vec<u64>) -> Option<Vec<u64>> {
    let wanted = call.query.get("order")?;
    let order = wanted.parse::<u64>().ok().and_then(|id| world.shop.orders.get(&id));
    Some(order.map(|order| documents(order).clone()).unwrap_or_default())
}

fn one_invoice(world: &World, call: &Call<'_>) -> Outcome {
    let invoice = invoice(world, call)?;
    Ok(one("invoice", trim(call, view(world, call).invoice(invoice))))
}

fn items(world: &World, call: &Call<'_>, counted: bool) -> Outcome {
    let items = view(world, call).items(invoice(world, call)?);
    if counted { Ok(count(items.len())) } else { Ok(list("invoiceItems", items)) }
}

fn one_item(world: &World, call: &Call<'_>) -> Outcome {
    let invoice = invoice(world, call)?;
    let index = call.id(3).and_then(|id| id.checked_sub(invoice.id.saturating_mul(100)));
    let index = index.and_then(|index| usize::try_from(index).ok()).ok_or(Failure::NotFound)?;
    let item = view(world, call).items(invoice).into_iter().nth(index);
    Ok(one("invoiceItem", item.ok_or(Failure::NotFound)?))
}

fn shipments(world: &World, call: &Call<'_>, counted: bool) -> Outcome {
    let selection = Selection::of(call, world)?;
    let shop = &world.shop;
    let customer = call.query.number("customer");
    let keep = |shipment: &Shipment| {
        let order = shop.orders.get(&shipment.order);
        same(call.query.get("status"), &shipment.status)
            && customer.is_none_or(|id| order.is_some_and(|order| order.customer == id))
    };
    let only = of_order(world, call, |order| &order.shipments);
    if counted {
        return Ok(count(selection.count(&shop.shipments, &shop.shipments_time, only, keep)));
    }
    let ids = selection.page(&shop.shipments, &shop.shipments_time, only, keep);
    let view = view(world, call);
    Ok(list("shipments", ids.iter().map(|id| trim(call, view.shipment_by_id(*id))).collect()))
}

fn one_shipment(world: &World, call: &Call<'_>) -> Outcome {
    let shipment = shipment(world, call)?;
    Ok(one("shipment", trim(call, view(world, call).shipment(shipment))))
}

fn shipment_products(world: &World, call: &Call<'_>, counted: bool) -> Outcome {
    let products = view(world, call).shipment_products(shipment(world, call)?);
    if counted { Ok(count(products.len())) } else { Ok(list("shipmentProducts", products)) }
}

/// Ids of the events a call selects, ascending.
fn event_ids(world: &World, call: &Call<'_>) -> Vec<u64> {
    let number = |name| call.query.get(name).map(|text| text.parse::<u64>().unwrap_or(0));
    let (invoice, shipment) = (number("invoice"), number("shipment"));
    let shop = &world.shop;
    let owner = number("order")
        .or_else(|| invoice.map(|id| shop.invoices.get(&id).map_or(0, |one| one.order)))
        .or_else(|| shipment.map(|id| shop.shipments.get(&id).map_or(0, |one| one.order)));
    let Some(owner) = owner else {
        return shop.event_owner.keys().copied().collect();
    };
    let events = shop.orders.get(&owner).map_or(&[][..], |order| order.events.as_slice());
    events
        .iter()
        .filter(|event| invoice.is_none_or(|id| event.invoice == Some(id)))
        .filter(|event| shipment.is_none_or(|id| event.shipment == Some(id)))
        .map(|event| event.id)
        .collect()
}

fn event_json(world: &World, call: &Call<'_>, id: u64) -> Option<J> {
    let owner = world.shop.event_owner.get(&id)?;
    let order = world.shop.orders.get(owner)?;
    let event = order.events.iter().find(|event| event.id == id)?;
    Some(view(world, call).event(event, *owner))
}

fn events(world: &World, call: &Call<'_>, counted: bool) -> Outcome {
    let ids = event_ids(world, call);
    if counted {
        return Ok(count(ids.len()));
    }
    let selection = Selection::of(call, world)?;
    let ids = selection.cut(ids.into_iter());
    let items = ids.iter().filter_map(|id| event_json(world, call, *id)).collect();
    Ok(list(events_envelope(world).0, items))
}

fn events_envelope(world: &World) -> (&'static str, &'static str) {
    match world.switches.lightspeed_events_envelope {
        EventsEnvelope::OrdersEvents => ("ordersEvents", "ordersEvent"),
        EventsEnvelope::OrderEvents => ("orderEvents", "orderEvent"),
    }
}

fn one_event(world: &World, call: &Call<'_>) -> Outcome {
    let event = call.id(2).and_then(|id| event_json(world, call, id));
    Ok(one(events_envelope(world).1, event.ok_or(Failure::NotFound)?))
}

/// `events.json`: the same objects as a queue that its reader empties by DELETE.
pub(crate) fn feed(world: &mut World, call: &Call<'_>) -> Outcome {
    let waiting = |world: &World| -> Vec<u64> {
        let ids = world.shop.event_owner.keys().copied();
        ids.filter(|id| !world.feed_read.contains(id)).collect()
    };
    match (call.request.method.as_str(), call.parts.as_slice()) {
        ("GET", ["events"]) => {
            let selection = Selection::of(call, world)?;
            let ids = selection.cut(waiting(world).into_iter());
            Ok(list("events", ids.iter().filter_map(|id| event_json(world, call, *id)).collect()))
        }
        ("GET", ["events", "count"]) => Ok(count(waiting(world).len())),
        ("GET", ["events", _]) => {
            let id = call.id(1).filter(|id| !world.feed_read.contains(id));
            let event = id.and_then(|id| event_json(world, call, id));
            Ok(one("event", event.ok_or(Failure::NotFound)?))
        }
        ("DELETE", ["events", _]) => {
            let id = call.id(1).filter(|id| world.shop.event_owner.contains_key(id));
            let fresh = world.feed_read.insert(id.ok_or(Failure::NotFound)?);
            if !fresh {
                return Err(Failure::NotFound);
            }
            world.effect();
            Ok(answer(200, &obj! {}))
        }
        _ => Err(Failure::NoSuchVerb),
    }
}
