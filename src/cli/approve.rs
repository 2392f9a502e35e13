//! `reconciled approve`: one effect that waits for a human.
//!
//! What is approved is always one effect by its exact id, which is made of its content: an effect that changes
//! after it was approved has another id and waits again.

use std::collections::BTreeSet;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::args::Signed;
use super::context::{Context, currency, find, now, reading};
use super::error::CliError;
use super::{Status, args, wire};
use crate::report::human::seconds;
use crate::report::text::plain;
use reconciled_core::consent::waits_for_a_word;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{IntentId, OrderId};
use reconciled_core::intent::State;
use reconciled_core::money::Minor;
use reconciled_store::{Break, Operated, Operation, Store};

#[derive(Debug, Args)]
#[command(after_help = "\
Lets one effect go that a money ceiling holds, or starts one anew that Klarna refused or whose outcome stayed
unknown. Look in Klarna's portal first: what is started anew gets a new idempotency key.

Above [shops.NAME.policy] two_person_above a refund needs two: the first `approve` proposes it, and another operator's
`approve` of the same intent lets it go, within 24 hours. Operators are told apart by name: --as, else the user who
called sudo, else the user.

Where a credit invoice asks for more than is left, the break names the intent that sends what is left; its amount is said
with --amount, and the credit invoice is settled with it.

Examples:
  reconciled approve 9d1f2c60-... --amount 33.32 --order ORD00018 --note 'send what is left'
  reconciled approve ORD00018 --note 'large return, checked'
  reconciled approve 5e0c6f1e-6d2c-5b0e-9a52-0a4f0c1f7d11 --note 'not in the portal, checked by J.'")]
pub struct Approve {
    /// The intent's id as the report names it, or an order's number when only one of its effects waits
    #[arg(value_name = "INTENT|ORDER", value_parser = args::number)]
    target: String,
    /// The order, when the intent's id alone does not lead to it
    #[arg(long, value_name = "NUMBER", value_parser = args::number)]
    order: Option<String>,
    /// The amount that is let go, to be sure; needed where it is less than its credit invoice asks for
    #[arg(long, value_name = "AMOUNT", value_parser = args::number)]
    amount: Option<String>,
    #[command(flatten)]
    signed: Signed,
}

impl Approve {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let loaded = context.config()?;
        let store = wire::open(&loaded)?;
        let (order, intent) = match self.target.parse::<Uuid>() {
            Ok(id) => {
                let intent = IntentId(id);
                (order_of(&store, intent, self.order.as_deref()).await?, intent)
            }
            Err(_) => the_waiting_one(&store, &self.target, now()).await?,
        };
        let amount = match &self.amount {
            Some(text) => Some(named(&store, text).await?),
            None => None,
        };
        let Signed { actor, note } = &self.signed;
        let two_person_above = loaded.shop.policy.two_person_above;
        let operation = Operation::Approve { order, intent, amount, two_person_above };
        let attempt = format!("approving intent {intent}");
        let decided = context.operate(&store, operation, actor, note, attempt).await?;
        let line = match decided.outcome {
            Operated::Proposed { until } => format!(
                "intent {intent} is proposed: it is above two_person_above, so another operator must \
                 `reconciled approve {intent}` before {}",
                seconds(until)
            ),
            Operated::Done | Operated::Breaks(_) => {
                format!("intent {intent} is approved; the next pass carries it out")
            }
        };
        context.told(&decided, json!({"decision": "approve", "intent": intent.to_string()}), &line)?;
        Ok(Status::AGREES)
    }
}

/// The order of an intent: a durable one knows it; one that is only held is named by its break.
pub(super) async fn order_of<S: Store>(store: &S, intent: IntentId, given: Option<&str>) -> Result<OrderId, CliError> {
    if let Some(number) = given {
        return find(store, number).await;
    }
    let attempt = || format!("looking for intent {intent}");
    if let Some(found) = store.intent(intent).await.map_err(reading(attempt()))? {
        return Ok(found.target.order);
    }
    let breaks = store.breaks(false).await.map_err(reading(attempt()))?;
    let is_about =
        |it: &&Break| it.subject == intent.to_string() || it.offer.is_some_and(|(offered, _)| offered == intent);
    let named = breaks.iter().find(is_about);
    match named.and_then(|it| it.order.as_ref()) {
        Some(number) => find(store, number.as_str()).await,
        None => Err(CliError::Usage(format!("no intent {intent} is known; name its order with --order NUMBER"))),
    }
}

/// The amount as it was named; whether it is the effect's own, the store decides.
async fn named<S: Store>(store: &S, text: &str) -> Result<Minor, CliError> {
    let amount = currency(store).await?.and_then(|it| Minor::parse(&text.replace(',', "."), it).ok());
    amount.ok_or_else(|| CliError::Usage(format!("`{}` is not an amount such as 33.32", plain(text))))
}

/// The only effect of an order that waits for a human.
async fn the_waiting_one<S: Store>(store: &S, number: &str, now: Timestamp) -> Result<(OrderId, IntentId), CliError> {
    let shown = plain(number);
    let attempt = || format!("reading order `{shown}`");
    let order = find(store, number).await?;
    let dossiers = store.dossiers(vec![order]).await.map_err(reading(attempt()))?;
    let breaks = store.breaks(false).await.map_err(reading(attempt()))?;
    let of_order = |it: &&Break| dossiers.iter().any(|dossier| it.order.as_ref() == Some(&dossier.shop.number));
    let breaks: Vec<&Break> = breaks.iter().filter(of_order).collect();
    // Only what a ceiling holds is named by its break; everything else that waits is a durable intent.
    let held = breaks.iter().filter(|it| it.kind == BreakKind::LimitReached);
    let mut waiting: BTreeSet<IntentId> = held.filter_map(|it| it.subject.parse().ok().map(IntentId)).collect();
    for ledger in dossiers.iter().map(|dossier| &dossier.ledger) {
        for intent in &ledger.intents {
            // A ceiling may hold a durable intent too; then its break has named it above.
            let is_held = intent.state == State::Planned && waiting.contains(&intent.id);
            if is_held || waits_for_a_word(intent, ledger, now) {
                waiting.insert(intent.id);
            } else {
                waiting.remove(&intent.id);
            }
        }
    }
    let list: Vec<String> = waiting.iter().map(IntentId::to_string).collect();
    match (waiting.pop_first(), list.len()) {
        (Some(only), 1) => Ok((order, only)),
        (None, _) => Err(CliError::Usage(format!("nothing of order `{shown}` waits for approval"))),
        (Some(_), _) => Err(CliError::Usage(format!(
            "several effects of order `{shown}` wait; name one of them: {}",
            list.join(", ")
        ))),
    }
}
