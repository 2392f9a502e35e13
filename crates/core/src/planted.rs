//! Bugs planted on purpose, so that the simulation can be shown to find them. Without `--cfg reconciled_plants` every
//! one of them is the constant `false`, and nothing of this is in the program.
//!
//! A plant stands on the line it spoils, as `planted!("name")`; `tests/simulation/plants.rs` lists and selects them.

#[cfg(not(reconciled_plants))]
#[macro_export]
macro_rules! planted {
    ($name:literal) => {
        false
    };
}

#[cfg(reconciled_plants)]
#[macro_export]
macro_rules! planted {
    ($name:literal) => {
        $crate::planted::is($name)
    };
}

/// A number that was not drawn before, for the plants that need chance.
#[cfg(reconciled_plants)]
macro_rules! drawn {
    () => {
        $crate::planted::drawn()
    };
}

#[cfg(reconciled_plants)]
mod selected {
    use std::cell::Cell;

    thread_local! {
        static SELECTED: Cell<&'static str> = const { Cell::new("") };
        static DRAWN: Cell<u64> = const { Cell::new(0) };
    }

    /// Whether this plant is the one selected on this thread.
    pub fn is(name: &str) -> bool {
        SELECTED.get() == name
    }

    /// Selects one plant for this thread; the empty name selects none.
    pub fn select(name: &'static str) {
        SELECTED.set(name);
        DRAWN.set(0);
    }

    /// A number that was not drawn before, where a bug needs chance.
    pub fn drawn() -> u64 {
        DRAWN.set(DRAWN.get().wrapping_add(1));
        DRAWN.get()
    }
}

#[cfg(reconciled_plants)]
pub use selected::{drawn, is, select};
