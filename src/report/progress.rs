//! What a pass may say while it works. Never data: a pass that is watched does the same as one that is not.

/// Told by the pass, shown by whoever started it.
pub trait Progress: Send + Sync {
    /// Another stage begins; `total` when it is known how much there is to do.
    fn stage(&self, name: &'static str, total: Option<u64>);

    /// That many more are done.
    fn advance(&self, count: u64);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _name: &'static str, _total: Option<u64>) {}

    fn advance(&self, _count: u64) {}
}
