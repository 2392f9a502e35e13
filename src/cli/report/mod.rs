//! `reconciled report`: the audit report for a period; `verify` and `close` are beside this file.

mod close;
mod make;
mod verify;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::Status;
use super::context::{Context, now};
use super::error::CliError;
use crate::report::period::{FormatKind, MOMENT, Period, Summary};
pub(super) use make::{Place, make};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Reads the store only, never the two sides. The same store and period always give the same bytes;
days are UTC. With several shops and no --shop, all of them are in one report.

Exit status 0 when everything adds up and no break is open at the end of the period, 1 when one is
or a sum differs, 3 when something could not be checked.

Examples:
  reconciled report
  reconciled report --from 2026-10 --to 2026-11 --format html --output october.html
  reconciled report --from 2026-10-01 --to 2026-10-15 --format csv | head
  reconciled report verify october.html
  reconciled report close 2026-10"
)]
pub struct Report {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Whether a report and the store still agree
    Verify(verify::Verify),
    /// Close a period: journal its report's digest; what comes later falls into the next one
    Close(close::Close),
}

#[derive(Debug, Args)]
struct Wanted {
    /// html, csv, xlsx, json or text
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: FormatKind,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// The first moment: a day, a month such as 2026-10, or RFC 3339 [default: the beginning of the month]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// The first moment after the period, so 2026-11 for all of October [default: the end of the current month]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Timestamp>,
    /// Write to this file instead of standard output; it appears whole or not at all
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A day, a month, a year or a moment; of what has a length, its beginning.
fn moment(text: &str) -> Result<Timestamp, String> {
    Period::moment(text).ok_or_else(|| MOMENT.to_owned())
}

impl Report {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        match self.action {
            Some(Action::Verify(verify)) => verify.run(context).await,
            Some(Action::Close(close)) => close.run(context).await,
            None => self.wanted.run(context).await,
        }
    }
}

impl Wanted {
    async fn run(self, context: &Context) -> Result<Status, CliError> {
        let format = if self.json { FormatKind::Json } else { self.format };
        let period = Period::between(self.from, self.to, now()).map_err(|why| CliError::Usage(why.to_string()))?;
        let place = match self.output {
            Some(path) => Place::File(path),
            None if format == FormatKind::Xlsx && std::io::stdout().is_terminal() => {
                return Err(CliError::Usage(
                    "a workbook is no text for a terminal: name a file with --output".to_owned(),
                ));
            }
            None => Place::Stdout,
        };
        let shops = context.every_shop_without_secrets()?;
        let summaries = make(context, &shops, period, format, place).await?;
        Ok(summaries.iter().map(status).max_by_key(|status| status.0).unwrap_or(Status::AGREES))
    }
}

/// How one shop's report ends.
fn status(summary: &Summary) -> Status {
    let proof = &summary.proof;
    if proof.unchecked > 0 {
        Status::UNKNOWN
    } else if !proof.adds_up() || proof.breaks.closing.count > 0 {
        Status::OPEN
    } else {
        Status::AGREES
    }
}
