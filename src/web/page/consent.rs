//! Refunds that need two operators: what one of them proposed, and what is asked of whom.
//!
//! Only shows and offers. Who may agree is decided by the store, in the transaction that takes the decision.

use super::frame::{When, money, plain, when};
use super::offers::{Case, Offer};
use super::visit::Visit;
use reconciled_core::consent::{GivingUp, may_be_given_up, needs_two};
use reconciled_core::id::{IntentId, OrderId};
use reconciled_core::intent::{Intent, Kind};
use reconciled_core::money::{Currency, Minor};
use reconciled_store::StoreError;
use reconciled_store::pages::{Pages as _, ProposalRow};

/// The most proposals that a page shows.
const MOST: u32 = 50;

pub(super) struct ProposalView {
    pub(super) order: u64,
    pub(super) order_number: String,
    pub(super) amount: String,
    pub(super) actor: String,
    pub(super) note: String,
    pub(super) at: When,
    pub(super) until: When,
    pub(super) is_readers: bool,
}

/// The proposals that hold now, of one order or of all.
pub(super) async fn standing(visit: &Visit, order: Option<OrderId>) -> Result<Vec<ProposalRow>, StoreError> {
    let mut rows = visit.store.proposals(order, visit.visitor.operator.clone(), MOST).await?;
    rows.retain(|row| (row.it.at..row.it.until()).contains(&visit.now));
    Ok(rows)
}

pub(super) fn views(rows: &[ProposalRow], currency: Option<Currency>) -> Vec<ProposalView> {
    let view = |row: &ProposalRow| ProposalView {
        order: row.order.0,
        order_number: plain(row.order_number.as_str()),
        amount: money(Some(row.it.amount), currency),
        actor: plain(&row.it.actor),
        note: plain(&row.it.note),
        at: when(row.it.at),
        until: when(row.it.until()),
        is_readers: row.is_readers,
    };
    rows.iter().map(view).collect()
}

/// The approval of one effect as it is asked of this reader: alone, first, second, or not at all.
pub(super) fn approval(case: &Case<'_>, id: IntentId, amount: Minor, what: &str, explain: &str) -> Vec<Offer> {
    let durable = case.dossier.ledger.intents.iter().find(|intent| intent.id == id);
    // A ceiling holds nothing but refunds.
    let kind = durable.map_or(Kind::Refund, |intent| intent.effect.kind);
    let above = case.two_person_above.filter(|_| needs_two(kind, amount, case.two_person_above));
    let offer = |verb: &str, button, explain: String| {
        let offer = Offer::new("approve", button, format!("{verb} {what}"), explain).of("intent", &id);
        offer.confirmed_by(amount, case.currency)
    };
    let Some(above) = above else { return vec![offer("Approve", "Approve", explain.to_owned())] };
    let Some(row) = case.proposals.iter().find(|row| row.it.intent == id && row.it.amount == amount) else {
        let two = format!(
            "{explain} It is above two_person_above ({}): you propose it, and it goes once another operator agrees, \
             within 24 hours.",
            money(Some(above), case.currency)
        );
        return vec![offer("Propose", "Propose", two)];
    };
    let until = when(row.it.until()).human;
    let mut offers = vec![if row.is_readers {
        let waits = format!("You proposed it. Another operator has to agree before {until}, or it lapses.");
        Offer::told(format!("Waits for another operator: {what}"), waits)
    } else {
        let actor = plain(&row.it.actor);
        let asked =
            format!("{explain} {actor} proposed it; your agreement is the second. It can be given until {until}.");
        offer("Agree to", "Agree", asked)
    }];
    offers.extend((!is_given_up_with(durable)).then(|| withdrawal(id, what)));
    offers
}

/// What is given up for good, and every consent with it. Of anything else only the consent is left to take back.
pub(super) fn is_given_up_with(durable: Option<&Intent>) -> bool {
    match durable {
        Some(intent) => matches!(may_be_given_up(intent, true), Ok(GivingUp::Ends)),
        None => false,
    }
}

fn withdrawal(id: IntentId, what: &str) -> Offer {
    let explain = "What was proposed counts for nothing any more. Whoever wants it proposes it anew.";
    Offer::new("abandon", "Withdraw", format!("Withdraw the proposal of {what}"), explain).of("intent", &id)
}
