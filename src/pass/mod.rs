//! One pass over one shop: poll → observe → decide → intend → act → record → report.
//!
//! The file to read second. A pass takes no input about what changed: whoever woke it, it asks both sides. It never
//! resumes anything: a crash at any point is just another set of facts for the next pass.

mod act;
mod attempt;
mod intend;
mod observe;
mod poll;
mod record;
mod round;
mod stop;
mod tally;
mod tell;
mod wake;

use std::collections::BTreeSet;
use std::pin::pin;

use futures_util::future::select;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::budget::Budget;
use crate::clock::Clock;
use crate::core::id::{OrderId, PassId, ShopName};
use crate::core::money::Currency;
use crate::core::policy::Policy;
use crate::http::Transport;
use crate::report::PassReport;
use crate::store::{Scope, Store, StoreError};
use crate::{klarna, lightspeed};
pub use stop::Stop;
use tally::Tally;
pub use tally::{Progress, Silent};

/// One shop with everything a pass over it needs.
pub struct Shop<S, T: Transport, C: Clock> {
    pub name: ShopName,
    /// `playground` or `production`; the store is bound to it.
    pub environment: String,
    pub region: String,
    pub policy: Policy,
    pub lightspeed: lightspeed::Client<T, C>,
    pub klarna: klarna::Client<T, C>,
    pub budgets: Vec<std::sync::Arc<Budget>>,
    pub store: S,
    pub clock: C,
}

/// What the one who woke the pass may ask of it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Plan and report; write nothing to either side.
    pub dry_run: bool,
    /// Look at this order only.
    pub order: Option<String>,
    /// List what changed since then, whatever the cursor says.
    pub since: Option<Timestamp>,
    /// Ignore the cursors, read again every order of which anything is open, and look at every order.
    pub full: bool,
    /// Raised when the pass must end early.
    pub stop: Stop,
}

/// How many orders are decided together, and so committed together.
const BATCH: u32 = 256;

/// How often a pass may look again at orders whose answer was lost, and how long it may wait for that: the first
/// rung of Klarna's ladder with the settle delay before it.
const SECOND_LOOKS: u32 = 2;
const SECOND_LOOK_WAIT: SignedDuration = SignedDuration::from_secs(6);

/// What a pass that was asked to end leaves over is counted up to here.
const COUNTED_AT_MOST: u32 = 1_000;

/// Why something was left.
const ASKED_TO_END: &str = "the pass was asked to end; the next one goes on";

/// Runs one pass.
///
/// # Flow
/// Lists what changed, reads it, then decides and acts batch by batch; orders whose answer was lost are looked at
/// again once the reads have settled.
///
/// # Guarantees
/// A source that could not be read yields no decision and an entry in `not_checked`. Nothing is sent without a
/// committed intent and a claim on it. Once [`Options::stop`] is raised nothing new is taken up: requests that are under
/// way end and are recorded, and what is left is in `not_checked`.
///
/// # Errors
/// Only the store's: without durable state nothing may be sent, so the pass ends.
pub async fn run<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, options: &Options, progress: &dyn Progress,
) -> Result<PassReport, StoreError> {
    let started_at = shop.clock.now();
    let pass = PassId(Uuid::new_v7(uuid_time(started_at)));
    let mut tally = Tally::new(shop.name.clone(), pass, started_at, options, progress);
    let saved = shop.store.budgets().await?;
    for budget in &shop.budgets {
        budget.restore(&saved);
    }
    let lost = shop.store.begin_pass(pass, started_at).await?;
    if !lost.is_empty() {
        tracing::warn!(
            intents = lost.len(),
            "found requests that were under way when the last pass ended; they count as unknown"
        );
    }
    if let Some(currency) = poll::shop(shop, &mut tally).await? {
        let mut failed = BTreeSet::new();
        let only = poll::changes(shop, options, currency, &mut failed, &mut tally).await?;
        let unread = poll::orders(shop, currency, &mut tally, only.as_ref(), failed).await?;
        if tally.lists_were_read() {
            work(shop, options, currency, &mut tally, only, &unread).await?;
        }
    }
    tally.count_calls(shop.lightspeed.calls(), shop.klarna.calls());
    for budget in &shop.budgets {
        shop.store.keep_budgets(budget.save()).await?;
    }
    let report = tally.report(shop.clock.now());
    if !report.is_complete() {
        let unchecked = report.not_checked.iter().map(|it| (it.what.clone(), it.why.clone()));
        shop.store.keep_unchecked(pass, unchecked.collect()).await?;
    }
    shop.store.end_pass(pass, report.finished_at, report.is_complete()).await?;
    Ok(report)
}

/// Decides and acts on every order whose time has come, oldest first, then on those whose answer was lost.
async fn work<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, options: &Options, currency: Currency, tally: &mut Tally<'_>,
    only: Option<BTreeSet<OrderId>>, unread: &BTreeSet<OrderId>,
) -> Result<(), StoreError> {
    let mut rounds = round::Rounds::begin(shop, currency, options.dry_run).await?;
    if let Some(only) = only {
        rounds.run(only.difference(unread).copied().collect(), tally).await?;
    } else {
        wake::under_another_policy(shop, currency, tally).await?;
        let scope = if options.full { Scope::All } else { Scope::Due };
        let mut after = OrderId(0);
        loop {
            if tally.stop.is_asked() {
                let left = shop.store.due(scope, tally.started_at, after, COUNTED_AT_MOST).await?;
                tally.left_over(left.len(), left.len() >= usize::try_from(COUNTED_AT_MOST).unwrap_or(usize::MAX));
                break;
            }
            let due = shop.store.due(scope, tally.started_at, after, BATCH).await?;
            let Some(last) = due.last().copied() else { break };
            after = last;
            rounds.run(due.into_iter().filter(|order| !unread.contains(order)).collect(), tally).await?;
            if tally.account_is_closed() {
                break;
            }
        }
    }
    for _ in 0..SECOND_LOOKS {
        let Some((at, orders)) = rounds.second_look(shop.clock.now(), SECOND_LOOK_WAIT) else { break };
        let wait = at.duration_since(shop.clock.now()).unsigned_abs();
        if at > shop.clock.now() {
            select(pin!(shop.clock.sleep(wait)), pin!(tally.stop.asked())).await;
        }
        if tally.stop.is_asked() {
            break;
        }
        for batch in orders.chunks(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
            rounds.run(batch.to_vec(), tally).await?;
        }
    }
    rounds.say_what_is_open(tally);
    if tally.stop.is_asked() {
        tally.not_checked("the rest of the pass", ASKED_TO_END);
    }
    Ok(())
}

/// A pass id begins with its time, so that ids sort as passes ran.
fn uuid_time(at: Timestamp) -> uuid::Timestamp {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
    uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)
}
