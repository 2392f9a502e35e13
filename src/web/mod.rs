//! What the service answers over HTTP: its health, its figures, hints that a shop changed, an app's installation, and the
//! operations page.
//!
//! On this machine's loopback unless configured otherwise. Only the page reads an order, for whoever holds its token,
//! and only a human's decision is written; any other request can at most wake a pass or, signed by Lightspeed, bring the
//! token of a shop that is configured for it.

mod app;
pub(crate) mod health;
mod hook;
mod metrics;
pub mod page;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::app::Reception;
use crate::daemon::board::Board;
use crate::daemon::wake::Waker;
pub use hook::HookEndpoint;
pub use metrics::{Counters, HintOutcome};
use page::{PageAccess, PageContext};
use reconciled_core::id::ShopName;
use reconciled_store::Channel;

/// Everything the answers are made of; clones share it.
#[derive(Clone)]
pub struct Site {
    board: Board,
    waker: Waker,
    /// By the token in the address.
    endpoints: Arc<RwLock<BTreeMap<String, HookEndpoint>>>,
    /// Where an app's redirects are taken; none without an app.
    reception: Arc<RwLock<Option<Arc<Reception>>>>,
    counters: Arc<Counters>,
    context: PageContext,
}

/// A shop's order with everything embedded is far smaller; what is larger is refused unread.
const LARGEST_BODY: usize = 1024 * 1024;

/// How long connections may take to end once the service stops.
const GOODBYE: Duration = Duration::from_secs(2);

impl Site {
    pub fn new(board: Board, waker: Waker) -> Self {
        let counters = Arc::<Counters>::default();
        let context = PageContext::new(board.clone(), waker.clone(), counters.clone());
        Self { board, waker, endpoints: Arc::default(), reception: Arc::default(), counters, context }
    }

    /// What the operations page needs; `None` switches it off.
    pub fn open_page(&self, access: Option<PageAccess>) {
        self.context.open(access);
    }

    /// The shops whose hints are believed; replaces those before.
    pub fn believe_hints_at(&self, endpoints: Vec<HookEndpoint>) {
        let endpoints = endpoints.into_iter().map(|endpoint| (endpoint.token(), endpoint)).collect();
        *self.endpoints.write().unwrap_or_else(PoisonError::into_inner) = endpoints;
    }

    /// Takes the redirects of an app from now on, or no longer any.
    pub fn receive_with(&self, reception: Option<Reception>) {
        *self.reception.write().unwrap_or_else(PoisonError::into_inner) = reception.map(Arc::new);
    }

    fn reception(&self) -> Option<Arc<Reception>> {
        self.reception.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn endpoint(&self, token: &str) -> Option<HookEndpoint> {
        self.endpoints.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    fn wake(&self, shop: &ShopName) -> bool {
        self.waker.wake(shop.clone())
    }

    /// People were told through `channel`, or could not be.
    pub fn notified(&self, channel: Channel, is_done: bool) {
        self.counters.notified(channel, is_done);
    }

    fn router(self) -> Router {
        let page = self.context.clone().router();
        Router::new()
            .route("/healthz", get(health::alive))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(metrics::show))
            .route("/hook/{token}", post(hook::receive))
            .route("/app", get(app::arrive))
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(self)
            .merge(page)
    }
}

/// Answers until `stop` resolves, then gives open connections a moment.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener, site: Site, stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (told, hears) = tokio::sync::oneshot::channel();
    let stopping = async move {
        stop.await;
        let _ = told.send(());
    };
    let context = site.context.clone();
    let served = axum::serve(listener, site.router()).with_graceful_shutdown(stopping);
    let overtime = async {
        match hears.await {
            Ok(()) => tokio::time::sleep(GOODBYE).await,
            Err(_) => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        ended = served.into_future() => ended,
        () = overtime => Ok(()),
    };
    context.close();
    ended
}
