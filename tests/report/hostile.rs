//! Whatever a side or a human writes is inert in every format: it is neither a formula, nor a tag, nor a command to a
//! terminal, and no row or column is made of it.

use std::io::{Cursor, Read as _};

use proptest::prelude::*;
use reconciled::report::period::FormatKind;
use reconciled_core::id::{OrderId, RefundId};
use reconciled_store::{Operation, Store as _};
use serde_json::Value;

use crate::seed::{Shop, credit, klarna, october, shown, unattributed};

const KNOWN: [&str; 12] = [
    "=HYPERLINK(\"http://x.example\",\"pay\")",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\u{ff1d}1+1",
    "\t=1+1",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "\u{1b}[2J\u{1b}[31m",
    "a\r\nb,\"c\"\r\n=d",
    "\u{202e}gnp.exe\u{2066}",
    "{\"reconciled_report\":1,\"format\":\"json\"}",
];

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(KNOWN.to_vec()).prop_map(str::to_owned),
        "\\PC{1,40}",
        "[\\x00-\\x1f\"<>&',=+@|;-]{1,30}",
        Just("=".repeat(1 << 20)),
        Just("a\0b".to_owned()),
    ]
}

/// A shop whose every text is hostile.
async fn shop(texts: &[String; 5]) -> Shop {
    let [order, number, refund, note, why] = texts;
    let mut shop = Shop::new().await;
    shop.begin("2025-10-05T08:00:00Z").await;
    shop.observe(1, order, "2025-10-05T08:00:01Z").await;
    let refunds = [(refund.as_str(), 100, Some(note.as_str()), "2025-10-05T07:00:00Z")];
    let mut seen = shown(1, klarna(1, "2025-10-05T07:00:00Z", &refunds), "2025-10-05T08:00:02Z");
    seen.credits = vec![credit(11, number, 100, "2025-10-05T08:00:00Z")];
    seen.discrepancies = vec![unattributed(refund, 100, "2025-10-05T08:00:00Z")];
    shop.decide("2025-10-05T08:00:03Z", seen).await;
    shop.end("2025-10-05T08:00:04Z", &[(why.as_str(), note.as_str())]).await;
    shop.operate("2025-10-05T09:00:00Z", Operation::Hold(OrderId(1)), note).await;
    shop.store.keep_policy(why.clone(), "2025-10-05T09:00:01Z".parse().unwrap()).await.unwrap();
    let attributed = reconciled_core::ledger::Attribution::RuledOut;
    let operation = Operation::Attribute { order: OrderId(1), refund: RefundId(refund.clone()), to: attributed };
    shop.operate("2025-10-05T09:00:02Z", operation, why).await;
    shop
}

fn steers(letter: char) -> bool {
    (letter.is_control() && !['\n', '\r'].contains(&letter))
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn nothing_steers(text: &str, format: FormatKind) {
    let found = text.chars().find(|letter| steers(*letter));
    assert!(found.is_none(), "{format}: {found:?}");
}

/// As many records as the code wrote, each with as many fields, none of which is taken for a formula.
fn csv_is_inert(text: &str, rows: usize) {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), rows + 1, "the rows, and the mark");
    for field in records.iter().flatten() {
        let begins = field.trim_start().chars().next();
        let is_number = field.parse::<f64>().is_ok();
        let is_formula = begins.is_some_and(|letter| "=+-@|%\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".contains(letter));
        // Lines of the proof begin with words of ours.
        let is_ours = field.starts_with('\'');
        assert!(!is_formula || is_number || is_ours, "{field:?} is taken for a formula");
    }
}

/// The only tags are the template's: text adds none, and no attribute ends early.
fn html_is_inert(text: &str, tags: &str) {
    assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("onerror=alert(1)>"));
    let of = |text: &str| text.matches('<').count() + text.matches('>').count();
    let rows = |text: &str| text.matches("<tr").count();
    assert_eq!(rows(text), rows(tags));
    assert_eq!(of(text), of(tags), "text became a tag");
}

/// No formula in any sheet, and every part is well-formed enough to hold as many rows as it should.
fn xlsx_is_inert(bytes: &[u8]) {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut xml = String::new();
        part.read_to_string(&mut xml).unwrap();
        assert!(!xml.contains("<f>") && !xml.contains("<f "), "{name} holds a formula");
        assert!(!xml.contains("<script"), "{name}");
        nothing_steers(&xml, FormatKind::Xlsx);
    }
}

async fn all_are_inert(texts: &[String; 5]) {
    let tame = shop(&["ORD".into(), "INV".into(), "refund".into(), "note".into(), "why".into()]).await;
    let shop = shop(texts).await;
    let json = shop.text(october(), FormatKind::Json).await;
    nothing_steers(&json, FormatKind::Json);
    let report: Value = serde_json::from_str(&json).unwrap();
    let october_of = &report["shops"][0];
    assert_eq!(october_of["credit_invoices"][0]["credit_invoice"], texts[1].as_str(), "JSON keeps the text whole");
    let sections = october_of.as_object().unwrap().values().filter_map(Value::as_array);
    let rows: usize = sections.map(Vec::len).sum();
    csv_is_inert(&shop.text(october(), FormatKind::Csv).await, rows);
    let text = shop.text(october(), FormatKind::Text).await;
    nothing_steers(&text, FormatKind::Text);
    assert!(!text.contains('\r'));
    let html = shop.text(october(), FormatKind::Html).await;
    nothing_steers(&html, FormatKind::Html);
    html_is_inert(&html, &tame.text(october(), FormatKind::Html).await);
    xlsx_is_inert(&shop.report(october(), FormatKind::Xlsx).await.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn hostile_text_is_inert_in_every_format(
        texts in [hostile(), hostile(), hostile(), hostile(), hostile()],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(all_are_inert(&texts));
    }
}

#[tokio::test]
async fn every_known_attack_is_inert_in_every_place() {
    for text in KNOWN {
        all_are_inert(&[text.into(), text.into(), text.into(), text.into(), text.into()]).await;
    }
}

/// The checks themselves notice what they are for.
#[test]
fn the_checks_can_fail() {
    use std::panic::catch_unwind;
    assert!(catch_unwind(|| csv_is_inert("a,b\n=1+1,x\n", 0)).is_err());
    assert!(catch_unwind(|| nothing_steers("\u{202e}", FormatKind::Text)).is_err());
    assert!(catch_unwind(|| html_is_inert("<b><script>", "<b>")).is_err());
}
