//! The state of one simulated history, and the places where the program waits for the outside.
//!
//! Every await of the program that leaves it (a request, a sleep, a turn at the store) is a slot here; the scheduler
//! decides which slot goes on, and when. Dropping the program's future at such a place is a crash there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use reconciled_core::id::{OrderId, ShopName};
use reconciled_sandbox::{Side, World};
use reconciled_sides::http::{Response, TransportError};
use reconciled_store::Store as _;
use reconciled_store::sqlite::SqliteStore;

use super::habits::Course;
use super::hints::Mail;
use super::log::Log;
use super::oracle::Oracle;
use super::rng::Rng;
use super::shelf;
use super::swarm::{NetFault, Swarm};
use super::time::START;

pub type Answer = Result<Response, TransportError>;

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Flight {
    pub side: Side,
    pub request: reconciled_sandbox::Request,
    pub sent: i64,
    pub timeout: i64,
    pub largest: usize,
    /// Where its answer is, once there is one, and when it may arrive.
    pub answer: Option<(Answer, i64)>,
}

impl Flight {
    pub fn is_write(&self) -> bool {
        self.request.method != "GET"
    }
}

#[derive(Debug)]
pub enum Waiting {
    Net(Box<Flight>),
    Sleep { until: i64 },
    Turn,
}

#[derive(Debug)]
pub enum Done {
    Net(Answer),
    Went,
}

#[derive(Debug)]
pub struct Slot {
    pub daemon: usize,
    pub waiting: Waiting,
    pub waker: Option<Waker>,
    pub done: Option<Done>,
}

/// The clocks of one machine, and which store is on it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Wall time minus true time.
    pub skew: i64,
    /// True time at which it was booted.
    pub booted: i64,
    pub frozen_until: i64,
    pub store: usize,
}

/// A request whose sender has given up or died; it may still arrive.
#[derive(Clone, Debug)]
pub struct Zombie {
    pub flight: Flight,
    pub until: i64,
    pub daemon: usize,
}

pub struct State {
    pub now: i64,
    pub rng: Rng,
    pub swarm: Swarm,
    pub world: World,
    pub slots: BTreeMap<u64, Slot>,
    pub next_slot: u64,
    pub machines: Vec<Machine>,
    pub stores: Vec<SqliteStore>,
    pub zombies: Vec<Zombie>,
    /// The shop's messages on their way, where somebody asked for them.
    pub mail: Option<Mail>,
    /// Things go wrong; off in the quiet phase at the end.
    pub faults: bool,
    /// Passes look at everything, as they do once a night.
    pub nightly: bool,
    /// What becomes of the next writes, where a history is written down.
    pub forced: Vec<NetFault>,
    /// What belongs together in this history, and how far it has come.
    pub course: Option<Course>,
    /// What each place answered last to a request that writes, with success, to the programs of one store.
    pub answered: BTreeMap<(usize, String), Response>,
    pub log: Log,
    pub oracle: Oracle,
}

impl State {
    pub fn at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now).unwrap()
    }

    /// Lets time pass, and the vendor's app act on the way.
    pub fn pass(&mut self, ms: i64) {
        self.now += ms;
        let at = self.at();
        self.world.at(at);
    }

    /// What the shop's papers say now is remembered by the oracle.
    pub fn learn(&mut self) {
        self.oracle.learn(&self.world, self.now);
    }

    /// The journals of all stores in words, without the names of passes, which are random.
    pub fn books(&self) -> String {
        let mut text = String::new();
        for store in &self.stores {
            for shop in self.world.all_shop_truth() {
                let rows = store.history(OrderId(shop.id)).now_or_never().unwrap().unwrap();
                for row in rows {
                    let _ = write!(text, "{} {} {} {}>{};", row.at, row.entity, row.event, row.before, row.after);
                }
            }
        }
        text
    }

    /// The journals of all stores, for people.
    pub fn journal(&self) -> String {
        let mut text = String::new();
        for (index, store) in self.stores.iter().enumerate() {
            for shop in self.world.all_shop_truth() {
                let rows = store.history(OrderId(shop.id)).now_or_never().unwrap().unwrap();
                for row in rows {
                    let _ = writeln!(
                        text,
                        "store {index} {} {} {} {} {} {} -> {} {}",
                        row.at, row.actor, row.entity, row.entity_id, row.event, row.before, row.after, row.detail
                    );
                }
            }
            for it in store.breaks(true).now_or_never().unwrap().unwrap() {
                let order = it.order.map(|number| number.0).unwrap_or_default();
                let _ =
                    writeln!(text, "store {index} break {:?} {order} {}: {}", it.status, it.kind.name(), it.message);
            }
        }
        text
    }

    pub fn draw_slot(&mut self, daemon: usize, waiting: Waiting) -> u64 {
        self.next_slot += 1;
        let id = self.next_slot;
        self.slots.insert(id, Slot { daemon, waiting, waker: None, done: None });
        id
    }

    pub fn finish(&mut self, id: u64, done: Done) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.done = Some(done);
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        }
    }
}

/// A handle on the state, shared by everything that takes part.
#[derive(Clone)]
pub struct Sim(Arc<Mutex<State>>);

impl Sim {
    pub fn new(mut rng: Rng, seed: u64, swarm: Swarm, shop: ShopName, told: bool) -> Self {
        let mut world = World::new(rng.next(), Timestamp::from_millisecond(START).unwrap());
        world.set_log_capacity(0);
        // Each seed is a shop of its own at Lightspeed too: stores are bound to that, and are used again.
        world.accounts_mut().shop_id = 300_000 + seed;
        world.limits_mut().enabled = swarm.limits;
        match seed {
            0 => {}
            _ if swarm.is_at_peace => super::swarm::set_switches_of_peace(&mut rng, &mut world),
            _ => super::swarm::set_switches(&mut rng, &mut world),
        }
        world.set_side_clock(Side::Lightspeed, swarm.apart.0);
        world.set_side_clock(Side::Klarna, swarm.apart.1);
        // Copies of one empty store are two empty stores.
        let mut stores = vec![shelf::empty_store(&shop)];
        if swarm.copies {
            let other = if swarm.two_names { ShopName(format!("{shop}-again")) } else { shop.clone() };
            stores.push(shelf::empty_store(&other));
        }
        let mail = (swarm.hints > 0).then(|| Mail::ordered(shop, &mut world));
        let machines = (0..swarm.daemons).map(|index| Machine {
            skew: 0,
            booted: START - 1_000,
            frozen_until: 0,
            store: if swarm.copies { index } else { 0 },
        });
        let oracle = Oracle::new(&swarm, &world);
        let mut log = Log::new(told);
        if swarm.apart != (0, 0) {
            log.count("clocks_apart");
        }
        if swarm.two_names {
            log.count("two_names");
        }
        Self(Arc::new(Mutex::new(State {
            now: START,
            rng,
            machines: machines.collect(),
            world,
            slots: BTreeMap::new(),
            next_slot: 0,
            stores,
            zombies: Vec::new(),
            mail,
            faults: true,
            nightly: false,
            forced: Vec::new(),
            course: swarm.habit.map(Course::of),
            answered: BTreeMap::new(),
            log,
            oracle,
            swarm,
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn sleep(&self, daemon: usize, ms: i64) -> Wait {
        let mut state = self.lock();
        let until = state.now + ms;
        let id = state.draw_slot(daemon, Waiting::Sleep { until });
        Wait { sim: self.clone(), id }
    }

    /// A place where others may come first, or the machine may stop.
    pub async fn turn(&self, daemon: usize) {
        let id = {
            let mut state = self.lock();
            let rate = state.swarm.yields;
            if !state.faults || rate == 0 || !state.rng.chance(rate) {
                return;
            }
            state.draw_slot(daemon, Waiting::Turn)
        };
        Wait { sim: self.clone(), id }.await;
    }

    pub fn wait(&self, id: u64) -> Wait {
        Wait { sim: self.clone(), id }
    }
}

/// Waits for one slot. Dropped before its time: the program died here.
pub struct Wait {
    sim: Sim,
    id: u64,
}

impl Future for Wait {
    type Output = Done;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Done> {
        let mut state = self.sim.lock();
        let id = self.id;
        let Some(slot) = state.slots.get_mut(&id) else { return Poll::Pending };
        if let Some(done) = slot.done.take() {
            state.slots.remove(&id);
            return Poll::Ready(done);
        }
        slot.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Wait {
    /// The bytes of a request are out of the machine: they may arrive although nobody waits for the answer.
    fn drop(&mut self) {
        let mut state = self.sim.lock();
        let Some(slot) = state.slots.remove(&self.id) else { return };
        // One whose answer is back was there, though a frozen program has not seen it: it comes no second time.
        if let Waiting::Net(flight) = slot.waiting
            && slot.done.is_none()
            && flight.answer.is_none()
            && flight.is_write()
        {
            let until = flight.sent + flight.timeout + super::net::LATEST;
            state.zombies.push(Zombie { flight: *flight, until, daemon: slot.daemon });
        }
    }
}
