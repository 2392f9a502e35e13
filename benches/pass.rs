//! The speed and memory of the built program, measured from outside: the release binary runs passes against the
//! sandbox in another process, over loopback HTTP, with its store on disk.
//!
//! `cargo bench` prints the table; `cargo bench -- --baseline` measures a plain sequential client with two synced
//! commits per refund beside it and prints the ratio. Nothing here fails on a slow machine.

#![allow(
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    reason = "a measurement, not money: it reads clocks and divides"
)]

mod support;

use std::time::Duration;

use support::{Run, Sandbox, Workplace, baseline, first_request, million};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let with_baseline = arguments.iter().any(|argument| argument == "--baseline");
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let (refunds, orders, quiet) = if quick { (2_000, 5_000, 20_000) } else { (20_000, 100_000, 1_000_000) };
    let mut rows = vec![start()];
    let (row, rate) = driven(refunds);
    rows.push(row);
    if with_baseline {
        rows.push(compared(rate));
    }
    rows.push(first_pass(orders));
    rows.push(nothing_changed(quiet));
    println!("\n{:<58} {:>16} {:>16}", "what", "measured", "target");
    for (what, measured, target) in rows {
        println!("{what:<58} {measured:>16} {target:>16}");
    }
}

type Row = (String, String, &'static str);

/// Process start to the first byte of its first request, the median of nine.
fn start() -> Row {
    let mut times: Vec<Duration> = (0..9).map(|_| first_request()).collect();
    times.sort();
    ("start to first request".to_owned(), format!("{} ms", times[4].as_millis()), "<= 100 ms")
}

/// Refunds per second, each with a fresh read, a durable intent, a claim, the request and its recorded outcome.
fn driven(refunds: u32) -> (Row, f64) {
    let sandbox = Sandbox::start(refunds, 1_000);
    let place = Workplace::new(&sandbox, "mark_paid = \"off\"");
    place.act(false);
    place.reconcile();
    place.act(true);
    let run = place.reconcile();
    let confirmed = run.confirmed;
    assert_eq!(confirmed, u64::from(refunds), "every refund was driven");
    let rate = f64::from(u32::try_from(confirmed).unwrap_or(0)) / run.wall.as_secs_f64();
    ((format!("refunds driven durably, {refunds} in one pass"), format!("{rate:.0}/s"), ">= 2000/s"), rate)
}

fn compared(rate: f64) -> Row {
    let sandbox = Sandbox::start(2_000, 1_000);
    let plain = baseline(&sandbox, 2_000);
    let measured = format!("{:.1}x ({plain:.0}/s)", rate / plain);
    ("against a sequential client, two synced commits each".to_owned(), measured, ">= 5x")
}

fn first_pass(orders: u32) -> Row {
    let sandbox = Sandbox::start(orders, 0);
    let place = Workplace::new(&sandbox, "");
    let run = place.reconcile();
    let seconds = run.wall.as_secs();
    (format!("first pass over {orders} orders, peak memory ({seconds} s)"), memory(&run), "<= 128 MB")
}

fn nothing_changed(orders: u32) -> Row {
    let sandbox = Sandbox::start(1, 0);
    let place = Workplace::new(&sandbox, "");
    million(&place, orders);
    place.reconcile();
    let run = place.reconcile();
    let cpu = run.cpu.as_millis();
    (
        format!("nothing changed over {orders} orders, CPU and memory"),
        format!("{cpu} ms, {}", memory(&run)),
        "50 ms, 64 MB",
    )
}

fn memory(run: &Run) -> String {
    format!("{:.0} MB", f64::from(run.peak_kib) / 1024.0)
}
