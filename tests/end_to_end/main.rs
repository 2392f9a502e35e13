//! The built program against the sandbox, over real sockets and real files, as a user runs it.
//!
//! Expectations come from the outside contract, not from the code; the money is read from the sandbox's ground truth,
//! never from what the program says about it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    clippy::unwrap_used,
    reason = "a panic is a failed test, and helpers are shared by many of them"
)]

mod access;
mod audit_report;
mod calls;
mod crash;
mod desk;
mod durable;
mod happy;
mod history;
mod input;
mod lapse;
mod lost;
mod notified;
mod operators;
mod privacy;
mod refused;
mod report;
mod rows;
mod signed;
mod support;
mod told;
mod values;
mod vendor;
mod wake;
