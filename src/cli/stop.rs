//! `reconciled stop` and `reconciled resume`: the kill switch.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use super::Status;
use super::args::Reversal;
use super::context::{Context, Decision};
use super::error::{CliError, explain};
use super::wire;
use crate::config::ToStop;
use reconciled_core::id::ShopName;
use reconciled_store::Operation;
use reconciled_store::sqlite::{SqliteStore, admin};

#[derive(Debug, Args)]
#[command(after_help = "\
Stops every configured shop at once, or the one named with --shop. From the moment this returns, no request that
changes anything begins, in this pass and in every later one, until `reconciled resume`. A request whose bytes are
leaving already cannot be called back. Passes go on reading and reporting. A mistake in the configuration is no reason
not to stop, as long as it says where the store is.

Examples:
  reconciled stop
  reconciled stop --shop main --note 'wrong limits, checking'")]
pub struct Stop {
    #[command(flatten)]
    signed: Reversal,
}

#[derive(Debug, Args)]
pub struct Resume {
    #[command(flatten)]
    signed: Reversal,
}

impl Stop {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let ToStop { store, shops, mistakes } = context.to_stop()?;
        let mut stopping = Stopping { context, signed: &self.signed, done: BTreeSet::new(), failure: None };
        // Each shop by itself: one store that cannot be opened keeps no other shop running.
        for loaded in shops {
            stopping.stop(&loaded.shop.name, wire::open(&loaded)).await?;
        }
        if !mistakes.is_empty() {
            // A section with a mistake names no shop, and its orders may be sent for all the same: by a service that
            // was started before the mistake.
            anstream::eprintln!(
                "the configuration has mistakes, so shops are stopped as the store knows them:\n{mistakes}"
            );
            let path = store.path();
            let names = admin::names(path).map_err(|source| wire::opening(path, source))?;
            let only = context.global.shop.as_deref();
            for name in names.into_iter().filter(|name| only.is_none_or(|only| name.as_str() == only)) {
                if !stopping.done.contains(&name) {
                    let opened = SqliteStore::open(path, name.clone()).map_err(|source| wire::opening(path, source));
                    stopping.stop(&name, opened).await?;
                }
            }
            if stopping.done.is_empty() && stopping.failure.is_none() {
                return Err(CliError::Usage("no shop was stopped: none is known by that name".to_owned()));
            }
        }
        stopping.failure.map_or(Ok(Status::AGREES), Err)
    }
}

/// Shops that are being stopped, one after another.
struct Stopping<'a> {
    context: &'a Context,
    signed: &'a Reversal,
    /// By the names that their rows are kept under.
    done: BTreeSet<ShopName>,
    /// The first failure is told at the end, with its remedy; no other may be missed, `--quiet` or not.
    failure: Option<CliError>,
}

impl Stopping<'_> {
    async fn stop(&mut self, shop: &ShopName, opened: Result<wire::ShopStore, CliError>) -> Result<(), CliError> {
        match self.decide(shop, opened).await {
            Ok(decided) => {
                let line = format!(
                    "{shop}: stopped: nothing is written to either side until `reconciled resume --shop {shop}`"
                );
                self.context.told(&decided, json!({"decision": "stop", "shop": shop.as_str()}), &line)?;
            }
            Err(error) if self.failure.is_some() => anstream::eprintln!("{shop}: not stopped\n{}", explain(&error)),
            Err(error) => self.failure = Some(error),
        }
        Ok(())
    }

    async fn decide(
        &mut self, shop: &ShopName, opened: Result<wire::ShopStore, CliError>,
    ) -> Result<Decision, CliError> {
        let store = opened?;
        let attempt = format!("stopping all writes of shop `{shop}`");
        let (actor, note) = (&self.signed.actor, self.signed.note());
        let decided = self.context.operate(&store, Operation::Stop, actor, note, attempt).await?;
        self.done.insert(store.shop_name().clone());
        Ok(decided)
    }
}

impl Resume {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let (actor, note) = (&self.signed.actor, self.signed.note());
        let attempt = "allowing writes again".to_owned();
        let decided = context.operate(&store, Operation::Resume, actor, note, attempt).await?;
        context.told(&decided, json!({"decision": "resume"}), "resumed: the next pass does what is due")?;
        Ok(Status::AGREES)
    }
}
