//! Klarna's share is not the order's total, and one cent is one cent everywhere.

use reconciled_sandbox::{KlarnaStart, NewOrder};
use serde_json::json;

use crate::play::{Breaks, Outcome, Scene, Stage, agreed, all, held, money};
use crate::support::{Placed, text};

use KlarnaStart::{Authorized, Captured};

const NOTE: [&str; 2] = ["--note", "a gift card paid the rest"];

/// An order of 100.00 of which a gift card paid 30.00.
fn with_card(stage: &Stage, start: KlarnaStart, shipped: bool) -> Placed {
    stage.place("A", NewOrder { gift_card_minor: 3_000, shipped, ..NewOrder::of(10_000, start) })
}

fn returned(stage: &Stage, view: &str, amount: i64) -> Placed {
    stage.rig.switch("lightspeed.gift_cards", view);
    let order = with_card(stage, Captured, true);
    stage.credit(&order, amount);
    order
}

fn hidden(stage: &Stage) -> Placed {
    let order = returned(stage, "hidden", 2_500);
    stage.settle();
    order
}

const PART: &[Outcome] = &[agreed(&[money("A", 7_000, 2_500, 0)], &["paid"])];

const SCENES: &[Scene] = &[
    Scene::new(
        "a gift card in a list: a part comes back",
        |stage| {
            returned(stage, "list", 2_500);
            stage.settle();
        },
        PART,
    ),
    Scene::new(
        "a gift card in a map: a part comes back",
        |stage| {
            returned(stage, "map", 2_500);
            stage.settle();
        },
        PART,
    ),
    Scene::new(
        "a gift card as a line: a part comes back",
        |stage| {
            returned(stage, "line", 2_500);
            stage.settle();
        },
        PART,
    ),
    Scene::new(
        "a gift card: everything comes back",
        |stage| {
            returned(stage, "list", 10_000);
            stage.settle();
        },
        &[
            held(&[money("A", 7_000, 7_000, 0)], &["not_paid"], Breaks::Only(&["paid_otherwise"]), &["30.00"]),
            held(&[money("A", 7_000, 7_000, 0)], &["paid"], Breaks::Only(&["paid_otherwise"]), &["30.00"]),
        ],
    ),
    Scene::new(
        "a gift card: shipped",
        |stage| {
            with_card(stage, Authorized, true);
            stage.settle();
        },
        &[agreed(&[money("A", 7_000, 0, 0)], &[])],
    ),
    Scene::new(
        "a gift card: cancelled before anything was captured",
        |stage| {
            let order = with_card(stage, Authorized, false);
            stage.rig.switch("lightspeed.cancel_makes_credit_notes", "false");
            stage.rig.cancel(&order);
            stage.settle();
        },
        &[
            agreed(&[money("A", 0, 0, 0)], &[]),
            held(&[money("A", 0, 0, 0)], &[], Breaks::Only(&["paid_otherwise"]), &["30.00"]),
        ],
    ),
    Scene::new(
        "a gift card: cancelled after the capture",
        |stage| {
            let order = with_card(stage, Captured, false);
            stage.rig.switch("lightspeed.cancel_makes_credit_notes", "false");
            stage.rig.cancel(&order);
            stage.settle();
        },
        &[
            agreed(&[money("A", 7_000, 7_000, 0)], &[]),
            held(&[money("A", 7_000, 7_000, 0)], &[], Breaks::Only(&["paid_otherwise"]), &["30.00"]),
        ],
    ),
    Scene::new(
        "a difference that the shop does not explain holds",
        |stage| {
            hidden(stage);
        },
        &[held(&[money("A", 7_000, 0, 0)], &["not_paid"], Breaks::With("amount_differs"), &["100.00", "70.00"])],
    ),
    Scene::new(
        "a difference that a human accepts",
        |stage| {
            let order = hidden(stage);
            stage.command(&["accept", &order.number, "--amount", "70.00", NOTE[0], NOTE[1]]);
            stage.settle();
        },
        PART,
    ),
    Scene::new(
        "a difference whose break was resolved is still a break",
        |stage| {
            hidden(stage);
            let found = stage.last().unwrap();
            stage.command(&["breaks", "resolve", &text(&found.the_break("amount_differs")["id"]), NOTE[0], NOTE[1]]);
            stage.settle();
        },
        &[held(&[money("A", 7_000, 0, 0)], &["not_paid"], Breaks::Some, &[])],
    ),
    Scene::new(
        "an unexplained difference and a cancel: nothing is final",
        |stage| {
            stage.rig.switch("lightspeed.gift_cards", "hidden");
            stage.rig.switch("lightspeed.cancel_makes_credit_notes", "false");
            let order = with_card(stage, Captured, false);
            stage.rig.cancel(&order);
            let last = stage.settle();
            let state = text(&last.order(&order.number)["state"]);
            stage.check(state != "cancelled", "the order is called cancelled although its amount is open");
        },
        &[held(&[money("A", 7_000, 0, 0)], &[], Breaks::With("amount_differs"), &[])],
    ),
    Scene::new(
        "lowered in the shop before shipping",
        |stage| {
            let order = stage.order(998, Authorized);
            stage.act("edit_order", &json!({"order": order.number, "amount_minor": 979}));
            stage.rig.with(|world| world.ship(order.id, None)).unwrap();
            stage.settle();
        },
        &[agreed(&[money("A", 979, 0, 0)], &[])],
    ),
    Scene::new(
        "lowered in the portal, shipped for more",
        |stage| {
            stage.shipped(10_000, Authorized);
            let id = stage.id("A");
            stage.rig.with(|world| world.portal_update(id, 8_000)).unwrap();
            stage.settle();
        },
        &[held(&[money("A", 0, 0, 8_000)], &[], Breaks::Some, &["80.00", "100.00"])],
    ),
    Scene::new(
        "a cent less at Klarna: everything comes back",
        |stage| {
            let order = NewOrder { klarna_amount_minor: Some(99_438), shipped: true, ..NewOrder::of(99_439, Captured) };
            let order = stage.place("A", order);
            stage.credit(&order, 99_439);
            stage.settle();
        },
        &[agreed(&[money("A", 99_438, 99_438, 0)], &["paid"])],
    ),
    Scene {
        policy: "act = true\ncaptures = \"drive\"\nrefund_after = \"0 seconds\"\ngrace = \"0 seconds\"\nadopt_exact = true",
        ..Scene::new(
            "a cent less at Klarna: settled by hand",
            |stage| {
                let order =
                    NewOrder { klarna_amount_minor: Some(99_438), shipped: true, ..NewOrder::of(99_439, Captured) };
                let order = stage.place("A", order);
                stage.credit(&order, 99_439);
                stage.refund_in_portal("A", 99_438);
                stage.settle();
            },
            &[agreed(&[money("A", 99_438, 99_438, 0)], &["paid"])],
        )
    },
    Scene::new(
        "a cent less at Klarna: cancelled after the capture",
        |stage| {
            let order =
                stage.place("A", NewOrder { klarna_amount_minor: Some(99_438), ..NewOrder::of(99_439, Captured) });
            stage.rig.cancel(&order);
            stage.settle();
        },
        &[agreed(&[money("A", 99_438, 99_438, 0)], &[])],
    ),
    Scene::new(
        "three thirds: the last is held",
        |stage| {
            thirds(stage);
        },
        &[held(&[money("A", 10_000, 6_668, 0)], &["paid", "paid", "not_paid"], Breaks::Some, &["33.32"])],
    ),
    Scene::new(
        "three thirds: what is left is approved",
        |stage| {
            thirds(stage);
            let remedy = text(&stage.last().unwrap().the_break("credit_exceeds_refundable")["remedy"]);
            let intent = remedy.split("reconciled approve ").nth(1).and_then(|rest| rest.split(' ').next());
            let intent = intent.unwrap_or_else(|| panic!("no intent is named: {remedy}")).to_owned();
            stage.command(&["approve", &intent, "--amount", "33.32", NOTE[0], NOTE[1]]);
            stage.settle();
        },
        &[agreed(&[money("A", 10_000, 10_000, 0)], &["paid", "paid", "paid"])],
    ),
];

fn thirds(stage: &Stage) {
    let order = stage.shipped(10_000, Captured);
    for _ in 0..3 {
        stage.credit(&order, 3_334);
    }
    stage.settle();
}

#[test]
fn scenes_of_shares_and_cents() {
    all(SCENES);
}
