//! A plan becomes durable: steps of the machines, and intents with their keys and payloads.
//!
//! Chooses nothing: what is wanted was decided, and whether it may be sent is the permission of the whole pass.

use jiff::Timestamp;

use crate::words;
use reconciled_core::ageing::{next_look, next_look_at_nothing};
use reconciled_core::credit_invoice::{self, CreditInvoice, Proof};
use reconciled_core::discrepancy::Discrepancy;
use reconciled_core::facts::{Facts, KlarnaOrder};
use reconciled_core::id::{IntentId, InvoiceId};
use reconciled_core::intent::{self, Effect, Intent, Kind, Target};
use reconciled_core::ledger::Ledger;
use reconciled_core::money::Minor;
use reconciled_core::order::Order;
use reconciled_core::plan::{Note, Plan, Verdict};
use reconciled_core::references;
use reconciled_sides::{klarna, lightspeed};
use reconciled_store::{Decided, Difference, Dossier, Step, StoreError};

/// What one decision makes durable, and what of it is to be sent now.
pub(super) struct Intended {
    pub decided: Decided,
    pub to_send: Vec<IntentId>,
}

/// Where the effects of an order go.
pub(super) fn target(facts: &Facts, ledger: &Ledger) -> Target {
    Target {
        shop: ledger.shop.clone(),
        whose: ledger.whose.clone(),
        order: facts.shop.id,
        klarna_order_id: facts.shop.klarna_order_id.clone(),
        currency: facts.currency,
    }
}

/// Turns a plan into steps and intents.
///
/// # Errors
/// An illegal transition: the plan does not fit the ledger it was made from, which is a programming error.
pub(super) fn intended(
    dossier: &Dossier, facts: &Facts, plan: &Plan, target: &Target, may_act: bool, now: Timestamp,
) -> Result<Intended, StoreError> {
    let mut steps = Steps::of(dossier, facts);
    let mut absent = Vec::new();
    for (id, note) in &plan.intent_notes {
        match note {
            Note::Seen { .. } => steps.intent(*id, intent::Event::Seen, note)?,
            Note::Withdrawn { .. } => steps.intent(*id, intent::Event::Withdrawn, note)?,
            Note::Absent { read_at } => absent.push((*id, *read_at)),
        }
    }
    for event in &plan.order_events {
        steps.order(*event)?;
    }
    for (id, event) in &plan.credit_events {
        steps.credit(*id, event.clone())?;
    }
    // What is held rests on another one until it is judged under this.
    let read = facts.klarna.read().filter(|_| !plan.is_unjudged);
    let mut intents = Vec::new();
    let mut to_send = Vec::new();
    for wanted in &plan.effects {
        let is_limit = matches!(&wanted.verdict, Verdict::Hold(_)) && wanted.effect.kind == Kind::Refund;
        match (&wanted.verdict, wanted.intent) {
            (Verdict::Act, Some(existing)) if may_act => to_send.push(existing),
            (Verdict::Act, None) if may_act => {
                let new = new_intent(&wanted.effect, target, read, now);
                let intent = Intent { left_out: wanted.left_out.clone(), ..new };
                steps.intended(&intent)?;
                to_send.push(intent.id);
                intents.push(intent);
            }
            (Verdict::Hold(_), _) if is_limit => steps.held(&wanted.effect)?,
            (Verdict::Act | Verdict::Hold(_), _) => {}
        }
    }
    let in_flight = !intents.is_empty() || dossier.ledger.intents.iter().any(|intent| intent.state.is_in_flight());
    let says_more = !plan.is_unjudged && read != dossier.klarna.as_ref().map(|(order, _)| order);
    let changed = !steps.made.is_empty() || !intents.is_empty() || says_more;
    let quiet_since = if changed { now } else { dossier.quiet_since };
    let decided = Decided {
        order: facts.shop.id,
        klarna: read.map(|order| (order.clone(), facts.read_at)),
        link: facts.shop.klarna_order_id.clone(),
        asked: Vec::new(),
        named_by: read.and_then(|order| named_by(order, facts)),
        changed,
        credits: facts
            .shop
            .credit_invoices
            .iter()
            .map(|credit| (credit.id, credit.number.clone(), credit.amount.clone().ok(), credit.created_at))
            .collect(),
        steps: steps.made,
        absent,
        intents,
        captured: read.map_or(Minor::ZERO, |order| order.captured),
        refunded: read.map_or(Minor::ZERO, KlarnaOrder::refunded_at_least),
        discrepancies: plan.discrepancies.iter().map(|found| in_words(found, facts)).collect(),
        withheld: plan.withholds(),
        next_look: Some(look_again(plan, facts, read, in_flight, quiet_since, now)),
        looks_back: dossier.is_outdated,
        heard_at: dossier.heard_at,
    };
    Ok(Intended { decided, to_send })
}

/// What the linked order shows of references, for the shop's tally.
fn named_by(klarna: &KlarnaOrder, facts: &Facts) -> Option<(bool, Timestamp)> {
    let is_linked = !facts.shop.paid_otherwise;
    is_linked.then(|| (references::name(klarna, &facts.shop), facts.shop.created_at))
}

/// When it is looked at again. What is not Klarna's and of which Klarna knows nothing is left alone like what is settled.
fn look_again(
    plan: &Plan, facts: &Facts, read: Option<&KlarnaOrder>, in_flight: bool, quiet_since: Timestamp, now: Timestamp,
) -> Timestamp {
    if facts.shop.paid_otherwise && plan.discrepancies.is_empty() && read.is_none() {
        return next_look_at_nothing(quiet_since, now);
    }
    next_look(plan, read, in_flight, quiet_since, now)
}

/// A difference as people will read it.
fn in_words(found: &Discrepancy, facts: &Facts) -> Difference {
    Difference {
        kind: found.kind,
        credit_invoice: found.credit_invoice.clone(),
        subject: found.subject.clone(),
        amount: found.amount,
        message: words::message(&found.finding, facts.currency),
        remedy: Some(words::remedy(found, facts.currency)),
        offer: found.finding.offers(),
        due: found.due,
    }
}

fn new_intent(effect: &Effect, target: &Target, read: Option<&KlarnaOrder>, now: Timestamp) -> Intent {
    let payload = match effect.kind {
        Kind::MarkPaid => lightspeed::payload(effect),
        Kind::Refund | Kind::Capture | Kind::Cancel | Kind::Release | Kind::Extend => klarna::payload(effect),
    };
    let seen_before = match (effect.kind, read) {
        (Kind::Refund, Some(order)) => order.refunds.iter().map(|refund| refund.id.0.clone()).collect(),
        (Kind::Capture, Some(order)) => order.captures.iter().map(|capture| capture.id.0.clone()).collect(),
        (Kind::Refund | Kind::Capture | Kind::Cancel | Kind::Release | Kind::Extend | Kind::MarkPaid, _) => Vec::new(),
    };
    Intent { seen_before, ..Intent::planned(effect.clone(), target.clone(), payload, now) }
}

/// The machines of one order while steps are taken.
struct Steps<'a> {
    ledger: &'a Ledger,
    order: Order,
    credits: std::collections::BTreeMap<InvoiceId, credit_invoice::CreditInvoice>,
    made: Vec<Step>,
}

impl<'a> Steps<'a> {
    fn of(dossier: &'a Dossier, facts: &Facts) -> Self {
        let ledger = &dossier.ledger;
        let held = ledger.credits.iter().map(|(id, credit)| (*id, credit.state.clone()));
        let mut credits: std::collections::BTreeMap<_, _> = held.collect();
        for credit in &facts.shop.credit_invoices {
            credits.entry(credit.id).or_insert(credit_invoice::CreditInvoice::Pending);
        }
        Self { ledger, order: ledger.order, credits, made: Vec::new() }
    }

    fn order(&mut self, event: reconciled_core::order::Event) -> Result<(), StoreError> {
        let before = self.order;
        let after = before.apply(event).map_err(illegal)?;
        self.order = after;
        self.made.push(Step::Order { before, event, after });
        Ok(())
    }

    fn credit(&mut self, id: InvoiceId, event: credit_invoice::Event) -> Result<(), StoreError> {
        let before = self.credits.get(&id).cloned().unwrap_or(credit_invoice::CreditInvoice::Pending);
        let after = before.clone().apply(event.clone()).map_err(illegal)?;
        self.credits.insert(id, after.clone());
        self.made.push(Step::Credit { id, before, event, after });
        Ok(())
    }

    fn intent(&mut self, id: IntentId, event: intent::Event, note: &Note) -> Result<(), StoreError> {
        let Some(intent) = self.ledger.intents.iter().find(|intent| intent.id == id) else {
            return Err(StoreError::NotFound(format!("intent {id}")));
        };
        let before = intent.state.clone();
        let after = before.clone().apply(event).map_err(illegal)?;
        self.made.push(Step::Intent { id, before, event, after, note: Some(note.clone()) });
        Ok(())
    }

    /// A refund became an intent: its credit invoice knows it from now on.
    fn intended(&mut self, intent: &Intent) -> Result<(), StoreError> {
        match (&intent.effect.credit_invoice, intent.effect.kind) {
            (Some((id, _)), Kind::Refund) => {
                if matches!(self.credits.get(id), Some(CreditInvoice::Refunded(Proof::Refund(_)))) {
                    self.credit(*id, credit_invoice::Event::Unsettled)?;
                }
                self.credit(*id, credit_invoice::Event::Intended(intent.id))
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// A ceiling holds a refund that the plan alone would have let go.
    fn held(&mut self, effect: &Effect) -> Result<(), StoreError> {
        let Some((id, _)) = &effect.credit_invoice else { return Ok(()) };
        if self.take_back_release(*id) {
            return Ok(());
        }
        if self.credits.get(id) == Some(&credit_invoice::CreditInvoice::Pending) {
            self.credit(*id, credit_invoice::Event::Held)?;
        }
        Ok(())
    }

    /// The plan alone released it, and a ceiling goes on holding it: nothing moved, and nothing is journalled.
    fn take_back_release(&mut self, credit: InvoiceId) -> bool {
        let of_credit = |step: &Step| matches!(step, Step::Credit { id, .. } if *id == credit);
        let Some(last) = self.made.iter().rposition(of_credit) else { return false };
        let Some(Step::Credit { before, event: credit_invoice::Event::Released, .. }) = self.made.get(last) else {
            return false;
        };
        self.credits.insert(credit, before.clone());
        self.made.remove(last);
        true
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` calls")]
fn illegal(transition: reconciled_core::IllegalTransition) -> StoreError {
    StoreError::Guard(transition.to_string())
}
