//! Operators who try every decision in every state: on intents of any state, orders, refunds of anybody, breaks of any
//! kind.
//!
//! What is refused changes nothing. What is taken is a human's word, and the oracle remembers it as one.

use futures_util::FutureExt as _;
use reconciled_core::breaks::BreakStep;
use reconciled_core::id::{InvoiceId, OrderId};
use reconciled_core::ledger::Attribution;
use reconciled_core::money::Minor;
use reconciled_sandbox::ShopTruth;
use reconciled_store::{Break, Dossier, Operated, Operation, Store as _};

use super::oracle::minor;
use super::sim::State;
use super::swarm::{Act, is_drawn};

impl State {
    pub fn try_something(&mut self, act: Act, shop: &ShopTruth) -> Option<String> {
        match act {
            Act::TryIntent => self.try_intent(shop),
            Act::TryRefund => self.try_refund(shop),
            Act::TryOrder => self.try_order(shop),
            _ => self.try_break(),
        }
    }

    fn known(&self, shop: &ShopTruth) -> Option<Dossier> {
        self.stores[0].dossiers(vec![OrderId(shop.id)]).now_or_never().unwrap().ok()?.pop()
    }

    /// Approves or gives up an intent, whatever its state.
    fn try_intent(&mut self, shop: &ShopTruth) -> Option<String> {
        let dossier = self.known(shop)?;
        let all: Vec<_> = dossier.ledger.intents.iter().map(|intent| intent.id).collect();
        if all.is_empty() {
            return None;
        }
        let (intent, who) = (self.rng.one(&all), self.rng.one(&["operator-1", "operator-2"]));
        let order = OrderId(shop.id);
        if self.rng.chance(500) {
            let took = self.say_as(who, || Operation::Abandon(intent));
            return (!took.is_empty()).then(|| format!("{intent} of {} given up by {who}", shop.number));
        }
        let two_person_above = self.swarm.policy.two_person_above;
        let whole = dossier.ledger.intents.iter().find(|it| it.id == intent)?.effect.amount;
        let part = Minor::new(self.rng.ms(1, whole.get().max(2))).ok();
        let amount = part.filter(|_| self.rng.chance(200));
        let took = self.say_as(who, || Operation::Approve { order, intent, amount, two_person_above });
        if amount.is_some() && !took.is_empty() {
            self.oracle.cut.insert(shop.id);
        }
        for (store, operated) in &took {
            self.oracle.agreed.entry((*store, intent)).or_default().push((who, self.now));
            self.oracle.consented |= !matches!(operated, Operated::Proposed { .. });
        }
        (!took.is_empty()).then(|| format!("{intent} of {} approved by {who}", shop.number))
    }

    /// Says of anybody's refund that it was for some credit invoice, whatever its amount, or for none.
    fn try_refund(&mut self, shop: &ShopTruth) -> Option<String> {
        let klarna = shop.klarna_order_id?;
        let shown = self.known(shop)?.klarna?.0.refunds;
        if shown.is_empty() {
            return None;
        }
        let refund = shown[self.rng.index(shown.len())].clone();
        let truth = self.world.klarna_truth(klarna)?.refunds;
        let of = truth.iter().find(|it| it.id.to_string() == refund.id.as_str())?.clone();
        let credits: Vec<_> = shop.invoices.iter().filter(|it| it.is_credit).cloned().collect();
        let credit =
            (!credits.is_empty() && self.rng.chance(700)).then(|| credits[self.rng.index(credits.len())].clone());
        let to = credit.as_ref().map_or(Attribution::RuledOut, |it| Attribution::CreditInvoice(InvoiceId(it.id)));
        self.attribute_to(shop, &of, &to).then(|| format!("{} over {} {to:?} of {}", of.id, of.amount, shop.number))
    }

    /// Says which Klarna order it is, of any order, or how much of it Klarna is to take. A wrong Klarna order nobody
    /// could ever put right.
    fn try_order(&mut self, shop: &ShopTruth) -> Option<String> {
        let klarna = shop.klarna_order_id?;
        if self.rng.chance(500) {
            return self.link(shop, klarna).then(|| format!("{} linked to {klarna}", shop.number));
        }
        let amount = Minor::new(self.rng.ms(0, minor(shop.total))).ok()?;
        self.accept(shop, amount).then(|| format!("{} over {}", shop.number, amount.get()))
    }

    /// Takes any step on any break.
    fn try_break(&mut self) -> Option<String> {
        let breaks: Vec<Break> = self.stores[0].breaks(true).now_or_never().unwrap().ok()?;
        if breaks.is_empty() {
            return None;
        }
        let it = breaks[self.rng.index(breaks.len())].clone();
        let step = self.rng.below(5);
        if step == 1 && !is_drawn("resolve") {
            return None;
        }
        let operation = || match step {
            0 => Operation::Break(it.id, BreakStep::Acknowledge),
            1 => Operation::Break(it.id, BreakStep::Resolve),
            2 => Operation::Break(it.id, BreakStep::Reopen),
            3 => Operation::Break(it.id, BreakStep::Assign(Some("somebody".to_owned()))),
            _ => Operation::Remark(it.id),
        };
        let took = self.say_as("operator", operation);
        if step == 1 && !took.is_empty() {
            self.log.count("resolve");
        }
        (!took.is_empty()).then(|| format!("{:?} on {}", operation(), it.kind.name()))
    }
}
