//! A few recent orders, looked at closely: how they were paid, and which places name a Klarna order.
//!
//! For a person who sets the program up. A pass lists and reads in its own way and never comes here: this stops at one
//! page and shrugs at rows that it cannot read.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::convert::{self, linked, list_in, parse};
use super::exchange::encode;
use super::{Client, LARGEST_PAGE, dto, link, paging};
use crate::clock::Clock;
use crate::http::json::{flag, id, instant, text};
use crate::http::{PAGE_ANSWER, SINGLE_ANSWER, Transport};
use reconciled_core::answer::Unreadable;
use reconciled_core::facts::ShopOrder;
use reconciled_core::id::{KlarnaOrderId, OrderId};
use reconciled_core::money::Currency;

/// A row of the orders' list, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentOrder {
    pub id: OrderId,
    pub created_at: Option<Timestamp>,
    /// `paymentId` and `paymentTitle`, as far as they are said.
    pub payment: (String, String),
    /// Whether one of the configured words names the payment; `None` when the row says nothing of it.
    pub is_klarna: Option<bool>,
}

/// One order with what each configured place says, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    pub is_klarna: bool,
    pub order: ShopOrder,
    pub found: Vec<Option<KlarnaOrderId>>,
}

impl<T: Transport, C: Clock> Client<T, C> {
    /// One page of orders placed since then, newest first; of any orders without it.
    pub async fn recent_orders(&self, since: Option<Timestamp>) -> Result<Vec<RecentOrder>, Unreadable> {
        let words = &self.settings.payment_words;
        let rows = self.one_page("orders", since, |row| {
            let order: dto::Order<'_> = parse(row, "an order").ok()?;
            Some(RecentOrder {
                id: OrderId(id(order.id)?),
                created_at: instant(order.created_at),
                payment: (text(order.payment_id).unwrap_or_default(), text(order.payment_title).unwrap_or_default()),
                is_klarna: order.is_paid_with(words),
            })
        });
        let mut rows = rows.await?;
        rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
        Ok(rows)
    }

    /// The orders of one page of credit invoices made since then.
    pub async fn recently_credited(&self, since: Option<Timestamp>) -> Result<BTreeSet<OrderId>, Unreadable> {
        let rows = self.one_page("invoices", since, |row| {
            let invoice: dto::Invoice<'_> = parse(row, "an invoice").ok()?;
            let is_credit = flag(invoice.is_credit_note) == Some(true);
            linked(invoice.order).map(OrderId).filter(|_| is_credit)
        });
        Ok(rows.await?.into_iter().collect())
    }

    async fn one_page<R>(
        &self, list: &str, since: Option<Timestamp>, read: impl Fn(&RawValue) -> Option<R>,
    ) -> Result<Vec<R>, Unreadable> {
        let since =
            since.map_or_else(String::new, |since| format!("&created_at_min={}", encode(&paging::utc_text(since))));
        let answer = self.get(list, &format!("?limit={LARGEST_PAGE}{since}"), PAGE_ANSWER).await?;
        let rows = list_in(&answer.body, list)?;
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// One order, and what every configured place of the Klarna order id says, those behind the first included.
    pub async fn probe(&self, id: OrderId, currency: Currency) -> Result<Probed, Unreadable> {
        let answer = self.get(&format!("orders/{id}"), "", SINGLE_ANSWER).await?;
        let wire = convert::order_body(&answer.body, id)?;
        let is_klarna = wire.is_paid_with(&self.settings.payment_words) == Some(true);
        let mut order = convert::order(&wire, id, currency, is_klarna)?;
        let mut found = Vec::new();
        if is_klarna {
            for source in &self.settings.klarna_order_id {
                let here = self.candidates_in(source, id, &wire, &order).await?;
                found.push(here.first().map(|first| first.id.clone()));
                for one in here {
                    link::add(&mut order.candidates, one);
                }
            }
            order.klarna_order_id = order.candidates.first().map(|first| first.id.clone());
            self.invoices(&wire, currency, &mut order).await?;
        }
        Ok(Probed { is_klarna, order, found })
    }
}
