//! The fields of Lightspeed's objects that are read, as raw text.
//!
//! Field names are those of Lightspeed's documented samples. Nothing is flattened or untagged, so that the raw text
//! of amounts survives; a known field that is written twice is an error.

use serde::Deserialize;

use crate::http::json::Raw;

#[derive(Default, Deserialize)]
pub(super) struct Error<'a> {
    #[serde(borrow)]
    pub(super) code: Raw<'a>,
    #[serde(borrow)]
    pub(super) message: Raw<'a>,
}

#[derive(Deserialize)]
pub(super) struct Shop<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) currency: Raw<'a>,
}

/// How the shop is called on the web.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShopDomains<'a> {
    #[serde(borrow)]
    pub(super) main_domain: Raw<'a>,
    #[serde(borrow)]
    pub(super) sub_domain: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShopLimits<'a> {
    #[serde(borrow)]
    pub(super) max_webhooks: Raw<'a>,
}

/// What a key may do in one area.
#[derive(Deserialize)]
pub(super) struct Permission<'a> {
    #[serde(borrow)]
    pub(super) read: Raw<'a>,
    #[serde(borrow)]
    pub(super) write: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Webhook<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) is_active: Raw<'a>,
    #[serde(borrow)]
    pub(super) item_group: Raw<'a>,
    #[serde(borrow)]
    pub(super) item_action: Raw<'a>,
    #[serde(borrow)]
    pub(super) address: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShopCurrency<'a> {
    #[serde(borrow)]
    pub(super) shortcode: Raw<'a>,
    #[serde(borrow)]
    pub(super) is_default: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) number: Raw<'a>,
    #[serde(borrow)]
    pub(super) created_at: Raw<'a>,
    #[serde(borrow)]
    pub(super) updated_at: Raw<'a>,
    #[serde(borrow)]
    pub(super) status: Raw<'a>,
    #[serde(borrow)]
    pub(super) payment_status: Raw<'a>,
    #[serde(borrow)]
    pub(super) shipment_status: Raw<'a>,
    #[serde(borrow)]
    pub(super) price_incl: Raw<'a>,
    #[serde(borrow)]
    pub(super) payment_id: Raw<'a>,
    #[serde(borrow)]
    pub(super) payment_title: Raw<'a>,
    #[serde(borrow)]
    pub(super) payment_data: Raw<'a>,
    #[serde(borrow)]
    pub(super) gift_cards_payment: Raw<'a>,
    #[serde(borrow)]
    pub(super) memo: Raw<'a>,
    #[serde(borrow)]
    pub(super) invoices: Raw<'a>,
    #[serde(borrow)]
    pub(super) shipments: Raw<'a>,
    #[serde(borrow)]
    pub(super) products: Raw<'a>,
    #[serde(borrow)]
    pub(super) metafields: Raw<'a>,
    #[serde(borrow)]
    pub(super) events: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invoice<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) number: Raw<'a>,
    #[serde(borrow)]
    pub(super) created_at: Raw<'a>,
    #[serde(borrow)]
    pub(super) updated_at: Raw<'a>,
    #[serde(borrow)]
    pub(super) status: Raw<'a>,
    #[serde(borrow)]
    pub(super) price_incl: Raw<'a>,
    #[serde(borrow)]
    pub(super) is_credit_note: Raw<'a>,
    #[serde(borrow)]
    pub(super) order: Raw<'a>,
    #[serde(borrow)]
    pub(super) items: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shipment<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) number: Raw<'a>,
    #[serde(borrow)]
    pub(super) updated_at: Raw<'a>,
    #[serde(borrow)]
    pub(super) status: Raw<'a>,
    #[serde(borrow)]
    pub(super) order: Raw<'a>,
    #[serde(borrow)]
    pub(super) products: Raw<'a>,
}

/// A product on a shipment. Its documented sample names no order line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShipmentProduct<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) order_product_id: Raw<'a>,
    #[serde(borrow)]
    pub(super) quantity: Raw<'a>,
    #[serde(borrow)]
    pub(super) article_code: Raw<'a>,
    #[serde(borrow)]
    pub(super) ean: Raw<'a>,
    #[serde(borrow)]
    pub(super) sku: Raw<'a>,
}

/// A line of an invoice. One that names no product of the order is postage, a payment cost or a text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvoiceItem<'a> {
    #[serde(borrow)]
    pub(super) order_product_id: Raw<'a>,
    #[serde(borrow)]
    pub(super) quantity: Raw<'a>,
}

/// A line of an order.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Product<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) quantity_ordered: Raw<'a>,
    /// What is on shipments, sent or not.
    #[serde(borrow)]
    pub(super) quantity_shipped: Raw<'a>,
    #[serde(borrow)]
    pub(super) price_incl: Raw<'a>,
    #[serde(borrow)]
    pub(super) article_code: Raw<'a>,
    #[serde(borrow)]
    pub(super) ean: Raw<'a>,
    #[serde(borrow)]
    pub(super) sku: Raw<'a>,
}

#[derive(Deserialize)]
pub(super) struct Metafield<'a> {
    #[serde(borrow)]
    pub(super) key: Raw<'a>,
    #[serde(borrow)]
    pub(super) value: Raw<'a>,
}

#[derive(Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    pub(super) comment: Raw<'a>,
    #[serde(borrow)]
    pub(super) order: Raw<'a>,
}

/// `{"resource": {"id", "url", "link", "embedded"}}`.
#[derive(Deserialize)]
pub(super) struct Link<'a> {
    #[serde(borrow)]
    pub(super) resource: Raw<'a>,
}

#[derive(Deserialize)]
pub(super) struct Resource<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
    #[serde(borrow)]
    pub(super) embedded: Raw<'a>,
}

/// When a row of a list changed, whatever else it says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dated<'a> {
    #[serde(borrow)]
    pub(super) updated_at: Raw<'a>,
}

/// What every row of every list has.
#[derive(Deserialize)]
pub(super) struct Row<'a> {
    #[serde(borrow)]
    pub(super) id: Raw<'a>,
}
