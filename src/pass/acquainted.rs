//! Which shops this process has asked who they are.
//!
//! A store remembers for a day what the shop said about itself, and cannot know that the address or the key beside it
//! leads to another shop now. So the shop is asked once by every process, and again whenever either of them changed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by every pass of a process; empty when the process starts.
#[derive(Clone, Debug, Default)]
pub struct Acquainted(Arc<Mutex<BTreeSet<String>>>);

impl Acquainted {
    /// The shop behind this address and key said who it is, to this process.
    pub(super) fn is(&self, place: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(place)
    }

    pub(super) fn now(&self, place: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
    }
}
