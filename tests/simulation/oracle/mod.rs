//! What must always be true, judged by the world's ground truth, by what was sent, and by the store; never by what the
//! program says about itself.
//!
//! `sends` judges a request as it leaves, `effects` what it did, `books` the store, `rest` what is left when
//! everything has come to rest, `people` what those would say whose money it is. Each invariant of the design has its name here and in the message of a breach.

pub mod books;
pub mod effects;
pub mod people;
pub mod rest;
pub mod sends;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use reconciled_core::id::{IntentId, KlarnaOrderId, OrderId};
use reconciled_core::intent::{Intent, Kind};
use reconciled_core::order::Order;
use reconciled_sandbox::{KlarnaIdLocation, KlarnaStart, KlarnaTruth, ShopTruth, Side, World};
use reconciled_store::Store as _;
use reconciled_store::sqlite::SqliteStore;
use uuid::Uuid;

use super::sim::{Answer, State};
use super::swarm::Swarm;
use super::time::DAY;

/// A breach: which invariant, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub invariant: &'static str,
    pub what: String,
}

/// What a read of a Klarna order showed to whom.
#[derive(Clone, Copy, Debug)]
pub struct Saw {
    pub began: i64,
    /// A refund that nobody here asked for and that names no document.
    pub unexplained: bool,
}

/// The oracle's memory of what really happened.
pub struct Oracle {
    pub breach: Option<Breach>,
    /// Every amount that a credit invoice ever showed, in minor units, by number.
    pub amounts: BTreeMap<String, BTreeSet<i64>>,
    /// Which papers ever had a number.
    pub papers: BTreeMap<String, BTreeSet<u64>>,
    /// When the merchant last changed a credit invoice, by number.
    pub edited: BTreeMap<String, i64>,
    pub cancelled: BTreeSet<u64>,
    pub marked_by_hand: BTreeSet<u64>,
    /// Credit invoices that became paid by a request of ours.
    pub marked_by_us: BTreeSet<u64>,
    /// When somebody last changed what was said about a refund of a shop order.
    pub reworded: BTreeMap<u64, i64>,
    /// What an operator said last about a refund.
    pub words: BTreeMap<Uuid, Word>,
    /// References under which we asked for a refund, or were about to.
    pub asked: BTreeSet<String>,
    /// An operator let something pass that a ceiling held.
    pub consented: bool,
    /// Who agreed to an effect in which store, and when.
    pub agreed: BTreeMap<(usize, IntentId), Vec<(&'static str, i64)>>,
    pub disputed: BTreeSet<Uuid>,
    /// Shop orders that were paid by another method in the end.
    pub otherwise: BTreeSet<u64>,
    /// Shop orders out of which somebody took the right id, and until when it stood nowhere.
    pub unnamed: BTreeMap<u64, i64>,
    /// Shop orders of which a human let less go back than a credit invoice says, or Klarna take less than they are worth.
    pub cut: BTreeSet<u64>,
    /// When a program first read a Klarna order, by store.
    pub read: BTreeMap<(usize, Uuid), i64>,
    /// Klarna orders whose ids somebody took out of the shop order, and until when they were out of it; and those whose ids
    /// stand where nobody can take them out.
    pub cleared: BTreeMap<Uuid, i64>,
    pub in_events: BTreeSet<Uuid>,
    /// Attempts that came to nothing at once.
    pub stillborn: BTreeSet<Uuid>,
    /// When somebody tried once more to pay, by the Klarna order of it, which the shop order names from then on.
    pub attempted: BTreeMap<Uuid, i64>,
    /// Shop orders that are gone, as they were.
    pub deleted: Vec<ShopTruth>,
    /// Klarna orders of which somebody took a refund back, and those whose reads lack something that happened.
    pub undone: BTreeSet<Uuid>,
    pub vanished: BTreeSet<Uuid>,
    /// Those of which it was hidden before anybody read it.
    pub never_shown: BTreeSet<Uuid>,
    /// Shop orders that name nothing but what Klarna does not know, in a text that people write.
    pub misnamed: BTreeSet<u64>,
    /// Of which Klarna order somebody said that it is the shop order's, having been told of the others.
    pub linked: BTreeMap<u64, Uuid>,
    /// When somebody first saw a shop order.
    pub placed: BTreeMap<u64, i64>,
    /// The credential opens another shop than the one whose books are kept.
    pub is_swapped: bool,
    /// Machines of whose reads in this pass one lacked something that the shop holds, without a word.
    pub bent: BTreeSet<usize>,
    /// Stores whose reads ever did, and those of which nobody has looked at everything since.
    pub was_bent: BTreeSet<usize>,
    pub lacks: BTreeSet<usize>,
    /// Until when the consumer had the goods, by the shop's word; without end where it still says so.
    pub given: BTreeMap<u64, i64>,
    /// What a shop order was worth, from time to time, and when it was last lowered, from what, in minor units.
    totals: BTreeMap<u64, Vec<i64>>,
    pub lowered: BTreeMap<u64, (i64, i64)>,
    begun: BTreeMap<(usize, String), i64>,
    arrived: BTreeMap<(usize, String), Saw>,
    pub saw: BTreeMap<(usize, String), Saw>,
    pub claims: BTreeMap<(usize, IntentId), i64>,
    pub stopped_at: BTreeMap<usize, i64>,
    /// Orders that an operator holds, by store, and since when.
    pub held_at: BTreeMap<(usize, u64), i64>,
    pub failed_reads: BTreeMap<usize, BTreeSet<String>>,
    /// When a request first left, by its key: one that is repeated is the same one.
    pub first_sent: BTreeMap<String, i64>,
    /// Refunds of ours by key: when first sent, how much, and whether it had its effect.
    pub refunds: BTreeMap<String, SentRefund>,
    /// The state of each order in each store, and the Klarna order on which it rests.
    pub states: BTreeMap<(usize, u64), (Order, Option<KlarnaOrderId>)>,
    /// Requests that write, so far.
    pub writes: u64,
    pub stale_by: i64,
    /// How far reads of Klarna lag behind.
    pub lag: i64,
}

/// What a human said a refund was for: credit invoices by id, each with its part, and what was for none. In minor units.
#[derive(Clone, Debug, Default)]
pub struct Word {
    pub parts: Vec<(u64, i64)>,
    pub for_nothing: i64,
    /// Where it was refunded.
    pub klarna: Uuid,
}

#[derive(Clone, Debug)]
pub struct SentRefund {
    pub at: i64,
    pub amount: i64,
    pub happened: bool,
}

impl Oracle {
    pub fn new(_swarm: &Swarm, world: &World) -> Self {
        Self {
            breach: None,
            amounts: BTreeMap::new(),
            papers: BTreeMap::new(),
            edited: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            marked_by_hand: BTreeSet::new(),
            marked_by_us: BTreeSet::new(),
            reworded: BTreeMap::new(),
            words: BTreeMap::new(),
            asked: BTreeSet::new(),
            consented: false,
            agreed: BTreeMap::new(),
            disputed: BTreeSet::new(),
            otherwise: BTreeSet::new(),
            unnamed: BTreeMap::new(),
            cut: BTreeSet::new(),
            read: BTreeMap::new(),
            cleared: BTreeMap::new(),
            in_events: BTreeSet::new(),
            stillborn: BTreeSet::new(),
            attempted: BTreeMap::new(),
            deleted: Vec::new(),
            undone: BTreeSet::new(),
            vanished: BTreeSet::new(),
            never_shown: BTreeSet::new(),
            misnamed: BTreeSet::new(),
            linked: BTreeMap::new(),
            first_sent: BTreeMap::new(),
            placed: BTreeMap::new(),
            is_swapped: false,
            bent: BTreeSet::new(),
            was_bent: BTreeSet::new(),
            lacks: BTreeSet::new(),
            given: BTreeMap::new(),
            totals: BTreeMap::new(),
            lowered: BTreeMap::new(),
            begun: BTreeMap::new(),
            arrived: BTreeMap::new(),
            saw: BTreeMap::new(),
            claims: BTreeMap::new(),
            stopped_at: BTreeMap::new(),
            held_at: BTreeMap::new(),
            failed_reads: BTreeMap::new(),
            refunds: BTreeMap::new(),
            states: BTreeMap::new(),
            writes: 0,
            stale_by: 0,
            lag: world.switches().klarna_read_lag_ms,
        }
    }

    pub fn fail(&mut self, invariant: &'static str, what: impl Into<String>) {
        if self.breach.is_none() {
            self.breach = Some(Breach { invariant, what: what.into() });
        }
    }

    /// The most that a shop order was ever worth, in minor units.
    pub fn worth(&self, order: u64) -> i64 {
        self.totals.get(&order).and_then(|all| all.iter().max()).copied().unwrap_or(0)
    }

    /// It was worth something else before.
    pub fn was_edited(&self, order: u64) -> bool {
        self.totals.get(&order).is_some_and(|all| all.len() > 1)
    }

    /// The least that it was ever worth.
    pub fn least_worth(&self, shop: &ShopTruth) -> i64 {
        let before = self.totals.get(&shop.id).and_then(|all| all.iter().min()).copied();
        before.unwrap_or(i64::MAX).min(minor(shop.total))
    }

    /// What humans say was refunded for a credit invoice.
    pub fn adopted(&self, paper: u64) -> i64 {
        let parts = self.words.values().flat_map(|word| &word.parts);
        parts.filter(|(of, _)| *of == paper).map(|(_, amount)| amount).sum()
    }

    /// What humans say was refunded for nothing.
    pub fn ruled_out(&self, klarna: Uuid) -> i64 {
        self.words.values().filter(|word| word.klarna == klarna).map(|word| word.for_nothing).sum()
    }

    /// Somebody tried to pay once more, and the shop's order names it in this place.
    pub fn tried(&mut self, id: Uuid, start: KlarnaStart, place: KlarnaIdLocation, now: i64) {
        self.attempted.insert(id, now);
        if matches!(start, KlarnaStart::Cancelled | KlarnaStart::Expired) {
            self.stillborn.insert(id);
        }
        if place == KlarnaIdLocation::Event {
            self.in_events.insert(id);
        }
    }

    /// Somebody took out of the shop's order all ids that can be taken out: what stands in the events stands there for ever.
    pub fn names_were_cleared(&mut self, shop: &ShopTruth, place: KlarnaIdLocation) {
        self.unnamed.insert(shop.id, i64::MAX);
        for id in &shop.attempts {
            let is_first = !self.attempted.contains_key(id);
            if !(self.in_events.contains(id) || is_first && place == KlarnaIdLocation::Event) {
                self.cleared.insert(*id, i64::MAX);
            }
        }
    }

    /// What the shop's papers say now is remembered for ever.
    pub fn learn(&mut self, world: &World, now: i64) {
        for shop in world.all_shop_truth() {
            self.placed.entry(shop.id).or_insert(now);
            if shop.status == "cancelled" {
                self.cancelled.insert(shop.id);
            }
            if is_given(&shop) {
                self.given.insert(shop.id, i64::MAX);
            } else if let Some(until) = self.given.get_mut(&shop.id) {
                *until = now.min(*until);
            }
            let total = minor(shop.total);
            let totals = self.totals.entry(shop.id).or_default();
            let before = totals.last().copied().unwrap_or(total);
            if before != total || totals.is_empty() {
                totals.push(total);
            }
            if before > total {
                let earlier = self.lowered.get(&shop.id).filter(|(at, _)| now - at < effects::LISTED);
                let before = earlier.map_or(before, |(_, earlier)| before.max(*earlier));
                self.lowered.insert(shop.id, (now, before));
            }
            for invoice in shop.invoices.iter().filter(|invoice| invoice.is_credit) {
                self.amounts.entry(invoice.number.clone()).or_default().insert(minor(invoice.total));
                self.papers.entry(invoice.number.clone()).or_default().insert(invoice.id);
            }
        }
    }

    pub fn read_begins(&mut self, daemon: usize, path: &str, now: i64) {
        self.begun.insert((daemon, path.to_owned()), now);
    }

    /// The service answered a read of a Klarna order with what is true now, less the lag.
    pub fn saw_klarna(&mut self, daemon: usize, path: &str, at: Timestamp, world: &mut World) {
        let Some(id) = order_in(path) else { return };
        let until = at.as_millisecond() - self.lag - self.stale_by;
        let Some(truth) = world.klarna_truth(id) else { return };
        let shop = shop_of(world, id);
        let unexplained = truth.refunds.iter().any(|refund| {
            let named = refund.reference.as_deref().is_some_and(|name| {
                // Of an order that is gone, what it said is remembered.
                shop.as_ref().map_or(self.papers.contains_key(name), |shop| {
                    name == format!("{}:cancel", shop.number) || shop.invoices.iter().any(|it| it.number == name)
                })
            });
            // Where an answer was lost, a refund over what was asked for that names nobody counts as ours.
            let like_ours = self.refunds.values().any(|asked| asked.amount == refund.amount);
            // Of nothing that went back there is nothing to explain.
            let is_foreign = refund.amount > 0 && refund.idempotency_key.is_none();
            is_foreign && !named && !like_ours && refund.at_ms <= until
        });
        let began = self.begun.get(&(daemon, path.to_owned())).copied().unwrap_or(0);
        self.arrived.insert((daemon, path.to_owned()), Saw { began, unexplained });
    }

    pub fn read_ended(&mut self, (daemon, store): (usize, usize), path: &str, now: i64, side: Side, answer: &Answer) {
        let is_read = match answer {
            Ok(response) => match response.status {
                200 => is_whole(side, &response.body),
                404 => true,
                _ => false,
            },
            Err(_) => false,
        };
        let resource = path.split('?').next().unwrap_or(path).to_owned();
        // How many rows a list has is asked only to hold it against the rows.
        let is_read = is_read || resource.ends_with("/count.json");
        let failed = self.failed_reads.entry(daemon).or_default();
        if is_read {
            failed.remove(&resource);
            if let Some(saw) = self.arrived.remove(&(daemon, path.to_owned())) {
                if let Some(id) = order_in(path) {
                    self.read.entry((store, id)).or_insert(now);
                }
                self.saw.insert((daemon, path.to_owned()), saw);
            }
        } else {
            failed.insert(resource);
        }
    }

    /// From here on the program cannot know that its request did not leave.
    pub fn claimed(&mut self, daemon: usize, intent: &Intent, now: i64) {
        self.claims.insert((daemon, intent.id), now);
        if intent.effect.kind == Kind::Refund {
            self.asked.insert(intent.effect.reference.as_str().to_owned());
        }
    }

    /// A pass begins on a machine that remembers nothing of the one before.
    pub fn pass_begins(&mut self, daemon: usize) {
        self.failed_reads.remove(&daemon);
        self.bent.remove(&daemon);
        self.saw.retain(|(who, _), _| *who != daemon);
    }
}

/// Lightspeed's way to say no under a status of success.
#[derive(serde::Deserialize)]
struct Envelope {
    error: Option<serde::de::IgnoredAny>,
}

fn is_whole(side: Side, body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    match side {
        Side::Klarna => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
        Side::Lightspeed | Side::Control => serde_json::from_str::<Envelope>(text).is_ok_and(|it| it.error.is_none()),
    }
}

/// `…/orders/<id>` or something below it.
pub fn order_in(path: &str) -> Option<Uuid> {
    let rest = path.strip_prefix("/ordermanagement/v1/orders/")?;
    Uuid::try_parse(rest.split(['/', '?']).next()?).ok()
}

/// The shop order that a Klarna order was opened for.
pub fn shop_of(world: &World, klarna: Uuid) -> Option<ShopTruth> {
    world.all_shop_truth().into_iter().find(|shop| shop.attempts.contains(&klarna))
}

/// Whole cents of an amount in ten-thousandths.
pub fn minor(units: i64) -> i64 {
    units / 100
}

/// Every shop order with all Klarna orders that were opened for it, the one that pays it first.
pub fn attempts(state: &mut State) -> Vec<(ShopTruth, Vec<KlarnaTruth>)> {
    let shops = state.world.all_shop_truth().into_iter();
    let with_truth = |shop: ShopTruth| {
        let all: Vec<_> = shop.attempts.iter().filter_map(|id| state.world.klarna_truth(*id)).collect();
        (shop, all)
    };
    shops.map(with_truth).filter(|(_, all)| !all.is_empty()).collect()
}

/// The order that pays, with the money that moved at all attempts.
pub fn together(all: &[KlarnaTruth]) -> KlarnaTruth {
    let mut whole = all[0].clone();
    for other in &all[1..] {
        whole.captured_amount += other.captured_amount;
        whole.refunded_amount += other.refunded_amount;
        whole.captures.extend(other.captures.iter().cloned());
        whole.refunds.extend(other.refunds.iter().cloned());
    }
    whole
}

/// Nobody can know of this attempt: its id was taken out of the shop's order before every program had looked and kept what
/// Klarna said of it, or nothing in that shows whose it is.
pub fn is_hidden(state: &State, shop: &ShopTruth, klarna: &KlarnaTruth, at: i64, of: Option<usize>) -> bool {
    let is_out = state.oracle.cleared.get(&klarna.order_id).is_some_and(|until| *until > at);
    let was_read = |store: usize| state.oracle.read.get(&(store, klarna.order_id)).is_some_and(|read| *read <= at);
    let mut stores = state.stores.iter().enumerate().filter(|(index, _)| of.is_none_or(|of| of == *index));
    let mut was_kept = || stores.all(|(index, store)| was_read(index) && keeps_it(store, shop, klarna));
    let mut was_seen = || was_kept() && shows_whose(state, shop, klarna);
    is_out && shop.attempts.len() > 1 && !was_seen()
}

/// The store holds what Klarna said of it for this shop order. It may have been read for another one that names it, or in a
/// look that failed.
fn keeps_it(store: &SqliteStore, shop: &ShopTruth, klarna: &KlarnaTruth) -> bool {
    let id = klarna.order_id.to_string();
    let dossier = store.dossiers(vec![OrderId(shop.id)]).now_or_never().unwrap().unwrap().pop();
    dossier.is_some_and(|held| {
        held.klarna.is_some_and(|(order, _)| order.id.as_str() == id)
            || held.asked.iter().any(|(seen, _)| seen.candidate.id.as_str() == id)
    })
}

/// Its reference is the shop order's number, or it was made within a day of the shop order and its reference is no number.
pub fn shows_whose(state: &State, shop: &ShopTruth, klarna: &KlarnaTruth) -> bool {
    let reference = klarna.merchant_reference1.as_str();
    let read = |store: &SqliteStore| store.dossiers(vec![OrderId(shop.id)]).now_or_never().unwrap().unwrap().pop();
    let placed = || state.stores.iter().find_map(|store| Some(read(store)?.shop.created_at.as_millisecond()));
    let made = state.oracle.attempted.get(&klarna.order_id);
    let is_near = || made.is_none_or(|made| placed().is_some_and(|placed| made - placed <= DAY));
    reference == shop.number || !reference.starts_with("ORD") && is_near()
}

/// Those of one shop order that somebody could know at that time: a later attempt was not made yet, and the first one
/// is named nowhere in some shops, or not any more.
/// To the program of one store, or to each.
pub fn known(state: &State, all: &[KlarnaTruth], at: i64, of: Option<usize>) -> Vec<KlarnaTruth> {
    let shop = all.first().and_then(|it| shop_of(&state.world, it.order_id));
    let made = |it: &KlarnaTruth| state.oracle.attempted.get(&it.order_id).copied();
    let nowhere = state.world.switches().lightspeed_klarna_id_location == KlarnaIdLocation::None;
    let is_shown = |it: &&KlarnaTruth| {
        let is_named_since = state.oracle.cleared.get(&it.order_id).is_some_and(|until| *until <= at);
        let is_nowhere = nowhere && made(it).is_none() && !is_named_since;
        !is_nowhere && !shop.as_ref().is_some_and(|shop| is_hidden(state, shop, it, at, of))
    };
    let is_made = |it: &&KlarnaTruth| made(it).is_none_or(|made| made <= at);
    all.iter().filter(is_shown).filter(is_made).cloned().collect()
}

/// Those that this store can know now, or all where it can know of none. One whose reference is another number is not among
/// them where there are others: Klarna itself says that it is another order's.
pub fn known_now(state: &State, shop: &ShopTruth, all: &[KlarnaTruth], store: usize) -> Vec<KlarnaTruth> {
    let known = known(state, all, state.now, Some(store));
    if let Some(told) = state.oracle.linked.get(&shop.id) {
        return all.iter().filter(|it| it.order_id == *told).cloned().collect();
    }
    let own: Vec<_> = known.iter().filter(|it| !is_anothers(shop, it)).cloned().collect();
    let best = [own, known].into_iter().find(|some| !some.is_empty());
    best.unwrap_or_else(|| all.to_vec())
}

/// Klarna itself says that it is another order's.
pub fn is_anothers(shop: &ShopTruth, klarna: &KlarnaTruth) -> bool {
    klarna.merchant_reference1 != shop.number && klarna.merchant_reference1.starts_with("ORD")
}

/// It was paid otherwise before this store had read a Klarna order of it, and its memo, which alone is looked at then,
/// does not name the one that it had.
pub fn is_unheard(state: &State, store: &SqliteStore, shop: &ShopTruth) -> bool {
    let in_memo = state.world.switches().lightspeed_klarna_id_location == KlarnaIdLocation::Memo;
    let is_named = in_memo && !state.oracle.unnamed.contains_key(&shop.id);
    let read = || store.dossiers(vec![OrderId(shop.id)]).now_or_never().unwrap().unwrap().pop();
    state.oracle.otherwise.contains(&shop.id) && !is_named && read().is_none_or(|held| held.klarna.is_none())
}

/// What happened at this Klarna order is hidden, and reads carry no ids: what somebody refunds beside it may be taken for it.
pub fn may_be_taken_for_it(state: &State, klarna: Uuid) -> bool {
    !state.world.switches().klarna_reads_carry_refund_id && state.oracle.vanished.contains(&klarna)
}

/// Something of it was undone, and what a clock that was ahead dated is not missed before that date.
pub fn is_missed_later(state: &State, klarna: Uuid) -> bool {
    state.swarm.skew > 0 && state.oracle.undone.contains(&klarna)
}

/// Klarna still holds money for it.
pub const fn keeps(klarna: &KlarnaTruth) -> bool {
    klarna.captured_amount > klarna.refunded_amount || may_be_captured(klarna)
}

/// Klarna holds or held money for it.
pub const fn lives(klarna: &KlarnaTruth) -> bool {
    klarna.captured_amount > 0 || may_be_captured(klarna)
}

const fn may_be_captured(klarna: &KlarnaTruth) -> bool {
    // What is left of a released authorization may go on being shown.
    let is_closed = matches!(klarna.status.as_bytes(), b"EXPIRED" | b"CANCELLED" | b"CAPTURED");
    klarna.remaining_authorized_amount > 0 && !is_closed
}

/// Both sides of every order that Klarna pays. Of several attempts the one that holds money is the order's, whichever the
/// consumer paid with in the end.
pub fn pairs(state: &mut State, store: usize) -> Vec<(ShopTruth, KlarnaTruth)> {
    let all = attempts(state);
    let one = |(shop, all): (ShopTruth, Vec<KlarnaTruth>)| {
        let all = known_now(state, &shop, &all, store);
        let living = all.iter().find(|it| lives(it)).cloned();
        let klarna = living.or_else(|| all.into_iter().next())?;
        shop.klarna_order_id.is_some().then_some((shop, klarna))
    };
    all.into_iter().filter_map(one).collect()
}

/// The consumer has the goods, or some of them, or may fetch them.
pub fn is_given(shop: &ShopTruth) -> bool {
    shop.shipment_status != "not_shipped"
        || shop.status.starts_with("completed")
        || shop.status.ends_with("ready_for_download")
}
