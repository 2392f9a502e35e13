//! `reconciled reconcile`: one pass, told to a person or a script.

use clap::Args;
use jiff::Timestamp;

use super::context::{Context, now};
use super::error::CliError;
use super::progress::Bar;
use super::wire::{self, ShopStore};
use super::{Status, args};
use crate::config::Loaded;
use crate::report::{PassReport, human, json};
use crate::store::{Break, Store, StoreError};

#[derive(Debug, Args)]
#[command(after_help = "\
With `act = false` in the configuration (the default) nothing is written to either side, as with --dry-run.

Exit status:
  0  everything agrees, or work is under way inside its grace
  1  open breaks, or effects that are due and were not carried out
  2  usage or configuration error
  3  something could not be checked, or its outcome is unknown; wins over 1

Examples:
  reconciled reconcile --dry-run
  reconciled reconcile --order ORD00018
  reconciled reconcile --full --json > pass.json")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Reconcile {
    /// Plan and report; write nothing to either side
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Only this order
    #[arg(long, value_name = "NUMBER", value_parser = args::number)]
    pub(super) order: Option<String>,
    /// List what changed since then, instead of since the last pass
    #[arg(long, value_name = "TIME", value_parser = args::since, conflicts_with = "full")]
    pub(super) since: Option<Timestamp>,
    /// Every order, as if nothing had been listed before
    #[arg(long)]
    pub(super) full: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// No progress bar
    #[arg(long)]
    no_progress: bool,
}

impl Reconcile {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let loaded = context.config_with_secrets()?;
        let started_at = now();
        match wire::open(&loaded).await {
            Ok(store) => self.with_store(context, &loaded, store).await,
            // The configuration is wrong, not the world: that has its own exit status and no report.
            Err(source @ StoreError::OtherIdentity { .. }) => Err(opening(&loaded, source)),
            Err(source) => {
                let error = opening(&loaded, source);
                let report = wire::nothing_checked(&loaded, &self, started_at, &error);
                self.print::<ShopStore>(context, &report, None, &[]).await?;
                Err(error)
            }
        }
    }

    async fn with_store(&self, context: &Context, loaded: &Loaded, store: ShopStore) -> Result<Status, CliError> {
        let bar = Bar::new(!self.no_progress && !context.global.quiet);
        let passed = wire::pass(loaded, &store, self, &bar).await;
        bar.finish();
        let report = passed?;
        let breaks = store.breaks(false).await;
        let breaks = breaks.map_err(super::context::reading("reading the breaks"))?;
        self.print(context, &report, Some(&store), &breaks).await?;
        Ok(Status(report.exit_status(breaks.len())))
    }

    async fn print<S: Store>(
        &self, context: &Context, report: &PassReport, store: Option<&S>, breaks: &[Break],
    ) -> Result<(), CliError> {
        let mut out = context.stdout();
        let printed = if self.json {
            json::pass(&mut out, report, store, breaks).await
        } else {
            human::pass(&mut out, report, store, breaks).await
        };
        printed.map_err(|source| CliError::Render { attempt: "printing the report", source })
    }
}

fn opening(loaded: &Loaded, source: StoreError) -> CliError {
    super::context::opening(loaded.config.store.path(), source)
}
