//! Claiming an intent for sending, and recording what came of it.
//!
//! The claim is the last gate: the kill switch, the operator's hold, the money guard and the rolling ceiling are all
//! read from the ledger inside the transaction that moves the intent to `Sending`, never from memory.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::super::{Attempt, Claim, Guard, Step, StoreError};
use super::approving;
use super::columns::{At, Cents, Id, Number};
use super::decide;
use super::intents::{self, COLUMNS, intent_columns};
use super::journal::ACTOR;
use super::owed;
use super::steps::{self, Cause, Detail, IntentMove};
use super::writer::Tx;
use reconciled_core::facts::OUTDATED;
use reconciled_core::guard::{self, Gate, Money, Refund, Withheld};
use reconciled_core::id::{IntentId, OrderId, PassId, RefundId};
use reconciled_core::intent::{Event, Intent, Kind, State};
use reconciled_core::money::Minor;

/// What the claim needs to know, in one row.
struct ClaimRow {
    intent: Intent,
    stopped: bool,
    hold: Option<String>,
    approved: bool,
    /// The most that Klarna's reads said was refunded, up to the last decision.
    refunded_then: Minor,
    /// The order is still held for the Klarna order that the intent is for.
    is_linked: bool,
}

fn find(tx: &Tx<'_>, id: IntentId) -> Result<Option<ClaimRow>, StoreError> {
    let mut find = tx.conn.prepare_cached(concat!(
        "SELECT ",
        intent_columns!(),
        ", (SELECT stopped FROM stop_switch AS s WHERE s.shop = intent.shop),
           (SELECT note FROM hold AS h WHERE h.shop = intent.shop AND h.order_id = intent.order_id),
           EXISTS (SELECT 1 FROM approval AS a WHERE a.shop = intent.shop AND a.intent = intent.id),
           (SELECT most_refunded FROM shop_order AS o WHERE o.shop = intent.shop AND o.id = intent.order_id),
           (SELECT o.klarna_order_id IS intent.klarna_order_id FROM shop_order AS o
            WHERE o.shop = intent.shop AND o.id = intent.order_id)
         FROM intent WHERE shop = ?1 AND id = ?2"
    ))?;
    find.query_row((tx.shop, Id(id.0)), |row| Ok(read(row, tx.shop))).optional()?.transpose()
}

fn read(row: &Row<'_>, shop: &str) -> Result<ClaimRow, StoreError> {
    let column = |index: usize| COLUMNS.saturating_add(index);
    Ok(ClaimRow {
        intent: intents::read(row, shop)?,
        // A switch that cannot be read is on.
        stopped: row.get::<_, Option<bool>>(column(0))?.unwrap_or(true),
        hold: row.get(column(1))?,
        approved: row.get(column(2))?,
        refunded_then: row.get::<_, Cents>(column(3))?.0,
        is_linked: row.get(column(4))?,
    })
}

pub(super) fn claim(tx: &mut Tx<'_>, pass: PassId, id: IntentId, guard: Guard) -> Result<Claim, StoreError> {
    let Some(found) = find(tx, id)? else {
        return Err(StoreError::NotFound(format!("intent {id}")));
    };
    let gate = Gate {
        intent: &found.intent,
        stopped: found.stopped,
        held: found.hold.as_deref(),
        is_linked: found.is_linked,
        was_told_since: decide::was_told_since(tx, found.intent.target.order, guard.heard_at)?,
    };
    if let Err(why) = guard::opens(&gate) {
        return Ok(Claim::Withheld(why));
    }
    // The gate asks nothing else of any other effect, and what it asks costs queries.
    if found.intent.effect.kind == Kind::Refund
        && let Err(why) = refund(tx, &found, guard)?
    {
        return Ok(Claim::Withheld(why));
    }
    if planted!("no_claim_on_disk") {
        let intent = Intent { state: State::Sending, ..found.intent };
        return Ok(Claim::Granted(Box::new(intent)));
    }
    let sent = send(tx, pass, found.intent, guard.at)?;
    Ok(Claim::Granted(Box::new(sent)))
}

fn refund(tx: &Tx<'_>, found: &ClaimRow, guard: Guard) -> Result<Result<(), Withheld>, StoreError> {
    let intent = &found.intent;
    let money = Money {
        captured: guard.captured,
        refunded: guard.refunded,
        refunded_then: found.refunded_then,
        reserved: intents::reserved(tx, intent.target.order, Some(intent.id), guard.at)?,
    };
    let gate = Refund {
        intent,
        money,
        is_approved: found.approved,
        limit_per_day: guard.limit_per_day,
        two_person_above: guard.two_person_above,
    };
    let since = guard.at.checked_sub(guard::DAY).unwrap_or(Timestamp::MIN);
    // Whole hours are at least what was spent, and cheaper to add up.
    let fits_today = |room| Ok(sum_of_hours(tx, SENT, since)? <= room || sent_since(tx, since)? <= room);
    guard::refund(&gate, || approving::is_countersigned(tx, intent), fits_today)
}

const SENT: &str = "sent";
const PLANNED: &str = "planned";

/// Whole hours, the first of them too: at least what was spent since.
fn sum_of_hours(conn: &Tx<'_>, clock: &str, since: Timestamp) -> Result<Minor, StoreError> {
    hours(conn.conn, conn.shop, clock, At(since).hour())
}

fn hours(conn: &Connection, shop: &str, clock: &str, from: i64) -> Result<Minor, StoreError> {
    let mut add = conn
        .prepare_cached("SELECT coalesce(sum(amount), 0) FROM spent WHERE shop = ?1 AND clock = ?2 AND hour >= ?3")?;
    let sum: i64 = add.query_row((shop, clock, from), |row| row.get(0))?;
    Ok(saturated(sum))
}

/// Exactly what was first sent after `since`.
fn sent_since(tx: &Tx<'_>, since: Timestamp) -> Result<Minor, StoreError> {
    let next = At(since).hour().saturating_add(1);
    let mut add = tx.conn.prepare_cached(
        "SELECT coalesce(sum(amount), 0) FROM intent
         WHERE shop = ?1 AND first_sent_at > ?2 AND first_sent_at / 3600000000000 < ?3
            AND kind = 'refund' AND state <> 'rejected' AND state <> 'withdrawn'",
    )?;
    let part: i64 = add.query_row((tx.shop, At(since), next), |row| row.get(0))?;
    Ok(saturated(part).plus(hours(tx.conn, tx.shop, SENT, next)?))
}

/// Refunds planned since `since`, that moment included, without what surely moved no money.
pub(super) fn spent(conn: &Connection, shop: &str, since: Timestamp) -> Result<Minor, StoreError> {
    if planted!("counter_in_memory") {
        return Ok(Minor::ZERO);
    }
    let next = At(since).hour().saturating_add(1);
    let mut add = conn.prepare_cached(
        "SELECT coalesce(sum(amount), 0) FROM intent
         WHERE shop = ?1 AND planned_at >= ?2 AND planned_at / 3600000000000 < ?3
            AND kind = 'refund' AND state <> 'rejected' AND state <> 'withdrawn'
            AND (state <> 'abandoned' OR first_sent_at IS NOT NULL)",
    )?;
    let part: i64 = add.query_row((shop, At(since), next), |row| row.get(0))?;
    Ok(saturated(part).plus(hours(conn, shop, PLANNED, next)?))
}

/// A sum may be larger than any single amount; one that is larger than all of them fits no limit either way.
fn saturated(sum: i64) -> Minor {
    let largest = Minor::new(1_000_000_000_000_000).unwrap_or(Minor::ZERO);
    Minor::new(sum).unwrap_or(largest)
}

fn send(tx: &mut Tx<'_>, pass: PassId, mut intent: Intent, at: Timestamp) -> Result<Intent, StoreError> {
    let before = std::mem::replace(&mut intent.state, State::Sending);
    let first_before = intent.first_sent_at;
    let last_before = intent.last_sent_at;
    intent.attempts = intent.attempts.saturating_add(1);
    intent.first_sent_at = Some(first_before.unwrap_or(at));
    intent.last_sent_at = Some(at);
    let mut update = tx.conn.prepare_cached(
        "UPDATE intent SET state = 'sending', attempts = ?3, first_sent_at = ?4, last_sent_at = ?5,
            first_before = ?6, last_before = ?7
         WHERE shop = ?1 AND id = ?2",
    )?;
    update.execute((
        tx.shop,
        Id(intent.id.0),
        intent.attempts,
        intent.first_sent_at.map(At),
        intent.last_sent_at.map(At),
        first_before.map(At),
        last_before.map(At),
    ))?;
    let cause = Cause { order: intent.target.order, at, actor: ACTOR, id: &pass.to_string() };
    let step = IntentMove { id: intent.id, before: &before, event: Event::Claimed, after: &State::Sending };
    let detail = Detail { attempt: Some(intent.attempts), ..Detail::default() };
    steps::journal_intent(tx, cause, &step, &detail)?;
    Ok(intent)
}

pub(super) fn record(tx: &mut Tx<'_>, pass: PassId, attempt: &Attempt, at: Timestamp) -> Result<(), StoreError> {
    if let Some(made) = &attempt.made
        && intents::is_made_by_another(tx, attempt, made)?
    {
        return Err(StoreError::Moved(attempt.order));
    }
    let cause = Cause { order: attempt.order, at, actor: ACTOR, id: &pass.to_string() };
    let mut kept = false;
    for step in &attempt.steps {
        match step {
            Step::Intent { id, before, event, after, note: _ } if *id == attempt.intent => {
                let step = IntentMove { id: *id, before, event: *event, after };
                steps::move_intent(tx, cause, &step, &detail(attempt))?;
                keep_answer(tx, cause, attempt, after)?;
                kept = true;
            }
            Step::Intent { .. } | Step::Credit { .. } | Step::Order { .. } => {
                steps::apply(tx, cause, step)?;
            }
        }
    }
    if kept {
        Ok(())
    } else {
        Err(StoreError::Guard(format!("an attempt of intent {} moves it nowhere", attempt.intent)))
    }
}

fn detail(attempt: &Attempt) -> Detail<'_> {
    let said = attempt.said.as_ref();
    let correlation = said.and_then(|said| said.correlation_id.as_deref());
    Detail {
        made: attempt.made.as_ref().map(RefundId::as_str),
        http_status: said.and_then(|said| said.status),
        code: said.and_then(|said| said.code.as_deref()),
        correlation_id: attempt.correlation_id.as_deref().or(correlation),
        uncounted: attempt.uncounted.then_some(true),
        ..Detail::default()
    }
}

/// What was read of an order in the shop is older than what we have just marked paid in it.
fn outdate(tx: &Tx<'_>, id: Id) -> Result<(), StoreError> {
    let mut update = tx.conn.prepare_cached(
        "UPDATE fact SET read_at = ?3 WHERE shop = ?1 AND side = 'shop' AND order_id = (
            SELECT order_id FROM intent WHERE shop = ?1 AND id = ?2 AND kind = 'mark_paid')",
    )?;
    update.execute((tx.shop, id, At(OUTDATED)))?;
    Ok(())
}

/// What the answer leaves on the intent. Silence about the answer (`said`) keeps the last one that was not a success.
fn keep_answer(tx: &Tx<'_>, cause: Cause<'_>, attempt: &Attempt, after: &State) -> Result<(), StoreError> {
    let mut update = tx.conn.prepare_cached(
        "UPDATE intent SET made = coalesce(?3, made), correlation_id = coalesce(?4, correlation_id),
            not_before = ?5, ended_at = ?6
         WHERE shop = ?1 AND id = ?2",
    )?;
    let id = Id(attempt.intent.0);
    update.execute((
        tx.shop,
        id,
        attempt.made.as_ref().map(RefundId::as_str),
        attempt.correlation_id.as_deref(),
        attempt.not_before.map(At),
        steps::ends(after).then_some(At(cause.at)),
    ))?;
    if *after == State::Confirmed {
        outdate(tx, id)?;
    }
    if let Some(said) = &attempt.said {
        let mut update = tx.conn.prepare_cached(
            "UPDATE intent SET said_status = ?3, said_code = ?4, said_message = ?5, said_correlation = ?6
             WHERE shop = ?1 AND id = ?2",
        )?;
        let (code, correlation) = (said.code.as_deref(), said.correlation_id.as_deref());
        update.execute((tx.shop, id, said.status, code, &said.message, correlation))?;
    }
    if attempt.uncounted {
        // Only what surely never left takes its times back with it: what may have happened keeps the hour from which
        // its key and the settling of reads are counted.
        let mut update = tx.conn.prepare_cached(
            "UPDATE intent SET attempts = max(attempts - 1, 0),
                first_sent_at = iif(state = 'planned', first_before, first_sent_at),
                last_sent_at = iif(state = 'planned', last_before, last_sent_at)
             WHERE shop = ?1 AND id = ?2",
        )?;
        update.execute((tx.shop, id))?;
    }
    Ok(())
}

/// Opens a pass, and turns every intent found `Sending` into `Unknown`.
pub(super) fn begin_pass(tx: &mut Tx<'_>, pass: PassId, at: Timestamp) -> Result<Vec<IntentId>, StoreError> {
    look_again_after_a_jump(tx, at)?;
    let mut insert = tx.conn.prepare_cached("INSERT INTO pass (shop, id, started_at) VALUES (?1, ?2, ?3)")?;
    insert.execute((tx.shop, Id(pass.0), At(at)))?;
    let mut find = tx.conn.prepare_cached(
        "SELECT id, order_id FROM intent INDEXED BY intent_sending
         WHERE shop = ?1 AND state = 'sending' ORDER BY id",
    )?;
    let found: Vec<(Id, Number)> =
        find.query_map([tx.shop], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut lost = Vec::with_capacity(found.len());
    for (id, order) in found {
        let id = IntentId(id.0);
        let cause = Cause { order: OrderId(order.0), at, actor: ACTOR, id: &pass.to_string() };
        let mut step = IntentMove { id, before: &State::Sending, event: Event::Lost, after: &State::Unknown };
        if planted!("crash_means_not_sent") {
            step = IntentMove { id, before: &State::Sending, event: Event::NotSent, after: &State::Planned };
        }
        let detail = Detail { why: Some("found sending at start"), ..Detail::default() };
        steps::move_intent(tx, cause, &step, &detail)?;
        // A decision must look at it whatever its order's next look was.
        let mut due = tx.conn.prepare_cached("UPDATE shop_order SET look_at = 0 WHERE shop = ?1 AND id = ?2")?;
        due.execute((tx.shop, order))?;
        lost.push(id);
    }
    read_lost_payments_again(tx)?;
    owed::read_missing_again(tx)?;
    Ok(lost)
}

/// Marking paid is repeated only on what the shop said after the last attempt, and a payment that never arrived changed
/// nothing that a list would name.
fn read_lost_payments_again(tx: &Tx<'_>) -> Result<(), StoreError> {
    let mut mark = tx.conn.prepare_cached(
        "UPDATE listed SET unread = 1 WHERE shop = ?1 AND order_id IN (
            SELECT order_id FROM intent INDEXED BY intent_lost_payment
            WHERE shop = ?1 AND kind = 'mark_paid' AND state = 'unknown')",
    )?;
    mark.execute([tx.shop])?;
    Ok(())
}

/// The last pass began or ended later than now, or the journal's last row is of later than now: the clock was set back
/// since, and every later look may have been planned by a clock that was wrong. All orders are due.
fn look_again_after_a_jump(tx: &Tx<'_>, at: Timestamp) -> Result<(), StoreError> {
    let mut last = tx.conn.prepare_cached(
        "SELECT max(at) FROM (
            SELECT max(started_at, coalesce(ended_at, started_at)) AS at FROM pass
            WHERE shop = ?1 AND no = (SELECT max(no) FROM pass WHERE shop = ?1)
            UNION ALL
            SELECT at FROM journal WHERE shop = ?1 AND seq = (SELECT seq FROM journal_head WHERE shop = ?1))",
    )?;
    let last: Option<At> = last.query_row([tx.shop], |row| row.get(0))?;
    if last.is_some_and(|last| last.0 > at) {
        let mut due = tx.conn.prepare_cached("UPDATE shop_order SET look_at = 0 WHERE shop = ?1 AND look_at > ?2")?;
        due.execute((tx.shop, At(at)))?;
        believe_no_future(tx, at)?;
    }
    Ok(())
}

/// What a read of Klarna said at a time that has not come yet would count as newer than every read until then.
fn believe_no_future(tx: &Tx<'_>, at: Timestamp) -> Result<(), StoreError> {
    let mut date = tx.conn.prepare_cached(
        "UPDATE fact SET read_at = ?2, version = ?2 WHERE shop = ?1 AND side = 'klarna' AND version > ?2",
    )?;
    date.execute((tx.shop, At(at)))?;
    Ok(())
}

/// So many are kept of one pass, and how many more there were.
const UNCHECKED_AT_MOST: usize = 1_000;

pub(super) fn keep_unchecked(tx: &Tx<'_>, pass: PassId, unchecked: &[(String, String)]) -> Result<(), StoreError> {
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO unchecked (shop, pass, place, what, why)
         SELECT ?1, no, ?3, ?4, ?5 FROM pass WHERE shop = ?1 AND id = ?2",
    )?;
    let kept = unchecked.iter().take(UNCHECKED_AT_MOST);
    for (place, (what, why)) in kept.enumerate() {
        insert.execute((tx.shop, Id(pass.0), i64::try_from(place).unwrap_or(i64::MAX), what, why))?;
    }
    let more = unchecked.len().saturating_sub(UNCHECKED_AT_MOST);
    if more > 0 {
        let (what, why) = (format!("{more} more"), "only the first thousand are kept");
        insert.execute((tx.shop, Id(pass.0), i64::try_from(UNCHECKED_AT_MOST).unwrap_or(i64::MAX), what, why))?;
    }
    Ok(())
}

pub(super) fn end_pass(tx: &Tx<'_>, pass: PassId, at: Timestamp, complete: bool) -> Result<(), StoreError> {
    let mut update =
        tx.conn.prepare_cached("UPDATE pass SET ended_at = ?3, complete = ?4 WHERE shop = ?1 AND id = ?2")?;
    match update.execute((tx.shop, Id(pass.0), At(at), complete))? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound(format!("pass {pass}"))),
    }
}
