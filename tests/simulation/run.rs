//! One seed, from the first order to the last look: polls the program, and chooses what happens next.
//!
//! The program's futures run on this thread, one poll at a time. What comes next is drawn from the seed alone, so one
//! seed is one history.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use futures_util::FutureExt as _;
use reconciled::pass::{self, Acquainted, Options, Shop, Silent};
use reconciled::report::{NotChecked, PassReport};
use reconciled_core::id::{OrderId, ShopName};
use reconciled_sides::budget::{Budget, KLARNA_PRODUCTION_PER_SECOND};
use reconciled_sides::http::Credentials;
use reconciled_sides::lightspeed::IdSource;
use reconciled_sides::{klarna, lightspeed};
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Operation, Store as _, StoreError};
use sha2::{Digest as _, Sha256};

use super::net::{KLARNA_URL, LATEST, SHOP_URL, SimTransport};
use super::oracle::{Breach, books, people, rest};
use super::rng::Rng;
use super::shelf;
use super::sim::{Done, Sim, Waiting};
use super::stored::SimStore;
use super::swarm::{FREEZES, SKEWS, Swarm};
use super::time::{HOUR, MINUTE, SECOND, SimClock};

type Pass = Pin<Box<dyn Future<Output = Result<PassReport, StoreError>>>>;
type SimShop = Shop<SimStore, SimTransport, SimClock>;

/// Whether a program wants to be polled.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One program on its machine.
struct Daemon {
    /// Lives from start to crash: clients and budgets are in it.
    shop: Option<Arc<SimShop>>,
    pass: Option<Pass>,
    began: i64,
    /// It looks at everything.
    is_full: bool,
    next: i64,
    flag: Arc<Flag>,
    waker: Waker,
    last: Option<PassReport>,
}

/// What came of one seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub breach: Option<Breach>,
    pub digest: u64,
    /// Of the journals alone, where `SIM_JOURNALS` asks for it: a change of the program's shape leaves it as it was.
    pub journals: Option<String>,
    pub events: u64,
    pub counts: BTreeMap<&'static str, u64>,
    pub text: String,
}

pub struct Run {
    pub sim: Sim,
    daemons: Vec<Daemon>,
    passes_left: u32,
    /// A copy of the first store, from some time ago.
    backup: Option<SqliteStore>,
}

/// What tells the number of the other shop from that of the right one.
const OTHER_SHOP: u64 = 1 << 40;

/// The longest history that is no fault of the simulation's.
const STEPS: u32 = 60_000;

pub fn run(seed: u64, told: bool) -> Outcome {
    let mut rng = Rng::new(seed);
    let swarm = Swarm::of(&mut rng);
    run_swarm(seed, rng, swarm, told)
}

/// A history that is written down: what `script` does, then time passes.
pub fn play(swarm: Swarm, script: impl FnOnce(&mut Run)) -> Outcome {
    let sim = Sim::new(Rng::new(0), 0, swarm, shop_name(0), true);
    let count = sim.lock().swarm.daemons;
    let daemons = (0..count).map(|_| Daemon::new()).collect();
    let mut run = Run { sim, daemons, passes_left: 0, backup: None };
    script(&mut run);
    run.sim.lock().learn();
    run.quiet();
    run.end()
}

pub fn run_swarm(seed: u64, rng: Rng, swarm: Swarm, told: bool) -> Outcome {
    let sim = Sim::new(rng, seed, swarm, shop_name(seed), told);
    let (count, passes) = {
        let mut state = sim.lock();
        let words = format!("{:?}", state.swarm);
        let switches = state.world.switches().list();
        let odd: Vec<_> = switches
            .into_iter()
            .filter(|it| it.value != it.default)
            .map(|it| format!("{}={}", it.name, it.value))
            .collect();
        let now = state.now;
        state.log.event(now, "begin", seed, || format!("{words}\n{odd:?}"));
        state.what_was_before();
        (state.swarm.daemons, state.swarm.passes)
    };
    let daemons = (0..count).map(|_| Daemon::new()).collect();
    let mut run = Run { sim, daemons, passes_left: passes, backup: None };
    run.rough();
    run.quiet();
    run.end()
}

/// The shop of one seed. Its name is in every idempotency key, so it follows from the seed alone.
fn shop_name(seed: u64) -> ShopName {
    ShopName(format!("seed-{seed}"))
}

impl Daemon {
    fn new() -> Self {
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(flag.clone());
        Self { shop: None, pass: None, began: 0, is_full: false, next: super::time::START, flag, waker, last: None }
    }
}

impl Run {
    fn is_broken(&self) -> bool {
        self.sim.lock().oracle.breach.is_some()
    }

    /// Faults last.
    fn rough(&mut self) {
        for _ in 0..STEPS {
            self.poll();
            if self.is_broken() || self.passes_left == 0 && self.daemons.iter().all(|it| it.pass.is_none()) {
                return;
            }
            if !self.fault() {
                self.step();
            }
        }
        self.sim.lock().oracle.fail("everything_converges", "passes never end");
    }

    /// Polls every program that was woken and whose machine runs.
    fn poll(&mut self) {
        for index in 0..self.daemons.len() {
            loop {
                let frozen = {
                    let state = self.sim.lock();
                    state.machines[index].frozen_until > state.now
                };
                let daemon = &mut self.daemons[index];
                if frozen || !daemon.flag.0.swap(false, Ordering::Relaxed) {
                    break;
                }
                let Some(pass) = daemon.pass.as_mut() else { break };
                let waker = daemon.waker.clone();
                let polled = pass.as_mut().poll(&mut Context::from_waker(&waker));
                if let std::task::Poll::Ready(done) = polled {
                    daemon.pass = None;
                    self.ended(index, done);
                }
                if self.is_broken() {
                    return;
                }
            }
        }
    }

    fn ended(&mut self, index: usize, done: Result<PassReport, StoreError>) {
        let mut state = self.sim.lock();
        let now = state.now;
        let interval = {
            let all = state.swarm.intervals.clone();
            state.rng.one(&all)
        };
        self.daemons[index].next = now + interval;
        match done {
            Ok(report) => {
                state.log.event(now, "report", u64::from(report.is_complete()), || {
                    let effects: Vec<_> = report
                        .effects
                        .iter()
                        .map(|it| format!("{} {} {}: {}", it.kind.name(), it.reference, it.outcome.name(), it.why))
                        .collect();
                    format!("machine {index}: {effects:?} not checked: {:?}", report.not_checked)
                });
                let Daemon { began, is_full, .. } = self.daemons[index];
                books::unread_is_never_clean(&mut state, index, began, &report);
                if is_full && report.is_complete() && !state.oracle.bent.contains(&index) {
                    let store = state.machines[index].store;
                    state.oracle.lacks.remove(&store);
                }
                // What the core plans, the store takes.
                let refused = StoreError::Guard(String::new()).to_string();
                let is_refused = |it: &&NotChecked| it.why.starts_with(&refused);
                if let Some(it) = report.not_checked.iter().find(is_refused).filter(|_| !state.faults) {
                    let what = format!("{}: {}", it.what, it.why);
                    state.oracle.fail("passes_end", what);
                }
                self.daemons[index].last = Some(report);
            }
            Err(error) => {
                state.log.event(now, "failed", 0, || format!("machine {index}: {error}"));
                let is_another_shop = state.oracle.is_swapped && matches!(error, StoreError::OtherIdentity { .. });
                let is_taken = state.machines.len() > 1 && matches!(error, StoreError::Locked);
                if !is_taken && !is_another_shop {
                    state.oracle.fail("passes_end", format!("{error}"));
                }
                self.daemons[index].shop = None;
            }
        }
        // In the quiet phase the stores are judged at its end.
        if state.faults {
            let store = state.machines[index].store;
            books::check_one(&mut state, store);
        }
    }

    fn begin_pass(&mut self, index: usize) {
        if self.daemons[index].shop.is_none() {
            self.daemons[index].shop = Some(Arc::new(self.shop(index)));
        }
        let shop = self.daemons[index].shop.clone().unwrap();
        let mut state = self.sim.lock();
        let now = state.now;
        // Every night one looks at everything.
        let full = state.faults && state.rng.chance(30) || state.nightly;
        let options = Options { full, ..Options::default() };
        state.oracle.pass_begins(index);
        state.log.event(now, "pass", 0, || format!("machine {index}"));
        drop(state);
        let daemon = &mut self.daemons[index];
        (daemon.began, daemon.is_full) = (now, full);
        daemon.pass = Some(Box::pin(async move { pass::run(&*shop, &options, &Silent).await }));
        daemon.flag.0.store(true, Ordering::Relaxed);
    }

    fn shop(&self, daemon: usize) -> SimShop {
        let sim = self.sim.clone();
        let (policy, inner) = {
            let state = sim.lock();
            (state.swarm.policy.clone(), state.stores[state.machines[daemon].store].clone())
        };
        let name = inner.shop_name().clone();
        let transport = SimTransport { sim: sim.clone(), daemon };
        let clock = SimClock { sim: sim.clone(), daemon };
        let credentials = || Credentials { user: "user".to_owned().into(), password: "word".to_owned().into() };
        let shops = Arc::new(Budget::lightspeed("lightspeed", SHOP_URL));
        let merchants = Arc::new(Budget::klarna("klarna", KLARNA_URL, KLARNA_PRODUCTION_PER_SECOND));
        let settings = lightspeed::Settings {
            base_url: SHOP_URL.to_owned(),
            language: "nl".to_owned(),
            credentials: credentials(),
            payment_words: vec!["klarna".to_owned()],
            klarna_order_id: vec![
                IdSource::PaymentData,
                IdSource::Metafield("klarna_order_id".to_owned()),
                IdSource::Memo,
                IdSource::Events,
            ],
        };
        let lightspeed = lightspeed::Client::new(transport.clone(), clock.clone(), settings, shops.clone());
        let settings = klarna::Settings { base_url: KLARNA_URL.to_owned(), credentials: credentials() };
        Shop {
            name,
            cluster: "eu1".to_owned(),
            environment: "playground".to_owned(),
            region: "eu".to_owned(),
            acquainted: Acquainted::default(),
            policy,
            lightspeed,
            klarna: klarna::Client::new(transport, clock.clone(), settings, merchants.clone()),
            budgets: vec![shops, merchants],
            store: SimStore { sim, daemon, inner },
            clock,
        }
    }

    /// A process, a machine or a person does something unexpected. False when nothing of the kind happens now.
    fn fault(&mut self) -> bool {
        let mut state = self.sim.lock();
        let index = {
            let count = state.machines.len();
            state.rng.index(count)
        };
        let (crash, freeze, skew, restore) =
            (state.swarm.crash, state.swarm.freeze, state.swarm.skew, state.swarm.restore);
        let act_rate = state.swarm.act_rate;
        let now = state.now;
        if state.swarm.acts_left > 0 && state.rng.chance(act_rate) {
            state.swarm.acts_left -= 1;
            state.somebody_acts();
        } else if crash > 0 && state.rng.chance(crash) {
            let down = state.rng.one(&[0, SECOND, 10 * MINUTE, 5 * HOUR]);
            state.log.count("crash");
            state.log.event(now, "crash", 0, || format!("machine {index}"));
            drop(state);
            self.crash(index, down);
        } else if freeze > 0 && state.rng.chance(freeze) {
            let length = state.rng.one(&FREEZES);
            state.machines[index].frozen_until = now + length;
            state.log.count("freeze");
            state.log.event(now, "freeze", 0, || format!("machine {index} for {} s", length / SECOND));
        } else if skew > 0 && state.rng.chance(skew) {
            let skew = state.rng.one(&SKEWS);
            state.machines[index].skew = skew;
            state.log.count("skew");
            state.log.event(now, "skew", 0, || format!("machine {index} by {} s", skew / SECOND));
        } else if restore > 0 && state.rng.chance(restore) {
            drop(state);
            self.restore();
        } else if state.swarm.swap > 0 && {
            let swap = state.swarm.swap;
            state.rng.chance(swap)
        } {
            drop(state);
            self.swap();
        } else {
            return false;
        }
        true
    }

    /// The process is gone; a new one starts after `down`.
    fn crash(&mut self, index: usize, down: i64) {
        let daemon = &mut self.daemons[index];
        if daemon.pass.take().is_some() {
            // Some attempts to pass are lost for good, so that histories with many crashes end.
            self.passes_left = self.passes_left.saturating_sub(u32::from(self.passes_left > 1));
        }
        daemon.shop = None;
        daemon.last = None;
        let now = self.sim.lock().now;
        daemon.next = daemon.next.max(now + down);
        if down == 0 {
            daemon.next = now;
        }
    }

    /// The credential comes to open another shop, or the right one again; for that every program is started anew.
    fn swap(&mut self) {
        {
            let mut state = self.sim.lock();
            let is_bound = |store: &SqliteStore| store.shop().now_or_never().unwrap().unwrap().is_some();
            if !state.stores.iter().all(is_bound) {
                return;
            }
            state.oracle.is_swapped ^= true;
            let is_swapped = state.oracle.is_swapped;
            let other = state.world.accounts().shop_id ^ OTHER_SHOP;
            state.world.accounts_mut().shop_id = other;
            state.log.count("swap");
            let now = state.now;
            state.log.event(now, "swap", u64::from(is_swapped), || format!("the shop is {other} now"));
        }
        for index in 0..self.daemons.len() {
            self.crash(index, 0);
        }
    }

    /// Keeps a copy of the first store, or puts the one kept in its place.
    fn restore(&mut self) {
        let Some(backup) = self.backup.take() else {
            let state = self.sim.lock();
            self.backup = Some(state.stores[0].fork_in_memory().unwrap());
            return;
        };
        for index in 0..self.daemons.len() {
            if self.sim.lock().machines[index].store == 0 {
                self.crash(index, 0);
            }
        }
        let mut state = self.sim.lock();
        let now = state.now;
        state.log.count("restore");
        state.log.event(now, "restore", 0, String::new);
        state.stores[0] = backup;
        // Of an answer to a request that the copy never heard of, nobody could tell where reads carry no ids.
        state.answered.clear();
        state.forget_what_is_hidden();
        state.oracle.states.retain(|(store, _), _| *store != 0);
        state.oracle.read.retain(|(store, _), _| *store != 0);
        // What the copy does not know of is not held any more, as for a merchant who restored it.
        state.oracle.held_at.retain(|(store, _), _| *store != 0);
        if state.stores[0].is_stopped().now_or_never().unwrap().unwrap() {
            state.oracle.stopped_at.entry(0).or_insert(now);
        } else {
            state.oracle.stopped_at.remove(&0);
        }
    }

    /// The next thing that can happen, drawn from all of them.
    fn step(&mut self) {
        self.hear();
        let mut state = self.sim.lock();
        let now = state.now;
        let mut ready: Vec<u64> = Vec::new();
        for (id, slot) in &state.slots {
            let can = match &slot.waiting {
                _ if slot.done.is_some() => false,
                Waiting::Turn => true,
                Waiting::Sleep { until } => *until <= now,
                Waiting::Net(flight) => flight.answer.as_ref().is_none_or(|(_, at)| *at <= now),
            };
            if can {
                ready.push(*id);
            }
        }
        let ghosts = state.zombies.len();
        if !ready.is_empty() || ghosts > 0 && state.rng.chance(100) {
            let at = {
                let count = ready.len().max(1);
                state.rng.index(count)
            };
            if let Some(id) = ready.get(at).copied() {
                let latency = if state.faults { state.rng.ms(0, 80) } else { 5 };
                state.pass(latency);
                go_on(&mut state, id);
            } else {
                let ghost = state.rng.index(ghosts);
                state.haunt(ghost);
            }
            return;
        }
        drop(state);
        self.advance();
    }

    /// Messages of the shop that have arrived wake programs that wait for their next pass.
    fn hear(&mut self) {
        let mut state = self.sim.lock();
        if !state.faults || !state.hear() {
            return;
        }
        let now = state.now;
        for (machine, daemon) in state.machines.iter().zip(&mut self.daemons) {
            if machine.frozen_until <= now && daemon.shop.is_some() {
                daemon.next = daemon.next.min(now);
            }
        }
    }

    /// Nothing can happen now: time passes until something can.
    fn advance(&mut self) {
        let mut state = self.sim.lock();
        let now = state.now;
        let mut until: Option<i64> = None;
        let mut sooner = |at: i64| until = Some(until.map_or(at, |then: i64| then.min(at)));
        for slot in state.slots.values().filter(|slot| slot.done.is_none()) {
            match &slot.waiting {
                Waiting::Sleep { until } => sooner(*until),
                Waiting::Net(flight) => sooner(flight.answer.as_ref().map_or(now, |(_, at)| *at)),
                Waiting::Turn => {}
            }
        }
        for (machine, daemon) in state.machines.iter().zip(&self.daemons) {
            if machine.frozen_until > now {
                sooner(machine.frozen_until);
            } else if daemon.pass.is_none() && self.passes_left > 0 {
                sooner(daemon.next.max(now));
            }
        }
        let Some(mut until) = until else { return };
        // Once all is quiet nobody hears messages any more, and nothing waits for one.
        if state.faults
            && let Some(message) = state.next_message()
        {
            until = until.min(message.max(now));
        }
        if until > now + LATEST {
            // No request is under way for longer than a minute after its sender gave up.
            settle_ghosts(&mut state, until);
        }
        let rest = (until - state.now).max(0);
        state.pass(rest);
        let now = state.now;
        let woken: Vec<usize> =
            (0..self.daemons.len()).filter(|index| state.machines[*index].frozen_until <= now).collect();
        drop(state);
        for index in woken {
            let daemon = &mut self.daemons[index];
            daemon.flag.0.store(true, Ordering::Relaxed);
            if daemon.pass.is_none() && self.passes_left > 0 && daemon.next <= now {
                self.passes_left -= 1;
                self.begin_pass(index);
            }
        }
    }

    /// Faults stop, clocks are right, and time passes.
    fn quiet(&mut self) {
        if self.is_broken() {
            return;
        }
        if self.sim.lock().oracle.is_swapped {
            self.swap();
        }
        {
            let mut state = self.sim.lock();
            let until = state.now + 3 * MINUTE;
            settle_ghosts(&mut state, until);
            state.faults = false;
            state.forced.clear();
            let now = state.now;
            state.log.event(now, "quiet", 0, String::new);
            for machine in &mut state.machines {
                machine.skew = 0;
                machine.frozen_until = 0;
            }
            state.oracle.stopped_at.clear();
            state.oracle.held_at.clear();
            let at = state.at();
            let orders: Vec<_> = state.world.all_shop_truth().into_iter().map(|shop| OrderId(shop.id)).collect();
            for store in &state.stores {
                let said = || ("operator".to_owned(), "because".to_owned());
                let (who, why) = said();
                let _ = store.operate(Operation::Resume, who, why, at).now_or_never();
                for order in &orders {
                    let (who, why) = said();
                    let _ = store.operate(Operation::Release(*order), who, why, at).now_or_never();
                }
            }
        }
        for wait in [MINUTE, 100 * MINUTE, 24 * HOUR, 6 * HOUR, 2 * HOUR] {
            {
                let mut state = self.sim.lock();
                state.pass(wait);
                state.nightly = wait == 24 * HOUR;
            }
            self.everybody_passes();
            if self.is_broken() {
                return;
            }
        }
        let mut state = self.sim.lock();
        super::oracle::effects::check(&mut state);
        for store in 0..state.stores.len() {
            books::check_one(&mut state, store);
        }
        rest::converges(&mut state);
        people::nobody_is_wronged_in_silence(&mut state);
        rest::limits_of_passes(&mut state);
        people::nobody_is_asked_in_vain(&mut state);
        drop(state);
        if !self.is_broken() {
            self.second_pass_is_silent();
        }
    }

    pub fn everybody_passes(&mut self) {
        for index in 0..self.daemons.len() {
            self.begin_pass(index);
            self.go_on(index, |_| false);
        }
    }

    /// A pass of the first machine, up to the first event that says this.
    pub fn pass_until(&mut self, said: &str) {
        self.begin_pass(0);
        self.go_on(0, |sim| sim.lock().log.text().contains(said));
    }

    /// The pass of one machine, to its end unless `is_over` says so before.
    pub fn go_on(&mut self, index: usize, is_over: impl Fn(&Sim) -> bool) {
        for _ in 0..STEPS {
            self.poll();
            if self.daemons[index].pass.is_none() || self.is_broken() || is_over(&self.sim) {
                break;
            }
            self.passes_left = 0;
            self.step();
        }
    }

    fn second_pass_is_silent(&mut self) {
        let before = rest::still(&self.sim.lock());
        self.sim.lock().pass(MINUTE);
        self.everybody_passes();
        let mut state = self.sim.lock();
        let after = rest::still(&state);
        if before != after {
            state
                .oracle
                .fail("second_pass_is_silent", format!("writes and journal rows went from {before:?} to {after:?}"));
        }
    }

    fn end(self) -> Outcome {
        drop((self.daemons, self.backup));
        let mut state = self.sim.lock();
        let words = state.books();
        state.log.mix(words.as_bytes());
        let asked = std::env::var_os("SIM_JOURNALS").is_some();
        let outcome = Outcome {
            breach: state.oracle.breach.clone(),
            digest: state.log.digest(),
            journals: asked.then(|| hex(&Sha256::digest(state.journal()))),
            events: state.log.events,
            counts: state.log.counts.clone(),
            text: if state.log.told { format!("{}\n{}", state.log.text(), state.journal()) } else { String::new() },
        };
        // A shop that stands under two names would meet its other name in the store of the next history; and breaks are
        // numbered on in a store that was used before.
        let stores: Vec<_> = state.stores.drain(..).collect();
        if !state.swarm.two_names && !asked {
            stores.into_iter().for_each(shelf::put_back);
        }
        outcome
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn go_on(state: &mut super::sim::State, id: u64) {
    let Some(slot) = state.slots.get(&id) else { return };
    match &slot.waiting {
        Waiting::Turn | Waiting::Sleep { .. } => state.finish(id, Done::Went),
        Waiting::Net(flight) if flight.answer.is_some() => state.come_back(id),
        Waiting::Net(_) => state.arrive(id),
    }
}

/// Requests that nobody waits for arrive or are lost before their time is up.
fn settle_ghosts(state: &mut super::sim::State, until: i64) {
    let mut index = 0;
    while index < state.zombies.len() {
        if state.zombies[index].until > until {
            index += 1;
            continue;
        }
        if state.rng.chance(600) {
            state.haunt(index);
        } else {
            state.zombies.swap_remove(index);
        }
    }
}
