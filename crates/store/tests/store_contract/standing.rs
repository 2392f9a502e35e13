//! Figures for a service's health, and when its next passes are due.

use std::collections::BTreeMap;

use reconciled_core::discrepancy::BreakKind;
use reconciled_core::intent::Event;
use reconciled_store::NextDue;
use reconciled_store::{Decided, Difference, OpenBreaks, Operation, Standing, Store};

use crate::fixture::{Place, at, attempt, begun, decide, granted, intend, minor, operate, pass, quiet, record};

pub(crate) async fn a_shop_at_rest_stands_at_nothing<P: Place>(place: &P) {
    let store = place.open();
    assert_eq!(store.standing().await.unwrap().open_breaks(), 0);
    begun(&store).await;
    store.end_pass(pass(1), at(9), true).await.unwrap();
    store.begin_pass(pass(2), at(10)).await.unwrap();
    store.end_pass(pass(2), at(11), false).await.unwrap();
    let standing = store.standing().await.unwrap();
    assert_eq!(standing.last_complete, Some(at(9)), "a pass that left something unchecked does not count");
    assert!(!standing.stopped && standing.oldest_unknown.is_none());
    assert!(standing.intents.values().all(|count| *count == 0));
}

pub(crate) async fn what_is_open_is_counted<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let missing = |subject: &str, amount: i64, due: i64| Difference {
        kind: BreakKind::RefundMissing,
        credit_invoice: None,
        subject: subject.into(),
        amount: Some(minor(amount)),
        message: "missing".into(),
        remedy: None,
        offer: None,
        due: at(due),
    };
    let lost = intend(&store, 11, 2000).await;
    intend(&store, 12, 1000).await;
    granted(&store, lost, 20).await;
    record(&store, attempt(lost, Event::Lost), 21).await;
    let seen = vec![missing("A", 4000, 5), missing("B", 1500, 5), missing("C", 900, 99)];
    decide(&store, 25, Decided { discrepancies: seen, ..quiet(1) }).await.unwrap();
    operate(&store, Operation::Stop, 30).await.unwrap();
    let standing = store.standing().await.unwrap();
    let breaks = OpenBreaks { count: 2, amount: minor(5500), oldest: at(25) };
    let expected = Standing {
        stopped: true,
        breaks: BTreeMap::from([(BreakKind::RefundMissing, breaks)]),
        intents: BTreeMap::from([("planned", 1), ("sending", 0), ("unknown", 1)]),
        oldest_unknown: Some(at(20)),
        last_complete: None,
    };
    assert_eq!(standing, expected);
}

pub(crate) async fn next_times_survive_a_restart<P: Place>(place: &P) {
    let store = place.open();
    assert_eq!(store.next_due().await.unwrap(), None);
    store.keep_next_due(NextDue { poll: at(300), full: at(9000) }).await.unwrap();
    let next = NextDue { poll: at(600), full: at(9000) };
    store.keep_next_due(next).await.unwrap();
    drop(store);
    assert_eq!(place.open().next_due().await.unwrap(), Some(next));
}
