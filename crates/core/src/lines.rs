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
    let named = named(shop, credit);
    let rounding = i64::try_from(named.len()).ok()?;
    if named.is_empty() || over(credit, &named)?.abs().get() > rounding {
        return None;
    }
    let sent = |id: LineId| sent(shop, id);
    if named.iter().all(|(line, _)| sent(line.id) >= line.ordered) {
        Some(Told::Sent)
    } else if named.iter().all(|(line, _)| sent(line.id) == 0) {
        Some(Told::NeverSent)
    } else {
        None
    }
}

/// What these credit invoices take back of each line beyond what of it left: whichever pieces came back, those did not. A
/// credit invoice over less than what it names takes back a part of its value, and no pieces.
pub fn beyond_sent(shop: &ShopOrder, credits: &[&CreditInvoiceFacts]) -> Minor {
    let of_pieces = credits.iter().map(|credit| named(shop, credit));
    let of_pieces = credits.iter().zip(of_pieces).filter(|(credit, named)| {
        let rounding = i64::try_from(named.len()).unwrap_or(0);
        over(credit, named).is_some_and(|over| over.get().saturating_add(rounding) >= 0)
    });
    let pieces: Vec<(&Line, u32)> = of_pieces.flat_map(|(_, named)| named).collect();
    let beyond = shop.lines.iter().filter_map(|line| {
        let back = pieces.iter().filter(|(of, _)| of.id == line.id).fold(0_u32, |sum, (_, it)| sum.saturating_add(*it));
        let unsent = back.min(line.ordered).saturating_sub(sent(shop, line.id));
        Some(line.total.clone().ok()?.share(unsent, line.ordered))
    });
    beyond.collect()
}

/// The lines that a credit invoice names, and how many of each.
fn named<'a>(shop: &'a ShopOrder, credit: &CreditInvoiceFacts) -> Vec<(&'a Line, u32)> {
    let all = shop.lines.iter().flat_map(|line| line.credited.iter().map(move |(of, count)| (line, *of, *count)));
    all.filter(|(_, of, count)| *of == credit.id && *count > 0).map(|(line, _, count)| (line, count)).collect()
}

/// How many of a line are on shipments that left.
fn sent(shop: &ShopOrder, id: LineId) -> u32 {
    let left = shop.shipments.iter().filter(|shipment| shipment.shipped);
    let quantities = left.flat_map(|shipment| &shipment.quantities).filter(|(line, _)| *line == id);
    quantities.fold(0_u32, |sum, (_, count)| sum.saturating_add(*count))
}

/// What it asks for beyond the value of what it names, in minor units: nothing, to one of rounding a line, where it is about
/// that alone; more with shipping costs; less where a back office credits a part of a value, which no quantity shows.
fn over(credit: &CreditInvoiceFacts, named: &[(&Line, u32)]) -> Option<Minor> {
    let amount = credit.amount.clone().ok()?;
    let mut value = Minor::ZERO;
    for (line, count) in named {
        value = value.plus(line.total.clone().ok()?.share(*count, line.ordered));
    }
    Some(amount.minus(value))
}
