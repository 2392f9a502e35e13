//! What must be true once nothing goes wrong any more and time has passed: everything is settled or said, and nothing
//! moves.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt as _;
use reconciled_core::breaks::BreakStatus;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::OrderId;
use reconciled_core::intent::{Intent, Kind, State as IntentState};
use reconciled_core::ledger::Attribution;
use reconciled_core::order::Order;
use reconciled_core::policy::{Mode, Policy};
use reconciled_sandbox::{InvoiceTruth, KlarnaIdLocation, KlarnaTruth, MovementTruth, ShopTruth};
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Audit, Break, Store as _};

use super::{is_anothers, is_missed_later, is_unheard, keeps, may_be_taken_for_it, minor, pairs, people};
use crate::sim::State;

/// Orders with a break that is not gone by itself, by number.
fn broken(store: &SqliteStore) -> BTreeSet<String> {
    let breaks = store.breaks(true).now_or_never().unwrap().unwrap();
    // What a human closed was told, too.
    let breaks = breaks.into_iter().filter(|it| it.status != BreakStatus::Cleared);
    breaks.filter_map(|it| it.order.map(|number| number.0)).collect()
}

/// Each order is settled as its papers oblige, or a break says why not.
pub fn converges(state: &mut State) {
    let policy = state.swarm.policy.clone();
    for index in 0..state.stores.len() {
        let store = state.stores[index].clone();
        let said = broken(&store);
        for (shop, klarna) in pairs(state, index) {
            // An order that names no Klarna order and was cancelled without a credit invoice may never have been paid:
            // nobody can tell.
            let is_nobodys = shop.status == "cancelled"
                && !shop.invoices.iter().any(|invoice| invoice.is_credit)
                && state.world.switches().lightspeed_klarna_id_location == KlarnaIdLocation::None;
            let is_nobodys = is_nobodys || people::may_be_unpaid(state, &store, &shop);
            // Nor what was hidden before anybody could read it.
            let is_nobodys = is_nobodys || state.oracle.never_shown.contains(&klarna.order_id);
            // An order that was paid otherwise is not Klarna's business, unless Klarna has the money too, and does not say
            // that it is another order's.
            let is_its = keeps(&klarna) && !is_anothers(&shop, &klarna);
            let is_nobodys = is_nobodys || state.oracle.otherwise.contains(&shop.id) && !is_its;
            let is_nobodys = is_nobodys || is_unheard(state, &store, &shop);
            if !policy.act || is_nobodys {
                continue;
            }
            is_said_again(state, &policy, &store, &shop, &klarna);
            paid_means_agreed(state, &store, &shop, &klarna);
            if said.contains(&shop.number) {
                continue;
            }
            credits(state, &policy, &shop, &klarna);
            cancels(state, &policy, &shop, &klarna);
            if !state.oracle.cut.contains(&shop.id) {
                captures(state, &policy, &shop, &klarna);
            }
            conserved(state, &policy, &shop, &klarna);
            missed(state, &store, &shop);
        }
    }
}

/// What keeps a refund back is an open break, also after a human closed one.
fn is_said_again(state: &mut State, policy: &Policy, store: &SqliteStore, shop: &ShopTruth, klarna: &KlarnaTruth) {
    let breaks = store.breaks(true).now_or_never().unwrap().unwrap();
    let mut about = breaks.iter().filter(|it| it.order.as_ref().is_some_and(|number| number.0 == shop.number));
    let is_open = |it: &Break| matches!(it.status, BreakStatus::Open | BreakStatus::Acknowledged);
    let closed: BTreeSet<_> =
        about.clone().filter(|it| it.status == BreakStatus::Resolved).map(|it| it.kind.name()).collect();
    // Who closes more than that knows of more than that.
    let was_closed = closed.iter().eq([&BreakKind::RefundUnattributed.name()]);
    if was_closed && !about.any(is_open) {
        let left = klarna.captured_amount - klarna.refunded_amount;
        let fits = |it: &&InvoiceTruth| it.is_credit && it.total > 0 && minor(it.total) <= left;
        let papers = shop.invoices.iter().filter(fits).cloned().collect();
        credits(state, policy, &ShopTruth { invoices: papers, ..shop.clone() }, klarna);
    }
}

/// An order of which the shop asked for more than was ever authorized is not called paid: the two sides never agreed.
fn paid_means_agreed(state: &mut State, store: &SqliteStore, shop: &ShopTruth, klarna: &KlarnaTruth) {
    let held = store.dossiers(vec![OrderId(shop.id)]).now_or_never().unwrap().unwrap().pop();
    let is_paid = held.is_some_and(|held| held.ledger.order == Order::Paid);
    let credited: i64 = shop.invoices.iter().filter(|it| it.is_credit).map(|it| minor(it.total).max(0)).sum();
    let least = state.oracle.least_worth(shop) - credited - minor(shop.gift_card);
    let is_one = shop.attempts.len() == 1 && !state.oracle.cut.contains(&shop.id);
    if is_paid && is_one && least > klarna.original_order_amount.max(klarna.order_amount) + 1 {
        let what = format!("{} is called paid over {least} at least: {klarna:?}", shop.number);
        state.oracle.fail("paid_means_agreed", what);
    }
}

/// Every credit invoice is paid.
fn credits(state: &mut State, policy: &Policy, shop: &ShopTruth, klarna: &KlarnaTruth) {
    let nobody_looks = policy.cancels == Mode::Off && klarna.captured_amount == 0;
    if policy.refunds == Mode::Off || policy.mark_paid == Mode::Off || nobody_looks {
        return;
    }
    for credit in shop.invoices.iter().filter(|it| it.is_credit && it.total > 0) {
        // It lowers what will be captured of the rest, to nothing at most, and nothing is owed before that.
        let lowers = minor(credit.total.min(shop.total));
        let waits = klarna.remaining_authorized_amount > 0
            && klarna.captured_amount > 0
            && klarna.captured_amount + lowers <= minor(shop.total) + 1;
        if credit.status != "paid" && !waits {
            let what = format!("{} is {} and no break says why: {klarna:?}", credit.number, credit.status);
            state.oracle.fail("everything_converges", what);
        }
    }
}

/// A cancelled order gives everything back and holds nothing authorized.
fn cancels(state: &mut State, policy: &Policy, shop: &ShopTruth, klarna: &KlarnaTruth) {
    if shop.status != "cancelled" || policy.cancels == Mode::Off {
        return;
    }
    let open = matches!(klarna.status, "AUTHORIZED" | "PART_CAPTURED") && klarna.remaining_authorized_amount > 0;
    let kept = klarna.captured_amount > klarna.refunded_amount && policy.refunds != Mode::Off;
    if open || kept {
        state.oracle.fail("everything_converges", format!("cancelled {} keeps money: {klarna:?}", shop.number));
    }
}

/// What was shipped whole is captured.
fn captures(state: &mut State, policy: &Policy, shop: &ShopTruth, klarna: &KlarnaTruth) {
    if shop.status == "cancelled" || policy.captures == Mode::Off || shop.shipment_status != "shipped" {
        return;
    }
    let credits: i64 = shop.invoices.iter().filter(|it| it.is_credit).map(|it| minor(it.total)).sum();
    // What a gift card paid is not Klarna's to capture.
    if klarna.captured_amount + credits < minor(shop.total - shop.gift_card) - 1 {
        state.oracle.fail("everything_converges", format!("shipped {} is not captured: {klarna:?}", shop.number));
    }
}

/// What Klarna confirmed and its newest read does not show was told, and a human may have closed that since.
fn missed(state: &mut State, store: &SqliteStore, shop: &ShopTruth) {
    let order = OrderId(shop.id);
    let Some(held) = store.dossiers(vec![order]).now_or_never().unwrap().unwrap().pop() else { return };
    let Some((read, read_at)) = &held.klarna else { return };
    // What a clock ahead dated stays the newest until that date.
    if state.swarm.skew > 0 {
        return;
    }
    let breaks = store.breaks(true).now_or_never().unwrap().unwrap();
    let number = &held.shop.number;
    if breaks.iter().any(|it| it.kind == BreakKind::EffectVanished && it.order.as_ref() == Some(number)) {
        return;
    }
    let is_gone = |intent: &&Intent| {
        let Some(made) = intent.made.as_ref().filter(|made| !made.is_made_up()) else { return false };
        let is_shown = match intent.effect.kind {
            // Taken back, and made again by a person under the same name: that one stands for it.
            Kind::Refund => read.refunds.iter().any(|it| {
                let is_same =
                    (it.amount, it.reference.as_ref()) == (intent.effect.amount, Some(&intent.effect.reference));
                it.id == *made || it.id.is_made_up() || is_same
            }),
            Kind::Capture => read.captures.iter().any(|it| it.id.0 == made.as_str() || it.id.is_made_up()),
            Kind::MarkPaid | Kind::Cancel | Kind::Release | Kind::Extend => true,
        };
        let is_older = intent.ended_at.is_some_and(|ended| ended < *read_at);
        let is_here = intent.target.klarna_order_id.as_ref() == Some(&read.id);
        let is_ruled_out = held.ledger.adopted.get(made) == Some(&Attribution::RuledOut);
        intent.state == IntentState::Confirmed && is_older && is_here && !is_shown && !is_ruled_out
    };
    if let Some(gone) = held.ledger.intents.iter().find(is_gone) {
        let what =
            format!("{}: the {} {:?} is gone, and nobody says so", shop.number, gone.effect.kind.name(), gone.made);
        state.oracle.fail("everything_is_watched", what);
    }
}

/// One of ours may be hidden, and somebody made another one of its amount under its name: that one stands for it.
fn stands_for_it(state: &State, klarna: &KlarnaTruth) -> bool {
    let (ours, by_hand): (Vec<_>, Vec<_>) = klarna.refunds.iter().partition(|it| it.idempotency_key.is_some());
    let is_same = |it: &MovementTruth, other: &MovementTruth| {
        it.reference.is_some() && (it.amount, &it.reference) == (other.amount, &other.reference)
    };
    let is_made_again = by_hand.iter().any(|it| ours.iter().any(|other| is_same(it, other)));
    state.oracle.vanished.contains(&klarna.order_id) && is_made_again
}

/// What went back is what the paid papers say.
fn conserved(state: &mut State, policy: &Policy, shop: &ShopTruth, klarna: &KlarnaTruth) {
    let is_driven = [policy.refunds, policy.cancels, policy.mark_paid].iter().all(|mode| *mode != Mode::Off);
    if !is_driven || klarna.captured_amount == 0 {
        return;
    }
    // A human let less go back than the papers say; and what was hidden before a read showed it nobody can count.
    let is_alike = may_be_taken_for_it(state, klarna.order_id);
    let is_hidden = is_alike || state.oracle.never_shown.contains(&klarna.order_id);
    let is_hidden = is_hidden || is_missed_later(state, klarna.order_id) || stands_for_it(state, klarna);
    if is_hidden || state.oracle.disputed.contains(&klarna.order_id) || state.oracle.cut.contains(&shop.id) {
        return;
    }
    let paid: i64 =
        shop.invoices.iter().filter(|it| it.is_credit && it.status == "paid").map(|it| minor(it.total)).sum();
    let owed = if shop.status == "cancelled" { klarna.captured_amount } else { paid };
    let never = (minor(shop.total) - klarna.captured_amount).max(0);
    let back = klarna.refunded_amount;
    let ruled_out = state.oracle.ruled_out(klarna.order_id);
    // A cent is within what the two sides may differ by, at each credit invoice.
    let cents = i64::try_from(shop.invoices.iter().filter(|it| it.is_credit).count()).unwrap();
    if back > owed + ruled_out + cents || back + never + 1 < owed {
        let what = format!("{}: {back} went back, the paid papers say {owed}: {klarna:?}", shop.number);
        state.oracle.fail("money_is_conserved", what);
    }
}

/// What a second pass must leave as it was: requests that write, and rows of the journals.
pub fn still(state: &State) -> (u64, Vec<u64>) {
    let entries = state.stores.iter().map(|store| match store.audit().now_or_never().unwrap() {
        Ok(Audit::Intact { entries, .. }) => entries,
        Ok(Audit::Broken { .. }) | Err(_) => 0,
    });
    (state.oracle.writes, entries.collect())
}

/// No pass intended more than its ceiling.
pub fn limits_of_passes(state: &mut State) {
    if state.oracle.consented {
        return;
    }
    let limit = state.swarm.policy.refund_limit_per_pass.get();
    for store in state.stores.clone() {
        let mut passes: BTreeMap<String, i64> = BTreeMap::new();
        for shop in state.world.all_shop_truth() {
            let order = OrderId(shop.id);
            for row in store.history(order).now_or_never().unwrap().unwrap() {
                let Ok(detail) = serde_json::from_str::<serde_json::Value>(&row.detail) else { continue };
                if row.event == "planned" && detail["kind"] == "refund" {
                    *passes.entry(row.cause).or_default() += detail["amount_minor"].as_i64().unwrap_or(0);
                }
            }
        }
        if let Some(sum) = passes.into_values().find(|sum| *sum > limit) {
            state.oracle.fail("limits_hold", format!("a pass intends {sum}, {limit} is allowed"));
        }
    }
}
