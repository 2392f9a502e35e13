//! Hostile input: any JSON text in any top-level field of an order or invoice, on either side.
//!
//! Only what is read changes; the model keeps its sane values and goes by them.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::World;
use super::lightspeed::webhook::{Subject, notify};

type Raw = BTreeMap<String, String>;

fn put(raw: &mut Raw, field: &str, text: Option<String>) {
    match text {
        Some(text) => {
            raw.insert(field.to_owned(), text);
        }
        None => {
            raw.remove(field);
        }
    }
}

impl World {
    /// Shows `text` as this field of a shop order; `None` shows the real value again.
    pub fn set_order_field(&mut self, order: u64, field: &str, text: Option<String>) {
        let now = self.now_ms;
        if let Some(record) = self.shop.orders.get_mut(&order) {
            put(&mut record.raw, field, text);
            self.shop.touch_order(order, now);
            self.effect();
            notify(self, Subject::Order(order), "updated");
        }
    }

    /// Shows `text` as this field of an invoice.
    pub fn set_invoice_field(&mut self, invoice: u64, field: &str, text: Option<String>) {
        let now = self.now_ms;
        if let Some(record) = self.shop.invoices.get_mut(&invoice) {
            let order = record.order;
            put(&mut record.raw, field, text);
            self.shop.touch_invoice(invoice, now);
            self.shop.touch_order(order, now);
            self.effect();
            notify(self, Subject::Invoice(invoice), "updated");
        }
    }

    /// Shows `text` as this field of a Klarna order.
    pub fn set_klarna_field(&mut self, order: Uuid, field: &str, text: Option<String>) {
        if let Some(record) = self.merchant.orders.get_mut(&order) {
            put(&mut record.raw, field, text);
            self.effect();
        }
    }

    /// Changes an invoice's total, in ten-thousandths of a unit.
    pub fn edit_invoice(&mut self, invoice: u64, total: i64) -> Result<(), String> {
        let now = self.now_ms;
        let record = self.shop.invoices.get_mut(&invoice).ok_or("No such invoice.")?;
        let order = record.order;
        record.total_incl = total;
        record.total_excl = super::lightspeed::model::excl_cents(total, super::lightspeed::model::COST_TAX_BP);
        self.shop.touch_invoice(invoice, now);
        self.shop.touch_order(order, now);
        self.effect();
        notify(self, Subject::Invoice(invoice), "updated");
        Ok(())
    }
}
