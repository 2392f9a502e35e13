//! A server that follows a script, connection by connection, and counts what reaches it.
//!
//! It believes nothing: a request is counted from its first byte on. `stop` waits for every connection, so that the
//! count is final.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Between two bytes of a slow server. Paces the server only.
const DRIP: Duration = Duration::from_millis(3);

/// How long the server looks away when nobody calls.
const IDLE: Duration = Duration::from_millis(1);

/// One thing a server does. A script that does not end in `Fin` or `Reset` begins again with the next request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Waits for the first byte and leaves it unread.
    Await,
    /// Reads one whole request.
    Read,
    Say(Vec<u8>),
    /// Beneath TLS.
    SayRaw(Vec<u8>),
    /// One byte after the other, with pauses, and then the last one again until the client has gone.
    Drip(Vec<u8>),
    /// The same again and again until the client has gone.
    Flood(Vec<u8>),
    /// The same, with pauses.
    Repeat(Vec<u8>),
    /// Nothing, until the client has gone.
    Hang,
    /// Closes TLS in order, and leaves the connection.
    Goodbye,
    /// Sends no more, and still reads.
    HalfClose,
    Fin,
    Reset,
}

/// What a server does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// On the first connection.
    pub(crate) first: Vec<Act>,
    /// On every later one.
    pub(crate) later: Vec<Act>,
    pub(crate) layer: Layer,
}

/// What lies below the requests.
#[derive(Clone, Debug, Default)]
pub(crate) enum Layer {
    #[default]
    Plain,
    Tls(Arc<ServerConfig>),
    /// The client means to speak TLS, and the script speaks to the bare connection.
    Bare,
}

#[derive(Debug, Default)]
struct Count {
    connections: AtomicU64,
    requests: AtomicU64,
    is_over: AtomicBool,
}

/// What reached a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) connections: u64,
    pub(crate) requests: u64,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    count: Arc<Count>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(crate) fn new(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(Count::default());
        let counted = Arc::clone(&count);
        let accepting = thread::spawn(move || accept(&listener, &script, &counted));
        Self { address, count, accepting }
    }

    /// Only counts.
    pub(crate) fn silent() -> Self {
        Self::new(Script { first: vec![Act::Fin], later: vec![Act::Fin], layer: Layer::Plain })
    }

    /// Waits until every connection is over, and says what came.
    pub(crate) fn stop(self) -> Seen {
        self.count.is_over.store(true, Ordering::SeqCst);
        self.accepting.join().unwrap();
        let of = |count: &AtomicU64| count.load(Ordering::SeqCst);
        Seen { connections: of(&self.count.connections), requests: of(&self.count.requests) }
    }
}

/// Ends when nobody waits any more after the end was said: whoever called before has been let in.
fn accept(listener: &TcpListener, script: &Script, count: &Arc<Count>) {
    listener.set_nonblocking(true).unwrap();
    let mut connections = Vec::new();
    loop {
        let is_over = count.is_over.load(Ordering::SeqCst);
        let Ok((tcp, _)) = listener.accept() else {
            if is_over {
                break;
            }
            thread::sleep(IDLE);
            continue;
        };
        tcp.set_nonblocking(false).unwrap();
        let acts = if connections.is_empty() { script.first.clone() } else { script.later.clone() };
        let (layer, counted) = (script.layer.clone(), Arc::clone(count));
        count.connections.fetch_add(1, Ordering::SeqCst);
        connections.push(thread::spawn(move || Connection::over(tcp, &layer, counted).follow(&acts)));
    }
    for connection in connections {
        connection.join().unwrap();
    }
}

trait Wire: Read + Write + Send {
    fn goodbye(&mut self) -> bool;
}

impl Wire for TcpStream {
    fn goodbye(&mut self) -> bool {
        true
    }
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn goodbye(&mut self) -> bool {
        self.conn.send_close_notify();
        self.flush().is_ok()
    }
}

struct Connection {
    wire: Box<dyn Wire>,
    tcp: TcpStream,
    is_plain: bool,
    count: Arc<Count>,
    /// Came and was not asked for yet.
    early: Vec<u8>,
    /// The request that is under way was counted.
    is_counted: bool,
}

impl Connection {
    fn over(tcp: TcpStream, layer: &Layer, count: Arc<Count>) -> Self {
        let beneath = tcp.try_clone().unwrap();
        let (wire, is_plain): (Box<dyn Wire>, bool) = match layer {
            Layer::Plain => (Box::new(tcp), true),
            Layer::Bare => (Box::new(tcp), false),
            Layer::Tls(config) => {
                let session = ServerConnection::new(Arc::clone(config)).unwrap();
                (Box::new(StreamOwned::new(session, tcp)), true)
            }
        };
        Self { wire, tcp: beneath, is_plain, count, early: Vec::new(), is_counted: false }
    }

    fn follow(&mut self, acts: &[Act]) {
        while acts.iter().all(|act| self.does(act)) {}
    }

    /// `false` when the connection is over.
    fn does(&mut self, act: &Act) -> bool {
        match act {
            Act::Await => self.wait(),
            Act::Read => self.read(),
            Act::Say(bytes) => self.say(bytes),
            Act::SayRaw(bytes) => self.tcp.write_all(bytes).is_ok(),
            Act::Drip(bytes) => self.drip(bytes),
            Act::Flood(bytes) => {
                while self.say(bytes) {}
                false
            }
            Act::Repeat(bytes) => {
                while self.say(bytes) {
                    thread::sleep(DRIP);
                }
                false
            }
            Act::Hang => {
                while matches!(self.wire.read(&mut [0; 4096]), Ok(1..)) {}
                false
            }
            Act::Goodbye => self.wire.goodbye(),
            Act::HalfClose => self.tcp.shutdown(Shutdown::Write).is_ok(),
            Act::Fin => false,
            Act::Reset => {
                let tcp = self.tcp.try_clone().unwrap();
                tokio::net::TcpSocket::from_std_stream(tcp).set_zero_linger().unwrap();
                false
            }
        }
    }

    fn say(&mut self, bytes: &[u8]) -> bool {
        self.wire.write_all(bytes).and_then(|()| self.wire.flush()).is_ok()
    }

    fn drip(&mut self, bytes: &[u8]) -> bool {
        let last = bytes.last().copied().into_iter();
        for byte in bytes.iter().copied().chain(last.cycle()) {
            if !self.say(&[byte]) {
                return false;
            }
            thread::sleep(DRIP);
        }
        false
    }

    /// Until the first byte is there.
    fn wait(&mut self) -> bool {
        let is_there = matches!(self.tcp.peek(&mut [0]), Ok(1..));
        if is_there && self.is_plain {
            self.counts();
        }
        is_there
    }

    fn counts(&mut self) {
        if !self.is_counted {
            self.is_counted = true;
            self.count.requests.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Reads one whole request; `false` when the client has gone.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        loop {
            if let Some(length) = whole(&self.early) {
                self.early.drain(..length);
                self.is_counted = false;
                return true;
            }
            match self.wire.read(&mut buffer) {
                Ok(count @ 1..) => {
                    self.counts();
                    self.early.extend_from_slice(&buffer[..count]);
                }
                Ok(0) | Err(_) => return false,
            }
        }
    }
}

/// How long the whole request is that these bytes begin with.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]);
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let all = head + length.map_or(0, |length| length.parse::<usize>().unwrap());
    (bytes.len() >= all).then_some(all)
}
