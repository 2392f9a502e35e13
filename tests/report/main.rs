//! The audit report: its formats, its schema, its sums and its closed periods, over stores made through the store's own
//! verbs with fixed times, so that every byte is known beforehand.
#![allow(
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "a panic is a failed test, and helpers are shared by several of them"
)]

mod closing;
mod golden;
mod hostile;
mod migrating;
mod periods;
mod schema;
mod seed;
mod sums;
