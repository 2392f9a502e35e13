//! `reconciled ignore`: a refund that settles nothing, or an intent that is given up.

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::adopt::{dossier, refund_of};
use super::args::Signed;
use super::context::{Context, reading};
use super::error::CliError;
use super::{Status, args};
use crate::report::text::plain;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::IntentId;
use reconciled_core::ledger::{Attribution, CreditRecord};
use reconciled_store::{Break, Operation, Store};

#[derive(Debug, Args)]
#[command(after_help = "\
A refund that is ignored settles no credit invoice and no longer stops the order's refunds. An intent that is
ignored is never sent again, and loses every approval and proposal it had. A credit invoice of which a break asks
whether it was ever sent is ignored as never delivered: nothing of it is owed, and less is captured.

Examples:
  reconciled ignore 0b1f7f5e-... --note 'goodwill, no credit invoice'
  reconciled ignore 5e0c6f1e-... --note 'paid back by bank transfer'
  reconciled ignore INV00038 --note 'out of stock, never sent'")]
pub struct Ignore {
    /// The refund's id at Klarna, the intent's id, or a credit invoice that was never delivered
    #[arg(value_name = "REFUND|INTENT|CREDIT-INVOICE", value_parser = args::number)]
    target: String,
    /// The order, when the refund's id alone does not lead to it
    #[arg(long, value_name = "NUMBER", value_parser = args::number)]
    order: Option<String>,
    #[command(flatten)]
    signed: Signed,
}

impl Ignore {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let operation = self.operation(&store).await?;
        let target = plain(&self.target);
        let (what, line) = if matches!(operation, Operation::Abandon(_)) {
            ("intent", format!("intent `{target}` is given up"))
        } else if matches!(operation, Operation::NeverSent { .. }) {
            ("credit_invoice", format!("credit invoice `{target}` was never delivered, and nothing of it is owed"))
        } else {
            ("refund", format!("refund `{target}` settles nothing"))
        };
        let Signed { actor, note } = &self.signed;
        let attempt = format!("ignoring `{target}`");
        let decided = context.operate(&store, operation, actor, note, attempt).await?;
        let mut fields = json!({"decision": "ignore"});
        fields[what] = self.target.as_str().into();
        context.told(&decided, fields, &line)?;
        Ok(Status::AGREES)
    }

    /// Both sides use ids of one form, so an id of ours is looked for first.
    async fn operation<S: Store>(&self, store: &S) -> Result<Operation, CliError> {
        let attempt = || format!("looking for `{}`", plain(&self.target));
        if let Some(never_sent) = self.never_sent(store).await? {
            return Ok(never_sent);
        }
        if let Ok(id) = self.target.parse::<Uuid>() {
            let intent = IntentId(id);
            let breaks = store.breaks(false).await.map_err(reading(attempt()))?;
            // What a ceiling holds is no intent yet; what can be given up is the consent to it.
            let is_held = |it: &Break| it.kind == BreakKind::LimitReached && it.subject == self.target;
            if store.intent(intent).await.map_err(reading(attempt()))?.is_some() || breaks.iter().any(is_held) {
                return Ok(Operation::Abandon(intent));
            }
        }
        let number = if let Some(number) = &self.order {
            number.clone()
        } else {
            let breaks = store.breaks(false).await.map_err(reading(attempt()))?;
            let named = breaks.into_iter().find(|it| it.subject == self.target);
            let number = named.and_then(|it| it.order).map(|number| number.to_string());
            number.ok_or_else(|| {
                CliError::Usage(format!(
                    "`{}` is no intent of ours and no open break names it; name its order with --order NUMBER",
                    plain(&self.target)
                ))
            })?
        };
        let dossier = dossier(store, &number).await?;
        let refund = refund_of(&dossier, &self.target)?;
        Ok(Operation::Attribute { order: dossier.shop.id, refund: refund.id, to: Attribution::RuledOut })
    }
    /// An open break asks whether this credit invoice was ever sent; it names the refund that waits for the answer.
    async fn never_sent<S: Store>(&self, store: &S) -> Result<Option<Operation>, CliError> {
        let breaks = store.breaks(false).await.map_err(reading(format!("looking for `{}`", plain(&self.target))))?;
        let names = |it: &Break| it.credit_invoice.as_ref().is_some_and(|number| number.as_str() == self.target);
        let is_asked = |it: &&Break| it.kind == BreakKind::CreditBeforeCapture && it.subject.parse::<Uuid>().is_ok();
        let mut asked = breaks.iter().filter(is_asked).filter(|it| it.subject == self.target || names(it));
        let Some(found) = asked.next() else { return Ok(None) };
        if asked.next().is_some() {
            return Err(CliError::Usage(format!(
                "several credit invoices have the number `{}`; name the intent of the break",
                plain(&self.target)
            )));
        }
        let (Some(order), Some(number)) = (&found.order, &found.credit_invoice) else { return Ok(None) };
        let dossier = dossier(store, order.as_str()).await?;
        let same = |record: &CreditRecord| record.number == *number && record.amount == found.amount;
        let mut credits = dossier.ledger.credits.iter().filter(|(_, record)| same(record));
        match (credits.next(), credits.next()) {
            (Some((credit, _)), None) => Ok(Some(Operation::NeverSent { order: dossier.shop.id, credit: *credit })),
            _ => Err(CliError::Usage(format!(
                "which credit invoice `{}` names is not clear; look at `reconciled show {}`",
                plain(&self.target),
                plain(order.as_str())
            ))),
        }
    }
}
