//! What a pass does once it knows what changed: the orders with an unpaid credit invoice are read, decided and acted on,
//! then the rest is read and decided batch by batch, then the lost answers once more. Reads the shop's lists again when
//! they have aged. Sends nothing itself.

use std::collections::BTreeSet;
use std::pin::pin;

use futures_util::future::select;
use jiff::SignedDuration;

use super::round::Rounds;
use super::tally::Tally;
use super::{ASKED_TO_END, BATCH, Options, Shop, poll, wake};
use reconciled_core::id::OrderId;
use reconciled_core::money::Currency;
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_store::{Scope, Store, StoreError};

/// How often a pass may look again at orders whose answer was lost, and how long it may wait for that: the first
/// rung of Klarna's ladder with the settle delay before it.
const SECOND_LOOKS: u32 = 2;
const SECOND_LOOK_WAIT: SignedDuration = SignedDuration::from_secs(6);

/// What a pass that was asked to end leaves over is counted up to here.
const COUNTED_AT_MOST: u32 = 1_000;

/// How often a batch is begun: once more where the shop's lists aged in the middle of it.
const TRIES: u32 = 2;

/// Why something was left.
const AGED: &str = "it took so long that the shop may have changed meanwhile; the next pass reads it again";

/// What is left to do once the lists said what changed.
pub(super) struct Work<'a, S, T: Transport, C: Clock> {
    pub(super) shop: &'a Shop<S, T, C>,
    pub(super) options: &'a Options,
    pub(super) currency: Currency,
    pub(super) rounds: Rounds<'a, S, T, C>,
    /// Orders that could not be read: nothing is decided about them.
    pub(super) unread: BTreeSet<OrderId>,
    /// Orders that came before the others, and need no second turn.
    pub(super) done: BTreeSet<OrderId>,
}

impl<S: Store, T: Transport, C: Clock> Work<'_, S, T, C> {
    /// Decides and acts on every order whose time has come, oldest first, then on those whose answer was lost.
    pub(super) async fn run(
        mut self, only: Option<BTreeSet<OrderId>>, tally: &mut Tally<'_>,
    ) -> Result<(), StoreError> {
        let goes_on = if let Some(only) = only {
            self.read(Some(&only), false, tally).await?;
            self.batch(only.into_iter().collect(), tally).await?
        } else {
            wake::under_another_policy(self.shop, self.currency, tally).await?;
            self.urgent(tally).await? && self.due(tally).await?
        };
        if goes_on {
            self.second_looks(tally).await?;
        }
        self.rounds.say_what_is_open(tally);
        if tally.stop.is_asked() {
            tally.not_checked("the rest of the pass", ASKED_TO_END);
        }
        Ok(())
    }

    /// Reads, decides and acts on what consumers wait for, then reads the rest. `false`: as in [`Self::batch`].
    async fn urgent(&mut self, tally: &mut Tally<'_>) -> Result<bool, StoreError> {
        let urgent = poll::urgent(self.shop, self.currency, &mut self.unread, tally).await?;
        for batch in urgent.read.chunks(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
            if !self.batch(batch.to_vec(), tally).await? {
                return Ok(false);
            }
            self.done.extend(batch);
        }
        self.read(None, urgent.ends, tally).await?;
        Ok(true)
    }

    async fn read(
        &mut self, only: Option<&BTreeSet<OrderId>>, ends: bool, tally: &mut Tally<'_>,
    ) -> Result<(), StoreError> {
        let failed = std::mem::take(&mut self.unread);
        self.unread = poll::orders(self.shop, self.currency, tally, only, failed, ends).await?;
        Ok(())
    }

    /// `false`: as in [`Self::batch`].
    async fn due(&mut self, tally: &mut Tally<'_>) -> Result<bool, StoreError> {
        let scope = if self.options.full { Scope::All } else { Scope::Due };
        let mut after = OrderId(0);
        loop {
            if tally.stop.is_asked() {
                let left = self.shop.store.due(scope, tally.started_at, after, COUNTED_AT_MOST).await?;
                tally.left_over(left.len(), left.len() >= usize::try_from(COUNTED_AT_MOST).unwrap_or(usize::MAX));
                return Ok(true);
            }
            let due = self.shop.store.due(scope, tally.started_at, after, BATCH).await?;
            let Some(last) = due.last().copied() else { return Ok(true) };
            after = last;
            let due = due.into_iter().filter(|order| !self.done.contains(order)).collect();
            if !self.batch(due, tally).await? {
                return Ok(false);
            }
            if tally.account_is_closed() {
                return Ok(true);
            }
        }
    }

    async fn second_looks(&mut self, tally: &mut Tally<'_>) -> Result<(), StoreError> {
        let clock = &self.shop.clock;
        for _ in 0..SECOND_LOOKS {
            let Some((at, orders)) = self.rounds.second_look(clock.now(), SECOND_LOOK_WAIT) else { break };
            let wait = at.duration_since(clock.now()).unsigned_abs();
            if at > clock.now() {
                select(pin!(clock.sleep(wait)), pin!(tally.stop.asked())).await;
            }
            if tally.stop.is_asked() {
                break;
            }
            for batch in orders.chunks(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
                if !self.batch(batch.to_vec(), tally).await? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Works on a batch, on lists that have not aged. `false`: what changed could not be read, and the pass is over.
    async fn batch(&mut self, mut orders: Vec<OrderId>, tally: &mut Tally<'_>) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            if !self.rounds.lists_are_fresh() && !self.list_again(tally).await? {
                return Ok(false);
            }
            orders.retain(|order| !self.unread.contains(order));
            orders = self.rounds.run(orders, tally).await?;
            if orders.is_empty() {
                return Ok(true);
            }
        }
        tally.not_checked(format!("{} orders", orders.len()), AGED);
        Ok(true)
    }

    /// A pass that is long, or was suspended, asks the shop once more what changed before it goes on.
    async fn list_again(&mut self, tally: &mut Tally<'_>) -> Result<bool, StoreError> {
        let listed = self.shop.clock.boottime();
        let mut failed = std::mem::take(&mut self.unread);
        let since_last = Options { since: None, full: false, ..self.options.clone() };
        let only = poll::changes(self.shop, &since_last, self.currency, &mut failed, tally).await?;
        self.unread = failed;
        self.read(only.as_ref(), false, tally).await?;
        self.done.clear();
        self.rounds.listed_again(listed);
        let is_fresh = self.rounds.lists_are_fresh();
        if !is_fresh {
            tally.not_checked("the rest of the pass", AGED);
        }
        Ok(is_fresh && tally.lists_were_read())
    }
}
