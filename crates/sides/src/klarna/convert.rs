//! From Klarna's words to facts; the last place that knows them.
//!
//! Amounts are integers in minor units and nothing else: no text, no decimals, no sign. A needed amount that is
//! missing is never taken for zero.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::dto;
use crate::http::json::{Raw, elements, instant, present, text};
use crate::http::text::excerpt;
use reconciled_core::answer::{Said, Unreadable};
use reconciled_core::facts::{Fraud, KlarnaCapture, KlarnaOrder, KlarnaRefund, KlarnaStatus, Word};
use reconciled_core::id::{CaptureId, KlarnaOrderId, Reference, RefundId};
use reconciled_core::money::Minor;

/// Enough of a wrong value to recognise it.
const LONGEST_VALUE: usize = 40;

/// The body of `getOrder` for `asked`.
pub(super) fn order(body: &str, asked: &KlarnaOrderId) -> Result<KlarnaOrder, Unreadable> {
    let wire: dto::Order<'_> = object(body, &format!("Klarna order {asked}"))?;
    let read = Reader { asked };
    let found = text(wire.order_id).ok_or_else(|| read.lacks("order_id"))?;
    if !found.eq_ignore_ascii_case(asked.as_str()) {
        return Err(failed(&format!(
            "Klarna answered with order {} instead of order {asked}",
            excerpt(&found, LONGEST_VALUE)
        )));
    }
    let status = word(wire.status, status);
    let order_amount = read.needed(wire.order_amount, "order_amount")?;
    let captured = read.needed(wire.captured_amount, "captured_amount")?;
    let original = read.optional(wire.original_order_amount, "original_order_amount")?;
    let remaining = read.optional(wire.remaining_authorized_amount, "remaining_authorized_amount")?;
    let derived = match status {
        Word::Known(KlarnaStatus::Authorized | KlarnaStatus::PartCaptured) => order_amount.less(captured),
        Word::Known(
            KlarnaStatus::Captured | KlarnaStatus::Cancelled | KlarnaStatus::Expired | KlarnaStatus::Closed,
        )
        | Word::Unknown(_) => Minor::ZERO,
    };
    Ok(KlarnaOrder {
        id: asked.clone(),
        status,
        fraud: present(wire.fraud_status).map(|value| word(Some(value), fraud)),
        currency: word(wire.purchase_currency, |code| code.parse().ok()),
        order_amount,
        original_amount: original.unwrap_or(order_amount),
        captured,
        refunded: read.needed(wire.refunded_amount, "refunded_amount")?,
        remaining: remaining.unwrap_or(derived),
        merchant_reference1: text(wire.merchant_reference1),
        merchant_reference2: text(wire.merchant_reference2),
        created_at: instant(wire.created_at),
        expires_at: instant(wire.expires_at),
        captures: read.captures(wire.captures)?,
        refunds: read.refunds(wire.refunds)?,
    })
}

struct Reader<'a> {
    asked: &'a KlarnaOrderId,
}

impl Reader<'_> {
    fn captures(&self, list: Raw<'_>) -> Result<Vec<KlarnaCapture>, Unreadable> {
        let mut names = Names::default();
        let mut captures = Vec::new();
        for row in self.list(list, "captures")? {
            let wire: dto::Capture<'_> = object(row.get(), &format!("a capture of Klarna order {}", self.asked))?;
            let amount = self.needed(wire.captured_amount, "captures.captured_amount")?;
            let id = names.name(wire.capture_id, wire.captured_at, amount);
            captures.push(KlarnaCapture {
                id: CaptureId(id),
                amount,
                reference: text(wire.reference).map(Reference),
                captured_at: instant(wire.captured_at),
            });
        }
        Ok(captures)
    }

    fn refunds(&self, list: Raw<'_>) -> Result<Vec<KlarnaRefund>, Unreadable> {
        let mut names = Names::default();
        let mut refunds = Vec::new();
        for row in self.list(list, "refunds")? {
            let wire: dto::Refund<'_> = object(row.get(), &format!("a refund of Klarna order {}", self.asked))?;
            let amount = self.needed(wire.refunded_amount, "refunds.refunded_amount")?;
            let id = names.name(wire.refund_id, wire.refunded_at, amount);
            refunds.push(KlarnaRefund {
                id: RefundId(id),
                amount,
                reference: text(wire.reference).map(Reference),
                refunded_at: instant(wire.refunded_at),
            });
        }
        Ok(refunds)
    }

    fn list<'a>(&self, list: Raw<'a>, field: &str) -> Result<Vec<&'a RawValue>, Unreadable> {
        match list {
            None => Ok(Vec::new()),
            Some(list) => elements(list.get()).map_err(|_| self.lacks(field)),
        }
    }

    fn needed(&self, raw: Raw<'_>, field: &str) -> Result<Minor, Unreadable> {
        self.optional(raw, field)?.ok_or_else(|| self.lacks(field))
    }

    /// `None` when the field is missing; an error when it is there and is no amount.
    fn optional(&self, raw: Raw<'_>, field: &str) -> Result<Option<Minor>, Unreadable> {
        let Some(raw) = raw else { return Ok(None) };
        let digits = raw.get();
        let is_integer = digits.bytes().all(|b| b.is_ascii_digit());
        let amount = digits.parse().ok().filter(|_| is_integer).and_then(|n| Minor::new(n).ok());
        amount.map(Some).ok_or_else(|| {
            failed(&format!(
                "Klarna order {}: `{field}` is `{}`, which is not a whole number of minor units",
                self.asked,
                excerpt(digits, LONGEST_VALUE)
            ))
        })
    }

    fn lacks(&self, field: &str) -> Unreadable {
        failed(&format!("Klarna order {} has no readable `{field}`", self.asked))
    }
}

/// Older recordings of captures and refunds carry no id. Such a row is named by its time, its amount, and its
/// position among the rows that share both, so that it has the same name in every read.
#[derive(Default)]
struct Names {
    seen: BTreeMap<String, u32>,
}

impl Names {
    fn name(&mut self, id: Raw<'_>, at: Raw<'_>, amount: Minor) -> String {
        if let Some(id) = text(id) {
            return id;
        }
        let at = instant(at).map_or_else(|| "unknown".to_owned(), |at| at.to_string());
        let unnumbered = format!("at:{at}:{}", amount.get());
        let seen = self.seen.entry(unnumbered.clone()).or_default();
        *seen = seen.saturating_add(1);
        RefundId::made_up(&format!("{unnumbered}:{seen}")).0
    }
}

fn object<'a, T: Deserialize<'a>>(json: &'a str, subject: &str) -> Result<T, Unreadable> {
    let is_object = json.trim_start().starts_with('{');
    let parsed = serde_json::from_str(json).ok().filter(|_| is_object);
    parsed.ok_or_else(|| failed(&format!("{subject} is not an object whose fields are each said once")))
}

/// A word as it was written; one that is missing is not one we know.
fn word<T>(raw: Raw<'_>, known: impl Fn(&str) -> Option<T>) -> Word<T> {
    let Some(text) = text(raw) else { return Word::Unknown("(missing)".to_owned()) };
    known(&text).map_or_else(|| Word::Unknown(excerpt(&text, LONGEST_VALUE)), Word::Known)
}

fn status(word: &str) -> Option<KlarnaStatus> {
    match word {
        "AUTHORIZED" => Some(KlarnaStatus::Authorized),
        "PART_CAPTURED" => Some(KlarnaStatus::PartCaptured),
        "CAPTURED" => Some(KlarnaStatus::Captured),
        "CANCELLED" => Some(KlarnaStatus::Cancelled),
        "EXPIRED" => Some(KlarnaStatus::Expired),
        "CLOSED" => Some(KlarnaStatus::Closed),
        _ => None,
    }
}

fn fraud(word: &str) -> Option<Fraud> {
    match word {
        "ACCEPTED" => Some(Fraud::Accepted),
        "PENDING" => Some(Fraud::Pending),
        "REJECTED" => Some(Fraud::Rejected),
        _ => None,
    }
}

fn failed(message: &str) -> Unreadable {
    let message = message.to_owned();
    Unreadable::Failed(Said { status: Some(200), message, ..Said::default() })
}
