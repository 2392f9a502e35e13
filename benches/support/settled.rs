//! A store in which everything is settled: what a shop looks like after years.

use jiff::{SignedDuration, Timestamp};
use reconciled_core::facts::{
    Candidate, KlarnaOrder, KlarnaStatus, ListedOrder, Place, Shipped, ShopOrder, ShopStatus, Word,
};
use reconciled_core::id::{KlarnaOrderId, OrderId, OrderNumber, PassId, ShopName};
use reconciled_core::money::{Currency, Minor};
use reconciled_core::order::{Event, Order};
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Decided, Step, Store as _};
use uuid::Uuid;

use super::Workplace;

/// Orders made durable together.
const BATCH: u32 = 2_000;

/// Fills the workplace's store with settled orders that nobody has to look at for a month. Their ids are far above
/// those of the sandbox's own orders.
pub fn million(place: &Workplace, orders: u32) {
    place.reconcile();
    let store = SqliteStore::open(&place.store(), ShopName("main".to_owned())).expect("the store opens");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let now: Timestamp = std::time::SystemTime::now().try_into().expect("a time");
    let pass = PassId(Uuid::from_u128(1));
    runtime.block_on(async {
        store.begin_pass(pass, now).await.expect("a pass");
        for first in (0..orders).step_by(usize::try_from(BATCH).unwrap_or(1)) {
            let ids = (first..orders.min(first + BATCH)).map(|index| 1_000_000_000 + u64::from(index));
            let orders: Vec<ShopOrder> = ids.map(|id| order(id, now)).collect();
            let listed = orders.iter().map(|order| ListedOrder {
                id: order.id,
                number: order.number.clone(),
                updated_at: order.updated_at,
                is_klarna: true,
                names: Vec::new(),
            });
            store.listed(listed.collect(), Vec::new()).await.expect("listed");
            let decisions = orders.iter().map(|order| captured(order.id.0, now)).collect();
            let seen = orders.into_iter().map(|order| (order.id, Some(order))).collect();
            store.observe(seen, now).await.expect("observed");
            for result in store.decide(pass, now, decisions).await.expect("decided") {
                result.expect("each is decided");
            }
        }
        store.end_pass(pass, now, true).await.expect("the pass ends");
    });
}

fn amount() -> Minor {
    Minor::new(5_035).expect("an amount")
}

pub fn order(id: u64, now: Timestamp) -> ShopOrder {
    let long_ago = now.checked_sub(SignedDuration::from_hours(24 * 90)).expect("a time");
    ShopOrder {
        id: OrderId(id),
        number: OrderNumber(format!("OLD{id}")),
        created_at: long_ago,
        updated_at: long_ago,
        status: Word::Known(ShopStatus::Open),
        shipped: Word::Known(Shipped::Fully),
        paid: true,
        total: Ok(amount()),
        klarna_order_id: KlarnaOrderId::new(&Uuid::from_u128(u128::from(id)).to_string()),
        candidates: KlarnaOrderId::new(&Uuid::from_u128(u128::from(id)).to_string())
            .map(|id| Candidate { id, places: vec![Place::Memo] })
            .into_iter()
            .collect(),
        credit_invoices: Vec::new(),
        shipments: Vec::new(),
        paid_otherwise: false,
        gift_cards: None,
        lines: Vec::new(),
    }
}

fn captured(id: u64, now: Timestamp) -> Decided {
    let step = Step::Order { before: Order::Pending, event: Event::Captured, after: Order::Paid };
    Decided { steps: vec![step], ..read(id, klarna(id), now) }
}

/// The Klarna order of order `id`, captured; what it was captured with is not said.
pub fn klarna(id: u64) -> KlarnaOrder {
    KlarnaOrder {
        id: KlarnaOrderId::new(&Uuid::from_u128(u128::from(id)).to_string()).expect("an id"),
        status: Word::Known(KlarnaStatus::Captured),
        fraud: None,
        currency: Word::Known(Currency::EUR),
        order_amount: amount(),
        original_amount: amount(),
        captured: amount(),
        refunded: Minor::ZERO,
        remaining: Minor::ZERO,
        merchant_reference1: None,
        merchant_reference2: None,
        created_at: None,
        expires_at: None,
        captures: Vec::new(),
        refunds: Vec::new(),
    }
}

/// Order `id` read so at Klarna, nothing done about it, and not to be looked at for a month.
pub fn read(id: u64, klarna: KlarnaOrder, now: Timestamp) -> Decided {
    Decided {
        order: OrderId(id),
        captured: klarna.captured,
        refunded: klarna.refunded,
        klarna: Some((klarna, now)),
        link: None,
        asked: Vec::new(),
        named_by: None,
        changed: true,
        credits: Vec::new(),
        steps: Vec::new(),
        absent: Vec::new(),
        intents: Vec::new(),
        discrepancies: Vec::new(),
        withheld: false,
        next_look: now.checked_add(SignedDuration::from_hours(24 * 30)).ok(),
        looks_back: false,
        heard_at: Some(Timestamp::MAX),
    }
}
