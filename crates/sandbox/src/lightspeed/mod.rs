//! The shop's API: `/{language}/{resource}.json`.
//!
//! Order of judgement: credentials, rate limit, language, permission, resource. Every answer
//! carries the limits of the key that asked. This module only dispatches.

pub(crate) mod call;
pub(crate) mod model;

mod admin;
pub(crate) mod app;
mod doc_json;
pub(crate) mod effects;
mod list;
mod metafields;
pub(crate) mod order_json;
mod read;
pub(crate) mod webhook;
mod write;

use call::{Call, Failure, error, error_body, failure};
use order_json::View;

use super::World;
use super::fault::{BodyFormat, FaultKind};
use super::json::{Dialect, J, obj};
use super::limit::ShopQuota;
use super::switches::{Dates, RetryAfter};
use super::time::{self, Zone};
use super::wire::{Query, Request, Response};

/// What a resource answers with.
pub(crate) type Outcome = Result<Response, Failure>;

impl World {
    pub(crate) fn shop_zone(&self) -> Zone {
        match self.switches.lightspeed_dates {
            Dates::Eu1 => Zone::Amsterdam,
            Dates::Us1 => Zone::Utc,
        }
    }

    pub(crate) fn cluster_name(&self) -> &'static str {
        match self.switches.lightspeed_dates {
            Dates::Eu1 => "eu1",
            Dates::Us1 => "us1",
        }
    }

    pub(crate) fn cluster_host(&self) -> &'static str {
        match self.switches.lightspeed_dates {
            Dates::Eu1 => "api.webshopapp.com",
            Dates::Us1 => "api.shoplightspeed.com",
        }
    }
}

/// Answers one request of the shop's API.
pub(crate) fn handle(world: &mut World, request: &Request) -> Response {
    let Some(key) = world.accounts.shop_key(request.header("authorization")) else {
        return error(401, request, "Access denied.");
    };
    let quota = take_quota(world, key);
    let mut response = if quota.exceeded {
        let mut response = error(429, request, "Too many requests.");
        retry_after(world, &mut response, quota.wait);
        response
    } else {
        serve(world, request, key)
    };
    for (name, value) in quota_headers(&quota) {
        response.set_header(name, value);
    }
    response
}

fn take_quota(world: &mut World, key: usize) -> ShopQuota {
    let (zone, now, figures) = (world.shop_zone(), world.now_ms, world.figures);
    world.shop_limiters.entry(key).or_default().take(&figures, now, zone)
}

fn quota_headers(quota: &ShopQuota) -> [(&'static str, String); 3] {
    let join = |[a, b, c]: [i64; 3]| format!("{a}/{b}/{c}");
    [
        ("X-RateLimit-Limit", join(quota.limit)),
        ("X-RateLimit-Remaining", join(quota.remaining)),
        ("X-RateLimit-Reset", join(quota.reset)),
    ]
}

fn retry_after(world: &World, response: &mut Response, wait: i64) {
    match world.switches.lightspeed_retry_after {
        RetryAfter::Absent => {}
        RetryAfter::Seconds => response.set_header("Retry-After", wait.to_string()),
        RetryAfter::Date => {
            let at = world.now_ms.saturating_add(wait.saturating_mul(time::SECOND));
            response.set_header("Retry-After", time::http_date(at));
        }
    }
}

fn serve(world: &mut World, request: &Request, key: usize) -> Response {
    let path = request.path().trim_start_matches('/');
    let (language, rest) = path.split_once('/').unwrap_or((path, ""));
    if !world.accounts.languages.iter().any(|active| active == language) {
        return error(404, request, "Unknown or inactive language.");
    }
    let Some(resource) = rest.strip_suffix(".json") else {
        return error(404, request, "Resource not found.");
    };
    let base = match request.header("host") {
        Some(host) if is_loopback(host) => format!("http://{host}/{language}/"),
        _ => format!("https://{}/{language}/", world.cluster_host()),
    };
    let Some(secret) = world.accounts.shop_keys.get(key).map(|key| key.signs_with.clone()) else {
        return error(401, request, "Access denied.");
    };
    let parts: Vec<&str> = resource.split('/').collect();
    if !permitted(world, key, parts.first().copied().unwrap_or(""), request.is_read()) {
        let status = status_of(world.switches.lightspeed_missing_permission, 403);
        return error(status, request, "Access denied.");
    }
    let query = Query::of(&request.path_and_query);
    let call = Call { request, parts, query, base, secret, key };
    match route(world, &call) {
        Ok(response) => response,
        Err(why) => {
            let validation = status_of(world.switches.lightspeed_put_status_code_validation, 400);
            let verb = status_of(world.switches.lightspeed_method_not_allowed, 405);
            failure(&why, request, validation, verb)
        }
    }
}

pub(crate) fn status_of(switch: i64, default: u16) -> u16 {
    u16::try_from(switch).ok().filter(|code| (100..=599).contains(code)).unwrap_or(default)
}

pub(crate) fn is_loopback(host: &str) -> bool {
    host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]")
}

fn permitted(world: &World, key: usize, resource: &str, read: bool) -> bool {
    let area = match resource {
        "orders" | "invoices" | "shipments" | "events" => "orders",
        "webhooks" | "shop" | "paymentmethods" => "settings",
        _ => return true,
    };
    let granted = world.accounts.shop_keys.get(key).map(|key| key.permissions.get(area));
    granted.is_some_and(|(may_read, may_write)| if read { may_read } else { may_write })
}

fn route(world: &mut World, call: &Call<'_>) -> Outcome {
    let parts = call.parts.as_slice();
    match parts {
        ["orders" | "invoices" | "shipments", _, "metafields", ..] => metafields::handle(world, call),
        ["webhooks", ..] => admin::webhooks(world, call),
        ["shop" | "account" | "paymentmethods" | "time", ..] => admin::read(world, call),
        ["events", ..] => read::feed(world, call),
        ["orders" | "invoices" | "shipments", ..] => match call.request.method.as_str() {
            "GET" => read::handle(world, call),
            "PUT" | "POST" => write::handle(world, call),
            _ => Err(Failure::NoSuchVerb),
        },
        _ => Err(Failure::NotFound),
    }
}

/// A successful answer in PHP's dialect.
pub(crate) fn answer(status: u16, body: &J) -> Response {
    Response::json(status, body, Dialect::Php)
}

pub(crate) fn view<'a>(world: &'a World, call: &'a Call<'_>) -> View<'a> {
    View::new(world, &call.base)
}

/// Answers a fault that stands in for the real one, in this side's manner.
pub(crate) fn fault_answer(world: &World, request: &Request, kind: &FaultKind) -> Option<Response> {
    let response = match kind {
        FaultKind::Status { code, format } => match format {
            BodyFormat::Json => error(*code, request, "Something went wrong."),
            BodyFormat::Html => Response::text(*code, "text/html", html_page(*code)),
            BodyFormat::Empty => Response::empty(*code),
        },
        FaultKind::RateLimited { reset_seconds } => {
            let mut response = error(429, request, "Too many requests.");
            if let Some(reset) = *reset_seconds {
                let now = time::seconds(world.now_ms);
                let hour = 3_600_i64.saturating_sub(now.rem_euclid(3_600));
                let figures = &world.figures;
                let quota = ShopQuota {
                    limit: [figures.lightspeed_five_minutes, figures.lightspeed_hour, figures.lightspeed_day],
                    remaining: [-1, figures.lightspeed_hour, figures.lightspeed_day],
                    reset: [reset, hour, time::seconds_to_midnight(world.now_ms, world.shop_zone())],
                    exceeded: true,
                    wait: reset,
                };
                for (name, value) in quota_headers(&quota) {
                    response.set_header(name, value);
                }
                retry_after(world, &mut response, reset);
            }
            response
        }
        FaultKind::Refusal { code, message, .. } => error(*code, request, message),
        FaultKind::Redirect { code, location } => Response::empty(*code).with("Location", location.clone()),
        FaultKind::ErrorIn200 { message } => answer(200, &error_body(500, request, message)),
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

/// A page as a proxy in front of the service would show it.
pub(crate) fn html_page(code: u16) -> String {
    format!(
        "<html>\r\n<head><title>{code} Error</title></head>\r\n<body>\r\n<center><h1>{code} Error</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// `{"count": N}`
pub(crate) fn count(number: usize) -> Response {
    answer(200, &obj! { "count": number })
}
