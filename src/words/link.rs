//! Which Klarna order a shop order belongs to, in words.

use super::{money, resolve};
use reconciled_core::facts::Place;
use reconciled_core::intent::Kind;
use reconciled_core::link::{Doubt, Finding, Likeness, Named, Why};
use reconciled_core::money::Currency;

pub(super) fn message(found: &Finding, currency: Currency) -> String {
    match found {
        Finding::Doubt { order, doubt } => match (doubt.why, doubt.named.as_slice()) {
            (Why::NoneAgrees, [only]) => {
                format!("order {order} names {}, and {}", place_of(only, currency), against(only))
            }
            (Why::NoneAgrees, named) => {
                format!("order {order} names {}; none is shown to be its own", list(named, currency))
            }
            (Why::Unpaid, named) => {
                format!(
                    "order {order} is paid, as the shop says, and names {}, through which nothing was paid",
                    list(named, currency)
                )
            }
            (Why::Several, named) => {
                format!("order {order} names {}; which one it was paid with is not clear", list(named, currency))
            }
        },
        Finding::Earlier { order, now, before, kind, amount, intent, is_confirmed, .. } => {
            let what = what_of(*kind);
            let amount = money(*amount, currency);
            let became = if *is_confirmed { "was confirmed" } else { "was asked for and its answer lost" };
            let now = match now {
                Some(now) => format!("is linked to Klarna order {now}"),
                None => "is linked to no Klarna order".to_owned(),
            };
            format!(
                "order {order} {now}, and {what} of {amount} {became} under Klarna order {before}, which it was linked \
                 to before (intent {intent})"
            )
        }
        Finding::Stray { order, stray, .. } if stray.likeness == Likeness::Unproven => {
            format!("order {order} names {} too, and {}", place_of(stray, currency), against(stray))
        }
        Finding::Stray { order, stray, is_otherwise: false } => {
            format!("order {order} also names {}, and was not paid through it", place_of(stray, currency))
        }
        Finding::Stray { order, stray, is_otherwise: true } => {
            format!("order {order} was not paid with Klarna, and names {}", place_of(stray, currency))
        }
        Finding::PaidTwice { order, named } => format!(
            "order {order} was not paid with Klarna, as the shop says, and names {}: it may be paid twice",
            place_of(named, currency)
        ),
    }
}

pub(super) fn remedy(found: &Finding) -> String {
    match found {
        Finding::Doubt { order, doubt: Doubt { named, .. } } => {
            let likely = |named: &&Named| !matches!(named.likeness, Likeness::Unknown | Likeness::Anothers(_));
            let link = |named: &Named| format!("`reconciled link {order} {} --note 'checked'`", named.id);
            let mut ways: Vec<String> = named.iter().filter(likely).map(link).collect();
            ways.push(format!("`reconciled link {order} --none --note 'checked'` when none of them is"));
            let is_paid_twice = named.iter().filter(|named| named.captured.is_positive()).count() > 1;
            let twice = " Where the consumer paid twice, give back in the portal what was captured on the other one.";
            format!(
                "Nothing is sent for this order. See in Klarna's portal which Klarna order is its own, and correct the id \
                 in the shop or say it: {}.{}",
                ways.join(", "),
                if is_paid_twice { twice } else { "" }
            )
        }
        Finding::PaidTwice { order, named } => format!(
            "Nothing is sent for this order. See in Klarna's portal whether the consumer paid there, and give back there \
             what was paid twice. If it was paid with Klarna alone, add the word of its payment to `payment` in `[match]`; \
             if Klarna order {} is not this order's: `reconciled link {order} --none --note 'checked'`.",
            named.id
        ),
        Finding::Stray { stray, .. } if stray.likeness == Likeness::Unproven => format!(
            "See in Klarna's portal whose Klarna order {} is. If it is of this order's consumer, cancel it there, so that \
             their limit is free again; it lapses by itself otherwise. If it is another's, take its id out of the shop's \
             order, or {}.",
            stray.id,
            resolve("not its own")
        ),
        Finding::Stray { stray, is_otherwise: true, .. } => format!(
            "Cancel Klarna order {} in Klarna's portal, so that the consumer's limit is free again; it lapses by itself \
             otherwise. If the order is to be paid with it after all, add the word of its payment to `payment` in \
             `[match]`.",
            stray.id
        ),
        Finding::Stray { stray, .. } => format!(
            "Cancel Klarna order {} in Klarna's portal, so that the consumer's limit is free again; it lapses by itself \
             otherwise.",
            stray.id
        ),
        Finding::Earlier { holds: false, .. } => {
            format!(
                "Nothing of it counts for this order any more. See in Klarna's portal whether what moved under the \
                 earlier Klarna order has to come back, then {}.",
                resolve("seen in the portal")
            )
        }
        Finding::Earlier { order, now, before, intent, is_confirmed, holds: true, .. } => {
            let back = format!("`reconciled link {order} {before} --note 'checked'` if the earlier link was right");
            match (is_confirmed, now) {
                (true, Some(now)) => format!(
                    "Nothing is sent for this order. Compare both Klarna orders in the portal; {back}, or \
                     `reconciled link {order} {now} --note 'checked'` to go on under this one: what moved under the \
                     earlier one then counts for nothing here."
                ),
                (true, None) => {
                    format!("Nothing is sent for this order. Look at the Klarna order in the portal; {back}.")
                }
                (false, _) => format!(
                    "Nothing is sent for this order. See in the portal whether it happened under the earlier Klarna \
                     order; {back}, or `reconciled ignore {intent} --note 'checked'` when it surely did not."
                ),
            }
        }
    }
}

/// Why a single Klarna order is not taken for the order's own.
fn against(named: &Named) -> String {
    match &named.likeness {
        Likeness::Anothers(reference) => format!("Klarna says this is {reference}"),
        Likeness::Unproven => {
            "neither a reference nor the time at Klarna shows that it belongs to this order".to_owned()
        }
        Likeness::Unknown => "Klarna does not know it".to_owned(),
        Likeness::Unasked => "it was not asked about".to_owned(),
        Likeness::Agrees | Likeness::OtherAmount => "nothing contradicts it".to_owned(),
    }
}

fn list(named: &[Named], currency: Currency) -> String {
    let one = |named: &Named| match &named.likeness {
        Likeness::Agrees => place_of(named, currency),
        Likeness::OtherAmount => {
            format!("{} whose order is over {}", place_of(named, currency), money(named.amount, currency))
        }
        Likeness::Anothers(_) | Likeness::Unproven | Likeness::Unknown | Likeness::Unasked => {
            format!("{}: {}", place_of(named, currency), against(named))
        }
    };
    named.iter().map(one).collect::<Vec<_>>().join(", and ")
}

/// `Klarna order 3f25… (memo; 100.00 EUR captured)`.
fn place_of(named: &Named, currency: Currency) -> String {
    let places: Vec<String> = named.places.iter().map(place).collect();
    let mut parts = vec![places.join(" and ")];
    if named.captured.is_positive() {
        parts.push(format!("{} captured", money(named.captured, currency)));
    }
    if named.authorized.is_positive() {
        parts.push(format!("{} authorized", money(named.authorized, currency)));
    }
    format!("Klarna order {} ({})", named.id, parts.join("; "))
}

/// Where an id stands.
pub fn place(place: &Place) -> String {
    match place {
        Place::PaymentData => "payment data".to_owned(),
        Place::PaymentText => "a text in the payment data".to_owned(),
        Place::Metafield(key) => format!("metafield {key}"),
        Place::Memo => "memo".to_owned(),
        Place::Events => "events".to_owned(),
        Place::Operator => "an operator's word".to_owned(),
        Place::Unsaid => "found earlier".to_owned(),
    }
}

const fn what_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Refund => "a refund",
        Kind::Capture => "a capture",
        Kind::Cancel => "a cancel",
        Kind::Release => "a release",
        Kind::Extend => "an extension",
        Kind::MarkPaid => "a payment mark",
    }
}
