//! Making a report: the shops' stores one after the other into one document, for a command and for the page alike.
//!
//! A store is opened for its part and closed after it. Where the document goes is the caller's; no store is written.

use std::io::{self, Write};
use std::path::PathBuf;

use super::{Any, Period, Report, Sheet, Summary};
use reconciled_core::id::ShopName;
use reconciled_store::StoreError;
use reconciled_store::period::Span;
use reconciled_store::sqlite::SqliteStore;

/// One shop as a report finds it.
#[derive(Clone, Debug)]
pub struct Source {
    pub shop: ShopName,
    pub store: PathBuf,
    /// For amounts and dates.
    pub language: String,
}

/// Why there is no report, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum Unmade {
    #[error("opening the store of shop `{shop}` failed")]
    Open {
        shop: ShopName,
        path: PathBuf,
        #[source]
        source: StoreError,
    },
    #[error("reading the report of shop `{shop}` failed")]
    Read {
        shop: ShopName,
        #[source]
        source: StoreError,
    },
    #[error("the report could not be written")]
    Output(#[from] io::Error),
}

/// Reads every shop into the document, and ends it.
///
/// # Errors
/// A store or the output failed; what was written by then is no report.
pub async fn make<W: Write + Send + 'static>(
    sources: &[Source], period: Period, mut document: Any<W>,
) -> Result<(W, Vec<Summary>), Unmade> {
    let mut summaries = Vec::with_capacity(sources.len());
    for source in sources {
        let span = Span { from: period.from, until: period.until, seen: None };
        let (next, summary) = add(source, span, document).await?;
        document = next;
        summaries.push(summary);
    }
    Ok((document.finish()?, summaries))
}

/// Adds one shop to a document.
///
/// # Errors
/// Its store or the output failed.
pub async fn add<F: Sheet>(source: &Source, span: Span, document: F) -> Result<(F, Summary), Unmade> {
    let Source { shop, store: path, language } = source;
    let opened = SqliteStore::open(path, shop.clone());
    let store = opened.map_err(|source| Unmade::Open { shop: shop.clone(), path: path.clone(), source })?;
    let read = store.report(span, Report::new(document, language)).await;
    let (report, _) = read.map_err(|source| Unmade::Read { shop: shop.clone(), source })?;
    Ok(report.finish()?)
}
