//! The client to compare with: what a careful programmer writes first, one request at a time.
//!
//! Per refund it makes the requests that a pass makes, which the benchmark checks with the sandbox's own counters: one
//! GET of the Klarna order, whose answer it parses, and one POST of the refund with its idempotency key. Around the
//! POST it commits twice, the intent before and the outcome after, each commit synced to disk before the next step. It
//! keeps its one connection open, sends without delay and waits for nothing else; it has no journal, no hash chain, no
//! ceilings and no second look. Which orders are due it finds out before its clock starts.
//!
//! Its store is one SQLite table beside the store of the pass, on the same disk, with `synchronous=FULL` in one of two
//! [`Log`]s: SQLite's default rollback journal, which a programmer gets who sets nothing, and the write-ahead log, which
//! syncs once per commit and is the fastest durable setting there is.

use std::time::Instant;

use rusqlite::Connection;
use serde_json::Value;

use super::Sandbox;

/// How the plain client's store makes a commit durable.
#[derive(Clone, Copy, Debug)]
pub enum Log {
    /// `journal_mode=DELETE`, SQLite's default.
    Rollback,
    /// `journal_mode=WAL`.
    WriteAhead,
}

/// Refunds per second of the plain client.
pub fn baseline(sandbox: &Sandbox, refunds: u32, log: Log) -> f64 {
    let text = |side: &str, key: &str| sandbox.addresses[side][key].as_str().expect("an address").to_owned();
    let store = store(sandbox, log);
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

fn store(sandbox: &Sandbox, log: Log) -> Connection {
    let store = Connection::open(sandbox.directory.path().join("plain.db")).expect("a store");
    let mode = match log {
        Log::Rollback => "delete",
        Log::WriteAhead => "wal",
    };
    store.pragma_update(None, "journal_mode", mode).expect("a setting");
    store.pragma_update(None, "synchronous", "full").expect("a setting");
    store.execute("CREATE TABLE refund (key TEXT PRIMARY KEY, state TEXT) STRICT", []).expect("a table");
    store
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
