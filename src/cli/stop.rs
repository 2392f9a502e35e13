//! `reconciled stop` and `reconciled resume`: the kill switch.

use clap::Args;
use serde_json::json;

use super::Status;
use super::args::{Reversal, Signed};
use super::context::Context;
use super::error::CliError;
use crate::store::Operation;

#[derive(Debug, Args)]
#[command(after_help = "\
From the moment this returns, no request that changes anything leaves, in this pass and in every later one,
until `reconciled resume`. A request that is under way cannot be called back. Passes go on reading and reporting.

Example:
  reconciled stop --note 'wrong limits, checking'")]
pub struct Stop {
    #[command(flatten)]
    signed: Signed,
}

#[derive(Debug, Args)]
pub struct Resume {
    #[command(flatten)]
    signed: Reversal,
}

impl Stop {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let Signed { actor, note } = &self.signed;
        let attempt = "stopping all writes".to_owned();
        let decided = context.operate(&store, Operation::Stop, actor, note, attempt).await?;
        let line = "stopped: nothing is written to either side until `reconciled resume`";
        context.told(&decided, json!({"decision": "stop"}), line)?;
        Ok(Status::AGREES)
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
