//! A running service, stopped when a test ends however it ends.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Placed, Rig, wait_until};

/// Looks every second.
pub const OFTEN: &str = "[schedule]\npoll = \"every 1 seconds\"\nfull = \"at 03:30 UTC\"\n";
/// Looks once at its first start, and then not for the length of any test.
pub const RARELY: &str = "[schedule]\npoll = \"every 7 days\"\nfull = \"0 0 1 1 * UTC\"\n";

pub struct Service<'a> {
    rig: &'a Rig,
    child: Child,
    log: std::path::PathBuf,
    pub address: SocketAddr,
}

/// The shop says that every credit invoice of the order is paid.
pub fn is_paid(rig: &Rig, order: &Placed) -> bool {
    rig.pair(order).credits().all(|credit| credit.status == "paid")
}

/// A free port, as far as anybody can say.
pub fn free() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

impl<'a> Service<'a> {
    /// Configures the rig for a service and starts it; returns when it is ready.
    pub fn start(rig: &'a Rig, policy: &str, more: &str) -> Self {
        Self::start_with_server(rig, policy, more, "")
    }

    /// The same with further keys of `[server]`.
    pub fn start_with_server(rig: &'a Rig, policy: &str, more: &str, server: &str) -> Self {
        let address = free();
        rig.configure_as("nl", policy, &format!("{more}\n[server]\nlisten = \"{address}\"\n{server}"));
        let service = Self::start_as_configured(rig, address);
        service.waits_for("the service is ready");
        service
    }

    pub fn start_as_configured(rig: &'a Rig, address: SocketAddr) -> Self {
        let log = rig.path(&format!("service-{}.log", address.port()));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let child = rig.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::from(file)).spawn().unwrap();
        Self { rig, child, log, address }
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    #[track_caller]
    pub fn waits_for(&self, words: &str) {
        for _ in 0..2_000 {
            if self.said().contains(words) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(15));
        }
        panic!("`{words}` was never said:\n{}", self.said());
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The most memory that it ever had, in bytes.
    pub fn peak_memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// Ends it as systemd does, and returns its exit status.
    #[track_caller]
    pub fn terminate(mut self) -> i32 {
        self.signal(Signal::TERM);
        let status = self.child.wait().unwrap().code().unwrap_or(-1);
        self.rig.keeps_quiet(&self.said());
        assert!(!self.said().contains("panicked"), "{}", self.said());
        status
    }

    /// A request by hand: its status and body.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "Content-Length: {}\r\n\r\n{body}", body.len());
        // A server that refuses a body early may close before all of it was sent.
        let _ = stream.write_all(head.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
        (status, body)
    }

    /// The value of one line of `/metrics`.
    pub fn figure(&self, name: &str) -> Option<i64> {
        let (_, text) = self.ask("GET", "/metrics", &[], "");
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    #[track_caller]
    pub fn passes_beyond(&self, passes: i64) {
        wait_until("there were more passes", || {
            self.figure("reconciled_passes_total").is_some_and(|count| count > passes)
        });
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
