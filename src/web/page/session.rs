//! Who is logged in, which forms are still good, and how often somebody may try.
//!
//! Values alone: the time since boot comes as an argument, randomness from the caller. Nothing is written to disk, so
//! a restart logs everybody out; and neither the page's token nor a session's is kept, only their digests.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Tries to log in per minute, whoever makes them: the token cannot be guessed, and an attacker who keeps operators
/// out has to be on this machine or behind the proxy.
const TRIES: usize = 10;
const TRIES_WITHIN: Duration = Duration::from_mins(1);

/// A session ends after this long without a request, and after a working day in any case.
const IDLE: Duration = Duration::from_mins(30);
const LONGEST: Duration = Duration::from_hours(12);

/// More people than ever decide at once; the one who was away longest has to log in again.
const MOST_SESSIONS: usize = 64;

/// Pages that one person may have open with a form on them.
const MOST_FORMS: usize = 64;

/// The SHA-256 of a secret text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Takes the same time whatever differs.
    pub(super) fn is_of(&self, secret: &str) -> bool {
        self.0.ct_eq(&Self::of(secret).0).into()
    }
}

/// What the next page tells about the last decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flash {
    pub(super) failed: bool,
    pub(super) text: String,
    /// What was typed and not accepted, so that nobody types it twice.
    pub(super) note: String,
}

#[derive(Debug)]
struct Session {
    operator: String,
    begun: Duration,
    seen: Duration,
    forms: VecDeque<Digest>,
    flash: Option<Flash>,
}

impl Session {
    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.seen) >= IDLE || now.saturating_sub(self.begun) >= LONGEST
    }
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: BTreeMap<Digest, Session>,
    tries: VecDeque<Duration>,
}

impl Sessions {
    /// Whether one more try to log in is allowed now; it counts as one.
    pub(super) fn may_try(&mut self, now: Duration) -> bool {
        while self.tries.front().is_some_and(|at| now.saturating_sub(*at) >= TRIES_WITHIN) {
            self.tries.pop_front();
        }
        let allowed = self.tries.len() < TRIES;
        if allowed {
            self.tries.push_back(now);
        }
        allowed
    }

    pub(super) fn begin(&mut self, key: Digest, operator: String, now: Duration) {
        self.open.retain(|_, session| !session.is_over(now));
        if self.open.len() >= MOST_SESSIONS
            && let Some(oldest) = self.open.iter().min_by_key(|(_, session)| session.seen).map(|(key, _)| *key)
        {
            self.open.remove(&oldest);
        }
        self.open.insert(key, Session { operator, begun: now, seen: now, forms: VecDeque::new(), flash: None });
    }

    /// Who holds this key, while the session lasts.
    pub(super) fn operator(&mut self, key: Digest, now: Duration) -> Option<String> {
        let session = self.open.get_mut(&key)?;
        if session.is_over(now) {
            self.open.remove(&key);
            return None;
        }
        session.seen = now;
        Some(session.operator.clone())
    }

    pub(super) fn end(&mut self, key: Digest) {
        self.open.remove(&key);
    }

    /// Everybody has to log in again.
    pub(super) fn end_all(&mut self) {
        self.open.clear();
    }

    /// A page with forms goes out: they are good once.
    pub(super) fn issue(&mut self, key: Digest, form: Digest) {
        if let Some(session) = self.open.get_mut(&key) {
            if session.forms.len() >= MOST_FORMS {
                session.forms.pop_front();
            }
            session.forms.push_back(form);
        }
    }

    /// A form came back; true once, and for a form of this session alone.
    pub(super) fn redeem(&mut self, key: Digest, form: Digest) -> bool {
        let Some(session) = self.open.get_mut(&key) else { return false };
        let found = session.forms.iter().position(|it| *it == form);
        found.is_some_and(|at| session.forms.remove(at).is_some())
    }

    pub(super) fn tell(&mut self, key: Digest, flash: Flash) {
        if let Some(session) = self.open.get_mut(&key) {
            session.flash = Some(flash);
        }
    }

    pub(super) fn take_flash(&mut self, key: Digest) -> Option<Flash> {
        self.open.get_mut(&key)?.flash.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn begun(sessions: &mut Sessions, key: &str, seconds: u64) -> Digest {
        let key = Digest::of(key);
        sessions.begin(key, "first".into(), at(seconds));
        key
    }

    #[test]
    fn ten_tries_a_minute_and_then_no_more_until_it_is_over() {
        let mut sessions = Sessions::default();
        assert!((0..10).all(|second| sessions.may_try(at(second))));
        assert!(!sessions.may_try(at(59)));
        assert!(sessions.may_try(at(60)), "the first try is a minute ago");
        assert!(!sessions.may_try(at(60)));
    }

    #[test]
    fn a_session_ends_by_itself() {
        let mut sessions = Sessions::default();
        let key = begun(&mut sessions, "k", 0);
        assert_eq!(sessions.operator(key, at(1799)).as_deref(), Some("first"));
        assert_eq!(sessions.operator(key, at(1799 + 1800)), None, "half an hour without a request");
        let key = begun(&mut sessions, "k", 0);
        for minute in 0..719 {
            assert!(sessions.operator(key, at(minute * 60)).is_some());
        }
        assert_eq!(sessions.operator(key, at(12 * 3600)), None, "a working day");
    }

    #[test]
    fn a_form_is_good_once_and_in_its_own_session() {
        let mut sessions = Sessions::default();
        let (first, second) = (begun(&mut sessions, "a", 0), begun(&mut sessions, "b", 0));
        let form = Digest::of("f");
        sessions.issue(first, form);
        assert!(!sessions.redeem(second, form), "another session's form");
        assert!(!sessions.redeem(first, Digest::of("g")), "nobody's form");
        assert!(sessions.redeem(first, form));
        assert!(!sessions.redeem(first, form), "replayed");
        sessions.issue(first, form);
        for number in 0..MOST_FORMS {
            sessions.issue(first, Digest::of(&number.to_string()));
        }
        assert!(!sessions.redeem(first, form), "as many pages later it is too old");
    }

    #[test]
    fn sessions_are_bounded_and_end_when_told_to() {
        let mut sessions = Sessions::default();
        let first = begun(&mut sessions, "first", 0);
        let second = begun(&mut sessions, "second", 1);
        for number in 2..=u64::try_from(MOST_SESSIONS).unwrap() {
            begun(&mut sessions, &number.to_string(), number);
        }
        assert_eq!(sessions.operator(first, at(70)), None);
        assert!(sessions.operator(second, at(70)).is_some());
        sessions.end(second);
        assert_eq!(sessions.operator(second, at(70)), None);
        let last = begun(&mut sessions, "last", 71);
        sessions.end_all();
        assert_eq!(sessions.operator(last, at(72)), None);
    }
}
