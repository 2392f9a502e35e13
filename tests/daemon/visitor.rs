//! Somebody in front of the operations page, over raw HTTP: what a browser would send, and what it would be told.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rusqlite::Connection;

use crate::service::Service;
use crate::support::{DRIVE, Rig};

pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// What a browser says about a form of our own under `no-referrer`.
pub const OWN_FORM: [(&str, &str); 3] =
    [("Origin", "null"), ("Sec-Fetch-Site", "same-origin"), ("Content-Type", "application/x-www-form-urlencoded")];

/// An answer: status, head and body.
pub struct Answer {
    pub status: u16,
    pub head: String,
    /// As text; bytes that are none are replaced.
    pub body: String,
    pub bytes: Vec<u8>,
    /// All of the body came, as its length or its last piece says.
    pub is_whole: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let wanted = |line: &&str| line.split_once(':').is_some_and(|(given, _)| given.eq_ignore_ascii_case(name));
        self.head.lines().find(wanted).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
    }

    /// The token of the forms on this page.
    #[track_caller]
    pub fn form(&self) -> String {
        let (_, rest) =
            self.body.split_once("name=\"form\" value=\"").unwrap_or_else(|| panic!("no form: {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

/// A page that is on, and somebody in front of it.
pub struct Visitor<'a> {
    pub service: &'a Service<'a>,
    pub cookie: String,
}

pub fn start<'a>(rig: &'a Rig, schedule: &str) -> Service<'a> {
    start_under(rig, DRIVE, schedule)
}

pub fn start_under<'a>(rig: &'a Rig, policy: &str, schedule: &str) -> Service<'a> {
    rig.secret("server.token", TOKEN);
    let service = Service::start_with_server(rig, policy, schedule, "token_file = \"server.token\"\n");
    service.passes_beyond(0);
    service
}

pub fn send(service: &Service<'_>, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(service.address).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "Host") {
        let _ = write!(head, "Host: {}\r\n", service.address);
    }
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    // A server that refuses a body early may close before all of it was sent.
    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    read(&answer)
}

/// An answer as it came over the wire.
pub fn read(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let rest = answer.get(end + 4..).unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let mut answer = Answer { status, head, body: String::new(), bytes: rest.to_vec(), is_whole: false };
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    answer.is_whole = length == Some(rest.len());
    if answer.header("transfer-encoding") == Some("chunked") {
        (answer.bytes, answer.is_whole) = joined(rest);
    }
    answer.body = String::from_utf8_lossy(&answer.bytes).into_owned();
    answer
}

/// The pieces of a body put together, and whether the last one came.
fn joined(mut pieces: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    while let Some(end) = pieces.windows(2).position(|it| it == b"\r\n") {
        let length = std::str::from_utf8(&pieces[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        let rest = &pieces[end + 2..];
        if length == 0 {
            return (bytes, true);
        }
        bytes.extend_from_slice(&rest[..length.min(rest.len())]);
        pieces = rest.get(length + 2..).unwrap_or_default();
    }
    (bytes, false)
}

pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

pub fn body(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

pub fn login(service: &Service<'_>, operator: &str, token: &str) -> Answer {
    send(service, "POST", "/login", &OWN_FORM, &body(&[("operator", operator), ("token", token)]))
}

impl<'a> Visitor<'a> {
    #[track_caller]
    pub fn enter(service: &'a Service<'a>, operator: &str) -> Self {
        let answer = login(service, operator, TOKEN);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{}", answer.body);
        let cookie = answer.header("set-cookie").unwrap();
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        Self { service, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    pub fn get(&self, path: &str) -> Answer {
        send(self.service, "GET", path, &[("Cookie", &self.cookie)], "")
    }

    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let headers = [&OWN_FORM[..], &[("Cookie", self.cookie.as_str())]].concat();
        send(self.service, "POST", path, &headers, &body(fields))
    }

    /// Decides on a fresh page, and returns what the next page says about it.
    #[track_caller]
    pub fn decide(&self, page: &str, fields: &[(&str, &str)]) -> Answer {
        let form = self.get(page).form();
        let answer = self.post("/shops/main/decide", &[&[("form", form.as_str())], fields].concat());
        assert_eq!(answer.status, 303, "{}", answer.body);
        self.get(answer.header("location").unwrap())
    }
}

pub fn refusals(service: &Service<'_>, reason: &str) -> i64 {
    service.figure(&format!("reconciled_page_refusals_total{{reason=\"{reason}\"}}")).unwrap()
}

/// The last path segment of the first link that begins like this.
#[track_caller]
pub fn first_id(page: &Answer, beginning: &str) -> String {
    let (_, rest) = page.body.split_once(beginning).unwrap_or_else(|| panic!("no {beginning} in {}", page.body));
    rest.chars().take_while(char::is_ascii_digit).collect()
}

pub fn store(rig: &Rig) -> Connection {
    Connection::open(rig.store()).unwrap()
}

pub fn decisions(rig: &Rig) -> i64 {
    store(rig).query_row("SELECT count(*) FROM journal WHERE cause = 'operator'", [], |row| row.get(0)).unwrap()
}

/// The first hidden field of this name, as a form of the page would send it back.
#[track_caller]
pub fn hidden(page: &Answer, name: &str) -> String {
    let (_, rest) =
        page.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{}", page.body));
    rest.split('"').next().unwrap().to_owned()
}
