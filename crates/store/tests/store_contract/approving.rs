//! Two operators for what is above the threshold: bound to the refund, its amount and a day, and asked again in the claim.

use reconciled_core::discrepancy::BreakKind;
use reconciled_core::guard::Withheld;
use reconciled_core::id::{IntentId, OrderId};
use reconciled_core::intent::{Effect, Event, Intent, Kind, State};
use reconciled_store::{Claim, Decided, Difference, Guard, Operated, Operation, Store, StoreError};

use crate::fixture::{
    HOUR, Place, again, approve, at, attempt, begun, by, claim, decide, granted, guard, intact, intend, minor, quiet,
    record, refund, stored,
};

const ABOVE: i64 = 3999;

fn two(intent: IntentId) -> Operation {
    Operation::Approve { order: OrderId(1), intent, amount: None, two_person_above: Some(minor(ABOVE)) }
}

fn two_guard(seconds: i64) -> Guard {
    Guard { two_person_above: Some(minor(ABOVE)), ..guard(seconds) }
}

async fn withheld<S: Store>(store: &S, id: IntentId, seconds: i64) {
    let claim = claim(store, id, two_guard(seconds)).await;
    let Claim::Withheld(why) = &claim else { panic!("{claim:?}") };
    assert!(matches!(why, Withheld::SecondOperator { .. }), "{why:?}");
}

fn proposed(result: &Result<Operated, StoreError>, until: i64) {
    assert!(matches!(result, Ok(Operated::Proposed { until: found }) if *found == at(until)), "{result:?}");
}

fn refused(result: &Result<Operated, StoreError>, word: &str) {
    assert!(matches!(result, Err(StoreError::Refused(why)) if format!("{why:?}").contains(word)), "{result:?}");
}

/// A break that holds a refund which is no intent yet.
async fn hold_back<S: Store>(store: &S, intent: &Intent, seconds: i64) {
    let difference = Difference {
        kind: BreakKind::LimitReached,
        credit_invoice: None,
        subject: intent.id.to_string(),
        amount: Some(intent.effect.amount),
        message: "it is held".into(),
        remedy: None,
        offer: None,
        due: at(0),
    };
    decide(store, seconds, Decided { discrepancies: vec![difference], ..quiet(1) }).await.unwrap();
}

pub(crate) async fn a_refund_above_the_threshold_is_proposed_and_let_go_by_another<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let held = refund(1, 11, 4000);
    hold_back(&store, &held, 9).await;
    proposed(&by(&store, "operator-1", two(held.id), 10).await, 10 + 24 * HOUR);
    let ledger = store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).ledger;
    assert!(ledger.approved.is_empty() && ledger.countersigned.is_empty(), "a proposal is no consent");
    let shown = store.breaks(false).await.unwrap()[0].proposal.clone().unwrap();
    assert_eq!((shown.intent, shown.amount, shown.actor.as_str()), (held.id, minor(4000), "operator-1"));
    assert_eq!(shown.until(), at(10 + 24 * HOUR));
    assert_eq!(by(&store, "operator-2", two(held.id), 20).await.unwrap(), Operated::Done);
    assert_eq!(store.breaks(false).await.unwrap()[0].proposal, None);
    let ledger = store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).ledger;
    assert!(ledger.countersigned.contains(&held.id) && ledger.approved.contains(&held.id));
    let events: Vec<_> = store.history(OrderId(1)).await.unwrap();
    let said =
        |event: &str| events.iter().find(|row| row.event == event).map(|row| (row.actor.clone(), row.detail.clone()));
    let (first, amount) = said("operator_propose").unwrap();
    assert!(first == "operator-1" && amount.contains("\"amount_minor\":4000"), "{amount}");
    let (second, both) = said("operator_approve").unwrap();
    assert!(second == "operator-2" && both.contains("\"proposed_by\":\"operator-1\""), "{both}");
    let id = intend(&store, 11, 4000).await;
    assert_eq!(id, held.id, "what was approved is what is intended");
    assert!(matches!(claim(&store, id, two_guard(30)).await, Claim::Granted(_)));
    intact(&store).await;
}

pub(crate) async fn a_proposal_about_a_refused_refund_is_shown_beside_its_break<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    granted(&store, id, 20).await;
    record(&store, attempt(id, Event::Rejected), 21).await;
    let reference = stored(&store, id).await.effect.reference.to_string();
    let refused = |subject: &str| Difference {
        kind: BreakKind::RefundRejected,
        credit_invoice: None,
        subject: subject.to_owned(),
        amount: Some(minor(4000)),
        message: "refused".into(),
        remedy: None,
        offer: None,
        due: at(0),
    };
    let both = vec![refused(&reference), refused("another")];
    decide(&store, 22, Decided { discrepancies: both, ..quiet(1) }).await.unwrap();
    by(&store, "operator-1", two(id), 23).await.unwrap();
    for it in store.breaks(false).await.unwrap() {
        assert_eq!(it.proposal.map(|it| it.intent), (it.subject == reference).then_some(id), "{}", it.subject);
    }
}

pub(crate) async fn nobody_is_two<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    by(&store, "Night Desk", two(id), 20).await.unwrap();
    for again in ["Night Desk", "night desk", " NIGHT  DESK ", "NightDesk"] {
        refused(&by(&store, again, two(id), 21).await, "SamePerson");
    }
    withheld(&store, id, 22).await;
    intact(&store).await;
}

pub(crate) async fn a_proposal_lives_for_a_day<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    by(&store, "operator-1", two(id), 20).await.unwrap();
    proposed(&by(&store, "operator-2", two(id), 20 + 24 * HOUR).await, 20 + 48 * HOUR);
    withheld(&store, id, 24 * HOUR + 21).await;
    // A clock that was set back makes no second operator.
    proposed(&by(&store, "cid", two(id), 19 + 24 * HOUR).await, 19 + 48 * HOUR);
    assert_eq!(by(&store, "operator-1", two(id), 18 + 48 * HOUR).await.unwrap(), Operated::Done);
    assert!(matches!(claim(&store, id, two_guard(48 * HOUR)).await, Claim::Granted(_)));
    intact(&store).await;
}

pub(crate) async fn one_consent_or_none_leaves_nothing<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (id, small) = (intend(&store, 11, 4000).await, intend(&store, 12, 3000).await);
    withheld(&store, id, 20).await;
    // Given while there was no threshold, or by somebody who did not know of it.
    by(&store, "operator-1", approve(1, id), 21).await.unwrap();
    by(&store, "operator-2", approve(1, id), 22).await.unwrap();
    withheld(&store, id, 23).await;
    proposed(&by(&store, "operator-1", two(id), 24).await, 24 + 24 * HOUR);
    withheld(&store, id, 25).await;
    assert!(matches!(claim(&store, small, two_guard(26)).await, Claim::Granted(_)), "below it nobody is needed");
    // What may have left is repeated with its own key: that moves no more money.
    granted(&store, id, 27).await;
    record(&store, attempt(id, Event::Lost), 28).await;
    assert!(matches!(claim(&store, id, two_guard(29)).await, Claim::Granted(_)));
    intact(&store).await;
}

pub(crate) async fn what_gives_no_money_away_needs_one<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let mut capture = refund(1, 11, 4000);
    capture.effect = Effect { kind: Kind::Capture, credit_invoice: None, ..capture.effect };
    decide(&store, 10, Decided { intents: vec![capture.clone()], ..quiet(1) }).await.unwrap();
    assert_eq!(by(&store, "operator-1", two(capture.id), 11).await.unwrap(), Operated::Done);
    assert!(matches!(claim(&store, capture.id, two_guard(12)).await, Claim::Granted(_)));
}

pub(crate) async fn an_effect_that_no_pass_has_found_is_not_approved_under_a_threshold<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (small, large) = (refund(1, 12, 3000), refund(1, 11, 4000));
    refused(&by(&store, "operator-1", two(small.id), 10).await, "Unfound");
    hold_back(&store, &small, 11).await;
    assert_eq!(by(&store, "operator-1", two(small.id), 12).await.unwrap(), Operated::Done);
    refused(&by(&store, "operator-1", two(large.id), 13).await, "Unfound");
    intact(&store).await;
}

pub(crate) async fn two_who_agreed_agreed_to_starting_anew<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    granted(&store, id, 20).await;
    record(&store, attempt(id, Event::Lost), 21).await;
    by(&store, "operator-1", two(id), 24 * HOUR).await.unwrap();
    assert_eq!(stored(&store, id).await.state, State::Unknown, "a proposal gives nothing up");
    assert_eq!(by(&store, "operator-2", two(id), 25 * HOUR).await.unwrap(), Operated::Done);
    assert_eq!(stored(&store, id).await.state, State::Abandoned);
    let (next, after) = (again(1, 11, 4000, 1), again(1, 11, 4000, 2));
    decide(&store, 25 * HOUR, Decided { intents: vec![next.clone()], ..quiet(1) }).await.unwrap();
    let Claim::Granted(_) = claim(&store, next.id, two_guard(25 * HOUR)).await else { panic!("two agreed") };
    record(&store, attempt(next.id, Event::Rejected), 25 * HOUR).await;
    decide(&store, 26 * HOUR, Decided { intents: vec![after.clone()], ..quiet(1) }).await.unwrap();
    withheld(&store, after.id, 26 * HOUR).await;
    intact(&store).await;
}

pub(crate) async fn giving_up_takes_every_consent_back<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (first, second) = (intend(&store, 11, 4000).await, intend(&store, 12, 3000).await);
    by(&store, "operator-1", approve(1, second), 20).await.unwrap();
    by(&store, "operator-1", two(first), 20).await.unwrap();
    for id in [first, second] {
        by(&store, "operator-2", Operation::Abandon(id), 21).await.unwrap();
    }
    proposed(&by(&store, "operator-2", two(first), 22).await, 22 + 24 * HOUR);
    // What two agreed to starting anew is not started once one of them changes their mind.
    by(&store, "operator-1", two(first), 23).await.unwrap();
    by(&store, "operator-2", Operation::Abandon(first), 24).await.unwrap();
    let again = by(&store, "operator-2", Operation::Abandon(first), 25).await;
    refused(&again, "NothingLeft");
    // What is no intent yet has nothing but its consent.
    let held = refund(1, 11, 4100);
    let nothing = by(&store, "operator-2", Operation::Abandon(held.id), 21).await;
    assert!(matches!(nothing, Err(StoreError::NotFound(_))), "{nothing:?}");
    by(&store, "operator-1", approve(1, held.id), 21).await.unwrap();
    by(&store, "operator-2", Operation::Abandon(held.id), 21).await.unwrap();
    let ledger = store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).ledger;
    assert!(ledger.approved.is_empty(), "an approval that stayed would start it anew");
    let withdrawn = store.history(OrderId(1)).await.unwrap().into_iter().filter(|row| row.event == "operator_withdraw");
    assert_eq!(withdrawn.count(), 4);
    intact(&store).await;
}

/// A credit invoice asks for more than is left: what is offered instead goes by its own id, under its own amount.
pub(crate) async fn a_part_is_named_with_its_amount_and_needs_two_above_the_threshold<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let part = refund(1, 11, 4000);
    let difference = Difference {
        kind: BreakKind::CreditExceedsRefundable,
        credit_invoice: None,
        subject: "INV11".into(),
        amount: Some(minor(9000)),
        message: "it asks for more".into(),
        remedy: None,
        offer: Some((part.id, minor(4000))),
        due: at(0),
    };
    decide(&store, 9, Decided { discrepancies: vec![difference], ..quiet(1) }).await.unwrap();
    let shown = store.breaks(false).await.unwrap().remove(0);
    assert_eq!((shown.amount, shown.offer), (Some(minor(9000)), Some((part.id, minor(4000)))));
    let named = |amount: Option<i64>, above: i64| Operation::Approve {
        order: OrderId(1),
        intent: part.id,
        amount: amount.map(minor),
        two_person_above: Some(minor(above)),
    };
    refused(&by(&store, "operator-1", named(None, ABOVE), 10).await, "AmountUnsaid");
    for other in [9000, 3999] {
        refused(&by(&store, "operator-1", named(Some(other), ABOVE), 10).await, "OtherAmount");
    }
    proposed(&by(&store, "operator-1", named(Some(4000), ABOVE), 11).await, 11 + 24 * HOUR);
    refused(&by(&store, "operator-1", named(Some(4000), ABOVE), 12).await, "SamePerson");
    let approved = async || store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).ledger.approved;
    assert!(approved().await.is_empty(), "one operator let a refund above the threshold go");
    assert_eq!(by(&store, "operator-2", named(Some(4000), ABOVE), 13).await.unwrap(), Operated::Done);
    assert!(approved().await.contains(&part.id));
    // What is offered to nobody has no amount that could be named.
    let unknown = Operation::Approve {
        order: OrderId(1),
        intent: refund(1, 12, 1).id,
        amount: Some(minor(1)),
        two_person_above: None,
    };
    refused(&by(&store, "operator-1", unknown, 14).await, "OtherAmount");
    intact(&store).await;
}

pub(crate) async fn below_the_threshold_one_may_let_a_part_go<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 3000).await;
    let named = |amount| Operation::Approve {
        order: OrderId(1),
        intent: id,
        amount: Some(minor(amount)),
        two_person_above: Some(minor(ABOVE)),
    };
    refused(&by(&store, "operator-1", named(2999), 20).await, "OtherAmount");
    assert_eq!(by(&store, "operator-1", named(3000), 21).await.unwrap(), Operated::Done);
    intact(&store).await;
}
