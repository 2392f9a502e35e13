//! Invoices, items, shipments, events and metafields as the shop prints them.
//!
//! Signs on credit invoices follow the switches; inside the model everything is positive.

use super::model::{
    COST_TAX_BP, Event, Invoice, Item, ItemKind, Metafield, Order, Owner, Shipment, child_id, excl_cents, excl_exact,
};
use super::order_json::View;
use crate::json::{J, obj};
use crate::switches::{CreditLink, ItemSign, TotalSign};

/// An item of an invoice that stands for the whole order.
pub(crate) fn whole_order(order: &Order) -> Vec<Item> {
    let lines = order.lines.iter().enumerate();
    let mut items: Vec<Item> = lines
        .map(|(index, line)| Item {
            kind: ItemKind::Product(index),
            quantity: line.quantity,
            total_incl: line.total_incl(),
            tax_bp: line.tax_bp,
        })
        .collect();
    let cost = |kind, total_incl| Item { kind, quantity: 1, total_incl, tax_bp: COST_TAX_BP };
    items.push(cost(ItemKind::Shipping, order.shipping_incl));
    items.push(cost(ItemKind::Payment, order.payment_incl));
    items
}

impl View<'_> {
    pub(crate) fn invoice_by_id(&self, id: u64) -> J {
        self.shop.invoices.get(&id).map_or(J::FALSE, |invoice| self.invoice(invoice))
    }

    pub(crate) fn invoice(&self, invoice: &Invoice) -> J {
        let id = invoice.id;
        let sign = |units: i64| {
            let negative = self.switches.lightspeed_credit_note_sign == TotalSign::Negative;
            J::Dec(if invoice.is_credit && negative { units.saturating_neg() } else { units })
        };
        let original = invoice.original.map_or(J::FALSE, |original| self.link_one("invoices", original));
        let customer =
            self.shop.orders.get(&invoice.order).map_or(J::FALSE, |order| self.link_one("customers", order.customer));
        let mut json = obj! {
            "id": id,
            "createdAt": self.time(invoice.created),
            "updatedAt": self.time(invoice.updated),
            "number": invoice.number.to_string(),
            "status": J::Str(invoice.status.clone()),
            "isVatShifted": false,
            "priceExcl": sign(invoice.total_excl),
            "priceIncl": sign(invoice.total_incl),
            "doNotifyNew": false,
            "doNotifyPaid": false,
            "invoice": original,
            "isCreditNote": invoice.is_credit,
            "creditNote": self.credit_link(invoice),
            "order": self.link_one("orders", invoice.order),
            "customer": customer,
            "items": self.link_many(&format!("invoices/{id}/items")),
            "metafields": self.link_many(&format!("invoices/{id}/metafields")),
            "events": self.link_many(&format!("orders/events?invoice={id}")),
        };
        for (key, text) in &invoice.raw {
            json.set(key, J::raw(text.clone()));
        }
        json
    }

    fn credit_link(&self, invoice: &Invoice) -> J {
        if invoice.is_credit {
            return J::FALSE;
        }
        let credit = match self.switches.lightspeed_credit_note_link {
            CreditLink::False => None,
            CreditLink::First => self.shop.credits_of(invoice.id).next(),
            CreditLink::Latest => self.shop.credits_of(invoice.id).last(),
        };
        credit.map_or(J::FALSE, |credit| self.link_one("invoices", credit.id))
    }

    pub(crate) fn items(&self, invoice: &Invoice) -> Vec<J> {
        let Some(order) = self.shop.orders.get(&invoice.order) else { return Vec::new() };
        let whole;
        let items: &[Item] = if let Some(items) = &invoice.items {
            items
        } else {
            whole = whole_order(order);
            &whole
        };
        let items = items.iter().enumerate();
        items.map(|(index, item)| self.item(invoice, order, index, item)).collect()
    }

    fn item(&self, invoice: &Invoice, order: &Order, index: usize, item: &Item) -> J {
        let sign = self.switches.lightspeed_credit_item_sign;
        let flip = |units: i64, when: ItemSign| {
            if invoice.is_credit && sign == when { units.saturating_neg() } else { units }
        };
        let price = |units: i64| J::Dec(flip(units, ItemSign::Price));
        let unit = item.total_incl.checked_div(item.quantity.max(1)).unwrap_or(0);
        let line = if let ItemKind::Product(at) = item.kind { Some(at) } else { None };
        let product = line.and_then(|at| order.lines.get(at));
        let off = product.map_or(0, |line| line.discount_incl);
        let (full, off) = (unit.saturating_add(off), off.saturating_mul(item.quantity));
        let (kind, title, variant) = match item.kind {
            ItemKind::Product(_) => {
                let title = product.map_or("".into(), |line| J::Str(line.title.clone()));
                ("product", title, "Default".into())
            }
            ItemKind::Shipping => ("shipment", "_shippingcosts_".into(), "Default Shipping".into()),
            ItemKind::Payment => ("payment", "_paymentcosts_".into(), J::Str(order.payment_title.clone())),
            ItemKind::Value => ("product", "Credit".into(), "".into()),
        };
        let article = product.map_or("".into(), |line| J::Str(line.article.clone()));
        obj! {
            "id": child_id(invoice.id, index),
            "type": kind,
            "title": title,
            "variant": variant,
            "orderProductId": line.map(|at| order.line_id(at)),
            "articleCode": article.clone(),
            "ean": "",
            "sku": article,
            "taxRate": J::Dec(item.tax_bp),
            "basePriceExcl": price(excl_exact(full, item.tax_bp)),
            "basePriceIncl": price(full),
            "priceExcl": price(excl_cents(item.total_incl, item.tax_bp)),
            "priceIncl": price(item.total_incl),
            "discountExcl": price(excl_cents(off, item.tax_bp)),
            "discountIncl": price(off),
            "quantity": flip(item.quantity, ItemSign::Quantity),
        }
    }

    pub(crate) fn shipment_by_id(&self, id: u64) -> J {
        self.shop.shipments.get(&id).map_or(J::FALSE, |shipment| self.shipment(shipment))
    }

    pub(crate) fn shipment(&self, shipment: &Shipment) -> J {
        let id = shipment.id;
        let order = self.shop.orders.get(&shipment.order);
        obj! {
            "id": id,
            "createdAt": self.time(shipment.created),
            "updatedAt": self.time(shipment.updated),
            "number": shipment.number.to_string(),
            "status": J::Str(shipment.status.clone()),
            "trackingCode": shipment.tracking.to_string(),
            "doNotifyShipped": false,
            "doNotifyReadyForPickup": false,
            "doNotifyTrackingCode": false,
            "customer": order.map_or(J::FALSE, |order| self.link_one("customers", order.customer)),
            "order": self.link_one("orders", shipment.order),
            "products": self.link_many(&format!("shipments/{id}/products")),
            "metafields": self.link_many(&format!("shipments/{id}/metafields")),
            "events": self.link_many(&format!("orders/events?shipment={id}")),
        }
    }

    pub(crate) fn shipment_products(&self, shipment: &Shipment) -> Vec<J> {
        let Some(order) = self.shop.orders.get(&shipment.order) else { return Vec::new() };
        let items = shipment.items.iter().enumerate();
        items
            .filter_map(|(position, (index, quantity))| {
                let line = order.lines.get(*index)?;
                Some(obj! {
                    "id": child_id(shipment.id, position),
                    "quantity": *quantity,
                    "title": J::Str(line.title.clone()),
                    "variant": "Default",
                    "articleCode": J::Str(line.article.clone()),
                    "ean": "",
                    "sku": J::Str(line.article.clone()),
                    "customData": J::EMPTY,
                })
            })
            .collect()
    }

    pub(crate) fn event(&self, event: &Event, order: u64) -> J {
        let link = |collection: &str, id: Option<u64>| id.map_or(J::FALSE, |id| self.link_one(collection, id));
        obj! {
            "id": event.id,
            "createdAt": self.time(event.at),
            "channel": event.channel,
            "type": event.kind,
            "message": J::Str(event.message.clone()),
            "comment": event.comment.as_ref().map(ToString::to_string),
            "order": link("orders", Some(order)),
            "invoice": link("invoices", event.invoice),
            "shipment": link("shipments", event.shipment),
        }
    }

    pub(crate) fn metafields(&self, owner: Owner) -> Vec<J> {
        let fields = self.shop.metafields.get(&owner);
        fields.map(|fields| fields.iter().map(|(id, field)| self.metafield(*id, field)).collect()).unwrap_or_default()
    }

    pub(crate) fn metafield(&self, id: u64, field: &Metafield) -> J {
        obj! {
            "id": id,
            "createdAt": self.time(field.created),
            "updatedAt": self.time(field.updated),
            "key": field.key.clone(),
            "value": J::raw(field.value.clone()),
        }
    }
}
