//! What people read: the text of `reconcile`, `show` and `breaks list` over the demonstration shop, word for word.
//!
//! `UPDATE_GOLDEN=1` writes the pages under `tests/golden` anew.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use crate::support::{Ran, Rig};

/// Ids, hashes and times become words; everything else stays as it was printed.
fn normalised(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words = line.split_inclusive([' ', ',', ';', '(', ')', '`']).map(normal).collect::<String>();
        words.trim_end().to_owned()
    });
    lines.map(|line| format!("{}\n", squeezed(&line))).collect()
}

/// One word with the character that ended it.
fn normal(word: &str) -> String {
    let bare = word.trim_end_matches([' ', ',', ';', '(', ')', '`', '.']);
    let rest = &word[bare.len()..];
    if bare.len() == 36 && uuid::Uuid::try_parse(bare).is_ok() {
        format!("UUID{rest}")
    } else if bare.parse::<Timestamp>().is_ok() {
        format!("TIME{rest}")
    } else if bare.len() == 10 && bare.parse::<jiff::civil::Date>().is_ok() {
        format!("DATE{rest}")
    } else if bare.len() == 5 && bare.contains(':') && bare.chars().all(|it| it == ':' || it.is_ascii_digit()) {
        format!("HOUR{rest}")
    } else {
        word.to_owned()
    }
}

/// Columns are as wide as their widest id; runs of blanks inside a line say nothing.
fn squeezed(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let words: Vec<&str> = line.split_whitespace().collect();
    let text = format!("{}{}", " ".repeat(indent), words.join(" "));
    let mut text = text;
    for age in 0..60 {
        text = text.replace(&format!("({age} seconds)"), "(AGE)").replace(&format!("{age} seconds old"), "AGE old");
        text = text.replace(&format!(" {age} seconds "), " AGE ");
    }
    text.replace("1 second old", "AGE old").replace(" 1 second ", " AGE ").replace("(1 second)", "(AGE)")
}

#[track_caller]
fn is_told(name: &str, ran: &Ran) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let found = normalised(&ran.out);
    #[expect(clippy::disallowed_methods, reason = "a knob of the test alone")]
    let anew = std::env::var("UPDATE_GOLDEN").is_ok();
    if anew {
        fs::write(&page, &found).unwrap();
    }
    let expected = fs::read_to_string(&page).unwrap_or_default();
    assert!(
        found == expected,
        "{name} differs; UPDATE_GOLDEN=1 writes it anew. Found:\n{found}\nexpected:\n{expected}"
    );
}

#[test]
fn a_dry_run_reads_like_this() {
    is_told("dry-run.txt", &Rig::demo("act = true").run(&["reconcile", "--dry-run"]));
}

#[test]
fn the_pages_of_the_demonstration_shop_read_like_this() {
    let rig = Rig::demo("act = true");
    // One connection at a time, so that the order of what happens at once is the same.
    for order in 1..=13 {
        rig.run(&["reconcile", "--order", &format!("ORD{order:05}")]);
    }
    is_told("reconcile.txt", &rig.run(&["reconcile", "--full"]));
    is_told("breaks-list.txt", &rig.run(&["breaks", "list"]));
    is_told("show-order.txt", &rig.run(&["show", "ORD00002"]));
    is_told("show-held.txt", &rig.run(&["show", "ORD00009"]));
}

/// The events of the journal in the order of a credit invoice's life.
#[test]
fn show_tells_the_life_of_a_credit_invoice_in_order() {
    let rig = Rig::demo("act = true");
    rig.pass();
    let shown = rig.run(&["show", "INV00003"]).ended(0).out.clone();
    let mut at = 0;
    for (what, event) in [
        ("credit invoice INV00003", "first_seen"),
        ("credit invoice INV00003", "refund_intended"),
        ("refund INV00003", "planned"),
        ("refund INV00003", "claimed"),
        ("refund INV00003", "confirmed"),
        ("credit invoice INV00003", "refunded"),
        ("mark paid INV00003", "planned"),
        ("mark paid INV00003", "claimed"),
        ("mark paid INV00003", "confirmed"),
        ("credit invoice INV00003", "paid_seen"),
    ] {
        let mut lines = shown.lines().enumerate().skip(at);
        let found = lines.find(|(_, line)| line.contains(what) && line.split_whitespace().any(|it| it == event));
        at = found.unwrap_or_else(|| panic!("{what} {event} is missing or out of order:\n{shown}")).0 + 1;
    }
}
