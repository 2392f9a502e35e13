//! The published schema and the documented columns are those of the code, and real output is valid.

use std::io::Write as _;
use std::process::{Command, Stdio};

use reconciled::report::period::{FormatKind, Kind, Section};
use serde_json::{Map, Value, json};

use crate::seed::{Shop, october, one_of_everything};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");

fn published() -> Value {
    serde_json::from_str(&std::fs::read_to_string(SCHEMA).unwrap_or_else(|_| "null".to_owned())).unwrap()
}

/// A type of which `null` is a value too: what nobody knows is not left out.
fn column(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({"type": ["string", "null"]}),
        Kind::Money | Kind::Count => json!({"type": ["integer", "null"]}),
        Kind::Time => json!({"type": ["string", "null"], "format": "date-time", "pattern": "Z$"}),
        Kind::Flag => json!({"type": "boolean"}),
    }
}

fn section(section: Section) -> Value {
    let mut properties = Map::new();
    for it in section.columns() {
        let name = if it.kind == Kind::Money { format!("{}_minor", it.key) } else { it.key.to_owned() };
        properties.insert(name, column(it.kind));
    }
    let required: Vec<String> = properties.keys().cloned().collect();
    let rows = json!({
        "type": "object", "additionalProperties": false, "required": required, "properties": properties,
    });
    json!({"title": section.title(), "description": section.about(), "type": "array", "items": rows})
}

fn generated() -> Value {
    let text = json!({"type": "string"});
    let time = json!({"type": "string", "format": "date-time", "pattern": "Z$"});
    let digest = json!({"type": "string", "pattern": "^[0-9a-f]{64}$"});
    let mut shop = Map::new();
    for name in ["shop", "environment", "region", "shop_id", "currency"] {
        shop.insert(name.into(), text.clone());
    }
    for name in ["from", "until", "as_of"] {
        shop.insert(name.into(), time.clone());
    }
    for name in ["over", "adds_up"] {
        shop.insert(name.into(), json!({"type": "boolean"}));
    }
    shop.insert("difference_minor".into(), json!({"type": "integer"}));
    shop.insert("digest".into(), digest.clone());
    for it in Section::ALL {
        shop.insert(it.key().into(), section(*it));
    }
    let required: Vec<String> = shop.keys().cloned().collect();
    let marked = json!({
        "type": "object", "additionalProperties": false,
        "required": ["shop", "language", "as_of", "first", "last", "hash_last", "digest"],
        "properties": {
            "shop": text, "language": text, "as_of": time, "first": {"type": "integer"}, "last": {"type": "integer"},
            "hash_last": digest, "digest": digest,
        },
    });
    let shops = json!({
        "type": "object", "additionalProperties": false, "required": required, "properties": shop,
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A report of reconciled over a period (reconciled report --format json)",
        "description": "Amounts are integers in minor units; times are RFC 3339 in UTC.",
        "type": "object", "additionalProperties": false, "required": ["shops", "mark"],
        "properties": {
            "shops": {"type": "array", "items": shops},
            "mark": {
                "type": "object", "additionalProperties": false,
                "required": ["reconciled_report", "format", "from", "until", "shops"],
                "properties": {
                    "reconciled_report": {"const": 1}, "format": {"const": "json"}, "from": time, "until": time,
                    "shops": {"type": "array", "items": marked},
                },
            },
        },
    })
}

#[test]
fn the_published_schema_is_that_of_the_code() {
    let made = generated();
    assert!(published() == made, "docs/report.schema.json is to be:\n{}", serde_json::to_string_pretty(&made).unwrap());
}

/// What a validator that shares nothing with this program says of a report, a line each.
const VALIDATE: &str = "import json, jsonschema, sys
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
for error in jsonschema.Draft202012Validator(schema).iter_errors(json.load(sys.stdin)):
    print(error.json_path, error.message[:200])";

/// Debian's own Python has the library, wherever another one comes first.
fn breaches(report: &str) -> Vec<String> {
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", VALIDATE, SCHEMA]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("python3 is needed, as ./test says");
    child.stdin.take().unwrap().write_all(report.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn real_reports_are_valid() {
    for shop in [one_of_everything().await, Shop::new().await] {
        assert_eq!(breaches(&shop.text(october(), FormatKind::Json).await), Vec::<String>::new());
    }
    let mut wrong: Value =
        serde_json::from_str(&one_of_everything().await.text(october(), FormatKind::Json).await).unwrap();
    wrong["shops"][0]["credit_invoices"][0]["amount_minor"] = json!("44.95");
    let found = breaches(&wrong.to_string());
    assert!(found.iter().any(|it| it.contains("44.95")), "an amount that is text is no amount: {found:?}");
}

#[test]
fn every_column_is_documented() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.md")).unwrap();
    for section in Section::ALL {
        let heading = format!("### `{}`", section.key());
        let part = page.split(&heading).nth(1).unwrap_or_else(|| panic!("docs/report.md has no {heading}"));
        let part = part.split("\n### ").next().unwrap();
        for column in section.columns() {
            assert!(part.contains(&format!("`{}`", column.key)), "{heading} does not say what `{}` is", column.key);
        }
    }
}
