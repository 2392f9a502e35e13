//! Hints wake a pass and do nothing else, and health says how the service is.

use md5::{Digest as _, Md5};
use reconciled::web::HookEndpoint;
use reconciled_core::id::ShopName;
use reconciled_sandbox::{BodyFormat, FaultKind, Side};

use crate::service::{OFTEN, RARELY, Service, is_paid};
use crate::support::{DRIVE, Rig, wait_until};

/// The address of the shop's endpoint, as the program prints it, and the shop's secret.
fn endpoint(rig: &Rig) -> (String, String) {
    let secret = std::fs::read_to_string(rig.path("main.lightspeed-secret")).unwrap();
    let token = HookEndpoint { shop: ShopName("main".into()), shop_id: None, secret: secret.clone().into() };
    (format!("/hook/{}", token.token()), secret)
}

fn sign(body: &str, secret: &str) -> String {
    let mut hash = Md5::new();
    hash.update(body.as_bytes());
    hash.update(secret.as_bytes());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn with_door(schedule: &str) -> String {
    format!("{schedule}\n[webhooks]\naddress = \"https://hooks.example.org\"\n")
}

#[test]
fn a_signed_hint_brings_a_pass_at_once() {
    let rig = Rig::empty(DRIVE);
    let service = Service::start(&rig, DRIVE, &with_door(RARELY));
    service.passes_beyond(0);
    let (order, _) = rig.returned(5000, 2000);
    let (path, secret) = endpoint(&rig);
    let body = r#"{"invoice":{"id":1}}"#;
    let (status, _) = service.ask("POST", &path, &[("X-Signature", &sign(body, &secret))], body);
    assert_eq!(status, 200);
    wait_until("the credit invoice is paid", || is_paid(&rig, &order));
    assert_eq!(service.figure("reconciled_hints_total{result=\"woke\"}"), Some(1));
    assert_eq!(service.terminate(), 0);
}

#[test]
fn forged_hints_change_a_counter_and_nothing_else() {
    let rig = Rig::empty(DRIVE);
    let service = Service::start(&rig, DRIVE, &with_door(RARELY));
    service.passes_beyond(0);
    let (path, secret) = endpoint(&rig);
    let body = r#"{"order":{"id":1,"status":"cancelled"}}"#;
    let right = sign(body, &secret);
    let huge = "x".repeat(3 * 1024 * 1024);
    let elsewhere = "/hook/0123456789012345678901234567890123456789";
    rig.clear_log();
    let forged: Vec<u16> = [
        service.ask("POST", &path, &[], body),
        service.ask("POST", &path, &[("X-Signature", "00000000000000000000000000000000")], body),
        service.ask("POST", &path, &[("X-Signature", &right)], "{}"),
        service.ask("POST", elsewhere, &[("X-Signature", &right)], body),
    ]
    .into_iter()
    .map(|(status, _)| status)
    .collect();
    assert_eq!(forged, [404, 404, 404, 404]);
    let (status, _) = service.ask("POST", &path, &[("X-Signature", &right)], &huge);
    assert!(status == 413 || status == 0, "{status}");
    let (status, _) = service.ask("GET", &path, &[], "");
    assert_eq!(status, 405);
    assert_eq!(service.figure("reconciled_hints_total{result=\"refused\"}"), Some(4));
    assert_eq!(service.figure("reconciled_passes_total"), Some(1));
    assert!(rig.log().is_empty(), "no call was made for a forged hint");
    assert_eq!(service.terminate(), 0);
}

#[test]
fn a_replayed_hint_costs_a_bounded_number_of_passes() {
    let rig = Rig::empty(DRIVE);
    let service = Service::start(&rig, DRIVE, &with_door(RARELY));
    service.passes_beyond(0);
    let (path, secret) = endpoint(&rig);
    let body = r#"{"order":{"id":1}}"#;
    let signature = sign(body, &secret);
    for _ in 0..200 {
        service.ask("POST", &path, &[("X-Signature", &signature)], body);
    }
    service.passes_beyond(1);
    let passes = service.figure("reconciled_passes_total").unwrap();
    assert!(passes <= 4, "{passes} passes");
    assert_eq!(service.terminate(), 0);
}

#[test]
fn a_door_is_shut_unless_it_was_asked_for() {
    let rig = Rig::empty(DRIVE);
    let service = Service::start(&rig, DRIVE, RARELY);
    let (path, secret) = endpoint(&rig);
    let (status, _) = service.ask("POST", &path, &[("X-Signature", &sign("{}", &secret))], "{}");
    assert_eq!(status, 404);
    assert_eq!(service.terminate(), 0);
}

#[test]
fn health_tells_a_shop_that_cannot_be_checked() {
    let rig = Rig::empty(DRIVE);
    let service = Service::start(&rig, DRIVE, OFTEN);
    wait_until("it is ready", || service.ask("GET", "/readyz", &[], "").0 == 200);
    rig.fault_always(Side::Lightspeed, "GET", "*", FaultKind::Status { code: 401, format: BodyFormat::Json });
    wait_until("it says that a shop is late", || service.ask("GET", "/readyz", &[], "").0 == 503);
    let (status, body) = service.ask("GET", "/readyz", &[], "");
    assert!(status == 503 && body.contains("main: no pass has checked everything since"), "{status} {body}");
    assert_eq!(service.ask("GET", "/healthz", &[], "").0, 200, "the service itself is well");
    wait_until("such passes are counted", || service.figure("reconciled_incomplete_passes_total") > Some(0));
    assert_eq!(service.terminate(), 0);
}

#[test]
fn figures_follow_what_happens() {
    let rig = Rig::demo(DRIVE);
    let service = Service::start(&rig, DRIVE, OFTEN);
    service.passes_beyond(3);
    let (_, text) = service.ask("GET", "/metrics", &[], "");
    for line in [
        "reconciled_open_breaks{shop=\"main\",kind=\"refund_unattributed\",severity=\"money\"} 1",
        "reconciled_open_intents{shop=\"main\",state=\"unknown\"}",
        "reconciled_last_complete_pass_timestamp_seconds{shop=\"main\"}",
        "reconciled_effects_total{shop=\"main\",outcome=\"confirmed\"}",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    rig.keeps_quiet(&text);
    assert_eq!(service.terminate(), 0);
}
