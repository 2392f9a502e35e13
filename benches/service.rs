//! What the service costs and how fast it is, measured from outside: the program as it is shipped under `run`, against the
//! sandbox in another process, over loopback HTTP, with its store on disk.
//!
//! `cargo bench --profile dist --bench service` prints the table with what was aimed at and whether it was met; `--quick`
//! measures for shorter and with fewer shops at the same rate of passes. Words (`webhook`, `idle`, `orders`, `shops`) choose figures.
//! Nothing here fails on a slow machine.
//!
//! `webhook` is the time from the first byte of a signed webhook to the refund's arrival at Klarna, by the sandbox's
//! clock: the hint, the lists, the order, Klarna's order, the durable intent and its claim lie between. A shop takes two
//! hints a minute, so the service is started anew for every two. `shops` counts for every shop of one process whether
//! its passes come a period apart; each pass reads the five orders that changed since the one before.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    reason = "a measurement, not money: it reads clocks and divides; its support is shared with the other benchmark"
)]

#[path = "support/daemon.rs"]
mod daemon;
mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use daemon::{Daemon, Estate};
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use reconciled::web::HookEndpoint;
use reconciled_core::id::ShopName;
use support::Sandbox;

/// Looks once at its first start, and not again for as long as anything is measured here.
const RARELY: &str = "every 7 days";
const DRIVE: &str = "act = true\nrefund_after = \"0 seconds\"";
const PLAN: &str = "act = false";
/// What was bought, sent and paid ten days ago.
const ORDER: &str = r#"{"amount_minor": 5000, "klarna": "captured", "shipped": true, "age_seconds": 864000}"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let quick = is_given("--quick");
    let named = arguments.iter().any(|argument| !argument.starts_with("--"));
    let wanted = |figure: &str| !named || is_given(figure);
    println!("{:<66} {:>22} {:>12} {:>7}", "what", "measured", "target", "");
    if wanted("webhook") {
        webhook(if quick { 3 } else { 20 });
    }
    if wanted("idle") {
        idle(Duration::from_secs(if quick { 20 } else { 120 }));
    }
    if wanted("orders") {
        orders(if quick { 20_000 } else { 100_000 });
    }
    if wanted("shops") {
        let (count, period) = if quick { (100, 30) } else { (1_000, 300) };
        shops(count, period, 3);
    }
}

fn row(what: &str, measured: &str, target: &str, met: bool) {
    println!("{what:<66} {measured:>22} {target:>12} {:>7}", if met { "met" } else { "missed" });
}

fn now() -> Timestamp {
    SystemTime::now().try_into().expect("a time")
}

fn webhook(starts: usize) {
    let sandbox = Sandbox::start(0, 0);
    sandbox.control("log", r#"{"enabled": true}"#);
    let estate = Estate::new(&sandbox, 1, RARELY, DRIVE);
    let mut times = Vec::new();
    drop(first_pass(&estate));
    for _ in 0..starts {
        let daemon = estate.start();
        times.extend([knock(&sandbox, &daemon), knock(&sandbox, &daemon)]);
    }
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    let what = format!("webhook to refund on the wire, median of {} (worst {worst} ms)", times.len());
    row(&what, &format!("{median} ms"), "<= 100 ms", median <= 100);
}

fn first_pass(estate: &Estate) -> Daemon {
    let daemon = estate.start();
    daemon.passed(1, 1);
    daemon
}

/// A return, a webhook about it, and how many milliseconds later Klarna was asked for the refund.
fn knock(sandbox: &Sandbox, daemon: &Daemon) -> i64 {
    let made = sandbox.control("act/create_order", ORDER);
    let made: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    let credit = serde_json::json!({"order": made["number"], "amount_minor": 2000, "age_seconds": 7200});
    sandbox.control("act/credit", &credit.to_string());
    let before = refunds(sandbox).len();
    let sent = now();
    hint(sandbox, daemon);
    loop {
        if let Some(at) = refunds(sandbox).get(before) {
            return i64::try_from(at.duration_since(sent).as_millis()).expect("a short time");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A webhook as Lightspeed would send it.
fn hint(sandbox: &Sandbox, daemon: &Daemon) {
    let secret = sandbox.addresses["lightspeed"]["api_secret"].as_str().expect("a secret").to_owned();
    let body = r#"{"invoice":{"id":1}}"#;
    let mut hash = Md5::new();
    hash.update(body);
    hash.update(&secret);
    let signature: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let endpoint = HookEndpoint { shop: ShopName("main".to_owned()), shop_id: None, secret: secret.into() };
    let path = format!("/hook/{}", endpoint.token());
    let headers = [("X-Signature", signature.as_str()), ("X-Shop-Id", "356891")];
    let (status, _) = daemon.ask("POST", &path, &headers, body).expect("an answer");
    assert_eq!(status, 200, "the hint was taken");
}

/// When Klarna was asked for refunds.
fn refunds(sandbox: &Sandbox) -> Vec<Timestamp> {
    let log = sandbox.look("log?side=klarna&writes=true");
    let entries = log["log"].as_array().expect("a list").iter();
    let refunds = entries.filter(|entry| entry["path"].as_str().is_some_and(|path| path.ends_with("/refunds")));
    refunds.map(|entry| entry["at"].as_str().expect("a time").parse().expect("a time")).collect()
}

fn idle(measured: Duration) {
    let sandbox = Sandbox::start(0, 0);
    let estate = Estate::new(&sandbox, 1, "every 5 minutes", PLAN);
    let daemon = first_pass(&estate);
    std::thread::sleep(Duration::from_secs(2));
    let before = daemon.cpu();
    std::thread::sleep(measured);
    let used = daemon.cpu().saturating_sub(before);
    let mb = megabytes(daemon.status("VmRSS"));
    row("idle with one shop, resident memory", &format!("{mb:.1} MB"), "<= 20 MB", mb <= 20.0);
    let percent = 100.0 * used.as_secs_f64() / measured.as_secs_f64();
    let what = format!("idle with one shop, processor over {} s", measured.as_secs());
    row(&what, &format!("{percent:.3} %"), "<= 0.1 %", percent <= 0.1);
}

fn orders(orders: u32) {
    let sandbox = Sandbox::start(orders, 0);
    let estate = Estate::new(&sandbox, 1, RARELY, PLAN);
    let daemon = estate.start();
    let empty = daemon.status("VmRSS");
    daemon.passed(1, 1);
    let (after, peak) = (daemon.status("VmRSS"), daemon.status("VmHWM"));
    let each = |kib: u64, than: u64| kib.saturating_sub(than) * 1024 / u64::from(orders);
    let what = format!("memory per order touched in a pass over {orders}, peak");
    row(&what, &format!("{} bytes", each(peak, empty)), "<= 1 KB", each(peak, empty) <= 1024);
    println!("{:<66} {:>22}", "  what the allocator keeps after it", format!("{:.1} MB", megabytes(after - empty)));
    drop(daemon);
    let known = after_a_poll(&sandbox, &estate);
    let nothing = Sandbox::start(0, 0);
    let fresh = Estate::new(&nothing, 1, RARELY, PLAN);
    drop(first_pass(&fresh));
    let unknown = after_a_poll(&nothing, &fresh);
    let what = format!("memory per order known between passes, of {orders}");
    row(&what, &format!("{} bytes", each(known, unknown)), "<= 16 bytes", each(known, unknown) <= 16);
}

/// Resident memory of a service that was started on this store and has made one poll.
fn after_a_poll(sandbox: &Sandbox, estate: &Estate) -> u64 {
    let daemon = estate.start();
    hint(sandbox, &daemon);
    daemon.passed(1, 1);
    daemon.status("VmRSS")
}

/// Passes of many shops over `periods` periods, the first of which spreads them out.
fn shops(count: usize, period: i64, periods: u32) {
    let sandbox = Sandbox::start(5, 0);
    let estate = Estate::new(&sandbox, count, &format!("every {period} seconds"), PLAN);
    let daemon = estate.start();
    let length = Duration::from_secs(period.unsigned_abs());
    let (start, mut changed) = (Instant::now(), Instant::now());
    let mut completed: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let (mut used, mut threads) = (None, 0);
    while start.elapsed() < length * periods {
        std::thread::sleep(length / 20);
        if changed.elapsed() >= length / 5 {
            changed = Instant::now();
            sandbox.control("act/create_order", ORDER);
        }
        if start.elapsed() >= length && used.is_none() {
            used = Some((daemon.cpu(), Instant::now()));
        }
        threads = threads.max(daemon.status("Threads"));
        for (shop, at) in daemon.figure("reconciled_last_complete_pass_timestamp_seconds") {
            let times = completed.entry(shop).or_default();
            if times.last() != Some(&at) {
                times.push(at);
            }
        }
    }
    let (before, since) = used.expect("more than a period");
    let percent = 100.0 * daemon.cpu().saturating_sub(before).as_secs_f64() / since.elapsed().as_secs_f64();
    let gaps: Vec<i64> = completed.values().flat_map(|times| times.windows(2)).map(|two| two[1] - two[0]).collect();
    let late = gaps.iter().filter(|gap| **gap > period + 2).count();
    let passes: i64 = daemon.figure("reconciled_passes_total").values().sum();
    let incomplete: i64 = daemon.figure("reconciled_incomplete_passes_total").values().sum();
    let whole =
        completed.len() == count && completed.values().all(|it| it.len() + 1 >= usize::try_from(periods).unwrap_or(0));
    let what = format!("{count} shops every {period} s: {passes} passes, {incomplete} incomplete, late");
    let longest = gaps.iter().max().copied().unwrap_or_default();
    let measured = format!("{late} of {} ({longest} s)", gaps.len());
    row(&what, &measured, "0", late == 0 && incomplete == 0 && whole && !gaps.is_empty());
    let mb = megabytes(daemon.status("VmRSS"));
    println!("{:<66} {:>22}", "  processor, memory, most threads", format!("{percent:.1} %, {mb:.0} MB, {threads}"));
}

fn megabytes(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}
