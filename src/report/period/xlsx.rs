//! An Excel workbook: a sheet per section, real numbers and dates, frozen headings, a fixed date of making.
//!
//! Rows leave memory as they arrive. Text is written as text and never as a formula. The number of a cell is the exact
//! decimal text of its amount: no sum is made of them here, and no binary fraction.

mod cells;
mod grid;
mod skeleton;

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_xlsxwriter::DocProperties;
use zip::ZipWriter;

use super::mark::Mark;
use super::table::{Cell, Section};
use super::{Sheet, Summary};
use crate::report::text::plain;
use grid::Grid;
use reconciled_store::period::Extent;

pub struct Xlsx<W: Write> {
    out: W,
    grids: BTreeMap<Section, Grid>,
    shop: String,
    as_of: Timestamp,
    shops: Vec<Summary>,
}

impl<W: Write> Xlsx<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let mut parts = skeleton::make(&DocProperties::new())?;
        let mut grids = BTreeMap::new();
        for section in Section::ALL {
            grids.insert(*section, Grid::begin(&mut parts, *section)?);
        }
        Ok(Self { out, grids, shop: String::new(), as_of: Timestamp::UNIX_EPOCH, shops: Vec::new() })
    }

    /// The mark is the workbook's comment: every program shows it, and none needs to open a sheet for it.
    pub(super) fn finish(self) -> io::Result<W> {
        let properties = DocProperties::new()
            .set_title("reconciled report")
            .set_comment(Mark::new("xlsx", &self.shops).line())
            .set_creation_datetime(&self.as_of.to_zoned(TimeZone::UTC).datetime());
        let mut parts = skeleton::make(&properties)?;
        let mut grids: BTreeMap<String, Grid> =
            self.grids.into_iter().map(|(section, grid)| (skeleton::part(section), grid)).collect();
        let mut archive = ZipWriter::new_stream(self.out);
        for index in 0..parts.len() {
            let part = parts.by_index_raw(index)?;
            match grids.remove(part.name()?.as_ref()) {
                Some(grid) => archive.raw_copy_file(grid.end()?.by_index_raw(0)?)?,
                None => archive.raw_copy_file(part)?,
            }
        }
        let mut out = archive.finish()?.into_inner();
        out.flush()?;
        Ok(out)
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

impl<W: Write + Send + 'static> Sheet for Xlsx<W> {
    fn begin_shop(&mut self, extent: &Extent, _: &str) -> io::Result<()> {
        self.shop = plain(&extent.shop);
        self.as_of = self.as_of.max(extent.as_of);
        Ok(())
    }

    fn row(&mut self, section: Section, row: &[Cell]) -> io::Result<()> {
        self.grids.get_mut(&section).map_or(Ok(()), |grid| grid.put(&self.shop, row))
    }

    fn end_shop(&mut self, summary: &Summary) -> io::Result<()> {
        self.shops.push(summary.clone());
        Ok(())
    }
}
