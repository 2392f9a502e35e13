//! Findings that contradict a final state, in words.

use super::{money, resolve};
use reconciled_core::finding::proof::Contradicted;
use reconciled_core::money::Currency;

pub(super) fn message(found: &Contradicted, currency: Currency) -> String {
    match found {
        Contradicted::CapturedAfterExpiry { order, captured } => {
            let captured = money(*captured, currency);
            format!("the authorization of order {order} had lapsed, and {captured} is captured at Klarna since")
        }
        Contradicted::AuthorizedAfterExpiry { order, remaining } => {
            let remaining = money(*remaining, currency);
            format!("the authorization of order {order} had lapsed, and Klarna says {remaining} is authorized again")
        }
        Contradicted::OpenAfterCancel { order } => {
            format!("order {order} was cancelled and its money went back, and the shop calls it open again")
        }
        Contradicted::CapturedAfterAll { credit, amount, order, captured } => {
            let (amount, captured) = (money(*amount, currency), money(*captured, currency));
            format!(
                "credit invoice {credit} over {amount} is marked paid as never captured, and {captured} of order \
                 {order} is captured at Klarna: no refund of it exists"
            )
        }
    }
}

pub(super) fn remedy(found: &Contradicted, currency: Currency) -> String {
    match found {
        Contradicted::CapturedAfterExpiry { order, .. } => format!(
            "Somebody captured it after Klarna reopened the order. If that was right: {}. If it was not, refund it in \
             Klarna's portal. `reconciled show {order}` shows both sides.",
            resolve("captured after Klarna reopened it")
        ),
        Contradicted::AuthorizedAfterExpiry { order, remaining } => format!(
            "This program captures nothing of an order that had lapsed. Capture what was shipped of the {} in Klarna's \
             portal, or release it there. `reconciled show {order}` shows both sides.",
            money(*remaining, currency)
        ),
        Contradicted::OpenAfterCancel { order } => format!(
            "Do not ship: nothing is captured of a cancelled order. Cancel it in the shop again, or arrange another \
             payment. `reconciled show {order}` shows both sides."
        ),
        Contradicted::CapturedAfterAll { credit, amount, .. } => format!(
            "If the consumer is owed the {}, refund it in Klarna's portal: the next pass finds that refund and offers the \
             command that says what it was for. If not: {}. `reconciled show {credit}` shows both sides.",
            money(*amount, currency),
            resolve("not owed")
        ),
    }
}
