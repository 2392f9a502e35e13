//! An Excel workbook: a sheet per section, real numbers and dates, frozen headings, a fixed date of making.
//!
//! Rows leave memory as they arrive. Text is written as text and never as a formula. The number of a cell is read from
//! the exact decimal text of its amount: a workbook knows no other numbers, and no sum is made of them here.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, Write};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_xlsxwriter::{DocProperties, Format, FormatAlign, Workbook, XlsxError};

use super::mark::Mark;
use super::table::{Cell, Kind, Section};
use super::{Sheet, Summary, csv};
use crate::report::text::plain;
use crate::store::period::Extent;

/// A sheet of a workbook ends here; what is left is said in the last row.
const ROWS: u32 = 1_048_576;

pub struct Xlsx<W: Write> {
    out: W,
    book: Workbook,
    /// The next free row of each section's sheet.
    rows: BTreeMap<Section, u32>,
    styles: Styles,
    shop: String,
    as_of: Timestamp,
    shops: Vec<Summary>,
}

struct Styles {
    head: Format,
    money: Format,
    minor: Format,
    time: Format,
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn failed(why: XlsxError) -> io::Error {
    io::Error::other(why.to_string())
}

impl<W: Write> Xlsx<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let mut document = Self {
            out,
            book: Workbook::new(),
            rows: BTreeMap::new(),
            styles: Styles {
                head: Format::new().set_bold().set_align(FormatAlign::Top).set_text_wrap(),
                money: Format::new().set_num_format("#,##0.00"),
                minor: Format::new().set_num_format("0"),
                time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            },
            shop: String::new(),
            as_of: Timestamp::UNIX_EPOCH,
            shops: Vec::new(),
        };
        for section in Section::ALL {
            document.add(*section).map_err(failed)?;
        }
        Ok(document)
    }

    fn add(&mut self, section: Section) -> Result<(), XlsxError> {
        let sheet = self.book.add_worksheet_with_constant_memory()?;
        sheet.set_name(name(section))?;
        sheet.set_freeze_panes(1, 0)?;
        for (index, column) in section.columns().iter().enumerate() {
            let width = match column.kind {
                Kind::Time => 20,
                Kind::Money | Kind::Count | Kind::Flag => 13,
                Kind::Text => 24,
            };
            sheet.set_column_width(place(index), width)?;
        }
        sheet.set_column_width(0, 12)?;
        sheet.write_string_with_format(0, 0, "shop", &self.styles.head)?;
        for (index, column) in section.columns().iter().enumerate() {
            sheet.write_string_with_format(0, place(index), column.key, &self.styles.head)?;
        }
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
        self.rows.insert(section, 1);
        Ok(())
    }

    fn put(&mut self, section: Section, row: &[Cell]) -> Result<(), XlsxError> {
        let at = self.rows.get(&section).copied().unwrap_or(1);
        if at >= ROWS {
            return Ok(());
        }
        self.rows.insert(section, at.saturating_add(1));
        let sheet = self.book.worksheet_from_name(name(section))?;
        if at == ROWS.saturating_sub(1) {
            sheet.write_string(at, 0, "a sheet holds no more rows; the csv and json reports have all of them")?;
            return Ok(());
        }
        sheet.write_string(at, 0, &self.shop)?;
        for (index, cell) in row.iter().enumerate() {
            let column = place(index);
            match cell {
                Cell::Text(text) => sheet.write_string(at, column, plain(text))?,
                Cell::Money(minor, currency) => {
                    let style = if currency.is_some() { &self.styles.money } else { &self.styles.minor };
                    let number: f64 = csv::number(*minor, *currency).parse().unwrap_or_default();
                    sheet.write_number_with_format(at, column, number, style)?
                }
                // A workbook knows no day before 1900.
                Cell::Time(time) if civil(*time).year() < 1900 => sheet.write_string(at, column, time.to_string())?,
                Cell::Time(time) => sheet.write_datetime_with_format(at, column, civil(*time), &self.styles.time)?,
                Cell::Count(count) => {
                    let number: f64 = count.to_string().parse().unwrap_or_default();
                    sheet.write_number(at, column, number)?
                }
                Cell::Flag(flag) => sheet.write_boolean(at, column, *flag)?,
                Cell::None => continue,
            };
        }
        Ok(())
    }

    /// The mark is the workbook's comment: every program shows it, and none needs to open a sheet for it.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let mark = Mark::new("xlsx", &self.shops).line();
        let properties = DocProperties::new()
            .set_title("reconciled report")
            .set_comment(mark)
            .set_creation_datetime(&civil(self.as_of));
        self.book.set_properties(&properties);
        // An archive is not written from front to back, and a large one does not fit into memory.
        let mut whole = tempfile::tempfile()?;
        self.book.save_to_writer(&mut whole).map_err(failed)?;
        whole.rewind()?;
        io::copy(&mut whole, &mut self.out)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// The mark's text in a workbook, which is an archive of XML files.
pub(super) fn comment<R: Read + Seek>(file: R) -> Option<String> {
    let mut archive = zip::ZipArchive::new(file).ok()?;
    let core = archive.by_name("docProps/core.xml").ok()?;
    let mut xml = String::new();
    // Nobody's archive may fill the memory.
    core.take(LARGEST_COMMENT).read_to_string(&mut xml).ok()?;
    Some(xml.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

const LARGEST_COMMENT: u64 = 1 << 20;

/// Column 0 is the shop's.
fn place(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX).saturating_add(1)
}

/// A sheet's name is at most 31 characters.
const fn name(section: Section) -> &'static str {
    section.key()
}

fn civil(at: Timestamp) -> DateTime {
    at.to_zoned(TimeZone::UTC).datetime()
}

impl<W: Write + Send + 'static> Sheet for Xlsx<W> {
    fn begin_shop(&mut self, extent: &Extent, _: &str) -> io::Result<()> {
        self.shop = plain(&extent.shop);
        self.as_of = self.as_of.max(extent.as_of);
        Ok(())
    }

    fn row(&mut self, section: Section, row: &[Cell]) -> io::Result<()> {
        self.put(section, row).map_err(failed)
    }

    fn end_shop(&mut self, summary: &Summary) -> io::Result<()> {
        self.shops.push(summary.clone());
        Ok(())
    }
}
