//! What came back for one request, classified by what may be done next.
//!
//! Never a guess: whatever is not a well-formed success or a well-formed refusal is `Unknown`.

use std::fmt;

use jiff::Timestamp;

/// What the other side said besides success: enough for an error message and for its support desk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// Klarna's `error_code`.
    pub code: Option<String>,
    pub message: String,
    pub correlation_id: Option<String>,
}

impl Said {
    /// As the end of a sentence about a request.
    pub fn in_a_sentence(&self) -> String {
        match self.status {
            Some(_) => format!("the answer was {self}"),
            None => format!("no answer came: {self}"),
        }
    }
}

/// In words, once each: status, code, message, and what the other side's support desk asks for.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The clients' messages name the status and the code already; a message of ours names neither.
        if !self.message.starts_with("HTTP ") {
            if let Some(status) = self.status {
                write!(f, "{status} ")?;
            }
            if let Some(code) = &self.code {
                write!(f, "{code} ")?;
            }
        }
        f.write_str(&self.message)?;
        match &self.correlation_id {
            Some(id) => write!(f, " (correlation id {id})"),
            None => Ok(()),
        }
    }
}

/// The answer to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It happened. `id` is Klarna's `Refund-Id` or `Capture-Id`, where the effect has one.
    Done { id: Option<String>, correlation_id: Option<String> },
    /// A definitive refusal: nothing happened, and the same request will be refused again.
    Rejected(Said),
    /// Too many requests; nothing happened; not before `until`.
    Throttled { until: Timestamp, said: Said },
    /// Nothing was ever written to the socket.
    NotSent(Said),
    /// It may have happened.
    Unknown(Said),
    /// The credential (or an edge in front of it) refuses everything: the whole account pauses, and it may have
    /// happened.
    AccountRefused(Said),
}

/// Why a read gave no facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The other side knows no such thing.
    NotFound(Said),
    Throttled {
        until: Timestamp,
        said: Said,
    },
    /// The credential is wrong or lacks the permission; every further read would fail too.
    Refused(Said),
    /// No budget is left for another call before `until`.
    OutOfBudget {
        until: Timestamp,
    },
    /// No answer, an error, or an answer that could not be understood.
    Failed(Said),
}
