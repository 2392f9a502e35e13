//! `reconciled sandbox`: both sides, simulated on this machine.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::Status;
use super::context::{Context, now};
use super::error::CliError;
use super::rehearsal::{self, Addresses};
use crate::report::text::plain;
use reconciled_sandbox::{Seed, World};

#[derive(Debug, Args)]
#[command(after_help = "\
Runs until it is interrupted. Without --orders or --empty the shop holds one order of every kind worth seeing. The
control address takes acts and faults: cancel, ship, credit, advance the clock, lose an answer.

Examples:
  reconciled sandbox --write-config rehearsal
  reconciled --config rehearsal/reconciled.toml reconcile
  reconciled sandbox --orders 5000 --set read-lag-ms=2000")]
pub struct Sandbox {
    /// The address to listen on; only this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = loopback)]
    listen: IpAddr,
    /// Port of the simulated Lightspeed; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 4010)]
    lightspeed_port: u16,
    /// Port of the simulated Klarna; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 4020)]
    klarna_port: u16,
    #[command(flatten)]
    world: WorldArgs,
    /// Set a behaviour by its name; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Write a configuration that points here, with its made-up secrets
    #[arg(long, value_name = "DIRECTORY")]
    write_config: Option<PathBuf>,
    /// One JSON object with addresses and made-up credentials instead of text
    #[arg(long)]
    json: bool,
}

/// What the simulated shop begins with.
#[derive(Debug, Args)]
pub(super) struct WorldArgs {
    /// A shop of this many captured orders instead of the demonstration shop
    #[arg(long, value_name = "COUNT", conflicts_with = "empty")]
    orders: Option<u32>,
    /// How many of them in a thousand have a credit invoice
    #[arg(long, value_name = "PERMILLE", default_value_t = 300, value_parser = clap::value_parser!(u16).range(0..=1000))]
    credits: u16,
    /// A shop with nothing in it
    #[arg(long)]
    empty: bool,
    /// The same number makes the same ids
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

impl WorldArgs {
    pub(super) fn build(&self) -> World {
        let seed = match self.orders {
            Some(count) => Seed::Orders { count, credit_permille: self.credits },
            None if self.empty => Seed::Empty,
            None => Seed::Demo,
        };
        World::seeded(seed, self.seed, now())
    }
}

impl Sandbox {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let mut world = self.world.build();
        for setting in &self.set {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            world.set_switch(name, value).map_err(|why| CliError::Usage(format!("--set: {}", plain(&why))))?;
        }
        let at = |port| SocketAddr::new(self.listen, port);
        let running = rehearsal::start(world, at(self.lightspeed_port), at(self.klarna_port)).await;
        let running = running.map_err(|why| failed("starting the sandbox", &why))?;
        let addresses = Addresses::of(&running);
        if let Some(directory) = &self.write_config {
            let written = addresses.write_config(directory, true);
            let config = written.map_err(|why| failed("writing the configuration", &why))?;
            context.say(&format!("wrote {}", plain(&config.display().to_string())));
        }
        let mut out = context.stdout();
        if self.json {
            let line = serde_json::to_string(&addresses).map_err(std::io::Error::from)?;
            writeln!(out, "{line}")?;
        } else {
            write!(out, "{}", addresses.text())?;
        }
        out.flush()?;
        context.say("serving until interrupted");
        interrupted().await?;
        running.shutdown().await;
        Ok(Status::AGREES)
    }
}

/// Ctrl-C, or what a service manager sends.
async fn interrupted() -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

pub(super) fn failed(attempt: &str, why: &std::io::Error) -> CliError {
    CliError::Failed { attempt: attempt.to_owned(), why: why.to_string() }
}

/// The sandbox accepts any control request from anyone who reaches it, so only this machine may.
fn loopback(text: &str) -> Result<IpAddr, String> {
    let address = text.parse::<IpAddr>().ok().filter(IpAddr::is_loopback);
    address.ok_or_else(|| "an address of this machine, such as 127.0.0.1 or ::1".to_owned())
}
