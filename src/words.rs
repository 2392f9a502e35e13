//! Findings in words: what was found, what to do about it, and the command for it, with the ids of the order at hand.
//!
//! The only place that makes sentences of findings. Chooses nothing: whatever a sentence depends on is in the finding.

pub mod adoption;
mod link;
pub use link::place;
mod proof;
pub mod refused;
mod share;
mod told;

use reconciled_core::discrepancy::{Discrepancy, THIS_BREAK};
use reconciled_core::finding::{Differs, Doubt, Finding};
use reconciled_core::id::{IntentId, InvoiceNumber, OrderNumber};
use reconciled_core::intent::Kind;
use reconciled_core::money::{Currency, Minor};
use reconciled_core::policy::Setting;
use reconciled_core::sums::{Contradiction, Sum};

/// What was found, for people; carries no personal data.
pub fn message(finding: &Finding, currency: Currency) -> String {
    match finding {
        Finding::Told(sentence) => sentence.clone(),
        Finding::Vanished { .. } => vanished(finding, currency),
        Finding::Contradicted(found) => proof::message(found, currency),
        Finding::Share(found) => share::message(found, currency),
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
        Finding::OrderGone { order } => {
            format!("the shop had listed order {order} and does not find it any more, also when it was asked again")
        }
        Finding::CreditMissing { order, credit } => {
            format!("the shop had listed credit invoice {credit} of order {order}, and its answer lacks it now")
        }
        Finding::Unattributed { order, refund, amount, said, .. } => {
            let amount = money(*amount, currency);
            if said.is_empty() {
                format!(
                    "{amount} of order {order} was refunded at Klarna, and no credit invoice explains it (refund {refund})"
                )
            } else {
                format!("{amount} of refund {refund} of order {order} is explained by nothing that was said of it")
            }
        }
        Finding::Beyond { order, credit, asks, left, most, .. } => {
            let (asks, left) = (money(*asks, currency), money(*left, currency));
            match most {
                Some(most) => format!(
                    "credit invoice {credit} asks for {asks}, and Klarna takes at most {} in one refund",
                    money(*most, currency)
                ),
                None => {
                    format!("credit invoice {credit} asks for {asks}, and {left} of order {order} is left to refund")
                }
            }
        }
        Finding::Sums { order, found, .. } => {
            format!("Klarna contradicts itself about order {order}: {}", sums(found, currency))
        }
        Finding::CapturedTooMuch { order, captured, worth, .. } => {
            let (captured, worth) = (money(*captured, currency), money(*worth, currency));
            format!("{captured} of order {order} is captured, and the shop's order is worth {worth}")
        }
        Finding::RefundDiffers { credit, asks, refunded, why, .. } => {
            let what = match why {
                Differs::Changed => "was changed after its refund",
                Differs::Repeated => "was refunded more than once",
                Differs::Amount => "was refunded with another amount",
            };
            let (asks, refunded) = (money(*asks, currency), money(*refunded, currency));
            format!("credit invoice {credit} over {asks} {what}: {refunded} went back")
        }
    }
}

/// The command that sends what is left of an order for a credit invoice that asks for more.
fn left_of(intent: &IntentId, left: Minor, order: &OrderNumber, currency: Currency) -> String {
    let left = left.decimal(currency);
    format!("`reconciled approve {intent} --amount {left} --order {order} --note 'send what is left'`")
}

/// A sum of Klarna's beside its parts.
fn sums(found: &Contradiction, currency: Currency) -> String {
    let (stated, parts) = (money(found.stated, currency), money(found.parts, currency));
    match found.what {
        Sum::Captured => format!("{stated} is captured, and its captures add up to {parts}"),
        Sum::Refunded => format!("{stated} is refunded, and its refunds add up to {parts}"),
        Sum::Authorized => format!("{stated} was authorized, and {parts} is captured or still authorized"),
        Sum::Returned => format!("{stated} is captured, and {parts} is refunded"),
        Sum::RefundedBefore => format!("{stated} is refunded, and {parts} was before"),
        Sum::CapturedBefore if found.stated.is_zero() => "nothing is captured, and something was before".to_owned(),
        Sum::CapturedBefore => format!("{stated} is captured, and {parts} was before"),
    }
}

/// What to do about it, in the state it was found in; commands stand in backticks and can be pasted.
pub fn remedy(found: &Discrepancy, currency: Currency) -> String {
    match &found.finding {
        Finding::Told(_) => told::remedy(found, currency),
        Finding::Vanished { what, order, id, .. } => format!(
            "Look the {} {id} up in Klarna's portal, and ask Klarna what became of it: `reconciled show {order}` has the \
             answer that confirmed it, with its correlation id. Once the money is where it belongs: {}.",
            what.name(),
            resolve("Klarna explained it")
        ),
        Finding::OrderGone { order } => format!(
            "Nothing is sent for it any more. `reconciled show {order}` has what was held of it; settle by hand what is owed, \
             then close it for good: {}.",
            resolve("settled by hand")
        ),
        Finding::CreditMissing { order, credit } => format!(
            "Look in the back office whether order {order} still has credit invoice {credit}. Nothing is sent for the order \
             until the shop shows it again, or a later answer lacks it too: `reconciled reconcile --order {order}`."
        ),
        Finding::Contradicted(found) => proof::remedy(found, currency),
        Finding::Share(finding) => share::remedy(finding, found.state.as_ref(), currency),
        Finding::Limit { intent, needs_two: false, .. } => format!(
            "Let it go with `reconciled approve {intent} --note 'checked'`, or raise the limit in the configuration."
        ),
        Finding::Limit { intent, needs_two: true, .. } => {
            format!("Two operators let it go, each with `reconciled approve {intent} --note 'checked'`.")
        }
        Finding::Unattributed { order, refund, amount, said, offer } => {
            adoption::unattributed(currency, (order, refund), *amount, said, offer)
        }
        Finding::Beyond { credit, asks, left, offer: None, .. } => {
            let authorized = found.state.as_ref().map_or(Minor::ZERO, |state| state.authorized);
            beyond(credit, (*asks, *left, authorized), currency)
        }
        Finding::Beyond { order, credit, asks, left, offer: Some(intent), .. } => format!(
            "An invoice's amount cannot be changed. Send what is left with {}, which settles {credit}; the {} beyond that \
             go back another way.",
            left_of(intent, *left, order, currency),
            money(asks.less(*left), currency)
        ),
        Finding::Sums { order, klarna, .. } => format!(
            "Look at order {klarna} in Klarna's portal, and again with `reconciled reconcile --order {order}`. If it goes on, \
             tell Klarna: nothing is sent for the order while its sums contradict each other."
        ),
        Finding::CapturedTooMuch { order, worth, more, is_held: true, .. } => format!(
            "Nothing is sent for this order until somebody says what Klarna's share of it is: `reconciled accept {order} \
             --amount {} --note 'lowered after the capture'`. Then refund {} in Klarna's portal: the next pass finds that \
             refund and offers the command that says what it was for.",
            worth.decimal(currency),
            money(*more, currency)
        ),
        Finding::CapturedTooMuch { order, more, is_held: false, .. } => format!(
            "Refund {} in Klarna's portal. The next pass finds that refund, `reconciled reconcile --order {order}`, and offers \
             the command that says what it was for. A paid order's lines cannot be changed in the back office; if the \
             consumer owes more than the shop says: {}.",
            money(*more, currency),
            resolve("owed, agreed with the consumer")
        ),
        Finding::RefundDiffers { order, credit, asks, refunded, accept, .. } => {
            adoption::differs(currency, (order, credit), refunded.minus(*asks), accept)
        }
        Finding::EndedInPart { .. } => {
            "If everything left, mark the last shipment shipped in the shop; if the rest never \
                                        will, add a credit invoice for it."
                .to_owned()
        }
        Finding::Undelivered { may_be_approved, intent, doubt, .. } => undelivered(*may_be_approved, intent, *doubt),
        Finding::Link(found) => link::remedy(found),
    }
}

/// A return of what was sent, or a credit of what never was: both answers.
fn undelivered(may_be_approved: bool, intent: &IntentId, doubt: Doubt) -> String {
    let refund = if may_be_approved {
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
    format!("If it takes back what was sent, {refund}. If it names what was never sent, {never}.")
}

/// The command that says that a break is settled outside both systems.
fn resolve(note: &str) -> String {
    format!("`reconciled breaks resolve {THIS_BREAK} --note '{note}'`")
}

/// More than is left is asked for, and no effect of ours would send what is left; once what is authorized is captured,
/// more may be.
fn beyond(credit: &InvoiceNumber, (asks, left, authorized): (Minor, Minor, Minor), currency: Currency) -> String {
    let fixed = "An invoice's amount cannot be changed";
    if authorized.is_positive() {
        let authorized = money(authorized, currency);
        return format!(
            "{fixed}, and {authorized} of the order may still be captured: if the rest ships, {credit} is refunded once \
             there is enough. If nothing more ships, release the {authorized} in Klarna's portal; what is left is offered \
             after that."
        );
    }
    let at_klarna = asks.min(left);
    let rest = money(asks.less(at_klarna), currency);
    let done = resolve("paid back another way");
    match (at_klarna.is_positive(), at_klarna == asks) {
        (false, _) => {
            format!("{fixed}. Nothing of it is left at Klarna: pay the {rest} back another way, then {done}.")
        }
        (true, false) => format!(
            "{fixed}. Refund {} of it in Klarna's portal and pay the {rest} beyond that back another way, then {done}.",
            money(at_klarna, currency)
        ),
        (true, true) => format!("Refund it in Klarna's portal in parts that Klarna takes, then {done}."),
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

/// What would have to be set for this program to do it, as a sentence of its own; empty where nothing would.
fn by_us(unset: &[Setting]) -> String {
    let key = |setting: &Setting| match setting {
        Setting::Drive(family) => format!("`{} = \"drive\"`", family.key()),
        Setting::Extend => "`extend_authorization = true`".to_owned(),
        Setting::Act => "`act = true`".to_owned(),
    };
    let keys: Vec<String> = unset.iter().map(key).collect();
    if keys.is_empty() { String::new() } else { format!(" Or let this program do it: {}.", keys.join(" and ")) }
}

fn money(amount: Minor, currency: Currency) -> String {
    format!("{} {currency}", amount.decimal(currency))
}

fn vanished(finding: &Finding, currency: Currency) -> String {
    let Finding::Vanished { what, order, credit, id, amount, confirmed, is_counted } = finding else {
        return String::new();
    };
    let amount = amount.map_or_else(String::new, |amount| format!(" over {}", money(amount, currency)));
    let proof = match confirmed {
        Some(at) => format!("which Klarna confirmed at {}", at.strftime("%Y-%m-%d %H:%M UTC")),
        None => "which it had shown before".to_owned(),
    };
    let of = credit.as_ref().map_or_else(String::new, |credit| format!(" for {credit}"));
    match what {
        Kind::Cancel | Kind::Release => {
            format!("order {order} is authorized at Klarna after its {}{amount}, {proof} ({id})", what.name())
        }
        Kind::Refund | Kind::Capture | Kind::MarkPaid | Kind::Extend => {
            let counted = if *is_counted { "; its total counts it all the same" } else { "" };
            format!("Klarna does not show the {} {id}{amount}{of} of order {order}, {proof}{counted}", what.name())
        }
    }
}
