//! Reports through the page: the command's own bytes, told kindly when there are none, and never half of one as a whole.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::service::{RARELY, Service};
use crate::support::{DRIVE, Rig, now, wait_until};
use crate::visitor::{Answer, TOKEN, Visitor, encoded, read, refusals, send, start, store};

const PAGE: &str = "/shops/main/reports";
const FORMATS: [&str; 5] = ["html", "csv", "xlsx", "json", "text"];

fn month(days_ago: i64) -> String {
    let past = now().checked_sub(jiff::SignedDuration::from_hours(24 * days_ago)).unwrap();
    past.to_string()[..7].to_owned()
}

/// What the command writes.
#[track_caller]
fn written(rig: &Rig, arguments: &[&str], format: &str) -> Vec<u8> {
    let file = rig.path("by-command");
    let name = file.display().to_string();
    let ran = rig.run(&[&["report", "--format", format, "--output", &name], arguments].concat());
    assert!([0, 1, 3].contains(&ran.status), "{}", ran.err);
    fs::read(file).unwrap()
}

/// The same report over the page, whole and as a download.
#[track_caller]
fn downloaded(visitor: &Visitor<'_>, base: &str, query: &str, format: &str) -> Answer {
    let answer = visitor.get(&format!("{base}/download?{query}&format={format}"));
    assert_eq!((answer.status, answer.is_whole), (200, true), "{}: {}", answer.head, answer.body);
    let (media, extension) = match format {
        "html" => ("text/html; charset=utf-8", "html"),
        "csv" => ("text/csv; charset=utf-8; header=present", "csv"),
        "xlsx" => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        "json" => ("application/json", "json"),
        _ => ("text/plain; charset=utf-8", "txt"),
    };
    assert_eq!(answer.header("content-type"), Some(media));
    let disposition = answer.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment; filename=\"reconciled-"), "{disposition}");
    assert!(disposition.ends_with(&format!(".{extension}\"")), "{disposition}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{}", answer.head);
    answer
}

#[test]
fn a_report_is_the_commands_byte_for_byte() {
    let rig = Rig::demo(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    let (this, last) = (month(0), month(31));
    for format in FORMATS {
        for (query, arguments) in [
            (format!("period={this}&from=&to="), vec!["--from", this.as_str()]),
            (format!("from={last}-02&to={this}-03"), vec![]),
            ("period=&from=&to=".to_owned(), vec![]),
        ] {
            let ends = [format!("{last}-02"), format!("{this}-03")];
            let ends = ["--from", ends[0].as_str(), "--to", ends[1].as_str()];
            let arguments = if query.starts_with("from") { ends.to_vec() } else { arguments };
            let expected = written(&rig, &arguments, format);
            let answer = downloaded(&visitor, PAGE, &query, format);
            assert!(answer.bytes == expected, "{format} {query}: {} bytes, {}", answer.bytes.len(), expected.len());
            rig.keeps_quiet(&answer.body);
        }
    }
    let answer = downloaded(&visitor, PAGE, &format!("period={this}"), "html");
    let name = format!("attachment; filename=\"reconciled-main-{this}.html\"");
    assert_eq!(answer.header("content-disposition"), Some(name.as_str()));
    assert!(!service.said().contains("WARN"), "{}", service.said());
    assert_eq!(service.terminate(), 0);
}

#[test]
fn one_report_may_be_over_all_shops() {
    let rig = Rig::empty(DRIVE);
    rig.returned(5_000, 2_000);
    let config = |more: &str| {
        rig.configure_as("nl", DRIVE, more);
        fs::read_to_string(rig.path("reconciled.toml")).unwrap()
    };
    // The same simulated shop with another Klarna account.
    let written_once = config("");
    let (_, rest) = written_once.split_once("[shops.main.lightspeed]").unwrap();
    let (sections, _) = rest.split_once("[shops.main.policy]").unwrap();
    let second = format!("[shops.main.lightspeed]{sections}")
        .replace("[shops.main.", "[shops.second.")
        .replace("region = \"eu\"", "region = \"na\"");
    rig.run(&["reconcile"]);
    let service = start(&rig, &format!("{second}{RARELY}"));
    rig.run(&["--shop", "second", "reconcile"]);
    let visitor = Visitor::enter(&service, "operator-1");
    assert!(visitor.get("/").body.contains("href=\"/reports\""));
    let page = visitor.get("/reports");
    assert!(page.status == 200 && page.body.contains("Reports over all shops"), "{}", page.body);
    assert!(visitor.get(PAGE).body.contains("href=\"/reports\""));
    for format in FORMATS {
        let answer = downloaded(&visitor, "/reports", "period=", format);
        assert!(answer.bytes == written(&rig, &[], format), "{format}");
        let one = downloaded(&visitor, "/shops/second/reports", "period=", format);
        assert!(one.bytes == written(&rig, &["--shop", "second"], format), "{format}");
        assert_ne!(one.bytes.len(), answer.bytes.len());
    }
    assert_eq!(visitor.get("/reports/download?period=never&format=csv").status, 400);
    assert_eq!(service.terminate(), 0);
}

#[test]
fn what_is_no_period_or_no_form_is_told_and_counted() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    let wrong = [
        ("period=2026-13&format=csv", "`2026-13` is no period"),
        ("period=october&format=csv", "a month such as 2026-10"),
        ("period=2026-10&from=2026-10&format=csv", "not both"),
        ("from=2026-11&to=2026-10&format=csv", "ends before it begins"),
        ("from=99999-01-01&format=csv", "is not a time such as"),
        ("to=-009999-01-01T00:00:00Z&format=csv", "No report was made"),
        ("period=2026-10", "Choose what kind of file"),
        ("period=2026-10&format=pdf", "text, json, csv, html or xlsx"),
        ("", "Choose what kind of file"),
    ];
    for (query, said) in wrong {
        let answer = visitor.get(&format!("{PAGE}/download?{query}"));
        assert_eq!((answer.status, answer.header("content-disposition")), (400, None), "{query}");
        assert!(answer.body.contains("role=\"alert\"") && answer.body.contains(said), "{query}: {}", answer.body);
    }
    assert_eq!(refusals(&service, "report"), i64::try_from(wrong.len()).unwrap());
    let bad = "<script>alert(1)</script>\"'>\u{202e}\u{1b}[2J\r\nSet-Cookie: evil=1\0";
    for field in ["period", "from", "to", "format"] {
        let answer = visitor.get(&format!("{PAGE}/download?{field}={}", encoded(&bad.repeat(40))));
        assert_eq!(answer.status, 400, "{field}");
        assert!(!answer.body.contains("<script") && !answer.body.contains("\"'>"), "{field}: {}", answer.body);
        assert!(!answer.body.contains(['\u{202e}', '\u{1b}', '\0', '\r']), "{field}");
        assert!(!answer.head.contains("evil") && answer.body.len() < 20_000, "{field}: {}", answer.head);
    }
    assert_eq!(visitor.get(&format!("{PAGE}/download?format=csv&format=csv")).status, 400);
    assert_eq!(refusals(&service, "unreadable"), 1);
    assert_eq!(visitor.get("/shops/other/reports/download?format=csv").status, 404);
    assert_eq!(service.terminate(), 0);
}

#[test]
fn a_report_is_for_whoever_is_logged_in_and_under_a_name_of_ours() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    for path in [PAGE, "/shops/main/reports/download?format=csv", "/reports", "/reports/download?format=csv"] {
        let answer = send(&service, "GET", path, &[("Cookie", "reconciled_session=guessed")], "");
        assert_eq!(
            (answer.status, answer.header("location"), answer.body.as_str()),
            (303, Some("/login"), ""),
            "{path}"
        );
    }
    let visitor = Visitor::enter(&service, "operator-1");
    let cookie = ("Cookie", visitor.cookie.as_str());
    let path = "/shops/main/reports/download?format=csv";
    assert_eq!(send(&service, "GET", path, &[cookie, ("Host", "evil.example")], "").status, 421);
    assert_eq!((send(&service, "POST", path, &[cookie], "").status, refusals(&service, "host")), (403, 1));
    // There a report that broke off would look whole.
    let old = raw(
        &service,
        &format!("GET {path} HTTP/1.0\r\nHost: {}\r\n{}: {}\r\n\r\n", service.address, cookie.0, cookie.1),
    );
    assert_eq!(old.status, 505, "{}", old.body);
    assert!(old.body.contains("HTTP/1.1"), "{}", old.body);
    assert_eq!(service.terminate(), 0);
}

fn raw(service: &Service<'_>, request: &str) -> Answer {
    let mut stream = TcpStream::connect(service.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    read(&answer)
}

/// So many decisions more, all of this moment; the last one says this about itself.
fn flooded(rig: &Rig, rows: i64, last: &str) {
    let store = store(rig);
    store
        .execute_batch(&format!(
            "BEGIN;
             INSERT INTO journal
             WITH RECURSIVE more (no) AS (SELECT 1 UNION ALL SELECT no + 1 FROM more WHERE no < {rows})
             SELECT h.shop, h.seq + no, j.at, 'operator-1', 'operator', 'shop', h.shop, NULL, 'noted', '', '',
                iif(no < {rows}, json_object('note', hex(randomblob(150))), '{last}'), zeroblob(32)
             FROM more JOIN journal_head AS h JOIN journal AS j ON j.shop = h.shop AND j.seq = h.seq;
             UPDATE journal_head SET seq = seq + {rows};
             COMMIT;"
        ))
        .unwrap();
}

#[test]
fn a_report_that_fails_half_way_never_looks_whole() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    flooded(&rig, 10_000, "{");
    for format in ["csv", "json"] {
        let answer = visitor.get(&format!("{PAGE}/download?format={format}"));
        assert!(answer.status == 200 && answer.bytes.len() > 1_000_000, "{format}: {}", answer.bytes.len());
        assert!(!answer.is_whole, "{format}: the last piece came");
        assert!(!answer.body.contains("reconciled_report"), "{format}: it carries no mark");
    }
    assert!(service.said().contains("a report broke off on its way to a browser"), "{}", service.said());
    // What is written at its end only is no download at all.
    for format in ["html", "xlsx", "text"] {
        let answer = visitor.get(&format!("{PAGE}/download?format={format}"));
        assert_eq!(
            (answer.status, answer.header("content-disposition"), answer.is_whole),
            (503, None, true),
            "{format}"
        );
        assert!(answer.body.contains("No report was made") && answer.body.contains("journal row"), "{}", answer.body);
    }
    assert_eq!(service.terminate(), 0);
}

#[test]
fn two_are_made_at_once_and_whoever_goes_away_makes_room() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    flooded(&rig, 200_000, "{}");
    let path = format!("{PAGE}/download?format=csv");
    let slow = || {
        let mut stream = TcpStream::connect(service.address).unwrap();
        let host = service.address;
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {}\r\n\r\n", visitor.cookie);
        stream.write_all(head.as_bytes()).unwrap();
        // It began, and then nobody takes the rest.
        stream.read_exact(&mut [0; 1_000]).unwrap();
        stream
    };
    let taking = [slow(), slow()];
    let busy = visitor.get(&path);
    assert_eq!((busy.status, busy.header("retry-after"), busy.header("content-disposition")), (503, Some("60"), None));
    assert!(busy.body.contains("Other reports come first"), "{}", busy.body);
    assert_eq!(refusals(&service, "busy"), 1);
    assert_eq!(send(&service, "GET", "/healthz", &[], "").status, 200, "nothing else waits");
    assert_eq!(visitor.get("/shops/main").status, 200);
    // A pass writes meanwhile.
    rig.returned(5_000, 2_000);
    rig.run(&["reconcile"]).ended(0);
    let before = service.peak_memory();
    drop(taking);
    wait_until("there is room again", || visitor.get(&path).status == 200);
    let answer = visitor.get(&path);
    assert!(answer.is_whole && answer.bytes.len() > 64 << 20, "{}", answer.bytes.len());
    // A reader's cache at most, which the two had as well; nothing that grows with the report.
    let more = service.peak_memory().saturating_sub(before);
    assert!(more < 32 << 20, "{more} bytes more in memory");
    // One that is under way keeps the service from nothing, its end included.
    let _taking = slow();
    assert_eq!(service.terminate(), 0);
}

#[test]
fn closed_periods_are_listed_with_their_digest_and_their_report() {
    let rig = Rig::demo(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    assert!(visitor.get(PAGE).body.contains("None yet."));
    let closed = month(40);
    let ran = rig.run(&["report", "close", &closed, "--as", "operator-1", "--note", "books <i>done</i>", "--json"]);
    let digest = ran.ended(0).json()["digest"].as_str().unwrap().to_owned();
    let page = visitor.get(PAGE);
    for said in [closed.as_str(), &digest, "operator-1", "“books &#60;i&#62;done&#60;/i&#62;”"] {
        assert!(page.body.contains(said), "{said} is missing: {}", page.body);
    }
    let links: Vec<String> =
        page.body.split("href=\"").filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
    let links: Vec<String> = links.into_iter().filter(|link| link.contains("/download?")).collect();
    assert_eq!(links.len(), 5, "{links:?}");
    for link in links {
        let answer = visitor.get(&link.replace("&amp;", "&"));
        assert_eq!((answer.status, answer.is_whole), (200, true), "{link}: {}", answer.body);
        let name = answer.header("content-disposition").unwrap();
        assert!(name.contains(&format!("reconciled-main-{closed}.")), "{name}");
        let file = rig.path("downloaded");
        fs::write(&file, &answer.bytes).unwrap();
        rig.run(&["report", "verify", &file.display().to_string()]).ended(0).says("a closed period");
    }
    let journal = visitor.get("/shops/main/journal").body;
    assert!(journal.contains("has a closed period"), "{journal}");
    rig.audit();
    assert_eq!(service.terminate(), 0);
}

#[test]
fn what_was_written_into_a_closed_period_stays_text() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    let bad = format!("<script>alert(1)</script>\"'>\u{202e}\u{1b}[2J\0{}", "x".repeat(1 << 16));
    let connection = store(&rig);
    for period in 0..60 {
        let insert =
            "INSERT INTO journal SELECT h.shop, h.seq + 1, j.at, ?1, 'operator', 'shop', h.shop, NULL, 'period_closed',
                '2025-01-01T00:00:00Z', '2025-02-01T00:00:00Z', json_object('last', 0, 'digest', ?1, 'note', ?1), j.hash
             FROM journal_head AS h JOIN journal AS j ON j.shop = h.shop AND j.seq = 1";
        assert_eq!(connection.execute(insert, [&bad]).unwrap(), 1, "{period}");
        connection.execute("UPDATE journal_head SET seq = seq + 1", []).unwrap();
    }
    let page = visitor.get(PAGE);
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.body.matches("<code class=\"digest\">").count(), 50, "a page at a time");
    assert!(!page.body.contains("<script") && !page.body.contains("\"'>"), "{}", page.body);
    assert!(!page.body.contains(['\u{202e}', '\u{1b}', '\0', '\r']));
    assert!(page.body.contains("&#60;script&#62;alert(1)"), "it is shown as it is");
    let (_, next) = page.body.split_once("/shops/main/reports?before=").unwrap();
    let next = next.split('"').next().unwrap();
    let page = visitor.get(&format!("{PAGE}?before={next}"));
    assert_eq!(page.body.matches("<code class=\"digest\">").count(), 10);
    assert!(!service.said().contains(TOKEN));
    assert_eq!(service.terminate(), 0);
}
