//! Coming in with the token and a name, and going out.
//!
//! The name is what the journal says under every decision; the token is what proves that somebody may decide at all.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::refusal::{Refusal, Refused};
use super::session::Digest;
use super::visit::{COOKIE, Visitor, random};
use super::{PageAccess, PageContext};
use crate::web::metrics::Refused as Reason;
use reconciled_sides::clock::{Clock as _, SystemClock};

/// A working day; the service ends an idle session sooner.
const COOKIE_SECONDS: u32 = 12 * 60 * 60;

/// The longest name the journal keeps, in characters.
const LONGEST_NAME: usize = 64;

#[derive(Template)]
#[template(path = "page/login.html")]
struct Login<'a> {
    problem: Option<&'a str>,
    name: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Credentials {
    #[serde(default)]
    operator: String,
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
pub(super) struct Leaving {
    #[serde(default)]
    form: String,
}

pub(super) async fn ask(visitor: Result<Visitor, Refusal>) -> Result<Response, Refusal> {
    match visitor {
        Ok(_) => Ok(Redirect::to("/").into_response()),
        Err(_) => page(StatusCode::OK, None, ""),
    }
}

fn page(code: StatusCode, problem: Option<&str>, name: &str) -> Result<Response, Refusal> {
    Ok((code, Html(Login { problem, name }.render()?)).into_response())
}

pub(super) async fn enter(
    State(context): State<PageContext>, headers: HeaderMap, form: Result<Form<Credentials>, FormRejection>,
) -> Result<Response, Refusal> {
    let Form(given) = form.map_err(|why| unreadable(&why))?;
    let access = context.access().ok_or(Refusal::Off)?;
    let now = SystemClock.boottime();
    if !context.sessions().may_try(now) {
        return Err(Refusal::TooOften);
    }
    let name = given.operator.trim();
    if !access.token.is_of(given.token.trim()) {
        tracing::warn!("somebody tried to log in to the page with a wrong token");
        let problem = "This is not the token. It is what [server] token_file names on the machine of the service.";
        let mut answer = page(StatusCode::UNAUTHORIZED, Some(problem), name)?;
        answer.extensions_mut().insert(Refused(Reason::Token));
        return Ok(answer);
    }
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
        let problem = "Say who you are, in 1 to 64 characters: the journal keeps it with everything you decide.";
        return page(StatusCode::BAD_REQUEST, Some(problem), "");
    }
    let key = random()?;
    context.sessions().begin(Digest::of(&key), name.to_owned(), now);
    context.counters.logged_in();
    tracing::info!(operator = %crate::report::text::plain(name), "logged in to the page");
    let mut answer = Redirect::to("/").into_response();
    answer.headers_mut().insert(header::SET_COOKIE, cookie(&key, COOKIE_SECONDS, &access, &headers)?);
    Ok(answer)
}

pub(super) async fn leave(
    State(context): State<PageContext>, visitor: Visitor, headers: HeaderMap,
    form: Result<Form<Leaving>, FormRejection>,
) -> Result<Response, Refusal> {
    let Form(Leaving { form }) = form.map_err(|why| unreadable(&why))?;
    if !visitor.redeem(&context, &form) {
        return Err(Refusal::Replayed);
    }
    visitor.leave(&context);
    let access = context.access().ok_or(Refusal::Off)?;
    let mut answer = Redirect::to("/login").into_response();
    answer.headers_mut().insert(header::SET_COOKIE, cookie("", 0, &access, &headers)?);
    Ok(answer)
}

/// Any host but this machine is reached over https, so its cookie never travels without.
fn cookie(key: &str, seconds: u32, access: &PageAccess, headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let secure = if access.is_this_machine(&host.to_ascii_lowercase()) { "" } else { "; Secure" };
    let text = format!("{COOKIE}={key}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).map_err(|why| Refusal::Unreadable(why.to_string()))
}

/// What is too large is told apart from what is no form.
pub(super) fn unreadable(why: &FormRejection) -> Refusal {
    if why.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Refusal::TooLarge
    } else {
        Refusal::Unreadable("This is no form of this page. Nothing was changed.".to_owned())
    }
}
