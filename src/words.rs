//! Findings in words: what was found, what to do about it, and the command for it, with the ids of the order at hand.
//!
//! The only place that makes sentences of findings. Chooses nothing: whatever a sentence depends on is in the finding.

mod link;

use crate::core::discrepancy::Discrepancy;
use crate::core::finding::{Doubt, Finding};
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
        Finding::EndedInPart { order, by, rest } => format!(
            "order {order} is {} by its status and partly shipped by its shipments, and {} of it is not captured",
            by.word(),
            money(*rest, currency)
        ),
        Finding::Undelivered { order, credit, amount, doubt, intent, .. } => format!(
            "credit invoice {credit} over {} of order {order} {}: it is a refund if it takes back what was sent, and \
             none if it names what never left (intent {intent})",
            money(*amount, currency),
            doubt_in_words(*doubt)
        ),
        Finding::Link(found) => link::message(found, currency),
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
        Finding::EndedInPart { .. } => Some(
            "If everything left, mark the last shipment shipped in the shop; if the rest never will, add a credit \
             invoice for it."
                .to_owned(),
        ),
        Finding::Undelivered { may_be_approved, intent, doubt, .. } => {
            let refund = if *may_be_approved {
                format!("refund it with `reconciled approve {intent} --note 'returned'`")
            } else {
                "refund it in Klarna's portal".to_owned()
            };
            let never = match doubt {
                Doubt::InCapture => "refund in Klarna's portal what was captured of it".to_owned(),
                Doubt::Undated | Doubt::Clocks | Doubt::NeverSent => {
                    format!("nothing is owed: `reconciled ignore {intent} --note 'never sent'`")
                }
            };
            Some(format!("If it takes back what was sent, {refund}. If it names what was never sent, {never}."))
        }
        Finding::Link(found) => Some(link::remedy(found)),
    }
}

const fn doubt_in_words(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Undated => "was made while not everything is captured, and Klarna does not say when it captured",
        Doubt::Clocks => "was made within two minutes of the capture, and two clocks do not tell which was first",
        Doubt::NeverSent => "is younger than the capture, and fits into what is not captured",
        Doubt::InCapture => "is older than the capture, which did not leave it out",
    }
}

fn money(amount: Minor, currency: Currency) -> String {
    format!("{} {currency}", amount.decimal(currency))
}
