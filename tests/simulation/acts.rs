//! What customers, the merchant, people in Klarna's portal and operators do.

use futures_util::FutureExt as _;
use reconciled_core::adoption::Settles;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{IntentId, InvoiceId, OrderId, RefundId};
use reconciled_core::intent::{Intent, State as IntentState};
use reconciled_core::ledger::Attribution;
use reconciled_sandbox::{Credit, Fraud, InvoiceTruth, KlarnaStart, MovementTruth, NewLine, NewOrder, ShopTruth};
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Operated, Operation, Store as _};
use uuid::Uuid;

use super::oracle::{Word, effects, minor};
use super::sim::State;
use super::swarm::Act;
use super::time::{DAY, HOUR, MINUTE, START};

/// How many orders a history has at most: few, so that most acts meet on the same one.
pub const ORDERS: usize = 3;

impl State {
    /// Orders and papers from before the first pass, most of them old enough to be acted on.
    pub fn what_was_before(&mut self) {
        for _ in 0..self.swarm.crowd {
            let paid = NewOrder {
                klarna: None,
                payment: Some("ideal".to_owned()),
                ..NewOrder::of(1_000, KlarnaStart::Captured)
            };
            self.world.create_order(&paid);
        }
        if self.swarm.crowd > 0 {
            self.log.count("crowd");
        }
        for _ in 0..=self.rng.below(2) {
            self.place_order();
        }
        for _ in 0..self.rng.below(4) {
            if self.course.is_some() && self.rng.chance(300) {
                self.habitually();
                continue;
            }
            let act = self.rng.one(&[Act::Credit, Act::Credit, Act::CreditLines, Act::Ship, Act::CancelInShop]);
            let now = self.now;
            let said = self.act(act);
            self.log.event(now, "before", 0, || format!("{act:?} {}", said.unwrap_or_default()));
            self.learn();
        }
        let before = self.rng.one(&[0, 2 * HOUR, 2 * HOUR, 2 * HOUR, 30 * HOUR]);
        self.pass(before);
    }

    /// Somebody does one thing of what this seed allows.
    pub fn somebody_acts(&mut self) {
        if self.course.is_some_and(|course| !course.is_over()) && self.rng.chance(600) {
            return self.habitually();
        }
        let act = self.rng.one(&self.swarm.acts);
        let now = self.now;
        let said = self.act(act);
        if said.is_some() {
            self.log.count(act.name());
        }
        self.log.event(now, "act", 0, || format!("{act:?} {}", said.unwrap_or_else(|| "- impossible".to_owned())));
        self.learn();
        effects::check(self);
    }

    /// The next thing that belongs together in this history.
    fn habitually(&mut self) {
        let (now, at) = (self.now, self.at());
        self.world.at(at);
        let said = self.go_on_with_the_habit();
        self.log.event(now, "habit", 0, || said.unwrap_or_else(|| "waits".to_owned()));
        self.learn();
        effects::check(self);
    }

    pub fn act(&mut self, act: Act) -> Option<String> {
        let at = self.at();
        self.world.at(at);
        match act {
            Act::Order => return self.place_order(),
            Act::GiftCard | Act::CentApart | Act::OtherAmount => return self.place_odd_order(act),
            Act::FollowRemedy => return self.follow_a_remedy(),
            Act::BulkEdit => return self.edit_all(),
            Act::Stop | Act::Resume => return self.operate(act),
            _ => {}
        }
        let mut shops = self.world.all_shop_truth();
        shops.retain(|shop| shop.klarna_order_id.is_some() && !self.is_left_alone(shop.id));
        if shops.is_empty() {
            return self.place_order();
        }
        let shop = self.rng.pick(&shops).clone();
        match act {
            Act::Ship | Act::ShipPart | Act::Credit | Act::CreditLines | Act::CancelInShop => {
                self.in_the_shop(act, &shop)
            }
            Act::MarkPaidByHand | Act::MarkUnpaid | Act::EditCredit => self.on_a_credit_invoice(act, &shop),
            Act::Hold | Act::Release => self.hold(act, &shop),
            Act::Adopt | Act::RuleOut => self.attribute(act, &shop, shop.klarna_order_id?),
            Act::Approve => self.approve(&shop),
            Act::TryIntent | Act::TryRefund | Act::TryOrder | Act::TryBreak => self.try_something(act, &shop),
            _ if super::swarm::ODD.contains(&act) => self.widely(act, &shop),
            _ => self.at_klarna(act, &shop, shop.klarna_order_id?),
        }
    }

    /// All orders that others pay change at once, and one of Klarna's comes in.
    fn edit_all(&mut self) -> Option<String> {
        let all = self.world.all_shop_truth();
        for shop in all.iter().filter(|shop| shop.klarna_order_id.is_none()) {
            self.world.set_memo(shop.id, "seen by the accountant");
        }
        let new = NewOrder { shipped: true, ..NewOrder::of(2_000, KlarnaStart::Captured) };
        (self.orders() < ORDERS + 2).then(|| self.world.create_order(&new).number)
    }

    /// How many orders Klarna pays, beside the one of the habit.
    pub fn orders(&self) -> usize {
        let of_habit = self.course.and_then(|course| course.order);
        let all = self.world.all_shop_truth();
        all.iter().filter(|shop| shop.klarna_order_id.is_some() && Some(shop.id) != of_habit).count()
    }

    pub fn place_order(&mut self) -> Option<String> {
        if self.orders() >= ORDERS {
            return None;
        }
        let lines = (0..=self.rng.below(3)).map(|_| {
            let unit = self.rng.one(&[1_000, 1_000, 2_500, 4_495, 333, 1]);
            NewLine::new("Article", self.rng.ms(1, 4), unit)
        });
        let lines: Vec<_> = lines.collect();
        let total: i64 = lines.iter().map(|line| line.quantity * line.unit_minor).sum();
        let start = match self.rng.below(10) {
            0..=4 => KlarnaStart::Captured,
            5 if total > 1 => KlarnaStart::PartCaptured(1 + self.rng.ms(0, total - 1)),
            6 if self.rng.chance(300) => KlarnaStart::Expired,
            7 if self.rng.chance(300) => KlarnaStart::Cancelled,
            _ => KlarnaStart::Authorized,
        };
        let shipped = matches!(start, KlarnaStart::Captured) && !self.rng.chance(200);
        let new = NewOrder {
            lines,
            shipping_minor: self.rng.one(&[0, 0, 495]),
            klarna: Some(start),
            // Once programs run, an order is as old as it is: what is dated back lies behind their cursors.
            age_ms: if self.now == START { self.rng.one(&[0, 10 * MINUTE, 5 * HOUR, 2 * DAY]) } else { 0 },
            shipped,
            ..NewOrder::default()
        };
        let made = self.world.create_order(&new);
        Some(format!("{} {:?} over {total}", made.number, new.klarna))
    }

    fn in_the_shop(&mut self, act: Act, shop: &ShopTruth) -> Option<String> {
        let number = &shop.number;
        match act {
            Act::Ship => self.world.ship(shop.id, None).ok().map(|()| number.clone()),
            Act::ShipPart => {
                let items = [(self.rng.index(2), 1)];
                self.world.ship(shop.id, Some(&items)).ok().map(|()| format!("{number} {items:?}"))
            }
            Act::CancelInShop => {
                // Most days nobody cancels.
                if !self.rng.chance(500) {
                    return None;
                }
                self.world.cancel_in_shop(shop.id);
                Some(number.clone())
            }
            Act::CreditLines => {
                let lines = vec![(self.rng.index(2), 1)];
                let shipping = self.rng.chance(200);
                let made = self.world.add_credit_invoice(shop.id, &Credit::Lines(lines, shipping)).ok()?;
                Some(format!("{} on {number}", made.1))
            }
            _ => {
                let total = minor(shop.total);
                let amount = match self.rng.below(6) {
                    0 => total,
                    1 => total / 2,
                    2 => 1_000,
                    3 => total / 3,
                    4 => 1 + self.rng.ms(0, total.max(1)),
                    _ => 500,
                };
                let made = self.world.add_credit_invoice(shop.id, &Credit::Amount(amount.max(1) * 100)).ok()?;
                Some(format!("{} over {amount} on {number}", made.1))
            }
        }
    }

    fn on_a_credit_invoice(&mut self, act: Act, shop: &ShopTruth) -> Option<String> {
        let credits: Vec<_> = shop.invoices.iter().filter(|it| it.is_credit).collect();
        if credits.is_empty() {
            return None;
        }
        let credit = credits[self.rng.index(credits.len())];
        match act {
            Act::MarkPaidByHand => {
                self.world.mark_invoice(credit.id, "paid");
                self.oracle.marked_by_hand.insert(credit.id);
            }
            Act::MarkUnpaid => self.world.mark_invoice(credit.id, "not_paid"),
            _ => {
                let total = (credit.total + self.rng.one(&[-10_000, 100, 10_000])).max(100);
                self.world.edit_invoice(credit.id, total).ok()?;
                self.oracle.edited.insert(credit.number.clone(), self.now);
            }
        }
        Some(credit.number.clone())
    }

    fn at_klarna(&mut self, act: Act, shop: &ShopTruth, id: Uuid) -> Option<String> {
        let truth = self.world.klarna_truth(id)?;
        let left = truth.captured_amount - truth.refunded_amount;
        let done = match act {
            Act::PortalRefund => {
                let credits: Vec<_> = shop.invoices.iter().filter(|it| it.is_credit).collect();
                // As often as not, what a credit invoice says: that is what people refund by hand.
                let amount = if credits.is_empty() || self.rng.chance(500) {
                    1 + self.rng.ms(0, left.max(1))
                } else {
                    minor(credits[self.rng.index(credits.len())].total)
                };
                self.world.portal_refund(id, Some(amount), None).map(drop)
            }
            Act::PortalRefundForCredit => {
                let credit = shop.invoices.iter().find(|it| it.is_credit)?;
                self.world.portal_refund(id, Some(minor(credit.total)), Some(&credit.number)).map(drop)
            }
            Act::PortalCapture => {
                let some = self.rng.chance(500).then_some(1 + truth.remaining_authorized_amount / 2);
                self.world.portal_capture(id, some, None).map(drop)
            }
            Act::PortalCancel => self.world.portal_cancel(id),
            Act::PortalRelease => self.world.portal_release(id),
            Act::PortalExtend => self.world.portal_extend(id),
            Act::Expire => self.world.expire(id),
            Act::Dispute => {
                self.oracle.disputed.insert(id);
                let amount = (left / 2).max(1);
                self.world.dispute(id, amount)
            }
            _ => {
                let fraud = self.rng.one(&[Fraud::Accepted, Fraud::Pending, Fraud::Rejected]);
                self.world.set_fraud(id, fraud)
            }
        };
        done.ok().map(|()| shop.number.clone())
    }

    /// The kill switch of one store.
    pub fn operate(&mut self, act: Act) -> Option<String> {
        let at = self.at();
        let store = self.rng.index(self.stores.len());
        let operation = if act == Act::Stop { Operation::Stop } else { Operation::Resume };
        let said = ("operator".to_owned(), "because".to_owned());
        let done = self.stores[store].operate(operation, said.0, said.1, at).now_or_never().unwrap();
        done.ok()?;
        if act == Act::Stop {
            let now = self.now;
            self.oracle.stopped_at.entry(store).or_insert(now);
        } else {
            self.oracle.stopped_at.remove(&store);
        }
        Some(format!("store {store}"))
    }

    /// The operator says the same to every store; the stores that took it.
    fn say(&mut self, operation: impl Fn() -> Operation) -> Vec<usize> {
        self.say_as("operator", operation).into_iter().map(|(store, _)| store).collect()
    }

    pub fn say_as(&mut self, who: &str, operation: impl Fn() -> Operation) -> Vec<(usize, Operated)> {
        let at = self.at();
        if !self.is_alike_everywhere(&operation()) {
            return Vec::new();
        }
        let says = |store: &SqliteStore| {
            let said = store.operate(operation(), who.to_owned(), "because".to_owned(), at);
            said.now_or_never().unwrap().ok()
        };
        self.stores.iter().enumerate().filter_map(|(index, store)| Some((index, says(store)?))).collect()
    }

    /// Of two books that are kept apart one may hold as refused what the other is about to send: nobody starts it anew
    /// then; nor does anybody say of a whole order what only one of them takes.
    fn is_alike_everywhere(&self, operation: &Operation) -> bool {
        if let Operation::Accept { order, .. } | Operation::Link { order, .. } = operation {
            let known = |store: &SqliteStore| {
                let held = store.dossiers(vec![*order]).now_or_never().unwrap().ok()?.pop()?;
                let intents: Vec<_> = held.ledger.intents.iter().map(|it| (it.id, it.state.clone())).collect();
                Some((held.ledger.order, held.shop.total, intents))
            };
            let all: Vec<_> = self.stores.iter().map(known).collect();
            return all.windows(2).all(|pair| pair[0].is_some() && pair[0] == pair[1]);
        }
        let Operation::Approve { order, intent, .. } = operation else { return true };
        let state = |store: &SqliteStore| {
            let held = store.dossiers(vec![*order]).now_or_never().unwrap().ok()?.pop()?;
            held.ledger.intents.iter().find(|it| it.id == *intent).map(|it| it.state.clone())
        };
        self.stores.iter().map(state).collect::<Vec<_>>().windows(2).all(|pair| pair[0] == pair[1])
    }

    fn hold(&mut self, act: Act, shop: &ShopTruth) -> Option<String> {
        let order = OrderId(shop.id);
        let took = self.say(|| if act == Act::Hold { Operation::Hold(order) } else { Operation::Release(order) });
        let now = self.now;
        for index in &took {
            let key = (*index, shop.id);
            if act == Act::Hold {
                self.oracle.held_at.entry(key).or_insert(now);
            } else {
                self.oracle.held_at.remove(&key);
            }
        }
        (!took.is_empty()).then(|| shop.number.clone())
    }

    /// A refund that somebody made was for a credit invoice of its amount, or for none.
    fn attribute(&mut self, act: Act, shop: &ShopTruth, id: Uuid) -> Option<String> {
        let order = OrderId(shop.id);
        let known = self.stores[0].dossiers(vec![order]).now_or_never().unwrap().ok()?.pop()?.klarna?.0;
        let truth = self.world.klarna_truth(id)?;
        let is_somebodys = |it: &&MovementTruth| it.idempotency_key.is_none() && it.reference.is_none();
        let refund = truth.refunds.iter().filter(is_somebodys).find(|it| {
            let name = it.id.to_string();
            known.refunds.iter().any(|shown| shown.id.as_str() == name) && !self.oracle.words.contains_key(&it.id)
        })?;
        let fits = |it: &&InvoiceTruth| it.is_credit && minor(it.total) == refund.amount;
        let credit = shop.invoices.iter().filter(fits).find(|it| self.oracle.adopted(it.id) == 0);
        let to = match act {
            Act::Adopt => Attribution::CreditInvoice(InvoiceId(credit?.id)),
            _ => Attribution::RuledOut,
        };
        self.attribute_to(shop, refund, &to).then(|| format!("{} {to:?}", refund.id))
    }

    /// Of two books that are kept apart both must show the refund, and the credit invoices that it is said to be for:
    /// nobody says in one what the other never hears.
    pub fn are_shown_everywhere(&self, order: OrderId, refund: &RefundId, papers: &[u64]) -> bool {
        let shows = |store: &SqliteStore| {
            let held = store.dossiers(vec![order]).now_or_never().unwrap().ok()?.pop()?;
            let listed = &held.shop.credit_invoices;
            let has_all = papers.iter().all(|paper| listed.iter().any(|it| it.id.0 == *paper));
            Some(has_all && held.klarna?.0.refunds.iter().any(|it| it.id == *refund))
        };
        self.stores.iter().all(|store| shows(store) == Some(true))
    }

    /// The operator says to every store what somebody's refund was for, where every one has heard of what it was for.
    /// Whether any took it.
    pub fn attribute_to(&mut self, shop: &ShopTruth, refund: &MovementTruth, to: &Attribution) -> bool {
        let (order, name) = (OrderId(shop.id), RefundId(refund.id.to_string()));
        let truths = shop.attempts.iter().filter_map(|id| self.world.klarna_truth(*id));
        let klarna = { truths }.find(|it| it.refunds.iter().any(|other| other.id == refund.id));
        let paper = |id: &InvoiceId| shop.invoices.iter().find(|it| it.id == id.0);
        // What it is over a credit invoice stays unexplained.
        let part = |id: &InvoiceId, most: i64| Some((id.0, most.min(minor(paper(id)?.total))));
        let mut word = Word { klarna: klarna.map(|it| it.order_id).unwrap_or_default(), ..Word::default() };
        match to {
            Attribution::CreditInvoice(id) => word.parts.extend(part(id, refund.amount)),
            Attribution::RuledOut => word.for_nothing = refund.amount,
            Attribution::Cancel => {}
            Attribution::Parts(parts) => {
                for it in parts {
                    match &it.settles {
                        Settles::Credit(id) => word.parts.extend(part(id, it.amount.get())),
                        Settles::Nothing => word.for_nothing += it.amount.get(),
                        Settles::Cancel => {}
                    }
                }
            }
        }
        let papers: Vec<_> = word.parts.iter().map(|(paper, _)| *paper).collect();
        if !self.are_shown_everywhere(order, &name, &papers) {
            return false;
        }
        let took = self.say(|| Operation::Attribute { order, refund: name.clone(), to: to.clone() });
        if took.is_empty() {
            return false;
        }
        let is_further = self.oracle.words.values().any(|before| before.klarna == word.klarna);
        if self.oracle.words.insert(refund.id, word).is_some() || is_further {
            self.oracle.reworded.insert(shop.id, self.now);
        }
        true
    }

    /// What a ceiling holds, or the want of a second operator, may go; what was refused is started anew.
    fn approve(&mut self, shop: &ShopTruth) -> Option<String> {
        let order = OrderId(shop.id);
        let intent = self.waiting_for_consent(order)?;
        let two_person_above = self.swarm.policy.two_person_above;
        let who = self.rng.one(&["operator-1", "operator-2"]);
        let took = self.say_as(who, || Operation::Approve { order, intent, amount: None, two_person_above });
        for (store, operated) in &took {
            let is_proposal = matches!(operated, Operated::Proposed { .. });
            self.log.count(if is_proposal { "propose" } else { "consent" });
            self.oracle.agreed.entry((*store, intent)).or_default().push((who, self.now));
            self.oracle.consented |= !is_proposal;
        }
        (!took.is_empty()).then(|| format!("{intent} of {} by {who}", shop.number))
    }

    /// An intent that waits or was refused, or an effect that a ceiling keeps from becoming one.
    fn waiting_for_consent(&mut self, order: OrderId) -> Option<IntentId> {
        let dossier = self.stores[0].dossiers(vec![order]).now_or_never().unwrap().ok()?.pop()?;
        let waits = |intent: &&Intent| matches!(intent.state, IntentState::Planned | IntentState::Rejected);
        let known = dossier.ledger.intents.iter().filter(waits).map(|intent| intent.id);
        let breaks = self.stores[0].breaks(false).now_or_never().unwrap().ok()?;
        let held = breaks
            .iter()
            .filter(|it| it.kind == BreakKind::LimitReached && it.order.as_ref() == Some(&dossier.shop.number));
        let all: Vec<IntentId> = known.chain(held.filter_map(|it| it.subject.parse().ok().map(IntentId))).collect();
        (!all.is_empty()).then(|| self.rng.one(&all))
    }
}
