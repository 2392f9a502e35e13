//! Finds the quiet orders about which another policy decides something.
//!
//! An order that is settled is looked at rarely, because nothing but time and the two sides could change its decision.
//! A changed policy is the third thing that can. Decides on the facts that are stored, and only to ask whether there
//! is anything to decide: it reads neither side, and concludes nothing. What it wakes is read and decided like any
//! other order.

use jiff::Timestamp;

use super::{BATCH, Shop};
use reconciled_core::decide::decide;
use reconciled_core::facts::{Facts, ShopOrder};
use reconciled_core::id::OrderId;
use reconciled_core::link::{self, Answer, Chosen, Seen};
use reconciled_core::money::Currency;
use reconciled_core::plan::Plan;
use reconciled_core::references::References;
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_store::{Dossier, Scope, Store, StoreError, policy};

use super::tally::Tally;

/// Makes due whatever the policy concerns, if it is not the one of the last time.
pub(super) async fn under_another_policy<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, currency: Currency, tally: &Tally<'_>,
) -> Result<(), StoreError> {
    let policy = policy::encode(&shop.policy);
    let kept = shop.store.policy().await?;
    // By what they say: a program before this one kept the same values in another form.
    if kept.is_some_and(|kept| kept == policy || policy::decode(&kept) == policy::decode(&policy)) {
        return Ok(());
    }
    tally.progress.stage("looking through quiet orders under another policy");
    let learnt = shop.store.references().await?;
    let mut after = OrderId(0);
    loop {
        if tally.stop.is_asked() {
            return Ok(());
        }
        let quiet = shop.store.due(Scope::Quiet, tally.started_at, after, BATCH).await?;
        let Some(last) = quiet.last().copied() else { break };
        after = last;
        let count = quiet.len();
        let dossiers = shop.store.dossiers(quiet).await?;
        let concerned = dossiers.into_iter().filter(|dossier| is_concerned(shop, currency, &learnt, dossier, tally));
        shop.store.wake(concerned.map(|dossier| dossier.shop.id).collect()).await?;
        tally.progress.advance(u64::try_from(count).unwrap_or(u64::MAX));
    }
    shop.store.keep_policy(policy, shop.clock.now()).await
}

/// Whether this policy finds anything to do, to say or to wait for. What the facts held of Klarna's are too old to
/// act on; they are good enough to know that a read can change something.
fn is_concerned<S, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, currency: Currency, learnt: &References, dossier: &Dossier, tally: &Tally<'_>,
) -> bool {
    let Some((Chosen { id, side, beside }, read_at)) = as_known(currency, learnt, dossier, tally) else { return true };
    let facts = Facts {
        currency,
        shared_with: dossier.shared_with(id.as_ref()),
        shop: ShopOrder { klarna_order_id: id, ..dossier.shop.clone() },
        shop_read_at: dossier.shop_read_at,
        klarna: side,
        beside,
        is_told: dossier.told.is_some(),
        read_at,
    };
    decide(&dossier.ledger, &facts, &shop.policy, tally.started_at) != Plan::default()
}

/// The link as far as it is known without asking: `None` where Klarna must be asked first.
fn as_known(
    currency: Currency, learnt: &References, dossier: &Dossier, tally: &Tally<'_>,
) -> Option<(Chosen, Timestamp)> {
    let mut seen = Vec::new();
    let mut read_at = tally.started_at;
    for candidate in dossier.candidates() {
        let asked = dossier.asked.iter().find(|(seen, _)| seen.candidate.id == candidate.id);
        let held = dossier.klarna.as_ref().filter(|(order, _)| order.id == candidate.id);
        seen.push(match (held, asked) {
            (Some((order, at)), _) => {
                read_at = *at;
                Seen { candidate, answer: Answer::Read(order.clone()), anothers: None }
            }
            (None, Some((seen, _))) => seen.clone(),
            (None, None) => return None,
        });
    }
    let demands = learnt.demands(&dossier.shop, dossier.ledger.judged_under.as_ref());
    let chosen = link::choose(&dossier.shop, currency, &seen, dossier.told.as_ref(), demands);
    Some((chosen, read_at))
}
