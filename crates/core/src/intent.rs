//! The intent: the durable decision to cause one effect, and its machine.
//!
//! Pure. Key, amount, reference and payload of an intent never change; only its state moves, and only through
//! `apply`. The idempotency key is a function of the content, so that a lost store or a second daemon makes the
//! same key for the same effect.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::IllegalTransition;
use super::answer::{Answer, Said};
use super::id::{Identity, IntentId, InvoiceId, InvoiceNumber, KlarnaOrderId, OrderId, Reference, RefundId, ShopName};
use super::money::{Currency, Minor};
use super::policy::{KEY_LIFE, LADDER, SETTLE_DELAY};

/// The kinds of effect this program can cause. Nothing else is ever written to either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Refund,
    MarkPaid,
    Cancel,
    Release,
    Capture,
    /// Of the authorization's time.
    Extend,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::Refund, Self::MarkPaid, Self::Cancel, Self::Release, Self::Capture, Self::Extend];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::MarkPaid => "mark_paid",
            Self::Cancel => "cancel",
            Self::Release => "release",
            Self::Capture => "capture",
            Self::Extend => "extend",
        }
    }

    /// Marking paid is idempotent at Lightspeed; everything else goes to Klarna and is keyed.
    pub const fn is_klarna(self) -> bool {
        !matches!(self, Self::MarkPaid)
    }
}

/// What an effect is, before it is an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub kind: Kind,
    pub amount: Minor,
    /// What makes it one effect: at most one open intent exists per (order, kind, reference).
    pub reference: Reference,
    pub credit_invoice: Option<(InvoiceId, InvoiceNumber)>,
    /// Rises only when a human starts a refused or expired effect anew.
    pub generation: u32,
}

/// Where an effect goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name that the store's rows are kept under.
    pub shop: ShopName,
    /// Whose effects these are: what new ids and keys are made of. `None` on an intent that the store holds, whose id and
    /// key are kept and never made again: an earlier version made them of the shop's name in the configuration.
    pub whose: Option<Identity>,
    pub order: OrderId,
    pub klarna_order_id: Option<KlarnaOrderId>,
    pub currency: Currency,
}

/// `Planned`: durable, not sent. `Sending`: the claim is committed, the request may be under way. `Confirmed`: it
/// happened. `Rejected`: it was definitively refused; a human decides. `Unknown`: it may have happened.
/// `Withdrawn`: never sent, and taken back by this program because its reason was gone. `Abandoned`: given up by a
/// human, who alone may start it anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Planned,
    Sending,
    Confirmed,
    Rejected,
    Unknown,
    Withdrawn,
    Abandoned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Claimed for sending in a committed transaction.
    Claimed,
    /// The answer was a well-formed success.
    Confirmed,
    /// A read shows the effect.
    Seen,
    /// The answer was a definitive refusal.
    Rejected,
    /// The other side asked us to come later; nothing happened.
    Throttled,
    /// Nothing was ever written to the socket.
    NotSent,
    /// The answer is missing or says nothing certain.
    Lost,
    /// It was never sent, and its reason is gone.
    Withdrawn,
    /// A human gave it up.
    Abandoned,
}

impl State {
    pub const ALL: [Self; 7] = [
        Self::Planned,
        Self::Sending,
        Self::Confirmed,
        Self::Rejected,
        Self::Unknown,
        Self::Withdrawn,
        Self::Abandoned,
    ];

    pub fn apply(self, event: Event) -> Result<Self, IllegalTransition> {
        use {Event as E, State as S};
        Ok(match (self, event) {
            (S::Planned | S::Unknown, E::Claimed) => S::Sending,
            (S::Planned | S::Unknown, E::Seen) => S::Confirmed,
            (S::Planned, E::Withdrawn) => S::Withdrawn,
            (S::Planned | S::Unknown, E::Abandoned) => S::Abandoned,
            (S::Sending, E::Confirmed) => S::Confirmed,
            (S::Sending, E::Rejected) => S::Rejected,
            (S::Sending, E::Throttled | E::NotSent) => S::Planned,
            (S::Sending, E::Lost) => S::Unknown,
            (from, event) => return Err(IllegalTransition::new("intent", from.name(), event.name())),
        })
    }

    /// Planned, sent or unknown: counted as if it had happened.
    pub const fn is_in_flight(&self) -> bool {
        matches!(self, Self::Planned | Self::Sending | Self::Unknown)
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sending => "sending",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::Withdrawn => "withdrawn",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Event {
    pub const ALL: [Self; 9] = [
        Self::Claimed,
        Self::Confirmed,
        Self::Seen,
        Self::Rejected,
        Self::Throttled,
        Self::NotSent,
        Self::Lost,
        Self::Withdrawn,
        Self::Abandoned,
    ];

    /// The word in the journal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Confirmed => "confirmed",
            Self::Seen => "seen",
            Self::Rejected => "rejected",
            Self::Throttled => "throttled",
            Self::NotSent => "not_sent",
            Self::Lost => "lost",
            Self::Withdrawn => "withdrawn",
            Self::Abandoned => "abandoned",
        }
    }
}

/// One intent as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub id: IntentId,
    pub effect: Effect,
    pub target: Target,
    pub key: Uuid,
    /// The request body, exactly as it is sent, every time.
    pub payload: String,
    pub state: State,
    pub planned_at: Timestamp,
    /// How often it may have reached the other side.
    pub attempts: u32,
    pub first_sent_at: Option<Timestamp>,
    pub last_sent_at: Option<Timestamp>,
    /// Not to be sent before.
    pub not_before: Option<Timestamp>,
    /// The refunds (or captures) of the order that were visible before the first attempt.
    pub seen_before: Vec<String>,
    /// Of a capture: the credit invoices that lowered it, each with its amount then. `None` for other effects, and for
    /// captures from before this was kept.
    pub left_out: Option<Vec<(InvoiceId, Minor)>>,
    /// The first read after the last attempt that did not show it.
    pub absent_since: Option<Timestamp>,
    /// Klarna's id of what was made: `Refund-Id`, `Capture-Id`.
    pub made: Option<RefundId>,
    /// The last answer that was not a success.
    pub said: Option<Said>,
    /// When it was confirmed, rejected, withdrawn or abandoned.
    pub ended_at: Option<Timestamp>,
}

/// What may be done about an intent whose outcome is unknown and that a read does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Look again, not before this time.
    Look { not_before: Timestamp },
    /// Absence is proven twice: the same request with the same key may be sent.
    Resend,
    /// The key is no longer safe or the ladder is climbed: a human decides.
    Human,
}

impl Intent {
    /// One about which nothing was done yet, under the id and the key that it keeps for ever.
    pub fn planned(effect: Effect, target: Target, payload: String, planned_at: Timestamp) -> Self {
        Self {
            id: id(&effect, &target),
            key: key(&effect, &target),
            effect,
            target,
            payload,
            state: State::Planned,
            planned_at,
            attempts: 0,
            first_sent_at: None,
            last_sent_at: None,
            not_before: None,
            seen_before: Vec::new(),
            left_out: None,
            absent_since: None,
            made: None,
            said: None,
            ended_at: None,
        }
    }

    /// What a read that was started at `read_at` and does not show the effect allows.
    pub fn after_absence(&self, read_at: Timestamp) -> Next {
        if !self.effect.kind.is_klarna() || planted!("no_observe_before_resend") {
            return Next::Resend;
        }
        // An attempt that was not counted may have happened all the same, surely not before it was planned.
        let first = self.first_sent_at.unwrap_or(self.planned_at);
        let last = self.last_sent_at.unwrap_or(self.planned_at);
        let Some(rung) = self.rung() else { return Next::Human };
        if elapsed(first, read_at) >= KEY_LIFE && !planted!("no_key_life") {
            return Next::Human;
        }
        // One that lies ahead was dated by a clock that has been set back since: this read is then the first.
        let absent_since = self.absent_since.filter(|since| *since > last && *since <= read_at);
        let settled = planted!("one_absence_is_enough")
            || absent_since.is_some_and(|since| elapsed(since, read_at) >= SETTLE_DELAY);
        if settled && elapsed(last, read_at) >= rung {
            return Next::Resend;
        }
        let quiet = later(absent_since.unwrap_or(read_at), SETTLE_DELAY);
        Next::Look { not_before: quiet.max(later(last, rung)) }
    }

    /// How long after the last attempt the next one may be made; `None` when the ladder is climbed.
    fn rung(&self) -> Option<SignedDuration> {
        let attempts = usize::try_from(self.attempts).unwrap_or(usize::MAX);
        LADDER.get(attempts.saturating_sub(1)).copied()
    }

    /// Which attempt the last one was, those included that were not counted because the account was refused: they
    /// may have happened all the same.
    pub fn attempt(&self) -> u32 {
        let is_repeat = self.first_sent_at != self.last_sent_at;
        self.attempts.max(if is_repeat { 2 } else { 1 })
    }

    pub fn key_is_safe(&self, now: Timestamp) -> bool {
        self.first_sent_at.is_none_or(|first| elapsed(first, now) < KEY_LIFE)
    }
}

/// The event an answer means for an intent that had been attempted `attempts` times, this one included.
///
/// A refusal counts only on the first attempt: on a later one, our own first success may have caused it.
pub fn event_after(answer: &Answer, attempts: u32) -> Event {
    match answer {
        Answer::Done { .. } => Event::Confirmed,
        Answer::Rejected(_) if attempts <= 1 => Event::Rejected,
        Answer::Throttled { .. } if attempts <= 1 => Event::Throttled,
        Answer::NotSent(_) if attempts <= 1 => Event::NotSent,
        Answer::Rejected(_)
        | Answer::Throttled { .. }
        | Answer::NotSent(_)
        | Answer::Unknown(_)
        | Answer::AccountRefused(_) => Event::Lost,
    }
}

/// The answer surely changed nothing and used no attempt up.
pub const fn leaves_no_trace(answer: &Answer) -> bool {
    matches!(answer, Answer::NotSent(_) | Answer::Throttled { .. } | Answer::AccountRefused(_))
}

/// The idempotency key: version 5 over everything that makes the effect what it is. Klarna looks at the key
/// alone, so the amount belongs in it.
pub fn key(effect: &Effect, target: &Target) -> Uuid {
    #[cfg(reconciled_plants)]
    if planted!("random_key") {
        return Uuid::from_u64_pair(u64::from(target.order.0), drawn!());
    }
    #[cfg(reconciled_plants)]
    if planted!("key_per_order") {
        return Uuid::new_v5(&NAMESPACE, format!("{}{}", target.order, effect.kind.name()).as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, content(effect, target, "key").as_bytes())
}

/// The intent's own id: the same content is the same intent, in every store and in a dry run.
pub fn id(effect: &Effect, target: &Target) -> IntentId {
    IntentId(Uuid::new_v5(&NAMESPACE, content(effect, target, "intent").as_bytes()))
}

/// Made once for this program; changing it would make every key new.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f3c_9d0e_51b7_5c1a_8f42_2d9b_7a10_c4e5);

fn content(effect: &Effect, target: &Target, what: &str) -> String {
    let order = target.klarna_order_id.as_ref().map_or("", KlarnaOrderId::as_str);
    let whose = match &target.whose {
        Some(it) if !planted!("key_from_a_name") => {
            vec![it.cluster.as_str(), it.shop_id.as_str(), it.environment.as_str(), it.region.as_str()]
        }
        Some(_) | None => vec![target.shop.as_str()],
    };
    let about = [order, effect.kind.name(), effect.reference.as_str(), target.currency.code()];
    let fields = [what].into_iter().chain(whose).chain(about);
    let text: String = fields.map(|field| format!("{}:{field}|", field.len())).collect();
    format!("{text}{}|{}|{}", target.order, effect.amount.get(), effect.generation)
}

fn elapsed(from: Timestamp, to: Timestamp) -> SignedDuration {
    to.duration_since(from)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
