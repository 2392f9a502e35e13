//! What belongs to an order: its credit invoices, its shipments and its lines.
//!
//! Taken from what the order embeds; fetched only when it is not embedded and can matter. Credit invoices always
//! matter. Shipments and lines say how much of a partly shipped order was shipped, and matter only then, with the
//! lines that its credit invoices name, and where a line that an unpaid credit invoice may name is not wholly on a shipment:
//! the back office takes what is credited before it is sent off its packing slip, and the rest then is everything. Whatever of them cannot be understood is left out as a
//! whole, so that no part is ever mistaken for the rest.

use serde_json::value::RawValue;

use super::convert::{amount, credit_invoice, embedded, is_paid_sale, linked, list_in, parse, unsigned};
use super::dto;
use super::error::failed;
use super::{Client, LARGEST_PAGE};
use crate::clock::Clock;
use crate::http::json::{Raw, id, instant, present, quantity, text};
use crate::http::{PAGE_ANSWER, Transport};
use reconciled_core::answer::Unreadable;
use reconciled_core::facts::{Line, Shipment, Shipped, ShopOrder, ShopStatus};
use reconciled_core::id::{InvoiceId, LineId, OrderId, ShipmentId};
use reconciled_core::money::Currency;

/// As many rows as the shop gives at once; nothing that belongs to one order comes near.
pub(super) const WHOLE_PAGE: &str = "?limit=250";

impl<T: Transport, C: Clock> Client<T, C> {
    /// The credit invoices of an order, and whether its other invoices say that it was paid.
    pub(super) async fn invoices(
        &self, wire: &dto::Order<'_>, currency: Currency, said: &mut ShopOrder,
    ) -> Result<(), Unreadable> {
        let order = said.id;
        if let Some(rows) = embedded(wire.invoices) {
            return among(&rows, currency, said);
        }
        let rows = self.fetch("invoices", &format!("{WHOLE_PAGE}&order={order}")).await?;
        let rows: Vec<&RawValue> = rows.iter().map(AsRef::as_ref).collect();
        if rows.len() >= usize::try_from(LARGEST_PAGE).unwrap_or(usize::MAX) {
            return Err(failed(&format!(
                "the shop answered with a full page of invoices for order {order}; some may be missing"
            )));
        }
        for row in &rows {
            let invoice: dto::Invoice<'_> = parse(row, "an invoice")?;
            if linked(invoice.order).is_none() {
                return Err(failed(&format!("an invoice in the answer for order {order} has no readable `order`")));
            }
        }
        among(&rows, currency, said)
    }

    pub(super) async fn shipments_and_lines(
        &self, wire: &dto::Order<'_>, currency: Currency, order: &mut ShopOrder,
    ) -> Result<(), Unreadable> {
        let is_living = !order.status.is(&ShopStatus::Cancelled);
        let is_partly = is_living && order.shipped.is(&Shipped::Partly);
        let id = order.id;
        let products = match embedded(wire.products) {
            None if is_partly => self.fetch(&format!("orders/{id}/products"), WHOLE_PAGE).await?,
            products => owned(products),
        };
        let is_credited = order.credit_invoices.iter().any(|credit| !credit.paid.is(&true));
        let is_whole = is_living && order.shipped.is(&Shipped::Fully);
        let matters = is_partly || is_whole && is_credited && products.iter().any(|row| is_off_its_slip(row));
        let products = Products::of(&products, currency);
        let shipments = match embedded(wire.shipments) {
            None if matters => self.fetch("shipments", &format!("{WHOLE_PAGE}&order={id}")).await?,
            shipments => owned(shipments),
        };
        let shipments: Result<Vec<_>, Unclear> =
            shipments.iter().filter_map(|row| shipment(row, id).transpose()).collect();
        for (shipment, contents) in shipments.unwrap_or_default() {
            let quantities = if matters && shipment.shipped {
                self.quantities(shipment.id, contents, &products).await?
            } else {
                Vec::new()
            };
            order.shipments.push(Shipment { quantities, ..shipment });
        }
        order.lines = products.lines();
        if matters {
            self.credited(wire, order, is_partly).await?;
        }
        Ok(())
    }

    /// Which lines the credit invoices of a partly shipped order name: only there it decides whether they are returns,
    /// or went back although they never left. Of an order of which everything left only the unpaid ones matter. What the shop does not say, or not clearly, names nothing, and a human is asked instead; what could not
    /// be read says nothing, and the order was not read.
    async fn credited(&self, wire: &dto::Order<'_>, order: &mut ShopOrder, with_paid: bool) -> Result<(), Unreadable> {
        let rows = embedded(wire.invoices).unwrap_or_default();
        let invoices: Vec<dto::Invoice<'_>> =
            rows.iter().filter_map(|row| serde_json::from_str(row.get()).ok()).collect();
        let asked = order.credit_invoices.iter().filter(|credit| with_paid || !credit.paid.is(&true));
        let asked: Vec<InvoiceId> = asked.map(|credit| credit.id).collect();
        for credit in asked {
            let wire = invoices.iter().find(|invoice| id(invoice.id) == Some(credit.0));
            let link = wire.and_then(|invoice| invoice.items);
            let rows = self.embedded_or_fetched(link, &format!("invoices/{credit}/items"), WHOLE_PAGE).await?;
            let quantities = items(&rows, &order.lines).unwrap_or_default();
            for (at, count) in quantities {
                if let Some(line) = order.lines.get_mut(at) {
                    line.credited.push((credit, count));
                }
            }
        }
        Ok(())
    }

    /// How many of which line are on a shipment; empty when the shop does not say so clearly.
    async fn quantities(
        &self, shipment: ShipmentId, contents: Raw<'_>, products: &Products,
    ) -> Result<Vec<(LineId, u32)>, Unreadable> {
        let rows = self.embedded_or_fetched(contents, &format!("shipments/{shipment}/products"), WHOLE_PAGE).await?;
        let quantities: Option<Vec<_>> = rows.iter().map(|row| products.on_shipment(row)).collect();
        Ok(quantities.unwrap_or_default())
    }

    /// What a link embeds; otherwise what a GET of `path` lists.
    pub(super) async fn embedded_or_fetched(
        &self, link: Raw<'_>, path: &str, query: &str,
    ) -> Result<Vec<Box<RawValue>>, Unreadable> {
        match embedded(link) {
            Some(rows) => Ok(owned(Some(rows))),
            None => self.fetch(path, query).await,
        }
    }

    async fn fetch(&self, path: &str, query: &str) -> Result<Vec<Box<RawValue>>, Unreadable> {
        let answer = self.get(path, query, PAGE_ANSWER).await?;
        Ok(owned(Some(list_in(&answer.body, path)?)))
    }
}

fn owned(rows: Option<Vec<&RawValue>>) -> Vec<Box<RawValue>> {
    rows.unwrap_or_default().into_iter().map(ToOwned::to_owned).collect()
}

fn among(rows: &[&RawValue], currency: Currency, said: &mut ShopOrder) -> Result<(), Unreadable> {
    let read = |row: &&RawValue| credit_invoice(row, said.id, currency).transpose();
    let credits = rows.iter().filter_map(read).collect::<Result<_, _>>()?;
    said.credit_invoices = unsigned(credits, currency);
    said.paid |= rows.iter().any(|row| is_paid_sale(row, said.id));
    Ok(())
}

/// The places of the lines that the items of one credit invoice name, with how many of each; whether the items of credit
/// invoices carry a sign is not documented. `None` when an item names no line of the order, or more of it than was ordered.
fn items(rows: &[Box<RawValue>], lines: &[Line]) -> Option<Vec<(usize, u32)>> {
    let mut named: Vec<(usize, u32)> = Vec::new();
    for row in rows {
        let wire: dto::InvoiceItem<'_> = serde_json::from_str(row.get()).ok()?;
        let product = id(wire.order_product_id)?;
        let said = text(wire.quantity)?;
        let count: u32 = said.strip_prefix('-').unwrap_or(&said).parse().ok()?;
        let at = lines.iter().position(|line| line.id.0 == product)?;
        match named.iter_mut().find(|(place, _)| *place == at) {
            Some((_, sum)) => *sum = sum.checked_add(count)?,
            None => named.push((at, count)),
        }
    }
    let fits = |(at, count): &(usize, u32)| lines.get(*at).is_some_and(|line| *count <= line.ordered);
    named.iter().all(fits).then_some(named)
}

/// Something that may matter and cannot be understood.
struct Unclear;

/// A shipment without its quantities, and where they are; `None` for another order's.
fn shipment(row: &RawValue, order: OrderId) -> Result<Option<(Shipment, Raw<'_>)>, Unclear> {
    let wire: dto::Shipment<'_> = serde_json::from_str(row.get()).map_err(|_| Unclear)?;
    if linked(wire.order).is_some_and(|owner| owner != order.0) {
        return Ok(None);
    }
    let shipment = Shipment {
        id: ShipmentId(id(wire.id).ok_or(Unclear)?),
        number: text(wire.number).unwrap_or_default(),
        updated_at: instant(wire.updated_at).ok_or(Unclear)?,
        shipped: text(wire.status).as_deref() == Some("shipped"),
        quantities: Vec::new(),
    };
    Ok(Some((shipment, wire.products)))
}

/// Less of the line is on shipments than was ordered.
fn is_off_its_slip(row: &RawValue) -> bool {
    let Ok(wire) = serde_json::from_str::<dto::Product<'_>>(row.get()) else { return false };
    let (ordered, on_slips) = (quantity(wire.quantity_ordered), quantity(wire.quantity_shipped));
    ordered.zip(on_slips).is_some_and(|(ordered, on_slips)| on_slips < ordered)
}

/// The lines of an order, and what identifies each in other documents. Empty when one of them cannot be read.
struct Products(Vec<Product>);

struct Product {
    line: Line,
    codes: Codes,
}

/// Article code, EAN and SKU, as far as they are given.
#[derive(PartialEq, Eq)]
struct Codes([Option<String>; 3]);

impl Products {
    fn of(rows: &[Box<RawValue>], currency: Currency) -> Self {
        let read = |row: &RawValue| {
            let wire: dto::Product<'_> = serde_json::from_str(row.get()).ok()?;
            let line = Line {
                id: LineId(id(wire.id)?),
                ordered: quantity(wire.quantity_ordered)?,
                total: amount(present(wire.price_incl)?, currency),
                credited: Vec::new(),
            };
            let codes = Codes([text(wire.article_code), text(wire.ean), text(wire.sku)]);
            Some(Product { line, codes })
        };
        let products: Option<Vec<Product>> = rows.iter().map(|row| read(row)).collect();
        Self(products.unwrap_or_default())
    }

    fn lines(self) -> Vec<Line> {
        self.0.into_iter().map(|product| product.line).collect()
    }

    /// The line a shipped product is, and how many of it. The documented sample of such a product names no line, so
    /// after a named line the same id counts, then codes that only one line of the order has.
    fn on_shipment(&self, row: &RawValue) -> Option<(LineId, u32)> {
        let wire: dto::ShipmentProduct<'_> = serde_json::from_str(row.get()).ok()?;
        let shipped = quantity(wire.quantity)?;
        let codes = Codes([text(wire.article_code), text(wire.ean), text(wire.sku)]);
        let named = id(wire.order_product_id);
        let line = match named {
            Some(_) => self.by_id(named),
            None => self.by_id(id(wire.id)).or_else(|| self.by_codes(&codes)),
        }?;
        (shipped <= line.ordered).then_some((line.id, shipped))
    }

    fn by_id(&self, id: Option<u64>) -> Option<&Line> {
        self.0.iter().map(|product| &product.line).find(|line| Some(line.id.0) == id)
    }

    fn by_codes(&self, codes: &Codes) -> Option<&Line> {
        let mut same = self.0.iter().filter(|product| product.codes == *codes);
        let only = same.next().filter(|_| codes.0.iter().any(Option::is_some))?;
        same.next().is_none().then_some(&only.line)
    }
}
