//! What people were told is not told again after a restart, and what nobody was told comes up.

use reconciled_core::breaks::BreakStep;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{InvoiceNumber, OrderNumber};
use reconciled_core::intent::{Event, Kind};
use reconciled_store::{Channel, Decided, Difference, Operation, Overdue, Store, Told};

use crate::fixture::{Place, at, attempt, begun, decide, granted, intend, minor, operate, quiet, record};

fn told(subject: &str, seconds: i64) -> Told {
    Told {
        subject: subject.into(),
        kind: "refund_missing".into(),
        order: Some(OrderNumber("ORD1".into())),
        credit_invoice: None,
        amount: Some(minor(4000)),
        since: at(1),
        told_at: at(seconds),
    }
}

pub(crate) async fn what_was_told_survives_a_restart<P: Place>(place: &P) {
    let store = place.open();
    assert_eq!(store.told(Channel::Command).await.unwrap(), []);
    store.keep_told(Channel::Command, vec![told("break 1", 5), told("break 2", 5)], vec![]).await.unwrap();
    store.keep_told(Channel::Post, vec![told("break 3", 6)], vec![]).await.unwrap();
    let bare =
        Told { order: None, credit_invoice: Some(InvoiceNumber("INV1".into())), amount: None, ..told("break 2", 9) };
    store.keep_told(Channel::Command, vec![bare.clone()], vec!["break 1".into(), "break 9".into()]).await.unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(store.told(Channel::Command).await.unwrap(), [bare]);
    assert_eq!(store.told(Channel::Post).await.unwrap(), [told("break 3", 6)]);
}

pub(crate) async fn an_old_unknown_outcome_is_overdue_until_a_break_names_it<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let (lost, other) = (intend(&store, 11, 2000).await, intend(&store, 12, 1000).await);
    for (id, sent) in [(lost, 20), (other, 30)] {
        granted(&store, id, sent).await;
        record(&store, attempt(id, Event::Lost), 35).await;
    }
    let expected = Overdue {
        intent: lost,
        kind: Kind::Refund,
        order: OrderNumber("ORD1".into()),
        credit_invoice: Some(InvoiceNumber("INV11".into())),
        amount: minor(2000),
        first_sent_at: at(20),
    };
    assert_eq!(store.overdue(at(20)).await.unwrap(), []);
    assert_eq!(store.overdue(at(21)).await.unwrap(), [expected]);
    assert_eq!(store.overdue(at(31)).await.unwrap().len(), 2);
    let named = |subject: &str| Difference {
        kind: BreakKind::RefundUnconfirmed,
        credit_invoice: None,
        subject: subject.into(),
        amount: None,
        message: "lost".into(),
        remedy: None,
        offer: None,
        due: at(5),
    };
    let seen = vec![named("INV11"), named(&other.to_string())];
    decide(&store, 40, Decided { discrepancies: seen, ..quiet(1) }).await.unwrap();
    assert_eq!(store.overdue(at(99)).await.unwrap(), []);
    operate(&store, Operation::Break(1, BreakStep::Resolve), 50).await.unwrap();
    assert_eq!(store.overdue(at(99)).await.unwrap(), [], "somebody said that it is settled");
    decide(&store, 60, quiet(1)).await.unwrap();
    assert_eq!(store.overdue(at(99)).await.unwrap().len(), 1, "a break that cleared names nothing");
}
