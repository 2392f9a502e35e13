//! What a human gave up may have happened all the same: its money stays reserved until its key is old, or until reads
//! show it, and giving it up frees nothing that approving it would not.

use crate::common::{Ask, Scene, ago, cancelled_order, captured_order, eur};
use reconciled::core::consent::{Held, Refusal, may_be_named};
use reconciled::core::credit_invoice::CreditInvoice;
use reconciled::core::discrepancy::BreakKind;
use reconciled::core::intent::Kind;
use reconciled::core::order::Order;

/// Captured 100.00; the refund of INV1 over 40.00 left, its answer was lost, and a human gave it up. The shop has lowered
/// the credit invoice to 10.00 since, and has one of 90.00 beside it.
fn given_up(when: &'static str) -> Scene {
    captured_order("100.00")
        .credit("INV1", "10.00", "48h")
        .credit("INV2", "90.00", "2h")
        .intended(&Ask::refund("INV1", "40.00").abandoned(when))
}

/// The shop's answers have lacked INV1 for some minutes.
fn missing_for_long(mut scene: Scene) -> Scene {
    scene.ledger.differs_since.insert((BreakKind::CreditChanged, "missing:1".to_owned()), ago("5m"));
    scene
}

cases! {
    what_was_given_up_after_it_left_stays_reserved:
        given_up("22h 59m") => "
            credit INV2 pending→held
            break refund_missing INV1 10.00
            break credit_exceeds_refundable INV2 90.00
            look_again 1m";

    what_was_given_up_is_free_once_its_key_is_old:
        given_up("23h") => "
            refund INV2 90.00 act
            break refund_missing INV1 10.00";

    what_was_given_up_before_it_left_reserves_nothing:
        captured_order("100.00").credit("INV1", "10.00", "48h").credit("INV2", "90.00", "2h")
            .intended(&Ask::refund("INV1", "40.00").given_up()) => "
            refund INV2 90.00 act
            break refund_missing INV1 10.00";

    what_was_given_up_and_is_there_settles_its_credit_invoice:
        captured_order("100.00").credit("INV1", "40.00", "48h").credit("INV2", "60.00", "2h")
            .refund("r1", "40.00", "INV1")
            .intended(&Ask::refund("INV1", "40.00").abandoned("1h")) => "
            credit INV1 held→refunded
            refund INV2 60.00 act
            mark_paid INV1 40.00 act";

    a_cancel_leaves_out_what_may_have_gone_back:
        missing_for_long(cancelled_order("100.00").captured("100.00", "48h").known_as(Order::Paid)
            .intended(&Ask::refund("INV1", "40.00").abandoned("1h"))
            .credit_known_as("INV1", "40.00", CreditInvoice::Held)) => "
            order paid→refund_requested
            credit INV1 held→cancelled
            refund ORD1:cancel 60.00 act
            look_again 22h";

    a_capture_that_was_given_up_is_not_made_again_under_another_slip:
        crate::common::order("100.00").shipped("1h")
            .intended(&Ask::new(reconciled::core::intent::Kind::Capture, "SHP0", "100.00").abandoned("30m")) => "
            break shipped_not_captured 100.00
            look_again 22h 30m";
}

/// The amount that is named is the effect's, and is named wherever less is sent than was asked for.
#[test]
fn an_amount_is_named_as_it_is() {
    let held = |is_part| Some(Held { kind: Kind::Refund, amount: eur("33.32"), is_part });
    let (right, wrong) = (Some(eur("33.32")), Some(eur("33.34")));
    for (held, said, expected) in [
        (held(true), right, Ok(())),
        (held(true), wrong, Err(Refusal::OtherAmount)),
        (held(true), None, Err(Refusal::AmountUnsaid)),
        (held(false), right, Ok(())),
        (held(false), wrong, Err(Refusal::OtherAmount)),
        (held(false), None, Ok(())),
        (None, right, Err(Refusal::OtherAmount)),
        (None, None, Ok(())),
    ] {
        assert_eq!(may_be_named(held, said), expected, "{held:?} {said:?}");
    }
}
