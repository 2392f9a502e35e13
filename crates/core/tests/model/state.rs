//! The state of the model: what is durable, what each worker knows, what is under way, and what is true at Klarna.
//!
//! Times are seconds since the beginning. Nothing here decides.

use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::id::RefundId;
use reconciled_core::intent;

/// A refund by its place in Klarna's list.
pub type Refund = u8;

/// The states of `core::intent` in a form that can be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntentState {
    Planned,
    Sending,
    Confirmed,
    Rejected,
    Unknown,
    Abandoned,
    Withdrawn,
}

impl IntentState {
    pub fn of(state: &intent::State) -> Self {
        match state {
            intent::State::Planned => Self::Planned,
            intent::State::Sending => Self::Sending,
            intent::State::Confirmed => Self::Confirmed,
            intent::State::Rejected => Self::Rejected,
            intent::State::Unknown => Self::Unknown,
            intent::State::Abandoned => Self::Abandoned,
            intent::State::Withdrawn => Self::Withdrawn,
        }
    }

    pub fn real(self) -> intent::State {
        match self {
            Self::Planned => intent::State::Planned,
            Self::Sending => intent::State::Sending,
            Self::Confirmed => intent::State::Confirmed,
            Self::Rejected => intent::State::Rejected,
            Self::Unknown => intent::State::Unknown,
            Self::Abandoned => intent::State::Abandoned,
            Self::Withdrawn => intent::State::Withdrawn,
        }
    }

    /// The real machine's step; `None` where it has no row.
    pub fn apply(self, event: intent::Event) -> Option<Self> {
        self.real().apply(event).ok().map(|after| Self::of(&after))
    }
}

/// The credit invoice as the store holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credit {
    Pending,
    Held,
    Requested,
    Refunded(Refund),
    Paid(Refund),
    PaidByHand,
    Cancelled,
}

/// Klarna's name of a refund.
pub fn refund_id(refund: Refund) -> RefundId {
    RefundId(format!("r{refund}"))
}

pub fn refund_of(id: &RefundId) -> Refund {
    id.as_str().strip_prefix('r').and_then(|digits| digits.parse().ok()).expect("a refund of the model")
}

impl Credit {
    pub fn of(state: &CreditInvoice) -> Self {
        let proof = |proof: &Proof| match proof {
            Proof::Refund(id) => refund_of(id),
            Proof::Reversal => panic!("nothing is reversed in the model"),
        };
        match state {
            CreditInvoice::Pending => Self::Pending,
            CreditInvoice::Held => Self::Held,
            CreditInvoice::RefundRequested(_) => Self::Requested,
            CreditInvoice::Refunded(it) => Self::Refunded(proof(it)),
            CreditInvoice::Paid(it) => Self::Paid(proof(it)),
            CreditInvoice::PaidByHand => Self::PaidByHand,
            CreditInvoice::Cancelled => Self::Cancelled,
        }
    }

    pub fn real(self, intent: reconciled_core::id::IntentId) -> CreditInvoice {
        match self {
            Self::Pending => CreditInvoice::Pending,
            Self::Held => CreditInvoice::Held,
            Self::Requested => CreditInvoice::RefundRequested(intent),
            Self::Refunded(it) => CreditInvoice::Refunded(Proof::Refund(refund_id(it))),
            Self::Paid(it) => CreditInvoice::Paid(Proof::Refund(refund_id(it))),
            Self::PaidByHand => CreditInvoice::PaidByHand,
            Self::Cancelled => CreditInvoice::Cancelled,
        }
    }
}

/// The intent's row, with the columns from which a claim that never left takes its times back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Intent {
    pub state: IntentState,
    /// What `core::intent::key` gave, shortened.
    pub key: u64,
    pub planned: u32,
    pub attempts: u32,
    pub first: Option<u32>,
    pub last: Option<u32>,
    pub first_before: Option<u32>,
    pub last_before: Option<u32>,
    pub absent: Option<u32>,
    pub not_before: Option<u32>,
    /// How many refunds the read showed on which it was planned.
    pub seen_before: u8,
    pub made: Option<Refund>,
    pub ended: Option<u32>,
}

/// What one store holds about the credit invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    pub intent: Option<Intent>,
    pub credit: Credit,
}

impl Row {
    pub const EMPTY: Self = Self { intent: None, credit: Credit::Pending };
}

/// A read of the Klarna order: how many refunds it showed, and when it was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Read {
    pub shown: u8,
    pub at: u32,
}

/// What came back for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Back {
    Done(Refund),
    Throttled { until: u32 },
    Refused,
}

/// Where a worker is in its pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Worker {
    /// No pass is running.
    Idle,
    /// In a pass, about to look (again).
    Looking,
    /// It loaded what the store holds, and reads next.
    Loaded(Row),
    Read(Row, Read),
    /// The decision is committed, and its intent is to be claimed.
    Decided(Read),
    /// The claim is committed, and the request leaves next.
    Claimed {
        read: Read,
        attempt: u32,
        key: u64,
    },
    Waiting {
        read: Read,
        attempt: u32,
        back: Option<Back>,
    },
}

/// A request under way; without a sender once its worker gave it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    pub sender: Option<u8>,
    pub key: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Made {
    pub at: u32,
    /// By a person at the portal, without a reference.
    pub by_hand: bool,
}

/// A key as Klarna remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Remembered {
    pub key: u64,
    pub at: u32,
    pub refund: Refund,
}

/// What may still go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    pub crashes: u8,
    /// Requests that are lost, throttled, refused or cannot leave.
    pub losses: u8,
    /// Stores that are lost, or replaced by an old copy.
    pub wipes: u8,
    /// Refunds by hand.
    pub portal: u8,
    /// How often five seconds, five minutes, five hours and a day pass.
    pub jumps: [u8; 4],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub now: u32,
    pub stores: Vec<Row>,
    pub workers: Vec<Worker>,
    pub under_way: Vec<Request>,
    pub refunds: Vec<Made>,
    /// Every read shows at least so many refunds.
    pub settled: u8,
    pub remembered: Vec<Remembered>,
    /// The shop says paid.
    pub paid: bool,
    /// It was marked paid while no refund of the amount existed.
    pub paid_unproven: bool,
    /// A first request left on a read that showed somebody else's refund.
    pub ignored_portal: bool,
    pub left: Bounds,
}

impl State {
    pub fn ours(&self) -> usize {
        self.refunds.iter().filter(|made| !made.by_hand).count()
    }
}
