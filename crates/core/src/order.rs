//! The order's machine: from authorization to captured, cancelled or expired.
//!
//! Pure. `apply` is the only way its state changes, and the journal is replayed through it.

use super::IllegalTransition;

/// Where the money of one order stands. `Pending`: authorized, nothing captured. `PartlyPaid`, `Paid`: captured in
/// part or whole. `RefundRequested`: the shop cancelled the order and its money is on the way back. `Cancelled` and
/// `Expired` absorb: nothing that happens later makes the order capturable by us again. What somebody else captures of a
/// lapsed order that Klarna reopened is reported and refundable, and the state stays. `Held`: a human or a guard
/// withholds effects; beneath it the order goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Pending,
    PartlyPaid,
    Paid,
    RefundRequested,
    Cancelled,
    Expired,
    Held(Stage),
}

/// A state that can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Pending,
    PartlyPaid,
    Paid,
    RefundRequested,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something, not everything, is captured.
    PartCaptured,
    /// Everything that will be captured is.
    Captured,
    /// The shop cancelled the order.
    CancelSeen,
    /// Nothing of a cancelled order is authorized or captured any more.
    Reversed,
    /// The authorization lapsed before anything was captured.
    Expired,
    Held,
    Released,
    /// The order belongs to another Klarna order than the one on which the state rests.
    JudgedAnew,
}

impl Order {
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::PartlyPaid,
        Self::Paid,
        Self::RefundRequested,
        Self::Cancelled,
        Self::Expired,
        Self::Held(Stage::Pending),
        Self::Held(Stage::PartlyPaid),
        Self::Held(Stage::Paid),
        Self::Held(Stage::RefundRequested),
    ];

    pub fn apply(self, event: Event) -> Result<Self, IllegalTransition> {
        use {Event as E, Order as S, Stage as G};
        Ok(match (self, event) {
            (S::Pending, E::PartCaptured) => S::PartlyPaid,
            (S::Pending | S::PartlyPaid, E::Captured) => S::Paid,
            (S::Pending | S::PartlyPaid | S::Paid, E::CancelSeen) => S::RefundRequested,
            (S::RefundRequested, E::Reversed) => S::Cancelled,
            (S::Cancelled, E::Captured) if planted!("cancelled_revives") => S::Paid,
            (S::Pending, E::Expired) => S::Expired,
            (S::Pending, E::Held) => S::Held(G::Pending),
            (S::PartlyPaid, E::Held) => S::Held(G::PartlyPaid),
            (S::Paid, E::Held) => S::Held(G::Paid),
            (S::RefundRequested, E::Held) => S::Held(G::RefundRequested),
            (S::Held(stage), E::Released) => stage.into(),
            (S::Held(stage), E::PartCaptured | E::Captured | E::CancelSeen | E::Reversed | E::Expired) => {
                Self::from(stage).apply(event)?.beneath_a_hold()
            }
            // That the shop cancelled it stays true, whatever Klarna order is its own.
            (S::Cancelled, E::JudgedAnew) => S::RefundRequested,
            (S::PartlyPaid | S::Paid | S::Expired, E::JudgedAnew) => S::Pending,
            (S::Held(G::PartlyPaid | G::Paid), E::JudgedAnew) => S::Held(G::Pending),
            (from, event) => return Err(IllegalTransition::new("order", from.name(), event.name())),
        })
    }

    /// The state without its hold.
    #[must_use]
    pub fn stage(self) -> Self {
        match self {
            Self::Held(stage) => stage.into(),
            Self::Pending | Self::PartlyPaid | Self::Paid | Self::RefundRequested | Self::Cancelled | Self::Expired => {
                self
            }
        }
    }

    /// The shop's cancellation was seen, now or ever before.
    pub fn was_cancelled(self) -> bool {
        matches!(self.stage(), Self::RefundRequested | Self::Cancelled)
    }

    /// Absorbing: nothing that happens leads out, only that it belongs to another Klarna order.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Cancelled | Self::Expired)
    }

    /// A conclusion about the money that nothing takes back: it is drawn from facts that agree, or not at all.
    pub fn is_concluded(self) -> bool {
        matches!(self.stage(), Self::Paid | Self::Cancelled | Self::Expired)
    }

    /// A hold stays in place over a living state and ends with an absorbing one.
    fn beneath_a_hold(self) -> Self {
        self.apply(Event::Held).unwrap_or(self)
    }

    /// The name of the outside contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::PartlyPaid => "partly_paid",
            Self::Paid => "paid",
            Self::RefundRequested => "refund_requested",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Held(_) => "held",
        }
    }
}

impl From<Stage> for Order {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Pending => Self::Pending,
            Stage::PartlyPaid => Self::PartlyPaid,
            Stage::Paid => Self::Paid,
            Stage::RefundRequested => Self::RefundRequested,
        }
    }
}

impl Event {
    pub const ALL: [Self; 8] = [
        Self::PartCaptured,
        Self::Captured,
        Self::CancelSeen,
        Self::Reversed,
        Self::Expired,
        Self::Held,
        Self::Released,
        Self::JudgedAnew,
    ];

    /// The word in the journal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PartCaptured => "part_captured",
            Self::Captured => "captured",
            Self::CancelSeen => "cancel_seen",
            Self::Reversed => "reversed",
            Self::Expired => "expired",
            Self::Held => "held",
            Self::Released => "released",
            Self::JudgedAnew => "judged_anew",
        }
    }
}
