//! The store, judged by itself (its journal) and by what the shop really holds.

use futures_util::FutureExt as _;
use reconciled::report::PassReport;
use reconciled_core::id::OrderId;
use reconciled_core::order::Order;
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Audit, Store as _};

use crate::sim::State;

/// After every verb in some seeds, after every pass in all.
pub fn after_verb(state: &mut State, daemon: usize, store: &SqliteStore) {
    if state.swarm.audits {
        let index = state.machines[daemon].store;
        check(state, index, store);
    }
}

pub fn check_one(state: &mut State, index: usize) {
    let store = state.stores[index].clone();
    check(state, index, &store);
}

pub fn check(state: &mut State, index: usize, store: &SqliteStore) {
    match store.audit().now_or_never().unwrap() {
        Ok(Audit::Intact { .. }) => {}
        Ok(Audit::Broken { seq, why }) => {
            let is_chain = ["hash", "missing", "head"].iter().any(|word| why.contains(word));
            let invariant = if is_chain { "chain_verifies" } else { "journal_replays_to_state" };
            state.oracle.fail(invariant, format!("row {seq}: {why}"));
        }
        Err(error) => state.oracle.fail("journal_replays_to_state", error.to_string()),
    }
    cancelled_absorbs(state, index, store);
}

/// A terminal state of an order is its last, unless it belongs to another Klarna order now: then a lapsed one lives again,
/// and a cancelled one goes on being cancelled.
fn cancelled_absorbs(state: &mut State, index: usize, store: &SqliteStore) {
    for dossier in dossiers(state, store) {
        let key = (index, dossier.shop.id.0);
        let now = dossier.ledger.order;
        let link = dossier.ledger.judged_under;
        if let Some((before, under)) = state.oracle.states.insert(key, (now, link.clone()))
            && before.is_terminal()
            && before != now
            && (under == link || before == Order::Cancelled && !now.was_cancelled())
        {
            let what = format!("{} was {} and is {}", dossier.shop.number, before.name(), now.name());
            state.oracle.fail("cancelled_absorbs", what);
        }
    }
}

pub fn dossiers(state: &State, store: &SqliteStore) -> Vec<reconciled_store::Dossier> {
    let orders = state.world.all_shop_truth().into_iter().map(|shop| OrderId(shop.id)).collect();
    store.dossiers(orders).now_or_never().unwrap().unwrap_or_default()
}

/// A pass that calls itself complete has read everything, and knows every paper there was when it began.
pub fn unread_is_never_clean(state: &mut State, daemon: usize, began: i64, report: &PassReport) {
    if !report.is_complete() {
        return;
    }
    if let Some(failed) = state.oracle.failed_reads.get(&daemon).and_then(|all| all.first().cloned()) {
        state.oracle.fail("unread_is_never_clean", format!("{failed} could not be read, and the pass is complete"));
    }
    // Beside another program on the same store an order may be marked to be read again, and wait for that.
    // Nobody can tell a list that lacks a paper from one that never had it.
    let is_bent = state.oracle.bent.contains(&daemon) || state.oracle.lacks.contains(&state.machines[daemon].store);
    if state.machines.len() > state.stores.len() || is_bent {
        return;
    }
    let store = state.stores[state.machines[daemon].store].clone();
    let known = dossiers(state, &store);
    for shop in state.world.all_shop_truth() {
        if shop.klarna_order_id.is_none() || state.oracle.otherwise.contains(&shop.id) {
            continue;
        }
        let dossier = known.iter().find(|dossier| dossier.shop.id.0 == shop.id);
        let is_new = state.oracle.placed.get(&shop.id).is_none_or(|placed| *placed >= began);
        if dossier.is_none() && !is_new && !state.oracle.was_bent.contains(&state.machines[daemon].store) {
            let what = format!("a complete pass does not know order {}", shop.number);
            state.oracle.fail("unread_is_never_clean", what);
        }
        for credit in shop.invoices.iter().filter(|it| it.is_credit && it.created_ms < began) {
            let held = dossier.is_some_and(|dossier| dossier.ledger.credits.keys().any(|id| id.0 == credit.id));
            if !held {
                let what = format!("a complete pass does not know credit invoice {}", credit.number);
                state.oracle.fail("unread_is_never_clean", what);
            }
        }
    }
}
