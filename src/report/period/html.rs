//! HTML: one file that needs nothing else, for reading, printing and filing.
//!
//! No script, no font and no picture from elsewhere; every text goes through the template's escaping, after what could
//! steer reading or a terminal was written out. A table shows its first rows and says how many more there are.

mod chart;

use std::collections::BTreeMap;
use std::io::{self, Write};

use askama::Template;

use self::chart::Chart;
use super::locale::Locale;
use super::mark::Mark;
use super::span::{self, Period};
use super::table::{Cell, Column, Kind, Section};
use super::{Sheet, Summary, text};
use crate::report::text::plain;
use reconciled_store::period::Extent;

/// A browser shows so many rows well; the other formats have all of them.
const ROWS: usize = 5_000;

pub struct Html<W: Write> {
    out: W,
    language: String,
    sections: BTreeMap<Section, Table>,
    shops: Vec<Shop>,
    summaries: Vec<Summary>,
}

/// A table as the template shows it.
struct Table {
    section: Section,
    rows: Vec<Row>,
    all: u64,
    /// As people write numbers, with how many rows are left out.
    left_out: Option<String>,
}

struct Row {
    class: &'static str,
    cells: Vec<Shown>,
}

/// A cell as the template shows it.
struct Shown {
    text: String,
    /// A second line, small.
    more: String,
    class: &'static str,
}

struct Shop {
    name: String,
    verdict: String,
    is_clean: bool,
    facts: Vec<(&'static str, String)>,
    figures: Vec<Figure>,
    charts: Vec<Chart>,
    tables: Vec<Table>,
    digest: String,
}

/// A number that is read first.
struct Figure {
    title: &'static str,
    value: String,
    about: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    language: &'a str,
    title: String,
    shops: &'a [Shop],
    mark: String,
}

impl<W: Write> Html<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out, language: String::new(), sections: BTreeMap::new(), shops: Vec::new(), summaries: Vec::new() }
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        let extent = self.summaries.first().map(|summary| &summary.extent);
        let period = extent.map(|extent| Period { from: extent.from, until: extent.until }.name());
        let title = format!("Report {}", period.unwrap_or_default());
        let mark = Mark::new("html", &self.summaries).line();
        let page = Page { language: "en", title, shops: &self.shops, mark };
        page.write_into(&mut self.out).map_err(|why| io::Error::other(why.to_string()))?;
        self.out.flush()?;
        Ok(self.out)
    }
}

fn shown(cell: &Cell, column: &Column, locale: Locale) -> Shown {
    let new = |text: String, class| Shown { text, more: String::new(), class };
    match cell {
        Cell::Text(text) => new(plain(text), if column.key.ends_with("_id") { "id" } else { "" }),
        Cell::Money(minor, currency) => new(locale.amount(*minor, *currency), "number"),
        Cell::Time(at) => Shown { text: locale.date(*at), more: Locale::time(*at), class: "time" },
        Cell::Count(count) => new(locale.integer(*count), "number"),
        Cell::Flag(flag) => new(if *flag { "yes" } else { "no" }.to_owned(), ""),
        Cell::None => new(String::new(), ""),
    }
}

impl Table {
    fn columns(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let class = |column: &Column| match column.kind {
            Kind::Money | Kind::Count => "number",
            Kind::Text | Kind::Time | Kind::Flag => "",
        };
        let shown = self.section.columns().iter().filter(|column| column.shown);
        shown.map(move |column| (column.title, class(column)))
    }
}

/// What makes a row stand out: a sum of the proof, or something that is open.
fn class(section: Section, row: &[Cell]) -> &'static str {
    let is_sum = |cell: &Cell| matches!(cell, Cell::Text(text) if text.ends_with("(=)") || text == "difference");
    let mut open = section.columns().iter().zip(row).filter(|(column, _)| column.key == "is_open");
    if section == Section::Proof && row.iter().any(is_sum) {
        "sum"
    } else if open.any(|(_, cell)| *cell == Cell::Flag(true)) {
        "open"
    } else {
        ""
    }
}

impl<W: Write + Send + 'static> Sheet for Html<W> {
    fn begin_shop(&mut self, _: &Extent, language: &str) -> io::Result<()> {
        language.clone_into(&mut self.language);
        Ok(())
    }

    fn row(&mut self, section: Section, row: &[Cell]) -> io::Result<()> {
        let new = || Table { section, rows: Vec::new(), all: 0, left_out: None };
        let table = self.sections.entry(section).or_insert_with(new);
        table.all = table.all.saturating_add(1);
        if table.rows.len() < ROWS {
            let locale = Locale::of(&self.language);
            let cells = section.columns().iter().zip(row).filter(|(column, _)| column.shown);
            let cells = cells.map(|(column, cell)| shown(cell, column, locale)).collect();
            table.rows.push(Row { class: class(section, row), cells });
        }
        Ok(())
    }

    fn end_shop(&mut self, summary: &Summary) -> io::Result<()> {
        let locale = Locale::of(&self.language);
        let mut sections = std::mem::take(&mut self.sections);
        let tables = Section::ALL.iter().map(|section| {
            let empty = Table { section: *section, rows: Vec::new(), all: 0, left_out: None };
            let mut table = sections.remove(section).unwrap_or(empty);
            let left = table.all.saturating_sub(u64::try_from(table.rows.len()).unwrap_or(u64::MAX));
            table.left_out = (left > 0).then(|| locale.integer(i64::try_from(left).unwrap_or(i64::MAX)));
            table
        });
        let proof = &summary.proof;
        self.shops.push(Shop {
            name: plain(&summary.extent.shop),
            verdict: text::verdict(summary),
            is_clean: proof.adds_up() && proof.money_breaks.count == 0 && proof.unchecked == 0,
            facts: facts(summary, locale),
            figures: figures(summary, locale),
            charts: chart::all(summary, locale),
            tables: tables.collect(),
            digest: summary.digest.clone(),
        });
        self.summaries.push(summary.clone());
        Ok(())
    }
}

fn facts(summary: &Summary, locale: Locale) -> Vec<(&'static str, String)> {
    let extent = &summary.extent;
    let identity = extent.identity.as_ref();
    let period = Period { from: extent.from, until: extent.until };
    let as_of = format!("{} {} UTC", locale.date(extent.as_of), Locale::time(extent.as_of));
    vec![
        ("Period", period.name()),
        ("From, until (without)", format!("{}, {}", span::moment(extent.from), span::moment(extent.until))),
        ("As of", if extent.over { as_of } else { format!("{as_of}; the period is not over") }),
        ("Shop id", identity.map_or_else(String::new, |it| plain(&it.shop_id))),
        ("Klarna", identity.map_or_else(String::new, |it| plain(&format!("{}, {}", it.environment, it.region)))),
        ("Currency", extent.currency.map_or_else(String::new, |it| it.to_string())),
    ]
}

fn figures(summary: &Summary, locale: Locale) -> Vec<Figure> {
    let proof = &summary.proof;
    let currency = summary.extent.currency;
    let money = |amount: i64| {
        let unit = currency.map_or_else(String::new, |it| format!(" {it}"));
        format!("{}{unit}", locale.amount(amount, currency))
    };
    let moved = currency.and_then(|own| proof.moved.get(own.code()));
    let figure = |title, value, about: String| Figure { title, value, about };
    let count = |count: i64, what: &str| format!("{} {what}", locale.integer(count));
    let moved = moved.copied().unwrap_or_default();
    vec![
        figure("Captured", money(moved.captured.amount), count(moved.captured.count, "captures")),
        figure("Credited", money(proof.credits.new.amount), count(proof.credits.new.count, "new credit invoices")),
        figure("Refunded", money(moved.refunded.amount), count(moved.refunded.count, "refunds at Klarna")),
        figure(
            "Still to refund",
            money(proof.credits.closing.amount),
            count(proof.credits.closing.count, "credit invoices open"),
        ),
        figure("Money at stake", money(proof.money_breaks.amount), count(proof.money_breaks.count, "differences open")),
    ]
}
