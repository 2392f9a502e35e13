//! What of an order is Klarna's, and what is not.

use crate::id::{InvoiceNumber, OrderNumber};
use crate::money::Minor;

/// A difference about Klarna's share of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareFinding {
    /// The shop's total is not what Klarna authorized, and nothing explains why.
    Differs {
        order: OrderNumber,
        total: Minor,
        /// What Klarna authorizes now, and what it authorized at first.
        authorized: Minor,
        first: Minor,
        captured: Minor,
        /// The shop names gift cards, and what they took cannot be read or does not fit.
        names_gift_cards: bool,
    },
    /// Shipped, and not captured.
    NotCaptured {
        order: OrderNumber,
        /// How the consumer got it, in the shop's words.
        how: String,
        missing: Minor,
        captured: Minor,
        /// What of it is still authorized.
        left: Minor,
        /// This program captures nothing of it any more, whatever is authorized.
        is_over: bool,
    },
    /// A credit invoice asks for more than Klarna's share: the rest was paid by other means.
    PaidOtherwise {
        order: OrderNumber,
        credit: InvoiceNumber,
        rest: Minor,
        /// What of it Klarna gives back.
        of_klarna: Minor,
    },
}
