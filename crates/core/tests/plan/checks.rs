//! Whether the two sides speak of the same thing: if not, everything that is due waits.

use reconciled_core::facts::{Fraud, KlarnaSide, Shipped, ShopStatus, Word};
use reconciled_core::id::OrderNumber;
use reconciled_core::ledger::Attribution;
use reconciled_core::money::Currency;
use reconciled_core::order::{Order, Stage};
use reconciled_core::policy::Mode;

use crate::common::{Scene, ago, captured_order, eur, order};

fn returned() -> Scene {
    captured_order("100.00").credit("INV1", "40.00", "2h")
}

fn unlinked(mut scene: Scene) -> Scene {
    scene.facts.klarna = KlarnaSide::Unlinked;
    scene
}

fn not_found(mut scene: Scene) -> Scene {
    scene.facts.klarna = KlarnaSide::NotFound { said: "NO_SUCH_ORDER".to_owned() };
    scene
}

fn shared(mut scene: Scene) -> Scene {
    scene.facts.shared_with.push(OrderNumber("ORD2".to_owned()));
    scene
}

cases! {
    an_order_that_agrees_is_not_worth_a_word:
        captured_order("100.00") => "";

    amounts_that_differ_hold_everything:
        returned().total("110.00") => "
            credit INV1 pending→held
            refund INV1 40.00 hold disagreement (the order's amount)
            break amount_differs 10.00";

    one_cent_of_rounding_is_no_difference:
        captured_order("100.00").total("100.01") => "";

    two_cents_are:
        captured_order("100.00").total("100.02") => "break amount_differs 0.02";

    one_cent_less_at_the_shop_is_no_difference_either:
        captured_order("100.00").total("99.99") => "";

    an_order_that_klarna_lowered_to_what_was_not_credited_agrees:
        order("60.00").total("100.00").klarna_says(|klarna| klarna.original_amount = eur("100.00"))
            .credit("INV1", "40.00", "50h").shipped("48h").captured("60.00", "48h").known_as(Order::Paid) => "
            credit INV1 pending→cancelled
            mark_paid INV1 40.00 act";

    a_credit_invoice_of_today_does_not_explain_yesterdays_difference:
        order("60.00").total("100.00").shipped("48h").captured("60.00", "48h").known_as(Order::Paid).credit("INV1", "40.00", "2h") => "
            credit INV1 pending→held
            refund INV1 40.00 hold disagreement (the order's amount)
            break amount_differs 40.00
            break credit_before_capture the intent 40.00";

    another_currency_is_a_break_and_never_a_conversion:
        returned().klarna_says(|klarna| klarna.currency = Word::Known(Currency::SEK)) => "
            credit INV1 pending→held
            refund INV1 40.00 hold disagreement (the currency)
            break currency_differs";

    a_currency_nobody_knows_is_another_currency:
        returned().klarna_says(|klarna| klarna.currency = Word::Unknown("ZZZ".to_owned())) => "
            credit INV1 pending→held
            refund INV1 40.00 hold disagreement (the currency)
            break currency_differs";

    one_klarna_order_belongs_to_one_shop_order:
        shared(returned()) => "
            credit INV1 pending→held
            refund INV1 40.00 hold disagreement (two shop orders name one Klarna order)
            break klarna_order_shared";

    a_shop_status_nobody_knows_holds_everything:
        returned().shop_says(|shop| shop.status = Word::Unknown("paused".to_owned())) => "
            credit INV1 pending→held
            refund INV1 40.00 hold disagreement (a word this program does not know)
            break unknown_value the shop's order status";

    a_shipment_status_nobody_knows_captures_nothing:
        order("100.00").shipped("48h").shop_says(|shop| shop.shipped = Word::Unknown("lost".to_owned())) => "
            break unknown_value the shop's shipment status
            look_again 480h";

    a_fraud_status_nobody_knows_holds_everything:
        order("100.00").shipped("48h").klarna_says(|klarna| klarna.fraud = Some(Word::Unknown("STOPPED".to_owned()))) => "
            capture SHP1 100.00 hold disagreement (a word this program does not know)
            break unknown_value Klarna's fraud status
            look_again 480h";

    a_missing_fraud_status_holds_nothing:
        order("100.00").shipped("48h").klarna_says(|klarna| klarna.fraud = None) => "
            capture SHP1 100.00 act
            look_again 480h";

    a_total_that_is_no_amount_holds_everything:
        returned().total("1e400") => "
            credit INV1 pending→held
            refund INV1 40.00 hold disagreement (the order's total is not an amount)
            break unknown_value total";

    what_is_proven_stays_unmarked_while_the_sides_disagree:
        returned().refund("r1", "40.00", "INV1").total("110.00") => "
            credit INV1 pending→refunded
            mark_paid INV1 40.00 hold disagreement (the order's amount)
            break amount_differs 10.00";

    // Finding each other.
    an_order_without_a_klarna_order_id_may_get_one_within_grace:
        unlinked(order("100.00")).shop_says(|shop| shop.created_at = ago("29m")) => "
            differs klarna_order_unlinked in 1m
            look_again 1m";

    an_order_without_a_klarna_order_id_is_reported_after_grace:
        unlinked(order("100.00").credit("INV1", "40.00", "2h")) => "break klarna_order_unlinked";

    an_order_without_a_klarna_order_id_that_lives_is_reported_whether_or_not_it_is_paid:
        unlinked(order("100.00")).shop_says(|shop| shop.paid = false) => "break klarna_order_unlinked";

    an_order_without_a_klarna_order_id_that_was_paid_and_cancelled_is_reported:
        unlinked(order("100.00").cancelled("2h")) => "break klarna_order_unlinked";

    an_order_that_still_waits_for_its_payment_owes_nobody_anything:
        unlinked(order("100.00")).shop_says(|shop| {
            shop.status = Word::Known(ShopStatus::AwaitingPayment);
            shop.paid = false;
        }) => "";

    an_abandoned_checkout_owes_nobody_anything:
        unlinked(order("100.00").cancelled("2h")).shop_says(|shop| shop.paid = false) => "";

    a_cancelled_order_that_was_credited_had_reached_klarna:
        unlinked(order("100.00").cancelled("2h").credit("INV1", "100.00", "2h")).shop_says(|shop| shop.paid = false)
            => "break klarna_order_unlinked";

    an_order_that_klarna_does_not_know_is_reported:
        not_found(order("100.00").credit("INV1", "40.00", "2h").shipped("48h")) => "break klarna_order_not_found";

    // Klarna's word about the order.
    fraud_may_be_decided_within_grace:
        order("100.00").fraud(Fraud::Pending).shop_says(|shop| shop.created_at = ago("10m")) => "
            differs fraud_pending in 20m
            look_again 20m";

    fraud_pending_is_reported_after_grace:
        order("100.00").fraud(Fraud::Pending) => "
            break fraud_pending
            look_again 480h";

    fraud_rejected_is_reported_at_once:
        order("100.00").fraud(Fraud::Rejected).shop_says(|shop| shop.created_at = ago("1m")) => "
            break fraud_rejected
            look_again 480h";

    what_is_captured_is_past_every_doubt_about_fraud:
        captured_order("100.00").fraud(Fraud::Pending) => "";

    what_is_captured_is_past_a_late_rejection:
        captured_order("100.00").fraud(Fraud::Rejected) => "";

    a_doubt_about_fraud_after_a_part_was_captured_keeps_the_rest_and_is_said:
        order("100.00").shipped("48h").captured("60.00", "48h").known_as(Order::PartlyPaid).fraud(Fraud::Pending) => "
            break fraud_pending
            look_again 480h";

    a_rejection_after_a_part_was_captured_is_said:
        order("100.00").shipped("48h").captured("60.00", "48h").known_as(Order::PartlyPaid).fraud(Fraud::Rejected) => "
            break fraud_rejected
            look_again 480h";

    what_klarna_cancelled_is_past_every_doubt_about_fraud:
        order("100.00").fraud(Fraud::Pending).cancelled_at_klarna() => "break cancelled_at_klarna";

    cancelled_only_at_klarna_is_reported_after_grace:
        order("100.00").cancelled_at_klarna() => "break cancelled_at_klarna";

    an_order_that_only_klarna_cancelled_settles_its_credit_invoice:
        order("100.00").credit("INV1", "40.00", "2h").cancelled_at_klarna() => "
            credit INV1 pending→cancelled
            mark_paid INV1 40.00 act
            break cancelled_at_klarna";

    // An operator's hold.
    a_hold_withholds_everything_and_says_whose_it_is:
        returned().held_by_operator("call first") => "
            order paid→held
            credit INV1 pending→held
            refund INV1 40.00 hold operator (call first)";

    a_hold_withholds_the_capture_too:
        order("100.00").shipped("1h").held_by_operator("call first").known_as(Order::Held(Stage::Pending)) => "
            capture SHP1 100.00 hold operator (call first)
            look_again 480h";

    a_hold_that_ended_lets_everything_go_on:
        returned().known_as(Order::Held(Stage::Paid))
            .credit_known_as("INV1", "40.00", reconciled_core::credit_invoice::CreditInvoice::Held) => "
            order held→paid
            credit INV1 held→pending
            refund INV1 40.00 act";

    beneath_a_hold_the_order_goes_on:
        order("100.00").shipped("48h").captured("100.00", "48h").held_by_operator("call first").known_as(Order::Held(Stage::Pending)) => "
            order held→held";

    where_nothing_is_looked_at_nothing_is_said:
        order("100.00").shipped("48h").credit("INV1", "40.00", "2h").policy(|policy| {
            policy.refunds = Mode::Off;
            policy.cancels = Mode::Off;
            policy.captures = Mode::Off;
            policy.mark_paid = Mode::Off;
        }) => "";

    an_order_whose_shipping_was_cancelled_is_not_captured:
        order("100.00").shop_says(|shop| shop.shipped = Word::Known(Shipped::Cancelled)) => "look_again 480h";

    an_order_that_klarna_authorized_higher_at_first_agrees_with_its_first_amount:
        order("100.00").klarna_says(|klarna| klarna.order_amount = eur("80.00")) => "look_again 480h";

    // Sums that contradict their parts (real shops, 11).
    a_total_of_captures_that_its_captures_contradict_holds_everything:
        captured_order("100.00").credit("INV1", "40.00", "2h").klarna_says(|klarna| klarna.captured = eur("60.00")) => "
            credit INV1 pending→held
            refund INV1 40.00 hold disagreement (sums of Klarna's that contradict each other)
            break amount_differs captured 40.00
            break credit_before_capture the intent 40.00";

    nothing_captured_beside_captures_is_a_contradiction:
        captured_order("10.00").klarna_says(|klarna| klarna.captured = eur("0.00")) => "
            break amount_differs captured 10.00";

    a_cent_between_captures_and_their_total_is_none:
        captured_order("100.00").klarna_says(|klarna| klarna.captured = eur("99.99")) => "";

    a_sum_may_lag_behind_a_movement_of_a_moment_ago:
        order("100.00").shipped("48h").captured("100.00", "2s").known_as(Order::Paid).klarna_says(|klarna| klarna.captured = eur("0.00")) => "
            differs amount_differs captured 100.00 in 29m 58s
            look_again 29m 58s";

    refunds_that_add_up_to_more_than_their_total_hold:
        captured_order("100.00").refund("r9", "40.00", "INV1").credit("INV1", "40.00", "3h").credit("INV2", "10.00", "2h")
            .klarna_says(|klarna| klarna.refunded = eur("20.00")) => "
            credit INV1 pending→refunded
            credit INV2 pending→held
            refund INV2 10.00 hold disagreement (sums of Klarna's that contradict each other)
            mark_paid INV1 40.00 hold disagreement (sums of Klarna's that contradict each other)
            break amount_differs refunded 20.00";

    more_captured_and_authorized_than_was_ever_authorized_is_a_contradiction:
        order("100.00").shipment("SHP1", "48h", &[]).captured("60.00", "48h").known_as(Order::PartlyPaid)
            .klarna_says(|klarna| klarna.remaining = eur("100.00")) => "
            break amount_differs authorized 60.00
            look_again 480h";

    more_captured_than_the_order_is_worth_is_money:
        captured_order("100.00").klarna_says(|klarna| {
            klarna.order_amount = eur("120.00");
            klarna.captured = eur("120.00");
            klarna.captures[0].amount = eur("120.00");
        }) => "break captured_too_much 20.00";

    what_was_captured_too_much_and_went_back_is_settled:
        captured_order("100.00").klarna_says(|klarna| {
            klarna.order_amount = eur("120.00");
            klarna.captured = eur("120.00");
            klarna.captures[0].amount = eur("120.00");
        }).refund("r9", "20.00", "").adopted("r9", Attribution::RuledOut) => "";

    a_refund_of_nothing_is_no_money:
        captured_order("100.00").credit("INV1", "40.00", "2h").refund("r9", "0.00", "") => "refund INV1 40.00 act";

    a_credit_invoice_over_nothing_is_settled_by_saying_so:
        captured_order("100.00").credit("INV1", "0.00", "1m") => "
            credit INV1 pending→cancelled
            mark_paid INV1 0.00 act";

    a_credit_invoice_over_nothing_that_is_paid_needs_nothing:
        captured_order("100.00").credit("INV1", "0.00", "1m").marked_paid("INV1", "1m") => "credit INV1 pending→cancelled";
}
