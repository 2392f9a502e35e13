//! Claims and records: the last gate before money moves, and what is left when the process dies behind it.

use reconciled_core::answer::Said;
use reconciled_core::credit_invoice::{self, CreditInvoice, Proof};
use reconciled_core::facts::OUTDATED;
use reconciled_core::guard::Withheld;
use reconciled_core::id::{InvoiceId, InvoiceNumber, OrderId, Reference, RefundId};
use reconciled_core::intent::{Effect, Event, Intent, Kind, State};
use reconciled_core::money::Minor;
use reconciled_store::{Attempt, Claim, Decided, Guard, Operation, Store, StoreError};

use crate::fixture::{
    HOUR, Place, approve, at, attempt, begun, claim, credit, credit_step, decide, granted, guard, intact, intend,
    intending, klarna, minor, operate, pass, planned, quiet, record, refund, shop_order, stored,
};

const DAY: i64 = 24 * HOUR;

fn limited(seconds: i64, limit: i64) -> Guard {
    Guard { limit_per_day: minor(limit), ..guard(seconds) }
}

pub(crate) async fn a_claim_is_granted_once<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    let sent = granted(&store, id, 20).await;
    assert_eq!((&sent.state, sent.attempts), (&State::Sending, 1));
    assert_eq!((sent.first_sent_at, sent.last_sent_at), (Some(at(20)), Some(at(20))));
    assert_eq!(stored(&store, id).await, sent, "what was granted is what is on disk");
    assert_eq!(claim(&store, id, guard(21)).await, Claim::Withheld(Withheld::Moved));
    let unknown = store.claim(pass(1), crate::fixture::refund(9, 9, 9).id, guard(21)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound(_))), "{unknown:?}");
}

pub(crate) async fn a_stopped_shop_grants_nothing<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    operate(&store, Operation::Stop, 15).await.unwrap();
    assert_eq!(claim(&store, id, guard(20)).await, Claim::Withheld(Withheld::Stopped));
    operate(&store, Operation::Resume, 21).await.unwrap();
    granted(&store, id, 22).await;
}

pub(crate) async fn a_held_order_grants_nothing<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    operate(&store, Operation::Hold(OrderId(1)), 15).await.unwrap();
    let withheld = claim(&store, id, guard(20)).await;
    assert!(matches!(&withheld, Claim::Withheld(Withheld::Held { note }) if note == "because"), "{withheld:?}");
    operate(&store, Operation::Release(OrderId(1)), 21).await.unwrap();
    granted(&store, id, 22).await;
}

pub(crate) async fn a_claim_stays_within_what_is_captured<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (first, second) = (intend(&store, 11, 6000).await, intend(&store, 12, 4000).await);
    let moved = Guard { refunded: minor(1), ..guard(20) };
    for id in [first, second] {
        let withheld = claim(&store, id, moved).await;
        assert!(matches!(withheld, Claim::Withheld(_)), "{withheld:?}");
    }
    assert_eq!(stored(&store, first).await.state, State::Planned);
    granted(&store, first, 20).await;
    granted(&store, second, 20).await;
}

pub(crate) async fn a_lagging_read_does_not_make_room<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (first, second) = (intend(&store, 11, 6000).await, intend(&store, 12, 4000).await);
    granted(&store, first, 20).await;
    let made = Some(RefundId("r1".into()));
    record(&store, Attempt { made, ..attempt(first, Event::Confirmed) }, 21).await;
    // The capture shrank meanwhile (it cannot, but a wrong read may say so), and the read does not show r1 yet.
    let lagging = Guard { captured: minor(9999), ..guard(22) };
    assert!(matches!(claim(&store, second, lagging).await, Claim::Withheld(_)));
    // One that shows it does not count it twice.
    granted_with(&store, second, Guard { refunded: minor(6000), ..guard(23) }).await;
    let read = klarna(1, 10_000, &[("r1", 6000)]);
    let shown = Decided { klarna: Some((read, at(24))), refunded: minor(6000), ..quiet(1) };
    decide(&store, 24, shown).await.unwrap();
    intact(&store).await;
}

async fn granted_with<S: Store>(store: &S, id: reconciled_core::id::IntentId, guard: Guard) {
    let answer = claim(store, id, guard).await;
    assert!(matches!(answer, Claim::Granted(_)), "{answer:?}");
}

pub(crate) async fn the_daily_ceiling_rolls<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (first, second) = (intend(&store, 11, 4000).await, intend(&store, 12, 3000).await);
    granted_with(&store, first, limited(100, 4000)).await;
    for seconds in [101, DAY, DAY.saturating_add(99)] {
        let withheld = claim(&store, second, limited(seconds, 6999)).await;
        assert!(matches!(withheld, Claim::Withheld(_)), "{seconds}: {withheld:?}");
    }
    granted_with(&store, second, limited(DAY.saturating_add(100), 6999)).await;
}

pub(crate) async fn a_refused_refund_leaves_the_ceiling<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (first, second) = (intend(&store, 11, 4000).await, intend(&store, 12, 3000).await);
    granted_with(&store, first, limited(100, 5000)).await;
    assert!(matches!(claim(&store, second, limited(101, 5000)).await, Claim::Withheld(_)));
    record(&store, attempt(first, Event::Rejected), 102).await;
    granted_with(&store, second, limited(103, 5000)).await;
    record(&store, attempt(second, Event::Lost), 104).await;
    granted_with(&store, second, limited(105, 10)).await;
    intact(&store).await;
}

pub(crate) async fn a_ceiling_survives_a_restart<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (first, second) = (intend(&store, 11, 4000).await, intend(&store, 12, 3000).await);
    granted_with(&store, first, limited(100, 5000)).await;
    drop(store);
    let store = place.open();
    assert!(matches!(claim(&store, second, limited(101, 5000)).await, Claim::Withheld(_)));
}

pub(crate) async fn an_approved_effect_passes_the_ceiling<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    assert!(matches!(claim(&store, id, limited(100, 10)).await, Claim::Withheld(_)));
    operate(&store, approve(1, id), 101).await.unwrap();
    let over = Guard { captured: minor(3999), ..limited(102, 10) };
    assert!(matches!(claim(&store, id, over).await, Claim::Withheld(_)), "consent makes no money");
    granted_with(&store, id, limited(103, 10)).await;
}

pub(crate) async fn a_lost_handle_leaves_its_claims_unknown<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    decide(&store, 19, Decided { next_look: None, ..quiet(1) }).await.unwrap();
    granted(&store, id, 20).await;
    drop(store);
    let store = place.open();
    assert_eq!(stored(&store, id).await.state, State::Sending);
    assert_eq!(store.begin_pass(pass(2), at(30)).await.unwrap(), [id]);
    let found = stored(&store, id).await;
    assert_eq!((found.state, found.attempts, found.first_sent_at), (State::Unknown, 1, Some(at(20))));
    let last = store.history(OrderId(1)).await.unwrap().pop().unwrap();
    assert_eq!((last.event.as_str(), last.detail.as_str()), ("lost", r#"{"why":"found sending at start"}"#));
    let due = store.due(reconciled_store::Scope::Due, at(30), OrderId(0), 9).await.unwrap();
    assert!(due.contains(&OrderId(1)), "it is looked at");
    assert!(store.begin_pass(pass(3), at(31)).await.unwrap().is_empty());
    intact(&store).await;
}

pub(crate) async fn a_recorded_answer_is_kept<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    granted(&store, id, 20).await;
    let said = Said {
        status: Some(503),
        code: Some("TIMEOUT".into()),
        message: "try again".into(),
        correlation_id: Some("c-1".into()),
    };
    let lost = Attempt { said: Some(said.clone()), not_before: Some(at(99)), ..attempt(id, Event::Lost) };
    record(&store, lost, 21).await;
    let found = stored(&store, id).await;
    assert_eq!((found.said, found.not_before, found.ended_at), (Some(said.clone()), Some(at(99)), None));
    let row = store.history(OrderId(1)).await.unwrap().pop().unwrap();
    assert_eq!(row.detail, r#"{"http_status":503,"code":"TIMEOUT","correlation_id":"c-1"}"#);
    granted(&store, id, 100).await;
    let made = RefundId("r1".into());
    let refunded = credit_invoice::Event::Refunded(Proof::Refund(made.clone()));
    let mut done = attempt(id, Event::Confirmed);
    done.steps.push(credit_step(11, &CreditInvoice::RefundRequested(id), refunded));
    record(&store, Attempt { made: Some(made.clone()), ..done }, 101).await;
    let found = stored(&store, id).await;
    assert_eq!((found.state, found.made, found.attempts), (State::Confirmed, Some(made.clone()), 2));
    assert_eq!((found.ended_at, found.not_before, found.said), (Some(at(101)), None, Some(said)));
    let credits = store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).ledger.credits;
    assert_eq!(credits[&InvoiceId(11)].state, CreditInvoice::Refunded(Proof::Refund(made)));
    intact(&store).await;
}

pub(crate) async fn an_attempt_without_trace_is_taken_back<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (id, other) = (intend(&store, 11, 4000).await, intend(&store, 12, 3000).await);
    granted(&store, id, 20).await;
    record(&store, Attempt { uncounted: true, ..attempt(id, Event::Throttled) }, 21).await;
    let found = stored(&store, id).await;
    assert_eq!((found.attempts, found.first_sent_at, found.last_sent_at), (0, None, None));
    granted_with(&store, other, limited(22, 3000)).await;
    granted(&store, id, 30).await;
    record(&store, attempt(id, Event::Lost), 31).await;
    granted(&store, id, 40).await;
    record(&store, Attempt { uncounted: true, ..attempt(id, Event::Lost) }, 41).await;
    let found = stored(&store, id).await;
    assert_eq!(
        (found.attempts, found.first_sent_at, found.last_sent_at),
        (1, Some(at(30)), Some(at(40))),
        "it may have left"
    );
    intact(&store).await;
}

/// Credit invoice 11 of order 1 is to be marked paid.
fn payment() -> Intent {
    let number = InvoiceNumber("INV11".into());
    planned(
        1,
        Effect {
            kind: Kind::MarkPaid,
            amount: minor(4000),
            reference: Reference(number.0.clone()),
            credit_invoice: Some((InvoiceId(11), number)),
            generation: 0,
        },
    )
}

pub(crate) async fn an_order_with_a_lost_payment_is_read_again<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (payment, refund) = (payment(), refund(1, 12, 3000));
    let decided = Decided {
        credits: vec![credit(11, 4000), credit(12, 3000)],
        intents: vec![payment.clone(), refund.clone()],
        ..quiet(1)
    };
    decide(&store, 10, decided).await.unwrap();
    // A lost refund alone asks the shop nothing.
    granted(&store, refund.id, 20).await;
    store.begin_pass(pass(2), at(30)).await.unwrap();
    assert_eq!(store.unread(9).await.unwrap(), []);
    granted(&store, payment.id, 40).await;
    record(&store, attempt(payment.id, Event::Lost), 41).await;
    assert_eq!(store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).shop_read_at, at(12));
    store.begin_pass(pass(3), at(50)).await.unwrap();
    assert_eq!(store.unread(9).await.unwrap(), [OrderId(1)]);
    let due = store.due(reconciled_store::Scope::Due, at(50), OrderId(0), 9).await.unwrap();
    assert!(!due.contains(&OrderId(1)), "nothing is decided on what the shop said before");
    store.observe(vec![(OrderId(1), Some(shop_order(1, 2, &[(11, 4000), (12, 3000)])))], at(51)).await.unwrap();
    assert_eq!(store.unread(9).await.unwrap(), []);
    assert_eq!(store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).shop_read_at, at(51));
    // Found sending at the start of a pass, it is as lost as any other.
    granted(&store, payment.id, 60).await;
    store.begin_pass(pass(4), at(70)).await.unwrap();
    assert_eq!(store.unread(9).await.unwrap(), [OrderId(1)]);
}

pub(crate) async fn what_was_marked_paid_outdates_what_the_shop_said_before<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let payment = payment();
    let decided = Decided { credits: vec![credit(11, 4000)], intents: vec![payment.clone()], ..quiet(1) };
    decide(&store, 10, decided).await.unwrap();
    granted(&store, payment.id, 20).await;
    record(&store, attempt(payment.id, Event::Confirmed), 21).await;
    let read_at = async || store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).shop_read_at;
    assert_eq!(read_at().await, OUTDATED, "no clock is asked");
    // The next answer is a later one.
    store.observe(vec![(OrderId(1), Some(shop_order(1, 2, &[(11, 4000), (12, 3000)])))], at(22)).await.unwrap();
    assert_eq!(read_at().await, at(22));
}

pub(crate) async fn an_answer_to_another_state_is_refused<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    let early = store.record(pass(1), attempt(id, Event::Confirmed), at(20)).await;
    assert!(matches!(early, Err(StoreError::Moved(OrderId(1)))), "{early:?}");
    granted(&store, id, 21).await;
    let nothing = Attempt { steps: Vec::new(), ..attempt(id, Event::Confirmed) };
    let nothing = store.record(pass(1), nothing, at(22)).await;
    assert!(matches!(nothing, Err(StoreError::Guard(_))), "{nothing:?}");
    let refunded = credit_invoice::Event::Refunded(Proof::Reversal);
    let mut half = attempt(id, Event::Confirmed);
    half.steps.push(credit_step(11, &CreditInvoice::Pending, refunded));
    let half = store.record(pass(1), half, at(22)).await;
    assert!(matches!(half, Err(StoreError::Moved(_))), "{half:?}");
    assert_eq!(stored(&store, id).await.state, State::Sending, "nothing of it was kept");
}

pub(crate) async fn one_effect_answers_one_request<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (first, second) = (intend(&store, 11, 6000).await, intend(&store, 12, 4000).await);
    granted(&store, first, 20).await;
    granted(&store, second, 20).await;
    let made = || Some(RefundId("r1".into()));
    record(&store, Attempt { made: made(), ..attempt(first, Event::Confirmed) }, 21).await;
    let again = Attempt { made: made(), ..attempt(second, Event::Confirmed) };
    let again = store.record(pass(1), again, at(22)).await;
    assert!(matches!(again, Err(StoreError::Moved(OrderId(1)))), "{again:?}");
    assert_eq!(stored(&store, second).await.state, State::Sending, "what it made is not known");
    record(&store, attempt(second, Event::Lost), 23).await;
}

pub(crate) async fn spent_counts_what_was_planned<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    assert_eq!(store.spent(at(0)).await.unwrap(), Minor::ZERO);
    let first = intend(&store, 11, 4000).await;
    let (mut decided, mut later) = intending(1, 12, 3000);
    later.planned_at = at(DAY);
    decided.intents = vec![later];
    decide(&store, DAY, decided).await.unwrap();
    for (since, sum) in [(0, 7000), (10, 7000), (11, 3000), (DAY, 3000), (DAY.saturating_add(1), 0)] {
        assert_eq!(store.spent(at(since)).await.unwrap(), minor(sum), "{since}");
    }
    granted(&store, first, 20).await;
    record(&store, attempt(first, Event::Rejected), 21).await;
    assert_eq!(store.spent(at(0)).await.unwrap(), minor(3000));
    let [lost, never_sent] = [intend(&store, 13, 500).await, intend(&store, 14, 200).await];
    granted(&store, lost, 22).await;
    record(&store, attempt(lost, Event::Lost), 23).await;
    for id in [lost, never_sent] {
        store.operate(Operation::Abandon(id), "ann".into(), "by hand".into(), at(24)).await.unwrap();
    }
    assert_eq!(store.spent(at(0)).await.unwrap(), minor(3500), "given up after it left, it may have happened");
}

pub(crate) async fn an_unknown_pass_decides_nothing<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let refused = store.decide(pass(9), at(1), vec![quiet(1)]).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    let refused = store.end_pass(pass(9), at(1), true).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
}
