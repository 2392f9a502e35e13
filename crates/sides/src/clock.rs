//! The only reader of clocks.
//!
//! Wall time dates facts; the boot-time clock, which goes on while the machine sleeps, bounds how old a read may be
//! when a write leaves on it. Decisions take time as an argument and never come here.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

/// Time as the program may ask for it; a simulation brings its own.
pub trait Clock: Clone + Send + Sync + 'static {
    /// Wall time.
    fn now(&self) -> Timestamp;

    /// Time since boot, suspended time included: it cannot jump, and a sleeping machine cannot hide an hour.
    fn boottime(&self) -> Duration;

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn boottime(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
        Duration::new(seconds, nanos)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }
}
