//! The service tells people: a command's standard input and an HTTP server get digests, each thing once.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Child;
use std::sync::{Arc, Mutex};

use reconciled_sandbox::{BodyFormat, FaultKind, Side};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Rig, wait_until};

/// Refunds are somebody else's, and a missing one is a break at once.
const VERIFY: &str = "act = true\nrefunds = \"verify\"\nrefund_after = \"0 seconds\"\ngrace = \"0 seconds\"";

const TOKEN: &str = "CaNaRy-notify-token";

struct Service<'a> {
    rig: &'a Rig,
    child: Child,
}

impl<'a> Service<'a> {
    fn start(rig: &'a Rig) -> Self {
        Self { rig, child: rig.start(&["run", "-v"]) }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it as systemd does; what it logged.
    #[track_caller]
    fn stop(self) -> String {
        self.signal(Signal::TERM);
        let ran = self.rig.finish(self.child);
        assert_eq!(ran.status, 0, "{}", ran.err);
        assert!(!ran.err.contains(TOKEN), "{}", ran.err);
        ran.err
    }
}

/// Passes every second, and people are told as `notify` says.
fn configure(rig: &Rig, listen: &str, notify: &str) {
    let more = format!(
        "[schedule]\npoll = \"every 1 second\"\n[server]\nlisten = \"{listen}\"\n[notify]\n{notify}\nrepeat = \"1 week\""
    );
    rig.configure_as("nl", VERIFY, &more);
}

/// A command that puts every message into a file of its own.
fn tell(rig: &Rig) -> String {
    let (script, place) = (rig.path("tell"), rig.path("told"));
    fs::create_dir(&place).unwrap();
    let text = format!(
        "#!/bin/sh\ncat > {0}/$$ && mv {0}/$$ {0}/$(ls {0}/*.json 2>/dev/null | wc -l).json\n",
        place.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    format!("command = [\"{}\"]", script.display())
}

/// The messages that the command got, in their order.
fn told(rig: &Rig) -> Vec<Value> {
    let message = |number: usize| fs::read_to_string(rig.path("told").join(format!("{number}.json"))).ok();
    (0..)
        .map_while(message)
        .inspect(|text| rig.keeps_quiet(text))
        .map(|text| serde_json::from_str(&text).unwrap())
        .collect()
}

/// `change kind` of every item, sorted.
fn items(message: &Value) -> Vec<String> {
    let word = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    let items = message["items"].as_array().unwrap().iter();
    let mut all: Vec<String> = items.map(|item| format!("{} {}", word(item, "change"), word(item, "kind"))).collect();
    all.sort();
    all
}

#[test]
fn people_are_told_once_over_restarts_and_what_is_over_with_the_next_message() {
    let rig = Rig::empty(VERIFY);
    configure(&rig, "off", &tell(&rig));
    let (order, credit) = rig.returned(10_000, 4_495);
    let first = Service::start(&rig);
    wait_until("the break is told", || told(&rig).len() == 1);
    first.stop();
    let [message] = told(&rig).try_into().unwrap();
    assert_eq!(
        (message["new"].as_u64(), message["over"].as_u64(), message["more"].as_u64()),
        (Some(1), Some(0), Some(0))
    );
    let item = &message["items"][0];
    for (key, expected) in [
        ("shop", "main"),
        ("kind", "refund_missing"),
        ("severity", "money"),
        ("break", "1"),
        ("order", order.number.as_str()),
        ("credit_invoice", credit.as_str()),
        ("currency", "EUR"),
        ("runbook", "docs/runbook.md#refund_missing"),
    ] {
        assert_eq!(item[key].as_str(), Some(expected), "{key} of {item}");
    }
    assert_eq!(item["amount_minor"].as_i64(), Some(4_495));
    assert!(item["age_seconds"].as_i64().is_some() && item["since"].as_str().unwrap().ends_with('Z'), "{item}");
    assert!(item["remedy"].as_str().unwrap().starts_with("Refund 44.95 EUR in Klarna's portal"), "{item}");
    assert!(message["text"].as_str().unwrap().contains(&format!("credit invoice {credit}, 44.95 EUR")), "{message}");

    rig.returned(10_000, 1_000);
    rig.run(&["stop", "--note", "looking"]).ended(0);
    let second = Service::start(&rig);
    wait_until("the next message comes", || told(&rig).len() == 2);
    second.stop();
    assert_eq!(items(&told(&rig)[1]), ["new refund_missing", "new writes_stopped"], "the first break is not repeated");

    rig.run(&["breaks", "resolve", "1", "--note", "paid in cash"]).ended(0);
    rig.run(&["resume"]).ended(0);
    let third = Service::start(&rig);
    wait_until("the release is told", || told(&rig).len() == 3);
    third.stop();
    let last = &told(&rig)[2];
    assert_eq!(items(last), ["over refund_missing", "over writes_stopped"]);
    let over = last["items"].as_array().unwrap().iter().find(|item| item["kind"] == "refund_missing").unwrap();
    assert_eq!((over["order"].as_str(), over["amount_minor"].as_i64()), (Some(order.number.as_str()), Some(4_495)));
}

#[test]
fn the_kill_switch_is_told_without_waiting_for_a_pass() {
    let rig = Rig::empty(VERIFY);
    let schedule = "[schedule]\npoll = \"every 7 days\"\nfull = \"0 0 1 1 * UTC\"\n[server]\nlisten = \"off\"";
    let notify = tell(&rig);
    rig.configure_as("nl", VERIFY, &format!("{schedule}\n[notify]\n{notify}"));
    let service = Service::start(&rig);
    wait_until("the first pass is over", || rig.log().iter().any(|entry| entry.path.contains("invoices")));
    rig.run(&["stop", "--note", "looking"]).ended(0);
    wait_until("the stop is told", || told(&rig).len() == 1);
    assert_eq!(items(&told(&rig)[0]), ["new writes_stopped"]);
    let passed = rig.log().len();
    service.stop();
    assert_eq!(rig.log().len(), passed, "no pass came meanwhile");
}

/// Answers every request with a status that may be changed, and keeps what was asked.
#[derive(Clone)]
struct Listener {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    status: Arc<Mutex<&'static str>>,
}

impl Listener {
    fn answering(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let this = Self { address, asked: Arc::default(), status: Arc::new(Mutex::new(status)) };
        let serving = this.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serving.serve(&mut stream.unwrap());
            }
        });
        this
    }

    fn serve(&self, stream: &mut TcpStream) {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.unwrap().parse().unwrap() {
                    let status = *self.status.lock().unwrap();
                    self.asked.lock().unwrap().push((head.to_owned(), serde_json::from_str(body).unwrap()));
                    let answer = format!(
                        "HTTP/1.1 {status}\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    );
                    stream.write_all(answer.as_bytes()).unwrap();
                    return;
                }
            }
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            }
        }
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

fn metrics(address: SocketAddr) -> String {
    let mut text = String::new();
    let Ok(mut stream) = TcpStream::connect(address) else { return text };
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_way_that_fails_is_counted_and_tried_again_without_repeating_the_other() {
    let rig = Rig::empty(VERIFY);
    let listener = Listener::answering("302 Found");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    rig.secret("notify-token", TOKEN);
    let post = format!("url = \"http://{}/tell\"\ntoken_file = \"notify-token\"", listener.address);
    configure(&rig, &free.to_string(), &format!("{}\n{post}", tell(&rig)));
    rig.returned(10_000, 4_495);
    let first = Service::start(&rig);
    wait_until("both ways were tried", || {
        let shown = metrics(free);
        shown.contains("reconciled_notifications_total{channel=\"command\",result=\"sent\"} 1")
            && shown.contains("reconciled_notifications_total{channel=\"post\",result=\"failed\"} 1")
    });
    assert!(first.stop().contains("answered with HTTP 302"), "the failure is in the log, and no redirect was followed");
    *listener.status.lock().unwrap() = "204 No Content";
    let second = Service::start(&rig);
    wait_until("the message came", || listener.asked().len() == 2);
    wait_until("it is counted", || {
        metrics(free).contains("reconciled_notifications_total{channel=\"post\",result=\"sent\"} 1")
    });
    assert!(metrics(free).contains("reconciled_notifications_total{channel=\"command\",result=\"sent\"} 0"));
    second.stop();
    for (head, message) in listener.asked() {
        assert!(head.starts_with("POST /tell HTTP/1.1"), "{head}");
        assert!(head.contains(&format!("authorization: Bearer {TOKEN}")), "{head}");
        assert_eq!(items(&message), ["new refund_missing"]);
        rig.keeps_quiet(&message.to_string());
    }
    assert_eq!(told(&rig).len(), 1, "the command was not told again");
}

#[test]
fn a_refused_configuration_and_passes_that_never_complete_are_told() {
    let rig = Rig::empty(VERIFY);
    configure(&rig, "off", &tell(&rig));
    let service = Service::start(&rig);
    wait_until("a pass has run", || !rig.log().is_empty());
    let good = fs::read_to_string(rig.path("reconciled.toml")).unwrap();
    fs::write(rig.path("reconciled.toml"), format!("{good}\n[nonsense]\n")).unwrap();
    service.signal(Signal::HUP);
    wait_until("the refusal is told", || told(&rig).len() == 1);
    service.stop();
    assert_eq!(items(&told(&rig)[0]), ["new configuration_refused"]);
    assert_eq!(told(&rig)[0]["items"][0]["shop"], Value::Null);

    fs::write(rig.path("reconciled.toml"), good).unwrap();
    rig.fault_always(Side::Lightspeed, "GET", "*", FaultKind::Status { code: 403, format: BodyFormat::Json });
    let service = Service::start(&rig);
    wait_until("the lateness is told", || told(&rig).len() == 2);
    service.stop();
    assert_eq!(items(&told(&rig)[1]), ["new pass_late"]);
    assert_eq!(told(&rig)[1]["items"][0]["runbook"], "docs/runbook.md#a-pass-that-never-completes");
}
