//! Shops to start from: an empty one, the demonstration shop, and one of any size.
//!
//! Seeds act at earlier times through the same acts a person has, so that nothing in a seeded
//! world could not have come about.

use jiff::Timestamp;

use super::World;
use super::acts::{Created, Credit, KlarnaStart, NewLine, NewOrder, units};
use super::ids::mix;
use super::time::{DAY, HOUR, MINUTE};

/// What a world begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// Nothing.
    Empty,
    /// One order of every kind worth seeing; see `docs/sandbox.md`.
    Demo,
    /// Shipped and captured orders; a share of them has one credit invoice each, made between 61
    /// minutes and twelve hours ago. Histories are left out to stay small.
    Orders {
        count: u32,
        /// Orders with a credit invoice, in thousandths.
        credit_permille: u16,
    },
}

impl World {
    /// A seeded world.
    pub fn seeded(seed: Seed, random_seed: u64, now: Timestamp) -> Self {
        let mut world = Self::new(random_seed, now);
        world.sow(seed);
        world
    }

    /// Adds a seed's orders to what is there.
    pub fn sow(&mut self, seed: Seed) {
        match seed {
            Seed::Empty => {}
            Seed::Demo => demo(self),
            Seed::Orders { count, credit_permille } => many(self, count, credit_permille),
        }
        self.forget_past();
    }

    /// Reads never lag into the time a seed made up.
    fn forget_past(&mut self) {
        for order in self.merchant.orders.values_mut() {
            order.forget_past();
        }
    }
}

fn many(world: &mut World, count: u32, credit_permille: u16) {
    let span = 20_i64.saturating_mul(DAY);
    let credit_span = u64::try_from(11_i64.saturating_mul(HOUR)).unwrap_or(1);
    let step = span.checked_div(i64::from(count).max(1)).unwrap_or(1);
    world.shop.quiet = true;
    for index in 0..count {
        let roll = mix(u64::from(index));
        let price = i64::try_from(roll.checked_rem(40_000).unwrap_or(0)).unwrap_or(0);
        let later = step.saturating_mul(i64::from(count.saturating_sub(index)));
        let order = NewOrder {
            lines: vec![NewLine::new("Sandbox article", 1, price.saturating_add(995))],
            shipping_minor: 495,
            klarna: Some(KlarnaStart::Captured),
            age_ms: later.saturating_add(DAY),
            shipped: true,
            ..NewOrder::default()
        };
        let made = world.create_order(&order);
        if let Some(order) = made.klarna.and_then(|id| world.merchant.orders.get_mut(&id)) {
            order.forget_past();
        }
        let chance = mix(roll).checked_rem(1_000).unwrap_or(0);
        if chance < u64::from(credit_permille) {
            let age = i64::try_from(mix(chance ^ roll).checked_rem(credit_span).unwrap_or(0));
            let age = age.unwrap_or(0).saturating_add(MINUTE.saturating_mul(61));
            let credit = Credit::Lines(vec![(0, 1)], false);
            // The order was invoiced when it was placed, so there is something to credit.
            let _ = world.back_dated(age, |world| world.add_credit_invoice(made.order, &credit));
        }
    }
    world.shop.quiet = false;
}

/// Lines of the demonstration shop's orders.
fn basket(which: usize) -> Vec<NewLine> {
    match which.checked_rem(3).unwrap_or(0) {
        0 => vec![NewLine::new("Linen shirt", 1, 4_995), NewLine::new("Wool socks", 2, 895)],
        1 => vec![NewLine::new("Rain jacket", 1, 12_950)],
        _ => vec![NewLine::new("Canvas shoes", 1, 6_950), NewLine::new("Cotton cap", 1, 1_995)],
    }
}

struct Shopper<'w> {
    world: &'w mut World,
    placed: usize,
}

impl Shopper<'_> {
    fn order(&mut self, days: i64, klarna: Option<KlarnaStart>, shipped: bool) -> Created {
        self.place(days, klarna, shipped, None)
    }

    fn place(&mut self, days: i64, klarna: Option<KlarnaStart>, shipped: bool, expires_in_ms: Option<i64>) -> Created {
        let lines = basket(self.placed);
        self.placed = self.placed.saturating_add(1);
        self.world.create_order(&NewOrder {
            lines,
            shipping_minor: 595,
            klarna,
            age_ms: days.saturating_mul(DAY),
            shipped,
            expires_in_ms,
            ..NewOrder::default()
        })
    }

    fn credit(&mut self, age_ms: i64, order: &Created, credit: &Credit) -> Option<u64> {
        let made = self.world.back_dated(age_ms, |world| world.add_credit_invoice(order.order, credit));
        made.ok().map(|(id, _)| id)
    }

    fn cancel(&mut self, age_ms: i64, order: &Created) {
        self.world.back_dated(age_ms, |world| world.cancel_in_shop(order.order));
    }
}

/// Thirteen orders, `ORD00001` to `ORD00013`; `docs/sandbox.md` lists them.
fn demo(world: &mut World) {
    let captured = Some(KlarnaStart::Captured);
    let authorized = Some(KlarnaStart::Authorized);
    let mut shop = Shopper { world, placed: 0 };

    // 1: paid, shipped, nothing more.
    shop.order(12, captured, true);
    // 2: everything comes back.
    let whole = shop.order(11, captured, true);
    shop.credit(5_i64.saturating_mul(HOUR), &whole, &Credit::Lines(vec![(0, 1)], true));
    // 3: two partial returns, the second of a freely chosen value.
    let parts = shop.order(10, captured, true);
    shop.credit(30_i64.saturating_mul(HOUR), &parts, &Credit::Lines(vec![(1, 1)], false));
    shop.credit(4_i64.saturating_mul(HOUR), &parts, &Credit::Amount(units(2_500)));
    // 4: cancelled before anything was captured.
    let early = shop.order(6, authorized, false);
    shop.cancel(3_i64.saturating_mul(HOUR), &early);
    // 5: cancelled after it was captured; the shop credits by itself.
    let late = shop.order(6, captured, false);
    shop.cancel(3_i64.saturating_mul(HOUR), &late);
    // 6: cancelled after a part was captured.
    let halfway = shop.order(5, Some(KlarnaStart::PartCaptured(1_995)), false);
    let sent = [(1_usize, 1_i64)];
    let partly = |world: &mut World| world.ship(halfway.order, Some(&sent));
    // The cap is on the open packing slip.
    let _ = shop.world.back_dated(4_i64.saturating_mul(DAY), partly);
    shop.cancel(2_i64.saturating_mul(HOUR), &halfway);
    // 7: shipped and captured.
    shop.order(4, captured, true);
    // 8: shipped, not captured.
    shop.order(3, authorized, true);
    // 9: refunded in the portal, and a credit invoice of another amount.
    let portal = shop.order(9, captured, true);
    if let Some(klarna) = portal.klarna {
        let refund = |world: &mut World| world.portal_refund(klarna, Some(1_500), None);
        // Far below what was captured.
        let _ = shop.world.back_dated(2_i64.saturating_mul(DAY), refund);
    }
    shop.credit(26_i64.saturating_mul(HOUR), &portal, &Credit::Lines(vec![(1, 1)], false));
    // 10: a credit invoice although nothing is captured.
    let uncaptured = shop.order(2, authorized, false);
    shop.credit(5_i64.saturating_mul(HOUR), &uncaptured, &Credit::Lines(vec![(1, 1)], false));
    // 11: the authorization ends in three days.
    shop.place(25, authorized, false, Some(3_i64.saturating_mul(DAY)));
    // 12: another payment method, with a return of its own.
    let bank = shop.order(7, None, true);
    let pay = |world: &mut World| world.set_order_payment(bank.order, true, "manual");
    shop.world.back_dated(6_i64.saturating_mul(DAY), pay);
    shop.credit(6_i64.saturating_mul(HOUR), &bank, &Credit::Lines(vec![(0, 1)], false));
    // 13: marked paid by hand, no refund behind it.
    let unpaid = shop.order(8, captured, true);
    let credit = shop.credit(20_i64.saturating_mul(HOUR), &unpaid, &Credit::Lines(vec![(1, 1)], false));
    if let Some(credit) = credit {
        let mark = |world: &mut World| world.mark_invoice(credit, "paid");
        shop.world.back_dated(19_i64.saturating_mul(HOUR), mark);
    }
}
