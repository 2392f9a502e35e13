//! Under which reference effects for a credit invoice run, and whose a reference is.
//!
//! Pure. A number is how people call a credit invoice, and its id is what it is: a shop may give one number twice. Then
//! the number alone names none of them, and each but the first runs under its number and its id.

use super::adoption::{is_rest, rest_reference};
use super::facts::ShopOrder;
use super::id::{InvoiceId, InvoiceNumber, Reference};
use super::intent::Kind;
use super::ledger::Ledger;

/// The reference for this credit invoice. Once an intent of ours carries one it stays, whatever else turns up and whatever
/// the shop calls the credit invoice since.
pub fn of_credit(ledger: &Ledger, shop: &ShopOrder, id: InvoiceId, number: &InvoiceNumber) -> Reference {
    if let Some(reference) = asked_under(ledger, id) {
        return reference.clone();
    }
    let bare = Reference(number.0.clone());
    let is_taken = ledger.intents.iter().any(|intent| {
        intent.effect.reference == bare && intent.effect.credit_invoice.as_ref().is_some_and(|(other, _)| *other != id)
    });
    let is_shared = is_taken || others_of(ledger, shop, id, number).any(|other| other < id);
    if is_shared && !planted!("a_number_is_an_identity") { own(id, number) } else { bare }
}

/// The reference for the rest of it, where others' refunds cover a part; it stays as well.
pub fn of_rest(ledger: &Ledger, shop: &ShopOrder, id: InvoiceId, number: &InvoiceNumber) -> Reference {
    let asked = asked_for(ledger, id).find(|reference| is_rest(reference)).cloned();
    asked.unwrap_or_else(|| rest_reference(&InvoiceNumber(of_credit(ledger, shop, id, number).0)))
}

/// The credit invoice of the order that this reference names: the one that we used it for, else the one with that number;
/// none where two have the number, and the reference could be either's.
pub fn credit_of(ledger: &Ledger, shop: &ShopOrder, reference: &Reference) -> Option<InvoiceId> {
    let used = |id: InvoiceId| asked_for(ledger, id).any(|asked| asked == reference);
    let listed = || shop.credit_invoices.iter().map(|credit| (credit.id, &credit.number));
    let named = |(id, number): &(InvoiceId, &InvoiceNumber)| {
        let is_shared = others_of(ledger, shop, *id, number).next().is_some();
        let name = match asked_under(ledger, *id) {
            Some(asked) => asked.clone(),
            None if is_shared => own(*id, number),
            None => Reference(number.0.clone()),
        };
        name == *reference || rest_reference(&InvoiceNumber(name.0)) == *reference
    };
    listed().find(|(id, _)| used(*id)).or_else(|| listed().find(named)).map(|(id, _)| id)
}

/// A number and what tells it apart from the same number of another.
fn own(id: InvoiceId, number: &InvoiceNumber) -> Reference {
    Reference(format!("{number}:{id}"))
}

/// Under which reference we asked for something for the whole of it.
fn asked_under(ledger: &Ledger, id: InvoiceId) -> Option<&Reference> {
    asked_for(ledger, id).find(|reference| !is_rest(reference))
}

/// The references of everything that we asked for it, oldest first.
fn asked_for(ledger: &Ledger, id: InvoiceId) -> impl Iterator<Item = &Reference> {
    let of_it = ledger.intents.iter().filter(move |intent| {
        intent.effect.credit_invoice.as_ref().is_some_and(|(of, _)| *of == id)
            && matches!(intent.effect.kind, Kind::Refund | Kind::MarkPaid)
    });
    of_it.map(|intent| &intent.effect.reference)
}

/// Other credit invoices of this order that have or had the same number.
fn others_of<'a>(
    ledger: &'a Ledger, shop: &'a ShopOrder, id: InvoiceId, number: &'a InvoiceNumber,
) -> impl Iterator<Item = InvoiceId> + 'a {
    let held = ledger.credits.iter().filter(move |(_, held)| held.number == *number).map(|(other, _)| *other);
    let listed = shop.credit_invoices.iter().filter(move |it| it.number == *number).map(|it| it.id);
    held.chain(listed).filter(move |other| *other != id)
}
