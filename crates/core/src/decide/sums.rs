//! Documents that contradict themselves or what they said before, and captures beyond what the order is worth.

use jiff::Timestamp;

use super::case::Case;
use crate::discrepancy::BreakKind;
use crate::facts::{KlarnaOrder, KlarnaSide};
use crate::finding::Finding;
use crate::id::CaptureId;
use crate::intent::{Intent, Kind, State};
use crate::money::Minor;
use crate::order::Order;
use crate::policy::AMOUNT_TOLERANCE;
use crate::sums::{Contradiction, Sum, beyond_worth, contradictions};

/// Holds every effect of an order whose sums contradict their parts. Klarna's reads lag behind its writes by seconds, in
/// one place before another: what is as old as the policy's grace is no lag.
pub(super) fn agree(case: &mut Case<'_>) {
    let KlarnaSide::Read(read) = &case.facts.klarna else { return };
    for found in contradictions(read) {
        let what = subject(found.what);
        case.disagreement = Some("sums of Klarna's that contradict each other");
        let due = case.past_grace(newest_movement(case, read));
        let finding = Finding::Sums { order: case.shop.number.clone(), klarna: read.id.clone(), found };
        case.differs(BreakKind::AmountDiffers, what, Some(found.parts.minus(found.stated)), due, finding);
    }
    captured_before(case, read);
}

const CAPTURE_GONE: &str = "a capture that was shown and is shown no more";

/// What is gone is remembered by the order's state, which goes nowhere until a read shows it again.
pub(super) fn misses_a_capture(case: &Case<'_>) -> bool {
    case.disagreement == Some(CAPTURE_GONE)
}

/// A capture cannot be taken back. One that somebody made, that was shown and is shown no more, holds the order: what seems
/// to be open is taken already. Our own are watched by themselves, since reads lag behind them.
pub(super) fn captured_before(case: &mut Case<'_>, read: &KlarnaOrder) {
    if case.ledger.judged_under.as_ref() != Some(&read.id) || planted!("a_capture_may_be_forgotten") {
        return;
    }
    let gone = gone_beside_ours(case, read);
    if !is_all_gone(case, read) && gone.get() <= AMOUNT_TOLERANCE {
        return;
    }
    let what = Sum::CapturedBefore;
    case.disagreement = Some(CAPTURE_GONE);
    let found = Contradiction { what, stated: read.captured, parts: read.captured.plus(gone) };
    let finding = Finding::Sums { order: case.shop.number.clone(), klarna: read.id.clone(), found };
    case.differs(BreakKind::AmountDiffers, subject(what), None, case.now, finding);
}

fn our_captures<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Intent> {
    case.ledger.intents.iter().filter(|intent| intent.effect.kind == Kind::Capture && intent.state == State::Confirmed)
}

/// By the order's state something was captured, none of it by us, and the read shows nothing.
fn is_all_gone(case: &Case<'_>, read: &KlarnaOrder) -> bool {
    let was_captured = matches!(case.ledger.order.stage(), Order::PartlyPaid | Order::Paid);
    was_captured && read.captured.is_zero() && read.captures.is_empty() && our_captures(case).next().is_none()
}

/// What earlier reads listed as captured and this one does not, less what we captured ourselves. What this one counts
/// without naming it may be that.
fn gone_beside_ours(case: &Case<'_>, read: &KlarnaOrder) -> Minor {
    let is_listed = |id: &CaptureId| read.captures.iter().any(|capture| capture.id == *id);
    let is_ours = |id: &CaptureId| {
        let made = |intent: &Intent| intent.made.as_ref().is_some_and(|made| made.as_str() == id.0);
        our_captures(case).any(made)
    };
    let gone = case.ledger.captures.iter().filter(|(id, _)| !is_listed(id) && !is_ours(id));
    let named = read.captures.iter().filter(|capture| !capture.id.is_made_up());
    let unnamed = read.captured.less(named.map(|capture| capture.amount).collect());
    gone.map(|(_, amount)| *amount).collect::<Minor>().less(unnamed)
}

const fn subject(what: Sum) -> &'static str {
    match what {
        Sum::Captured => "captured",
        Sum::Refunded => "refunded",
        Sum::Authorized => "authorized",
        Sum::Returned => "returned",
        Sum::RefundedBefore => "refunded before",
        Sum::CapturedBefore => "captured before",
    }
}

/// Refunds of anybody's that reads counted before. Taken back or hidden, nobody can tell; what waits for it is said.
pub(super) fn refunded_before(case: &mut Case<'_>) {
    let KlarnaSide::Read(read) = &case.facts.klarna else { return };
    if case.misses_what_is_gone() {
        let what = Sum::RefundedBefore;
        let parts = read.refunded.plus(case.gone);
        let found = Contradiction { what, stated: read.refunded, parts };
        let finding = Finding::Sums { order: case.shop.number.clone(), klarna: read.id.clone(), found };
        case.differs(BreakKind::AmountDiffers, subject(what), Some(case.gone), case.now, finding);
    }
}

/// When money last moved, as far as anybody says: what a read may lag behind.
fn newest_movement(case: &Case<'_>, read: &KlarnaOrder) -> Timestamp {
    let captures = read.captures.iter().filter_map(|capture| capture.captured_at);
    let refunds = read.refunds.iter().filter_map(|refund| refund.refunded_at);
    let ours = case.ledger.intents.iter().filter_map(|intent| intent.last_sent_at);
    captures.chain(refunds).chain(ours).filter(|at| *at <= case.now).max().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// More is captured than the order is worth, and it did not go back. A cancelled order is worth nothing, and says so itself.
pub(super) fn captured_too_much(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    let Ok(worth) = case.shop.total else { return };
    if case.cancelled || case.disagreement.is_some() {
        return;
    }
    say_captured_beyond(case, klarna, worth, false);
}

/// Whether more than `worth` is captured and did not go back; if so, it is said. `is_held`: effects wait for a human's word on
/// what Klarna's share is.
pub(super) fn say_captured_beyond(case: &mut Case<'_>, klarna: &KlarnaOrder, worth: Minor, is_held: bool) -> bool {
    let for_credits: Minor = case.attributed.by_credit.values().flatten().map(|refund| refund.amount).collect();
    let more = beyond_worth(klarna.captured, worth, case.attributed.refunded, for_credits);
    if more.is_positive() && !planted!("any_capture_is_worth_it") {
        let order = case.shop.number.clone();
        let finding = Finding::CapturedTooMuch { order, captured: klarna.captured, worth, more, is_held };
        case.differs(BreakKind::CapturedTooMuch, "", Some(more), case.now, finding);
    }
    more.is_positive()
}
