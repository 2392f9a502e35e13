//! Which refund at Klarna settles what, and what stops everything until a human says so.

use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::id::{InvoiceId, RefundId};
use reconciled_core::ledger::Attribution;
use reconciled_core::order::Order;
use reconciled_core::policy::Mode;

use crate::common::{Ask, Scene, cancelled_order, captured_order, eur};

fn portal(refunded: &str) -> Scene {
    captured_order("100.00").credit("INV1", "40.00", "2h").refund("r9", refunded, "")
}

pub(crate) fn proof(refund: &str) -> Proof {
    Proof::Refund(RefundId(refund.to_owned()))
}

fn two_credits() -> Scene {
    captured_order("100.00").credit("INV1", "25.00", "3h").credit("INV2", "30.00", "2h")
}

/// 20.00 of 25.00 were refunded in the portal, and a human said so.
fn partly_covered() -> Scene {
    captured_order("100.00").credit("INV1", "25.00", "3h").refund("r9", "20.00", "").parted("r9", &[("INV1", "20.00")])
}

/// INV1's refund was answered with an id, and the read shows INV2's without one, whose answer was lost.
fn beside_a_nameless_one(scene: Scene) -> Scene {
    scene
        .credit("INV1", "40.00", "3h")
        .credit("INV2", "30.00", "3h")
        .marked_paid("INV2", "1m")
        .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1m"))
        .intended(&Ask::refund("INV2", "30.00").confirmed("nameless:a", "2m"))
        .refund("nameless:a", "30.00", "INV2")
}

fn verified(scene: Scene) -> Scene {
    scene.policy(|policy| policy.refunds = Mode::Verify)
}

fn asked() -> Scene {
    captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00").unknown("10m"))
}

cases! {
    what_proved_a_credit_invoice_and_was_for_something_else_is_said:
        cancelled_order("100.00").captured("100.00", "48h").known_as(Order::RefundRequested).credit("INV1", "50.00", "3h")
            .marked_paid("INV1", "2h")
            .credit_known_as("INV1", "50.00", CreditInvoice::Paid(Proof::Refund(RefundId("r1".to_owned()))))
            .intended(&Ask::refund("ORD1:cancel", "50.00").confirmed("r1", "1h")).refund("r1", "50.00", "") => "
            break paid_without_refund INV1 50.00";

    another_refund_of_its_own_proves_it_then:
        captured_order("100.00").known_as(Order::Paid).credit("INV1", "40.00", "3h").credit("INV2", "40.00", "3h")
            .marked_paid("INV2", "2h")
            .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1h"))
            .intended(&Ask::refund("INV2", "40.00").confirmed("r1", "1h"))
            .credit_known_as("INV2", "40.00", CreditInvoice::Paid(Proof::Refund(RefundId("r1".to_owned()))))
            .refund("r1", "40.00", "INV2").refund("r2", "40.00", "INV1") => "
            credit INV1 refunded→pending→refunded
            mark_paid INV1 40.00 act";

    what_proved_a_credit_invoice_and_was_ruled_out_since_is_said:
        captured_order("100.00").known_as(Order::Paid).credit("INV1", "40.00", "3h").marked_paid("INV1", "2h")
            .credit_known_as("INV1", "40.00", CreditInvoice::Paid(Proof::Refund(RefundId("r1".to_owned()))))
            .refund("r1", "40.00", "").adopted("r1", Attribution::RuledOut) => "
            break paid_without_refund INV1 40.00";

    what_proved_one_credit_invoice_proves_no_other_where_reads_name_nothing:
        captured_order("100.00").credit("INV1", "40.00", "3h").marked_paid("INV1", "2h").credit("INV2", "40.00", "2h")
            .credit_known_as("INV1", "40.00", CreditInvoice::PaidByHand)
            .intended(&Ask::refund("INV2", "40.00").confirmed("r1", "30m"))
            .refund_at("nameless:at:2026-01-15T11:30:00Z:4000:1", "40.00", "", "30m")
            .policy(|policy| policy.adopt_exact = true) => "
            mark_paid INV2 40.00 act
            break paid_without_refund INV1 40.00";

    a_refund_by_hand_stops_automatic_refunds:
        portal("25.00") => "
            credit INV1 pending→held
            refund INV1 40.00 hold unattributed
            break refund_unattributed r9 25.00";

    a_refund_by_hand_of_exactly_the_amount_is_still_no_proof:
        portal("40.00") => "
            credit INV1 pending→held
            refund INV1 40.00 hold unattributed
            break refund_unattributed r9 40.00";

    a_refund_by_hand_that_leaves_too_little_still_only_holds:
        portal("70.00") => "
            credit INV1 pending→held
            refund INV1 40.00 hold unattributed
            break refund_unattributed r9 70.00";

    a_refund_by_hand_on_an_order_without_credit_invoices_is_a_break:
        captured_order("100.00").refund("r9", "25.00", "") => "break refund_unattributed r9 25.00";

    with_adopt_exact_the_one_open_credit_invoice_of_that_amount_takes_it:
        portal("40.00").policy(|policy| policy.adopt_exact = true) => "
            credit INV1 pending→refunded
            mark_paid INV1 40.00 act";

    with_adopt_exact_another_amount_fits_nothing:
        portal("39.98").policy(|policy| policy.adopt_exact = true) => "
            credit INV1 pending→held
            refund INV1 40.00 hold unattributed
            break refund_unattributed r9 39.98";

    with_adopt_exact_a_cent_is_no_other_amount:
        portal("39.99").policy(|policy| policy.adopt_exact = true) => "
            credit INV1 pending→refunded
            mark_paid INV1 40.00 act";

    with_adopt_exact_a_cent_off_two_open_credit_invoices_are_one_too_many:
        portal("39.99").credit("INV2", "39.98", "2h").policy(|policy| policy.adopt_exact = true) => "
            credit INV1 pending→held
            credit INV2 pending→held
            refund INV1 40.00 hold unattributed
            refund INV2 39.98 hold unattributed
            break refund_unattributed r9 39.99";

    with_adopt_exact_two_open_credit_invoices_of_that_amount_are_one_too_many:
        portal("40.00").credit("INV2", "40.00", "2h").policy(|policy| policy.adopt_exact = true) => "
            credit INV1 pending→held
            credit INV2 pending→held
            refund INV1 40.00 hold unattributed
            refund INV2 40.00 hold unattributed
            break refund_unattributed r9 40.00";

    with_adopt_exact_a_second_refund_of_the_amount_finds_nothing_open:
        portal("40.00").refund("r8", "40.00", "").policy(|policy| policy.adopt_exact = true) => "
            credit INV1 pending→refunded
            mark_paid INV1 40.00 act
            break refund_unattributed r9 40.00";

    what_was_adopted_once_stays_adopted_when_an_equal_credit_invoice_comes:
        portal("40.00").credit("INV2", "40.00", "2h").marked_paid("INV1", "1h").policy(|policy| policy.adopt_exact = true)
            .credit_known_as("INV1", "40.00", CreditInvoice::Paid(Proof::Refund(RefundId("r9".to_owned())))) => "
            refund INV2 40.00 act";

    what_was_attributed_under_verify_stays_so_when_we_drive:
        portal("40.00").marked_paid("INV1", "1h").credit("INV2", "25.00", "2h")
            .credit_known_as("INV1", "40.00", CreditInvoice::Paid(Proof::Refund(RefundId("r9".to_owned())))) => "
            refund INV2 25.00 act";

    with_adopt_exact_a_credit_invoice_whose_refund_we_asked_for_is_not_open:
        captured_order("100.00").credit("INV1", "40.00", "3h").refund("r9", "40.00", "").refund("r8", "10.00", "INV7")
            .credit("INV7", "10.00", "4h").credit_known_as("INV7", "10.00", CreditInvoice::Pending).marked_paid("INV7", "1h")
            .intended(&Ask::refund("INV1", "40.00").unknown("2s")).policy(|policy| policy.adopt_exact = true) => "
            credit INV7 pending→refunded→paid
            intent refund INV1 absent
            break refund_unattributed r9 40.00
            look_again 5s";

    with_adopt_exact_a_refund_by_hand_settles_what_klarna_refused_to_us:
        portal("40.00").intended(&Ask::refund("INV1", "40.00").rejected("REFUND_NOT_ALLOWED", "90m"))
            .policy(|policy| policy.adopt_exact = true) => "
            credit INV1 held→refunded
            mark_paid INV1 40.00 act";

    under_verify_the_amount_says_which_credit_invoice:
        verified(portal("40.00")) => "
            credit INV1 pending→refunded
            mark_paid INV1 40.00 act";

    under_verify_the_oldest_of_several_equal_ones_comes_first:
        verified(captured_order("100.00").credit("INV2", "40.00", "2h").credit("INV1", "40.00", "3h").refund("r9", "40.00", "")) => "
            credit INV1 pending→refunded
            mark_paid INV1 40.00 act
            break refund_missing INV2 40.00";

    under_verify_each_refund_takes_its_own_credit_invoice:
        verified(captured_order("100.00").credit("INV1", "40.00", "3h").credit("INV2", "40.00", "2h")
            .refund("r8", "40.00", "").refund("r9", "40.00", "")) => "
            credit INV1 pending→refunded
            credit INV2 pending→refunded
            mark_paid INV1 40.00 act
            mark_paid INV2 40.00 act";

    under_verify_what_fits_none_is_unattributed:
        verified(portal("25.00")) => "
            break refund_missing INV1 40.00
            break refund_unattributed r9 25.00";

    a_refund_that_a_human_ruled_out_stops_nothing:
        portal("25.00").adopted("r9", Attribution::RuledOut) => "refund INV1 40.00 act";

    a_refund_that_a_human_ruled_out_is_still_gone:
        portal("70.00").adopted("r9", Attribution::RuledOut) => "
            credit INV1 pending→held
            break credit_exceeds_refundable INV1 40.00";

    a_refund_that_a_human_adopted_proves_its_credit_invoice:
        portal("40.00").adopted("r9", Attribution::CreditInvoice(InvoiceId(1))).credit_known_as("INV1", "40.00", CreditInvoice::Held) => "
            credit INV1 held→refunded
            mark_paid INV1 40.00 act";

    a_refund_of_another_amount_that_a_human_adopted_still_differs:
        portal("25.00").adopted("r9", Attribution::CreditInvoice(InvoiceId(1))) => "
            credit INV1 pending→held
            break refund_amount_differs INV1 -15.00";

    a_refund_that_a_human_adopted_for_the_cancel_counts_for_it:
        cancelled_order("100.00").captured("100.00", "48h").known_as(Order::RefundRequested).refund("r9", "30.00", "")
            .adopted("r9", Attribution::Cancel) => "refund ORD1:cancel 70.00 act";

    a_reference_that_is_nobodys_is_no_attribution:
        captured_order("100.00").credit("INV1", "40.00", "2h").refund("r9", "40.00", "Retoure 17") => "
            credit INV1 pending→held
            refund INV1 40.00 hold unattributed
            break refund_unattributed r9 40.00";

    a_cancels_reference_on_an_order_that_is_not_cancelled_is_too_much:
        captured_order("100.00").refund("r9", "30.00", "ORD1:cancel") => "break refund_exceeds_credit r9 30.00";

    money_that_klarna_counts_and_does_not_list_is_unattributed:
        captured_order("100.00").credit("INV1", "40.00", "2h").klarna_says(|klarna| klarna.refunded = eur("25.00")) => "
            credit INV1 pending→held
            refund INV1 40.00 hold unattributed
            break refund_unattributed nameless:unlisted:2500 25.00";

    // Reads that carry no reference, or no id.
    where_reads_carry_no_reference_a_new_refund_of_the_amount_since_the_attempt_is_ours:
        asked().refund_at("r5", "40.00", "", "9m") => "
            credit INV1 refund_requested→refunded
            intent refund INV1 seen r5
            mark_paid INV1 40.00 act";

    where_reads_carry_no_reference_one_refund_is_not_given_to_either_of_two_lost_requests:
        captured_order("100.00").credit("INV1", "20.00", "3h").credit("INV2", "20.00", "3h").refund_at("r5", "20.00", "", "9m")
            .intended(&Ask::refund("INV1", "20.00").unknown("10m")).intended(&Ask::refund("INV2", "20.00").unknown("10m").absent("5m")) => "
            intent refund INV1 absent
            intent refund INV2 absent
            refund INV2 20.00 act again
            look_again 5s";

    where_reads_carry_no_reference_two_refunds_settle_two_lost_requests:
        captured_order("100.00").credit("INV1", "20.00", "3h").credit("INV2", "20.00", "3h")
            .refund_at("r5", "20.00", "", "9m").refund_at("r6", "20.00", "", "8m")
            .intended(&Ask::refund("INV1", "20.00").unknown("10m")).intended(&Ask::refund("INV2", "20.00").unknown("10m")) => "
            credit INV1 refund_requested→refunded
            credit INV2 refund_requested→refunded
            intent refund INV1 seen r5
            intent refund INV2 seen r6
            mark_paid INV1 20.00 act
            mark_paid INV2 20.00 act";

    where_reads_carry_no_reference_the_id_of_our_own_answer_says_whose_it_is:
        captured_order("100.00").credit("INV1", "40.00", "3h").refund("r1", "40.00", "")
            .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1h")) => "
            mark_paid INV1 40.00 act";

    a_refund_that_was_visible_before_the_attempt_is_not_its_effect:
        captured_order("100.00").credit("INV1", "40.00", "3h").refund_at("r5", "40.00", "", "9m")
            .intended(&Ask::refund("INV1", "40.00").unknown("10m").seen_before(&["r5"])) => "
            intent refund INV1 absent
            break refund_unattributed r5 40.00
            look_again 5s";

    a_refund_made_long_before_the_attempt_is_not_its_effect:
        asked().refund_at("r5", "40.00", "", "13m") => "
            intent refund INV1 absent
            break refund_unattributed r5 40.00
            look_again 5s";

    where_reads_do_carry_references_a_refund_without_one_is_somebodys_hand:
        asked().credit("INV2", "10.00", "4h").refund("r2", "10.00", "INV2").refund_at("r5", "40.00", "", "9m") => "
            credit INV2 pending→refunded
            intent refund INV1 absent
            mark_paid INV2 10.00 act
            break refund_unattributed r5 40.00
            look_again 5s";

    where_reads_carry_neither_reference_nor_id_our_confirmed_refund_is_not_a_second_one:
        captured_order("100.00").credit("INV1", "40.00", "3h").refund("nameless:a", "40.00", "")
            .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1h")) => "
            mark_paid INV1 40.00 act";

    where_reads_carry_neither_reference_nor_id_a_second_refund_of_the_amount_is_a_foreign_one:
        captured_order("100.00").credit("INV1", "40.00", "3h")
            .refund_at("nameless:a", "40.00", "", "1h").refund_at("nameless:b", "40.00", "", "50m")
            .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1h")) => "
            mark_paid INV1 40.00 act
            break refund_unattributed nameless:b 40.00";

    of_two_requests_under_one_reference_the_refund_belongs_to_the_one_over_its_amount:
        captured_order("100.00").credit("INV1", "30.00", "3h").refund("r1", "30.00", "INV1")
            .intended(&Ask::refund("INV1", "40.00").withdrawn()).intended(&Ask::refund("INV1", "30.00").generation(1).unknown("2h")) => "
            credit INV1 refund_requested→refunded
            intent refund INV1 seen r1
            mark_paid INV1 30.00 act";

    where_reads_carry_neither_reference_nor_id_what_klarna_confirmed_comes_before_what_is_unknown:
        captured_order("100.00").credit("INV1", "20.00", "3h").credit("INV2", "20.00", "3h").refund_at("nameless:a", "20.00", "", "9m")
            .intended(&Ask::refund("INV1", "20.00").unknown("10m")).intended(&Ask::refund("INV2", "20.00").confirmed("r2", "10m")) => "
            intent refund INV1 absent
            mark_paid INV2 20.00 act
            look_again 5s";

    a_lost_refund_is_not_sent_again_while_a_refund_by_hand_is_unexplained:
        captured_order("100.00").credit("INV1", "40.00", "3h").refund_at("r5", "25.00", "", "9m")
            .intended(&Ask::refund("INV1", "40.00").unknown("10m").absent("5m")) => "
            intent refund INV1 absent
            refund INV1 40.00 hold unattributed again
            break refund_unattributed r5 25.00";

    under_verify_a_cent_is_no_difference_once_nothing_is_equal:
        verified(portal("39.99")) => "
            credit INV1 pending→refunded
            mark_paid INV1 40.00 act";

    what_klarna_counts_and_does_not_list_can_be_adopted:
        captured_order("100.00").credit("INV1", "25.00", "2h").klarna_says(|klarna| klarna.refunded = eur("25.00"))
            .parted("nameless:unlisted:2500", &[("INV1", "25.00")]) => "
            credit INV1 pending→refunded
            mark_paid INV1 25.00 act";

    // One refund for several credit invoices, several for one, and what that leaves.
    what_an_adoption_leaves_of_a_refund_holds_every_other_refund_of_the_order:
        two_credits().refund("r9", "55.00", "").adopted("r9", Attribution::CreditInvoice(InvoiceId(1))) => "
            credit INV1 pending→refunded
            credit INV2 pending→held
            refund INV2 30.00 hold unattributed
            mark_paid INV1 25.00 act
            break refund_unattributed r9 30.00";

    a_part_leaves_the_rest_of_its_refund_unexplained:
        two_credits().refund("r9", "55.00", "").parted("r9", &[("INV1", "25.00")]) => "
            credit INV1 pending→refunded
            credit INV2 pending→held
            refund INV2 30.00 hold unattributed
            mark_paid INV1 25.00 act
            break refund_unattributed r9 30.00";

    one_refund_in_two_parts_settles_two_credit_invoices:
        two_credits().refund("r9", "55.00", "").parted("r9", &[("INV1", "25.00"), ("INV2", "30.00")]) => "
            credit INV1 pending→refunded
            credit INV2 pending→refunded
            mark_paid INV1 25.00 act
            mark_paid INV2 30.00 act";

    the_second_of_two_credit_invoices_of_one_refund_stays_proven:
        two_credits().refund("r9", "55.00", "").parted("r9", &[("INV1", "25.00"), ("INV2", "30.00")])
            .marked_paid("INV1", "1m").credit_known_as("INV1", "25.00", CreditInvoice::Paid(proof("r9")))
            .credit_known_as("INV2", "30.00", CreditInvoice::Refunded(proof("r9"))) => "
            mark_paid INV2 30.00 act";

    what_a_human_ruled_out_of_a_refund_stops_nothing:
        two_credits().refund("r9", "55.00", "").parted("r9", &[("INV1", "25.00"), ("nothing", "30.00")]) => "
            credit INV1 pending→refunded
            refund INV2 30.00 act
            mark_paid INV1 25.00 act";

    a_cent_that_parts_leave_is_no_surplus:
        two_credits().refund("r9", "25.01", "").parted("r9", &[("INV1", "25.00")]) => "
            credit INV1 pending→refunded
            refund INV2 30.00 act
            mark_paid INV1 25.00 act";

    the_rest_of_a_partly_covered_credit_invoice_is_one_refund_of_ours:
        partly_covered() => "refund INV1:rest 5.00 act";

    what_was_settled_and_asks_for_more_now_has_a_rest_too:
        partly_covered().credit_known_as("INV1", "20.00", CreditInvoice::Refunded(proof("r9"))) => "
            refund INV1:rest 5.00 act";

    a_part_that_a_read_hides_is_not_refunded_again_with_the_whole:
        captured_order("100.00").credit("INV1", "25.00", "2h").parted("r9", &[("INV1", "20.00")]).missed("r9", "30m") => "
            break effect_vanished r9";

    a_rest_of_what_was_concluded_otherwise_is_for_a_human:
        partly_covered().credit_known_as("INV1", "0.00", CreditInvoice::Cancelled) => "
            break credit_changed INV1 5.00";

    the_rest_waits_for_its_patience_like_a_whole:
        captured_order("100.00").credit("INV1", "25.00", "59m").refund("r9", "20.00", "").parted("r9", &[("INV1", "20.00")]) => "
            look_again 1m";

    the_rest_is_not_sent_while_the_whole_is_under_way:
        partly_covered().intended(&Ask::refund("INV1", "25.00").sending("1m")) => "";

    the_rest_is_not_sent_once_the_whole_was_confirmed:
        partly_covered().intended(&Ask::refund("INV1", "25.00").confirmed("r1", "1m")) => "
            break refund_exceeds_credit INV1 20.00
            differs effect_vanished r1 25.00 in 30m
            look_again 30m";

    the_rest_is_asked_for_once:
        partly_covered().intended(&Ask::refund("INV1:rest", "5.00").unknown("2s")) => "
            intent refund INV1:rest absent
            look_again 5s";

    a_lost_rest_is_asked_for_again_under_its_own_key:
        partly_covered().intended(&Ask::refund("INV1:rest", "5.00").unknown("10m").absent("5m")) => "
            intent refund INV1:rest absent
            refund INV1:rest 5.00 act again";

    part_and_rest_settle_the_credit_invoice:
        partly_covered().refund("r10", "5.00", "INV1:rest").intended(&Ask::refund("INV1:rest", "5.00").confirmed("r10", "1h")) => "
            mark_paid INV1 25.00 act";

    a_rest_that_a_lost_store_made_is_found_by_its_name:
        partly_covered().refund("r10", "5.00", "INV1:rest") => "
            credit INV1 pending→refunded
            mark_paid INV1 25.00 act";

    a_whole_is_never_sent_beside_a_rest_whose_adoption_was_taken_back:
        partly_covered().intended(&Ask::refund("INV1:rest", "5.00").confirmed("r10", "2s")).adopted("r9", Attribution::RuledOut) => "
            differs effect_vanished r10 5.00 in 30m
            look_again 30m";

    a_rest_under_verify_is_missing:
        verified(partly_covered()) => "break refund_missing INV1 5.00";

    a_credit_invoice_marked_paid_although_a_rest_is_missing_is_said:
        partly_covered().marked_paid("INV1", "1h") => "
            credit INV1 pending→paid_by_hand
            break paid_without_refund INV1 5.00";

    a_refund_under_a_credit_invoices_name_that_is_larger_holds_the_others:
        two_credits().refund("r9", "40.00", "INV1") => "
            credit INV1 pending→held
            credit INV2 pending→held
            refund INV2 30.00 hold unattributed
            break refund_amount_differs INV1 15.00";

    two_refunds_of_one_credit_invoice_hold_the_others:
        two_credits().refund("r8", "25.00", "INV1").refund("r9", "25.00", "").parted("r9", &[("INV1", "25.00")]) => "
            credit INV1 pending→held
            credit INV2 pending→held
            refund INV2 30.00 hold unattributed
            break refund_exceeds_credit INV1 25.00";

    our_own_refund_in_a_humans_parts_is_not_a_second_one:
        captured_order("100.00").credit("INV1", "25.00", "3h").credit("INV2", "50.00", "2h").refund("r1", "40.00", "INV1")
            .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1h")).parted("r1", &[("INV1", "25.00"), ("INV2", "15.00")])
            .credit_known_as("INV1", "25.00", CreditInvoice::Held) => "
            credit INV1 held→refunded
            refund INV2:rest 35.00 act
            mark_paid INV1 25.00 act";

    what_a_human_found_of_a_lost_request_settles_it:
        captured_order("100.00").credit("INV1", "40.00", "30h").refund_at("r5", "40.00", "", "24h").refund("r2", "10.00", "INV7")
            .credit("INV7", "10.00", "30h").marked_paid("INV7", "1h").credit_known_as("INV7", "10.00", CreditInvoice::Paid(proof("r2")))
            .intended(&Ask::refund("INV1", "40.00").unknown("24h")).parted("r5", &[("INV1", "40.00")]) => "
            credit INV1 refund_requested→refunded
            intent refund INV1 seen r5
            mark_paid INV1 40.00 act";

    // An answer gave the id of a refund that is another request's.
    a_refund_is_the_one_of_the_request_whose_name_it_bears:
        two_credits().refund("r2", "30.00", "INV2").intended(&Ask::refund("INV1", "25.00").confirmed("r2", "1m"))
            .credit_known_as("INV1", "25.00", CreditInvoice::Refunded(proof("r2")))
            .intended(&Ask::refund("INV2", "30.00").unknown("1m")) => "
            credit INV2 refund_requested→refunded
            intent refund INV2 seen r2
            mark_paid INV2 30.00 act
            break refund_missing INV1 25.00
            differs effect_vanished r2 25.00 in 30m
            look_again 30m";

    what_is_known_by_an_answer_alone_waits_while_another_answer_is_open:
        two_credits().intended(&Ask::refund("INV1", "25.00").confirmed("r1", "2s"))
            .credit_known_as("INV1", "25.00", CreditInvoice::Refunded(proof("r1")))
            .intended(&Ask::refund("INV2", "30.00").unknown("2s")) => "
            intent refund INV2 absent
            differs effect_vanished r1 25.00 in 30m
            look_again 5s";

    and_does_not_wait_where_none_is:
        captured_order("100.00").credit("INV1", "25.00", "3h").intended(&Ask::refund("INV1", "25.00").confirmed("r1", "2s"))
            .credit_known_as("INV1", "25.00", CreditInvoice::Refunded(proof("r1"))) => "
            mark_paid INV1 25.00 act
            differs effect_vanished r1 25.00 in 30m
            look_again 30m";

    the_rest_of_what_a_human_had_called_paid_is_asked_for_once_that_is_taken_back:
        partly_covered().credit_known_as("INV1", "25.00", CreditInvoice::PaidByHand) => "
            credit INV1 paid_by_hand→pending
            refund INV1:rest 5.00 act";

    what_a_part_settled_and_asks_for_more_since_is_said:
        captured_order("100.00").credit("INV1", "25.00", "3h").refund("r9", "20.00", "").parted("r9", &[("INV1", "20.00")])
            .marked_paid("INV1", "1h").credit_known_as("INV1", "20.00", CreditInvoice::Paid(proof("r9"))) => "
            break refund_amount_differs INV1 -5.00";

    a_refund_of_ours_that_a_human_ruled_out_settles_nothing_and_is_said:
        captured_order("100.00").credit("INV1", "40.00", "3h").refund("r1", "40.00", "INV1")
            .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1h"))
            .credit_known_as("INV1", "40.00", CreditInvoice::Refunded(proof("r1"))).adopted("r1", Attribution::RuledOut) => "
            break refund_missing INV1 40.00";

    an_answer_proves_nothing_beside_a_refund_of_which_neither_an_answer_nor_a_read_said_the_id:
        beside_a_nameless_one(captured_order("100.00")) => "
            credit INV2 refunded→paid
            differs effect_vanished r1 40.00 in 30m
            look_again 30m";

    once_a_read_shows_it_it_is_proven:
        beside_a_nameless_one(captured_order("100.00")).refund("nameless:b", "40.00", "INV1") => "
            credit INV2 refunded→paid
            mark_paid INV1 40.00 act";

    nor_is_a_cancelled_order_over_before_a_read_shows_it:
        beside_a_nameless_one(cancelled_order("100.00").captured("70.00", "48h").known_as(Order::RefundRequested)) => "
            credit INV2 refunded→paid
            release ORD1:release 30.00 act
            differs effect_vanished r1 40.00 in 30m
            look_again 30m";

    beside_one_whose_id_an_answer_said_it_is_believed_before_a_read_shows_it:
        captured_order("100.00").credit("INV1", "40.00", "3h").credit("INV2", "30.00", "3h").marked_paid("INV2", "1m")
            .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1m"))
            .intended(&Ask::refund("INV2", "30.00").confirmed("r2", "2m")).refund("nameless:a", "30.00", "INV2") => "
            credit INV2 refunded→paid
            mark_paid INV1 40.00 act
            differs effect_vanished r1 40.00 in 30m
            look_again 30m";
}
