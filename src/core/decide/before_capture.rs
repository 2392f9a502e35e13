//! Credit invoices from before anything was captured: they lower what will be captured, and are no refund.
//!
//! Nothing here asks for money. What was left out of every capture is never owed once nothing more can be captured.

use super::case::Case;
use super::checks::is_fully_credited;
use super::is_closed;
use crate::core::credit_invoice::Event;
use crate::core::discrepancy::BreakKind;
use crate::core::facts::{CreditInvoiceFacts, KlarnaOrder};
use crate::core::money::Minor;
use crate::core::policy::{AMOUNT_TOLERANCE, Mode};

/// A credit invoice on an uncaptured order lowers what will be captured, or cancels the order; it is no refund.
pub(super) fn nothing_captured(case: &mut Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts, amount: Minor) {
    if is_closed(klarna) {
        case.never_owed.insert(credit.id);
        return case.credit_event(credit.id, Event::Withdrawn);
    }
    let cancel_covers = case.cancelled || (is_fully_credited(case) && case.policy.cancels == Mode::Drive);
    if !cancel_covers {
        let due = case.past_grace(credit.created_at);
        let message = format!("credit invoice {} stands on an order of which nothing is captured", credit.number);
        case.credit_differs(BreakKind::CreditBeforeCapture, &credit.number, Some(amount), due, message);
    }
}

/// Whether the credit invoice was made before anything was captured.
pub(super) enum BeforeCapture {
    Yes,
    No,
    /// Klarna does not say when it captured, and not everything was.
    Unclear,
}

pub(super) fn before_capture(case: &Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts) -> BeforeCapture {
    let Ok(total) = case.shop.total else { return BeforeCapture::No };
    if case.cancelled || total.minus(klarna.captured).get() <= AMOUNT_TOLERANCE {
        return BeforeCapture::No;
    }
    match first_capture(klarna) {
        Some(first) if credit.created_at < first => BeforeCapture::Yes,
        Some(_) => BeforeCapture::No,
        None => BeforeCapture::Unclear,
    }
}

fn first_capture(klarna: &KlarnaOrder) -> Option<jiff::Timestamp> {
    let times: Option<Vec<_>> = klarna.captures.iter().map(|capture| capture.captured_at).collect();
    times.unwrap_or_default().into_iter().min()
}

/// Sum of the credit invoices that were made before anything was captured: they lower what will be.
pub(super) fn credited_before_capture(case: &Case<'_>, klarna: &KlarnaOrder) -> Minor {
    let before = |credit: &&&CreditInvoiceFacts| {
        let unsettled = !case.attributed.by_credit.contains_key(&credit.id);
        unsettled && (klarna.captured.is_zero() || matches!(before_capture(case, klarna, credit), BeforeCapture::Yes))
    };
    let credits = case.credit_facts();
    credits.iter().filter(before).filter_map(|credit| credit.amount.clone().ok()).collect()
}

/// Made before the capture, which left its amount out: nothing of it is owed once the rest is released.
pub(super) fn never_captured(case: &mut Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts) {
    let Ok(total) = case.shop.total else { return };
    let credited = credited_before_capture(case, klarna);
    let left_out = klarna.captured.minus(total.less(credited)).get() <= AMOUNT_TOLERANCE;
    if !left_out {
        let amount = credit.amount.clone().unwrap_or_default();
        unclear(case, credit, amount);
    } else if klarna.remaining.is_zero() {
        case.never_owed.insert(credit.id);
        case.credit_event(credit.id, Event::Withdrawn);
    }
}

pub(super) fn unclear(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor) {
    case.credit_event(credit.id, Event::Held);
    case.promise(amount);
    let message = format!(
        "credit invoice {} is older than the capture, or nobody says when that was: it may have lowered the capture already",
        credit.number
    );
    case.credit_differs(BreakKind::CreditBeforeCapture, &credit.number, Some(amount), case.now, message);
}
