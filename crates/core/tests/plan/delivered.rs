//! A credit invoice over what was sent is a refund; one over what never left lowers what is captured. Where nobody can
//! tell, neither happens by itself, and both readings are put before a human.

use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::intent::Kind;
use reconciled_core::lines::{Told, told};
use reconciled_core::order::Order;
use reconciled_core::policy::Mode;

use super::attribution::proof;
use crate::common::{Ask, Scene, long, order};

/// One thing for 60.00 and one for 40.00; the first was sent and captured a day ago.
fn first_of_two() -> Scene {
    order("100.00")
        .line(1, 1, "60.00")
        .line(2, 1, "40.00")
        .shipment("SHP1", "24h", &[(1, 1)])
        .captured_as("c1", "60.00", "24h", Some("SHP1"))
        .known_as(Order::PartlyPaid)
}

/// Wholly shipped, and captured for all but what a credit invoice names, which the shop dates `when`.
fn left_out(amount: &str, rest: &str, when: &str) -> Scene {
    order("100.00")
        .shipped("48h")
        .captured_as("c1", rest, "48h", Some("SHP1"))
        .known_as(Order::PartlyPaid)
        .credit("INV1", amount, when)
}

/// Somebody captured before anything left, and what was credited then was refunded.
fn credited_in_advance() -> Scene {
    order("105.00")
        .line(1, 2, "50.00")
        .line(2, 2, "50.00")
        .shipment("SHP1", "10h", &[(1, 2), (2, 1)])
        .captured("87.00", "48h")
        .known_as(Order::PartlyPaid)
        .credit("INV1", "30.00", "20h")
        .items("INV1", &[(2, 1)])
        .refund("r1", "30.00", "INV1")
        .marked_paid("INV1", "19h")
        .credit_known_as("INV1", "30.00", CreditInvoice::Paid(proof("r1")))
}

/// Three things for 70.00, 20.00 and 10.00; the first two were sent and captured.
fn three_lines() -> Scene {
    order("100.00")
        .line(1, 1, "70.00")
        .line(2, 1, "20.00")
        .line(3, 1, "10.00")
        .shipment("SHP1", "24h", &[(1, 1), (2, 1)])
        .captured_as("c1", "90.00", "24h", Some("SHP1"))
        .known_as(Order::PartlyPaid)
}

fn captured(reference: &'static str, amount: &'static str) -> Ask {
    Ask::new(Kind::Capture, reference, amount).confirmed("c1", "48h")
}

cases! {
    out_of_stock_and_credited_after_the_first_capture_is_for_a_human:
        first_of_two().credit("INV1", "40.00", "2h") => "
            credit INV1 pending→held
            refund INV1 40.00 hold undecided
            break credit_before_capture the intent 40.00
            look_again 480h";

    a_part_of_what_is_not_captured_is_for_a_human_too:
        first_of_two().credit("INV1", "25.00", "2h") => "
            credit INV1 pending→held
            refund INV1 25.00 hold undecided
            break credit_before_capture the intent 25.00
            look_again 480h";

    within_grace_what_else_ships_may_tell:
        first_of_two().credit("INV1", "40.00", "10m") => "
            differs credit_before_capture the intent 40.00 in 20m
            look_again 20m";

    a_human_says_that_it_is_a_return:
        first_of_two().credit("INV1", "40.00", "2h").approved_effect(&Ask::refund("INV1", "40.00")) => "
            refund INV1 40.00 act
            look_again 480h";

    a_human_said_so_of_another_amount:
        first_of_two().credit("INV1", "40.00", "2h").approved_effect(&Ask::refund("INV1", "30.00")) => "
            credit INV1 pending→held
            refund INV1 40.00 hold undecided
            break credit_before_capture the intent 40.00
            look_again 480h";

    more_than_what_is_not_captured_takes_something_back_that_was_sent:
        first_of_two().credit("INV1", "50.00", "2h") => "
            refund INV1 50.00 act
            look_again 480h";

    once_everything_left_it_is_a_return:
        first_of_two().shipment("SHP2", "1h", &[(2, 1)]).credit("INV1", "25.00", "2h") => "
            refund INV1 25.00 act
            capture SHP2 40.00 act
            look_again 480h";

    with_the_rest_released_nobody_knows_either_what_it_names:
        first_of_two().released().known_as(Order::Paid).credit("INV1", "40.00", "2h") => "
            credit INV1 pending→held
            refund INV1 40.00 hold undecided
            break credit_before_capture the intent 40.00";

    where_somebody_else_refunds_the_question_is_asked_all_the_same:
        first_of_two().credit("INV1", "40.00", "2h").policy(|policy| policy.refunds = Mode::Verify) => "
            break credit_before_capture the intent 40.00
            look_again 480h";

    a_refund_that_was_planned_before_is_withdrawn_and_asked_about:
        first_of_two().credit("INV1", "40.00", "2h").intended(&Ask::refund("INV1", "40.00")) => "
            credit INV1 refund_requested→held→pending
            intent refund INV1 withdrawn
            break credit_before_capture the intent 40.00
            look_again 480h";

    a_refund_that_was_asked_for_is_settled_as_one:
        first_of_two().credit("INV1", "40.00", "2h").intended(&Ask::refund("INV1", "40.00").confirmed("r1", "2s")) => "
            mark_paid INV1 40.00 act
            differs effect_vanished r1 40.00 in 30m
            look_again 30m";

    on_a_cancelled_order_everything_goes_back_and_nobody_asks:
        first_of_two().cancelled("1h").credit("INV1", "40.00", "2h") => "
            order partly_paid→refund_requested
            refund INV1 40.00 act
            release ORD1:release 40.00 act
            refund ORD1:cancel 20.00 act";

    // Two companies' clocks.
    the_very_second_of_the_capture_is_neither_before_nor_after:
        left_out("40.00", "60.00", "48h") => "
            credit INV1 pending→held
            refund INV1 40.00 hold undecided
            break credit_before_capture the intent 40.00
            look_again 480h";

    a_shop_whose_clock_is_eight_seconds_ahead_gets_no_second_refund:
        left_out("25.00", "75.00", "47h 59m 52s") => "
            credit INV1 pending→held
            refund INV1 25.00 hold undecided
            break credit_before_capture the intent 25.00
            look_again 480h";

    two_minutes_before_the_capture_is_unclear:
        left_out("40.00", "60.00", "48h 2m") => "
            credit INV1 pending→held
            refund INV1 40.00 hold undecided
            break credit_before_capture the intent 40.00
            look_again 480h";

    two_minutes_and_a_second_before_the_capture_was_left_out_of_it:
        left_out("40.00", "60.00", "48h 2m 1s") => "
            release ORD1:release 40.00 act
            look_again 480h";

    two_minutes_after_the_capture_is_unclear:
        left_out("40.00", "60.00", "47h 58m") => "
            credit INV1 pending→held
            refund INV1 40.00 hold undecided
            break credit_before_capture the intent 40.00
            look_again 480h";

    more_than_two_minutes_after_the_capture_what_shipped_is_captured_and_the_credit_invoice_waits:
        left_out("40.00", "60.00", "47h 57m 59s").shipment("SHP2", "1h", &[]).all_shipped() => "
            credit INV1 pending→held
            refund INV1 40.00 hold undecided
            capture SHP2 40.00 act
            break credit_before_capture the intent 40.00
            look_again 480h";

    a_human_ends_what_two_clocks_do_not_tell:
        left_out("25.00", "75.00", "48h").shipment("SHP2", "1h", &[]).all_shipped().approved_effect(&Ask::refund("INV1", "25.00")) => "
            refund INV1 25.00 act
            capture SHP2 25.00 act
            look_again 480h";

    // A human says that it names what never left.
    what_was_never_sent_is_released:
        first_of_two().credit("INV1", "40.00", "2h").never_sent("INV1", "40.00") => "
            release ORD1:release 40.00 act
            look_again 480h";

    what_was_never_sent_is_settled_once_it_is_released:
        first_of_two().released().known_as(Order::Paid).credit("INV1", "40.00", "2h").never_sent("INV1", "40.00") => "
            credit INV1 pending→cancelled
            mark_paid INV1 40.00 act";

    what_was_never_sent_is_not_taken_from_what_shipped:
        order("100.00").line(1, 1, "70.00").line(2, 1, "20.00").line(3, 1, "10.00").shipment("SHP1", "24h", &[(1, 1)])
            .captured_as("c1", "70.00", "24h", Some("SHP1")).known_as(Order::PartlyPaid)
            .shipment("SHP2", "1h", &[(2, 1)]).credit("INV1", "10.00", "2h").never_sent("INV1", "10.00") => "
            capture SHP2 20.00 act
            look_again 480h";

    never_sent_was_said_of_another_amount:
        first_of_two().credit("INV1", "40.00", "2h").never_sent("INV1", "30.00") => "
            credit INV1 pending→held
            refund INV1 40.00 hold undecided
            break credit_before_capture the intent 40.00
            look_again 480h";

    of_a_return_and_what_was_never_sent_each_goes_its_way:
        first_of_two().credit("INV1", "40.00", "3h").never_sent("INV1", "40.00").credit("INV2", "25.00", "2h") => "
            refund INV2 25.00 act
            release ORD1:release 40.00 act
            look_again 480h";

    a_human_who_changed_their_mind_is_followed:
        first_of_two().credit("INV1", "40.00", "2h").never_sent("INV1", "40.00").approved_effect(&Ask::refund("INV1", "40.00")) => "
            refund INV1 40.00 act
            look_again 480h";

    said_to_be_never_sent_and_captured_all_the_same_it_is_a_refund:
        order("100.00").shipped("48h").captured("100.00", "48h").known_as(Order::Paid).credit("INV1", "40.00", "2h")
            .never_sent("INV1", "40.00") => "refund INV1 40.00 act";

    // Where lines tell, nobody is asked.
    lines_say_that_it_names_what_never_left:
        three_lines().credit("INV1", "10.00", "2h").items("INV1", &[(3, 1)]) => "
            release ORD1:release 10.00 act
            look_again 480h";

    what_lines_call_never_sent_is_settled_once_it_is_released:
        three_lines().released().known_as(Order::Paid).credit("INV1", "10.00", "2h").items("INV1", &[(3, 1)]) => "
            credit INV1 pending→cancelled
            mark_paid INV1 10.00 act";

    what_somebody_refunded_although_it_was_never_sent_was_paid_for_by_what_shipped:
        three_lines().credit("INV1", "10.00", "2h").items("INV1", &[(3, 1)]).refund("r1", "10.00", "INV1") => "
            credit INV1 pending→refunded
            capture SHP1:2 10.00 act
            mark_paid INV1 10.00 act
            look_again 480h";

    lines_say_that_it_takes_back_what_was_sent:
        three_lines().credit("INV1", "10.00", "2h").items("INV1", &[(1, 1)]).shop_says(|shop| {
            shop.lines[0].ordered = 7;
            shop.shipments[0].quantities[0].1 = 7;
        }) => "
            refund INV1 10.00 act
            look_again 480h";

    of_what_left_in_part_lines_do_not_tell:
        order("100.00").line(1, 2, "100.00").shipment("SHP1", "24h", &[(1, 1)]).captured_as("c1", "50.00", "24h", Some("SHP1"))
            .known_as(Order::PartlyPaid).credit("INV1", "50.00", "2h").items("INV1", &[(1, 1)]) => "
            credit INV1 pending→held
            refund INV1 50.00 hold undecided
            break credit_before_capture the intent 50.00
            look_again 480h";

    what_went_back_beyond_what_was_sent_of_a_line_is_captured_with_what_was_sent:
        credited_in_advance().credit("INV2", "25.00", "20h").items("INV2", &[(2, 1)]).refund("r2", "25.00", "INV2")
            .marked_paid("INV2", "19h").credit_known_as("INV2", "25.00", CreditInvoice::Paid(proof("r2"))) => "
            capture SHP1 18.00 act
            look_again 480h";

    what_went_back_of_what_was_sent_is_not:
        credited_in_advance().credit("INV2", "25.00", "20h").items("INV2", &[(1, 1)]).refund("r2", "25.00", "INV2")
            .marked_paid("INV2", "19h").credit_known_as("INV2", "25.00", CreditInvoice::Paid(proof("r2"))) => "
            look_again 480h";

    a_part_of_a_value_is_told_by_no_line:
        three_lines().credit("INV1", "7.00", "2h").items("INV1", &[(3, 1)]) => "
            credit INV1 pending→held
            refund INV1 7.00 hold undecided
            break credit_before_capture the intent 7.00
            look_again 480h";

    a_return_and_what_was_never_sent_each_by_its_lines:
        three_lines().credit("INV1", "10.00", "3h").items("INV1", &[(3, 1)]).credit("INV2", "20.00", "2h").items("INV2", &[(2, 1)]) => "
            refund INV2 20.00 act
            release ORD1:release 10.00 act
            look_again 480h";

    // What our own captures left out is remembered.
    what_our_capture_left_out_is_no_refund_whatever_the_clocks_say:
        left_out("25.00", "75.00", "47h 59m 52s").intended(&captured("SHP1", "75.00").left_out(&[("INV1", "25.00")])) => "
            release ORD1:release 25.00 act
            look_again 480h";

    a_shop_whose_clock_is_an_hour_ahead_changes_nothing_in_that:
        left_out("25.00", "75.00", "47h").intended(&captured("SHP1", "75.00").left_out(&[("INV1", "25.00")])) => "
            release ORD1:release 25.00 act
            look_again 480h";

    what_our_capture_left_out_at_another_amount_is_judged_anew:
        left_out("25.00", "75.00", "48h").intended(&captured("SHP1", "75.00").left_out(&[("INV1", "20.00")])) => "
            credit INV1 pending→held
            refund INV1 25.00 hold undecided
            break credit_before_capture the intent 25.00
            break shipped_not_captured 25.00
            look_again 480h";

    what_our_capture_left_out_and_the_shop_lists_no_longer_is_not_captured_by_itself:
        order("100.00").shipped("48h").captured_as("c1", "75.00", "48h", Some("SHP1")).known_as(Order::PartlyPaid)
            .intended(&captured("SHP1", "75.00").left_out(&[("INV1", "25.00")])) => "
            break shipped_not_captured 25.00
            look_again 480h";

    what_our_capture_did_not_leave_out_was_not_before_it_whatever_the_clocks_say:
        left_out("40.00", "70.00", "50h").intended(&captured("SHP1", "70.00").left_out(&[])) => "
            refund INV1 40.00 act
            capture SHP1:2 30.00 act
            look_again 480h";

    a_capture_from_before_this_was_remembered_is_judged_by_the_clocks:
        left_out("25.00", "75.00", "50h").intended(&captured("SHP1", "75.00")) => "
            release ORD1:release 25.00 act
            look_again 480h";

    once_everything_is_captured_clocks_do_not_matter:
        left_out("40.00", "100.00", "48h").known_as(Order::Paid) => "refund INV1 40.00 act";

    what_waits_for_a_word_is_said_once_it_could_be_refunded:
        first_of_two().credit("INV1", "40.00", "20m").policy(|policy| policy.refund_after = long("10m")) => "
            credit INV1 pending→held
            refund INV1 40.00 hold undecided
            break credit_before_capture the intent 40.00
            look_again 480h";

    before_that_what_else_ships_may_tell:
        first_of_two().credit("INV1", "40.00", "20m").policy(|policy| policy.refund_after = long("25m")) => "
            differs credit_before_capture the intent 40.00 in 10m
            look_again 10m";

    a_capture_that_was_refused_left_nothing_out:
        order("100.00").shipped("1h").captured_as("c1", "60.00", "48h", Some("SHP1")).known_as(Order::PartlyPaid)
            .credit("INV1", "20.00", "24h")
            .intended(&Ask::new(Kind::Capture, "SHP2", "20.00").rejected("NO", "2h").left_out(&[("INV1", "20.00")])) => "
            credit INV1 pending→held
            refund INV1 20.00 hold undecided
            capture SHP1:2 40.00 act
            break credit_before_capture the intent 20.00
            look_again 480h";
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
