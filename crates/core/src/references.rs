//! Whether the references of a shop's Klarna orders carry its order numbers, as its linked orders show.

use jiff::Timestamp;

use super::facts::{KlarnaOrder, ShopOrder};
use super::id::KlarnaOrderId;
use super::link;
use super::policy::REFERENCES_IN_A_ROW;

/// What the linked orders of a shop show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Orders that are linked to a Klarna order which was read.
    pub linked: u64,
    /// Those of them of which a reference at Klarna names their number.
    pub naming: u64,
    /// How many of the latest orders do, one after the other.
    pub in_a_row: u64,
    /// When the first order of that row was placed.
    pub since: Option<Timestamp>,
}

impl References {
    /// The row is long enough to demand it of every order placed since it began.
    pub fn demanded_since(&self) -> Option<Timestamp> {
        self.since.filter(|_| self.in_a_row >= REFERENCES_IN_A_ROW)
    }

    /// Whether time alone shows nothing for this order. What was concluded under a Klarna order that it still names was
    /// concluded by what was known then.
    pub fn demands(&self, shop: &ShopOrder, judged_under: Option<&KlarnaOrderId>) -> bool {
        let is_judged = judged_under.is_some_and(|id| shop.candidates.iter().any(|one| one.id == *id));
        !is_judged && self.demanded_since().is_some_and(|since| shop.created_at >= since)
    }
}

/// Whether a reference of the Klarna order names this shop order.
pub fn name(klarna: &KlarnaOrder, shop: &ShopOrder) -> bool {
    link::references(klarna).any(|reference| link::names(reference, shop))
}
