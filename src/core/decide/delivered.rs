//! Whether a credit invoice takes back what was sent, or names what never left.
//!
//! The first is refunded, the second lowers what is captured. Where neither the clocks nor the lines tell, both
//! readings are put before a human, and money neither comes nor goes for it until one of them is said.

use super::before_capture::credited_before_capture;
use super::captures::value_shipped;
use super::case::{Case, Standing, after};
use super::refunds::{is_sendable, refund_of};
use crate::core::credit_invoice::Event;
use crate::core::discrepancy::BreakKind;
use crate::core::facts::{CreditInvoiceFacts, KlarnaOrder};
use crate::core::finding::{Doubt, Finding};
use crate::core::id::Reference;
use crate::core::intent::{Kind, State};
use crate::core::money::Minor;
use crate::core::policy::{AMOUNT_TOLERANCE, Mode};

/// A human said that it is a refund, or one was asked for already: then it is none of what was never captured.
pub(super) fn is_refund(case: &Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    let Ok(amount) = credit.amount else { return false };
    let reference = Reference(credit.number.0.clone());
    let was_asked = case.intents_of(Kind::Refund, &reference).any(|intent| match intent.state {
        State::Sending | State::Unknown | State::Confirmed | State::Rejected | State::Abandoned => true,
        State::Planned | State::Withdrawn => case.ledger.approved.contains(&intent.id),
    });
    let is_approved = match case.standing(Kind::Refund, &reference) {
        Standing::Free { generation } => {
            case.ledger.approved.contains(&case.id_of(&refund_of(credit, amount, generation)))
        }
        Standing::Planned(_) | Standing::Taken | Standing::Ended(_) => false,
    };
    was_asked || is_approved
}

/// It fits into what is not captured, and nobody says that everything ordered was sent.
pub(super) fn may_be_unsent(case: &Case<'_>, klarna: &KlarnaOrder, credit: &CreditInvoiceFacts) -> bool {
    let (Ok(total), Ok(amount)) = (case.shop.total.clone(), credit.amount.clone()) else { return true };
    let uncaptured = total.less(klarna.captured).less(credited_before_capture(case, klarna));
    let all_left = value_shipped(case, total).is_some_and(|sent| total.less(sent).get() <= AMOUNT_TOLERANCE);
    amount.minus(uncaptured).get() <= AMOUNT_TOLERANCE && !all_left
}

/// Puts both readings before a human: the refund, which `approve` lets go, and that nothing of it is owed.
pub(super) fn ask(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor, doubt: Doubt, standing: &Standing) {
    let generation = match standing {
        Standing::Free { generation } => *generation,
        Standing::Planned(intent) => intent.effect.generation,
        Standing::Taken | Standing::Ended(_) => return,
    };
    let effect = refund_of(credit, amount, generation);
    let intent = case.id_of(&effect);
    let due = match doubt {
        // What else ships meanwhile may tell.
        Doubt::NeverSent => case.past_grace(credit.created_at),
        Doubt::Undated | Doubt::Clocks | Doubt::InCapture => case.now,
    };
    let is_ripe = after(credit.created_at, case.policy.refund_after) <= case.now;
    let is_ours = case.policy.refunds == Mode::Drive && is_ripe;
    let may_be_approved = is_ours && is_sendable(amount) && amount <= case.room;
    if may_be_approved {
        case.credit_event(credit.id, Event::Held);
        let why = format!("credit invoice {} is not paid, and whether it is a return is not known", credit.number);
        case.want_asked(effect, why, standing);
    }
    case.promise(amount);
    let (order, number) = (case.shop.number.clone(), credit.number.clone());
    let finding = Finding::Undelivered { order, credit: number, amount, doubt, intent, may_be_approved };
    case.asks(BreakKind::CreditBeforeCapture, &credit.number, intent, amount, due, finding);
}
