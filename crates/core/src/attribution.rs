//! Which refund at Klarna settles which obligation.
//!
//! Pure. A refund is never guessed to be ours because its amount fits, save where the rules below say so: what
//! nothing explains is *unattributed*, and stops automatic refunds for its order.

use std::collections::{BTreeMap, BTreeSet};

use super::adoption::{Open, Settles, is_near};
use super::clocks::{Sequence, sequence};
use super::credit_invoice::{CreditInvoice, Proof};
use super::credit_reference;
use super::facts::{CreditInvoiceFacts, KlarnaOrder, KlarnaRefund, ShopOrder};
use super::id::{IntentId, InvoiceId, OrderNumber, Reference, RefundId};
use super::intent::{Intent, Kind, State};
use super::ledger::{Attribution, Ledger};
use super::money::Minor;
use super::policy::{AMOUNT_TOLERANCE, Mode, Policy};

/// Every refund of one order, sorted by what it settles. One that a human gave to several stands at each with its part.
#[derive(Clone, Debug, Default)]
pub struct Attributed {
    pub by_credit: BTreeMap<InvoiceId, Vec<KlarnaRefund>>,
    /// Under `<order number>:cancel`.
    pub cancel: Vec<KlarnaRefund>,
    /// What nothing explains, with the amount of it that nothing explains.
    pub unattributed: Vec<KlarnaRefund>,
    /// Those of which a human said, part by part, what they settle.
    pub parted: BTreeSet<RefundId>,
    /// Money that Klarna counts as refunded without listing a refund for it, under a name made of its amount.
    pub unlisted: Option<KlarnaRefund>,
    /// Our intents that the read shows.
    pub seen: BTreeMap<IntentId, RefundId>,
    /// Everything refunded, those confirmed to us that the read does not show yet included.
    pub refunded: Minor,
    /// Of that, what no read has ever shown.
    pub never_shown: Minor,
    /// Of that, requests confirmed under an id that is or may be another request's: whether theirs happened is not known.
    pub misnamed: BTreeMap<IntentId, Minor>,
}

impl Attributed {
    /// What surely went back: less than what may have.
    pub fn proven(&self) -> Minor {
        self.refunded.less(self.misnamed.values().copied().collect())
    }

    /// What has gone back for a credit invoice: the refunds that the read shows, and those of ours that Klarna confirmed and
    /// that it does not show yet. One of ours that made the refund `but` is not counted.
    pub fn covered(&self, ledger: &Ledger, id: InvoiceId, but: Option<&RefundId>) -> Minor {
        let hidden = refund_intents(ledger).filter(|intent| {
            intent.state == State::Confirmed
                && intent.effect.credit_invoice.as_ref().is_some_and(|(of, _)| *of == id)
                && !self.seen.contains_key(&intent.id)
                && (but.is_none() || intent.made.as_ref() != but)
        });
        let shown = self.by_credit.get(&id).into_iter().flatten().map(|refund| refund.amount);
        shown.chain(hidden.map(|intent| intent.effect.amount)).collect()
    }
}

/// What the reference of a cancelled order's remainder is.
pub fn cancel_reference(number: &OrderNumber) -> Reference {
    Reference(format!("{number}:cancel"))
}

/// Sorts the refunds of one Klarna order: a human's word first, then ids that Klarna gave us, then what was
/// proven before, then references, then, where a read carries no reference, a new refund of exactly the amount of a request under way.
pub fn attribute(
    ledger: &Ledger, shop: &ShopOrder, klarna: &KlarnaOrder, policy: &Policy, cancelled: bool,
) -> Attributed {
    sorted(ledger, shop, klarna, Some(policy), cancelled)
}

/// Our intents whose refunds a read shows, by id, by reference or, where it carries neither, by amount and time.
pub fn seen(ledger: &Ledger, shop: &ShopOrder, klarna: &KlarnaOrder) -> BTreeMap<IntentId, RefundId> {
    sorted(ledger, shop, klarna, None, false).seen
}

/// Every refund of which a human may say what it was for: those that Klarna lists, and what it counts beyond them.
pub fn refunds_of(ledger: &Ledger, shop: &ShopOrder, klarna: &KlarnaOrder) -> Vec<KlarnaRefund> {
    let unlisted = sorted(ledger, shop, klarna, None, false).unlisted;
    klarna.refunds.iter().cloned().chain(unlisted).collect()
}

/// The order's credit invoices, each with what it asks for and no refund but `adopted` covers: what a human may give that
/// refund to. No policy speaks here: what an amount alone explains gives way to a human's word.
pub fn open_without(adopted: &RefundId, ledger: &Ledger, shop: &ShopOrder, klarna: &KlarnaOrder) -> Vec<Open> {
    let mut others = klarna.clone();
    others.refunds.retain(|refund| refund.id != *adopted);
    let found = sorted(ledger, shop, &others, None, false);
    open_in(&found, ledger, shop, Some(adopted))
}

/// The order's credit invoices, each with what it asks for and nothing in `found` covers.
pub fn open_in(found: &Attributed, ledger: &Ledger, shop: &ShopOrder, but: Option<&RefundId>) -> Vec<Open> {
    let held = ledger.credits.iter().filter(|(id, _)| !shop.credit_invoices.iter().any(|credit| credit.id == **id));
    let held = held.map(|(id, held)| (*id, held.number.clone(), held.created_at, held.amount.unwrap_or_default()));
    let listed = shop
        .credit_invoices
        .iter()
        .map(|credit| (credit.id, credit.number.clone(), credit.created_at, credit.amount.clone().unwrap_or_default()));
    let open = |(id, number, created_at, amount): (InvoiceId, _, _, Minor)| Open {
        id,
        number,
        created_at,
        amount: amount.less(found.covered(ledger, id, but)),
    };
    listed.chain(held).map(open).collect()
}

fn sorted(
    ledger: &Ledger, shop: &ShopOrder, klarna: &KlarnaOrder, policy: Option<&Policy>, cancelled: bool,
) -> Attributed {
    let mut sorting = Sorting { ledger, shop, policy, cancelled, out: Attributed::default() };
    let carries_references = klarna.refunds.iter().any(|refund| refund.reference.is_some());
    let mut nameless = Vec::new();
    let mut refunds: Vec<&KlarnaRefund> = klarna.refunds.iter().collect();
    refunds.sort_by_key(|refund| (refund.refunded_at, &refund.id));
    for refund in refunds {
        if refund.amount.is_zero() {
            continue; // Nothing went back, so there is nothing to explain.
        }
        let is_known = sorting.by_human(refund) || sorting.by_id(refund) || sorting.by_proof(refund);
        if !is_known && !sorting.by_reference(refund) {
            nameless.push(refund.clone());
        }
    }
    if !carries_references {
        nameless = sorting.by_attempt(nameless);
    }
    nameless.retain(|refund| !sorting.by_policy(refund));
    sorting.out.unattributed.extend(nameless);
    sorting.totals(klarna);
    sorting.out
}

struct Sorting<'a> {
    ledger: &'a Ledger,
    shop: &'a ShopOrder,
    policy: Option<&'a Policy>,
    cancelled: bool,
    out: Attributed,
}

impl<'a> Sorting<'a> {
    fn by_human(&mut self, refund: &KlarnaRefund) -> bool {
        let Some(attribution) = self.ledger.adopted.get(&refund.id) else { return false };
        let rest = match attribution {
            Attribution::CreditInvoice(id) => {
                let part = self.open(*id).map_or(refund.amount, |open| refund.amount.min(open));
                if part.is_positive() {
                    self.assign_to_credit(*id, &KlarnaRefund { amount: part, ..refund.clone() });
                }
                refund.amount.minus(part)
            }
            Attribution::Cancel => {
                self.out.cancel.push(refund.clone());
                Minor::ZERO
            }
            Attribution::RuledOut => Minor::ZERO,
            Attribution::Parts(parts) => {
                self.out.parted.insert(refund.id.clone());
                for part in parts {
                    let share = KlarnaRefund { amount: part.amount, ..refund.clone() };
                    match part.settles {
                        Settles::Credit(id) => self.assign_to_credit(id, &share),
                        Settles::Cancel => self.out.cancel.push(share),
                        Settles::Nothing => {}
                    }
                }
                refund.amount.minus(parts.iter().map(|part| part.amount).collect())
            }
        };
        if rest.get() > AMOUNT_TOLERANCE && !planted!("surplus_forgotten") {
            self.out.unattributed.push(KlarnaRefund { amount: rest, ..refund.clone() });
        }
        self.see_own(refund);
        true
    }

    /// What a credit invoice asks for and no refund found so far covers.
    fn open(&self, id: InvoiceId) -> Option<Minor> {
        let listed = self.shop.credit_invoices.iter().find(|credit| credit.id == id);
        let amount = match listed {
            Some(credit) => credit.amount.clone().ok(),
            None => self.ledger.credits.get(&id).and_then(|held| held.amount),
        };
        let covered = self.out.by_credit.get(&id).into_iter().flatten().map(|refund| refund.amount).collect();
        amount.map(|amount| amount.less(covered))
    }

    /// A human's word on a refund that we made, or that a lost request of ours for that very credit invoice may have made,
    /// does not make it a second one.
    fn see_own(&mut self, refund: &KlarnaRefund) {
        let whole = |intent: &&Intent| {
            let (id, _) = intent.effect.credit_invoice.as_ref()?;
            let refunds = self.out.by_credit.get(id)?;
            let is_whole = refunds.iter().any(|it| it.id == refund.id && it.amount == intent.effect.amount);
            (is_whole && refund.amount == intent.effect.amount && may_have_made(intent, refund)).then_some(())
        };
        let unseen = |intent: &&Intent| !self.out.seen.contains_key(&intent.id);
        let mut ours = refund_intents(self.ledger).filter(unseen);
        let made = ours.clone().find(|intent| intent.made.as_ref() == Some(&refund.id));
        if let Some(intent) = made.or_else(|| ours.find(|intent| whole(intent).is_some())) {
            self.out.seen.insert(intent.id, refund.id.clone());
        }
    }

    fn by_id(&mut self, refund: &KlarnaRefund) -> bool {
        let made = |intent: &&Intent| {
            let of_same = |other: &Intent| other.effect.reference == intent.effect.reference;
            intent.made.as_ref() == Some(&refund.id) && !self.is_named_for_another(refund, of_same)
        };
        refund_intents(self.ledger).find(made).is_some_and(|intent| self.assign_to_intent(intent, refund))
    }

    /// It bears the name of another request of ours, whatever answer gave its id: the name is what was asked for.
    fn is_named_for_another(&self, refund: &KlarnaRefund, is_own: impl Fn(&Intent) -> bool) -> bool {
        let named = |intent: &&Intent| refund.reference.as_ref() == Some(&intent.effect.reference);
        let mut requests = refund_intents(self.ledger).filter(named).peekable();
        requests.peek().is_some() && !requests.any(is_own)
    }

    /// What proved a credit invoice once goes on proving it, whatever is listed beside it now.
    fn by_proof(&mut self, refund: &KlarnaRefund) -> bool {
        let proves = |state: &CreditInvoice| match state {
            CreditInvoice::Refunded(Proof::Refund(id)) | CreditInvoice::Paid(Proof::Refund(id)) => *id == refund.id,
            CreditInvoice::Refunded(Proof::Reversal)
            | CreditInvoice::Paid(Proof::Reversal)
            | CreditInvoice::Pending
            | CreditInvoice::Held
            | CreditInvoice::RefundRequested(_)
            | CreditInvoice::PaidByHand
            | CreditInvoice::Cancelled => false,
        };
        let credit = self.ledger.credits.iter().find(|(id, held)| {
            let is_own = |intent: &Intent| intent.effect.credit_invoice.as_ref().is_some_and(|(own, _)| own == *id);
            proves(&held.state) && !self.is_named_for_another(refund, is_own)
        });
        let Some((id, _)) = credit else { return false };
        self.assign_to_credit(*id, refund);
        true
    }

    fn by_reference(&mut self, refund: &KlarnaRefund) -> bool {
        let Some(reference) = &refund.reference else { return false };
        let ours = refund_intents(self.ledger)
            .filter(|intent| intent.effect.reference == *reference && !self.out.seen.contains_key(&intent.id))
            .max_by_key(|intent| (intent.effect.amount == refund.amount, intent.state.is_in_flight()));
        if let Some(intent) = ours {
            return self.assign_to_intent(intent, refund);
        }
        if *reference == cancel_reference(&self.shop.number) {
            self.out.cancel.push(refund.clone());
            return true;
        }
        let Some(id) = credit_reference::credit_of(self.ledger, self.shop, reference) else { return false };
        self.assign_to_credit(id, refund);
        true
    }

    /// Refunds without a reference that appeared after requests of ours of exactly their amount were sent. Where
    /// fewer appeared than were asked for, nobody can tell whose they are: they are ours, settle nothing
    /// yet and stop nothing; repeating the requests under their keys tells.
    fn by_attempt(&mut self, nameless: Vec<KlarnaRefund>) -> Vec<KlarnaRefund> {
        let mut rest = Vec::new();
        let mut left = nameless;
        while let Some(amount) = left.first().map(|refund| refund.amount) {
            let (equal, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|refund| refund.amount == amount);
            left = others;
            let asked = self.asked_for(amount);
            let may_be = |refund: &KlarnaRefund| asked.iter().any(|intent| may_have_made(intent, refund));
            let (mut appeared, foreign): (Vec<_>, Vec<_>) = equal.into_iter().partition(may_be);
            rest.extend(foreign);
            let sure = asked.iter().filter(|intent| intent.state == State::Confirmed).count();
            let is_clear = appeared.len() >= asked.len() || appeared.len() <= sure;
            for intent in asked.iter().take(if is_clear { asked.len() } else { sure }) {
                if let Some(at) = appeared.iter().position(|refund| may_have_made(intent, refund)) {
                    let refund = appeared.remove(at);
                    self.assign_to_intent(intent, &refund);
                }
            }
            rest.extend(appeared.into_iter().filter(|_| is_clear));
        }
        rest
    }

    /// Requests of this amount that may be visible without a reference, those that surely happened first.
    fn asked_for(&self, amount: Minor) -> Vec<&'a Intent> {
        let mut asked: Vec<&Intent> = refund_intents(self.ledger)
            .filter(|intent| intent.effect.amount == amount && !self.out.seen.contains_key(&intent.id))
            .filter(|intent| matches!(intent.state, State::Sending | State::Unknown | State::Confirmed))
            .collect();
        asked.sort_by_key(|intent| intent.state != State::Confirmed);
        asked
    }

    /// The two cases in which the policy lets an amount speak.
    fn by_policy(&mut self, refund: &KlarnaRefund) -> bool {
        let Some(policy) = self.policy else { return false };
        let open: Vec<&CreditInvoiceFacts> = self.open_credits_of(|amount| amount == refund.amount);
        let near = self.open_credits_of(|amount| is_near(amount, refund.amount));
        let fits = match policy.refunds {
            // A cent is no difference, once nothing is exactly equal.
            Mode::Verify => open.first().or(near.first()).map(|credit| credit.id),
            Mode::Drive if planted!("match_by_amount") => open.first().map(|credit| credit.id),
            Mode::Drive if policy.adopt_exact => match (open.as_slice(), near.as_slice()) {
                ([only], _) | ([], [only]) => Some(only.id),
                _ => None,
            },
            Mode::Drive | Mode::Off => None,
        };
        if let Some(id) = fits {
            self.assign_to_credit(id, refund);
            return true;
        }
        if self.cancelled && policy.cancels == Mode::Verify {
            self.out.cancel.push(refund.clone());
            return true;
        }
        false
    }

    /// Credit invoices of such an amount that nothing has settled, oldest first.
    fn open_credits_of(&self, fits: impl Fn(Minor) -> bool) -> Vec<&CreditInvoiceFacts> {
        let under_way: BTreeSet<InvoiceId> = refund_intents(self.ledger)
            .filter(|intent| intent.state.is_in_flight() || intent.state == State::Confirmed)
            .filter_map(|intent| intent.effect.credit_invoice.as_ref().map(|(id, _)| *id))
            .collect();
        let open = |credit: &&CreditInvoiceFacts| {
            credit.amount.as_ref().is_ok_and(|amount| fits(*amount))
                && !self.out.by_credit.contains_key(&credit.id)
                && !under_way.contains(&credit.id)
        };
        let mut found: Vec<_> = self.shop.credit_invoices.iter().filter(open).collect();
        found.sort_by_key(|credit| (credit.created_at, credit.id));
        found
    }

    fn assign_to_intent(&mut self, intent: &Intent, refund: &KlarnaRefund) -> bool {
        self.out.seen.insert(intent.id, refund.id.clone());
        match &intent.effect.credit_invoice {
            Some((id, _)) => self.assign_to_credit(*id, refund),
            None => self.out.cancel.push(refund.clone()),
        }
        true
    }

    fn assign_to_credit(&mut self, id: InvoiceId, refund: &KlarnaRefund) {
        self.out.by_credit.entry(id).or_default().push(refund.clone());
    }

    /// Sums up, and names money that Klarna counts as refunded without listing a refund for it.
    fn totals(&mut self, klarna: &KlarnaOrder) {
        let listed: Minor = klarna.refunds.iter().map(|refund| refund.amount).collect();
        let seen = &self.out.seen;
        let unseen = |intent: &&Intent| intent.state == State::Confirmed && !seen.contains_key(&intent.id);
        let unseen = refund_intents(self.ledger).filter(unseen);
        // The answer that named a refund which is shown without its id was lost, or was taken for another request's.
        let is_unsaid = |id: Option<&RefundId>| id.is_none_or(RefundId::is_made_up);
        let mut shown = refund_intents(self.ledger).filter(|intent| seen.contains_key(&intent.id));
        let may_be_any = shown.any(|intent| is_unsaid(intent.made.as_ref()) && is_unsaid(seen.get(&intent.id)));
        let of_another = |intent: &&Intent| may_be_any || seen.values().any(|id| intent.made.as_ref() == Some(id));
        self.out.misnamed = unseen.clone().filter(of_another).map(|intent| (intent.id, intent.effect.amount)).collect();
        let never_shown = unseen.clone().filter(|intent| !self.ledger.shown.contains(&intent.id));
        self.out.never_shown = never_shown.map(|intent| intent.effect.amount).collect();
        let invisible: Minor = unseen.map(|intent| intent.effect.amount).collect();
        self.out.refunded = klarna.refunded.max(listed.plus(invisible));
        let unexplained = klarna.refunded.less(listed.plus(invisible));
        if unexplained.is_positive() {
            let id = RefundId::unlisted(unexplained.get());
            let refund = KlarnaRefund { id, amount: unexplained, reference: None, refunded_at: None };
            if !self.by_human(&refund) {
                self.out.unattributed.push(refund.clone());
            }
            self.out.unlisted = Some(refund);
        }
    }
}

fn refund_intents(ledger: &Ledger) -> impl Iterator<Item = &Intent> + Clone {
    ledger.intents.iter().filter(|intent| intent.effect.kind == Kind::Refund)
}

/// Whether this request may have made a refund that carries no reference.
fn may_have_made(intent: &Intent, refund: &KlarnaRefund) -> bool {
    let may_be_ours = match intent.state {
        State::Sending | State::Unknown => true,
        State::Confirmed => refund.id.is_made_up(),
        State::Planned | State::Rejected | State::Withdrawn | State::Abandoned => false,
    };
    may_be_ours && !intent.seen_before.contains(&refund.id.0) && is_since_attempt(intent, refund)
}

fn is_since_attempt(intent: &Intent, refund: &KlarnaRefund) -> bool {
    let (Some(sent), Some(refunded)) = (intent.first_sent_at, refund.refunded_at) else {
        return true;
    };
    sequence(refunded, sent) != Sequence::Before
}
