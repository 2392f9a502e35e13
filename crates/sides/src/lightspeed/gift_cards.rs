//! Gift cards among an order's payments.
//!
//! That newer shops have the field `giftCardsPayment` is seen, always empty; what it holds when a gift card was used is
//! unproven. So no name in it is believed to be an amount: every number that all of its entries state is added up, and
//! the core believes a sum only where Klarna's own word leaves exactly that over.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::http::json::{Raw, elements, members, present, text};
use reconciled_core::money::{Currency, Minor};

/// `None` when the shop names no gift card; without a sum when it names some and states no number.
pub(super) fn named(raw: Raw<'_>, currency: Currency) -> Option<Vec<Minor>> {
    let value = present(raw).filter(|value| value.get() != "{}")?;
    let entries = elements(value.get()).unwrap_or_else(|_| {
        let inner = members(value.get()).unwrap_or_default();
        let are_entries = !inner.is_empty() && inner.iter().all(|(_, value)| value.get().starts_with('{'));
        if are_entries { inner.into_iter().map(|(_, value)| value).collect() } else { vec![value] }
    });
    let numbers: Vec<BTreeMap<String, Minor>> = entries.iter().map(|entry| stated(entry, currency)).collect();
    let mut sums: Vec<Minor> = match numbers.split_first() {
        None => Vec::new(),
        Some((first, others)) => {
            let shared = first.keys().filter(|name| others.iter().all(|entry| entry.contains_key(*name)));
            shared.map(|name| numbers.iter().filter_map(|entry| entry.get(name).copied()).collect()).collect()
        }
    };
    sums.sort_unstable();
    sums.dedup();
    Some(sums)
}

/// Every number of one entry by its name; a bare number has none.
fn stated(entry: &RawValue, currency: Currency) -> BTreeMap<String, Minor> {
    let amount = |value: &RawValue| Minor::parse(&text(Some(value))?, currency).ok().map(Minor::abs);
    let is_id = |name: &str| name.ends_with("id") || name.ends_with("Id");
    match members(entry.get()) {
        Ok(members) => members
            .into_iter()
            .filter(|(name, _)| !is_id(name))
            .filter_map(|(name, value)| amount(value).map(|amount| (name, amount)))
            .collect(),
        Err(_) => amount(entry).map(|amount| (String::new(), amount)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Vec<i64>> {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        named(Some(&raw), Currency::EUR).map(|sums| sums.into_iter().map(Minor::get).collect())
    }

    #[test]
    fn every_number_that_all_entries_state_is_added_up() {
        for nothing in ["[]", "null", "false", "\"\"", "{}"] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
        assert_eq!(read(r#"[{"id": 7, "code": "ABC", "amount": 30}]"#), Some(vec![3000]));
        assert_eq!(read(r#"[{"amount": 30, "rest": 5.5}, {"amount": "12.50"}]"#), Some(vec![4250]));
        assert_eq!(read(r#"{"4711": {"value": -30}, "4712": {"value": -1}}"#), Some(vec![3100]));
        assert_eq!(read(r#"{"amount": 30, "balance": 20}"#), Some(vec![2000, 3000]));
        assert_eq!(read("[30, 5]"), Some(vec![3500]));
        assert_eq!(read("true"), Some(vec![]));
        assert_eq!(read(r#"[{"code": "ABC"}]"#), Some(vec![]));
    }
}
