//! `reconciled` makes a Lightspeed eCom shop and its Klarna account agree, and can prove it.
//!
//! Modules in reading order: the pure decisions, the pass that carries them out, the two sides, the store, and the
//! shell around them.
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
