//! `check --history`: how far the look back at what an earlier version concluded has come, and what looks wrong now.
//!
//! Reads the store alone. The looking back itself is done by the passes: each order once, acting on nothing.

use serde_json::json;

use super::finding::Findings;
use crate::cli::Status;
use crate::cli::context::reading;
use crate::cli::error::CliError;
use crate::cli::wire::ShopStore;
use crate::report::words::{count_of, what_to_do};
use reconciled_core::id::OrderNumber;
use reconciled_store::pages::Pages as _;
use reconciled_store::{Break, Store as _};

/// The difference needs a human, and everything was read.
const NEEDS_A_HUMAN: Status = Status(1);

pub(super) async fn look(store: &ShopStore, findings: &mut Findings) -> Result<(), CliError> {
    let found = store.looking_back().await.map_err(reading("reading what looking back found"))?;
    let judged = found.orders.saturating_sub(found.waiting);
    let orders = count_of(found.orders, "order");
    let breaks = count_of(i128::try_from(found.breaks.len()).unwrap_or(i128::MAX), "open break");
    let message = format!("{judged} of {orders} are judged under the present rules; {breaks} of it");
    if found.waiting == 0 {
        findings.ok("history", message);
    } else {
        let remedy = "let passes run: each looks back at as many orders as its budget allows, newest changes first";
        findings.warning("history", message, remedy);
    }
    findings.details(json!({"orders": found.orders, "judged": judged, "breaks": found.breaks.len()}));
    let currency = store.shop().await.map_err(reading("reading the shop's record"))?.map(|shop| shop.currency);
    for it in &found.breaks {
        let about = it.order.as_ref().map_or("", OrderNumber::as_str);
        let money = crate::report::words::some_money(it.amount, currency);
        findings.problem("history", NEEDS_A_HUMAN, format!("{about}, {money}: {}", it.message), what_to_do(it));
        findings.details(details(it));
    }
    Ok(())
}

fn details(it: &Break) -> serde_json::Value {
    json!({"break": it.id.to_string(), "kind": it.kind.name(), "order": it.order.as_ref().map(OrderNumber::as_str)})
}
