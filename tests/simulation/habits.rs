//! What belongs together: things that people do to one order, one after the other, as real shops do them every week.
//!
//! By chance alone they would hardly ever meet on one order. Between two steps anything may happen; a step that has to
//! see something first waits for it.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use reconciled_core::adoption::{self, Part, Settles, Wish};
use reconciled_core::attribution::open_without;
use reconciled_core::breaks::{BreakStatus, BreakStep};
use reconciled_core::id::{IntentId, OrderId, RefundId};
use reconciled_core::intent::State as IntentState;
use reconciled_core::ledger::Attribution;
use reconciled_core::money::Minor;
use reconciled_sandbox::{
    Concealed, Credit, InvoiceTruth, KlarnaIdLocation, KlarnaStart, KlarnaTruth, NewAttempt, NewLine, NewOrder,
    ShopTruth, SlipEdit,
};
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Dossier, Operation, Store as _};
use uuid::Uuid;

use super::oracle::minor;
use super::sim::State;
use super::swarm::NetFault;
use super::time::{DAY, HOUR, MINUTE};

/// One thing that is done to the order; nothing where it has to wait, or is impossible.
type Step = fn(&mut State, u64) -> Option<String>;

#[derive(Debug)]
pub struct Habit {
    pub name: &'static str,
    order: fn() -> NewOrder,
    steps: &'static [Step],
    /// No human need decide anything about it.
    pub is_plain: bool,
    /// How often it is begun: one that seldom comes to its end is begun more often.
    pub weight: usize,
}

impl Habit {
    const fn begun_more(self, weight: usize) -> Self {
        Self { weight, ..self }
    }
}

/// How far a habit has come with its order.
#[derive(Clone, Copy)]
pub struct Course {
    pub habit: &'static Habit,
    pub order: Option<u64>,
    /// When the order was placed.
    placed: i64,
    done: usize,
}

impl Course {
    pub const fn of(habit: &'static Habit) -> Self {
        Self { habit, order: None, placed: 0, done: 0 }
    }

    pub const fn is_over(&self) -> bool {
        self.done >= self.habit.steps.len()
    }
}

const fn habit(name: &'static str, order: fn() -> NewOrder, steps: &'static [Step]) -> Habit {
    Habit { name, order, steps, is_plain: false, weight: 1 }
}

const fn plain(name: &'static str, order: fn() -> NewOrder, steps: &'static [Step]) -> Habit {
    Habit { name, order, steps, is_plain: true, weight: 1 }
}

pub const HABITS: &[Habit] = &[
    habit("credited_twice", captured, &[credit_10, see, credit_15]),
    habit("ignored_and_approved", captured, &[credit_10_and_lose, ignore_and_approve]).begun_more(3),
    habit("credit_of_what_never_left", authorized, &[ship_first, see, credit_second]),
    habit("credited_at_the_counter", authorized, &[at_the_counter]),
    habit("part_refunded_by_hand", captured, &[credit_10, refund_6, adopt_last]),
    habit("adopted_with_a_surplus", captured, &[credit_10, refund_25, adopt_last]),
    habit("adopted_in_parts", captured, &[credit_10, credit_15, refund_25, adopt_too_much, adopt_both]).begun_more(2),
    habit("a_cent_less_by_hand", captured, &[credit_10, refund_999, adopt_both]),
    habit("capture_forgotten", authorized, &[capture_20, see, forget_and_ship, credit_first]).begun_more(2),
    habit("paid_from_nothing", authorized, &[capture_20, see, lapse_and_forget, credit_10]),
    habit("dead_one_named", captured, &[name_a_dead_one, credit_10, see, name_the_right_one]).begun_more(4),
    habit("cancelled_then_named", paid, &[name_a_living_one, cancel, see_nothing_held, name_the_right_one])
        .begun_more(2),
    habit("paid_twice", captured, &[pay_once_more]),
    habit("left_a_stray", captured, &[see, leave_a_stray]),
    habit("neighbours_id", captured, &[name_the_neighbours, credit_10]),
    habit("resolved_and_withheld", captured, &[credit_10_and_refund_6, resolve]),
    plain("slip_grows", authorized, &[ship_one_of_second, see_captured, grow_slip, see]).begun_more(2),
    plain("gift_card", with_gift_card, &[ship_rest, see_captured, credit_10]),
    habit("gift_card_returned", with_gift_card, &[ship_rest, see_captured, credit_10, credit_all]).begun_more(2),
    plain("credit_then_ship", authorized, &[credit_10_and_ship, see_captured, credit_15]),
    plain("picked_up", authorized, &[pick_up, see_captured, credit_10]),
    plain("whole_return", captured, &[credit_all]),
    plain("cancelled", authorized, &[cancel]),
];

/// The value of both lines of an order of a habit, in minor units.
const FIRST: i64 = 3_000;
const SECOND: i64 = 1_000;
const TOTAL: i64 = FIRST + 2 * SECOND;

fn order(klarna: KlarnaStart, shipped: bool) -> NewOrder {
    let lines = vec![NewLine::new("Article", 1, FIRST), NewLine::new("Other", 2, SECOND)];
    NewOrder { lines, klarna: Some(klarna), shipped, ..NewOrder::default() }
}

fn captured() -> NewOrder {
    order(KlarnaStart::Captured, true)
}

fn paid() -> NewOrder {
    order(KlarnaStart::Captured, false)
}

fn authorized() -> NewOrder {
    order(KlarnaStart::Authorized, false)
}

fn with_gift_card() -> NewOrder {
    NewOrder { gift_card_minor: 1_500, ..authorized() }
}

impl State {
    /// The habit of this seed goes on: its order is placed, or the next thing is done to it.
    pub fn go_on_with_the_habit(&mut self) -> Option<String> {
        let course = self.course?;
        let Some(order) = course.order else {
            let mut new = (course.habit.order)();
            new.age_ms =
                if self.now == super::time::START { self.rng.one(&[10 * MINUTE, 5 * HOUR, 2 * DAY]) } else { 0 };
            let made = self.world.create_order(&new);
            self.course = Some(Course { order: Some(made.order), placed: self.now - new.age_ms, ..course });
            return Some(format!("{}: {}", course.habit.name, made.number));
        };
        let step = course.habit.steps.get(course.done)?;
        let said = step(self, order)?;
        let course = Course { done: course.done + 1, ..course };
        if course.is_over() {
            self.log.count(course.habit.name);
        }
        self.course = Some(course);
        Some(format!("{}: {said}", course.habit.name))
    }

    /// An order to which nothing happens but its habit.
    pub fn is_left_alone(&self, order: u64) -> bool {
        self.course.is_some_and(|course| course.habit.is_plain && course.order == Some(order))
    }

    pub fn held(&self, order: u64) -> Option<Dossier> {
        self.stores[0].dossiers(vec![OrderId(order)]).now_or_never().unwrap().ok()?.pop()
    }

    fn of(&self, order: u64) -> Option<ShopTruth> {
        self.world.shop_truth(order)
    }

    fn klarna_of(&mut self, order: u64) -> Option<(Uuid, KlarnaTruth)> {
        let id = self.of(order)?.klarna_order_id?;
        Some((id, self.world.klarna_truth(id)?))
    }

    fn credit_of(&mut self, order: u64, minor: i64) -> Option<String> {
        self.world.add_credit_invoice(order, &Credit::Amount(minor * 100)).ok().map(|made| made.1)
    }

    /// What a human says of the last refund that somebody made, by the rules of the command.
    fn adopt(&mut self, order: u64, wishes: impl Fn(&[adoption::Open]) -> Vec<Wish>) -> Option<(bool, Vec<Part>)> {
        let (_, truth) = self.klarna_of(order)?;
        let last = truth.refunds.iter().rfind(|it| it.idempotency_key.is_none())?.clone();
        let refund = RefundId(last.id.to_string());
        let held = self.held(order)?;
        let klarna = held.klarna.as_ref().map(|(klarna, _)| klarna)?;
        let shown = klarna.refunds.iter().find(|it| it.id == refund)?;
        let open = open_without(&refund, &held.ledger, &held.shop, klarna);
        let wishes = wishes(&open);
        let papers: Vec<_> = self.of(order)?.invoices.iter().filter(|it| it.is_credit).map(|it| it.id).collect();
        let are_shown = self.are_shown_everywhere(OrderId(order), &refund, &papers);
        if wishes.is_empty() || !are_shown || self.oracle.words.contains_key(&last.id) {
            return None;
        }
        let Ok(parts) = adoption::parts(shown.amount, &wishes, &open) else { return Some((false, Vec::new())) };
        let shop = self.of(order)?;
        if !self.attribute_to(&shop, &last, &Attribution::Parts(parts.clone())) {
            return Some((false, Vec::new()));
        }
        Some((true, parts))
    }
}

fn credit_10(state: &mut State, order: u64) -> Option<String> {
    state.credit_of(order, 1_000)
}

fn credit_15(state: &mut State, order: u64) -> Option<String> {
    state.credit_of(order, 1_500)
}

fn credit_all(state: &mut State, order: u64) -> Option<String> {
    let shop = state.of(order)?;
    let before: i64 = shop.invoices.iter().filter(|it| it.is_credit).map(|it| it.total).sum();
    state.credit_of(order, minor(shop.total - before))
}

fn credit_first(state: &mut State, order: u64) -> Option<String> {
    state.world.add_credit_invoice(order, &Credit::Lines(vec![(0, 1)], false)).ok().map(|made| made.1)
}

fn credit_second(state: &mut State, order: u64) -> Option<String> {
    state.world.add_credit_invoice(order, &Credit::Lines(vec![(1, 1)], false)).ok().map(|made| made.1)
}

/// The answer of the next request is lost, which arrives all the same, or much later.
fn credit_10_and_lose(state: &mut State, order: u64) -> Option<String> {
    let fate = state.rng.one(&[NetFault::Late, NetFault::DropAnswer, NetFault::DropRequest]);
    state.forced.push(fate);
    credit_10(state, order)
}

/// An operator gives a refund up whose outcome is open, and lets it go again at once.
fn ignore_and_approve(state: &mut State, order: u64) -> Option<String> {
    let held = state.held(order)?;
    let open = held.ledger.intents.iter().find(|it| it.state == IntentState::Unknown && it.effect.kind.is_klarna())?;
    let (intent, order) = (open.id, OrderId(order));
    let gave_up = state.say_as("operator-1", || Operation::Abandon(intent));
    if gave_up.is_empty() {
        return None;
    }
    let took = agree(state, order, intent);
    Some(format!("{intent} given up, approved again: {took}"))
}

/// Both operators let an effect go.
fn agree(state: &mut State, order: OrderId, intent: IntentId) -> bool {
    let two_person_above = state.swarm.policy.two_person_above;
    let mut took = false;
    for who in ["operator-1", "operator-2"] {
        for (store, _) in state.say_as(who, || Operation::Approve { order, intent, amount: None, two_person_above }) {
            state.oracle.agreed.entry((store, intent)).or_default().push((who, state.now));
            state.oracle.consented = true;
            took = true;
        }
    }
    took
}

/// Waits until the program has read the order as it is at Klarna.
fn see(state: &mut State, order: u64) -> Option<String> {
    let (_, truth) = state.klarna_of(order)?;
    let (read, _) = state.held(order)?.klarna?;
    let is_same = read.captured.get() == truth.captured_amount && read.refunded.get() == truth.refunded_amount;
    (is_same || read.id.as_str() != truth.order_id.to_string()).then(|| "read".to_owned())
}

fn see_captured(state: &mut State, order: u64) -> Option<String> {
    let (_, truth) = state.klarna_of(order)?;
    (truth.captured_amount > 0).then(|| format!("{} is captured", truth.captured_amount))
}

fn ship_first(state: &mut State, order: u64) -> Option<String> {
    state.world.ship(order, Some(&[(0, 1)])).ok().map(|()| "the first line ships".to_owned())
}

fn ship_one_of_second(state: &mut State, order: u64) -> Option<String> {
    state.world.ship(order, Some(&[(1, 1)])).ok().map(|()| "one of the second line ships".to_owned())
}

fn ship_rest(state: &mut State, order: u64) -> Option<String> {
    state.world.ship(order, None).ok().map(|()| "everything ships".to_owned())
}

fn pick_up(state: &mut State, order: u64) -> Option<String> {
    state.world.set_order_status(order, Some("completed_picked_up"), None, None).ok().map(|()| "picked up".to_owned())
}

fn cancel(state: &mut State, order: u64) -> Option<String> {
    let number = state.of(order)?.number;
    state.world.cancel_in_shop(order);
    Some(format!("{number} is cancelled"))
}

fn credit_10_and_ship(state: &mut State, order: u64) -> Option<String> {
    let credit = credit_10(state, order)?;
    ship_rest(state, order).map(|said| format!("{credit}, {said}"))
}

/// Credited, captured but for half of that in the portal and let go there, and handed over, all within a minute.
fn at_the_counter(state: &mut State, order: u64) -> Option<String> {
    let (id, _) = state.klarna_of(order)?;
    let credit = credit_10(state, order)?;
    state.world.portal_capture(id, Some(TOTAL - 500), None).ok()?;
    state.world.portal_release(id).ok()?;
    ship_rest(state, order).map(|said| format!("{credit}, {said}"))
}

fn refund(state: &mut State, order: u64, amount: i64) -> Option<String> {
    let (id, _) = state.klarna_of(order)?;
    state.world.portal_refund(id, Some(amount), None).ok().map(|id| format!("{amount} refunded as {id}"))
}

fn refund_6(state: &mut State, order: u64) -> Option<String> {
    refund(state, order, 600)
}

fn refund_25(state: &mut State, order: u64) -> Option<String> {
    refund(state, order, 2_500)
}

fn refund_999(state: &mut State, order: u64) -> Option<String> {
    refund(state, order, 999)
}

fn credit_10_and_refund_6(state: &mut State, order: u64) -> Option<String> {
    let refunded = refund_6(state, order)?;
    credit_10(state, order).map(|credit| format!("{refunded}, {credit}"))
}

/// As much of the last refund as fits was for the first credit invoice.
fn adopt_last(state: &mut State, order: u64) -> Option<String> {
    let last = state.klarna_of(order)?.1.refunds.iter().rfind(|it| it.idempotency_key.is_none())?.amount;
    let first = |open: &[adoption::Open]| {
        let part = |it: &adoption::Open| Some(it.amount.min(Minor::new(last).unwrap()));
        open.iter().take(1).map(|it| Wish { settles: Settles::Credit(it.id), amount: part(it) }).collect()
    };
    let (took, parts) = state.adopt(order, first)?;
    took.then(|| format!("adopted as {parts:?}"))
}

/// The last refund was for every open credit invoice, without a word about amounts.
fn adopt_both(state: &mut State, order: u64) -> Option<String> {
    let all = |open: &[adoption::Open]| {
        let open = open.iter().filter(|it| it.amount.get() > 1);
        open.map(|it| Wish { settles: Settles::Credit(it.id), amount: None }).collect()
    };
    let fits = state.of(order)?.invoices.iter().filter(|it| it.is_credit).map(|it| minor(it.total)).sum::<i64>();
    let refunded = state.klarna_of(order)?.1.refunds.last()?.amount;
    let known: BTreeMap<_, _> =
        state.held(order)?.shop.credit_invoices.iter().map(|it| (it.id.0, it.amount.clone().ok())).collect();
    let is_known = |it: &InvoiceTruth| known.get(&it.id) == Some(&Minor::new(minor(it.total)).ok());
    let is_all_there = state.of(order)?.invoices.iter().filter(|it| it.is_credit).all(is_known);
    let klarna = state.klarna_of(order)?;
    let is_untouched = klarna.1.refunds.len() == 1 && !state.oracle.disputed.contains(&klarna.0);
    let (took, parts) = state.adopt(order, all)?;
    if !took && is_all_there && is_untouched && (fits - refunded).abs() <= 1 {
        state.oracle.fail("adoptions_add_up", format!("{refunded} cannot be adopted for papers over {fits}"));
    }
    Some(format!("adopted as {parts:?}: {took}"))
}

/// More of the last refund for the first credit invoice than it asks for: that is refused.
fn adopt_too_much(state: &mut State, order: u64) -> Option<String> {
    let first = |open: &[adoption::Open]| {
        let amount = |it: &adoption::Open| Some(it.amount.plus(Minor::new(500).unwrap()));
        open.iter().take(1).map(|it| Wish { settles: Settles::Credit(it.id), amount: amount(it) }).collect()
    };
    let (took, parts) = state.adopt(order, first)?;
    if took {
        state.oracle.fail("adoptions_add_up", format!("{parts:?} are more than the credit invoice asks for"));
    }
    Some("more than it asks for is refused".to_owned())
}

/// Somebody captures a part in the portal.
fn capture_20(state: &mut State, order: u64) -> Option<String> {
    let (id, _) = state.klarna_of(order)?;
    state.world.portal_capture(id, Some(2 * SECOND), None).ok().map(|id| format!("captured as {id}"))
}

/// Reads show the last capture no more.
fn forget(state: &mut State, order: u64) -> Option<String> {
    let (id, truth) = state.klarna_of(order)?;
    let last = truth.captures.last()?.id;
    state.world.conceal(id, last, Concealed::All).ok()?;
    state.oracle.vanished.insert(id);
    let has_read = |store: &SqliteStore| {
        let held = store.dossiers(vec![OrderId(order)]).now_or_never().unwrap().ok()?.pop()?;
        held.klarna.map(|(read, _)| read.captured.get() == truth.captured_amount)
    };
    if !state.stores.iter().all(|store| has_read(store) == Some(true)) {
        state.oracle.never_shown.insert(id);
    }
    Some(format!("{last} is shown no more"))
}

/// The authorization lapses, and reads show what was captured no more.
fn lapse_and_forget(state: &mut State, order: u64) -> Option<String> {
    let (id, _) = state.klarna_of(order)?;
    state.world.expire(id).ok()?;
    forget(state, order).map(|said| format!("lapsed, {said}"))
}

/// What was captured in the portal ships.
fn forget_and_ship(state: &mut State, order: u64) -> Option<String> {
    let forgotten = forget(state, order)?;
    state.world.ship(order, Some(&[(1, 2)])).ok()?;
    Some(format!("{forgotten}, the second line ships"))
}

/// The shop names an attempt that came to nothing, instead of the one that paid.
fn name_a_dead_one(state: &mut State, order: u64) -> Option<String> {
    let dead = state.rng.one(&[KlarnaStart::Cancelled, KlarnaStart::Expired]);
    name_instead(state, order, dead)
}

/// The shop names a checkout that nobody ended, instead of the one that paid.
fn name_a_living_one(state: &mut State, order: u64) -> Option<String> {
    name_instead(state, order, KlarnaStart::Authorized)
}

fn name_instead(state: &mut State, order: u64, start: KlarnaStart) -> Option<String> {
    clear_names(state, order);
    let id = state.world.attempt(order, &NewAttempt::of(start, KlarnaIdLocation::Memo)).ok()?;
    state.world.show_id(order, &id.to_string(), KlarnaIdLocation::Memo, None);
    state.oracle.tried(id, start, KlarnaIdLocation::Memo, state.now);
    Some(format!("{id} {start:?} instead"))
}

/// Waits until no attempt of the order is open at Klarna.
fn see_nothing_held(state: &mut State, order: u64) -> Option<String> {
    let all = state.of(order)?.attempts;
    let is_open = |id: &Uuid| state.world.klarna_truth(*id).is_some_and(|it| it.remaining_authorized_amount > 0);
    let is_held = { all }.iter().any(is_open);
    (!is_held).then(|| "nothing is authorized".to_owned())
}

fn name_the_right_one(state: &mut State, order: u64) -> Option<String> {
    let (id, _) = state.klarna_of(order)?;
    state.world.show_id(order, &id.to_string(), KlarnaIdLocation::PaymentData, None);
    state.oracle.unnamed.insert(order, state.now);
    state.oracle.cleared.insert(id, state.now);
    Some(format!("{id} is named"))
}

fn clear_names(state: &mut State, order: u64) {
    state.world.set_memo(order, "");
    state.world.clear_payment_data(order);
    state.world.clear_metafields(order);
    state.names_were_cleared(order);
}

/// The consumer pays once more, and the shop names both.
fn pay_once_more(state: &mut State, order: u64) -> Option<String> {
    again(state, order, KlarnaStart::Captured)
}

/// A checkout that nobody ended holds the consumer's money back, beside the one that paid.
fn leave_a_stray(state: &mut State, order: u64) -> Option<String> {
    again(state, order, KlarnaStart::Authorized)
}

fn again(state: &mut State, order: u64, start: KlarnaStart) -> Option<String> {
    let (right, truth) = state.klarna_of(order)?;
    if truth.merchant_reference1 != state.of(order)?.number {
        return None;
    }
    let id = state.world.attempt(order, &NewAttempt::of(start, KlarnaIdLocation::Memo)).ok()?;
    for (place, it) in [(KlarnaIdLocation::Memo, id), (KlarnaIdLocation::PaymentData, right)] {
        state.world.show_id(order, &it.to_string(), place, None);
        state.oracle.cleared.insert(it, state.now);
    }
    state.oracle.tried(id, start, KlarnaIdLocation::Memo, state.now);
    Some(format!("{id} {start:?} beside it"))
}

/// The shop names the Klarna order of another shop's consumer, over the same amount and from the same minute.
fn name_the_neighbours(state: &mut State, order: u64) -> Option<String> {
    let age_ms = state.now - state.course?.placed;
    let neighbours = state.world.create_order(&NewOrder { age_ms, ..captured() });
    let id = neighbours.klarna?;
    state.world.delete_order(neighbours.order).ok()?;
    clear_names(state, order);
    state.world.show_id(order, &id.to_string(), KlarnaIdLocation::Memo, None);
    Some(format!("{id} instead"))
}

/// A human closes what withholds a refund.
fn resolve(state: &mut State, order: u64) -> Option<String> {
    let number = state.of(order)?.number;
    let breaks = state.stores[0].breaks(false).now_or_never().unwrap().ok()?;
    let about = |it: &&reconciled_store::Break| it.order.as_ref().is_some_and(|it| it.0 == number);
    let open = breaks.iter().filter(about).find(|it| it.status == BreakStatus::Open)?.id;
    let took = state.say_as("operator", || Operation::Break(open, BreakStep::Resolve));
    (!took.is_empty()).then(|| "resolved".to_owned())
}

/// A parcel's slip gets what was forgotten on it.
fn grow_slip(state: &mut State, order: u64) -> Option<String> {
    let slip = state.world.slips_of(order).first()?.0;
    let edit = SlipEdit { tracking: None, shipped: None, add: vec![(1, 1)] };
    state.world.edit_slip(slip, &edit).ok()?;
    // Whether a slip changes its order's date is not known; somebody notes it there.
    let id = state.of(order)?.klarna_order_id?;
    state.world.show_id(order, &id.to_string(), KlarnaIdLocation::Memo, None);
    Some("the slip grows".to_owned())
}
