//! A shop that works through an agency's app: installed, worked for, removed and installed again, over the wire.

use std::fs;

use reconciled_sandbox::AppRegistration;

use crate::service::{RARELY, Service, free, is_paid};
use crate::support::{DRIVE, Ran, Rig, wait_until};

const KEY: &str = "61707020206b65792020303030303031";
const SECRET: &str = "61707020736563726574203030303031";
const SEAL: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const SECTION: &str = "[app]\nkey_file = \"app.key\"\nsecret_file = \"app.secret\"\nseal_key_file = \"app.seal-key\"\n\
                       tokens = \"tokens\"\n";

/// A rig whose shop takes no key but the app's, and a service that waits for its installation.
fn rig() -> Rig {
    let rig = Rig::empty(DRIVE);
    rig.with(|world| world.accounts_mut().shop_keys.clear());
    for (name, secret) in [("app.key", KEY), ("app.secret", SECRET), ("app.seal-key", SEAL)] {
        rig.secret(name, secret);
    }
    rig
}

fn start(rig: &Rig) -> Service<'_> {
    let address = free();
    let hooks = format!("[webhooks]\naddress = \"http://{address}\"\n");
    configure(rig, &format!("{RARELY}\n{hooks}\n{SECTION}\n[server]\nlisten = \"{address}\"\n"));
    let service = Service::start_as_configured(rig, address);
    service.waits_for("the service is ready");
    service
}

/// The rig's configuration with a shop that has no key of its own.
fn configure(rig: &Rig, more: &str) {
    rig.configure_as("nl", DRIVE, more);
    let path = rig.path("reconciled.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("api_key_file = \"main.lightspeed-key\"\n", "app_shop_id = \"000356891\"\n");
    fs::write(path, text.replace("api_secret_file = \"main.lightspeed-secret\"\n", "")).unwrap();
}

fn registration(service: &Service<'_>) -> AppRegistration {
    let address = format!("http://{}/app", service.address);
    AppRegistration { key: KEY.to_owned(), secret: SECRET.to_owned(), address }
}

/// The merchant installs the app; what the browser is sent to, from the slash on.
fn install(rig: &Rig, service: &Service<'_>) -> String {
    local(&rig.with(|world| world.install_app(&registration(service))))
}

fn local(address: &str) -> String {
    let (_, path) = address.split_once("://").unwrap();
    path[path.find('/').unwrap()..].to_owned()
}

fn visit(service: &Service<'_>, path: &str) -> u16 {
    service.ask("GET", path, &[], "").0
}

/// Redirects carry whole seconds, and of two the newer counts.
fn a_second_later(rig: &Rig) {
    rig.with(|world| world.advance_clock(1_000));
}

fn quiet(rig: &Rig, said: &str) {
    rig.keeps_quiet(said);
    for secret in [KEY, SECRET, SEAL] {
        assert!(!said.contains(secret), "{said}");
    }
}

fn refused(rig: &Rig, arguments: &[&str], words: &str) -> Ran {
    let ran = rig.run(arguments);
    ran.ended(3).says(words);
    quiet(rig, &ran.err);
    ran
}

#[test]
fn an_installed_app_works_in_every_command_until_it_is_removed() {
    let rig = rig();
    let service = start(&rig);
    let (order, credit) = rig.returned(5000, 2000);
    refused(&rig, &["check"], "the app was never installed in shop 356891");
    refused(&rig, &["reconcile"], "the app was never installed in shop 356891");
    let path = install(&rig, &service);
    let (status, body) = service.ask("GET", &path, &[], "");
    assert_eq!((status, body.contains("installed")), (200, true), "{body}");
    wait_until("the credit invoice is paid", || is_paid(&rig, &order));
    assert_eq!(rig.pair(&order).refunded_under(&credit), 2000);
    rig.run(&["check"]).ended(0).says("the API key is accepted");
    rig.run(&["reconcile"]).ended(0);
    rig.run(&["webhooks", "install"]).ended(0).says("5 of this service");
    let (order, _) = rig.returned(4000, 1000);
    wait_until("a webhook signed with the app's secret brings a pass", || is_paid(&rig, &order));

    a_second_later(&rig);
    let removal = rig.with(|world| world.uninstall_app(&registration(&service))).unwrap();
    assert_eq!(visit(&service, &local(&removal)), 200);
    refused(&rig, &["reconcile"], "the app was removed from shop 356891");
    assert_eq!(visit(&service, &path), 403, "the first installation does not come back");
    a_second_later(&rig);
    assert_eq!(visit(&service, &install(&rig, &service)), 200);
    rig.run(&["reconcile"]).ended(0);
    assert_eq!(service.figure("reconciled_installations_total{result=\"granted\"}"), Some(2));
    assert_eq!(service.figure("reconciled_installations_total{result=\"refused\"}"), Some(1));
    let said = service.said();
    quiet(&rig, &said);
    assert!(!said.contains(token(&path)), "{said}");
    assert_eq!(service.terminate(), 0);
    rig.audit();
}

fn token(path: &str) -> &str {
    let (_, rest) = path.split_once("token=").unwrap();
    &rest[..32]
}

#[test]
fn forged_stale_replayed_and_strange_redirects_change_a_counter_and_nothing_else() {
    let rig = rig();
    let service = start(&rig);
    let right = install(&rig, &service);
    rig.with(|world| world.advance_clock(-3_600_000));
    let stale = install(&rig, &service);
    rig.with(|world| world.accounts_mut().shop_id = 1001);
    rig.with(|world| world.advance_clock(3_600_000));
    let elsewhere = install(&rig, &service);
    let forged = right.replace(token(&right), "0123456789abcdef0123456789abcdef");
    for path in [&stale, &elsewhere, &forged, "/app", "/app?token="] {
        assert_eq!(visit(&service, path), 403, "{path}");
    }
    assert_eq!(service.ask("POST", &right, &[], "").0, 405);
    assert!(!rig.path("tokens").exists(), "nothing was kept");
    assert_eq!(visit(&service, &right), 200);
    let kept = fs::read_to_string(rig.path("tokens/main.token")).unwrap();
    assert!(!kept.contains(token(&right)), "{kept}");
    assert_eq!(visit(&service, &right), 403, "once only");
    assert_eq!(fs::read_to_string(rig.path("tokens/main.token")).unwrap(), kept);
    assert_eq!(service.figure("reconciled_installations_total{result=\"refused\"}"), Some(6));
    assert_eq!(service.terminate(), 0);
}

#[test]
fn a_token_that_was_tampered_with_or_has_another_key_is_refused_and_a_new_installation_mends_it() {
    let rig = rig();
    let service = start(&rig);
    assert_eq!(visit(&service, &install(&rig, &service)), 200);
    rig.run(&["check"]).ended(0);
    let file = rig.path("tokens/main.token");
    let whole = fs::read_to_string(&file).unwrap();
    let last = whole.rfind("\"}").unwrap() - 1;
    let mut changed = whole.clone();
    changed.replace_range(last..=last, if &whole[last..=last] == "0" { "1" } else { "0" });
    fs::write(&file, changed).unwrap();
    refused(&rig, &["reconcile"], "does not open");
    fs::write(&file, &whole).unwrap();
    rig.secret("app.seal-key", &"ab".repeat(32));
    refused(&rig, &["check"], "does not open");
    rig.secret("app.seal-key", SEAL);
    rig.run(&["check"]).ended(0);
    fs::write(&file, "{}").unwrap();
    refused(&rig, &["check"], "not one of this program's");
    a_second_later(&rig);
    assert_eq!(visit(&service, &install(&rig, &service)), 200);
    rig.run(&["check"]).ended(0);
    assert_eq!(service.terminate(), 0);
}

#[test]
fn without_an_app_nobody_is_received() {
    let rig = Rig::empty(DRIVE);
    let service = Service::start(&rig, DRIVE, RARELY);
    let path = install(&rig, &service);
    assert_eq!((visit(&service, &path), visit(&service, "/app")), (404, 404));
    assert_eq!(service.terminate(), 0);
}

#[test]
fn what_an_app_lacks_is_said_at_once_and_without_secrets() {
    let rig = rig();
    configure(&rig, "[app]\nkey_file = \"app.key\"\n");
    let ran = rig.run(&["check"]);
    ran.ended(2).says("app.secret_file: no secret").says("systemd credential `app.seal-key`");
    rig.secret("app.seal-key", &"a".repeat(63));
    configure(&rig, SECTION);
    let ran = rig.run(&["run"]);
    ran.ended(2).says("app.seal_key_file: it must be 64 hexadecimal digits");
    quiet(&rig, &ran.err);
    configure(&rig, "");
    rig.run(&["check"]).ended(2).says("shops.main.lightspeed.app_shop_id needs a section [app]");
    rig.configure_as("nl", DRIVE, SECTION);
    let path = rig.path("reconciled.toml");
    let text = fs::read_to_string(&path).unwrap().replace("api_key_file", "app_shop_id = \"1\"\napi_key_file");
    fs::write(path, text).unwrap();
    rig.run(&["check"]).ended(2).says("api_key_file and api_secret_file must go");
}
