//! What a visitor is not given, and how that is told and counted. A refusal changes nothing.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::report::period::Unmade;
use crate::web::metrics::Refused as Reason;
use crate::words::refused;
use reconciled_store::StoreError;

/// Carried by an answer to the guard, which counts it.
#[derive(Clone, Copy)]
pub(super) struct Refused(pub(super) Reason);

#[derive(Debug)]
pub(super) enum Refusal {
    /// No token is configured: there is no page.
    Off,
    NotFound(&'static str),
    /// The `Host` header is none of ours.
    Host,
    CrossSite,
    /// Nobody is logged in, or not any more: first the login.
    LogIn,
    /// The same, and something was to be changed.
    NoSession,
    TooOften,
    /// The form was used before, is not of this session, or is too old.
    Replayed,
    TooLarge,
    /// The form lacks something that a page of ours sends.
    Unreadable(String),
    Store(StoreError),
    /// No report came about; nothing of it was sent.
    Unmade(Unmade),
    /// As many reports as may be made at once are being made.
    Busy,
    /// HTTP/1.0, in which a report that breaks off looks whole.
    OldProtocol,
    /// The machine gave no randomness.
    NoRandomness(getrandom::Error),
    Template(askama::Error),
}

#[derive(Template)]
#[template(path = "page/message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
}

impl Refusal {
    const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Host => Some(Reason::Host),
            Self::CrossSite => Some(Reason::CrossSite),
            Self::NoSession => Some(Reason::Session),
            Self::TooOften => Some(Reason::TooOften),
            Self::Replayed => Some(Reason::Replayed),
            Self::TooLarge => Some(Reason::TooLarge),
            Self::Unreadable(_) => Some(Reason::Unreadable),
            Self::Busy => Some(Reason::Busy),
            Self::Off
            | Self::LogIn
            | Self::NotFound(_)
            | Self::Store(_)
            | Self::Unmade(_)
            | Self::OldProtocol
            | Self::NoRandomness(_)
            | Self::Template(_) => None,
        }
    }

    fn told(&self) -> (StatusCode, &'static str, String) {
        let said = |code, title, text: &str| (code, title, text.to_owned());
        match self {
            Self::Off => said(StatusCode::NOT_FOUND, "Not found", ""),
            Self::NotFound(what) => (StatusCode::NOT_FOUND, "Not found", format!("There is no such {what}.")),
            Self::Host => said(
                StatusCode::MISDIRECTED_REQUEST,
                "Not under this name",
                "This page is not served under the name your browser asked for. Open it as 127.0.0.1, or add the \
                 name to [server] hosts.",
            ),
            Self::CrossSite => said(
                StatusCode::FORBIDDEN,
                "Refused",
                "This request did not come from a page of this service. Nothing was changed.",
            ),
            Self::LogIn | Self::NoSession => said(StatusCode::SEE_OTHER, "Log in", "Nothing was changed."),
            Self::TooOften => said(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tries",
                "Ten tries a minute are allowed. Wait a minute, then try again.",
            ),
            Self::Replayed => said(
                StatusCode::CONFLICT,
                "This form was used before",
                "Every form works once. Nothing was changed. Go back, load the page again, and decide there.",
            ),
            Self::TooLarge => {
                said(StatusCode::PAYLOAD_TOO_LARGE, "Too large", "This is more than any form of this page sends.")
            }
            Self::Unreadable(why) => (StatusCode::BAD_REQUEST, "Not understood", why.clone()),
            Self::Store(StoreError::NotFound(what)) => {
                (StatusCode::NOT_FOUND, "Not found", format!("{what} is not known."))
            }
            Self::Store(why) => {
                (StatusCode::SERVICE_UNAVAILABLE, "The store did not answer", format!("{}.", chain(why)))
            }
            Self::Unmade(why) => (StatusCode::SERVICE_UNAVAILABLE, "No report was made", format!("{}.", chain(why))),
            Self::Busy => said(
                StatusCode::SERVICE_UNAVAILABLE,
                "Other reports come first",
                "As many reports as may be made at once are being made. Go back, and try again in a minute.",
            ),
            Self::OldProtocol => said(
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "Not over HTTP/1.0",
                "A report that breaks off would look whole. The proxy in front has to speak HTTP/1.1 to this service.",
            ),
            Self::NoRandomness(why) => (StatusCode::SERVICE_UNAVAILABLE, "No randomness", why.to_string()),
            Self::Template(why) => (StatusCode::INTERNAL_SERVER_ERROR, "The page failed", why.to_string()),
        }
    }
}

/// An error and its causes in one line.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = refused::said(error);
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&refused::said(next));
        cause = next.source();
    }
    crate::report::text::plain(&text)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, title, text) = self.told();
        let mut answer = match (&self, (Message { title, text: &text }).render()) {
            (Self::Off, _) => code.into_response(),
            (Self::LogIn | Self::NoSession, _) => Redirect::to("/login").into_response(),
            (_, Ok(page)) => (code, Html(page)).into_response(),
            (_, Err(_)) => (code, title).into_response(),
        };
        if matches!(self, Self::TooOften | Self::Busy) {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        if let Self::Store(why) = &self {
            tracing::warn!("a page could not be shown: {}", chain(why));
        }
        if let Self::Unmade(why) = &self {
            tracing::warn!("a report could not be made: {}", chain(why));
        }
        if let Some(reason) = self.reason() {
            answer.extensions_mut().insert(Refused(reason));
        }
        answer
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<askama::Error> for Refusal {
    fn from(error: askama::Error) -> Self {
        Self::Template(error)
    }
}
