//! What humans said refunds were for, as far as the journal had it then.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde_json::Value;

use super::super::super::StoreError;
use super::super::super::codec::Coded as _;
use super::super::columns::Number;
use reconciled_core::adoption::Settles;
use reconciled_core::ledger::Attribution;
use reconciled_core::money::Minor;

/// A human's word on one refund.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) actor: String,
    pub(super) target: Attribution,
}

/// By order and refund; the last word counts. Humans decide a few things a day, so all of it is held.
#[derive(Debug, Default)]
pub(super) struct Humans {
    words: BTreeMap<(u64, String), Word>,
}

impl Humans {
    pub(super) fn load(conn: &Connection, shop: &str, last: i64) -> Result<Self, StoreError> {
        let mut find = conn.prepare_cached(
            "SELECT seq, order_id, actor, detail FROM journal INDEXED BY journal_operator
             WHERE shop = ?1 AND cause = 'operator' AND event = 'operator_attribute' AND seq <= ?2 ORDER BY seq",
        )?;
        let mut rows = find.query((shop, last))?;
        let mut words = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(0)?;
            let order: Number = row.get(1)?;
            let detail: Value = serde_json::from_str(&row.get::<_, String>(3)?)
                .map_err(|why| StoreError::Damaged(format!("journal row {seq}: {why}")))?;
            let field = |name: &str| detail.get(name).and_then(Value::as_str);
            let (Some(refund), Some(target)) = (field("subject"), field("target").and_then(Attribution::decode)) else {
                return Err(StoreError::Damaged(format!("journal row {seq} does not say what a refund is for")));
            };
            words.insert((order.0, refund.to_owned()), Word { actor: row.get(2)?, target });
        }
        Ok(Self { words })
    }

    /// The refunds of the order of which a human gave a part to the credit invoice, each with that part.
    pub(super) fn parts_of(&self, order: Number, credit: i64) -> Vec<(&str, Minor)> {
        let first = (order.0, String::new());
        let of_order = self.words.range(first..).take_while(|((of, _), _)| *of == order.0);
        let mut found = Vec::new();
        for ((_, refund), word) in of_order {
            let Attribution::Parts(parts) = &word.target else { continue };
            let own = parts
                .iter()
                .filter(|part| matches!(part.settles, Settles::Credit(id) if i64::try_from(id.0) == Ok(credit)));
            found.extend(own.map(|part| (refund.as_str(), part.amount)));
        }
        found
    }

    pub(super) fn on(&self, order: Number, refund: &str) -> Option<&Word> {
        if self.words.is_empty() { None } else { self.words.get(&(order.0, refund.to_owned())) }
    }
}
