//! Why the store did not do what it was asked, in words.

use std::error::Error;

use reconciled_core::consent::Refusal;
use reconciled_store::StoreError;

use super::adoption;

/// An error as people read it, without its causes.
pub fn said(error: &(dyn Error + 'static)) -> String {
    error.downcast_ref().map_or_else(|| error.to_string(), store)
}

pub fn store(error: &StoreError) -> String {
    match error {
        StoreError::NotApproved { why, .. } | StoreError::NotGivenUp { why, .. } => {
            format!("{error}: {}", consent(why))
        }
        StoreError::NotAdopted { why, currency, .. } => format!("{error}: {}", adoption::refusal(why, *currency)),
        StoreError::Open { .. }
        | StoreError::Newer { .. }
        | StoreError::OtherIdentity { .. }
        | StoreError::OtherName { .. }
        | StoreError::Locked
        | StoreError::Moved(_)
        | StoreError::Guard(_)
        | StoreError::Damaged(_)
        | StoreError::NotFound(_)
        | StoreError::Refused(_)
        | StoreError::Sql(_)
        | StoreError::Io(_)
        | StoreError::Gone => error.to_string(),
    }
}

/// Why a human's word about an effect is not taken, as the end of a sentence.
pub fn consent(why: &Refusal) -> String {
    match why {
        Refusal::UnderWay => "its request is under way".to_owned(),
        Refusal::Confirmed => "it was confirmed".to_owned(),
        Refusal::Withdrawn => "it was never sent and its reason is gone; what is due now is another intent".to_owned(),
        Refusal::MayLand { until } => format!(
            "its request left and its outcome is unknown: until 23 hours after the first attempt ({until:.0}) it may \
             still have happened, and a new one could do it twice, whether or not it was given up meanwhile"
        ),
        Refusal::Superseded { by } => format!("intent {by} has started it anew"),
        Refusal::OtherAmount => {
            "it is not over that amount; run a pass, and take the amount its break names".to_owned()
        }
        Refusal::AmountUnsaid => {
            "it sends less than its credit invoice asks for; say the amount that its break names".to_owned()
        }
        Refusal::NothingLeft(state) => format!("it is {}, and nothing is left to give up", state.name()),
    }
}
