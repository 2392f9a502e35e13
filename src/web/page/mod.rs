//! The operations page: what a shop's people see and decide, in a browser.
//!
//! Served from the program itself: no script, no request to anybody else, nothing kept in the browser but a session's
//! key. It reads through the store, and what somebody decides goes through [`reconciled_store::Store::operate`] like a
//! command's. It moves no money, talks to neither side, and shows nothing to whoever does not hold the token.

mod breaks;
mod consent;
mod decide;
mod download;
mod frame;
mod guard;
mod lists;
mod login;
mod offers;
mod open_stores;
mod order;
mod overview;
mod refusal;
mod reports;
mod runbook;
mod session;
mod switch;
mod timeline;
mod visit;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use super::metrics::Counters;
use crate::daemon::board::Board;
use crate::daemon::wake::Waker;
use open_stores::OpenStores;
use reconciled_core::id::ShopName;
use reconciled_core::policy::Policy;
use session::{Digest, Sessions};

/// The largest form is a note of 500 characters.
const LARGEST_FORM: usize = 16 * 1024;

/// Each reads a store from end to end and holds one snapshot of it; a pass needs the disk as well.
const MOST_REPORTS: usize = 2;

/// What a browser has to know and to ask for; replaced whole by a reload.
#[derive(Clone, Debug)]
pub struct PageAccess {
    token: Digest,
    port: u16,
    hosts: Vec<String>,
    shops: BTreeMap<ShopName, ServedShop>,
}

/// One shop as the page finds it.
#[derive(Clone, Debug)]
pub struct ServedShop {
    pub store: PathBuf,
    /// `playground` or `production`.
    pub environment: &'static str,
    pub policy: Policy,
    /// The shop's, for amounts and dates of its reports.
    pub language: String,
}

impl PageAccess {
    /// `hosts` are the names besides this machine's own; `port` is where the service listens.
    pub fn new(token: &SecretString, port: u16, hosts: Vec<String>, shops: BTreeMap<ShopName, ServedShop>) -> Self {
        Self { token: Digest::of(token.expose_secret()), port, hosts, shops }
    }

    /// A `Host` header in lower case that cannot be somebody else's name for this machine.
    fn is_a_name_of_ours(&self, host: &str) -> bool {
        self.hosts.iter().any(|it| it == host) || self.is_this_machine(host)
    }

    fn is_this_machine(&self, host: &str) -> bool {
        let names = ["127.0.0.1", "localhost", "[::1]"];
        let with_port =
            |name: &str| host.strip_prefix(name).and_then(|rest| rest.strip_prefix(':')).map(str::parse::<u16>);
        names.into_iter().any(|name| matches!(with_port(name), Some(Ok(port)) if self.port == port))
    }
}

/// What every page is made of; clones share it.
#[derive(Clone)]
pub(super) struct PageContext {
    board: Board,
    waker: Waker,
    counters: Arc<Counters>,
    access: Arc<RwLock<Option<Arc<PageAccess>>>>,
    sessions: Arc<Mutex<Sessions>>,
    stores: OpenStores,
    /// Reports that may be made at once.
    making: Arc<Semaphore>,
}

impl PageContext {
    pub(super) fn new(board: Board, waker: Waker, counters: Arc<Counters>) -> Self {
        Self {
            board,
            waker,
            counters,
            access: Arc::default(),
            sessions: Arc::default(),
            stores: OpenStores::default(),
            making: Arc::new(Semaphore::new(MOST_REPORTS)),
        }
    }

    /// Replaces what holds; another token logs everybody out.
    pub(super) fn open(&self, access: Option<PageAccess>) {
        let mut held = self.access.write().unwrap_or_else(PoisonError::into_inner);
        let token = |access: Option<&PageAccess>| access.map(|it| it.token);
        if token(held.as_deref()) != token(access.as_ref()) {
            self.sessions().end_all();
        }
        *held = access.map(Arc::new);
        self.stores.clear();
    }

    /// The service ends: nothing stays open.
    pub(super) fn close(&self) {
        self.stores.clear();
    }

    fn access(&self) -> Option<Arc<PageAccess>> {
        self.access.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A panic while they were held leaves plain values behind; at worst somebody logs in again.
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/", get(overview::show))
            .route("/login", get(login::ask).post(login::enter))
            .route("/logout", post(login::leave))
            .route("/style.css", get(style))
            .route("/icon.svg", get(icon))
            .route("/shops/{shop}", get(overview::one))
            .route("/shops/{shop}/breaks", get(breaks::list))
            .route("/shops/{shop}/breaks/{id}", get(breaks::one))
            .route("/shops/{shop}/find", get(order::find))
            .route("/shops/{shop}/orders/{id}", get(order::show))
            .route("/shops/{shop}/credits", get(lists::credits))
            .route("/shops/{shop}/passes", get(lists::passes))
            .route("/shops/{shop}/journal", get(lists::journal))
            .route("/shops/{shop}/reports", get(reports::show))
            .route("/shops/{shop}/reports/download", get(reports::one))
            .route("/reports", get(reports::show_all))
            .route("/reports/download", get(reports::all))
            .route("/shops/{shop}/switch", get(switch::show))
            .route("/shops/{shop}/decide", post(decide::decide))
            .layer(DefaultBodyLimit::max(LARGEST_FORM))
            .layer(from_fn_with_state(self.clone(), guard::guard))
            .with_state(self)
    }
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../../templates/page/style.css"))
}

async fn icon() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml")], include_str!("../../../templates/page/icon.svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_ours_by_its_whole_name_and_port() {
        let token = SecretString::from("0123456789abcdef0123456789abcdef");
        let access = PageAccess::new(&token, 8620, vec!["ops.example.org".into()], BTreeMap::new());
        for host in ["127.0.0.1:8620", "localhost:8620", "[::1]:8620", "ops.example.org"] {
            assert!(access.is_a_name_of_ours(host), "{host}");
        }
        for host in [
            "",
            "127.0.0.1",
            "127.0.0.1:8621",
            "localhost",
            "evil.example:8620",
            "localhost.evil.example:8620",
            "ops.example.org:8620",
            "127.0.0.1:8620.evil.example",
            "127.0.0.2:8620",
        ] {
            assert!(!access.is_a_name_of_ours(host), "{host}");
        }
    }
}
