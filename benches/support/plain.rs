//! The client to compare with: one request at a time, one synced commit before it and one after it.

use std::time::Instant;

use rusqlite::Connection;
use serde_json::Value;

use super::Sandbox;

/// Refunds per second of a careful but plain client: read the order, commit an intent, refund, commit the outcome.
pub fn baseline(sandbox: &Sandbox, refunds: u32) -> f64 {
    let text = |side: &str, key: &str| sandbox.addresses[side][key].as_str().expect("an address").to_owned();
    let directory = tempfile::tempdir().expect("a directory");
    let store = Connection::open(directory.path().join("plain.db")).expect("a store");
    store.pragma_update(None, "journal_mode", "wal").expect("a setting");
    store.pragma_update(None, "synchronous", "full").expect("a setting");
    store.execute("CREATE TABLE refund (key TEXT PRIMARY KEY, state TEXT) STRICT", []).expect("a table");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let shop = format!("{}/{}", text("lightspeed", "base_url"), text("lightspeed", "language"));
    let (key, secret) = (text("lightspeed", "api_key"), text("lightspeed", "api_secret"));
    let klarna = format!("{}/ordermanagement/v1/orders", text("klarna", "base_url"));
    let (user, password) = (text("klarna", "username"), text("klarna", "password"));
    runtime.block_on(async {
        let due = orders(&client, &shop, &key, &secret, refunds).await;
        let started = Instant::now();
        let mut done = 0_u32;
        for (order, amount) in due {
            let address = format!("{klarna}/{order}");
            let read = client.get(&address).basic_auth(&user, Some(&password)).send().await.expect("a read");
            let _: Value = serde_json::from_slice(&read.bytes().await.expect("a body")).expect("an order");
            store.execute("INSERT INTO refund VALUES (?1, 'sent')", [&order]).expect("an intent");
            let sent = client
                .post(format!("{address}/refunds"))
                .basic_auth(&user, Some(&password))
                .header("Klarna-Idempotency-Key", &order)
                .header("content-type", "application/json")
                .body(format!("{{\"refunded_amount\":{amount},\"reference\":\"{order}\"}}"))
                .send()
                .await
                .expect("a refund");
            assert_eq!(sent.status(), 201);
            store.execute("UPDATE refund SET state = 'done' WHERE key = ?1", [&order]).expect("an outcome");
            done += 1;
        }
        f64::from(done) / started.elapsed().as_secs_f64()
    })
}

/// Klarna order ids of the shop's newest orders, with something to refund each.
async fn orders(client: &reqwest::Client, shop: &str, key: &str, secret: &str, count: u32) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    let mut after = 0;
    while u32::try_from(found.len()).unwrap_or(u32::MAX) < count {
        let address = format!("{shop}/orders.json?limit=250&since_id={after}");
        let page = client.get(address).basic_auth(key, Some(secret)).send().await.expect("a page");
        let page: Value = serde_json::from_slice(&page.bytes().await.expect("a body")).expect("a list");
        let rows = page["orders"].as_array().expect("orders").clone();
        if rows.is_empty() {
            break;
        }
        for row in rows {
            after = row["id"].as_u64().expect("an id");
            let data = row["paymentData"].as_object().expect("payment data");
            let id = data.values().filter_map(Value::as_str).find(|text| text.len() == 36).expect("a Klarna order id");
            found.push((id.to_owned(), 500));
        }
    }
    found
}
