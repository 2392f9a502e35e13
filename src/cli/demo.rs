//! `reconciled demo`: one command to see it work.

use std::path::PathBuf;

use clap::Args;

use super::Status;
use super::context::Context;
use super::error::CliError;
use super::wire;

#[derive(Debug, Args)]
#[command(after_help = "\
Starts the sandbox on this machine with a seeded shop (returns, partial returns, cancels before and after capture,
refunds made in the portal, a time-out, an expiring authorization), and runs passes until both sides agree or a
human is needed. No account and no configuration is used.")]
pub struct Demo {
    /// How many orders the seeded shop has
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub(super) orders: u32,
    /// The same seed makes the same shop
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,
    /// Keep the store and the configuration here [default: a new directory]
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) keep: Option<PathBuf>,
    /// One JSON object per pass instead of text
    #[arg(long)]
    pub(super) json: bool,
}

impl Demo {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        wire::demo(context, &self).await
    }
}
