//! `reconciled demo`: one command to see it work.
//!
//! Uses the sandbox and everything the real passes use, over real sockets; no account, no configured shop and no
//! configured store is ever touched.

use std::fs::DirBuilder;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::SignedDuration;

use super::Status;
use super::context::{Context, now, reading};
use super::error::CliError;
use super::progress::Bar;
use super::rehearsal::{self, Addresses};
use super::report::{Place, make};
use super::sandbox::{WorldArgs, failed};
use super::wire::{self, ShopStore};
use crate::config::Loaded;
use crate::pass;
use crate::report::period::{FormatKind, Period};
use crate::report::text::plain;
use crate::report::{Outcome, PassReport, human, json};
use reconciled_sandbox::{FaultKind, FaultRule, Side, World};
use reconciled_store::Store as _;

/// A demonstration that has not come to rest after so many passes has failed.
const PASSES_AT_MOST: usize = 8;

/// The report, beside the configuration.
const REPORT: &str = "report.html";

#[derive(Debug, Args)]
#[command(after_help = "\
Starts the sandbox on this machine with a seeded shop (returns, partial returns, cancels before and after capture, a
refund made in the portal, an answer that gets lost, an expiring authorization), and runs passes until nothing is left
to do. What needs a human stays open, as it would in a real shop. No account and no configuration is used.

Exit status 0 when the passes came to rest, 3 when they did not.")]
pub struct Demo {
    #[command(flatten)]
    world: WorldArgs,
    /// Where the store and the configuration are left; the store of an earlier demonstration there is removed
    #[arg(long, value_name = "DIRECTORY", default_value = "reconciled-demo")]
    keep: PathBuf,
    /// One JSON object per pass instead of text
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let directory = self.directory()?;
        let mut world = self.world.build();
        lose_one_answer(&mut world);
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let running = rehearsal::start(world, anywhere, anywhere).await;
        let running = running.map_err(|why| failed("starting the sandbox", &why))?;
        let written = Addresses::of(&running).write_config(&directory, true);
        let config = written.map_err(|why| failed("writing the demonstration's configuration", &why))?;
        let loaded = context.config_of(&config)?;
        let store = wire::open(&loaded)?;
        let status = self.passes(context, &loaded, &store).await?;
        running.shutdown().await;
        drop(store);
        let report = directory.join(REPORT);
        write_report(context, &loaded, &report).await?;
        if !self.json {
            where_to_look(context, &config, &report)?;
        }
        Ok(status)
    }

    /// The demonstration's own directory, without the store of an earlier one.
    fn directory(&self) -> Result<PathBuf, CliError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.keep);
        made.map_err(|why| failed("making a directory for the demonstration", &why))?;
        for file in ["reconciled.db", "reconciled.db-wal", "reconciled.db-shm"] {
            match std::fs::remove_file(self.keep.join(file)) {
                Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
                    return Err(failed("removing the store of an earlier demonstration", &why));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(self.keep.clone())
    }

    /// Runs passes until one changes nothing.
    async fn passes(&self, context: &Context, loaded: &Loaded, store: &ShopStore) -> Result<Status, CliError> {
        let transport = wire::transport()?;
        for number in 1..=PASSES_AT_MOST {
            let bar = Bar::new(!context.global.quiet);
            let passed = wire::pass(loaded, store, &transport, &pass::Options::default(), &bar).await;
            bar.finish();
            let report = passed?;
            self.print(context, number, &report, store).await?;
            if is_at_rest(&report) {
                return Ok(Status::AGREES);
            }
        }
        context.say("the passes did not come to rest");
        Ok(Status::UNKNOWN)
    }

    async fn print(
        &self, context: &Context, number: usize, report: &PassReport, store: &ShopStore,
    ) -> Result<(), CliError> {
        let breaks = store.breaks(false).await.map_err(reading("reading the breaks"))?;
        let mut out = context.stdout();
        let printed = if self.json {
            json::pass(&mut out, report, Some(store), &breaks).await
        } else {
            writeln!(out, "── pass {number} ──")?;
            let printed = human::pass(&mut out, report, Some(store), &breaks).await;
            writeln!(out)?;
            printed
        };
        printed.map_err(|source| CliError::Render { attempt: "printing the report", source })
    }
}

/// The report over the month so far and the two before it: the seeded shop is some weeks old.
async fn write_report(context: &Context, loaded: &Loaded, path: &Path) -> Result<(), CliError> {
    let month = Period::month_of(now()).and_then(|month| {
        let before = now().checked_sub(SignedDuration::from_hours(24 * 62)).ok().and_then(Period::month_of)?;
        Period::new(before.from, month.until).ok()
    });
    let period = month.ok_or_else(|| CliError::Usage("the clock says a day that no calendar has".to_owned()))?;
    let shops = std::slice::from_ref(loaded);
    make(context, shops, period, FormatKind::Html, Place::File(path.to_owned())).await?;
    Ok(())
}

fn where_to_look(context: &Context, config: &Path, report: &Path) -> Result<(), CliError> {
    let config = plain(&config.display().to_string());
    let mut out = context.stdout();
    writeln!(out, "The shop and Klarna were simulated; the journal is real. Look around:")?;
    for command in ["show ORD00003", "breaks list", "audit verify"] {
        writeln!(out, "  reconciled --config {config} {command}")?;
    }
    writeln!(out, "The report for the bookkeeper: {}", plain(&report.display().to_string()))?;
    Ok(out.flush()?)
}

/// The first refund happens and its answer does not arrive: the case that makes others refund twice.
fn lose_one_answer(world: &mut World) {
    let rule = FaultRule::once(Side::Klarna, "POST", "*/refunds", FaultKind::Drop).after_effect();
    world.add_fault(rule);
}

/// Nothing was sent and nothing is uncertain; what is left waits for a human or for time.
fn is_at_rest(report: &PassReport) -> bool {
    let moved = |it: &Outcome| matches!(it, Outcome::Confirmed | Outcome::Unknown | Outcome::Rejected);
    report.is_complete() && !report.effects.iter().any(|effect| moved(&effect.outcome))
}
