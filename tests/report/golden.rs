//! What people and programs get, byte for byte.

use reconciled::report::period::FormatKind;

use crate::seed::{november, october, one_of_everything};

#[tokio::test]
async fn october_as_text() {
    insta::assert_snapshot!("text", one_of_everything().await.text(october(), FormatKind::Text).await);
}

#[tokio::test]
async fn october_as_csv() {
    insta::assert_snapshot!("csv", one_of_everything().await.text(october(), FormatKind::Csv).await.replace('\r', ""));
}

#[tokio::test]
async fn october_as_json() {
    insta::assert_snapshot!("json", one_of_everything().await.text(october(), FormatKind::Json).await);
}

#[tokio::test]
async fn october_as_html() {
    insta::assert_snapshot!("html", one_of_everything().await.text(october(), FormatKind::Html).await);
}

#[tokio::test]
async fn the_same_store_gives_the_same_bytes_and_one_digest_in_every_format() {
    let (one, other) = (one_of_everything().await, one_of_everything().await);
    let mut digests = Vec::new();
    for format in FormatKind::ALL {
        let (bytes, summary) = one.report(october(), format).await;
        assert_eq!(bytes, other.report(october(), format).await.0, "{format}");
        assert_eq!(bytes, one.report(october(), format).await.0, "{format}");
        digests.push(summary.digest);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
    let (_, november) = one.report(november(), FormatKind::Text).await;
    assert_ne!(november.digest, digests[0]);
}

#[tokio::test]
async fn the_proof_names_every_cent() {
    let october = one_of_everything().await.json(october()).await;
    let proof = october["proof"].as_array().unwrap();
    let line = |name: &str| {
        let row = proof.iter().find(|row| row["line"] == name).unwrap_or_else(|| panic!("{name}"));
        (row["count"].as_i64(), row["amount_minor"].as_i64().unwrap())
    };
    assert_eq!(line("credits_opening"), (Some(0), 0));
    assert_eq!(line("credits_new"), (Some(3), 4_495 + 2_000 + 990));
    assert_eq!(line("credits_refunded"), (Some(2), 4_495 + 2_000));
    assert_eq!(line("credits_closing"), (Some(1), 990));
    assert_eq!(line("credits_difference"), (None, 0));
    assert_eq!(line("captured"), (Some(4), 40_000));
    assert_eq!(line("refunded"), (Some(4), 4_495 + 2_000 + 1_500 + 10_000));
    assert_eq!(line("refunded_for_credits"), (Some(2), 6_495));
    assert_eq!(line("refunded_for_cancels"), (Some(1), 10_000));
    assert_eq!(line("refunds_difference"), (Some(1), 1_500), "nobody's refund is itemised, not hidden");
    assert_eq!(october["adds_up"], false);
    let item = proof.iter().find(|row| row["line"] == "item").unwrap();
    assert!(item["what"].as_str().unwrap().contains("nobody"), "{item}");
}

#[tokio::test]
async fn each_refund_says_who_made_it_and_when() {
    let october = one_of_everything().await.json(october()).await;
    let credits = october["credit_invoices"].as_array().unwrap();
    let of = |number: &str| credits.iter().find(|row| row["credit_invoice"] == number).unwrap();
    let ours = of("INV00011");
    assert_eq!((&ours["refund_id"], &ours["refunded_by"]), (&"refund-11".into(), &"reconciled".into()));
    assert_eq!(ours["refunded_at"], "2025-10-12T09:00:01Z");
    assert_eq!(ours["correlation_id"], "correlation-refund-11");
    assert_eq!(of("INV00021")["refunded_by"], "by hand, adopted by operator-1");
    assert_eq!(of("INV00041")["is_open"], true);
    assert_eq!(october["other_refunds"][0]["explained_by"], "nothing");
    assert_eq!(october["not_checked"][0]["why"], "Klarna answered 503");
    assert_eq!(october["not_checked"][0]["is_open"], false, "a later pass checked everything");
    assert_eq!(october["decisions"][0]["by"], "operator-1");
}
