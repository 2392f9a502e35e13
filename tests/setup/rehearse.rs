//! `check --rehearse`: a first pass that leaves no trace, and never one in production.

use crate::support::{DRIVE, Rig};

#[test]
fn a_rehearsal_says_what_would_be_done_and_writes_nothing_anywhere() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_035, 4_495);
    for _ in 0..2 {
        rig.clear_log();
        let json = rig.run(&["check", "--rehearse", "--json"]).ended(1).json();
        let [rehearsal] = json["rehearsals"].as_array().unwrap().as_slice() else { panic!("{json:#}") };
        assert_eq!((rehearsal["dry_run"].as_bool(), rehearsal["complete"].as_bool()), (Some(true), Some(true)));
        let effects = rehearsal["effects"].as_array().unwrap();
        let refund = effects.iter().find(|it| it["kind"] == "refund").unwrap();
        assert_eq!((refund["credit_invoice"].as_str(), refund["amount_minor"].as_i64()), (Some(&*credit), Some(4_495)));
        assert_eq!(refund["outcome"], "planned");
        assert_eq!(rig.writes(), vec![]);
        assert!(!rig.store().exists());
    }
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 0);
    let ran = rig.run(&["check", "--rehearse"]);
    ran.ended(1).says("Rehearsal of shop main").says("not rehearsed is any write").says("44.95 EUR").says(&credit);
}

#[test]
fn production_is_refused_before_any_call() {
    let rig = Rig::empty(DRIVE);
    rig.returned(5_035, 4_495);
    let config = std::fs::read_to_string(rig.path("reconciled.toml")).unwrap();
    std::fs::write(rig.path("reconciled.toml"), config.replace("\"playground\"", "\"production\"")).unwrap();
    rig.secret("main.klarna-password", "klarna_live_api_bm90IHRoaXMgb25l");
    rig.run(&["check", "--rehearse"]).ended(2).says("production").says("refused before any call");
    assert_eq!(rig.log(), vec![]);
}

#[test]
fn a_rehearsal_that_cannot_be_trusted_is_not_begun() {
    let rig = Rig::empty(DRIVE);
    rig.returned(5_035, 4_495);
    rig.secret("main.klarna-password", "klarna_test_api_bm90IHRoaXMgb25l");
    let json = rig.run(&["check", "--rehearse", "--json"]).ended(3).json();
    assert_eq!(json["rehearsals"].as_array().map(Vec::len), Some(0));
    rig.run(&["check", "--rehearse"]).ended(3).says("not begun");
}

#[test]
fn a_rehearsal_may_be_limited_to_what_changed_lately() {
    let rig = Rig::empty(DRIVE);
    rig.returned(5_035, 4_495);
    let json = rig.run(&["check", "--rehearse", "--since", "2999-01-01", "--json"]).ended(0).json();
    assert_eq!(json["rehearsals"][0]["checked"]["orders"], 0, "{json:#}");
    rig.run(&["check", "--since", "2999-01-01"]).ended(2);
}
