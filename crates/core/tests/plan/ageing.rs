//! When an order is looked at again although nobody says that it changed: the longer it was quiet, the later.

use jiff::Timestamp;
use reconciled_core::ageing::{next_look, next_look_at_nothing};
use reconciled_core::facts::{KlarnaStatus, Word};

use crate::common::{NOW, Scene, ago, captured_order, eur, in_time, order};

/// How long an order of which nothing is due waits for its next look.
fn wait(scene: &Scene, quiet_since: &str) -> String {
    let plan = scene.plan();
    assert!(plan.effects.is_empty() && plan.discrepancies.is_empty(), "something is due");
    let next = next_look(&plan, Some(scene.klarna()), false, ago(quiet_since), NOW);
    format!("{:#}", next.duration_since(NOW))
}

fn authorized() -> Scene {
    order("100.00")
}

fn settled() -> Scene {
    captured_order("100.00")
}

#[test]
fn an_open_authorization_waits_a_twentieth_of_its_quiet_and_at_most_an_hour() {
    for (quiet, expected) in [("0s", "0s"), ("20s", "1s"), ("10h", "30m"), ("20h", "1h"), ("200h", "1h")] {
        assert_eq!(wait(&authorized(), quiet), expected, "after {quiet}");
    }
}

#[test]
fn a_settled_order_waits_a_tenth_of_its_quiet_and_between_a_minute_and_a_month() {
    let month = "720h";
    for (quiet, expected) in
        [("0s", "1m"), ("10m", "1m"), ("20m", "2m"), ("10h", "1h"), ("7200h", month), ("9000h", month)]
    {
        assert_eq!(wait(&settled(), quiet), expected, "after {quiet}");
    }
}

#[test]
fn a_clock_that_was_set_back_makes_nobody_wait_for_a_time_before_now() {
    assert_eq!(next_look(&authorized().plan(), Some(authorized().klarna()), false, in_time("5h"), NOW), NOW);
}

#[test]
fn what_has_nothing_left_to_capture_is_settled_whatever_its_status_says() {
    let emptied = authorized().klarna_says(|klarna| klarna.remaining = eur("0.00"));
    assert_eq!(wait(&emptied, "100h"), "10h");
}

#[test]
fn what_klarna_closed_is_settled_whatever_it_says_is_left() {
    let closed = settled().klarna_says(|klarna| {
        klarna.remaining = eur("1.00");
        klarna.status = Word::Known(KlarnaStatus::Closed);
    });
    assert_eq!(wait(&closed, "100h"), "10h");
}

#[test]
fn the_rest_of_a_partial_capture_is_open() {
    let partly = settled().klarna_says(|klarna| {
        klarna.remaining = eur("1.00");
        klarna.status = Word::Known(KlarnaStatus::PartCaptured);
    });
    let next = next_look(&settled().plan(), Some(partly.klarna()), false, ago("100h"), NOW);
    assert_eq!(next, in_time("1h"));
}

#[test]
fn an_order_of_which_klarna_was_not_read_is_open() {
    assert_eq!(next_look(&settled().plan(), None, false, ago("100h"), NOW), in_time("1h"));
}

/// The plan may know of an earlier time; a later one does not make anybody wait longer.
#[test]
fn the_sooner_of_two_reasons_to_look_wins() {
    let look = |at| {
        let mut plan = settled().plan();
        plan.look_again = Some(in_time(at));
        next_look(&plan, Some(settled().klarna()), false, ago("100h"), NOW)
    };
    assert_eq!(look("2h"), in_time("2h"));
    assert_eq!(look("20h"), in_time("10h"));
}

#[test]
fn what_is_in_flight_wanted_or_different_is_looked_at_in_the_next_pass() {
    let look = |scene: &Scene, in_flight| next_look(&scene.plan(), Some(scene.klarna()), in_flight, ago("100h"), NOW);
    // Whatever a clock that is set back says then.
    let always = Timestamp::UNIX_EPOCH;
    assert_eq!(look(&settled(), false), in_time("10h"));
    assert_eq!(look(&settled(), true), always);
    let wanted = settled().credit("INV1", "40.00", "2h");
    assert!(!wanted.plan().effects.is_empty() && wanted.plan().discrepancies.is_empty());
    assert_eq!(look(&wanted, false), always);
    let different = settled().refund("r1", "40.00", "");
    assert!(different.plan().effects.is_empty() && !different.plan().discrepancies.is_empty());
    assert_eq!(look(&different, false), always);
}

#[test]
fn what_is_not_klarnas_waits_like_what_is_settled() {
    for (quiet, expected) in [("0s", "1m"), ("10h", "1h"), ("9000h", "720h")] {
        let next = next_look_at_nothing(ago(quiet), NOW);
        assert_eq!(format!("{:#}", next.duration_since(NOW)), expected, "after {quiet}");
    }
}
