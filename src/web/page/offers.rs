//! Which decisions a page offers: those that fit what is held, each with what it does and what has to be typed.
//!
//! An offer is only an offer. What is decided is checked anew against the store when the form comes back.

use jiff::Timestamp;

use super::consent::approval;
use super::frame::{money, plain};
use crate::report::words;
use crate::words::refused;
use reconciled_core::adoption::{Open, offer};
use reconciled_core::attribution::{open_without, refunds_of};
use reconciled_core::breaks::BreakStatus;
use reconciled_core::consent::{Refusal, may_be_approved, waits_for_a_word};
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::KlarnaRefund;
use reconciled_core::id::{IntentId, InvoiceNumber};
use reconciled_core::intent::{Intent, State};
use reconciled_core::ledger::Ledger;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::pages::ProposalRow;
use reconciled_store::{Break, Dossier};

/// What is held about an order, as far as it bears on what may be decided.
pub(super) struct Case<'a> {
    pub(super) dossier: &'a Dossier,
    pub(super) breaks: &'a [Break],
    /// Those that hold now.
    pub(super) proposals: &'a [ProposalRow],
    pub(super) two_person_above: Option<Minor>,
    pub(super) currency: Option<Currency>,
    pub(super) now: Timestamp,
}

/// One decision as a form.
pub(super) struct Offer {
    /// What goes back as `action`.
    pub(super) action: &'static str,
    pub(super) title: String,
    pub(super) explain: String,
    pub(super) button: &'static str,
    /// Fields that go back as they are.
    pub(super) hidden: Vec<(&'static str, String)>,
    /// What a refund may be for: value and text of each.
    pub(super) choices: Vec<(String, String)>,
    /// What has to be typed to confirm, where money moves.
    pub(super) confirm: Option<String>,
    /// An amount is asked for: what Klarna's share is.
    pub(super) asks_share: bool,
    pub(super) note_required: bool,
    /// It is told why there is nothing to decide; no form.
    pub(super) told_only: bool,
}

impl Offer {
    pub(super) fn new(
        action: &'static str, button: &'static str, title: impl Into<String>, explain: impl Into<String>,
    ) -> Self {
        Self {
            action,
            title: title.into(),
            explain: explain.into(),
            button,
            hidden: Vec::new(),
            choices: Vec::new(),
            confirm: None,
            asks_share: false,
            note_required: true,
            told_only: false,
        }
    }

    /// Nothing to decide for this reader.
    pub(super) fn told(title: String, explain: String) -> Self {
        Self { told_only: true, ..Self::new("", "", title, explain) }
    }

    pub(super) fn of(mut self, name: &'static str, value: &dyn ToString) -> Self {
        self.hidden.push((name, value.to_string()));
        self
    }

    pub(super) fn confirmed_by(mut self, amount: Minor, currency: Option<Currency>) -> Self {
        self.confirm = Some(typed(amount, currency));
        self
    }
}

/// An amount as it has to be typed: without its currency.
pub(super) fn typed(amount: Minor, currency: Option<Currency>) -> String {
    currency.map_or_else(|| amount.get().to_string(), |currency| amount.decimal(currency))
}

/// About a break itself.
pub(super) fn about_break(it: &Break) -> Vec<Offer> {
    let ack = || {
        let what = "Says that somebody is at it. The break stays open.";
        Offer::new("ack", "Acknowledge", "Acknowledge: I am working on it", what).of("break", &it.id)
    };
    let resolve = || {
        let what = "It is settled outside both systems. It opens again if its amount changes or it comes back. What \
                    both systems agree on clears by itself.";
        Offer::new("resolve", "Resolve", "Resolve: it is settled", what).of("break", &it.id)
    };
    let reopen = |title: &str| {
        let mut offer = Offer::new("reopen", "Reopen", title, "It is open again, for anybody.").of("break", &it.id);
        offer.note_required = false;
        offer
    };
    match it.status {
        BreakStatus::Open => vec![ack(), resolve()],
        BreakStatus::Acknowledged => vec![resolve(), reopen("Reopen: nobody is working on it")],
        BreakStatus::Resolved => vec![reopen("Reopen: it is not settled after all")],
        BreakStatus::Cleared => Vec::new(),
    }
}

/// About an order, its intents and its refunds.
pub(super) fn about_order(case: &Case<'_>) -> Vec<Offer> {
    let Case { dossier, breaks, currency, .. } = *case;
    let mut offers = Vec::new();
    for refund in others_refunds(dossier) {
        offers.extend(about_refund(dossier, &refund, currency));
    }
    for (intent, amount) in held_by_a_ceiling(&dossier.ledger, breaks) {
        let explain = "A money ceiling holds it. Approved, the next pass sends it, whatever the ceiling says.";
        offers.extend(approval(case, intent, amount, &money(Some(amount), currency), explain));
    }
    for question in breaks.iter().filter(|it| is_question(it)) {
        offers.extend(about_question(case, question));
    }
    for it in breaks.iter().filter(|it| is_open(it)) {
        offers.extend(about_part(case, it));
    }
    for intent in &dossier.ledger.intents {
        offers.extend(about_intent(case, intent));
    }
    offers.extend(links(dossier, breaks));
    if breaks.iter().any(|it| it.kind == BreakKind::AmountDiffers && is_open(it)) {
        offers.push(accept());
    }
    offers.push(hold_or_release(dossier, currency));
    for offer in &mut offers {
        offer.hidden.push(("order", dossier.shop.id.to_string()));
    }
    offers
}

/// Which Klarna order is its own, where that is in doubt: one offer for each that is named, and one for none.
fn links(dossier: &Dossier, breaks: &[Break]) -> Vec<Offer> {
    const DOUBTS: [BreakKind; 4] = [
        BreakKind::KlarnaOrderAmbiguous,
        BreakKind::KlarnaOrderMismatch,
        BreakKind::KlarnaOrderShared,
        BreakKind::KlarnaOrderNotFound,
    ];
    let is_doubtful = breaks.iter().any(|it| DOUBTS.contains(&it.kind) && is_open(it));
    if dossier.shop.candidates.len() < 2 && !is_doubtful {
        return Vec::new();
    }
    let mut offers: Vec<Offer> = Vec::new();
    for candidate in &dossier.shop.candidates {
        let id = plain(candidate.id.as_str());
        let what = format!(
            "Says for good that the Klarna order {id} is this order's own. What was concluded under another one is \
             judged again. Look in Klarna's portal first."
        );
        offers.push(Offer::new("link", "Link", format!("It belongs to Klarna order {id}"), what).of("link", &id));
    }
    let what = "Says for good that this order was not paid with any of them. Nothing is sent for it any more.";
    offers.push(Offer::new("link", "Link", "No Klarna order belongs to it", what).of("link", &"none"));
    offers
}

fn accept() -> Offer {
    let what = "Says what of the order Klarna is to take, where a gift card or another payment took the rest. Captures \
                and refunds never exceed it. It counts as long as the shop's total stays the same.";
    let mut offer = Offer::new("accept", "Accept", "Say what Klarna's share is", what);
    offer.asks_share = true;
    offer
}

/// Refunds at Klarna that this program did not make: only they need a human's word.
fn others_refunds(dossier: &Dossier) -> impl Iterator<Item = KlarnaRefund> {
    let ours = |refund: &KlarnaRefund| {
        let made = |intent: &Intent| intent.made.as_ref() == Some(&refund.id);
        let under = |intent: &Intent| refund.reference.as_ref() == Some(&intent.effect.reference);
        dossier.ledger.intents.iter().any(|intent| made(intent) || under(intent))
    };
    let all = dossier.klarna.iter().flat_map(|(order, _)| refunds_of(&dossier.ledger, &dossier.shop, order));
    all.filter(move |refund| !ours(refund))
}

fn about_refund(dossier: &Dossier, refund: &KlarnaRefund, currency: Option<Currency>) -> [Offer; 2] {
    let amount = money(Some(refund.amount), currency);
    let said = if dossier.ledger.adopted.contains_key(&refund.id) {
        " Somebody said so before; the last word counts."
    } else {
        ""
    };
    let what = format!(
        "Says what the refund {} was for. What it settles is marked paid and not refunded again.{said}",
        plain(refund.id.as_str())
    );
    let mut adopt = Offer::new("adopt", "Adopt", format!("Adopt the refund of {amount}"), what);
    let credits = dossier.ledger.credits.iter().map(|(id, record)| {
        let about = format!("{}, {}", money(record.amount, currency), record.state.name().replace('_', " "));
        (id.to_string(), format!("{} ({about})", plain(record.number.as_str())))
    });
    let choices = credits.chain(parts_that_fit(dossier, refund, currency));
    adopt.choices = choices.chain([("cancel".to_owned(), "the rest of the cancelled order".to_owned())]).collect();
    let what = format!(
        "The refund {} settles none of this order's documents. Refunds that waited for your word then go out, if the \
         money is still there.{said}",
        plain(refund.id.as_str())
    );
    let ignore = Offer::new("ignore", "Ignore", format!("Ignore the refund of {amount}"), what);
    let of = |offer: Offer| offer.of("refund", &refund.id).confirmed_by(refund.amount, currency);
    [of(adopt), of(ignore)]
}

/// The adoption in parts that fits what is open, where one credit invoice alone is not all of it.
fn parts_that_fit(
    dossier: &Dossier, refund: &KlarnaRefund, currency: Option<Currency>,
) -> impl Iterator<Item = (String, String)> {
    let (ledger, shop) = (&dossier.ledger, &dossier.shop);
    let klarna = dossier.klarna.iter().map(|(klarna, _)| klarna);
    let open: Vec<Open> = klarna.flat_map(|klarna| open_without(&refund.id, ledger, shop, klarna)).collect();
    let parts = offer(refund.amount, &open);
    let id_of = |number: &InvoiceNumber| open.iter().find(|it| it.number == *number).map(|it| it.id);
    let value = parts.iter().filter_map(|(number, amount)| Some(format!("{}={}", id_of(number)?, amount.get())));
    let value: Vec<String> = value.collect();
    let text =
        parts.iter().map(|(number, part)| format!("{}: {}", plain(number.as_str()), money(Some(*part), currency)));
    let text: Vec<String> = text.collect();
    let is_one = parts.len() == 1
        && parts.iter().all(|(_, amount)| *amount == refund.amount)
        && open
            .iter()
            .any(|it| parts.first().is_some_and(|(number, amount)| it.number == *number && it.amount == *amount));
    (!parts.is_empty() && !is_one).then(|| (value.join(","), text.join(", "))).into_iter()
}

/// Effects that are no intents yet: only their break names them.
fn held_by_a_ceiling<'a>(ledger: &'a Ledger, breaks: &'a [Break]) -> impl Iterator<Item = (IntentId, Minor)> + 'a {
    breaks.iter().filter(|it| it.kind == BreakKind::LimitReached && is_open(it)).filter_map(move |it| {
        let id = IntentId(it.subject.parse().ok()?);
        let known = ledger.approved.contains(&id);
        let intent = ledger.intents.iter().find(|intent| intent.id == id);
        let amount = intent.map(|intent| intent.effect.amount).or(it.amount)?;
        (!known).then_some((id, amount))
    })
}

/// A break that asks whether a credit invoice takes back what was sent.
pub(super) fn is_question(it: &Break) -> bool {
    it.kind == BreakKind::CreditBeforeCapture && is_open(it) && it.subject.parse::<uuid::Uuid>().is_ok()
}

/// Both answers: the refund, and that nothing of it is owed.
fn about_question(case: &Case<'_>, it: &Break) -> Vec<Offer> {
    let (Ok(id), Some(amount), Some(credit)) = (it.subject.parse(), it.amount, &it.credit_invoice) else {
        return Vec::new();
    };
    let (intent, shown, credit) = (IntentId(id), money(Some(amount), case.currency), plain(credit.as_str()));
    let mut offers = Vec::new();
    if !case.dossier.ledger.intents.iter().any(|known| known.id == intent) {
        let explain = "It takes back what was sent. Approved, the next pass refunds it.";
        offers.extend(approval(case, intent, amount, &format!("refund {shown} for {credit}"), explain));
    }
    let what = "It names what never left. Nothing of it is owed, less is captured, and the rest is released.";
    let never = Offer::new("never_sent", "Never sent", format!("Never sent: {credit} over {shown}"), what);
    offers.push(never.of("intent", &intent).confirmed_by(amount, case.currency));
    offers
}

/// What is left of the order, for a credit invoice that asks for more.
fn about_part(case: &Case<'_>, it: &Break) -> Vec<Offer> {
    let (Some((intent, left)), Some(credit)) = (it.offer, &it.credit_invoice) else { return Vec::new() };
    if case.dossier.ledger.approved.contains(&intent) {
        return Vec::new();
    }
    let what =
        format!("refund {}, which is what is left, for {}", money(Some(left), case.currency), plain(credit.as_str()));
    let explain = format!(
        "It asks for {}. Approved, the next pass refunds what is left, and that settles it; the rest goes back another way.",
        money(it.amount, case.currency)
    );
    approval(case, intent, left, &what, &explain)
}

pub(super) const fn is_open(it: &Break) -> bool {
    matches!(it.status, BreakStatus::Open | BreakStatus::Acknowledged)
}

fn about_intent(case: &Case<'_>, intent: &Intent) -> Vec<Offer> {
    let ledger = &case.dossier.ledger;
    let (kind, amount) = (words::effect(intent.effect.kind), money(Some(intent.effect.amount), case.currency));
    let reference = plain(intent.effect.reference.as_str());
    let anew = |why: &str| {
        let explain =
            format!("{why} Approved, the next pass starts it anew under a new key. Look in Klarna's portal first.");
        let what = format!("{kind} {amount} for {reference} once more");
        approval(case, intent.id, intent.effect.amount, &what, &explain)
    };
    let give_up = || {
        let what = "It is never sent (again). What it was for stays as it is, and is yours to settle.";
        Offer::new("abandon", "Give up", format!("Give up: {kind} {amount} for {reference}"), what)
            .of("intent", &intent.id)
    };
    let may_start_anew = waits_for_a_word(intent, ledger, case.now);
    match intent.state {
        State::Rejected if may_start_anew => anew("It was refused."),
        State::Abandoned if may_start_anew => anew("A human gave it up."),
        State::Abandoned if !ledger.approved.contains(&intent.id) => {
            match may_be_approved(intent, &ledger.intents, case.now) {
                Err(why @ Refusal::MayLand { .. }) => {
                    let title = format!("Given up, and it may still happen: {kind} {amount} for {reference}");
                    vec![Offer::told(title, format!("It cannot be started anew yet: {}.", refused::consent(&why)))]
                }
                Ok(()) | Err(_) => Vec::new(),
            }
        }
        State::Unknown => {
            let why = "Its outcome is unknown, and its key too old to be repeated.";
            let mut offers = if may_start_anew { anew(why) } else { Vec::new() };
            offers.push(give_up());
            offers
        }
        // Waiting for the next pass is no reason to decide; being held is.
        State::Planned if case.breaks.iter().any(|it| is_open(it) && it.subject == intent.id.to_string()) => {
            vec![give_up()]
        }
        State::Planned | State::Sending | State::Confirmed | State::Rejected | State::Withdrawn | State::Abandoned => {
            Vec::new()
        }
    }
}

fn hold_or_release(dossier: &Dossier, currency: Option<Currency>) -> Offer {
    if dossier.ledger.hold.is_none() {
        let what = "Nothing is written to either side for this order until it is released. It is still looked at.";
        return Offer::new("hold", "Hold", "Hold this order", what);
    }
    let waiting = waiting(&dossier.ledger);
    let what = format!("The next pass does what is due. Not settled yet: {}.", money(Some(waiting), currency));
    let mut offer = Offer::new("release", "Release", "Release this order", what);
    offer.note_required = false;
    if waiting.is_positive() { offer.confirmed_by(waiting, currency) } else { offer }
}

/// What credit invoices still ask for: what may go out once a hold ends.
pub(super) fn waiting(ledger: &Ledger) -> Minor {
    let open = ledger.credits.values().filter(|record| match record.state {
        CreditInvoice::Pending | CreditInvoice::Held | CreditInvoice::RefundRequested(_) => true,
        CreditInvoice::Refunded(_) | CreditInvoice::Paid(_) | CreditInvoice::PaidByHand | CreditInvoice::Cancelled => {
            false
        }
    });
    open.filter_map(|record| record.amount).collect()
}

/// What somebody must type to approve the effect `id`.
pub(super) fn amount_of(dossier: &Dossier, breaks: &[Break], id: IntentId) -> Option<Minor> {
    let durable = dossier.ledger.intents.iter().find(|intent| intent.id == id).map(|intent| intent.effect.amount);
    let offered = breaks.iter().filter(|it| is_open(it)).filter_map(|it| it.offer).find(|(offered, _)| *offered == id);
    let held = breaks.iter().find(|it| is_open(it) && it.subject == id.to_string());
    durable.or_else(|| offered.map(|(_, left)| left)).or_else(|| held.and_then(|it| it.amount))
}
