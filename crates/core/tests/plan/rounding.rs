//! One minor unit is no difference, more than that needs a human's word, and never more than is captured is sent.

use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::id::RefundId;
use reconciled_core::order::Order;

use crate::common::{Ask, Scene, captured_order, eur, order};

fn paid(refund: &str) -> CreditInvoice {
    CreditInvoice::Paid(Proof::Refund(RefundId(refund.to_owned())))
}

/// Of an order over 14.95 8.04 was captured, and everything is credited.
fn part_captured() -> Scene {
    order("14.95").captured("8.04", "48h").known_as(Order::PartlyPaid).credit("INV1", "14.95", "24h")
}

/// Two of three credit invoices over 33.34 are refunded and paid; 33.32 of 100.00 is left.
fn all_but_two_cents() -> Scene {
    captured_order("100.00")
        .credit("INV1", "33.34", "4h")
        .credit("INV2", "33.34", "3h")
        .credit("INV3", "33.34", "2h")
        .refund("r1", "33.34", "INV1")
        .refund("r2", "33.34", "INV2")
        .marked_paid("INV1", "1h")
        .marked_paid("INV2", "1h")
        .credit_known_as("INV1", "33.34", paid("r1"))
        .credit_known_as("INV2", "33.34", paid("r2"))
        .credit_known_as("INV3", "33.34", CreditInvoice::Held)
}

cases! {
    a_credit_invoice_over_a_cent_more_than_is_captured_is_refunded_as_far_as_captured:
        captured_order("994.38").total("994.39").credit("INV1", "994.39", "2h") => "refund INV1 994.38 act";

    what_was_asked_a_cent_below_its_credit_invoice_proves_it:
        captured_order("994.38").total("994.39").credit("INV1", "994.39", "2h").refund("r1", "994.38", "INV1")
            .intended(&Ask::refund("INV1", "994.38").confirmed("r1", "1h")) => "mark_paid INV1 994.39 act";

    a_lost_request_a_cent_below_its_credit_invoice_goes_again_unchanged:
        captured_order("994.38").total("994.39").credit("INV1", "994.39", "2h")
            .intended(&Ask::refund("INV1", "994.38").unknown("10m").absent("5m")) => "
            intent refund INV1 absent
            refund INV1 994.38 act again";

    a_cent_less_that_was_refunded_by_hand_and_adopted_proves_it:
        captured_order("994.38").total("994.39").credit("INV1", "994.39", "2h").marked_paid("INV1", "1h").refund("r9", "994.38", "")
            .parted("r9", &[("INV1", "994.38")]) => "credit INV1 pending→refunded→paid";

    two_cents_that_are_not_left_hold_the_last_credit_invoice:
        captured_order("100.00").credit("INV1", "33.34", "4h").credit("INV2", "33.34", "3h").credit("INV3", "33.34", "2h") => "
            credit INV3 pending→held
            refund INV1 33.34 act
            refund INV2 33.34 act
            break credit_exceeds_refundable INV3 33.34";

    nothing_left_is_never_asked_for_as_a_cent:
        captured_order("100.00").refund("r1", "100.00", "INV1").credit("INV1", "100.00", "3h").credit("INV2", "0.01", "2h") => "
            credit INV1 pending→refunded
            credit INV2 pending→held
            mark_paid INV1 100.00 act
            break credit_exceeds_refundable INV2 0.01";

    what_is_left_is_sent_once_a_human_agreed_to_that_amount:
        all_but_two_cents().approved_effect(&Ask::refund("INV3", "33.32")) => "
            credit INV3 held→pending
            refund INV3 33.32 act";

    consent_to_another_amount_sends_nothing:
        all_but_two_cents().approved_effect(&Ask::refund("INV3", "33.34")) => "
            break credit_exceeds_refundable INV3 33.34";

    what_a_human_agreed_to_settles_its_credit_invoice:
        all_but_two_cents().refund("r3", "33.32", "INV3").intended(&Ask::refund("INV3", "33.32").confirmed("r3", "1m")).approved()
            .credit_known_as("INV3", "33.34", CreditInvoice::Refunded(Proof::Refund(RefundId("r3".to_owned())))) => "
            mark_paid INV3 33.34 act";

    what_a_human_agreed_to_settles_nothing_once_the_credit_invoice_asks_for_more:
        all_but_two_cents().refund("r3", "33.32", "INV3").intended(&Ask::refund("INV3", "33.32").confirmed("r3", "1m")).approved()
            .credit_known_as("INV3", "33.34", CreditInvoice::Refunded(Proof::Refund(RefundId("r3".to_owned()))))
            .change_credit("INV3", |credit| credit.amount = Ok(eur("40.00"))) => "
            break credit_changed INV3 -6.68";

    while_more_may_be_captured_nothing_less_is_offered:
        part_captured() => "
            credit INV1 pending→held
            break credit_exceeds_refundable INV1 14.95
            look_again 480h";

    nor_sent_though_a_human_agreed_to_it:
        part_captured().approved_effect(&Ask::refund("INV1", "8.04")) => "
            credit INV1 pending→held
            break credit_exceeds_refundable INV1 14.95
            look_again 480h";

    nor_what_was_intended_before_more_could_be_captured:
        part_captured().intended(&Ask::refund("INV1", "8.04")).approved().credit_known_as("INV1", "14.95", CreditInvoice::Held) => "
            credit INV1 held→pending
            intent refund INV1 withdrawn
            look_again 480h";

    what_left_already_is_followed_to_its_end:
        part_captured().intended(&Ask::refund("INV1", "8.04").unknown("10m").absent("5m")).approved()
            .credit_known_as("INV1", "14.95", CreditInvoice::Held) => "
            intent refund INV1 absent
            refund INV1 8.04 act again
            look_again 480h";

    once_the_rest_is_released_it_is_sent:
        part_captured().released().approved_effect(&Ask::refund("INV1", "8.04")) => "
            order partly_paid→paid
            refund INV1 8.04 act";

    what_nobody_agreed_to_settles_nothing:
        all_but_two_cents().refund("r3", "33.32", "INV3").intended(&Ask::refund("INV3", "33.32").confirmed("r3", "1m"))
            .credit_known_as("INV3", "33.34", CreditInvoice::Refunded(Proof::Refund(RefundId("r3".to_owned())))) => "break credit_changed INV3 -0.02";

    what_is_left_and_was_intended_without_a_word_is_not_sent:
        all_but_two_cents().intended(&Ask::refund("INV3", "33.32")).credit_known_as("INV3", "33.34", CreditInvoice::Held) => "
            credit INV3 held→pending
            intent refund INV3 withdrawn
            break credit_changed INV3 0.02";

    more_than_klarna_takes_at_once_is_not_sent_with_a_word_either:
        captured_order("3000000.00").credit("INV1", "4000000.00", "2h").approved_effect(&Ask::refund("INV1", "3000000.00")) => "
            credit INV1 pending→held
            break credit_exceeds_refundable INV1 4000000.00";

    what_a_human_agreed_to_settles_the_part_that_is_klarnas:
        captured_order("70.00").total("100.00").gift_cards(&["30.00"]).refund("r0", "55.00", "INV0").credit("INV0", "55.00", "4h")
            .marked_paid("INV0", "3h").credit_known_as("INV0", "55.00", paid("r0"))
            .refund("r9", "5.00", "").adopted("r9", reconciled_core::ledger::Attribution::RuledOut)
            .credit("INV1", "45.00", "2h").refund("r1", "10.00", "INV1").intended(&Ask::refund("INV1", "10.00").confirmed("r1", "1m")).approved()
            .credit_known_as("INV1", "45.00", CreditInvoice::Refunded(Proof::Refund(RefundId("r1".to_owned())))) => "break paid_otherwise INV1 30.00";

    a_cent_that_was_never_asked_for_is_not_released:
        order("99.99").shipped("48h").captured("99.99", "48h").known_as(Order::PartlyPaid).klarna_says(|klarna| {
            klarna.original_amount = eur("100.00");
            klarna.order_amount = klarna.original_amount;
            klarna.remaining = eur("0.01");
        }) => "order partly_paid→paid";

    a_cent_too_much_for_one_credit_invoice_stops_no_other:
        captured_order("100.00").credit("INV1", "40.00", "3h").refund("r1", "40.01", "INV1").marked_paid("INV1", "2h")
            .credit("INV2", "30.00", "2h") => "
            credit INV1 pending→refunded→paid
            refund INV2 30.00 act";

    two_cents_too_much_do:
        captured_order("100.00").credit("INV1", "40.00", "3h").refund("r1", "40.02", "INV1").marked_paid("INV1", "2h")
            .credit("INV2", "30.00", "2h") => "
            credit INV1 pending→held
            credit INV2 pending→held
            refund INV2 30.00 hold unattributed
            break refund_amount_differs INV1 0.02";
}
