//! A shop order whose Klarna order is in doubt, or was another one before: nothing is sent and nothing is concluded.

use std::borrow::Cow;

use jiff::Timestamp;

use super::case::Case;
use super::{in_flight, is_closed, sums, watched};
use crate::credit_invoice;
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, Facts, KlarnaOrder, KlarnaSide, KlarnaStatus, Place, ShopOrder, ShopStatus};
use crate::id::KlarnaOrderId;
use crate::intent::{Intent, Kind, State};
use crate::ledger::Ledger;
use crate::link::{Doubt, Finding, Likeness, Named, Why};
use crate::money::Minor;
use crate::order;
use crate::plan::Plan;
use crate::policy::{AMOUNT_TOLERANCE, Policy};
use crate::references;

/// Several Klarna orders may be this one's, or none is shown to be.
pub(super) fn doubtful(ledger: &Ledger, facts: &Facts, policy: &Policy, now: Timestamp, doubt: &Doubt) -> Plan {
    let mut case = Case::blind(ledger, facts, policy, now);
    say_doubt(&mut case, doubt);
    case.finish()
}

fn say_doubt(case: &mut Case<'_>, doubt: &Doubt) {
    let held: Minor = doubt.named.iter().map(|named| named.captured.plus(named.authorized)).collect();
    let kind = match doubt.why {
        Why::Several => BreakKind::KlarnaOrderAmbiguous,
        Why::NoneAgrees | Why::Unpaid => BreakKind::KlarnaOrderMismatch,
    };
    let finding = Finding::Doubt { order: case.shop.number.clone(), doubt: doubt.clone() };
    case.differs(kind, "", Some(held).filter(|held| held.is_positive()), case.now, finding);
}

/// The shop says that the order was paid, and at the first look all that it names is an attempt that is over, with nothing
/// captured: nobody knows that this is what was paid through, and one that is named nowhere may hold the money. One that
/// was looked at before it was over accounts for what the shop says, since some shops call an order paid once it is
/// authorized. So does one of this number that was cancelled as the order was, where nobody waits for money: it fills the
/// history of such a shop. And a human's word accounts for everything.
pub(super) fn is_unaccounted(ledger: &Ledger, facts: &Facts, klarna: &KlarnaOrder) -> bool {
    let is_new = ledger.judged_under.is_none() && !facts.is_told;
    let is_undone = facts.shop.status.is(&ShopStatus::Cancelled) && klarna.status.is(&KlarnaStatus::Cancelled);
    let is_cancelled_with_it = is_undone && references::name(klarna, &facts.shop) && !is_waited_for(&facts.shop);
    facts.shop.paid && is_new && is_closed(klarna) && klarna.captured.is_zero() && !is_cancelled_with_it
}

/// Somebody waits for money of it.
fn is_waited_for(shop: &ShopOrder) -> bool {
    let waits =
        |credit: &CreditInvoiceFacts| credit.paid.is(&false) && !credit.amount.as_ref().is_ok_and(|it| it.is_zero());
    shop.credit_invoices.iter().any(waits)
}

/// Nothing final is concluded from it; and where somebody waits for money, or for an end, it is said.
pub(super) fn unaccounted(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    case.disagreement = Some("the shop says that it was paid, and what it names never was");
    if case.cancelled || is_waited_for(case.shop) {
        let mut named = vec![Named::linked(klarna, case.shop)];
        named.extend(case.facts.beside.iter().cloned());
        say_doubt(case, &Doubt { why: Why::Unpaid, named });
    }
}

/// It was judged under another Klarna order, of which earlier reads showed more captured than refunded: what was captured
/// there is hidden, or no look found it, whatever the one that it is taken for now holds. Unless that one turned out to
/// be another order's.
pub(super) fn leaves_money(
    ledger: &Ledger, facts: &Facts, policy: &Policy, now: Timestamp, klarna: &KlarnaOrder,
) -> Option<Plan> {
    let before = ledger.judged_under.as_ref().filter(|before| **before != klarna.id && !facts.is_told)?;
    let captured: Minor = ledger.captures.values().copied().collect();
    let held = captured.less(ledger.refunds.max(ledger.most_refunded));
    if held.get() <= AMOUNT_TOLERANCE {
        return None;
    }
    let seen = facts.beside.iter().find(|named| named.id == *before);
    let likeness = seen.map_or(Likeness::Agrees, |named| named.likeness.clone());
    if matches!(likeness, Likeness::Anothers(_)) {
        return None;
    }
    let places = seen.map_or_else(|| vec![Place::Unsaid], |named| named.places.clone());
    let hidden = Named { id: before.clone(), places, likeness, captured, authorized: Minor::ZERO, amount: captured };
    let others = facts.beside.iter().filter(|named| named.id != *before).cloned();
    let named = [hidden, Named::linked(klarna, &facts.shop)].into_iter().chain(others).collect();
    let doubt = Doubt { why: Why::Several, named };
    Some(Plan { is_unjudged: true, ..doubtful(ledger, facts, policy, now, &doubt) })
}

/// Every id that it names stands in a text that people and apps write, and no human said that it is a Klarna order's.
pub(super) fn is_mere_text(facts: &Facts) -> bool {
    let is_text = |place: &Place| matches!(place, Place::Memo | Place::Events);
    !facts.is_told && facts.shop.candidates.iter().all(|one| one.places.iter().all(is_text))
}

/// What was done under another Klarna order than the one that this order is linked to now.
pub(super) struct Earlier<'a> {
    intents: Vec<&'a Intent>,
}

/// The ledger as it is for this Klarna order alone, and what was done under others. A payment mark whose answer is
/// open stays: it is the shop's to settle, whatever Klarna order it was for.
pub(super) fn part<'a>(ledger: &'a Ledger, klarna: &KlarnaOrder) -> (Cow<'a, Ledger>, Earlier<'a>) {
    let is_own = |intent: &Intent| {
        let target = intent.target.klarna_order_id.as_ref();
        let is_open_mark = intent.effect.kind == Kind::MarkPaid && may_be_open(intent);
        target.is_none_or(|target| *target == klarna.id) || is_open_mark
    };
    let earlier = Earlier { intents: ledger.intents.iter().filter(|intent| !is_own(intent)).collect() };
    if earlier.intents.is_empty() || planted!("absorbed_under_a_new_link") {
        return (Cow::Borrowed(ledger), Earlier { intents: Vec::new() });
    }
    let mut own = ledger.clone();
    own.intents.retain(is_own);
    (Cow::Owned(own), earlier)
}

impl Earlier<'_> {
    /// Until a human said what it means, an order is not judged under another link than the one under which something
    /// was asked for; with an answer still open, not even then.
    pub(super) fn holds(
        &self, ledger: &Ledger, facts: &Facts, policy: &Policy, now: Timestamp, klarna: &KlarnaOrder,
    ) -> Option<Plan> {
        let is_open = self.intents.iter().any(|intent| may_be_open(intent));
        let has_moved = self.intents.iter().any(|intent| has_moved(intent));
        if !is_open && (facts.is_told || !has_moved) {
            return None;
        }
        let mut case = Case::blind(ledger, facts, policy, now);
        self.say(&mut case, Some(&klarna.id), true);
        Some(Plan { is_unjudged: true, ..case.finish() })
    }

    /// Judged anew: what was never sent is given up, what rests on another Klarna order is concluded once more, and
    /// money that moved there is said.
    pub(super) fn judge_anew(&self, case: &mut Case<'_>, klarna: &KlarnaOrder) {
        self.give_up_planned(case);
        let is_other = case.ledger.judged_under.as_ref().is_some_and(|before| *before != klarna.id);
        if is_other && !planted!("absorbed_under_a_new_link") {
            case.order_event(order::Event::JudgedAnew);
            for id in case.credits.keys().copied().collect::<Vec<_>>() {
                case.credit_event(id, credit_invoice::Event::JudgedAnew);
            }
        }
        self.say(case, Some(&klarna.id), false);
    }

    fn give_up_planned(&self, case: &mut Case<'_>) {
        for intent in self.intents.iter().filter(|intent| intent.state == State::Planned) {
            if !case.is_noted(intent) {
                in_flight::withdraw(case, intent, "the order does not belong to that Klarna order");
            }
        }
    }

    /// One difference for all that may have moved under other links: about the first of it, over the sum.
    fn say(&self, case: &mut Case<'_>, klarna: Option<&KlarnaOrderId>, holds: bool) {
        let moved: Vec<_> = self.intents.iter().filter(|intent| may_be_open(intent) || has_moved(intent)).collect();
        let Some(first) = moved.iter().find(|intent| may_be_open(intent)).or(moved.first()) else { return };
        let Some(before) = first.target.klarna_order_id.clone() else { return };
        let amount: Minor = moved.iter().map(|intent| intent.effect.amount).collect();
        let finding = Finding::Earlier {
            order: case.shop.number.clone(),
            now: klarna.cloned(),
            before,
            kind: first.effect.kind,
            amount: first.effect.amount,
            intent: first.id,
            is_confirmed: first.state == State::Confirmed,
            holds,
        };
        case.differs(BreakKind::KlarnaOrderMismatch, "earlier", Some(amount), case.now, finding);
    }
}

/// A human said that no Klarna order belongs to it: what was asked of one before is given up or said, and nothing else is
/// judged.
pub(super) fn disowned(ledger: &Ledger, facts: &Facts, policy: &Policy, now: Timestamp) -> Plan {
    let of_klarna = |intent: &&Intent| intent.target.klarna_order_id.is_some();
    let earlier = Earlier { intents: ledger.intents.iter().filter(of_klarna).collect() };
    let mut case = Case::blind(ledger, facts, policy, now);
    earlier.give_up_planned(&mut case);
    earlier.say(&mut case, None, earlier.intents.iter().any(|intent| may_be_open(intent)));
    strays(&mut case);
    case.finish()
}

fn may_be_open(intent: &Intent) -> bool {
    matches!(intent.state, State::Sending | State::Unknown)
}

/// Klarna confirmed that money, or the right to it, moved.
fn has_moved(intent: &Intent) -> bool {
    intent.state == State::Confirmed && intent.effect.kind.is_klarna() && intent.effect.kind != Kind::Extend
}

/// By its payment it is not Klarna's: what was planned is given up, what is under way is followed to its end, and nothing
/// else is judged. What Klarna captured of it is said; what is authorized, once it is paid or cancelled: the consumer may
/// come back to Klarna until then.
pub(super) fn otherwise(ledger: &Ledger, facts: &Facts, policy: &Policy, now: Timestamp) -> Plan {
    let read = facts.klarna.read();
    let judged = read.filter(|read| ledger.judged_under.as_ref() == Some(&read.id));
    let mut case = judged
        .map_or_else(|| Case::blind(ledger, facts, policy, now), |read| followed(ledger, facts, read, policy, now));
    Earlier { intents: ledger.intents.iter().collect() }.give_up_planned(&mut case);
    // Where another order names the same Klarna order, it is that one's, unless Klarna says that it is this one's.
    let is_alone = facts.shared_with.is_empty();
    let is_named = read.is_some_and(|read| references::name(read, &facts.shop));
    let is_over = facts.shop.paid || facts.shop.status.is(&ShopStatus::Cancelled);
    // What went back is paid once.
    let kept = |read: &KlarnaOrder| read.captured.less(read.refunded_at_least());
    let own = read.map(|read| Named { captured: kept(read), ..Named::linked(read, &facts.shop) });
    let doubtful = match &facts.klarna {
        KlarnaSide::Doubtful(doubt) => doubt.named.as_slice(),
        KlarnaSide::Unlinked | KlarnaSide::NotFound { .. } | KlarnaSide::Read(_) | KlarnaSide::Disowned => &[],
    };
    let own = own.filter(|_| is_alone || is_named);
    for named in facts.beside.iter().chain(doubtful).filter(|_| is_alone).chain(&own) {
        if is_over {
            stray(&mut case, named);
        }
        if named.is_own() && named.captured.is_positive() {
            let finding = Finding::PaidTwice { order: facts.shop.number.clone(), named: named.clone() };
            case.differs(BreakKind::CapturedTooMuch, named.id.as_str(), Some(named.captured), now, finding);
        }
    }
    // What is over, with nothing captured, accounts for nothing: should Klarna be its payment after all, it is new.
    let is_spent = read.is_some_and(|read| is_closed(read) && read.captured.is_zero());
    Plan { is_unjudged: judged.is_none() && (is_spent || ledger.judged_under.is_some()), ..case.finish() }
}

/// What was asked of this Klarna order before is looked for as ever, and never asked for again.
fn followed<'a>(
    ledger: &'a Ledger, facts: &'a Facts, klarna: &KlarnaOrder, policy: &'a Policy, now: Timestamp,
) -> Case<'a> {
    let mut case = Case::new(ledger, facts, klarna, policy, now);
    case.disagreement = Some("the order was paid otherwise");
    in_flight::settle(&mut case, klarna);
    case.plan.effects.clear();
    sums::captured_before(&mut case, klarna);
    watched::watch(&mut case);
    case
}

/// An authorization is open at Klarna under another id that this order names, and nothing will ever come of it.
pub(super) fn strays(case: &mut Case<'_>) {
    for named in &case.facts.beside {
        stray(case, named);
    }
}

/// Whose it is may be open: then a human looks, who has not said yet which one is this order's.
fn stray(case: &mut Case<'_>, named: &Named) {
    let is_open = named.likeness == Likeness::Unproven && !case.facts.is_told;
    if !(named.is_own() || is_open) || !named.authorized.is_positive() || planted!("strays_are_silent") {
        return;
    }
    let due = case.past_grace(case.shop.created_at);
    let is_otherwise = case.shop.paid_otherwise;
    let finding = Finding::Stray { order: case.shop.number.clone(), stray: named.clone(), is_otherwise };
    case.differs(BreakKind::AuthorizationStray, named.id.as_str(), Some(named.authorized), due, finding);
}
