//! Power loss and failing disks: the real pass over the real store on a disk that forgets what was not synced.
//!
//! One pass is recorded call by call; at every I/O call the power fails, a random subset of the unsynced sectors stays,
//! and the store found then must know an intent for everything that happened outside, hold every acknowledged commit
//! whole, verify its chain and come to rest. Then every call fails once. `RECONCILED_DEEP=1` draws many subsets.
#![allow(
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a panic is a failed test, and offsets are small"
)]

#[path = "../../crates/core/tests/common/mod.rs"]
mod common;
mod disk;
mod merchant;
mod oracle;
mod vfs;

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use disk::{Cut, Disk, Fault, Random};
use merchant::{Outside, Story, open, pass, world};
use reconciled_sandbox::World;
use vfs::{Mounted, locked};

/// Whether the large form was asked for.
fn is_deep() -> bool {
    #[expect(clippy::disallowed_methods, reason = "a knob of the test alone")]
    std::env::var_os("RECONCILED_DEEP").is_some_and(|it| it == "1")
}

/// A pass from the making of the store to its closing, every moment of it.
struct Recording {
    cuts: Vec<Cut>,
    /// What the tables held after each transaction; the first is before any.
    ended: Vec<u64>,
    worlds: Vec<(World, Duration)>,
}

fn recorded(told: Story, lazy: bool) -> Recording {
    let disk = Mounted::new(Disk::recording(lazy));
    let outside = Outside::new(world(told), merchant::LATER, disk.share());
    {
        let store = open(&disk).expect("an empty disk takes a store");
        let report = pass(&store, &outside).expect("nothing fails");
        assert_eq!(report.not_checked.len(), 0, "{:?}", report.not_checked);
    }
    let (cuts, ended) = disk.with(|disk| (std::mem::take(&mut disk.cuts), std::mem::take(&mut disk.ended)));
    let nothing = oracle::digest(&BTreeMap::new()).expect("nothing can be read");
    let digests = ended.iter().map(|files| oracle::digest(files).expect("what was written can be read"));
    let ended = [nothing].into_iter().chain(digests).collect();
    let worlds = std::mem::take(&mut *locked(&outside.history));
    Recording { cuts, ended, worlds }
}

impl Recording {
    /// One cut with one random subset; `whole` starts the program again and waits until it rests.
    fn cut(&self, at: usize, seed: u64, whole: bool) -> oracle::Breach {
        let cut = &self.cuts[at];
        let mut random = Random::new(seed.wrapping_mul(1_000_003) ^ u64::try_from(at).unwrap());
        let files = cut.image.after_the_cut(&mut random);
        let (world, passed) = &self.worlds[cut.effects];
        let acknowledged = &self.ended[cut.ended..self.ended.len().min(cut.ended + 2)];
        let stood = oracle::stands(&files, acknowledged, world);
        let rested = if whole && stood.is_ok() { oracle::comes_to_rest(&files, world, *passed) } else { Ok(()) };
        stood.and(rested).map_err(|why| format!("cut at call {at} ({}), seed {seed}: {why}", cut.call))
    }

    /// Every cut with `seeds` subsets each, every `nth` of them to the end: how many were made, and what was found.
    fn all(&self, seeds: u64, nth: u64) -> (usize, usize, Vec<String>) {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let worker = |first: usize| {
            let (mut cuts, mut whole, mut found) = (0, 0, Vec::new());
            for at in (first..self.cuts.len()).step_by(workers) {
                for seed in 0..seeds {
                    let to_the_end = (u64::try_from(at).unwrap() + seed).is_multiple_of(nth);
                    found.extend(self.cut(at, seed, to_the_end).err());
                    (cuts, whole) = (cuts + 1, whole + usize::from(to_the_end));
                }
            }
            (cuts, whole, found)
        };
        thread::scope(|scope| {
            let running: Vec<_> = (0..workers).map(|first| scope.spawn(move || worker(first))).collect();
            running.into_iter().fold((0, 0, Vec::new()), |(cuts, whole, mut all), it| {
                let (more, ended, found) = it.join().unwrap();
                all.extend(found);
                (cuts + more, whole + ended, all)
            })
        })
    }
}

#[test]
fn a_cut_at_any_call_loses_no_commit_and_no_effect_is_without_its_intent() {
    // In a shipped build the whole is drawn; a short run cuts at every call too, once, and starts fewer programs again.
    let (seeds, nth) = if is_deep() { (250, 50) } else { (1, 16) };
    println!("| pass | I/O calls | transactions | effects outside | cuts | to the end | breaches |");
    let mut all = 0;
    for story in [Story::Calm, Story::Lost] {
        let recording = recorded(story, false);
        let (calls, effects) = (recording.cuts.len(), recording.worlds.len() - 1);
        assert!(effects >= 6, "only {effects} effects: not every kind happened");
        let (cuts, whole, found) = recording.all(seeds, nth);
        let transactions = recording.ended.len() - 1;
        println!("| {story:?} | {calls} | {transactions} | {effects} | {cuts} | {whole} | {} |", found.len());
        assert!(found.is_empty(), "{} breaches, the first: {}", found.len(), found[0]);
        all += cuts;
    }
    println!("@ power cuts | {all}, no commit lost, no effect without its intent");
}

/// The harness can fail: without the sync of each commit the same cuts lose commits and intents.
#[test]
fn commits_that_are_not_synced_are_lost_and_the_harness_notices() {
    let recording = recorded(Story::Calm, true);
    let (cuts, _, found) = recording.all(if is_deep() { 20 } else { 1 }, u64::MAX);
    let lost = found.iter().filter(|why| why.contains("acknowledged")).count();
    let unintended = found.iter().filter(|why| why.contains("without an intent")).count();
    println!("as `synchronous=NORMAL`: {cuts} cuts, {lost} lost a commit, {unintended} an effect's intent");
    assert!(lost > 0 && unintended > 0, "{lost} and {unintended}: the harness is blind");
}

/// What came of one pass in which a call failed.
struct Failed {
    call: &'static str,
    /// The pass, or the opening before it, ended with an error.
    said: bool,
    /// The pass was over: the call belonged to closing the store.
    over: bool,
}

/// Fails one call of the same pass; the program then ends, and starts again on what is there.
fn fail(story: Story, at: usize, fault: Fault) -> Result<Option<Failed>, String> {
    let disk = Mounted::new(Disk::failing(at, fault));
    let outside = Outside::new(world(story), merchant::LATER, disk.share());
    let mut over = false;
    let said = open(&disk).and_then(|store| {
        let report = pass(&store, &outside);
        over = disk.with(|disk| disk.failed.is_none());
        report
    });
    let said = said.is_err();
    let Some(call) = disk.with(|disk| disk.failed) else { return Ok(None) };
    let files = disk.with(|disk| disk.contents());
    let (world, passed) = locked(&outside.history).last().cloned().unwrap();
    let named = |why| format!("{fault:?} at call {at} ({call}): {why}");
    oracle::stands(&files, &[], &world).map_err(named)?;
    oracle::comes_to_rest(&files, &world, passed).map_err(named)?;
    Ok(Some(Failed { call, said, over }))
}

#[test]
fn a_failing_or_full_disk_ends_the_pass_and_the_next_start_recovers() {
    let calls = recorded(Story::Calm, false).cuts.len();
    let step = if is_deep() { 1 } else { 24 };
    println!("| fault | calls failed | ended with an error | after the pass, at the closing | unnoticed | breaches |");
    for fault in [Fault::Broken, Fault::Full] {
        let (mut met, mut said, mut over, mut unnoticed) = (0, 0, 0, Vec::new());
        for at in (1..=calls).step_by(step) {
            let Some(failed) = fail(Story::Calm, at, fault).unwrap() else { continue };
            met += 1;
            match (failed.said, failed.over) {
                (true, _) => said += 1,
                (false, true) => over += 1,
                // With a size a checkpoint begins, after its commit: SQLite gives it up and tries again after the next.
                (false, false) if failed.call == "size" => over += 1,
                (false, false) => unnoticed.push((at, failed.call)),
            }
        }
        println!("| {fault:?} | {met} | {said} | {over} | {} | 0 |", unnoticed.len());
        println!("@ failing disk, {fault:?} | {met} calls, each noticed, each recovered from");
        assert!(said > 0, "nothing failed");
        assert!(unnoticed.is_empty(), "the pass went on over {unnoticed:?}");
    }
}
