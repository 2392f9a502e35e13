//! The transport over reqwest, for the real services and for rehearsals on loopback.
//!
//! One call is one request on the wire: no redirect is followed, no retry is made, no proxy is used. HTTP/1.1 only,
//! so that a broken connection loses one answer and not all that share it. A name, a certificate or a connection
//! that fails is "not sent"; everything else that goes wrong may have arrived.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ::reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ::reqwest::redirect::Policy;
use ::reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Url};
use secrecy::ExposeSecret;

use super::text::{LONGEST_MESSAGE, excerpt};
use super::{Credentials, Login, Method, Request, Response, Transport, TransportError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Common servers close an idle connection after 60 or 75 seconds. Half of that keeps requests off connections that
/// the other side is about to close, where their fate could not be known.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// One per task that may be sending at the same time.
const IDLE_CONNECTIONS: usize = 128;

/// Requests over TLS to anywhere, and over plain HTTP to this machine only.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    /// A machine without root certificates can still rehearse on loopback.
    secure: Result<Client, TransportError>,
    loopback: Client,
}

/// What may differ between a transport to the services and one to a server of a test.
#[derive(Clone, Debug)]
pub struct Options {
    /// The only certificate authorities that are believed, in PEM; `None` for those of this machine.
    pub authorities: Option<String>,
    /// For the name, the connection and the TLS handshake together.
    pub connect_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { authorities: None, connect_timeout: CONNECT_TIMEOUT }
    }
}

impl ReqwestTransport {
    /// # Errors
    /// No client can be set up at all. Missing root certificates are said by the first request that needs them.
    pub fn new() -> Result<Self, TransportError> {
        Self::with(&Options::default())
    }

    /// # Errors
    /// No client can be set up at all, or `authorities` is not PEM.
    pub fn with(options: &Options) -> Result<Self, TransportError> {
        // The name is pinned, so that no resolver can send a rehearsal's plain text elsewhere.
        let here = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
        let loopback = common(options).tls_certs_only([]).resolve_to_addrs("localhost", &here);
        let mut secure = common(options).https_only(true);
        if let Some(pem) = &options.authorities {
            secure = secure.tls_certs_only(Certificate::from_pem_bundle(pem.as_bytes()).map_err(not_sent)?);
        }
        Ok(Self { secure: secure.build().map_err(not_sent), loopback: loopback.build().map_err(not_sent)? })
    }

    fn client_for(&self, url: &Url) -> Result<&Client, TransportError> {
        let refuse = |why: &str| Err(TransportError::NotSent(why.to_owned()));
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("a URL must not carry credentials");
        }
        match url.scheme() {
            "https" => self.secure.as_ref().map_err(Clone::clone),
            "http" if url.host_str().is_some_and(is_loopback) => Ok(&self.loopback),
            "http" => refuse("plain http is allowed to this machine only (127.0.0.0/8, ::1, localhost)"),
            _ => refuse("only https URLs can be called"),
        }
    }

    fn prepare(&self, request: Request) -> Result<RequestBuilder, TransportError> {
        let url: Url = request.url.parse().map_err(|_| TransportError::NotSent("the URL is not valid".to_owned()))?;
        let client = self.client_for(&url)?;
        let mut builder = match request.method {
            Method::Get => client.get(url),
            Method::Post => client.post(url),
            Method::Put => client.put(url),
            Method::Delete => client.delete(url),
        };
        // Both mark the header sensitive.
        builder = match &request.login {
            Login::Basic(Credentials { user, password }) => {
                builder.basic_auth(user.expose_secret(), Some(password.expose_secret()))
            }
            Login::Bearer(token) => builder.bearer_auth(token.expose_secret()),
            Login::Nobody => builder,
        };
        builder = builder.timeout(request.timeout);
        for (name, value) in request.headers {
            builder = builder.header(header_name(name)?, header_value(&value)?);
        }
        if let Some(body) = request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body);
        }
        Ok(builder)
    }
}

impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let largest = request.largest_answer;
        let mut answer = self.prepare(request)?.send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        let headers = readable(answer.headers());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if body.len().saturating_add(chunk.len()) > largest {
                return Err(TransportError::Lost(format!(
                    "HTTP {status} with more than {largest} bytes; the rest was not read"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body })
    }
}

fn common(options: &Options) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("reconciled/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .retry(::reqwest::retry::never())
        .no_proxy()
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(options.connect_timeout)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
}

/// 127.0.0.0/8, `::1` and `localhost`; nothing that merely resolves to them.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

/// Whether a configured base URL leads to this machine.
pub fn leads_to_loopback(base_url: &str) -> bool {
    base_url.parse::<Url>().is_ok_and(|url| url.host_str().is_some_and(is_loopback))
}

fn readable(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        value.to_str().ok().map(|value| (name.as_str().to_owned(), value.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

fn header_name(name: &'static str) -> Result<HeaderName, TransportError> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| TransportError::NotSent(format!("`{name}` is not a header name")))
}

fn header_value(value: &str) -> Result<HeaderValue, TransportError> {
    HeaderValue::from_str(value).map_err(|_| TransportError::NotSent("a header value is not printable text".to_owned()))
}

/// No connection means that nothing was written. A connection that broke later, even one from the pool that the
/// server had closed meanwhile, may have carried the request.
fn failed(error: ::reqwest::Error) -> TransportError {
    if error.is_builder() || error.is_connect() { not_sent(error) } else { lost(error) }
}

fn not_sent(error: ::reqwest::Error) -> TransportError {
    TransportError::NotSent(describe(error))
}

fn lost(error: ::reqwest::Error) -> TransportError {
    TransportError::Lost(describe(error))
}

/// The chain of causes, without the URL.
fn describe(error: ::reqwest::Error) -> String {
    let mut said = if error.is_timeout() { "timed out".to_owned() } else { String::new() };
    let error = error.without_url();
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(current) = cause {
        let words = current.to_string();
        if !said.contains(&words) {
            said = if said.is_empty() { words } else { format!("{said}: {words}") };
        }
        cause = current.source();
    }
    excerpt(&said, LONGEST_MESSAGE)
}
