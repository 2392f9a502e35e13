//! A plan in words, one line each, in the order in which it would be read aloud.
//!
//! ```text
//! order paid→refund_requested
//! credit INV1 pending→held
//! intent refund INV1 absent
//! refund INV1 40.00 act
//! break refund_unattributed r9 25.00
//! differs shipped_not_captured 100.00 in 10m
//! look_again 30m
//! ```
//! `break` is a difference past its grace; `differs` is one that may still vanish by itself. An effect ends with
//! what is done about it: `act`, `act again` for an intent that exists, or `hold` and why.

use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::discrepancy::Discrepancy;
use reconciled_core::intent::Intent;
use reconciled_core::money::Currency;
use reconciled_core::plan::{HoldReason, Note, Plan, Verdict, Wanted};

use super::{Scene, credit_states};

pub fn words(scene: &Scene, plan: &Plan) -> String {
    let mut lines = Vec::new();
    lines.extend(order_line(scene, plan));
    lines.extend(credit_lines(scene, plan));
    lines.extend(plan.intent_notes.iter().map(|(id, note)| {
        let intent = scene.ledger.intents.iter().find(|intent| intent.id == *id);
        format!("intent {} {}", intent.map_or_else(|| "of nobody".to_owned(), name_of), note_words(note))
    }));
    lines.extend(plan.effects.iter().map(|wanted| effect_line(scene, wanted)));
    lines.extend(plan.discrepancies.iter().map(|discrepancy| discrepancy_line(scene, discrepancy)));
    lines.extend(plan.look_again.map(|at| format!("look_again {:#}", at.duration_since(scene.now))));
    lines.join("\n")
}

fn order_line(scene: &Scene, plan: &Plan) -> Option<String> {
    let mut state = scene.ledger.order;
    let mut names = vec![state.name()];
    for event in &plan.order_events {
        state = state.apply(*event).expect("a legal event of the order");
        names.push(state.name());
    }
    (names.len() > 1).then(|| format!("order {}", names.join("→")))
}

/// As the contract names them; a payment that nothing proves is told apart.
pub fn credit_name(state: &CreditInvoice) -> &'static str {
    match state {
        CreditInvoice::PaidByHand => "paid_by_hand",
        CreditInvoice::Pending
        | CreditInvoice::Held
        | CreditInvoice::RefundRequested(_)
        | CreditInvoice::Refunded(_)
        | CreditInvoice::Paid(_)
        | CreditInvoice::Cancelled => state.name(),
    }
}

fn credit_lines(scene: &Scene, plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, state) in credit_states(&scene.ledger, &scene.facts) {
        let mut state = state;
        let mut names = vec![credit_name(&state)];
        for (_, event) in plan.credit_events.iter().filter(|(of, _)| *of == id) {
            state = state.apply(event.clone()).expect("a legal event of the credit invoice");
            names.push(credit_name(&state));
        }
        if names.len() > 1 {
            lines.push(format!("credit INV{id} {}", names.join("→")));
        }
    }
    lines
}

fn name_of(intent: &Intent) -> String {
    format!("{} {}", intent.effect.kind.name(), intent.effect.reference)
}

fn note_words(note: &Note) -> String {
    match note {
        Note::Seen { made: Some(made) } => format!("seen {made}"),
        Note::Seen { made: None } => "seen".to_owned(),
        Note::Absent { .. } => "absent".to_owned(),
        Note::Withdrawn { .. } => "withdrawn".to_owned(),
    }
}

fn effect_line(scene: &Scene, wanted: &Wanted) -> String {
    let effect = &wanted.effect;
    let amount = effect.amount.decimal(Currency::EUR);
    let again = if wanted.intent.is_some() { " again" } else { "" };
    let generation = if effect.generation > 0 { format!(" generation {}", effect.generation) } else { String::new() };
    let verdict = match &wanted.verdict {
        Verdict::Act => "act".to_owned(),
        Verdict::Hold(reason) => format!("hold {}", hold_words(scene, reason)),
    };
    format!("{} {} {amount} {verdict}{again}{generation}", effect.kind.name(), effect.reference)
}

fn hold_words(scene: &Scene, reason: &HoldReason) -> String {
    match reason {
        HoldReason::Operator(note) => format!("operator ({note})"),
        HoldReason::Unattributed => "unattributed".to_owned(),
        HoldReason::Unreadable(number) => format!("unreadable {number}"),
        HoldReason::Undecided => "undecided".to_owned(),
        HoldReason::Disagreement(what) => format!("disagreement ({what})"),
        HoldReason::Limit(which) => format!("limit {which}"),
        HoldReason::Stopped => "stopped".to_owned(),
        HoldReason::NotBefore(at) => format!("for {:#}", at.duration_since(scene.now)),
    }
}

fn discrepancy_line(scene: &Scene, found: &Discrepancy) -> String {
    let is_intent = scene.ledger.intents.iter().any(|intent| found.subject == intent.id.to_string())
        || found.subject.len() == 36 && found.subject.matches('-').count() == 4;
    let subject = if is_intent { "the intent" } else { &found.subject };
    let amount = found.amount.map(|amount| amount.decimal(Currency::EUR));
    let is_break = found.due <= scene.now;
    let verb = if is_break { "break" } else { "differs" };
    let mut words = vec![verb.to_owned(), found.kind.name().to_owned()];
    words.extend(Some(subject.to_owned()).filter(|text| !text.is_empty()));
    words.extend(amount);
    if !is_break {
        words.push(format!("in {:#}", found.due.duration_since(scene.now)));
    }
    words.join(" ")
}
