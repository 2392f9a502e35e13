//! `check`: what is right, what is wrong with its remedy, and that looking changes nothing.

use reconciled_sandbox::{KlarnaIdLocation, KlarnaStart, NewOrder, Seed, Side, World};
use serde_json::Value;

use crate::support::{DAY, DRIVE, MINUTE, Ran, Rig, text};

/// A shop with three returned orders, one of them paid in another way.
fn shop() -> Rig {
    let rig = Rig::empty(DRIVE);
    rig.returned(5_035, 4_495);
    rig.returned(6_000, 1_000);
    let cash = NewOrder { klarna: None, age_ms: DAY, ..NewOrder::of(2_000, KlarnaStart::Authorized) };
    rig.place(&cash);
    rig
}

/// Checks as JSON; nothing may have been written to either side.
#[track_caller]
pub fn checked(rig: &Rig, status: i32) -> Vec<Value> {
    rig.clear_log();
    let ran = rig.run(&["check", "--json"]);
    ran.ended(status);
    assert_eq!(rig.writes(), vec![]);
    let json = ran.json();
    assert_eq!(json["status"], status);
    json["findings"].as_array().unwrap().clone()
}

/// The findings of one kind that are not ok, as (level, message, remedy).
fn troubles(findings: &[Value]) -> Vec<(String, String, String)> {
    let bad = findings.iter().filter(|it| it["level"] != "ok");
    bad.map(|it| (text(&it["level"]), text(&it["message"]), text(&it["remedy"]))).collect()
}

/// The only trouble there is: its level, a word of its message, a word of its remedy.
#[track_caller]
fn the_trouble(rig: &Rig, status: i32, level: &str, message: &str, remedy: &str) {
    let findings = checked(rig, status);
    let found = troubles(&findings);
    let [(it, said, now)] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(it, level, "{found:#?}");
    assert!(said.contains(message), "`{message}` is not in {said}");
    assert!(now.contains(remedy), "`{remedy}` is not in {now}");
}

fn finding<'a>(findings: &'a [Value], check: &str) -> &'a Value {
    findings.iter().find(|it| it["check"] == check).unwrap_or_else(|| panic!("no {check} in {findings:#?}"))
}

#[test]
fn a_good_shop_has_nothing_but_ok_and_keeps_no_trace() {
    let rig = shop();
    let findings = checked(&rig, 0);
    assert_eq!(troubles(&findings), vec![], "{findings:#?}");
    assert!(!rig.store().exists(), "looking makes no store");
    let payments = &finding(&findings, "payments")["details"];
    assert_eq!(payments["orders"], 3);
    let kinds: Vec<_> =
        payments["payments"].as_array().unwrap().iter().map(|it| (&it["klarna"], &it["orders"])).collect();
    assert_eq!(kinds, [(&Value::from(true), &Value::from(2)), (&Value::from(false), &Value::from(1))]);
    let ids = &finding(&findings, "klarna ids")["details"];
    assert_eq!((&ids["orders"], &ids["linked"]), (&Value::from(2), &Value::from(2)));
    let places: Vec<_> =
        ids["places"].as_array().unwrap().iter().map(|it| (text(&it["source"]), it["orders"].as_i64())).collect();
    let place = |name: &str, orders| (name.to_owned(), Some(orders));
    assert_eq!(
        places,
        [place("paymentData", 2), place("metafield:klarna_order_id", 0), place("memo", 0), place("events", 0)]
    );
    assert_eq!(finding(&findings, "klarna orders")["details"]["known"], 2);
    assert_eq!(finding(&findings, "shop")["details"]["currency"], "EUR");
    let ran = rig.run(&["check"]);
    ran.ended(0).says("Shop main").says("the API key is accepted").says("sandbox-shop.example").says("sells in EUR");
    assert!(ran.out.lines().skip(1).all(|line| line.starts_with("ok ")), "one line each:\n{}", ran.out);
}

#[test]
fn a_large_shop_costs_a_bounded_number_of_calls() {
    let world = World::seeded(Seed::Orders { count: 600, credit_permille: 300 }, 1, crate::support::now());
    let rig = Rig::new(world, DRIVE);
    let findings = checked(&rig, 0);
    let calls = |side| rig.log().iter().filter(|it| it.side == side).count();
    assert!(calls(Side::Lightspeed) <= 2 + 4 + 20, "{}", calls(Side::Lightspeed));
    assert!(calls(Side::Klarna) <= 1 + 20, "{}", calls(Side::Klarna));
    assert_eq!(finding(&findings, "klarna ids")["details"]["orders"], 20);
}

#[test]
fn a_permission_that_is_missing_is_named() {
    let rig = shop();
    let set = |area: &str, read, write| {
        rig.with(|world| world.accounts_mut().shop_keys[0].permissions.set(area, read, write));
    };
    set("orders", true, false);
    the_trouble(&rig, 3, "problem", "may not write orders", "grant the key write for orders");
    rig.configure("act = false");
    the_trouble(&rig, 0, "warning", "may not write orders", "grant the key write for orders");
    set("orders", false, false);
    let findings = checked(&rig, 3);
    let found = troubles(&findings);
    assert!(found.iter().any(|it| it.1.contains("may not read orders")), "{found:#?}");
    set("orders", true, true);
    set("settings", false, false);
    let found = troubles(&checked(&rig, 3));
    assert!(found.iter().any(|it| it.1.contains("may not read settings")), "{found:#?}");
}

#[test]
fn a_key_that_may_not_write_settings_matters_with_webhooks_only() {
    let rig = shop();
    rig.with(|world| world.accounts_mut().shop_keys[0].permissions.set("settings", true, false));
    assert_eq!(troubles(&checked(&rig, 0)), vec![]);
    rig.configure_as("nl", DRIVE, "[webhooks]\naddress = \"https://hooks.example.org\"");
    the_trouble(&rig, 0, "warning", "may not write settings", "grant the key write for settings");
}

#[test]
fn credentials_that_are_refused_are_named_by_side() {
    let rig = shop();
    let password = std::fs::read_to_string(rig.path("main.klarna-password")).unwrap();
    rig.secret("main.klarna-password", "klarna_test_api_bm90IHRoaXMgb25l");
    the_trouble(&rig, 3, "problem", "Klarna (playground, eu) could not be read: the answer was HTTP 401", "correct");
    rig.secret("main.klarna-password", &password);
    rig.secret("main.lightspeed-secret", "ffffffffffffffffffffffffffffffff");
    the_trouble(&rig, 3, "problem", "the shop could not be read: the answer was HTTP 401", "correct");
}

#[test]
fn a_password_of_the_other_environment_is_refused_before_any_call() {
    let rig = shop();
    rig.secret("main.klarna-password", "klarna_live_api_bm90IHRoaXMgb25l");
    the_trouble(&rig, 2, "problem", "the password is one of the production environment", "correct");
    assert_eq!(rig.log().len(), 0);
}

#[test]
fn every_mistake_of_the_configuration_is_a_problem_of_its_own() {
    let rig = shop();
    rig.configure("act = \"perhaps\"\ngrace = \"soon\"");
    let findings = checked(&rig, 2);
    assert_eq!(findings.len(), 2, "{findings:#?}");
    rig.run(&["check"]).ended(2).says("policy.act").says("policy.grace").says("problem");
}

#[test]
fn a_clock_that_is_off_by_more_than_two_minutes_is_told() {
    let rig = shop();
    rig.with(|world| world.advance_clock(MINUTE));
    assert_eq!(troubles(&checked(&rig, 0)), vec![]);
    rig.with(|world| world.advance_clock(9 * MINUTE));
    let found = troubles(&checked(&rig, 0));
    let clocks: Vec<_> = found.iter().filter(|it| it.1.contains("clock")).collect();
    assert_eq!(clocks.len(), 2, "{found:#?}");
    for (clock, side) in clocks.iter().zip(["Lightspeed", "Klarna"]) {
        assert!(clock.0 == "warning" && clock.1.contains("behind") && clock.1.contains(side), "{clock:?}");
        assert!(clock.2.contains("NTP"), "{clock:?}");
    }
}

#[test]
fn a_shop_without_klarna_orders_shows_what_it_has_instead() {
    let rig = Rig::empty(DRIVE);
    the_trouble(&rig, 0, "warning", "no orders yet", "check again");
    for _ in 0..2 {
        rig.place(&NewOrder { klarna: None, ..NewOrder::of(2_000, KlarnaStart::Authorized) });
    }
    the_trouble(&rig, 0, "warning", "\"Bank transfer\" (banktransfer): 2", "[shops.main.match] payment");
}

#[test]
fn orders_that_name_no_klarna_order_are_told_with_the_key_to_set() {
    let rig = Rig::empty(DRIVE);
    let new = NewOrder::of(2_000, KlarnaStart::Captured);
    rig.place(&NewOrder { klarna_id: Some(KlarnaIdLocation::Memo), ..new.clone() });
    assert_eq!(troubles(&checked(&rig, 0)), vec![]);
    rig.place(&NewOrder { klarna_id: Some(KlarnaIdLocation::None), ..new });
    the_trouble(&rig, 0, "warning", "of 2 orders paid with Klarna and looked at, 1 named", "klarna_order_id");
}

#[test]
fn an_account_that_knows_none_of_the_orders_is_the_wrong_one() {
    let rig = shop();
    let other = Rig::empty(DRIVE);
    let config = std::fs::read_to_string(rig.path("reconciled.toml")).unwrap();
    let (own, others) = (rig.klarna_address().to_string(), other.klarna_address().to_string());
    std::fs::write(rig.path("reconciled.toml"), config.replace(&own, &others)).unwrap();
    the_trouble(&rig, 2, "problem", "knows none of 2 orders", "account and environment");
}

#[test]
fn another_who_refunds_is_seen_and_verify_recommended() {
    let rig = Rig::empty(DRIVE);
    let (order, _) = rig.returned(5_035, 4_495);
    rig.returned(6_000, 1_000);
    let klarna = order.klarna.unwrap();
    rig.with(|world| world.portal_refund(klarna, Some(100), None)).unwrap();
    assert_eq!(troubles(&checked(&rig, 0)), vec![], "an amount that fits no credit invoice is no such actor");
    rig.with(|world| world.portal_refund(klarna, Some(4_495), None)).unwrap();
    the_trouble(&rig, 0, "warning", "1 refund of a credit invoice's exact amount", "refunds = \"verify\"");
    rig.configure(&format!("{DRIVE}\nrefunds = \"verify\""));
    assert_eq!(troubles(&checked(&rig, 0)), vec![]);
}

#[test]
fn our_own_refunds_are_nobody_elses() {
    for carried in ["true", "false"] {
        let rig = Rig::empty(DRIVE);
        rig.switch("klarna.reads_carry_reference", carried);
        rig.returned(5_035, 4_495);
        rig.passes_until_quiet(4).ended(0);
        let findings = checked(&rig, 0);
        assert_eq!(troubles(&findings), vec![], "{carried}");
        assert_eq!(finding(&findings, "other actors")["details"]["refunds"], 0);
        assert!(text(&finding(&findings, "store")["message"]).contains("belongs to this shop"), "{findings:#?}");
    }
}

#[test]
fn a_store_of_another_shop_is_refused() {
    let rig = shop();
    rig.pass();
    rig.with(|world| world.accounts_mut().shop_id = 999);
    the_trouble(&rig, 2, "problem", "belongs to shop 356891", "never mix two");
}

#[test]
fn a_store_that_is_no_store_is_told() {
    let rig = shop();
    std::fs::write(rig.store(), "not a database").unwrap();
    the_trouble(&rig, 3, "problem", "reconciled.db", "restore a backup");
}

#[test]
fn every_shop_is_checked_unless_one_is_named() {
    let rig = shop();
    let config = std::fs::read_to_string(rig.path("reconciled.toml")).unwrap();
    let (_, shop) = config.split_once("[shops.main.lightspeed]").unwrap();
    let second = format!("[shops.main.lightspeed]{shop}")
        .replace("[shops.main.", "[shops.second.")
        .replace("region = \"eu\"", "region = \"na\"");
    std::fs::write(rig.path("reconciled.toml"), format!("{config}\n{second}")).unwrap();
    let shops = |findings: &[Value]| {
        let mut names: Vec<String> = findings.iter().map(|it| text(&it["shop"])).collect();
        names.dedup();
        names
    };
    assert_eq!(shops(&checked(&rig, 0)), ["main", "second"]);
    let one = rig.run(&["--shop", "second", "check", "--json"]).ended(0).json();
    assert_eq!(shops(one["findings"].as_array().unwrap()), ["second"]);
}

#[test]
fn a_source_that_is_silent_is_never_ok() {
    let rig = shop();
    let drop = reconciled_sandbox::FaultKind::Status { code: 503, format: reconciled_sandbox::BodyFormat::Html };
    rig.fault_always(Side::Klarna, "GET", "*", drop);
    the_trouble(&rig, 3, "problem", "Klarna (playground, eu) could not be read", "check again later");
}

#[test]
fn checkpoints_are_looked_at_where_they_are_asked_for() {
    let rig = shop();
    let section = "[checkpoints]\ndirectory = \"signed\"\nkey_file = \"checkpoint.key\"";
    assert!(checked(&rig, 0).iter().all(|it| it["check"] != "checkpoints"));
    rig.configure_as("nl", DRIVE, section);
    rig.run(&["check"]).ended(2).says("checkpoints.key_file");
    rig.run(&["audit", "key", "--new", rig.path("checkpoint.key").to_str().unwrap()]).ended(0);
    let told = |rig: &Rig| text(&finding(&checked(rig, 0), "checkpoints")["message"]);
    assert!(told(&rig).contains("nothing is signed yet"));
    rig.pass();
    rig.run(&["audit", "checkpoint"]).ended(0);
    assert!(told(&rig).contains("the newest one signs"), "{}", told(&rig));
    std::fs::write(rig.path("signed/main-999999999999-00000000.checkpoint"), "nothing").unwrap();
    the_trouble(&rig, 3, "problem", "no checkpoint", "move a file away");
    rig.run(&["audit", "checkpoint"]).ended(3).says("999999999999");
}
