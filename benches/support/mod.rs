//! What the benchmark needs around the program: a sandbox process, a place to work in, a plain client to compare
//! with, and a store of a million settled orders.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

mod pages;
mod plain;
mod returns;
mod settled;
pub use pages::{slowest_page, with_history};
pub use plain::{Log, baseline};
pub use returns::returned;
pub use settled::million;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_reconciled");

/// The sandbox in a process of its own, its limits raised out of reach and its request log switched off.
pub struct Sandbox {
    process: Child,
    pub addresses: Value,
    directory: tempfile::TempDir,
}

impl Sandbox {
    pub fn start(orders: u32, credits_permille: u32) -> Self {
        // Below the build's own directory: the system's temporary one may live in memory, where a sync costs nothing.
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory for the rehearsal");
        let mut process = Command::new(PROGRAM)
            .args(["--quiet", "sandbox", "--json", "--lightspeed-port", "0", "--klarna-port", "0"])
            .args(["--orders", &orders.to_string(), "--credits", &credits_permille.to_string()])
            .arg("--write-config")
            .arg(directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe"))
            .read_line(&mut line)
            .expect("the sandbox says where it is");
        let addresses: Value = serde_json::from_str(&line).expect("one JSON object");
        let sandbox = Self { process, addresses, directory };
        let most = "100000000";
        let windows = ["five_minutes", "hour", "day", "second"].map(|it| format!(r#""lightspeed_{it}": {most},"#));
        sandbox.control("limits", &format!("{{{} \"klarna_second\": {most}}}", windows.concat()));
        sandbox.control("log", r#"{"enabled": false}"#);
        sandbox
    }

    /// What the control API answers to a GET.
    pub fn look(&self, call: &str) -> Value {
        serde_json::from_str(&self.ask("GET", call, "")).expect("JSON")
    }

    pub fn control(&self, call: &str, body: &str) -> String {
        self.ask("POST", call, body)
    }

    /// Requests that reached Klarna so far: reads, and refunds.
    pub fn klarna_calls(&self) -> (u64, u64) {
        let counters = self.look("counters");
        let of = |kind: &str| counters["klarna"][kind]["requests"].as_u64().expect("a count");
        (of("read"), of("write"))
    }

    fn ask(&self, method: &str, call: &str, body: &str) -> String {
        let base = self.addresses["lightspeed"]["base_url"].as_str().expect("an address");
        let host = base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).expect("the sandbox listens");
        let length = body.len();
        let head = format!("{method} /_control/{call} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n");
        write!(stream, "{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}").expect("a control call");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 2"), "{call}: {answer}");
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A configuration and a store for one measurement.
pub struct Workplace {
    directory: PathBuf,
    policy: String,
}

/// One run of the program.
pub struct Run {
    pub wall: Duration,
    pub cpu: Duration,
    pub peak_kib: u32,
    pub confirmed: u64,
}

impl Workplace {
    pub fn new(sandbox: &Sandbox, policy: &str) -> Self {
        let unlimited = ["order", "pass", "day"].map(|which| format!("refund_limit_per_{which} = \"900000000.00\"\n"));
        let policy = format!("{}{policy}\n", unlimited.concat());
        let place = Self { directory: sandbox.directory.path().to_owned(), policy };
        place.act(false);
        place
    }

    pub fn config(&self) -> PathBuf {
        self.directory.join("reconciled.toml")
    }

    pub fn store(&self) -> PathBuf {
        self.directory.join("reconciled.db")
    }

    /// Switches `act` in the configuration that the sandbox wrote.
    pub fn act(&self, act: bool) {
        let written = std::fs::read_to_string(self.config()).expect("the configuration");
        let head = written.split("[shops.main.policy]").next().expect("a head").to_owned();
        let text = format!("{head}[shops.main.policy]\nact = {act}\n{}", self.policy);
        std::fs::write(self.config(), text).expect("the configuration is written");
    }

    pub fn reconcile(&self) -> Run {
        self.run(&["reconcile", "--json", "--no-progress"])
    }

    /// A report over everything the store has, in a format, into a file; how large the file is, too.
    pub fn report(&self, format: &str) -> (Run, u64) {
        let file = self.directory.join(format!("report.{format}"));
        let name = file.display().to_string();
        let run = self.run(&["report", "--from", "2020", "--format", format, "--output", &name]);
        (run, std::fs::metadata(&file).expect("the report").len())
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let before = children_cpu();
        let started = Instant::now();
        let mut process = Command::new(PROGRAM)
            .args(["--quiet", "--config"])
            .arg(self.config())
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the pass starts");
        let mut pipe = process.stdout.take().expect("a pipe");
        let counting = std::thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).expect("the report");
            text.matches("\"outcome\":\"confirmed\"").count() + text.matches("\"outcome\": \"confirmed\"").count()
        });
        let mut peak_kib = 0;
        let status = loop {
            peak_kib = peak_kib.max(peak_of(process.id()));
            match process.try_wait().expect("the pass ends") {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let wall = started.elapsed();
        assert!(matches!(status.code(), Some(0 | 1)), "the program ended with {status}");
        let confirmed = counting.join().expect("counted");
        let cpu = children_cpu().saturating_sub(before);
        Run { wall, cpu, peak_kib, confirmed: confirmed.try_into().unwrap_or(0) }
    }
}

/// The largest resident size of a living process, in KiB.
fn peak_of(process: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Processor time of every child that has ended, to a hundredth of a second.
fn children_cpu() -> Duration {
    let all = std::fs::read_to_string("/proc/self/stat").expect("the figures of this process");
    let behind_the_name = all.rsplit(')').next().unwrap_or_default();
    let ticks = behind_the_name.split_whitespace().skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// How long the program takes from its start to the first byte of its first request.
pub fn first_request() -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let directory = tempfile::tempdir().expect("a directory");
    let address = listener.local_addr().expect("an address");
    for name in ["key", "secret", "username", "password"] {
        std::fs::write(directory.path().join(name), "0123456789abcdef0123456789abcdef").expect("a secret");
    }
    let config = directory.path().join("reconciled.toml");
    let text = format!(
        "[store]\nurl = \"sqlite:reconciled.db\"\n[shops.main.lightspeed]\ncluster = \"eu1\"\nlanguage = \"nl\"\n\
         api_key_file = \"key\"\napi_secret_file = \"secret\"\nbase_url = \"http://{address}\"\n[shops.main.klarna]\n\
         environment = \"playground\"\nregion = \"eu\"\nusername_file = \"username\"\npassword_file = \"password\"\n\
         base_url = \"http://{address}\"\n"
    );
    std::fs::write(&config, text).expect("a configuration");
    let started = Instant::now();
    let mut process = Command::new(PROGRAM)
        .args(["--quiet", "--config"])
        .arg(&config)
        .args(["reconcile", "--json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the pass starts");
    let (mut stream, _) = listener.accept().expect("a connection");
    stream.read_exact(&mut [0]).expect("a first byte");
    let elapsed = started.elapsed();
    drop(stream);
    let _ = process.kill();
    let _ = process.wait();
    elapsed
}
