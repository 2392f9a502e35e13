//! What a read says about intents that are under way.
//!
//! Presence always concludes; absence only after two looks, inside the key's life, and by the ladder.

use jiff::Timestamp;

use super::case::{Case, after};
use super::checks::is_fully_credited;
use super::payments::is_contradicted;
use super::refunds::is_equal;
use super::reversal::surplus;
use super::words::what_of;
use super::{extension, is_closed, left};
use crate::answer::Said;
use crate::credit_invoice::{CreditInvoice, Event};
use crate::discrepancy::BreakKind;
use crate::facts::{CreditInvoiceFacts, KlarnaOrder, KlarnaStatus};
use crate::id::RefundId;
use crate::intent::{Intent, Kind, Next, State};
use crate::money::Minor;
use crate::order::Order;
use crate::plan::Note;
use crate::policy::{Mode, SETTLE_DELAY};

/// Settles every intent that may have been sent. One whose request is under way right now belongs to its sender.
pub(super) fn settle(case: &mut Case<'_>, klarna: &KlarnaOrder) {
    let ledger = case.ledger;
    for intent in ledger.intents.iter().filter(|intent| matches!(intent.state, State::Planned | State::Unknown)) {
        if planted!("no_observe_before_resend") && intent.state == State::Unknown {
            unseen(case, intent, klarna);
        } else if let Some(seen) = visible(case, intent, klarna) {
            case.intent_note(intent.id, seen);
        } else if intent.state == State::Unknown {
            unseen(case, intent, klarna);
        }
    }
}

/// [`Note::Seen`] when the read shows the effect.
fn visible(case: &Case<'_>, intent: &Intent, klarna: &KlarnaOrder) -> Option<Note> {
    let without_id = |shows: bool| shows.then_some(Note::Seen { made: None });
    match intent.effect.kind {
        Kind::Refund => case.attributed.seen.get(&intent.id).map(|refund| Note::Seen { made: Some(refund.clone()) }),
        Kind::MarkPaid => {
            let (id, _) = intent.effect.credit_invoice.as_ref()?;
            let credit = case.shop.credit_invoices.iter().find(|credit| credit.id == *id)?;
            without_id(credit.paid.is(&true))
        }
        Kind::Cancel => without_id(klarna.status.is(&KlarnaStatus::Cancelled)),
        Kind::Release => without_id(klarna.remaining.is_zero() && klarna.status.unknown().is_none()),
        Kind::Capture => captured(intent, klarna),
        Kind::Extend => without_id(extension::is_visible(case, klarna, intent)),
    }
}

/// A capture under our reference, or, where reads carry none, a new one of our amount since the attempt.
fn captured(intent: &Intent, klarna: &KlarnaOrder) -> Option<Note> {
    let carries_references = klarna.captures.iter().any(|capture| capture.reference.is_some());
    let ours = klarna.captures.iter().find(|capture| {
        if carries_references {
            return capture.reference.as_ref() == Some(&intent.effect.reference);
        }
        intent.first_sent_at.is_some()
            && capture.amount == intent.effect.amount
            && !intent.seen_before.contains(&capture.id.0)
    });
    ours.map(|capture| Note::Seen { made: Some(RefundId(capture.id.0.clone())) })
}

fn unseen(case: &mut Case<'_>, intent: &Intent, klarna: &KlarnaOrder) {
    // Each side is believed about itself: what the shop said is often older than this pass.
    let read_at = if intent.effect.kind.is_klarna() { case.facts.read_at } else { case.facts.shop_read_at };
    let is_later_read = intent.last_sent_at.is_none_or(|sent| read_at > sent);
    // An attempt that lies ahead was dated by a clock that has been set back since: nobody knows how old it is, and
    // waiting until its time comes again would be waiting for nothing.
    let is_ahead = intent.last_sent_at.is_some_and(|sent| sent > after(case.now, case.policy.grace));
    if is_ahead && intent.effect.kind.is_klarna() {
        return unconfirmed(case, intent, case.now, "the clock was set back since, so nobody knows how old its key is");
    }
    if is_ahead && not_owed(case, intent, klarna).is_none() {
        return case.want_again(intent, "asked before by a clock that was ahead".to_owned());
    }
    if !is_later_read {
        // What was read before the attempt says nothing about it. Marking paid waits for the next pass, which begins
        // by reading the order in the shop again; Klarna can be asked again in this one.
        if intent.effect.kind.is_klarna() {
            let sent = intent.last_sent_at.unwrap_or(case.now);
            case.look_again(after(sent, SETTLE_DELAY));
        }
        return;
    }
    case.intent_note(intent.id, Note::Absent { read_at });
    let next = intent.after_absence(read_at);
    if let Next::Look { not_before } = next {
        case.look_again(not_before);
    }
    match (next, not_owed(case, intent, klarna)) {
        (Next::Human, _) => unconfirmed(case, intent, case.now, "it is too late to ask again under its key"),
        // Nobody asks again, and the money may have left: once reads had their time, somebody must look.
        (Next::Look { .. } | Next::Resend, Some(why)) if intent.effect.kind == Kind::Refund => {
            let due = case.past_grace(intent.last_sent_at.unwrap_or(intent.planned_at));
            unconfirmed(case, intent, due, why);
        }
        (Next::Resend, None) => {
            told_again(case, intent);
            case.want_again(intent, "asked before, and two reads do not show it".to_owned());
        }
        (Next::Look { .. }, None) => told_again(case, intent),
        (Next::Look { .. } | Next::Resend, Some(_)) => {}
    }
}

/// One lost answer is ordinary. What was asked for again and is still not shown after the grace is told, while it is asked
/// for again: the other side may refuse it for as long as its key lives.
fn told_again(case: &mut Case<'_>, intent: &Intent) {
    if intent.attempt() > 1 && intent.effect.kind.is_klarna() {
        let due = case.past_grace(intent.last_sent_at.unwrap_or(intent.planned_at));
        unconfirmed(case, intent, due, "it is asked for again under its key");
    }
}

/// Why the effect is not sent again: what obliged it no longer does, or it is not ours to cause. It is looked for all
/// the same: a credit invoice may have changed, an order may have been cancelled since.
fn not_owed(case: &Case<'_>, intent: &Intent, klarna: &KlarnaOrder) -> Option<&'static str> {
    let policy = case.policy;
    let (id, amount) = (intent.effect.credit_invoice.as_ref().map(|(id, _)| *id), intent.effect.amount);
    let credit = case.shop.credit_invoices.iter().find(|credit| Some(credit.id) == id);
    let is_unpaid = credit.is_some_and(|credit| credit.paid.is(&false));
    let is_unchanged = is_unpaid && credit.is_some_and(|credit| case.of_klarna(credit) == Ok(amount));
    // What others' refunds cover of it is not asked for.
    let is_left = is_unpaid
        && credit.is_some_and(|credit| {
            let is_asked = |whole: &Minor| {
                is_equal(whole.minus(case.covered(credit.id)), amount)
                    || left::is_settled_by_word(case, credit, *whole, amount)
            };
            case.of_klarna(credit).as_ref().is_ok_and(is_asked)
        });
    let (is_driven, is_owed) = match intent.effect.kind {
        Kind::Refund if case.is_overdrawn(klarna) => {
            return Some("with it more would go back than was captured");
        }
        Kind::Refund if id.is_none() => (policy.cancels == Mode::Drive, case.cancelled),
        Kind::Refund => (policy.refunds == Mode::Drive, is_left),
        Kind::MarkPaid => {
            (policy.mark_paid == Mode::Drive, is_unchanged && credit.is_some_and(|it| is_settled(case, it, amount)))
        }
        Kind::Cancel => (policy.cancels == Mode::Drive, case.cancelled || is_fully_credited(case)),
        Kind::Release => (policy.cancels == Mode::Drive, case.cancelled || surplus(case, klarna).is_positive()),
        Kind::Capture => {
            let is_over = case.cancelled || case.order == Order::Expired || is_closed(klarna);
            (policy.captures == Mode::Drive, !is_over && amount <= klarna.remaining)
        }
        Kind::Extend => (extension::is_ours(case), extension::is_worth_it(case, klarna)),
    };
    match (is_driven, is_owed) {
        (false, _) => Some("the policy leaves it to somebody else"),
        (true, false) => Some("what asked for it has changed"),
        (true, true) => None,
    }
}

/// What made it paid still stands: under another Klarna order it is judged anew, and may be owed there; and a human may
/// have said since that its refund was for something else.
fn is_settled(case: &Case<'_>, credit: &CreditInvoiceFacts, amount: Minor) -> bool {
    match case.credit_state(credit.id) {
        CreditInvoice::Refunded(_) | CreditInvoice::Paid(_) => !is_contradicted(case, credit, amount),
        CreditInvoice::Cancelled => true,
        CreditInvoice::Pending
        | CreditInvoice::Held
        | CreditInvoice::RefundRequested(_)
        | CreditInvoice::PaidByHand => false,
    }
}

/// Nothing more is sent until a human decides, and nobody knows whether it happened.
fn unconfirmed(case: &mut Case<'_>, intent: &Intent, due: Timestamp, why: &str) {
    let kind = match intent.effect.kind {
        Kind::Refund => BreakKind::RefundUnconfirmed,
        Kind::Capture => BreakKind::CaptureUnconfirmed,
        Kind::Cancel | Kind::Release => BreakKind::CancelNotReleased,
        Kind::MarkPaid => BreakKind::CreditNotMarkedPaid,
        Kind::Extend => BreakKind::AuthorizationExpiring,
    };
    let times = match intent.attempt() {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    let said = intent.said.as_ref().map_or_else(|| "the answer was lost".to_owned(), Said::in_a_sentence);
    let message = format!(
        "the {} was asked for {times}, {said}, and reads do not show it; {why} (intent {})",
        what_of(case, intent),
        intent.id
    );
    match &intent.effect.credit_invoice {
        Some((_, number)) => case.credit_differs(kind, number, Some(intent.effect.amount), due, message),
        None => case.differs(kind, &intent.id.to_string(), Some(intent.effect.amount), due, message),
    }
    case.about(intent);
}

/// Intents that were never sent and that nothing obliges any more are given up.
pub(super) fn withdraw_unwanted(case: &mut Case<'_>) {
    let ledger = case.ledger;
    for intent in ledger.intents.iter().filter(|intent| intent.state == State::Planned) {
        if !case.wants(intent) && !case.is_noted(intent) {
            withdraw(case, intent, "its reason was gone before it was sent");
        }
    }
}

/// Gives up what was never sent: its credit invoice may be asked for anew.
pub(super) fn withdraw(case: &mut Case<'_>, intent: &Intent, why: &str) {
    case.intent_note(intent.id, Note::Withdrawn { why: why.to_owned() });
    if let (Kind::Refund, Some((id, _))) = (intent.effect.kind, &intent.effect.credit_invoice) {
        case.credit_event(*id, Event::Refused);
        case.credit_event(*id, Event::Released);
    }
}
