//! A look at recent orders: which payments count as Klarna's, where orders name their Klarna order, whether this
//! account knows them, and whether somebody else refunds.
//!
//! At most four lists and twenty orders are read. What is found is said; nothing is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::finding::Findings;
use crate::cli::Status;
use crate::cli::context::now;
use crate::cli::wire::{ShopStore, Sides};
use crate::config::Loaded;
use crate::report::words::count_of;
use reconciled_core::answer::Unreadable;
use reconciled_core::attribution::attribute;
use reconciled_core::facts::{KlarnaOrder, ShopOrder, ShopStatus};
use reconciled_core::ledger::Ledger;
use reconciled_core::money::Currency;
use reconciled_core::policy::{Mode, Policy};
use reconciled_sides::clock::{Clock as _, SystemClock};
use reconciled_sides::lightspeed::{Probed, RecentOrder};
use reconciled_store::Store as _;

/// How far back the first list goes.
const RECENT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// With fewer orders than these the list goes back as far as one page does.
const FEW: usize = 50;

/// How many orders are read one by one.
const LOOKED_AT: usize = 20;

/// Between two of those: a service beside this shares the key's twenty calls a second.
const BREATH: Duration = Duration::from_millis(100);

/// More kinds of payment than these are counted, not named.
const NAMED: usize = 8;

pub(super) async fn look(
    loaded: &Loaded, sides: &Sides, store: Option<&ShopStore>, currency: Currency, knows_klarna: bool,
    findings: &mut Findings,
) {
    let listed = match list(sides).await {
        Ok(listed) => listed,
        Err(why) => return findings.unread("payments", "the list of recent orders", &why),
    };
    payments(loaded, &listed, findings);
    let credited = sides.lightspeed.recently_credited(now().checked_sub(RECENT).ok()).await.unwrap_or_default();
    let mut candidates: Vec<&RecentOrder> = listed.iter().filter(|it| it.is_klarna != Some(false)).collect();
    // Stable: the newest of each kind stay in front.
    candidates.sort_by_key(|it| !credited.contains(&it.id));
    let mut probed = Vec::new();
    let mut unread = Vec::new();
    for order in candidates.into_iter().take(LOOKED_AT) {
        SystemClock.sleep(BREATH).await;
        match sides.lightspeed.probe(order.id, currency).await {
            Ok(found) if found.is_klarna => probed.push(found),
            Ok(_) => {}
            Err(why @ Unreadable::Refused(_)) => return findings.unread("payments", "an order", &why),
            Err(why) => unread.push((order.id, why)),
        }
    }
    if let Some((id, why)) = unread.first() {
        findings.unread("payments", &format!("{} (the first is {id})", count_of(count(unread.len()), "order")), why);
    }
    if probed.is_empty() {
        return;
    }
    places(loaded, &probed, findings);
    if knows_klarna {
        at_klarna(loaded, sides, store, &probed, findings).await;
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

async fn list(sides: &Sides) -> Result<Vec<RecentOrder>, Unreadable> {
    let recent = sides.lightspeed.recent_orders(now().checked_sub(RECENT).ok()).await?;
    if recent.len() >= FEW { Ok(recent) } else { sides.lightspeed.recent_orders(None).await }
}

/// How recent orders were paid, and which of that counts as Klarna's.
fn payments(loaded: &Loaded, listed: &[RecentOrder], findings: &mut Findings) {
    let mut kinds: BTreeMap<(&str, &str), (Option<bool>, i64)> = BTreeMap::new();
    for order in listed {
        let kind = (order.payment.0.as_str(), order.payment.1.as_str());
        let entry = kinds.entry(kind).or_insert((order.is_klarna, 0));
        entry.1 = entry.1.saturating_add(1);
        // The data may name Klarna where id and title do not: one such order is enough.
        entry.0 = entry.0.max(order.is_klarna);
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (_, orders))| std::cmp::Reverse(*orders));
    let named = |wanted: bool| {
        let of = kinds.iter().filter(|(_, (is_klarna, _))| (*is_klarna != Some(false)) == wanted);
        let mut names: Vec<String> =
            of.map(|((id, title), (_, orders))| format!("\"{title}\" ({id}): {orders}")).collect();
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        if more > 0 {
            names.push(format!("{more} more"));
        }
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let (klarnas, others) = (named(true), named(false));
    let looked = format!("of {}", count_of(count(listed.len()), "recent order"));
    let words = loaded.shop.matching.payment.join("\", \"");
    if listed.is_empty() {
        findings.warning(
            "payments",
            "the shop has no orders yet, so nothing could be tried",
            "check again once it has",
        );
    } else if klarnas == "none" {
        let name = loaded.shop.name.as_str();
        let remedy = format!("if one of these is Klarna's, add a word of it to [shops.{name}.match] payment");
        let message = format!("{looked} none counts as paid with Klarna (\"{words}\" is looked for); others: {others}");
        findings.warning("payments", message, remedy);
    } else {
        findings.ok("payments", format!("{looked}, paid with Klarna: {klarnas}; others: {others}"));
    }
    let rows = kinds.iter().map(|((id, title), (is_klarna, orders))| {
        json!({"payment_id": id, "payment_title": title, "klarna": *is_klarna != Some(false), "orders": orders})
    });
    findings.details(json!({"orders": listed.len(), "payments": rows.collect::<Vec<_>>()}));
}

/// In how many of the orders each configured place names a Klarna order.
fn places(loaded: &Loaded, probed: &[Probed], findings: &mut Findings) {
    let sources = &loaded.shop.matching.klarna_order_id;
    let in_place = |index: usize| probed.iter().filter(|it| it.found.get(index).is_some_and(Option::is_some)).count();
    let figures: Vec<(String, usize)> =
        sources.iter().enumerate().map(|(index, source)| (source.to_string(), in_place(index))).collect();
    let figures_text =
        figures.iter().map(|(source, orders)| format!("{source} {orders}")).collect::<Vec<_>>().join(", ");
    let linked = probed.iter().filter(|it| it.order.klarna_order_id.is_some()).count();
    let message = format!(
        "of {} paid with Klarna and looked at, {linked} named their Klarna order ({figures_text})",
        count_of(count(probed.len()), "order"),
    );
    let name = loaded.shop.name.as_str();
    let remedy =
        format!("see in the back office where the id is, and name that place in [shops.{name}.match] klarna_order_id");
    if linked == probed.len() {
        findings.ok("klarna ids", message);
    } else {
        findings.warning("klarna ids", message, remedy);
    }
    let places = figures.iter().map(|(source, orders)| json!({"source": source, "orders": orders}));
    findings.details(json!({"orders": probed.len(), "linked": linked, "places": places.collect::<Vec<_>>()}));
}

/// What Klarna says of those orders: whether it knows them, and refunds that nobody here asked for.
async fn at_klarna(
    loaded: &Loaded, sides: &Sides, store: Option<&ShopStore>, probed: &[Probed], findings: &mut Findings,
) {
    let (mut known, mut missing, mut foreign) = (Vec::new(), 0_i64, 0_i64);
    for Probed { order, .. } in probed {
        let Some(id) = &order.klarna_order_id else { continue };
        match sides.klarna.order(id).await {
            Ok(klarna) => known.push((order, klarna)),
            Err(Unreadable::NotFound(_)) => missing = missing.saturating_add(1),
            Err(why) => {
                return findings.unread("klarna orders", &format!("the Klarna order of {}", order.number), &why);
            }
        }
    }
    if known.is_empty() && missing == 0 {
        return;
    }
    let all = missing.saturating_add(count(known.len()));
    let environment = loaded.shop.klarna.environment.name();
    let remedy = "are the credentials of the account and environment that this shop sells with?";
    if missing == 0 {
        findings.ok("klarna orders", format!("Klarna knows {} ({environment})", count_of(all, "order")));
    } else if known.is_empty() {
        let message = format!("this account knows none of {} ({environment})", count_of(all, "order"));
        findings.problem("klarna orders", Status::USAGE, message, remedy);
    } else {
        let message = format!("this account does not know {missing} of {} ({environment})", count_of(all, "order"));
        findings.warning("klarna orders", message, remedy);
    }
    findings.details(json!({"known": known.len(), "missing": missing}));
    for (order, klarna) in &known {
        foreign = foreign.saturating_add(by_others(loaded, store, order, klarna).await);
    }
    another_actor(loaded, foreign, known.len(), findings);
}

/// Refunds that carry no reference of ours, that we did not make, and that fit a credit invoice to the cent.
async fn by_others(loaded: &Loaded, store: Option<&ShopStore>, order: &ShopOrder, klarna: &KlarnaOrder) -> i64 {
    let mut ledger = Ledger::new(loaded.shop.name.clone());
    if let Some(store) = store
        && let Ok(dossiers) = store.dossiers(vec![order.id]).await
        && let Some(dossier) = dossiers.into_iter().next()
    {
        ledger = dossier.ledger;
    }
    // As if we drove refunds and took nobody's word: then only what is ours is attributed.
    let policy =
        Policy { refunds: Mode::Drive, cancels: Mode::Drive, adopt_exact: false, ..loaded.shop.policy.clone() };
    let is_cancelled = order.status.is(&ShopStatus::Cancelled);
    let attributed = attribute(&ledger, order, klarna, &policy, is_cancelled);
    let fits = |amount| order.credit_invoices.iter().any(|credit| credit.amount == Ok(amount));
    count(attributed.unattributed.iter().filter(|refund| fits(refund.amount)).count())
}

fn another_actor(loaded: &Loaded, foreign: i64, orders: usize, findings: &mut Findings) {
    let refunds = loaded.shop.policy.refunds;
    let among = format!("among {}", count_of(count(orders), "order"));
    let seen = format!(
        "{} of a credit invoice's exact amount that this program did not make, {among}",
        count_of(foreign, "refund")
    );
    match (foreign, refunds) {
        (0, _) => findings.ok("other actors", format!("no refund of a credit invoice by somebody else {among}")),
        (_, Mode::Verify | Mode::Off) => findings.ok("other actors", format!("{seen}; refunds are not ours to make")),
        (_, Mode::Drive) => findings.warning(
            "other actors",
            format!("{seen}: somebody else refunds, and two who refund are the commonest way to refund twice"),
            format!("set refunds = \"verify\" in [shops.{}.policy], or stop the other one", loaded.shop.name),
        ),
    }
    findings.details(json!({"refunds": foreign, "orders": orders}));
}
