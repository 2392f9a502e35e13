//! One intent of a round: its claim and request, then its answer made durable. Repeats nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::Clock;
use crate::core::credit_invoice::CreditInvoice;
use crate::core::id::{IntentId, PassId};
use crate::core::intent::Intent;
use crate::http::Transport;
use crate::store::{Guard, Step, Store, StoreError};

use super::Shop;
use super::act::{self, Fresh, Sent};
use super::record::{Recorded, record};
use super::round::Decision;

/// What became of one intent.
pub(super) enum Done {
    Recorded(Recorded),
    Withheld(String),
    Stale,
}

/// Sends one intent and records its answer.
pub(super) async fn attempt<'d, S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, pass: PassId, decision: &'d Decision, id: IntentId, closed: &AtomicBool,
) -> Result<(&'d Decision, IntentId, Done), StoreError> {
    let decided = &decision.intended.decided;
    let guard = Guard {
        at: decision.facts.read_at,
        captured: decided.captured,
        refunded: decided.refunded,
        limit_per_day: shop.policy.refund_limit_per_day,
    };
    let Some(kind) = decision.row_of(id).map(|row| row.kind) else {
        return Ok((decision, id, Done::Withheld("it is not wanted any more".to_owned())));
    };
    if kind.is_klarna() && closed.load(Ordering::Acquire) {
        return Ok((decision, id, Done::Withheld("Klarna refuses the credential; the account pauses".to_owned())));
    }
    let fresh = Fresh { started: decision.started, guard };
    let done = match act::send(shop, pass, id, kind, fresh).await? {
        Sent::Withheld(why) => Done::Withheld(why),
        Sent::Stale => Done::Stale,
        Sent::Answered { intent, answer } => {
            let credit = credit_state(decision, &intent);
            let recorded = record(shop, pass, &intent, credit, answer).await?;
            if recorded.refused.is_some() {
                closed.store(true, Ordering::Release);
            }
            Done::Recorded(recorded)
        }
    };
    Ok((decision, id, done))
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
