//! `reconcile --json`: the object of the outside contract, its fields in the contract's order.
//!
//! Orders are written page by page as the store gives them; a pass over a hundred thousand orders needs no more
//! memory than one over ten. When the store fails half-way the object stays unfinished, so no script takes it for
//! whole.

use std::io::{self, Write};

use serde::Serialize;

use super::text::PlainJson;
use super::words::age_seconds;
use super::{EffectRow, PassReport};
use jiff::Timestamp;
use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::id::{InvoiceNumber, KlarnaOrderId, OrderId, OrderNumber, RefundId};
use reconciled_core::money::Currency;
use reconciled_store::{Break, CreditRow, OrderRow, Proposal, Store, StoreError};

/// How many orders are held in memory at once.
const PAGE: u32 = 500;

#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("the report could not be written")]
    Output(#[from] io::Error),
    #[error("the report could not be read from the store")]
    Store(#[from] StoreError),
}

#[derive(Serialize)]
struct Amount {
    minor: i64,
    currency: &'static str,
}

#[derive(Serialize)]
struct CreditView<'a> {
    number: &'a str,
    state: &'static str,
    amount_minor: Option<i64>,
    refund_id: Option<&'a str>,
}

#[derive(Serialize)]
struct OrderView<'a> {
    number: &'a str,
    klarna_order_id: Option<&'a str>,
    state: &'static str,
    amount: Option<Amount>,
    captured_minor: i64,
    refunded_minor: i64,
    credit_invoices: Vec<CreditView<'a>>,
}

#[derive(Serialize)]
struct EffectView<'a> {
    intent: String,
    kind: &'static str,
    order: &'a str,
    credit_invoice: Option<&'a str>,
    amount_minor: i64,
    reference: &'a str,
    idempotency_key: String,
    outcome: &'static str,
    why: &'a str,
}

/// A break as every command prints it.
#[derive(Serialize)]
pub(super) struct BreakView<'a> {
    id: String,
    kind: &'static str,
    severity: &'static str,
    order: Option<&'a str>,
    credit_invoice: Option<&'a str>,
    amount_minor: Option<i64>,
    opened_at: String,
    age_seconds: i64,
    status: &'static str,
    message: &'a str,
    remedy: String,
    // Present only where there is something to say: the outside contract fixes the fields above.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<ProposalView<'a>>,
}

/// What one operator proposed and another has not approved.
#[derive(Serialize)]
struct ProposalView<'a> {
    intent: String,
    amount_minor: i64,
    by: &'a str,
    at: String,
    until: String,
    lapsed: bool,
    note: &'a str,
}

#[derive(Serialize)]
struct CheckedView {
    orders: u64,
    credit_invoices: u64,
    klarna_orders: u64,
}

#[derive(Serialize)]
struct ReadWriteView {
    read: u64,
    write: u64,
}

#[derive(Serialize)]
struct CallsView {
    lightspeed: ReadWriteView,
    klarna: ReadWriteView,
}

#[derive(Serialize)]
struct NotCheckedView<'a> {
    what: &'a str,
    why: &'a str,
}

/// Writes the object and a newline. Without a store (it could not be opened) no order and no break is listed.
///
/// # Errors
/// The store or the output failed; the object is then unfinished.
pub async fn pass<S: Store, W: Write + Send>(
    out: &mut W, report: &PassReport, store: Option<&S>, breaks: &[Break],
) -> Result<(), RenderError> {
    out.write_all(b"{")?;
    field(out, "shop", &report.shop.as_str(), "")?;
    field(out, "pass", &report.pass.to_string(), ",")?;
    field(out, "started_at", &report.started_at.to_string(), ",")?;
    field(out, "finished_at", &report.finished_at.to_string(), ",")?;
    field(out, "dry_run", &report.dry_run, ",")?;
    field(out, "complete", &report.is_complete(), ",")?;
    let checked = report.checked;
    let checked = CheckedView {
        orders: checked.orders,
        credit_invoices: checked.credit_invoices,
        klarna_orders: checked.klarna_orders,
    };
    field(out, "checked", &checked, ",")?;
    out.write_all(b",\"orders\":[")?;
    if let Some(store) = store {
        orders(out, report, store).await?;
    }
    out.write_all(b"]")?;
    list(out, "effects", report.effects.iter().map(EffectView::from))?;
    let view = |it| BreakView::new(it, report.finished_at);
    list(out, "breaks", breaks.iter().map(view))?;
    let calls = report.calls;
    let calls = CallsView {
        lightspeed: ReadWriteView { read: calls.lightspeed.read, write: calls.lightspeed.write },
        klarna: ReadWriteView { read: calls.klarna.read, write: calls.klarna.write },
    };
    field(out, "calls", &calls, ",")?;
    let not_checked = report.not_checked.iter();
    list(out, "not_checked", not_checked.map(|it| NotCheckedView { what: &it.what, why: &it.why }))?;
    out.write_all(b"}\n")?;
    Ok(out.flush()?)
}

async fn orders<S: Store, W: Write + Send>(out: &mut W, report: &PassReport, store: &S) -> Result<(), RenderError> {
    let mut after = OrderId(0);
    let mut comma: &[u8] = b"";
    loop {
        let page = store.looked_at(report.pass, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        for row in &page {
            out.write_all(comma)?;
            write_value(out, &OrderView::new(row, report.currency))?;
            comma = b",";
        }
    }
}

impl<'a> OrderView<'a> {
    fn new(row: &'a OrderRow, currency: Option<Currency>) -> Self {
        let amount = row.amount.zip(currency);
        Self {
            number: row.number.as_str(),
            klarna_order_id: row.klarna_order_id.as_ref().map(KlarnaOrderId::as_str),
            state: row.state.name(),
            amount: amount.map(|(minor, currency)| Amount { minor: minor.get(), currency: currency.code() }),
            captured_minor: row.captured.get(),
            refunded_minor: row.refunded.get(),
            credit_invoices: row.credits.iter().map(CreditView::from).collect(),
        }
    }
}

impl<'a> From<&'a CreditRow> for CreditView<'a> {
    fn from(row: &'a CreditRow) -> Self {
        Self {
            number: row.number.as_str(),
            state: row.state.name(),
            amount_minor: row.amount.map(reconciled_core::money::Minor::get),
            refund_id: refund_id(&row.state).map(RefundId::as_str),
        }
    }
}

/// The refund that proves a credit invoice, where one refund does.
pub(crate) const fn refund_id(state: &CreditInvoice) -> Option<&RefundId> {
    match state {
        CreditInvoice::Refunded(Proof::Refund(id)) | CreditInvoice::Paid(Proof::Refund(id)) => Some(id),
        CreditInvoice::Refunded(Proof::Reversal)
        | CreditInvoice::Paid(Proof::Reversal)
        | CreditInvoice::Pending
        | CreditInvoice::Held
        | CreditInvoice::RefundRequested(_)
        | CreditInvoice::PaidByHand
        | CreditInvoice::Cancelled => None,
    }
}

impl<'a> From<&'a EffectRow> for EffectView<'a> {
    fn from(row: &'a EffectRow) -> Self {
        Self {
            intent: row.intent.to_string(),
            kind: row.kind.name(),
            order: row.order.as_str(),
            credit_invoice: row.credit_invoice.as_ref().map(InvoiceNumber::as_str),
            amount_minor: row.amount.get(),
            reference: &row.reference,
            idempotency_key: row.key.to_string(),
            outcome: row.outcome.name(),
            why: &row.why,
        }
    }
}

impl<'a> BreakView<'a> {
    pub(super) fn new(it: &'a Break, now: Timestamp) -> Self {
        Self {
            id: it.id.to_string(),
            kind: it.kind.name(),
            severity: it.kind.severity().name(),
            order: it.order.as_ref().map(OrderNumber::as_str),
            credit_invoice: it.credit_invoice.as_ref().map(InvoiceNumber::as_str),
            amount_minor: it.amount.map(reconciled_core::money::Minor::get),
            opened_at: it.opened_at.to_string(),
            age_seconds: age_seconds(it.opened_at, now),
            status: it.status.name(),
            message: &it.message,
            remedy: super::words::remedy(it),
            note: it.note.as_deref(),
            assigned_to: it.assigned.as_deref(),
            proposal: it.proposal.as_ref().map(|proposal| ProposalView::new(proposal, now)),
        }
    }
}

impl<'a> ProposalView<'a> {
    fn new(it: &'a Proposal, now: Timestamp) -> Self {
        Self {
            intent: it.intent.to_string(),
            amount_minor: it.amount.get(),
            by: &it.actor,
            at: it.at.to_string(),
            until: it.until().to_string(),
            lapsed: it.until() <= now,
            note: &it.note,
        }
    }
}

fn field<W: Write>(out: &mut W, name: &str, value: &impl Serialize, before: &str) -> io::Result<()> {
    write!(out, "{before}\"{name}\":")?;
    write_value(out, value)
}

fn list<W: Write>(out: &mut W, name: &str, values: impl Iterator<Item = impl Serialize>) -> io::Result<()> {
    write!(out, ",\"{name}\":[")?;
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        write_value(out, &value)?;
    }
    out.write_all(b"]")
}

pub(crate) fn write_value<W: Write>(out: &mut W, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, PlainJson);
    value.serialize(&mut serializer).map_err(io::Error::from)
}
