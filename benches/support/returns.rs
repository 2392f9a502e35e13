//! A store of a million orders of which a fifth were returned, refunded and paid: what a year's report reads.

use jiff::{SignedDuration, Timestamp};
use reconciled_core::credit_invoice::{self, CreditInvoice, Proof};
use reconciled_core::facts::{KlarnaCapture, KlarnaRefund};
use reconciled_core::id::{
    CaptureId, InvoiceId, InvoiceNumber, KlarnaOrderId, OrderId, PassId, Reference, RefundId, ShopName,
};
use reconciled_core::intent::{self, Effect, Intent, Kind, State, Target};
use reconciled_core::money::{Currency, Minor};
use reconciled_core::order::{Event, Order};
use reconciled_core::plan::Note;
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Decided, Step, Store as _};
use uuid::Uuid;

use super::Workplace;
use super::settled::{klarna, order, read};

/// Orders made durable together.
const BATCH: u64 = 2_000;

/// Of so many orders one was returned.
const RETURNED: u64 = 5;

/// Fills the workplace's store; every movement, decision and outcome is of these days.
pub fn returned(place: &Workplace, orders: u32) {
    place.reconcile();
    let store = SqliteStore::open(&place.store(), ShopName("main".to_owned())).expect("the store opens");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let now: Timestamp = std::time::SystemTime::now().try_into().expect("a time");
    let pass = PassId(Uuid::from_u128(2));
    runtime.block_on(async {
        store.begin_pass(pass, now).await.expect("a pass");
        let last = 2_000_000_000 + u64::from(orders);
        for first in (2_000_000_000..last).step_by(usize::try_from(BATCH).unwrap_or(1)) {
            let ids: Vec<u64> = (first..last.min(first + BATCH)).collect();
            let orders = ids.iter().map(|id| (OrderId(*id), Some(order(*id, now))));
            store.observe(orders.collect(), now).await.expect("observed");
            for step in 0..3 {
                let decisions: Vec<Decided> = ids.iter().filter_map(|id| decided(*id, step, now)).collect();
                for result in store.decide(pass, now, decisions).await.expect("decided") {
                    result.expect("each is decided");
                }
            }
        }
        store.end_pass(pass, now, true).await.expect("the pass ends");
    });
}

fn amount(minor: i64) -> Minor {
    Minor::new(minor).expect("an amount")
}

fn number(id: u64) -> InvoiceNumber {
    InvoiceNumber(format!("INV{id}"))
}

fn refund_id(id: u64) -> RefundId {
    RefundId(Uuid::from_u128(u128::from(id) << 64).to_string())
}

/// The order's decisions: captured and a refund intended; the refund seen and marking paid intended; paid.
fn decided(id: u64, step: u32, now: Timestamp) -> Option<Decided> {
    let is_returned = id.is_multiple_of(RETURNED);
    let credit = InvoiceId(id);
    let (refund, payment) = (intent(id, Kind::Refund, now), intent(id, Kind::MarkPaid, now));
    let requested = CreditInvoice::RefundRequested(refund.id);
    let proof = Proof::Refund(refund_id(id));
    let mut decided = quiet(id, is_returned && step > 0, now);
    let credited = |before: CreditInvoice, event: credit_invoice::Event| Step::Credit {
        id: credit,
        after: before.clone().apply(event.clone()).expect("a legal step"),
        before,
        event,
    };
    match step {
        0 => {
            decided.steps.push(Step::Order { before: Order::Pending, event: Event::Captured, after: Order::Paid });
            if is_returned {
                let made = now.checked_sub(SignedDuration::from_hours(30)).expect("a time");
                decided.credits.push((credit, number(id), Some(amount(1_995)), made));
                decided.steps.push(credited(CreditInvoice::Pending, credit_invoice::Event::Intended(refund.id)));
                decided.intents.push(refund);
            }
        }
        _ if !is_returned => return None,
        1 => {
            decided.steps.push(seen(&refund, Some(refund_id(id))));
            decided.steps.push(credited(requested, credit_invoice::Event::Refunded(proof)));
            decided.intents.push(payment);
        }
        _ => {
            decided.steps.push(seen(&payment, None));
            decided.steps.push(credited(CreditInvoice::Refunded(proof), credit_invoice::Event::PaidSeen));
        }
    }
    Some(decided)
}

fn seen(intent: &Intent, made: Option<RefundId>) -> Step {
    let note = Some(Note::Seen { made });
    Step::Intent { id: intent.id, before: State::Planned, event: intent::Event::Seen, after: State::Confirmed, note }
}

fn intent(id: u64, kind: Kind, now: Timestamp) -> Intent {
    let effect = Effect {
        kind,
        amount: amount(1_995),
        reference: Reference(number(id).0),
        credit_invoice: Some((InvoiceId(id), number(id))),
        generation: 0,
    };
    let target = Target {
        shop: ShopName("main".to_owned()),
        whose: None,
        order: OrderId(id),
        klarna_order_id: KlarnaOrderId::new(&Uuid::from_u128(u128::from(id)).to_string()),
        currency: Currency::EUR,
    };
    let payload = format!("{{\"refunded_amount\":1995,\"reference\":\"{}\",\"description\":\"\"}}", effect.reference);
    Intent::planned(effect, target, payload, now)
}

fn quiet(id: u64, is_refunded: bool, now: Timestamp) -> Decided {
    let mut klarna = klarna(id);
    klarna.captures.push(KlarnaCapture {
        id: CaptureId(Uuid::from_u128(u128::from(id) << 32).to_string()),
        amount: klarna.captured,
        reference: None,
        captured_at: Some(now),
    });
    if is_refunded {
        klarna.refunded = amount(1_995);
        klarna.refunds.push(KlarnaRefund {
            id: refund_id(id),
            amount: klarna.refunded,
            reference: Some(Reference(number(id).0)),
            refunded_at: Some(now),
        });
    }
    read(id, klarna, now)
}
