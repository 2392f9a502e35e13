//! What was confirmed is watched for ever: effects of ours, and refunds that proved something, that Klarna's reads do
//! not show.
//!
//! Says so and concludes nothing else: the money guard goes on counting a refund that was confirmed, since one that is
//! merely hidden would go out twice. By ids and references where reads carry them; where they carry neither, sums and
//! counts tell.

use jiff::Timestamp;

use super::case::{Case, after};
use crate::credit_invoice::{CreditInvoice, Proof};
use crate::discrepancy::BreakKind;
use crate::facts::{KlarnaCapture, KlarnaOrder, KlarnaRefund, KlarnaSide, KlarnaStatus, Word};
use crate::finding::Finding;
use crate::id::{InvoiceNumber, RefundId};
use crate::intent::{Intent, Kind, State};
use crate::ledger::Attribution;
use crate::money::Minor;
use crate::policy::SETTLE_DELAY;

/// One effect that the read does not show.
struct Missing {
    kind: Kind,
    /// Klarna's id of it, or the intent's where Klarna gave none.
    subject: String,
    credit: Option<InvoiceNumber>,
    /// `None` where only the id of it is held.
    amount: Option<Minor>,
    /// When it was confirmed to us; `None` for what a read alone told us of.
    confirmed: Option<Timestamp>,
    /// A read has shown it: no later one lags behind it.
    was_shown: bool,
    /// Klarna's total counts it all the same.
    is_counted: bool,
}

/// Compares everything that was confirmed with what the read shows, before anything confirmed is laid over it.
pub(super) fn watch(case: &mut Case<'_>) {
    let KlarnaSide::Read(read) = &case.facts.klarna else { return };
    if planted!("confirmed_is_never_missed") {
        return;
    }
    for missing in refunds(case, read).into_iter().chain(captures(case, read)).chain(given_up(case, read)) {
        say(case, missing);
    }
}

/// Missed for a whole grace, and never sooner than reads are known to lag.
fn say(case: &mut Case<'_>, missing: Missing) {
    let kind = BreakKind::EffectVanished;
    let since = case.ledger.since(kind, &missing.subject).unwrap_or(case.now);
    let settled = missing.confirmed.filter(|_| !missing.was_shown);
    let settled = settled.map_or(Timestamp::MIN, |confirmed| after(confirmed, SETTLE_DELAY));
    let due = case.past_grace(since).max(settled);
    let finding = Finding::Vanished {
        what: missing.kind,
        order: case.shop.number.clone(),
        credit: missing.credit.clone(),
        id: missing.subject.clone(),
        amount: missing.amount,
        confirmed: missing.confirmed,
        is_counted: missing.is_counted,
    };
    case.differs_as(kind, missing.credit, missing.subject, missing.amount, due, finding);
}

/// Refunds of ours that Klarna confirmed, and others that proved a credit invoice or were adopted. Klarna's own total may
/// count what its list lacks: that is no proof either, and is said with it.
fn refunds(case: &Case<'_>, read: &KlarnaOrder) -> Vec<Missing> {
    let mut missing = of_ours(case, read);
    missing.extend(of_others(case, read));
    let listed: Minor = read.refunds.iter().map(|refund| refund.amount).collect();
    let hidden: Minor = missing.iter().filter_map(|missing| missing.amount).collect();
    let is_counted = hidden.is_positive() && hidden <= read.refunded.less(listed);
    missing.into_iter().map(|missing| Missing { is_counted, ..missing }).collect()
}

fn of_ours(case: &Case<'_>, read: &KlarnaOrder) -> Vec<Missing> {
    let is_shown = |intent: &&Intent| {
        let made = intent.made.as_ref();
        let is_anothers = |made: &RefundId| case.attributed.seen.values().any(|seen| seen == made);
        case.attributed.seen.contains_key(&intent.id)
            || made.is_some_and(|made| lists(read, made) && !is_anothers(made) || is_ruled_out(case, made))
    };
    confirmed(case, read, Kind::Refund)
        .filter(|intent| !is_shown(intent))
        .map(|intent| of_intent(case, intent))
        .collect()
}

fn of_others(case: &Case<'_>, read: &KlarnaOrder) -> Vec<Missing> {
    let ours = |id: &RefundId| {
        case.ledger
            .intents
            .iter()
            .any(|intent| intent.made.as_ref() == Some(id) || RefundId::made_up(&intent.id.to_string()) == *id)
    };
    // A read that names no refund by its id says nothing about one that is known by it, nor the other way round.
    let can_tell = |id: &RefundId| {
        let alike = |refund: &KlarnaRefund| refund.id.is_made_up() == id.is_made_up();
        !id.is_unlisted() && (read.refunds.is_empty() || read.refunds.iter().any(alike))
    };
    let is_missing = |id: &RefundId| can_tell(id) && !lists(read, id) && !ours(id) && !is_ruled_out(case, id);
    // What is judged anew rests on no refund of another Klarna order any more.
    let proofs = case.ledger.credits.iter().filter_map(|(credit, held)| match case.credits.get(credit)? {
        CreditInvoice::Refunded(Proof::Refund(id)) | CreditInvoice::Paid(Proof::Refund(id)) => {
            Some((id, Some(held.number.clone()), held.amount))
        }
        CreditInvoice::Refunded(Proof::Reversal)
        | CreditInvoice::Paid(Proof::Reversal)
        | CreditInvoice::Pending
        | CreditInvoice::Held
        | CreditInvoice::RefundRequested(_)
        | CreditInvoice::PaidByHand
        | CreditInvoice::Cancelled => None,
    });
    let mut missing: Vec<Missing> = Vec::new();
    let adopted = case.ledger.adopted.keys().map(|id| (id, None, None));
    for (id, credit, amount) in proofs.chain(adopted).filter(|(id, _, _)| is_missing(id)) {
        if missing.iter().all(|known| known.subject != id.as_str()) {
            let subject = id.as_str().to_owned();
            let (kind, confirmed) = (Kind::Refund, None);
            missing.push(Missing { kind, subject, credit, amount, confirmed, was_shown: true, is_counted: false });
        }
    }
    missing
}

fn lists(read: &KlarnaOrder, id: &RefundId) -> bool {
    read.refunds.iter().any(|refund| refund.id == *id)
}

fn is_ruled_out(case: &Case<'_>, id: &RefundId) -> bool {
    case.ledger.adopted.get(id) == Some(&Attribution::RuledOut)
}

/// Captures of ours that Klarna confirmed. One read may list them by id, by our reference, or by neither: then each
/// amount stands for one capture. A total that counts what the list lacks proves no more than one of refunds does.
fn captures(case: &Case<'_>, read: &KlarnaOrder) -> Vec<Missing> {
    let mut unnamed: Vec<&KlarnaCapture> =
        read.captures.iter().filter(|it| it.id.is_made_up() && it.reference.is_none()).collect();
    let mut missing = Vec::new();
    for intent in confirmed(case, read, Kind::Capture) {
        let is_it = |capture: &KlarnaCapture| {
            intent.made.as_ref().is_some_and(|made| made.as_str() == capture.id.0)
                || capture.reference.as_ref() == Some(&intent.effect.reference)
        };
        if read.captures.iter().any(is_it) {
            continue;
        }
        match unnamed.iter().position(|capture| capture.amount == intent.effect.amount) {
            Some(at) => {
                unnamed.remove(at);
            }
            None => missing.push(of_intent(case, intent)),
        }
    }
    let listed: Minor = read.captures.iter().map(|capture| capture.amount).collect();
    let hidden: Minor = missing.iter().filter_map(|missing| missing.amount).collect();
    let is_counted = hidden.is_positive() && hidden <= read.captured.less(listed);
    missing.into_iter().map(|missing| Missing { is_counted, ..missing }).collect()
}

/// A cancel or a release after which something is authorized all the same. Where the order itself obliges it to be given
/// up, that says so already.
fn given_up(case: &Case<'_>, read: &KlarnaOrder) -> Vec<Missing> {
    let is_living = match read.status {
        Word::Known(KlarnaStatus::Authorized | KlarnaStatus::PartCaptured) => read.remaining.is_positive(),
        Word::Known(
            KlarnaStatus::Captured | KlarnaStatus::Cancelled | KlarnaStatus::Expired | KlarnaStatus::Closed,
        )
        | Word::Unknown(_) => false,
    };
    if !is_living || case.says(BreakKind::CancelNotReleased) {
        return Vec::new();
    }
    let given_up = confirmed(case, read, Kind::Cancel).chain(confirmed(case, read, Kind::Release));
    given_up.map(|intent| of_intent(case, intent)).collect()
}

/// What this Klarna order was confirmed to have before its read was started, so that the read may be asked for it.
fn confirmed<'c>(case: &'c Case<'_>, read: &'c KlarnaOrder, kind: Kind) -> impl Iterator<Item = &'c Intent> {
    let read_at = case.facts.read_at;
    case.ledger.intents.iter().filter(move |intent| {
        intent.effect.kind == kind
            && intent.state == State::Confirmed
            && intent.target.klarna_order_id.as_ref().is_none_or(|id| *id == read.id)
            && intent.ended_at.is_none_or(|ended| ended < read_at)
    })
}

fn of_intent(case: &Case<'_>, intent: &Intent) -> Missing {
    Missing {
        kind: intent.effect.kind,
        subject: intent.made.as_ref().map_or_else(|| intent.id.to_string(), |made| made.as_str().to_owned()),
        credit: intent.effect.credit_invoice.as_ref().map(|(_, number)| number.clone()),
        amount: Some(intent.effect.amount),
        confirmed: intent.ended_at,
        was_shown: case.ledger.shown.contains(&intent.id),
        is_counted: false,
    }
}
