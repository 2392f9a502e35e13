//! The last gate, row by row: what holds an effect back, in which order, and what is never asked in vain.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod common;

use common::{Ask, NOW, captured_order, eur, in_time};
use proptest::prelude::*;
use reconciled_core::guard::{self, Gate, Money, Refund, Reserved, Withheld, opens};
use reconciled_core::intent::{Effect, Intent, Kind, State};
use reconciled_core::money::Minor;

fn intent(ask: &Ask) -> Intent {
    captured_order("100.00").intended(ask).ledger.intents[0].clone()
}

fn planned() -> Intent {
    intent(&Ask::refund("INV1", "40.00"))
}

fn open(intent: &Intent) -> Gate<'_> {
    Gate { intent, stopped: false, held: None, is_linked: true, was_told_since: false }
}

#[test]
fn what_holds_any_effect_back_is_said_with_the_switch_first() {
    let planned = planned();
    let gate = open(&planned);
    let held = Withheld::Held { note: "asked the consumer".to_owned() };
    assert_eq!(opens(&gate), Ok(()));
    let by_operator = Gate { held: Some("asked the consumer"), ..gate };
    assert_eq!(opens(&by_operator), Err(held.clone()));
    assert_eq!(opens(&Gate { stopped: true, ..by_operator }), Err(Withheld::Stopped));
    assert_eq!(opens(&Gate { is_linked: false, ..by_operator }), Err(held));
    assert_eq!(opens(&Gate { is_linked: false, ..gate }), Err(Withheld::Moved));
    assert_eq!(opens(&Gate { was_told_since: true, ..gate }), Err(Withheld::Moved));
}

#[test]
fn only_what_is_planned_or_unknown_is_sent() {
    for state in State::ALL {
        let may = matches!(state, State::Planned | State::Unknown);
        let intent = Intent { state, ..planned() };
        assert_eq!(opens(&open(&intent)).is_ok(), may, "{intent:?}");
    }
}

/// Marking paid is an act of the shop, whichever Klarna order the order is held for.
#[test]
fn another_link_stops_what_is_for_klarna_alone() {
    for (kind, may) in [(Kind::MarkPaid, true), (Kind::Capture, false), (Kind::Refund, false), (Kind::Cancel, false)] {
        let base = planned();
        let intent = Intent { effect: Effect { kind, ..base.effect.clone() }, ..base };
        assert_eq!(opens(&Gate { is_linked: false, ..open(&intent) }).is_ok(), may, "{kind:?}");
    }
}

fn money(captured: &str, refunded: &str, then: &str, in_flight: &str, unseen: &str) -> Money {
    let reserved = Reserved { in_flight: eur(in_flight), unseen: eur(unseen) };
    Money { captured: eur(captured), refunded: eur(refunded), refunded_then: eur(then), reserved }
}

#[test]
fn a_refund_stays_within_what_was_captured_whatever_a_read_lags() {
    for (money, amount, expected) in [
        (money("100.00", "0.00", "0.00", "0.00", "0.00"), "100.00", Ok(())),
        (money("100.00", "0.00", "0.00", "0.00", "0.00"), "100.01", Err(eur("100.01"))),
        (money("100.00", "40.00", "40.00", "0.00", "30.00"), "30.00", Ok(())),
        (money("100.00", "40.00", "40.00", "0.00", "30.00"), "30.01", Err(eur("100.01"))),
        (money("100.00", "70.00", "40.00", "0.00", "30.00"), "30.00", Ok(())),
        (money("100.00", "80.00", "40.00", "0.00", "30.00"), "20.01", Err(eur("100.01"))),
        (money("100.00", "40.00", "40.00", "50.00", "0.00"), "10.00", Ok(())),
        (money("100.00", "40.00", "40.00", "50.00", "0.00"), "10.01", Err(eur("100.01"))),
    ] {
        assert_eq!(money.fits(eur(amount)), expected, "{money:?} {amount}");
    }
}

#[test]
fn what_may_still_land_is_reserved_and_what_is_shown_is_not_counted_twice() {
    let of = |state, first| Reserved::default().with(eur("5.00"), &state, first, NOW);
    let in_flight = Reserved { in_flight: eur("5.00"), ..Reserved::default() };
    let nothing = Reserved::default();
    for (state, first, expected) in [
        (State::Planned, None, in_flight),
        (State::Sending, Some(NOW), in_flight),
        (State::Unknown, Some(NOW), in_flight),
        (State::Confirmed, Some(NOW), Reserved { unseen: eur("5.00"), ..nothing }),
        (State::Rejected, Some(NOW), nothing),
        (State::Withdrawn, None, nothing),
        (State::Abandoned, None, nothing),
        (State::Abandoned, Some(NOW), in_flight),
        (State::Abandoned, Some(common::ago("23h")), nothing),
    ] {
        assert_eq!(of(state.clone(), first), expected, "{state:?} {first:?}");
    }
}

/// What the ledger says, and whether it was asked.
fn asked(gate: &Refund<'_>, countersigned: Option<bool>, today: Option<bool>) -> Result<(), Withheld> {
    let second = || countersigned.ok_or("nobody had to agree");
    let fits = |room: Minor| {
        assert_eq!(room, gate.limit_per_day.minus(gate.intent.effect.amount));
        today.ok_or("no sum had to be added up")
    };
    guard::refund(gate, second, fits).unwrap()
}

#[test]
fn a_refund_needs_money_then_people_then_room_in_the_day() {
    let planned = planned();
    let enough = money("100.00", "0.00", "0.00", "0.00", "0.00");
    let gate = Refund {
        intent: &planned,
        money: enough,
        is_approved: false,
        limit_per_day: eur("50.00"),
        two_person_above: Some(eur("39.99")),
    };
    let short = Refund { money: money("39.99", "0.00", "0.00", "0.00", "0.00"), ..gate };
    assert_eq!(asked(&short, None, None), Err(Withheld::Beyond { after: eur("40.00"), captured: eur("39.99") }));
    assert_eq!(asked(&gate, Some(false), None), Err(Withheld::SecondOperator { intent: planned.id }));
    assert_eq!(asked(&gate, Some(true), Some(false)), Err(Withheld::DailyLimit { limit: eur("50.00") }));
    assert_eq!(asked(&gate, Some(true), Some(true)), Ok(()));
    assert_eq!(asked(&Refund { is_approved: true, ..gate }, Some(true), None), Ok(()));
    let alone = Refund { two_person_above: Some(eur("40.00")), ..gate };
    assert_eq!(asked(&alone, None, Some(true)), Ok(()));
    assert_eq!(asked(&Refund { two_person_above: None, ..gate }, None, Some(true)), Ok(()));
}

/// It was counted when it left first, and money that is gone cannot be held back; but what is not there is not sent again.
#[test]
fn a_repeat_needs_the_money_and_nothing_else() {
    let unknown = intent(&Ask::refund("INV1", "40.00").unknown("10m"));
    assert!(unknown.first_sent_at.is_some() && unknown.first_sent_at < Some(in_time("0s")));
    let enough = money("100.00", "0.00", "0.00", "0.00", "0.00");
    let gate = Refund {
        intent: &unknown,
        money: enough,
        is_approved: false,
        limit_per_day: eur("0.01"),
        two_person_above: Some(Minor::ZERO),
    };
    assert_eq!(asked(&gate, None, None), Ok(()));
    let short = Refund { money: money("30.00", "0.00", "0.00", "0.00", "0.00"), ..gate };
    assert!(matches!(asked(&short, None, None), Err(Withheld::Beyond { .. })));
}

#[test]
fn nothing_but_a_refund_is_asked_for_money() {
    let base = planned();
    let capture = Intent { effect: Effect { kind: Kind::Capture, ..base.effect.clone() }, ..base };
    let gate = Refund {
        intent: &capture,
        money: Money::default(),
        is_approved: false,
        limit_per_day: Minor::ZERO,
        two_person_above: Some(Minor::ZERO),
    };
    assert_eq!(asked(&gate, None, None), Ok(()));
}

proptest! {
    /// Whatever leaves, all that was proven, is on its way and leaves now stays within what was captured.
    #[test]
    fn no_refund_that_fits_exceeds_what_was_captured(
        captured in 0_i64..20_000, refunded in 0_i64..20_000, then in 0_i64..20_000, in_flight in 0_i64..20_000,
        unseen in 0_i64..20_000, amount in 1_i64..20_000,
    ) {
        let of = |minor| Minor::new(minor).unwrap();
        let reserved = Reserved { in_flight: of(in_flight), unseen: of(unseen) };
        let money = Money { captured: of(captured), refunded: of(refunded), refunded_then: of(then), reserved };
        let proven = refunded.max(then.strict_add(unseen));
        prop_assert_eq!(money.fits(of(amount)).is_ok(), proven.strict_add(in_flight).strict_add(amount) <= captured);
    }
}
