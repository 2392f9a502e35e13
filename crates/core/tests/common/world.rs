//! A small world around the decision: a shop, a Klarna that keeps its word, people, lost answers and lagging reads.
//!
//! `step` plays one move. After each pass the plan is held against what must always be true, and what was sent
//! against what really happened; a breach panics with a sentence.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use reconciled_core::answer::{Answer, Said};
use reconciled_core::credit_invoice::{CreditInvoice, Event as CreditEvent};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::{
    CreditInvoiceFacts, Facts, Fraud, KlarnaCapture, KlarnaOrder, KlarnaRefund, KlarnaSide, KlarnaStatus, ShopStatus,
    Word,
};
use reconciled_core::id::{CaptureId, IntentId, InvoiceId, InvoiceNumber, Reference, RefundId};
use reconciled_core::intent::{self, Event, Intent, Kind, State, event_after, leaves_no_trace};
use reconciled_core::ledger::{Attribution, CreditRecord, Ledger, follows};
use reconciled_core::money::Minor;
use reconciled_core::order::Order;
use reconciled_core::plan::{Note, Plan, Verdict, Wanted};
use reconciled_core::policy::Mode;
use uuid::Uuid;

use super::{Scene, credit_states, long, order};

/// What becomes of the requests of one pass.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    Answered,
    /// It happened, and the answer was lost.
    LostAfter,
    /// It never arrived, and nobody can tell.
    LostBefore,
    NotSent,
    Throttled,
    CredentialRefused,
    /// The process died before the claim.
    DiedBefore,
    /// It died after the request had arrived.
    DiedAfter,
}

/// One thing that somebody does.
#[derive(Clone, Debug)]
pub enum Move {
    Credit(i64),
    Edit(usize, i64),
    PayByHand(usize),
    UnpayByHand(usize),
    Vanish(usize),
    Reappear,
    CancelInShop,
    ReopenInShop,
    Ship,
    CaptureByHand(i64),
    RefundByHand(i64),
    RefundByHandFor(usize),
    CancelAtKlarna,
    ReleaseAtKlarna,
    Expire,
    /// Klarna's support reopens an order that lapsed.
    Reopen,
    Fraud(Fraud),
    Hold(bool),
    Adopt(usize),
    RuleOut,
    Approve,
    Refunds(Mode),
    AdoptExact(bool),
    Wait(&'static str),
    Pass {
        fate: Fate,
        lag: bool,
    },
}

/// How Klarna lists refunds and captures.
#[derive(Clone, Copy, Debug)]
pub struct Reads {
    pub references: bool,
    pub ids: bool,
}

pub struct World {
    pub scene: Scene,
    reads: Reads,
    /// What was true at Klarna, and since when.
    history: Vec<(Timestamp, KlarnaOrder)>,
    vanished: Vec<CreditInvoiceFacts>,
    /// First answers by key, as long as Klarna remembers them.
    keys: BTreeMap<Uuid, (Timestamp, Answer)>,
    /// Effects of ours that really happened.
    pub ours: Vec<(Kind, Reference, Minor)>,
    portal: bool,
    count: u32,
}

const LAG: SignedDuration = SignedDuration::from_secs(3);

impl World {
    pub fn new(reads: Reads, captured: bool, change: impl FnOnce(Scene) -> Scene) -> Self {
        let scene = change(if captured { super::captured_order("100.00") } else { order("100.00") });
        let scene = scene.policy(|policy| {
            policy.refund_limit_per_order = super::eur("100000");
            policy.refund_limit_per_pass = super::eur("100000");
            policy.refund_limit_per_day = super::eur("100000");
        });
        let start = vec![(Timestamp::UNIX_EPOCH, scene.klarna().clone())];
        Self {
            scene,
            reads,
            history: start,
            vanished: Vec::new(),
            keys: BTreeMap::new(),
            ours: Vec::new(),
            portal: false,
            count: 0,
        }
    }

    pub fn truth(&self) -> &KlarnaOrder {
        &self.history.last().expect("the beginning").1
    }

    pub fn wait(&mut self, time: &str) {
        self.scene.now += long(time);
    }

    pub fn step(&mut self, step: &Move) {
        self.scene.now += SignedDuration::from_secs(1);
        match step {
            Move::Wait(time) => self.wait(time),
            Move::Pass { fate, lag } => {
                let _ = self.pass(*fate, *lag);
            }
            Move::Hold(on) => self.scene.ledger.hold = on.then(|| "held".to_owned()),
            Move::Adopt(which) => self.adopt(*which),
            Move::RuleOut => self.attribute(&Attribution::RuledOut),
            Move::Approve => self.approve(),
            Move::Refunds(mode) => self.scene.policy.refunds = *mode,
            Move::AdoptExact(on) => self.scene.policy.adopt_exact = *on,
            Move::Credit(_)
            | Move::Edit(..)
            | Move::PayByHand(_)
            | Move::UnpayByHand(_)
            | Move::Vanish(_)
            | Move::Reappear
            | Move::CancelInShop
            | Move::ReopenInShop
            | Move::Ship => self.in_the_shop(step),
            Move::CaptureByHand(_)
            | Move::RefundByHand(_)
            | Move::RefundByHandFor(_)
            | Move::CancelAtKlarna
            | Move::ReleaseAtKlarna
            | Move::Expire
            | Move::Reopen
            | Move::Fraud(_) => self.at_klarna(step),
        }
    }

    fn in_the_shop(&mut self, step: &Move) {
        let now = self.scene.now;
        self.count += 1;
        let count = self.count;
        let shop = &mut self.scene.facts.shop;
        let paid = |credit: &mut CreditInvoiceFacts, is_paid| {
            credit.paid = Word::Known(is_paid);
            credit.updated_at = now;
        };
        match step {
            Move::Credit(amount) => shop.credit_invoices.push(CreditInvoiceFacts {
                id: InvoiceId(u64::from(count)),
                number: InvoiceNumber(format!("INV{count}")),
                created_at: now,
                updated_at: now,
                amount: Ok(minor(*amount)),
                paid: Word::Known(false),
            }),
            Move::Edit(which, amount) => {
                if let Some(credit) = pick(&mut shop.credit_invoices, *which) {
                    credit.amount = Ok(minor(*amount));
                    credit.updated_at = now;
                }
            }
            Move::PayByHand(which) => {
                if let Some(credit) = pick(&mut shop.credit_invoices, *which) {
                    paid(credit, true);
                }
            }
            Move::UnpayByHand(which) => {
                if let Some(credit) = pick(&mut shop.credit_invoices, *which) {
                    paid(credit, false);
                }
            }
            Move::Vanish(which) if !shop.credit_invoices.is_empty() => {
                let gone = shop.credit_invoices.remove(which % shop.credit_invoices.len());
                self.vanished.push(gone);
            }
            Move::Reappear => shop.credit_invoices.extend(self.vanished.pop()),
            Move::CancelInShop => shop.status = Word::Known(ShopStatus::Cancelled),
            Move::ReopenInShop => shop.status = Word::Known(ShopStatus::Open),
            Move::Ship => {
                let shipped = self.scene.clone().shipped("0s").facts.shop;
                self.scene.facts.shop = shipped;
            }
            _ => {}
        }
        self.scene.facts.shop.updated_at = now;
    }

    fn at_klarna(&mut self, step: &Move) {
        let mut klarna = self.truth().clone();
        match step {
            Move::CaptureByHand(amount) => {
                let amount = minor(*amount).min(klarna.remaining);
                self.capture(&mut klarna, amount, None);
            }
            Move::RefundByHand(amount) => {
                let amount = minor(*amount).min(klarna.captured.less(klarna.refunded));
                self.portal = true;
                self.refund(&mut klarna, amount, None);
            }
            Move::RefundByHandFor(which) => {
                let credits = &mut self.scene.facts.shop.credit_invoices;
                let Some((number, amount)) = pick(credits, *which).map(|c| (c.number.0.clone(), c.amount.clone()))
                else {
                    return;
                };
                let amount = amount.unwrap_or_default().min(klarna.captured.less(klarna.refunded));
                self.portal = true;
                self.refund(&mut klarna, amount, Some(Reference(number)));
            }
            Move::CancelAtKlarna => cancel(&mut klarna),
            Move::ReleaseAtKlarna => release(&mut klarna),
            Move::Expire if klarna.captured.is_zero() => {
                klarna.remaining = Minor::ZERO;
                klarna.status = Word::Known(KlarnaStatus::Expired);
            }
            Move::Reopen if klarna.status.is(&KlarnaStatus::Expired) => {
                klarna.remaining = klarna.order_amount;
                klarna.status = Word::Known(KlarnaStatus::Authorized);
            }
            Move::Fraud(fraud) => klarna.fraud = Some(Word::Known(*fraud)),
            _ => {}
        }
        self.history.push((self.scene.now, klarna));
    }

    fn capture(&mut self, klarna: &mut KlarnaOrder, amount: Minor, reference: Option<Reference>) -> Option<String> {
        let open = matches!(klarna.status, Word::Known(KlarnaStatus::Authorized | KlarnaStatus::PartCaptured));
        if !open || !amount.is_positive() || amount > klarna.remaining {
            return None;
        }
        self.count += 1;
        let id = format!("c{}", self.count);
        klarna.captured = klarna.captured.plus(amount);
        klarna.remaining = klarna.remaining.minus(amount);
        let whole = klarna.remaining.is_zero();
        klarna.status = Word::Known(if whole { KlarnaStatus::Captured } else { KlarnaStatus::PartCaptured });
        let captured_at = Some(self.scene.now);
        klarna.captures.push(KlarnaCapture { id: CaptureId(id.clone()), amount, reference, captured_at });
        Some(id)
    }

    fn refund(&mut self, klarna: &mut KlarnaOrder, amount: Minor, reference: Option<Reference>) -> Option<String> {
        if !amount.is_positive() || amount > klarna.captured.less(klarna.refunded) {
            return None;
        }
        self.count += 1;
        let id = format!("r{}", self.count);
        klarna.refunded = klarna.refunded.plus(amount);
        let refunded_at = Some(self.scene.now);
        klarna.refunds.push(KlarnaRefund { id: RefundId(id.clone()), amount, reference, refunded_at });
        Some(id)
    }

    /// What a read shows now: perhaps what was true three seconds ago, perhaps without references or ids.
    fn read(&self, lag: bool) -> KlarnaOrder {
        let until = if lag { self.scene.now - LAG } else { self.scene.now };
        let (_, shown) = self.history.iter().rev().find(|(since, _)| *since <= until).expect("the beginning");
        let mut shown = shown.clone();
        for refund in &mut shown.refunds {
            refund.reference = refund.reference.take().filter(|_| self.reads.references);
            if !self.reads.ids {
                refund.id = RefundId::made_up(&format!("{:?}:{}", refund.refunded_at, refund.amount.get()));
            }
        }
        for capture in &mut shown.captures {
            capture.reference = capture.reference.take().filter(|_| self.reads.references);
        }
        shown
    }

    /// One pass: read, decide, make durable, send, record. Gives the scene it decided on, and the plan.
    pub fn pass(&mut self, fate: Fate, lag: bool) -> (Scene, Plan) {
        for intent in self.scene.ledger.intents.iter_mut().filter(|intent| intent.state == State::Sending) {
            intent.state = State::Unknown;
        }
        self.scene.facts.klarna = KlarnaSide::Read(self.read(lag));
        self.scene.facts.read_at = self.scene.now;
        self.scene.facts.shop_read_at = self.scene.now;
        let decided_on = self.scene.clone();
        let plan = self.scene.plan();
        must_be_sound(&decided_on, &plan);
        self.scene.ledger = applied(&decided_on, &plan);
        let mut to_send = Vec::new();
        for wanted in plan.effects.iter().filter(|wanted| wanted.verdict == Verdict::Act) {
            to_send.push(wanted.intent.unwrap_or_else(|| self.intend(wanted)));
        }
        for id in to_send {
            self.send(id, fate);
        }
        let mut once = BTreeSet::new();
        for (kind, reference, _) in self.ours.iter().filter(|(kind, ..)| *kind == Kind::Refund) {
            assert!(once.insert(reference.clone()), "one obligation was refunded twice by us: {kind:?} {reference}");
        }
        (decided_on, plan)
    }

    fn intend(&mut self, wanted: &Wanted) -> IntentId {
        let effect = &wanted.effect;
        let target = self.scene.target();
        let read = self.scene.klarna();
        let seen_before = match effect.kind {
            Kind::Refund => read.refunds.iter().map(|refund| refund.id.0.clone()).collect(),
            Kind::Capture => read.captures.iter().map(|capture| capture.id.0.clone()).collect(),
            Kind::Cancel | Kind::Release | Kind::Extend | Kind::MarkPaid => Vec::new(),
        };
        let planned = Intent::planned(effect.clone(), target, String::new(), self.scene.now);
        let id = planned.id;
        let left_out = wanted.left_out.clone();
        self.scene.ledger.intents.push(Intent { seen_before, left_out, ..planned });
        id
    }

    fn send(&mut self, id: IntentId, fate: Fate) {
        if matches!(fate, Fate::DiedBefore) {
            return;
        }
        self.scene.now += SignedDuration::from_secs(1);
        let now = self.scene.now;
        let intent = intent_mut(&mut self.scene.ledger, id);
        let before = intent.clone();
        intent.state = intent.state.clone().apply(Event::Claimed).expect("a claim");
        intent.attempts += 1;
        intent.first_sent_at.get_or_insert(now);
        intent.last_sent_at = Some(now);
        let intent = intent.clone();
        let answer = match fate {
            Fate::Answered => self.arrive(&intent),
            Fate::LostAfter => {
                self.arrive(&intent);
                Answer::Unknown(Said::default())
            }
            Fate::DiedAfter => {
                self.arrive(&intent);
                return;
            }
            Fate::LostBefore => Answer::Unknown(Said::default()),
            Fate::NotSent => Answer::NotSent(Said::default()),
            Fate::Throttled => Answer::Throttled { until: now + long("2m"), said: Said::default() },
            Fate::CredentialRefused => Answer::AccountRefused(Said::default()),
            Fate::DiedBefore => return,
        };
        self.record(&intent, &before, &answer);
    }

    fn record(&mut self, intent: &Intent, before: &Intent, answer: &Answer) {
        let event = event_after(answer, intent.attempts);
        let now = self.scene.now;
        let kept = intent_mut(&mut self.scene.ledger, intent.id);
        kept.state = State::Sending.apply(event).expect("a legal outcome");
        kept.ended_at = matches!(kept.state, State::Confirmed | State::Rejected).then_some(now);
        if leaves_no_trace(answer) {
            kept.attempts = before.attempts;
            kept.first_sent_at = before.first_sent_at;
            kept.last_sent_at = before.last_sent_at;
        }
        if let Answer::Throttled { until, .. } = answer {
            kept.not_before = Some(*until);
        }
        if let Answer::Done { id, .. } = answer {
            kept.made = id.clone().map(RefundId);
        }
        let following = follows(intent, event, kept.made.clone().as_ref());
        if let (Some(event), Some((id, _))) = (following, &intent.effect.credit_invoice)
            && let Some(held) = self.scene.ledger.credits.get_mut(id)
            && let Ok(next) = held.state.clone().apply(event)
        {
            held.state = next;
        }
    }

    /// The request arrives: it happens once per key, as long as the key is remembered.
    fn arrive(&mut self, intent: &Intent) -> Answer {
        let now = self.scene.now;
        if intent.effect.kind == Kind::MarkPaid {
            return self.mark_paid(intent);
        }
        if let Some((first, answer)) = self.keys.get(&intent.key)
            && now.duration_since(*first) < long("24h")
        {
            return answer.clone();
        }
        let mut klarna = self.truth().clone();
        let (amount, reference) = (intent.effect.amount, intent.effect.reference.clone());
        let made = match intent.effect.kind {
            Kind::Refund => self.refund(&mut klarna, amount, Some(reference)),
            Kind::Capture => self.capture(&mut klarna, amount, Some(reference)),
            Kind::Cancel => {
                cancel(&mut klarna);
                klarna.status.is(&KlarnaStatus::Cancelled).then(String::new)
            }
            Kind::Release => {
                release(&mut klarna);
                klarna.status.is(&KlarnaStatus::Captured).then(String::new)
            }
            Kind::Extend => {
                let open = matches!(klarna.status, Word::Known(KlarnaStatus::Authorized | KlarnaStatus::PartCaptured));
                klarna.expires_at = if open { Some(now + long("672h")) } else { klarna.expires_at };
                open.then(String::new)
            }
            Kind::MarkPaid => None,
        };
        let Some(made) = made else {
            let alone = intent.effect.kind == Kind::Refund && !self.portal;
            assert!(!alone, "a refund above what is left was asked for, and nobody else had refunded");
            return Answer::Rejected(Said::default());
        };
        self.history.push((now, klarna));
        self.ours.push((intent.effect.kind, intent.effect.reference.clone(), amount));
        let answer = Answer::Done { id: Some(made).filter(|id| !id.is_empty()), correlation_id: None };
        self.keys.insert(intent.key, (now, answer.clone()));
        answer
    }

    fn mark_paid(&mut self, intent: &Intent) -> Answer {
        let (id, _) = intent.effect.credit_invoice.clone().expect("a credit invoice to pay");
        let (now, truth) = (self.scene.now, self.truth().clone());
        let shop = &mut self.scene.facts.shop;
        let total = shop.total.clone().unwrap_or_default();
        let Some(credit) = shop.credit_invoices.iter_mut().find(|credit| credit.id == id) else {
            return Answer::Rejected(Said::default());
        };
        let amount = credit.amount.clone().unwrap_or_default();
        let proves = |klarna: &KlarnaOrder| {
            let under_it = klarna.refunds.iter().filter(|refund| {
                refund.reference.as_ref().is_some_and(|reference| reference.as_str() == credit.number.as_str())
            });
            under_it.map(|refund| refund.amount).collect::<Minor>() == amount
                || klarna.refunds.iter().any(|refund| refund.amount == amount)
                || klarna.refunded >= klarna.captured
                || klarna.captured.plus(amount) <= total
        };
        // What a read showed that lags may be over: somebody has captured since, and nobody can know.
        let shown = matches!(&self.scene.facts.klarna, KlarnaSide::Read(shown) if proves(shown));
        // A human adopted several refunds for it.
        let is_proven = shown || proves(&truth) || !self.scene.ledger.adopted.is_empty();
        assert!(is_proven, "{} was marked paid and nothing proves it", credit.number);
        credit.paid = Word::Known(true);
        credit.updated_at = now;
        Answer::Done { id: None, correlation_id: None }
    }

    /// A human says what the first unexplained refund was for.
    fn adopt(&mut self, which: usize) {
        let credits = &mut self.scene.facts.shop.credit_invoices;
        if let Some(id) = pick(credits, which).map(|credit| credit.id) {
            self.attribute(&Attribution::CreditInvoice(id));
        }
    }

    fn attribute(&mut self, to: &Attribution) {
        let plan = self.scene.plan();
        let found = plan.discrepancies.iter().find(|found| found.kind == BreakKind::RefundUnattributed);
        if let Some(found) = found {
            self.scene.ledger.adopted.insert(RefundId(found.subject.clone()), to.clone());
        }
    }

    /// A human starts anew what was refused.
    fn approve(&mut self) {
        let refused = self.scene.ledger.intents.iter().rev().find(|intent| intent.state == State::Rejected);
        self.scene.ledger.approved.extend(refused.map(|intent| intent.id));
    }
}

fn minor(cents: i64) -> Minor {
    Minor::new(cents).expect("a price")
}

fn pick<T>(of: &mut [T], which: usize) -> Option<&mut T> {
    let count = of.len();
    of.get_mut(which.checked_rem(count)?)
}

fn cancel(klarna: &mut KlarnaOrder) {
    if klarna.status.is(&KlarnaStatus::Authorized) {
        klarna.remaining = Minor::ZERO;
        klarna.status = Word::Known(KlarnaStatus::Cancelled);
    }
}

fn release(klarna: &mut KlarnaOrder) {
    if klarna.status.is(&KlarnaStatus::PartCaptured) {
        klarna.remaining = Minor::ZERO;
        klarna.status = Word::Known(KlarnaStatus::Captured);
    }
}

fn intent_mut(ledger: &mut Ledger, id: IntentId) -> &mut Intent {
    ledger.intents.iter_mut().find(|intent| intent.id == id).expect("an intent of the ledger")
}

/// The ledger with a plan's notes, events and new refunds in it, as the store would keep them. Every step must be
/// legal.
pub fn applied(scene: &Scene, plan: &Plan) -> Ledger {
    let mut ledger = scene.ledger.clone();
    for (id, note) in &plan.intent_notes {
        let intent = intent_mut(&mut ledger, *id);
        let event = match note {
            Note::Seen { made } => {
                intent.made = made.clone().or(intent.made.take());
                Event::Seen
            }
            Note::Withdrawn { .. } => Event::Withdrawn,
            Note::Absent { read_at } => {
                let is_old =
                    intent.absent_since.is_none_or(|since| intent.last_sent_at.is_some_and(|last| since <= last));
                intent.absent_since = if is_old { Some(*read_at) } else { intent.absent_since };
                continue;
            }
        };
        intent.state = intent.state.clone().apply(event).expect("a legal note");
        intent.ended_at = Some(scene.now);
    }
    for event in &plan.order_events {
        ledger.order = ledger.order.apply(*event).expect("a legal event of the order");
    }
    let mut states = credit_states(&ledger, &scene.facts);
    let mut credit = |id: InvoiceId, event: CreditEvent| {
        let next = states[&id].clone().apply(event).expect("a legal event of a credit invoice");
        states.insert(id, next);
    };
    for (id, event) in &plan.credit_events {
        credit(*id, event.clone());
    }
    for wanted in plan.effects.iter().filter(|wanted| wanted.effect.kind == Kind::Refund && wanted.intent.is_none()) {
        if let (Some((id, _)), Verdict::Act) = (&wanted.effect.credit_invoice, &wanted.verdict) {
            credit(*id, CreditEvent::Intended(intent::id(&wanted.effect, &scene.target())));
        }
    }
    keep(&mut ledger, states, &scene.facts);
    ledger
}

fn keep(ledger: &mut Ledger, states: BTreeMap<InvoiceId, CreditInvoice>, facts: &Facts) {
    for (id, state) in states {
        let listed = facts.shop.credit_invoices.iter().find(|credit| credit.id == id);
        if let Some(held) = ledger.credits.get_mut(&id) {
            held.state = state;
        } else if let Some(credit) = listed {
            let amount = credit.amount.clone().ok();
            let (number, created_at) = (credit.number.clone(), credit.created_at);
            ledger.credits.insert(id, CreditRecord { number, state, amount, created_at });
        }
    }
}

/// What is true of every plan, whatever the facts.
pub fn must_be_sound(scene: &Scene, plan: &Plan) {
    let after = applied(scene, plan);
    let acted: Vec<_> = plan.effects.iter().filter(|wanted| wanted.verdict == Verdict::Act).collect();
    let mut once = BTreeSet::new();
    for wanted in &plan.effects {
        let is_new = once.insert((wanted.effect.kind, wanted.effect.reference.clone()));
        assert!(is_new, "one effect is wanted twice: {:?}", wanted.effect);
    }
    let refunds = || acted.iter().filter(|wanted| wanted.effect.kind == Kind::Refund);
    let is_unattributed = plan.discrepancies.iter().any(|found| found.kind == BreakKind::RefundUnattributed);
    assert!(!is_unattributed || refunds().count() == 0, "a refund is wanted while one is unexplained");
    assert!(scene.ledger.hold.is_none() || acted.is_empty(), "an effect is wanted for a held order");
    if let KlarnaSide::Read(klarna) = &scene.facts.klarna {
        let seen = |intent: &Intent| {
            plan.intent_notes.iter().any(|(id, note)| *id == intent.id && !matches!(note, Note::Absent { .. }))
        };
        let of_ours = scene.ledger.intents.iter().filter(|intent| intent.effect.kind == Kind::Refund);
        let in_flight = of_ours.filter(|intent| intent.state.is_in_flight() && !seen(intent));
        let reserved: Minor = in_flight.map(|intent| intent.effect.amount).collect();
        let new: Minor =
            refunds().filter(|wanted| wanted.intent.is_none()).map(|wanted| wanted.effect.amount).collect();
        let sum = klarna.refunded.plus(reserved).plus(new);
        assert!(
            refunds().count() == 0 || sum <= klarna.captured,
            "refunded, in flight and new exceed what is captured"
        );
    }
    let was_cancelled = scene.ledger.order.was_cancelled() || scene.facts.shop.status.is(&ShopStatus::Cancelled);
    assert!(
        !was_cancelled && scene.ledger.order != Order::Expired
            || acted.iter().all(|wanted| wanted.effect.kind != Kind::Capture),
        "a capture is wanted for a cancelled or lapsed order"
    );
    for wanted in acted.iter().filter(|wanted| wanted.effect.kind == Kind::MarkPaid) {
        let (id, _) = wanted.effect.credit_invoice.as_ref().expect("a credit invoice to pay");
        let state = &after.credits[id].state;
        let is_proven = matches!(state, CreditInvoice::Refunded(_) | CreditInvoice::Cancelled);
        assert!(is_proven || wanted.intent.is_some(), "marking {id} paid is wanted, and it is {}", state.name());
    }
}
