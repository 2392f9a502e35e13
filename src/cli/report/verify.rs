//! `reconciled report verify FILE`: makes the report of a file again from the store, and compares byte by byte.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::Status;
use super::super::context::Context;
use super::super::error::CliError;
use super::make::source;
use crate::config::Loaded;
use crate::report::period::{Any, FormatKind, Mark, MarkedShop, Period, Source, Summary, Unmade, add};
use crate::report::text::plain;
use reconciled_store::StoreError;

#[derive(Debug, Args)]
#[command(after_help = "\
The file is of any format that `report` writes. It says of which shops and period it is and up to
where it looked; the report is made again exactly so. `audit verify` says whether the journal
itself is intact.

Exit status 0 when they agree, 1 when they do not, 2 when the file is no report or its shop is not
configured, 3 when something could not be read.")]
pub(super) struct Verify {
    /// A report
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// What came of the comparison.
enum Found {
    Agrees { summaries: Vec<Summary> },
    Differs { why: String },
}

impl Verify {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let name = plain(&self.file.display().to_string());
        let unreadable =
            |why: io::Error| CliError::Failed { attempt: format!("reading `{name}`"), why: why.to_string() };
        let mark = Mark::of_file(File::open(&self.file).map_err(unreadable)?).map_err(unreadable)?;
        let no_report = || CliError::Usage(format!("`{name}` is no report of this program, or its mark was cut off"));
        let mark = mark.filter(|mark| !mark.shops.is_empty()).ok_or_else(no_report)?;
        let (period, format) = mark.period().zip(mark.format.parse().ok()).ok_or_else(no_report)?;
        let shops = chosen(context, &mark)?;
        let file = File::open(&self.file).map_err(unreadable)?;
        let found = compare(&shops, &mark, period, format, file).await?;
        self.print(context, &mark, period, &found)
    }

    fn print(&self, context: &Context, mark: &Mark, period: Period, found: &Found) -> Result<Status, CliError> {
        let mut out = context.stdout();
        let digests: Vec<&str> = mark.shops.iter().map(|shop| shop.digest.as_str()).collect();
        let status = match found {
            Found::Agrees { summaries } => {
                let closed = summaries.iter().all(|summary| summary.extent.closed.is_some());
                if self.json {
                    writeln!(out, "{}", json!({"agrees": true, "closed": closed, "digests": digests}))?;
                } else {
                    let state = if closed { ", a closed period," } else { "" };
                    writeln!(
                        out,
                        "The report over {}{state} agrees with the store: digest {}.",
                        period.name(),
                        digests.join(", ")
                    )?;
                }
                Status::AGREES
            }
            Found::Differs { why } => {
                if self.json {
                    writeln!(out, "{}", json!({"agrees": false, "why": why, "digests": digests}))?;
                } else {
                    writeln!(out, "The report over {} and the store do not agree: {}.", period.name(), plain(why))?;
                    writeln!(out, "Keep both; `reconciled audit verify` says whether the journal was edited.")?;
                }
                Status::OPEN
            }
        };
        out.flush()?;
        Ok(status)
    }
}

/// The configured shops that the file is about, in its order.
fn chosen(context: &Context, mark: &Mark) -> Result<Vec<(Loaded, MarkedShop)>, CliError> {
    let mut configured = context.every_shop_without_secrets()?;
    let mut chosen = Vec::with_capacity(mark.shops.len());
    for shop in &mark.shops {
        let place = configured.iter().position(|loaded| loaded.shop.name.as_str() == shop.shop);
        let Some(place) = place else {
            let name = plain(&shop.shop);
            return Err(CliError::Usage(format!("the report is of shop `{name}`, which is not configured here")));
        };
        chosen.push((configured.remove(place), shop.clone()));
    }
    Ok(chosen)
}

async fn compare(
    shops: &[(Loaded, MarkedShop)], mark: &Mark, period: Period, format: FormatKind, file: File,
) -> Result<Found, CliError> {
    let differs = |why: String| Ok(Found::Differs { why });
    let compared = Compared { file: BufReader::new(file), at: 0, differs: None };
    let mut document = Any::new(format, BufWriter::new(compared))?;
    let mut summaries = Vec::with_capacity(shops.len());
    for (loaded, shop) in shops {
        let Some(span) = shop.span(period) else { return differs("its mark names no moment".to_owned()) };
        let as_then = Source { language: shop.language.clone(), ..source(loaded) };
        let made = add(&as_then, span, document).await;
        let (next, summary) = match made {
            Err(Unmade::Read { source: StoreError::NotFound(what), .. }) => {
                return differs(format!("the store has no {what}; it was cut off, or is another store"));
            }
            other => other?,
        };
        document = next;
        summaries.push(summary);
    }
    let compared = document.finish()?.into_inner().map_err(|error| CliError::Output(error.into_error()))?;
    if let Some(why) = why(mark, &summaries) {
        return differs(why);
    }
    match compared.end()? {
        Some(at) => differs(format!("the file differs from byte {at} on: it was edited, or another version made it")),
        None => Ok(Found::Agrees { summaries }),
    }
}

/// What differs before any byte is looked at.
fn why(mark: &Mark, summaries: &[Summary]) -> Option<String> {
    mark.shops.iter().zip(summaries).find_map(|(shop, made)| {
        let extent = &made.extent;
        if shop.hash_last != extent.hash_last || shop.first != extent.first {
            return Some(format!("journal row {} is another than the report names", shop.last));
        }
        if shop.digest != made.digest {
            return Some(format!("its digest is {}, the store gives {}", shop.digest, made.digest));
        }
        let closed = extent.closed.as_ref().filter(|closed| closed.digest != made.digest && closed.last == extent.last);
        closed.map(|closed| {
            format!("the period was closed with digest {}, the store gives {}", closed.digest, made.digest)
        })
    })
}

/// Takes the bytes of a report and compares them with those of a file.
struct Compared<R> {
    file: R,
    at: u64,
    differs: Option<u64>,
}

impl<R: Read> Compared<R> {
    /// The place of the first difference, if there is any.
    fn end(mut self) -> io::Result<Option<u64>> {
        let more = self.file.read(&mut [0; 1])? > 0;
        Ok(self.differs.or(more.then_some(self.at)))
    }
}

impl<R: Read> Write for Compared<R> {
    fn write(&mut self, made: &[u8]) -> io::Result<usize> {
        let mut found = vec![0; made.len()];
        let mut filled = 0;
        while let Some(rest) = found.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read(rest)? {
                0 => break,
                count => filled = filled.saturating_add(count),
            }
        }
        let same = made.iter().zip(found.iter().take(filled)).take_while(|(made, found)| made == found).count();
        if same < made.len() && self.differs.is_none() {
            self.differs = Some(self.at.saturating_add(u64::try_from(same).unwrap_or(u64::MAX)));
        }
        self.at = self.at.saturating_add(u64::try_from(made.len()).unwrap_or(u64::MAX));
        Ok(made.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
