//! Which Klarna order a shop order belongs to: a link is a claim until Klarna's side agrees.

use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::facts::{KlarnaOrder, KlarnaSide, KlarnaStatus, Place, Word};
use reconciled_core::finding::Finding;
use reconciled_core::id::{CaptureId, KlarnaOrderId};
use reconciled_core::intent::Kind;
use reconciled_core::link::{self, Answer};
use reconciled_core::money::{Currency, Minor};
use reconciled_core::order::Order;
use reconciled_core::references::References;

use crate::common::{Ask, Scene, ago, captured_order, eur, order};

/// Everything is captured.
fn is_captured(klarna: &mut KlarnaOrder) {
    klarna.captured = klarna.order_amount;
    klarna.remaining = Minor::ZERO;
    klarna.status = Word::Known(KlarnaStatus::Captured);
}

fn says(reference: &str) -> impl FnOnce(&mut KlarnaOrder) {
    let reference = Some(reference.to_owned()).filter(|text| !text.is_empty());
    move |klarna| klarna.merchant_reference1 = reference
}

fn shipped() -> Scene {
    order("100.00").shipped("48h")
}

fn a_day_and_a_second_apart(klarna: &mut KlarnaOrder) {
    klarna.merchant_reference1 = None;
    klarna.created_at = Some(ago("96h 1s"));
}

cases! {
    // Several hold money.
    an_authorized_and_a_captured_order_are_named_and_neither_is_captured:
        shipped().also_names("k-2", is_captured) => "break klarna_order_ambiguous 200.00";

    two_that_are_captured_pay_nothing_back:
        captured_order("100.00").credit("INV1", "25.00", "2h").also_names("k-2", is_captured)
            => "break klarna_order_ambiguous 200.00";

    two_that_are_authorized_cancel_neither:
        order("100.00").cancelled("2h").also_names("k-2", |_| ()) => "break klarna_order_ambiguous 200.00";

    a_second_capture_over_another_amount_was_paid_by_the_same_consumer:
        captured_order("100.00").also_names("k-2", |klarna| {
            klarna.order_amount = eur("80.00");
            klarna.original_amount = eur("80.00");
            is_captured(klarna);
        }) => "break klarna_order_ambiguous 180.00";

    a_status_without_a_word_may_hold_money:
        shipped().also_names("k-2", |klarna| {
            klarna.remaining = Minor::ZERO;
            klarna.status = Word::Unknown("PAUSED".to_owned());
        }) => "break klarna_order_ambiguous 100.00";

    // One holds money.
    the_living_one_of_two_attempts_is_refunded:
        order("100.00").cancelled_at_klarna().credit("INV1", "25.00", "2h").shipped("48h")
            .also_names("k-2", is_captured) => "
            order pending→paid
            refund INV1 25.00 act";

    the_second_attempt_is_captured_when_the_first_lapsed:
        shipped().expired().also_names("k-2", |_| ()) => "
            capture SHP1 100.00 act
            look_again 480h";

    an_authorization_over_another_amount_is_not_the_link:
        shipped().klarna_says(|klarna| {
            klarna.order_amount = eur("80.00");
            klarna.original_amount = eur("80.00");
        }).also_names("k-2", |_| ()) => "
            capture SHP1 100.00 act
            break authorization_stray k-1 100.00
            look_again 480h";

    the_only_one_that_holds_money_may_differ_in_its_amount:
        shipped().cancelled_at_klarna().also_names("k-2", |klarna| {
            klarna.order_amount = eur("80.00");
            klarna.original_amount = eur("80.00");
            klarna.remaining = eur("80.00");
        }) => "
            break amount_differs 20.00
            break shipped_not_captured 100.00
            look_again 480h";

    of_two_that_hold_nothing_the_younger_one_counts:
        shipped().cancelled_at_klarna().also_names("k-2", |klarna| {
            klarna.remaining = Minor::ZERO;
            klarna.status = Word::Known(KlarnaStatus::Expired);
            klarna.created_at = Some(ago("71h"));
        }) => "
            order pending→expired
            break authorization_expired 100.00";

    // Whose order it is.
    an_order_of_the_same_amount_that_names_another_number_is_a_strangers:
        captured_order("100.00").credit("INV1", "25.00", "2h").klarna_says(says("ORD00777"))
            => "break klarna_order_mismatch 100.00";

    a_strangers_order_is_not_cancelled:
        order("100.00").cancelled("2h").klarna_says(says("ORD00777")) => "break klarna_order_mismatch 100.00";

    a_strangers_order_is_not_captured:
        shipped().klarna_says(says("#ord2")) => "break klarna_order_mismatch 100.00";

    a_strangers_order_settles_nothing:
        captured_order("100.00").credit("INV1", "100.00", "2h").refund("r1", "100.00", "INV1").klarna_says(says("ORD2"))
            => "break klarna_order_mismatch 100.00";

    a_strangers_second_reference_counts_too:
        captured_order("100.00").credit("INV1", "25.00", "2h")
            .klarna_says(|klarna| klarna.merchant_reference2 = Some("ORD777".to_owned()))
            => "break klarna_order_mismatch 100.00";

    a_strangers_order_beside_its_own_is_dropped:
        captured_order("100.00").credit("INV1", "25.00", "2h").also_names("k-2", |klarna| {
            is_captured(klarna);
            klarna.merchant_reference1 = Some("ORD777".to_owned());
        }) => "refund INV1 25.00 act";

    // What came to nothing says only that the money is elsewhere.
    an_attempt_that_came_to_nothing_settles_nothing_while_a_text_alone_says_whose_the_money_is:
        captured_order("100.00").credit("INV1", "25.00", "2h").klarna_says(says("ORD777")).also_names("k-2", is_spent)
            => "break klarna_order_mismatch 100.00";

    it_does_where_the_text_is_the_number_of_another_order_of_the_shop:
        not_paid(order("100.00").cancelled_at_klarna().credit("INV1", "25.00", "2h").also_names("k-2", |klarna| {
            is_captured(klarna);
            klarna.merchant_reference1 = Some("ORD777".to_owned());
        }).also_is_anothers("ORD777")) => "
            credit INV1 pending→cancelled
            mark_paid INV1 25.00 act
            break cancelled_at_klarna";

    nor_is_an_authorization_captured_beside_it:
        shipped().also_names("k-2", |klarna| {
            is_captured(klarna);
            klarna.merchant_reference1 = Some("ORD777".to_owned());
        }) => "break klarna_order_ambiguous 200.00";

    what_came_to_nothing_under_another_payment_is_new_should_klarna_be_its_payment_after_all:
        paid_otherwise(order("100.00").cancelled_at_klarna().first_look()) => "";

    it_settles_nothing_while_nothing_shows_whose_the_authorization_beside_it_is:
        order("100.00").cancelled_at_klarna().credit("INV1", "25.00", "2h").also_names("k-2", a_day_and_a_second_apart)
            => "break klarna_order_mismatch 100.00";

    // What was captured under an earlier link, and is shown no more.
    a_dead_attempt_that_is_named_later_is_not_taken_for_the_one_that_was_captured:
        { let mut scene = order("100.00").cancelled_at_klarna().credit("INV1", "25.00", "2h").judged_under("k-0");
            scene.ledger.captures.insert(CaptureId("c1".into()), eur("100.00"));
            scene } => "break klarna_order_ambiguous 100.00";

    nor_one_that_holds_money_forgotten_for_it:
        { let mut scene = captured_order("100.00").credit("INV1", "25.00", "2h").known_as(Order::Pending).judged_under("k-0");
            scene.ledger.captures.insert(CaptureId("c1".into()), eur("100.00"));
            scene } => "break klarna_order_ambiguous 200.00";

    what_went_back_under_the_earlier_link_is_no_money_there:
        { let mut scene = order("100.00").cancelled_at_klarna().known_as(Order::Pending).judged_under("k-0");
            scene.ledger.captures.insert(CaptureId("c1".into()), eur("100.00"));
            scene.ledger.refunds = eur("100.00");
            scene } => "break cancelled_at_klarna";

    // What the shop calls paid, and nothing that it names accounts for.
    an_order_that_is_paid_and_names_only_an_attempt_that_was_over_settles_no_credit_invoice:
        order("100.00").cancelled_at_klarna().credit("INV1", "25.00", "2h").first_look() => "
            break klarna_order_mismatch
            break cancelled_at_klarna";

    nor_does_one_that_lapsed:
        order("100.00").expired().credit("INV1", "25.00", "2h").first_look() => "
            break klarna_order_mismatch
            break authorization_expired 100.00";

    nor_is_it_cancelled_for_good:
        order("100.00").cancelled("2h").expired().first_look() => "
            order pending→refund_requested
            break klarna_order_mismatch";

    nor_where_no_reference_says_that_it_was_this_orders:
        order("100.00").cancelled("2h").cancelled_at_klarna().first_look()
            .klarna_says(|klarna| klarna.merchant_reference1 = None) => "
            order pending→refund_requested
            break klarna_order_mismatch";

    one_of_its_number_that_was_cancelled_with_it_accounts_for_it_where_nobody_waits:
        order("100.00").cancelled("2h").cancelled_at_klarna().first_look() => "
            order pending→refund_requested→cancelled";

    and_where_somebody_waits_for_money_it_does_not:
        order("100.00").cancelled("2h").cancelled_at_klarna().credit("INV1", "100.00", "2h").first_look() => "
            order pending→refund_requested
            break klarna_order_mismatch";

    nobody_is_asked_while_nothing_waits_for_it:
        order("100.00").cancelled_at_klarna().first_look() => "break cancelled_at_klarna";

    what_was_looked_at_before_it_was_over_accounts_for_the_payment:
        order("100.00").cancelled_at_klarna().credit("INV1", "25.00", "2h") => "
            credit INV1 pending→cancelled
            mark_paid INV1 25.00 act
            break cancelled_at_klarna";

    what_the_shop_never_called_paid_was_never_paid:
        not_paid(order("100.00").cancelled_at_klarna().credit("INV1", "25.00", "2h").first_look()) => "
            credit INV1 pending→cancelled
            mark_paid INV1 25.00 act
            break cancelled_at_klarna";

    a_humans_word_accounts_for_the_payment:
        order("100.00").cancelled_at_klarna().credit("INV1", "25.00", "2h").first_look().human_links("k-1") => "
            credit INV1 pending→cancelled
            mark_paid INV1 25.00 act
            break cancelled_at_klarna";

    a_reference_of_another_shape_says_nothing:
        captured_order("100.00").credit("INV1", "25.00", "2h").klarna_says(says("quote 4711"))
            => "refund INV1 25.00 act";

    the_shops_own_id_of_the_order_names_it:
        captured_order("100.00").credit("INV1", "25.00", "2h").klarna_says(a_day_and_a_second_apart)
            .klarna_says(says("1")) => "refund INV1 25.00 act";

    without_a_reference_a_day_between_the_two_is_agreement:
        captured_order("100.00").credit("INV1", "25.00", "2h")
            .klarna_says(|klarna| {
                klarna.merchant_reference1 = None;
                klarna.created_at = Some(ago("96h"));
            }) => "refund INV1 25.00 act";

    without_a_reference_more_than_a_day_is_none:
        captured_order("100.00").credit("INV1", "25.00", "2h").klarna_says(a_day_and_a_second_apart)
            => "break klarna_order_mismatch 100.00";

    without_a_reference_and_a_time_nothing_is_proven:
        captured_order("100.00").credit("INV1", "25.00", "2h").klarna_says(|klarna| {
            klarna.merchant_reference1 = None;
            klarna.created_at = None;
        }) => "break klarna_order_mismatch 100.00";

    a_reference_is_enough_at_any_distance:
        captured_order("100.00").credit("INV1", "25.00", "2h").klarna_says(|klarna| klarna.created_at = None)
            => "refund INV1 25.00 act";

    where_references_carry_the_number_the_time_is_no_evidence:
        demanding(captured_order("100.00").credit("INV1", "25.00", "2h").klarna_says(says("")))
            => "break klarna_order_mismatch 100.00";

    where_references_carry_the_number_one_that_does_is_linked:
        demanding(captured_order("100.00").credit("INV1", "25.00", "2h")) => "refund INV1 25.00 act";

    one_candidate_over_another_amount_differs_as_ever:
        captured_order("100.00").credit("INV1", "25.00", "2h").total("110.00") => "
            credit INV1 pending→held
            refund INV1 25.00 hold disagreement (the order's amount)
            break amount_differs 10.00";

    // Ids that Klarna does not know.
    a_session_beside_the_order_is_dropped:
        captured_order("100.00").credit("INV1", "25.00", "2h").also_names_nobodys("k-2") => "refund INV1 25.00 act";

    an_unknown_id_before_the_orders_own_is_dropped:
        unknown(order("100.00").shipped("48h")).also_names("k-2", |_| ()) => "
            capture SHP1 100.00 act
            look_again 480h";

    several_ids_that_klarna_does_not_know_are_reported_once:
        unknown(order("100.00")).also_names_nobodys("k-2") => "break klarna_order_not_found";

    // A human's word.
    a_human_says_which_of_two_is_the_link:
        shipped().also_names("k-2", is_captured).human_links("k-2") => "
            order pending→paid
            break authorization_stray k-1 100.00";

    a_humans_word_stands_above_a_reference:
        captured_order("100.00").credit("INV1", "25.00", "2h").klarna_says(says("ORD777")).human_links("k-1")
            => "refund INV1 25.00 act";

    a_humans_word_does_not_stand_above_the_amount:
        captured_order("100.00").credit("INV1", "25.00", "2h").total("110.00").human_links("k-1") => "
            credit INV1 pending→held
            refund INV1 25.00 hold disagreement (the order's amount)
            break amount_differs 10.00";

    an_order_that_belongs_to_no_klarna_order_obliges_nothing:
        captured_order("100.00").credit("INV1", "25.00", "2h").human_links("") => "";

    an_authorization_of_an_order_that_a_human_says_belongs_to_none_is_told:
        order("100.00").human_links("") => "break authorization_stray k-1 100.00";

    an_authorization_that_may_be_a_strangers_is_told:
        captured_order("100.00").also_names("k-2", |klarna| {
            klarna.merchant_reference1 = None;
            klarna.created_at = None;
        }) => "break authorization_stray k-2 100.00";

    it_is_not_once_a_human_said_which_one_is_its_own:
        captured_order("100.00").also_names("k-2", a_day_and_a_second_apart).human_links("k-1") => "";

    a_capture_that_may_be_a_strangers_beside_an_authorization_holds_it:
        shipped().also_names("k-2", |klarna| {
            is_captured(klarna);
            a_day_and_a_second_apart(klarna);
        }) => "break klarna_order_ambiguous 200.00";

    of_two_that_hold_nothing_and_are_of_one_age_the_first_counts:
        shipped().expired().also_names("k-2", |klarna| {
            klarna.remaining = Minor::ZERO;
            klarna.status = Word::Known(KlarnaStatus::Cancelled);
        }) => "
            order pending→expired
            break authorization_expired 100.00";

    // How much it is over.
    less_than_was_authorized_agrees_where_a_reference_names_the_order:
        shipped().total("90.00").also_names("k-2", |klarna| {
            klarna.merchant_reference1 = None;
            klarna.captured = eur("60.00");
        }) => "break klarna_order_ambiguous 260.00";

    // An id that Klarna does not know.
    an_unknown_id_in_free_text_alone_is_no_money_at_stake:
        unknown_in(Place::Memo) => "break klarna_order_unlinked";

    an_unknown_id_in_a_comment_alone_is_none_either:
        unknown_in(Place::Events) => "break klarna_order_unlinked";

    an_unknown_id_where_the_payment_names_it_is_money:
        unknown_in(Place::PaymentData) => "break klarna_order_not_found";

    an_unknown_id_that_a_human_named_is_money:
        unknown_in(Place::Memo).human_links("k-1") => "break klarna_order_not_found";

    // Paid otherwise in the end.
    an_authorization_of_an_order_that_was_paid_otherwise_is_told:
        paid_otherwise(shipped()) => "break authorization_stray k-1 100.00";

    until_an_order_is_paid_otherwise_the_consumer_may_come_back:
        paid_otherwise(order("100.00")).shop_says(|shop| shop.paid = false) => "";

    what_lapsed_of_an_order_that_was_paid_otherwise_is_nobodys: paid_otherwise(order("100.00").expired()) => "";

    a_cancelled_order_that_was_paid_otherwise_sends_nothing:
        paid_otherwise(order("100.00").cancelled("2h")) => "break authorization_stray k-1 100.00";

    a_cancelled_order_that_nobody_paid_otherwise_is_paid_by_nobody_any_more:
        paid_otherwise(order("100.00").cancelled("2h")).shop_says(|shop| shop.paid = false)
            => "break authorization_stray k-1 100.00";

    one_that_klarna_captured_as_well_is_paid_twice:
        paid_otherwise(captured_order("100.00").credit("INV1", "25.00", "2h"))
            => "break captured_too_much k-1 100.00";

    what_klarna_captured_as_well_and_shows_no_more_is_said:
        { let mut scene = paid_otherwise(order("100.00").expired().known_as(Order::PartlyPaid).credit("INV1", "25.00", "2h"));
            scene.ledger.captures.insert(CaptureId("c1".into()), eur("20.00"));
            scene } => "break amount_differs captured before";

    a_strangers_order_in_the_memo_of_one_that_was_paid_otherwise_is_nothing:
        paid_otherwise(captured_order("100.00").klarna_says(says("ORD777"))) => "";

    one_that_another_order_names_as_well_is_that_ones:
        paid_otherwise(captured_order("100.00").klarna_says(|klarna| klarna.merchant_reference1 = None)).shared_with("ORD2")
            => "";

    unless_klarna_says_that_it_is_this_ones:
        paid_otherwise(captured_order("100.00")).shared_with("ORD2") => "break captured_too_much k-1 100.00";

    both_that_were_left_open_are_told:
        paid_otherwise(order("100.00").also_names("k-2", |_| ())) => "
            break authorization_stray k-1 100.00
            break authorization_stray k-2 100.00";

    what_was_planned_for_an_order_that_was_paid_otherwise_is_given_up:
        paid_otherwise(order("100.00").intended(&Ask::refund("INV1", "25.00"))) => "
            credit INV1 refund_requested→held→pending
            intent refund INV1 withdrawn
            break authorization_stray k-1 100.00";

    what_klarna_captured_is_said_before_the_order_is_paid_otherwise:
        not_paid(paid_otherwise(captured_order("100.00").refund("r1", "40.00", "")))
            => "break captured_too_much k-1 60.00";

    what_is_under_way_at_klarna_is_followed_to_its_end:
        paid_otherwise(captured_order("100.00").credit("INV1", "100.00", "2h")
            .intended(&Ask::refund("INV1", "100.00").unknown("10m")).refund("r1", "100.00", "INV1"))
            => "intent refund INV1 seen r1";

    what_two_reads_do_not_show_is_not_asked_for_again:
        paid_otherwise(captured_order("100.00").credit("INV1", "25.00", "2h")
            .intended(&Ask::refund("INV1", "25.00").unknown("10m").absent("9m"))) => "
            intent refund INV1 absent
            break captured_too_much k-1 100.00";

    // What was done under another link.
    what_moved_under_the_link_before_holds_the_new_one_until_a_human_speaks:
        shipped().intended(&Ask::new(Kind::Cancel, "ORD1:cancel", "100.00").confirmed("", "1h")).cancelled_at_klarna().also_names("k-2", |_| ())
            => "break klarna_order_mismatch earlier 100.00";

    a_refund_under_the_link_before_counts_for_nothing_under_a_humans_and_is_said:
        captured_order("100.00").credit("INV1", "25.00", "2h").intended(&Ask::refund("INV1", "25.00").confirmed("r1", "1h"))
            .also_names("k-2", is_captured).human_links("k-2").judged_under("k-1") => "
            order paid→pending→paid
            credit INV1 refunded→pending
            refund INV1 25.00 act
            break klarna_order_mismatch earlier 25.00";

    a_lost_answer_under_the_link_before_holds_whatever_a_human_says:
        captured_order("100.00").credit("INV1", "25.00", "2h").intended(&Ask::refund("INV1", "25.00").unknown("10m"))
            .also_names("k-2", is_captured).human_links("k-2") => "break klarna_order_mismatch earlier 25.00";

    a_lost_answer_is_told_when_a_human_says_that_no_klarna_order_belongs_to_it:
        captured_order("100.00").credit("INV1", "25.00", "2h").intended(&Ask::refund("INV1", "25.00").unknown("10m"))
            .human_links("") => "break klarna_order_mismatch earlier 25.00";

    what_was_planned_is_given_up_when_a_human_says_that_no_klarna_order_belongs_to_it:
        captured_order("100.00").credit("INV1", "25.00", "2h").intended(&Ask::refund("INV1", "25.00"))
            .human_links("") => "
            credit INV1 refund_requested→held→pending
            intent refund INV1 withdrawn";

    what_was_planned_under_the_link_before_is_planned_anew:
        captured_order("100.00").credit("INV1", "25.00", "2h").intended(&Ask::refund("INV1", "25.00"))
            .also_names("k-2", is_captured).human_links("k-2").judged_under("k-1") => "
            order paid→pending→paid
            credit INV1 refund_requested→held→pending
            intent refund INV1 withdrawn
            refund INV1 25.00 act";

    a_lapsed_attempt_does_not_keep_the_next_one_from_being_captured:
        shipped().known_as(Order::Expired).judged_under("k-0") => "
            order expired→pending
            capture SHP1 100.00 act
            look_again 480h";

    a_credit_invoice_that_an_attempt_without_a_capture_settled_is_refunded:
        captured_order("100.00").credit("INV1", "25.00", "2h").known_as(Order::Pending)
            .credit_known_as("INV1", "25.00", CreditInvoice::Cancelled).judged_under("k-0") => "
            order pending→paid
            credit INV1 cancelled→pending
            refund INV1 25.00 act";

    one_that_was_marked_paid_for_such_an_attempt_is_reported:
        captured_order("100.00").credit("INV1", "25.00", "2h").marked_paid("INV1", "2h").known_as(Order::Pending)
            .credit_known_as("INV1", "25.00", CreditInvoice::Cancelled).judged_under("k-0") => "
            order pending→paid
            credit INV1 cancelled→pending→paid_by_hand
            break paid_without_refund INV1 25.00";

    a_cancelled_order_stays_cancelled_under_every_link:
        order("100.00").known_as(Order::Cancelled).judged_under("k-0") => "
            order cancelled→refund_requested
            cancel ORD1:cancel 100.00 act";
}

/// Klarna does not know the only id, which stands there.
fn unknown_in(place: Place) -> Scene {
    let mut scene = order("100.00").shop_says(|shop| shop.candidates[0].places = vec![place]);
    scene.facts.klarna = KlarnaSide::NotFound { said: "NO_SUCH_ORDER".to_owned() };
    scene
}

/// Nothing was captured, and nothing can be.
fn is_spent(klarna: &mut KlarnaOrder) {
    klarna.remaining = Minor::ZERO;
    klarna.status = Word::Known(KlarnaStatus::Cancelled);
}

fn not_paid(scene: Scene) -> Scene {
    scene.shop_says(|shop| shop.paid = false)
}

fn paid_otherwise(scene: Scene) -> Scene {
    scene.shop_says(|shop| shop.paid_otherwise = true)
}

fn demanding(mut scene: Scene) -> Scene {
    scene.demands_reference = true;
    scene
}

fn unknown(mut scene: Scene) -> Scene {
    let said = "NO_SUCH_ORDER".to_owned();
    scene.facts.klarna = reconciled_core::facts::KlarnaSide::NotFound { said };
    scene
}

/// Captured 100.00 under `k-0`, as earlier reads showed, and linked to `k-1` now.
fn hidden() -> Scene {
    let mut scene = captured_order("100.00").known_as(Order::Pending).judged_under("k-0");
    scene.ledger.captures.insert(CaptureId("c1".into()), eur("100.00"));
    scene
}

/// The Klarna orders that a doubt names, each with its places.
fn doubted(scene: &Scene) -> Vec<String> {
    let found = scene.plan().discrepancies.into_iter().find_map(|found| {
        let Finding::Link(link::Finding::Doubt { doubt, .. }) = found.finding else { return None };
        Some(doubt.named)
    });
    found.unwrap_or_default().into_iter().map(|named| format!("{} {:?}", named.id, named.places)).collect()
}

#[test]
fn a_doubt_names_every_klarna_order_once_with_its_places() {
    assert_eq!(doubted(&hidden()), ["k-0 [Unsaid]", "k-1 [PaymentData]"]);
    let all = hidden().also_names("k-0", is_spent).also_names("k-2", is_spent);
    assert_eq!(doubted(&all), ["k-0 [Memo]", "k-1 [PaymentData]", "k-2 [Memo]"]);
    let beside = hidden().also_names("k-2", says("ORD2"));
    assert_eq!(doubted(&beside), ["k-0 [Unsaid]", "k-1 [PaymentData]", "k-2 [Memo]"]);
}

#[test]
fn what_is_in_doubt_is_judged_later() {
    let of_another = |ask: Ask| {
        let mut scene = captured_order("100.00").intended(&ask);
        scene.ledger.intents[0].target.klarna_order_id = KlarnaOrderId::new("k-0");
        scene
    };
    let refund = || Ask::refund("INV1", "40.00");
    for (scene, expected) in [
        (captured_order("100.00"), false),
        (hidden(), true),
        (of_another(refund().unknown("1h")), true),
        (of_another(refund().confirmed("r1", "1h")), true),
        (of_another(refund()), false),
        (paid_otherwise(order("100.00")).first_look(), false),
        (paid_otherwise(order("100.00").cancelled_at_klarna()).first_look(), true),
        (paid_otherwise(captured_order("100.00").expired()).first_look(), false),
        (paid_otherwise(order("100.00").cancelled_at_klarna()), false),
        (paid_otherwise(order("100.00")).judged_under("k-0"), true),
    ] {
        assert_eq!(scene.plan().is_unjudged, expected, "{scene:?}");
    }
}

#[test]
fn what_was_asked_under_another_link_says_whether_it_is_known_to_have_happened() {
    for (ask, expected) in [
        (Ask::refund("INV1", "40.00").unknown("1h"), false),
        (Ask::refund("INV1", "40.00").confirmed("r1", "1h"), true),
    ] {
        let mut scene = captured_order("100.00").intended(&ask);
        scene.ledger.intents[0].target.klarna_order_id = KlarnaOrderId::new("k-0");
        let found = scene.plan().discrepancies.into_iter().find_map(|found| {
            let Finding::Link(link::Finding::Earlier { is_confirmed, .. }) = found.finding else { return None };
            Some(is_confirmed)
        });
        assert_eq!(found, Some(expected));
    }
}

#[test]
fn somebody_waits_for_money_where_a_credit_invoice_asks_for_some_and_is_not_paid() {
    let unaccounted = || order("100.00").cancelled_at_klarna().first_look();
    let is_said = |scene: Scene| !doubted(&scene).is_empty();
    assert!(is_said(unaccounted().credit("INV1", "25.00", "2h")));
    assert!(!is_said(unaccounted().credit("INV1", "25.00", "2h").marked_paid("INV1", "1h")));
    assert!(!is_said(unaccounted().credit("INV1", "0.00", "2h")));
}

#[test]
fn one_that_was_not_asked_about_may_hold_money() {
    let named = order("100.00").shipped("48h");
    let unasked = |scene: Scene| {
        let mut scene = scene.also_names_nobodys("k-2");
        scene.also[0].answer = Answer::Unasked;
        crate::common::kinds(&scene.plan())
    };
    // Each attempt of this order has its number for a reference.
    assert_eq!(unasked(named.clone()), ["klarna_order_ambiguous"].into());
    let by_time = named.klarna_says(|klarna| klarna.merchant_reference1 = None);
    assert_eq!(unasked(by_time), ["klarna_order_ambiguous"].into());
}

#[test]
fn what_klarna_says_of_money_in_another_currency_is_no_agreement() {
    let other = |klarna: &mut KlarnaOrder| klarna.currency = Word::Known("SEK".parse().unwrap_or(Currency::EUR));
    let plan = order("100.00").shipped("48h").klarna_says(other).also_names("k-2", |_| ()).plan();
    assert_eq!(crate::common::kinds(&plan), ["authorization_stray"].into());
    assert_eq!(plan.effects.len(), 1, "{plan:?}");
}

#[test]
fn references_are_demanded_of_orders_placed_since_twenty_in_a_row_named_theirs() {
    let learnt = |in_a_row, since: &str| References { linked: 212, naming: 212, in_a_row, since: Some(ago(since)) };
    let shop = order("100.00").facts.shop;
    assert!(!learnt(19, "80h").demands(&shop, None), "a row of nineteen is none");
    assert!(learnt(20, "80h").demands(&shop, None));
    assert!(learnt(20, "72h").demands(&shop, None), "it is the first of the row");
    assert!(!learnt(20, "71h").demands(&shop, None), "it was placed before the row");
    let under = |id: &str| KlarnaOrderId::new(id);
    assert!(!learnt(20, "80h").demands(&shop, under("k-1").as_ref()), "what was concluded before stands");
    assert!(learnt(20, "80h").demands(&shop, under("k-2").as_ref()), "under one that it names no more nothing was");
    assert!(!References::default().demands(&shop, None));
}
