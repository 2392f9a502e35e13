//! Under which reference effects for a credit invoice run, and whose a reference is.
//!
//! Pure. A number is how people call a credit invoice, and its id is what it is: a shop may give one number twice. Then
//! the number alone names none of them, and each but the first runs under its number and its id.

use super::adoption::rest_reference;
use super::facts::ShopOrder;
use super::id::{InvoiceId, InvoiceNumber, Reference};
use super::intent::Intent;
use super::ledger::Ledger;

/// The reference for this credit invoice. Once an intent of ours carries one it stays, whatever else turns up.
pub fn of_credit(ledger: &Ledger, shop: &ShopOrder, id: InvoiceId, number: &InvoiceNumber) -> Reference {
    let (bare, own) = (Reference(number.0.clone()), Reference(format!("{number}:{id}")));
    let is_ours =
        |intent: &&Intent| is_for(intent, id) && (intent.effect.reference == bare || intent.effect.reference == own);
    if let Some(intent) = ledger.intents.iter().find(is_ours) {
        return intent.effect.reference.clone();
    }
    let is_taken = ledger.intents.iter().any(|intent| {
        intent.effect.reference == bare && intent.effect.credit_invoice.as_ref().is_some_and(|(other, _)| *other != id)
    });
    let is_shared = is_taken || others_of(ledger, shop, id, number).any(|other| other < id);
    if is_shared && !planted!("a_number_is_an_identity") {
        return own;
    }
    bare
}

/// The credit invoice of the order that this reference names; none where two have the number, and the reference could
/// be either's.
pub fn credit_of(ledger: &Ledger, shop: &ShopOrder, reference: &Reference) -> Option<InvoiceId> {
    let named = shop.credit_invoices.iter().find(|credit| {
        let is_shared = others_of(ledger, shop, credit.id, &credit.number).next().is_some();
        let name = if is_shared { format!("{}:{}", credit.number, credit.id) } else { credit.number.0.clone() };
        name == reference.as_str() || rest_reference(&InvoiceNumber(name)) == *reference
    });
    named.map(|credit| credit.id)
}

fn is_for(intent: &Intent, id: InvoiceId) -> bool {
    intent.effect.credit_invoice.as_ref().is_some_and(|(of, _)| *of == id)
}

/// Other credit invoices of this order that have or had the same number.
fn others_of<'a>(
    ledger: &'a Ledger, shop: &'a ShopOrder, id: InvoiceId, number: &'a InvoiceNumber,
) -> impl Iterator<Item = InvoiceId> + 'a {
    let held = ledger.credits.iter().filter(move |(_, held)| held.number == *number).map(|(other, _)| *other);
    let listed = shop.credit_invoices.iter().filter(move |it| it.number == *number).map(|it| it.id);
    held.chain(listed).filter(move |other| *other != id)
}
