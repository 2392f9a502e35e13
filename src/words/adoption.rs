//! Adoptions in words: the command that says what a refund was for, and why one is refused.

use super::{money, resolve};
use reconciled_core::adoption::Refusal;
use reconciled_core::finding::Said;
use reconciled_core::id::{InvoiceNumber, OrderNumber, RefundId};
use reconciled_core::money::{Currency, Minor};

/// `reconciled adopt REFUND INV00025=25.00 INV00030=30.00 --order ORD00018 --note '…'`, as it can be pasted.
fn command(
    currency: Currency, order: &OrderNumber, refund: &RefundId, parts: &[(String, Minor)], note: &str,
) -> String {
    let part = |(what, amount): &(String, Minor)| format!("{what}={}", amount.decimal(currency));
    let parts: Vec<String> = parts.iter().map(part).collect();
    format!("`reconciled adopt {refund} {} --order {order} --note '{note}'`", parts.join(" "))
}

pub(super) fn unattributed(
    currency: Currency, (order, refund): (&OrderNumber, &RefundId), amount: Minor, said: &Said, offer: &Said,
) -> String {
    let with = |more: &[(String, Minor)]| -> Said { said.iter().chain(more).cloned().collect() };
    let none = if said.is_empty() {
        format!("`reconciled ignore {refund} --order {order} --note 'goodwill'`")
    } else {
        command(currency, order, refund, &with(&[("nothing".to_owned(), amount)]), "the rest is goodwill")
    };
    let until = "Until somebody says so, no refund of the order is sent.";
    if offer.is_empty() {
        return format!(
            "Nothing of the order asks for it. If a credit invoice is missing, add it in the shop and adopt the refund for \
             it; if it belongs to none: {none}. {until}"
        );
    }
    let adopt = command(currency, order, refund, &with(offer), "refunded in the portal");
    format!("If that is what it was for: {adopt}. If it belongs to nothing of the order: {none}. {until}")
}

pub(super) fn differs(
    currency: Currency, (order, credit): (&OrderNumber, &InvoiceNumber), more: Minor, accept: &[(RefundId, Said)],
) -> String {
    let commands: Vec<String> = accept
        .iter()
        .map(|(refund, parts)| command(currency, order, refund, parts, "compared with the portal"))
        .collect();
    let commands = commands.join(" and ");
    let by = money(more.abs(), currency);
    match (commands.is_empty(), more.is_positive()) {
        (true, _) => format!("Look at `reconciled show {credit}`: the difference of {by} is not in one refund."),
        (false, true) => format!(
            "{by} more went back than it asks for. Reclaim it from the consumer or let it be; then say so, which lets the \
             order's other refunds go: {commands}."
        ),
        (false, false) => format!(
            "{by} less went back than it asks for. To have the rest refunded as well, where refunds are driven here: \
             {commands}. If it was paid back otherwise: {}.",
            resolve("the rest was paid back otherwise")
        ),
    }
}

/// Why an adoption is refused, as a sentence without its end.
pub fn refusal(refused: &Refusal, currency: Option<Currency>) -> String {
    let said = |amount: &Minor| currency.map_or_else(|| amount.get().to_string(), |currency| money(*amount, currency));
    match refused {
        Refusal::Unknown(id) => format!("credit invoice {id} is not of this order"),
        Refusal::Twice => "one thing is named twice".to_owned(),
        Refusal::Mixed => "give every part its amount, or none".to_owned(),
        Refusal::NotPositive => "a part is more than nothing".to_owned(),
        Refusal::ExceedsRefund { refund, parts } => {
            format!("the parts are {} together, and the refund is {}", said(parts), said(refund))
        }
        Refusal::ExceedsCredit { number, open, part } => {
            format!("{} is more than the {} that {number} still asks for", said(part), said(open))
        }
        Refusal::NotExact { refund, open } => {
            let asks = open.iter().map(|(number, amount)| format!("{number} asks for {}", said(amount)));
            let asks: Vec<String> = asks.collect();
            format!(
                "the refund is {}, and {}; say what each part is, as in {}",
                said(refund),
                asks.join(", "),
                example(*refund, open, currency)
            )
        }
    }
}

/// The parts that fit, as `adopt` takes them.
fn example(refund: Minor, open: &[(InvoiceNumber, Minor)], currency: Option<Currency>) -> String {
    let mut left = refund;
    let parts = open.iter().map(|(number, amount)| {
        let part = (*amount).min(left);
        left = left.minus(part);
        let text = currency.map_or_else(|| part.get().to_string(), |currency| part.decimal(currency));
        format!("{number}={text}")
    });
    parts.collect::<Vec<_>>().join(" ")
}
