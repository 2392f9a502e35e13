//! What the operations page reads: each list page by page, from where the last one ended.

use reconciled_core::breaks::{BreakStatus, BreakStep};
use reconciled_core::credit_invoice::{CreditInvoice, Event as Credit, Proof};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{InvoiceId, OrderId, RefundId};
use reconciled_core::intent::Event;
use reconciled_store::pages::{BreakFilter, BreakPlace, BreakRow, CreditFilter, Pages};
use reconciled_store::{Decided, Difference, Operation, Store};

use crate::fixture::{
    Place, at, attempt, begun, credit, credit_step, decide, granted, intend, intending, minor, operate, pass, quiet,
    record,
};

fn difference(kind: BreakKind, subject: &str) -> Difference {
    Difference {
        kind,
        credit_invoice: None,
        subject: subject.into(),
        amount: Some(minor(100)),
        message: format!("about {subject}"),
        remedy: None,
        offer: None,
        due: at(0),
    }
}

fn ids(rows: &[BreakRow]) -> Vec<i64> {
    rows.iter().map(|row| row.it.id).collect()
}

fn behind(row: &BreakRow) -> BreakPlace {
    BreakPlace { opened_at: row.it.opened_at, id: row.it.id }
}

/// Breaks 1 and 2 at one moment on order 1, break 3 later on order 2.
async fn with_breaks<S: Store>(store: &S) {
    begun(store).await;
    let seen = vec![difference(BreakKind::RefundMissing, "A"), difference(BreakKind::CapturedNotShipped, "B")];
    decide(store, 20, Decided { discrepancies: seen, ..quiet(1) }).await.unwrap();
    let seen = vec![difference(BreakKind::RefundMissing, "C")];
    decide(store, 30, Decided { discrepancies: seen, ..quiet(2) }).await.unwrap();
}

pub(crate) async fn open_breaks_come_page_by_page<P: Place>(place: &P)
where
    P::Store: Pages,
{
    let store = place.open();
    with_breaks(&store).await;
    operate(&store, Operation::Break(2, BreakStep::Acknowledge), 40).await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let rows = store.breaks_page(BreakFilter::default(), after, 1).await.unwrap();
        let Some(row) = rows.last() else { break };
        after = Some(behind(row));
        seen.extend(ids(&rows));
    }
    assert_eq!(seen, [1, 2, 3], "two of one moment are told apart by their ids");
    let only = BreakFilter { closed: false, kinds: vec![BreakKind::RefundMissing] };
    let rows = store.breaks_page(only, None, 9).await.unwrap();
    assert_eq!(ids(&rows), [2, 3]);
    assert_eq!(rows.iter().map(|row| row.order).collect::<Vec<_>>(), [OrderId(1), OrderId(2)]);
}

pub(crate) async fn closed_breaks_come_latest_first<P: Place>(place: &P)
where
    P::Store: Pages,
{
    let store = place.open();
    with_breaks(&store).await;
    operate(&store, Operation::Break(1, BreakStep::Resolve), 40).await.unwrap();
    decide(&store, 50, quiet(2)).await.unwrap();
    let closed = BreakFilter { closed: true, kinds: Vec::new() };
    let rows = store.breaks_page(closed.clone(), None, 9).await.unwrap();
    assert_eq!(ids(&rows), [3, 1]);
    assert_eq!(rows[0].it.status, BreakStatus::Cleared);
    let rows = store.breaks_page(closed, Some(behind(&rows[0])), 9).await.unwrap();
    assert_eq!(ids(&rows), [1]);
    assert_eq!(ids(&store.breaks_page(BreakFilter::default(), None, 9).await.unwrap()), [2]);
}

pub(crate) async fn a_break_is_found_by_its_id_and_by_its_order<P: Place>(place: &P)
where
    P::Store: Pages,
{
    let store = place.open();
    with_breaks(&store).await;
    let found = store.break_by_id(3).await.unwrap().unwrap();
    assert_eq!((found.order, found.it.message.as_str()), (OrderId(2), "about C"));
    assert_eq!(store.break_by_id(4).await.unwrap(), None);
    operate(&store, Operation::Break(1, BreakStep::Resolve), 40).await.unwrap();
    let of_one: Vec<_> = store.breaks_of(OrderId(1)).await.unwrap().into_iter().map(|it| (it.id, it.status)).collect();
    assert_eq!(of_one, [(1, BreakStatus::Resolved), (2, BreakStatus::Open)]);
}

pub(crate) async fn credit_invoices_come_page_by_page<P: Place>(place: &P)
where
    P::Store: Pages,
{
    let store = place.open();
    begun(&store).await;
    let (mut decided, _) = intending(1, 11, 4000);
    decided.credits.push(credit(12, 3000));
    decided.credits.push(credit(13, 500));
    let proof = Proof::Refund(RefundId("r".into()));
    decided.steps.push(credit_step(12, &CreditInvoice::Pending, Credit::Refunded(proof.clone())));
    decided.steps.push(credit_step(12, &CreditInvoice::Refunded(proof), Credit::PaidSeen));
    decided.steps.push(credit_step(13, &CreditInvoice::Pending, Credit::Withdrawn));
    decide(&store, 10, decided).await.unwrap();
    let of = |rows: Vec<reconciled_store::pages::CreditLine>| rows.iter().map(|row| row.id.0).collect::<Vec<_>>();
    let open = store.credits_page(CreditFilter::Open, None, 9).await.unwrap();
    assert_eq!((open[0].order, open[0].order_number.as_str(), open[0].amount), (OrderId(1), "ORD1", Some(minor(4000))));
    assert_eq!(of(open), [11], "the paid and the withdrawn one are settled");
    assert_eq!(of(store.credits_page(CreditFilter::All, None, 2).await.unwrap()), [13, 12]);
    assert_eq!(of(store.credits_page(CreditFilter::All, Some(InvoiceId(12)), 2).await.unwrap()), [11]);
}

pub(crate) async fn passes_come_latest_first<P: Place>(place: &P)
where
    P::Store: Pages,
{
    let store = place.open();
    assert!(store.passes_page(None, 9).await.unwrap().is_empty());
    for (number, ends) in [(1_u8, Some((101, true))), (2, Some((102, false))), (3, None)] {
        store.begin_pass(pass(number.into()), at(number.into())).await.unwrap();
        if let Some((end, complete)) = ends {
            store.end_pass(pass(number.into()), at(end), complete).await.unwrap();
        }
    }
    let rows = store.passes_page(None, 2).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.id, row.ended_at, row.complete)).collect();
    assert_eq!(told, [(pass(3), None, None), (pass(2), Some(at(102)), Some(false))]);
    let rows = store.passes_page(Some(rows[1].no), 2).await.unwrap();
    assert_eq!(rows.iter().map(|row| (row.id, row.started_at)).collect::<Vec<_>>(), [(pass(1), at(1))]);
}

pub(crate) async fn the_journal_comes_latest_first_and_names_what_it_is_about<P: Place>(place: &P)
where
    P::Store: Pages,
{
    let store = place.open();
    begun(&store).await;
    let id = intend(&store, 11, 4000).await;
    operate(&store, Operation::Hold(OrderId(1)), 20).await.unwrap();
    operate(&store, Operation::Release(OrderId(1)), 21).await.unwrap();
    granted(&store, id, 30).await;
    record(&store, attempt(id, Event::Lost), 31).await;
    operate(&store, Operation::Stop, 40).await.unwrap();
    let humans = store.journal_page(true, None, 2).await.unwrap();
    let events: Vec<_> = humans.iter().map(|line| line.row.event.as_str()).collect();
    assert_eq!(events, ["stop", "operator_release"]);
    assert_eq!((humans[0].order.clone(), humans[0].about.clone()), (None, None));
    let earlier = store.journal_page(true, Some(humans[1].row.seq), 2).await.unwrap();
    assert_eq!(earlier.iter().map(|line| line.row.event.as_str()).collect::<Vec<_>>(), ["operator_hold"]);
    let (order, number) = earlier[0].order.clone().unwrap();
    assert_eq!((order, number.as_str()), (OrderId(1), "ORD1"));
    let all = store.journal_page(false, None, 100).await.unwrap();
    let seqs: Vec<_> = all.iter().map(|line| line.row.seq).collect();
    let mut sorted = seqs.clone();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(seqs, sorted);
    let about = |entity: &str| all.iter().find(|line| line.row.entity == entity).unwrap().about.clone();
    assert_eq!(about("intent").as_deref(), Some("refund INV11"));
    assert_eq!(about("credit_invoice").as_deref(), Some("INV11"));
}

pub(crate) async fn the_switch_says_who_moved_it<P: Place>(place: &P)
where
    P::Store: Pages,
{
    let store = place.open();
    let switch = store.switch().await.unwrap();
    assert_eq!((switch.stopped, switch.since, switch.actor), (false, None, None));
    operate(&store, Operation::Stop, 40).await.unwrap();
    drop(store);
    let switch = place.open().switch().await.unwrap();
    assert_eq!((switch.stopped, switch.since), (true, Some(at(40))));
    assert_eq!((switch.actor.as_deref(), switch.note.as_deref()), (Some("operator-1"), Some("because")));
}
