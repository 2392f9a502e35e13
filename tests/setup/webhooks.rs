//! `webhooks`: made once, found again, removed whole; nobody else's are touched; and a hook really brings a refund.

use reconciled_sandbox::{FaultKind, Reply, Request, Side};
use serde_json::{Value, json};

use crate::service::{RARELY, Service, is_paid};
use crate::support::{DRIVE, Rig, now, wait_until};

const OURS: &str = "https://hooks.example.org/hook/";

fn rig() -> Rig {
    let rig = Rig::empty(DRIVE);
    rig.configure_as("nl", DRIVE, "[webhooks]\naddress = \"https://hooks.example.org/\"");
    rig
}

/// A call to the shop with the rig's own key.
#[track_caller]
fn ask(rig: &Rig, method: &str, path: &str, body: &Value) -> Value {
    let header = rig.with(|world| world.accounts().shop_authorization());
    let request = Request::new(method, path).with_header("Authorization", &header).with_body(body.to_string());
    let reply = rig.with(|world| world.handle(Side::Lightspeed, &request, now()));
    let Reply::Respond(response) = reply else { panic!("no answer") };
    assert!(response.status < 300, "{} {}", response.status, String::from_utf8_lossy(&response.body));
    serde_json::from_slice(&response.body).unwrap()
}

/// Every registration, as (group/action, address, active).
fn registered(rig: &Rig) -> Vec<(String, String, bool)> {
    let all = ask(rig, "GET", "/nl/webhooks.json", &Value::Null);
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let row = |it: &Value| {
        let event = format!("{}/{}", text(&it["itemGroup"]), text(&it["itemAction"]));
        (event, text(&it["address"]), it["isActive"].as_bool().unwrap())
    };
    let mut rows: Vec<_> = all["webhooks"].as_array().unwrap().iter().map(row).collect();
    rows.sort();
    rows
}

fn register(rig: &Rig, group: &str, action: &str, address: &str) {
    let fields =
        json!({"isActive": true, "itemGroup": group, "itemAction": action, "language": "nl", "address": address});
    ask(rig, "POST", "/nl/webhooks.json", &json!({ "webhook": fields }));
}

#[test]
fn installing_twice_is_installing_once() {
    let rig = rig();
    let ran = rig.run(&["webhooks", "install"]);
    ran.ended(0).says("registered").says("5 of this service, 0 of others");
    let first = registered(&rig);
    let events: Vec<&str> = first.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(events, ["invoices/created", "invoices/updated", "orders/created", "orders/paid", "orders/updated"]);
    let token = first[0].1.strip_prefix(OURS).unwrap().to_owned();
    assert_eq!(token.len(), 40);
    assert!(first.iter().all(|it| it.1 == first[0].1 && it.2));
    assert!(!ran.out.contains(&token) && !ran.err.contains(&token), "who knows the address may knock");
    rig.clear_log();
    rig.run(&["webhooks", "install"]).ended(0).says("registered");
    assert_eq!((registered(&rig), rig.writes()), (first, vec![]));
    let json = rig.run(&["webhooks", "list", "--json"]).ended(0).json();
    assert_eq!(json["shops"][0]["webhooks"].as_array().map(Vec::len), Some(5));
}

#[test]
fn only_what_is_ours_is_ever_touched() {
    let rig = rig();
    register(&rig, "orders", "created", "https://erp.example.org/in");
    register(&rig, "orders", "created", "https://hooks.example.org/hooks/other");
    let others = registered(&rig);
    register(&rig, "orders", "created", &format!("{OURS}0123456789012345678901234567890123456789"));
    register(&rig, "tickets", "created", &format!("{OURS}0123456789012345678901234567890123456789"));
    rig.run(&["webhooks", "list"]).ended(0).says("outdated address").says("2 of others");
    rig.run(&["webhooks", "install"]).ended(0).says("removed").says("2 of others");
    let after = registered(&rig);
    assert_eq!(after.len(), 7);
    assert!(others.iter().all(|it| after.contains(it)), "{after:#?}");
    assert!(!after.iter().any(|it| it.1.ends_with("0123456789")), "the old address is gone: {after:#?}");
    rig.run(&["webhooks", "remove"]).ended(0).says("removed");
    assert_eq!(registered(&rig), others);
    rig.run(&["webhooks", "remove"]).ended(0);
}

#[test]
fn a_dry_run_says_and_does_not() {
    let rig = rig();
    rig.run(&["webhooks", "install", "--dry-run"]).ended(1).says("missing");
    assert_eq!((registered(&rig), rig.writes()), (vec![], vec![]));
    rig.run(&["webhooks", "install"]).ended(0);
    rig.clear_log();
    rig.run(&["webhooks", "install", "--dry-run"]).ended(0);
    rig.run(&["webhooks", "remove", "--dry-run"]).ended(1).says("to be removed");
    assert_eq!((registered(&rig).len(), rig.writes()), (5, vec![]));
}

#[test]
fn the_kill_switch_holds_registrations_too() {
    let rig = rig();
    rig.pass();
    rig.run(&["stop", "--note", "looking"]).ended(0);
    rig.run(&["webhooks", "install"]).ended(1).says("resume");
    assert_eq!(registered(&rig), vec![]);
    rig.run(&["resume"]).ended(0);
    rig.run(&["webhooks", "install"]).ended(0);
}

#[test]
fn a_shop_without_room_is_left_as_it_was() {
    let rig = rig();
    for number in 0..6 {
        register(&rig, "orders", "created", &format!("https://erp.example.org/{number}"));
    }
    let before = registered(&rig);
    rig.clear_log();
    rig.run(&["webhooks", "install"]).ended(3).says("the shop allows 10").says("other programs have 6");
    assert_eq!((registered(&rig), rig.writes()), (before, vec![]));
}

#[test]
fn an_answer_that_is_lost_is_found_by_the_same_command() {
    let rig = rig();
    rig.fault(Side::Lightspeed, "POST", "*/webhooks.json", FaultKind::Drop, true);
    rig.run(&["webhooks", "install"]).ended(3).says("not known").says("goes on from here");
    assert_eq!(registered(&rig).len(), 1, "it happened");
    rig.run(&["webhooks", "install"]).ended(0);
    assert_eq!(registered(&rig).len(), 5);
}

#[test]
fn a_key_that_may_not_write_settings_is_told_so() {
    let rig = rig();
    rig.with(|world| world.accounts_mut().shop_keys[0].permissions.set("settings", true, false));
    rig.run(&["webhooks", "install"]).ended(3).says("403").says("permission to write settings");
}

#[test]
fn without_an_address_nothing_can_be_installed() {
    let rig = Rig::empty(DRIVE);
    rig.run(&["webhooks", "install"]).ended(2).says("[webhooks] address");
    rig.configure_as("nl", DRIVE, "[webhooks]\naddress = \"https://hooks.example.org\"\n[server]\nlisten = \"off\"");
    rig.run(&["webhooks", "install"]).ended(2).says("listen");
    rig.run(&["webhooks", "remove"]).ended(0);
}

/// The schedule looks once, at the start; so what is refunded after that, a hook brought.
#[test]
fn a_return_in_the_shop_is_refunded_because_the_shop_said_so() {
    let rig = Rig::empty(DRIVE);
    let address = crate::service::free();
    let more = format!("{RARELY}\n[webhooks]\naddress = \"http://{address}\"\n[server]\nlisten = \"{address}\"\n");
    rig.configure_as("nl", DRIVE, &more);
    rig.run(&["webhooks", "install"]).ended(0);
    let service = Service::start_as_configured(&rig, address);
    service.waits_for("the service is ready");
    service.passes_beyond(0);
    let (order, credit) = rig.returned(5_000, 2_000);
    wait_until("the credit invoice is paid", || is_paid(&rig, &order));
    assert_eq!(rig.pair(&order).refunded_under(&credit), 2_000);
    assert!(service.figure("reconciled_hints_total{result=\"woke\"}") > Some(0));
    assert_eq!(service.figure("reconciled_hints_total{result=\"refused\"}").unwrap_or(0), 0);
    assert_eq!(service.terminate(), 0);
    rig.audit();
}
