//! Comparing what two companies' clocks say.
//!
//! Pure. The shop dates its documents by its own clock and by whole seconds, Klarna dates captures and refunds by
//! another. Seconds of difference say nothing about what happened first.

use jiff::{SignedDuration, Timestamp};

/// Two clocks may differ by this much: a minute of drift on each side. Shops and Klarna were seen seconds apart.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(2);

/// What two clocks allow to be said about two events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// The first event surely happened before the second.
    Before,
    /// Nobody can tell, equal times included.
    Unclear,
    /// The first event surely happened after the second.
    After,
}

/// When `event` happened, dated by one clock, beside `other`, dated by another one.
pub fn sequence(event: Timestamp, other: Timestamp) -> Sequence {
    let apart = event.duration_since(other);
    if apart.abs() <= CLOCK_TOLERANCE {
        Sequence::Unclear
    } else if apart.is_negative() {
        Sequence::Before
    } else {
        Sequence::After
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_minutes_on_either_side_say_nothing() {
        let other = Timestamp::UNIX_EPOCH;
        let at = |seconds: i64| sequence(Timestamp::constant(seconds, 0), other);
        assert_eq!(
            [-121, -120, -1, 0].map(at),
            [Sequence::Before, Sequence::Unclear, Sequence::Unclear, Sequence::Unclear]
        );
        assert_eq!(
            [1, 8, 120, 121].map(at),
            [Sequence::Unclear, Sequence::Unclear, Sequence::Unclear, Sequence::After]
        );
    }
}
