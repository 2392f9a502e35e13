//! A link is a claim until Klarna's side agrees; nothing is final without proof.

use reconciled_sandbox::{KlarnaIdLocation, KlarnaStart, NewAttempt, NewOrder};
use serde_json::json;

use crate::play::{Breaks, Outcome, Scene, Stage, agreed, all, held, money};
use crate::support::DAY;

use KlarnaStart::{Authorized, Cancelled, Captured, Expired};

const NOTE: [&str; 2] = ["--note", "looked up in the portal"];

/// The memo names an open attempt and then a captured one; the order is shipped.
fn two_that_hold_money(stage: &Stage) {
    let order = stage.shipped(10_000, Authorized);
    stage.attempt("B", &order, Captured);
    stage.settle();
}

fn linked(stage: &Stage) {
    two_that_hold_money(stage);
    stage.command(&["link", "ORD00001", &stage.id("B").to_string(), NOTE[0], NOTE[1]]);
    stage.settle();
}

fn linked_to_none(stage: &Stage) {
    two_that_hold_money(stage);
    stage.command(&["link", "ORD00001", "--none", NOTE[0], NOTE[1]]);
    stage.settle();
}

/// Only the second attempt ever held money, and something comes back.
fn one_that_held_money(stage: &Stage) {
    let order = stage.shipped(10_000, Cancelled);
    stage.attempt("B", &order, Captured);
    stage.credit(&order, 2_500);
    stage.settle();
}

/// At first only the dead attempt is named; somebody corrects that.
fn corrected_afterwards(start: KlarnaStart, stage: &Stage) {
    let order = stage.shipped(10_000, start);
    let second = NewAttempt { shown: Vec::new(), age_ms: 10 * DAY, ..NewAttempt::of(Captured, KlarnaIdLocation::None) };
    let second = stage.attempt_as("B", &order, &second);
    stage.credit(&order, 2_500);
    stage.settle();
    stage.rig.with(|world| world.set_memo(order.id, &format!("Klarna order ID: {second}")));
    stage.settle();
}

fn other_peoples_order(stage: &Stage) -> crate::support::Placed {
    stage.place(
        "A",
        NewOrder {
            klarna_id: Some(KlarnaIdLocation::Memo),
            reference1: Some("ORD00777".to_owned()),
            shipped: true,
            ..NewOrder::of(10_000, Captured)
        },
    )
}

fn a_strangers_credit(stage: &Stage) {
    let order = other_peoples_order(stage);
    stage.credit(&order, 2_500);
    stage.settle();
}

fn a_strangers_cancel(stage: &Stage) {
    let order = stage.place(
        "A",
        NewOrder {
            klarna_id: Some(KlarnaIdLocation::Memo),
            reference1: Some("ORD00777".to_owned()),
            ..NewOrder::of(10_000, Authorized)
        },
    );
    stage.rig.cancel(&order);
    stage.settle();
}

/// The first id is a session's, the second the order's.
fn a_session_first(stage: &Stage) {
    let new = NewOrder { klarna_id: Some(KlarnaIdLocation::None), shipped: true, ..NewOrder::of(10_000, Authorized) };
    let order = stage.place("A", new);
    stage.act("show_id", &json!({"order": order.number, "place": "memo"}));
    let id = stage.id("A").to_string();
    stage.act("show_id", &json!({"order": order.number, "place": "memo", "text": id}));
    stage.settle();
}

/// The checkout kept its cancelled attempt, a person wrote the living one into the memo.
fn written_by_a_person(stage: &Stage) {
    let order = stage.place("A", NewOrder { shipped: true, ..NewOrder::of(10_000, Cancelled) });
    stage.attempt("B", &order, Authorized);
    stage.settle();
}

const HELD: &[&str] = &["{A}", "{B}", "100.00"];

const SCENES: &[Scene] = &[
    Scene::new(
        "two ids that hold money: neither is captured",
        two_that_hold_money,
        &[held(
            &[money("A", 0, 0, 10_000), money("B", 10_000, 0, 0)],
            &[],
            Breaks::Only(&["klarna_order_ambiguous"]),
            HELD,
        )],
    ),
    Scene::new(
        "two ids that hold money, linked by a human",
        linked,
        &[held(
            &[money("A", 0, 0, 10_000), money("B", 10_000, 0, 0)],
            &[],
            Breaks::Only(&["authorization_stray"]),
            &["{A}"],
        )],
    ),
    Scene::new(
        "two ids that hold money, and a human says neither",
        linked_to_none,
        &[
            held(&[money("A", 0, 0, 10_000), money("B", 10_000, 0, 0)], &[], Breaks::Any, &[]),
            agreed(&[money("A", 0, 0, 10_000), money("B", 10_000, 0, 0)], &[]),
        ],
    ),
    Scene::new(
        "a cancelled attempt first: the refund goes to the one that was captured",
        one_that_held_money,
        &[agreed(&[money("A", 0, 0, 0), money("B", 10_000, 2_500, 0)], &["paid"])],
    ),
    Scene::new(
        "a cancelled attempt, and the memo is corrected afterwards",
        |stage| corrected_afterwards(Cancelled, stage),
        &[
            agreed(&[money("A", 0, 0, 0), money("B", 10_000, 2_500, 0)], &["paid"]),
            held(&[money("B", 10_000, 0, 0)], &["paid"], Breaks::With("paid_without_refund"), &[]),
        ],
    ),
    Scene::new(
        "an expired attempt, and the memo is corrected afterwards",
        |stage| corrected_afterwards(Expired, stage),
        &[
            agreed(&[money("A", 0, 0, 0), money("B", 10_000, 2_500, 0)], &["paid"]),
            held(&[money("B", 10_000, 0, 0)], &["paid"], Breaks::With("paid_without_refund"), &[]),
        ],
    ),
    Scene::new(
        "an expired attempt first: the living one is captured",
        |stage| {
            let order = stage.shipped(10_000, Expired);
            stage.attempt("B", &order, Authorized);
            stage.settle();
        },
        &[agreed(&[money("A", 0, 0, 0), money("B", 10_000, 0, 0)], &[])],
    ),
    Scene::new(
        "a dead id in paymentData, the living one in the memo",
        written_by_a_person,
        &[agreed(&[money("A", 0, 0, 0), money("B", 10_000, 0, 0)], &[])],
    ),
    Scene::new(
        "a credit, and Klarna says that this is another order",
        a_strangers_credit,
        &[held(&[money("A", 10_000, 0, 0)], &["not_paid"], Breaks::Only(&["klarna_order_mismatch"]), &["ORD00777"])],
    ),
    Scene::new(
        "a cancel, and Klarna says that this is another order",
        a_strangers_cancel,
        &[Outcome {
            money: &[money("A", 0, 0, 10_000)],
            credits: &[],
            status: 1,
            breaks: Breaks::Only(&["klarna_order_mismatch"]),
            says: &["ORD00777"],
        }],
    ),
    Scene::new("a session's id first, then the order's", a_session_first, &[agreed(&[money("A", 10_000, 0, 0)], &[])]),
    Scene::new(
        "paid by iDEAL in the end, an authorization is open",
        |stage| {
            let order = stage.order(10_000, Authorized);
            stage.act("pay_otherwise", &json!({"order": order.number}));
            stage.settle();
        },
        &[held(&[money("A", 0, 0, 10_000)], &[], Breaks::Only(&["authorization_stray"]), &["{A}"])],
    ),
    Scene::new(
        "an urgent credit, and another order that was not read yet names the same Klarna order",
        |stage| {
            let order = stage.shipped(10_000, Captured);
            let id = stage.id("A").to_string();
            let other = stage
                .place("B", NewOrder { klarna_id: Some(KlarnaIdLocation::None), ..NewOrder::of(10_000, Authorized) });
            stage.act("show_id", &json!({"order": other.number, "place": "memo", "text": id}));
            stage.credit(&order, 2_500);
            stage.settle();
        },
        &[held(&[money("A", 10_000, 0, 0)], &["not_paid"], Breaks::With("klarna_order_shared"), &["ORD00002"])],
    ),
    Scene::new(
        "known as Klarna's, paid by iDEAL in the end and shipped",
        |stage| {
            let order = stage.order(10_000, Authorized);
            stage.settle();
            stage.act("pay_otherwise", &json!({"order": order.number}));
            stage.act("ship", &json!({"order": order.number}));
            stage.settle();
        },
        &[held(&[money("A", 0, 0, 10_000)], &[], Breaks::Only(&["authorization_stray"]), &["{A}"])],
    ),
    Scene::new(
        "paid by iDEAL, and what the memo names has lapsed",
        |stage| {
            let order = stage.order(10_000, Expired);
            stage.act("pay_otherwise", &json!({"order": order.number}));
            stage.settle();
        },
        &[agreed(&[money("A", 0, 0, 0)], &[])],
    ),
];

#[test]
fn scenes_of_links() {
    all(SCENES);
}
