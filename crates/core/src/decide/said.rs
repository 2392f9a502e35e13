//! How a difference is said: with its kind, what it is about, and the state it was found in.

use jiff::Timestamp;

use super::case::Case;
use crate::discrepancy::{BreakKind, Discrepancy};
use crate::facts::Shipped;
use crate::finding::Finding;
use crate::fulfilment::by_status;
use crate::id::{IntentId, InvoiceNumber};
use crate::intent::Intent;
use crate::money::Minor;
use crate::situation::{Concerned, Situation};

impl Case<'_> {
    pub(super) fn differs(
        &mut self, kind: BreakKind, subject: &str, amount: Option<Minor>, due: Timestamp, finding: impl Into<Finding>,
    ) {
        self.differs_as(kind, None, subject.to_owned(), amount, due, finding.into());
    }

    pub(super) fn credit_differs(
        &mut self, kind: BreakKind, credit: &InvoiceNumber, amount: Option<Minor>, due: Timestamp,
        finding: impl Into<Finding>,
    ) {
        self.differs_as(kind, Some(credit.clone()), credit.0.clone(), amount, due, finding.into());
    }

    /// A question about a credit invoice, under the id of the effect that waits for its answer.
    pub(super) fn asks(
        &mut self, kind: BreakKind, credit: &InvoiceNumber, id: IntentId, amount: Minor, due: Timestamp,
        finding: Finding,
    ) {
        self.differs_as(kind, Some(credit.clone()), id.to_string(), Some(amount), due, finding);
    }

    /// A difference about something that has a subject of its own, and a credit invoice besides.
    pub(super) fn differs_as(
        &mut self, kind: BreakKind, credit_invoice: Option<InvoiceNumber>, subject: String, amount: Option<Minor>,
        due: Timestamp, finding: Finding,
    ) {
        self.look_again(due);
        let state = Some(self.situation(kind));
        self.plan.discrepancies.push(Discrepancy { kind, credit_invoice, subject, amount, finding, state, due });
    }

    /// The latest difference is about this intent: its remedy may be a human's word on it.
    pub(super) fn about(&mut self, intent: &Intent) {
        let concerned = Concerned::of(intent, self.ledger, self.now);
        if let Some(state) = self.plan.discrepancies.last_mut().and_then(|found| found.state.as_mut()) {
            state.effect = Some(concerned);
        }
    }

    /// This plan says it already.
    pub(super) fn says(&self, kind: BreakKind) -> bool {
        self.plan.discrepancies.iter().any(|found| found.kind == kind)
    }

    fn situation(&self, kind: BreakKind) -> Situation {
        let extends = kind == BreakKind::AuthorizationExpiring;
        Situation {
            order: self.shop.number.clone(),
            unset: kind.settled_by().map_or_else(Vec::new, |family| self.policy.unset(family, extends)),
            refunds: self.policy.refunds,
            captures: self.policy.captures,
            authorization: self.authorization,
            authorized: self.authorized,
            captured: self.captured,
            refundable: self.refundable,
            is_given: !self.shop.shipped.is(&Shipped::No) || by_status(self.shop).is_some(),
            effect: None,
        }
    }
}
