//! How many calls a pass may spend: one list page per 250, one read per order on each side, and the effects.

use reconciled_sandbox::{LogEntry, Seed, Side, World};

use crate::support::{Rig, now, wait_until};

/// The program keeps below the services' pace, so a larger shop only takes longer; `E2E_ORDERS` sets another size.
fn size() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "a knob of the test alone")]
    let wanted = std::env::var("E2E_ORDERS").ok();
    wanted.and_then(|it| it.parse().ok()).unwrap_or(300)
}

fn shop() -> Rig {
    let mut world = World::seeded(Seed::Orders { count: size(), credit_permille: 100 }, 5, now());
    let limits = world.limits_mut();
    limits.lightspeed_five_minutes = 1_000_000;
    limits.lightspeed_hour = 1_000_000;
    limits.lightspeed_day = 1_000_000;
    Rig::new(world, "act = true\nrefund_limit_per_pass = \"900000.00\"\nrefund_limit_per_day = \"900000.00\"")
}

fn of<'l>(log: &'l [LogEntry], side: Side, method: &str, part: &str) -> Vec<&'l LogEntry> {
    log.iter().filter(|it| it.side == side && it.method == method && it.path.contains(part)).collect()
}

/// At most five in a hundred above what is needed.
#[track_caller]
fn within(found: usize, needed: usize, what: &str) {
    assert!(found >= needed && found * 100 <= needed * 105, "{what}: {found} for {needed}");
}

#[test]
fn a_first_pass_reads_each_thing_once_and_a_settled_shop_costs_two_lists() {
    let (rig, orders) = (shop(), usize::try_from(size()).unwrap());
    let credits = rig.pairs().iter().flat_map(|it| it.credits().cloned().collect::<Vec<_>>()).count();
    let invoices = rig.pairs().iter().map(|it| it.shop.invoices.len()).sum::<usize>();
    assert!(credits > orders / 20 && invoices > orders);

    rig.pass().ended(0);
    let log = rig.log();
    let pages = of(&log, Side::Lightspeed, "GET", "/orders.json").len();
    assert!((orders.div_ceil(250)..=orders.div_ceil(250) + 1).contains(&pages), "{pages} pages of orders");
    let pages = of(&log, Side::Lightspeed, "GET", "/invoices.json").len();
    assert!((invoices.div_ceil(250)..=invoices.div_ceil(250) + 1).contains(&pages), "{pages} pages of invoices");
    within(of(&log, Side::Lightspeed, "GET", "/orders/").len(), orders, "reads of one order");
    within(of(&log, Side::Klarna, "GET", "/orders/").len(), orders, "reads at Klarna");
    assert_eq!(of(&log, Side::Klarna, "POST", "/refunds").len(), credits);
    assert_eq!(of(&log, Side::Lightspeed, "PUT", "/invoices/").len(), credits);
    let needed = 2 * orders + 2 * credits + orders.div_ceil(250) + invoices.div_ceil(250);
    within(log.len(), needed, "all calls together");
    rig.everything_is_settled();

    // Marking paid changed what the shop says: the next pass looks once more, and so does one within five seconds,
    // since the shop dates changes by whole seconds. After that there is nothing to look at.
    rig.clear_log();
    rig.pass().ended(0);
    assert!(rig.log().len() <= 4 + 2 * credits, "{} calls", rig.log().len());
    let marked = now().as_millisecond();
    wait_until("the changes are past doubt", || now().as_millisecond() > marked + 5_000);
    rig.pass().ended(0);
    rig.clear_log();
    rig.pass().ended(0);
    let log = rig.log();
    assert!(log.iter().filter(|it| it.side == Side::Lightspeed).count() <= 3, "{log:#?}");
    assert_eq!(log.iter().filter(|it| it.side == Side::Klarna).count(), 0, "{log:#?}");
}

#[test]
fn what_consumers_wait_for_goes_out_before_the_rest_is_read() {
    let mut world = World::seeded(Seed::Orders { count: 120, credit_permille: 60 }, 5, now());
    world.limits_mut().lightspeed_five_minutes = 60;
    let rig = Rig::new(world, "act = true");
    rig.with(|world| world.limits_mut().enabled = true);
    let pass = rig.pass();
    pass.ended(3);
    let read = of(&rig.log(), Side::Lightspeed, "GET", "/orders/").len();
    assert!(read < 60, "{read} of 120 orders were read");
    let mut credits = 0;
    for pair in rig.pairs() {
        let owed: i64 = pair.credits().map(|credit| credit.total / 100).sum();
        credits += pair.credits().count();
        assert_eq!(pair.klarna.refunded_amount, owed, "{}", pair.shop.number);
    }
    assert!(credits >= 4, "{credits} credit invoices");
    rig.with(|world| world.limits_mut().enabled = false);
}

#[test]
fn a_spent_budget_ends_the_pass_cleanly_and_says_what_was_left() {
    let mut world = World::seeded(Seed::Orders { count: 60, credit_permille: 200 }, 5, now());
    world.limits_mut().lightspeed_five_minutes = 40;
    let rig = Rig::new(world, "act = true");
    rig.with(|world| world.limits_mut().enabled = true);
    let pass = rig.pass();
    pass.ended(3);
    assert_eq!(pass.json["complete"], false);
    assert!(!pass.list("not_checked").is_empty());
    rig.money_is_safe();
    let throttled = rig.log().iter().filter(|it| it.status == Some(429)).count();
    // Those that were under way when the first answer named the limit, at most.
    assert!(throttled <= 8, "{throttled} requests beyond the limit");
    rig.with(|world| world.limits_mut().enabled = false);
}
