//! What was confirmed is watched for ever, and a success that names something else is none.

use reconciled_sandbox::{Concealed, FaultKind, FaultRule, KlarnaStart, Side};
use uuid::Uuid;

use crate::play::{Breaks, Outcome, Scene, Stage, agreed, all, held, money};

use KlarnaStart::{Authorized, Captured};

const NOTE: [&str; 2] = ["--note", "refunded by phone"];

/// A return that was refunded, confirmed and seen.
fn refunded(stage: &Stage) {
    let order = stage.shipped(10_000, Captured);
    stage.credit(&order, 2_500);
    stage.settle();
    stage.pass();
}

/// Klarna's reads no longer show the latest refund or capture.
fn vanish(stage: &Stage, how: Concealed) {
    let id = stage.id("A");
    stage.rig.with(|world| {
        let truth = world.klarna_truth(id).unwrap();
        let effect = truth.refunds.last().or(truth.captures.last()).unwrap().id;
        world.conceal(id, effect, how).unwrap();
    });
    look_again(stage);
}

fn look_again(stage: &Stage) {
    stage.rig.pass_with(&["--full"]);
    stage.settle();
}

const GONE: &[Outcome] =
    &[held(&[money("A", 10_000, 2_500, 0)], &["paid"], Breaks::With("effect_vanished"), &["25.00"])];

/// The answer to our refund names another order or another refund.
fn misnamed(stage: &Stage, lag: bool) {
    if lag {
        stage.rig.switch("klarna.read_lag_ms", "3600000");
    }
    let order = stage.shipped(10_000, Captured);
    stage.credit(&order, 2_500);
    let other = Some(Uuid::from_u128(0x7777_0000_4000_8000_0000_0000_0000_0007));
    // Where reads lag, asking again under the same key must not be believed either.
    let count = if lag { None } else { Some(1) };
    let kind = FaultKind::OtherIds { order: other, id: None };
    let rule = FaultRule { count, ..FaultRule::once(Side::Klarna, "POST", "*/refunds", kind) };
    stage.rig.with(|world| world.add_fault(rule));
    if lag {
        stage.pass();
    } else {
        stage.settle();
    }
}

const SCENES: &[Scene] = &[
    Scene::new(
        "a confirmed refund is gone from Klarna's reads",
        |stage| {
            refunded(stage);
            vanish(stage, Concealed::All);
        },
        GONE,
    ),
    Scene::new(
        "a confirmed refund is gone from the list, the sum still knows of it",
        |stage| {
            refunded(stage);
            vanish(stage, Concealed::Listed);
        },
        &[held(&[money("A", 10_000, 2_500, 0)], &["paid"], Breaks::Some, &["25.00"])],
    ),
    Scene::new(
        "a confirmed refund is taken back in the portal",
        |stage| {
            refunded(stage);
            let id = stage.id("A");
            stage.rig.with(|world| {
                let refund = world.klarna_truth(id).unwrap().refunds[0].id;
                world.undo_refund(id, refund).unwrap();
            });
            look_again(stage);
        },
        &[held(&[money("A", 10_000, 0, 0)], &["paid"], Breaks::With("effect_vanished"), &["25.00"])],
    ),
    Scene::new(
        "an adopted refund is gone from Klarna's reads",
        |stage| {
            let order = stage.shipped(10_000, Captured);
            let credit = stage.credit(&order, 2_500);
            let refund = stage.refund_in_portal("A", 2_500);
            stage.pass();
            stage.command(&["adopt", &refund, &credit, NOTE[0], NOTE[1]]);
            stage.settle();
            vanish(stage, Concealed::All);
        },
        GONE,
    ),
    Scene::new(
        "the refund of a cancel is gone from Klarna's reads",
        |stage| {
            stage.rig.switch("lightspeed.cancel_makes_credit_notes", "false");
            let order = stage.order(10_000, Captured);
            stage.rig.cancel(&order);
            stage.settle();
            look_again(stage); // Settled, it is left alone for a minute: this read shows it.
            vanish(stage, Concealed::All);
        },
        &[held(&[money("A", 10_000, 10_000, 0)], &[], Breaks::With("effect_vanished"), &["100.00"])],
    ),
    Scene::new(
        "a confirmed capture is gone from Klarna's reads",
        |stage| {
            stage.shipped(10_000, Authorized);
            stage.settle();
            vanish(stage, Concealed::All);
        },
        &[held(&[money("A", 10_000, 0, 0)], &[], Breaks::With("effect_vanished"), &["100.00"])],
    ),
    Scene::new(
        "a confirmed cancel is gone from Klarna's reads",
        |stage| {
            stage.rig.switch("lightspeed.cancel_makes_credit_notes", "false");
            let order = stage.order(10_000, Authorized);
            stage.rig.cancel(&order);
            stage.settle();
            let id = stage.id("A");
            stage.rig.with(|world| world.conceal_cancel(id, true)).unwrap();
            look_again(stage);
        },
        &[held(&[money("A", 0, 0, 0)], &[], Breaks::Some, &[])],
    ),
    Scene::new(
        "a success that names another order proves nothing",
        |stage| misnamed(stage, true),
        &[Outcome {
            money: &[money("A", 10_000, 2_500, 0)],
            credits: &["not_paid"],
            status: 3,
            breaks: Breaks::Any,
            says: &[],
        }],
    ),
    Scene::new(
        "a success that names another order, and reads that show the refund",
        |stage| misnamed(stage, false),
        &[agreed(&[money("A", 10_000, 2_500, 0)], &["paid"])],
    ),
];

#[test]
fn scenes_of_vanished_effects() {
    all(SCENES);
}
