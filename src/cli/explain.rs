//! `reconciled explain`: the runbook's page for a kind of break, or for one break with its own ids filled in.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::context::{Context, find, reading};
use super::error::CliError;
use super::{Status, args};
use crate::report::json::write_value;
use crate::report::text::plain;
use crate::report::words;
use crate::runbook::{self, Ids};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::OrderNumber;
use reconciled_store::{Break, Store};

#[derive(Debug, Args)]
#[command(after_help = "\
Prints what a break means, where to look first, what to do and when to call Klarna. Of one break it begins with what
was found and what can be done in that state, and its own order, credit invoice, refund and intent stand in the
commands, so that they can be pasted.

Examples:
  reconciled explain amount_differs
  reconciled explain 7
  reconciled explain 7 --json | jq -r .commands[]")]
pub struct Explain {
    /// A kind of break, or a break's id
    #[arg(value_name = "KIND|BREAK-ID", value_parser = args::number)]
    what: String,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let (kind, of) = match (BreakKind::from_name(&self.what), self.what.parse::<i64>()) {
            (Some(kind), _) => (kind, None),
            (None, Ok(id)) => {
                let found = one(&context.store()?, id).await?;
                (found.0.kind, Some(found))
            }
            (None, Err(_)) => {
                let given = plain(&self.what);
                let kinds: Vec<&str> = BreakKind::ALL.iter().map(|kind| kind.name()).collect();
                let kinds = kinds.join(", ");
                return Err(CliError::Usage(format!("`{given}` is no break's id and no kind; the kinds: {kinds}")));
            }
        };
        let page = runbook::page(kind, of.as_ref().map(|(_, ids)| ids))
            .ok_or_else(|| CliError::Usage(format!("the runbook has no page for {}", kind.name())))?;
        let it = of.as_ref().map(|(it, _)| it);
        let remedy = it.map(words::what_to_do);
        let mut out = context.stdout();
        if self.json {
            let said = json!({
                "kind": kind.name(),
                "severity": kind.severity().name(),
                "break": it.map(|it| it.id.to_string()),
                "order": it.and_then(|it| it.order.as_ref()).map(OrderNumber::as_str),
                "message": it.map(|it| it.message.as_str()),
                "remedy": remedy,
                "commands": runbook::commands(remedy.unwrap_or(&page)),
                "page": page,
            });
            write_value(&mut out, &said)?;
            writeln!(out)?;
        } else {
            if let (Some(it), Some(remedy)) = (it, remedy) {
                writeln!(out, "break {}: {}\n\n{}\n", it.id, plain(&it.message), plain(remedy))?;
            }
            writeln!(out, "{} ({})\n\n{page}", kind.name(), kind.severity().name())?;
        }
        out.flush()?;
        Ok(Status::AGREES)
    }
}

/// A break, and the ids that its commands need.
async fn one<S: Store>(store: &S, id: i64) -> Result<(Break, Ids), CliError> {
    let attempt = || format!("reading break {id}");
    let breaks = store.breaks(true).await.map_err(reading(attempt()))?;
    let it = breaks.into_iter().find(|it| it.id == id);
    let it = it.ok_or_else(|| CliError::Usage(format!("no break {id} is known")))?;
    let dossier = match &it.order {
        Some(number) => {
            let order = find(store, number.as_str()).await?;
            store.dossiers(vec![order]).await.map_err(reading(attempt()))?.pop()
        }
        None => None,
    };
    let ids = Ids::of(&it, dossier.as_ref());
    Ok((it, ids))
}
