//! `reconciled adopt`: what a refund at Klarna was for.

use clap::Args;
use serde_json::json;

use super::args::Signed;
use super::context::{Context, currency, find, reading};
use super::error::CliError;
use super::{Status, args};
use crate::report::show::settles;
use crate::report::text::plain;
use crate::words::adoption::refusal;
use reconciled_core::adoption::{self, Settles, Wish};
use reconciled_core::attribution::{open_without, refunds_of};
use reconciled_core::facts::KlarnaRefund;
use reconciled_core::id::InvoiceId;
use reconciled_core::ledger::Attribution;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::{Dossier, Operation, Store};

#[derive(Debug, Args)]
#[command(after_help = "\
A refund that somebody made by hand carries no reference of ours and stops automatic refunds of its order until a
human says what it was for. One refund may settle several credit invoices, each with its part, and several one. What a
credit invoice then still asks for is refunded by this program; what is left of the refund goes on stopping the order.

Without amounts the refund must be what the credit invoices still ask for, to the cent.

Examples:
  reconciled adopt 0b1f7f5e-... INV00038 --note 'refunded in the portal on Monday'
  reconciled adopt 0b1f7f5e-... INV00025=25.00 INV00030=30.00 --note 'two returns, one refund'
  reconciled adopt 0b1f7f5e-... INV00025=25.00 nothing=5.00 --note 'the rest was goodwill'
  reconciled adopt 0b1f7f5e-... ORD00018:cancel --note 'rest of the cancelled order'")]
pub struct Adopt {
    /// The refund's id at Klarna, as `reconciled show` prints it
    #[arg(value_name = "REFUND", value_parser = args::number)]
    refund: String,
    /// What it settles, each with its part of the amount: credit invoices, the cancelled order, or `nothing`
    #[arg(value_name = "CREDIT-INVOICE[=AMOUNT]|ORDER:cancel", value_parser = args::number, required = true)]
    settles: Vec<String>,
    /// The order, to be sure
    #[arg(long, value_name = "NUMBER", value_parser = args::number)]
    order: Option<String>,
    #[command(flatten)]
    signed: Signed,
}

impl Adopt {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let currency = currency(&store).await?;
        let named = self.settles.iter().map(|text| what_of(text)).find(|what| *what != NOTHING);
        let number = named.map(|what| what.strip_suffix(CANCEL).unwrap_or(what)).or(self.order.as_deref());
        let number = number.ok_or_else(|| CliError::Usage("name the refund's order with --order NUMBER".to_owned()))?;
        let dossier = dossier(&store, number).await?;
        let order = dossier.shop.id;
        if let Some(number) = &self.order
            && find(&store, number).await? != order
        {
            let (given, settles) = (plain(number), plain(&self.settles.join(" ")));
            return Err(CliError::Usage(format!("`{settles}` is not of order `{given}`")));
        }
        let refund = refund_of(&dossier, &self.refund)?;
        let to = self.attribution(&dossier, &refund, currency)?;
        let settles = plain(&settles(&dossier, currency, &to));
        let Signed { actor, note } = &self.signed;
        let attempt = format!("adopting refund `{}`", plain(&self.refund));
        let operation = Operation::Attribute { order, refund: refund.id, to };
        let decided = context.operate(&store, operation, actor, note, attempt).await?;
        let refund = plain(&self.refund);
        let line = format!("refund `{refund}` settles `{settles}`; the next pass goes on from there");
        let fields = json!({"decision": "adopt", "refund": self.refund, "settles": settles});
        context.told(&decided, fields, &line)?;
        Ok(Status::AGREES)
    }

    /// The parts that were named, if they add up.
    fn attribution(
        &self, dossier: &Dossier, refund: &KlarnaRefund, currency: Option<Currency>,
    ) -> Result<Attribution, CliError> {
        let wishes = self.settles.iter().map(|text| wish(dossier, text, currency)).collect::<Result<Vec<_>, _>>()?;
        if let [Wish { settles: Settles::Cancel, amount: None }] = wishes.as_slice() {
            return Ok(Attribution::Cancel);
        }
        let open = match &dossier.klarna {
            Some((klarna, _)) => open_without(&refund.id, &dossier.ledger, &dossier.shop, klarna),
            None => Vec::new(),
        };
        let parts = adoption::parts(refund.amount, &wishes, &open);
        parts.map(Attribution::Parts).map_err(|why| {
            let refund = plain(refund.id.as_str());
            CliError::Usage(format!("refund `{refund}` is not adopted: {}", plain(&refusal(&why, currency))))
        })
    }
}

/// The word for what is none of the order's.
const NOTHING: &str = "nothing";
/// What stands behind an order's number for the rest of it, once it is cancelled.
const CANCEL: &str = ":cancel";

/// What a part names, without its amount.
fn what_of(text: &str) -> &str {
    text.split_once('=').map_or(text, |(what, _)| what)
}

/// `INV00025`, `INV00025=25.00`, `ORD00018:cancel=3.00` or `nothing=5.00`.
pub(crate) fn wish(dossier: &Dossier, text: &str, currency: Option<Currency>) -> Result<Wish, CliError> {
    let (what, amount) = text.split_once('=').map_or((text, None), |(what, amount)| (what, Some(amount)));
    let settles = match what {
        NOTHING => Settles::Nothing,
        _ if what.strip_suffix(CANCEL) == Some(dossier.shop.number.as_str()) => Settles::Cancel,
        number => Settles::Credit(credit_invoice_of(dossier, number)?),
    };
    let amount = amount.map(|amount| {
        let read = currency.and_then(|currency| Minor::parse(&amount.replace(',', "."), currency).ok());
        read.ok_or_else(|| CliError::Usage(format!("`{}` is not an amount such as 25.00", plain(amount))))
    });
    Ok(Wish { settles, amount: amount.transpose()? })
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
pub(super) fn refund_of(dossier: &Dossier, id: &str) -> Result<KlarnaRefund, CliError> {
    let refunds: Vec<KlarnaRefund> =
        dossier.klarna.iter().flat_map(|(order, _)| refunds_of(&dossier.ledger, &dossier.shop, order)).collect();
    if let Some(found) = refunds.iter().find(|refund| refund.id.as_str() == id) {
        return Ok(found.clone());
    }
    let known: Vec<String> = refunds.iter().map(|refund| plain(refund.id.as_str())).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(CliError::Usage(format!(
        "Klarna showed no refund `{}` for order `{}`; it showed: {known}",
        plain(id),
        plain(dossier.shop.number.as_str()),
    )))
}

/// The credit invoice of this number, or, where two have one number, of this id.
fn credit_invoice_of(dossier: &Dossier, text: &str) -> Result<InvoiceId, CliError> {
    let credits = &dossier.ledger.credits;
    let numbered: Vec<InvoiceId> =
        credits.iter().filter(|(_, record)| record.number.as_str() == text).map(|(id, _)| *id).collect();
    let order = plain(dossier.shop.number.as_str());
    match numbered.as_slice() {
        [one] => Ok(*one),
        [] => {
            let id = text.parse().ok().map(InvoiceId).filter(|id| credits.contains_key(id));
            id.ok_or_else(|| {
                CliError::Usage(format!(
                    "`{}` is no credit invoice of order `{order}`; name one, or `{order}:cancel` for the rest of a cancelled \
                     order",
                    plain(text),
                ))
            })
        }
        several => {
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            let ids = ids.join(" and ");
            Err(CliError::Usage(format!(
                "credit invoices {ids} of order `{order}` have the number `{}`; name one by its id",
                plain(text)
            )))
        }
    }
}
