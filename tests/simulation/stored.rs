//! The real store with a turn before every verb, and another after those that write, so that a crash, a pause or
//! another daemon can come between any two of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use reconciled_core::facts::{ListedInvoice, ListedOrder, ShopOrder};
use reconciled_core::id::{IntentId, OrderId, PassId};
use reconciled_core::intent::Intent;
use reconciled_core::money::Minor;
use reconciled_core::references::References;
use reconciled_store::NextDue;
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{
    Attempt, Audit, Break, Chain, Channel, Claim, Cursors, Decided, Dossier, Guard, HeldOrder, JournalRow, Named,
    Operated, Operation, OrderRow, Overdue, Scope, ShopRecord, Standing, Store, StoreError, Told,
};

use super::oracle;
use super::sim::Sim;

#[derive(Clone)]
pub struct SimStore {
    pub sim: Sim,
    pub daemon: usize,
    pub inner: SqliteStore,
}

impl SimStore {
    async fn before(&self) {
        self.sim.turn(self.daemon).await;
    }

    async fn after(&self, verb: &'static str) {
        {
            let mut state = self.sim.lock();
            let now = state.now;
            state.log.event(now, verb, 0, || format!("machine {}", self.daemon));
            oracle::books::after_verb(&mut state, self.daemon, &self.inner);
        }
        self.sim.turn(self.daemon).await;
    }
}

impl Store for SimStore {
    async fn bind(&self, shop: ShopRecord) -> Result<(), StoreError> {
        self.before().await;
        let done = self.inner.bind(shop).await;
        self.after("bind").await;
        done
    }

    async fn shop(&self) -> Result<Option<ShopRecord>, StoreError> {
        self.before().await;
        self.inner.shop().await
    }

    async fn cursors(&self) -> Result<Cursors, StoreError> {
        self.before().await;
        self.inner.cursors().await
    }

    async fn begin_pass(&self, id: PassId, at: Timestamp) -> Result<Vec<IntentId>, StoreError> {
        self.before().await;
        let done = self.inner.begin_pass(id, at).await;
        self.after("begin_pass").await;
        done
    }

    async fn listed(&self, orders: Vec<ListedOrder>, invoices: Vec<ListedInvoice>) -> Result<(), StoreError> {
        self.before().await;
        let done = self.inner.listed(orders, invoices).await;
        self.after("listed").await;
        done
    }

    async fn advance(&self, cursors: Cursors) -> Result<(), StoreError> {
        self.before().await;
        let done = self.inner.advance(cursors).await;
        self.after("advance").await;
        done
    }

    async fn unread(&self, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        self.before().await;
        self.inner.unread(limit).await
    }

    async fn not_found(&self, order: OrderId, at: Timestamp, apart: SignedDuration) -> Result<bool, StoreError> {
        self.before().await;
        let done = self.inner.not_found(order, at, apart).await;
        self.after("not_found").await;
        done
    }

    async fn urgent(&self, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        self.before().await;
        self.inner.urgent(limit).await
    }

    async fn reread(&self, at: Timestamp) -> Result<(), StoreError> {
        self.before().await;
        let done = self.inner.reread(at).await;
        self.after("reread").await;
        done
    }

    async fn wake(&self, orders: Vec<OrderId>) -> Result<(), StoreError> {
        self.before().await;
        let done = self.inner.wake(orders).await;
        self.after("wake").await;
        done
    }

    async fn policy(&self) -> Result<Option<String>, StoreError> {
        self.before().await;
        self.inner.policy().await
    }

    async fn keep_policy(&self, policy: String, at: Timestamp) -> Result<(), StoreError> {
        self.before().await;
        let done = self.inner.keep_policy(policy, at).await;
        self.after("keep_policy").await;
        done
    }

    async fn next_due(&self) -> Result<Option<NextDue>, StoreError> {
        self.before().await;
        self.inner.next_due().await
    }

    async fn keep_next_due(&self, next: NextDue) -> Result<(), StoreError> {
        self.inner.keep_next_due(next).await
    }

    async fn told(&self, channel: Channel) -> Result<Vec<Told>, StoreError> {
        self.inner.told(channel).await
    }

    async fn keep_told(&self, channel: Channel, told: Vec<Told>, over: Vec<String>) -> Result<(), StoreError> {
        self.inner.keep_told(channel, told, over).await
    }

    async fn overdue(&self, before: Timestamp) -> Result<Vec<Overdue>, StoreError> {
        self.before().await;
        self.inner.overdue(before).await
    }

    async fn standing(&self) -> Result<Standing, StoreError> {
        self.before().await;
        self.inner.standing().await
    }

    async fn observe(&self, orders: Vec<(OrderId, Option<ShopOrder>)>, at: Timestamp) -> Result<(), StoreError> {
        self.before().await;
        let done = self.inner.observe(orders, at).await;
        self.after("observe").await;
        done
    }

    async fn due(&self, scope: Scope, now: Timestamp, after: OrderId, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        self.before().await;
        self.inner.due(scope, now, after, limit).await
    }

    async fn dossiers(&self, orders: Vec<OrderId>) -> Result<Vec<Dossier>, StoreError> {
        self.before().await;
        self.inner.dossiers(orders).await
    }

    async fn decide(
        &self, pass: PassId, at: Timestamp, decisions: Vec<Decided>,
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        self.before().await;
        let done = self.inner.decide(pass, at, decisions).await;
        self.after("decide").await;
        done
    }

    async fn claim(&self, pass: PassId, intent: IntentId, guard: Guard) -> Result<Claim, StoreError> {
        self.before().await;
        let claim = self.inner.claim(pass, intent, guard).await;
        if let Ok(Claim::Granted(granted)) = &claim {
            let mut state = self.sim.lock();
            let now = state.now;
            state.oracle.claimed(self.daemon, granted, now);
        }
        self.after("claim").await;
        claim
    }

    async fn record(&self, pass: PassId, attempt: Attempt, at: Timestamp) -> Result<(), StoreError> {
        self.before().await;
        let done = self.inner.record(pass, attempt, at).await;
        self.after("record").await;
        done
    }

    async fn spent(&self, since: Timestamp) -> Result<Minor, StoreError> {
        self.before().await;
        self.inner.spent(since).await
    }

    async fn references(&self) -> Result<References, StoreError> {
        self.before().await;
        self.inner.references().await
    }

    async fn is_stopped(&self) -> Result<bool, StoreError> {
        self.before().await;
        self.inner.is_stopped().await
    }

    async fn keep_unchecked(&self, id: PassId, unchecked: Vec<(String, String)>) -> Result<(), StoreError> {
        self.inner.keep_unchecked(id, unchecked).await
    }

    async fn end_pass(&self, id: PassId, at: Timestamp, complete: bool) -> Result<(), StoreError> {
        self.before().await;
        let done = self.inner.end_pass(id, at, complete).await;
        self.after("end_pass").await;
        done
    }

    async fn operate(
        &self, operation: Operation, actor: String, note: String, at: Timestamp,
    ) -> Result<Operated, StoreError> {
        self.inner.operate(operation, actor, note, at).await
    }

    async fn breaks(&self, closed: bool) -> Result<Vec<Break>, StoreError> {
        self.before().await;
        self.inner.breaks(closed).await
    }

    async fn holds(&self) -> Result<Vec<HeldOrder>, StoreError> {
        self.inner.holds().await
    }

    async fn looked_at(&self, pass: PassId, after: OrderId, limit: u32) -> Result<Vec<OrderRow>, StoreError> {
        self.before().await;
        self.inner.looked_at(pass, after, limit).await
    }

    async fn find(&self, number: String) -> Result<Vec<Named>, StoreError> {
        self.before().await;
        self.inner.find(number).await
    }

    async fn audit(&self) -> Result<Audit, StoreError> {
        self.inner.audit().await
    }

    async fn chain(&self, sizes: BTreeSet<u64>) -> Result<Chain, StoreError> {
        self.inner.chain(sizes).await
    }

    async fn intent(&self, id: IntentId) -> Result<Option<Intent>, StoreError> {
        self.before().await;
        self.inner.intent(id).await
    }

    async fn history(&self, order: OrderId) -> Result<Vec<JournalRow>, StoreError> {
        self.inner.history(order).await
    }

    async fn budgets(&self) -> Result<BTreeMap<String, String>, StoreError> {
        self.before().await;
        self.inner.budgets().await
    }

    async fn keep_budgets(&self, budgets: BTreeMap<String, String>) -> Result<(), StoreError> {
        self.before().await;
        let done = self.inner.keep_budgets(budgets).await;
        self.after("keep_budgets").await;
        done
    }
}
