//! `reconciled hold` and `reconciled release`: one order, withheld by a human.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::args::{Reversal, Signed};
use super::context::{Context, find, now, reading};
use super::error::CliError;
use super::{Status, args};
use crate::report::breaks;
use crate::report::text::plain;
use reconciled_store::{Operation, Store};

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
#[command(after_help = "\
Examples:
  reconciled release --list               what operators hold, since when and why
  reconciled release ORD00018 --note 'the customer agreed'")]
pub struct Release {
    /// Number of an order, or of one of its credit invoices
    #[arg(value_name = "NUMBER", value_parser = args::number, required_unless_present = "list")]
    number: Option<String>,
    /// Every order that an operator holds, longest first; nothing is released
    #[arg(long, conflicts_with = "number")]
    list: bool,
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
        let Some(given) = &self.number else { return self.list(context, &store).await };
        let order = find(&store, given).await?;
        let number = plain(given);
        let (actor, note) = (&self.signed.actor, self.signed.note());
        let attempt = format!("releasing order `{number}`");
        let decided = context.operate(&store, Operation::Release(order), actor, note, attempt).await?;
        let line = format!("the order of `{number}` is released; the next pass does what is due");
        context.told(&decided, json!({"decision": "release", "number": given}), &line)?;
        Ok(Status::AGREES)
    }

    async fn list<S: Store>(&self, context: &Context, store: &S) -> Result<Status, CliError> {
        let held = store.holds().await.map_err(reading("reading what is held"))?;
        let mut out = context.stdout();
        if self.signed.actor.json {
            breaks::held_json(&mut out, &held, now())?;
        } else {
            breaks::held(&mut out, &held, now())?;
        }
        out.flush()?;
        Ok(Status::AGREES)
    }
}
