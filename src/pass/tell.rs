//! What a round says about its effects: one line of the report each. Decides nothing.

use jiff::Timestamp;

use crate::report::{EffectRow, Outcome};
use reconciled_core::id::IntentId;
use reconciled_core::intent::{self, Effect, Intent, Kind, State};
use reconciled_core::plan::{HoldReason, Note, Verdict, Wanted};
use reconciled_core::policy::SETTLE_DELAY;

use super::round::{Decision, Permission};
use super::tally::spoken;

impl Decision {
    /// The line of one of the plan's effects.
    pub(super) fn row_of(&self, id: IntentId) -> Option<EffectRow> {
        self.plan.effects.iter().map(|wanted| self.row(wanted)).find(|row| row.intent == id)
    }

    /// Effects that are due and do not leave in this round, with the reason.
    pub(super) fn waiting(&self, permission: Permission) -> Vec<EffectRow> {
        let told = |wanted: &Wanted| {
            let row = self.row(wanted);
            match (&wanted.verdict, permission) {
                (Verdict::Act, Permission::Act) => None,
                (Verdict::Act, Permission::Plan) => Some(row),
                (Verdict::Act, Permission::LooksBack) => Some(looked_back(row)),
                (Verdict::Act, Permission::Stopped) => Some(held(row, &HoldReason::Stopped)),
                (Verdict::Hold(reason), _) => Some(held(row, reason)),
            }
        };
        self.plan.effects.iter().filter_map(told).collect()
    }

    /// Intents whose answer was lost before this round: what this round's read says about each.
    pub(super) fn lost(&self) -> Vec<EffectRow> {
        let unknown = self.dossier.ledger.intents.iter().filter(|intent| intent.state == State::Unknown);
        let told = unknown.map(|intent| {
            let seen = |(id, note): &(IntentId, Note)| *id == intent.id && matches!(note, Note::Seen { .. });
            let (outcome, why) = if self.plan.intent_notes.iter().any(seen) {
                (Outcome::Confirmed, "the answer was lost; a read shows that it happened".to_owned())
            } else if let Some(said) = &intent.said {
                (Outcome::Unknown, format!("the outcome is unknown: {}; reads do not show it yet", spoken(said)))
            } else {
                (Outcome::Unknown, "the answer was lost, and reads do not show it yet".to_owned())
            };
            self.line(intent.id, &intent.effect, outcome, why)
        });
        told.collect()
    }

    /// What was refused in this pass and is not due any more.
    pub(super) fn superseded(&self) -> Vec<IntentId> {
        let gone = |intent: &&Intent| intent.state == State::Rejected && !self.plan.reports(intent);
        self.dossier.ledger.intents.iter().filter(gone).map(|intent| intent.id).collect()
    }

    /// When to look again after a refusal that this plan reports: what caused it may not be in the read yet. `None` for
    /// a refusal of before `since`, and once reads had the time to settle.
    pub(super) fn after_refusal(&self, since: Timestamp) -> Option<Timestamp> {
        let intents = self.dossier.ledger.intents.iter();
        let refused = intents.filter(|intent| {
            let gives_up = matches!(intent.effect.kind, Kind::Cancel | Kind::Release);
            gives_up && intent.state == State::Rejected && self.plan.reports(intent)
        });
        let ended = refused.filter_map(|intent| intent.ended_at).filter(|ended| *ended >= since).max()?;
        let settled = ended.checked_add(SETTLE_DELAY).unwrap_or(Timestamp::MAX);
        (self.facts.read_at < settled).then_some(settled)
    }

    fn row(&self, wanted: &Wanted) -> EffectRow {
        let id = wanted.intent.unwrap_or_else(|| intent::id(&wanted.effect, &self.target));
        self.line(id, &wanted.effect, Outcome::Planned, wanted.why.clone())
    }

    fn line(&self, id: IntentId, effect: &Effect, outcome: Outcome, why: String) -> EffectRow {
        // What is durable keeps its key, however keys are made today.
        let durable = self.dossier.ledger.intents.iter().find(|intent| intent.id == id);
        EffectRow {
            intent: id,
            kind: effect.kind,
            order: self.facts.shop.number.clone(),
            credit_invoice: effect.credit_invoice.as_ref().map(|(_, number)| number.clone()),
            amount: effect.amount,
            reference: effect.reference.0.clone(),
            key: durable.map_or_else(|| intent::key(effect, &self.target), |intent| intent.key),
            outcome,
            superseded: false,
            why,
        }
    }
}

/// Due, and left to the next pass.
fn looked_back(row: EffectRow) -> EffectRow {
    let why = format!("{}; judged by an earlier version before, so this pass only says so", row.why);
    EffectRow { why, ..row }
}

fn held(row: EffectRow, reason: &HoldReason) -> EffectRow {
    EffectRow { outcome: Outcome::Held, why: reason.to_string(), ..row }
}
