//! Registrations of webhooks, made and removed when an operator asks for it.
//!
//! They move no money and no document, so they need no intent; a registration whose answer was lost is found again by
//! listing. Nothing here repeats a write, and whose a registration is, the caller decides.

use serde::Serialize;
use serde_json::value::RawValue;

use super::convert::{envelope, needed, parse, rows};
use super::error::{self, Written};
use super::{Client, LARGEST_PAGE, dto};
use crate::clock::Clock;
use crate::http::json::{decode, flag, id, text};
use crate::http::{Method, PAGE_ANSWER, Request, Transport, WRITE_TIMEOUT};
use reconciled_core::answer::{Said, Unreadable};

/// One registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub id: u64,
    pub is_active: bool,
    /// What it is about, such as `invoices`.
    pub group: String,
    /// What has to happen to it, such as `created`.
    pub action: String,
    pub address: String,
}

/// A registration that there should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub group: &'static str,
    pub action: &'static str,
}

/// Why a registration was not written as far as can be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    #[error("it was not written: {0}")]
    Refused(Said),
    #[error("whether it happened is not known: {0}; listing shows it")]
    Unknown(Said),
}

impl<T: Transport, C: Clock> Client<T, C> {
    /// Every registration at this shop, whoever made it.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, Unreadable> {
        let answer = self.get("webhooks", &format!("?limit={LARGEST_PAGE}"), PAGE_ANSWER).await?;
        rows(&answer.body, "webhooks", webhook)
    }

    /// Registers one webhook, in this client's language; one request.
    pub async fn add_webhook(&self, wish: Wish, address: &str) -> Result<Webhook, NotWritten> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields<'a> {
            is_active: bool,
            item_group: &'a str,
            item_action: &'a str,
            language: &'a str,
            format: &'a str,
            address: &'a str,
        }
        #[derive(Serialize)]
        struct Body<'a> {
            webhook: Fields<'a>,
        }
        let fields = Fields {
            is_active: true,
            item_group: wish.group,
            item_action: wish.action,
            language: &self.settings.language,
            format: "json",
            address,
        };
        let mut request = self.request(Method::Post, "webhooks", "");
        request.body = serde_json::to_string(&Body { webhook: fields }).ok();
        let body = self.write(request).await?;
        let made = decode(body).ok().and_then(|body| webhook(envelope(&body).ok()?).ok());
        let is_it = |it: &Webhook| it.group == wish.group && it.action == wish.action && it.address == address;
        made.filter(is_it)
            .ok_or_else(|| NotWritten::Unknown(error::said("the answer does not show the webhook that was asked for")))
    }

    /// Removes one registration; one request.
    pub async fn remove_webhook(&self, id: u64) -> Result<(), NotWritten> {
        self.write(self.request(Method::Delete, &format!("webhooks/{id}"), "")).await.map(drop)
    }

    async fn write(&self, mut request: Request) -> Result<Vec<u8>, NotWritten> {
        request.timeout = WRITE_TIMEOUT;
        if let Err(until) = self.turn().await {
            return Err(NotWritten::Refused(error::said(&format!("no call is left before {until}"))));
        }
        self.counted.write();
        let response = self.transport.send(request).await.map_err(|why| error::not_written(&why))?;
        self.budget.learn(&self.clock, &response);
        match error::written(response, |response| self.throttled_until(response)) {
            Written::Done(body) => Ok(body),
            Written::Refused(said) => Err(NotWritten::Refused(said)),
            Written::Unknown(said) => Err(NotWritten::Unknown(said)),
        }
    }
}

fn webhook(row: &RawValue) -> Result<Webhook, Unreadable> {
    let wire: dto::Webhook<'_> = parse(row, "a webhook")?;
    let id = needed(id(wire.id), "id", "a webhook")?;
    let subject = format!("webhook {id}");
    Ok(Webhook {
        id,
        is_active: flag(wire.is_active).unwrap_or(false),
        group: needed(text(wire.item_group), "itemGroup", &subject)?,
        action: needed(text(wire.item_action), "itemAction", &subject)?,
        address: needed(text(wire.address), "address", &subject)?,
    })
}
