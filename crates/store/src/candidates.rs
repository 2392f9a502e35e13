//! The Klarna orders that a shop order names, as they are kept among its facts.

use serde::{Deserialize, Serialize};

use super::codec::Coded;
use super::parsed::klarna_id;
use super::{Dossier, StoreError};
use reconciled_core::facts::{Candidate, Place};
use reconciled_core::id::{KlarnaOrderId, OrderNumber};
use reconciled_core::link::{self, Seen};

#[derive(Deserialize, Serialize)]
pub(super) struct CandidateRow {
    id: String,
    places: Vec<String>,
}

pub(super) fn candidate_row(candidate: &Candidate) -> CandidateRow {
    let places = candidate.places.iter().map(|place| place.encode().into_owned());
    CandidateRow { id: candidate.id.to_string(), places: places.collect() }
}

/// What an earlier version kept names one id and not where it stood.
pub(super) fn candidates(rows: &[CandidateRow], link: Option<&KlarnaOrderId>) -> Result<Vec<Candidate>, StoreError> {
    if rows.is_empty() {
        let kept = link.map(|id| Candidate { id: id.clone(), places: vec![Place::Unsaid] });
        return Ok(kept.into_iter().collect());
    }
    rows.iter().map(candidate).collect()
}

fn candidate(row: &CandidateRow) -> Result<Candidate, StoreError> {
    let damaged = |text: &String| StoreError::Damaged(format!("`{text}` is no place of an id"));
    let place = |text: &String| Place::decode(text).ok_or_else(|| damaged(text));
    Ok(Candidate { id: klarna_id(&row.id)?, places: row.places.iter().map(place).collect::<Result<_, _>>()? })
}

impl Dossier {
    /// The Klarna orders to ask about. What another shop order names is that one's, and is not remembered for this.
    pub fn candidates(&self) -> Vec<Candidate> {
        let is_free = |seen: &&Seen| !self.shared.contains_key(&seen.candidate.id);
        let remembered: Vec<&Seen> = self.asked.iter().map(|(seen, _)| seen).filter(is_free).collect();
        link::candidates(&self.shop, self.told.as_ref(), self.ledger.judged_under.as_ref(), &remembered)
    }

    /// Other shop orders that name this Klarna order.
    pub fn shared_with(&self, klarna: Option<&KlarnaOrderId>) -> Vec<OrderNumber> {
        klarna.and_then(|id| self.shared.get(id)).cloned().unwrap_or_default()
    }
}
