//! `reconciled sandbox`: both sides, simulated on this machine.

use std::net::IpAddr;

use clap::Args;

use super::Status;
use super::context::Context;
use super::error::CliError;
use super::wire;

#[derive(Debug, Args)]
#[command(after_help = "\
Runs until it is interrupted. Point `base_url` of both sides at the addresses it prints.

Example:
  reconciled sandbox --orders 50 --seed 7")]
pub struct Sandbox {
    /// The address to listen on; only this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = loopback)]
    pub(super) listen: IpAddr,
    /// Port of the simulated Lightspeed; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 4010)]
    pub(super) lightspeed_port: u16,
    /// Port of the simulated Klarna; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 4020)]
    pub(super) klarna_port: u16,
    /// How many orders the seeded shop has
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub(super) orders: u32,
    /// The same seed makes the same shop
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,
}

impl Sandbox {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        wire::sandbox(context, &self).await
    }
}

/// The sandbox accepts any control request from anyone who reaches it, so only this machine may.
fn loopback(text: &str) -> Result<IpAddr, String> {
    let address = text.parse::<IpAddr>().ok().filter(IpAddr::is_loopback);
    address.ok_or_else(|| "an address of this machine, such as 127.0.0.1 or ::1".to_owned())
}
