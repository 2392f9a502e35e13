//! Something that says "look at the agenda" about once a second.
//!
//! Only a ticker: it computes no time, starts no pass and may miss beats. The crate behind it can stop ticking for
//! good under load, so the loop never waits for it alone.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// How long the loop waits for a tick before it looks anyway.
const PATIENCE: Duration = Duration::from_secs(5);

const EVERY_SECOND: &str = "* * * * * *";

pub(super) struct Ticker {
    beat: Arc<Notify>,
    scheduler: JobScheduler,
}

impl Ticker {
    pub(super) async fn start() -> Result<Self, JobSchedulerError> {
        let beat = Arc::new(Notify::new());
        let sender = beat.clone();
        let scheduler = JobScheduler::new().await?;
        scheduler.add(Job::new(EVERY_SECOND, move |_, _| sender.notify_one())?).await?;
        scheduler.start().await?;
        Ok(Self { beat, scheduler })
    }

    /// The next beat, or patience's end.
    pub(super) async fn tick(&self) {
        let _ = tokio::time::timeout(PATIENCE, self.beat.notified()).await;
    }

    pub(super) async fn stop(mut self) {
        // Nothing waits for the ticker; the process ends with or without its consent.
        let _ = self.scheduler.shutdown().await;
    }
}
