//! One decision in the making: what is known, and what was concluded so far.

use jiff::{SignedDuration, Timestamp};

use super::is_closed;
use crate::attribution::{Attributed, attribute};
use crate::consent;
use crate::credit_invoice::{self, CreditInvoice};
use crate::facts::{CreditInvoiceFacts, Facts, KlarnaOrder, ShopOrder, ShopStatus};
use crate::id::{IntentId, InvoiceId, Reference};
use crate::intent::{self, Effect, Intent, Kind, State, Target};
use crate::ledger::Ledger;
use crate::money::Minor;
use crate::order::{self, Order};
use crate::plan::{HoldReason, Note, Plan, Verdict, Wanted};
use crate::policy::{AMOUNT_TOLERANCE, LONGEST_WAIT, Policy};
use crate::share::Share;
use crate::situation::Authorization;
use std::collections::{BTreeMap, BTreeSet};

const GONE: &str = "what Klarna showed as refunded and shows no more";

/// The working state of `decide`; lives for one call.
pub(super) struct Case<'a> {
    pub ledger: &'a Ledger,
    pub facts: &'a Facts,
    pub shop: &'a ShopOrder,
    pub policy: &'a Policy,
    pub now: Timestamp,
    pub attributed: Attributed,
    /// The shop cancelled the order, now or ever before.
    pub cancelled: bool,
    /// The order's machine with this plan's events applied.
    pub order: Order,
    /// The credit invoices' machines with this plan's events applied.
    pub credits: BTreeMap<InvoiceId, CreditInvoice>,
    /// What of the order Klarna is to take (`checks::agreement`).
    pub share: Share,
    /// What of a credit invoice must go back by other means than Klarna.
    pub otherwise: BTreeMap<InvoiceId, Minor>,
    /// What both sides disagree on; every effect waits for it.
    pub disagreement: Option<&'static str>,
    /// What may still be refunded: captured, minus refunded, in flight and promised to a credit invoice.
    pub room: Minor,
    /// Credit invoices over what was never captured and never will be.
    pub never_owed: BTreeSet<InvoiceId>,
    pub authorization: Authorization,
    /// What Klarna may still capture, and what it did.
    pub authorized: Minor,
    pub captured: Minor,
    /// What could be refunded when the decision began.
    pub refundable: Minor,
    /// What reads said was refunded beyond what they say now: the money guard goes on counting it.
    pub gone: Minor,
    pub plan: Plan,
}

/// What the intents say about a wanted effect.
pub(super) enum Standing {
    /// None exists, the last one was withdrawn before it was sent, or a human had it started anew: this generation may
    /// be intended.
    Free { generation: u32 },
    /// Planned and not sent: it may go.
    Planned(Intent),
    /// Under way, unknown, or confirmed: nothing new.
    Taken,
    /// Refused by the other side, or given up: a human decides.
    Ended(Intent),
}

impl<'a> Case<'a> {
    pub(super) fn new(
        ledger: &'a Ledger, facts: &'a Facts, klarna: &KlarnaOrder, policy: &'a Policy, now: Timestamp,
    ) -> Self {
        let mut case = Self::blind(ledger, facts, policy, now);
        case.attributed = attribute(ledger, case.shop, klarna, policy, case.cancelled);
        case.room = klarna.captured.less(case.attributed.refunded).less(case.refunds_in_flight());
        case.refundable = case.room;
        if ledger.judged_under.as_ref() == Some(&klarna.id) {
            let ever = ledger.most_refunded.plus(case.attributed.never_shown);
            case.gone = ever.less(case.attributed.refunded);
        }
        case.captured = klarna.captured;
        case.authorization = Authorization::of(klarna);
        case.authorized = if is_closed(klarna) { Minor::ZERO } else { klarna.remaining };
        case.look_when_reservations_end();
        case
    }

    /// A case without Klarna's side: nothing about money can be concluded.
    pub(super) fn blind(ledger: &'a Ledger, facts: &'a Facts, policy: &'a Policy, now: Timestamp) -> Self {
        let shop = &facts.shop;
        let cancelled = shop.status.is(&ShopStatus::Cancelled) || ledger.order.was_cancelled();
        let mut credits: BTreeMap<_, _> = ledger.credits.iter().map(|(id, held)| (*id, held.state.clone())).collect();
        for credit in &shop.credit_invoices {
            credits.entry(credit.id).or_insert(CreditInvoice::Pending);
        }
        Self {
            ledger,
            facts,
            shop,
            policy,
            now,
            attributed: Attributed::default(),
            cancelled,
            order: ledger.order,
            credits,
            share: Share::whole(shop.total.clone().unwrap_or_default()),
            otherwise: BTreeMap::new(),
            disagreement: None,
            room: Minor::ZERO,
            never_owed: BTreeSet::new(),
            authorization: Authorization::Unread,
            authorized: Minor::ZERO,
            captured: Minor::ZERO,
            refundable: Minor::ZERO,
            gone: Minor::ZERO,
            plan: Plan::default(),
        }
    }

    pub(super) fn finish(self) -> Plan {
        self.plan
    }

    /// Records an event of the order if the machine has a row for it: facts that lag behind are no events. What the two
    /// sides disagree on concludes nothing.
    pub(super) fn order_event(&mut self, event: order::Event) {
        if let Ok(next) = self.order.apply(event)
            && next != self.order
            && (next.stage() == self.order.stage() || self.may_conclude(next.is_concluded()))
        {
            self.order = next;
            self.plan.order_events.push(event);
        }
    }

    pub(super) fn credit_event(&mut self, id: InvoiceId, event: credit_invoice::Event) {
        let Some(state) = self.credits.get(&id) else { return };
        if let Ok(next) = state.clone().apply(event.clone())
            && self.may_conclude(next.is_concluded())
        {
            self.credits.insert(id, next);
            self.plan.credit_events.push((id, event));
        }
    }

    /// Nothing that is final is concluded from facts that do not agree.
    fn may_conclude(&self, is_final: bool) -> bool {
        !is_final || self.disagreement.is_none() || planted!("final_while_amounts_differ")
    }

    pub(super) fn credit_state(&self, id: InvoiceId) -> CreditInvoice {
        self.credits.get(&id).cloned().unwrap_or(CreditInvoice::Pending)
    }

    /// The shop's credit invoices, oldest first, whatever order the shop listed them in.
    pub(super) fn credit_facts(&self) -> Vec<&'a CreditInvoiceFacts> {
        let mut credits: Vec<_> = self.shop.credit_invoices.iter().collect();
        credits.sort_by_key(|credit| (credit.created_at, credit.id));
        credits
    }

    pub(super) fn intent_note(&mut self, id: IntentId, note: Note) {
        self.plan.intent_notes.push((id, note));
    }

    /// An amount in words.
    pub(super) fn money(&self, amount: Minor) -> String {
        format!("{} {currency}", amount.decimal(self.facts.currency), currency = self.facts.currency)
    }

    /// Time alone may change the decision at `at`.
    pub(super) fn look_again(&mut self, at: Timestamp) {
        if at > self.now {
            self.plan.look_again = Some(self.plan.look_again.map_or(at, |sooner| sooner.min(at)));
        }
    }

    /// When a difference that began at `since` is a break.
    pub(super) fn past_grace(&self, since: Timestamp) -> Timestamp {
        // Dated by a clock that was ahead: what waited for that date would wait for weeks.
        let since = if since > after(self.now, LONGEST_WAIT) { Timestamp::UNIX_EPOCH } else { since };
        after(since, self.policy.grace)
    }

    /// Every intent for the same effect, oldest first.
    pub(super) fn intents_of(&self, kind: Kind, reference: &Reference) -> impl Iterator<Item = &'a Intent> {
        let reference = reference.clone();
        self.ledger
            .intents
            .iter()
            .filter(move |intent| intent.effect.kind == kind && intent.effect.reference == reference)
    }

    pub(super) fn standing(&self, kind: Kind, reference: &Reference) -> Standing {
        let Some(last) = self.intents_of(kind, reference).max_by_key(|intent| intent.effect.generation) else {
            return Standing::Free { generation: 0 };
        };
        let next = Standing::Free { generation: last.effect.generation.saturating_add(1) };
        match last.state {
            State::Planned if self.is_noted(last) => Standing::Taken,
            State::Planned => Standing::Planned(last.clone()),
            State::Sending | State::Unknown | State::Confirmed => Standing::Taken,
            State::Withdrawn => next,
            State::Rejected if planted!("timeout_is_failure") => next,
            State::Rejected | State::Abandoned if self.ledger.approved.contains(&last.id) => next,
            State::Rejected | State::Abandoned => Standing::Ended(last.clone()),
        }
    }

    /// This plan already says what became of the intent.
    pub(super) fn is_noted(&self, intent: &Intent) -> bool {
        self.plan.intent_notes.iter().any(|(id, _)| *id == intent.id)
    }

    /// This plan says that the read shows the intent's effect.
    pub(super) fn is_noted_seen(&self, intent: &Intent) -> bool {
        self.plan.intent_notes.iter().any(|(id, note)| *id == intent.id && matches!(note, Note::Seen { .. }))
    }

    /// Wants an effect that is due, with what the guards say to it.
    pub(super) fn want(&mut self, effect: Effect, why: String, standing: &Standing) -> Verdict {
        let (generation, intent) = match standing {
            Standing::Free { generation } => (*generation, None),
            Standing::Planned(intent) => (intent.effect.generation, Some(intent)),
            Standing::Taken | Standing::Ended(_) => return Verdict::Act,
        };
        let mut verdict = self.guards(effect.kind);
        let is_ahead = |at: &Timestamp| *at > self.now && *at <= after(self.now, LONGEST_WAIT);
        if let Some(at) = intent.and_then(|intent| intent.not_before).filter(is_ahead)
            && verdict == Verdict::Act
        {
            self.look_again(at);
            verdict = Verdict::Hold(HoldReason::NotBefore(at));
        }
        if intent.is_none() && verdict == Verdict::Act && self.counts_what_is_gone(&effect) {
            verdict = Verdict::Hold(HoldReason::Disagreement(GONE));
        }
        let effect = intent.map_or(Effect { generation, ..effect }, |intent| intent.effect.clone());
        let intent = intent.map(|intent| intent.id);
        self.plan.effects.push(Wanted { effect, verdict: verdict.clone(), why, intent, left_out: None });
        verdict
    }

    /// Wants a capture, and remembers which credit invoices lowered it: what is decided later rests on that and not on
    /// two companies' clocks.
    pub(super) fn want_capture(
        &mut self, effect: Effect, why: String, standing: &Standing, left_out: Vec<(InvoiceId, Minor)>,
    ) {
        self.want(effect, why, standing);
        if let Some(wanted) = self.plan.effects.last_mut().filter(|wanted| wanted.effect.kind == Kind::Capture) {
            wanted.left_out = Some(left_out);
        }
    }

    /// Shows an effect that waits for a human's word: it is in the plan with the id that `approve` asks for, and is
    /// never sent.
    pub(super) fn want_asked(&mut self, effect: Effect, why: String, standing: &Standing) {
        let intent = match standing {
            Standing::Free { .. } => None,
            Standing::Planned(intent) => Some(intent.id),
            Standing::Taken | Standing::Ended(_) => return,
        };
        let verdict = match self.guards(effect.kind) {
            Verdict::Act => Verdict::Hold(HoldReason::Undecided),
            held @ Verdict::Hold(_) => held,
        };
        self.plan.effects.push(Wanted { effect, verdict, why, intent, left_out: None });
    }

    /// The id under which an effect of this order is known to humans, whether or not it is an intent yet.
    pub(super) fn id_of(&self, effect: &Effect) -> IntentId {
        let target = Target {
            shop: self.ledger.shop.clone(),
            whose: self.ledger.whose.clone(),
            order: self.shop.id,
            klarna_order_id: self.shop.klarna_order_id.clone(),
            currency: self.facts.currency,
        };
        intent::id(effect, &target)
    }

    /// An unknown intent that may be sent again with its own key and content.
    pub(super) fn want_again(&mut self, intent: &Intent, why: String) {
        let verdict = self.guards(intent.effect.kind);
        let (effect, intent) = (intent.effect.clone(), Some(intent.id));
        self.plan.effects.push(Wanted { effect, verdict, why, intent, left_out: None });
    }

    fn guards(&self, kind: Kind) -> Verdict {
        if let Some(note) = &self.ledger.hold {
            return Verdict::Hold(HoldReason::Operator(note.clone()));
        }
        if let Some(what) = self.disagreement {
            return Verdict::Hold(HoldReason::Disagreement(what));
        }
        let unexplained = !self.attributed.unattributed.is_empty() || self.has_surplus();
        if kind == Kind::Refund && unexplained && !planted!("no_hold_on_foreign_refund") {
            return Verdict::Hold(HoldReason::Unattributed);
        }
        if matches!(kind, Kind::Refund | Kind::Capture)
            && let Some(credit) = self.credit_facts().into_iter().find(|credit| credit.amount.is_err())
        {
            return Verdict::Hold(HoldReason::Unreadable(credit.number.clone()));
        }
        Verdict::Act
    }

    /// With what reads showed as refunded before, and show no more, a new refund would exceed what is captured.
    fn counts_what_is_gone(&self, effect: &Effect) -> bool {
        let new = self.plan.effects.iter().filter(|wanted| {
            wanted.effect.kind == Kind::Refund && wanted.intent.is_none() && wanted.verdict == Verdict::Act
        });
        let asked: Minor = new.map(|wanted| wanted.effect.amount).collect();
        effect.kind == Kind::Refund
            && self.gone.is_positive()
            && asked.plus(effect.amount) > self.refundable.less(self.gone)
    }

    /// This plan holds a refund for what reads do not show any more.
    pub(super) fn misses_what_is_gone(&self) -> bool {
        let held = Verdict::Hold(HoldReason::Disagreement(GONE));
        self.plan.effects.iter().any(|wanted| wanted.verdict == held)
    }

    /// What has gone back for a credit invoice, as far as it is proven.
    pub(super) fn covered(&self, id: InvoiceId) -> Minor {
        self.attributed.covered(self.ledger, id, None)
    }

    /// More went back for a credit invoice than it asks for, and of a living order nothing explains the rest. What is left
    /// of a cancelled one is owed whatever it is called.
    fn has_surplus(&self) -> bool {
        let is_over = |credit: &CreditInvoiceFacts| {
            let refunded = self.attributed.by_credit.contains_key(&credit.id);
            let more = self.of_klarna(credit).map(|amount| self.covered(credit.id).minus(amount));
            refunded && more.is_ok_and(|more| more.get() > AMOUNT_TOLERANCE)
        };
        !self.cancelled && self.shop.credit_invoices.iter().any(is_over)
    }

    /// This plan captures something, or gives up what is authorized.
    pub(super) fn acts_on_authorization(&self) -> bool {
        let acts = |wanted: &Wanted| {
            let kind = wanted.effect.kind;
            wanted.verdict == Verdict::Act && matches!(kind, Kind::Capture | Kind::Cancel | Kind::Release)
        };
        self.plan.effects.iter().any(acts)
    }

    /// This plan wants the intent sent.
    pub(super) fn wants(&self, intent: &Intent) -> bool {
        self.plan.effects.iter().any(|wanted| wanted.intent == Some(intent.id))
    }

    /// What is refunded and what is in flight exceed what is captured: nothing of it may be sent.
    pub(super) fn is_overdrawn(&self, klarna: &KlarnaOrder) -> bool {
        let is_over = self.attributed.refunded.plus(self.refunds_in_flight()) > klarna.captured;
        is_over && !planted!("over_refund_within_one_pass")
    }

    /// Takes a credit invoice's part from what may still be refunded.
    pub(super) fn promise(&mut self, amount: Minor) {
        if planted!("over_refund_within_one_pass") {
            return;
        }
        self.room = self.room.less(amount);
    }

    /// It was given up, and may have left before that: its amount stays reserved until its time is over.
    pub(super) fn may_still_land(&self, intent: &Intent) -> bool {
        intent.state == State::Abandoned
            && consent::lands_until(&intent.state, intent.first_sent_at, self.now).is_some()
    }

    fn look_when_reservations_end(&mut self) {
        let given_up =
            |intent: &&Intent| intent.state == State::Abandoned && !self.attributed.seen.contains_key(&intent.id);
        let until = |intent: &Intent| consent::lands_until(&intent.state, intent.first_sent_at, self.now);
        let ends: Vec<_> = self.ledger.intents.iter().filter(given_up).filter_map(until).collect();
        for at in ends {
            self.look_again(at);
        }
    }

    /// Refund intents whose money may have left and that the read does not show.
    pub(super) fn refunds_in_flight(&self) -> Minor {
        let hidden = self.ledger.intents.iter().filter(|intent| {
            intent.effect.kind == Kind::Refund
                && (intent.state.is_in_flight() || self.may_still_land(intent))
                && !self.attributed.seen.contains_key(&intent.id)
        });
        hidden.map(|intent| intent.effect.amount).collect()
    }
}

pub(super) fn after(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
