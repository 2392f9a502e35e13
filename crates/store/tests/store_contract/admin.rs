//! The store as a file: copies, and what may take its place.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use reconciled_core::breaks::BreakStep;
use reconciled_core::id::OrderId;
use reconciled_core::intent::{Kind, State};
use reconciled_store::pages::Pages as _;
use reconciled_store::sqlite::admin::{Forgotten, Restored};
use reconciled_store::sqlite::{PassLock, SqliteStore, admin};
use reconciled_store::{Operation, Refusal, Store, StoreError};
use rusqlite::Connection;

use crate::fixture::{OnDisk, Place, at, begun, decide, granted, intact, intend, minor, operate, quiet, shop, stored};

fn restore(from: &Path, path: &Path) -> Result<Restored, StoreError> {
    admin::restore(from, path, "ann", at(99))
}

#[tokio::test]
async fn a_backup_is_one_moment_and_comes_back_whole() {
    let place = OnDisk::fresh();
    let copy = place.directory.path().join("copy.db");
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    admin::backup(&place.path(), &copy).unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let again = admin::backup(&place.path(), &copy);
    assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
    let entries = intact(&store).await;
    granted(&store, id, 20).await;
    assert!(intact(&store).await > entries);

    let in_use = restore(&copy, &place.path());
    assert!(matches!(in_use, Err(StoreError::Refused(_))), "{in_use:?}");
    drop(store);
    let running = PassLock::acquire(&place.path(), &shop()).unwrap();
    let locked = restore(&copy, &place.path());
    assert!(matches!(locked, Err(StoreError::Locked)), "{locked:?}");
    drop(running);

    let restored = restore(&copy, &place.path()).unwrap();
    let kept = restored.kept.unwrap();
    let store = place.open();
    assert_eq!(intact(&store).await, entries + 1, "and the row that says that it is stopped");
    assert!(store.is_stopped().await.unwrap(), "nothing is sent before somebody looked");
    let [shop_of] = restored.shops.as_slice() else { panic!("{:?}", restored.shops) };
    let lost = Forgotten { kind: Kind::Refund, reference: "INV11".to_owned(), amount: minor(4000) };
    assert_eq!(shop_of.forgotten.as_deref(), Some(&[lost][..]), "what left since the backup");
    assert_eq!(shop_of.until, Some(at(10)));
    assert_eq!(stored(&store, id).await.state, State::Planned);
    let old = SqliteStore::open(&kept, shop()).unwrap();
    assert_eq!(stored(&old, id).await.state, State::Sending, "what was replaced is kept");
    drop(store);
    assert_ne!(restore(&copy, &place.path()).unwrap().kept.unwrap(), kept);
}

#[tokio::test]
async fn a_copy_that_fails_its_audit_is_not_restored() {
    let place = OnDisk::fresh();
    let copy = place.directory.path().join("copy.db");
    let store = place.open();
    begun(&store).await;
    intend(&store, 11, 4000).await;
    admin::backup(&place.path(), &copy).unwrap();
    let entries = intact(&store).await;
    drop(store);
    let knife = Connection::open(&copy).unwrap();
    knife.execute_batch("UPDATE credit_invoice SET state = 'pending'").unwrap();
    drop(knife);
    let refused = restore(&copy, &place.path());
    assert!(
        matches!(&refused, Err(StoreError::Refused(Refusal::Said(why))) if why.contains("credit_invoice")
        || why.contains("credit invoice")),
        "{refused:?}"
    );
    fs::write(&copy, "nothing of the kind").unwrap();
    assert!(restore(&copy, &place.path()).is_err());
    assert_eq!(intact(&place.open()).await, entries);
    let files: Vec<_> = fs::read_dir(place.directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!files.iter().any(|name| name.to_string_lossy().contains("part")), "{files:?}");
}

#[tokio::test]
async fn a_copy_may_become_the_first_store() {
    let place = OnDisk::fresh();
    let copy = place.directory.path().join("copy.db");
    let store = place.open();
    begun(&store).await;
    admin::backup(&place.path(), &copy).unwrap();
    let elsewhere = place.directory.path().join("new/store.db");
    let fresh = restore(&copy, &elsewhere).unwrap();
    assert_eq!((fresh.kept, fresh.shops[0].forgotten.clone()), (None, None));
    let restored = SqliteStore::open(&elsewhere, shop()).unwrap();
    assert_eq!(intact(&restored).await, intact(&store).await + 1, "and the row that says that it is stopped");
}

#[tokio::test]
async fn a_store_tells_about_itself() {
    let place = OnDisk::fresh();
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    intend(&store, 12, 3000).await;
    granted(&store, id, 20).await;
    operate(&store, Operation::Stop, 21).await.unwrap();
    let info = admin::info(&place.path(), true).unwrap();
    assert_eq!((info.schema, info.shops.len()), (5, 1));
    let found = &info.shops[0];
    assert_eq!(found.intents, [(State::Planned, 1), (State::Sending, 1)]);
    assert_eq!((found.entries, found.stopped), (intact(&store).await, true));
    assert!(matches!(store.audit().await.unwrap(), reconciled_store::Audit::Intact { head, .. } if head == found.head));
    assert_eq!(admin::migrate(&place.path()).unwrap(), None);
    assert!(admin::info(&place.directory.path().join("none.db"), false).is_err());
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_brought_up_to_date_with_a_copy_beside_it() {
    let place = OnDisk::fresh();
    let store = crate::tampering::eventful(&place).await;
    // What only later schemas can hold is taken back first.
    operate(&store, Operation::Abandon(crate::fixture::refund(1, 12, 3000).id), 90).await.unwrap();
    let breaks: Vec<i64> = store.breaks(true).await.unwrap().iter().map(|it| it.id).collect();
    for id in breaks {
        operate(&store, Operation::Break(id, BreakStep::Assign(None)), 91).await.unwrap();
    }
    let entries = intact(&store).await;
    drop(store);
    let conn = Connection::open(place.path()).unwrap();
    conn.execute_batch(include_str!("../../../../tests/fixtures/back_to_schema_1.sql")).unwrap();
    drop(conn);
    let old = SqliteStore::open(&place.path(), shop()).map(|_| ());
    assert!(matches!(&old, Err(StoreError::Open { why, .. }) if why.contains("store migrate")), "{old:?}");
    let (found, kept) = admin::migrate(&place.path()).unwrap().unwrap();
    assert_eq!((found, admin::info(&kept, true).unwrap().schema), (1, 1));
    let store = place.open();
    assert_eq!(intact(&store).await, entries);
    // What the earlier version concluded is judged again, and each order only once.
    let found = store.looking_back().await.unwrap();
    assert!(found.orders > 1 && found.waiting == found.orders, "{found:?}");
    assert!(store.dossiers(vec![OrderId(1)]).await.unwrap()[0].is_outdated);
    assert!(store.unread(9).await.unwrap().contains(&OrderId(1)));
    decide(&store, 95, quiet(1)).await.unwrap();
    assert!(!store.dossiers(vec![OrderId(1)]).await.unwrap()[0].is_outdated);
    assert_eq!(store.looking_back().await.unwrap().waiting, found.waiting - 1);
    drop(store);
    // A backup from before is brought up to date where it takes the store's place.
    restore(&kept, &place.path()).unwrap();
    assert_eq!(intact(&place.open()).await, entries + 1, "and the row that says that it is stopped");
}
