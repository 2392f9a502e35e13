//! Refunds that differ from what the order obliges, each with the adoption that fits: what a remedy offers.

use super::case::Case;
use crate::adoption::{Part, Settles, offer};
use crate::attribution::{cancel_reference, open_in};
use crate::credit_invoice::CreditInvoice;
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, KlarnaRefund};
use crate::finding::{Finding, Said};
use crate::id::{InvoiceId, RefundId};
use crate::ledger::Attribution;
use crate::money::Minor;
use crate::policy::Mode;

/// Refunds that no obligation explains.
pub(super) fn unexplained(case: &mut Case<'_>) {
    // Where nobody looks at refunds they still withhold what a cancel owes.
    let is_cancels = case.cancelled && case.policy.cancels == Mode::Drive;
    if case.policy.refunds == Mode::Off && !is_cancels {
        return;
    }
    for refund in case.attributed.unattributed.clone() {
        let finding = unattributed(case, &refund);
        case.differs(BreakKind::RefundUnattributed, refund.id.as_str(), Some(refund.amount), case.now, finding);
    }
    if !case.cancelled {
        for refund in case.attributed.cancel.clone() {
            let message = format!(
                "{} of order {} went back as for a cancelled order, and it is not cancelled (refund {})",
                case.money(refund.amount),
                case.shop.number,
                refund.id
            );
            case.differs(BreakKind::RefundExceedsCredit, refund.id.as_str(), Some(refund.amount), case.now, message);
        }
    }
}

/// What nothing explains of a refund, with the adoption that fits what is open.
fn unattributed(case: &Case<'_>, refund: &KlarnaRefund) -> Finding {
    let mut open = open_in(&case.attributed, case.ledger, case.shop, None);
    open.retain(|it| case.credit_state(it.id) != CreditInvoice::Cancelled);
    let credits = offer(refund.amount, &open);
    let sum: Minor = credits.iter().map(|(_, amount)| *amount).collect();
    let cancel = || vec![(cancel_reference(&case.shop.number).0, refund.amount)];
    let fits = sum == refund.amount;
    Finding::Unattributed {
        order: case.shop.number.clone(),
        refund: refund.id.clone(),
        amount: refund.amount,
        said: said(case, &refund.id),
        offer: if case.cancelled && !fits { cancel() } else { in_numbers(credits) },
    }
}

fn in_numbers(parts: Vec<(crate::id::InvoiceNumber, Minor)>) -> Said {
    parts.into_iter().map(|(number, amount)| (number.0, amount)).collect()
}

/// What a human said of a refund, as `adopt` takes it.
fn said(case: &Case<'_>, refund: &RefundId) -> Said {
    let of_credit = |id: InvoiceId| {
        let refunds = case.attributed.by_credit.get(&id).into_iter().flatten();
        refunds.filter(|it| it.id == *refund).map(|it| it.amount).collect::<Minor>()
    };
    match case.ledger.adopted.get(refund) {
        Some(Attribution::Parts(parts)) => parts.iter().map(|part| (name(case, part.settles), part.amount)).collect(),
        Some(Attribution::CreditInvoice(id)) => vec![(name(case, Settles::Credit(*id)), of_credit(*id))],
        Some(Attribution::Cancel | Attribution::RuledOut) | None => Vec::new(),
    }
}

fn name(case: &Case<'_>, settles: Settles) -> String {
    match settles {
        Settles::Credit(id) => {
            let listed = case.shop.credit_invoices.iter().find(|credit| credit.id == id);
            let number = listed.map(|credit| &credit.number);
            let number = number.or_else(|| case.ledger.credits.get(&id).map(|held| &held.number));
            number.map_or_else(|| id.to_string(), |number| number.0.clone())
        }
        Settles::Cancel => cancel_reference(&case.shop.number).0,
        Settles::Nothing => "nothing".to_owned(),
    }
}

/// The adoptions under which what went back for a credit invoice stands. `more` went back than it asks for: so much of the
/// last refund is ruled out. Less: what went back is its part, and leaves a rest.
pub(super) fn accept(
    case: &Case<'_>, credit: &CreditInvoiceFacts, refunds: &[KlarnaRefund], more: Minor,
) -> Vec<(RefundId, Said)> {
    let as_parts = |refund: &KlarnaRefund| match case.ledger.adopted.get(&refund.id) {
        Some(Attribution::Parts(parts)) => parts.clone(),
        Some(Attribution::CreditInvoice(_) | Attribution::Cancel | Attribution::RuledOut) | None => {
            vec![Part { settles: Settles::Credit(credit.id), amount: refund.amount }]
        }
    };
    let in_words = |parts: Vec<Part>| -> Said {
        let some = parts.into_iter().filter(|part| part.amount.is_positive());
        some.map(|part| (name(case, part.settles), part.amount)).collect()
    };
    if !more.is_positive() {
        return refunds.iter().map(|refund| (refund.id.clone(), in_words(as_parts(refund)))).collect();
    }
    let Some(last) = refunds.iter().rev().find(|refund| refund.amount >= more) else { return Vec::new() };
    let mut parts = as_parts(last);
    for part in parts.iter_mut().filter(|part| part.settles == Settles::Credit(credit.id)) {
        part.amount = part.amount.minus(more);
    }
    match parts.iter_mut().find(|part| part.settles == Settles::Nothing) {
        Some(nothing) => nothing.amount = nothing.amount.plus(more),
        None => parts.push(Part { settles: Settles::Nothing, amount: more }),
    }
    vec![(last.id.clone(), in_words(parts))]
}
