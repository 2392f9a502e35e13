//! What the shop listed and does not list any more.
//!
//! One answer of the shop's may lack what the next one has. So absence is believed twice, apart in time; until then
//! nothing is sent for the order, and nobody's credit invoice is withdrawn.

use jiff::Timestamp;

use super::case::{Case, after};
use super::{in_flight, watched};
use crate::credit_invoice::{CreditInvoice, Event};
use crate::discrepancy::BreakKind;
use crate::facts::{Facts, KlarnaSide};
use crate::finding::Finding;
use crate::id::InvoiceId;
use crate::ledger::{CreditRecord, Ledger};
use crate::plan::Plan;
use crate::policy::{ABSENCE, Policy};

/// The subject of a difference about a missing credit invoice: the store has the shop asked again while one stands.
pub const MISSING: &str = "missing:";

/// Credit invoices we hold and the shop no longer lists. The shop's documents are never deleted, so one that was
/// acted on is a break.
pub(super) fn vanished(case: &mut Case<'_>) {
    let ledger = case.ledger;
    for (id, held) in &ledger.credits {
        if case.shop.credit_invoices.iter().any(|credit| credit.id == *id) {
            continue;
        }
        match held.state {
            CreditInvoice::Pending | CreditInvoice::Held | CreditInvoice::PaidByHand => {
                missing(case, *id, held);
            }
            CreditInvoice::RefundRequested(_) | CreditInvoice::Refunded(_) | CreditInvoice::Paid(_) => {
                let message =
                    format!("credit invoice {} vanished from the shop after its refund was intended", held.number);
                case.credit_differs(BreakKind::CreditChanged, &held.number, held.amount, case.now, message);
            }
            CreditInvoice::Cancelled => {}
        }
    }
}

/// A credit invoice of which nothing was asked, and that the shop's answer lacks.
fn missing(case: &mut Case<'_>, id: InvoiceId, held: &CreditRecord) {
    let (kind, subject) = (BreakKind::CreditChanged, format!("{MISSING}{id}"));
    let since = case.ledger.since(kind, &subject);
    let is_missed_again = since.is_some_and(|since| case.facts.shop_read_at >= after(since, ABSENCE));
    if is_missed_again || planted!("absence_is_believed_once") {
        return case.credit_event(id, Event::Vanished);
    }
    case.disagreement = Some("the shop's answer lacks a credit invoice that it had listed");
    let finding = Finding::CreditMissing { order: case.shop.number.clone(), credit: held.number.clone() };
    case.differs_as(kind, Some(held.number.clone()), subject, held.amount, case.now, finding);
}

/// The shop does not find the order any more. What is held of it is too old to act on, so nothing new is sent, and a
/// human settles what is owed and closes it. What is under way at Klarna is followed to its end all the same.
pub(super) fn of_order(ledger: &Ledger, facts: &Facts, policy: &Policy, now: Timestamp) -> Plan {
    let mut case = match &facts.klarna {
        KlarnaSide::Read(klarna) => {
            let mut case = Case::new(ledger, facts, klarna, policy, now);
            case.disagreement = Some("the shop does not find the order any more");
            in_flight::settle(&mut case, klarna);
            watched::watch(&mut case);
            in_flight::withdraw_unwanted(&mut case);
            case
        }
        KlarnaSide::Unlinked | KlarnaSide::NotFound { .. } | KlarnaSide::Doubtful(_) | KlarnaSide::Disowned => {
            Case::blind(ledger, facts, policy, now)
        }
    };
    let finding = Finding::OrderGone { order: case.shop.number.clone() };
    case.differs(BreakKind::UnknownValue, "gone", None, now, finding);
    case.finish()
}

/// Credit invoices that had vanished and are listed again are judged like any others.
pub(super) fn reappeared(case: &mut Case<'_>) {
    for credit in case.credit_facts() {
        if case.ledger.vanished.contains(&credit.id) {
            case.credit_event(credit.id, Event::Reappeared);
        }
    }
}
