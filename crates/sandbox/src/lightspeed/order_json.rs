//! An order as the shop prints it: some hundred keys, PHP's false and `[]` for what is absent.
//!
//! The consumer is obviously made up but complete, so that a rehearsal can prove that none of it
//! leaks into reports or logs.

use std::collections::BTreeSet;

use super::model::{COST_TAX_BP, Line, Order, Owner, Shop, Text, excl_cents, excl_exact};
use crate::World;
use crate::json::{J, obj};
use crate::person;
use crate::switches::{GiftCards, Switches};
use crate::time::{Zone, shop_text};

/// What is needed to print: the shop, its switches and the address links begin with.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) switches: &'a Switches,
    pub(crate) zone: Zone,
    /// How far the shop's clock is ahead.
    ahead: i64,
    /// Documents that this answer lacks.
    without: &'a BTreeSet<u64>,
    /// `https://host/nl/`
    pub(crate) base: &'a str,
}

impl<'a> View<'a> {
    pub(crate) fn new(world: &'a World, base: &'a str) -> Self {
        Self {
            shop: &world.shop,
            switches: &world.switches,
            zone: world.shop_zone(),
            ahead: world.clocks.lightspeed_ms,
            without: &world.bend.without,
            base,
        }
    }

    pub(crate) fn time(&self, ms: i64) -> J {
        J::from(shop_text(ms.saturating_add(self.ahead), self.zone))
    }

    /// `{"resource": {"id", "url", "link"}}`, with `.json` before the query in the link.
    pub(crate) fn link(&self, id: J, url: &str, embedded: Option<J>) -> J {
        let link = match url.split_once('?') {
            Some((path, query)) => format!("{}{path}.json?{query}", self.base),
            None => format!("{}{url}.json", self.base),
        };
        let mut resource = obj! { "id": id, "url": url.to_owned(), "link": link };
        if let Some(embedded) = embedded {
            resource.set("embedded", embedded);
        }
        obj! { "resource": resource }
    }

    pub(crate) fn link_one(&self, collection: &str, id: u64) -> J {
        self.link(J::from(id), &format!("{collection}/{id}"), None)
    }

    pub(crate) fn link_many(&self, url: &str) -> J {
        self.link(J::FALSE, url, None)
    }

    pub(crate) fn order_by_id(&self, id: u64, embed: bool) -> J {
        self.shop.orders.get(&id).map_or(J::FALSE, |order| self.order(order, embed))
    }

    /// The whole order; with `embed`, sub-resources travel inside their links.
    pub(crate) fn order(&self, order: &Order, embed: bool) -> J {
        let mut entries = Vec::with_capacity(110);
        for part in [
            self.head(order),
            consumer(),
            address("Billing"),
            address("Shipping"),
            payment(order),
            shipment(order),
            tail(order),
            self.links(order, embed),
        ] {
            if let J::Obj(more) = part {
                entries.extend(more);
            }
        }
        let mut json = J::Obj(entries);
        for (key, text) in &order.raw {
            json.set(key, J::raw(text.clone()));
        }
        json
    }

    fn head(&self, order: &Order) -> J {
        obj! {
            "id": order.id,
            "createdAt": self.time(order.created),
            "updatedAt": self.time(order.updated),
            "number": order.number.to_string(),
            "status": J::Str(order.status.clone()),
            "customStatusId": order.custom_status,
            "channel": order.channel,
            "remoteIp": person::IP,
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64)",
            "referralId": J::FALSE,
            "priceCost": J::Dec(0),
            "priceExcl": J::Dec(order.total_excl()),
            "priceIncl": J::Dec(order.total_incl()),
            "weight": 0_i64,
            "volume": 0_i64,
            "colli": 0_i64,
        }
    }

    fn links(&self, order: &Order, embed: bool) -> J {
        let id = order.id;
        let one = |json: J| embed.then_some(json);
        let list = |make: &dyn Fn() -> Vec<J>| embed.then(|| J::Arr(make()));
        let customer =
            self.link(J::from(order.customer), &format!("customers/{}", order.customer), one(customer(order.customer)));
        let there = |ids: &[u64]| ids.iter().copied().filter(|id| !self.without.contains(id)).collect::<Vec<_>>();
        let invoices = list(&|| there(&order.invoices).iter().map(|id| self.invoice_by_id(*id)).collect());
        let shipments = list(&|| there(&order.shipments).iter().map(|id| self.shipment_by_id(*id)).collect());
        let products = list(&|| self.order_products(order));
        let metafields = list(&|| self.metafields(Owner::Order(id)));
        let events = list(&|| order.events.iter().map(|event| self.event(event, id)).collect());
        let quote_id = id.saturating_add(2_000_000);
        let quote = one(obj! { "id": quote_id, "isActive": false });
        obj! {
            "customer": customer,
            "invoices": self.link(J::FALSE, &format!("invoices?order={id}"), invoices),
            "shipments": self.link(J::FALSE, &format!("shipments?order={id}"), shipments),
            "products": self.link(J::FALSE, &format!("orders/{id}/products"), products),
            "metafields": self.link(J::FALSE, &format!("orders/{id}/metafields"), metafields),
            "quote": self.link(J::from(quote_id), &format!("quotes/{quote_id}"), quote),
            "events": self.link(J::FALSE, &format!("orders/events?order={id}"), events),
            "giftCardsPayment": self.gift_cards(order),
        }
    }

    /// Nothing shows how a filled one looks.
    fn gift_cards(&self, order: &Order) -> J {
        let amount = J::Dec(order.gift_card);
        match self.switches.lightspeed_gift_cards {
            _ if order.gift_card == 0 => J::EMPTY,
            GiftCards::List => J::Arr(vec![obj! { "code": "SANDBOX-GIFT", "amount": amount }]),
            GiftCards::Map => obj! { "amount": amount },
            GiftCards::Line | GiftCards::Hidden => J::EMPTY,
        }
    }

    pub(crate) fn order_products(&self, order: &Order) -> Vec<J> {
        (0..order.lines.len()).filter_map(|index| self.order_product(order, index)).collect()
    }

    pub(crate) fn order_product(&self, order: &Order, index: usize) -> Option<J> {
        let line = order.lines.get(index)?;
        let on_slips = order
            .shipments
            .iter()
            .filter_map(|id| self.shop.shipments.get(id))
            .flat_map(|slip| slip.items.iter())
            .filter(|(position, _)| *position == index)
            .map(|(_, quantity)| *quantity)
            .fold(0_i64, i64::saturating_add);
        Some(self.product(order.line_id(index), line, on_slips))
    }

    fn product(&self, id: u64, line: &Line, on_slips: i64) -> J {
        let total = line.total_incl();
        let (full, off) = (line.unit_incl.saturating_add(line.discount_incl), line.discount_incl);
        let off = off.saturating_mul(line.quantity);
        let tax = total.saturating_sub(excl_exact(total, line.tax_bp));
        obj! {
            "id": id,
            "supplierTitle": "",
            "brandTitle": "",
            "productTitle": J::Str(line.title.clone()),
            "variantTitle": "Default",
            "taxRate": J::Dec(line.tax_bp),
            "taxRates": vec![tax_rate(line.tax_bp, tax)],
            "quantityOrdered": line.quantity,
            "quantityInvoiced": line.invoiced,
            "quantityShipped": on_slips,
            "quantityRefunded": line.refunded,
            "quantityReturned": 0_i64,
            "articleCode": J::Str(line.article.clone()),
            "ean": "",
            "sku": J::Str(line.article.clone()),
            "weight": J::Null,
            "volume": 0_i64,
            "colli": 0_i64,
            "sizeX": 0_i64,
            "sizeY": 0_i64,
            "sizeZ": 0_i64,
            "priceCost": J::Dec(0),
            "customExcl": J::Dec(0),
            "customIncl": J::Dec(0),
            "basePriceExcl": J::Dec(excl_exact(full, line.tax_bp)),
            "basePriceIncl": J::Dec(full),
            "priceExcl": J::Dec(excl_cents(total, line.tax_bp)),
            "priceIncl": J::Dec(total),
            "discountExcl": J::Dec(excl_cents(off, line.tax_bp)),
            "discountIncl": J::Dec(off),
            "customFields": J::FALSE,
            "product": self.link_one("products", id.saturating_add(7)),
            "variant": self.link_one("variants", id.saturating_add(9)),
        }
    }
}

/// A rate as a fraction: 2100 hundredths of a percent print as 0.21.
pub(crate) fn tax_rate(tax_bp: i64, amount: i64) -> J {
    obj! { "name": "BTW", "rate": J::Dec(tax_bp), "amount": J::Dec(amount) }
}

fn consumer() -> J {
    obj! {
        "gender": "male",
        "birthDate": person::BIRTH,
        "nationalId": "",
        "email": person::EMAIL,
        "firstname": person::FIRST,
        "middlename": "",
        "lastname": person::LAST,
        "phone": person::PHONE,
        "mobile": "",
        "newsletterSubscribed": false,
        "isCompany": false,
        "companyName": "",
        "companyCoCNumber": "",
        "companyVatNumber": "",
    }
}

/// The same address for billing and shipping, under prefixed keys.
fn address(which: &str) -> J {
    let mut entries = Vec::with_capacity(12);
    if which == "Shipping" {
        entries.push(("addressShippingCompany".into(), J::FALSE));
    }
    let parts: [(&str, J); 10] = [
        ("Name", person::NAME.into()),
        ("Street", person::STREET.into()),
        ("Street2", "".into()),
        ("Number", person::HOUSE.into()),
        ("Extension", person::EXTENSION.into()),
        ("Zipcode", person::ZIP.into()),
        ("City", person::CITY.into()),
        ("Region", "".into()),
        ("Country", obj! { "id": 150_i64, "code": "nl", "code3": "nld", "title": "Netherlands, The" }),
        ("RegionData", J::FALSE),
    ];
    for (name, value) in parts {
        entries.push((format!("address{which}{name}").into(), value));
    }
    J::Obj(entries)
}

fn payment(order: &Order) -> J {
    let id = order.payment_data.as_ref().map(|(key, id)| (key.clone(), J::from(id.to_string())));
    let more = order.payment_more.iter().map(|(key, text)| (key.clone(), J::from(text.to_string())));
    let known: Vec<(Text, J)> = id.into_iter().chain(more).collect();
    let data = if known.is_empty() {
        J::EMPTY
    } else {
        J::Obj(std::iter::once(("method".into(), "klarna".into())).chain(known).collect())
    };
    let excl = excl_cents(order.payment_incl, COST_TAX_BP);
    obj! {
        "paymentId": J::Str(order.payment_id.clone()),
        "paymentStatus": J::Str(order.payment_status.clone()),
        "paymentIsPost": false,
        "paymentIsInvoiceExternal": false,
        "paymentTaxRate": J::Dec(COST_TAX_BP),
        "paymentTaxRates": vec![tax_rate(COST_TAX_BP, order.payment_incl.saturating_sub(excl))],
        "paymentBasePriceExcl": J::Dec(excl),
        "paymentBasePriceIncl": J::Dec(order.payment_incl),
        "paymentPriceExcl": J::Dec(excl),
        "paymentPriceIncl": J::Dec(order.payment_incl),
        "paymentTitle": J::Str(order.payment_title.clone()),
        "paymentData": data,
    }
}

fn shipment(order: &Order) -> J {
    let incl = order.shipping_incl;
    let exact = excl_exact(incl, COST_TAX_BP);
    obj! {
        "shipmentId": "core|33265|55707",
        "shipmentStatus": J::Str(order.shipment_status.clone()),
        "shipmentIsCashOnDelivery": false,
        "shipmentIsPickup": order.pickup,
        "shipmentTaxRate": J::Dec(COST_TAX_BP),
        "shipmentTaxRates": vec![tax_rate(COST_TAX_BP, incl.saturating_sub(exact))],
        "shipmentBasePriceExcl": J::Dec(exact),
        "shipmentBasePriceIncl": J::Dec(incl),
        "shipmentPriceExcl": J::Dec(excl_cents(incl, COST_TAX_BP)),
        "shipmentPriceIncl": J::Dec(incl),
        "shipmentDiscountExcl": J::Dec(0),
        "shipmentDiscountIncl": J::Dec(0),
        "shipmentTitle": "Default Shipping",
        "shipmentData": obj! { "method": "default", "shipment_id": 33_265_i64, "shipping_value_id": 55_707_i64 },
        "shippingDate": J::Null,
        "deliveryDate": J::Null,
    }
}

fn tail(order: &Order) -> J {
    let tax = order.total_incl().saturating_sub(order.total_excl());
    obj! {
        "isDiscounted": false,
        "discountType": "amount",
        "discountAmount": J::Dec(0),
        "discountPercentage": J::Dec(0),
        "discountCouponCode": "",
        "taxRates": vec![tax_rate(COST_TAX_BP, tax)],
        "isNewCustomer": false,
        "comment": "",
        "memo": order.memo.clone(),
        "allowNotifications": true,
        "doNotifyNew": false,
        "doNotifyReminder": false,
        "doNotifyCancelled": false,
        "language": obj! { "id": 5_i64, "code": "nl", "locale": "nl_NL", "title": "Nederlands" },
    }
}

pub(crate) fn customer(id: u64) -> J {
    let mut json = obj! { "id": id, "isConfirmed": true, "type": "private", "memo": J::Null };
    let (J::Obj(entries), J::Obj(more)) = (&mut json, consumer()) else { return json };
    entries.extend(more);
    json
}
