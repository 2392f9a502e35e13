//! Walks the shop's lists of changed orders and invoices, page by page, and remembers what they name.
//!
//! A row that is not what it must be is no reason to lose the rest of its list: what it stands for is read by itself.
//! What that does not show either is named, and the cursor stays before it, so that the next pass meets it again.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::super::tally::{Tally, asked_to_end, reason};
use super::super::{Shop, Stop, observe};
use super::READS_AT_ONCE;
use crate::report::Side;
use reconciled_core::answer::Unreadable;
use reconciled_core::id::{InvoiceId, OrderId};
use reconciled_core::money::Currency;
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_sides::lightspeed::{BadRow, ListPage, Page};
use reconciled_store::{Store, StoreError};

/// Rows of one list that are read by themselves in one pass. A list with more of them is not a list with a few bad
/// rows, and its calls are better spent otherwise.
const READ_APART: usize = 50;

/// What a list gave that was walked to its end.
#[derive(Default)]
pub(super) struct Listing {
    /// The newest change that was seen.
    newest: Option<Timestamp>,
    bad: Vec<BadRow>,
    /// How many rows the shop counts, and how many it showed, where those are fewer.
    short: Option<(u64, u64)>,
}

/// Or why it could not be walked to its end.
pub(super) type Listed = Result<Listing, Unreadable>;

impl Listing {
    /// Where the cursor may stand: never after a row that nothing could read.
    /// Says that the shop counts more rows than its list shows. The next whole listing counts them again.
    pub(super) fn say_if_short(&self, list: &str, tally: &mut Tally<'_>) {
        let Some((counted, shown)) = self.short else { return };
        let why =
            format!("the shop counts {counted} {list}, and its list shows {shown}, also when it is asked once more");
        tally.unanswered(Side::Lightspeed, format!("the list of {list}"), why);
    }

    pub(super) fn cursor(&self, before: Option<Timestamp>) -> Option<Timestamp> {
        let seen = self.newest.or(before);
        self.bad.iter().fold(seen, |cursor, row| match row.updated_at {
            Some(changed) => cursor.map(|cursor| cursor.min(changed)),
            None => before.and(cursor.min(before)),
        })
    }
}

pub(super) async fn orders<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, since: Option<Timestamp>, wish: &Stop,
) -> Result<Listed, StoreError> {
    let read = async |page: Page| shop.lightspeed.orders_page(since, &page).await;
    let keep = async |rows| shop.store.listed(rows, Vec::new()).await;
    let count = async || if since.is_none() { shop.lightspeed.count("orders").await } else { None };
    walk(wish, read, |row| row.updated_at, keep, count).await
}

pub(super) async fn invoices<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, since: Option<Timestamp>, wish: &Stop,
) -> Result<Listed, StoreError> {
    let read = async |page: Page| shop.lightspeed.invoices_page(since, &page).await;
    let keep = async |rows| shop.store.listed(Vec::new(), rows).await;
    let count = async || if since.is_none() { shop.lightspeed.count("invoices").await } else { None };
    walk(wish, read, |row| row.updated_at, keep, count).await
}

/// Reads page after page and keeps each before the next is asked for. A list of several pages is counted behind the first of
/// them, where the shop gives a count, and one that then shows fewer rows is walked once more.
async fn walk<R>(
    wish: &Stop, read: impl AsyncFn(Page) -> Result<ListPage<R>, Unreadable>, changed: impl Fn(&R) -> Timestamp,
    keep: impl AsyncFn(Vec<R>) -> Result<(), StoreError>, count: impl AsyncFn() -> Option<u64>,
) -> Result<Listed, StoreError> {
    let mut next = Some(Page::first());
    let mut listing = Listing::default();
    let (mut counted, mut seen, mut walks) = (None, BTreeSet::new(), 1_u32);
    while let Some(page) = next {
        if wish.is_asked() {
            return Ok(Err(asked_to_end()));
        }
        match read(page).await {
            Ok(answer) => {
                listing.newest = answer.rows.iter().map(&changed).max().max(listing.newest);
                let nameless = answer.bad.iter().any(|row| row.id.is_none());
                listing.bad.extend(answer.bad);
                seen.extend(answer.ids);
                next = answer.next;
                keep(answer.rows).await?;
                if page == Page::first() && next.is_some() && walks == 1 {
                    counted = count().await;
                }
                // Rows without an id cannot be told apart, and are named by themselves.
                counted = counted.filter(|_| !nameless);
                let shown = u64::try_from(seen.len()).unwrap_or(u64::MAX);
                if let Some(counted) = counted.filter(|counted| next.is_none() && *counted > shown) {
                    listing.short = (walks > 1).then_some((counted, shown));
                    if walks == 1 {
                        (next, listing.bad) = (Some(Page::first()), Vec::new());
                    }
                    walks = walks.saturating_add(1);
                }
            }
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(listing))
}

/// Reads the orders of bad rows by themselves. What stays is named; orders among it join `failed`.
pub(super) async fn orders_apart<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, listing: &mut Listing, currency: Currency, failed: &mut BTreeSet<OrderId>,
    tally: &mut Tally<'_>,
) -> Result<(), StoreError> {
    let began = shop.clock.now();
    let apart = ids(&listing.bad).take(READ_APART).map(OrderId);
    let answers = stream::iter(apart).map(|id| async move { (id, shop.lightspeed.order(id, currency).await) });
    let answers: Vec<_> = answers.buffer_unordered(READS_AT_ONCE).collect().await;
    let read: BTreeSet<OrderId> = answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(id, _)| *id).collect();
    observe::keep(shop, answers, began, failed, tally).await?;
    listing.bad.retain(|row| row.id.is_none_or(|id| !read.contains(&OrderId(id))));
    for row in &listing.bad {
        match row.id.map(OrderId) {
            Some(id) if failed.insert(id) => tally.unanswered(Side::Lightspeed, super::named(id), reason(&row.why)),
            Some(_) => {}
            None => tally.unanswered(Side::Lightspeed, place(row, "orders"), reason(&row.why)),
        }
    }
    Ok(())
}

/// Reads the invoices of bad rows by themselves. What stays is named.
pub(super) async fn invoices_apart<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, listing: &mut Listing, tally: &mut Tally<'_>,
) -> Result<(), StoreError> {
    let apart = ids(&listing.bad).take(READ_APART).map(InvoiceId);
    let answers = stream::iter(apart).map(|id| async move { (id.0, shop.lightspeed.invoice(id).await) });
    let answers: BTreeMap<_, _> = answers.buffer_unordered(READS_AT_ONCE).collect().await;
    let mut left = Vec::new();
    for row in std::mem::take(&mut listing.bad) {
        match row.id.and_then(|id| answers.get(&id).cloned()).unwrap_or_else(|| Err(row.why.clone())) {
            Ok(invoice) => shop.store.listed(Vec::new(), invoice.into_iter().collect()).await?,
            Err(why) => {
                let by_id = row.id.map(|id| format!("the invoice with id {id}"));
                tally.unanswered(Side::Lightspeed, by_id.unwrap_or_else(|| place(&row, "invoices")), reason(&why));
                left.push(row);
            }
        }
    }
    listing.bad = left;
    Ok(())
}

/// Each id once, in the order of the rows.
fn ids(rows: &[BadRow]) -> impl Iterator<Item = u64> {
    let mut seen = BTreeSet::new();
    rows.iter().filter_map(|row| row.id).filter(move |id| seen.insert(*id))
}

/// Names a row of which not even the id can be read.
fn place(row: &BadRow, list: &str) -> String {
    format!("row {} of page {} of the changed {list}", row.row, row.page)
}
