//! The built program as a service, against the sandbox: schedule, signals, hints, health.
//!
//! Every wait is for something to become so, with a far limit; nothing here asserts how long anything took.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    clippy::unwrap_used,
    reason = "a panic is a failed test, and fixtures are shared by many of them"
)]

mod app;
mod consent;
mod day;
mod decisions;
mod hints;
mod page;
mod reports;
mod schedule;
mod service;
mod signals;
#[path = "../end_to_end/support/mod.rs"]
mod support;
mod time;
mod visitor;
