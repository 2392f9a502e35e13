//! A second actor: the vendor's app refunds, captures and cancels by itself, without a key and without a reference.

use std::thread;

use reconciled_sandbox::{KlarnaStart, World};
use serde_json::json;

use crate::support::{DRIVE, DRIVE_PATIENTLY, Placed, Rig, wait_until};

const MINUTE: i64 = 60_000;

/// A shop with the vendor's app, which acts so many minutes after it sees something.
fn rig(policy: &str, minutes: i64) -> Rig {
    let rig = Rig::empty(policy);
    rig.with(|world: &mut World| {
        world.switches_mut().vendor_refunds = true;
        world.switches_mut().vendor_captures = true;
        world.switches_mut().vendor_cancels = true;
    });
    rig.switch("vendor.delay_ms", &(minutes * MINUTE).to_string());
    rig
}

#[test]
fn what_the_vendors_app_refunds_within_the_hour_is_not_refunded_again() {
    let rig = rig("act = true\ngrace = \"0 seconds\"", 20);
    let order = rig.order(5_035, KlarnaStart::Captured, true);
    rig.credit_aged(&order, 4_495, 600);
    // Ten minutes old: we wait. Then the vendor's app acts, and later the hour is over.
    rig.pass();
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 0);
    rig.with(|world| world.advance_clock(25 * MINUTE));
    let klarna = rig.pair(&order).klarna;
    assert_eq!((klarna.refunded_amount, klarna.refunds.len()), (4_495, 1), "the vendor's app acted");
    for _ in 0..3 {
        rig.pass();
        rig.with(|world| world.advance_clock(60 * MINUTE));
    }
    let klarna = rig.pair(&order).klarna;
    assert_eq!((klarna.refunded_amount, klarna.refunds.len()), (4_495, 1));
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
}

#[test]
fn a_refund_without_a_reference_stops_ours_whatever_its_amount() {
    let rig = Rig::empty("act = true\nrefund_after = \"0 seconds\"\ngrace = \"0 seconds\"");
    for amount in [4_495, 1_000, 5_000] {
        let (order, _) = rig.returned(5_035, 4_495);
        rig.with(|world| world.portal_refund(order.klarna.unwrap(), Some(amount), None)).unwrap();
    }
    let pass = rig.pass();
    pass.ended(1);
    assert_eq!(rig.writes(), vec![]);
    for order in ["ORD00001", "ORD00002", "ORD00003"] {
        assert!(pass.breaks_of(order).contains(&"refund_unattributed".to_owned()), "{:#}", pass.json);
    }
}

#[test]
fn with_adopt_exact_only_the_exact_refund_of_the_only_credit_is_adopted() {
    let rig = Rig::empty("act = true\nadopt_exact = true\nrefund_after = \"0 seconds\"\ngrace = \"0 seconds\"");
    let (exact, credit) = rig.returned(5_035, 4_495);
    let (other, _) = rig.returned(5_035, 4_495);
    let (two, _) = rig.returned(5_035, 1_000);
    rig.credit(&two, 1_000);
    for (order, amount) in [(&exact, 4_495), (&other, 4_493), (&two, 1_000)] {
        rig.with(|world| world.portal_refund(order.klarna.unwrap(), Some(amount), None)).unwrap();
    }
    let pass = rig.pass();
    assert_eq!(pass.breaks_of(&exact.number), [""; 0]);
    assert_eq!(rig.invoice_status(&credit), "paid");
    assert_eq!(pass.breaks_of(&other.number), ["refund_unattributed"], "{:#}", pass.json);
    assert_eq!(pass.breaks_of(&two.number), ["refund_unattributed"], "{:#}", pass.json);
    let refunds = |order: &Placed| rig.pair(order).klarna.refunds.len();
    assert_eq!((refunds(&exact), refunds(&other), refunds(&two)), (1, 1, 1));
}

#[test]
fn verify_marks_paid_only_what_the_vendors_app_has_proven() {
    let policy = "act = true\nrefunds = \"verify\"\ncancels = \"verify\"\ngrace = \"0 seconds\"";
    let rig = rig(policy, 5);
    rig.switch("vendor.marks_paid", "false");
    let done = rig.order(5_035, KlarnaStart::Captured, true);
    let proven = rig.credit_aged(&done, 4_495, 60);
    rig.with(|world| world.advance_clock(6 * MINUTE));
    // This one the vendor's app never sees; it is old enough by both clocks.
    rig.switch("vendor.refunds", "false");
    let open = rig.order(5_035, KlarnaStart::Captured, true);
    let unproven = rig.credit_aged(&open, 2_000, 1_200);
    let pass = rig.pass();
    assert_eq!(rig.invoice_status(&proven), "paid", "{:#}", pass.json);
    assert_eq!(rig.invoice_status(&unproven), "not_paid");
    assert_eq!(pass.breaks_of(&open.number), ["refund_missing"], "{:#}", pass.json);
    assert_eq!(pass.breaks_of(&done.number), [""; 0], "{:#}", pass.json);
    assert!(rig.writes().iter().all(|it| it.method == "PUT"), "{:#?}", rig.writes());
    rig.money_is_safe();
}

/// Everything back, once: cancelled orders with credit invoices of their own, at every moment of their life.
#[test]
fn a_cancelled_order_with_credit_invoices_goes_back_whole_and_once() {
    thread::scope(|scope| {
        for (shop_credits, cancelled_first) in [(true, true), (true, false), (false, true), (false, false)] {
            scope.spawn(move || goes_back(shop_credits, cancelled_first));
        }
    });
}

fn goes_back(shop_credits: bool, cancelled_first: bool) {
    let rig = Rig::empty(DRIVE_PATIENTLY);
    rig.with(|world| world.switches_mut().lightspeed_cancel_makes_credit_notes = shop_credits);
    let mut orders = Vec::new();
    for credits in [&[][..], &[1_000], &[1_000, 500], &[5_035]] {
        for start in [KlarnaStart::Captured, KlarnaStart::PartCaptured(2_000), KlarnaStart::Authorized] {
            let order = rig.order(5_035, start, false);
            for amount in credits {
                rig.credit(&order, *amount);
            }
            orders.push((order, format!("{credits:?} {start:?} {shop_credits} {cancelled_first}")));
        }
    }
    if !cancelled_first {
        // The credits are refunded (where anything was captured) before the cancel comes.
        rig.pass();
        rig.money_is_safe();
    }
    for (order, _) in &orders {
        rig.cancel(order);
    }
    for _ in 0..3 {
        rig.pass();
        rig.money_is_safe();
    }
    for (order, what) in &orders {
        let klarna = rig.pair(order).klarna;
        assert_eq!(klarna.refunded_amount, klarna.captured_amount, "{what}: {klarna:#?}");
        assert_eq!(klarna.remaining_authorized_amount, 0, "{what}: {klarna:#?}");
    }
    rig.audit();
}

#[test]
fn a_capture_between_cancel_and_release_still_goes_back_whole() {
    let rig = Rig::empty(DRIVE_PATIENTLY);
    let order = rig.order(5_035, KlarnaStart::Authorized, false);
    rig.cancel(&order);
    // Somebody captures a part in the portal before our first look.
    rig.with(|world| world.portal_capture(order.klarna.unwrap(), Some(1_200), None)).unwrap();
    rig.passes_until_quiet(3);
    let klarna = rig.pair(&order).klarna;
    assert_eq!((klarna.refunded_amount, klarna.remaining_authorized_amount), (1_200, 0), "{klarna:#?}");
    rig.money_is_safe();
}

#[test]
fn a_cancelled_order_is_never_captured_whatever_comes_later() {
    let rig = Rig::empty(DRIVE_PATIENTLY);
    let order = rig.order(5_035, KlarnaStart::Authorized, true);
    rig.with(|world| world.set_fraud(order.klarna.unwrap(), reconciled_sandbox::Fraud::Pending)).unwrap();
    rig.cancel(&order);
    rig.pass();
    rig.with(|world| world.set_fraud(order.klarna.unwrap(), reconciled_sandbox::Fraud::Accepted)).unwrap_or_default();
    rig.control("act/set_field", &json!({"order": order.number, "field": "status", "json": "completed_shipped"}));
    rig.pass();
    rig.pass_with(&["--full"]);
    assert_eq!(rig.pair(&order).klarna.captured_amount, 0);
}

/// The shop credits a cancelled order whole, although only a part was captured: what is marked paid by us stays so.
#[test]
fn a_part_captured_cancel_that_was_settled_is_no_break_later() {
    let rig = Rig::empty(DRIVE);
    let order = rig.order(4_000, KlarnaStart::PartCaptured(2_000), false);
    rig.cancel(&order);
    // The mark must bear another second than the cancel, so that the shop lists it as a change.
    let cancelled = rig.with(|world| world.now().as_second());
    wait_until("another second", || rig.with(|world| world.now().as_second()) > cancelled);
    rig.pass();
    rig.everything_is_settled();
    for _ in 0..2 {
        let pass = rig.pass_with(&["--full"]);
        assert_eq!(pass.breaks_of(&order.number), [""; 0], "{:#}", pass.json["breaks"]);
    }
}
