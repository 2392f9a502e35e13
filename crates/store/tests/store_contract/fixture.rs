//! A shop in few words: orders, their facts, and the decisions the tests make durable.

use std::path::PathBuf;

use jiff::Timestamp;
use reconciled_core::credit_invoice::{self, CreditInvoice};
use reconciled_core::facts::{
    Candidate, CreditInvoiceFacts, Fraud, KlarnaOrder, KlarnaRefund, KlarnaStatus, Line, Shipment, ShopOrder,
    ShopStatus, Word,
};
use reconciled_core::id::{
    IntentId, InvoiceId, InvoiceNumber, KlarnaOrderId, LineId, OrderId, OrderNumber, PassId, Reference, RefundId,
    ShipmentId, ShopName,
};
use reconciled_core::intent::{self, Effect, Intent, Kind, State, Target};
use reconciled_core::money::{Currency, Minor};
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Attempt, Audit, Claim, Decided, Guard, Operated, Operation, Step, Store, StoreError};
use uuid::Uuid;

/// Where a store lives, so that it can be opened again.
pub(crate) trait Place {
    type Store: Store;
    fn fresh() -> Self;
    fn open(&self) -> Self::Store;
}

pub(crate) struct OnDisk {
    pub(crate) directory: tempfile::TempDir,
}

impl OnDisk {
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("store.db")
    }
}

impl Place for OnDisk {
    type Store = SqliteStore;

    fn fresh() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path(), shop()).unwrap()
    }
}

/// Opening again finds the same memory.
pub(crate) struct InMemory {
    store: SqliteStore,
}

impl Place for InMemory {
    type Store = SqliteStore;

    fn fresh() -> Self {
        Self { store: SqliteStore::in_memory(shop()).unwrap() }
    }

    fn open(&self) -> SqliteStore {
        self.store.clone()
    }
}

pub(crate) fn shop() -> ShopName {
    ShopName("main".into())
}

/// Seconds since the tests' beginning of time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000_i64.saturating_add(seconds)).unwrap()
}

pub(crate) const HOUR: i64 = 3600;

pub(crate) fn minor(amount: i64) -> Minor {
    Minor::new(amount).unwrap()
}

pub(crate) fn pass(number: u128) -> PassId {
    PassId(Uuid::from_u128(number))
}

/// The order with this id, changed at `version`, with credit invoices of these ids and amounts.
pub(crate) fn shop_order(id: u64, version: i64, credits: &[(u64, i64)]) -> ShopOrder {
    ShopOrder {
        id: OrderId(id),
        number: OrderNumber(format!("ORD{id}")),
        created_at: at(0),
        updated_at: at(version),
        status: Word::Known(ShopStatus::Open),
        shipped: Word::Unknown("flown".into()),
        paid: true,
        total: Ok(minor(10_000)),
        klarna_order_id: KlarnaOrderId::new(&format!("klarna-{id}")),
        candidates: KlarnaOrderId::new(&format!("klarna-{id}"))
            .map(|id| Candidate { id, places: vec![reconciled_core::facts::Place::Memo] })
            .into_iter()
            .collect(),
        credit_invoices: credits.iter().map(|(id, amount)| credit_facts(*id, *amount)).collect(),
        shipments: vec![Shipment {
            id: ShipmentId(7),
            number: "SHIP7".into(),
            updated_at: at(version),
            shipped: true,
            quantities: vec![(LineId(3), 2)],
        }],
        paid_otherwise: false,
        gift_cards: Some(vec![minor(3_000)]),
        lines: vec![Line {
            id: LineId(3),
            ordered: 2,
            total: Err("12.345".into()),
            credited: vec![(InvoiceId(11), 1)],
        }],
    }
}

fn credit_facts(id: u64, amount: i64) -> CreditInvoiceFacts {
    CreditInvoiceFacts {
        id: InvoiceId(id),
        number: InvoiceNumber(format!("INV{id}")),
        created_at: at(1),
        updated_at: at(1),
        amount: Ok(minor(amount)),
        paid: Word::Known(false),
    }
}

/// Klarna's side of order `id`, with refunds of these names and amounts.
pub(crate) fn klarna(id: u64, captured: i64, refunds: &[(&str, i64)]) -> KlarnaOrder {
    let refunded: Minor = refunds.iter().map(|(_, amount)| minor(*amount)).collect();
    KlarnaOrder {
        id: KlarnaOrderId::new(&format!("klarna-{id}")).unwrap(),
        status: Word::Known(KlarnaStatus::Captured),
        fraud: Some(Word::Known(Fraud::Accepted)),
        currency: Word::Unknown("XAU".into()),
        order_amount: minor(10_000),
        original_amount: minor(10_000),
        captured: minor(captured),
        refunded,
        remaining: Minor::ZERO,
        merchant_reference1: Some(format!("ORD{id}")),
        merchant_reference2: None,
        created_at: None,
        expires_at: Some("2026-01-02T03:04:05.123456789Z".parse().unwrap()),
        captures: Vec::new(),
        refunds: refunds
            .iter()
            .map(|(name, amount)| KlarnaRefund {
                id: RefundId((*name).into()),
                amount: minor(*amount),
                reference: None,
                refunded_at: None,
            })
            .collect(),
    }
}

/// A refund of credit invoice `credit` of `order`.
pub(crate) fn refund(order: u64, credit: u64, amount: i64) -> Intent {
    again(order, credit, amount, 0)
}

pub(crate) fn again(order: u64, credit: u64, amount: i64, generation: u32) -> Intent {
    let number = format!("INV{credit}");
    let effect = Effect {
        kind: Kind::Refund,
        amount: minor(amount),
        reference: Reference(number.clone()),
        credit_invoice: Some((InvoiceId(credit), InvoiceNumber(number))),
        generation,
    };
    planned(order, effect)
}

pub(crate) fn planned(order: u64, effect: Effect) -> Intent {
    let target = Target {
        shop: shop(),
        whose: None,
        order: OrderId(order),
        klarna_order_id: KlarnaOrderId::new(&format!("klarna-{order}")),
        currency: Currency::EUR,
    };
    let payload = format!("{{\"refunded_amount\":{}}}", effect.amount.get());
    Intent { seen_before: vec!["r0".into()], ..Intent::planned(effect, target, payload, at(10)) }
}

/// A decision about `order` that says nothing but that 10,000 are captured.
pub(crate) fn quiet(order: u64) -> Decided {
    Decided {
        order: OrderId(order),
        klarna: None,
        link: None,
        asked: Vec::new(),
        named_by: None,
        changed: false,
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

pub(crate) fn credit_step(id: u64, before: &CreditInvoice, event: credit_invoice::Event) -> Step {
    let after = before.clone().apply(event.clone()).unwrap();
    Step::Credit { id: InvoiceId(id), before: before.clone(), event, after }
}

pub(crate) fn intent_step(id: IntentId, before: &State, event: intent::Event) -> Step {
    let after = before.clone().apply(event).unwrap();
    Step::Intent { id, before: before.clone(), event, after, note: None }
}

/// The credit invoice `id` of this amount, as a decision names it.
pub(crate) fn credit(id: u64, amount: i64) -> (InvoiceId, InvoiceNumber, Option<Minor>, Timestamp) {
    (InvoiceId(id), InvoiceNumber(format!("INV{id}")), Some(minor(amount)), at(1))
}

/// Everything is captured, nothing refunded, and the ceiling is far.
pub(crate) fn guard(seconds: i64) -> Guard {
    let (captured, limit_per_day) = (minor(10_000), minor(1_000_000_000));
    Guard {
        at: at(seconds),
        captured,
        refunded: Minor::ZERO,
        limit_per_day,
        two_person_above: None,
        heard_at: Some(Timestamp::MAX),
    }
}

/// A decision that intends a refund of a new credit invoice.
pub(crate) fn intending(order: u64, credit_id: u64, amount: i64) -> (Decided, Intent) {
    let intent = refund(order, credit_id, amount);
    let intended = credit_invoice::Event::Intended(intent.id);
    let decided = Decided {
        credits: vec![credit(credit_id, amount)],
        steps: vec![credit_step(credit_id, &CreditInvoice::Pending, intended)],
        intents: vec![intent.clone()],
        changed: true,
        ..quiet(order)
    };
    (decided, intent)
}

/// Keeps what the shop said of an order, read ten seconds after its change.
pub(crate) async fn observe<S: Store>(store: &S, order: ShopOrder) {
    let read_at = order.updated_at.checked_add(jiff::SignedDuration::from_secs(10)).unwrap();
    store.observe(vec![(order.id, Some(order))], read_at).await.unwrap();
}

/// Opens a pass and observes orders 1 and 2, with credit invoices of 4,000 and 3,000 on the first.
pub(crate) async fn begun<S: Store>(store: &S) {
    store.begin_pass(pass(1), at(0)).await.unwrap();
    observe(store, shop_order(1, 2, &[(11, 4000), (12, 3000)])).await;
    observe(store, shop_order(2, 2, &[])).await;
}

pub(crate) async fn decide<S: Store>(store: &S, seconds: i64, decided: Decided) -> Result<(), StoreError> {
    let mut results = store.decide(pass(1), at(seconds), vec![decided]).await.unwrap();
    assert_eq!(results.len(), 1);
    results.remove(0)
}

/// Makes a refund of `credit` on order 1 durable.
pub(crate) async fn intend<S: Store>(store: &S, credit: u64, amount: i64) -> IntentId {
    let (decided, intent) = intending(1, credit, amount);
    decide(store, 10, decided).await.unwrap();
    intent.id
}

pub(crate) async fn claim<S: Store>(store: &S, id: IntentId, guard: Guard) -> Claim {
    store.claim(pass(1), id, guard).await.unwrap()
}

pub(crate) async fn granted<S: Store>(store: &S, id: IntentId, seconds: i64) -> Intent {
    match claim(store, id, guard(seconds)).await {
        Claim::Granted(intent) => *intent,
        other @ Claim::Withheld(_) => panic!("{other:?}"),
    }
}

pub(crate) async fn stored<S: Store>(store: &S, id: IntentId) -> Intent {
    store.intent(id).await.unwrap().unwrap()
}

/// An answer that moves the intent from `Sending` by `event`.
pub(crate) fn attempt(id: IntentId, event: intent::Event) -> Attempt {
    Attempt {
        order: OrderId(1),
        intent: id,
        steps: vec![intent_step(id, &State::Sending, event)],
        made: None,
        said: None,
        correlation_id: None,
        not_before: None,
        uncounted: false,
    }
}

pub(crate) async fn record<S: Store>(store: &S, attempt: Attempt, seconds: i64) {
    store.record(pass(1), attempt, at(seconds)).await.unwrap();
}

pub(crate) async fn operate<S: Store>(store: &S, operation: Operation, seconds: i64) -> Result<Operated, StoreError> {
    by(store, "operator-1", operation, seconds).await
}

/// The same by somebody.
pub(crate) async fn by<S: Store>(
    store: &S, who: &str, operation: Operation, seconds: i64,
) -> Result<Operated, StoreError> {
    store.operate(operation, who.into(), "because".into(), at(seconds)).await
}

/// Consent by one operator.
pub(crate) fn approve(order: u64, intent: IntentId) -> Operation {
    Operation::Approve { order: OrderId(order), intent, amount: None, two_person_above: None }
}

pub(crate) async fn intact<S: Store>(store: &S) -> u64 {
    match store.audit().await.unwrap() {
        Audit::Intact { entries, .. } => entries,
        broken @ Audit::Broken { .. } => panic!("{broken:?}"),
    }
}
