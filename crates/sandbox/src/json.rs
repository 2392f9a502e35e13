//! JSON as the two services write it: keys in a fixed order, exact decimals, PHP's escapes.
//!
//! A tree that is built per answer and thrown away. It never holds binary floating point: amounts
//! are ten-thousandths of a currency unit and are printed from the integer. Text that must reach
//! the wire untouched (hostile values set by hand) travels as [`J::Raw`].

use std::borrow::Cow;
use std::fmt::Write as _;

/// One JSON value with ordered keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum J {
    Null,
    Bool(bool),
    Int(i64),
    /// Ten-thousandths of a currency unit, printed as a number without trailing zeros.
    Dec(i64),
    Str(Cow<'static, str>),
    Raw(String),
    Arr(Vec<J>),
    Obj(Vec<(Cow<'static, str>, J)>),
}

/// Which service's habits the writer follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// PHP's `json_encode`: `\/` and `\u00e9`.
    Php,
    /// Plain JSON in UTF-8.
    Plain,
}

/// Builds an object with its keys in the written order.
macro_rules! obj {
    ($($key:literal : $value:expr),* $(,)?) => {
        $crate::json::J::Obj(vec![
            $((::std::borrow::Cow::Borrowed($key), $crate::json::J::from($value))),*
        ])
    };
}
pub(crate) use obj;

impl J {
    /// PHP's empty map and the absent object.
    pub(crate) const FALSE: Self = Self::Bool(false);
    pub(crate) const EMPTY: Self = Self::Arr(Vec::new());

    pub(crate) fn raw(text: impl Into<String>) -> Self {
        Self::Raw(text.into())
    }

    /// Replaces or appends a top-level key; on anything but an object nothing happens.
    pub(crate) fn set(&mut self, key: &str, value: Self) {
        if let Self::Obj(entries) = self {
            match entries.iter_mut().find(|(name, _)| name == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((Cow::Owned(key.to_owned()), value)),
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &str) {
        if let Self::Obj(entries) = self {
            entries.retain(|(name, _)| name != key);
        }
    }

    pub(crate) fn keep_only(&mut self, keys: &[&str]) {
        if let Self::Obj(entries) = self {
            entries.retain(|(name, _)| keys.iter().any(|key| name == key));
        }
    }

    pub(crate) fn to_text(&self, dialect: Dialect) -> String {
        let mut out = String::with_capacity(512);
        self.write(&mut out, dialect);
        out
    }

    fn write(&self, out: &mut String, dialect: Dialect) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Int(number) => push_display(out, *number),
            Self::Dec(units) => push_decimal(out, *units),
            Self::Str(text) => push_string(out, text, dialect),
            Self::Raw(text) => out.push_str(text),
            Self::Arr(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out, dialect);
                }
                out.push(']');
            }
            Self::Obj(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    push_string(out, key, dialect);
                    out.push(':');
                    value.write(out, dialect);
                }
                out.push('}');
            }
        }
    }
}

fn push_display(out: &mut String, number: i64) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{number}");
}

/// `429700` → `42.97`, `420000` → `42`, `-5000` → `-0.5`.
pub(crate) fn push_decimal(out: &mut String, units: i64) {
    if units < 0 {
        out.push('-');
    }
    let magnitude = units.unsigned_abs();
    let whole = magnitude.checked_div(10_000).unwrap_or(0);
    let part = magnitude.checked_rem(10_000).unwrap_or(0);
    let _ = write!(out, "{whole}");
    if part > 0 {
        let digits = format!("{part:04}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

/// Most text needs no escape: it is copied in runs.
fn push_string(out: &mut String, text: &str, dialect: Dialect) {
    let php = dialect == Dialect::Php;
    let special = |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\') || php && (byte == b'/' || !byte.is_ascii());
    out.push('"');
    let mut rest = text;
    // The first special byte is where a character begins: what follows its first byte is special like it, or plain text.
    while let Some((run, tail)) = rest.bytes().position(special).and_then(|at| rest.split_at_checked(at)) {
        out.push_str(run);
        let mut tail = tail.chars();
        if let Some(ch) = tail.next() {
            push_escaped(out, ch);
        }
        rest = tail.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn push_escaped(out: &mut String, ch: char) {
    match ch {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '/' => out.push_str("\\/"),
        ch => {
            let mut units = [0_u16; 2];
            for unit in ch.encode_utf16(&mut units) {
                push_unit(out, u32::from(*unit));
            }
        }
    }
}

fn push_unit(out: &mut String, unit: u32) {
    let _ = write!(out, "\\u{unit:04x}");
}

impl From<bool> for J {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<i64> for J {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<u64> for J {
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<usize> for J {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<u16> for J {
    fn from(value: u16) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<&'static str> for J {
    fn from(value: &'static str) -> Self {
        Self::Str(Cow::Borrowed(value))
    }
}
impl From<String> for J {
    fn from(value: String) -> Self {
        Self::Str(Cow::Owned(value))
    }
}
impl From<Vec<J>> for J {
    fn from(value: Vec<J>) -> Self {
        Self::Arr(value)
    }
}
impl<T: Into<J>> From<Option<T>> for J {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
impl From<&serde_json::Value> for J {
    fn from(value: &serde_json::Value) -> Self {
        Self::Raw(value.to_string())
    }
}
