//! Asks Klarna about the orders that a shop order names, no more often than needed, and lets the core choose.
//!
//! One that is named alone costs one call. Where several are named, what Klarna said of those that cannot hold money any
//! more is remembered; the one that is chosen was always asked in this very look.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Shop;
use reconciled_core::answer::{Said, Unreadable};
use reconciled_core::facts::Candidate;
use reconciled_core::id::KlarnaOrderId;
use reconciled_core::link::{self, Answer, Chosen, Seen};
use reconciled_core::money::Currency;
use reconciled_core::policy::CANDIDATES_ASKED;
use reconciled_core::references::References;
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_store::{Dossier, Store};

/// What Klarna said of the candidates of one order, and which of them is its own.
pub(super) struct Asked {
    pub(super) chosen: Chosen,
    /// What was learnt in this look; empty where only one is named.
    pub(super) learnt: Vec<(Seen, Timestamp)>,
}

/// Asks about every candidate of which nothing settled is known, then about the one that is chosen if it was not asked.
///
/// # Errors
/// The first read that fails: an order of which a named part is unread is not judged at all.
pub(super) async fn ask<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, dossier: &Dossier, currency: Currency, learnt: &References,
) -> Result<Asked, Unreadable> {
    let now = shop.clock.now();
    let demands = learnt.demands(&dossier.shop, dossier.ledger.judged_under.as_ref());
    let candidates = dossier.candidates();
    let mut fresh = BTreeSet::new();
    let mut seen = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let known = remembered(dossier, &candidate.id, now);
        seen.push(match known {
            Some(known) => known,
            None if fresh.len() < CANDIDATES_ASKED => {
                fresh.insert(candidate.id.clone());
                read(shop, dossier, candidate).await?
            }
            None => Seen { candidate, answer: Answer::Unasked, anothers: None },
        });
    }
    loop {
        let chosen = link::choose(&dossier.shop, currency, &seen, dossier.told.as_ref(), demands);
        let stale = seen.iter_mut().find(|it| chosen.id.as_ref() == Some(&it.candidate.id));
        if let Some(stale) = stale.filter(|it| !fresh.contains(&it.candidate.id)) {
            fresh.insert(stale.candidate.id.clone());
            *stale = read(shop, dossier, stale.candidate.clone()).await?;
            continue;
        }
        let is_alone = seen.len() < 2;
        let learnt = seen.into_iter().filter(|it| !is_alone && fresh.contains(&it.candidate.id));
        return Ok(Asked { chosen, learnt: learnt.map(|it| (it, now)).collect() });
    }
}

/// What is settled about a candidate that is not the link.
fn remembered(dossier: &Dossier, id: &KlarnaOrderId, now: Timestamp) -> Option<Seen> {
    let is_beside = dossier.shop.klarna_order_id.as_ref() != Some(id);
    let known = dossier.asked.iter().filter(|_| is_beside).find(|(seen, _)| seen.candidate.id == *id);
    known.filter(|(seen, at)| link::is_settled(seen, *at, &dossier.shop, now)).map(|(seen, _)| seen.clone())
}

async fn read<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, dossier: &Dossier, candidate: Candidate,
) -> Result<Seen, Unreadable> {
    let order = match shop.klarna.order(&candidate.id).await {
        Ok(order) => order,
        Err(Unreadable::NotFound(said)) => {
            let answer = Answer::NotFound { said: super::tally::spoken(&said) };
            return Ok(Seen { candidate, answer, anothers: None });
        }
        Err(why) => return Err(why),
    };
    let mut anothers = None;
    for reference in link::references(&order).filter(|reference| !link::names(reference, &dossier.shop)) {
        let found = shop.store.find(reference.to_owned()).await.map_err(|why| {
            let message = format!("the store was asked whose number `{reference}` is: {why}");
            Unreadable::Failed(Said { message, ..Said::default() })
        })?;
        if found.iter().any(|other| other.order != dossier.shop.id) {
            anothers = Some(reference.to_owned());
        }
    }
    Ok(Seen { candidate, answer: Answer::Read(order), anothers })
}
