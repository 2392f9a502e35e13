//! Who may ask for a page, decided before anything of the request is read but its head.
//!
//! A page that is off does not exist. A host that is not on the list may be this machine under somebody else's name
//! (DNS rebinding). A change must come from a page of ours, as the browser itself says. Every answer, refusals too,
//! carries the headers that keep a browser from doing anything but showing it.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::refusal::Refusal;
use super::{PageAccess, PageContext};

/// No script, no frame, no address but our own.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) async fn guard(State(context): State<PageContext>, request: Request, next: Next) -> Response {
    let mut answer = match context.access() {
        None => Refusal::Off.into_response(),
        Some(access) => match check(&access, request.method(), request.headers()) {
            Ok(()) => next.run(request).await,
            Err(refusal) => refusal.into_response(),
        },
    };
    if let Some(refused) = answer.extensions().get::<super::refusal::Refused>() {
        context.counters.refuse(refused.0);
    }
    for (name, value) in HEADERS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn check(access: &PageAccess, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).map(str::to_ascii_lowercase).filter(|host| access.is_a_name_of_ours(host));
    let host = host.ok_or(Refusal::Host)?;
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    let site = text(HeaderName::from_static("sec-fetch-site"));
    comes_from_a_page_of_ours(&host, text(header::ORIGIN), site).then_some(()).ok_or(Refusal::CrossSite)
}

/// Under `no-referrer` a browser says `Origin: null` about a form of our own; then `Sec-Fetch-Site`, which no page can
/// forge, has to say where it came from. One of the two must speak for the request, and none against it.
fn comes_from_a_page_of_ours(host: &str, origin: Option<&str>, site: Option<&str>) -> bool {
    let origin = origin.filter(|origin| *origin != "null");
    let origin_is_ours = origin.map(|origin| {
        let bare = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        bare.is_some_and(|bare| bare.eq_ignore_ascii_case(host))
    });
    match (origin_is_ours, site) {
        (Some(false), _) | (None, None) => false,
        (Some(true) | None, Some(site)) => site == "same-origin",
        (Some(true), None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_comes_from_a_page_of_ours_or_not_at_all() {
        let host = "127.0.0.1:8620";
        for (origin, site, expected) in [
            (Some("http://127.0.0.1:8620"), Some("same-origin"), true),
            (Some("http://127.0.0.1:8620"), None, true),
            (Some("null"), Some("same-origin"), true),
            (None, Some("same-origin"), true),
            (Some("null"), None, false),
            (None, None, false),
            (Some("null"), Some("cross-site"), false),
            (None, Some("same-site"), false),
            (None, Some("none"), false),
            (Some("http://127.0.0.1:8621"), None, false),
            (Some("http://127.0.0.1:8620.evil.example"), None, false),
            (Some("http://evil.example"), Some("same-origin"), false),
            (Some("127.0.0.1:8620"), None, false),
            (Some("http://127.0.0.1:8620"), Some("cross-site"), false),
        ] {
            assert_eq!(comes_from_a_page_of_ours(host, origin, site), expected, "{origin:?} {site:?}");
        }
    }
}
