//! A store that cannot exist, until the real one is put in its place.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::core::facts::ShopOrder;
use crate::core::id::{IntentId, OrderId, PassId};
use crate::core::intent::Intent;
use crate::core::money::Minor;
use crate::store::*;

#[derive(Clone, Copy, Debug)]
pub(super) enum Unwired {}

impl Store for Unwired {
    async fn bind(&self, _shop: ShopRecord) -> Result<(), StoreError> {
        match *self {}
    }
    async fn shop(&self) -> Result<Option<ShopRecord>, StoreError> {
        match *self {}
    }
    async fn cursors(&self) -> Result<Cursors, StoreError> {
        match *self {}
    }
    async fn begin_pass(&self, _id: PassId, _at: Timestamp) -> Result<Vec<IntentId>, StoreError> {
        match *self {}
    }
    async fn listed(&self, _orders: Vec<ListedOrder>, _invoices: Vec<ListedInvoice>) -> Result<(), StoreError> {
        match *self {}
    }
    async fn advance(&self, _cursors: Cursors) -> Result<(), StoreError> {
        match *self {}
    }
    async fn unread(&self, _limit: u32) -> Result<Vec<OrderId>, StoreError> {
        match *self {}
    }
    async fn observe(&self, _orders: Vec<(OrderId, Option<ShopOrder>)>, _at: Timestamp) -> Result<(), StoreError> {
        match *self {}
    }
    async fn due(
        &self, _scope: Scope, _now: Timestamp, _after: OrderId, _limit: u32,
    ) -> Result<Vec<OrderId>, StoreError> {
        match *self {}
    }
    async fn dossiers(&self, _orders: Vec<OrderId>) -> Result<Vec<Dossier>, StoreError> {
        match *self {}
    }
    async fn decide(
        &self, _pass: PassId, _at: Timestamp, _decisions: Vec<Decided>,
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        match *self {}
    }
    async fn claim(&self, _pass: PassId, _intent: IntentId, _guard: Guard) -> Result<Claim, StoreError> {
        match *self {}
    }
    async fn record(&self, _pass: PassId, _attempt: Attempt, _at: Timestamp) -> Result<(), StoreError> {
        match *self {}
    }
    async fn spent(&self, _since: Timestamp) -> Result<Minor, StoreError> {
        match *self {}
    }
    async fn is_stopped(&self) -> Result<bool, StoreError> {
        match *self {}
    }
    async fn end_pass(&self, _id: PassId, _at: Timestamp, _complete: bool) -> Result<(), StoreError> {
        match *self {}
    }
    async fn operate(
        &self, _operation: Operation, _actor: String, _note: String, _at: Timestamp,
    ) -> Result<(), StoreError> {
        match *self {}
    }
    async fn breaks(&self, _closed: bool) -> Result<Vec<Break>, StoreError> {
        match *self {}
    }
    async fn looked_at(&self, _pass: PassId, _after: OrderId, _limit: u32) -> Result<Vec<OrderRow>, StoreError> {
        match *self {}
    }
    async fn find(&self, _number: String) -> Result<Option<OrderId>, StoreError> {
        match *self {}
    }
    async fn audit(&self) -> Result<Audit, StoreError> {
        match *self {}
    }
    async fn intent(&self, _id: IntentId) -> Result<Option<Intent>, StoreError> {
        match *self {}
    }
    async fn history(&self, _order: OrderId) -> Result<Vec<JournalRow>, StoreError> {
        match *self {}
    }
    async fn budgets(&self) -> Result<BTreeMap<String, String>, StoreError> {
        match *self {}
    }
    async fn keep_budgets(&self, _budgets: BTreeMap<String, String>) -> Result<(), StoreError> {
        match *self {}
    }
}
