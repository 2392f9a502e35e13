//! What an answer of Klarna's means, by what may be done next. The one place where a refund becomes "done".
//!
//! Whatever is neither a well-formed success nor a refusal in Klarna's own JSON is unknown. The texts of messages
//! are kept for people and never decide anything.

use jiff::Timestamp;

use super::dto;
use crate::http::json::{Raw, decode, elements, members};
use crate::http::text::{LONGEST_MESSAGE, excerpt};
use crate::http::{Response, TransportError};
use reconciled_core::answer::{Answer, Said, Unreadable};
use reconciled_core::id::KlarnaOrderId;
use reconciled_core::intent::Kind;

/// Ids of what was made are UUIDs today; anything that is not one printable word of this length is not an id.
const LONGEST_ID: usize = 255;

/// The member that makes a body an error of Klarna's.
const ERROR_CODE: &str = "error_code";

/// Client errors that speak of the conversation instead of the request: they refuse nothing.
const SAYS_NOTHING: [u16; 4] = [408, 409, 425, 499];

/// Why one read gave nothing, and whether asking again can help.
pub(super) enum Stumble {
    Over(Unreadable),
    /// A server error, or no answer.
    Failure(Unreadable),
}

impl Stumble {
    pub(super) fn into_unreadable(self) -> Unreadable {
        match self {
            Self::Over(why) | Self::Failure(why) => why,
        }
    }
}

pub(super) fn said(message: &str) -> Said {
    Said { message: message.to_owned(), ..Said::default() }
}

pub(super) fn no_answer(error: &TransportError) -> Stumble {
    Stumble::Failure(Unreadable::Failed(said(&error.to_string())))
}

pub(super) fn unanswered(error: &TransportError) -> Answer {
    if planted!("timeout_is_success") {
        return Answer::Done { id: None, correlation_id: None };
    }
    if planted!("timeout_is_failure") {
        return Answer::Rejected(said("timed out"));
    }
    match error {
        TransportError::NotSent(why) => Answer::NotSent(said(why)),
        TransportError::Lost(why) => Answer::Unknown(said(why)),
    }
}

/// The answer to a write about `order`.
pub(super) fn sent(
    kind: Kind, order: &KlarnaOrderId, response: &Response, until: impl Fn(&Response) -> Timestamp,
) -> Answer {
    let reply = Reply::of(response);
    let is_taken_for_done = match response.status {
        403 => planted!("forbidden_is_done"),
        429 => planted!("throttled_is_done"),
        500..=599 => planted!("server_error_is_success"),
        300..=399 => planted!("redirect_is_done"),
        _ => false,
    };
    if is_taken_for_done {
        return Answer::Done { id: None, correlation_id: None };
    }
    match (kind, response.status) {
        (Kind::Refund, 201) => made(response, reply, order, &REFUND),
        (Kind::Capture, 201) => made(response, reply, order, &CAPTURE),
        (Kind::Cancel | Kind::Release | Kind::Extend, 204)
            if !reply.is_about_an_error && names_nothing_else(response, order) =>
        {
            Answer::Done { id: None, correlation_id: reply.said.correlation_id }
        }
        (_, 401) => Answer::AccountRefused(reply.said),
        (_, 429) => Answer::Throttled { until: until(response), said: reply.said },
        (_, status) if SAYS_NOTHING.contains(&status) => Answer::Unknown(reply.said),
        (_, 400..=499) if reply.said.code.is_some() => Answer::Rejected(reply.said),
        // An edge in front of Klarna, not Klarna: it refuses whatever comes from here.
        (_, 403) => Answer::AccountRefused(reply.said),
        _ => Answer::Unknown(reply.said),
    }
}

/// What a 201 made, and how its answer names it.
struct Made {
    header: &'static str,
    collection: &'static str,
    /// The header of the other kind: an answer that carries it speaks of something else.
    others: &'static str,
}

const REFUND: Made = Made { header: "refund-id", collection: "refunds", others: "capture-id" };
const CAPTURE: Made = Made { header: "capture-id", collection: "captures", others: "refund-id" };

/// 201: done if it says what it made, in its header or as the last part of its `Location`; where both say it, the same;
/// and nothing in it names another order or another kind of thing: that would be the answer to something else.
fn made(response: &Response, reply: Reply, order: &KlarnaOrderId, what: &Made) -> Answer {
    let (place, is_elsewhere) = match sole(response, "location") {
        Sole::None => (None, false),
        Sole::One(location) => {
            let place = made_below(location, order, what.collection);
            let is_elsewhere = place.is_none();
            (place, is_elsewhere)
        }
        Sole::Several => (None, true),
    };
    let id = match sole(response, what.header) {
        Sole::One(id) => Some(id.to_owned()).filter(|id| is_id(id) && place.is_none_or(|place| place == *id)),
        Sole::None => place,
        Sole::Several => None,
    };
    let is_of_another_kind = !matches!(sole(response, what.others), Sole::None);
    match id.filter(|_| !reply.is_about_an_error && !is_elsewhere && !is_of_another_kind) {
        Some(id) => Answer::Done { id: Some(id), correlation_id: reply.said.correlation_id },
        None => Answer::Unknown(reply.said),
    }
}

/// 204 makes nothing: an answer that names something made, or a place of another order, is not the one to this request.
fn names_nothing_else(response: &Response, order: &KlarnaOrderId) -> bool {
    let is_ours = match sole(response, "location") {
        Sole::None => true,
        Sole::One(location) => {
            let mut parts = path(location).split('/').skip_while(|part| *part != "orders").skip(1);
            parts.next().is_some_and(|found| found.eq_ignore_ascii_case(order.as_str()))
        }
        Sole::Several => false,
    };
    let makes = |header| !matches!(sole(response, header), Sole::None);
    is_ours && !makes(REFUND.header) && !makes(CAPTURE.header)
}

enum Sole<'a> {
    None,
    One(&'a str),
    Several,
}

/// A header that must not be said twice.
fn sole<'a>(response: &'a Response, name: &str) -> Sole<'a> {
    let mut values = response.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
    match (values.next(), values.next()) {
        (None, _) => Sole::None,
        (Some((_, value)), None) => Sole::One(value.trim()),
        (Some(_), Some(_)) => Sole::Several,
    }
}

fn is_id(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    !text.is_empty() && text.len() <= LONGEST_ID && text.bytes().all(is_word)
}

/// `…/orders/<order>/refunds/<id>`; any other place is not where this refund was made.
fn made_below(location: &str, order: &KlarnaOrderId, collection: &str) -> Option<String> {
    let mut parts = path(location).trim_end_matches('/').rsplit('/');
    let (id, parent, owner, orders) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_ours = orders == "orders" && owner.eq_ignore_ascii_case(order.as_str()) && parent == collection;
    (is_ours && is_id(id)).then(|| id.to_owned())
}

/// A location without its query.
fn path(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or(location)
}

/// The body of a successful read.
pub(super) fn read(response: Response, until: impl Fn(&Response) -> Timestamp) -> Result<String, Stumble> {
    if response.status == 200 {
        let garbled = |why: String| Said { status: Some(200), ..said(&why) };
        return decode(response.body).map_err(|why| Stumble::Over(Unreadable::Failed(garbled(why))));
    }
    let said = Reply::of(&response).said;
    let code = said.code.as_deref();
    Err(match response.status {
        401 => Stumble::Over(Unreadable::Refused(explain(
            said,
            "the username or the password is wrong, or belongs to the other environment",
        ))),
        403 if code.is_none() => {
            Stumble::Over(Unreadable::Refused(explain(said, "something in front of Klarna refuses this machine")))
        }
        404 if code.is_some() => Stumble::Over(Unreadable::NotFound(said)),
        400 if matches!(code, Some("NOT_FOUND" | "INVALID_ORDER_ID")) => Stumble::Over(Unreadable::NotFound(said)),
        429 => Stumble::Over(Unreadable::Throttled { until: until(&response), said }),
        500..=599 => {
            Stumble::Failure(Unreadable::Failed(explain(said, "Klarna is in trouble; the next pass asks again")))
        }
        _ => Stumble::Over(Unreadable::Failed(explain(said, "this is not an answer to a read"))),
    })
}

fn explain(said: Said, why: &str) -> Said {
    Said { message: format!("{}; {why}", said.message), ..said }
}

/// What an answer says about itself.
struct Reply {
    said: Said,
    /// An `error_code` occurs in it, understood or not: a success that carries one is not well-formed.
    is_about_an_error: bool,
}

impl Reply {
    fn of(response: &Response) -> Self {
        let error = error_in(&response.body);
        let (code, text, in_body) = error.unwrap_or_default();
        let in_header = response.header("klarna-correlation-id").map(str::to_owned);
        let correlation_id = in_header.or(in_body).filter(|id| is_id(id));
        let message = match (&code, text.as_str()) {
            (Some(code), "") => format!("HTTP {}: {code}", response.status),
            (Some(code), text) => format!("HTTP {}: {code}: {text}", response.status),
            (None, _) => format!("HTTP {}", response.status),
        };
        let said = Said { status: Some(response.status), code, message, correlation_id };
        Self { said, is_about_an_error: is_about_an_error(&response.body) }
    }
}

/// Whether the word is there at all: as bytes, or as a member whose name is written with escapes.
fn is_about_an_error(body: &[u8]) -> bool {
    let is_written = body.windows(ERROR_CODE.len()).any(|bytes| bytes == ERROR_CODE.as_bytes());
    let is_member = || {
        let members = members(std::str::from_utf8(body).ok()?).ok()?;
        Some(members.iter().any(|(name, _)| name == ERROR_CODE))
    };
    is_written || is_member() == Some(true)
}

/// Code, messages and correlation id of Klarna's own error object; nothing of any other body.
fn error_in(body: &[u8]) -> Option<(Option<String>, String, Option<String>)> {
    let body = std::str::from_utf8(body).ok()?;
    if !body.trim_start().starts_with('{') {
        return None;
    }
    let error: dto::Error<'_> = serde_json::from_str(body).ok()?;
    let code = string(error.error_code).filter(|code| is_id(code));
    let list = error.error_messages.and_then(|list| elements(list.get()).ok()).unwrap_or_default();
    let messages = list.into_iter().filter_map(|message| string(Some(message)));
    let all: Vec<String> = messages.chain(string(error.error_message)).collect();
    Some((code, excerpt(&all.join("; "), LONGEST_MESSAGE), string(error.correlation_id)))
}

/// A JSON string that says something.
fn string(raw: Raw<'_>) -> Option<String> {
    let text: String = serde_json::from_str(raw?.get()).ok()?;
    (!text.is_empty()).then_some(text)
}
