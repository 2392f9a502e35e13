//! What the shop's linked orders show of the references at Klarna.

use serde_json::json;

use super::finding::Findings;
use crate::cli::context::reading;
use crate::cli::error::CliError;
use crate::cli::wire::ShopStore;
use crate::report::words::count_of;
use reconciled_store::Store as _;

pub(super) async fn look(store: &ShopStore, findings: &mut Findings) -> Result<(), CliError> {
    let learnt = store.references().await.map_err(reading("reading what linked orders show"))?;
    if learnt.linked == 0 {
        return Ok(());
    }
    let linked = count_of(learnt.linked, "linked order");
    let names = if learnt.naming == 1 { "names its" } else { "name their" };
    let since = learnt.demanded_since();
    let rule = since.map_or_else(
        || "where none does, the time of both orders is compared".to_owned(),
        |since| format!("of orders placed since {} it is demanded", since.strftime("%Y-%m-%d")),
    );
    findings.ok("references", format!("of {linked} {} {names} number at Klarna; {rule}", learnt.naming));
    findings.details(json!({
        "linked": learnt.linked,
        "naming": learnt.naming,
        "in_a_row": learnt.in_a_row,
        "demanded_since": since.map(|at| at.to_string()),
    }));
    Ok(())
}
