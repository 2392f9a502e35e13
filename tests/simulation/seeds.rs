//! Many seeds, one seed again, and the same seed twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};

use super::habits::HABITS;
use super::run::{Outcome, run};
use super::swarm::{BESIDE, DAILY, LEFT_ALONE, NET_FAULTS, ODD, RARE, SWITCHES, TRIED, is_drawn};

/// What fits into half a minute of a debug build on one core.
const SEEDS: u64 = 100;

/// A figure from the environment: how many seeds (`SIM_SEEDS`), from which on (`SIM_FROM`), on how many cores
/// (`SIM_THREADS`), and which one to replay (`SIM_SEED`). `SIM_JOURNALS` names a file for a digest of each seed's journals.
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

pub fn threads() -> usize {
    usize::try_from(number("SIM_THREADS").unwrap_or(1)).unwrap()
}

/// Says everything about a seed that breaks an invariant.
fn tell(seed: u64) -> String {
    let again = run(seed, true);
    let breach = again.breach.map(|breach| format!("{}: {}", breach.invariant, breach.what)).unwrap_or_default();
    format!(
        "{}\nseed {seed} breaks {breach}\nSIM_SEED={seed} cargo test --test simulation -- replay --nocapture\n",
        again.text
    )
}

struct Ran {
    /// Processor time of all threads together.
    busy_ms: u64,
    broken: Vec<(u64, Outcome)>,
    seeds: u64,
    events: u64,
    /// In how many seeds each fault and each act came.
    drawn: BTreeMap<&'static str, u64>,
    /// What became of each seed's journals, where that is asked for.
    journals: BTreeMap<u64, String>,
}

/// Processor time of this thread, in microseconds.
fn processor_us() -> u64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(used.tv_sec * 1_000_000 + used.tv_nsec / 1_000).unwrap()
}

/// Runs seeds until so many broke; gives the broken ones and what was counted.
fn run_all(from: u64, count: u64, most: usize) -> Ran {
    let (drawn, journals) = (Mutex::new(BTreeMap::new()), Mutex::new(BTreeMap::new()));
    let (next, events, ran) = (AtomicU64::new(from), AtomicU64::new(0), AtomicU64::new(0));
    let broken = Mutex::new(Vec::new());
    let busy = AtomicU64::new(0);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + count || broken.lock().unwrap().len() >= most {
                return;
            }
            let before = processor_us();
            let outcome = run(seed, false);
            busy.fetch_add(processor_us() - before, Ordering::Relaxed);
            events.fetch_add(outcome.events, Ordering::Relaxed);
            ran.fetch_add(1, Ordering::Relaxed);
            if let Some(digest) = &outcome.journals {
                journals.lock().unwrap().insert(seed, digest.clone());
            }
            let mut drawn = drawn.lock().unwrap();
            for what in outcome.counts.keys() {
                *drawn.entry(*what).or_default() += 1;
            }
            if let Some(breach) = &outcome.breach {
                println!("seed {seed}: {}: {}", breach.invariant, breach.what.chars().take(300).collect::<String>());
                broken.lock().unwrap().push((seed, outcome));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(work);
        }
    });
    Ran {
        busy_ms: busy.into_inner() / 1_000,
        broken: broken.into_inner().unwrap(),
        seeds: ran.into_inner(),
        events: events.into_inner(),
        drawn: drawn.into_inner().unwrap(),
        journals: journals.into_inner().unwrap(),
    }
}

#[test]
fn no_seed_breaks_an_invariant() {
    let (from, count) = (number("SIM_FROM").unwrap_or(1), number("SIM_SEEDS").unwrap_or(SEEDS));
    let most = usize::try_from(number("SIM_SHOW").unwrap_or(1)).unwrap();
    let ran = run_all(from, count, most);
    println!("{} seeds, {} events, {} broken", ran.seeds, ran.events, ran.broken.len());
    tell_what_was_drawn(&ran);
    if let Some(path) = std::env::var_os("SIM_JOURNALS") {
        let lines: String = ran.journals.iter().map(|(seed, digest)| format!("{seed} {digest}\n")).collect();
        std::fs::write(path, lines).unwrap();
    }
    let (seeds, rate) = (ran.seeds, ran.seeds * 1_000 / ran.busy_ms.max(1));
    println!("@ simulated histories | {seeds}, {} broken; {rate} a second on a core", ran.broken.len());
    if let Some((seed, _)) = ran.broken.first() {
        panic!("{}", tell(*seed));
    }
    if ran.seeds >= 50 * SEEDS {
        everything_happens(&ran.drawn);
    }
}

/// Every kind of event, and in how many seeds it came.
fn tell_what_was_drawn(ran: &Ran) {
    println!("| {:32} | {:>8} |", "event", "in seeds");
    for (what, seeds) in &ran.drawn {
        println!("| {what:32} | {seeds:8} |");
    }
}

/// What a generator never makes, no oracle can judge. The rarest act comes about once in fifteen hundred seeds.
fn everything_happens(drawn: &BTreeMap<&'static str, u64>) {
    let faults = NET_FAULTS.iter().map(|it| it.name());
    let acts = DAILY.iter().chain(&RARE).chain(&TRIED).chain(&ODD).map(|it| it.name());
    let never: Vec<_> = faults
        .chain(acts)
        .chain(["crash", "freeze", "skew", "restore", "zombie", "hint", "forged_hint", "propose", "consent"])
        .chain(BESIDE)
        .chain(HABITS.iter().map(|it| it.name))
        .filter(|what| is_drawn(what) && !drawn.contains_key(what))
        .collect();
    assert!(never.is_empty(), "never happened: {never:?}");
}

/// The names of the plants in a text.
fn marks(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split("planted!(\"").skip(1);
    behind.filter_map(|rest| rest.split('"').next())
}

fn sources(folder: &std::path::Path, all: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("planted.rs") {
            all.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The program's source, file by file.
pub fn source() -> Vec<String> {
    let mut all = Vec::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "crates"] {
        sources(&root.join(folder), &mut all);
    }
    all
}

/// A line that can be spoilt and that nobody spoils proves nothing.
#[test]
fn every_mark_in_the_source_is_a_plant_that_is_tried() {
    let all = source();
    let marks: BTreeSet<_> = all.iter().flat_map(|text| marks(text)).collect();
    let list = include_str!("plants.rs");
    // This one belongs to the power cuts.
    let is_tried = |mark: &&&str| list.contains(&format!("(\"{mark}\"")) || **mark == "synchronous_normal";
    let untried: Vec<_> = marks.iter().filter(|mark| !is_tried(mark)).collect();
    assert!(untried.is_empty(), "marked and never tried: {untried:?}");
}

#[test]
fn every_switch_of_the_sandbox_is_drawn_or_left_alone_for_a_reason() {
    let known: BTreeSet<_> =
        SWITCHES.iter().map(|(name, _)| *name).chain(LEFT_ALONE.iter().map(|(name, _)| *name)).collect();
    let all: BTreeSet<_> = reconciled_sandbox::Switches::default().list().into_iter().map(|it| it.name).collect();
    assert_eq!(known, all);
    for (name, values) in SWITCHES {
        for value in *values {
            reconciled_sandbox::Switches::default().set(name, value).unwrap();
        }
        assert!(values.len() > 1, "{name} has one value only");
    }
}

#[test]
fn a_seed_is_the_same_history_every_time() {
    for seed in 1..=12 {
        let (first, second) = (run(seed, false), run(seed, true));
        assert_eq!((first.digest, first.events), (second.digest, second.events), "seed {seed}");
    }
}

/// Prints the history of `SIM_SEED`, and fails where it breaks an invariant.
#[test]
fn replay() {
    let seed = number("SIM_SEED").unwrap_or(1);
    let outcome = run(seed, true);
    println!("{}", outcome.text);
    assert!(outcome.breach.is_none(), "seed {seed}: {:?}", outcome.breach);
}
