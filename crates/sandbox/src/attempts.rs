//! How a shop order and Klarna's orders come to know of each other: one payment attempt or several, whose references
//! say whose they are, and ids that stand wherever a shop writes them, the wrong ones too.

use uuid::Uuid;

use super::World;
use super::acts::{KlarnaStart, NewOrder};
use super::klarna::model::{Details, Fraud, Lines, Order as KlarnaOrder, OrderLine, State, Status};
use super::lightspeed::model::{COST_TAX_BP, Owner, Text, event, intern};
use super::lightspeed::webhook::{Subject, notify};
use super::switches::KlarnaIdLocation;
use super::time::{DAY, utc_midnight};

/// A further attempt to pay an order with Klarna.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttempt {
    pub start: KlarnaStart,
    /// `None`: what the first attempt was for.
    pub amount_minor: Option<i64>,
    /// `None`: the shop's currency.
    pub currency: Option<String>,
    /// `None`: the order's number. Empty: none was set.
    pub reference1: Option<String>,
    /// `None`: none was set.
    pub reference2: Option<String>,
    /// Where the shop shows its id, each place once more for each time it is named.
    pub shown: Vec<KlarnaIdLocation>,
    /// Whether this is the attempt that pays the order.
    pub pays: bool,
    pub age_ms: i64,
}

impl NewAttempt {
    /// An attempt for the same amount, with the order's number as its reference, shown in one place.
    pub fn of(start: KlarnaStart, shown: KlarnaIdLocation) -> Self {
        Self {
            start,
            amount_minor: None,
            currency: None,
            reference1: None,
            reference2: None,
            shown: vec![shown],
            pays: false,
            age_ms: 0,
        }
    }
}

impl World {
    pub(crate) fn pay_with_klarna(&mut self, order: u64, number: &str, new: &NewOrder, start: KlarnaStart) -> Uuid {
        let id = self.open_klarna_order(number, new, start);
        self.links.insert(order, id);
        self.write_id(order, &id.to_string(), new.klarna_id, None);
        id
    }

    fn open_klarna_order(&mut self, number: &str, new: &NewOrder, start: KlarnaStart) -> Uuid {
        let id = self.ids.uuid();
        let record = klarna_record(self, id, number, new);
        let amount = record.state.order_amount;
        self.merchant.orders.insert(id, Box::new(record));
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

    /// The consumer tries to pay an order with Klarna once more; returns Klarna's new order.
    pub fn attempt(&mut self, order: u64, attempt: &NewAttempt) -> Result<Uuid, String> {
        self.back_dated(attempt.age_ms, |world| world.try_again(order, attempt))
    }

    fn try_again(&mut self, order: u64, attempt: &NewAttempt) -> Result<Uuid, String> {
        let record = self.shop.orders.get(&order).ok_or("No such order.")?;
        let number = record.number.to_string();
        let first = self.links.get(&order).and_then(|id| self.merchant.orders.get(id));
        let share = record.total_incl().saturating_sub(record.gift_card).div_euclid(100);
        let amount = first.map_or(share, |first| first.original_amount);
        let new = NewOrder {
            klarna_amount_minor: Some(attempt.amount_minor.unwrap_or(amount)),
            klarna_currency: attempt.currency.clone(),
            reference1: attempt.reference1.clone(),
            reference2: attempt.reference2.clone(),
            fraud: Fraud::Accepted,
            age_ms: attempt.age_ms,
            ..NewOrder::default()
        };
        let id = self.open_klarna_order(&number, &new, attempt.start);
        self.attempts.entry(order).or_default().push(id);
        if attempt.pays {
            let before = self.links.insert(order, id);
            let known = self.attempts.entry(order).or_default();
            known.extend(before.filter(|before| !known.contains(before)));
        }
        for place in &attempt.shown {
            self.write_id(order, &id.to_string(), Some(*place), None);
        }
        Ok(id)
    }

    /// Every Klarna order that was opened for a shop order, the one that pays it first.
    pub fn attempts_of(&self, order: u64) -> Vec<Uuid> {
        let paying = self.links.get(&order).copied();
        let more = self.attempts.get(&order).map_or(&[][..], Vec::as_slice);
        let more = more.iter().copied().filter(|id| Some(*id) != paying);
        paying.into_iter().chain(more).collect()
    }

    /// Somebody, or some app, writes a text where Klarna's id may stand: another id, one typed wrong, a session's.
    /// `key` names it in `paymentData` or as a metafield.
    pub fn show_id(&mut self, order: u64, text: &str, place: KlarnaIdLocation, key: Option<&str>) {
        self.write_id(order, text, Some(place), key);
        self.touched(order);
    }

    /// Replaces an order's memo.
    pub fn set_memo(&mut self, order: u64, memo: &str) {
        if let Some(record) = self.shop.orders.get_mut(&order) {
            memo.clone_into(&mut record.memo);
        }
        self.touched(order);
    }

    /// Empties `paymentData`.
    pub fn clear_payment_data(&mut self, order: u64) {
        if let Some(record) = self.shop.orders.get_mut(&order) {
            record.payment_data = None;
            record.payment_more = Vec::new();
        }
        self.touched(order);
    }

    /// Removes an order's metafields.
    pub fn clear_metafields(&mut self, order: u64) {
        self.shop.metafields.remove(&Owner::Order(order));
        self.touched(order);
    }

    /// An order's `updatedAt` moves, and whoever listens is told.
    pub(crate) fn touched(&mut self, order: u64) {
        let now = self.now_ms;
        self.effect();
        self.shop.touch_order(order, now);
        notify(self, Subject::Order(order), "updated");
    }

    /// Puts an id where this shop keeps it, beside what stands there already.
    fn write_id(&mut self, order: u64, text: &str, place: Option<KlarnaIdLocation>, key: Option<&str>) {
        let now = self.now_ms;
        let key = key.unwrap_or(&self.switches.lightspeed_klarna_id_key).to_owned();
        match place.unwrap_or(self.switches.lightspeed_klarna_id_location) {
            KlarnaIdLocation::None => {}
            KlarnaIdLocation::Event => {
                let mut entry = event(now, "api", "order", "paid".into());
                entry.comment = Some(format!("Klarna order ID: {text}").into());
                self.shop.record(order, entry);
            }
            KlarnaIdLocation::Metafield => {
                let value = serde_json::Value::from(text).to_string();
                self.shop.add_metafield(Owner::Order(order), &key, value, now);
            }
            KlarnaIdLocation::Memo => {
                if let Some(record) = self.shop.orders.get_mut(&order) {
                    let before = if record.memo.is_empty() { String::new() } else { format!("{}\n", record.memo) };
                    record.memo = format!("{before}Klarna order ID: {text}");
                }
            }
            KlarnaIdLocation::PaymentData => self.put_payment_data(order, &key, text),
        }
    }

    /// An object has each key once: a key that is taken gets a number behind it.
    fn put_payment_data(&mut self, order: u64, key: &str, text: &str) {
        let Some(record) = self.shop.orders.get_mut(&order) else { return };
        let id = Uuid::try_parse(text).ok().filter(|id| id.to_string() == text);
        if let Some(id) = id
            && record.payment_data.is_none()
            && record.payment_more.iter().all(|(taken, _)| taken != key)
        {
            record.payment_data = Some((intern(key), id));
            return;
        }
        let taken = |key: &str| {
            record.payment_data.as_ref().is_some_and(|(one, _)| one == key)
                || record.payment_more.iter().any(|(one, _)| one == key)
        };
        let numbered = (2_u32..).map(|number| format!("{key}_{number}"));
        let free = std::iter::once(key.to_owned()).chain(numbered).find(|name| !taken(name));
        let name: Text = free.unwrap_or_default().into();
        record.payment_more.push((name, text.into()));
    }
}

/// Details that hold a reference only.
pub(crate) fn reference(text: &str) -> Details {
    Details { reference: Some(text.into()), ..Details::default() }
}

fn line(kind: &'static str, reference: &str, name: &str, unit_price: i64) -> OrderLine {
    let (reference, name) = (reference.into(), name.into());
    OrderLine { kind, reference, name, quantity: 1, unit_price, tax_rate: 0 }
}

/// The lines that a checkout sends: the goods, the shipping, what a gift card takes off, and what is left to explain.
fn order_lines(new: &NewOrder) -> (Vec<OrderLine>, i64) {
    let goods = (1_usize..).zip(&new.lines).map(|(position, line)| OrderLine {
        kind: "physical",
        reference: format!("SB-{position:03}").into(),
        name: line.title.as_ref().into(),
        quantity: line.quantity,
        unit_price: line.unit_minor.saturating_sub(line.discount_minor),
        tax_rate: line.tax_bp,
    });
    let mut lines: Vec<OrderLine> = goods.collect();
    if new.shipping_minor != 0 {
        let shipping = line("shipping_fee", "shipping", "Default Shipping", new.shipping_minor);
        lines.push(OrderLine { tax_rate: COST_TAX_BP, ..shipping });
    }
    if new.gift_card_minor != 0 {
        lines.push(line("gift_card", "gift-card", "Gift card", new.gift_card_minor.saturating_neg()));
    }
    let sum = lines.iter().map(OrderLine::total).fold(0_i64, i64::saturating_add);
    let amount = new.klarna_amount_minor.unwrap_or(sum);
    let rest = amount.saturating_sub(sum);
    if rest != 0 {
        let kind = if rest < 0 { "discount" } else { "surcharge" };
        lines.push(line(kind, "difference", "Difference", rest));
    }
    (lines, amount)
}

fn klarna_record(world: &mut World, id: Uuid, number: &str, new: &NewOrder) -> KlarnaOrder {
    let (lines, amount) = order_lines(new);
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
        reference1: new.reference1.as_deref().unwrap_or(number).into(),
        reference2: new.reference2.as_deref().unwrap_or("").into(),
        expires,
        lines: Lines::Compact(lines.into()),
        captures: Vec::new(),
        refunds: Vec::new(),
        shipping_info: Vec::new(),
        shipping_address: None,
        cancel_concealed: false,
    };
    let short = world.ids.short_reference().into();
    let currency = new.klarna_currency.as_deref().map(Into::into);
    KlarnaOrder::new(id, now, short, currency, state)
}
