//! The intent protocol, every schedule of it: workers, crashes, losses, late requests, stale reads, expiring keys,
//! pauses, lost stores and a person at the portal, enumerated exhaustively.
//!
//! What a read allows and what an answer means is asked of the real `core` (`decide`, `State::apply`, `event_after`),
//! so the model cannot drift from the program; the model adds what lies around it: stores, network, Klarna, time.
//! Each safeguard is also taken away, and then a counterexample must be found. `RECONCILED_DEEP=1` enumerates the
//! large worlds; without it the same worlds are enumerated with smaller bounds.
#![allow(
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a panic is a failed test, and bounds are small"
)]

#[path = "../common/mod.rs"]
mod common;
mod mind;
mod protocol;
mod state;

use protocol::{Bounds, Protocol, Safeguards, Stores};
use stateright::{Checker, HasDiscoveries, Model};

/// Whether the large form was asked for.
fn is_deep() -> bool {
    #[expect(clippy::disallowed_methods, reason = "a knob of the test alone")]
    std::env::var_os("RECONCILED_DEEP").is_some_and(|it| it == "1")
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What one world came to: its distinct states, and which of `REACHED` it reached. Panics on a violation.
fn enumerate(name: &str, world: Protocol) -> (usize, Vec<&'static str>) {
    let checked = world.checker().threads(threads()).spawn_bfs().join();
    let states = checked.unique_state_count();
    for property in protocol::SAFETY {
        if let Some(path) = checked.discovery(property) {
            panic!("{name}: `{property}` is violated after\n{}", steps(path.into_actions()));
        }
    }
    println!("| {name} | {states} | none |");
    (states, protocol::REACHED.into_iter().filter(|reached| checked.discovery(reached).is_some()).collect())
}

fn steps(actions: Vec<protocol::Action>) -> String {
    let lines = actions.into_iter().enumerate().map(|(count, action)| format!("  {}. {action:?}", count + 1));
    lines.collect::<Vec<_>>().join("\n")
}

const fn bounds(crashes: u8, losses: u8, wipes: u8, portal: u8, jumps: [u8; 4]) -> Bounds {
    Bounds { crashes, losses, wipes, portal, jumps }
}

/// The worlds that lack nothing, each with how much may happen in it.
fn worlds(deep: bool) -> Vec<(&'static str, Protocol)> {
    let whole = Safeguards::ALL;
    let one = Protocol::new(1, Stores::One, true, whole);
    let nameless = Protocol::new(1, Stores::One, false, whole);
    let shared = Protocol::new(2, Stores::One, true, whole);
    let apart = Protocol::new(2, Stores::OneEach, true, whole);
    let three = Protocol::new(3, Stores::OneEach, true, whole);
    if deep {
        return vec![
            ("1 worker", one.within(bounds(1, 1, 1, 0, [2, 0, 0, 1]))),
            ("1 worker, reads without references", nameless.within(bounds(1, 1, 0, 1, [2, 0, 0, 1]))),
            ("2 workers, one store", shared.within(bounds(1, 0, 0, 0, [2, 0, 0, 0]))),
            ("2 workers, one store, a loss", shared.within(bounds(0, 1, 0, 0, [2, 0, 0, 0]))),
            ("2 workers, a store each, a crash", apart.within(bounds(1, 0, 0, 0, [0, 0, 0, 1]))),
            ("2 workers, a store each, a portal", apart.within(bounds(0, 0, 0, 1, [0, 0, 0, 0]))),
            ("2 workers, a store each, a day", apart.within(bounds(0, 0, 0, 0, [1, 0, 0, 1]))),
            ("3 workers, a store each", three.within(bounds(0, 0, 0, 0, [0, 0, 0, 0]))),
        ];
    }
    vec![
        ("1 worker", one.within(bounds(0, 1, 1, 0, [2, 0, 0, 1]))),
        ("1 worker, reads without references", nameless.within(bounds(1, 0, 0, 1, [2, 0, 0, 0]))),
        ("2 workers, one store", shared.within(bounds(0, 0, 0, 0, [1, 0, 0, 0]))),
        ("2 workers, a store each, a portal", apart.within(bounds(0, 0, 0, 1, [0, 0, 0, 0]))),
        ("2 workers, a store each, a day", apart.within(bounds(0, 0, 0, 0, [0, 0, 0, 1]))),
    ]
}

/// The least that counts as a proof.
const FLOOR_DEEP: usize = 2_000_000;
const FLOOR: usize = 100_000;

#[test]
fn no_schedule_refunds_twice_or_marks_paid_what_is_not_proven() {
    let deep = is_deep();
    println!("| world | distinct states | violations |");
    let (mut total, mut seen) = (0, Vec::new());
    for (name, world) in worlds(deep) {
        let (states, reached) = enumerate(name, world);
        total += states;
        seen.extend(reached);
    }
    println!("| together | {total} | none |");
    println!("@ schedules of the intent protocol | {total} distinct states, no violation");
    for reached in protocol::REACHED {
        assert!(seen.contains(&reached), "never reached, so nothing is proven: {reached}");
    }
    let floor = if deep { FLOOR_DEEP } else { FLOOR };
    assert!(total >= floor, "only {total} distinct states; {floor} are the floor");
}

/// The shortest schedule that refunds twice in a world that lacks a safeguard: searched depth by depth.
fn counterexample(name: &str, protocol: &Protocol) {
    let found = (1..=DEEPEST).find_map(|depth| {
        let checker = protocol.clone().checker().target_max_depth(depth).finish_when(HasDiscoveries::AnyFailures);
        checker.spawn_bfs().join().discovery(protocol::AT_MOST_ONCE)
    });
    let path = found.unwrap_or_else(|| panic!("{name}: nobody misses it within {DEEPEST} steps"));
    let actions = path.into_actions();
    println!("{name}: refunded twice after {} steps:\n{}", actions.len(), steps(actions));
}

/// Longer than any counterexample here.
const DEEPEST: usize = 40;

fn lacking(workers: usize, stores: Stores, safeguards: Safeguards, bounds: Bounds) -> Protocol {
    Protocol::new(workers, stores, true, safeguards).within(bounds)
}

#[test]
fn without_the_observation_a_lost_store_refunds_twice() {
    let bounds = Bounds { crashes: 0, losses: 0, wipes: 1, portal: 0, jumps: [0, 0, 0, 1] };
    let blind = Safeguards { observation: false, ..Safeguards::ALL };
    counterexample("no observation", &lacking(1, Stores::One, blind, bounds));
}

#[test]
fn without_the_freshness_guard_one_worker_alone_refunds_twice() {
    let bounds = Bounds { crashes: 0, losses: 0, wipes: 0, portal: 0, jumps: [2, 0, 0, 1] };
    let stale = Safeguards { freshness: false, ..Safeguards::ALL };
    counterexample("no freshness guard", &lacking(1, Stores::One, stale, bounds));
}

#[test]
fn without_the_deterministic_key_a_repeated_request_refunds_twice() {
    let bounds = Bounds { crashes: 0, losses: 0, wipes: 0, portal: 0, jumps: [2, 0, 0, 0] };
    let random = Safeguards { deterministic_key: false, ..Safeguards::ALL };
    counterexample("no deterministic key", &lacking(1, Stores::One, random, bounds));
}

/// The same bounds with every safeguard: what the three tests above find is the safeguard's absence, not the bounds.
#[test]
fn with_the_safeguards_the_same_schedules_refund_once() {
    for jumps in [[0, 0, 0, 1], [2, 0, 0, 1], [2, 0, 0, 0]] {
        let bounds = Bounds { crashes: 0, losses: 0, wipes: 1, portal: 0, jumps };
        let checked = lacking(1, Stores::One, Safeguards::ALL, bounds).checker().spawn_bfs().join();
        for property in protocol::SAFETY {
            checked.assert_no_discovery(property);
        }
    }
}
