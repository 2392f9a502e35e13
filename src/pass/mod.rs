//! One pass over one shop: poll → observe → decide → intend → act → record → report.
//!
//! The file to read second. A pass takes no input about what changed: whoever woke it, it asks both sides. It never
//! resumes anything: a crash at any point is just another set of facts for the next pass.

mod acquainted;
mod act;
mod attempt;
mod candidates;
mod intend;
mod observe;
mod poll;
mod record;
mod round;
mod stop;
mod tally;
mod tell;
mod wake;
mod work;

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::report::PassReport;
pub use acquainted::Acquainted;
use reconciled_core::id::{PassId, ShopName};
use reconciled_core::policy::Policy;
use reconciled_sides::budget::Budget;
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_sides::{klarna, lightspeed};
use reconciled_store::{Store, StoreError};
use round::Rounds;
pub use stop::Stop;
use tally::Tally;
pub use tally::{Progress, Silent};
use work::Work;

/// One shop with everything a pass over it needs.
pub struct Shop<S, T: Transport, C: Clock> {
    pub name: ShopName,
    /// Lightspeed's cluster; the store is bound to it, and to the two below.
    pub cluster: String,
    /// `playground` or `production`.
    pub environment: String,
    pub region: String,
    /// Which shops this process has asked who they are.
    pub acquainted: Acquainted,
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

/// Why something was left.
const ASKED_TO_END: &str = "the pass was asked to end; the next one goes on";

/// Runs one pass.
///
/// # Flow
/// Lists what changed; reads, decides and acts on the orders with an unpaid credit invoice; then reads the rest, decides
/// and acts batch by batch; orders whose answer was lost are looked at again once the reads have settled.
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
        let listed = shop.clock.boottime();
        let mut failed = BTreeSet::new();
        let only = poll::changes(shop, options, currency, &mut failed, &mut tally).await?;
        if tally.lists_were_read() {
            let rounds = Rounds::begin(shop, currency, listed, options.dry_run).await?;
            Work { shop, options, currency, rounds, unread: failed, done: BTreeSet::new() }
                .run(only, &mut tally)
                .await?;
        } else {
            poll::orders(shop, currency, &mut tally, only.as_ref(), failed, false).await?;
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

/// A pass id begins with its time, so that ids sort as passes ran.
fn uuid_time(at: Timestamp) -> uuid::Timestamp {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
    uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)
}
