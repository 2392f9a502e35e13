//! The configuration: what is accepted, every refusal with its exact words, and that no secret is ever printed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and its helpers with it")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use reconciled::config::{self, ConfigError, Environment, Loaded, Request, StoreUrl};
use reconciled_core::discrepancy::Severity;
use reconciled_core::fulfilment::Fulfilled;
use reconciled_core::policy::{CaptureOn, Mode};
use secrecy::ExposeSecret as _;

/// Stands for every secret; if any message or debug output contains it, a secret leaks.
const CANARY: &str = "CaNaRy0123456789";
const LIGHTSPEED_KEY: &str = "CaNaRy0123456789CaNaRy0123456789";
const KLARNA_PASSWORD: &str = "klarna_test_api_CaNaRy0123456789";

const MINIMAL: &str = r#"
[shops.main.lightspeed]
cluster = "eu1"
language = "nl"
[shops.main.klarna]
environment = "playground"
region = "eu"
"#;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    Environment::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn secrets_by_environment() -> Environment {
    environment(&[
        ("RECONCILED_MAIN_LIGHTSPEED_KEY", LIGHTSPEED_KEY),
        ("RECONCILED_MAIN_LIGHTSPEED_SECRET", LIGHTSPEED_KEY),
        ("RECONCILED_MAIN_KLARNA_USERNAME", "K1234_CaNaRy0123456789"),
        ("RECONCILED_MAIN_KLARNA_PASSWORD", KLARNA_PASSWORD),
    ])
}

/// A directory with a configuration in it.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("reconciled.toml"), text).unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("reconciled.toml")
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn load(&self, environment: &Environment) -> Result<Loaded, ConfigError> {
        self.load_shop(None, environment)
    }

    fn load_shop(&self, shop: Option<&str>, environment: &Environment) -> Result<Loaded, ConfigError> {
        let request = Request { file: Some(self.path()), shop: shop.map(str::to_owned), secrets: true };
        config::load(&request, environment)
    }
}

/// The lines of a refusal, without the directory.
fn refusal(place: &Place, result: Result<Loaded, ConfigError>) -> Vec<String> {
    let error = result.expect_err("must be refused");
    let shown = format!("{error}\n{error:?}");
    assert!(!shown.contains(CANARY), "a secret is in: {shown}");
    let ConfigError::Problems(problems) = error else { panic!("not a list of problems: {error}") };
    let directory = format!("{}/", place.directory.path().display());
    problems.lines().map(|line| line.replace(&directory, "")).collect()
}

/// Refusals of a text, all secrets being there.
fn refused(text: &str) -> Vec<String> {
    let place = Place::new(text);
    let result = place.load(&secrets_by_environment());
    refusal(&place, result)
}

fn accepted(text: &str) -> Loaded {
    Place::new(text).load(&secrets_by_environment()).unwrap()
}

/// The minimal configuration with one line more in a section of the shop.
fn with(section: &str, line: &str) -> String {
    match section {
        "lightspeed" => MINIMAL.replace("language = \"nl\"", &format!("language = \"nl\"\n{line}")),
        "klarna" => format!("{MINIMAL}{line}\n"),
        other => format!("{MINIMAL}[shops.main.{other}]\n{line}\n"),
    }
}

#[test]
fn what_makes_a_capture_due_is_one_word_or_a_list_of_them() {
    let with = |value: &str| {
        let section = format!("\n[shops.main.policy]\ncapture_on = {value}\n");
        accepted(&format!("{MINIMAL}{section}")).shop.policy.capture_on
    };
    assert_eq!(with("\"shipped\""), CaptureOn::SHIPPED);
    assert_eq!(with("[\"shipped\"]"), CaptureOn::SHIPPED);
    let both: CaptureOn = [Fulfilled::PickedUp, Fulfilled::Completed].into_iter().collect();
    assert_eq!(with("[\"picked up\", \"completed\"]"), both);
}

#[test]
fn a_minimal_configuration_has_the_defaults_of_the_contract() {
    let loaded = accepted(MINIMAL);
    let shop = &loaded.shop;
    assert_eq!(loaded.config.store.path(), Path::new("/var/lib/reconciled/reconciled.db"));
    assert_eq!(shop.lightspeed.base_url, "https://api.webshopapp.com");
    assert_eq!(shop.klarna.base_url, "https://api.playground.klarna.com");
    assert_eq!(shop.matching.payment, ["klarna"]);
    assert_eq!(shop.matching.klarna_order_id.len(), 4);
    let policy = &shop.policy;
    assert!(!policy.act && !policy.adopt_exact && !policy.extend_authorization);
    assert_eq!((policy.refunds, policy.mark_paid), (Mode::Drive, Mode::Drive));
    assert_eq!((policy.cancels, policy.captures), (Mode::Drive, Mode::Verify));
    assert_eq!(policy.capture_on, CaptureOn::all());
    assert_eq!((policy.refund_after.as_mins(), policy.grace.as_mins()), (60, 30));
    assert_eq!(policy.expiry_warning.as_hours(), 120);
    assert_eq!(policy.refund_limit_per_order.get(), 100_000);
    assert_eq!(policy.refund_limit_per_pass.get(), 500_000);
    assert_eq!(policy.refund_limit_per_day.get(), 2_000_000);
}

#[test]
fn the_shipped_example_is_accepted_and_says_the_defaults() {
    let example = include_str!("../docs/config.example.toml");
    let (config, problems) = config::parse(Path::new("/etc/reconciled/config.toml"), example);
    assert_eq!(problems.lines().collect::<Vec<_>>(), [""; 0]);
    let defaults = accepted(MINIMAL).config;
    assert_eq!(config.schedule, defaults.schedule);
    assert_eq!(config.store, defaults.store);
    let (shown, default) = (config.shops.values().next().unwrap(), defaults.shops.values().next().unwrap());
    assert_eq!(shown.policy, default.policy);
    assert_eq!(shown.matching, default.matching);
    assert_eq!(shown.lightspeed.base_url, default.lightspeed.base_url);
    let after = |time: &str| config.schedule.full.next_after(time.parse().unwrap()).unwrap().to_string();
    assert_eq!(after("2026-11-01T12:00:00Z"), "2026-11-02T02:30:00Z");
}

#[test]
fn values_replace_the_defaults() {
    let text = with(
        "policy",
        "act = true\nrefunds = \"verify\"\ncaptures = \"off\"\nrefund_after = \"0 seconds\"\nrefund_limit_per_day = \"0\"",
    );
    let policy = accepted(&text).shop.policy;
    assert!(policy.act && policy.refund_after.is_zero() && policy.refund_limit_per_day.is_zero());
    assert_eq!((policy.refunds, policy.captures), (Mode::Verify, Mode::Off));
    let local = with("klarna", "base_url = \"http://127.0.0.1:4020/\"");
    assert_eq!(accepted(&local).shop.klarna.base_url, "http://127.0.0.1:4020");
}

#[test]
fn only_who_captures_extends() {
    let accepts = |lines: &str| accepted(&with("policy", lines)).shop.policy.extend_authorization;
    assert!(accepts("captures = \"drive\"\nextend_authorization = true"));
    assert!(!accepts("captures = \"verify\"\nextend_authorization = false"));
    for captures in ["", "captures = \"verify\"\n", "captures = \"off\"\n"] {
        let text = with("policy", &format!("{captures}extend_authorization = true"));
        let (_, problems) = config::parse(Path::new("reconciled.toml"), &text);
        let problems: Vec<_> = problems.lines().map(str::to_owned).collect();
        assert_eq!(problems.len(), 1, "{captures}: {problems:?}");
        assert!(
            problems[0].contains("policy.extend_authorization = true") && problems[0].contains("captures = \"drive\"")
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn one_wrong_line_is_refused_with_its_place_its_value_and_what_is_allowed() {
    let policy = "reconciled.toml:9: shops.main.policy";
    let mode = "must be \"drive\" (this program does it), \"verify\" (somebody else does it and this program checks) or \"off\"";
    let duration = "must be a whole number and a unit in quotes, such as \"30 minutes\", \"0 seconds\" or \"5 days\" (seconds, minutes, hours, days, weeks)";
    let amount = "must be an amount in the shop's currency, in quotes, with at most two decimals, such as \"1000.00\"";
    for (section, line, expected) in [
        ("policy", "refunds = \"drives\"", format!("{policy}.refunds = \"drives\": {mode}")),
        ("policy", "refunds = true", format!("{policy}.refunds = true: {mode}")),
        ("policy", "act = \"true\"", format!("{policy}.act = \"true\": must be true or false, without quotes")),
        (
            "policy",
            "extend_authorization = \"yes\"",
            format!("{policy}.extend_authorization = \"yes\": must be true or false, without quotes"),
        ),
        ("policy", "grace = 30", format!("{policy}.grace = 30: {duration}")),
        ("policy", "grace = \"soon\"", format!("{policy}.grace = \"soon\": {duration}")),
        (
            "policy",
            "refund_limit_per_day = 20000.0",
            format!("{policy}.refund_limit_per_day = 20000.0: {amount}"),
        ),
        (
            "policy",
            "refund_limit_per_pass = \"1.005\"",
            format!("{policy}.refund_limit_per_pass = \"1.005\": {amount}"),
        ),
        (
            "policy",
            "refund_limit_per_order = \"-1\"",
            format!("{policy}.refund_limit_per_order = \"-1\": {amount}"),
        ),
        ("policy", "capture_on = \"paid\"", format!("{policy}.capture_on = \"paid\": must be \"shipped\", \"picked up\", \"completed\" or \"ready to download\"")),
        (
            "policy",
            "refund_limit = \"1\"",
            format!("{policy}.refund_limit: unknown key; the nearest known one is `refund_limit_per_day`"),
        ),
        ("policy", "refundz = \"off\"", format!("{policy}.refundz: unknown key; the nearest known one is `refunds`")),
        (
            "policy",
            "language = \"nl\"",
            format!("{policy}.language: unknown key here; `language` belongs into the section `lightspeed`"),
        ),
        (
            "match",
            "payment = []",
            "reconciled.toml:9: shops.main.match.payment = a list: must be a list, not empty, in square brackets"
                .to_owned(),
        ),
        (
            "match",
            "klarna_order_id = [\"memo\", \"notes\"]",
            "reconciled.toml:9: shops.main.match.klarna_order_id = \"notes\": must be \"paymentData\", \"metafield:KEY\", \"memo\" or \"events\""
                .to_owned(),
        ),
        (
            "polices",
            "act = true",
            "reconciled.toml:8: shops.main.polices: unknown key; the nearest known one is `policy`".to_owned(),
        ),
        (
            "klarna",
            "password = \"CaNaRy0123456789\"",
            "reconciled.toml:8: shops.main.klarna.password: a secret must not be written into the configuration; put it into a file of its own, mode 0600, and name that file with `password_file`"
                .to_owned(),
        ),
        (
            "lightspeed",
            "api_secret = \"CaNaRy0123456789\"",
            "reconciled.toml:5: shops.main.lightspeed.api_secret: a secret must not be written into the configuration; put it into a file of its own, mode 0600, and name that file with `api_secret_file`"
                .to_owned(),
        ),
        (
            "klarna",
            "password_file = \"klarna_test_api_CaNaRy0123456789\"",
            "reconciled.toml:8: shops.main.klarna.password_file = (withheld): must be the name of a file that holds the secret, not the secret itself"
                .to_owned(),
        ),
        (
            "klarna",
            "base_url = \"https://api.klarna.com\"",
            "reconciled.toml:8: shops.main.klarna.base_url = \"https://api.klarna.com/\": a secret may only be sent to https://api.playground.klarna.com or to this machine (127.0.0.1, ::1, localhost); leave base_url out"
                .to_owned(),
        ),
        (
            "klarna",
            "base_url = \"http://api.playground.klarna.com\"",
            "reconciled.toml:8: shops.main.klarna.base_url = \"http://api.playground.klarna.com/\": plain http is allowed on this machine only (127.0.0.1, ::1, localhost); leave base_url out for https://api.playground.klarna.com"
                .to_owned(),
        ),
        (
            "klarna",
            "base_url = \"https://user:CaNaRy0123456789@127.0.0.1\"",
            "reconciled.toml:8: shops.main.klarna.base_url = (withheld): must be an absolute http or https URL without user, query or fragment, such as \"http://127.0.0.1:4010\""
                .to_owned(),
        ),
    ] {
        assert_eq!(refused(&with(section, line)), [expected], "{line}");
    }
}

#[test]
fn wrong_tops_of_the_file_are_refused() {
    for (text, expected) in [
        (
            format!("[store]\nurl = \"postgres://localhost/x\"\n{MINIMAL}"),
            "reconciled.toml:2: store.url = \"postgres://localhost/x\": must be an SQLite file, such as \"sqlite:///var/lib/reconciled/reconciled.db\" or \"sqlite:reconciled.db\" beside the configuration (PostgreSQL stores are not supported by this version)",
        ),
        (
            format!("[schedule]\npoll = \"often\"\n{MINIMAL}"),
            "reconciled.toml:2: schedule.poll = \"often\": must be \"every 5 minutes\", \"at 03:30 Europe/Amsterdam\", or cron text with a time zone such as \"*/5 6-22 * * * Europe/Amsterdam\"",
        ),
        (
            format!("[sched]\npoll = \"every 5 minutes\"\n{MINIMAL}"),
            "reconciled.toml:1: sched: unknown key; the nearest known one is `schedule`",
        ),
        (
            MINIMAL.replace("cluster = \"eu1\"", "cluster = \"eu2\""),
            "reconciled.toml:3: shops.main.lightspeed.cluster = \"eu2\": must be \"eu1\" or \"us1\"",
        ),
        (
            MINIMAL.replace("environment = \"playground\"", ""),
            "reconciled.toml:5: shops.main.klarna.environment is missing; it must be \"playground\" or \"production\"",
        ),
        (
            MINIMAL.replace("shops.main", "shops.Main"),
            "reconciled.toml:2: shops: the name \"Main\" must be 1 to 32 of the characters a-z, 0-9 and -",
        ),
        (
            String::new(),
            "reconciled.toml: no shop is configured; add a section `[shops.main.lightspeed]` and `[shops.main.klarna]`",
        ),
    ] {
        assert_eq!(refused(&text), [expected], "{text}");
    }
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = "[shops.main.lightspeed]\ncluster = \"eu9\"\n[shops.main.klarna]\nenvironment = \"test\"\npassword = \"CaNaRy0123456789\"\n[shops.main.policy]\nact = 1\ngrase = \"1 day\"\n";
    assert_eq!(
        refused(text),
        [
            "reconciled.toml:1: shops.main.lightspeed.language is missing; it must be the two letters of an active language of the shop, such as \"nl\"",
            "reconciled.toml:2: shops.main.lightspeed.cluster = \"eu9\": must be \"eu1\" or \"us1\"",
            "reconciled.toml:3: shops.main.klarna.region is missing; it must be \"eu\", \"na\" or \"oc\"",
            "reconciled.toml:4: shops.main.klarna.environment = \"test\": must be \"playground\" or \"production\"",
            "reconciled.toml:5: shops.main.klarna.password: a secret must not be written into the configuration; put it into a file of its own, mode 0600, and name that file with `password_file`",
            "reconciled.toml:7: shops.main.policy.act = 1: must be true or false, without quotes",
            "reconciled.toml:8: shops.main.policy.grase: unknown key; the nearest known one is `grace`",
        ]
    );
}

#[test]
fn broken_toml_is_refused_without_quoting_the_line() {
    for text in [
        format!("{MINIMAL}password = \"{CANARY}\n"),
        format!("{MINIMAL}{CANARY} {CANARY} = 1\n"),
        format!("{MINIMAL}region = \"{CANARY}\"\n"),
        format!("password = {CANARY}\n{MINIMAL}"),
        format!("password = 'a\u{0}{CANARY}'\n{MINIMAL}"),
    ] {
        let lines = refused(&text);
        assert!(lines.iter().any(|line| line.contains(": this is not TOML: ")), "{lines:?}");
    }
}

#[test]
fn text_from_the_file_cannot_steer_the_terminal() {
    let lines = refused(&with("policy", "refunds = \"\\u001b[2J\\u202edrive\\n\""));
    assert!(lines.concat().contains("\\u{1b}[2J\\u{202e}drive\\u{a}"), "{lines:?}");
}

#[test]
fn a_file_that_is_missing_or_not_text_is_refused() {
    let absent = Request { file: Some(PathBuf::from("/nonexistent/r.toml")), ..Request::default() };
    let error = config::load(&absent, &environment(&[])).unwrap_err();
    assert_eq!(error.to_string(), "the configuration `/nonexistent/r.toml` cannot be read");
    let place = Place::new("");
    fs::write(place.path(), [0xff, 0xfe, 0x00]).unwrap();
    assert!(matches!(place.load(&environment(&[])), Err(ConfigError::Unreadable { .. })));
}

#[test]
fn relative_paths_are_relative_to_the_configuration() {
    let place =
        Place::new(&format!("[store]\nurl = \"sqlite:state/r.db\"\n{}", with("klarna", "password_file = \"p\"")));
    place.write("p", "secret\r\n", 0o600);
    let loaded = place.load(&secrets_by_environment()).unwrap();
    assert_eq!(loaded.config.store, StoreUrl::Sqlite(place.directory.path().join("state/r.db")));
    assert_eq!(loaded.secrets.unwrap().klarna.password.expose_secret(), "secret");
}

#[test]
fn several_shops_need_a_choice() {
    let two = format!("{MINIMAL}{}", MINIMAL.replace("shops.main", "shops.second-shop"));
    let place = Place::new(&two);
    let any = secrets_by_environment();
    assert_eq!(
        refusal(&place, place.load(&any)),
        ["reconciled.toml: several shops are configured; choose one with --shop: main, second-shop"]
    );
    assert_eq!(
        refusal(&place, place.load_shop(Some("third"), &any)),
        ["reconciled.toml: no shop `third`; configured: main, second-shop"]
    );
    assert_eq!(place.load_shop(Some("main"), &any).unwrap().shop.name.as_str(), "main");
    let missing = refusal(&place, place.load_shop(Some("second-shop"), &any));
    assert_eq!(
        missing[0],
        "reconciled.toml: shops.second-shop.klarna.password_file: no secret: set `shops.second-shop.klarna.password_file`, provide the systemd credential `second-shop.klarna-password`, or set RECONCILED_SECOND_SHOP_KLARNA_PASSWORD"
    );
    assert_eq!(missing.len(), 4);
}

/// Two names for one shop would refund twice, each under a key of its own.
#[test]
fn two_names_for_one_shop_are_refused() {
    let file = "language = \"nl\"\napi_key_file = \"one.key\"\n";
    let second = MINIMAL.replace("shops.main", "shops.second");
    let both = |second: &str| format!("{MINIMAL}{second}").replace("language = \"nl\"\n", file);
    let lines = refused(&both(&second));
    assert!(lines[0].contains("one and the same shop"), "{lines:?}");
    // Another account of Klarna's is another matter, and so is another cluster.
    for other in [second.replace("\"eu\"", "\"na\""), second.replace("eu1", "us1")] {
        let place = Place::new(&both(&other));
        config::load_all_without_secrets(Some(&place.path()), None).unwrap();
    }
    // Wherever the keys come from.
    let place = Place::new(&format!("{MINIMAL}{second}"));
    let said = |key: &str| {
        let names = ["LIGHTSPEED_KEY", "LIGHTSPEED_SECRET", "KLARNA_USERNAME", "KLARNA_PASSWORD"];
        let values = |key: &str| [key.to_owned(), key.to_owned(), "K1234_x".to_owned(), KLARNA_PASSWORD.to_owned()];
        let of = |shop: &str, key: &str| names.map(|it| format!("RECONCILED_{shop}_{it}")).into_iter().zip(values(key));
        let all = of("MAIN", LIGHTSPEED_KEY).chain(of("SECOND", key)).collect::<Vec<_>>();
        config::load_all(Some(&place.path()), None, &Environment::of(all)).map_err(|why| why.to_string())
    };
    assert!(said(LIGHTSPEED_KEY).unwrap_err().contains("one and the same shop"));
    assert_eq!(said(&LIGHTSPEED_KEY.to_lowercase()).unwrap().len(), 2);
}

#[test]
fn secrets_come_from_file_credential_and_environment_in_this_order() {
    let place = Place::new(&with("klarna", "password_file = \"from-file\""));
    place.write("from-file", "file-secret\n", 0o600);
    place.write("main.klarna-password", "credential-secret", 0o400);
    place.write("main.klarna-username", "credential-user", 0o400);
    let directory = place.directory.path().display().to_string();
    let both = environment(&[
        ("CREDENTIALS_DIRECTORY", &directory),
        ("RECONCILED_MAIN_LIGHTSPEED_KEY", LIGHTSPEED_KEY),
        ("RECONCILED_MAIN_LIGHTSPEED_SECRET", LIGHTSPEED_KEY),
        ("RECONCILED_MAIN_KLARNA_USERNAME", "environment-user"),
        ("RECONCILED_MAIN_KLARNA_PASSWORD", "environment-secret"),
    ]);
    let klarna = place.load(&both).unwrap().secrets.unwrap().klarna;
    assert_eq!(klarna.password.expose_secret(), "file-secret");
    assert_eq!(klarna.user.expose_secret(), "credential-user");
    fs::remove_file(place.directory.path().join("from-file")).unwrap();
    let lines = refusal(&place, place.load(&both));
    assert!(
        lines[0].ends_with("(the systemd credential `main.klarna-password` is there: leave the key out to use it)"),
        "{lines:?}"
    );
}

#[test]
fn secrets_that_cannot_be_right_are_refused_without_showing_them() {
    let from = "reconciled.toml: shops.main.klarna.password_file: the secret from RECONCILED_MAIN_KLARNA_PASSWORD";
    for (value, expected) in [
        (" CaNaRy0123456789", format!("{from} contains white space or control characters")),
        ("CaNaRy0123456789\n\n", format!("{from} contains white space or control characters")),
        ("CaNaRy\u{1b}0123456789", format!("{from} contains white space or control characters")),
        ("\n", format!("{from} is empty")),
        (
            "klarna_live_api_CaNaRy0123456789",
            "reconciled.toml: shops.main.klarna.environment = \"playground\", but the password is one of the production environment (it begins with `klarna_live_`); set environment = \"production\" or use a password of playground".to_owned(),
        ),
    ] {
        let place = Place::new(MINIMAL);
        let mixed = environment(&[
            ("RECONCILED_MAIN_LIGHTSPEED_KEY", LIGHTSPEED_KEY),
            ("RECONCILED_MAIN_LIGHTSPEED_SECRET", LIGHTSPEED_KEY),
            ("RECONCILED_MAIN_KLARNA_USERNAME", "user"),
            ("RECONCILED_MAIN_KLARNA_PASSWORD", value),
        ]);
        assert_eq!(refusal(&place, place.load(&mixed)), [expected]);
    }
}

#[test]
fn what_is_unwise_is_a_warning() {
    let place = Place::new(&with("klarna", "password_file = \"p\""));
    place.write("p", KLARNA_PASSWORD, 0o644);
    let short = environment(&[
        ("RECONCILED_MAIN_LIGHTSPEED_KEY", "short"),
        ("RECONCILED_MAIN_LIGHTSPEED_SECRET", LIGHTSPEED_KEY),
        ("RECONCILED_MAIN_KLARNA_USERNAME", "user"),
    ]);
    let warnings = place.load(&short).unwrap().warnings;
    let path = place.directory.path().join("p");
    assert_eq!(
        warnings,
        [
            format!("the secret in `{}` can be read or changed by others on this machine: chmod 600", path.display()),
            "the Lightspeed key of shop `main` does not have the usual 32 characters".to_owned(),
        ]
    );
}

#[test]
fn no_debug_output_shows_a_secret() {
    let environment = secrets_by_environment();
    let loaded = Place::new(MINIMAL).load(&environment).unwrap();
    let shown = format!("{environment:?} {loaded:?}");
    assert!(!shown.contains(CANARY), "{shown}");
    assert!(shown.contains("RECONCILED_MAIN_KLARNA_PASSWORD"));
}

#[test]
fn without_need_no_secret_is_read() {
    let place = Place::new(&with("klarna", "password_file = \"absent\""));
    let request = Request { file: Some(place.path()), shop: None, secrets: false };
    let loaded = config::load(&request, &environment(&[])).unwrap();
    assert!(loaded.secrets.is_none());
}

// --- notifications -------------------------------------------------------------------------------

fn notifying(lines: &str) -> String {
    format!("{MINIMAL}[notify]\n{lines}\n")
}

#[test]
fn notifications_have_ways_and_defaults() {
    assert_eq!(accepted(MINIMAL).config.notify, None);
    let text =
        notifying("command = [\"/usr/bin/mail\", \"-s\", \"jo@example.org\"]\nurl = \"https://hooks.example.org/a/b\"");
    let notify = accepted(&text).config.notify.clone().unwrap();
    assert_eq!(notify.command.unwrap(), ["/usr/bin/mail", "-s", "jo@example.org"]);
    assert_eq!(notify.url.as_deref(), Some("https://hooks.example.org/a/b"));
    assert_eq!((notify.token_file, notify.repeat.as_hours()), (None, 24));
    assert_eq!(notify.min_severity, Severity::Money);
    let text = notifying("url = \"http://127.0.0.1:9/x\"\nrepeat = \"2 days\"\nmin_severity = \"action\"");
    let notify = accepted(&text).config.notify.clone().unwrap();
    assert_eq!((notify.repeat.as_hours(), notify.min_severity), (48, Severity::Action));
}

#[test]
fn wrong_notifications_are_refused_by_name() {
    for (lines, expected) in [
        ("repeat = \"1 day\"", "notify names nobody: set notify.command or notify.url"),
        ("command = [\"mail\"]", "notify.command must begin with the whole path of a program"),
        ("command = []", "notify.command = a list: must be a list, not empty"),
        ("command = \"/bin/mail\"", "notify.command = \"/bin/mail\": must be a list, not empty"),
        ("url = \"http://hooks.example.org\"", "must be an https address"),
        ("url = \"https://u:p@hooks.example.org\"", "notify.url = (withheld): must be an https address"),
        ("url = \"https://hooks.example.org/?t=1\"", "must be an https address"),
        ("command = [\"/bin/mail\"]\ntoken_file = \"t\"", "notify.token_file is the token of notify.url"),
        ("command = [\"/bin/mail\"]\nrepeat = \"30 seconds\"", "must be a duration of at least one minute"),
        ("command = [\"/bin/mail\"]\nmin_severity = \"all\"", "must be \"money\" (breaks about money only)"),
        ("command = [\"/bin/mail\"]\nmail = \"x\"", "notify.mail: unknown key"),
        ("url = \"https://a.example\"\ntoken = \"CaNaRy0123456789\"", "name that file with `token_file`"),
    ] {
        let said = refused(&notifying(lines));
        assert!(said.len() == 1 && said[0].contains(expected), "{lines}: {said:?}");
    }
}

#[test]
fn the_token_comes_from_file_credential_and_environment() {
    let token = |place: &Place, environment: &Environment| {
        let loaded = config::load_all(Some(&place.path()), None, environment)?;
        let shown = format!("{loaded:?}");
        assert!(!shown.contains("CaNaRy-"), "{shown}");
        Ok::<_, ConfigError>(loaded[0].notify_token.as_ref().map(|token| token.expose_secret().to_owned()))
    };
    let with = |name: &str, value: &str| {
        let all = [
            ("RECONCILED_MAIN_LIGHTSPEED_KEY", LIGHTSPEED_KEY),
            ("RECONCILED_MAIN_LIGHTSPEED_SECRET", LIGHTSPEED_KEY),
            ("RECONCILED_MAIN_KLARNA_USERNAME", "K1234_CaNaRy0123456789"),
            ("RECONCILED_MAIN_KLARNA_PASSWORD", KLARNA_PASSWORD),
            (name, value),
        ];
        environment(&all)
    };
    let url = "url = \"https://hooks.example.org\"";
    let place = Place::new(&notifying(url));
    assert_eq!(token(&place, &secrets_by_environment()).unwrap(), None, "a server may want none");
    let by_variable = with("RECONCILED_NOTIFY_TOKEN", "CaNaRy-variable");
    assert_eq!(token(&place, &by_variable).unwrap().as_deref(), Some("CaNaRy-variable"));
    place.write("notify.token", "CaNaRy-credential\n", 0o400);
    let by_credential = with("CREDENTIALS_DIRECTORY", place.directory.path().to_str().unwrap());
    assert_eq!(token(&place, &by_credential).unwrap().as_deref(), Some("CaNaRy-credential"));
    let place = Place::new(&notifying(&format!("{url}\ntoken_file = \"mine\"")));
    place.write("mine", "CaNaRy-file", 0o600);
    assert_eq!(token(&place, &by_variable).unwrap().as_deref(), Some("CaNaRy-file"));
    place.write("mine", "CaNaRy-file with a blank", 0o600);
    let lines = refusal_of_all(&place, &by_variable);
    assert!(lines.contains("notify.token_file: the secret from") && !lines.contains("CaNaRy-"), "{lines}");
}

fn refusal_of_all(place: &Place, environment: &Environment) -> String {
    config::load_all(Some(&place.path()), None, environment).expect_err("must be refused").to_string()
}

#[test]
fn checkpoints_are_off_unless_they_are_asked_for_and_then_want_a_key() {
    let place = Place::new(MINIMAL);
    let env = secrets_by_environment();
    let loaded = config::load_all(Some(&place.path()), None, &env).unwrap();
    assert!(loaded[0].config.checkpoints.is_none() && loaded[0].checkpoint_key.is_none());
    let with = |lines: &str| Place::new(&format!("[checkpoints]\n{lines}\n{MINIMAL}"));
    let refused = |place: &Place, env: &Environment| match config::load_all(Some(&place.path()), None, env) {
        Err(why) => why.to_string(),
        Ok(_) => panic!("it was taken"),
    };
    let place = with("directory = \"signed\"");
    let why = refused(&place, &env);
    assert!(why.contains("checkpoints.key_file") && why.contains("RECONCILED_CHECKPOINT_KEY"), "{why}");
    let key = |value: &str| {
        let mut all = vec![("RECONCILED_CHECKPOINT_KEY", value)];
        all.extend([
            ("RECONCILED_MAIN_LIGHTSPEED_KEY", LIGHTSPEED_KEY),
            ("RECONCILED_MAIN_LIGHTSPEED_SECRET", LIGHTSPEED_KEY),
            ("RECONCILED_MAIN_KLARNA_USERNAME", "K1234_CaNaRy0123456789"),
            ("RECONCILED_MAIN_KLARNA_PASSWORD", KLARNA_PASSWORD),
        ]);
        environment(&all)
    };
    let why = refused(&place, &key(CANARY));
    assert!(why.contains("32 bytes") && !why.contains(CANARY), "{why}");
    let seed = format!("{}=", "A".repeat(43));
    let loaded = config::load_all(Some(&place.path()), None, &key(&seed)).unwrap();
    let checkpoints = loaded[0].config.checkpoints.clone().unwrap();
    assert_eq!(checkpoints.directory, place.directory.path().join("signed"));
    assert_eq!(checkpoints.log("main"), "reconciled/main");
    assert_eq!(loaded[0].checkpoint_key.as_ref().unwrap().expose_secret(), seed);
    for (lines, wanted) in [
        ("", "checkpoints.directory is missing"),
        ("directory = \"d\"\norigin = \"a b\"", "checkpoints.origin"),
        ("directory = \"d\"\norigin = \"a+b\"", "checkpoints.origin"),
        ("directory = \"d\"\nkey = \"x\"", "name that file with `key_file`"),
        ("directory = \"d\"\norigins = \"x\"", "the nearest known one is `origin`"),
    ] {
        let why = refused(&with(lines), &key(&seed));
        assert!(why.contains(wanted), "{lines}: {why}");
    }
}

#[test]
fn the_page_wants_a_token_that_nobody_guesses() {
    let strong = "CaNaRy-7f3a9c01d5e84b62a0f1c3d7e9b5";
    let token = |place: &Place, environment: &Environment| {
        let loaded = config::load_all(Some(&place.path()), None, environment)?;
        let shown = format!("{loaded:?}");
        assert!(!shown.contains("CaNaRy-"), "{shown}");
        Ok::<_, ConfigError>(loaded[0].page_token.as_ref().map(|token| token.expose_secret().to_owned()))
    };
    let place = Place::new(MINIMAL);
    assert_eq!(token(&place, &secrets_by_environment()).unwrap(), None, "there is no page unless it is asked for");
    let place = Place::new(&format!("{MINIMAL}[server]\ntoken_file = \"page\"\n"));
    assert!(refusal_of_all(&place, &secrets_by_environment()).contains("server.token_file: the file"));
    place.write("page", strong, 0o600);
    assert_eq!(token(&place, &secrets_by_environment()).unwrap().as_deref(), Some(strong));
    place.write("page", "CaNaRy-7f3a9c01d5e84b62a0f1c3d7", 0o600);
    let lines = refusal_of_all(&place, &secrets_by_environment());
    assert!(lines.contains("fewer than 32 characters") && lines.contains("openssl rand -hex 32"), "{lines}");
    assert!(!lines.contains("CaNaRy-"), "{lines}");
}

#[test]
fn a_page_that_others_can_reach_names_its_proxy() {
    let place = |lines: &str| {
        let place = Place::new(&format!("{MINIMAL}[server]\ntoken_file = \"page\"\n{lines}\n"));
        place.write("page", "7f3a9c01d5e84b62a0f1c3d7e9b57f3a", 0o600);
        place
    };
    let environment = secrets_by_environment();
    let refusal = refusal_of_all(&place("listen = \"0.0.0.0:8620\""), &environment);
    assert!(refusal.contains("name its host in server.hosts"), "{refusal}");
    let with_proxy = place("listen = \"0.0.0.0:8620\"\nhosts = [\"Ops.example.org\"]");
    let loaded = config::load_all(Some(&with_proxy.path()), None, &environment).unwrap();
    assert_eq!(loaded[0].config.page.hosts, ["ops.example.org"]);
    for wrong in ["https://ops.example.org", "a b", "", "*"] {
        let said = refused(&format!("{MINIMAL}[server]\nhosts = [\"{wrong}\"]\n"));
        assert!(said.len() == 1 && said[0].contains("the host that a browser asks for"), "{wrong}: {said:?}");
    }
}

/// Configurations that an earlier version wrote have it, so its refusal says what to do.
#[test]
fn the_schedule_of_settlements_is_refused_with_what_to_do() {
    let said = refused(&format!("{MINIMAL}[schedule]\nsettle = \"at 06:00 UTC\"\n"));
    assert!(said.len() == 1 && said[0].contains("schedule.settle: nothing reads payouts"), "{said:?}");
    assert!(said[0].contains("remove this line"), "{said:?}");
}

/// Whoever reads the README knows every variable that changes what the program does.
#[test]
fn every_variable_of_the_environment_is_documented() {
    let readme = include_str!("../README.md");
    let sources = ["environment.rs", "secrets.rs"].map(|name| format!("src/config/{name}"));
    let text: String = sources.iter().chain([&"src/telemetry.rs".to_owned()]).map(|path| read(path)).collect();
    let quoted: Vec<&str> = text.lines().flat_map(|line| line.split('"').skip(1).step_by(2)).collect();
    let is_name = |word: &&&str| word.len() > 3 && word.bytes().all(|it| it.is_ascii_uppercase() || it == b'_');
    let named: Vec<&&str> =
        quoted.iter().filter(is_name).filter(|name| !["RECONCILED", "RECONCILED_"].contains(name)).collect();
    assert!(named.len() > 8, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|name| !readme.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "the README does not say what these are: {missing:?}");
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}
