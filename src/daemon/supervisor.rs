//! What the service tells systemd: ready, alive, reloading, stopping, and one line of status.
//!
//! Sent by the loop that works, never by a timer of its own, so that a loop that hangs is noticed. Without systemd
//! every message goes nowhere.

use sd_notify::NotifyState;

#[derive(Debug, Default)]
pub(super) struct Supervisor {
    said: String,
}

impl Supervisor {
    pub(super) fn ready() {
        tell(&[NotifyState::Ready]);
    }

    /// The loop has come round. The status is sent when it changed.
    pub(super) fn alive(&mut self, status: String) {
        tell(&[NotifyState::Watchdog]);
        if self.said != status {
            tell(&[NotifyState::Status(&status)]);
            self.said = status;
        }
    }

    /// A reload begins; `ready` ends it.
    pub(super) fn reloading() {
        let Ok(since) = NotifyState::monotonic_usec_now() else { return };
        tell(&[NotifyState::Reloading, since]);
    }

    pub(super) fn stopping() {
        tell(&[NotifyState::Stopping, NotifyState::Status("finishing what is under way")]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager could not be told");
    }
}
