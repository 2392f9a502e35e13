//! Answers become facts, kept with when they were said. Concludes nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Shop;
use super::poll;
use super::tally::Tally;
use crate::clock::Clock;
use crate::core::answer::Unreadable;
use crate::core::facts::ShopOrder;
use crate::core::id::OrderId;
use crate::http::Transport;
use crate::report::Side;
use crate::store::{Store, StoreError};

/// One answer about an order: whether Klarna is its payment, and what the shop said.
type Answered = (OrderId, Result<(bool, ShopOrder), Unreadable>);

/// Keeps what the shop said to reads that began at `at` or after it; an order that could not be read is named and joins
/// `failed`. `true` when no further read makes sense now.
pub(super) async fn keep<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, answers: Vec<Answered>, at: Timestamp, failed: &mut BTreeSet<OrderId>, tally: &mut Tally<'_>,
) -> Result<bool, StoreError> {
    let mut ends = false;
    let mut read = Vec::with_capacity(answers.len());
    for (id, answer) in answers {
        match answer {
            Ok((is_klarna, order)) => read.push((id, is_klarna.then_some(order))),
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
    Ok(ends)
}
