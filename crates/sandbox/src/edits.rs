//! Acts by hand that change what is there already: an order's lines, its packing slips, its state, how it was paid in
//! the end, and whether it exists at all.
//!
//! What the back office does not let people do is refused here too, with a sentence.

use super::World;
use super::acts::units;
use super::lightspeed::model::{Owner, event};
use super::lightspeed::webhook::{Subject, notify};

const MANUAL: &str = "manual";

/// A change of one order line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineEdit {
    /// Index of the line.
    pub line: usize,
    /// `None`: as it is.
    pub quantity: Option<i64>,
    /// Price of one piece including tax, in minor units; `None`: as it is.
    pub unit_minor: Option<i64>,
}

/// A change of one packing slip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlipEdit {
    pub tracking: Option<String>,
    /// Send it, or take that back.
    pub shipped: Option<bool>,
    /// (line index, quantity) that move here from slips that were not sent.
    pub add: Vec<(usize, i64)>,
}

impl World {
    /// Changes lines of an order that is not paid. Open packing slips follow, and its invoice where the switch says so.
    pub fn edit_order(&mut self, order: u64, edits: &[LineEdit]) -> Result<(), String> {
        let record = self.shop.orders.get(&order).ok_or("No such order.")?;
        if record.payment_status == "paid" || record.is_cancelled() {
            return Err("The lines of a paid or cancelled order cannot be changed.".to_owned());
        }
        for edit in edits {
            self.edit_line(order, *edit)?;
        }
        if self.switches.lightspeed_edit_moves_invoice {
            self.invoice_follows(order);
        }
        let now = self.now_ms;
        self.shop.record(order, event(now, MANUAL, "order", "edited".into()));
        self.touched(order);
        Ok(())
    }

    /// Changes the price of an order's first line so that the whole is worth this much.
    pub fn set_order_total(&mut self, order: u64, amount_minor: i64) -> Result<(), String> {
        let record = self.shop.orders.get(&order).ok_or("No such order.")?;
        let line = record.lines.first().ok_or("The order has no lines.")?;
        let others = record.total_incl().saturating_sub(line.total_incl());
        let wanted = units(amount_minor).saturating_sub(others);
        let unit = wanted.checked_div(line.quantity).filter(|unit| unit.checked_mul(line.quantity) == Some(wanted));
        let unit = unit.filter(|unit| unit.checked_rem(100) == Some(0));
        let unit = unit.ok_or("The first line's quantity does not divide that.")?;
        self.edit_order(order, &[LineEdit { line: 0, quantity: None, unit_minor: unit.checked_div(100) }])
    }

    fn edit_line(&mut self, order: u64, edit: LineEdit) -> Result<(), String> {
        let record = self.shop.orders.get(&order).ok_or("No such order.")?;
        let line = record.lines.get(edit.line).ok_or("No such line.")?;
        let more = edit.quantity.map_or(0, |quantity| quantity.saturating_sub(line.quantity));
        if more < 0 {
            self.take_off_slips(order, edit.line, more.saturating_neg(), None)?;
        }
        if more > 0 {
            self.make_shipment(order, [(edit.line, more)].into());
        }
        let record = self.shop.orders.get_mut(&order).and_then(|record| record.lines.get_mut(edit.line));
        if let Some(line) = record {
            line.quantity = line.quantity.saturating_add(more);
            line.unit_incl = edit.unit_minor.map_or(line.unit_incl, units);
        }
        Ok(())
    }

    fn invoice_follows(&mut self, order: u64) {
        let Some(record) = self.shop.orders.get_mut(&order) else { return };
        for line in &mut record.lines {
            line.invoiced = line.quantity;
        }
        let (incl, excl, now) = (record.total_incl(), record.total_excl(), self.now_ms);
        for id in record.invoices.clone() {
            let invoice = self.shop.invoices.get_mut(&id).filter(|one| !one.is_credit);
            if let Some(invoice) = invoice {
                (invoice.total_incl, invoice.total_excl) = (incl, excl);
                self.shop.touch_invoice(id, now);
            }
        }
    }

    /// Takes pieces of a line off the slips that were not sent, save one; all or nothing. Slips left empty go.
    pub(crate) fn take_off_slips(
        &mut self, order: u64, line: usize, quantity: i64, save: Option<u64>,
    ) -> Result<(), String> {
        let slips = self.shop.orders.get(&order).map(|order| order.shipments.clone()).unwrap_or_default();
        let open = |world: &Self, id: &u64| {
            let slip = world.shop.shipments.get(id);
            Some(*id) != save && slip.is_some_and(|slip| slip.status == "not_shipped")
        };
        let open: Vec<u64> = slips.into_iter().filter(|id| open(self, id)).collect();
        let on =
            |items: &[(usize, i64)]| items.iter().filter(|(at, _)| *at == line).map(|(_, have)| *have).sum::<i64>();
        let have: i64 = open.iter().filter_map(|id| self.shop.shipments.get(id)).map(|slip| on(&slip.items)).sum();
        if have < quantity {
            return Err("That many pieces of the line are on no open packing slip.".to_owned());
        }
        let mut left = quantity;
        for id in open {
            let Some(slip) = self.shop.shipments.get_mut(&id) else { continue };
            let mut items = slip.items.to_vec();
            for (at, have) in &mut items {
                let taken = if *at == line { left.min(*have) } else { 0 };
                *have = have.saturating_sub(taken);
                left = left.saturating_sub(taken);
            }
            items.retain(|(_, have)| *have > 0);
            slip.items = items.into_boxed_slice();
            if slip.items.is_empty() {
                self.shop.remove_shipment(id);
            }
        }
        Ok(())
    }

    /// A tracking code, sending or taking back, or more pieces on a packing slip.
    pub fn edit_slip(&mut self, slip: u64, edit: &SlipEdit) -> Result<(), String> {
        let now = self.now_ms;
        let order = self.shop.shipments.get(&slip).ok_or("No such packing slip.")?.order;
        for (line, quantity) in &edit.add {
            self.take_off_slips(order, *line, *quantity, Some(slip))?;
            let Some(record) = self.shop.shipments.get_mut(&slip) else { continue };
            let mut items = record.items.to_vec();
            match items.iter_mut().find(|(at, _)| at == line) {
                Some((_, have)) => *have = have.saturating_add(*quantity),
                None => items.push((*line, *quantity)),
            }
            record.items = items.into_boxed_slice();
        }
        if let Some(tracking) = &edit.tracking
            && let Some(record) = self.shop.shipments.get_mut(&slip)
        {
            record.tracking = tracking.as_str().into();
        }
        self.effect();
        self.shop.touch_shipment(slip, now);
        notify(self, Subject::Shipment(slip), "updated");
        if let Some(shipped) = edit.shipped {
            self.set_shipment_status(slip, if shipped { "shipped" } else { "not_shipped" }, MANUAL);
        }
        self.follow_shipments(order, MANUAL);
        Ok(())
    }

    /// Packing slips of an order, oldest first: id and number.
    pub fn slips_of(&self, order: u64) -> Vec<(u64, String)> {
        let ids = self.shop.orders.get(&order).map_or(&[][..], |order| order.shipments.as_slice());
        let slips = ids.iter().filter_map(|id| self.shop.shipments.get(id));
        slips.map(|slip| (slip.id, slip.number.to_string())).collect()
    }

    /// Finds a packing slip by its number.
    pub fn slip_by_number(&self, number: &str) -> Option<u64> {
        self.shop.shipments.values().find(|slip| &*slip.number == number).map(|slip| slip.id)
    }

    /// Sets the words of an order's state, any of them, as the back office or an app does; nothing else follows.
    pub fn set_order_status(
        &mut self, order: u64, status: Option<&str>, payment: Option<&str>, shipment: Option<&str>,
    ) -> Result<(), String> {
        let now = self.now_ms;
        let record = self.shop.orders.get_mut(&order).ok_or("No such order.")?;
        for (slot, word) in [
            (&mut record.status, status),
            (&mut record.payment_status, payment),
            (&mut record.shipment_status, shipment),
        ] {
            if let Some(word) = word {
                *slot = word.to_owned().into();
            }
        }
        let message = status.or(payment).or(shipment).unwrap_or("updated").to_owned();
        self.shop.record(order, event(now, MANUAL, "order", message.into()));
        self.touched(order);
        Ok(())
    }

    /// A digital order can be downloaded; nothing is shipped.
    pub fn ready_to_download(&mut self, order: u64) -> Result<(), String> {
        let word = self.switches.lightspeed_download_status.clone();
        self.set_order_status(order, Some(&word), None, None)
    }

    /// The consumer pays by another method in the end; what stands open at Klarna stays open.
    pub fn pay_otherwise(&mut self, order: u64, payment_id: &str, title: &str) -> Result<(), String> {
        let record = self.shop.orders.get_mut(&order).ok_or("No such order.")?;
        record.payment_id = payment_id.to_owned().into();
        record.payment_title = title.to_owned().into();
        self.set_order_payment(order, true, "api");
        self.touched(order);
        Ok(())
    }

    /// The order is gone from the shop, its documents with it.
    pub fn delete_order(&mut self, order: u64) -> Result<(), String> {
        if !self.shop.orders.contains_key(&order) {
            return Err("No such order.".to_owned());
        }
        notify(self, Subject::Order(order), "deleted");
        self.effect();
        self.shop.remove_order(order);
        Ok(())
    }

    /// Gives an invoice another number, which another document may carry already.
    pub fn set_invoice_number(&mut self, invoice: u64, number: &str) -> Result<(), String> {
        let now = self.now_ms;
        let record = self.shop.invoices.get_mut(&invoice).ok_or("No such invoice.")?;
        record.number = number.into();
        let order = record.order;
        self.shop.invoice_by_number.entry(number.into()).or_insert(invoice);
        self.shop.touch_invoice(invoice, now);
        self.touched(order);
        Ok(())
    }
}

impl super::lightspeed::model::Shop {
    fn remove_shipment(&mut self, id: u64) {
        let Some(slip) = self.shipments.remove(&id) else { return };
        self.shipments_time.remove(id, slip.created, slip.updated);
        self.metafields.remove(&Owner::Shipment(id));
        if let Some(order) = self.orders.get_mut(&slip.order) {
            order.shipments.retain(|one| *one != id);
        }
    }

    fn remove_order(&mut self, id: u64) {
        let Some(order) = self.orders.remove(&id) else { return };
        self.orders_time.remove(id, order.created, order.updated);
        self.by_number.remove(&order.number);
        self.metafields.remove(&Owner::Order(id));
        self.event_owner.retain(|_, owner| *owner != id);
        for slip in &order.shipments {
            self.remove_shipment(*slip);
        }
        for invoice in &order.invoices {
            if let Some(gone) = self.invoices.remove(invoice) {
                self.invoices_time.remove(*invoice, gone.created, gone.updated);
                self.invoice_by_number.retain(|_, id| id != invoice);
                self.metafields.remove(&Owner::Invoice(*invoice));
            }
        }
    }
}
