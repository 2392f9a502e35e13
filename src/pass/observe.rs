//! Answers become facts, kept with when they were said. Concludes nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Shop;
use super::poll;
use super::tally::Tally;
use crate::report::Side;
use reconciled_core::answer::Unreadable;
use reconciled_core::facts::ShopOrder;
use reconciled_core::id::OrderId;
use reconciled_core::policy::EARLY_READ;
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_sides::lightspeed::ReadOrder;
use reconciled_store::{Store, StoreError};

/// One answer about an order.
type Answered = (OrderId, Result<ReadOrder, Unreadable>);

/// Keeps what the shop said to reads that began at `at` or after it; an order that could not be read is named and joins
/// `failed`. `true` when no further read makes sense now.
pub(super) async fn keep<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, answers: Vec<Answered>, at: Timestamp, failed: &mut BTreeSet<OrderId>, tally: &mut Tally<'_>,
) -> Result<bool, StoreError> {
    let mut ends = false;
    let mut read = Vec::with_capacity(answers.len());
    let mut doubtful = Vec::new();
    for (id, answer) in answers {
        match answer {
            Ok(answer) if seems_late(&answer, at) => doubtful.push((id, answer)),
            Ok(answer) => read.push((id, kept(answer))),
            Err(why) if is_not_found(&why) && shop.store.not_found(id, at, shop.policy.grace).await? => {}
            Err(why) => {
                ends |= matches!(
                    why,
                    Unreadable::Refused(_) | Unreadable::OutOfBudget { .. } | Unreadable::Throttled { .. }
                );
                let (what, reason) = poll::unread(id, &why);
                tally.unanswered(Side::Lightspeed, what, reason);
                failed.insert(id);
            }
        }
    }
    shop.store.observe(read, at).await?;
    // Dated no later than the change it showed, so that the next list has it read again.
    for (id, answer) in doubtful {
        let at = at.min(answer.order.updated_at);
        shop.store.observe(vec![(id, kept(answer))], at).await?;
    }
    Ok(ends)
}

/// What the store is told of it; which of the orders that were paid otherwise are kept is for the store to say.
fn kept(answer: ReadOrder) -> Option<ShopOrder> {
    (answer.is_klarna || answer.order.paid_otherwise).then_some(answer.order)
}

/// Whether the store, which knows our clock alone, would take an early read for a late one: our clock is ahead.
fn seems_late(answer: &ReadOrder, at: Timestamp) -> bool {
    let order = &answer.order;
    let changes = order.credit_invoices.iter().map(|credit| credit.updated_at).chain([order.updated_at]);
    let soon = changes.max().and_then(|changed| changed.checked_add(EARLY_READ).ok());
    answer.said_at.zip(soon).is_some_and(|(said, soon)| said < soon && soon <= at)
}

/// The shop's own word that it has no such order.
fn is_not_found(why: &Unreadable) -> bool {
    match why {
        Unreadable::NotFound(_) => true,
        Unreadable::Failed(said) => matches!(said.status, Some(404 | 410)),
        Unreadable::Throttled { .. } | Unreadable::Refused(_) | Unreadable::OutOfBudget { .. } => false,
    }
}
