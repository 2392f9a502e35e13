//! Which breaks a decision is about: one by its id, or all of a kind, once their number and sum are confirmed.
//!
//! What is confirmed is what the store compares with in its transaction: a break that comes up in between is nobody's
//! decision.

use std::io::{self, IsTerminal as _};

use clap::Args;
use serde_json::{Value, json};

use super::list;
use crate::cli::context::{Context, currency, reading};
use crate::cli::error::CliError;
use crate::cli::terminal::{Shown, ask};
use crate::report::words::{count_of, money};
use reconciled_core::breaks::BreakStep;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::money::Minor;
use reconciled_store::{Break, Bulk, Operation, Store};

pub(super) const HELP: &str = "\
With --kind instead of an id the decision is about every break of that kind that it fits. Their number and sum are shown
and confirmed: typed at a terminal, with --yes-count in a script. Nothing is decided when they have changed meanwhile.";

/// One break, or a kind of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct Which {
    /// The break's id, as the list names it
    #[arg(value_name = "ID", conflicts_with = "kind")]
    id: Option<i64>,
    /// Every break of this kind
    #[arg(long, value_name = "KIND", value_parser = list::kind)]
    kind: Option<BreakKind>,
    /// They are this many; without it a person is asked
    #[arg(long, value_name = "N", requires = "kind")]
    yes_count: Option<u64>,
}

/// What is decided about, ready for the store.
pub(super) struct Chosen {
    pub(super) operation: Operation,
    /// What names it in JSON.
    pub(super) fields: Value,
    /// What names it for people.
    pub(super) about: String,
}

impl Which {
    /// `None` when there is nothing to decide about, or the person said no.
    pub(super) async fn choose<S: Store>(
        self, context: &Context, store: &S, step: &BreakStep,
    ) -> Result<Option<Chosen>, CliError> {
        if let Some(id) = self.id {
            let (fields, about) = (json!({"break": id.to_string()}), format!("break {id}"));
            return Ok(Some(Chosen { operation: Operation::Break(id, step.clone()), fields, about }));
        }
        let Some(kind) = self.kind else { return Err(CliError::Usage("name a break, or --kind".to_owned())) };
        let mut found = store.breaks(true).await.map_err(reading("reading the breaks"))?;
        found.retain(|it| it.kind == kind && step.concerns(it.status));
        let (count, sum) = (u64::try_from(found.len()).unwrap_or(u64::MAX), sum(&found));
        let together = money(sum, currency(store).await?);
        let about = format!("{} of kind {}, together {together}", count_of(count, "break"), kind.name());
        if count == 0 {
            context.say(&format!("no break of kind {} waits for this", kind.name()));
            return Ok(None);
        }
        if !self.confirmed(context, count, &about).await? {
            return Ok(None);
        }
        let fields = json!({"kind": kind.name(), "amount_minor": sum.get()});
        let bulk = Bulk { kind, step: step.clone(), count, sum };
        Ok(Some(Chosen { operation: Operation::Breaks(bulk), fields, about }))
    }

    async fn confirmed(&self, context: &Context, count: u64, about: &str) -> Result<bool, CliError> {
        if let Some(given) = self.yes_count {
            let why = || format!("{about}, not {given}: nothing was decided, look at them again");
            return if given == count { Ok(true) } else { Err(CliError::Usage(why())) };
        }
        if !io::stdin().is_terminal() {
            return Err(CliError::Usage(format!("{about}: confirm with --yes-count {count}")));
        }
        let answer = ask(&format!("{about}. Type {count} to go on"), Shown::Yes).await?;
        let agreed = answer.trim() == count.to_string();
        if !agreed {
            context.say("nothing was decided");
        }
        Ok(agreed)
    }
}

fn sum(breaks: &[Break]) -> Minor {
    breaks.iter().filter_map(|it| it.amount).collect()
}
