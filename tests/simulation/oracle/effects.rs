//! What a request really did, judged by both sides' ground truth at the moment it did it.

use std::collections::BTreeSet;

use reconciled_core::policy::Mode;
use reconciled_sandbox::{InvoiceTruth, KlarnaTruth, MovementTruth, ShopTruth, Side};

use super::sends::invoice_in;
use super::{attempts, known, minor, order_in, sends, shop_of, shows_whose, together};
use crate::sim::{Flight, State};
use crate::swarm::NetFault;
use crate::time::{MINUTE, SECOND};

/// How long ago a program may have asked the shop what changed when it marks a credit invoice paid.
pub const LISTED: i64 = 10 * MINUTE + SECOND;

/// What is compared before and after a write.
pub struct Before {
    status: Option<String>,
    refunds: usize,
}

pub fn before(state: &mut State, flight: &Flight) -> Before {
    let path = &flight.request.path_and_query;
    let status = invoice_in(path).and_then(|id| invoice(state, id)).map(|(_, it)| it.status);
    let refunds = order_in(path).and_then(|id| state.world.klarna_truth(id)).map_or(0, |truth| truth.refunds.len());
    Before { status, refunds }
}

pub fn after(state: &mut State, daemon: usize, flight: &Flight, before: &Before) {
    let path = flight.request.path_and_query.clone();
    if flight.side == Side::Lightspeed {
        let Some(id) = invoice_in(&path) else { return };
        let Some((shop, invoice)) = invoice(state, id) else { return };
        if invoice.status == "paid" && before.status.as_deref() != Some("paid") {
            state.oracle.marked_by_us.insert(id);
            let store = state.machines[daemon].store;
            paid_means_proven(state, store, (&shop, &invoice), flight.sent);
        }
    } else {
        let truth = order_in(&path).and_then(|id| state.world.klarna_truth(id));
        let Some(truth) = truth else { return };
        if truth.refunds.len() > before.refunds
            && let Some(key) = flight.request.header("klarna-idempotency-key")
            && let Some(sent) = state.oracle.refunds.get_mut(key)
        {
            sent.happened = true;
        }
        if path.ends_with("/captures") {
            charged_once(state, flight, &truth);
        }
        let (is_refund, is_capture) = (truth.refunds.len() > before.refunds, path.ends_with("/captures"));
        if is_refund || is_capture {
            credited_before_is_never_paid(state, &truth, flight, is_refund);
        }
        sends::limits_hold(state);
    }
    check(state);
}

fn invoice(state: &State, id: u64) -> Option<(ShopTruth, InvoiceTruth)> {
    let shops = state.world.all_shop_truth();
    shops.into_iter().find_map(|shop| {
        let found = shop.invoices.iter().find(|it| it.id == id).cloned();
        found.map(|found| (shop, found))
    })
}

/// The invariants on money that hold at every moment.
pub fn check(state: &mut State) {
    for (shop, all) in attempts(state) {
        for klarna in &all {
            refunds_never_exceed_captures(state, &shop, klarna);
        }
        // Of two programs with books of their own one may have looked before an id was taken out of the order, and one after
        // that: neither can know of the other's refund.
        let are_apart = state.swarm.copies && all.iter().any(|it| state.oracle.cleared.contains_key(&it.order_id));
        let parts = if are_apart { all } else { vec![together(&all)] };
        for klarna in &parts {
            one_credit_invoice_one_refund(state, &shop, klarna);
            money_is_conserved(state, &shop, klarna);
        }
    }
}

fn refunds_never_exceed_captures(state: &mut State, shop: &ShopTruth, klarna: &KlarnaTruth) {
    if klarna.refunded_amount > klarna.captured_amount && !state.oracle.disputed.contains(&klarna.order_id) {
        let (back, kept) = (klarna.refunded_amount, klarna.captured_amount);
        state.oracle.fail("refunds_never_exceed_captures", format!("{}: {back} of {kept} went back", shop.number));
    }
    let most = klarna.original_order_amount.max(klarna.order_amount).max(minor(shop.total));
    if klarna.captured_amount > most {
        let what = format!("{}: {} of {} captured", shop.number, klarna.captured_amount, klarna.order_amount);
        state.oracle.fail("refunds_never_exceed_captures", what);
    }
}

/// Refunds of ours: nobody else sends a key. Each has a reference, once, and whole.
fn one_credit_invoice_one_refund(state: &mut State, shop: &ShopTruth, klarna: &KlarnaTruth) {
    let mut once: BTreeSet<(&str, i64)> = BTreeSet::new();
    let cancel = format!("{}:cancel", shop.number);
    for refund in klarna.refunds.iter().filter(|it| it.idempotency_key.is_some()) {
        let Some(reference) = refund.reference.as_deref() else {
            return state.oracle.fail("one_credit_invoice_one_refund", format!("{}: no reference", shop.number));
        };
        // What somebody captures of a cancelled order goes back too, as another remainder over another amount.
        // Where papers carry one number, each may have its refund, over another amount.
        let papers = shop.invoices.iter().filter(|it| it.is_credit && it.number == reference).count();
        let amount = if reference == cancel || papers > 1 { refund.amount } else { 0 };
        if !once.insert((reference, amount)) {
            let what = format!("{}: refunded twice under {reference}", shop.number);
            return state.oracle.fail("one_credit_invoice_one_refund", what);
        }
        let is_owed = if reference == cancel {
            state.oracle.cancelled.contains(&shop.id)
        } else {
            let mut papers = shop.invoices.iter().filter(|it| it.is_credit);
            let number = papers.find_map(|it| number_in(state, reference, it));
            number.is_some_and(|number| is_for(state, (reference, number), refund.amount, shop, klarna))
        };
        if !is_owed {
            let what = format!("{}: {} went back under {reference}", shop.number, refund.amount);
            return state.oracle.fail("one_credit_invoice_one_refund", what);
        }
    }
}

/// The number in a reference to this paper, by which it was ever called; with the paper's id where others share it.
fn number_in<'a>(state: &State, reference: &'a str, paper: &InvoiceTruth) -> Option<&'a str> {
    let whole = reference.strip_suffix(":rest").unwrap_or(reference);
    let number = whole.strip_suffix(&format!(":{}", paper.id)).unwrap_or(whole);
    state.oracle.papers.get(number).filter(|papers| papers.contains(&paper.id)).map(|_| number)
}

/// Whether a refund of this amount may stand under a credit invoice: what the paper says or said, what an adoption left
/// of it, a cent less, or less where that is all that was left or a gift card paid a part.
fn is_for(
    state: &State, (reference, number): (&str, &str), amount: i64, shop: &ShopTruth, klarna: &KlarnaTruth,
) -> bool {
    let Some(said) = state.oracle.amounts.get(number) else { return false };
    let of_number = |it: &&InvoiceTruth| it.is_credit && it.number == number;
    let adopted: i64 = shop.invoices.iter().filter(of_number).map(|it| state.oracle.adopted(it.id)).sum();
    // Said otherwise since it was sent.
    let is_reworded = state.oracle.reworded.contains_key(&shop.id);
    let may_be_less = klarna.refunded_amount >= klarna.captured_amount
        || shop.gift_card > 0
        || state.oracle.cut.contains(&shop.id)
        || is_reworded;
    // The rest of what somebody refunded a part of is not all of it.
    let is_rest = reference.ends_with(":rest") && adopted > 1 && !is_reworded;
    let is_whole = |of: i64| !is_rest && (amount == of || amount + 1 == of || may_be_less && amount <= of);
    let fits = |of: i64| is_whole(of) || amount <= of - adopted && (amount == of - adopted || may_be_less);
    said.iter().any(|of| fits(*of))
}

/// A capture of ours never makes a consumer pay twice for one order. What was captured within the age of the read that it
/// rests on could not be known.
fn charged_once(state: &mut State, flight: &Flight, klarna: &KlarnaTruth) {
    let Some(shop) = shop_of(&state.world, klarna.order_id) else { return };
    let read = flight.sent - 31 * SECOND - state.oracle.lag;
    let ids = shop.attempts.clone();
    let all: Vec<_> = ids.into_iter().filter_map(|id| state.world.klarna_truth(id)).collect();
    // What the shop's order names was read with the lists.
    let mut named = known(state, &all, flight.sent - LISTED, None);
    if named.iter().all(|it| it.order_id != klarna.order_id) {
        named.push(klarna.clone());
    }
    let before: i64 = named.iter().flat_map(|it| &it.captures).filter(|it| it.at_ms <= read).map(|it| it.amount).sum();
    let key = flight.request.header("klarna-idempotency-key");
    let ours: i64 = klarna
        .captures
        .iter()
        .filter(|it| it.at_ms > read && it.idempotency_key.as_deref() == key)
        .map(|it| it.amount)
        .sum();
    let worth = state.oracle.worth(shop.id);
    // A request that Klarna refused took nothing.
    if ours > 0 && before + ours > worth + 1 {
        let what = format!("{}: {before} was captured, {ours} more is, {worth} is what it is worth", shop.number);
        state.oracle.fail("nobody_pays_twice", what);
    }
}

/// What was credited before anything was captured the consumer never pays, and so no more of it goes back than was.
fn credited_before_is_never_paid(state: &mut State, klarna: &KlarnaTruth, flight: &Flight, is_refund: bool) {
    let Some(shop) = shop_of(&state.world, klarna.order_id) else { return };
    let before = credited_before(state, &shop, klarna);
    let sum: i64 = before.iter().map(|it| minor(it.total)).sum();
    // What others captured within the age of the read that a request rests on could not be known.
    let read = flight.sent - 31 * SECOND - state.oracle.lag;
    let key = flight.request.header("klarna-idempotency-key");
    if sum == 0 || klarna.captures.iter().any(|it| it.at_ms > read && it.idempotency_key.as_deref() != key) {
        return;
    }
    let is_wrong = if is_refund {
        let last = klarna.refunds.iter().rfind(|it| it.idempotency_key.is_some());
        let reference = last.and_then(|it| it.reference.as_deref());
        // One below zero takes nothing back of what went back before it.
        let credits: i64 = shop.invoices.iter().filter(|it| it.is_credit).map(|it| minor(it.total).max(0)).sum();
        let kept = klarna.captured_amount - klarna.refunded_amount;
        let is_too_much = kept + 1 < minor(shop.total) - credits && klarna.remaining_authorized_amount == 0;
        let is_of_them = before.iter().any(|it| Some(it.number.as_str()) == reference);
        is_of_them && (is_too_much || klarna.captured_amount + sum <= minor(shop.total) + 1)
    } else {
        klarna.captured_amount + sum > minor(shop.total) + 1
    };
    if is_wrong {
        let what = format!("{}: {sum} was credited before anything was captured: {klarna:?}", shop.number);
        state.oracle.fail("credited_before_is_never_paid", what);
    }
}

/// The credit invoices that every program knew before anything was captured. What lines say, and what a human said or
/// did, is not judged here.
fn credited_before<'a>(state: &State, shop: &'a ShopTruth, klarna: &KlarnaTruth) -> Vec<&'a InvoiceTruth> {
    let (oracle, id) = (&state.oracle, klarna.order_id);
    let is_odd = shop.attempts.len() > 1 || shop.gift_card > 0 || oracle.cancelled.contains(&shop.id);
    let is_changed = oracle.was_edited(shop.id) || oracle.cut.contains(&shop.id) || oracle.disputed.contains(&id);
    let is_hidden = oracle.undone.contains(&id) || oracle.vanished.contains(&id);
    let is_by_hand = klarna.refunds.iter().any(|it| it.idempotency_key.is_none());
    let is_beside = is_odd || is_changed || is_hidden || is_by_hand || oracle.consented || state.swarm.skew > 0;
    // One that was lost and comes again is the one that left before.
    let left = |it: &MovementTruth| {
        let sent = it.idempotency_key.as_ref().and_then(|key| oracle.first_sent.get(key));
        sent.map_or(it.at_ms, |sent| it.at_ms.min(*sent) - LISTED)
    };
    let Some(first) = klarna.captures.iter().map(left).min().filter(|_| !is_beside) else {
        return Vec::new();
    };
    let is_plain = |it: &&InvoiceTruth| {
        let says_lines = it.items.iter().any(|item| item.line.is_some());
        it.is_credit && minor(it.total) > 1 && !says_lines && !oracle.edited.contains_key(&it.number)
    };
    shop.invoices.iter().filter(is_plain).filter(|it| it.created_ms < first).collect()
}

/// All refunds of ours together are no more than what the shop's papers oblige.
fn money_is_conserved(state: &mut State, shop: &ShopTruth, klarna: &KlarnaTruth) {
    let ours: i64 = klarna.refunds.iter().filter(|it| it.idempotency_key.is_some()).map(|it| it.amount).sum();
    let most = |number: &str| state.oracle.amounts.get(number).and_then(|all| all.last().copied()).unwrap_or(0);
    // One below zero that comes after a refund takes nothing back of it.
    let credits: i64 = shop.invoices.iter().filter(|it| it.is_credit).map(|it| most(&it.number).max(0)).sum();
    let is_cancelled = state.oracle.cancelled.contains(&shop.id);
    let owed = if is_cancelled { klarna.captured_amount.max(credits) } else { credits };
    if ours > owed {
        state.oracle.fail("money_is_conserved", format!("{}: {ours} went back, {owed} was owed", shop.number));
    }
    let limit = state.swarm.policy.refund_limit_per_order.get();
    if state.swarm.keeps_time_and_memory() && !state.oracle.consented && ours > limit {
        state.oracle.fail("limits_hold", format!("{}: {ours} went back, {limit} is allowed", shop.number));
    }
}

/// The shop itself says that it was paid, and everything that is known of came to nothing at once, after another one was
/// captured: that nobody knows of that one is no reason to believe that nothing was.
fn is_called_paid(state: &State, shop: &ShopTruth, all: &[KlarnaTruth], known: &[KlarnaTruth]) -> bool {
    let sales = shop.invoices.iter().filter(|it| !it.is_credit);
    let mut words = sales.map(|it| it.status.as_str()).chain([shop.payment_status.as_str()]);
    let says = words.any(|it| matches!(it, "paid" | "partially_paid"));
    let began = known.iter().filter_map(|it| state.oracle.attempted.get(&it.order_id)).min().copied().unwrap_or(0);
    let captured = |it: &KlarnaTruth| it.captures.iter().any(|capture| capture.at_ms < began);
    // Where reads lag, it may have looked alive at first.
    let lags = state.oracle.lag > 0 || state.swarm.net.contains(&NetFault::StaleRead);
    // One of its number that was cancelled as the order was is what cancelling leaves.
    let is_undone = |it: &KlarnaTruth| it.status == "CANCELLED" && it.merchant_reference1 == shop.number;
    let is_cancelled_with_it = shop.status == "cancelled" && known.iter().all(is_undone);
    says && !lags
        && !is_cancelled_with_it
        && known.iter().all(|it| state.oracle.stillborn.contains(&it.order_id))
        && all.iter().any(captured)
}

/// The attempts that a program could know that sends a request then, by each time at which it may have looked.
fn looked_at(state: &State, store: usize, all: &[KlarnaTruth], sent: i64) -> Vec<Vec<KlarnaTruth>> {
    // Nor could the program know of an attempt that somebody made after the shop's order was read, or that the shop never
    // names.
    let read = sent - LISTED;
    // A list that lacked the order, without a word, leaves what was read before.
    let first = if state.oracle.was_bent.is_empty() { read } else { 0 };
    let since = all.iter().filter_map(|it| state.oracle.attempted.get(&it.order_id).copied());
    let named = all.iter().filter_map(|it| state.oracle.cleared.get(&it.order_id)).map(|named| named - 1);
    let looks = [read, sent].into_iter().chain(since.chain(named).filter(|at| (first..=sent).contains(at)));
    looks.map(|at| known(state, all, at, Some(store))).collect()
}

/// What of ours went back for the rest of it, where people refunded a part.
fn rest_of(state: &State, klarna: &KlarnaTruth, invoice: &InvoiceTruth) -> i64 {
    let is_of = |name: &str| name.ends_with(":rest") && number_in(state, name, invoice).is_some();
    let rests = klarna.refunds.iter().filter(|it| it.reference.as_deref().is_some_and(is_of));
    rests.map(|it| it.amount).sum()
}

/// What was proven stays so for the program until it looks again; what no read ever showed nobody can miss; and what a human
/// says after a request left comes too late for it.
fn is_beyond_knowing(state: &State, shop: &ShopTruth, all: &[KlarnaTruth], sent: i64) -> bool {
    let is_reworded = state.oracle.reworded.get(&shop.id).is_some_and(|at| *at >= sent - 2 * SECOND);
    let (undone, never_shown) = (&state.oracle.undone, &state.oracle.never_shown);
    is_reworded || all.iter().any(|it| undone.contains(&it.order_id) || never_shown.contains(&it.order_id))
}

/// Of these Klarna orders no more than this was captured, and no more will be. With which attempt the consumer paid is
/// nobody's to see: where one was captured, the others are none of it, and no more is one of which nothing shows whose it is.
fn was_never_captured(state: &State, shop: &ShopTruth, of: &[KlarnaTruth], but: i64) -> bool {
    let captured: i64 = of.iter().map(|it| it.captured_amount).sum();
    let is_over = |it: &KlarnaTruth| {
        let is_closed = matches!(it.status, "CANCELLED" | "EXPIRED" | "CAPTURED");
        is_closed
            || it.remaining_authorized_amount == 0
            || captured > 0 && it.captured_amount == 0
            || captured == 0 && !shows_whose(state, shop, it)
    };
    !of.is_empty() && of.iter().all(is_over) && (captured <= but + 1 || captured == 0)
}

/// A credit invoice became paid by us: the money is back, or never came.
fn paid_means_proven(state: &mut State, store: usize, paid: (&ShopTruth, &InvoiceTruth), sent: i64) {
    let (shop, invoice) = paid;
    let all: Vec<_> = shop.attempts.iter().filter_map(|id| state.world.klarna_truth(*id)).collect();
    if all.is_empty() {
        return;
    }
    let klarna = together(&all);
    let amount = minor(invoice.total);
    // Zero is settled by saying so.
    if amount == 0 || is_beyond_knowing(state, shop, &all, sent) {
        return;
    }
    let of = |reference: &str| -> i64 {
        klarna.refunds.iter().filter(|it| it.reference.as_deref() == Some(reference)).map(|it| it.amount).sum()
    };
    // What it said when it was read: nobody keeps the merchant from changing it, or a person from refunding it once
    // more, while the program is on its way from its read to its request.
    let said = state.oracle.amounts.get(&invoice.number);
    let edited = state.oracle.edited.get(&invoice.number);
    let meanwhile = edited.is_some_and(|at| *at >= sent - LISTED);
    // A cent is within what the two sides may differ by.
    let was_said = |it: i64| said.is_some_and(|said| said.iter().any(|of| (it - of).abs() <= 1));
    let is_said = |it: i64| (it - amount).abs() <= 1 || meanwhile && was_said(it);
    let adopted = state.oracle.adopted(invoice.id);
    let rest = rest_of(state, &klarna, invoice);
    let in_parts = adopted > 0 && (is_said(adopted + of(&invoice.number)) || is_said(adopted + rest));
    let share = minor(shop.total - shop.gift_card);
    let by_card = shop.gift_card > 0 && klarna.refunded_amount >= klarna.captured_amount.min(share);
    let named = klarna.refunds.iter().any(|it| {
        it.reference.as_deref().is_some_and(|it| number_in(state, it, invoice).is_some()) && is_said(it.amount)
    });
    // An answer was lost, and the one refund of that amount names nobody: it counts as the one that was asked for.
    let was_asked = state.oracle.asked.contains(&invoice.number);
    let unnamed = was_asked && klarna.refunds.iter().any(|it| it.reference.is_none() && is_said(it.amount));
    // A human let less go back than it says.
    let is_cut = state.oracle.cut.contains(&shop.id) && of(&invoice.number) > 0;
    // Of several words each may be about a refund of its own.
    let under_it = named || unnamed || is_cut || is_said(adopted) || adopted >= amount;
    let policy = &state.swarm.policy;
    let amount_speaks =
        policy.adopt_exact || policy.refunds == Mode::Verify || !state.world.switches().klarna_reads_carry_reference;
    // Each refund of that amount, but for a cent, speaks for one credit invoice, this one among them; for those of which a
    // human said what paid them, or a part of them, it need not.
    let speaks = |it: i64| {
        let equal = klarna.refunds.iter().filter(|refund| (refund.amount - it).abs() <= 1).count();
        let marked = shop.invoices.iter().filter(|other| {
            let by_us = other.is_credit && other.status == "paid" && state.oracle.marked_by_us.contains(&other.id);
            let is_said_of = state.oracle.adopted(other.id) > 0;
            let is_alike = (minor(other.total) - it).abs() <= 1 && of(&other.number) != it && !is_said_of;
            other.id == invoice.id || by_us && is_alike
        });
        marked.count() <= equal
    };
    let by_amount =
        amount_speaks && (speaks(amount) || meanwhile && said.is_some_and(|all| all.iter().copied().any(speaks)));
    let least = said.and_then(|said| said.first().copied()).filter(|_| meanwhile).unwrap_or(amount);
    // A cent is within what the two sides may differ by.
    // What it was worth when it was read: nobody keeps the merchant from lowering it meanwhile.
    let lowered = state.oracle.lowered.get(&shop.id).filter(|(at, _)| *at >= sent - LISTED);
    let total = lowered.map_or(0, |(_, before)| *before).max(minor(shop.total));
    let was_never_captured = |of: &[KlarnaTruth]| was_never_captured(state, shop, of, total - least);
    let is_back = |of: &[KlarnaTruth]| {
        let whole = (!of.is_empty()).then(|| together(of));
        state.oracle.cancelled.contains(&shop.id)
            && whole.is_some_and(|whole| whole.refunded_amount >= whole.captured_amount)
    };
    let told = state.oracle.linked.get(&shop.id);
    let told = told.map(|told| all.iter().filter(|it| it.order_id == *told).cloned().collect());
    let seen: Vec<_> = looked_at(state, store, &all, sent).into_iter().chain(told).collect();
    let seen = || seen.iter().filter(|known| !is_called_paid(state, shop, &all, known));
    let all_back = is_back(&all) || seen().any(|known| is_back(known));
    let never_captured = was_never_captured(&all) || seen().any(|known| was_never_captured(known));
    if !(under_it || in_parts || by_card || by_amount || all_back || never_captured) {
        let what = format!("{} over {amount} is marked paid: {klarna:?}", invoice.number);
        state.oracle.fail("paid_means_proven", what);
    }
}
