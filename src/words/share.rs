//! Findings about Klarna's share of an order, in words.

use super::told::{before_it_lapses, may_happen};
use super::{by_us, money, resolve};
use reconciled_core::finding::share::ShareFinding;
use reconciled_core::money::Currency;
use reconciled_core::situation::Situation;

pub(super) fn message(found: &ShareFinding, currency: Currency) -> String {
    match found {
        ShareFinding::Differs { order, total, authorized, names_gift_cards, .. } => {
            let (total, authorized) = (money(*total, currency), money(*authorized, currency));
            let hint =
                if *names_gift_cards { "; the shop names a gift card, and not clearly what it took" } else { "" };
            format!("order {order} totals {total} in the shop and {authorized} at Klarna{hint}")
        }
        ShareFinding::NotCaptured { order, how, missing, left, .. } => {
            let is_short = left.is_positive() && left < missing;
            let (missing, left_now) = (money(*missing, currency), money(*left, currency));
            let said = format!("order {order} is {how}, and {missing} of it is not captured");
            if is_short {
                format!("{said}; Klarna authorizes {left_now}")
            } else if left.is_positive() {
                said
            } else {
                format!("{said}; nothing of it is authorized any more")
            }
        }
        ShareFinding::PaidOtherwise { order, credit, rest, of_klarna } => {
            let (rest, of_klarna) = (money(*rest, currency), money(*of_klarna, currency));
            format!(
                "{rest} of credit invoice {credit} was not paid with Klarna (order {order}): Klarna gives back \
                 {of_klarna}, the rest must go back as it was paid"
            )
        }
    }
}

pub(super) fn remedy(found: &ShareFinding, state: Option<&Situation>, currency: Currency) -> String {
    match found {
        ShareFinding::Differs { order, total, authorized, first, .. } => {
            let share = (*total).min(if authorized.is_positive() { *authorized } else { *first });
            let first = money(*first, currency);
            if !share.is_positive() {
                return format!(
                    "Nothing is sent for this order until they agree. Klarna authorized {first} at first. If nothing of \
                     order {order} is to be paid any more, cancel it in the shop."
                );
            }
            let share = share.decimal(currency);
            format!(
                "Nothing is sent for this order until they agree. Klarna authorized {first} at first. If a gift card or \
                 another payment took the rest, or the order was changed since, say what Klarna's share is: `reconciled \
                 accept {order} --amount {share} --note 'a gift card paid the rest'`."
            )
        }
        ShareFinding::NotCaptured { order, missing, captured, left, is_over, .. } => {
            let share = captured.plus(*left).decimal(currency);
            let beyond = money(missing.less(*left), currency);
            let is_short = left < missing;
            let (missing, left_now) = (money(*missing, currency), money(*left, currency));
            if !left.is_positive() {
                return format!(
                    "Klarna pays nothing of it any more: arrange another payment of {missing} with the consumer, or ask \
                     Klarna to reopen the order. Once it is settled: {}.",
                    resolve("paid otherwise")
                );
            }
            if let Some(wait) = state.and_then(may_happen) {
                return wait;
            }
            if is_short {
                return format!(
                    "Raise what is authorized in Klarna's portal by {beyond}; or let Klarna take the {left_now} that it \
                     authorizes, and the consumer pay the rest otherwise: `reconciled accept {order} --amount {share} \
                     --note 'Klarna was lowered, agreed with the consumer'`."
                );
            }
            let by_us = state.filter(|_| !is_over).map(|state| by_us(&state.unset)).unwrap_or_default();
            let by = state.map(before_it_lapses).unwrap_or_default();
            format!("Capture {missing} in Klarna's portal{by}.{by_us}")
        }
        ShareFinding::PaidOtherwise { credit, rest, .. } => format!(
            "Give the {} back by the means it was paid with, such as the gift card. Then mark credit invoice {credit} \
             paid in the back office, or say so here: {}. Klarna's part is marked as soon as it is refunded.",
            money(*rest, currency),
            resolve("put back on the gift card")
        ),
    }
}
