//! The small texts of kept facts, read back; what cannot be is damage.

use jiff::Timestamp;

use super::StoreError;
use reconciled_core::id::KlarnaOrderId;
use reconciled_core::money::Minor;

pub(super) fn minor(value: i64) -> Result<Minor, StoreError> {
    Minor::new(value).map_err(|why| StoreError::Damaged(format!("the amount {value} {why}")))
}

pub(super) fn klarna_id(text: &str) -> Result<KlarnaOrderId, StoreError> {
    KlarnaOrderId::new(text).ok_or_else(|| StoreError::Damaged(format!("`{text}` as a Klarna order id")))
}

pub(super) fn time(text: &str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|why| StoreError::Damaged(format!("the time `{text}`: {why}")))
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|why| StoreError::Damaged(format!("a fact: {why}")))
}
