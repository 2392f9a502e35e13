//! The command line from outside: help, exit statuses, what is printed, and that nothing printed can steer a terminal.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and its helpers with it")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use clap::CommandFactory as _;
use jiff::Timestamp;
use proptest::prelude::*;
use reconciled::cli::{self, Cli};
use reconciled::report::text::plain;
use reconciled::report::{Calls, Checked, EffectRow, NotChecked, Outcome, PassReport, human, json, words};
use reconciled_core::breaks::BreakStatus;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{IntentId, InvoiceNumber, OrderNumber, PassId, ShopName};
use reconciled_core::intent::Kind;
use reconciled_core::money::{Currency, Minor};
use reconciled_sides::http::ReadWrite;
use reconciled_store::Break;
use reconciled_store::sqlite::{PassLock, SqliteStore};
use serde_json::Value;
use uuid::Uuid;

/// Runs the program with nothing of this machine's environment but a path and a directory for temporary files.
fn run(arguments: &[&str]) -> Output {
    run_in(Path::new("/"), arguments)
}

fn run_in(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
    command.args(arguments).current_dir(directory).env_clear().env("USER", "jo").env("TMPDIR", std::env::temp_dir());
    command.output().unwrap()
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

// --- the tree ------------------------------------------------------------------------------------

#[test]
fn verify_cli() {
    Cli::command().debug_assert();
}

#[test]
fn help_is_as_it_was() {
    fn walk(command: &mut clap::Command, path: &str, all: &mut String) {
        let path = format!("{path} {}", command.get_name());
        writeln!(all, "=== {}\n{}", path.trim(), command.render_long_help()).unwrap();
        let names: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
        for name in names.iter().filter(|name| *name != "help") {
            walk(command.find_subcommand_mut(name).unwrap(), &path, all);
        }
    }
    let mut tree = Cli::command().term_width(100);
    tree.build();
    let mut all = String::new();
    walk(&mut tree, "", &mut all);
    insta::assert_snapshot!("help", all);
}

#[test]
fn only_what_works_is_offered() {
    let tree = Cli::command();
    assert!(tree.find_subcommand("settle").is_none());
}

#[test]
fn wrong_usage_ends_with_2_and_says_so_on_stderr() {
    for arguments in [
        &["frob"][..],
        &[],
        &["show"],
        &["hold", "ORD00001"],
        &["hold", "ORD00001", "--note", " "],
        &["stop", "--note", " "],
        &["breaks", "ack", "one", "--note", "x"],
        &["reconcile", "--since", "yesterday"],
        &["reconcile", "--since", "2026-01-01", "--full"],
        &["sandbox", "--listen", "0.0.0.0"],
        &["sandbox", "--set", "no-such-switch=1"],
        &["completions", "tcsh"],
        &["--config", "/nonexistent", "reconcile"],
        &["show", "ORD00001"],
        &["-v", "-q", "man"],
    ] {
        let output = run(arguments);
        assert_eq!(status(&output), 2, "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_data() {
    for arguments in [&["--help"][..], &["-h"], &["--version"], &["reconcile", "--help"], &["help", "breaks"]] {
        let output = run(arguments);
        assert_eq!(status(&output), 0, "{arguments:?}");
        assert!(output.stderr.is_empty() && !output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stdout.contains(&0x1b), "no colours into a pipe");
    }
}

#[test]
fn completions_and_the_manual_page_are_generated() {
    for (shell, sign) in
        [("bash", "complete -F _reconciled"), ("zsh", "#compdef reconciled"), ("fish", "complete -c reconciled")]
    {
        let output = run(&["completions", shell]);
        assert_eq!(status(&output), 0);
        assert!(text(&output.stdout).contains(sign), "{shell}");
    }
    let page = text(&run(&["man"]).stdout);
    assert!(page.contains(".TH reconciled 1") && page.is_ascii(), "old formatters read ASCII only");
    for command in ["RECONCILED RECONCILE", "RECONCILED BREAKS ACK", "RECONCILED STORE BACKUP"] {
        assert!(page.contains(&format!(".SH \"{command}\"")), "{command}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let program = env!("CARGO_BIN_EXE_reconciled");
    let script = format!("set -o pipefail; {program} man | head -c 10 >/dev/null");
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!((status(&output), text(&output.stderr)), (0, String::new()));
}

#[test]
fn a_moment_is_rfc_3339_or_a_day() {
    assert_eq!(cli::since("2026-01-31"), Ok(at("2026-01-31T00:00:00Z")));
    assert_eq!(cli::since("2026-01-31T09:00:00+01:00"), Ok(at("2026-01-31T08:00:00Z")));
    for wrong in ["", "now", "31-01-2026", "2026-02-30", "2026-01-31T09:00:00"] {
        assert!(cli::since(wrong).is_err(), "{wrong}");
    }
}

// --- text of the other sides ---------------------------------------------------------------------

proptest! {
    #[test]
    fn nothing_that_steers_a_terminal_survives(hostile in any::<String>()) {
        let safe = plain(&hostile);
        let turns = |c: char| ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
        let clean = !safe.contains(|c: char| c.is_control() || turns(c));
        prop_assert!(clean);
        prop_assert!(hostile.chars().count() > 400 || safe.chars().count() >= hostile.chars().count());
        if safe.chars().count() <= 400 {
            prop_assert_eq!(plain(&safe), safe);
        }
    }

    #[test]
    fn ordinary_text_stays(text in "[ -~à-ž€äöüß]{0,400}") {
        prop_assert_eq!(plain(&text), text);
    }
}

#[test]
fn long_text_is_cut() {
    assert_eq!(plain(&"x".repeat(100_000)).chars().count(), 401);
    assert_eq!(plain("a\r\n\u{1b}[31m\u{202e}b"), "a\\u{d}\\u{a}\\u{1b}[31m\\u{202e}b");
}

#[test]
fn ages_and_counts_read_well() {
    let from = at("2026-01-01T00:00:00Z");
    for (to, expected) in [
        ("2025-12-31T00:00:00Z", "0 seconds"),
        ("2026-01-01T00:00:01Z", "1 second"),
        ("2026-01-01T00:59:59Z", "59 minutes"),
        ("2026-01-01T01:00:00Z", "1 hour"),
        ("2026-01-02T23:59:59Z", "47 hours"),
        ("2026-01-03T00:00:00Z", "2 days"),
    ] {
        assert_eq!(words::age(from, at(to)), expected);
    }
    assert_eq!(words::money(Minor::new(-5).unwrap(), Some(Currency::EUR)), "-0.05 EUR");
}

// --- the report ----------------------------------------------------------------------------------

fn hand_made() -> (PassReport, Vec<Break>) {
    let effect = EffectRow {
        intent: IntentId(Uuid::from_u128(1)),
        kind: Kind::Refund,
        order: OrderNumber("ORD00018".to_owned()),
        credit_invoice: Some(InvoiceNumber("INV00038".to_owned())),
        amount: Minor::new(4495).unwrap(),
        reference: "INV00038".to_owned(),
        key: Uuid::from_u128(2),
        outcome: Outcome::Confirmed,
        superseded: false,
        why: "credit invoice INV00038 is not paid".to_owned(),
    };
    let report = PassReport {
        shop: ShopName("main".to_owned()),
        pass: PassId(Uuid::from_u128(3)),
        started_at: at("2026-01-01T10:00:00Z"),
        finished_at: at("2026-01-01T10:00:05Z"),
        dry_run: false,
        currency: Some(Currency::EUR),
        checked: Checked { orders: 12, credit_invoices: 4, klarna_orders: 12 },
        effects: vec![effect],
        calls: Calls { lightspeed: ReadWrite { read: 3, write: 1 }, klarna: ReadWrite { read: 12, write: 1 } },
        calls_left: Vec::new(),
        not_checked: vec![NotChecked {
            what: "order ORD00020".to_owned(),
            why: "Klarna answered 503".to_owned(),
            side: None,
        }],
    };
    let open = Break {
        id: 7,
        kind: BreakKind::RefundUnattributed,
        order: Some(OrderNumber("ORD00018".to_owned())),
        credit_invoice: None,
        subject: "r".to_owned(),
        amount: Some(Minor::new(2500).unwrap()),
        message: "25.00 was refunded\u{1b}[2J".to_owned(),
        opened_at: at("2026-01-01T09:00:00Z"),
        status: BreakStatus::Open,
        note: None,
        assigned: None,
        remedy: None,
        offer: None,
        proposal: None,
    };
    (report, vec![open])
}

#[tokio::test]
async fn the_json_of_a_report_is_the_contracts() {
    let (report, breaks) = hand_made();
    let store = SqliteStore::in_memory(report.shop.clone()).unwrap();
    let mut out = Vec::new();
    json::pass(&mut out, &report, Some(&store), &breaks).await.unwrap();
    let expected = concat!(
        r#"{"shop":"main","pass":"00000000-0000-0000-0000-000000000003","started_at":"2026-01-01T10:00:00Z","#,
        r#""finished_at":"2026-01-01T10:00:05Z","dry_run":false,"complete":false,"#,
        r#""checked":{"orders":12,"credit_invoices":4,"klarna_orders":12},"orders":[],"#,
        r#""effects":[{"intent":"00000000-0000-0000-0000-000000000001","kind":"refund","order":"ORD00018","#,
        r#""credit_invoice":"INV00038","amount_minor":4495,"reference":"INV00038","#,
        r#""idempotency_key":"00000000-0000-0000-0000-000000000002","outcome":"confirmed","#,
        r#""why":"credit invoice INV00038 is not paid"}],"#,
        r#""breaks":[{"id":"7","kind":"refund_unattributed","severity":"money","order":"ORD00018","#,
        r#""credit_invoice":null,"amount_minor":2500,"opened_at":"2026-01-01T09:00:00Z","age_seconds":3605,"#,
        r#""status":"open","message":"25.00 was refunded\u001b[2J","remedy":"`reconciled explain "#,
        r#"refund_unattributed` says what it means and what to do. See docs/runbook.md#refund_unattributed."}],"#,
        r#""calls":{"lightspeed":{"read":3,"write":1},"klarna":{"read":12,"write":1}},"#,
        r#""not_checked":[{"what":"order ORD00020","why":"Klarna answered 503"}]}"#,
        "\n"
    );
    assert_eq!(text(&out), expected);
}

#[tokio::test]
async fn the_text_of_a_report_says_what_a_merchant_asks() {
    let (mut report, breaks) = hand_made();
    let mut out = Vec::new();
    human::pass::<SqliteStore, _>(&mut out, &report, None, &breaks).await.unwrap();
    let styled = text(&out);
    let shown = anstream::adapter::strip_str(&styled).to_string();
    for part in [
        "Done (1)",
        "44.95 EUR",
        "Needs a human (1)",
        "break 7: a refund at Klarna that no credit invoice explains (refund_unattributed)",
        "order ORD00018 · 25.00 EUR · 1 hour old · open",
        "25.00 was refunded\\u{1b}[2J",
        "Not checked (1)",
        "order ORD00020: Klarna answered 503",
        "Not everything could be checked",
    ] {
        assert!(shown.contains(part), "{part} is missing in:\n{shown}");
    }
    report.not_checked.clear();
    let mut out = Vec::new();
    human::pass::<SqliteStore, _>(&mut out, &report, None, &[]).await.unwrap();
    assert!(text(&out).ends_with("Everything that was looked at agrees, or is under way inside its grace.\n"));
}

// --- the whole program ---------------------------------------------------------------------------

/// A demonstration that has run once; its sandbox is gone, its store stays.
fn demo() -> &'static (Output, tempfile::TempDir) {
    static DEMO: OnceLock<(Output, tempfile::TempDir)> = OnceLock::new();
    DEMO.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let output = run(&["demo", "--json", "--keep", directory.path().to_str().unwrap()]);
        (output, directory)
    })
}

/// A copy of the demonstration that a test may change.
fn rehearsal() -> (tempfile::TempDir, PathBuf) {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(demo().1.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let config = copy.path().join("reconciled.toml");
    (copy, config)
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_demonstration_comes_to_rest_and_its_json_is_the_contracts() {
    let output = &demo().0;
    assert_eq!(status(output), 0, "{}", text(&output.stderr));
    let passes: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (first, last) = (&passes[0], passes.last().unwrap());
    assert!(passes.len() >= 2 && last["complete"] == Value::Bool(true));
    let done = first["effects"].as_array().unwrap();
    assert!(done.iter().any(|it| it["outcome"] == "confirmed" && it["kind"] == "refund"));
    let sent_again = last["effects"].as_array().unwrap().iter().filter(|it| it["outcome"] == "confirmed").count();
    assert_eq!(sent_again, 0);
    let order = last["orders"].as_array().unwrap().iter().find(|it| it["number"] == "ORD00003").unwrap();
    assert_eq!(
        keys(order),
        ["amount", "captured_minor", "credit_invoices", "klarna_order_id", "number", "refunded_minor", "state"]
    );
    assert_eq!((order["state"].as_str(), order["refunded_minor"].as_i64()), (Some("paid"), Some(4495)));
    let credit = &order["credit_invoices"][0];
    assert_eq!(keys(credit), ["amount_minor", "number", "refund_id", "state"]);
    assert!(credit["refund_id"].is_string());
}

#[test]
fn the_demonstration_leaves_a_report_that_agrees_with_its_store() {
    let (directory, config) = rehearsal();
    let kept = config.parent().unwrap().join("report.html");
    let page = std::fs::read_to_string(&kept).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("INV00005"), "{page}");
    let arguments = ["--config", config.to_str().unwrap(), "report", "verify", kept.to_str().unwrap()];
    let verified = run_in(directory.path(), &arguments);
    assert_eq!(status(&verified), 0, "{}", text(&verified.stdout));
}

#[test]
fn operators_can_look_and_decide() {
    let (directory, config) = rehearsal();
    let command = |arguments: &[&str]| {
        let all = [&["--config", config.to_str().unwrap()], arguments].concat();
        run_in(directory.path(), &all)
    };
    let shown = text(&command(&["show", "INV00005"]).stdout);
    for part in ["Order ORD00003 is paid", "idempotency key", "refund INV00005", "paid_seen", "44.95 EUR"] {
        assert!(shown.contains(part), "{part} is missing in:\n{shown}");
    }
    let life: Value = serde_json::from_slice(&command(&["show", "ORD00003", "--json"]).stdout).unwrap();
    assert_eq!(
        keys(&life),
        [
            "adopted",
            "breaks",
            "credit_invoices",
            "intents",
            "journal",
            "klarna",
            "lightspeed",
            "named",
            "order",
            "shop"
        ]
    );
    assert_eq!(status(&command(&["show", "ORD99999"])), 2);
    let listed = command(&["breaks", "list", "--json"]);
    assert_eq!(status(&listed), 1);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let breaks = listed["breaks"].as_array().unwrap();
    let refund = breaks.iter().find(|it| it["kind"] == "refund_unattributed").unwrap();
    let (id, order) = (refund["id"].as_str().unwrap(), refund["order"].as_str().unwrap());
    let life: Value = serde_json::from_slice(&command(&["show", order, "--json"]).stdout).unwrap();
    let refund = life["klarna"]["refunds"][0]["id"].as_str().unwrap();
    let credit = life["credit_invoices"][0]["number"].as_str().unwrap();
    let part = format!("{credit}=15.00");
    for (arguments, expected) in [
        (&["breaks", "ack", id, "--note", "looking"][..], 0),
        (&["breaks", "show", id], 0),
        (&["breaks", "show", "999"], 2),
        (&["breaks", "list"], 1),
        (&["hold", order, "--note", "wait", "--as", "Jo"], 0),
        (&["release", order], 0),
        (&["adopt", "no-such-refund", credit, "--note", "x"], 2),
        (&["adopt", refund, order, "--note", "x"], 2),
        (&["adopt", refund, credit, "--note", "it asks for more"], 2),
        (&["adopt", refund, &part, "--note", "in the portal"], 0),
        (&["ignore", refund, "--order", order, "--note", "goodwill after all"], 0),
        (&["approve", order, "--note", "x"], 2),
        (&["approve", "00000000-0000-0000-0000-000000000001", "--note", "x"], 2),
        (&["stop"], 0),
        (&["resume"], 0),
        (&["audit", "verify"], 0),
        (&["store", "info"], 0),
        (&["store", "backup", "copy.db"], 0),
        (&["store", "backup", "copy.db"], 2),
        (&["store", "restore", "copy.db"], 0),
        (&["store", "migrate"], 0),
    ] {
        let output = command(arguments);
        assert_eq!(status(&output), expected, "{arguments:?}: {}", text(&output.stderr));
    }
    let life = text(&command(&["show", order]).stdout);
    assert!(life.contains("Jo") && life.contains("jo"), "the journal names who decided:\n{life}");
}

#[test]
fn a_pass_that_cannot_run_still_says_so_as_json() {
    let (directory, config) = rehearsal();
    let command =
        || run_in(directory.path(), &["--config", config.to_str().unwrap(), "reconcile", "--json", "--no-progress"]);
    // The sandbox is gone: nobody answers.
    let unreachable = command();
    let lock = PassLock::acquire(&directory.path().join("reconciled.db"), &ShopName("main".to_owned())).unwrap();
    let locked = command();
    drop(lock);
    for output in [unreachable, locked] {
        assert_eq!(status(&output), 3, "{}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["complete"], Value::Bool(false));
        assert!(!report["not_checked"].as_array().unwrap().is_empty());
        assert!(!report["breaks"].as_array().unwrap().is_empty());
        assert_eq!(
            keys(&report),
            [
                "breaks",
                "calls",
                "checked",
                "complete",
                "dry_run",
                "effects",
                "finished_at",
                "not_checked",
                "orders",
                "pass",
                "shop",
                "started_at"
            ]
        );
    }
}

#[test]
fn a_store_that_cannot_be_opened_is_reported() {
    let (directory, config) = rehearsal();
    for leftover in ["reconciled.db-wal", "reconciled.db-shm"] {
        let _ = fs::remove_file(directory.path().join(leftover));
    }
    fs::write(directory.path().join("reconciled.db"), "not a database").unwrap();
    let arguments = ["--config", config.to_str().unwrap(), "reconcile", "--json"];
    let output = run_in(directory.path(), &arguments);
    assert_eq!(status(&output), 3);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["complete"], Value::Bool(false));
    let errors = text(&output.stderr);
    assert!(errors.contains("opening the store") && errors.contains("now: "), "{errors}");
}
