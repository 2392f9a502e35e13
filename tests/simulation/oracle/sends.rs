//! A request that writes, judged as its first byte leaves.

use futures_util::FutureExt as _;
use reconciled_core::consent;
use reconciled_core::id::{IntentId, OrderId};
use reconciled_core::intent::{Intent, Kind, State as IntentState};
use reconciled_core::policy::Mode;
use reconciled_sandbox::{ShopTruth, Side};
use reconciled_store::{Dossier, Store as _};

use super::effects::LISTED;
use super::{SentRefund, is_given, minor, order_in, shop_of};
use crate::sim::{Flight, State};
use crate::time::{DAY, MINUTE, SECOND};

/// A write rests on a read that was started at most so long ago.
const FRESH: i64 = 30 * SECOND;

pub fn on_send(state: &mut State, daemon: usize, flight: &Flight) {
    state.oracle.writes += 1;
    if let Some(key) = flight.request.header("klarna-idempotency-key") {
        let now = state.now;
        state.oracle.first_sent.entry(key.to_owned()).or_insert(now);
    }
    if state.oracle.is_swapped {
        state.oracle.fail("the_shop_is_the_one", format!("a write to another shop: {:?}", flight.request));
    }
    let Some((shop, kind)) = target(state, flight) else {
        return state.oracle.fail("no_effect_without_intent", format!("a write to nothing: {:?}", flight.request));
    };
    let store = state.stores[state.machines[daemon].store].clone();
    let dossiers = store.dossiers(vec![OrderId(shop.id)]).now_or_never().unwrap().unwrap();
    let Some(dossier) = dossiers.into_iter().next() else {
        return state.oracle.fail("no_effect_without_intent", format!("order {} is not in the store", shop.number));
    };
    let Some(intent) = no_effect_without_intent(state, &dossier, flight, kind) else { return };
    stopped_means_stopped(state, daemon, intent.id, kind);
    holds_hold(state, daemon, &shop, intent.id);
    is_wanted(state, &shop, &dossier, kind);
    if kind.is_klarna() {
        rests_on_a_fresh_read(state, daemon, flight, &dossier, &intent);
    }
    if kind == Kind::Refund {
        refund(state, flight, &shop, &intent);
        two_operators_agreed(state, daemon, &dossier, &intent);
    }
}

/// The order a request is about, and which effect it asks for.
fn target(state: &State, flight: &Flight) -> Option<(ShopTruth, Kind)> {
    let path = flight.request.path_and_query.as_str();
    if flight.side == Side::Klarna {
        let id = order_in(path)?;
        let gone = || state.oracle.deleted.iter().find(|shop| shop.attempts.contains(&id)).cloned();
        let shop = shop_of(&state.world, id).or_else(gone)?;
        let kind = match path.rsplit('/').next()? {
            "refunds" => Kind::Refund,
            "captures" => Kind::Capture,
            "cancel" => Kind::Cancel,
            "release-remaining-authorization" => Kind::Release,
            "extend-authorization-time" => Kind::Extend,
            _ => return None,
        };
        return Some((shop, kind));
    }
    let invoice = invoice_in(path)?;
    let shops = state.world.all_shop_truth().into_iter().chain(state.oracle.deleted.clone());
    shops.into_iter().find(|shop| shop.invoices.iter().any(|it| it.id == invoice)).map(|shop| (shop, Kind::MarkPaid))
}

/// `/<language>/invoices/<id>.json`
pub fn invoice_in(path: &str) -> Option<u64> {
    path.split("/invoices/").nth(1)?.split('.').next()?.parse().ok()
}

/// The very request is durable, and so is that it may have left.
fn no_effect_without_intent(state: &mut State, dossier: &Dossier, flight: &Flight, kind: Kind) -> Option<Intent> {
    let key = flight.request.header("klarna-idempotency-key");
    let invoice = invoice_in(&flight.request.path_and_query);
    let body = String::from_utf8_lossy(&flight.request.body).into_owned();
    let is_it = |intent: &&Intent| {
        intent.effect.kind == kind
            && match kind {
                Kind::MarkPaid => intent.effect.credit_invoice.as_ref().map(|(id, _)| id.0) == invoice,
                _ => key == Some(intent.key.to_string().as_str()),
            }
    };
    // Under another link the same paper may have had an intent before, of which nothing left.
    let newest = |intent: &&Intent| (intent.state == IntentState::Sending, intent.effect.generation);
    let durable = dossier.ledger.intents.iter().filter(is_it).max_by_key(newest).cloned();
    let Some(intent) = durable else {
        let what = format!("{} {body} leaves and no intent holds it", flight.request.path_and_query);
        state.oracle.fail("no_effect_without_intent", what);
        return None;
    };
    // A second daemon on the same store may have looked meanwhile, and counts the attempt as lost.
    let alone = state.machines.len() == 1;
    let is_claimed = intent.state == IntentState::Sending || !alone && intent.attempts > 0;
    if !is_claimed || intent.payload != body || intent.first_sent_at.is_none() {
        let what = format!("{} {body} leaves while its intent is {intent:?}", flight.request.path_and_query);
        state.oracle.fail("no_effect_without_intent", what);
    }
    Some(intent)
}

fn stopped_means_stopped(state: &mut State, daemon: usize, intent: IntentId, kind: Kind) {
    let store = state.machines[daemon].store;
    let Some(stopped) = state.oracle.stopped_at.get(&store).copied() else { return };
    let claimed = state.oracle.claims.get(&(daemon, intent)).copied().unwrap_or(i64::MAX);
    let late = kind.is_klarna() && state.now > stopped + FRESH + SECOND;
    if claimed > stopped || late {
        state.oracle.fail("stopped_means_stopped", format!("intent {intent} is sent after the kill switch was set"));
    }
}

/// Nothing is claimed for an order after an operator held it.
fn holds_hold(state: &mut State, daemon: usize, shop: &ShopTruth, intent: IntentId) {
    let store = state.machines[daemon].store;
    let Some(held) = state.oracle.held_at.get(&(store, shop.id)).copied() else { return };
    if state.oracle.claims.get(&(daemon, intent)).is_none_or(|claimed| *claimed > held) {
        state.oracle.fail("holds_hold", format!("{} is held, and intent {intent} is sent", shop.number));
    }
}

/// The merchant wants this: acting at all, giving up only what was given up, capturing only what was shipped.
fn is_wanted(state: &mut State, shop: &ShopTruth, dossier: &Dossier, kind: Kind) {
    if !state.swarm.policy.act {
        state.oracle.fail("act_false_writes_nothing", format!("a {} is sent", kind.name()));
    }
    if kind == Kind::Capture && dossier.ledger.order.was_cancelled() {
        state.oracle.fail("cancelled_absorbs", format!("a capture is sent for the cancelled {}", shop.number));
    }
    // What the shop took back within the age of the lists that it rests on could not be known.
    let given = state.oracle.given.get(&shop.id).copied().unwrap_or(i64::MIN);
    if kind == Kind::Capture && !is_given(shop) && given < state.now - LISTED {
        state.oracle.fail("captures_what_was_shipped", format!("nothing of {} is shipped", shop.number));
    }
    let is_credited = shop.invoices.iter().any(|it| it.is_credit);
    let was_worth = state.oracle.worth(shop.id);
    // Lowered in the shop, or authorized for more than the shop ever asked.
    let authorized = shop.attempts.iter().filter_map(|id| state.world.klarna_truth(*id));
    let was_more = authorized.map(|it| it.original_order_amount).max().unwrap_or(0).max(was_worth);
    // A human may have said that Klarna is to take less.
    let is_cut = state.oracle.cut.contains(&shop.id);
    let is_given_up =
        state.oracle.cancelled.contains(&shop.id) || is_credited || is_cut || minor(shop.total) < was_more;
    if matches!(kind, Kind::Cancel | Kind::Release) && !is_given_up {
        state.oracle.fail("gives_up_what_was_given_up", format!("a {} is sent for {}", kind.name(), shop.number));
    }
}

/// A credit invoice younger than the policy's patience is the vendor's app's to refund.
fn patience_holds(state: &mut State, shop: &ShopTruth, intent: &Intent) {
    let Some((id, number)) = &intent.effect.credit_invoice else { return };
    // A human need not wait.
    if state.oracle.cut.contains(&shop.id) {
        return;
    }
    let Some(credit) = shop.invoices.iter().find(|it| it.id == id.0) else { return };
    let patience = i64::try_from(state.swarm.policy.refund_after.as_millis()).unwrap();
    // The shop's dates are whole seconds, by its own clock.
    let apart = state.swarm.apart.0.abs();
    if state.swarm.skew == 0 && state.now + SECOND + apart < credit.created_ms + patience {
        state.oracle.fail("patience_holds", format!("{number} is younger than the policy lets be refunded"));
    }
}

fn rests_on_a_fresh_read(state: &mut State, daemon: usize, flight: &Flight, dossier: &Dossier, intent: &Intent) {
    let path = &flight.request.path_and_query;
    let Some(id) = order_in(path) else { return };
    let read = format!("/ordermanagement/v1/orders/{id}");
    let Some(saw) = state.oracle.saw.get(&(daemon, read)).copied() else {
        return state.oracle.fail("sends_rest_on_fresh_reads", format!("{path} leaves without a read"));
    };
    if state.now - saw.began > FRESH {
        let age = (state.now - saw.began) / SECOND;
        state.oracle.fail("sends_rest_on_fresh_reads", format!("{path} leaves on a read {age} s old"));
    }
    // What reads conceal nobody sees.
    let is_seen = saw.unexplained && !state.oracle.vanished.contains(&id);
    no_intent_while_unattributed(state, is_seen, dossier, intent);
}

/// Whoever sees a refund that nothing explains sends none.
fn no_intent_while_unattributed(state: &mut State, unexplained: bool, dossier: &Dossier, intent: &Intent) {
    let policy = &state.swarm.policy;
    // Where the policy or the wire lets an amount speak, a refund may be explained by its amount.
    let amount_speaks = policy.refunds != Mode::Drive
        || policy.adopt_exact
        || policy.cancels == Mode::Verify
        || !state.world.switches().klarna_reads_carry_reference;
    // Where a program died before its request left, it cannot know that it did not.
    let is_unsure = dossier.ledger.intents.iter().any(|it| {
        let was_claimed = it.id != intent.id && it.effect.kind == Kind::Refund && it.first_sent_at.is_some();
        was_claimed && !state.oracle.refunds.contains_key(&it.key.to_string())
    });
    if intent.effect.kind == Kind::Refund
        && unexplained
        && !is_unsure
        && !amount_speaks
        && dossier.ledger.adopted.is_empty()
    {
        let what = format!("refund {} is sent although a refund of its order is unexplained", intent.effect.reference);
        state.oracle.fail("no_intent_while_unattributed", what);
    }
}

fn refund(state: &mut State, flight: &Flight, shop: &ShopTruth, intent: &Intent) {
    patience_holds(state, shop, intent);
    let (key, amount) = (intent.key.to_string(), intent.effect.amount.get());
    let now = state.now;
    let Some(truth) = order_in(&flight.request.path_and_query).and_then(|id| state.world.klarna_truth(id)) else {
        return;
    };
    let is_ours_alone = truth.refunds.iter().all(|it| it.idempotency_key.is_some())
        && truth.refunds.iter().map(|it| it.amount).sum::<i64>() == truth.refunded_amount;
    let others: i64 =
        truth.refunds.iter().filter(|it| it.idempotency_key.as_deref() != Some(&key)).map(|it| it.amount).sum();
    let remembers = !state.swarm.copies && state.swarm.restore == 0;
    if remembers && is_ours_alone && others + amount > truth.captured_amount {
        let what = format!(
            "{}: {amount} is asked for under {}, {} is captured and {others} went back",
            shop.number, intent.effect.reference, truth.captured_amount
        );
        state.oracle.fail("refunds_never_exceed_captures", what);
    }
    state.oracle.refunds.entry(key).or_insert(SentRefund { at: now, amount, happened: false });
}

/// Above the threshold two operators agreed to this refund, or to the one that it starts anew, within a day.
fn two_operators_agreed(state: &mut State, daemon: usize, dossier: &Dossier, intent: &Intent) {
    let (store, amount) = (state.machines[daemon].store, intent.effect.amount);
    if state.swarm.policy.two_person_above.is_none_or(|above| amount <= above) {
        return;
    }
    let before = consent::before(&intent.effect, &dossier.ledger.intents).map(|it| it.id);
    let agreed = [Some(intent.id), before].into_iter().flatten().filter_map(|id| state.oracle.agreed.get(&(store, id)));
    let in_a_day = |said: &Vec<(&str, i64)>| {
        said.iter().any(|(who, at)| said.iter().any(|(other, then)| who != other && (at - then).abs() < DAY))
    };
    if !agreed.into_iter().any(in_a_day) {
        let what = format!("refund {} over {} leaves without two operators", intent.effect.reference, amount.get());
        state.oracle.fail("two_operators_agree", what);
    }
}

/// No day holds more than the policy allows; judged when a refund has happened.
pub fn limits_hold(state: &mut State) {
    if !state.swarm.keeps_time_and_memory() || state.oracle.consented {
        return;
    }
    let limit = state.swarm.policy.refund_limit_per_day.get();
    let happened: Vec<(i64, i64)> =
        state.oracle.refunds.values().filter(|it| it.happened).map(|it| (it.at, it.amount)).collect();
    for (end, _) in &happened {
        // A minute less than a day: between the claim, where the day is counted, and the socket there are seconds.
        let begin = end - DAY + MINUTE;
        let day: i64 = happened.iter().filter(|(at, _)| at > &begin && at <= end).map(|(_, amount)| amount).sum();
        if day > limit {
            return state.oracle.fail("limits_hold", format!("{day} went back within a day, {limit} is allowed"));
        }
    }
}
