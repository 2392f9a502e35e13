//! CSV after RFC 4180: one table, its first column the section, its other columns those of all sections.
//!
//! A spreadsheet takes text that begins like a formula for one, so such text begins with an apostrophe here; what could
//! move a cursor is written as an escape. Amounts are decimal numbers, times are RFC 3339 in UTC; both are made here and
//! never text of a side. `docs/report.md` says what every column is.

use std::io::{self, Write};

use ::csv::{Terminator, Writer, WriterBuilder};

use super::mark::Mark;
use super::table::{Cell, Section};
use super::{Sheet, Summary};
use crate::report::text::plain;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::period::Extent;

pub struct Csv<W: Write> {
    out: Writer<W>,
    columns: Vec<&'static str>,
    shop: String,
    own: Option<Currency>,
    record: Vec<String>,
    shops: Vec<Summary>,
}

/// What stands before the columns of the sections.
const HEAD: [&str; 3] = ["section", "shop", "shop_currency"];

/// The columns of the table: each name once, in the order in which the sections bring them.
pub(super) fn columns() -> Vec<&'static str> {
    let mut all: Vec<&'static str> = HEAD.to_vec();
    for column in Section::ALL.iter().flat_map(|section| section.columns()) {
        if !all.contains(&column.key) {
            all.push(column.key);
        }
    }
    all
}

impl<W: Write> Csv<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let mut out = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        let columns = columns();
        out.write_record(&columns)?;
        let record = vec![String::new(); columns.len()];
        Ok(Self { out, columns, shop: String::new(), own: None, record, shops: Vec::new() })
    }

    fn put(&mut self, key: &str, value: String) {
        let place = self.columns.iter().position(|column| *column == key);
        if let Some(field) = place.and_then(|place| self.record.get_mut(place)) {
            *field = value;
        }
    }

    fn write(&mut self) -> io::Result<()> {
        self.out.write_record(&self.record)?;
        self.record.iter_mut().for_each(String::clear);
        Ok(())
    }

    /// The last record is the mark.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let mark = Mark::new("csv", &self.shops).line();
        self.put("section", "mark".to_owned());
        self.put("value", mark);
        self.write()?;
        self.out.flush()?;
        self.out.into_inner().map_err(|error| io::Error::other(error.to_string()))
    }
}

/// Text of a side, which no spreadsheet takes for a formula.
pub(super) fn inert(text: &str) -> String {
    let safe = plain(text);
    // The full-width forms are taken for the plain ones by some programs.
    let begins = ['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠'];
    if safe.trim_start().starts_with(begins) { format!("'{safe}") } else { safe }
}

/// A decimal number, or minor units of a currency whose decimals are not known.
pub(super) fn number(minor: i64, currency: Option<Currency>) -> String {
    match (currency, Minor::new(minor)) {
        (Some(currency), Ok(amount)) => amount.decimal(currency),
        (_, _) => minor.to_string(),
    }
}

impl<W: Write + Send + 'static> Sheet for Csv<W> {
    fn begin_shop(&mut self, extent: &Extent, _: &str) -> io::Result<()> {
        self.shop = inert(&extent.shop);
        self.own = extent.currency;
        Ok(())
    }

    fn row(&mut self, section: Section, row: &[Cell]) -> io::Result<()> {
        self.put("section", section.key().to_owned());
        self.put("shop", self.shop.clone());
        self.put("shop_currency", self.own.map_or("", Currency::code).to_owned());
        for (column, cell) in section.columns().iter().zip(row) {
            let value = match cell {
                Cell::Text(text) => inert(text),
                Cell::Money(minor, currency) => number(*minor, *currency),
                Cell::Time(at) => at.to_string(),
                Cell::Count(count) => count.to_string(),
                Cell::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
                Cell::None => continue,
            };
            self.put(column.key, value);
        }
        self.write()
    }

    fn end_shop(&mut self, summary: &Summary) -> io::Result<()> {
        self.shops.push(summary.clone());
        Ok(())
    }
}
