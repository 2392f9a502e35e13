//! The runbook covers exactly the closed list of breaks, and every command in it is one of this program's.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and its helpers with it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::Parser as _;
use reconciled::cli::Cli;
use reconciled_core::discrepancy::BreakKind;

fn runbook() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbook.md")).unwrap()
}

/// Heading and text of every third-level section.
fn sections(page: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            found.push((heading.to_owned(), String::new()));
            inside = true;
        } else if line.starts_with("## ") {
            inside = false;
        } else if let Some((_, text)) = found.last_mut().filter(|_| inside) {
            text.push_str(line);
            text.push('\n');
        }
    }
    found
}

fn is_kind(heading: &str) -> bool {
    heading.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// Kinds with their severities, as the program and the contract know them.
fn kinds() -> BTreeSet<(String, &'static str)> {
    let known = BreakKind::ALL.iter().map(|kind| (kind.name().to_owned(), kind.severity().name()));
    known.collect()
}

#[test]
fn it_has_a_heading_for_exactly_the_closed_list() {
    let page = runbook();
    let listed: Vec<(String, &str)> = sections(&page)
        .into_iter()
        .filter(|(heading, _)| is_kind(heading))
        .map(|(heading, text)| {
            let severity = if text.contains("**Means** (money).") { "money" } else { "action" };
            (heading, severity)
        })
        .collect();
    let distinct: BTreeSet<(String, &str)> = listed.iter().cloned().collect();
    assert_eq!(distinct.len(), listed.len(), "a heading stands twice");
    assert_eq!(distinct, kinds());
}

#[test]
fn every_kind_has_its_meaning_a_first_look_a_remedy_and_when_to_call() {
    for (heading, text) in sections(&runbook()).iter().filter(|(heading, _)| is_kind(heading)) {
        let labels = ["**Means** (", "**First look.**", "**Remedy.**", "**Call Klarna**"];
        let places: Vec<usize> = labels.iter().map(|label| text.find(label).unwrap_or(usize::MAX)).collect();
        assert!(places.is_sorted() && !places.contains(&usize::MAX), "{heading} lacks one of {labels:?}");
        let part = |from: usize, to: usize| text.get(from..to).unwrap();
        for (what, part) in [("first look", part(places[1], places[2])), ("remedy", part(places[2], places[3]))] {
            assert!(part.contains("`reconciled "), "{heading} has no command in its {what}");
        }
    }
}

/// Every command of this program on the page: whole lines of code, and what stands in backticks.
fn commands(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            found.push(line.split('#').next().unwrap_or_default().trim().to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    let ours = found.into_iter().map(|text| match text.strip_prefix("sudo -u _reconciled ") {
        Some(rest) => rest.to_owned(),
        None => text,
    });
    ours.filter(|text| text.starts_with("reconciled ")).collect()
}

/// The words of a command line, with single quotes as a shell reads them.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn every_command_is_understood_by_the_program() {
    let all = commands(&runbook());
    assert!(all.len() > 80, "only {} commands were found", all.len());
    let wrong: Vec<String> = all
        .iter()
        .filter_map(|command| Cli::try_parse_from(words(command)).err().map(|why| format!("{command}: {why}")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(Cli::try_parse_from(words("reconciled adopt REFUND --because 'x'")).is_err());
}

#[test]
fn every_link_inside_the_page_leads_somewhere() {
    let page = runbook();
    let anchor = |heading: &str| heading.to_lowercase().replace(' ', "-");
    let anchors: BTreeSet<String> = sections(&page).iter().map(|(heading, _)| anchor(heading)).collect();
    let links: Vec<&str> = page.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert!(!links.is_empty());
    for link in links {
        assert!(anchors.contains(link), "#{link}");
    }
}
