//! `check --rehearse`: a first pass over the real shop against Klarna's playground, that writes nothing anywhere.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::finding::{Finding, Findings};
use crate::cli::Status;
use crate::cli::context::{Context, reading};
use crate::cli::error::CliError;
use crate::cli::progress::Bar;
use crate::cli::wire::{self, ShopStore};
use crate::config::Loaded;
use crate::config::hosts::KlarnaEnvironment;
use crate::report::{human, json};
use reconciled_sides::clock::{Clock as _, SystemClock};
use reconciled_sides::http::reqwest::ReqwestTransport;
use reconciled_store::Store as _;

/// Both sides count calls per second.
const NEXT_SECOND: Duration = Duration::from_secs(1);

/// One shop's rehearsal, told to a person and to a script.
pub(super) struct Rehearsed {
    pub(super) text: Vec<u8>,
    pub(super) json: Value,
    pub(super) status: Status,
}

/// Production is not for rehearsing: an order there is a customer's.
pub(super) fn is_allowed(loaded: &Loaded, all: &mut Vec<Finding>) -> bool {
    if loaded.shop.klarna.environment == KlarnaEnvironment::Playground {
        return true;
    }
    let mut findings = Findings::of(Some(&loaded.shop.name));
    findings.problem(
        "rehearsal",
        Status::USAGE,
        "environment = \"production\": refused before any call; there, look with `reconciled reconcile --dry-run`",
        "rehearse with a configuration and a store of its own that name playground credentials",
    );
    all.extend(findings.list);
    false
}

pub(super) fn not_begun(loaded: &Loaded) -> Vec<Finding> {
    let mut findings = Findings::of(Some(&loaded.shop.name));
    findings.warning("rehearsal", "not begun: see the problems above", "correct them and rehearse again");
    findings.list
}

pub(super) async fn run(
    context: &Context, loaded: &Loaded, transport: &ReqwestTransport, since: Option<Timestamp>,
) -> Result<Rehearsed, CliError> {
    let attempt = "preparing a store in memory";
    let store = ShopStore::in_memory(loaded.shop.name.clone()).map_err(reading(attempt))?;
    // The check before it used some of this second's calls.
    SystemClock.sleep(NEXT_SECOND).await;
    let bar = Bar::new(!context.global.quiet);
    let passed = wire::rehearse(loaded, &store, transport, since, &bar).await;
    bar.finish();
    let report = passed?;
    let breaks = store.breaks(false).await.map_err(reading("reading the breaks"))?;
    let rendering = |source| CliError::Render { attempt: "printing the rehearsal", source };
    let mut text = what_it_is(loaded).into_bytes();
    human::pass(&mut text, &report, Some(&store), &breaks).await.map_err(rendering)?;
    let mut bytes = Vec::new();
    json::pass(&mut bytes, &report, Some(&store), &breaks).await.map_err(rendering)?;
    let json = serde_json::from_slice(&bytes).map_err(std::io::Error::from)?;
    Ok(Rehearsed { text, json, status: Status(report.exit_status(breaks.len())) })
}

fn what_it_is(loaded: &Loaded) -> String {
    let act = if loaded.shop.policy.act { "" } else { " once act = true" };
    format!(
        "\nRehearsal of shop {}: its orders and invoices are the real ones, read and not written; Klarna is the playground \
         of the configured account, read and not written. Rehearsed are the credentials, the matching of orders, every \
         decision and the limits; not rehearsed is any write. An order that was paid in production is unknown to the \
         playground and shows as klarna_order_not_found. Nothing of it is kept. What is listed as waiting would be \
         done{act}.\n\n",
        loaded.shop.name
    )
}
