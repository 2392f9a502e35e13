//! `reconciled` makes a Lightspeed eCom shop and its Klarna account agree, and can prove it.
//!
//! What drives and what tells: begin with `pass`, which carries the core's decisions out, then `daemon`, `report` and the
//! shell around them. Decisions, services, store and sandbox are crates of their own below `crates/`.
#![forbid(unsafe_code)]

#[macro_use]
extern crate reconciled_core;

pub mod app;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod notify;
pub mod pass;
pub mod report;
pub mod runbook;
pub mod schedule;
pub mod telemetry;
pub mod web;
pub mod words;
