//! What can happen to an order in the shop: paid, credited, cancelled, shipped.
//!
//! The same effects serve the API and acts by hand; only the channel differs. Each one writes its
//! history, moves `updatedAt` and queues the webhooks. Nothing here speaks HTTP.

use super::doc_json::whole_order;
use super::model::{COST_TAX_BP, Event, Invoice, Item, ItemKind, RawFields, Shipment, Text, draw, event, excl_cents};
use super::webhook::{Subject, notify};
use crate::World;
use crate::switch::SwitchValue as _;
use crate::switches::CreditedLine;
use crate::vendor::Task;

/// A credit invoice about to be made.
#[derive(Clone, Debug)]
pub(crate) struct CreditPlan {
    /// `None`: the order's latest normal invoice.
    pub(crate) original: Option<u64>,
    pub(crate) items: Vec<Item>,
    /// `None`: the sum of the items.
    pub(crate) total_incl: Option<i64>,
    pub(crate) status: Text,
    pub(crate) channel: &'static str,
}

impl World {
    fn shop_event(&mut self, order: u64, event: Event) {
        self.shop.record(order, event);
    }

    /// Sets an invoice's status and, for a normal invoice, lets the order follow. Setting the
    /// present status again changes nothing.
    pub(crate) fn set_invoice_status(&mut self, id: u64, status: Text, channel: &'static str) {
        let now = self.now_ms;
        let Some(invoice) = self.shop.invoices.get_mut(&id) else { return };
        if invoice.status == status {
            return;
        }
        invoice.status.clone_from(&status);
        let (order, is_credit) = (invoice.order, invoice.is_credit);
        self.effect();
        self.shop.touch_invoice(id, now);
        let mut entry = event(now, channel, "invoice", status.clone());
        entry.invoice = Some(id);
        self.shop_event(order, entry);
        notify(self, Subject::Invoice(id), "updated");
        if status == "paid" {
            notify(self, Subject::Invoice(id), "paid");
        }
        if !is_credit {
            self.follow_invoices(order, channel);
        } else if self.switches.lightspeed_credit_paid_order_event {
            self.shop_event(order, event(now, channel, "order", status));
            self.shop.touch_order(order, now);
            notify(self, Subject::Order(order), "updated");
        }
    }

    /// The order's payment state after one of its normal invoices changed.
    fn follow_invoices(&mut self, order: u64, channel: &'static str) {
        let Some(record) = self.shop.orders.get(&order) else { return };
        let all_paid = record
            .invoices
            .iter()
            .filter_map(|id| self.shop.invoices.get(id))
            .filter(|invoice| !invoice.is_credit)
            .all(|invoice| invoice.status == "paid");
        self.put_payment_status(order, if all_paid { "paid" } else { "not_paid" }, channel);
    }

    fn put_payment_status(&mut self, id: u64, status: &'static str, channel: &'static str) {
        let now = self.now_ms;
        let Some(order) = self.shop.orders.get_mut(&id) else { return };
        if order.payment_status == status || order.is_cancelled() {
            return;
        }
        order.payment_status = status.into();
        if status == "paid" && order.status == "processing_awaiting_payment" {
            order.status = "processing_awaiting_shipment".into();
        }
        self.effect();
        self.shop_event(id, event(now, channel, "order", status.into()));
        self.shop.touch_order(id, now);
        notify(self, Subject::Order(id), "updated");
        if status == "paid" {
            notify(self, Subject::Order(id), "paid");
        }
    }

    /// `PUT orders/{id}` with a payment status: the order and its normal invoices.
    pub(crate) fn set_order_payment(&mut self, id: u64, paid: bool, channel: &'static str) {
        let status = if paid { "paid" } else { "not_paid" };
        self.put_payment_status(id, status, channel);
        for invoice in self.normal_invoices(id) {
            self.set_invoice_status(invoice, status.into(), channel);
        }
    }

    fn normal_invoices(&self, order: u64) -> Vec<u64> {
        let Some(order) = self.shop.orders.get(&order) else { return Vec::new() };
        let ids = order.invoices.iter().copied();
        ids.filter(|id| self.shop.invoices.get(id).is_some_and(|one| !one.is_credit)).collect()
    }

    /// Makes the order's normal invoice, for everything ordered.
    pub(crate) fn make_invoice(&mut self, order: u64, channel: &'static str) -> Option<u64> {
        let now = self.now_ms;
        let record = self.shop.orders.get_mut(&order)?;
        for line in &mut record.lines {
            line.invoiced = line.quantity;
        }
        let (total_incl, total_excl) = (record.total_incl(), record.total_excl());
        let paid = record.payment_status == "paid";
        let status = if paid { "paid" } else { "not_paid" };
        let invoice = Invoice {
            id: draw(&mut self.shop.series.invoice),
            number: invoice_number(draw(&mut self.shop.series.invoice_number)),
            created: now,
            updated: now,
            status: status.into(),
            order,
            is_credit: false,
            original: None,
            total_incl,
            total_excl,
            items: None,
            raw: RawFields::new(),
        };
        let id = invoice.id;
        self.effect();
        self.shop.insert_invoice(invoice);
        for message in ["new", "paid"].into_iter().take(if paid { 2 } else { 1 }) {
            let mut entry = event(now, channel, "invoice", message.into());
            entry.invoice = Some(id);
            self.shop_event(order, entry);
        }
        self.shop.touch_order(order, now);
        notify(self, Subject::Invoice(id), "created");
        Some(id)
    }

    /// Makes a credit invoice; the vendor's app may notice it.
    pub(crate) fn make_credit(&mut self, order: u64, plan: CreditPlan) -> Result<u64, String> {
        let now = self.now_ms;
        let original = plan.original.or_else(|| self.normal_invoices(order).last().copied());
        let Some(original) = original else {
            return Err("The order has no invoice to credit.".to_owned());
        };
        let record = self.shop.orders.get_mut(&order).ok_or("No such order.")?;
        for item in &plan.items {
            if let ItemKind::Product(index) = item.kind
                && let Some(line) = record.lines.get_mut(index)
            {
                line.refunded = line.refunded.saturating_add(item.quantity);
            }
        }
        let gone: Vec<(usize, i64)> = plan
            .items
            .iter()
            .filter_map(
                |item| if let ItemKind::Product(index) = item.kind { Some((index, item.quantity)) } else { None },
            )
            .collect();
        let sum = plan.items.iter().map(|item| item.total_incl).fold(0_i64, i64::saturating_add);
        let total_incl = plan.total_incl.unwrap_or(sum);
        let excl = plan.items.iter().map(|item| excl_cents(item.total_incl, item.tax_bp));
        let total_excl = match plan.total_incl {
            Some(total) if total != sum => excl_cents(total, COST_TAX_BP),
            Some(_) | None => excl.fold(0_i64, i64::saturating_add),
        };
        let invoice = Invoice {
            id: draw(&mut self.shop.series.invoice),
            number: invoice_number(draw(&mut self.shop.series.invoice_number)),
            created: now,
            updated: now,
            status: plan.status.clone(),
            order,
            is_credit: true,
            original: Some(original),
            total_incl,
            total_excl,
            items: Some(plan.items.into_boxed_slice()),
            raw: RawFields::new(),
        };
        let id = invoice.id;
        self.effect();
        self.shop.insert_invoice(invoice);
        if self.switches.lightspeed_credited_line == CreditedLine::Leaves {
            self.credited_lines_leave(order, &gone, plan.channel);
        }
        let mut entry = event(now, plan.channel, "invoice", "new".into());
        entry.invoice = Some(id);
        self.shop_event(order, entry);
        self.shop.touch_invoice(original, now);
        self.shop.touch_order(order, now);
        notify(self, Subject::Invoice(id), "created");
        notify(self, Subject::Order(order), "updated");
        let noticed = plan.status == "not_paid" || self.switches.vendor_refunds_paid;
        if noticed && self.switches.vendor_refunds {
            self.schedule(Task::Refund { invoice: id });
        }
        Ok(id)
    }

    /// What was credited before it was sent is on no packing slip any more; what was sent is left alone.
    fn credited_lines_leave(&mut self, order: u64, gone: &[(usize, i64)], channel: &'static str) {
        for (line, quantity) in gone {
            // More may be credited than is still to be sent.
            let _ = self.take_off_slips(order, *line, *quantity, None);
        }
        self.follow_shipments(order, channel);
    }

    /// Cancels an order for good; `credit` makes credit invoices for what was invoiced.
    pub(crate) fn cancel_order_in_shop(&mut self, id: u64, credit: bool, channel: &'static str) {
        let now = self.now_ms;
        let whole = self.switches.lightspeed_cancel_payment_status;
        let Some(order) = self.shop.orders.get_mut(&id) else { return };
        if order.is_cancelled() {
            return;
        }
        order.status = "cancelled".into();
        if whole {
            order.payment_status = "cancelled".into();
            order.shipment_status = "cancelled".into();
        }
        let slips = order.shipments.clone();
        self.effect();
        self.shop_event(id, event(now, channel, "order", "cancelled".into()));
        for slip in slips {
            self.set_shipment_status(slip, "cancelled", channel);
        }
        if credit {
            for invoice in self.normal_invoices(id) {
                self.credit_rest(id, invoice, channel);
            }
        }
        self.shop.touch_order(id, now);
        notify(self, Subject::Order(id), "updated");
        if self.switches.vendor_cancels {
            self.schedule(Task::Cancel { order: id });
        }
    }

    /// Credits what earlier credit invoices left of an invoice.
    fn credit_rest(&mut self, order: u64, invoice: u64, channel: &'static str) {
        let Some(original) = self.shop.invoices.get(&invoice) else { return };
        let credited = self.shop.credits_of(invoice).map(|one| one.total_incl).fold(0, i64::saturating_add);
        let rest = original.total_incl.saturating_sub(credited);
        let first = credited == 0;
        let Some(record) = self.shop.orders.get(&order) else { return };
        if rest <= 0 {
            return;
        }
        let items = if first {
            whole_order(record)
        } else {
            vec![Item { kind: ItemKind::Value, quantity: 1, total_incl: rest, tax_bp: COST_TAX_BP }]
        };
        let plan = CreditPlan {
            original: Some(invoice),
            items,
            total_incl: Some(rest),
            status: self.switches.lightspeed_cancel_credit_status.show().into(),
            channel,
        };
        // The original was looked up above, so there is something to credit.
        let _ = self.make_credit(order, plan);
    }

    pub(crate) fn set_shipment_status(&mut self, id: u64, status: &'static str, channel: &'static str) {
        let now = self.now_ms;
        let Some(slip) = self.shop.shipments.get_mut(&id) else { return };
        if slip.status == status {
            return;
        }
        slip.status = status.into();
        let order = slip.order;
        self.effect();
        self.shop.touch_shipment(id, now);
        let mut entry = event(now, channel, "shipment", status.into());
        entry.shipment = Some(id);
        self.shop_event(order, entry);
        notify(self, Subject::Shipment(id), "updated");
        if status != "cancelled" {
            self.follow_shipments(order, channel);
            if status == "shipped" && self.switches.vendor_captures {
                self.schedule(Task::Capture { shipment: id });
            }
        }
    }

    pub(crate) fn follow_shipments(&mut self, id: u64, channel: &'static str) {
        let now = self.now_ms;
        let Some(order) = self.shop.orders.get(&id) else { return };
        let slips = order.shipments.iter().filter_map(|slip| self.shop.shipments.get(slip));
        let sent: Vec<bool> = slips.map(|slip| slip.status == "shipped").collect();
        let status = match (sent.contains(&true), sent.contains(&false)) {
            (true, false) => "shipped",
            (true, true) => "partially_shipped",
            (false, _) => "not_shipped",
        };
        let Some(order) = self.shop.orders.get_mut(&id) else { return };
        if order.shipment_status == status || order.is_cancelled() {
            return;
        }
        order.shipment_status = status.into();
        if status == "shipped" && order.status.starts_with("processing") {
            order.status = "completed_shipped".into();
        }
        self.shop_event(id, event(now, channel, "order", status.into()));
        self.shop.touch_order(id, now);
        notify(self, Subject::Order(id), "updated");
        if status == "shipped" {
            notify(self, Subject::Order(id), "shipped");
        }
    }

    /// Puts everything ordered on one packing slip.
    pub(crate) fn make_shipment(&mut self, order: u64, items: Box<[(usize, i64)]>) -> u64 {
        let id = draw(&mut self.shop.series.shipment);
        let shipment = Shipment {
            id,
            number: format!("SHIP{:05}", id.saturating_sub(4_981_235)).into(),
            created: self.now_ms,
            updated: self.now_ms,
            status: "not_shipped".into(),
            tracking: "".into(),
            order,
            items,
        };
        self.shop.insert_shipment(shipment);
        id
    }

    /// Sends all that is left of an order, or only these quantities: the open packing slip is
    /// split, the rest stays on a new one.
    pub(crate) fn ship_in_shop(
        &mut self, order: u64, wanted: Option<&[(usize, i64)]>, tracking: &str, channel: &'static str,
    ) -> Result<Vec<u64>, String> {
        let record = self.shop.orders.get(&order).ok_or("No such order.")?;
        let slips = record.shipments.iter().filter_map(|id| self.shop.shipments.get(id));
        let open: Vec<u64> = slips.filter(|slip| slip.status == "not_shipped").map(|slip| slip.id).collect();
        if let Some(wanted) = wanted {
            let Some(first) = open.first().copied() else {
                return Err("Nothing is left to ship.".to_owned());
            };
            let rest = split(self, first, wanted)?;
            if !rest.is_empty() {
                self.make_shipment(order, rest.into_boxed_slice());
            }
            self.send_slip(first, tracking, channel);
            return Ok(vec![first]);
        }
        for slip in &open {
            self.send_slip(*slip, tracking, channel);
        }
        if open.is_empty() { Err("Nothing is left to ship.".to_owned()) } else { Ok(open) }
    }

    fn send_slip(&mut self, slip: u64, tracking: &str, channel: &'static str) {
        if let Some(slip) = self.shop.shipments.get_mut(&slip)
            && !tracking.is_empty()
        {
            slip.tracking = tracking.into();
        }
        self.set_shipment_status(slip, "shipped", channel);
    }
}

/// Leaves `wanted` on the slip and returns what does not fit.
fn split(world: &mut World, slip: u64, wanted: &[(usize, i64)]) -> Result<Vec<(usize, i64)>, String> {
    let slip = world.shop.shipments.get_mut(&slip).ok_or("No such shipment.")?;
    let asked = |index: usize| wanted.iter().find(|(line, _)| *line == index).map_or(0, |(_, quantity)| *quantity);
    let too_many = slip.items.iter().any(|(index, have)| asked(*index) > *have);
    let unknown = wanted.iter().any(|(line, _)| slip.items.iter().all(|(index, _)| index != line));
    if too_many || unknown || wanted.iter().all(|(_, quantity)| *quantity <= 0) {
        return Err("The quantities are not on the open packing slip.".to_owned());
    }
    let old: Vec<(usize, i64)> = slip.items.to_vec();
    slip.items = old.iter().map(|(index, _)| (*index, asked(*index))).filter(|item| item.1 > 0).collect();
    let rest = old.iter().map(|(index, have)| (*index, have.saturating_sub(asked(*index))));
    Ok(rest.filter(|item| item.1 > 0).collect())
}

pub(crate) fn invoice_number(number: u64) -> Box<str> {
    format!("INV{number:05}").into()
}
