//! Credit invoices, passes and the journal, a page at a time.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;

use super::PageContext;
use super::frame::{Frame, Section, When, capital, html, money, plain, spoken, when};
use super::refusal::Refusal;
use super::timeline::phrase;
use super::visit::Visit;
use crate::report::json::refund_id;
use crate::report::words;
use reconciled_core::id::InvoiceId;
use reconciled_store::pages::{CreditFilter, CreditLine, JournalLine, Pages as _, PassRow};

/// Rows of a page.
pub(super) const ROWS: usize = 50;

/// One more than a page shows, to know whether another follows.
pub(super) fn asked() -> u32 {
    u32::try_from(ROWS).unwrap_or(u32::MAX).saturating_add(1)
}

/// Cuts the row too many off; the last of a full page is where the next begins.
pub(super) fn cut<T, P>(rows: &mut Vec<T>, place: impl Fn(&T) -> P) -> Option<P> {
    if rows.len() <= ROWS {
        return None;
    }
    rows.truncate(ROWS);
    rows.last().map(place)
}

#[derive(Template)]
#[template(path = "page/credits.html")]
struct CreditsPage {
    frame: Frame,
    shop: String,
    all: bool,
    rows: Vec<CreditView>,
    next: Option<u64>,
}

struct CreditView {
    number: String,
    order: u64,
    order_number: String,
    state: &'static str,
    spoken: String,
    amount: String,
    refund: Option<String>,
    created: When,
}

#[derive(Deserialize)]
pub(super) struct CreditsAsked {
    show: Option<String>,
    before: Option<u64>,
}

pub(super) async fn credits(
    State(context): State<PageContext>, visit: Visit, Query(asked_for): Query<CreditsAsked>,
) -> Result<Response, Refusal> {
    let frame = Frame::around(&context, &visit, "Credit invoices", Section::Credits).await?;
    let all = asked_for.show.as_deref() == Some("all");
    let filter = if all { CreditFilter::All } else { CreditFilter::Open };
    let mut found = visit.store.credits_page(filter, asked_for.before.map(InvoiceId), asked()).await?;
    let next = cut(&mut found, |row| row.id.0);
    let rows = found.iter().map(|row| credit_view(row, &visit)).collect();
    html(&CreditsPage { frame, shop: visit.shop.to_string(), all, rows, next })
}

fn credit_view(row: &CreditLine, visit: &Visit) -> CreditView {
    CreditView {
        number: plain(row.number.as_str()),
        order: row.order.0,
        order_number: plain(row.order_number.as_str()),
        state: row.state.name(),
        spoken: spoken(row.state.name()),
        amount: money(row.amount, visit.currency),
        refund: refund_id(&row.state).map(|id| plain(id.as_str())),
        created: when(row.created_at),
    }
}

#[derive(Template)]
#[template(path = "page/passes.html")]
struct PassesPage {
    frame: Frame,
    shop: String,
    rows: Vec<PassLine>,
    next: Option<i64>,
}

/// One pass in a list.
pub(super) struct PassLine {
    pub(super) id: String,
    pub(super) started: When,
    pub(super) took: String,
    pub(super) outcome: &'static str,
    pub(super) tone: &'static str,
}

#[derive(Deserialize)]
pub(super) struct Before {
    before: Option<i64>,
    show: Option<String>,
}

pub(super) async fn passes(
    State(context): State<PageContext>, visit: Visit, Query(Before { before, .. }): Query<Before>,
) -> Result<Response, Refusal> {
    let frame = Frame::around(&context, &visit, "Passes", Section::Passes).await?;
    let mut found = visit.store.passes_page(before, asked()).await?;
    let next = cut(&mut found, |row| row.no);
    html(&PassesPage { frame, shop: visit.shop.to_string(), rows: pass_lines(&found, visit.now), next })
}

pub(super) fn pass_lines(rows: &[PassRow], now: Timestamp) -> Vec<PassLine> {
    let line = |(index, row): (usize, &PassRow)| {
        let (outcome, tone) = match (row.ended_at, row.complete) {
            (Some(_), Some(true)) => ("everything checked", "good"),
            (Some(_), _) => ("not everything checked", "warn"),
            // Only the latest pass can still be under way.
            (None, _) if index == 0 => ("under way, or cut off", "quiet"),
            (None, _) => ("cut off; the next one went on", "warn"),
        };
        PassLine {
            id: row.id.to_string(),
            started: when(row.started_at),
            took: row.ended_at.map_or_else(|| words::age(row.started_at, now), |end| took(row.started_at, end)),
            outcome,
            tone,
        }
    };
    rows.iter().enumerate().map(line).collect()
}

/// `0.42 s` below ten seconds, then whole words.
fn took(from: Timestamp, to: Timestamp) -> String {
    let millis = to.duration_since(from).as_millis().max(0);
    if millis < 10_000 {
        format!("{}.{:02} s", millis.div_euclid(1_000), millis.rem_euclid(1_000).div_euclid(10))
    } else {
        words::age(from, to)
    }
}

#[derive(Template)]
#[template(path = "page/journal.html")]
struct JournalPage {
    frame: Frame,
    shop: String,
    all: bool,
    rows: Vec<JournalView>,
    next: Option<i64>,
}

struct JournalView {
    seq: i64,
    at: When,
    order: Option<(u64, String)>,
    what: String,
    actor: String,
    by_human: bool,
    note: String,
}

pub(super) async fn journal(
    State(context): State<PageContext>, visit: Visit, Query(Before { before, show }): Query<Before>,
) -> Result<Response, Refusal> {
    let frame = Frame::around(&context, &visit, "Journal", Section::Journal).await?;
    let all = show.as_deref() == Some("all");
    let mut found = visit.store.journal_page(!all, before, asked()).await?;
    let next = cut(&mut found, |line| line.row.seq);
    let rows = found.iter().map(journal_view).collect();
    html(&JournalPage { frame, shop: visit.shop.to_string(), all, rows, next })
}

fn journal_view(line: &JournalLine) -> JournalView {
    let row = &line.row;
    let subject = match (row.entity.as_str(), &line.about) {
        ("intent", Some(about)) => spoken(about),
        ("credit_invoice", Some(about)) => format!("credit invoice {}", plain(about)),
        ("order", _) => "the order".to_owned(),
        ("shop", _) => "the shop".to_owned(),
        (entity, _) => format!("{} {}", spoken(entity), plain(&row.entity_id)),
    };
    JournalView {
        seq: row.seq,
        at: when(row.at),
        order: line.order.as_ref().map(|(id, number)| (id.0, plain(number.as_str()))),
        what: capital(&format!("{subject} {}", phrase(&row.entity, &row.event))),
        actor: plain(&row.actor),
        by_human: row.cause == "operator",
        note: note(&row.detail),
    }
}

/// The note of a decision, from a row's detail.
pub(super) fn note(detail: &str) -> String {
    let fields: Option<serde_json::Value> = serde_json::from_str(detail).ok();
    let field = |name: &str| fields.as_ref()?.get(name)?.as_str().map(plain);
    field("note").unwrap_or_default()
}
