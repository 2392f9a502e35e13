//! Stores that somebody looks into just now: opened for the first request, closed soon after the last.
//!
//! Opening and closing a file costs more than any page reads of it. Holding one for ever would keep a restore waiting;
//! a shop that nobody looks at costs nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ServedShop;
use reconciled_core::id::ShopName;
use reconciled_sides::clock::{Clock as _, SystemClock};
use reconciled_store::StoreError;
use reconciled_store::sqlite::SqliteStore;

/// How long a store stays open after it was last asked for.
const KEPT: Duration = Duration::from_secs(15);

struct Open {
    store: SqliteStore,
    path: PathBuf,
    /// In time since boot.
    asked: Duration,
}

#[derive(Clone, Default)]
pub(super) struct OpenStores(Arc<Mutex<BTreeMap<ShopName, Open>>>);

impl OpenStores {
    /// The shop's store, open.
    pub(super) async fn store(&self, served: &ServedShop, shop: &ShopName) -> Result<SqliteStore, StoreError> {
        if let Some(store) = self.held(served, shop) {
            return Ok(store);
        }
        let (path, name) = (served.store.clone(), shop.clone());
        // Opening waits for the disk; a thread that may wait does it.
        let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&path, name)).await;
        let store = opened.map_err(|_| StoreError::Gone)??;
        let open = Open { store: store.clone(), path: served.store.clone(), asked: SystemClock.boottime() };
        let before = self.lock().insert(shop.clone(), open);
        close(before.into_iter().collect());
        tokio::spawn(self.clone().watch(shop.clone()));
        Ok(store)
    }

    fn held(&self, served: &ServedShop, shop: &ShopName) -> Option<SqliteStore> {
        let mut open = self.lock();
        let found = open.get_mut(shop).filter(|it| it.path == served.store)?;
        found.asked = SystemClock.boottime();
        Some(found.store.clone())
    }

    /// Closes the shop's store once nobody has asked for it for a while.
    async fn watch(self, shop: ShopName) {
        loop {
            tokio::time::sleep(KEPT).await;
            let idle = |it: &Open| SystemClock.boottime().saturating_sub(it.asked) >= KEPT;
            let taken = {
                let mut open = self.lock();
                match open.get(&shop) {
                    None => return,
                    Some(it) if idle(it) => open.remove(&shop),
                    Some(_) => None,
                }
            };
            if taken.is_some() {
                return close(taken.into_iter().collect());
            }
        }
    }

    /// Closes every store, as at a reload; requests that have one finish with it.
    pub(super) fn clear(&self) {
        close(std::mem::take(&mut *self.lock()).into_values().collect());
    }

    /// A panic while it was held leaves open stores behind; they are as good as before.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ShopName, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last handle to go folds the log back into its file and waits for it, which no thread of the server should.
fn close(stores: Vec<Open>) {
    if !stores.is_empty() {
        tokio::task::spawn_blocking(move || drop(stores));
    }
}
