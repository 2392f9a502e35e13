//! Which Klarna orders are asked about for a shop order, and what of them is remembered.

use jiff::Timestamp;
use reconciled_core::facts::{Candidate, KlarnaOrder, KlarnaStatus, Place, ShopOrder, Word};
use reconciled_core::id::KlarnaOrderId;
use reconciled_core::link::{Answer, Named, Seen, Told, candidates, is_settled};

use crate::common::{NOW, Scene, ago, eur, order};

fn id(text: &str) -> KlarnaOrderId {
    KlarnaOrderId::new(text).expect("a safe id")
}

fn named(text: &str, place: Place) -> Candidate {
    Candidate { id: id(text), places: vec![place] }
}

/// A shop order that names these, and is held for `held`.
fn naming(all: &[Candidate], held: &str) -> ShopOrder {
    let mut shop = order("100.00").facts.shop;
    shop.candidates = all.to_vec();
    shop.klarna_order_id = Some(id(held));
    shop
}

/// What was remembered of `k-7`, as Klarna said it with this change.
fn remembered(change: impl FnOnce(&mut KlarnaOrder)) -> Seen {
    let scene = order("100.00").klarna_says(change);
    Seen { candidate: named("k-7", Place::Memo), answer: Answer::Read(scene.klarna().clone()), anothers: None }
}

fn asked(shop: &ShopOrder, told: Option<&Told>, before: Option<&str>, seen: &[&Seen]) -> Vec<String> {
    let before = before.map(id);
    let all = candidates(shop, told, before.as_ref(), seen);
    all.into_iter().map(|it| format!("{} {:?}", it.id, it.places)).collect()
}

#[test]
fn the_one_it_is_held_for_is_asked_about_first_and_each_once() {
    let all = [named("k-1", Place::PaymentData), named("k-2", Place::Memo), named("k-1", Place::Memo)];
    let shop = naming(&all, "k-2");
    assert_eq!(asked(&shop, None, None, &[]), ["k-2 [Memo]", "k-1 [PaymentData, Memo]"]);
}

#[test]
fn the_one_it_was_judged_under_is_asked_about_unless_a_human_named_another() {
    let shop = naming(&[named("k-1", Place::Memo)], "k-1");
    assert_eq!(asked(&shop, None, Some("k-1"), &[]), ["k-1 [Memo]"]);
    assert_eq!(asked(&shop, None, Some("k-8"), &[]), ["k-1 [Memo]", "k-8 [Unsaid]"]);
    let told = Told::To(id("k-9"));
    assert_eq!(asked(&shop, Some(&told), Some("k-8"), &[]), ["k-9 [Operator]", "k-1 [Memo]"]);
    assert_eq!(asked(&shop, Some(&Told::Nobody), Some("k-8"), &[]), [""; 0]);
}

#[test]
fn what_it_named_once_is_remembered_where_it_held_money_of_its_own() {
    let shop = naming(&[named("k-1", Place::Memo)], "k-1");
    let is_asked = |seen: &Seen| asked(&shop, None, None, &[seen]).len() == 2;
    let far = |klarna: &mut KlarnaOrder| klarna.created_at = Some(ago("960h"));
    let of_nobody = |klarna: &mut KlarnaOrder| klarna.merchant_reference1 = None;
    assert!(is_asked(&remembered(|_| ())));
    assert!(is_asked(&remembered(far)), "its reference names the order");
    assert!(is_asked(&remembered(of_nobody)), "it was made in the same checkout");
    assert!(!is_asked(&remembered(|klarna| {
        far(klarna);
        of_nobody(klarna);
    })));
    assert!(!is_asked(&remembered(|klarna| klarna.status = Word::Known(KlarnaStatus::Cancelled))), "it is empty");
    let called = |reference: &'static str| {
        remembered(move |klarna: &mut KlarnaOrder| klarna.merchant_reference1 = Some(reference.to_owned()))
    };
    assert!(!is_asked(&called("ORD2")) && !is_asked(&called("ORD22")), "it is another order's");
    assert!(is_asked(&called("ORD")), "a text without digits is no order's number");
    let unknown = Answer::NotFound { said: "NO_SUCH_ORDER".to_owned() };
    assert!(!is_asked(&Seen { answer: unknown, ..remembered(|_| ()) }));
    assert!(!is_asked(&Seen { candidate: named("k-1", Place::Memo), ..remembered(|_| ()) }), "it is named already");
}

#[test]
fn an_empty_or_foreign_candidate_is_not_asked_about_for_a_week() {
    let shop = order("100.00").facts.shop;
    let empty = || remembered(|klarna| klarna.status = Word::Known(KlarnaStatus::Cancelled));
    let foreign = || Seen { anothers: Some("X-5".to_owned()), ..remembered(|_| ()) };
    for (seen, read_at, expected) in [
        (empty(), NOW, true),
        (empty(), ago("167h"), true),
        (empty(), ago("168h"), false),
        (empty(), ago("169h"), false),
        (empty(), ago("-1s"), false),
        (foreign(), ago("1h"), true),
        (remembered(|_| ()), ago("1h"), false),
        (Seen { answer: Answer::Unasked, ..empty() }, ago("1h"), false),
    ] {
        assert_eq!(is_settled(&seen, read_at, &shop, NOW), expected, "{seen:?} read at {read_at}");
    }
}

#[test]
fn what_klarna_does_not_know_is_asked_about_again_until_no_read_lags_that_long() {
    let unknown = Answer::NotFound { said: "NO_SUCH_ORDER".to_owned() };
    let seen = Seen { answer: unknown, ..remembered(|_| ()) };
    let shop = |created: Timestamp| ShopOrder { created_at: created, ..order("100.00").facts.shop };
    for (created, expected) in [("1h", false), ("59m", false), ("3601s", true), ("5h", true)] {
        assert_eq!(is_settled(&seen, NOW, &shop(ago(created)), NOW), expected, "created {created} ago");
    }
}

#[test]
fn the_link_is_told_with_the_places_that_name_it() {
    let shop = naming(&[named("k-2", Place::Memo), named("k-1", Place::PaymentData)], "k-1");
    let klarna = order("100.00").klarna().clone();
    assert_eq!(Named::linked(&klarna, &shop).places, [Place::PaymentData]);
    let other = KlarnaOrder { id: id("k-5"), ..klarna };
    assert_eq!(Named::linked(&other, &shop).places, [Place::Operator]);
}

/// The Klarna order that it is taken for.
fn taken_for(scene: &Scene) -> Option<KlarnaOrderId> {
    scene.linked().shop.klarna_order_id
}

#[test]
fn of_empty_ones_the_one_that_fits_stands_for_the_order_however_old() {
    let empty_of = |amount: &'static str, made: &'static str| {
        move |klarna: &mut KlarnaOrder| {
            klarna.status = Word::Known(KlarnaStatus::Cancelled);
            (klarna.order_amount, klarna.original_amount) = (eur(amount), eur(amount));
            klarna.created_at = Some(ago(made));
        }
    };
    let scene = order("100.00").klarna_says(empty_of("100.00", "73h"));
    assert_eq!(taken_for(&scene.clone().also_names("k-2", empty_of("80.00", "72h"))), Some(id("k-1")));
    assert_eq!(taken_for(&scene.also_names("k-2", empty_of("100.00", "72h"))), Some(id("k-2")));
}
