//! Klarna's Order Management API: `/ordermanagement/v1/orders/{order_id}/…`.
//!
//! Order of judgement: credentials, rate limit, size, idempotency key, order, rule. A remembered
//! key answers before anything else about the request is looked at, its body included.

mod checks;
pub(crate) mod effects;
pub(crate) mod hide;
mod json;
pub(crate) mod model;
mod route;

use model::{Refusal, Remembered};

use super::World;
use super::fault::{BodyFormat, FaultKind};
use super::limit::MerchantQuota;
use super::switches::{ConcurrentKey, ErrorPage, KeyScope, RateHeaders, RetryAfter};
use super::time;
use super::wire::{Request, Response};

const MAX_BODY: usize = 1_000_000;

/// Answers one request of the merchant API.
pub(crate) fn handle(world: &mut World, request: &Request) -> Response {
    let correlation = world.ids.uuid().to_string();
    if !world.accounts.knows_merchant(request.header("authorization")) {
        return unauthorized(world, &correlation);
    }
    let (figures, now) = (world.figures, world.now_ms);
    let quota = world.merchant_limiter.take(&figures, now);
    let mut response = if quota.exceeded {
        let mut response = error(429, "TOO_MANY_REQUESTS", &["Too many requests"], &correlation);
        retry_after(world, &mut response, 1);
        response
    } else if request.body.len() > MAX_BODY {
        error(413, "REQUEST_TOO_LARGE", &["Request is too large"], &correlation)
    } else {
        keyed(world, request, &correlation)
    };
    rate_headers(world, &mut response, &quota, 1);
    response.set_header("Klarna-Correlation-Id", correlation);
    response
}

fn unauthorized(world: &World, correlation: &str) -> Response {
    match world.switches.klarna_unauthorized {
        ErrorPage::Html => unauthorized_html(),
        ErrorPage::Json => error(401, "UNAUTHORIZED", &[], correlation).with("Klarna-Correlation-Id", correlation),
    }
}

/// The page a proxy shows; there is no JSON and no correlation id in it.
fn unauthorized_html() -> Response {
    Response::text(401, "text/html", html_page(401, "Authorization Required"))
        .with("Www-Authenticate", "Basic realm=\"very closed site\"")
}

fn html_page(code: u16, title: &str) -> String {
    format!(
        "<html>\r\n<head><title>{code} {title}</title></head>\r\n<body>\r\n<center><h1>{code} {title}</h1></center>\r\n<hr><center>openresty</center>\r\n</body>\r\n</html>\r\n"
    )
}

fn error(status: u16, code: &str, messages: &[&str], correlation: &str) -> Response {
    Response::text(status, "application/json", json::error_text(code, messages, correlation))
}

fn rate_headers(world: &World, response: &mut Response, quota: &MerchantQuota, reset: i64) {
    let all = match world.switches.klarna_rate_headers {
        RateHeaders::None => return,
        RateHeaders::All => true,
        RateHeaders::Documented => response.status == 429,
    };
    response.set_header("x-ratelimit-remaining", quota.remaining.to_string());
    if all {
        let policy = format!("{0}, {0};w=1", quota.limit);
        response.set_header("x-ratelimit-limit", policy);
        response.set_header("x-ratelimit-reset", reset.to_string());
    }
}

fn retry_after(world: &World, response: &mut Response, wait: i64) {
    match world.switches.klarna_retry_after {
        RetryAfter::Absent => {}
        RetryAfter::Seconds => response.set_header("Retry-After", wait.to_string()),
        RetryAfter::Date => {
            let at = world.now_ms.saturating_add(wait.saturating_mul(time::SECOND));
            response.set_header("Retry-After", time::http_date(at));
        }
    }
}

/// The name a key is remembered under.
fn remembered_as(world: &World, request: &Request) -> Option<String> {
    let key = request.header("klarna-idempotency-key").filter(|key| !key.is_empty())?;
    if request.method != "POST" && request.method != "PATCH" {
        return None;
    }
    Some(match world.switches.klarna_key_scope {
        KeyScope::Merchant => key.to_owned(),
        KeyScope::Order => {
            let order = request.path().split('/').nth(4).unwrap_or("");
            format!("{order} {key}")
        }
        KeyScope::Endpoint => format!("{} {} {key}", request.method, request.path()),
    })
}

fn keyed(world: &mut World, request: &Request, correlation: &str) -> Response {
    let name = remembered_as(world, request);
    let now = world.now_ms;
    let ttl = world.switches.klarna_key_ttl_s.saturating_mul(time::SECOND);
    if let Some(name) = &name
        && let Some(known) = world.merchant.keys.get(name)
        && now < known.at.saturating_add(ttl)
    {
        let busy = now < known.busy_until;
        if busy && world.switches.klarna_concurrent_key == ConcurrentKey::Conflict {
            return error(409, "CONFLICT", &[], correlation);
        }
        world.replayed = true;
        return known.response.clone();
    }
    let response = match route::route(world, request) {
        Ok(response) => response,
        Err(Refusal { status, code, message }) => error(status, code, &[message.as_str()], correlation),
    };
    let kept = response.is_success() || (world.switches.klarna_replay_4xx && (400..500).contains(&response.status));
    if let Some(name) = name
        && kept
        && ttl > 0
    {
        let busy_until = now.saturating_add(world.answer_delay_ms);
        let remembered = Remembered { at: now, busy_until, response: response.clone() };
        world.merchant.keys.insert(name, remembered);
    }
    response
}

/// Answers a fault that stands in for the real one, in this side's manner.
pub(crate) fn fault_answer(world: &mut World, kind: &FaultKind) -> Option<Response> {
    let correlation = world.ids.uuid().to_string();
    let response = match kind {
        FaultKind::Status { code: 401, format: BodyFormat::Html } => unauthorized_html(),
        FaultKind::Status { code, format } => match format {
            BodyFormat::Json => {
                let (name, message) = usual_code(*code);
                error(*code, name, &[message], &correlation).with("Klarna-Correlation-Id", correlation)
            }
            BodyFormat::Html => Response::text(*code, "text/html", html_page(*code, "Error")),
            BodyFormat::Empty => Response::empty(*code),
        },
        FaultKind::RateLimited { reset_seconds } => {
            let mut response = error(429, "TOO_MANY_REQUESTS", &["Too many requests"], &correlation)
                .with("Klarna-Correlation-Id", correlation);
            if let Some(reset) = *reset_seconds {
                let limit = world.figures.klarna_second;
                let quota = MerchantQuota { limit, remaining: 0, exceeded: true };
                rate_headers(world, &mut response, &quota, reset);
                retry_after(world, &mut response, reset);
            }
            response
        }
        FaultKind::Refusal { code, error_code, message } => {
            error(*code, error_code, &[message.as_str()], &correlation).with("Klarna-Correlation-Id", correlation)
        }
        FaultKind::Redirect { code, location } => Response::empty(*code).with("Location", location.clone()),
        FaultKind::ErrorIn200 { message } => error(200, "INTERNAL_SERVER_ERROR", &[message.as_str()], &correlation),
        FaultKind::Delay { .. }
        | FaultKind::Hang
        | FaultKind::Drop
        | FaultKind::CutBody { .. }
        | FaultKind::Body { .. }
        | FaultKind::Garbage
        | FaultKind::HugeBody { .. }
        | FaultKind::ContentType { .. }
        | FaultKind::TruncatedJson
        | FaultKind::MissingIds
        | FaultKind::OtherStatus { .. }
        | FaultKind::StaleRead { .. }
        | FaultKind::EmptyPage
        | FaultKind::ShortPage { .. }
        | FaultKind::ShiftedPage { .. }
        | FaultKind::WithoutDocuments { .. }
        | FaultKind::OtherIds { .. } => return None,
    };
    Some(response)
}

fn usual_code(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("BAD_VALUE", "Bad value"),
        401 => ("UNAUTHORIZED", "Unauthorized"),
        403 => ("NOT_ALLOWED", "Not allowed"),
        404 => ("NO_SUCH_ORDER", "Order cannot be found"),
        409 => ("CONFLICT", "The request conflicts with the current state of the target resource"),
        413 => ("REQUEST_TOO_LARGE", "Request is too large"),
        422 => ("UNPROCESSABLE_ENTITY", "Unprocessable entity"),
        429 => ("TOO_MANY_REQUESTS", "Too many requests"),
        502..=504 => ("TEMPORARILY_UNAVAILABLE", "Temporarily unavailable"),
        _ => ("INTERNAL_SERVER_ERROR", "Unexpected server error"),
    }
}
