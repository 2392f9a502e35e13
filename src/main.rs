//! The program: parse, run one command, exit as the outside contract says.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use reconciled::cli::{self, Cli};
use reconciled::config::Environment;
use reconciled::telemetry;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = Environment::of_process();
    let verbose = cli.global.verbose.saturating_add(cli.command.verbosity());
    if let Some(complaint) = telemetry::start(&environment, verbose, cli.global.quiet) {
        anstream::eprintln!("warning: {complaint}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(cli::run(cli, environment)),
        Err(error) => Err(cli::CliError::Output(error)),
    };
    let status = ended.unwrap_or_else(|error| {
        anstream::eprintln!("{}", cli::explain(&error));
        error.status()
    });
    ExitCode::from(status.0)
}
