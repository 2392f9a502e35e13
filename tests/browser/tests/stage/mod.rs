//! What a browser needs in front of it: the sandbox, the service over it, and Chromium with its driver.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;

pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub const NAME: &str = "support desk";
/// Who proposed what waits for a second operator.
pub const PROPOSER: &str = "operator-1";

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The program under test: the one that `run` built and names in `PROGRAM`, or where cargo puts it.
fn built() -> PathBuf {
    let usual = || here().join("../../target/debug/reconciled");
    #[expect(clippy::disallowed_methods, reason = "a knob of the test alone")]
    let named = std::env::var_os("PROGRAM");
    let path = named.map_or_else(usual, PathBuf::from);
    assert!(path.exists(), "{} is not built", path.display());
    path
}

fn free() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A child that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Stage {
    directory: TempDir,
    port: u16,
    driver: u16,
    /// In the order in which they end.
    _running: Vec<Running>,
}

impl Stage {
    /// A demonstration shop under two names, a pass over one, and the service.
    pub fn set() -> Self {
        let directory = TempDir::new().unwrap();
        let (port, driver) = (free(), free());
        let run = |program: &mut Command| Running(program.spawn().unwrap());
        let mut sandbox = Command::new(built());
        sandbox.args([
            "--quiet",
            "sandbox",
            "--lightspeed-port",
            "0",
            "--klarna-port",
            "0",
            "--json",
            "--write-config",
        ]);
        let mut sandbox = run(sandbox.arg(directory.path()).stdout(Stdio::piped()));
        BufReader::new(sandbox.0.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
        let config = directory.path().join("reconciled.toml");
        let written = fs::read_to_string(&config).unwrap();
        let policy = "[shops.main.policy]\nact = true\nrefund_after = \"0 seconds\"\ngrace = \"0 seconds\"\ntwo_person_above = \"30.00\"";
        let (shop, _) = written.split_once("[shops.main.policy]\nact = true\n").unwrap();
        let (_, sections) = shop.split_once("[shops.main.lightspeed]").unwrap();
        // The same simulated shop with another Klarna account, never acted on.
        let second = format!("[shops.main.lightspeed]{sections}")
            .replace("[shops.main.", "[shops.second.")
            .replace("region      = \"eu\"", "region      = \"na\"");
        let server = format!("[server]\nlisten = \"127.0.0.1:{port}\"\ntoken_file = \"server.token\"\n");
        let schedule = "[schedule]\npoll = \"every 7 days\"\nfull = \"0 0 1 1 * UTC\"\n";
        fs::write(&config, format!("{shop}{policy}\n{second}\n{server}{schedule}")).unwrap();
        fs::write(directory.path().join("server.token"), TOKEN).unwrap();
        let log = fs::File::create(directory.path().join("service.log")).unwrap();
        let service = run(Command::new(built()).arg("--config").arg(&config).arg("run").stderr(log));
        let chromedriver = run(Command::new("chromedriver").arg(format!("--port={driver}")).stdout(Stdio::null()));
        let stage = Self { directory, port, driver, _running: vec![chromedriver, service, sandbox] };
        // The other one's turn comes later: a service spreads its shops over the period.
        stage.wait("a pass is over", || {
            stage.get("/metrics", None).contains("reconciled_passes_total{shop=\"main\"} 1")
        });
        stage
    }

    fn wait(&self, what: &str, is_so: impl Fn() -> bool) {
        for _ in 0..1_200 {
            if is_so() {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        let log = fs::read_to_string(self.directory.path().join("service.log")).unwrap_or_default();
        panic!("waited in vain until {what}:\n{log}");
    }

    /// Waits for what the browser does in its own time.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        for _ in 0..2_400 {
            if is_so().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("waited in vain until {what}");
    }

    /// Waits until a key or a click has led to this page and all of it is there: both answer before that.
    pub async fn arrive(&self, driver: &WebDriver, path: &str) {
        let state = "return [location.pathname, document.readyState];";
        let there = json!([path, "complete"]);
        self.until(path, async || {
            // Between two pages there is no document to ask.
            driver.execute(state, Vec::new()).await.is_ok_and(|it| *it.json() == there)
        })
        .await;
    }

    pub async fn browser(&self) -> WebDriver {
        let mut wanted = DesiredCapabilities::chrome();
        let profile = format!("--user-data-dir={}", self.directory.path().join("browser").display());
        for flag in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            // A colour on its way to another is no colour of the page's.
            "--force-prefers-reduced-motion",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &profile,
        ] {
            wanted.add_arg(flag).unwrap();
        }
        let address = format!("http://127.0.0.1:{}", self.driver);
        self.wait("chromedriver listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, self.driver)).is_ok());
        let driver = WebDriver::new(address, wanted).await.unwrap();
        // A click answers before the page it leads to is there.
        driver.set_implicit_wait_timeout(Duration::from_secs(20)).await.unwrap();
        driver
    }

    /// How the page looks from here on.
    pub async fn scheme(&self, driver: &WebDriver, scheme: &str, width: i64) {
        let tools = driver.cdp();
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        tools.send_raw("Emulation.setEmulatedMedia", features).await.unwrap();
        let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        tools.send_raw("Emulation.setDeviceMetricsOverride", size).await.unwrap();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The answer's body as it was sent; empty while nobody listens.
    pub fn get(&self, path: &str, session: Option<&str>) -> String {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else { return String::new() };
        let cookie = session.map_or_else(String::new, |key| format!("Cookie: reconciled_session={key}\r\n"));
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n{cookie}\r\n", self.port)
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    /// A run of the program over the same store; what it printed.
    pub fn program(&self, arguments: &[&str]) -> String {
        self.program_of("main", arguments)
    }

    pub fn program_of(&self, shop: &str, arguments: &[&str]) -> String {
        self.ran(&[&["--shop", shop], arguments].concat())
    }

    /// A report by the command: of one shop, or of all.
    pub fn report(&self, shop: Option<&str>, arguments: &[&str]) {
        let shop = shop.map_or_else(Vec::new, |shop| vec!["--shop", shop]);
        self.ran(&[&shop[..], &["report"], arguments].concat());
    }

    /// Proposes the first refund that needs two operators; the number of its order.
    pub fn proposed(&self) -> String {
        let list: Value =
            serde_json::from_str(&self.program(&["breaks", "list", "--kind", "limit_reached", "--json"])).unwrap();
        let order = list["breaks"][0]["order"].as_str().unwrap_or_else(|| panic!("{list:#}")).to_owned();
        self.program(&["approve", &order, "--note", "large return <b>", "--as", PROPOSER]);
        order
    }

    pub fn place(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn ran(&self, arguments: &[&str]) -> String {
        let config = self.directory.path().join("reconciled.toml");
        let output = Command::new(built()).arg("--config").arg(config).args(arguments).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn kept(&self) -> PathBuf {
        self.directory.path().join("pages")
    }

    /// Keeps a page for the validator.
    pub fn keep(&self, path: &str, html: &str) {
        assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>"), "{path}: {html}");
        fs::create_dir_all(self.kept()).unwrap();
        let name: String = path.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' }).collect();
        fs::write(self.kept().join(format!("page{name}.html")), html).unwrap();
    }
}

fn module(path: &str) -> PathBuf {
    let found = here().join("node_modules").join(path);
    assert!(found.exists(), "{} is missing: `npm ci` in tests/browser", found.display());
    found
}

/// The checker of accessibility, as a script to run in a page.
pub fn axe() -> String {
    fs::read_to_string(module("axe-core/axe.min.js")).unwrap()
}

/// Holds every kept page against the rules of HTML.
pub fn validate(stage: &Stage) {
    let rules = Path::new(&here()).join(".htmlvalidate.json");
    let checked = Command::new("node")
        .arg(module("html-validate/bin/html-validate.mjs"))
        .arg("--config")
        .arg(rules)
        .args(["--formatter", "text", "--ext", "html"])
        .arg(stage.kept())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(checked.status.success(), "{said}");
}
