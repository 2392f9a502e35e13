//! The pure heart: values and decisions, nothing else.
//!
//! Never reads a clock, a file, the network or the environment; never logs; never serialises. Time, ids and
//! policy are arguments. Anything in this program that *chooses* is here.
#![forbid(unsafe_code)]

#[macro_use]
pub mod planted;

pub mod adoption;
pub mod ageing;
pub mod answer;
pub mod attribution;
pub mod breaks;
pub mod clocks;
pub mod consent;
pub mod credit_invoice;
pub mod credit_reference;
pub mod decide;
pub mod discrepancy;
pub mod facts;
pub mod finding;
pub mod fulfilment;
pub mod guard;
pub mod id;
pub mod intent;
pub mod ledger;
pub mod limits;
pub mod lines;
pub mod link;
pub mod money;
pub mod order;
pub mod plan;
pub mod policy;
pub mod references;
pub mod share;
pub mod situation;
pub mod sums;

/// An event that the machine's table has no row for.
///
/// In a running pass this is a programming error that the property tests exclude; while the journal is replayed
/// it means that the journal was edited or damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{machine}: no transition from {from} on {event}")]
pub struct IllegalTransition {
    pub machine: &'static str,
    pub from: &'static str,
    pub event: &'static str,
}

impl IllegalTransition {
    pub(crate) const fn new(machine: &'static str, from: &'static str, event: &'static str) -> Self {
        Self { machine, from, event }
    }
}
