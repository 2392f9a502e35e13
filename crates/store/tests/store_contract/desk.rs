//! Daily work on breaks: who does what, and a kind at once, but only as it was counted.

use reconciled_core::breaks::{BreakStatus, BreakStep};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::OrderId;
use reconciled_store::{Break, Bulk, Decided, Difference, Operated, Operation, Store, StoreError};

use crate::fixture::{Place, at, begun, by, decide, intact, minor, operate, quiet};

fn difference(kind: BreakKind, subject: &str, amount: Option<i64>) -> Difference {
    let (subject, amount) = (subject.to_owned(), amount.map(minor));
    Difference {
        kind,
        credit_invoice: None,
        subject,
        amount,
        message: "it differs".into(),
        remedy: None,
        offer: None,
        due: at(0),
    }
}

/// Three of one kind, one of them without an amount and one on another order; and one of another kind.
async fn differing<S: Store>(store: &S) -> Vec<Break> {
    begun(store).await;
    let unattributed = |subject, amount| difference(BreakKind::RefundUnattributed, subject, amount);
    let of_first =
        vec![unattributed("a", Some(1500)), unattributed("b", None), difference(BreakKind::FraudPending, "c", None)];
    decide(store, 5, Decided { discrepancies: of_first, ..quiet(1) }).await.unwrap();
    decide(store, 6, Decided { discrepancies: vec![unattributed("d", Some(700))], ..quiet(2) }).await.unwrap();
    store.breaks(true).await.unwrap()
}

async fn status<S: Store>(store: &S, of: BreakStatus) -> usize {
    store.breaks(true).await.unwrap().iter().filter(|it| it.status == of).count()
}

fn bulk(step: BreakStep, count: u64, sum: i64) -> Operation {
    Operation::Breaks(Bulk { kind: BreakKind::RefundUnattributed, step, count, sum: minor(sum) })
}

pub(crate) async fn a_break_is_assigned_and_noted_with_who_and_why<P: Place>(place: &P) {
    let store = place.open();
    let id = differing(&store).await[0].id;
    let read = async || store.breaks(true).await.unwrap().remove(0);
    by(&store, "operator-1", Operation::Break(id, BreakStep::Assign(Some("operator-2".into()))), 10).await.unwrap();
    by(&store, "operator-2", Operation::Remark(id), 11).await.unwrap();
    let found = read().await;
    assert_eq!((found.assigned.as_deref(), found.note.as_deref()), (Some("operator-2"), Some("because")));
    assert_eq!(found.status, BreakStatus::Open, "neither changes the status");
    intact(&store).await;
    by(&store, "operator-2", Operation::Break(id, BreakStep::Assign(None)), 12).await.unwrap();
    assert_eq!(read().await.assigned, None);
    operate(&store, Operation::Break(id, BreakStep::Resolve), 13).await.unwrap();
    let late = operate(&store, Operation::Break(id, BreakStep::Assign(Some("operator-2".into()))), 14).await;
    assert!(matches!(late, Err(StoreError::Refused(_))), "{late:?}");
    for unknown in [Operation::Break(99, BreakStep::Assign(None)), Operation::Remark(99)] {
        assert!(matches!(operate(&store, unknown, 15).await, Err(StoreError::NotFound(_))));
    }
    let rows = store.history(OrderId(1)).await.unwrap().into_iter();
    let said: Vec<_> = rows.filter(|row| row.entity == "break" && row.entity_id == id.to_string()).collect();
    let events: Vec<_> = said.iter().map(|row| (row.event.as_str(), row.actor.as_str())).collect();
    let expected = [
        ("opened", "reconciled"),
        ("assigned", "operator-1"),
        ("noted", "operator-2"),
        ("unassigned", "operator-2"),
        ("resolved", "operator-1"),
    ];
    assert_eq!(events, expected);
    intact(&store).await;
}

pub(crate) async fn a_kind_is_decided_at_once_and_only_as_it_was_counted<P: Place>(place: &P) {
    let store = place.open();
    differing(&store).await;
    let entries = intact(&store).await;
    for (count, sum) in [(2, 2200), (4, 2200), (3, 2201), (3, 0), (0, 0)] {
        let other = operate(&store, bulk(BreakStep::Resolve, count, sum), 20).await;
        assert!(matches!(other, Err(StoreError::Refused(_))), "{count} of {sum}: {other:?}");
    }
    assert_eq!(intact(&store).await, entries, "nothing of it was done");
    let done = operate(&store, bulk(BreakStep::Resolve, 3, 2200), 21).await.unwrap();
    assert_eq!(done, Operated::Breaks(3));
    assert_eq!((status(&store, BreakStatus::Resolved).await, status(&store, BreakStatus::Open).await), (3, 1));
    assert_eq!(intact(&store).await, entries.saturating_add(3), "each has a row of its own");
}

pub(crate) async fn a_step_in_bulk_is_about_what_it_fits<P: Place>(place: &P) {
    let store = place.open();
    let all = differing(&store).await;
    let first = all.iter().find(|it| it.amount == Some(minor(1500))).unwrap().id;
    operate(&store, Operation::Break(first, BreakStep::Acknowledge), 20).await.unwrap();
    for (step, count, sum) in [
        (BreakStep::Acknowledge, 2, 700),
        (BreakStep::Assign(Some("operator-2".into())), 3, 2200),
        (BreakStep::Resolve, 3, 2200),
        (BreakStep::Reopen, 3, 2200),
    ] {
        let done = operate(&store, bulk(step.clone(), count, sum), 21).await;
        assert!(matches!(done, Ok(Operated::Breaks(found)) if found == count), "{step:?}: {done:?}");
    }
    let all = store.breaks(true).await.unwrap();
    assert_eq!(all.iter().filter(|it| it.assigned.as_deref() == Some("operator-2")).count(), 3);
    assert_eq!(status(&store, BreakStatus::Open).await, 4);
    intact(&store).await;
}
