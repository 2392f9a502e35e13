//! How fast the store is, and how a large one behaves. Ignored: figures, not promises.
//!
//! `cargo test --release --test store_rate -- --ignored --nocapture`; `ORDERS=1000000` for a large shop.

#[cfg(test)]
#[path = "store_contract/fixture.rs"]
#[allow(dead_code, reason = "the contract suite uses all of it")]
mod fixture;

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use reconciled::clock::{Clock, SystemClock};
    use reconciled::core::credit_invoice::{CreditInvoice, Event, Proof};
    use reconciled::core::facts::ListedOrder;
    use reconciled::core::id::{IntentId, OrderId, RefundId};
    use reconciled::core::intent::{self, State};
    use reconciled::store::sqlite::SqliteStore;
    use reconciled::store::{Attempt, Claim, Decided, Scope, Step, Store};

    use crate::fixture::{
        at, credit, credit_step, guard, intact, intending, klarna, pass, quiet, refund, shop, shop_order,
    };

    const BATCH: usize = 256;
    const TASKS: u64 = 128;

    fn orders() -> u64 {
        let asked = std::fs::read_to_string("/proc/self/environ").unwrap();
        let asked = asked.split('\0').find_map(|pair| pair.strip_prefix("ORDERS=")?.parse().ok());
        asked.unwrap_or(20_000)
    }

    fn told(what: &str, count: u64, (since, used): Started) {
        let took = SystemClock.boottime().saturating_sub(since);
        let busy = cpu().saturating_sub(used);
        let micros = took.as_micros().max(1);
        let rate = u128::from(count).saturating_mul(1_000_000).checked_div(micros).unwrap_or(0);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let memory = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").trim().to_owned();
        eprintln!(
            "{what:<32} {took:>10.3?} wall {busy:>10.3?} cpu {rate:>8} a second, {} resident, {} at most",
            memory("VmRSS:"),
            memory("VmHWM:")
        );
    }

    /// Wall and processor time.
    type Started = (Duration, Duration);

    fn now() -> Started {
        (SystemClock.boottime(), cpu())
    }

    fn cpu() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
    }

    async fn fill(store: &SqliteStore, count: u64) {
        let start = now();
        let ids: Vec<u64> = (1..=count).collect();
        for batch in ids.chunks(BATCH) {
            let rows = batch.iter().map(|id| {
                let order = shop_order(*id, 1, &[(*id, 100)]);
                ListedOrder { id: order.id, number: order.number, updated_at: order.updated_at, is_klarna: true }
            });
            store.listed(rows.collect(), Vec::new()).await.unwrap();
            let unread = store.unread(256).await.unwrap();
            let read = unread.iter().map(|id| (*id, Some(shop_order(id.0, 1, &[(id.0, 100)]))));
            store.observe(read.collect(), at(2)).await.unwrap();
        }
        told("list and observe", count, start);
    }

    async fn decide_all(store: &SqliteStore, count: u64) -> Vec<(u64, IntentId)> {
        let start = now();
        let mut after = OrderId(0);
        let mut intents = Vec::new();
        loop {
            let due = store.due(Scope::Due, at(3), after, 256).await.unwrap();
            let Some(last) = due.last() else { break };
            after = *last;
            let dossiers = store.dossiers(due).await.unwrap();
            let decisions = dossiers.iter().map(|dossier| {
                let id = dossier.shop.id.0;
                let (decided, intent) = intending(id, id, 100);
                intents.push((id, intent.id));
                let next_look = Some(at(i64::try_from(id % 100).unwrap().saturating_mul(3600).saturating_add(90_000)));
                Decided { klarna: Some((klarna(id, 10_000, &[]), at(3))), next_look, ..decided }
            });
            let results = store.decide(pass(1), at(3), decisions.collect()).await.unwrap();
            assert!(results.iter().all(Result::is_ok));
        }
        told("load, decide and intend", count, start);
        intents
    }

    async fn act(store: &SqliteStore, intents: Vec<(u64, IntentId)>) {
        let start = now();
        let count = u64::try_from(intents.len()).unwrap();
        let intents = Arc::new(intents);
        let next = Arc::new(AtomicU64::new(0));
        let tasks = (0..TASKS).map(|_| {
            let (store, intents, next) = (store.clone(), Arc::clone(&intents), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let place = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                    let Some((order, id)) = intents.get(place) else { return };
                    one(&store, *order, *id).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        told("claim and record, 128 at once", count, start);
    }

    async fn one(store: &SqliteStore, order: u64, id: IntentId) {
        let claim = store.claim(pass(1), id, guard(4)).await.unwrap();
        assert!(matches!(claim, Claim::Granted(_)), "{claim:?}");
        let made = RefundId(format!("refund-{order}"));
        let (before, event, after) = (State::Sending, intent::Event::Confirmed, State::Confirmed);
        let refunded = Event::Refunded(Proof::Refund(made.clone()));
        let steps = vec![
            Step::Intent { id, before, event, after, note: None },
            credit_step(order, &CreditInvoice::RefundRequested(id), refunded),
        ];
        let attempt = Attempt {
            order: OrderId(order),
            intent: id,
            steps,
            made: Some(made),
            said: None,
            correlation_id: Some("b1a7d3c2-0000-4000-8000-1234567890ab".into()),
            not_before: None,
            uncounted: false,
        };
        store.record(pass(1), attempt, at(5)).await.unwrap();
    }

    async fn quiet_pass(path: &Path) {
        let start = now();
        let store = SqliteStore::open(path, shop()).unwrap();
        told("open", 1, start);
        let start = now();
        store.begin_pass(pass(7), at(100)).await.unwrap();
        store.cursors().await.unwrap();
        assert!(store.unread(64).await.unwrap().is_empty());
        assert!(store.due(Scope::Due, at(100), OrderId(0), 256).await.unwrap().is_empty());
        assert!(store.breaks(false).await.unwrap().is_empty());
        store.spent(at(0)).await.unwrap();
        store.is_stopped().await.unwrap();
        store.end_pass(pass(7), at(101), true).await.unwrap();
        told("a pass in which nothing is due", 1, start);
        let start = now();
        let mut after = OrderId(0);
        let mut found = 0_u64;
        loop {
            let page = store.due(Scope::Due, at(1_000_000), after, 256).await.unwrap();
            let Some(last) = page.last() else { break };
            after = *last;
            found = found.saturating_add(u64::try_from(page.len()).unwrap());
        }
        told("all due, in a hundred hours", found, start);
        let start = now();
        let entries = intact(&store).await;
        told("audit, rows", entries, start);
        let again = store.decide(pass(7), at(102), vec![Decided { intents: vec![refund(1, 1, 1)], ..quiet(1) }]).await;
        assert!(again.unwrap()[0].is_ok());
        let again = Decided { credits: vec![credit(1, 100)], ..quiet(1) };
        store.decide(pass(7), at(102), vec![again]).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "figures, not promises"]
    async fn figures() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let store = SqliteStore::open(&path, shop()).unwrap();
        store.begin_pass(pass(1), at(0)).await.unwrap();
        let count = orders();
        fill(&store, count).await;
        let intents = decide_all(&store, count).await;
        act(&store, intents).await;
        let start = now();
        drop(store);
        told("close", 1, start);
        quiet_pass(&path).await;
        eprintln!("{} bytes", std::fs::metadata(&path).unwrap().len());
    }
}
