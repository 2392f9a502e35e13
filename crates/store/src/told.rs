//! What people were told, and what the store knows that they may have to be told. No decision about money rests on it.

use jiff::Timestamp;

use reconciled_core::id::{IntentId, InvoiceNumber, OrderNumber};
use reconciled_core::intent::Kind;
use reconciled_core::money::Minor;

/// A way to tell people. Each is told by itself, so that a failure of one neither silences nor repeats the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// A configured command.
    Command,
    /// An HTTP POST.
    Post,
}

impl Channel {
    pub const ALL: [Self; 2] = [Self::Command, Self::Post];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Post => "post",
        }
    }
}

/// Something people were told about and that was not over then; enough to say later that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it is about, for ever: one break, one intent, the kill switch.
    pub subject: String,
    pub kind: String,
    pub order: Option<OrderNumber>,
    pub credit_invoice: Option<InvoiceNumber>,
    pub amount: Option<Minor>,
    pub since: Timestamp,
    /// When it was told last.
    pub told_at: Timestamp,
}

/// A request whose outcome is unknown, whose key is too old for a repeat, and that no break names, be it open or resolved
/// by a human.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    pub intent: IntentId,
    pub kind: Kind,
    pub order: OrderNumber,
    pub credit_invoice: Option<InvoiceNumber>,
    pub amount: Minor,
    pub first_sent_at: Timestamp,
}
