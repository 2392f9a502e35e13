//! What each credit invoice obliges: a refund of exactly its amount, once, and then to be marked paid.
//!
//! Nothing captured means nothing to refund; what is proven is never asked for again; what cannot be proven is
//! never marked paid.

use super::absence;
use super::before_capture::{
    BeforeCapture, before_capture, captured_after_all, credits_more_since, never_captured, nothing_captured,
    owed_after_all,
};
use super::case::{Case, Standing, after};
use super::delivered::ask;
use super::proven::{disproved, is_disproved, is_proven, waits_for_a_part};
use super::words::refusal;
use super::{contradicted, is_over, left, offers, otherwise, rest};
use crate::credit_invoice::{CreditInvoice, Event, Proof};
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, KlarnaOrder, KlarnaRefund, Word};
use crate::finding::{Differs, Finding};
use crate::id::Reference;
use crate::intent::{Effect, Intent, Kind, State};
use crate::money::Minor;
use crate::plan::Verdict;
use crate::policy::{KLARNA_LARGEST_MINOR, Mode, SETTLE_DELAY};
/// The rounding that the two sides may show is no difference; what is sent has none.
pub(super) use crate::share::is_about as is_equal;

/// Walks the order's credit invoices, oldest first; together they share what is left to refund.
pub(super) fn credit_invoices(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    absence::reappeared(case);
    absence::vanished(case);
    for credit in case.credit_facts() {
        let Ok(amount) = case.of_klarna(credit) else {
            unreadable(case, credit);
            continue;
        };
        otherwise::said(case, credit);
        if let Word::Unknown(word) = &credit.paid {
            let message = format!("the status of credit invoice {} is `{word}`", credit.number);
            case.credit_differs(BreakKind::UnknownValue, &credit.number, Some(amount), case.now, message);
            case.promise(amount);
        } else if let Some(refunds) = case.attributed.by_credit.get(&credit.id).cloned() {
            settled(case, klarna, credit, amount, &refunds);
        } else if amount.is_positive() {
            unsettled(case, klarna, credit, amount);
        } else {
            // Nothing is owed; saying so settles it.
            case.never_owed.insert(credit.id);
            case.credit_event(credit.id, Event::Withdrawn);
        }
    }
}

fn unreadable(case: &mut Case<'_>, credit: &CreditInvoiceFacts) {
    let text = credit.amount.clone().err().unwrap_or_default();
    let message = format!("the amount `{text}` of credit invoice {} is not an amount", credit.number);
    case.credit_differs(BreakKind::UnknownValue, &credit.number, None, case.now, message);
    // Nobody knows how much of what is left belongs to it, so everything else of the order waits (`guards`).
    case.credit_event(credit.id, Event::Held);
}

/// Refunds at Klarna belong to this credit invoice: its amount proves it, a part that a human gave it leaves a rest, and
/// anything else is a break.
fn settled(
    case: &mut Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts, amount: Minor, refunds: &[KlarnaRefund],
) {
    let sum = case.covered(credit.id);
    let more = sum.minus(amount);
    let is_settled = is_equal(sum, amount) || left::is_settled_by_word(case, credit, amount, sum);
    if is_settled || planted!("any_amount_settles") {
        if let Some(refund) = refunds.first() {
            // What was taken for its refund turned out to be another's, and this one is its own.
            if is_disproved(case, credit) {
                case.credit_event(credit.id, Event::Unsettled);
            }
            case.credit_event(credit.id, Event::Refunded(Proof::Refund(refund.id.clone())));
        }
        return;
    }
    let is_concluded = matches!(case.credit_state(credit.id), CreditInvoice::Paid(_));
    if !more.is_positive() && !is_concluded && rest::leaves_one(case, credit, refunds) {
        let rest = if planted!("a_rest_is_the_whole") { amount } else { amount.minus(sum) };
        return rest::due(case, klarna, credit, rest);
    }
    case.credit_event(credit.id, Event::Held);
    let reference = case.reference_of(credit);
    let asked = case.intents_of(Kind::Refund, &reference).any(|intent| intent.effect.amount == sum);
    let by_human = refunds.iter().all(|refund| case.attributed.parted.contains(&refund.id));
    let (kind, why) = if asked {
        (BreakKind::CreditChanged, Differs::Changed)
    } else if (refunds.len() > 1 || by_human) && more.is_positive() {
        (BreakKind::RefundExceedsCredit, Differs::Repeated)
    } else {
        (BreakKind::RefundAmountDiffers, Differs::Amount)
    };
    let finding = Finding::RefundDiffers {
        order: case.shop.number.clone(),
        credit: credit.number.clone(),
        asks: amount,
        refunded: sum,
        why,
        accept: offers::accept(case, credit, refunds, more),
    };
    case.credit_differs(kind, &credit.number, Some(more), case.now, finding);
}

/// No refund of it is visible.
fn unsettled(case: &mut Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts, amount: Minor) {
    if rest::is_asked(case, credit) {
        return; // What made it the rest was taken back since: until a read shows it, nobody knows what is due.
    }
    let reference = case.reference_of(credit);
    let standing = case.standing(Kind::Refund, &reference);
    if let Some(intent) = case.intents_of(Kind::Refund, &reference).last().filter(|intent| is_asked(intent)) {
        changed(case, credit, amount, intent);
    }
    match &standing {
        // A human said that the refund which proved it, ours too, was for nothing.
        Standing::Taken if is_proven(case, credit) && is_disproved(case, credit) => disproved(case, credit, amount),
        Standing::Taken => taken(case, credit, amount, &reference),
        // Hidden or taken back, nobody knows: what a human gave to it and no read shows is not asked for again.
        Standing::Free { .. } if waits_for_a_part(case, credit) => case.promise(amount),
        Standing::Free { .. } | Standing::Ended(_) if is_proven(case, credit) => {
            case.promise(amount);
            if is_disproved(case, credit) {
                disproved(case, credit, amount);
            }
        }
        Standing::Ended(intent) => ended(case, credit, amount, intent),
        Standing::Planned(_) if credit.paid.is(&true) => paid_without_refund(case, credit, amount, None),
        Standing::Planned(intent) => {
            let asked = intent.effect.amount;
            let is_left =
                is_over(case) && case.ledger.approved.contains(&intent.id) && left::is_unchanged(case, credit);
            let fits = asked <= amount && (is_equal(asked, amount) || is_left) && !case.is_overdrawn(klarna);
            // It was intended when it looked owed; what is known now decides whether it is sent.
            match before_capture(case, klarna, credit) {
                BeforeCapture::No if fits && case.policy.refunds == Mode::Drive => {
                    request(case, credit, amount, &standing);
                }
                BeforeCapture::Unclear(doubt) => {
                    let generation = intent.effect.generation.saturating_add(1);
                    ask(case, credit, amount, doubt, &Standing::Free { generation });
                }
                BeforeCapture::No | BeforeCapture::Yes => {} // Withdrawn.
            }
        }
        Standing::Free { .. } => due(case, klarna, credit, amount, &standing),
    }
}

/// Under way. Marked paid by hand meanwhile, it is not sent again, so somebody must know.
pub(super) fn taken(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor, reference: &Reference) {
    let last = case.intents_of(Kind::Refund, reference).last().filter(|last| last.state == State::Unknown);
    if let Some(unknown) = last.filter(|_| credit.paid.is(&true)) {
        paid_without_refund(case, credit, amount, Some(unknown));
    }
}

pub(super) fn is_asked(intent: &Intent) -> bool {
    intent.state.is_in_flight() || intent.state == State::Confirmed
}

fn changed(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor, intent: &Intent) {
    let asked = intent.effect.amount;
    if !is_equal(asked, amount) && !left::is_settled_by_word(case, credit, amount, asked) {
        let (was, is) = (case.money(asked), case.money(amount));
        let message = format!("credit invoice {} says {is} now, its refund was intended over {was}", credit.number);
        case.credit_differs(BreakKind::CreditChanged, &credit.number, Some(amount.minus(asked)), case.now, message);
    }
}

/// Klarna refused it, or a human gave it up.
pub(super) fn ended(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor, intent: &Intent) {
    // What a given-up request may still give back is reserved already.
    let reserved = if case.may_still_land(intent) { intent.effect.amount } else { Minor::ZERO };
    case.promise(amount.less(reserved));
    if credit.paid.is(&true) {
        return paid_without_refund(case, credit, amount, Some(intent));
    }
    if intent.state == State::Rejected {
        let message = refusal(case, intent);
        case.credit_differs(BreakKind::RefundRejected, &credit.number, Some(amount), case.now, message);
    } else {
        let message = refusal(case, intent);
        case.credit_differs(BreakKind::RefundMissing, &credit.number, Some(amount), case.now, message);
    }
    case.about(intent);
}

/// Nothing was ever asked for: is a refund due?
fn due(case: &mut Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts, amount: Minor, standing: &Standing) {
    if captured_after_all(case, klarna, credit) {
        return owed_after_all(case, credit, amount);
    }
    if let Some(was) = credits_more_since(case, klarna, credit, amount) {
        case.promise(amount.minus(was));
        let (was, is) = (case.money(was), case.money(amount));
        let message = format!(
            "credit invoice {} over {was} was settled as never captured, and says {is} now: of that, something was",
            credit.number
        );
        return case.credit_differs(BreakKind::CreditChanged, &credit.number, Some(amount), case.now, message);
    }
    if credit.paid.is(&true) {
        if case.credit_state(credit.id) != CreditInvoice::Cancelled {
            case.promise(amount); // Of what was never captured, nothing is kept back.
        }
        contradicted::captured_after_all(case, klarna, credit, amount);
        return paid_without_refund(case, credit, amount, None);
    }
    unpaid_again(case, credit);
    if case.policy.refunds == Mode::Off {
        return case.promise(amount);
    }
    if klarna.captured.is_zero() {
        return nothing_captured(case, klarna, credit, amount);
    }
    match before_capture(case, klarna, credit) {
        BeforeCapture::No => {}
        BeforeCapture::Yes => return never_captured(case, klarna, credit, standing),
        BeforeCapture::Unclear(doubt) => return ask(case, credit, amount, doubt, standing),
    }
    if case.credit_state(credit.id) == CreditInvoice::Cancelled {
        return reappeared(case, credit, amount);
    }
    let unexplained = !case.attributed.unattributed.is_empty();
    // Where a cent less is left than it asks for, what is left settles it; more than that is never sent.
    let amount = if case.room.is_positive() && is_equal(amount, case.room) { amount.min(case.room) } else { amount };
    if !is_sendable(amount) || amount > case.room && !unexplained {
        if let Some(left) = left::approved(case, credit, standing) {
            request(case, credit, left, standing);
            return case.promise(left);
        }
        return beyond(case, klarna, credit, amount);
    }
    let ripe = after(credit.created_at, case.policy.refund_after);
    if case.policy.refunds == Mode::Verify {
        missing(case, credit, amount);
        case.promise(amount);
    } else if ripe > case.now && !planted!("no_patience") {
        case.look_again(ripe);
        case.promise(amount);
    } else {
        request(case, credit, amount, standing);
        case.promise(amount);
    }
}

/// It was withdrawn, and the shop lists it again: its machine has ended, so a human decides.
fn reappeared(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor) {
    case.promise(amount);
    let message = format!("credit invoice {} had vanished from the shop and is there again", credit.number);
    case.credit_differs(BreakKind::CreditChanged, &credit.number, Some(amount), case.now, message);
}

/// The refund that a credit invoice of this amount obliges.
pub(super) fn refund_of(case: &Case<'_>, credit: &CreditInvoiceFacts, amount: Minor, generation: u32) -> Effect {
    Effect {
        kind: Kind::Refund,
        amount,
        reference: case.reference_of(credit),
        credit_invoice: Some((credit.id, credit.number.clone())),
        generation,
    }
}

fn request(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor, standing: &Standing) {
    let why = format!("credit invoice {} is not paid and no refund exists", credit.number);
    let reference = case.reference_of(credit);
    request_as(case, credit, (amount, reference), why, standing);
}

pub(super) fn request_as(
    case: &mut Case<'_>, credit: &CreditInvoiceFacts, (amount, reference): (Minor, Reference), why: String,
    standing: &Standing,
) {
    unpaid_again(case, credit);
    if matches!(standing, Standing::Free { .. }) && !may_be_asked(case, credit) {
        let message =
            format!("{} of credit invoice {} is due, and it was concluded before", case.money(amount), credit.number);
        return case.credit_differs(BreakKind::CreditChanged, &credit.number, Some(amount), case.now, message);
    }
    let credit_invoice = Some((credit.id, credit.number.clone()));
    let effect = Effect { kind: Kind::Refund, amount, reference, credit_invoice, generation: 0 };
    match case.want(effect, why, standing) {
        Verdict::Act => case.credit_event(credit.id, Event::Released),
        Verdict::Hold(_) => case.credit_event(credit.id, Event::Held),
    }
}

/// Its machine takes a new request: nothing final was concluded, and none is under way.
fn may_be_asked(case: &mut Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    let is_over = |of| case.ledger.intents.iter().any(|intent| intent.id == of && intent.state == State::Withdrawn);
    if matches!(case.credit_state(credit.id), CreditInvoice::RefundRequested(of) if is_over(of)) {
        case.credit_event(credit.id, Event::Refused);
    }
    match case.credit_state(credit.id) {
        CreditInvoice::Pending | CreditInvoice::Held | CreditInvoice::Refunded(Proof::Refund(_)) => true,
        CreditInvoice::RefundRequested(_)
        | CreditInvoice::Refunded(Proof::Reversal)
        | CreditInvoice::Paid(_)
        | CreditInvoice::PaidByHand
        | CreditInvoice::Cancelled => false,
    }
}

/// A human had called it paid, and took that back: only then can it be asked for.
fn unpaid_again(case: &mut Case<'_>, credit: &CreditInvoiceFacts) {
    if case.credit_state(credit.id) == CreditInvoice::PaidByHand {
        case.credit_event(credit.id, Event::UnpaidSeen);
    }
}

pub(super) fn missing(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor) {
    if case.cancelled && case.policy.cancels == Mode::Verify {
        return; // One obligation with the cancel, which reports it.
    }
    let due = case.past_grace(credit.created_at);
    let message = format!(
        "credit invoice {} over {} is not paid, and no refund of it exists at Klarna",
        credit.number,
        case.money(amount)
    );
    case.credit_differs(BreakKind::RefundMissing, &credit.number, Some(amount), due, message);
}

/// `asked`: the request of ours of which nobody knows what became, or that was refused or given up.
pub(super) fn paid_without_refund(
    case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor, asked: Option<&Intent>,
) {
    case.credit_event(credit.id, Event::PaidSeen);
    let is_settled = match case.credit_state(credit.id) {
        CreditInvoice::Refunded(_) | CreditInvoice::Paid(_) | CreditInvoice::Cancelled => true,
        CreditInvoice::Pending
        | CreditInvoice::Held
        | CreditInvoice::RefundRequested(_)
        | CreditInvoice::PaidByHand => false,
    };
    if case.policy.refunds == Mode::Off || is_settled {
        return;
    }
    let due = case.past_grace(credit.updated_at);
    let message = format!(
        "credit invoice {} over {} is marked paid, and no refund of it exists at Klarna",
        credit.number,
        case.money(amount)
    );
    case.credit_differs(BreakKind::PaidWithoutRefund, &credit.number, Some(amount), due, message);
    if let Some(asked) = asked {
        case.about(asked);
    }
}

/// It asks for more than is left.
pub(super) fn beyond(case: &mut Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts, amount: Minor) {
    let is_back = case.cancelled && klarna.captured <= case.attributed.proven();
    if is_back && is_over(case) {
        // The whole order went back, and this credit invoice with it.
        return case.credit_event(credit.id, Event::Refunded(Proof::Reversal));
    }
    if case.cancelled && case.policy.cancels != Mode::Off {
        if is_back {
            case.look_again(after(case.now, SETTLE_DELAY)); // The next read may show that nothing more is authorized.
        }
        return; // What is still to go back of the order says so itself.
    }
    case.credit_event(credit.id, Event::Held);
    let finding = left::finding(case, credit, amount);
    case.credit_differs(BreakKind::CreditExceedsRefundable, &credit.number, Some(amount), case.now, finding);
}

/// Klarna takes no single amount above its own maximum.
pub(super) const fn is_sendable(amount: Minor) -> bool {
    amount.get() <= KLARNA_LARGEST_MINOR
}
