//! How every shop stands, and one shop at a glance: what needs a human, both sides, budgets, the last passes.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::frame::{Frame, Section, When, capital, html, maybe_when, money, plain, when};
use super::lists::{PassLine, pass_lines};
use super::refusal::Refusal;
use super::visit::{Visit, Visitor};
use super::{PageContext, ServedShop, consent};
use crate::daemon::board::ShopActivity;
use crate::report::{Calls, words};
use crate::web::health;
use reconciled_core::discrepancy::Severity;
use reconciled_core::id::ShopName;
use reconciled_core::money::{Currency, Minor};
use reconciled_core::policy::Mode;
use reconciled_sides::http::ReadWrite;
use reconciled_store::pages::{BreakFilter, BreakRow, Pages as _, Switch};
use reconciled_store::{OpenBreaks, Standing, Store as _, StoreError};

/// Shops of one page; each is read from its store.
const SHOPS: usize = 25;

/// The passes that an overview shows.
const PASSES: u32 = 6;

#[derive(Template)]
#[template(path = "page/shops.html")]
struct ShopsPage {
    frame: Frame,
    shops: Vec<ShopLine>,
    next: Option<String>,
}

struct ShopLine {
    name: String,
    stopped: bool,
    trouble: Option<String>,
    open_breaks: Option<u64>,
    at_stake: String,
    oldest: Option<String>,
    complete: Option<When>,
}

#[derive(Deserialize)]
pub(super) struct From {
    after: Option<String>,
}

/// The only shop there is, or all of them.
pub(super) async fn show(
    State(context): State<PageContext>, visitor: Visitor, Query(From { after }): Query<From>,
) -> Result<Response, Refusal> {
    let access = context.access().ok_or(Refusal::Off)?;
    if let (1, Some(only)) = (access.shops.len(), access.shops.keys().next()) {
        return Ok(Redirect::to(&format!("/shops/{only}")).into_response());
    }
    let board = context.board.lines();
    let behind = access.shops.iter().filter(|(name, _)| after.as_deref().is_none_or(|after| name.as_str() > after));
    let wanted: Vec<_> = behind.take(SHOPS.saturating_add(1)).collect();
    let mut shops = Vec::new();
    for (name, served) in wanted.iter().take(SHOPS) {
        // One store that cannot be read hides no other shop.
        let line = match stands(&context, served, name).await {
            Ok((standing, currency)) => shop_line(name, &standing, currency, board.get(*name)),
            Err(why) => unreadable(name, &why),
        };
        shops.push(line);
    }
    let next = (wanted.len() > SHOPS).then(|| shops.last().map(|shop| shop.name.clone())).flatten();
    html(&ShopsPage { frame: Frame::around_all(&context, &visitor, "Shops")?, shops, next })
}

async fn stands(
    context: &PageContext, served: &ServedShop, name: &ShopName,
) -> Result<(Standing, Option<Currency>), StoreError> {
    let store = context.stores.store(served, name).await?;
    Ok((store.standing().await?, store.shop().await?.map(|record| record.currency)))
}

fn unreadable(name: &ShopName, why: &StoreError) -> ShopLine {
    ShopLine {
        name: name.to_string(),
        stopped: false,
        trouble: Some(plain(&why.to_string())),
        open_breaks: None,
        at_stake: "–".to_owned(),
        oldest: None,
        complete: None,
    }
}

fn shop_line(
    name: &ShopName, standing: &Standing, currency: Option<Currency>, line: Option<&ShopActivity>,
) -> ShopLine {
    let now = reconciled_sides::clock::Clock::now(&reconciled_sides::clock::SystemClock);
    ShopLine {
        name: name.to_string(),
        stopped: standing.stopped,
        trouble: line.and_then(|line| health::lateness(line, now)).map(|why| plain(&why)),
        open_breaks: Some(standing.open_breaks()),
        at_stake: money(Some(at_stake(standing, None)), currency),
        oldest: standing.breaks.values().map(|open| open.oldest).min().map(|at| words::age(at, now)),
        complete: maybe_when(standing.last_complete),
    }
}

/// What open breaks name, of one severity or of both.
fn at_stake(standing: &Standing, severity: Option<Severity>) -> Minor {
    let wanted = standing.breaks.iter().filter(|(kind, _)| severity.is_none_or(|it| kind.severity() == it));
    wanted.map(|(_, open)| open.amount).collect()
}

fn count(standing: &Standing, severity: Severity) -> u64 {
    let wanted = standing.breaks.iter().filter(|(kind, _)| kind.severity() == severity);
    wanted.fold(0, |sum, (_, open)| sum.saturating_add(open.count))
}

#[derive(Template)]
#[template(path = "page/overview.html")]
struct OverviewPage {
    frame: Frame,
    shop: String,
    switch: Option<SwitchView>,
    verdict: &'static str,
    late: Option<String>,
    at_stake: String,
    money_breaks: u64,
    action_breaks: u64,
    oldest: Option<OldestView>,
    planned: u64,
    unknown: u64,
    unknown_since: Option<String>,
    proposals: Vec<consent::ProposalView>,
    sides: [SideView; 2],
    kinds: Vec<KindView>,
    passes: Vec<PassLine>,
    poll_due: Option<When>,
    policy: Vec<(&'static str, String)>,
}

struct SwitchView {
    since: Option<When>,
    actor: String,
    note: String,
}

struct OldestView {
    id: i64,
    what: &'static str,
    age: String,
}

struct SideView {
    name: &'static str,
    /// `None`: no pass since the service started.
    answered: Option<bool>,
    trouble: Option<String>,
    reads: u64,
    writes: u64,
    left: Vec<(String, i64)>,
}

struct KindView {
    name: &'static str,
    what: String,
    severity: &'static str,
    count: u64,
    amount: String,
    age: String,
}

pub(super) async fn one(State(context): State<PageContext>, visit: Visit) -> Result<Response, Refusal> {
    let frame = Frame::around(&context, &visit, &visit.shop.to_string(), Section::Overview).await?;
    let standing = visit.store.standing().await?;
    let switch = visit.store.switch().await?;
    let passes = visit.store.passes_page(None, PASSES).await?;
    let oldest = visit.store.breaks_page(BreakFilter::default(), None, 1).await?.pop();
    let due = visit.store.next_due().await?;
    let proposals = consent::standing(&visit, None).await?;
    let line = context.board.lines().remove(&visit.shop).unwrap_or_default();
    let (now, currency) = (visit.now, visit.currency);
    let open_of = |state| standing.intents.get(state).copied().unwrap_or(0);
    html(&OverviewPage {
        frame,
        shop: visit.shop.to_string(),
        switch: switch.stopped.then(|| stopped(&switch)),
        verdict: verdict(&standing, &line, now),
        late: health::lateness(&line, now).map(|why| plain(&why)),
        at_stake: money(Some(at_stake(&standing, None)), currency),
        money_breaks: count(&standing, Severity::Money),
        action_breaks: count(&standing, Severity::Action),
        oldest: oldest.map(|row| oldest_view(&row, now)),
        planned: open_of("planned").saturating_add(open_of("sending")),
        unknown: open_of("unknown"),
        unknown_since: standing.oldest_unknown.map(|at| words::age(at, now)),
        proposals: consent::views(&proposals, currency),
        sides: sides(&line),
        kinds: kinds(&standing, currency, now),
        passes: pass_lines(&passes, now),
        poll_due: due.map(|due| when(due.poll)),
        policy: policy(&visit),
    })
}

/// The first thing that people read, from the worst to the best.
fn verdict(standing: &Standing, line: &ShopActivity, now: Timestamp) -> &'static str {
    if standing.stopped {
        "Everything is stopped."
    } else if health::lateness(line, now).is_some() {
        "Not everything could be checked."
    } else if count(standing, Severity::Money) > 0 {
        "Money needs a human."
    } else if standing.open_breaks() > 0 {
        "Something needs a human."
    } else {
        "Both sides agree."
    }
}

fn stopped(switch: &Switch) -> SwitchView {
    let text = |text: &Option<String>| plain(text.as_deref().unwrap_or_default());
    SwitchView { since: maybe_when(switch.since), actor: text(&switch.actor), note: text(&switch.note) }
}

fn oldest_view(row: &BreakRow, now: Timestamp) -> OldestView {
    OldestView { id: row.it.id, what: words::break_kind(row.it.kind), age: words::age(row.it.opened_at, now) }
}

fn sides(line: &ShopActivity) -> [SideView; 2] {
    let last = line.last.as_ref();
    let Calls { lightspeed, klarna } = line.calls;
    let unanswered = last.map(|last| last.unanswered.clone()).unwrap_or_default();
    // A pass that could not even begin says nothing about either side.
    let ran = last.is_some_and(|last| last.complete || last.calls != Calls::default());
    let side = |name, calls: ReadWrite, trouble: Option<String>| SideView {
        name,
        answered: ran.then_some(trouble.is_none()),
        trouble: trouble.map(|why| plain(&why)),
        reads: calls.read,
        writes: calls.write,
        left: Vec::new(),
    };
    let mut shop = side("Lightspeed", lightspeed, unanswered.lightspeed);
    let windows = last.map(|last| last.calls_left.as_slice()).unwrap_or_default();
    shop.left = windows.iter().map(|(window, left)| (window_name(*window), *left)).collect();
    [shop, side("Klarna", klarna, unanswered.klarna)]
}

fn window_name(window: SignedDuration) -> String {
    let seconds = window.as_secs();
    match seconds {
        86_400 => "this day".to_owned(),
        3_600 => "this hour".to_owned(),
        1 => "this second".to_owned(),
        _ if seconds >= 60 => format!("these {}", words::count_of(seconds.div_euclid(60), "minute")),
        _ => format!("these {}", words::count_of(seconds, "second")),
    }
}

fn kinds(standing: &Standing, currency: Option<Currency>, now: Timestamp) -> Vec<KindView> {
    let mut open: Vec<_> = standing.breaks.iter().collect();
    open.sort_by_key(|(kind, open)| (kind.severity(), open.oldest));
    let view = |(kind, open): (&reconciled_core::discrepancy::BreakKind, &OpenBreaks)| KindView {
        name: kind.name(),
        what: capital(words::break_kind(*kind)),
        severity: kind.severity().name(),
        count: open.count,
        amount: money(Some(open.amount).filter(|amount| !amount.is_zero()), currency),
        age: words::age(open.oldest, now),
    };
    open.into_iter().map(view).collect()
}

fn policy(visit: &Visit) -> Vec<(&'static str, String)> {
    let (policy, currency) = (&visit.served.policy, visit.currency);
    let mode = |mode: Mode| match mode {
        Mode::Drive => "done here",
        Mode::Verify => "checked here, done elsewhere",
        Mode::Off => "left alone",
    };
    vec![
        ("Refunds", mode(policy.refunds).to_owned()),
        ("Marking paid", mode(policy.mark_paid).to_owned()),
        ("Cancels", mode(policy.cancels).to_owned()),
        ("Captures", mode(policy.captures).to_owned()),
        ("Most per order", money(Some(policy.refund_limit_per_order), currency)),
        ("Most per pass", money(Some(policy.refund_limit_per_pass), currency)),
        ("Most per day", money(Some(policy.refund_limit_per_day), currency)),
    ]
}
