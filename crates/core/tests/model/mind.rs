//! The real decision, asked about a state of the model.
//!
//! A row of the model becomes a ledger, a read becomes facts, and `core::decide` says what follows; equal questions are
//! asked once. Adds no rule of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use reconciled_core::credit_invoice::{CreditInvoice, Event as CreditEvent};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::{KlarnaRefund, Word};
use reconciled_core::id::{IntentId, InvoiceId, InvoiceNumber, Reference};
use reconciled_core::intent::{self, Effect, Kind};
use reconciled_core::ledger::CreditRecord;
use reconciled_core::money::Minor;
use reconciled_core::plan::{Note, Verdict};

use crate::common::{NOW, Scene, captured_order, eur};
use crate::state::{Credit, Intent, Made, Refund, Row, refund_id, refund_of};

const NUMBER: &str = "INV1";
const AMOUNT: &str = "25.00";

/// Everything a decision depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    pub row: Row,
    pub shown: Vec<Made>,
    pub read_at: u32,
    pub now: u32,
    pub paid: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    Nothing,
    Seen(Option<Refund>),
    Absent,
    Withdrawn,
}

/// What the plan says, in the model's words.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    pub noted: Noted,
    /// The credit invoice after the plan's events.
    pub credit: Credit,
    /// A new intent, with its key.
    pub intends: Option<u64>,
    /// The refund is to be sent now.
    pub sends: bool,
    pub marks_paid: bool,
    /// The ladder is climbed or the key too old: a human decides.
    pub asks_a_human: bool,
}

/// The order everything is about, and what was asked about it before.
#[derive(Clone)]
pub struct Mind {
    scene: Arc<Scene>,
    references: bool,
    answered: Arc<Mutex<HashMap<Question, Decision>>>,
}

pub fn at(seconds: u32) -> Timestamp {
    NOW + SignedDuration::from_secs(i64::from(seconds))
}

fn amount() -> Minor {
    eur(AMOUNT)
}

fn effect() -> Effect {
    Effect {
        kind: Kind::Refund,
        amount: amount(),
        reference: Reference(NUMBER.to_owned()),
        credit_invoice: Some((InvoiceId(1), InvoiceNumber(NUMBER.to_owned()))),
        generation: 0,
    }
}

impl Mind {
    /// Klarna's reads carry references, or not.
    pub fn new(references: bool) -> Self {
        let scene = captured_order("100.00").credit(NUMBER, AMOUNT, "3h");
        Self { scene: Arc::new(scene), references, answered: Arc::default() }
    }

    fn intent_id(&self) -> IntentId {
        intent::id(&effect(), &self.scene.target())
    }

    pub fn decide(&self, question: &Question) -> Decision {
        let known = self.answered.lock().unwrap_or_else(PoisonError::into_inner).get(question).copied();
        known.unwrap_or_else(|| {
            let decision = self.think(question);
            self.answered.lock().unwrap_or_else(PoisonError::into_inner).insert(question.clone(), decision);
            decision
        })
    }

    fn think(&self, question: &Question) -> Decision {
        let plan = self.scene(question).plan();
        let mut credit = question.row.credit.real(self.intent_id());
        let mut step = |event: CreditEvent| credit = credit.clone().apply(event).expect("a legal event of a plan");
        for (_, event) in &plan.credit_events {
            step(event.clone());
        }
        let mut decision = Decision {
            noted: Noted::Nothing,
            credit: Credit::Pending,
            intends: None,
            sends: false,
            marks_paid: false,
            asks_a_human: plan.discrepancies.iter().any(|found| found.kind == BreakKind::RefundUnconfirmed),
        };
        for wanted in plan.effects.iter().filter(|wanted| wanted.verdict == Verdict::Act) {
            match wanted.effect.kind {
                Kind::Refund => {
                    assert_eq!(wanted.effect, effect(), "another refund than the credit invoice's");
                    decision.sends = true;
                    if wanted.intent.is_none() {
                        assert!(question.row.intent.is_none(), "a second intent: {question:?}");
                        let key = intent::key(&wanted.effect, &self.scene.target());
                        decision.intends = Some(key.as_u64_pair().0);
                        step(CreditEvent::Intended(self.intent_id()));
                    }
                }
                Kind::MarkPaid => decision.marks_paid = true,
                Kind::Cancel | Kind::Release | Kind::Capture | Kind::Extend => {
                    panic!("nothing obliges {:?}", wanted.effect)
                }
            }
        }
        for (_, note) in &plan.intent_notes {
            decision.noted = match note {
                Note::Seen { made } => Noted::Seen(made.as_ref().map(refund_of)),
                Note::Absent { .. } => Noted::Absent,
                Note::Withdrawn { .. } => Noted::Withdrawn,
            };
        }
        decision.credit = Credit::of(&credit);
        decision
    }

    /// The question as a scene: what the store holds, and what both sides said.
    fn scene(&self, question: &Question) -> Scene {
        let mut scene = (*self.scene).clone().at(at(question.now));
        scene.facts.read_at = at(question.read_at);
        for credit in &mut scene.facts.shop.credit_invoices {
            credit.paid = Word::Known(question.paid);
        }
        let refunds: Vec<_> =
            question.shown.iter().zip(0_u8..).map(|(made, index)| self.listed(*made, index)).collect();
        scene = scene.klarna_says(|klarna| {
            klarna.refunded = refunds.iter().map(|refund| refund.amount).collect();
            klarna.refunds = refunds;
        });
        let state = question.row.credit.real(self.intent_id());
        if question.row.intent.is_some() || state != CreditInvoice::Pending {
            let number = InvoiceNumber(NUMBER.to_owned());
            let created_at = scene.facts.shop.credit_invoices[0].created_at;
            let record = CreditRecord { number, state, amount: Some(amount()), created_at };
            scene.ledger.credits.insert(InvoiceId(1), record);
        }
        scene.ledger.intents = question.row.intent.iter().map(|row| self.intent(row)).collect();
        scene
    }

    fn listed(&self, made: Made, index: u8) -> KlarnaRefund {
        let is_named = self.references && !made.by_hand;
        KlarnaRefund {
            id: refund_id(index),
            amount: amount(),
            reference: is_named.then(|| Reference(NUMBER.to_owned())),
            refunded_at: Some(at(made.at)),
        }
    }

    /// The intent's row as `core` knows it.
    pub fn intent(&self, row: &Intent) -> intent::Intent {
        let target = self.scene.target();
        intent::Intent {
            id: self.intent_id(),
            key: intent::key(&effect(), &target),
            effect: effect(),
            target,
            payload: String::new(),
            state: row.state.real(),
            planned_at: at(row.planned),
            attempts: row.attempts,
            first_sent_at: row.first.map(at),
            last_sent_at: row.last.map(at),
            not_before: row.not_before.map(at),
            seen_before: (0..row.seen_before).map(|refund| refund_id(refund).0).collect(),
            left_out: None,
            absent_since: row.absent.map(at),
            made: row.made.map(refund_id),
            said: None,
            ended_at: row.ended.map(at),
        }
    }
}
