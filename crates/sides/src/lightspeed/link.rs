//! Finding the Klarna order ids that a shop's order names.
//!
//! No public recording shows where the payment app puts its id, so the configured places are searched in the configured
//! order. In free text only a UUID counts: Klarna's order ids have that form. All that is found is kept: an order may
//! have been paid at the second attempt, and which of them is its own is Klarna's to say.

use serde_json::value::RawValue;

use super::convert::{embedded, linked};
use super::documents::WHOLE_PAGE;
use super::{Client, IdSource, dto};
use crate::clock::Clock;
use crate::http::Transport;
use crate::http::json::{elements, members, text};
use reconciled_core::answer::Unreadable;
use reconciled_core::facts::{Candidate, Place, ShopOrder};
use reconciled_core::id::{KlarnaOrderId, OrderId, OrderNumber};

/// How deep payment data is searched.
const DEEPEST: usize = 4;

/// Keys in payment data that surely name Klarna's order, in lower case.
const EXACT_KEYS: [&str; 2] = ["klarna_order_id", "klarnaorderid"];

/// Parts of keys that may name it.
const NEAR_KEYS: [&str; 2] = ["order_id", "orderid"];

/// Parts of keys under which a UUID is something else of Klarna's.
const NOT_AN_ORDER: [&str; 4] = ["session", "token", "correlation", "customer"];

impl<T: Transport, C: Clock> Client<T, C> {
    /// Every Klarna order that the order names, with where it stands.
    ///
    /// *Flow*: all configured places are searched, in their order. One that would cost a call of its own is asked only
    /// while nothing was found: an order whose id stands where it is read anyway costs no call more for the others.
    pub(super) async fn candidates(
        &self, id: OrderId, wire: &dto::Order<'_>, order: &ShopOrder,
    ) -> Result<Vec<Candidate>, Unreadable> {
        let mut found: Vec<Candidate> = Vec::new();
        for source in &self.settings.klarna_order_id {
            if found.is_empty() || is_at_hand(source, wire) {
                let here = self.candidates_in(source, id, wire, order).await?;
                for one in here {
                    add(&mut found, one);
                }
            }
            if planted!("first_id_wins") {
                found.truncate(1);
            }
        }
        Ok(found)
    }

    /// The Klarna orders that an order names which was paid otherwise, without a call for any of them. Its payment data is
    /// about its own payment.
    pub(super) async fn left_behind(
        &self, id: OrderId, wire: &dto::Order<'_>, order: &ShopOrder,
    ) -> Result<Vec<Candidate>, Unreadable> {
        let mut found = Vec::new();
        let elsewhere = self.settings.klarna_order_id.iter().filter(|source| **source != IdSource::PaymentData);
        for source in elsewhere.filter(|source| is_at_hand(source, wire)) {
            for one in self.candidates_in(source, id, wire, order).await? {
                add(&mut found, one);
            }
        }
        Ok(found)
    }

    /// What one place says, whatever the others do.
    pub(super) async fn candidates_in(
        &self, source: &IdSource, id: OrderId, wire: &dto::Order<'_>, order: &ShopOrder,
    ) -> Result<Vec<Candidate>, Unreadable> {
        let mut found = Vec::new();
        let mut keep = |place: &Place, ids: Vec<KlarnaOrderId>| {
            for id in ids {
                add(&mut found, Candidate { id, places: vec![place.clone()] });
            }
        };
        match source {
            IdSource::PaymentData => {
                let (sure, other) =
                    wire.payment_data.map(|data| in_payment_data(data, id, &order.number)).unwrap_or_default();
                keep(&Place::PaymentData, sure);
                keep(&Place::PaymentText, other);
            }
            IdSource::Memo => keep(&Place::Memo, in_memo(wire)),
            IdSource::Metafield(key) => {
                let path = format!("orders/{id}/metafields");
                let rows = self.embedded_or_fetched(wire.metafields, &path, WHOLE_PAGE).await?;
                keep(&Place::Metafield(key.clone()), in_metafields(&rows, key));
            }
            IdSource::Events => {
                let query = format!("{WHOLE_PAGE}&order={id}");
                let rows = self.embedded_or_fetched(wire.events, "orders/events", &query).await?;
                keep(&Place::Events, in_events(&rows, id));
            }
        }
        Ok(found)
    }
}

/// The place came with the order, or was asked for without need.
fn is_at_hand(source: &IdSource, wire: &dto::Order<'_>) -> bool {
    match source {
        IdSource::PaymentData | IdSource::Memo => true,
        IdSource::Metafield(_) => embedded(wire.metafields).is_some(),
        IdSource::Events => embedded(wire.events).is_some(),
    }
}

/// One id is one candidate, whatever the number of its places.
pub(super) fn add(found: &mut Vec<Candidate>, one: Candidate) {
    match found.iter_mut().find(|known| known.id == one.id) {
        Some(known) => {
            let new: Vec<Place> = one.places.into_iter().filter(|place| !known.places.contains(place)).collect();
            known.places.extend(new);
        }
        None => found.push(one),
    }
}

/// An id as it was written; a UUID in lower case, so that one order has one name.
fn order_id(text: &str) -> Option<KlarnaOrderId> {
    let text = text.trim();
    match uuids_in(text).into_iter().next() {
        Some(uuid) if uuid.as_str().len() == text.len() => Some(uuid),
        Some(_) | None => KlarnaOrderId::new(text),
    }
}

/// What a row of the list names in the configured places that it carries itself.
pub(super) fn in_row(
    wire: &dto::Order<'_>, sources: &[IdSource], order: OrderId, number: &OrderNumber,
) -> Vec<KlarnaOrderId> {
    let here = |source: &IdSource| match source {
        IdSource::PaymentData => {
            let (sure, other) = wire.payment_data.map(|data| in_payment_data(data, order, number)).unwrap_or_default();
            [sure, other].concat()
        }
        IdSource::Memo => in_memo(wire),
        IdSource::Metafield(_) | IdSource::Events => Vec::new(),
    };
    sources.iter().flat_map(here).collect()
}

pub(super) fn in_memo(wire: &dto::Order<'_>) -> Vec<KlarnaOrderId> {
    text(wire.memo).map(|memo| uuids_in(&memo)).unwrap_or_default()
}

/// Every UUID (8-4-4-4-12 hexadecimal digits) that stands alone in a text, as they follow each other.
fn uuids_in(text: &str) -> Vec<KlarnaOrderId> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let words = text.split(|c| !is_part(c));
    words.filter(|word| is_uuid(word)).filter_map(|uuid| KlarnaOrderId::new(&uuid.to_ascii_lowercase())).collect()
}

fn is_uuid(word: &str) -> bool {
    let groups: Vec<&str> = word.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// What stands under `klarna_order_id`, and then the rest: UUIDs under any key with `order_id` in it, and under all others.
/// An id that is no UUID counts under a key with `order_id` in it, where nothing else was found.
fn in_payment_data(data: &RawValue, order: OrderId, number: &OrderNumber) -> (Vec<KlarnaOrderId>, Vec<KlarnaOrderId>) {
    let mut leaves = Vec::new();
    collect(data, "", 0, &mut leaves);
    let is_exact = |leaf: &&Leaf| EXACT_KEYS.contains(&leaf.0.as_str());
    let is_near = |leaf: &&Leaf| NEAR_KEYS.iter().any(|part| leaf.0.contains(part));
    let is_other = |leaf: &&Leaf| !NOT_AN_ORDER.iter().any(|no| leaf.0.contains(no));
    let id = |leaf: &Leaf| order_id(&leaf.1).filter(|id| !is_the_shops_own(id, order, number));
    let sure: Vec<_> = leaves.iter().filter(is_exact).filter_map(id).collect();
    let mut rest: Vec<_> = leaves.iter().filter(is_near).flat_map(|leaf| uuids_in(&leaf.1)).collect();
    rest.extend(leaves.iter().filter(is_other).flat_map(|leaf| uuids_in(&leaf.1)));
    if sure.is_empty() && rest.is_empty() {
        // A word such as a type may stand under a near key as well; ids have digits.
        let numbered = |leaf: &Leaf| id(leaf).filter(|id| id.as_str().bytes().any(|b| b.is_ascii_digit()));
        rest.extend(leaves.iter().filter(is_near).filter_map(numbered));
    }
    rest.retain(|id| !sure.contains(id));
    (sure, rest)
}

/// A text or number, and the key under which it stands, in lower case.
type Leaf = (String, String);

/// The shop's own order is also called `order_id` in some payment data.
fn is_the_shops_own(id: &KlarnaOrderId, order: OrderId, number: &OrderNumber) -> bool {
    id.as_str() == order.to_string() || id.as_str() == number.as_str()
}

/// Every text and number below a value, with the key it stands under, in lower case.
fn collect(value: &RawValue, key: &str, depth: usize, leaves: &mut Vec<Leaf>) {
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

fn in_metafields(rows: &[Box<RawValue>], key: &str) -> Vec<KlarnaOrderId> {
    let value = |row: &RawValue| {
        let field: dto::Metafield<'_> = serde_json::from_str(row.get()).ok()?;
        text(field.key).filter(|found| found == key)?;
        order_id(&text(field.value)?)
    };
    rows.iter().filter_map(|row| value(row)).collect()
}

fn in_events(rows: &[Box<RawValue>], order: OrderId) -> Vec<KlarnaOrderId> {
    let uuids = |row: &RawValue| {
        let event: dto::Event<'_> = serde_json::from_str(row.get()).ok()?;
        let is_ours = linked(event.order).is_none_or(|owner| owner == order.0);
        Some(uuids_in(&text(event.comment).filter(|_| is_ours)?))
    };
    rows.iter().filter_map(|row| uuids(row)).flatten().collect()
}
