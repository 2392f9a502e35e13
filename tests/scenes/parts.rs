//! One refund may settle several credit invoices, and several one; sums that contradict themselves.

use reconciled_sandbox::{KlarnaStart, NewOrder};
use serde_json::json;

use crate::play::{Breaks, Outcome, Scene, Stage, agreed, all, held, money};
use crate::support::Placed;

use KlarnaStart::{Authorized, Captured};

const NOTE: [&str; 2] = ["--note", "refunded by phone"];

/// Two credit invoices, and one refund in the portal.
fn two_and_one(stage: &Stage, refund: i64) -> (Placed, [String; 2], String) {
    let order = stage.shipped(10_000, Captured);
    let credits = [stage.credit(&order, 2_500), stage.credit(&order, 3_000)];
    let refund = stage.refund_in_portal("A", refund);
    stage.pass();
    (order, credits, refund)
}

fn adopt(stage: &Stage, refund: &str, parts: &[String]) {
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    stage.command(&[&["adopt", refund], parts.as_slice(), &NOTE].concat());
}

/// A fact of Klarna's that says something else than its parts.
fn with_field(stage: &Stage, field: &str, value: i64) {
    let order = stage.shipped(1_000, Authorized);
    let id = stage.id("A");
    stage.rig.with(|world| {
        world.portal_capture(id, Some(500), None).unwrap();
        world.portal_capture(id, Some(500), None).unwrap();
    });
    stage.act("set_field", &json!({"klarna_order": id.to_string(), "field": field, "json": value}));
    stage.credit(&order, 250);
    stage.settle();
}

const HELD: &[Outcome] = &[held(&[money("A", 1_000, 0, 0)], &["not_paid"], Breaks::Some, &[])];

const SCENES: &[Scene] = &[
    Scene::new(
        "a portal refund for two credits is no surplus to send again",
        |stage| {
            two_and_one(stage, 5_500);
            stage.settle();
        },
        &[held(
            &[money("A", 10_000, 5_500, 0)],
            &["not_paid", "not_paid"],
            Breaks::Only(&["refund_unattributed"]),
            &[],
        )],
    ),
    Scene::new(
        "a portal refund for two credits, adopted in parts",
        |stage| {
            let (_, [one, two], refund) = two_and_one(stage, 5_500);
            adopt(stage, &refund, &[format!("{one}=25.00"), format!("{two}=30.00")]);
            stage.settle();
        },
        &[agreed(&[money("A", 10_000, 5_500, 0)], &["paid", "paid"])],
    ),
    Scene::new(
        "a portal refund for two credits, adopted as it fits",
        |stage| {
            let (_, [one, two], refund) = two_and_one(stage, 5_500);
            adopt(stage, &refund, &[one, two]);
            stage.settle();
        },
        &[agreed(&[money("A", 10_000, 5_500, 0)], &["paid", "paid"])],
    ),
    Scene::new(
        "a portal refund for a part: the rest is one refund of ours",
        |stage| {
            let order = stage.shipped(10_000, Captured);
            let credit = stage.credit(&order, 2_500);
            let refund = stage.refund_in_portal("A", 2_000);
            stage.pass();
            adopt(stage, &refund, &[format!("{credit}=20.00")]);
            stage.settle();
        },
        &[agreed(&[money("A", 10_000, 2_500, 0)], &["paid"])],
    ),
    Scene::new(
        "a portal refund with a surplus holds every refund of the order",
        |stage| {
            let (order, [one, two], refund) = two_and_one(stage, 6_000);
            adopt(stage, &refund, &[format!("{one}=25.00"), format!("{two}=30.00")]);
            stage.settle();
            stage.credit(&order, 1_000);
            stage.settle();
        },
        &[held(&[money("A", 10_000, 6_000, 0)], &["paid", "paid", "not_paid"], Breaks::Some, &["5.00"])],
    ),
    Scene::new(
        "a refund without id or reference counts once",
        |stage| {
            stage.rig.switch("klarna.reads_carry_reference", "false");
            stage.rig.switch("klarna.reads_carry_refund_id", "false");
            let order = stage.shipped(5_035, Captured);
            stage.credit(&order, 3_000);
            stage.settle();
            stage.pass();
        },
        &[agreed(&[money("A", 5_035, 3_000, 0)], &["paid"])],
    ),
    Scene::new("nothing captured beside two captures", |stage| with_field(stage, "captured_amount", 0), HELD),
    Scene::new("more captured than the captures say", |stage| with_field(stage, "captured_amount", 2_000), HELD),
    Scene::new("refunded without a refund", |stage| with_field(stage, "refunded_amount", 300), HELD),
    Scene::new(
        "more captured than the order is worth",
        |stage| {
            let order = stage.order(12_000, Authorized);
            stage.act("edit_order", &json!({"order": order.number, "amount_minor": 10_000}));
            let id = stage.id("A");
            stage.rig.with(|world| {
                world.portal_capture(id, None, None).unwrap();
                world.ship(order.id, None).unwrap();
            });
            stage.settle();
        },
        &[held(&[money("A", 12_000, 0, 0)], &[], Breaks::With("captured_too_much"), &["120.00", "100.00"])],
    ),
    Scene::new(
        "a refund of nothing is no break",
        |stage| {
            stage.rig.switch("klarna.refund_zero", "accept");
            stage.shipped(10_000, Captured);
            stage.refund_in_portal("A", 0);
            stage.settle();
        },
        &[agreed(&[money("A", 10_000, 0, 0)], &[])],
    ),
    Scene::new(
        "a credit invoice of nothing is settled by saying so",
        |stage| {
            let order = stage.place("A", NewOrder { shipped: true, ..NewOrder::of(10_000, Captured) });
            stage.credit(&order, 0);
            stage.settle();
        },
        &[agreed(&[money("A", 10_000, 0, 0)], &["paid"])],
    ),
];

#[test]
fn scenes_of_parts_and_sums() {
    all(SCENES);
}
