//! The program against an oracle that shares nothing with it: seeded shops run to rest through the built program, and
//! a Python program that sees only what both sides then hold says who is owed what.
//!
//! The report of the program and the word of the oracle must agree on the money of every order, the state of every
//! credit invoice, and every kind of difference; and what is still owed must be explained.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on fails, and its helpers with it"
)]

#[allow(dead_code, unreachable_pub, reason = "a rig that the whole program's tests use as well")]
#[path = "end_to_end/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use reconciled_sandbox::{
    FaultKind, KlarnaIdLocation, KlarnaStart, LineEdit, NewAttempt, NewOrder, Reply, Request, Side,
};
use serde_json::{Value, json};
use support::{DAY, DRIVE, Pass, Placed, Rig, now, text};

/// Orders of one shop.
const ORDERS: u64 = 9;

/// Passes within which a shop must be at rest.
const PASSES: usize = 6;

/// Shops at a time: most of the time is spent waiting for lost answers to settle.
const THREADS: usize = 4;

/// Seeds of an ordinary run; a deep run asks for more property cases, and gets more seeds.
fn seeds() -> u64 {
    u64::from(proptest::test_runner::Config::default().cases / 16).clamp(20, 200)
}

/// A stream of numbers (`SplitMix64`), so that a seed is a shop.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % sides
    }

    /// Between one cent and `most`.
    fn amount(&mut self, most: i64) -> i64 {
        1 + i64::try_from(self.roll(u64::try_from(most).unwrap())).unwrap()
    }
}

/// What a merchant, a consumer or somebody in the portal did to one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Story {
    Sold,
    Returned,
    ReturnedTooMuch,
    CancelledEarly,
    CancelledLate,
    CancelledHalfway,
    ReturnedThenCancelled,
    Shipped,
    RefundedByHand,
    RefundedByHandForACredit,
    RefundedByHandWrongly,
    MarkedPaidByHand,
    CreditedEarly,
    CancelledInThePortal,
    Lapsed,
    NeverShipped,
    PartPaidByGiftCard,
    GiftCardReturned,
    PaidAtTheSecondAttempt,
    PaidTwice,
    CreditedThenShipped,
    RaisedThenShipped,
}

const STORIES: [Story; 22] = [
    Story::Sold,
    Story::Returned,
    Story::ReturnedTooMuch,
    Story::CancelledEarly,
    Story::CancelledLate,
    Story::CancelledHalfway,
    Story::ReturnedThenCancelled,
    Story::Shipped,
    Story::RefundedByHand,
    Story::RefundedByHandForACredit,
    Story::RefundedByHandWrongly,
    Story::MarkedPaidByHand,
    Story::CreditedEarly,
    Story::CancelledInThePortal,
    Story::Lapsed,
    Story::NeverShipped,
    Story::PartPaidByGiftCard,
    Story::GiftCardReturned,
    Story::PaidAtTheSecondAttempt,
    Story::PaidTwice,
    Story::CreditedThenShipped,
    Story::RaisedThenShipped,
];

/// A shop while it is told.
struct Shop<'a> {
    rig: &'a Rig,
    dice: Dice,
}

impl Shop<'_> {
    fn order(&mut self, klarna: KlarnaStart, is_shipped: bool) -> (Placed, i64) {
        let total = 1_000 + self.dice.amount(20_000);
        (self.rig.order(total, klarna, is_shipped), total)
    }

    /// Credit invoices of parts of what is left; returns what is left then.
    fn credits(&mut self, order: &Placed, left: i64) -> i64 {
        let count = 1 + self.dice.roll(3);
        (0..count).fold(left, |left, _| {
            let amount = self.dice.amount(left / 2);
            self.rig.credit(order, amount);
            left - amount
        })
    }

    fn refund_by_hand(&mut self, order: &Placed, amount: i64, reference: Option<&str>) {
        let body = json!({"order": order.number, "amount_minor": amount, "reference": reference});
        self.rig.control("act/portal_refund", &body);
    }

    fn cancelled(&mut self, klarna: KlarnaStart) -> Placed {
        let (order, _) = self.order(klarna, false);
        self.rig.cancel(&order);
        order
    }

    fn tell(&mut self, story: Story) {
        match story {
            Story::Sold => {
                self.order(KlarnaStart::Captured, true);
            }
            Story::Returned => {
                let (order, total) = self.order(KlarnaStart::Captured, true);
                self.credits(&order, total);
            }
            Story::ReturnedTooMuch => {
                let (order, total) = self.order(KlarnaStart::Captured, true);
                self.refund_of_most(&order, total);
            }
            Story::CancelledEarly => {
                self.cancelled(KlarnaStart::Authorized);
            }
            Story::CancelledLate => {
                self.cancelled(KlarnaStart::Captured);
            }
            Story::CancelledHalfway => {
                let part = self.dice.amount(1_000);
                self.cancelled(KlarnaStart::PartCaptured(part));
            }
            Story::ReturnedThenCancelled => {
                let (order, total) = self.order(KlarnaStart::Captured, false);
                self.credits(&order, total);
                self.rig.cancel(&order);
            }
            Story::Shipped => {
                self.order(KlarnaStart::Authorized, true);
            }
            Story::CreditedEarly => {
                let (order, total) = self.order(KlarnaStart::Authorized, false);
                self.credits(&order, total);
            }
            Story::CreditedThenShipped => {
                let (order, total) = self.order(KlarnaStart::Authorized, false);
                self.credits(&order, total);
                self.rig.with(|world| world.ship(order.id, None)).unwrap();
            }
            Story::RaisedThenShipped => {
                let (order, total) = self.order(KlarnaStart::Authorized, false);
                let edit = LineEdit { line: 0, quantity: None, unit_minor: Some(total + self.dice.amount(500) + 1) };
                self.rig.with(|world| world.edit_order(order.id, &[edit])).unwrap();
                self.rig.with(|world| world.ship(order.id, None)).unwrap();
            }
            Story::CancelledInThePortal => {
                let (order, _) = self.order(KlarnaStart::Authorized, false);
                self.rig.control("act/portal_cancel", &json!({"order": order.number}));
            }
            Story::Lapsed => {
                let klarna = KlarnaStart::Authorized;
                let new = NewOrder { age_ms: 29 * DAY, expires_in_ms: Some(-DAY), ..NewOrder::of(5_000, klarna) };
                self.rig.place(&new);
            }
            Story::NeverShipped => {
                self.order(KlarnaStart::Captured, false);
            }
            Story::RefundedByHand
            | Story::RefundedByHandForACredit
            | Story::RefundedByHandWrongly
            | Story::MarkedPaidByHand => self.tell_by_hand(story),
            Story::PartPaidByGiftCard | Story::GiftCardReturned => self.tell_of_a_gift_card(story),
            Story::PaidAtTheSecondAttempt | Story::PaidTwice => self.tell_of_two_attempts(story),
        }
    }

    /// Shipped and captured by us, or returned whole, of which a part cannot go back through Klarna.
    fn tell_of_a_gift_card(&mut self, story: Story) {
        let (total, card) = (4_000 + self.dice.amount(20_000), self.dice.amount(3_000) + 500);
        let is_returned = story == Story::GiftCardReturned;
        let start = if is_returned { KlarnaStart::Captured } else { KlarnaStart::Authorized };
        let new = NewOrder { age_ms: 10 * DAY, shipped: true, gift_card_minor: card, ..NewOrder::of(total, start) };
        let order = self.rig.place(&new);
        if is_returned {
            self.rig.credit(&order, total);
        }
    }

    /// The first attempt came to nothing, or holds the consumer's money too.
    fn tell_of_two_attempts(&mut self, story: Story) {
        let first = if story == Story::PaidTwice { KlarnaStart::Captured } else { KlarnaStart::Cancelled };
        let (order, total) = self.order(first, true);
        let second = NewAttempt {
            pays: true,
            age_ms: 10 * DAY,
            ..NewAttempt::of(KlarnaStart::Captured, KlarnaIdLocation::Memo)
        };
        self.rig.with(|world| world.attempt(order.id, &second)).unwrap();
        self.credits(&order, total);
    }

    /// Most of it went back under a credit invoice, and then a second one asks for more than is left.
    fn refund_of_most(&mut self, order: &Placed, total: i64) {
        let credit = self.rig.credit(order, total - 500);
        self.refund_by_hand(order, total - 500, Some(&credit));
        let more = 500 + self.dice.amount(400);
        self.rig.credit(order, more);
    }

    fn tell_by_hand(&mut self, story: Story) {
        let (order, total) = self.order(KlarnaStart::Captured, true);
        let amount = self.dice.amount(total / 2);
        let credit = self.rig.credit(&order, amount);
        if story == Story::MarkedPaidByHand {
            self.rig.control("act/mark_invoice", &json!({"invoice": credit, "status": "paid"}));
        }
        if story == Story::RefundedByHand {
            let other = self.dice.amount(total / 3);
            self.refund_by_hand(&order, other, None);
        }
        if story == Story::RefundedByHandForACredit {
            self.refund_by_hand(&order, amount, Some(&credit));
        }
        if story == Story::RefundedByHandWrongly {
            self.refund_by_hand(&order, amount + 2, Some(&credit));
        }
    }
}

/// What both sides hold.
fn truth(rig: &Rig) -> Value {
    let request = Request::new("GET", "/_control/truth");
    let Reply::Respond(response) = rig.with(|world| world.handle(Side::Control, &request, now())) else {
        panic!("the sandbox says nothing")
    };
    serde_json::from_slice(&response.body).unwrap()
}

/// The oracle's word on it.
fn oracle(truth: &Value) -> Vec<Value> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/owed.py");
    let mut command = Command::new("python3");
    let mut child =
        command.arg(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 is needed");
    child.stdin.take().unwrap().write_all(json!({"truth": truth}).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the oracle failed on {truth}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    said["orders"].as_array().unwrap().clone()
}

/// What differs between the report of a pass at rest and the oracle.
fn compare(pass: &Pass, told: &[Value]) -> Vec<String> {
    let reported: BTreeMap<String, &Value> = pass.list("orders").iter().map(|it| (text(&it["number"]), it)).collect();
    let mut wrong = Vec::new();
    for expected in told {
        let number = text(&expected["number"]);
        let Some(found) = reported.get(&number) else {
            wrong.push(format!("{number} is not in the report"));
            continue;
        };
        let mut says = |what: &str, ours: &Value, oracles: &Value| {
            if ours != oracles {
                wrong.push(format!("{number} {what}: the report says {ours}, the oracle {oracles}"));
            }
        };
        says("captured", &found["captured_minor"], &expected["captured"]);
        says("refunded", &found["refunded_minor"], &expected["refunded"]);
        let kinds: BTreeSet<String> = pass.breaks_of(&number).into_iter().collect();
        says("differences", &json!(kinds), &expected["differences"]);
        let credits = |it: &Value, amount: &str| -> Value {
            let one = |it: &Value| json!([it["number"], it[amount], is_settled(&it["state"])]);
            it["credit_invoices"].as_array().unwrap().iter().map(one).collect()
        };
        says("credit invoices", &credits(found, "amount_minor"), &credits(expected, "amount"));
        if expected["owed"] != 0 && kinds.is_empty() {
            wrong.push(format!("{number}: {} are owed, and nothing says why", expected["owed"]));
        }
        if expected["never_agreed"] == true && found["state"] == "paid" {
            wrong.push(format!("{number} is called paid, and the two sides never agreed"));
        }
        if expected["captured_in_vain"] != 0 {
            wrong.push(format!("{number}: {} were captured after they were credited", expected["captured_in_vain"]));
        }
        if !expected["holder"].is_null() && kinds.is_empty() {
            wrong.push(format!("{number}: {} in silence", expected["holder"]));
        }
    }
    wrong
}

/// The report's states against the oracle's: paid, or waiting for something.
fn is_settled(state: &Value) -> &'static str {
    match state.as_str().unwrap() {
        "paid" | "cancelled" => "settled",
        "refunded" => "refunded",
        _ => "open",
    }
}

/// One seeded shop, told in two parts with passes between, and run to rest.
fn run(seed: u64, told: &mut BTreeSet<Story>) -> Vec<String> {
    let rig = Rig::empty(DRIVE);
    let mut shop = Shop { rig: &rig, dice: Dice(seed) };
    for half in 0..2 {
        for index in 0..ORDERS / 2 + half {
            // The first order of a shop goes through the stories in turn, so that none is left to chance.
            let turn = if half == 0 && index == 0 { seed } else { shop.dice.roll(22) };
            let story = STORIES[usize::try_from(turn % 22).unwrap()];
            told.insert(story);
            shop.tell(story);
        }
        if shop.dice.roll(6) == 0 {
            rig.fault(Side::Klarna, "POST", "*", FaultKind::Drop, true);
        }
        rig.pass();
    }
    rig.clear_faults();
    rig.passes_until_quiet(PASSES);
    let pass = rig.pass_with(&["--full"]);
    let wrong = compare(&pass, &oracle(&truth(&rig)));
    wrong.into_iter().map(|it| format!("seed {seed}: {it}")).collect()
}

#[test]
fn the_report_of_a_shop_at_rest_is_what_the_oracle_says() {
    let parts = |part: u64| {
        let mut told = BTreeSet::new();
        let wrong = (part..seeds()).step_by(THREADS).flat_map(|seed| run(seed, &mut told)).collect();
        (wrong, told)
    };
    let (mut wrong, mut told) = (Vec::new(), BTreeSet::new());
    thread::scope(|scope| {
        let running: Vec<_> =
            (0..THREADS).map(|part| scope.spawn(move || parts(u64::try_from(part).unwrap()))).collect();
        for one in running {
            let (found, heard): (Vec<String>, BTreeSet<Story>) = one.join().unwrap();
            wrong.extend(found);
            told.extend(heard);
        }
    });
    assert!(wrong.is_empty(), "{} differ:\n  {}", wrong.len(), wrong.join("\n  "));
    println!("@ shops judged by an oracle in another language | {} of {ORDERS} orders, no difference", seeds());
    assert_eq!(told.len(), STORIES.len(), "a story was never told: {told:?}");
}

/// Changes what both sides are said to hold.
type Lie = fn(&mut Value);

/// The oracle would not be one if it nodded at everything: each of these lies about the truth is noticed.
#[test]
fn a_truth_that_was_changed_is_noticed() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(9_000, 2_500);
    rig.passes_until_quiet(PASSES);
    let pass = rig.pass_with(&["--full"]);
    let whole = truth(&rig);
    assert_eq!(compare(&pass, &oracle(&whole)), Vec::<String>::new());
    let lies: [(&str, Lie); 11] = [
        ("a refund of nobody", |it| it["klarna_orders"][0]["refunds"][0]["reference"] = Value::Null),
        ("a refund that never was", |it| {
            it["klarna_orders"][0]["refunds"] = json!([]);
            it["klarna_orders"][0]["refunded_amount"] = json!(0);
        }),
        ("a cent too much", |it| {
            it["klarna_orders"][0]["refunds"][0]["amount"] = json!(2_501);
            it["klarna_orders"][0]["refunded_amount"] = json!(2_501);
        }),
        ("a credit invoice that is not paid", |it| credit_of(it)["status"] = json!("not_paid")),
        ("a credit invoice of another amount", |it| credit_of(it)["total"] = json!("25.01")),
        ("a cancelled order", |it| it["shop_orders"][0]["status"] = json!("cancelled")),
        ("money of the consumer's that nobody told of", |it| it["shop_orders"][0]["total"] = json!("80.00")),
        ("a gift card that paid a part of it", |it| it["shop_orders"][0]["gift_card"] = json!("10.00")),
        ("an order of which the shop asks for more than it ever did", |it| {
            it["klarna_orders"][0]["order_amount"] = json!(5_000);
            it["klarna_orders"][0]["original_order_amount"] = json!(5_000);
        }),
        ("a capture of ours of what had been credited", |it| {
            it["klarna_orders"][0]["captures"][0]["idempotency_key"] = json!("a key");
            it["klarna_orders"][0]["captures"][0]["at"] = it["klarna_orders"][0]["refunds"][0]["at"].clone();
        }),
        ("goods that nobody paid", |it| it["shop_orders"][0]["total"] = json!("100.00")),
    ];
    for (lie, tell) in lies {
        let mut changed = whole.clone();
        tell(&mut changed);
        assert_ne!(compare(&pass, &oracle(&changed)), Vec::<String>::new(), "{lie}: {} {credit}", order.number);
    }
}

fn credit_of(truth: &mut Value) -> &mut Value {
    let invoices = truth["shop_orders"][0]["invoices"].as_array_mut().unwrap();
    invoices.iter_mut().find(|it| it["is_credit"] == true).unwrap()
}
