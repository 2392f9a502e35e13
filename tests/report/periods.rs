//! Closed periods stay as they were, and what comes late falls into the next one.

use reconciled::report::period::FormatKind;
use reconciled_core::id::OrderId;
use reconciled_store::period::{Seen, Span};
use reconciled_store::{Audit, Operation, Store as _, StoreError};

use crate::seed::{Refunding, credit, klarna, november, october, one_of_everything, quiet, shown};

#[tokio::test]
async fn a_closed_period_stays_byte_identical_whatever_comes_later() {
    let mut shop = one_of_everything().await;
    let mut before = Vec::new();
    for format in FormatKind::ALL {
        before.push(shop.report(october(), format).await.0);
    }
    let digest = shop.close(october(), "2025-11-02T08:00:00Z").await;
    // A refund of October that nobody had seen, a credit invoice of October, a decision on an October refund, the open
    // credit invoice refunded, and another policy.
    shop.begin("2025-11-03T08:00:00Z").await;
    let refunds = [("late-refund", 700, None, "2025-10-30T12:00:00Z")];
    let mut late = shown(1, klarna(1, "2025-10-05T07:00:00Z", &refunds), "2025-11-03T08:00:01Z");
    late.credits = vec![credit(12, "INV00012", 700, "2025-10-30T11:00:00Z")];
    shop.decide("2025-11-03T08:00:02Z", late).await;
    let it = Refunding { order: 4, credit: 41, number: "INV00041", amount: 990, refund: "refund-41" };
    shop.refund("2025-11-03T08:00:03Z", &it).await;
    let mut changed = quiet(1);
    changed.credits = vec![credit(12, "INV00012", 650, "2025-10-30T11:00:00Z")];
    shop.decide("2025-11-03T08:00:04Z", changed).await;
    shop.store.keep_policy("another".into(), "2025-11-03T08:00:05Z".parse().unwrap()).await.unwrap();
    shop.end("2025-11-03T08:00:06Z", &[]).await;
    shop.operate("2025-11-04T08:00:00Z", Operation::Hold(OrderId(1)), "ask the warehouse").await;
    for (format, before) in FormatKind::ALL.into_iter().zip(before) {
        let (after, summary) = shop.report(october(), format).await;
        assert!(after == before, "{format}:\n{}", String::from_utf8_lossy(&after));
        assert_eq!(summary.digest, digest);
        assert_eq!(summary.extent.closed.map(|closed| closed.digest), Some(digest.clone()));
    }
    assert!(matches!(shop.store.audit().await.unwrap(), Audit::Intact { .. }));
}

#[tokio::test]
async fn what_comes_after_closing_is_in_the_next_period_and_marked() {
    let mut shop = one_of_everything().await;
    shop.close(october(), "2025-11-02T08:00:00Z").await;
    shop.begin("2025-11-03T08:00:00Z").await;
    let refunds = [("late-refund", 700, None, "2025-10-30T12:00:00Z")];
    let mut late = shown(1, klarna(1, "2025-10-05T07:00:00Z", &refunds), "2025-11-03T08:00:01Z");
    late.credits = vec![credit(12, "INV00012", 700, "2025-10-30T11:00:00Z")];
    shop.decide("2025-11-03T08:00:02Z", late).await;
    shop.end("2025-11-03T08:00:03Z", &[]).await;
    let november = shop.json(november()).await;
    let refund = november["other_refunds"].as_array().unwrap().iter().find(|it| it["refund_id"] == "late-refund");
    assert_eq!(refund.unwrap()["is_late"], true);
    assert_eq!(refund.unwrap()["refunded_at"], "2025-10-30T12:00:00Z", "its own date is not touched");
    let credits = november["credit_invoices"].as_array().unwrap();
    let late = credits.iter().find(|it| it["credit_invoice"] == "INV00012").unwrap();
    assert_eq!(late["is_late"], true);
    let open = credits.iter().find(|it| it["credit_invoice"] == "INV00041").unwrap();
    assert_eq!(open["is_late"], false, "it was in October's report already");
    let opening = november["proof"].as_array().unwrap().iter().find(|it| it["line"] == "credits_opening").unwrap();
    assert_eq!(opening["amount_minor"], 990, "November opens with what October closed with");
    let decisions = november["decisions"].as_array().unwrap();
    assert_eq!(decisions[0]["decision"], "closed a period");
}

#[tokio::test]
async fn a_clock_that_was_set_back_changes_no_closed_period() {
    let mut shop = one_of_everything().await;
    let before = shop.report(october(), FormatKind::Json).await.0;
    shop.close(october(), "2025-11-02T08:00:00Z").await;
    shop.begin("2025-10-28T08:00:00Z").await;
    let it = Refunding { order: 4, credit: 41, number: "INV00041", amount: 990, refund: "refund-41" };
    shop.refund("2025-10-28T08:00:01Z", &it).await;
    shop.operate("2025-10-28T09:00:00Z", Operation::Hold(OrderId(1)), "x").await;
    let after = shop.report(october(), FormatKind::Json).await.0;
    assert!(after == before, "{}", String::from_utf8_lossy(&after));
    let november = shop.json(november()).await;
    let decisions = november["decisions"].as_array().unwrap();
    assert!(decisions.iter().any(|it| it["decision"] == "held the order" && it["is_late"] == true), "{decisions:?}");
}

#[tokio::test]
async fn a_closed_period_is_not_closed_again() {
    let shop = one_of_everything().await;
    shop.close(october(), "2025-11-02T08:00:00Z").await;
    let (_, summary) = shop.report(october(), FormatKind::Json).await;
    let again = reconciled_store::period::Closing {
        from: october().from,
        until: october().until,
        last: summary.extent.last,
        digest: summary.digest,
        accepted: std::collections::BTreeMap::default(),
        actor: "operator-1".into(),
        note: String::new(),
        at: "2025-11-02T09:00:00Z".parse().unwrap(),
    };
    let refused = shop.store.close_period(again).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn a_report_of_an_open_period_can_be_made_again_as_it_was() {
    let mut shop = one_of_everything().await;
    shop.begin("2025-11-03T08:00:00Z").await;
    let mut new = quiet(1);
    new.credits = vec![credit(12, "INV00012", 700, "2025-11-03T07:00:00Z")];
    shop.decide("2025-11-03T08:00:02Z", new).await;
    shop.end("2025-11-03T08:00:03Z", &[]).await;
    let (then, summary) = shop.report(november(), FormatKind::Json).await;
    assert!(!summary.extent.over);
    let seen = Seen { last: summary.extent.last, as_of: summary.extent.as_of };
    shop.begin("2025-11-05T08:00:00Z").await;
    let it = Refunding { order: 4, credit: 41, number: "INV00041", amount: 990, refund: "refund-41" };
    shop.refund("2025-11-05T08:00:01Z", &it).await;
    shop.end("2025-11-05T08:00:03Z", &[("order ORD00001", "no answer")]).await;
    let (now, _) = shop.report(november(), FormatKind::Json).await;
    assert_ne!(now, then);
    let (again, _) = shop.report_as_seen(november(), FormatKind::Json, Some(seen)).await;
    assert!(again == then, "{}", String::from_utf8_lossy(&again));
}

#[tokio::test]
async fn a_row_that_the_journal_never_had_is_not_found() {
    let shop = one_of_everything().await;
    let seen = Some(Seen { last: 10_000, as_of: october().until });
    let span = Span { from: october().from, until: october().until, seen };
    let found = shop.store.extent(span).await;
    assert!(matches!(found, Err(StoreError::NotFound(_))), "{found:?}");
}
