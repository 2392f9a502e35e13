//! Whether the two sides speak of the same order at all, and what its authorization is about to do.

use jiff::Timestamp;

use super::before_capture::credited_before_capture;
use super::case::Case;
use super::extension::{self, Warning};
use super::{contradicted, is_closed, sums};
use crate::discrepancy::BreakKind;
use crate::facts::{Fraud, KlarnaOrder, KlarnaStatus, Shipped, Word};
use crate::finding::Finding;
use crate::finding::share::ShareFinding;
use crate::fulfilment::{Fulfilled, Given, by_status, given};
use crate::intent::Kind;
use crate::money::Minor;
use crate::order::Order;
use crate::policy::{AMOUNT_TOLERANCE, Mode};
use crate::share;

/// What every effect depends on: one Klarna order, one currency, one amount, words we know.
pub(super) fn agreement(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    let now = case.now;
    if !case.facts.shared_with.is_empty() {
        let mut others: Vec<&str> = case.facts.shared_with.iter().map(crate::id::OrderNumber::as_str).collect();
        others.sort_unstable();
        let message = format!("the Klarna order of order {} is also named by {}", case.shop.number, others.join(", "));
        case.disagreement = Some("two shop orders name one Klarna order");
        case.differs(BreakKind::KlarnaOrderShared, "", None, now, message);
    }
    if !klarna.currency.is(&case.facts.currency) {
        let said = klarna.currency.unknown().map_or_else(|| currency_of(klarna), str::to_owned);
        let message =
            format!("order {} is in {} in the shop, and Klarna says {said}", case.shop.number, case.facts.currency);
        case.disagreement = Some("the currency");
        case.differs(BreakKind::CurrencyDiffers, "", None, now, message);
    }
    unknown_words(case, klarna);
    amounts(case, klarna);
}

fn currency_of(klarna: &KlarnaOrder) -> String {
    match &klarna.currency {
        Word::Known(currency) => currency.to_string(),
        Word::Unknown(text) => text.clone(),
    }
}

fn unknown_words(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    let now = case.now;
    let words = [
        ("the shop's order status", case.shop.status.unknown()),
        ("the shop's shipment status", case.shop.shipped.unknown()),
        ("Klarna's order status", klarna.status.unknown()),
        ("Klarna's fraud status", klarna.fraud.as_ref().and_then(Word::unknown)),
    ];
    for (what, word) in words {
        let Some(word) = word else { continue };
        case.disagreement = Some("a word this program does not know");
        let message = format!("order {}: {what} is `{word}`", case.shop.number);
        case.differs(BreakKind::UnknownValue, what, None, now, message);
    }
    if let Err(text) = &case.shop.total {
        case.disagreement = Some("the order's total is not an amount");
        let message = format!("the total `{text}` of order {} is not an amount", case.shop.number);
        case.differs(BreakKind::UnknownValue, "total", None, now, message);
    }
}

/// What the shop asks of Klarna must be what Klarna authorized, at first or now, or less of it.
fn amounts(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    let Ok(total) = case.shop.total else { return };
    let credited = credited_before_capture(case, klarna);
    if let Some(share) = share::read(case.shop, total, klarna, case.ledger.accepted, credited) {
        case.share = share;
        case.otherwise = share::otherwise(share, &case.credit_facts());
        return;
    }
    case.disagreement = Some("the order's amount");
    if share::is_captured_beyond(case.shop, total, klarna) && sums::say_captured_beyond(case, klarna, total, true) {
        return;
    }
    let finding = Finding::Share(ShareFinding::Differs {
        order: case.shop.number.clone(),
        total,
        authorized: klarna.order_amount,
        first: klarna.original_amount,
        captured: klarna.captured,
        names_gift_cards: case.shop.gift_cards.is_some(),
    });
    case.differs(BreakKind::AmountDiffers, "", Some(total.minus(klarna.order_amount)), case.now, finding);
}

/// Fraud, expiry, and an order that only Klarna cancelled.
pub(super) fn authorization(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    if case.cancelled {
        return contradicted::open_after_cancel(case);
    }
    if case.order == Order::Expired && contradicted::after_expiry(case, klarna) {
        return;
    }
    let nothing_captured = klarna.captured.is_zero();
    let is_open = !is_closed(klarna) && (nothing_captured || klarna.remaining.is_positive());
    match &klarna.fraud {
        Some(Word::Known(Fraud::Pending)) if is_open => {
            let due = case.past_grace(case.shop.created_at);
            let message = format!("Klarna has not decided yet whether order {} is fraud", case.shop.number);
            case.differs(BreakKind::FraudPending, "", None, due, message);
        }
        Some(Word::Known(Fraud::Rejected)) if nothing_captured || is_open => {
            let message = format!("Klarna rejected order {} as fraud", case.shop.number);
            case.differs(BreakKind::FraudRejected, "", None, case.now, message);
        }
        Some(Word::Known(Fraud::Pending | Fraud::Rejected | Fraud::Accepted) | Word::Unknown(_)) | None => {}
    }
    if klarna.status.is(&KlarnaStatus::Cancelled) && nothing_captured && !is_fully_credited(case) {
        let due = case.past_grace(case.shop.updated_at);
        let message = format!("order {} is cancelled at Klarna and open in the shop", case.shop.number);
        case.differs(BreakKind::CancelledAtKlarna, "", None, due, message);
    }
    if case.policy.captures != Mode::Off {
        expiry(case, klarna);
    }
}

fn expiry(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    if klarna.status.is(&KlarnaStatus::Expired) && klarna.captured.is_zero() && !is_fully_credited(case) {
        let shipped = matches!(case.shop.shipped, Word::Known(Shipped::Fully | Shipped::Partly));
        let what = match by_status(case.shop) {
            _ if shipped => "is shipped",
            Some(Fulfilled::Shipped) => "is shipped by its status, not by its shipments,",
            Some(Fulfilled::PickedUp) => "is picked up",
            Some(Fulfilled::Completed) => "is completed",
            Some(Fulfilled::ReadyToDownload) => "is ready to download",
            None => "is not shipped",
        };
        let message =
            format!("order {} {what}, and its authorization lapsed before anything was captured", case.shop.number);
        case.differs(BreakKind::AuthorizationExpired, "", Some(klarna.order_amount), case.now, message);
        return;
    }
    if klarna.status.is(&KlarnaStatus::Expired) && klarna.captured.is_positive() {
        return rest_expired(case, klarna);
    }
    let open = matches!(klarna.status, Word::Known(KlarnaStatus::Authorized | KlarnaStatus::PartCaptured));
    let Some(expires_at) = klarna.expires_at.filter(|_| open && klarna.remaining.is_positive()) else {
        return;
    };
    let warning = expires_at.checked_sub(case.policy.expiry_warning).unwrap_or(Timestamp::MIN);
    if warning > case.now {
        case.look_again(warning);
        return;
    }
    let Warning::From(due, extending) = extension::extend(case, klarna, expires_at) else {
        return case.look_again(expires_at);
    };
    let day = expires_at.strftime("%Y-%m-%d %H:%M UTC");
    let left = case.money(klarna.remaining);
    let message = format!("{left} of order {} is authorized until {day} and not captured{extending}", case.shop.number);
    case.differs(BreakKind::AuthorizationExpiring, "", Some(klarna.remaining), due, message);
    if let Some(asked) = case.intents_of(Kind::Extend, &extension::reference(&case.shop.number, expires_at)).last() {
        case.about(asked);
    }
    case.look_again(expires_at);
}

/// The rest lapsed after a part was captured. What of it has shipped says so itself (`captures`).
fn rest_expired(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    let Some(total) = case.asked() else { return };
    let credited: Minor = case.shop.credit_invoices.iter().filter_map(|credit| case.of_klarna(credit).ok()).collect();
    let lost = total.less(klarna.captured).less(credited);
    let is_given = matches!(given(case.shop, case.policy.capture_on), Some(Given::Wholly(_)));
    let still_ships = matches!(case.shop.shipped, Word::Known(Shipped::No | Shipped::Partly)) && !is_given;
    if still_ships && lost.get() > AMOUNT_TOLERANCE && case.disagreement.is_none() {
        let left = case.money(lost);
        let message =
            format!("the authorization of order {} lapsed before {left} of it was captured", case.shop.number);
        case.differs(BreakKind::AuthorizationExpired, "rest", Some(lost), case.now, message);
    }
}

/// The credit invoices take back everything that Klarna is to take.
pub(super) fn is_fully_credited(case: &Case<'_>) -> bool {
    let Some(total) = case.asked() else { return false };
    let credited: Minor = case.shop.credit_invoices.iter().filter_map(|credit| case.of_klarna(credit).ok()).collect();
    credited.is_positive() && total.minus(credited).get() <= AMOUNT_TOLERANCE
}
