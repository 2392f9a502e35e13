//! The last gate before an effect leaves: what the ledger holds against it.
//!
//! Pure. The store reads what a gate asks for inside the transaction that claims the intent, never from memory, and keeps
//! what the gate answers. A pass may have decided minutes ago; what was said, sent or refunded since is heard here.

use jiff::{SignedDuration, Timestamp};

use super::consent;
use super::id::IntentId;
use super::intent::{Intent, Kind, State};
use super::money::Minor;

/// The window of the daily ceiling.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Why an effect does not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// The kill switch is on.
    Stopped,
    /// An operator holds the order.
    Held {
        note: String,
    },
    /// The intent is not in a state that may be sent, its order is held for another Klarna order, or a human spoke of it
    /// since it was decided.
    Moved,
    /// So much would be refunded or reserved together.
    Beyond {
        after: Minor,
        captured: Minor,
    },
    /// Two operators must agree to it.
    SecondOperator {
        intent: IntentId,
    },
    DailyLimit {
        limit: Minor,
    },
}

/// What holds any effect back, whatever it is.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    pub intent: &'a Intent,
    pub stopped: bool,
    /// With what the operator who holds the order said.
    pub held: Option<&'a str>,
    /// The order is still held for the Klarna order that the intent is for.
    pub is_linked: bool,
    /// A human spoke of the order since the decision.
    pub was_told_since: bool,
}

/// # Errors
/// Why nothing may be sent, the switch that stops everything first.
pub fn opens(gate: &Gate<'_>) -> Result<(), Withheld> {
    if gate.stopped && !planted!("kill_switch_is_read_once") {
        return Err(Withheld::Stopped);
    }
    if let Some(note) = gate.held.filter(|_| !planted!("hold_is_read_once")) {
        return Err(Withheld::Held { note: note.to_owned() });
    }
    let may_be_sent = matches!(gate.intent.state, State::Planned | State::Unknown);
    let is_another = gate.intent.effect.kind.is_klarna() && !gate.is_linked;
    if !may_be_sent || is_another || gate.was_told_since { Err(Withheld::Moved) } else { Ok(()) }
}

/// What refunds of an order count against its captured amount, beside what a read says was refunded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserved {
    /// Planned, under way or unknown, and given up while it may still land.
    pub in_flight: Minor,
    /// Confirmed, and not yet seen in a read: reads lag writes by seconds.
    pub unseen: Minor,
}

impl Reserved {
    /// With one more refund of the order that no read shows.
    #[must_use]
    pub fn with(self, amount: Minor, state: &State, first_sent_at: Option<Timestamp>, now: Timestamp) -> Self {
        if *state == State::Confirmed {
            Self { unseen: self.unseen.plus(amount), ..self }
        } else if consent::is_reserved(state, first_sent_at, now) {
            Self { in_flight: self.in_flight.plus(amount), ..self }
        } else {
            self
        }
    }
}

/// What Klarna's reads say of one order's money, then and now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money {
    pub captured: Minor,
    /// By the read that is at hand: the decision's, or the fresh one on which the write leaves.
    pub refunded: Minor,
    /// The most that any read said up to the decision.
    pub refunded_then: Minor,
    pub reserved: Reserved,
}

impl Money {
    /// Whether `amount` more stays within what was captured.
    ///
    /// A fresh read may lag behind refunds that were confirmed since the decision, so what is proven is the larger of what
    /// it says, and of what the decision's read said with those refunds added. Of 100.00 captured, 40.00 read then and
    /// 30.00 confirmed since, a lagging read of 40.00 leaves 30.00 and not 60.00.
    ///
    /// # Errors
    /// What would be refunded or reserved together, which is more.
    pub fn fits(&self, amount: Minor) -> Result<(), Minor> {
        let proven = self.refunded.max(self.refunded_then.plus(self.reserved.unseen));
        let after = proven.plus(self.reserved.in_flight).plus(amount);
        if after > self.captured && !planted!("over_refund_within_one_pass") {
            return Err(after);
        }
        Ok(())
    }
}

/// What else a refund needs before it leaves.
#[derive(Clone, Copy, Debug)]
pub struct Refund<'a> {
    pub intent: &'a Intent,
    pub money: Money,
    /// A human approved this effect.
    pub is_approved: bool,
    pub limit_per_day: Minor,
    pub two_person_above: Option<Minor>,
}

/// Why the ledger does not let this refund go. What was sent before is counted already, and its repeat moves no more money.
///
/// `is_countersigned` and `fits_today`, which say whether two operators agreed, and whether what left within a day fits into
/// so much room, are asked only where the answer depends on them.
///
/// # Errors
/// What the ledger answered instead.
pub fn refund<E>(
    gate: &Refund<'_>, is_countersigned: impl FnOnce() -> Result<bool, E>,
    fits_today: impl FnOnce(Minor) -> Result<bool, E>,
) -> Result<Result<(), Withheld>, E> {
    let intent = gate.intent;
    let amount = intent.effect.amount;
    if intent.effect.kind != Kind::Refund {
        return Ok(Ok(()));
    }
    if let Err(after) = gate.money.fits(amount) {
        return Ok(Err(Withheld::Beyond { after, captured: gate.money.captured }));
    }
    if intent.first_sent_at.is_some() {
        return Ok(Ok(()));
    }
    if consent::needs_two(intent.effect.kind, amount, gate.two_person_above) && !is_countersigned()? {
        return Ok(Err(Withheld::SecondOperator { intent: intent.id }));
    }
    if gate.is_approved || planted!("counter_in_memory") || fits_today(gate.limit_per_day.minus(amount))? {
        return Ok(Ok(()));
    }
    Ok(Err(Withheld::DailyLimit { limit: gate.limit_per_day }))
}
