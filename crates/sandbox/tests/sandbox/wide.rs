//! The less usual world: several payment attempts, ids in odd places, gift cards, edits, slips that change later, effects
//! that vanish, lists with holes, and two companies' clocks.

use reconciled_sandbox::{
    Concealed, Credit, FaultKind, FaultRule, KlarnaIdLocation, KlarnaStart, LineEdit, NewAttempt, NewLine, NewOrder,
    Request, Side, SlipEdit,
};
use serde_json::Value;
use uuid::Uuid;

use super::{Rig, code, json};

fn order_json(rig: &mut Rig, id: u64) -> Value {
    rig.shop_get(&format!("/nl/orders/{id}.json"))["order"].clone()
}

#[test]
fn attempts_and_ids_stand_in_every_place() {
    let mut rig = Rig::new();
    let (order, first) = rig.place(10_000, KlarnaStart::Cancelled);
    let again = NewAttempt {
        shown: vec![KlarnaIdLocation::Memo, KlarnaIdLocation::PaymentData, KlarnaIdLocation::Event],
        pays: true,
        reference1: Some(String::new()),
        reference2: Some("ORD00777".to_owned()),
        ..NewAttempt::of(KlarnaStart::Captured, KlarnaIdLocation::Memo)
    };
    let second = rig.world.attempt(order, &again).unwrap();
    rig.world.show_id(order, "not-an-id", KlarnaIdLocation::Memo, None);
    rig.world.show_id(order, "a session", KlarnaIdLocation::PaymentData, Some("session_id"));
    let shown = order_json(&mut rig, order);
    let data = &shown["paymentData"];
    assert_eq!(data["klarna_order_id"], first.to_string());
    assert_eq!((&data["klarna_order_id_2"], &data["session_id"]), (&second.to_string().into(), &"a session".into()));
    assert_eq!(shown["memo"], format!("Klarna order ID: {second}\nKlarna order ID: not-an-id"));
    let events = shown["events"]["resource"]["embedded"].as_array().unwrap();
    assert!(
        events.iter().any(|event| event["comment"].as_str().is_some_and(|text| text.contains(&second.to_string())))
    );
    assert_eq!(rig.world.attempts_of(order), [second, first]);
    assert_eq!(rig.klarna_order(second)["merchant_reference2"], "ORD00777");
    assert_eq!(rig.klarna_order(second)["captured_amount"], 10_000);

    rig.world.set_memo(order, "");
    rig.world.clear_payment_data(order);
    let shown = order_json(&mut rig, order);
    assert_eq!((&shown["memo"], &shown["paymentData"]), (&"".into(), &Value::Array(Vec::new())));
    rig.world.set_references(second, Some("ORD00001"), Some("")).unwrap();
    assert_eq!(rig.klarna_order(second)["merchant_reference1"], "ORD00001");
}

#[test]
fn a_gift_card_pays_a_part_and_shows_as_the_switch_says() {
    for (value, total) in [("list", 100), ("map", 100), ("hidden", 100), ("line", 70)] {
        let mut rig = Rig::new();
        rig.switch("lightspeed.gift_cards", value);
        let new = NewOrder { gift_card_minor: 3_000, ..NewOrder::of(10_000, KlarnaStart::Authorized) };
        let made = rig.world.create_order(&new);
        let shown = order_json(&mut rig, made.order);
        assert_eq!(shown["priceIncl"], total, "{value}");
        let cards = &shown["giftCardsPayment"];
        match value {
            "list" => assert_eq!(cards[0]["amount"], 30),
            "map" => assert_eq!(cards["amount"], 30),
            _ => assert_eq!(cards, &Value::Array(Vec::new())),
        }
        let klarna = rig.klarna_order(made.klarna.unwrap());
        assert_eq!(klarna["order_amount"], 7_000, "{value}");
        let lines = klarna["order_lines"].as_array().unwrap().iter();
        assert_eq!(lines.map(|line| line["total_amount"].as_i64().unwrap()).sum::<i64>(), 7_000);
    }
    let mut rig = Rig::new();
    let new = NewOrder { klarna_amount_minor: Some(9_999), ..NewOrder::of(10_000, KlarnaStart::Authorized) };
    let made = rig.world.create_order(&new);
    assert_eq!(rig.klarna_order(made.klarna.unwrap())["order_amount"], 9_999);
}

#[test]
fn orders_are_lowered_in_the_shop_and_at_klarna() {
    let mut rig = Rig::new();
    let (order, klarna) = rig.place(998, KlarnaStart::Authorized);
    rig.world.set_order_total(order, 979).unwrap();
    let shown = order_json(&mut rig, order);
    assert_eq!(shown["priceIncl"].to_string(), "9.79");
    assert_eq!(shown["invoices"]["resource"]["embedded"][0]["priceIncl"].to_string(), "9.79");
    rig.switch("lightspeed.edit_moves_invoice", "false");
    rig.world.set_order_total(order, 900).unwrap();
    let shown = order_json(&mut rig, order);
    assert_eq!(shown["invoices"]["resource"]["embedded"][0]["priceIncl"].to_string(), "9.79");
    rig.world.portal_update(klarna, 800).unwrap();
    let seen = rig.klarna_order(klarna);
    assert_eq!((&seen["order_amount"], &seen["original_order_amount"]), (&800.into(), &998.into()));

    let (paid, _) = rig.place(998, KlarnaStart::Captured);
    rig.world.set_order_total(paid, 979).unwrap_err();
    let lines = vec![NewLine::new("Cap", 3, 1_000)];
    let made = rig.world.create_order(&NewOrder { lines, ..NewOrder::default() });
    rig.world.edit_order(made.order, &[LineEdit { line: 0, quantity: Some(2), unit_minor: None }]).unwrap();
    let truth = rig.world.shop_truth(made.order).unwrap();
    assert_eq!(truth.total, 200_000);
    rig.world.ship(made.order, Some(&[(0, 2)])).unwrap();
    rig.world.edit_order(made.order, &[LineEdit { line: 0, quantity: Some(1), unit_minor: None }]).unwrap_err();
}

#[test]
fn slips_change_later_and_states_are_any_word() {
    let mut rig = Rig::new();
    let lines = vec![NewLine::new("A", 1, 6_000), NewLine::new("B", 1, 4_000)];
    let new = NewOrder { lines, klarna: Some(KlarnaStart::Authorized), ..NewOrder::default() };
    let order = rig.world.create_order(&new).order;
    rig.world.ship(order, Some(&[(0, 1)])).unwrap();
    let slips = rig.world.slips_of(order);
    let [(first, _), (second, number)] = slips.as_slice() else { panic!("{slips:?}") };
    assert_eq!(rig.world.slip_by_number(number), Some(*second));
    let later = SlipEdit { tracking: Some("3SLATER".to_owned()), ..SlipEdit::default() };
    rig.world.edit_slip(*second, &later).unwrap();
    rig.world.edit_slip(*first, &SlipEdit { add: vec![(1, 1)], ..SlipEdit::default() }).unwrap();
    assert_eq!(rig.world.slips_of(order).len(), 1, "the emptied slip is gone");
    let shown = order_json(&mut rig, order);
    assert_eq!((&shown["shipmentStatus"], &shown["status"]), (&"shipped".into(), &"completed_shipped".into()));

    let new = NewOrder { pickup: true, ..NewOrder::of(1_000, KlarnaStart::Authorized) };
    let order = rig.world.create_order(&new).order;
    assert_eq!(order_json(&mut rig, order)["status"], "processing_awaiting_pickup");
    rig.world.set_order_status(order, Some("completed_picked_up"), None, None).unwrap();
    let shown = order_json(&mut rig, order);
    assert_eq!((&shown["status"], &shown["shipmentStatus"]), (&"completed_picked_up".into(), &"not_shipped".into()));
    rig.world.ready_to_download(order).unwrap();
    assert_eq!(order_json(&mut rig, order)["status"], "processing_ready_for_download");
    rig.world.pay_otherwise(order, "ideal", "iDEAL").unwrap();
    let shown = order_json(&mut rig, order);
    assert_eq!((&shown["paymentTitle"], &shown["paymentStatus"]), (&"iDEAL".into(), &"paid".into()));
}

#[test]
fn a_credited_line_may_leave_its_slip() {
    for (value, state) in [("stays", "partially_shipped"), ("leaves", "shipped")] {
        let mut rig = Rig::new();
        rig.switch("lightspeed.credited_line", value);
        let lines = vec![NewLine::new("A", 1, 6_000), NewLine::new("B", 1, 4_000)];
        let order = rig.world.create_order(&NewOrder { lines, ..NewOrder::default() }).order;
        rig.world.ship(order, Some(&[(0, 1)])).unwrap();
        rig.world.add_credit_invoice(order, &Credit::Lines(vec![(1, 1)], false)).unwrap();
        assert_eq!(order_json(&mut rig, order)["shipmentStatus"], state, "{value}");
    }
}

#[test]
fn effects_vanish_from_reads_and_refunds_are_undone() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(10_000, KlarnaStart::Captured);
    let refund = rig.world.portal_refund(id, Some(2_500), None).unwrap();
    rig.world.conceal(id, refund, Concealed::Listed).unwrap();
    let seen = rig.klarna_order(id);
    assert_eq!((seen["refunds"].as_array().unwrap().len(), &seen["refunded_amount"]), (0, &2_500.into()));
    assert_eq!(rig.klarna("GET", id, &format!("/refunds/{refund}"), "").status, 404);
    rig.world.conceal(id, refund, Concealed::All).unwrap();
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 0);
    assert_eq!(rig.world.klarna_truth(id).unwrap().refunded_amount, 2_500, "it happened all the same");
    rig.world.conceal(id, refund, Concealed::Nothing).unwrap();
    rig.world.undo_refund(id, refund).unwrap();
    assert_eq!(rig.world.klarna_truth(id).unwrap().refunded_amount, 0);

    let capture = rig.world.klarna_truth(id).unwrap().captures[0].id;
    rig.world.conceal(id, capture, Concealed::All).unwrap();
    let seen = rig.klarna_order(id);
    assert_eq!((&seen["status"], &seen["captured_amount"]), (&"AUTHORIZED".into(), &0.into()));
    assert_eq!(code(&rig.klarna("POST", id, "/cancel", "")).1, "CANCEL_NOT_ALLOWED", "judged by what is true");
    let (_, cancelled) = rig.place(10_000, KlarnaStart::Cancelled);
    rig.world.conceal_cancel(cancelled, true).unwrap();
    assert_eq!(rig.klarna_order(cancelled)["remaining_authorized_amount"], 10_000);
}

fn ids(answer: &Value, list: &str) -> Vec<u64> {
    let list = answer[list].as_array().expect("a list");
    list.iter().map(|one| one["id"].as_u64().expect("an id")).collect()
}

#[test]
fn lists_have_holes_once() {
    let mut rig = Rig::new();
    let orders: Vec<u64> = (0..4).map(|_| rig.place(1_000, KlarnaStart::Captured).0).collect();
    let path = "/nl/orders.json?since_id=0&limit=2&page=2";
    let mut with = |kind: FaultKind| {
        rig.world.add_fault(FaultRule::once(Side::Lightspeed, "GET", "*/orders.json", kind));
        let bent = ids(&rig.shop_get(path), "orders");
        assert_eq!(ids(&rig.shop_get(path), "orders"), orders[2..], "once only");
        bent
    };
    assert!(with(FaultKind::EmptyPage).is_empty());
    assert_eq!(with(FaultKind::ShortPage { missing: 1 }), orders[2..3]);
    assert_eq!(with(FaultKind::ShiftedPage { by: 1 }), orders[3..]);

    let (credit, _) = rig.world.add_credit_invoice(orders[0], &Credit::Amount(-100_000)).unwrap();
    rig.control("POST", "/_control/faults", r#"{"path":"*/orders/*","kind":"without_documents"}"#);
    let embedded = |order: &Value| ids(&order["invoices"]["resource"], "embedded").contains(&credit);
    assert!(!embedded(&order_json(&mut rig, orders[0])));
    let whole = order_json(&mut rig, orders[0]);
    assert!(embedded(&whole));
    assert_eq!(rig.shop_get(&format!("/nl/invoices/{credit}.json"))["invoice"]["priceIncl"], -10);

    let (_, number) = rig.world.add_credit_invoice(orders[1], &Credit::Amount(0)).unwrap();
    rig.world.set_invoice_number(credit, &number).unwrap();
    rig.world.delete_order(orders[0]).unwrap();
    assert_eq!(rig.shop("GET", &format!("/nl/orders/{}.json", orders[0]), "").status, 404);
    assert_eq!(ids(&rig.shop_get("/nl/orders.json?since_id=0"), "orders"), orders[1..]);
}

#[test]
fn a_success_may_name_something_else() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(10_000, KlarnaStart::Captured);
    let (other, refund) = (Uuid::from_u128(7), Uuid::from_u128(8));
    let kind = FaultKind::OtherIds { order: Some(other), id: Some(refund) };
    rig.world.add_fault(FaultRule::once(Side::Klarna, "POST", "*/refunds", kind));
    let answer = rig.klarna("POST", id, "/refunds", r#"{"refunded_amount":100}"#);
    assert_eq!(answer.header("Refund-Id"), Some(refund.to_string().as_str()));
    let tail = format!("/orders/{other}/refunds/{refund}");
    assert!(answer.header("Location").is_some_and(|location| location.ends_with(&tail)));
    assert_eq!(rig.klarna_order(id)["refunded_amount"], 100);
}

#[test]
fn each_company_has_its_own_clock() {
    let mut rig = Rig::new();
    let (order, id) = rig.place(10_000, KlarnaStart::Captured);
    rig.control("POST", "/_control/clock", r#"{"lightspeed_ahead_ms": 90000, "klarna_ahead_ms": -30000}"#);
    assert_eq!(order_json(&mut rig, order)["createdAt"], "2026-06-03T12:01:30+02:00");
    assert_eq!(rig.klarna_order(id)["captures"][0]["captured_at"], "2026-06-03T09:59:30.000Z");
    let date = rig.send(Side::Lightspeed, Request::new("GET", "/nl/orders/count.json"));
    assert_eq!(date.header("Date"), Some("Wed, 03 Jun 2026 10:01:30 GMT"));
    assert_eq!(rig.klarna("GET", id, "", "").header("Date"), Some("Wed, 03 Jun 2026 09:59:30 GMT"));
    let window = "created_at_min=2026-06-03%2010:01:30&created_at_max=2026-06-03%2010:01:30";
    assert_eq!(ids(&rig.shop_get(&format!("/nl/orders.json?{window}")), "orders"), [order]);
}

#[test]
fn control_calls_reach_all_of_it() {
    let mut rig = Rig::new();
    let body = r#"{"amount_minor": 10000, "gift_card_minor": 3000, "klarna": "authorized", "merchant_reference1": ""}"#;
    let made = rig.control("POST", "/_control/act/create_order", body);
    assert_eq!(made["number"], "ORD00001");
    let acts = [
        ("attempt", r#"{"order": "ORD00001", "klarna": "captured", "shown": ["memo", "metafield"], "pays": true}"#),
        ("show_id", r#"{"order": "ORD00001", "place": "event"}"#),
        ("set_memo", r#"{"order": "ORD00001", "memo": "written by hand"}"#),
        ("edit_order", r#"{"order": "ORD00001", "lines": [{"line": 0, "unit_minor": 9900}]}"#),
        ("edit_slip", r#"{"slip": "SHIP00001", "tracking": "3S1", "shipped": true}"#),
        ("set_status", r#"{"order": "ORD00001", "status": "completed", "shipment_status": "not_shipped"}"#),
        ("credit", r#"{"order": "ORD00001", "amount": "-10", "status": "paid", "number": "INV00001"}"#),
        ("portal_refund", r#"{"order": "ORD00001", "amount_minor": 100}"#),
        ("conceal", r#"{"order": "ORD00001", "what": "refund", "how": "listed"}"#),
        ("undo_refund", r#"{"order": "ORD00001"}"#),
        ("conceal", r#"{"order": "ORD00001", "what": "capture"}"#),
        ("set_references", r#"{"order": "ORD00001", "merchant_reference1": "ORD00777"}"#),
        ("pay_otherwise", r#"{"order": "ORD00001"}"#),
        ("ready_to_download", r#"{"order": "ORD00001"}"#),
        ("clear_payment_data", r#"{"order": "ORD00001"}"#),
        ("clear_metafields", r#"{"order": "ORD00001"}"#),
    ];
    for (act, body) in acts {
        rig.control("POST", &format!("/_control/act/{act}"), body);
    }
    let truth = rig.control("GET", "/_control/truth?order=ORD00001", "");
    assert_eq!(truth["shop_order"]["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(truth["klarna_order"]["merchant_reference1"], "ORD00777");
    let first = truth["shop_order"]["attempts"][1].as_str().unwrap();
    let body = format!(r#"{{"order": "{first}", "amount_minor": 5000}}"#);
    rig.control("POST", "/_control/act/portal_update", &body);
    rig.control("POST", "/_control/act/delete_order", r#"{"order": "ORD00001"}"#);
    let refused = rig.send(Side::Control, Request::new("POST", "/_control/act/no_such_act").with_body("{}"));
    assert_eq!((refused.status, json(&refused)["error"].is_string()), (400, true));
}
