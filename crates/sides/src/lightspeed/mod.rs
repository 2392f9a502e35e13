//! The client of Lightspeed eCom (C-Series): reads orders and invoices, and marks credit invoices paid.
//!
//! Turns the wire into `core::facts` and answers into `core::answer`; wire words stop at `convert`. Never follows a
//! link from a body, never writes anything but an invoice's status and, when an operator asks for it, registrations of
//! webhooks; repeats reads only.

mod account;
mod convert;
mod documents;
mod dto;
mod error;
mod exchange;
mod gift_cards;
mod link;
mod paging;
mod sample;
mod webhooks;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use crate::budget::{Budget, Use};
use crate::clock::Clock;
use crate::http::{Counted, ReadWrite};
use crate::http::{Credentials, Method, SINGLE_ANSWER, Transport, WRITE_TIMEOUT};
use reconciled_core::answer::{Answer, Unreadable};
use reconciled_core::facts::{ListedInvoice, ListedOrder, ShopOrder};
use reconciled_core::id::{InvoiceId, OrderId};
use reconciled_core::intent::Effect;
use reconciled_core::money::Currency;

pub use self::account::{Permission, Profile};
pub use self::paging::{BadRow, LARGEST_PAGE, LONGEST_LISTING, ListPage, OVERLAP, Page};
pub use self::sample::{Probed, RecentOrder};
pub use self::webhooks::{NotWritten, Webhook, Wish};

/// Where and how one shop is called.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://api.webshopapp.com` (eu1) or `https://api.shoplightspeed.com` (us1).
    pub base_url: String,
    /// An active language of the shop; part of every path, and changes titles only.
    pub language: String,
    pub credentials: Credentials,
    /// What makes an order Klarna's: looked for without case in `paymentId`, `paymentTitle` and `paymentData`.
    pub payment_words: Vec<String>,
    /// Where the Klarna order id is looked for, in this order.
    pub klarna_order_id: Vec<IdSource>,
}

/// A place on the shop's order where the Klarna order id may be. No public recording shows which one the payment
/// app uses, so all of them can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdSource {
    PaymentData,
    /// The order metafield with this key.
    Metafield(String),
    Memo,
    /// The comments of the order's events.
    Events,
}

/// A word that names no place of the Klarna order id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of paymentData, metafield:KEY, memo, events")]
pub struct UnknownIdSource(pub String);

impl FromStr for IdSource {
    type Err = UnknownIdSource;

    fn from_str(text: &str) -> Result<Self, UnknownIdSource> {
        match (text, text.strip_prefix("metafield:")) {
            ("paymentData", _) => Ok(Self::PaymentData),
            ("memo", _) => Ok(Self::Memo),
            ("events", _) => Ok(Self::Events),
            (_, Some(key)) if !key.is_empty() => Ok(Self::Metafield(key.to_owned())),
            _ => Err(UnknownIdSource(text.to_owned())),
        }
    }
}

/// As it is written in the configuration.
impl fmt::Display for IdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PaymentData => f.write_str("paymentData"),
            Self::Metafield(key) => write!(f, "metafield:{key}"),
            Self::Memo => f.write_str("memo"),
            Self::Events => f.write_str("events"),
        }
    }
}

/// What the shop says about itself (`GET shop.json`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopInfo {
    /// Without leading zeros: it is a number in live answers and `"000001"` in the documentation's sample.
    pub id: String,
    /// `currency.shortcode` as it was written.
    pub currency: String,
    /// Documents carry no currency; their amounts are in the shop's default one. `None` when the shop does not say.
    pub is_default_currency: Option<bool>,
}

/// One order as the shop said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOrder {
    pub is_klarna: bool,
    pub order: ShopOrder,
    /// When, by the shop's own clock, in whole seconds (the `Date` header), if it said so.
    pub said_at: Option<Timestamp>,
}

/// The client of one shop. Cheap to share by reference; counts every request it makes.
#[derive(Debug)]
pub struct Client<T, C> {
    transport: T,
    clock: C,
    settings: Settings,
    budget: Arc<Budget>,
    counted: Counted,
}

impl<T: Transport, C: Clock> Client<T, C> {
    pub fn new(transport: T, clock: C, settings: Settings, budget: Arc<Budget>) -> Self {
        Self { transport, clock, settings, budget, counted: Counted::default() }
    }

    /// The requests made so far, repeated ones included.
    pub fn calls(&self) -> ReadWrite {
        self.counted.so_far()
    }

    /// The address and the key that are called, as a digest: another one may lead to another shop.
    pub fn place(&self) -> String {
        let key = &self.settings.credentials.user;
        let text = format!("{}|{}", self.settings.base_url, key.expose_secret());
        Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub async fn shop(&self) -> Result<ShopInfo, Unreadable> {
        let answer = self.get("shop", "", SINGLE_ANSWER).await?;
        convert::shop(&answer.body)
    }

    /// One page of the orders changed since `since`, less the overlap; of all orders without it.
    ///
    /// *Flow*: pages by `since_id`, because ids never change while rows move between numbered pages; falls back to
    /// numbered pages when the answer shows that `since_id` had no effect. A page that times out is asked again with
    /// a smaller `limit`, twice at most.
    ///
    /// *Guarantees*: a row that exists from the first page to the last is on one of them, or is named as bad there. A
    /// row may come twice.
    pub async fn orders_page(
        &self, since: Option<Timestamp>, page: &Page,
    ) -> Result<ListPage<ListedOrder>, Unreadable> {
        self.page("orders", since, page, |row| convert::listed_order(row, &self.settings).map(Some)).await
    }

    /// One page of the invoices changed since `since`, credit invoices among them; pages like
    /// [`Client::orders_page`]. Invoices that belong to
    /// no order are left out.
    pub async fn invoices_page(
        &self, since: Option<Timestamp>, page: &Page,
    ) -> Result<ListPage<ListedInvoice>, Unreadable> {
        self.page("invoices", since, page, convert::listed_invoice).await
    }

    /// One invoice as a list would name it; `None` when it belongs to no order.
    pub async fn invoice(&self, id: InvoiceId) -> Result<Option<ListedInvoice>, Unreadable> {
        let answer = self.get(&format!("invoices/{id}"), "", SINGLE_ANSWER).await?;
        let found = convert::listed_invoice(convert::envelope(&answer.body)?)?;
        match found.as_ref().map(|invoice| invoice.id) {
            Some(other) if other != id => {
                Err(error::failed(&format!("the shop answered with invoice {other} instead of invoice {id}")))
            }
            Some(_) | None => Ok(found),
        }
    }

    /// One order with its credit invoices, shipments and Klarna order id. For an order that is not Klarna's only the order
    /// itself is read and filled in, with the Klarna orders that it names all the same.
    ///
    /// *Flow*: one GET, which embeds what belongs to the order; what is not embedded and matters is fetched.
    ///
    /// # Errors
    /// `Failed` names the field that is missing or cannot be understood. An amount that is not exact is no error:
    /// it stays in the facts as what was said.
    pub async fn order(&self, id: OrderId, currency: Currency) -> Result<ReadOrder, Unreadable> {
        let answer = self.get(&format!("orders/{id}"), "", SINGLE_ANSWER).await?;
        let wire = convert::order_body(&answer.body, id)?;
        let said = wire.is_paid_with(&self.settings.payment_words);
        let is_klarna = said == Some(true);
        let mut order = convert::order(&wire, id, currency, is_klarna)?;
        order.paid_otherwise = said == Some(false);
        if is_klarna {
            order.candidates = self.candidates(id, &wire, &order).await?;
            self.invoices(&wire, currency, &mut order).await?;
            self.shipments_and_lines(&wire, currency, &mut order).await?;
        } else {
            order.candidates = self.left_behind(id, &wire, &order).await?;
        }
        order.klarna_order_id = order.candidates.first().map(|first| first.id.clone());
        Ok(ReadOrder { is_klarna, order, said_at: answer.date })
    }

    /// The order with exactly this number, if the shop has one.
    ///
    /// # Errors
    /// Besides what every read may say: `Failed` when the shop's answer does not show whether the order exists.
    pub async fn find_order(&self, number: &str) -> Result<Option<ListedOrder>, Unreadable> {
        let query = format!("?number={}&limit={LARGEST_PAGE}", exchange::encode(number));
        let answer = self.get("orders", &query, crate::http::PAGE_ANSWER).await?;
        let rows = convert::rows(&answer.body, "orders", |row| convert::listed_order(row, &self.settings))?;
        let is_full = rows.len() >= usize::try_from(LARGEST_PAGE).unwrap_or(usize::MAX);
        let found = rows.into_iter().find(|row| row.number.as_str() == number);
        if found.is_none() && is_full {
            return Err(error::failed("the shop answered a search by number with other orders"));
        }
        Ok(found)
    }

    /// Waits for a write's turn in the budget; asked for before the write is claimed.
    ///
    /// # Errors
    /// The time before which there is none.
    pub async fn turn(&self) -> Result<(), Timestamp> {
        self.budget.admit(&self.clock, Use::Write).await
    }

    /// Sets an invoice's status to paid. One request, never repeated here; repeating it is harmless.
    ///
    /// *Guarantees*: `Done` only when the shop answered with this very invoice and its status is paid.
    pub async fn mark_paid(&self, invoice: InvoiceId, payload: &str) -> Answer {
        let mut request = self.request(Method::Put, &format!("invoices/{invoice}"), "");
        request.body = Some(payload.to_owned());
        request.timeout = WRITE_TIMEOUT;
        self.counted.write();
        let response = match self.transport.send(request).await {
            Ok(response) => response,
            Err(error) => return error::unanswered(&error),
        };
        self.budget.learn(&self.clock, &response);
        error::marked(response, invoice, |response| self.throttled_until(response))
    }
}

/// The body that marks an invoice paid; the same for every effect. Clients send changed fields only.
pub fn payload(_effect: &Effect) -> String {
    r#"{"invoice":{"status":"paid"}}"#.to_owned()
}
