//! `reconciled` makes a Lightspeed eCom shop and its Klarna account agree, and can prove it.
//!
//! Modules in reading order: the pure decisions, the pass that carries them out, the two sides, the store, and the
//! shell around them.
#![forbid(unsafe_code)]

#[macro_use]
pub mod planted;

pub mod app;
pub mod budget;
pub mod checkpoint;
pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
pub mod daemon;
pub mod http;
pub mod klarna;
pub mod lightspeed;
pub mod notify;
pub mod pass;
pub mod report;
pub mod runbook;
pub mod sandbox;
pub mod schedule;
pub mod store;
pub mod telemetry;
pub mod web;
pub mod words;
