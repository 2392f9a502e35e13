//! Signed checkpoints of the journal, as an operator makes them and an auditor checks them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{DRIVE, Rig, text};

const SECTION: &str =
    "[checkpoints]\ndirectory = \"signed\"\nkey_file = \"checkpoint.key\"\norigin = \"books.example.com\"";

/// A shop with a real history, a key and a section that names it; and the key's line.
fn rig() -> (Rig, String) {
    let rig = Rig::demo("act = true");
    rig.pass();
    let key = rig.run(&["audit", "key", "--new", rig.path("checkpoint.key").to_str().unwrap()]).ended(0).out.clone();
    assert!(key.starts_with("reconciled/main+"), "{key}");
    rig.configure_as("nl", "act = true", SECTION);
    let key = rig.run(&["audit", "key"]).ended(0).out.trim().to_owned();
    assert!(key.starts_with("books.example.com/main+"), "{key}");
    (rig, key)
}

#[track_caller]
fn sign(rig: &Rig) -> PathBuf {
    let told = rig.run(&["audit", "checkpoint", "--json"]).ended(0).json();
    assert_eq!(fs::read_to_string(text(&told["file"])).unwrap(), text(&told["note"]));
    PathBuf::from(text(&told["file"]))
}

/// The script's exit status and what it printed, on a copy of the store.
fn script(rig: &Rig, key: &str, checkpoint: &Path) -> (Option<i32>, String) {
    let copy = rig.path("copy.db");
    let _ = fs::remove_file(&copy);
    rig.run(&["store", "backup", copy.to_str().unwrap()]).ended(0);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify-journal.py");
    let ran = Command::new("python3").arg("-B").arg(path).arg(copy).args(["main", key]).arg(checkpoint).output();
    let ran = ran.expect("python3 is needed, as ./test says");
    (ran.status.code(), String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap())
}

#[test]
fn what_was_signed_holds_later_for_the_program_and_for_the_script() {
    let (rig, key) = rig();
    let first = sign(&rig);
    assert_eq!(sign(&rig), first, "nothing happened since, so it is there already");
    rig.run(&["hold", "ORD00002", "--note", "checking"]).ended(0);
    let second = sign(&rig);
    assert_ne!(first, second);
    let files = [first.to_str().unwrap(), second.to_str().unwrap()];
    let held = rig.run(&["audit", "verify", "--checkpoint", files[0], files[1]]);
    assert_eq!(held.ended(0).out.matches(" holds: ").count(), 2, "{}", held.out);
    // Who checks needs the key's line and no secret.
    rig.configure_as("nl", "act = true", "");
    rig.run(&["audit", "verify", "--checkpoint", files[0]]).ended(2).says("--key");
    rig.run(&["audit", "verify", "--checkpoint", files[0], "--key", &key]).ended(0);
    for file in [&first, &second] {
        let (status, said) = script(&rig, &key, file);
        assert_eq!(status, Some(0), "{said}");
    }
}

#[test]
fn a_store_put_back_behind_its_checkpoint_is_noticed_and_not_signed() {
    let (rig, key) = rig();
    let before = rig.path("before.db");
    rig.run(&["store", "backup", before.to_str().unwrap()]).ended(0);
    rig.run(&["hold", "ORD00002", "--note", "checking"]).ended(0);
    rig.run(&["release", "ORD00002", "--note", "checked"]).ended(0);
    let signed = sign(&rig);
    rig.run(&["store", "restore", before.to_str().unwrap()]).ended(0);
    rig.audit();
    let file = signed.to_str().unwrap();
    let told = rig.run(&["audit", "verify", "--json", "--checkpoint", file]).ended(1).json();
    assert_eq!((&told["intact"], text(&told["checkpoints"][0]["status"])), (&true.into(), "truncated".to_owned()));
    rig.run(&["audit", "checkpoint"]).ended(1).says("were signed");
    let (status, said) = script(&rig, &key, &signed);
    assert!(status == Some(1) && said.contains("BROKEN"), "{said}");
    // As long again, and something else.
    rig.run(&["hold", "ORD00003", "--note", "checking"]).ended(0);
    let told = rig.run(&["audit", "verify", "--json", "--checkpoint", file]).ended(1).json();
    assert_eq!(text(&told["checkpoints"][0]["status"]), "rewritten");
    rig.run(&["audit", "checkpoint", "--json"]).ended(1).says("anew");
}

#[test]
fn a_checkpoint_that_proves_nothing_is_not_called_a_proof() {
    let (rig, _) = rig();
    let signed = sign(&rig);
    let file = signed.to_str().unwrap();
    let note = fs::read_to_string(&signed).unwrap();
    let missing = rig.path("missing.checkpoint");
    rig.run(&["audit", "verify", "--checkpoint", file, missing.to_str().unwrap()]).ended(3).says("proves nothing");
    fs::write(&signed, note.replace("books.example.com/main", "books.example.com/other")).unwrap();
    rig.run(&["audit", "verify", "--checkpoint", file]).ended(3).says("books.example.com/other");
    fs::write(&signed, note.replacen('\n', "\n1", 1)).unwrap();
    rig.run(&["audit", "verify", "--checkpoint", file]).ended(3).says("changed");
    rig.run(&["audit", "verify", "--checkpoint", file, "--key", "nonsense"]).ended(2);
}

#[test]
fn nothing_is_signed_unless_it_is_asked_for_and_no_key_is_replaced() {
    let rig = Rig::empty(DRIVE);
    rig.run(&["audit", "checkpoint"]).ended(2).says("[checkpoints]");
    rig.configure_as("nl", DRIVE, SECTION);
    let missing = rig.run(&["audit", "checkpoint"]);
    missing.ended(2).says("checkpoints.key_file").says("checkpoint.key");
    let key = rig.path("checkpoint.key");
    rig.run(&["audit", "key", "--new", key.to_str().unwrap()]).ended(0);
    let seed = fs::read_to_string(&key).unwrap();
    let ran = rig.run(&["audit", "key", "--new", key.to_str().unwrap()]);
    assert!(ran.status == 3 && !ran.out.contains(seed.trim()) && !ran.err.contains(seed.trim()), "{}", ran.err);
    assert_eq!(fs::read_to_string(&key).unwrap(), seed);
    rig.secret("checkpoint.key", "too-short");
    rig.run(&["audit", "checkpoint"]).ended(2).says("32 bytes");
    assert!(!rig.path("signed").exists());
}
