//! `reconciled check`: whether everything is in place, one line per finding with its remedy.
//!
//! Reads from both sides, a bounded number of calls, and never writes to either; nor does it make a store that is not
//! there yet.

mod account;
mod finding;
mod history;
mod local;
mod references;
mod rehearsal;
mod sample;

use std::io::Write as _;
use std::path::Path;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::error::CliError;
use super::{Status, args, wire};
use crate::config::{ConfigError, Loaded};
use finding::{Finding, Findings};
use reconciled_sides::http::reqwest::ReqwestTransport;

#[derive(Debug, Args)]
#[command(after_help = "\
Every configured shop, or the one named with --shop. Asks both sides harmless questions: what the key may do, what the
shop is called and sells in, how recent orders were paid and where they name their Klarna order, and for at most twenty
of those what Klarna says. Writes to neither side.

--history adds what the store tells: after an update that judges by better rules, every order is judged once more without
acting on it, and what looks wrong now is listed here until it is settled.

--rehearse needs Klarna's playground credentials: after the check it reads the shop as a first pass would, asks the
playground, and says what would be done. Its memory ends with it: the configured store is not touched.

Exit status:
  0  everything is in place; there may be warnings
  1  with --history: something looks wrong; with --rehearse: something needs a human, or would be done
  2  something is configured wrongly
  3  something could not be checked, or a credential or permission is refused; wins over the others

Examples:
  reconciled check
  reconciled check --shop main --json
  reconciled check --history
  reconciled check --rehearse --since 2026-10-01")]
pub struct Check {
    /// Also run through a first pass against Klarna's playground, writing nothing anywhere
    #[arg(long)]
    rehearse: bool,
    /// Rehearse only on orders that changed since then
    #[arg(long, value_name = "TIME", value_parser = args::since, requires = "rehearse")]
    since: Option<Timestamp>,
    /// Also list what looks wrong now that an earlier version of the rules had concluded
    #[arg(long)]
    history: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Check {
    /// What `init` runs when it is done.
    pub(super) const fn plain() -> Self {
        Self { rehearse: false, since: None, history: false, json: false }
    }

    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        self.run_on(context, context.global.config.as_deref()).await
    }

    pub(super) async fn run_on(self, context: &Context, file: Option<&Path>) -> Result<Status, CliError> {
        let shops = match context.load_shops(file) {
            Ok(shops) => shops,
            Err(ConfigError::Problems(problems)) => {
                let mut findings = Findings::of(None);
                for line in problems.lines() {
                    findings.problem("configuration", Status::USAGE, line, "correct it");
                }
                return self.print(context, &findings.list, &[]);
            }
            Err(other) => return Err(other.into()),
        };
        let transport = wire::transport()?;
        let mut all = Vec::new();
        let mut rehearsals = Vec::new();
        for loaded in &shops {
            if self.rehearse && !rehearsal::is_allowed(loaded, &mut all) {
                continue;
            }
            let findings = examine(loaded, &transport, self.history).await?;
            let is_fit = findings.iter().all(|finding| finding.status == Status::AGREES);
            all.extend(findings);
            if self.rehearse && is_fit {
                rehearsals.push(rehearsal::run(context, loaded, &transport, self.since).await?);
            } else if self.rehearse {
                all.extend(rehearsal::not_begun(loaded));
            }
        }
        self.print(context, &all, &rehearsals)
    }

    fn print(
        &self, context: &Context, findings: &[Finding], rehearsals: &[rehearsal::Rehearsed],
    ) -> Result<Status, CliError> {
        let found = findings.iter().map(|finding| finding.status);
        let status = found.chain(rehearsals.iter().map(|it| it.status)).max_by_key(|it| it.0);
        let status = status.unwrap_or(Status::AGREES);
        let mut out = context.stdout();
        if self.json {
            let findings: Vec<Value> = findings.iter().map(Finding::json).collect();
            let mut whole = json!({"status": status.0, "findings": findings});
            if self.rehearse {
                let rehearsals: Vec<&Value> = rehearsals.iter().map(|it| &it.json).collect();
                whole["rehearsals"] = json!(rehearsals);
            }
            writeln!(out, "{whole}")?;
        } else {
            finding::print(&mut out, findings)?;
            for rehearsed in rehearsals {
                out.write_all(&rehearsed.text)?;
            }
        }
        out.flush()?;
        Ok(status)
    }
}

/// Everything about one shop, what this machine knows first.
async fn examine(loaded: &Loaded, transport: &ReqwestTransport, history: bool) -> Result<Vec<Finding>, CliError> {
    let mut findings = Findings::of(Some(&loaded.shop.name));
    local::configuration(loaded, &mut findings);
    local::schedule(loaded, &mut findings);
    local::checkpoints(loaded, &mut findings);
    if loaded.secrets.is_none() {
        return Ok(findings.list);
    }
    let sides = match wire::sides(loaded, transport) {
        Ok(sides) => sides,
        Err(error) => {
            let remedy = "see [app] in the example configuration, and the service's journal around the installation";
            findings.problem("lightspeed", error.status(), error.to_string(), remedy);
            return Ok(findings.list);
        }
    };
    let profile = account::lightspeed(loaded, &sides, &mut findings).await;
    let knows_klarna = account::klarna(loaded, &sides, &mut findings).await;
    let shop_id = profile.as_ref().map(|profile| profile.shop_id.as_str());
    let store = local::store(loaded, shop_id, &mut findings).await;
    if let Some(profile) = profile {
        sample::look(loaded, &sides, store.as_ref(), profile.currency, knows_klarna, &mut findings).await;
    }
    if let Some(store) = &store {
        references::look(store, &mut findings).await?;
    }
    if let Some(store) = store.as_ref().filter(|_| history) {
        history::look(store, &mut findings).await?;
    }
    Ok(findings.list)
}
