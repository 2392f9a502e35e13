//! Values written as text: durations, amounts, choices, paths.
//!
//! Each is read exactly or not at all; what is allowed is said in the message beside it.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::read::Kind;
use reconciled_core::fulfilment::Fulfilled;
use reconciled_core::money::{Currency, Minor};
use reconciled_core::policy::Mode;

/// Ten years: longer than any of these durations can mean anything.
const LONGEST_DAYS: i64 = 3650;

pub(super) const DURATION: Kind<SignedDuration> = Kind {
    allowed: "a whole number and a unit in quotes, such as \"30 minutes\", \"0 seconds\" or \"5 days\" (seconds, minutes, hours, days, weeks)",
    read: duration,
};

pub(super) const AMOUNT: Kind<Minor> = Kind {
    allowed: "an amount in the shop's currency, in quotes, with at most two decimals, such as \"1000.00\"",
    read: amount,
};

pub(super) const MODE: Kind<Mode> = Kind {
    allowed: "\"drive\" (this program does it), \"verify\" (somebody else does it and this program checks) or \"off\"",
    read: mode,
};

pub(super) const CAPTURE_ON: Kind<Fulfilled> = Kind {
    allowed: "\"shipped\", \"picked up\", \"completed\" or \"ready to download\"",
    read: |text| Fulfilled::ALL.into_iter().find(|it| it.word() == text),
};

pub(super) const LANGUAGE: Kind<String> = Kind {
    allowed: "the two letters of an active language of the shop, such as \"nl\"",
    read: |text| {
        let valid = text.len() == 2 && text.bytes().all(|b| b.is_ascii_lowercase());
        valid.then(|| text.to_owned())
    },
};

pub(super) const PAYMENT: Kind<String> = Kind {
    allowed: "a word of the payment's id, title or data, such as \"klarna\"",
    read: |text| {
        let text = text.trim();
        (!text.is_empty() && text.len() <= 100).then(|| text.to_lowercase())
    },
};

pub(super) const FILE: Kind<PathBuf> = Kind {
    allowed: "the name of a file that holds the secret, not the secret itself",
    read: |text| {
        let valid = !text.is_empty() && !text.contains(char::is_control) && !looks_secret(text);
        valid.then(|| PathBuf::from(text))
    },
};

fn mode(text: &str) -> Option<Mode> {
    Mode::ALL.into_iter().find(|mode| mode.word() == text)
}

/// `30 minutes`: a whole number, one space or more, a unit in singular or plural.
pub fn duration(text: &str) -> Option<SignedDuration> {
    let mut words = text.split_ascii_whitespace();
    let (number, unit, None) = (words.next()?, words.next()?, words.next()) else { return None };
    let seconds = match unit.strip_suffix('s').unwrap_or(unit) {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 604_800,
        _ => return None,
    };
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let total = number.parse::<i64>().ok()?.checked_mul(seconds)?;
    (total <= LONGEST_DAYS.checked_mul(86_400)?).then(|| SignedDuration::from_secs(total))
}

/// The currency is the shop's and only known once the shop was read. Every currency Klarna settles has two
/// decimals (a test holds us to that), so the euro's stand for all.
fn amount(text: &str) -> Option<Minor> {
    Minor::parse(text, Currency::EUR).ok().filter(|amount| *amount >= Minor::ZERO)
}

/// A value that may be a credential written into the wrong place, perhaps pasted with a blank or a line end: never
/// quoted, and never taken for a file name.
pub(super) fn looks_secret(text: &str) -> bool {
    let text = text.trim();
    let marked = ["klarna_test_", "klarna_live_", "kco_test_", "kco_live_"].iter().any(|prefix| text.contains(prefix));
    let dense = text.len() >= 20
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=+".contains(&b))
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().any(|b| b.is_ascii_alphabetic());
    marked || dense || text.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_or_refused() {
        let seconds = |text| duration(text).map(|d| d.as_secs());
        for (text, expected) in [
            ("30 minutes", Some(1800)),
            ("1 minute", Some(60)),
            ("0 seconds", Some(0)),
            ("5 days", Some(432_000)),
            ("2 hours", Some(7200)),
            ("1 week", Some(604_800)),
            ("3650 days", Some(315_360_000)),
            ("3651 days", None),
            ("30minutes", None),
            ("30", None),
            ("-1 minutes", None),
            ("+1 minutes", None),
            ("1.5 hours", None),
            ("30 minutess", None),
            ("30 months", None),
            ("99999999999999999999 days", None),
            ("1 hour 30 minutes", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn every_currency_has_the_two_decimals_that_limits_are_read_with() {
        assert!(Currency::ALL.iter().all(|currency| currency.exponent() == 2));
    }

    #[test]
    fn a_secret_is_one_with_blanks_around_it_too() {
        for text in
            ["5a6e64626f78206b6579203030303031", " 5a6e64626f78206b6579203030303031\n", "K1234_abcdefghijklmnop\t"]
        {
            assert!(looks_secret(text), "{text:?}");
        }
        for text in ["lightspeed-key", "/etc/reconciled/main.lightspeed-key", "every 5 minutes"] {
            assert!(!looks_secret(text), "{text:?}");
        }
    }

    #[test]
    fn amounts_are_never_negative() {
        assert_eq!(amount("-1.00"), None);
        assert_eq!(amount("0").map(Minor::get), Some(0));
        assert_eq!(amount("1000.00").map(Minor::get), Some(100_000));
        assert_eq!(amount("1000.001"), None);
    }
}
