//! Whatever is changed behind the store's back is found: in the journal, in the states, at the journal's end.

use std::path::Path;

use reconciled_core::breaks::BreakStep;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{OrderId, RefundId};
use reconciled_core::intent::Event;
use reconciled_core::ledger::Attribution;
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Attempt, Audit, Decided, Difference, Operation, Store};
use rusqlite::Connection;

use crate::fixture::{
    OnDisk, Place, approve, at, attempt, begun, decide, granted, guard, intact, intend, minor, operate, quiet, record,
};

/// A store with something of everything in it.
pub(crate) async fn eventful(place: &OnDisk) -> SqliteStore {
    let store = place.open();
    begun(&store).await;
    let (first, second) = (intend(&store, 11, 4000).await, intend(&store, 12, 3000).await);
    granted(&store, first, 20).await;
    let made = Some(RefundId("r1".into()));
    record(&store, Attempt { made, ..attempt(first, Event::Confirmed) }, 21).await;
    granted(&store, second, 22).await;
    let difference = Difference {
        kind: BreakKind::RefundUnattributed,
        credit_invoice: None,
        subject: "r9".into(),
        amount: Some(minor(5)),
        message: "who?".into(),
        remedy: None,
        offer: None,
        due: at(0),
    };
    decide(&store, 23, Decided { discrepancies: vec![difference], ..quiet(2) }).await.unwrap();
    let order = OrderId(1);
    let ruled_out = Operation::Attribute { order, refund: RefundId("x".into()), to: Attribution::RuledOut };
    let proposed = Operation::Approve { order, intent: second, amount: None, two_person_above: Some(minor(100)) };
    let assigned =
        Operation::Break(store.breaks(false).await.unwrap()[0].id, BreakStep::Assign(Some("operator-1".into())));
    record(&store, attempt(second, Event::Rejected), 23).await;
    for operation in [Operation::Stop, proposed, assigned, Operation::Hold(order), approve(2, other()), ruled_out] {
        operate(&store, operation, 24).await.unwrap();
    }
    intact(&store).await;
    store
}

fn other() -> reconciled_core::id::IntentId {
    crate::fixture::refund(2, 5, 5).id
}

/// The file with the triggers and foreign keys out of the way, as someone with a pocket knife has it.
pub(crate) fn knife(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    conn.pragma_update(None, "foreign_keys", false).unwrap();
    let triggers: Vec<String> = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for name in triggers {
        conn.execute_batch(&["DROP TRIGGER ", &name].concat()).unwrap();
    }
    conn
}

async fn broken(store: &SqliteStore, what: &str) -> (i64, String) {
    match store.audit().await.unwrap() {
        Audit::Broken { seq, why } => (seq, why),
        intact @ Audit::Intact { .. } => panic!("{what}: {intact:?}"),
    }
}

/// Runs `sql` on every row of the journal in turn, expects the audit to find it, and takes it back.
async fn each_row(store: &SqliteStore, conn: &Connection, what: &str, sql: &str) {
    let rows: i64 = conn.query_row("SELECT max(seq) FROM journal", [], |row| row.get(0)).unwrap();
    conn.execute_batch("CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM journal").unwrap();
    for seq in 1..=rows {
        conn.execute(sql, [seq]).unwrap();
        let (found, why) = broken(store, &format!("{what} at {seq}")).await;
        assert!(found >= seq && found <= seq.saturating_add(1), "{what} at {seq} was found at {found}: {why}");
        conn.execute_batch("DELETE FROM journal; INSERT INTO journal SELECT * FROM kept").unwrap();
    }
    intact(store).await;
}

#[tokio::test]
async fn any_change_of_any_journal_row_is_found() {
    let place = OnDisk::fresh();
    let store = eventful(&place).await;
    let conn = knife(&place.path());
    for (what, sql) in [
        ("the time", "UPDATE journal SET at = at + 1 WHERE seq = ?1"),
        ("the actor", "UPDATE journal SET actor = actor || 'x' WHERE seq = ?1"),
        ("the cause", "UPDATE journal SET cause = 'nobody' WHERE seq = ?1"),
        (
            "the entity",
            "UPDATE journal SET entity = CASE entity WHEN 'order' THEN 'break' ELSE 'order' END WHERE seq = ?1",
        ),
        ("the id", "UPDATE journal SET entity_id = entity_id || '0' WHERE seq = ?1"),
        ("the order", "UPDATE journal SET order_id = coalesce(order_id, 0) + 1 WHERE seq = ?1"),
        ("the event", "UPDATE journal SET event = event || ' ' WHERE seq = ?1"),
        ("before", "UPDATE journal SET before = before || ' ' WHERE seq = ?1"),
        ("after", "UPDATE journal SET after = after || ' ' WHERE seq = ?1"),
        ("a shifted boundary", "UPDATE journal SET before = before || 'x', after = 'x' || after WHERE seq = ?1"),
        ("the detail", "UPDATE journal SET detail = replace(detail, '}', ' }') WHERE seq = ?1"),
        ("the hash", "UPDATE journal SET hash = zeroblob(32) WHERE seq = ?1"),
        ("a deleted row", "DELETE FROM journal WHERE seq = ?1"),
    ] {
        each_row(&store, &conn, what, sql).await;
    }
}

#[tokio::test]
async fn inserted_swapped_and_missing_rows_are_found() {
    let place = OnDisk::fresh();
    let store = eventful(&place).await;
    let conn = knife(&place.path());
    conn.execute_batch("CREATE TABLE kept AS SELECT * FROM journal; CREATE TABLE heads AS SELECT * FROM journal_head")
        .unwrap();
    let columns = "at, actor, cause, entity, entity_id, order_id, event, before, after, detail, hash";
    for (what, sql) in [
        ("appended", format!("INSERT INTO journal (shop, seq, {columns}) SELECT shop, seq + 1, {columns} FROM journal ORDER BY seq DESC LIMIT 1")),
        ("cut short", "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)".to_owned()),
        ("cut in half", "DELETE FROM journal WHERE seq > 5".to_owned()),
        ("emptied", "DELETE FROM journal".to_owned()),
        ("swapped", "UPDATE journal SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE seq IN (3, 4); UPDATE journal SET seq = -seq WHERE seq < 0".to_owned()),
        ("renumbered", "UPDATE journal SET seq = -seq - 1; UPDATE journal SET seq = -seq".to_owned()),
        ("another head", "UPDATE journal_head SET seq = seq + 1".to_owned()),
        ("another shop's", "INSERT INTO shop (name) VALUES ('x'); UPDATE journal SET shop = 'x' WHERE seq = 4".to_owned()),
    ] {
        conn.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
        conn.execute_batch(&sql).unwrap();
        broken(&store, what).await;
        conn.execute_batch(
            "DELETE FROM journal; INSERT INTO journal SELECT * FROM kept;
             DELETE FROM journal_head; INSERT INTO journal_head SELECT * FROM heads",
        )
        .unwrap();
        intact(&store).await;
    }
    // Cut short together with its head: what it no longer explains gives it away.
    conn.execute_batch(
        "DELETE FROM journal WHERE seq > 5;
         UPDATE journal_head SET seq = 5, hash = (SELECT hash FROM journal WHERE seq = 5)",
    )
    .unwrap();
    broken(&store, "cut with its head").await;
}

#[tokio::test]
async fn any_state_changed_behind_the_journal_is_found() {
    let place = OnDisk::fresh();
    let store = eventful(&place).await;
    let conn = knife(&place.path());
    keep(&conn);
    for (what, sql) in [
        ("an order", "UPDATE shop_order SET state = 'paid' WHERE id = 1"),
        ("an order undone", "UPDATE shop_order SET state = NULL WHERE id = 1"),
        ("an order removed", "DELETE FROM shop_order WHERE id = 1"),
        ("a nonsense state", "UPDATE shop_order SET state = 'rich' WHERE id = 2"),
        ("a credit invoice", "UPDATE credit_invoice SET state = 'pending' WHERE id = 11"),
        ("a credit invoice removed", "DELETE FROM credit_invoice WHERE id = 12"),
        ("a moved credit invoice", "UPDATE credit_invoice SET order_id = 2 WHERE id = 12"),
        ("an intent's state", "UPDATE intent SET state = 'planned' WHERE credit_id = 11"),
        ("an intent's amount", "UPDATE intent SET amount = amount + 1"),
        ("an intent's payload", "UPDATE intent SET payload = '{}'"),
        ("an intent's key", "UPDATE intent SET key = id WHERE credit_id = 11"),
        ("an intent's refund", "UPDATE intent SET made = 'r2' WHERE credit_id = 11"),
        ("an intent's attempts", "UPDATE intent SET attempts = 0"),
        ("an intent's clock", "UPDATE intent SET first_sent_at = first_sent_at - 90000000000000"),
        ("an intent removed", "DELETE FROM intent WHERE credit_id = 12"),
        ("a break", "UPDATE break SET status = 'resolved'"),
        ("a break removed", "UPDATE difference SET break = NULL; DELETE FROM break"),
        ("the switch", "UPDATE stop_switch SET stopped = 0"),
        ("a hold", "DELETE FROM hold"),
        ("an approval", "INSERT INTO approval SELECT shop, id, order_id, 0, '', '', NULL FROM intent"),
        ("who agreed first", "UPDATE approval SET proposed_by = 'operator-2'"),
        ("a proposal's amount", "UPDATE proposal SET amount = amount - 1"),
        ("a proposal removed", "DELETE FROM proposal"),
        ("who works on a break", "UPDATE break SET assigned = 'operator-2'"),
        ("a ruling", "UPDATE attribution SET target = 'cancel'"),
        ("the ceiling", "UPDATE spent SET amount = amount - 1"),
    ] {
        conn.execute_batch(sql).unwrap();
        broken(&store, what).await;
        put_back(&conn);
        intact(&store).await;
    }
    assert!(store.claim(crate::fixture::pass(1), other(), guard(1)).await.is_err());
}

const TABLES: [&str; 11] = [
    "shop_order",
    "credit_invoice",
    "intent",
    "spent",
    "break",
    "difference",
    "stop_switch",
    "hold",
    "approval",
    "proposal",
    "attribution",
];

/// Copies every table of states, beside what is copied.
fn keep(conn: &Connection) {
    for table in TABLES {
        conn.execute_batch(&["CREATE TABLE kept_", table, " AS SELECT * FROM ", table].concat()).unwrap();
    }
}

/// Brings every table back to what it was, in place, so that the open store sees it.
fn put_back(conn: &Connection) {
    for table in TABLES {
        let sql = ["DELETE FROM ", table, "; INSERT INTO ", table, " SELECT * FROM kept_", table].concat();
        conn.execute_batch(&sql).unwrap();
    }
}
