//! What holds for every history: people, lost answers, lagging reads and deaths in any order.
//!
//! A history is a list of moves in the world of `tests/common/world.rs`, which checks every plan and every effect
//! as it plays. A failing history is kept in `properties.proptest-regressions` and gets a name in `tests/plan`.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, reason = "a panic is a failed test")]

mod common;

use common::world::{Fate, Move, Reads, World, must_be_sound};
use common::{Scene, eur, long};
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::facts::{
    CreditInvoiceFacts, Fraud, KlarnaRefund, KlarnaSide, KlarnaStatus, Shipped, ShopStatus, Word,
};
use reconciled_core::finding::Finding;
use reconciled_core::id::{InvoiceId, InvoiceNumber, OrderNumber, Reference, RefundId};
use reconciled_core::ledger::CreditRecord;
use reconciled_core::money::{Currency, Minor};
use reconciled_core::order::Order;
use reconciled_core::plan::{Plan, Verdict};
use reconciled_core::policy::Mode;
use reconciled_core::situation::Situation;

const CASES: u32 = 2_000;

fn config() -> ProptestConfig {
    let given = ProptestConfig::default(); // PROPTEST_CASES asks for another number than the usual 256.
    let cases = if given.cases == 256 { CASES } else { given.cases };
    let max_shrink_iters = given.max_shrink_iters.min(20_000);
    // Both can be turned off from outside: `tests/mutants/run` wants to know that a history fails, not which.
    let kept = FileFailurePersistence::Direct("tests/properties.proptest-regressions");
    let mut config = ProptestConfig { cases, max_shrink_iters, ..given };
    if config.failure_persistence.is_some() {
        config.failure_persistence = Some(Box::new(kept));
    }
    config
}

/// Few amounts, so that equal ones meet often; one that is above everything.
fn cents() -> impl Strategy<Value = i64> {
    prop_oneof![Just(1_000), Just(2_500), Just(4_000), Just(4_000), Just(6_000), Just(10_000), Just(12_000)]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Answered),
        2 => Just(Fate::LostAfter),
        2 => Just(Fate::LostBefore),
        1 => Just(Fate::NotSent),
        1 => Just(Fate::Throttled),
        1 => Just(Fate::CredentialRefused),
        1 => Just(Fate::DiedBefore),
        1 => Just(Fate::DiedAfter),
    ]
}

fn wait() -> impl Strategy<Value = Move> {
    prop_oneof![Just("5s"), Just("6m"), Just("2h"), Just("6h"), Just("23h")].prop_map(Move::Wait)
}

/// What happens to an order in an ordinary life: nobody edits documents behind our back, nobody uses the portal.
fn ordinary() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => cents().prop_map(Move::Credit),
        1 => Just(Move::CancelInShop),
        1 => Just(Move::ReopenInShop),
        1 => Just(Move::Ship),
        1 => cents().prop_map(Move::CaptureByHand),
        1 => Just(Move::ReleaseAtKlarna),
        1 => any::<bool>().prop_map(Move::Hold),
        4 => wait(),
        8 => (fate(), any::<bool>()).prop_map(|(fate, lag)| Move::Pass { fate, lag }),
    ]
}

/// Everything else that people do.
fn unusual() -> impl Strategy<Value = Move> {
    let which = || 0..4_usize;
    prop_oneof![
        1 => (which(), cents()).prop_map(|(which, amount)| Move::Edit(which, amount)),
        1 => which().prop_map(Move::PayByHand),
        1 => which().prop_map(Move::UnpayByHand),
        1 => which().prop_map(Move::Vanish),
        1 => Just(Move::Reappear),
        2 => cents().prop_map(Move::RefundByHand),
        1 => which().prop_map(Move::RefundByHandFor),
        1 => Just(Move::CancelAtKlarna),
        1 => Just(Move::Expire),
        1 => Just(Move::Reopen),
        1 => prop_oneof![Just(Fraud::Accepted), Just(Fraud::Pending), Just(Fraud::Rejected)].prop_map(Move::Fraud),
        1 => which().prop_map(Move::Adopt),
        1 => Just(Move::RuleOut),
        1 => Just(Move::Approve),
        1 => prop_oneof![Just(Mode::Drive), Just(Mode::Verify), Just(Mode::Off)].prop_map(Move::Refunds),
        1 => any::<bool>().prop_map(Move::AdoptExact),
    ]
}

fn lives() -> impl Strategy<Value = Vec<Move>> {
    prop::collection::vec(ordinary(), 1..18)
}

fn histories() -> impl Strategy<Value = Vec<Move>> {
    prop::collection::vec(prop_oneof![3 => ordinary(), 1 => unusual()], 1..18)
}

fn reads() -> impl Strategy<Value = Reads> {
    prop_oneof![
        3 => Just(Reads { references: true, ids: true }),
        1 => Just(Reads { references: false, ids: true }),
        1 => Just(Reads { references: true, ids: false }),
    ]
}

fn played(reads: Reads, captured: bool, soon: bool, moves: &[Move]) -> World {
    let mut world = World::new(reads, captured, |scene| {
        let scene = scene.policy(|policy| {
            policy.refund_after = if soon { SignedDuration::ZERO } else { long("60m") };
            policy.extend_authorization = soon;
        });
        // Lapses soon, so that the warning window is met.
        let at = scene.now + long("130h");
        scene.klarna_says(|klarna| klarna.expires_at = Some(at))
    });
    for step in moves {
        world.step(step);
    }
    world
}

/// A change that no honest side makes.
fn distortions() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..16_u8, 0..4)
}

fn distorted(scene: Scene, kinds: &[u8]) -> Scene {
    kinds.iter().fold(scene, |scene, kind| match kind {
        0 => scene.total("1e400"),
        1 => scene.total("0.00"),
        2 => scene.total("110.00"),
        3 => scene.shop_says(|shop| shop.status = Word::Unknown("paused".to_owned())),
        4 => scene.shop_says(|shop| shop.shipped = Word::Known(Shipped::Partly)),
        5 => scene.klarna_says(|klarna| klarna.status = Word::Unknown("PAUSED".to_owned())),
        6 => scene.klarna_says(|klarna| klarna.status = Word::Known(KlarnaStatus::Closed)),
        7 => scene.klarna_says(|klarna| klarna.currency = Word::Known(Currency::SEK)),
        8 => scene.klarna_says(|klarna| klarna.refunded = klarna.refunded.plus(eur("25.00"))),
        9 => scene.klarna_says(|klarna| klarna.captured = eur("0.00")),
        10 => scene.klarna_says(|klarna| klarna.refunds.clear()),
        11 => scene.klarna_says(|klarna| klarna.captures.iter_mut().for_each(|capture| capture.captured_at = None)),
        12 => scene.klarna_says(|klarna| klarna.remaining = Minor::new(-4_000).expect("an amount")),
        13 => scene.shop_says(|shop| shop.credit_invoices.iter_mut().for_each(|c| c.amount = Err("NaN".to_owned()))),
        14 => {
            scene.shop_says(|shop| shop.credit_invoices.iter_mut().for_each(|c| c.paid = Word::Unknown("?".to_owned())))
        }
        _ => {
            let mut scene = scene;
            scene.facts.shared_with = vec![OrderNumber("ORD2".to_owned()), OrderNumber("ORD3".to_owned())];
            scene
        }
    })
}

fn backwards(scene: &Scene) -> Scene {
    let mut scene = scene.clone().shop_says(|shop| {
        shop.credit_invoices.reverse();
        shop.shipments.reverse();
        shop.lines.reverse();
    });
    scene.facts.shared_with.reverse();
    scene.klarna_says(|klarna| {
        klarna.refunds.reverse();
        klarna.captures.reverse();
    })
}

/// The plan without its words for people, and the one total among what they are made of.
fn meaning(mut plan: Plan) -> Plan {
    for found in &mut plan.discrepancies {
        found.finding = Finding::Told(String::new());
        found.state = found.state.take().map(|state| Situation { captured: Minor::ZERO, ..state });
    }
    plan
}

/// The scene with a credit invoice that was refunded and paid long ago, and with what it was taken from.
fn with_a_settled_pair(scene: Scene, amount: Minor) -> Scene {
    let carries_references = scene.klarna().refunds.iter().any(|refund| refund.reference.is_some());
    let (number, id) = (InvoiceNumber("INV900".to_owned()), RefundId("r900".to_owned()));
    let long_ago = scene.now - long("1000h");
    let credit = CreditInvoiceFacts {
        id: InvoiceId(900),
        number: number.clone(),
        created_at: long_ago,
        updated_at: long_ago,
        amount: Ok(amount),
        paid: Word::Known(true),
    };
    let refund = KlarnaRefund {
        id: id.clone(),
        amount,
        reference: carries_references.then(|| Reference(number.0.clone())),
        refunded_at: Some(long_ago),
    };
    let state = CreditInvoice::Paid(Proof::Refund(id));
    let record = CreditRecord { number, state, amount: Some(amount), created_at: long_ago };
    let mut scene = scene
        .shop_says(|shop| {
            shop.total = shop.total.clone().map(|total| total.plus(amount));
            shop.credit_invoices.push(credit);
        })
        .klarna_says(|klarna| {
            klarna.order_amount = klarna.order_amount.plus(amount);
            klarna.original_amount = klarna.original_amount.plus(amount);
            klarna.captured = klarna.captured.plus(amount);
            // A total that its captures contradict would be a difference of its own.
            klarna.captures.iter_mut().take(1).for_each(|first| first.amount = first.amount.plus(amount));
            klarna.refunded = klarna.refunded.plus(amount);
            klarna.refunds.push(refund);
        });
    scene.ledger.credits.insert(InvoiceId(900), record);
    scene
}

proptest! {
    #![proptest_config(config())]

    /// Plans are sound, steps legal, refunds single and payments proven: the world checks them as it plays.
    #[test]
    fn no_history_refunds_twice_or_marks_paid_what_is_not_proven(
        reads in reads(), captured in any::<bool>(), soon in any::<bool>(), moves in histories(),
    ) {
        played(reads, captured, soon, &moves);
    }

    #[test]
    fn no_facts_make_a_plan_panic_or_unsound_and_their_order_never_matters(
        reads in reads(), captured in any::<bool>(), moves in histories(), kinds in distortions(),
    ) {
        let scene = distorted(played(reads, captured, true, &moves).scene, &kinds);
        let plan = scene.plan();
        must_be_sound(&scene, &plan);
        prop_assert_eq!(&plan, &scene.plan());
        prop_assert_eq!(&plan, &backwards(&scene).plan());
    }

    #[test]
    fn once_faults_stop_four_rounds_settle_everything_and_the_next_pass_is_silent(
        reads in reads(), captured in any::<bool>(), moves in lives(),
    ) {
        let mut world = played(reads, captured, true, &moves);
        world.scene.ledger.hold = None;
        // What is unknown is looked for twice before it is asked for again.
        world.wait("2h");
        let _ = world.pass(Fate::Answered, false);
        for _ in 0..4 {
            world.wait("6h");
            let _ = world.pass(Fate::Answered, false);
        }
        world.wait("6h");
        let (_, last) = world.pass(Fate::Answered, false);
        let due: Vec<_> = last.effects.iter().filter(|wanted| wanted.verdict == Verdict::Act).collect();
        prop_assert!(due.is_empty(), "still wanted: {:?}", due);
        prop_assert!(last.order_events.is_empty() && last.credit_events.is_empty() && last.intent_notes.iter().all(|(_, note)|
            matches!(note, reconciled_core::plan::Note::Absent { .. })), "still moving: {:?}", last);
    }

    /// Captured minus refunded is what the shop's documents say, or a break says why not.
    #[test]
    fn in_the_end_money_is_conserved_or_a_break_says_why_not(
        captured in any::<bool>(), moves in lives(),
    ) {
        let mut world = played(Reads { references: true, ids: true }, captured, true, &moves);
        world.scene.ledger.hold = None;
        for _ in 0..6 {
            world.wait("6h");
            let _ = world.pass(Fate::Answered, false);
        }
        let (scene, last) = world.pass(Fate::Answered, false);
        let klarna = scene.klarna();
        let kept = klarna.captured.minus(klarna.refunded);
        let total = scene.facts.shop.total.clone().expect("a total");
        let credited: Minor = scene.facts.shop.credit_invoices.iter().filter_map(|credit| credit.amount.clone().ok()).collect();
        let owed = if scene.ledger.order.was_cancelled() { Minor::ZERO } else { total.less(credited) };
        let is_waiting = klarna.remaining.is_positive();
        prop_assert!(kept == owed || is_waiting || !last.discrepancies.is_empty() || nothing_shipped(&scene),
            "{} was kept and {} is owed, and nobody says so", kept.get(), owed.get());
        let unpaid = scene.facts.shop.credit_invoices.iter().any(|credit| !credit.paid.is(&true));
        prop_assert!(!unpaid || is_waiting || !last.discrepancies.is_empty(), "a credit invoice is forgotten");
    }

    #[test]
    fn a_cancelled_order_absorbs_whatever_follows(
        reads in reads(), captured in any::<bool>(), before in lives(), after in histories(),
    ) {
        let mut world = played(reads, captured, true, &before);
        world.step(&Move::CancelInShop);
        let _ = world.pass(Fate::Answered, false);
        let is_over = world.scene.ledger.order == Order::Expired;
        for step in &after {
            world.step(step);
            prop_assert!(is_over || world.scene.ledger.order.was_cancelled());
        }
    }

    #[test]
    fn a_settled_pair_beside_it_changes_nothing_about_an_order(
        reads in reads(), soon in any::<bool>(), amount in cents(), moves in histories(),
    ) {
        let world = played(reads, true, soon, &moves);
        let alone = world.scene.plan();
        let beside = with_a_settled_pair(world.scene.clone(), Minor::new(amount).expect("an amount")).plan();
        prop_assert_eq!(meaning(alone), meaning(beside));
    }

    #[test]
    fn nobody_acts_on_an_order_whose_other_side_was_not_found(moves in histories(), is_unlinked in any::<bool>()) {
        let mut scene = played(Reads { references: true, ids: true }, true, true, &moves).scene;
        scene.facts.klarna = if is_unlinked { KlarnaSide::Unlinked } else { KlarnaSide::NotFound { said: "no".to_owned() } };
        let plan = scene.plan();
        prop_assert!(plan.effects.is_empty() && plan.credit_events.is_empty() && plan.order_events.is_empty());
        prop_assert!(!plan.discrepancies.is_empty() || is_unlinked && scene.facts.shop.status.is(&ShopStatus::Cancelled));
    }
}

fn nothing_shipped(scene: &Scene) -> bool {
    scene.facts.shop.shipped.is(&Shipped::No)
}
