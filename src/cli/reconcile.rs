//! `reconciled reconcile`: one pass, told to a person or a script.

use clap::Args;
use jiff::Timestamp;

use super::context::{Context, now, reading};
use super::error::CliError;
use super::progress::Bar;
use super::wire::{self, ShopStore};
use super::{Status, args, signals};
use crate::config::Loaded;
use crate::pass;
use crate::report::{PassReport, human, json};
use reconciled_store::Store;

#[derive(Debug, Args)]
#[command(after_help = "\
With `act = false` in the configuration (the default) nothing is written to either side, as with --dry-run.

The first SIGTERM or SIGINT lets what is under way finish and reports what was left; a second one ends at once.

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
    dry_run: bool,
    /// Only this order
    #[arg(long, value_name = "NUMBER", value_parser = args::number)]
    order: Option<String>,
    /// List what changed since then, instead of since the last pass
    #[arg(long, value_name = "TIME", value_parser = args::since, conflicts_with = "full")]
    since: Option<Timestamp>,
    /// Every order, as if nothing had been listed before; those with anything open are read again in the shop
    #[arg(long)]
    full: bool,
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
        let stop = pass::Stop::default();
        let _listening = signals::listen(stop.clone())?;
        let store = match wire::open(&loaded) {
            Ok(store) => store,
            Err(error) => return self.nothing(context, &loaded, started_at, error, None).await,
        };
        let bar = Bar::new(!self.no_progress && !context.global.quiet);
        let transport = wire::transport()?;
        let passed = wire::pass(&loaded, &store, &transport, &self.options(stop), &bar).await;
        bar.finish();
        match passed {
            Ok(report) => self.print(context, &report, Some(&store)).await,
            Err(error) => self.nothing(context, &loaded, started_at, error, Some(&store)).await,
        }
    }

    fn options(&self, stop: pass::Stop) -> pass::Options {
        pass::Options { dry_run: self.dry_run, order: self.order.clone(), since: self.since, full: self.full, stop }
    }

    /// A pass that could not run is reported like any other, so that no script takes silence for agreement. A wrong
    /// configuration is not: that has its own exit status.
    async fn nothing(
        &self, context: &Context, loaded: &Loaded, at: Timestamp, error: CliError, store: Option<&ShopStore>,
    ) -> Result<Status, CliError> {
        if error.status() != Status::USAGE {
            let report = wire::nothing_checked(&loaded.shop.name, self.dry_run, at, &error);
            self.print(context, &report, store).await?;
        }
        Err(error)
    }

    /// Prints the report with every open break of the shop, whether or not this pass looked at its order.
    async fn print<S: Store>(
        &self, context: &Context, report: &PassReport, store: Option<&S>,
    ) -> Result<Status, CliError> {
        let breaks = match store {
            Some(store) => store.breaks(false).await.map_err(reading("reading the breaks"))?,
            None => Vec::new(),
        };
        let mut out = context.stdout();
        let printed = if self.json {
            json::pass(&mut out, report, store, &breaks).await
        } else {
            human::pass(&mut out, report, store, &breaks).await
        };
        printed.map_err(|source| CliError::Render { attempt: "printing the report", source })?;
        Ok(Status(report.exit_status(breaks.len())))
    }
}
