//! Whether a refund has proved a credit invoice, and whether it still does when a read does not show it.

use super::case::Case;
use crate::adoption::Settles;
use crate::credit_invoice::{CreditInvoice, Proof};
use crate::discrepancy::BreakKind;
use crate::facts::CreditInvoiceFacts;
use crate::ledger::Attribution;
use crate::money::Minor;

/// A human gave it a refund, or a part of one, that this read does not show.
pub(super) fn waits_for_a_part(case: &Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    let is_given = |to: &Attribution| match to {
        Attribution::CreditInvoice(id) => *id == credit.id,
        Attribution::Parts(parts) => parts.iter().any(|part| part.settles == Settles::Credit(credit.id)),
        Attribution::Cancel | Attribution::RuledOut => false,
    };
    credit.paid.is(&false) && !is_proven(case, credit) && case.ledger.adopted.values().any(is_given)
}

/// A refund proved it before; a read that does not show that refund lags behind, or Klarna took its word back.
pub(super) fn is_proven(case: &Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    matches!(
        case.credit_state(credit.id),
        CreditInvoice::Refunded(Proof::Refund(_)) | CreditInvoice::Paid(Proof::Refund(_))
    )
}

/// The refund that proved it turned out to be the one of something else, or a human said that it settles nothing.
pub(super) fn is_disproved(case: &Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    let state = case.credit_state(credit.id);
    let (CreditInvoice::Refunded(Proof::Refund(id)) | CreditInvoice::Paid(Proof::Refund(id))) = state else {
        return false;
    };
    // One refund may settle several.
    if case.attributed.by_credit.get(&credit.id).is_some_and(|own| own.iter().any(|refund| refund.id == id)) {
        return false;
    }
    let of_others = case.attributed.by_credit.iter().filter(|(other, _)| **other != credit.id);
    let mut taken = of_others.flat_map(|(_, refunds)| refunds).chain(&case.attributed.cancel);
    let is_ruled_out = case.ledger.adopted.get(&id) == Some(&Attribution::RuledOut);
    is_ruled_out || taken.any(|refund| refund.id == id)
}

pub(super) fn disproved(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor) {
    let paid = credit.paid.is(&true);
    let kind = if paid { BreakKind::PaidWithoutRefund } else { BreakKind::RefundMissing };
    let message = format!(
        "the refund that settled credit invoice {} over {} turned out to be for something else, and no other exists",
        credit.number,
        case.money(amount)
    );
    case.credit_differs(kind, &credit.number, Some(amount), case.now, message);
}
