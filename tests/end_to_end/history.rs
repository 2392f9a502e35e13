//! What an earlier version concluded is judged again once, by a pass that acts on nothing.

use rusqlite::Connection;

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
