//! What the seeds found, each as a short history that is written down: it failed before its cause was mended.

use reconciled_core::money::Minor;
use reconciled_sandbox::{Credit, KlarnaStart, NewOrder};

use super::run::{Outcome, Run, play};
use super::swarm::{NetFault, Swarm};
use super::time::{DAY, HOUR, SECOND};

#[track_caller]
fn holds(outcome: &Outcome) {
    assert!(outcome.breach.is_none(), "{:?}\n{}", outcome.breach, outcome.text);
}

/// An order of 50.00, shipped and captured a day ago, with a credit invoice of 20.00.
fn credited(run: &mut Run) {
    let mut state = run.sim.lock();
    let order = NewOrder { shipped: true, age_ms: DAY, ..NewOrder::of(5_000, KlarnaStart::Captured) };
    let order = state.world.create_order(&order).order;
    state.world.add_credit_invoice(order, &Credit::Amount(200_000)).unwrap();
    state.learn();
    state.pass(2 * HOUR);
}

/// A refund above a ceiling was released and held again by every pass: two rows of the journal each time, for ever.
#[test]
fn a_ceiling_holds_a_refund_once_and_not_anew_in_every_pass() {
    let mut swarm = Swarm::calm();
    swarm.policy.refund_limit_per_order = Minor::new(1_000).unwrap();
    let outcome = play(swarm, credited);
    assert!(outcome.text.contains("limit_reached"), "{}", outcome.text);
    holds(&outcome);
}

/// A pass with the clock forty days ahead and these fates for its writes; then the clock is right again.
fn ahead(run: &mut Run, fates: &[NetFault]) {
    credited(run);
    {
        let mut state = run.sim.lock();
        state.forced = fates.to_vec();
        state.machines[0].skew = 40 * DAY;
    }
    run.everybody_passes();
    run.sim.lock().machines[0].skew = 0;
}

/// A refund lost while the clock was ahead stayed unknown until the clock had caught up, and no break said so.
#[test]
fn a_refund_lost_by_a_clock_that_was_ahead_becomes_a_break() {
    let outcome = play(Swarm::calm(), |run| ahead(run, &[NetFault::DropRequest; 3]));
    assert!(outcome.text.contains("refund_unconfirmed"), "{}", outcome.text);
    holds(&outcome);
}

/// The same for marking paid, which needs no human: it is sent again.
#[test]
fn marking_paid_by_a_clock_that_was_ahead_is_sent_again() {
    let fates = [NetFault::Slow, NetFault::ServerErrorBefore, NetFault::ServerErrorBefore];
    holds(&play(Swarm::calm(), |run| ahead(run, &fates)));
}

/// A pass that was suspended for a day marked a credit invoice paid that the merchant had changed meanwhile.
#[test]
fn a_pass_that_slept_for_a_day_asks_the_shop_again() {
    let outcome = play(Swarm::calm(), |run| {
        credited(run);
        let (order, credit) = {
            let shop = run.sim.lock().world.all_shop_truth().remove(0);
            let credit = shop.invoices.iter().find(|it| it.is_credit).cloned().unwrap();
            (shop.klarna_order_id.unwrap(), credit)
        };
        run.sim.lock().world.portal_refund(order, Some(2_000), Some(&credit.number)).unwrap();
        run.pass_until("keep_policy machine 0");
        {
            let mut state = run.sim.lock();
            state.world.edit_invoice(credit.id, 250_000).unwrap();
            let now = state.now;
            state.oracle.edited.insert(credit.number, now);
            state.learn();
            state.pass(25 * HOUR);
        }
        run.go_on(0, |_| false);
    });
    assert!(outcome.text.contains("refund_amount_differs"), "{}", outcome.text);
    holds(&outcome);
}

/// An order is read in the second in which it was made, ships in that second too, and is kept so much later; the machine's
/// clock is so far ahead.
fn shipped_within_the_second_of_its_read(run: &mut Run, kept_after: i64, ahead: i64) {
    let order = {
        let mut state = run.sim.lock();
        state.machines[0].skew = ahead;
        state.pass(2 * HOUR);
        state.world.create_order(&NewOrder::of(5_000, KlarnaStart::Authorized)).order
    };
    run.pass_until(&format!("/nl/orders/{order}.json: 200"));
    {
        let mut state = run.sim.lock();
        state.world.ship(order, None).unwrap();
        state.pass(kept_after);
    }
    run.go_on(0, |_| false);
}

/// The shop dates by whole seconds. An order that was read, changed within that second, and only then kept, counted as
/// read after its change, and was never read again.
#[test]
fn what_changes_within_the_second_of_a_slow_read_is_read_again() {
    holds(&play(Swarm::calm(), |run| shipped_within_the_second_of_its_read(run, 40 * SECOND, 0)));
}

/// A clock that was a day ahead took every read for one long after the change.
#[test]
fn what_changes_within_the_second_of_a_read_by_a_clock_ahead_is_read_again() {
    holds(&play(Swarm::calm(), |run| shipped_within_the_second_of_its_read(run, 0, 25 * HOUR)));
}

/// A pass that began by a right clock and ended by one forty days ahead left its orders to be looked at in forty days:
/// what somebody refunded meanwhile went unsaid.
#[test]
fn a_clock_that_jumps_within_a_pass_hides_no_order() {
    let outcome = play(Swarm::calm(), |run| {
        let order = {
            let mut state = run.sim.lock();
            let order = NewOrder { shipped: true, age_ms: DAY, ..NewOrder::of(5_000, KlarnaStart::Captured) };
            state.world.create_order(&order).klarna.unwrap()
        };
        run.pass_until("keep_policy machine 0");
        run.sim.lock().machines[0].skew = 40 * DAY;
        run.go_on(0, |_| false);
        let mut state = run.sim.lock();
        state.machines[0].skew = 0;
        state.world.portal_refund(order, Some(1_000), None).unwrap();
    });
    assert!(outcome.text.contains("refund_unattributed"), "{}", outcome.text);
    holds(&outcome);
}
