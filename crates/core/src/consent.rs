//! What a human's word may do to one effect: let it go, start it anew, or give it up; and where one word is not enough.
//!
//! Pure, and the one answer for everybody: the store asks in the transaction that takes the word, the commands and the
//! page ask for what they offer. How old a request is and whether it may have landed belong to the intent, whatever
//! state a human put it in since: giving it up and starting it anew must not do in two steps what is refused in one.

use jiff::{SignedDuration, Timestamp};

use super::id::IntentId;
use super::intent::{Effect, Intent, Kind, State};
use super::ledger::Ledger;
use super::money::Minor;
use super::policy::{KEY_LIFE, PROPOSAL_LIFE};

/// Why a human's word is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its request is under way.
    UnderWay,
    Confirmed,
    /// It was never sent and its reason is gone: what is due now is another intent.
    Withdrawn,
    /// Its request left, no answer proves that nothing came of it, and Klarna may still carry it out or recognise its
    /// key: until then a second effect may be the second of two.
    MayLand {
        until: Timestamp,
    },
    /// A later intent has started it anew.
    Superseded {
        by: IntentId,
    },
    /// It is not sent any more, and no consent to it is left.
    NothingLeft(State),
    /// It is not over the amount that the human named.
    OtherAmount,
    /// It sends less than its credit invoice asks for, and its amount was not named.
    AmountUnsaid,
    /// No pass has found it, so nobody knows whether it needs two operators.
    Unfound,
    /// Whoever proposed it cannot be the second operator too.
    SamePerson {
        actor: String,
        at: Timestamp,
    },
}

/// One operator's wish that still waits for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub amount: Minor,
    pub at: Timestamp,
    pub actor: String,
}

/// What an operator's consent does where two may have to agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// One operator is enough.
    LetsGo,
    /// Of so much, until then.
    Proposes { amount: Minor, until: Timestamp },
    /// The second of two.
    Countersigns { first: String },
}

/// What taking back every word about an effect does to the intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivingUp {
    /// It is never sent (again).
    Ends,
    /// It has ended already; only the consent to start it anew goes.
    TakesConsentBack,
}

/// Whether `intent` may be let go or started anew, given every intent of its order.
///
/// # Errors
/// Why not.
pub fn may_be_approved(intent: &Intent, of_order: &[Intent], now: Timestamp) -> Result<(), Refusal> {
    if let Some(newer) = newest_after(intent, of_order) {
        return Err(Refusal::Superseded { by: newer.id });
    }
    match intent.state {
        State::Planned | State::Rejected => Ok(()),
        State::Abandoned if planted!("approve_after_ignore") => Ok(()),
        State::Unknown | State::Abandoned => match lands_until(&intent.state, intent.first_sent_at, now) {
            Some(until) => Err(Refusal::MayLand { until }),
            None => Ok(()),
        },
        State::Sending => Err(Refusal::UnderWay),
        State::Confirmed => Err(Refusal::Confirmed),
        State::Withdrawn => Err(Refusal::Withdrawn),
    }
}

/// What giving `intent` up does. Giving up says that it is not sent again, and nothing about what was sent.
///
/// # Errors
/// Why there is nothing to give up.
pub const fn may_be_given_up(intent: &Intent, has_consent: bool) -> Result<GivingUp, Refusal> {
    match intent.state {
        State::Planned | State::Unknown => Ok(GivingUp::Ends),
        State::Rejected | State::Abandoned if has_consent => Ok(GivingUp::TakesConsentBack),
        State::Sending => Err(Refusal::UnderWay),
        State::Confirmed => Err(Refusal::Confirmed),
        State::Withdrawn => Err(Refusal::Withdrawn),
        State::Rejected => Err(Refusal::NothingLeft(State::Rejected)),
        State::Abandoned => Err(Refusal::NothingLeft(State::Abandoned)),
    }
}

/// An effect as a human's word about it finds it: an intent, or what a difference holds or offers that is no intent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub kind: Kind,
    pub amount: Minor,
    /// It sends less than its credit invoice asks for.
    pub is_part: bool,
}

/// Whether the word is about the effect's amount: one that was named is the effect's own, and it is named wherever less is
/// sent than was asked for, so that nobody who means the whole agrees to a part.
///
/// # Errors
/// Why not.
pub fn may_be_named(held: Option<Held>, said: Option<Minor>) -> Result<(), Refusal> {
    match (held, said) {
        (Some(held), Some(said)) if held.amount != said => Err(Refusal::OtherAmount),
        (None, Some(_)) => Err(Refusal::OtherAmount),
        (Some(Held { is_part: true, .. }), None) => Err(Refusal::AmountUnsaid),
        (Some(_), Some(_) | None) | (None, None) => Ok(()),
    }
}

/// The intent has ended without its effect, or nobody can say any more, and only a human's word, which it has not yet,
/// goes on from there. One that is planned waits only where something holds it, and its break says so.
pub fn waits_for_a_word(intent: &Intent, ledger: &Ledger, now: Timestamp) -> bool {
    let has_ended = matches!(intent.state, State::Rejected | State::Unknown | State::Abandoned);
    let has_word = ledger.approved.contains(&intent.id);
    has_ended && !has_word && may_be_approved(intent, &ledger.intents, now).is_ok()
}

/// Until when a request that is unknown or was given up may still turn out to have happened; `None` when it never left,
/// and once its key's life is over: by then reads have had their time, and a repeat would not be recognised either.
pub fn lands_until(state: &State, first_sent_at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let first = match state {
        State::Unknown | State::Abandoned => first_sent_at?,
        State::Planned | State::Sending | State::Confirmed | State::Rejected | State::Withdrawn => return None,
    };
    let until = first.checked_add(KEY_LIFE).unwrap_or(Timestamp::MAX);
    (now < until).then_some(until)
}

/// Its effect is counted as if it had happened: money that may have left is reserved, whoever gave its request up.
pub fn is_reserved(state: &State, first_sent_at: Option<Timestamp>, now: Timestamp) -> bool {
    state.is_in_flight() || *state == State::Abandoned && lands_until(state, first_sent_at, now).is_some()
}

/// The newest intent that starts this one anew.
fn newest_after<'a>(intent: &Intent, of_order: &'a [Intent]) -> Option<&'a Intent> {
    let anew = of_order.iter().filter(|other| is_same_effect(&other.effect, &intent.effect));
    anew.filter(|other| other.effect.generation > intent.effect.generation).max_by_key(|it| it.effect.generation)
}

/// The intent that `effect` starts anew, by what the order's intents are and not by an id made of their content: an
/// intent keeps its id for ever, however ids are made today.
pub fn before<'a>(effect: &Effect, of_order: &'a [Intent]) -> Option<&'a Intent> {
    let generation = effect.generation.checked_sub(1)?;
    of_order.iter().find(|other| other.effect.generation == generation && is_same_effect(&other.effect, effect))
}

fn is_same_effect(one: &Effect, other: &Effect) -> bool {
    one.kind == other.kind && one.reference == other.reference
}

/// The amount of a refund that one operator alone may not let go; nothing but a refund gives money away.
pub fn needs_two(kind: Kind, amount: Minor, above: Option<Minor>) -> bool {
    kind == Kind::Refund && above.is_some_and(|above| amount > above)
}

/// What the word of `actor` does about an effect as it is held, beside the wish that may wait for it.
///
/// A wish that lapsed, or was of another amount, gives way to a new one: 600.00 that jo proposed yesterday, and that the
/// shop made 650.00 since, is proposed anew by whoever agrees today.
///
/// # Errors
/// Why it is not taken.
pub fn consents(
    held: Option<Held>, above: Option<Minor>, wish: Option<Wish>, actor: &str, now: Timestamp,
) -> Result<Consent, Refusal> {
    if above.is_none() {
        return Ok(Consent::LetsGo);
    }
    let Held { kind, amount, .. } = held.ok_or(Refusal::Unfound)?;
    if !needs_two(kind, amount, above) {
        return Ok(Consent::LetsGo);
    }
    match wish.filter(|wish| is_proposed(wish.amount, wish.at, amount, now)) {
        None => Ok(Consent::Proposes { amount, until: now.checked_add(PROPOSAL_LIFE).unwrap_or(Timestamp::MAX) }),
        Some(wish) if is_one_person(&wish.actor, actor) => Err(Refusal::SamePerson { actor: wish.actor, at: wish.at }),
        Some(wish) => Ok(Consent::Countersigns { first: wish.actor }),
    }
}

/// A proposal counts for the amount it was made of, and for a day. One that a clock set back puts into the future is
/// not believed.
pub fn is_proposed(proposed: Minor, at: Timestamp, amount: Minor, now: Timestamp) -> bool {
    let age: SignedDuration = now.duration_since(at);
    proposed == amount && !age.is_negative() && age < PROPOSAL_LIFE
}

/// One name, however it is spelt in capitals and blanks.
pub fn is_one_person(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.split_whitespace().collect::<String>().to_lowercase();
    plain(one) == plain(other)
}

/// Two operators agreed to this refund, or to the one that it starts anew.
pub fn is_countersigned(id: IntentId, effect: &Effect, of_order: &[Intent], agreed: impl Fn(IntentId) -> bool) -> bool {
    let before = before(effect, of_order).filter(|before| before.effect.amount == effect.amount);
    agreed(id) || before.is_some_and(|before| agreed(before.id))
}
