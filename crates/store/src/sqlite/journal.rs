//! The journal: one row per change of any state, each bound to the one before by its hash.
//!
//! A row is appended in the transaction that makes the change, never alone and never later. Nothing is ever edited;
//! `audit` recomputes what is written here.

use jiff::Timestamp;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::super::StoreError;
use super::columns::{At, Number};
use reconciled_core::id::OrderId;

/// Who acted when no human did.
pub(super) const ACTOR: &str = "reconciled";

/// The cause of what a human did.
pub(super) const OPERATOR: &str = "operator";

pub(super) mod entity {
    //! What a row is about.
    pub(in super::super) const SHOP: &str = "shop";
    pub(in super::super) const ORDER: &str = "order";
    pub(in super::super) const CREDIT_INVOICE: &str = "credit_invoice";
    pub(in super::super) const INTENT: &str = "intent";
    pub(in super::super) const BREAK: &str = "break";
}

/// One row before it has its place.
pub(super) struct Entry<'a> {
    pub(super) at: Timestamp,
    pub(super) actor: &'a str,
    /// The pass, or `operator`.
    pub(super) cause: &'a str,
    pub(super) entity: &'a str,
    pub(super) entity_id: &'a str,
    pub(super) order: Option<OrderId>,
    pub(super) event: &'a str,
    pub(super) before: &'a str,
    pub(super) after: &'a str,
    /// A small JSON object: amounts, references, keys, ids, codes. Never a name, an address or a body.
    pub(super) detail: &'a str,
}

/// The end of one shop's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) hash: [u8; 32],
}

impl Head {
    /// Before the first row.
    pub(super) const START: Self = Self { seq: 0, hash: [0; 32] };

    pub(super) fn load(conn: &Connection, shop: &str) -> Result<Self, StoreError> {
        let mut find = conn.prepare_cached("SELECT seq, hash FROM journal_head WHERE shop = ?1")?;
        Ok(find.query_row([shop], |row| Ok(Self { seq: row.get(0)?, hash: row.get(1)? }))?)
    }

    pub(super) fn save(&self, conn: &Connection, shop: &str) -> Result<(), StoreError> {
        let mut save = conn.prepare_cached("UPDATE journal_head SET seq = ?2, hash = ?3 WHERE shop = ?1")?;
        match save.execute((shop, self.seq, &self.hash))? {
            1 => Ok(()),
            _ => Err(StoreError::Damaged(format!("the journal of `{shop}` has no head"))),
        }
    }

    /// The head after one more row; the row is written.
    pub(super) fn append(&self, conn: &Connection, shop: &str, entry: &Entry<'_>) -> Result<Self, StoreError> {
        let seq = self
            .seq
            .checked_add(1)
            .ok_or_else(|| StoreError::Damaged("the journal's sequence is at its end".into()))?;
        let hash = hash(&self.hash, shop, seq, At(entry.at).nanos(), entry);
        let mut insert = conn.prepare_cached(
            "INSERT INTO journal (shop, seq, at, actor, cause, entity, entity_id, order_id, event, before, after,
                detail, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        insert.execute(rusqlite::params![
            shop,
            seq,
            At(entry.at),
            entry.actor,
            entry.cause,
            entry.entity,
            entry.entity_id,
            entry.order.map(|id| Number(id.0)),
            entry.event,
            entry.before,
            entry.after,
            entry.detail,
            hash,
        ])?;
        Ok(Self { seq, hash })
    }
}

/// SHA-256 over a version mark, the hash before, and every field behind its length: no two rows have one text.
pub(super) fn hash(before: &[u8; 32], shop: &str, seq: i64, at: i64, entry: &Entry<'_>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"reconciled-journal-v1");
    hasher.update(before);
    hasher.update(seq.to_be_bytes());
    hasher.update(at.to_be_bytes());
    match entry.order {
        None => hasher.update([0]),
        Some(order) => {
            hasher.update([1]);
            hasher.update(order.0.to_be_bytes());
        }
    }
    for field in [
        shop,
        entry.actor,
        entry.cause,
        entry.entity,
        entry.entity_id,
        entry.event,
        entry.before,
        entry.after,
        entry.detail,
    ] {
        hasher.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.finalize().into()
}

/// Lower-case hexadecimal, as people compare it.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('?');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
