//! When an authorization that is about to lapse is extended, and what a human must know about one that is not.
//!
//! Each lapse time is extended once: Klarna moves it to the day of the request plus the account's period, and answers a
//! second request of the same day with the same time. Nothing here captures, and nothing revives what has lapsed.

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, Standing, after};
use super::checks::is_fully_credited;
use super::words::refusal;
use crate::facts::{Fraud, KlarnaOrder, Word};
use crate::id::{OrderNumber, Reference};
use crate::intent::{Effect, Intent, Kind, State};
use crate::order::Order;
use crate::plan::{HoldReason, Verdict};
use crate::policy::Mode;

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// What a human must know about an authorization inside its warning window.
pub(super) enum Warning {
    /// It is being extended.
    None,
    /// From then on, that it lapses; with what became of extending it.
    From(Timestamp, String),
}

/// What makes an extension one effect: the order, and the time at which its authorization lapses without it.
pub(super) fn reference(number: &OrderNumber, expires_at: Timestamp) -> Reference {
    Reference(format!("{number}:extend:{expires_at}"))
}

/// The authorization that this extension was for lapses at another time now, or nothing is left that could lapse.
pub(super) fn is_visible(case: &Case<'_>, klarna: &KlarnaOrder, intent: &Intent) -> bool {
    let moved = |at: Timestamp| reference(&case.shop.number, at) != intent.effect.reference;
    klarna.expires_at.is_some_and(moved) || klarna.remaining.is_zero() || super::is_closed(klarna)
}

/// Whose it is to extend, and whether the order is still worth it.
pub(super) fn is_ours(case: &Case<'_>) -> bool {
    case.policy.extend_authorization && case.policy.captures == Mode::Drive
}

pub(super) fn is_worth_it(case: &Case<'_>, klarna: &KlarnaOrder) -> bool {
    let is_doubtful = matches!(klarna.fraud, Some(Word::Known(Fraud::Pending | Fraud::Rejected)));
    let ends = case.cancelled || case.order == Order::Expired || is_fully_credited(case);
    !ends && !is_doubtful && klarna.remaining.is_positive()
}

/// An extension of a day that is not over brought all that another one could: where the account's period is shorter than
/// the warning window, the time that it brought is inside the window, too.
fn is_extended_today(case: &Case<'_>) -> bool {
    let confirmed = case.ledger.intents.iter().filter(|intent| intent.state == State::Confirmed);
    let ended =
        confirmed.filter(|intent| intent.effect.kind == Kind::Extend).filter_map(|intent| intent.ended_at).max();
    ended.is_some_and(|ended| ended <= case.now && after(ended, A_DAY) > case.now)
}

/// Extends an authorization inside its warning window, where the policy allows it.
pub(super) fn extend(case: &mut Case<'_>, klarna: &KlarnaOrder, expires_at: Timestamp) -> Warning {
    let reference = reference(&case.shop.number, expires_at);
    let now = Warning::From(case.now, String::new());
    // What is captured or given up in this plan leaves nothing to extend, or less; the next decision knows.
    if !is_ours(case) || !is_worth_it(case, klarna) || expires_at <= case.now || case.acts_on_authorization() {
        return now;
    }
    let standing = case.standing(Kind::Extend, &reference);
    match &standing {
        Standing::Free { .. } if is_extended_today(case) => Warning::None,
        Standing::Free { .. } | Standing::Planned(_) => {
            let amount = klarna.remaining;
            let effect = Effect { kind: Kind::Extend, amount, reference, credit_invoice: None, generation: 0 };
            match case.want(effect, "not shipped yet, and its authorization lapses soon".to_owned(), &standing) {
                Verdict::Act | Verdict::Hold(HoldReason::NotBefore(_)) => Warning::None,
                Verdict::Hold(why) => Warning::From(case.now, format!("; extending it is withheld: {why}")),
            }
        }
        Standing::Taken => {
            let confirmed =
                case.intents_of(Kind::Extend, &reference).filter(|intent| intent.state == State::Confirmed).last();
            let Some(ended_at) = confirmed.and_then(|intent| intent.ended_at) else { return Warning::None };
            if ended_at > case.facts.read_at {
                return Warning::None; // A read from before it says nothing about it.
            }
            Warning::From(case.past_grace(ended_at), "; Klarna confirmed an extension and does not show it".to_owned())
        }
        Standing::Ended(intent) => Warning::From(case.now, format!("; {}", refusal(case, intent))),
    }
}
