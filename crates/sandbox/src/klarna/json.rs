//! Orders, captures, refunds and errors as Klarna prints them.

use std::sync::Arc;

use super::model::{Capture, Details, Lines, Order, OrderLine, Refund, State};
use crate::World;
use crate::json::{Dialect, J, obj};
use crate::person;
use crate::switches::{EmptyText, Switches};
use crate::time::klarna_text;

/// What is needed to print: the account's currency, the switches, and how far Klarna's clock is ahead.
#[derive(Clone, Copy)]
pub(crate) struct Print<'a> {
    currency: &'a str,
    switches: &'a Switches,
    ahead: i64,
}

impl<'a> Print<'a> {
    pub(crate) fn of(world: &'a World) -> Self {
        Self { currency: &world.accounts.currency, switches: &world.switches, ahead: world.clocks.klarna_ms }
    }

    fn time(&self, ms: i64) -> String {
        klarna_text(ms.saturating_add(self.ahead))
    }
}

/// An order in the state it is shown in.
pub(crate) fn order(order: &Order, state: &State, print: Print<'_>) -> J {
    let captures: Vec<J> = (1_i64..).zip(&state.captures).map(|(n, one)| capture(order, n, one, print)).collect();
    let refunds: Vec<J> = state.refunds.iter().map(|one| refund(one, print)).collect();
    let mut json = obj! {
        "order_id": order.id.to_string(),
        "status": state.status.name(),
        "fraud_status": state.fraud.name(),
        "order_amount": state.order_amount,
        "original_order_amount": order.original_amount,
        "captured_amount": state.captured,
        "refunded_amount": state.refunded,
        "remaining_authorized_amount": state.remaining,
        "purchase_currency": order.currency.as_deref().unwrap_or(print.currency).to_owned(),
        "purchase_country": "NL",
        "locale": "nl-NL",
        "order_lines": lines(&state.lines),
        "klarna_reference": order.short_reference.to_string(),
        "customer": obj! { "date_of_birth": person::BIRTH, "type": "person" },
        "billing_address": address(),
        "shipping_address": state.shipping_address.as_ref().map_or_else(address, text),
        "created_at": print.time(order.created),
        "expires_at": klarna_text(state.expires),
        "captures": captures,
        "refunds": refunds,
        "merchant_data": "",
        "initial_payment_method": obj! { "type": "INVOICE", "description": "Pay later" },
        "shipping_info": J::Arr(state.shipping_info.iter().map(text).collect()),
    };
    for (key, text) in [("merchant_reference1", &state.reference1), ("merchant_reference2", &state.reference2)] {
        if !text.is_empty() || print.switches.klarna_unset_references == EmptyText::Empty {
            json.set(key, J::from(text.to_string()));
        }
    }
    for (key, raw) in &order.raw {
        json.set(key, J::raw(raw.clone()));
    }
    json
}

fn text(raw: &Arc<str>) -> J {
    J::raw(raw.to_string())
}

fn address() -> J {
    obj! {
        "given_name": person::FIRST,
        "family_name": person::LAST,
        "street_address": "Neherkade 1 XI",
        "postal_code": person::ZIP,
        "city": person::CITY,
        "country": "NL",
        "email": person::EMAIL,
        "phone": person::PHONE,
    }
}

/// The address that an order was made with, as JSON text.
pub(crate) fn address_text() -> String {
    address().to_text(Dialect::Plain)
}

fn lines(lines: &Lines) -> J {
    match lines {
        Lines::Compact(lines) => J::Arr(lines.iter().map(line).collect()),
        Lines::Raw(raw) => text(raw),
    }
}

fn line(line: &OrderLine) -> J {
    obj! {
        "reference": line.reference.to_string(),
        "type": line.kind,
        "quantity": line.quantity,
        "name": line.name.to_string(),
        "total_amount": line.total(),
        "unit_price": line.unit_price,
        "total_discount_amount": 0_i64,
        "tax_rate": line.tax_rate,
        "total_tax_amount": line.tax(),
    }
}

fn optional(json: &mut J, key: &str, value: Option<&str>, switches: &Switches) {
    match (value, switches.klarna_empty_text) {
        (Some(value), _) => json.set(key, J::from(value.to_owned())),
        (None, EmptyText::Empty) => json.set(key, J::from("")),
        (None, EmptyText::Omitted) => {}
    }
}

fn detail(json: &mut J, details: &Details, switches: &Switches) {
    optional(json, "description", details.description.as_deref(), switches);
    if switches.klarna_reads_carry_reference {
        optional(json, "reference", details.reference.as_deref(), switches);
    }
}

pub(crate) fn capture(order: &Order, number: i64, capture: &Capture, print: Print<'_>) -> J {
    let mut json = obj! {
        "capture_id": capture.id.to_string(),
        "klarna_reference": format!("{}-{number}", order.short_reference),
        "captured_amount": capture.amount,
        "captured_at": print.time(capture.at),
    };
    detail(&mut json, &capture.details, print.switches);
    json.set("refunded_amount", J::Int(capture.refunded));
    json.set("order_lines", capture.details.order_lines.as_ref().map_or(J::EMPTY, text));
    json.set("billing_address", address());
    json.set("shipping_address", address());
    let info = capture.details.shipping_info.iter().map(text).collect();
    json.set("shipping_info", J::Arr(info));
    json
}

pub(crate) fn refund(refund: &Refund, print: Print<'_>) -> J {
    let mut json = obj! {
        "refund_id": refund.id.to_string(),
        "refunded_amount": refund.amount,
        "refunded_at": print.time(refund.at),
    };
    detail(&mut json, &refund.details, print.switches);
    json.set("order_lines", refund.details.order_lines.as_ref().map_or(J::EMPTY, text));
    json.set("credit_invoice", J::FALSE);
    if !print.switches.klarna_reads_carry_refund_id {
        json.remove("refund_id");
    }
    json
}

/// The error body in the spacing that was recorded.
pub(crate) fn error_text(code: &str, messages: &[&str], correlation: &str) -> String {
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    let messages: Vec<String> = messages.iter().map(|message| quote(message)).collect();
    let list = if messages.is_empty() { "[ ]".to_owned() } else { format!("[ {} ]", messages.join(", ")) };
    format!(
        "{{\n  \"error_code\" : {},\n  \"error_messages\" : {list},\n  \"correlation_id\" : {}\n}}",
        quote(code),
        quote(correlation)
    )
}
