//! The two services as this program reads them: HTTP underneath, budgets and clock, Lightspeed eCom and Klarna.
//!
//! Facts and answers of the core come out; nothing here decides, and nothing here knows a store.
#![forbid(unsafe_code)]

#[macro_use]
extern crate reconciled_core;

pub mod budget;
pub mod clock;
pub mod http;
pub mod klarna;
pub mod lightspeed;
