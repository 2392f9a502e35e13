//! The state a difference was found in, as values: what the policy leaves to whom, what is left of the order on both
//! sides, and what a human's word may still do about the effect at hand.
//!
//! Pure. What is proposed to a human follows from it, so that nothing is proposed that is set already, that nobody can do
//! any more, or that exceeds what is left.

use jiff::Timestamp;

use super::consent::{self, Refusal};
use super::facts::{KlarnaOrder, KlarnaStatus, Word};
use super::id::{IntentId, OrderNumber};
use super::intent::{Intent, Kind, State};
use super::ledger::Ledger;
use super::money::Minor;
use super::policy::{Mode, Setting};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situation {
    pub order: OrderNumber,
    /// What would have to be set for this program to settle it; empty where it does, or cannot.
    pub unset: Vec<Setting>,
    pub refunds: Mode,
    pub captures: Mode,
    pub authorization: Authorization,
    /// What Klarna may still capture.
    pub authorized: Minor,
    pub captured: Minor,
    /// What was captured and neither went back nor is on its way.
    pub refundable: Minor,
    /// Something of the order left the shop.
    pub is_given: bool,
    /// The effect that it is about.
    pub effect: Option<Concerned>,
}

/// Whether Klarna still captures anything of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// Klarna was not read, or says nothing that this program knows.
    Unread,
    Living {
        until: Option<Timestamp>,
    },
    Lapsed,
    Cancelled,
    /// Nothing is left of it.
    Used,
}

/// An effect that a difference is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concerned {
    pub intent: IntentId,
    pub kind: Kind,
    pub again: Again,
    pub may_be_given_up: bool,
}

/// Whether a human may have it started anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    Now,
    /// Until then it may still happen by itself.
    From(Timestamp),
    No,
}

impl Authorization {
    pub fn of(klarna: &KlarnaOrder) -> Self {
        match klarna.status {
            Word::Unknown(_) => Self::Unread,
            Word::Known(KlarnaStatus::Cancelled) => Self::Cancelled,
            Word::Known(KlarnaStatus::Expired) => Self::Lapsed,
            Word::Known(
                KlarnaStatus::Authorized | KlarnaStatus::PartCaptured | KlarnaStatus::Captured | KlarnaStatus::Closed,
            ) => {
                if klarna.remaining.is_positive() {
                    Self::Living { until: klarna.expires_at }
                } else {
                    Self::Used
                }
            }
        }
    }
}

impl Concerned {
    pub fn of(intent: &Intent, ledger: &Ledger, now: Timestamp) -> Self {
        let again = match consent::may_be_approved(intent, &ledger.intents, now) {
            // One that was never sent goes by itself, or its own break says what holds it.
            Ok(()) if intent.state == State::Planned || ledger.approved.contains(&intent.id) => Again::No,
            Ok(()) => Again::Now,
            Err(Refusal::MayLand { until }) => Again::From(until),
            Err(_) => Again::No,
        };
        let may_be_given_up = intent.state == State::Unknown;
        Self { intent: intent.id, kind: intent.effect.kind, again, may_be_given_up }
    }
}
