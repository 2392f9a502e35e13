//! The small rules that others rest on: whose shop it is, which words count, what a setting leaves to whom.

use reconciled::core::credit_reference::of_credit;
use reconciled::core::discrepancy::BreakKind;
use reconciled::core::facts::{ShopStatus, Word};
use reconciled::core::finding::Finding;
use reconciled::core::fulfilment::{CaptureOn, Fulfilled};
use reconciled::core::id::{Identity, InvoiceId, InvoiceNumber};
use reconciled::core::intent::Kind;
use reconciled::core::limits::Spent;
use reconciled::core::lines::{Told, told};
use reconciled::core::order::Order;
use reconciled::core::policy::{Family, Mode, Setting};
use reconciled::core::situation::{Again, Concerned};
use reconciled::core::sums::contradictions;

use crate::common::{Ask, NOW, Scene, captured_order, eur, in_time, long, order, policy};

#[test]
fn a_shop_is_one_by_all_that_the_services_say_of_it() {
    let shop = |cluster: &str, environment: &str, region: &str, id: &str| Identity {
        cluster: cluster.to_owned(),
        environment: environment.to_owned(),
        region: region.to_owned(),
        shop_id: id.to_owned(),
    };
    let own = shop("eu1", "production", "eu", "100");
    for (other, expected) in [
        (own.clone(), true),
        (shop("", "production", "eu", "100"), true),
        (shop("us1", "production", "eu", "100"), false),
        (shop("eu1", "playground", "eu", "100"), false),
        (shop("eu1", "production", "na", "100"), false),
        (shop("eu1", "production", "eu", "101"), false),
        (shop("", "production", "eu", "101"), false),
    ] {
        assert_eq!(own.is(&other), expected, "{other:?}");
        assert_eq!(other.is(&own), expected, "{other:?}");
    }
}

#[test]
fn a_word_is_known_or_it_is_not() {
    let unknown: Word<u8> = Word::Unknown("x".to_owned());
    assert_eq!((Word::Known(5).known(), unknown.known()), (Some(&5), None));
}

#[test]
fn a_word_that_is_said_twice_counts_once() {
    let said: CaptureOn = [Fulfilled::Shipped, Fulfilled::PickedUp, Fulfilled::Shipped].into_iter().collect();
    let includes = Fulfilled::ALL.map(|word| said.includes(word));
    assert_eq!(includes, Fulfilled::ALL.map(|word| matches!(word, Fulfilled::Shipped | Fulfilled::PickedUp)));
}

#[test]
fn what_is_not_set_is_named() {
    let mut all = policy();
    (all.act, all.extend_authorization, all.refunds) = (false, true, Mode::Verify);
    assert_eq!(all.unset(Family::Refunds, true), [Setting::Drive(Family::Refunds), Setting::Act]);
    assert_eq!(all.unset(Family::Captures, true), [Setting::Act]);
    (all.act, all.extend_authorization) = (true, false);
    assert_eq!(all.unset(Family::Captures, true), [Setting::Extend]);
    assert_eq!(all.unset(Family::Captures, false), []);
    let keys = [Family::Refunds, Family::MarkPaid, Family::Cancels, Family::Captures].map(Family::key);
    assert_eq!(keys, ["refunds", "mark_paid", "cancels", "captures"]);
}

#[test]
fn each_kind_of_break_says_what_it_withholds_and_what_settles_it() {
    let withholding: Vec<_> = BreakKind::ALL.iter().filter(|kind| kind.withholds()).map(|kind| kind.name()).collect();
    let expected = [
        "refund_amount_differs",
        "refund_unattributed",
        "refund_exceeds_credit",
        "credit_before_capture",
        "credit_changed",
        "amount_differs",
        "captured_too_much",
        "currency_differs",
        "klarna_order_shared",
        "klarna_order_ambiguous",
        "klarna_order_mismatch",
        "limit_reached",
        "unknown_value",
    ];
    assert_eq!(withholding, expected);
    let settled = BreakKind::ALL.iter().filter_map(|kind| Some((kind.name(), kind.settled_by()?)));
    let expected = [
        ("refund_missing", Family::Refunds),
        ("credit_not_marked_paid", Family::MarkPaid),
        ("cancel_not_released", Family::Cancels),
        ("cancel_not_refunded", Family::Cancels),
        ("shipped_not_captured", Family::Captures),
        ("authorization_expiring", Family::Captures),
    ];
    assert_eq!(settled.collect::<Vec<_>>(), expected);
}

#[test]
fn less_than_a_credit_invoice_asks_for_is_offered_under_an_id_of_its_own() {
    let scene = captured_order("100.00").refund("r1", "80.00", "INV1").credit("INV1", "80.00", "3h");
    let scene = scene.marked_paid("INV1", "1h").credit("INV2", "35.00", "2h");
    let plan = scene.plan();
    let offers: Vec<_> = plan.discrepancies.iter().filter_map(|found| found.finding.offers()).collect();
    assert_eq!(offers, [(Ask::refund("INV2", "20.00").intent(&scene.target()).id, eur("20.00"))]);
}

#[test]
fn what_was_admitted_and_not_kept_is_taken_back() {
    let scene = captured_order("100.00").credit("INV1", "40.00", "2h").credit("INV2", "30.00", "2h");
    let lost = scene.clone().intended(&Ask::refund("INV2", "30.00").unknown("10m").absent("5m"));
    for (scene, left) in [(scene, "30.00"), (lost, "60.00")] {
        let mut spent = Spent { pass: eur("100.00"), day: eur("100.00") };
        spent.take_back(&scene.plan());
        assert_eq!(spent, Spent { pass: eur(left), day: eur(left) });
    }
}

#[test]
fn a_cent_is_no_contradiction_between_a_sum_and_its_parts() {
    let counted = |amount: &str| {
        captured_order("100.00").refund("r1", "40.00", "INV1").klarna_says(|klarna| klarna.refunded = eur(amount))
    };
    assert!(contradictions(counted("39.99").klarna()).is_empty());
    assert_eq!(contradictions(counted("39.98").klarna()).len(), 1);
}

/// Of two lines, the first left and the second did not.
fn half_sent() -> Scene {
    order("100.00").line(1, 2, "60.00").line(2, 2, "40.00").shipment("SHP1", "5h", &[(1, 2)])
}

#[test]
fn lines_tell_of_what_was_sent_and_of_what_was_not() {
    let says = |scene: &Scene| told(&scene.facts.shop, &scene.facts.shop.credit_invoices[0]);
    let credit = |amount: &str, items: &[(u64, u32)]| half_sent().credit("INV1", amount, "2h").items("INV1", items);
    for (scene, expected) in [
        (credit("30.00", &[(1, 1)]), Some(Told::Sent)),
        (credit("30.01", &[(1, 1)]), Some(Told::Sent)),
        (credit("30.02", &[(1, 1)]), None),
        (credit("40.00", &[(2, 2)]), Some(Told::NeverSent)),
        (credit("50.00", &[(1, 1), (2, 1)]), None),
        (credit("30.00", &[(1, 1), (2, 0)]), Some(Told::Sent)),
        (credit("30.00", &[]), None),
    ] {
        assert_eq!(says(&scene), expected, "{:?}", scene.facts.shop);
    }
    let nothing_left = order("100.00").line(1, 2, "60.00").credit("INV1", "30.00", "2h").items("INV1", &[(1, 1)]);
    assert_eq!(says(&nothing_left), None);
    let unsaid = nothing_left.shipment("SHP1", "5h", &[]);
    assert_eq!(says(&unsaid), None);
}

#[test]
fn a_number_that_we_used_for_another_is_not_used_again() {
    let scene = captured_order("100.00").intended(&Ask::refund("INV7", "40.00").confirmed("r1", "1h"));
    let mut ledger = scene.ledger.clone();
    ledger.credits.clear();
    let number = InvoiceNumber("INV7".to_owned());
    let name = |id| of_credit(&ledger, &scene.facts.shop, InvoiceId(id), &number).as_str().to_owned();
    assert_eq!([name(7), name(8), name(6)], ["INV7", "INV7:8", "INV7:6"]);
}

#[test]
fn an_effect_is_started_anew_where_that_is_a_humans_to_say() {
    let of = |ask: Ask, is_approved: bool| {
        let mut scene = captured_order("100.00").intended(&ask);
        let intent = scene.ledger.intents[0].clone();
        if is_approved {
            scene.ledger.approved.insert(intent.id);
        }
        let found = Concerned::of(&intent, &scene.ledger, NOW);
        (found.again, found.may_be_given_up)
    };
    let refund = || Ask::refund("INV1", "40.00");
    assert_eq!(of(refund(), false), (Again::No, false));
    assert_eq!(of(refund().rejected("NO", "1h"), false), (Again::Now, false));
    assert_eq!(of(refund().rejected("NO", "1h"), true), (Again::No, false));
    assert_eq!(of(refund().unknown("1h"), false), (Again::From(in_time("22h")), true));
    assert_eq!(of(refund().confirmed("r1", "1h"), false), (Again::No, false));
}

#[test]
fn a_capture_remembers_what_it_left_out() {
    let plan = order("100.00").shipped("1h").credit("INV1", "30.00", "2h").plan();
    assert_eq!(plan.effects[0].left_out, Some(vec![(InvoiceId(1), eur("30.00"))]));
}

#[test]
fn a_difference_is_found_in_a_state() {
    let state = |scene: &Scene| scene.plan().discrepancies[0].state.clone().expect("a state");
    let refused = captured_order("100.00").credit("INV1", "40.00", "2h");
    let refused = refused.intended(&Ask::refund("INV1", "40.00").rejected("NO", "1h"));
    let intent = refused.ledger.intents[0].id;
    let found = state(&refused);
    assert_eq!(found.effect.map(|it| (it.intent, it.again)), Some((intent, Again::Now)));
    assert!(found.is_given && found.unset.is_empty());
    let expiring = |extend| {
        let scene = order("100.00").policy(|policy| policy.extend_authorization = extend);
        scene.klarna_says(|klarna| klarna.expires_at = Some(in_time("1s"))).held_by_operator("wait")
    };
    assert_eq!(state(&expiring(false)).unset, [Setting::Extend]);
    let unpaid = order("100.00").shipped("5h").policy(|policy| policy.captures = Mode::Verify);
    assert_eq!(state(&unpaid).unset, [Setting::Drive(Family::Captures)]);
    let not_given = order("100.00").total("90.01").klarna_says(|klarna| klarna.merchant_reference1 = None);
    assert!(!state(&not_given).is_given);
    let by_status = not_given.shop_says(|shop| shop.status = Word::Known(ShopStatus::PickedUp));
    assert!(state(&by_status).is_given);
}

/// Whether Klarna's total counts what its list lacks of what was confirmed.
fn is_counted(scene: &Scene) -> Vec<bool> {
    let plan = scene.plan();
    let counted = plan.discrepancies.iter().filter_map(|found| {
        let Finding::Vanished { is_counted, .. } = &found.finding else { return None };
        Some(*is_counted)
    });
    counted.collect()
}

#[test]
fn what_is_gone_from_a_list_may_be_counted_in_its_total() {
    let refund = Ask::refund("INV1", "40.00").confirmed("r1", "48h");
    let refunded = captured_order("100.00").credit("INV1", "40.00", "50h").marked_paid("INV1", "48h").intended(&refund);
    let counting = |amount| refunded.clone().klarna_says(|klarna| klarna.refunded = eur(amount));
    assert_eq!(is_counted(&counting("40.00")), [true]);
    assert_eq!(is_counted(&counting("39.99")), [false]);
    assert_eq!(is_counted(&refunded), [false]);
    let capture = Ask::new(Kind::Capture, "SHP1", "60.00").confirmed("c1", "48h");
    let captured = order("100.00").shipment("SHP1", "50h", &[]).known_as(Order::PartlyPaid).intended(&capture);
    let counting = |amount| captured.clone().klarna_says(|klarna| klarna.captured = eur(amount));
    assert_eq!(is_counted(&counting("60.00")), [true]);
    assert_eq!(is_counted(&counting("59.99")), [false]);
    assert_eq!(is_counted(&captured), [false]);
}

#[test]
fn what_reads_may_lag_behind_is_not_missed_at_once() {
    let due = |was_shown: bool| {
        let capture = Ask::new(Kind::Capture, "SHP1", "60.00").confirmed("c1", "2s");
        let mut scene = order("100.00").shipment("SHP1", "50h", &[]).known_as(Order::PartlyPaid).intended(&capture);
        if was_shown {
            scene.ledger.shown.insert(scene.ledger.intents[0].id);
        }
        let scene = scene.policy(|policy| policy.grace = long("1s")).missed("c1", "1s");
        let plan = scene.plan();
        let vanished = plan.discrepancies.iter().find(|found| found.kind == BreakKind::EffectVanished);
        vanished.expect("what is gone").due
    };
    assert_eq!(due(false), in_time("3s"));
    assert_eq!(due(true), NOW);
}
