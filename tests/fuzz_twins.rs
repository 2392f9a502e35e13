//! The fuzz targets on the stable compiler: the committed corpus, random bytes, mutants of the corpus, and inputs put
//! together out of the words of each format.
//!
//! `fuzz/README.md` says how the fuzzer itself runs. The bodies of the targets are the same, in `fuzz/targets`.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on fails, and its helpers with it"
)]

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use targets::{ALL, Target};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = root().join("corpus").join(target.name);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// One change of a text: a byte, a gap, a repetition, or a piece of another text.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Cut(Index, Index),
    Repeat(Index, Index),
    Insert(Index, Vec<u8>),
}

impl Change {
    fn apply(&self, text: &mut Vec<u8>) {
        let place = |index: &Index, text: &[u8]| index.index(text.len() + 1);
        let range = |from: &Index, to: &Index, text: &[u8]| {
            let (from, to) = (place(from, text), place(to, text));
            from.min(to)..from.max(to)
        };
        match self {
            Self::Set(at, byte) => {
                let at = place(at, text);
                if let Some(found) = text.get_mut(at) {
                    *found = *byte;
                }
            }
            Self::Cut(from, to) => {
                text.drain(range(from, to, text));
            }
            Self::Repeat(from, to) => {
                let range = range(from, to, text);
                let piece = text[range.clone()].to_vec();
                text.splice(range.end..range.end, piece);
            }
            Self::Insert(at, piece) => {
                let at = place(at, text);
                text.splice(at..at, piece.iter().copied());
            }
        }
    }
}

fn change(words: &'static [&'static str]) -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    let word = select(words).prop_map(|word| word.as_bytes().to_vec());
    prop_oneof![
        3 => (place(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => (place(), place()).prop_map(|(from, to)| Change::Cut(from, to)),
        1 => (place(), place()).prop_map(|(from, to)| Change::Repeat(from, to)),
        3 => (place(), word).prop_map(|(at, word)| Change::Insert(at, word)),
    ]
}

/// Mutants of the corpus, sentences of the format's words, and random bytes.
fn input(target: &Target) -> impl Strategy<Value = Vec<u8>> + use<> {
    let mutant = (select(corpus(target)), vec(change(target.words), 1..6)).prop_map(|(mut text, changes)| {
        for change in changes {
            change.apply(&mut text);
        }
        text
    });
    let sentence = vec(select(target.words), 0..24).prop_map(|words| words.concat().into_bytes());
    prop_oneof![5 => mutant, 4 => sentence, 1 => vec(any::<u8>(), 0..200)]
}

/// Runs generated inputs through one target; a failure is shrunk and shown.
fn twin(target: &Target) {
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&input(target), |data| {
        let body = || (target.run)(&data);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        caught.map(|_| ()).map_err(|_| TestCaseError::fail(format!("{:?}", String::from_utf8_lossy(&data))))
    });
    outcome.unwrap_or_else(|error| panic!("{}: {error}", target.name));
}

#[test]
fn the_corpus_of_every_target_holds_what_is_accepted_and_what_is_not() {
    for target in ALL {
        let accepted: BTreeSet<bool> = corpus(target).iter().map(|data| (target.run)(data)).collect();
        assert_eq!(accepted.len(), 2, "{}: the corpus never gets past the first check, or always", target.name);
    }
}

#[test]
fn every_target_is_built_and_has_a_corpus() {
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect()
    };
    let all: BTreeSet<String> = ALL.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!((names("fuzz_targets"), names("corpus")), (all.clone(), all.clone()));
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for name in all {
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n")), "{name}");
        let source = fs::read_to_string(root().join("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(source.contains(&format!("targets::{name}(data)")), "{name} fuzzes something else");
    }
}

#[test]
fn the_corpus_is_small_and_names_nobody() {
    let files: Vec<(&str, Vec<u8>)> =
        ALL.iter().flat_map(|target| corpus(target).into_iter().map(|data| (target.name, data))).collect();
    let total: usize = files.iter().map(|(_, data)| data.len()).sum();
    assert!(total < 200_000, "{total} bytes");
    for (name, data) in files {
        assert!(!data.contains(&b'@'), "{name}: an address");
    }
}

macro_rules! twins {
    ($($name:ident),+ $(,)?) => {
        mod twins {
            $(
                #[test]
                fn $name() {
                    let found = super::ALL.iter().find(|target| target.name == stringify!($name));
                    super::twin(found.unwrap());
                }
            )+
        }

        #[test]
        fn every_target_has_its_twin() {
            let twins = [$(stringify!($name)),+];
            assert_eq!(ALL.iter().map(|target| target.name).collect::<Vec<_>>(), twins);
        }
    };
}

twins!(
    budget_headers,
    config_toml,
    dates,
    durations,
    ids,
    klarna_answer,
    klarna_order,
    lightspeed_answer,
    lightspeed_documents,
    lightspeed_order,
    lightspeed_pages,
    lightspeed_shop,
    money,
    sandbox_control,
);
