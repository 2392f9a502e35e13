//! The decision about one order: facts and ledger in, a `Plan` out.
//!
//! Pure, and the only place that chooses. It reads from top to bottom as the domain does: can this order be judged
//! at all, what became of what is in flight, what do both sides oblige, what differs. It never asks what changed:
//! the same facts give the same plan, whoever woke the pass.

pub mod absence;
mod before_capture;
mod captures;
mod case;
mod checks;
mod contradicted;
mod delivered;
mod extension;
mod in_flight;
mod left;
mod link;
mod naming;
mod offers;
mod otherwise;
mod payments;
mod proven;
mod refunds;
mod rest;
mod reversal;
mod said;
mod sums;
mod watched;
mod words;

use jiff::Timestamp;

use super::discrepancy::BreakKind;
use super::facts::{Facts, GONE, KlarnaOrder, KlarnaSide, KlarnaStatus, ShopStatus, Word};
use super::id::KlarnaOrderId;
use super::intent::{Kind, State};
use super::ledger::Ledger;
use super::money::Minor;
use super::order::{Event, Order};
use super::plan::Plan;
use super::policy::Policy;
use case::Case;

/// The edition of these rules. Raised when what an earlier one concluded has to be judged again: each order once, in a
/// look that acts on nothing.
pub const RULES: u32 = 2;

/// Decides what one order needs now.
///
/// # Guarantees
/// The same arguments give the same plan; the order of lists in `facts` does not matter. Every proposed event is
/// legal for the machines in `ledger`. No effect is wanted that is already visible, in flight or confirmed.
pub fn decide(ledger: &Ledger, facts: &Facts, policy: &Policy, now: Timestamp) -> Plan {
    let mut plan = of_order(ledger, facts, policy, now);
    naming::tell_apart(&facts.shop, &mut plan);
    plan
}

fn of_order(ledger: &Ledger, facts: &Facts, policy: &Policy, now: Timestamp) -> Plan {
    if facts.shop.status.unknown() == Some(GONE) {
        return absence::of_order(ledger, facts, policy, now);
    }
    if facts.shop.paid_otherwise {
        return link::otherwise(ledger, facts, policy, now);
    }
    match &facts.klarna {
        KlarnaSide::Unlinked => unlinked(ledger, facts, policy, now, None),
        KlarnaSide::NotFound { said } if link::is_mere_text(facts) => unlinked(ledger, facts, policy, now, Some(said)),
        KlarnaSide::NotFound { said } => {
            let mut case = Case::blind(ledger, facts, policy, now);
            let named = facts.shop.klarna_order_id.as_ref().map_or("", KlarnaOrderId::as_str);
            let message = format!("Klarna does not know `{named}`, which order {} names: {said}", facts.shop.number);
            case.differs(BreakKind::KlarnaOrderNotFound, "", None, now, message);
            case.finish()
        }
        KlarnaSide::Doubtful(doubt) => link::doubtful(ledger, facts, policy, now, doubt),
        KlarnaSide::Disowned => link::disowned(ledger, facts, policy, now),
        KlarnaSide::Read(read) => {
            if let Some(plan) = link::leaves_money(ledger, facts, policy, now, read) {
                return plan;
            }
            let (own, earlier) = link::part(ledger, read);
            if let Some(plan) = earlier.holds(ledger, facts, policy, now, read) {
                return plan;
            }
            let klarna = as_confirmed(read, &own, policy, facts.read_at);
            let mut case = Case::new(&own, facts, &klarna, policy, now);
            earlier.judge_anew(&mut case, read);
            link::strays(&mut case);
            let is_unaccounted = link::is_unaccounted(ledger, facts, read);
            if is_unaccounted {
                link::unaccounted(&mut case, read);
            }
            let plan = judge(case, &klarna);
            Plan { is_unjudged: plan.is_unjudged || is_unaccounted, ..plan }
        }
    }
}

/// The read with what Klarna confirmed to us: a read may lag behind a cancelled or released authorization. One that
/// is still there after the grace came back, and is believed.
fn as_confirmed(read: &KlarnaOrder, ledger: &Ledger, policy: &Policy, read_at: Timestamp) -> KlarnaOrder {
    let may_lag = |ended: Timestamp| case::after(ended, policy.grace) > read_at;
    let mut klarna = read.clone();
    let confirmed = ledger.intents.iter().filter(|intent| intent.state == State::Confirmed);
    for intent in confirmed.filter(|intent| intent.ended_at.is_none_or(may_lag)) {
        match intent.effect.kind {
            Kind::Cancel if klarna.captured.is_zero() => {
                klarna.status = Word::Known(KlarnaStatus::Cancelled);
                klarna.remaining = Minor::ZERO;
            }
            Kind::Release => klarna.remaining = Minor::ZERO,
            Kind::Cancel | Kind::Refund | Kind::MarkPaid | Kind::Capture | Kind::Extend => {}
        }
    }
    klarna
}

/// Both sides were read: everything that can be said about the order.
fn judge(mut case: Case<'_>, klarna: &KlarnaOrder) -> Plan {
    checks::agreement(&mut case, klarna);
    sums::agree(&mut case);
    sums::captured_too_much(&mut case, klarna);
    order_events(&mut case, klarna);
    in_flight::settle(&mut case, klarna);
    refunds::credit_invoices(&mut case, klarna);
    reversal::cancelled(&mut case, klarna);
    offers::unexplained(&mut case);
    captures::shipped(&mut case, klarna);
    payments::mark_paid(&mut case);
    checks::authorization(&mut case, klarna);
    watched::watch(&mut case);
    sums::refunded_before(&mut case);
    in_flight::withdraw_unwanted(&mut case);
    case.finish()
}

/// A shop order that is paid with Klarna and names no Klarna order, or one that Klarna does not know (with its words) in
/// a text that people and apps write. One that still waits for its payment, or was
/// cancelled before anybody paid or was credited, never reached Klarna, and nobody owes anything.
fn unlinked(ledger: &Ledger, facts: &Facts, policy: &Policy, now: Timestamp, said: Option<&str>) -> Plan {
    let mut case = Case::blind(ledger, facts, policy, now);
    let living = !facts.shop.status.is(&ShopStatus::AwaitingPayment) && !facts.shop.status.is(&ShopStatus::Cancelled);
    if living || facts.shop.paid || !facts.shop.credit_invoices.is_empty() {
        let due = case.past_grace(facts.shop.created_at);
        let number = &facts.shop.number;
        let message = match (said, &facts.shop.klarna_order_id) {
            (Some(said), Some(id)) => {
                format!(
                    "order {number} is paid with Klarna, and Klarna does not know `{id}`, which a text in it names: {said}"
                )
            }
            _ => format!("order {number} is paid with Klarna, and no Klarna order id was found in it"),
        };
        case.differs(BreakKind::KlarnaOrderUnlinked, "", None, due, message);
    }
    case.finish()
}

/// Moves the order's machine to where the facts are; facts never move it back.
fn order_events(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    let since = captured_since(case);
    let captured = klarna.captured.plus(since);
    if captured.is_positive() {
        let whole = klarna.remaining.less(since).is_zero() || klarna.status.is(&KlarnaStatus::Captured);
        case.order_event(if whole { Event::Captured } else { Event::PartCaptured });
    } else if klarna.status.is(&KlarnaStatus::Expired) && !case.cancelled {
        case.order_event(Event::Expired);
    }
    if case.cancelled && !sums::misses_a_capture(case) {
        case.order_event(Event::CancelSeen);
        let nothing_authorized = klarna.remaining.is_zero() || is_closed(klarna);
        if nothing_authorized && klarna.captured <= case.attributed.proven() {
            case.order_event(Event::Reversed);
        }
    }
    let is_held = matches!(case.order, Order::Held(_));
    match (&case.ledger.hold, is_held) {
        (Some(_), false) => case.order_event(Event::Held),
        (None, true) => case.order_event(Event::Released),
        (Some(_), true) | (None, false) => {}
    }
}

/// What Klarna captured for us after the read was started: it moves the order's state, and only a read that shows it
/// can make it refundable.
fn captured_since(case: &Case<'_>) -> Minor {
    let captures = case.ledger.intents.iter().filter(|intent| {
        intent.effect.kind == Kind::Capture
            && intent.state == State::Confirmed
            && intent.ended_at.is_some_and(|ended| ended > case.facts.read_at)
    });
    captures.map(|intent| intent.effect.amount).collect()
}

/// Klarna's own word is that nothing more will be captured. A release that was confirmed to us does not say what somebody
/// captured before it, and what a read does not show yet is not proven.
fn is_over(case: &Case<'_>) -> bool {
    match &case.facts.klarna {
        KlarnaSide::Read(read) => {
            let is_whole = matches!(read.status, Word::Known(KlarnaStatus::Captured | KlarnaStatus::Closed));
            read.remaining.is_zero() || is_whole || is_closed(read)
        }
        KlarnaSide::Unlinked | KlarnaSide::NotFound { .. } | KlarnaSide::Doubtful(_) | KlarnaSide::Disowned => false,
    }
}

/// Klarna will never capture anything of this order any more.
fn is_closed(klarna: &KlarnaOrder) -> bool {
    matches!(klarna.status, Word::Known(KlarnaStatus::Cancelled | KlarnaStatus::Expired))
}
