//! Why what a human asked for is not done, as the books stand. Nothing failed; the sentence is made at the edge.

use reconciled_core::breaks::{BreakEvent, BreakStatus};
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{IntentId, InvoiceNumber, OrderId, OrderNumber, RefundId};
use reconciled_core::money::{Currency, Minor};
use reconciled_core::{adoption, consent};

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("intent {intent} cannot be approved")]
    Approve { intent: IntentId, why: consent::Refusal },
    #[error("intent {intent} cannot be given up")]
    GiveUp { intent: IntentId, why: consent::Refusal },
    /// Amounts are in `currency`, where it is known.
    #[error("refund {refund} cannot be adopted like this")]
    Adopt { refund: RefundId, why: adoption::Refusal, currency: Option<Currency> },
    /// The break's machine has no such row.
    #[error("break {id} is {}", status.name())]
    Break { id: i64, status: BreakStatus, event: BreakEvent },
    /// Other breaks wait than the human counted.
    #[error("other breaks of kind {} wait than were confirmed", kind.name())]
    Recount { kind: BreakKind, waiting: (u64, Minor), confirmed: (u64, Minor) },
    #[error("order {order} is not held by an operator")]
    NotHeld { order: OrderId },
    #[error("Klarna was not read yet for order {order}")]
    Unread { order: OrderNumber },
    /// Its refund was asked for, or its amount is not known.
    #[error("credit invoice {number} is {}", state.name())]
    NeverSent { number: InvoiceNumber, state: CreditInvoice },
    /// `total` is the order's, where the shop says an amount.
    #[error("{} is not Klarna's share of the order", said.get())]
    Share { said: Minor, total: Option<Minor> },
    /// About files and shops, not about money.
    #[error("{0}")]
    Said(String),
}
