//! Identity comes from the services and never from a label, and a guard has no second door.

use std::fs;

use reconciled_sandbox::{FaultKind, FaultRule, KlarnaStart, Side};

use crate::play::{Breaks, Outcome, Scene, Stage, agreed, all, money};
use crate::support::Rig;

use KlarnaStart::Captured;

const NOTE: [&str; 2] = ["--note", "looked into it"];

/// The configuration with the section under another name, and the store under another.
fn renamed(stage: &Stage, file: &str, shop: &str, store: &str) {
    let text = fs::read_to_string(stage.rig.path("reconciled.toml")).unwrap();
    let text = text.replace("shops.main.", &format!("shops.{shop}.")).replace("reconciled.db", store);
    fs::write(stage.rig.path(file), text).unwrap();
}

fn returned(stage: &Stage) {
    let order = stage.shipped(10_000, Captured);
    stage.credit(&order, 2_500);
}

const ONCE: &[Outcome] = &[agreed(&[money("A", 10_000, 2_500, 0)], &["paid"])];

/// The answer to our refund is lost, and reads do not show it.
fn lost(stage: &Stage) {
    stage.rig.switch("klarna.read_lag_ms", "36000000");
    returned(stage);
    let every = FaultRule { count: None, ..FaultRule::once(Side::Klarna, "POST", "*/refunds", FaultKind::Drop) };
    stage.rig.with(|world| world.add_fault(every.after_effect()));
    stage.pass();
    stage.rig.clear_faults();
}

const SCENES: &[Scene] = &[
    Scene::new(
        "two installations over one shop refund once",
        |stage| {
            returned(stage);
            renamed(stage, "second.toml", "other", "second.db");
            stage.settle();
            for _ in 0..2 {
                stage.rig.plain(&["--config", "second.toml", "reconcile", "--json"]);
            }
            stage.settle();
        },
        ONCE,
    ),
    Scene::new(
        "two installations over one shop whose reads lag refund once",
        |stage| {
            stage.rig.switch("klarna.read_lag_ms", "36000000");
            stage.rig.switch("lightspeed.put_unknown_status", "accept");
            returned(stage);
            stage.rig.fault_always(Side::Lightspeed, "PUT", "*", FaultKind::Drop);
            renamed(stage, "second.toml", "other", "second.db");
            stage.rig.pass();
            for _ in 0..2 {
                stage.rig.plain(&["--config", "second.toml", "reconcile", "--json"]);
            }
            stage.rig.clear_faults();
            stage.rig.switch("klarna.read_lag_ms", "0");
            stage.settle();
        },
        ONCE,
    ),
    Scene::new(
        "one configuration with two names for one shop is refused",
        |stage| {
            returned(stage);
            let text = fs::read_to_string(stage.rig.path("reconciled.toml")).unwrap();
            let again = text.split_once("[shops.main.lightspeed]").unwrap().1.replace("shops.main.", "shops.other.");
            fs::write(stage.rig.path("reconciled.toml"), format!("{text}\n[shops.other.lightspeed]{again}")).unwrap();
            for shop in ["main", "other", "main", "other"] {
                let ran = stage.rig.run(&["reconcile", "--json", "--shop", shop]);
                stage.check(ran.status == 2, "a configuration with two names for one shop was taken");
            }
        },
        &[Outcome {
            money: &[money("A", 10_000, 0, 0)],
            credits: &["not_paid"],
            status: 2,
            breaks: Breaks::Any,
            says: &[],
        }],
    ),
    Scene::new(
        "a section renamed after a lost answer refunds once",
        |stage| {
            lost(stage);
            renamed(stage, "reconciled.toml", "other", "reconciled.db");
            stage.pass();
            stage.rig.switch("klarna.read_lag_ms", "0");
            stage.settle();
        },
        ONCE,
    ),
    Scene::new(
        "a store under another shop's address sends nothing",
        |stage| {
            returned(stage);
            stage.pass();
            let other = Rig::empty(crate::support::DRIVE);
            other.with(|world| world.accounts_mut().shop_id += 1);
            let (_, credit) = other.returned(5_000, 1_000);
            let (mine, theirs) = (stage.rig.addresses(), other.addresses());
            let path = stage.rig.path("reconciled.toml");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replace(&mine.0, &theirs.0).replace(&mine.1, &theirs.1)).unwrap();
            let ran = stage.rig.run(&["reconcile", "--json"]);
            stage.check(ran.status == 2 || ran.status == 3, "another shop was taken for this one");
            stage.check(other.invoice_status(&credit) == "not_paid", "another shop's credit invoice was marked");
            stage.check(other.writes().is_empty(), "something was sent to another shop");
            fs::write(&path, text).unwrap();
            stage.settle();
        },
        ONCE,
    ),
    Scene::new(
        "ignored and then approved: what may have landed is not sent again",
        |stage| {
            lost(stage);
            let intent = stage.intent("unknown");
            stage.rig.run(&["ignore", &intent, NOTE[0], NOTE[1]]);
            stage.rig.run(&["approve", &intent, NOTE[0], NOTE[1]]);
            stage.pass();
            stage.rig.switch("klarna.read_lag_ms", "0");
            stage.pass();
            let refunds = stage.rig.pairs()[0].klarna.refunds.len();
            stage.check(refunds == 1, "a second refund was sent");
        },
        &[
            agreed(&[money("A", 10_000, 2_500, 0)], &["paid"]),
            Outcome {
                money: &[money("A", 10_000, 2_500, 0)],
                credits: &["not_paid"],
                status: 1,
                breaks: Breaks::Some,
                says: &[],
            },
        ],
    ),
];

#[test]
fn scenes_of_identity() {
    all(SCENES);
}
