//! Lightspeed: the order and what belongs to it, the lists, the shop, and the answer to marking paid.

use std::collections::BTreeMap;
use std::sync::Arc;

use reconciled_core::answer::Answer;
use reconciled_core::id::{InvoiceId, OrderId};
use reconciled_core::money::Currency;
use reconciled_sides::budget::Budget;
use reconciled_sides::lightspeed::{Client, IdSource, Page, ReadOrder, Settings};
use serde_json::value::RawValue;

use super::values::cents;
use super::wire::{Sections, Still, answer, credentials, run, text};

pub const DOCUMENT_WORDS: &[&str] = &[
    "{\"order\":{",
    "{\"invoices\":[",
    "{\"shipments\":[",
    "{\"shipmentProducts\":[",
    "{\"orderProducts\":[",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"id\":40018",
    "\"id\":1",
    "\"number\":\"ORD00018\"",
    "\"createdAt\":\"2026-05-01T10:15:00+02:00\"",
    "\"updatedAt\":\"2026-05-09T16:20:46+02:00\"",
    "\"status\":\"cancelled\"",
    "\"status\":\"not_paid\"",
    "\"paymentStatus\":\"paid\"",
    "\"shipmentStatus\":\"partially_shipped\"",
    "\"priceIncl\":",
    "50.35",
    "\"44.95\"",
    "-1",
    "1e400",
    "null",
    "false",
    "[]",
    "\"\"",
    "\"paymentId\":\"klarna\"",
    "\"paymentData\":",
    "\"isCreditNote\":true",
    "\"memo\":\"3f2504e0-4f89-41d3-9a0c-0305e82c3301\"",
    "\"order\":{\"resource\":{\"id\":40018}}",
    "\"invoices\":{\"resource\":{\"id\":false,\"embedded\":[",
    "]}}",
    "\"products\":{\"resource\":{\"embedded\":[",
    "\"quantityOrdered\":2",
    "\"quantity\":true",
    "\n%%\n",
    "\u{feff}",
    "{\"error\":{\"code\":404}}",
];

pub const PAGE_WORDS: &[&str] = &[
    "{\"orders\":[",
    "{\"invoices\":[",
    "]}",
    "[]",
    "{}",
    "{\"id\":1,\"number\":\"O\",\"updatedAt\":\"2026-05-01T10:15:00Z\"}",
    "{\"id\":\"2\",\"number\":3,\"updatedAt\":\"2026-05-01 10:15:00\",\"order\":{\"resource\":{\"id\":4}}}",
    "{\"id\":",
    "0",
    "18446744073709551615",
    "18446744073709551616",
    "}",
    ",",
    "\n%%\n",
    "null",
    "false",
];

pub const ANSWER_WORDS: &[&str] = &[
    "200\n",
    "201\n",
    "204\n",
    "400\n",
    "401\n",
    "403\n",
    "404\n",
    "429\n",
    "500\n",
    "retry-after: 5\n",
    "\n",
    "x-ratelimit-remaining: -1/5/6\n",
    "x-ratelimit-reset: 5/6/7\n",
    "{\"invoice\":{",
    "{\"error\":",
    "\"id\":70038",
    "\"id\":\"70038\"",
    "\"id\":70039",
    "\"status\":\"paid\"",
    "\"status\":\"not_paid\"",
    "}}",
    "}",
    ",",
    "null",
    "{}",
    "\"error\":{\"code\":400}",
    "\u{feff}",
    "[]",
];

pub const SHOP_WORDS: &[&str] = &[
    "{\"shop\":{",
    "\"id\":1",
    "\"id\":\"000001\"",
    "\"id\":\"0\"",
    "\"currency\":{",
    "\"shortcode\":\"eur\"",
    "\"isDefault\":true",
    "}",
    "}}",
    ",",
    "{",
    "null",
    "\"currency\":[]",
    "\"currency\":false",
    "\u{feff}",
];

const ORDER: OrderId = OrderId(40_018);
const INVOICE: InvoiceId = InvoiceId(70_038);

/// Pages of one listing are walked this far.
const PAGES: usize = 40;

pub(super) fn client(transport: Sections) -> Client<Sections, Still> {
    let base_url = "http://127.0.0.1".to_owned();
    let budget = Budget::lightspeed("lightspeed", &base_url);
    let settings = Settings {
        base_url,
        language: "nl".to_owned(),
        credentials: credentials(),
        payment_words: vec!["klarna".to_owned()],
        klarna_order_id: vec![
            IdSource::PaymentData,
            IdSource::Metafield("klarna_order_id".to_owned()),
            IdSource::Memo,
            IdSource::Events,
        ],
    };
    Client::new(transport, Still::new(), settings, Arc::new(budget))
}

/// The order is the one that was asked for, its total is the digits of the answer, and whatever it is linked to is
/// safe inside a URL.
pub fn lightspeed_order(data: &[u8]) -> bool {
    read_order(&Sections::bodies(data), data)
}

/// What belongs to an order comes in answers of its own.
pub fn lightspeed_documents(data: &[u8]) -> bool {
    let bare = br#"{"order":{"id":40018,"number":"ORD00018","createdAt":"2026-05-01T10:15:00+02:00","updatedAt":"2026-05-09T16:20:46+02:00","status":"processing_partially_shipped","shipmentStatus":"partially_shipped","paymentStatus":"paid","paymentId":"klarna","priceIncl":50.35}}"#;
    let all = [bare.as_slice(), data].join(b"\n%%\n".as_slice());
    read_order(&Sections::bodies(&all), &all)
}

fn read_order(sections: &Sections, data: &[u8]) -> bool {
    let Ok(ReadOrder { is_klarna, order, .. }) = run(client(sections.clone()).order(ORDER, Currency::EUR)) else {
        return false;
    };
    assert_eq!(order.id, ORDER);
    if let (Ok(total), Some(said)) = (&order.total, total_of(data)) {
        assert_eq!(Some(total.get()), cents(&said), "the total {said} became another amount");
    }
    if let Some(id) = &order.klarna_order_id {
        assert!(is_klarna && id.as_str().chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-'));
    }
    for credit in &order.credit_invoices {
        assert!(
            credit.id.0 > 0 && credit.amount.as_ref().is_ok_and(|amount| amount.get() >= 0) || credit.amount.is_err()
        );
    }
    for url in sections.urls() {
        assert!(url.starts_with("http://127.0.0.1/nl/"), "{url}");
        assert!(url.chars().all(|letter| letter.is_ascii_graphic()), "{url}");
    }
    is_klarna
}

/// `priceIncl` of the first object that is an order with one, as it was written.
fn total_of(data: &[u8]) -> Option<String> {
    let first = data.windows(4).position(|four| four == b"\n%%\n").map_or(data, |at| &data[..at]);
    let envelope: BTreeMap<String, &RawValue> = serde_json::from_str(text(first)?).ok()?;
    let order: BTreeMap<String, &RawValue> = serde_json::from_str(envelope.values().next()?.get()).ok()?;
    let price = order.get("priceIncl")?.get();
    if price.starts_with('"') { serde_json::from_str(price).ok() } else { Some(price.to_owned()) }
}

/// A listing goes on or ends; it never asks for the same page again.
pub fn lightspeed_pages(data: &[u8]) -> bool {
    let transport = Sections::bodies(data);
    let client = client(transport.clone());
    let since = Some(jiff::Timestamp::UNIX_EPOCH);
    let (mut page, mut rows) = (Page::first(), 0_usize);
    for _ in 0..PAGES {
        let Ok(answer) = run(client.orders_page(since, &page)) else { break };
        rows = rows.saturating_add(answer.rows.len());
        assert!(answer.rows.iter().all(|row| row.id.0 > 0));
        match answer.next {
            Some(next) if next == page => panic!("the same page again: {page:?}"),
            Some(next) => page = next,
            None => break,
        }
    }
    if let Ok(answer) = run(client.invoices_page(since, &Page::first())) {
        assert!(answer.rows.iter().all(|row| row.id.0 > 0 && row.order.0 > 0));
        rows = rows.saturating_add(answer.rows.len());
    }
    rows > 0
}

/// `Done` only for 200 with this very invoice, alone in its envelope, and its status paid.
pub fn lightspeed_answer(data: &[u8]) -> bool {
    let Some(response) = answer(data) else { return false };
    let given = run(client(Sections::of(vec![response.clone()])).mark_paid(INVOICE, "{}"));
    match given {
        Answer::Done { .. } => assert!(is_paid(response.status, &response.body), "nothing is paid: {response:?}"),
        Answer::Throttled { .. } => assert_eq!(response.status, 429),
        Answer::AccountRefused(_) => assert!(matches!(response.status, 401 | 403)),
        Answer::Unknown(_) => {}
        Answer::Rejected(_) | Answer::NotSent(_) => panic!("marking paid is never refused for good: {response:?}"),
    }
    is_paid(response.status, &response.body)
}

fn is_paid(status: u16, body: &[u8]) -> bool {
    let object = |json| serde_json::from_str::<BTreeMap<String, &RawValue>>(json).ok();
    let read = || {
        let envelope = object(text(body)?)?;
        let (key, invoice) = envelope.first_key_value().filter(|_| envelope.len() == 1)?;
        let invoice = object(invoice.get())?;
        let (id, word) = (invoice.get("id")?.get(), invoice.get("status")?.get());
        let id: String = if id.starts_with('"') { serde_json::from_str(id).ok()? } else { id.to_owned() };
        let word: String = serde_json::from_str(word).ok()?;
        Some(key != "error" && key != "errors" && id.trim_start_matches(['+', '0']) == "70038" && word == "paid")
    };
    status == 200 && read() == Some(true)
}

/// The shop's number has no leading zero, and its currency is said.
pub fn lightspeed_shop(data: &[u8]) -> bool {
    let Ok(shop) = run(client(Sections::bodies(data)).shop()) else { return false };
    assert!(!shop.currency.is_empty() && !shop.id.is_empty());
    assert!(!shop.id.starts_with('0') || shop.id.chars().all(|digit| digit == '0'), "{}", shop.id);
    true
}
