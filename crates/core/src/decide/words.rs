//! How effects and what became of them are named in messages.
//!
//! A message says what it is about, whose it is and what the other side answered; what to do about it is the remedy of
//! its kind. Nothing here decides.

use super::case::Case;
use crate::consent::lands_until;
use crate::intent::{Intent, Kind, State};

/// What was refused and what Klarna said, with its code and correlation id, for its support desk; or that a human gave
/// it up. The intent is what `approve` asks for.
pub(super) fn refusal(case: &Case<'_>, intent: &Intent) -> String {
    let (what, id) = (what_of(case, intent), intent.id);
    match (&intent.state, &intent.said) {
        (State::Rejected, Some(said)) => format!("Klarna refused the {what}: {said}; intent {id}"),
        (State::Rejected, None) => format!("Klarna refused the {what}, and no reason was kept; intent {id}"),
        _ => match lands_until(&intent.state, intent.first_sent_at, case.now) {
            Some(until) => format!(
                "the {what} was given up by a human after it may have left, and may still happen until {until:.0}; \
                 intent {id}"
            ),
            None => format!("the {what} was given up by a human; intent {id}"),
        },
    }
}

/// An effect in words: `refund of 44.95 EUR for credit invoice INV00038`.
pub(super) fn what_of(case: &Case<'_>, intent: &Intent) -> String {
    let whose = match &intent.effect.credit_invoice {
        Some((_, number)) => format!("for credit invoice {number}"),
        None => format!("for order {}", case.shop.number),
    };
    let what = match intent.effect.kind {
        Kind::Refund => "refund",
        Kind::MarkPaid => "payment",
        Kind::Cancel => "cancel",
        Kind::Release => "release",
        Kind::Capture => "capture",
        Kind::Extend => "extension of the authorization",
    };
    format!("{what} of {} {whose}", case.money(intent.effect.amount))
}
