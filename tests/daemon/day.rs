//! Whole days of the service's loop in simulated time: no schedule is missed and none is doubled.
//!
//! The loop, the turns and the agenda are the program's; the clock, the beat and the passes are the test's. Everything
//! but the order of what happens in one instant follows from one number. What a pass does is no matter here, only when it
//! begins, how long it takes, and that it may be cut off.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use reconciled::daemon::agenda::Job;
use reconciled::daemon::board::{Board, Ended};
use reconciled::daemon::wake::{self, Hints, Waker};
use reconciled::daemon::{Asked, ShopSchedule, Turn, Work, rounds};
use reconciled::schedule::{When, Zone};
use reconciled_core::id::ShopName;
use reconciled_sides::clock::Clock;
use reconciled_store::NextDue;

use crate::time::{self, elapsed, sleep};

const PERIOD: i64 = 300;

/// Simulated time, dated from `start`.
#[derive(Clone)]
struct Simulated {
    start: Timestamp,
}

impl Clock for Simulated {
    fn now(&self) -> Timestamp {
        self.start + SignedDuration::try_from(elapsed()).unwrap()
    }

    fn boottime(&self) -> Duration {
        Duration::from_secs(1_000) + elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        sleep(duration).await;
    }
}

/// Numbers that look drawn by lot, the same every time.
struct Lot(u64);

impl Lot {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// One pass: when it began, when it ended by itself.
#[derive(Clone, Debug)]
struct Run {
    shop: ShopName,
    job: Job,
    began: Timestamp,
    ended: Option<Timestamp>,
}

/// The shops, what their store remembers, and everything that happened.
struct Shops {
    clock: Simulated,
    names: Vec<ShopName>,
    longest: u64,
    lot: RefCell<Lot>,
    kept: RefCell<BTreeMap<ShopName, NextDue>>,
    running: RefCell<BTreeSet<ShopName>>,
    runs: RefCell<Vec<Run>>,
}

impl Shops {
    fn new(clock: Simulated, count: usize, longest: u64, seed: u64) -> Self {
        let names = (0..count).map(|number| ShopName(format!("shop-{number:02}"))).collect();
        let (kept, running, runs) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { clock, names, longest, lot: RefCell::new(Lot(seed)), kept, running, runs }
    }

    fn draw(&self, most: u64) -> u64 {
        self.lot.borrow_mut().below(most)
    }

    fn of(&self, shop: &ShopName) -> Vec<Run> {
        self.runs.borrow().iter().filter(|run| run.shop == *shop).cloned().collect()
    }
}

impl Work for Shops {
    async fn schedules(&self) -> Result<Vec<ShopSchedule>, String> {
        let poll = When::Every(SignedDuration::from_secs(PERIOD));
        let full = When::calendar("30 3 * * *", Zone::named("Europe/Amsterdam").unwrap()).unwrap();
        let kept = self.kept.borrow();
        let schedule = |shop: &ShopName| {
            let kept = kept.get(shop).copied();
            ShopSchedule { shop: shop.clone(), poll: poll.clone(), full: full.clone(), kept }
        };
        Ok(self.names.iter().map(schedule).collect())
    }

    async fn pass(&self, turn: Turn) -> Ended {
        let began = self.clock.now();
        assert!(self.running.borrow_mut().insert(turn.shop.clone()), "{} twice at once", turn.shop);
        let index = self.runs.borrow().len();
        self.runs.borrow_mut().push(Run { shop: turn.shop.clone(), job: turn.job, began, ended: None });
        let took = 1 + self.draw(self.longest);
        self.clock.sleep(Duration::from_secs(took)).await;
        self.kept.borrow_mut().insert(turn.shop.clone(), turn.next);
        self.running.borrow_mut().remove(&turn.shop);
        self.runs.borrow_mut()[index].ended = Some(self.clock.now());
        Ended::nothing(turn.job, began)
    }

    async fn reload(&self) -> Result<Vec<ShopSchedule>, String> {
        self.schedules().await
    }

    fn wind_down(&self) {}
}

/// Lets the service live for `life`, then cuts it off as a crash does.
async fn live(shops: &Rc<Shops>, life: Duration, asks: impl AsyncFnMut() -> Asked, during: impl Future<Output = ()>) {
    let (_waker, hints) = wake::channel();
    live_with(shops, life, asks, during, hints).await;
}

/// The same with hints of the test's own.
async fn live_with(
    shops: &Rc<Shops>, life: Duration, asks: impl AsyncFnMut() -> Asked, during: impl Future<Output = ()>, hints: Hints,
) {
    let tick = async || sleep(Duration::from_secs(1)).await;
    let board = Board::default();
    tokio::select! {
        ended = rounds(shops.as_ref(), &board, hints, &shops.clock, tick, asks) => panic!("it ended by itself: {ended:?}"),
        () = during => panic!("nothing goes on"),
        () = sleep(life) => {}
    }
    shops.running.borrow_mut().clear();
}

async fn nobody() -> Asked {
    std::future::pending().await
}

fn in_simulated_time(test: impl Future<Output = ()>) {
    time::block_on(test);
}

fn shops(start: &str, count: usize, longest: u64, seed: u64) -> Rc<Shops> {
    let clock = Simulated { start: start.parse().unwrap() };
    Rc::new(Shops::new(clock, count, longest, seed))
}

const HOUR: Duration = Duration::from_hours(1);

/// The days in the shop's zone on which a full pass began.
fn full_days(runs: &[Run]) -> Vec<String> {
    let zone = TimeZone::get("Europe/Amsterdam").unwrap();
    let full = runs.iter().filter(|run| run.job == Job::Full);
    full.map(|run| run.began.to_zoned(zone.clone()).date().to_string()).collect()
}

/// In which period after `first` a run began, and how many seconds into it.
fn slot(run: &Run, first: Timestamp) -> (i64, i64) {
    let after = run.began.duration_since(first).as_secs();
    (after.div_euclid(PERIOD), after.rem_euclid(PERIOD))
}

#[test]
fn in_a_quiet_day_every_poll_is_on_its_second_and_none_is_missed_or_doubled() {
    in_simulated_time(async {
        let shops = shops("2026-11-22T10:00:00Z", 12, 200, 1);
        // Less a second, so that the poll of the next day is no part of it.
        live(&shops, Duration::from_secs(86_399), nobody, std::future::pending()).await;
        for (index, shop) in shops.names.iter().enumerate() {
            let runs = shops.of(shop);
            let first = shops.clock.start + SignedDuration::from_secs(PERIOD * i64::try_from(index).unwrap() / 12);
            let mut served = Vec::new();
            let mut busy_until = None;
            for run in &runs {
                let (slot, late) = slot(run, first);
                if run.job == Job::Poll {
                    // Only the full pass may hold a poll up, which then begins when that ends.
                    assert!(late <= 1 || busy_until == Some(run.began), "{shop} begins {late} seconds late: {run:?}");
                }
                if run.job == Job::Poll || late <= 1 {
                    served.push(slot);
                }
                busy_until = (run.job == Job::Full).then_some(run.ended).flatten();
            }
            assert_eq!(served, (0..288).collect::<Vec<_>>(), "{shop}");
            assert_eq!(full_days(&runs), ["2026-11-23"], "{shop}");
        }
    });
}

/// Passes that outlast their period, hints, reloads and crashes: a full pass completes on every day, a shop never waits
/// longer than its own pass, the crash and one period, and nothing but a crash brings a time twice.
#[test]
fn in_rough_days_a_full_pass_completes_daily_and_no_shop_is_forgotten() {
    for (seed, start) in [(1, "2026-10-24T08:00:00Z"), (2, "2027-03-27T08:00:00Z"), (3, "2028-02-28T08:00:00Z")] {
        in_simulated_time(async {
            let shops = shops(start, 6, 700, seed);
            let mut crashes = vec![shops.clock.start];
            let end = shops.clock.start + SignedDuration::from_hours(48);
            while shops.clock.now() < end {
                let left = end.duration_since(shops.clock.now()).unsigned_abs();
                let life = left.min(HOUR * 6 + Duration::from_secs(shops.draw(7_200)));
                let (waker, hints) = wake::channel();
                let knocking = knock(shops.clone(), waker.clone());
                let asks = async || {
                    sleep(Duration::from_mins(50)).await;
                    Asked::Reload
                };
                live_with(&shops, life, asks, knocking, hints).await;
                crashes.push(shops.clock.now());
            }
            for shop in &shops.names {
                holds(&shops.of(shop), &crashes, &format!("seed {seed}, {shop}"));
            }
        });
    }
}

/// Hints for anybody, some of them for nobody.
async fn knock(shops: Rc<Shops>, waker: Waker) {
    loop {
        sleep(Duration::from_secs(60 + shops.draw(600))).await;
        let name = format!("shop-{:02}", shops.draw(7));
        assert!(waker.wake(ShopName(name)));
    }
}

fn holds(runs: &[Run], crashes: &[Timestamp], what: &str) {
    let completed: Vec<Run> = runs.iter().filter(|run| run.ended.is_some()).cloned().collect();
    let mut days = full_days(&completed);
    assert!(days.len() <= days.iter().collect::<BTreeSet<_>>().len() + crashes.len(), "{what}: {days:?}");
    days.dedup();
    assert_eq!(days.len(), 2, "{what}: a full pass completes each day: {days:?}");
    for pair in runs.windows(2) {
        let [before, run] = pair else { unreachable!("pairs") };
        // Cut off by a crash, or over: then the next one comes within a period, or at the start after the crash.
        let over = before.ended.or_else(|| crashes.iter().copied().find(|crash| *crash >= before.began)).unwrap();
        let waited = run.began.duration_since(over).as_secs();
        assert!((0..=PERIOD + 2).contains(&waited), "{what} waited {waited} seconds: {pair:?}");
    }
}
