//! News that wait to be told through one channel, and when the next message may go out.
//!
//! Pure. The first news go out at once; whatever comes up within a minute after a message waits and goes out
//! together. After a failure the next try comes later each time, with everything that came up meanwhile. What was told
//! is remembered here until the store has it, so that a store that fails does not make people hear it twice.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::alarm::{Change, News, Source};
use reconciled_core::id::ShopName;
use reconciled_core::money::Currency;
use reconciled_store::Told;

/// The shop that something is about; `None`: the service itself.
pub type Place = Option<ShopName>;

/// One thing to tell, with where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub place: Place,
    pub currency: Option<Currency>,
    pub news: News,
}

/// Messages are at least this far apart.
const GATHER: Duration = Duration::from_mins(1);

/// The longest time between two tries.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

#[derive(Debug, Default)]
pub struct Outbox {
    waiting: BTreeMap<(Place, Source), Vec<Entry>>,
    /// What was told and is not in the store yet; `None`: what is over.
    unkept: BTreeMap<Place, BTreeMap<String, Option<Told>>>,
    /// The last try, in time since boot.
    last_try: Option<Duration>,
    failures: u32,
}

impl Outbox {
    /// What one look at one place found; replaces what the look before found.
    pub fn put(&mut self, place: &Place, source: Source, currency: Option<Currency>, news: Vec<News>) {
        let key = (place.clone(), source);
        if news.is_empty() {
            self.waiting.remove(&key);
            return;
        }
        let entry = |news| Entry { place: place.clone(), currency, news };
        self.waiting.insert(key, news.into_iter().map(entry).collect());
    }

    /// What people were told as far as the store knows, brought up to date.
    pub fn told(&self, place: &Place, kept: Vec<Told>) -> Vec<Told> {
        let Some(newer) = self.unkept.get(place) else { return kept };
        let older = kept.into_iter().filter(|told| !newer.contains_key(&told.subject));
        older.chain(newer.values().flatten().cloned()).collect()
    }

    /// Everything there is to tell, once something is urgent and the time has come.
    pub fn due(&self, boot: Duration) -> Option<Vec<Entry>> {
        let entries = || self.waiting.values().flatten();
        let is_time = self.last_try.is_none_or(|last| boot.saturating_sub(last) >= self.pause());
        let is_due = is_time && entries().any(|entry| entry.news.is_urgent());
        is_due.then(|| entries().cloned().collect())
    }

    fn pause(&self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures.min(16));
        GATHER.saturating_mul(doubled).min(LONGEST_PAUSE)
    }

    pub fn failed(&mut self, boot: Duration) {
        self.last_try = Some(boot);
        self.failures = self.failures.saturating_add(1);
    }

    /// These were told.
    pub fn sent(&mut self, entries: &[Entry], boot: Duration, now: Timestamp) {
        self.last_try = Some(boot);
        self.failures = 0;
        for entry in entries {
            let item = &entry.news.item;
            let told = match entry.news.change {
                Change::New | Change::Again => Some(item.told(now)),
                Change::Over => None,
            };
            self.unkept.entry(entry.place.clone()).or_default().insert(item.subject.clone(), told);
        }
        let is_sent = |entry: &Entry| {
            let same = |sent: &Entry| {
                sent.place == entry.place
                    && sent.news.item.subject == entry.news.item.subject
                    && sent.news.change == entry.news.change
            };
            entries.iter().any(same)
        };
        for waiting in self.waiting.values_mut() {
            waiting.retain(|entry| !is_sent(entry));
        }
        self.waiting.retain(|_, waiting| !waiting.is_empty());
    }

    /// Shops whose store has to learn what was told: what to keep, and what is over.
    pub fn unkept(&self) -> Vec<(ShopName, Vec<Told>, Vec<String>)> {
        let of_shop = |(place, told): (&Place, &BTreeMap<String, Option<Told>>)| {
            let over = told.iter().filter(|(_, told)| told.is_none()).map(|(subject, _)| subject.clone());
            Some((place.clone()?, told.values().flatten().cloned().collect(), over.collect()))
        };
        self.unkept.iter().filter_map(of_shop).collect()
    }

    /// The shop's store has it.
    pub fn kept(&mut self, shop: &ShopName) {
        self.unkept.remove(&Some(shop.clone()));
    }

    /// Shops that are no longer configured have nothing to tell.
    pub fn keep_places(&mut self, is_place: impl Fn(&Place) -> bool) {
        self.waiting.retain(|(place, _), _| is_place(place));
        self.unkept.retain(|place, _| is_place(place));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unnecessary_wraps, reason = "places of a test are shops")]

    use super::*;
    use crate::daemon::alarm;

    fn place(name: &str) -> Place {
        Some(ShopName(name.to_owned()))
    }

    fn now(minutes: i64) -> Timestamp {
        Timestamp::from_second(minutes.saturating_mul(60)).unwrap()
    }

    fn minutes(count: u64) -> Duration {
        Duration::from_mins(count)
    }

    fn stopped(change: Change) -> Vec<News> {
        alarm::after_pass(true, &[], &[], now(0)).into_iter().map(|item| News { change, item }).collect()
    }

    fn over() -> Vec<News> {
        let mut news = stopped(Change::Over);
        news[0].item.kind = alarm::Kind::PassLate;
        news
    }

    #[test]
    fn what_comes_up_within_a_minute_goes_out_together() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.due(minutes(9)), None);
        outbox.put(&place("a"), Source::Pass, None, stopped(Change::New));
        let first = outbox.due(minutes(10)).unwrap();
        outbox.sent(&first, minutes(10), now(10));
        outbox.put(&place("b"), Source::Pass, None, stopped(Change::New));
        outbox.put(&place("c"), Source::Pass, None, stopped(Change::New));
        assert_eq!(outbox.due(Duration::from_secs(10 * 60 + 59)), None);
        assert_eq!(outbox.due(minutes(11)).map(|entries| entries.len()), Some(2));
    }

    #[test]
    fn what_is_over_waits_for_something_urgent() {
        let mut outbox = Outbox::default();
        outbox.put(&place("a"), Source::Board, None, over());
        assert_eq!(outbox.due(minutes(10)), None);
        outbox.put(&place("b"), Source::Pass, None, stopped(Change::New));
        assert_eq!(outbox.due(minutes(10)).map(|entries| entries.len()), Some(2));
    }

    #[test]
    fn a_failure_is_retried_later_each_time_with_what_came_up_meanwhile() {
        let mut outbox = Outbox::default();
        outbox.put(&place("a"), Source::Pass, None, stopped(Change::New));
        outbox.failed(minutes(0));
        assert_eq!(outbox.due(minutes(1)), None);
        outbox.put(&place("b"), Source::Pass, None, stopped(Change::New));
        assert_eq!(outbox.due(minutes(2)).map(|entries| entries.len()), Some(2));
        for _ in 0..40 {
            outbox.failed(minutes(2));
        }
        assert_eq!(outbox.due(minutes(61)), None);
        let entries = outbox.due(minutes(62)).unwrap();
        outbox.sent(&entries, minutes(62), now(62));
        outbox.put(&place("c"), Source::Pass, None, stopped(Change::New));
        assert!(outbox.due(minutes(63)).is_some(), "one success ends the waiting");
    }

    #[test]
    fn a_look_replaces_the_one_before() {
        let mut outbox = Outbox::default();
        outbox.put(&place("a"), Source::Pass, None, stopped(Change::New));
        outbox.put(&place("a"), Source::Pass, None, vec![]);
        assert_eq!(outbox.due(minutes(1)), None);
    }

    #[test]
    fn what_was_told_is_remembered_until_the_store_has_it() {
        let mut outbox = Outbox::default();
        let main = place("main");
        outbox.put(&main, Source::Pass, None, stopped(Change::New));
        let entries = outbox.due(minutes(0)).unwrap();
        outbox.sent(&entries, minutes(0), now(0));
        let told = outbox.told(&main, vec![]);
        assert_eq!(told.len(), 1);
        assert_eq!(outbox.told(&place("other"), vec![]), []);
        let [(shop, kept, gone)] = outbox.unkept().try_into().unwrap();
        assert_eq!((Some(shop.clone()), kept, gone), (main.clone(), told.clone(), vec![]));
        outbox.kept(&shop);
        assert_eq!(outbox.told(&main, told.clone()), told, "the store's word");
        outbox.put(&main, Source::Pass, None, stopped(Change::Over));
        let entries = outbox.due(minutes(1)).unwrap();
        outbox.sent(&entries, minutes(1), now(1));
        assert_eq!(outbox.told(&main, told), [], "it is over, whatever the store still says");
    }

    #[test]
    fn shops_that_are_gone_have_nothing_to_tell() {
        let mut outbox = Outbox::default();
        outbox.put(&place("a"), Source::Pass, None, stopped(Change::New));
        outbox.keep_places(Option::is_none);
        assert_eq!(outbox.due(minutes(1)), None);
    }
}
