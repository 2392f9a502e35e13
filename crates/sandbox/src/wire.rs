//! The messages that go in and out of the sandbox, and the small parsing both services share.
//!
//! Knows nothing of orders or money, and does no I/O.

use std::time::Duration;

use super::json::{Dialect, J};

/// Whose door a request knocks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Lightspeed,
    Klarna,
    Control,
}

impl Side {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lightspeed => "lightspeed",
            Self::Klarna => "klarna",
            Self::Control => "control",
        }
    }
}

/// One HTTP request, already read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path_and_query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, path_and_query: &str) -> Self {
        Self {
            method: method.to_owned(),
            path_and_query: path_and_query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or("")
    }

    pub(crate) fn is_read(&self) -> bool {
        self.method == "GET" || self.method == "HEAD"
    }
}

/// One HTTP response, ready to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn json(status: u16, body: &J, dialect: Dialect) -> Self {
        Self::text(status, "application/json", body.to_text(dialect))
    }

    pub(crate) fn text(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("Content-Type", content_type.to_owned())], body: body.into() }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.set_header(name, value.into());
        self
    }

    pub(crate) fn set_header(&mut self, name: &'static str, value: String) {
        self.remove_header(name);
        self.headers.push((name, value));
    }

    pub(crate) fn remove_header(&mut self, name: &str) {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// What the transport must do with a request. The effect, where there is one, has already happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Respond(Response),
    /// Wait, then do what is inside.
    After {
        delay: Duration,
        reply: Box<Reply>,
    },
    /// Say nothing and keep the connection open until the other side gives up.
    Hang,
    /// Close the connection without a byte.
    DropConnection,
    /// Send the head with the full length and only the first `bytes` of the body, then close.
    CutBody {
        response: Response,
        bytes: usize,
    },
}

impl Reply {
    /// The response a patient client would get in full, if there is one.
    pub fn response(&self) -> Option<&Response> {
        match self {
            Self::Respond(response) => Some(response),
            Self::After { reply, .. } => reply.response(),
            Self::Hang | Self::DropConnection | Self::CutBody { .. } => None,
        }
    }
}

/// Query parameters, decoded, in the order sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(path_and_query: &str) -> Self {
        let Some((_, query)) = path_and_query.split_once('?') else { return Self::default() };
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        });
        Self(pairs.collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(|text| text.trim().parse().ok())
    }
}

fn decode(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let pair = (ahead.next().and_then(hex), ahead.next().and_then(hex));
                if let (Some(high), Some(low)) = pair {
                    bytes.push((high << 4) | low);
                    rest = ahead;
                } else {
                    bytes.push(b'%');
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Standard base64 with padding; only ever used to know what a correct credential looks like.
pub(crate) fn base64(input: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in input.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for position in 0_usize..4 {
            if position > chunk.len() {
                out.push('=');
                continue;
            }
            let shift = [18_u32, 12, 6, 0].get(position).copied().unwrap_or(0);
            let index = usize::try_from((word >> shift) & 63).unwrap_or(0);
            out.push(char::from(LETTERS.get(index).copied().unwrap_or(b'A')));
        }
    }
    out
}

/// Glob over a path: `*` stands for any run of characters, everything else for itself.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            let Some(found) = rest.find(before) else { return false };
            let end = found.saturating_add(before.len());
            rest = rest.get(end..).unwrap_or("");
        }
    }
    last.map_or(rest.is_empty(), |tail| rest.ends_with(tail))
}
