//! A decision comes back: checked against what is held now, and handed to the store like a command's.
//!
//! Whatever does not fit is refused with its reason, and changes nothing. What was typed must be the amount that the
//! store holds at this moment, so that nobody confirms one amount and moves another.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::PageContext;
use super::consent::{is_given_up_with, standing};
use super::frame::plain;
use super::login::unreadable;
use super::offers::{amount_of, is_question, typed, waiting};
use super::refusal::Refusal;
use super::session::Flash;
use super::visit::Visit;
use crate::web::metrics::Refused;
use crate::words::adoption::refusal;
use crate::words::refused;
use reconciled_core::adoption::{self, Part, Settles, Wish, is_near};
use reconciled_core::attribution::{open_without, refunds_of};
use reconciled_core::breaks::BreakStep;
use reconciled_core::facts::KlarnaRefund;
use reconciled_core::id::{IntentId, InvoiceId, OrderId};
use reconciled_core::ledger::{Attribution, CreditRecord};
use reconciled_core::link::Told;
use reconciled_core::money::Minor;
use reconciled_store::pages::Pages as _;
use reconciled_store::{Dossier, Operated, Operation, Store as _};

/// The longest note the journal keeps, in characters.
const LONGEST_NOTE: usize = 500;

/// Everything that a form of ours may send; which fields count depends on `action`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    form: String,
    action: String,
    note: String,
    confirm: String,
    #[serde(rename = "break")]
    id: String,
    order: String,
    intent: String,
    refund: String,
    settles: String,
    link: String,
    /// Klarna's share, as it was typed.
    share: String,
    /// The break on whose page it was decided.
    from: String,
}

/// A decision that the store may be asked for, and what is said once it is done.
struct Decision {
    operation: Operation,
    done: String,
    /// The next pass has something to do.
    wakes: bool,
}

/// Why a decision is not taken: a sentence for whoever decided.
type Why = String;

pub(super) async fn decide(
    State(context): State<PageContext>, visit: Visit, form: Result<Form<Given>, FormRejection>,
) -> Result<Response, Refusal> {
    let Form(given) = form.map_err(|why| unreadable(&why))?;
    if !visit.visitor.redeem(&context, &given.form) {
        return Err(Refusal::Replayed);
    }
    let back = back(&visit, &given);
    let note = given.note.trim();
    let flash = match take(&visit, &given, note).await {
        Ok(Decision { done, wakes, .. }) => {
            context.counters.decided();
            if wakes {
                // A hint that is dropped costs one period of waiting.
                context.waker.wake(visit.shop.clone());
            }
            Flash { failed: false, text: done, note: String::new() }
        }
        Err(why) => {
            context.counters.refuse(Refused::Decision);
            Flash { failed: true, text: format!("Nothing was changed: {why}"), note: note.to_owned() }
        }
    };
    visit.visitor.tell(&context, flash);
    Ok(Redirect::to(&back).into_response())
}

/// Where the decision was made.
fn back(visit: &Visit, given: &Given) -> String {
    let shop = &visit.shop;
    let number = |text: &str| text.parse::<u64>().ok();
    match (number(&given.from), number(&given.order)) {
        (Some(id), _) => format!("/shops/{shop}/breaks/{id}"),
        (None, Some(order)) => format!("/shops/{shop}/orders/{order}"),
        (None, None) => format!("/shops/{shop}/switch"),
    }
}

async fn take(visit: &Visit, given: &Given, note: &str) -> Result<Decision, Why> {
    if note.chars().count() > LONGEST_NOTE || note.contains(char::is_control) {
        return Err(format!("a note is one line of at most {LONGEST_NOTE} characters"));
    }
    let may_be_silent = ["reopen", "release", "resume"].contains(&given.action.as_str());
    if note.is_empty() && !may_be_silent {
        return Err("say why in a few words".to_owned());
    }
    let decision = decision(visit, given).await?;
    let (operation, actor) = (decision.operation.clone(), visit.visitor.operator.clone());
    let done = visit.store.operate(operation, actor, note.to_owned(), visit.now).await;
    match done.map_err(|why| plain(&refused::store(&why)))? {
        Operated::Done | Operated::Breaks(_) => Ok(decision),
        Operated::Proposed { until } => {
            let until = until.strftime("%Y-%m-%d %H:%M UTC");
            let done = format!("Proposed: another operator must approve it before {until}, or it lapses.");
            Ok(Decision { done, wakes: false, ..decision })
        }
    }
}

async fn decision(visit: &Visit, given: &Given) -> Result<Decision, Why> {
    let done = |operation, done: &str, wakes| Ok(Decision { operation, done: done.to_owned(), wakes });
    match given.action.as_str() {
        "ack" => done(Operation::Break(id(given)?, BreakStep::Acknowledge), "The break is acknowledged.", false),
        "resolve" => done(Operation::Break(id(given)?, BreakStep::Resolve), "The break is resolved.", false),
        "reopen" => done(Operation::Break(id(given)?, BreakStep::Reopen), "The break is open again.", false),
        "stop" => done(Operation::Stop, "Stopped: nothing is written to either side until you resume.", false),
        "resume" if given.confirm.trim() == visit.shop.as_str() => {
            done(Operation::Resume, "Resumed: the next pass does what is due.", true)
        }
        "resume" => Err(format!("type the shop's name, {}, to let writes go again", visit.shop)),
        _ => about_order(visit, given).await,
    }
}

fn id(given: &Given) -> Result<i64, Why> {
    given.id.parse().map_err(|_| "the form names no break".to_owned())
}

async fn about_order(visit: &Visit, given: &Given) -> Result<Decision, Why> {
    let order = OrderId(given.order.parse().map_err(|_| "the form names no order".to_owned())?);
    let failed = |why: reconciled_store::StoreError| plain(&refused::store(&why));
    let dossier = visit.store.dossiers(vec![order]).await.map_err(failed)?.pop();
    let dossier = dossier.ok_or_else(|| "the order is not known".to_owned())?;
    let breaks = visit.store.breaks_of(order).await.map_err(failed)?;
    let done = |operation, done: &str| Ok(Decision { operation, done: done.to_owned(), wakes: true });
    match given.action.as_str() {
        "hold" => done(Operation::Hold(order), "The order is held: nothing is written for it until it is released."),
        "release" => {
            let waiting = waiting(&dossier.ledger);
            if waiting.is_positive() {
                confirmed(visit, given, waiting)?;
            }
            done(Operation::Release(order), "The order is released; the next pass does what is due.")
        }
        "approve" => {
            let intent = intent(given)?;
            let amount = amount_of(&dossier, &breaks, intent).ok_or_else(|| gone("effect"))?;
            confirmed(visit, given, amount)?;
            done(approval(visit, order, intent, amount), "Approved; the next pass carries it out.")
        }
        "abandon" => {
            let intent = intent(given)?;
            let durable = dossier.ledger.intents.iter().find(|it| it.id == intent);
            let proposed = standing(visit, Some(order)).await.map_err(failed)?;
            if durable.is_none() && !proposed.iter().any(|row| row.it.intent == intent) {
                return Err(gone("effect"));
            }
            let is_given_up = is_given_up_with(durable);
            let told = if is_given_up { "It is given up and never sent again." } else { "The proposal is withdrawn." };
            done(Operation::Abandon(intent), told)
        }
        "never_sent" => {
            let intent = intent(given)?.to_string();
            let question = breaks.iter().find(|it| is_question(it) && it.subject == intent);
            let question = question.ok_or_else(|| gone("question"))?;
            let amount = question.amount.ok_or_else(|| gone("question"))?;
            confirmed(visit, given, amount)?;
            let same = |held: &CreditRecord| Some(&held.number) == question.credit_invoice.as_ref();
            let mut credits =
                dossier.ledger.credits.iter().filter(|(_, held)| same(held) && held.amount == Some(amount));
            let (Some((credit, _)), None) = (credits.next(), credits.next()) else {
                return Err("several credit invoices have this number; decide with `reconciled ignore`".to_owned());
            };
            done(Operation::NeverSent { order, credit: *credit }, "Nothing of it is owed; the next pass settles it.")
        }
        "link" => {
            let to = match given.link.trim() {
                "none" => Told::Nobody,
                id => Told::To(
                    dossier
                        .shop
                        .candidates
                        .iter()
                        .find(|it| it.id.as_str() == id)
                        .ok_or_else(|| gone("Klarna order"))?
                        .id
                        .clone(),
                ),
            };
            done(Operation::Link { order, to }, "The link is settled; the next pass judges the order anew.")
        }
        "accept" => accept(visit, given, order),
        "adopt" | "ignore" => about_refund(visit, given, &dossier),
        _ => Err("this page knows no such decision".to_owned()),
    }
}

fn approval(visit: &Visit, order: OrderId, intent: IntentId, amount: Minor) -> Operation {
    let two_person_above = visit.served.policy.two_person_above;
    Operation::Approve { order, intent, amount: Some(amount), two_person_above }
}

fn accept(visit: &Visit, given: &Given, order: OrderId) -> Result<Decision, Why> {
    let amount = amount(visit, &given.share)?;
    let done = "Klarna's share is kept; the next pass goes on from there.".to_owned();
    Ok(Decision { operation: Operation::Accept { order, amount }, done, wakes: true })
}

fn about_refund(visit: &Visit, given: &Given, dossier: &Dossier) -> Result<Decision, Why> {
    let refunds = dossier.klarna.iter().flat_map(|(order, _)| refunds_of(&dossier.ledger, &dossier.shop, order));
    let mut refunds = refunds.into_iter();
    let refund = refunds.find(|refund| refund.id.as_str() == given.refund).ok_or_else(|| gone("refund"))?;
    confirmed(visit, given, refund.amount)?;
    let (to, done) = match (given.action.as_str(), given.settles.as_str()) {
        ("ignore", _) => (Attribution::RuledOut, "The refund settles nothing; the next pass goes on from there."),
        (_, "cancel") => (Attribution::Cancel, "The refund settles the rest of the cancelled order."),
        (_, credits) => {
            let (to, done) = parted(visit, dossier, &refund, credits)?;
            return Ok(Decision { operation: attributed(dossier, &refund, to), done: done.to_owned(), wakes: true });
        }
    };
    Ok(Decision { operation: attributed(dossier, &refund, to), done: done.to_owned(), wakes: true })
}

fn attributed(dossier: &Dossier, refund: &KlarnaRefund, to: Attribution) -> Operation {
    Operation::Attribute { order: dossier.shop.id, refund: refund.id.clone(), to }
}

/// What was chosen: credit invoices by their ids with a part each, as `21=2500,22=3000`, or one alone for all of it.
fn parted(
    visit: &Visit, dossier: &Dossier, refund: &KlarnaRefund, chosen: &str,
) -> Result<(Attribution, &'static str), Why> {
    let choose = || "choose what the refund was for".to_owned();
    let wishes = chosen.split(',').map(chosen_part).collect::<Option<Vec<_>>>().ok_or_else(choose)?;
    let klarna = dossier.klarna.as_ref().map(|(klarna, _)| klarna).ok_or_else(|| gone("refund"))?;
    let open = open_without(&refund.id, &dossier.ledger, &dossier.shop, klarna);
    let parts = adoption::parts(refund.amount, &wishes, &open);
    let parts = parts.map_err(|why| plain(&refusal(&why, visit.currency)))?;
    let is_whole =
        |part: &Part| open.iter().any(|it| part.settles == Settles::Credit(it.id) && is_near(part.amount, it.amount));
    let done = match parts.as_slice() {
        [one] if is_whole(one) => "The refund settles the credit invoice; the next pass marks it paid.",
        [_] => "The refund settles a part of the credit invoice; the next pass refunds the rest.",
        _ => "The refund settles its parts; the next pass goes on from there.",
    };
    Ok((Attribution::Parts(parts), done))
}

fn chosen_part(text: &str) -> Option<Wish> {
    let (id, amount) = text.split_once('=').map_or((text, None), |(id, amount)| (id, Some(amount)));
    let amount = match amount {
        Some(amount) => Some(Minor::new(amount.parse().ok()?).ok()?),
        None => None,
    };
    let settles = if id == "nothing" { Settles::Nothing } else { Settles::Credit(InvoiceId(id.parse().ok()?)) };
    // All of it settles nothing: that is another decision.
    (settles != Settles::Nothing || amount.is_some()).then_some(Wish { settles, amount })
}

fn intent(given: &Given) -> Result<IntentId, Why> {
    given.intent.parse::<Uuid>().map(IntentId).map_err(|_| "the form names no effect".to_owned())
}

fn gone(what: &str) -> String {
    format!("the order has no such {what} any more; load the page again")
}

/// An amount as it was typed. A comma is as good as a point.
fn amount(visit: &Visit, given: &str) -> Result<Minor, Why> {
    let given = given.trim().replace(',', ".");
    let read = match visit.currency {
        Some(currency) => Minor::parse(&given, currency).ok(),
        None => given.parse().ok().and_then(|minor| Minor::new(minor).ok()),
    };
    read.ok_or_else(|| "say the amount as in 70.00".to_owned())
}

/// What was typed is exactly the amount that is at stake now. A comma is as good as a point.
fn confirmed(visit: &Visit, given: &Given, amount: Minor) -> Result<(), Why> {
    if self::amount(visit, &given.confirm) == Ok(amount) {
        return Ok(());
    }
    Err(format!("to confirm, type the amount as it is shown: {}", typed(amount, visit.currency)))
}
