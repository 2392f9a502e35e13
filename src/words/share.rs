//! Findings about Klarna's share of an order, in words.

use super::money;
use crate::core::finding::share::ShareFinding;
use crate::core::money::Currency;

pub(super) fn message(found: &ShareFinding, currency: Currency) -> String {
    match found {
        ShareFinding::Differs { order, total, authorized, names_gift_cards, .. } => {
            let (total, authorized) = (money(*total, currency), money(*authorized, currency));
            let hint =
                if *names_gift_cards { "; the shop names a gift card, and not clearly what it took" } else { "" };
            format!("order {order} totals {total} in the shop and {authorized} at Klarna{hint}")
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

pub(super) fn remedy(found: &ShareFinding, currency: Currency) -> String {
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
        ShareFinding::PaidOtherwise { credit, rest, .. } => format!(
            "Give the {} back by the means it was paid with, such as the gift card. Then mark credit invoice {credit} \
             paid in the back office, or resolve this break: Klarna's part is marked as soon as it is refunded.",
            money(*rest, currency)
        ),
    }
}
