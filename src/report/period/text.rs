//! Text for a terminal: the proof first, then the tables with their first rows.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::Style;
use comfy_table::Table;

use super::mark::Mark;
use super::span::Period;
use super::table::{Cell, Section};
use super::{Summary, csv, span};
use crate::report::human::{grid, print, seconds};
use crate::report::text::plain;
use crate::report::words::count_of;
use reconciled_store::period::Extent;

/// More rows of a table than these are counted, not printed: nobody reads them on a terminal.
const ROWS: usize = 200;

#[derive(Default)]
struct Shown {
    rows: Vec<Vec<Cell>>,
    all: u64,
}

pub struct Text<W: Write> {
    out: W,
    heading: Style,
    sections: BTreeMap<Section, Shown>,
    shops: Vec<Summary>,
}

impl<W: Write> Text<W> {
    pub(super) const fn new(out: W, heading: Style) -> Self {
        Self { out, heading, sections: BTreeMap::new(), shops: Vec::new() }
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        writeln!(self.out, "\n{}", Mark::new("text", &self.shops).line())?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn table(&mut self, section: Section) -> io::Result<()> {
        let Some(shown) = self.sections.remove(&section) else { return Ok(()) };
        let style = self.heading;
        writeln!(self.out, "\n{style}{}{style:#} ({})", section.title(), count_of(shown.all, "row"))?;
        let columns = section.columns();
        let titles: Vec<&str> = columns.iter().filter(|column| column.shown).map(|column| column.title).collect();
        let mut table: Table = grid(&titles);
        for row in &shown.rows {
            let cells = columns.iter().zip(row).filter(|(column, _)| column.shown).map(|(_, cell)| words(cell));
            table.add_row(cells);
        }
        print(&mut self.out, &table)?;
        let rest = shown.all.saturating_sub(u64::try_from(shown.rows.len()).unwrap_or(u64::MAX));
        if rest > 0 {
            writeln!(self.out, "  … and {rest} more; --format csv, xlsx and json have all of them")?;
        }
        Ok(())
    }
}

fn words(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => plain(text),
        Cell::Money(minor, Some(currency)) => format!("{} {currency}", csv::number(*minor, Some(*currency))),
        Cell::Money(minor, None) => format!("{minor} minor units"),
        Cell::Time(at) => seconds(*at),
        Cell::Count(count) => count.to_string(),
        Cell::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Cell::None => String::new(),
    }
}

/// The verdict in one sentence.
pub(super) fn verdict(summary: &Summary) -> String {
    let proof = &summary.proof;
    let sum =
        if proof.adds_up() { "It adds up: difference 0.00." } else { "It does not add up; see the differences below." };
    let open = proof.money_breaks.count;
    let breaks = if open == 0 {
        "No difference about money is open.".to_owned()
    } else {
        format!("{} about money open.", count_of(open, "difference"))
    };
    let checked = if proof.unchecked == 0 {
        "Everything was checked."
    } else {
        "Not everything could be checked; see what and why below."
    };
    format!("{sum} {breaks} {checked}")
}

impl<W: Write + Send + 'static> super::Sheet for Text<W> {
    fn begin_shop(&mut self, extent: &Extent, _: &str) -> io::Result<()> {
        let period = Period { from: extent.from, until: extent.until };
        let style = self.heading;
        writeln!(self.out, "{style}Shop {}, {}{style:#}", plain(&extent.shop), period.name())?;
        let over = if extent.over { "the whole period" } else { "the period is not over" };
        writeln!(self.out, "As of {}, {over}; days are UTC.", span::moment(extent.as_of))
    }

    fn row(&mut self, section: Section, row: &[Cell]) -> io::Result<()> {
        let shown = self.sections.entry(section).or_default();
        shown.all = shown.all.saturating_add(1);
        if shown.rows.len() < ROWS {
            shown.rows.push(row.to_vec());
        }
        Ok(())
    }

    fn end_shop(&mut self, summary: &Summary) -> io::Result<()> {
        writeln!(self.out, "{}", verdict(summary))?;
        for section in Section::ALL {
            self.table(*section)?;
        }
        writeln!(self.out, "\nDigest of this report: {}\n", summary.digest)?;
        self.shops.push(summary.clone());
        Ok(())
    }
}
