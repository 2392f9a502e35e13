//! What is told, repeated and called over, and what is not.

use super::*;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000_i64.saturating_add(minutes.saturating_mul(60))).unwrap()
}

fn a_break(id: i64, kind: BreakKind, status: BreakStatus) -> Break {
    Break {
        id,
        kind,
        order: Some(OrderNumber(format!("ORD{id}"))),
        credit_invoice: None,
        subject: "s".to_owned(),
        amount: Minor::new(2500).ok(),
        message: "found".to_owned(),
        opened_at: at(1),
        status,
        note: None,
        assigned: None,
        remedy: None,
        offer: None,
        proposal: None,
    }
}

const MONEY: Rules = Rules { repeat: SignedDuration::from_hours(24), min_severity: Severity::Money };
const ALL: Rules = Rules { min_severity: Severity::Action, ..MONEY };

fn open(ids: &[i64]) -> Vec<Item> {
    let breaks: Vec<Break> = ids.iter().map(|id| a_break(*id, BreakKind::RefundMissing, BreakStatus::Open)).collect();
    after_pass(false, &breaks, &[], at(2))
}

fn told(items: &[Item], minutes: i64) -> Vec<Told> {
    items.iter().map(|item| item.told(at(minutes))).collect()
}

fn said(news: &[News]) -> Vec<(Change, &str)> {
    news.iter().map(|news| (news.change, news.item.subject.as_str())).collect()
}

#[test]
fn a_new_break_is_told_once_repeated_after_its_time_and_called_over() {
    let found = open(&[7, 8]);
    let before = told(&open(&[7]), 10);
    let now = |found: &[Item], minutes| {
        said(&news(Source::Pass, found, &before, MONEY, at(minutes)))
            .into_iter()
            .map(|(change, subject)| format!("{} {subject}", change.name()))
            .collect::<Vec<_>>()
    };
    assert_eq!(now(&found, 11), ["new break 8"]);
    assert_eq!(now(&open(&[7]), 10 + 24 * 60 - 1), [""; 0]);
    assert_eq!(now(&open(&[7]), 10 + 24 * 60), ["again break 7"]);
    assert_eq!(now(&open(&[8]), 11), ["new break 8", "over break 7"]);
    assert_eq!(now(&[], 11), ["over break 7"]);
}

#[test]
fn what_is_over_keeps_its_numbers() {
    let before = told(&open(&[7]), 10);
    let [over] = news(Source::Pass, &[], &before, MONEY, at(11)).try_into().unwrap();
    assert_eq!(over.item.order, Some(OrderNumber("ORD7".to_owned())));
    assert_eq!((over.item.amount, over.item.since), (Minor::new(2500).ok(), at(1)));
    assert!(!over.is_urgent(), "it waits for the next message");
}

#[test]
fn a_severity_too_low_is_not_told() {
    let breaks = [
        a_break(1, BreakKind::FraudPending, BreakStatus::Open),
        a_break(2, BreakKind::RefundMissing, BreakStatus::Open),
    ];
    let found = after_pass(false, &breaks, &[], at(2));
    assert_eq!(said(&news(Source::Pass, &found, &[], MONEY, at(2))), [(Change::New, "break 2")]);
    assert_eq!(news(Source::Pass, &found, &[], ALL, at(2)).len(), 2);
}

#[test]
fn what_somebody_works_on_is_neither_told_nor_over() {
    let known = after_pass(false, &[a_break(7, BreakKind::RefundMissing, BreakStatus::Acknowledged)], &[], at(2));
    assert_eq!(news(Source::Pass, &known, &[], MONEY, at(9)), []);
    assert_eq!(news(Source::Pass, &known, &told(&open(&[7]), 0), MONEY, at(99_999)), []);
    let reopened = open(&[7]);
    assert_eq!(said(&news(Source::Pass, &reopened, &[], MONEY, at(9))), [(Change::New, "break 7")]);
    for status in [BreakStatus::Resolved, BreakStatus::Cleared] {
        assert_eq!(after_pass(false, &[a_break(7, BreakKind::RefundMissing, status)], &[], at(2)), []);
    }
}

#[test]
fn the_kill_switch_is_told_when_it_is_set_and_when_it_is_released() {
    let stopped = after_pass(true, &[], &[], at(5));
    assert_eq!(said(&news(Source::Pass, &stopped, &[], MONEY, at(5))), [(Change::New, "stopped")]);
    let released = news(Source::Pass, &[], &told(&stopped, 5), MONEY, at(6));
    assert_eq!(said(&released), [(Change::Over, "stopped")]);
    assert!(released.iter().all(News::is_urgent));
    let still = news(Source::Pass, &after_pass(true, &[], &[], at(5000)), &told(&stopped, 5), MONEY, at(5000));
    assert_eq!(still.first().map(|news| news.item.since), Some(at(5)), "as old as it was when it was told first");
}

#[test]
fn a_look_calls_nothing_over_that_it_does_not_see() {
    let late = lateness(None, ten_minutes_later, at(0), at(11)).unwrap();
    let before: Vec<Told> = [told(&late, 11), told(&open(&[7]), 11), told(&reload(Some(at(3))), 11)].concat();
    let over = |source| said_over(&news(source, &[], &before, MONEY, at(12)));
    assert_eq!(over(Source::Pass), ["break 7"]);
    assert_eq!(over(Source::Board), ["late"]);
    assert_eq!(over(Source::Reload), ["configuration"]);
}

fn said_over(news: &[News]) -> Vec<String> {
    news.iter().filter(|news| news.change == Change::Over).map(|news| news.item.subject.clone()).collect()
}

/// Two periods of five minutes.
fn ten_minutes_later(from: Timestamp) -> Option<Timestamp> {
    from.checked_add(SignedDuration::from_mins(10)).ok()
}

#[test]
fn a_shop_is_late_after_two_periods_and_nobody_knows_right_after_a_start() {
    let look =
        |complete: Option<i64>, watched, now| lateness(complete.map(at), ten_minutes_later, at(watched), at(now));
    assert_eq!(look(None, 0, 10), None, "the service has just started");
    assert_eq!(look(None, 0, 11).map(|items| items.len()), Some(1));
    assert_eq!(look(Some(0), 0, 10), Some(vec![]));
    let late = look(Some(0), 0, 11).unwrap();
    assert_eq!((late.first().unwrap().kind, late.first().unwrap().since), (Kind::PassLate, at(0)));
    assert_eq!(look(Some(0), 600, 605), None, "the machine was off for hours, and the service is up again");
    assert_eq!(look(Some(0), 600, 611).map(|items| items.len()), Some(1));
    assert_eq!(lateness(None, |_| None, at(0), at(99)), None, "no schedule is known yet");
}

#[test]
fn every_kind_is_found_by_its_name() {
    let breaks = BreakKind::ALL.iter().copied().map(Kind::Break);
    for kind in breaks.chain(Kind::SERVICE) {
        assert_eq!(Kind::from_name(kind.name()), Some(kind));
    }
}
