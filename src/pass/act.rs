//! Sends one intent: claim, check that the read is still fresh, send. Chooses nothing.

use std::time::Duration;

use crate::words::refused;
use reconciled_core::answer::{Answer, Said};
use reconciled_core::id::{IntentId, PassId};
use reconciled_core::intent::{Intent, Kind};
use reconciled_core::policy::{FRESHNESS, LISTS_FRESHNESS};
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_store::{Claim, Guard, Store, StoreError};

use super::Shop;

/// The reads on which a write leaves: when each was started, by the clock that suspension cannot stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh {
    /// The order at Klarna.
    pub read: Duration,
    /// The shop's lists.
    pub listed: Duration,
}

impl Fresh {
    /// Marking paid needs no fresh read of Klarna: a refund that is proven stays proven. What it is for may change in
    /// the shop.
    fn allows<C: Clock>(self, kind: Kind, clock: &C) -> bool {
        lists_are_fresh(clock, self.listed) && (!kind.is_klarna() || read_is_fresh(clock, self.read))
    }
}

pub(super) fn read_is_fresh<C: Clock>(clock: &C, read: Duration) -> bool {
    clock.boottime().saturating_sub(read) <= FRESHNESS.unsigned_abs()
}

pub(super) fn lists_are_fresh<C: Clock>(clock: &C, listed: Duration) -> bool {
    planted!("lists_never_age") || clock.boottime().saturating_sub(listed) <= LISTS_FRESHNESS.unsigned_abs()
}

/// What became of one intent in this pass.
#[derive(Debug)]
pub(super) enum Sent {
    Answered {
        intent: Box<Intent>,
        answer: Answer,
    },
    /// The kill switch, a hold, a ceiling or a moved order: nothing was sent.
    Withheld(String),
    /// A read grew old before the write could leave; nothing was sent.
    Stale,
}

/// Sends one intent if everything still allows it.
///
/// # Flow
/// Wait for a turn in the budget, check freshness, commit the claim, check the kill switch and freshness again, write to
/// the socket. What remains is the time between the last look and the first byte: a connection that is being opened.
///
/// # Guarantees
/// The first byte leaves after the claim is on disk, at most [`FRESHNESS`] after the read of Klarna it rests on was
/// started, and at most [`LISTS_FRESHNESS`] after the shop was asked what changed.
/// One request is made, never two.
///
/// # Errors
/// The store's. Then nothing was sent.
pub(super) async fn send<S: Store, T: Transport, C: Clock>(
    shop: &Shop<S, T, C>, pass: PassId, id: IntentId, kind: Kind, fresh: Fresh, guard: Guard,
) -> Result<Sent, StoreError> {
    let turn = if kind.is_klarna() { shop.klarna.turn().await } else { shop.lightspeed.turn().await };
    if let Err(until) = turn {
        return Ok(Sent::Withheld(format!("no calls are left in the budget before {until}")));
    }
    let is_stale = || !planted!("no_freshness_guard") && !fresh.allows(kind, &shop.clock);
    if is_stale() {
        return Ok(Sent::Stale);
    }
    let guard = Guard { at: shop.clock.now(), ..guard };
    let intent = match shop.store.claim(pass, id, guard).await? {
        Claim::Granted(intent) => intent,
        Claim::Withheld(why) => return Ok(Sent::Withheld(refused::withheld(&why))),
    };
    // A stop that was given since the claim reaches whatever has not begun to leave.
    if !planted!("kill_switch_is_read_once") && shop.store.is_stopped().await? {
        let message = "the kill switch was put on before the request left".to_owned();
        let answer = Answer::NotSent(Said { message, ..Said::default() });
        return Ok(Sent::Answered { intent, answer });
    }
    // The last look, with no waiting behind it: asking the store takes as long as a machine may sleep.
    if is_stale() {
        let message = "a read grew old before the request could leave".to_owned();
        let answer = Answer::NotSent(Said { message, ..Said::default() });
        return Ok(Sent::Answered { intent, answer });
    }
    let answer = deliver(shop, &intent).await;
    Ok(Sent::Answered { intent, answer })
}

async fn deliver<S, T: Transport, C: Clock>(shop: &Shop<S, T, C>, intent: &Intent) -> Answer {
    match (intent.effect.kind, &intent.target.klarna_order_id, &intent.effect.credit_invoice) {
        (Kind::MarkPaid, _, Some((invoice, _))) => shop.lightspeed.mark_paid(*invoice, &intent.payload).await,
        (Kind::Refund | Kind::Capture | Kind::Cancel | Kind::Release | Kind::Extend, Some(order), _) => {
            let mut key = intent.key;
            if planted!("new_key_every_retry") {
                key = uuid::Uuid::new_v5(&key, &intent.attempts.to_be_bytes());
            }
            shop.klarna.send(intent.effect.kind, order, &intent.payload, &key).await
        }
        (Kind::MarkPaid, _, None)
        | (Kind::Refund | Kind::Capture | Kind::Cancel | Kind::Release | Kind::Extend, None, _) => {
            let message = format!("intent {} names no address", intent.id);
            Answer::NotSent(Said { message, ..Said::default() })
        }
    }
}
