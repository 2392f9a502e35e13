//! `reconciled accept`: what of an order Klarna is to take, where the two sides differ.

use clap::Args;
use serde_json::json;

use super::args::Signed;
use super::context::{Context, find, reading};
use super::error::CliError;
use super::{Status, args};
use crate::report::text::plain;
use reconciled_core::money::Minor;
use reconciled_store::{Operation, Store};

#[derive(Debug, Args)]
#[command(after_help = "\
Where the shop's total is not what Klarna authorized and nothing explains why, nothing is sent for the order. This says
what Klarna's share of the order is: captures never exceed it, what is authorized beyond it is released, and what a
credit invoice asks for beyond it must go back by other means. It counts as long as the shop's total stays the same.

Examples:
  reconciled accept ORD00018 --amount 70.00 --note 'the gift card took 30.00'
  reconciled accept ORD00018 --amount 80.00 --note 'lowered in the portal, agreed with the consumer'")]
pub struct Accept {
    /// Number of an order, or of one of its credit invoices
    #[arg(value_name = "NUMBER", value_parser = args::number)]
    number: String,
    /// Klarna's share in the shop's currency: above zero, at most the order's total
    #[arg(long, value_name = "AMOUNT")]
    amount: String,
    #[command(flatten)]
    signed: Signed,
}

impl Accept {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let order = find(&store, &self.number).await?;
        let shop = store.shop().await.map_err(reading("reading the shop"))?;
        let currency = shop.ok_or_else(|| CliError::Usage("no pass has read the shop yet".to_owned()))?.currency;
        let given = plain(&self.amount);
        let amount = Minor::parse(&self.amount, currency)
            .map_err(|why| CliError::Usage(format!("--amount `{given}` {why}; say it as in 70.00")))?;
        let number = plain(&self.number);
        let Signed { actor, note } = &self.signed;
        let attempt = format!("accepting a share of order `{number}`");
        let decided = context.operate(&store, Operation::Accept { order, amount }, actor, note, attempt).await?;
        let share = amount.decimal(currency);
        let line =
            format!("{share} {currency} of the order of `{number}` are Klarna's; the next pass goes on from there");
        let fields = json!({"decision": "accept", "number": self.number, "amount_minor": amount.get()});
        context.told(&decided, fields, &line)?;
        Ok(Status::AGREES)
    }
}
