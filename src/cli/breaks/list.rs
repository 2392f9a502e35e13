//! `reconciled breaks list`: the breaks that fit every filter, and how old they are together.

use std::io::Write as _;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::super::args;
use crate::cli::Status;
use crate::cli::context::{Context, currency, now, reading};
use crate::cli::error::CliError;
use crate::config;
use crate::report::breaks;
use reconciled_core::breaks::BreakStatus;
use reconciled_core::discrepancy::{BreakKind, Severity};
use reconciled_store::{Break, Store};

#[derive(Debug, Args)]
#[command(after_help = "\
Several filters narrow the list; a filter that is given several times widens itself.

Examples:
  reconciled breaks list --severity money --older-than '3 days'
  reconciled breaks list --kind refund_rejected --unassigned --json

Exit status 1 when a listed break is open or acknowledged, else 0.")]
pub struct List {
    /// Resolved and cleared ones too
    #[arg(long)]
    all: bool,
    /// Of this kind only
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Vec<BreakKind>,
    /// About money, or for action
    #[arg(long, value_name = "money|action", value_parser = severity)]
    severity: Option<Severity>,
    /// In this status only; resolved and cleared ones want no --all then
    #[arg(long, value_name = "open|acknowledged|resolved|cleared", value_parser = status)]
    status: Vec<BreakStatus>,
    /// Of this order, by its number or that of a credit invoice
    #[arg(long, value_name = "NUMBER", value_parser = args::number)]
    order: Option<String>,
    /// Opened longer ago than this, such as '3 days'
    #[arg(long, value_name = "TIME", value_parser = span)]
    older_than: Option<SignedDuration>,
    /// With this person
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    assigned_to: Option<String>,
    /// With nobody
    #[arg(long, conflicts_with = "assigned_to")]
    unassigned: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// A kind by its name in the outside contract.
pub(super) fn kind(text: &str) -> Result<BreakKind, String> {
    BreakKind::from_name(text).ok_or_else(|| {
        let names = BreakKind::ALL.iter().map(|kind| kind.name());
        let nearest = names.min_by_key(|name| strsim::damerau_levenshtein(name, text)).unwrap_or_default();
        format!("no kind of break is called so; the nearest is `{nearest}`")
    })
}

fn severity(text: &str) -> Result<Severity, String> {
    let found = [Severity::Money, Severity::Action].into_iter().find(|it| it.name() == text);
    found.ok_or_else(|| "money or action".to_owned())
}

fn status(text: &str) -> Result<BreakStatus, String> {
    let found = BreakStatus::ALL.into_iter().find(|it| it.name() == text);
    found.ok_or_else(|| "open, acknowledged, resolved or cleared".to_owned())
}

fn span(text: &str) -> Result<SignedDuration, String> {
    config::duration(text).ok_or_else(|| "a whole number and a unit, such as '3 days' or '12 hours'".to_owned())
}

impl List {
    pub(super) async fn run<S: Store>(self, context: &Context, store: &S) -> Result<Status, CliError> {
        let closed = self.all || self.status.iter().any(|status| !is_open(*status));
        let mut found = store.breaks(closed).await.map_err(reading("reading the breaks"))?;
        let now = now();
        found.retain(|it| self.wants(it, now));
        let mut out = context.stdout();
        if self.json {
            breaks::list_json(&mut out, &found, now)?;
        } else {
            breaks::list(&mut out, &found, currency(store).await?, now)?;
        }
        out.flush()?;
        Ok(if found.iter().any(|it| is_open(it.status)) { Status::OPEN } else { Status::AGREES })
    }

    fn wants(&self, it: &Break, now: Timestamp) -> bool {
        let Self { all: _, kind, severity, status, order, older_than, assigned_to, unassigned, json: _ } = self;
        let names = |number: &str| {
            let credit = it.credit_invoice.as_ref().is_some_and(|credit| credit.as_str() == number);
            credit || it.order.as_ref().is_some_and(|order| order.as_str() == number)
        };
        (kind.is_empty() || kind.contains(&it.kind))
            && severity.is_none_or(|severity| it.kind.severity() == severity)
            && (status.is_empty() || status.contains(&it.status))
            && order.as_deref().is_none_or(names)
            && older_than.is_none_or(|span| now.duration_since(it.opened_at) > span)
            && assigned_to.as_ref().is_none_or(|name| it.assigned.as_ref() == Some(name))
            && !(*unassigned && it.assigned.is_some())
    }
}

/// Acknowledged is still open: somebody works on it, and the two sides still differ.
const fn is_open(status: BreakStatus) -> bool {
    matches!(status, BreakStatus::Open | BreakStatus::Acknowledged)
}
