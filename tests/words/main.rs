//! What people and the store read: names and whole sentences, word for word, where a scene shows only that there is
//! one.

#[path = "../../crates/core/tests/common/mod.rs"]
mod common;
mod remedies;

/// Scenes with the plan each must give, which are tests of the core and here only read.
macro_rules! cases {
    ($($name:ident: $scene:expr => $expected:expr;)+) => {
        pub(crate) const ALL: &[(&str, fn() -> $crate::common::Scene)] = &[$((stringify!($name), || $scene)),+];
    };
}

#[path = "../../crates/core/tests/plan/all.rs"]
mod all;

use all::every_case;
use reconciled::words;
use reconciled_core::answer::Said;
use reconciled_core::credit_invoice::{CreditInvoice, Event as CreditEvent, Proof};
use reconciled_core::discrepancy::{BreakKind, Discrepancy, Severity};
use reconciled_core::facts::{KlarnaSide, Place, ShopStatus, Word};
use reconciled_core::id::{CaptureId, IntentId, InvoiceNumber, KlarnaOrderId, PassId, RefundId};
use reconciled_core::intent::{Event as IntentEvent, Intent, Kind};
use reconciled_core::money::{Currency, Money};
use reconciled_core::order::{Event as OrderEvent, Order, Stage};
use reconciled_core::plan::HoldReason;
use reconciled_core::policy::Mode;
use uuid::Uuid;

use crate::common::{Ask, NOW, Scene, captured_order, eur, in_time, order};

#[test]
fn an_answer_is_said_with_what_a_support_desk_asks_for() {
    let refused = Said {
        status: Some(403),
        code: Some("NOT_ALLOWED".to_owned()),
        message: "It is not allowed.".to_owned(),
        correlation_id: Some("corr-1".to_owned()),
    };
    assert_eq!(refused.in_a_sentence(), "the answer was 403 NOT_ALLOWED It is not allowed. (correlation id corr-1)");
    let named = Said { message: "HTTP 403: NOT_ALLOWED: No.".to_owned(), ..refused };
    assert_eq!(named.to_string(), "HTTP 403: NOT_ALLOWED: No. (correlation id corr-1)");
    let lost = Said { message: "timed out".to_owned(), ..Said::default() };
    assert_eq!(lost.in_a_sentence(), "no answer came: timed out");
}

#[test]
fn a_kind_of_break_is_found_by_its_name_and_nothing_else_is() {
    for kind in BreakKind::ALL {
        assert_eq!(BreakKind::from_name(kind.name()), Some(*kind));
    }
    assert_eq!(BreakKind::from_name("refund_forgotten"), None);
    assert_eq!([Severity::Money, Severity::Action].map(Severity::name), ["money", "action"]);
}

/// The words of the journal; what was written once must be readable for ever.
#[test]
fn the_words_of_the_journal_stay_what_they_are() {
    let order = OrderEvent::ALL.map(OrderEvent::name);
    assert_eq!(
        order,
        ["part_captured", "captured", "cancel_seen", "reversed", "expired", "held", "released", "judged_anew"]
    );
    let intent = IntentEvent::ALL.map(IntentEvent::name);
    let words = ["claimed", "confirmed", "seen", "rejected", "throttled", "not_sent", "lost", "withdrawn", "abandoned"];
    assert_eq!(intent, words);
    let id = IntentId(Uuid::from_u128(1));
    let credit = [
        CreditEvent::Held,
        CreditEvent::Released,
        CreditEvent::Intended(id),
        CreditEvent::Refused,
        CreditEvent::Refunded(Proof::Reversal),
        CreditEvent::PaidSeen,
        CreditEvent::UnpaidSeen,
        CreditEvent::Unsettled,
        CreditEvent::Withdrawn,
        CreditEvent::JudgedAnew,
    ];
    let words = [
        "held",
        "released",
        "refund_intended",
        "refund_refused",
        "refunded",
        "paid_seen",
        "unpaid_seen",
        "unsettled",
        "withdrawn",
        "judged_anew",
    ];
    assert_eq!(credit.map(|event| event.name()), words);
}

#[test]
fn only_cancelled_and_expired_are_the_end_of_an_order() {
    assert!(Order::Cancelled.is_terminal() && Order::Expired.is_terminal());
    let living = [Order::Pending, Order::PartlyPaid, Order::Paid, Order::RefundRequested, Order::Held(Stage::Paid)];
    assert!(!living.iter().any(|order| order.is_terminal()));
}

#[test]
fn ids_are_written_as_they_are() {
    let klarna = KlarnaOrderId::new("k-1").expect("a safe id");
    assert_eq!((klarna.as_str(), klarna.to_string().as_str()), ("k-1", "k-1"));
    let id = Uuid::from_u128(0x0102);
    let text = "00000000-0000-0000-0000-000000000102";
    assert_eq!((IntentId(id).to_string().as_str(), PassId(id).to_string().as_str()), (text, text));
}

#[test]
fn what_klarna_lists_without_an_id_has_a_name_that_says_so() {
    assert_eq!((RefundId::made_up("a").0.as_str(), CaptureId::made_up("a").0.as_str()), ("nameless:a", "nameless:a"));
    assert!(RefundId::made_up("a").is_made_up() && CaptureId::made_up("a").is_made_up());
    assert!(!RefundId("r-1".to_owned()).is_made_up() && !CaptureId("c-1".to_owned()).is_made_up());
}

#[test]
fn a_word_is_known_or_as_it_was_written() {
    let (known, unknown) = (Word::Known(Currency::EUR), Word::Unknown("ZZZ".to_owned()));
    assert!(known.is(&Currency::EUR) && !known.is(&Currency::SEK) && !unknown.is(&Currency::EUR));
    assert_eq!((known.unknown(), unknown.unknown()), (None, Some("ZZZ")));
}

#[test]
fn money_is_written_with_its_currency() {
    assert_eq!(Money { minor: eur("44.95"), currency: Currency::EUR }.to_string(), "44.95 EUR");
}

#[test]
fn a_reason_for_holding_is_a_sentence() {
    let said = [
        HoldReason::Operator("call first".to_owned()),
        HoldReason::Unattributed,
        HoldReason::Unreadable(InvoiceNumber("INV1".to_owned())),
        HoldReason::Undecided,
        HoldReason::Disagreement("the currency"),
        HoldReason::Limit("refund_limit_per_day (1.00 EUR)".to_owned()),
        HoldReason::Stopped,
        HoldReason::NotBefore(NOW),
    ]
    .map(|reason| reason.to_string());
    let expected = [
        "the order is held by an operator: call first",
        "a refund at Klarna that nothing explains waits for a human",
        "it waits until the amount of credit invoice INV1 can be read",
        "whether it is owed at all waits for a human",
        "the two sides disagree: the currency",
        "refund_limit_per_day (1.00 EUR) is reached",
        "the kill switch is on",
        "not before 2026-03-01T12:00:00Z",
    ];
    assert_eq!(said, expected);
}

#[test]
fn what_nobody_can_confirm_says_how_often_it_was_asked_for() {
    let times = |ask: Ask| {
        let scene = captured_order("100.00").credit("INV1", "40.00", "48h").intended(&ask);
        let plan = scene.plan();
        let found = &plan.discrepancies[0];
        let text = message(found);
        let (before, after) = text.split_once(", the answer was lost, ").expect("what became of it");
        let id = scene.ledger.intents[0].id;
        assert_eq!(after, format!("and reads do not show it; it is too late to ask again under its key (intent {id})"));
        before.to_owned()
    };
    let asked = |count| format!("the refund of 40.00 EUR for credit invoice INV1 was asked for {count}");
    let refund = Ask::refund("INV1", "40.00").unknown("23h").absent("1h");
    assert_eq!(times(refund.clone()), asked("once"));
    assert_eq!(times(refund.clone().attempts(4, "23h", "10h")), asked("4 times"));
    // A credential that was refused used no attempt up, and it may have happened all the same.
    assert_eq!(times(refund.clone().attempts(0, "23h", "23h")), asked("once"));
    assert_eq!(times(refund.attempts(0, "23h", "10h")), asked("2 times"));
}

#[test]
fn the_currencies_that_differ_are_named() {
    let other = order("100.00").klarna_says(|klarna| klarna.currency = Word::Known(Currency::SEK));
    assert_eq!(message(&other.plan().discrepancies[0]), "order ORD1 is in EUR in the shop, and Klarna says SEK");
}

#[test]
fn a_payment_says_whether_money_went_back_or_was_never_taken() {
    let why = |scene: Scene| scene.plan().effects[0].why.clone();
    let lapsed = captured_order("100.00").known_as(Order::Expired).credit("INV1", "40.00", "60h");
    let refunded = lapsed.refund("r1", "40.00", "INV1").credit_known_as("INV1", "40.00", CreditInvoice::Cancelled);
    assert_eq!(why(refunded), "the refund of credit invoice INV1 is proven");
    let never = order("100.00").credit("INV1", "40.00", "2h").cancelled_at_klarna();
    assert_eq!(why(never), "what credit invoice INV1 credits was never captured");
}

#[test]
fn what_asks_for_too_much_says_what_it_is_too_much_for() {
    let message = |captured: &str, asked: &str| {
        message(&captured_order(captured).credit("INV1", asked, "2h").plan().discrepancies[0])
    };
    let left = "and 100.00 EUR of order ORD1 is left to refund";
    assert_eq!(message("100.00", "100.02"), format!("credit invoice INV1 asks for 100.02 EUR, {left}"));
    let most = "and Klarna takes at most 2000000.00 EUR in one refund";
    assert_eq!(message("3000000.00", "2000000.01"), format!("credit invoice INV1 asks for 2000000.01 EUR, {most}"));
    assert_eq!(message("100.00", "2000000.00"), format!("credit invoice INV1 asks for 2000000.00 EUR, {left}"));
}

#[test]
fn a_refusal_whose_reason_was_not_kept_is_not_blamed_on_a_human() {
    let message = |ask: Ask| {
        let mut scene = captured_order("100.00").credit("INV1", "40.00", "3h").intended(&ask);
        scene.ledger.intents[0].said = None;
        let id = scene.ledger.intents[0].id;
        message(&scene.plan().discrepancies[0]).replace(&id.to_string(), "ID")
    };
    let what = "the refund of 40.00 EUR for credit invoice INV1";
    let refund = Ask::refund("INV1", "40.00");
    let refused = format!("Klarna refused {what}, and no reason was kept; intent ID");
    assert_eq!(message(refund.clone().rejected("", "1h")), refused);
    assert_eq!(message(refund.given_up()), format!("{what} was given up by a human; intent ID"));
}

/// Whether the plan of the scene says something about its last intent.
fn is_reported(scene: &Scene) -> bool {
    scene.plan().reports(scene.ledger.intents.last().expect("an intent of the scene"))
}

#[test]
fn a_refusal_is_reported_as_long_as_it_is_due() {
    let refused = Ask::refund("INV1", "40.00").rejected("REFUND_NOT_ALLOWED", "1h");
    let asked = captured_order("100.00").credit("INV1", "40.00", "3h").intended(&refused);
    assert!(is_reported(&asked));
    assert!(!is_reported(&asked.clone().refund("r1", "40.00", "INV1")));
    // A break of the same order about something else is no report of it.
    let other = asked.refund("r1", "40.00", "INV1").credit("INV2", "70.00", "2h");
    assert!(!other.plan().discrepancies.is_empty() && !is_reported(&other));
}

#[test]
fn a_refused_extension_is_reported_by_the_lapse_it_was_for() {
    let refused = Ask::new(Kind::Extend, "ORD1:extend:2026-03-02T12:00:00Z", "100.00").rejected("NOT_ALLOWED", "1h");
    let lapsing = order("100.00")
        .klarna_says(|klarna| klarna.expires_at = Some(in_time("24h")))
        .policy(|policy| policy.extend_authorization = true);
    assert!(is_reported(&lapsing.clone().intended(&refused)));
    let settled = captured_order("100.00").policy(|policy| policy.extend_authorization = true).intended(&refused);
    assert!(!is_reported(&settled));
    let elsewhere = settled.refund("r9", "25.00", "");
    assert!(!elsewhere.plan().discrepancies.is_empty() && !is_reported(&elsewhere));
    // Nor does a lapse report the refusal of something else.
    let cancel = Ask::new(Kind::Cancel, "ORD1:cancel", "100.00").rejected("CANCEL_NOT_ALLOWED", "1h");
    assert!(!is_reported(&lapsing.policy(|policy| policy.extend_authorization = false).intended(&cancel)));
}

/// What is said first about this scene.
fn said(scene: &Scene) -> String {
    message(&scene.plan().discrepancies[0])
}

#[test]
fn goods_that_nobody_paid_say_how_they_were_given() {
    let unwatched = |scene: Scene| scene.policy(|policy| policy.captures = Mode::Verify);
    let by = |status| unwatched(order("100.00")).shop_says(|shop| shop.status = Word::Known(status));
    let shipped = unwatched(order("100.00").shipped("5h"));
    let over = captured_order("60.00").total("100.00").accepted("100.00").known_as(Order::Expired);
    for (scene, how) in [
        (shipped, "is shipped, and 100.00 EUR of it is not captured"),
        (
            by(ShopStatus::CompletedShipped),
            "is shipped by its status, not by its shipments, and 100.00 EUR of it is not captured",
        ),
        (by(ShopStatus::PickedUp), "is picked up, and 100.00 EUR of it is not captured"),
        (over, "is shipped, and 40.00 EUR of it is not captured; nothing of it is authorized any more"),
    ] {
        assert_eq!(said(&scene), format!("order ORD1 {how}"));
    }
}

#[test]
fn an_order_that_names_nothing_is_told_from_one_whose_text_names_what_klarna_does_not_know() {
    let mut scene = order("100.00");
    scene.facts.shop.candidates[0].places = vec![Place::Memo];
    scene.facts.klarna = KlarnaSide::NotFound { said: "NO_SUCH_ORDER".to_owned() };
    let named = "and Klarna does not know `k-1`, which a text in it names: NO_SUCH_ORDER";
    assert_eq!(said(&scene), format!("order ORD1 is paid with Klarna, {named}"));
    scene.facts.klarna = KlarnaSide::Unlinked;
    assert_eq!(said(&scene), "order ORD1 is paid with Klarna, and no Klarna order id was found in it");
}

#[test]
fn nothing_is_final_on_a_klarna_order_that_accounts_for_nothing() {
    let unaccounted = order("100.00").first_look().cancelled_at_klarna();
    assert!(unaccounted.plan().is_unjudged);
    assert!(!unaccounted.judged_under("k-1").plan().is_unjudged);
}

#[test]
fn a_lapsed_authorization_says_whether_the_goods_are_gone() {
    let lapsed = |scene: Scene| said(&scene.expired());
    let by = |status| order("100.00").shop_says(|shop| shop.status = Word::Known(status));
    let rest = "and its authorization lapsed before anything was captured";
    for (scene, how) in [
        (order("100.00").shipped("5h"), "is shipped"),
        (order("100.00").shipment("SHP1", "5h", &[]), "is shipped"),
        (by(ShopStatus::CompletedShipped), "is shipped by its status, not by its shipments,"),
        (by(ShopStatus::PickedUp), "is picked up"),
        (by(ShopStatus::Completed), "is completed"),
        (by(ShopStatus::ReadyToDownload), "is ready to download"),
        (order("100.00"), "is not shipped"),
    ] {
        assert_eq!(lapsed(scene), format!("order ORD1 {how}, {rest}"));
    }
}

#[test]
fn a_payment_of_nothing_says_so() {
    let plan = captured_order("100.00").credit("INV1", "0.00", "2h").plan();
    assert_eq!(plan.effects[0].why, "credit invoice INV1 is over nothing");
}

#[test]
fn what_is_missing_is_captured_by_us_where_that_may_be_set_and_the_order_is_not_over() {
    let unpaid = order("100.00").shipped("5h").policy(|policy| policy.captures = Mode::Verify);
    let remedy = |scene: &Scene| words::remedy(&scene.plan().discrepancies[0], Currency::EUR);
    let by_us = "`captures = \"drive\"`";
    assert!(remedy(&unpaid).starts_with("Capture 100.00 EUR") && remedy(&unpaid).contains(by_us));
    let reopened = unpaid.known_as(Order::Expired);
    assert!(remedy(&reopened).starts_with("Capture 100.00 EUR") && !remedy(&reopened).contains(by_us));
}

/// What a merchant reads says what and whose it is, with its currency, and says nothing twice.
#[test]
fn every_message_names_what_it_is_about_and_says_nothing_twice() {
    for (name, scene) in every_case() {
        for found in scene().plan().discrepancies {
            let text = &message(&found);
            let credit = found.credit_invoice.as_ref().map_or("", |number| number.as_str());
            assert!(text.contains("ORD1") || !credit.is_empty() && text.contains(credit), "{name}: whose? {text}");
            let words: Vec<&str> = text.split(' ').collect();
            let follows = |at: usize| words.get(at + 1).copied().unwrap_or_default();
            for (at, word) in words.iter().enumerate() {
                assert_ne!(*word, follows(at), "{name}: a word twice: {text}");
                let is_amount = word.split_once('.').is_some_and(|(whole, cents)| {
                    cents.len() == 2
                        && !whole.is_empty()
                        && (whole.to_owned() + cents).bytes().all(|it| it.is_ascii_digit())
                });
                assert!(!is_amount || follows(at).starts_with("EUR"), "{name}: an amount of what? {text}");
                let code = word.trim_matches([':', ',', ';']);
                let is_code = code.contains('_') && code.bytes().all(|it| it.is_ascii_uppercase() || it == b'_');
                assert!(!is_code || text.matches(code).count() == 1, "{name}: a code twice: {text}");
            }
        }
    }
}

/// A refusal carries what Klarna's support desk asks for, and the intent that `approve` asks for.
#[test]
fn every_refusal_says_the_code_the_correlation_id_and_the_intent() {
    let mut refusals = 0;
    for (name, scene) in every_case() {
        let scene = scene();
        for found in scene.plan().discrepancies.iter().filter(|found| found.kind.name().ends_with("_rejected")) {
            let text = message(found);
            let of = |intent: &&Intent| text.contains(&intent.id.to_string());
            let Some(intent) = scene.ledger.intents.iter().find(of) else {
                assert_eq!(found.kind, BreakKind::FraudRejected, "{name}: {text}");
                continue;
            };
            let Some(said) = &intent.said else { continue };
            refusals += 1;
            let parts = [said.code.as_deref(), said.correlation_id.as_deref()];
            assert!(parts.iter().flatten().all(|part| text.contains(part)), "{name}: {text}");
        }
    }
    assert!(refusals >= 4, "{refusals} refusals");
}

#[test]
fn what_is_kept_of_a_refusal_is_what_klarnas_support_desk_asks_for() {
    let refused = Ask::refund("INV1", "40.00").rejected("REFUND_NOT_ALLOWED", "1h");
    let plan = captured_order("100.00").credit("INV1", "40.00", "3h").intended(&refused).plan();
    let told = message(&plan.discrepancies[0]);
    assert!(told.contains("REFUND_NOT_ALLOWED") && told.contains("corr-1"), "{told}");
    assert_eq!(plan.discrepancies[0].amount, Some(eur("40.00")));
}

/// What was found, as a merchant reads it.
fn message(found: &Discrepancy) -> String {
    words::message(&found.finding, Currency::EUR)
}
