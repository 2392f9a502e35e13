//! The formats, and what each of them does with a row.
//!
//! A format writes as rows arrive, or keeps the little that it shows; none knows what a row means.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use anstyle::Style;

use super::table::{Cell, Section};
use super::{Summary, csv, html, json, text, xlsx};
use crate::report::human::HEADING;
use reconciled_store::period::Extent;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Json,
    Csv,
    Html,
    Xlsx,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Text, Self::Json, Self::Csv, Self::Html, Self::Xlsx];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Xlsx => "xlsx",
        }
    }

    /// What the name of a file ends in.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Json | Self::Csv | Self::Html | Self::Xlsx => self.name(),
        }
    }

    /// As HTTP names it.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Html => "text/html; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| "text, json, csv, html or xlsx".to_owned())
    }
}

/// A document that takes rows. Rows of one section come together; the proof and the journal range come last.
pub trait Sheet: Send + 'static {
    /// # Errors
    /// The output failed.
    fn begin_shop(&mut self, extent: &Extent, language: &str) -> io::Result<()>;

    /// # Errors
    /// The output failed.
    fn row(&mut self, section: Section, row: &[Cell]) -> io::Result<()>;

    /// # Errors
    /// The output failed.
    fn end_shop(&mut self, summary: &Summary) -> io::Result<()>;
}

/// No document: for whoever wants the digest only.
#[derive(Clone, Copy, Debug)]
pub struct Discard;

impl Sheet for Discard {
    fn begin_shop(&mut self, _: &Extent, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, _: Section, _: &[Cell]) -> io::Result<()> {
        Ok(())
    }

    fn end_shop(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

/// A document of any format.
pub enum Any<W: Write> {
    Text(text::Text<W>),
    Json(json::Json<W>),
    Csv(csv::Csv<W>),
    Html(html::Html<W>),
    Xlsx(Box<xlsx::Xlsx<W>>),
}

impl<W: Write + Send + 'static> Any<W> {
    /// # Errors
    /// The output failed.
    pub fn new(kind: Kind, out: W) -> io::Result<Self> {
        Ok(match kind {
            Kind::Text => Self::Text(text::Text::new(out, Style::new())),
            Kind::Json => Self::Json(json::Json::new(out)?),
            Kind::Csv => Self::Csv(csv::Csv::new(out)?),
            Kind::Html => Self::Html(html::Html::new(out)),
            Kind::Xlsx => Self::Xlsx(Box::new(xlsx::Xlsx::new(out)?)),
        })
    }

    /// Text with headings that stand out, for an output that takes styles away where nobody sees them.
    pub fn styled_text(out: W) -> Self {
        Self::Text(text::Text::new(out, HEADING))
    }

    /// Ends the document and gives its output back.
    ///
    /// # Errors
    /// The output failed.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::Text(document) => document.finish(),
            Self::Json(document) => document.finish(),
            Self::Csv(document) => document.finish(),
            Self::Html(document) => document.finish(),
            Self::Xlsx(document) => document.finish(),
        }
    }

    fn sheet(&mut self) -> &mut dyn Sheet {
        match self {
            Self::Text(document) => document,
            Self::Json(document) => document,
            Self::Csv(document) => document,
            Self::Html(document) => document,
            Self::Xlsx(document) => document.as_mut(),
        }
    }
}

impl<W: Write + Send + 'static> Sheet for Any<W> {
    fn begin_shop(&mut self, extent: &Extent, language: &str) -> io::Result<()> {
        self.sheet().begin_shop(extent, language)
    }

    fn row(&mut self, section: Section, row: &[Cell]) -> io::Result<()> {
        self.sheet().row(section, row)
    }

    fn end_shop(&mut self, summary: &Summary) -> io::Result<()> {
        self.sheet().end_shop(summary)
    }
}
