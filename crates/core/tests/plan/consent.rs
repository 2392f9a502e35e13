//! What a human gave up may have happened all the same: its money stays reserved until its key is old, or until reads
//! show it, and giving it up frees nothing that approving it would not.

use crate::common::{Ask, NOW, Scene, ago, cancelled_order, captured_order, eur, in_time};
use reconciled_core::consent::{
    Consent, GivingUp, Held, Refusal, Wish, before, consents, is_one_person, is_proposed, is_reserved, may_be_approved,
    may_be_given_up, may_be_named, waits_for_a_word,
};
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::intent::{Intent, Kind, State};
use reconciled_core::order::Order;
use reconciled_core::situation::{Again, Concerned};

/// Captured 100.00; the refund of INV1 over 40.00 left, its answer was lost, and a human gave it up. The shop has lowered
/// the credit invoice to 10.00 since, and has one of 90.00 beside it.
fn given_up(when: &'static str) -> Scene {
    captured_order("100.00")
        .credit("INV1", "10.00", "48h")
        .credit("INV2", "90.00", "2h")
        .intended(&Ask::refund("INV1", "40.00").abandoned(when))
}

/// The shop's answers have lacked INV1 for some minutes.
fn missing_for_long(mut scene: Scene) -> Scene {
    scene.ledger.differs_since.insert((BreakKind::CreditChanged, "missing:1".to_owned()), ago("5m"));
    scene
}

cases! {
    what_was_given_up_after_it_left_stays_reserved:
        given_up("22h 59m") => "
            credit INV2 pending→held
            break refund_missing INV1 10.00
            break credit_exceeds_refundable INV2 90.00
            look_again 1m";

    what_was_given_up_is_free_once_its_key_is_old:
        given_up("23h") => "
            refund INV2 90.00 act
            break refund_missing INV1 10.00";

    what_was_given_up_before_it_left_reserves_nothing:
        captured_order("100.00").credit("INV1", "10.00", "48h").credit("INV2", "90.00", "2h")
            .intended(&Ask::refund("INV1", "40.00").given_up()) => "
            refund INV2 90.00 act
            break refund_missing INV1 10.00";

    what_was_given_up_and_is_there_settles_its_credit_invoice:
        captured_order("100.00").credit("INV1", "40.00", "48h").credit("INV2", "60.00", "2h")
            .refund("r1", "40.00", "INV1")
            .intended(&Ask::refund("INV1", "40.00").abandoned("1h")) => "
            credit INV1 held→refunded
            refund INV2 60.00 act
            mark_paid INV1 40.00 act";

    a_cancel_leaves_out_what_may_have_gone_back:
        missing_for_long(cancelled_order("100.00").captured("100.00", "48h").known_as(Order::Paid)
            .intended(&Ask::refund("INV1", "40.00").abandoned("1h"))
            .credit_known_as("INV1", "40.00", CreditInvoice::Held)) => "
            order paid→refund_requested
            credit INV1 held→cancelled
            refund ORD1:cancel 60.00 act
            look_again 22h";

    a_capture_that_was_given_up_is_not_made_again_under_another_slip:
        crate::common::order("100.00").shipped("1h")
            .intended(&Ask::new(reconciled_core::intent::Kind::Capture, "SHP0", "100.00").abandoned("30m")) => "
            break shipped_not_captured 100.00
            look_again 22h 30m";
}

/// The amount that is named is the effect's, and is named wherever less is sent than was asked for.
#[test]
fn an_amount_is_named_as_it_is() {
    let held = |is_part| Some(Held { kind: Kind::Refund, amount: eur("33.32"), is_part });
    let (right, wrong) = (Some(eur("33.32")), Some(eur("33.34")));
    for (held, said, expected) in [
        (held(true), right, Ok(())),
        (held(true), wrong, Err(Refusal::OtherAmount)),
        (held(true), None, Err(Refusal::AmountUnsaid)),
        (held(false), right, Ok(())),
        (held(false), wrong, Err(Refusal::OtherAmount)),
        (held(false), None, Ok(())),
        (None, right, Err(Refusal::OtherAmount)),
        (None, None, Ok(())),
    ] {
        assert_eq!(may_be_named(held, said), expected, "{held:?} {said:?}");
    }
}

/// The refund of INV1 in each state: with whether a human may let it go, and whether its money is reserved.
fn states() -> Vec<(Intent, Result<(), Refusal>, bool)> {
    let refund = || Ask::refund("INV1", "40.00");
    let may_land = || Err(Refusal::MayLand { until: in_time("22h") });
    let all = [
        (refund(), Ok(()), true),
        (refund().sending("1h"), Err(Refusal::UnderWay), true),
        (refund().unknown("1h"), may_land(), true),
        (refund().unknown("23h"), Ok(()), true),
        (refund().confirmed("r1", "1h"), Err(Refusal::Confirmed), false),
        (refund().rejected("NO", "1h"), Ok(()), false),
        (refund().abandoned("1h"), may_land(), true),
        (refund().abandoned("23h"), Ok(()), false),
        (refund().given_up(), Ok(()), false),
        (refund().withdrawn(), Err(Refusal::Withdrawn), false),
    ];
    let scene = captured_order("100.00");
    all.into_iter().map(|(ask, said, reserved)| (ask.intent(&scene.target()), said, reserved)).collect()
}

#[test]
fn what_may_have_left_is_let_go_once_its_key_is_old() {
    for (intent, expected, reserved) in states() {
        let only = std::slice::from_ref(&intent);
        assert_eq!(may_be_approved(&intent, only, NOW), expected, "{intent:?}");
        assert_eq!(is_reserved(&intent.state, intent.first_sent_at, NOW), reserved, "{intent:?}");
    }
}

#[test]
fn what_was_started_anew_is_not_let_go_again() {
    let scene = captured_order("100.00");
    let refund = |generation| Ask::refund("INV1", "40.00").rejected("NO", "1h").generation(generation);
    let of_another = Ask::refund("INV2", "40.00").rejected("NO", "1h").generation(3);
    let of_another_kind = Ask::mark_paid("INV1", "40.00").rejected("NO", "1h").generation(4);
    let all = [refund(0), of_another, refund(1), of_another_kind, refund(2)].map(|ask| ask.intent(&scene.target()));
    let newest = Err(Refusal::Superseded { by: all[4].id });
    for (index, expected) in [(0, newest.clone()), (2, newest), (4, Ok(()))] {
        assert_eq!(may_be_approved(&all[index], &all, NOW), expected, "{index}");
    }
    let found = |of: usize| before(&all[of].effect, &all).map(|it| it.id);
    assert_eq!([0, 1, 2, 3, 4].map(found), [None, None, Some(all[0].id), None, Some(all[2].id)]);
}

#[test]
fn giving_up_ends_what_is_open_and_takes_back_the_consent_to_what_is_over() {
    for (intent, ..) in states() {
        let over = matches!(intent.state, State::Rejected | State::Abandoned);
        let expected = match intent.state {
            State::Planned | State::Unknown => Ok(GivingUp::Ends),
            State::Sending => Err(Refusal::UnderWay),
            State::Confirmed => Err(Refusal::Confirmed),
            State::Withdrawn => Err(Refusal::Withdrawn),
            State::Rejected | State::Abandoned => Err(Refusal::NothingLeft(intent.state.clone())),
        };
        assert_eq!(may_be_given_up(&intent, false), expected, "{intent:?}");
        let agreed = if over { Ok(GivingUp::TakesConsentBack) } else { expected };
        assert_eq!(may_be_given_up(&intent, true), agreed, "{intent:?}");
    }
}

#[test]
fn what_has_ended_waits_for_a_word_until_it_has_one() {
    for (intent, said, _) in states() {
        let has_ended = matches!(intent.state, State::Rejected | State::Unknown | State::Abandoned);
        let mut ledger = captured_order("100.00").ledger;
        ledger.intents.push(intent.clone());
        assert_eq!(waits_for_a_word(&intent, &ledger, NOW), has_ended && said.is_ok(), "{intent:?}");
        ledger.approved.insert(intent.id);
        assert!(!waits_for_a_word(&intent, &ledger, NOW), "{intent:?}");
    }
}

#[test]
fn a_proposal_counts_for_its_amount_and_for_a_day() {
    let (one, other) = (eur("40.00"), eur("40.01"));
    for (proposed, at, expected) in [
        (one, NOW, true),
        (one, ago("23h 59m"), true),
        (one, ago("24h"), false),
        (one, ago("25h"), false),
        (one, in_time("1s"), false),
        (other, ago("1h"), false),
        (other, ago("25h"), false),
    ] {
        assert_eq!(is_proposed(proposed, at, one, NOW), expected, "{proposed:?} at {at}");
    }
}

#[test]
fn a_name_is_one_person_however_it_is_spelt() {
    for (one, other, expected) in [("anna", "Anna ", true), ("An na", "anna", true), ("anna", "bob", false)] {
        assert_eq!(is_one_person(one, other), expected, "{one} {other}");
    }
}

#[test]
fn an_effect_is_started_anew_where_that_is_a_humans_to_say() {
    let of = |ask: Ask, is_approved: bool| {
        let mut scene = captured_order("100.00").intended(&ask);
        let intent = scene.ledger.intents[0].clone();
        if is_approved {
            scene.ledger.approved.insert(intent.id);
        }
        let found = Concerned::of(&intent, &scene.ledger, NOW);
        (found.again, found.may_be_given_up)
    };
    let refund = || Ask::refund("INV1", "40.00");
    assert_eq!(of(refund(), false), (Again::No, false));
    assert_eq!(of(refund().rejected("NO", "1h"), false), (Again::Now, false));
    assert_eq!(of(refund().rejected("NO", "1h"), true), (Again::No, false));
    assert_eq!(of(refund().unknown("1h"), false), (Again::From(in_time("22h")), true));
    assert_eq!(of(refund().confirmed("r1", "1h"), false), (Again::No, false));
}

/// Above the threshold one operator proposes and another agrees, for that amount and within a day.
#[test]
fn a_word_lets_go_proposes_or_countersigns() {
    let held = |amount| Some(Held { kind: Kind::Refund, amount: eur(amount), is_part: false });
    let wish = |actor: &str, amount, age| Some(Wish { amount: eur(amount), at: ago(age), actor: actor.to_owned() });
    let word = |held, above, wish| consents(held, above, wish, "Jo", NOW);
    let above = Some(eur("500.00"));
    let proposes = |amount| Ok(Consent::Proposes { amount: eur(amount), until: in_time("24h") });
    let same = |age| Err(Refusal::SamePerson { actor: "j o".to_owned(), at: ago(age) });
    assert_eq!(word(None, None, None), Ok(Consent::LetsGo));
    assert_eq!(word(None, above, None), Err(Refusal::Unfound));
    assert_eq!(word(held("500.00"), above, None), Ok(Consent::LetsGo));
    assert_eq!(word(held("500.01"), above, None), proposes("500.01"));
    assert_eq!(word(held("600.00"), above, wish("j o", "600.00", "1h")), same("1h"));
    let first = Consent::Countersigns { first: "ann".to_owned() };
    assert_eq!(word(held("600.00"), above, wish("ann", "600.00", "1h")), Ok(first));
    assert_eq!(word(held("650.00"), above, wish("ann", "600.00", "1h")), proposes("650.00"));
    assert_eq!(word(held("600.00"), above, wish("ann", "600.00", "24h")), proposes("600.00"));
    let cancel = Some(Held { kind: Kind::Cancel, amount: eur("600.00"), is_part: false });
    assert_eq!(word(cancel, above, None), Ok(Consent::LetsGo), "nothing but a refund gives money away");
}
