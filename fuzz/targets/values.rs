//! Values written as text: amounts, durations, instants, ids, budgets, and the configuration that holds them.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use reconciled::config;
use reconciled_core::id::KlarnaOrderId;
use reconciled_core::money::{Currency, Minor};
use reconciled_sides::budget::{Budget, KLARNA_PRODUCTION_PER_SECOND, Use};
use reconciled_sides::clock::Clock;
use reconciled_sides::lightspeed::{IdSource, Page};

use super::lightspeed::client;
use super::wire::{Sections, Still, answer, response, run};

pub const MONEY_WORDS: &[&str] =
    &["0", "00", "1", "44.95", ".", "-", "+", "9", "99999999999999999", "e3", ",", " ", "0.1000", "\u{665}", "_", "E"];

pub const DURATION_WORDS: &[&str] = &[
    "30",
    " ",
    "minutes",
    "minute",
    "s",
    "seconds",
    "hours",
    "days",
    "weeks",
    "3650",
    "3651",
    "0",
    "-",
    "+",
    "\t",
    "1.5",
    "315360000",
    "99999999999999999999",
];

pub const DATE_WORDS: &[&str] = &[
    "2026-05-01",
    "T",
    " ",
    "10:15:00",
    ".123456789",
    "Z",
    "+02:00",
    "-00:00",
    "[Europe/Amsterdam]",
    "0000-00-00",
    "9999-12-31",
    "-009999-01-01",
    "60",
    "24:00:00",
    "Mon, 01 Jun 2026 12:00:00 GMT",
    "Fri, 31 Dec 9999",
    "EST",
    "\n",
];

pub const ID_WORDS: &[&str] = &[
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "/",
    "..",
    "?",
    "#",
    "%2f",
    "A",
    "-",
    " ",
    "metafield:",
    "memo",
    "events",
    "paymentData",
    "ORD00018",
    "&limit=1",
    "\u{e9}",
    "\0",
    "\r\n",
];

pub const BUDGET_WORDS: &[&str] = &[
    "200\n",
    "429\n",
    "x-ratelimit-limit: 300/3000/12000\n",
    "x-ratelimit-remaining: -1/0/5\n",
    "\n",
    "x-ratelimit-reset: 300/3600/86400\n",
    "x-ratelimit-limit: 50, 50;w=1\n",
    "x-ratelimit-remaining: 0\n",
    "x-ratelimit-reset: 1\n",
    "retry-after: 5\n",
    "retry-after: -1\n",
    "retry-after: 99999999999\n",
    "retry-after: Fri, 31 Dec 9999 23:59:59 GMT\n",
    "x-ratelimit-reset: 4294967295\n",
    "x-ratelimit-limit: 0;w=0\n",
    "x-ratelimit-reset: 9223372036854775807/-9223372036854775808/0\n",
    "\n%%\n",
];

pub const CONFIG_WORDS: &[&str] = &[
    "[store]\n",
    "url = \"sqlite:x.db\"\n",
    "[schedule]\n",
    "poll = \"every 5 minutes\"\n",
    "full = \"at 03:30 UTC\"\n",
    "[shops.main.lightspeed]\n",
    "cluster = \"eu1\"\n",
    "language = \"nl\"\n",
    "[shops.main.klarna]\n",
    "environment = \"playground\"\n",
    "region = \"eu\"\n",
    "[shops.main.policy]\n",
    "act = true\n",
    "refunds = \"drive\"\n",
    "refund_after = \"60 minutes\"\n",
    "refund_limit_per_day = \"1.00\"\n",
    "password = \"klarna_live_api_SeCrEt\"\n",
    "[shops.main.match]\n",
    "payment = [\"klarna\"]\n",
    "[shops.",
    "]\n",
    "= ",
    "\"",
    "'''",
    "{",
    "1e999",
    "#",
    "\u{0}",
];

/// Cents of decimal text, read digit by digit.
pub fn cents(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit());
    if !are_digits(whole) || !are_digits(part) {
        return None;
    }
    let part = part.trim_end_matches('0');
    let cents = format!("{whole}{part:0<2}");
    if part.len() > 2 { None } else { cents.parse::<i64>().ok()?.checked_mul(sign) }
}

/// An amount is exactly what its digits say, or it is no amount; and it is written as it is read.
pub fn money(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(amount) = Minor::parse(text, Currency::EUR) else { return false };
    assert_eq!(Some(amount.get()), cents(text), "{text:?}");
    assert_eq!(Minor::parse(&amount.decimal(Currency::EUR), Currency::EUR), Ok(amount), "{text:?}");
    true
}

const CONFIG: &str = "[shops.main.lightspeed]\ncluster = \"eu1\"\nlanguage = \"nl\"\n[shops.main.klarna]\nenvironment = \"playground\"\nregion = \"eu\"\n[shops.main.policy]\nrefund_after = ";

/// A duration is a whole number of one unit, at most ten years, or it is refused.
pub fn durations(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    if text.chars().any(|letter| letter.is_control() || matches!(letter, '"' | '\\')) {
        return false;
    }
    let (_, problems) = config::parse(Path::new("c.toml"), &format!("{CONFIG}\"{text}\"\n"));
    let parts: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let seconds = match parts.as_slice() {
        [number, unit] if number.chars().all(|digit| digit.is_ascii_digit()) => {
            let length = match *unit {
                "second" | "seconds" => 1_i64,
                "minute" | "minutes" => 60,
                "hour" | "hours" => 3_600,
                "day" | "days" => 86_400,
                "week" | "weeks" => 604_800,
                _ => 0,
            };
            number.parse::<i64>().ok().and_then(|number| number.checked_mul(length)).filter(|_| length > 0)
        }
        _ => None,
    };
    let is_one = seconds.is_some_and(|seconds| seconds <= 315_360_000);
    assert_eq!(problems.is_empty(), is_one, "{text:?}");
    is_one
}

/// An instant that is read can be written and read again; in bodies and in headers.
pub fn dates(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(quoted) = serde_json::to_string(text) else { return false };
    let headers = vec![("date".to_owned(), text.to_owned())];
    let (row, said) = listed(&quoted, headers);
    if let Some(at) = row {
        assert_eq!(listed(&format!("\"{at}\""), Vec::new()).0, Some(at), "{text:?}");
        assert!(text.chars().filter(char::is_ascii_digit).count() >= 8, "{text:?} says no day");
    }
    if let Some(said) = said {
        let again = jiff::fmt::rfc2822::to_string(&said.to_zoned(jiff::tz::TimeZone::UTC));
        let again = again.map(|again| listed("\"\"", vec![("date".to_owned(), again)]).1);
        assert!(again.is_err() || again.is_ok_and(|again| again == Some(said)), "{text:?}");
    }
    row.is_some() || said.is_some()
}

/// `updatedAt` of a page with one row, and `Date` of any answer.
fn listed(updated: &str, headers: Vec<(String, String)>) -> (Option<Timestamp>, Option<Timestamp>) {
    let row = format!("{{\"orders\":[{{\"id\":1,\"number\":\"O\",\"updatedAt\":{updated}}}]}}");
    let with_row = Sections::of(vec![response(200, Vec::new(), row.as_bytes())]);
    let empty = Sections::of(vec![response(200, headers, b"{\"accountPermissions\":{}}")]);
    let page = run(client(with_row).orders_page(None, &Page::first())).ok();
    let said = run(client(empty).permissions()).ok().and_then(|(_, date)| date);
    (page.and_then(|page| page.rows.first().map(|row| row.updated_at)), said)
}

/// What becomes part of a URL stays in its place.
pub fn ids(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let id = KlarnaOrderId::new(text);
    if let Some(id) = &id {
        assert_eq!(id.as_str(), text);
        assert!(text.len() <= 255 && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-'));
    }
    if let Ok(IdSource::Metafield(key)) = text.parse() {
        assert_eq!(format!("metafield:{key}"), text);
    }
    let transport = Sections::bodies(b"{\"orders\":[]}");
    assert_eq!(run(client(transport.clone()).find_order(text)), Ok(None));
    let url = transport.urls().remove(0);
    let query = url.strip_prefix("http://127.0.0.1/nl/orders.json?number=").expect("the number is in its place");
    let (number, rest) = query.split_once('&').expect("and something follows it");
    assert_eq!(rest, "limit=250", "{text:?}");
    assert_eq!(decoded(number).as_deref(), Some(data), "{text:?}");
    id.is_some()
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let is_escape = byte == b'%';
        let digits = if is_escape { [rest.next()?, rest.next()?] } else { [b'0', b'0'] };
        let code = u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?;
        bytes.push(if is_escape { code } else { byte });
    }
    Some(bytes)
}

/// However hostile the headers: a refusal lasts between a second and a day, no call waits longer than a minute, and
/// what is saved is what is restored.
pub fn budget_headers(data: &[u8]) -> bool {
    let answers: Vec<_> =
        String::from_utf8_lossy(data).split("\n%%\n").filter_map(|part| answer(part.as_bytes())).collect();
    let made: [fn() -> Budget; 2] = [
        || Budget::lightspeed("b", "https://x.invalid"),
        || Budget::klarna("b", "https://x.invalid", KLARNA_PRODUCTION_PER_SECOND),
    ];
    for budget in made {
        let (clock, learnt) = (Still::new(), budget());
        for response in &answers {
            learnt.learn(&clock, response);
            if response.status == 429 {
                let until = learnt.throttled(&clock, response, SignedDuration::from_secs(1));
                let wait = until.duration_since(clock.now());
                assert!((SignedDuration::from_secs(1)..=SignedDuration::from_hours(24)).contains(&wait), "{wait}");
            }
            for purpose in [Use::Read, Use::Write] {
                let before = clock.now();
                match run(learnt.admit(&clock, purpose)) {
                    Ok(()) => assert!(clock.now().duration_since(before) <= SignedDuration::from_mins(1)),
                    Err(until) => assert!(until > clock.now(), "{until} is over"),
                }
            }
        }
        let saved: BTreeMap<String, String> = learnt.save();
        let again = budget();
        again.restore(&saved);
        assert_eq!(again.save(), saved);
        again.restore(&BTreeMap::from([("b".to_owned(), String::from_utf8_lossy(data).into_owned())]));
        let _ = run(again.admit(&clock, Use::Read));
    }
    !answers.is_empty()
}

/// Every mistake is one line that quotes no secret; a text without mistakes means the same each time.
pub fn config_toml(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let path = Path::new("c.toml");
    let (config, problems) = config::parse(path, text);
    // A secret in pieces has no shape of its own any more.
    let is_whole = text.matches("SeCrEt").count() == text.matches("klarna_live_api_SeCrEt").count();
    for line in problems.lines() {
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(!is_whole || !line.contains("SeCrEt"), "{line:?}");
    }
    let (again, same) = config::parse(path, text);
    assert_eq!((format!("{config:?}"), &problems), (format!("{again:?}"), &same));
    problems.is_empty() && !config.shops.is_empty()
}
