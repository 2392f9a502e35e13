//! What came back for one request, classified by what may be done next.
//!
//! Never a guess: whatever is not a well-formed success or a well-formed refusal is `Unknown`.

use std::fmt;

use jiff::Timestamp;

use super::credit_invoice::{CreditInvoice, Proof};
use super::facts::KlarnaOrder;
use super::intent::{Intent, Kind};
use super::ledger::Ledger;

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

impl Answer {
    /// The same, unless it is a success that names something else: what the order had before the request was made or
    /// left (`shown` is the read on which it left), or what another request of ours made or another credit invoice was
    /// proven by. Nothing is proven by that; reads tell.
    #[must_use]
    pub fn unless_it_names_another(self, intent: &Intent, ledger: &Ledger, shown: Option<&KlarnaOrder>) -> Self {
        let Self::Done { id: Some(id), correlation_id } = &self else { return self };
        if !is_anothers(id, intent, ledger) && !shown.is_some_and(|shown| shows(shown, intent.effect.kind, id)) {
            return self;
        }
        let message = format!("the answer names {id}, which was there before or is what something else made");
        Self::Unknown(Said { message, correlation_id: correlation_id.clone(), ..Said::default() })
    }
}

fn shows(klarna: &KlarnaOrder, kind: Kind, id: &str) -> bool {
    match kind {
        Kind::Refund => klarna.refunds.iter().any(|it| it.id.as_str() == id),
        Kind::Capture => klarna.captures.iter().any(|it| it.id.0 == id),
        Kind::Cancel | Kind::Release | Kind::Extend | Kind::MarkPaid => false,
    }
}

fn is_anothers(id: &str, intent: &Intent, ledger: &Ledger) -> bool {
    let was_there = intent.seen_before.iter().any(|seen| seen == id);
    let is_made = |other: &Intent| {
        other.id != intent.id
            && other.effect.kind == intent.effect.kind
            && other.made.as_ref().is_some_and(|made| made.as_str() == id)
    };
    let own = intent.effect.credit_invoice.as_ref().map(|(credit, _)| *credit);
    let is_proof =
        ledger.credits.iter().filter(|(credit, _)| Some(**credit) != own).any(|(_, held)| match &held.state {
            CreditInvoice::Refunded(Proof::Refund(proof)) | CreditInvoice::Paid(Proof::Refund(proof)) => {
                proof.as_str() == id
            }
            CreditInvoice::Refunded(Proof::Reversal)
            | CreditInvoice::Paid(Proof::Reversal)
            | CreditInvoice::Pending
            | CreditInvoice::Held
            | CreditInvoice::RefundRequested(_)
            | CreditInvoice::PaidByHand
            | CreditInvoice::Cancelled => false,
        });
    was_there || is_proof || ledger.intents.iter().any(is_made)
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
