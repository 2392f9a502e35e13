//! The rest of a credit invoice of which others' refunds cover a part: one refund of ours, under a name of its own.
//!
//! Only what a human gave to the credit invoice, part by part, leaves a rest. Where a reference or an amount alone says whose
//! a refund is, another amount is a difference, and nothing is sent for it.

use super::before_capture::{BeforeCapture, before_capture};
use super::case::{Case, Standing, after};
use super::refunds::{
    beyond, ended, is_asked as is_under_way, is_sendable, missing, paid_without_refund, request_as, taken,
};
use crate::credit_invoice::Event;
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, KlarnaOrder, KlarnaRefund};
use crate::id::Reference;
use crate::intent::{Intent, Kind, State};
use crate::money::Minor;
use crate::policy::{Mode, SETTLE_DELAY};

/// Everything that went back for it is a human's parts, none of it ours; so what is missing is ours to send, once.
pub(super) fn leaves_one(case: &Case<'_>, credit: &CreditInvoiceFacts, refunds: &[KlarnaRefund]) -> bool {
    let reference = case.rest_of(credit);
    let mut asked = case.intents_of(Kind::Refund, &reference);
    let is_made = asked.any(|intent| intent.state == State::Confirmed);
    !is_made && refunds.iter().all(|refund| case.attributed.parted.contains(&refund.id))
}

/// Our refund of a rest is under way or was made.
pub(super) fn is_asked(case: &Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    case.intents_of(Kind::Refund, &case.rest_of(credit)).any(is_under_way)
}

/// Asks for `rest`, in minor units, under the same guards as for a whole credit invoice.
pub(super) fn due(case: &mut Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts, rest: Minor) {
    let whole = case.reference_of(credit);
    match case.standing(Kind::Refund, &whole) {
        // Our request for the whole may have landed, or still will: then there is no rest. One that is seen is a human's part.
        Standing::Taken if !is_whole_seen(case, &whole) => return taken(case, credit, rest, &whole),
        // It was never sent, and is withdrawn by this plan; the next decision goes on.
        Standing::Planned(_) => return case.look_again(after(case.now, SETTLE_DELAY)),
        Standing::Ended(intent) if intent.state == State::Abandoned => return ended(case, credit, rest, &intent),
        Standing::Taken | Standing::Ended(_) | Standing::Free { .. } => {}
    }
    let reference = case.rest_of(credit);
    let standing = case.standing(Kind::Refund, &reference);
    let why = format!("others' refunds cover a part of credit invoice {}, and this is the rest", credit.number);
    match &standing {
        Standing::Taken => taken(case, credit, rest, &reference),
        Standing::Ended(intent) => ended(case, credit, rest, intent),
        _ if credit.paid.is(&true) => paid_without_refund(case, credit, rest, None),
        Standing::Planned(intent) => {
            let fits = intent.effect.amount == rest && !case.is_overdrawn(klarna);
            if fits && case.policy.refunds == Mode::Drive {
                request_as(case, credit, (rest, reference), why, &standing);
            }
        }
        Standing::Free { .. } => {
            match is_due(case, klarna, credit, rest) {
                Due::Now => request_as(case, credit, (rest, reference), why, &standing),
                Due::Later => {}
                Due::Beyond => return, // It takes nothing from what is left for others, or goes back with the whole.
            }
            case.promise(rest);
        }
    }
}

/// Every request for the whole is over, and a read shows what it made.
fn is_whole_seen(case: &Case<'_>, whole: &Reference) -> bool {
    let is_seen = |intent: &Intent| case.attributed.seen.contains_key(&intent.id);
    case.intents_of(Kind::Refund, whole).filter(|intent| is_under_way(intent)).all(is_seen)
}

enum Due {
    Now,
    /// Or not by us.
    Later,
    /// It asks for more than is left.
    Beyond,
}

/// Nothing was asked for yet: may it be?
fn is_due(case: &mut Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts, rest: Minor) -> Due {
    if case.policy.refunds == Mode::Off {
        return Due::Later;
    }
    match before_capture(case, klarna, credit) {
        BeforeCapture::No => {}
        BeforeCapture::Yes | BeforeCapture::Unclear(_) => {
            unsaid(case, credit, rest);
            return Due::Later;
        }
    }
    let unexplained = !case.attributed.unattributed.is_empty();
    if !is_sendable(rest) || rest > case.room && !unexplained {
        beyond(case, klarna, credit, rest);
        return Due::Beyond;
    }
    if case.policy.refunds == Mode::Verify {
        missing(case, credit, rest);
        return Due::Later;
    }
    let ripe = after(credit.created_at, case.policy.refund_after);
    case.look_again(ripe);
    if ripe <= case.now { Due::Now } else { Due::Later }
}

/// A part of it went back, and whether the rest was ever captured is not known.
fn unsaid(case: &mut Case<'_>, credit: &CreditInvoiceFacts, rest: Minor) {
    case.credit_event(credit.id, Event::Held);
    let message = format!(
        "{} of credit invoice {} was not refunded yet, and it may name what was never captured",
        case.money(rest),
        credit.number
    );
    case.credit_differs(BreakKind::CreditBeforeCapture, &credit.number, Some(rest), case.now, message);
}
