//! What a human says a refund was for: in parts, checked in the transaction against what is held then.

use reconciled_core::adoption::{Part, Settles};
use reconciled_core::guard::Withheld;
use reconciled_core::id::{InvoiceId, OrderId, RefundId};
use reconciled_core::ledger::Attribution;
use reconciled_store::{Claim, Decided, Guard, Operation, Refusal, Store, StoreError};

use crate::fixture::{
    Place, at, begun, claim, credit, decide, guard, intact, intending, klarna, minor, operate, quiet,
};

const ORDER: OrderId = OrderId(1);

/// A refund of 55.00 that nothing explains, beside credit invoices of 40.00 and 30.00.
async fn refunded<S: Store>(store: &S) {
    begun(store).await;
    let shown = klarna(1, 10_000, &[("r1", 5500)]);
    let decided = Decided {
        klarna: Some((shown, at(4))),
        credits: vec![credit(11, 4000), credit(12, 3000)],
        refunded: minor(5500),
        ..quiet(1)
    };
    decide(store, 5, decided).await.unwrap();
}

fn parts(all: &[(Settles, i64)]) -> Operation {
    let parts = all.iter().map(|(settles, amount)| Part { settles: *settles, amount: minor(*amount) }).collect();
    Operation::Attribute { order: ORDER, refund: RefundId("r1".into()), to: Attribution::Parts(parts) }
}

fn of(credit: u64, amount: i64) -> (Settles, i64) {
    (Settles::Credit(InvoiceId(credit)), amount)
}

pub(crate) async fn parts_reach_the_ledger_and_the_last_word_counts<P: Place>(place: &P) {
    let store = place.open();
    refunded(&store).await;
    // What was said of the refund before is not counted against what is said now.
    for said in [vec![of(11, 4000), of(12, 1500)], vec![of(11, 2500), of(12, 3000)], vec![of(12, 3000)]] {
        let word = parts(&said);
        operate(&store, word.clone(), 6).await.unwrap();
        let Operation::Attribute { to, .. } = word else { unreachable!() };
        let ledger = store.dossiers(vec![ORDER]).await.unwrap().remove(0).ledger;
        assert_eq!(ledger.adopted[&RefundId("r1".into())], to);
    }
    intact(&store).await;
}

pub(crate) async fn parts_that_do_not_add_up_are_refused_and_change_nothing<P: Place>(place: &P) {
    let store = place.open();
    refunded(&store).await;
    for (wrong, why) in [
        (vec![of(11, 4000), of(12, 1501)], "ExceedsRefund"),
        (vec![of(11, 4001)], "ExceedsCredit"),
        (vec![of(11, 0)], "NotPositive"),
        (vec![of(11, 2000), of(11, 2000)], "Twice"),
        (vec![of(99, 1000)], "Unknown"),
        (vec![(Settles::Nothing, 5501)], "ExceedsRefund"),
    ] {
        let refused = operate(&store, parts(&wrong), 6).await;
        let Err(StoreError::Refused(Refusal::Adopt { why: said, .. })) = &refused else {
            panic!("{wrong:?}: {refused:?}")
        };
        assert!(format!("{said:?}").starts_with(why), "{wrong:?}: {said:?}");
    }
    let elsewhere = Operation::Attribute {
        order: ORDER,
        refund: RefundId("r2".into()),
        to: Attribution::Parts(vec![Part { settles: Settles::Nothing, amount: minor(1) }]),
    };
    assert!(matches!(operate(&store, elsewhere, 6).await, Err(StoreError::NotFound(_))));
    assert!(store.dossiers(vec![ORDER]).await.unwrap().remove(0).ledger.adopted.is_empty());
    assert!(store.history(ORDER).await.unwrap().iter().all(|row| row.event != "operator_attribute"));
    intact(&store).await;
}

pub(crate) async fn a_word_spoken_since_the_dossier_was_read_is_heard_first<P: Place>(place: &P) {
    let store = place.open();
    refunded(&store).await;
    operate(&store, parts(&[of(11, 4000)]), 6).await.unwrap();
    let heard_at = store.dossiers(vec![ORDER]).await.unwrap().remove(0).heard_at;
    let (decided, intent) = intending(1, 12, 3000);
    let decided = Decided { refunded: minor(5500), heard_at, ..decided };
    // Spoken in the same second as the word before it.
    operate(&store, parts(&[of(12, 3000)]), 6).await.unwrap();
    let late = decide(&store, 7, decided.clone()).await;
    assert!(matches!(late, Err(StoreError::Moved(order)) if order == ORDER), "{late:?}");
    let heard_at = store.dossiers(vec![ORDER]).await.unwrap().remove(0).heard_at;
    decide(&store, 8, Decided { heard_at, ..decided }).await.unwrap();
    operate(&store, parts(&[of(11, 4000), of(12, 1500)]), 9).await.unwrap();
    assert_eq!(claim(&store, intent.id, Guard { heard_at, ..guard(10) }).await, Claim::Withheld(Withheld::Moved));
    intact(&store).await;
}
