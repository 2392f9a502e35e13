//! Where the pieces are put together: configuration and secrets become clients, a store and a pass.
//!
//! The only file of the command line that names concrete types; every command goes through it.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::Status;
use super::context::Context;
use super::demo::Demo;
use super::error::CliError;
use super::reconcile::Reconcile;
use crate::budget::{self, Budget};
use crate::clock::SystemClock;
use crate::config::Loaded;
use crate::config::hosts::KlarnaEnvironment;
use crate::core::id::PassId;
use crate::http::reqwest::ReqwestTransport;
use crate::report::{Calls, Checked, NotChecked, PassReport};
use crate::store::StoreError;
use crate::{klarna, lightspeed, pass};

/// The store of the configured shop.
pub(super) type ShopStore = super::unwired::Unwired;

/// Opens the store; a pass beside it may be running.
pub(super) async fn open(loaded: &Loaded) -> Result<ShopStore, StoreError> {
    // SEAM(store): open `loaded.config.store.path()` for `loaded.shop.name`.
    Err(StoreError::Open {
        path: loaded.config.store.path().display().to_string(),
        why: "this build has no store".to_owned(),
    })
}

/// Runs one pass over the configured shop.
pub(super) async fn pass(
    loaded: &Loaded, store: &ShopStore, asked: &Reconcile, progress: &dyn pass::Progress,
) -> Result<PassReport, CliError> {
    let ready = ready(loaded, store.clone())?;
    let options =
        pass::Options { dry_run: asked.dry_run, order: asked.order.clone(), since: asked.since, full: asked.full };
    // SEAM(store): take the pass lock of this shop for as long as the pass runs.
    let attempt = format!("the pass over shop `{}`", loaded.shop.name);
    let done = pass::run(&ready, &options, progress).await;
    done.map_err(|source| CliError::Store { attempt, source })
}

fn ready(loaded: &Loaded, store: ShopStore) -> Result<pass::Shop<ShopStore, ReqwestTransport, SystemClock>, CliError> {
    let (shop, clock) = (&loaded.shop, SystemClock);
    let failed = |why: &dyn std::fmt::Display| CliError::Failed {
        attempt: format!("getting ready for shop `{}`", shop.name),
        why: why.to_string(),
    };
    let secrets = loaded.secrets.clone().ok_or_else(|| failed(&"its secrets were not read"))?;
    let transport = ReqwestTransport::new().map_err(|error| failed(&error))?;
    let per_second = match shop.klarna.environment {
        KlarnaEnvironment::Production => budget::KLARNA_PRODUCTION_PER_SECOND,
        KlarnaEnvironment::Playground => budget::KLARNA_PLAYGROUND_PER_SECOND,
    };
    let lightspeed_budget = Arc::new(Budget::lightspeed("lightspeed", &shop.lightspeed.base_url));
    let klarna_budget = Arc::new(Budget::klarna("klarna", &shop.klarna.base_url, per_second));
    let lightspeed = lightspeed::Settings {
        base_url: shop.lightspeed.base_url.clone(),
        language: shop.lightspeed.language.clone(),
        credentials: secrets.lightspeed,
        payment_words: shop.matching.payment.clone(),
        klarna_order_id: shop.matching.klarna_order_id.clone(),
    };
    let klarna = klarna::Settings { base_url: shop.klarna.base_url.clone(), credentials: secrets.klarna };
    Ok(pass::Shop {
        name: shop.name.clone(),
        environment: shop.klarna.environment.name().to_owned(),
        region: shop.klarna.region.name().to_owned(),
        policy: shop.policy.clone(),
        lightspeed: lightspeed::Client::new(transport.clone(), clock, lightspeed, Arc::clone(&lightspeed_budget)),
        klarna: klarna::Client::new(transport, clock, klarna, Arc::clone(&klarna_budget)),
        budgets: vec![lightspeed_budget, klarna_budget],
        store,
        clock,
    })
}

/// The report of a pass that could not begin: nothing was looked at, and nothing is called clean.
pub(super) fn nothing_checked(loaded: &Loaded, asked: &Reconcile, at: Timestamp, why: &CliError) -> PassReport {
    let cause = std::error::Error::source(why).map_or_else(String::new, |it| format!(": {it}"));
    PassReport {
        shop: loaded.shop.name.clone(),
        pass: pass_id(at),
        started_at: at,
        finished_at: at,
        dry_run: asked.dry_run,
        currency: None,
        checked: Checked::default(),
        effects: Vec::new(),
        calls: Calls::default(),
        not_checked: vec![NotChecked { what: format!("shop {}", loaded.shop.name), why: format!("{why}{cause}") }],
    }
}

fn pass_id(at: Timestamp) -> PassId {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
    PassId(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
}

pub(super) async fn migrate(context: &Context, loaded: &Loaded) -> Result<(), CliError> {
    // SEAM(store): bring the schema up to date; say from which to which.
    absent(context, loaded, "store migrate")
}

pub(super) async fn backup(context: &Context, loaded: &Loaded, _to: &Path) -> Result<(), CliError> {
    // SEAM(store)
    absent(context, loaded, "store backup")
}

pub(super) async fn restore(context: &Context, loaded: &Loaded, _from: &Path) -> Result<(), CliError> {
    // SEAM(store)
    absent(context, loaded, "store restore")
}

pub(super) async fn info(context: &Context, loaded: &Loaded, _json: bool) -> Result<(), CliError> {
    // SEAM(store)
    absent(context, loaded, "store info")
}

pub(super) async fn demo(_context: &Context, _asked: &Demo) -> Result<Status, CliError> {
    // SEAM(sandbox)
    Err(CliError::Failed { attempt: "demo".to_owned(), why: "not in this build".to_owned() })
}

fn absent(_context: &Context, _loaded: &Loaded, what: &str) -> Result<(), CliError> {
    Err(CliError::Failed { attempt: what.to_owned(), why: "not in this build".to_owned() })
}
