//! The built program, killed and stopped at random moments, with a second instance beside it: what became of the money.
//!
//! Shops whose Klarna remembers idempotency keys and shops whose Klarna forgets them; new work arrives all the time.
//! Doubled and lost effects are counted in the sandbox's ground truth and printed. `TORTURE_KILLS` sets how many
//! programs are killed; `RECONCILED_DEEP=1` kills thousands.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    clippy::unwrap_used,
    reason = "a panic is a failed test, and the rig is shared with other test programs"
)]

#[path = "../end_to_end/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use reconciled_sandbox::{KlarnaStart, NewOrder, Request, Side};
use rustix::process::{Pid, Signal, kill_process};
use support::truth::Pair;
use support::{DRIVE_PATIENTLY, Rig};

/// How long Klarna remembers a key where it forgets, and how long a stopped program lies still: longer.
const KEY_LIFE_SECONDS: &str = "1";
const STOPPED: Duration = Duration::from_millis(1_300);

/// A shop keeps so many programs; then a new shop opens, so that passes stay short and a pass keeps finding new work.
const KILLS_PER_SHOP: u64 = 10;
const SHOPS_AT_ONCE: u64 = 8;

fn knob(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a knob of the test alone")]
    std::env::var(name).ok()
}

fn kills() -> u64 {
    let otherwise = if knob("RECONCILED_DEEP").as_deref() == Some("1") { 10_000 } else { 40 };
    knob("TORTURE_KILLS").and_then(|it| it.parse().ok()).unwrap_or(otherwise)
}

/// What was done to programs, and what became of the money.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    kills: u64,
    stops: u64,
    seconds: u64,
    effects: u64,
    doubled: u64,
    /// Orders that are not settled, and no intent is looked for any more.
    lost: u64,
    /// Orders that are not settled, and the ladder's next rung is minutes away.
    waiting: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.kills += other.kills;
        self.stops += other.stops;
        self.seconds += other.seconds;
        self.effects += other.effects;
        self.doubled += other.doubled;
        self.lost += other.lost;
        self.waiting += other.waiting;
    }
}

/// The next of a fixed sequence of numbers without a pattern.
fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process of ours");
    // It may have ended by itself.
    let _ = kill_process(pid, signal);
}

fn start(rig: &Rig) -> Child {
    let mut command = rig.command(&["reconcile", "--json"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Waits for a random number of requests, or of milliseconds; at most two seconds.
fn a_moment(rig: &Rig, child: &mut Child, seed: &mut u64) {
    let by_requests = draw(seed).is_multiple_of(2);
    let (before, after) = (rig.log().len(), usize::try_from(draw(seed) % 40).unwrap());
    let patience = if by_requests { 2_000 } else { draw(seed) % 300 };
    for _ in 0..patience {
        let is_there = by_requests && rig.log().len() >= before + after;
        if is_there || child.try_wait().unwrap().is_some() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Work of every kind arrives, now: what is dated back would lie behind the program's cursors.
fn arrive(rig: &Rig, seed: &mut u64) {
    let amount = 2_000 + i64::try_from(draw(seed) % 5_000).unwrap();
    let place = |klarna, shipped| rig.place(&NewOrder { shipped, ..NewOrder::of(amount, klarna) });
    rig.credit_aged(&place(KlarnaStart::Captured, true), 1_500, 0);
    rig.cancel(&place(KlarnaStart::PartCaptured(1_000), false));
    place(KlarnaStart::Authorized, true);
}

/// One program, or two, and what is done to them.
fn torment(rig: &Rig, seed: &mut u64, tally: &mut Tally) {
    let mut child = start(rig);
    a_moment(rig, &mut child, seed);
    match draw(seed) % 5 {
        0 => {
            signal(&child, Signal::STOP);
            let mut second = start(rig);
            thread::sleep(STOPPED);
            signal(&child, Signal::CONT);
            a_moment(rig, &mut second, seed);
            end(second);
            (tally.stops, tally.seconds, tally.kills) = (tally.stops + 1, tally.seconds + 1, tally.kills + 1);
            a_moment(rig, &mut child, seed);
        }
        1 => {
            let mut second = start(rig);
            a_moment(rig, &mut second, seed);
            end(second);
            (tally.seconds, tally.kills) = (tally.seconds + 1, tally.kills + 1);
        }
        _ => {}
    }
    end(child);
    tally.kills += 1;
}

/// One shop from its opening until it rests.
fn shop(number: u64, forgets: bool, wanted: u64) -> Tally {
    let limits = "refund_limit_per_pass = \"90000.00\"\nrefund_limit_per_day = \"90000.00\"";
    let rig = Rig::empty(&format!("{DRIVE_PATIENTLY}\n{limits}"));
    // Whoever is started thirty times within five minutes has no calls left under Lightspeed's own figures.
    rig.with(|world| {
        let figures = world.limits_mut();
        for figure in [&mut figures.lightspeed_five_minutes, &mut figures.lightspeed_hour, &mut figures.lightspeed_day]
        {
            *figure = 1_000_000;
        }
    });
    if forgets {
        rig.switch("klarna.key_ttl_s", KEY_LIFE_SECONDS);
    }
    let mut seed = number.wrapping_mul(7_919) + 17;
    let mut tally = Tally::default();
    while tally.kills < wanted {
        arrive(&rig, &mut seed);
        torment(&rig, &mut seed, &mut tally);
    }
    let looked_for = rest(&rig);
    for pair in judge(&rig, &looked_for, &mut tally) {
        println!("lost: {pair:#?}");
    }
    rig.audit();
    tally
}

/// Passes until one sends nothing; the orders with an effect whose outcome is still looked for.
fn rest(rig: &Rig) -> BTreeSet<String> {
    for _ in 0..8 {
        let before = rig.writes().len();
        let pass = rig.pass();
        if pass.status != 3 && rig.writes().len() == before {
            let open = pass.list("effects").iter().filter(|it| it["outcome"] == "unknown" || it["outcome"] == "held");
            return open.map(|it| support::text(&it["order"])).collect();
        }
    }
    panic!("eight passes do not come to rest; the last one said {:#}", rig.pass().json);
}

/// Counts what happened at Klarna against what the shop's papers oblige; what was lost.
fn judge(rig: &Rig, looked_for: &BTreeSet<String>, tally: &mut Tally) -> Vec<Pair> {
    let mut lost = Vec::new();
    for pair in rig.pairs() {
        let (klarna, number) = (&pair.klarna, &pair.shop.number);
        let mut refunds: BTreeMap<String, u64> = BTreeMap::new();
        for refund in pair.ours() {
            *refunds.entry(refund.reference.clone().unwrap_or_default()).or_default() += 1;
        }
        let captures = klarna.captures.iter().filter(|it| it.idempotency_key.is_some()).count();
        tally.effects += refunds.values().sum::<u64>() + u64::try_from(captures).unwrap();
        tally.doubled += refunds.values().map(|times| times - 1).sum::<u64>();
        tally.doubled += u64::try_from(captures.saturating_sub(1)).unwrap();
        let is_back = if pair.is_cancelled() {
            klarna.refunded_amount == klarna.captured_amount && klarna.remaining_authorized_amount == 0
        } else {
            klarna.captured_amount == klarna.order_amount
                && pair.credits().all(|it| refunds.contains_key(&it.number) && it.status == "paid")
        };
        match (is_back, looked_for.contains(number)) {
            (true, _) => {}
            (false, true) => tally.waiting += 1,
            (false, false) => lost.push(pair),
        }
    }
    tally.lost += u64::try_from(lost.len()).unwrap();
    lost
}

/// The count can fail: what nobody did is lost, and what somebody did twice is doubled.
#[test]
fn the_count_sees_what_is_lost_and_what_is_doubled() {
    let rig = Rig::empty(DRIVE_PATIENTLY);
    arrive(&rig, &mut 1);
    let mut tally = Tally::default();
    judge(&rig, &BTreeSet::new(), &mut tally);
    assert_eq!((tally.doubled, tally.lost), (0, 3));

    let order = rig.pairs().into_iter().find(|it| it.credits().next().is_some() && !it.is_cancelled()).unwrap();
    let reference = order.credits().next().unwrap().number.clone();
    for key in ["one", "another"] {
        let body = format!("{{\"refunded_amount\": 500, \"reference\": \"{reference}\"}}");
        let path = format!("/ordermanagement/v1/orders/{}/refunds", order.klarna.order_id);
        rig.with(|world| {
            let authorization = world.accounts().merchant_authorization();
            let request = Request::new("POST", &path).with_header("Authorization", &authorization);
            let request = request.with_header("Content-Type", "application/json").with_body(body);
            world.handle(Side::Klarna, &request.with_header("Klarna-Idempotency-Key", key), support::now())
        });
    }
    let mut tally = Tally::default();
    judge(&rig, &BTreeSet::new(), &mut tally);
    assert_eq!(tally.doubled, 1);
}

fn shops(forgets: bool, wanted: u64) -> Tally {
    let count = wanted.div_ceil(KILLS_PER_SHOP);
    let mut all = Tally::default();
    thread::scope(|scope| {
        let lane = |first: u64| {
            let mut tally = Tally::default();
            for number in (first..count).step_by(usize::try_from(SHOPS_AT_ONCE).unwrap()) {
                tally.add(shop(number * 2 + u64::from(forgets), forgets, KILLS_PER_SHOP));
            }
            tally
        };
        let lanes: Vec<_> = (0..SHOPS_AT_ONCE.min(count)).map(|first| scope.spawn(move || lane(first))).collect();
        for lane in lanes {
            all.add(lane.join().unwrap());
        }
    });
    all
}

#[test]
fn whatever_is_killed_or_stopped_nothing_is_doubled_and_nothing_is_lost() {
    println!(
        "| Klarna | kill -9 | stopped past the key's life | second instances | effects | doubled | lost | waiting |"
    );
    for (name, forgets) in [("remembers keys", false), ("forgets keys", true)] {
        let it = shops(forgets, kills().div_ceil(2));
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} |",
            it.kills, it.stops, it.seconds, it.effects, it.doubled, it.lost, it.waiting
        );
        println!(
            "@ program killed, Klarna {name} | {} kills, {} effects, {} doubled, {} lost",
            it.kills, it.effects, it.doubled, it.lost
        );
        assert!(it.effects > it.kills / 2, "too little happened to prove anything: {it:?}");
        assert_eq!((it.doubled, it.lost), (0, 0), "{name}");
    }
}
