//! The speed and memory of the program as it is shipped, measured from outside: it runs passes against the sandbox in
//! another process, over loopback HTTP, with its store on disk.
//!
//! `cargo bench --profile dist` prints the table with what was aimed at and whether it was met. Behind `--`: `--baseline`
//! measures the plain sequential client of `support::plain` beside it, with as many requests per refund, and prints the
//! ratio; `--quick` takes smaller shops; words (`start`, `refunds`, `first`, `quiet`, `report`, `pages`) choose figures.
//! Nothing here fails on a slow machine.
//!
//! The refunds are those of a shop whose orders an earlier pass with `act = false` has listed, read and judged, as
//! after a rehearsal. The pass that is measured, from the start of its process to its end, lists what changed, reads
//! each Klarna order anew, commits each refund's intent, claims it, sends it, records the answer, and decides the order
//! once more; marking paid is off, since it would double the requests and is no refund. Processor time is that of the
//! program alone; on two cores the sandbox takes its share of the wall clock.

#![allow(
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    reason = "a measurement, not money: it reads clocks and divides"
)]

mod support;

use std::time::Duration;

use support::{Log, Run, Sandbox, Workplace, baseline, first_request, million, returned, slowest_page, with_history};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let (with_baseline, quick) = (is_given("--baseline"), is_given("--quick"));
    let named = arguments.iter().any(|argument| !argument.starts_with("--"));
    let wanted = |figure: &str| !named || is_given(figure);
    let (refunds, orders, quiet) = if quick { (2_000, 5_000, 20_000) } else { (20_000, 100_000, 1_000_000) };
    let mut rows = Vec::new();
    if wanted("start") {
        rows.push(start());
    }
    if wanted("refunds") {
        let (row, rate) = driven(refunds);
        rows.push(row);
        if with_baseline {
            rows.push(compared("against a sequential client, two synced commits each", rate, Log::Rollback));
            rows.push(compared("against the same with a write-ahead log", rate, Log::WriteAhead));
        }
    }
    if wanted("first") {
        rows.push(first_pass(orders));
    }
    if wanted("quiet") {
        rows.push(nothing_changed(quiet));
    }
    if wanted("report") {
        rows.extend(reports(quiet));
    }
    if wanted("pages") {
        rows.push(pages(orders));
    }
    println!("\n{:<62} {:>18} {:>14} {:>7}", "what", "measured", "target", "");
    for Row { what, measured, target, met } in rows {
        println!("{what:<62} {measured:>18} {target:>14} {:>7}", if met { "met" } else { "missed" });
    }
}

/// One figure, what was aimed at, and whether it was met.
struct Row {
    what: String,
    measured: String,
    target: &'static str,
    met: bool,
}

/// Process start to the first byte of its first request, the median of nine.
fn start() -> Row {
    let mut times: Vec<Duration> = (0..9).map(|_| first_request()).collect();
    times.sort();
    let millis = times[4].as_millis();
    let what = "start to first request".to_owned();
    Row { what, measured: format!("{millis} ms"), target: "<= 100 ms", met: millis <= 100 }
}

/// Refunds per second, each with a fresh read, a durable intent, a claim, the request and its recorded outcome.
fn driven(refunds: u32) -> (Row, f64) {
    let sandbox = Sandbox::start(refunds, 1_000);
    let place = Workplace::new(&sandbox, "mark_paid = \"off\"");
    place.act(false);
    place.reconcile();
    place.act(true);
    let before = sandbox.klarna_calls();
    let run = place.reconcile();
    assert_eq!(run.confirmed, u64::from(refunds), "every refund was driven");
    one_read_and_one_write_each(&sandbox, before, refunds);
    let rate = f64::from(refunds) / run.wall.as_secs_f64();
    let micros = run.cpu.as_micros() / u128::from(refunds);
    let what = format!("refunds driven durably, {refunds} in one pass ({micros} us CPU each)");
    (Row { what, measured: format!("{rate:.0}/s"), target: ">= 2000/s", met: rate >= 2_000.0 }, rate)
}

/// The same refunds by hand, so to speak.
fn compared(what: &str, rate: f64, log: Log) -> Row {
    let refunds = 2_000;
    let sandbox = Sandbox::start(refunds, 1_000);
    let before = sandbox.klarna_calls();
    let plain = baseline(&sandbox, refunds, log);
    one_read_and_one_write_each(&sandbox, before, refunds);
    let ratio = rate / plain;
    Row { what: what.to_owned(), measured: format!("{ratio:.1}x ({plain:.0}/s)"), target: ">= 5x", met: ratio >= 5.0 }
}

/// What makes the two comparable: the same requests at Klarna for each refund.
fn one_read_and_one_write_each(sandbox: &Sandbox, before: (u64, u64), refunds: u32) {
    let after = sandbox.klarna_calls();
    let made = (after.0 - before.0, after.1 - before.1);
    assert_eq!(made, (u64::from(refunds), u64::from(refunds)), "one read and one refund each");
}

fn first_pass(orders: u32) -> Row {
    let sandbox = Sandbox::start(orders, 0);
    let place = Workplace::new(&sandbox, "");
    let run = place.reconcile();
    let what = format!("first pass over {orders} orders, peak memory ({} s)", run.wall.as_secs());
    Row { what, measured: memory(&run), target: "<= 128 MB", met: run.peak_kib <= 128 << 10 }
}

fn nothing_changed(orders: u32) -> Row {
    let sandbox = Sandbox::start(1, 0);
    let place = Workplace::new(&sandbox, "");
    million(&place, orders);
    place.reconcile();
    let run = place.reconcile();
    let millis = run.cpu.as_millis();
    Row {
        what: format!("nothing changed over {orders} orders, CPU and memory"),
        measured: format!("{millis} ms, {}", memory(&run)),
        target: "50 ms, 64 MB",
        met: millis <= 50 && run.peak_kib <= 64 << 10,
    }
}

/// The report in every format over a store in which a fifth of the orders was returned, refunded and paid.
fn reports(orders: u32) -> Vec<Row> {
    let sandbox = Sandbox::start(1, 0);
    let place = Workplace::new(&sandbox, "");
    returned(&place, orders);
    let formats = ["json", "csv", "xlsx", "html", "text"];
    let row = |format: &str| {
        let (run, bytes) = place.report(format);
        let seconds = run.wall.as_secs_f64();
        Row {
            what: format!("report over {orders} orders, {} returned, {format} of {} MB", orders / 5, bytes >> 20),
            measured: format!("{seconds:.1} s, {}", memory(&run)),
            target: "5 s, 150 MB",
            met: seconds <= 5.0 && run.peak_kib <= 150 << 10,
        }
    };
    formats.map(row).into()
}

/// The operations page, with a hundred thousand orders and what years leave behind: the slowest page's median.
fn pages(orders: u32) -> Row {
    let sandbox = Sandbox::start(1, 0);
    let place = Workplace::new(&sandbox, "");
    million(&place, orders);
    with_history(&place);
    let (page, time) = slowest_page(&place);
    let millis = time.as_millis();
    let what = format!("slowest page over {orders} orders, median ({page})");
    Row { what, measured: format!("{millis} ms"), target: "<= 50 ms", met: millis <= 50 }
}

fn memory(run: &Run) -> String {
    format!("{:.0} MB", f64::from(run.peak_kib) / 1024.0)
}
