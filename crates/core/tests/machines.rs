//! The four machines, row by row: what is legal was written here by hand from the design, everything else must be
//! refused with a clear error.
//!
//! `docs/states.md` shows the same tables to people. It is generated: `UPDATE_DOCS=1 cargo test --test machines`
//! rewrites it, and without that a difference fails.
#![allow(
    clippy::unwrap_used,
    clippy::trivially_copy_pass_by_ref,
    reason = "a panic is a failed test; names are made alike"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write as _};

use jiff::{SignedDuration, Timestamp};
use reconciled_core::IllegalTransition;
use reconciled_core::answer::{Answer, Said};
use reconciled_core::breaks::{
    BreakEvent, BreakStatus, BreakStep, Fate, KnownBreak, SeenDifference, bears_on_effects, fate,
};
use reconciled_core::credit_invoice::{CreditInvoice, Event as CreditEvent, Proof};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{
    Identity, IntentId, InvoiceId, InvoiceNumber, KlarnaOrderId, OrderId, Reference, RefundId, ShopName,
};
use reconciled_core::intent::{
    self, Effect, Event as IntentEvent, Intent, Kind, Next, State, Target, event_after, leaves_no_trace,
};
use reconciled_core::ledger::{CreditRecord, Ledger, follows};
use reconciled_core::money::{Currency, Minor};
use reconciled_core::order::{Event as OrderEvent, Order};
use uuid::Uuid;

/// One machine as text: every state, every event, and what the code makes of each pair.
struct Machine {
    name: &'static str,
    states: Vec<String>,
    events: Vec<String>,
    rows: BTreeMap<(String, String), Result<String, IllegalTransition>>,
}

impl Machine {
    fn of<S: Clone, E: Clone>(
        name: &'static str, states: &[(S, String)], events: &[(E, String)],
        apply: impl Fn(S, E) -> Result<S, IllegalTransition>, named: impl Fn(&S) -> String,
    ) -> Self {
        let mut rows = BTreeMap::new();
        for (state, from) in states {
            for (event, on) in events {
                let next = apply(state.clone(), event.clone()).map(|next| named(&next));
                rows.insert((from.clone(), on.clone()), next);
            }
        }
        let states = states.iter().map(|(_, name)| name.clone()).collect();
        let events = events.iter().map(|(_, name)| name.clone()).collect();
        Self { name, states, events, rows }
    }

    fn next(&self, state: &str, event: &str) -> &Result<String, IllegalTransition> {
        &self.rows[&(state.to_owned(), event.to_owned())]
    }

    /// The rows of `legal` are legal and lead where they say; every other pair is refused by name.
    fn check(&self, legal: &[(&str, &str, &str)]) {
        for (from, on, to) in legal {
            assert_eq!(self.next(from, on).as_deref(), Ok(*to), "{}: {from} on {on}", self.name);
        }
        let listed: BTreeSet<(&str, &str)> = legal.iter().map(|(from, on, _)| (*from, *on)).collect();
        assert_eq!(listed.len(), legal.len(), "{}: a row is listed twice", self.name);
        for ((from, on), next) in &self.rows {
            if listed.contains(&(from.as_str(), on.as_str())) {
                continue;
            }
            let Err(illegal) = next else { panic!("{}: {from} on {on} must be illegal and gave {next:?}", self.name) };
            assert_eq!(illegal.machine, self.name);
            let said = illegal.to_string();
            assert!(said.contains(illegal.from) && said.contains(illegal.event), "{said} names both");
            assert!(said.starts_with(self.name), "{said} names its machine");
        }
        assert_eq!(self.rows.len(), self.states.len().strict_mul(self.events.len()));
    }

    fn absorbs(&self, state: &str) {
        // An order that belongs to another Klarna order is judged again: that is no event of either side.
        for event in self.events.iter().filter(|event| *event != "judged_anew") {
            assert!(self.next(state, event).is_err(), "{}: {event} leads out of {state}", self.name);
        }
    }
}

fn order_name(order: &Order) -> String {
    match order {
        Order::Held(_) => format!("held ({})", order.stage().name()),
        Order::Pending
        | Order::PartlyPaid
        | Order::Paid
        | Order::RefundRequested
        | Order::Cancelled
        | Order::Expired => order.name().to_owned(),
    }
}

fn order_machine() -> Machine {
    let states = Order::ALL.map(|state| (state, order_name(&state)));
    let events = OrderEvent::ALL.map(|event| (event, event.name().to_owned()));
    Machine::of("order", &states, &events, Order::apply, order_name)
}

fn proof_name(proof: &Proof) -> &'static str {
    match proof {
        Proof::Refund(_) => "refund",
        Proof::Reversal => "reversal",
    }
}

fn credit_name(state: &CreditInvoice) -> String {
    match state {
        CreditInvoice::Refunded(proof) | CreditInvoice::Paid(proof) => {
            format!("{} ({})", state.name(), proof_name(proof))
        }
        CreditInvoice::PaidByHand => "paid (by hand)".to_owned(),
        CreditInvoice::Pending | CreditInvoice::Held | CreditInvoice::RefundRequested(_) | CreditInvoice::Cancelled => {
            state.name().to_owned()
        }
    }
}

fn credit_event_name(event: &CreditEvent) -> String {
    match event {
        CreditEvent::Refunded(proof) => format!("{} ({})", event.name(), proof_name(proof)),
        CreditEvent::Held
        | CreditEvent::Released
        | CreditEvent::Intended(_)
        | CreditEvent::Refused
        | CreditEvent::PaidSeen
        | CreditEvent::UnpaidSeen
        | CreditEvent::Unsettled
        | CreditEvent::Withdrawn
        | CreditEvent::JudgedAnew
        | CreditEvent::Vanished
        | CreditEvent::Reappeared => event.name().to_owned(),
    }
}

const INTENT: IntentId = IntentId(Uuid::from_u128(1));

fn by_refund() -> Proof {
    Proof::Refund(RefundId("r1".to_owned()))
}

fn credit_machine() -> Machine {
    let states = [
        CreditInvoice::Pending,
        CreditInvoice::Held,
        CreditInvoice::RefundRequested(INTENT),
        CreditInvoice::Refunded(by_refund()),
        CreditInvoice::Refunded(Proof::Reversal),
        CreditInvoice::Paid(by_refund()),
        CreditInvoice::Paid(Proof::Reversal),
        CreditInvoice::PaidByHand,
        CreditInvoice::Cancelled,
    ];
    let events = [
        CreditEvent::Held,
        CreditEvent::Released,
        CreditEvent::Intended(INTENT),
        CreditEvent::Refused,
        CreditEvent::Refunded(by_refund()),
        CreditEvent::Refunded(Proof::Reversal),
        CreditEvent::PaidSeen,
        CreditEvent::UnpaidSeen,
        CreditEvent::Unsettled,
        CreditEvent::Withdrawn,
        CreditEvent::JudgedAnew,
        CreditEvent::Vanished,
        CreditEvent::Reappeared,
    ];
    let states = states.map(|state| (state.clone(), credit_name(&state)));
    let events = events.map(|event| (event.clone(), credit_event_name(&event)));
    Machine::of("credit invoice", &states, &events, CreditInvoice::apply, credit_name)
}

fn intent_machine() -> Machine {
    let states = State::ALL.map(|state| (state.clone(), state.name().to_owned()));
    let events = IntentEvent::ALL.map(|event| (event, event.name().to_owned()));
    Machine::of("intent", &states, &events, State::apply, |state| state.name().to_owned())
}

fn break_machine() -> Machine {
    let states = BreakStatus::ALL.map(|status| (status, status.name().to_owned()));
    let events = BreakEvent::ALL.map(|event| (event, event.name().to_owned()));
    Machine::of("break", &states, &events, BreakStatus::apply, |status| status.name().to_owned())
}

#[test]
fn an_order_moves_by_these_rows_and_no_other() {
    order_machine().check(&[
        ("pending", "part_captured", "partly_paid"),
        ("pending", "captured", "paid"),
        ("pending", "cancel_seen", "refund_requested"),
        ("pending", "expired", "expired"),
        ("pending", "held", "held (pending)"),
        ("partly_paid", "captured", "paid"),
        ("partly_paid", "cancel_seen", "refund_requested"),
        ("partly_paid", "held", "held (partly_paid)"),
        ("paid", "cancel_seen", "refund_requested"),
        ("paid", "held", "held (paid)"),
        ("refund_requested", "reversed", "cancelled"),
        ("refund_requested", "held", "held (refund_requested)"),
        ("held (pending)", "released", "pending"),
        ("held (pending)", "part_captured", "held (partly_paid)"),
        ("held (pending)", "captured", "held (paid)"),
        ("held (pending)", "cancel_seen", "held (refund_requested)"),
        ("held (pending)", "expired", "expired"),
        ("held (partly_paid)", "released", "partly_paid"),
        ("held (partly_paid)", "captured", "held (paid)"),
        ("held (partly_paid)", "cancel_seen", "held (refund_requested)"),
        ("held (paid)", "released", "paid"),
        ("held (paid)", "cancel_seen", "held (refund_requested)"),
        ("held (refund_requested)", "released", "refund_requested"),
        ("held (refund_requested)", "reversed", "cancelled"),
        ("partly_paid", "judged_anew", "pending"),
        ("paid", "judged_anew", "pending"),
        ("expired", "judged_anew", "pending"),
        ("cancelled", "judged_anew", "refund_requested"),
        ("held (partly_paid)", "judged_anew", "held (pending)"),
        ("held (paid)", "judged_anew", "held (pending)"),
    ]);
}

#[test]
fn a_credit_invoice_moves_by_these_rows_and_no_other() {
    credit_machine().check(&[
        ("pending", "held", "held"),
        ("pending", "refund_intended", "refund_requested"),
        ("pending", "refunded (refund)", "refunded (refund)"),
        ("pending", "refunded (reversal)", "refunded (reversal)"),
        ("pending", "paid_seen", "paid (by hand)"),
        ("pending", "withdrawn", "cancelled"),
        ("pending", "vanished", "cancelled"),
        ("held", "released", "pending"),
        ("held", "refunded (refund)", "refunded (refund)"),
        ("held", "refunded (reversal)", "refunded (reversal)"),
        ("held", "paid_seen", "paid (by hand)"),
        ("held", "withdrawn", "cancelled"),
        ("held", "vanished", "cancelled"),
        ("refund_requested", "refund_refused", "held"),
        ("refund_requested", "refunded (refund)", "refunded (refund)"),
        ("refund_requested", "refunded (reversal)", "refunded (reversal)"),
        ("refunded (refund)", "paid_seen", "paid (refund)"),
        ("refunded (reversal)", "paid_seen", "paid (reversal)"),
        ("paid (refund)", "unpaid_seen", "refunded (refund)"),
        ("paid (reversal)", "unpaid_seen", "refunded (reversal)"),
        ("paid (by hand)", "unpaid_seen", "pending"),
        ("paid (by hand)", "refunded (refund)", "refunded (refund)"),
        ("paid (by hand)", "refunded (reversal)", "refunded (reversal)"),
        ("paid (by hand)", "withdrawn", "cancelled"),
        ("refund_requested", "judged_anew", "pending"),
        ("refunded (refund)", "unsettled", "pending"),
        ("refunded (refund)", "judged_anew", "pending"),
        ("refunded (reversal)", "judged_anew", "pending"),
        ("paid (refund)", "judged_anew", "pending"),
        ("paid (reversal)", "judged_anew", "pending"),
        ("paid (by hand)", "judged_anew", "pending"),
        ("cancelled", "judged_anew", "pending"),
        ("paid (by hand)", "vanished", "cancelled"),
        ("cancelled", "reappeared", "pending"),
    ]);
}

#[test]
fn an_intent_moves_by_these_rows_and_no_other() {
    intent_machine().check(&[
        ("planned", "claimed", "sending"),
        ("planned", "seen", "confirmed"),
        ("planned", "withdrawn", "withdrawn"),
        ("planned", "abandoned", "abandoned"),
        ("sending", "confirmed", "confirmed"),
        ("sending", "rejected", "rejected"),
        ("sending", "throttled", "planned"),
        ("sending", "not_sent", "planned"),
        ("sending", "lost", "unknown"),
        ("unknown", "claimed", "sending"),
        ("unknown", "seen", "confirmed"),
        ("unknown", "abandoned", "abandoned"),
    ]);
}

#[test]
fn a_break_moves_by_these_rows_and_no_other() {
    break_machine().check(&[
        ("open", "acknowledged", "acknowledged"),
        ("open", "resolved", "resolved"),
        ("open", "cleared", "cleared"),
        ("open", "noted", "open"),
        ("open", "assigned", "open"),
        ("open", "unassigned", "open"),
        ("acknowledged", "acknowledged", "acknowledged"),
        ("acknowledged", "resolved", "resolved"),
        ("acknowledged", "reopened", "open"),
        ("acknowledged", "cleared", "cleared"),
        ("acknowledged", "noted", "acknowledged"),
        ("acknowledged", "assigned", "acknowledged"),
        ("acknowledged", "unassigned", "acknowledged"),
        ("resolved", "reopened", "open"),
        ("resolved", "noted", "resolved"),
        ("cleared", "noted", "cleared"),
    ]);
}

/// A step on many breaks takes only those that it moves, and never one that its machine refuses.
#[test]
fn a_step_on_many_breaks_concerns_those_that_it_is_meant_for() {
    let to = Some("jo".to_owned());
    let steps =
        [BreakStep::Acknowledge, BreakStep::Resolve, BreakStep::Reopen, BreakStep::Assign(to), BreakStep::Assign(None)];
    let concerned = steps.map(|step| {
        let meant: Vec<_> = BreakStatus::ALL.into_iter().filter(|status| step.concerns(*status)).collect();
        assert!(meant.iter().all(|status| status.apply(step.event()).is_ok()), "{step:?}");
        meant
    });
    let open = vec![BreakStatus::Open, BreakStatus::Acknowledged];
    let expected = [vec![BreakStatus::Open], open.clone(), vec![BreakStatus::Resolved], open.clone(), open];
    assert_eq!(concerned, expected);
}

#[test]
fn what_becomes_of_a_difference_follows_from_its_break() {
    let amount = Minor::new(895).ok();
    let of = |status| Some(KnownBreak { status, amount });
    // Effects wait for an unexplained refund, and for nothing that a shipment says.
    let silent = SeenDifference { kind: BreakKind::ShippedNotCaptured, amount, is_due: true, withheld: true };
    let holds = SeenDifference { kind: BreakKind::RefundUnattributed, ..silent };
    for (known, seen, expected) in [
        (None, silent, Fate::Opened),
        (None, SeenDifference { is_due: false, ..silent }, Fate::Waits),
        (of(BreakStatus::Open), silent, Fate::Refreshed),
        (of(BreakStatus::Acknowledged), SeenDifference { is_due: false, ..silent }, Fate::Refreshed),
        (of(BreakStatus::Cleared), silent, Fate::Opened),
        (of(BreakStatus::Cleared), SeenDifference { is_due: false, ..silent }, Fate::Waits),
        (of(BreakStatus::Resolved), silent, Fate::StaysSettled),
        (of(BreakStatus::Resolved), SeenDifference { amount: Minor::new(1295).ok(), ..silent }, Fate::Opened),
        (of(BreakStatus::Resolved), SeenDifference { amount: None, is_due: false, ..silent }, Fate::Waits),
        (of(BreakStatus::Resolved), holds, Fate::Opened),
        (of(BreakStatus::Resolved), SeenDifference { withheld: false, ..holds }, Fate::StaysSettled),
    ] {
        assert_eq!(fate(known, seen), expected, "{known:?} {seen:?}");
    }
}

#[test]
fn a_word_about_what_withholds_is_for_the_next_pass() {
    for kind in BreakKind::ALL {
        assert_eq!(bears_on_effects(*kind), kind.withholds() || *kind == BreakKind::PaidOtherwise, "{kind:?}");
    }
    assert!(bears_on_effects(BreakKind::RefundUnattributed) && !bears_on_effects(BreakKind::ShippedNotCaptured));
}

#[test]
fn nothing_leads_out_of_an_absorbing_state() {
    order_machine().absorbs("cancelled");
    order_machine().absorbs("expired");
    let out_of_cancelled = |event: &&String| credit_machine().next("cancelled", event).is_ok();
    let out: Vec<String> = credit_machine().events.iter().filter(out_of_cancelled).cloned().collect();
    assert_eq!(out, ["judged_anew", "reappeared"], "under another Klarna order, and when it is listed again");
    for state in ["confirmed", "rejected", "withdrawn", "abandoned"] {
        intent_machine().absorbs(state);
    }
    let terminal = Order::ALL.into_iter().filter(|order| order.is_terminal());
    assert_eq!(terminal.collect::<Vec<_>>(), [Order::Cancelled, Order::Expired]);
}

#[test]
fn a_refund_is_intended_from_pending_only_so_that_no_second_one_exists() {
    let machine = credit_machine();
    let from: Vec<_> = machine.states.iter().filter(|state| machine.next(state, "refund_intended").is_ok()).collect();
    assert_eq!(from, ["pending"]);
}

#[test]
fn whether_goods_were_sent_is_asked_until_their_refund_was_asked_for() {
    let machine = credit_machine();
    let open: BTreeSet<&str> = ["pending", "held", "cancelled", "paid (by hand)"].into();
    let intended = CreditInvoice::RefundRequested(IntentId(Uuid::nil()));
    let refund = || Proof::Refund(RefundId("r1".to_owned()));
    let states = [
        CreditInvoice::Pending,
        CreditInvoice::Held,
        CreditInvoice::Cancelled,
        CreditInvoice::PaidByHand,
        intended,
        CreditInvoice::Refunded(refund()),
        CreditInvoice::Paid(refund()),
    ];
    for state in states {
        let name = credit_name(&state);
        assert!(machine.states.contains(&name), "{name}");
        assert_eq!(state.may_be_never_sent(), open.contains(name.as_str()), "{name}");
    }
}

#[test]
fn paid_with_proof_is_reached_through_refunded_only() {
    let machine = credit_machine();
    let proven = |name: &str| name.starts_with("paid (re");
    let into = machine.rows.iter().filter(|(_, next)| next.as_ref().is_ok_and(|to| proven(to)));
    for ((from, _), _) in into {
        assert!(from.starts_with("refunded"), "{from}");
    }
}

#[test]
fn the_machines_use_the_states_of_the_outside_contract() {
    let orders: BTreeSet<_> = Order::ALL.iter().map(|order| order.name()).collect();
    let of_contract = ["pending", "partly_paid", "paid", "refund_requested", "cancelled", "expired", "held"];
    assert_eq!(orders, BTreeSet::from(of_contract));
    let credits: BTreeSet<_> =
        credit_machine().states.iter().map(|name| name.split(' ').next().unwrap().to_owned()).collect();
    let of_contract = ["pending", "refund_requested", "refunded", "paid", "cancelled", "held"];
    assert_eq!(credits, of_contract.map(str::to_owned).into());
}

// What an answer means.

fn said() -> Said {
    Said { status: Some(403), code: Some("NOT_ALLOWED".to_owned()), ..Said::default() }
}

fn done() -> Answer {
    Answer::Done { id: Some("r1".to_owned()), correlation_id: None }
}

fn throttled() -> Answer {
    Answer::Throttled { until: Timestamp::UNIX_EPOCH, said: said() }
}

fn becomes(answer: &Answer, attempts: u32) -> State {
    State::Sending.apply(event_after(answer, attempts)).unwrap()
}

#[test]
fn a_well_formed_success_confirms_whichever_attempt_it_answers() {
    assert!([1, 2, 4].iter().all(|attempt| becomes(&done(), *attempt) == State::Confirmed));
}

#[test]
fn a_refusal_of_the_first_attempt_is_definitive() {
    assert_eq!(becomes(&Answer::Rejected(said()), 1), State::Rejected);
}

#[test]
fn a_refusal_of_a_later_attempt_may_be_caused_by_our_own_first_success() {
    assert_eq!(becomes(&Answer::Rejected(said()), 2), State::Unknown);
}

#[test]
fn what_was_never_written_to_the_socket_is_planned_again() {
    assert_eq!(becomes(&Answer::NotSent(said()), 1), State::Planned);
    assert!(leaves_no_trace(&Answer::NotSent(said())));
}

#[test]
fn a_throttled_first_attempt_is_planned_again() {
    assert_eq!(becomes(&throttled(), 1), State::Planned);
    assert!(leaves_no_trace(&throttled()));
}

#[test]
fn a_later_attempt_that_did_not_happen_leaves_the_first_one_unknown() {
    assert_eq!(becomes(&throttled(), 2), State::Unknown);
    assert_eq!(becomes(&Answer::NotSent(said()), 2), State::Unknown);
}

#[test]
fn a_refused_credential_is_unknown_and_no_attempt_is_counted() {
    assert_eq!(becomes(&Answer::AccountRefused(said()), 1), State::Unknown);
    assert!(leaves_no_trace(&Answer::AccountRefused(said())));
}

#[test]
fn a_lost_answer_is_unknown_and_its_attempt_counts() {
    assert_eq!([1, 2].map(|attempt| becomes(&Answer::Unknown(said()), attempt)), [State::Unknown, State::Unknown]);
    assert!(!leaves_no_trace(&Answer::Unknown(said())));
    assert!(!leaves_no_trace(&done()) && !leaves_no_trace(&Answer::Rejected(said())));
}

#[test]
fn what_is_in_flight_is_counted_as_if_it_had_happened() {
    let in_flight: Vec<_> = State::ALL.iter().filter(|state| state.is_in_flight()).map(State::name).collect();
    assert_eq!(in_flight, ["planned", "sending", "unknown"]);
}

#[test]
fn what_nobody_asked_for_yet_is_open() {
    let requested = CreditInvoice::RefundRequested(intent(Kind::Refund).id);
    let (refunded, paid) = (CreditInvoice::Refunded(by_refund()), CreditInvoice::Paid(by_refund()));
    let ended = [requested, refunded, paid, CreditInvoice::PaidByHand, CreditInvoice::Cancelled];
    assert!(CreditInvoice::Pending.is_open() && CreditInvoice::Held.is_open());
    assert!(!ended.iter().any(CreditInvoice::is_open));
}

#[test]
fn an_outcome_moves_the_credit_invoice_it_serves() {
    let refund = intent(Kind::Refund);
    let payment = intent(Kind::MarkPaid);
    let made = RefundId("r1".to_owned());
    let proven = CreditEvent::Refunded(by_refund());
    assert_eq!(follows(&refund, IntentEvent::Confirmed, Some(&made)), Some(proven));
    assert_eq!(follows(&refund, IntentEvent::Rejected, None), Some(CreditEvent::Refused));
    assert_eq!(follows(&refund, IntentEvent::Abandoned, None), Some(CreditEvent::Refused));
    assert_eq!(follows(&refund, IntentEvent::Lost, None), None);
    assert_eq!(follows(&payment, IntentEvent::Confirmed, None), Some(CreditEvent::PaidSeen));
    assert_eq!(follows(&payment, IntentEvent::Rejected, None), None);
    let remainder = Intent { effect: Effect { credit_invoice: None, ..refund.effect.clone() }, ..refund };
    assert_eq!(follows(&remainder, IntentEvent::Confirmed, Some(&made)), None);
}

// What absence allows.

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_772_366_400_i64.strict_add(seconds)).unwrap()
}

fn intent(kind: Kind) -> Intent {
    let effect = Effect {
        kind,
        amount: Minor::new(4_000).unwrap(),
        reference: Reference("INV1".to_owned()),
        credit_invoice: Some((InvoiceId(1), InvoiceNumber("INV1".to_owned()))),
        generation: 0,
    };
    let target = Target {
        shop: ShopName("main".to_owned()),
        whose: None,
        order: OrderId(1),
        klarna_order_id: KlarnaOrderId::new("k-1"),
        currency: Currency::EUR,
    };
    Intent {
        state: State::Unknown,
        attempts: 1,
        first_sent_at: Some(at(0)),
        last_sent_at: Some(at(0)),
        ..Intent::planned(effect, target, String::new(), at(0))
    }
}

/// Attempted `attempts` times, at first at 0 and at last at `last`; a read at `absent` did not show it.
fn attempted(attempts: u32, last: i64, absent: Option<i64>) -> Intent {
    Intent { attempts, last_sent_at: Some(at(last)), absent_since: absent.map(at), ..intent(Kind::Refund) }
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

#[test]
fn the_first_read_that_does_not_show_it_asks_for_a_second() {
    assert_eq!(attempted(1, 0, None).after_absence(at(60)), Next::Look { not_before: at(65) });
}

#[test]
fn two_reads_closer_than_the_settle_delay_are_one() {
    assert_eq!(attempted(1, 0, Some(60)).after_absence(at(64)), Next::Look { not_before: at(65) });
}

#[test]
fn two_reads_the_settle_delay_apart_prove_absence() {
    assert_eq!(attempted(1, 0, Some(60)).after_absence(at(65)), Next::Resend);
}

#[test]
fn the_ladder_is_five_seconds_five_minutes_five_hours_then_a_human() {
    let rungs = [5, 5 * MINUTE, 5 * HOUR];
    for (attempts, rung) in (1..).zip(rungs) {
        let intent = attempted(attempts, 100, Some(101));
        let early = at(100 + rung.max(6)).checked_sub(SignedDuration::from_secs(1)).unwrap();
        assert!(matches!(intent.after_absence(early), Next::Look { .. }), "{attempts} attempts");
        assert_eq!(intent.after_absence(at(100 + rung.max(6))), Next::Resend, "{attempts} attempts");
    }
    assert_eq!(attempted(4, 100, Some(101)).after_absence(at(10 * HOUR)), Next::Human);
}

#[test]
fn a_wait_names_the_later_of_the_rung_and_the_settle_delay() {
    assert_eq!(attempted(2, 0, Some(10)).after_absence(at(20)), Next::Look { not_before: at(5 * MINUTE) });
    assert_eq!(attempted(2, 0, None).after_absence(at(299)), Next::Look { not_before: at(304) });
}

#[test]
fn an_absence_from_before_the_last_attempt_proves_nothing() {
    assert_eq!(attempted(1, 100, Some(50)).after_absence(at(200)), Next::Look { not_before: at(205) });
}

#[test]
fn the_key_lives_for_twenty_three_hours_from_the_first_attempt() {
    let intent = attempted(3, HOUR, Some(2 * HOUR));
    assert_eq!(intent.after_absence(at(23 * HOUR - 1)), Next::Resend);
    assert_eq!(intent.after_absence(at(23 * HOUR)), Next::Human);
    assert!(intent.key_is_safe(at(23 * HOUR - 1)) && !intent.key_is_safe(at(23 * HOUR)));
}

#[test]
fn an_attempt_that_was_not_counted_is_looked_for_like_any_other() {
    let refused = Intent { attempts: 0, first_sent_at: None, last_sent_at: None, ..intent(Kind::Refund) };
    assert_eq!(refused.after_absence(at(60)), Next::Look { not_before: at(65) });
    let looked_for = Intent { absent_since: Some(at(60)), ..refused };
    assert_eq!(looked_for.after_absence(at(65)), Next::Resend);
    assert_eq!(looked_for.after_absence(at(23 * HOUR)), Next::Human);
}

#[test]
fn marking_paid_is_idempotent_and_needs_neither_key_nor_ladder() {
    let payment = Intent { attempts: 9, ..intent(Kind::MarkPaid) };
    assert_eq!(payment.after_absence(at(30 * HOUR)), Next::Resend);
}

#[test]
fn a_success_that_names_something_else_proves_nothing() {
    let done = |id: &str| Answer::Done { id: Some(id.to_owned()), correlation_id: None };
    let asked = Intent { seen_before: vec!["r-old".to_owned()], ..intent(Kind::Refund) };
    let other = Effect { reference: Reference("INV2".to_owned()), ..asked.effect.clone() };
    let mut made = Intent::planned(other, asked.target.clone(), String::new(), at(0));
    made.made = Some(RefundId("r-2".to_owned()));
    let mut ledger = Ledger::new(ShopName("main".to_owned()));
    ledger.intents = vec![asked.clone(), made];
    let state = CreditInvoice::Paid(Proof::Refund(RefundId("r-3".to_owned())));
    for id in [1, 3] {
        let number = InvoiceNumber(format!("INV{id}"));
        let record = CreditRecord { number, state: state.clone(), amount: None, created_at: at(0) };
        ledger.credits.insert(InvoiceId(id), record);
    }
    let judged = |id: &str| done(id).unless_it_names_another(&asked, &ledger, None);
    for known in ["r-old", "r-2", "r-3"] {
        assert!(matches!(judged(known), Answer::Unknown(said) if said.message.contains(known)), "{known}");
    }
    assert_eq!(judged("r-new"), done("r-new"));
    ledger.credits.remove(&InvoiceId(3));
    assert_eq!(done("r-3").unless_it_names_another(&asked, &ledger, None), done("r-3"), "its own proof");
}

#[test]
fn what_makes_an_effect_makes_its_key() {
    let base = intent(Kind::Refund);
    let other = |effect: Effect| intent::key(&effect, &base.target);
    let mut keys = BTreeSet::from([base.key]);
    assert!(keys.insert(other(Effect { kind: Kind::Capture, ..base.effect.clone() })));
    assert!(keys.insert(other(Effect { amount: Minor::new(4_001).unwrap(), ..base.effect.clone() })));
    assert!(keys.insert(other(Effect { reference: Reference("INV2".to_owned()), ..base.effect.clone() })));
    assert!(keys.insert(other(Effect { generation: 1, ..base.effect.clone() })));
    for target in [
        Target { shop: ShopName("other".to_owned()), ..base.target.clone() },
        Target { klarna_order_id: KlarnaOrderId::new("k-2"), ..base.target.clone() },
        Target { currency: Currency::SEK, ..base.target.clone() },
    ] {
        assert!(keys.insert(intent::key(&base.effect, &target)), "{target:?}");
    }
    assert_eq!(intent::key(&base.effect, &base.target), base.key, "the same content is the same key");
    // Whose it is, the services say; what somebody calls the shop makes no other key.
    let whose = |change: fn(&mut Identity)| {
        let mut it = Identity {
            cluster: "eu1".to_owned(),
            environment: "playground".to_owned(),
            region: "eu".to_owned(),
            shop_id: "1".to_owned(),
        };
        change(&mut it);
        Target { whose: Some(it), ..base.target.clone() }
    };
    let of = |target: &Target| (intent::key(&base.effect, target), intent::id(&base.effect, target));
    let ours = whose(|_| {});
    assert_eq!(of(&Target { shop: ShopName("renamed".to_owned()), ..ours.clone() }), of(&ours));
    assert!(keys.insert(of(&ours).0));
    let changes: [fn(&mut Identity); 4] = [
        |it| it.cluster = "us1".to_owned(),
        |it| it.environment = "production".to_owned(),
        |it| it.region = "na".to_owned(),
        |it| it.shop_id = "2".to_owned(),
    ];
    assert!(changes.into_iter().all(|change| keys.insert(of(&whose(change)).0)));
    // What an earlier version made is never made differently.
    assert_eq!(base.key.to_string(), "2fe87ee0-e38f-529d-adf4-a887ffc49942");
    assert_ne!(base.id.0, base.key, "a report may show the id without giving the key away");
}

// The page for people.

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/states.md");

#[test]
#[expect(clippy::disallowed_methods, reason = "this variable is for whoever runs the test, not for the program")]
fn the_page_of_states_is_what_the_machines_do() {
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let found = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(found == page, "docs/states.md is not what the machines do; UPDATE_DOCS=1 cargo test --test machines");
}

fn page() -> String {
    let mut page = String::from(
        "# States\n\nGenerated from the machines by `UPDATE_DOCS=1 cargo test --test machines`; a test compares.\n\
         A row is a state, a column an event; an empty cell is illegal and, found in the journal, damage.\n",
    );
    let machines = [
        (
            order_machine(),
            "Where the money of one order stands. `cancelled` and `expired` absorb; `held (…)` names what goes on beneath the hold.",
        ),
        (
            credit_machine(),
            "From seen in the shop to refunded and marked paid. In brackets: what proves it. `paid (by hand)` is proven by nothing.",
        ),
        (
            intent_machine(),
            "One effect, from decided to certain. `planned`, `sending` and `unknown` count as if it had happened.",
        ),
        (
            break_machine(),
            "What a human is told, from found to settled by them (`resolved`) or gone by itself (`cleared`). One that comes back is another break.",
        ),
    ];
    for (machine, about) in machines {
        write!(page, "\n## The {}\n\n{about}\n\n", machine.name).unwrap();
        table(&machine, &mut page);
        arrows(&machine, &mut page);
    }
    page
}

fn table(machine: &Machine, page: &mut String) {
    writeln!(page, "| | {} |", machine.events.join(" | ")).unwrap();
    writeln!(page, "|{}", "---|".repeat(machine.events.len().strict_add(1))).unwrap();
    for state in &machine.states {
        let cells = machine.events.iter().map(|event| machine.next(state, event).clone().unwrap_or_default());
        writeln!(page, "| **{state}** | {} |", cells.collect::<Vec<_>>().join(" | ")).unwrap();
    }
}

/// The legal rows as arrows.
fn arrows(machine: &Machine, page: &mut String) {
    page.push_str("\n```text\n");
    for state in &machine.states {
        for event in &machine.events {
            if let Ok(next) = machine.next(state, event) {
                writeln!(page, "{state} ── {event} ──▶ {next}").unwrap();
            }
        }
    }
    page.push_str("```\n");
}

#[test]
fn an_illegal_step_says_what_was_tried() {
    let illegal = Order::Cancelled.apply(OrderEvent::Captured).unwrap_err();
    assert_eq!(illegal.to_string(), "order: no transition from cancelled on captured");
    let debug: &dyn Debug = &illegal;
    assert!(format!("{debug:?}").contains("order"));
}
