//! The fields of Klarna's objects that are read, as raw text (order management OpenAPI, 2026).
//!
//! All of them are optional in Klarna's schema. A known field that is written twice is an error.

#![expect(clippy::struct_field_names, reason = "the names are Klarna's")]

use serde::Deserialize;

use crate::http::json::Raw;

#[derive(Deserialize)]
pub(super) struct Order<'a> {
    #[serde(borrow)]
    pub(super) order_id: Raw<'a>,
    #[serde(borrow)]
    pub(super) status: Raw<'a>,
    #[serde(borrow)]
    pub(super) fraud_status: Raw<'a>,
    #[serde(borrow)]
    pub(super) order_amount: Raw<'a>,
    #[serde(borrow)]
    pub(super) original_order_amount: Raw<'a>,
    #[serde(borrow)]
    pub(super) captured_amount: Raw<'a>,
    #[serde(borrow)]
    pub(super) refunded_amount: Raw<'a>,
    #[serde(borrow)]
    pub(super) remaining_authorized_amount: Raw<'a>,
    #[serde(borrow)]
    pub(super) purchase_currency: Raw<'a>,
    #[serde(borrow)]
    pub(super) merchant_reference1: Raw<'a>,
    #[serde(borrow)]
    pub(super) merchant_reference2: Raw<'a>,
    #[serde(borrow)]
    pub(super) created_at: Raw<'a>,
    #[serde(borrow)]
    pub(super) expires_at: Raw<'a>,
    #[serde(borrow)]
    pub(super) captures: Raw<'a>,
    #[serde(borrow)]
    pub(super) refunds: Raw<'a>,
}

#[derive(Deserialize)]
pub(super) struct Capture<'a> {
    #[serde(borrow)]
    pub(super) capture_id: Raw<'a>,
    #[serde(borrow)]
    pub(super) captured_amount: Raw<'a>,
    #[serde(borrow)]
    pub(super) captured_at: Raw<'a>,
    #[serde(borrow)]
    pub(super) reference: Raw<'a>,
}

#[derive(Deserialize)]
pub(super) struct Refund<'a> {
    #[serde(borrow)]
    pub(super) refund_id: Raw<'a>,
    #[serde(borrow)]
    pub(super) refunded_amount: Raw<'a>,
    #[serde(borrow)]
    pub(super) refunded_at: Raw<'a>,
    #[serde(borrow)]
    pub(super) reference: Raw<'a>,
}

/// Klarna's own error: `error_messages` is a list; some clients met `error_message` as one text.
#[derive(Deserialize)]
pub(super) struct Error<'a> {
    #[serde(borrow)]
    pub(super) error_code: Raw<'a>,
    #[serde(borrow)]
    pub(super) error_messages: Raw<'a>,
    #[serde(borrow)]
    pub(super) error_message: Raw<'a>,
    #[serde(borrow)]
    pub(super) correlation_id: Raw<'a>,
}
