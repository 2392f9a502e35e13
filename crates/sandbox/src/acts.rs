//! Acts by hand in the shop: what a customer or a person in the back office does.
//!
//! Every act works at the time the world was last moved to, and goes through the same effects as
//! the API, on the channel `manual`.

use uuid::Uuid;

use super::World;
use super::klarna::model::Fraud;
use super::lightspeed::effects::CreditPlan;
use super::lightspeed::model::intern;
use super::lightspeed::model::{COST_TAX_BP, Invoice, Item, ItemKind, Line, Order, RawFields, Text, draw, event};
use super::lightspeed::webhook::{Subject, notify};
use super::switch::SwitchValue as _;
use super::switches::{GiftCards, InvoiceMoment, KlarnaIdLocation, PaidState, PaidWhen};
use super::time::SECOND;
use super::vendor::Task;

const MANUAL: &str = "manual";

/// One line of a new order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLine {
    pub title: Text,
    pub quantity: i64,
    /// Price of one piece including tax, in minor units.
    pub unit_minor: i64,
    /// What a discount took off the price of each piece: the shop works it into the line.
    pub discount_minor: i64,
    /// Tax in hundredths of a percent.
    pub tax_bp: i64,
}

impl NewLine {
    pub fn new(title: &'static str, quantity: i64, unit_minor: i64) -> Self {
        Self { title: title.into(), quantity, unit_minor, discount_minor: 0, tax_bp: 2_100 }
    }
}

/// Where a new Klarna order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KlarnaStart {
    Authorized,
    Captured,
    PartCaptured(i64),
    Cancelled,
    Expired,
}

/// An order about to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    pub lines: Vec<NewLine>,
    pub shipping_minor: i64,
    /// `None`: another payment method.
    pub klarna: Option<KlarnaStart>,
    /// `paymentId` for another payment method.
    pub payment: Option<String>,
    pub fraud: Fraud,
    /// `None`: what the switch says.
    pub klarna_id: Option<KlarnaIdLocation>,
    /// `None`: the shop's currency.
    pub klarna_currency: Option<String>,
    /// How long ago it was placed.
    pub age_ms: i64,
    /// `None`: the authorization period of the switch, from the day it was placed.
    pub expires_in_ms: Option<i64>,
    /// Ship everything at once.
    pub shipped: bool,
    /// How much of it a gift card pays; Klarna is asked for the rest.
    pub gift_card_minor: i64,
    /// `None`: what the shop says, less the gift card. Another amount for rounding, or for a part paid in a way that
    /// the shop does not show.
    pub klarna_amount_minor: Option<i64>,
    /// `None`: the order's number. Empty: none was set.
    pub reference1: Option<String>,
    /// `None`: none was set.
    pub reference2: Option<String>,
    /// The consumer fetches it in the shop.
    pub pickup: bool,
}

impl Default for NewOrder {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            shipping_minor: 0,
            klarna: Some(KlarnaStart::Authorized),
            payment: None,
            fraud: Fraud::Accepted,
            klarna_id: None,
            klarna_currency: None,
            age_ms: 0,
            expires_in_ms: None,
            shipped: false,
            gift_card_minor: 0,
            klarna_amount_minor: None,
            reference1: None,
            reference2: None,
            pickup: false,
        }
    }
}

impl NewOrder {
    /// An order of one line.
    pub fn of(amount_minor: i64, klarna: KlarnaStart) -> Self {
        let lines = vec![NewLine::new("Sandbox article", 1, amount_minor)];
        Self { lines, klarna: Some(klarna), ..Self::default() }
    }
}

/// A placed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    pub order: u64,
    pub number: String,
    pub klarna: Option<Uuid>,
}

/// What a back-office credit invoice is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credit {
    /// A freely chosen amount in ten-thousandths of a unit.
    Amount(i64),
    /// (line index, quantity), and whether shipping is credited too.
    Lines(Vec<(usize, i64)>, bool),
}

pub(crate) const fn units(minor: i64) -> i64 {
    minor.saturating_mul(100)
}

impl World {
    /// Runs acts at an earlier time.
    pub(crate) fn back_dated<T>(&mut self, age_ms: i64, act: impl FnOnce(&mut Self) -> T) -> T {
        let now = self.now_ms;
        self.now_ms = now.saturating_sub(age_ms);
        let made = act(self);
        self.now_ms = now;
        made
    }

    /// Places an order, with its Klarna order when it is paid that way.
    pub fn create_order(&mut self, new: &NewOrder) -> Created {
        let mut new = new.clone();
        if new.gift_card_minor != 0 && self.switches.lightspeed_gift_cards == GiftCards::Line {
            let card = NewLine { tax_bp: 0, ..NewLine::new("Gift card", 1, new.gift_card_minor.saturating_neg()) };
            new.lines.push(card);
            new.gift_card_minor = 0;
        }
        self.back_dated(new.age_ms, |world| world.place(&new))
    }

    fn place(&mut self, new: &NewOrder) -> Created {
        let id = draw(&mut self.shop.series.order);
        let number = format!("ORD{:05}", draw(&mut self.shop.series.order_number));
        let captured = matches!(new.klarna, Some(KlarnaStart::Captured));
        let paid = captured || (new.klarna.is_some() && self.switches.lightspeed_paid_when == PaidWhen::Authorized);
        let record = self.new_record(id, &number, new, paid);
        self.shop.insert_order(record);
        self.effect();
        let now = self.now_ms;
        self.shop.record(id, event(now, "auto", "order", "new".into()));
        if paid {
            self.shop.record(id, event(now, "api", "order", "paid".into()));
        }
        let goods: Vec<(usize, i64)> = new.lines.iter().enumerate().map(|(at, line)| (at, line.quantity)).collect();
        self.make_shipment(id, goods.into_boxed_slice());
        let klarna = new.klarna.map(|start| self.pay_with_klarna(id, &number, new, start));
        let invoiced = match self.switches.lightspeed_invoice_moment {
            InvoiceMoment::Direct => true,
            InvoiceMoment::Paid => paid,
            InvoiceMoment::Manual => false,
        };
        if invoiced {
            self.make_invoice(id, "auto");
        }
        notify(self, Subject::Order(id), "created");
        let patience = self.switches.lightspeed_unpaid_expire_after_s.saturating_mul(SECOND);
        if !paid && new.klarna.is_none() && patience > 0 {
            self.schedule_in(patience, Task::Unpaid { order: id });
        }
        if new.shipped {
            // A fresh order has its packing slip, so there is something to ship.
            let _ = self.ship_in_shop(id, None, "3SSANDBOX0001", MANUAL);
        }
        Created { order: id, number, klarna }
    }

    fn new_record(&self, id: u64, number: &str, new: &NewOrder, paid: bool) -> Order {
        let by_klarna = new.klarna.is_some();
        let payment_id: Text = if by_klarna {
            intern(&self.switches.lightspeed_payment_id)
        } else {
            new.payment.clone().unwrap_or_else(|| "banktransfer".to_owned()).into()
        };
        let payment_title: Text =
            if by_klarna { intern(&self.switches.lightspeed_payment_title) } else { "Bank transfer".into() };
        let line = |(index, line): (usize, &NewLine)| Line {
            title: line.title.clone(),
            article: intern(&format!("SB-{:03}", index.saturating_add(1))),
            quantity: line.quantity,
            unit_incl: units(line.unit_minor.saturating_sub(line.discount_minor)),
            discount_incl: units(line.discount_minor),
            tax_bp: line.tax_bp,
            invoiced: 0,
            refunded: 0,
        };
        let ready = paid || by_klarna;
        Order {
            id,
            number: number.into(),
            created: self.now_ms,
            updated: self.now_ms,
            status: match (ready, new.pickup) {
                (true, false) => "processing_awaiting_shipment".into(),
                (true, true) => "processing_awaiting_pickup".into(),
                (false, _) => "processing_awaiting_payment".into(),
            },
            payment_status: if paid { "paid".into() } else { "not_paid".into() },
            shipment_status: "not_shipped".into(),
            channel: "main",
            payment_id,
            payment_title,
            payment_data: None,
            payment_more: Vec::new(),
            gift_card: units(new.gift_card_minor),
            pickup: new.pickup,
            memo: String::new(),
            custom_status: None,
            lines: new.lines.iter().enumerate().map(line).collect(),
            shipping_incl: units(new.shipping_minor),
            payment_incl: 0,
            customer: 1_119_503,
            invoices: Vec::new(),
            shipments: Vec::new(),
            events: Vec::new(),
            raw: RawFields::new(),
        }
    }

    /// Ships all that is left of an order, or only (line index, quantity).
    pub fn ship(&mut self, order: u64, items: Option<&[(usize, i64)]>) -> Result<(), String> {
        self.ship_in_shop(order, items, "3SSANDBOX0001", MANUAL).map(drop)
    }

    /// *Add a credit invoice* in the back office; returns its id and number.
    pub fn add_credit_invoice(&mut self, order: u64, credit: &Credit) -> Result<(u64, String), String> {
        self.add_credit_invoice_as(order, credit, None)
    }

    /// The same with *Paid* or *Not paid* chosen in the form; `None` is what the switch says.
    pub fn add_credit_invoice_as(
        &mut self, order: u64, credit: &Credit, status: Option<PaidState>,
    ) -> Result<(u64, String), String> {
        let status = status.unwrap_or(self.switches.lightspeed_credit_initial_status);
        let record = self.shop.orders.get(&order).ok_or("No such order.")?;
        let value = |kind, quantity, total_incl, tax_bp| Item { kind, quantity, total_incl, tax_bp };
        let items = match credit {
            Credit::Amount(amount) => vec![value(ItemKind::Value, 1, *amount, COST_TAX_BP)],
            Credit::Lines(lines, shipping) => {
                let mut items = Vec::new();
                for (index, quantity) in lines {
                    let line = record.lines.get(*index).ok_or("No such line.")?;
                    let total = line.unit_incl.saturating_mul(*quantity);
                    items.push(value(ItemKind::Product(*index), *quantity, total, line.tax_bp));
                }
                if *shipping {
                    items.push(value(ItemKind::Shipping, 1, record.shipping_incl, COST_TAX_BP));
                }
                items
            }
        };
        let plan =
            CreditPlan { original: None, items, total_incl: None, status: status.show().into(), channel: MANUAL };
        let id = self.make_credit(order, plan)?;
        let number = self.shop.invoices.get(&id).map(|one| one.number.to_string());
        Ok((id, number.unwrap_or_default()))
    }

    /// Marks an invoice or credit invoice in the back office; any word is taken, but a normal invoice that is paid stays
    /// paid.
    pub fn mark_invoice(&mut self, invoice: u64, status: &str) {
        let final_there = |one: &Invoice| !one.is_credit && one.status == "paid";
        if self.shop.invoices.get(&invoice).is_some_and(final_there) {
            return;
        }
        self.set_invoice_status(invoice, status.to_owned().into(), MANUAL);
    }

    /// Cancels an order in the back office.
    pub fn cancel_in_shop(&mut self, order: u64) {
        let credit = self.switches.lightspeed_cancel_makes_credit_notes;
        self.cancel_order_in_shop(order, credit, MANUAL);
    }

    /// Makes the order's invoice by hand (for shops that invoice manually).
    pub fn invoice_by_hand(&mut self, order: u64) -> Option<u64> {
        self.make_invoice(order, MANUAL)
    }
}
