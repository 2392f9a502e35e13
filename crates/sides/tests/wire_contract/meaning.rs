//! Rows about words: answers that arrive whole, and say something else than what was hoped for.

use super::Row;
use super::good::{Good, answer};
use super::probe::KLARNA_ID;
use super::server::Act;
use Act::{Read, Say};

fn said(bytes: impl Into<Vec<u8>>) -> Vec<Act> {
    vec![Read, Say(bytes.into())]
}

const PAGE: &str = "<html><head><title>Sign in</title></head><body>200 OK</body></html>";

/// This status with the side's own refusal.
fn refused(good: &Good, status: &str, headers: &str) -> Vec<Act> {
    said(answer(status, headers, good.refusal))
}

/// A redirect to another path of this server, or to another server; with everything else that is hoped for.
fn moved(good: &Good, status: &str, host: &str) -> Vec<Act> {
    said(answer(status, &format!("{}Location: {host}/moved/refunds/r-1\r\n", good.id), &good.body))
}

fn elsewhere(good: &Good) -> String {
    format!("http://{}", good.elsewhere)
}

/// The right answer under another status line.
fn under(good: &Good, status: &str) -> Vec<Act> {
    said(good.under(status))
}

/// The right answer with other headers in the place of its id.
/// Where the order that is asked about is.
fn place() -> String {
    format!("https://x.invalid/orders/{KLARNA_ID}")
}

fn naming(good: &Good, headers: &str) -> Vec<Act> {
    let length = good.body.len();
    said(format!("HTTP/1.1 {}\r\n{headers}Content-Length: {length}\r\n\r\n{}", good.status, good.body))
}

/// A success without the id, under this header.
fn throttled(good: &Good, headers: &str) -> Vec<Act> {
    refused(good, "429 Too Many Requests", headers)
}

/// Columns: refund, cancel, mark paid; Klarna's order, the shop's order.
pub(crate) static ROWS: &[Row] = &[
    // Redirects, with and without another host.
    Row::new("301 here", "U U U x x", |g| moved(g, "301 Moved", "")),
    Row::new("302 here", "U U U x x", |g| moved(g, "302 Found", "")),
    Row::new("303 here", "U U U x x", |g| moved(g, "303 See Other", "")),
    Row::new("307 here", "U U U x x", |g| moved(g, "307 Temporary Redirect", "")),
    Row::new("308 here", "U U U x x", |g| moved(g, "308 Permanent Redirect", "")),
    Row::new("301 elsewhere", "U U U x x", |g| moved(g, "301 Moved", &elsewhere(g))),
    Row::new("303 elsewhere", "U U U x x", |g| moved(g, "303 See Other", &elsewhere(g))),
    Row::new("307 elsewhere", "U U U x x", |g| moved(g, "307 Temporary Redirect", &elsewhere(g))),
    Row::new("308 elsewhere", "U U U x x", |g| moved(g, "308 Permanent Redirect", &elsewhere(g))),
    Row::new("300 with a choice", "U U U x x", |g| moved(g, "300 Multiple Choices", &elsewhere(g))),
    Row::new("304 Not Modified", "U U U x x", |_| said("HTTP/1.1 304 Not Modified\r\n\r\n")),
    // Refusals. Lightspeed refuses with pages as well as with JSON, and a paid invoice is read again in any case.
    Row::new("400 in its own words", "R R U x x", |g| refused(g, "400 Bad Request", "")),
    Row::new("400 in nobody's words", "U U U x x", |_| said(answer("400 Bad Request", "", PAGE))),
    Row::new("401 in its own words", "A A A r r", |g| refused(g, "401 Unauthorized", "")),
    Row::new("401 as a page", "A A A r r", |_| said(answer("401 Unauthorized", "WWW-Authenticate: Basic\r\n", PAGE))),
    Row::new("403 in its own words", "R R A x r", |g| refused(g, "403 Forbidden", "")),
    Row::new("403 as a page", "A A A r r", |_| said(answer("403 Forbidden", "", PAGE))),
    Row::new("403 with nothing", "A A A r r", |_| said(answer("403 Forbidden", "", ""))),
    Row::new("403 that is a success inside", "A A A r r", |g| under(g, "403 Forbidden")),
    Row::new("404 in its own words", "R R U n x", |g| refused(g, "404 Not Found", "")),
    Row::new("404 as a page", "U U U x x", |_| said(answer("404 Not Found", "", PAGE))),
    Row::new("405 as a page", "U U U x x", |_| said(answer("405 Method Not Allowed", "Allow: GET\r\n", PAGE))),
    Row::new("407 from something between", "U U U x x", |_| said(answer("407 Proxy Authentication", "", PAGE))),
    Row::new("408 in its own words", "U U U x x", |g| refused(g, "408 Request Timeout", "")),
    Row::new("409 in its own words", "U U U x x", |g| refused(g, "409 Conflict", "")),
    Row::new("413 in its own words", "R R U x x", |g| refused(g, "413 Too Large", "")),
    Row::new("413 as a page", "U U U x x", |_| said(answer("413 Too Large", "", PAGE))),
    Row::new("421 as a page", "U U U x x", |_| said(answer("421 Misdirected", "", PAGE))),
    Row::new("422 in its own words", "R R U x x", |g| refused(g, "422 Unprocessable", "")),
    Row::new("425 in its own words", "U U U x x", |g| refused(g, "425 Too Early", "")),
    Row::new("a refusal with two codes", "U U U x x", |_| {
        said(answer("400 Bad Request", "", r#"{"error_code":"A","error_code":"B"}"#))
    }),
    Row::new("a refusal that is cut", "U U U x x", |_| said(answer("400 Bad Request", "", r#"{"error_code":"A""#))),
    // Throttles.
    Row::new("429 with nothing", "T T T t t", |_| said(answer("429 Too Many", "", ""))),
    Row::new("429 as a page", "T T T t t", |_| said(answer("429 Too Many", "", PAGE))),
    Row::new("429 for five seconds", "T T T t t", |g| throttled(g, "Retry-After: 5\r\n")),
    Row::new("429 until a date", "T T T t t", |g| throttled(g, "Retry-After: Mon, 01 Jun 2026 12:10:00 GMT\r\n")),
    Row::new("429 until yesterday", "T T T t t", |g| throttled(g, "Retry-After: Sun, 31 May 2026 12:00:00 GMT\r\n")),
    Row::new("429 until the year 9999", "T T T t t", |g| {
        throttled(g, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n")
    }),
    Row::new("429 for a negative time", "T T T t t", |g| throttled(g, "Retry-After: -1\r\n")),
    Row::new("429 for longer than numbers go", "T T T t t", |g| {
        throttled(g, "Retry-After: 99999999999999999999\r\nX-RateLimit-Reset: 99999999999999999999\r\n")
    }),
    Row::new("429 for no number", "T T T t t", |g| throttled(g, "Retry-After: NaN\r\nX-RateLimit-Reset: soon\r\n")),
    Row::new("429 for no time", "T T T t t", |g| throttled(g, "Retry-After: 0\r\n")),
    Row::new("429 that is a success inside", "T T T t t", |g| under(g, "429 Too Many")),
    // Server errors, when it happened and when it did not: nobody can tell.
    Row::new("500 after it happened", "U U U x x", |g| under(g, "500 Internal Server Error")),
    Row::new("500 in its own words", "U U U x x", |g| refused(g, "500 Internal Server Error", "")),
    Row::new("500 with nothing", "U U U x x", |_| said(answer("500 Internal Server Error", "", ""))),
    Row::new("501 as a page", "U U U x x", |_| said(answer("501 Not Implemented", "", PAGE))),
    Row::new("502 as a page", "U U U x x", |_| said(answer("502 Bad Gateway", "", PAGE))),
    Row::new("503 with a time to come back", "U U U x x", |g| refused(g, "503 Unavailable", "Retry-After: 1\r\n")),
    Row::new("504 after it happened", "U U U x x", |g| under(g, "504 Gateway Timeout")),
    Row::new("520 from an edge", "U U U x x", |_| said(answer("520 Odd", "", PAGE))),
    Row::new("599", "U U U x x", |g| under(g, "599 Odd")),
    Row::new("600", "U U U x x", |g| under(g, "600 Odd")),
    Row::new("999", "U U U x x", |g| under(g, "999 Odd")),
    // Successes that are others.
    Row::new("200", "U U D f f", |g| under(g, "200 OK")),
    Row::new("201", "D U U x x", |g| under(g, "201 Created")),
    Row::new("202", "U U U x x", |g| under(g, "202 Accepted")),
    Row::new("203", "U U U x x", |g| under(g, "203 Non-Authoritative")),
    Row::new("204 with a body", "U D U x x", |g| under(g, "204 No Content")),
    Row::new("205", "U U U x x", |g| under(g, "205 Reset Content")),
    Row::new("206, a part", "U U U x x", |g| under(g, "206 Partial Content")),
    Row::new("207", "U U U x x", |g| under(g, "207 Multi-Status")),
    Row::new("200 as a page", "U U U x x", |_| said(answer("200 OK", "Content-Type: text/html\r\n", PAGE))),
    Row::new("200 with nothing", "U U U x x", |_| said(answer("200 OK", "", ""))),
    Row::new("200 with a refusal", "U U U x x", |g| refused(g, "200 OK", "")),
    Row::new("a success with a refusal inside", "U D U x x", |g| said(g.saying(g.refusal))),
    // Names of what was made.
    Row::new("no id", "U D D f f", |g| naming(g, "")),
    Row::new("an empty id", "U U D f f", |g| naming(g, "Refund-Id: \r\n")),
    Row::new("an id of blanks", "U U D f f", |g| naming(g, "Refund-Id:    \t \r\n")),
    Row::new("an id in a sentence", "U U D f f", |g| naming(g, "Refund-Id: not yet known\r\n")),
    Row::new("an id that is no text", "U D D f f", |g| naming(g, "Refund-Id: r-\u{e9}\r\n")),
    Row::new("an id of three hundred letters", "U U D f f", |g| {
        naming(g, &format!("Refund-Id: {}\r\n", "r".repeat(300)))
    }),
    Row::new("an id said twice", "U U D f f", |g| naming(g, "Refund-Id: r-1\r\nRefund-Id: r-1\r\n")),
    Row::new("two ids", "U U D f f", |g| naming(g, "Refund-Id: r-1\r\nREFUND-ID: r-2\r\n")),
    Row::new("two ids in one line", "U U D f f", |g| naming(g, "Refund-Id: r-1, r-2\r\n")),
    Row::new("a capture's id", "U U D f f", |g| naming(g, "Capture-Id: r-1\r\n")),
    Row::new("the id in the place", "D D D f f", |g| naming(g, &format!("Location: {}/refunds/r-1\r\n", place()))),
    Row::new("the id in the place of another order", "U U D f f", |g| {
        naming(g, "Location: https://x.invalid/orders/another/refunds/r-1\r\n")
    }),
    Row::new("a place among captures", "U U D f f", |g| naming(g, "Location: https://x.invalid/captures/r-1\r\n")),
    Row::new("two places", "U U D f f", |g| naming(g, "Location: /refunds/r-1\r\nLocation: /refunds/r-2\r\n")),
    Row::new("an id and another place", "U U D f f", |g| {
        naming(g, "Refund-Id: r-1\r\nLocation: https://x.invalid/a/refunds/r-2\r\n")
    }),
    Row::new("an id and its place", "D U D f f", |g| {
        naming(g, &format!("Refund-Id: r-1\r\nLocation: {}/refunds/r-1\r\n", place()))
    }),
    // Bodies. A refund's and a cancel's have none to speak of.
    Row::new("a byte order mark", "D D D f f", |g| said(g.saying(format!("\u{feff}{}", g.body)))),
    Row::new("bytes that are not UTF-8", "D D U x x", |g| {
        said(g.saying([b"{\"a\":\"\xff\xfe\"}", g.body.as_bytes()].concat()))
    }),
    Row::new("UTF-16", "D D U x x", |g| {
        said(g.saying(g.body.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()))
    }),
    Row::new("a hundred thousand brackets", "D D U x x", |g| said(g.saying("[".repeat(100_000)))),
    Row::new("a hundred thousand objects", "D D U x x", |g| said(g.saying("{\"a\":".repeat(100_000)))),
    Row::new("the body twice", "D D U x x", |g| said(g.saying(g.body.repeat(2)))),
    Row::new("half a body with a length that fits", "D D U x x", |g| said(g.saying(g.half()))),
    Row::new("an empty object", "D D U x x", |g| said(g.saying("{}"))),
    Row::new("a list", "D D U x x", |g| said(g.saying(format!("[{}]", g.body)))),
    Row::new("null", "D D U x x", |g| said(g.saying("null"))),
    Row::new("every key twice", "D D U x x", |g| {
        let inside = g.body.trim().trim_start_matches('{').trim_end_matches('}');
        said(g.saying(format!("{{{inside},{inside}}}")))
    }),
    Row::new("amounts that are not numbers", "D D U x x", |g| said(g.saying(numbers(&g.body, "NaN")))),
    Row::new("amounts beyond all numbers", "D D D x f", |g| said(g.saying(numbers(&g.body, "1e400")))),
    Row::new("amounts below zero", "D D D x f", |g| said(g.saying(numbers(&g.body, "-100")))),
    Row::new("another one's answer", "D D U x x", |g| {
        said(g.saying(
            g.body.replace("3f2504e0", "4f2504e0").replace("\"id\": 40018", "\"id\": 40019").replace("70038", "70039"),
        ))
    }),
];

/// The body with every amount replaced.
fn numbers(body: &str, number: &str) -> String {
    let mut changed = body.to_owned();
    for amount in ["9000", "6000", "1000", "50.35", "44.95"] {
        changed = changed.replace(&format!(": {amount},"), &format!(": {number},"));
    }
    changed
}
