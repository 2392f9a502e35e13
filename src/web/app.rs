//! `GET /app`: a merchant granted access to the shop, or withdrew it, and Lightspeed sends their browser here.
//!
//! Not there unless the configuration has an app. The address holds a token, so nothing of it is logged or answered; all
//! refusals look alike from outside, and the reason is in the log.

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::Site;
use super::metrics::Arrival;
use crate::app::{Change, Refusal};
use reconciled_sides::clock::{Clock as _, SystemClock};

const GRANTED: &str = "The app is installed. You may close this page.\n";
const REMOVED: &str = "The app is removed. You may close this page.\n";
const REFUSED: &str = "This address was not accepted, and nothing was changed. Please install the app again from the \
                       Lightspeed back office; if that does not help, tell whoever runs it.\n";
const NOT_THERE: &str = "There is nothing here.\n";

pub(super) async fn arrive(State(site): State<Site>, RawQuery(query): RawQuery) -> impl IntoResponse {
    let (status, text) = receive(&site, query.unwrap_or_default()).await;
    // The address must not reach another site or a cache.
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, text)
}

async fn receive(site: &Site, query: String) -> (StatusCode, &'static str) {
    let Some(reception) = site.reception() else { return (StatusCode::NOT_FOUND, NOT_THERE) };
    let taken = tokio::task::spawn_blocking(move || reception.take(&query, SystemClock.now())).await;
    let taken = taken.unwrap_or_else(|_| Err(Refusal::NotKept("the attempt broke off".to_owned())));
    site.counters.arrived(Arrival::of(&taken));
    match taken {
        Ok(Change::Granted(shop)) => {
            tracing::info!(%shop, "the app was installed in the shop; its token is kept");
            // A hint that is dropped costs the time until the next poll.
            site.wake(&shop);
            (StatusCode::OK, GRANTED)
        }
        Ok(Change::Removed(shop)) => {
            tracing::warn!(%shop, "the app was removed from the shop; no pass can work there until it is installed again");
            (StatusCode::OK, REMOVED)
        }
        Err(why @ Refusal::NotKept(_)) => {
            tracing::error!("a redirect for the app was right, but {why}");
            (StatusCode::INTERNAL_SERVER_ERROR, REFUSED)
        }
        Err(why) => {
            // Anybody can send what is not signed, and must not fill the log with it.
            let is_anybodys = matches!(why, Refusal::Malformed(_) | Refusal::Forged);
            if !is_anybodys || site.counters.may_complain(SystemClock.boottime()) {
                tracing::warn!("a redirect for the app changed nothing: {why}");
            }
            (StatusCode::FORBIDDEN, REFUSED)
        }
    }
}
