//! `reconciled breaks`: what needs a human, and what the human said.

mod bulk;
mod list;

use std::io::Write as _;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Status;
use super::args::{self, Reversal, Signed};
use super::context::{Context, currency, find, now, reading};
use super::error::CliError;
use crate::report::breaks;
use bulk::{Chosen, Which};
use reconciled_core::breaks::BreakStep;
use reconciled_store::{JournalRow, Operation, Store};

#[derive(Debug, Subcommand)]
pub enum Breaks {
    /// Every open break, oldest first
    List(list::List),
    /// One break, what was found, what was said about it, and what to do
    Show(Show),
    /// Somebody is working on it; it stays open
    Ack(Ack),
    /// It is settled; it opens again when it goes away and comes back, or its amount changes
    Resolve(Resolve),
    /// It is not settled after all
    Reopen(Reopen),
    /// Who works on it
    Assign(Assign),
    /// A note, and nothing else
    Note(Remark),
}

#[derive(Debug, Args)]
#[command(after_help = "Exit status 0 when the break is known, else 2.")]
pub struct Show {
    /// The break's id, as the list names it
    #[arg(value_name = "ID")]
    id: i64,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = bulk::HELP)]
pub struct Ack {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    signed: Signed,
}

#[derive(Debug, Args)]
#[command(after_help = bulk::HELP)]
pub struct Resolve {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    signed: Signed,
}

#[derive(Debug, Args)]
#[command(after_help = bulk::HELP)]
pub struct Reopen {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    signed: Reversal,
}

#[derive(Debug, Args)]
#[command(after_help = bulk::HELP)]
pub struct Assign {
    #[command(flatten)]
    which: Which,
    /// Who works on it from now on
    #[arg(long, value_name = "NAME", value_parser = args::name, required_unless_present = "nobody")]
    to: Option<String>,
    /// Nobody does any more
    #[arg(long, conflicts_with = "to")]
    nobody: bool,
    #[command(flatten)]
    signed: Reversal,
}

#[derive(Debug, Args)]
pub struct Remark {
    /// The break's id, as the list names it
    #[arg(value_name = "ID")]
    id: i64,
    #[command(flatten)]
    signed: Signed,
}

impl Breaks {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let (which, step, actor, note) = match self {
            Self::List(list) => return list.run(context, &store).await,
            Self::Show(show) => return show.run(context, &store).await,
            Self::Note(remark) => return remark.run(context, &store).await,
            Self::Ack(Ack { which, signed }) => (which, BreakStep::Acknowledge, signed.actor, signed.note),
            Self::Resolve(Resolve { which, signed }) => (which, BreakStep::Resolve, signed.actor, signed.note),
            Self::Reopen(Reopen { which, signed }) => {
                let note = signed.note().to_owned();
                (which, BreakStep::Reopen, signed.actor, note)
            }
            Self::Assign(Assign { which, to, nobody: _, signed }) => {
                let note = signed.note().to_owned();
                (which, BreakStep::Assign(to), signed.actor, note)
            }
        };
        let Some(Chosen { operation, fields, about }) = which.choose(context, &store, &step).await? else {
            return Ok(Status::AGREES);
        };
        let attempt = format!("deciding about {about}");
        let decided = context.operate(&store, operation, &actor, &note, attempt).await?;
        let (decision, word) = spoken(&step);
        let mut fields = fields;
        fields["decision"] = decision.into();
        if let BreakStep::Assign(to) = &step {
            fields["to"] = to.as_deref().into();
        }
        context.told(&decided, fields, &format!("{about}: {word}"))?;
        Ok(Status::AGREES)
    }
}

/// The command's name, and what came of it.
fn spoken(step: &BreakStep) -> (&'static str, String) {
    match step {
        BreakStep::Acknowledge => ("ack", "acknowledged".to_owned()),
        BreakStep::Resolve => ("resolve", "resolved".to_owned()),
        BreakStep::Reopen => ("reopen", "open again".to_owned()),
        BreakStep::Assign(None) => ("assign", "nobody works on it".to_owned()),
        BreakStep::Assign(Some(name)) => ("assign", format!("with {}", crate::report::text::plain(name))),
    }
}

impl Remark {
    async fn run<S: Store>(self, context: &Context, store: &S) -> Result<Status, CliError> {
        let (id, Signed { actor, note }) = (self.id, &self.signed);
        let attempt = format!("noting something on break {id}");
        let decided = context.operate(store, Operation::Remark(id), actor, note, attempt).await?;
        context.told(&decided, json!({"decision": "note", "break": id.to_string()}), &format!("break {id}: noted"))?;
        Ok(Status::AGREES)
    }
}

impl Show {
    async fn run<S: Store>(self, context: &Context, store: &S) -> Result<Status, CliError> {
        let all = store.breaks(true).await.map_err(reading("reading the breaks"))?;
        let found = all.iter().find(|it| it.id == self.id);
        let found = found.ok_or_else(|| CliError::Usage(format!("no break {} is known", self.id)))?;
        let history = match &found.order {
            Some(number) => history(store, number.as_str(), self.id).await?,
            None => Vec::new(),
        };
        let (now, mut out) = (now(), context.stdout());
        if self.json {
            breaks::one_json(&mut out, found, &history, now)?;
        } else {
            breaks::one(&mut out, found, &history, currency(store).await?, now)?;
        }
        out.flush()?;
        Ok(Status::AGREES)
    }
}

/// What happened to the break, and who said what about it.
async fn history<S: Store>(store: &S, number: &str, id: i64) -> Result<Vec<JournalRow>, CliError> {
    let order = find(store, number).await?;
    let rows = store.history(order).await.map_err(reading(format!("reading the journal of break {id}")))?;
    let id = id.to_string();
    Ok(rows.into_iter().filter(|row| row.entity == "break" && row.entity_id == id).collect())
}
