//! Authorizations that are about to lapse: reported, or extended once where the policy allows it.

use reconciled_sandbox::{FaultKind, KlarnaStart, NewOrder, Side};

use crate::support::{DRIVE, Placed, Rig};

const DAY: i64 = 24 * 3_600_000;

/// A shop that extends, with an order that was authorized so many days ago and lapses in two.
fn lapsing(days_old: i64, policy: &str) -> (Rig, Placed) {
    let rig = Rig::empty(&format!("{DRIVE}\n{policy}"));
    let new = NewOrder {
        age_ms: days_old * DAY,
        expires_in_ms: Some(2 * DAY),
        ..NewOrder::of(5_035, KlarnaStart::Authorized)
    };
    let order = rig.place(&new);
    (rig, order)
}

/// When Klarna's order says that it lapses, as its own API says it.
fn lapses(rig: &Rig, order: &Placed) -> String {
    let shown = rig.run(&["show", &order.number, "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    shown["klarna"]["expires_at"].as_str().map_or_else(|| panic!("{shown:#}"), str::to_owned)
}

fn extensions(rig: &Rig) -> usize {
    let log = rig.log();
    let of = |path: &str| path.ends_with("/extend-authorization-time");
    log.iter()
        .filter(|it| of(&it.path))
        .inspect(|it| assert!(it.idempotency_key.is_some() && it.body.is_none()))
        .count()
}

#[test]
fn an_authorization_is_extended_once_before_it_lapses() {
    let (rig, order) = lapsing(10, "extend_authorization = true");
    let pass = rig.pass();
    pass.ended(0);
    assert_eq!(pass.effects_of(&order.number), [("extend".to_owned(), "confirmed".to_owned())]);
    assert_eq!((extensions(&rig), rig.writes().len()), (1, 1));
    rig.pass_with(&["--full"]).ended(0);
    let later = lapses(&rig, &order);
    let left = later.parse::<jiff::Timestamp>().unwrap().duration_since(crate::support::now());
    assert!(left.as_hours() > 20 * 24, "{later}");
    assert_eq!((extensions(&rig), rig.writes().len()), (1, 1));
    rig.audit();
}

#[test]
fn without_the_policy_nothing_is_extended_and_the_lapse_is_reported() {
    let (rig, order) = lapsing(10, "");
    let pass = rig.pass();
    pass.ended(1);
    assert_eq!(pass.breaks_of(&order.number), ["authorization_expiring"]);
    assert_eq!(rig.writes(), vec![]);
}

#[test]
fn a_refused_extension_says_so_beside_the_lapse_and_is_not_asked_again() {
    // Klarna extends nothing that is older than 180 days.
    let (rig, order) = lapsing(200, "extend_authorization = true");
    for _ in 0..2 {
        let pass = rig.pass_with(&["--full"]);
        pass.ended(1);
        assert_eq!(pass.breaks_of(&order.number), ["authorization_expiring"]);
        let found = pass.list("breaks").first().map(|it| it["message"].to_string()).unwrap_or_default();
        assert!(found.contains("NOT_ALLOWED") && found.contains("correlation id"), "{found}");
    }
    assert_eq!(extensions(&rig), 1);
}

#[test]
fn a_lost_answer_to_an_extension_is_settled_by_reading() {
    for after in [false, true] {
        let (rig, order) = lapsing(10, "extend_authorization = true");
        let fault = rig.fault(Side::Klarna, "POST", "*/extend-authorization-time", FaultKind::Drop, after);
        let last = rig.passes_until_quiet(3);
        last.ended(0);
        assert_eq!((rig.fired(fault), extensions(&rig)), (1, if after { 1 } else { 2 }));
        let keys: std::collections::BTreeSet<_> = rig.writes().into_iter().map(|it| it.idempotency_key).collect();
        assert_eq!(keys.len(), 1, "one key for both attempts");
        assert!(last.breaks_of(&order.number).is_empty());
        rig.audit();
    }
}
