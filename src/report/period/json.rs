//! JSON: one object, its rows written as they arrive, as `docs/report.schema.json` describes it.
//!
//! Text is whole here and steers nothing: whatever could move a cursor is written as an escape. When the report fails
//! half-way the object stays unfinished, so that no script takes it for whole.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::mark::Mark;
use super::table::{Cell, Kind, Section};
use super::{Sheet, Summary};
use crate::report::json::write_value;
use reconciled_store::period::Extent;

pub struct Json<W: Write> {
    out: W,
    section: Option<Section>,
    has_rows: bool,
    written: BTreeSet<Section>,
    shops: Vec<Summary>,
}

impl<W: Write> Json<W> {
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(b"{\"shops\":[")?;
        Ok(Self { out, section: None, has_rows: false, written: BTreeSet::new(), shops: Vec::new() })
    }

    fn pair(&mut self, name: &str, value: &str) -> io::Result<()> {
        write!(self.out, "\"{name}\":")?;
        write_value(&mut self.out, &value)?;
        self.out.write_all(b",")
    }

    /// Ends the section under way, and begins `next`.
    fn up_to(&mut self, next: Option<Section>) -> io::Result<()> {
        if self.section.take().is_some() {
            self.out.write_all(b"],")?;
        }
        if let Some(next) = next {
            write!(self.out, "\n\"{}\":[", next.key())?;
            self.written.insert(next);
        }
        self.section = next;
        self.has_rows = false;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        let mark = Mark::new("json", &self.shops);
        write!(self.out, "],\n\"mark\":")?;
        // On a line of its own, where it is found without reading the rest.
        writeln!(self.out, "{}}}", mark.line())?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write + Send + 'static> Sheet for Json<W> {
    fn begin_shop(&mut self, extent: &Extent, _: &str) -> io::Result<()> {
        self.out.write_all(if self.shops.is_empty() { b"\n{" } else { b",\n{" })?;
        self.pair("shop", &extent.shop)?;
        let identity = extent.identity.as_ref();
        self.pair("environment", identity.map_or("", |it| &it.environment))?;
        self.pair("region", identity.map_or("", |it| &it.region))?;
        self.pair("shop_id", identity.map_or("", |it| &it.shop_id))?;
        self.pair("currency", extent.currency.map_or("", reconciled_core::money::Currency::code))?;
        self.pair("from", &extent.from.to_string())?;
        self.pair("until", &extent.until.to_string())?;
        self.pair("as_of", &extent.as_of.to_string())?;
        write!(self.out, "\"over\":{},", extent.over)
    }

    fn row(&mut self, section: Section, row: &[Cell]) -> io::Result<()> {
        if self.section != Some(section) {
            self.up_to(Some(section))?;
        }
        self.out.write_all(if self.has_rows { b",\n{" } else { b"\n{" })?;
        self.has_rows = true;
        for (index, (column, cell)) in section.columns().iter().zip(row).enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let unit = if column.kind == Kind::Money { "_minor" } else { "" };
            write!(self.out, "{comma}\"{}{unit}\":", column.key)?;
            match cell {
                Cell::Text(text) => write_value(&mut self.out, &text.as_str())?,
                Cell::Money(number, _) | Cell::Count(number) => write!(self.out, "{number}")?,
                Cell::Time(at) => write!(self.out, "\"{at}\"")?,
                Cell::Flag(flag) => write!(self.out, "{flag}")?,
                Cell::None => self.out.write_all(b"null")?,
            }
        }
        self.out.write_all(b"}")
    }

    fn end_shop(&mut self, summary: &Summary) -> io::Result<()> {
        self.up_to(None)?;
        let written = std::mem::take(&mut self.written);
        for section in Section::ALL.iter().filter(|section| !written.contains(section)) {
            write!(self.out, "\n\"{}\":[],", section.key())?;
        }
        let proof = &summary.proof;
        write!(
            self.out,
            "\n\"adds_up\":{},\"difference_minor\":{},\"digest\":\"{}\"}}",
            proof.adds_up(),
            proof.difference(),
            summary.digest
        )?;
        self.shops.push(summary.clone());
        Ok(())
    }
}
