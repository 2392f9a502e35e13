//! Facts that contradict what was concluded for good.
//!
//! A final state stays: a conclusion that was drawn is in the journal, and money may have moved on it. What the facts
//! say now stands beside it, and a human decides.

use crate::id::{InvoiceNumber, OrderNumber};
use crate::money::Minor;

/// A final state, and the fact that contradicts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contradicted {
    /// The authorization lapsed, and something is captured all the same.
    CapturedAfterExpiry { order: OrderNumber, captured: Minor },
    /// The authorization lapsed, and Klarna says that this much is authorized again.
    AuthorizedAfterExpiry { order: OrderNumber, remaining: Minor },
    /// The order was cancelled and everything went back, and the shop calls it open.
    OpenAfterCancel { order: OrderNumber },
    /// A credit invoice was settled because nothing of it would ever be captured, and it was: what is captured and what
    /// was settled so are together more than the order.
    CapturedAfterAll { credit: InvoiceNumber, amount: Minor, order: OrderNumber, captured: Minor },
}
