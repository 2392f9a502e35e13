//! Whether a credit invoice takes back what was sent, or names what never left.
//!
//! The first is refunded, the second lowers what is captured. Where neither the clocks nor the lines tell, both
//! readings are put before a human, and money neither comes nor goes for it until one of them is said.

use std::collections::BTreeMap;

use super::before_capture::credited_before_capture;
use super::captures::value_shipped;
use super::case::{Case, Standing, after};
use super::refunds::{is_sendable, refund_of};
use crate::credit_invoice::Event;
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, KlarnaOrder};
use crate::finding::{Doubt, Finding};
use crate::intent::{Intent, Kind, State};
use crate::lines::{Told, told};
use crate::money::Minor;
use crate::policy::{AMOUNT_TOLERANCE, Mode};

/// A human said that it is a refund, or one was asked for already: then it is none of what was never captured.
pub(super) fn is_refund(case: &Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    let Ok(amount) = case.of_klarna(credit) else { return false };
    let reference = case.reference_of(credit);
    let was_asked = case.intents_of(Kind::Refund, &reference).any(|intent| match intent.state {
        State::Sending | State::Unknown | State::Confirmed | State::Rejected | State::Abandoned => true,
        State::Planned | State::Withdrawn => case.ledger.approved.contains(&intent.id),
    });
    let is_approved = match case.standing(Kind::Refund, &reference) {
        Standing::Free { generation } => {
            case.ledger.approved.contains(&case.id_of(&refund_of(case, credit, amount, generation)))
        }
        Standing::Planned(_) | Standing::Taken | Standing::Ended(_) => false,
    };
    was_asked || is_approved || planted!("credit_against_delivered_goods")
}

/// A human said that it names what never left, or a capture of ours left it out, when its amount was what it is now; or
/// the lines say so.
pub(super) fn is_never_sent(case: &Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    let Ok(amount) = case.of_klarna(credit) else { return false };
    if case.ledger.never_sent.get(&credit.id) == Some(&amount) {
        return true;
    }
    let left_out = |intent: &Intent| intent.left_out.as_ref().is_some_and(|all| all.contains(&(credit.id, amount)));
    if our_captures(case).any(left_out) && !planted!("forgets_what_a_capture_left_out") {
        return true;
    }
    told(case.shop, credit) == Some(Told::NeverSent)
}

/// What is captured was captured by us alone, each time with a record of what was left out: a credit invoice that no
/// record names was in the capture.
pub(super) fn is_on_record(case: &Case<'_>, klarna: &KlarnaOrder) -> bool {
    let recorded = our_captures(case).filter(|intent| intent.left_out.is_some());
    recorded.map(|intent| intent.effect.amount).collect::<Minor>() == klarna.captured
}

/// What captures of ours left out for credit invoices that the shop lists no longer, or with another amount: it is not
/// captured by itself, since the document may be there again with the next read. Where both amounts are known, the larger.
pub(super) fn left_out_for_others(case: &Case<'_>) -> Minor {
    let mut others = BTreeMap::new();
    for (id, was) in our_captures(case).filter_map(|intent| intent.left_out.as_ref()).flatten() {
        let listed = case.shop.credit_invoices.iter().find(|credit| credit.id == *id);
        let is_refund = listed.is_some_and(|credit| is_refund(case, credit));
        let is_same = listed.is_some_and(|credit| case.of_klarna(credit) == Ok(*was));
        if !is_refund && !is_same && !case.attributed.by_credit.contains_key(id) {
            let now = listed.and_then(|credit| case.of_klarna(credit).ok()).unwrap_or_default();
            others.insert(*id, now.max(*was));
        }
    }
    others.into_values().collect()
}

/// Captures of ours that surely happened.
fn our_captures<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Intent> {
    case.ledger.intents.iter().filter(|intent| intent.effect.kind == Kind::Capture && intent.state == State::Confirmed)
}

/// What is known to be never sent, whatever else ships: it will never be captured.
pub(super) fn never_sent(case: &Case<'_>) -> Minor {
    let credits = case.credit_facts().into_iter();
    let unsettled = credits.filter(|credit| !case.attributed.by_credit.contains_key(&credit.id));
    let never = unsettled.filter(|credit| is_never_sent(case, credit) && !is_refund(case, credit));
    never.filter_map(|credit| case.of_klarna(credit).ok()).collect()
}

/// It fits into what is not captured, and nobody says that everything ordered was sent.
pub(super) fn may_be_unsent(case: &Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts) -> bool {
    let (Ok(total), Ok(amount)) = (case.shop.total.clone(), case.of_klarna(credit)) else { return true };
    let uncaptured = case.share.amount.less(klarna.captured).less(credited_before_capture(case, klarna));
    let all_left = value_shipped(case, total).is_some_and(|sent| total.less(sent).get() <= AMOUNT_TOLERANCE);
    let is_return = told(case.shop, credit) == Some(Told::Sent);
    amount.minus(uncaptured).get() <= AMOUNT_TOLERANCE && !all_left && !is_return
}

/// Puts both readings before a human: the refund, which `approve` lets go, and that nothing of it is owed.
pub(super) fn ask(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor, doubt: Doubt, standing: &Standing) {
    let generation = match standing {
        Standing::Free { generation } => *generation,
        Standing::Planned(intent) => intent.effect.generation,
        Standing::Taken | Standing::Ended(_) => return,
    };
    let effect = refund_of(case, credit, amount, generation);
    let intent = case.id_of(&effect);
    let is_ripe = after(credit.created_at, case.policy.refund_after) <= case.now;
    let may_be_approved = case.policy.refunds == Mode::Drive && is_sendable(amount) && amount <= case.room;
    let due = match doubt {
        // What else ships meanwhile may tell; a refund that is withheld is said at once.
        Doubt::NeverSent if !(may_be_approved && is_ripe) => case.past_grace(credit.created_at),
        Doubt::NeverSent | Doubt::Undated | Doubt::Clocks | Doubt::InCapture => case.now,
    };
    if may_be_approved && is_ripe {
        case.credit_event(credit.id, Event::Held);
        let why = format!("credit invoice {} is not paid, and whether it is a return is not known", credit.number);
        case.want_asked(effect, why, standing);
    }
    case.promise(amount);
    let (order, number) = (case.shop.number.clone(), credit.number.clone());
    let finding = Finding::Undelivered { order, credit: number, amount, doubt, intent, may_be_approved };
    case.asks(BreakKind::CreditBeforeCapture, &credit.number, intent, amount, due, finding);
}
