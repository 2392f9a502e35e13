//! Control calls about scripted faults.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::fields::{Fields, decimal};
use super::{Outcome, done};
use crate::World;
use crate::fault::{BodyFormat, Effect, FaultKind, FaultRule, Scripted};
use crate::json::{J, obj};
use crate::wire::Side;

pub(crate) fn list(world: &World) -> J {
    obj! { "faults": J::Arr(world.faults.rules.iter().map(shown).collect()) }
}

fn shown(scripted: &Scripted) -> J {
    let rule = &scripted.rule;
    obj! {
        "id": scripted.id,
        "side": rule.side.map(Side::name),
        "method": rule.method.clone(),
        "path": rule.path.clone(),
        "kind": rule.kind.name(),
        "effect": match rule.effect { Effect::Before => "before", Effect::After => "after" },
        "skip": rule.skip,
        "count": rule.count,
        "chance_ppm": u64::from(rule.chance_ppm),
        "seed": rule.seed,
        "matched": scripted.matched,
        "fired": scripted.fired,
    }
}

pub(crate) fn remove(world: &mut World, id: &str) -> Outcome {
    let before = world.faults.rules.len();
    world.faults.rules.retain(|rule| rule.id.to_string() != id);
    if world.faults.rules.len() == before {
        return Err(format!("no fault has the id {id}"));
    }
    Ok(done())
}

pub(crate) fn add(world: &mut World, fields: &Fields) -> Outcome {
    let rule = rule(world, fields)?;
    Ok(obj! { "id": world.add_fault(rule) })
}

fn rule(world: &World, fields: &Fields) -> Result<FaultRule, String> {
    let side = match fields.text("side")? {
        None => None,
        Some("klarna") => Some(Side::Klarna),
        Some("lightspeed") => Some(Side::Lightspeed),
        Some(other) => return Err(format!("no side is called `{other}`: klarna, lightspeed")),
    };
    let chance = fields.get("chance").map(|value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let ppm = decimal(&text, 6).and_then(|ppm| u32::try_from(ppm).ok());
        ppm.filter(|ppm| *ppm <= 1_000_000).ok_or_else(|| "`chance` must be between 0 and 1, such as 0.05".to_owned())
    });
    let chance = chance.transpose()?;
    let nth = fields.unsigned("nth")?.map(|nth| nth.saturating_sub(1));
    let count = match fields.unsigned("count")? {
        Some(count) => Some(count),
        None if fields.has("count") || chance.is_some() => None,
        None => Some(1),
    };
    let kind = kind(world, fields)?;
    Ok(FaultRule {
        side,
        method: fields.text("method")?.map(str::to_ascii_uppercase),
        path: fields.text("path")?.unwrap_or("*").to_owned(),
        skip: fields.unsigned("skip")?.or(nth).unwrap_or(0),
        count,
        chance_ppm: chance.unwrap_or(1_000_000),
        seed: fields.unsigned("seed")?.unwrap_or(0),
        effect: match fields.text("effect")?.unwrap_or("before") {
            "before" => Effect::Before,
            "after" => Effect::After,
            other => return Err(format!("`effect` is before or after, not `{other}`")),
        },
        kind,
    })
}

fn size(fields: &Fields, name: &str, default: usize) -> Result<usize, String> {
    let given = fields.unsigned(name)?;
    Ok(given.map_or(default, |number| usize::try_from(number).unwrap_or(usize::MAX)))
}

fn code(fields: &Fields, default: u16) -> Result<u16, String> {
    let given = fields.unsigned("code")?;
    let code = given.map_or(Some(default), |number| u16::try_from(number).ok());
    code.filter(|code| (200..=599).contains(code))
        .ok_or_else(|| "`code` must be an HTTP status from 200 to 599".to_owned())
}

/// Documents by id or number; without a list, every credit invoice there is.
fn documents(world: &World, fields: &Fields) -> Result<BTreeSet<u64>, String> {
    let Some(list) = fields.list("documents")? else {
        let credits = world.shop.invoices.values().filter(|one| one.is_credit);
        return Ok(credits.map(|one| one.id).collect());
    };
    let find = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let number = world.invoice_by_number(&text).or_else(|| world.order_by_number(&text));
        number.or_else(|| text.parse().ok()).ok_or_else(|| format!("no document is called `{text}`"))
    };
    list.iter().map(find).collect()
}

fn uuid(fields: &Fields, name: &str) -> Result<Option<Uuid>, String> {
    let parse = |text: &str| Uuid::try_parse(text).map_err(|_| format!("`{name}` must be a UUID"));
    fields.text(name)?.map(parse).transpose()
}

fn kind(world: &World, fields: &Fields) -> Result<FaultKind, String> {
    let text = |name: &str, default: &str| fields.text(name).map(|text| text.unwrap_or(default).to_owned());
    let format = match fields.text("format")?.unwrap_or("json") {
        "json" => BodyFormat::Json,
        "html" => BodyFormat::Html,
        "empty" => BodyFormat::Empty,
        other => return Err(format!("`format` is json, html or empty, not `{other}`")),
    };
    Ok(match fields.text("kind")?.ok_or("`kind` is missing")? {
        "delay" => FaultKind::Delay { ms: fields.unsigned("ms")?.unwrap_or(1_000) },
        "hang" => FaultKind::Hang,
        "drop" => FaultKind::Drop,
        "cut_body" => FaultKind::CutBody { bytes: size(fields, "bytes", 10)? },
        "status" => FaultKind::Status { code: code(fields, 500)?, format },
        "unauthorized_html" => FaultKind::Status { code: 401, format: BodyFormat::Html },
        "forbidden_html" => FaultKind::Status { code: 403, format: BodyFormat::Html },
        "rate_limited" => FaultKind::RateLimited { reset_seconds: fields.number("reset_seconds")? },
        "refusal" => FaultKind::Refusal {
            code: code(fields, 403)?,
            error_code: text("error_code", "NOT_ALLOWED")?,
            message: text("message", "Not allowed.")?,
        },
        "conflict" => FaultKind::Refusal {
            code: 409,
            error_code: text("error_code", "CONFLICT")?,
            message: text("message", "Conflict")?,
        },
        "not_found" => FaultKind::Refusal {
            code: 404,
            error_code: text("error_code", "NO_SUCH_ORDER")?,
            message: text("message", "Resource not found.")?,
        },
        "redirect" => FaultKind::Redirect {
            code: code(fields, 307)?,
            location: text("location", "http://127.0.0.1:9/elsewhere")?,
        },
        "error_in_200" => FaultKind::ErrorIn200 { message: text("message", "Something went wrong.")? },
        "body" => FaultKind::Body { text: text("body", "")? },
        "garbage" => FaultKind::Garbage,
        "huge_body" => FaultKind::HugeBody { bytes: size(fields, "bytes", 8_000_000)? },
        "content_type" => FaultKind::ContentType { value: text("value", "text/html")? },
        "truncated_json" => FaultKind::TruncatedJson,
        "missing_ids" => FaultKind::MissingIds,
        "other_status" => FaultKind::OtherStatus { code: code(fields, 200)? },
        "stale_read" => FaultKind::StaleRead { ms: fields.number("ms")?.unwrap_or(5_000) },
        "empty_page" => FaultKind::EmptyPage,
        "short_page" => FaultKind::ShortPage { missing: size(fields, "missing", 1)? },
        "shifted_page" => FaultKind::ShiftedPage { by: size(fields, "by", 1)? },
        "without_documents" => FaultKind::WithoutDocuments { ids: documents(world, fields)? },
        "other_ids" => FaultKind::OtherIds { order: uuid(fields, "order")?, id: uuid(fields, "id")? },
        other => return Err(format!("no fault kind is called `{other}`")),
    })
}
