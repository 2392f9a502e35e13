//! What happened, in order: a digest always, words only when somebody wants to read them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The events of one history.
pub struct Log {
    pub told: bool,
    lines: Vec<String>,
    digest: u64,
    /// How often each fault and each act came.
    pub counts: BTreeMap<&'static str, u64>,
    pub events: u64,
}

impl Log {
    pub fn new(told: bool) -> Self {
        Self { told, lines: Vec::new(), digest: 0xcbf2_9ce4_8422_2325, counts: BTreeMap::new(), events: 0 }
    }

    /// One event, by its name and what tells it apart; `words` are asked for only when they are kept.
    pub fn event(&mut self, now: i64, what: &str, number: u64, words: impl FnOnce() -> String) {
        self.events += 1;
        self.mix(what.as_bytes());
        self.mix(&now.to_le_bytes());
        self.mix(&number.to_le_bytes());
        if self.told {
            let (at, words) = (clock(now), words());
            self.lines.push(format!("{at} {what} {words}"));
        }
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.digest = (self.digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub fn digest(&self) -> u64 {
        self.digest
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

/// Days, hours, minutes and seconds since the beginning.
fn clock(now: i64) -> String {
    let ms = now - super::time::START;
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    format!("{days}d {hours:02}:{minutes:02}:{:02}.{:03}", rest / 1000 % 60, rest % 1000)
}
