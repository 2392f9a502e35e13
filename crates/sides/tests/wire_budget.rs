//! Budgets under a clock that stands still: what they learn from headers, what they leave to others, and how they
//! make calls wait.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on fails, and its helpers with it"
)]

mod wire_support;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reconciled_sides::budget::{Budget, Use};
use reconciled_sides::clock::Clock;
use wire_support::{Still, response, run};

const SHOP: &str = "https://shop.invalid";
const HERE: &str = "http://127.0.0.1:4010";

fn windows(limit: &str, left: &str, reset: &str) -> reconciled_sides::http::Response {
    let headers = [("x-ratelimit-limit", limit), ("x-ratelimit-remaining", left), ("x-ratelimit-reset", reset)];
    response(200, &headers, "")
}

/// How many calls are let through until one is refused, and when the next would be.
fn drain(budget: &Budget, clock: &Still, purpose: Use) -> (u32, SignedDuration) {
    for count in 0.. {
        let now = clock.now();
        if let Err(until) = run(budget.admit(clock, purpose)) {
            return (count, until.duration_since(now));
        }
    }
    unreachable!()
}

#[test]
fn documented_limits_hold_until_a_header_says_otherwise() {
    let (budget, clock) = (Budget::lightspeed("l", SHOP), Still::new());
    let (calls, _) = drain(&budget, &clock, Use::Read);
    assert_eq!(calls, 210);
    assert!(clock.passed() >= Duration::from_secs(10), "{:?}", clock.passed());
    let (calls, until) = drain(&budget, &clock, Use::Write);
    assert_eq!(calls, 60);
    assert!(until > SignedDuration::ZERO && until < SignedDuration::from_mins(5));
    clock.pass(until.unsigned_abs());
    assert_eq!(drain(&budget, &clock, Use::Read).0, 210);
}

#[test]
fn headers_are_believed() {
    let (budget, clock) = (Budget::lightspeed("l", SHOP), Still::new());
    budget.learn(&clock, &windows("1000/12000/288000", "999/11999/287999", "100/3000/20000"));
    assert_eq!(drain(&budget, &clock, Use::Read).0, 699);
    let (budget, clock) = (Budget::lightspeed("l", SHOP), Still::new());
    budget.learn(&clock, &windows("300/3000/12000", "299/2999/3601", "100/3000/20000"));
    assert_eq!(drain(&budget, &clock, Use::Read).0, 1);
    let (_, until) = drain(&budget, &clock, Use::Read);
    assert_eq!(until.as_hours(), 5);
    for (limit, left, reset) in
        [("300", "5", "1"), ("a/b/c", "0/0/0", "x/y/z"), ("", "", ""), ("300/3000/12000", "1/2", "1/2/3")]
    {
        let (budget, clock) = (Budget::lightspeed("l", SHOP), Still::new());
        budget.learn(&clock, &windows(limit, left, reset));
        assert_eq!(drain(&budget, &clock, Use::Read).0, 210, "{limit} {left} {reset}");
    }
}

#[test]
fn within_a_window_the_lowest_word_counts_and_a_new_window_replaces_it() {
    let (budget, clock) = (Budget::lightspeed("l", SHOP), Still::new());
    let limit = "300/3000/12000";
    budget.learn(&clock, &windows(limit, "100/2000/11000", "200/2000/20000"));
    budget.learn(&clock, &windows(limit, "150/2000/11000", "200/2000/20000"));
    assert_eq!(drain(&budget, &clock, Use::Read).0, 10);
    budget.learn(&clock, &windows(limit, "299/1999/10999", "300/1800/19800"));
    assert_eq!(drain(&budget, &clock, Use::Read).0, 209);
}

#[test]
fn a_restart_forgets_nothing() {
    let (budget, clock) = (Budget::lightspeed("l", SHOP), Still::new());
    budget.learn(&clock, &windows("300/3000/12000", "95/2000/11000", "200/2000/20000"));
    let saved = budget.save();
    assert_eq!(saved.keys().collect::<Vec<_>>(), ["l"]);
    let again = Budget::lightspeed("l", SHOP);
    again.restore(&saved);
    assert_eq!(drain(&again, &clock, Use::Read).0, 5);
    let other = Budget::lightspeed("other", SHOP);
    other.restore(&saved);
    assert_eq!(drain(&other, &Still::new(), Use::Read).0, 210);
    for text in ["", "x", "300:95:soon", "1:2:3 4:5:6", "1:2:3 4:5:6 7:8:9 1:1:1"] {
        let budget = Budget::lightspeed("l", SHOP);
        budget.restore(&BTreeMap::from([("l".to_owned(), text.to_owned())]));
        assert_eq!(drain(&budget, &Still::new(), Use::Read).0, 210, "{text}");
    }
    let klarna = Budget::klarna("k", SHOP, 50);
    klarna.learn(&clock, &response(200, &[("x-ratelimit-limit", "400, 400;w=1")], ""));
    assert_eq!(klarna.save(), BTreeMap::from([("k".to_owned(), "400;w=1".to_owned())]));
}

#[test]
fn a_clock_set_back_locks_nothing_for_longer_than_a_window() {
    let (budget, clock) = (Budget::lightspeed("l", SHOP), Still::new());
    clock.pass(Duration::from_hours(1000));
    budget.learn(&clock, &windows("300/3000/12000", "0/2000/11000", "200/2000/20000"));
    let (_, until) = drain(&budget, &Still::new(), Use::Read);
    assert_eq!(until, SignedDuration::from_mins(5));
}

/// When each of so many calls is let through.
fn turns(budget: &Budget, clock: &Still, purpose: Use, calls: usize) -> Vec<Timestamp> {
    let turn = |_| {
        run(budget.admit(clock, purpose)).unwrap();
        clock.now()
    };
    (0..calls).map(turn).collect()
}

#[test]
fn klarna_is_paced_below_its_limit() {
    let per_second = |budget: &Budget, clock: &Still| {
        let start = clock.passed();
        turns(budget, clock, Use::Read, 1000);
        1000 / clock.passed().saturating_sub(start).as_secs().max(1)
    };
    let (budget, clock) = (Budget::klarna("k", SHOP, 50), Still::new());
    let slow = per_second(&budget, &clock);
    assert!((38..=44).contains(&slow), "{slow}");
    budget.learn(&clock, &response(200, &[("x-ratelimit-limit", "400, 400;w=1")], ""));
    let fast = per_second(&budget, &clock);
    assert!((320..=500).contains(&fast), "{fast}");
    let exhausted = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "3")];
    budget.learn(&clock, &response(200, &exhausted, ""));
    let before = clock.now();
    assert!(turns(&budget, &clock, Use::Read, 1)[0].duration_since(before).as_secs() >= 3);
}

#[test]
fn a_turn_that_is_far_away_is_refused_instead_of_waited_for() {
    let (budget, clock) = (Budget::klarna("k", SHOP, 50), Still::new());
    let until = budget.throttled(&clock, &response(429, &[("retry-after", "70")], ""), SignedDuration::ZERO);
    assert_eq!(until.duration_since(clock.now()), SignedDuration::from_secs(70));
    for purpose in [Use::Write, Use::Read] {
        assert_eq!(run(budget.admit(&clock, purpose)), Err(until));
    }
    assert_eq!(clock.passed(), Duration::ZERO);
    let near = Budget::klarna("k", SHOP, 50);
    near.throttled(&clock, &response(429, &[("retry-after", "7")], ""), SignedDuration::ZERO);
    run(near.admit(&clock, Use::Write)).unwrap();
    assert_eq!(clock.passed(), Duration::from_secs(7));
}

#[test]
fn this_machine_is_unlimited_until_it_names_a_limit() {
    let (budget, clock) = (Budget::lightspeed("l", HERE), Still::new());
    turns(&budget, &clock, Use::Read, 1000);
    assert_eq!((clock.passed(), budget.save()), (Duration::ZERO, BTreeMap::new()));
    let klarna = Budget::klarna("k", "http://localhost:4020/", 50);
    turns(&klarna, &clock, Use::Write, 1000);
    assert_eq!(clock.passed(), Duration::ZERO);
    klarna.throttled(&clock, &response(429, &[], ""), SignedDuration::from_secs(2));
    turns(&klarna, &clock, Use::Read, 1000);
    assert_eq!(clock.passed(), Duration::from_secs(2));
    budget.learn(&clock, &windows("300/3000/12000", "299/2999/11999", "100/3000/20000"));
    assert_eq!(drain(&budget, &clock, Use::Read).0, 209);
}
