//! The audit report of the built program, over a store that real passes made.

use std::fs;

use serde_json::Value;

use crate::support::{DRIVE, Rig, now};

/// From two months ago on: the seeded shop is some weeks old.
fn since() -> String {
    let past = now().checked_sub(jiff::SignedDuration::from_hours(24 * 62)).unwrap();
    past.to_string()
}

fn made(rig: &Rig, format: &str) -> std::path::PathBuf {
    let file = rig.path(&format!("report.{format}"));
    let ran = rig.run(&["report", "--from", &since(), "--format", format, "--output", &file.display().to_string()]);
    assert!(ran.status <= 1, "{}", ran.err);
    file
}

#[test]
fn every_format_of_a_real_store_is_verified_and_an_edited_one_is_not() {
    let rig = Rig::demo(DRIVE);
    rig.passes_until_quiet(6);
    for format in ["json", "csv", "html", "xlsx", "text"] {
        let file = made(&rig, format);
        let name = file.display().to_string();
        rig.run(&["report", "verify", &name]).ended(0).says("agrees with the store");
        let mut bytes = fs::read(&file).unwrap();
        // A digit of the middle, where no mark is.
        let place = bytes.len() / 3;
        bytes[place] ^= 1;
        fs::write(&file, &bytes).unwrap();
        rig.run(&["report", "verify", &name]).ended(1).says("do not agree");
        bytes[place] ^= 1;
        bytes.truncate(bytes.len() / 2);
        fs::write(&file, &bytes).unwrap();
        rig.run(&["report", "verify", &name]).ended(2);
    }
}

#[test]
fn the_report_says_of_each_return_by_which_refund_it_was_paid() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_000, 2_000);
    rig.passes_until_quiet(4);
    let ran = rig.run(&["report", "--from", &since(), "--json"]);
    let report: Value = ran.ended(0).json();
    let shop = &report["shops"][0];
    let row = &shop["credit_invoices"][0];
    assert_eq!(row["credit_invoice"], credit.as_str());
    assert_eq!((row["amount_minor"].as_i64(), row["refund_amount_minor"].as_i64()), (Some(2_000), Some(2_000)));
    assert_eq!((&row["state"], &row["refunded_by"]), (&"paid".into(), &"reconciled".into()));
    let refunds = rig.pair(&order).klarna.refunds;
    assert_eq!(row["refund_id"], refunds[0].id.to_string(), "Klarna knows the refund by this id");
    assert_eq!((&shop["adds_up"], shop["difference_minor"].as_i64()), (&true.into(), Some(0)));
    assert!(shop["effects"][0]["correlation_id"].is_string(), "{shop}");
}

#[test]
fn an_edited_store_disagrees_with_a_report() {
    let rig = Rig::demo(DRIVE);
    rig.passes_until_quiet(6);
    let file = made(&rig, "json").display().to_string();
    let store = rusqlite::Connection::open(rig.store()).unwrap();
    store.execute_batch("DROP TRIGGER movement_is_not_edited; UPDATE movement SET amount = amount + 1").unwrap();
    drop(store);
    rig.run(&["report", "verify", &file]).ended(1).says("digest");
}

#[test]
fn a_period_that_is_not_over_or_not_checked_is_not_closed() {
    let rig = Rig::demo(DRIVE);
    rig.passes_until_quiet(6);
    let month = |days: i64| {
        let past = now().checked_sub(jiff::SignedDuration::from_hours(24 * days)).unwrap();
        past.to_string()[..7].to_owned()
    };
    rig.run(&["report", "close", &month(0)]).ended(2).says("it is not over");
    rig.run(&["report", "close", "2026-13"]).ended(2);
    rig.run(&["report", "close", "october"]).ended(2);
    rig.run(&["report", "verify", "no-such-file"]).ended(3);
}

#[test]
fn a_closed_period_is_verified_against_its_journalled_digest() {
    let rig = Rig::demo(DRIVE);
    rig.passes_until_quiet(6);
    // The month before the journal begins is over, empty, and covered by the passes that ran since.
    let first = now().checked_sub(jiff::SignedDuration::from_hours(24 * 40)).unwrap().to_string()[..7].to_owned();
    rig.run(&["report", "close", &first, "--as", "operator-1"]).ended(0).says("is closed");
    rig.run(&["report", "close", &first]).ended(2).says("what is closed stays so");
    rig.audit();
    let next = month_after(&first);
    let file = rig.path("closed.json").display().to_string();
    let ran = rig.run(&["report", "--from", &first, "--to", &next, "--format", "json", "--output", &file]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    rig.run(&["report", "verify", &file]).ended(0).says("a closed period");
    rig.pass();
    rig.run(&["report", "verify", &file]).ended(0);
}

/// The month after.
fn month_after(month: &str) -> String {
    let first: jiff::civil::Date = format!("{month}-01").parse().unwrap();
    first.checked_add(jiff::Span::new().months(1)).unwrap().to_string()[..7].to_owned()
}
