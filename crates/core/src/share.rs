//! Klarna's share of an order: what of the shop's total Klarna is to take, where other payments took the rest.
//!
//! Pure. The shop's total is what the consumer owes altogether; what Klarna authorized at first is what it was asked to
//! take of that. Whoever compares the two compares them here. That gift cards took part in a payment is said by the
//! shop, how much they took is not proven (lightspeed-api.md §2.1), so what the shop says of them counts only where it
//! is exactly what Klarna's own word leaves over.

use std::collections::BTreeMap;

use super::facts::{CreditInvoiceFacts, KlarnaOrder, ShopOrder};
use super::id::InvoiceId;
use super::money::Minor;
use super::policy::AMOUNT_TOLERANCE;
use super::references;

/// How what the shop asks of Klarna compares with what Klarna authorized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// As much as Klarna authorized at first, or authorizes now.
    Equal,
    /// Less than that: the order was lowered since, if it is the same order at all. Only Klarna's own reference (or a
    /// human) says that it is; an amount that merely lies below proves nothing.
    Lower,
    /// More than that, and nothing says who takes the rest.
    Higher,
    /// The shop's total is not an amount.
    Unreadable,
}

/// What of an order's total Klarna is to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub total: Minor,
    pub amount: Minor,
}

/// A human's word on Klarna's share, and the total that it was said of: another total asks anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub total: Minor,
    pub amount: Minor,
}

impl Accepted {
    /// What a human says Klarna's share is: something, and no more than the order.
    ///
    /// # Errors
    /// The total that it does not fit, `None` where the shop's is no amount.
    pub fn of(amount: Minor, total: Option<Minor>) -> Result<Self, Option<Minor>> {
        let fits = |total: &Minor| amount.is_positive() && amount <= *total;
        total.filter(fits).map(|total| Self { total, amount }).ok_or(total)
    }
}

impl Share {
    pub const fn whole(total: Minor) -> Self {
        Self { total, amount: total }
    }

    /// What gift cards and other payments took; a difference of rounding is nobody's payment.
    pub fn others(self) -> Minor {
        let others = self.total.less(self.amount);
        if is_about(others, Minor::ZERO) { Minor::ZERO } else { others }
    }
}

/// Compares a shop order with a Klarna order that may be its own.
pub fn amount_fits(shop: &ShopOrder, klarna: &KlarnaOrder) -> Fit {
    let Ok(total) = shop.total else { return Fit::Unreadable };
    gift_cards_explain(shop, total, klarna).map_or_else(|| compare(total, klarna), |_| Fit::Equal)
}

/// Whether a Klarna order may be all that this order asked of Klarna: as much of it, with or without what credit invoices
/// take back, or less where Klarna's own reference says that it is this order.
pub fn may_be_all_of(shop: &ShopOrder, klarna: &KlarnaOrder) -> bool {
    let credited: Minor = shop.credit_invoices.iter().filter_map(|credit| credit.amount.clone().ok()).collect();
    let without = |total: &Minor| compare(total.less(credited), klarna) == Fit::Equal;
    match amount_fits(shop, klarna) {
        // A total that is no amount tells nothing, and is found by itself.
        Fit::Equal | Fit::Unreadable => true,
        Fit::Lower if references::name(klarna, shop) => true,
        Fit::Lower | Fit::Higher => shop.total.as_ref().is_ok_and(without),
    }
}

/// Klarna's share of an order, as far as both sides or a human say it. `credited` is what was credited before anything
/// was captured, and lowered what Klarna authorizes, where somebody told Klarna. `None` where they differ and nothing
/// explains it.
pub fn read(
    shop: &ShopOrder, total: Minor, klarna: &KlarnaOrder, accepted: Option<Accepted>, credited: Minor,
) -> Option<Share> {
    if planted!("share_is_the_total") {
        return Some(Share::whole(total));
    }
    if let Some(said) = accepted.filter(|said| said.total == total) {
        return Some(Share { total, amount: said.amount.min(total) });
    }
    match compare(total, klarna) {
        Fit::Equal => return Some(Share::whole(total)),
        // Lowered before everything was captured. Whose order it is, only a reference of Klarna's says.
        Fit::Lower if total.is_positive() && klarna.captured <= total && references::name(klarna, shop) => {
            return Some(Share::whole(total));
        }
        Fit::Lower | Fit::Higher | Fit::Unreadable => {}
    }
    // An authorization that was never for the whole was not lowered by what was credited since.
    if is_about(total, klarna.original_amount) && is_about(total.less(credited), klarna.order_amount) {
        return Some(Share::whole(total));
    }
    gift_cards_explain(shop, total, klarna).map(|amount| Share { total, amount })
}

/// The order was lowered below what was captured of it by then; whose it is, Klarna's reference says.
pub fn is_captured_beyond(shop: &ShopOrder, total: Minor, klarna: &KlarnaOrder) -> bool {
    let is_lower = compare(total, klarna) == Fit::Lower && total.is_positive();
    is_lower && klarna.captured > total && references::name(klarna, shop)
}

/// What of each credit invoice must go back by other means. Credit invoices take from Klarna's share first, the oldest
/// first (`credits` are in that order), and never more than is left of it; what others took is all that is left over.
pub fn otherwise(share: Share, credits: &[&CreditInvoiceFacts]) -> BTreeMap<InvoiceId, Minor> {
    let (mut left, mut others) = (share.amount, share.others());
    let mut found = BTreeMap::new();
    for credit in credits {
        let Ok(amount) = credit.amount else { continue };
        let rest = amount.less(left).min(others);
        left = left.less(amount.less(rest));
        others = others.less(rest);
        if rest.is_positive() {
            found.insert(credit.id, rest);
        }
    }
    found
}

/// Compares what Klarna is to take with its first amount, and with the one that an update of the order left.
pub fn compare(asked: Minor, klarna: &KlarnaOrder) -> Fit {
    let said = [klarna.original_amount, klarna.order_amount];
    if said.iter().any(|amount| is_about(asked, *amount)) {
        Fit::Equal
    } else if asked < klarna.original_amount {
        Fit::Lower
    } else {
        Fit::Higher
    }
}

/// The same amount, but for the rounding that shops of every platform show.
pub fn is_about(one: Minor, other: Minor) -> bool {
    one.minus(other).abs().get() <= AMOUNT_TOLERANCE
}

/// What is left of the total behind the gift cards that the shop names, where that is what Klarna authorized.
fn gift_cards_explain(shop: &ShopOrder, total: Minor, klarna: &KlarnaOrder) -> Option<Minor> {
    let sums = shop.gift_cards.iter().flatten();
    let rests = sums.filter(|sum| sum.is_positive()).map(|sum| total.less(*sum));
    rests.filter(|rest| rest.is_positive()).find(|rest| compare(*rest, klarna) == Fit::Equal)
}
