//! What a human may give a refund to: which refunds there are, and what of each credit invoice nothing else covers.

use reconciled_core::attribution::{attribute, open_in, open_without, refunds_of, seen};
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::id::RefundId;

use crate::common::{Ask, Scene, captured_order, eur};

/// Three credit invoices, the last of which the shop lists no more; the second was refunded by us.
fn three_credits() -> Scene {
    captured_order("100.00")
        .credit("INV1", "40.00", "3h")
        .credit("INV2", "30.00", "3h")
        .refund("r2", "30.00", "INV2")
        .credit_known_as("INV3", "20.00", CreditInvoice::Held)
}

fn id(refund: &str) -> RefundId {
    RefundId(refund.to_owned())
}

/// Each credit invoice with what is left of it for the refund `but`.
fn left_for(but: &str, scene: &Scene) -> Vec<String> {
    let open = open_without(&id(but), &scene.ledger, &scene.facts.shop, scene.klarna());
    open.into_iter().map(|it| format!("{} {}", it.number, it.amount.get())).collect()
}

#[test]
fn a_refund_may_be_given_to_what_no_other_covers() {
    let scene = three_credits().refund("r9", "40.00", "").parted("r9", &[("INV1", "40.00")]);
    assert_eq!(left_for("r9", &scene), ["INV1 4000", "INV2 0", "INV3 2000"]);
    assert_eq!(left_for("r2", &scene), ["INV1 0", "INV2 3000", "INV3 2000"]);
}

#[test]
fn a_refund_of_ours_that_no_read_shows_covers_its_own_unless_it_is_the_one_that_is_given() {
    let scene = three_credits().intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1h"));
    assert_eq!(left_for("r9", &scene), ["INV1 0", "INV2 0", "INV3 2000"]);
    assert_eq!(left_for("r1", &scene), ["INV1 4000", "INV2 0", "INV3 2000"]);
    let found = attribute(&scene.ledger, &scene.facts.shop, scene.klarna(), &scene.policy, false);
    let open = open_in(&found, &scene.ledger, &scene.facts.shop, None);
    assert_eq!(open.iter().map(|it| it.amount.get()).collect::<Vec<_>>(), [0, 0, 2000]);
}

#[test]
fn money_that_klarna_counts_and_does_not_list_is_a_refund_that_a_human_may_explain() {
    let scene = three_credits().klarna_says(|klarna| klarna.refunded = klarna.refunded.plus(eur("5.00")));
    let all = refunds_of(&scene.ledger, &scene.facts.shop, scene.klarna());
    assert_eq!(all.iter().map(|refund| refund.amount.get()).collect::<Vec<_>>(), [3000, 500]);
}

#[test]
fn a_refund_of_ours_is_seen_by_its_id() {
    let ask = Ask::refund("INV2", "30.00").confirmed("r2", "1h");
    let scene = three_credits().intended(&ask);
    let intent = scene.ledger.intents.last().expect("what was intended").id;
    let all = seen(&scene.ledger, &scene.facts.shop, scene.klarna());
    assert_eq!(all.into_iter().collect::<Vec<_>>(), [(intent, id("r2"))]);
}

cases! {
    a_lost_request_is_not_seen_in_a_refund_of_which_a_human_gave_it_a_part:
        captured_order("100.00").credit("INV1", "20.00", "3h").intended(&Ask::refund("INV1", "20.00").unknown("10m"))
            .refund_at("r9", "40.00", "", "5m").parted("r9", &[("INV1", "20.00"), ("nothing", "20.00")]) => "
            credit INV1 refund_requested→refunded
            intent refund INV1 absent
            mark_paid INV1 20.00 act
            differs refund_unconfirmed INV1 20.00 in 20m
            look_again 5s";

    nor_in_one_of_its_amount_of_which_it_was_given_less:
        captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00").unknown("10m"))
            .refund_at("r9", "40.00", "", "5m").parted("r9", &[("INV1", "20.00"), ("nothing", "20.00")]) => "
            intent refund INV1 absent
            differs refund_unconfirmed INV1 40.00 in 20m
            look_again 5s";
}
