//! Scripted faults: which request they meet, and what they do to its answer.
//!
//! A rule matches by side, method and path, skips its first matches, fires a number of times, and
//! may fire by chance from its own seed. Rules are tried in the order they were added; the first
//! that fires is the only one that acts on a request.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::ids::mix;
use super::wire::{Reply, Request, Response, Side, glob};

/// Whether the request does its work although its answer goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The fault strikes first: nothing happens.
    Before,
    /// The work is done, then the fault strikes.
    After,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The right answer, late.
    Delay { ms: u64 },
    /// No answer, the connection stays open.
    Hang,
    /// The connection is closed without an answer.
    Drop,
    /// The answer stops after so many bytes of its body.
    CutBody { bytes: usize },
    /// Any status with a JSON, HTML or empty body in the manner of the side.
    Status { code: u16, format: BodyFormat },
    /// 429; with the reset in the headers when given.
    RateLimited { reset_seconds: Option<i64> },
    /// A refusal in the side's own JSON, with any code and message.
    Refusal { code: u16, error_code: String, message: String },
    /// A redirect to any address.
    Redirect { code: u16, location: String },
    /// 200 with an `error` key.
    ErrorIn200 { message: String },
    /// The right head with another body.
    Body { text: String },
    /// The right head with bytes that are neither JSON nor UTF-8.
    Garbage,
    /// The right head with a body of so many bytes.
    HugeBody { bytes: usize },
    /// The right answer under another content type.
    ContentType { value: String },
    /// The right head with the JSON cut in the middle, and a length that fits.
    TruncatedJson,
    /// The right answer without its `Refund-Id`, `Capture-Id` and `Location`.
    MissingIds,
    /// The right answer under another status.
    OtherStatus { code: u16 },
    /// Klarna's GET shows the order as it was so many milliseconds ago.
    StaleRead { ms: i64 },
    /// A list answers this page with nothing on it.
    EmptyPage,
    /// A list leaves so many entries off the end of this page.
    ShortPage { missing: usize },
    /// A list begins this page so many entries later: those before them are on no page.
    ShiftedPage { by: usize },
    /// Lists, and what an order embeds, lack these documents.
    WithoutDocuments { ids: BTreeSet<u64> },
    /// A success whose `Location` names another order, and whose id is another one.
    OtherIds { order: Option<Uuid>, id: Option<Uuid> },
}

/// How the lists of one request are bent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bend {
    pub(crate) empty: bool,
    pub(crate) missing: usize,
    pub(crate) shift: usize,
    pub(crate) without: BTreeSet<u64>,
}

impl Bend {
    pub(crate) fn of(kind: &FaultKind) -> Self {
        let mut bend = Self::default();
        match kind {
            FaultKind::EmptyPage => bend.empty = true,
            FaultKind::ShortPage { missing } => bend.missing = *missing,
            FaultKind::ShiftedPage { by } => bend.shift = *by,
            FaultKind::WithoutDocuments { ids } => bend.without.clone_from(ids),
            FaultKind::Delay { .. }
            | FaultKind::Hang
            | FaultKind::Drop
            | FaultKind::CutBody { .. }
            | FaultKind::Status { .. }
            | FaultKind::RateLimited { .. }
            | FaultKind::Refusal { .. }
            | FaultKind::Redirect { .. }
            | FaultKind::ErrorIn200 { .. }
            | FaultKind::Body { .. }
            | FaultKind::Garbage
            | FaultKind::HugeBody { .. }
            | FaultKind::ContentType { .. }
            | FaultKind::TruncatedJson
            | FaultKind::MissingIds
            | FaultKind::OtherStatus { .. }
            | FaultKind::StaleRead { .. }
            | FaultKind::OtherIds { .. } => {}
        }
        bend
    }
}

/// The body that comes with a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFormat {
    Json,
    Html,
    Empty,
}

impl FaultKind {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Delay { .. } => "delay",
            Self::Hang => "hang",
            Self::Drop => "drop",
            Self::CutBody { .. } => "cut_body",
            Self::Status { .. } => "status",
            Self::RateLimited { .. } => "rate_limited",
            Self::Refusal { .. } => "refusal",
            Self::Redirect { .. } => "redirect",
            Self::ErrorIn200 { .. } => "error_in_200",
            Self::Body { .. } => "body",
            Self::Garbage => "garbage",
            Self::HugeBody { .. } => "huge_body",
            Self::ContentType { .. } => "content_type",
            Self::TruncatedJson => "truncated_json",
            Self::MissingIds => "missing_ids",
            Self::OtherStatus { .. } => "other_status",
            Self::StaleRead { .. } => "stale_read",
            Self::EmptyPage => "empty_page",
            Self::ShortPage { .. } => "short_page",
            Self::ShiftedPage { .. } => "shifted_page",
            Self::WithoutDocuments { .. } => "without_documents",
            Self::OtherIds { .. } => "other_ids",
        }
    }

    /// Faults that only bend the right answer need the work to be done.
    const fn needs_answer(&self) -> bool {
        match self {
            Self::Delay { .. }
            | Self::CutBody { .. }
            | Self::Body { .. }
            | Self::Garbage
            | Self::HugeBody { .. }
            | Self::ContentType { .. }
            | Self::TruncatedJson
            | Self::MissingIds
            | Self::OtherStatus { .. }
            | Self::StaleRead { .. }
            | Self::EmptyPage
            | Self::ShortPage { .. }
            | Self::ShiftedPage { .. }
            | Self::WithoutDocuments { .. }
            | Self::OtherIds { .. } => true,
            Self::Hang
            | Self::Drop
            | Self::Status { .. }
            | Self::RateLimited { .. }
            | Self::Refusal { .. }
            | Self::Redirect { .. }
            | Self::ErrorIn200 { .. } => false,
        }
    }
}

/// One scripted fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// `None`: both sides.
    pub side: Option<Side>,
    /// `None`: every method. `GET`, or several as `POST,PUT`.
    pub method: Option<String>,
    /// Glob over the path without the query, such as `*/refunds`.
    pub path: String,
    /// How many matching requests pass unharmed first.
    pub skip: u64,
    /// How often it fires; `None`: without end.
    pub count: Option<u64>,
    /// Chance per match in millionths; 1 000 000 is always.
    pub chance_ppm: u32,
    pub seed: u64,
    pub effect: Effect,
    pub kind: FaultKind,
}

impl FaultRule {
    /// A rule that fires once, at the first matching request, before any effect.
    pub fn once(side: Side, method: &str, path: &str, kind: FaultKind) -> Self {
        Self {
            side: Some(side),
            method: Some(method.to_owned()),
            path: path.to_owned(),
            skip: 0,
            count: Some(1),
            chance_ppm: 1_000_000,
            seed: 0,
            effect: Effect::Before,
            kind,
        }
    }

    /// The same rule, striking after the effect.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.effect = Effect::After;
        self
    }

    fn matches(&self, side: Side, method: &str, path: &str) -> bool {
        let methods = self.method.as_deref();
        self.side.is_none_or(|wanted| wanted == side)
            && methods.is_none_or(|list| list.split(',').any(|one| one.trim() == method))
            && glob(&self.path, path)
    }
}

/// A rule with its counters.
#[derive(Clone, Debug)]
pub(crate) struct Scripted {
    pub(crate) id: u64,
    pub(crate) rule: FaultRule,
    pub(crate) matched: u64,
    pub(crate) fired: u64,
}

/// All rules, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) rules: Vec<Scripted>,
    next: u64,
}

/// A fault that fired on the present request.
#[derive(Clone, Debug)]
pub(crate) struct Firing {
    pub(crate) kind: FaultKind,
    pub(crate) effect: Effect,
}

impl Faults {
    pub(crate) fn add(&mut self, rule: FaultRule) -> u64 {
        self.next = self.next.saturating_add(1);
        self.rules.push(Scripted { id: self.next, rule, matched: 0, fired: 0 });
        self.next
    }

    /// The first rule that fires on this request, if any.
    pub(crate) fn pick(&mut self, side: Side, request: &Request) -> Option<Firing> {
        if self.rules.is_empty() {
            return None;
        }
        let path = request.path();
        for scripted in &mut self.rules {
            let rule = &scripted.rule;
            if !rule.matches(side, &request.method, path) {
                continue;
            }
            scripted.matched = scripted.matched.saturating_add(1);
            let spent = rule.count.is_some_and(|count| scripted.fired >= count);
            if spent || scripted.matched <= rule.skip {
                continue;
            }
            let roll = mix(rule.seed ^ mix(scripted.matched)).checked_rem(1_000_000).unwrap_or(0);
            if roll >= u64::from(rule.chance_ppm) {
                continue;
            }
            scripted.fired = scripted.fired.saturating_add(1);
            let effect = if rule.kind.needs_answer() { Effect::After } else { rule.effect };
            return Some(Firing { kind: rule.kind.clone(), effect });
        }
        None
    }
}

/// Bends the right answer. Kinds that replace the answer are made by the side itself and arrive
/// here as `made`.
pub(crate) fn apply(kind: &FaultKind, answer: Response, made: Option<Response>) -> Reply {
    match kind {
        FaultKind::Delay { ms } => {
            Reply::After { delay: Duration::from_millis(*ms), reply: Box::new(Reply::Respond(answer)) }
        }
        FaultKind::Hang => Reply::Hang,
        FaultKind::Drop => Reply::DropConnection,
        FaultKind::CutBody { bytes } => Reply::CutBody { response: answer, bytes: *bytes },
        FaultKind::Status { .. }
        | FaultKind::RateLimited { .. }
        | FaultKind::Refusal { .. }
        | FaultKind::Redirect { .. }
        | FaultKind::ErrorIn200 { .. } => Reply::Respond(made.unwrap_or(answer)),
        FaultKind::Body { .. } | FaultKind::Garbage | FaultKind::HugeBody { .. } | FaultKind::TruncatedJson => {
            Reply::Respond(bend_body(kind, answer))
        }
        FaultKind::ContentType { value } => Reply::Respond(answer.with("Content-Type", value.clone())),
        FaultKind::MissingIds => {
            let mut answer = answer;
            for name in ["Refund-Id", "Capture-Id", "Location"] {
                answer.remove_header(name);
            }
            Reply::Respond(answer)
        }
        FaultKind::OtherStatus { code } => Reply::Respond(Response { status: *code, ..answer }),
        FaultKind::OtherIds { order, id } => Reply::Respond(rename(answer, *order, *id)),
        // What these bend was bent before the answer was made.
        FaultKind::StaleRead { .. }
        | FaultKind::EmptyPage
        | FaultKind::ShortPage { .. }
        | FaultKind::ShiftedPage { .. }
        | FaultKind::WithoutDocuments { .. } => Reply::Respond(answer),
    }
}

/// Puts another order, another id, or both into the headers of a success.
fn rename(mut answer: Response, order: Option<Uuid>, id: Option<Uuid>) -> Response {
    if let Some(id) = id {
        for name in ["Refund-Id", "Capture-Id"] {
            if answer.header(name).is_some() {
                answer.set_header(name, id.to_string());
            }
        }
    }
    let Some(location) = answer.header("Location") else { return answer };
    let mut parts: Vec<String> = location.split('/').map(str::to_owned).collect();
    if let Some(id) = id
        && let Some(last) = parts.last_mut()
    {
        *last = id.to_string();
    }
    let at = parts.iter().position(|part| part == "orders").and_then(|at| at.checked_add(1));
    if let Some(order) = order
        && let Some(named) = at.and_then(|at| parts.get_mut(at))
    {
        *named = order.to_string();
    }
    answer.set_header("Location", parts.join("/"));
    answer
}

fn bend_body(kind: &FaultKind, mut answer: Response) -> Response {
    if let FaultKind::Body { text } = kind {
        answer.body = text.clone().into_bytes();
    } else if let FaultKind::HugeBody { bytes } = kind {
        let mut body = b"{\"padding\":\"".to_vec();
        body.resize(bytes.saturating_sub(2).max(body.len()), b'x');
        body.extend_from_slice(b"\"}");
        answer.body = body;
    } else if matches!(kind, FaultKind::TruncatedJson) {
        let half = answer.body.len().div_euclid(2);
        answer.body.truncate(half);
    } else {
        answer.body = vec![0xff, 0xfe, b'{', 0x00, 0x9f, b'"', b']', 0xc3, 0x28];
    }
    if answer.header("Content-Type").is_none() {
        answer.set_header("Content-Type", "application/json".to_owned());
    }
    answer
}
