//! What is offered beside a difference: the adoption that fits, the amount that is left, a name for each of two with one
//! number.

use reconciled_core::attribution::cancel_reference;
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::finding::{Finding, Said};
use reconciled_core::id::{InvoiceNumber, OrderNumber};
use reconciled_core::ledger::Attribution;
use reconciled_core::policy::Mode;

use crate::common::{Ask, Scene, cancelled_order, captured_order, eur};

fn parts<const N: usize>(all: [(&str, &str); N]) -> Said {
    all.map(|(name, amount)| (name.to_owned(), eur(amount))).into()
}

/// What was said of the refund that nothing explains, and what is offered.
fn unexplained(scene: &Scene) -> Option<(Said, Said)> {
    scene.plan().discrepancies.into_iter().find_map(|found| {
        let Finding::Unattributed { said, offer, .. } = found.finding else { return None };
        Some((said, offer))
    })
}

#[test]
fn the_adoption_that_fits_is_offered() {
    let portal = |amount| captured_order("100.00").credit("INV1", "40.00", "3h").refund("r9", amount, "");
    let cancelled = |amount| {
        cancelled_order("100.00").captured("100.00", "48h").credit("INV1", "40.00", "3h").refund("r9", amount, "")
    };
    let settled =
        portal("40.00").credit("INV2", "40.00", "2h").credit_known_as("INV1", "40.00", CreditInvoice::Cancelled);
    let in_part = portal("50.00").parted("r9", &[("INV1", "40.00"), ("nothing", "5.00")]);
    let to_one = portal("50.00").adopted("r9", Attribution::CreditInvoice(reconciled_core::id::InvoiceId(1)));
    for (scene, said, offer) in [
        (portal("40.00"), parts([]), parts([("INV1", "40.00")])),
        (portal("30.00"), parts([]), parts([("INV1", "30.00")])),
        (settled, parts([]), parts([("INV2", "40.00")])),
        (cancelled("60.00"), parts([]), parts([("ORD1:cancel", "60.00")])),
        (cancelled("40.00"), parts([]), parts([("INV1", "40.00")])),
        (in_part, parts([("INV1", "40.00"), ("nothing", "5.00")]), parts([])),
        (to_one, parts([("INV1", "40.00")]), parts([])),
    ] {
        assert_eq!(unexplained(&scene), Some((said, offer)), "{scene:?}");
    }
    assert_eq!(cancel_reference(&OrderNumber("ORD1".to_owned())).as_str(), "ORD1:cancel");
}

#[test]
fn where_nobody_looks_at_refunds_they_withhold_what_a_cancel_owes() {
    let scene = |cancels, captured: Scene| {
        captured.refund("r9", "60.00", "").policy(|policy| (policy.refunds, policy.cancels) = (Mode::Off, cancels))
    };
    let cancelled = || cancelled_order("100.00").captured("100.00", "48h");
    assert!(unexplained(&scene(Mode::Drive, cancelled())).is_some());
    assert!(unexplained(&scene(Mode::Verify, cancelled())).is_none());
    assert!(unexplained(&scene(Mode::Drive, captured_order("100.00"))).is_none());
}

/// Under which words what went back for INV1 stands.
fn acceptable(scene: &Scene) -> Vec<(String, Said)> {
    let found = scene.plan().discrepancies.into_iter().find_map(|found| {
        let Finding::RefundDiffers { accept, .. } = found.finding else { return None };
        Some(accept)
    });
    found.expect("a refund that differs").into_iter().map(|(refund, said)| (refund.0, said)).collect()
}

#[test]
fn what_went_back_is_accepted_with_what_it_was_for() {
    let credit = || captured_order("100.00").credit("INV1", "40.00", "3h").marked_paid("INV1", "2h");
    let less = credit().refund("r1", "30.00", "INV1");
    let more = credit().refund("r1", "45.00", "INV1");
    let twice = credit().refund_at("r1", "40.00", "INV1", "2h").refund_at("r2", "40.00", "INV1", "1h");
    let small_last = credit().refund_at("r1", "40.00", "INV1", "2h").refund_at("r2", "10.00", "INV1", "1h");
    let parted = credit()
        .credit("INV2", "5.00", "3h")
        .marked_paid("INV2", "2h")
        .refund_at("r1", "40.00", "INV1", "2h")
        .refund_at("r2", "20.00", "", "1h")
        .parted("r2", &[("INV1", "10.00"), ("INV2", "5.00"), ("nothing", "5.00")]);
    for (scene, (refund, said)) in [
        (less, ("r1", parts([("INV1", "30.00")]))),
        (more, ("r1", parts([("INV1", "40.00"), ("nothing", "5.00")]))),
        (twice, ("r2", parts([("nothing", "40.00")]))),
        (small_last, ("r2", parts([("nothing", "10.00")]))),
        (parted, ("r2", parts([("INV2", "5.00"), ("nothing", "15.00")]))),
    ] {
        assert_eq!(acceptable(&scene), [(refund.to_owned(), said)], "{scene:?}");
    }
}

/// The amount that is offered instead of what INV9 asks for.
fn left(scene: &Scene) -> Option<String> {
    let plan = scene.plan();
    let found = plan.discrepancies.iter().find(|found| found.kind == BreakKind::CreditExceedsRefundable);
    let offer = found.expect("a credit invoice that asks for too much").finding.offers();
    offer.map(|(_, amount)| amount.get().to_string())
}

#[test]
fn what_is_left_is_offered_where_we_would_send_it() {
    let beyond = |captured, asks| captured_order(captured).credit("INV9", asks, "2h");
    let verified = beyond("100.00", "120.00").policy(|policy| policy.refunds = Mode::Verify);
    let nothing = beyond("100.00", "20.00").refund("r1", "100.00", "INV1").credit("INV1", "100.00", "3h");
    let in_part = beyond("100.00", "120.00").refund("r9", "10.00", "").parted("r9", &[("INV9", "10.00")]);
    let too_large = beyond("3000000.00", "4000000.00");
    let refused = beyond("100.00", "120.00").intended(&Ask::refund("INV9", "120.00").rejected("NO", "1h"));
    for (scene, expected) in [
        (beyond("100.00", "120.00"), Some("10000")),
        (verified, None),
        (nothing.marked_paid("INV1", "1h"), None),
        (in_part, None),
        (too_large, None),
    ] {
        assert_eq!(left(&scene).as_deref(), expected, "{scene:?}");
    }
    assert!(refused.plan().discrepancies.iter().all(|found| found.finding.offers().is_none()));
}

#[test]
fn two_credit_invoices_of_one_number_are_told_apart() {
    let missing = captured_order("100.00")
        .credit("INV1", "25.00", "3h")
        .credit("INV2", "30.00", "2h")
        .policy(|policy| policy.refunds = Mode::Verify);
    let subjects =
        |scene: &Scene| scene.plan().discrepancies.into_iter().map(|found| found.subject).collect::<Vec<_>>();
    assert_eq!(subjects(&missing), ["INV1", "INV2"]);
    let equal = missing.change_credit("INV2", |credit| credit.number = InvoiceNumber("INV1".to_owned()));
    assert_eq!(subjects(&equal), ["INV1", "INV1:2"]);
}

#[test]
fn less_than_a_credit_invoice_asks_for_is_offered_under_an_id_of_its_own() {
    let scene = captured_order("100.00").refund("r1", "80.00", "INV1").credit("INV1", "80.00", "3h");
    let scene = scene.marked_paid("INV1", "1h").credit("INV2", "35.00", "2h");
    let plan = scene.plan();
    let offers: Vec<_> = plan.discrepancies.iter().filter_map(|found| found.finding.offers()).collect();
    assert_eq!(offers, [(Ask::refund("INV2", "20.00").intent(&scene.target()).id, eur("20.00"))]);
}
