//! What is asked of the real clients, and the one letter that says what they made of the answer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use reconciled_core::answer::{Answer, Unreadable};
use reconciled_core::id::{InvoiceId, KlarnaOrderId, OrderId};
use reconciled_core::intent::Kind;
use reconciled_core::money::Currency;
use reconciled_sides::budget::{Budget, KLARNA_PLAYGROUND_PER_SECOND};
use reconciled_sides::clock::Clock;
use reconciled_sides::http::reqwest::Options;
use reconciled_sides::http::{Request, ReqwestTransport, Response, Transport, TransportError};
use reconciled_sides::{klarna, lightspeed};
use uuid::Uuid;

use super::Row;
use super::wire_support::{Still, credentials};

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// With a server that never ends.
const IMPATIENCE: Duration = Duration::from_millis(600);

pub(crate) const KLARNA_ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    Refund,
    Cancel,
    MarkPaid,
    KlarnaOrder,
    ShopOrder,
}

/// What a probe gave.
pub(crate) struct Asked {
    /// Writes: `D`one, `R`ejected, `T`hrottled, `N`ot sent, `U`nknown, `A`ccount refused. Reads: `f`acts, `n`ot
    /// found, `t`hrottled, `r`efused, `x` failed.
    pub(crate) verdict: char,
    pub(crate) said: String,
    /// The requests that the client says it made, the one that comes first included.
    pub(crate) calls: u64,
}

/// The adapter, with a shorter time limit than the clients would give it.
#[derive(Clone)]
struct Limited {
    transport: ReqwestTransport,
    limit: Duration,
}

impl Transport for Limited {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, TransportError>> + Send {
        self.transport.send(Request { timeout: self.limit, ..request })
    }
}

pub(crate) fn connect_limit(row: &Row) -> Duration {
    if row.is_slow { IMPATIENCE / 2 } else { PATIENCE }
}

impl Probe {
    pub(crate) const ALL: [Self; 5] = [Self::Refund, Self::Cancel, Self::MarkPaid, Self::KlarnaOrder, Self::ShopOrder];

    pub(crate) fn column(self) -> usize {
        Self::ALL.iter().position(|probe| *probe == self).unwrap()
    }

    pub(crate) fn ask(self, url: &str, row: &Row, options: &Options) -> Asked {
        let limit = if row.is_slow { IMPATIENCE } else { PATIENCE };
        let transport = Limited { transport: ReqwestTransport::with(options).unwrap(), limit };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.ask_over(transport, url, row.is_kept_alive))
    }

    async fn ask_over(self, transport: Limited, url: &str, is_kept_alive: bool) -> Asked {
        let clock = Still::new();
        let order = KlarnaOrderId::new(KLARNA_ID).unwrap();
        let klarna = klarna_client(transport.clone(), clock.clone(), url);
        let shop = shop_client(transport, clock.clone(), url);
        if is_kept_alive {
            klarna.order(&order).await.unwrap();
        }
        let write = |answer: Answer| written(&clock, answer);
        let (verdict, said) = match self {
            Self::Refund => write(klarna.send(Kind::Refund, &order, "{\"refunded_amount\":1}", &Uuid::nil()).await),
            Self::Cancel => write(klarna.send(Kind::Cancel, &order, "", &Uuid::nil()).await),
            Self::MarkPaid => write(shop.mark_paid(InvoiceId(70_038), "{\"invoice\":{\"status\":\"paid\"}}").await),
            Self::KlarnaOrder => read(&clock, &klarna.order(&order).await),
            Self::ShopOrder => read(&clock, &shop.order(OrderId(40_018), Currency::EUR).await),
        };
        let counted = [klarna.calls(), shop.calls()];
        if !matches!(self, Self::KlarnaOrder | Self::ShopOrder) {
            assert_eq!(counted.iter().map(|calls| calls.write).sum::<u64>(), 1, "a write is one call");
        }
        Asked { verdict, said, calls: counted.iter().map(|calls| calls.read + calls.write).sum() }
    }
}

fn klarna_client(transport: Limited, clock: Still, url: &str) -> klarna::Client<Limited, Still> {
    let budget = Budget::klarna("klarna", url, KLARNA_PLAYGROUND_PER_SECOND);
    let settings = klarna::Settings { base_url: url.to_owned(), credentials: credentials() };
    klarna::Client::new(transport, clock, settings, Arc::new(budget))
}

fn shop_client(transport: Limited, clock: Still, url: &str) -> lightspeed::Client<Limited, Still> {
    let budget = Budget::lightspeed("lightspeed", url);
    let settings = lightspeed::Settings {
        base_url: url.to_owned(),
        language: "nl".to_owned(),
        credentials: credentials(),
        payment_words: vec!["klarna".to_owned()],
        klarna_order_id: vec![lightspeed::IdSource::PaymentData],
    };
    lightspeed::Client::new(transport, clock, settings, Arc::new(budget))
}

fn written(clock: &Still, answer: Answer) -> (char, String) {
    let said = format!("{answer:?}");
    let verdict = match answer {
        Answer::Done { id, .. } => {
            assert!(id.is_none_or(|id| id == "r-1"), "an id that was not said: {said}");
            'D'
        }
        Answer::Rejected(_) => 'R',
        Answer::Throttled { until, .. } => {
            within_a_day(clock, until);
            'T'
        }
        Answer::NotSent(_) => 'N',
        Answer::Unknown(_) => 'U',
        Answer::AccountRefused(_) => 'A',
    };
    (verdict, said)
}

fn read<T: std::fmt::Debug>(clock: &Still, result: &Result<T, Unreadable>) -> (char, String) {
    let said = format!("{result:?}");
    let verdict = match result {
        Ok(_) => 'f',
        Err(Unreadable::NotFound(_)) => 'n',
        Err(Unreadable::Throttled { until, .. }) => {
            within_a_day(clock, *until);
            't'
        }
        Err(Unreadable::Refused(_)) => 'r',
        Err(Unreadable::Failed(_)) => 'x',
        Err(Unreadable::OutOfBudget { .. }) => panic!("no budget was named: {said}"),
    };
    (verdict, said)
}

/// However hostile the header: not at once, and not for ever.
fn within_a_day(clock: &Still, until: jiff::Timestamp) {
    let wait = until.duration_since(clock.now());
    assert!((SignedDuration::from_secs(1)..=SignedDuration::from_hours(24)).contains(&wait), "{wait}");
}
