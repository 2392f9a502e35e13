//! What of an order Klarna is to take: gift cards and other payments took the rest, or the order was lowered.

use reconciled_core::facts::KlarnaSide;
use reconciled_core::id::InvoiceId;
use reconciled_core::ledger::Attribution;
use reconciled_core::money::{Currency, Minor};
use reconciled_core::order::Order;
use reconciled_core::plan::Verdict;
use reconciled_core::share::{Accepted, Fit, Share, amount_fits, is_captured_beyond, may_be_all_of, otherwise};

use crate::common::{Scene, captured_order, eur, order};
use crate::every_case;

/// An order over 100.00, of which a gift card paid 30.00 and Klarna authorized 70.00.
fn gift() -> Scene {
    order("70.00").total("100.00").gift_cards(&["30.00"])
}

fn sent_gift() -> Scene {
    gift().shipped("48h").captured("70.00", "48h").known_as(Order::Paid)
}

/// The order was lowered in the shop before it was shipped.
fn lowered() -> Scene {
    order("9.98").total("9.79")
}

/// Somebody lowered what Klarna authorizes.
fn lowered_at_klarna(to: &str) -> Scene {
    order("100.00").klarna_says(|klarna| {
        klarna.order_amount = eur(to);
        klarna.remaining = eur(to);
    })
}

cases! {
    an_order_with_a_gift_card_agrees_with_what_klarna_was_asked_for:
        sent_gift() => "";

    of_an_order_with_a_gift_card_a_return_is_refunded_by_klarna_first:
        sent_gift().credit("INV1", "25.00", "2h") => "refund INV1 25.00 act";

    of_an_order_with_a_gift_card_klarnas_share_is_captured:
        gift().shipped("1h") => "
            capture SHP1 70.00 act
            look_again 480h";

    a_credit_invoice_of_the_gift_cards_amount_did_not_lower_the_authorization:
        gift().credit("INV1", "30.00", "3h").shipped("1h") => "
            capture SHP1 40.00 act
            break credit_before_capture INV1 30.00
            look_again 480h";

    of_a_part_that_is_shipped_the_gift_card_paid_first:
        gift().line(1, 2, "60.00").line(2, 1, "40.00").shipment("SHP1", "1h", &[(1, 2)]) => "
            capture SHP1 30.00 act
            look_again 480h";

    of_a_part_that_the_gift_card_covers_nothing_is_captured_yet:
        gift().line(1, 2, "60.00").line(2, 1, "40.00").shipment("SHP1", "1h", &[(1, 1)]) => "look_again 480h";

    of_a_cancelled_order_with_a_gift_card_all_of_klarnas_share_goes_back:
        sent_gift().cancelled("2h") => "
            order paid→refund_requested
            refund ORD1:cancel 70.00 act";

    before_its_capture_a_cancelled_order_with_a_gift_card_is_given_up_whole:
        gift().cancelled("2h") => "
            order pending→refund_requested
            cancel ORD1:cancel 70.00 act";

    a_return_of_everything_refunds_klarnas_share_and_says_what_is_owed_otherwise:
        sent_gift().credit("INV1", "100.00", "2h") => "
            refund INV1 70.00 act
            break paid_otherwise INV1 30.00";

    while_a_part_is_owed_otherwise_the_credit_invoice_is_not_marked_paid:
        sent_gift().credit("INV1", "100.00", "2h").refund("r1", "70.00", "INV1") => "
            credit INV1 pending→refunded
            break paid_otherwise INV1 30.00";

    once_a_human_said_that_it_went_back_the_credit_invoice_is_marked_paid:
        sent_gift().credit("INV1", "100.00", "2h").refund("r1", "70.00", "INV1").given_back("INV1", "30.00") => "
            credit INV1 pending→refunded
            mark_paid INV1 70.00 act";

    what_a_human_said_went_back_was_another_amount:
        sent_gift().credit("INV1", "100.00", "2h").refund("r1", "70.00", "INV1").given_back("INV1", "20.00") => "
            credit INV1 pending→refunded
            break paid_otherwise INV1 30.00";

    a_human_who_marks_it_paid_has_given_the_rest_back:
        sent_gift().credit("INV1", "100.00", "2h").refund("r1", "70.00", "INV1").marked_paid("INV1", "1h") => "
            credit INV1 pending→refunded→paid";

    the_second_credit_invoice_finds_what_the_first_left_of_klarnas_share:
        sent_gift().credit("INV1", "60.00", "3h").credit("INV2", "40.00", "2h") => "
            refund INV1 60.00 act
            refund INV2 10.00 act
            break paid_otherwise INV2 30.00";

    a_credit_invoice_that_klarna_has_no_part_of_waits_for_a_human:
        sent_gift().credit("INV1", "70.00", "3h").refund("r1", "70.00", "INV1").marked_paid("INV1", "2h")
            .credit("INV2", "30.00", "2h") => "
            credit INV1 pending→refunded→paid
            credit INV2 pending→cancelled
            break paid_otherwise INV2 30.00";

    a_credit_invoice_that_klarna_has_no_part_of_is_marked_once_a_human_gave_it_back:
        sent_gift().credit("INV1", "70.00", "3h").refund("r1", "70.00", "INV1").marked_paid("INV1", "2h")
            .credit("INV2", "30.00", "2h").given_back("INV2", "30.00") => "
            credit INV1 pending→refunded→paid
            credit INV2 pending→cancelled
            mark_paid INV2 0.00 act";

    more_than_the_order_is_no_gift_cards_part:
        sent_gift().credit("INV1", "110.00", "2h") => "
            credit INV1 pending→held
            break paid_otherwise INV1 30.00
            break credit_exceeds_refundable INV1 80.00";

    credited_before_the_capture_it_lowers_klarnas_share:
        gift().credit("INV1", "40.00", "2h").shipped("1h") => "
            capture SHP1 30.00 act
            break credit_before_capture INV1 40.00
            look_again 480h";

    credited_beyond_klarnas_share_before_the_capture_klarna_gives_everything_up:
        gift().credit("INV1", "80.00", "2h") => "
            cancel ORD1:cancel 70.00 act
            break paid_otherwise INV1 10.00
            look_again 480h";

    a_gift_card_that_does_not_explain_the_difference_holds:
        order("70.00").total("100.00").gift_cards(&["25.00"]).shipped("1h") => "
            break amount_differs 30.00
            break shipped_not_captured 100.00
            look_again 480h";

    a_gift_card_that_states_no_number_holds:
        order("70.00").total("100.00").gift_cards(&[]).shipped("48h").captured("70.00", "48h").credit("INV1", "25.00", "2h") => "
            credit INV1 pending→held
            refund INV1 25.00 hold disagreement (the order's amount)
            break amount_differs 30.00
            break credit_before_capture the intent 25.00";

    where_nothing_explains_the_difference_a_human_says_what_klarnas_share_is:
        order("70.00").total("100.00").accepted("70.00").shipped("48h").captured("70.00", "48h").known_as(Order::Paid)
            .credit("INV1", "100.00", "2h") => "
            refund INV1 70.00 act
            break paid_otherwise INV1 30.00";

    what_a_human_said_of_another_total_is_asked_anew:
        order("70.00").total("100.00").accepted("70.00").total("90.00").shipped("1h") => "
            break amount_differs 20.00
            break shipped_not_captured 90.00
            look_again 480h";

    // Lowered.
    an_order_that_was_lowered_in_the_shop_is_captured_as_it_is_now:
        lowered().shipped("1h") => "
            capture SHP1 9.79 act
            look_again 480h";

    what_is_authorized_beyond_a_lowered_order_is_released:
        lowered().shipped("48h").captured("9.79", "48h").known_as(Order::PartlyPaid) => "
            release ORD1:release 0.19 act
            look_again 480h";

    a_lowered_order_of_which_the_rest_is_released_is_quiet:
        lowered().shipped("48h").captured("9.79", "48h").released().known_as(Order::Paid) => "";

    a_lowered_order_is_known_by_klarnas_reference_alone:
        lowered().shipped("1h").klarna_says(|klarna| klarna.merchant_reference1 = None) => "
            capture SHP1 9.79 hold disagreement (the order's amount)
            break amount_differs -0.19
            look_again 480h";

    an_order_that_was_lowered_below_what_is_captured_is_for_a_human:
        captured_order("100.00").total("60.00").credit("INV1", "20.00", "2h") => "
            credit INV1 pending→held
            refund INV1 20.00 hold disagreement (the order's amount)
            break captured_too_much 40.00";

    an_order_that_is_worth_nothing_any_more_is_for_a_human:
        order("100.00").total("0.00") => "
            break amount_differs -100.00
            look_again 480h";

    an_order_that_both_sides_lowered_agrees:
        lowered_at_klarna("80.00").total("80.00").shipped("1h") => "
            capture SHP1 80.00 act
            look_again 480h";

    an_order_that_only_klarna_lowered_is_not_captured_whole:
        lowered_at_klarna("80.00").shipped("1h") => "
            break shipped_not_captured 100.00
            look_again 480h";

    an_order_that_only_klarna_lowered_is_captured_as_a_human_says:
        lowered_at_klarna("80.00").accepted("80.00").shipped("1h") => "
            capture SHP1 80.00 act
            look_again 480h";

    a_refund_by_hand_of_klarnas_share_settles_it_and_the_rest_is_owed_otherwise:
        sent_gift().credit("INV1", "100.00", "2h").refund("r9", "70.00", "")
            .adopted("r9", Attribution::CreditInvoice(InvoiceId(1))) => "
            credit INV1 pending→refunded
            break paid_otherwise INV1 30.00";
}

#[test]
fn a_candidates_amount_is_equal_lower_higher_or_no_amount() {
    let fit = |scene: Scene| amount_fits(&scene.facts.shop, scene.klarna());
    assert_eq!(fit(order("100.00")), Fit::Equal);
    assert_eq!(fit(order("100.00").total("100.01")), Fit::Equal);
    assert_eq!(fit(order("100.00").total("99.98")), Fit::Lower);
    assert_eq!(fit(order("100.00").total("100.02")), Fit::Higher);
    assert_eq!(fit(lowered_at_klarna("80.00").total("80.00")), Fit::Equal);
    assert_eq!(fit(gift()), Fit::Equal);
    assert_eq!(fit(gift().gift_cards(&["20.00"])), Fit::Higher);
    assert_eq!(fit(order("100.00").total("1e400")), Fit::Unreadable);
}

fn cents(minor: i64) -> Minor {
    Minor::new(minor).expect("an amount")
}

/// Whatever is credited: Klarna gives back no more than its share, others no more than theirs, and nothing is lost.
#[test]
fn credit_invoices_take_from_klarna_first_and_never_more_than_there_is() {
    for share in [0, 30, 70, 90, 100] {
        let share = Share { total: cents(100), amount: cents(share) };
        for amounts in [[100, 0, 0], [50, 50, 0], [30, 40, 30], [70, 20, 20], [120, 10, 0], [1, 1, 1]] {
            let scene = amounts.into_iter().enumerate().fold(order("100.00"), |scene, (at, amount)| {
                scene.credit(&format!("INV{}", at + 1), &cents(amount).decimal(Currency::EUR), "2h")
            });
            let credits: Vec<_> = scene.facts.shop.credit_invoices.iter().collect();
            let rest: Minor = otherwise(share, &credits).values().copied().collect();
            let asked: Minor = credits.iter().filter_map(|credit| credit.amount.clone().ok()).collect();
            assert_eq!(rest, asked.less(share.amount).min(share.others()), "{share:?} {amounts:?}");
        }
    }
}

/// What a plan withholds is never withheld in silence: a difference that is a break at once says why.
#[test]
fn whatever_a_plan_withholds_is_an_open_break() {
    let mut withheld = 0;
    for (name, scene) in every_case() {
        let plan = scene().plan();
        if plan.withholds() {
            withheld += 1;
            let said = plan.discrepancies.iter().any(|found| found.kind.withholds() && found.due <= scene().now);
            assert!(said, "{name}: {:?} without a break", plan.effects);
        }
    }
    assert!(withheld > 15, "{withheld} plans withhold something");
}

/// Never more than the shop's total, nor than what is Klarna's of it, but for a cent of rounding.
#[test]
fn no_capture_exceeds_klarnas_share() {
    for (name, scene) in every_case() {
        let scene = scene();
        let plan = scene.plan();
        let captures =
            plan.effects.iter().filter(|it| it.effect.kind.name() == "capture" && it.verdict == Verdict::Act);
        let sum: Minor = captures.map(|it| it.effect.amount).collect();
        let (Ok(total), KlarnaSide::Read(klarna)) = (scene.facts.shop.total.clone(), &scene.facts.klarna) else {
            continue;
        };
        if sum.is_positive() {
            let share = scene.ledger.accepted.map_or(total, |said| said.amount.min(total));
            assert!(klarna.captured.plus(sum).minus(share).get() <= 1, "{name}: {sum:?} of {share:?}");
        }
    }
}

/// An order over 80.00 of which Klarna authorized 100.00 and captured so much.
fn taken_of_lowered(captured: &str) -> Scene {
    captured_order("100.00").total("80.00").klarna_says(|klarna| klarna.captured = eur(captured))
}

#[test]
fn less_than_was_authorized_is_all_of_it_where_klarna_names_the_order() {
    let nameless = |scene: Scene| scene.klarna_says(|klarna| klarna.merchant_reference1 = None);
    for (scene, expected) in [
        (taken_of_lowered("80.00"), true),
        (nameless(taken_of_lowered("80.00")), false),
        (order("100.00").total("120.00"), false),
        (order("100.00").total("120.00").credit("INV1", "20.00", "2h"), true),
    ] {
        assert_eq!(may_be_all_of(&scene.facts.shop, scene.klarna()), expected, "{scene:?}");
    }
}

#[test]
fn more_was_captured_than_a_lowered_order_is_worth() {
    let nameless = taken_of_lowered("100.00").klarna_says(|klarna| klarna.merchant_reference1 = None);
    let worthless = captured_order("100.00").total("0.00");
    let equal = taken_of_lowered("120.00").total("100.00");
    for (scene, expected) in [
        (taken_of_lowered("100.00"), true),
        (taken_of_lowered("80.01"), true),
        (taken_of_lowered("80.00"), false),
        (nameless, false),
        (worthless, false),
        (equal, false),
    ] {
        let total = scene.facts.shop.total.clone().expect("an amount");
        assert_eq!(is_captured_beyond(&scene.facts.shop, total, scene.klarna()), expected, "{scene:?}");
    }
}

#[test]
fn a_human_gives_klarna_something_and_never_more_than_the_order() {
    let total = Some(eur("100.00"));
    for (amount, total, expected) in [
        ("0.01", total, Ok("0.01")),
        ("100.00", total, Ok("100.00")),
        ("100.01", total, Err(total)),
        ("0.00", total, Err(total)),
        ("-5.00", total, Err(total)),
        ("5.00", None, Err(None)),
    ] {
        let found = Accepted::of(eur(amount), total);
        assert_eq!(found.map(|it| it.amount), expected.map(eur), "{amount}");
    }
}
