//! Control calls for what is less usual: further payment attempts, ids in odd places, edits, and effects that vanish.

use serde_json::Value;
use uuid::Uuid;

use super::act::{invoice, klarna_order, klarna_start, line_items, shop_order};
use super::fields::Fields;
use super::{Outcome, done};
use crate::World;
use crate::acts::KlarnaStart;
use crate::attempts::NewAttempt;
use crate::edits::{LineEdit, SlipEdit};
use crate::json::obj;
use crate::klarna::hide::Concealed;
use crate::switch::SwitchValue as _;
use crate::switches::KlarnaIdLocation;
use crate::time::SECOND;

/// `None`: no act of these is called so.
pub(crate) fn perform(world: &mut World, name: &str, fields: &Fields) -> Option<Outcome> {
    let made = match name {
        "attempt" => attempt(world, fields),
        "show_id" => show_id(world, fields),
        "set_memo" => shop_order(world, fields).and_then(|order| {
            world.set_memo(order, fields.text("memo")?.unwrap_or(""));
            Ok(done())
        }),
        "clear_payment_data" => shop_order(world, fields).map(|order| {
            world.clear_payment_data(order);
            done()
        }),
        "clear_metafields" => shop_order(world, fields).map(|order| {
            world.clear_metafields(order);
            done()
        }),
        "edit_order" => edit_order(world, fields),
        "edit_slip" => edit_slip(world, fields),
        "set_status" => set_status(world, fields),
        "ready_to_download" => {
            shop_order(world, fields).and_then(|order| world.ready_to_download(order).map(|()| done()))
        }
        "pay_otherwise" => pay_otherwise(world, fields),
        "delete_order" => shop_order(world, fields).and_then(|order| world.delete_order(order).map(|()| done())),
        "set_number" => invoice(world, fields).and_then(|invoice| {
            let number = fields.text("number")?.ok_or("`number` is missing")?;
            world.set_invoice_number(invoice, number).map(|()| done())
        }),
        "portal_update" => klarna_order(world, fields).and_then(|order| {
            let amount = fields.number("amount_minor")?.ok_or("`amount_minor` is missing")?;
            world.portal_update(order, amount).map(|()| done())
        }),
        "set_references" => klarna_order(world, fields).and_then(|order| {
            let (first, second) = (fields.text("merchant_reference1")?, fields.text("merchant_reference2")?);
            world.set_references(order, first, second).map(|()| done())
        }),
        "undo_refund" => undo_refund(world, fields),
        "conceal" => conceal(world, fields),
        _ => return None,
    };
    Some(made)
}

fn place(text: &str) -> Result<KlarnaIdLocation, String> {
    let place = KlarnaIdLocation::parse(text);
    place.ok_or_else(|| format!("a place is one of: {}, not `{text}`", KlarnaIdLocation::allowed()))
}

fn attempt(world: &mut World, fields: &Fields) -> Outcome {
    let order = shop_order(world, fields)?;
    let places = fields.list("shown")?.unwrap_or(&[]);
    let shown: Result<Vec<_>, String> =
        places.iter().map(|value| place(value.as_str().unwrap_or("something else"))).collect();
    let id = world.attempt(
        order,
        &NewAttempt {
            start: klarna_start(fields)?.unwrap_or(KlarnaStart::Authorized),
            amount_minor: fields.number("amount_minor")?,
            currency: fields.text("klarna_currency")?.map(str::to_owned),
            reference1: fields.text("merchant_reference1")?.map(str::to_owned),
            reference2: fields.text("merchant_reference2")?.map(str::to_owned),
            shown: shown?,
            pays: fields.flag("pays")?.unwrap_or(false),
            age_ms: fields.number("age_seconds")?.unwrap_or(0).saturating_mul(SECOND),
        },
    )?;
    Ok(obj! { "klarna_order_id": id.to_string() })
}

fn show_id(world: &mut World, fields: &Fields) -> Outcome {
    let order = shop_order(world, fields)?;
    let where_to = place(fields.text("place")?.unwrap_or("memo"))?;
    let key = fields.text("key")?;
    let drawn;
    let text = if let Some(text) = fields.text("text")? {
        text
    } else {
        drawn = world.ids.uuid().to_string();
        &drawn
    };
    world.show_id(order, text, where_to, key);
    Ok(obj! { "text": text.to_owned() })
}

fn edit_order(world: &mut World, fields: &Fields) -> Outcome {
    let order = shop_order(world, fields)?;
    if let Some(amount) = fields.number("amount_minor")? {
        return world.set_order_total(order, amount).map(|()| done());
    }
    let list = fields.list("lines")?.ok_or("`amount_minor` or `lines` is missing")?;
    let edit = |value: &Value| {
        let number = |name: &str| value.get(name).and_then(Value::as_i64);
        let line = value.get("line").and_then(Value::as_u64).and_then(|line| usize::try_from(line).ok())?;
        Some(LineEdit { line, quantity: number("quantity"), unit_minor: number("unit_minor") })
    };
    let edits: Option<Vec<LineEdit>> = list.iter().map(edit).collect();
    world.edit_order(order, &edits.ok_or("every entry of `lines` needs `line`")?).map(|()| done())
}

fn edit_slip(world: &mut World, fields: &Fields) -> Outcome {
    let wanted = fields.text("slip")?.ok_or("`slip` is missing")?;
    let slip = world.slip_by_number(wanted).or_else(|| wanted.parse().ok());
    let edit = SlipEdit {
        tracking: fields.text("tracking")?.map(str::to_owned),
        shipped: fields.flag("shipped")?,
        add: line_items(fields, "add")?.unwrap_or_default(),
    };
    let slip = slip.ok_or_else(|| format!("no packing slip is called `{wanted}`"))?;
    world.edit_slip(slip, &edit).map(|()| done())
}

fn set_status(world: &mut World, fields: &Fields) -> Outcome {
    let order = shop_order(world, fields)?;
    let (status, payment) = (fields.text("status")?, fields.text("payment_status")?);
    world.set_order_status(order, status, payment, fields.text("shipment_status")?).map(|()| done())
}

fn pay_otherwise(world: &mut World, fields: &Fields) -> Outcome {
    let order = shop_order(world, fields)?;
    let id = fields.text("payment")?.unwrap_or("ideal");
    world.pay_otherwise(order, id, fields.text("title")?.unwrap_or("iDEAL")).map(|()| done())
}

fn uuid(fields: &Fields, name: &str) -> Result<Option<Uuid>, String> {
    let parse = |text: &str| Uuid::try_parse(text).map_err(|_| format!("`{name}` must be a UUID"));
    fields.text(name)?.map(parse).transpose()
}

/// The refund that is named, or the latest.
fn undo_refund(world: &mut World, fields: &Fields) -> Outcome {
    let order = klarna_order(world, fields)?;
    let latest = world.klarna_truth(order).and_then(|truth| truth.refunds.last().map(|one| one.id));
    let refund = uuid(fields, "refund")?.or(latest).ok_or("there is no refund")?;
    world.undo_refund(order, refund).map(|()| done())
}

/// `what`: `refund`, `capture` (the one with `id`, or the latest) or `cancel`; `how`: `all`, `listed`, `nothing`.
fn conceal(world: &mut World, fields: &Fields) -> Outcome {
    let order = klarna_order(world, fields)?;
    let how = match fields.text("how")?.unwrap_or("all") {
        "all" => Concealed::All,
        "listed" => Concealed::Listed,
        "nothing" => Concealed::Nothing,
        other => return Err(format!("`how` is all, listed or nothing, not `{other}`")),
    };
    let truth = world.klarna_truth(order).ok_or("no such Klarna order")?;
    let latest = match fields.text("what")?.unwrap_or("refund") {
        "cancel" => return world.conceal_cancel(order, how != Concealed::Nothing).map(|()| done()),
        "refund" => truth.refunds.last(),
        "capture" => truth.captures.last(),
        other => return Err(format!("`what` is refund, capture or cancel, not `{other}`")),
    };
    let effect = uuid(fields, "id")?.or(latest.map(|one| one.id)).ok_or("there is nothing to conceal")?;
    world.conceal(order, effect, how).map(|()| done())
}
