//! `reconciled show NUMBER`.

use clap::Args;

use super::context::{Context, currency, find, now, reading};
use super::error::CliError;
use super::{Status, args};
use crate::report::show::{self, Life};
use crate::report::text::plain;
use reconciled_store::Store;

#[derive(Debug, Args)]
#[command(after_help = "\
Prints what both sides said, what is held true, every effect with its idempotency key, attempts and
answers, the breaks, and the journal. Exit status 0 when the number is known, else 2.

Examples:
  reconciled show ORD00018
  reconciled show INV00038 --json | jq .intents")]
pub struct Show {
    /// Number of an order or a credit invoice
    #[arg(value_name = "NUMBER", value_parser = args::number)]
    number: String,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let life = self.life(&store).await?;
        let mut out = context.stdout();
        if self.json {
            show::json::write(&mut out, &life)?;
        } else {
            show::human::write(&mut out, &life)?;
        }
        Ok(Status::AGREES)
    }

    async fn life<S: Store>(&self, store: &S) -> Result<Life, CliError> {
        let number = plain(&self.number);
        let attempt = || format!("reading order `{number}`");
        let order = find(store, &self.number).await?;
        let dossier = store.dossiers(vec![order]).await.map_err(reading(attempt()))?.pop();
        let dossier = dossier.ok_or_else(|| {
            CliError::Usage(format!("order `{number}` was listed by the shop and not read yet; run a pass"))
        })?;
        let breaks = store.breaks(true).await.map_err(reading(attempt()))?;
        let own = dossier.shop.number.clone();
        Ok(Life {
            currency: currency(store).await?,
            now: now(),
            journal: store.history(order).await.map_err(reading(attempt()))?,
            breaks: breaks.into_iter().filter(|it| it.order.as_ref() == Some(&own)).collect(),
            dossier,
        })
    }
}
