//! What a difference is, as values: amounts, ids, and the state it was found in.
//!
//! Pure. The sentence, the remedy and the command to paste are made from it at the edge (`words`), so that a finding
//! reads the same in every language and a remedy fits the state and not only the kind.

use super::id::{IntentId, Reference};
use super::money::Minor;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A whole sentence, composed where it was found. None is added; those that are left become values one by one.
    Told(String),
    /// A ceiling holds a refund.
    Limit {
        /// The ceiling's key of the configuration with its value.
        reached: String,
        amount: Minor,
        reference: Reference,
        intent: IntentId,
        /// Two operators must agree.
        needs_two: bool,
    },
}

impl From<String> for Finding {
    fn from(sentence: String) -> Self {
        Self::Told(sentence)
    }
}
