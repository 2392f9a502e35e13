//! What is left of an order for a credit invoice that asks for more: held, and sent once a human agreed to that amount.
//! As long as more may be captured nothing is offered: more may be left then, and what was settled with less would still
//! be captured with the next shipment.
//!
//! The effect that is offered has its own id, made of its content with the smaller amount; consent to it is consent to that
//! amount. It then settles the credit invoice, as long as that says what it said when the refund was intended.

use super::case::{Case, Standing};
use super::is_over;
use super::refunds::refund_of;
use crate::facts::CreditInvoiceFacts;
use crate::finding::Finding;
use crate::id::IntentId;
use crate::intent::Kind;
use crate::money::Minor;
use crate::policy::{KLARNA_LARGEST_MINOR, Mode};

/// The effect over what is left, by its id.
fn offered(case: &Case<'_>, credit: &CreditInvoiceFacts, generation: u32) -> IntentId {
    case.id_of(&refund_of(case, credit, case.room, generation))
}

fn is_sendable(case: &Case<'_>) -> bool {
    is_over(case) && case.room.is_positive() && case.room.get() <= KLARNA_LARGEST_MINOR
}

/// What is left, if a human agreed that it is sent instead of the whole.
pub(super) fn approved(case: &Case<'_>, credit: &CreditInvoiceFacts, standing: &Standing) -> Option<Minor> {
    let Standing::Free { generation } = standing else { return None };
    let agreed = is_sendable(case) && case.ledger.approved.contains(&offered(case, credit, *generation));
    agreed.then_some(case.room)
}

/// It says what it said when its refund was intended: all that it says, whatever of that others paid.
pub(super) fn is_unchanged(case: &Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    let said = credit.amount.clone().ok();
    said.is_some() && case.ledger.credits.get(&credit.id).is_some_and(|held| held.amount == said)
}

/// Less than it asks for went back, and a human had agreed to exactly that.
pub(super) fn is_settled_by_word(case: &Case<'_>, credit: &CreditInvoiceFacts, amount: Minor, sum: Minor) -> bool {
    let reference = case.reference_of(credit);
    let agreed = case
        .intents_of(Kind::Refund, &reference)
        .any(|intent| intent.effect.amount == sum && case.ledger.approved.contains(&intent.id));
    sum < amount && agreed && is_unchanged(case, credit)
}

/// More than is left is asked for, with the effect that would send what is left.
pub(super) fn finding(case: &Case<'_>, credit: &CreditInvoiceFacts, asks: Minor) -> Finding {
    let reference = case.reference_of(credit);
    // A rest of which others cover a part has another name.
    let is_ours = case.policy.refunds == Mode::Drive && !case.attributed.by_credit.contains_key(&credit.id);
    let offer = match case.standing(Kind::Refund, &reference) {
        Standing::Free { generation } if is_ours && is_sendable(case) => Some(offered(case, credit, generation)),
        Standing::Free { .. } | Standing::Planned(_) | Standing::Taken | Standing::Ended(_) => None,
    };
    let most = Minor::new(KLARNA_LARGEST_MINOR).unwrap_or_default();
    Finding::Beyond {
        order: case.shop.number.clone(),
        credit: credit.number.clone(),
        asks,
        left: case.room,
        most: (asks > most).then_some(most),
        offer,
    }
}
