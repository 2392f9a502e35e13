//! The operations page over a large shop: a service of the built program, a session, and how long each page takes.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{PROGRAM, Workplace};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// How often each page is asked for.
const TIMES: usize = 31;

/// Gives every third order a credit invoice and every fifth a break, of which one in ten is open; and a history of
/// passes and decisions. Written past the store's verbs: nothing here decides, and the pages read rows.
pub fn with_history(place: &Workplace) {
    let mut store = Connection::open(place.store()).expect("the store opens");
    let all = store.transaction().expect("a transaction");
    for statement in [
        "INSERT INTO credit_invoice (shop, id, order_id, number, state, amount, created_at)
         SELECT shop, id, id, 'INV' || id, CASE WHEN id % 300 = 0 THEN 'held' ELSE 'paid_by_hand' END, 1995, quiet_since
         FROM shop_order WHERE id % 3 = 0",
        "INSERT INTO break (shop, order_id, kind, subject, amount, message, opened_at, status)
         SELECT shop, id, CASE WHEN id % 2 = 0 THEN 'refund_missing' ELSE 'captured_not_shipped' END, 'INV' || id, 1995,
            'a credit invoice is not paid and no refund exists', quiet_since + id,
            CASE WHEN id % 50 = 0 THEN 'open' ELSE 'cleared' END
         FROM shop_order WHERE id % 5 = 0",
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 50000)
         INSERT INTO pass (shop, id, started_at, ended_at, complete)
         SELECT 'main', printf('00000000-0000-7000-8000-%012x', n), n, n + 1, 1 FROM n",
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
         INSERT INTO journal (shop, seq, at, actor, cause, entity, entity_id, event, before, after, detail, hash)
         SELECT 'main', 100000000 + n, n, 'operator-1', 'operator', 'shop', 'main', 'stop', '', '', '{\"note\":\"why\"}',
            zeroblob(32) FROM n",
    ] {
        all.execute(statement, ()).expect("rows");
    }
    all.commit().expect("a commit");
}

struct Service {
    process: Child,
    address: String,
    cookie: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Service {
    fn start(place: &Workplace) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let address = format!("127.0.0.1:{port}");
        let written = std::fs::read_to_string(place.config()).expect("the configuration");
        let more = format!(
            "[server]\nlisten = \"{address}\"\n[schedule]\npoll = \"every 7 days\"\nfull = \"0 0 1 1 * UTC\"\n"
        );
        std::fs::write(place.config(), format!("{written}\n{more}")).expect("the configuration is written");
        let mut command = Command::new(PROGRAM);
        command.args(["--quiet", "--config"]).arg(place.config()).arg("run").env("RECONCILED_SERVER_TOKEN", TOKEN);
        let process = command.stderr(Stdio::null()).spawn().expect("the service starts");
        let mut service = Self { process, address, cookie: String::new() };
        let passed = "reconciled_passes_total{shop=\"main\"} 1";
        while !service.ask("GET", "/metrics", "").contains(passed) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let answer = service.ask("POST", "/login", &format!("operator=bench&token={TOKEN}"));
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a session");
        service.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        service
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return String::new() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nCookie: {1}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {2}\r\n\r\n{body}",
            self.address,
            self.cookie,
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

/// The slowest page by its median, and that median.
pub fn slowest_page(place: &Workplace) -> (String, Duration) {
    let service = Service::start(place);
    let link = |page: &str, to: &str| {
        let shown = service.ask("GET", page, "");
        let (_, rest) = shown.split_once(&format!("href=\"{to}")).expect("a link");
        format!("{to}{}", rest.split('"').next().unwrap_or_default()).replace("&#38;", "&").replace("&amp;", "&")
    };
    let mut pages: Vec<String> = ["", "/breaks", "/breaks?show=closed&kind=shipped_not_captured", "/credits"]
        .into_iter()
        .chain(["/credits?show=all", "/passes", "/passes?before=300", "/journal", "/journal?show=all", "/switch"])
        .map(|path| format!("/shops/main{path}"))
        .collect();
    pages.push(link("/shops/main/breaks", "/shops/main/breaks/"));
    pages.push(link("/shops/main/breaks", "/shops/main/orders/"));
    pages.push(link("/shops/main/breaks", "/shops/main/breaks?show=open"));
    pages.push("/shops/main/credits?show=all&before=1000050000".to_owned());
    let median = |page: &String| {
        let mut times: Vec<Duration> = (0..TIMES)
            .map(|_| {
                let started = Instant::now();
                let answer = service.ask("GET", page, "");
                assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("</html>"), "{page}: {answer}");
                started.elapsed()
            })
            .collect();
        times.sort();
        times[TIMES / 2]
    };
    let timed: Vec<(String, Duration)> = pages.iter().map(|page| (page.clone(), median(page))).collect();
    for (page, time) in &timed {
        println!("{:>8.2} ms  {page}", time.as_secs_f64() * 1_000.0);
    }
    timed.into_iter().max_by_key(|(_, time)| *time).expect("pages")
}
