//! Facts in, plan out: every rule of the domain as a scene with a name, and the whole plan in words.
//!
//! Read a case as a sentence: its name says the rule, the scene says who said what, the text says what is planned.
//! An empty text means that there is nothing to do and nothing to say. `tests/common` explains the words.

mod common;

/// Scenes with the plan each must give; every scene is a test of its own name.
macro_rules! cases {
    ($($name:ident: $scene:expr => $expected:expr;)+) => {
        pub(crate) const ALL: &[(&str, fn() -> $crate::common::Scene)] = &[$((stringify!($name), || $scene)),+];

        $(
            #[test]
            fn $name() {
                $crate::check(&$scene, $expected);
            }
        )+
    };
}

#[path = "plan/all.rs"]
mod all;

use std::collections::{BTreeMap, BTreeSet};

use all::every_case;
use common::{Scene, captured_order, kinds, render};
use reconciled_core::credit_invoice::{CreditInvoice, Event, Proof};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{IntentId, InvoiceId};
use reconciled_core::intent::Kind;
use reconciled_core::money::Minor;
use reconciled_core::plan::{Plan, Verdict, Wanted};
use uuid::Uuid;

fn check(scene: &Scene, expected: &str) {
    let plan = scene.plan();
    let found = render::words(scene, &plan);
    assert!(is_taken(scene, &plan), "a credit invoice's machine does not take what the plan intends:\n{found}");
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert!(found == expected.join("\n"), "the plan is\n{found}\n\nand should be\n{}\n", expected.join("\n"));
}

/// Every credit invoice can be moved as the plan says, and then take what is intended for it.
fn is_taken(scene: &Scene, plan: &Plan) -> bool {
    let mut credits: BTreeMap<_, _> = scene.ledger.credits.iter().map(|(id, held)| (*id, held.state.clone())).collect();
    let mut step = |id: InvoiceId, event: Event| {
        let state = credits.remove(&id).unwrap_or(CreditInvoice::Pending);
        // What was proven stays so until the rest is intended.
        let is_rest = matches!((&state, &event), (CreditInvoice::Refunded(Proof::Refund(_)), Event::Intended(_)));
        let state = if is_rest { CreditInvoice::Pending } else { state };
        state.apply(event).map(|next| credits.insert(id, next)).is_ok()
    };
    let is_new = |wanted: &&Wanted| wanted.intent.is_none() && wanted.verdict == Verdict::Act;
    let new = plan.effects.iter().filter(is_new).filter(|wanted| wanted.effect.kind == Kind::Refund);
    let intended = new.filter_map(|wanted| wanted.effect.credit_invoice.as_ref());
    let intended = intended.map(|(id, _)| (*id, Event::Intended(IntentId(Uuid::nil()))));
    plan.credit_events.iter().cloned().chain(intended).all(|(id, event)| step(id, event))
}

#[test]
fn every_kind_of_break_that_an_order_can_have_occurs_in_a_case() {
    let seen: BTreeSet<&str> = every_case().flat_map(|(_, scene)| kinds(&scene().plan())).collect();
    let all: BTreeSet<&str> = BreakKind::ALL.iter().map(|kind| kind.name()).collect();
    let missing: Vec<_> = all.difference(&seen).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn the_order_in_which_a_side_lists_things_never_matters() {
    for (name, scene) in every_case() {
        let scene = scene();
        let backwards = scene
            .clone()
            .shop_says(|shop| {
                shop.credit_invoices.reverse();
                shop.shipments.reverse();
                shop.lines.reverse();
            })
            .klarna_says(|klarna| {
                klarna.refunds.reverse();
                klarna.captures.reverse();
            });
        assert_eq!(scene.plan(), backwards.plan(), "{name}");
    }
}

#[test]
fn a_total_of_klarnas_that_lags_never_hides_a_refund_that_is_listed() {
    let scene = captured_order("100.00").refund("r-1", "40.00", "INV2");
    assert_eq!(scene.klarna().refunded_at_least(), scene.klarna().refunded);
    let lagging = scene.clone().klarna_says(|klarna| klarna.refunded = Minor::ZERO);
    assert_eq!(lagging.klarna().refunded_at_least(), scene.klarna().refunded);
}

#[test]
fn a_plan_depends_on_nothing_but_its_arguments() {
    for (name, scene) in every_case() {
        assert_eq!(scene().plan(), scene().plan(), "{name}");
    }
}

#[test]
fn names_are_unique_and_there_are_enough_of_them() {
    let names: BTreeSet<&str> = every_case().map(|(name, _)| name).collect();
    assert_eq!(names.len(), every_case().count());
    assert!(names.len() >= 60, "{} cases", names.len());
}
