//! The sandbox on loopback sockets: a thin skin over [`World`], straight on hyper so that a
//! connection can be dropped and a body cut.
//!
//! Refuses any address that is not loopback. The only place of the sandbox that reads the clock.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use super::wire::{Reply, Request, Response, Side};
use super::{World, deliver};

/// Largest request body read at all; Klarna's own limit is judged inside.
const MAX_REQUEST: usize = 16_000_000;

/// Where time comes from.
pub type ClockFn = fn() -> Timestamp;

/// How to serve.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    pub lightspeed: SocketAddr,
    pub klarna: SocketAddr,
    pub clock: ClockFn,
    /// Send queued webhook deliveries to loopback addresses.
    pub deliver_webhooks: bool,
}

impl ServeOptions {
    /// Free ports on 127.0.0.1.
    pub fn anywhere(clock: ClockFn) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { lightspeed: any, klarna: any, clock, deliver_webhooks: true }
    }
}

/// A world that several tasks may ask.
#[derive(Clone, Debug)]
pub struct SharedWorld {
    world: Arc<Mutex<World>>,
    clock: ClockFn,
}

impl SharedWorld {
    /// Runs acts at the present time. Keep it short: requests wait meanwhile.
    pub fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let now = (self.clock)();
        act(self.lock().at(now))
    }

    fn handle(&self, side: Side, request: &Request) -> Reply {
        let now = (self.clock)();
        self.lock().handle(side, request, now)
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // A panic in one request must not take the rehearsal down with it.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A serving sandbox. Dropping it stops the servers without waiting.
#[derive(Debug)]
pub struct Running {
    pub lightspeed: SocketAddr,
    pub klarna: SocketAddr,
    pub world: SharedWorld,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Base URL of the shop's API, for `base_url`.
    pub fn lightspeed_url(&self) -> String {
        format!("http://{}", self.lightspeed)
    }

    /// Base URL of Klarna's API.
    pub fn klarna_url(&self) -> String {
        format!("http://{}", self.klarna)
    }

    /// Stops accepting and closes every connection.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        for task in self.tasks.drain(..) {
            let _ = task.await;
        }
    }
}

/// Serves a world until it is shut down. Needs a tokio runtime.
pub async fn serve(world: World, options: ServeOptions) -> io::Result<Running> {
    let lightspeed = bind(options.lightspeed).await?;
    let klarna = bind(options.klarna).await?;
    let world = SharedWorld { world: Arc::new(Mutex::new(world)), clock: options.clock };
    let (stop, stopped) = watch::channel(false);
    let addresses = (lightspeed.local_addr()?, klarna.local_addr()?);
    let mut tasks = vec![
        tokio::spawn(accept(lightspeed, Side::Lightspeed, world.clone(), stopped.clone())),
        tokio::spawn(accept(klarna, Side::Klarna, world.clone(), stopped.clone())),
    ];
    if options.deliver_webhooks {
        tasks.push(tokio::spawn(deliver::run(world.clone(), stopped)));
    }
    Ok(Running { lightspeed: addresses.0, klarna: addresses.1, world, stop, tasks })
}

async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let why = format!("the sandbox serves loopback addresses only, not {address}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    TcpListener::bind(address).await
}

async fn accept(listener: TcpListener, side: Side, world: SharedWorld, mut stopped: watch::Receiver<bool>) {
    // Dropping the set when the loop ends closes what is still open.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, side, world.clone()));
                }
                // Out of descriptors, most likely; a pause lets some come back.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
        }
    }
}

async fn connection(stream: TcpStream, side: Side, world: SharedWorld) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let world = world.clone();
        async move { answer(request, side, &world).await }
    });
    // An error here is a dropped connection: either side's, or a scripted one.
    let _ = hyper::server::conn::http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Ends the connection without an answer.
#[derive(Debug)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the connection was dropped")
    }
}

impl std::error::Error for Dropped {}

async fn answer(
    request: hyper::Request<Incoming>, side: Side, world: &SharedWorld,
) -> Result<hyper::Response<AnswerBody>, Dropped> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST).collect().await.map_err(|_| Dropped)?;
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let request = Request {
        method: head.method.as_str().to_owned(),
        path_and_query: head.uri.path_and_query().map_or_else(String::new, |path| path.as_str().to_owned()),
        headers: headers.collect(),
        body: body.to_bytes().to_vec(),
    };
    let mut reply = world.handle(side, &request);
    loop {
        match reply {
            Reply::Respond(response) => return Ok(whole(response)),
            Reply::CutBody { response, bytes } => return Ok(cut(response, bytes)),
            Reply::DropConnection => return Err(Dropped),
            Reply::Hang => std::future::pending::<Infallible>().await,
            Reply::After { delay, reply: inner } => {
                tokio::time::sleep(delay).await;
                reply = *inner;
                continue;
            }
        };
    }
}

fn head(response: &Response, body: AnswerBody) -> hyper::Response<AnswerBody> {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(*name, value.as_str());
    }
    builder.body(body).unwrap_or_else(|_| {
        // A scripted header value that HTTP cannot carry.
        hyper::Response::new(AnswerBody::Whole(Some(Bytes::from_static(b"unprintable header"))))
    })
}

fn whole(mut response: Response) -> hyper::Response<AnswerBody> {
    let body = std::mem::take(&mut response.body);
    let body = (!body.is_empty()).then(|| Bytes::from(body));
    head(&response, AnswerBody::Whole(body))
}

fn cut(mut response: Response, bytes: usize) -> hyper::Response<AnswerBody> {
    let mut body = std::mem::take(&mut response.body);
    let total = u64::try_from(body.len()).unwrap_or(u64::MAX).max(1);
    body.truncate(bytes.min(body.len().saturating_sub(1)));
    let pause = Box::pin(tokio::time::sleep(Duration::from_millis(20)));
    head(&response, AnswerBody::Cut { first: Some(Bytes::from(body)), total, pause })
}

/// A body that is sent in full, or promised in full and broken off.
enum AnswerBody {
    Whole(Option<Bytes>),
    Cut {
        first: Option<Bytes>,
        total: u64,
        /// Lets the first part reach the wire before the connection breaks.
        pause: Pin<Box<Sleep>>,
    },
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Cut { first, pause, .. } => match first.take() {
                Some(bytes) if !bytes.is_empty() => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(_) | None => match pause.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(Dropped))),
                    Poll::Pending => Poll::Pending,
                },
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                let len = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(len).unwrap_or(u64::MAX))
            }
            Self::Cut { total, .. } => SizeHint::with_exact(*total),
        }
    }
}
