//! `reconciled run`: the service.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Status;
use super::context::Context;
use super::error::CliError;
use super::service::Service;
use crate::config::Server;
use crate::daemon::board::Board;
use crate::daemon::{self, wake};
use crate::web::{self, Site};

/// How long a message that is under way may take once the service stops; one that is cut off is told again.
const LAST_WORDS: Duration = Duration::from_secs(3);

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
        let board = Board::default();
        let (waker, hints) = wake::channel();
        let site = Site::new(board.clone(), waker);
        let service = Service::new(context, site.clone())?;
        let (stop, stopped) = oneshot::channel();
        let serving = match service.listen() {
            Server::Listen(address) => Some(tokio::spawn(web::serve(bind(address).await?, site, async move {
                let _ = stopped.await;
            }))),
            Server::Off => None,
        };
        let mut watching = tokio::spawn(service.watch().attend(board.clone()));
        let ran = daemon::run(&service, board, hints).await;
        service.watch().close();
        // Both at once: together with what was under way they must end before systemd's patience does.
        let ((), told) = tokio::join!(service.sign_off(), tokio::time::timeout(LAST_WORDS, &mut watching));
        if told.is_err() {
            watching.abort();
        }
        let _ = stop.send(());
        if let Some(serving) = serving {
            let _ = serving.await;
        }
        let failed = |error: daemon::DaemonError| CliError::Failed {
            attempt: "running the service".to_owned(),
            why: error.to_string(),
        };
        ran.map_err(failed)?;
        Ok(Status::AGREES)
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, CliError> {
    TcpListener::bind(address).await.map_err(|error| CliError::Failed {
        attempt: format!("listening on {address}"),
        why: format!("{error}; choose another [server] listen, or \"off\""),
    })
}
