//! What the merchant allows, as validated values.
//!
//! Never read from a file here (`config.rs` does that), and never a default that moves money.

use jiff::SignedDuration;

pub use super::fulfilment::CaptureOn;
use super::money::Minor;

/// Who performs a family of effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// We perform it.
    Drive,
    /// Somebody else performs it; we check that it happened in time.
    Verify,
    /// We do not look.
    Off,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::Drive, Self::Verify, Self::Off];

    /// The word of the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Drive => "drive",
            Self::Verify => "verify",
            Self::Off => "off",
        }
    }
}

/// Effects that are configured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Refunds,
    MarkPaid,
    Cancels,
    Captures,
}

impl Family {
    /// Its key in the configuration.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Refunds => "refunds",
            Self::MarkPaid => "mark_paid",
            Self::Cancels => "cancels",
            Self::Captures => "captures",
        }
    }
}

/// One setting of the policy that leaves something to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A family of effects is not driven here.
    Drive(Family),
    /// Authorizations are not extended here.
    Extend,
    /// Nothing is sent at all.
    Act,
}

/// A shop's policy (`[shops.<name>.policy]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Above all modes: `false` plans and reports, and writes nothing to either side.
    pub act: bool,
    pub refunds: Mode,
    pub mark_paid: Mode,
    pub cancels: Mode,
    pub captures: Mode,
    pub capture_on: CaptureOn,
    /// An authorization that is about to lapse is extended, where captures are ours.
    pub extend_authorization: bool,
    /// A refund without a reference may be taken for the one open credit invoice of exactly its amount.
    pub adopt_exact: bool,
    /// A credit invoice younger than this is looked at, never refunded by us: the vendor's app may be about to.
    pub refund_after: SignedDuration,
    /// A discrepancy older than this is a break.
    pub grace: SignedDuration,
    pub refund_limit_per_order: Minor,
    pub refund_limit_per_pass: Minor,
    pub refund_limit_per_day: Minor,
    /// A refund above it waits until two operators agreed to it; `None`: one is enough.
    pub two_person_above: Option<Minor>,
    /// How long before an authorization lapses it is reported.
    pub expiry_warning: SignedDuration,
}

impl Policy {
    pub const fn mode(&self, family: Family) -> Mode {
        match family {
            Family::Refunds => self.refunds,
            Family::MarkPaid => self.mark_paid,
            Family::Cancels => self.cancels,
            Family::Captures => self.captures,
        }
    }

    /// What would have to be set for this program to make these effects itself.
    pub fn unset(&self, family: Family, with_extensions: bool) -> Vec<Setting> {
        let drive = (self.mode(family) != Mode::Drive).then_some(Setting::Drive(family));
        let extend = (with_extensions && !self.extend_authorization).then_some(Setting::Extend);
        let act = (!self.act).then_some(Setting::Act);
        drive.into_iter().chain(extend).chain(act).collect()
    }

    /// Everything it says, by the keys of the configuration, always in this order: what was decided under the same
    /// values need not be decided again.
    pub fn settings(&self) -> [(&'static str, Value); 15] {
        let Self {
            act,
            refunds,
            mark_paid,
            cancels,
            captures,
            capture_on,
            extend_authorization,
            adopt_exact,
            refund_after,
            grace,
            refund_limit_per_order,
            refund_limit_per_pass,
            refund_limit_per_day,
            two_person_above,
            expiry_warning,
        } = *self;
        [
            ("act", Value::Flag(act)),
            ("refunds", Value::Mode(refunds)),
            ("mark_paid", Value::Mode(mark_paid)),
            ("cancels", Value::Mode(cancels)),
            ("captures", Value::Mode(captures)),
            ("capture_on", Value::CaptureOn(capture_on)),
            ("extend_authorization", Value::Flag(extend_authorization)),
            ("adopt_exact", Value::Flag(adopt_exact)),
            ("refund_after", Value::Span(refund_after)),
            ("grace", Value::Span(grace)),
            ("refund_limit_per_order", Value::Amount(Some(refund_limit_per_order))),
            ("refund_limit_per_pass", Value::Amount(Some(refund_limit_per_pass))),
            ("refund_limit_per_day", Value::Amount(Some(refund_limit_per_day))),
            ("two_person_above", Value::Amount(two_person_above)),
            ("expiry_warning", Value::Span(expiry_warning)),
        ]
    }
}

/// What one setting of a policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Flag(bool),
    Mode(Mode),
    CaptureOn(CaptureOn),
    Span(SignedDuration),
    /// `None`: there is no such limit.
    Amount(Option<Minor>),
}

/// The two sides may disagree on an order's amount by this much: one minor unit, the rounding that shops of every
/// platform show. What is *sent* has no tolerance.
pub const AMOUNT_TOLERANCE: i64 = 1;

/// So many of the latest linked orders whose Klarna reference names their number make that a rule of the shop.
pub const REFERENCES_IN_A_ROW: u64 = 20;

/// How many of the Klarna orders that a shop order names are asked about.
pub const CANDIDATES_ASKED: usize = 5;

/// A shop order and its Klarna order are made in one checkout; what is further apart than this is not proven to belong
/// together by time.
pub const SAME_CHECKOUT: SignedDuration = SignedDuration::from_hours(24);

/// How long Klarna's word about a named order that cannot hold money any more is remembered before it is asked anew.
pub const CANDIDATE_KNOWN_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A Klarna order that Klarna does not know this long after the shop's order was made is not one that a read lags
/// behind.
pub const CANDIDATE_LAG: SignedDuration = SignedDuration::from_hours(1);

/// Klarna remembers an idempotency key for 24 hours from the first attempt (docs, retry policy). One hour less is
/// the last moment at which a repeat is surely recognised.
pub const KEY_LIFE: SignedDuration = SignedDuration::from_hours(23);

/// Two reads that show nothing must be this far apart before a lost request counts as absent. Klarna's reads were
/// seen to lag its writes by one to three seconds.
pub const SETTLE_DELAY: SignedDuration = SignedDuration::from_secs(5);
/// No limit of either side lasts longer: a day, and an hour for clocks. A time further off was reckoned by a clock that
/// was ahead, and is not waited for.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(25);

/// Klarna's own ladder for keyed requests whose outcome is unknown: 5 seconds, 5 minutes, 5 hours, then a human.
pub const LADDER: [SignedDuration; 3] =
    [SignedDuration::from_secs(5), SignedDuration::from_mins(5), SignedDuration::from_hours(5)];

/// A write leaves only on a read that was started at most this long ago. Without it, a process that was suspended
/// between its read and its write refunds twice.
pub const FRESHNESS: SignedDuration = SignedDuration::from_secs(30);

/// A write leaves only while the shop's lists, which name whatever changed there, were asked for at most this long ago.
/// Without it, a process that was suspended for a day refunds and marks what the merchant has changed since.
pub const LISTS_FRESHNESS: SignedDuration = SignedDuration::from_mins(10);

/// What one answer of the shop's lacks is believed to be gone once a later one lacks it too, this much later.
pub const ABSENCE: SignedDuration = SignedDuration::from_mins(4);

/// The shop dates changes by whole seconds. An order that was read less than this after the change it showed may have
/// changed once more under the same date. Five seconds, for clocks that differ.
pub const EARLY_READ: SignedDuration = SignedDuration::from_secs(5);

/// How long one operator's proposal waits for another's approval.
pub const PROPOSAL_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// Klarna's largest amount for one capture or refund (order management OpenAPI, 2026), in minor units.
pub const KLARNA_LARGEST_MINOR: i64 = 200_000_000;
