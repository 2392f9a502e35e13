//! A rig: the built program, a configuration of its own, and the sandbox behind real sockets.
//!
//! Every run is checked for what no run may print: a secret, a person, a control character.

pub mod told;
pub mod truth;

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use reconciled_sandbox::server::{Running, ServeOptions, SharedWorld, serve};
use reconciled_sandbox::{Credit, FaultKind, FaultRule, KlarnaStart, NewOrder, Seed, Side, World, person};
use reconciled_sandbox::{LogEntry, Reply, Request};
use reconciled_sides::clock::{Clock as _, SystemClock};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
pub use told::{Pass, Ran, text};

/// One minute, hour and day in milliseconds.
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

pub fn now() -> Timestamp {
    SystemClock.now()
}

/// A terminal: its keyboard and screen in one, and what a program is given.
pub fn terminal() -> (File, File) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let name = ptsname(&keyboard, Vec::new()).unwrap();
    let program = open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    (File::from(keyboard), File::from(program))
}

/// What a policy says where a test does not say otherwise: everything is driven, at once, and a difference is a
/// break at once.
pub const DRIVE: &str = "act = true\ncaptures = \"drive\"\nrefund_after = \"0 seconds\"\ngrace = \"0 seconds\"";

/// The same with the default grace: what is under way is no break yet.
pub const DRIVE_PATIENTLY: &str = "act = true\ncaptures = \"drive\"\nrefund_after = \"0 seconds\"";

/// A shop, a merchant account, and a program that is configured for them.
pub struct Rig {
    directory: TempDir,
    sandbox: Running,
}

impl Rig {
    pub fn new(mut world: World, policy: &str) -> Self {
        world.limits_mut().enabled = false;
        let sandbox = runtime().block_on(serve(world, ServeOptions::anywhere(now))).unwrap();
        let rig = Self { directory: TempDir::new().unwrap(), sandbox };
        rig.write_secrets();
        rig.configure(policy);
        rig
    }

    pub fn empty(policy: &str) -> Self {
        Self::new(World::seeded(Seed::Empty, 1, now()), policy)
    }

    pub fn demo(policy: &str) -> Self {
        Self::new(World::seeded(Seed::Demo, 1, now()), policy)
    }

    // --- the program ----------------------------------------------------------------------

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn store(&self) -> PathBuf {
        self.path("reconciled.db")
    }

    fn write_secrets(&self) {
        let accounts = self.world().with(|world| world.accounts().clone());
        let (shop, merchant) = (&accounts.shop_keys[0], &accounts.merchant_keys[0]);
        self.secret("main.lightspeed-key", &shop.key);
        self.secret("main.lightspeed-secret", &shop.secret);
        self.secret("main.klarna-username", &merchant.username);
        self.secret("main.klarna-password", &merchant.password);
    }

    /// Puts a secret into its file.
    pub fn secret(&self, name: &str, value: &str) {
        let path = self.path(name);
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
        std::io::Write::write_all(&mut file, value.as_bytes()).unwrap();
    }

    /// Writes the configuration anew, with this policy.
    pub fn configure(&self, policy: &str) {
        self.configure_as("nl", policy, "");
    }

    /// The same with a language and further sections.
    pub fn configure_as(&self, language: &str, policy: &str, more: &str) {
        let (shop, klarna) = (self.sandbox.lightspeed_url(), self.sandbox.klarna_url());
        let text = format!(
            "[store]\nurl = \"sqlite:reconciled.db\"\n\n[shops.main.lightspeed]\ncluster = \"eu1\"\nlanguage = \
             \"{language}\"\napi_key_file = \"main.lightspeed-key\"\napi_secret_file = \
             \"main.lightspeed-secret\"\nbase_url = \"{shop}\"\n\n[shops.main.klarna]\nenvironment = \
             \"playground\"\nregion = \"eu\"\nusername_file = \"main.klarna-username\"\npassword_file = \
             \"main.klarna-password\"\nbase_url = \"{klarna}\"\n\n[shops.main.policy]\n{policy}\n\n{more}\n"
        );
        fs::write(self.path("reconciled.toml"), text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        command.env_clear().env("USER", "tester").env("TMPDIR", self.directory.path()).env("TERM", "dumb");
        command.current_dir(self.directory.path()).arg("--config").arg(self.path("reconciled.toml")).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A run with these arguments and nothing else, in the rig's directory.
    #[track_caller]
    pub fn plain(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        command.env_clear().env("USER", "tester").env("TMPDIR", self.directory.path()).env("TERM", "dumb");
        command.current_dir(self.directory.path()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.finish(command.spawn().unwrap())
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.start(arguments))
    }

    /// Waits for the end of a started run, and checks what it printed.
    #[track_caller]
    pub fn finish(&self, child: Child) -> Ran {
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        let ran =
            Ran { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) };
        assert!([0, 1, 2, 3].contains(&ran.status), "exit status {}: {}", ran.status, ran.err);
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        self.keeps_quiet(&ran.out);
        self.keeps_quiet(&ran.err);
        has_no_control_characters(&ran.out);
        has_no_control_characters(&ran.err);
        ran
    }

    /// Nothing that identifies a person, and no secret.
    #[track_caller]
    pub fn keeps_quiet(&self, text: &str) {
        for word in self.never_shown() {
            assert!(!text.contains(&word), "`{word}` was printed:\n{text}");
        }
    }

    /// Every word that may leave in a request's header only, or not at all.
    pub fn never_shown(&self) -> Vec<String> {
        let people = [
            person::FIRST,
            person::NAME,
            person::EMAIL,
            person::PHONE,
            person::STREET,
            person::ZIP,
            person::CITY,
            person::BIRTH,
            person::IP,
        ];
        let mut words: Vec<String> = people.map(str::to_owned).to_vec();
        for name in ["lightspeed-key", "lightspeed-secret", "klarna-username", "klarna-password"] {
            words.push(fs::read_to_string(self.path(&format!("main.{name}"))).unwrap().trim().to_owned());
        }
        words
    }

    /// One pass with `--json`.
    #[track_caller]
    pub fn pass(&self) -> Pass {
        self.pass_with(&[])
    }

    #[track_caller]
    pub fn pass_with(&self, more: &[&str]) -> Pass {
        let ran = self.run(&[&["reconcile", "--json"], more].concat());
        Pass { status: ran.status, json: ran.json(), err: ran.err }
    }

    /// Passes until one sends nothing and knows every outcome; at most so many.
    #[track_caller]
    pub fn passes_until_quiet(&self, most: usize) -> Pass {
        for _ in 0..most {
            let before = self.writes().len();
            let pass = self.pass();
            if pass.status != 3 && self.writes().len() == before {
                return pass;
            }
        }
        panic!("not quiet after {most} passes; the last one said {}", self.pass().json);
    }

    /// The journal's chain is whole, and every machine replays.
    #[track_caller]
    pub fn audit(&self) {
        self.run(&["audit", "verify"]).ended(0).says("intact");
    }

    /// The base URLs of both sides, the shop's first.
    pub fn addresses(&self) -> (String, String) {
        (self.sandbox.lightspeed_url(), self.sandbox.klarna_url())
    }

    pub fn klarna_address(&self) -> std::net::SocketAddr {
        self.sandbox.klarna
    }

    // --- the two services -----------------------------------------------------------------

    pub fn world(&self) -> &SharedWorld {
        &self.sandbox.world
    }

    /// Acts on the world at the present time.
    pub fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        self.world().with(act)
    }

    /// A call to the control API.
    #[track_caller]
    pub fn control(&self, path: &str, body: &Value) -> Value {
        let request = Request::new("POST", &format!("/_control/{path}")).with_body(body.to_string());
        let reply = self.with(|world| world.handle(Side::Control, &request, now()));
        let Reply::Respond(response) = reply else { panic!("no answer to {path}") };
        let text = String::from_utf8(response.body).unwrap();
        assert_eq!(response.status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    #[track_caller]
    pub fn switch(&self, name: &str, value: &str) {
        self.with(|world| world.set_switch(name, value)).unwrap();
    }

    /// An order placed ten days ago.
    pub fn order(&self, amount_minor: i64, klarna: KlarnaStart, shipped: bool) -> Placed {
        let new = NewOrder { age_ms: 10 * DAY, shipped, ..NewOrder::of(amount_minor, klarna) };
        self.place(&new)
    }

    pub fn place(&self, new: &NewOrder) -> Placed {
        let made = self.with(|world| world.create_order(new));
        Placed { id: made.order, number: made.number, klarna: made.klarna }
    }

    /// A credit invoice made two hours ago.
    #[track_caller]
    pub fn credit(&self, order: &Placed, amount_minor: i64) -> String {
        self.credit_aged(order, amount_minor, 7_200)
    }

    #[track_caller]
    pub fn credit_aged(&self, order: &Placed, amount_minor: i64, age_seconds: i64) -> String {
        let body = json!({"order": order.number, "amount_minor": amount_minor, "age_seconds": age_seconds});
        let answer = self.control("act/credit", &body);
        answer["number"].as_str().map_or_else(|| panic!("{answer}"), str::to_owned)
    }

    /// A captured and shipped order with a credit invoice of a part of it: the order, and the credit's number.
    #[track_caller]
    pub fn returned(&self, amount_minor: i64, credit_minor: i64) -> (Placed, String) {
        let order = self.order(amount_minor, KlarnaStart::Captured, true);
        let credit = self.credit(&order, credit_minor);
        (order, credit)
    }

    pub fn cancel(&self, order: &Placed) {
        self.with(|world| world.cancel_in_shop(order.id));
    }

    #[track_caller]
    pub fn credit_lines(&self, order: &Placed, lines: &[(usize, i64)], shipping: bool) -> String {
        let credit = Credit::Lines(lines.to_vec(), shipping);
        self.with(|world| world.add_credit_invoice(order.id, &credit)).unwrap().1
    }

    /// Scripts a fault that meets one request.
    pub fn fault(&self, side: Side, method: &str, path: &str, kind: FaultKind, after: bool) -> u64 {
        let rule = FaultRule::once(side, method, path, kind);
        let rule = if after { rule.after_effect() } else { rule };
        self.with(|world| world.add_fault(rule))
    }

    /// Scripts a fault that meets every request until the faults are cleared.
    pub fn fault_always(&self, side: Side, method: &str, path: &str, kind: FaultKind) -> u64 {
        let rule = FaultRule { count: None, ..FaultRule::once(side, method, path, kind) };
        self.with(|world| world.add_fault(rule))
    }

    pub fn fired(&self, fault: u64) -> u64 {
        self.with(|world| world.fault_fired(fault))
    }

    pub fn clear_faults(&self) {
        self.with(World::clear_faults);
    }

    pub fn log(&self) -> Vec<LogEntry> {
        self.with(|world| world.log().cloned().collect())
    }

    pub fn clear_log(&self) {
        self.with(World::clear_log);
    }

    /// Every request since the log was cleared that could have changed something.
    pub fn writes(&self) -> Vec<LogEntry> {
        self.log().into_iter().filter(|entry| entry.method != "GET" && entry.method != "HEAD").collect()
    }
}

/// An order of the sandbox.
#[derive(Clone, Debug)]
pub struct Placed {
    pub id: u64,
    pub number: String,
    pub klarna: Option<uuid::Uuid>,
}

/// Line ends apart, nothing that a terminal could obey or that turns text around.
#[track_caller]
pub fn has_no_control_characters(text: &str) {
    let turns = |it: char| matches!(it, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let found = text.chars().find(|it| (it.is_control() && *it != '\n') || turns(*it));
    assert!(found.is_none(), "U+{:04X} was printed in:\n{}", u32::from(found.unwrap()), text.escape_debug());
}

/// Waits until something is so; for what another process does in its own time.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain until {what}");
}

pub fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}
