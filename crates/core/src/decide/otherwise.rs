//! What of a credit invoice must go back by other means: a gift card's part is nothing that Klarna can refund.
//!
//! Klarna's part is refunded like any other. The credit invoice is not marked paid while the rest is owed: that it went
//! back nobody can read anywhere, so a human says it, by resolving the break or by marking the credit invoice paid.

use super::case::Case;
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, Said};
use crate::finding::Finding;
use crate::finding::share::ShareFinding;
use crate::money::Minor;
use crate::policy::Mode;

impl Case<'_> {
    /// What Klarna is to take of the order; `None` when nobody can read the shop's total.
    pub(super) fn asked(&self) -> Option<Minor> {
        self.shop.total.is_ok().then_some(self.share.amount)
    }

    /// What of a credit invoice is Klarna's to give back.
    pub(super) fn of_klarna(&self, credit: &CreditInvoiceFacts) -> Said {
        let otherwise = self.otherwise.get(&credit.id).copied().unwrap_or_default();
        credit.amount.clone().map(|amount| amount.less(otherwise))
    }
}

/// Says that a part of the credit invoice is owed by other means, until a human says that it went back.
pub(super) fn said(case: &mut Case<'_>, credit: &CreditInvoiceFacts) {
    let Some(rest) = case.otherwise.get(&credit.id).copied() else { return };
    if case.policy.refunds == Mode::Off || credit.paid.is(&true) || is_given_back(case, credit) {
        return;
    }
    let finding = Finding::Share(ShareFinding::PaidOtherwise {
        order: case.shop.number.clone(),
        credit: credit.number.clone(),
        rest,
        of_klarna: case.of_klarna(credit).unwrap_or_default(),
    });
    case.credit_differs(BreakKind::PaidOtherwise, &credit.number, Some(rest), case.now, finding);
}

/// Nothing of it is owed by other means, or a human said of exactly this amount that it went back.
pub(super) fn is_given_back(case: &Case<'_>, credit: &CreditInvoiceFacts) -> bool {
    let rest = case.otherwise.get(&credit.id);
    // Of two with one number nobody knows which was meant.
    let is_named = case.shop.credit_invoices.iter().filter(|other| other.number == credit.number).count() == 1;
    rest.is_none_or(|rest| is_named && case.ledger.given_back.get(&credit.number) == Some(rest))
}
