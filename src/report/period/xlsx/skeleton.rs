//! The workbook without its rows: headings, widths, styles, page setup and properties, as rust_xlsxwriter makes them.
//!
//! Each sheet has one row below its headings, which shows what number each style got. Our rows take its place.

use std::io::{self, Cursor, Read as _};

use rust_xlsxwriter::{DocProperties, Format, FormatAlign, Workbook, XlsxError};
use zip::ZipArchive;

use super::super::table::{Kind, Section};

/// The parts of a workbook.
pub(super) type Parts = ZipArchive<Cursor<Vec<u8>>>;

/// What stands around the rows of a sheet, and the numbers of its styles.
pub(super) struct Frame {
    pub(super) head: String,
    pub(super) tail: String,
    /// Of a currency with decimals.
    pub(super) money: String,
    /// Of minor units of a currency that is not known.
    pub(super) minor: String,
    pub(super) time: String,
}

pub(super) fn make(properties: &DocProperties) -> io::Result<Parts> {
    let book = workbook(properties).map_err(|why| io::Error::other(why.to_string()))?;
    Ok(ZipArchive::new(Cursor::new(book))?)
}

fn workbook(properties: &DocProperties) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    book.set_properties(properties);
    for section in Section::ALL {
        sheet(&mut book, *section)?;
    }
    book.save_to_buffer()
}

fn sheet(book: &mut Workbook, section: Section) -> Result<(), XlsxError> {
    let head = Format::new().set_bold().set_align(FormatAlign::Top).set_text_wrap();
    let [money, minor, time] =
        ["#,##0.00", "0", "yyyy-mm-dd hh:mm:ss"].map(|format| Format::new().set_num_format(format));
    let sheet = book.add_worksheet();
    // At most 31 characters.
    sheet.set_name(section.key())?;
    sheet.set_freeze_panes(1, 0)?;
    sheet.set_column_width(0, 12)?;
    sheet.write_string_with_format(0, 0, "shop", &head)?;
    for (place, column) in (1..).zip(section.columns()) {
        let width = match column.kind {
            Kind::Time => 20,
            Kind::Money | Kind::Count | Kind::Flag => 13,
            Kind::Text => 24,
        };
        sheet.set_column_width(place, width)?;
        sheet.write_string_with_format(0, place, column.key, &head)?;
    }
    for (place, style) in (0..).zip([&money, &minor, &time]) {
        sheet.write_blank(1, place, style)?;
    }
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    Ok(())
}

/// The name of a section's sheet among the parts.
pub(super) fn part(section: Section) -> String {
    let before = Section::ALL.iter().take_while(|other| **other != section).count();
    format!("xl/worksheets/sheet{}.xml", before.saturating_add(1))
}

pub(super) fn frame(parts: &mut Parts, section: Section) -> io::Result<Frame> {
    let mut xml = String::new();
    parts.by_name(&part(section))?.read_to_string(&mut xml)?;
    cut(&xml).ok_or_else(|| io::Error::other(format!("sheet {} was made in an unknown way", section.key())))
}

/// Cuts a sheet where its second row is.
fn cut(xml: &str) -> Option<Frame> {
    let (before, rest) = xml.split_once("<row r=\"2\"")?;
    let (sample, tail) = rest.split_once("</row>")?;
    // How far the rows go is not known yet. It may be left out.
    let (head, rest) = before.split_once("<dimension ")?;
    let (_, body) = rest.split_once("/>")?;
    let mut styles = sample.split(" s=\"").skip(1).filter_map(|it| it.split('"').next()).map(str::to_owned);
    let (money, minor, time) = (styles.next()?, styles.next()?, styles.next()?);
    Some(Frame { head: [head, body].concat(), tail: tail.to_owned(), money, minor, time })
}
