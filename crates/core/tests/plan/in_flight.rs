//! Unknown is a state: what was asked and not answered is looked up, and repeated only when that is safe.

use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::id::RefundId;
use reconciled_core::intent::Kind;
use reconciled_core::ledger::Attribution;
use reconciled_core::order::Order;
use reconciled_core::policy::Mode;

use crate::common::{Ask, NOW, Scene, ago, cancelled_order, captured_order, in_time, order};

fn asked(ask: &Ask) -> Scene {
    captured_order("100.00").credit("INV1", "40.00", "48h").intended(ask)
}

fn refund() -> Ask {
    Ask::refund("INV1", "40.00")
}

fn capture() -> Ask {
    Ask::new(Kind::Capture, "SHP1", "100.00")
}

fn cancel() -> Ask {
    Ask::new(Kind::Cancel, "ORD1:cancel", "100.00")
}

fn paid() -> Scene {
    captured_order("100.00")
        .credit("INV1", "40.00", "3h")
        .refund("r1", "40.00", "INV1")
        .intended(&refund().confirmed("r1", "1h"))
}

cases! {
    a_payment_mark_is_not_asked_for_again_once_its_credit_invoice_is_judged_under_another_klarna_order:
        captured_order("100.00").credit("INV1", "25.00", "2h").credit_known_as("INV1", "25.00", CreditInvoice::Cancelled)
            .intended(&Ask::new(Kind::MarkPaid, "INV1", "25.00").unknown("8h").absent("7h")).judged_under("k-0") => "
            order paid→pending→paid
            credit INV1 cancelled→pending
            intent mark_paid INV1 absent
            refund INV1 25.00 act";

    nor_once_a_human_said_that_its_refund_was_for_nothing:
        captured_order("100.00").credit("INV1", "25.00", "9h").refund("r1", "25.00", "")
            .credit_known_as("INV1", "25.00", CreditInvoice::Refunded(Proof::Refund(RefundId("r1".to_owned()))))
            .intended(&Ask::new(Kind::MarkPaid, "INV1", "25.00").unknown("8h").absent("7h"))
            .adopted("r1", Attribution::RuledOut) => "
            intent mark_paid INV1 absent
            break refund_missing INV1 25.00";

    nor_once_a_human_said_that_a_part_of_its_refund_was_for_something_else:
        captured_order("100.00").credit("INV1", "25.00", "9h").refund("r1", "25.00", "")
            .credit_known_as("INV1", "25.00", CreditInvoice::Refunded(Proof::Refund(RefundId("r1".to_owned()))))
            .intended(&Ask::new(Kind::MarkPaid, "INV1", "25.00").unknown("8h").absent("7h"))
            .parted("r1", &[("INV1", "15.00"), ("nothing", "10.00")]) => "
            intent mark_paid INV1 absent
            refund INV1:rest 10.00 act";

    an_absence_that_a_clock_ahead_dated_is_no_absence:
        captured_order("100.00").credit("INV1", "40.00", "9h")
            .intended(&Ask::refund("INV1", "40.00").unknown("6h").absent("1m")).at(ago("2h")) => "
            intent refund INV1 absent
            look_again 5s";

    what_is_being_sent_is_left_alone:
        asked(&refund().sending("2s")) => "";

    what_is_seen_while_it_is_being_sent_proves_the_credit_invoice_and_leaves_the_intent_to_its_sender:
        asked(&refund().sending("2s")).refund("r1", "40.00", "INV1") => "
            credit INV1 refund_requested→refunded
            mark_paid INV1 40.00 act";

    a_lost_answer_that_a_read_explains_is_confirmed:
        asked(&refund().unknown("10m")).refund("r1", "40.00", "INV1") => "
            credit INV1 refund_requested→refunded
            intent refund INV1 seen r1
            mark_paid INV1 40.00 act";

    a_read_older_than_the_attempt_says_nothing:
        { let mut scene = asked(&refund().unknown("1s")); scene.facts.read_at = ago("2s"); scene } => "look_again 4s";

    an_attempt_that_lies_ahead_by_no_more_than_grace_is_waited_for:
        asked(&refund().unknown("-30m")) => "look_again 30m 5s";

    an_attempt_that_lies_further_ahead_was_dated_by_another_clock_and_is_for_a_human:
        asked(&refund().unknown("-30m 1s")) => "break refund_unconfirmed INV1 40.00";

    absent_once_is_not_absent:
        asked(&refund().unknown("10m")) => "
            intent refund INV1 absent
            look_again 5s";

    absent_twice_within_the_settle_delay_is_absent_once:
        asked(&refund().unknown("10m").absent("4s")) => "
            intent refund INV1 absent
            look_again 1s";

    absent_twice_the_settle_delay_apart_is_sent_again_under_the_same_key:
        asked(&refund().unknown("10m").absent("5s")) => "
            intent refund INV1 absent
            refund INV1 40.00 act again";

    an_absence_noted_before_the_last_attempt_does_not_count:
        asked(&refund().unknown("10m").attempts(1, "10m", "6s").absent("7s")) => "
            intent refund INV1 absent
            differs refund_unconfirmed INV1 40.00 in 29m 54s
            look_again 5s";

    an_absence_noted_at_the_very_moment_of_the_last_attempt_does_not_count:
        asked(&refund().unknown("10m").absent("10m")) => "
            intent refund INV1 absent
            look_again 5s";

    the_second_attempt_is_repeated_after_five_minutes:
        asked(&refund().unknown("1h").attempts(2, "1h", "4m 59s").absent("1m")) => "
            intent refund INV1 absent
            differs refund_unconfirmed INV1 40.00 in 25m 1s
            look_again 1s";

    the_second_attempt_is_repeated_at_five_minutes:
        asked(&refund().unknown("1h").attempts(2, "1h", "5m").absent("1m")) => "
            intent refund INV1 absent
            refund INV1 40.00 act again
            differs refund_unconfirmed INV1 40.00 in 25m
            look_again 25m";

    the_third_attempt_is_repeated_after_five_hours_and_told_until_then:
        asked(&refund().unknown("1h").attempts(3, "6h", "4h 59m").absent("1m")) => "
            intent refund INV1 absent
            break refund_unconfirmed INV1 40.00
            look_again 1m";

    a_capture_that_is_refused_again_and_again_is_told:
        order("100.00").shipped("7h").intended(&capture().unknown("6h").attempts(3, "6h", "1h").absent("50m")) => "
            intent capture SHP1 absent
            break capture_unconfirmed the intent 100.00
            look_again 4h";

    a_cancel_that_is_refused_again_and_again_is_told:
        cancelled_order("100.00").intended(&cancel().unknown("6h").attempts(3, "6h", "1h").absent("50m")) => "
            order pending→refund_requested
            intent cancel ORD1:cancel absent
            break cancel_not_released the intent 100.00
            look_again 4h";

    after_the_last_rung_a_human_decides:
        asked(&refund().unknown("1h").attempts(4, "20h", "10h").absent("9h")) => "
            intent refund INV1 absent
            break refund_unconfirmed INV1 40.00";

    a_second_before_the_key_is_unsafe_it_may_still_be_sent:
        asked(&refund().unknown("22h 59m 59s").absent("1h")) => "
            intent refund INV1 absent
            refund INV1 40.00 act again";

    when_the_key_is_unsafe_a_human_decides:
        asked(&refund().unknown("23h").absent("1h")) => "
            intent refund INV1 absent
            break refund_unconfirmed INV1 40.00";

    what_is_unknown_is_not_left_for_another:
        asked(&refund().unknown("2s")).credit("INV2", "70.00", "2h") => "
            credit INV2 pending→held
            intent refund INV1 absent
            break credit_exceeds_refundable INV2 70.00
            look_again 5s";

    a_throttled_refund_waits_for_its_time:
        asked(&refund().not_before(in_time("10m"))) => "
            refund INV1 40.00 hold for 10m again
            look_again 10m";

    a_throttled_refund_goes_at_its_time:
        asked(&refund().not_before(NOW)) => "refund INV1 40.00 act again";

    a_held_order_sends_nothing_again:
        asked(&refund().unknown("10m").absent("5m")).held_by_operator("phone call") => "
            order paid→held
            intent refund INV1 absent
            refund INV1 40.00 hold operator (phone call) again";

    what_somebody_else_refunds_from_now_on_is_not_sent_again:
        asked(&refund().unknown("10m").absent("5m")).policy(|policy| policy.refunds = Mode::Verify) => "
            intent refund INV1 absent
            differs refund_unconfirmed INV1 40.00 in 20m
            look_again 20m";

    the_rest_of_a_cancelled_order_is_refunded_beside_what_is_unknown:
        asked(&refund().unknown("2s")).cancelled("1h") => "
            order paid→refund_requested
            intent refund INV1 absent
            refund ORD1:cancel 60.00 act
            look_again 5s";

    a_lost_refund_that_no_longer_fits_is_not_sent_again:
        captured_order("100.00").credit("INV1", "90.00", "48h").credit("INV2", "20.00", "48h").refund("r2", "20.00", "INV2")
            .marked_paid("INV2", "1h").credit_known_as("INV2", "20.00", CreditInvoice::PaidByHand)
            .intended(&Ask::refund("INV1", "90.00").unknown("10m").absent("5m")) => "
            credit INV2 paid_by_hand→refunded→paid
            intent refund INV1 absent
            differs refund_unconfirmed INV1 90.00 in 20m
            look_again 20m";

    a_lost_refund_that_no_longer_fits_is_reported_after_grace:
        captured_order("100.00").credit("INV1", "90.00", "48h").credit("INV2", "20.00", "48h").refund("r2", "20.00", "INV2")
            .marked_paid("INV2", "1h").credit_known_as("INV2", "20.00", CreditInvoice::PaidByHand)
            .intended(&Ask::refund("INV1", "90.00").unknown("30m").absent("5m")) => "
            credit INV2 paid_by_hand→refunded→paid
            intent refund INV1 absent
            break refund_unconfirmed INV1 90.00";

    a_lost_refund_that_no_longer_fits_is_reported_while_its_next_attempt_would_wait:
        captured_order("100.00").credit("INV1", "90.00", "48h").credit("INV2", "20.00", "48h").refund("r2", "20.00", "INV2")
            .marked_paid("INV2", "1h").credit_known_as("INV2", "20.00", CreditInvoice::PaidByHand)
            .intended(&Ask::refund("INV1", "90.00").unknown("1h").attempts(3, "2h", "1h").absent("5m")) => "
            credit INV2 paid_by_hand→refunded→paid
            intent refund INV1 absent
            break refund_unconfirmed INV1 90.00
            look_again 4h";

    // The other effects.
    a_lost_capture_that_a_read_explains_is_confirmed:
        order("100.00").shipped("1h").captured_as("c1", "100.00", "9m", Some("SHP1")).intended(&capture().unknown("10m")) => "
            order pending→paid
            intent capture SHP1 seen c1";

    where_reads_carry_no_reference_a_capture_of_another_amount_is_not_ours:
        order("100.00").shipped("1h").captured("60.00", "9m").intended(&capture().unknown("10m")) => "
            order pending→partly_paid
            intent capture SHP1 absent
            look_again 5s";

    where_reads_carry_no_reference_a_capture_that_was_visible_before_is_not_ours:
        order("100.00").line(1, 2, "100.00").shipment("SHP1", "1h", &[(1, 2)]).captured("50.00", "9m").known_as(Order::PartlyPaid)
            .intended(&Ask::new(Kind::Capture, "SHP1", "50.00").unknown("10m").seen_before(&["c1"])) => "
            intent capture SHP1 absent
            look_again 5s";

    where_reads_carry_no_reference_a_capture_by_hand_is_not_what_we_only_planned:
        order("100.00").shipped("1h").captured("100.00", "9m").intended(&capture()) => "
            order pending→paid
            intent capture SHP1 withdrawn";

    where_reads_carry_no_reference_a_new_capture_of_the_amount_is_ours:
        order("100.00").shipped("1h").captured("100.00", "9m").intended(&capture().unknown("10m")) => "
            order pending→paid
            intent capture SHP1 seen c1";

    a_lost_capture_is_sent_again_when_it_is_surely_absent:
        order("100.00").shipped("1h").intended(&capture().unknown("10m").absent("5m")) => "
            intent capture SHP1 absent
            capture SHP1 100.00 act again
            look_again 480h";

    a_lost_capture_with_an_unsafe_key_is_for_a_human:
        order("100.00").shipped("30h").intended(&capture().unknown("24h").absent("5m")) => "
            intent capture SHP1 absent
            break capture_unconfirmed the intent 100.00
            look_again 480h";

    a_lost_capture_of_an_order_cancelled_since_is_never_sent_again:
        cancelled_order("100.00").shipped("1h").intended(&capture().unknown("10m").absent("5m")) => "
            order pending→refund_requested
            intent capture SHP1 absent
            cancel ORD1:cancel 100.00 act";

    a_planned_capture_of_an_order_cancelled_since_is_withdrawn:
        cancelled_order("100.00").shipped("1h").intended(&capture()) => "
            order pending→refund_requested
            intent capture SHP1 withdrawn
            cancel ORD1:cancel 100.00 act";

    a_confirmed_capture_that_reads_do_not_show_yet_is_not_asked_for_again:
        order("100.00").shipped("1h").intended(&capture().confirmed("c1", "2s")) => "
            differs effect_vanished c1 100.00 in 30m
            look_again 30m";

    a_capture_that_klarna_confirmed_after_the_read_was_started_moves_the_order:
        { let mut scene = order("100.00").shipped("1h").intended(&capture().confirmed("c1", "1s")); scene.facts.read_at = ago("2s"); scene } => "
            order pending→paid
            look_again 480h";

    a_capture_that_klarna_confirmed_before_the_read_is_the_reads_to_show:
        { let mut scene = order("100.00").shipped("1h").intended(&capture().confirmed("c1", "2s")); scene.facts.read_at = ago("2s"); scene } => "
            look_again 480h";

    a_lost_cancel_is_confirmed_by_klarnas_word:
        cancelled_order("100.00").cancelled_at_klarna().intended(&cancel().unknown("10m")) => "
            order pending→refund_requested→cancelled
            intent cancel ORD1:cancel seen";

    a_lost_cancel_is_sent_again_when_it_is_surely_absent:
        cancelled_order("100.00").known_as(Order::RefundRequested).intended(&cancel().unknown("10m").absent("5m")) => "
            intent cancel ORD1:cancel absent
            cancel ORD1:cancel 100.00 act again";

    a_lost_cancel_with_an_unsafe_key_is_for_a_human:
        cancelled_order("100.00").known_as(Order::RefundRequested).intended(&cancel().unknown("24h").absent("5m")) => "
            intent cancel ORD1:cancel absent
            break cancel_not_released the intent 100.00";

    a_lost_release_is_confirmed_when_nothing_is_authorized_any_more:
        cancelled_order("100.00").captured("60.00", "48h").released().refund("r1", "60.00", "ORD1:cancel")
            .known_as(Order::RefundRequested).intended(&Ask::new(Kind::Release, "ORD1:release", "40.00").unknown("10m")) => "
            order refund_requested→cancelled
            intent release ORD1:release seen";

    a_lost_release_is_looked_for_while_something_is_authorized:
        cancelled_order("100.00").captured("60.00", "48h").refund("r1", "60.00", "ORD1:cancel")
            .known_as(Order::RefundRequested).intended(&Ask::new(Kind::Release, "ORD1:release", "40.00").unknown("10m")) => "
            intent release ORD1:release absent
            look_again 5s";

    a_lost_release_is_sent_again_when_it_is_surely_absent:
        cancelled_order("100.00").captured("60.00", "48h").refund("r1", "60.00", "ORD1:cancel")
            .known_as(Order::RefundRequested).intended(&Ask::new(Kind::Release, "ORD1:release", "40.00").unknown("10m").absent("5m")) => "
            intent release ORD1:release absent
            release ORD1:release 40.00 act again";

    a_lost_remainder_of_a_cancelled_order_is_sent_again_when_it_is_surely_absent:
        cancelled_order("100.00").captured("100.00", "48h").known_as(Order::RefundRequested)
            .intended(&Ask::refund("ORD1:cancel", "100.00").unknown("10m").absent("5m")) => "
            intent refund ORD1:cancel absent
            refund ORD1:cancel 100.00 act again";

    a_lost_capture_of_a_lapsed_order_that_klarna_reopened_is_not_sent_again:
        order("100.00").shipped("1h").known_as(Order::Expired).intended(&capture().unknown("10m").absent("5m")) => "
            intent capture SHP1 absent
            break authorization_expired reopened 100.00
            look_again 480h";

    a_lost_payment_is_confirmed_when_the_shop_says_paid:
        paid().marked_paid("INV1", "9m").intended(&Ask::mark_paid("INV1", "40.00").unknown("10m")) => "
            credit INV1 refunded→paid
            intent mark_paid INV1 seen";

    a_lost_payment_is_tried_again_at_every_pass:
        paid().intended(&Ask::mark_paid("INV1", "40.00").unknown("10m").attempts(7, "10m", "1m")) => "
            intent mark_paid INV1 absent
            mark_paid INV1 40.00 act again
            differs credit_not_marked_paid INV1 40.00 in 20m
            look_again 20m";

    a_lost_payment_is_not_repeated_on_what_the_shop_said_before_it:
        paid().intended(&Ask::mark_paid("INV1", "40.00").unknown("10m")).shop_read("10m") => "
            differs credit_not_marked_paid INV1 40.00 in 20m
            look_again 20m";

    a_lost_payment_is_repeated_on_what_the_shop_said_after_it:
        paid().intended(&Ask::mark_paid("INV1", "40.00").unknown("10m")).shop_read("9m 59s") => "
            intent mark_paid INV1 absent
            mark_paid INV1 40.00 act again
            differs credit_not_marked_paid INV1 40.00 in 20m
            look_again 20m";

    what_the_shop_said_before_says_nothing_against_asking_klarna_again:
        asked(&refund().unknown("10m").absent("5s")).shop_read("48h") => "
            intent refund INV1 absent
            refund INV1 40.00 act again";

    a_lost_payment_that_keeps_failing_is_reported_after_grace:
        paid().intended(&Ask::mark_paid("INV1", "40.00").unknown("30m").attempts(7, "30m", "1m")) => "
            intent mark_paid INV1 absent
            mark_paid INV1 40.00 act again
            break credit_not_marked_paid INV1 40.00";

    a_mark_of_another_amount_is_not_made_again:
        captured_order("100.00").credit("INV1", "50.00", "3h").refund("r1", "40.00", "INV1")
            .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1h"))
            .intended(&Ask::mark_paid("INV1", "40.00").unknown("10m").absent("5m")) => "
            intent mark_paid INV1 absent
            break credit_changed INV1 -10.00";
}
