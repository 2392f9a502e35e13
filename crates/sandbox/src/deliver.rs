//! Sends queued webhook deliveries to loopback addresses, as the shop would to a public one.
//!
//! Up to ten attempts with a five-second deadline each. Any other address is left unsent: the
//! sandbox never talks to the network.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::lightspeed::webhook::Delivery;
use super::server::SharedWorld;

const ATTEMPTS: u32 = 10;
const DEADLINE: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_millis(50);

/// Works through the queue until stopped.
pub(crate) async fn run(world: SharedWorld, mut stopped: watch::Receiver<bool>) {
    let mut sending = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            Some(_) = sending.join_next() => {}
            () = tokio::time::sleep(IDLE) => {
                while let Some((delivery, target)) = world.with(next) {
                    sending.spawn(send(delivery, target));
                }
            }
        }
    }
}

/// The oldest delivery whose address is loopback; others wait to be read by the control API.
fn next(world: &mut super::World) -> Option<(Delivery, Target)> {
    let queue = &mut world.shop.deliveries;
    let mut found = queue.iter().enumerate();
    let (index, target) = found.find_map(|(index, delivery)| Some((index, Target::of(&delivery.address)?)))?;
    queue.remove(index).map(|delivery| (delivery, target))
}

/// A plain-HTTP loopback address.
#[derive(Clone, Debug)]
struct Target {
    address: SocketAddr,
    host: String,
    path: String,
}

impl Target {
    fn of(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let numeric = host.replace("localhost", "127.0.0.1");
        let numeric = if numeric.contains(':') { numeric } else { format!("{numeric}:80") };
        let address: SocketAddr = numeric.parse().ok()?;
        let loopback = address.ip().is_loopback();
        loopback.then(|| Self { address, host: host.to_owned(), path: format!("/{path}") })
    }
}

async fn send(delivery: Delivery, target: Target) {
    for attempt in 1..=ATTEMPTS {
        let answer = tokio::time::timeout(DEADLINE, post(&delivery, &target)).await;
        if matches!(answer, Ok(Ok(status)) if (200..300).contains(&status)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(u64::from(attempt).saturating_mul(500))).await;
    }
}

async fn post(delivery: &Delivery, target: &Target) -> std::io::Result<u16> {
    let mut head = format!("POST {} HTTP/1.1\r\nHost: {}\r\n", target.path, target.host);
    for (name, value) in &delivery.headers {
        // Writing to a String cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "Content-Length: {}\r\nConnection: close\r\n\r\n", delivery.body.len());
    let mut stream = TcpStream::connect(target.address).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(delivery.body.as_bytes()).await?;
    let mut start = [0_u8; 12];
    stream.read_exact(&mut start).await?;
    let text = String::from_utf8_lossy(&start);
    Ok(text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0))
}
