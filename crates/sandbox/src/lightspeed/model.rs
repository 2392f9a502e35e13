//! What the shop knows: orders with their lines, invoices, shipments, events and metafields.
//!
//! Compact structs and indexes only; JSON is made when it is asked for. Amounts are exact
//! ten-thousandths of a currency unit. Nothing here knows of HTTP.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use uuid::Uuid;

use super::webhook::{Delivery, Webhook};

pub(crate) type Text = Cow<'static, str>;

/// Raw JSON text by top-level key, set by hand to rehearse hostile input.
pub(crate) type RawFields = BTreeMap<String, String>;

/// One order line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) title: Text,
    pub(crate) article: Text,
    pub(crate) quantity: i64,
    /// Price of one piece including tax, less its discount.
    pub(crate) unit_incl: i64,
    /// What a discount took off each piece.
    pub(crate) discount_incl: i64,
    /// Tax in hundredths of a percent: 2100 is 21 %.
    pub(crate) tax_bp: i64,
    pub(crate) invoiced: i64,
    pub(crate) refunded: i64,
}

impl Line {
    pub(crate) fn total_incl(&self) -> i64 {
        self.unit_incl.saturating_mul(self.quantity)
    }

    pub(crate) fn creditable(&self) -> i64 {
        self.invoiced.saturating_sub(self.refunded).max(0)
    }
}

/// One entry of an order's history.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) at: i64,
    pub(crate) channel: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) message: Text,
    pub(crate) comment: Option<Box<str>>,
    pub(crate) invoice: Option<u64>,
    pub(crate) shipment: Option<u64>,
}

/// A shop order.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) number: Box<str>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) status: Text,
    pub(crate) payment_status: Text,
    pub(crate) shipment_status: Text,
    pub(crate) channel: &'static str,
    pub(crate) payment_id: Text,
    pub(crate) payment_title: Text,
    /// Klarna's order id under its key, where this shop keeps it in `paymentData`.
    pub(crate) payment_data: Option<(Text, Uuid)>,
    /// Further keys of `paymentData`.
    pub(crate) payment_more: Vec<(Text, Box<str>)>,
    /// What a gift card paid of it.
    pub(crate) gift_card: i64,
    pub(crate) pickup: bool,
    pub(crate) memo: String,
    pub(crate) custom_status: Option<i64>,
    pub(crate) lines: Vec<Line>,
    pub(crate) shipping_incl: i64,
    pub(crate) payment_incl: i64,
    pub(crate) customer: u64,
    pub(crate) invoices: Vec<u64>,
    pub(crate) shipments: Vec<u64>,
    pub(crate) events: Vec<Event>,
    pub(crate) raw: RawFields,
}

/// Tax on shipping and payment costs.
pub(crate) const COST_TAX_BP: i64 = 2_100;

impl Order {
    pub(crate) fn total_incl(&self) -> i64 {
        let goods = self.lines.iter().map(Line::total_incl).fold(0_i64, i64::saturating_add);
        goods.saturating_add(self.shipping_incl).saturating_add(self.payment_incl)
    }

    pub(crate) fn total_excl(&self) -> i64 {
        let goods =
            self.lines.iter().map(|line| excl_cents(line.total_incl(), line.tax_bp)).fold(0_i64, i64::saturating_add);
        goods
            .saturating_add(excl_cents(self.shipping_incl, COST_TAX_BP))
            .saturating_add(excl_cents(self.payment_incl, COST_TAX_BP))
    }

    /// Line ids are the order's id with two digits behind it.
    pub(crate) fn line_id(&self, index: usize) -> u64 {
        child_id(self.id, index)
    }

    pub(crate) fn line_index(&self, id: u64) -> Option<usize> {
        let index = usize::try_from(id.checked_sub(self.id.checked_mul(100)?)?).ok()?;
        (index < self.lines.len()).then_some(index)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.status == "cancelled"
    }
}

pub(crate) fn child_id(parent: u64, index: usize) -> u64 {
    parent.saturating_mul(100).saturating_add(u64::try_from(index).unwrap_or(99))
}

/// The price without tax, to the cent (totals show two decimals).
pub(crate) fn excl_cents(incl: i64, tax_bp: i64) -> i64 {
    divide_rounded(incl, tax_bp, 100)
}

/// The price without tax, to four decimals (unit prices and tax amounts show up to four).
pub(crate) fn excl_exact(incl: i64, tax_bp: i64) -> i64 {
    divide_rounded(incl, tax_bp, 1)
}

fn divide_rounded(incl: i64, tax_bp: i64, step: i64) -> i64 {
    let factor = i128::from(tax_bp).saturating_add(10_000).saturating_mul(i128::from(step)).max(1);
    let scaled = i128::from(incl).saturating_mul(10_000);
    let half = factor.div_euclid(2);
    let units = scaled.saturating_add(half).div_euclid(factor);
    i64::try_from(units.saturating_mul(i128::from(step))).unwrap_or(i64::MAX)
}

/// What an invoice item stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemKind {
    /// The order line at this index.
    Product(usize),
    Shipping,
    Payment,
    /// A value credited freely in the back office.
    Value,
}

/// One item of an invoice; quantities and prices are positive here.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) kind: ItemKind,
    pub(crate) quantity: i64,
    pub(crate) total_incl: i64,
    pub(crate) tax_bp: i64,
}

/// An invoice or, with `original`, a credit invoice.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) id: u64,
    pub(crate) number: Box<str>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) status: Text,
    pub(crate) order: u64,
    pub(crate) is_credit: bool,
    pub(crate) original: Option<u64>,
    pub(crate) total_incl: i64,
    pub(crate) total_excl: i64,
    /// `None`: the whole order, line by line.
    pub(crate) items: Option<Box<[Item]>>,
    pub(crate) raw: RawFields,
}

/// A packing slip.
#[derive(Clone, Debug)]
pub(crate) struct Shipment {
    pub(crate) id: u64,
    pub(crate) number: Box<str>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) status: Text,
    pub(crate) tracking: Box<str>,
    pub(crate) order: u64,
    /// (line index, quantity)
    pub(crate) items: Box<[(usize, i64)]>,
}

/// What a metafield hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Order(u64),
    Invoice(u64),
    Shipment(u64),
}

/// A free key and value.
#[derive(Clone, Debug)]
pub(crate) struct Metafield {
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) key: String,
    /// JSON text: a string or a number.
    pub(crate) value: String,
}

/// Two ways to walk a collection by time.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeIndex {
    pub(crate) created: BTreeSet<(i64, u64)>,
    pub(crate) updated: BTreeSet<(i64, u64)>,
}

impl TimeIndex {
    pub(crate) fn add(&mut self, id: u64, created: i64, updated: i64) {
        self.created.insert((created, id));
        self.updated.insert((updated, id));
    }

    pub(crate) fn remove(&mut self, id: u64, created: i64, updated: i64) {
        self.created.remove(&(created, id));
        self.updated.remove(&(updated, id));
    }

    pub(crate) fn touch(&mut self, id: u64, before: i64, after: i64) {
        self.updated.remove(&(before, id));
        self.updated.insert((after, id));
    }
}

/// The next number of each series.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) order: u64,
    pub(crate) order_number: u64,
    pub(crate) invoice: u64,
    pub(crate) invoice_number: u64,
    pub(crate) shipment: u64,
    pub(crate) event: u64,
    pub(crate) metafield: u64,
    pub(crate) webhook: u64,
    pub(crate) delivery: u64,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            order: 1_623_550,
            order_number: 1,
            invoice: 1_742_004,
            invoice_number: 1,
            shipment: 4_981_236,
            event: 15_453_254,
            metafield: 880_001,
            webhook: 4_740_622,
            delivery: 1,
        }
    }
}

/// The same text without an allocation where it is one of the usual words.
pub(crate) fn intern(text: &str) -> Text {
    const USUAL: [&str; 4] = ["external", "Klarna - Pay later", "klarna_order_id", "SB-001"];
    let known = USUAL.into_iter().find(|word| *word == text);
    known.map_or_else(|| Text::Owned(text.to_owned()), Text::Borrowed)
}

/// Takes the next number of a series.
pub(crate) fn draw(counter: &mut u64) -> u64 {
    let number = *counter;
    *counter = counter.saturating_add(1);
    number
}

/// Everything of one shop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shop {
    pub(crate) orders: BTreeMap<u64, Order>,
    pub(crate) orders_time: TimeIndex,
    pub(crate) by_number: BTreeMap<Box<str>, u64>,
    pub(crate) invoices: BTreeMap<u64, Invoice>,
    pub(crate) invoices_time: TimeIndex,
    pub(crate) invoice_by_number: BTreeMap<Box<str>, u64>,
    pub(crate) shipments: BTreeMap<u64, Shipment>,
    pub(crate) shipments_time: TimeIndex,
    pub(crate) event_owner: BTreeMap<u64, u64>,
    pub(crate) metafields: BTreeMap<Owner, BTreeMap<u64, Metafield>>,
    pub(crate) webhooks: BTreeMap<u64, Webhook>,
    pub(crate) deliveries: VecDeque<Delivery>,
    pub(crate) series: Series,
    /// Seeds for load keep no history, to stay small.
    pub(crate) quiet: bool,
}

impl Shop {
    /// Moves `updatedAt`, which never goes backwards.
    pub(crate) fn touch_order(&mut self, id: u64, now: i64) {
        if let Some(order) = self.orders.get_mut(&id) {
            let before = order.updated;
            order.updated = now.max(before);
            self.orders_time.touch(id, before, order.updated);
        }
    }

    pub(crate) fn touch_invoice(&mut self, id: u64, now: i64) {
        if let Some(invoice) = self.invoices.get_mut(&id) {
            let before = invoice.updated;
            invoice.updated = now.max(before);
            self.invoices_time.touch(id, before, invoice.updated);
        }
    }

    pub(crate) fn touch_shipment(&mut self, id: u64, now: i64) {
        if let Some(shipment) = self.shipments.get_mut(&id) {
            let before = shipment.updated;
            shipment.updated = now.max(before);
            self.shipments_time.touch(id, before, shipment.updated);
        }
    }

    /// Appends to an order's history.
    pub(crate) fn record(&mut self, order: u64, mut event: Event) {
        if self.quiet && event.comment.is_none() {
            return;
        }
        event.id = draw(&mut self.series.event);
        if let Some(order) = self.orders.get_mut(&order) {
            self.event_owner.insert(event.id, order.id);
            order.events.push(event);
        }
    }

    pub(crate) fn add_metafield(&mut self, owner: Owner, key: &str, value: String, now: i64) -> u64 {
        let id = draw(&mut self.series.metafield);
        let field = Metafield { created: now, updated: now, key: key.to_owned(), value };
        self.metafields.entry(owner).or_default().insert(id, field);
        id
    }

    pub(crate) fn insert_invoice(&mut self, invoice: Invoice) {
        let (id, order) = (invoice.id, invoice.order);
        self.invoices_time.add(id, invoice.created, invoice.updated);
        self.invoice_by_number.insert(invoice.number.clone(), id);
        self.invoices.insert(id, invoice);
        if let Some(order) = self.orders.get_mut(&order) {
            order.invoices.push(id);
        }
    }

    pub(crate) fn insert_shipment(&mut self, shipment: Shipment) {
        let (id, order) = (shipment.id, shipment.order);
        self.shipments_time.add(id, shipment.created, shipment.updated);
        self.shipments.insert(id, shipment);
        if let Some(order) = self.orders.get_mut(&order) {
            order.shipments.push(id);
        }
    }

    pub(crate) fn insert_order(&mut self, order: Order) {
        self.orders_time.add(order.id, order.created, order.updated);
        self.by_number.insert(order.number.clone(), order.id);
        self.orders.insert(order.id, order);
    }

    /// Credit invoices that name this original, oldest first.
    pub(crate) fn credits_of(&self, original: u64) -> impl Iterator<Item = &Invoice> {
        let order = self.invoices.get(&original).map(|invoice| invoice.order);
        let ids = order.and_then(|id| self.orders.get(&id)).map(|order| order.invoices.as_slice());
        ids.unwrap_or(&[])
            .iter()
            .filter_map(|id| self.invoices.get(id))
            .filter(move |invoice| invoice.original == Some(original))
    }
}

/// An event with its id still to be drawn.
pub(crate) fn event(at: i64, channel: &'static str, kind: &'static str, message: Text) -> Event {
    Event { id: 0, at, channel, kind, message, comment: None, invoice: None, shipment: None }
}
