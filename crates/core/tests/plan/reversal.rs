//! Cancelled in the shop: everything goes back once, and nothing brings the order back.

use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::facts::{Fraud, KlarnaStatus, ShopStatus, Word};
use reconciled_core::id::RefundId;
use reconciled_core::intent::Kind;
use reconciled_core::ledger::Attribution;
use reconciled_core::order::Order;
use reconciled_core::policy::Mode;

use crate::common::{Ask, Scene, cancelled_order, captured_order, eur, order};

/// Cancelled two hours ago, after everything was captured.
fn charged() -> Scene {
    cancelled_order("100.00").captured("100.00", "48h").known_as(Order::Paid)
}

/// Cancelled two hours ago, after 60.00 were captured.
fn part_charged() -> Scene {
    cancelled_order("100.00").captured("60.00", "48h").known_as(Order::PartlyPaid)
}

fn open_again(scene: Scene) -> Scene {
    scene.shop_says(|shop| shop.status = Word::Known(ShopStatus::Open))
}

fn cancel() -> Ask {
    Ask::new(Kind::Cancel, "ORD1:cancel", "100.00")
}

cases! {
    // Before the capture.
    cancelled_before_the_capture_is_a_cancel:
        cancelled_order("100.00") => "
            order pending→refund_requested
            cancel ORD1:cancel 100.00 act";

    its_credit_invoices_are_the_same_obligation_and_no_refund:
        cancelled_order("100.00").credit("INV1", "100.00", "2h") => "
            order pending→refund_requested
            cancel ORD1:cancel 100.00 act";

    cancelled_in_the_shop_and_lowered_to_nothing_in_the_portal_its_credit_invoices_are_settled:
        cancelled_order("100.00").credit("INV1", "100.00", "2h").known_as(Order::RefundRequested)
            .klarna_says(|klarna| { klarna.order_amount = eur("0.00"); klarna.remaining = eur("0.00"); }) => "
            order refund_requested→cancelled
            credit INV1 pending→cancelled
            mark_paid INV1 100.00 act";

    once_klarna_says_cancelled_the_credit_invoices_are_settled:
        cancelled_order("100.00").credit("INV1", "100.00", "2h").cancelled_at_klarna().known_as(Order::RefundRequested) => "
            order refund_requested→cancelled
            credit INV1 pending→cancelled
            mark_paid INV1 100.00 act";

    an_authorization_that_lapsed_has_nothing_to_cancel:
        cancelled_order("100.00").expired() => "order pending→refund_requested→cancelled";

    // After it.
    cancelled_after_the_capture_refunds_everything_under_the_orders_number:
        charged() => "
            order paid→refund_requested
            refund ORD1:cancel 100.00 act";

    a_credit_invoice_over_everything_is_the_whole_refund:
        charged().credit("INV1", "100.00", "2h") => "
            order paid→refund_requested
            refund INV1 100.00 act";

    a_credit_invoice_over_a_part_leaves_the_rest_to_the_cancel:
        charged().credit("INV1", "30.00", "2h") => "
            order paid→refund_requested
            refund INV1 30.00 act
            refund ORD1:cancel 70.00 act";

    a_young_credit_invoice_keeps_its_part_of_a_cancelled_order:
        charged().credit("INV1", "30.00", "10m") => "
            order paid→refund_requested
            refund ORD1:cancel 70.00 act
            look_again 50m";

    what_was_returned_before_the_cancel_is_not_refunded_twice:
        charged().credit("INV1", "30.00", "24h").refund_at("r1", "30.00", "INV1", "20h").marked_paid("INV1", "19h") => "
            order paid→refund_requested
            credit INV1 pending→refunded→paid
            refund ORD1:cancel 70.00 act";

    a_credit_invoice_that_comes_after_the_whole_refund_is_covered_by_it:
        charged().known_as(Order::Cancelled).refund("r1", "100.00", "ORD1:cancel").credit("INV1", "100.00", "10m") => "
            credit INV1 pending→refunded
            mark_paid INV1 100.00 act";

    everything_back_ends_the_order:
        charged().known_as(Order::RefundRequested).refund("r1", "100.00", "ORD1:cancel") => "order refund_requested→cancelled";

    a_planned_remainder_is_sent_as_it_was_intended:
        charged().known_as(Order::RefundRequested).intended(&Ask::refund("ORD1:cancel", "100.00")) => "
            refund ORD1:cancel 100.00 act again";

    what_was_captured_after_the_remainder_went_back_is_for_a_human:
        charged().known_as(Order::RefundRequested).refund("r1", "60.00", "ORD1:cancel")
            .intended(&Ask::refund("ORD1:cancel", "60.00").confirmed("r1", "1h")) => "
            break cancel_not_refunded 40.00";

    a_planned_remainder_that_no_longer_fits_is_withdrawn:
        charged().known_as(Order::RefundRequested).credit("INV1", "30.00", "24h").refund_at("r1", "30.00", "INV1", "20h")
            .marked_paid("INV1", "19h").intended(&Ask::refund("ORD1:cancel", "100.00")) => "
            credit INV1 pending→refunded→paid
            intent refund ORD1:cancel withdrawn";

    what_was_credited_before_the_capture_is_not_kept_back_from_a_cancelled_order:
        cancelled_order("100.00").credit("INV1", "10.00", "50h").marked_paid("INV1", "40h").captured("90.00", "48h").released()
            .known_as(Order::Paid).credit_known_as("INV1", "10.00", CreditInvoice::Cancelled) => "
            order paid→refund_requested
            refund ORD1:cancel 90.00 act";

    beside_a_credit_invoice_that_nobody_can_read_the_rest_of_a_cancelled_order_waits:
        charged().credit("INV1", "1e400", "2h") => "
            order paid→refund_requested
            credit INV1 pending→held
            refund ORD1:cancel 100.00 hold unreadable INV1
            break unknown_value INV1";

    a_cancel_does_not_wait_for_a_credit_invoice_that_nobody_can_read:
        cancelled_order("100.00").credit("INV1", "1e400", "2h") => "
            order pending→refund_requested
            credit INV1 pending→held
            cancel ORD1:cancel 100.00 act
            break unknown_value INV1";

    // In between.
    cancelled_after_a_partial_capture_releases_the_rest_and_refunds_the_captured:
        part_charged() => "
            order partly_paid→refund_requested
            release ORD1:release 40.00 act
            refund ORD1:cancel 60.00 act";

    a_credit_invoice_over_more_than_was_captured_is_covered_by_the_cancel:
        part_charged().credit("INV1", "100.00", "2h") => "
            order partly_paid→refund_requested
            release ORD1:release 40.00 act
            refund ORD1:cancel 60.00 act";

    a_credit_invoice_over_more_than_was_captured_is_settled_when_all_is_back:
        part_charged().credit("INV1", "100.00", "2h").released().refund("r1", "60.00", "ORD1:cancel").known_as(Order::RefundRequested) => "
            order refund_requested→cancelled
            credit INV1 pending→refunded
            mark_paid INV1 100.00 act";

    a_credit_invoice_over_more_than_was_captured_waits_until_a_read_shows_that_the_rest_is_released:
        part_charged().credit("INV1", "100.00", "2h").refund("r1", "60.00", "ORD1:cancel").known_as(Order::RefundRequested)
            .intended(&Ask::new(Kind::Release, "ORD1:release", "40.00").confirmed("", "1m")) => "
            order refund_requested→cancelled
            differs effect_vanished the intent 40.00 in 30m
            look_again 5s";

    where_nobody_cancels_a_credit_invoice_over_more_than_was_captured_is_for_a_human:
        part_charged().credit("INV1", "100.00", "2h").policy(|policy| policy.cancels = Mode::Off) => "
            order partly_paid→refund_requested
            credit INV1 pending→held
            break credit_exceeds_refundable INV1 100.00";

    a_credit_invoice_within_the_captured_part_is_refunded_under_its_own_number:
        part_charged().credit("INV1", "20.00", "2h") => "
            order partly_paid→refund_requested
            refund INV1 20.00 act
            release ORD1:release 40.00 act
            refund ORD1:cancel 40.00 act";

    // Modes.
    who_else_cancels_has_until_grace:
        order("100.00").cancelled("29m 59s").policy(|policy| policy.cancels = Mode::Verify) => "
            order pending→refund_requested
            differs cancel_not_released cancel 100.00 in 1s
            look_again 1s";

    who_else_did_not_cancel_is_reported_at_grace:
        order("100.00").cancelled("30m").policy(|policy| policy.cancels = Mode::Verify) => "
            order pending→refund_requested
            break cancel_not_released cancel 100.00";

    who_else_did_not_release_or_refund_is_reported:
        part_charged().policy(|policy| policy.cancels = Mode::Verify) => "
            order partly_paid→refund_requested
            break cancel_not_released release 40.00
            break cancel_not_refunded 60.00";

    what_nobody_refunds_of_a_cancelled_order_is_reported_once:
        charged().credit("INV1", "100.00", "2h").policy(|policy| {
            policy.cancels = Mode::Verify;
            policy.refunds = Mode::Verify;
        }) => "
            order paid→refund_requested
            break cancel_not_refunded 100.00";

    what_somebody_else_refunds_is_reported_while_we_refund_the_rest_of_a_cancel:
        charged().credit("INV1", "30.00", "2h").policy(|policy| policy.refunds = Mode::Verify) => "
            order paid→refund_requested
            refund ORD1:cancel 70.00 act
            break refund_missing INV1 30.00";

    what_is_credited_of_a_cancelled_order_is_reported_where_nobody_looks_at_refunds:
        charged().credit("INV1", "30.00", "2h").policy(|policy| policy.refunds = Mode::Off) => "
            order paid→refund_requested
            refund ORD1:cancel 70.00 act
            break cancel_not_refunded 30.00";

    a_cancelled_order_that_is_wholly_credited_is_reported_where_nobody_looks_at_refunds:
        charged().credit("INV1", "100.00", "2h").policy(|policy| policy.refunds = Mode::Off) => "
            order paid→refund_requested
            break cancel_not_refunded 100.00";

    we_refund_the_credit_invoice_while_somebody_else_owes_the_rest_of_a_cancel:
        charged().credit("INV1", "30.00", "2h").policy(|policy| policy.cancels = Mode::Verify) => "
            order paid→refund_requested
            refund INV1 30.00 act
            break cancel_not_refunded 70.00";

    under_verify_a_refund_of_a_cancelled_order_needs_no_reference:
        charged().refund("r9", "100.00", "").policy(|policy| {
            policy.cancels = Mode::Verify;
            policy.refunds = Mode::Verify;
        }) => "order paid→refund_requested→cancelled";

    where_cancels_are_off_only_the_credit_invoice_is_refunded:
        charged().credit("INV1", "30.00", "2h").policy(|policy| policy.cancels = Mode::Off) => "
            order paid→refund_requested
            refund INV1 30.00 act";

    where_cancels_are_off_nobody_looks:
        cancelled_order("100.00").policy(|policy| policy.cancels = Mode::Off) => "order pending→refund_requested";

    // Refused.
    a_refused_cancel_waits_for_a_human:
        cancelled_order("100.00").known_as(Order::RefundRequested).intended(&cancel().rejected("CANCEL_NOT_ALLOWED", "1h")) => "
            break cancel_rejected ORD1:cancel 100.00";

    a_refused_cancel_that_a_human_approves_starts_as_a_new_generation:
        cancelled_order("100.00").known_as(Order::RefundRequested).intended(&cancel().rejected("CANCEL_NOT_ALLOWED", "1h")).approved() => "
            cancel ORD1:cancel 100.00 act generation 1";

    a_cancel_refused_because_a_capture_won_the_race_becomes_a_refund:
        charged().known_as(Order::RefundRequested).intended(&cancel().rejected("CANCEL_NOT_ALLOWED", "1h")) => "
            refund ORD1:cancel 100.00 act";

    a_cancel_that_a_human_gave_up_before_it_was_sent_waits_for_a_human:
        cancelled_order("100.00").known_as(Order::RefundRequested).intended(&cancel().given_up()) => "
            break cancel_rejected ORD1:cancel 100.00";

    a_withdrawn_cancel_is_intended_anew:
        cancelled_order("100.00").known_as(Order::RefundRequested).intended(&cancel().withdrawn()) => "
            cancel ORD1:cancel 100.00 act generation 1";

    a_refused_remainder_waits_for_a_human:
        charged().known_as(Order::RefundRequested).intended(&Ask::refund("ORD1:cancel", "100.00").rejected("REFUND_NOT_ALLOWED", "1h")) => "
            break refund_rejected ORD1:cancel 100.00";

    // Held.
    a_refund_by_hand_holds_the_remainder_and_not_the_release:
        part_charged().refund("r9", "25.00", "") => "
            order partly_paid→refund_requested
            release ORD1:release 40.00 act
            refund ORD1:cancel 35.00 hold unattributed
            break refund_unattributed r9 25.00";

    an_operators_hold_withholds_the_cancel_and_the_order_goes_on_beneath:
        cancelled_order("100.00").held_by_operator("look first") => "
            order pending→refund_requested→held
            cancel ORD1:cancel 100.00 hold operator (look first)";

    // Absorbed.
    a_status_set_back_does_not_revive_a_cancelled_order:
        open_again(cancelled_order("100.00").shipped("1h").known_as(Order::RefundRequested)) => "cancel ORD1:cancel 100.00 act";

    a_status_set_back_after_everything_went_back_moves_nothing_and_is_said:
        open_again(cancelled_order("100.00").shipped("1h").cancelled_at_klarna().known_as(Order::Cancelled))
            => "break cancelled_at_klarna revived";

    fraud_accepted_late_does_not_make_a_cancelled_order_capturable:
        cancelled_order("100.00").shipped("1h").fraud(Fraud::Accepted).known_as(Order::Cancelled) => "
            cancel ORD1:cancel 100.00 act";

    a_read_that_lags_behind_our_cancel_does_not_cancel_again:
        cancelled_order("100.00").known_as(Order::RefundRequested).intended(&cancel().confirmed("", "2s")) => "
            order refund_requested→cancelled
            differs effect_vanished the intent 100.00 in 30m
            look_again 30m";

    a_read_that_lags_behind_our_cancel_is_believed_at_grace:
        cancelled_order("100.00").known_as(Order::RefundRequested).intended(&cancel().confirmed("", "30m")) => "
            break cancel_not_released cancel 100.00";

    a_capture_that_a_read_shows_is_not_taken_for_lag_behind_our_cancel:
        part_charged().intended(&cancel().confirmed("", "2s")) => "
            order partly_paid→refund_requested
            release ORD1:release 40.00 act
            refund ORD1:cancel 60.00 act
            differs effect_vanished the intent 100.00 in 30m
            look_again 30m";

    an_authorization_that_came_back_after_our_cancel_is_a_break:
        cancelled_order("100.00").fraud(Fraud::Accepted).known_as(Order::Cancelled).intended(&cancel().confirmed("", "24h")) => "
            break cancel_not_released cancel 100.00";

    a_capture_of_a_cancelled_order_goes_back:
        charged().known_as(Order::Cancelled).intended(&cancel().confirmed("", "50h")) => "refund ORD1:cancel 100.00 act";

    cancelled_at_klarna_and_cancelled_in_the_shop_agree:
        cancelled_order("100.00").cancelled_at_klarna() => "order pending→refund_requested→cancelled";

    a_returned_and_then_cancelled_order_that_is_all_back_is_quiet:
        captured_order("100.00").credit("INV1", "100.00", "24h").refund_at("r1", "100.00", "INV1", "20h").marked_paid("INV1", "19h")
            .cancelled("2h").known_as(Order::Cancelled).credit_known_as("INV1", "100.00",
                CreditInvoice::Paid(reconciled_core::credit_invoice::Proof::Reversal)) => "";

    a_word_for_klarnas_status_that_nobody_knows_cancels_nothing:
        cancelled_order("100.00").klarna_says(|klarna| klarna.status = Word::Unknown("PAUSED".to_owned())) => "
            order pending→refund_requested
            cancel ORD1:cancel 100.00 hold disagreement (a word this program does not know)
            break unknown_value Klarna's order status";

    what_went_back_with_the_whole_order_and_is_there_no_more_is_said:
        charged().cancelled("2h").known_as(Order::Cancelled).credit("INV1", "100.00", "3h").marked_paid("INV1", "2h")
            .credit_known_as("INV1", "100.00", CreditInvoice::Paid(Proof::Reversal))
            .adopted("r1", Attribution::RuledOut) => "break cancel_not_refunded 100.00";

    and_a_part_of_it_is:
        charged().cancelled("2h").known_as(Order::Cancelled).credit("INV1", "100.00", "3h").marked_paid("INV1", "2h")
            .credit_known_as("INV1", "100.00", CreditInvoice::Paid(Proof::Reversal))
            .refund("r1", "60.00", "").adopted("r1", Attribution::RuledOut) => "break cancel_not_refunded 40.00";

    a_closed_order_with_something_captured_is_still_refunded:
        charged().klarna_says(|klarna| klarna.status = Word::Known(KlarnaStatus::Closed)) => "
            order paid→refund_requested
            refund ORD1:cancel 100.00 act";

    a_rest_beyond_what_is_left_of_a_cancelled_order_leaves_it_to_the_cancel:
        charged().known_as(Order::RefundRequested).credit("INV1", "80.00", "3h")
            .refund("r8", "70.00", "").adopted("r8", Attribution::RuledOut)
            .refund("r9", "20.00", "").parted("r9", &[("INV1", "20.00")]) => "
            refund ORD1:cancel 10.00 act";

    a_refund_confirmed_under_another_ones_id_ends_no_cancel:
        charged().known_as(Order::RefundRequested).credit("INV1", "30.00", "3h").refund("r7", "70.00", "ORD1:cancel")
            .intended(&Ask::refund("INV1", "30.00").confirmed("r7", "1m"))
            .credit_known_as("INV1", "30.00", CreditInvoice::Refunded(Proof::Refund(RefundId("r7".to_owned()))))
            .intended(&Ask::new(Kind::Refund, "ORD1:cancel", "70.00").unknown("1m")) => "
            intent refund ORD1:cancel seen r7
            break refund_missing INV1 30.00
            differs effect_vanished r7 30.00 in 30m
            look_again 30m";
}
