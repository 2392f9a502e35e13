//! Empty stores, ready to be used: to make a schema and to prepare statements takes longer than many a history.
//!
//! A store that is put back becomes the store of another shop in the same database. That it is empty for that shop is
//! the store's promise; a history that saw its neighbours would not be the same history every time.

use std::cell::{Cell, RefCell};

use reconciled_core::id::ShopName;
use reconciled_store::sqlite::SqliteStore;

/// Of so many stores that are put back one is thrown away, so that the databases stay small.
const THROWN_AWAY: u32 = 50;

thread_local! {
    static SHELF: RefCell<Vec<SqliteStore>> = const { RefCell::new(Vec::new()) };
    static PUT_BACK: Cell<u32> = const { Cell::new(0) };
}

/// A store without a row of `shop`.
pub fn empty_store(shop: &ShopName) -> SqliteStore {
    let used = SHELF.with_borrow_mut(Vec::pop);
    let used = used.and_then(|store| store.for_another_shop(shop.clone()).ok());
    used.unwrap_or_else(|| SqliteStore::in_memory(shop.clone()).unwrap())
}

pub fn put_back(store: SqliteStore) {
    let count = PUT_BACK.get().wrapping_add(1);
    PUT_BACK.set(count);
    if !count.is_multiple_of(THROWN_AWAY) {
        SHELF.with_borrow_mut(|shelf| shelf.push(store));
    }
}
