//! The queue of breaks, and one of them with its remedy and the decisions that fit.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::PageContext;
use super::consent::{ProposalView, standing, views};
use super::frame::{Frame, Section, When, capital, html, money, plain, when};
use super::lists::{asked, cut};
use super::offers::{Offer, about_break, about_order};
use super::refusal::Refusal;
use super::runbook::{Advice, Piece, advice, pieces};
use super::visit::Visit;
use crate::report::words;
use crate::runbook::Ids;
use reconciled_core::discrepancy::{BreakKind, Severity};
use reconciled_core::id::OrderId;
use reconciled_store::pages::{BreakFilter, BreakPlace, BreakRow, Pages as _};
use reconciled_store::{Break, Store as _};

#[derive(Template)]
#[template(path = "page/breaks.html")]
struct BreaksPage {
    frame: Frame,
    shop: String,
    closed: bool,
    about: &'static str,
    kind: &'static str,
    kinds: Vec<KindChoice>,
    rows: Vec<BreakView>,
    next: Option<String>,
}

struct KindChoice {
    name: &'static str,
    what: &'static str,
    chosen: bool,
}

pub(super) struct BreakView {
    pub(super) id: i64,
    pub(super) what: String,
    pub(super) severity: &'static str,
    pub(super) order: u64,
    pub(super) order_number: String,
    pub(super) credit: String,
    pub(super) amount: String,
    pub(super) age: String,
    pub(super) opened: When,
    pub(super) status: &'static str,
    pub(super) message: String,
    pub(super) note: String,
}

impl BreakView {
    pub(super) fn new(order: OrderId, it: &Break, visit: &Visit) -> Self {
        Self {
            id: it.id,
            what: capital(words::break_kind(it.kind)),
            severity: it.kind.severity().name(),
            order: order.0,
            order_number: it.order.as_ref().map_or_else(String::new, |number| plain(number.as_str())),
            credit: it.credit_invoice.as_ref().map_or_else(String::new, |number| plain(number.as_str())),
            amount: money(it.amount, visit.currency),
            age: words::age(it.opened_at, visit.now),
            opened: when(it.opened_at),
            status: it.status.name(),
            message: capital(&plain(&it.message)),
            note: plain(it.note.as_deref().unwrap_or_default()),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    show: Option<String>,
    about: Option<String>,
    kind: Option<String>,
    after: Option<String>,
}

impl Asked {
    fn severity(&self) -> Option<Severity> {
        [Severity::Money, Severity::Action].into_iter().find(|it| Some(it.name()) == self.about.as_deref())
    }

    fn kind(&self) -> Option<BreakKind> {
        BreakKind::from_name(self.kind.as_deref()?)
    }

    /// No kind named is every kind, so a choice that leaves none has to name one that no break has both ways.
    fn kinds(&self) -> Vec<BreakKind> {
        let (kind, severity) = (self.kind(), self.severity());
        let fits = |it: &&BreakKind| {
            kind.is_none_or(|kind| kind == **it) && (kind.is_some() || severity.is_none_or(|is| is == it.severity()))
        };
        if kind.is_none() && severity.is_none() {
            Vec::new()
        } else {
            BreakKind::ALL.iter().filter(fits).copied().collect()
        }
    }
}

/// `nanoseconds-id`, as the link to the next page names it.
fn place(text: &str) -> Option<BreakPlace> {
    let (nanos, id) = text.rsplit_once('-')?;
    let opened_at = jiff::Timestamp::from_nanosecond(nanos.parse().ok()?).ok()?;
    Some(BreakPlace { opened_at, id: id.parse().ok()? })
}

pub(super) async fn list(
    State(context): State<PageContext>, visit: Visit, Query(asked_for): Query<Asked>,
) -> Result<Response, Refusal> {
    let frame = Frame::around(&context, &visit, "Breaks", Section::Breaks).await?;
    let closed = asked_for.show.as_deref() == Some("closed");
    let filter = BreakFilter { closed, kinds: asked_for.kinds() };
    let after = asked_for.after.as_deref().and_then(place);
    let mut found = visit.store.breaks_page(filter, after, asked()).await?;
    let next = cut(&mut found, |row| format!("{}-{}", row.it.opened_at.as_nanosecond(), row.it.id));
    html(&BreaksPage {
        frame,
        shop: visit.shop.to_string(),
        closed,
        about: asked_for.severity().map_or("", Severity::name),
        kind: asked_for.kind().map_or("", BreakKind::name),
        kinds: BreakKind::ALL.iter().map(|kind| choice(*kind, asked_for.kind())).collect(),
        rows: found.iter().map(|row| BreakView::new(row.order, &row.it, &visit)).collect(),
        next,
    })
}

fn choice(kind: BreakKind, chosen: Option<BreakKind>) -> KindChoice {
    KindChoice { name: kind.name(), what: words::break_kind(kind), chosen: chosen == Some(kind) }
}

#[derive(Template)]
#[template(path = "page/break.html")]
struct BreakPage {
    frame: Frame,
    shop: String,
    it: BreakView,
    subject: String,
    remedy: Vec<Piece>,
    advice: Vec<Advice>,
    offers: Vec<Offer>,
    order_offers: Vec<Offer>,
    proposals: Vec<ProposalView>,
    from: Option<i64>,
}

pub(super) async fn one(
    State(context): State<PageContext>, visit: Visit, Path((_, id)): Path<(String, i64)>,
) -> Result<Response, Refusal> {
    let BreakRow { order, it } = visit.store.break_by_id(id).await?.ok_or(Refusal::NotFound("break"))?;
    let frame = Frame::around(&context, &visit, &format!("Break {id}"), Section::Breaks).await?;
    let dossier = visit.store.dossiers(vec![order]).await?.pop();
    let breaks = visit.store.breaks_of(order).await?;
    let proposals = standing(&visit, Some(order)).await?;
    let ids = Ids::of(&it, dossier.as_ref());
    let order_offers = dossier.map(|dossier| about_order(&visit.case(&dossier, &breaks, &proposals)));
    html(&BreakPage {
        frame,
        shop: visit.shop.to_string(),
        subject: plain(&it.subject),
        remedy: pieces(&plain(words::what_to_do(&it))),
        advice: advice(it.kind, &ids),
        offers: about_break(&it),
        order_offers: order_offers.unwrap_or_default(),
        proposals: views(&proposals, visit.currency),
        from: Some(it.id),
        it: BreakView::new(order, &it, &visit),
    })
}
