//! A stateful model of both services, for rehearsal: the shop's API and Klarna's Order Management.
//!
//! [`World`] holds everything and does no I/O: a request and the time go in, a [`Reply`] comes
//! out. It reads no clock and draws nothing at random, so equal inputs give equal outputs; a clone
//! is a snapshot. [`server`] puts it on loopback sockets. The sandbox is written from the fact
//! sheets alone and shares no type with the clients, so that a misreading on either side shows.
#![forbid(unsafe_code)]

mod accounts;
mod acts;
mod attempts;
mod control;
mod deliver;
mod edits;
mod fault;
mod ids;
mod json;
mod klarna;
mod lightspeed;
mod limit;
pub mod person;
mod portal;
mod raw;
mod requestlog;
mod seed;
pub mod server;
mod switch;
mod switches;
mod time;
mod truth;
mod vendor;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

pub use accounts::{Accounts, MerchantKey, Permissions, ShopKey};
pub use acts::{Created, Credit, KlarnaStart, NewLine, NewOrder};
pub use attempts::NewAttempt;
pub use edits::{LineEdit, SlipEdit};
pub use fault::{BodyFormat, Effect, FaultKind, FaultRule};
pub use klarna::hide::Concealed;
pub use klarna::model::Fraud;
pub use lightspeed::app::AppRegistration;
pub use lightspeed::webhook::{Delivery, signature as webhook_signature};
pub use limit::LimitFigures;
pub use requestlog::{LogEntry, Tally};
pub use seed::Seed;
pub use switch::SwitchInfo;
pub use switches::*;
pub use truth::{InvoiceTruth, ItemTruth, KlarnaTruth, LineTruth, MovementTruth, ShopTruth};
pub use wire::{Reply, Request, Response, Side};

use fault::{Bend, Faults, Firing};
use ids::Ids;
use limit::{MerchantLimiter, ShopLimiter};
use requestlog::{Observed, RequestLog};

/// Both services and everything about them.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) now_ms: i64,
    offset_ms: i64,
    ids: Ids,
    pub(crate) switches: Switches,
    faults: Faults,
    figures: LimitFigures,
    shop_limiters: BTreeMap<usize, ShopLimiter>,
    merchant_limiter: MerchantLimiter,
    log: RequestLog,
    accounts: Accounts,
    shop: lightspeed::model::Shop,
    merchant: klarna::model::Merchant,
    /// Which Klarna order pays which shop order. Neither service is asked for this.
    links: BTreeMap<u64, Uuid>,
    /// Klarna orders of further payment attempts, by shop order.
    attempts: BTreeMap<u64, Vec<Uuid>>,
    /// How far each company's own clock is ahead of the true time.
    clocks: Clocks,
    vendor_tasks: BTreeMap<(i64, u64), vendor::Task>,
    vendor_drawn: u64,
    feed_read: BTreeSet<u64>,
    date: (i64, String),
    bend: Bend,
    effects: u64,
    replayed: bool,
    answer_delay_ms: i64,
    stale_ms: i64,
}

/// How far each company's own clock is ahead of the true time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clocks {
    pub(crate) lightspeed_ms: i64,
    pub(crate) klarna_ms: i64,
}

impl Clocks {
    const fn of(self, side: Side) -> i64 {
        match side {
            Side::Lightspeed => self.lightspeed_ms,
            Side::Klarna => self.klarna_ms,
            Side::Control => 0,
        }
    }
}

impl World {
    /// An empty shop and merchant account; every id derives from `random_seed`.
    pub fn new(random_seed: u64, now: Timestamp) -> Self {
        Self {
            now_ms: now.as_millisecond(),
            offset_ms: 0,
            ids: Ids::new(random_seed),
            switches: Switches::default(),
            faults: Faults::default(),
            figures: LimitFigures::default(),
            shop_limiters: BTreeMap::new(),
            merchant_limiter: MerchantLimiter::default(),
            log: RequestLog::default(),
            accounts: Accounts::default(),
            shop: lightspeed::model::Shop::default(),
            merchant: klarna::model::Merchant::default(),
            links: BTreeMap::new(),
            attempts: BTreeMap::new(),
            clocks: Clocks::default(),
            vendor_tasks: BTreeMap::new(),
            vendor_drawn: 0,
            feed_read: BTreeSet::new(),
            date: (i64::MIN, String::new()),
            bend: Bend::default(),
            effects: 0,
            replayed: false,
            answer_delay_ms: 0,
            stale_ms: 0,
        }
    }

    /// Moves to a time (plus what the clock was advanced by) and lets what is due happen. Acts by
    /// hand work at this time.
    pub fn at(&mut self, now: Timestamp) -> &mut Self {
        let now = now.as_millisecond().saturating_add(self.offset_ms);
        self.run_vendor(now);
        self.now_ms = now;
        self
    }

    /// The sandbox's own time.
    pub fn now(&self) -> Timestamp {
        time::timestamp(self.now_ms)
    }

    /// Puts the sandbox's clock ahead of the time it is given, from now on.
    pub fn advance_clock(&mut self, ms: i64) {
        self.offset_ms = self.offset_ms.saturating_add(ms);
        let now = self.now_ms.saturating_add(ms);
        self.run_vendor(now);
        self.now_ms = now;
    }

    /// Answers one request.
    ///
    /// *Flow*: what is due happens; a scripted fault may strike before; the service answers; the
    /// fault may bend the answer; the request is logged. *Guarantees*: the effect, where there is
    /// one, has happened when this returns, whatever the reply tells the transport to do.
    pub fn handle(&mut self, side: Side, request: &Request, now: Timestamp) -> Reply {
        self.at(now);
        if side == Side::Control || request.path().starts_with("/_control") {
            return Reply::Respond(control::handle(self, request));
        }
        let before = self.effects;
        self.replayed = false;
        self.answer_delay_ms = 0;
        self.stale_ms = 0;
        self.bend = Bend::default();
        let firing = self.faults.pick(side, request);
        let fault = firing.as_ref().map(|firing| firing.kind.name());
        let reply = match firing {
            None => Reply::Respond(self.answer(side, request)),
            Some(firing) => self.answer_badly(side, request, &firing),
        };
        let observed = Observed { effect: self.effects != before, replayed: self.replayed, fault };
        self.log.record(side, request, &reply, self.now_ms, observed);
        reply
    }

    fn answer(&mut self, side: Side, request: &Request) -> Response {
        let response = match side {
            Side::Lightspeed => lightspeed::handle(self, request),
            Side::Klarna => klarna::handle(self, request),
            Side::Control => control::handle(self, request),
        };
        self.dated(side, response)
    }

    fn answer_badly(&mut self, side: Side, request: &Request, firing: &Firing) -> Reply {
        if let FaultKind::StaleRead { ms } = firing.kind {
            self.stale_ms = ms;
        }
        if let FaultKind::Delay { ms } = firing.kind {
            self.answer_delay_ms = i64::try_from(ms).unwrap_or(i64::MAX);
        }
        self.bend = Bend::of(&firing.kind);
        let real = match firing.effect {
            Effect::Before => Response::default(),
            Effect::After => self.answer(side, request),
        };
        let made = match side {
            Side::Klarna => klarna::fault_answer(self, &firing.kind),
            Side::Lightspeed | Side::Control => lightspeed::fault_answer(self, request, &firing.kind),
        };
        let made = made.map(|response| self.dated(side, response));
        fault::apply(&firing.kind, real, made)
    }

    /// Answers carry the side's own time, so that a client can tell how far its clock is off.
    fn dated(&mut self, side: Side, mut response: Response) -> Response {
        let now = self.now_ms.saturating_add(self.clocks.of(side));
        let second = time::seconds(now);
        if self.date.0 != second {
            self.date = (second, time::http_date(now));
        }
        response.headers.push(("Date", self.date.1.clone()));
        response
    }

    fn effect(&mut self) {
        self.effects = self.effects.saturating_add(1);
    }

    /// Sets how far one company's clock is ahead of the true time (behind it where negative). Everything that side prints
    /// or reads as a time moves with it; what has happened stays where it was.
    pub fn set_side_clock(&mut self, side: Side, ahead_ms: i64) {
        match side {
            Side::Lightspeed => self.clocks.lightspeed_ms = ahead_ms,
            Side::Klarna => self.clocks.klarna_ms = ahead_ms,
            Side::Control => {}
        }
    }

    // --- settings -------------------------------------------------------------------------

    pub fn switches(&self) -> &Switches {
        &self.switches
    }

    pub fn switches_mut(&mut self) -> &mut Switches {
        &mut self.switches
    }

    /// Sets one switch by its name.
    pub fn set_switch(&mut self, name: &str, value: &str) -> Result<(), String> {
        self.switches.set(name, value)
    }

    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    pub fn accounts_mut(&mut self) -> &mut Accounts {
        &mut self.accounts
    }

    pub fn limits_mut(&mut self) -> &mut LimitFigures {
        &mut self.figures
    }

    /// Scripts a fault and returns its id.
    pub fn add_fault(&mut self, rule: FaultRule) -> u64 {
        self.faults.add(rule)
    }

    pub fn clear_faults(&mut self) {
        self.faults.rules.clear();
    }

    /// How often the fault with this id has fired.
    pub fn fault_fired(&self, id: u64) -> u64 {
        self.faults.rules.iter().find(|rule| rule.id == id).map_or(0, |rule| rule.fired)
    }

    /// Makes Klarna forget every idempotency key.
    pub fn forget_keys(&mut self) {
        self.merchant.keys.clear();
    }

    // --- what was asked -------------------------------------------------------------------

    pub fn log(&self) -> impl Iterator<Item = &LogEntry> {
        self.log.entries()
    }

    pub fn clear_log(&mut self) {
        self.log.clear();
    }

    /// Switches the request log off (counters stay) or sets how many requests it keeps.
    pub fn set_log_capacity(&mut self, requests: usize) {
        self.log.enabled = requests > 0;
        self.log.resize(requests);
    }

    pub fn tally(&self, side: Side, read: bool) -> Tally {
        self.log.tally(side, read)
    }

    /// Webhook deliveries waiting to be sent, oldest first.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.shop.deliveries.iter()
    }

    /// Takes the oldest waiting delivery.
    pub fn take_delivery(&mut self) -> Option<Delivery> {
        self.shop.deliveries.pop_front()
    }
}
