//! The ground truth: what both sides really hold, without lag, limits or faults.
//!
//! For oracles and for people; no client of the product may look here.

use uuid::Uuid;

use super::World;
use super::json::{J, obj, push_decimal};
use super::klarna::model::{Details, Order as KlarnaOrder};
use super::lightspeed::model::{Item, ItemKind, Line, Order};
use super::time::klarna_text;

/// A capture or a refund as it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovementTruth {
    pub id: Uuid,
    pub amount: i64,
    pub at_ms: i64,
    pub reference: Option<String>,
    pub description: Option<String>,
    pub idempotency_key: Option<String>,
}

/// A Klarna order as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KlarnaTruth {
    pub order_id: Uuid,
    pub merchant_reference1: String,
    pub merchant_reference2: String,
    /// `None`: the account's own.
    pub currency: Option<String>,
    pub status: &'static str,
    pub fraud_status: &'static str,
    pub order_amount: i64,
    pub original_order_amount: i64,
    pub captured_amount: i64,
    pub refunded_amount: i64,
    pub remaining_authorized_amount: i64,
    pub expires_ms: i64,
    pub captures: Vec<MovementTruth>,
    pub refunds: Vec<MovementTruth>,
}

/// What one item of a credit invoice is for: the order line at `line`, or something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemTruth {
    pub line: Option<usize>,
    pub quantity: i64,
    pub total: i64,
}

/// A line of an order, how much of it was asked for and how much left the house; prices in ten-thousandths of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineTruth {
    pub unit: i64,
    pub quantity: i64,
    pub sent: i64,
}

/// An invoice or credit invoice as it is; amounts in ten-thousandths of a unit, below zero only where
/// somebody made it so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceTruth {
    pub id: u64,
    pub number: String,
    pub status: String,
    pub is_credit: bool,
    pub total: i64,
    pub created_ms: i64,
    /// Of a credit invoice, what it is for.
    pub items: Vec<ItemTruth>,
}

/// A shop order as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopTruth {
    pub id: u64,
    pub number: String,
    pub status: String,
    pub payment_status: String,
    pub shipment_status: String,
    /// In ten-thousandths of a unit.
    pub total: i64,
    pub klarna_order_id: Option<Uuid>,
    pub lines: Vec<LineTruth>,
    /// Every Klarna order that was opened for it, the paying one first.
    pub attempts: Vec<Uuid>,
    /// What a gift card paid of it, in ten-thousandths of a unit.
    pub gift_card: i64,
    pub payment_title: String,
    pub invoices: Vec<InvoiceTruth>,
}

fn movement(id: Uuid, amount: i64, at_ms: i64, details: &Details) -> MovementTruth {
    let own = |text: &Option<Box<str>>| text.as_ref().map(ToString::to_string);
    MovementTruth {
        id,
        amount,
        at_ms,
        reference: own(&details.reference),
        description: own(&details.description),
        idempotency_key: own(&details.key),
    }
}

fn klarna(order: &KlarnaOrder) -> KlarnaTruth {
    let state = &order.state;
    let captures = state.captures.iter();
    let refunds = state.refunds.iter();
    KlarnaTruth {
        order_id: order.id,
        merchant_reference1: state.reference1.to_string(),
        merchant_reference2: state.reference2.to_string(),
        currency: order.currency.as_deref().map(str::to_owned),
        status: state.status.name(),
        fraud_status: state.fraud.name(),
        order_amount: state.order_amount,
        original_order_amount: order.original_amount,
        captured_amount: state.captured,
        refunded_amount: state.refunded,
        remaining_authorized_amount: state.remaining,
        expires_ms: state.expires,
        captures: captures.map(|one| movement(one.id, one.amount, one.at, &one.details)).collect(),
        refunds: refunds.map(|one| movement(one.id, one.amount, one.at, &one.details)).collect(),
    }
}

impl World {
    /// One Klarna order, brought up to the present.
    pub fn klarna_truth(&mut self, id: Uuid) -> Option<KlarnaTruth> {
        self.klarna_order(id).ok().map(|order| klarna(order))
    }

    /// Every Klarna order by id, brought up to the present.
    pub fn all_klarna_truth(&mut self) -> Vec<KlarnaTruth> {
        let ids: Vec<Uuid> = self.merchant.orders.keys().copied().collect();
        ids.into_iter().filter_map(|id| self.klarna_truth(id)).collect()
    }

    pub fn shop_truth(&self, id: u64) -> Option<ShopTruth> {
        self.shop.orders.get(&id).map(|order| self.shop_order_truth(order))
    }

    /// Every shop order by id.
    pub fn all_shop_truth(&self) -> Vec<ShopTruth> {
        self.shop.orders.values().map(|order| self.shop_order_truth(order)).collect()
    }

    fn shop_order_truth(&self, order: &Order) -> ShopTruth {
        let invoices = order.invoices.iter().filter_map(|id| self.shop.invoices.get(id));
        ShopTruth {
            id: order.id,
            number: order.number.to_string(),
            status: order.status.to_string(),
            payment_status: order.payment_status.to_string(),
            shipment_status: order.shipment_status.to_string(),
            total: order.total_incl(),
            klarna_order_id: self.links.get(&order.id).copied(),
            lines: self.lines_truth(order),
            attempts: self.attempts_of(order.id),
            gift_card: order.gift_card,
            payment_title: order.payment_title.to_string(),
            invoices: invoices
                .map(|invoice| InvoiceTruth {
                    id: invoice.id,
                    number: invoice.number.to_string(),
                    status: invoice.status.to_string(),
                    is_credit: invoice.is_credit,
                    total: invoice.total_incl,
                    created_ms: invoice.created,
                    items: invoice.items.iter().flatten().map(item).collect(),
                })
                .collect(),
        }
    }
}

impl World {
    fn lines_truth(&self, order: &Order) -> Vec<LineTruth> {
        let slips = order.shipments.iter().filter_map(|id| self.shop.shipments.get(id));
        let sent: Vec<_> = slips.filter(|slip| slip.status == "shipped").flat_map(|slip| &slip.items).collect();
        let of = |index: usize| sent.iter().filter(|(line, _)| *line == index).map(|(_, quantity)| quantity).sum();
        let line = |(index, line): (usize, &Line)| LineTruth {
            unit: line.unit_incl,
            quantity: line.quantity,
            sent: of(index),
        };
        order.lines.iter().enumerate().map(line).collect()
    }
}

fn item(item: &Item) -> ItemTruth {
    let line = match item.kind {
        ItemKind::Product(index) => Some(index),
        ItemKind::Shipping | ItemKind::Payment | ItemKind::Value => None,
    };
    ItemTruth { line, quantity: item.quantity, total: item.total_incl }
}

fn decimal(units: i64) -> J {
    let mut text = String::new();
    push_decimal(&mut text, units);
    J::from(text)
}

impl MovementTruth {
    fn json(&self) -> J {
        obj! {
            "id": self.id.to_string(),
            "amount": self.amount,
            "at": klarna_text(self.at_ms),
            "reference": self.reference.clone(),
            "description": self.description.clone(),
            "idempotency_key": self.idempotency_key.clone(),
        }
    }
}

impl ItemTruth {
    fn json(&self) -> J {
        let line = self.line.and_then(|index| i64::try_from(index).ok());
        obj! { "line": line, "quantity": self.quantity, "total": decimal(self.total) }
    }
}

impl LineTruth {
    fn json(&self) -> J {
        obj! { "unit": decimal(self.unit), "quantity": self.quantity, "sent": self.sent }
    }
}

impl KlarnaTruth {
    pub(crate) fn json(&self) -> J {
        let list = |rows: &[MovementTruth]| J::Arr(rows.iter().map(MovementTruth::json).collect());
        obj! {
            "order_id": self.order_id.to_string(),
            "merchant_reference1": self.merchant_reference1.clone(),
            "merchant_reference2": self.merchant_reference2.clone(),
            "status": self.status,
            "fraud_status": self.fraud_status,
            "order_amount": self.order_amount,
            "original_order_amount": self.original_order_amount,
            "captured_amount": self.captured_amount,
            "refunded_amount": self.refunded_amount,
            "remaining_authorized_amount": self.remaining_authorized_amount,
            "expires_at": klarna_text(self.expires_ms),
            "captures": list(&self.captures),
            "refunds": list(&self.refunds),
        }
    }
}

impl ShopTruth {
    pub(crate) fn json(&self) -> J {
        let invoice = |one: &InvoiceTruth| {
            obj! {
                "id": one.id,
                "number": one.number.clone(),
                "status": one.status.clone(),
                "is_credit": one.is_credit,
                "total": decimal(one.total),
                "created_at": klarna_text(one.created_ms),
                "items": J::Arr(one.items.iter().map(ItemTruth::json).collect()),
            }
        };
        obj! {
            "id": self.id,
            "number": self.number.clone(),
            "status": self.status.clone(),
            "payment_status": self.payment_status.clone(),
            "shipment_status": self.shipment_status.clone(),
            "total": decimal(self.total),
            "klarna_order_id": self.klarna_order_id.map(|id| id.to_string()),
            "lines": J::Arr(self.lines.iter().map(LineTruth::json).collect()),
            "attempts": J::Arr(self.attempts.iter().map(|id| J::from(id.to_string())).collect()),
            "gift_card": decimal(self.gift_card),
            "payment_title": self.payment_title.clone(),
            "invoices": J::Arr(self.invoices.iter().map(invoice).collect()),
        }
    }
}
