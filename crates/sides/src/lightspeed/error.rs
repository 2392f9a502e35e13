//! What an answer of Lightspeed's means, by what may be done next.
//!
//! Its errors are `{"error":{"code","method","request","message"}}`; a body with such a key is an error whatever the
//! status says, as the official client treats it. Bodies of server errors need not be JSON.

use jiff::Timestamp;

use super::{NotWritten, convert, dto};
use crate::http::json::{decode, members, text};
use crate::http::text::{LONGEST_MESSAGE, excerpt};
use crate::http::{Response, TransportError};
use reconciled_core::answer::{Answer, Said, Unreadable};
use reconciled_core::id::InvoiceId;

/// Why one read gave nothing, and whether asking again can help.
pub(super) enum Stumble {
    /// Asking again at once would say the same.
    Over(Unreadable),
    /// A server error, or no answer.
    Failure(Unreadable),
    /// 404, which orders were seen to answer for a moment.
    Missing(Unreadable),
}

impl Stumble {
    pub(super) fn into_unreadable(self) -> Unreadable {
        match self {
            Self::Over(why) | Self::Failure(why) | Self::Missing(why) => why,
        }
    }
}

pub(super) fn said(message: &str) -> Said {
    Said { message: message.to_owned(), ..Said::default() }
}

/// A read whose answer arrived and cannot be used.
pub(super) fn failed(message: &str) -> Unreadable {
    Unreadable::Failed(Said { status: Some(200), ..said(message) })
}

pub(super) fn no_answer(error: &TransportError) -> Stumble {
    Stumble::Failure(Unreadable::Failed(said(&error.to_string())))
}

pub(super) fn unanswered(error: &TransportError) -> Answer {
    match error {
        TransportError::NotSent(why) => Answer::NotSent(said(why)),
        TransportError::Lost(why) => Answer::Unknown(said(why)),
    }
}

/// The body of a successful read.
pub(super) fn read(response: Response, until: impl Fn(&Response) -> Timestamp) -> Result<String, Stumble> {
    let reply = Reply::of(&response);
    let status = reply.status;
    let said = reply.said();
    Err(match status {
        200 if reply.error.is_none() => {
            let body = decode(response.body).map_err(|why| Stumble::Over(failed(&why)))?;
            return Ok(body);
        }
        401 => Stumble::Over(Unreadable::Refused(explain(said, "the API key or its secret is wrong"))),
        403 => Stumble::Over(Unreadable::Refused(explain(
            said,
            "grant the API key the permission to read orders and settings in the back office",
        ))),
        404 if reply.is_about_language() => {
            Stumble::Over(Unreadable::Refused(explain(said, "set `language` to an active language of the shop")))
        }
        404 => Stumble::Missing(Unreadable::Failed(explain(said, "the shop does not find what it listed itself"))),
        429 => Stumble::Over(Unreadable::Throttled { until: until(&response), said }),
        500..=599 => {
            Stumble::Failure(Unreadable::Failed(explain(said, "the shop is in trouble; the next pass asks again")))
        }
        _ => Stumble::Over(Unreadable::Failed(explain(said, "this is not an answer to a read"))),
    })
}

/// The answer to marking an invoice paid.
pub(super) fn marked(response: Response, invoice: InvoiceId, until: impl Fn(&Response) -> Timestamp) -> Answer {
    let reply = Reply::of(&response);
    let said = reply.said();
    // A refusal counts by the status line alone: an error inside a success has unclear meaning.
    match response.status {
        200 if reply.error.is_none() => match decode(response.body) {
            Ok(body) if convert::is_invoice_paid(&body, invoice) => Answer::Done { id: None, correlation_id: None },
            Ok(_) | Err(_) => Answer::Unknown(explain(said, "the answer does not show this invoice as paid")),
        },
        401 => Answer::AccountRefused(explain(said, "the API key or its secret is wrong")),
        403 => Answer::AccountRefused(explain(
            said,
            "grant the API key the permission to write orders (invoices are part of it) in the back office",
        )),
        429 => Answer::Throttled { until: until(&response), said },
        _ => Answer::Unknown(said),
    }
}

/// What came of writing something that is no document.
pub(super) enum Written {
    Done(Vec<u8>),
    Refused(Said),
    Unknown(Said),
}

pub(super) fn not_written(error: &TransportError) -> NotWritten {
    match error {
        TransportError::NotSent(why) => NotWritten::Refused(said(why)),
        TransportError::Lost(why) => NotWritten::Unknown(said(why)),
    }
}

/// The answer to registering or removing a webhook. Whichever success the shop answers with is one: which it is, is
/// not documented.
pub(super) fn written(response: Response, until: impl Fn(&Response) -> Timestamp) -> Written {
    let reply = Reply::of(&response);
    let said = reply.said();
    match response.status {
        200..=299 if reply.error.is_none() => Written::Done(response.body),
        401 => Written::Refused(explain(said, "the API key or its secret is wrong")),
        403 => Written::Refused(explain(
            said,
            "grant the API key the permission to write settings (webhooks are part of it) in the back office",
        )),
        429 => Written::Refused(explain(said, &format!("try again after {}", until(&response)))),
        400..=499 => Written::Refused(said),
        _ => Written::Unknown(said),
    }
}

/// What can be told from an answer without trusting it.
struct Reply {
    /// The status, or the error's own code where it contradicts a success.
    status: u16,
    error: Option<String>,
}

impl Reply {
    fn of(response: &Response) -> Self {
        let error = error_in(&response.body);
        let inner = error.as_ref().and_then(|error| error.code);
        let status = match response.status {
            200..=299 => inner.unwrap_or(response.status),
            other => other,
        };
        Self { status, error: error.map(|error| error.message) }
    }

    fn said(&self) -> Said {
        let message = match &self.error {
            Some(message) if !message.is_empty() => format!("HTTP {}: {message}", self.status),
            Some(_) | None => format!("HTTP {}", self.status),
        };
        Said { status: Some(self.status), message, ..Said::default() }
    }

    fn is_about_language(&self) -> bool {
        self.error.as_ref().is_some_and(|text| text.to_ascii_lowercase().contains("inactive language"))
    }
}

struct ErrorBody {
    code: Option<u16>,
    message: String,
}

/// The error a body carries; any `error` or `errors` key is one.
fn error_in(body: &[u8]) -> Option<ErrorBody> {
    let body = std::str::from_utf8(body).ok()?.trim_start_matches('\u{feff}');
    // Most answers say nothing of an error, and need not be read for that: a key's letters can only be written plain or
    // by their codes.
    if !body.contains("error") && !body.contains("\\u00") {
        return None;
    }
    let members = members(body).ok()?;
    let (_, value) = members.iter().find(|(key, _)| key == "error" || key == "errors")?;
    let parsed: dto::Error<'_> = serde_json::from_str(value.get()).unwrap_or_default();
    let code = text(parsed.code).and_then(|code| code.parse().ok());
    let message = text(parsed.message).or_else(|| text(Some(value))).unwrap_or_default();
    Some(ErrorBody { code: code.filter(|code| (400..600).contains(code)), message: excerpt(&message, LONGEST_MESSAGE) })
}

fn explain(said: Said, why: &str) -> Said {
    Said { message: format!("{}; {why}", said.message), ..said }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_found_however_its_key_is_written() {
        for body in [
            r#"{"error":{"code":404,"message":"No"}}"#,
            r#"{"errors":"No"}"#,
            "{\"\\u0065rro\\u0072\":{\"code\":404}}",
            "\u{feff}{\"orders\":[],\"errors\":{}}",
        ] {
            assert!(error_in(body.as_bytes()).is_some(), "{body}");
        }
        for body in [r#"{"orders":[{"error":1}]}"#, r#"{"orders":["\u00e9rror"]}"#, "error", ""] {
            assert!(error_in(body.as_bytes()).is_none(), "{body}");
        }
    }
}
