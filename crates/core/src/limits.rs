//! Money ceilings: how much may leave per order, pass and day without a human, and how much at once without two.
//!
//! Pure. What was spent comes from the durable ledger, never from a counter in memory; the store checks the day's
//! ceiling once more when an intent is claimed.

use std::collections::BTreeSet;

use super::consent;
use super::discrepancy::{BreakKind, Discrepancy};
use super::finding::Finding;
use super::id::IntentId;
use super::intent::{self, Kind, Target};
use super::ledger::Ledger;
use super::money::{Currency, Minor};
use super::plan::{HoldReason, Plan, Verdict, Wanted};
use super::policy::Policy;
use jiff::Timestamp;

/// What refunds have taken so far: this pass, and the last 24 hours (this pass included).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub pass: Minor,
    pub day: Minor,
}

impl Spent {
    /// Takes back what was admitted in a decision that was not kept.
    pub fn take_back(&mut self, plan: &Plan) {
        let is_new = |wanted: &&Wanted| {
            wanted.effect.kind == Kind::Refund && wanted.verdict == Verdict::Act && wanted.intent.is_none()
        };
        let amount = plan.effects.iter().filter(is_new).map(|wanted| wanted.effect.amount).collect();
        (self.pass, self.day) = (self.pass.less(amount), self.day.less(amount));
    }
}

/// Holds what a ceiling does not allow; what it does allow is added to `spent`.
///
/// Effects that have a durable intent already were admitted when it was made, and are counted there; what needs two
/// operators is asked of them once more, since the policy may have changed before they left.
pub fn admit(plan: &mut Plan, ledger: &Ledger, target: &Target, policy: &Policy, spent: &mut Spent, now: Timestamp) {
    let mut order: Minor = refunds_of(ledger, now);
    for wanted in &mut plan.effects {
        if wanted.effect.kind != Kind::Refund || wanted.verdict != Verdict::Act {
            continue;
        }
        let amount = wanted.effect.amount;
        let id = wanted.intent.unwrap_or_else(|| intent::id(&wanted.effect, target));
        if let Some(above) = lacks_second(&wanted.effect, id, ledger, target, policy) {
            plan.discrepancies.push(held(&wanted.effect, id, above.clone(), true, now));
            wanted.verdict = Verdict::Hold(HoldReason::Limit(above));
            continue;
        }
        if wanted.intent.is_some() {
            continue;
        }
        let mut after = [order, spent.pass, spent.day].map(|sum| sum.plus(amount));
        if planted!("no_limit_per_order") {
            after = [amount, after[1], after[2]];
        }
        if planted!("no_limit_per_pass") {
            after = [after[0], amount, after[2]];
        }
        if let Some(reached) = ceiling(after, policy, target.currency).filter(|_| !is_approved(&ledger.approved, id)) {
            plan.discrepancies.push(held(&wanted.effect, id, reached.clone(), false, now));
            wanted.verdict = Verdict::Hold(HoldReason::Limit(reached));
            continue;
        }
        [order, spent.pass, spent.day] = after;
    }
}

/// The threshold above which two operators must agree to a refund, when they have not. What may have left is not held
/// back: its repeat moves no more money. Two who agreed to an effect agreed to starting it anew.
fn lacks_second(
    effect: &intent::Effect, id: IntentId, ledger: &Ledger, target: &Target, policy: &Policy,
) -> Option<String> {
    let above =
        policy.two_person_above.filter(|_| consent::needs_two(effect.kind, effect.amount, policy.two_person_above))?;
    let may_have_left = ledger.intents.iter().any(|intent| intent.id == id && intent.first_sent_at.is_some());
    let agreed = consent::is_countersigned(id, effect, &ledger.intents, |id| ledger.countersigned.contains(&id));
    let held = !may_have_left && !agreed;
    held.then(|| format!("two_person_above ({} {})", above.decimal(target.currency), target.currency))
}

/// What this order's refunds took, or may have: one that was given up counts too once it was sent, since it may have
/// landed, unless it was started anew.
fn refunds_of(ledger: &Ledger, now: Timestamp) -> Minor {
    let refunds = ledger.intents.iter().filter(|intent| intent.effect.kind == Kind::Refund);
    let counted = refunds.clone().filter(|intent| {
        let is_reserved = consent::is_reserved(&intent.state, intent.first_sent_at, now);
        is_reserved || intent.state == intent::State::Confirmed
    });
    let is_anew = |given_up: &intent::Intent| {
        counted.clone().any(|intent| intent.effect.reference == given_up.effect.reference && intent.id != given_up.id)
    };
    let given_up = refunds.filter(|intent| {
        let may_have_left = intent.state == intent::State::Abandoned && intent.first_sent_at.is_some();
        may_have_left && !consent::is_reserved(&intent.state, intent.first_sent_at, now) && !is_anew(intent)
    });
    counted.clone().chain(given_up).map(|intent| intent.effect.amount).collect()
}

fn is_approved(approved: &BTreeSet<IntentId>, id: IntentId) -> bool {
    approved.contains(&id)
}

/// The first ceiling that `[order, pass, day]` would pass, by its configuration key and value.
fn ceiling(after: [Minor; 3], policy: &Policy, currency: Currency) -> Option<String> {
    let ceilings = [
        ("refund_limit_per_order", policy.refund_limit_per_order),
        ("refund_limit_per_pass", policy.refund_limit_per_pass),
        ("refund_limit_per_day", policy.refund_limit_per_day),
    ];
    let reached = ceilings.into_iter().zip(after).find(|((_, limit), sum)| sum > limit);
    reached.map(|((name, limit), _)| format!("{name} ({} {currency})", limit.decimal(currency)))
}

fn held(effect: &intent::Effect, intent: IntentId, reached: String, needs_two: bool, now: Timestamp) -> Discrepancy {
    Discrepancy {
        kind: BreakKind::LimitReached,
        credit_invoice: effect.credit_invoice.as_ref().map(|(_, number)| number.clone()),
        subject: intent.to_string(),
        amount: Some(effect.amount),
        finding: Finding::Limit {
            reached,
            amount: effect.amount,
            reference: effect.reference.clone(),
            intent,
            needs_two,
        },
        state: None,
        due: now,
    }
}
