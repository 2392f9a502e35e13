//! Replaying one order's journal through the machines, and comparing what comes out with what is stored.
//!
//! The machines' own `apply` is the only judge of what was possible; an impossible journal is a damaged one.

use std::collections::BTreeMap;
use std::fmt;

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use super::super::StoreError;
use super::super::codec::Coded;
use super::accepting;
use super::audit::{Checked, fault};
use super::columns::{At, Number};
use super::decide::{CHANGED, FIRST_SEEN};
use super::differences::OPENED;
use super::intents::{self, PLANNED};
use super::journal::entity;
use super::operate::NOBODY;
use reconciled_core::IllegalTransition;
use reconciled_core::breaks::{BreakEvent, BreakStatus};
use reconciled_core::credit_invoice::CreditInvoice;
use reconciled_core::id::OrderId;
use reconciled_core::intent::{self, Intent, State};
use reconciled_core::order::Order;

/// One journal row of an order.
struct Line {
    seq: i64,
    at: i64,
    entity: String,
    id: String,
    event: String,
    before: String,
    after: String,
    detail: String,
}

/// An intent as its journal tells it.
struct Told {
    state: String,
    seq: i64,
    content: String,
    attempts: u32,
    sent: (Option<i64>, Option<i64>),
    sent_before: (Option<i64>, Option<i64>),
    made: Option<String>,
}

/// What the journal says of one order.
#[derive(Default)]
struct Story {
    order: Option<String>,
    credits: BTreeMap<String, (String, i64)>,
    intents: BTreeMap<String, Told>,
    breaks: BTreeMap<String, (String, i64)>,
    held: bool,
    /// With who proposed it, where two operators were needed.
    approved: BTreeMap<String, Option<String>>,
    /// With the amount.
    proposed: BTreeMap<String, String>,
    assigned: BTreeMap<String, String>,
    /// The Klarna order that a human said is its own.
    linked: Option<String>,
    adopted: BTreeMap<String, String>,
    /// With the amount.
    never_sent: BTreeMap<String, String>,
    /// Amount and total of what a human said Klarna's share is.
    accepted: Option<(i64, i64)>,
    last: i64,
}

/// Replays `id` and compares it with its rows; `state` is the order's stored state.
pub(super) fn order(conn: &Connection, shop: &str, id: OrderId, state: Option<&str>) -> Checked<()> {
    let mut find = conn.prepare_cached(
        "SELECT seq, at, entity, entity_id, event, before, after, detail
         FROM journal INDEXED BY journal_order
         WHERE shop = ?1 AND order_id = ?2 ORDER BY seq",
    )?;
    let mut rows = find.query((shop, Number(id.0)))?;
    let mut story = Story::default();
    while let Some(row) = rows.next()? {
        let line = line(row)?;
        if let Err(why) = story.follow(&line, id) {
            return fault(line.seq, why);
        }
        story.last = line.seq;
    }
    if story.order.as_deref() != state {
        return fault(story.last, differs(&format!("order {id}"), &story.order, &state));
    }
    compare(conn, shop, id, &story)
}

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line {
        seq: row.get(0)?,
        at: row.get(1)?,
        entity: row.get(2)?,
        id: row.get(3)?,
        event: row.get(4)?,
        before: row.get(5)?,
        after: row.get(6)?,
        detail: row.get(7)?,
    })
}

fn differs(what: &str, journal: &impl fmt::Debug, stored: &impl fmt::Debug) -> String {
    format!("{what} is stored as {stored:?}, the journal says {journal:?}")
}

impl Story {
    fn follow(&mut self, line: &Line, id: OrderId) -> Result<(), String> {
        match line.entity.as_str() {
            entity::ORDER if line.event.starts_with("operator_") => self.operated(line),
            entity::ORDER if line.id == id.to_string() => {
                let now = self.order.as_deref();
                let next = step(now, line, FIRST_SEEN, Order::apply, Order::Pending)?;
                self.order = Some(next);
                Ok(())
            }
            entity::CREDIT_INVOICE => {
                let now = self.credits.get(&line.id).map(|(state, _)| state.as_str());
                if line.event == CHANGED && now == Some(line.before.as_str()) && line.before == line.after {
                    return Ok(());
                }
                let next = step(now, line, FIRST_SEEN, CreditInvoice::apply, CreditInvoice::Pending)?;
                self.credits.insert(line.id.clone(), (next, line.seq));
                Ok(())
            }
            entity::INTENT => self.intent(line),
            entity::BREAK => {
                let now = self.breaks.get(&line.id).map(|(status, _)| status.as_str());
                let next = step(now, line, OPENED, BreakStatus::apply, BreakStatus::Open)?;
                self.breaks.insert(line.id.clone(), (next, line.seq));
                self.assigned(line)
            }
            other => Err(format!("a row of order {id} is about {other} {}", line.id)),
        }
    }

    fn intent(&mut self, line: &Line) -> Result<(), String> {
        let told = self.intents.get(&line.id);
        let now = told.map(|told| told.state.as_str());
        let state = step(now, line, PLANNED, State::apply, State::Planned)?;
        let told = self.intents.entry(line.id.clone()).or_insert_with(|| Told {
            state: String::new(),
            seq: 0,
            content: line.detail.clone(),
            attempts: 0,
            sent: (None, None),
            sent_before: (None, None),
            made: None,
        });
        told.state = state;
        told.seq = line.seq;
        if line.event == intent::Event::Claimed.name() {
            told.attempts = told.attempts.saturating_add(1);
            told.sent_before = told.sent;
            told.sent = (told.sent.0.or(Some(line.at)), Some(line.at));
        }
        if line.event == PLANNED || line.detail == "{}" {
            return Ok(());
        }
        let detail = parse(line)?;
        if detail.get("uncounted").is_some() {
            told.attempts = told.attempts.saturating_sub(1);
            if told.state == State::Planned.name() {
                told.sent = told.sent_before;
            }
        }
        if let Some(made) = detail.get("made").and_then(Value::as_str) {
            told.made = Some(made.to_owned());
        }
        Ok(())
    }

    /// Who works on a break after this row.
    fn assigned(&mut self, line: &Line) -> Result<(), String> {
        match BreakEvent::decode(&line.event) {
            Some(BreakEvent::Assigned) => {
                let detail = parse(line)?;
                let to = detail.get("target").and_then(Value::as_str).ok_or("`assigned` does not say to whom")?;
                self.assigned.insert(line.id.clone(), to.to_owned());
            }
            Some(BreakEvent::Unassigned) => {
                self.assigned.remove(&line.id);
            }
            _ => {}
        }
        Ok(())
    }

    /// What a human did to the order as a whole.
    fn operated(&mut self, line: &Line) -> Result<(), String> {
        let detail = parse(line)?;
        let field = |name: &str| {
            let text = detail.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
            text.ok_or_else(|| format!("`{}` does not say its {name}", line.event))
        };
        match line.event.as_str() {
            "operator_hold" => self.held = true,
            "operator_release" => self.held = false,
            "operator_propose" => {
                let amount = detail.get("amount_minor").map(ToString::to_string);
                self.proposed.insert(field("subject")?, amount.ok_or("a proposal does not say its amount")?);
            }
            "operator_approve" => {
                let subject = field("subject")?;
                self.proposed.remove(&subject);
                self.approved.insert(subject, field("proposed_by").ok());
            }
            "operator_withdraw" => {
                let subject = field("subject")?;
                self.proposed.remove(&subject);
                self.approved.remove(&subject);
            }
            "operator_link" => self.linked = Some(field("target")?),
            "operator_attribute" => {
                self.adopted.insert(field("subject")?, field("target")?);
            }
            "operator_never_sent" => {
                let amount = detail.get("amount_minor").map(ToString::to_string);
                self.never_sent.insert(field("subject")?, amount.ok_or("`operator_never_sent` says no amount")?);
            }
            "operator_accept" => {
                let number = |name: &str| detail.get(name).and_then(Value::as_i64);
                let said = number("amount_minor").zip(number("total_minor"));
                self.accepted = Some(said.ok_or("an accepted share does not say its amount")?);
            }
            other => return Err(format!("`{other}` is no operation")),
        }
        Ok(())
    }
}

fn parse(line: &Line) -> Result<Value, String> {
    serde_json::from_str(&line.detail).map_err(|why| format!("its detail is not JSON: {why}"))
}

/// The state after one row: the first row begins in `first`, every later one is a legal step from `now`.
fn step<S: Coded, E: Coded>(
    now: Option<&str>, line: &Line, begins: &str, apply: fn(S, E) -> Result<S, IllegalTransition>, first: S,
) -> Result<String, String> {
    let what = format!("{} {}", line.entity, line.id);
    let next = match now {
        None if line.event == begins && line.before.is_empty() => first,
        None => return Err(format!("{what} begins with `{}`", line.event)),
        Some(now) if now != line.before => return Err(differs(&what, &now, &line.before)),
        Some(now) => {
            let state = S::decode(now).ok_or_else(|| format!("{what} is `{now}`"))?;
            let event = E::decode(&line.event).ok_or_else(|| format!("{what}: `{}` is no event of it", line.event))?;
            apply(state, event).map_err(|why| why.to_string())?
        }
    };
    let next = next.encode().into_owned();
    if next == line.after { Ok(next) } else { Err(differs(&what, &next, &line.after)) }
}

fn compare(conn: &Connection, shop: &str, id: OrderId, story: &Story) -> Checked<()> {
    let place = (shop, Number(id.0));
    let mut credits = conn.prepare_cached(
        "SELECT CAST(id AS TEXT), state FROM credit_invoice INDEXED BY credit_invoice_order
         WHERE shop = ?1 AND order_id = ?2",
    )?;
    let credits = pairs(credits.query(place)?)?;
    states("credit invoice", &story.credits, &credits)?;
    let mut breaks =
        conn.prepare_cached("SELECT CAST(id AS TEXT), status FROM break WHERE shop = ?1 AND order_id = ?2")?;
    let breaks = pairs(breaks.query(place)?)?;
    states("break", &story.breaks, &breaks)?;
    let stored = intents::of_order(conn, shop, id)?;
    if stored.len() != story.intents.len() {
        return fault(story.last, format!("order {id} has other intents than its journal"));
    }
    for intent in &stored {
        same_intent(story, intent)?;
    }
    decisions(conn, shop, id, story)
}

fn pairs<T: FromSql>(mut rows: rusqlite::Rows<'_>) -> Result<BTreeMap<String, T>, StoreError> {
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        found.insert(row.get(0)?, row.get(1)?);
    }
    Ok(found)
}

fn states(what: &str, told: &BTreeMap<String, (String, i64)>, stored: &BTreeMap<String, String>) -> Checked<()> {
    for (id, (state, seq)) in told {
        if stored.get(id) != Some(state) {
            return fault(*seq, differs(&format!("{what} {id}"), state, &stored.get(id)));
        }
    }
    match stored.keys().find(|id| !told.contains_key(*id)) {
        Some(id) => fault(0, format!("{what} {id} has no journal")),
        None => Ok(()),
    }
}

fn same_intent(story: &Story, stored: &Intent) -> Checked<()> {
    let what = format!("intent {}", stored.id);
    let Some(told) = story.intents.get(&stored.id.to_string()) else {
        return fault(0, format!("{what} has no journal"));
    };
    let nanos = |at: Option<jiff::Timestamp>| at.map(|at| At(at).nanos());
    let state = stored.state.encode();
    let sent = (nanos(stored.first_sent_at), nanos(stored.last_sent_at));
    let made = stored.made.as_ref().map(|id| id.0.clone());
    if told.state != state {
        return fault(told.seq, differs(&what, &told.state, &state));
    }
    if told.content != intents::content(stored)? {
        return fault(told.seq, format!("{what} has another content than when it was planned"));
    }
    if (told.attempts, told.sent) != (stored.attempts, sent) {
        let found = (stored.attempts, sent);
        return fault(told.seq, differs(&what, &(told.attempts, told.sent), &found));
    }
    if told.made != made {
        return fault(told.seq, differs(&what, &told.made, &made));
    }
    Ok(())
}

/// Holds, approvals and attributions are what humans were journalled to have said.
fn decisions(conn: &Connection, shop: &str, id: OrderId, story: &Story) -> Checked<()> {
    let place = (shop, Number(id.0));
    let held: bool = conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM hold WHERE shop = ?1 AND order_id = ?2)")?
        .query_row(place, |row| row.get(0))?;
    if held != story.held {
        return fault(story.last, differs(&format!("the hold of order {id}"), &story.held, &held));
    }
    let mut approved =
        conn.prepare_cached("SELECT intent, proposed_by FROM approval WHERE shop = ?1 AND order_id = ?2")?;
    let approved = pairs(approved.query(place)?)?;
    if approved != story.approved {
        let what = format!("the approvals of order {id}");
        return fault(story.last, differs(&what, &story.approved, &approved));
    }
    let mut proposed =
        conn.prepare_cached("SELECT intent, CAST(amount AS TEXT) FROM proposal WHERE shop = ?1 AND order_id = ?2")?;
    let proposed = pairs(proposed.query(place)?)?;
    if proposed != story.proposed {
        let what = format!("the proposals of order {id}");
        return fault(story.last, differs(&what, &story.proposed, &proposed));
    }
    let mut assigned = conn.prepare_cached(
        "SELECT CAST(id AS TEXT), assigned FROM break WHERE shop = ?1 AND order_id = ?2 AND assigned IS NOT NULL",
    )?;
    let assigned = pairs(assigned.query(place)?)?;
    if assigned != story.assigned {
        let what = format!("who works on the breaks of order {id}");
        return fault(story.last, differs(&what, &story.assigned, &assigned));
    }
    let accepted = accepting::accepted(conn, shop, id)?.map(|said| (said.amount.get(), said.total.get()));
    if accepted != story.accepted {
        let what = format!("what was accepted of order {id}");
        return fault(story.last, differs(&what, &story.accepted, &accepted));
    }
    let mut adopted =
        conn.prepare_cached("SELECT refund, target FROM attribution WHERE shop = ?1 AND order_id = ?2")?;
    let adopted = pairs(adopted.query(place)?)?;
    if adopted != story.adopted {
        let what = format!("the attributions of order {id}");
        return fault(story.last, differs(&what, &story.adopted, &adopted));
    }
    let mut never = conn.prepare_cached(
        "SELECT CAST(credit_id AS TEXT), CAST(amount AS TEXT) FROM never_sent WHERE shop = ?1 AND order_id = ?2",
    )?;
    let never = pairs(never.query(place)?)?;
    if never != story.never_sent {
        let what = format!("what was never sent of order {id}");
        return fault(story.last, differs(&what, &story.never_sent, &never));
    }
    let mut linked = conn.prepare_cached("SELECT klarna_order_id FROM link WHERE shop = ?1 AND order_id = ?2")?;
    let linked: Option<Option<String>> = linked.query_row(place, |row| row.get(0)).optional()?;
    let linked = linked.map(|id| id.unwrap_or_else(|| NOBODY.to_owned()));
    if linked != story.linked {
        return fault(story.last, differs(&format!("the link of order {id}"), &story.linked, &linked));
    }
    Ok(())
}
