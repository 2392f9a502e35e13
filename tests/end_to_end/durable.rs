//! The store as a file: backup, restore, damage, a foreign shop, a newer schema.

use std::fs;

use reconciled_sandbox::{Seed, World};
use rusqlite::Connection;

use crate::support::{DRIVE, Rig, now};

fn settled() -> Rig {
    let rig = Rig::demo("act = true");
    rig.pass();
    rig
}

#[test]
fn a_restored_backup_sends_nothing_again() {
    let rig = Rig::demo("act = true");
    rig.run(&["reconcile", "--dry-run"]);
    let backup = rig.path("backup.db");
    rig.run(&["store", "backup", backup.to_str().unwrap()]).ended(0);
    rig.run(&["store", "backup", backup.to_str().unwrap()]).says("exist");
    rig.pass();
    let before = rig.pairs().iter().map(|it| it.klarna.refunds.len()).sum::<usize>();
    assert!(before > 0);
    let restored = rig.run(&["store", "restore", backup.to_str().unwrap()]);
    restored
        .ended(0)
        .says("kept")
        .says("stopped")
        .says("sent since: refund over")
        .says("reconciled resume --shop main");
    let writes = rig.writes().len();
    rig.pass();
    assert_eq!(rig.writes().len(), writes, "nothing is written before somebody looked");
    rig.run(&["resume", "--shop", "main"]).ended(0);
    for _ in 0..3 {
        rig.pass();
        rig.money_is_safe();
    }
    assert_eq!(rig.pairs().iter().map(|it| it.klarna.refunds.len()).sum::<usize>(), before);
    rig.audit();
}

#[test]
fn a_lost_store_refunds_nothing_again_even_when_klarna_forgot_the_keys() {
    for reads_carry_reference in ["true", "false"] {
        let rig = settled();
        rig.switch("klarna.reads_carry_reference", reads_carry_reference);
        for name in ["reconciled.db", "reconciled.db-wal", "reconciled.db-shm"] {
            let _ = fs::remove_file(rig.path(name));
        }
        rig.with(World::forget_keys);
        let before = rig.pairs().iter().map(|it| it.klarna.refunds.len()).sum::<usize>();
        for _ in 0..3 {
            rig.pass();
            rig.money_is_safe();
        }
        assert_eq!(rig.pairs().iter().map(|it| it.klarna.refunds.len()).sum::<usize>(), before);
    }
}

#[test]
fn a_changed_row_of_the_journal_is_found() {
    for change in [
        "UPDATE journal SET actor = 'somebody else' WHERE seq = 7",
        "UPDATE journal SET at = at + 1 WHERE seq = 7",
        "DELETE FROM journal WHERE seq = 7",
        "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
        "UPDATE journal SET seq = 100000 WHERE seq = 7",
    ] {
        let rig = settled();
        rig.audit();
        let store = Connection::open(rig.store()).unwrap();
        assert!(store.execute(change, ()).is_err(), "the triggers let it through: {change}");
        let mut find = store.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
        let names: Vec<String> = find.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        for name in names {
            store.execute(&format!("DROP TRIGGER {name}"), ()).unwrap();
        }
        assert_eq!(store.execute(change, ()).unwrap(), 1, "{change}");
        drop(find);
        drop(store);
        let ran = rig.run(&["audit", "verify"]);
        assert_ne!(ran.status, 0, "{change}: {}", ran.out);
        ran.says("broken");
        let json = rig.run(&["audit", "verify", "--json"]).json();
        assert_eq!(json["intact"], false, "{json}");
    }
}

#[test]
fn a_changed_state_is_found_by_replay() {
    let rig = settled();
    let store = Connection::open(rig.store()).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'trigger'";
    let names: Vec<String> =
        store.prepare(names).unwrap().query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for name in names {
        store.execute(&format!("DROP TRIGGER {name}"), ()).unwrap();
    }
    let changed = store.execute("UPDATE intent SET state = 'abandoned' WHERE kind = 'refund'", ()).unwrap();
    assert!(changed > 0);
    drop(store);
    assert_ne!(rig.run(&["audit", "verify"]).status, 0);
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let rig = settled();
    let version = |store: &Connection| store.query_row("PRAGMA user_version", (), |row| row.get::<_, i64>(0)).unwrap();
    let store = Connection::open(rig.store()).unwrap();
    let own = version(&store);
    assert!(own > 0, "the schema's version is not in user_version");
    store.pragma_update(None, "user_version", own + 1).unwrap();
    drop(store);
    rig.clear_log();
    let ran = rig.run(&["reconcile", "--json"]);
    ran.ended(3);
    ran.says("newer");
    assert_eq!(rig.log().len(), 0);
    rig.run(&["store", "migrate"]).ended(3);
    rig.run(&["store", "info"]).says("newer");
}

#[test]
fn a_store_of_another_environment_is_refused_before_anything_is_written() {
    let rig = settled();
    let text = fs::read_to_string(rig.path("reconciled.toml")).unwrap();
    fs::write(rig.path("reconciled.toml"), text.replace("region = \"eu\"", "region = \"na\"")).unwrap();
    rig.clear_log();
    let ran = rig.run(&["reconcile"]);
    ran.ended(2);
    assert_eq!(rig.log().len(), 0);
    assert!(!ran.err.is_empty());
}

#[test]
fn a_store_of_another_shop_is_refused_before_anything_is_written() {
    let rig = settled();
    let mut world = World::seeded(Seed::Demo, 2, now());
    world.accounts_mut().shop_id += 1;
    let other = Rig::new(world, "act = true");
    for name in ["reconciled.db", "reconciled.db-wal", "reconciled.db-shm"] {
        let _ = fs::copy(rig.path(name), other.path(name));
    }
    // Whose store it is, is asked once a day; a day later it is asked again.
    let store = Connection::open(other.store()).unwrap();
    store.execute("UPDATE shop SET read_at = read_at - 2 * 86400000000000", ()).unwrap();
    drop(store);
    let ran = other.run(&["reconcile"]);
    ran.ended(2);
    assert_eq!(other.writes(), vec![]);
}

#[test]
fn the_store_says_what_it_holds() {
    let rig = settled();
    let info = rig.run(&["store", "info", "--json"]).ended(0).json();
    assert_eq!(info["shops"][0]["shop"], "main");
    assert_eq!(info["shops"][0]["stopped"], false);
    assert!(info["shops"][0]["journal_entries"].as_u64().unwrap() > 50);
    rig.run(&["store", "info", "--check"]).ended(0);
    rig.run(&["store", "migrate"]).ended(0);
    rig.audit();
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let rig = Rig::empty(DRIVE);
    fs::write(rig.store(), "this is a letter to my bank, not a database\n".repeat(100)).unwrap();
    let ran = rig.run(&["reconcile", "--json"]);
    ran.ended(3);
    assert!(fs::read_to_string(rig.store()).unwrap().starts_with("this is a letter"));
    assert_eq!(rig.writes(), vec![]);
}
