//! The machine-readable mark in every report: of which store and period it is, up to where it looked, and its digest.
//!
//! One line of JSON, the same in every format; `report verify` finds it in a file of any of them and makes the report
//! anew. What is read here was written by whoever had the file: nothing but a question to the store follows from it.

use std::io::{self, Read, Seek, SeekFrom};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::span::Period;
use super::{Summary, xlsx};
use reconciled_store::period::{Seen, Span};

/// What begins a mark.
const BEGINS: &str = r#"{"reconciled_report":1,"#;

/// So much of the end of a file is searched; a mark of a thousand shops is shorter.
const SEARCHED: u64 = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub reconciled_report: u32,
    pub format: String,
    pub from: String,
    pub until: String,
    pub shops: Vec<MarkedShop>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkedShop {
    pub shop: String,
    pub language: String,
    pub as_of: String,
    pub first: i64,
    pub last: i64,
    pub hash_last: String,
    pub digest: String,
}

impl Mark {
    /// Of a report of one format, once all its shops are read.
    pub(super) fn new(format: &str, shops: &[Summary]) -> Self {
        let extent = shops.first().map(|shop| &shop.extent);
        let time = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
        Self {
            reconciled_report: 1,
            format: format.to_owned(),
            from: time(extent.map(|extent| extent.from)),
            until: time(extent.map(|extent| extent.until)),
            shops: shops.iter().map(MarkedShop::from).collect(),
        }
    }

    /// One line.
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The mark of a report. It stands near the end of a file of any format, in a workbook in its comment.
    ///
    /// # Errors
    /// The file could not be read.
    pub fn of_file<R: Read + Seek>(mut file: R) -> io::Result<Option<Self>> {
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(SEARCHED)))?;
        let mut tail = Vec::new();
        file.by_ref().take(SEARCHED).read_to_end(&mut tail)?;
        let found = Self::find(&String::from_utf8_lossy(&tail));
        if found.is_some() {
            return Ok(found);
        }
        file.rewind()?;
        Ok(xlsx::comment(file).and_then(|comment| Self::find(&comment)))
    }

    /// The last mark in a text: as it is, with its quotes doubled as CSV does it, or written out as HTML does it.
    fn find(text: &str) -> Option<Self> {
        ["\"", "\"\"", "&#34;", "&quot;"].into_iter().find_map(|quote| {
            let begins = BEGINS.replace('"', quote);
            let rest = text.get(text.rfind(&begins)?..)?;
            let line = rest.split('\n').next()?.replace(quote, "\"");
            serde_json::Deserializer::from_str(&line).into_iter::<Self>().next()?.ok()
        })
    }

    /// `None` for text that is no period.
    pub fn period(&self) -> Option<Period> {
        Period::new(self.from.parse().ok()?, self.until.parse().ok()?).ok()
    }
}

impl MarkedShop {
    /// The span that gives the same report again.
    pub fn span(&self, period: Period) -> Option<Span> {
        let as_of = self.as_of.parse().ok()?;
        Some(Span { from: period.from, until: period.until, seen: Some(Seen { last: self.last, as_of }) })
    }
}

impl From<&Summary> for MarkedShop {
    fn from(summary: &Summary) -> Self {
        let extent = &summary.extent;
        Self {
            shop: extent.shop.clone(),
            language: summary.language.clone(),
            as_of: extent.as_of.to_string(),
            first: extent.first,
            last: extent.last,
            hash_last: extent.hash_last.clone(),
            digest: summary.digest.clone(),
        }
    }
}
