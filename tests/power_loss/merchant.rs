//! A shop and its merchant account in process, and the real pass over a store on a [`Mounted`] disk.
//!
//! Time passes only while somebody sleeps. Every request that changes something outside is counted on the disk, so that
//! a cut knows what had happened by then.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reconciled::pass::{self, Acquainted, Options, Shop, Silent};
use reconciled::report::PassReport;
use reconciled_core::id::ShopName;
use reconciled_sandbox::{Credit, FaultKind, FaultRule, KlarnaStart, NewOrder, Reply, Side, World};
use reconciled_sides::budget::{Budget, KLARNA_PLAYGROUND_PER_SECOND};
use reconciled_sides::clock::Clock;
use reconciled_sides::http::{Credentials, Method, Request, Response, Transport, TransportError};
use reconciled_sides::{klarna, lightspeed};
use reconciled_store::StoreError;
use reconciled_store::sqlite::SqliteStore;

use super::disk::Disk;
use super::vfs::{self, Mounted, locked};

const SHOP_URL: &str = "http://127.0.0.1:1";
const KLARNA_URL: &str = "http://127.0.0.1:2";

pub fn shop_name() -> ShopName {
    ShopName("main".to_owned())
}

/// What happens in the pass that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// Every answer arrives.
    Calm,
    /// The first refund happens, and its answer is lost.
    Lost,
}

fn start() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// When the pass begins: the credit invoice is two hours old by then, so that it is refunded.
pub const LATER: Duration = Duration::from_hours(2);

/// One effect of every kind is due.
pub fn world(story: Story) -> World {
    let mut world = World::new(7, start());
    world.limits_mut().enabled = false;
    let mut place = |amount, klarna, shipped| {
        let new = NewOrder { age_ms: 864_000_000, shipped, ..NewOrder::of(amount, klarna) };
        world.create_order(&new).order
    };
    let returned = place(5_000, KlarnaStart::Captured, true);
    let cancelled = place(4_000, KlarnaStart::Authorized, false);
    let halved = place(6_000, KlarnaStart::PartCaptured(2_000), false);
    place(3_000, KlarnaStart::Authorized, true);
    world.add_credit_invoice(returned, &Credit::Amount(1_500 * 100)).unwrap();
    world.cancel_in_shop(cancelled);
    world.cancel_in_shop(halved);
    if story == Story::Lost {
        world.add_fault(FaultRule::once(Side::Klarna, "POST", "*", FaultKind::Drop).after_effect());
    }
    world
}

/// Both services, their time, and the disk that counts their effects.
#[derive(Clone)]
pub struct Outside {
    world: Arc<Mutex<World>>,
    passed: Arc<Mutex<Duration>>,
    disk: Arc<Mutex<Disk>>,
    /// The world after each effect; the first is before any.
    pub history: Arc<Mutex<Vec<(World, Duration)>>>,
}

impl Outside {
    pub fn new(world: World, passed: Duration, disk: Arc<Mutex<Disk>>) -> Self {
        let history = Arc::new(Mutex::new(vec![(world.clone(), passed)]));
        Self { world: Arc::new(Mutex::new(world)), passed: Arc::new(Mutex::new(passed)), disk, history }
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut locked(&self.world))
    }

    pub fn wait(&self, seconds: u64) {
        *locked(&self.passed) += Duration::from_secs(seconds);
    }

    /// Requests that changed something, as often as they did.
    pub fn effects(world: &World) -> usize {
        world.log().filter(|entry| entry.effect && entry.method != "GET").count()
    }
}

impl Clock for Outside {
    fn now(&self) -> Timestamp {
        start() + SignedDuration::try_from(*locked(&self.passed)).unwrap()
    }

    fn boottime(&self) -> Duration {
        Duration::from_secs(1_000) + *locked(&self.passed)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        *locked(&self.passed) += duration;
        std::future::ready(())
    }
}

impl Transport for Outside {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, TransportError>> + Send {
        let mut world = locked(&self.world);
        let (side, path) = match request.url.strip_prefix(SHOP_URL) {
            Some(path) => (Side::Lightspeed, path),
            None => (Side::Klarna, request.url.strip_prefix(KLARNA_URL).expect("one of the two sides")),
        };
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        };
        let authorization = match side {
            Side::Klarna => world.accounts().merchant_authorization(),
            Side::Lightspeed | Side::Control => world.accounts().shop_authorization(),
        };
        let mut asked = reconciled_sandbox::Request::new(method, path).with_header("Authorization", &authorization);
        for (name, value) in &request.headers {
            asked = asked.with_header(name, value);
        }
        if let Some(body) = &request.body {
            asked = asked.with_header("Content-Type", "application/json").with_body(body.clone());
        }
        let reply = world.handle(side, &asked, self.now());
        let effects = Self::effects(&world);
        let mut history = locked(&self.history);
        if effects > history.len() - 1 {
            history.push((world.clone(), *locked(&self.passed)));
            locked(&self.disk).effects = effects;
        }
        std::future::ready(answer(&reply))
    }
}

fn answer(reply: &Reply) -> Result<Response, TransportError> {
    let Some(response) = reply.response() else {
        return Err(TransportError::Lost("the connection was dropped".to_owned()));
    };
    let headers = response.headers.iter().map(|(name, value)| ((*name).to_lowercase(), value.clone())).collect();
    Ok(Response { status: response.status, headers, body: response.body.clone() })
}

pub fn open(disk: &Mounted) -> Result<SqliteStore, StoreError> {
    SqliteStore::on_vfs(vfs::NAME, &disk.path(), shop_name())
}

fn credentials() -> Credentials {
    Credentials { user: "user".to_owned().into(), password: "secret".to_owned().into() }
}

/// One pass over the store, as `reconcile` runs it.
pub fn pass(store: &SqliteStore, outside: &Outside) -> Result<PassReport, StoreError> {
    let shops = Arc::new(Budget::lightspeed("lightspeed", SHOP_URL));
    let merchants = Arc::new(Budget::klarna("klarna", KLARNA_URL, KLARNA_PLAYGROUND_PER_SECOND));
    let settings = lightspeed::Settings {
        base_url: SHOP_URL.to_owned(),
        language: "nl".to_owned(),
        credentials: credentials(),
        payment_words: vec!["klarna".to_owned()],
        klarna_order_id: vec![lightspeed::IdSource::PaymentData, lightspeed::IdSource::Memo],
    };
    let lightspeed = lightspeed::Client::new(outside.clone(), outside.clone(), settings, Arc::clone(&shops));
    let settings = klarna::Settings { base_url: KLARNA_URL.to_owned(), credentials: credentials() };
    let klarna = klarna::Client::new(outside.clone(), outside.clone(), settings, Arc::clone(&merchants));
    let shop = Shop {
        name: shop_name(),
        cluster: "eu1".to_owned(),
        environment: "playground".to_owned(),
        region: "eu".to_owned(),
        acquainted: Acquainted::default(),
        policy: crate::common::policy(),
        lightspeed,
        klarna,
        budgets: vec![shops, merchants],
        store: store.clone(),
        clock: outside.clone(),
    };
    wait(pass::run(&shop, &Options::default(), &Silent))
}

/// Runs a future that never really waits.
pub fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
