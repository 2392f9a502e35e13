//! An answer becomes durable: the intent's step, and what follows for its credit invoice.

use jiff::Timestamp;

use crate::report::Outcome;
use reconciled_core::answer::{Answer, Said};
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::id::{PassId, RefundId};
use reconciled_core::intent::{Event, Intent, event_after, leaves_no_trace};
use reconciled_core::ledger::follows;
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_store::{Attempt, Step, Store, StoreError};

use super::Shop;
use super::tally::spoken;

/// What an attempt came to, for the report.
pub(super) struct Recorded {
    pub event: Event,
    pub outcome: Outcome,
    pub why: String,
    /// The credential was refused: its side pauses.
    pub refused: Option<Said>,
}

/// Finishes one attempt.
///
/// # Errors
/// The store's; then the intent stays `Sending` on disk and becomes `Unknown` with the next pass.
pub(super) async fn record<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, pass: PassId, intent: &Intent, credit: Option<CreditInvoice>, answer: Answer,
) -> Result<Recorded, StoreError> {
    let event = event_after(&answer, intent.attempt());
    let recorded = outcome(&answer, event);
    let attempt = attempt(intent, credit, &answer, event)?;
    shop.store.record(pass, attempt, shop.clock.now()).await?;
    tracing::info!(
        intent.id = %intent.id,
        intent.kind = intent.effect.kind.name(),
        reference = %intent.effect.reference,
        amount_minor = intent.effect.amount.get(),
        correlation_id = correlation(&answer).unwrap_or(""),
        "{} {}: {}", intent.effect.kind.name(), intent.effect.reference, recorded.outcome.name()
    );
    Ok(recorded)
}

fn attempt(
    intent: &Intent, credit: Option<CreditInvoice>, answer: &Answer, event: Event,
) -> Result<Attempt, StoreError> {
    let before = intent.state.clone();
    let after = before.clone().apply(event).map_err(|illegal| StoreError::Damaged(illegal.to_string()))?;
    let mut steps = vec![Step::Intent { id: intent.id, before, event, after, note: None }];
    let made = match answer {
        Answer::Done { id, .. } => id.clone().map(RefundId),
        Answer::Rejected(_)
        | Answer::Throttled { .. }
        | Answer::NotSent(_)
        | Answer::Unknown(_)
        | Answer::AccountRefused(_) => None,
    };
    let following = follows(intent, event, made.as_ref());
    if let (Some(event), Some((id, _)), Some(before)) = (following, &intent.effect.credit_invoice, credit) {
        // A credit invoice that moved on meanwhile (a human marked it paid) is left to the next decision.
        if let Ok(after) = before.clone().apply(event.clone()) {
            steps.push(Step::Credit { id: *id, before, event, after });
        }
    }
    Ok(Attempt {
        order: intent.target.order,
        intent: intent.id,
        steps,
        made,
        said: said(answer).cloned(),
        correlation_id: correlation(answer).map(str::to_owned),
        not_before: not_before(answer),
        uncounted: leaves_no_trace(answer),
    })
}

fn outcome(answer: &Answer, event: Event) -> Recorded {
    let outcome = match event {
        Event::Confirmed | Event::Seen => Outcome::Confirmed,
        Event::Rejected | Event::Withdrawn | Event::Abandoned => Outcome::Rejected,
        Event::Throttled | Event::NotSent => Outcome::Held,
        Event::Lost | Event::Claimed => Outcome::Unknown,
    };
    let words = said(answer).map(spoken);
    let why = match (event, words) {
        (Event::Confirmed, _) => "done".to_owned(),
        (Event::Rejected, Some(words)) => format!("refused: {words}"),
        (Event::Throttled | Event::NotSent, Some(words)) => format!("not sent, tried again later: {words}"),
        (_, Some(words)) => format!("the outcome is unknown: {words}; it is looked up before it is sent again"),
        (_, None) => "the outcome is unknown; it is looked up before it is sent again".to_owned(),
    };
    let refused = match answer {
        Answer::AccountRefused(said) => Some(said.clone()),
        Answer::Done { .. }
        | Answer::Rejected(_)
        | Answer::Throttled { .. }
        | Answer::NotSent(_)
        | Answer::Unknown(_) => None,
    };
    Recorded { event, outcome, why, refused }
}

const fn said(answer: &Answer) -> Option<&Said> {
    match answer {
        Answer::Done { .. } => None,
        Answer::Rejected(said)
        | Answer::Throttled { said, .. }
        | Answer::NotSent(said)
        | Answer::Unknown(said)
        | Answer::AccountRefused(said) => Some(said),
    }
}

fn correlation(answer: &Answer) -> Option<&str> {
    match answer {
        Answer::Done { correlation_id, .. } => correlation_id.as_deref(),
        Answer::Rejected(_)
        | Answer::Throttled { .. }
        | Answer::NotSent(_)
        | Answer::Unknown(_)
        | Answer::AccountRefused(_) => said(answer).and_then(|said| said.correlation_id.as_deref()),
    }
}

const fn not_before(answer: &Answer) -> Option<Timestamp> {
    match answer {
        Answer::Throttled { until, .. } => Some(*until),
        Answer::Done { .. }
        | Answer::Rejected(_)
        | Answer::NotSent(_)
        | Answer::Unknown(_)
        | Answer::AccountRefused(_) => None,
    }
}
