//! The rows of one sheet, compressed as they arrive into a file of its own.
//!
//! Written here and not by rust_xlsxwriter, which keeps every cell in a tree, looks its format up by a hash, and has all
//! sheets on disk before it compresses them: that took nearly as long as reading the store.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};

use rust_xlsxwriter::utility::column_number_to_name;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::super::table::{Cell, Section};
use super::cells::Row;
use super::skeleton::{self, Frame, Parts};

/// A sheet of a workbook ends here; what is left is said in the last row.
const ROWS: u32 = 1_048_576;

/// How hard: 6, the usual, takes a second more over a million orders and saves three hundredths; 3 costs an eighth.
const LEVEL: i64 = 4;

/// So many bytes are compressed together.
const PIECE: usize = 1 << 15;

pub(super) struct Grid {
    archive: ZipWriter<BufWriter<File>>,
    frame: Frame,
    /// `A`, `B` and so on.
    columns: Vec<String>,
    rows: u32,
    text: String,
}

impl Grid {
    pub(super) fn begin(parts: &mut Parts, section: Section) -> io::Result<Self> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL))
            // No clock.
            .last_modified_time(DateTime::default());
        let mut archive = ZipWriter::new(BufWriter::new(tempfile::tempfile()?));
        archive.start_file(skeleton::part(section), options)?;
        let frame = skeleton::frame(parts, section)?;
        let columns = (0..).take(section.columns().len().saturating_add(1)).map(column_number_to_name).collect();
        let text = frame.head.clone();
        // The headings are the first row.
        Ok(Self { archive, frame, columns, rows: 1, text })
    }

    pub(super) fn put(&mut self, shop: &str, cells: &[Cell]) -> io::Result<()> {
        if self.rows >= ROWS {
            return Ok(());
        }
        self.rows = self.rows.saturating_add(1);
        let mut row = Row::begin(&mut self.text, &self.frame, &self.columns, self.rows);
        if self.rows == ROWS {
            row.text("a sheet holds no more rows; the csv and json reports have all of them");
        } else {
            row.text(shop);
            for cell in cells {
                row.cell(cell);
            }
        }
        row.end();
        if self.text.len() < PIECE { Ok(()) } else { self.compress() }
    }

    fn compress(&mut self) -> io::Result<()> {
        self.archive.write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }

    /// An archive with the sheet as its only part.
    pub(super) fn end(mut self) -> io::Result<ZipArchive<File>> {
        self.text.push_str(&self.frame.tail);
        self.compress()?;
        let file = self.archive.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(ZipArchive::new(file)?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use rust_xlsxwriter::DocProperties;

    use super::*;

    /// What `rows` put below so many rows come to, between the headings and the end.
    fn sheet(rows: u32, put: &[&[Cell]]) -> String {
        let mut parts = skeleton::make(&DocProperties::new()).unwrap();
        let mut grid = Grid::begin(&mut parts, Section::Weeks).unwrap();
        grid.rows = rows;
        for cells in put {
            grid.put("main", cells).unwrap();
        }
        let mut xml = String::new();
        grid.end().unwrap().by_index(0).unwrap().read_to_string(&mut xml).unwrap();
        let (_, below) = xml.split_once("</row>").unwrap();
        below.split_once("</sheetData>").unwrap().0.to_owned()
    }

    #[test]
    fn each_cell_has_its_place_its_kind_and_its_style() {
        let eur = "EUR".parse().ok();
        let cells = [Cell::text("=1 "), Cell::None, Cell::Count(-3), Cell::Money(-1_905, eur), Cell::Money(7, None)];
        let text = "<c r=\"A2\" t=\"inlineStr\"><is><t>main</t></is></c>\
                    <c r=\"B2\" t=\"inlineStr\"><is><t xml:space=\"preserve\">=1 </t></is></c>";
        let numbers = "<c r=\"D2\"><v>-3</v></c><c r=\"E2\" s=\"2\"><v>-19.05</v></c><c r=\"F2\" s=\"3\"><v>7</v></c>";
        assert_eq!(sheet(1, &[&cells]), format!("<row r=\"2\">{text}{numbers}</row>"));
        let at = Cell::Time("1970-01-01T06:00:00Z".parse().unwrap());
        let (shop, moment) = text.split_once("<c r=\"B2\"").map(|(shop, _)| (shop, "25569.25000000000")).unwrap();
        let wanted =
            format!("<row r=\"2\">{shop}<c r=\"B2\" s=\"4\"><v>{moment}</v></c><c r=\"C2\" t=\"b\"><v>1</v></c></row>");
        assert_eq!(sheet(1, &[&[at, Cell::Flag(true)]]), wanted);
    }

    #[test]
    fn a_full_sheet_says_so_in_its_last_row() {
        let row: &[Cell] = &[Cell::Count(1)];
        let xml = sheet(ROWS - 2, &[row, row, row]);
        assert_eq!(xml.matches("<row ").count(), 2, "{xml}");
        assert!(xml.contains("<row r=\"1048576\"><c r=\"A1048576\" t=\"inlineStr\"><is><t>a sheet holds no more rows"));
    }
}
