//! `init`: from nothing to a checked configuration, asked for on a terminal or given; no secret is ever shown, and
//! nothing that is there is lost.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use reconciled::config::draft::{Draft, Field};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

use crate::support::{DRIVE, Ran, Rig, terminal, wait_until};

/// A rig whose own configuration lies apart from the new one.
struct Fresh {
    rig: Rig,
    config: PathBuf,
}

impl Fresh {
    fn new() -> Self {
        let rig = Rig::empty(DRIVE);
        rig.returned(5_035, 4_495);
        let config = rig.path("new/config.toml");
        Self { rig, config }
    }

    /// What points at the sandbox, which nobody is asked for.
    fn addresses(&self) -> Vec<String> {
        let (shop, klarna) = self.rig.addresses();
        vec!["--lightspeed-url".into(), shop, "--klarna-url".into(), klarna]
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.rig.command(&[]);
        let mut plain = std::process::Command::new(command.get_program());
        plain.env_clear().env("USER", "tester").env("TERM", "dumb").current_dir(self.rig.path(""));
        plain.args(["--config", self.config.to_str().unwrap()]).args(arguments);
        plain.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command = plain;
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        let addresses = self.addresses();
        let all: Vec<&str> = arguments.iter().copied().chain(addresses.iter().map(String::as_str)).collect();
        self.rig.finish(self.command(&all).spawn().unwrap())
    }

    fn given(&self) -> Vec<String> {
        let file = |name: &str| self.rig.path(name).to_str().unwrap().to_owned();
        let mut all: Vec<String> = vec!["init".into()];
        for (option, value) in [
            ("--cluster", "eu1".to_owned()),
            ("--language", "nl".to_owned()),
            ("--environment", "playground".to_owned()),
            ("--lightspeed-key-file", file("main.lightspeed-key")),
            ("--lightspeed-secret-file", file("main.lightspeed-secret")),
            ("--klarna-username-file", file("main.klarna-username")),
            ("--klarna-password-file", file("main.klarna-password")),
        ] {
            all.extend([option.to_owned(), value]);
        }
        all
    }

    #[track_caller]
    fn init(&self, more: &[&str]) -> Ran {
        let given = self.given();
        let all: Vec<&str> = given.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.run(&all)
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.config.with_file_name(name)
    }

    fn secret(&self, name: &str) -> String {
        fs::read_to_string(self.rig.path(name)).unwrap()
    }

    /// Everything that was written, with its mode; in order.
    fn written(&self) -> Vec<(String, u32)> {
        let entries = fs::read_dir(self.beside("")).unwrap().map(Result::unwrap);
        let mut all: Vec<_> = entries
            .map(|it| (it.file_name().into_string().unwrap(), it.metadata().unwrap().permissions().mode() & 0o777))
            .collect();
        all.sort();
        all
    }
}

const WHOLE: [(&str, u32); 5] = [
    ("config.toml", 0o644),
    ("main.klarna-password", 0o600),
    ("main.klarna-username", 0o600),
    ("main.lightspeed-key", 0o600),
    ("main.lightspeed-secret", 0o600),
];

fn whole() -> Vec<(String, u32)> {
    WHOLE.map(|(name, mode)| (name.to_owned(), mode)).to_vec()
}

#[test]
fn what_is_given_becomes_a_checked_configuration_that_writes_nothing() {
    let fresh = Fresh::new();
    let ran = fresh.init(&[]);
    ran.ended(0).says("act = false").says("the API key is accepted").says("sells in EUR").says("Klarna knows 1 order");
    assert_eq!(fresh.written(), whole());
    for name in ["main.klarna-password", "main.klarna-username", "main.lightspeed-key", "main.lightspeed-secret"] {
        assert_eq!(fs::read_to_string(fresh.beside(name)).unwrap(), fresh.secret(name), "{name}");
    }
    let text = fs::read_to_string(&fresh.config).unwrap();
    assert!(text.contains("act       = false  ") && text.contains("url = \"sqlite:reconciled.db\""), "{text}");
    fresh.rig.keeps_quiet(&text);
    assert_eq!(fresh.rig.writes(), vec![]);
    // From here it goes on as the pages say.
    fresh.rig.finish(fresh.command(&["reconcile", "--dry-run"]).spawn().unwrap()).ended(1).says("44.95 EUR");
}

#[test]
fn nothing_is_overwritten_unasked() {
    let fresh = Fresh::new();
    fresh.init(&[]).ended(0);
    fs::write(&fresh.config, "mine").unwrap();
    fresh.init(&[]).ended(2).says("already there").says("--force");
    assert_eq!(fs::read_to_string(&fresh.config).unwrap(), "mine");
    fs::remove_file(&fresh.config).unwrap();
    fs::write(fresh.beside("main.klarna-password"), "mine").unwrap();
    fresh.init(&[]).ended(2).says("main.klarna-password");
    assert!(!fresh.config.exists());
    fresh.init(&["--force"]).ended(0);
    assert_eq!(fresh.written(), whole());
    assert_eq!(fs::read_to_string(fresh.beside("main.klarna-password")).unwrap(), fresh.secret("main.klarna-password"));
}

/// The package puts the example in place, its secrets' files commented out; `init` is what makes something of it.
#[test]
fn the_example_that_nobody_touched_is_replaced_and_any_other_is_not() {
    let fresh = Fresh::new();
    let example = include_str!("../../docs/config.example.toml");
    let line = |line: &str| {
        let names_a_secret = ["api_key_file", "api_secret_file", "username_file", "password_file"];
        let is_one = names_a_secret.iter().any(|key| line.starts_with(key));
        if is_one { format!("# {line}\n") } else { format!("{line}\n") }
    };
    let packaged: String = example.lines().map(line).collect();
    assert_ne!(packaged, example);
    fs::create_dir_all(fresh.config.parent().unwrap()).unwrap();
    let edited = packaged.replace("every 5 minutes", "every 4 minutes");
    fs::write(&fresh.config, &edited).unwrap();
    fresh.init(&[]).ended(2).says("already there");
    assert_eq!(fs::read_to_string(&fresh.config).unwrap(), edited);
    fs::write(&fresh.config, packaged).unwrap();
    fresh.init(&[]).ended(0);
    assert_eq!(fresh.written(), whole());
}

#[test]
fn without_a_terminal_everything_that_is_missing_is_said_at_once() {
    let fresh = Fresh::new();
    let ran = fresh.run(&["init", "--cluster", "eu1"]);
    ran.ended(2).says("stdin is no terminal");
    for option in ["--language", "--environment", "--lightspeed-key-file", "--klarna-password-file", "--secrets-stdin"]
    {
        assert!(ran.err.contains(option), "{option} is not in {}", ran.err);
    }
    assert!(!ran.err.contains("--cluster") && !ran.err.contains("--region"), "{}", ran.err);
    assert!(!fresh.beside("").exists());
    fresh.run(&["init", "--cluster", "eu2"]).ended(2).says("\"eu1\" or \"us1\"");
    fresh.run(&["init", "--klarna-password", "x"]).ended(2);
}

#[test]
fn secrets_come_from_stdin_line_by_line() {
    let fresh = Fresh::new();
    let addresses = fresh.addresses();
    let mut all =
        vec!["init", "--cluster", "eu1", "--language", "nl", "--environment", "playground", "--secrets-stdin"];
    all.extend(addresses.iter().map(String::as_str));
    let names = ["main.lightspeed-key", "main.lightspeed-secret", "main.klarna-username", "main.klarna-password"];
    let lines: Vec<String> = names.iter().map(|name| fresh.secret(name)).collect();
    for (text, status) in [(lines[..3].join("\n"), 2), (lines.join("\n") + "\n", 0)] {
        let mut child = fresh.command(&all).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        fresh.rig.finish(child).ended(status);
        assert_eq!(fresh.config.exists(), status == 0);
    }
    assert_eq!(fresh.written(), whole());
}

#[test]
fn a_wrong_secret_is_found_by_the_check_that_follows() {
    let fresh = Fresh::new();
    fresh.rig.secret("main.klarna-password", "klarna_test_api_bm90IHRoaXMgb25l");
    fresh.init(&[]).ended(3).says("401").says("password");
    fresh.rig.secret("main.klarna-password", "klarna_live_api_bm90IHRoaXMgb25l");
    fresh.init(&["--force"]).ended(2).says("the password is one of the production environment");
}

#[test]
fn credentials_for_systemd_are_told_and_not_stored() {
    let fresh = Fresh::new();
    let ran = fresh.run(&[
        "--shop",
        "shop-2",
        "init",
        "--cluster",
        "us1",
        "--language",
        "us",
        "--environment",
        "production",
        "--region",
        "na",
        "--systemd-credentials",
    ]);
    ran.ended(0).says("systemd-creds encrypt --name=shop-2.klarna-password").says("LoadCredentialEncrypted=shop-2.lig");
    assert_eq!(fresh.written(), [("config.toml".to_owned(), 0o644)]);
    let text = fs::read_to_string(&fresh.config).unwrap();
    for line in [
        "[shops.shop-2.policy]",
        "# password_file = \"",
        "environment = \"production\"",
        "RECONCILED_SHOP_2_LIGHTSPEED_KEY",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    assert_eq!(fresh.rig.log(), vec![]);
}

#[test]
fn a_name_that_leads_elsewhere_is_no_name() {
    let fresh = Fresh::new();
    for name in ["../main", "Main", "", "a/b"] {
        fresh.run(&["--shop", name, "init", "--systemd-credentials"]).ended(2).says("a-z, 0-9 and -");
    }
    assert!(!fresh.beside("").exists());
}

/// A person at a terminal: answers one question after the other, and sees what the terminal shows.
struct Person {
    keyboard: File,
    seen: Arc<Mutex<String>>,
}

impl Person {
    /// Waits for the question to be asked after the last answer: what is typed earlier is shown, and thrown away.
    #[track_caller]
    fn answers(&mut self, question: &str, answer: &str) {
        let asked = |seen: &str| seen.rsplit('\u{0}').next().is_some_and(|since| since.contains(question));
        wait_until(question, || asked(&self.seen.lock().unwrap()));
        self.seen.lock().unwrap().push('\u{0}');
        self.keyboard.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }

    fn saw(&self) -> String {
        self.seen.lock().unwrap().clone()
    }
}

/// Starts `init` on a terminal of its own.
fn at_a_terminal(fresh: &Fresh, arguments: &[&str]) -> (Person, std::process::Child, File) {
    let (master, slave) = terminal();
    let addresses = fresh.addresses();
    let all: Vec<&str> = arguments.iter().copied().chain(addresses.iter().map(String::as_str)).collect();
    let mut command = fresh.command(&all);
    command.stdin(slave.try_clone().unwrap()).stderr(slave.try_clone().unwrap());
    let child = command.spawn().unwrap();
    let seen = Arc::new(Mutex::new(String::new()));
    let (mut screen, told) = (master.try_clone().unwrap(), seen.clone());
    std::thread::spawn(move || {
        let mut bytes = [0; 1024];
        while let Ok(length @ 1..) = screen.read(&mut bytes) {
            told.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
    });
    (Person { keyboard: master, seen }, child, slave)
}

fn shows_what_is_typed(terminal: &File) -> bool {
    tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ECHO)
}

#[test]
fn a_person_is_asked_and_what_they_keep_secret_is_not_shown() {
    let fresh = Fresh::new();
    let (mut person, child, terminal) = at_a_terminal(&fresh, &["init", "--language", "nl"]);
    person.answers("Lightspeed cluster, eu1 or us1: ", "eu7");
    person.answers("Lightspeed cluster, eu1 or us1: ", "eu1");
    person.answers("Klarna environment, playground or production: ", "playground");
    person.answers("Klarna region, eu, na or oc [eu]: ", "");
    person.answers("Where the durable state lives [sqlite:reconciled.db]: ", "");
    person.answers("Lightspeed API key (not shown): ", &fresh.secret("main.lightspeed-key"));
    person.answers("Lightspeed API secret (not shown): ", "two words");
    person.answers("Lightspeed API secret (not shown): ", &fresh.secret("main.lightspeed-secret"));
    person.answers("Klarna username (UID) (not shown): ", &fresh.secret("main.klarna-username"));
    person.answers("Klarna password (not shown): ", &fresh.secret("main.klarna-password"));
    let ran = fresh.rig.finish(child);
    ran.ended(0).says("the API key is accepted");
    let seen = person.saw();
    assert!(seen.contains("it must be \"eu1\" or \"us1\"") && seen.contains("contains white space"), "{seen}");
    assert!(seen.contains("eu7") && seen.contains("playground\r\n"), "answers are shown:\n{seen}");
    assert!(!seen.contains("two words"), "secrets are not:\n{seen}");
    fresh.rig.keeps_quiet(&seen);
    assert!(shows_what_is_typed(&terminal));
    assert_eq!(fresh.written(), whole());
}

#[test]
fn whoever_goes_away_leaves_the_terminal_as_it_was_and_nothing_written() {
    let fresh = Fresh::new();
    let given = ["init", "--cluster", "eu1", "--language", "nl", "--environment", "playground", "--region", "eu"];
    let (mut person, child, terminal) = at_a_terminal(&fresh, &[&given[..], &["--store", "sqlite:a.db"]].concat());
    person.answers("Lightspeed API key (not shown): ", &fresh.secret("main.lightspeed-key"));
    wait_until("the next question comes", || person.saw().contains("API secret (not shown): "));
    assert!(!shows_what_is_typed(&terminal));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    fresh.rig.finish(child).ended(3);
    assert!(shows_what_is_typed(&terminal));
    assert!(!fresh.beside("").exists());
}

#[test]
fn the_examples_own_values_make_the_example() {
    let draft = Draft {
        shop: "main".into(),
        cluster: "eu1".into(),
        language: "nl".into(),
        environment: "playground".into(),
        region: "eu".into(),
        store: "sqlite:///var/lib/reconciled/reconciled.db".into(),
        lightspeed_url: None,
        klarna_url: None,
        secret_files: true,
    };
    let example = fs::read_to_string("docs/config.example.toml").unwrap();
    assert_eq!(draft.text(), example.replace("\"/etc/reconciled/main.", "\"main."));
    assert_eq!(Field::Language.check(" nl "), Ok("nl".to_owned()));
}
