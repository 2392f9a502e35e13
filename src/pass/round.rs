//! A batch of orders, from reading Klarna to recording outcomes, round after round while something was achieved.
//!
//! A round decides on facts and on what was confirmed in the round before: a refund that Klarna confirmed makes the
//! credit invoice's payment due at once. No request is ever repeated here; that is for a later look.

mod look;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use crate::report::{EffectRow, Outcome};
use reconciled_core::decide::decide;
use reconciled_core::facts::{Facts, KlarnaSide, ShopOrder};
use reconciled_core::id::{IntentId, OrderId};
use reconciled_core::intent::{Event, Kind, Target};
use reconciled_core::limits::{self, Spent};
use reconciled_core::link::Chosen;
use reconciled_core::money::{Currency, Minor};
use reconciled_core::plan::Plan;
use reconciled_core::references::References;
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_store::{Dossier, Store, StoreError};

use super::Shop;
use super::act::{Fresh, lists_are_fresh};
use super::attempt::{Closed, Done, attempt};
use super::intend::{Intended, intended, target};
use super::tally::Tally;
use look::Look;

/// Refund, mark paid, and a last look without anything to do; one more for an order whose effect was refused, or of
/// which something was captured or released first.
const ROUNDS: u32 = 4;

/// Intents under way at the same time. What keeps the pace inside the servers' limits is the budget; this bounds memory and
/// sockets.
const SENDS_AT_ONCE: usize = 128;

/// Whether this pass may write to the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    Act,
    /// `--dry-run`, or `act = false`.
    Plan,
    /// An earlier edition of the rules had judged the order; the next pass acts.
    LooksBack,
    Stopped,
}

/// The rounds of one pass: what it has spent, and what it must look at again.
pub(super) struct Rounds<'a, S, T: Transport, C: Clock> {
    shop: &'a Shop<S, T, C>,
    currency: Currency,
    /// When the shop was asked what changed.
    listed: Duration,
    permission: Permission,
    spent: Spent,
    counted: BTreeSet<OrderId>,
    /// Orders with a lost answer, and when a look at them is worth it.
    again: BTreeMap<OrderId, Timestamp>,
    /// Intents whose outcome is unknown, until a later look says more.
    open: BTreeMap<IntentId, EffectRow>,
    /// The shop answered a write of this pass without refusing the key.
    marked: bool,
    /// Orders that an earlier edition of the rules had judged: this pass looks back at them and acts on nothing.
    looked_back: BTreeSet<OrderId>,
    /// What the shop's linked orders show of references.
    learnt: References,
}

/// One order in one round.
pub(super) struct Decision {
    pub(super) dossier: Dossier,
    pub(super) facts: Facts,
    pub(super) plan: Plan,
    pub(super) target: Target,
    pub(super) intended: Intended,
    pub(super) fresh: Fresh,
}

impl<'a, S: Store, T: Transport, C: Clock> Rounds<'a, S, T, C> {
    pub(super) async fn begin(
        shop: &'a Shop<S, T, C>, currency: Currency, listed: Duration, dry_run: bool,
    ) -> Result<Self, StoreError> {
        let permission = if dry_run || !shop.policy.act && !planted!("act_false_is_ignored") {
            Permission::Plan
        } else if shop.store.is_stopped().await? {
            Permission::Stopped
        } else {
            Permission::Act
        };
        let day_ago = shop.clock.now().checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        let spent = Spent { pass: Minor::ZERO, day: shop.store.spent(day_ago).await? };
        let (counted, again, open) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        let (looked_back, learnt) = (BTreeSet::new(), shop.store.references().await?);
        Ok(Self { shop, currency, listed, permission, spent, counted, again, open, marked: false, looked_back, learnt })
    }

    /// Orders whose lost answer is worth another look within `patience`, and when.
    pub(super) fn second_look(
        &mut self, now: Timestamp, patience: SignedDuration,
    ) -> Option<(Timestamp, Vec<OrderId>)> {
        let soon = now.checked_add(patience).unwrap_or(Timestamp::MAX);
        let orders: Vec<_> = self.again.iter().filter(|(_, at)| **at <= soon).map(|(id, at)| (*id, *at)).collect();
        let at = orders.iter().map(|(_, at)| *at).max()?;
        self.again.clear();
        Some((at, orders.into_iter().map(|(id, _)| id).collect()))
    }

    /// Effects whose outcome is still unknown when the pass ends.
    pub(super) fn say_what_is_open(&mut self, tally: &mut Tally<'_>) {
        for row in std::mem::take(&mut self.open).into_values() {
            tally.effect(row);
        }
    }

    /// The shop was asked once more what changed.
    pub(super) const fn listed_again(&mut self, at: Duration) {
        self.listed = at;
    }

    pub(super) fn lists_are_fresh(&self) -> bool {
        lists_are_fresh(&self.shop.clock, self.listed)
    }

    /// Works on a batch until a round achieves nothing more. Gives back the orders that still have to be looked at when
    /// the shop's lists have aged meanwhile.
    pub(super) async fn run(
        &mut self, orders: Vec<OrderId>, tally: &mut Tally<'_>,
    ) -> Result<Vec<OrderId>, StoreError> {
        tally.progress.stage("reconciling");
        let count = orders.len();
        let mut current = orders;
        let (mut looks, mut left) = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..ROUNDS {
            if tally.stop.is_asked() {
                return Ok(Vec::new());
            }
            if current.is_empty() || !self.lists_are_fresh() {
                break;
            }
            let dossiers = self.shop.store.dossiers(current).await?;
            let dossiers = self.look(dossiers, &mut looks, tally).await;
            let (decisions, moved) = self.decide(dossiers, &looks, tally).await?;
            current = self.act(decisions, &mut looks, tally).await?;
            current.extend(moved.keys());
            left = moved;
        }
        if !self.lists_are_fresh() {
            return Ok(current);
        }
        for (order, why) in left {
            tally.not_checked(super::poll::named(order), why);
        }
        tally.progress.advance(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(Vec::new())
    }

    /// Decides every order of the batch and commits the decisions together. Gives besides those of which a human said
    /// something, or another program moved something, meanwhile: another round decides them anew.
    async fn decide(
        &mut self, dossiers: Vec<Dossier>, looks: &BTreeMap<OrderId, Look>, tally: &mut Tally<'_>,
    ) -> Result<(Vec<Decision>, BTreeMap<OrderId, String>), StoreError> {
        let now = self.shop.clock.now();
        let mut decisions = Vec::with_capacity(dossiers.len());
        for dossier in dossiers {
            let Some(look) = looks.get(&dossier.shop.id) else { continue };
            let number = dossier.shop.number.clone();
            match self.decide_one(dossier, look, now) {
                Ok(decision) => {
                    self.count(&decision, tally);
                    decisions.push(decision);
                }
                // One order that cannot be decided keeps no other one waiting.
                Err(why) => tally.not_checked(format!("order {number}"), why.to_string()),
            }
        }
        let to_commit = decisions.iter().map(|decision| decision.intended.decided.clone()).collect();
        let results = self.shop.store.decide(tally.pass, now, to_commit).await?;
        let (mut committed, mut moved) = (Vec::with_capacity(decisions.len()), BTreeMap::new());
        for (decision, result) in decisions.into_iter().zip(results) {
            if result.is_err() {
                self.spent.take_back(&decision.plan);
            }
            match result {
                Ok(()) => committed.push(decision),
                Err(why @ StoreError::Moved(order)) => drop(moved.insert(order, why.to_string())),
                Err(why) => tally.not_checked(format!("order {}", decision.facts.shop.number), why.to_string()),
            }
        }
        Ok((committed, moved))
    }

    fn decide_one(&mut self, dossier: Dossier, look: &Look, now: Timestamp) -> Result<Decision, StoreError> {
        let Chosen { id, side, beside } = look.asked.chosen.clone();
        let facts = Facts {
            currency: self.currency,
            shared_with: dossier.shared_with(id.as_ref()),
            shop: ShopOrder { klarna_order_id: id, ..dossier.shop.clone() },
            klarna: side,
            beside,
            is_told: dossier.told.is_some(),
            read_at: look.read_at,
            shop_read_at: dossier.shop_read_at,
        };
        let mut plan = decide(&dossier.ledger, &facts, &self.shop.policy, now);
        if dossier.is_outdated {
            self.looked_back.insert(dossier.shop.id);
        }
        let target = target(&facts, &dossier.ledger);
        limits::admit(&mut plan, &dossier.ledger, &target, &self.shop.policy, &mut self.spent, now);
        let may_act = self.permission_for(dossier.shop.id) == Permission::Act;
        let intended = intended(&dossier, &facts, &plan, &target, may_act, now);
        let mut intended = intended.inspect_err(|_| self.spent.take_back(&plan))?;
        intended.decided.asked.clone_from(&look.asked.learnt);
        let fresh = Fresh { read: look.started, listed: self.listed };
        Ok(Decision { dossier, facts, plan, target, intended, fresh })
    }

    /// What was concluded under earlier rules is judged again before anything is done about it.
    fn permission_for(&self, order: OrderId) -> Permission {
        let looks_back = self.permission == Permission::Act && self.looked_back.contains(&order);
        if looks_back { Permission::LooksBack } else { self.permission }
    }

    fn count(&mut self, decision: &Decision, tally: &mut Tally<'_>) {
        if self.counted.insert(decision.facts.shop.id) {
            let credits = u64::try_from(decision.facts.shop.credit_invoices.len()).unwrap_or(u64::MAX);
            let read = u64::from(!matches!(decision.facts.klarna, KlarnaSide::Unlinked | KlarnaSide::Disowned));
            tally.checked.orders = tally.checked.orders.saturating_add(1);
            tally.checked.credit_invoices = tally.checked.credit_invoices.saturating_add(credits);
            tally.checked.klarna_orders = tally.checked.klarna_orders.saturating_add(read);
        }
    }

    /// Sends what was intended. Returns the orders about which another round can conclude something.
    async fn act(
        &mut self, decisions: Vec<Decision>, looks: &mut BTreeMap<OrderId, Look>, tally: &mut Tally<'_>,
    ) -> Result<Vec<OrderId>, StoreError> {
        for decision in &decisions {
            self.say_what_waits(decision, tally);
        }
        let mut achieved = BTreeSet::new();
        for jobs in self.in_turn(&decisions) {
            let (shop, pass, closed) = (self.shop, tally.pass, Closed::of(tally));
            let sends = stream::iter(jobs).map(|(decision, id)| attempt(shop, pass, decision, id, &closed));
            let mut sends = std::pin::pin!(sends.buffer_unordered(SENDS_AT_ONCE));
            while let Some(result) = sends.next().await {
                let (decision, id, done) = result?;
                self.conclude(decision, id, done, looks, &mut achieved, tally);
            }
        }
        Ok(achieved.into_iter().collect())
    }

    /// What is to be sent, and what waits for the answer to it: the first credit invoice that a pass marks paid goes
    /// alone, since a key without the permission would leave an unknown outcome behind each that goes along.
    fn in_turn<'d>(&self, decisions: &'d [Decision]) -> [Vec<(&'d Decision, IntentId)>; 2] {
        let of = |decision: &'d Decision| decision.intended.to_send.iter().map(move |id| (decision, *id));
        let (mut now, mut then) = (Vec::new(), Vec::new());
        let mut may_mark = true;
        for (decision, id) in decisions.iter().flat_map(of) {
            let marks = decision.row_of(id).is_some_and(|row| !row.kind.is_klarna());
            let waits = marks && !self.marked && !std::mem::replace(&mut may_mark, false);
            if waits { then.push((decision, id)) } else { now.push((decision, id)) }
        }
        [now, then]
    }

    /// What one attempt came to: its line in the report, and whether its order is decided once more.
    fn conclude(
        &mut self, decision: &Decision, id: IntentId, done: Done, looks: &mut BTreeMap<OrderId, Look>,
        achieved: &mut BTreeSet<OrderId>, tally: &mut Tally<'_>,
    ) {
        let order = decision.facts.shop.id;
        let Some(mut row) = decision.row_of(id) else { return };
        match done {
            Done::Withheld(why) => {
                row.outcome = Outcome::Held;
                row.why = why;
                tally.effect(row);
            }
            Done::Stale => {
                looks.remove(&order);
                achieved.insert(order);
            }
            Done::Unkept => {
                row.outcome = Outcome::Unknown;
                row.why = "its answer does not fit what was recorded meanwhile; the next pass looks for it".to_owned();
                tally.effect(row);
            }
            Done::Recorded(recorded) => {
                row.outcome = recorded.outcome;
                row.why = if recorded.outcome == Outcome::Confirmed { row.why } else { recorded.why };
                self.follow_up(&row, order, recorded.event, looks, achieved);
                match recorded.refused {
                    Some(said) if row.kind.is_klarna() => tally.close_account(&said),
                    Some(said) => tally.close_marking(&said),
                    None => self.marked |= !row.kind.is_klarna(),
                }
                tally.effect(row);
            }
        }
    }

    fn follow_up(
        &mut self, row: &EffectRow, order: OrderId, event: Event, looks: &mut BTreeMap<OrderId, Look>,
        achieved: &mut BTreeSet<OrderId>,
    ) {
        match event {
            Event::Confirmed | Event::Seen => {
                self.open.remove(&row.intent);
                achieved.insert(order);
                // What may be released or refunded now, only a read shows that has the capture in it; and what is
                // settled by a release, only one that has the release in it.
                if matches!(row.kind, Kind::Capture | Kind::Release) {
                    looks.remove(&order);
                }
            }
            // A capture may have won the race against a cancel: read again, then decide.
            Event::Rejected => {
                self.open.remove(&row.intent);
                looks.remove(&order);
                achieved.insert(order);
            }
            // The newest answer is what the report tells, not the one before it.
            Event::Lost => {
                self.open.remove(&row.intent);
                if row.kind.is_klarna() {
                    let settled = reconciled_core::policy::SETTLE_DELAY;
                    let at = self.shop.clock.now().checked_add(settled).unwrap_or(Timestamp::MAX);
                    self.again.insert(order, at);
                }
            }
            Event::Throttled | Event::NotSent | Event::Claimed | Event::Withdrawn | Event::Abandoned => {}
        }
    }

    /// Effects that are due and do not leave in this round, and intents whose outcome is open.
    fn say_what_waits(&mut self, decision: &Decision, tally: &mut Tally<'_>) {
        let permission = self.permission_for(decision.facts.shop.id);
        for row in decision.waiting(permission) {
            tally.effect(row);
        }
        decision.superseded().into_iter().for_each(|intent| tally.superseded(intent));
        if let Some(at) = decision.after_refusal(tally.started_at) {
            self.again.insert(decision.facts.shop.id, at);
        }
        for row in decision.lost() {
            if row.outcome == Outcome::Confirmed {
                self.open.remove(&row.intent);
                tally.effect(row);
                continue;
            }
            self.open.insert(row.intent, row);
            if let Some(at) = decision.plan.look_again.filter(|_| permission == Permission::Act) {
                self.again.insert(decision.facts.shop.id, at);
            }
        }
    }
}
