//! What a decision found, as a pass hands it to the store.

use jiff::Timestamp;

use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{IntentId, InvoiceNumber};
use reconciled_core::money::Minor;

/// A difference in the words in which people will read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub kind: BreakKind,
    pub credit_invoice: Option<InvoiceNumber>,
    /// Tells two differences of one kind and order apart.
    pub subject: String,
    pub amount: Option<Minor>,
    /// Carries no personal data.
    pub message: String,
    /// What to do about it in this state.
    pub remedy: Option<String>,
    /// The part of what is asked for that is sent once a human agrees to exactly that effect.
    pub offer: Option<(IntentId, Minor)>,
    /// When it becomes a break.
    pub due: Timestamp,
}
