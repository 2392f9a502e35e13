//! What the sandbox was asked: a bounded ring of requests and plain counters.
//!
//! Records what happened on the wire and whether the request had an effect. Holds no credentials;
//! bodies of writes are kept (shortened), since a rehearsal wants to see what was sent.

use std::collections::{BTreeMap, VecDeque};

use super::json::{J, obj};
use super::time;
use super::wire::{Reply, Request, Side};

/// Longest body kept, in bytes.
const BODY_KEPT: usize = 2_048;

/// One request as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    pub sequence: u64,
    pub at_ms: i64,
    pub side: Side,
    pub method: String,
    pub path: String,
    pub idempotency_key: Option<String>,
    pub body: Option<String>,
    /// Absent when nothing was answered.
    pub status: Option<u16>,
    /// `answered`, `hung`, `dropped` or `cut`.
    pub outcome: &'static str,
    /// Whether the state of the service changed.
    pub effect: bool,
    /// Whether the answer was a remembered one.
    pub replayed: bool,
    /// Name of the scripted fault that took part.
    pub fault: Option<&'static str>,
}

impl LogEntry {
    pub(crate) fn json(&self) -> J {
        obj! {
            "sequence": self.sequence,
            "at": time::klarna_text(self.at_ms),
            "side": self.side.name(),
            "method": self.method.clone(),
            "path": self.path.clone(),
            "idempotency_key": self.idempotency_key.clone(),
            "body": self.body.clone(),
            "status": self.status,
            "outcome": self.outcome,
            "effect": self.effect,
            "replayed": self.replayed,
            "fault": self.fault,
        }
    }
}

/// Requests of one side and class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub requests: u64,
    pub effects: u64,
    pub refused: u64,
    pub throttled: u64,
    pub failed: u64,
    pub unanswered: u64,
}

impl Tally {
    fn count(&mut self, status: Option<u16>, effect: bool) {
        let bump = |counter: &mut u64| *counter = counter.saturating_add(1);
        bump(&mut self.requests);
        if effect {
            bump(&mut self.effects);
        }
        match status {
            None => bump(&mut self.unanswered),
            Some(429) => bump(&mut self.throttled),
            Some(code) if code >= 500 => bump(&mut self.failed),
            Some(code) if code >= 400 => bump(&mut self.refused),
            Some(_) => {}
        }
    }

    fn json(self) -> J {
        obj! {
            "requests": self.requests,
            "effects": self.effects,
            "refused": self.refused,
            "throttled": self.throttled,
            "failed": self.failed,
            "unanswered": self.unanswered,
        }
    }
}

/// The ring and the counters.
#[derive(Clone, Debug)]
pub(crate) struct RequestLog {
    pub(crate) enabled: bool,
    capacity: usize,
    next: u64,
    ring: VecDeque<LogEntry>,
    tallies: BTreeMap<(Side, bool), Tally>,
}

impl Default for RequestLog {
    fn default() -> Self {
        Self { enabled: true, capacity: 10_000, next: 1, ring: VecDeque::new(), tallies: BTreeMap::new() }
    }
}

/// What the dispatcher learned while it served a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Observed {
    pub(crate) effect: bool,
    pub(crate) replayed: bool,
    pub(crate) fault: Option<&'static str>,
}

impl RequestLog {
    pub(crate) fn record(&mut self, side: Side, request: &Request, reply: &Reply, at_ms: i64, observed: Observed) {
        let (status, outcome) = outcome(reply);
        let read = request.is_read();
        self.tallies.entry((side, read)).or_default().count(status, observed.effect);
        if !self.enabled || self.capacity == 0 {
            return;
        }
        if self.ring.len() >= self.capacity {
            self.ring.pop_front();
        }
        let kept = request.body.get(..request.body.len().min(BODY_KEPT)).unwrap_or(&[]);
        self.ring.push_back(LogEntry {
            sequence: self.next,
            at_ms,
            side,
            method: request.method.clone(),
            path: request.path_and_query.clone(),
            idempotency_key: request.header("klarna-idempotency-key").map(str::to_owned),
            body: (!read && !kept.is_empty()).then(|| String::from_utf8_lossy(kept).into_owned()),
            status,
            outcome,
            effect: observed.effect,
            replayed: observed.replayed,
            fault: observed.fault,
        });
        self.next = self.next.saturating_add(1);
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &LogEntry> {
        self.ring.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.ring.clear();
    }

    pub(crate) fn resize(&mut self, capacity: usize) {
        self.capacity = capacity.min(1_000_000);
        while self.ring.len() > self.capacity {
            self.ring.pop_front();
        }
    }

    pub(crate) fn clear_tallies(&mut self) {
        self.tallies.clear();
    }

    pub(crate) fn tally(&self, side: Side, read: bool) -> Tally {
        self.tallies.get(&(side, read)).copied().unwrap_or_default()
    }

    pub(crate) fn tallies_json(&self) -> J {
        let side = |side: Side| {
            obj! {
                "read": self.tally(side, true).json(),
                "write": self.tally(side, false).json(),
            }
        };
        obj! { "lightspeed": side(Side::Lightspeed), "klarna": side(Side::Klarna) }
    }
}

fn outcome(reply: &Reply) -> (Option<u16>, &'static str) {
    match reply {
        Reply::Respond(response) => (Some(response.status), "answered"),
        Reply::After { reply, .. } => outcome(reply),
        Reply::Hang => (None, "hung"),
        Reply::DropConnection => (None, "dropped"),
        Reply::CutBody { response, .. } => (Some(response.status), "cut"),
    }
}
