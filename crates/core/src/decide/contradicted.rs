//! Facts that contradict what was concluded for good: said beside it, and a human decides.

use super::case::Case;
use super::is_closed;
use crate::credit_invoice::CreditInvoice;
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, KlarnaOrder, ShopStatus};
use crate::finding::Finding;
use crate::finding::proof::Contradicted;
use crate::id::InvoiceId;
use crate::money::Minor;
use crate::order::Order;
use crate::policy::{AMOUNT_TOLERANCE, Mode};

/// Klarna's support can reopen an order that lapsed. `Expired` absorbs all the same: this program captures nothing of it
/// any more. What somebody else captured is refundable like any other capture, and that the state no longer says what
/// happened is said here, until a human resolves it. Answers whether that is all there is to say of the authorization.
pub(super) fn after_expiry(case: &mut Case<'_>, klarna: &KlarnaOrder) -> bool {
    let order = case.shop.number.clone();
    let is_open = klarna.remaining.is_positive() && !is_closed(klarna);
    let (subject, amount, found) = if klarna.captured.is_positive() {
        ("captured", klarna.captured, Contradicted::CapturedAfterExpiry { order, captured: klarna.captured })
    } else if is_open {
        ("reopened", klarna.remaining, Contradicted::AuthorizedAfterExpiry { order, remaining: klarna.remaining })
    } else {
        return false;
    };
    if case.policy.captures != Mode::Off {
        let finding = Finding::Contradicted(found);
        case.differs(BreakKind::AuthorizationExpired, subject, Some(amount), case.now, finding);
    }
    klarna.captured.is_positive()
}

/// In the shop a cancellation cannot be taken back, so whoever sees the order open again may ship it unpaid.
pub(super) fn open_after_cancel(case: &mut Case<'_>) {
    if case.order == Order::Cancelled && case.shop.status.is(&ShopStatus::Open) && case.policy.cancels != Mode::Off {
        let finding = Finding::Contradicted(Contradicted::OpenAfterCancel { order: case.shop.number.clone() });
        case.differs(BreakKind::CancelledAtKlarna, "revived", None, case.now, finding);
    }
}

/// Settled because nothing of it would be captured, marked paid, and captured all the same: what is captured and what
/// was settled so cannot be more than the order together.
pub(super) fn captured_after_all(
    case: &mut Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts, amount: Minor,
) {
    let Some(total) = case.asked() else { return };
    let is_settled = case.credit_state(credit.id) == CreditInvoice::Cancelled && !case.cancelled;
    let settled = |(id, held): (&InvoiceId, &crate::ledger::CreditRecord)| {
        let is_settled = held.state == CreditInvoice::Cancelled && !case.attributed.by_credit.contains_key(id);
        held.amount.filter(|_| is_settled)
    };
    let settled: Minor = case.ledger.credits.iter().filter_map(settled).collect();
    let beyond = klarna.captured.plus(settled).minus(total);
    if is_settled && klarna.captured.is_positive() && beyond.get() > AMOUNT_TOLERANCE {
        let found = Contradicted::CapturedAfterAll {
            credit: credit.number.clone(),
            amount,
            order: case.shop.number.clone(),
            captured: klarna.captured,
        };
        let finding = Finding::Contradicted(found);
        case.credit_differs(BreakKind::PaidWithoutRefund, &credit.number, Some(amount), case.now, finding);
    }
}
