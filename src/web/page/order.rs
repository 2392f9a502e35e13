//! One order: what both sides say, side by side, what was made of it, what can be decided, and its whole life.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::PageContext;
use super::breaks::BreakView;
use super::consent::{ProposalView, standing, views};
use super::frame::{Frame, Section, When, html, maybe_when, money, plain, spoken, when};
use super::offers::{Offer, about_order, is_open};
use super::refusal::Refusal;
use super::session::Flash;
use super::timeline::{Entry, timeline};
use super::visit::Visit;
use crate::report::json::refund_id;
use crate::report::show::{Life, fraud, klarna_status, settles, shipped, shop_status};
use crate::report::words;
use reconciled_core::facts::{KlarnaOrder, Said, ShopOrder};
use reconciled_core::id::{OrderId, Reference};
use reconciled_core::intent::Intent;
use reconciled_core::ledger::Attribution;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::Store as _;
use reconciled_store::pages::Pages as _;

#[derive(Template)]
#[template(path = "page/order.html")]
struct OrderPage {
    frame: Frame,
    shop: String,
    number: String,
    state: String,
    class: &'static str,
    klarna_id: Option<String>,
    hold: Option<String>,
    shared_with: Vec<String>,
    breaks: Vec<BreakView>,
    klarna_read: bool,
    facts: Vec<FactView>,
    made: Vec<MadeView>,
    credits: Vec<CreditView>,
    intents: Vec<IntentView>,
    timeline: Vec<Entry>,
    order_offers: Vec<Offer>,
    proposals: Vec<ProposalView>,
    from: Option<i64>,
}

/// One thing that both sides say something about.
struct FactView {
    name: &'static str,
    shop: String,
    klarna: String,
    differs: bool,
}

struct MadeView {
    what: &'static str,
    amount: String,
    reference: String,
    when: Option<When>,
    id: String,
    settles: String,
}

struct CreditView {
    number: String,
    state: String,
    class: &'static str,
    amount: String,
    in_shop: &'static str,
    refund: String,
    created: When,
}

struct IntentView {
    what: &'static str,
    amount: String,
    reference: String,
    state: &'static str,
    id: String,
    key: Option<String>,
    attempts: String,
    planned: When,
    ended: Option<When>,
    answer: String,
}

#[derive(Deserialize)]
pub(super) struct Sought {
    #[serde(default)]
    number: String,
}

/// Leads to an order by any of its numbers.
pub(super) async fn find(
    State(context): State<PageContext>, visit: Visit, Query(Sought { number }): Query<Sought>,
) -> Result<Response, Refusal> {
    let number = number.trim().to_owned();
    let shop = &visit.shop;
    let Some(order) = visit.store.find(number.clone()).await?.first().map(|it| it.order) else {
        let text = format!("No order or credit invoice {} is known; has a pass seen it?", plain(&number));
        visit.visitor.tell(&context, Flash { failed: true, text, note: String::new() });
        return Ok(Redirect::to(&format!("/shops/{shop}")).into_response());
    };
    Ok(Redirect::to(&format!("/shops/{shop}/orders/{order}")).into_response())
}

pub(super) async fn show(
    State(context): State<PageContext>, visit: Visit, Path((_, id)): Path<(String, u64)>,
) -> Result<Response, Refusal> {
    let order = OrderId(id);
    let dossier = visit.store.dossiers(vec![order]).await?.pop().ok_or(Refusal::NotFound("order"))?;
    let breaks = visit.store.breaks_of(order).await?;
    let journal = visit.store.history(order).await?;
    let number = plain(dossier.shop.number.as_str());
    let frame = Frame::around(&context, &visit, &format!("Order {number}"), Section::Order).await?;
    let proposals = standing(&visit, Some(order)).await?;
    let order_offers = about_order(&visit.case(&dossier, &breaks, &proposals));
    let life = Life { currency: visit.currency, now: visit.now, dossier, journal, breaks };
    let ledger = &life.dossier.ledger;
    let shared = life.dossier.shared_with(life.dossier.shop.klarna_order_id.as_ref());
    html(&OrderPage {
        frame,
        shop: visit.shop.to_string(),
        number,
        state: spoken(ledger.order.name()),
        class: ledger.order.name(),
        klarna_id: life.dossier.shop.klarna_order_id.as_ref().map(|id| plain(id.as_str())),
        hold: ledger.hold.as_deref().map(plain),
        shared_with: shared.iter().map(|number| plain(number.as_str())).collect(),
        breaks: life.breaks.iter().filter(|it| is_open(it)).map(|it| BreakView::new(order, it, &visit)).collect(),
        klarna_read: life.dossier.klarna.is_some(),
        facts: facts(&life),
        made: made(&life),
        credits: credits(&life),
        intents: ledger.intents.iter().rev().map(|it| intent_view(it, life.currency)).collect(),
        timeline: timeline(&life),
        order_offers,
        proposals: views(&proposals, visit.currency),
        from: None,
    })
}

fn said(said: &Said, currency: Option<Currency>) -> String {
    said.as_ref().map_or_else(|text| format!("“{}”, which is no amount", plain(text)), |it| money(Some(*it), currency))
}

fn facts(life: &Life) -> Vec<FactView> {
    let (shop, klarna) = (&life.dossier.shop, life.dossier.klarna.as_ref().map(|(order, _)| order));
    let klarnas = |tell: &dyn Fn(&KlarnaOrder) -> String| klarna.map_or_else(|| "–".to_owned(), tell);
    let row = |name, shop, klarna, differs| FactView { name, shop, klarna, differs };
    let total = shop.total.as_ref().ok().copied();
    let amount_differs = klarna.is_some_and(|order| total.is_some_and(|total| total != order.order_amount));
    let credited = credited(shop);
    let refunds_differ = klarna.is_some_and(|order| order.refunded_at_least() != credited);
    let read_at = life.dossier.klarna.as_ref().map(|(_, at)| when(*at).human);
    vec![
        row(
            "Amount",
            said(&shop.total, life.currency),
            klarnas(&|it| money(Some(it.order_amount), life.currency)),
            amount_differs,
        ),
        row("Status", spoken(&shop_status(&shop.status)), klarnas(&|it| spoken(&klarna_status(&it.status))), false),
        row(
            "Shipped / captured",
            spoken(&shipped(&shop.shipped)),
            klarnas(&|it| money(Some(it.captured), life.currency)),
            false,
        ),
        row(
            "Credited / refunded",
            money(Some(credited), life.currency),
            klarnas(&|it| money(Some(it.refunded_at_least()), life.currency)),
            refunds_differ,
        ),
        row(
            "Payment / still authorized",
            if shop.paid { "paid" } else { "not paid" }.to_owned(),
            klarnas(&|it| money(Some(it.remaining), life.currency)),
            false,
        ),
        row(
            "Fraud check",
            "–".to_owned(),
            klarnas(&|it| it.fraud.as_ref().map_or_else(|| "–".to_owned(), |word| spoken(&fraud(word)))),
            false,
        ),
        row(
            "Authorized until",
            "–".to_owned(),
            klarnas(&|it| maybe_when(it.expires_at).map_or_else(|| "–".to_owned(), |at| at.human)),
            false,
        ),
        row("Last changed / read", when(shop.updated_at).human, read_at.unwrap_or_else(|| "never".to_owned()), false),
    ]
}

/// What the shop's credit invoices add up to, as far as they name amounts.
fn credited(shop: &ShopOrder) -> Minor {
    shop.credit_invoices.iter().filter_map(|credit| credit.amount.as_ref().ok().copied()).collect()
}

/// The captures and refunds at Klarna, each with what it settles.
fn made(life: &Life) -> Vec<MadeView> {
    let Some((order, _)) = &life.dossier.klarna else { return Vec::new() };
    let reference = |it: &Option<Reference>| it.as_ref().map_or_else(|| "–".to_owned(), |it| plain(it.as_str()));
    let captures = order.captures.iter().map(|it| MadeView {
        what: "capture",
        amount: money(Some(it.amount), life.currency),
        reference: reference(&it.reference),
        when: maybe_when(it.captured_at),
        id: plain(it.id.as_str()),
        settles: String::new(),
    });
    let refunds = order.refunds.iter().map(|it| MadeView {
        what: "refund",
        amount: money(Some(it.amount), life.currency),
        reference: reference(&it.reference),
        when: maybe_when(it.refunded_at),
        id: plain(it.id.as_str()),
        settles: settled(life, &it.id),
    });
    captures.chain(refunds).collect()
}

fn settled(life: &Life, refund: &reconciled_core::id::RefundId) -> String {
    let ledger = &life.dossier.ledger;
    if let Some(to) = ledger.adopted.get(refund) {
        let by = if *to == Attribution::RuledOut { "" } else { ", said a human" };
        return format!("{}{by}", plain(&settles(&life.dossier, life.currency, to)));
    }
    let proven = ledger.credits.values().find(|record| refund_id(&record.state) == Some(refund));
    proven.map_or_else(|| "not explained".to_owned(), |record| plain(record.number.as_str()))
}

fn credits(life: &Life) -> Vec<CreditView> {
    let view = |(id, record): (&reconciled_core::id::InvoiceId, &reconciled_core::ledger::CreditRecord)| {
        let facts = life.dossier.shop.credit_invoices.iter().find(|facts| facts.id == *id);
        let now = facts.and_then(|facts| facts.amount.as_ref().ok().copied()).or(record.amount);
        CreditView {
            number: plain(record.number.as_str()),
            state: spoken(record.state.name()),
            class: record.state.name(),
            amount: money(now, life.currency),
            in_shop: match facts {
                Some(facts) if facts.paid.is(&true) => "paid",
                Some(_) => "not paid",
                None => "not there any more",
            },
            refund: refund_id(&record.state).map_or_else(|| "–".to_owned(), |id| plain(id.as_str())),
            created: when(record.created_at),
        }
    };
    life.dossier.ledger.credits.iter().map(view).collect()
}

fn intent_view(it: &Intent, currency: Option<Currency>) -> IntentView {
    IntentView {
        what: words::effect(it.effect.kind),
        amount: money(Some(it.effect.amount), currency),
        reference: plain(it.effect.reference.as_str()),
        state: it.state.name(),
        id: it.id.to_string(),
        key: it.effect.kind.is_klarna().then(|| it.key.to_string()),
        attempts: words::count_of(it.attempts, "attempt"),
        planned: when(it.planned_at),
        ended: maybe_when(it.ended_at),
        answer: it.said.as_ref().map_or_else(String::new, |said| plain(&said.in_a_sentence())),
    }
}
