//! The transitions: what workers do, what the network and Klarna do, what people do, and time.
//!
//! A worker walks through a pass as `pass::round` and `pass::act` do: load, read, decide and commit, claim, send,
//! record; each is one transition, and anything may happen between two of them. Assumed: a request that was sent
//! arrives or is lost, and reads show it, within less than five hours; Klarna remembers a key for 24 hours.

use jiff::SignedDuration;
use reconciled_core::answer::{Answer, Said};
use reconciled_core::intent::{Event, event_after, leaves_no_trace};
use reconciled_core::ledger::follows;
use reconciled_core::policy::FRESHNESS;
use stateright::{Model, Property};

use crate::mind::{Mind, Noted, Question, at};
pub use crate::state::Bounds;
use crate::state::{
    Back, Credit, Intent, IntentState, Made, Read, Refund, Remembered, Request, Row, State, Worker, refund_id,
};

/// Five seconds, five minutes, five hours, a day: the settle delay and the ladder's rungs, and Klarna's memory.
const JUMPS: [u32; 4] = [5, 300, 18_000, 86_400];
/// From this jump on, what was sent has arrived and reads show it.
const SETTLING_JUMP: usize = 2;
const KLARNA_REMEMBERS: u32 = 86_400;
/// More refunds than a flaw needs to show itself.
const MOST_REFUNDS: usize = 3;

pub const AT_MOST_ONCE: &str = "a credit invoice is refunded by us at most once";
pub const SAFETY: [&str; 3] = [
    AT_MOST_ONCE,
    "marked paid means refunded",
    "nothing is first asked for on a read that shows somebody else's refund",
];
/// What every world must reach, or it proves nothing.
pub const REACHED: [&str; 3] =
    ["the credit invoice is paid", "a lost request is sent again", "a repeat is answered with the first answer"];

/// Who shares a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stores {
    One,
    OneEach,
}

/// What keeps a refund from being sent twice.
#[derive(Clone, Copy, Debug)]
pub struct Safeguards {
    pub observation: bool,
    pub freshness: bool,
    pub deterministic_key: bool,
}

impl Safeguards {
    pub const ALL: Self = Self { observation: true, freshness: true, deterministic_key: true };
}

#[derive(Clone)]
pub struct Protocol {
    workers: usize,
    stores: Stores,
    safeguards: Safeguards,
    bounds: Bounds,
    mind: Mind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A pass begins: what was found sending is unknown; the dossier is loaded.
    Begin(usize),
    /// The dossier is loaded for another look in the same pass.
    Load(usize),
    /// Klarna is read; the answer may lag.
    Read(usize, u8),
    Decide(usize),
    Claim(usize),
    Send(usize),
    /// Nothing could be written to the socket.
    NotSent(usize),
    Hear(usize),
    /// No answer came, or it was lost.
    GiveUp(usize),
    Crash(usize),
    /// The store of a worker is gone.
    Wipe(usize),
    Arrive(usize),
    Lose(usize),
    Throttle(usize),
    Refuse(usize),
    /// From here on every read shows every refund.
    Settle,
    RefundByHand,
    /// Time passes, whatever anybody is in the middle of.
    Pass(usize),
}

impl Protocol {
    pub fn new(workers: usize, stores: Stores, references: bool, safeguards: Safeguards) -> Self {
        let bounds = Bounds { crashes: 0, losses: 0, wipes: 0, portal: 0, jumps: [0; 4] };
        Self { workers, stores, safeguards, bounds, mind: Mind::new(references) }
    }

    pub fn within(&self, bounds: Bounds) -> Self {
        Self { bounds, ..self.clone() }
    }

    const fn store_of(&self, worker: usize) -> usize {
        match self.stores {
            Stores::One => 0,
            Stores::OneEach => worker,
        }
    }

    /// The guard of `pass::act`, with its limit.
    fn is_stale(&self, state: &State, read: Read) -> bool {
        let age = SignedDuration::from_secs(i64::from(state.now - read.at));
        self.safeguards.freshness && age > FRESHNESS
    }

    fn worker_actions(&self, state: &State, who: usize, actions: &mut Vec<Action>) {
        match state.workers[who] {
            Worker::Idle => actions.push(Action::Begin(who)),
            Worker::Looking => actions.extend([Action::Load(who), Action::Begin(who)]),
            Worker::Loaded(_) => {
                let all = u8::try_from(state.refunds.len()).expect("few refunds");
                actions.extend((state.settled..=all).map(|shown| Action::Read(who, shown)));
            }
            Worker::Read(..) => actions.push(Action::Decide(who)),
            Worker::Decided(_) => actions.push(Action::Claim(who)),
            Worker::Claimed { .. } => {
                actions.push(Action::Send(who));
                if state.left.losses > 0 {
                    actions.push(Action::NotSent(who));
                }
            }
            Worker::Waiting { back, .. } => {
                actions.push(Action::GiveUp(who));
                actions.extend(back.map(|_| Action::Hear(who)));
            }
        }
        if state.left.crashes > 0 && state.workers[who] != Worker::Idle {
            actions.push(Action::Crash(who));
        }
        if state.left.wipes > 0 && state.stores[self.store_of(who)] != Row::EMPTY {
            actions.push(Action::Wipe(who));
        }
    }

    /// Loads and reads end in a decision about what was loaded, committed against what the store holds by then.
    fn decide(&self, state: &mut State, who: usize, loaded: Row, read: Read) -> Option<()> {
        let shown = if self.safeguards.observation { usize::from(read.shown) } else { 0 };
        let shown = state.refunds[..shown].to_vec();
        let question = Question { row: loaded, shown, read_at: read.at, now: state.now, paid: state.paid };
        let decision = self.mind.decide(&question);
        state.workers[who] = Worker::Idle;
        let now = state.now;
        let store = self.store_of(who);
        let row = &mut state.stores[store];
        let moved = |row: &Row| row.intent.map(|it| it.state) != loaded.intent.map(|it| it.state);
        let steps_intent = matches!(decision.noted, Noted::Seen(_) | Noted::Withdrawn);
        let steps_credit = decision.credit != loaded.credit;
        let is_refused = steps_intent && moved(row)
            || steps_credit && row.credit != loaded.credit
            || decision.intends.is_some() && row.intent.is_some();
        if is_refused {
            return Some(());
        }
        row.credit = if steps_credit { decision.credit } else { row.credit };
        note(row, decision.noted, read.at, now)?;
        if let Some(key) = decision.intends {
            row.intent = Some(planned(key, read.shown, now));
        }
        if decision.marks_paid {
            state.paid_unproven |= state.refunds.is_empty();
            state.paid = true;
        }
        if decision.sends {
            state.workers[who] = Worker::Decided(read);
        } else if decision.noted == Noted::Absent && !decision.asks_a_human {
            state.workers[who] = Worker::Looking;
        }
        Some(())
    }

    fn claim(&self, state: &mut State, who: usize, read: Read) {
        if self.is_stale(state, read) {
            state.workers[who] = Worker::Looking;
            return;
        }
        state.workers[who] = Worker::Idle;
        let now = state.now;
        let fresh_key = state.remembered.len() + state.under_way.len();
        let row = &mut state.stores[self.store_of(who)];
        let claimed = row.intent.as_mut().and_then(|intent| Some((intent.state.apply(Event::Claimed)?, intent)));
        let Some((sending, intent)) = claimed else { return };
        intent.state = sending;
        intent.attempts += 1;
        (intent.first_before, intent.last_before) = (intent.first, intent.last);
        (intent.first, intent.last) = (Some(intent.first.unwrap_or(now)), Some(now));
        let attempt = self.mind.intent(intent).attempt();
        let random = u64::try_from(fresh_key).expect("few keys") + 1;
        let key = if self.safeguards.deterministic_key { intent.key } else { random };
        state.workers[who] = Worker::Claimed { read, attempt, key };
    }

    fn send(&self, state: &mut State, who: usize) -> Option<()> {
        let Worker::Claimed { read, attempt, key } = state.workers[who] else { return None };
        if self.is_stale(state, read) {
            self.record(state, who, read, attempt, &Answer::NotSent(Said::default()));
            return Some(());
        }
        let by_hand = state.refunds[..usize::from(read.shown)].iter().any(|made| made.by_hand);
        state.ignored_portal |= by_hand && attempt == 1;
        state.under_way.push(Request { sender: Some(u8::try_from(who).ok()?), key });
        state.under_way.sort_unstable();
        state.workers[who] = Worker::Waiting { read, attempt, back: None };
        Some(())
    }

    /// `pass::record` and the store's verb of that name: the intent's step, its answer, and the credit invoice's.
    fn record(&self, state: &mut State, who: usize, read: Read, attempt: u32, answer: &Answer) {
        state.workers[who] = Worker::Idle;
        let event = event_after(answer, attempt);
        let after = IntentState::Sending.apply(event).expect("an outcome of sending");
        let now = state.now;
        let store = self.store_of(who);
        let row = &mut state.stores[store];
        // Somebody else moved it meanwhile, or the store is not the one it was: the pass ends with an error.
        let Some(intent) = row.intent.as_mut().filter(|it| it.state == IntentState::Sending) else { return };
        intent.state = after;
        intent.ended = (!after.real().is_in_flight()).then_some(now);
        intent.not_before = match answer {
            Answer::Throttled { until, .. } => Some(seconds(*until)),
            Answer::Done { .. }
            | Answer::Rejected(_)
            | Answer::NotSent(_)
            | Answer::Unknown(_)
            | Answer::AccountRefused(_) => None,
        };
        if leaves_no_trace(answer) {
            intent.attempts = intent.attempts.saturating_sub(1);
            if after == IntentState::Planned {
                (intent.first, intent.last) = (intent.first_before, intent.last_before);
            }
        }
        let made = match answer {
            Answer::Done { id, .. } => id.clone().map(reconciled_core::id::RefundId),
            Answer::Rejected(_)
            | Answer::Throttled { .. }
            | Answer::NotSent(_)
            | Answer::Unknown(_)
            | Answer::AccountRefused(_) => None,
        };
        intent.made = made.as_ref().map(crate::state::refund_of).or(intent.made);
        let whole = self.mind.intent(intent);
        let next = follows(&whole, event, made.as_ref()).and_then(|it| row.credit.real(whole.id).apply(it).ok());
        row.credit = next.map_or(row.credit, |credit| Credit::of(&credit));
        let row = *row;
        state.workers[who] = match event {
            Event::Confirmed if self.is_stale(state, read) => Worker::Loaded(row),
            Event::Confirmed => Worker::Read(row, read),
            Event::Lost | Event::Rejected => Worker::Looking,
            Event::Claimed | Event::Seen | Event::Throttled | Event::NotSent | Event::Abandoned | Event::Withdrawn => {
                Worker::Idle
            }
        };
    }

    fn hear(&self, state: &mut State, who: usize) -> Option<()> {
        let Worker::Waiting { read, attempt, back: Some(back) } = state.workers[who] else { return None };
        let said = Said::default();
        let answer = match back {
            Back::Done(refund) => Answer::Done { id: Some(refund_id(refund).0), correlation_id: None },
            Back::Throttled { until } => Answer::Throttled { until: at(until), said },
            Back::Refused => Answer::Rejected(said),
        };
        self.record(state, who, read, attempt, &answer);
        Some(())
    }

    fn give_up(&self, state: &mut State, who: usize) -> Option<()> {
        let Worker::Waiting { read, attempt, .. } = state.workers[who] else { return None };
        disown(state, who);
        self.record(state, who, read, attempt, &Answer::Unknown(Said::default()));
        Some(())
    }
}

/// The store's step for what a read showed.
fn note(row: &mut Row, noted: Noted, read_at: u32, now: u32) -> Option<()> {
    let event = match noted {
        Noted::Nothing => return Some(()),
        Noted::Absent => {
            let intent = row.intent.as_mut()?;
            let is_old = intent.absent.is_none_or(|since| intent.last.is_some_and(|last| since <= last));
            intent.absent = if is_old { Some(read_at) } else { intent.absent };
            return Some(());
        }
        Noted::Seen(_) => Event::Seen,
        Noted::Withdrawn => Event::Withdrawn,
    };
    let intent = row.intent.as_mut()?;
    intent.state = intent.state.apply(event).expect("a legal note");
    intent.ended = Some(now);
    if let Noted::Seen(made) = noted {
        intent.made = made.or(intent.made);
    }
    Some(())
}

const fn planned(key: u64, seen_before: u8, now: u32) -> Intent {
    Intent {
        state: IntentState::Planned,
        key,
        planned: now,
        attempts: 0,
        first: None,
        last: None,
        first_before: None,
        last_before: None,
        absent: None,
        not_before: None,
        seen_before,
        made: None,
        ended: None,
    }
}

fn seconds(at_time: jiff::Timestamp) -> u32 {
    u32::try_from(at_time.duration_since(at(0)).as_secs()).expect("within the model")
}

/// The requests of a worker that is gone go on without it.
fn disown(state: &mut State, who: usize) {
    for request in &mut state.under_way {
        request.sender = request.sender.filter(|sender| usize::from(*sender) != who);
    }
    state.under_way.sort_unstable();
}

/// Klarna looks at the key alone.
fn executed(state: &mut State, key: u64) -> Refund {
    let now = state.now;
    state.remembered.retain(|it| now - it.at < KLARNA_REMEMBERS);
    if let Some(known) = state.remembered.iter().find(|it| it.key == key) {
        return known.refund;
    }
    let refund = Refund::try_from(state.refunds.len()).expect("few refunds");
    state.refunds.push(Made { at: now, by_hand: false });
    state.remembered.push(Remembered { key, at: now, refund });
    refund
}

/// Takes a request out of the network, and puts what came of it where its sender waits.
fn answer(state: &mut State, which: usize, back: impl FnOnce(&mut State, u64) -> Back) {
    let request = state.under_way.remove(which);
    let back = back(state, request.key);
    let sender = request.sender.and_then(|sender| state.workers.get_mut(usize::from(sender)));
    if let Some(Worker::Waiting { back: place, .. }) = sender {
        *place = Some(back);
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let stores = match self.stores {
            Stores::One => 1,
            Stores::OneEach => self.workers,
        };
        vec![State {
            now: 0,
            stores: vec![Row::EMPTY; stores],
            workers: vec![Worker::Idle; self.workers],
            under_way: Vec::new(),
            refunds: Vec::new(),
            settled: 0,
            remembered: Vec::new(),
            paid: false,
            paid_unproven: false,
            ignored_portal: false,
            left: self.bounds,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for who in 0..self.workers {
            self.worker_actions(state, who, actions);
        }
        for which in 0..state.under_way.len() {
            actions.push(Action::Arrive(which));
            if state.left.losses > 0 {
                actions.extend([Action::Lose(which), Action::Throttle(which), Action::Refuse(which)]);
            }
        }
        let is_settled = usize::from(state.settled) == state.refunds.len();
        if !is_settled {
            actions.push(Action::Settle);
        }
        if state.left.portal > 0 {
            actions.push(Action::RefundByHand);
        }
        for (jump, left) in state.left.jumps.into_iter().enumerate() {
            if left > 0 && (jump < SETTLING_JUMP || is_settled && state.under_way.is_empty()) {
                actions.push(Action::Pass(jump));
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Begin(who) | Action::Load(who) => {
                let row = &mut state.stores[self.store_of(who)];
                if let (Action::Begin(_), Some(intent)) = (action, row.intent.as_mut()) {
                    let is_sending = intent.state == IntentState::Sending;
                    intent.state = if is_sending { intent.state.apply(Event::Lost)? } else { intent.state };
                }
                state.workers[who] = Worker::Loaded(*row);
            }
            Action::Read(who, shown) => {
                let Worker::Loaded(row) = state.workers[who] else { return None };
                state.workers[who] = Worker::Read(row, Read { shown, at: state.now });
            }
            Action::Decide(who) => {
                let Worker::Read(row, read) = state.workers[who] else { return None };
                self.decide(&mut state, who, row, read)?;
            }
            Action::Claim(who) => {
                let Worker::Decided(read) = state.workers[who] else { return None };
                self.claim(&mut state, who, read);
            }
            Action::Send(who) => self.send(&mut state, who)?,
            Action::NotSent(who) => {
                let Worker::Claimed { read, attempt, .. } = state.workers[who] else { return None };
                state.left.losses -= 1;
                self.record(&mut state, who, read, attempt, &Answer::NotSent(Said::default()));
            }
            Action::Hear(who) => self.hear(&mut state, who)?,
            Action::GiveUp(who) => self.give_up(&mut state, who)?,
            Action::Crash(who) => {
                state.left.crashes -= 1;
                disown(&mut state, who);
                state.workers[who] = Worker::Idle;
            }
            Action::Wipe(who) => {
                state.left.wipes -= 1;
                state.stores[self.store_of(who)] = Row::EMPTY;
            }
            Action::Arrive(which) => {
                answer(&mut state, which, |state, key| Back::Done(executed(state, key)));
            }
            Action::Lose(which) => {
                state.left.losses -= 1;
                state.under_way.remove(which);
            }
            Action::Throttle(which) => {
                state.left.losses -= 1;
                answer(&mut state, which, |state, _| Back::Throttled { until: state.now + 60 });
            }
            Action::Refuse(which) => {
                state.left.losses -= 1;
                answer(&mut state, which, |_, _| Back::Refused);
            }
            Action::Settle => state.settled = u8::try_from(state.refunds.len()).ok()?,
            Action::RefundByHand => {
                state.left.portal -= 1;
                state.refunds.push(Made { at: state.now, by_hand: true });
            }
            Action::Pass(jump) => {
                state.left.jumps[jump] -= 1;
                state.now += JUMPS[jump];
            }
        }
        Some(state).filter(|state| state != before)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let [once, paid, portal] = SAFETY;
        let [reached_paid, resent, repeated] = REACHED;
        vec![
            Property::always(once, |_, state: &State| state.ours() <= 1),
            Property::always(paid, |_, state: &State| !state.paid_unproven),
            Property::always(portal, |_, state: &State| !state.ignored_portal),
            Property::sometimes(reached_paid, |_, state: &State| state.paid),
            Property::sometimes(resent, |_, state: &State| state.stores.iter().any(was_resent)),
            Property::sometimes(repeated, |_, state: &State| state.ours() == 1 && was_repeated(state)),
        ]
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.refunds.len() <= MOST_REFUNDS
    }
}

fn was_resent(row: &Row) -> bool {
    row.intent.is_some_and(|intent| intent.attempts > 1)
}

/// A request is under way although its effect happened.
fn was_repeated(state: &State) -> bool {
    !state.under_way.is_empty()
}
