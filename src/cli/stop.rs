//! `reconciled stop` and `reconciled resume`: the kill switch.

use clap::Args;
use serde_json::json;

use super::Status;
use super::args::{Actor, Reversal};
use super::context::{Context, Decision};
use super::error::{CliError, explain};
use super::wire;
use crate::config::Loaded;
use crate::store::Operation;

#[derive(Debug, Args)]
#[command(after_help = "\
Stops every configured shop at once, or the one named with --shop. From the moment this returns, no request that
changes anything begins, in this pass and in every later one, until `reconciled resume`. A request whose bytes are
leaving already cannot be called back. Passes go on reading and reporting.

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
        let (actor, note) = (&self.signed.actor, self.signed.note());
        let mut first_failure = None;
        // Each shop by itself: one store that cannot be opened keeps no other shop running.
        for loaded in context.every_shop_without_secrets()? {
            let shop = loaded.shop.name.clone();
            match stop(context, &loaded, actor, note).await {
                Ok(decided) => {
                    let line = format!(
                        "{shop}: stopped: nothing is written to either side until `reconciled resume --shop {shop}`"
                    );
                    context.told(&decided, json!({"decision": "stop", "shop": shop.as_str()}), &line)?;
                }
                // The first failure is told at the end, with its remedy; no other may be missed, `--quiet` or not.
                Err(error) if first_failure.is_some() => {
                    anstream::eprintln!("{shop}: not stopped\n{}", explain(&error));
                }
                Err(error) => first_failure = Some(error),
            }
        }
        first_failure.map_or(Ok(Status::AGREES), Err)
    }
}

async fn stop(context: &Context, loaded: &Loaded, actor: &Actor, note: &str) -> Result<Decision, CliError> {
    let store = wire::open(loaded)?;
    let attempt = format!("stopping all writes of shop `{}`", loaded.shop.name);
    context.operate(&store, Operation::Stop, actor, note, attempt).await
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
