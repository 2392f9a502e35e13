//! Answers become facts, kept with when they were said. Concludes nothing.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Shop;
use super::poll;
use super::tally::Tally;
use crate::clock::Clock;
use crate::core::answer::Unreadable;
use crate::core::id::OrderId;
use crate::http::Transport;
use crate::lightspeed::ReadOrder;
use crate::report::Side;
use crate::store::{Store, StoreError};

/// One answer about an order.
type Answered = (OrderId, Result<ReadOrder, Unreadable>);

/// The shop dates changes by whole seconds. What was read less than this after the change it showed, by the shop's own
/// clock, may have changed once more under the same date.
const EARLY: SignedDuration = SignedDuration::from_secs(5);

/// Keeps what the shop said to reads that began at `at` or after it; an order that could not be read is named and joins
/// `failed`. `true` when no further read makes sense now.
pub(super) async fn keep<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, answers: Vec<Answered>, at: Timestamp, failed: &mut BTreeSet<OrderId>, tally: &mut Tally<'_>,
) -> Result<bool, StoreError> {
    let mut ends = false;
    let mut read = Vec::with_capacity(answers.len());
    let mut early = Vec::new();
    for (id, answer) in answers {
        match answer {
            Ok(answer) if is_early(&answer, at) => early.push((id, answer)),
            Ok(answer) => read.push((id, answer.is_klarna.then_some(answer.order))),
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
    // Whatever our clock says: no later than the change it showed, so that the next list has it read again.
    for (id, answer) in early {
        let at = at.min(answer.order.updated_at);
        shop.store.observe(vec![(id, answer.is_klarna.then_some(answer.order))], at).await?;
    }
    Ok(ends)
}

/// Early by the shop's clock and late by ours, which is ahead: by ours alone the store would take it for a late read.
fn is_early(answer: &ReadOrder, at: Timestamp) -> bool {
    let order = &answer.order;
    let changes = order.credit_invoices.iter().map(|credit| credit.updated_at).chain([order.updated_at]);
    let soon = changes.max().and_then(|changed| changed.checked_add(EARLY).ok());
    answer.said_at.zip(soon).is_some_and(|(said, soon)| said < soon && soon <= at)
}
