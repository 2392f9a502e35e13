//! Kills, several passes at once, and the kill switch in the middle of a pass.

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::thread;
use std::time::Duration;

use reconciled_sandbox::{FaultKind, KlarnaStart, Side};
use rusqlite::Connection;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{DRIVE_PATIENTLY, Rig, text, wait_until};

/// How many times all shops together are killed; `E2E_KILLS` sets another number.
fn kills() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a knob of the test alone")]
    let wanted = std::env::var("E2E_KILLS").ok();
    wanted.and_then(|it| it.parse().ok()).unwrap_or(60)
}

/// The next of a fixed sequence of numbers without a pattern.
fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

/// A shop in which every kind of effect is due several times.
fn busy() -> Rig {
    let rig = Rig::empty(&format!(
        "{DRIVE_PATIENTLY}\nrefund_limit_per_pass = \"90000.00\"\nrefund_limit_per_day = \"90000.00\""
    ));
    for amount in [4_000, 5_000, 6_000] {
        rig.returned(amount, 1_500);
        let twice = rig.returned(amount, 1_000).0;
        rig.credit(&twice, 500);
        for start in [KlarnaStart::Authorized, KlarnaStart::PartCaptured(2_000), KlarnaStart::Captured] {
            let order = rig.order(amount, start, false);
            rig.cancel(&order);
        }
        rig.order(amount, KlarnaStart::Authorized, true);
    }
    rig
}

/// Kills a pass after a pseudo-random number of requests, or of milliseconds.
fn kill_one(rig: &Rig, seed: &mut u64) {
    let by_requests = draw(seed).is_multiple_of(2);
    let before = rig.log().len();
    let mut child = rig.start(&["reconcile", "--json"]);
    if by_requests {
        let after = usize::try_from(draw(seed) % 70).unwrap();
        let mut waited = 0;
        while rig.log().len() < before + after && waited < 2_000 && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
            waited += 1;
        }
    } else {
        thread::sleep(Duration::from_millis(draw(seed) % 400));
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn kills_at_any_moment_double_nothing_and_lose_nothing() {
    const SHOPS: u64 = 10;
    thread::scope(|scope| {
        for shop in 0..SHOPS {
            scope.spawn(move || {
                let rig = busy();
                if shop % 2 == 1 {
                    // Klarna forgets keys at once: only looking first saves the money.
                    rig.switch("klarna.key_ttl_s", "0");
                }
                if shop % 3 == 2 {
                    rig.switch("klarna.reads_carry_reference", "false");
                }
                let mut seed = shop.wrapping_mul(7_919) + 17;
                for _ in 0..kills().div_ceil(SHOPS) {
                    kill_one(&rig, &mut seed);
                    rig.money_is_safe();
                }
                let last = rig.passes_until_quiet(6);
                assert_eq!(last.status, 0, "shop {shop}: {:#}", last.json);
                rig.everything_is_settled();
                let captured = rig.pairs().into_iter().filter(|it| !it.is_cancelled());
                for pair in captured {
                    assert_eq!(pair.klarna.captured_amount, pair.klarna.order_amount, "shop {shop}: {pair:#?}");
                    assert_eq!(pair.klarna.captures.len(), 1, "shop {shop}: {pair:#?}");
                }
                rig.audit();
            });
        }
    });
}

fn signalled(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_pass_that_is_asked_to_end_finishes_what_is_under_way_and_says_what_it_left() {
    for signal in [Signal::TERM, Signal::INT] {
        let rig = busy();
        rig.fault_always(Side::Klarna, "POST", "*", FaultKind::Delay { ms: 3_000 });
        let running = rig.start(&["reconcile", "--json"]);
        wait_until("a write leaves", || !rig.writes().is_empty());
        signalled(&running, signal);
        let ran = rig.finish(running);
        ran.ended(3);
        let json = ran.json();
        assert_eq!(json["complete"], false);
        let left = json["not_checked"].as_array().unwrap();
        assert!(left.iter().any(|it| it["what"] == "the rest of the pass"), "{json:#}");
        let outcomes: Vec<_> = json["effects"].as_array().unwrap().iter().map(|it| text(&it["outcome"])).collect();
        let confirmed = outcomes.iter().filter(|it| *it == "confirmed").count();
        assert_eq!(confirmed, rig.writes().len(), "every answer was waited for and recorded: {json:#}");
        assert!(!outcomes.contains(&"unknown".to_owned()), "{json:#}");
        let marked = rig.writes().into_iter().filter(|it| it.method == "PUT").count();
        assert_eq!(marked, 0, "nothing new was taken up: {json:#}");
        rig.clear_faults();
        rig.passes_until_quiet(4).ended(0);
        rig.everything_is_settled();
        rig.audit();
    }
}

#[test]
fn a_pass_that_is_asked_to_end_while_it_lists_decides_nothing() {
    let rig = busy();
    rig.fault(Side::Lightspeed, "GET", "*/orders.json", FaultKind::Delay { ms: 1_000 }, true);
    let running = rig.start(&["reconcile", "--json"]);
    wait_until("the list is asked for", || rig.log().iter().any(|it| it.path.contains("/orders.json")));
    signalled(&running, Signal::TERM);
    let ran = rig.finish(running);
    ran.ended(3).says("the list of changed invoices");
    assert_eq!((ran.json()["checked"]["orders"].clone(), rig.writes()), (0.into(), vec![]));
    rig.passes_until_quiet(4).ended(0);
    rig.everything_is_settled();
}

#[test]
fn a_second_signal_ends_at_once() {
    let rig = busy();
    rig.fault_always(Side::Klarna, "GET", "*", FaultKind::Hang);
    let mut running = rig.start(&["reconcile", "--json"]);
    wait_until("Klarna is asked", || rig.log().iter().any(|it| it.side == Side::Klarna));
    signalled(&running, Signal::INT);
    let mut said = BufReader::new(running.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("once more ends at once") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "the first signal is answered");
    }
    signalled(&running, Signal::TERM);
    let ran = rig.finish(running);
    ran.ended(3);
    assert_eq!(ran.out, "", "there was no time for a report");
    rig.clear_faults();
    rig.passes_until_quiet(4).ended(0);
    rig.everything_is_settled();
    rig.audit();
}

#[test]
fn of_four_passes_at_once_one_works_and_three_say_so() {
    let rig = busy();
    rig.fault(Side::Klarna, "GET", "*", FaultKind::Delay { ms: 1_500 }, true);
    let first = rig.start(&["reconcile", "--json"]);
    wait_until("the first pass asks", || !rig.log().is_empty());
    let others: Vec<_> = (0..3).map(|_| rig.start(&["reconcile", "--json"])).collect();
    for other in others {
        let ran = rig.finish(other);
        ran.ended(3);
        assert_eq!(ran.json()["complete"], false);
        ran.says("another pass is running");
    }
    rig.finish(first).ended(0);
    rig.everything_is_settled();
    rig.audit();
}

#[test]
fn four_passes_started_together_have_the_effects_of_one() {
    let rig = busy();
    let started: Vec<_> = (0..4).map(|_| rig.start(&["reconcile", "--json"])).collect();
    let ended: Vec<_> = started.into_iter().map(|it| rig.finish(it)).collect();
    for ran in &ended {
        crate::report::follows_the_contract(&ran.json());
        assert!([0, 3].contains(&ran.status), "{ran:?}");
    }
    assert!(ended.iter().any(|it| it.status == 0), "{ended:?}");
    rig.everything_is_settled();
    rig.clear_log();
    rig.pass().ended(0);
    assert_eq!(rig.writes(), vec![]);
    rig.audit();
}

/// Requests that were let go after the kill switch was on disk.
fn claims_since_the_stop(rig: &Rig) -> i64 {
    let claims = "SELECT count(*) FROM journal WHERE event = 'claimed'
        AND seq > (SELECT max(seq) FROM journal WHERE event = 'stop')";
    Connection::open(rig.store()).unwrap().query_row(claims, [], |row| row.get(0)).unwrap()
}

#[test]
fn stop_ends_the_writes_of_a_running_pass_and_outlives_it() {
    let rig = busy();
    // The first refund's answer is late; the stop comes while the pass waits for it.
    rig.fault_always(Side::Klarna, "POST", "*", FaultKind::Delay { ms: 400 });
    rig.fault_always(Side::Lightspeed, "PUT", "*", FaultKind::Delay { ms: 400 });
    let running = rig.start(&["reconcile", "--json"]);
    wait_until("a write leaves", || !rig.writes().is_empty());
    rig.run(&["stop", "--note", "wrong limits"]).ended(0);
    let ran = rig.finish(running);
    // What was claimed before cannot be called back, even if it arrives after; nothing is claimed any more.
    assert_eq!(claims_since_the_stop(&rig), 0, "{:#}", ran.json());
    let written = rig.writes().len();
    ran.ended(1);
    rig.clear_faults();

    for _ in 0..2 {
        let pass = rig.pass();
        assert_eq!(rig.writes().len(), written, "{:#}", pass.json);
        pass.ended(1);
        assert!(pass.list("effects").iter().all(|it| it["outcome"] == "held"), "{:#}", pass.json["effects"]);
    }
    rig.run(&["store", "info"]).ended(0).says("stopped");
    rig.run(&["resume"]).ended(0);
    rig.passes_until_quiet(4).ended(0);
    rig.everything_is_settled();
    rig.audit();
}
