//! `reconciled audit verify`: is the journal what was written?

use std::io::Write as _;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Status;
use super::context::{Context, reading};
use super::error::CliError;
use crate::report::text::plain;
use crate::store::{self, Store as _};

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Recompute the hash chain, replay every machine, and compare with the stored states
    Verify(Verify),
}

#[derive(Debug, Args)]
#[command(after_help = "Exit status 0 when the journal is intact, 1 when it is not, 3 when it could not be read.")]
pub struct Verify {
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let Self::Verify(Verify { json }) = self;
        let store = context.store()?;
        let found = store.audit().await.map_err(reading("verifying the journal"))?;
        let mut out = context.stdout();
        let status = match found {
            store::Audit::Intact { entries, head } => {
                if json {
                    writeln!(out, "{}", json!({"intact": true, "entries": entries, "head": head}))?;
                } else {
                    writeln!(out, "The journal is intact: {entries} entries, head {head}.")?;
                }
                Status::AGREES
            }
            store::Audit::Broken { seq, why } => {
                if json {
                    writeln!(out, "{}", json!({"intact": false, "seq": seq, "why": why}))?;
                } else {
                    writeln!(out, "The journal is broken at entry {seq}: {}", plain(&why))?;
                    writeln!(out, "Stop, keep a copy of the store, and compare with a backup.")?;
                }
                Status::OPEN
            }
        };
        out.flush()?;
        Ok(status)
    }
}
