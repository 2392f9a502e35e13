//! The progress bar: on stderr, and only when a person at a terminal watches.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::pass::Progress;

#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// Hidden unless `wanted` and stderr is a terminal.
    pub(super) fn new(wanted: bool) -> Self {
        let target = if wanted && std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {pos}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn stage(&self, what: &str) {
        self.0.reset();
        self.0.set_message(what.to_owned());
    }

    fn advance(&self, orders: u64) {
        self.0.inc(orders);
    }
}
