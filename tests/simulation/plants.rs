//! The bugs planted on purpose, and the proof that the oracle sees each of them.
//!
//! Runs only where they are planted:
//! `RUSTC_WORKSPACE_WRAPPER=tests/simulation/with-plants cargo test --release --test simulation -- plants --nocapture`,
//! and of those alone that `SIM_PLANTS` names, with commas between them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use reconciled::planted::select;

use super::run::{Outcome, run};
use super::seeds::{number, threads};
use super::swarm::ask_for;

/// Each plant, and what a programmer might have thought.
const PLANTS: &[(&str, &str)] = &[
    ("random_key", "a new idempotency key for every intent"),
    ("key_per_order", "one idempotency key for all refunds of an order"),
    ("same_key_other_amount", "the body asks for another amount than the intent"),
    ("new_key_every_retry", "each attempt has its own key"),
    ("no_observe_before_resend", "an unknown outcome is sent again without looking"),
    ("no_freshness_guard", "a write leaves on a read of any age"),
    ("lists_never_age", "what the shop said when the pass began holds to its end"),
    ("timeout_is_success", "no answer means done"),
    ("timeout_is_failure", "no answer means refused, and a new intent is made"),
    ("forbidden_is_done", "403 means that it was done before"),
    ("throttled_is_done", "429 counts as a success"),
    ("server_error_is_success", "5xx counts as a success"),
    ("redirect_is_done", "3xx counts as a success"),
    ("match_by_amount", "any refund of the right amount settles a credit invoice"),
    ("no_hold_on_foreign_refund", "a refund that nothing explains stops nobody"),
    ("paid_before_proven", "a requested refund is enough to mark paid"),
    ("any_amount_settles", "a refund under the reference settles whatever its amount"),
    ("cancel_plus_credit_invoices", "a cancel gives everything back, credit invoices beside it"),
    ("over_refund_within_one_pass", "what one refund takes is not missing for the next"),
    ("counter_in_memory", "what was spent today is forgotten with the process"),
    ("no_limit_per_order", "the ceiling per order counts the present refund alone"),
    ("no_limit_per_pass", "the ceiling per pass counts the present refund alone"),
    ("kill_switch_is_read_once", "the kill switch is looked at when a pass begins"),
    ("no_claim_on_disk", "the claim is granted and not written"),
    ("journal_outside_the_transaction", "the journal's head is kept when its rows are undone"),
    ("a_step_without_a_row", "a credit invoice moves and no row says so"),
    ("unread_is_clean", "a list that could not be read is an empty one"),
    ("cursor_runs_ahead", "the cursor moves whatever was read"),
    ("cancelled_revives", "a cancelled order is paid again when it was captured"),
    ("capture_after_cancel", "a shipped part is captured although the order was cancelled"),
    ("capture_before_shipping", "an authorized order is captured before it ships"),
    ("cancels_living_orders", "whatever is not captured is cancelled"),
    ("no_patience", "a credit invoice is refunded at once, beside the vendor's app"),
    ("act_false_is_ignored", "`act = false` plans, and sends all the same"),
    ("the_whole_authorization_is_captured", "what was authorized is captured, whatever the order costs now"),
    ("only_parcels_are_captured", "what was picked up or downloaded was never given to anybody"),
    ("breaks_are_not_kept", "differences are found and never told"),
    ("a_list_is_owed_nothing", "an order's read need not contain what its list named"),
    ("absence_is_believed_once", "what one read lacks is gone"),
    ("signs_are_ignored", "credits of either sign add up"),
    ("confirmed_is_never_missed", "what was confirmed is there for ever, whatever reads show"),
    ("a_number_is_an_identity", "two credit invoices of one number are one"),
    ("any_capture_is_worth_it", "only too little captured is a difference"),
    ("a_capture_may_be_forgotten", "what was captured once and is not shown is captured again"),
    ("strays_are_silent", "an authorization that nothing will come of is nobody's business"),
    ("identity_is_believed", "the shop that answered yesterday is the one that answers today"),
    ("surplus_forgotten", "what an adopted refund is over its credit invoices is nobody's"),
    ("parts_exceed_the_credit", "a part of an adopted refund may be more than its credit invoice asks for"),
    ("share_is_the_total", "Klarna is to take all of every order, whatever a gift card paid"),
    ("no_cent_in_adoptions", "a cent is another amount where a refund is adopted"),
    ("first_id_wins", "the first id that stands anywhere is the order's"),
    ("no_reference_check", "whose order Klarna says it is does not matter"),
    ("approve_after_ignore", "what was given up may be started anew, however old its request"),
    ("credit_against_delivered_goods", "a credit of what never left is a return of what did"),
    ("absorbed_under_a_new_link", "what was concluded stays, whatever Klarna order it turns out to be"),
    ("any_name_proves", "a success that names another order proves this one"),
    ("equal_seconds_count_as_after", "two companies' clocks agree to the second"),
    ("a_rest_is_the_whole", "a part that somebody refunded by hand is forgotten"),
    ("key_from_a_name", "the name of a section makes the idempotency key"),
    ("withheld_in_silence", "a break that a human resolved stays so, whatever it withholds"),
    ("final_while_amounts_differ", "an order is concluded while its amount is disputed"),
    ("capture_named_after_the_newest_document", "a capture is named after the slip that changed last"),
    ("forgets_what_a_capture_left_out", "what a capture left out is derived again from two clocks"),
    ("a_short_page_is_believed", "a page that is short is the last"),
];

/// Plants that show in one kind of history only: each seed has plenty of that while they are looked for.
const IN_PLENTY: &[(&str, &str)] = &[
    ("absence_is_believed_once", "without_credits"),
    ("a_rest_is_the_whole", "part_refunded_by_hand"),
    ("withheld_in_silence", "resolved_and_withheld"),
    ("key_from_a_name", "two_names"),
    ("a_short_page_is_believed", "crowd"),
    ("any_name_proves", "earlier_answer"),
    ("equal_seconds_count_as_after", "credited_at_the_counter"),
    ("forgets_what_a_capture_left_out", "credit_then_ship"),
    ("capture_named_after_the_newest_document", "slip_grows"),
    ("final_while_amounts_differ", "other_amount"),
];

/// Spoilt lines that harm nobody, because another guard stands behind them; each with that guard.
const HARMLESS: &[(&str, &str)] = &[
    ("hold_is_read_once", "what a human says after the order was decided withholds each claim of that decision"),
    ("no_key_life", "a resend still needs two fresh reads without it, a day after any read lags"),
    ("one_absence_is_enough", "inside the life of its key a repeat is answered with the first answer"),
    ("crash_means_not_sent", "the intent keeps its key, and a planned one is looked for like an unknown one"),
];

/// The first seed on which the oracle sees the plant: how many were needed, and which invariant.
fn caught(plant: &'static str, budget: u64) -> Option<(u64, &'static str)> {
    ask_for(plenty_for(plant));
    let found = (1..=budget).find_map(|seed| {
        let breach = planted(plant, seed, false).breach?;
        assert_eq!(run(seed, false).breach, None, "seed {seed} breaks without a plant");
        Some((seed, breach.invariant))
    });
    ask_for("");
    found
}

/// The history of a seed with one bug in it.
fn planted(plant: &'static str, seed: u64, told: bool) -> Outcome {
    select(plant);
    let outcome = run(seed, told);
    select("");
    outcome
}

fn plenty_for(plant: &str) -> &'static str {
    IN_PLENTY.iter().find(|it| it.0 == plant).map_or("", |it| it.1)
}

/// Prints the history of `SIM_SEED` as it is with the plant that `SIM_PLANTS` names.
#[test]
fn replay_planted() {
    let (Some(seed), Ok(named)) = (number("SIM_SEED"), std::env::var("SIM_PLANTS")) else { return };
    let plant = PLANTS.iter().find(|it| it.0 == named).unwrap();
    ask_for(plenty_for(plant.0));
    let outcome = planted(plant.0, seed, true);
    ask_for("");
    println!("{}\n{:?}", outcome.text, outcome.breach);
}

#[test]
fn every_plant_is_in_the_source() {
    let all = super::seeds::source();
    let is_marked = |plant: &str| all.iter().any(|text| text.contains(&format!("planted!(\"{plant}\")")));
    assert!(PLANTS.iter().all(|(plant, _)| is_marked(plant)));
    assert!(IN_PLENTY.iter().all(|(plant, _)| PLANTS.iter().any(|it| it.0 == *plant)));
}

#[test]
fn every_planted_bug_is_caught() {
    let budget = number("SIM_PLANT_SEEDS").unwrap_or(20_000);
    let named = std::env::var("SIM_PLANTS").ok();
    let is_asked = |plant: &str| named.as_ref().is_none_or(|named| named.split(',').any(|it| it == plant));
    let plants: Vec<_> = PLANTS.iter().filter(|(plant, _)| is_asked(plant)).collect();
    let next = AtomicUsize::new(0);
    let survivors = Mutex::new(Vec::new());
    let work = || {
        while let Some((plant, thought)) = plants.get(next.fetch_add(1, Ordering::Relaxed)) {
            match caught(plant, budget) {
                Some((seeds, invariant)) => println!("{plant:34} {invariant:32} {seeds:6}  {thought}"),
                None => {
                    println!("{plant:34} SURVIVES {budget} seeds");
                    survivors.lock().unwrap().push(*plant);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(work);
        }
    });
    let survivors = survivors.into_inner().unwrap();
    println!("@ planted bugs | {} of {} caught", plants.len() - survivors.len(), plants.len());
    assert!(survivors.is_empty(), "a survivor is a hole in the oracle: {survivors:?}");
}

/// What is called harmless is, on the same seeds: were it caught, it would belong above.
#[test]
fn harmless_plants_are_harmless() {
    let budget = number("SIM_HARMLESS_SEEDS").unwrap_or(200);
    for (plant, guard) in HARMLESS {
        let found = caught(plant, budget);
        println!("{plant:34} harmless: {guard}");
        assert_eq!(found, None, "{plant} is not harmless");
    }
}
