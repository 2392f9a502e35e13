//! Rate limits of both services, with the figures they publish.
//!
//! Lightspeed counts per key in clock-aligned windows (five minutes, hour, day) and per second;
//! Klarna counts per merchant per second. Nothing is counted while switched off.

use super::time::{self, Zone};

/// The figures; when they are raised the headers say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitFigures {
    pub enabled: bool,
    pub lightspeed_five_minutes: i64,
    pub lightspeed_hour: i64,
    pub lightspeed_day: i64,
    pub lightspeed_second: i64,
    pub klarna_second: i64,
}

impl Default for LimitFigures {
    /// Lightspeed's for every key, Klarna's for the playground.
    fn default() -> Self {
        Self {
            enabled: true,
            lightspeed_five_minutes: 300,
            lightspeed_hour: 3_000,
            lightspeed_day: 12_000,
            lightspeed_second: 20,
            klarna_second: 50,
        }
    }
}

/// One fixed window.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    number: i64,
    used: i64,
}

impl Window {
    fn at(&mut self, number: i64) -> &mut Self {
        if self.number != number {
            *self = Self { number, used: 0 };
        }
        self
    }
}

/// What one Lightspeed answer says about the limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShopQuota {
    pub(crate) limit: [i64; 3],
    pub(crate) remaining: [i64; 3],
    pub(crate) reset: [i64; 3],
    pub(crate) exceeded: bool,
    /// Seconds until the exhausted window opens again.
    pub(crate) wait: i64,
}

/// Counters of one Lightspeed key.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShopLimiter {
    windows: [Window; 3],
    second: Window,
}

impl ShopLimiter {
    /// Counts one request, or refuses it without counting.
    pub(crate) fn take(&mut self, figures: &LimitFigures, now: i64, zone: Zone) -> ShopQuota {
        self.quota(figures, now, zone, true)
    }

    /// The limits as they stand, without counting.
    pub(crate) fn peek(&mut self, figures: &LimitFigures, now: i64, zone: Zone) -> ShopQuota {
        self.quota(figures, now, zone, false)
    }

    fn quota(&mut self, figures: &LimitFigures, now: i64, zone: Zone, counted: bool) -> ShopQuota {
        let limit = [figures.lightspeed_five_minutes, figures.lightspeed_hour, figures.lightspeed_day];
        let seconds = time::seconds(now);
        let to_midnight = time::seconds_to_midnight(now, zone);
        let reset = [
            300_i64.saturating_sub(seconds.rem_euclid(300)),
            3_600_i64.saturating_sub(seconds.rem_euclid(3_600)),
            to_midnight,
        ];
        if !figures.enabled {
            return ShopQuota { limit, remaining: limit, reset, exceeded: false, wait: 0 };
        }
        let ends = reset.map(|left| seconds.saturating_add(left));
        for (window, end) in self.windows.iter_mut().zip(ends) {
            window.at(end);
        }
        let full = |window: &Window, limit: i64| window.used >= limit;
        let too_fast = full(self.second.at(seconds), figures.lightspeed_second);
        let exhausted: Vec<bool> = self.windows.iter().zip(limit).map(|(window, limit)| full(window, limit)).collect();
        let exceeded = too_fast || exhausted.contains(&true);
        if counted && !exceeded {
            self.second.used = self.second.used.saturating_add(1);
            for window in &mut self.windows {
                window.used = window.used.saturating_add(1);
            }
        }
        let mut remaining = [0_i64; 3];
        let mut wait = i64::from(too_fast);
        for (index, left) in remaining.iter_mut().enumerate() {
            let used = self.windows.get(index).map_or(0, |window| window.used);
            *left = limit.get(index).copied().unwrap_or(0).saturating_sub(used).max(0);
            if exhausted.get(index) == Some(&true) {
                *left = -1;
                wait = wait.max(reset.get(index).copied().unwrap_or(0));
            }
        }
        ShopQuota { limit, remaining, reset, exceeded, wait }
    }
}

/// What one Klarna answer says about the limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MerchantQuota {
    pub(crate) limit: i64,
    pub(crate) remaining: i64,
    pub(crate) exceeded: bool,
}

/// Counter of the merchant.
#[derive(Clone, Debug, Default)]
pub(crate) struct MerchantLimiter {
    second: Window,
}

impl MerchantLimiter {
    pub(crate) fn take(&mut self, figures: &LimitFigures, now: i64) -> MerchantQuota {
        let limit = figures.klarna_second;
        if !figures.enabled {
            return MerchantQuota { limit, remaining: limit, exceeded: false };
        }
        let window = self.second.at(time::seconds(now));
        let exceeded = window.used >= limit;
        if !exceeded {
            window.used = window.used.saturating_add(1);
        }
        MerchantQuota { limit, remaining: limit.saturating_sub(window.used), exceeded }
    }
}
