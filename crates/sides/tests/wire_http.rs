//! The reqwest transport against a server that speaks raw bytes: what is "not sent", what is "lost", and that one
//! call is one request whatever happens.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on fails, and its helpers with it"
)]

mod wire_support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use reconciled_sides::http::{Login, Method, Request, ReqwestTransport, Response, Transport, TransportError};
use wire_support::credentials;

/// A server that gives every connection to `serve`, and remembers every request that was read whole.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(serve: impl Fn(&mut Connection) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (serve, log) = (Arc::new(serve), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (serve, seen) = (Arc::clone(&serve), Arc::clone(&log));
                thread::spawn(move || serve(&mut Connection { stream: stream.unwrap(), seen }));
            }
        });
        Self { address, seen }
    }

    /// Reads one request per connection and answers these bytes.
    fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::new(move |connection| {
            connection.request();
            connection.say(&bytes);
        })
    }

    fn request(&self) -> Request {
        Request {
            method: Method::Post,
            url: format!("http://{}/path", self.address),
            login: Login::Basic(credentials()),
            headers: vec![("klarna-idempotency-key", "key-1".to_owned())],
            body: Some("{\"a\":1}".to_owned()),
            timeout: Duration::from_secs(10),
            largest_answer: 1000,
        }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn ask(&self) -> Result<Response, TransportError> {
        send(self.request())
    }
}

struct Connection {
    stream: TcpStream,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Connection {
    /// Reads one whole request; `false` when the client has gone.
    fn request(&mut self) -> bool {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    self.seen.lock().unwrap().push(text);
                    return true;
                }
            }
            match self.stream.read(&mut buffer) {
                Ok(0) | Err(_) => return false,
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            }
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Closes with a reset instead of an orderly end.
    fn reset(&mut self) {
        let stream = self.stream.try_clone().unwrap();
        tokio::net::TcpSocket::from_std_stream(stream).set_zero_linger().unwrap();
    }
}

#[test]
fn a_token_is_borne_and_nobody_sends_nothing() {
    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let token = Login::Bearer("t0ken".to_owned().into());
    assert!(!format!("{token:?}").contains("t0ken"));
    for login in [token, Login::Nobody] {
        send(Request { login, ..server.request() }).unwrap();
    }
    let headers: Vec<Option<String>> = server
        .seen()
        .iter()
        .map(|text| text.lines().find(|line| line.starts_with("authorization: ")).map(str::to_owned))
        .collect();
    assert_eq!(headers, [Some("authorization: Bearer t0ken".to_owned()), None]);
}

fn send(request: Request) -> Result<Response, TransportError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(ReqwestTransport::new().unwrap().send(request))
}

fn lost(result: Result<Response, TransportError>) -> String {
    match result {
        Err(TransportError::Lost(why)) => why,
        other => panic!("not lost: {other:?}"),
    }
}

fn not_sent(result: Result<Response, TransportError>) -> String {
    match result {
        Err(TransportError::NotSent(why)) => why,
        other => panic!("not unsent: {other:?}"),
    }
}

const CREATED: &[u8] = b"HTTP/1.1 201 Created\r\nRefund-Id: r-1\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_request_arrives_as_it_was_meant() {
    let server = Server::answering(CREATED);
    let response = server.ask().unwrap();
    assert_eq!((response.status, response.header("REFUND-ID")), (201, Some("r-1")));
    assert!(response.body.is_empty());
    let [seen] = server.seen().try_into().unwrap();
    assert!(seen.starts_with("POST /path HTTP/1.1\r\n"), "{seen}");
    for line in [
        "authorization: Basic dXNlcjpzM2NyZXQ=\r\n",
        "klarna-idempotency-key: key-1\r\n",
        "content-type: application/json\r\n",
        "content-length: 7\r\n",
        "accept-encoding: gzip\r\n",
        "user-agent: reconciled/",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    assert!(seen.ends_with("\r\n\r\n{\"a\":1}"));
}

#[test]
fn a_request_without_a_body_has_none() {
    let server = Server::answering(b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(send(Request { body: None, ..server.request() }).unwrap().status, 204);
    assert!(!server.seen()[0].contains("content-type"));
    let server = Server::answering(CREATED);
    let get = Request { method: Method::Get, body: None, ..server.request() };
    assert_eq!(send(get).unwrap().status, 201);
    assert!(server.seen()[0].starts_with("GET "));
}

#[test]
fn without_a_connection_nothing_was_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::answering(CREATED);
    let to = |url: String| send(Request { url, ..server.request() });
    not_sent(to(format!("http://{closed}/")));
    not_sent(to("https://name.invalid/".to_owned()));
    // A server that does not speak TLS.
    let plain = Server::new(|connection| connection.say(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    not_sent(to(format!("https://{}/", plain.address)));
    let silent = Server::new(|connection| drop(connection.stream.shutdown(std::net::Shutdown::Both)));
    not_sent(to(format!("https://{}/", silent.address)));
    assert!(server.seen().is_empty());
}

#[test]
fn plain_http_leaves_this_machine_never() {
    let server = Server::answering(CREATED);
    let port = server.address.port();
    let to = |url: String| send(Request { url, ..server.request() });
    for url in [
        "http://api.klarna.com/".to_owned(),
        "http://192.0.2.1/".to_owned(),
        format!("http://0.0.0.0:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://localhost.example.invalid:{port}/"),
        format!("http://127.0.0.1@192.0.2.1:{port}/"),
        format!("http://user:secret@127.0.0.1:{port}/"),
        "ftp://127.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "/ordermanagement".to_owned(),
        String::new(),
    ] {
        let why = not_sent(to(url.clone()));
        assert!(!why.contains("secret") && !why.contains("192.0.2.1"), "{url}: {why}");
    }
    assert!(server.seen().is_empty());
    assert_eq!(to(format!("http://localhost:{port}/")).unwrap().status, 201);
    assert_eq!(to(format!("http://LOCALHOST:{port}/")).unwrap().status, 201);
}

#[test]
fn a_header_that_is_no_text_is_never_sent() {
    let server = Server::answering(CREATED);
    let headers = vec![("klarna-idempotency-key", "a\r\nx: y".to_owned())];
    not_sent(send(Request { headers, ..server.request() }));
    assert!(server.seen().is_empty());
}

#[test]
fn a_connection_that_breaks_may_have_carried_the_request() {
    // One byte was read, so the request was on its way.
    let midway = Server::new(|connection| {
        let _ = connection.stream.read(&mut [0]);
        connection.reset();
    });
    for _ in 0..50 {
        lost(midway.ask());
    }
    let after = Server::new(|connection| {
        connection.request();
        connection.reset();
    });
    lost(after.ask());
    let closed = Server::new(|connection| {
        connection.request();
    });
    lost(closed.ask());
    assert_eq!((after.seen().len(), closed.seen().len()), (1, 1));
}

#[test]
fn an_answer_that_is_cut_is_lost() {
    for bytes in [
        "HTTP/1.1 201 Crea",
        "HTTP/1.1 201 Created\r\nRefund-Id: r-1\r\n",
        "HTTP/1.1 201 Created\r\nRefund-Id: r-1\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 201 Created\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 201 Created\r\nRefund Id: r\r\nContent-Length: 0\r\n\r\n",
        "garbage\r\n\r\n",
        "\u{16}\u{3}\u{1}",
    ] {
        let server = Server::answering(bytes);
        lost(server.ask());
        assert_eq!(server.seen().len(), 1, "{bytes}");
    }
}

#[test]
fn a_body_ends_where_its_length_says() {
    let server = Server::answering(
        "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 201 Created\r\nRefund-Id: stray\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(server.ask().unwrap().body, b"ab");
    let closing = Server::answering("HTTP/1.1 200 OK\r\n\r\nto the end");
    assert_eq!(closing.ask().unwrap().body, b"to the end");
}

#[test]
fn a_stray_answer_never_answers_the_next_request() {
    let stray = [CREATED, b"HTTP/1.1 201 Created\r\nRefund-Id: stray\r\nContent-Length: 0\r\n\r\n"].concat();
    let server = Server::new(move |connection| {
        while connection.request() {
            connection.say(&stray);
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let transport = ReqwestTransport::new().unwrap();
        for _ in 0..20 {
            if let Ok(response) = transport.send(server.request()).await {
                assert_eq!(response.header("refund-id"), Some("r-1"));
            }
        }
    });
}

#[test]
fn a_redirect_is_an_answer() {
    let elsewhere = Server::answering(CREATED);
    for status in [301, 302, 303, 307, 308] {
        let head =
            format!("HTTP/1.1 {status} Moved\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n", elsewhere.address);
        let server = Server::answering(head);
        assert_eq!(server.ask().unwrap().status, status);
        assert_eq!(server.seen().len(), 1);
    }
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn an_answer_that_is_too_long_is_lost() {
    let body = "x".repeat(1001);
    let exact = Server::answering(format!("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}", &body[1..]));
    assert_eq!(exact.ask().unwrap().body.len(), 1000);
    let server = Server::answering(format!("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n{body}"));
    assert!(lost(server.ask()).contains("1000 bytes"));
    let endless = Server::new(|connection| {
        connection.request();
        connection.say(b"HTTP/1.1 200 OK\r\n\r\n");
        while connection.stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    assert!(lost(endless.ask()).contains("1000 bytes"));
}

/// `printf '{"a":1}' | gzip -n`
const GZIPPED: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xab, 0x56, 0x4a, 0x54, 0xb2, 0x32, 0xac, 0x05, 0x00,
    0xaf, 0xac, 0x1b, 0x56, 0x07, 0x00, 0x00, 0x00,
];

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bytes.len());
    [head.as_bytes(), bytes].concat()
}

#[test]
fn compressed_answers_are_read_whole_or_lost() {
    assert_eq!(Server::answering(gzipped(GZIPPED)).ask().unwrap().body, b"{\"a\":1}");
    lost(Server::answering(gzipped(&GZIPPED[..20])).ask());
    lost(Server::answering(gzipped(b"not gzip at all")).ask());
    let mut flipped = GZIPPED.to_vec();
    flipped[20] ^= 1;
    lost(Server::answering(gzipped(&flipped)).ask());
}

/// A gzip member of stored zero bytes that a `flate` block repeats: 32 KiB of zeros in few bytes, many times.
fn bomb() -> Vec<u8> {
    // Members may follow one another; each is ten bytes of header, one stored block, and a checksum nobody reaches.
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    for _ in 0..64 {
        bytes.extend([0, 0xff, 0xff, 0, 0]);
        bytes.extend(std::iter::repeat_n(0, 65_535));
    }
    bytes
}

#[test]
fn the_cap_counts_what_comes_out_of_the_compression() {
    assert!(lost(Server::answering(gzipped(&bomb())).ask()).contains("1000 bytes"));
}

#[test]
fn a_slow_answer_is_lost_in_time() {
    let pause = |milliseconds| thread::sleep(Duration::from_millis(milliseconds));
    let silent = Server::new(move |connection| {
        connection.request();
        pause(2000);
    });
    let slow = Server::new(move |connection| {
        connection.request();
        connection.say(b"HTTP/1.1 201 Created\r\nRefund-Id: r-1\r\nContent-Length: 100\r\n\r\n");
        for _ in 0..100 {
            pause(20);
            connection.say(b"x");
        }
    });
    for server in [silent, slow] {
        let timeout = Duration::from_millis(300);
        let why = lost(send(Request { timeout, ..server.request() }));
        assert!(why.contains("timed out"), "{why}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn no_status_is_asked_again() {
    for status in [100, 408, 421, 425, 429, 500, 502, 503, 504] {
        let server = Server::answering(format!("HTTP/1.1 {status} X\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"));
        match server.ask() {
            Ok(response) => assert_eq!(response.status, status),
            Err(error) => assert!(matches!(error, TransportError::Lost(_)) && status == 100),
        }
        assert_eq!(server.seen().len(), 1, "{status}");
    }
}

#[test]
fn a_pooled_connection_that_dies_carries_a_request_once_at_most() {
    let server = Server::new(|connection| {
        connection.request();
        connection.say(CREATED);
        // Closed while idle, or just when the next request arrives.
        thread::sleep(Duration::from_millis(1));
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let sent = runtime.block_on(async {
        let transport = ReqwestTransport::new().unwrap();
        let mut answers = 0;
        for _ in 0..200 {
            match transport.send(server.request()).await {
                Ok(response) => {
                    assert_eq!(response.header("refund-id"), Some("r-1"));
                    answers += 1;
                }
                Err(error) => assert!(matches!(error, TransportError::Lost(_)), "{error}"),
            }
            tokio::time::sleep(Duration::from_micros(900)).await;
        }
        answers
    });
    assert_eq!(server.seen().len(), sent);
}

#[test]
fn errors_name_no_url_and_no_credential() {
    let server = Server::new(|connection| {
        connection.request();
        connection.reset();
    });
    let url = format!("http://{}/orders/4711?number=A", server.address);
    let why = lost(send(Request { url, ..server.request() }));
    for secret in ["4711", "number", "s3cret", "dXNlcjpz"] {
        assert!(!why.contains(secret), "{why}");
    }
    assert!(!format!("{:?}", server.request()).contains("s3cret"));
}
