//! What shipping obliges: the shipped part is captured, by us or by somebody else, before the authorization lapses.

use jiff::Timestamp;

use super::before_capture::{credited_around_capture, credited_before_capture, left_out_of_captures};
use super::case::{Case, Standing};
use super::checks::is_fully_credited;
use super::delivered::left_out_for_others;
use super::is_closed;
use super::refunds::is_equal;
use super::reversal::rejected;
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, Fraud, KlarnaOrder, Shipment, Shipped, Word};
use crate::finding::Finding;
use crate::finding::share::ShareFinding;
use crate::fulfilment::{Fulfilled, Given, by_status, given};
use crate::id::Reference;
use crate::intent::{Effect, Intent, Kind, State};
use crate::lines::{Told, beyond_sent, told};
use crate::money::Minor;
use crate::order::Order;
use crate::policy::{AMOUNT_TOLERANCE, Mode};

/// How much should be captured by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub amount: Minor,
    /// Nothing more will ship.
    pub is_final: bool,
}

/// Captures what was shipped, or says that nobody did.
pub(super) fn shipped(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    if case.policy.captures == Mode::Off || case.cancelled && !planted!("capture_after_cancel") {
        return;
    }
    captured_not_shipped(case, klarna);
    let is_in_doubt = matches!(klarna.fraud, Some(Word::Known(Fraud::Pending | Fraud::Rejected)));
    let is_for_others = if klarna.captured.is_zero() {
        is_in_doubt || is_closed(klarna)
    } else {
        is_in_doubt && klarna.remaining.is_positive() && !is_closed(klarna)
    };
    if is_for_others {
        return; // Lapsed, cancelled, doubted: each is told by itself (`checks`).
    }
    let Some(wanted) = wanted(case, klarna) else { return nobody_says_how_much(case, klarna) };
    // Klarna's total may lag behind the captures that it lists.
    let listed: Minor = klarna.captures.iter().map(|capture| capture.amount).collect();
    let captured = klarna.captured.max(listed).plus(captures_in_flight(case, klarna));
    let due = wanted.amount.less(captured);
    let missing = due.less(left_out_for_others(case));
    if missing.get() <= AMOUNT_TOLERANCE {
        // Where nobody looks at refunds, nobody asks about the credit invoice that keeps it back.
        let unasked = wanted.is_final && case.policy.refunds == Mode::Off;
        let kept_back = if unasked { credited_around_capture(case, klarna) } else { Minor::ZERO };
        if due.plus(kept_back).get() > AMOUNT_TOLERANCE {
            return not_captured(case, klarna, due.plus(kept_back));
        }
        given_up(case, klarna, wanted.amount.less(klarna.captured));
        return ended_in_part(case, klarna);
    }
    let reference = reference(case, klarna);
    let standing = case.standing(Kind::Capture, &reference);
    if case.policy.captures == Mode::Drive
        && let Standing::Ended(intent) = &standing
    {
        return rejected(case, intent, BreakKind::CaptureRejected);
    }
    if klarna.remaining.is_zero() || is_closed(klarna) {
        return never_to_be_captured(case, klarna, missing);
    }
    let is_all = missing.minus(klarna.remaining).abs().get() <= AMOUNT_TOLERANCE;
    let amount = if wanted.is_final && (is_all || planted!("the_whole_authorization_is_captured")) {
        klarna.remaining // The last shipment takes what is left, whatever the shop's rounding says.
    } else {
        missing
    };
    let can_drive = match &standing {
        // A lapsed order that Klarna reopened is for a human: the state absorbs.
        _ if case.order == Order::Expired => false,
        Standing::Free { .. } => amount <= klarna.remaining,
        Standing::Planned(intent) => intent.effect.amount == amount && amount <= klarna.remaining,
        Standing::Taken | Standing::Ended(_) => false,
    };
    if case.policy.captures == Mode::Drive && can_drive {
        let effect = Effect { kind: Kind::Capture, amount, reference, credit_invoice: None, generation: 0 };
        let left_out = left_out_of_captures(case, klarna);
        case.want_capture(effect, format!("{}, and not captured", evidence(case)), &standing, left_out);
    } else if !is_under_way(case, &reference) {
        not_captured(case, klarna, amount);
    }
}

/// A capture that a human gave up after it may have left keeps its place, so that no other is made beside it; as long as
/// no read shows it, the money is missing.
fn given_up(case: &mut Case<'_>, klarna: &KlarnaOrder, missing: Minor) {
    let is_shown = |reference: &Reference| klarna.captures.iter().any(|it| it.reference.as_ref() == Some(reference));
    let intents = case.ledger.intents.iter();
    let is_hidden = intents.filter(|it| it.effect.kind == Kind::Capture && case.may_still_land(it));
    let all: Vec<&Intent> = is_hidden.filter(|it| !is_shown(&it.effect.reference)).collect();
    let hidden: Minor = all.iter().map(|it| it.effect.amount).collect();
    if hidden.is_positive() && missing.is_positive() {
        not_captured(case, klarna, hidden.min(missing));
        for intent in all {
            case.about(intent);
        }
    }
}

/// Nothing is authorized any more: what shipped beyond the captures is lost, unless a credit invoice takes it back.
fn never_to_be_captured(case: &mut Case<'_>, klarna: &KlarnaOrder, missing: Minor) {
    let unsettled =
        case.shop.credit_invoices.iter().filter(|credit| !case.attributed.by_credit.contains_key(&credit.id));
    let credited: Minor = unsettled.filter_map(|credit| case.of_klarna(credit).ok()).collect();
    // What was left out of what is wanted is no reason a second time.
    let left_out = credited_before_capture(case, klarna).plus(credited_around_capture(case, klarna));
    let lost = missing.less(credited.less(left_out));
    // Where the amounts differ, that is the break.
    if lost.get() > AMOUNT_TOLERANCE && case.disagreement.is_none() {
        not_captured(case, klarna, lost);
    }
}

/// A part is shipped and the shop does not say which: no capture can be derived, and that none was made is said.
fn nobody_says_how_much(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    let is_open = klarna.captured.is_zero() && captures_in_flight(case, klarna).is_zero() && !is_fully_credited(case);
    if is_open && given(case.shop, case.policy.capture_on) == Some(Given::Partly) {
        let due = case.past_grace(shipped_at(case));
        let message = format!(
            "a part of order {} is shipped, the shop does not say how much, and nothing is captured",
            case.shop.number
        );
        case.differs(BreakKind::ShippedNotCaptured, "", None, due, message);
    }
}

fn is_under_way(case: &Case<'_>, reference: &Reference) -> bool {
    case.intents_of(Kind::Capture, reference).any(|intent| intent.state.is_in_flight())
}

/// What the shop says of how the consumer got it, with what contradicts it.
fn evidence(case: &Case<'_>) -> String {
    let word = match given(case.shop, case.policy.capture_on) {
        Some(Given::Wholly(word)) => word,
        Some(Given::Partly | Given::Nothing) | None => Fulfilled::Shipped,
    };
    let unshipped = case.shop.shipped.is(&Shipped::No) && word == Fulfilled::Shipped;
    let beside = if unshipped { " by its status, not by its shipments" } else { "" };
    format!("{}{beside}", word.word())
}

/// The merchant ended the order while its shipments still say that a part of it left: nobody can tell what the rest is.
fn ended_in_part(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    let ended = by_status(case.shop).filter(|word| case.policy.capture_on.includes(*word));
    let (Some(word), Some(total)) = (ended, case.asked()) else { return };
    let credited: Minor = case.shop.credit_invoices.iter().filter_map(|credit| case.of_klarna(credit).ok()).collect();
    let rest = total.less(credited).less(klarna.captured).less(captures_in_flight(case, klarna));
    if case.shop.shipped.is(&Shipped::Partly) && rest.get() > AMOUNT_TOLERANCE {
        let due = case.past_grace(case.shop.updated_at);
        let order = case.shop.number.clone();
        let finding = Finding::EndedInPart { order, by: word, rest };
        case.differs(BreakKind::ShippedNotCaptured, "rest", Some(rest), due, finding);
    }
}

fn not_captured(case: &mut Case<'_>, klarna: &KlarnaOrder, missing: Minor) {
    let due = case.past_grace(shipped_at(case));
    let finding = Finding::Share(ShareFinding::NotCaptured {
        order: case.shop.number.clone(),
        how: evidence(case),
        missing,
        captured: klarna.captured,
        left: case.authorized,
        is_over: case.order == Order::Expired,
    });
    case.differs(BreakKind::ShippedNotCaptured, "", Some(missing), due, finding);
}

/// What shipping obliges so far; `None` when the shop does not say enough.
pub(super) fn wanted(case: &Case<'_>, klarna: &KlarnaOrder) -> Option<Wanted> {
    let total = case.shop.total.clone().ok()?;
    // What others paid was paid at once, so what is not shipped yet is what Klarna has not taken yet.
    let credited = credited_before_capture(case, klarna).plus(case.share.others());
    let most = total.less(credited).less(credited_around_capture(case, klarna));
    match given(case.shop, case.policy.capture_on)? {
        Given::Wholly(word) if word != Fulfilled::Shipped && planted!("only_parcels_are_captured") => None,
        Given::Wholly(_) => Some(Wanted { amount: most, is_final: true }),
        Given::Partly => {
            // What was credited is taken from what did not ship first; once everything did, the sums are the same.
            // Refunded by somebody although it never left, it was paid for with the captures of what did.
            let shipped = value_shipped(case, total)?.less(case.share.others());
            let amount = shipped.plus(refunded_unsent(case)).min(most);
            Some(Wanted { amount, is_final: false })
        }
        Given::Nothing if planted!("capture_before_shipping") => Some(Wanted { amount: total, is_final: true }),
        Given::Nothing => None,
    }
}

/// What went back for what never left: for credit invoices that name nothing else, and of those that went back whole, what
/// they take back of a line beyond what of it was sent.
fn refunded_unsent(case: &Case<'_>) -> Minor {
    let credits = case.credit_facts().into_iter();
    let (unsent, others): (Vec<_>, Vec<_>) =
        credits.partition(|credit| told(case.shop, credit) == Some(Told::NeverSent));
    let is_whole = |credit: &&CreditInvoiceFacts| {
        case.of_klarna(credit).is_ok_and(|amount| amount.is_positive() && is_equal(case.covered(credit.id), amount))
    };
    let whole: Vec<_> = others.into_iter().filter(|credit| is_whole(credit)).collect();
    let went_back: Minor = whole.iter().map(|credit| case.covered(credit.id)).collect();
    let unsent: Minor = unsent.into_iter().map(|credit| case.covered(credit.id)).collect();
    unsent.plus(beyond_sent(case.shop, &whole).min(went_back))
}

/// The value of the quantities on shipped shipments; what the order costs besides its lines goes with the first.
pub(super) fn value_shipped(case: &Case<'_>, total: Minor) -> Option<Minor> {
    let shipped: Vec<_> = case.shop.shipments.iter().filter(|shipment| shipment.shipped).collect();
    if case.shop.lines.is_empty() || shipped.is_empty() || shipped.iter().any(|shipment| shipment.quantities.is_empty())
    {
        return None;
    }
    let mut lines = Minor::ZERO;
    let mut value = Minor::ZERO;
    for line in &case.shop.lines {
        let line_total = line.total.clone().ok()?;
        lines = lines.plus(line_total);
        let quantities = shipped.iter().flat_map(|shipment| &shipment.quantities);
        let sent =
            quantities.filter(|(id, _)| *id == line.id).fold(0_u32, |sum, (_, count)| sum.saturating_add(*count));
        value = value.plus(line_total.share(sent.min(line.ordered), line.ordered));
    }
    Some(value.plus(total.less(lines)))
}

/// Captures of ours that may have happened and that the read does not show.
fn captures_in_flight(case: &Case<'_>, klarna: &KlarnaOrder) -> Minor {
    let visible = |reference: &Reference, made: Option<&str>| {
        klarna.captures.iter().any(|capture| {
            capture.reference.as_ref() == Some(reference) || made.is_some_and(|made| made == capture.id.as_str())
        })
    };
    let hidden = case.ledger.intents.iter().filter(|intent| {
        let is_sent = matches!(intent.state, State::Sending | State::Unknown | State::Confirmed);
        let may_exist = is_sent || case.may_still_land(intent);
        let made = intent.made.as_ref().map(crate::id::RefundId::as_str);
        intent.effect.kind == Kind::Capture
            && may_exist
            && !case.is_noted_seen(intent)
            && !visible(&intent.effect.reference, made)
    });
    hidden.map(|intent| intent.effect.amount).collect()
}

/// Names the capture after what it is for: the newest shipment of which nothing was captured yet; where all of them were,
/// or the shop lists none, a name that was never used. A number in the shop is never changed and never given twice,
/// while any of its documents may change at any time.
fn reference(case: &Case<'_>, klarna: &KlarnaOrder) -> Reference {
    let mut shipped: Vec<&Shipment> = shipped_shipments(case).filter(|shipment| !shipment.number.is_empty()).collect();
    shipped.sort_by_key(|shipment| shipment.id);
    let names = shipped.iter().rev().map(|shipment| Reference(shipment.number.clone()));
    let whole = match shipped.as_slice() {
        [only] => only.number.clone(),
        _ => case.shop.number.0.clone(),
    };
    let whole_once = shipped.is_empty().then(|| Reference(whole.clone()));
    let further = (2_u32..).map(|count| Reference(format!("{whole}:{count}")));
    let mut names = names.chain(whole_once).chain(further);
    names.find(|name| !is_spent(case, klarna, name)).unwrap_or(Reference(whole))
}

/// Something was captured under this name: it stands for that, and for nothing more.
fn is_spent(case: &Case<'_>, klarna: &KlarnaOrder, name: &Reference) -> bool {
    if planted!("capture_named_after_the_newest_document") {
        return false;
    }
    let last = case.intents_of(Kind::Capture, name).max_by_key(|intent| intent.effect.generation);
    match last.map(|intent| &intent.state) {
        Some(State::Confirmed) => true,
        Some(State::Planned | State::Unknown) if last.is_some_and(|intent| case.is_noted_seen(intent)) => true,
        Some(State::Planned | State::Sending | State::Unknown | State::Rejected | State::Abandoned) => false,
        Some(State::Withdrawn) | None => klarna.captures.iter().any(|capture| capture.reference.as_ref() == Some(name)),
    }
}

fn shipped_shipments<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a Shipment> {
    case.shop.shipments.iter().filter(|shipment| shipment.shipped)
}

fn shipped_at(case: &Case<'_>) -> Timestamp {
    shipped_shipments(case).map(|shipment| shipment.updated_at).max().unwrap_or(case.shop.updated_at)
}

fn captured_not_shipped(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    let kept = klarna.captured.less(case.attributed.refunded);
    let is_given = by_status(case.shop).is_some() || !case.shop.shipped.is(&Shipped::No);
    if !kept.is_positive() || is_given || is_fully_credited(case) {
        return;
    }
    let captured_at = klarna.captures.iter().filter_map(|capture| capture.captured_at).max();
    let due = case.past_grace(captured_at.unwrap_or(case.shop.updated_at));
    let message = format!("{} of order {} is captured, and nothing is shipped", case.money(kept), case.shop.number);
    case.differs(BreakKind::CapturedNotShipped, "", Some(kept), due, message);
}
