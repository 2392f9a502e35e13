//! `reconciled link`: which Klarna order a shop order belongs to, for good.

use clap::{ArgGroup, Args};
use serde_json::json;

use super::args::Signed;
use super::context::{Context, find};
use super::error::CliError;
use super::{Status, args};
use crate::report::text::plain;
use reconciled_core::id::KlarnaOrderId;
use reconciled_core::link::Told;
use reconciled_store::Operation;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("to").required(true).args(["klarna_order", "none"]))]
#[command(after_help = "\
What is said here stands above what the shop's order names. What was concluded under another Klarna order is judged
again; amounts and currency are still compared before anything is sent.

Examples:
  reconciled link ORD00018 3f2504e0-4f89-41d3-9a0c-0305e82c3301 --note 'the second attempt, seen in the portal'
  reconciled link ORD00018 --none --note 'paid by bank transfer'")]
pub struct Link {
    /// Number of an order, or of one of its credit invoices
    #[arg(value_name = "NUMBER", value_parser = args::number)]
    number: String,
    /// The Klarna order that is this order's own, as Klarna's portal shows its id
    #[arg(value_name = "KLARNA-ID", value_parser = klarna_order_id)]
    klarna_order: Option<KlarnaOrderId>,
    /// No Klarna order belongs to it
    #[arg(long)]
    none: bool,
    #[command(flatten)]
    signed: Signed,
}

impl Link {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let order = find(&store, &self.number).await?;
        let number = plain(&self.number);
        let to = match &self.klarna_order {
            Some(id) => Told::To(id.clone()),
            None => Told::Nobody,
        };
        let Signed { actor, note } = &self.signed;
        let attempt = format!("linking order `{number}`");
        let decided = context.operate(&store, Operation::Link { order, to }, actor, note, attempt).await?;
        let line = match &self.klarna_order {
            Some(id) => format!("the order of `{number}` belongs to Klarna order `{id}`; the next pass judges it anew"),
            None => format!("no Klarna order belongs to the order of `{number}`; nothing is sent for it"),
        };
        let id = self.klarna_order.as_ref().map(KlarnaOrderId::as_str);
        let fields = json!({"decision": "link", "number": self.number, "klarna_order_id": id});
        context.told(&decided, fields, &line)?;
        Ok(Status::AGREES)
    }
}

/// A UUID in lower case, so that one order has one name.
fn klarna_order_id(text: &str) -> Result<KlarnaOrderId, String> {
    let text = text.trim();
    let is_uuid = uuid::Uuid::try_parse(text).is_ok() && text.len() == 36;
    let text = if is_uuid { text.to_ascii_lowercase() } else { text.to_owned() };
    KlarnaOrderId::new(&text).ok_or_else(|| "letters, digits and dashes, as Klarna's portal shows the id".to_owned())
}
