//! A shop whose October has one of everything, made through the store's verbs at fixed times.

use std::io::Write;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use reconciled::report::period::{Any, FormatKind, Period, Report, Summary};
use reconciled_core::credit_invoice::{self, CreditInvoice, Proof};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::{
    Candidate, KlarnaCapture, KlarnaOrder, KlarnaRefund, KlarnaStatus, Place, Shipped, ShopOrder, ShopStatus, Word,
};
use reconciled_core::id::{
    CaptureId, InvoiceId, InvoiceNumber, KlarnaOrderId, OrderId, OrderNumber, PassId, Reference, RefundId, ShopName,
};
use reconciled_core::intent::{self, Effect, Intent, Kind, State, Target};
use reconciled_core::money::{Currency, Minor};
use reconciled_core::order::{self, Order};
use reconciled_core::policy::{CaptureOn, Mode, Policy};
use reconciled_store::period::{Closing, Seen, Span};
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Attempt, Claim, Decided, Difference, Guard, Identity, Operation, ShopRecord, Step, Store as _};
use uuid::Uuid;

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn minor(amount: i64) -> Minor {
    Minor::new(amount).unwrap()
}

pub fn october() -> Period {
    Period::parse("2025-10").unwrap()
}

pub fn november() -> Period {
    Period::parse("2025-11").unwrap()
}

/// A shop that grows act by act.
pub struct Shop {
    pub store: SqliteStore,
    passes: u128,
    pass: PassId,
}

/// A refund of ours, as far as a test wants to know it.
#[derive(Clone, Copy)]
pub struct Refunding<'a> {
    pub order: u64,
    pub credit: u64,
    pub number: &'a str,
    pub amount: i64,
    pub refund: &'a str,
}

impl Shop {
    pub async fn new() -> Self {
        Self::on(SqliteStore::in_memory(ShopName("main".into())).unwrap()).await
    }

    /// A shop whose store is a file.
    pub async fn at(path: &std::path::Path) -> Self {
        Self::on(SqliteStore::open(path, ShopName("main".into())).unwrap()).await
    }

    /// A store that is there already.
    pub fn reopened(path: &std::path::Path) -> Self {
        let store = SqliteStore::open(path, ShopName("main".into())).unwrap();
        Self { store, passes: 1_000, pass: PassId(Uuid::nil()) }
    }

    async fn on(store: SqliteStore) -> Self {
        let identity = Identity {
            cluster: "eu1".into(),
            environment: "playground".into(),
            region: "eu".into(),
            shop_id: "356891".into(),
        };
        let read_at = at("2025-10-01T06:00:00Z");
        store.bind(ShopRecord { identity, currency: Currency::EUR, read_at }).await.unwrap();
        Self { store, passes: 0, pass: PassId(Uuid::nil()) }
    }

    pub async fn begin(&mut self, when: &str) {
        self.passes += 1;
        self.pass = PassId(Uuid::from_u128(self.passes));
        self.store.begin_pass(self.pass, at(when)).await.unwrap();
    }

    pub async fn end(&self, when: &str, unchecked: &[(&str, &str)]) {
        let texts = unchecked.iter().map(|(what, why)| ((*what).to_owned(), (*why).to_owned())).collect();
        self.store.keep_unchecked(self.pass, texts).await.unwrap();
        self.store.end_pass(self.pass, at(when), unchecked.is_empty()).await.unwrap();
    }

    /// The shop says what it has.
    pub async fn observe(&self, id: u64, number: &str, when: &str) {
        let order = ShopOrder {
            id: OrderId(id),
            number: OrderNumber(number.into()),
            created_at: at(when),
            updated_at: at(when),
            status: Word::Known(ShopStatus::Open),
            shipped: Word::Known(Shipped::Fully),
            paid: true,
            total: Ok(minor(10_000)),
            klarna_order_id: KlarnaOrderId::new(&format!("klarna-{id}")),
            candidates: KlarnaOrderId::new(&format!("klarna-{id}"))
                .map(|id| Candidate { id, places: vec![Place::Memo] })
                .into_iter()
                .collect(),
            credit_invoices: Vec::new(),
            shipments: Vec::new(),
            paid_otherwise: false,
            gift_cards: None,
            lines: Vec::new(),
        };
        self.store.observe(vec![(order.id, Some(order))], at(when)).await.unwrap();
    }

    pub async fn decide(&self, when: &str, decided: Decided) {
        for result in self.store.decide(self.pass, at(when), vec![decided]).await.unwrap() {
            result.unwrap();
        }
    }

    /// A refund of ours whose request may be under way.
    pub async fn send(&self, when: &str, it: &Refunding<'_>) -> Intent {
        let intent = refund_intent(it, when);
        let intended = credit_invoice::Event::Intended(intent.id);
        let decided = Decided {
            credits: vec![credit(it.credit, it.number, it.amount, when)],
            steps: vec![credit_step(it.credit, CreditInvoice::Pending, intended)],
            intents: vec![intent.clone()],
            ..quiet(it.order)
        };
        self.decide(when, decided).await;
        let guard = Guard {
            at: at(when),
            captured: minor(10_000),
            refunded: Minor::ZERO,
            limit_per_day: minor(1_000_000_000),
            two_person_above: None,
            heard_at: Some(Timestamp::MAX),
        };
        let claimed = self.store.claim(self.pass, intent.id, guard).await.unwrap();
        assert!(matches!(claimed, Claim::Granted(_)), "{claimed:?}");
        intent
    }

    /// A refund of ours that Klarna confirms.
    pub async fn refund(&self, when: &str, it: &Refunding<'_>) {
        let intent = self.send(when, it).await;
        let proof = credit_invoice::Event::Refunded(Proof::Refund(RefundId(it.refund.into())));
        let steps = vec![
            Step::Intent {
                id: intent.id,
                before: State::Sending,
                event: intent::Event::Confirmed,
                after: State::Confirmed,
                note: None,
            },
            credit_step(it.credit, CreditInvoice::RefundRequested(intent.id), proof),
        ];
        let attempt = Attempt {
            order: OrderId(it.order),
            intent: intent.id,
            steps,
            made: Some(RefundId(it.refund.into())),
            said: None,
            correlation_id: Some(format!("correlation-{}", it.refund)),
            not_before: None,
            uncounted: false,
        };
        self.store.record(self.pass, attempt, at(when)).await.unwrap();
    }

    pub async fn operate(&self, when: &str, operation: Operation, note: &str) {
        self.store.operate(operation, "operator-1".into(), note.into(), at(when)).await.unwrap();
    }

    /// The report over `period` in a format, with what it is known by.
    pub async fn report(&self, period: Period, format: FormatKind) -> (Vec<u8>, Summary) {
        self.report_as_seen(period, format, None).await
    }

    pub async fn report_as_seen(&self, period: Period, format: FormatKind, seen: Option<Seen>) -> (Vec<u8>, Summary) {
        let span = Span { from: period.from, until: period.until, seen };
        let document = Any::new(format, Bytes::default()).unwrap();
        let (report, _) = self.store.report(span, Report::new(document, "nl")).await.unwrap();
        let (document, summary) = report.finish().unwrap();
        let bytes = document.finish().unwrap();
        let written = bytes.0.lock().unwrap().clone();
        (written, summary)
    }

    pub async fn text(&self, period: Period, format: FormatKind) -> String {
        String::from_utf8(self.report(period, format).await.0).unwrap()
    }

    pub async fn json(&self, period: Period) -> serde_json::Value {
        let all: serde_json::Value = serde_json::from_str(&self.text(period, FormatKind::Json).await).unwrap();
        all["shops"][0].clone()
    }

    /// Closes a period as the command does, without its questions.
    pub async fn close(&self, period: Period, when: &str) -> String {
        let (_, summary) = self.report(period, FormatKind::Json).await;
        let closing = Closing {
            from: period.from,
            until: period.until,
            last: summary.extent.last,
            digest: summary.digest.clone(),
            accepted: std::collections::BTreeMap::default(),
            actor: "operator-1".into(),
            note: "books closed".into(),
            at: at(when),
        };
        self.store.close_period(closing).await.unwrap();
        summary.digest
    }
}

/// Where a report is written to; its clones share the bytes.
#[derive(Clone, Default)]
pub struct Bytes(Arc<Mutex<Vec<u8>>>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub fn quiet(order: u64) -> Decided {
    Decided {
        order: OrderId(order),
        klarna: None,
        link: None,
        asked: Vec::new(),
        named_by: None,
        changed: true,
        credits: Vec::new(),
        steps: Vec::new(),
        absent: Vec::new(),
        intents: Vec::new(),
        captured: minor(10_000),
        refunded: Minor::ZERO,
        discrepancies: Vec::new(),
        withheld: false,
        next_look: None,
        looks_back: false,
        heard_at: Some(Timestamp::MAX),
    }
}

type Named = (InvoiceId, InvoiceNumber, Option<Minor>, Timestamp);

pub fn credit(id: u64, number: &str, amount: i64, made: &str) -> Named {
    let made = at(made).checked_sub(SignedDuration::from_hours(2)).unwrap();
    (InvoiceId(id), InvoiceNumber(number.into()), Some(minor(amount)), made)
}

pub fn credit_step(id: u64, before: CreditInvoice, event: credit_invoice::Event) -> Step {
    let after = before.clone().apply(event.clone()).unwrap();
    Step::Credit { id: InvoiceId(id), before, event, after }
}

pub fn order_step(before: Order, event: order::Event) -> Step {
    Step::Order { before, event, after: before.apply(event).unwrap() }
}

fn refund_intent(it: &Refunding<'_>, when: &str) -> Intent {
    let effect = Effect {
        kind: Kind::Refund,
        amount: minor(it.amount),
        reference: Reference(it.number.into()),
        credit_invoice: Some((InvoiceId(it.credit), InvoiceNumber(it.number.into()))),
        generation: 0,
    };
    let target = Target {
        shop: ShopName("main".into()),
        whose: None,
        order: OrderId(it.order),
        klarna_order_id: KlarnaOrderId::new(&format!("klarna-{}", it.order)),
        currency: Currency::EUR,
    };
    Intent::planned(effect, target, "{}".into(), at(when))
}

/// Klarna's side: one capture of everything, and refunds of these names, amounts, references and times.
pub fn klarna(id: u64, captured_at: &str, refunds: &[(&str, i64, Option<&str>, &str)]) -> KlarnaOrder {
    let shown = refunds.iter().map(|(name, amount, reference, when)| KlarnaRefund {
        id: RefundId((*name).into()),
        amount: minor(*amount),
        reference: reference.map(|it| Reference(it.into())),
        refunded_at: Some(at(when)),
    });
    KlarnaOrder {
        id: KlarnaOrderId::new(&format!("klarna-{id}")).unwrap(),
        status: Word::Known(KlarnaStatus::Captured),
        fraud: None,
        currency: Word::Known(Currency::EUR),
        order_amount: minor(10_000),
        original_amount: minor(10_000),
        captured: minor(10_000),
        refunded: refunds.iter().map(|it| minor(it.1)).collect(),
        remaining: Minor::ZERO,
        merchant_reference1: None,
        merchant_reference2: None,
        created_at: None,
        expires_at: None,
        captures: vec![KlarnaCapture {
            id: CaptureId(format!("capture-{id}")),
            amount: minor(10_000),
            reference: None,
            captured_at: Some(at(captured_at)),
        }],
        refunds: shown.collect(),
    }
}

/// A decision on what Klarna showed in a read that began then.
pub fn shown(order: u64, klarna: KlarnaOrder, when: &str) -> Decided {
    Decided { klarna: Some((klarna, at(when))), ..quiet(order) }
}

pub fn unattributed(refund: &str, amount: i64, when: &str) -> Difference {
    Difference {
        kind: BreakKind::RefundUnattributed,
        subject: refund.into(),
        credit_invoice: None,
        amount: Some(minor(amount)),
        message: "a refund that nothing explains".into(),
        remedy: None,
        offer: None,
        due: at(when),
    }
}

pub fn policy() -> Policy {
    Policy {
        act: true,
        refunds: Mode::Drive,
        mark_paid: Mode::Drive,
        cancels: Mode::Drive,
        captures: Mode::Verify,
        capture_on: CaptureOn::SHIPPED,
        extend_authorization: false,
        adopt_exact: false,
        refund_after: SignedDuration::from_mins(60),
        grace: SignedDuration::from_mins(30),
        refund_limit_per_order: minor(100_000),
        refund_limit_per_pass: minor(500_000),
        refund_limit_per_day: minor(2_000_000),
        expiry_warning: SignedDuration::from_hours(120),
        two_person_above: None,
    }
}

/// October: a return refunded by us and paid, one refunded by hand and adopted, one still open, a cancel after capture,
/// a refund that nothing explains, and a pass that could not read one order.
pub async fn one_of_everything() -> Shop {
    let mut shop = october_of(Shop::new().await).await;
    november_begins(&mut shop).await;
    shop
}

/// The same in a given store.
pub async fn october_of(mut shop: Shop) -> Shop {
    shop.begin("2025-10-05T08:00:00Z").await;
    shop.store.keep_policy(reconciled_store::policy::encode(&policy()), at("2025-10-05T08:00:01Z")).await.unwrap();
    for (id, number) in [(1, "ORD00001"), (2, "ORD00002"), (3, "ORD00003"), (4, "ORD00004")] {
        shop.observe(id, number, "2025-10-05T08:00:02Z").await;
        let captured = shown(id, klarna(id, "2025-10-05T07:00:00Z", &[]), "2025-10-05T08:00:03Z");
        let steps = vec![order_step(Order::Pending, order::Event::Captured)];
        shop.decide("2025-10-05T08:00:04Z", Decided { steps, ..captured }).await;
    }
    shop.end("2025-10-05T08:00:05Z", &[("order ORD00009", "Klarna answered 503")]).await;
    returned_and_paid(&mut shop).await;
    by_hand(&mut shop).await;
    cancelled(&mut shop).await;
    shop
}

async fn returned_and_paid(shop: &mut Shop) {
    shop.begin("2025-10-12T09:00:00Z").await;
    let it = Refunding { order: 1, credit: 11, number: "INV00011", amount: 4_495, refund: "refund-11" };
    shop.refund("2025-10-12T09:00:01Z", &it).await;
    let refunds = [("refund-11", 4_495, Some("INV00011"), "2025-10-12T09:00:01Z")];
    let mut seen = shown(1, klarna(1, "2025-10-05T07:00:00Z", &refunds), "2025-10-12T09:00:05Z");
    let refunded = CreditInvoice::Refunded(Proof::Refund(RefundId("refund-11".into())));
    seen.steps = vec![credit_step(11, refunded, credit_invoice::Event::PaidSeen)];
    shop.decide("2025-10-12T09:00:06Z", seen).await;
    shop.end("2025-10-12T09:00:07Z", &[]).await;
}

async fn by_hand(shop: &mut Shop) {
    shop.begin("2025-10-20T10:00:00Z").await;
    let refunds = [("by-hand", 2_000, None, "2025-10-19T15:00:00Z"), ("nobody", 1_500, None, "2025-10-19T16:00:00Z")];
    let mut seen = shown(2, klarna(2, "2025-10-05T07:00:00Z", &refunds), "2025-10-20T10:00:01Z");
    seen.credits = vec![credit(21, "INV00021", 2_000, "2025-10-19T09:00:00Z")];
    let due = "2025-10-20T10:00:01Z";
    seen.discrepancies = vec![unattributed("by-hand", 2_000, due), unattributed("nobody", 1_500, due)];
    shop.decide("2025-10-20T10:00:02Z", seen).await;
    shop.end("2025-10-20T10:00:03Z", &[]).await;
    let target = reconciled_core::ledger::Attribution::CreditInvoice(InvoiceId(21));
    let adopt = Operation::Attribute { order: OrderId(2), refund: RefundId("by-hand".into()), to: target };
    shop.operate("2025-10-21T08:00:00Z", adopt, "repaid in the portal by the desk").await;
    shop.begin("2025-10-21T10:00:00Z").await;
    let mut adopted = shown(2, klarna(2, "2025-10-05T07:00:00Z", &refunds), "2025-10-21T10:00:01Z");
    let proof = credit_invoice::Event::Refunded(Proof::Refund(RefundId("by-hand".into())));
    adopted.steps = vec![credit_step(21, CreditInvoice::Pending, proof)];
    adopted.discrepancies = vec![unattributed("nobody", 1_500, due)];
    shop.decide("2025-10-21T10:00:02Z", adopted).await;
    let mut open = quiet(4);
    open.credits = vec![credit(41, "INV00041", 990, "2025-10-21T09:00:00Z")];
    shop.decide("2025-10-21T10:00:03Z", open).await;
    shop.end("2025-10-21T10:00:04Z", &[]).await;
}

async fn cancelled(shop: &mut Shop) {
    shop.begin("2025-10-25T10:00:00Z").await;
    let refunds = [("all-back", 10_000, Some("ORD00003:cancel"), "2025-10-25T09:30:00Z")];
    let mut seen = shown(3, klarna(3, "2025-10-05T07:00:00Z", &refunds), "2025-10-25T10:00:01Z");
    seen.steps = vec![
        order_step(Order::Paid, order::Event::CancelSeen),
        order_step(Order::RefundRequested, order::Event::Reversed),
    ];
    shop.decide("2025-10-25T10:00:02Z", seen).await;
    shop.end("2025-10-25T10:00:03Z", &[]).await;
}

/// A complete pass in November, so that October is over and covered.
pub async fn november_begins(shop: &mut Shop) {
    shop.begin("2025-11-01T06:00:00Z").await;
    shop.end("2025-11-01T06:00:01Z", &[]).await;
}
