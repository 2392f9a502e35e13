//! What was never delivered is no return, fulfilled is not shipped, and each shipment is its own capture.

use reconciled_sandbox::{KlarnaStart, NewLine, NewOrder, SlipEdit};

use crate::play::{Breaks, Outcome, Scene, Stage, agreed, all, held, money};
use crate::support::Placed;

use KlarnaStart::{Authorized, Captured};

/// Lines of 70, 20 and 10; the first two are sent and captured.
fn two_of_three(stage: &Stage) -> Placed {
    let order = stage.lines(&[7_000, 2_000, 1_000], Authorized);
    stage.rig.with(|world| world.ship(order.id, Some(&[(0, 1), (1, 1)]))).unwrap();
    stage.settle();
    order
}

fn credited(stage: &Stage, leaves: &str, line: usize) {
    stage.rig.switch("lightspeed.credited_line", leaves);
    let order = two_of_three(stage);
    stage.credit_lines(&order, &[line]);
    stage.settle();
}

/// Lines of 70 and 30, a discount of 10 worked into the first; it is sent, captured, and comes back.
fn discounted(stage: &Stage) {
    let lines =
        vec![NewLine { discount_minor: 1_000, ..NewLine::new("Article", 1, 8_000) }, NewLine::new("Article", 1, 3_000)];
    let order = stage.place("A", NewOrder { lines, klarna: Some(Authorized), ..NewOrder::default() });
    stage.rig.with(|world| world.ship(order.id, Some(&[(0, 1)]))).unwrap();
    stage.settle();
    stage.credit_lines(&order, &[0]);
    stage.settle();
}

const NEVER: &[Outcome] = &[agreed(&[money("A", 9_000, 0, 0)], &["paid"])];

/// An order in a state that only words tell.
fn stands(stage: &Stage, start: KlarnaStart, status: &str) {
    let order = stage.place("A", NewOrder { pickup: status.contains("picked"), ..NewOrder::of(10_000, start) });
    stage.rig.with(|world| world.set_order_status(order.id, Some(status), None, None)).unwrap();
    stage.settle();
}

const WHOLE: &[Outcome] = &[agreed(&[money("A", 10_000, 0, 0)], &[])];
/// That the words contradict each other is said.
const WHOLE_OR_SAID: &[Outcome] =
    &[WHOLE[0], held(&[money("A", 10_000, 0, 0)], &[], Breaks::Some, &["completed_shipped"])];

/// A (60) is sent and captured; B (40) is still here.
fn first_of_two(stage: &Stage) -> (Placed, u64) {
    let order = stage.lines(&[6_000, 4_000], Authorized);
    stage.rig.with(|world| world.ship(order.id, Some(&[(0, 1)]))).unwrap();
    stage.settle();
    let slips = stage.rig.with(|world| world.slips_of(order.id));
    (order, slips[0].0)
}

fn tracking(stage: &Stage, slip: u64) {
    let edit = SlipEdit { tracking: Some("3SLATER01".to_owned()), ..SlipEdit::default() };
    stage.rig.with(|world| world.edit_slip(slip, &edit)).unwrap();
}

/// The whole order was sent; a credit invoice of 25 was there when we captured; the shop's clock is ahead.
fn clocks_apart(stage: &Stage, ahead_ms: i64, age_seconds: i64) {
    stage.rig.with(|world| world.set_side_clock(reconciled_sandbox::Side::Lightspeed, ahead_ms));
    let order = stage.shipped(10_000, Authorized);
    stage.credit_as(&order, &serde_json::json!({"amount_minor": 2_500, "age_seconds": age_seconds}));
    stage.settle();
    stage.settle();
}

const LEFT_OUT: &[Outcome] = &[agreed(&[money("A", 7_500, 0, 0)], &["paid"])];

/// Somebody captured 75 by hand, within two minutes of a credit invoice of 25.
fn unclear(stage: &Stage, start: i64) {
    let order = stage.shipped(10_000, Authorized);
    let id = stage.id("A");
    stage.rig.with(|world| world.portal_capture(id, Some(7_500), None)).unwrap();
    stage.credit_as(&order, &serde_json::json!({"amount_minor": 2_500, "age_seconds": start}));
    stage.settle();
}

const SCENES: &[Scene] = &[
    Scene::new(
        "a line that was never sent is credited: nothing is refunded",
        |stage| credited(stage, "stays", 2),
        NEVER,
    ),
    Scene::new(
        "a line that was never sent is credited and leaves its slip",
        |stage| credited(stage, "leaves", 2),
        NEVER,
    ),
    Scene::new(
        "a line that was sent is credited while another is here",
        |stage| credited(stage, "stays", 0),
        &[agreed(&[money("A", 9_000, 7_000, 1_000)], &["paid"])],
    ),
    Scene::new(
        "a discount is worked into the lines: what was sent and comes back",
        discounted,
        &[agreed(&[money("A", 7_000, 7_000, 3_000)], &["paid"])],
    ),
    Scene::new(
        "a free amount is credited while something was never sent",
        |stage| {
            let order = two_of_three(stage);
            stage.credit(&order, 1_000);
            stage.settle();
        },
        &[held(&[money("A", 9_000, 0, 1_000)], &["not_paid"], Breaks::Some, &[])],
    ),
    Scene::new(
        "picked up and captured is no contradiction",
        |stage| stands(stage, Captured, "completed_picked_up"),
        WHOLE,
    ),
    Scene::new("picked up is captured", |stage| stands(stage, Authorized, "completed_picked_up"), WHOLE),
    Scene::new("completed and captured is no contradiction", |stage| stands(stage, Captured, "completed"), WHOLE),
    Scene::new("completed without a shipment is captured", |stage| stands(stage, Authorized, "completed"), WHOLE),
    Scene::new(
        "completed_shipped beside not_shipped, captured",
        |stage| stands(stage, Captured, "completed_shipped"),
        WHOLE_OR_SAID,
    ),
    Scene::new(
        "completed_shipped beside not_shipped is captured",
        |stage| stands(stage, Authorized, "completed_shipped"),
        WHOLE_OR_SAID,
    ),
    Scene::new(
        "ready to be downloaded is captured",
        |stage| {
            let order = stage.order(10_000, Authorized);
            stage.rig.with(|world| world.ready_to_download(order.id)).unwrap();
            stage.settle();
        },
        WHOLE,
    ),
    Scene::new(
        "waiting to be picked up is not captured",
        |stage| {
            stage.place("A", NewOrder { pickup: true, ..NewOrder::of(10_000, Authorized) });
            stage.settle();
        },
        &[agreed(&[money("A", 0, 0, 10_000)], &[])],
    ),
    Scene::new(
        "a second slip, then a tracking code on the first",
        |stage| {
            let (order, slip) = first_of_two(stage);
            stage.rig.with(|world| world.ship(order.id, None)).unwrap();
            tracking(stage, slip);
            stage.settle();
            let captures = stage.rig.pair(&order).klarna.captures;
            let amounts: Vec<i64> = captures.iter().map(|it| it.amount).collect();
            stage.check(amounts == [6_000, 4_000], "the captures are not one for each slip");
        },
        WHOLE,
    ),
    Scene::new(
        "the same slip is filled up later",
        |stage| {
            let (_, slip) = first_of_two(stage);
            let edit = SlipEdit { add: vec![(1, 1)], ..SlipEdit::default() };
            stage.rig.with(|world| world.edit_slip(slip, &edit)).unwrap();
            stage.settle();
        },
        WHOLE,
    ),
    Scene::new(
        "out of stock: credited after the first capture",
        |stage| {
            let (order, _) = first_of_two(stage);
            stage.credit_lines(&order, &[1]);
            stage.settle();
        },
        &[agreed(&[money("A", 6_000, 0, 0)], &["paid"])],
    ),
    Scene::new(
        "out of stock: a free amount that fits what is not captured",
        |stage| {
            let (order, _) = first_of_two(stage);
            stage.credit(&order, 4_000);
            stage.settle();
        },
        &[held(&[money("A", 6_000, 0, 4_000)], &["not_paid"], Breaks::Some, &[])],
    ),
    Scene::new("the shop's clock is eight seconds ahead", |stage| clocks_apart(stage, 8_000, 1), LEFT_OUT),
    Scene::new("the shop's clock is two minutes ahead", |stage| clocks_apart(stage, 119_000, 1), LEFT_OUT),
    Scene::new("the credit and the capture bear the same second", |stage| clocks_apart(stage, 0, 0), LEFT_OUT),
    Scene::new(
        "a capture by hand within two minutes of a credit is unclear",
        |stage| unclear(stage, 90),
        &[held(&[money("A", 7_500, 0, 2_500)], &["not_paid"], Breaks::Some, &[])],
    ),
];

#[test]
fn scenes_of_deliveries() {
    all(SCENES);
}
