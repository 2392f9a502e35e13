//! What was signed is held against the journal: by the program, and by the script that shares nothing with it.
//!
//! Whatever is done to the rows behind the store's back, both notice it, and both name the same row.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use reconciled_core::id::OrderId;
use reconciled_store::checkpoint::{Checkpoint, Held, Note, Root, Signer, folder, key};
use reconciled_store::sqlite::{SqliteStore, admin};
use reconciled_store::{Audit, Chain, Operation, Store};
use rusqlite::Connection;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::fixture::{OnDisk, Place, begun, decide, operate, quiet, shop};
use crate::tampering::{eventful, knife};

const LOG: &str = "reconciled/main";

fn signer() -> Signer {
    Signer::new(LOG, &key::make().unwrap()).unwrap()
}

async fn chain<S: Store>(store: &S, sizes: &[u64]) -> Chain {
    store.chain(sizes.iter().copied().collect()).await.unwrap()
}

fn checkpoint(chain: &Chain) -> Checkpoint {
    assert_eq!(chain.fault, None);
    Checkpoint { origin: LOG.to_owned(), size: chain.size, root: chain.root }
}

pub(crate) async fn what_was_signed_stays_true_while_the_journal_grows<P: Place>(place: &P) {
    let store = place.open();
    let mut signed = vec![checkpoint(&chain(&store, &[]).await)];
    begun(&store).await;
    for second in 5..9 {
        decide(&store, second, quiet(1)).await.unwrap();
        operate(&store, Operation::Hold(OrderId(1)), second).await.unwrap();
        signed.push(checkpoint(&chain(&store, &[]).await));
    }
    let sizes: BTreeSet<u64> = signed.iter().map(|it| it.size).collect();
    assert_eq!(sizes.len(), signed.len(), "every checkpoint is of another size");
    let now = store.chain(sizes).await.unwrap();
    for claim in &signed {
        let held = |root| claim.against(now.size, root);
        assert_eq!(held(now.at.get(&claim.size).copied()), Held::Holds, "{claim:?}");
        assert_eq!(held(Some(Root([7; 32]))), Held::Rewritten);
    }
    let ahead = now.size.saturating_add(1);
    let truncated = chain(&store, &[ahead]).await;
    assert_eq!(truncated.at.get(&ahead), None);
}

/// The script's exit status and what it printed.
fn script(copy: &Path, verifier: &str, checkpoints: &[PathBuf]) -> (i32, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verify-journal.py");
    let ran = Command::new("python3").arg("-B").arg(path).arg(copy).args(["main", verifier]).args(checkpoints).output();
    let ran = ran.expect("python3 is needed, as ./test says");
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// Something done to a journal by somebody with a pocket knife; numbers choose the row and the column.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Change {
        row: u64,
        column: usize,
    },
    Delete {
        row: u64,
    },
    Insert {
        row: u64,
    },
    Swap {
        row: u64,
    },
    /// The rest goes, and the head with it: the chain alone cannot tell.
    Truncate {
        row: u64,
    },
    /// Every later row is hashed anew, and the head with them: the chain alone cannot tell.
    Rewrite {
        row: u64,
    },
}

fn cuts() -> impl Strategy<Value = Cut> {
    prop_oneof![
        4 => (any::<u64>(), 0..CHANGES.len()).prop_map(|(row, column)| Cut::Change { row, column }),
        1 => any::<u64>().prop_map(|row| Cut::Delete { row }),
        1 => any::<u64>().prop_map(|row| Cut::Insert { row }),
        1 => any::<u64>().prop_map(|row| Cut::Swap { row }),
        2 => any::<u64>().prop_map(|row| Cut::Truncate { row }),
        2 => any::<u64>().prop_map(|row| Cut::Rewrite { row }),
    ]
}

const CHANGES: [&str; 12] = [
    "UPDATE journal SET at = at + 1 WHERE seq = ?1",
    "UPDATE journal SET actor = actor || 'x' WHERE seq = ?1",
    "UPDATE journal SET cause = 'nobody' WHERE seq = ?1",
    "UPDATE journal SET entity = CASE entity WHEN 'order' THEN 'break' ELSE 'order' END WHERE seq = ?1",
    "UPDATE journal SET entity_id = entity_id || '0' WHERE seq = ?1",
    "UPDATE journal SET order_id = coalesce(order_id, 0) + 1 WHERE seq = ?1",
    "UPDATE journal SET event = event || char(0) WHERE seq = ?1",
    "UPDATE journal SET before = before || 'x', after = 'x' || after WHERE seq = ?1",
    "UPDATE journal SET after = CAST(X'ff' AS TEXT) WHERE seq = ?1",
    "UPDATE journal SET detail = replace(detail, '}', ' }') WHERE seq = ?1",
    "UPDATE journal SET hash = zeroblob(32) WHERE seq = ?1",
    "UPDATE journal SET seq = seq + 1000 WHERE seq = ?1",
];

/// Applies the cut; how many rows still hold together from the first on.
fn apply(conn: &Connection, cut: Cut, size: u64) -> u64 {
    let within = |row: u64, last: u64| row.checked_rem(last).unwrap_or(0).saturating_add(1);
    let before = |row: u64| row.saturating_sub(1);
    match cut {
        Cut::Change { row, column } => {
            let row = within(row, size);
            assert_eq!(conn.execute(CHANGES[column], [row.cast_signed()]).unwrap(), 1);
            before(row)
        }
        Cut::Delete { row } => {
            let row = within(row, size);
            conn.execute("DELETE FROM journal WHERE seq = ?1", [row.cast_signed()]).unwrap();
            before(row)
        }
        Cut::Insert { row } => {
            let row = within(row, size);
            conn.execute("UPDATE journal SET seq = -seq WHERE seq > ?1", [row.cast_signed()]).unwrap();
            conn.execute_batch("UPDATE journal SET seq = 1 - seq WHERE seq < 0").unwrap();
            let columns = "at, actor, cause, entity, entity_id, order_id, event, before, after, detail, hash";
            let sql = format!(
                "INSERT INTO journal (shop, seq, {columns}) SELECT shop, seq + 1, {columns} FROM journal WHERE seq = ?1"
            );
            conn.execute(&sql, [row.cast_signed()]).unwrap();
            row
        }
        Cut::Swap { row } => {
            let row = within(row, before(size));
            let next = row.saturating_add(1).cast_signed();
            let row_signed = row.cast_signed();
            conn.execute("UPDATE journal SET seq = -1 WHERE seq = ?1", [row_signed]).unwrap();
            conn.execute("UPDATE journal SET seq = ?1 WHERE seq = ?2", [row_signed, next]).unwrap();
            conn.execute("UPDATE journal SET seq = ?1 WHERE seq = -1", [next]).unwrap();
            before(row)
        }
        Cut::Truncate { row } => {
            let row = before(within(row, size));
            conn.execute("DELETE FROM journal WHERE seq > ?1", [row.cast_signed()]).unwrap();
            hash_anew(conn, size);
            row
        }
        Cut::Rewrite { row } => {
            let row = within(row, size);
            conn.execute("UPDATE journal SET actor = 'somebody else' WHERE seq = ?1", [row.cast_signed()]).unwrap();
            hash_anew(conn, row);
            size
        }
    }
}

/// Gives every row from `first` on the hash that fits, and the head too: what somebody does who knows the program.
fn hash_anew(conn: &Connection, first: u64) {
    let mut rows = conn
        .prepare(
            "SELECT seq, at, order_id, hash, shop, actor, cause, entity, entity_id, event, before, after, detail
             FROM journal ORDER BY seq",
        )
        .unwrap();
    let mut rows = rows.query([]).unwrap();
    let (mut last, mut hash) = (0_i64, vec![0_u8; 32]);
    while let Some(row) = rows.next().unwrap() {
        let (seq, at): (i64, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
        let order: Option<i64> = row.get(2).unwrap();
        let mut hasher = Sha256::new_with_prefix(b"reconciled-journal-v1");
        hasher.update(&hash);
        hasher.update(seq.to_be_bytes());
        hasher.update(at.to_be_bytes());
        hasher.update([u8::from(order.is_some())]);
        hasher.update(order.map(i64::to_be_bytes).as_ref().map_or(&[][..], |bytes| &bytes[..]));
        for column in 4..13 {
            let field: String = row.get(column).unwrap();
            hasher.update(u64::try_from(field.len()).unwrap().to_be_bytes());
            hasher.update(field.as_bytes());
        }
        last = seq;
        hash = if seq >= first.cast_signed() { hasher.finalize().to_vec() } else { row.get(3).unwrap() };
        conn.execute("UPDATE journal SET hash = ?2 WHERE seq = ?1", (seq, &hash)).unwrap();
    }
    conn.execute("UPDATE journal_head SET seq = ?1, hash = ?2", (last, &hash)).unwrap();
}

/// A signed store with something of everything in it, and where its checkpoint lies.
struct Signed {
    place: OnDisk,
    signer: Signer,
    claim: Checkpoint,
    file: PathBuf,
}

impl Signed {
    async fn new() -> Self {
        let (place, signer) = (OnDisk::fresh(), signer());
        let store = eventful(&place).await;
        let claim = checkpoint(&chain(&store, &[]).await);
        drop(store);
        let file = folder::place(&place.directory.path().join("elsewhere"), "main", &claim, signer.verifier());
        assert!(folder::write(&file, &claim.signed(&signer)).unwrap());
        Self { place, signer, claim, file }
    }

    fn script(&self, copy: &Path) -> (i32, String) {
        script(copy, &self.signer.verifier().to_string(), std::slice::from_ref(&self.file))
    }

    fn copy(&self) -> PathBuf {
        let copy = self.place.directory.path().join("copy.db");
        let _ = std::fs::remove_file(&copy);
        admin::backup(&self.place.path(), &copy).unwrap();
        copy
    }

    /// Cuts a copy, and asks both whether they notice and where.
    async fn notices(&self, cut: Cut) {
        let copy = self.copy();
        let conn = knife(&copy);
        conn.pragma_update(None, "ignore_check_constraints", true).unwrap();
        let holds = apply(&conn, cut, self.claim.size);
        drop(conn);
        let (status, said) = self.script(&copy);
        assert_eq!(status, 1, "{cut:?}: the script says {said}");
        let store = SqliteStore::open(&copy, shop()).unwrap();
        let found = chain(&store, &[self.claim.size]).await;
        let held = self.claim.against(found.size, found.at.get(&self.claim.size).copied());
        // A row that was put behind the last one leaves what was signed as it was, and breaks the chain.
        assert!(held != Held::Holds || found.fault.is_some(), "{cut:?}: {found:?}");
        assert_eq!(found.size, holds, "{cut:?}: {found:?}");
        if matches!(cut, Cut::Truncate { .. } | Cut::Rewrite { .. }) {
            assert!(said.contains(&format!("holds: {holds} rows")), "{cut:?} leaves a whole chain: {said}");
        } else {
            assert!(matches!(store.audit().await.unwrap(), Audit::Broken { .. }), "{cut:?}");
            assert!(said.contains(&format!("row {}", holds.saturating_add(1))), "{cut:?}: {said}");
        }
    }
}

#[test]
fn whatever_is_done_to_the_rows_both_the_program_and_the_script_notice_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let signed = runtime.block_on(Signed::new());
    let copy = signed.copy();
    let (status, said) = signed.script(&copy);
    assert_eq!((status, said.matches("holds").count()), (0, 2), "{said}");
    for column in 0..CHANGES.len() {
        runtime.block_on(signed.notices(Cut::Change { row: 3, column }));
    }
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&cuts(), |cut| {
            runtime.block_on(signed.notices(cut));
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_checkpoint_that_was_itself_changed_proves_nothing() {
    let signed = Signed::new().await;
    let (copy, verifier) = (signed.copy(), signed.signer.verifier());
    let note = std::fs::read_to_string(&signed.file).unwrap();
    assert_eq!(Note::read(&note).unwrap().verified(verifier).unwrap(), &signed.claim);
    let other = Signer::new(LOG, &key::make().unwrap()).unwrap();
    let size = signed.claim.size.to_string();
    let foreign = Checkpoint { origin: "reconciled/other".to_owned(), ..signed.claim.clone() };
    for (what, changed) in [
        ("another size", note.replacen(&format!("\n{size}\n"), "\n1\n", 1)),
        ("another root", note.replacen(&signed.claim.root.to_string(), &Root([1; 32]).to_string(), 1)),
        ("another log", foreign.signed(&signed.signer)),
        ("another key", signed.claim.signed(&other)),
        ("no signature", note.split("\n\n").next().unwrap().to_owned()),
        ("a leading zero", note.replacen(&format!("\n{size}\n"), &format!("\n0{size}\n"), 1)),
        ("nothing", String::new()),
    ] {
        let read = Note::read(&changed).and_then(|note| note.verified(verifier).cloned());
        assert!(read.is_err(), "{what}: {read:?}");
        std::fs::write(&signed.file, &changed).unwrap();
        let (status, said) = signed.script(&copy);
        assert_eq!(status, 3, "{what}: {said}");
    }
}

#[test]
fn no_byte_of_a_checkpoint_can_be_changed() {
    let signer = signer();
    let claim = Checkpoint { origin: LOG.to_owned(), size: 1842, root: Root([9; 32]) };
    let note = claim.signed(&signer);
    let is_taken = |text: &str| Note::read(text).is_ok_and(|note| note.verified(signer.verifier()).is_ok());
    assert!(is_taken(&note));
    let letters = ['A', 'b', '0', '1', ' ', '\n', '\r', '=', '/', '\u{0}', '\u{2014}'];
    for (at, found) in note.char_indices() {
        let (before, after) = (&note[..at], &note[at.saturating_add(found.len_utf8())..]);
        assert!(!is_taken(&format!("{before}{after}")), "without byte {at}");
        for letter in letters {
            assert!(letter == found || !is_taken(&format!("{before}{letter}{after}")), "{letter:?} at {at}");
            // A further line behind the last is a further signature, which is passed over; anything else is refused.
            assert!(!is_taken(&format!("{before}{letter}{found}{after}")), "{letter:?} before {at}");
        }
    }
}

#[tokio::test]
async fn lines_of_witnesses_are_passed_over_and_no_file_is_replaced() {
    let signed = Signed::new().await;
    let witness = Signer::new("witness.example.com", &SecretString::from("A".repeat(43) + "=")).unwrap();
    let note = std::fs::read_to_string(&signed.file).unwrap();
    let line = signed.claim.signed(&witness).lines().last().unwrap().to_owned();
    let witnessed = format!("{note}{line}\n");
    assert_eq!(Note::read(&witnessed).unwrap().verified(signed.signer.verifier()).unwrap(), &signed.claim);
    assert!(!folder::write(&signed.file, &note).unwrap(), "the same is there already");
    assert!(folder::write(&signed.file, &witnessed).is_err(), "another is not written over it");
    assert_eq!(std::fs::read_to_string(&signed.file).unwrap(), note);
    std::fs::write(&signed.file, witnessed).unwrap();
    assert_eq!(signed.script(&signed.copy()).0, 0);
}

#[test]
fn the_newest_checkpoint_of_a_shop_is_found_by_its_name() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(folder::newest(&directory.path().join("none"), "main").unwrap(), None);
    let names = [
        "main-000000000009-00000000.checkpoint",
        "main-000000000010-ffffffff.checkpoint",
        "main-nl-000000000011-00000000.checkpoint",
        "main-000000000012-00000000.txt",
        "other-000000000013-00000000.checkpoint",
    ];
    for name in names {
        std::fs::write(directory.path().join(name), "").unwrap();
    }
    let newest =
        |shop| folder::newest(directory.path(), shop).unwrap().map(|path| path.file_name().unwrap().to_owned());
    assert_eq!(newest("main").unwrap(), names[1]);
    assert_eq!(newest("main-nl").unwrap(), names[2]);
    assert_eq!(newest("nl"), None);
}
