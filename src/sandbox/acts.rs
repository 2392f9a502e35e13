//! Acts by hand in the shop: what a customer or a person in the back office does.
//!
//! Every act works at the time the world was last moved to, and goes through the same effects as
//! the API, on the channel `manual`.

use uuid::Uuid;

use super::World;
use super::klarna::model::{Details, Fraud, Lines, Order as KlarnaOrder, OrderLine, State, Status};
use super::lightspeed::effects::CreditPlan;
use super::lightspeed::model::intern;
use super::lightspeed::model::{COST_TAX_BP, Item, ItemKind, Line, Order, Owner, RawFields, Text, draw, event};
use super::lightspeed::webhook::{Subject, notify};
use super::switch::SwitchValue as _;
use super::switches::{InvoiceMoment, KlarnaIdLocation, PaidWhen};
use super::time::{DAY, utc_midnight};

const MANUAL: &str = "manual";

/// One line of a new order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLine {
    pub title: Text,
    pub quantity: i64,
    /// Price of one piece including tax, in minor units.
    pub unit_minor: i64,
    /// Tax in hundredths of a percent.
    pub tax_bp: i64,
}

impl NewLine {
    pub fn new(title: &'static str, quantity: i64, unit_minor: i64) -> Self {
        Self { title: title.into(), quantity, unit_minor, tax_bp: 2_100 }
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
        self.back_dated(new.age_ms, |world| world.place(new))
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
            unit_incl: units(line.unit_minor),
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
            status: if ready { "processing_awaiting_shipment".into() } else { "processing_awaiting_payment".into() },
            payment_status: if paid { "paid".into() } else { "not_paid".into() },
            shipment_status: "not_shipped".into(),
            channel: "main",
            payment_id,
            payment_title,
            payment_data: None,
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

    fn pay_with_klarna(&mut self, order: u64, number: &str, new: &NewOrder, start: KlarnaStart) -> Uuid {
        let id = self.ids.uuid();
        let record = klarna_record(self, id, number, new);
        let amount = record.state.order_amount;
        self.merchant.orders.insert(id, Box::new(record));
        self.links.insert(order, id);
        self.show_klarna_id(order, id, new.klarna_id);
        // Each of these is allowed on a fresh authorization.
        let _ = match start {
            KlarnaStart::Authorized => Ok(()),
            KlarnaStart::Captured => self.klarna_capture(id, amount, Some(reference(number))).map(drop),
            KlarnaStart::PartCaptured(part) => self.klarna_capture(id, part, Some(reference(number))).map(drop),
            KlarnaStart::Cancelled => self.klarna_cancel(id),
            KlarnaStart::Expired => self.klarna_expire(id),
        };
        id
    }

    /// Puts Klarna's id where this shop keeps it.
    fn show_klarna_id(&mut self, order: u64, id: Uuid, location: Option<KlarnaIdLocation>) {
        let now = self.now_ms;
        let key = self.switches.lightspeed_klarna_id_key.clone();
        let location = location.unwrap_or(self.switches.lightspeed_klarna_id_location);
        match location {
            KlarnaIdLocation::None => {}
            KlarnaIdLocation::Event => {
                let mut entry = event(now, "api", "order", "paid".into());
                entry.comment = Some(format!("Klarna order ID: {id}").into());
                self.shop.record(order, entry);
            }
            KlarnaIdLocation::Metafield => {
                let value = serde_json::Value::from(id.to_string()).to_string();
                self.shop.add_metafield(Owner::Order(order), &key, value, now);
            }
            KlarnaIdLocation::Memo => {
                if let Some(record) = self.shop.orders.get_mut(&order) {
                    record.memo = format!("Klarna order ID: {id}");
                }
            }
            KlarnaIdLocation::PaymentData => {
                if let Some(record) = self.shop.orders.get_mut(&order) {
                    record.payment_data = Some((intern(&key), id));
                }
            }
        }
    }

    /// Ships all that is left of an order, or only (line index, quantity).
    pub fn ship(&mut self, order: u64, items: Option<&[(usize, i64)]>) -> Result<(), String> {
        self.ship_in_shop(order, items, "3SSANDBOX0001", MANUAL).map(drop)
    }

    /// *Add a credit invoice* in the back office; returns its id and number.
    pub fn add_credit_invoice(&mut self, order: u64, credit: &Credit) -> Result<(u64, String), String> {
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
        let plan = CreditPlan {
            original: None,
            items,
            total_incl: None,
            status: self.switches.lightspeed_credit_initial_status.show().into(),
            channel: MANUAL,
        };
        let id = self.make_credit(order, plan)?;
        let number = self.shop.invoices.get(&id).map(|one| one.number.to_string());
        Ok((id, number.unwrap_or_default()))
    }

    /// Marks an invoice or credit invoice in the back office; any word is taken.
    pub fn mark_invoice(&mut self, invoice: u64, status: &str) {
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

/// Details that hold a reference only.
pub(crate) fn reference(text: &str) -> Details {
    Details { reference: Some(text.into()), ..Details::default() }
}

fn klarna_record(world: &mut World, id: Uuid, number: &str, new: &NewOrder) -> KlarnaOrder {
    let mut lines: Vec<OrderLine> = (1_usize..)
        .zip(&new.lines)
        .map(|(position, line)| OrderLine {
            kind: "physical",
            reference: format!("SB-{position:03}").into(),
            name: line.title.as_ref().into(),
            quantity: line.quantity,
            unit_price: line.unit_minor,
            tax_rate: line.tax_bp,
        })
        .collect();
    if new.shipping_minor != 0 {
        lines.push(OrderLine {
            kind: "shipping_fee",
            reference: "shipping".into(),
            name: "Default Shipping".into(),
            quantity: 1,
            unit_price: new.shipping_minor,
            tax_rate: COST_TAX_BP,
        });
    }
    let amount = lines.iter().map(OrderLine::total).fold(0_i64, i64::saturating_add);
    let now = world.now_ms;
    let period = world.switches.klarna_authorization_days.saturating_mul(DAY);
    let expires = match new.expires_in_ms {
        Some(left) => now.saturating_add(new.age_ms).saturating_add(left),
        None => utc_midnight(now).saturating_add(period),
    };
    let state = State {
        status: Status::Authorized,
        fraud: new.fraud,
        fraud_since: now,
        order_amount: amount,
        captured: 0,
        refunded: 0,
        remaining: amount,
        reference1: number.into(),
        reference2: "".into(),
        expires,
        lines: Lines::Compact(lines.into()),
        captures: Vec::new(),
        refunds: Vec::new(),
        shipping_info: Vec::new(),
        shipping_address: None,
    };
    let short = world.ids.short_reference().into();
    let currency = new.klarna_currency.as_deref().map(Into::into);
    KlarnaOrder::new(id, now, short, currency, state)
}
