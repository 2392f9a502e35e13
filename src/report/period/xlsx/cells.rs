//! The cells of one row as XML, each as rust_xlsxwriter writes it: text in its place, and never as a formula.

use std::fmt::Write as _;
use std::slice::Iter;

use jiff::Timestamp;

use super::super::csv::number;
use super::super::table::Cell;
use super::skeleton::Frame;
use crate::report::text::plain;

/// Days from the first day of a workbook to that of the clock.
const EPOCH: i128 = 25_569;

/// The first day, the first of March 1900, on whose number all programs agree.
const FIRST: i128 = 61;

/// Eleven decimals of a day: each is 864 nanoseconds.
const PER_DAY: i128 = 100_000_000_000;

pub(super) struct Row<'a> {
    out: &'a mut String,
    frame: &'a Frame,
    columns: Iter<'a, String>,
    number: String,
}

impl<'a> Row<'a> {
    pub(super) fn begin(out: &'a mut String, frame: &'a Frame, columns: &'a [String], number: u32) -> Self {
        let number = number.to_string();
        out.extend(["<row r=\"", &number, "\">"]);
        Self { out, frame, columns: columns.iter(), number }
    }

    pub(super) fn cell(&mut self, cell: &Cell) {
        let Frame { money, minor, time, .. } = self.frame;
        match cell {
            Cell::Text(text) => self.text(&plain(text)),
            Cell::Money(amount, currency @ Some(_)) => self.number(Some(money), &number(*amount, *currency)),
            Cell::Money(amount, None) => self.number(Some(minor), &amount.to_string()),
            Cell::Time(at) => match serial(*at) {
                Some(serial) => self.number(Some(time), &serial),
                None => self.text(&at.to_string()),
            },
            Cell::Count(count) => self.number(None, &count.to_string()),
            Cell::Flag(flag) => {
                self.open();
                self.out.extend(["\" t=\"b\"><v>", if *flag { "1" } else { "0" }, "</v></c>"]);
            }
            Cell::None => drop(self.columns.next()),
        }
    }

    /// Text in which nothing steers.
    pub(super) fn text(&mut self, text: &str) {
        if text.is_empty() {
            self.columns.next();
            return;
        }
        self.open();
        let is_trimmed = text.trim_matches(' ').len() == text.len();
        let kept = if is_trimmed { "" } else { " xml:space=\"preserve\"" };
        self.out.extend(["\" t=\"inlineStr\"><is><t", kept, ">"]);
        escape(self.out, text);
        self.out.push_str("</t></is></c>");
    }

    fn number(&mut self, style: Option<&str>, number: &str) {
        self.open();
        if let Some(style) = style {
            self.out.extend(["\" s=\"", style]);
        }
        self.out.extend(["\"><v>", number, "</v></c>"]);
    }

    /// Begins the next cell, up to the end of its place.
    fn open(&mut self) {
        let column = self.columns.next().map_or("", String::as_str);
        self.out.extend(["<c r=\"", column, &self.number]);
    }

    pub(super) fn end(self) {
        self.out.push_str("</row>");
    }
}

fn escape(out: &mut String, text: &str) {
    if !text.contains(['&', '<', '>', '_', '\u{fffe}', '\u{ffff}']) {
        out.push_str(text);
        return;
    }
    for (at, letter) in text.char_indices() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // No characters at all, to XML.
            '\u{fffe}' => out.push_str("_xFFFE_"),
            '\u{ffff}' => out.push_str("_xFFFF_"),
            // Every program reads `_x0041_` as a character.
            '_' if text.get(at..).is_some_and(is_escape) => out.push_str("_x005F_"),
            other => out.push(other),
        }
    }
}

fn is_escape(text: &str) -> bool {
    match text.as_bytes() {
        [b'_', b'x', a, b, c, d, b'_', ..] => [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit),
        _ => false,
    }
}

/// The days of a workbook up to this moment, as a decimal fraction; none before its calendar is to be trusted.
fn serial(at: Timestamp) -> Option<String> {
    let parts = at.as_nanosecond().checked_add(432)?.div_euclid(864);
    let day = parts.div_euclid(PER_DAY).checked_add(EPOCH).filter(|day| *day >= FIRST)?;
    let mut text = String::with_capacity(20);
    write!(text, "{day}.{:011}", parts.rem_euclid(PER_DAY)).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(text: &str) -> Option<String> {
        serial(text.parse().unwrap())
    }

    #[test]
    fn a_moment_is_a_number_of_days() {
        for (at, wanted) in [
            ("1900-03-01T00:00:00Z", "61.00000000000"),
            ("1970-01-01T00:00:00Z", "25569.00000000000"),
            ("2026-11-01T12:00:00Z", "46327.50000000000"),
            ("2026-11-01T00:00:01Z", "46327.00001157407"),
            ("2026-11-01T23:59:59Z", "46327.99998842593"),
            ("2026-11-01T23:59:59.999999999Z", "46328.00000000000"),
        ] {
            assert_eq!(days(at).as_deref(), Some(wanted), "{at}");
        }
        assert_eq!(days("1900-02-28T23:59:59Z"), None);
    }

    #[test]
    fn text_stays_text() {
        for (text, wanted) in [
            ("a & b", "a &amp; b"),
            ("</t><f>1</f>", "&lt;/t&gt;&lt;f&gt;1&lt;/f&gt;"),
            ("_x0041_", "_x005F_x0041_"),
            ("_x_x00e9__", "_x_x005F_x00e9__"),
            ("_x004", "_x004"),
            ("é\u{ffff}", "é_xFFFF_"),
        ] {
            let mut out = String::new();
            escape(&mut out, text);
            assert_eq!(out, wanted);
        }
    }
}
