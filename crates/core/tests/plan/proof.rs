//! Nothing final is concluded while the two sides disagree, and what was concluded stands beside what contradicts it.

use reconciled_core::answer::{Answer, Said};
use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::id::RefundId;
use reconciled_core::intent::Kind;
use reconciled_core::order::Order;
use reconciled_core::plan::{HoldReason, Plan, Verdict};

use crate::common::{Ask, Scene, captured_order, credit_states, order};
use crate::every_case;

fn refunded() -> CreditInvoice {
    CreditInvoice::Refunded(Proof::Refund(RefundId("r1".to_owned())))
}

/// Of an order over 100.00 a credit invoice over 40.00 was marked paid as never captured; so much is captured now.
fn settled_uncaptured(captured: &str) -> Scene {
    order("100.00")
        .shipped("48h")
        .captured(captured, "5h")
        .released()
        .known_as(Order::Paid)
        .credit("INV1", "40.00", "60h")
        .marked_paid("INV1", "50h")
        .credit_known_as("INV1", "40.00", CreditInvoice::Cancelled)
}

cases! {
    an_order_whose_amounts_differ_is_not_called_paid:
        order("100.00").shipped("48h").captured("100.00", "48h").total("110.00") => "break amount_differs 10.00";

    an_order_whose_amounts_differ_is_not_called_expired:
        order("100.00").expired().total("110.00") => "
            break amount_differs 10.00
            break authorization_expired 100.00";

    an_order_whose_amounts_differ_is_not_called_cancelled_for_good:
        order("100.00").cancelled("2h").cancelled_at_klarna().total("110.00") => "
            order pending→refund_requested
            break amount_differs 10.00";

    a_credit_invoice_is_not_settled_as_never_captured_while_the_amounts_differ:
        order("100.00").credit("INV1", "40.00", "2h").cancelled_at_klarna().total("110.00") => "
            break amount_differs 10.00
            break cancelled_at_klarna";

    a_credit_invoice_is_not_settled_with_its_order_while_the_amounts_differ:
        captured_order("100.00").cancelled("2h").credit("INV1", "110.00", "2h").refund("r1", "100.00", "ORD1:cancel")
            .total("110.00") => "
            order paid→refund_requested
            break amount_differs 10.00";

    a_payment_in_the_shop_concludes_nothing_while_the_amounts_differ:
        captured_order("100.00").credit("INV1", "40.00", "3h").refund("r1", "40.00", "INV1").marked_paid("INV1", "1h")
            .credit_known_as("INV1", "40.00", refunded()).total("110.00") => "break amount_differs 10.00";

    a_shared_klarna_order_concludes_nothing_either:
        order("100.00").shop_says(|shop| shop.shipments.clear()).cancelled("2h").cancelled_at_klarna()
            .shared_with("ORD2") => "
            order pending→refund_requested
            break klarna_order_shared";

    // What contradicts a final state.
    settled_as_never_captured_and_captured_after_all:
        captured_order("100.00").credit("INV1", "25.00", "60h").marked_paid("INV1", "50h")
            .credit_known_as("INV1", "25.00", CreditInvoice::Cancelled) => "break paid_without_refund INV1 25.00";

    settled_as_never_captured_and_left_out_of_the_capture:
        order("100.00").shipped("48h").captured("75.00", "48h").released().known_as(Order::Paid)
            .credit("INV1", "25.00", "60h").marked_paid("INV1", "50h")
            .credit_known_as("INV1", "25.00", CreditInvoice::Cancelled) => "";

    settled_as_never_captured_captured_after_all_and_refunded_by_a_human:
        captured_order("100.00").credit("INV1", "25.00", "60h").marked_paid("INV1", "50h")
            .refund("r1", "25.00", "INV1").credit_known_as("INV1", "25.00", CreditInvoice::Cancelled) => "";

    a_lapsed_authorization_that_is_there_again_is_said:
        order("100.00").known_as(Order::Expired) => "
            break authorization_expired reopened 100.00
            look_again 480h";

    what_was_settled_as_never_captured_and_paid_is_said_once_it_was_captured:
        settled_uncaptured("60.02") => "break paid_without_refund INV1 40.00";

    a_cent_of_it_is_no_difference:
        settled_uncaptured("60.01") => "";

    another_credit_invoice_beside_it_was_not_settled_so:
        settled_uncaptured("60.00").credit("INV2", "30.00", "50h").marked_paid("INV2", "40h")
            .credit_known_as("INV2", "30.00", CreditInvoice::PaidByHand) => "break paid_without_refund INV2 30.00";
}

fn concludes(scene: &Scene, plan: &Plan) -> bool {
    let mut state = scene.ledger.order;
    for event in &plan.order_events {
        let next = state.apply(*event).expect("a legal event of the order");
        if next.stage() != state.stage() && next.is_concluded() {
            return true;
        }
        state = next;
    }
    let mut states = credit_states(&scene.ledger, &scene.facts);
    plan.credit_events.iter().any(|(id, event)| {
        let next = states[id].clone().apply(event.clone()).expect("a legal event of the credit invoice");
        let concluded = next.is_concluded();
        states.insert(*id, next);
        concluded
    })
}

/// Whatever the order has been through: while two shop orders name its Klarna order, nothing is concluded and sent.
#[test]
fn while_the_sides_disagree_no_final_state_is_reached_and_nothing_is_sent() {
    for (name, scene) in every_case() {
        let scene = scene().shared_with("ORD2");
        let plan = scene.plan();
        assert!(!concludes(&scene, &plan), "{name}: {plan:?}");
        let sent = plan.effects.iter().find(|wanted| {
            let by_operator = matches!(wanted.verdict, Verdict::Hold(HoldReason::Operator(_)));
            !by_operator && !matches!(wanted.verdict, Verdict::Hold(HoldReason::Disagreement(_)))
        });
        assert_eq!(sent, None, "{name}");
    }
}

/// However it was planned, and whichever of our books knows what made it.
#[test]
fn an_answer_that_names_what_the_read_before_it_showed_proves_nothing() {
    let scene = captured_order("100.00").refund("r1", "25.00", "INV9");
    let judged = |kind, id: &str| {
        let asked = scene.clone().intended(&Ask::new(kind, "INV1", "25.00").sending("1m"));
        let answer = Answer::Done { id: Some(id.to_owned()), correlation_id: Some("corr-1".to_owned()) };
        let intent = asked.ledger.intents.last().unwrap().clone();
        answer.unless_it_names_another(&intent, &asked.ledger, asked.facts.klarna.read())
    };
    let is_refused =
        |said: &Said, id: &str| said.message.contains(id) && said.correlation_id.as_deref() == Some("corr-1");
    for (kind, shown, new) in [(Kind::Refund, "r1", "c1"), (Kind::Capture, "c1", "r1")] {
        assert!(matches!(judged(kind, shown), Answer::Unknown(said) if is_refused(&said, shown)), "{kind:?}");
        assert!(matches!(judged(kind, new), Answer::Done { .. }), "{kind:?}: no {new} of this kind was there");
    }
    assert!(matches!(judged(Kind::Cancel, "r1"), Answer::Done { .. }), "a cancel makes neither");
}
