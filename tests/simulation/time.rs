//! True time, in milliseconds, and what a machine takes for it.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use reconciled_sides::clock::Clock;

use super::sim::Sim;

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Monday 2 March 2026, 09:00 UTC.
pub const START: i64 = 1_772_442_000_000;

/// Both clocks of one machine. Wall time may be wrong and may jump; time since boot goes on while nothing is polled.
#[derive(Clone)]
pub struct SimClock {
    pub sim: Sim,
    pub daemon: usize,
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let state = self.sim.lock();
        Timestamp::from_millisecond(state.now + state.machines[self.daemon].skew).unwrap()
    }

    fn boottime(&self) -> Duration {
        let state = self.sim.lock();
        let up = state.now - state.machines[self.daemon].booted;
        Duration::from_millis(u64::try_from(up).unwrap())
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        let this = self.clone();
        let ms = i64::try_from(duration.as_millis()).unwrap();
        async move {
            this.sim.sleep(this.daemon, ms).await;
        }
    }
}
