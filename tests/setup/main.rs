//! Setting up: `init`, `check` and `webhooks` of the built program, against the sandbox, as somebody does who has never
//! run it before.
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

mod check;
mod init;
mod rehearse;
#[path = "../daemon/service.rs"]
mod service;
#[path = "../end_to_end/support/mod.rs"]
mod support;
mod webhooks;
