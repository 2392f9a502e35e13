//! Rows of the shop's lists that are not what they must be: named, read by themselves where that is possible, met
//! again with the next pass, and no reason to leave the rest alone.

use reconciled_core::id::ShopName;
use reconciled_sandbox::{BodyFormat, FaultKind, KlarnaStart, Side};
use reconciled_store::Store as _;
use reconciled_store::sqlite::SqliteStore;
use serde_json::{Value, json};

use crate::support::{DRIVE, Pass, Placed, Rig, text};

/// A shop with a healthy return, and one of which a field says something else.
fn spoilt(whose: &str, field: &str, value: &Value) -> (Rig, Placed, Placed, String) {
    let rig = Rig::empty(DRIVE);
    let (healthy, _) = rig.returned(8_000, 1_250);
    let (order, credit) = rig.returned(5_035, 4_495);
    let id = if whose == "invoice" { &credit } else { &order.number };
    rig.control("act/set_field", &json!({"field": field, whose: id, "json": value}));
    (rig, healthy, order, credit)
}

#[track_caller]
fn names(pass: &Pass, what: &str) {
    pass.ended(3);
    assert_eq!(pass.json["complete"], false);
    assert!(pass.list("not_checked").iter().any(|it| text(&it["what"]) == what), "{what}: {:#}", pass.json);
}

#[track_caller]
fn the_rest_is_done(rig: &Rig, healthy: &Placed, spoilt: &Placed) {
    let done = rig.pair(healthy);
    assert_eq!(done.klarna.refunded_amount, 1_250);
    assert!(done.credits().all(|it| it.status == "paid"));
    assert_eq!(rig.pair(spoilt).klarna.refunded_amount, 0, "written on doubt");
}

/// Up to where the store says that the orders were listed.
fn cursor(rig: &Rig) -> Option<jiff::Timestamp> {
    let store = SqliteStore::open(&rig.store(), ShopName("main".to_owned())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.cursors()).unwrap().orders
}

#[test]
fn a_row_that_cannot_be_dated_is_named_by_its_id_and_met_again_until_it_reads() {
    let (rig, healthy, order, _) = spoilt("order", "updatedAt", &json!({"at": "noon"}));
    let what = format!("the order with id {}", order.id);
    names(&rig.pass(), &what);
    the_rest_is_done(&rig, &healthy, &order);

    assert_eq!(cursor(&rig), None, "the cursor stays before what was not read");
    names(&rig.pass(), &what);
    the_rest_is_done(&rig, &healthy, &order);

    rig.control("act/set_field", &json!({"field": "updatedAt", "order": order.number}));
    rig.passes_until_quiet(3).ended(0);
    rig.everything_is_settled();
    assert!(cursor(&rig).is_some());
    rig.audit();
}

#[test]
fn a_row_without_an_id_is_named_by_its_place() {
    for (whose, list) in [("order", "orders"), ("invoice", "invoices")] {
        let (rig, healthy, order, credit) = spoilt(whose, "id", &json!({"not": "an id"}));
        let pass = rig.pass();
        pass.ended(3);
        let named = |it: &Value| {
            text(&it["what"]).starts_with("row ")
                && text(&it["what"]).ends_with(&format!("of page 1 of the changed {list}"))
        };
        assert!(pass.list("not_checked").iter().any(named), "{:#}", pass.json);
        the_rest_is_done(&rig, &healthy, &order);
        let id = if whose == "order" { &order.number } else { &credit };
        rig.control("act/set_field", &json!({"field": "id", whose: id}));
        rig.passes_until_quiet(3).ended(0);
        rig.everything_is_settled();
    }
}

#[test]
fn what_a_bad_row_stands_for_is_read_by_itself() {
    let rig = Rig::empty(DRIVE);
    let order = rig.order(5_000, KlarnaStart::Authorized, true);
    let body = |text: String| FaultKind::Body { text };
    let bad = format!("{{\"orders\":[{{\"id\":{},\"number\":[]}}]}}", order.id);
    rig.fault(Side::Lightspeed, "GET", "*/orders.json", body(bad), false);
    rig.fault(Side::Lightspeed, "GET", "*/invoices.json", body("{\"invoices\":[]}".to_owned()), false);
    let pass = rig.pass();
    pass.ended(0);
    assert_eq!(rig.pair(&order).klarna.captured_amount, 5_000, "{:#}", pass.json);

    let (order, credit) = rig.returned(5_035, 4_495);
    let id = rig.pair(&order).credits().next().unwrap().id;
    let bad =
        format!("{{\"invoices\":[{{\"id\":{id},\"order\":{{}}}},{{\"id\":987654,\"order\":{{}}}},{{\"id\":[]}}]}}");
    rig.fault(Side::Lightspeed, "GET", "*/orders.json", body("{\"orders\":[]}".to_owned()), false);
    rig.fault(Side::Lightspeed, "GET", "*/invoices.json", body(bad), false);
    let pass = rig.pass();
    names(&pass, "the invoice with id 987654");
    names(&pass, "row 3 of page 1 of the changed invoices");
    assert_eq!(pass.list("not_checked").len(), 2, "{:#}", pass.json);
    assert_eq!(rig.invoice_status(&credit), "paid", "{:#}", pass.json);
    rig.passes_until_quiet(3).ended(0);
    rig.everything_is_settled();
    rig.audit();
}

#[test]
fn a_list_of_nothing_but_bad_rows_costs_a_bounded_number_of_reads() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_035, 4_495);
    let rows: Vec<String> = (0..200).map(|id| format!("{{\"id\":{}}}", 5_000_000 + id)).collect();
    let bad = FaultKind::Body { text: format!("{{\"orders\":[{}]}}", rows.join(",")) };
    rig.fault(Side::Lightspeed, "GET", "*/orders.json", bad, false);
    let refused = FaultKind::Status { code: 400, format: BodyFormat::Json };
    rig.fault_always(Side::Lightspeed, "GET", "*/orders/50*", refused);
    let pass = rig.pass();
    pass.ended(3);
    assert_eq!(pass.list("not_checked").len(), 200, "each is named");
    let reads = rig.log().into_iter().filter(|it| it.path.contains("/orders/50")).count();
    assert_eq!(reads, 50);
    assert_eq!(rig.invoice_status(&credit), "paid", "its invoice named the order: {:#}", pass.json);
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 4_495);
}
