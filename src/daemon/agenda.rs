//! What is due when, for one shop: pure, so that a test can hold a year in its hand.
//!
//! The next times are durable and computed here; the ticker only asks. A missed run is made up once, however many
//! were missed. A clock that jumps neither loses a run nor doubles one: forward, the run is simply due; back, the
//! next time is brought nearer, but not so near that it would repeat the last run.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::schedule::{ScheduleError, When};
use reconciled_store::NextDue;

/// What a pass is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Job {
    /// What changed.
    Poll,
    /// Everything again; includes what a poll does.
    Full,
}

/// One job's times.
#[derive(Clone, Debug)]
struct Entry {
    when: When,
    next: Timestamp,
    last: Option<LastRun>,
    /// A time and the first one of the schedule after it, which is that of every time between them as well.
    ahead: Option<(Timestamp, Timestamp)>,
}

/// When the job was last started, on the clock that cannot be set, and how far its next time lay ahead then.
#[derive(Clone, Copy, Debug)]
struct LastRun {
    boot: Duration,
    distance: Duration,
}

/// The times of one shop.
#[derive(Clone, Debug)]
pub struct Agenda {
    poll: Entry,
    full: Entry,
}

/// Both clocks, read together.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: Timestamp,
    /// Time since boot, sleep included.
    pub boot: Duration,
}

impl Agenda {
    /// The agenda as it was kept, or a new one: then a poll is due at once and the full pass at its next time.
    ///
    /// # Errors
    /// A schedule that is never due.
    pub fn new(poll: When, full: When, kept: Option<NextDue>, now: Timestamp) -> Result<Self, ScheduleError> {
        let full_next = full.next_after(now)?;
        let next = kept.unwrap_or(NextDue { poll: now, full: full_next });
        Ok(Self {
            poll: Entry { when: poll, next: next.poll, last: None, ahead: None },
            full: Entry { when: full, next: next.full, last: None, ahead: None },
        })
    }

    /// What is due now, if anything. A full pass stands in for a poll that is due with it.
    ///
    /// # Errors
    /// A schedule that is never due again.
    pub fn due(&mut self, at: Moment) -> Result<Option<Job>, ScheduleError> {
        let poll = self.poll.is_due(at)?;
        let full = self.full.is_due(at)?;
        Ok(full.then_some(Job::Full).or(poll.then_some(Job::Poll)))
    }

    /// Since when `job` is due.
    pub fn since(&self, job: Job) -> Timestamp {
        match job {
            Job::Poll => self.poll.next,
            Job::Full => self.full.next,
        }
    }

    pub fn next_due(&self) -> NextDue {
        NextDue { poll: self.poll.next, full: self.full.next }
    }

    /// Puts the next poll off, once.
    pub fn delay_poll(&mut self, by: SignedDuration) {
        self.poll.next = self.poll.next.checked_add(by).unwrap_or(self.poll.next);
    }

    /// A run of `job` starts: its next time, and that of what it stands in for, moves on.
    ///
    /// # Errors
    /// A schedule that is never due again.
    pub fn start(&mut self, job: Job, at: Moment) -> Result<NextDue, ScheduleError> {
        self.poll.start(at)?;
        if job == Job::Full {
            self.full.start(at)?;
        }
        Ok(self.next_due())
    }
}

impl Entry {
    fn is_due(&mut self, at: Moment) -> Result<bool, ScheduleError> {
        // After a clock was set back, or a schedule was made denser, the kept time may lie too far ahead.
        let nearest = self.nearest(at.now)?;
        if nearest < self.next && !self.repeats_last(nearest, at) {
            self.next = nearest;
        }
        Ok(at.now >= self.next)
    }

    /// The first time after `now`. A calendar is looked at once per time: every shop is asked every second.
    fn nearest(&mut self, now: Timestamp) -> Result<Timestamp, ScheduleError> {
        if let Some((from, nearest)) = self.ahead
            && (from..nearest).contains(&now)
            && matches!(self.when, When::Calendar { .. })
        {
            return Ok(nearest);
        }
        let nearest = self.when.next_after(now)?;
        self.ahead = Some((now, nearest));
        Ok(nearest)
    }

    /// A run at `time` would come in less than half the distance that was meant to lie between two runs.
    fn repeats_last(&self, time: Timestamp, at: Moment) -> bool {
        let Some(last) = self.last else { return false };
        let ahead = time.duration_since(at.now).unsigned_abs();
        let apart = at.boot.saturating_sub(last.boot).saturating_add(ahead);
        apart.saturating_mul(2) < last.distance
    }

    /// Moves on to the first time after now that keeps the phase of a fixed distance.
    fn start(&mut self, at: Moment) -> Result<(), ScheduleError> {
        self.next = match &self.when {
            When::Every(span) => in_phase(self.next, *span, at.now),
            When::Calendar { .. } => self.when.next_after(at.now)?,
        };
        let distance = self.next.duration_since(at.now).unsigned_abs();
        self.last = Some(LastRun { boot: at.boot, distance });
        Ok(())
    }
}

/// `from` plus the smallest number of whole spans that lies after `now`.
fn in_phase(from: Timestamp, span: SignedDuration, now: Timestamp) -> Timestamp {
    let period = span.as_nanos().max(1);
    let behind = now.duration_since(from).as_nanos();
    let into = behind.rem_euclid(period);
    let ahead = period.saturating_sub(into);
    let ahead = i64::try_from(ahead).map_or(span, SignedDuration::from_nanos);
    now.checked_add(ahead).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "times of a test")]

    use super::*;
    use crate::schedule::Zone;

    /// A machine whose wall clock can be set.
    struct Machine {
        moment: Moment,
        agenda: Agenda,
        runs: Vec<(Job, Timestamp)>,
    }

    impl Machine {
        fn new(start: &str) -> Self {
            let now: Timestamp = start.parse().unwrap();
            let poll = When::Every(SignedDuration::from_hours(1));
            let full = When::calendar("30 3 * * *", Zone::named("Europe/Amsterdam").unwrap()).unwrap();
            let agenda = Agenda::new(poll, full, None, now).unwrap();
            Self { moment: Moment { now, boot: Duration::from_secs(1000) }, agenda, runs: Vec::new() }
        }

        /// Ticks once a minute for so many hours.
        fn live(&mut self, hours: u32) {
            for _ in 0..hours * 60 {
                if let Some(job) = self.agenda.due(self.moment).unwrap() {
                    self.agenda.start(job, self.moment).unwrap();
                    self.runs.push((job, self.moment.now));
                }
                self.moment.now += SignedDuration::from_mins(1);
                self.moment.boot += Duration::from_mins(1);
            }
        }

        fn jump(&mut self, by: SignedDuration) {
            self.moment.now += by;
        }

        fn full_runs(&self) -> Vec<String> {
            let full = self.runs.iter().filter(|(job, _)| *job == Job::Full);
            full.map(|(_, at)| at.to_string()).collect()
        }
    }

    #[test]
    fn a_new_shop_is_looked_at_once_and_then_on_time() {
        let mut machine = Machine::new("2026-11-22T10:20:00Z");
        machine.live(3);
        let times: Vec<String> = machine.runs.iter().map(|(_, at)| at.to_string()).collect();
        assert_eq!(times, ["2026-11-22T10:20:00Z", "2026-11-22T11:20:00Z", "2026-11-22T12:20:00Z"]);
    }

    #[test]
    fn a_full_pass_stands_in_for_the_poll_of_its_time() {
        let mut machine = Machine::new("2026-11-22T00:30:00Z");
        machine.live(24);
        assert_eq!(machine.full_runs(), ["2026-11-22T02:30:00Z"]);
        assert_eq!(machine.runs.len(), 24);
    }

    #[test]
    fn many_missed_runs_are_made_up_once() {
        let mut machine = Machine::new("2026-11-22T10:00:00Z");
        machine.live(1);
        machine.moment.now += SignedDuration::from_hours(72);
        machine.moment.boot += Duration::from_hours(72);
        machine.runs.clear();
        machine.live(1);
        assert_eq!(machine.runs.len(), 1);
        assert_eq!(machine.runs[0].0, Job::Full);
    }

    #[test]
    fn summer_and_winter_time_neither_lose_nor_double_a_run() {
        for start in ["2027-03-26T12:00:00Z", "2027-10-29T12:00:00Z", "2028-02-27T12:00:00Z"] {
            let mut machine = Machine::new(start);
            machine.live(5 * 24);
            assert_eq!(machine.full_runs().len(), 5, "{start}");
            // A full pass at half past the hour comes beside the polls of the full hours.
            assert_eq!(machine.runs.len(), 5 * 24 + 5, "{start}");
        }
    }

    #[test]
    fn a_clock_set_back_by_a_day_loses_no_full_pass_and_no_poll() {
        let mut machine = Machine::new("2026-11-22T10:00:00Z");
        machine.live(24);
        machine.jump(SignedDuration::from_hours(-24));
        machine.runs.clear();
        machine.live(24);
        assert_eq!(machine.full_runs().len(), 1);
        assert!(machine.runs.len() >= 24, "{}", machine.runs.len());
    }

    #[test]
    fn a_clock_set_forward_by_a_day_makes_up_one_run() {
        let mut machine = Machine::new("2026-11-22T10:00:00Z");
        machine.live(2);
        machine.jump(SignedDuration::from_hours(24));
        machine.runs.clear();
        machine.live(2);
        assert_eq!(machine.full_runs().len(), 1);
        assert_eq!(machine.runs.len(), 2, "{:?}", machine.runs);
    }

    #[test]
    fn a_clock_corrected_by_an_hour_doubles_no_full_pass() {
        let mut machine = Machine::new("2026-11-22T00:00:00Z");
        machine.live(3);
        assert_eq!(machine.full_runs().len(), 1);
        machine.jump(SignedDuration::from_hours(-1));
        machine.live(25);
        assert_eq!(machine.full_runs().len(), 2);
    }

    #[test]
    fn a_kept_agenda_goes_on_where_it_was() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let kept = NextDue { poll: now + SignedDuration::from_mins(7), full: now - SignedDuration::from_hours(3) };
        let mut machine = Machine::new("2026-11-22T10:00:00Z");
        machine.agenda = Agenda::new(
            When::Every(SignedDuration::from_hours(1)),
            When::Every(SignedDuration::from_hours(24)),
            Some(kept),
            now,
        )
        .unwrap();
        machine.live(1);
        assert_eq!(machine.runs, [(Job::Full, now), (Job::Poll, kept.poll)]);
    }
}
