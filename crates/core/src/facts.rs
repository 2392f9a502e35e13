//! What each side said, and when: the only input of a decision.
//!
//! Never holds a name, an address or an e-mail, and never a value that nobody said: what is missing on the wire
//! is `None` here, and a word we do not know is kept as it was written.

use jiff::Timestamp;

use super::id::{
    CaptureId, InvoiceId, InvoiceNumber, KlarnaOrderId, LineId, OrderId, OrderNumber, Reference, RefundId, ShipmentId,
};
use super::link::{Doubt, Named};
use super::money::{Currency, Minor};

/// A word from the other side: one we know, or the text as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word<T> {
    Known(T),
    Unknown(String),
}

impl<T: PartialEq> Word<T> {
    pub fn is(&self, value: &T) -> bool {
        matches!(self, Self::Known(known) if known == value)
    }

    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(known) => Some(known),
            Self::Unknown(_) => None,
        }
    }

    pub const fn unknown(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(text) => Some(text.as_str()),
        }
    }
}

/// An amount as said; `Err` keeps the text that is not an amount.
pub type Said = Result<Minor, String>;

/// The order's status in the shop, reduced to what decides something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShopStatus {
    /// Any status of a living order that is past its payment, and that the consumer may not have yet.
    Open,
    /// `completed`: the merchant ended it, and nothing says how.
    Completed,
    CompletedShipped,
    PickedUp,
    ReadyToDownload,
    /// Placed, and the shop still waits for the payment.
    AwaitingPayment,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shipped {
    No,
    Partly,
    Fully,
    Cancelled,
}

/// A row of a list page: enough to know whether the thing behind it must be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedOrder {
    pub id: OrderId,
    pub number: OrderNumber,
    pub updated_at: Timestamp,
    /// Klarna is its payment, as the configuration matches it.
    pub is_klarna: bool,
    /// The Klarna orders that the row itself names.
    pub names: Vec<KlarnaOrderId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedInvoice {
    pub id: InvoiceId,
    pub order: OrderId,
    pub updated_at: Timestamp,
    /// The row says that it is a credit invoice: the order's own answer must have it too.
    pub is_credit: bool,
    /// The row says that it is a credit invoice and not paid: a consumer may wait for money, so its order is read first.
    pub awaits_refund: bool,
}

/// One order as Lightspeed describes it (`GET orders/{id}.json`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopOrder {
    pub id: OrderId,
    pub number: OrderNumber,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub status: Word<ShopStatus>,
    pub shipped: Word<Shipped>,
    /// `paymentStatus` is `paid` or `partially_paid`, or an invoice that is no credit invoice is paid: a cancelled order's
    /// `paymentStatus` says `cancelled`, whatever was paid.
    pub paid: bool,
    /// The shop names a payment, and it is not Klarna, whatever Klarna order the order names.
    pub paid_otherwise: bool,
    /// `priceIncl`: what the consumer owes, shipping included.
    pub total: Said,
    /// Gift cards among the order's payments, `None` when the shop names none: what their entries add up to, a sum for
    /// each number that all of them state. Which of those is what they took is unproven (`share`).
    pub gift_cards: Option<Vec<Minor>>,
    /// The Klarna order that it is taken for: the first one named, until both sides' words were compared
    /// ([`super::link::choose`]).
    pub klarna_order_id: Option<KlarnaOrderId>,
    /// Every Klarna order that the shop order names, in the order in which the places are configured.
    pub candidates: Vec<Candidate>,
    pub credit_invoices: Vec<CreditInvoiceFacts>,
    pub shipments: Vec<Shipment>,
    pub lines: Vec<Line>,
}

/// A Klarna order id that a shop order names, and where it stands. Each id is named once, with all its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub id: KlarnaOrderId,
    pub places: Vec<Place>,
}

/// Where on the shop's order an id stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the payment data, under a key that surely names Klarna's order.
    PaymentData,
    /// In the payment data, under any other key or in a text.
    PaymentText,
    /// In the order metafield with this key.
    Metafield(String),
    Memo,
    /// In the comment of an event.
    Events,
    /// A human said so.
    Operator,
    /// Kept before places were.
    Unsaid,
}

/// A credit invoice (`isCreditNote: true`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditInvoiceFacts {
    pub id: InvoiceId,
    pub number: InvoiceNumber,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Absolute value of `priceIncl`: the sign on the wire is unproven.
    pub amount: Said,
    /// `Known(true)` is `paid`, `Known(false)` is `not_paid`.
    pub paid: Word<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    pub id: ShipmentId,
    pub number: String,
    pub updated_at: Timestamp,
    pub shipped: bool,
    /// How many of which line; empty when the shop did not say.
    pub quantities: Vec<(LineId, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub id: LineId,
    pub ordered: u32,
    /// Line total after discount, tax included.
    pub total: Said,
    /// How many of it which credit invoice names. Asked for only where it can matter, and empty for a credit invoice whose
    /// items the shop did not say clearly.
    pub credited: Vec<(InvoiceId, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KlarnaStatus {
    Authorized,
    PartCaptured,
    Captured,
    Cancelled,
    Expired,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fraud {
    Accepted,
    Pending,
    Rejected,
}

/// One order as Klarna describes it (`GET /ordermanagement/v1/orders/{id}`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KlarnaOrder {
    pub id: KlarnaOrderId,
    pub status: Word<KlarnaStatus>,
    /// `None` when the field is missing.
    pub fraud: Option<Word<Fraud>>,
    pub currency: Word<Currency>,
    pub order_amount: Minor,
    /// The amount first authorized, before any update; equals `order_amount` when Klarna does not say.
    pub original_amount: Minor,
    pub captured: Minor,
    pub refunded: Minor,
    pub remaining: Minor,
    pub merchant_reference1: Option<String>,
    pub merchant_reference2: Option<String>,
    /// When the order was made at Klarna, if it says so.
    pub created_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub captures: Vec<KlarnaCapture>,
    pub refunds: Vec<KlarnaRefund>,
}

impl KlarnaOrder {
    /// What has surely gone back: Klarna's own total, or the refunds it lists where that total lags behind them.
    pub fn refunded_at_least(&self) -> Minor {
        let listed: Minor = self.refunds.iter().map(|refund| refund.amount).collect();
        self.refunded.max(listed)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KlarnaCapture {
    pub id: CaptureId,
    pub amount: Minor,
    pub reference: Option<Reference>,
    pub captured_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KlarnaRefund {
    pub id: RefundId,
    pub amount: Minor,
    pub reference: Option<Reference>,
    pub refunded_at: Option<Timestamp>,
}

/// What is known of the Klarna side of one order in this pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KlarnaSide {
    /// The shop order names no Klarna order.
    Unlinked,
    /// Klarna says it knows no such order; with its own words.
    NotFound {
        said: String,
    },
    Read(KlarnaOrder),
    /// Klarna orders were read, and none of them is this shop order's beyond doubt.
    Doubtful(Doubt),
    /// A human said that no Klarna order belongs to it.
    Disowned,
}

impl KlarnaSide {
    /// The Klarna order, where there is one beyond doubt and it was read.
    pub const fn read(&self) -> Option<&KlarnaOrder> {
        match self {
            Self::Read(order) => Some(order),
            Self::Unlinked | Self::NotFound { .. } | Self::Doubtful(_) | Self::Disowned => None,
        }
    }
}

/// Everything both sides said about one order in this pass. An unread source makes no `Facts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub currency: Currency,
    pub shop: ShopOrder,
    pub klarna: KlarnaSide,
    /// The other Klarna orders that the shop order names, and why they are not its own.
    pub beside: Vec<Named>,
    /// A human said which Klarna order is its own.
    pub is_told: bool,
    /// Other shop orders that name the same Klarna order.
    pub shared_with: Vec<OrderNumber>,
    /// When the Klarna read was started.
    pub read_at: Timestamp,
    /// When the shop's answer about the order was kept; it may be older than this pass. [`OUTDATED`] once we marked
    /// something of the order paid after it.
    pub shop_read_at: Timestamp,
}

/// The status of an order that the shop listed and does not find any more.
pub const GONE: &str = "(gone)";

/// When an answer was kept that is known to be older than a change of ours, whatever any clock says.
pub const OUTDATED: Timestamp = Timestamp::UNIX_EPOCH;
