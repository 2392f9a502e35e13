//! What Klarna checks of the objects in a body: shapes, lengths, and words out of a list. Sums it does not check.

use serde_json::Value;

use super::model::Refusal;

/// Text fields of a shipping info with their longest length.
const SHIPPING: [(&str, usize); 6] = [
    ("shipping_company", 100),
    ("tracking_number", 100),
    ("tracking_uri", 1_024),
    ("return_shipping_company", 100),
    ("return_tracking_number", 100),
    ("return_tracking_uri", 1_024),
];

const METHODS: [&str; 13] = [
    "PickUpStore",
    "Home",
    "BoxReg",
    "BoxUnreg",
    "PickUpPoint",
    "Own",
    "Postal",
    "DHLPackstation",
    "Digital",
    "Undefined",
    "PickUpWarehouse",
    "ClickCollect",
    "PalletDelivery",
];

/// Text fields of an order line with their longest length.
const LINE: [(&str, usize); 6] = [
    ("reference", 255),
    ("name", 255),
    ("quantity_unit", 10),
    ("merchant_data", 1_024),
    ("product_url", 1_024),
    ("image_url", 1_024),
];

const KINDS: [&str; 9] = [
    "physical",
    "discount",
    "shipping_fee",
    "sales_tax",
    "store_credit",
    "gift_card",
    "digital",
    "surcharge",
    "return_fee",
];

pub(crate) fn unprocessable(message: String) -> Refusal {
    Refusal::new(422, "UNPROCESSABLE_ENTITY", message)
}

fn bad(list: &str) -> Refusal {
    Refusal::new(400, "BAD_VALUE", format!("Bad value: {list}"))
}

fn lengths(item: &Value, list: &str, fields: &[(&str, usize)]) -> Result<(), Refusal> {
    for (name, most) in fields {
        match item.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.chars().count() <= *most => {}
            Some(Value::String(_)) => {
                let message = format!("The size of the {list}/{name} value must be between 0 and {most}");
                return Err(unprocessable(message));
            }
            Some(_) => return Err(bad(list)),
        }
    }
    Ok(())
}

fn word(item: &Value, list: &str, name: &str, known: &[&str]) -> Result<(), Refusal> {
    match item.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(text)) if known.contains(&text.as_str()) => Ok(()),
        Some(_) => Err(bad(list)),
    }
}

pub(crate) fn shipping(items: &[Value]) -> Result<(), Refusal> {
    const LIST: &str = "shipping_info";
    for item in items {
        if !item.is_object() {
            return Err(bad(LIST));
        }
        lengths(item, LIST, &SHIPPING)?;
        word(item, LIST, "shipping_method", &METHODS)?;
    }
    Ok(())
}

pub(crate) fn lines(items: &[Value]) -> Result<(), Refusal> {
    const LIST: &str = "order_lines";
    for item in items {
        if !item.is_object() {
            return Err(bad(LIST));
        }
        lengths(item, LIST, &LINE)?;
        word(item, LIST, "type", &KINDS)?;
        for name in ["name", "quantity", "unit_price", "total_amount"] {
            if item.get(name).is_none_or(Value::is_null) {
                return Err(unprocessable(format!("'{LIST}/{name}' may not be null")));
            }
        }
        for name in ["quantity", "unit_price", "total_amount", "tax_rate", "total_tax_amount", "total_discount_amount"]
        {
            if item.get(name).is_some_and(|value| !value.is_null() && value.as_i64().is_none()) {
                return Err(bad(LIST));
            }
        }
        if item.get("quantity").and_then(Value::as_i64).is_some_and(|quantity| quantity < 0) {
            return Err(unprocessable(format!("The {LIST}/quantity value must be 0 or more")));
        }
    }
    Ok(())
}
