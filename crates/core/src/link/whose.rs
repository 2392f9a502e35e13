//! Whose order a Klarna order is, by the references that it carries and the time at which it was made.

use crate::facts::{KlarnaOrder, ShopOrder};
use crate::policy::SAME_CHECKOUT;

/// Whether both were made in one checkout; where a side does not say when, time tells nothing.
pub(super) fn is_same_checkout(order: &KlarnaOrder, shop: &ShopOrder) -> bool {
    order.created_at.is_some_and(|made| made.duration_since(shop.created_at).abs() <= SAME_CHECKOUT)
}

/// Klarna's references that say anything (`merchant_reference1`, `merchant_reference2`).
pub fn references(order: &KlarnaOrder) -> impl Iterator<Item = &str> {
    let both = [&order.merchant_reference1, &order.merchant_reference2];
    both.into_iter().flatten().map(|text| bare(text)).filter(|text| !text.is_empty())
}

/// A number as people write it, without what they put around it.
fn bare(text: &str) -> &str {
    text.trim().trim_start_matches('#').trim_start()
}

/// Whether a reference is this order's number, or the shop's own id of it.
pub fn names(reference: &str, shop: &ShopOrder) -> bool {
    bare(reference).eq_ignore_ascii_case(bare(shop.number.as_str())) || bare(reference) == shop.id.to_string()
}

/// The reference that says whose order it is, when that is another one: a text of the shape of this shop's numbers, or
/// what was found to be the number of another order of this shop.
pub(super) fn another(order: &KlarnaOrder, shop: &ShopOrder, found: Option<&str>) -> Option<String> {
    let own = shape(shop.number.as_str());
    let foreign = references(order).filter(|reference| !names(reference, shop));
    let shaped = foreign.into_iter().find(|reference| shape(reference) == own);
    shaped.or(found).map(str::to_owned)
}

/// The form of a number, without its digits. One of digits alone is told by how many there are: any number has that
/// form otherwise.
fn shape(number: &str) -> (String, usize) {
    let number = bare(number).to_ascii_lowercase();
    let is_digits = number.bytes().all(|b| b.is_ascii_digit());
    let mut form = String::new();
    for c in number.chars() {
        let c = if c.is_ascii_digit() { '0' } else { c };
        if c != '0' || !form.ends_with('0') {
            form.push(c);
        }
    }
    (form, if is_digits { number.len() } else { 0 })
}
