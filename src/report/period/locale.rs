//! How a shop's language writes numbers and dates.
//!
//! A small table for the languages of the shops; a language that is not in it gets digits and dates that nobody misreads.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use reconciled_core::money::{Currency, Minor};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Locale {
    decimal: char,
    group: &'static str,
    date: &'static str,
}

/// A space that does not break a number over two lines.
const NARROW: &str = "\u{202f}";

impl Locale {
    pub(super) fn of(language: &str) -> Self {
        let new = |decimal, group, date| Self { decimal, group, date };
        match language.split(['-', '_']).next().unwrap_or_default() {
            "nl" => new(',', ".", "%d-%m-%Y"),
            "de" => new(',', ".", "%d.%m.%Y"),
            "da" | "no" | "nb" | "nn" | "tr" => new(',', ".", "%d.%m.%Y"),
            "es" | "it" | "pt" | "el" | "ca" => new(',', ".", "%d/%m/%Y"),
            "fr" => new(',', NARROW, "%d/%m/%Y"),
            "fi" | "pl" | "cs" | "sk" | "ru" | "uk" | "bg" | "et" | "lv" => new(',', NARROW, "%d.%m.%Y"),
            "sv" | "lt" | "hu" => new(',', NARROW, "%Y-%m-%d"),
            "en" => new('.', ",", "%-d %b %Y"),
            _ => new('.', NARROW, "%Y-%m-%d"),
        }
    }

    /// `1.234,56` without its currency; minor units of a currency whose decimals are not known.
    pub(super) fn amount(self, minor: i64, currency: Option<Currency>) -> String {
        let Some((currency, amount)) = currency.zip(Minor::new(minor).ok()) else {
            return self.integer(minor);
        };
        let text = amount.decimal(currency);
        let (whole, cents) = text.split_once('.').unwrap_or((&text, ""));
        let whole = self.grouped(whole);
        if cents.is_empty() { whole } else { format!("{whole}{}{cents}", self.decimal) }
    }

    pub(super) fn integer(self, number: i64) -> String {
        self.grouped(&number.to_string())
    }

    fn grouped(self, whole: &str) -> String {
        let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("\u{2212}", digits));
        let bytes = digits.as_bytes();
        let groups = bytes.rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
        let groups: Vec<String> = groups.collect();
        format!("{sign}{}", groups.join(self.group))
    }

    pub(super) fn date(self, at: Timestamp) -> String {
        at.to_zoned(TimeZone::UTC).strftime(self.date).to_string()
    }

    /// The hour and minute, UTC.
    pub(super) fn time(at: Timestamp) -> String {
        at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates_are_those_of_the_language() {
        let at: Timestamp = "2026-10-31T23:30:00Z".parse().unwrap();
        for (language, amount, date) in [
            ("nl", "\u{2212}1.234.567,89", "31-10-2026"),
            ("de", "\u{2212}1.234.567,89", "31.10.2026"),
            ("fr", "\u{2212}1\u{202f}234\u{202f}567,89", "31/10/2026"),
            ("en", "\u{2212}1,234,567.89", "31 Oct 2026"),
            ("xx", "\u{2212}1\u{202f}234\u{202f}567.89", "2026-10-31"),
        ] {
            let locale = Locale::of(language);
            assert_eq!(locale.amount(-123_456_789, Some(Currency::EUR)), amount);
            assert_eq!(locale.date(at), date);
        }
        let nl = Locale::of("nl_BE");
        assert_eq!(nl.amount(5, Some(Currency::EUR)), "0,05");
        assert_eq!((nl.amount(123_456, None), nl.integer(999)), ("123.456".to_owned(), "999".to_owned()));
        assert_eq!(Locale::time(at), "23:30");
    }
}
