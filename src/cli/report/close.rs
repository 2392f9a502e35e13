//! `reconciled report close PERIOD`: refuses while anything of the period is open, then journals its report's digest.

use std::collections::BTreeMap;
use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::super::Status;
use super::super::args::Reversal;
use super::super::context::{Context, now, reading};
use super::super::error::CliError;
use super::super::wire;
use super::make::source;
use crate::config::Loaded;
use crate::report::period::{Discard, Period, add};
use crate::report::text::plain;
use crate::report::words::{break_kind, count_of};
use reconciled_store::period::{Closing, Extent, Hindrances, Span};
use reconciled_store::sqlite::PassLock;

#[derive(Debug, Args)]
#[command(after_help = "\
Refuses while the period is not over, no complete pass began after it, an order was listed and
not read, a request's outcome is unknown, or a break about money is open that is not accepted. A
closed period's report never changes: what is seen later falls into the next period and is marked
as late there.

Exit status 0 when it was closed, 1 when breaks are in the way, 2 for a period that cannot be
closed, 3 when something of it could not be checked.

Examples:
  reconciled report close 2026-10
  reconciled report close 2026-10 --accept 3=\"repaid by bank\"")]
pub(super) struct Close {
    /// A month such as 2026-10, a day, or a year
    #[arg(value_name = "PERIOD", value_parser = period)]
    period: Period,
    /// An open break about money that may stay open, and why; repeat it for each
    #[arg(long, value_name = "BREAK=NOTE", value_parser = accepted)]
    accept: Vec<(i64, String)>,
    #[command(flatten)]
    reversal: Reversal,
}

fn period(text: &str) -> Result<Period, String> {
    Period::parse(text).map_err(|why| why.to_string())
}

fn accepted(text: &str) -> Result<(i64, String), String> {
    let allowed = || "the number of a break, =, and why, such as 3=\"repaid by bank\"".to_owned();
    let (id, note) = text.split_once('=').ok_or_else(allowed)?;
    let note = note.trim();
    let is_short = note.chars().count() <= 500 && !note.contains(char::is_control);
    let id = id.trim().parse().ok().filter(|_| !note.is_empty() && is_short);
    Ok((id.ok_or_else(allowed)?, note.to_owned()))
}

/// Why a period stays open, and how the command ends then.
struct Refusal {
    status: Status,
    why: Vec<String>,
}

impl Close {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let loaded = context.config()?;
        let store = wire::open(&loaded)?;
        let attempt = || format!("closing {} of shop `{}`", self.period.name(), loaded.shop.name);
        // No pass may add to the period between its report and its closing.
        let lock = PassLock::acquire(loaded.config.store.path(), store.shop_name()).map_err(reading(attempt()))?;
        let span = Span { from: self.period.from, until: self.period.until, seen: None };
        let extent = store.extent(span).await.map_err(reading(attempt()))?;
        let found = store.hindrances(extent.clone()).await.map_err(reading(attempt()))?;
        self.may_be_closed(&found)?;
        if let Some(refusal) = self.refusal(&extent, &found) {
            return self.refused(context, &refusal);
        }
        let closing = self.closing(context, &loaded, span).await?;
        let digest = closing.digest.clone();
        store.close_period(closing).await.map_err(reading(attempt()))?;
        drop(lock);
        let mut out = context.stdout();
        if self.reversal.actor.json {
            writeln!(
                out,
                "{}",
                json!({"closed": true, "period": self.period.name(), "digest": digest, "last": extent.last})
            )?;
        } else {
            writeln!(
                out,
                "{} is closed: digest {digest}, journal rows {} to {}.",
                self.period.name(),
                extent.first,
                extent.last
            )?;
        }
        out.flush()?;
        Ok(Status::AGREES)
    }

    /// Periods are closed one after the other, without a gap and only once.
    fn may_be_closed(&self, found: &Hindrances) -> Result<(), CliError> {
        let wrong = |why: String| Err(CliError::Usage(format!("{} cannot be closed: {why}", self.period.name())));
        if let Some(last) = &found.last_closed {
            let until = Period { from: last.from, until: last.until };
            if self.period.from < last.until {
                return wrong(format!("{} is closed, and what is closed stays so", until.name()));
            }
            if self.period.from > last.until {
                return wrong(format!("the last closed period is {}; close what follows it first", until.name()));
            }
        } else if let Some(begins) = found.begins.filter(|begins| *begins < self.period.from) {
            return wrong(format!("the journal begins at {begins}; close that month first"));
        }
        if now() < self.period.until {
            return wrong("it is not over".to_owned());
        }
        Ok(())
    }

    fn refusal(&self, extent: &Extent, found: &Hindrances) -> Option<Refusal> {
        let mut why = Vec::new();
        if !found.is_covered {
            why.push(format!("no complete pass began after its end ({}); run one", extent.until));
        }
        if found.unread > 0 {
            why.push(format!("{} the shop named are not read; run a pass", count_of(found.unread, "order")));
        }
        why.extend(found.unknown.iter().map(|id| format!("the outcome of intent {id} is unknown")));
        let status = if why.is_empty() { Status::OPEN } else { Status::UNKNOWN };
        let accepted: BTreeMap<i64, &String> = self.accept.iter().map(|(id, note)| (*id, note)).collect();
        let open = found.breaks.iter().filter(|(id, _)| !accepted.contains_key(id));
        why.extend(
            open.map(|(id, kind)| {
                format!("break {id} is open: {}; settle it, or --accept {id}=NOTE", break_kind(*kind))
            }),
        );
        (!why.is_empty()).then_some(Refusal { status, why })
    }

    fn refused(&self, context: &Context, refusal: &Refusal) -> Result<Status, CliError> {
        let mut out = context.stdout();
        if self.reversal.actor.json {
            writeln!(out, "{}", json!({"closed": false, "period": self.period.name(), "why": refusal.why}))?;
        } else {
            writeln!(out, "{} stays open:", self.period.name())?;
            for why in &refusal.why {
                writeln!(out, "  {}", plain(why))?;
            }
        }
        out.flush()?;
        Ok(refusal.status)
    }

    async fn closing(&self, context: &Context, loaded: &Loaded, span: Span) -> Result<Closing, CliError> {
        let (_, summary) = add(&source(loaded), span, Discard).await?;
        Ok(Closing {
            from: span.from,
            until: span.until,
            last: summary.extent.last,
            digest: summary.digest,
            accepted: self.accept.iter().cloned().collect(),
            actor: context.actor(&self.reversal.actor),
            note: self.reversal.note().to_owned(),
            at: now(),
        })
    }
}
