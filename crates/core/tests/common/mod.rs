//! A scene: one order as both sides tell it, what is held about it, and the plan in words.
//!
//! Every word of the small language is a method that takes text as a person would write it: amounts as `"44.95"`,
//! times as how long ago they were, `"2h"` or `"59m 59s"`. What is not said is unremarkable: an order over 100.00,
//! authorized three days ago at Klarna, everything driven by us, nothing captured.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "shared by several test programs, each using a part; a panic is a failed test"
)]

pub mod render;
pub mod world;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use reconciled_core::adoption::{Part, Settles};
use reconciled_core::answer;
use reconciled_core::credit_invoice::{CreditInvoice, Proof};
use reconciled_core::decide::decide;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::{
    Candidate, CreditInvoiceFacts, Facts, Fraud, KlarnaCapture, KlarnaOrder, KlarnaRefund, KlarnaSide, KlarnaStatus,
    Line, OUTDATED, Place, Said, Shipment, Shipped, ShopOrder, ShopStatus, Word,
};
use reconciled_core::id::{
    CaptureId, InvoiceId, InvoiceNumber, KlarnaOrderId, LineId, OrderId, OrderNumber, Reference, RefundId, ShipmentId,
    ShopName,
};
use reconciled_core::intent::{self, Effect, Intent, Kind, State, Target};
use reconciled_core::ledger::{Attribution, CreditRecord, Ledger};
use reconciled_core::limits::{self, Spent};
use reconciled_core::link::{self, Answer, Chosen, Seen, Told};
use reconciled_core::money::{Currency, Minor};
use reconciled_core::order::Order;
use reconciled_core::plan::Plan;
use reconciled_core::policy::{CaptureOn, Mode, Policy};
use reconciled_core::share::Accepted;

/// The moment at which every scene is decided.
pub const NOW: Timestamp = Timestamp::constant(1_772_366_400, 0);

pub fn long(text: &str) -> SignedDuration {
    text.parse().expect("a duration such as `59m 59s`")
}

pub fn in_time(text: &str) -> Timestamp {
    NOW + long(text)
}

pub fn ago(text: &str) -> Timestamp {
    NOW - long(text)
}

/// An amount in euro.
pub fn eur(text: &str) -> Minor {
    Minor::parse(text, Currency::EUR).expect("an amount such as `44.95`")
}

fn said(text: &str) -> Said {
    Minor::parse(text, Currency::EUR).map(Minor::abs).map_err(|_| text.to_owned())
}

/// A document's id is the digits of its number.
pub fn id_of(number: &str) -> u64 {
    number.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// One order as both sides tell it, and what is held about it.
#[derive(Clone, Debug)]
pub struct Scene {
    pub facts: Facts,
    pub ledger: Ledger,
    pub policy: Policy,
    pub now: Timestamp,
    pub spent: Spent,
    /// The other Klarna orders that the shop order names.
    pub also: Vec<Seen>,
    /// What a human said about the link.
    pub told: Option<Told>,
    /// The references of this shop's Klarna orders are known to carry its numbers.
    pub demands_reference: bool,
}

/// The order `ORD1` over `total`, placed and authorized three days ago, waiting in the shop.
pub fn order(total: &str) -> Scene {
    let amount = said(total).unwrap_or_default();
    let klarna_order_id = KlarnaOrderId::new("k-1").expect("a safe id");
    let klarna = KlarnaOrder {
        id: klarna_order_id.clone(),
        status: Word::Known(KlarnaStatus::Authorized),
        fraud: Some(Word::Known(Fraud::Accepted)),
        currency: Word::Known(Currency::EUR),
        order_amount: amount,
        original_amount: amount,
        captured: Minor::ZERO,
        refunded: Minor::ZERO,
        remaining: amount,
        merchant_reference1: Some("ORD1".to_owned()),
        merchant_reference2: None,
        created_at: Some(ago("72h")),
        expires_at: Some(NOW + long("600h")),
        captures: Vec::new(),
        refunds: Vec::new(),
    };
    // Most orders were looked at while their authorization was open.
    let judged_under = klarna_order_id.clone();
    let shop = ShopOrder {
        id: OrderId(1),
        number: OrderNumber("ORD1".to_owned()),
        created_at: ago("72h"),
        updated_at: ago("72h"),
        status: Word::Known(ShopStatus::Open),
        shipped: Word::Known(Shipped::No),
        paid: true,
        total: said(total),
        paid_otherwise: false,
        gift_cards: None,
        klarna_order_id: Some(klarna_order_id.clone()),
        candidates: vec![Candidate { id: klarna_order_id, places: vec![Place::PaymentData] }],
        credit_invoices: Vec::new(),
        shipments: Vec::new(),
        lines: Vec::new(),
    };
    Scene {
        facts: Facts {
            currency: Currency::EUR,
            shop,
            klarna: KlarnaSide::Read(klarna),
            beside: Vec::new(),
            is_told: false,
            shared_with: Vec::new(),
            read_at: NOW,
            shop_read_at: NOW,
        },
        ledger: Ledger { judged_under: Some(judged_under), ..Ledger::new(ShopName("main".to_owned())) },
        policy: policy(),
        now: NOW,
        spent: Spent::default(),
        also: Vec::new(),
        told: None,
        demands_reference: false,
    }
}

/// An order over `total`, shipped and captured two days ago, as most are.
pub fn captured_order(total: &str) -> Scene {
    order(total).shipped("48h").captured(total, "48h").known_as(Order::Paid)
}

/// A cancelled order: the shop said so two hours ago.
pub fn cancelled_order(total: &str) -> Scene {
    order(total).cancelled("2h")
}

/// Everything driven by us, an hour of patience with credit invoices, half an hour of grace.
pub fn policy() -> Policy {
    Policy {
        act: true,
        refunds: Mode::Drive,
        mark_paid: Mode::Drive,
        cancels: Mode::Drive,
        captures: Mode::Drive,
        capture_on: CaptureOn::all(),
        extend_authorization: false,
        adopt_exact: false,
        refund_after: long("60m"),
        grace: long("30m"),
        refund_limit_per_order: eur("1000"),
        refund_limit_per_pass: eur("5000"),
        refund_limit_per_day: eur("20000"),
        two_person_above: None,
        expiry_warning: long("120h"),
    }
}

/// The shop's side.
impl Scene {
    pub fn shop_says(mut self, change: impl FnOnce(&mut ShopOrder)) -> Self {
        change(&mut self.facts.shop);
        self
    }

    /// We changed something in the shop after it was read.
    pub fn shop_outdated(mut self) -> Self {
        self.facts.shop_read_at = OUTDATED;
        self
    }

    /// The shop was read that long ago; Klarna is read now.
    pub fn shop_read(mut self, when: &str) -> Self {
        self.facts.shop_read_at = ago(when);
        self
    }

    pub fn total(self, text: &str) -> Self {
        self.shop_says(|shop| shop.total = said(text))
    }

    pub fn cancelled(self, when: &str) -> Self {
        self.shop_says(|shop| {
            shop.status = Word::Known(ShopStatus::Cancelled);
            shop.updated_at = ago(when);
        })
    }

    /// Wholly shipped, in one shipment.
    pub fn shipped(self, when: &str) -> Self {
        let mut scene = self.shipment("SHP1", when, &[]);
        scene.facts.shop.shipped = Word::Known(Shipped::Fully);
        scene
    }

    /// A line of the order: its id, how many, and what they cost together.
    pub fn line(self, id: u64, ordered: u32, total: &str) -> Self {
        let line = Line { id: LineId(id), ordered, total: said(total), credited: Vec::new() };
        self.shop_says(|shop| shop.lines.push(line))
    }

    /// A credit invoice's items: how many of which line.
    pub fn items(self, number: &str, quantities: &[(u64, u32)]) -> Self {
        let credit = InvoiceId(id_of(number));
        self.shop_says(|shop| {
            for line in &mut shop.lines {
                let of_line = quantities.iter().filter(|(id, _)| line.id == LineId(*id));
                line.credited.extend(of_line.map(|(_, count)| (credit, *count)));
            }
        })
    }

    /// A shipment that left, with how many of which line.
    pub fn shipment(self, number: &str, when: &str, quantities: &[(u64, u32)]) -> Self {
        let shipment = Shipment {
            id: ShipmentId(id_of(number)),
            number: number.to_owned(),
            updated_at: ago(when),
            shipped: true,
            quantities: quantities.iter().map(|(line, count)| (LineId(*line), *count)).collect(),
        };
        self.shop_says(|shop| {
            shop.shipments.push(shipment);
            shop.shipped = Word::Known(Shipped::Partly);
        })
    }

    pub fn all_shipped(self) -> Self {
        self.shop_says(|shop| shop.shipped = Word::Known(Shipped::Fully))
    }

    /// A credit invoice that is not paid.
    pub fn credit(self, number: &str, amount: &str, when: &str) -> Self {
        let credit = CreditInvoiceFacts {
            id: InvoiceId(id_of(number)),
            number: InvoiceNumber(number.to_owned()),
            created_at: ago(when),
            updated_at: ago(when),
            amount: said(amount),
            paid: Word::Known(false),
        };
        self.shop_says(|shop| shop.credit_invoices.push(credit))
    }

    pub fn change_credit(mut self, number: &str, change: impl FnOnce(&mut CreditInvoiceFacts)) -> Self {
        let found = self.facts.shop.credit_invoices.iter_mut().find(|credit| credit.number.as_str() == number);
        change(found.expect("a credit invoice of the scene"));
        self
    }

    pub fn marked_paid(self, number: &str, when: &str) -> Self {
        self.change_credit(number, |credit| {
            credit.paid = Word::Known(true);
            credit.updated_at = ago(when);
        })
    }
}

/// Klarna's side.
impl Scene {
    pub fn klarna_says(mut self, change: impl FnOnce(&mut KlarnaOrder)) -> Self {
        if let KlarnaSide::Read(klarna) = &mut self.facts.klarna {
            change(klarna);
        }
        self
    }

    /// A capture that carries no reference.
    pub fn captured(self, amount: &str, when: &str) -> Self {
        let count = self.klarna().captures.len();
        self.captured_as(&format!("c{}", count + 1), amount, when, None)
    }

    pub fn captured_as(self, id: &str, amount: &str, when: &str, reference: Option<&str>) -> Self {
        let capture = KlarnaCapture {
            id: CaptureId(id.to_owned()),
            amount: eur(amount),
            reference: reference.map(|text| Reference(text.to_owned())),
            captured_at: Some(ago(when)),
        };
        self.klarna_says(|klarna| {
            klarna.captured = klarna.captured.plus(capture.amount);
            klarna.remaining = klarna.remaining.less(capture.amount);
            let whole = klarna.remaining.is_zero();
            klarna.status = Word::Known(if whole { KlarnaStatus::Captured } else { KlarnaStatus::PartCaptured });
            klarna.captures.push(capture);
        })
    }

    /// A refund an hour ago; an empty reference is none.
    pub fn refund(self, id: &str, amount: &str, reference: &str) -> Self {
        self.refund_at(id, amount, reference, "1h")
    }

    pub fn refund_at(self, id: &str, amount: &str, reference: &str, when: &str) -> Self {
        let refund = KlarnaRefund {
            id: RefundId(id.to_owned()),
            amount: eur(amount),
            reference: Some(reference).filter(|text| !text.is_empty()).map(|text| Reference(text.to_owned())),
            refunded_at: Some(ago(when)),
        };
        self.klarna_says(|klarna| {
            klarna.refunded = klarna.refunded.plus(refund.amount);
            klarna.refunds.push(refund);
        })
    }

    pub fn released(self) -> Self {
        self.klarna_says(|klarna| {
            klarna.remaining = Minor::ZERO;
            klarna.status = Word::Known(KlarnaStatus::Captured);
        })
    }

    pub fn cancelled_at_klarna(self) -> Self {
        self.klarna_says(|klarna| {
            klarna.remaining = Minor::ZERO;
            klarna.status = Word::Known(KlarnaStatus::Cancelled);
        })
    }

    pub fn expired(self) -> Self {
        self.klarna_says(|klarna| {
            klarna.remaining = Minor::ZERO;
            klarna.status = Word::Known(KlarnaStatus::Expired);
        })
    }

    pub fn fraud(self, fraud: Fraud) -> Self {
        self.klarna_says(|klarna| klarna.fraud = Some(Word::Known(fraud)))
    }

    pub fn klarna(&self) -> &KlarnaOrder {
        match &self.facts.klarna {
            KlarnaSide::Read(klarna) => klarna,
            KlarnaSide::Unlinked | KlarnaSide::NotFound { .. } | KlarnaSide::Doubtful(_) | KlarnaSide::Disowned => {
                panic!("the scene has no Klarna order")
            }
        }
    }
}

/// Which Klarna order is its own.
impl Scene {
    /// The shop order's memo names another Klarna order as well, like the first one but for this.
    pub fn also_names(mut self, id: &str, change: impl FnOnce(&mut KlarnaOrder)) -> Self {
        let id = KlarnaOrderId::new(id).expect("a safe id");
        let mut klarna = order("100.00").klarna().clone();
        klarna.id = id.clone();
        change(&mut klarna);
        self.also.push(Seen { candidate: memo(id), answer: Answer::Read(klarna), anothers: None });
        self
    }

    /// A reference of the one that was named last is the number of another order of this shop.
    pub fn also_is_anothers(mut self, number: &str) -> Self {
        self.also.last_mut().expect("another Klarna order").anothers = Some(number.to_owned());
        self
    }

    /// It names an id as well that Klarna does not know.
    pub fn also_names_nobodys(mut self, id: &str) -> Self {
        let id = KlarnaOrderId::new(id).expect("a safe id");
        let answer = Answer::NotFound { said: "NO_SUCH_ORDER".to_owned() };
        self.also.push(Seen { candidate: memo(id), answer, anothers: None });
        self
    }

    /// The states rest on the facts of this Klarna order.
    pub fn judged_under(mut self, id: &str) -> Self {
        self.ledger.judged_under = KlarnaOrderId::new(id);
        self
    }

    /// Nothing of it was read before.
    pub fn first_look(mut self) -> Self {
        self.ledger.judged_under = None;
        self
    }

    pub fn human_links(mut self, id: &str) -> Self {
        self.told = Some(KlarnaOrderId::new(id).map_or(Told::Nobody, Told::To));
        self
    }

    /// The facts with the Klarna order that is chosen among those that are named.
    pub fn linked(&self) -> Facts {
        let facts = &self.facts;
        let answer = match &facts.klarna {
            KlarnaSide::Read(klarna) => Answer::Read(klarna.clone()),
            KlarnaSide::NotFound { said } => Answer::NotFound { said: said.clone() },
            KlarnaSide::Unlinked | KlarnaSide::Doubtful(_) | KlarnaSide::Disowned => return facts.clone(),
        };
        let first = facts.shop.candidates.first().cloned();
        let first = first.map(|candidate| Seen { candidate, answer, anothers: None });
        let seen: Vec<Seen> = first.into_iter().chain(self.also.iter().cloned()).collect();
        let told = self.told.as_ref();
        let Chosen { id, side, beside } =
            link::choose(&facts.shop, facts.currency, &seen, told, self.demands_reference);
        let shop = ShopOrder { klarna_order_id: id, ..facts.shop.clone() };
        Facts { shop, klarna: side, beside, is_told: told.is_some(), ..facts.clone() }
    }
}

fn memo(id: KlarnaOrderId) -> Candidate {
    Candidate { id, places: vec![Place::Memo] }
}

/// What is held, and what the merchant allows.
impl Scene {
    pub fn known_as(mut self, order: Order) -> Self {
        self.ledger.order = order;
        self
    }

    pub fn held_by_operator(mut self, note: &str) -> Self {
        self.ledger.hold = Some(note.to_owned());
        self
    }

    /// The shop names gift cards among the payments, with these sums in what it says of them.
    pub fn gift_cards(self, sums: &[&str]) -> Self {
        let sums = sums.iter().map(|sum| eur(sum)).collect();
        self.shop_says(|shop| shop.gift_cards = Some(sums))
    }

    /// A human said what of the order as it is Klarna is to take.
    pub fn accepted(mut self, amount: &str) -> Self {
        let total = self.facts.shop.total.clone().expect("a total");
        self.ledger.accepted = Some(Accepted { total, amount: eur(amount) });
        self
    }

    /// A human said that this part of the credit invoice went back by other means.
    pub fn given_back(mut self, number: &str, amount: &str) -> Self {
        self.ledger.given_back.insert(InvoiceNumber(number.to_owned()), eur(amount));
        self
    }

    /// Another order of the shop names the same Klarna order.
    pub fn shared_with(mut self, number: &str) -> Self {
        self.facts.shared_with.push(OrderNumber(number.to_owned()));
        self
    }

    pub fn adopted(mut self, refund: &str, attribution: Attribution) -> Self {
        self.ledger.adopted.insert(RefundId(refund.to_owned()), attribution);
        self
    }

    /// A human said that a credit invoice of this amount names what never left.
    pub fn never_sent(mut self, number: &str, amount: &str) -> Self {
        self.ledger.never_sent.insert(InvoiceId(id_of(number)), eur(amount));
        self
    }

    /// A human said part by part what the refund settles: a credit invoice's number, `cancel` or `nothing`.
    pub fn parted(self, refund: &str, parts: &[(&str, &str)]) -> Self {
        let part = |(what, amount): &(&str, &str)| {
            let settles = match *what {
                "cancel" => Settles::Cancel,
                "nothing" => Settles::Nothing,
                number => Settles::Credit(InvoiceId(id_of(number))),
            };
            Part { settles, amount: eur(amount) }
        };
        self.adopted(refund, Attribution::Parts(parts.iter().map(part).collect()))
    }

    /// Klarna's reads have not shown this for so long.
    pub fn missed(mut self, subject: &str, since: &str) -> Self {
        self.ledger.differs_since.insert((BreakKind::EffectVanished, subject.to_owned()), ago(since));
        self
    }

    /// The same of what the latest intent did.
    pub fn missed_intent(self, since: &str) -> Self {
        let last = self.ledger.intents.last().expect("an intent").id;
        self.missed(&last.to_string(), since)
    }

    pub fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self.facts.read_at = now;
        self.facts.shop_read_at = now;
        self
    }

    /// The credit invoice as it is held.
    pub fn credit_known_as(mut self, number: &str, amount: &str, state: CreditInvoice) -> Self {
        let id = InvoiceId(id_of(number));
        let listed = self.facts.shop.credit_invoices.iter().find(|credit| credit.id == id);
        let created_at = listed.map_or(ago("3h"), |credit| credit.created_at);
        let number = InvoiceNumber(number.to_owned());
        self.ledger.credits.insert(id, CreditRecord { number, state, amount: Some(eur(amount)), created_at });
        self
    }

    /// An intent in the ledger, and its credit invoice where such an intent leaves it.
    pub fn intended(mut self, ask: &Ask) -> Self {
        let intent = ask.intent(&self.target());
        if let (Kind::Refund, Some((id, number))) = (ask.kind, ask.credit()) {
            let state = match ask.state {
                State::Planned | State::Sending | State::Unknown => CreditInvoice::RefundRequested(intent.id),
                State::Confirmed => CreditInvoice::Refunded(Proof::Refund(RefundId(ask.made.to_owned()))),
                State::Rejected => CreditInvoice::Held,
                State::Withdrawn => CreditInvoice::Pending,
                State::Abandoned => CreditInvoice::Held,
            };
            let record = CreditRecord { number, state, amount: Some(intent.effect.amount), created_at: ago("3h") };
            self.ledger.credits.insert(id, record);
        }
        self.ledger.intents.push(intent);
        self
    }

    /// The credit invoice's state says that the latest intent was asked for it, whatever became of that.
    pub fn requested(self, number: &str, amount: &str) -> Self {
        let last = self.ledger.intents.last().expect("an intent").id;
        self.credit_known_as(number, amount, CreditInvoice::RefundRequested(last))
    }

    /// A human approved the latest intent.
    pub fn approved(mut self) -> Self {
        let last = self.ledger.intents.last().expect("an intent to approve").id;
        self.ledger.approved.insert(last);
        self
    }

    /// A human approved an effect before it is an intent, as after a ceiling held it.
    pub fn approved_effect(mut self, ask: &Ask) -> Self {
        self.ledger.approved.insert(ask.intent(&self.target()).id);
        self
    }

    /// Two humans agreed to an effect.
    pub fn countersigned_effect(mut self, ask: &Ask) -> Self {
        self.ledger.countersigned.insert(ask.intent(&self.target()).id);
        self.approved_effect(ask)
    }

    pub fn target(&self) -> Target {
        Target {
            shop: self.ledger.shop.clone(),
            whose: None,
            order: self.facts.shop.id,
            klarna_order_id: self.linked().shop.klarna_order_id,
            currency: self.facts.currency,
        }
    }

    pub fn plan(&self) -> Plan {
        let facts = self.linked();
        let mut plan = decide(&self.ledger, &facts, &self.policy, self.now);
        let mut spent = self.spent;
        limits::admit(&mut plan, &self.ledger, &self.target(), &self.policy, &mut spent, self.now);
        plan
    }
}

/// An intent in words: `Ask::refund("INV1", "40.00").unknown("10m")`.
#[derive(Clone, Debug)]
pub struct Ask {
    kind: Kind,
    reference: &'static str,
    amount: &'static str,
    state: State,
    attempts: u32,
    /// First and last attempt, as how long ago.
    sent: Option<(&'static str, &'static str)>,
    absent: Option<&'static str>,
    not_before: Option<Timestamp>,
    made: &'static str,
    seen_before: &'static [&'static str],
    left_out: Option<&'static [(&'static str, &'static str)]>,
    code: &'static str,
    generation: u32,
}

impl Ask {
    pub const fn new(kind: Kind, reference: &'static str, amount: &'static str) -> Self {
        Self {
            kind,
            reference,
            amount,
            state: State::Planned,
            attempts: 0,
            sent: None,
            absent: None,
            not_before: None,
            made: "",
            seen_before: &[],
            left_out: None,
            code: "",
            generation: 0,
        }
    }

    pub const fn refund(number: &'static str, amount: &'static str) -> Self {
        Self::new(Kind::Refund, number, amount)
    }

    pub const fn mark_paid(number: &'static str, amount: &'static str) -> Self {
        Self::new(Kind::MarkPaid, number, amount)
    }

    /// Sent once, and the answer was lost.
    pub fn unknown(self, when: &'static str) -> Self {
        Self { state: State::Unknown, attempts: 1, sent: Some((when, when)), ..self }
    }

    pub fn sending(self, when: &'static str) -> Self {
        Self { state: State::Sending, attempts: 1, sent: Some((when, when)), ..self }
    }

    pub fn confirmed(self, made: &'static str, when: &'static str) -> Self {
        Self { state: State::Confirmed, attempts: 1, sent: Some((when, when)), made, ..self }
    }

    pub fn rejected(self, code: &'static str, when: &'static str) -> Self {
        Self { state: State::Rejected, attempts: 1, sent: Some((when, when)), code, ..self }
    }

    /// Given up before it was sent, because its reason was gone.
    pub fn withdrawn(self) -> Self {
        Self { state: State::Withdrawn, ..self }
    }

    /// Given up by a human before it was sent.
    pub fn given_up(self) -> Self {
        Self { state: State::Abandoned, ..self }
    }

    /// Sent, lost, and given up by a human.
    pub fn abandoned(self, when: &'static str) -> Self {
        Self { state: State::Abandoned, attempts: 1, sent: Some((when, when)), ..self }
    }

    pub fn attempts(self, attempts: u32, first: &'static str, last: &'static str) -> Self {
        Self { attempts, sent: Some((first, last)), ..self }
    }

    /// A read that long ago did not show it.
    pub fn absent(self, since: &'static str) -> Self {
        Self { absent: Some(since), ..self }
    }

    pub fn not_before(self, at: Timestamp) -> Self {
        Self { not_before: Some(at), ..self }
    }

    pub fn seen_before(self, refunds: &'static [&'static str]) -> Self {
        Self { seen_before: refunds, ..self }
    }

    /// A capture that these credit invoices lowered.
    pub fn left_out(self, credits: &'static [(&'static str, &'static str)]) -> Self {
        Self { left_out: Some(credits), ..self }
    }

    pub fn generation(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    fn credit(&self) -> Option<(InvoiceId, InvoiceNumber)> {
        let number = self.reference.strip_suffix(":rest").unwrap_or(self.reference);
        let is_credit = number.starts_with("INV");
        is_credit.then(|| (InvoiceId(id_of(number)), InvoiceNumber(number.to_owned())))
    }

    pub fn intent(&self, target: &Target) -> Intent {
        let effect = Effect {
            kind: self.kind,
            amount: eur(self.amount),
            reference: Reference(self.reference.to_owned()),
            credit_invoice: self.credit(),
            generation: self.generation,
        };
        let ended = matches!(self.state, State::Confirmed | State::Rejected | State::Withdrawn | State::Abandoned);
        let refusal = answer::Said {
            status: Some(403),
            code: Some(self.code.to_owned()),
            message: format!("HTTP 403: {}: It is not allowed.", self.code),
            correlation_id: Some("corr-1".to_owned()),
        };
        Intent {
            id: intent::id(&effect, target),
            key: intent::key(&effect, target),
            effect,
            target: target.clone(),
            payload: "{}".to_owned(),
            state: self.state.clone(),
            planned_at: self.sent.map_or(ago("2h"), |(first, _)| ago(first)),
            attempts: self.attempts,
            first_sent_at: self.sent.map(|(first, _)| ago(first)),
            last_sent_at: self.sent.map(|(_, last)| ago(last)),
            not_before: self.not_before,
            seen_before: self.seen_before.iter().map(|id| (*id).to_owned()).collect(),
            left_out: self
                .left_out
                .map(|all| all.iter().map(|(number, amount)| (InvoiceId(id_of(number)), eur(amount))).collect()),
            absent_since: self.absent.map(ago),
            made: Some(self.made).filter(|made| !made.is_empty()).map(|made| RefundId(made.to_owned())),
            said: Some(refusal).filter(|_| self.state == State::Rejected),
            ended_at: self.sent.filter(|_| ended).map(|(_, last)| ago(last)),
        }
    }
}

/// The states of the credit invoices in `ledger`, those only listed in `facts` included.
pub fn credit_states(ledger: &Ledger, facts: &Facts) -> BTreeMap<InvoiceId, CreditInvoice> {
    let mut states: BTreeMap<_, _> = ledger.credits.iter().map(|(id, held)| (*id, held.state.clone())).collect();
    for credit in &facts.shop.credit_invoices {
        states.entry(credit.id).or_insert(CreditInvoice::Pending);
    }
    states
}

/// The kinds of break in a plan.
pub fn kinds(plan: &Plan) -> BTreeSet<&'static str> {
    plan.discrepancies.iter().map(|discrepancy| discrepancy.kind.name()).collect()
}
