//! The shop's webhooks: lost, late, twice, out of order, or made by somebody else.
//!
//! They go through the service's own endpoint. What is believed wakes a pass; nothing else may come of any of them.

use futures_util::FutureExt as _;
use jiff::Timestamp;
use reconciled::daemon::board::Board;
use reconciled::daemon::wake::{self, Hints};
use reconciled::web::{HintOutcome, HookEndpoint, Site};
use reconciled_core::id::ShopName;
use reconciled_sandbox::{Delivery, Request, Side, World};

use super::sim::State;
use super::time::{HOUR, MINUTE, SECOND};

/// What the endpoint is to say about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Genuine,
    /// The body is not the one that was signed.
    Forged,
    /// Signed by the shop's secret, for another shop.
    OtherShop,
    /// At an address that nobody has.
    Elsewhere,
}

struct Message {
    at: i64,
    kind: Kind,
    delivery: Delivery,
}

/// The endpoint of the first program's machine, and what is on its way there.
pub struct Mail {
    site: Site,
    hints: Hints,
    token: String,
    under_way: Vec<Message>,
}

impl Mail {
    /// Asks the shop for every message about orders, invoices and shipments.
    pub fn ordered(shop: ShopName, world: &mut World) -> Self {
        let (waker, hints) = wake::channel();
        let accounts = world.accounts();
        let secret = accounts.shop_keys[0].secret.clone().into();
        let endpoint = HookEndpoint { shop, shop_id: Some(accounts.shop_id.to_string()), secret };
        let (token, login) = (endpoint.token(), accounts.shop_authorization());
        for group in ["orders", "invoices", "shipments"] {
            let body = format!(
                r#"{{"webhook":{{"isActive":true,"itemGroup":"{group}","itemAction":"*","language":"nl","format":"json","address":"https://hooks.example/hook/{token}"}}}}"#
            );
            let request = Request::new("POST", "/nl/webhooks.json")
                .with_header("authorization", &login)
                .with_header("content-type", "application/json")
                .with_body(body.into_bytes());
            let at = Timestamp::from_millisecond(super::time::START).unwrap();
            let _ = world.handle(Side::Lightspeed, &request, at);
        }
        let site = Site::new(Board::default(), waker);
        site.believe_hints_at(vec![endpoint]);
        Self { site, hints, token, under_way: Vec::new() }
    }

    fn judge(&self, message: &Message) -> HintOutcome {
        let header = |name: &str| {
            let found = message.delivery.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
            match (name, message.kind) {
                ("x-shop-id", Kind::OtherShop) => Some("1"),
                _ => found.map(|(_, value)| value.as_str()),
            }
        };
        let body = match message.kind {
            Kind::Forged => format!("{} ", message.delivery.body),
            Kind::Genuine | Kind::OtherShop | Kind::Elsewhere => message.delivery.body.clone(),
        };
        let token = if message.kind == Kind::Elsewhere { "0123456789abcdef" } else { &self.token };
        self.site.hear(token, header, body.as_bytes())
    }
}

impl State {
    /// When the next message arrives.
    pub fn next_message(&self) -> Option<i64> {
        self.mail.as_ref()?.under_way.iter().map(|message| message.at).min()
    }

    /// Sends off what the shop says, and lets in what has arrived. True when somebody was woken.
    pub fn hear(&mut self) -> bool {
        let Some(mut mail) = self.mail.take() else { return false };
        self.send_off(&mut mail);
        let now = self.now;
        let (arrived, later): (Vec<_>, Vec<_>) = mail.under_way.drain(..).partition(|message| message.at <= now);
        mail.under_way = later;
        for message in &arrived {
            let hint_outcome = mail.judge(message);
            let is_right = (message.kind == Kind::Genuine) == (hint_outcome == HintOutcome::Woke);
            if !is_right {
                let what = format!("a message that is {:?} was {hint_outcome:?}", message.kind);
                self.oracle.fail("only_the_shop_is_believed", what);
            }
            self.log.count(if message.kind == Kind::Genuine { "hint" } else { "forged_hint" });
            self.log.event(now, "hint", u64::from(hint_outcome == HintOutcome::Woke), || {
                format!("{:?}: {hint_outcome:?}", message.kind)
            });
        }
        let mut woken = false;
        while mail.hints.next().now_or_never().is_some() {
            woken = true;
        }
        self.mail = Some(mail);
        woken
    }

    fn send_off(&mut self, mail: &mut Mail) {
        while let Some(delivery) = self.world.take_delivery() {
            let copies = if self.rng.chance(self.swarm.hints) { self.rng.one(&[1, 1, 1, 2]) } else { 0 };
            for _ in 0..copies {
                let kind = match self.rng.below(10) {
                    0 => Kind::Forged,
                    1 => Kind::OtherShop,
                    2 => Kind::Elsewhere,
                    _ => Kind::Genuine,
                };
                let late = self.rng.one(&[0, 0, SECOND, 10 * SECOND, 5 * MINUTE, 2 * HOUR]);
                mail.under_way.push(Message { at: self.now + late, kind, delivery: delivery.clone() });
            }
        }
    }
}
