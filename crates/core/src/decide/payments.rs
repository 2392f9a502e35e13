//! When a credit invoice is marked paid: when its refund is proven, or when its amount will never be captured.

use super::case::{Case, Standing};
use super::left;
use super::otherwise;
use super::proven::is_disproved;
use super::refunds::is_equal;
use crate::credit_invoice::{CreditInvoice, Event, Proof};
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, OUTDATED};
use crate::id::InvoiceId;
use crate::intent::{Effect, Intent, Kind, State};
use crate::money::Minor;
use crate::policy::Mode;

/// Credit invoices whose money is proven to be back, and that the shop does not call paid yet.
pub(super) fn mark_paid(case: &mut Case<'_>) {
    for credit in case.credit_facts() {
        let Ok(amount) = case.of_klarna(credit) else { continue };
        if credit.paid.is(&true) {
            if matches!(case.credit_state(credit.id), CreditInvoice::Refunded(_)) {
                case.credit_event(credit.id, Event::PaidSeen);
            }
            continue;
        }
        if !credit.paid.is(&false) {
            continue;
        }
        let state = case.credit_state(credit.id);
        if matches!(state, CreditInvoice::Paid(_) | CreditInvoice::Cancelled) && was_marked(case, credit) {
            continue;
        }
        if matches!(state, CreditInvoice::Paid(_)) {
            case.credit_event(credit.id, Event::UnpaidSeen);
        }
        let is_settled = match case.credit_state(credit.id) {
            CreditInvoice::Refunded(_) => !is_contradicted(case, credit, amount),
            // Withdrawn, and refunded all the same: by a human, when it was owed after all.
            CreditInvoice::Cancelled => case.never_owed.contains(&credit.id) || is_refunded(case, credit, amount),
            CreditInvoice::RefundRequested(_) => planted!("paid_before_proven"),
            CreditInvoice::Pending | CreditInvoice::Held | CreditInvoice::Paid(_) | CreditInvoice::PaidByHand => false,
        };
        if is_settled && otherwise::is_given_back(case, credit) && !awaits_a_read(case, credit) {
            paid_due(case, credit, amount);
        }
    }
}

/// Its refund is known by an answer alone, and the answer to another request for a refund of this order is open, or never
/// said its id: the two may have been mistaken for each other, and a read tells.
fn awaits_a_read(case: &Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    let by_refund = matches!(case.credit_state(credit.id), CreditInvoice::Refunded(Proof::Refund(_)));
    let is_shown = case.attributed.by_credit.contains_key(&credit.id);
    let is_open =
        |intent: &Intent| intent.effect.kind == Kind::Refund && matches!(intent.state, State::Sending | State::Unknown);
    let is_own = |intent: &Intent| intent.effect.credit_invoice.as_ref().is_some_and(|(id, _)| *id == credit.id);
    let is_doubtful = |intent: &Intent| case.attributed.misnamed.contains_key(&intent.id) && is_own(intent);
    by_refund && !is_shown && case.ledger.intents.iter().any(|intent| is_open(intent) || is_doubtful(intent))
}

/// What went back is not what it says now: it changed after its refund, or what was said of that did.
pub(super) fn is_contradicted(case: &Case<'_>, credit: &CreditInvoiceFacts, amount: Minor) -> bool {
    if planted!("any_amount_settles") {
        return false;
    }
    if is_disproved(case, credit) {
        return true;
    }
    // It went back with the whole order, whatever others' refunds cover of it.
    if case.credit_state(credit.id) == CreditInvoice::Refunded(Proof::Reversal) {
        return false;
    }
    let covered = case.covered(credit.id);
    let is_settled = is_equal(covered, amount) || left::is_settled_by_word(case, credit, amount, covered);
    covered.is_positive() && !is_settled
}

fn is_refunded(case: &Case<'_>, credit: &CreditInvoiceFacts, amount: Minor) -> bool {
    case.attributed.by_credit.contains_key(&credit.id) && is_equal(case.covered(credit.id), amount)
}

/// We marked it paid after the shop's answer that still says otherwise. Times do not tell: the shop dates by whole
/// seconds, and clocks are set back.
fn was_marked(case: &Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    let reference = case.reference_of(credit);
    let is_outdated = case.facts.shop_read_at == OUTDATED;
    is_outdated && case.intents_of(Kind::MarkPaid, &reference).any(|intent| intent.state == State::Confirmed)
}

fn paid_due(case: &mut Case<'_>, credit: &CreditInvoiceFacts, amount: Minor) {
    let reference = case.reference_of(credit);
    let standing = case.standing(Kind::MarkPaid, &reference);
    let not_marked = |case: &mut Case<'_>, since| {
        let due = case.past_grace(since);
        let answer = case.intents_of(Kind::MarkPaid, &reference).last().and_then(|last| last.said.as_ref());
        let answered = answer.map(|said| format!("; {}", said.in_a_sentence())).unwrap_or_default();
        let message = format!(
            "the refund of {} for credit invoice {} is proven, and the shop says not paid{answered}",
            case.money(amount),
            credit.number
        );
        case.credit_differs(BreakKind::CreditNotMarkedPaid, &credit.number, Some(amount), due, message);
        if let Some(last) = case.intents_of(Kind::MarkPaid, &reference).last() {
            case.about(last);
        }
    };
    match (case.policy.mark_paid, &standing) {
        (Mode::Off, _) => {}
        (Mode::Verify, _) => not_marked(case, refunded_at(case, credit.id).unwrap_or(credit.updated_at)),
        (Mode::Drive, Standing::Taken | Standing::Ended(_)) => {
            let since =
                case.intents_of(Kind::MarkPaid, &reference).last().map_or(credit.updated_at, |last| last.planned_at);
            not_marked(case, since.max(credit.updated_at));
        }
        (Mode::Drive, Standing::Free { .. } | Standing::Planned(_)) => {
            let credit_invoice = Some((credit.id, credit.number.clone()));
            let effect = Effect { kind: Kind::MarkPaid, amount, reference, credit_invoice, generation: 0 };
            let why = match case.credit_state(credit.id) {
                CreditInvoice::Cancelled if amount.is_zero() => {
                    format!("credit invoice {} is over nothing", credit.number)
                }
                CreditInvoice::Cancelled if case.never_owed.contains(&credit.id) => {
                    format!("what credit invoice {} credits was never captured", credit.number)
                }
                CreditInvoice::Refunded(Proof::Reversal) => {
                    format!("all that was captured of order {} went back", case.shop.number)
                }
                CreditInvoice::Pending
                | CreditInvoice::Held
                | CreditInvoice::RefundRequested(_)
                | CreditInvoice::Refunded(Proof::Refund(_))
                | CreditInvoice::Paid(_)
                | CreditInvoice::PaidByHand
                | CreditInvoice::Cancelled => format!("the refund of credit invoice {} is proven", credit.number),
            };
            case.want(effect, why, &standing);
        }
    }
}

fn refunded_at(case: &Case<'_>, id: InvoiceId) -> Option<jiff::Timestamp> {
    case.attributed.by_credit.get(&id)?.iter().filter_map(|refund| refund.refunded_at).max()
}
