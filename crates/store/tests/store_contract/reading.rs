//! What was listed against what was read, and which orders a pass looks at.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::{GONE, ListedInvoice, ListedOrder, Shipped, ShopOrder, Word};
use reconciled_core::id::{InvoiceId, InvoiceNumber, OrderId, OrderNumber};
use reconciled_core::money::Currency;
use reconciled_core::order::{self, Order};
use reconciled_store::{Cursors, Decided, Difference, Identity, Scope, ShopRecord, Step, Store, StoreError};

use crate::fixture::{HOUR, Place, at, begun, credit, decide, observe, pass, quiet, shop_order};

fn row(id: u64, version: i64, is_klarna: bool) -> ListedOrder {
    let number = OrderNumber(format!("ORD{id}"));
    ListedOrder { id: OrderId(id), number, updated_at: at(version), is_klarna, names: Vec::new() }
}

fn invoice(id: u64, order: u64, version: i64) -> ListedInvoice {
    ListedInvoice {
        id: InvoiceId(id),
        order: OrderId(order),
        updated_at: at(version),
        is_credit: false,
        awaits_refund: false,
    }
}

fn unpaid_credit(id: u64, order: u64, version: i64) -> ListedInvoice {
    ListedInvoice { is_credit: true, awaits_refund: true, ..invoice(id, order, version) }
}

async fn unread<S: Store>(store: &S) -> Vec<u64> {
    store.unread(10).await.unwrap().into_iter().map(|id| id.0).collect()
}

async fn due<S: Store>(store: &S, scope: Scope, now: i64, after: u64, limit: u32) -> Vec<u64> {
    let ids = store.due(scope, at(now), OrderId(after), limit).await.unwrap();
    ids.into_iter().map(|id| id.0).collect()
}

pub(crate) async fn a_listed_order_is_unread_until_it_is_observed<P: Place>(place: &P) {
    let store = place.open();
    store.listed(vec![row(1, 5, true)], vec![]).await.unwrap();
    assert_eq!(unread(&store).await, [1]);
    observe(&store, shop_order(1, 4, &[])).await;
    assert_eq!(unread(&store).await, [1], "an older version was read");
    observe(&store, shop_order(1, 5, &[])).await;
    assert!(unread(&store).await.is_empty());
    store.listed(vec![row(1, 5, true), row(1, 3, true)], vec![]).await.unwrap();
    assert!(unread(&store).await.is_empty(), "an overlapping list names it again");
    store.listed(vec![row(1, 6, true)], vec![]).await.unwrap();
    assert_eq!(unread(&store).await, [1]);
}

pub(crate) async fn an_order_read_in_the_second_of_its_change_is_read_again<P: Place>(place: &P) {
    let store = place.open();
    store.listed(vec![row(1, 5, true)], vec![invoice(11, 1, 5)]).await.unwrap();
    for (read_at, again) in [(5, true), (9, true), (10, false)] {
        store.observe(vec![(OrderId(1), Some(shop_order(1, 5, &[])))], at(read_at)).await.unwrap();
        assert!(unread(&store).await.is_empty());
        store.listed(vec![row(1, 5, true)], vec![]).await.unwrap();
        assert_eq!(!unread(&store).await.is_empty(), again, "read at {read_at}");
    }
    store.observe(vec![(OrderId(1), Some(shop_order(1, 6, &[])))], at(6)).await.unwrap();
    store.listed(vec![], vec![invoice(11, 1, 6)]).await.unwrap();
    store.observe(vec![(OrderId(1), Some(shop_order(1, 6, &[])))], at(7)).await.unwrap();
    store.listed(vec![], vec![invoice(11, 1, 6)]).await.unwrap();
    assert_eq!(unread(&store).await, [1], "its credit invoice may have changed under the same date");
}

pub(crate) async fn the_oldest_change_is_read_first<P: Place>(place: &P) {
    let store = place.open();
    store.listed(vec![row(1, 9, true), row(2, 7, true)], vec![invoice(31, 3, 8)]).await.unwrap();
    assert_eq!(unread(&store).await, [2, 3, 1]);
    store.listed(vec![], vec![invoice(11, 1, 6)]).await.unwrap();
    assert_eq!(unread(&store).await, [1, 2, 3]);
    assert_eq!(store.unread(1).await.unwrap(), [OrderId(1)]);
}

pub(crate) async fn what_consumers_wait_for_is_read_first_and_the_newest_of_it<P: Place>(place: &P) {
    let store = place.open();
    let urgent = async || -> Vec<u64> { store.urgent(10).await.unwrap().into_iter().map(|id| id.0).collect() };
    store.listed(vec![row(1, 3, true), row(2, 7, true), row(3, 8, true)], vec![invoice(11, 1, 3)]).await.unwrap();
    assert!(urgent().await.is_empty(), "nobody waits for money");
    store
        .listed(vec![], vec![unpaid_credit(21, 2, 7), unpaid_credit(31, 3, 8), unpaid_credit(41, 4, 2)])
        .await
        .unwrap();
    assert_eq!(urgent().await, [3, 2, 4], "history comes last");
    assert_eq!(unread(&store).await, [4, 1, 2, 3], "and each of them is among the unread");
    store.listed(vec![row(2, 9, true)], vec![invoice(22, 2, 9)]).await.unwrap();
    assert_eq!(urgent().await, [3, 2, 4], "another invoice of it takes nothing away");
    observe(&store, shop_order(3, 9, &[(31, 4000)])).await;
    assert_eq!(urgent().await, [2, 4], "it was read");
    store.listed(vec![row(3, 20, true)], vec![invoice(33, 3, 20)]).await.unwrap();
    assert_eq!(urgent().await, [2, 4], "what changed of it since is no credit invoice");
    store.listed(vec![row(5, 20, false)], vec![unpaid_credit(51, 5, 20)]).await.unwrap();
    assert_eq!(urgent().await, [2, 4], "it is not Klarna's");
}

pub(crate) async fn what_a_list_named_is_owed_a_read_that_contains_it<P: Place>(place: &P) {
    let store = place.open();
    store.listed(vec![row(1, 5, true)], vec![unpaid_credit(11, 1, 5), invoice(12, 1, 5)]).await.unwrap();
    observe(&store, shop_order(1, 5, &[])).await;
    assert_eq!(unread(&store).await, [1], "the answer lacks credit invoice 11");
    assert!(store.dossiers(vec![OrderId(1)]).await.unwrap().is_empty(), "nothing is decided on it");
    observe(&store, shop_order(1, 5, &[(11, 4000)])).await;
    assert!(unread(&store).await.is_empty(), "this one has it, although nothing changed its date");
    observe(&store, shop_order(1, 6, &[])).await;
    assert_eq!(unread(&store).await, [1], "it was read once, and nothing was decided on it, so no record misses it");
    let held = store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).shop.credit_invoices;
    assert_eq!(held.len(), 1, "the answer that has it is kept");
    observe(&store, shop_order(1, 6, &[(11, 4000)])).await;
    store.begin_pass(pass(1), at(0)).await.unwrap();
    decide(&store, 7, Decided { credits: vec![credit(11, 4000)], ..quiet(1) }).await.unwrap();
    observe(&store, shop_order(1, 7, &[])).await;
    assert!(unread(&store).await.is_empty(), "what was decided on and is missing now is for the decision");
    store.listed(vec![], vec![unpaid_credit(11, 1, 8)]).await.unwrap();
    observe(&store, shop_order(1, 8, &[])).await;
    assert_eq!(unread(&store).await, [1], "a list named it again");
}

pub(crate) async fn an_order_is_gone_once_the_shop_did_not_find_it_twice<P: Place>(place: &P) {
    let store = place.open();
    store.listed(vec![row(1, 5, true), row(2, 5, true)], vec![]).await.unwrap();
    observe(&store, shop_order(1, 5, &[])).await;
    store.listed(vec![row(1, 20, true)], vec![]).await.unwrap();
    let asked =
        async |order, when| store.not_found(OrderId(order), at(when), SignedDuration::from_secs(240)).await.unwrap();
    assert!(!asked(1, 100).await, "once is a moment");
    assert!(!asked(1, 300).await, "200 seconds later as well");
    assert_eq!(unread(&store).await, [2, 1]);
    assert!(asked(1, 340).await);
    assert_eq!(unread(&store).await, [2], "it is asked for no more");
    let status = async || store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).shop.status;
    assert_eq!(status().await, Word::Unknown(GONE.to_owned()));
    assert_eq!(due(&store, Scope::Due, 400, 0, 9).await, [1], "it is decided on once more");
    observe(&store, shop_order(1, 20, &[])).await;
    assert_ne!(status().await, Word::Unknown(GONE.to_owned()), "an answer has it again");
    assert!(!asked(1, 500).await, "and that it was missing counts no more");
    assert!(!asked(9, 500).await, "no list named it");
    let at_once = async |when| store.not_found(OrderId(2), at(when), SignedDuration::ZERO).await.unwrap();
    assert!(!at_once(500).await && !at_once(500).await, "without a wait it takes two answers all the same");
    assert!(at_once(501).await);
}

pub(crate) async fn an_order_that_is_not_klarnas_is_never_read<P: Place>(place: &P) {
    let store = place.open();
    store.listed(vec![row(1, 5, false)], vec![invoice(11, 1, 6)]).await.unwrap();
    assert!(unread(&store).await.is_empty());
    store.listed(vec![row(1, 5, true)], vec![]).await.unwrap();
    assert_eq!(unread(&store).await, [1], "the configuration matches it now");
    store.observe(vec![(OrderId(1), None)], at(7)).await.unwrap();
    assert!(unread(&store).await.is_empty());
    assert!(due(&store, Scope::All, 9, 0, 9).await.is_empty());
    store.listed(vec![row(1, 5, true)], vec![]).await.unwrap();
    assert!(unread(&store).await.is_empty(), "this version was read");
    store.listed(vec![row(1, 8, true)], vec![]).await.unwrap();
    assert_eq!(unread(&store).await, [1]);
    observe(&store, shop_order(1, 8, &[])).await;
    store.listed(vec![row(1, 9, false)], vec![]).await.unwrap();
    assert_eq!(unread(&store).await, [1], "an order that is held stays read");
}

pub(crate) async fn an_invoice_marks_its_order<P: Place>(place: &P) {
    let store = place.open();
    store.listed(vec![], vec![invoice(11, 1, 6)]).await.unwrap();
    assert_eq!(unread(&store).await, [1], "known from an invoice alone");
    observe(&store, shop_order(1, 6, &[])).await;
    store.listed(vec![], vec![invoice(11, 1, 6)]).await.unwrap();
    assert!(unread(&store).await.is_empty());
    store.listed(vec![], vec![invoice(12, 1, 5)]).await.unwrap();
    assert_eq!(unread(&store).await, [1], "an older invoice that shows up late");
    store.listed(vec![row(1, 3, false)], vec![]).await.unwrap();
    assert_eq!(unread(&store).await, [1]);
    store.listed(vec![], vec![invoice(21, 2, 5)]).await.unwrap();
    store.listed(vec![row(2, 4, false)], vec![]).await.unwrap();
    assert_eq!(unread(&store).await, [1], "a list says that the other is not Klarna's");
}

pub(crate) async fn an_older_version_never_overwrites_a_newer_one<P: Place>(place: &P) {
    let store = place.open();
    let newer = shop_order(1, 9, &[(11, 4000)]);
    observe(&store, newer.clone()).await;
    observe(&store, shop_order(1, 8, &[])).await;
    let dossiers = store.dossiers(vec![OrderId(5), OrderId(1)]).await.unwrap();
    assert_eq!(dossiers.iter().map(|dossier| &dossier.shop).collect::<Vec<_>>(), [&newer]);
    let same = shop_order(1, 9, &[(11, 4001)]);
    observe(&store, same.clone()).await;
    assert_eq!(store.dossiers(vec![OrderId(1)]).await.unwrap()[0].shop, same);
}

pub(crate) async fn cursors_move_each_by_itself<P: Place>(place: &P) {
    let store = place.open();
    assert_eq!(store.cursors().await.unwrap(), Cursors::default());
    store.advance(Cursors { orders: Some(at(5)), invoices: None }).await.unwrap();
    store.advance(Cursors { orders: None, invoices: Some(at(7)) }).await.unwrap();
    assert_eq!(store.cursors().await.unwrap(), Cursors { orders: Some(at(5)), invoices: Some(at(7)) });
}

pub(crate) async fn only_orders_with_something_open_are_read_again<P: Place>(place: &P) {
    let store = place.open();
    store.begin_pass(pass(1), at(0)).await.unwrap();
    let mut unlinked = shop_order(2, 1, &[]);
    unlinked.klarna_order_id = None;
    let credited = shop_order(4, 1, &[(41, 4000)]);
    let partly = ShopOrder { shipped: Word::Known(Shipped::Partly), ..shop_order(6, 1, &[]) };
    for order in [shop_order(1, 1, &[]), unlinked, shop_order(3, 1, &[]), credited, shop_order(5, 1, &[]), partly] {
        observe(&store, order).await;
    }
    let event = order::Event::Captured;
    let paid = Step::Order { before: Order::Pending, event, after: Order::Paid };
    // 1 stays pending; 2 names no Klarna order; 3 and 4 are paid, 4 with an open credit invoice; 5 differs; of 6 some was sent.
    for decided in [
        quiet(1),
        Decided { steps: vec![paid.clone()], ..quiet(2) },
        Decided { steps: vec![paid.clone()], ..quiet(3) },
        Decided { steps: vec![paid.clone()], credits: vec![credit(41, 4000)], ..quiet(4) },
        Decided { steps: vec![paid.clone()], discrepancies: vec![difference()], ..quiet(5) },
        Decided { steps: vec![paid], ..quiet(6) },
    ] {
        decide(&store, 9, decided).await.unwrap();
    }
    store.listed(vec![row(9, 8, true)], vec![]).await.unwrap();
    assert_eq!(unread(&store).await, [9]);
    store.reread(at(20)).await.unwrap();
    assert_eq!(unread(&store).await, [9, 1, 2, 4, 5, 6], "what changed comes first, and nothing of 3 is open");
    observe(&store, shop_order(1, 1, &[])).await;
    assert_eq!(unread(&store).await, [9, 2, 4, 5, 6], "read, although nothing changed");
    store.reread(at(21)).await.unwrap();
    assert_eq!(unread(&store).await, [9, 2, 4, 5, 6, 1], "what waits keeps its place");
}

fn difference() -> Difference {
    Difference {
        kind: BreakKind::CaptureRejected,
        credit_invoice: None,
        subject: String::new(),
        amount: None,
        due: at(100),
        message: "refused".into(),
        remedy: None,
        offer: None,
    }
}

#[test]
fn a_cursor_never_waits_for_the_future() {
    let ahead = Cursors { orders: Some(at(900)), invoices: Some(at(3)) };
    assert_eq!(ahead.no_later_than(at(7)), Cursors { orders: Some(at(7)), invoices: Some(at(3)) });
    assert_eq!(Cursors::default().no_later_than(at(7)), Cursors::default());
}

pub(crate) async fn due_orders_come_by_id_page_by_page<P: Place>(place: &P) {
    let store = place.open();
    store.begin_pass(pass(1), at(0)).await.unwrap();
    for id in 1..=9 {
        observe(&store, shop_order(id, 1, &[])).await;
    }
    // Even ones later, each in another hour; 7 never by time.
    for (id, next) in [(2, Some(9)), (4, Some(3)), (6, Some(7)), (8, Some(30)), (7, None)] {
        let next_look = next.map(|hours: i64| at(hours.saturating_mul(HOUR)));
        decide(&store, 1, Decided { next_look, ..quiet(id) }).await.unwrap();
    }
    assert_eq!(due(&store, Scope::Due, HOUR, 0, 9).await, [1, 3, 5, 9]);
    let now = 9 * HOUR;
    assert_eq!(due(&store, Scope::Due, now, 0, 9).await, [1, 2, 3, 4, 5, 6, 9]);
    let mut pages = Vec::new();
    let mut after = 0;
    loop {
        let page = due(&store, Scope::Due, now, after, 2).await;
        let Some(last) = page.last() else { break };
        after = *last;
        pages.push(page);
    }
    assert_eq!(pages, [vec![1, 2], vec![3, 4], vec![5, 6], vec![9]]);
    assert_eq!(due(&store, Scope::Due, now.saturating_sub(1), 1, 2).await, [3, 4], "one second early");
    assert_eq!(due(&store, Scope::All, 0, 6, 9).await, [7, 8, 9]);
}

pub(crate) async fn an_unread_order_is_not_due<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    store.listed(vec![row(1, 8, true)], vec![]).await.unwrap();
    assert_eq!(due(&store, Scope::Due, 9, 0, 9).await, [2]);
    assert_eq!(due(&store, Scope::All, 9, 0, 9).await, [2]);
    observe(&store, shop_order(1, 8, &[])).await;
    assert_eq!(due(&store, Scope::Due, 9, 0, 9).await, [1, 2]);
    decide(&store, 9, quiet(1)).await.unwrap();
    decide(&store, 9, quiet(2)).await.unwrap();
    assert!(due(&store, Scope::Due, 9, 0, 9).await.is_empty());
    observe(&store, shop_order(1, 8, &[])).await;
    assert!(due(&store, Scope::Due, 9, 0, 9).await.is_empty(), "nothing new was said");
    observe(&store, shop_order(1, 9, &[])).await;
    assert_eq!(due(&store, Scope::Due, 9, 0, 9).await, [1]);
}

pub(crate) async fn a_quiet_order_is_woken<P: Place>(place: &P) {
    let store = place.open();
    store.begin_pass(pass(1), at(0)).await.unwrap();
    for id in 1..=4 {
        observe(&store, shop_order(id, 1, &[])).await;
    }
    for (id, next) in [(1, Some(50)), (2, Some(9)), (3, None)] {
        decide(&store, 5, Decided { next_look: next.map(at), ..quiet(id) }).await.unwrap();
    }
    store.listed(vec![row(3, 8, true)], vec![]).await.unwrap();
    assert_eq!(due(&store, Scope::Quiet, 9, 0, 9).await, [1, 3], "read or not");
    assert_eq!(due(&store, Scope::Quiet, 9, 0, 1).await, [1]);
    assert_eq!(due(&store, Scope::Quiet, 9, 1, 9).await, [3]);
    store.wake(vec![OrderId(1), OrderId(3), OrderId(99)]).await.unwrap();
    assert!(due(&store, Scope::Quiet, 9, 0, 9).await.is_empty());
    assert_eq!(due(&store, Scope::Due, 9, 0, 9).await, [1, 2, 4]);
    store.observe(vec![(OrderId(3), Some(shop_order(3, 8, &[])))], at(20)).await.unwrap();
    assert_eq!(due(&store, Scope::Due, 9, 0, 9).await, [1, 2, 3, 4]);
}

pub(crate) async fn a_policy_is_kept<P: Place>(place: &P) {
    let store = place.open();
    assert_eq!(store.policy().await.unwrap(), None);
    store.keep_policy("refunds = drive".into(), at(0)).await.unwrap();
    store.advance(Cursors { orders: Some(at(5)), invoices: None }).await.unwrap();
    drop(store);
    assert_eq!(place.open().policy().await.unwrap().as_deref(), Some("refunds = drive"));
}

pub(crate) async fn a_shop_is_bound_once<P: Place>(place: &P) {
    let store = place.open();
    assert_eq!(store.shop().await.unwrap(), None);
    let identity = Identity {
        cluster: "eu1".into(),
        environment: "playground".into(),
        region: "eu".into(),
        shop_id: "12345".into(),
    };
    let record = ShopRecord { identity, currency: Currency::EUR, read_at: at(1) };
    store.bind(record.clone()).await.unwrap();
    let later = ShopRecord { read_at: at(2), ..record.clone() };
    store.bind(later.clone()).await.unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(store.shop().await.unwrap(), Some(later));
    for other in [
        Identity { environment: "production".into(), ..record.identity.clone() },
        Identity { region: "na".into(), ..record.identity.clone() },
        Identity { shop_id: "9".into(), ..record.identity.clone() },
    ] {
        let refused = store.bind(ShopRecord { identity: other, ..record.clone() }).await;
        assert!(matches!(refused, Err(StoreError::OtherIdentity { .. })), "{refused:?}");
    }
}

pub(crate) async fn budgets_survive_a_restart<P: Place>(place: &P) {
    let store = place.open();
    let kept = BTreeMap::from([("day".to_owned(), "12".to_owned()), ("hour".to_owned(), "3".to_owned())]);
    store.keep_budgets(kept).await.unwrap();
    store.keep_budgets(BTreeMap::from([("day".to_owned(), "11".to_owned())])).await.unwrap();
    drop(store);
    let found = place.open().budgets().await.unwrap();
    assert_eq!(found, BTreeMap::from([("day".to_owned(), "11".to_owned()), ("hour".to_owned(), "3".to_owned())]));
}

pub(crate) async fn an_order_is_found_by_any_of_its_numbers<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    decide(&store, 5, Decided { credits: vec![credit(11, 4000)], ..quiet(1) }).await.unwrap();
    for (number, found) in [("ORD1", Some(1)), ("INV11", Some(1)), ("ORD2", Some(2)), ("INV99", None)] {
        let named = store.find(number.into()).await.unwrap();
        assert_eq!(named.first().map(|it| it.order), found.map(OrderId), "{number}");
    }
    let (id, _, amount, at) = credit(12, 1000);
    let same = (id, InvoiceNumber("INV11".to_owned()), amount, at);
    decide(&store, 5, Decided { credits: vec![same], ..quiet(2) }).await.unwrap();
    let credits = async |text: &str| {
        let named = store.find(text.into()).await.unwrap();
        named.into_iter().map(|it| (it.order.0, it.credit.map(|id| id.0))).collect::<Vec<_>>()
    };
    assert_eq!(credits("INV11").await, [(1, Some(11)), (2, Some(12))], "two have this number");
    assert_eq!(credits("12").await, [(2, Some(12))], "and each has an id");
    assert_eq!(credits("1").await, [(1, None)]);
}
