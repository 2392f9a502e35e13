//! What is fuzzed: one function per parser, each with what must hold whatever the bytes are.
//!
//! The same functions run under cargo-fuzz (`fuzz/fuzz_targets`) and, on the stable compiler, in
//! `tests/fuzz_twins.rs`. Each returns whether the input was accepted, so that a corpus that never gets past the
//! first check shows. What must hold is said here in words of its own and shares nothing with the program.

#![allow(unreachable_pub, reason = "a library to the fuzzer, a module to the tests")]

mod klarna;
mod lightspeed;
mod sandbox;
mod values;
mod wire;

pub use klarna::{klarna_answer, klarna_order};
pub use lightspeed::{lightspeed_answer, lightspeed_documents, lightspeed_order, lightspeed_pages, lightspeed_shop};
pub use sandbox::sandbox_control;
pub use values::{budget_headers, config_toml, dates, durations, ids, money};

/// One target.
pub struct Target {
    /// Of its function, its binary and its folder of the corpus.
    pub name: &'static str,
    pub run: fn(&[u8]) -> bool,
    /// Pieces of which structured inputs are made.
    pub words: &'static [&'static str],
}

const fn target(name: &'static str, run: fn(&[u8]) -> bool, words: &'static [&'static str]) -> Target {
    Target { name, run, words }
}

pub const ALL: &[Target] = &[
    target("budget_headers", budget_headers, values::BUDGET_WORDS),
    target("config_toml", config_toml, values::CONFIG_WORDS),
    target("dates", dates, values::DATE_WORDS),
    target("durations", durations, values::DURATION_WORDS),
    target("ids", ids, values::ID_WORDS),
    target("klarna_answer", klarna_answer, klarna::ANSWER_WORDS),
    target("klarna_order", klarna_order, klarna::ORDER_WORDS),
    target("lightspeed_answer", lightspeed_answer, lightspeed::ANSWER_WORDS),
    target("lightspeed_documents", lightspeed_documents, lightspeed::DOCUMENT_WORDS),
    target("lightspeed_order", lightspeed_order, lightspeed::DOCUMENT_WORDS),
    target("lightspeed_pages", lightspeed_pages, lightspeed::PAGE_WORDS),
    target("lightspeed_shop", lightspeed_shop, lightspeed::SHOP_WORDS),
    target("money", money, values::MONEY_WORDS),
    target("sandbox_control", sandbox_control, sandbox::WORDS),
];
