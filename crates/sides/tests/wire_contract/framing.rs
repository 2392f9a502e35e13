//! Rows about bytes: connections that end, lengths that lie, compressions that burst, protocols that are others.
//!
//! The answer inside is always the right one.

use super::good::{Good, answer};
use super::server::Act;
use super::{Reach, Row};
use Act::{Await, Drip, Fin, Flood, HalfClose, Hang, Read, Repeat, Reset, Say};

/// What is said after the request was read, and then the end.
fn cut(bytes: impl Into<Vec<u8>>) -> Vec<Act> {
    vec![Read, Say(bytes.into()), Fin]
}

/// What is said after the request was read; the connection stays.
fn said(bytes: impl Into<Vec<u8>>) -> Vec<Act> {
    vec![Read, Say(bytes.into())]
}

/// A gzip member of `times` times 258 equal letters in fixed Huffman codes: 160 times as much as is sent.
pub(crate) fn bomb(times: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    // The last block, with fixed codes; one literal 0x20 (code 0x30 + 0x20), to be repeated.
    let most_significant_first = |code: u32, length: u32| (0..length).rev().map(move |bit| code >> bit & 1 == 1);
    bits.extend([true, true, false]);
    bits.extend(most_significant_first(0x30 + 0x20, 8));
    for _ in 0..times {
        // Length 258 (symbol 285) at distance 1 (symbol 0).
        bits.extend(most_significant_first(0b1100_0101, 8));
        bits.extend([false; 5]);
    }
    bits.extend([false; 7]);
    let byte = |bits: &[bool]| bits.iter().rev().fold(0_u8, |byte, bit| byte << 1 | u8::from(*bit));
    let packed = bits.chunks(8).map(byte);
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3].into_iter().chain(packed).collect()
}

/// More than the largest page, out of 220 KiB.
const BURST: usize = 140_000;

/// Columns: refund, cancel, mark paid; Klarna's order, the shop's order.
///
/// A cancel's 204 has no body whatever its lengths say (RFC 9112 §6.3), so it is whole with its head. A refund is
/// whole with its head and the end of its body, which nobody reads: one that cannot be unpacked spoils nothing.
pub(crate) static ROWS: &[Row] = &[
    Row::new("all as it should be", "D D D f f", |g| said(g.whole())),
    // Connections that end.
    Row::new("a reset at once", "NU NU NU x x", |_| vec![Reset]).reaching(Reach::Perhaps),
    Row::new("a reset before the request is read", "U U U x x", |_| vec![Await, Reset]),
    Row::new("closed before the request is read", "U U U x x", |_| vec![Await, Fin]),
    Row::new("a reset before the answer", "U U U x x", |_| vec![Read, Reset]),
    Row::new("closed before the answer", "U U U x x", |_| vec![Read, Fin]),
    Row::new("half closed before the answer", "U U U x x", |_| vec![Read, HalfClose, Hang]),
    Row::new("half closed before the request is read", "U U U x x", |_| vec![Await, HalfClose, Hang]),
    Row::new("half closed after the answer", "D D D f f", |g| vec![Read, Say(g.whole()), HalfClose, Hang]),
    Row::new("a reset in the status line", "U U U x x", |_| vec![Read, Say(b"HTTP/1.1 20".to_vec()), Reset]),
    Row::new("closed in the status line", "U U U x x", |g| cut(format!("HTTP/1.1 {}", g.status))),
    Row::new("closed in the head", "U U U x x", |g| cut(g.head(""))),
    Row::new("a reset in the body", "U D U x x", |g| {
        vec![Read, Say(g.with(&format!("Content-Length: {}\r\n", g.body.len() + 1), &g.body)), Reset]
    }),
    Row::new("closed in the body", "U D U x x", |g| {
        cut(g.with(&format!("Content-Length: {}\r\n", g.body.len() + 1), g.half()))
    }),
    Row::new("a body that ends with the connection", "D D D f f", |g| cut(g.with("", &g.body))),
    Row::new("half a body that ends with the connection", "D D U x x", |g| cut(g.with("", g.half()))),
    // Servers that never end.
    Row::new("silence", "U U U x x", |_| vec![Read, Hang]).slow(),
    Row::new("an unread request", "U U U x x", |_| vec![Hang]).slow(),
    Row::new("a head byte by byte", "U U U x x", |g| vec![Read, Drip(g.head("X-Slow: ").into_bytes())]).slow(),
    Row::new("a body byte by byte", "U D U x x", |g| vec![Read, Drip(g.with("Content-Length: 999999\r\n", &g.body))])
        .slow(),
    Row::new("chunks byte by byte", "U D U x x", |g| {
        vec![Read, Drip(g.with("Transfer-Encoding: chunked\r\n", "fffff\r\n "))]
    })
    .slow(),
    // Lengths.
    Row::new("a length that is too small", "D D U x x", |g| {
        said(g.with(&format!("Content-Length: {}\r\n", g.body.len() / 2), &g.body))
    }),
    Row::new("a length that is too large", "U D U x x", |g| {
        cut(g.with(&format!("Content-Length: {}\r\n", g.body.len() + 9), &g.body))
    }),
    Row::new("two lengths", "U D U x x", |g| {
        let length = g.body.len();
        cut(g.with(&format!("Content-Length: {length}\r\nContent-Length: {}\r\n", length + 1), &g.body))
    }),
    Row::new("the same length twice", "D D D f f", |g| {
        let line = format!("Content-Length: {}\r\n", g.body.len());
        said(g.with(&line.repeat(2), &g.body))
    }),
    Row::new("a negative length", "U D U x x", |g| cut(g.with("Content-Length: -1\r\n", &g.body))),
    Row::new("a length that is no number", "U D U x x", |g| cut(g.with("Content-Length: 0x10\r\n", &g.body))),
    Row::new("a length beyond all numbers", "U D U x x", |g| {
        cut(g.with("Content-Length: 99999999999999999999999\r\n", &g.body))
    }),
    Row::new("a length beyond all memory", "U D U x x", |g| {
        cut(g.with("Content-Length: 9223372036854775807\r\n", &g.body))
    }),
    Row::new("a body that does not end", "U D U x x", |g| vec![Read, Say(g.with("", "")), Flood(vec![b' '; 65_536])]),
    // Chunks.
    Row::new("chunks", "D D D f f", |g| said(g.chunked("0\r\n\r\n"))),
    Row::new("no last chunk", "U D U x x", |g| cut(g.chunked(""))),
    Row::new("a chunk of no size", "U D U x x", |g| cut(g.chunked("zz\r\n"))),
    Row::new("a chunk beyond all numbers", "U D U x x", |g| cut(g.chunked("fffffffffffffffff\r\n"))),
    Row::new("a chunk that is longer than it says", "U D U x x", |g| cut(g.chunked("1\r\nabc\r\n0\r\n\r\n"))),
    Row::new("a trailer without its end", "U D U x x", |g| cut(g.chunked("0\r\nRefund-Id: r-2\r\n"))),
    Row::new("an id that comes in the trailer", "U D D f f", |g| {
        said(Good { id: "", ..g.clone() }.chunked("0\r\nRefund-Id: r-1\r\n\r\n"))
    }),
    Row::new("chunks and a length", "D D D f f", |g| {
        cut(Good { id: g.id, ..g.clone() }.with(
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            format!("{:x}\r\n{}\r\n0\r\n\r\n", g.body.len().max(1), if g.body.is_empty() { " " } else { &g.body }),
        ))
    }),
    Row::new(
        "a transfer coding nobody asked for",
        "D D U x x",
        |g| cut(g.with("Transfer-Encoding: gzip\r\n", bomb(1))),
    ),
    // Compressions.
    Row::new("a bomb of gzip", "U D U x x", |g| cut(g.with("Content-Encoding: gzip\r\n", bomb(BURST)))),
    Row::new("gzip that is none", "U D U x x", |g| cut(g.with("Content-Encoding: gzip\r\n", &g.body))),
    Row::new("gzip that is cut", "U D U x x", |g| cut(g.with("Content-Encoding: gzip\r\n", &bomb(1)[..12]))),
    Row::new("gzip inside gzip", "D D U x x", |g| cut(g.with("Content-Encoding: gzip, gzip\r\n", bomb(1)))),
    Row::new("gzip that is not said", "D D U x x", |g| said(g.saying(bomb(9)))),
    Row::new("deflate, which nobody asked for", "D D U x x", |g| {
        cut(g.with("Content-Encoding: deflate\r\n", [0x78, 0x9c, 0x4b, 0x04, 0x00, 0x00, 0x62, 0x00, 0x62]))
    }),
    Row::new("brotli, which nobody asked for", "D D U x x", |g| {
        cut(g.with("Content-Encoding: br\r\n", [0x0b, 0x00, 0x80, 0x61, 0x03]))
    }),
    // Heads.
    Row::new("a header of a megabyte", "U U U x x", |g| {
        cut(g.with(&format!("X-Long: {}\r\nContent-Length: 0\r\n", "x".repeat(1 << 20)), ""))
    }),
    Row::new("a thousand headers", "U U U x x", |g| cut(g.with(&"X-Many: 1\r\n".repeat(1000), &g.body))),
    Row::new("a header that is folded", "U U U x x", |g| cut(g.with("X-Folded: a\r\n b\r\n", &g.body))),
    Row::new("a header without a colon", "U U U x x", |g| cut(g.with("X-None\r\n", &g.body))),
    Row::new("a header with a space in its name", "U U U x x", |g| cut(g.with("Refund Id: r-2\r\n", &g.body))),
    Row::new("a space before the colon", "U U U x x", |g| cut(g.with("X-Space : 1\r\n", &g.body))),
    Row::new("a zero byte in a header", "U U U x x", |g| cut(g.with("X-Zero: \0\r\n", &g.body))),
    Row::new("a line end inside a header", "U U U x x", |g| cut(g.with("X-Cut: a\rb\r\n", &g.body))),
    // Protocols.
    Row::new("HTTP/0.9", "U U U x x", |g| cut(g.body.clone().into_bytes())),
    Row::new("HTTP/1.0", "D D D f f", |g| {
        cut(String::from_utf8(g.whole()).unwrap().replacen("HTTP/1.1", "HTTP/1.0", 1))
    }),
    Row::new("HTTP/2 by the status line", "U U U x x", |g| {
        cut(String::from_utf8(g.whole()).unwrap().replacen("HTTP/1.1", "HTTP/2", 1))
    }),
    Row::new("another protocol's status line", "U U U x x", |g| {
        cut(String::from_utf8(g.whole()).unwrap().replacen("HTTP/1.1", "ICY", 1))
    }),
    Row::new("a TLS alert in plain text", "U U U x x", |_| cut([21, 3, 3, 0, 2, 2, 40])),
    Row::new("random bytes", "U U U x x", |_| cut((0..=255).rev().collect::<Vec<u8>>())),
    Row::new("a status of two digits", "U U U x x", |_| cut(answer("20 OK", "Refund-Id: r-1\r\n", "{}"))),
    Row::new("a status of four digits", "U U U x x", |_| cut(answer("2010 Created", "Refund-Id: r-1\r\n", "{}"))),
    Row::new("a status below all classes", "U U U x x", |_| cut(answer("099 Odd", "Refund-Id: r-1\r\n", "{}"))),
    // Answers before the answer.
    Row::new("100 Continue first", "D D D f f", |g| {
        said([b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), g.whole()].concat())
    }),
    Row::new("a hundred early hints", "D D D f f", |g| {
        said([b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(100), g.whole()].concat())
    }),
    Row::new("early hints without end", "U U U x x", |_| {
        vec![Read, Repeat(b"HTTP/1.1 103 Early Hints\r\nRefund-Id: r-1\r\n\r\n".to_vec())]
    })
    .slow(),
    Row::new("102 Processing and nothing more", "U U U x x", |_| cut("HTTP/1.1 102 Processing\r\n\r\n")),
    Row::new("101 Switching Protocols", "U U U x x", |g| {
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
        cut([switch.to_vec(), g.whole()].concat())
    }),
    // Answers after the answer.
    Row::new("a second answer that nobody asked for", "D D D f f", |g| {
        cut([g.whole(), answer("201 Created", "Refund-Id: r-2\r\n", "{}")].concat())
    }),
    Row::new("rubbish behind the answer", "D D D f f", |g| cut([g.whole(), b"\0\0rubbish".to_vec()].concat())),
];

/// A good read comes first on the same connection. A write that meets the end of it is never sent again by itself;
/// a read that failed is asked once more by the client, and counted.
pub(crate) static KEPT_ALIVE: &[Row] = &[
    Row::new("kept alive", "D D D f f", |g| vec![Read, Say(g.whole()), Fin]).kept_alive(),
    Row::new("kept alive, then closed by the next request", "U U U f f", |_| vec![Read, Fin]).kept_alive(),
    Row::new("kept alive, then closed on its first byte", "U U U f f", |_| vec![Await, Fin]).kept_alive(),
    Row::new("kept alive, then reset by the next request", "U U U f f", |_| vec![Read, Reset]).kept_alive(),
    Row::new("kept alive, then half an answer", "U U U f f", |g| cut(g.head(""))).kept_alive(),
    Row::new("closed while it was idle", "DU DU DU f f", |_| vec![Fin]).kept_alive().reaching(Reach::Perhaps),
    Row::new("a time-out said while it was idle", "DU DU DU fx fx", |_| {
        vec![Say(answer("408 Request Timeout", "Connection: close\r\n", "")), Fin]
    })
    .kept_alive()
    .reaching(Reach::Perhaps),
    Row::new("a stray answer while it was idle", "DU DU DU fx fx", |_| vec![Say(answer("500 Stray", "", "")), Fin])
        .kept_alive()
        .reaching(Reach::Perhaps),
];
