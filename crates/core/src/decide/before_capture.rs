//! Credit invoices from before anything was captured: they lower what will be captured, and are no refund.
//!
//! Nothing here asks for money. What was left out of every capture is never owed once nothing more can be captured.

use super::case::{Case, Standing};
use super::checks::is_fully_credited;
use super::delivered::{ask, is_never_sent, is_on_record, is_refund, may_be_unsent};
use super::{is_closed, is_over};
use crate::clocks::{Sequence, sequence};
use crate::credit_invoice::{CreditInvoice, Event};
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, KlarnaOrder};
use crate::finding::Doubt;
use crate::id::InvoiceId;
use crate::lines::{Told, told};
use crate::money::Minor;
use crate::order::Order;
use crate::policy::{AMOUNT_TOLERANCE, Mode};

/// A credit invoice on an uncaptured order lowers what will be captured, or cancels the order; it is no refund.
pub(super) fn nothing_captured(case: &mut Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts, amount: Minor) {
    // Cancelled or wholly credited in the shop and lowered to nothing in the portal, an order is as good as closed.
    if is_closed(klarna) || (case.cancelled || is_fully_credited(case)) && is_over(case) {
        case.never_owed.insert(credit.id);
        return case.credit_event(credit.id, Event::Withdrawn);
    }
    let cancel_covers = case.cancelled || (is_fully_credited(case) && case.policy.cancels == Mode::Drive);
    if !cancel_covers {
        let due = case.past_grace(credit.created_at);
        let message = format!(
            "credit invoice {} over {} stands on order {}, of which nothing is captured",
            credit.number,
            case.money(amount),
            case.shop.number
        );
        case.credit_differs(BreakKind::CreditBeforeCapture, &credit.number, Some(amount), due, message);
    }
}

/// Whether the credit invoice was made before anything was captured.
pub(super) enum BeforeCapture {
    Yes,
    No,
    Unclear(Doubt),
}

pub(super) fn before_capture(case: &Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts) -> BeforeCapture {
    let by_time = by_time(case, klarna, credit);
    if matches!(by_time, BeforeCapture::No) && is_partly_captured(case, klarna) && may_be_unsent(case, klarna, credit) {
        return if is_refund(case, credit) { BeforeCapture::No } else { BeforeCapture::Unclear(Doubt::NeverSent) };
    }
    by_time
}

/// What the two clocks say; above them what our own captures left out and what lines say, and a human above everything.
fn by_time(case: &Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts) -> BeforeCapture {
    if !is_partly_captured(case, klarna) || is_refund(case, credit) {
        return BeforeCapture::No;
    }
    if is_never_sent(case, credit) {
        return BeforeCapture::Yes;
    }
    if is_on_record(case, klarna) || told(case.shop, credit) == Some(Told::Sent) {
        return BeforeCapture::No;
    }
    match first_capture(klarna).map(|first| sequence(credit.created_at, first)) {
        Some(Sequence::Before) => BeforeCapture::Yes,
        Some(Sequence::Unclear) if planted!("equal_seconds_count_as_after") => BeforeCapture::No,
        Some(Sequence::Unclear) => BeforeCapture::Unclear(Doubt::Clocks),
        Some(Sequence::After) => BeforeCapture::No,
        None => BeforeCapture::Unclear(Doubt::Undated),
    }
}

/// Less is captured than the shop's order is worth, and it is not cancelled.
fn is_partly_captured(case: &Case<'_>, klarna: &KlarnaOrder) -> bool {
    let Some(total) = case.asked() else { return false };
    !case.cancelled && total.minus(klarna.captured).get() > AMOUNT_TOLERANCE
}

fn first_capture(klarna: &KlarnaOrder) -> Option<jiff::Timestamp> {
    let times: Option<Vec<_>> = klarna.captures.iter().map(|capture| capture.captured_at).collect();
    times.unwrap_or_default().into_iter().min()
}

/// Sum of the credit invoices that were made before anything was captured: they lower what will be.
pub(super) fn credited_before_capture(case: &Case<'_>, klarna: &KlarnaOrder) -> Minor {
    left_out_of_captures(case, klarna).into_iter().map(|(_, amount)| amount).collect()
}

/// The credit invoices that were made before anything was captured, each with its amount.
pub(super) fn left_out_of_captures(case: &Case<'_>, klarna: &KlarnaOrder) -> Vec<(InvoiceId, Minor)> {
    let before = |credit: &&&CreditInvoiceFacts| {
        let unsettled = !case.attributed.by_credit.contains_key(&credit.id);
        unsettled && (klarna.captured.is_zero() || matches!(by_time(case, klarna, credit), BeforeCapture::Yes))
    };
    let credits = case.credit_facts();
    let amount = |credit: &&CreditInvoiceFacts| Some((credit.id, case.of_klarna(credit).ok()?));
    credits.iter().filter(before).filter_map(amount).collect()
}

/// Sum of the credit invoices of which nobody can tell whether they were made before the capture: nothing is captured
/// for them either.
pub(super) fn credited_around_capture(case: &Case<'_>, klarna: &KlarnaOrder) -> Minor {
    let around = |credit: &&&CreditInvoiceFacts| {
        let unsettled = !case.attributed.by_credit.contains_key(&credit.id);
        unsettled && klarna.captured.is_positive() && matches!(by_time(case, klarna, credit), BeforeCapture::Unclear(_))
    };
    let credits = case.credit_facts();
    credits.iter().filter(around).filter_map(|credit| case.of_klarna(credit).ok()).collect()
}

/// Made before the capture, which left its amount out: nothing of it is owed once the rest is released.
pub(super) fn never_captured(
    case: &mut Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts, standing: &Standing,
) {
    let Some(left_out) = is_left_out(case, klarna) else { return };
    if !left_out {
        let amount = case.of_klarna(credit).unwrap_or_default();
        ask(case, credit, amount, Doubt::InCapture, standing);
    } else if is_over(case) {
        case.never_owed.insert(credit.id);
        case.credit_event(credit.id, Event::Withdrawn);
    }
}

/// The captures left out what was credited before them; `None` when nobody knows the order's total.
fn is_left_out(case: &Case<'_>, klarna: &KlarnaOrder) -> Option<bool> {
    let total = case.asked()?;
    let credited = credited_before_capture(case, klarna);
    Some(klarna.captured.minus(total.less(credited)).get() <= AMOUNT_TOLERANCE)
}

/// It was settled because the authorization lapsed and nothing would be captured, and then its amount was: Klarna's
/// support can reopen a lapsed order. Its machine has ended, so no refund of ours follows, and a human must know.
pub(super) fn captured_after_all(case: &Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts) -> bool {
    let was_settled = case.order == Order::Expired && case.credit_state(credit.id) == CreditInvoice::Cancelled;
    let in_capture = match before_capture(case, klarna, credit) {
        BeforeCapture::No => true,
        BeforeCapture::Yes | BeforeCapture::Unclear(_) => is_left_out(case, klarna) == Some(false),
    };
    was_settled && !case.cancelled && klarna.captured.is_positive() && in_capture
}

/// It was settled because every capture had left it out, and credits more since: of the difference, money was captured.
/// What it credited then, if that is so.
pub(super) fn credits_more_since(
    case: &Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts, amount: Minor,
) -> Option<Minor> {
    let was = case.ledger.credits.get(&credit.id)?.amount.filter(|was| amount > *was)?;
    let was_settled = case.credit_state(credit.id) == CreditInvoice::Cancelled && !case.cancelled;
    let in_capture = klarna.captured.is_positive() && is_left_out(case, klarna) == Some(false);
    (was_settled && in_capture).then_some(was)
}

pub(super) fn owed_after_all(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor) {
    case.promise(amount);
    if case.policy.refunds == Mode::Off {
        return;
    }
    let (kind, was) = if credit.paid.is(&true) {
        (BreakKind::PaidWithoutRefund, "is marked paid")
    } else {
        (BreakKind::RefundMissing, "was withdrawn")
    };
    let message = format!(
        "credit invoice {} over {} {was} because the authorization had lapsed; its amount was captured after all, and \
         no refund exists at Klarna",
        credit.number,
        case.money(amount)
    );
    case.credit_differs(kind, &credit.number, Some(amount), case.now, message);
}
