//! Money ceilings: what reaches one is held for a human's approval, and what fits goes.

use crate::common::{Ask, Scene, cancelled_order, captured_order, eur, order};
use reconciled_core::intent::Kind;
use reconciled_core::limits::Spent;
use reconciled_core::order::Order;

fn returned() -> Scene {
    captured_order("100.00").credit("INV1", "40.00", "2h")
}

fn per_order(scene: Scene, limit: &str) -> Scene {
    let limit = eur(limit);
    scene.policy(|policy| policy.refund_limit_per_order = limit)
}

fn two_above(scene: Scene, amount: &str) -> Scene {
    let amount = eur(amount);
    scene.policy(|policy| policy.two_person_above = Some(amount))
}

fn spent(mut scene: Scene, pass: &str, day: &str) -> Scene {
    scene.spent.pass = eur(pass);
    scene.spent.day = eur(day);
    scene
}

cases! {
    exactly_the_ceiling_may_go:
        per_order(returned(), "40.00") => "refund INV1 40.00 act";

    a_cent_above_the_orders_ceiling_is_held:
        per_order(returned(), "39.99") => "
            refund INV1 40.00 hold limit refund_limit_per_order (39.99 EUR)
            break limit_reached the intent 40.00";

    a_human_approves_exactly_what_is_held:
        per_order(returned(), "39.99").approved_effect(&Ask::refund("INV1", "40.00")) => "refund INV1 40.00 act";

    an_approval_of_another_amount_approves_nothing:
        per_order(returned(), "39.99").approved_effect(&Ask::refund("INV1", "39.00")) => "
            refund INV1 40.00 hold limit refund_limit_per_order (39.99 EUR)
            break limit_reached the intent 40.00";

    refunds_of_one_order_add_up:
        per_order(returned().credit("INV2", "30.00", "2h"), "60.00") => "
            refund INV1 40.00 act
            refund INV2 30.00 hold limit refund_limit_per_order (60.00 EUR)
            break limit_reached the intent 30.00";

    what_is_held_leaves_room_for_what_fits:
        per_order(returned().credit("INV2", "30.00", "2h"), "35.00") => "
            refund INV1 40.00 hold limit refund_limit_per_order (35.00 EUR)
            refund INV2 30.00 act
            break limit_reached the intent 40.00";

    earlier_refunds_of_the_order_count:
        per_order(returned().credit("INV2", "30.00", "24h").refund_at("r2", "30.00", "INV2", "20h").marked_paid("INV2", "19h")
            .intended(&Ask::refund("INV2", "30.00").confirmed("r2", "20h"))
            .credit_known_as("INV2", "30.00", reconciled_core::credit_invoice::CreditInvoice::Paid(
                reconciled_core::credit_invoice::Proof::Reversal)), "60.00") => "
            refund INV1 40.00 hold limit refund_limit_per_order (60.00 EUR)
            break limit_reached the intent 40.00";

    the_ceiling_of_the_pass_counts_other_orders:
        spent(returned(), "4960.01", "4960.01") => "
            refund INV1 40.00 hold limit refund_limit_per_pass (5000.00 EUR)
            break limit_reached the intent 40.00";

    exactly_the_ceiling_of_the_pass_may_go:
        spent(returned(), "4960.00", "4960.00") => "refund INV1 40.00 act";

    the_ceiling_of_the_day_counts_other_passes:
        spent(returned(), "0.00", "19960.01") => "
            refund INV1 40.00 hold limit refund_limit_per_day (20000.00 EUR)
            break limit_reached the intent 40.00";

    above_the_threshold_two_humans_must_agree:
        two_above(returned(), "39.99") => "
            refund INV1 40.00 hold limit two_person_above (39.99 EUR)
            break limit_reached the intent 40.00";

    exactly_the_threshold_needs_nobody:
        two_above(returned(), "40.00") => "refund INV1 40.00 act";

    one_human_is_not_two:
        two_above(returned(), "39.99").approved_effect(&Ask::refund("INV1", "40.00")) => "
            refund INV1 40.00 hold limit two_person_above (39.99 EUR)
            break limit_reached the intent 40.00";

    two_humans_let_it_go:
        two_above(returned(), "39.99").countersigned_effect(&Ask::refund("INV1", "40.00")) => "refund INV1 40.00 act";

    two_humans_who_agreed_to_another_amount_agreed_to_nothing:
        two_above(returned(), "39.98").countersigned_effect(&Ask::refund("INV1", "39.99")) => "
            refund INV1 40.00 hold limit two_person_above (39.98 EUR)
            break limit_reached the intent 40.00";

    two_humans_pass_every_other_ceiling_too:
        per_order(two_above(returned(), "10.00"), "10.00").countersigned_effect(&Ask::refund("INV1", "40.00")) => "
            refund INV1 40.00 act";

    a_planned_intent_is_held_once_the_threshold_is_there:
        two_above(captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00")), "10.00") => "
            refund INV1 40.00 hold limit two_person_above (10.00 EUR) again
            break limit_reached the intent 40.00";

    two_who_agreed_to_a_refund_agreed_to_starting_it_anew:
        two_above(captured_order("100.00").credit("INV1", "40.00", "3h")
            .intended(&Ask::refund("INV1", "40.00").rejected("REFUND_NOT_ALLOWED", "1h")).approved(), "39.99")
            .countersigned_effect(&Ask::refund("INV1", "40.00")) => "
            credit INV1 held→pending
            refund INV1 40.00 act generation 1";

    what_may_have_left_is_repeated_without_a_second_human:
        two_above(captured_order("100.00").credit("INV1", "40.00", "3h")
            .intended(&Ask::refund("INV1", "40.00").unknown("10m").absent("5s")), "39.99") => "
            intent refund INV1 absent
            refund INV1 40.00 act again";

    what_left_for_another_credit_invoice_lets_nothing_else_go:
        two_above(returned().credit("INV2", "30.00", "24h").refund_at("r2", "30.00", "INV2", "20h").marked_paid("INV2", "19h")
            .intended(&Ask::refund("INV2", "30.00").confirmed("r2", "20h")), "39.99") => "
            credit INV2 refunded→paid
            refund INV1 40.00 hold limit two_person_above (39.99 EUR)
            break limit_reached the intent 40.00";

    what_captures_needs_no_second_human:
        two_above(order("100.00").shipped("48h"), "1.00") => "
            capture SHP1 100.00 act
            look_again 480h";

    a_durable_intent_was_counted_when_it_was_made:
        per_order(captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00")), "10.00") => "
            refund INV1 40.00 act again";

    what_was_captured_counts_towards_no_ceiling:
        per_order(returned().intended(&Ask::new(Kind::Capture, "SHP1", "100.00").confirmed("c1", "48h")), "40.00") => "
            refund INV1 40.00 act";

    what_gives_no_money_away_has_no_ceiling:
        per_order(order("100.00").shipped("1h"), "0.00") => "
            capture SHP1 100.00 act
            look_again 480h";

    a_cancels_remainder_has_one:
        per_order(cancelled_order("100.00").captured("100.00", "48h").known_as(Order::RefundRequested), "99.99") => "
            refund ORD1:cancel 100.00 hold limit refund_limit_per_order (99.99 EUR)
            break limit_reached the intent 100.00";

    what_was_given_up_once_sent_counts_for_ever:
        per_order(returned().credit("INV2", "30.00", "24h").marked_paid("INV2", "19h")
            .intended(&Ask::refund("INV2", "30.00").abandoned("50h").attempts(1, "50h", "50h")), "60.00") => "
            credit INV2 held→paid_by_hand
            refund INV1 40.00 hold limit refund_limit_per_order (60.00 EUR)
            break paid_without_refund INV2 30.00
            break limit_reached the intent 40.00
            ";

    what_was_given_up_and_started_anew_counts_once:
        per_order(returned().credit("INV2", "20.00", "24h").refund_at("r2", "20.00", "INV2", "20h").marked_paid("INV2", "19h")
            .intended(&Ask::refund("INV2", "20.00").abandoned("50h").attempts(1, "50h", "50h"))
            .intended(&Ask::refund("INV2", "20.00").generation(1).confirmed("r2", "20h"))
            .credit_known_as("INV2", "20.00", reconciled_core::credit_invoice::CreditInvoice::Paid(
                reconciled_core::credit_invoice::Proof::Reversal)), "60.00") => "
            refund INV1 40.00 act";

    what_was_given_up_counts_beside_the_refund_of_another_credit_invoice:
        per_order(returned().credit("INV2", "30.00", "24h").marked_paid("INV2", "19h")
            .intended(&Ask::refund("INV2", "30.00").abandoned("50h").attempts(1, "50h", "50h"))
            .credit("INV3", "5.00", "24h").refund_at("r3", "5.00", "INV3", "20h").marked_paid("INV3", "19h")
            .intended(&Ask::refund("INV3", "5.00").confirmed("r3", "20h")), "70.00") => "
            credit INV2 held→paid_by_hand
            credit INV3 refunded→paid
            refund INV1 40.00 hold limit refund_limit_per_order (70.00 EUR)
            break paid_without_refund INV2 30.00
            break limit_reached the intent 40.00";

    refunds_that_are_over_are_no_refunds_on_their_way:
        captured_order("1000.00").credit("INV1", "600.00", "5h").refund("r1", "600.00", "INV1").marked_paid("INV1", "3h")
            .intended(&Ask::refund("INV1", "600.00").confirmed("r1", "4h")).credit("INV2", "300.00", "2h") => "
            credit INV1 refunded→paid
            refund INV2 300.00 act";
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
