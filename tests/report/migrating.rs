//! A store of the first schema gives the same report once it was migrated.

use reconciled::report::period::FormatKind;
use reconciled_store::sqlite::admin;
use serde_json::Value;

use crate::seed::{Shop, november_begins, october, october_of};

async fn report(shop: &Shop) -> Value {
    let mut report: Value = serde_json::from_str(&shop.text(october(), FormatKind::Json).await).unwrap();
    let mut october = report["shops"][0].take();
    // What passes could not check was not kept before, so the digest is another.
    let sections = october.as_object_mut().unwrap();
    sections.remove("not_checked").unwrap();
    sections.remove("digest").unwrap();
    october
}

#[tokio::test]
async fn a_migrated_store_gives_the_report_that_a_new_one_gives() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reconciled.db");
    let mut shop = october_of(Shop::at(&path).await).await;
    november_begins(&mut shop).await;
    let before = report(&shop).await;
    drop(shop);
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(include_str!("../fixtures/back_to_schema_1.sql")).unwrap();
    drop(raw);
    let (found, _) = admin::migrate(&path).unwrap().unwrap();
    assert_eq!(found, 1);
    let shop = Shop::reopened(&path);
    let after = report(&shop).await;
    assert_eq!(after, before);
    assert!(after["other_refunds"].as_array().is_some_and(|rows| rows.len() == 2), "{after}");
}
