//! What was confirmed and is not shown any more: said after the grace, and never counted as given back.

use std::collections::BTreeMap;

use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::finding::Finding;
use reconciled_core::id::{CaptureId, InvoiceId, KlarnaOrderId, RefundId};
use reconciled_core::intent::Kind;
use reconciled_core::ledger::Attribution;
use reconciled_core::order::Order;

use crate::common::{Ask, NOW, Scene, captured_order, eur, in_time, long, order};

/// A credit invoice, refunded by us two days ago, marked paid and settled.
fn settled() -> Scene {
    captured_order("100.00")
        .credit("INV1", "40.00", "50h")
        .marked_paid("INV1", "48h")
        .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "48h"))
        .credit_known_as("INV1", "40.00", paid_by("r1"))
}

fn paid_by(refund: &str) -> CreditInvoice {
    CreditInvoice::Paid(Proof::Refund(RefundId(refund.to_owned())))
}

/// A refund by hand that a human adopted.
fn adopted() -> Scene {
    captured_order("100.00")
        .credit("INV1", "40.00", "50h")
        .marked_paid("INV1", "48h")
        .credit_known_as("INV1", "40.00", paid_by("r9"))
        .adopted("r9", Attribution::CreditInvoice(InvoiceId(1)))
}

fn shipped_and_captured_by_us() -> Scene {
    order("100.00")
        .shipped("50h")
        .known_as(Order::Paid)
        .intended(&Ask::new(Kind::Capture, "SHP1", "100.00").confirmed("c1", "48h"))
}

cases! {
    a_confirmed_refund_that_reads_show_is_quiet:
        settled().refund("r1", "40.00", "INV1") => "";

    a_confirmed_refund_that_reads_name_by_its_reference_alone_is_quiet:
        settled().refund("nameless:at:2026-02-27T12:00:00Z:4000:1", "40.00", "INV1") => "";

    a_confirmed_refund_that_reads_name_by_nothing_is_quiet:
        settled().refund_at("nameless:at:2026-02-27T12:00:00Z:4000:1", "40.00", "", "48h") => "";

    a_confirmed_refund_that_klarna_counts_and_does_not_list_is_a_break:
        settled().klarna_says(|klarna| klarna.refunded = eur("40.00")).missed("r1", "30m") => "
            break effect_vanished r1 40.00";

    a_confirmed_refund_that_is_gone_is_missed_for_a_grace:
        settled() => "
            differs effect_vanished r1 40.00 in 30m
            look_again 30m";

    a_confirmed_refund_that_is_gone_for_a_grace_is_a_break:
        settled().missed("r1", "30m") => "break effect_vanished r1 40.00";

    where_reads_carry_nothing_one_refund_stands_for_one_of_two:
        settled().credit("INV2", "40.00", "50h").marked_paid("INV2", "48h")
            .intended(&Ask::refund("INV2", "40.00").confirmed("r2", "48h")).credit_known_as("INV2", "40.00", paid_by("r2"))
            .refund_at("nameless:at:2026-02-27T12:00:00Z:4000:1", "40.00", "", "48h").missed("r2", "30m").missed("r1", "30m") => "
            break effect_vanished r2 40.00";

    another_refund_of_the_amount_does_not_stand_for_one_that_is_gone:
        settled().refund("r9", "40.00", "").missed("r1", "30m") => "
            break refund_unattributed r9 40.00
            break effect_vanished r1 40.00";

    what_is_gone_goes_on_counting_as_refunded:
        settled().missed("r1", "30m").credit("INV2", "70.00", "2h") => "
            credit INV2 pending→held
            break credit_exceeds_refundable INV2 70.00
            break effect_vanished r1 40.00";

    an_adopted_refund_that_is_gone_is_a_break:
        adopted().missed("r9", "30m") => "break effect_vanished r9 40.00";

    an_adopted_refund_that_reads_show_is_quiet:
        adopted().refund("r9", "40.00", "") => "";

    a_refund_that_was_ruled_out_is_not_watched:
        adopted().adopted("r9", Attribution::RuledOut).missed("r9", "30m") => "break paid_without_refund INV1 40.00";

    a_cancels_refund_that_is_gone_is_a_break:
        captured_order("100.00").cancelled("50h").known_as(Order::Cancelled)
            .intended(&Ask::refund("ORD1:cancel", "100.00").confirmed("r1", "48h")).missed("r1", "30m") => "
            break effect_vanished r1 100.00";

    a_confirmed_capture_that_is_gone_is_a_break:
        shipped_and_captured_by_us().missed("c1", "30m") => "
            break effect_vanished c1 100.00
            look_again 480h";

    a_confirmed_capture_that_klarna_counts_and_does_not_list_is_a_break:
        shipped_and_captured_by_us().captured_as("c1", "100.00", "48h", None).klarna_says(|klarna| klarna.captures.clear())
            .missed("c1", "30m") => "
            break effect_vanished c1 100.00";

    a_confirmed_capture_that_reads_name_by_its_amount_alone_is_quiet:
        shipped_and_captured_by_us().captured_as("nameless:at:2026-02-27T12:00:00Z:10000:1", "100.00", "48h", None) => "";

    a_capture_of_somebodys_that_is_shown_no_more_is_not_made_again:
        order("100.00").shipped("48h").known_as(Order::Paid).judged_under("k-1") => "
            capture SHP1 100.00 hold disagreement (a capture that was shown and is shown no more)
            break amount_differs captured before
            look_again 480h";

    nor_is_it_forgotten_beside_another_one_of_its_amount:
        { let mut scene = order("100.00").shipped("48h").captured_as("c2", "50.00", "2h", None).known_as(Order::PartlyPaid)
            .credit("INV1", "50.00", "50h").judged_under("k-1");
            scene.ledger.captures.insert(CaptureId("c1".into()), eur("50.00"));
            scene } => "
            release ORD1:release 50.00 hold disagreement (a capture that was shown and is shown no more)
            break amount_differs captured before
            look_again 480h";

    nor_is_it_forgotten_because_the_order_was_cancelled:
        order("100.00").cancelled("2h").known_as(Order::Paid).judged_under("k-1") => "
            cancel ORD1:cancel 100.00 hold disagreement (a capture that was shown and is shown no more)
            break amount_differs captured before";

    of_another_klarna_order_nothing_was_captured_before:
        order("100.00").shipped("48h").known_as(Order::Paid).judged_under("k-0") => "
            order paid→pending
            capture SHP1 100.00 act
            look_again 480h";

    a_refund_that_earlier_reads_leave_no_room_for_is_held_and_what_is_gone_is_said:
        { let mut scene = captured_order("100.00").credit("INV1", "40.00", "2h").judged_under("k-1");
            scene.ledger.most_refunded = eur("80.00");
            scene } => "
            credit INV1 pending→held
            refund INV1 40.00 hold disagreement (what Klarna showed as refunded and shows no more)
            break amount_differs refunded before 80.00";

    what_was_confirmed_and_never_shown_comes_on_top_of_what_earlier_reads_showed:
        { let mut scene = captured_order("100.00").credit("INV1", "40.00", "2h").judged_under("k-1")
            .intended(&Ask::new(Kind::Refund, "ORD1:cancel", "30.00").confirmed("r0", "1m"));
            scene.ledger.most_refunded = eur("60.00");
            scene } => "
            credit INV1 pending→held
            refund INV1 40.00 hold disagreement (what Klarna showed as refunded and shows no more)
            differs effect_vanished r0 30.00 in 30m
            break amount_differs refunded before 60.00
            look_again 30m";

    a_refund_that_earlier_reads_leave_room_for_is_sent:
        { let mut scene = captured_order("100.00").credit("INV1", "40.00", "2h").judged_under("k-1");
            scene.ledger.most_refunded = eur("60.00");
            scene } => "
            refund INV1 40.00 act";

    a_release_after_which_something_is_authorized_is_a_break:
        order("100.00").shipped("50h").captured("60.00", "50h").known_as(Order::Paid).total("60.00")
            .klarna_says(|klarna| klarna.order_amount = eur("60.00"))
            .intended(&Ask::new(Kind::Release, "ORD1:release", "40.00").confirmed("", "48h"))
            .missed_intent("30m") => "
            break cancel_not_released release 40.00
            look_again 480h";

    what_was_confirmed_on_another_klarna_order_is_not_looked_for_here:
        { let mut scene = settled(); scene.ledger.intents[0].target.klarna_order_id = KlarnaOrderId::new("k-0");
            scene.credit_known_as("INV1", "40.00", CreditInvoice::PaidByHand) } => "
            break klarna_order_mismatch earlier 40.00";

    a_capture_that_is_missing_among_others_holds_and_is_said:
        { let mut scene = order("100.00").shipped("48h").captured("40.00", "48h").known_as(Order::PartlyPaid).judged_under("k-1");
            scene.ledger.captures = BTreeMap::from([(CaptureId("c0".into()), eur("70.00"))]);
            scene } => "
            capture SHP1 60.00 hold disagreement (a capture that was shown and is shown no more)
            break amount_differs captured before
            look_again 480h";

    a_total_that_lags_behind_the_captures_listed_misses_none:
        { let mut scene = order("100.00").shipped("48h").captured_as("c0", "40.00", "48h", None).known_as(Order::PartlyPaid).judged_under("k-1")
            .klarna_says(|klarna| klarna.captured = eur("0.00"));
            scene.ledger.captures = BTreeMap::from([(CaptureId("c0".into()), eur("40.00"))]);
            scene } => "
            capture SHP1 60.00 hold disagreement (sums of Klarna's that contradict each other)
            break amount_differs captured 40.00
            look_again 480h";

    what_reads_leave_room_for_is_shared_by_the_refunds_of_a_plan:
        { let mut scene = captured_order("100.00").credit("INV1", "25.00", "3h").credit("INV2", "20.00", "2h").judged_under("k-1");
            scene.ledger.most_refunded = eur("60.00");
            scene } => "
            credit INV2 pending→held
            refund INV1 25.00 act
            refund INV2 20.00 hold disagreement (what Klarna showed as refunded and shows no more)
            break amount_differs refunded before 60.00";

    a_refund_that_goes_again_takes_no_room_twice:
        { let mut scene = captured_order("100.00").credit("INV1", "20.00", "3h").credit("INV2", "20.00", "2h").judged_under("k-1")
            .intended(&Ask::refund("INV1", "20.00").unknown("10m").absent("5m"));
            scene.ledger.most_refunded = eur("60.00");
            scene } => "
            intent refund INV1 absent
            refund INV1 20.00 act again
            refund INV2 20.00 act";

    nor_does_one_that_is_held:
        { let mut scene = captured_order("100.00").credit("INV1", "50.00", "3h").credit("INV2", "30.00", "2h").judged_under("k-1");
            scene.ledger.most_refunded = eur("60.00");
            scene } => "
            credit INV1 pending→held
            refund INV1 50.00 hold disagreement (what Klarna showed as refunded and shows no more)
            refund INV2 30.00 act
            break amount_differs refunded before 60.00";

    a_refund_of_ours_that_a_human_ruled_out_is_not_missed:
        settled().adopted("r1", Attribution::RuledOut).missed("r1", "30m") => "break paid_without_refund INV1 40.00";

    an_adopted_refund_that_is_gone_is_a_break_beside_others_of_ours:
        adopted().intended(&Ask::refund("INV2", "10.00").confirmed("r2", "48h")).credit("INV2", "10.00", "50h")
            .marked_paid("INV2", "48h").credit_known_as("INV2", "10.00", paid_by("r2")).refund("r2", "10.00", "INV2")
            .missed("r9", "30m") => "break effect_vanished r9 40.00";

    a_read_that_names_none_by_an_id_says_nothing_of_one_that_is_known_by_it:
        adopted().credit("INV2", "10.00", "50h").marked_paid("INV2", "48h").credit_known_as("INV2", "10.00", paid_by("x"))
            .refund("nameless:at:2026-02-27T12:00:00Z:1000:1", "10.00", "INV2").missed("r9", "30m") => "";

    a_capture_under_anothers_name_does_not_stand_for_ours:
        shipped_and_captured_by_us().captured_as("nameless:at:2026-02-27T12:00:00Z:10000:1", "100.00", "48h", Some("SHP9"))
            .missed("c1", "30m") => "break effect_vanished c1 100.00";

    a_capture_of_somebodys_is_missed_beside_one_of_ours:
        { let mut scene = order("100.00").shipped("48h").captured_as("c1", "30.00", "48h", Some("SHP1")).known_as(Order::PartlyPaid)
            .judged_under("k-1").intended(&Ask::new(Kind::Capture, "SHP1", "30.00").confirmed("c1", "48h"));
            scene.ledger.captures = BTreeMap::from([(CaptureId("c0".into()), eur("50.00"))]);
            scene } => "
            capture SHP1:2 70.00 hold disagreement (a capture that was shown and is shown no more)
            break amount_differs captured before
            look_again 480h";

    one_of_ours_that_is_hidden_is_not_somebodys:
        { let mut scene = order("100.00").shipped("48h").known_as(Order::PartlyPaid).judged_under("k-1")
            .intended(&Ask::new(Kind::Capture, "SHP1", "30.00").confirmed("c1", "48h"));
            scene.ledger.captures = BTreeMap::from([(CaptureId("c1".into()), eur("30.00"))]);
            scene } => "
            capture SHP1:2 70.00 act
            differs effect_vanished c1 30.00 in 30m
            look_again 30m";

    a_refund_of_ours_is_no_capture_of_ours:
        order("100.00").shipped("48h").known_as(Order::Paid).judged_under("k-1").credit("INV1", "40.00", "50h")
            .intended(&Ask::refund("INV1", "40.00").confirmed("r1", "48h")) => "
            capture SHP1 60.00 hold disagreement (a capture that was shown and is shown no more)
            mark_paid INV1 40.00 hold disagreement (a capture that was shown and is shown no more)
            break amount_differs captured before
            differs effect_vanished r1 40.00 in 30m
            look_again 30m";
}

/// Whether Klarna's total counts what its list lacks of what was confirmed.
fn is_counted(scene: &Scene) -> Vec<bool> {
    let plan = scene.plan();
    let counted = plan.discrepancies.iter().filter_map(|found| {
        let Finding::Vanished { is_counted, .. } = &found.finding else { return None };
        Some(*is_counted)
    });
    counted.collect()
}

#[test]
fn what_is_gone_from_a_list_may_be_counted_in_its_total() {
    let refund = Ask::refund("INV1", "40.00").confirmed("r1", "48h");
    let refunded = captured_order("100.00").credit("INV1", "40.00", "50h").marked_paid("INV1", "48h").intended(&refund);
    let counting = |amount| refunded.clone().klarna_says(|klarna| klarna.refunded = eur(amount));
    assert_eq!(is_counted(&counting("40.00")), [true]);
    assert_eq!(is_counted(&counting("39.99")), [false]);
    assert_eq!(is_counted(&refunded), [false]);
    let capture = Ask::new(Kind::Capture, "SHP1", "60.00").confirmed("c1", "48h");
    let captured = order("100.00").shipment("SHP1", "50h", &[]).known_as(Order::PartlyPaid).intended(&capture);
    let counting = |amount| captured.clone().klarna_says(|klarna| klarna.captured = eur(amount));
    assert_eq!(is_counted(&counting("60.00")), [true]);
    assert_eq!(is_counted(&counting("59.99")), [false]);
    assert_eq!(is_counted(&captured), [false]);
}

#[test]
fn what_reads_may_lag_behind_is_not_missed_at_once() {
    let due = |was_shown: bool| {
        let capture = Ask::new(Kind::Capture, "SHP1", "60.00").confirmed("c1", "2s");
        let mut scene = order("100.00").shipment("SHP1", "50h", &[]).known_as(Order::PartlyPaid).intended(&capture);
        if was_shown {
            scene.ledger.shown.insert(scene.ledger.intents[0].id);
        }
        let scene = scene.policy(|policy| policy.grace = long("1s")).missed("c1", "1s");
        let plan = scene.plan();
        let vanished = plan.discrepancies.iter().find(|found| found.kind == BreakKind::EffectVanished);
        vanished.expect("what is gone").due
    };
    assert_eq!(due(false), in_time("3s"));
    assert_eq!(due(true), NOW);
}
