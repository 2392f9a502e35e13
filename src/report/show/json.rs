//! `show --json`: one object per order, for scripts.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::{Asked, Life, amount, asked, fraud, klarna_status, settles, shipped, shop_status};
use crate::report::json::{BreakView, refund_id, write_value};
use crate::words::place;
use reconciled_core::facts::Candidate;
use reconciled_core::id::{InvoiceNumber, KlarnaOrderId, OrderNumber, Reference, RefundId};
use reconciled_core::intent::Intent;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::JournalRow;

#[derive(Serialize)]
struct LifeView<'a> {
    shop: &'a str,
    order: OrderView<'a>,
    lightspeed: ShopView,
    klarna: Option<KlarnaView>,
    named: Vec<NamedView<'a>>,
    credit_invoices: Vec<CreditView<'a>>,
    intents: Vec<IntentView<'a>>,
    adopted: Vec<AdoptedView<'a>>,
    journal: Vec<JournalView<'a>>,
    breaks: Vec<BreakView<'a>>,
}

#[derive(Serialize)]
struct OrderView<'a> {
    number: &'a str,
    id: u64,
    klarna_order_id: Option<&'a str>,
    state: &'static str,
    hold: Option<&'a str>,
    currency: Option<&'static str>,
    shared_with: Vec<&'a str>,
    quiet_since: String,
}

#[derive(Serialize)]
struct ShopView {
    status: String,
    shipped: String,
    paid: bool,
    amount_minor: Option<i64>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct KlarnaView {
    status: String,
    fraud: Option<String>,
    order_amount_minor: i64,
    captured_minor: i64,
    refunded_minor: i64,
    remaining_minor: i64,
    expires_at: Option<String>,
    read_at: String,
    captures: Vec<MadeView>,
    refunds: Vec<MadeView>,
}

/// A Klarna order that the shop order names.
#[derive(Serialize)]
struct NamedView<'a> {
    klarna_order_id: String,
    places: Vec<String>,
    /// `None` where Klarna does not know it, or was not asked.
    status: Option<String>,
    captured_minor: Option<i64>,
    remaining_minor: Option<i64>,
    unknown: Option<&'a str>,
}

#[derive(Serialize)]
struct MadeView {
    id: String,
    amount_minor: i64,
    reference: Option<String>,
    at: Option<String>,
}

#[derive(Serialize)]
struct CreditView<'a> {
    number: &'a str,
    state: &'static str,
    amount_minor: Option<i64>,
    refund_id: Option<&'a str>,
    created_at: String,
    paid_in_shop: Option<bool>,
}

#[derive(Serialize)]
struct IntentView<'a> {
    intent: String,
    kind: &'static str,
    state: &'static str,
    credit_invoice: Option<&'a str>,
    amount_minor: i64,
    reference: &'a str,
    generation: u32,
    idempotency_key: String,
    attempts: u32,
    planned_at: String,
    first_sent_at: Option<String>,
    last_sent_at: Option<String>,
    not_before: Option<String>,
    ended_at: Option<String>,
    made: Option<&'a str>,
    answer: Option<AnswerView<'a>>,
}

#[derive(Serialize)]
struct AnswerView<'a> {
    status: Option<u16>,
    code: Option<&'a str>,
    message: &'a str,
    correlation_id: Option<&'a str>,
}

#[derive(Serialize)]
struct AdoptedView<'a> {
    refund: &'a str,
    settles: String,
}

#[derive(Serialize)]
struct JournalView<'a> {
    seq: i64,
    at: String,
    actor: &'a str,
    cause: &'a str,
    entity: &'a str,
    id: &'a str,
    event: &'a str,
    before: &'a str,
    after: &'a str,
    detail: &'a str,
}

/// One JSON object and a newline.
///
/// # Errors
/// The output failed.
pub fn write<W: Write>(out: &mut W, life: &Life) -> io::Result<()> {
    let (ledger, shop) = (&life.dossier.ledger, &life.dossier.shop);
    let shared = life.dossier.shared_with(shop.klarna_order_id.as_ref());
    let view = LifeView {
        shop: ledger.shop.as_str(),
        order: OrderView {
            number: shop.number.as_str(),
            id: shop.id.0,
            klarna_order_id: shop.klarna_order_id.as_ref().map(KlarnaOrderId::as_str),
            state: ledger.order.name(),
            hold: ledger.hold.as_deref(),
            currency: life.currency.map(Currency::code),
            shared_with: shared.iter().map(OrderNumber::as_str).collect(),
            quiet_since: life.dossier.quiet_since.to_string(),
        },
        lightspeed: ShopView {
            status: shop_status(&shop.status),
            shipped: shipped(&shop.shipped),
            paid: shop.paid,
            amount_minor: amount(&shop.total).map(Minor::get),
            created_at: shop.created_at.to_string(),
            updated_at: shop.updated_at.to_string(),
        },
        klarna: klarna(life),
        named: named(life),
        credit_invoices: credits(life),
        intents: ledger.intents.iter().map(IntentView::from).collect(),
        adopted: adopted(life),
        journal: life.journal.iter().map(JournalView::from).collect(),
        breaks: life.breaks.iter().map(|it| BreakView::new(it, life.now)).collect(),
    };
    write_value(out, &view)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn named(life: &Life) -> Vec<NamedView<'_>> {
    let view = |one: Candidate| {
        let asked = asked(&life.dossier, &one.id);
        let read = match asked {
            Asked::Read(order) => Some(order),
            Asked::Unknown(_) | Asked::Never => None,
        };
        NamedView {
            klarna_order_id: one.id.to_string(),
            places: one.places.iter().map(place).collect(),
            status: read.map(|order| klarna_status(&order.status)),
            captured_minor: read.map(|order| order.captured.get()),
            remaining_minor: read.map(|order| order.remaining.get()),
            unknown: match asked {
                Asked::Unknown(said) => Some(said),
                Asked::Read(_) | Asked::Never => None,
            },
        }
    };
    life.dossier.candidates().into_iter().map(view).collect()
}

fn klarna(life: &Life) -> Option<KlarnaView> {
    let (order, read_at) = life.dossier.klarna.as_ref()?;
    let reference = |it: &Option<Reference>| it.as_ref().map(ToString::to_string);
    let captures = order.captures.iter().map(|it| MadeView {
        id: it.id.to_string(),
        amount_minor: it.amount.get(),
        reference: reference(&it.reference),
        at: text(it.captured_at),
    });
    let refunds = order.refunds.iter().map(|it| MadeView {
        id: it.id.to_string(),
        amount_minor: it.amount.get(),
        reference: reference(&it.reference),
        at: text(it.refunded_at),
    });
    Some(KlarnaView {
        status: klarna_status(&order.status),
        fraud: order.fraud.as_ref().map(fraud),
        order_amount_minor: order.order_amount.get(),
        captured_minor: order.captured.get(),
        refunded_minor: order.refunded.get(),
        remaining_minor: order.remaining.get(),
        expires_at: text(order.expires_at),
        read_at: read_at.to_string(),
        captures: captures.collect(),
        refunds: refunds.collect(),
    })
}

fn credits(life: &Life) -> Vec<CreditView<'_>> {
    let in_shop = &life.dossier.shop.credit_invoices;
    let records = life.dossier.ledger.credits.iter();
    let view = records.map(|(id, record)| {
        let facts = in_shop.iter().find(|facts| facts.id == *id);
        CreditView {
            number: record.number.as_str(),
            state: record.state.name(),
            amount_minor: record.amount.map(Minor::get),
            refund_id: refund_id(&record.state).map(RefundId::as_str),
            created_at: record.created_at.to_string(),
            paid_in_shop: facts.map(|facts| facts.paid.is(&true)),
        }
    });
    view.collect()
}

fn adopted(life: &Life) -> Vec<AdoptedView<'_>> {
    let all = life.dossier.ledger.adopted.iter();
    all.map(|(refund, to)| AdoptedView { refund: refund.as_str(), settles: settles(&life.dossier, life.currency, to) })
        .collect()
}

impl<'a> From<&'a Intent> for IntentView<'a> {
    fn from(it: &'a Intent) -> Self {
        let credit_invoice = it.effect.credit_invoice.as_ref();
        Self {
            intent: it.id.to_string(),
            kind: it.effect.kind.name(),
            state: it.state.name(),
            credit_invoice: credit_invoice.map(|(_, number)| InvoiceNumber::as_str(number)),
            amount_minor: it.effect.amount.get(),
            reference: it.effect.reference.as_str(),
            generation: it.effect.generation,
            idempotency_key: it.key.to_string(),
            attempts: it.attempts,
            planned_at: it.planned_at.to_string(),
            first_sent_at: text(it.first_sent_at),
            last_sent_at: text(it.last_sent_at),
            not_before: text(it.not_before),
            ended_at: text(it.ended_at),
            made: it.made.as_ref().map(RefundId::as_str),
            answer: it.said.as_ref().map(|said| AnswerView {
                status: said.status,
                code: said.code.as_deref(),
                message: &said.message,
                correlation_id: said.correlation_id.as_deref(),
            }),
        }
    }
}

impl<'a> From<&'a JournalRow> for JournalView<'a> {
    fn from(row: &'a JournalRow) -> Self {
        Self {
            seq: row.seq,
            at: row.at.to_string(),
            actor: &row.actor,
            cause: &row.cause,
            entity: &row.entity,
            id: &row.entity_id,
            event: &row.event,
            before: &row.before,
            after: &row.after,
            detail: &row.detail,
        }
    }
}

fn text(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
