//! Which Klarna order a shop order is held for: the first that it names, the one that was chosen, or a human's word.

use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::{self, Candidate, ListedOrder, ShopOrder};
use reconciled_core::guard::Withheld;
use reconciled_core::id::{KlarnaOrderId, OrderId, OrderNumber};
use reconciled_core::link::{Answer, Seen, Told};
use reconciled_core::order::{Event as OrderEvent, Order};
use reconciled_core::references::References;
use reconciled_store::{Claim, Decided, Difference, Operation, Step, Store};

use crate::fixture::{
    Place, at, begun, claim, decide, granted, guard, intact, intend, klarna, minor, operate, quiet, shop_order,
};

fn id(text: &str) -> KlarnaOrderId {
    KlarnaOrderId::new(text).unwrap()
}

/// The order, which names these Klarna orders in its memo.
fn naming(version: i64, ids: &[&str]) -> ShopOrder {
    let named = ids.iter().map(|text| Candidate { id: id(text), places: vec![facts::Place::Memo] });
    ShopOrder {
        klarna_order_id: ids.first().map(|text| id(text)),
        candidates: named.collect(),
        ..shop_order(1, version, &[(11, 4000)])
    }
}

async fn link(store: &impl Store) -> Option<String> {
    let dossier = store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0);
    dossier.shop.klarna_order_id.map(|id| id.as_str().to_owned())
}

async fn see(store: &impl Store, version: i64, ids: &[&str]) {
    store.observe(vec![(OrderId(1), Some(naming(version, ids)))], at(version)).await.unwrap();
}

pub(crate) async fn a_chosen_link_stays_while_it_is_named_and_gives_way_to_a_human<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    see(&store, 20, &["k-a", "k-b"]).await;
    assert_eq!(link(&store).await.as_deref(), Some("k-a"));
    decide(&store, 21, Decided { link: Some(id("k-b")), ..quiet(1) }).await.unwrap();
    see(&store, 22, &["k-a", "k-b", "k-c"]).await;
    assert_eq!(link(&store).await.as_deref(), Some("k-b"));
    see(&store, 23, &["k-a", "k-c"]).await;
    assert_eq!(link(&store).await.as_deref(), Some("k-a"), "it is not named any more");
    let to = |to| Operation::Link { order: OrderId(1), to };
    operate(&store, to(Told::To(id("k-x"))), 24).await.unwrap();
    decide(&store, 25, Decided { link: Some(id("k-a")), ..quiet(1) }).await.unwrap();
    see(&store, 26, &["k-a", "k-b"]).await;
    assert_eq!(link(&store).await.as_deref(), Some("k-x"));
    operate(&store, to(Told::Nobody), 27).await.unwrap();
    see(&store, 28, &["k-b"]).await;
    assert_eq!(link(&store).await, None);
    assert_eq!(store.dossiers(vec![OrderId(1)]).await.unwrap()[0].told, Some(Told::Nobody));
    intact(&store).await;
}

pub(crate) async fn a_state_rests_on_the_klarna_order_that_was_read_and_is_taken_back_under_another<P: Place>(
    place: &P,
) {
    let store = place.open();
    begun(&store).await;
    let under = async || store.dossiers(vec![OrderId(1)]).await.unwrap().remove(0).ledger.judged_under;
    assert_eq!(under().await, None);
    let lapsed = step(Order::Pending, OrderEvent::Expired);
    let read = klarna(1, 10_000, &[]);
    let steps = vec![lapsed];
    decide(&store, 20, Decided { klarna: Some((read.clone(), at(20))), steps, ..quiet(1) }).await.unwrap();
    assert_eq!(under().await, Some(read.id.clone()));
    let other = facts::KlarnaOrder { id: id("k-b"), ..read };
    let steps = vec![step(Order::Expired, OrderEvent::JudgedAnew)];
    let anew = Decided { link: Some(id("k-b")), klarna: Some((other, at(21))), steps, ..quiet(1) };
    decide(&store, 21, anew).await.unwrap();
    assert_eq!(under().await, Some(id("k-b")));
    assert_eq!(store.dossiers(vec![OrderId(1)]).await.unwrap()[0].ledger.order, Order::Pending);
    let earlier = facts::KlarnaOrder { id: id("k-c"), ..klarna(1, 10_000, &[]) };
    decide(&store, 22, Decided { klarna: Some((earlier, at(19))), ..quiet(1) }).await.unwrap();
    assert_eq!(under().await, Some(id("k-c")), "a clock that was set back does not say on which one it rests");
    intact(&store).await;
}

pub(crate) async fn what_was_paid_otherwise_is_kept_while_it_names_or_named_a_klarna_order<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let otherwise = |version, ids: &[&str]| ShopOrder { paid_otherwise: true, paid: true, ..naming(version, ids) };
    let held = async |order| store.dossiers(vec![OrderId(order)]).await.unwrap().pop().map(|it| it.shop);
    let stranger = |ids: &[&str]| ShopOrder { id: OrderId(5), ..otherwise(20, ids) };
    store.observe(vec![(OrderId(5), Some(stranger(&[])))], at(20)).await.unwrap();
    assert_eq!(held(5).await, None, "it names nothing");
    store.observe(vec![(OrderId(5), Some(stranger(&["k-a"])))], at(20)).await.unwrap();
    assert_eq!(held(5).await.map(|shop| shop.paid_otherwise), Some(true));
    see(&store, 20, &["k-a"]).await;
    store.observe(vec![(OrderId(1), Some(otherwise(21, &[])))], at(21)).await.unwrap();
    let shop = held(1).await.unwrap();
    assert!(shop.paid_otherwise && shop.klarna_order_id == Some(id("k-a")), "what it named is not forgotten");
    see(&store, 22, &["k-a"]).await;
    assert!(!held(1).await.unwrap().paid_otherwise, "it came back to Klarna");
    let captured = Decided { klarna: Some((klarna(1, 10_000, &[]), at(22))), captured: minor(10_000), ..quiet(1) };
    decide(&store, 22, captured).await.unwrap();
    store.observe(vec![(OrderId(1), Some(otherwise(23, &["k-a"])))], at(23)).await.unwrap();
    let shop = held(1).await.unwrap();
    assert!(shop.paid_otherwise && shop.klarna_order_id == Some(id("k-a")), "its money at Klarna is still looked at");
    assert_eq!(store.dossiers(vec![OrderId(1)]).await.unwrap()[0].ledger.judged_under, Some(klarna(1, 10_000, &[]).id));
    intact(&store).await;
}

pub(crate) async fn what_held_money_of_its_own_is_asked_about_whatever_the_order_names_now<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    see(&store, 20, &["k-a", "k-b"]).await;
    let number = store.dossiers(vec![OrderId(1)]).await.unwrap()[0].shop.number.0.clone();
    let said = |text: &str, reference: &str, captured: i64| {
        let order = facts::KlarnaOrder {
            id: id(text),
            merchant_reference1: Some(reference.to_owned()),
            created_at: None,
            ..klarna(1, captured, &[])
        };
        let candidate = Candidate { id: id(text), places: vec![facts::Place::Memo] };
        (Seen { candidate, answer: Answer::Read(order), anothers: None }, at(21))
    };
    let asked = vec![said("k-a", &number, 10_000), said("k-b", "", 10_000)];
    decide(&store, 21, Decided { asked, ..quiet(1) }).await.unwrap();
    see(&store, 22, &["k-c"]).await;
    let asks = async || {
        let all = store.dossiers(vec![OrderId(1)]).await.unwrap()[0].candidates();
        all.into_iter().map(|one| one.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(asks().await, ["k-c", "k-a"], "nothing showed whose the other one is");
    let other = ShopOrder { id: OrderId(7), number: OrderNumber("ORD7".into()), ..naming(23, &["k-a"]) };
    store.observe(vec![(OrderId(7), Some(other))], at(23)).await.unwrap();
    assert_eq!(asks().await, ["k-c"], "another order names it");
    intact(&store).await;
}

pub(crate) async fn an_order_that_was_only_listed_shares_what_its_row_names<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    see(&store, 20, &["k-a", "k-b"]).await;
    let names = |ids: &[&str]| ids.iter().map(|text| id(text)).collect();
    let number = OrderNumber("ORD7".into());
    let row = ListedOrder { id: OrderId(7), number, updated_at: at(21), is_klarna: true, names: names(&["k-b"]) };
    store.listed(vec![row], vec![]).await.unwrap();
    let shared = async |order: u64| store.dossiers(vec![OrderId(order)]).await.unwrap().remove(0).shared;
    let by = |text: &str, number: &str| [(id(text), vec![OrderNumber(number.into())])].into();
    assert_eq!(shared(1).await, by("k-b", "ORD7"));
    let seventh = |version, ids: &[&str]| ShopOrder {
        id: OrderId(7),
        number: OrderNumber("ORD7".into()),
        ..naming(version, ids)
    };
    store.observe(vec![(OrderId(7), Some(seventh(21, &["k-a", "k-c"])))], at(22)).await.unwrap();
    assert_eq!(shared(1).await, by("k-a", "ORD7"), "it was read, and names others");
    assert_eq!(shared(7).await, by("k-a", "ORD1"));
    let read = facts::KlarnaOrder { id: id("k-c"), ..klarna(7, 10_000, &[]) };
    let elsewhere = Decided { order: OrderId(7), klarna: Some((read, at(23))), link: Some(id("k-c")), ..quiet(7) };
    decide(&store, 23, elsewhere).await.unwrap();
    assert_eq!(shared(1).await, [].into(), "it is judged under another one");
    let doubt = difference(BreakKind::KlarnaOrderAmbiguous);
    decide(&store, 24, Decided { order: OrderId(7), discrepancies: vec![doubt], ..quiet(7) }).await.unwrap();
    assert_eq!(shared(1).await, by("k-a", "ORD7"), "which one is its own is in doubt again");
    let to = |order, to| Operation::Link { order: OrderId(order), to };
    operate(&store, to(1, Told::To(id("k-a"))), 25).await.unwrap();
    assert_eq!((shared(1).await, shared(7).await), ([].into(), by("k-a", "ORD1")), "a human's word stands above it");
    operate(&store, to(7, Told::To(id("k-a"))), 26).await.unwrap();
    assert_eq!((shared(1).await, shared(7).await), (by("k-a", "ORD7"), by("k-a", "ORD1")), "both are a human's word");
    operate(&store, to(7, Told::Nobody), 27).await.unwrap();
    assert_eq!(shared(1).await, [].into());
}

pub(crate) async fn what_references_show_is_learnt_once_an_order_and_latest_orders_first<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    let learn = async |order: u64, names: bool| {
        store.observe(vec![(OrderId(order), Some(shop_order(order, 20, &[])))], at(20)).await.unwrap();
        let placed = at(i64::try_from(order).unwrap());
        decide(&store, 21, Decided { named_by: Some((names, placed)), ..quiet(order) }).await.unwrap();
        store.references().await.unwrap()
    };
    assert_eq!(store.references().await.unwrap(), References::default());
    learn(100, false).await;
    let found = learn(90, true).await;
    assert_eq!(found, References { linked: 2, naming: 1, in_a_row: 0, since: None }, "the latest one does not");
    for order in (101..=120).rev() {
        learn(order, true).await;
    }
    let all = References { linked: 22, naming: 21, in_a_row: 20, since: Some(at(101)) };
    assert_eq!(learn(105, true).await, all, "one order counts once");
    assert_eq!(all.demanded_since(), Some(at(101)));
    let broken = learn(105, false).await;
    assert_eq!((broken.in_a_row, broken.demanded_since()), (15, None));
    decide(&store, 22, quiet(105)).await.unwrap();
    drop(store);
    let reopened = place.open();
    assert_eq!(reopened.references().await.unwrap(), broken, "it is kept");
}

fn difference(kind: BreakKind) -> Difference {
    Difference {
        kind,
        credit_invoice: None,
        subject: String::new(),
        amount: None,
        message: "in doubt".into(),
        remedy: None,
        offer: None,
        due: at(1),
    }
}

fn step(before: Order, event: OrderEvent) -> Step {
    Step::Order { before, event, after: before.apply(event).unwrap() }
}

pub(crate) async fn what_klarna_said_of_several_is_kept_whatever_is_named_later<P: Place>(place: &P) {
    let store = place.open();
    begun(&store).await;
    see(&store, 20, &["k-a", "k-b"]).await;
    let candidate = |text: &str| Candidate { id: id(text), places: vec![facts::Place::Memo] };
    let answer = Answer::NotFound { said: "NO_SUCH_ORDER".into() };
    let unknown = Seen { candidate: candidate("k-a"), answer, anothers: None };
    let mut read = klarna(1, 10_000, &[]);
    read.id = id("k-b");
    let known = Seen { candidate: candidate("k-b"), answer: Answer::Read(read), anothers: Some("ORD2".into()) };
    let asked = vec![(unknown.clone(), at(21)), (known.clone(), at(21))];
    decide(&store, 22, Decided { asked: asked.clone(), ..quiet(1) }).await.unwrap();
    assert_eq!(store.dossiers(vec![OrderId(1)]).await.unwrap()[0].asked, asked);
    see(&store, 23, &["k-b", "k-c"]).await;
    let unnamed = Candidate { places: vec![facts::Place::Unsaid], ..candidate("k-a") };
    let unknown = Seen { candidate: unnamed, ..unknown };
    let asked = store.dossiers(vec![OrderId(1)]).await.unwrap()[0].asked.clone();
    assert_eq!(asked, [(known, at(21)), (unknown, at(21))], "those that it names first");
}

pub(crate) async fn nothing_is_claimed_for_a_klarna_order_that_the_order_is_not_linked_to_any_more<P: Place>(
    place: &P,
) {
    let store = place.open();
    begun(&store).await;
    let intent = intend(&store, 11, 4000).await;
    let to = |text: &str| Operation::Link { order: OrderId(1), to: Told::To(id(text)) };
    operate(&store, to("k-other"), 13).await.unwrap();
    let claim = claim(&store, intent, guard(14)).await;
    assert!(matches!(claim, Claim::Withheld(Withheld::Moved)), "{claim:?}");
    operate(&store, to("klarna-1"), 15).await.unwrap();
    granted(&store, intent, 16).await;
    intact(&store).await;
}
