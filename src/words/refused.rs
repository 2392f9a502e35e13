//! Why the store did not do what it was asked, and why the ledger lets an effect not leave, in words.

use std::error::Error;
use std::fmt::Display;

use jiff::Timestamp;

use reconciled_core::breaks::BreakEvent;
use reconciled_core::consent;
use reconciled_core::guard::Withheld;
use reconciled_store::{Refusal, StoreError};

use super::adoption;

/// An error as people read it, without its causes.
pub fn said(error: &(dyn Error + 'static)) -> String {
    error.downcast_ref().map_or_else(|| error.to_string(), store)
}

pub fn store(error: &StoreError) -> String {
    match error {
        StoreError::Refused(why) => refusal(why),
        StoreError::Open { .. }
        | StoreError::Newer { .. }
        | StoreError::OtherIdentity { .. }
        | StoreError::OtherName { .. }
        | StoreError::Locked
        | StoreError::Moved(_)
        | StoreError::Guard(_)
        | StoreError::Damaged(_)
        | StoreError::NotFound(_)
        | StoreError::Sql(_)
        | StoreError::Io(_)
        | StoreError::Gone => error.to_string(),
    }
}

fn refusal(refused: &Refusal) -> String {
    match refused {
        Refusal::Approve { intent, why: consent::Refusal::SamePerson { actor, at } } => same_person(intent, actor, *at),
        Refusal::Approve { why, .. } | Refusal::GiveUp { why, .. } => format!("{refused}: {}", consent(why)),
        Refusal::Adopt { why, currency, .. } => format!("{refused}: {}", adoption::refusal(why, *currency)),
        Refusal::Break { event: BreakEvent::Assigned | BreakEvent::Unassigned, .. } => {
            format!("{refused}; nobody has to work on it")
        }
        Refusal::Break { event, .. } => format!("{refused}; it cannot be {}", event.name()),
        Refusal::Recount { kind, waiting: (number, there), confirmed: (count, sum) } => format!(
            "{number} breaks of kind {} wait for this now, together {} minor units; {count} with {} were confirmed; look \
             at them again",
            kind.name(),
            there.get(),
            sum.get(),
        ),
        Refusal::NeverSent { .. } => format!("{refused}; whether it was sent is no question any more"),
        Refusal::Share { total: None, .. } => "the shop's total of the order is not an amount".to_owned(),
        Refusal::Share { said, total: Some(total) } => format!(
            "Klarna's share is above zero and at most the order's total of {} minor units, not {}",
            total.get(),
            said.get()
        ),
        Refusal::NotHeld { .. } | Refusal::Unread { .. } | Refusal::Said(_) => refused.to_string(),
    }
}

fn same_person(what: &dyn Display, actor: &str, at: Timestamp) -> String {
    format!("{actor} proposed {what} at {at}; above two_person_above another operator must approve it")
}

/// Why a human's word about an effect is not taken, as the end of a sentence.
pub fn consent(why: &consent::Refusal) -> String {
    match why {
        consent::Refusal::UnderWay => "its request is under way".to_owned(),
        consent::Refusal::Confirmed => "it was confirmed".to_owned(),
        consent::Refusal::Withdrawn => {
            "it was never sent and its reason is gone; what is due now is another intent".to_owned()
        }
        consent::Refusal::MayLand { until } => format!(
            "its request left and its outcome is unknown: until 23 hours after the first attempt ({until:.0}) it may \
             still have happened, and a new one could do it twice, whether or not it was given up meanwhile"
        ),
        consent::Refusal::Superseded { by } => format!("intent {by} has started it anew"),
        consent::Refusal::OtherAmount => {
            "it is not over that amount; run a pass, and take the amount its break names".to_owned()
        }
        consent::Refusal::AmountUnsaid => {
            "it sends less than its credit invoice asks for; say the amount that its break names".to_owned()
        }
        consent::Refusal::Unfound => {
            "no pass has found it yet, so whether it needs two operators is not known; run a pass first".to_owned()
        }
        consent::Refusal::SamePerson { actor, at } => same_person(&"it", actor, *at),
        consent::Refusal::NothingLeft(state) => format!("it is {}, and nothing is left to give up", state.name()),
    }
}

/// Why an effect did not leave, as people read it in a pass's output.
pub fn withheld(why: &Withheld) -> String {
    match why {
        Withheld::Stopped => "the kill switch is on".to_owned(),
        Withheld::Held { note } => format!("the order is held by an operator: {note}"),
        Withheld::Moved => "it moved since it was decided; the next pass decides anew".to_owned(),
        Withheld::Beyond { after, captured } => {
            format!("{} would be refunded or reserved of {} captured", after.get(), captured.get())
        }
        Withheld::SecondOperator { intent } => {
            format!("two_person_above: two operators must agree, each with `reconciled approve {intent}`")
        }
        Withheld::DailyLimit { limit } => format!("the limit of {} a day is reached", limit.get()),
    }
}
