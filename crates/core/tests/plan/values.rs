//! The small rules that others rest on: whose shop it is, which words count, what a setting leaves to whom.

use reconciled_core::credit_reference::of_credit;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::{ShopStatus, Word};
use reconciled_core::fulfilment::{CaptureOn, Fulfilled};
use reconciled_core::id::{Identity, InvoiceId, InvoiceNumber};
use reconciled_core::policy::{Family, Mode, Setting};
use reconciled_core::situation::Again;
use reconciled_core::sums::contradictions;

use crate::common::{Ask, Scene, captured_order, eur, in_time, order, policy};

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
fn a_cent_is_no_contradiction_between_a_sum_and_its_parts() {
    let counted = |amount: &str| {
        captured_order("100.00").refund("r1", "40.00", "INV1").klarna_says(|klarna| klarna.refunded = eur(amount))
    };
    assert!(contradictions(counted("39.99").klarna()).is_empty());
    assert_eq!(contradictions(counted("39.98").klarna()).len(), 1);
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
