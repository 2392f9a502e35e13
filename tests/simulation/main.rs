//! The whole program, simulated: the real pass, the real clients and real SQL over the sandbox, under seeded schedules
//! of everything that can go wrong.
//!
//! One seed is one history, and the same history every time. Replay one with
//! `SIM_SEED=123 cargo test --test simulation -- replay --nocapture`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    clippy::should_implement_trait,
    unreachable_pub,
    reason = "a panic is a failed test; seeds come from the environment"
)]

/// A history is thousands of small objects, made and thrown away.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod acts;
mod found;
mod habits;
mod hints;
mod log;
mod net;
mod operators;
mod oracle;
#[cfg(reconciled_plants)]
mod plants;
mod remedies;
mod rng;
mod run;
mod seeds;
mod shelf;
mod sim;
mod stored;
mod swarm;
mod time;
mod wide;
