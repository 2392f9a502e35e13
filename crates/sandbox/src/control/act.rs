//! Control calls that act by hand: in the shop, in the portal, and on raw fields.

use serde_json::Value;
use uuid::Uuid;

use super::fields::{Fields, decimal};
use super::{Outcome, done};
use crate::World;
use crate::acts::{Credit, KlarnaStart, NewLine, NewOrder, units};
use crate::json::obj;
use crate::klarna::model::Fraud;
use crate::lightspeed::app::AppRegistration;
use crate::switch::SwitchValue as _;
use crate::switches::{KlarnaIdLocation, PaidState};
use crate::time::SECOND;

pub(crate) fn perform(world: &mut World, name: &str, fields: &Fields) -> Outcome {
    match name {
        "create_order" => create_order(world, fields),
        "ship" => {
            let order = shop_order(world, fields)?;
            let items = line_items(fields, "items")?;
            world.ship(order, items.as_deref()).map(|()| done())
        }
        "credit" => credit(world, fields),
        "invoice" => {
            let order = shop_order(world, fields)?;
            world.invoice_by_hand(order).map(|id| obj! { "invoice": id }).ok_or("no such order".into())
        }
        "mark_invoice" => {
            let invoice = invoice(world, fields)?;
            world.mark_invoice(invoice, fields.text("status")?.unwrap_or("paid"));
            Ok(done())
        }
        "edit_invoice" => {
            let invoice = invoice(world, fields)?;
            let amount = amount(fields)?.ok_or("`amount` is missing")?;
            world.edit_invoice(invoice, amount).map(|()| done())
        }
        "cancel_order" => {
            let order = shop_order(world, fields)?;
            world.cancel_in_shop(order);
            Ok(done())
        }
        "set_field" => set_field(world, fields),
        "install_app" => {
            let app = app(fields)?;
            Ok(obj! { "redirect": world.install_app(&app) })
        }
        "uninstall_app" => {
            let app = app(fields)?;
            Ok(obj! { "redirect": world.uninstall_app(&app) })
        }
        "forget_keys" => {
            world.forget_keys();
            Ok(done())
        }
        _ => portal(world, name, fields),
    }
}

fn app(fields: &Fields) -> Result<AppRegistration, String> {
    let text = |name: &str| Ok::<_, String>(fields.text(name)?.ok_or(format!("`{name}` is missing"))?.to_owned());
    Ok(AppRegistration { key: text("key")?, secret: text("secret")?, address: text("address")? })
}

fn portal(world: &mut World, name: &str, fields: &Fields) -> Outcome {
    let order = klarna_order(world, fields)?;
    let amount = fields.number("amount_minor")?;
    let reference = fields.text("reference")?;
    let id = |id: Uuid| obj! { "id": id.to_string() };
    match name {
        "portal_capture" => world.portal_capture(order, amount, reference).map(id),
        "portal_refund" => world.portal_refund(order, amount, reference).map(id),
        "portal_cancel" => world.portal_cancel(order).map(|()| done()),
        "portal_release" => world.portal_release(order).map(|()| done()),
        "portal_extend" => world.portal_extend(order).map(|()| done()),
        "expire" => world.expire(order).map(|()| done()),
        "fraud" => world.set_fraud(order, fraud(fields)?).map(|()| done()),
        "dispute" => {
            let amount = amount.ok_or("`amount_minor` is missing")?;
            world.dispute(order, amount).map(|()| done())
        }
        other => Err(format!("no act is called `{other}`")),
    }
}

fn fraud(fields: &Fields) -> Result<Fraud, String> {
    match fields.text("fraud")?.unwrap_or("accepted") {
        "accepted" => Ok(Fraud::Accepted),
        "pending" => Ok(Fraud::Pending),
        "rejected" => Ok(Fraud::Rejected),
        other => Err(format!("`fraud` is accepted, pending or rejected, not `{other}`")),
    }
}

/// A shop order id, an order number or a Klarna id, as (shop order, Klarna order).
pub(crate) fn find_order(world: &World, wanted: &str) -> Result<(Option<u64>, Option<Uuid>), String> {
    let by_id = wanted.parse().ok().filter(|id| world.shop.orders.contains_key(id));
    if let Some(id) = by_id.or_else(|| world.order_by_number(wanted)) {
        return Ok((Some(id), world.klarna_order_of(id)));
    }
    let klarna = Uuid::try_parse(wanted).ok().filter(|id| world.merchant.orders.contains_key(id));
    let klarna = klarna.ok_or_else(|| format!("no order is called `{wanted}`"))?;
    let shop = world.links.iter().find(|(_, id)| **id == klarna).map(|(id, _)| *id);
    let tried = |ids: &Vec<Uuid>| ids.contains(&klarna);
    let shop = shop.or_else(|| world.attempts.iter().find(|(_, ids)| tried(ids)).map(|(id, _)| *id));
    Ok((shop, Some(klarna)))
}

fn word(fields: &Fields, name: &str) -> Result<String, String> {
    match fields.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(format!("`{name}` is missing")),
    }
}

pub(crate) fn shop_order(world: &World, fields: &Fields) -> Result<u64, String> {
    let wanted = word(fields, "order")?;
    find_order(world, &wanted)?.0.ok_or_else(|| format!("`{wanted}` has no shop order"))
}

pub(crate) fn klarna_order(world: &World, fields: &Fields) -> Result<Uuid, String> {
    let wanted = word(fields, "order")?;
    find_order(world, &wanted)?.1.ok_or_else(|| format!("`{wanted}` was not paid with Klarna"))
}

pub(crate) fn invoice(world: &World, fields: &Fields) -> Result<u64, String> {
    let wanted = word(fields, "invoice")?;
    let by_id = wanted.parse().ok().filter(|id| world.shop.invoices.contains_key(id));
    by_id.or_else(|| world.invoice_by_number(&wanted)).ok_or_else(|| format!("no invoice is called `{wanted}`"))
}

/// `amount` as decimal text with up to four decimals, or `amount_minor`; in ten-thousandths.
fn amount(fields: &Fields) -> Result<Option<i64>, String> {
    if let Some(minor) = fields.number("amount_minor")? {
        return Ok(Some(units(minor)));
    }
    let Some(value) = fields.get("amount") else { return Ok(None) };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let number = decimal(&text, 4);
    number.map(Some).ok_or_else(|| "`amount` must be a number with up to 4 decimals".to_owned())
}

/// `[{"line": 0, "quantity": 1}]`
pub(crate) fn line_items(fields: &Fields, name: &str) -> Result<Option<Vec<(usize, i64)>>, String> {
    let Some(list) = fields.list(name)? else { return Ok(None) };
    let item = |value: &Value| {
        let line = value.get("line").and_then(Value::as_u64)?;
        let quantity = value.get("quantity").and_then(Value::as_i64).unwrap_or(1);
        Some((usize::try_from(line).ok()?, quantity))
    };
    let items: Option<Vec<_>> = list.iter().map(item).collect();
    items.map(Some).ok_or_else(|| format!("`{name}` must be a list of line and quantity"))
}

fn create_order(world: &mut World, fields: &Fields) -> Outcome {
    let seconds = |name: &str| -> Result<Option<i64>, String> {
        Ok(fields.number(name)?.map(|seconds| seconds.saturating_mul(SECOND)))
    };
    let location = match fields.text("klarna_id")? {
        None => None,
        Some(text) => Some(
            KlarnaIdLocation::parse(text)
                .ok_or_else(|| format!("`klarna_id` is one of: {}", KlarnaIdLocation::allowed()))?,
        ),
    };
    let order = NewOrder {
        lines: new_lines(fields)?,
        shipping_minor: fields.number("shipping_minor")?.unwrap_or(0),
        klarna: klarna_start(fields)?,
        payment: fields.text("payment")?.map(str::to_owned),
        fraud: fraud(fields)?,
        klarna_id: location,
        klarna_currency: fields.text("klarna_currency")?.map(str::to_owned),
        age_ms: seconds("age_seconds")?.unwrap_or(0),
        expires_in_ms: seconds("expires_in_seconds")?,
        shipped: fields.flag("shipped")?.unwrap_or(false),
        gift_card_minor: fields.number("gift_card_minor")?.unwrap_or(0),
        klarna_amount_minor: fields.number("klarna_amount_minor")?,
        reference1: fields.text("merchant_reference1")?.map(str::to_owned),
        reference2: fields.text("merchant_reference2")?.map(str::to_owned),
        pickup: fields.flag("pickup")?.unwrap_or(false),
    };
    let made = world.create_order(&order);
    Ok(obj! {
        "order": made.order,
        "number": made.number,
        "klarna_order_id": made.klarna.map(|id| id.to_string()),
    })
}

pub(crate) fn klarna_start(fields: &Fields) -> Result<Option<KlarnaStart>, String> {
    if fields.get("payment").is_some() && !fields.has("klarna") {
        return Ok(None);
    }
    if fields.has("klarna") && fields.get("klarna").is_none() {
        return Ok(None);
    }
    let start = match fields.text("klarna")?.unwrap_or("authorized") {
        "authorized" => KlarnaStart::Authorized,
        "captured" => KlarnaStart::Captured,
        "part_captured" => {
            let part = fields.number("captured_minor")?;
            KlarnaStart::PartCaptured(part.ok_or("`captured_minor` is missing")?)
        }
        "cancelled" => KlarnaStart::Cancelled,
        "expired" => KlarnaStart::Expired,
        other => return Err(format!("no Klarna state is called `{other}`")),
    };
    Ok(Some(start))
}

fn new_lines(fields: &Fields) -> Result<Vec<NewLine>, String> {
    let Some(list) = fields.list("lines")? else {
        let amount = fields.number("amount_minor")?.ok_or("`amount_minor` or `lines` is missing")?;
        let goods = amount.saturating_sub(fields.number("shipping_minor")?.unwrap_or(0));
        return Ok(vec![NewLine::new("Sandbox article", 1, goods)]);
    };
    if list.len() > 90 {
        return Err("`lines` holds at most 90 lines".to_owned());
    }
    let line = |value: &Value| {
        let title = value.get("title").and_then(Value::as_str).unwrap_or("Sandbox article");
        Some(NewLine {
            title: title.to_owned().into(),
            quantity: value.get("quantity").and_then(Value::as_i64).unwrap_or(1),
            unit_minor: value.get("unit_minor").and_then(Value::as_i64)?,
            discount_minor: value.get("discount_minor").and_then(Value::as_i64).unwrap_or(0),
            tax_bp: value.get("tax_bp").and_then(Value::as_i64).unwrap_or(2_100),
        })
    };
    let lines: Option<Vec<NewLine>> = list.iter().map(line).collect();
    lines.ok_or_else(|| "every line needs `unit_minor`".to_owned())
}

fn credit(world: &mut World, fields: &Fields) -> Outcome {
    let order = shop_order(world, fields)?;
    let credit = match (amount(fields)?, line_items(fields, "lines")?) {
        (Some(amount), _) => Credit::Amount(amount),
        (None, Some(lines)) => Credit::Lines(lines, fields.flag("shipping")?.unwrap_or(false)),
        (None, None) => return Err("`amount`, `amount_minor` or `lines` is missing".to_owned()),
    };
    let age = fields.number("age_seconds")?.unwrap_or(0).saturating_mul(SECOND);
    let status = match fields.text("status")? {
        None => None,
        Some(text) => {
            Some(PaidState::parse(text).ok_or_else(|| format!("`status` is one of: {}", PaidState::allowed()))?)
        }
    };
    let made = world.back_dated(age, |world| world.add_credit_invoice_as(order, &credit, status));
    let (id, mut number) = made?;
    if let Some(other) = fields.text("number")? {
        world.set_invoice_number(id, other)?;
        other.clone_into(&mut number);
    }
    Ok(obj! { "invoice": id, "number": number })
}

/// Any JSON text in any top-level field of what is read: `json` as a value, or `text` verbatim
/// (for numbers such as `1e400` that no value can hold). Neither removes it.
fn set_field(world: &mut World, fields: &Fields) -> Outcome {
    let field = word(fields, "field")?;
    let text = match (fields.text("text")?, fields.has("json")) {
        (Some(text), _) => Some(text.to_owned()),
        (None, true) => Some(fields.get("json").map_or("null".to_owned(), Value::to_string)),
        (None, false) => None,
    };
    if fields.get("invoice").is_some() {
        let id = invoice(world, fields)?;
        world.set_invoice_field(id, &field, text);
    } else if fields.get("klarna_order").is_some() {
        let wanted = word(fields, "klarna_order")?;
        let id = find_order(world, &wanted)?.1.ok_or("no such Klarna order")?;
        world.set_klarna_field(id, &field, text);
    } else {
        let id = shop_order(world, fields)?;
        world.set_order_field(id, &field, text);
    }
    Ok(done())
}
