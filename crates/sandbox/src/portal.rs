//! Acts by hand at Klarna: the merchant portal, and what Klarna does by itself.
//!
//! The same rules as over the API, without idempotency keys. Errors are Klarna's own words.

use uuid::Uuid;

use super::World;
use super::attempts::reference;
use super::klarna::model::{Fraud, Refusal};

fn words(refusal: &Refusal) -> String {
    format!("{}: {}", refusal.code, refusal.message)
}

impl World {
    /// Captures in the portal; `None` takes what is left.
    pub fn portal_capture(
        &mut self, order: Uuid, amount_minor: Option<i64>, note: Option<&str>,
    ) -> Result<Uuid, String> {
        let amount = amount_minor.unwrap_or_else(|| self.klarna_remaining(order));
        self.klarna_capture(order, amount, note.map(reference)).map_err(|refusal| words(&refusal))
    }

    /// Refunds in the portal; `None` refunds everything captured and not yet refunded.
    pub fn portal_refund(
        &mut self, order: Uuid, amount_minor: Option<i64>, note: Option<&str>,
    ) -> Result<Uuid, String> {
        let state = &self.klarna_order(order).map_err(|refusal| words(&refusal))?.state;
        let rest = state.captured.saturating_sub(state.refunded);
        let amount = amount_minor.unwrap_or(rest);
        self.klarna_refund(order, amount, note.map(reference)).map_err(|refusal| words(&refusal))
    }

    /// Changes the authorized amount in the portal.
    pub fn portal_update(&mut self, order: Uuid, amount_minor: i64) -> Result<(), String> {
        self.klarna_update(order, amount_minor).map(drop).map_err(|refusal| words(&refusal))
    }

    /// Sets Klarna's references; `None` leaves one as it is, empty text clears it.
    pub fn set_references(&mut self, order: Uuid, first: Option<&str>, second: Option<&str>) -> Result<(), String> {
        let now = self.now_ms;
        let state = self.klarna_order(order).map_err(|refusal| words(&refusal))?.change(now);
        state.reference1 = first.map_or_else(|| state.reference1.clone(), Into::into);
        state.reference2 = second.map_or_else(|| state.reference2.clone(), Into::into);
        self.effect();
        Ok(())
    }

    pub fn portal_cancel(&mut self, order: Uuid) -> Result<(), String> {
        self.klarna_cancel(order).map_err(|refusal| words(&refusal))
    }

    pub fn portal_release(&mut self, order: Uuid) -> Result<(), String> {
        self.klarna_release(order).map_err(|refusal| words(&refusal))
    }

    pub fn portal_extend(&mut self, order: Uuid) -> Result<(), String> {
        self.klarna_extend(order).map_err(|refusal| words(&refusal))
    }

    /// Klarna's fraud decision.
    pub fn set_fraud(&mut self, order: Uuid, fraud: Fraud) -> Result<(), String> {
        self.klarna_set_fraud(order, fraud).map_err(|refusal| words(&refusal))
    }

    /// The authorization lapses now.
    pub fn expire(&mut self, order: Uuid) -> Result<(), String> {
        self.klarna_expire(order).map_err(|refusal| words(&refusal))
    }

    /// Klarna reverses money in a dispute.
    pub fn dispute(&mut self, order: Uuid, amount_minor: i64) -> Result<(), String> {
        self.klarna_dispute(order, amount_minor).map_err(|refusal| words(&refusal))
    }

    /// Which Klarna order pays a shop order; neither service is asked.
    pub fn klarna_order_of(&self, order: u64) -> Option<Uuid> {
        self.links.get(&order).copied()
    }

    /// Finds a shop order by its number.
    pub fn order_by_number(&self, number: &str) -> Option<u64> {
        self.shop.by_number.get(number).copied()
    }

    /// Finds an invoice or credit invoice by its number.
    pub fn invoice_by_number(&self, number: &str) -> Option<u64> {
        self.shop.invoice_by_number.get(number).copied()
    }
}
