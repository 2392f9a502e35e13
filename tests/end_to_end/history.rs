//! What an earlier version concluded is judged again once, by a pass that acts on nothing.

use jiff::SignedDuration;
use rusqlite::Connection;
use serde_json::Value;

use crate::support::{DRIVE, Rig};

/// Makes the store one that an earlier version wrote, and brings it up to date as its operator would.
fn as_an_earlier_version_left_it(rig: &Rig) {
    let conn = Connection::open(rig.store()).unwrap();
    conn.execute_batch(include_str!("../fixtures/back_to_schema_1.sql")).unwrap();
    drop(conn);
    rig.run(&["store", "migrate"]).ended(0);
}

#[test]
fn an_update_looks_back_once_and_acts_on_nothing_while_it_does() {
    let rig = Rig::empty(DRIVE);
    let (settled, _) = rig.returned(5_000, 1_000);
    let (owed, _) = rig.returned(6_000, 2_000);
    rig.pass().ended(0);
    rig.run(&["check", "--history"]).ended(0).says("2 of 2 orders are judged under the present rules; 0 open breaks");
    as_an_earlier_version_left_it(&rig);
    rig.run(&["check", "--history"]).ended(0).says("0 of 2 orders are judged under the present rules");
    // Somebody refunds by hand, and another credit invoice is due.
    rig.with(|world| world.portal_refund(settled.klarna.unwrap(), Some(500), None)).unwrap();
    let credit = rig.credit(&owed, 300);
    rig.clear_log();
    let back = rig.pass();
    back.ended(1);
    assert_eq!(rig.writes(), vec![], "{:#}", back.json);
    assert_eq!(back.effects_of(&owed.number), [("refund".to_owned(), "planned".to_owned())], "{:#}", back.json);
    assert_eq!(back.breaks_of(&settled.number), ["refund_unattributed"]);
    rig.run(&["check", "--history"])
        .ended(1)
        .says("2 of 2 orders are judged under the present rules; 1 open break")
        .says(&settled.number);
    // The next one acts, and looks back at nothing.
    let next = rig.pass();
    assert_eq!(rig.invoice_status(&credit), "paid", "{:#}", next.json);
    rig.audit();
}

/// A setting as a version kept it that wrote policies as `Policy { name: value, … }`.
fn earlier(key: &str, value: &Value) -> String {
    let text = match value {
        Value::Null => "None".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(minor) if key == "two_person_above" => format!("Some(Minor({minor}))"),
        Value::Number(minor) => format!("Minor({minor})"),
        Value::Array(words) => words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join("|"),
        Value::String(text) => match text.parse::<SignedDuration>() {
            Ok(span) => format!("{span:?}"),
            Err(_) => format!("{}{}", text[..1].to_uppercase(), &text[1..]),
        },
        Value::Object(_) => panic!("{key}: {value}"),
    };
    format!("{key}: {text}")
}

/// The same policy in the form of before is the same policy: no quiet order is looked through, and no row says that it
/// changed. Another one still does.
#[test]
fn an_update_is_no_change_of_policy() {
    let rig = Rig::empty(&format!("{DRIVE}\ntwo_person_above = \"500.00\""));
    rig.returned(5_000, 1_000);
    rig.pass().ended(0);
    let conn = Connection::open(rig.store()).unwrap();
    let rows = || conn.query_row("SELECT count(*) FROM journal WHERE event = 'policy'", [], |row| row.get::<_, i64>(0));
    let kept: String = conn.query_row("SELECT policy FROM cursor", [], |row| row.get(0)).unwrap();
    let settings = reconciled_store::policy::decode(&kept).unwrap();
    let settings: Vec<String> = settings.iter().map(|(key, value)| earlier(key, value)).collect();
    let before = format!("Policy {{ {} }}", settings.join(", "));
    assert!(before.contains("refunds: Drive") && before.contains("two_person_above: Some(Minor(50000))"), "{before}");
    conn.execute("UPDATE cursor SET policy = ?1", [&before]).unwrap();
    assert_eq!(rows().unwrap(), 1);
    rig.pass().ended(0);
    assert_eq!(rows().unwrap(), 1, "{before}");
    rig.configure(DRIVE);
    rig.pass().ended(0);
    assert_eq!(rows().unwrap(), 2, "two operators are not asked for any more");
    rig.audit();
}
