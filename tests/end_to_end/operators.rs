//! What an operator decides: adopt, ignore, hold, approve, breaks; each takes effect with the next pass, once.

use reconciled_sandbox::{FaultKind, KlarnaStart, Side};
use serde_json::Value;

use crate::support::{DRIVE, Pass, Placed, Rig, text};

const NOTE: [&str; 2] = ["--note", "checked with the customer"];

#[track_caller]
fn decide(rig: &Rig, arguments: &[&str]) {
    rig.run(&[arguments, &NOTE].concat()).ended(0);
}

/// An order with a return that somebody refunded by hand: the order, the credit invoice and the refund's id.
fn refunded_by_hand(rig: &Rig, amount: i64) -> (Placed, String, String) {
    let (order, credit) = rig.returned(5_035, 1_995);
    let refund = rig.with(|world| world.portal_refund(order.klarna.unwrap(), Some(amount), None)).unwrap();
    (order, credit, refund.to_string())
}

#[test]
fn an_adopted_refund_proves_its_credit_invoice_and_nothing_more_is_refunded() {
    let rig = Rig::empty(DRIVE);
    let (order, credit, refund) = refunded_by_hand(&rig, 1_995);
    assert_eq!(rig.pass().breaks_of(&order.number), ["refund_unattributed"]);
    decide(&rig, &["adopt", &refund, &credit]);
    let pass = rig.pass();
    assert_eq!(pass.breaks_of(&order.number), [""; 0], "{:#}", pass.json);
    assert_eq!(rig.invoice_status(&credit), "paid");
    assert_eq!(pass.credit(&credit)["refund_id"], refund.as_str());
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 1_995);
    rig.audit();
}

#[test]
fn a_refund_of_a_part_is_adopted_as_one_and_the_rest_is_refunded_once() {
    let rig = Rig::empty(DRIVE);
    let (order, credit, refund) = refunded_by_hand(&rig, 1_500);
    rig.pass();
    // Without amounts it fits exactly or is refused with the sums.
    rig.run(&["adopt", &refund, &credit, NOTE[0], NOTE[1]]).ended(2).says("15.00 EUR").says("19.95 EUR");
    decide(&rig, &["adopt", &refund, &format!("{credit}=15.00")]);
    let pass = rig.pass();
    assert_eq!(pass.breaks_of(&order.number), [""; 0], "{:#}", pass.json);
    assert_eq!(rig.invoice_status(&credit), "paid");
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 1_995);
    assert_eq!(rig.pass().effects_of(&order.number), []);
    rig.audit();
}

#[test]
fn one_refund_for_two_credit_invoices_is_adopted_in_parts_as_the_break_proposes() {
    let rig = Rig::empty(DRIVE);
    let (order, first) = rig.returned(10_000, 2_500);
    let second = rig.credit(&order, 3_000);
    let refund = rig.with(|world| world.portal_refund(order.klarna.unwrap(), Some(5_500), None)).unwrap().to_string();
    let pass = rig.pass();
    assert_eq!(pass.breaks_of(&order.number), ["refund_unattributed"]);
    let remedy = pass.json["breaks"][0]["remedy"].as_str().unwrap();
    let proposed = format!("adopt {refund} {first}=25.00 {second}=30.00");
    assert!(remedy.contains(&proposed), "{remedy}");
    // One part alone leaves the rest of the refund, and that holds the other credit invoice.
    decide(&rig, &["adopt", &refund, &format!("{first}=25.00")]);
    let held = rig.pass();
    assert_eq!(held.breaks_of(&order.number), ["refund_unattributed"], "{:#}", held.json);
    assert_eq!(held.json["breaks"][0]["amount_minor"], 3_000);
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 5_500);
    decide(&rig, &["adopt", &refund, &format!("{first}=25.00"), &format!("{second}=30.00")]);
    let done = rig.pass();
    assert_eq!(done.breaks_of(&order.number), [""; 0], "{:#}", done.json);
    assert_eq!((rig.invoice_status(&first), rig.invoice_status(&second)), ("paid".into(), "paid".into()));
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 5_500);
    rig.audit();
}

#[test]
fn an_ignored_refund_settles_nothing_and_no_longer_stops_the_order() {
    let rig = Rig::empty(DRIVE);
    let (order, credit, refund) = refunded_by_hand(&rig, 1_500);
    rig.pass();
    decide(&rig, &["ignore", &refund]);
    let pass = rig.pass();
    assert_eq!(pass.effects_of(&order.number).len(), 2, "{:#}", pass.json);
    assert_eq!(rig.invoice_status(&credit), "paid");
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 1_500 + 1_995);
    rig.money_is_safe();
}

#[test]
fn a_refund_that_klarna_never_showed_cannot_be_adopted() {
    let rig = Rig::empty(DRIVE);
    let (_, credit, _) = refunded_by_hand(&rig, 1_995);
    rig.pass();
    let id = "00000000-0000-4000-8000-000000000000";
    rig.run(&["adopt", id, &credit, NOTE[0], NOTE[1]]).ended(2).says(id);
    // Deciding wants a reason.
    rig.run(&["adopt", id, &credit]).ended(2);
}

#[test]
fn a_held_order_is_looked_at_and_nothing_is_written_until_it_is_released() {
    let rig = Rig::empty(DRIVE);
    let first = rig.returned(5_035, 1_995).0;
    rig.run(&["reconcile", "--dry-run"]);
    decide(&rig, &["hold", &first.number]);
    let (second, _) = rig.returned(6_000, 500);
    let pass = rig.pass();
    pass.ended(1);
    assert_eq!(pass.order(&first.number)["state"], "held");
    assert_eq!(pass.effects_of(&first.number), [("refund".to_owned(), "held".to_owned())]);
    assert_eq!(rig.pair(&first).klarna.refunded_amount, 0);
    assert_eq!(rig.pair(&second).klarna.refunded_amount, 500);
    rig.run(&["release", &first.number]).ended(0);
    rig.passes_until_quiet(3).ended(0);
    rig.everything_is_settled();
    rig.audit();
}

/// The intent of the one effect of this outcome.
#[track_caller]
fn intent(pass: &Pass, outcome: &str) -> Value {
    let found: Vec<_> = pass.list("effects").iter().filter(|it| it["outcome"] == outcome).collect();
    assert_eq!(found.len(), 1, "{outcome}: {:#}", pass.json);
    found[0].clone()
}

#[test]
fn a_refund_above_the_orders_limit_waits_for_approval_of_exactly_it() {
    let rig = Rig::empty(&format!("{DRIVE}\nrefund_limit_per_order = \"40.00\""));
    let (order, credit) = rig.returned(9_000, 4_001);
    let (small, _) = rig.returned(9_000, 4_000);
    let pass = rig.pass();
    pass.ended(1);
    assert_eq!(rig.pair(&small).klarna.refunded_amount, 4_000);
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 0);
    assert_eq!(pass.breaks_of(&order.number), ["limit_reached"]);
    let held = intent(&pass, "held");
    decide(&rig, &["approve", held["intent"].as_str().unwrap()]);
    rig.pass().ended(0);
    let refunds = rig.pair(&order).klarna.refunds;
    assert_eq!(refunds.iter().map(|it| it.amount).collect::<Vec<_>>(), [4_001]);
    assert_eq!(refunds[0].idempotency_key.as_deref(), held["idempotency_key"].as_str());
    // Approval is of that refund, not of the order.
    let more = rig.credit(&order, 4_500);
    let pass = rig.pass();
    pass.ended(1);
    assert_eq!(rig.invoice_status(&more), "not_paid");
    assert_eq!(rig.invoice_status(&credit), "paid");
    rig.money_is_safe();
}

#[test]
fn the_limits_of_a_pass_and_of_a_day_hold_the_rest() {
    let rig = Rig::empty(&format!("{DRIVE}\nrefund_limit_per_pass = \"25.00\"\nrefund_limit_per_day = \"45.00\""));
    for _ in 0..6 {
        rig.returned(5_000, 1_000);
    }
    let refunded = || rig.pairs().iter().map(|it| it.klarna.refunded_amount).sum::<i64>();
    rig.pass().ended(1);
    assert_eq!(refunded(), 2_000, "the limit of the pass");
    rig.pass().ended(1);
    assert_eq!(refunded(), 4_000, "the limit of the pass, again");
    for _ in 0..2 {
        let pass = rig.pass();
        pass.ended(1);
        assert_eq!(refunded(), 4_000, "the limit of the day");
        assert!(pass.list("effects").iter().any(|it| it["outcome"] == "held"), "{:#}", pass.json);
    }
    pass_names_the_limit(&rig.pass());
    rig.money_is_safe();
}

#[track_caller]
fn pass_names_the_limit(pass: &Pass) {
    let limited = pass.list("breaks").iter().filter(|it| it["kind"] == "limit_reached").count();
    assert!(limited > 0, "{:#}", pass.json);
}

#[test]
fn a_refused_refund_starts_anew_once_it_is_approved() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_035, 4_495);
    let message = "Not possible".to_owned();
    let kind = FaultKind::Refusal { code: 403, error_code: "REFUND_NOT_ALLOWED".to_owned(), message };
    rig.fault(Side::Klarna, "POST", "*/refunds", kind, false);
    let first = intent(&rig.pass(), "rejected");
    decide(&rig, &["approve", &order.number]);
    let pass = rig.pass();
    pass.ended(0);
    let refunds = rig.pair(&order).klarna.refunds;
    assert_eq!(refunds.len(), 1);
    let (old, new) = (first["idempotency_key"].as_str(), refunds[0].idempotency_key.as_deref());
    assert_ne!(old, new, "a new generation has a new key");
    assert_eq!(rig.invoice_status(&credit), "paid");
    let shown = rig.run(&["show", &credit, "--json"]).json();
    let generations: Vec<_> = shown["intents"].as_array().unwrap().iter().filter(|it| it["kind"] == "refund").collect();
    assert_eq!(generations.iter().map(|it| it["generation"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1]);
    // Approving twice moves nothing twice.
    rig.run(&["approve", &order.number, NOTE[0], NOTE[1]]);
    rig.pass();
    assert_eq!(rig.pair(&order).klarna.refunds.len(), 1);
    rig.audit();
}

#[test]
fn a_break_is_acknowledged_resolved_and_reopened_with_who_and_why() {
    let rig = Rig::empty(DRIVE);
    let (order, ..) = refunded_by_hand(&rig, 1_500);
    let id = text(&rig.pass().the_break("refund_unattributed")["id"]);
    let status = |all: &[&str]| {
        let list = rig.run(&[&["breaks", "list", "--json"], all].concat()).json();
        let list = list["breaks"].as_array().unwrap().clone();
        list.iter().find(|it| it["id"] == id.as_str()).map(|it| text(&it["status"]))
    };
    assert_eq!(status(&[]).as_deref(), Some("open"));
    decide(&rig, &["breaks", "ack", &id, "--as", "operator-1"]);
    assert_eq!(status(&[]).as_deref(), Some("acknowledged"));
    rig.run(&["breaks", "list"]).ended(1);
    decide(&rig, &["breaks", "resolve", &id]);
    assert_eq!(status(&[]), None);
    assert_eq!(status(&["--all"]).as_deref(), Some("resolved"));
    rig.run(&["breaks", "reopen", &id]).ended(0);
    assert_eq!(status(&[]).as_deref(), Some("open"));
    rig.run(&["show", &order.number]).ended(0).says("operator-1").says(NOTE[1]).says("tester");
    rig.audit();
}

#[test]
fn a_resolved_break_opens_again_while_a_refund_waits_for_it() {
    let rig = Rig::empty(DRIVE);
    let (order, ..) = refunded_by_hand(&rig, 1_500);
    let id = text(&rig.pass().the_break("refund_unattributed")["id"]);
    decide(&rig, &["breaks", "resolve", &id]);
    // The refund of its credit invoice still waits: nothing is withheld without an open break that says so.
    let pass = rig.pass_with(&["--full"]);
    pass.ended(1);
    assert_eq!(pass.breaks_of(&order.number), ["refund_unattributed"], "{:#}", pass.json);
    rig.with(|world| world.portal_refund(order.klarna.unwrap(), Some(100), None)).unwrap();
    let pass = rig.pass_with(&["--full"]);
    assert!(pass.breaks_of(&order.number).contains(&"refund_unattributed".to_owned()), "{:#}", pass.json);
}

#[test]
fn stop_stops_whatever_else_is_wrong_with_the_configuration() {
    let rig = Rig::demo("act = true");
    rig.run(&["reconcile", "--dry-run"]);
    rig.configure("act = true\ncaptures = \"sometimes\"");
    rig.run(&["reconcile"]).ended(2).says("captures");
    rig.run(&["stop"]).ended(0).says("captures").says("main: stopped");
    rig.configure("act = true");
    rig.pass();
    assert!(rig.writes().is_empty(), "stopped it is");
}

#[test]
fn stop_holds_everything_and_resume_lets_it_go() {
    let rig = Rig::demo("act = true");
    decide(&rig, &["stop"]);
    let pass = rig.pass();
    pass.ended(1);
    assert_eq!(rig.writes(), vec![]);
    assert!(pass.list("effects").iter().all(|it| it["outcome"] == "held"));
    rig.pass_with(&["--order", "ORD00002"]).ended(1);
    assert_eq!(rig.writes(), vec![]);
    rig.run(&["resume"]).ended(0);
    rig.pass();
    assert_eq!(rig.pair_of("ORD00002").klarna.refunded_amount, 13_545);
}

#[test]
fn an_order_that_was_captured_by_hand_needs_nothing() {
    let rig = Rig::empty(DRIVE);
    let order = rig.order(5_000, KlarnaStart::Authorized, true);
    rig.with(|world| world.portal_capture(order.klarna.unwrap(), None, None)).unwrap();
    rig.pass().ended(0);
    assert_eq!(rig.writes(), vec![]);
}
