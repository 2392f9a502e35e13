//! Decisions: wholly or not at all, from the state they were made on, and never more money than is there.

use reconciled_core::credit_invoice::{self, CreditInvoice};
use reconciled_core::id::{InvoiceId, OrderId, OrderNumber, RefundId};
use reconciled_core::intent::{self, State};
use reconciled_core::order::{self, Order};
use reconciled_core::plan::Note;
use reconciled_store::{Decided, Step, Store, StoreError};

use crate::fixture::{
    Place, again, at, attempt, begun, credit, credit_step, decide, granted, intact, intend, intending, klarna, minor,
    observe, pass, quiet, record, refund, shop_order, stored,
};

fn captured(before: Order) -> Step {
    let event = order::Event::Captured;
    Step::Order { before, event, after: before.apply(event).unwrap() }
}

async fn state<S: Store>(store: &S, order: u64) -> Order {
    store.dossiers(vec![OrderId(order)]).await.unwrap()[0].ledger.order
}

pub(crate) async fn a_first_decision_begins_every_history<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    assert!(store.history(OrderId(1)).await.unwrap().is_empty());
    let decided = Decided { credits: vec![credit(11, 4000)], steps: vec![captured(Order::Pending)], ..quiet(1) };
    decide(&store, 7, decided).await.unwrap();
    let rows = store.history(OrderId(1)).await.unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.entity.as_str(), row.entity_id.as_str(), row.event.as_str(), row.after.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("order", "1", "first_seen", "pending"),
            ("credit_invoice", "11", "first_seen", "pending"),
            ("order", "1", "captured", "paid"),
        ]
    );
    assert_eq!((rows[2].before.as_str(), rows[2].at, &rows[2].cause), ("pending", at(7), &pass(1).to_string()));
    decide(&store, 8, quiet(1)).await.unwrap();
    assert_eq!(intact(&store).await, 3, "a decision that changes nothing writes nothing");
}

pub(crate) async fn a_step_from_elsewhere_fails_its_decision_alone<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let moved = Decided { credits: vec![credit(11, 4000)], steps: vec![captured(Order::PartlyPaid)], ..quiet(1) };
    let fine = Decided { steps: vec![captured(Order::Pending)], ..quiet(2) };
    let unknown = quiet(99);
    let results = store.decide(pass(1), at(7), vec![moved, fine, unknown]).await.unwrap();
    assert!(matches!(results[0], Err(StoreError::Moved(OrderId(1)))), "{results:?}");
    assert!(results[1].is_ok(), "{results:?}");
    assert!(matches!(results[2], Err(StoreError::NotFound(_))), "{results:?}");
    assert_eq!((state(&store, 1).await, state(&store, 2).await), (Order::Pending, Order::Paid));
    assert!(store.history(OrderId(1)).await.unwrap().is_empty());
    assert_eq!(intact(&store).await, 2);
}

pub(crate) async fn an_impossible_step_is_refused<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let event = order::Event::Captured;
    for step in [
        Step::Order { before: Order::Pending, event, after: Order::Cancelled },
        Step::Order { before: Order::Pending, event: order::Event::Reversed, after: Order::Cancelled },
    ] {
        let refused = decide(&store, 7, Decided { steps: vec![step], ..quiet(1) }).await;
        assert!(matches!(refused, Err(StoreError::Guard(_))), "{refused:?}");
    }
}

pub(crate) async fn one_open_intent_per_effect<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 1000).await;
    for second in [refund(1, 11, 1000), again(1, 11, 1000, 1), refund(1, 11, 900)] {
        let refused = decide(&store, 11, Decided { intents: vec![second], ..quiet(1) }).await;
        assert!(matches!(refused, Err(StoreError::Guard(_))), "{refused:?}");
    }
    granted(&store, id, 12).await;
    record(&store, attempt(id, intent::Event::Rejected), 13).await;
    let same = decide(&store, 14, Decided { intents: vec![refund(1, 11, 1000)], ..quiet(1) }).await;
    assert!(matches!(same, Err(StoreError::Guard(_))), "its key was used: {same:?}");
    decide(&store, 15, Decided { intents: vec![again(1, 11, 1000, 1)], ..quiet(1) }).await.unwrap();
    let ledger = store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).ledger;
    assert_eq!(ledger.intents.iter().map(|found| found.effect.generation).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(ledger.intents[1], again(1, 11, 1000, 1));
}

pub(crate) async fn refunds_never_exceed_what_is_captured<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let refused = decide(&store, 10, intending(1, 11, 10_001).0).await;
    assert!(matches!(refused, Err(StoreError::Guard(_))), "{refused:?}");
    decide(&store, 10, intending(1, 11, 6000).0).await.unwrap();
    let refused = decide(&store, 10, intending(1, 12, 4001).0).await;
    assert!(matches!(refused, Err(StoreError::Guard(_))), "{refused:?}");
    let refunded = Decided { refunded: minor(1), ..intending(1, 12, 4000).0 };
    let refused = decide(&store, 10, refunded).await;
    assert!(matches!(refused, Err(StoreError::Guard(_))), "{refused:?}");
    decide(&store, 10, intending(1, 12, 4000).0).await.unwrap();
    let both = Decided { intents: vec![refund(2, 21, 6000), refund(2, 22, 4001)], ..quiet(2) };
    let both = Decided { credits: vec![credit(21, 6000), credit(22, 4001)], ..both };
    let refused = decide(&store, 10, both).await;
    assert!(matches!(refused, Err(StoreError::Guard(_))), "together they are too much: {refused:?}");
    assert!(store.dossiers(vec![OrderId(2)]).await.unwrap()[0].ledger.intents.is_empty());
}

pub(crate) async fn a_confirmed_refund_counts_until_a_read_shows_it<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 6000).await;
    granted(&store, id, 11).await;
    let made = Some(RefundId("r1".into()));
    record(&store, reconciled_store::Attempt { made, ..attempt(id, intent::Event::Confirmed) }, 12).await;
    let lagging = Decided { klarna: Some((klarna(1, 10_000, &[]), at(13))), ..intending(1, 12, 5000).0 };
    let refused = decide(&store, 13, lagging).await;
    assert!(matches!(refused, Err(StoreError::Guard(_))), "{refused:?}");
    let shown = klarna(1, 10_000, &[("r1", 6000)]);
    let shown = Decided { klarna: Some((shown, at(14))), refunded: minor(6000), ..intending(1, 12, 4000).0 };
    decide(&store, 14, shown).await.unwrap();
}

pub(crate) async fn the_amount_of_a_credit_invoice_stands_once_it_is_intended<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let amount = async |store: &P::Store| {
        store.dossiers(vec![OrderId(1)]).await.unwrap()[0].ledger.credits[&InvoiceId(11)].amount
    };
    for (seen, held) in [(4000, 4000), (4100, 4100)] {
        decide(&store, 7, Decided { credits: vec![credit(11, seen)], ..quiet(1) }).await.unwrap();
        assert_eq!(amount(&store).await, Some(minor(held)));
    }
    decide(&store, 8, intending(1, 11, 4200).0).await.unwrap();
    decide(&store, 9, Decided { credits: vec![credit(11, 4300)], ..quiet(1) }).await.unwrap();
    assert_eq!(amount(&store).await, Some(minor(4200)));
    let elsewhere = decide(&store, 9, Decided { credits: vec![credit(11, 4300)], ..quiet(2) }).await;
    assert!(matches!(elsewhere, Err(StoreError::Guard(_))), "{elsewhere:?}");
}

pub(crate) async fn a_seen_intent_is_confirmed_with_what_was_made<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    granted(&store, id, 11).await;
    record(&store, attempt(id, intent::Event::Lost), 12).await;
    let made = Some(RefundId("r1".into()));
    let note = Some(Note::Seen { made: made.clone() });
    let seen = Step::Intent { id, before: State::Unknown, event: intent::Event::Seen, after: State::Confirmed, note };
    let proof = credit_invoice::Proof::Refund(RefundId("r1".into()));
    let credit = credit_step(11, &CreditInvoice::RefundRequested(id), credit_invoice::Event::Refunded(proof.clone()));
    decide(&store, 13, Decided { steps: vec![seen, credit], ..quiet(1) }).await.unwrap();
    let found = stored(&store, id).await;
    assert_eq!((found.state, found.made, found.ended_at), (State::Confirmed, made, Some(at(13))));
    let held = store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).ledger.credits;
    assert_eq!(held[&InvoiceId(11)].state, CreditInvoice::Refunded(proof));
    intact(&store).await;
}

pub(crate) async fn a_withdrawn_intent_says_why<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    let note = Some(Note::Withdrawn { why: "the credit invoice vanished".into() });
    let step =
        Step::Intent { id, before: State::Planned, event: intent::Event::Withdrawn, after: State::Withdrawn, note };
    decide(&store, 13, Decided { steps: vec![step], ..quiet(1) }).await.unwrap();
    assert_eq!(stored(&store, id).await.ended_at, Some(at(13)));
    let last = store.history(OrderId(1)).await.unwrap().pop().unwrap();
    assert_eq!(last.detail, r#"{"why":"the credit invoice vanished"}"#);
}

pub(crate) async fn absence_is_remembered_from_its_first_read<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    granted(&store, id, 11).await;
    record(&store, attempt(id, intent::Event::Lost), 12).await;
    for (seconds, kept) in [(20, 20), (30, 20)] {
        decide(&store, seconds, Decided { absent: vec![(id, at(seconds))], ..quiet(1) }).await.unwrap();
        assert_eq!(stored(&store, id).await.absent_since, Some(at(kept)));
    }
    granted(&store, id, 40).await;
    record(&store, attempt(id, intent::Event::Lost), 41).await;
    decide(&store, 50, Decided { absent: vec![(id, at(50))], ..quiet(1) }).await.unwrap();
    assert_eq!(stored(&store, id).await.absent_since, Some(at(50)), "a new attempt, a new absence");
}

pub(crate) async fn an_older_answer_of_klarnas_is_not_kept<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let newer = (klarna(1, 9000, &[("r1", 5)]), at(20));
    for answer in [newer.clone(), (klarna(1, 8000, &[]), at(19))] {
        decide(&store, 21, Decided { klarna: Some(answer), ..quiet(1) }).await.unwrap();
        assert_eq!(store.dossiers(vec![OrderId(1)]).await.unwrap()[0].klarna, Some(newer.clone()));
    }
}

pub(crate) async fn quiet_ends_with_a_change<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    for (changed, seconds, since) in [(false, 30, 12), (true, 31, 31), (false, 32, 31)] {
        decide(&store, seconds, Decided { changed, ..quiet(1) }).await.unwrap();
        assert_eq!(store.dossiers(vec![OrderId(1)]).await.unwrap()[0].quiet_since, at(since));
    }
    store.observe(vec![(OrderId(1), Some(shop_order(1, 40, &[])))], at(41)).await.unwrap();
    assert_eq!(store.dossiers(vec![OrderId(1)]).await.unwrap()[0].quiet_since, at(41));
}

pub(crate) async fn a_pass_knows_what_it_looked_at<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let one = Decided {
        credits: vec![credit(11, 4000), credit(12, 3000)],
        steps: vec![captured(Order::Pending)],
        refunded: minor(7),
        ..quiet(1)
    };
    store.decide(pass(1), at(6), vec![one, quiet(2)]).await.unwrap();
    let rows = store.looked_at(pass(1), OrderId(0), 9).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((rows[0].state, rows[0].amount), (Order::Paid, Some(minor(10_000))));
    assert_eq!((rows[0].captured, rows[0].refunded), (minor(10_000), minor(7)));
    assert_eq!(rows[0].credits.iter().map(|row| row.number.as_str()).collect::<Vec<_>>(), ["INV11", "INV12"]);
    assert_eq!(store.looked_at(pass(1), OrderId(1), 9).await.unwrap().len(), 1);
    store.end_pass(pass(1), at(8), true).await.unwrap();
    store.begin_pass(pass(2), at(9)).await.unwrap();
    store.decide(pass(2), at(9), vec![quiet(2)]).await.unwrap();
    assert_eq!(store.looked_at(pass(2), OrderId(0), 9).await.unwrap()[0].id, OrderId(2));
    assert!(store.looked_at(pass(3), OrderId(0), 9).await.unwrap().is_empty());
}

pub(crate) async fn orders_that_share_a_klarna_order_know_each_other<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let other = shop_order(2, 9, &[]);
    let reconciled_core::facts::ShopOrder { klarna_order_id, candidates, .. } = shop_order(1, 9, &[]);
    observe(&store, reconciled_core::facts::ShopOrder { klarna_order_id, candidates, ..other }).await;
    let found = store.dossiers(vec![OrderId(1), OrderId(2)]).await.unwrap();
    let with = |at: usize| found[at].shared_with(found[at].shop.klarna_order_id.as_ref());
    assert_eq!((with(0), with(1)), (vec![OrderNumber("ORD2".into())], vec![OrderNumber("ORD1".into())]));
}
