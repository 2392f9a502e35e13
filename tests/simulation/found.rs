//! What the seeds found, each as a short history that is written down: it failed before its cause was mended.

use reconciled::core::money::Minor;
use reconciled::sandbox::{Credit, KlarnaStart, NewOrder};

use super::run::{Outcome, play};
use super::swarm::Swarm;
use super::time::DAY;

#[track_caller]
fn holds(outcome: &Outcome) {
    assert!(outcome.breach.is_none(), "{:?}\n{}", outcome.breach, outcome.text);
}

/// A refund above a ceiling was released and held again by every pass: two rows of the journal each time, for ever.
#[test]
fn a_ceiling_holds_a_refund_once_and_not_anew_in_every_pass() {
    let mut swarm = Swarm::calm();
    swarm.policy.refund_limit_per_order = Minor::new(1_000).unwrap();
    let outcome = play(swarm, |state| {
        let order = NewOrder { shipped: true, age_ms: DAY, ..NewOrder::of(5_000, KlarnaStart::Captured) };
        let order = state.world.create_order(&order).order;
        state.world.add_credit_invoice(order, &Credit::Amount(200_000)).unwrap();
    });
    assert!(outcome.text.contains("limit_reached"), "{}", outcome.text);
    holds(&outcome);
}
