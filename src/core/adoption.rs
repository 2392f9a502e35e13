//! What a human may say a refund was for, and what that leaves.
//!
//! Pure, and shared by the store, the command and the page. An adoption is a list of parts: one refund may settle several
//! credit invoices, and several one. No part exceeds its credit invoice, and together they never exceed the refund; what
//! they leave of the refund is explained by nothing, and what they leave of a credit invoice is refunded as one refund of
//! ours, under a name of its own.

use super::id::{InvoiceId, InvoiceNumber, Reference};
use super::money::Minor;

/// What a part of a refund settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Settles {
    Credit(InvoiceId),
    /// The remainder of a cancelled order.
    Cancel,
    /// Nothing of this order, as a human said: goodwill, or a mistake.
    Nothing,
}

/// A part of a refund, in minor units of the order's currency; positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub settles: Settles,
    pub amount: Minor,
}

/// The name of the refund that makes up what others' refunds left of a credit invoice. It is not the name of the whole, so
/// that neither its key nor its intent is ever taken for that of the whole.
pub fn rest_reference(number: &InvoiceNumber) -> Reference {
    Reference(format!("{number}:rest"))
}
