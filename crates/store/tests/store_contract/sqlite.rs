//! What only the SQLite store promises: its file, its settings, its triggers, its one writer.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use reconciled_core::guard::Withheld;
use reconciled_core::id::{Identity, OrderId, ShopName};
use reconciled_core::intent::{Event, State};
use reconciled_core::money::Currency;
use reconciled_store::sqlite::{PassLock, SqliteStore};
use reconciled_store::{Audit, Claim, Decided, Operation, Refusal, Scope, ShopRecord, Store, StoreError};
use rusqlite::Connection;

use crate::fixture::{
    OnDisk, Place, at, attempt, begun, credit, decide, guard, intact, intend, observe, operate, pass, quiet, record,
    refund, shop, shop_order, stored,
};

fn raw(place: &OnDisk) -> Connection {
    let conn = Connection::open(place.path()).unwrap();
    conn.pragma_update(None, "recursive_triggers", true).unwrap();
    conn
}

fn refused(conn: &Connection, sql: &str) -> String {
    conn.execute_batch(sql).expect_err(sql).to_string()
}

fn bound_to(shop_id: &str) -> ShopRecord {
    let (cluster, environment, region) = ("eu1".to_owned(), "playground".to_owned(), "eu".to_owned());
    let identity = Identity { cluster, environment, region, shop_id: shop_id.to_owned() };
    ShopRecord { identity, currency: Currency::EUR, read_at: at(1) }
}

fn called(place: &OnDisk, name: &str) -> SqliteStore {
    SqliteStore::open(&place.path(), ShopName(name.to_owned())).unwrap()
}

#[tokio::test]
async fn a_second_name_for_one_shop_is_refused() {
    let place = OnDisk::fresh();
    let first = place.open();
    first.bind(bound_to("1")).await.unwrap();
    let second = called(&place, "second");
    let refused = second.bind(bound_to("1")).await;
    let known = shop().0;
    assert!(
        matches!(&refused, Err(StoreError::OtherName { known: found, given }) if *found == known && given == "second"),
        "{refused:?}"
    );
    assert_eq!(second.shop().await.unwrap(), None, "nothing of it is kept");
    // Another shop, the same one of another cluster, and another account of Klarna's are shops of their own.
    for (name, change) in [("a", ("2", "eu1", "eu")), ("b", ("1", "us1", "eu")), ("c", ("1", "eu1", "na"))] {
        let (shop_id, cluster, region) = change;
        let identity =
            Identity { cluster: cluster.to_owned(), region: region.to_owned(), ..bound_to(shop_id).identity };
        called(&place, name).bind(ShopRecord { identity, ..bound_to(shop_id) }).await.unwrap();
    }
}

#[tokio::test]
async fn a_renamed_shop_goes_on_with_its_books() {
    let place = OnDisk::fresh();
    let old = place.open();
    old.bind(bound_to("1")).await.unwrap();
    begun(&old).await;
    let id = intend(&old, 11, 4000).await;
    drop(old);
    let renamed = called(&place, "renamed");
    assert!(renamed.bind(bound_to("1")).await.is_err());
    // A stop that was given under the new name is not lost.
    operate(&renamed, Operation::Stop, 30).await.unwrap();
    let stopped = renamed.take_over(shop().0, at(31)).await;
    assert!(matches!(&stopped, Err(StoreError::Refused(Refusal::Said(why))) if why.contains("resume")), "{stopped:?}");
    operate(&renamed, Operation::Resume, 32).await.unwrap();
    renamed.take_over(shop().0, at(33)).await.unwrap();
    drop(renamed);
    let renamed = called(&place, "renamed");
    assert_eq!(renamed.shop_name(), &shop(), "one set of books, and one lock");
    renamed.bind(bound_to("1")).await.unwrap();
    assert_eq!(stored(&renamed, id).await.id, id);
    intact(&renamed).await;
    // Once more, and what it was called in between leads nowhere any more.
    let again = called(&place, "again");
    let known = again.bind(bound_to("1")).await;
    assert!(matches!(&known, Err(StoreError::OtherName { known, .. }) if known == "renamed"), "{known:?}");
    again.take_over("renamed".to_owned(), at(40)).await.unwrap();
    drop(again);
    assert_eq!(called(&place, "again").shop_name(), &shop());
    assert_eq!(called(&place, "renamed").shop_name().as_str(), "renamed");
    // What has books of its own takes nobody else's.
    let other = called(&place, "other");
    other.bind(bound_to("2")).await.unwrap();
    assert!(matches!(other.take_over(shop().0, at(41)).await, Err(StoreError::Refused(_))));
}

#[tokio::test]
async fn triggers_and_types_refuse_what_the_program_never_does() {
    let place = OnDisk::fresh();
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    let conn = raw(&place);
    for (sql, why) in [
        ("UPDATE journal SET actor = 'x'", "append-only"),
        ("DELETE FROM journal", "append-only"),
        ("REPLACE INTO journal SELECT * FROM journal", "append-only"),
        ("DELETE FROM intent", "never deleted"),
        ("DELETE FROM shop_order", "never deleted"),
        ("DELETE FROM credit_invoice", "never deleted"),
        ("UPDATE intent SET amount = 1", "never changes"),
        ("UPDATE intent SET key = id", "never changes"),
        ("UPDATE intent SET payload = ''", "never changes"),
        ("UPDATE intent SET generation = 7", "never changes"),
        ("UPDATE intent SET currency = 'USD'", "never changes"),
        ("UPDATE intent SET reference = 'x'", "never changes"),
        ("UPDATE intent SET kind = 'cancel'", "never changes"),
        ("UPDATE intent SET order_id = 2", "never changes"),
        ("UPDATE intent SET credit_id = 12", "never changes"),
        ("UPDATE intent SET id = key", "never changes"),
        ("UPDATE intent SET state = 'rejected'", "cannot move"),
        ("UPDATE intent SET state = 'unknown'", "cannot move"),
        ("UPDATE intent SET state = 'sent'", "cannot move"),
        ("UPDATE credit_invoice SET amount = 24.95", "cannot store REAL"),
        ("UPDATE shop_order SET captured = 0.5", "cannot store REAL"),
        ("UPDATE spent SET amount = -1", "CHECK"),
    ] {
        let found = refused(&conn, sql);
        assert!(found.contains(why), "{sql}: {found}");
    }
    assert_eq!(stored(&store, id).await, refund(1, 11, 4000));
    intact(&store).await;
}

#[tokio::test]
async fn the_trigger_allows_exactly_the_machines_moves() {
    use reconciled_core::intent;
    let place = OnDisk::fresh();
    let store = place.open();
    begun(&store).await;
    intend(&store, 11, 4000).await;
    drop(store);
    let conn = raw(&place);
    for from in State::ALL {
        for to in State::ALL {
            let legal = intent::Event::ALL.iter().any(|event| from.clone().apply(*event) == Ok(to.clone()));
            conn.execute_batch("SAVEPOINT try; DROP TRIGGER intent_moves_legally").unwrap();
            conn.execute("UPDATE intent SET state = ?1", [from.name()]).unwrap();
            let trigger = include_str!("../../../../state/sqlite/0001_initial.sql");
            let begin = trigger.find("CREATE TRIGGER intent_moves_legally").unwrap();
            let (_, rest) = trigger.split_at(begin);
            let (body, _) = rest.split_once("END;").unwrap();
            conn.execute_batch(&[body, "END;"].concat()).unwrap();
            let moved = conn.execute("UPDATE intent SET state = ?1", [to.name()]);
            assert_eq!(moved.is_ok(), legal, "{} to {}: {moved:?}", from.name(), to.name());
            conn.execute_batch("ROLLBACK TO try; RELEASE try").unwrap();
        }
    }
}

#[tokio::test]
async fn files_are_their_owners_alone() {
    let place = OnDisk::fresh();
    let path = place.directory.path().join("new/deep/store.db");
    let store = SqliteStore::open(&path, shop()).unwrap();
    begun(&store).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for name in ["store.db", "store.db-wal", "store.db-shm", "store.db.lock"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
    drop(store);
    assert!(!path.with_file_name("store.db-wal").exists(), "a clean end folds the log in");
}

#[tokio::test]
async fn files_that_are_not_ours_are_refused_untouched() {
    let place = OnDisk::fresh();
    let opened = || SqliteStore::open(&place.path(), shop()).map(|_| ());
    let foreign = Connection::open(place.path()).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(foreign);
    let before = fs::read(place.path()).unwrap();
    assert!(matches!(opened(), Err(StoreError::Open { .. })));
    assert_eq!(fs::read(place.path()).unwrap(), before);
    fs::write(place.path(), "not a database, but long enough to be looked at as one".repeat(40)).unwrap();
    assert!(matches!(opened(), Err(StoreError::Open { .. })));
    fs::remove_file(place.path()).unwrap();
    symlink(place.directory.path().join("elsewhere.db"), place.path()).unwrap();
    assert!(matches!(opened(), Err(StoreError::Open { .. })));
    fs::remove_file(place.path()).unwrap();
    fs::create_dir(place.path()).unwrap();
    assert!(matches!(opened(), Err(StoreError::Open { .. })));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let place = OnDisk::fresh();
    drop(place.open());
    raw(&place).pragma_update(None, "user_version", 99).unwrap();
    let opened = SqliteStore::open(&place.path(), shop()).map(|_| ());
    assert!(matches!(opened, Err(StoreError::Newer { found: 99, known: 5 })), "{opened:?}");
}

#[tokio::test]
async fn a_damaged_file_is_refused_after_an_unclean_end() {
    let place = OnDisk::fresh();
    let store = place.open();
    begun(&store).await;
    for id in 100..400 {
        observe(&store, shop_order(id, 1, &[(id, 5)])).await;
    }
    drop(store);
    let mut bytes = fs::read(place.path()).unwrap();
    // The last pages hold what was observed, and nothing that opening a store reads.
    let pages = bytes.len() / 4096;
    for page in [pages - 3, pages - 5, pages - 7] {
        bytes[page * 4096..page * 4096 + 64].fill(0xa5);
    }
    fs::write(place.path(), bytes).unwrap();
    drop(SqliteStore::open(&place.path(), shop()).unwrap());
    fs::write(place.directory.path().join("store.db-wal"), [0; 32]).unwrap();
    let opened = SqliteStore::open(&place.path(), shop()).map(|_| ());
    assert!(matches!(&opened, Err(StoreError::Open { why, .. }) if why.contains("damaged")), "{opened:?}");
}

#[test]
fn one_pass_at_a_time_per_shop() {
    let place = OnDisk::fresh();
    let path = place.path();
    let barrier = std::sync::Barrier::new(4);
    let results: Vec<_> = std::thread::scope(|scope| {
        let passes: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let lock = PassLock::acquire(&path, &shop());
                    barrier.wait();
                    lock.map(|_| ())
                })
            })
            .collect();
        passes.into_iter().map(|pass| pass.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    assert_eq!(results.iter().filter(|result| matches!(result, Err(StoreError::Locked))).count(), 3);
    let held = PassLock::acquire(&path, &shop()).unwrap();
    for other in ["other", "../main", "main/..", "ma%69n", ""] {
        drop(PassLock::acquire(&path, &ShopName(other.into())).unwrap());
    }
    drop(held);
    drop(PassLock::acquire(&path, &shop()).unwrap());
}

#[tokio::test]
async fn a_dropped_future_neither_undoes_nor_halves_its_job() {
    let place = OnDisk::fresh();
    let store = place.open();
    begun(&store).await;
    let (mut credits, mut dropped) = (Vec::new(), 0);
    for id in 1000..1100_u64 {
        observe(&store, shop_order(id, 1, &[])).await;
        let decided = Decided { credits: vec![credit(id, 10)], intents: vec![refund(id, id, 10)], ..quiet(id) };
        let mut job = Box::pin(decide(&store, 5, decided));
        // Polled once, which hands the job over, and then let go.
        let waiting = std::future::poll_fn(|context| std::task::Poll::Ready(job.as_mut().poll(context).is_pending()));
        dropped += u32::from(waiting.await);
        drop(job);
        credits.push(OrderId(id));
    }
    assert!(dropped > 0, "the writer answered each of a hundred jobs within one poll");
    for dossier in store.dossiers(credits).await.unwrap() {
        let both = (dossier.ledger.credits.len(), dossier.ledger.intents.len());
        assert!(both == (1, 1) || both == (0, 0), "{both:?}");
    }
    operate(&store, Operation::Stop, 6).await.unwrap();
    let orders = store.due(Scope::All, at(9), OrderId(999), 200).await.unwrap();
    for dossier in store.dossiers(orders).await.unwrap() {
        assert_eq!(dossier.ledger.intents.len(), 1, "the writer works in order, so all are done by now");
    }
    intact(&store).await;
}

#[tokio::test]
async fn jobs_that_fail_undo_themselves_alone_in_their_group() {
    let place = OnDisk::fresh();
    let store = place.open();
    begun(&store).await;
    for id in 1000..1100_u64 {
        observe(&store, shop_order(id, 1, &[])).await;
    }
    let jobs = (1000..1100_u64).map(|id| {
        let store = store.clone();
        tokio::spawn(async move {
            let amount = if id % 3 == 0 { 10_001 } else { 10 };
            let decided =
                Decided { credits: vec![credit(id, amount)], intents: vec![refund(id, id, amount)], ..quiet(id) };
            (id, decide(&store, 5, decided).await)
        })
    });
    for job in jobs.collect::<Vec<_>>() {
        let (id, result) = job.await.unwrap();
        assert_eq!(result.is_ok(), id % 3 != 0, "{id}: {result:?}");
        let ledger = store.dossiers(vec![OrderId(id)]).await.unwrap().remove(0).ledger;
        assert_eq!((ledger.credits.len(), ledger.intents.len()), if id % 3 == 0 { (0, 0) } else { (1, 1) });
    }
    intact(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handles_write_one_journal() {
    let place = OnDisk::fresh();
    let (one, two) = (place.open(), place.open());
    begun(&one).await;
    let id = intend(&one, 11, 4000).await;
    let orders = |store: SqliteStore, first: u64| {
        tokio::spawn(async move {
            for id in first..first.saturating_add(60) {
                observe(&store, shop_order(id, 1, &[])).await;
                decide(&store, 5, quiet(id)).await.unwrap();
                if id % 20 == 0 {
                    operate(&store, Operation::Hold(OrderId(id)), 6).await.unwrap();
                }
            }
        })
    };
    let (left, right) = (orders(one.clone(), 1000), orders(two.clone(), 2000));
    left.await.unwrap();
    right.await.unwrap();
    assert_eq!(intact(&one).await, intact(&two).await);
    let (first, second) = tokio::join!(one.claim(pass(1), id, guard(20)), two.claim(pass(1), id, guard(20)));
    let granted = [first.unwrap(), second.unwrap()];
    assert_eq!(granted.iter().filter(|claim| matches!(claim, Claim::Granted(_))).count(), 1, "{granted:?}");
    operate(&two, Operation::Stop, 21).await.unwrap();
    assert!(one.is_stopped().await.unwrap(), "nothing is remembered that another process may change");
    record(&two, attempt(id, Event::Lost), 22).await;
    assert_eq!(one.claim(pass(1), id, guard(23)).await.unwrap(), Claim::Withheld(Withheld::Stopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_gets_a_word_in_while_a_pass_writes() {
    let place = OnDisk::fresh();
    let (busy, operator) = (place.open(), place.open());
    begun(&busy).await;
    let writing = tokio::spawn(async move {
        let mut seconds = 0_i64;
        while !busy.is_stopped().await.unwrap() {
            seconds = seconds.saturating_add(1);
            let jobs = (0..64).map(|_| decide(&busy, seconds, Decided { changed: true, ..quiet(1) }));
            for result in futures_util::future::join_all(jobs).await {
                result.unwrap();
            }
        }
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let stop = operate(&operator, Operation::Stop, 5);
    tokio::time::timeout(std::time::Duration::from_secs(2), stop).await.expect("it starved").unwrap();
    writing.await.unwrap();
}

#[tokio::test]
async fn shops_of_one_database_know_nothing_of_each_other() {
    let place = OnDisk::fresh();
    let one = place.open();
    begun(&one).await;
    let id = intend(&one, 11, 4000).await;
    operate(&one, Operation::Stop, 5).await.unwrap();
    let two = SqliteStore::open(&place.path(), ShopName("other".into())).unwrap();
    assert!(!two.is_stopped().await.unwrap());
    assert!(two.intent(id).await.unwrap().is_none());
    assert!(two.due(Scope::All, at(9), OrderId(0), 9).await.unwrap().is_empty());
    begun(&two).await;
    decide(&two, 9, Decided { credits: vec![credit(11, 1)], ..quiet(1) }).await.unwrap();
    assert!(matches!(two.audit().await.unwrap(), Audit::Intact { entries: 2, .. }));
    intact(&one).await;
}
