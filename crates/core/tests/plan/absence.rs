//! What one answer of the shop's lacks or says twice.

use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::{GONE, Word};
use reconciled_core::id::{InvoiceId, InvoiceNumber};

use crate::common::{Ask, Scene, ago, captured_order};

/// Credit invoice INV1 is held as pending, and the shop's answer has only INV2.
fn lacking() -> Scene {
    captured_order("100.00").credit("INV2", "30.00", "3h").credit_known_as("INV1", "40.00", CreditInvoice::Pending)
}

fn missed_since(mut scene: Scene, when: &str) -> Scene {
    scene.ledger.differs_since.insert((BreakKind::CreditChanged, "missing:1".to_owned()), ago(when));
    scene
}

/// INV1 over 40.00, and another credit invoice over 30.00 of the same number, with the id 2.
fn one_number_twice() -> Scene {
    captured_order("100.00")
        .credit("INV1", "40.00", "3h")
        .credit("INV2", "30.00", "2h")
        .change_credit("INV2", |credit| credit.number = InvoiceNumber("INV1".to_owned()))
}

fn back_again() -> Scene {
    let mut scene = captured_order("100.00").credit("INV1", "40.00", "3h").credit_known_as(
        "INV1",
        "40.00",
        CreditInvoice::Cancelled,
    );
    scene.ledger.vanished.insert(InvoiceId(1));
    scene
}

cases! {
    a_credit_invoice_that_one_answer_lacks_holds_its_order_and_is_not_withdrawn:
        lacking() => "
            credit INV2 pending→held
            refund INV2 30.00 hold disagreement (the shop's answer lacks a credit invoice that it had listed)
            break credit_changed missing:1 40.00";

    a_credit_invoice_that_two_answers_lack_some_minutes_apart_is_withdrawn:
        missed_since(lacking(), "4m") => "
            credit INV1 pending→cancelled
            refund INV2 30.00 act";

    a_second_answer_a_moment_later_proves_nothing:
        missed_since(lacking(), "1m") => "
            credit INV2 pending→held
            refund INV2 30.00 hold disagreement (the shop's answer lacks a credit invoice that it had listed)
            break credit_changed missing:1 40.00";

    the_same_answer_looked_at_again_proves_nothing:
        missed_since(lacking(), "40m").shop_read("41m") => "
            credit INV2 pending→held
            refund INV2 30.00 hold disagreement (the shop's answer lacks a credit invoice that it had listed)
            break credit_changed missing:1 40.00";

    a_credit_invoice_that_vanished_and_is_listed_again_is_refunded_as_any_other:
        back_again() => "
            credit INV1 cancelled→pending
            refund INV1 40.00 act";

    two_credit_invoices_of_one_number_are_two_refunds:
        one_number_twice() => "
            refund INV1 40.00 act
            refund INV1:2 30.00 act";

    of_two_credit_invoices_of_one_number_the_refund_of_one_settles_that_one_alone:
        one_number_twice().refund("r1", "40.00", "INV1").intended(&Ask::refund("INV1", "40.00").confirmed("r1", "1h")) => "
            refund INV1:2 30.00 act
            mark_paid INV1 40.00 act";

    a_refund_that_was_asked_for_under_an_earlier_number_is_not_asked_for_again:
        captured_order("100.00").credit("INV1", "40.00", "3h").intended(&Ask::refund("INV1", "40.00").unknown("1h"))
            .change_credit("INV1", |credit| credit.number = InvoiceNumber("INV9".to_owned())).refund("r1", "40.00", "INV1") => "
            credit INV1 refund_requested→refunded
            intent refund INV1 seen r1
            mark_paid INV1 40.00 act";

    a_refund_by_hand_under_a_number_that_two_have_is_nobodys:
        one_number_twice().refund("r9", "30.00", "INV1") => "
            credit INV1 pending→held
            credit INV2 pending→held
            refund INV1 40.00 hold unattributed
            refund INV1:2 30.00 hold unattributed
            break refund_unattributed r9 30.00";

    an_order_that_the_shop_does_not_find_any_more_is_for_a_human_and_nothing_is_sent:
        captured_order("100.00").credit("INV1", "25.00", "3h")
            .shop_says(|shop| shop.status = Word::Unknown(GONE.to_owned())) => "break unknown_value gone";
}
