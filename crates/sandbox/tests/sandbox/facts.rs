//! What was seen of the two services since: keys that are absent, bodies that are checked, orders that are forgotten.

use reconciled_sandbox::{Credit, KlarnaStart, NewOrder};

use super::{Rig, code, json};

#[test]
fn klarna_leaves_out_references_that_nobody_set() {
    let mut rig = Rig::new();
    let new = NewOrder { reference1: Some(String::new()), ..NewOrder::of(5_000, KlarnaStart::Authorized) };
    let id = rig.world.create_order(&new).klarna.unwrap();
    let seen = rig.klarna_order(id);
    assert!(seen.get("merchant_reference1").is_none() && seen.get("merchant_reference2").is_none());
    assert_eq!((&seen["refunds"], &seen["customer"]["type"]), (&serde_json::json!([]), &"person".into()));
    rig.switch("klarna.unset_references", "empty");
    assert_eq!(rig.klarna_order(id)["merchant_reference2"], "");
}

#[test]
fn klarna_checks_shapes_and_lengths_and_no_sums() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Authorized);
    let long = "x".repeat(101);
    let line = |more: &str| format!(r#"{{"captured_amount":100,"order_lines":[{{"name":"Cap","quantity":1{more}}}]}}"#);
    let whole = r#","unit_price":5,"total_amount":7,"type":"physical""#;
    let refused = [
        ("/shipping-info", r#"{"shipping_info":[]}"#.to_owned(), 422),
        ("/shipping-info", format!(r#"{{"shipping_info":[{{"tracking_number":"{long}"}}]}}"#), 422),
        ("/shipping-info", r#"{"shipping_info":[{"shipping_method":"Pigeon"}]}"#.to_owned(), 400),
        ("/shipping-info", r#"{"shipping_info":["3S"]}"#.to_owned(), 400),
        ("/captures", line(""), 422),
        ("/captures", line(r#","unit_price":"5","total_amount":5"#), 400),
        ("/captures", line(r#","unit_price":5,"total_amount":5,"type":"wonder""#), 400),
    ];
    for (tail, body, status) in refused {
        assert_eq!(rig.klarna("POST", id, tail, &body).status, status, "{tail} {body}");
    }
    assert_eq!(rig.klarna("POST", id, "/captures", &line(whole)).status, 201, "sums are not checked");
    let info = r#"{"shipping_info":[{"shipping_method":"Home","tracking_number":"3S"}]}"#;
    assert_eq!(rig.klarna("POST", id, "/shipping-info", info).status, 204);
}

#[test]
fn klarna_merges_addresses_offers_dates_and_forgets_after_years() {
    let mut rig = Rig::new();
    let (_, id) = rig.place(5_000, KlarnaStart::Authorized);
    let body = r#"{"shipping_address":{"city":"Elsewhere"}}"#;
    assert_eq!(rig.klarna("PATCH", id, "/customer-details", body).status, 204);
    let address = rig.klarna_order(id)["shipping_address"].clone();
    assert_eq!((&address["city"], &address["country"]), (&"Elsewhere".into(), &"NL".into()));
    let tail = "/captures/00000000-0000-4000-8000-000000000000/extend-due-date-options";
    assert_eq!(rig.klarna("GET", id, tail, "").status, 404);
    let (_, expired) = rig.place(5_000, KlarnaStart::Expired);
    for (method, tail, body) in [("POST", "/acknowledge", ""), ("PATCH", "/merchant-references", "{}")] {
        assert_eq!(rig.klarna(method, expired, tail, body).status, 403, "{tail}");
    }
    rig.wait(1_095 * 86_400);
    assert_eq!(code(&rig.klarna("GET", id, "", "")), (404, "NO_SUCH_ORDER".to_owned()));
    rig.switch("klarna.readable_days", "0");
    assert_eq!(rig.klarna("GET", id, "", "").status, 200);
}

#[test]
fn shop_gives_up_on_orders_that_nobody_pays() {
    for (switch, status) in [("43200", "cancelled"), ("0", "processing_awaiting_payment")] {
        let mut rig = Rig::new();
        rig.switch("lightspeed.unpaid_expire_after_s", switch);
        let new = NewOrder { klarna: None, ..NewOrder::of(5_000, KlarnaStart::Authorized) };
        let order = rig.world.create_order(&new).order;
        rig.wait(43_100);
        let shown = rig.shop_get(&format!("/nl/orders/{order}.json"));
        assert_eq!(shown["order"]["status"], "processing_awaiting_payment");
        rig.wait(200);
        assert_eq!(rig.shop_get(&format!("/nl/orders/{order}.json"))["order"]["status"], status);
    }
}

#[test]
fn shop_describes_itself_and_keeps_paid_invoices_paid() {
    let mut rig = Rig::new();
    let methods = rig.shop_get("/nl/paymentmethods.json");
    let first = &methods["paymentmethods"][0];
    assert_eq!((&first["id"], &first["key"]), (&1.into(), &"external".into()));
    assert_eq!(first.as_object().map(serde_json::Map::len), Some(3));
    let account = rig.shop_get("/nl/account.json")["account"].clone();
    assert!(account.get("ratelimit").is_some() && account.get("appId").is_some());
    assert_eq!(rig.shop_get("/nl/shop.json")["shop"]["currency"]["shortcode"], "EUR");
    rig.switch("lightspeed.currency_is_default", "false");
    assert_eq!(rig.shop_get("/nl/shop.json")["shop"]["currency"]["isDefault"], false);

    let (order, _) = rig.place(5_000, KlarnaStart::Captured);
    let invoice = rig.world.shop_truth(order).unwrap().invoices[0].id;
    rig.world.mark_invoice(invoice, "not_paid");
    assert_eq!(rig.world.shop_truth(order).unwrap().invoices[0].status, "paid");
}

#[test]
fn an_app_may_refund_what_was_made_as_paid() {
    for (switch, refunds) in [("false", 0), ("true", 1)] {
        let mut rig = Rig::new();
        rig.switch("vendor.refunds", "true");
        rig.switch("vendor.refunds_paid", switch);
        let (order, id) = rig.place(5_000, KlarnaStart::Captured);
        let paid = Some(reconciled_sandbox::PaidState::Paid);
        rig.world.add_credit_invoice_as(order, &Credit::Amount(100_000), paid).unwrap();
        rig.wait(180);
        let seen = json(&rig.klarna("GET", id, "", ""));
        assert_eq!(seen["refunds"].as_array().map(Vec::len), Some(refunds), "{switch}");
    }
}
