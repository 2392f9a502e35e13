//! `reconciled run`: the service.

use clap::Args;

use super::Status;
use super::context::Context;
use super::error::CliError;
use super::service::Service;
use crate::daemon::board::Board;
use crate::daemon::{self, wake};

#[derive(Debug, Args)]
#[command(after_help = "\
Runs a pass over every configured shop as [schedule] says, or over the one named with --shop.
SIGTERM lets what is under way finish; SIGHUP reads the configuration again, and keeps the old one if it is wrong.
`reconciled stop`, `hold` and `approve` work beside it, without a restart.

Example:
  reconciled run --config /etc/reconciled/config.toml")]
pub struct Run {}

impl Run {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let Self {} = self;
        let service = Service::new(context)?;
        let (_waker, hints) = wake::channel();
        let ran = daemon::run(&service, Board::default(), hints).await;
        let failed = |error: daemon::DaemonError| CliError::Failed {
            attempt: "running the service".to_owned(),
            why: error.to_string(),
        };
        ran.map_err(failed)?;
        Ok(Status::AGREES)
    }
}
