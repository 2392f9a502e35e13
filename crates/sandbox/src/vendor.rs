//! The vendor's own app, as an actor that works on the same orders; and the shop itself, where time passes.
//!
//! When switched on it refunds, captures and cancels some time after the shop event, once, without
//! keys and without a reference of ours, and it never looks again. That is what makes it dangerous
//! to act beside.

use super::World;

/// Something the app will do when its time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Refund {
        invoice: u64,
    },
    Capture {
        shipment: u64,
    },
    Cancel {
        order: u64,
    },
    /// The shop gives up on an order that nobody pays.
    Unpaid {
        order: u64,
    },
}

impl World {
    pub(crate) fn schedule(&mut self, task: Task) {
        self.schedule_in(self.switches.vendor_delay_ms, task);
    }

    pub(crate) fn schedule_in(&mut self, ms: i64, task: Task) {
        let due = self.now_ms.saturating_add(ms);
        self.vendor_drawn = self.vendor_drawn.saturating_add(1);
        self.vendor_tasks.insert((due, self.vendor_drawn), task);
    }

    /// Runs what has become due, each at its own time.
    pub(crate) fn run_vendor(&mut self, until: i64) {
        while let Some((&(due, number), &task)) = self.vendor_tasks.first_key_value()
            && due <= until
        {
            self.vendor_tasks.remove(&(due, number));
            self.now_ms = due.max(self.now_ms);
            self.run_task(task);
        }
    }

    fn run_task(&mut self, task: Task) {
        match task {
            Task::Refund { invoice } => self.vendor_refund(invoice),
            Task::Capture { shipment } => self.vendor_capture(shipment),
            Task::Cancel { order } => self.vendor_cancel(order),
            Task::Unpaid { order } => self.give_up_on(order),
        }
    }

    fn vendor_refund(&mut self, invoice: u64) {
        let Some(credit) = self.shop.invoices.get(&invoice) else { return };
        let open = credit.status == "not_paid" || self.switches.vendor_refunds_paid;
        let minor = credit.total_incl.div_euclid(100);
        let Some(klarna) = self.links.get(&credit.order).copied() else { return };
        if open && self.klarna_refund(klarna, minor, None).is_ok() && self.switches.vendor_marks_paid {
            self.set_invoice_status(invoice, "paid".into(), "api");
        }
    }

    /// Captures the goods on the slip; the last slip takes what is left.
    fn vendor_capture(&mut self, shipment: u64) {
        let Some(slip) = self.shop.shipments.get(&shipment) else { return };
        let order_id = slip.order;
        let Some(order) = self.shop.orders.get(&order_id) else { return };
        let goods = slip
            .items
            .iter()
            .filter_map(|(index, quantity)| {
                order.lines.get(*index).map(|line| line.unit_incl.saturating_mul(*quantity))
            })
            .fold(0_i64, i64::saturating_add)
            .div_euclid(100);
        let last = order.shipment_status == "shipped";
        let Some(klarna) = self.links.get(&order_id).copied() else { return };
        let left = self.klarna_remaining(klarna);
        let amount = if last { left } else { goods.min(left) };
        if self.klarna_capture(klarna, amount, None).is_ok() && last {
            self.set_order_payment(order_id, true, "api");
        }
    }

    fn give_up_on(&mut self, order: u64) {
        let waits = self.shop.orders.get(&order).is_some_and(|one| one.status == "processing_awaiting_payment");
        if waits {
            self.cancel_order_in_shop(order, self.switches.lightspeed_cancel_makes_credit_notes, "auto");
        }
    }

    fn vendor_cancel(&mut self, order: u64) {
        let Some(klarna) = self.links.get(&order).copied() else { return };
        // A refusal stays unnoticed, as it does there.
        let _ = self.klarna_cancel(klarna);
    }
}
