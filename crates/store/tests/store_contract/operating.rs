//! What humans decide: kept, journalled, and refused where it does not fit.

use reconciled_core::breaks::BreakStep;
use reconciled_core::consent::Refusal as Why;
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{InvoiceId, InvoiceNumber, OrderId, Reference, RefundId};
use reconciled_core::intent::{Effect, Event, Intent, Kind, State};
use reconciled_core::ledger::Attribution;
use reconciled_core::share::Accepted;
use reconciled_store::{Claim, Decided, Difference, Operation, Refusal, Scope, Store, StoreError};

use crate::fixture::{
    HOUR, Place, again, approve, at, attempt, begun, claim, credit, decide, granted, guard, intact, intend, minor,
    operate, pass, planned, quiet, record, refund, stored,
};

pub(crate) async fn a_stop_survives_a_restart<P: Place>(place: &P) {
    let store = place.open();
    assert!(!store.is_stopped().await.unwrap());
    operate(&store, Operation::Stop, 1).await.unwrap();
    drop(store);
    let store = place.open();
    assert!(store.is_stopped().await.unwrap());
    operate(&store, Operation::Resume, 2).await.unwrap();
    assert!(!store.is_stopped().await.unwrap());
    assert_eq!(intact(&store).await, 2);
}

pub(crate) async fn holds_and_attributions_reach_the_ledger<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    decide(&store, 5, Decided { credits: vec![credit(11, 4000)], ..quiet(1) }).await.unwrap();
    let order = OrderId(1);
    let attribute = |refund: &str, to| Operation::Attribute { order, refund: RefundId(refund.into()), to };
    let (not_yet, wanted) = (refund(1, 12, 1).id, Attribution::CreditInvoice(InvoiceId(11)));
    for operation in [
        Operation::Hold(order),
        approve(1, not_yet),
        attribute("a", Attribution::RuledOut),
        attribute("a", wanted.clone()),
        attribute("b", Attribution::Cancel),
    ] {
        operate(&store, operation, 6).await.unwrap();
    }
    let ledger = store.dossiers(vec![order]).await.unwrap().remove(0).ledger;
    assert_eq!(ledger.hold.as_deref(), Some("because"));
    assert!(ledger.approved.contains(&not_yet), "an effect that is no intent yet");
    assert_eq!(ledger.adopted[&RefundId("a".into())], wanted);
    assert_eq!(ledger.adopted[&RefundId("b".into())], Attribution::Cancel);
    let row = store.history(order).await.unwrap().into_iter().find(|row| row.event == "operator_hold").unwrap();
    assert_eq!((row.actor.as_str(), row.cause.as_str()), ("operator-1", "operator"));
    operate(&store, Operation::Release(order), 7).await.unwrap();
    assert_eq!(store.dossiers(vec![order]).await.unwrap()[0].ledger.hold, None);
    intact(&store).await;
}

pub(crate) async fn what_klarnas_share_is_reaches_the_ledger<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    decide(&store, 5, quiet(1)).await.unwrap();
    let order = OrderId(1);
    let accept = |amount| Operation::Accept { order, amount: minor(amount) };
    let total = store.dossiers(vec![order]).await.unwrap()[0].shop.total.clone().unwrap();
    for (at, amount) in [(6, 7000), (7, total.get())] {
        operate(&store, accept(amount), at).await.unwrap();
        let said = Accepted { total, amount: minor(amount) };
        assert_eq!(store.dossiers(vec![order]).await.unwrap()[0].ledger.accepted, Some(said));
    }
    for amount in [0, -1, total.get().saturating_add(1)] {
        let refused = operate(&store, accept(amount), 8).await;
        assert!(matches!(&refused, Err(StoreError::Refused(_))), "{refused:?}");
    }
    let events = store.history(order).await.unwrap();
    assert_eq!(events.iter().filter(|row| row.event == "operator_accept").count(), 2);
    intact(&store).await;
}

pub(crate) async fn what_went_back_by_other_means_reaches_the_ledger<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let order = OrderId(1);
    let owed = |amount| Difference {
        kind: BreakKind::PaidOtherwise,
        credit_invoice: Some(InvoiceNumber("INV11".into())),
        subject: "INV11".into(),
        amount: Some(minor(amount)),
        message: "a gift card paid it".into(),
        remedy: None,
        offer: None,
        due: at(5),
    };
    let given_back = async || store.dossiers(vec![order]).await.unwrap().remove(0).ledger.given_back;
    for (seen, resolved, amount) in [(5, 6, 3000), (8, 9, 2000)] {
        decide(&store, seen, Decided { discrepancies: vec![owed(amount)], ..quiet(1) }).await.unwrap();
        let open = store.breaks(false).await.unwrap().remove(0);
        let before = given_back().await;
        assert_ne!(before.get(&InvoiceNumber("INV11".into())), Some(&minor(amount)));
        operate(&store, Operation::Break(open.id, BreakStep::Resolve), resolved).await.unwrap();
        assert_eq!(given_back().await[&InvoiceNumber("INV11".into())], minor(amount));
        let due = store.due(Scope::Due, at(resolved), OrderId(0), 9).await.unwrap();
        assert!(due.contains(&order), "the next pass marks it paid");
    }
    intact(&store).await;
}

pub(crate) async fn approving_an_unknown_intent_waits_for_its_key<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    granted(&store, id, 20).await;
    let approve = approve(1, id);
    for state in [State::Sending, State::Unknown] {
        assert_eq!(stored(&store, id).await.state, state);
        let refused = operate(&store, approve.clone(), 23 * HOUR).await;
        assert!(matches!(&refused, Err(StoreError::Refused(_))), "{refused:?}");
        if state == State::Sending {
            record(&store, attempt(id, Event::Lost), 21).await;
        }
    }
    operate(&store, approve, 24 * HOUR).await.unwrap();
    let ledger = store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).ledger;
    assert_eq!(ledger.intents[0].state, State::Abandoned);
    assert_eq!(ledger.credits[&InvoiceId(11)].state, CreditInvoice::Held);
    assert!(ledger.approved.contains(&id));
    intact(&store).await;
}

/// Giving up is no way around: how old the request is and that it may have landed belong to the intent.
pub(crate) async fn giving_up_opens_no_second_door<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    granted(&store, id, 20).await;
    record(&store, attempt(id, Event::Lost), 21).await;
    operate(&store, Operation::Abandon(id), 30).await.unwrap();
    let early = operate(&store, approve(1, id), 20 + 23 * HOUR - 1).await;
    assert!(matches!(&early, Err(StoreError::Refused(Refusal::Approve { why: Why::MayLand { .. }, .. }))), "{early:?}");
    // Its money stays reserved for as long, so that nothing else of the order takes its place.
    let (second, third) = (refund(1, 12, 6001), refund(1, 12, 6000));
    let with = |intent: &Intent| Decided { credits: vec![credit(12, 6000)], intents: vec![intent.clone()], ..quiet(1) };
    let over = decide(&store, 22 * HOUR, with(&second)).await;
    assert!(matches!(over, Err(StoreError::Guard(_))), "{over:?}");
    decide(&store, 22 * HOUR, with(&third)).await.unwrap();
    assert!(matches!(claim(&store, third.id, guard(22 * HOUR)).await, Claim::Granted(_)));
    operate(&store, approve(1, id), 20 + 23 * HOUR).await.unwrap();
    intact(&store).await;
}

pub(crate) async fn what_was_never_sent_is_kept_with_its_amount<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    decide(&store, 5, Decided { credits: vec![credit(11, 4000)], ..quiet(1) }).await.unwrap();
    let (order, held) = (OrderId(1), refund(1, 11, 4000).id);
    let never_sent = |credit| Operation::NeverSent { order, credit: InvoiceId(credit) };
    operate(&store, never_sent(11), 6).await.unwrap();
    let ledger = store.dossiers(vec![order]).await.unwrap().remove(0).ledger;
    assert_eq!(ledger.never_sent[&InvoiceId(11)], minor(4000));
    // A later consent stands beside it; what is said last of a refund that a human was asked about counts.
    operate(&store, approve(1, held), 7).await.unwrap();
    let asked = Difference {
        kind: BreakKind::CreditBeforeCapture,
        credit_invoice: Some(InvoiceNumber("INV11".into())),
        subject: held.to_string(),
        amount: Some(minor(4000)),
        message: "a question".into(),
        remedy: None,
        offer: None,
        due: at(0),
    };
    decide(&store, 8, Decided { discrepancies: vec![asked], ..quiet(1) }).await.unwrap();
    operate(&store, never_sent(11), 9).await.unwrap();
    let ledger = store.dossiers(vec![order]).await.unwrap().remove(0).ledger;
    assert!(!ledger.approved.contains(&held), "the consent to its refund is gone");
    let unknown = operate(&store, never_sent(12), 10).await;
    assert!(matches!(unknown, Err(StoreError::NotFound(_))), "{unknown:?}");
    intend(&store, 13, 3000).await;
    let late = operate(&store, never_sent(13), 11).await;
    assert!(matches!(&late, Err(StoreError::Refused(_))), "{late:?}");
    intact(&store).await;
}

pub(crate) async fn what_a_capture_left_out_is_kept_with_it<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let capture = |reference: &str, left_out| {
        let effect = Effect {
            kind: Kind::Capture,
            amount: minor(6000),
            reference: Reference(reference.into()),
            credit_invoice: None,
            generation: 0,
        };
        Intent { left_out, ..planned(1, effect) }
    };
    let first = capture("SHP1", Some(vec![(InvoiceId(11), minor(4000)), (InvoiceId(12), minor(1))]));
    let second = capture("SHP2", Some(Vec::new()));
    let old = capture("SHP3", None);
    let intents = vec![first.clone(), second.clone(), old.clone()];
    decide(&store, 5, Decided { intents, ..quiet(1) }).await.unwrap();
    for intent in [first, second, old] {
        assert_eq!(stored(&store, intent.id).await.left_out, intent.left_out);
    }
    intact(&store).await;
}

pub(crate) async fn what_was_started_anew_is_approved_no_more<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    granted(&store, id, 20).await;
    record(&store, attempt(id, Event::Rejected), 21).await;
    operate(&store, approve(1, id), 22).await.unwrap();
    let next = again(1, 11, 4000, 1);
    decide(&store, 23, Decided { intents: vec![next.clone()], ..quiet(1) }).await.unwrap();
    let late = operate(&store, approve(1, id), 24).await;
    assert!(
        matches!(&late, Err(StoreError::Refused(Refusal::Approve { why: Why::Superseded { by }, .. })) if *by == next.id),
        "{late:?}"
    );
    intact(&store).await;
}

pub(crate) async fn abandoning_holds_the_credit_invoice<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    operate(&store, Operation::Abandon(id), 20).await.unwrap();
    let found = stored(&store, id).await;
    assert_eq!((found.state, found.ended_at), (State::Abandoned, Some(at(20))));
    let ledger = store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).ledger;
    assert_eq!(ledger.credits[&InvoiceId(11)].state, CreditInvoice::Held);
    let again = operate(&store, Operation::Abandon(id), 21).await;
    assert!(matches!(&again, Err(StoreError::Refused(_))), "{again:?}");
    intact(&store).await;
}

pub(crate) async fn what_fits_no_state_is_refused<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    let (unknown, order) = (OrderId(99), OrderId(1));
    let other = refund(2, 9, 9).id;
    let not_his = Attribution::CreditInvoice(InvoiceId(77));
    let entries = intact(&store).await;
    for operation in [
        Operation::Hold(unknown),
        Operation::Release(unknown),
        Operation::Release(order),
        approve(unknown.0, id),
        approve(2, id),
        Operation::Abandon(other),
        Operation::Attribute { order, refund: RefundId("a".into()), to: not_his },
        Operation::Break(1, BreakStep::Acknowledge),
        Operation::Break(1, BreakStep::Resolve),
        Operation::Break(1, BreakStep::Reopen),
    ] {
        let refused = operate(&store, operation.clone(), 20).await;
        let expected = matches!(refused, Err(StoreError::NotFound(_) | StoreError::Refused(_)));
        assert!(expected, "{operation:?}: {refused:?}");
    }
    assert_eq!(intact(&store).await, entries);
}

pub(crate) async fn what_a_human_did_meanwhile_keeps_the_order_due<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    // The pass began at 0 and loaded its dossiers; the human comes before it decides.
    operate(&store, Operation::Hold(OrderId(1)), 3).await.unwrap();
    decide(&store, 4, quiet(1)).await.unwrap();
    let due = async |store: &P::Store| store.due(Scope::Due, at(50), OrderId(0), 9).await.unwrap();
    assert!(due(&store).await.contains(&OrderId(1)));
    store.begin_pass(pass(2), at(40)).await.unwrap();
    store.decide(pass(2), at(41), vec![quiet(1)]).await.unwrap();
    assert!(!due(&store).await.contains(&OrderId(1)));
}
