//! `reconciled breaks`: what needs a human, and what the human said.

use clap::{Args, Subcommand};

use super::Status;
use super::args::{Reversal, Signed};
use super::context::{Context, currency, now, reading};
use super::error::CliError;
use crate::report::breaks;
use crate::store::{Break, BreakStatus, Operation, Store};

#[derive(Debug, Subcommand)]
pub enum Breaks {
    /// Every open break, oldest first
    List(List),
    /// One break, what was found, and what to do
    Show(Show),
    /// Somebody is working on it; it stays open
    Ack(Ack),
    /// It is settled; it opens again when it goes away and comes back, or its amount changes
    Resolve(Resolve),
    /// It is not settled after all
    Reopen(Reopen),
}

#[derive(Debug, Args)]
#[command(after_help = "Exit status 1 when a break is open or acknowledged, else 0.")]
pub struct List {
    /// Resolved and cleared ones too
    #[arg(long)]
    all: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
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
pub struct Ack {
    /// The break's id, as the list names it
    #[arg(value_name = "ID")]
    id: i64,
    #[command(flatten)]
    signed: Signed,
}

#[derive(Debug, Args)]
pub struct Resolve {
    /// The break's id, as the list names it
    #[arg(value_name = "ID")]
    id: i64,
    #[command(flatten)]
    signed: Signed,
}

#[derive(Debug, Args)]
pub struct Reopen {
    /// The break's id, as the list names it
    #[arg(value_name = "ID")]
    id: i64,
    #[command(flatten)]
    signed: Reversal,
}

impl Breaks {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let (id, operation, actor, note, word) = match self {
            Self::List(list) => return list.run(context, &store).await,
            Self::Show(show) => return show.run(context, &store).await,
            Self::Ack(Ack { id, signed }) => {
                (id, Operation::Acknowledge(id), signed.actor, signed.note, "acknowledged")
            }
            Self::Resolve(Resolve { id, signed }) => {
                (id, Operation::Resolve(id), signed.actor, signed.note, "resolved")
            }
            Self::Reopen(Reopen { id, signed }) => {
                let note = signed.note().to_owned();
                (id, Operation::Reopen(id), signed.actor, note, "open again")
            }
        };
        let attempt = format!("deciding about break {id}");
        context.operate(&store, operation, &actor, &note, attempt).await?;
        context.say(&format!("break {id} is {word}"));
        Ok(Status::AGREES)
    }
}

impl List {
    async fn run<S: Store>(self, context: &Context, store: &S) -> Result<Status, CliError> {
        let found = store.breaks(self.all).await.map_err(reading("reading the breaks"))?;
        let (now, mut out) = (now(), context.stdout());
        if self.json {
            breaks::list_json(&mut out, &found, now)?;
        } else {
            breaks::list(&mut out, &found, currency(store).await?, now)?;
        }
        Ok(if found.iter().any(is_open) { Status::OPEN } else { Status::AGREES })
    }
}

impl Show {
    async fn run<S: Store>(self, context: &Context, store: &S) -> Result<Status, CliError> {
        let all = store.breaks(true).await.map_err(reading("reading the breaks"))?;
        let found = all.iter().find(|it| it.id == self.id);
        let found = found.ok_or_else(|| CliError::Usage(format!("no break {} is known", self.id)))?;
        let (now, mut out) = (now(), context.stdout());
        if self.json {
            breaks::one_json(&mut out, found, now)?;
        } else {
            breaks::one(&mut out, found, currency(store).await?, now)?;
        }
        Ok(Status::AGREES)
    }
}

/// Acknowledged is still open: somebody works on it, and the two sides still differ.
fn is_open(it: &Break) -> bool {
    match it.status {
        BreakStatus::Open | BreakStatus::Acknowledged => true,
        BreakStatus::Resolved | BreakStatus::Cleared => false,
    }
}
