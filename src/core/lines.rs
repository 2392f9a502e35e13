//! What the lines of an order say about a credit invoice: whether it names what was sent, or what never left.
//!
//! Pure. Lines speak only where every one of them is clear: which lines the credit invoice names and how many of each, and
//! how many of each are on shipments that left. A line of which some left and some did not says nothing.

use super::facts::{CreditInvoiceFacts, Line, ShopOrder};
use super::id::LineId;
use super::money::Minor;

/// What lines can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Everything that it names left: it is a return.
    Sent,
    /// Nothing of what it names left.
    NeverSent,
}

/// What the lines say of `credit`; `None` where they do not tell.
pub fn told(shop: &ShopOrder, credit: &CreditInvoiceFacts) -> Option<Told> {
    let left: Vec<_> = shop.shipments.iter().filter(|shipment| shipment.shipped).collect();
    if left.is_empty() || left.iter().any(|shipment| shipment.quantities.is_empty()) {
        return None;
    }
    let named: Vec<(&Line, u32)> = shop
        .lines
        .iter()
        .flat_map(|line| line.credited.iter().map(move |(of, count)| (line, *of, *count)))
        .filter(|(_, of, count)| *of == credit.id && *count > 0)
        .map(|(line, _, count)| (line, count))
        .collect();
    if named.is_empty() || !is_worth(credit, &named)? {
        return None;
    }
    let sent = |id: LineId| {
        let quantities = left.iter().flat_map(|shipment| &shipment.quantities);
        quantities.filter(|(line, _)| *line == id).fold(0_u32, |sum, (_, count)| sum.saturating_add(*count))
    };
    if named.iter().all(|(line, _)| sent(line.id) >= line.ordered) {
        Some(Told::Sent)
    } else if named.iter().all(|(line, _)| sent(line.id) == 0) {
        Some(Told::NeverSent)
    } else {
        None
    }
}

/// Its amount is that of what it names, to a minor unit of rounding a line: a back office may credit a part of a value,
/// which no quantity shows.
fn is_worth(credit: &CreditInvoiceFacts, named: &[(&Line, u32)]) -> Option<bool> {
    let amount = credit.amount.clone().ok()?;
    let mut value = Minor::ZERO;
    for (line, count) in named {
        value = value.plus(line.total.clone().ok()?.share(*count, line.ordered));
    }
    let rounding = i64::try_from(named.len()).ok()?;
    Some(amount.minus(value).abs().get() <= rounding)
}
