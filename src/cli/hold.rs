//! `reconciled hold` and `reconciled release`: one order, withheld by a human.

use clap::Args;
use serde_json::json;

use super::args::{Reversal, Signed};
use super::context::{Context, find};
use super::error::CliError;
use super::{Status, args};
use crate::report::text::plain;
use crate::store::Operation;

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is written to either side for this order until it is released; it is still looked at.

Example:
  reconciled hold ORD00018 --note 'customer called, wait for Friday'")]
pub struct Hold {
    /// Number of an order, or of one of its credit invoices
    #[arg(value_name = "NUMBER", value_parser = args::number)]
    number: String,
    #[command(flatten)]
    signed: Signed,
}

#[derive(Debug, Args)]
pub struct Release {
    /// Number of an order, or of one of its credit invoices
    #[arg(value_name = "NUMBER", value_parser = args::number)]
    number: String,
    #[command(flatten)]
    signed: Reversal,
}

impl Hold {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let order = find(&store, &self.number).await?;
        let number = plain(&self.number);
        let Signed { actor, note } = &self.signed;
        let attempt = format!("holding order `{number}`");
        let decided = context.operate(&store, Operation::Hold(order), actor, note, attempt).await?;
        let line =
            format!("the order of `{number}` is held: nothing is written for it until `reconciled release {number}`");
        context.told(&decided, json!({"decision": "hold", "number": self.number}), &line)?;
        Ok(Status::AGREES)
    }
}

impl Release {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let order = find(&store, &self.number).await?;
        let number = plain(&self.number);
        let (actor, note) = (&self.signed.actor, self.signed.note());
        let attempt = format!("releasing order `{number}`");
        let decided = context.operate(&store, Operation::Release(order), actor, note, attempt).await?;
        let line = format!("the order of `{number}` is released; the next pass does what is due");
        context.told(&decided, json!({"decision": "release", "number": self.number}), &line)?;
        Ok(Status::AGREES)
    }
}
