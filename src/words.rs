//! Findings in words: what was found, what to do about it, and the command for it, with the ids of the order at hand.
//!
//! The only place that makes sentences of findings. Chooses nothing: whatever a sentence depends on is in the finding.

use crate::core::discrepancy::Discrepancy;
use crate::core::finding::Finding;
use crate::core::money::{Currency, Minor};

/// What was found, for people; carries no personal data.
pub fn message(finding: &Finding, currency: Currency) -> String {
    match finding {
        Finding::Told(sentence) => sentence.clone(),
        Finding::Limit { reached, amount, reference, intent, needs_two } => {
            let amount = money(*amount, currency);
            let until = if *needs_two { " until two operators approved it" } else { "" };
            format!("{reached} holds the refund of {amount} under {reference} (intent {intent}){until}")
        }
    }
}

/// What to do about it, in the state it was found in; commands stand in backticks and can be pasted. `None`: what is
/// always done about its kind.
pub fn remedy(found: &Discrepancy, _currency: Currency) -> Option<String> {
    match &found.finding {
        Finding::Told(_) => None,
        Finding::Limit { intent, needs_two: false, .. } => Some(format!(
            "Let it go with `reconciled approve {intent} --note 'checked'`, or raise the limit in the configuration."
        )),
        Finding::Limit { intent, needs_two: true, .. } => {
            Some(format!("Two operators let it go, each with `reconciled approve {intent} --note 'checked'`."))
        }
    }
}

fn money(amount: Minor, currency: Currency) -> String {
    format!("{} {currency}", amount.decimal(currency))
}
