//! From Lightspeed's words to facts; the last place that knows them.
//!
//! PHP writes "nothing" as `false`, `null`, `""` or `[]`, integers sometimes as booleans or text, and money as
//! numbers or text. A field that is needed and cannot be understood is named in the error; an amount that is not
//! exact stays what was said; a word that is not known is kept.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::failed;
use super::{Settings, ShopInfo, dto, gift_cards, link};
use crate::http::json::{Raw, elements, flag, id, instant, lists, members, present, text};
use crate::http::text::excerpt;
use reconciled_core::answer::Unreadable;
use reconciled_core::facts::{
    CreditInvoiceFacts, ListedInvoice, ListedOrder, Said, Shipped, ShopOrder, ShopStatus, Word,
};
use reconciled_core::id::{InvoiceId, InvoiceNumber, OrderId, OrderNumber};
use reconciled_core::money::{Currency, Minor};

/// Enough of a wrong amount to recognise it.
const LONGEST_AMOUNT: usize = 40;

/// Statuses of a living order that is past its payment: the documented list, and the one of older shops.
const OPEN: [&str; 7] = [
    "processing",
    "processing_awaiting_shipment",
    "processing_awaiting_pickup",
    "processing_ready_for_pickup",
    "processing_partially_paid",
    "processing_partially_shipped",
    "processing_partially_picked_up",
];

/// Of digital goods a state "ready to be downloaded" is reported, and no payload with its word was found: these spellings
/// can mean nothing else, and any other stays a word that nobody knows.
const READY_TO_DOWNLOAD: [&str; 4] =
    ["ready_to_download", "ready_for_download", "processing_ready_to_download", "processing_ready_for_download"];

/// The value of an answer's only key. The official client ignores the key's name as well; for events two names are
/// documented.
pub(super) fn envelope(body: &str) -> Result<&RawValue, Unreadable> {
    let members = members(body).map_err(|_| failed("the answer is not a whole JSON object"))?;
    match members.as_slice() {
        [(_, value)] => Ok(value),
        _ => Err(failed("the answer is not one object in its envelope")),
    }
}

/// An object as its fields.
pub(super) fn parse<'a, T: Deserialize<'a>>(value: &'a RawValue, subject: &str) -> Result<T, Unreadable> {
    let is_object = value.get().starts_with('{');
    let parsed = serde_json::from_str(value.get()).ok().filter(|_| is_object);
    parsed.ok_or_else(|| failed(&format!("{subject} is not an object whose fields are each said once")))
}

/// The rows of a list's envelope, each through `convert`.
pub(super) fn rows<'a, R>(
    body: &'a str, list: &str, convert: impl Fn(&'a RawValue) -> Result<R, Unreadable>,
) -> Result<Vec<R>, Unreadable> {
    list_in(body, list)?.into_iter().map(convert).collect()
}

/// The list in an envelope, which PHP may write as "nothing" when it is empty.
pub(super) fn list_in<'a>(body: &'a str, list: &str) -> Result<Vec<&'a RawValue>, Unreadable> {
    // What is a list is read in one go: pages are what a quiet shop costs.
    if let Ok(Ok([(_, rows)])) = lists(body).map(<[_; 1]>::try_from) {
        return Ok(rows);
    }
    match present(Some(envelope(body)?)) {
        None => Ok(Vec::new()),
        Some(value) => elements(value.get()).map_err(|_| failed(&format!("the list of {list} is not a list"))),
    }
}

/// What a to-many link embeds, if it embeds anything.
pub(super) fn embedded(link: Raw<'_>) -> Option<Vec<&RawValue>> {
    elements(resource(link)?.embedded?.get()).ok()
}

/// The id a to-one link names.
pub(super) fn linked(link: Raw<'_>) -> Option<u64> {
    id(resource(link)?.id)
}

fn resource(link: Raw<'_>) -> Option<dto::Resource<'_>> {
    let link: dto::Link<'_> = serde_json::from_str(present(link)?.get()).ok()?;
    serde_json::from_str(link.resource?.get()).ok()
}

pub(super) fn needed<T>(value: Option<T>, field: &str, subject: &str) -> Result<T, Unreadable> {
    value.ok_or_else(|| failed(&format!("{subject} has no readable `{field}`")))
}

/// An amount that was said, exact or not.
pub(super) fn amount(value: &RawValue, currency: Currency) -> Said {
    let written = value.get();
    let said = text(Some(value)).unwrap_or_else(|| written.to_owned());
    Minor::parse(&said, currency).map_err(|_| excerpt(&said, LONGEST_AMOUNT))
}

/// A word as it was written; one that is missing is not one we know.
fn word<T>(raw: Raw<'_>, known: impl Fn(&str) -> Option<T>) -> Word<T> {
    let Some(text) = text(raw) else { return Word::Unknown("(missing)".to_owned()) };
    match known(&text) {
        Some(value) => Word::Known(value),
        None => Word::Unknown(excerpt(&text, LONGEST_AMOUNT)),
    }
}

pub(super) fn shop(body: &str) -> Result<ShopInfo, Unreadable> {
    let shop: dto::Shop<'_> = parse(envelope(body)?, "the shop")?;
    let currency = needed(present(shop.currency), "currency", "the shop")?;
    let currency: dto::ShopCurrency<'_> = parse(currency, "the shop's currency")?;
    let id = needed(text(shop.id), "id", "the shop")?;
    let bare = id.trim_start_matches('0');
    Ok(ShopInfo {
        id: if bare.is_empty() { id } else { bare.to_owned() },
        currency: needed(text(currency.shortcode), "currency.shortcode", "the shop")?,
        is_default_currency: flag(currency.is_default),
    })
}

pub(super) fn listed_order(row: &RawValue, settings: &Settings) -> Result<ListedOrder, Unreadable> {
    let order: dto::Order<'_> = parse(row, "a row of the orders")?;
    let id = OrderId(needed(id(order.id), "id", "a row of the orders")?);
    let subject = format!("order {id} in the list");
    let number = OrderNumber(needed(text(order.number), "number", &subject)?);
    let is_others = order.is_paid_with(&settings.payment_words) == Some(false);
    Ok(ListedOrder {
        id,
        updated_at: needed(instant(order.updated_at), "updatedAt", &subject)?,
        // A row that says nothing of its payment has to be read to know. One that was paid otherwise in the end may have
        // left an authorization open, which its memo names.
        is_klarna: !is_others || !link::in_memo(&order).is_empty(),
        names: if is_others { Vec::new() } else { link::in_row(&order, &settings.klarna_order_id, id, &number) },
        number,
    })
}

/// `None` for an invoice that belongs to no order.
pub(super) fn listed_invoice(row: &RawValue) -> Result<Option<ListedInvoice>, Unreadable> {
    let invoice: dto::Invoice<'_> = parse(row, "a row of the invoices")?;
    let id = InvoiceId(needed(id(invoice.id), "id", "a row of the invoices")?);
    let subject = format!("invoice {id} in the list");
    if present(invoice.order).is_none() {
        return Ok(None);
    }
    Ok(Some(ListedInvoice {
        id,
        order: OrderId(needed(linked(invoice.order), "order", &subject)?),
        updated_at: needed(instant(invoice.updated_at), "updatedAt", &subject)?,
        is_credit: flag(invoice.is_credit_note) == Some(true),
        // Only when it is read, never what is done: a row that does not say so is read in its turn.
        awaits_refund: flag(invoice.is_credit_note) == Some(true)
            && text(invoice.status).as_deref() == Some("not_paid"),
    }))
}

/// The order a single GET was asked for, and no other.
pub(super) fn order_body(body: &str, asked: OrderId) -> Result<dto::Order<'_>, Unreadable> {
    let order: dto::Order<'_> = parse(envelope(body)?, &format!("order {asked}"))?;
    let found = needed(id(order.id), "id", &format!("order {asked}"))?;
    if found == asked.0 {
        Ok(order)
    } else {
        Err(failed(&format!("the shop answered with order {found} instead of order {asked}")))
    }
}

/// The order itself, without what belongs to it. An order that is not Klarna's may lack its amount.
pub(super) fn order(
    wire: &dto::Order<'_>, id: OrderId, currency: Currency, is_klarna: bool,
) -> Result<ShopOrder, Unreadable> {
    let subject = format!("order {id}");
    let total = match present(wire.price_incl) {
        Some(value) => amount(value, currency),
        None if is_klarna => return Err(failed(&format!("{subject} has no readable `priceIncl`"))),
        None => Err("(missing)".to_owned()),
    };
    let payment = text(wire.payment_status);
    let payment = payment.as_deref();
    Ok(ShopOrder {
        id,
        number: OrderNumber(needed(text(wire.number), "number", &subject)?),
        created_at: needed(instant(wire.created_at), "createdAt", &subject)?,
        updated_at: needed(instant(wire.updated_at), "updatedAt", &subject)?,
        status: word(wire.status, |word| status(word, payment == Some("paid"))),
        shipped: word(wire.shipment_status, shipped),
        paid: matches!(payment, Some("paid" | "partially_paid")),
        paid_otherwise: false,
        total,
        gift_cards: gift_cards::named(wire.gift_cards_payment, currency),
        klarna_order_id: None,
        candidates: Vec::new(),
        credit_invoices: Vec::new(),
        shipments: Vec::new(),
        lines: Vec::new(),
    })
}

fn status(word: &str, is_paid: bool) -> Option<ShopStatus> {
    match word {
        "cancelled" => Some(ShopStatus::Cancelled),
        "new" | "offer" | "processing_awaiting_payment" => Some(ShopStatus::AwaitingPayment),
        "on_hold" if is_paid => Some(ShopStatus::Open),
        "on_hold" => Some(ShopStatus::AwaitingPayment),
        "completed" => Some(ShopStatus::Completed),
        "completed_shipped" => Some(ShopStatus::CompletedShipped),
        "completed_picked_up" => Some(ShopStatus::PickedUp),
        ready if READY_TO_DOWNLOAD.contains(&ready) => Some(ShopStatus::ReadyToDownload),
        open if OPEN.contains(&open) => Some(ShopStatus::Open),
        _ => None,
    }
}

fn shipped(word: &str) -> Option<Shipped> {
    match word {
        "not_shipped" => Some(Shipped::No),
        "partially_shipped" => Some(Shipped::Partly),
        "shipped" => Some(Shipped::Fully),
        "cancelled" => Some(Shipped::Cancelled),
        _ => None,
    }
}

fn paid(word: &str) -> Option<bool> {
    match word {
        "paid" => Some(true),
        "not_paid" => Some(false),
        _ => None,
    }
}

/// A credit invoice of `order` with its amount as it is written, sign included; `None` for an invoice that is none, or that names another order.
pub(super) fn credit_invoice(
    row: &RawValue, order: OrderId, currency: Currency,
) -> Result<Option<CreditInvoiceFacts>, Unreadable> {
    let subject = format!("an invoice of order {order}");
    let invoice: dto::Invoice<'_> = parse(row, &subject)?;
    let id = InvoiceId(needed(id(invoice.id), "id", &subject)?);
    let subject = format!("invoice {id} of order {order}");
    let is_credit = needed(flag(invoice.is_credit_note), "isCreditNote", &subject)?;
    let owner = linked(invoice.order);
    if !is_credit || owner.is_some_and(|owner| owner != order.0) {
        return Ok(None);
    }
    let said = needed(present(invoice.price_incl), "priceIncl", &subject)?;
    Ok(Some(CreditInvoiceFacts {
        id,
        number: InvoiceNumber(needed(text(invoice.number), "number", &subject)?),
        created_at: needed(instant(invoice.created_at), "createdAt", &subject)?,
        updated_at: needed(instant(invoice.updated_at), "updatedAt", &subject)?,
        amount: amount(said, currency),
        paid: word(invoice.status, paid),
    }))
}

/// Whether the row is an invoice of `order` that somebody paid. It stays paid when the order is cancelled, while the
/// order's own payment status says `cancelled` from then on.
pub(super) fn is_paid_sale(row: &RawValue, order: OrderId) -> bool {
    let Ok(invoice) = serde_json::from_str::<dto::Invoice<'_>>(row.get()) else { return false };
    let is_own = linked(invoice.order).is_none_or(|owner| owner == order.0);
    is_own && flag(invoice.is_credit_note) == Some(false) && word(invoice.status, paid).is(&true)
}

/// The credit invoices of an order with their amounts as absolute values. Which sign a shop uses is unproven, and one sign
/// alone says nothing; where some are negative and some are not, one takes back what the other gives, nobody says which,
/// and none of the amounts is believed.
pub(super) fn unsigned(credits: Vec<CreditInvoiceFacts>, currency: Currency) -> Vec<CreditInvoiceFacts> {
    let sign = |credit: &CreditInvoiceFacts| credit.amount.as_ref().map_or(0, |amount| amount.get().signum());
    let is_mixed = credits.iter().any(|it| sign(it) > 0) && credits.iter().any(|it| sign(it) < 0);
    let believed = |amount: Minor| {
        if is_mixed && !amount.is_zero() && !planted!("signs_are_ignored") {
            return Err(format!("{}, while others have the other sign", amount.decimal(currency)));
        }
        Ok(amount.abs())
    };
    let each = |credit: CreditInvoiceFacts| CreditInvoiceFacts { amount: credit.amount.and_then(believed), ..credit };
    credits.into_iter().map(each).collect()
}

/// Whether a body is this invoice with the status `paid`.
pub(super) fn is_invoice_paid(body: &str, invoice: InvoiceId) -> bool {
    let Ok(value) = envelope(body) else { return false };
    let Ok(said) = parse::<dto::Invoice<'_>>(value, "the invoice") else { return false };
    id(said.id) == Some(invoice.0) && word(said.status, paid).is(&true)
}

impl dto::Order<'_> {
    /// Whether one of `words` occurs in the payment's id, title or data; `None` when the order says nothing of its
    /// payment.
    pub(super) fn is_paid_with(&self, words: &[String]) -> Option<bool> {
        let said = [self.payment_id, self.payment_title, self.payment_data];
        let said: Vec<String> = said.iter().flatten().map(|raw| raw.get().to_lowercase()).collect();
        if said.is_empty() {
            return None;
        }
        let occurs = |word: &String| {
            let word = word.to_lowercase();
            said.iter().any(|text| text.contains(&word))
        };
        Some(words.iter().any(occurs))
    }
}
