//! Remedies are for the state they are shown in: nothing that is set already, nothing above what is left, nothing that
//! the back office does not let anybody edit, and every command can be pasted.

use std::collections::BTreeSet;

use clap::Parser as _;
use reconciled::cli::Cli;
use reconciled::{runbook, words};
use reconciled_core::discrepancy::{BreakKind, Discrepancy, THIS_BREAK};
use reconciled_core::money::{Currency, Minor};
use reconciled_core::order::Order;
use reconciled_core::policy::{Family, Mode};

use crate::common::{Ask, Scene, captured_order, eur, long, order};
use crate::every_case;

/// What a human reads, of break 7.
fn remedy(found: &Discrepancy) -> String {
    words::remedy(found, Currency::EUR).replace(THIS_BREAK, "7")
}

/// Kinds that no plan of an order finds: ceilings are found by `limits`.
const ELSEWHERE: [BreakKind; 1] = [BreakKind::LimitReached];

/// Every difference of every scene, as the policy is and with everything left to others.
fn every_difference(mut each: impl FnMut(&str, &Scene, &Discrepancy)) {
    let policies: [fn(Scene) -> Scene; 3] = [
        |scene| scene,
        |scene| scene.policy(|policy| policy.act = false),
        |scene| {
            scene.policy(|policy| {
                for mode in [&mut policy.refunds, &mut policy.mark_paid, &mut policy.cancels, &mut policy.captures] {
                    *mode = Mode::Verify;
                }
            })
        },
    ];
    for (name, scene) in every_case() {
        for policy in policies {
            let scene = policy(scene());
            scene.plan().discrepancies.iter().for_each(|found| each(name, &scene, found));
        }
    }
}

#[test]
fn no_remedy_proposes_what_is_set_already() {
    let mut settings = 0;
    every_difference(|name, scene, found| {
        let text = remedy(found);
        for family in [Family::Refunds, Family::MarkPaid, Family::Cancels, Family::Captures] {
            let proposes = text.contains(&format!("{} = \"drive\"", family.key()));
            assert!(!proposes || scene.policy.mode(family) != Mode::Drive, "{name}: {text}");
            settings += usize::from(proposes);
        }
        assert!(!text.contains("act = true") || !scene.policy.act, "{name}: {text}");
    });
    assert!(settings > 20, "{settings} remedies propose a setting");
}

#[test]
fn no_remedy_asks_for_an_edit_that_the_back_office_does_not_allow() {
    every_difference(|name, _, found| {
        let text = remedy(found).to_lowercase();
        for edit in [
            "edit the order",
            "correct it in the shop",
            "put the credit invoice back to what",
            "correct the credit invoice",
        ] {
            assert!(!text.contains(edit), "{name}: {text}");
        }
    });
}

/// Amounts in a text, with or without their currency.
fn amounts(text: &str) -> Vec<Minor> {
    let words = text.split(|it: char| !it.is_ascii_digit() && it != '.').map(|word| word.trim_matches('.'));
    let is_amount = |word: &&str| word.split_once('.').is_some_and(|(_, cents)| cents.len() == 2);
    words.filter(is_amount).filter_map(|word| Minor::parse(word, Currency::EUR).ok()).collect()
}

#[test]
fn no_remedy_for_what_is_not_captured_names_more_than_there_is() {
    every_difference(|name, _, found| {
        let Some(state) = found.state.as_ref().filter(|_| found.kind == BreakKind::ShippedNotCaptured) else { return };
        let text = remedy(found);
        if text.contains("Capture ") {
            assert!(amounts(&text).iter().all(|amount| *amount <= state.authorized), "{name}: {text}");
        }
        let authorized = state.captured.plus(state.authorized);
        let share = text.split("--amount ").nth(1).map(|rest| amounts(rest)[0]);
        assert!(share.is_none_or(|share| share <= authorized), "{name}: {text}");
    });
}

/// A word that stands for another one.
fn is_placeholder(word: &str) -> bool {
    let word = word.trim_matches(|it: char| "'\".,".contains(it));
    let is_name = word.len() > 1 && word.chars().all(|it| it.is_ascii_uppercase() || it == '-');
    is_name || word.contains(['…', '<', '{']) || word.contains("...")
}

/// A command line as a shell takes it apart.
fn as_words(command: &str) -> Vec<String> {
    let quoted = command.split('\'').enumerate();
    let words = quoted.flat_map(|(at, part)| match at % 2 {
        1 => vec![part.to_owned()],
        _ => part.split_whitespace().map(str::to_owned).collect(),
    });
    words.collect()
}

#[test]
fn every_command_in_a_remedy_can_be_pasted() {
    let (mut commands, mut kinds) = (0, BTreeSet::new());
    every_difference(|name, _, found| {
        let text = remedy(found);
        kinds.insert(found.kind);
        assert!(!text.contains('…') && !text.contains("  "), "{name}: {text}");
        assert_ne!(text, found.kind.explained(), "{name}: {} has no remedy for this state", found.kind.name());
        for command in runbook::commands(&text) {
            commands += 1;
            assert!(!command.split([' ', '=']).any(is_placeholder), "{name}: {command}");
            if let Err(why) = Cli::try_parse_from(as_words(command)) {
                panic!("{name}: {command}: {why}");
            }
            let decides = !["show", "reconcile"].contains(&as_words(command)[1].as_str());
            assert!(!decides || command.contains(" --note '"), "{name}: {command} says no reason");
        }
    });
    assert!(commands > 500, "{commands} commands");
    let missing: Vec<_> =
        BreakKind::ALL.iter().filter(|kind| !kinds.contains(kind) && !ELSEWHERE.contains(kind)).collect();
    assert!(missing.is_empty(), "no scene finds {missing:?}");
}

/// What Klarna could still give back or capture, at most.
#[test]
fn no_remedy_asks_for_more_in_the_portal_than_is_there() {
    let mut asked = 0;
    every_difference(|name, _, found| {
        let text = remedy(found);
        let Some(state) = &found.state else { return };
        for (verb, most) in [("efund ", state.refundable), ("apture ", state.authorized)] {
            for rest in text.split(verb).skip(1) {
                let Some((amount, _)) = rest.split_once(" EUR in Klarna's portal") else { continue };
                let Ok(amount) = Minor::parse(amount, Currency::EUR) else { continue };
                asked += 1;
                assert!(amount <= most, "{name}: {text}");
            }
        }
    });
    assert!(asked > 50, "{asked} amounts");
}

/// As long as a request of ours may still happen, nothing is proposed that would do it twice.
#[test]
fn what_may_still_happen_is_not_done_by_hand() {
    let given_up = Ask::refund("INV1", "40.00").unknown("2h").given_up();
    let scene = captured_order("100.00").credit("INV1", "40.00", "3h").intended(&given_up);
    let found = scene.plan().discrepancies.remove(0);
    let text = remedy(&found);
    assert_eq!(found.kind, BreakKind::RefundMissing);
    assert!(text.starts_with("Do nothing by hand yet: what was asked for may still happen until "), "{text}");
    assert!(!text.contains("approve") && !text.contains("portal"), "{text}");
}

/// Klarna was lowered to 80.00 and 100.00 are shipped: both are named, and what is proposed is possible.
#[test]
fn what_klarna_authorizes_too_little_of_is_named_with_a_way_out() {
    let scene = order("100.00").shipped("48h").klarna_says(|klarna| {
        klarna.order_amount = eur("80.00");
        klarna.remaining = eur("80.00");
    });
    let found = scene.plan().discrepancies.remove(0);
    let said = words::message(&found.finding, Currency::EUR);
    assert_eq!(said, "order ORD1 is shipped, and 100.00 EUR of it is not captured; Klarna authorizes 80.00 EUR");
    assert!(remedy(&found).contains("`reconciled accept ORD1 --amount 80.00 --note "), "{}", remedy(&found));
    let lapsed = order("100.00").shipped("48h").captured("60.00", "48h").expired().at(crate::common::NOW + long("1h"));
    let found = lapsed.plan().discrepancies.remove(0);
    assert!(remedy(&found).starts_with("Klarna pays nothing of it any more: arrange another payment of 40.00 EUR"));
}

/// While more may be captured, nothing is offered or paid back another way; once nothing may, what is left is.
#[test]
fn what_is_asked_for_beyond_what_is_left_waits_while_more_may_be_captured() {
    let scene = order("100.00").captured("60.00", "48h").known_as(Order::PartlyPaid).credit("INV1", "70.00", "24h");
    let beyond = |scene: &Scene| {
        let found = scene.plan().discrepancies.into_iter().find(|it| it.kind == BreakKind::CreditExceedsRefundable);
        remedy(&found.expect("a credit invoice that asks for too much"))
    };
    let waits = beyond(&scene);
    assert!(waits.contains("release the 40.00 EUR") && !waits.contains("approve") && !waits.contains("another way"));
    let offers = beyond(&scene.released());
    assert!(offers.contains("--amount 60.00 ") && offers.contains("the 10.00 EUR beyond that go back another way"));
}
