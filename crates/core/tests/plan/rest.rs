//! A part that a human gave to a credit invoice leaves a rest, which is refunded once, under a name of its own.

use reconciled_core::order::Order;
use reconciled_core::policy::Mode;

use crate::common::{Ask, Scene, captured_order, order};

/// 20.00 of 25.00 were refunded in the portal, and a human said so; the rest is due.
fn part() -> Scene {
    captured_order("100.00").credit("INV1", "25.00", "3h").refund("r9", "20.00", "").parted("r9", &[("INV1", "20.00")])
}

fn rest(amount: &'static str) -> Ask {
    Ask::refund("INV1:rest", amount)
}

cases! {
    the_rest_is_asked_for_under_its_own_name:
        part() => "refund INV1:rest 5.00 act";

    a_rest_that_is_all_that_is_left_is_asked_for:
        captured_order("25.00").credit("INV1", "25.00", "3h").refund("r9", "20.00", "").parted("r9", &[("INV1", "20.00")]) => "refund INV1:rest 5.00 act";

    a_rest_that_was_intended_is_sent:
        part().intended(&rest("5.00")) => "refund INV1:rest 5.00 act again";

    a_rest_of_another_amount_is_not_sent:
        part().intended(&rest("4.00")) => "
            credit INV1 refund_requested→held→pending
            intent refund INV1:rest withdrawn";

    a_rest_is_not_sent_where_somebody_else_refunds:
        part().intended(&rest("5.00")).policy(|policy| policy.refunds = Mode::Verify) => "
            credit INV1 refund_requested→held→pending
            intent refund INV1:rest withdrawn";

    while_the_part_is_not_shown_nothing_more_is_asked_for:
        captured_order("100.00").credit("INV1", "25.00", "3h").parted("r9", &[("INV1", "20.00")])
            .intended(&rest("5.00").unknown("10m")) => "
            intent refund INV1:rest absent
            differs refund_unconfirmed INV1 5.00 in 20m
            differs effect_vanished r9 in 30m
            look_again 5s";

    the_whole_was_refused_and_the_rest_is_asked_for:
        part().intended(&Ask::refund("INV1", "25.00").rejected("NO", "2h")) => "
            credit INV1 held→pending
            refund INV1:rest 5.00 act";

    the_whole_was_given_up_and_may_have_landed:
        part().intended(&Ask::refund("INV1", "25.00").abandoned("2h")) => "
            break refund_missing INV1 5.00
            look_again 21h";

    the_whole_was_made_and_a_human_gave_it_a_part_of_that:
        captured_order("100.00").credit("INV1", "25.00", "3h").refund("r1", "25.00", "INV1")
            .parted("r1", &[("INV1", "20.00"), ("nothing", "5.00")])
            .intended(&Ask::refund("INV1", "25.00").confirmed("r1", "2h")) => "refund INV1:rest 5.00 act";

    the_whole_is_under_way_and_leaves_no_rest:
        part().intended(&Ask::refund("INV1", "25.00").unknown("2h")) => "
            intent refund INV1 absent
            break refund_unconfirmed INV1 25.00
            look_again 5s";

    a_rest_that_may_never_have_been_captured_is_said:
        order("100.00").shipped("48h").captured("60.00", "48h").known_as(Order::PartlyPaid).credit("INV1", "25.00", "60h")
            .refund("r9", "20.00", "").parted("r9", &[("INV1", "20.00")]) => "
            credit INV1 pending→held
            capture SHP1 40.00 act
            break credit_before_capture INV1 5.00
            look_again 480h";

    a_rest_that_is_under_way_alone_leaves_everything_open:
        captured_order("100.00").credit("INV1", "25.00", "3h").intended(&rest("5.00").unknown("10m")) => "
            intent refund INV1:rest absent
            differs refund_unconfirmed INV1 5.00 in 20m
            look_again 5s";

    nor_is_the_whole_called_unpaid_meanwhile:
        captured_order("100.00").credit("INV1", "25.00", "3h").marked_paid("INV1", "2h").intended(&rest("5.00").unknown("10m")) => "
            intent refund INV1:rest absent
            differs refund_unconfirmed INV1 5.00 in 20m
            look_again 5s";
}
