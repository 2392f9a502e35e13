//! `reconciled webhooks`: where Lightspeed tells the service that something changed.
//!
//! Only ever touches registrations whose address begins with the configured one; those of other programs are counted
//! and left alone. Moves no money: `act` does not matter, the kill switch does.

use std::fs;
use std::io::Write as _;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Status;
use super::context::{Context, reading};
use super::error::CliError;
use super::wire::{self, Sides};
use crate::config::{Loaded, Server};
use crate::report::text::plain;
use crate::web::HookEndpoint;
use reconciled_core::answer::Unreadable;
use reconciled_sides::http::reqwest::ReqwestTransport;
use reconciled_sides::lightspeed::{NotWritten, Webhook, Wish};
use reconciled_store::Store as _;

/// What wakes a pass: everything that can oblige money to move changes an order or an invoice. Half of the ten that a
/// shop allows; what is missed is found by polling.
const WISHES: [Wish; 5] = [
    Wish { group: "invoices", action: "created" },
    Wish { group: "invoices", action: "updated" },
    Wish { group: "orders", action: "created" },
    Wish { group: "orders", action: "updated" },
    Wish { group: "orders", action: "paid" },
];

#[derive(Debug, Subcommand)]
pub enum Webhooks {
    /// Register what is missing, and remove what is outdated
    Install(Change),
    /// The registrations that lead to this service
    List(List),
    /// Remove every registration that leads to this service
    Remove(Change),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Needs [webhooks] address in the configuration, and a key that may write settings. The address ends in a part that
nobody can guess and that follows the shop's API secret: after a new secret, install again. Installing twice changes
nothing; registrations of other programs are never touched. Without webhooks everything works too, by polling.

Exit status 0 when all is as it should be, 1 when --dry-run found something to do or `reconciled stop` is in force,
2 for a wrong configuration, 3 when the shop could not be asked or refused.")]
pub struct Change {
    /// Say what would be done; write nothing
    #[arg(long)]
    dry_run: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct List {
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// What is to be done at one shop.
#[derive(Debug, Default)]
struct Plan {
    keep: Vec<Webhook>,
    remove: Vec<Webhook>,
    add: Vec<Wish>,
    /// Registrations of other programs.
    others: usize,
}

/// One registration and what became of it.
struct Row {
    group: String,
    action: String,
    state: &'static str,
}

/// One shop's rows.
struct Told {
    shop: String,
    rows: Vec<Row>,
    others: usize,
}

impl Webhooks {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let shops = context.every_shop()?;
        let transport = wire::transport()?;
        let (json, dry_run) = match &self {
            Self::Install(Change { dry_run, json }) | Self::Remove(Change { dry_run, json }) => (*json, *dry_run),
            Self::List(List { json }) => (*json, false),
        };
        let mut told = Vec::new();
        let mut status = Status::AGREES;
        for loaded in &shops {
            let at = Place::of(loaded, &transport, matches!(self, Self::Install(_)))?;
            let found = at.found().await?;
            let plan = match &self {
                Self::Install(_) => plan(found, &at.ours, Some(&at.address)),
                Self::List(_) => listing(found, &at.ours),
                Self::Remove(_) => plan(found, &at.ours, None),
            };
            let is_due = !plan.add.is_empty() || !plan.remove.is_empty();
            if dry_run || !is_due || matches!(self, Self::List(_)) {
                told.push(at.planned(&plan));
                status = if is_due { Status::OPEN } else { status };
            } else if at.is_stopped().await? {
                context.say(&format!("shop `{}`: nothing is written until `reconciled resume`", at.name()));
                told.push(at.planned(&plan));
                status = Status::OPEN;
            } else {
                told.push(at.carry_out(plan).await?);
            }
        }
        print(context, &told, json)?;
        Ok(status)
    }
}

/// One shop, and which addresses there are this service's.
struct Place<'a> {
    loaded: &'a Loaded,
    sides: Sides,
    /// What every address of this service begins with.
    ours: String,
    address: String,
}

impl<'a> Place<'a> {
    fn of(loaded: &'a Loaded, transport: &ReqwestTransport, needs_listener: bool) -> Result<Self, CliError> {
        let Some(base) = &loaded.config.webhooks else {
            let what =
                "no [webhooks] address is configured: the https address by which Lightspeed reaches [server] listen";
            return Err(CliError::Usage(what.to_owned()));
        };
        if needs_listener && loaded.config.server == Server::Off {
            return Err(CliError::Usage("[server] listen is \"off\": nobody would hear the webhooks".to_owned()));
        }
        let shop = loaded.shop.name.clone();
        let Some(secrets) = &loaded.secrets else {
            return Err(CliError::Usage(format!("the secrets of shop `{shop}` were not read")));
        };
        let endpoint = HookEndpoint { shop, shop_id: None, secret: secrets.lightspeed.signs_with().clone() };
        let ours = format!("{base}/hook/");
        let address = format!("{ours}{}", endpoint.token());
        Ok(Self { loaded, sides: wire::sides(loaded, transport)?, ours, address })
    }

    fn name(&self) -> String {
        plain(self.loaded.shop.name.as_str())
    }

    async fn found(&self) -> Result<Vec<Webhook>, CliError> {
        self.sides.lightspeed.webhooks().await.map_err(|why| self.unread(&why))
    }

    fn unread(&self, why: &Unreadable) -> CliError {
        let why = match why {
            Unreadable::Refused(said) | Unreadable::NotFound(said) | Unreadable::Failed(said) => said.in_a_sentence(),
            Unreadable::Throttled { until, .. } | Unreadable::OutOfBudget { until } => {
                format!("no call is left before {until:.0}")
            }
        };
        CliError::Failed { attempt: format!("listing the webhooks of shop `{}`", self.name()), why: plain(&why) }
    }

    /// A store that is not there yet was never stopped.
    async fn is_stopped(&self) -> Result<bool, CliError> {
        if fs::symlink_metadata(self.loaded.config.store.path()).is_err() {
            return Ok(false);
        }
        wire::open(self.loaded)?.is_stopped().await.map_err(reading("reading the kill switch"))
    }

    fn planned(&self, plan: &Plan) -> Told {
        let added = plan.add.iter().map(|wish| Row::of(wish.group, wish.action, "missing"));
        let removed = plan.remove.iter().map(|it| Row::of(&it.group, &it.action, "to be removed"));
        let kept = plan.keep.iter().map(|it| Row::of(&it.group, &it.action, state_of(it, &self.address)));
        Told { shop: self.name(), rows: kept.chain(removed).chain(added).collect(), others: plan.others }
    }

    /// Removes before it adds: the shop allows only so many.
    async fn carry_out(&self, plan: Plan) -> Result<Told, CliError> {
        self.has_room(&plan).await?;
        let failed = |what: &str, why: &NotWritten| CliError::Failed {
            attempt: format!("{what} a webhook of shop `{}`", self.name()),
            why: plain(&format!("{why}. Nothing else was tried; the same command goes on from here")),
        };
        let mut rows: Vec<Row> = plan.keep.iter().map(|it| Row::of(&it.group, &it.action, "kept")).collect();
        for it in &plan.remove {
            self.sides.lightspeed.remove_webhook(it.id).await.map_err(|why| failed("removing", &why))?;
            rows.push(Row::of(&it.group, &it.action, "removed"));
        }
        for wish in plan.add {
            let made = self.sides.lightspeed.add_webhook(wish, &self.address).await;
            made.map_err(|why| failed("registering", &why))?;
            rows.push(Row::of(wish.group, wish.action, "registered"));
        }
        Ok(Told { shop: self.name(), rows, others: plan.others })
    }

    /// Asked before anything is written, so that not a part of them is made. A shop that does not say its limit is
    /// simply asked.
    async fn has_room(&self, plan: &Plan) -> Result<(), CliError> {
        if plan.add.is_empty() {
            return Ok(());
        }
        let Ok(limit) = self.sides.lightspeed.webhook_limit().await else { return Ok(()) };
        let after = plan.others.saturating_add(plan.keep.len()).saturating_add(plan.add.len());
        if after <= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Ok(());
        }
        Err(CliError::Failed {
            attempt: format!("registering webhooks of shop `{}`", self.name()),
            why: format!(
                "the shop allows {limit}, other programs have {}, and {} are needed; remove some of theirs, or poll alone",
                plan.others,
                WISHES.len(),
            ),
        })
    }
}

fn state_of(it: &Webhook, address: &str) -> &'static str {
    match (it.is_active, it.address == address) {
        (true, true) => "registered",
        (false, true) => "inactive",
        (_, false) => "outdated address",
    }
}

/// What makes the shop's registrations exactly the wished ones at `address`; without an address, none.
fn plan(found: Vec<Webhook>, ours: &str, address: Option<&str>) -> Plan {
    let mut plan = Plan::default();
    let mut missing: Vec<Wish> = if address.is_some() { WISHES.to_vec() } else { Vec::new() };
    for it in found {
        if !it.address.starts_with(ours) {
            plan.others = plan.others.saturating_add(1);
            continue;
        }
        let is_good = it.is_active && address == Some(it.address.as_str());
        let wished = missing.iter().position(|wish| wish.group == it.group && wish.action == it.action);
        match wished.filter(|_| is_good) {
            Some(index) => {
                missing.swap_remove(index);
                plan.keep.push(it);
            }
            None => plan.remove.push(it),
        }
    }
    plan.add = WISHES.into_iter().filter(|wish| missing.contains(wish)).collect();
    plan
}

fn listing(found: Vec<Webhook>, ours: &str) -> Plan {
    let (keep, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|it| it.address.starts_with(ours));
    Plan { keep, others: others.len(), ..Plan::default() }
}

impl Row {
    fn of(group: &str, action: &str, state: &'static str) -> Self {
        Self { group: plain(group), action: plain(action), state }
    }
}

/// The address is not printed: who knows it may give hints.
fn print(context: &Context, told: &[Told], json: bool) -> Result<(), CliError> {
    let mut out = context.stdout();
    if json {
        let rows = |told: &Told| -> Vec<Value> {
            let rows = told.rows.iter();
            rows.map(|row| json!({"group": row.group, "action": row.action, "state": row.state})).collect()
        };
        let shops = told.iter().map(|it| json!({"shop": it.shop, "webhooks": rows(it), "others": it.others}));
        writeln!(out, "{}", json!({"shops": shops.collect::<Vec<_>>()}))?;
    } else {
        for it in told {
            writeln!(out, "Shop {}: {} of this service, {} of others", it.shop, it.rows.len(), it.others)?;
            for row in &it.rows {
                writeln!(out, "  {:<17} {} {}", row.state, row.group, row.action)?;
            }
        }
    }
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(id: u64, group: &str, action: &str, address: &str, is_active: bool) -> Webhook {
        let text = str::to_owned;
        Webhook { id, is_active, group: text(group), action: text(action), address: text(address) }
    }

    #[test]
    fn a_plan_keeps_what_is_right_and_touches_nothing_of_others() {
        let (ours, address) = ("https://a.example/hook/", "https://a.example/hook/t");
        let found = vec![
            hook(1, "invoices", "created", address, true),
            hook(2, "invoices", "created", address, true),
            hook(3, "orders", "paid", address, false),
            hook(4, "orders", "updated", "https://a.example/hook/old", true),
            hook(5, "tickets", "created", address, true),
            hook(6, "orders", "created", "https://a.example/hooks/t", true),
            hook(7, "orders", "created", "https://a.example.evil.example/hook/t", true),
        ];
        let ids = |hooks: &[Webhook]| hooks.iter().map(|it| it.id).collect::<Vec<_>>();
        let made = plan(found.clone(), ours, Some(address));
        assert_eq!((ids(&made.keep), ids(&made.remove), made.others), (vec![1], vec![2, 3, 4, 5], 2));
        assert_eq!(made.add, WISHES[1..].to_vec());
        let gone = plan(found, ours, None);
        assert_eq!((ids(&gone.remove), gone.add.len(), gone.others), (vec![1, 2, 3, 4, 5], 0, 2));
    }

    #[test]
    fn what_is_wished_fits_into_a_shop_beside_as_many_of_others() {
        assert!(WISHES.len() <= 5);
    }
}
