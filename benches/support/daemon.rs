//! The service in a process of its own, and what the machine says of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{PROGRAM, Sandbox};

/// A configuration for any number of shops that all lead to the sandbox, and a store for them.
pub struct Estate {
    directory: tempfile::TempDir,
    pub address: SocketAddr,
}

/// A running service.
pub struct Daemon {
    process: Child,
    address: SocketAddr,
}

impl Estate {
    pub fn new(sandbox: &Sandbox, shops: usize, poll: &str, policy: &str) -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (shop, klarna) = (&sandbox.addresses["lightspeed"], &sandbox.addresses["klarna"]);
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let file = |name: &str, secret: &serde_json::Value| {
            std::fs::write(directory.path().join(name), text(secret)).expect("a secret is written");
        };
        file("key", &shop["api_key"]);
        file("secret", &shop["api_secret"]);
        file("username", &klarna["username"]);
        file("password", &klarna["password"]);
        let mut config = format!(
            "[store]\nurl = \"sqlite:reconciled.db\"\n[server]\nlisten = \"{address}\"\n[webhooks]\naddress = \
             \"http://{address}\"\n[schedule]\npoll = \"{poll}\"\nfull = \"0 0 1 1 * UTC\"\n"
        );
        for number in 0..shops {
            let name = if number == 0 { "main".to_owned() } else { format!("shop-{number}") };
            let _ = write!(
                config,
                "[shops.{name}.lightspeed]\ncluster = \"eu1\"\nlanguage = \"nl\"\napi_key_file = \"key\"\n\
                 api_secret_file = \"secret\"\nbase_url = \"{}\"\n[shops.{name}.klarna]\nenvironment = \
                 \"playground\"\nregion = \"eu\"\nusername_file = \"username\"\npassword_file = \"password\"\n\
                 base_url = \"{}\"\n[shops.{name}.policy]\n{policy}\n",
                text(&shop["base_url"]),
                text(&klarna["base_url"]),
            );
        }
        std::fs::write(directory.path().join("config.toml"), config).expect("the configuration is written");
        Self { directory, address }
    }

    pub fn config(&self) -> PathBuf {
        self.directory.path().join("config.toml")
    }

    /// Starts the service and waits until it has taken up its shops.
    pub fn start(&self) -> Daemon {
        let log = std::fs::File::create(self.directory.path().join("log")).expect("a log");
        let process = Command::new(PROGRAM)
            .args(["--quiet", "--config"])
            .arg(self.config())
            .arg("run")
            // As the unit has it.
            .env("MALLOC_TRIM_THRESHOLD_", "131072")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the service starts");
        let daemon = Daemon { process, address: self.address };
        while daemon.figure("reconciled_pass_period_seconds").is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        daemon
    }
}

impl Daemon {
    /// One request by hand: status and body; `None` when nobody listens.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    /// The samples of one figure, by shop.
    pub fn figure(&self, name: &str) -> BTreeMap<String, i64> {
        let text = self.ask("GET", "/metrics", &[], "").map(|(_, body)| body).unwrap_or_default();
        let wanted = format!("{name}{{shop=\"");
        let of = |line: &str| {
            let rest = line.strip_prefix(&wanted)?;
            Some((rest.split('"').next()?.to_owned(), rest.rsplit(' ').next()?.parse().ok()?))
        };
        text.lines().filter_map(of).collect()
    }

    /// Waits until every shop had so many passes.
    pub fn passed(&self, shops: usize, passes: i64) {
        let enough = || {
            let counts = self.figure("reconciled_passes_total");
            counts.len() == shops && counts.values().all(|count| *count >= passes)
        };
        while !enough() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A number of `/proc/PID/status`, such as `VmRSS` in KiB or `Threads`.
    pub fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.split(':').next() == Some(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    /// Processor time so far, of threads that have ended too; to the hundredth of a second.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("the process lives");
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let ticks = after_name.split(' ').skip(11).take(2).filter_map(|number| number.parse::<u64>().ok());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
