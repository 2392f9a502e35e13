//! What the consumer and the merchant would ask: what was paid, what should have been, who holds the difference, and was
//! somebody told?
//!
//! It knows nothing of captures due, intents or attribution. Money is what moved at Klarna; goods are what left the house
//! and what the credit invoices take back.

use std::collections::BTreeSet;

use futures_util::FutureExt as _;
use reconciled_core::breaks::BreakStatus;
use reconciled_core::id::OrderId;
use reconciled_core::policy::{Mode, Policy};
use reconciled_sandbox::{InvoiceTruth, KlarnaIdLocation, KlarnaTruth, ShopTruth};
use reconciled_store::Store as _;
use reconciled_store::sqlite::SqliteStore;

use super::{
    attempts, is_anothers, is_missed_later, is_unheard, known_now, may_be_captured, may_be_taken_for_it, minor,
    together,
};
use crate::sim::State;

/// What one consumer paid for one order, and between which amounts that ought to lie, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Account {
    paid: i64,
    /// For what was sent and is not known to have come back.
    least: i64,
    /// For what was ordered and not credited.
    most: i64,
    /// The two sides may differ by a cent, and at each credit invoice by one more.
    cents: i64,
}

/// Who has what is not theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// The merchant holds the consumer's money.
    Merchant(i64),
    /// The consumer holds goods that nobody paid.
    Consumer(i64),
}

impl Account {
    fn of(shop: &ShopTruth, klarna: &KlarnaTruth) -> Self {
        let paid = klarna.captured_amount - klarna.refunded_amount;
        let cents = 1 + i64::try_from(credits(shop).count()).unwrap();
        if shop.status == "cancelled" {
            return Self { paid, least: 0, most: 0, cents };
        }
        // What goes back goes back from Klarna first.
        let credited: i64 = credits(shop).map(|it| it.total).sum();
        let most = (shop.total - shop.gift_card - credited).max(0);
        let kept = sent(shop) - came_back(shop) - shop.gift_card;
        Self { paid, least: minor(kept.clamp(0, most)), most: minor(most), cents }
    }

    fn holder(self) -> Option<Holder> {
        if self.paid > self.most + self.cents {
            Some(Holder::Merchant(self.paid - self.most))
        } else if self.paid + self.cents < self.least {
            Some(Holder::Consumer(self.least - self.paid))
        } else {
            None
        }
    }
}

fn credits(shop: &ShopTruth) -> impl Iterator<Item = &InvoiceTruth> {
    shop.invoices.iter().filter(|it| it.is_credit)
}

fn is_sent_in_part(shop: &ShopTruth) -> bool {
    // Slips that say which part are believed beside any other word.
    let is_handed_over = shop.status.starts_with("completed") || shop.status.ends_with("ready_for_download");
    !(is_handed_over && shop.shipment_status != "partially_shipped")
        && shop.lines.iter().any(|line| line.sent < line.quantity)
}

/// What left the house. Shipping costs count once everything did.
fn sent(shop: &ShopTruth) -> i64 {
    if !is_sent_in_part(shop) {
        return shop.total;
    }
    shop.lines.iter().map(|line| line.unit * line.sent).sum()
}

/// The most of what was sent that the credit invoices can be about: goods that never left did not come back.
fn came_back(shop: &ShopTruth) -> i64 {
    // Where an item names no line, what the others name is not said for sure.
    let says_lines = |it: &&InvoiceTruth| it.items.iter().all(|item| item.line.is_some());
    let of_line = |(index, line): (usize, &reconciled_sandbox::LineTruth)| {
        let items = credits(shop).filter(says_lines).flat_map(|it| &it.items).filter(|item| item.line == Some(index));
        line.unit * items.map(|item| item.quantity).sum::<i64>().min(line.sent)
    };
    let goods: i64 = shop.lines.iter().enumerate().map(of_line).sum();
    let listed =
        |it: &InvoiceTruth| -> i64 { if says_lines(&it) { it.items.iter().map(|item| item.total).sum() } else { 0 } };
    goods + credits(shop).map(|it| (it.total - listed(it)).max(0)).sum::<i64>()
}

/// The numbers of orders about which somebody was told: a break that is open or that a human closed names them, or a hold does.
fn told(store: &SqliteStore) -> BTreeSet<String> {
    let breaks = store.breaks(true).now_or_never().unwrap().unwrap();
    let breaks = breaks.into_iter().filter(|it| it.status != BreakStatus::Cleared);
    let holds = store.holds().now_or_never().unwrap().unwrap();
    let named = breaks.filter_map(|it| it.order).chain(holds.into_iter().map(|it| it.number));
    named.map(|number| number.0).collect()
}

/// At rest nobody holds what is another's, or each store says whose order it is about.
pub fn nobody_is_wronged_in_silence(state: &mut State) {
    let policy = state.swarm.policy.clone();
    if !policy.act {
        return;
    }
    let all = attempts(state);
    for (index, store) in state.stores.clone().into_iter().enumerate() {
        let told = told(&store);
        for (shop, all) in &all {
            let is_one_of_several = all.len() > 1;
            let all = &known_now(state, shop, all, index);
            let klarna = &together(all);
            let is_spoken_of = told.contains(&shop.number) || state.oracle.disputed.contains(&klarna.order_id);
            let is_nobodys = is_unseen(state, shop, klarna, is_one_of_several) || is_not_its(state, &store, shop, all);
            if is_spoken_of || is_nobodys || is_waited_for(state, &store, shop) || reads_as_whole(shop, klarna) {
                continue;
            }
            let account = Account::of(shop, klarna);
            let is_known = match account.holder() {
                None => !lies_open(&policy, shop, all),
                // Somebody else paid for the goods.
                Some(Holder::Consumer(_)) if state.oracle.otherwise.contains(&shop.id) => true,
                Some(holder) => {
                    is_somebody_elses(&policy, shop, klarna, holder)
                        || was_decided(state, all, holder)
                        || was_lowered(state, shop, holder)
                        || was_accepted(state, shop, holder)
                }
            };
            if !is_known {
                let what = format!("{} {account:?}: {:?} in silence: {klarna:?}", shop.number, account.holder());
                return state.oracle.fail("nobody_is_wronged_in_silence", what);
            }
        }
    }
}

/// What happened at its Klarna order was hidden before anybody could read it, or may be taken for something else; or the shop
/// names no Klarna order anywhere, and nothing shows that it was ever paid.
fn is_unseen(state: &State, shop: &ShopTruth, klarna: &KlarnaTruth, is_one_of_several: bool) -> bool {
    let nowhere = state.world.switches().lightspeed_klarna_id_location == KlarnaIdLocation::None;
    let is_unshown = is_one_of_several || shop.status == "cancelled" && credits(shop).next().is_none();
    let is_hidden = state.oracle.never_shown.contains(&klarna.order_id) || is_missed_later(state, klarna.order_id);
    nowhere && is_unshown || is_hidden || may_be_taken_for_it(state, klarna.order_id)
}

/// Nothing shows this store that these Klarna orders are the shop order's, or both books say that they are not: paid otherwise,
/// and by Klarna's own word another order's.
fn is_not_its(state: &State, store: &SqliteStore, shop: &ShopTruth, all: &[KlarnaTruth]) -> bool {
    let is_elsewhere = state.oracle.otherwise.contains(&shop.id) && all.iter().all(|it| is_anothers(shop, it));
    is_elsewhere || may_be_unpaid(state, store, shop) || is_unheard(state, store, shop)
}

/// A cancelled order that nobody credited or calls paid, and that names nothing but what Klarna does not know, in a text.
/// Where this store never read its Klarna order, it looks like a checkout that nobody ended.
pub fn may_be_unpaid(state: &State, store: &SqliteStore, shop: &ShopTruth) -> bool {
    let is_over = shop.status == "cancelled" && credits(shop).next().is_none();
    let is_paid = matches!(shop.payment_status.as_str(), "paid" | "partially_paid");
    let read = || store.dossiers(vec![OrderId(shop.id)]).now_or_never().unwrap().unwrap().pop();
    state.oracle.misnamed.contains(&shop.id)
        && is_over
        && !is_paid
        && read().is_some_and(|held| held.klarna.is_none() && held.ledger.judged_under.is_none())
}

/// Lowered by just what a gift card paid, its total is what Klarna authorized without that card: nobody can tell.
fn reads_as_whole(shop: &ShopTruth, klarna: &KlarnaTruth) -> bool {
    shop.gift_card > 0 && (minor(shop.total) - klarna.original_order_amount).abs() <= 1
}

/// A clock that was ahead dated a request: until that date is a day ago, its answer may still show.
fn is_waited_for(state: &State, store: &SqliteStore, shop: &ShopTruth) -> bool {
    let read = || store.dossiers(vec![OrderId(shop.id)]).now_or_never().unwrap().unwrap().pop();
    state.swarm.skew > 0 && read().is_some_and(|held| held.ledger.intents.iter().any(|it| it.state.is_in_flight()))
}

/// Of an order that needs no more, an authorization still holds the consumer's money back.
fn lies_open(policy: &Policy, shop: &ShopTruth, all: &[KlarnaTruth]) -> bool {
    let is_open = |it: &&KlarnaTruth| may_be_captured(it);
    let open = all.iter().filter(is_open).count();
    let is_over = shop.status == "cancelled" && policy.cancels != Mode::Off;
    let beside = open > 0 && all.len() > 1 && all.iter().any(|it| it.captured_amount > 0 && !is_open(&it));
    is_over && open > 0 || beside
}

/// The policy says that nobody is to look at this.
fn is_somebody_elses(policy: &Policy, shop: &ShopTruth, klarna: &KlarnaTruth, holder: Holder) -> bool {
    match holder {
        Holder::Merchant(_) if shop.status == "cancelled" => policy.cancels == Mode::Off || policy.refunds == Mode::Off,
        Holder::Merchant(_) => policy.refunds == Mode::Off,
        Holder::Consumer(missing) => {
            policy.captures == Mode::Off || policy.refunds == Mode::Off && missing <= klarna.refunded_amount + 1
        }
    }
}

/// Lowered in the shop after its capture: which credit invoice is about what was captured too much, papers do not tell.
fn was_lowered(state: &State, shop: &ShopTruth, holder: Holder) -> bool {
    let by = state.oracle.lowered.get(&shop.id).map_or(0, |(_, before)| before - minor(shop.total));
    matches!(holder, Holder::Consumer(missing) if missing <= by && credits(shop).count() > 1)
}

/// Somebody said what of it Klarna is to take: less than its share, or also of what a gift card paid.
fn was_accepted(state: &State, shop: &ShopTruth, holder: Holder) -> bool {
    let is_said = match holder {
        Holder::Consumer(_) => true,
        Holder::Merchant(more) => more <= minor(shop.gift_card),
    };
    is_said && state.oracle.cut.contains(&shop.id)
}

/// A refund that an operator ruled out for any credit invoice was a gift, and its amount is missing.
fn was_decided(state: &State, all: &[KlarnaTruth], holder: Holder) -> bool {
    let given: i64 = all.iter().map(|it| state.oracle.ruled_out(it.order_id)).sum();
    // A cent is within what the two sides may differ by.
    matches!(holder, Holder::Consumer(missing) if given > 0 && missing <= given + 1)
}

/// An order to which nothing happened but what happens every day needs no human.
pub fn nobody_is_asked_in_vain(state: &mut State) {
    let Some(order) = state.course.and_then(|course| course.order) else { return };
    if !state.swarm.is_at_peace {
        return;
    }
    let Some(shop) = state.world.shop_truth(order) else { return };
    for store in state.stores.clone() {
        let breaks = store.breaks(false).now_or_never().unwrap().unwrap();
        let about = |it: &&reconciled_store::Break| it.order.as_ref().is_some_and(|it| it.0 == shop.number);
        if let Some(it) = breaks.iter().find(about) {
            let what = format!("{}: {}: {}", shop.number, it.kind.name(), it.message);
            state.oracle.fail("nobody_is_asked_in_vain", what);
        }
    }
}
