//! Lightspeed's wire against the client: recorded shapes become facts, every way to write "nothing" is read, hostile
//! answers become clear errors, and paging survives a shop that ignores its parameters.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on fails, and its helpers with it"
)]

mod wire_support;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;
use reconciled_core::answer::{Answer, Unreadable};
use reconciled_core::facts::{Line, Place, Shipped, ShopStatus, Word};
use reconciled_core::id::{InvoiceId, LineId, OrderId};
use reconciled_core::money::{Currency, Minor};
use reconciled_sides::budget::Budget;
use reconciled_sides::http::ReadWrite;
use reconciled_sides::http::{Method, TransportError};
use reconciled_sides::lightspeed::{
    Client, IdSource, NotWritten, Page, Permission, ReadOrder, Settings, ShopInfo, Wish,
};
use wire_support::{Reply, Scripted, Still, at, credentials, fixture, ok, response, run};

const UUID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

fn client_with(transport: &Scripted, clock: &Still, klarna_order_id: Vec<IdSource>) -> Client<Scripted, Still> {
    let base_url = "https://shop.invalid/".to_owned();
    let budget = Budget::lightspeed("lightspeed", &base_url);
    let settings = Settings {
        base_url,
        language: "nl".to_owned(),
        credentials: credentials(),
        payment_words: vec!["klarna".to_owned()],
        klarna_order_id,
    };
    Client::new(transport.clone(), clock.clone(), settings, Arc::new(budget))
}

fn client(transport: &Scripted) -> Client<Scripted, Still> {
    let all = ["paymentData", "metafield:klarna_order_id", "memo", "events"];
    client_with(transport, &Still::new(), all.iter().map(|text| text.parse().unwrap()).collect())
}

fn read(body: impl Into<Vec<u8>>) -> Result<ReadOrder, Unreadable> {
    run(client(&Scripted::always(ok(body))).order(OrderId(40_018), Currency::EUR))
}

fn minor(amount: i64) -> Minor {
    Minor::new(amount).unwrap()
}

fn message<T: std::fmt::Debug>(result: Result<T, Unreadable>) -> String {
    match result {
        Err(Unreadable::Failed(said)) => said.message,
        other => panic!("not a failure: {other:?}"),
    }
}

/// The recorded order with one place of it changed.
fn altered(from: &str, to: &str) -> String {
    let body = fixture("lightspeed/order.json");
    assert!(body.contains(from), "{from}");
    body.replacen(from, to, 1)
}

#[test]
fn a_recorded_order_becomes_facts() {
    let transport = Scripted::always(ok(fixture("lightspeed/order.json")));
    let client = client(&transport);
    let ReadOrder { is_klarna, order, .. } = run(client.order(OrderId(40_018), Currency::EUR)).unwrap();
    assert!(is_klarna);
    assert_eq!((order.id, order.number.as_str()), (OrderId(40_018), "ORD00018"));
    assert_eq!(order.created_at, at("2026-05-01T08:15:00Z"));
    assert_eq!(order.updated_at, at("2026-05-09T14:20:46Z"));
    assert_eq!(order.status, Word::Known(ShopStatus::CompletedShipped));
    assert_eq!(order.shipped, Word::Known(Shipped::Fully));
    assert!(order.paid);
    assert_eq!(order.total, Ok(minor(5035)));
    assert_eq!(order.klarna_order_id.unwrap().as_str(), UUID);
    let [credit] = order.credit_invoices.as_slice() else { panic!("{:?}", order.credit_invoices) };
    assert_eq!((credit.id, credit.number.as_str()), (InvoiceId(70_038), "INV00038"));
    assert_eq!((&credit.amount, &credit.paid), (&Ok(minor(4495)), &Word::Known(false)));
    assert_eq!(credit.updated_at, at("2026-05-09T14:20:46Z"));
    let [shipment] = order.shipments.as_slice() else { panic!("{:?}", order.shipments) };
    assert!(shipment.shipped && shipment.quantities.is_empty());
    assert_eq!(order.lines, [Line { id: LineId(61_001), ordered: 6, total: Ok(minor(4410)), credited: Vec::new() }]);
    assert_eq!(transport.paths(), ["nl/orders/40018.json"]);
    assert_eq!(client.calls(), ReadWrite { read: 1, write: 0 });
    assert!(!format!("{:?}", transport.asked()).contains("s3cret"));
}

/// A shop whose orders embed nothing.
fn bare_shop() -> Scripted {
    Scripted::new(|request, _| {
        let path = request.url.strip_prefix("https://shop.invalid/nl/").unwrap();
        let order = r#"{"resource":{"id":40019,"url":"orders\/40019"}}"#;
        let other = r#"{"resource":{"id":40020,"url":"orders\/40020"}}"#;
        let dates = r#""createdAt":"2026-05-05T08:00:00+00:00","updatedAt":"2026-05-05T08:00:00+00:00""#;
        let credit = |id: u64, owner: &str| {
            format!(
                r#"{{"id":{id},"number":"INV{id}",{dates},"status":"not_paid","priceIncl":"-10.00","isCreditNote":1,"order":{owner}}}"#
            )
        };
        ok(match path {
            "orders/40019.json" => fixture("lightspeed/order_bare.json"),
            "orders/40019/metafields.json?limit=250" => r#"{"orderMetafields":[{"id":1,"key":"other","value":"x"}]}"#.to_owned(),
            "orders/events.json?limit=250&order=40019" => format!(
                r#"{{"ordersEvents":[{{"id":1,"comment":"not ours 00000000-0000-4000-8000-000000000000","order":{other}}},{{"id":2,"comment":"Klarna ({UUID}) ok","order":{order}}}]}}"#
            ),
            "invoices.json?limit=250&order=40019" => {
                format!(r#"{{"invoices":[{},{}]}}"#, credit(7, order), credit(8, other))
            }
            "orders/40019/products.json?limit=250" => {
                r#"{"orderProducts":[{"id":1,"quantityOrdered":"3","priceIncl":60,"articleCode":"A","ean":"","sku":""},{"id":2,"quantityOrdered":true,"priceIncl":30.00,"articleCode":"B","ean":"","sku":""}]}"#.to_owned()
            }
            "shipments.json?limit=250&order=40019" => format!(
                r#"{{"shipments":[{{"id":51,"number":"SHIP51",{dates},"status":"shipped","order":{order},"products":{{"resource":{{"id":false}}}}}},{{"id":52,"number":"SHIP52",{dates},"status":"not_shipped","order":{order}}}]}}"#
            ),
            "shipments/51/products.json?limit=250" => {
                r#"{"shipmentProducts":[{"id":900,"quantity":2,"articleCode":"A","ean":"","sku":""}]}"#.to_owned()
            }
            "invoices/7/items.json?limit=250" => {
                r#"{"invoiceItems":[{"id":1,"type":"product","orderProductId":2,"quantity":-1,"priceIncl":-10}]}"#.to_owned()
            }
            other => panic!("asked for {other}"),
        })
    })
}

#[test]
fn what_is_not_embedded_is_fetched_where_it_matters() {
    let transport = bare_shop();
    let client = client(&transport);
    let ReadOrder { is_klarna, order, .. } = run(client.order(OrderId(40_019), Currency::EUR)).unwrap();
    assert!(is_klarna);
    assert_eq!(order.klarna_order_id.unwrap().as_str(), UUID);
    let [credit] = order.credit_invoices.as_slice() else { panic!("{:?}", order.credit_invoices) };
    assert_eq!((credit.id, &credit.amount), (InvoiceId(7), &Ok(minor(1000))));
    assert_eq!(order.shipments.len(), 2);
    assert_eq!(order.shipments[0].quantities, [(LineId(1), 2)]);
    assert!(order.shipments[1].quantities.is_empty());
    assert_eq!(order.lines[1].ordered, 1);
    assert_eq!((&order.lines[0].credited[..], &order.lines[1].credited[..]), (&[][..], &[(InvoiceId(7), 1)][..]));
    assert_eq!(client.calls().read, 8);
    assert!(transport.asked().iter().all(|request| request.url.starts_with("https://shop.invalid/nl/")));
}

#[test]
fn an_order_that_is_not_klarnas_costs_one_read() {
    let body = fixture("lightspeed/order_bare.json").replace("KLARNA", "Bank").replace("\"90.00\"", "null");
    let transport = Scripted::always(ok(body));
    let ReadOrder { is_klarna, order, .. } = run(client(&transport).order(OrderId(40_019), Currency::EUR)).unwrap();
    assert!(!is_klarna);
    assert_eq!(order.number.as_str(), "ORD00019");
    assert_eq!(transport.asked().len(), 1);
}

#[test]
fn an_order_stays_paid_by_its_invoice_when_its_payment_says_cancelled() {
    let paid = |status: &str, invoice: &str| {
        let body = altered("\"paymentStatus\": \"paid\"", &format!("\"paymentStatus\": \"{status}\""));
        let number = "\"number\": \"INV00037\", \"status\": ";
        assert!(body.contains(&format!("{number}\"paid\"")));
        read(body.replacen(&format!("{number}\"paid\""), &format!("{number}\"{invoice}\""), 1)).unwrap().order.paid
    };
    assert!(paid("cancelled", "paid"));
    assert!(!paid("cancelled", "not_paid"), "a credit invoice says nothing of it");
    assert!(paid("partially_paid", "not_paid"));
}

#[test]
fn an_order_that_was_paid_otherwise_tells_what_its_memo_names_and_no_more() {
    let id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    let body = fixture("lightspeed/order_bare.json")
        .replace("KLARNA", "Bank")
        .replace("\"memo\": \"\"", &format!("\"memo\": \"{id}\""));
    let row = body.trim().strip_prefix("{\"order\":").and_then(|rest| rest.strip_suffix('}')).map(str::to_owned);
    let transport = Scripted::always(ok(body));
    let ReadOrder { is_klarna, order, .. } = run(client(&transport).order(OrderId(40_019), Currency::EUR)).unwrap();
    assert!(!is_klarna && order.paid_otherwise);
    assert_eq!(order.klarna_order_id.unwrap().as_str(), id);
    assert_eq!((order.candidates.len(), transport.asked().len()), (1, 1));
    let list = format!("{{\"orders\":[{}]}}", row.unwrap());
    let page = run(client(&Scripted::always(ok(list))).orders_page(None, &Page::first())).unwrap();
    assert!(page.rows[0].is_klarna, "it has to be read");
}

#[test]
fn klarna_is_recognised_in_every_field_of_the_payment() {
    let klarna = |id: &str, title: &str, data: &str| {
        let body = fixture("lightspeed/order.json")
            .replace("\"klarna_kp\"", id)
            .replace("\"Klarna - Pay later\"", title)
            .replace("{\"method\": \"pay_later\", \"session_id\": \"0b7c1111-0000-4000-8000-00000000cafe\", \"klarna_order_id\": \"3F2504E0-4F89-41D3-9A0C-0305E82C3301\"}", data);
        read(body).unwrap().is_klarna
    };
    assert!(klarna("\"KLARNA\"", "\"\"", "[]"));
    assert!(klarna("\"x\"", "\"Betaal met Klarna\"", "[]"));
    assert!(klarna("false", "false", "{\"method\":\"klarna_later\"}"));
    assert!(!klarna("\"invoice\"", "\"Pay by invoice\"", "{\"method\":\"invoice\"}"));
    assert!(!klarna("null", "null", "null"));
}

#[test]
fn words_become_what_they_decide_and_unknown_ones_stay() {
    let status = |word: &str, payment: &str| {
        let body = altered("\"completed_shipped\"", &format!("\"{word}\""))
            .replace("\"paymentStatus\": \"paid\"", &format!("\"paymentStatus\": \"{payment}\""));
        read(body).unwrap().order.status
    };
    for word in ["new", "offer", "processing_awaiting_payment"] {
        assert_eq!(status(word, "not_paid"), Word::Known(ShopStatus::AwaitingPayment), "{word}");
    }
    for word in [
        "processing",
        "processing_awaiting_shipment",
        "processing_awaiting_pickup",
        "processing_ready_for_pickup",
        "processing_partially_paid",
        "processing_partially_shipped",
        "processing_partially_picked_up",
    ] {
        assert_eq!(status(word, "paid"), Word::Known(ShopStatus::Open), "{word}");
    }
    for (word, known) in [
        ("completed", ShopStatus::Completed),
        ("completed_shipped", ShopStatus::CompletedShipped),
        ("completed_picked_up", ShopStatus::PickedUp),
        ("ready_to_download", ShopStatus::ReadyToDownload),
        ("processing_ready_for_download", ShopStatus::ReadyToDownload),
    ] {
        assert_eq!(status(word, "paid"), Word::Known(known), "{word}");
    }
    assert!(status("download", "paid").unknown().is_some());
    assert_eq!(status("on_hold", "paid"), Word::Known(ShopStatus::Open));
    assert_eq!(status("on_hold", "not_paid"), Word::Known(ShopStatus::AwaitingPayment));
    assert_eq!(status("on_hold", "partially_paid"), Word::Known(ShopStatus::AwaitingPayment));
    assert_eq!(status("cancelled", "cancelled"), Word::Known(ShopStatus::Cancelled));
    assert_eq!(status("returned", "paid"), Word::Unknown("returned".to_owned()));
    let shipped = |json: &str| {
        read(altered("\"shipmentStatus\": \"shipped\"", &format!("\"shipmentStatus\": {json}"))).unwrap().order.shipped
    };
    assert_eq!(shipped("\"not_shipped\""), Word::Known(Shipped::No));
    assert_eq!(shipped("\"cancelled\""), Word::Known(Shipped::Cancelled));
    assert_eq!(shipped("\"lost\""), Word::Unknown("lost".to_owned()));
    assert_eq!(shipped("null"), Word::Unknown("(missing)".to_owned()));
    let paid = |word: &str| {
        read(altered("\"status\": \"not_paid\"", &format!("\"status\": \"{word}\""))).unwrap().order.credit_invoices[0]
            .paid
            .clone()
    };
    assert_eq!(paid("paid"), Word::Known(true));
    assert_eq!(paid("partially_paid"), Word::Unknown("partially_paid".to_owned()));
}

#[test]
fn an_amount_is_exact_or_stays_what_was_said() {
    let total =
        |json: &str| read(altered("\"priceIncl\": 50.35", &format!("\"priceIncl\": {json}"))).unwrap().order.total;
    for (json, expected) in [
        ("42", 4200),
        ("0", 0),
        ("0.2", 20),
        ("50.3500", 5035),
        ("\"29.00\"", 2900),
        ("-44.95", -4495),
        ("\"0.0000\"", 0),
    ] {
        assert_eq!(total(json), Ok(minor(expected)), "{json}");
    }
    for (json, kept) in [
        ("6.2475", "6.2475"),
        ("24.950000000000003", "24.950000000000003"),
        ("1e400", "1e400"),
        ("4495e-2", "4495e-2"),
        ("\"NaN\"", "NaN"),
        ("\"1,234.50\"", "1,234.50"),
        ("\" 5.00\"", "5.00"),
        ("true", "true"),
        ("{\"a\":1}", "{\"a\":1}"),
        ("99999999999999999999", "99999999999999999999"),
    ] {
        assert_eq!(total(json), Err(kept.to_owned()), "{json}");
    }
    let long = total(&format!("\"\\u001b{}\"", "9".repeat(100_000))).unwrap_err();
    assert!(long.starts_with("\\u{1b}9") && long.chars().count() == 41, "{long}");
}

#[test]
fn missing_fields_that_are_needed_are_named() {
    for (from, to, names) in [
        ("\"id\": 40018", "\"id\": 40017", "instead of order 40018"),
        ("\"id\": 40018", "\"id\": false", "`id`"),
        ("\"number\": \"ORD00018\"", "\"number\": \"\"", "order 40018 has no readable `number`"),
        ("\"createdAt\": \"2026-05-01T10:15:00+02:00\"", "\"createdAt\": false", "`createdAt`"),
        ("\"updatedAt\": \"2026-05-09T16:20:46+02:00\"", "\"updatedAt\": \"0000-00-00 00:00:00\"", "`updatedAt`"),
        ("\"priceIncl\": 50.35", "\"priceIncl\": null", "order 40018 has no readable `priceIncl`"),
        ("\"priceIncl\": 50.35", "\"priceIncl\": \"\"", "`priceIncl`"),
        ("\"priceIncl\": 50.35", "\"priceIncl\": 50.35, \"priceIncl\": 1", "once"),
        ("\"number\": \"INV00038\"", "\"number\": null", "invoice 70038 of order 40018 has no readable `number`"),
        ("\"isCreditNote\": true", "\"isCreditNote\": null", "`isCreditNote`"),
        ("\"isCreditNote\": true", "\"isCreditNote\": \"perhaps\"", "`isCreditNote`"),
        ("\"priceIncl\": 44.95", "\"priceIncl\": false", "invoice 70038 of order 40018 has no readable `priceIncl`"),
        ("{\"id\": 70038, \"createdAt\"", "7, {\"id\": 70038, \"createdAt\"", "not an object"),
    ] {
        let said = message(read(altered(from, to)));
        assert!(said.contains(names), "{to}: {said}");
    }
}

#[test]
fn fields_nobody_needs_never_spoil_an_order() {
    let expected = read(fixture("lightspeed/order.json")).unwrap();
    let deep = format!("\"weight\": {}{}", "[".repeat(20_000), "]".repeat(20_000));
    for (from, to) in [
        ("\"weight\": 0", "\"weight\": 1e400"),
        ("\"weight\": 0", deep.as_str()),
        ("\"firstname\": \"given name\"", "\"firstname\": \"\\ud800\""),
        ("\"email\": \"somebody@example.invalid\"", "\"email\": {\"x\": []}"),
        ("\"taxRates\": [", "\"taxRates\": 7, \"unheardOf\": ["),
        ("{\n", "\u{feff}{\n"),
        ("\"order\": {\n", "\"bestelling\": {\n"),
        ("\"id\": 40018,", "\"id\": \"40018\","),
        ("\"customer\": {\"resource\"", "\"customer\": {\"ressource\""),
    ] {
        assert_eq!(read(altered(from, to)), Ok(expected.clone()), "{to}");
    }
}

#[test]
fn damaged_answers_are_failures() {
    let whole = fixture("lightspeed/order.json");
    for cut in (0..whole.trim_end().len()).step_by(211) {
        message(read(&whole.as_bytes()[..cut]));
    }
    for body in
        ["", "null", "[]", "{}", "NaN", "<html>", "{\"order\": false}", "{\"order\": {}, \"x\": 1}", "{\"order\": []}"]
    {
        message(read(body));
    }
    message(read(vec![0xff, 0xfe]));
    let lines = altered("\"quantityOrdered\": 6", "\"quantityOrdered\": \"six\"");
    assert!(read(lines).unwrap().order.lines.is_empty());
}

#[test]
fn the_klarna_order_id_is_found_in_the_configured_order() {
    const OTHER: &str = "11111111-2222-4333-8444-555555555555";
    let find = |data: &str, memo: &str, comment: &str, sources: &[&str]| {
        let body = fixture("lightspeed/order.json")
            .replace("{\"method\": \"pay_later\", \"session_id\": \"0b7c1111-0000-4000-8000-00000000cafe\", \"klarna_order_id\": \"3F2504E0-4F89-41D3-9A0C-0305E82C3301\"}", data)
            .replace("\"memo\": \"\"", &format!("\"memo\": {memo}"))
            .replace("\"comment\": null", &format!("\"comment\": {comment}"))
            .replace("\"metafields\", \"embedded\": []", &format!("\"metafields\", \"embedded\": [{{\"key\": \"k\", \"value\": \"{OTHER}\"}}]"))
            .replace("metafields\", \"embedded\": []", &format!("metafields\", \"embedded\": [{{\"key\": \"k\", \"value\": \"{OTHER}\"}}]"));
        let sources = sources.iter().map(|text| text.parse().unwrap()).collect();
        let transport = Scripted::always(ok(body));
        let client = client_with(&transport, &Still::new(), sources);
        let order = run(client.order(OrderId(40_018), Currency::EUR)).unwrap().order;
        order.klarna_order_id.map(|id| id.as_str().to_owned())
    };
    let data = |json: &str| find(json, "\"\"", "null", &["paymentData"]);
    let some = Some(UUID.to_owned());
    assert_eq!(data(&format!("{{\"klarna_order_id\":\"{UUID}\",\"order_id\":\"{OTHER}\"}}")), some);
    assert_eq!(data(&format!("{{\"a\":\"{OTHER}\",\"kp_order_id\":\"{UUID}\"}}")), some);
    assert_eq!(data(&format!("{{\"order_id\":40018,\"ref\":\"id {UUID}.\"}}")), some);
    assert_eq!(data(&format!("{{\"session_id\":\"{OTHER}\",\"ref\":\"{UUID}\"}}")), some);
    assert_eq!(data(&format!("{{\"klarna\":{{\"order_id\":\"{UUID}\"}}}}")), some);
    assert_eq!(data(&format!("\"{{\\\"klarna_order_id\\\":\\\"{UUID}\\\"}}\"")), some);
    assert_eq!(data(&format!("[\"{UUID}\"]")), some);
    assert_eq!(data("{\"klarna_order_id\":\"K4MADNY\"}").as_deref(), Some("K4MADNY"));
    for json in [
        "[]",
        "false",
        "{\"method\":\"x\"}",
        "{\"order_id\":\"ORD00018\"}",
        "{\"order_id\":\"../../x\"}",
        "{\"a\":\"3f2504e0-4f89-41d3-9a0c-0305e82c33011\"}",
    ] {
        assert_eq!(data(json), None, "{json}");
    }
    let memo = format!("\"Klarna: {UUID}, paid\"");
    assert_eq!(find("[]", &memo, "null", &["paymentData", "memo"]), some);
    assert_eq!(find("[]", "\"order K4MADNY\"", "null", &["memo"]), None);
    assert_eq!(find("[]", "\"\"", &memo, &["memo", "events"]), some);
    assert_eq!(find("[]", &memo, "null", &["metafield:k", "memo"]).as_deref(), Some(OTHER));
    assert_eq!(find("[]", &memo, "null", &["metafield:absent", "memo"]), some);
    assert_eq!(find("[]", &memo, "null", &["events"]), None);
    assert!("metafield:".parse::<IdSource>().is_err() && "Memo".parse::<IdSource>().is_err());
}

#[test]
fn quantities_are_said_clearly_or_not_at_all() {
    let quantities = |product: &str| {
        let transport = bare_shop();
        let product = product.to_owned();
        let shop = Scripted::new(move |request, _| {
            if request.url.contains("shipments/51/products") {
                return ok(format!("{{\"shipmentProducts\":[{product}]}}"));
            }
            transport.reply(request)
        });
        let order = run(client(&shop).order(OrderId(40_019), Currency::EUR)).unwrap().order;
        order.shipments[0].quantities.clone()
    };
    assert_eq!(quantities(r#"{"id":2,"quantity":1}"#), [(LineId(2), 1)]);
    assert_eq!(quantities(r#"{"id":9,"orderProductId":1,"quantity":"3"}"#), [(LineId(1), 3)]);
    for unclear in [
        r#"{"id":9,"quantity":1}"#,
        r#"{"id":9,"quantity":1,"articleCode":"C"}"#,
        r#"{"id":9,"orderProductId":7,"quantity":1,"articleCode":"A"}"#,
        r#"{"id":2,"quantity":2}"#,
        r#"{"id":2,"quantity":0.5}"#,
        r#"{"id":2,"quantity":1},{"id":9,"quantity":1}"#,
        "7",
    ] {
        assert!(quantities(unclear).is_empty(), "{unclear}");
    }
}

#[test]
fn the_items_of_a_credit_invoice_name_lines_clearly_or_none() {
    let credited = |items: &str| {
        let transport = bare_shop();
        let items = items.to_owned();
        let shop = Scripted::new(move |request, _| {
            if request.url.contains("invoices/7/items") {
                return ok(format!("{{\"invoiceItems\":[{items}]}}"));
            }
            transport.reply(request)
        });
        let order = run(client(&shop).order(OrderId(40_019), Currency::EUR)).unwrap().order;
        order.lines.iter().flat_map(|line| &line.credited).map(|(_, count)| *count).collect::<Vec<_>>()
    };
    assert_eq!(credited(r#"{"orderProductId":1,"quantity":2}"#), [2]);
    assert_eq!(credited(r#"{"orderProductId":1,"quantity":"-2"},{"orderProductId":2,"quantity":1}"#), [2, 1]);
    assert_eq!(credited(r#"{"orderProductId":1,"quantity":1},{"orderProductId":1,"quantity":1}"#), [2]);
    for unclear in [
        "",
        r#"{"type":"shipment","orderProductId":null,"quantity":1}"#,
        r#"{"orderProductId":1,"quantity":1},{"type":"shipment","orderProductId":null,"quantity":1}"#,
        r#"{"orderProductId":7,"quantity":1}"#,
        r#"{"orderProductId":1,"quantity":4}"#,
        r#"{"orderProductId":1,"quantity":0.5}"#,
        "7",
    ] {
        assert!(credited(unclear).is_empty(), "{unclear}");
    }
}

#[test]
fn shipments_are_read_all_or_not_at_all() {
    let shipments = |from: &str, to: &str| read(altered(from, to)).unwrap().order.shipments;
    let number = "\"number\": \"SHIP00018\"";
    assert_eq!(shipments(number, "\"number\": null")[0].number, "");
    assert_eq!(shipments(number, "\"order\": {}").len(), 0);
    let row = "{\"id\": 51001, \"createdAt\"";
    for other in ["7", "{\"id\": 51002}", "{\"id\": 0, \"updatedAt\": \"2026-05-02T08:59:00+02:00\"}"] {
        assert!(shipments(row, &format!("{other}, {row}")).is_empty(), "{other}");
    }
    let foreign = "{\"order\": {\"resource\": {\"id\": 9}}}";
    assert_eq!(shipments(row, &format!("{foreign}, {row}")).len(), 1);
}

#[test]
fn reads_are_classified_and_repeated_within_bounds() {
    let outcome = |reply: Reply| {
        let transport = Scripted::always(reply);
        let result = run(client(&transport).order(OrderId(40_018), Currency::EUR));
        let name = match result {
            Err(Unreadable::Refused(said)) => format!("refused {}", said.message),
            Err(Unreadable::Failed(said)) => format!("failed {}", said.message),
            Err(Unreadable::Throttled { .. }) => "throttled".to_owned(),
            other => panic!("{other:?}"),
        };
        (name, transport.asked().len())
    };
    let error = |code: u16, text: &str| {
        format!(
            "{{\"error\":{{\"code\":{code},\"method\":\"READ\",\"request\":\"\\/nl\\/orders.json\",\"message\":\"{text}\"}}}}"
        )
    };
    for (status, body, expected, calls) in [
        (401, error(401, "Access denied."), "refused HTTP 401: Access denied.; the API key", 1),
        (403, String::new(), "refused HTTP 403; grant", 1),
        (
            404,
            error(404, "Unknown or inactive language."),
            "refused HTTP 404: Unknown or inactive language.; set `language`",
            1,
        ),
        (404, error(404, "Not found"), "failed HTTP 404: Not found", 3),
        (404, "<html>".to_owned(), "failed HTTP 404", 3),
        (429, String::new(), "throttled", 1),
        (400, error(400, "Invalid"), "failed HTTP 400: Invalid", 1),
        (422, "{\"errors\":{\"a\":1}}".to_owned(), "failed HTTP 422", 1),
        (500, "<html>".to_owned(), "failed HTTP 500", 2),
        (504, String::new(), "failed HTTP 504", 2),
        (301, String::new(), "failed HTTP 301", 1),
        (200, error(400, "Invalid"), "failed HTTP 400: Invalid", 1),
        (200, error(401, "Access denied."), "refused", 1),
        (200, error(429, ""), "throttled", 1),
        (200, "{\"error\":false}".to_owned(), "failed HTTP 200", 1),
        (200, "{\"errors\":[\"x\"],\"order\":{}}".to_owned(), "failed HTTP 200", 1),
    ] {
        let (name, asked) = outcome(Ok(response(status, &[], body.clone())));
        assert!(name.starts_with(expected), "{status} {body}: {name}");
        assert_eq!(asked, calls, "{status} {body}");
    }
    let (name, asked) = outcome(Err(TransportError::Lost("reset".to_owned())));
    assert_eq!((name.as_str(), asked), ("failed no complete answer: reset", 2));
    let missing = Ok(response(404, &[], error(404, "Not found")));
    let transport = Scripted::sequence(vec![missing.clone(), missing, ok(fixture("lightspeed/order.json"))]);
    let clock = Still::new();
    run(client_with(&transport, &clock, Vec::new()).order(OrderId(40_018), Currency::EUR)).unwrap();
    assert!(clock.passed() >= Duration::from_secs(4));
}

#[test]
fn a_throttled_key_is_told_when() {
    let until = |headers: &[(&str, &str)]| {
        let transport = Scripted::always(Ok(response(429, headers, "")));
        match run(client(&transport).shop()) {
            Err(Unreadable::Throttled { until, .. }) => until.duration_since(at("2026-06-01T12:00:00Z")),
            other => panic!("{other:?}"),
        }
    };
    let windows = |left: &'static str| {
        [("x-ratelimit-remaining", left), ("x-ratelimit-reset", "263/2063/23663"), ("retry-after", "9")]
    };
    let table: &[(&[(&str, &str)], i64)] = &[
        (&windows("-1/2000/11000"), 263),
        (&windows("0/-1/11000"), 2063),
        (&windows("0/2000/11000"), 263),
        (&windows("5/2000/11000"), 9),
        (&[("Retry-After", "Mon, 01 Jun 2026 12:00:30 GMT")], 30),
        (&[("x-ratelimit-remaining", "-1"), ("x-ratelimit-reset", "5")], 60),
        (&[], 60),
    ];
    for (headers, seconds) in table {
        assert_eq!(until(headers), SignedDuration::from_secs(*seconds), "{headers:?}");
    }
}

#[test]
fn the_shop_says_who_it_is() {
    let shop = |body: String| run(client(&Scripted::always(ok(body))).shop());
    let expected =
        |id: &str, is_default_currency| ShopInfo { id: id.to_owned(), currency: "eur".to_owned(), is_default_currency };
    let body = fixture("lightspeed/shop.json");
    assert_eq!(shop(body.clone()), Ok(expected("356001", Some(true))));
    assert_eq!(shop(body.replace("356001", "\"000001\"")), Ok(expected("1", Some(true))));
    assert_eq!(shop(body.replace("\"isDefault\": true", "\"isDefault\": 0")), Ok(expected("356001", Some(false))));
    assert_eq!(shop(body.replace("\"isDefault\": true,", "")), Ok(expected("356001", None)));
    assert!(message(shop(body.replace("\"eur\"", "null"))).contains("currency.shortcode"));
    assert!(message(shop(body.replace("\"currency\": {", "\"currency\": false, \"x\": {"))).contains("currency"));
}

#[test]
fn a_keys_permissions_are_read_in_every_form() {
    let ask = |body: &str| run(client(&Scripted::always(ok(body))).permissions()).map(|(granted, _)| granted);
    let may = |area: &str, read, write| Permission { area: area.to_owned(), read, write };
    assert_eq!(
        ask(
            r#"{"accountPermissions":{"orders":{"read":true,"write":"1"},"settings":{"read":1,"write":false},"x":{}}}"#
        ),
        Ok(vec![may("orders", true, true), may("settings", true, false), may("x", false, false)])
    );
    for body in [r#"{"accountPermissions":[]}"#, r#"{"accountPermissions":{"orders":"all"}}"#, "[]"] {
        message(ask(body));
    }
    let dated = response(200, &[("date", "Mon, 01 Jun 2026 11:59:58 GMT")], r#"{"accountPermissions":{}}"#);
    let clock = run(client(&Scripted::always(Ok(dated))).permissions()).map(|(_, clock)| clock);
    assert_eq!(clock, Ok(Some(at("2026-06-01T11:59:58Z"))));
    let refused = run(client(&Scripted::always(Ok(response(401, &[], "")))).permissions());
    assert!(matches!(refused, Err(Unreadable::Refused(_))), "{refused:?}");
}

const HOOK: &str =
    r#"{"id":7,"isActive":true,"itemGroup":"orders","itemAction":"paid","address":"https:\/\/a.example\/x"}"#;

#[test]
fn webhooks_are_listed_registered_and_removed() {
    let list = |body: String| run(client(&Scripted::always(ok(body))).webhooks());
    let found = list(format!("{{\"webhooks\":[{HOOK}]}}")).unwrap();
    assert_eq!((found[0].id, found[0].is_active, found[0].address.as_str()), (7, true, "https://a.example/x"));
    assert_eq!(list("{\"webhooks\":[]}".to_owned()), Ok(vec![]));
    assert!(message(list(format!("{{\"webhooks\":[{}]}}", HOOK.replace("address", "url")))).contains("address"));

    let wish = Wish { group: "orders", action: "paid" };
    let transport = Scripted::always(Ok(response(201, &[], format!("{{\"webhook\":{HOOK}}}"))));
    run(client(&transport).add_webhook(wish, "https://a.example/x")).unwrap();
    run(client(&transport).remove_webhook(7)).unwrap();
    assert_eq!(transport.paths(), ["nl/webhooks.json", "nl/webhooks/7.json"]);
    let [added, removed] = transport.asked().try_into().unwrap();
    let body = r#"{"webhook":{"isActive":true,"itemGroup":"orders","itemAction":"paid","language":"nl","format":"json","address":"https://a.example/x"}}"#;
    assert_eq!((added.method, added.body.as_deref()), (Method::Post, Some(body)));
    assert_eq!((removed.method, removed.body), (Method::Delete, None));
}

#[test]
fn a_registration_counts_as_made_only_when_the_answer_shows_it() {
    let wish = Wish { group: "orders", action: "paid" };
    let error = r#"{"error":{"code":400,"message":"Invalid data input."}}"#;
    let other = format!("{{\"webhook\":{}}}", HOOK.replace("paid", "created"));
    for (reply, is_known) in [
        (Ok(response(201, &[], other)), false),
        (Ok(response(201, &[], "")), false),
        (Ok(response(201, &[], error)), false),
        (Ok(response(400, &[], error)), true),
        (Ok(response(401, &[], "")), true),
        (Ok(response(403, &[], "")), true),
        (Ok(response(429, &[], "")), true),
        (Ok(response(500, &[], "")), false),
        (Err(TransportError::NotSent("dns".to_owned())), true),
        (Err(TransportError::Lost("cut".to_owned())), false),
    ] {
        let transport = Scripted::always(reply.clone());
        let made = run(client(&transport).add_webhook(wish, "https://a.example/x"));
        assert_eq!(matches!(made, Err(NotWritten::Refused(_))), is_known, "{reply:?} {made:?}");
        assert_eq!(matches!(made, Err(NotWritten::Unknown(_))), !is_known, "{reply:?} {made:?}");
        assert_eq!(transport.asked().len(), 1, "never repeated");
    }
}

fn parameter(url: &str, name: &str) -> Option<u64> {
    let query = url.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))?.parse().ok())
}

#[expect(clippy::unnecessary_wraps, reason = "stands beside replies that fail")]
fn listed(ids: impl Iterator<Item = u64>) -> Reply {
    let row = |id: u64| {
        format!(
            "{{\"id\":{id},\"number\":\"O{id}\",\"updatedAt\":\"2026-05-09T16:20:46+02:00\",\"paymentId\":\"{}\",\"paymentTitle\":\"\",\"paymentData\":[]}}",
            if id.is_multiple_of(2) { "klarna" } else { "x" }
        )
    };
    let rows: Vec<String> = ids.map(row).collect();
    Ok(response(200, &[], format!("{{\"orders\":[{}]}}", rows.join(","))))
}

/// Every id a listing gives, and how many requests it took.
fn walk(transport: &Scripted) -> Result<(Vec<u64>, usize), Unreadable> {
    let client = client(transport);
    let (mut ids, mut page) = (Vec::new(), Some(Page::first()));
    while let Some(place) = page {
        let answer = run(client.orders_page(None, &place))?;
        ids.extend(answer.rows.iter().map(|row| row.id.0));
        page = answer.next;
    }
    ids.sort_unstable();
    ids.dedup();
    Ok((ids, transport.asked().len()))
}

/// A shop with orders 1..=count; `honours` says whether `since_id` works, `cap` is its own largest page.
fn shop_of(count: u64, honours: bool, descending: bool, cap: u64) -> Scripted {
    Scripted::new(move |request, _| {
        let limit = parameter(&request.url, "limit").unwrap().min(cap);
        let since = parameter(&request.url, "since_id").filter(|_| honours).unwrap_or(0);
        let page = parameter(&request.url, "page").unwrap_or(1);
        let skip = usize::try_from((page - 1) * limit).unwrap();
        let limit = usize::try_from(limit).unwrap();
        if descending {
            listed((since + 1..=count).rev().skip(skip).take(limit))
        } else {
            listed((since + 1..=count).skip(skip).take(limit))
        }
    })
}

#[test]
fn a_listing_finds_every_row_whatever_the_shop_ignores() {
    for count in [0, 1, 49, 50, 249, 250, 251, 500, 777] {
        let all: Vec<u64> = (1..=count).collect();
        for honours in [true, false] {
            for descending in [true, false] {
                for cap in [250, 50] {
                    let found = walk(&shop_of(count, honours, descending, cap)).unwrap().0;
                    assert_eq!(found, all, "{count} {honours} {descending} {cap}");
                }
            }
        }
    }
    assert_eq!(walk(&shop_of(777, true, false, 250)).unwrap().1, 5, "four pages, and the end once more");
    assert_eq!(walk(&shop_of(3, true, false, 250)).unwrap().1, 1, "what changes between two passes is listed once");
}

#[test]
fn a_short_or_empty_page_does_not_end_a_long_listing() {
    let lacking = |which: usize, keeps: usize| {
        Scripted::new(move |request, index| {
            let whole = shop_of(300, true, false, 250).reply(request)?;
            if index != which {
                return Ok(whole);
            }
            let since = parameter(&request.url, "since_id").unwrap();
            listed((since + 1..=300).take(keeps))
        })
    };
    let all: Vec<u64> = (1..=300).collect();
    for (which, keeps) in [(0, 249), (0, 130), (1, 0), (1, 49), (2, 0)] {
        assert_eq!(walk(&lacking(which, keeps)).unwrap().0, all, "page {which} gave {keeps} rows");
    }
    let numbered = Scripted::new(|request, index| {
        if index == 3 { listed(std::iter::empty()) } else { shop_of(777, false, true, 250).reply(request) }
    });
    assert_eq!(walk(&numbered).unwrap().0.len(), 777);
}

#[test]
fn a_listing_asks_as_documented_with_its_overlap() {
    let transport = shop_of(3, true, false, 250);
    run(client(&transport).orders_page(Some(at("2026-06-01T12:00:00Z")), &Page::first())).unwrap();
    assert_eq!(transport.paths(), ["nl/orders.json?limit=250&since_id=0&updated_at_min=2026-06-01%2009%3A00%3A00"]);
    let page = run(client(&transport).orders_page(None, &Page::first())).unwrap();
    let klarna: Vec<bool> = page.rows.iter().map(|row| row.is_klarna).collect();
    assert_eq!((klarna, page.next), (vec![false, true, false], None));
}

#[test]
fn a_page_that_times_out_is_asked_again_smaller() {
    let slow = |slower_than: u64| {
        Scripted::new(move |request, _| {
            let limit = parameter(&request.url, "limit").unwrap();
            if limit > slower_than {
                return Ok(response(504, &[], "<html>"));
            }
            let shop = shop_of(300, true, false, 250);
            shop.reply(request)
        })
    };
    assert_eq!(walk(&slow(125)).unwrap().0.len(), 300);
    assert_eq!(walk(&slow(62)).unwrap().0.len(), 300);
    let ignoring = Scripted::new(|request, index| {
        if index >= 3 && parameter(&request.url, "limit").unwrap() > 125 {
            return Ok(response(504, &[], "<html>"));
        }
        shop_of(777, false, true, 50).reply(request)
    });
    assert_eq!(walk(&ignoring).unwrap().0.len(), 777);
    let never = slow(0);
    assert!(message(walk(&never)).contains("504"));
    assert_eq!(never.asked().len(), 3);
}

#[test]
fn an_endless_listing_ends() {
    let transport = Scripted::new(|request, _| {
        let since = parameter(&request.url, "since_id").unwrap();
        // A shop that caps its pages, so that the test is short.
        listed(since + 1..=since + 50)
    });
    let clock = Still::new();
    let base_url = "http://127.0.0.1:1".to_owned();
    let budget = Arc::new(Budget::lightspeed("l", &base_url));
    let settings = Settings {
        base_url,
        language: "nl".to_owned(),
        credentials: credentials(),
        payment_words: Vec::new(),
        klarna_order_id: Vec::new(),
    };
    let client = Client::new(transport, clock, settings, budget);
    let mut page = Page::first();
    let said = loop {
        match run(client.orders_page(None, &page)) {
            Ok(answer) => page = answer.next.unwrap(),
            error => break message(error),
        }
    };
    assert!(said.contains("does not end"), "{said}");
    assert_eq!(client.calls().read, 4000);
}

#[test]
fn bad_lists_are_named_and_bad_rows_leave_the_others() {
    let page = |body: &str| run(client(&Scripted::always(ok(body))).orders_page(None, &Page::first()));
    for empty in ["{\"orders\":[]}", "{\"orders\":false}", "{\"orders\":null}"] {
        assert_eq!(page(empty).unwrap().rows, [], "{empty}");
    }
    let paid = "\"number\":\"A\",\"updatedAt\":\"2026-05-09T16:20:46+02:00\"";
    assert!(page(&format!("{{\"orders\":[{{\"id\":5,{paid}}}]}}")).unwrap().rows[0].is_klarna);
    for (body, names) in
        [("{\"orders\":{}}", "not a list"), ("{\"orders\":[],\"more\":1}", "envelope"), ("{\"orders\":[", "whole")]
    {
        let said = message(page(body));
        assert!(said.contains(names), "{body}: {said}");
    }
    let changed = Some(at("2026-05-09T14:20:46Z"));
    for (row, id, updated_at, names) in [
        ("7".to_owned(), None, None, "not an object"),
        (format!("{{{paid}}}"), None, changed, "`id`"),
        (format!("{{\"id\":\"x\",{paid}}}"), None, changed, "`id`"),
        (format!("{{\"id\":5,\"id\":6,{paid}}}"), None, changed, "each said once"),
        ("{\"id\":5,\"number\":\"A\"}".to_owned(), Some(5), None, "order 5 in the list has no readable `updatedAt`"),
        (format!("{{\"id\":5,{paid},\"number\":\"B\"}}"), Some(5), changed, "each said once"),
    ] {
        let found = page(&format!("{{\"orders\":[{{\"id\":4,{paid}}},{row},{{\"id\":6,{paid}}}]}}")).unwrap();
        assert_eq!(found.rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [4, 6], "{row}");
        let [bad] = found.bad.as_slice() else { panic!("{row}: {:?}", found.bad) };
        assert_eq!((bad.id, bad.updated_at, bad.page, bad.row), (id, updated_at, 1, 2), "{row}");
        let said = message(Err::<(), _>(bad.why.clone()));
        assert!(said.contains(names), "{row}: {said}");
    }
    let invoices = |body: &str| run(client(&Scripted::always(ok(body))).invoices_page(None, &Page::first()));
    let row = "\"updatedAt\":\"2026-05-09T16:20:46+02:00\"";
    let two = format!(
        "{{\"invoices\":[{{\"id\":1,{row},\"order\":false}},{{\"id\":2,{row},\"order\":{{\"resource\":{{\"id\":40018}}}}}}]}}"
    );
    let rows = invoices(&two).unwrap().rows;
    assert_eq!((rows.len(), rows[0].id, rows[0].order), (1, InvoiceId(2), OrderId(40_018)));
    let mut bad = invoices(&format!("{{\"invoices\":[{{\"id\":3,{row},\"order\":{{}}}}]}}")).unwrap().bad;
    assert_eq!((bad.len(), bad[0].id), (1, Some(3)));
    let why = message(Err::<(), _>(bad.remove(0).why));
    assert!(why.contains("invoice 3 in the list has no readable `order`"), "{why}");
}

#[test]
fn a_listing_goes_on_past_rows_without_a_readable_id() {
    for bad in [&[1][..], &[250], &[250, 251], &[500], &[777], &[3, 250, 600]] {
        let transport = Scripted::new(move |request, _| {
            let answer = shop_of(777, true, false, 250).reply(request)?;
            let mut body = String::from_utf8(answer.body).unwrap();
            for id in bad {
                body = body.replace(&format!("{{\"id\":{id},"), "{\"id\":\"?\",");
            }
            Ok(response(200, &[("date", "Mon, 01 Jun 2026 11:59:58 GMT")], body))
        });
        let found = walk(&transport).unwrap().0;
        let all: Vec<u64> = (1..=777).filter(|id| !bad.contains(id)).collect();
        assert_eq!(found, all, "{bad:?}");
    }
    let none = Scripted::new(|request, _| {
        let answer = shop_of(777, true, false, 250).reply(request)?;
        let body = String::from_utf8(answer.body).unwrap().replace("{\"id\":", "{\"idea\":");
        Ok(response(200, &[("date", "Mon, 01 Jun 2026 11:59:58 GMT")], body))
    });
    assert_eq!(walk(&none).unwrap(), (vec![], 6), "one page by ids, four by numbers, and the last once more");
}

#[test]
fn an_invoice_by_itself_is_the_one_that_was_asked_for() {
    let row = "\"updatedAt\":\"2026-05-09T16:20:46+02:00\",\"order\":{\"resource\":{\"id\":40018}}";
    let read = |body: String| run(client(&Scripted::always(ok(body))).invoice(InvoiceId(7)));
    let found = read(format!("{{\"invoice\":{{\"id\":7,{row}}}}}")).unwrap().unwrap();
    assert_eq!((found.id, found.order, found.updated_at), (InvoiceId(7), OrderId(40_018), at("2026-05-09T14:20:46Z")));
    assert_eq!(read("{\"invoice\":{\"id\":7,\"order\":false}}".to_owned()).unwrap(), None);
    assert!(message(read(format!("{{\"invoice\":{{\"id\":8,{row}}}}}"))).contains("instead of invoice 7"));
    let transport = Scripted::always(ok("{}"));
    assert!(message(run(client(&transport).invoice(InvoiceId(7)))).contains("envelope"));
    assert_eq!(transport.paths(), ["nl/invoices/7.json"]);
}

#[test]
fn a_search_by_number_never_trusts_the_filter() {
    let find = |transport: &Scripted, number: &str| run(client(transport).find_order(number));
    let small = shop_of(3, true, false, 250);
    assert_eq!(find(&small, "O2").unwrap().unwrap().id, OrderId(2));
    assert_eq!(find(&small, "o2&x=1").unwrap(), None);
    assert_eq!(small.paths()[1], "nl/orders.json?number=o2%26x%3D1&limit=250");
    assert!(message(find(&shop_of(250, true, false, 250), "O999")).contains("by number"));
    assert_eq!(find(&shop_of(250, true, false, 250), "O250").unwrap().unwrap().id, OrderId(250));
}

#[test]
fn credit_invoices_are_never_read_from_a_page_that_may_be_cut() {
    let shop = |rows: String| {
        let bare = bare_shop();
        Scripted::new(move |request, _| {
            if request.url.contains("invoices.json") {
                return ok(format!("{{\"invoices\":[{rows}]}}"));
            }
            bare.reply(request)
        })
    };
    let read = |rows: String| run(client(&shop(rows)).order(OrderId(40_019), Currency::EUR));
    let other = r#"{"id":1,"isCreditNote":false,"order":{"resource":{"id":40020}}}"#;
    assert!(message(read(vec![other; 250].join(","))).contains("may be missing"));
    assert!(message(read(r#"{"id":1,"isCreditNote":false,"order":false}"#.to_owned())).contains("`order`"));
    assert!(read(vec![other; 249].join(",")).unwrap().order.credit_invoices.is_empty());
}

fn mark(reply: Reply) -> Answer {
    run(client(&Scripted::always(reply)).mark_paid(InvoiceId(70_038), "{}"))
}

#[test]
fn marked_paid_is_only_what_the_shop_shows() {
    let paid = fixture("lightspeed/invoice_paid.json");
    let name = |answer: &Answer| match answer {
        Answer::Done { .. } => "done",
        Answer::Rejected(_) => "rejected",
        Answer::Throttled { .. } => "throttled",
        Answer::NotSent(_) => "not sent",
        Answer::Unknown(_) => "unknown",
        Answer::AccountRefused(_) => "account refused",
    };
    let error = fixture("lightspeed/error_400.json");
    let with_error = paid.replacen("{\"invoice\"", "{\"error\": {\"code\": 400}, \"invoice\"", 1);
    for (status, body, expected) in [
        (200, paid.clone(), "done"),
        (200, paid.replacen("70038", "\"70038\"", 1), "done"),
        (200, paid.replacen("70038", "70039", 1), "unknown"),
        (200, paid.replace("\"paid\"", "\"not_paid\""), "unknown"),
        (200, paid.replace("\"paid\"", "true"), "unknown"),
        (200, with_error, "unknown"),
        (200, error.clone(), "unknown"),
        (200, String::new(), "unknown"),
        (200, paid[..paid.len() - 4].to_owned(), "unknown"),
        (201, paid.clone(), "unknown"),
        (204, String::new(), "unknown"),
        (302, String::new(), "unknown"),
        (400, error.clone(), "unknown"),
        (401, error.clone(), "account refused"),
        (403, String::new(), "account refused"),
        (404, error, "unknown"),
        (429, String::new(), "throttled"),
        (500, paid, "unknown"),
    ] {
        let answer = mark(Ok(response(status, &[], body.clone())));
        assert_eq!(name(&answer), expected, "{status} {body}");
    }
    assert_eq!(name(&mark(Err(TransportError::NotSent("dns".to_owned())))), "not sent");
    assert_eq!(name(&mark(Err(TransportError::Lost("cut".to_owned())))), "unknown");
    let transport = Scripted::always(Ok(response(500, &[], "")));
    let client = client(&transport);
    run(client.mark_paid(InvoiceId(70_038), "{\"a\":1}"));
    let [request] = transport.asked().try_into().unwrap();
    assert_eq!((request.method, request.body.as_deref()), (Method::Put, Some("{\"a\":1}")));
    assert_eq!(transport.paths(), ["nl/invoices/70038.json"]);
    assert_eq!(client.calls(), ReadWrite { read: 0, write: 1 });
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let raw = prop::collection::vec(any::<u8>(), 0..200);
    let json = prop::sample::select(vec![
        fixture("lightspeed/order.json"),
        fixture("lightspeed/shop.json"),
        fixture("lightspeed/error_400.json"),
    ]);
    let damaged = (json, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    });
    prop_oneof![raw, damaged]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_body_makes_a_read_panic(status in 200_u16..600, body in bodies()) {
        let transport = Scripted::always(Ok(response(status, &[], body)));
        let client = client(&transport);
        let _ = run(client.order(OrderId(40_018), Currency::EUR));
        let _ = run(client.shop());
        let _ = run(client.orders_page(None, &Page::first()));
        let _ = run(client.invoices_page(None, &Page::first()));
        let _ = run(client.find_order("A"));
        let _ = run(client.permissions());
        let _ = run(client.profile());
        let _ = run(client.recent_orders(None));
        let _ = run(client.recently_credited(None));
        let _ = run(client.probe(OrderId(40_018), Currency::EUR));
        let _ = run(client.webhooks());
    }

    #[test]
    fn nothing_but_this_invoice_paid_is_done(status in 100_u16..600, body in bodies()) {
        prop_assert!(!matches!(mark(Ok(response(status, &[], body))), Answer::Done { .. }), "done");
    }
}

/// An order may have been paid at the second attempt: every id counts, wherever it stands, and is named once.
#[test]
fn every_klarna_order_that_an_order_names_is_found_with_its_places() {
    const OTHER: &str = "11111111-2222-4333-8444-555555555555";
    const THIRD: &str = "99999999-2222-4333-8444-555555555555";
    let found = |data: &str, memo: &str, sources: &[&str]| {
        let body = fixture("lightspeed/order.json")
            .replace("{\"method\": \"pay_later\", \"session_id\": \"0b7c1111-0000-4000-8000-00000000cafe\", \"klarna_order_id\": \"3F2504E0-4F89-41D3-9A0C-0305E82C3301\"}", data)
            .replace("\"memo\": \"\"", &format!("\"memo\": \"{memo}\""));
        let sources = sources.iter().map(|text| text.parse().unwrap()).collect();
        let transport = Scripted::always(ok(body));
        let client = client_with(&transport, &Still::new(), sources);
        let order = run(client.order(OrderId(40_018), Currency::EUR)).unwrap().order;
        assert_eq!(order.klarna_order_id, order.candidates.first().map(|first| first.id.clone()));
        let named = order.candidates.into_iter().map(|it| (it.id.as_str().to_owned(), it.places));
        named.collect::<Vec<_>>()
    };
    let [uuid, other, third] = [UUID, OTHER, THIRD].map(str::to_owned);
    assert_eq!(
        found("[]", &format!("{OTHER} failed, paid with {UUID}; again {OTHER}"), &["memo"]),
        [(other.clone(), vec![Place::Memo]), (uuid.clone(), vec![Place::Memo])]
    );
    let data = format!(
        "{{\"klarna_order_id\":\"{UUID}\",\"attempts\":[{{\"order_id\":\"{OTHER}\"}},{{\"session_id\":\"{THIRD}\"}}]}}"
    );
    assert_eq!(
        found(&data, &format!("{THIRD} {UUID}"), &["paymentData", "memo"]),
        [(uuid, vec![Place::PaymentData, Place::Memo]), (other, vec![Place::PaymentText]), (third, vec![Place::Memo]),]
    );
}
