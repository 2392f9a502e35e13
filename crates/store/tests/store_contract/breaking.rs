//! Breaks: born from differences that outlive their grace, and ended by the world or by a human.

use reconciled_core::breaks::{BreakStatus, BreakStep};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{InvoiceNumber, OrderId, OrderNumber};
use reconciled_store::{Break, Decided, Difference, Operation, Scope, Store, StoreError};

use crate::fixture::{Place, at, begun, decide, intact, minor, operate, quiet};

fn missing(amount: i64, due: i64) -> Difference {
    Difference {
        kind: BreakKind::RefundMissing,
        credit_invoice: Some(InvoiceNumber("INV11".into())),
        subject: "INV11".into(),
        amount: Some(minor(amount)),
        message: format!("{amount} are missing"),
        remedy: None,
        offer: None,
        due: at(due),
    }
}

async fn look<S: Store>(store: &S, seconds: i64, seen: &[Difference]) {
    decide(store, seconds, Decided { discrepancies: seen.to_vec(), ..quiet(1) }).await.unwrap();
}

async fn open<S: Store>(store: &S) -> Vec<Break> {
    store.breaks(false).await.unwrap()
}

async fn events<S: Store>(store: &S) -> Vec<String> {
    let rows = store.history(reconciled_core::id::OrderId(1)).await.unwrap();
    rows.into_iter().filter(|row| row.entity == "break").map(|row| row.event).collect()
}

pub(crate) async fn a_difference_becomes_a_break_when_it_is_due<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    look(&store, 10, &[missing(4000, 20)]).await;
    assert!(store.breaks(true).await.unwrap().is_empty(), "a timing difference");
    look(&store, 19, &[missing(4000, 20)]).await;
    assert!(open(&store).await.is_empty());
    look(&store, 20, &[missing(4000, 20)]).await;
    let found = open(&store).await.remove(0);
    let expected = Break {
        id: found.id,
        kind: BreakKind::RefundMissing,
        order: Some(OrderNumber("ORD1".into())),
        credit_invoice: Some(InvoiceNumber("INV11".into())),
        subject: "INV11".into(),
        amount: Some(minor(4000)),
        message: "4000 are missing".into(),
        remedy: None,
        offer: None,
        opened_at: at(20),
        status: BreakStatus::Open,
        note: None,
        assigned: None,
        proposal: None,
    };
    assert_eq!(found, expected);
    look(&store, 10, &[]).await;
    look(&store, 11, &[missing(4000, 40)]).await;
    look(&store, 12, &[]).await;
    assert_eq!(store.breaks(true).await.unwrap().len(), 1, "one that vanished in time was never a break");
    assert_eq!(events(&store).await, ["opened", "cleared"]);
}

pub(crate) async fn a_break_follows_its_difference_and_clears_with_it<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    look(&store, 20, &[missing(4000, 20), missing(1, 20)]).await;
    let id = open(&store).await[0].id;
    look(&store, 21, &[missing(3900, 99)]).await;
    let found = open(&store).await;
    assert_eq!((found.len(), found[0].id, found[0].amount), (1, id, Some(minor(3900))));
    assert_eq!((found[0].message.as_str(), found[0].opened_at), ("3900 are missing", at(20)));
    look(&store, 22, &[]).await;
    assert!(open(&store).await.is_empty());
    assert_eq!(store.breaks(true).await.unwrap()[0].status, BreakStatus::Cleared);
    let reopened = operate(&store, Operation::Break(id, BreakStep::Reopen), 23).await;
    assert!(matches!(reopened, Err(StoreError::Refused(_))), "{reopened:?}");
    look(&store, 24, &[missing(3900, 20)]).await;
    assert_ne!(open(&store).await[0].id, id, "it came back as a new one");
    assert_eq!(events(&store).await, ["opened", "cleared", "opened"]);
    intact(&store).await;
}

pub(crate) async fn a_resolved_break_stays_so_while_nothing_changes<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    look(&store, 20, &[missing(4000, 20)]).await;
    let id = open(&store).await[0].id;
    operate(&store, Operation::Break(id, BreakStep::Resolve), 21).await.unwrap();
    look(&store, 22, &[missing(4000, 20)]).await;
    assert!(open(&store).await.is_empty());
    let closed = store.breaks(true).await.unwrap();
    assert_eq!((closed.len(), closed[0].status), (1, BreakStatus::Resolved));
    assert_eq!(closed[0].note.as_deref(), Some("because"));
    look(&store, 23, &[missing(4100, 30)]).await;
    assert!(open(&store).await.is_empty(), "another amount, in its grace");
    look(&store, 30, &[missing(4100, 30)]).await;
    let second = open(&store).await.remove(0);
    assert_ne!(second.id, id);
    operate(&store, Operation::Break(second.id, BreakStep::Resolve), 31).await.unwrap();
    look(&store, 32, &[]).await;
    look(&store, 33, &[missing(4100, 30)]).await;
    assert_eq!(open(&store).await.len(), 1, "it vanished in between");
    assert_eq!(events(&store).await, ["opened", "resolved", "opened", "resolved", "opened"]);
    intact(&store).await;
}

pub(crate) async fn while_effects_are_withheld_what_withholds_them_is_an_open_break<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let differs = Difference { kind: BreakKind::AmountDiffers, ..missing(4000, 20) };
    let seen = |withheld| Decided { discrepancies: vec![differs.clone(), missing(4000, 20)], withheld, ..quiet(1) };
    decide(&store, 20, seen(true)).await.unwrap();
    let due = async || store.due(Scope::Due, at(22), OrderId(0), 9).await.unwrap().contains(&OrderId(1));
    assert!(!due().await);
    for found in open(&store).await {
        operate(&store, Operation::Break(found.id, BreakStep::Resolve), 21).await.unwrap();
    }
    assert!(due().await, "the next pass looks");
    decide(&store, 22, seen(true)).await.unwrap();
    let kinds: Vec<_> = open(&store).await.into_iter().map(|found| found.kind).collect();
    assert_eq!(kinds, [BreakKind::AmountDiffers], "the other one withholds nothing");
    operate(&store, Operation::Break(open(&store).await[0].id, BreakStep::Resolve), 23).await.unwrap();
    decide(&store, 24, seen(false)).await.unwrap();
    assert!(open(&store).await.is_empty(), "nothing is withheld any more, and a human's word counts");
    intact(&store).await;
}

pub(crate) async fn acknowledged_stays_open_and_reopened_opens<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    look(&store, 20, &[missing(4000, 20)]).await;
    let id = open(&store).await[0].id;
    for (operation, status) in [
        (Operation::Break(id, BreakStep::Acknowledge), BreakStatus::Acknowledged),
        (Operation::Break(id, BreakStep::Resolve), BreakStatus::Resolved),
        (Operation::Break(id, BreakStep::Reopen), BreakStatus::Open),
    ] {
        operate(&store, operation, 21).await.unwrap();
        look(&store, 22, &[missing(4000, 20)]).await;
        let found = store.breaks(true).await.unwrap();
        assert_eq!((found.len(), found[0].status), (1, status));
        assert_eq!(open(&store).await.is_empty(), status == BreakStatus::Resolved);
    }
    operate(&store, Operation::Break(id, BreakStep::Acknowledge), 23).await.unwrap();
    look(&store, 24, &[]).await;
    assert_eq!(store.breaks(true).await.unwrap()[0].status, BreakStatus::Cleared);
    intact(&store).await;
}

pub(crate) async fn a_reopened_break_lives_on_without_its_difference<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    look(&store, 20, &[missing(4000, 20)]).await;
    let id = open(&store).await[0].id;
    operate(&store, Operation::Break(id, BreakStep::Resolve), 21).await.unwrap();
    look(&store, 22, &[]).await;
    operate(&store, Operation::Break(id, BreakStep::Reopen), 23).await.unwrap();
    look(&store, 24, &[missing(4000, 99)]).await;
    assert_eq!(open(&store).await[0].id, id, "the same one, not a second");
    operate(&store, Operation::Break(id, BreakStep::Resolve), 25).await.unwrap();
    look(&store, 26, &[missing(4000, 20)]).await;
    assert!(open(&store).await.is_empty());
    operate(&store, Operation::Break(id, BreakStep::Reopen), 27).await.unwrap();
    look(&store, 28, &[]).await;
    assert_eq!(store.breaks(true).await.unwrap()[0].status, BreakStatus::Cleared);
    intact(&store).await;
}

pub(crate) async fn a_break_says_what_to_do_in_the_state_it_was_last_found_in<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let found = |remedy: Option<&str>| Difference { remedy: remedy.map(str::to_owned), ..missing(4000, 0) };
    for remedy in [Some("capture 40.00"), Some("nothing is left to capture"), None] {
        look(&store, 10, &[found(remedy)]).await;
        assert_eq!(open(&store).await.remove(0).remedy.as_deref(), remedy);
    }
}
