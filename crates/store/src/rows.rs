//! Facts as they are kept: the serde mirror of `core::facts`, since core types carry no serde.
//!
//! Exact in both directions: amounts are integers, times keep every digit they came with, a word we do not know keeps
//! its text. Has no field for a name, an address or an e-mail.

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::candidates::{CandidateRow, candidate_row, candidates};
use super::parsed::{klarna_id, minor, parse, time};
use crate::codec::Coded;
use reconciled_core::facts::{
    CreditInvoiceFacts, Fraud, KlarnaCapture, KlarnaOrder, KlarnaRefund, KlarnaStatus, Line, Said, Shipment, Shipped,
    ShopOrder, ShopStatus, Word,
};
use reconciled_core::id::{
    CaptureId, InvoiceId, InvoiceNumber, LineId, OrderId, OrderNumber, Reference, RefundId, ShipmentId,
};
use reconciled_core::money::Currency;

/// A word: known ones as plain text, unknown ones as `{"unknown": "…"}`, so that neither can be taken for the other.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum WordRow {
    Known(String),
    Unknown { unknown: String },
}

/// An amount in minor units, or the text that is none.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum AmountRow {
    Minor(i64),
    Text(String),
}

#[derive(Deserialize, Serialize)]
struct ShopOrderRow {
    id: u64,
    number: String,
    created_at: String,
    updated_at: String,
    status: WordRow,
    shipped: WordRow,
    paid: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    paid_otherwise: bool,
    total: AmountRow,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gift_cards: Option<Vec<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    klarna_order_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<CandidateRow>,
    credit_invoices: Vec<CreditInvoiceRow>,
    shipments: Vec<ShipmentRow>,
    lines: Vec<LineRow>,
}

#[derive(Deserialize, Serialize)]
struct CreditInvoiceRow {
    id: u64,
    number: String,
    created_at: String,
    updated_at: String,
    amount: AmountRow,
    paid: WordRow,
}

#[derive(Deserialize, Serialize)]
struct ShipmentRow {
    id: u64,
    number: String,
    updated_at: String,
    shipped: bool,
    quantities: Vec<(u64, u32)>,
}

#[derive(Deserialize, Serialize)]
struct LineRow {
    id: u64,
    ordered: u32,
    total: AmountRow,
    /// Absent in facts that were kept before it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    credited: Vec<(u64, u32)>,
}

#[derive(Deserialize, Serialize)]
struct KlarnaOrderRow {
    id: String,
    status: WordRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    fraud: Option<WordRow>,
    currency: WordRow,
    order_amount: i64,
    original_amount: i64,
    captured: i64,
    refunded: i64,
    remaining: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_reference1: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merchant_reference2: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    captures: Vec<MovementRow>,
    refunds: Vec<MovementRow>,
}

#[derive(Deserialize, Serialize)]
struct MovementRow {
    id: String,
    amount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

/// The text kept of a shop order.
pub(crate) fn write_shop_order(order: &ShopOrder) -> Result<String, StoreError> {
    let row = ShopOrderRow {
        id: order.id.0,
        number: order.number.0.clone(),
        created_at: order.created_at.to_string(),
        updated_at: order.updated_at.to_string(),
        status: word_row(&order.status, shop_status),
        shipped: word_row(&order.shipped, shipped),
        paid: order.paid,
        paid_otherwise: order.paid_otherwise,
        total: amount_row(&order.total),
        gift_cards: order.gift_cards.as_ref().map(|sums| sums.iter().map(|sum| sum.get()).collect()),
        klarna_order_id: order.klarna_order_id.as_ref().map(ToString::to_string),
        candidates: order.candidates.iter().map(candidate_row).collect(),
        credit_invoices: order.credit_invoices.iter().map(credit_row).collect(),
        shipments: order.shipments.iter().map(shipment_row).collect(),
        lines: order.lines.iter().map(line_row).collect(),
    };
    serde_json::to_string(&row).map_err(|why| StoreError::Damaged(why.to_string()))
}

pub(crate) fn read_shop_order(text: &str) -> Result<ShopOrder, StoreError> {
    let row: ShopOrderRow = parse(text)?;
    let link = row.klarna_order_id.as_deref().map(klarna_id).transpose()?;
    Ok(ShopOrder {
        id: OrderId(row.id),
        number: OrderNumber(row.number),
        created_at: time(&row.created_at)?,
        updated_at: time(&row.updated_at)?,
        status: word(row.status, |text| find(ALL_SHOP_STATUS, shop_status, text))?,
        shipped: word(row.shipped, |text| find(ALL_SHIPPED, shipped, text))?,
        paid: row.paid,
        paid_otherwise: row.paid_otherwise,
        total: said(row.total)?,
        gift_cards: row.gift_cards.map(|sums| sums.into_iter().map(minor).collect()).transpose()?,
        candidates: candidates(&row.candidates, link.as_ref())?,
        klarna_order_id: link,
        credit_invoices: row.credit_invoices.into_iter().map(credit).collect::<Result<_, _>>()?,
        shipments: row.shipments.into_iter().map(shipment).collect::<Result<_, _>>()?,
        lines: row.lines.into_iter().map(line).collect::<Result<_, _>>()?,
    })
}

/// The text kept of a Klarna order.
pub(crate) fn write_klarna_order(order: &KlarnaOrder) -> Result<String, StoreError> {
    let row = KlarnaOrderRow {
        id: order.id.to_string(),
        status: word_row(&order.status, klarna_status),
        fraud: order.fraud.as_ref().map(|fraud_word| word_row(fraud_word, fraud)),
        currency: word_row(&order.currency, Currency::code),
        order_amount: order.order_amount.get(),
        original_amount: order.original_amount.get(),
        captured: order.captured.get(),
        refunded: order.refunded.get(),
        remaining: order.remaining.get(),
        merchant_reference1: order.merchant_reference1.clone(),
        merchant_reference2: order.merchant_reference2.clone(),
        created_at: order.created_at.map(|at| at.to_string()),
        expires_at: order.expires_at.map(|at| at.to_string()),
        captures: order.captures.iter().map(capture_row).collect(),
        refunds: order.refunds.iter().map(refund_row).collect(),
    };
    serde_json::to_string(&row).map_err(|why| StoreError::Damaged(why.to_string()))
}

pub(crate) fn read_klarna_order(text: &str) -> Result<KlarnaOrder, StoreError> {
    let row: KlarnaOrderRow = parse(text)?;
    let fraud_word = |row| word(row, |text| find(ALL_FRAUD, fraud, text));
    Ok(KlarnaOrder {
        id: klarna_id(&row.id)?,
        status: word(row.status, |text| find(ALL_KLARNA_STATUS, klarna_status, text))?,
        fraud: row.fraud.map(fraud_word).transpose()?,
        currency: word(row.currency, Currency::decode)?,
        order_amount: minor(row.order_amount)?,
        original_amount: minor(row.original_amount)?,
        captured: minor(row.captured)?,
        refunded: minor(row.refunded)?,
        remaining: minor(row.remaining)?,
        merchant_reference1: row.merchant_reference1,
        merchant_reference2: row.merchant_reference2,
        created_at: row.created_at.as_deref().map(time).transpose()?,
        expires_at: row.expires_at.as_deref().map(time).transpose()?,
        captures: row.captures.into_iter().map(capture).collect::<Result<_, _>>()?,
        refunds: row.refunds.into_iter().map(refund).collect::<Result<_, _>>()?,
    })
}

fn credit_row(facts: &CreditInvoiceFacts) -> CreditInvoiceRow {
    CreditInvoiceRow {
        id: facts.id.0,
        number: facts.number.0.clone(),
        created_at: facts.created_at.to_string(),
        updated_at: facts.updated_at.to_string(),
        amount: amount_row(&facts.amount),
        paid: word_row(&facts.paid, |paid| if paid { "paid" } else { "not_paid" }),
    }
}

fn credit(row: CreditInvoiceRow) -> Result<CreditInvoiceFacts, StoreError> {
    let known = |text: &str| match text {
        "paid" => Some(true),
        "not_paid" => Some(false),
        _ => None,
    };
    Ok(CreditInvoiceFacts {
        id: InvoiceId(row.id),
        number: InvoiceNumber(row.number),
        created_at: time(&row.created_at)?,
        updated_at: time(&row.updated_at)?,
        amount: said(row.amount)?,
        paid: word(row.paid, known)?,
    })
}

fn shipment_row(shipment: &Shipment) -> ShipmentRow {
    ShipmentRow {
        id: shipment.id.0,
        number: shipment.number.clone(),
        updated_at: shipment.updated_at.to_string(),
        shipped: shipment.shipped,
        quantities: shipment.quantities.iter().map(|(line, count)| (line.0, *count)).collect(),
    }
}

fn shipment(row: ShipmentRow) -> Result<Shipment, StoreError> {
    Ok(Shipment {
        id: ShipmentId(row.id),
        number: row.number,
        updated_at: time(&row.updated_at)?,
        shipped: row.shipped,
        quantities: row.quantities.into_iter().map(|(line, n)| (LineId(line), n)).collect(),
    })
}

fn line_row(line: &Line) -> LineRow {
    let credited = line.credited.iter().map(|(credit, count)| (credit.0, *count)).collect();
    LineRow { id: line.id.0, ordered: line.ordered, total: amount_row(&line.total), credited }
}

fn line(row: LineRow) -> Result<Line, StoreError> {
    let credited = row.credited.into_iter().map(|(credit, count)| (InvoiceId(credit), count)).collect();
    Ok(Line { id: LineId(row.id), ordered: row.ordered, total: said(row.total)?, credited })
}

fn capture_row(capture: &KlarnaCapture) -> MovementRow {
    MovementRow {
        id: capture.id.0.clone(),
        amount: capture.amount.get(),
        reference: capture.reference.as_ref().map(|reference| reference.0.clone()),
        at: capture.captured_at.map(|at| at.to_string()),
    }
}

fn capture(row: MovementRow) -> Result<KlarnaCapture, StoreError> {
    Ok(KlarnaCapture {
        id: CaptureId(row.id),
        amount: minor(row.amount)?,
        reference: row.reference.map(Reference),
        captured_at: row.at.as_deref().map(time).transpose()?,
    })
}

fn refund_row(refund: &KlarnaRefund) -> MovementRow {
    MovementRow {
        id: refund.id.0.clone(),
        amount: refund.amount.get(),
        reference: refund.reference.as_ref().map(|reference| reference.0.clone()),
        at: refund.refunded_at.map(|at| at.to_string()),
    }
}

fn refund(row: MovementRow) -> Result<KlarnaRefund, StoreError> {
    Ok(KlarnaRefund {
        id: RefundId(row.id),
        amount: minor(row.amount)?,
        reference: row.reference.map(Reference),
        refunded_at: row.at.as_deref().map(time).transpose()?,
    })
}

const ALL_SHOP_STATUS: &[ShopStatus] = &[
    ShopStatus::Open,
    ShopStatus::Completed,
    ShopStatus::CompletedShipped,
    ShopStatus::PickedUp,
    ShopStatus::ReadyToDownload,
    ShopStatus::AwaitingPayment,
    ShopStatus::Cancelled,
];

const fn shop_status(status: ShopStatus) -> &'static str {
    match status {
        ShopStatus::Open => "open",
        ShopStatus::Completed => "completed",
        ShopStatus::CompletedShipped => "completed_shipped",
        ShopStatus::PickedUp => "picked_up",
        ShopStatus::ReadyToDownload => "ready_to_download",
        ShopStatus::AwaitingPayment => "awaiting_payment",
        ShopStatus::Cancelled => "cancelled",
    }
}

const ALL_SHIPPED: &[Shipped] = &[Shipped::No, Shipped::Partly, Shipped::Fully, Shipped::Cancelled];

const fn shipped(shipped: Shipped) -> &'static str {
    match shipped {
        Shipped::No => "no",
        Shipped::Partly => "partly",
        Shipped::Fully => "fully",
        Shipped::Cancelled => "cancelled",
    }
}

const ALL_KLARNA_STATUS: &[KlarnaStatus] = &[
    KlarnaStatus::Authorized,
    KlarnaStatus::PartCaptured,
    KlarnaStatus::Captured,
    KlarnaStatus::Cancelled,
    KlarnaStatus::Expired,
    KlarnaStatus::Closed,
];

const fn klarna_status(status: KlarnaStatus) -> &'static str {
    match status {
        KlarnaStatus::Authorized => "authorized",
        KlarnaStatus::PartCaptured => "part_captured",
        KlarnaStatus::Captured => "captured",
        KlarnaStatus::Cancelled => "cancelled",
        KlarnaStatus::Expired => "expired",
        KlarnaStatus::Closed => "closed",
    }
}

const ALL_FRAUD: &[Fraud] = &[Fraud::Accepted, Fraud::Pending, Fraud::Rejected];

const fn fraud(fraud: Fraud) -> &'static str {
    match fraud {
        Fraud::Accepted => "accepted",
        Fraud::Pending => "pending",
        Fraud::Rejected => "rejected",
    }
}

fn find<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Option<T> {
    all.iter().copied().find(|value| name(*value) == text)
}

fn word_row<T: Copy>(word: &Word<T>, name: impl Fn(T) -> &'static str) -> WordRow {
    match word {
        Word::Known(value) => WordRow::Known(name(*value).to_owned()),
        Word::Unknown(text) => WordRow::Unknown { unknown: text.clone() },
    }
}

fn word<T>(row: WordRow, known: impl Fn(&str) -> Option<T>) -> Result<Word<T>, StoreError> {
    match row {
        WordRow::Known(text) => {
            known(&text).map(Word::Known).ok_or_else(|| StoreError::Damaged(format!("a fact says `{text}`")))
        }
        WordRow::Unknown { unknown } => Ok(Word::Unknown(unknown)),
    }
}

fn amount_row(said: &Said) -> AmountRow {
    match said {
        Ok(minor) => AmountRow::Minor(minor.get()),
        Err(text) => AmountRow::Text(text.clone()),
    }
}

fn said(row: AmountRow) -> Result<Said, StoreError> {
    Ok(match row {
        AmountRow::Minor(value) => Ok(minor(value)?),
        AmountRow::Text(text) => Err(text),
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use reconciled_core::money::Minor;

    fn words<T: Copy>(known: &[T]) -> Vec<Word<T>> {
        let unknown = ["", "open", "paid", "EUR", "{\"unknown\":\"x\"}", "é\n"];
        let known = known.iter().copied().map(Word::Known);
        known.chain(unknown.map(|text| Word::Unknown(text.to_owned()))).collect()
    }

    fn survives<T: Copy + PartialEq + std::fmt::Debug>(
        word_of: impl Fn(&str) -> Option<T>, name: impl Fn(T) -> &'static str, known: &[T],
    ) {
        for value in words(known) {
            let text = serde_json::to_string(&word_row(&value, &name)).unwrap();
            let row: WordRow = serde_json::from_str(&text).unwrap();
            assert_eq!(word(row, &word_of).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn every_word_survives_and_no_unknown_one_becomes_known() {
        survives(|text| find(ALL_SHOP_STATUS, shop_status, text), shop_status, ALL_SHOP_STATUS);
        survives(|text| find(ALL_SHIPPED, shipped, text), shipped, ALL_SHIPPED);
        survives(|text| find(ALL_KLARNA_STATUS, klarna_status, text), klarna_status, ALL_KLARNA_STATUS);
        survives(|text| find(ALL_FRAUD, fraud, text), fraud, ALL_FRAUD);
        survives(Currency::decode, Currency::code, Currency::ALL);
    }

    #[test]
    fn amounts_and_times_keep_every_digit() {
        let largest = Minor::new(1_000_000_000_000_000).unwrap();
        for amount in [Ok(Minor::ZERO), Ok(largest), Err("1e3".to_owned()), Err("12".to_owned())] {
            let text = serde_json::to_string(&amount_row(&amount)).unwrap();
            assert_eq!(said(serde_json::from_str(&text).unwrap()).unwrap(), amount, "{text}");
        }
        for text in ["2026-01-02T03:04:05.123456789Z", "1969-12-31T23:59:59.5Z", "9999-12-30T22:00:00Z"] {
            let at: Timestamp = text.parse().unwrap();
            assert_eq!(time(&at.to_string()).unwrap(), at);
        }
        assert!(said(AmountRow::Minor(i64::MAX)).is_err(), "no sum of it would be exact");
        assert!(parse::<ShopOrderRow>("{}").is_err());
    }
}
