//! Audit reports: over which period and in which form, as a download; and the periods that are closed.
//!
//! The bytes are those of `reconciled report`, made by the same code. No store is written: closing is the command's.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::frame::{Frame, Section, When, html, plain, when};
use super::lists::{asked, cut};
use super::refusal::{Refusal, Refused};
use super::visit::{Visit, Visitor};
use super::{PageContext, ServedShop, download};
use crate::report::period::{FormatKind, MOMENT, Period, Source};
use crate::report::words::count_of;
use crate::web::metrics::Refused as Reason;
use reconciled_core::id::ShopName;
use reconciled_sides::clock::{Clock as _, SystemClock};
use reconciled_store::pages::{ClosedRow, Pages as _};

/// Nobody needs more of what they typed to recognise it.
const LONGEST_ECHO: usize = 40;

#[derive(Template)]
#[template(path = "page/reports.html")]
struct ReportsPage {
    frame: Frame,
    /// None on the page about all shops.
    shop: Option<String>,
    base: String,
    month: String,
    problem: Option<String>,
    asked: Asked,
    formats: Vec<Format>,
    closed: Vec<ClosedView>,
    next: Option<i64>,
}

struct Format {
    name: &'static str,
    what: &'static str,
    chosen: bool,
}

struct ClosedView {
    name: String,
    digest: String,
    actor: String,
    at: When,
    note: String,
    accepted: String,
    /// The query that asks for its report.
    from: String,
    to: String,
}

/// Which report somebody wants; as it was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    period: String,
    from: String,
    to: String,
    format: String,
}

#[derive(Deserialize)]
pub(super) struct Before {
    before: Option<i64>,
}

impl Asked {
    /// A sentence for whoever typed it, when there is no such report.
    fn read(&self, now: Timestamp) -> Result<(Period, FormatKind), String> {
        let format = self.format.parse().map_err(|allowed| format!("Choose what kind of file: {allowed}."))?;
        Ok((self.period(now)?, format))
    }

    fn period(&self, now: Timestamp) -> Result<Period, String> {
        let [period, from, to] = [&self.period, &self.from, &self.to].map(|text| text.trim());
        let sentence = |why: &dyn ToString| format!("No report was made: {}.", why.to_string());
        if period.is_empty() {
            let period = Period::between(moment(from)?, moment(to)?, now);
            return period.map_err(|why| sentence(&why));
        }
        if !from.is_empty() || !to.is_empty() {
            return Err("No report was made: give a period or its two ends, not both.".to_owned());
        }
        Period::parse(period).map_err(|why| sentence(&plain(&why.to_string())))
    }

    /// What is shown again: no more than somebody typed by hand.
    fn shortened(self) -> Self {
        let short = |text: String| plain(&text.chars().take(LONGEST_ECHO).collect::<String>());
        Self { period: short(self.period), from: short(self.from), to: short(self.to), format: self.format }
    }
}

/// One end of a period; nothing when nothing was typed.
fn moment(text: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let echo = || plain(&text.chars().take(LONGEST_ECHO).collect::<String>());
    let read = Period::moment(text).ok_or_else(|| format!("No report was made: `{}` is not {MOMENT}.", echo()));
    read.map(Some)
}

/// The forms, with what each is good for.
fn formats(chosen: &str) -> Vec<Format> {
    let what = |kind| match kind {
        FormatKind::Html => "HTML, to read, print and file",
        FormatKind::Xlsx => "Excel workbook, a sheet per section",
        FormatKind::Csv => "CSV, one table with all rows",
        FormatKind::Json => "JSON, for programs",
        FormatKind::Text => "Text, as on a terminal",
    };
    let order = [FormatKind::Html, FormatKind::Xlsx, FormatKind::Csv, FormatKind::Json, FormatKind::Text];
    order.map(|kind| Format { name: kind.name(), what: what(kind), chosen: kind.name() == chosen }).into()
}

fn closed_view(row: &ClosedRow) -> ClosedView {
    let period = Period { from: row.it.from, until: row.it.until };
    let accepted = u64::try_from(row.accepted).unwrap_or(u64::MAX);
    ClosedView {
        name: period.name(),
        digest: plain(&row.it.digest),
        actor: plain(&row.actor),
        at: when(row.at),
        note: plain(&row.note),
        accepted: if accepted == 0 { String::new() } else { format!("{} accepted", count_of(accepted, "break")) },
        from: period.from.to_string(),
        to: period.until.to_string(),
    }
}

/// A page without a problem; its form asks for nothing yet.
struct Sheet {
    frame: Frame,
    shop: Option<ShopName>,
    closed: Vec<ClosedRow>,
}

impl Sheet {
    async fn of(context: &PageContext, visit: &Visit, before: Option<i64>) -> Result<Self, Refusal> {
        let frame = Frame::around(context, visit, "Reports", Section::Reports).await?;
        let closed = visit.store.closed_periods(before, asked()).await?;
        Ok(Self { frame, shop: Some(visit.shop.clone()), closed })
    }

    fn of_all(context: &PageContext, visitor: &Visitor) -> Result<Self, Refusal> {
        Ok(Self { frame: Frame::around_all(context, visitor, "Reports")?, shop: None, closed: Vec::new() })
    }

    fn shown(mut self, asked: Asked, problem: Option<String>, now: Timestamp) -> Result<Response, Refusal> {
        let next = cut(&mut self.closed, |row| row.it.seq);
        let month = Period::month_of(now).map_or_else(String::new, |month| month.name());
        let refused = problem.is_some();
        let mut answer = html(&ReportsPage {
            frame: self.frame,
            base: self.shop.as_ref().map_or_else(|| "/reports".to_owned(), |shop| format!("/shops/{shop}/reports")),
            shop: self.shop.map(|shop| shop.to_string()),
            month,
            formats: formats(&asked.format),
            asked: asked.shortened(),
            closed: self.closed.iter().map(closed_view).collect(),
            next,
            problem,
        })?;
        if refused {
            *answer.status_mut() = StatusCode::BAD_REQUEST;
            answer.extensions_mut().insert(Refused(Reason::Report));
        }
        Ok(answer)
    }
}

pub(super) async fn show(
    State(context): State<PageContext>, visit: Visit, Query(Before { before }): Query<Before>,
) -> Result<Response, Refusal> {
    Sheet::of(&context, &visit, before).await?.shown(Asked::default(), None, visit.now)
}

pub(super) async fn show_all(State(context): State<PageContext>, visitor: Visitor) -> Result<Response, Refusal> {
    Sheet::of_all(&context, &visitor)?.shown(Asked::default(), None, SystemClock.now())
}

/// A shop's report.
pub(super) async fn one(
    State(context): State<PageContext>, visit: Visit, version: Version, asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(asked) = asked.map_err(|_| unreadable())?;
    match asked.read(visit.now) {
        Ok(wanted) => {
            let sources = vec![source(&visit.shop, &visit.served)];
            send(&context, version, sources, wanted, &format!("reconciled-{}", visit.shop)).await
        }
        Err(problem) => Sheet::of(&context, &visit, None).await?.shown(asked, Some(problem), visit.now),
    }
}

/// The report of every shop, in one document.
pub(super) async fn all(
    State(context): State<PageContext>, visitor: Visitor, version: Version, asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(asked) = asked.map_err(|_| unreadable())?;
    let now = SystemClock.now();
    match asked.read(now) {
        Ok(wanted) => {
            let access = context.access().ok_or(Refusal::Off)?;
            let sources = access.shops.iter().map(|(shop, served)| source(shop, served)).collect();
            send(&context, version, sources, wanted, "reconciled").await
        }
        Err(problem) => Sheet::of_all(&context, &visitor)?.shown(asked, Some(problem), now),
    }
}

fn unreadable() -> Refusal {
    Refusal::Unreadable("This address asks for no report of this page.".to_owned())
}

fn source(shop: &ShopName, served: &ServedShop) -> Source {
    Source { shop: shop.clone(), store: served.store.clone(), language: served.language.clone() }
}

async fn send(
    context: &PageContext, version: Version, sources: Vec<Source>, (period, format): (Period, FormatKind), name: &str,
) -> Result<Response, Refusal> {
    // Without pieces that are counted, what broke off would look whole.
    if version < Version::HTTP_11 {
        return Err(Refusal::OldProtocol);
    }
    let permit = context.making.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
    let body = download::report(sources, period, format, permit).await.map_err(Refusal::Unmade)?;
    let mut answer = body.into_response();
    let disposition = format!("attachment; filename=\"{}\"", file_name(name, period, format));
    let disposition = HeaderValue::from_str(&disposition).map_err(|why| Refusal::Unreadable(why.to_string()))?;
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    Ok(answer)
}

/// Letters, digits, hyphens and one dot: nothing that a header, a shell or a file system reads otherwise.
fn file_name(name: &str, period: Period, format: FormatKind) -> String {
    let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let stem: String = format!("{name}-{}", period.name()).chars().map(safe).collect();
    format!("{stem}.{}", format.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(period: &str, from: &str, to: &str) -> Result<String, String> {
        let now = "2026-11-28T12:00:00Z".parse().unwrap();
        let text = str::to_owned;
        let asked = Asked { period: text(period), from: text(from), to: text(to), format: text("csv") };
        asked.read(now).map(|(period, format)| file_name("reconciled-main", period, format))
    }

    #[test]
    fn a_period_is_a_month_or_two_ends_and_names_its_file() {
        for (period, from, to, name) in [
            ("", "", "", "reconciled-main-2026-11.csv"),
            (" 2026-10 ", "", "", "reconciled-main-2026-10.csv"),
            ("", "2026-10", "2026-11", "reconciled-main-2026-10.csv"),
            ("", "2026-10-01", "2026-10-15", "reconciled-main-2026-10-01-to-2026-10-15.csv"),
            ("", "", "2026-10-15", "reconciled-main-2026-10-01-to-2026-10-15.csv"),
            ("", "2026-10-01T08:00:00Z", "2026-10-02", "reconciled-main-2026-10-01-08-00-00-UTC-to-2026-10-02.csv"),
        ] {
            assert_eq!(asked(period, from, to), Ok(name.to_owned()));
        }
        for (period, from, to, said) in [
            ("2026-13", "", "", "`2026-13` is no period"),
            ("<script>", "", "", "is no period"),
            ("2026-10", "2026-10-01", "", "not both"),
            ("", "2026-11", "2026-10", "ends before it begins"),
            ("", "yesterday", "", "`yesterday` is not a time"),
            ("", "", "9999-13", "is not a time"),
        ] {
            let why = asked(period, from, to).unwrap_err();
            assert!(why.contains(said), "{why}");
        }
    }
}
