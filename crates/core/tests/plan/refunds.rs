//! Credit invoices: refunded by exactly their amount, once, and marked paid when that is proven.

use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::facts::Word;
use reconciled_core::id::RefundId;
use reconciled_core::order::Order;
use reconciled_core::policy::Mode;

use crate::common::{Ask, Scene, ago, captured_order, eur, long, order};

fn returned(when: &str) -> Scene {
    captured_order("100.00").credit("INV1", "44.95", when)
}

fn refunded_as(id: &str) -> CreditInvoice {
    CreditInvoice::Refunded(Proof::Refund(RefundId(id.to_owned())))
}

fn paid_as(id: &str) -> CreditInvoice {
    CreditInvoice::Paid(Proof::Refund(RefundId(id.to_owned())))
}

/// Credited and refunded that long ago, and marked paid by us an hour ago.
fn marked_by_us(credited: &str, refunded: &'static str) -> Scene {
    returned(credited)
        .refund_at("r1", "44.95", "INV1", refunded)
        .intended(&Ask::refund("INV1", "44.95").confirmed("r1", refunded))
        .intended(&Ask::mark_paid("INV1", "44.95").confirmed("", "1h"))
        .credit_known_as("INV1", "44.95", paid_as("r1"))
}

cases! {
    // Due, and when.
    a_credit_invoice_is_refunded_by_exactly_its_amount_under_its_own_number:
        returned("2h") => "refund INV1 44.95 act";

    a_credit_invoice_one_second_younger_than_refund_after_waits:
        returned("59m 59s") => "look_again 1s";

    a_credit_invoice_as_old_as_refund_after_is_refunded:
        returned("60m") => "refund INV1 44.95 act";

    without_refund_after_a_new_credit_invoice_is_refunded_at_once:
        returned("0s").policy(|policy| policy.refund_after = long("0s")) => "refund INV1 44.95 act";

    act_false_changes_nothing_about_what_is_planned:
        returned("2h").policy(|policy| policy.act = false) => "refund INV1 44.95 act";

    a_credit_invoice_over_nothing_obliges_nothing_but_to_say_so:
        captured_order("100.00").credit("INV1", "0.00", "2h") => "
            credit INV1 pending→cancelled
            mark_paid INV1 0.00 act";

    an_amount_with_a_minus_is_the_same_amount:
        captured_order("100.00").credit("INV1", "-44.95", "2h") => "refund INV1 44.95 act";

    an_amount_that_is_no_amount_is_held_and_said:
        captured_order("100.00").credit("INV1", "1e400", "2h") => "
            credit INV1 pending→held
            break unknown_value INV1";

    beside_an_amount_that_is_no_amount_the_other_refunds_of_the_order_wait_for_it:
        captured_order("100.00").credit("INV1", "1e400", "3h").credit("INV2", "10.00", "2h").credit("INV3", "20.00", "4h") => "
            credit INV1 pending→held
            credit INV2 pending→held
            credit INV3 pending→held
            refund INV3 20.00 hold unreadable INV1
            refund INV2 10.00 hold unreadable INV1
            break unknown_value INV1";

    an_amount_that_can_be_read_again_lets_the_others_go:
        captured_order("100.00").credit("INV1", "30.00", "3h").credit("INV2", "10.00", "2h")
            .credit_known_as("INV1", "30.00", CreditInvoice::Held).credit_known_as("INV2", "10.00", CreditInvoice::Held) => "
            credit INV1 held→pending
            credit INV2 held→pending
            refund INV1 30.00 act
            refund INV2 10.00 act";

    beside_an_amount_that_is_no_amount_more_than_is_left_is_still_more_than_is_left:
        captured_order("100.00").credit("INV1", "1e400", "3h").credit("INV2", "100.02", "2h") => "
            credit INV1 pending→held
            credit INV2 pending→held
            break unknown_value INV1
            break credit_exceeds_refundable INV2 100.02";

    a_lost_refund_is_not_sent_again_beside_an_amount_that_is_no_amount:
        captured_order("100.00").credit("INV1", "1e400", "3h").credit("INV2", "10.00", "2h")
            .intended(&Ask::refund("INV2", "10.00").unknown("10m").absent("5s")) => "
            credit INV1 pending→held
            intent refund INV2 absent
            refund INV2 10.00 hold unreadable INV1 again
            break unknown_value INV1";

    a_status_we_have_no_word_for_stops_its_credit_invoice:
        returned("2h").change_credit("INV1", |credit| credit.paid = Word::Unknown("overdue".to_owned())) => "
            break unknown_value INV1 44.95";

    more_than_klarna_takes_in_one_refund_is_never_asked_for:
        captured_order("3000000.00").credit("INV1", "2000000.01", "2h") => "
            credit INV1 pending→held
            break credit_exceeds_refundable INV1 2000000.01";

    // Proven, and paid.
    a_refund_seen_under_its_number_is_proven_and_marked_paid:
        returned("2h").refund("r1", "44.95", "INV1") => "
            credit INV1 pending→refunded
            mark_paid INV1 44.95 act";

    two_refunds_under_one_number_that_add_up_prove_it_too:
        returned("2h").refund("r1", "40.00", "INV1").refund("r2", "4.95", "INV1") => "
            credit INV1 pending→refunded
            mark_paid INV1 44.95 act";

    proven_and_paid_by_the_shop_is_settled:
        returned("2h").refund("r1", "44.95", "INV1").marked_paid("INV1", "30m") => "credit INV1 pending→refunded→paid";

    a_settled_credit_invoice_asks_for_nothing_more:
        returned("2h").refund("r1", "44.95", "INV1").marked_paid("INV1", "30m")
            .credit_known_as("INV1", "44.95", paid_as("r1")) => "";

    nothing_is_marked_paid_where_that_is_off:
        returned("2h").refund("r1", "44.95", "INV1").policy(|policy| policy.mark_paid = Mode::Off) => "
            credit INV1 pending→refunded";

    who_else_marks_paid_has_until_grace_after_the_refund:
        returned("2h").refund_at("r1", "44.95", "INV1", "29m 59s").policy(|policy| policy.mark_paid = Mode::Verify) => "
            credit INV1 pending→refunded
            differs credit_not_marked_paid INV1 44.95 in 1s
            look_again 1s";

    who_else_does_not_mark_paid_is_reported_after_grace:
        returned("2h").refund_at("r1", "44.95", "INV1", "30m").policy(|policy| policy.mark_paid = Mode::Verify) => "
            credit INV1 pending→refunded
            break credit_not_marked_paid INV1 44.95";

    a_payment_the_shop_refused_to_take_is_reported:
        returned("3h").refund("r1", "44.95", "INV1")
            .intended(&Ask::refund("INV1", "44.95").confirmed("r1", "2h"))
            .intended(&Ask::mark_paid("INV1", "44.95").rejected("", "1h")) => "
            break credit_not_marked_paid INV1 44.95";

    a_shop_answer_older_than_our_payment_says_nothing_about_it:
        returned("3h").refund("r1", "44.95", "INV1")
            .intended(&Ask::refund("INV1", "44.95").confirmed("r1", "2h"))
            .intended(&Ask::mark_paid("INV1", "44.95").confirmed("", "1h"))
            .credit_known_as("INV1", "44.95", paid_as("r1")).shop_outdated() => "";

    a_payment_that_a_clock_ahead_dated_hides_nothing:
        marked_by_us("3h", "2h").shop_read("26h").at(ago("25h")) => "
            credit INV1 paid→refunded
            differs credit_not_marked_paid INV1 44.95 in 24h 30m
            look_again 24h 30m";

    a_payment_that_a_clock_a_day_and_an_hour_ahead_dated_is_waited_for:
        marked_by_us("30h", "29h").shop_read("28h").at(ago("26h")) => "
            credit INV1 paid→refunded
            differs credit_not_marked_paid INV1 44.95 in 25h 30m
            look_again 25h 30m";

    a_payment_that_a_clock_weeks_ahead_dated_is_not_waited_for:
        marked_by_us("1000h", "999h").shop_read("990h").at(ago("900h")) => "
            credit INV1 paid→refunded
            break credit_not_marked_paid INV1 44.95";

    set_back_to_not_paid_within_the_second_of_our_payment_is_a_difference_too:
        marked_by_us("3h", "2h").change_credit("INV1", |credit| credit.updated_at = ago("1h"))
            .shop_read("59m") => "
            credit INV1 paid→refunded
            break credit_not_marked_paid INV1 44.95";

    set_back_to_not_paid_after_our_payment_is_a_difference_from_then_on:
        marked_by_us("3h", "2h").change_credit("INV1", |credit| credit.updated_at = ago("5m")) => "
            credit INV1 paid→refunded
            differs credit_not_marked_paid INV1 44.95 in 25m
            look_again 25m";

    paid_by_hand_without_a_refund_is_no_trigger_and_may_still_be_explained:
        returned("2h").marked_paid("INV1", "10m") => "
            credit INV1 pending→paid_by_hand
            differs paid_without_refund INV1 44.95 in 20m
            look_again 20m";

    paid_by_hand_without_a_refund_is_a_break_after_grace:
        returned("2h").marked_paid("INV1", "30m") => "
            credit INV1 pending→paid_by_hand
            break paid_without_refund INV1 44.95";

    set_back_to_not_paid_after_a_payment_by_hand_it_is_refunded:
        returned("3h").credit_known_as("INV1", "44.95", CreditInvoice::PaidByHand) => "
            credit INV1 paid_by_hand→pending
            refund INV1 44.95 act";

    a_payment_by_hand_is_proven_by_the_refund_that_appears_later:
        returned("3h").marked_paid("INV1", "2h").refund("r1", "44.95", "INV1")
            .credit_known_as("INV1", "44.95", CreditInvoice::PaidByHand) => "
            credit INV1 paid_by_hand→refunded→paid";

    what_a_payment_by_hand_may_still_be_owed_is_not_given_to_another:
        captured_order("100.00").credit("INV1", "60.00", "4h").marked_paid("INV1", "2h").credit("INV2", "60.00", "2h") => "
            credit INV1 pending→paid_by_hand
            credit INV2 pending→held
            break paid_without_refund INV1 60.00
            break credit_exceeds_refundable INV2 60.00";

    // Several, and too much.
    two_equal_credit_invoices_are_two_refunds:
        captured_order("100.00").credit("INV1", "40.00", "3h").credit("INV2", "40.00", "2h") => "
            refund INV1 40.00 act
            refund INV2 40.00 act";

    two_credit_invoices_share_what_is_left_and_the_older_comes_first:
        captured_order("100.00").credit("INV2", "50.00", "2h").credit("INV1", "60.00", "3h") => "
            credit INV2 pending→held
            refund INV1 60.00 act
            break credit_exceeds_refundable INV2 50.00";

    what_is_refunded_already_is_not_left_for_another:
        captured_order("100.00").credit("INV1", "60.00", "3h").credit("INV2", "50.00", "2h").refund("r1", "60.00", "INV1") => "
            credit INV1 pending→refunded
            credit INV2 pending→held
            mark_paid INV1 60.00 act
            break credit_exceeds_refundable INV2 50.00";

    a_younger_credit_invoice_that_still_waits_keeps_its_part:
        captured_order("100.00").credit("INV1", "60.00", "30m").credit("INV2", "50.00", "20m") => "
            credit INV2 pending→held
            break credit_exceeds_refundable INV2 50.00
            look_again 30m";

    a_credit_invoice_over_more_than_was_captured_is_never_refunded_in_part:
        captured_order("100.00").credit("INV1", "100.02", "2h") => "
            credit INV1 pending→held
            break credit_exceeds_refundable INV1 100.02";

    exactly_all_that_was_captured_may_go_back:
        captured_order("100.00").credit("INV1", "100.00", "2h") => "refund INV1 100.00 act";

    under_our_reference_with_another_amount_it_is_a_break_and_nothing_more_is_sent:
        returned("2h").refund("r1", "45.95", "INV1") => "
            credit INV1 pending→held
            break refund_amount_differs INV1 1.00";

    under_our_reference_with_a_smaller_amount_the_rest_is_not_sent_after_it:
        returned("2h").refund("r1", "40.00", "INV1") => "
            credit INV1 pending→held
            break refund_amount_differs INV1 -4.95";

    refunded_twice_under_one_reference_is_a_break:
        returned("2h").refund("r1", "44.95", "INV1").refund("r2", "44.95", "INV1") => "
            credit INV1 pending→held
            break refund_exceeds_credit INV1 44.95";

    // Changed, vanished, withdrawn.
    a_credit_invoice_that_vanished_after_its_refund_is_a_break:
        captured_order("100.00").refund("r1", "40.00", "INV1").intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1h")) => "
            break credit_changed INV1 40.00";

    a_lost_refund_whose_credit_invoice_vanished_is_not_sent_again:
        captured_order("100.00").intended(&Ask::refund("INV1", "40.00").unknown("10m").absent("5m")) => "
            intent refund INV1 absent
            differs refund_unconfirmed INV1 40.00 in 20m
            break credit_changed INV1 40.00
            look_again 20m";

    a_credit_invoice_changed_after_its_refund_was_made_is_a_break:
        captured_order("100.00").credit("INV1", "30.00", "3h").refund("r1", "40.00", "INV1")
            .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1h")) => "
            break credit_changed INV1 10.00";

    a_lost_refund_whose_credit_invoice_changed_is_not_sent_again:
        captured_order("100.00").credit("INV1", "30.00", "3h").intended(&Ask::refund("INV1", "40.00").unknown("10m").absent("5m")) => "
            intent refund INV1 absent
            differs refund_unconfirmed INV1 40.00 in 20m
            break credit_changed INV1 -10.00
            look_again 20m";

    a_lost_refund_whose_credit_invoice_was_paid_by_hand_is_not_sent_again:
        captured_order("100.00").credit("INV1", "40.00", "3h").marked_paid("INV1", "2m")
            .intended(&Ask::refund("INV1", "40.00").unknown("10m").absent("5m")) => "
            intent refund INV1 absent
            differs refund_unconfirmed INV1 40.00 in 20m
            differs paid_without_refund INV1 40.00 in 28m
            look_again 20m";

    a_planned_refund_is_sent_as_it_was_intended:
        captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00")) => "
            refund INV1 40.00 act again";

    a_planned_refund_of_all_that_was_captured_is_sent:
        captured_order("100.00").credit("INV1", "100.00", "3h").intended(&Ask::refund("INV1", "100.00")) => "
            refund INV1 100.00 act again";

    a_planned_refund_whose_credit_invoice_changed_is_withdrawn:
        captured_order("100.00").credit("INV1", "30.00", "3h").intended(&Ask::refund("INV1", "40.00")) => "
            credit INV1 refund_requested→held→pending
            intent refund INV1 withdrawn
            break credit_changed INV1 -10.00";

    a_planned_refund_whose_credit_invoice_vanished_is_withdrawn:
        captured_order("100.00").intended(&Ask::refund("INV1", "40.00")) => "
            credit INV1 refund_requested→held→pending
            intent refund INV1 withdrawn
            break credit_changed INV1 40.00";

    a_planned_refund_whose_credit_invoice_was_paid_by_hand_is_withdrawn:
        captured_order("100.00").credit("INV1", "40.00", "3h").marked_paid("INV1", "1h").intended(&Ask::refund("INV1", "40.00")) => "
            credit INV1 refund_requested→held→pending
            intent refund INV1 withdrawn
            break paid_without_refund INV1 40.00";

    a_planned_refund_is_withdrawn_when_somebody_else_refunds_from_now_on:
        captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00"))
            .policy(|policy| policy.refunds = Mode::Verify) => "
            credit INV1 refund_requested→held→pending
            intent refund INV1 withdrawn";

    a_planned_refund_that_no_longer_fits_is_withdrawn:
        captured_order("100.00").credit("INV1", "100.00", "3h").credit("INV2", "25.00", "3h").refund("r9", "25.00", "INV2")
            .intended(&Ask::refund("INV1", "100.00")) => "
            credit INV1 refund_requested→held→pending
            credit INV2 pending→refunded
            intent refund INV1 withdrawn
            mark_paid INV2 25.00 act";

    after_a_withdrawn_intent_the_next_one_is_another_generation:
        captured_order("100.00").credit("INV1", "30.00", "3h").intended(&Ask::refund("INV1", "40.00").withdrawn()) => "
            refund INV1 30.00 act generation 1";

    after_a_withdrawn_intent_a_hold_in_between_changes_nothing:
        captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00").withdrawn())
            .credit_known_as("INV1", "40.00", CreditInvoice::Held) => "
            credit INV1 held→pending
            refund INV1 40.00 act generation 1";

    what_a_human_gave_up_before_it_was_sent_waits_for_a_human:
        captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00").given_up()) => "
            break refund_missing INV1 40.00";

    what_a_human_gave_up_before_it_was_sent_goes_when_a_human_approves_it:
        captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00").given_up()).approved() => "
            credit INV1 held→pending
            refund INV1 40.00 act generation 1";

    what_reappears_after_it_was_withdrawn_is_a_break_and_neither_refunded_nor_marked_paid:
        captured_order("100.00").credit("INV1", "40.00", "3h").credit_known_as("INV1", "40.00", CreditInvoice::Cancelled) => "
            break credit_changed INV1 40.00";

    // Refused, approved, given up.
    a_refused_refund_waits_for_a_human:
        captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00").rejected("REFUND_NOT_ALLOWED", "1h")) => "
            break refund_rejected INV1 40.00";

    a_refused_refund_that_a_human_approves_starts_as_a_new_generation:
        captured_order("100.00").credit("INV1", "40.00", "3h")
            .intended(&Ask::refund("INV1", "40.00").rejected("REFUND_NOT_ALLOWED", "1h")).approved() => "
            credit INV1 held→pending
            refund INV1 40.00 act generation 1";

    an_approval_of_the_first_generation_does_not_approve_the_second:
        captured_order("100.00").credit("INV1", "40.00", "3h")
            .intended(&Ask::refund("INV1", "40.00").rejected("REFUND_NOT_ALLOWED", "2h")).approved()
            .intended(&Ask::refund("INV1", "40.00").generation(1).rejected("REFUND_NOT_ALLOWED", "1h")) => "
            break refund_rejected INV1 40.00";

    a_refund_given_up_by_a_human_is_missing_until_something_settles_it:
        captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00").abandoned("1h")) => "
            break refund_missing INV1 40.00
            look_again 22h";

    a_refused_refund_that_was_made_in_the_portal_under_its_number_is_settled:
        captured_order("100.00").credit("INV1", "40.00", "3h").refund("r2", "40.00", "INV1")
            .intended(&Ask::refund("INV1", "40.00").rejected("REFUND_NOT_ALLOWED", "2h")) => "
            credit INV1 held→refunded
            mark_paid INV1 40.00 act";

    // Modes.
    who_else_refunds_has_until_grace:
        returned("29m 59s").policy(|policy| policy.refunds = Mode::Verify) => "
            differs refund_missing INV1 44.95 in 1s
            look_again 1s";

    who_else_did_not_refund_is_reported_at_grace:
        returned("30m").policy(|policy| policy.refunds = Mode::Verify) => "break refund_missing INV1 44.95";

    who_else_did_not_refund_is_still_reported_later:
        returned("30m 1s").policy(|policy| policy.refunds = Mode::Verify) => "break refund_missing INV1 44.95";

    where_refunds_are_off_nobody_looks:
        returned("48h").refund("r9", "25.00", "").policy(|policy| policy.refunds = Mode::Off) => "";

    where_refunds_are_off_a_payment_without_refund_is_nobodys_business:
        returned("48h").marked_paid("INV1", "40h").policy(|policy| policy.refunds = Mode::Off) => "
            credit INV1 pending→paid_by_hand";

    // Before anything was captured.
    on_an_uncaptured_order_a_credit_invoice_is_no_refund:
        order("100.00").credit("INV1", "40.00", "29m 59s") => "
            differs credit_before_capture INV1 40.00 in 1s
            look_again 1s";

    on_an_uncaptured_order_a_credit_invoice_is_a_break_after_grace:
        order("100.00").credit("INV1", "40.00", "30m") => "
            break credit_before_capture INV1 40.00
            look_again 480h";

    a_fully_credited_uncaptured_order_is_cancelled_at_klarna:
        order("100.00").credit("INV1", "60.00", "3h").credit("INV2", "40.00", "2h") => "
            cancel ORD1:cancel 100.00 act
            look_again 480h";

    a_fully_credited_uncaptured_order_waits_for_its_youngest_credit_invoice:
        order("100.00").credit("INV1", "60.00", "3h").credit("INV2", "40.00", "10m") => "look_again 50m";

    a_fully_credited_order_that_klarna_cancelled_is_settled:
        order("100.00").credit("INV1", "100.00", "2h").cancelled_at_klarna() => "
            credit INV1 pending→cancelled
            mark_paid INV1 100.00 act";

    a_fully_credited_order_that_was_lowered_to_nothing_in_the_portal_is_settled:
        order("100.00").credit("INV1", "60.00", "3h").credit("INV2", "40.00", "2h")
            .klarna_says(|klarna| { klarna.order_amount = eur("0.00"); klarna.remaining = eur("0.00"); }) => "
            credit INV1 pending→cancelled
            credit INV2 pending→cancelled
            mark_paid INV1 60.00 act
            mark_paid INV2 40.00 act";

    an_amount_credited_before_the_capture_and_left_out_of_it_is_released:
        order("100.00").credit("INV1", "40.00", "50h").shipped("48h").captured("60.00", "48h") => "
            order pending→partly_paid
            release ORD1:release 40.00 act
            look_again 480h";

    while_something_that_shipped_is_not_captured_nothing_is_released:
        order("100.00").credit("INV1", "40.00", "50h").shipped("48h").captured("30.00", "48h").known_as(Order::PartlyPaid) => "
            capture SHP1 30.00 act
            look_again 480h";

    while_something_may_still_ship_nothing_is_released:
        order("100.00").line(1, 2, "60.00").line(2, 1, "35.00").credit("INV1", "40.00", "50h").shipment("SHP1", "48h", &[(1, 1)])
            .captured("60.00", "48h").known_as(Order::PartlyPaid) => "look_again 480h";

    an_amount_that_will_never_be_captured_settles_its_credit_invoice:
        order("100.00").credit("INV1", "40.00", "50h").shipped("48h").captured("60.00", "48h").released() => "
            order pending→paid
            credit INV1 pending→cancelled
            mark_paid INV1 40.00 act";

    an_amount_that_will_never_be_captured_and_is_marked_paid_asks_for_nothing:
        order("100.00").credit("INV1", "40.00", "50h").shipped("48h").captured("60.00", "48h").released()
            .marked_paid("INV1", "1h").known_as(Order::Paid).credit_known_as("INV1", "40.00", CreditInvoice::Cancelled) => "";

    with_nothing_left_authorized_it_is_never_captured_whatever_klarna_calls_the_order:
        order("100.00").credit("INV1", "40.00", "50h").shipped("48h").captured("60.00", "48h")
            .klarna_says(|klarna| klarna.remaining = eur("0.00")) => "
            order pending→paid
            credit INV1 pending→cancelled
            mark_paid INV1 40.00 act";

    a_rest_that_klarna_keeps_showing_after_it_lapsed_is_never_captured_and_settles_it:
        order("100.00").credit("INV1", "40.00", "50h").shipped("48h").captured("60.00", "48h").expired()
            .klarna_says(|klarna| klarna.remaining = eur("40.00")) => "
            order pending→partly_paid
            credit INV1 pending→cancelled
            mark_paid INV1 40.00 act";

    of_an_order_that_klarna_calls_captured_a_rest_is_never_captured_either:
        order("100.00").credit("INV1", "40.00", "50h").shipped("48h").captured("60.00", "48h").released()
            .klarna_says(|klarna| klarna.remaining = eur("40.00"))
            .policy(|policy| policy.cancels = Mode::Verify) => "
            order pending→paid
            credit INV1 pending→cancelled
            mark_paid INV1 40.00 act";

    credited_before_the_capture_and_captured_all_the_same_it_is_a_refund:
        order("100.00").credit("INV1", "40.00", "50h").shipped("48h").captured("100.00", "48h") => "
            order pending→paid
            refund INV1 40.00 act";

    marked_paid_because_it_lapsed_and_captured_after_all_a_refund_is_owed:
        captured_order("100.00").known_as(Order::Expired).credit("INV1", "40.00", "60h").marked_paid("INV1", "50h")
            .credit_known_as("INV1", "40.00", CreditInvoice::Cancelled).credit("INV2", "70.00", "2h") => "
            credit INV2 pending→held
            break paid_without_refund INV1 40.00
            break credit_exceeds_refundable INV2 70.00
            break authorization_expired captured 100.00";

    withdrawn_because_it_lapsed_and_captured_after_all_a_refund_is_owed:
        captured_order("100.00").known_as(Order::Expired).credit("INV1", "40.00", "60h")
            .credit_known_as("INV1", "40.00", CreditInvoice::Cancelled) => "
            break refund_missing INV1 40.00
            break authorization_expired captured 100.00";

    withdrawn_because_it_lapsed_and_captured_in_part_a_refund_is_owed:
        order("100.00").shipped("48h").captured("80.00", "48h").released().known_as(Order::Expired)
            .credit("INV1", "40.00", "60h").marked_paid("INV1", "50h")
            .credit_known_as("INV1", "40.00", CreditInvoice::Cancelled) => "
            break paid_without_refund INV1 40.00
            break authorization_expired captured 80.00";

    withdrawn_because_it_lapsed_and_left_out_of_the_capture_nothing_is_owed:
        order("100.00").shipped("48h").captured("60.00", "48h").released().known_as(Order::Expired)
            .credit("INV1", "40.00", "60h").marked_paid("INV1", "50h")
            .credit_known_as("INV1", "40.00", CreditInvoice::Cancelled) => "
            break authorization_expired captured 60.00";

    settled_as_never_captured_it_credits_more_now_and_a_human_decides:
        order("100.00").shipped("48h").captured("60.00", "48h").released().known_as(Order::Paid)
            .credit("INV1", "50.00", "60h").marked_paid("INV1", "50h")
            .credit_known_as("INV1", "40.00", CreditInvoice::Cancelled) => "
            break credit_changed INV1 50.00";

    settled_as_never_captured_it_credits_more_now_and_that_was_left_out_too:
        order("100.00").shipped("48h").captured("60.00", "48h").released().known_as(Order::Paid)
            .credit("INV1", "40.00", "60h").marked_paid("INV1", "50h")
            .credit_known_as("INV1", "30.00", CreditInvoice::Cancelled) => "";

    of_two_settled_as_never_captured_a_human_decides_about_the_one_that_credits_more:
        order("100.00").shipped("48h").captured("60.00", "48h").released().known_as(Order::Paid)
            .credit("INV1", "20.00", "60h").marked_paid("INV1", "50h")
            .credit_known_as("INV1", "20.00", CreditInvoice::Cancelled)
            .credit("INV2", "30.00", "60h").marked_paid("INV2", "50h")
            .credit_known_as("INV2", "20.00", CreditInvoice::Cancelled) => "break credit_changed INV2 30.00";

    one_that_credits_more_before_it_was_settled_is_like_any_other_from_before_the_capture:
        order("100.00").shipped("48h").captured("60.00", "48h").released().known_as(Order::Paid)
            .credit("INV1", "50.00", "60h").credit_known_as("INV1", "40.00", CreditInvoice::Pending) => "
            credit INV1 pending→held
            refund INV1 50.00 hold undecided
            break credit_before_capture the intent 50.00";

    settled_as_never_captured_it_credits_more_now_and_the_cancel_takes_all_back:
        order("100.00").shipped("48h").captured("60.00", "48h").released().cancelled("2h").known_as(Order::RefundRequested)
            .credit("INV1", "50.00", "60h").marked_paid("INV1", "50h")
            .credit_known_as("INV1", "40.00", CreditInvoice::Cancelled) => "refund ORD1:cancel 60.00 act";

    what_a_human_refunded_after_all_is_marked_paid:
        captured_order("100.00").known_as(Order::Expired).credit("INV1", "40.00", "60h").refund("r1", "40.00", "INV1")
            .credit_known_as("INV1", "40.00", CreditInvoice::Cancelled) => "
            mark_paid INV1 40.00 act
            break authorization_expired captured 100.00";

    credited_before_a_capture_that_left_something_else_out_is_for_a_human:
        order("100.00").credit("INV1", "40.00", "50h").captured("80.00", "48h").shipped("48h").known_as(Order::PartlyPaid)
            .policy(|policy| policy.captures = Mode::Off) => "
            credit INV1 pending→held
            refund INV1 40.00 hold undecided
            break credit_before_capture the intent 40.00";

    // Reads that lag.
    a_confirmed_refund_that_reads_do_not_show_yet_is_not_asked_for_again:
        captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00").confirmed("r1", "2s")) => "
            mark_paid INV1 40.00 act
            differs effect_vanished r1 40.00 in 30m
            look_again 30m";

    a_confirmed_refund_of_another_amount_than_is_credited_now_proves_nothing_while_reads_lag:
        captured_order("100.00").credit("INV1", "30.00", "3h").intended(&Ask::refund("INV1", "40.00").confirmed("r1", "2s")) => "
            break credit_changed INV1 -10.00
            differs effect_vanished r1 40.00 in 30m
            look_again 30m";

    a_confirmed_refund_that_reads_do_not_show_yet_is_not_left_for_another:
        captured_order("100.00").credit("INV1", "40.00", "3h").credit("INV2", "70.00", "2h")
            .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "2s")) => "
            credit INV2 pending→held
            mark_paid INV1 40.00 act
            break credit_exceeds_refundable INV2 70.00
            differs effect_vanished r1 40.00 in 30m
            look_again 30m";

    what_is_proven_is_not_asked_for_again_by_a_read_that_lags_behind:
        captured_order("100.00").credit("INV1", "40.00", "3h").credit_known_as("INV1", "40.00", refunded_as("r1")) => "
            mark_paid INV1 40.00 act
            differs effect_vanished r1 40.00 in 30m
            look_again 30m";

    what_was_withdrawn_is_asked_for_anew_though_its_credit_invoice_still_says_requested:
        captured_order("100.00").credit("INV1", "25.00", "3h").intended(&Ask::refund("INV1", "25.00").withdrawn())
            .requested("INV1", "25.00") => "
            credit INV1 refund_requested→held→pending
            refund INV1 25.00 act generation 1";

    what_was_refused_and_approved_waits_where_its_credit_invoice_says_requested:
        captured_order("100.00").credit("INV1", "25.00", "3h").intended(&Ask::refund("INV2", "5.00").withdrawn())
            .intended(&Ask::refund("INV1", "25.00").rejected("NO", "2h")).approved().requested("INV1", "25.00") => "
            break credit_changed missing:2 5.00
            break credit_changed INV1 25.00";
}
