//! What real shops show, as scenes: the built program over the sandbox on loopback, and what must have come of it.
//!
//! A scene is a row: what people and both services do, then the money at Klarna, the state of the credit invoices, the
//! exit status and the breaks. Every remedy that a scene's breaks print as a command is pasted and run afterwards, and no
//! cent may move twice through it. The money is read from the sandbox's ground truth, never from what the program says.
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

mod cards;
mod delivered;
mod documents;
mod identity;
mod links;
mod not_yet;
mod parts;
mod play;
mod remedies;
#[path = "../end_to_end/support/mod.rs"]
mod support;
mod vanished;
