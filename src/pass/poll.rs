//! Asks the shop what changed, and reads it. Keeps what was said; concludes nothing.

mod lists;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::ready;
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::tally::{Tally, reason};
use super::{Options, Shop, observe};
use crate::report::Side;
use reconciled_core::answer::Unreadable;
use reconciled_core::id::OrderId;
use reconciled_core::money::Currency;
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_store::{Cursors, Identity, ShopRecord, Store, StoreError};

/// The shop is asked about itself once a day, and once by each process: its currency does not change under a running
/// shop, and who it is changes only with the address or the key.
const SHOP_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// Amounts that may be in any of several currencies are not read as if they were in one.
const NOT_ITS_DEFAULT: &str = "it says that its currency is not its default currency, and its documents name none, so \
                               their amounts may be in another; make the one it sells in the default";

/// Orders read at the same time. Lightspeed allows 20 requests a second per key.
const READS_AT_ONCE: usize = 8;

/// How often one order is asked for in one reading.
const ASKED_AT_MOST: u32 = 2;

/// Why an order that answered is unread all the same.
const INCOMPLETE: &str = "the shop's answer lacks what its own lists named of the order, a credit invoice or its last \
                          change; it is asked again in every pass";

/// Orders read before what was said is kept.
const KEEP_EVERY: u32 = 64;

/// Who the shop is and in which currency it sells. `None` when that is not known: then nothing else can be.
pub(super) async fn shop<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, tally: &mut Tally<'_>,
) -> Result<Option<Currency>, StoreError> {
    tally.progress.stage("asking the shop");
    let place = format!("{} {}", shop.name, shop.lightspeed.place());
    let known = shop.store.shop().await?;
    if let Some(record) = &known {
        shop.store.bind(identified(shop, record.clone())).await?;
        let is_met = shop.acquainted.is(&place) || planted!("identity_is_believed");
        if is_met && tally.started_at.duration_since(record.read_at) < SHOP_LIFE {
            tally.currency = Some(record.currency);
            return Ok(tally.currency);
        }
    }
    match shop.lightspeed.shop().await {
        Ok(info) if info.is_default_currency == Some(false) => tally.not_checked("the shop", NOT_ITS_DEFAULT),
        Ok(info) => match info.currency.parse::<Currency>() {
            Ok(currency) => {
                let identity = identity(shop, info.id);
                shop.store.bind(ShopRecord { identity, currency, read_at: tally.started_at }).await?;
                shop.acquainted.now(place);
                tally.currency = Some(currency);
            }
            Err(unknown) => {
                tally.not_checked("the shop", format!("it sells in a currency that is not known here: {unknown}"))
            }
        },
        Err(why) => tally.lists_failed("the shop", &why),
    }
    Ok(tally.currency)
}

fn identity<S, T: Transport, C: Clock>(shop: &Shop<S, T, C>, shop_id: String) -> Identity {
    Identity {
        cluster: shop.cluster.clone(),
        environment: shop.environment.clone(),
        region: shop.region.clone(),
        shop_id,
    }
}

/// What the store knows of the shop, under the environment that the configuration names now.
fn identified<S, T: Transport, C: Clock>(shop: &Shop<S, T, C>, record: ShopRecord) -> ShopRecord {
    ShopRecord { identity: identity(shop, record.identity.shop_id), ..record }
}

/// Lists what changed and remembers which orders must be read. With `--order`, finds that order only, and returns
/// its id. Orders that the lists named and nothing could read join `failed`.
pub(super) async fn changes<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, options: &Options, currency: Currency, failed: &mut BTreeSet<OrderId>, tally: &mut Tally<'_>,
) -> Result<Option<BTreeSet<OrderId>>, StoreError> {
    if let Some(number) = &options.order {
        return Ok(Some(one(shop, number, tally).await?));
    }
    tally.progress.stage("listing what changed");
    let cursors = shop.store.cursors().await?.no_later_than(tally.started_at);
    let since = |cursor: Option<Timestamp>| options.since.or(cursor.filter(|_| !options.full));
    let mut moved = cursors;
    match lists::orders(shop, since(cursors.orders), &tally.stop).await? {
        Ok(mut listing) => {
            listing.say_if_short("orders", tally);
            lists::orders_apart(shop, &mut listing, currency, failed, tally).await?;
            moved.orders = listing.cursor(cursors.orders);
        }
        Err(why) => tally.lists_failed("the list of changed orders", &why),
    }
    if tally.lists_were_read() {
        match lists::invoices(shop, since(cursors.invoices), &tally.stop).await? {
            Ok(mut listing) => {
                listing.say_if_short("invoices", tally);
                lists::invoices_apart(shop, &mut listing, tally).await?;
                moved.invoices = listing.cursor(cursors.invoices);
            }
            Err(_) if planted!("unread_is_clean") => {}
            Err(why) => tally.lists_failed("the list of changed invoices", &why),
        }
    }
    // A look back with `--since` must not move a cursor over what it did not list.
    let is_gapless = options.since.is_none_or(|since| cursors.orders.is_some_and(|cursor| since <= cursor));
    if planted!("cursor_runs_ahead") {
        let ahead = tally.started_at.checked_add(SHOP_LIFE).ok();
        shop.store.advance(Cursors { orders: ahead, invoices: ahead }).await?;
    } else if tally.lists_were_read() && is_gapless {
        shop.store.advance(moved.no_later_than(tally.started_at)).await?;
    }
    if options.full && tally.lists_were_read() {
        shop.store.reread(tally.started_at).await?;
    }
    Ok(None)
}

async fn one<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, number: &str, tally: &mut Tally<'_>,
) -> Result<BTreeSet<OrderId>, StoreError> {
    match shop.lightspeed.find_order(number).await {
        Ok(Some(listed)) => {
            let id = listed.id;
            shop.store.listed(vec![listed], Vec::new()).await?;
            return Ok(BTreeSet::from([id]));
        }
        Ok(None) => tally.not_checked(format!("order {number}"), "the shop has no order of this number"),
        Err(why) => tally.lists_failed(&format!("order {number}"), &why),
    }
    Ok(BTreeSet::new())
}

/// What was read before everything else.
pub(super) struct Urgent {
    pub(super) read: Vec<OrderId>,
    /// No further read of the shop makes sense in this pass.
    pub(super) ends: bool,
}

/// Reads the orders of which a list named an unpaid credit invoice, newest change first: consumers wait for money there,
/// whatever else changed. Those that could not be read join `failed`.
pub(super) async fn urgent<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, currency: Currency, failed: &mut BTreeSet<OrderId>, tally: &mut Tally<'_>,
) -> Result<Urgent, StoreError> {
    tally.progress.stage("reading orders with unpaid credit invoices");
    let (mut asked, mut ends) = (failed.clone(), false);
    while !ends && !tally.stop.is_asked() {
        let batch = first_of(shop.store.urgent(limit_beside(&asked)).await?, &asked);
        if batch.is_empty() {
            break;
        }
        ends = read(shop, currency, &batch, failed, tally).await?;
        asked.extend(batch);
    }
    // One whose answer is older than what the list named is as unread as before.
    let unread: BTreeSet<OrderId> = shop.store.urgent(u32::MAX).await?.into_iter().collect();
    let read = asked.into_iter().filter(|order| !failed.contains(order) && !unread.contains(order)).collect();
    Ok(Urgent { read, ends })
}

/// Reads the orders that changed: those with an unpaid credit invoice first, then the oldest change first. Returns those
/// that could not be read, with those that had `failed` before: nothing is decided about them. `ends`: as in [`Urgent`].
pub(super) async fn orders<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, currency: Currency, tally: &mut Tally<'_>, only: Option<&BTreeSet<OrderId>>,
    mut failed: BTreeSet<OrderId>, mut ends: bool,
) -> Result<BTreeSet<OrderId>, StoreError> {
    tally.progress.stage("reading changed orders");
    let mut asked = BTreeMap::new();
    loop {
        if ends || tally.stop.is_asked() {
            return rest_unread(shop, failed, tally).await;
        }
        let batch = match only {
            Some(only) => only.difference(&failed).copied().collect(),
            None => next(shop, &failed).await?,
        };
        if batch.is_empty() {
            return Ok(failed);
        }
        let batch = not_asked_in_vain(batch, &mut asked, &mut failed, tally);
        ends = read(shop, currency, &batch, &mut failed, tally).await?;
        if let Some(only) = only.filter(|_| !ends && !tally.stop.is_asked()) {
            let unread = shop.store.unread(u32::MAX).await?;
            for order in unread.into_iter().filter(|order| only.contains(order) && failed.insert(*order)) {
                tally.unanswered(Side::Lightspeed, named(order), INCOMPLETE);
            }
            return Ok(failed);
        }
    }
}

/// Those of the orders that were not asked for twice already. An answer that is older than what a list named, or lacks
/// what it named, leaves its order unread, and a third would be no better.
fn not_asked_in_vain(
    batch: Vec<OrderId>, asked: &mut BTreeMap<OrderId, u32>, failed: &mut BTreeSet<OrderId>, tally: &mut Tally<'_>,
) -> Vec<OrderId> {
    let (mut fresh, mut vain) = (Vec::with_capacity(batch.len()), Vec::new());
    for order in batch {
        let times = asked.entry(order).or_insert(0);
        *times = times.saturating_add(1);
        if *times > ASKED_AT_MOST { vain.push(order) } else { fresh.push(order) }
    }
    for order in vain {
        failed.insert(order);
        tally.unanswered(Side::Lightspeed, named(order), INCOMPLETE);
    }
    fresh
}

/// The orders to read next.
async fn next<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, failed: &BTreeSet<OrderId>,
) -> Result<Vec<OrderId>, StoreError> {
    let urgent = first_of(shop.store.urgent(limit_beside(failed)).await?, failed);
    if urgent.is_empty() {
        return Ok(first_of(shop.store.unread(limit_beside(failed)).await?, failed));
    }
    Ok(urgent)
}

/// So many that some are left without these.
fn limit_beside(known: &BTreeSet<OrderId>) -> u32 {
    KEEP_EVERY.saturating_add(u32::try_from(known.len()).unwrap_or(u32::MAX))
}

fn first_of(orders: Vec<OrderId>, known: &BTreeSet<OrderId>) -> Vec<OrderId> {
    orders.into_iter().filter(|order| !known.contains(order)).collect()
}

/// Reads these orders and keeps what was said. `true` when no further read makes sense now.
async fn read<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, currency: Currency, batch: &[OrderId], failed: &mut BTreeSet<OrderId>, tally: &mut Tally<'_>,
) -> Result<bool, StoreError> {
    let began = shop.clock.now();
    let goes_on = stream::iter(batch.iter().copied()).take_while(|_| ready(!tally.stop.is_asked()));
    let answers = goes_on.map(|id| async move { (id, shop.lightspeed.order(id, currency).await) });
    let answers: Vec<_> = answers.buffer_unordered(READS_AT_ONCE).collect().await;
    let count = answers.len();
    let ends = observe::keep(shop, answers, began, failed, tally).await?;
    tally.progress.advance(u64::try_from(count).unwrap_or(u64::MAX));
    Ok(ends)
}

/// The account refuses or its budget is spent: everything that is still unread waits for another pass.
async fn rest_unread<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, mut failed: BTreeSet<OrderId>, tally: &mut Tally<'_>,
) -> Result<BTreeSet<OrderId>, StoreError> {
    let rest = shop.store.unread(u32::MAX).await?;
    let further = rest.iter().filter(|order| !failed.contains(order)).count();
    if further > 0 {
        tally.not_checked(format!("{further} further changed orders"), "left for the next pass");
    }
    failed.extend(rest);
    Ok(failed)
}

/// Names an order for a message; its number is not known before it was read.
pub(super) fn unread(id: OrderId, why: &Unreadable) -> (String, String) {
    (named(id), reason(why))
}

pub(super) fn named(id: OrderId) -> String {
    format!("the order with id {id}")
}
