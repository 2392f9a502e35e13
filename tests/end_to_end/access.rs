//! Credentials, permissions, environments and configurations that are wrong: a clear word, a remedy, nothing written.

use reconciled_sandbox::{FaultKind, ShopKey, Side};

use crate::support::{DRIVE, Ran, Rig, text};

fn rig() -> Rig {
    let rig = Rig::empty(DRIVE);
    rig.returned(5_035, 4_495);
    rig
}

/// The pass ends so, says these words to a person, and writes nothing.
#[track_caller]
fn fails(rig: &Rig, status: i32, words: &[&str]) -> Ran {
    rig.clear_log();
    let ran = rig.run(&["reconcile"]);
    ran.ended(status);
    let all = format!("{}\n{}", ran.out, ran.err).to_lowercase();
    for word in words {
        assert!(all.contains(&word.to_lowercase()), "`{word}` is missing in:\n{all}");
    }
    assert_eq!(rig.writes(), vec![]);
    ran
}

#[test]
fn a_wrong_key_of_the_shop_is_named_with_its_remedy() {
    let rig = rig();
    rig.secret("main.lightspeed-secret", "ffffffffffffffffffffffffffffffff");
    fails(&rig, 3, &["lightspeed", "401", "key"]);
    assert_eq!(rig.log().len(), 1, "a refused credential is not tried again and again");
}

#[test]
fn a_wrong_password_at_klarna_is_named_with_its_remedy() {
    let rig = rig();
    rig.secret("main.klarna-password", "klarna_test_api_bm90IHRoaXMgb25l");
    fails(&rig, 3, &["klarna", "401", "password"]);
}

#[test]
fn a_key_that_may_not_read_orders_is_named_with_its_remedy() {
    let rig = rig();
    rig.with(|world| world.accounts_mut().shop_keys[0].permissions.set("orders", false, false));
    fails(&rig, 3, &["403", "permission", "orders"]);
}

#[test]
fn a_key_that_may_not_write_orders_refunds_and_says_what_it_could_not_mark() {
    let rig = rig();
    rig.with(|world| world.accounts_mut().shop_keys[0].permissions.set("orders", true, false));
    let ran = rig.run(&["reconcile"]);
    assert_ne!(ran.status, 0);
    ran.says("permission");
    // It goes on saying why, as long as it is so.
    let again = rig.run(&["reconcile"]);
    assert_ne!(again.status, 0);
    again.says("permission");
    rig.with(|world| world.accounts_mut().shop_keys[0].permissions.set("orders", true, true));
    rig.passes_until_quiet(3).ended(0);
    rig.everything_is_settled();
}

#[test]
fn one_refused_write_pauses_the_marking_and_every_pass_says_what_is_missing() {
    let rig = Rig::empty(DRIVE);
    let returned: Vec<_> = (0..6).map(|_| rig.returned(5_035, 4_495).1).collect();
    rig.with(|world| world.accounts_mut().shop_keys[0].permissions.set("orders", true, false));
    for _ in 0..2 {
        rig.clear_log();
        let pass = rig.pass();
        pass.ended(3);
        let told = pass.list("not_checked").iter().find(|it| it["what"] == "Lightspeed");
        let told = told.unwrap_or_else(|| panic!("{:#}", pass.json));
        for word in ["403", "permission to write orders", "invoices"] {
            assert!(text(&told["why"]).contains(word), "{told}");
        }
        let puts = rig.writes().into_iter().filter(|it| it.method == "PUT").count();
        assert_eq!(puts, 1, "the others wait: {:#}", pass.json);
        let held = pass.list("effects").iter().filter(|it| it["kind"] == "mark_paid" && it["outcome"] == "held");
        assert_eq!(held.count(), 5, "the one that was asked for is asked for again: {:#}", pass.json);
        for credit in &returned {
            assert_eq!(rig.invoice_status(credit), "not_paid");
        }
    }
    rig.with(|world| world.accounts_mut().shop_keys[0].permissions.set("orders", true, true));
    rig.passes_until_quiet(4).ended(0);
    rig.everything_is_settled();
    rig.audit();
}

#[test]
fn a_password_of_the_other_environment_is_refused_before_any_request() {
    let rig = rig();
    rig.secret("main.klarna-password", "klarna_live_api_bm90IHRoaXMgb25l");
    fails(&rig, 2, &["playground", "klarna"]);
    assert_eq!(rig.log().len(), 0);
}

#[test]
fn an_account_that_does_not_know_the_orders_is_a_break_and_nothing_is_written() {
    let rig = rig();
    let made = reconciled_sandbox::World::seeded(reconciled_sandbox::Seed::Empty, 9, crate::support::now());
    // Another merchant's account: the same shop, an empty Klarna.
    let other = Rig::new(made, DRIVE);
    let text = std::fs::read_to_string(rig.path("reconciled.toml")).unwrap();
    let own = format!("http://{}", rig.klarna_address());
    let text = text.replace(&own, &format!("http://{}", other.klarna_address()));
    std::fs::write(rig.path("reconciled.toml"), text).unwrap();
    let pass = rig.pass();
    pass.ended(1);
    assert_eq!(pass.breaks_of("ORD00001"), ["klarna_order_not_found"]);
    assert_eq!((rig.writes(), other.writes()), (vec![], vec![]));
}

#[test]
fn a_shop_whose_currency_is_not_its_default_is_not_read() {
    let rig = rig();
    let text = "{\"shop\":{\"id\":1,\"currency\":{\"shortcode\":\"eur\",\"isDefault\":false}}}".to_owned();
    rig.fault(Side::Lightspeed, "GET", "*/shop.json", FaultKind::Body { text }, false);
    fails(&rig, 3, &["the shop", "default currency"]);
    assert_eq!(rig.log().len(), 1, "nothing else is read");
    rig.passes_until_quiet(3).ended(0);
    rig.everything_is_settled();
}

#[test]
fn a_language_that_the_shop_does_not_have_is_named() {
    let rig = rig();
    rig.configure_as("de", DRIVE, "");
    fails(&rig, 3, &["language", "de"]);
}

#[test]
fn a_configuration_that_is_wrong_ends_with_two_and_names_the_key() {
    for (policy, words) in [
        ("act = maybe", &["act"][..]),
        ("act = \"yes\"", &["act", "yes"]),
        ("refunds = \"drove\"", &["refunds", "drove", "drive"]),
        ("refund_afte = \"1 minutes\"", &["refund_afte", "refund_after"]),
        ("grace = \"soon\"", &["grace", "soon"]),
        ("refund_limit_per_day = \"-1\"", &["refund_limit_per_day", "-1"]),
        ("refund_limit_per_day = 100", &["refund_limit_per_day"]),
    ] {
        let rig = rig();
        rig.configure(policy);
        fails(&rig, 2, words);
        assert_eq!(rig.log().len(), 0);
    }
}

#[test]
fn a_secret_in_the_configuration_itself_is_refused_and_not_repeated() {
    let rig = rig();
    let text = std::fs::read_to_string(rig.path("reconciled.toml")).unwrap();
    let text = text.replace("password_file = \"main.klarna-password\"", "password = \"CANARY_in_the_file\"");
    std::fs::write(rig.path("reconciled.toml"), text).unwrap();
    let ran = fails(&rig, 2, &["password", "password_file"]);
    assert!(!ran.err.contains("CANARY") && !ran.out.contains("CANARY"), "{ran:?}");
}

#[test]
fn usage_errors_end_with_two() {
    let rig = rig();
    for arguments in [
        &["reconcile", "--sinse", "x"][..],
        &["reconcile", "--since", "yesterday"],
        &["reconcile", "--full", "--since", "2026-01-01"],
        &["show", "ORD99999"],
        &["breaks", "show", "99"],
        &["frobnicate"],
        &["show", "\u{1b}[31mORD00001"],
    ] {
        rig.run(arguments).ended(2);
    }
}

#[test]
fn a_second_key_of_the_shop_works_like_the_first() {
    let rig = rig();
    let key = ShopKey::new("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
    rig.with(|world| world.accounts_mut().shop_keys = vec![key]);
    rig.secret("main.lightspeed-key", "0123456789abcdef0123456789abcdef");
    rig.secret("main.lightspeed-secret", "fedcba9876543210fedcba9876543210\n");
    rig.pass().ended(0);
    rig.everything_is_settled();
}
