//! The command line: parse, run one command, say how it ended.
//!
//! One file per command; this one holds the tree and picks. Data goes to stdout, everything else to stderr. Nothing
//! here decides about money: commands call the pass and the store, and print what those return.

mod accept;
mod adopt;
mod approve;
mod args;
mod audit;
mod breaks;
mod check;
mod context;
mod demo;
mod error;
mod explain;
mod generate;
mod hold;
mod ignore;
mod init;
mod link;
mod output;
mod progress;
mod reconcile;
mod rehearsal;
mod report;
mod run;
mod sandbox;
mod service;
mod show;
mod sign;
mod signals;
mod stop;
mod store;
mod terminal;
mod watch;
mod webhooks;
mod wire;

use std::path::PathBuf;

use clap::{Args, ColorChoice, Parser, Subcommand};

pub use args::since;
pub use error::{CliError, explain};

use crate::config::Environment;
use context::Context;

/// How a command ended, as the outside contract numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u8);

impl Status {
    /// Everything agrees.
    pub const AGREES: Self = Self(0);
    /// Open breaks, or effects that are due and were not carried out.
    pub const OPEN: Self = Self(1);
    /// A usage or configuration error.
    pub const USAGE: Self = Self(2);
    /// Something could not be checked, or its outcome is unknown.
    pub const UNKNOWN: Self = Self(3);
}

const EXIT_STATUS: &str = "\
Exit status:
  0  everything agrees, or work is under way inside its grace
  1  open breaks, or effects that are due and were not carried out
  2  usage or configuration error
  3  something could not be checked, or its outcome is unknown";

const EXAMPLES: &str = "\
Examples:
  reconciled demo                         see it work, without any account
  reconciled init                         make a configuration
  reconciled check                        is everything in place?
  reconciled reconcile --dry-run          what is due, writing nothing to either side
  reconciled reconcile                    one pass
  reconciled show ORD00018                one order from first sight on
  reconciled breaks list                  what needs a human
";

/// Makes a Lightspeed eCom shop and its Klarna account agree, and can prove it.
#[derive(Debug, Parser)]
#[command(
    name = "reconciled",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = format!("{EXAMPLES}\n{EXIT_STATUS}")
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Configuration [default: /etc/reconciled/config.toml, else ./reconciled.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// The shop, where several are configured
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub shop: Option<String>,
    /// Say more on stderr; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub quiet: bool,
    /// When to use colours; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Global options")]
    pub color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// See it work: a simulated shop and Klarna account, and passes until they agree
    Demo(demo::Demo),
    /// Make a configuration: asks, stores the secrets apart, and checks
    Init(init::Init),
    /// Whether everything is in place: credentials, permissions, clocks, store, schedule
    Check(check::Check),
    /// One pass: look at what changed, do what is due, report
    Reconcile(reconcile::Reconcile),
    /// The service: passes on their schedule, until it is told to stop
    Run(run::Run),
    /// The audit report for a period; verify one, close a period
    Report(report::Report),
    /// One order or credit invoice, from first sight on
    Show(show::Show),
    /// What needs a human: list, show, and decide
    #[command(subcommand)]
    Breaks(breaks::Breaks),
    /// What a break means and what to do about it, with its own ids in the commands
    Explain(explain::Explain),
    /// Withhold every effect of one order
    Hold(hold::Hold),
    /// End an operator's hold on one order
    Release(hold::Release),
    /// Let an effect go that a ceiling holds, or start a refused one anew
    Approve(approve::Approve),
    /// Say which credit invoice (or cancel) a refund at Klarna was for
    Adopt(adopt::Adopt),
    /// Say which Klarna order a shop order belongs to, for good
    Link(link::Link),
    /// Say what of an order Klarna is to take, where the two sides differ
    Accept(accept::Accept),
    /// Rule a refund out, or give an intent up for good
    Ignore(ignore::Ignore),
    /// The kill switch: nothing is written to either side until `resume`; survives restarts
    Stop(stop::Stop),
    /// Allow writes again after `stop`
    Resume(stop::Resume),
    /// Check the journal, and sign what it is now
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Hints from Lightspeed: register where it tells this service that something changed
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    /// A simulated Lightspeed shop and Klarna account on this machine
    Sandbox(sandbox::Sandbox),
    /// The durable state: migrate, back up, restore
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Print a completion script
    Completions(generate::Completions),
    /// Print the manual page of every command
    Man(generate::Man),
}

impl Command {
    /// How much it says without being asked: nobody watches a service, and its log is all there is of it later.
    pub const fn verbosity(&self) -> u8 {
        if matches!(self, Self::Run(_)) { 1 } else { 0 }
    }
}

/// Runs one command.
///
/// # Errors
/// What was attempted and did not work; [`CliError::status`] is how the process ends then.
pub async fn run(cli: Cli, environment: Environment) -> Result<Status, CliError> {
    let context = Context::new(cli.global, environment);
    match cli.command {
        Command::Demo(demo) => demo.run(&context).await,
        Command::Init(init) => init.run(&context).await,
        Command::Check(check) => check.run(&context).await,
        Command::Reconcile(reconcile) => reconcile.run(&context).await,
        Command::Run(run) => run.run(&context).await,
        Command::Report(report) => report.run(&context).await,
        Command::Show(show) => show.run(&context).await,
        Command::Breaks(breaks) => breaks.run(&context).await,
        Command::Explain(explain) => explain.run(&context).await,
        Command::Hold(hold) => hold.run(&context).await,
        Command::Release(release) => release.run(&context).await,
        Command::Approve(approve) => approve.run(&context).await,
        Command::Adopt(adopt) => adopt.run(&context).await,
        Command::Link(link) => link.run(&context).await,
        Command::Accept(accept) => accept.run(&context).await,
        Command::Ignore(ignore) => ignore.run(&context).await,
        Command::Stop(stop) => stop.run(&context).await,
        Command::Resume(resume) => resume.run(&context).await,
        Command::Audit(audit) => audit.run(&context).await,
        Command::Webhooks(webhooks) => webhooks.run(&context).await,
        Command::Sandbox(sandbox) => sandbox.run(&context).await,
        Command::Store(store) => store.run(&context),
        Command::Completions(completions) => completions.run(&context),
        Command::Man(man) => man.run(&context),
    }
}
