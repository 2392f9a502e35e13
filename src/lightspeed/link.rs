//! Finding the Klarna order id on a shop's order.
//!
//! No public recording shows where the payment app puts it, so the configured places are searched in the configured
//! order. In free text only a UUID counts: Klarna's order ids have that form.

use serde_json::value::RawValue;

use super::convert::linked;
use super::documents::WHOLE_PAGE;
use super::{Client, IdSource, dto};
use crate::clock::Clock;
use crate::core::answer::Unreadable;
use crate::core::facts::ShopOrder;
use crate::core::id::{KlarnaOrderId, OrderId};
use crate::http::Transport;
use crate::http::json::{elements, members, text};

/// How deep payment data is searched.
const DEEPEST: usize = 4;

/// Keys in payment data that surely name Klarna's order, in lower case.
const EXACT_KEYS: [&str; 2] = ["klarna_order_id", "klarnaorderid"];

/// Parts of keys that may name it.
const NEAR_KEYS: [&str; 2] = ["order_id", "orderid"];

/// Parts of keys under which a UUID is something else of Klarna's.
const NOT_AN_ORDER: [&str; 4] = ["session", "token", "correlation", "customer"];

impl<T: Transport, C: Clock> Client<T, C> {
    pub(super) async fn klarna_order_id(
        &self, id: OrderId, wire: &dto::Order<'_>, order: &ShopOrder,
    ) -> Result<Option<KlarnaOrderId>, Unreadable> {
        for source in &self.settings.klarna_order_id {
            let found = self.klarna_order_id_in(source, id, wire, order).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// What one place says, whatever the others do.
    pub(super) async fn klarna_order_id_in(
        &self, source: &IdSource, id: OrderId, wire: &dto::Order<'_>, order: &ShopOrder,
    ) -> Result<Option<KlarnaOrderId>, Unreadable> {
        Ok(match source {
            IdSource::PaymentData => wire.payment_data.and_then(|data| in_payment_data(data, order)),
            IdSource::Memo => text(wire.memo).and_then(|memo| uuid_in(&memo)),
            IdSource::Metafield(key) => {
                let path = format!("orders/{id}/metafields");
                let rows = self.embedded_or_fetched(wire.metafields, &path, WHOLE_PAGE).await?;
                in_metafields(&rows, key)
            }
            IdSource::Events => {
                let query = format!("{WHOLE_PAGE}&order={id}");
                let rows = self.embedded_or_fetched(wire.events, "orders/events", &query).await?;
                in_events(&rows, id)
            }
        })
    }
}

/// An id as it was written; a UUID in lower case, so that one order has one name.
fn order_id(text: &str) -> Option<KlarnaOrderId> {
    let text = text.trim();
    match uuid_in(text) {
        Some(uuid) if uuid.as_str().len() == text.len() => Some(uuid),
        Some(_) | None => KlarnaOrderId::new(text),
    }
}

/// The first UUID (8-4-4-4-12 hexadecimal digits) that stands alone in a text.
fn uuid_in(text: &str) -> Option<KlarnaOrderId> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let words = text.split(|c| !is_part(c));
    let uuid = words.into_iter().find(|word| is_uuid(word))?;
    KlarnaOrderId::new(&uuid.to_ascii_lowercase())
}

fn is_uuid(word: &str) -> bool {
    let groups: Vec<&str> = word.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `klarna_order_id` first, then any key with `order_id` in it, then any UUID.
fn in_payment_data(data: &RawValue, order: &ShopOrder) -> Option<KlarnaOrderId> {
    let mut leaves = Vec::new();
    collect(data, "", 0, &mut leaves);
    let exact = leaves.iter().filter(|(key, _)| EXACT_KEYS.contains(&key.as_str()));
    let near = || leaves.iter().filter(|(key, _)| NEAR_KEYS.iter().any(|part| key.contains(part)));
    let other = || leaves.iter().filter(|(key, _)| !NOT_AN_ORDER.iter().any(|no| key.contains(no)));
    let id = |(_, value): &(String, String)| order_id(value).filter(|id| !is_the_shops_own(id, order));
    let uuid = |(_, value): &(String, String)| uuid_in(value);
    // A word such as a type may stand under a near key as well; ids have digits.
    let numbered = |leaf: &(String, String)| id(leaf).filter(|id| id.as_str().bytes().any(|b| b.is_ascii_digit()));
    exact
        .into_iter()
        .find_map(id)
        .or_else(|| near().find_map(uuid))
        .or_else(|| near().find_map(numbered))
        .or_else(|| other().find_map(uuid))
}

/// The shop's own order is also called `order_id` in some payment data.
fn is_the_shops_own(id: &KlarnaOrderId, order: &ShopOrder) -> bool {
    id.as_str() == order.id.to_string() || id.as_str() == order.number.as_str()
}

/// Every text and number below a value, with the key it stands under, in lower case.
fn collect(value: &RawValue, key: &str, depth: usize, leaves: &mut Vec<(String, String)>) {
    if depth > DEEPEST {
        return;
    }
    let deeper = depth.saturating_add(1);
    if let Ok(members) = members(value.get()) {
        for (key, value) in members {
            collect(value, &key.to_ascii_lowercase(), deeper, leaves);
        }
    } else if let Ok(elements) = elements(value.get()) {
        for value in elements {
            collect(value, key, deeper, leaves);
        }
    } else if let Some(text) = text(Some(value)) {
        // Some resources carry this object as text.
        match serde_json::from_str::<&RawValue>(&text) {
            Ok(inner) if inner.get().starts_with('{') => collect(inner, key, deeper, leaves),
            Ok(_) | Err(_) => leaves.push((key.to_owned(), text)),
        }
    }
}

fn in_metafields(rows: &[Box<RawValue>], key: &str) -> Option<KlarnaOrderId> {
    let value = |row: &RawValue| {
        let field: dto::Metafield<'_> = serde_json::from_str(row.get()).ok()?;
        text(field.key).filter(|found| found == key)?;
        order_id(&text(field.value)?)
    };
    rows.iter().find_map(|row| value(row))
}

fn in_events(rows: &[Box<RawValue>], order: OrderId) -> Option<KlarnaOrderId> {
    let uuid = |row: &RawValue| {
        let event: dto::Event<'_> = serde_json::from_str(row.get()).ok()?;
        let is_ours = linked(event.order).is_none_or(|owner| owner == order.0);
        uuid_in(&text(event.comment).filter(|_| is_ours)?)
    };
    rows.iter().find_map(|row| uuid(row))
}
