//! Lists and documents that are incomplete for a moment, and numbers that are no identities.

use reconciled_sandbox::{FaultKind, FaultRule, KlarnaStart, Side};
use serde_json::json;

use crate::play::{Breaks, Outcome, Scene, Stage, agreed, all, held, money};

use KlarnaStart::Captured;

const NOTE: [&str; 2] = ["--note", "looked into it"];

/// Three returns, of which the lists of the first pass lack some.
fn three_returns(stage: &Stage, kind: &FaultKind, lists: &[&str]) {
    for name in ["A", "B", "C"] {
        let order = stage.place(
            name,
            reconciled_sandbox::NewOrder { shipped: true, ..reconciled_sandbox::NewOrder::of(10_000, Captured) },
        );
        stage.credit(&order, 2_500);
    }
    for list in lists {
        let path = format!("*/{list}.json");
        stage.rig.with(|world| world.add_fault(FaultRule::once(Side::Lightspeed, "GET", &path, kind.clone())));
    }
    stage.pass();
    stage.settle();
}

const THREE: &[Outcome] = &[agreed(
    &[money("A", 10_000, 2_500, 0), money("B", 10_000, 2_500, 0), money("C", 10_000, 2_500, 0)],
    &["paid", "paid", "paid"],
)];

/// A list of several pages that leaves out its oldest row, whose return is older than what a later list begins with.
fn long_list_without_its_first(stage: &Stage) {
    let new = || reconciled_sandbox::NewOrder { shipped: true, ..reconciled_sandbox::NewOrder::of(10_000, Captured) };
    let first = stage.place("A", new());
    stage.credit_as(&first, &json!({"amount_minor": 2_500, "age_seconds": 36_000}));
    for _ in 0..126 {
        stage.place("others", new());
    }
    let last = stage.place("B", new());
    stage.credit(&last, 1_000);
    for list in BOTH {
        let (path, kind) = (format!("*/{list}.json"), FaultKind::ShiftedPage { by: 1 });
        stage.rig.with(|world| world.add_fault(FaultRule::once(Side::Lightspeed, "GET", &path, kind)));
    }
    stage.pass();
    stage.settle();
}

/// One read of the order lacks the credit invoices.
fn without_once(stage: &Stage, path: &str) {
    let body = json!({"side": "lightspeed", "path": path, "kind": "without_documents"});
    stage.rig.control("faults", &body);
}

const BOTH: &[&str] = &["orders", "invoices"];

const SCENES: &[Scene] = &[
    Scene::new(
        "one read of an order lacks the credit invoice that its list named",
        |stage| {
            let order = stage.shipped(10_000, Captured);
            stage.credit(&order, 2_500);
            without_once(stage, "*/orders/*");
            stage.pass();
            stage.settle();
        },
        &[agreed(&[money("A", 10_000, 2_500, 0)], &["paid"])],
    ),
    Scene::new(
        "a credit invoice is missing once and comes back",
        |stage| {
            let order = stage.shipped(10_000, Captured);
            stage.credit(&order, 2_500);
            stage.rig.run(&["reconcile", "--dry-run"]);
            stage.command(&["hold", &order.number, NOTE[0], NOTE[1]]);
            stage.pass();
            stage.rig.with(|world| world.set_memo(order.id, &format!("{} seen", stage.id("A"))));
            without_once(stage, "*");
            stage.pass();
            stage.command(&["release", &order.number]);
            stage.settle();
        },
        &[agreed(&[money("A", 10_000, 2_500, 0)], &["paid"])],
    ),
    Scene::new("an empty page of orders", |stage| three_returns(stage, &FaultKind::EmptyPage, &["orders"]), THREE),
    Scene::new("empty pages of both lists", |stage| three_returns(stage, &FaultKind::EmptyPage, BOTH), THREE),
    Scene::new(
        "a short page of orders",
        |stage| three_returns(stage, &FaultKind::ShortPage { missing: 1 }, &["orders"]),
        THREE,
    ),
    Scene::new(
        "short pages of both lists",
        |stage| three_returns(stage, &FaultKind::ShortPage { missing: 2 }, BOTH),
        THREE,
    ),
    Scene::new(
        "shifted pages of both lists",
        |stage| three_returns(stage, &FaultKind::ShiftedPage { by: 1 }, BOTH),
        THREE,
    ),
    Scene::new(
        "shifted first pages of long lists",
        long_list_without_its_first,
        &[agreed(&[money("A", 10_000, 2_500, 0), money("B", 10_000, 1_000, 0)], &["paid", "paid"])],
    ),
    Scene::new(
        "two credit invoices with one number",
        |stage| {
            let order = stage.shipped(10_000, Captured);
            let number = stage.credit(&order, 2_500);
            stage.credit_as(&order, &json!({"amount_minor": 1_000, "number": number}));
            stage.settle();
        },
        &[
            agreed(&[money("A", 10_000, 3_500, 0)], &["paid", "paid"]),
            held(&[money("A", 10_000, 0, 0)], &["not_paid", "not_paid"], Breaks::Some, &[]),
        ],
    ),
    Scene::new(
        "two orders whose credit invoices bear one number",
        |stage| {
            let first = stage.shipped(10_000, Captured);
            let number = stage.credit(&first, 2_500);
            let new =
                reconciled_sandbox::NewOrder { shipped: true, ..reconciled_sandbox::NewOrder::of(9_000, Captured) };
            let second = stage.place("B", new);
            stage.credit_as(&second, &json!({"amount_minor": 1_000, "number": number}));
            stage.settle();
        },
        &[
            agreed(&[money("A", 10_000, 2_500, 0), money("B", 9_000, 1_000, 0)], &["paid", "paid"]),
            held(&[money("A", 10_000, 0, 0), money("B", 9_000, 0, 0)], &["not_paid", "not_paid"], Breaks::Some, &[]),
        ],
    ),
    Scene::new(
        "an order is deleted in the shop",
        |stage| {
            let order = stage.shipped(10_000, Captured);
            stage.settle();
            stage.act("delete_order", &json!({"order": order.number}));
            stage.rig.pass_with(&["--full"]);
            stage.rig.pass_with(&["--full"]);
            stage.settle();
        },
        &[held(&[money("A", 10_000, 0, 0)], &[], Breaks::Some, &[]), agreed(&[money("A", 10_000, 0, 0)], &[])],
    ),
    Scene::new(
        "an order with an open return is deleted in the shop",
        |stage| {
            let order = stage.shipped(10_000, Captured);
            stage.credit(&order, 2_500);
            stage.rig.run(&["reconcile", "--dry-run"]);
            stage.command(&["hold", &order.number, NOTE[0], NOTE[1]]);
            stage.pass();
            stage.act("delete_order", &json!({"order": order.number}));
            stage.rig.pass_with(&["--full"]);
            stage.rig.pass_with(&["--full"]);
            stage.settle();
        },
        &[held(&[money("A", 10_000, 0, 0)], &["gone"], Breaks::Some, &[])],
    ),
    Scene::new(
        "credits of mixed signs on one order hold",
        |stage| {
            let order = stage.shipped(10_000, Captured);
            stage.credit(&order, 2_500);
            stage.credit(&order, -1_000);
            stage.settle();
        },
        &[held(&[money("A", 10_000, 0, 0)], &["not_paid", "not_paid"], Breaks::Some, &[])],
    ),
];

#[test]
fn scenes_of_documents() {
    all(SCENES);
}
