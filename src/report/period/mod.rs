//! The audit report over a period: from the lines that the store reads, through one table model, into five formats.
//!
//! A report is a function of the store and its period: no clock, no random id and no order of a hash map is in it, so
//! the same store gives the same bytes, and `report verify` can compare. Its digest covers every cell of every shop, the
//! same in all formats. Reads nothing itself and changes nothing.

mod charts;
mod csv;
mod digest;
mod format;
mod html;
mod json;
mod locale;
mod make;
mod mark;
mod proof;
mod rows;
mod span;
mod table;
mod text;
mod words;
mod xlsx;

use std::io;

pub use self::charts::Charts;
pub use self::format::{Any, Discard, Kind as FormatKind, Sheet};
pub use self::make::{Source, Unmade, add, make};
pub use self::mark::{Mark, MarkedShop};
pub use self::proof::Proof;
pub use self::span::{MOMENT, Period, WrongPeriod};
pub use self::table::{Cell, Column, Kind, Section};

use self::digest::Digest;
use self::rows::{Frame, Rows};
use reconciled_store::StoreError;
use reconciled_store::period::{Extent, Line, Lines};

/// One shop's part of a report while its lines arrive.
pub struct Report<F> {
    format: F,
    language: String,
    extent: Option<Extent>,
    digest: Digest,
    proof: Proof,
    charts: Charts,
}

/// What a finished part is known by.
#[derive(Clone, Debug)]
pub struct Summary {
    pub extent: Extent,
    pub proof: Proof,
    pub charts: Charts,
    /// The language of the shop, for amounts and dates.
    pub language: String,
    /// Over every cell of this shop, in lower-case hexadecimal.
    pub digest: String,
}

impl<F: Sheet> Report<F> {
    pub fn new(format: F, language: &str) -> Self {
        Self {
            format,
            language: language.to_owned(),
            extent: None,
            digest: Digest::new(),
            proof: Proof::default(),
            charts: Charts::default(),
        }
    }

    /// Writes what is known at the end only, and gives the format back for the next shop.
    ///
    /// # Errors
    /// The output failed, or no line was ever read.
    pub fn finish(mut self) -> io::Result<(F, Summary)> {
        let Some(extent) = self.extent.take() else {
            return Err(io::Error::other("the report was not begun"));
        };
        let proof = self.proof.rows();
        self.rows((Section::Proof, proof))?;
        self.rows((Section::Journal, journal(&extent)))?;
        let summary = Summary {
            extent,
            proof: self.proof,
            charts: self.charts,
            language: self.language,
            digest: self.digest.hex(),
        };
        self.format.end_shop(&summary)?;
        Ok((self.format, summary))
    }

    fn rows(&mut self, (section, rows): Rows) -> io::Result<()> {
        for row in &rows {
            self.digest.row(section, row);
            self.format.row(section, row)?;
        }
        Ok(())
    }

    fn take(&mut self, frame: Frame, line: Line) -> io::Result<()> {
        let one = |section, row| (section, vec![row]);
        let rows = match line {
            Line::Credit(it) => {
                self.proof.credit(&it);
                self.charts.credit(&it);
                one(Section::Credits, frame.credit(it))
            }
            Line::Cancel(it) => {
                self.proof.cancel(&it);
                one(Section::Cancels, frame.cancel(it))
            }
            Line::Refund(it) => {
                self.proof.refund(&it);
                one(Section::Refunds, Frame::refund(it))
            }
            Line::RefundOfCredit { currency, amount } => {
                self.proof.refund_of_credit(&currency, amount);
                return Ok(());
            }
            Line::Break(it) => {
                self.proof.one_break(&it);
                self.charts.one_break(&it, frame.as_of);
                one(Section::Breaks, frame.one_break(it))
            }
            Line::Effect(it) => one(Section::Effects, Frame::effect(it)),
            Line::Decision(it) => one(Section::Decisions, Frame::decision(it)),
            Line::Flow(it) => {
                self.proof.flow(&it);
                self.charts.flow(&it);
                one(Section::Weeks, Frame::flow(it))
            }
            Line::Passes(it) => (Section::Coverage, Frame::passes(&it)),
            Line::Unchecked(it) => {
                self.proof.unchecked = self.proof.unchecked.saturating_add(u64::from(it.still));
                one(Section::Unchecked, Frame::unchecked(it))
            }
            Line::Policy(it) => (Section::Policy, frame.policy(&it)),
        };
        self.rows(rows)
    }
}

impl<F: Sheet> Lines for Report<F> {
    fn begin(&mut self, extent: &Extent) -> Result<(), StoreError> {
        self.digest.begin(extent);
        self.proof.currency = extent.currency;
        if let Some(currency) = extent.currency {
            self.proof.moved.entry(currency.code().to_owned()).or_default();
        }
        self.charts.begin(extent);
        self.format.begin_shop(extent, &self.language).map_err(unwritten)?;
        self.extent = Some(extent.clone());
        Ok(())
    }

    fn line(&mut self, line: Line) -> Result<(), StoreError> {
        let Some(extent) = &self.extent else {
            return Err(StoreError::Io("a line came before the report was begun".to_owned()));
        };
        let frame = Frame { currency: extent.currency, as_of: extent.as_of };
        self.take(frame, line).map_err(unwritten)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn unwritten(why: io::Error) -> StoreError {
    StoreError::Io(format!("the report could not be written: {why}"))
}

/// The journal rows that the report rests on.
fn journal(extent: &Extent) -> Vec<Vec<Cell>> {
    let row = |line: &str, what: &str, value: String| vec![Cell::text(line), Cell::text(what), Cell::Text(value)];
    vec![
        row("first", "first row of the period", extent.first.to_string()),
        row("last", "last row of the period", extent.last.to_string()),
        row("hash_before", "hash of the row before the first", extent.hash_before.clone()),
        row("hash_last", "hash of the last row", extent.hash_last.clone()),
    ]
}
