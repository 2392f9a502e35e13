//! Whose pass is next: agendas, hints, and a bounded number of places.
//!
//! Passes over one shop never overlap, and the shop that waits longest goes first. A hint brings a pass at once, but
//! not more than twice a minute: a shop's budget of calls must outlast whoever knocks.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::ShopSchedule;
use super::agenda::{Agenda, Job, Moment};
use super::board::Board;
use crate::schedule::{ScheduleError, When};
use reconciled_core::id::ShopName;
use reconciled_store::NextDue;

/// Passes at the same time, over different shops: a pass mostly waits for answers.
const PLACES: usize = 16;

/// A hint starts a pass if fewer than two hinted passes started within this time.
const HINT_WINDOW: Duration = Duration::from_mins(1);

/// A pass that may start now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub shop: ShopName,
    pub job: Job,
    /// When the shop's next passes are due, to be kept once this one has ended.
    pub next: NextDue,
}

#[derive(Debug)]
struct Place {
    agenda: Agenda,
    poll: When,
    full: When,
    running: bool,
    /// Since when a hint waits.
    hinted: Option<Timestamp>,
    /// When the last two hinted passes started, on the clock that cannot be set.
    hinted_starts: [Option<Duration>; 2],
}

#[derive(Debug)]
pub(super) struct Turns {
    places: BTreeMap<ShopName, Place>,
}

impl Turns {
    pub(super) fn new(schedules: Vec<ShopSchedule>, at: Moment) -> Result<Self, ScheduleError> {
        let mut turns = Self { places: BTreeMap::new() };
        turns.reschedule(schedules, at)?;
        Ok(turns)
    }

    /// Takes up new shops, lets go of those that are gone, and keeps the times of the others. Nothing changes when one
    /// of them cannot be scheduled.
    pub(super) fn reschedule(&mut self, schedules: Vec<ShopSchedule>, at: Moment) -> Result<(), ScheduleError> {
        let count = schedules.len();
        let mut agendas = Vec::with_capacity(count);
        for (index, schedule) in schedules.iter().enumerate() {
            let known = self.places.get(&schedule.shop).map(|place| place.agenda.next_due());
            let mut agenda =
                Agenda::new(schedule.poll.clone(), schedule.full.clone(), known.or(schedule.kept), at.now)?;
            if known.is_none() && schedule.kept.is_none() {
                agenda.delay_poll(spread(&schedule.poll, index, count));
            }
            agendas.push(agenda);
        }
        let mut left = std::mem::take(&mut self.places);
        for (schedule, agenda) in schedules.into_iter().zip(agendas) {
            let before = left.remove(&schedule.shop);
            let place = Place {
                running: before.as_ref().is_some_and(|place| place.running),
                hinted: before.as_ref().and_then(|place| place.hinted),
                hinted_starts: before.as_ref().map_or([None; 2], |place| place.hinted_starts),
                agenda: before
                    .filter(|place| place.poll == schedule.poll && place.full == schedule.full)
                    .map_or(agenda, |p| p.agenda),
                poll: schedule.poll,
                full: schedule.full,
            };
            self.places.insert(schedule.shop, place);
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Puts every shop on the board, and takes those off that are gone.
    pub(super) fn show(&self, board: &Board, now: Timestamp) {
        board.keep(|shop| self.places.contains_key(shop));
        for (shop, place) in &self.places {
            board.schedule(shop, &place.poll, period(&place.poll, now).unwrap_or(SignedDuration::ZERO));
        }
    }

    /// Something may have changed at `shop`. Unknown names are nobody's.
    pub(super) fn wake(&mut self, shop: &ShopName, now: Timestamp) {
        if let Some(place) = self.places.get_mut(shop) {
            place.hinted.get_or_insert(now);
        }
    }

    /// The pass that starts now: that of the shop which waits longest, if a place is free.
    pub(super) fn next(&mut self, at: Moment) -> Result<Option<Turn>, ScheduleError> {
        let taken = self.places.values().filter(|place| place.running).count();
        if taken >= PLACES {
            return Ok(None);
        }
        let mut longest: Option<(Timestamp, ShopName, Job)> = None;
        for (shop, place) in self.places.iter_mut().filter(|(_, place)| !place.running) {
            if let Some((since, job)) = place.waits(at)?
                && longest.as_ref().is_none_or(|(first, ..)| since < *first)
            {
                longest = Some((since, shop.clone(), job));
            }
        }
        let Some((_, shop, job)) = longest else { return Ok(None) };
        let Some(place) = self.places.get_mut(&shop) else { return Ok(None) };
        let next = place.start(job, at)?;
        Ok(Some(Turn { shop, job, next }))
    }

    pub(super) fn ended(&mut self, shop: &ShopName) {
        if let Some(place) = self.places.get_mut(shop) {
            place.running = false;
        }
    }
}

impl Place {
    /// Since when this shop waits, and for what.
    fn waits(&mut self, at: Moment) -> Result<Option<(Timestamp, Job)>, ScheduleError> {
        if let Some(job) = self.agenda.due(at)? {
            return Ok(Some((self.agenda.since(job), job)));
        }
        let oldest_hinted = self.hinted_starts[0];
        let may = oldest_hinted.is_none_or(|start| at.boot.saturating_sub(start) >= HINT_WINDOW);
        Ok(self.hinted.filter(|_| may).map(|since| (since, Job::Poll)))
    }

    fn start(&mut self, job: Job, at: Moment) -> Result<NextDue, ScheduleError> {
        let is_due = self.agenda.due(at)?.is_some();
        self.running = true;
        // Whatever the hint was about happened before this pass, which therefore sees it.
        let hinted = self.hinted.take().is_some();
        if hinted && !is_due {
            self.hinted_starts = [self.hinted_starts[1], Some(at.boot)];
            return Ok(self.agenda.next_due());
        }
        self.agenda.start(job, at)
    }
}

/// Between two runs of the schedule, and not until its next one, which comes nearer.
fn period(poll: &When, now: Timestamp) -> Result<SignedDuration, ScheduleError> {
    let next = poll.next_after(now)?;
    Ok(poll.next_after(next)?.duration_since(next))
}

/// How much later than the first of `count` new shops the one at `index` begins, so that they do not all begin at once.
fn spread(poll: &When, index: usize, count: usize) -> SignedDuration {
    let period = match poll {
        When::Every(span) => *span,
        When::Calendar { .. } => return SignedDuration::ZERO,
    };
    let share = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let seconds = period.as_secs().saturating_mul(share(index)).checked_div(share(count)).unwrap_or(0);
    SignedDuration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "times of a test")]

    use super::*;
    use crate::schedule::Zone;

    fn schedule(shop: &str, minutes: i64, kept: Option<NextDue>) -> ShopSchedule {
        let full = When::calendar("30 3 * * *", Zone::named("UTC").unwrap()).unwrap();
        let poll = When::Every(SignedDuration::from_mins(minutes));
        ShopSchedule { shop: ShopName(shop.to_owned()), poll, full, kept }
    }

    fn moment() -> Moment {
        Moment { now: "2026-11-22T10:00:00Z".parse().unwrap(), boot: Duration::from_hours(5) }
    }

    fn after(at: Moment, seconds: u32) -> Moment {
        Moment {
            now: at.now + SignedDuration::from_secs(seconds.into()),
            boot: at.boot + Duration::from_secs(seconds.into()),
        }
    }

    fn names(turns: &mut Turns, at: Moment) -> Vec<String> {
        std::iter::from_fn(|| turns.next(at).unwrap()).map(|turn| turn.shop.0).collect()
    }

    #[test]
    fn passes_of_one_shop_never_overlap() {
        let mut turns = Turns::new(vec![schedule("main", 5, None)], moment()).unwrap();
        assert_eq!(names(&mut turns, moment()), ["main"]);
        assert_eq!(names(&mut turns, after(moment(), 600)), Vec::<String>::new());
        turns.ended(&ShopName("main".to_owned()));
        assert_eq!(names(&mut turns, after(moment(), 601)), ["main"]);
    }

    #[test]
    fn new_shops_begin_one_after_the_other() {
        let schedules = ["a", "b", "c", "d", "e"].map(|name| schedule(name, 5, None));
        let mut turns = Turns::new(schedules.to_vec(), moment()).unwrap();
        assert_eq!(names(&mut turns, moment()), ["a"]);
        assert_eq!(names(&mut turns, after(moment(), 60)), ["b"]);
        assert_eq!(names(&mut turns, after(moment(), 300)), ["c", "d", "e"]);
    }

    #[test]
    fn the_shop_that_waits_longest_is_next_and_places_are_bounded() {
        let now = moment().now;
        let schedules = (0..20_i64).map(|index| {
            let kept =
                NextDue { poll: now - SignedDuration::from_mins(index), full: now + SignedDuration::from_hours(9) };
            schedule(&format!("shop-{index:02}"), 30, Some(kept))
        });
        let mut turns = Turns::new(schedules.collect(), moment()).unwrap();
        let first = names(&mut turns, moment());
        assert_eq!(first.len(), PLACES);
        assert_eq!(first[0], "shop-19");
        turns.ended(&ShopName("shop-19".to_owned()));
        assert_eq!(names(&mut turns, moment()), ["shop-03"]);
    }

    #[test]
    fn hints_bring_a_pass_at_once_but_not_for_ever() {
        let mut turns = Turns::new(vec![schedule("main", 60, None)], moment()).unwrap();
        let main = ShopName("main".to_owned());
        assert_eq!(names(&mut turns, moment()).len(), 1);
        turns.ended(&main);
        let mut started = 0;
        for second in 1..=300 {
            let at = after(moment(), second);
            turns.wake(&main, at.now);
            started += names(&mut turns, at).len();
            turns.ended(&main);
        }
        assert_eq!(started, 10);
    }

    #[test]
    fn a_hint_during_a_pass_brings_another() {
        let mut turns = Turns::new(vec![schedule("main", 60, None)], moment()).unwrap();
        let main = ShopName("main".to_owned());
        assert_eq!(names(&mut turns, moment()).len(), 1);
        turns.wake(&main, moment().now);
        assert_eq!(names(&mut turns, after(moment(), 1)).len(), 0);
        turns.ended(&main);
        assert_eq!(names(&mut turns, after(moment(), 2)).len(), 1);
    }

    #[test]
    fn a_shop_is_late_by_its_schedule_and_not_by_the_next_time() {
        let poll = When::calendar("30 3 * * *", Zone::named("UTC").unwrap()).unwrap();
        let turns = Turns::new(vec![ShopSchedule { poll, ..schedule("main", 5, None) }], moment()).unwrap();
        let board = Board::default();
        let just_before: Timestamp = "2026-11-22T03:25:00Z".parse().unwrap();
        turns.show(&board, just_before);
        let lines = board.lines();
        let line = lines.get(&ShopName("main".to_owned())).unwrap();
        assert_eq!(line.period, SignedDuration::from_hours(24));
        let complete = "2026-11-22T03:31:00Z".parse().unwrap();
        assert_eq!(line.deadline(complete).unwrap().to_string(), "2026-11-24T03:30:00Z");
    }

    #[test]
    fn a_changed_schedule_keeps_what_is_running() {
        let mut turns = Turns::new(vec![schedule("main", 60, None)], moment()).unwrap();
        assert_eq!(names(&mut turns, moment()).len(), 1);
        turns.reschedule(vec![schedule("main", 5, None), schedule("second", 5, None)], moment()).unwrap();
        assert_eq!(names(&mut turns, after(moment(), 300)), ["second"]);
        turns.ended(&ShopName("main".to_owned()));
        turns.ended(&ShopName("second".to_owned()));
        assert_eq!(names(&mut turns, after(moment(), 301)), Vec::<String>::new());
        assert_eq!(names(&mut turns, after(moment(), 602)), ["second", "main"]);
    }
}
