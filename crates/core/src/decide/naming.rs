//! What effects and differences about a credit invoice are called, where a shop gives one number twice.

use std::collections::{BTreeMap, BTreeSet};

use super::case::Case;
use crate::credit_reference;
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, ShopOrder};
use crate::id::{InvoiceNumber, Reference};
use crate::plan::Plan;

impl Case<'_> {
    /// Under which reference effects for the credit invoice run.
    pub(super) fn reference_of(&self, credit: &CreditInvoiceFacts) -> Reference {
        credit_reference::of_credit(self.ledger, self.shop, credit.id, &credit.number)
    }

    /// And the rest of it, where others' refunds cover a part.
    pub(super) fn rest_of(&self, credit: &CreditInvoiceFacts) -> Reference {
        credit_reference::of_rest(self.ledger, self.shop, credit.id, &credit.number)
    }
}

/// Differences about two credit invoices of one number get subjects of their own.
pub(super) fn tell_apart(shop: &ShopOrder, plan: &mut Plan) {
    let numbers: BTreeSet<&InvoiceNumber> = shop.credit_invoices.iter().map(|credit| &credit.number).collect();
    if numbers.len() == shop.credit_invoices.len() {
        return;
    }
    let mut met: BTreeMap<(BreakKind, String), u32> = BTreeMap::new();
    for found in &mut plan.discrepancies {
        let times = met.entry((found.kind, found.subject.clone())).or_default();
        *times = times.saturating_add(1);
        if *times > 1 && found.credit_invoice.is_some() {
            found.subject = format!("{}:{times}", found.subject);
        }
    }
}
