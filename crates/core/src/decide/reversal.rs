//! What a cancelled order obliges: everything goes back, once, its credit invoices included.

use super::before_capture::credited_before_capture;
use super::case::{Case, Standing, after};
use super::checks::is_fully_credited;
use super::delivered::never_sent;
use super::words::refusal;
use super::{captures, is_closed};
use crate::attribution::cancel_reference;
use crate::credit_invoice::{CreditInvoice, Proof};
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, KlarnaOrder};
use crate::id::Reference;
use crate::intent::{Effect, Intent, Kind, State};
use crate::money::Minor;
use crate::policy::{AMOUNT_TOLERANCE, Mode};
use crate::share::is_about;

/// A cancel when nothing was captured; otherwise a release of the rest and a refund of what no credit invoice
/// takes back. Never the sum of both.
pub(super) fn cancelled(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    if case.policy.cancels == Mode::Off {
        return;
    }
    let is_authorized = klarna.remaining.is_positive() && !is_closed(klarna);
    if klarna.captured.is_zero() {
        if is_authorized && (case.cancelled || planted!("cancels_living_orders")) {
            give_up(case, Kind::Cancel, klarna.remaining, "the order is cancelled and nothing was captured");
        } else if is_authorized && is_ripe_to_cancel(case) {
            give_up(case, Kind::Cancel, klarna.remaining, "everything ordered is credited and nothing was captured");
        }
    } else if case.cancelled {
        if is_authorized {
            give_up(case, Kind::Release, klarna.remaining, "the order is cancelled and a part is still authorized");
        }
        remainder(case, klarna);
    } else if is_authorized && is_rest_surplus(case, klarna) {
        give_up(case, Kind::Release, klarna.remaining, "what is still authorized is more than the order asks for");
    }
}

/// Fully credited, by credit invoices that are all old enough for us to act on.
fn is_ripe_to_cancel(case: &mut Case<'_>) -> bool {
    if !is_fully_credited(case) || case.policy.cancels != Mode::Drive {
        return false;
    }
    let youngest = case.shop.credit_invoices.iter().map(|credit| credit.created_at).max().unwrap_or(case.now);
    let ripe = after(youngest, case.policy.refund_after);
    case.look_again(ripe);
    ripe <= case.now
}

/// What is not credited is captured and nothing more, and nothing else can ship: it all did, or what is left is known
/// to be never sent. The rest was credited before the capture, or is more than the shop asks for.
fn is_rest_surplus(case: &Case<'_>, klarna: &KlarnaOrder) -> bool {
    let Some(asked) = case.asked() else { return false };
    let surplus = surplus(case, klarna);
    let due = asked.less(credited_before_capture(case, klarna));
    let is_captured = due <= klarna.captured && klarna.captured.minus(due).get() <= AMOUNT_TOLERANCE;
    let all_shipped = captures::wanted(case, klarna).is_some_and(|wanted| wanted.is_final && wanted.amount <= due);
    case.policy.cancels == Mode::Drive
        && surplus.is_positive()
        && klarna.remaining <= surplus
        && is_captured
        && (all_shipped || klarna.remaining <= never_sent(case))
}

/// What Klarna authorized beyond what it will ever take: credited before it was captured, or no part of the order.
pub(super) fn surplus(case: &Case<'_>, klarna: &KlarnaOrder) -> Minor {
    let lowered = klarna.original_amount.less(case.share.amount);
    let is_proven = case.disagreement.is_none() && !is_about(lowered, Minor::ZERO);
    credited_before_capture(case, klarna).plus(if is_proven { lowered } else { Minor::ZERO })
}

/// Cancels or releases what is authorized.
fn give_up(case: &mut Case<'_>, kind: Kind, amount: Minor, why: &str) {
    let number = case.shop.number.clone();
    let reference = match kind {
        Kind::Release => Reference(format!("{number}:release")),
        Kind::Cancel | Kind::Refund | Kind::Capture | Kind::MarkPaid | Kind::Extend => cancel_reference(&number),
    };
    let standing = case.standing(kind, &reference);
    let not_released = |case: &mut Case<'_>| {
        let due = case.past_grace(case.shop.updated_at);
        let is = if case.cancelled { "cancelled" } else { "credited" };
        let left = case.money(amount);
        let message =
            format!("order {} is {is} in the shop, and {left} of it is still authorized at Klarna", case.shop.number);
        case.differs(BreakKind::CancelNotReleased, kind.name(), Some(amount), due, message);
    };
    match (case.policy.cancels, &standing) {
        (Mode::Off, _) => {}
        (Mode::Verify, _) => not_released(case),
        (Mode::Drive, Standing::Taken) if is_confirmed(case, kind, &reference) => not_released(case),
        (Mode::Drive, Standing::Taken) => {} // Under way; a lost answer is settled by reading.
        (Mode::Drive, Standing::Ended(intent)) => rejected(case, intent, BreakKind::CancelRejected),
        (Mode::Drive, Standing::Free { .. } | Standing::Planned(_)) => {
            let effect = Effect { kind, amount, reference, credit_invoice: None, generation: 0 };
            case.want(effect, why.to_owned(), &standing);
        }
    }
}

/// Klarna said that it happened, and shows it no longer: a late decision of Klarna's may have revived the order.
fn is_confirmed(case: &Case<'_>, kind: Kind, reference: &Reference) -> bool {
    case.intents_of(kind, reference).any(|intent| intent.state == State::Confirmed)
}

pub(super) fn rejected(case: &mut Case<'_>, intent: &Intent, kind: BreakKind) {
    let message = refusal(case, intent);
    let subject = intent.effect.reference.as_str().to_owned();
    case.differs(kind, &subject, Some(intent.effect.amount), case.now, message);
    case.about(intent);
}

/// What is captured and that no credit invoice of the order takes back.
fn remainder(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    let reference = cancel_reference(&case.shop.number);
    let standing = case.standing(Kind::Refund, &reference);
    if planted!("cancel_plus_credit_invoices") {
        case.room = klarna.captured;
    }
    let owed = klarna.captured.less(case.attributed.refunded).less(case.refunds_in_flight());
    let mut left = Minor::ZERO;
    if case.policy.cancels == Mode::Drive && case.policy.refunds == Mode::Off {
        left = owed.less(case.room); // The credit invoices take it back, and nobody looks at those.
    } else if case.policy.cancels == Mode::Drive {
        left = owed.less(case.room).min(settled_with_it(case)); // Taken back since, and asked for by nothing.
    }
    match (case.policy.cancels, &standing) {
        (Mode::Off, _) => {}
        (Mode::Drive, Standing::Ended(intent)) => rejected(case, intent, BreakKind::RefundRejected),
        (Mode::Drive, Standing::Planned(_)) if case.is_overdrawn(klarna) => {} // Withdrawn, and intended anew.
        (Mode::Drive, Standing::Planned(intent)) => {
            let effect = intent.effect.clone();
            case.want(effect, "the order is cancelled".to_owned(), &standing);
        }
        (Mode::Drive, Standing::Free { .. }) if case.room.is_positive() => {
            let effect =
                Effect { kind: Kind::Refund, amount: case.room, reference, credit_invoice: None, generation: 0 };
            let why = "the order is cancelled and captured, and no credit invoice takes this part back".to_owned();
            case.want(effect, why, &standing);
            case.room = Minor::ZERO;
        }
        (Mode::Drive, Standing::Taken) => left = left.plus(case.room),
        (Mode::Verify, _) if owed.is_positive() && case.policy.refunds != Mode::Drive => not_refunded(case, owed),
        (Mode::Verify, _) if case.room.is_positive() => not_refunded(case, case.room),
        (Mode::Drive, Standing::Free { .. }) | (Mode::Verify, _) => {}
    }
    if left.is_positive() {
        not_refunded(case, left);
    }
}

/// What credit invoices say that were settled because the whole order went back.
fn settled_with_it(case: &Case<'_>) -> Minor {
    let is_settled = |credit: &&&CreditInvoiceFacts| {
        let state = case.credit_state(credit.id);
        matches!(state, CreditInvoice::Refunded(Proof::Reversal) | CreditInvoice::Paid(Proof::Reversal))
    };
    let credits = case.credit_facts();
    credits.iter().filter(is_settled).filter_map(|credit| case.of_klarna(credit).ok()).collect()
}

fn not_refunded(case: &mut Case<'_>, amount: Minor) {
    let due = case.past_grace(case.shop.updated_at);
    let left = case.money(amount);
    let message =
        format!("order {} is cancelled in the shop, and {left} of it is captured and not refunded", case.shop.number);
    case.differs(BreakKind::CancelNotRefunded, "", Some(amount), due, message);
}
