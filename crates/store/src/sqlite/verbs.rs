//! The verbs of [`Store`], each handed to the writer or the reader whole.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::super::codec::Coded;
use super::super::{
    Attempt, Audit, Break, Chain, Channel, Claim, Cursors, Decided, Dossier, Guard, HeldOrder, Identity, JournalRow,
    Named, Operated, Operation, OrderRow, Overdue, Scope, ShopRecord, Standing, Store, StoreError, Told,
};
use super::columns::{At, Code};
use super::journal::{self, entity};
use super::writer::{Tx, Undo};
use super::{
    SqliteStore, act, audit, candidates, decide, dossier, intents, listing, names, operate, owed, standing, told,
};
use crate::NextDue;
use reconciled_core::facts::{ListedInvoice, ListedOrder, ShopOrder};
use reconciled_core::id::{IntentId, OrderId, PassId};
use reconciled_core::intent::Intent;
use reconciled_core::money::Minor;
use reconciled_core::references::References;

impl Store for SqliteStore {
    async fn bind(&self, shop: ShopRecord) -> Result<(), StoreError> {
        self.write(move |tx| bind(tx, &shop)).await
    }

    async fn shop(&self) -> Result<Option<ShopRecord>, StoreError> {
        self.read(dossier::shop).await
    }

    async fn cursors(&self) -> Result<Cursors, StoreError> {
        self.read(listing::cursors).await
    }

    async fn begin_pass(&self, id: PassId, at: Timestamp) -> Result<Vec<IntentId>, StoreError> {
        self.write(move |tx| act::begin_pass(tx, id, at)).await
    }

    async fn listed(&self, orders: Vec<ListedOrder>, invoices: Vec<ListedInvoice>) -> Result<(), StoreError> {
        self.write(move |tx| listing::listed(tx, &orders, &invoices)).await
    }

    async fn advance(&self, cursors: Cursors) -> Result<(), StoreError> {
        self.write(move |tx| listing::advance(tx, cursors)).await
    }

    async fn unread(&self, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        self.read(move |conn, shop| listing::unread(conn, shop, limit)).await
    }

    async fn urgent(&self, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        self.read(move |conn, shop| listing::urgent(conn, shop, limit)).await
    }

    async fn reread(&self, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| listing::reread(tx, at)).await
    }

    async fn observe(&self, orders: Vec<(OrderId, Option<ShopOrder>)>, at: Timestamp) -> Result<(), StoreError> {
        let all = move |tx: &mut Tx<'_>| {
            orders.iter().try_for_each(|(id, said)| listing::observe(tx, *id, said.as_ref(), at))
        };
        self.write(all).await
    }

    async fn not_found(&self, order: OrderId, at: Timestamp, apart: SignedDuration) -> Result<bool, StoreError> {
        self.write(move |tx| owed::not_found(tx, order, at, apart)).await
    }

    async fn due(&self, scope: Scope, now: Timestamp, after: OrderId, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        self.read(move |conn, shop| listing::due(conn, shop, scope, now, after, limit)).await
    }

    async fn wake(&self, orders: Vec<OrderId>) -> Result<(), StoreError> {
        self.write(move |tx| orders.iter().try_for_each(|id| listing::wake(tx, *id))).await
    }

    async fn policy(&self) -> Result<Option<String>, StoreError> {
        self.read(listing::policy).await
    }

    async fn keep_policy(&self, policy: String, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| listing::keep_policy(tx, &policy, at)).await
    }

    async fn dossiers(&self, orders: Vec<OrderId>) -> Result<Vec<Dossier>, StoreError> {
        self.read(move |conn, shop| dossier::dossiers(conn, shop, &orders)).await
    }

    async fn decide(
        &self, pass: PassId, at: Timestamp, decisions: Vec<Decided>,
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let all = move |tx: &mut Tx<'_>| {
            let pass = decide::pass(tx, pass)?;
            let mut results = Vec::with_capacity(decisions.len());
            for decided in &decisions {
                let result = tx.undoable(|tx| decide::decide(tx, &pass, at, decided));
                results.push(tx.survived(result)?);
            }
            Ok(results)
        };
        self.hand_over(Undo::InParts, all).await
    }

    async fn claim(&self, pass: PassId, intent: IntentId, guard: Guard) -> Result<Claim, StoreError> {
        self.write(move |tx| act::claim(tx, pass, intent, guard)).await
    }

    async fn record(&self, pass: PassId, attempt: Attempt, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| act::record(tx, pass, &attempt, at)).await
    }

    async fn spent(&self, since: Timestamp) -> Result<Minor, StoreError> {
        self.read(move |conn, shop| act::spent(conn, shop, since)).await
    }

    async fn references(&self) -> Result<References, StoreError> {
        self.read(candidates::references).await
    }

    async fn is_stopped(&self) -> Result<bool, StoreError> {
        self.read(dossier::is_stopped).await
    }

    async fn keep_unchecked(&self, id: PassId, unchecked: Vec<(String, String)>) -> Result<(), StoreError> {
        self.write(move |tx| act::keep_unchecked(tx, id, &unchecked)).await
    }

    async fn end_pass(&self, id: PassId, at: Timestamp, complete: bool) -> Result<(), StoreError> {
        self.write(move |tx| act::end_pass(tx, id, at, complete)).await
    }

    async fn operate(
        &self, operation: Operation, actor: String, note: String, at: Timestamp,
    ) -> Result<Operated, StoreError> {
        self.write(move |tx| operate::operate(tx, &operation, &actor, &note, at)).await
    }

    async fn breaks(&self, closed: bool) -> Result<Vec<Break>, StoreError> {
        self.read(move |conn, shop| dossier::breaks(conn, shop, closed)).await
    }

    async fn holds(&self) -> Result<Vec<HeldOrder>, StoreError> {
        self.read(dossier::holds).await
    }

    async fn looked_at(&self, pass: PassId, after: OrderId, limit: u32) -> Result<Vec<OrderRow>, StoreError> {
        self.read(move |conn, shop| dossier::looked_at(conn, shop, pass, after, limit)).await
    }

    async fn find(&self, number: String) -> Result<Vec<Named>, StoreError> {
        self.read(move |conn, shop| dossier::find(conn, shop, &number)).await
    }

    async fn audit(&self) -> Result<Audit, StoreError> {
        self.read_apart(audit::audit).await
    }

    async fn chain(&self, sizes: BTreeSet<u64>) -> Result<Chain, StoreError> {
        self.read_apart(move |conn, shop| audit::trees(conn, shop, &sizes)).await
    }

    async fn intent(&self, id: IntentId) -> Result<Option<Intent>, StoreError> {
        self.read(move |conn, shop| intents::find(conn, shop, id)).await
    }

    async fn history(&self, order: OrderId) -> Result<Vec<JournalRow>, StoreError> {
        self.read(move |conn, shop| dossier::history(conn, shop, order)).await
    }

    async fn budgets(&self) -> Result<BTreeMap<String, String>, StoreError> {
        self.read(dossier::budgets).await
    }

    async fn keep_budgets(&self, budgets: BTreeMap<String, String>) -> Result<(), StoreError> {
        self.write(move |tx| keep_budgets(tx, &budgets)).await
    }

    async fn next_due(&self) -> Result<Option<NextDue>, StoreError> {
        self.read(standing::next_due).await
    }

    async fn keep_next_due(&self, next: NextDue) -> Result<(), StoreError> {
        self.write(move |tx| standing::keep_next_due(tx, next)).await
    }

    async fn standing(&self) -> Result<Standing, StoreError> {
        self.read(standing::standing).await
    }

    async fn told(&self, channel: Channel) -> Result<Vec<Told>, StoreError> {
        self.read(move |conn, shop| told::told(conn, shop, channel)).await
    }

    async fn keep_told(&self, channel: Channel, told: Vec<Told>, over: Vec<String>) -> Result<(), StoreError> {
        self.write(move |tx| told::keep(tx, channel, &told, &over)).await
    }

    async fn overdue(&self, before: Timestamp) -> Result<Vec<Overdue>, StoreError> {
        self.read(move |conn, shop| told::overdue(conn, shop, before)).await
    }
}

fn bind(tx: &mut Tx<'_>, given: &ShopRecord) -> Result<(), StoreError> {
    let bound = dossier::shop(tx.conn, tx.shop)?;
    if let Some(bound) = &bound
        && !bound.identity.is(&given.identity)
    {
        let (bound, given) = (name(&bound.identity), name(&given.identity));
        return Err(StoreError::OtherIdentity { bound, given });
    }
    let identity = &given.identity;
    if let Some(known) = names::other_name_of(tx, identity)? {
        return Err(StoreError::OtherName { known, given: tx.shop.to_owned() });
    }
    let mut update = tx.conn.prepare_cached(
        "UPDATE shop SET environment = ?2, region = ?3, shop_id = ?4, currency = ?5, read_at = ?6,
            cluster = coalesce(cluster, nullif(?7, ''))
         WHERE name = ?1",
    )?;
    update.execute((
        tx.shop,
        &identity.environment,
        &identity.region,
        &identity.shop_id,
        Code(given.currency),
        At(given.read_at),
        &identity.cluster,
    ))?;
    if bound.is_some() {
        return Ok(());
    }
    let shop = tx.shop;
    tx.journal(&journal::Entry {
        at: given.read_at,
        actor: journal::ACTOR,
        cause: "first pass",
        entity: entity::SHOP,
        entity_id: shop,
        order: None,
        event: "bound",
        before: "",
        after: &format!("{} in {}", name(identity), given.currency.encode()),
        detail: "{}",
    })
}

/// An identity for people.
fn name(identity: &Identity) -> String {
    format!("{}/{} shop {}", identity.environment, identity.region, identity.shop_id)
}

fn keep_budgets(tx: &Tx<'_>, budgets: &BTreeMap<String, String>) -> Result<(), StoreError> {
    let mut put = tx.conn.prepare_cached(
        "INSERT INTO budget (shop, name, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (shop, name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
    )?;
    for (name, value) in budgets {
        put.execute((tx.shop, name, value))?;
    }
    Ok(())
}
