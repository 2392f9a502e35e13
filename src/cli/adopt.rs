//! `reconciled adopt`: what a refund at Klarna was for.

use clap::Args;
use serde_json::json;

use super::args::Signed;
use super::context::{Context, find, reading};
use super::error::CliError;
use super::{Status, args};
use crate::core::id::RefundId;
use crate::core::ledger::Attribution;
use crate::report::text::plain;
use crate::store::{Dossier, Operation, Store};

#[derive(Debug, Args)]
#[command(after_help = "\
A refund that somebody made by hand carries no reference of ours and stops automatic refunds of its order until a
human says what it was for.

Examples:
  reconciled adopt 0b1f7f5e-... INV00038 --note 'refunded in the portal on Monday'
  reconciled adopt 0b1f7f5e-... ORD00018:cancel --note 'rest of the cancelled order'")]
pub struct Adopt {
    /// The refund's id at Klarna, as `reconciled show` prints it
    #[arg(value_name = "REFUND", value_parser = args::number)]
    refund: String,
    /// The credit invoice it settles, or the order it cancels
    #[arg(value_name = "CREDIT-INVOICE|ORDER:cancel", value_parser = args::number)]
    settles: String,
    /// The order, to be sure
    #[arg(long, value_name = "NUMBER", value_parser = args::number)]
    order: Option<String>,
    #[command(flatten)]
    signed: Signed,
}

impl Adopt {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let cancelled = self.settles.strip_suffix(":cancel");
        let dossier = dossier(&store, cancelled.unwrap_or(&self.settles)).await?;
        let order = dossier.shop.id;
        if let Some(number) = &self.order
            && find(&store, number).await? != order
        {
            let (given, settles) = (plain(number), plain(&self.settles));
            return Err(CliError::Usage(format!("`{settles}` is not of order `{given}`")));
        }
        let refund = refund_of(&dossier, &self.refund)?;
        let to = if cancelled.is_some() { Attribution::Cancel } else { credit_invoice_of(&dossier, &self.settles)? };
        let Signed { actor, note } = &self.signed;
        let attempt = format!("adopting refund `{}`", plain(&self.refund));
        let operation = Operation::Attribute { order, refund, to };
        let decided = context.operate(&store, operation, actor, note, attempt).await?;
        let (refund, settles) = (plain(&self.refund), plain(&self.settles));
        let line = format!("refund `{refund}` settles `{settles}`; the next pass goes on from there");
        let fields = json!({"decision": "adopt", "refund": self.refund, "settles": self.settles});
        context.told(&decided, fields, &line)?;
        Ok(Status::AGREES)
    }
}

/// Everything held about the order with this number, or with a credit invoice of this number.
pub(super) async fn dossier<S: Store>(store: &S, number: &str) -> Result<Dossier, CliError> {
    let order = find(store, number).await?;
    let attempt = format!("reading order `{}`", plain(number));
    let mut dossiers = store.dossiers(vec![order]).await.map_err(reading(attempt))?;
    dossiers
        .pop()
        .ok_or_else(|| CliError::Usage(format!("the order of `{}` was not read yet; run a pass", plain(number))))
}

/// The refund, if Klarna showed it for this order: a mistyped id must not settle anything.
pub(super) fn refund_of(dossier: &Dossier, id: &str) -> Result<RefundId, CliError> {
    let refunds = dossier.klarna.as_ref().map_or(&[][..], |(order, _)| &order.refunds);
    if let Some(found) = refunds.iter().find(|refund| refund.id.as_str() == id) {
        return Ok(found.id.clone());
    }
    let known: Vec<String> = refunds.iter().map(|refund| plain(refund.id.as_str())).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(CliError::Usage(format!(
        "Klarna showed no refund `{}` for order `{}`; it showed: {known}",
        plain(id),
        plain(dossier.shop.number.as_str()),
    )))
}

fn credit_invoice_of(dossier: &Dossier, number: &str) -> Result<Attribution, CliError> {
    let found = dossier.ledger.credits.iter().find(|(_, record)| record.number.as_str() == number);
    found.map(|(id, _)| Attribution::CreditInvoice(*id)).ok_or_else(|| {
        CliError::Usage(format!(
            "`{}` is an order; name the credit invoice, or `{}:cancel` for the rest of a cancelled order",
            plain(number),
            plain(number),
        ))
    })
}
