//! Logs: to the journal with its own fields where systemd started us, else to stderr as text, or as one JSON object per
//! line where that is asked for.
//!
//! Only this program's own events are let through: libraries below it may log headers, and headers carry
//! credentials. No event carries a name, an address or a secret.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::Environment;

/// Everything of this program begins with it.
const OURS: &str = "reconciled";

/// Starts logging for the whole process; a second call changes nothing. Returns what is wrong with
/// `RECONCILED_LOG`, if anything.
///
/// `RECONCILED_LOG` holds a level (`info`), or levels of parts of this program (`info,reconciled::pass=debug`), and
/// wins over `-v` and `-q`. `RECONCILED_LOG_FORMAT` is `json`, `text` or `journal`; without it the journal is used where
/// stderr leads there.
pub fn start(environment: &Environment, verbose: u8, quiet: bool) -> Option<String> {
    let (filter, complaint) = match environment.get("RECONCILED_LOG") {
        Some(text) => match targets(text) {
            Ok(targets) => (targets, None),
            Err(why) => (of_flags(verbose, quiet), Some(why)),
        },
        None => (of_flags(verbose, quiet), None),
    };
    let layer = match environment.get("RECONCILED_LOG_FORMAT") {
        Some("json") => json(),
        Some("text") => text(environment, verbose),
        Some("journal") => journal().unwrap_or_else(|| text(environment, verbose)),
        _ if leads_to_journal(environment) => journal().unwrap_or_else(|| text(environment, verbose)),
        _ => text(environment, verbose),
    };
    // Already started, in a test that runs a command twice: the first one stays.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    complaint
}

type Output = Box<dyn Layer<Registry> + Send + Sync>;

fn text(environment: &Environment, verbose: u8) -> Output {
    let ansi = io::stderr().is_terminal() && !environment.is_colourless();
    fmt::layer().with_writer(io::stderr).with_ansi(ansi).with_target(verbose > 1).boxed()
}

fn json() -> Output {
    fmt::layer().with_writer(io::stderr).with_ansi(false).json().flatten_event(true).boxed()
}

/// `None` where no journal listens.
fn journal() -> Option<Output> {
    let layer = tracing_journald::layer().ok()?;
    Some(layer.with_field_prefix(Some("RECONCILED".to_owned())).with_syslog_identifier(OURS.to_owned()).boxed())
}

fn leads_to_journal(environment: &Environment) -> bool {
    let stderr = rustix::fs::fstat(io::stderr());
    stderr.is_ok_and(|stat| environment.is_journal(stat.st_dev, stat.st_ino))
}

fn of_flags(verbose: u8, quiet: bool) -> Targets {
    let level = match (quiet, verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    Targets::new().with_target(OURS, level)
}

fn targets(text: &str) -> Result<Targets, String> {
    let wrong = || {
        "RECONCILED_LOG is not understood: write a level (error, warn, info, debug, trace, off), or levels of parts such as `info,reconciled::pass=debug`"
            .to_owned()
    };
    let mut targets = Targets::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (target, level) = part.split_once('=').unwrap_or((OURS, part));
        let ours = target == OURS || target.starts_with("reconciled::");
        let level = level.parse::<LevelFilter>().ok().filter(|_| ours).ok_or_else(wrong)?;
        targets = targets.with_target(target, level);
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn only_this_programs_events_pass() {
        for targets in [of_flags(3, false), targets("trace").unwrap()] {
            assert!(targets.would_enable("reconciled::pass", &Level::TRACE));
            assert!(!targets.would_enable("hyper::client", &Level::ERROR));
            assert!(!targets.would_enable("reqwest", &Level::ERROR));
        }
    }

    #[test]
    fn levels_of_others_are_refused() {
        for text in ["hyper=trace", "loud", "info,h2=debug", "reconciledx=info"] {
            assert!(targets(text).is_err(), "{text}");
        }
        let parts = targets("warn,reconciled::pass=debug").unwrap();
        assert!(parts.would_enable("reconciled::pass::act", &Level::DEBUG));
        assert!(!parts.would_enable("reconciled::store", &Level::INFO));
    }
}
