//! Webhook registrations and the queue of deliveries that would be sent.
//!
//! A delivery is signed and complete when it is queued. Nothing here sends anything.

use std::borrow::Cow;

use md5::{Digest as _, Md5};

use super::model::draw;
use super::order_json::View;
use crate::World;
use crate::json::{Dialect, J, obj};
use crate::time;

/// One registration.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) id: u64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) is_active: bool,
    pub(crate) group: String,
    pub(crate) action: String,
    pub(crate) language: String,
    pub(crate) address: String,
    /// Secret of the key that registered it; signs the deliveries.
    pub(crate) secret: String,
}

/// One queued delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: u64,
    pub webhook: u64,
    pub at_ms: i64,
    pub address: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Delivery {
    pub(crate) fn json(&self) -> J {
        let headers = self.headers.iter();
        obj! {
            "id": self.id,
            "webhook": self.webhook,
            "at": time::klarna_text(self.at_ms),
            "address": self.address.clone(),
            "headers": J::Obj(
                headers.map(|(name, value)| (Cow::Borrowed(*name), J::from(value.clone()))).collect()
            ),
            "body": self.body.clone(),
        }
    }
}

/// Lower-case hex of `md5(raw body + secret)`.
pub fn signature(body: &[u8], secret: &str) -> String {
    let mut hasher = Md5::new();
    hasher.update(body);
    hasher.update(secret.as_bytes());
    hex(&hasher.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(32), |mut hex, byte| {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What a delivery is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Order(u64),
    Invoice(u64),
    Shipment(u64),
}

impl Subject {
    const fn group(self) -> &'static str {
        match self {
            Self::Order(_) => "orders",
            Self::Invoice(_) => "invoices",
            Self::Shipment(_) => "shipments",
        }
    }
}

/// Queues a delivery for every registration that asked for this.
pub(crate) fn notify(world: &mut World, subject: Subject, action: &str) {
    if world.shop.webhooks.is_empty() {
        return;
    }
    let wanted = |hook: &&Webhook| {
        let group = hook.group == subject.group();
        hook.is_active && group && (hook.action == action || hook.action == "*")
    };
    let hooks: Vec<Webhook> = world.shop.webhooks.values().filter(wanted).cloned().collect();
    for hook in hooks {
        // Deliveries show links with http, whatever the shop's own scheme.
        let base = format!("http://{}/{}/", world.cluster_host(), hook.language);
        let view = View::new(world, &base);
        let body = match subject {
            Subject::Order(id) => obj! { "order": view.order_by_id(id, true) },
            Subject::Invoice(id) => obj! { "invoice": view.invoice_by_id(id) },
            Subject::Shipment(id) => obj! { "shipment": view.shipment_by_id(id) },
        };
        let body = body.to_text(Dialect::Php);
        queue(world, &hook, subject.group(), action, &body);
    }
}

fn queue(world: &mut World, hook: &Webhook, group: &str, action: &str, body: &str) {
    let copies = world.switches.lightspeed_webhook_copies.clamp(0, 20);
    for _ in 0..copies {
        let headers = vec![
            ("Content-Type", "application/json".to_owned()),
            ("User-Agent", "WebshopappApi".to_owned()),
            ("X-Event", format!("{group}/{action}")),
            ("X-Shop-Id", world.accounts.shop_id.to_string()),
            ("X-Cluster-Id", world.cluster_name().to_owned()),
            ("X-Language", hook.language.clone()),
            ("X-Format", "json".to_owned()),
            ("X-Request-Id", world.ids.uuid().simple().to_string()),
            ("X-Signature", signature(body.as_bytes(), &hook.secret)),
        ];
        let delivery = Delivery {
            id: draw(&mut world.shop.series.delivery),
            webhook: hook.id,
            at_ms: world.now_ms,
            address: hook.address.clone(),
            headers,
            body: body.to_owned(),
        };
        if world.shop.deliveries.len() >= 10_000 {
            world.shop.deliveries.pop_front();
        }
        let len = world.shop.deliveries.len();
        if world.switches.lightspeed_webhook_reorder && len > 0 {
            world.shop.deliveries.insert(len.saturating_sub(1), delivery);
        } else {
            world.shop.deliveries.push_back(delivery);
        }
    }
}
