//! Shipping obliges a capture: of what was shipped, before the authorization lapses, and of nothing else.

use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::facts::{Fraud, KlarnaStatus, ShopStatus, Word};
use reconciled_core::fulfilment::Fulfilled;
use reconciled_core::id::InvoiceId;
use reconciled_core::intent::Kind;
use reconciled_core::order::{Order, Stage};
use reconciled_core::policy::Mode;

use crate::common::{Ask, Scene, ago, captured_order, eur, in_time, long, order};

/// Two of one thing for 60.00, one of another for 35.00, and 5.00 for the parcel.
fn parcels() -> Scene {
    order("100.00").line(1, 2, "60.00").line(2, 1, "35.00")
}

fn verified(scene: Scene) -> Scene {
    scene.policy(|policy| policy.captures = Mode::Verify)
}

fn expires_in(scene: Scene, time: &str) -> Scene {
    let at = in_time(time);
    scene.klarna_says(|klarna| klarna.expires_at = Some(at))
}

fn extended(scene: Scene, time: &str) -> Scene {
    expires_in(scene, time).policy(|policy| policy.extend_authorization = true)
}

/// Of the authorization that lapses in a day.
fn extension() -> Ask {
    Ask::new(Kind::Extend, "ORD1:extend:2026-03-02T12:00:00Z", "100.00")
}

fn capture(reference: &'static str, amount: &'static str) -> Ask {
    Ask::new(Kind::Capture, reference, amount)
}

cases! {
    an_order_that_is_not_shipped_is_not_captured:
        order("100.00") => "look_again 480h";

    a_shipped_order_is_captured:
        order("100.00").shipped("1m") => "
            capture SHP1 100.00 act
            look_again 480h";

    who_else_captures_has_until_grace:
        verified(order("100.00").shipped("29m 59s")) => "
            differs shipped_not_captured 100.00 in 1s
            look_again 1s";

    who_else_did_not_capture_is_reported_at_grace:
        verified(order("100.00").shipped("30m")) => "
            break shipped_not_captured 100.00
            look_again 480h";

    where_captures_are_off_nobody_looks:
        order("100.00").shipped("48h").policy(|policy| policy.captures = Mode::Off) => "";

    a_part_that_shipped_is_captured_with_the_postage:
        parcels().shipment("SHP1", "2h", &[(1, 1)]) => "
            capture SHP1 35.00 act
            look_again 480h";

    the_next_part_is_captured_without_the_postage:
        parcels().shipment("SHP1", "24h", &[(1, 1)]).shipment("SHP2", "1h", &[(1, 1)]).captured_as("c1", "35.00", "24h", Some("SHP1")) => "
            order pending→partly_paid
            capture SHP2 30.00 act
            look_again 480h";

    a_part_that_we_captured_is_known_by_its_reference:
        parcels().shipment("SHP1", "24h", &[(1, 1)]).shipment("SHP2", "1h", &[(1, 1)]).captured_as("c1", "35.00", "24h", Some("SHP1"))
            .known_as(Order::PartlyPaid).intended(&capture("SHP1", "35.00").confirmed("", "24h")) => "
            capture SHP2 30.00 act
            look_again 480h";

    a_part_that_we_captured_is_known_by_its_id_where_reads_carry_no_reference:
        parcels().shipment("SHP1", "24h", &[(1, 1)]).shipment("SHP2", "1h", &[(1, 1)]).captured_as("c1", "35.00", "24h", None)
            .known_as(Order::PartlyPaid).intended(&capture("SHP1", "35.00").confirmed("c1", "24h")) => "
            capture SHP2 30.00 act
            look_again 480h";

    a_part_that_we_captured_and_reads_do_not_show_yet_is_not_taken_for_another:
        parcels().shipment("SHP1", "24h", &[(1, 1)]).shipment("SHP2", "1h", &[(1, 1)]).captured_as("c1", "35.00", "24h", Some("SHP1"))
            .known_as(Order::PartlyPaid).intended(&capture("SHP2", "30.00").confirmed("c2", "2s")) => "
            differs effect_vanished c2 30.00 in 30m
            look_again 30m";

    a_part_whose_answer_was_lost_and_that_a_read_shows_does_not_withhold_the_next:
        parcels().shipment("SHP1", "24h", &[(1, 1)]).shipment("SHP2", "1h", &[(1, 1)]).captured_as("c1", "35.00", "9m", None)
            .known_as(Order::PartlyPaid).intended(&capture("SHP1", "35.00").unknown("10m")) => "
            intent capture SHP1 seen c1
            capture SHP2 30.00 act
            look_again 480h";

    a_part_whose_answer_was_lost_is_not_captured_again_with_the_next:
        parcels().shipment("SHP1", "24h", &[(1, 1)]).shipment("SHP2", "1h", &[(1, 1)]).intended(&capture("SHP1", "35.00").unknown("10m")) => "
            intent capture SHP1 absent
            capture SHP2 30.00 act
            look_again 5s";

    a_planned_capture_that_a_read_shows_is_not_sent_for_what_shipped_since_which_has_its_own_name:
        order("100.00").line(1, 2, "100.00").shipment("SHP1", "1h", &[(1, 2)]).captured_as("c1", "50.00", "30m", Some("SHP1"))
            .known_as(Order::PartlyPaid).intended(&capture("SHP1", "50.00")) => "
            intent capture SHP1 seen c1
            capture SHP1:2 50.00 act
            look_again 480h";

    the_last_part_takes_what_is_left:
        parcels().shipment("SHP1", "24h", &[(1, 2)]).shipment("SHP2", "1h", &[(2, 1)]).all_shipped()
            .captured_as("c1", "65.00", "24h", Some("SHP1")).known_as(Order::PartlyPaid) => "
            capture SHP2 35.00 act
            look_again 480h";

    the_last_part_takes_what_is_left_whatever_the_rounding_says:
        order("100.00").klarna_says(|klarna| { klarna.order_amount = eur("99.99"); klarna.original_amount = eur("99.99"); klarna.remaining = eur("99.99"); })
            .shipped("1h") => "
            capture SHP1 99.99 act
            look_again 480h";

    a_part_that_shipped_and_is_captured_asks_for_nothing:
        parcels().shipment("SHP1", "24h", &[(1, 1)]).captured_as("c1", "35.00", "24h", Some("SHP1")).known_as(Order::PartlyPaid) => "
            look_again 480h";

    a_part_of_which_nobody_says_the_quantities_is_not_guessed_and_not_clean:
        parcels().shipment("SHP1", "24h", &[]) => "
            break shipped_not_captured
            look_again 480h";

    a_part_without_quantities_may_be_captured_by_hand_within_grace:
        verified(parcels().shipment("SHP1", "10m", &[])) => "
            differs shipped_not_captured in 20m
            look_again 20m";

    a_part_without_quantities_of_which_something_is_captured_is_left_alone:
        parcels().shipment("SHP1", "24h", &[]).captured_as("c1", "35.00", "24h", None).known_as(Order::PartlyPaid) => "
            look_again 480h";

    two_parts_that_left_are_one_capture:
        parcels().shipment("SHP1", "3h", &[(1, 1)]).shipment("SHP2", "2h", &[(2, 1)]) => "
            capture SHP2 70.00 act
            look_again 480h";

    what_was_credited_before_is_left_out_of_the_capture:
        order("100.00").credit("INV1", "40.00", "50h").shipped("48h") => "
            capture SHP1 60.00 act
            break credit_before_capture INV1 40.00
            look_again 480h";

    a_capture_that_an_unreadable_credit_invoice_may_lower_waits:
        order("100.00").credit("INV1", "1e400", "50h").shipped("48h") => "
            credit INV1 pending→held
            capture SHP1 100.00 hold unreadable INV1
            break unknown_value INV1
            look_again 480h";

    while_fraud_is_pending_nothing_is_captured:
        order("100.00").shipped("1h").fraud(Fraud::Pending) => "
            break fraud_pending
            look_again 480h";

    what_was_rejected_as_fraud_is_not_captured_by_itself:
        order("100.00").shipped("1h").fraud(Fraud::Rejected) => "
            break fraud_rejected
            look_again 480h";

    doubted_after_the_rest_was_released_what_shipped_beyond_the_captures_is_lost:
        order("100.00").shipped("48h").captured("60.00", "48h").released().fraud(Fraud::Pending) => "
            order pending→paid
            break shipped_not_captured 40.00";

    doubted_while_a_rest_is_authorized_only_the_doubt_is_told:
        order("100.00").shipped("48h").captured("60.00", "48h").fraud(Fraud::Pending) => "
            order pending→partly_paid
            break fraud_pending
            look_again 480h";

    a_planned_capture_is_sent_as_it_was_intended:
        order("100.00").shipped("1h").intended(&capture("SHP1", "100.00")) => "
            capture SHP1 100.00 act again
            look_again 480h";

    a_refused_capture_waits_for_a_human:
        order("100.00").shipped("2h").intended(&capture("SHP1", "100.00").rejected("CAPTURE_NOT_ALLOWED", "1h")) => "
            break capture_rejected SHP1 100.00
            look_again 480h";

    a_refused_capture_that_somebody_made_by_hand_is_settled:
        captured_order("100.00").intended(&capture("SHP1", "100.00").rejected("CAPTURE_NOT_ALLOWED", "47h")) => "";

    a_refused_capture_that_a_human_approves_starts_as_a_new_generation:
        order("100.00").shipped("2h").intended(&capture("SHP1", "100.00").rejected("CAPTURE_NOT_ALLOWED", "1h")).approved() => "
            capture SHP1 100.00 act generation 1
            look_again 480h";

    captured_and_not_shipped_is_reported_after_grace:
        order("100.00").captured("100.00", "30m") => "
            order pending→paid
            break captured_not_shipped 100.00";

    what_is_captured_wholly_is_paid_whatever_klarna_calls_it:
        order("100.00").shipped("48h").captured("100.00", "48h").klarna_says(|klarna| klarna.status = Word::Known(KlarnaStatus::Closed)) => "
            order pending→paid";

    captured_and_not_shipped_may_ship_within_grace:
        order("100.00").captured("100.00", "10m") => "
            order pending→paid
            differs captured_not_shipped 100.00 in 20m
            look_again 20m";

    captured_and_refunded_need_not_ship:
        order("100.00").captured("100.00", "48h").credit("INV1", "100.00", "24h").refund("r1", "100.00", "INV1").marked_paid("INV1", "1h") => "
            order pending→paid
            credit INV1 pending→refunded→paid";

    shipped_and_only_a_part_captured_is_reported:
        verified(order("100.00").shipped("48h").captured("60.00", "48h").known_as(Order::PartlyPaid)) => "
            break shipped_not_captured 40.00
            look_again 480h";

    what_shipped_and_can_no_longer_be_captured_is_reported:
        order("100.00").shipped("48h").captured("60.00", "48h").released().known_as(Order::Paid) => "
            break shipped_not_captured 40.00";

    what_shipped_and_was_lost_is_not_explained_by_what_was_refunded_of_the_rest:
        order("100.00").shipped("48h").captured("60.00", "48h").released().known_as(Order::Paid)
            .credit("INV1", "20.00", "24h").refund("r1", "20.00", "INV1").marked_paid("INV1", "23h") => "
            credit INV1 pending→refunded→paid
            break shipped_not_captured 40.00";

    what_shipped_and_was_lost_is_explained_by_a_credit_invoice_up_to_a_cent:
        order("100.00").shipped("48h").captured("59.99", "48h").released().known_as(Order::Paid).credit("INV1", "40.00", "24h") => "
            credit INV1 pending→held
            refund INV1 40.00 hold undecided
            break credit_before_capture the intent 40.00";

    what_was_credited_before_does_not_explain_more_than_its_own_amount:
        order("100.00").credit("INV1", "40.00", "50h").marked_paid("INV1", "40h").shipped("48h").captured("25.00", "48h").released()
            .known_as(Order::Paid).credit_known_as("INV1", "40.00", reconciled_core::credit_invoice::CreditInvoice::Cancelled) => "
            break shipped_not_captured 35.00";

    a_planned_capture_of_another_amount_than_is_due_now_is_withdrawn:
        order("100.00").credit("INV1", "40.00", "10m").shipped("5m").intended(&capture("SHP1", "100.00")) => "
            intent capture SHP1 withdrawn
            differs credit_before_capture INV1 40.00 in 20m
            look_again 20m";

    // Lapsing.
    a_second_before_the_warning_nothing_is_said:
        expires_in(order("100.00"), "120h 1s") => "look_again 1s";

    inside_the_warning_an_authorization_is_reported:
        expires_in(order("100.00"), "120h") => "
            break authorization_expiring 100.00
            look_again 120h";

    inside_the_warning_the_rest_of_a_partial_capture_is_reported:
        expires_in(parcels().shipment("SHP1", "24h", &[(1, 1)]).captured_as("c1", "35.00", "24h", Some("SHP1")), "24h").known_as(Order::PartlyPaid) => "
            break authorization_expiring 65.00
            look_again 24h";

    inside_the_warning_an_authorization_is_extended_where_the_policy_allows:
        extended(order("100.00"), "120h") => "
            extend ORD1:extend:2026-03-06T12:00:00Z 100.00 act
            look_again 120h";

    a_second_before_the_warning_nothing_is_extended:
        extended(order("100.00"), "120h 1s") => "look_again 1s";

    only_who_captures_extends:
        verified(extended(order("100.00"), "120h")) => "
            break authorization_expiring 100.00
            look_again 120h";

    the_rest_of_a_partial_capture_is_extended:
        extended(parcels().shipment("SHP1", "24h", &[(1, 1)]).captured_as("c1", "35.00", "24h", Some("SHP1")), "24h").known_as(Order::PartlyPaid) => "
            extend ORD1:extend:2026-03-02T12:00:00Z 65.00 act
            look_again 24h";

    what_is_captured_now_is_not_extended:
        extended(order("100.00").shipped("1m"), "24h") => "
            capture SHP1 100.00 act
            break authorization_expiring 100.00
            look_again 24h";

    a_cancelled_order_is_not_extended:
        extended(order("100.00").cancelled("2h"), "24h") => "
            order pending→refund_requested
            cancel ORD1:cancel 100.00 act";

    what_is_fully_credited_is_not_extended:
        extended(order("100.00").credit("INV1", "100.00", "10m"), "24h") => "
            break authorization_expiring 100.00
            look_again 50m";

    while_fraud_is_pending_nothing_is_extended:
        extended(order("100.00").fraud(Fraud::Pending), "24h") => "
            break fraud_pending
            break authorization_expiring 100.00
            look_again 24h";

    a_lapsed_order_that_klarna_reopened_is_not_extended:
        extended(order("100.00").known_as(Order::Expired), "24h") => "
            break authorization_expired reopened 100.00
            break authorization_expiring 100.00
            look_again 24h";

    what_klarna_calls_closed_does_not_lapse:
        expires_in(order("100.00").klarna_says(|klarna| klarna.status = Word::Known(KlarnaStatus::Closed)), "24h") => "";

    at_the_time_of_the_lapse_it_is_too_late_to_extend:
        extended(order("100.00"), "0s") => "break authorization_expiring 100.00";

    a_lapse_time_is_extended_once:
        extended(order("100.00"), "24h").intended(&extension().confirmed("", "29m 59s")) => "
            differs authorization_expiring 100.00 in 1s
            look_again 1s";

    a_read_from_before_the_extension_says_nothing_about_it:
        { let mut scene = extended(order("100.00"), "24h").intended(&extension().confirmed("", "1s")).policy(|policy| policy.grace = long("0s"));
          scene.facts.read_at = ago("2s"); scene } => "look_again 24h";

    a_read_of_the_very_moment_of_the_extension_says_something_about_it:
        { let mut scene = extended(order("100.00"), "24h").intended(&extension().confirmed("", "1s")).policy(|policy| policy.grace = long("0s"));
          scene.facts.read_at = ago("1s"); scene } => "
            break authorization_expiring 100.00
            look_again 24h";

    an_extension_that_klarna_does_not_show_is_reported_after_grace:
        extended(order("100.00"), "24h").intended(&extension().confirmed("", "30m")) => "
            break authorization_expiring 100.00
            look_again 24h";

    what_an_extension_brought_today_is_not_extended_today:
        extended(order("100.00"), "48h").intended(&extension().confirmed("", "23h")) => "look_again 48h";

    the_next_lapse_time_may_be_extended_again:
        extended(order("100.00"), "48h").intended(&extension().confirmed("", "600h")) => "
            extend ORD1:extend:2026-03-03T12:00:00Z 100.00 act
            look_again 48h";

    a_lost_extension_is_confirmed_by_a_later_lapse:
        extended(order("100.00"), "672h").intended(&extension().unknown("10m")) => "
            intent extend ORD1:extend:2026-03-02T12:00:00Z seen
            look_again 552h";

    a_lost_extension_of_what_was_captured_since_asks_for_nothing:
        extended(captured_order("100.00"), "24h").intended(&extension().unknown("10m").absent("5m")) => "
            intent extend ORD1:extend:2026-03-02T12:00:00Z seen";

    a_lost_extension_is_sent_again_when_it_is_surely_absent:
        extended(order("100.00"), "24h").intended(&extension().unknown("10m").absent("5m")) => "
            intent extend ORD1:extend:2026-03-02T12:00:00Z absent
            extend ORD1:extend:2026-03-02T12:00:00Z 100.00 act again
            look_again 24h";

    a_lost_extension_with_an_unsafe_key_is_for_a_human:
        extended(order("100.00"), "24h").intended(&extension().unknown("23h").absent("5m")) => "
            intent extend ORD1:extend:2026-03-02T12:00:00Z absent
            break authorization_expiring the intent 100.00
            look_again 24h";

    a_refused_extension_is_reported_with_its_lapse:
        extended(order("100.00"), "24h").intended(&extension().rejected("NOT_ALLOWED", "1h")) => "
            break authorization_expiring 100.00
            look_again 24h";

    a_refused_extension_that_a_human_approves_starts_as_a_new_generation:
        extended(order("100.00"), "24h").intended(&extension().rejected("NOT_ALLOWED", "1h")).approved() => "
            extend ORD1:extend:2026-03-02T12:00:00Z 100.00 act generation 1
            look_again 24h";

    a_withheld_extension_does_not_withhold_the_warning:
        extended(order("100.00"), "24h").held_by_operator("call first").known_as(Order::Held(Stage::Pending)) => "
            extend ORD1:extend:2026-03-02T12:00:00Z 100.00 hold operator (call first)
            break authorization_expiring 100.00
            look_again 24h";

    a_planned_extension_is_withdrawn_when_somebody_else_captures_from_now_on:
        verified(extended(order("100.00"), "24h").intended(&extension())) => "
            intent extend ORD1:extend:2026-03-02T12:00:00Z withdrawn
            break authorization_expiring 100.00
            look_again 24h";

    a_captured_order_does_not_expire:
        expires_in(captured_order("100.00"), "24h") => "";

    an_authorization_that_lapsed_is_the_end:
        order("100.00").expired() => "
            order pending→expired
            break authorization_expired 100.00";

    shipped_and_lapsed_is_one_break_and_no_capture:
        order("100.00").shipped("48h").expired().known_as(Order::Expired) => "break authorization_expired 100.00";

    a_lapsed_order_that_klarna_reopened_is_not_captured_by_us:
        order("100.00").shipped("48h").known_as(Order::Expired) => "
            break shipped_not_captured 100.00
            break authorization_expired reopened 100.00
            look_again 480h";

    a_lost_capture_of_an_order_that_lapsed_since_is_not_sent_again:
        order("100.00").shipped("48h").expired().klarna_says(|klarna| klarna.remaining = eur("100.00"))
            .intended(&capture("SHP1", "100.00").unknown("10m").absent("5m")) => "
            order pending→expired
            intent capture SHP1 absent
            break authorization_expired 100.00";

    a_capture_after_the_authorization_lapsed_is_said:
        captured_order("100.00").known_as(Order::Expired) => "break authorization_expired captured 100.00";

    a_capture_after_the_authorization_lapsed_is_nobodys_business_where_captures_are_off:
        captured_order("100.00").known_as(Order::Expired).policy(|policy| policy.captures = Mode::Off) => "";

    what_was_captured_after_the_authorization_lapsed_is_refunded_like_any_other:
        captured_order("100.00").known_as(Order::Expired).credit("INV1", "40.00", "2h") => "
            refund INV1 40.00 act
            break authorization_expired captured 100.00";

    shipped_whole_and_lapsed_after_a_part_the_rest_was_never_captured:
        order("100.00").shipped("48h").captured("60.00", "48h").known_as(Order::Paid).expired() => "
            break shipped_not_captured 40.00";

    shipped_whole_and_lapsed_after_a_part_and_a_rejection_the_rest_was_never_captured:
        order("100.00").shipped("48h").captured("60.00", "48h").known_as(Order::Paid).fraud(Fraud::Rejected).expired() => "
            break shipped_not_captured 40.00";

    a_rest_that_klarna_keeps_showing_after_it_lapsed_is_not_captured_either:
        order("100.00").shipped("48h").captured("60.00", "48h").known_as(Order::Paid).expired()
            .klarna_says(|klarna| klarna.remaining = eur("40.00")) => "
            break shipped_not_captured 40.00";

    lapsed_after_a_part_the_rest_can_not_ship_any_more:
        order("100.00").captured("60.00", "48h").known_as(Order::Paid).expired() => "
            break captured_not_shipped 60.00
            break authorization_expired rest 40.00";

    a_cent_that_lapsed_is_rounding:
        order("100.00").line(1, 1, "99.99").line(2, 1, "0.01").shipment("SHP1", "48h", &[(1, 1)]).captured("99.99", "48h")
            .known_as(Order::Paid).expired() => "";

    two_cents_that_lapsed_are_not:
        order("100.00").line(1, 1, "99.98").line(2, 1, "0.02").shipment("SHP1", "48h", &[(1, 1)]).captured("99.98", "48h")
            .known_as(Order::Paid).expired() => "break authorization_expired rest 0.02";

    lapsed_after_a_part_and_credited_nothing_is_missing:
        order("100.00").credit("INV1", "40.00", "60h").shipped("48h").captured("60.00", "48h").known_as(Order::Paid).expired()
            .marked_paid("INV1", "1h").credit_known_as("INV1", "40.00", CreditInvoice::Cancelled) => "";

    credited_at_the_time_of_the_capture_is_left_out_once:
        order("100.00").shipped("48h").captured("60.00", "48h").released().known_as(Order::Paid)
            .credit("INV1", "20.00", "48h").marked_paid("INV1", "40h")
            .credit_known_as("INV1", "20.00", CreditInvoice::PaidByHand) => "
            break paid_without_refund INV1 20.00
            break shipped_not_captured 20.00";

    shipped_and_cancelled_at_klarna_is_no_capture:
        order("100.00").shipped("48h").cancelled_at_klarna() => "break cancelled_at_klarna";

    a_capture_that_we_do_not_drive_leaves_captured_orders_alone:
        verified(captured_order("100.00")) => "";

    an_order_that_klarna_calls_closed_is_not_captured_blindly:
        order("100.00").shipped("48h").klarna_says(|klarna| {
            klarna.status = Word::Known(KlarnaStatus::Closed);
            klarna.remaining = eur("0.00");
        }) => "break shipped_not_captured 100.00";

    a_cent_that_is_not_captured_makes_no_part:
        order("100.00").shipped("48h").captured("99.99", "48h").known_as(Order::PartlyPaid).credit("INV1", "30.00", "50h") => "
            refund INV1 30.00 act
            look_again 480h";

    a_capture_that_was_given_up_beside_another_is_missing:
        order("100.00").shipped("1h").captured_as("c1", "60.00", "2h", Some("SHP1")).known_as(Order::PartlyPaid)
            .intended(&Ask::new(Kind::Capture, "SHP0", "40.00").abandoned("30m")) => "
            break shipped_not_captured 40.00
            look_again 22h 30m";

    a_cent_is_no_rest_of_an_order_that_ended:
        order("100.00").line(1, 2, "100.00").shipment("SHP1", "5h", &[(1, 1)]).captured("99.99", "4h").known_as(Order::PartlyPaid)
            .shop_says(|shop| shop.status = Word::Known(ShopStatus::Completed)) => "look_again 480h";

    two_cents_are_one:
        order("100.00").line(1, 2, "100.00").shipment("SHP1", "5h", &[(1, 1)]).captured("99.98", "4h").known_as(Order::PartlyPaid)
            .shop_says(|shop| shop.status = Word::Known(ShopStatus::Completed)) => "
            break shipped_not_captured rest 0.02
            look_again 480h";

    what_went_back_in_part_for_pieces_that_never_left_captures_nothing:
        order("100.00").line(1, 2, "100.00").shipment("SHP1", "5h", &[(1, 1)]).captured("50.00", "4h").known_as(Order::PartlyPaid)
            .credit("INV1", "100.00", "2h").items("INV1", &[(1, 2)]).refund("r9", "20.00", "").parted("r9", &[("INV1", "20.00")]) => "
            credit INV1 pending→held
            break credit_exceeds_refundable INV1 80.00
            look_again 480h";

    slips_of_an_order_without_lines_say_no_value:
        order("100.00").shipment("SHP1", "5h", &[(1, 1)]) => "
            break shipped_not_captured
            look_again 480h";

    parcels_that_do_not_count_leave_the_word_to_the_status:
        order("100.00").shipment("SHP1", "5h", &[(1, 1)]).policy(|policy| policy.capture_on = [Fulfilled::PickedUp].into_iter().collect()) => "look_again 480h";

    what_a_day_old_extension_brought_may_be_extended:
        extended(order("100.00"), "48h").intended(&extension().confirmed("", "24h")) => "
            extend ORD1:extend:2026-03-03T12:00:00Z 100.00 act
            look_again 48h";

    what_a_capture_of_ours_left_out_is_left_out_once:
        order("100.00").shipped("1h").captured_as("c1", "50.00", "48h", Some("SHP0")).known_as(Order::PartlyPaid)
            .intended(&capture("SHP0", "50.00").confirmed("c1", "48h").left_out(&[("INV1", "20.00")]))
            .credit("INV1", "20.00", "60h") => "
            capture SHP1 30.00 act
            look_again 480h";
}

#[test]
fn a_capture_remembers_what_it_left_out() {
    let plan = order("100.00").shipped("1h").credit("INV1", "30.00", "2h").plan();
    assert_eq!(plan.effects[0].left_out, Some(vec![(InvoiceId(1), eur("30.00"))]));
}
