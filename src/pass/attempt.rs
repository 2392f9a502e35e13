//! One intent of a round: its claim and request, then its answer made durable. Repeats nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use reconciled_core::answer::Answer;
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::id::{IntentId, PassId};
use reconciled_core::intent::{Intent, Kind};
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_store::{Guard, Step, Store, StoreError};

use super::act::{self, Sent};
use super::record::{Recorded, record};
use super::round::Decision;
use super::tally::Tally;
use super::{ASKED_TO_END, Shop, Stop};

/// What keeps back everything that is about to be sent: a wish that the pass ends, or a side that refused the
/// credential in this pass.
#[derive(Debug)]
pub(super) struct Closed {
    stop: Stop,
    klarna: AtomicBool,
    lightspeed: AtomicBool,
}

impl Closed {
    pub(super) fn of(tally: &Tally<'_>) -> Self {
        let (klarna, lightspeed) = (tally.account_is_closed(), tally.marking_is_closed());
        Self { stop: tally.stop.clone(), klarna: AtomicBool::new(klarna), lightspeed: AtomicBool::new(lightspeed) }
    }

    fn side(&self, kind: Kind) -> &AtomicBool {
        if kind.is_klarna() { &self.klarna } else { &self.lightspeed }
    }

    /// Why an effect of this kind stays where it is.
    fn why(&self, kind: Kind) -> Option<&'static str> {
        if self.stop.is_asked() {
            return Some(ASKED_TO_END);
        }
        let why = match kind {
            Kind::MarkPaid => "Lightspeed refuses writes under this API key; marking paid pauses",
            Kind::Refund | Kind::Capture | Kind::Cancel | Kind::Release | Kind::Extend => {
                "Klarna refuses the credential; the account pauses"
            }
        };
        self.side(kind).load(Ordering::Acquire).then_some(why)
    }
}

/// What became of one intent.
pub(super) enum Done {
    Recorded(Recorded),
    Withheld(String),
    Stale,
    /// It was answered, and what the answer proves does not fit what was recorded of it meanwhile.
    Unkept,
}

/// Sends one intent and records its answer.
pub(super) async fn attempt<'d, S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, pass: PassId, decision: &'d Decision, id: IntentId, closed: &Closed,
) -> Result<(&'d Decision, IntentId, Done), StoreError> {
    let decided = &decision.intended.decided;
    let guard = Guard {
        at: decision.facts.read_at,
        captured: decided.captured,
        refunded: decided.refunded,
        limit_per_day: shop.policy.refund_limit_per_day,
        two_person_above: shop.policy.two_person_above,
        heard_at: decided.heard_at,
    };
    let Some(kind) = decision.row_of(id).map(|row| row.kind) else {
        return Ok((decision, id, Done::Withheld("it is not wanted any more".to_owned())));
    };
    if let Some(why) = closed.why(kind) {
        return Ok((decision, id, Done::Withheld(why.to_owned())));
    }
    let done = match act::send(shop, pass, id, kind, decision.fresh, guard).await? {
        Sent::Withheld(why) => Done::Withheld(why),
        Sent::Stale => Done::Stale,
        Sent::Answered { intent, answer } => match keep(shop, pass, decision, &intent, answer).await {
            Ok(recorded) => {
                if recorded.refused.is_some() {
                    closed.side(kind).store(true, Ordering::Release);
                }
                Done::Recorded(recorded)
            }
            Err(StoreError::Moved(_)) => Done::Unkept,
            Err(why) => return Err(why),
        },
    };
    Ok((decision, id, done))
}

/// Records an answer as what it proves. Where another request of the order was answered with the same id meanwhile, it is
/// judged once more, with that.
async fn keep<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, pass: PassId, decision: &Decision, intent: &Intent, answer: Answer,
) -> Result<Recorded, StoreError> {
    let credit = credit_state(decision, intent);
    let judged = proven(shop, decision, intent, answer.clone()).await?;
    match record(shop, pass, intent, credit.clone(), judged).await {
        Err(StoreError::Moved(_)) => {
            let judged = proven(shop, decision, intent, answer).await?;
            record(shop, pass, intent, credit, judged).await
        }
        recorded => recorded,
    }
}

/// A success counts for what it names, which was not there when it was asked for. What the other requests of the order
/// made is asked of the store, because they are answered beside this one.
async fn proven<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, decision: &Decision, intent: &Intent, answer: Answer,
) -> Result<Answer, StoreError> {
    if !matches!(answer, Answer::Done { id: Some(_), .. }) || planted!("any_name_proves") {
        return Ok(answer);
    }
    Ok(match shop.store.dossiers(vec![intent.target.order]).await?.pop() {
        Some(held) => answer.unless_it_names_another(intent, &held.ledger, decision.facts.klarna.read()),
        None => answer,
    })
}

/// The credit invoice's state after this decision's steps.
fn credit_state(decision: &Decision, intent: &Intent) -> Option<CreditInvoice> {
    let (id, _) = intent.effect.credit_invoice.as_ref()?;
    let stepped = decision.intended.decided.steps.iter().rev().find_map(|step| match step {
        Step::Credit { id: stepped, after, .. } if stepped == id => Some(after.clone()),
        Step::Credit { .. } | Step::Order { .. } | Step::Intent { .. } => None,
    });
    stepped.or_else(|| decision.dossier.ledger.credits.get(id).map(|held| held.state.clone()))
}
