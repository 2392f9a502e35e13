//! Answers that are certain: refusals, throttling, and credentials that are refused.

use std::thread;

use reconciled_sandbox::{BodyFormat, FaultKind, KlarnaStart, Side};

use crate::support::{DRIVE, Placed, Rig, text};

fn refusal(code: u16, error_code: &str) -> FaultKind {
    let message = "Not possible for this order".to_owned();
    FaultKind::Refusal { code, error_code: error_code.to_owned(), message }
}

#[test]
fn a_refused_refund_is_a_break_with_code_and_correlation_id() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_035, 4_495);
    rig.fault(Side::Klarna, "POST", "*/refunds", refusal(403, "REFUND_NOT_ALLOWED"), false);
    let pass = rig.pass();
    pass.ended(1);
    assert_eq!(pass.effects_of(&order.number), [("refund".to_owned(), "rejected".to_owned())]);
    assert_eq!(pass.breaks_of(&order.number), ["refund_rejected"]);
    let found = pass.the_break("refund_rejected");
    let message = text(&found["message"]);
    assert!(message.contains("REFUND_NOT_ALLOWED"), "{message}");
    let said = rig.run(&["show", &order.number, "--json"]).json().to_string();
    let correlation = said.split("correlation_id\":\"").nth(1).and_then(|it| it.split('"').next()).unwrap_or("");
    assert_eq!(correlation.len(), 36, "{said}");
    assert!(message.contains(correlation), "{message} does not name {correlation}");
    assert_eq!(found["credit_invoice"], credit.as_str());
    assert_eq!(found["amount_minor"], 4_495);
    // A refusal is not tried again by itself, and nothing is marked paid.
    rig.clear_log();
    let again = rig.pass();
    again.ended(1);
    assert_eq!(rig.writes(), vec![]);
    assert_eq!(again.breaks_of(&order.number), ["refund_rejected"]);
    assert_eq!(rig.invoice_status(&credit), "not_paid");
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 0);
    rig.audit();
}

#[test]
fn a_refused_cancel_and_a_refused_capture_are_breaks_of_their_kind() {
    let rig = Rig::empty(DRIVE);
    let cancelled = rig.order(5_000, KlarnaStart::Authorized, false);
    rig.cancel(&cancelled);
    let halfway = rig.order(5_000, KlarnaStart::PartCaptured(1_000), false);
    rig.cancel(&halfway);
    let shipped = rig.order(6_000, KlarnaStart::Authorized, true);
    rig.fault(Side::Klarna, "POST", "*/cancel", refusal(403, "CANCEL_NOT_ALLOWED"), false);
    rig.fault(Side::Klarna, "POST", "*/release-remaining-authorization", refusal(403, "NOT_ALLOWED"), false);
    rig.fault(Side::Klarna, "POST", "*/captures", refusal(403, "CAPTURE_NOT_ALLOWED"), false);
    let pass = rig.pass();
    pass.ended(1);
    assert!(pass.breaks_of(&cancelled.number).contains(&"cancel_rejected".to_owned()), "{:#}", pass.json);
    assert!(pass.breaks_of(&halfway.number).contains(&"cancel_rejected".to_owned()), "{:#}", pass.json);
    assert!(pass.breaks_of(&shipped.number).contains(&"capture_rejected".to_owned()), "{:#}", pass.json);
    for code in ["CANCEL_NOT_ALLOWED", "CAPTURE_NOT_ALLOWED"] {
        let named = pass.list("breaks").iter().any(|it| text(&it["message"]).contains(code));
        assert!(named, "{code}: {:#}", pass.json["breaks"]);
    }
    // The captured part of the half-way order went back all the same.
    assert_eq!(rig.pair(&halfway).klarna.refunded_amount, 1_000);
    rig.clear_log();
    rig.pass();
    assert_eq!(rig.writes(), vec![]);
}

#[test]
fn a_throttled_refund_is_sent_after_its_reset_and_only_once() {
    thread::scope(|scope| {
        for reset_seconds in [None, Some(2)] {
            scope.spawn(move || {
                let rig = Rig::empty(DRIVE);
                let (order, credit) = rig.returned(5_035, 4_495);
                let kind = FaultKind::RateLimited { reset_seconds };
                let fault = rig.fault(Side::Klarna, "POST", "*/refunds", kind, false);
                let first = rig.pass();
                assert_eq!(rig.fired(fault), 1);
                let outcome = &first.effects_of(&order.number)[0].1;
                assert!(["held", "confirmed"].contains(&outcome.as_str()), "{:#}", first.json);
                let held = first.list("effects").iter().any(|it| it["outcome"] == "held");
                assert!(!held || first.status == 1, "{:#}", first.json);
                for _ in 0..40 {
                    if rig.invoice_status(&credit) == "paid" {
                        break;
                    }
                    thread::sleep(std::time::Duration::from_millis(250));
                    rig.pass();
                }
                rig.everything_is_settled();
                rig.pass().ended(0);
                rig.audit();
            });
        }
    });
}

/// A refused credential says nothing about the order: the outcome is unknown, the account pauses, and when the
/// credential works again everything converges.
#[test]
fn a_refused_credential_at_a_write_pauses_the_account_and_is_settled_later() {
    thread::scope(|scope| {
        for code in [401, 403] {
            for after in [false, true] {
                scope.spawn(move || {
                    let rig = Rig::empty(DRIVE);
                    let first = rig.returned(5_035, 4_495).0;
                    for _ in 0..3 {
                        rig.returned(6_000, 2_000);
                    }
                    let kind = FaultKind::Status { code, format: BodyFormat::Html };
                    let path = format!("*/orders/{}/refunds", first.klarna.unwrap());
                    let fault = rig.fault(Side::Klarna, "POST", &path, kind, after);
                    let pass = rig.pass();
                    assert_eq!(rig.fired(fault), 1);
                    pass.ended(3);
                    rig.money_is_safe();
                    let last = rig.passes_until_quiet(4);
                    last.ended(0);
                    rig.everything_is_settled();
                    rig.audit();
                });
            }
        }
    });
}

#[test]
fn while_a_credential_is_refused_no_order_burns_an_attempt() {
    let rig = Rig::empty(DRIVE);
    for _ in 0..5 {
        rig.returned(5_000, 1_000);
    }
    let kind = FaultKind::Status { code: 401, format: BodyFormat::Html };
    rig.fault_always(Side::Klarna, "GET,POST,PATCH", "*", kind);
    for _ in 0..3 {
        let pass = rig.pass();
        pass.ended(3);
        assert_eq!(pass.json["complete"], false);
    }
    assert_eq!(rig.writes(), vec![], "nothing is sent to an account that refuses us");
    rig.clear_faults();
    rig.passes_until_quiet(4).ended(0);
    rig.everything_is_settled();
}

#[test]
fn a_refusal_while_marking_paid_leaves_the_proven_refund_alone() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_035, 4_495);
    let kind = FaultKind::Refusal { code: 400, error_code: "400".to_owned(), message: "no".to_owned() };
    let fault = rig.fault_always(Side::Lightspeed, "PUT", "*", kind);
    rig.pass().ended(3);
    assert!(rig.fired(fault) >= 1);
    let pass = rig.pass();
    assert_eq!(pass.breaks_of(&order.number), ["credit_not_marked_paid"], "{:#}", pass.json);
    let why = pass.list("effects").iter().find(|it| it["kind"] == "mark_paid").map(|it| text(&it["why"]));
    assert!(why.as_ref().is_some_and(|it| it.contains("400")), "the shop's answer is not told: {why:?}");
    assert_eq!(pass.credit(&credit)["state"], "refunded");
    rig.clear_faults();
    rig.pass().ended(0);
    assert_eq!(rig.pair(&order).klarna.refunds.len(), 1);
    assert_eq!(rig.invoice_status(&credit), "paid");
}

/// Charged an hour after it was authorized, and cancelled in the shop since; reads show it as it was, so many times.
fn cancelled_behind_stale_reads(stale: u32) -> (Rig, Placed) {
    let rig = Rig::empty(DRIVE);
    let order = rig.order(5_035, KlarnaStart::Authorized, false);
    let klarna = order.klarna.unwrap();
    rig.with(|world| world.portal_capture(klarna, None, None)).unwrap();
    rig.cancel(&order);
    for _ in 0..stale {
        rig.fault(Side::Klarna, "GET", "*", FaultKind::StaleRead { ms: 3_600_000 }, false);
    }
    (rig, order)
}

/// A capture won the race: the cancel is refused, the read after it shows why, and the refund settles the order.
#[test]
fn a_refused_cancel_that_is_not_due_any_more_does_not_outlive_its_pass() {
    for stale in [1, 2] {
        let (rig, order) = cancelled_behind_stale_reads(stale);
        let pass = rig.pass();
        pass.ended(0);
        let expected = [("cancel", "rejected"), ("mark_paid", "confirmed"), ("refund", "confirmed")];
        let expected = expected.map(|(kind, outcome)| (kind.to_owned(), outcome.to_owned()));
        assert_eq!(pass.effects_of(&order.number), expected, "{stale}: {:#}", pass.json);
        assert!(pass.breaks_of(&order.number).is_empty());
        let why = pass.list("effects").iter().find(|it| it["kind"] == "cancel").map(|it| text(&it["why"]));
        assert!(why.as_ref().is_some_and(|it| it.contains("not due any more")), "{why:?}");
        assert_eq!(rig.pair(&order).klarna.refunded_amount, 5_035);
        rig.everything_is_settled();
        rig.audit();
    }
}

/// One that stays due stays a break, and the pass does not wait for ever.
#[test]
fn a_refused_cancel_that_is_still_due_stays_a_break() {
    let rig = Rig::empty(DRIVE);
    let order = rig.order(5_035, KlarnaStart::Authorized, false);
    rig.cancel(&order);
    let refusal =
        FaultKind::Refusal { code: 403, error_code: "CANCEL_NOT_ALLOWED".to_owned(), message: "no".to_owned() };
    rig.fault_always(Side::Klarna, "POST", "*/cancel", refusal);
    let pass = rig.pass();
    pass.ended(1);
    assert_eq!(pass.breaks_of(&order.number), ["cancel_rejected"]);
    assert_eq!(rig.writes().len(), 1, "a refusal is not repeated");
}
