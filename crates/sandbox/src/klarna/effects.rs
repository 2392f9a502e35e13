//! What can be done to a Klarna order, with the rules of who may do it when.
//!
//! The same effects serve the API, acts by hand in the portal and the vendor's app. Nothing here
//! knows of HTTP or idempotency keys.

use uuid::Uuid;

use super::hide::Concealed;
use super::model::{Capture, Details, Fraud, Order, Refund, Refusal, State, Status};
use crate::World;
use crate::switches::{ClosedAmount, DisputeView, Leftover, Verdict};
use crate::time::{DAY, utc_midnight};

/// Extensions work only this long after an order was made.
const EXTENDABLE_DAYS: i64 = 180;

impl World {
    /// The order after time has done its work on it.
    pub(crate) fn klarna_order(&mut self, id: Uuid) -> Result<&mut Order, Refusal> {
        let (now, switches) = (self.now_ms, &self.switches);
        let order = self.merchant.orders.get_mut(&id).ok_or_else(|| Refusal::no_order(id))?;
        order.tick(now, switches);
        Ok(order)
    }

    pub(crate) fn klarna_remaining(&mut self, id: Uuid) -> i64 {
        self.klarna_order(id).map_or(0, |order| order.state.remaining)
    }

    pub(crate) fn klarna_capture(&mut self, id: Uuid, amount: i64, details: Option<Details>) -> Result<Uuid, Refusal> {
        let now = self.now_ms;
        let zero = self.switches.klarna_capture_zero;
        let pending = self.switches.klarna_pending_capture;
        let refused = |message: &str| Refusal::new(403, "CAPTURE_NOT_ALLOWED", message);
        let order = self.klarna_order(id)?;
        let state = &order.state;
        if !state.status.is_open() || now >= state.expires {
            return Err(refused("Capture not allowed."));
        }
        if state.fraud == Fraud::Pending && pending == Verdict::Refuse {
            return Err(refused("Capture not allowed. The order is pending."));
        }
        if amount > state.remaining {
            return Err(refused(
                "Captured amount is higher than the remaining authorized amount. Capture not possible.",
            ));
        }
        if amount < 0 || (amount == 0 && zero == Verdict::Refuse) {
            return Err(refused("Capture not allowed."));
        }
        let capture_id = self.ids.uuid();
        let state = self.klarna_order(id)?.change(now);
        state.captured = state.captured.saturating_add(amount);
        state.remaining = state.remaining.saturating_sub(amount);
        state.status = if state.remaining == 0 { Status::Captured } else { Status::PartCaptured };
        // Most orders have one capture; a vector's own growth would quadruple them.
        state.captures.reserve_exact(1);
        state.captures.push(Capture {
            id: capture_id,
            at: now,
            amount,
            refunded: 0,
            details: details.unwrap_or_default(),
            concealed: Concealed::Nothing,
        });
        self.effect();
        Ok(capture_id)
    }

    pub(crate) fn klarna_refund(&mut self, id: Uuid, amount: i64, details: Option<Details>) -> Result<Uuid, Refusal> {
        let now = self.now_ms;
        let zero = self.switches.klarna_refund_zero;
        let expired = self.switches.klarna_refund_expired;
        let refused = |message: &str| Refusal::new(403, "REFUND_NOT_ALLOWED", message);
        let state = &self.klarna_order(id)?.state;
        if state.status == Status::Cancelled || state.status == Status::Closed {
            return Err(refused("Refund not allowed."));
        }
        if state.captures.is_empty() {
            return Err(refused("Order has no captures. Refund not possible"));
        }
        if state.status == Status::Expired && expired == Verdict::Refuse {
            return Err(refused("Refund not allowed."));
        }
        if amount > state.captured.saturating_sub(state.refunded) {
            return Err(refused("Over refund is not allowed. Refund not possible."));
        }
        if amount < 0 || (amount == 0 && zero == Verdict::Refuse) {
            return Err(refused("Refund not allowed."));
        }
        let refund_id = self.ids.uuid();
        let state = self.klarna_order(id)?.change(now);
        state.refunded = state.refunded.saturating_add(amount);
        let details = details.unwrap_or_default();
        let allocated = allocate(state, amount, &details);
        state.refunds.push(Refund {
            id: refund_id,
            at: now,
            amount,
            details,
            allocated,
            concealed: Concealed::Nothing,
        });
        self.effect();
        Ok(refund_id)
    }

    pub(crate) fn klarna_cancel(&mut self, id: Uuid) -> Result<(), Refusal> {
        let now = self.now_ms;
        let switches = self.switches.clone();
        let refused = |message: &str| Err(Refusal::new(403, "CANCEL_NOT_ALLOWED", message));
        let order = self.klarna_order(id)?;
        let state = &order.state;
        if !state.captures.is_empty() {
            return refused("Order has previous captures. Cancel not possible.");
        }
        match state.status {
            Status::Authorized => {}
            Status::Cancelled if switches.klarna_second_cancel == Verdict::Accept => return Ok(()),
            Status::Expired if switches.klarna_cancel_expired == Verdict::Accept => {}
            Status::Cancelled => {
                return refused("Order is already cancelled. Cancel not possible.");
            }
            Status::Expired => return refused("Order is expired. Cancel not possible."),
            Status::PartCaptured | Status::Captured | Status::Closed => {
                return refused("Order is closed. Cancel not possible.");
            }
        }
        let state = order.change(now);
        state.status = Status::Cancelled;
        close_amounts(state, switches.klarna_remaining_after_close, switches.klarna_amount_after_close);
        self.effect();
        Ok(())
    }

    pub(crate) fn klarna_release(&mut self, id: Uuid) -> Result<(), Refusal> {
        let now = self.now_ms;
        let switches = self.switches.clone();
        let refused = |message: &str| Err(Refusal::new(403, "NOT_ALLOWED", message));
        let order = self.klarna_order(id)?;
        let state = &order.state;
        let lapsed = state.status == Status::Expired
            && !state.captures.is_empty()
            && switches.klarna_release_expired == Verdict::Accept;
        if state.status == Status::Captured {
            return refused("Order is fully captured. Remaining authorization cannot be released.");
        }
        if state.status == Status::Authorized {
            return refused("Order has no captures. Remaining authorization cannot be released.");
        }
        if state.status != Status::PartCaptured && !lapsed {
            return refused("Remaining authorization cannot be released.");
        }
        let state = order.change(now);
        state.status = Status::Captured;
        close_amounts(state, switches.klarna_remaining_after_close, switches.klarna_amount_after_close);
        self.effect();
        Ok(())
    }

    pub(crate) fn klarna_extend(&mut self, id: Uuid) -> Result<(), Refusal> {
        let now = self.now_ms;
        let period = self.switches.klarna_authorization_days.saturating_mul(DAY);
        let captured = self.switches.klarna_extend_captured;
        let refused = |message: &str| Err(Refusal::new(403, "NOT_ALLOWED", message));
        let order = self.klarna_order(id)?;
        match order.state.status {
            Status::Authorized | Status::PartCaptured => {}
            Status::Captured if captured == Verdict::Accept => {}
            Status::Expired => {
                return refused("Order is expired. Authorization time cannot be extended.");
            }
            Status::Captured | Status::Cancelled | Status::Closed => {
                return refused("Authorization time cannot be extended.");
            }
        }
        if now > order.created.saturating_add(EXTENDABLE_DAYS.saturating_mul(DAY)) {
            return refused("Authorization time cannot be extended.");
        }
        let expires = utc_midnight(now).saturating_add(period);
        order.change(now).expires = expires;
        self.effect();
        Ok(())
    }

    pub(crate) fn klarna_update(&mut self, id: Uuid, amount: i64) -> Result<&mut State, Refusal> {
        let now = self.now_ms;
        let refused = |message: String| Err(Refusal::new(403, "NOT_ALLOWED", message));
        let state = &self.klarna_order(id)?.state;
        if !state.status.is_open() {
            return refused("Update not allowed.".to_owned());
        }
        if amount < state.captured {
            return refused(format!(
                "Resulting authorization amount {amount} cannot be less than the captured amount {} for order. Order authorization cannot be updated",
                state.captured
            ));
        }
        self.effect();
        let state = self.klarna_order(id)?.change(now);
        state.order_amount = amount;
        state.remaining = amount.saturating_sub(state.captured);
        if state.remaining == 0 && state.status == Status::PartCaptured {
            state.status = Status::Captured;
        }
        Ok(state)
    }

    pub(crate) fn klarna_set_fraud(&mut self, id: Uuid, fraud: Fraud) -> Result<(), Refusal> {
        let now = self.now_ms;
        let state = self.klarna_order(id)?.change(now);
        state.fraud = fraud;
        state.fraud_since = now;
        self.effect();
        Ok(())
    }

    /// The authorization lapses now.
    pub(crate) fn klarna_expire(&mut self, id: Uuid) -> Result<(), Refusal> {
        let now = self.now_ms;
        self.klarna_order(id)?.change(now).expires = now;
        self.klarna_order(id)?;
        self.effect();
        Ok(())
    }

    /// Klarna gives a consumer money back by itself; what reads show of it is open.
    pub(crate) fn klarna_dispute(&mut self, id: Uuid, amount: i64) -> Result<(), Refusal> {
        let now = self.now_ms;
        let shown = self.switches.klarna_disputes;
        let refund_id = self.ids.uuid();
        let state = self.klarna_order(id)?.change(now);
        if shown != DisputeView::Hidden {
            state.refunded = state.refunded.saturating_add(amount);
        }
        if shown == DisputeView::Refund {
            let details = Details::default();
            let (allocated, concealed) = (false, Concealed::Nothing);
            state.refunds.push(Refund { id: refund_id, at: now, amount, details, allocated, concealed });
        }
        self.effect();
        Ok(())
    }
}

fn close_amounts(state: &mut State, remaining: Leftover, amount: ClosedAmount) {
    if remaining == Leftover::Zero {
        state.remaining = 0;
    }
    if amount == ClosedAmount::Lowered {
        state.order_amount = state.captured;
    }
}

/// Klarna's allocation of a refund to a capture: lines with the same references, adding up, no
/// larger than the capture, and no earlier refund that could not be allocated.
fn allocate(state: &mut State, amount: i64, details: &Details) -> bool {
    let earlier = state.refunds.iter().all(|refund| refund.allocated);
    if !earlier || details.line_references.is_empty() || details.line_total != amount {
        return false;
    }
    let fits = |capture: &&mut Capture| {
        let known = &capture.details.line_references;
        capture.amount.saturating_sub(capture.refunded) >= amount
            && details.line_references.iter().all(|reference| known.contains(reference))
    };
    let capture = state.captures.iter_mut().find(fits);
    capture.is_some_and(|capture| {
        capture.refunded = capture.refunded.saturating_add(amount);
        true
    })
}
