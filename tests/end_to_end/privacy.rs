//! People and secrets: whatever happens, none of them is in any output, nor in anything that is kept.

use std::fs;
use std::thread;

use reconciled_sandbox::{BodyFormat, FaultKind, Side, person};
use serde_json::json;

use crate::support::{DRIVE, Rig, read};

/// Whether these bytes hold that word.
fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|it| it == word.as_bytes())
}

/// Every file of the rig but those four that hold the secrets.
#[track_caller]
fn nothing_is_kept(rig: &Rig) {
    let mut searched = 0;
    for entry in fs::read_dir(rig.path("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("main.") || path.is_dir() {
            continue;
        }
        let bytes = read(&path);
        searched += bytes.len();
        for word in rig.never_shown() {
            assert!(!holds(&bytes, &word), "`{word}` is in {name}");
        }
    }
    assert!(searched > 100_000, "only {searched} bytes were searched");
}

/// Everything a person can ask for; `finish` searches what is printed.
fn ask_for_everything(rig: &Rig) {
    rig.run(&["-vv", "reconcile"]);
    rig.run(&["-vv", "reconcile", "--full", "--json"]);
    for pair in rig.pairs() {
        rig.run(&["show", &pair.shop.number]);
        rig.run(&["show", &pair.shop.number, "--json"]);
    }
    rig.run(&["breaks", "list", "--all", "--json"]);
    rig.run(&["store", "info", "--json"]).ended(0);
    rig.audit();
}

#[test]
fn nothing_of_a_person_or_a_secret_is_printed_or_kept_when_all_goes_well() {
    let rig = Rig::demo(DRIVE);
    ask_for_everything(&rig);
    let backup = rig.path("backup.db");
    rig.run(&["store", "backup", backup.to_str().unwrap()]).ended(0);
    nothing_is_kept(&rig);
    // The search can fail: the same words are in what the services say.
    assert!(rig.never_shown().contains(&person::EMAIL.to_owned()));
}

#[test]
fn nothing_of_a_person_or_a_secret_is_printed_or_kept_when_much_goes_wrong() {
    thread::scope(|scope| {
        for kind in 0..7 {
            for side in [Side::Klarna, Side::Lightspeed] {
                scope.spawn(move || goes_wrong(kind, side));
            }
        }
    });
}

fn goes_wrong(kind: usize, side: Side) {
    let rig = Rig::demo(DRIVE);
    // Bodies that repeat the secrets and the person, as a debugging proxy would.
    let words = rig.never_shown().join(" ");
    let echo = json!({"error_code": "BAD_VALUE", "error_messages": ["not a valid amount"], "correlation_id": "1"});
    let kinds = [
        FaultKind::Status { code: 500, format: BodyFormat::Html },
        FaultKind::Status { code: 401, format: BodyFormat::Html },
        FaultKind::Body { text: format!("<html>{words}</html>") },
        FaultKind::Body { text: format!("{{\"order\": \"{words}\"") },
        FaultKind::Body { text: echo.to_string() },
        FaultKind::Redirect { code: 302, location: format!("http://127.0.0.1:1/{}", words.replace(' ', "/")) },
        FaultKind::Garbage,
    ];
    for method in ["GET", "POST,PATCH,PUT"] {
        rig.clear_faults();
        rig.fault_always(side, method, "*", kinds[kind].clone());
        rig.run(&["-vv", "reconcile", "--full"]);
    }
    rig.clear_faults();
    rig.run(&["-vv", "reconcile", "--json"]);
    rig.run(&["show", "ORD00002", "--json"]);
    rig.run(&["breaks", "list", "--all"]);
    nothing_is_kept(&rig);
}

#[test]
fn a_secret_that_is_refused_is_not_repeated() {
    let rig = Rig::demo(DRIVE);
    for (name, canary) in [
        ("main.lightspeed-key", "0badc0de0badc0de0badc0de0badc0de"),
        ("main.lightspeed-secret", "ca11ab1eca11ab1eca11ab1eca11ab1e"),
        ("main.klarna-username", "canary-1f0c4c80-5f44-4bb1-9d1e-6a2c0f8e7d11"),
        ("main.klarna-password", "klarna_test_api_Q0FOQVJZXzlmMw"),
    ] {
        rig.secret(name, canary);
        rig.run(&["-vv", "reconcile"]);
        rig.run(&["-vv", "reconcile", "--json"]);
    }
    nothing_is_kept(&rig);
}

#[test]
fn the_demonstration_command_keeps_its_made_up_people_to_itself() {
    let rig = Rig::empty(DRIVE);
    let ran = rig.run(&["-vv", "demo", "--keep", rig.path("demo").to_str().unwrap()]);
    ran.ended(0);
    let kept = [read(&rig.path("demo/reconciled.db")), read(&rig.path("demo/reconciled.db-wal"))].concat();
    assert!(kept.len() > 50_000);
    for word in [person::FIRST, person::EMAIL, person::STREET, person::ZIP, person::PHONE, person::CITY] {
        assert!(!holds(&kept, word), "`{word}` is in the store");
    }
}
