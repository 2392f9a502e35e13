//! Alert rules and dashboard speak of what `/metrics` really exports, and of headings that the runbook really has.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and its helpers with it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reconciled::daemon::alarm::Kind;
use reconciled::daemon::board::Board;
use reconciled::daemon::wake;
use reconciled::notify::digest;
use reconciled::web::{self, Site};
use reconciled_core::discrepancy::BreakKind;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// What a service without a shop says at `/metrics`: every family is described all the same.
async fn metrics() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (waker, _hints) = wake::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(web::serve(listener, Site::new(Board::default(), waker), async move {
        let _ = stopped.await;
    }));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    text
}

/// The names under which Prometheus keeps the families: a counter's samples end in `_total`.
async fn exported() -> BTreeSet<String> {
    let text = metrics().await;
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names = families.map(|family| match family.split_once(' ').unwrap() {
        (name, "counter") => format!("{name}_total"),
        (name, _) => name.to_owned(),
    });
    names.collect()
}

/// Everything in an expression that is named like a metric of ours.
fn ours(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter: char| !is_part(letter));
    words.filter(|word| word.starts_with("reconciled_")).map(str::to_owned).collect()
}

/// The address of every heading of the runbook.
fn anchors() -> BTreeSet<String> {
    let page = page("runbook.md");
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    headings.map(|heading| heading.to_lowercase().replace(' ', "-")).collect()
}

/// `docs/runbook.md#x` and `docs/runbook.md#{{ $labels.kind }}`.
fn is_heading(address: &str) -> bool {
    let Some(anchor) = address.strip_prefix("docs/runbook.md#") else { return false };
    anchor == "{{ $labels.kind }}" || anchors().contains(anchor)
}

/// One rule of the file, as its keys and values.
struct Rule {
    name: String,
    expr: String,
    severity: String,
    summary: String,
    runbook: String,
}

/// Reads the one form of YAML the rules are written in, strictly: fixed indents, one value per line, quotes around
/// whatever contains braces. Anything else is an error, so that nothing is overlooked.
fn rules(text: &str) -> Result<Vec<Rule>, String> {
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.is_empty()).peekable();
    for expected in ["groups:", "  - name: reconciled", "    rules:"] {
        let line = lines.next().unwrap_or_default();
        if line != expected {
            return Err(format!("`{line}` instead of `{expected}`"));
        }
    }
    let mut rules = Vec::new();
    while lines.peek().is_some() {
        let mut value = |key: &str, is_optional: bool| -> Result<String, String> {
            let line = *lines.peek().ok_or_else(|| format!("no {key}"))?;
            match line.strip_prefix(key) {
                Some(rest) => {
                    lines.next();
                    scalar(rest).ok_or_else(|| format!("`{line}` is no single value"))
                }
                None if is_optional => Ok(String::new()),
                None => Err(format!("`{line}` instead of `{key}`")),
            }
        };
        let (name, expr) = (value("      - alert:", false)?, value("        expr:", false)?);
        value("        for:", true)?;
        value("        labels:", false)?;
        let severity = value("          severity:", false)?;
        value("        annotations:", false)?;
        let (summary, runbook) = (value("          summary:", false)?, value("          runbook:", false)?);
        rules.push(Rule { name, expr, severity, summary, runbook });
    }
    Ok(rules)
}

/// A plain or double-quoted value on one line, nothing for a key with children.
fn scalar(rest: &str) -> Option<String> {
    let text = rest.trim_start();
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.strip_suffix('"').filter(|inner| !inner.contains(['"', '\\'])).map(str::to_owned);
    }
    let is_plain = !text.starts_with(['{', '[', '&', '*', '!', '|', '>', '\'', '%', '@', '`'])
        && !text.contains(": ")
        && !text.contains(" #");
    is_plain.then(|| text.to_owned())
}

/// Brackets and quotes of an expression match.
fn is_balanced(expr: &str) -> bool {
    let mut open = Vec::new();
    let mut is_quoted = false;
    for letter in expr.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.pop() != Some(letter) => return false,
            _ => {}
        }
    }
    open.is_empty() && !is_quoted
}

#[tokio::test]
async fn every_alert_is_about_something_exported_and_leads_to_a_heading() {
    let (exported, rules) = (exported().await, rules(&page("alerts.yml")).unwrap());
    assert!(rules.len() >= 10);
    let names: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names.len(), rules.len(), "a name stands twice");
    for rule in &rules {
        let name = &rule.name;
        let asked = ours(&rule.expr);
        let unknown: Vec<_> = asked.difference(&exported).collect();
        assert!(unknown.is_empty(), "{name} asks for {unknown:?}, which is not exported");
        assert!(!asked.is_empty() || rule.expr.starts_with("up{"), "{name} asks for nothing of ours");
        assert!(is_balanced(&rule.expr), "{name}: {}", rule.expr);
        assert!(["critical", "warning"].contains(&rule.severity.as_str()), "{name}");
        assert!(is_balanced(&rule.summary) && !rule.summary.is_empty(), "{name}");
        assert!(is_heading(&rule.runbook), "{name} leads to {}", rule.runbook);
    }
}

#[tokio::test]
async fn every_panel_shows_something_exported_and_everything_exported_is_shown() {
    let exported = exported().await;
    let board: Value = serde_json::from_str(&page("grafana.json")).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let mut shown = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id stands twice");
        for target in panel["targets"].as_array().unwrap() {
            let expr = target["expr"].as_str().unwrap();
            assert!(is_balanced(expr), "{title}: {expr}");
            shown.extend(ours(expr));
        }
        if let Some(about) = panel["description"].as_str().filter(|about| about.contains('#')) {
            assert!(is_heading(about), "{title} leads to {about}");
        }
    }
    assert_eq!(shown, exported);
    let variables = board["templating"]["list"].as_array().unwrap();
    for variable in variables {
        let asked = ours(&variable.to_string());
        assert!(asked.is_subset(&exported), "{asked:?}");
    }
}

#[test]
fn every_notification_leads_to_a_heading() {
    let breaks = BreakKind::ALL.iter().copied().map(Kind::Break);
    for kind in breaks.chain(Kind::SERVICE) {
        assert!(is_heading(&digest::runbook(kind)), "{}", kind.name());
    }
}

#[test]
fn the_checks_can_fail() {
    assert!(rules("groups:\n  - name: other\n").is_err());
    let rule = "groups:\n  - name: reconciled\n    rules:\n      - alert: A\n        expr: a\n";
    assert!(rules(rule).is_err());
    assert!(!is_balanced("sum(a{b=\"c\"}") && !is_balanced("a)") && is_balanced("a{b=\")\"}"));
    assert!(!is_heading("docs/runbook.md#nowhere") && !is_heading("elsewhere#refund_missing"));
    assert_eq!(ours("rate(reconciled_x_total[5m]) + other_y").into_iter().collect::<Vec<_>>(), ["reconciled_x_total"]);
}
