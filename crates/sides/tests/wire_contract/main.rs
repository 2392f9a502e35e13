//! The wire contract of the adapter: a server of raw bytes plays one scripted behaviour after another against the
//! real transport and the real clients, over TCP and over TLS.
//!
//! Each row of the two tables says what the server does and how it is classified for three writes and two reads.
//! Whatever happens, one call is one request: what arrived, whole or in part, is counted and compared with what the
//! client says it sent. Never asserts a duration; slow servers meet shortened time limits.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on fails, and its helpers with it"
)]

mod framing;
mod good;
mod meaning;
mod probe;
mod secure;
mod server;
#[path = "../wire_support/mod.rs"]
mod wire_support;

use good::Good;
use probe::{Asked, Probe};
use reconciled_sides::http::reqwest::Options;
use server::{Act, Layer, Script, Seen, Server};

/// Fewer rows than this are not the contract.
const FLOOR: usize = 50;

/// Whether requests can reach this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Every call is one request that arrives, whole or in part.
    Each,
    /// As many calls, and none or one of them each.
    Perhaps,
    /// Not a byte of a request.
    Nothing,
}

/// One scripted behaviour.
pub(crate) struct Row {
    name: &'static str,
    /// One word per probe, in the order of `Probe::ALL`; each letter of a word is a verdict that is allowed.
    verdicts: &'static str,
    does: fn(&Good) -> Vec<Act>,
    reach: Reach,
    /// The client gives up soon.
    is_slow: bool,
    /// A good read comes first, on a connection that is then kept alive.
    is_kept_alive: bool,
}

impl Row {
    pub(crate) const fn new(name: &'static str, verdicts: &'static str, does: fn(&Good) -> Vec<Act>) -> Self {
        Self { name, verdicts, does, reach: Reach::Each, is_slow: false, is_kept_alive: false }
    }

    pub(crate) const fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    pub(crate) const fn slow(self) -> Self {
        Self { is_slow: true, reach: Reach::Perhaps, ..self }
    }

    pub(crate) const fn kept_alive(self) -> Self {
        Self { is_kept_alive: true, ..self }
    }

    fn allowed(&self, probe: Probe) -> &'static str {
        let words: Vec<&str> = self.verdicts.split_whitespace().collect();
        assert_eq!(words.len(), Probe::ALL.len(), "{}: one word per probe", self.name);
        words[probe.column()]
    }
}

fn plain() -> impl Iterator<Item = &'static Row> {
    framing::ROWS.iter().chain(framing::KEPT_ALIVE).chain(meaning::ROWS)
}

/// What the server does in `row`, breaking what `probe` would like to hear.
fn script(row: &Row, good: &Good, layer: Layer) -> Script {
    let acts = (row.does)(good);
    if !row.is_kept_alive {
        return Script { first: acts.clone(), later: acts, layer };
    }
    let primer = [Act::Read, Act::Say(Good::of(Probe::KlarnaOrder).whole())];
    Script { first: primer.into_iter().chain(acts).collect(), later: vec![Act::Read, Act::Say(good.whole())], layer }
}

/// Plays every plain row against one probe, and says all that differs.
fn play(probe: Probe) {
    let mut wrong = Vec::new();
    for row in plain() {
        let elsewhere = Server::silent();
        let good = Good { elsewhere: elsewhere.address.to_string(), ..Good::of(probe) };
        let server = Server::new(script(row, &good, Layer::Plain));
        let asked = probe.ask(&format!("http://{}", server.address), row, &options(row));
        wrong.extend(judge(row, probe, &asked, server.stop()));
        assert_eq!(elsewhere.stop().connections, 0, "{}: nothing may go where an answer points", row.name);
    }
    assert!(wrong.is_empty(), "{probe:?}:\n  {}", wrong.join("\n  "));
}

/// Believes the test's own authority only, which also spares reading the machine's for every row.
fn options(row: &Row) -> Options {
    Options { authorities: Some(secure::authority()), connect_timeout: probe::connect_limit(row) }
}

/// Compares the verdict, and the count of what arrived, with the row.
fn judge(row: &Row, probe: Probe, asked: &Asked, seen: Seen) -> Vec<String> {
    let mut wrong = Vec::new();
    if !row.allowed(probe).contains(asked.verdict) {
        wrong.push(format!("{}: {} is not {}: {}", row.name, asked.verdict, row.allowed(probe), asked.said));
    }
    let is_right = match row.reach {
        Reach::Each => seen.requests == asked.calls,
        Reach::Perhaps => seen.requests <= asked.calls,
        Reach::Nothing => seen.requests == 0,
    };
    if !is_right || seen.connections > asked.calls {
        wrong.push(format!("{}: {} calls, but {seen:?}", row.name, asked.calls));
    }
    wrong
}

#[test]
fn a_refund_is_classified_and_sent_once() {
    play(Probe::Refund);
}

#[test]
fn a_cancel_is_classified_and_sent_once() {
    play(Probe::Cancel);
}

#[test]
fn marking_paid_is_classified_and_sent_once() {
    play(Probe::MarkPaid);
}

#[test]
fn a_read_at_klarna_is_classified_and_counted() {
    play(Probe::KlarnaOrder);
}

#[test]
fn a_read_at_the_shop_is_classified_and_counted() {
    play(Probe::ShopOrder);
}

#[test]
fn tls_is_believed_whole_or_not_at_all() {
    let mut wrong = Vec::new();
    for (with, row) in secure::ROWS {
        for probe in Probe::ALL {
            let server = Server::new(script(row, &Good::of(probe), secure::layer(*with)));
            let asked = probe.ask(&format!("https://{}", server.address), row, &options(row));
            wrong.extend(judge(row, probe, &asked, server.stop()).into_iter().map(|why| format!("{probe:?}: {why}")));
        }
    }
    assert!(wrong.is_empty(), "\n  {}", wrong.join("\n  "));
}

#[test]
fn the_contract_is_long_enough_and_no_row_is_said_twice() {
    let names: Vec<&str> = plain().map(|row| row.name).chain(secure::ROWS.iter().map(|(_, row)| row.name)).collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len(), "two rows have one name");
    println!("@ wire behaviours | {}, each against {} calls, each classified right", names.len(), Probe::ALL.len());
    assert!(names.len() >= FLOOR, "{} rows", names.len());
}
