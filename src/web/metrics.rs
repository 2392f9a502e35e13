//! `/metrics`: the board in Prometheus' words.
//!
//! Figures are read off the board when they are asked for; only what happens at the endpoint is counted here.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::Site;
use crate::app::{Change, Refusal};
use crate::daemon::board::{Board, ShopActivity};
use reconciled_core::id::ShopName;
use reconciled_store::Channel;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How a redirect for the app ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Granted,
    Removed,
    Refused,
}

impl Arrival {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Granted, "granted"), (Self::Removed, "removed"), (Self::Refused, "refused")];

    pub(super) const fn of(taken: &Result<Change, Refusal>) -> Self {
        match taken {
            Ok(Change::Granted(_)) => Self::Granted,
            Ok(Change::Removed(_)) => Self::Removed,
            Err(_) => Self::Refused,
        }
    }
}

/// How a webhook delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HintOutcome {
    Woke,
    /// Unknown address, wrong signature or another shop.
    Refused,
    /// Too many hints wait already; polling finds the change.
    Dropped,
}

impl HintOutcome {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Woke, "woke"), (Self::Refused, "refused"), (Self::Dropped, "dropped")];
}

/// Why the operations page did not do what somebody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Host,
    CrossSite,
    Token,
    TooOften,
    Session,
    Replayed,
    TooLarge,
    Unreadable,
    /// The decision does not fit what it meets, or was not confirmed.
    Decision,
    /// There is no report over such a period, or in such a form.
    Report,
    /// As many reports as may be made at once are being made.
    Busy,
}

impl Refused {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Host, "host"),
        (Self::CrossSite, "cross_site"),
        (Self::Token, "token"),
        (Self::TooOften, "too_often"),
        (Self::Session, "session"),
        (Self::Replayed, "replayed"),
        (Self::TooLarge, "too_large"),
        (Self::Unreadable, "unreadable"),
        (Self::Decision, "decision"),
        (Self::Report, "report"),
        (Self::Busy, "busy"),
    ];
}

#[derive(Debug, Default)]
pub struct Counters {
    page: PageCounters,
    woke: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
    granted: AtomicU64,
    removed: AtomicU64,
    unaccepted: AtomicU64,
    /// Second since boot, plus one, in which an unsigned redirect was last complained about.
    complained: AtomicU64,
    told_by_command: Tries,
    told_by_post: Tries,
}

/// What happened at the operations page.
#[derive(Debug, Default)]
struct PageCounters {
    logins: AtomicU64,
    decisions: AtomicU64,
    host: AtomicU64,
    cross_site: AtomicU64,
    token: AtomicU64,
    too_often: AtomicU64,
    session: AtomicU64,
    replayed: AtomicU64,
    too_large: AtomicU64,
    unreadable: AtomicU64,
    decision: AtomicU64,
    report: AtomicU64,
    busy: AtomicU64,
}

impl PageCounters {
    const fn of(&self, refused: Refused) -> &AtomicU64 {
        match refused {
            Refused::Host => &self.host,
            Refused::CrossSite => &self.cross_site,
            Refused::Token => &self.token,
            Refused::TooOften => &self.too_often,
            Refused::Session => &self.session,
            Refused::Replayed => &self.replayed,
            Refused::TooLarge => &self.too_large,
            Refused::Unreadable => &self.unreadable,
            Refused::Decision => &self.decision,
            Refused::Report => &self.report,
            Refused::Busy => &self.busy,
        }
    }
}

/// Notifications that went out, and that failed.
#[derive(Debug, Default)]
struct Tries {
    sent: AtomicU64,
    failed: AtomicU64,
}

impl Counters {
    pub(super) fn count(&self, outcome: HintOutcome) {
        self.of(outcome).fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn logged_in(&self) {
        self.page.logins.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn decided(&self) {
        self.page.decisions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self, refused: Refused) {
        self.page.of(refused).fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn arrived(&self, arrival: Arrival) {
        self.arrivals(arrival).fetch_add(1, Ordering::Relaxed);
    }

    /// Once a minute.
    pub(super) fn may_complain(&self, boot: Duration) -> bool {
        let now = boot.as_secs().saturating_add(1);
        let is_due = |last: u64| (last == 0 || now.saturating_sub(last) >= 60).then_some(now);
        self.complained.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_due).is_ok()
    }

    const fn arrivals(&self, arrival: Arrival) -> &AtomicU64 {
        match arrival {
            Arrival::Granted => &self.granted,
            Arrival::Removed => &self.removed,
            Arrival::Refused => &self.unaccepted,
        }
    }

    pub(super) fn notified(&self, channel: Channel, is_done: bool) {
        let tries = self.tries(channel);
        let counter = if is_done { &tries.sent } else { &tries.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    const fn tries(&self, channel: Channel) -> &Tries {
        match channel {
            Channel::Command => &self.told_by_command,
            Channel::Post => &self.told_by_post,
        }
    }

    const fn of(&self, outcome: HintOutcome) -> &AtomicU64 {
        match outcome {
            HintOutcome::Woke => &self.woke,
            HintOutcome::Refused => &self.refused,
            HintOutcome::Dropped => &self.dropped,
        }
    }
}

pub(super) async fn show(State(site): State<Site>) -> impl IntoResponse {
    let mut registry = Registry::with_prefix("reconciled");
    registry.register_collector(Box::new(Figures { board: site.board, counters: site.counters }));
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => (StatusCode::OK, [(header::CONTENT_TYPE, CONTENT_TYPE)], text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], String::new()),
    }
}

#[derive(Debug)]
struct Figures {
    board: Board,
    counters: Arc<Counters>,
}

/// One figure: its labels after `shop`, and its value.
type Samples = Vec<(Vec<(&'static str, String)>, i64)>;

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let lines: Vec<(ShopName, ShopActivity)> = self.board.lines().into_iter().collect();
        for (name, help, read) in GAUGES {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            every(metric, &lines, *read, |encoder, value| ConstGauge::new(value).encode(encoder))?;
        }
        for (name, help, read) in COUNTERS {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            every(metric, &lines, *read, |encoder, value| {
                ConstCounter::new(u64::try_from(value).unwrap_or(0)).encode(encoder)
            })?;
        }
        let mut knocks =
            encoder.encode_descriptor("hints", "Messages at the door, by how they ended", None, MetricType::Counter)?;
        for (outcome, result) in HintOutcome::ALL {
            let value = self.counters.of(outcome).load(Ordering::Relaxed);
            ConstCounter::new(value).encode(knocks.encode_family(&[("result", result)])?)?;
        }
        arrivals(&mut encoder, &self.counters)?;
        notifications(&mut encoder, &self.counters)?;
        page(&mut encoder, &self.counters.page)
    }
}

fn page(encoder: &mut DescriptorEncoder<'_>, counters: &PageCounters) -> fmt::Result {
    for (name, help, counter) in [
        ("page_logins", "Logins to the operations page", &counters.logins),
        ("page_decisions", "Decisions made on the operations page", &counters.decisions),
    ] {
        let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(counter.load(Ordering::Relaxed)).encode(metric)?;
    }
    let help = "Requests that the operations page refused, by why";
    let mut metric = encoder.encode_descriptor("page_refusals", help, None, MetricType::Counter)?;
    for (refused, reason) in Refused::ALL {
        let value = counters.of(refused).load(Ordering::Relaxed);
        ConstCounter::new(value).encode(metric.encode_family(&[("reason", reason)])?)?;
    }
    Ok(())
}

fn arrivals(encoder: &mut DescriptorEncoder<'_>, counters: &Counters) -> fmt::Result {
    let help = "Redirects for the app, by how they ended";
    let mut metric = encoder.encode_descriptor("installations", help, None, MetricType::Counter)?;
    for (arrival, result) in Arrival::ALL {
        let value = counters.arrivals(arrival).load(Ordering::Relaxed);
        ConstCounter::new(value).encode(metric.encode_family(&[("result", result)])?)?;
    }
    Ok(())
}

fn notifications(encoder: &mut DescriptorEncoder<'_>, counters: &Counters) -> fmt::Result {
    let help = "Messages to people, by the way they went and how that ended";
    let mut metric = encoder.encode_descriptor("notifications", help, None, MetricType::Counter)?;
    for channel in Channel::ALL {
        let tries = counters.tries(channel);
        for (result, counter) in [("sent", &tries.sent), ("failed", &tries.failed)] {
            let labels = [("channel", channel.name()), ("result", result)];
            ConstCounter::new(counter.load(Ordering::Relaxed)).encode(metric.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn every(
    mut metric: MetricEncoder<'_>, lines: &[(ShopName, ShopActivity)], read: fn(&ShopActivity) -> Samples,
    encode: fn(MetricEncoder<'_>, i64) -> fmt::Result,
) -> fmt::Result {
    for (shop, line) in lines {
        for (mut labels, value) in read(line) {
            labels.insert(0, ("shop", shop.as_str().to_owned()));
            encode(metric.encode_family(&labels)?, value)?;
        }
    }
    Ok(())
}

type Figure = (&'static str, &'static str, fn(&ShopActivity) -> Samples);

const GAUGES: &[Figure] = &[
    ("last_complete_pass_timestamp_seconds", "When a pass last checked everything", |line| {
        plain(line.last_complete.map(Timestamp::as_second))
    }),
    ("pass_duration_milliseconds", "How long the last pass took", |line| {
        plain(line.last.as_ref().map(|last| whole(last.took.as_millis())))
    }),
    ("pass_period_seconds", "How often a pass is meant to run", |line| plain(Some(line.period.as_secs()))),
    ("stopped", "1 while the kill switch is on", |line| {
        plain(line.standing().map(|standing| i64::from(standing.stopped)))
    }),
    ("open_breaks", "Breaks that are open or acknowledged", |line| breaks(line, |open| whole(open.count))),
    ("money_at_stake_minor", "What open breaks name, in minor units of the shop's currency", |line| {
        breaks(line, |open| open.amount.get())
    }),
    ("oldest_break_timestamp_seconds", "When the oldest open break was opened", |line| {
        breaks(line, |open| open.oldest.as_second())
    }),
    ("open_intents", "Intents that are not finished, by state", |line| {
        let standing = line.standing().into_iter();
        standing
            .flat_map(|it| &it.intents)
            .map(|(state, count)| (vec![("state", (*state).to_owned())], whole(*count)))
            .collect()
    }),
    ("oldest_unknown_timestamp_seconds", "When the oldest request without a known outcome was sent", |line| {
        plain(line.standing().and_then(|standing| standing.oldest_unknown).map(Timestamp::as_second))
    }),
    ("calls_left", "Calls left in a window of the API, by the window's length", |line| {
        let last = line.last.iter();
        last.flat_map(|last| &last.calls_left)
            .map(|(window, left)| {
                (vec![("api", "lightspeed".to_owned()), ("window_seconds", window.as_secs().to_string())], *left)
            })
            .collect()
    }),
];

const COUNTERS: &[Figure] = &[
    ("passes", "Passes since the service started", |line| plain(Some(whole(line.passes)))),
    ("incomplete_passes", "Passes that could not check everything", |line| plain(Some(whole(line.incomplete)))),
    ("calls", "Calls to the two sides since the service started", |line| {
        let calls = line.calls;
        let one = |api: &str, kind: &str, count: u64| {
            (vec![("api", api.to_owned()), ("kind", kind.to_owned())], whole(count))
        };
        vec![
            one("lightspeed", "read", calls.lightspeed.read),
            one("lightspeed", "write", calls.lightspeed.write),
            one("klarna", "read", calls.klarna.read),
            one("klarna", "write", calls.klarna.write),
        ]
    }),
    ("effects", "Effects since the service started, by how they ended", |line| {
        line.outcomes.iter().map(|(outcome, count)| (vec![("outcome", (*outcome).to_owned())], whole(*count))).collect()
    }),
];

fn plain(value: Option<i64>) -> Samples {
    value.map(|value| (Vec::new(), value)).into_iter().collect()
}

fn breaks(line: &ShopActivity, read: fn(&reconciled_store::OpenBreaks) -> i64) -> Samples {
    let standing = line.standing().into_iter();
    standing
        .flat_map(|standing| &standing.breaks)
        .map(|(kind, open)| {
            let severity = kind.severity().name().to_owned();
            (vec![("kind", kind.name().to_owned()), ("severity", severity)], read(open))
        })
        .collect()
}

/// A count beyond what a gauge holds is as good as the largest.
fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anybody_can_send_is_complained_about_once_a_minute() {
        let counters = Counters::default();
        let at = |seconds| counters.may_complain(Duration::from_secs(seconds));
        assert_eq!([0, 0, 1, 59, 60, 61, 119, 120].map(at), [true, false, false, false, true, false, false, true]);
    }
}
