//! Where the pieces are put together: configuration and secrets become clients, a store and a pass.
//!
//! The only file of the command line that names concrete types; every command goes through it.

use std::error::Error as _;
use std::fmt::Display;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use uuid::Uuid;

use super::error::CliError;
use crate::config::hosts::KlarnaEnvironment;
use crate::config::{KlarnaConfig, Loaded, ShopConfig, ShopLogin};
use crate::pass;
use crate::report::text::plain;
use crate::report::{Calls, Checked, NotChecked, PassReport};
use reconciled_core::id::{PassId, ShopName};
use reconciled_sides::budget::{self, Budget};
use reconciled_sides::clock::{Clock as _, SystemClock};
use reconciled_sides::http::Credentials;
use reconciled_sides::http::reqwest::ReqwestTransport;
use reconciled_sides::{klarna, lightspeed};
use reconciled_store::StoreError;
use reconciled_store::sqlite::{PassLock, SqliteStore};

/// The store of the configured shop.
pub(super) type ShopStore = SqliteStore;

/// Opens the store; a pass may be running on it meanwhile.
pub(super) fn open(loaded: &Loaded) -> Result<ShopStore, CliError> {
    let path = loaded.config.store.path();
    let store = SqliteStore::open(path, loaded.shop.name.clone()).map_err(|source| opening(path, source))?;
    let (name, kept) = (&loaded.shop.name, store.shop_name());
    if kept != name && loaded.config.shops.contains_key(kept) {
        return Err(CliError::Usage(format!(
            "[shops.{name}] and [shops.{kept}] are one and the same shop; remove one of them"
        )));
    }
    Ok(store)
}

pub(super) fn opening(path: &Path, source: StoreError) -> CliError {
    let attempt = format!("opening the store `{}`", plain(&path.display().to_string()));
    CliError::Store { attempt, source }
}

/// Runs one pass over the configured shop; no other pass over it runs meanwhile.
pub(super) async fn pass(
    loaded: &Loaded, store: &ShopStore, wire: &ReqwestTransport, options: &pass::Options, progress: &dyn pass::Progress,
) -> Result<PassReport, CliError> {
    let ready = ready(loaded, store, wire)?;
    let attempt = format!("the pass over shop `{}`", loaded.shop.name);
    let failed = |source| CliError::Store { attempt, source };
    // Whatever the shop is called, its books have one lock.
    let lock = match PassLock::acquire(loaded.config.store.path(), store.shop_name()) {
        Ok(lock) => lock,
        Err(source) => return Err(failed(source)),
    };
    let done = pass::run(&ready, options, progress).await;
    drop(lock);
    if let Err(StoreError::OtherName { known, .. }) = &done {
        take_over(loaded, store, known).await?;
    }
    let mut report = done.map_err(failed)?;
    report.calls_left = ready.budgets.iter().flat_map(|budget| budget.left(report.finished_at)).collect();
    Ok(report)
}

/// The shop said that it is the one whose books are kept under another name. If nothing is called so any more, it was
/// renamed, and its books go on under the new name from the next pass; if something still is, one shop has two names.
async fn take_over(loaded: &Loaded, store: &ShopStore, known: &str) -> Result<(), CliError> {
    let name = &loaded.shop.name;
    let attempt = format!("the pass over shop `{name}`");
    if loaded.config.shops.contains_key(&ShopName(known.to_owned())) {
        let why = format!(
            "[shops.{name}] and [shops.{known}] are one and the same shop, and two names would refund twice; remove one"
        );
        return Err(CliError::Failed { attempt, why });
    }
    let failed = |source| CliError::Store { attempt: attempt.clone(), source };
    store.take_over(known.to_owned(), SystemClock.now()).await.map_err(failed)?;
    let why = format!(
        "the shop says that it is the one whose books the store keeps as `{known}`, so it was renamed; they go on under \
         `{name}` from the next pass, nothing was sent in this one"
    );
    Err(CliError::Failed { attempt, why })
}

/// One for the process: a shop that said who it is need not say so again until its address or key changes.
fn acquainted() -> pass::Acquainted {
    static ACQUAINTED: OnceLock<pass::Acquainted> = OnceLock::new();
    ACQUAINTED.get_or_init(pass::Acquainted::default).clone()
}

type Ready = pass::Shop<ShopStore, ReqwestTransport, SystemClock>;

/// A dry run that remembers nothing: its store lives in memory and ends with it, so that no playground is ever mixed
/// into a store of production.
pub(super) async fn rehearse(
    loaded: &Loaded, store: &ShopStore, wire: &ReqwestTransport, since: Option<Timestamp>,
    progress: &dyn pass::Progress,
) -> Result<PassReport, CliError> {
    let ready = ready(loaded, store, wire)?;
    let options = pass::Options { dry_run: true, since, full: since.is_none(), ..pass::Options::default() };
    let attempt = format!("the rehearsal over shop `{}`", loaded.shop.name);
    pass::run(&ready, &options, progress).await.map_err(|source| CliError::Store { attempt, source })
}

/// The connections of this process, to both sides.
pub(super) fn transport() -> Result<ReqwestTransport, CliError> {
    ReqwestTransport::new()
        .map_err(|error| CliError::Failed { attempt: "getting ready to connect".to_owned(), why: error.to_string() })
}

fn ready(loaded: &Loaded, store: &ShopStore, transport: &ReqwestTransport) -> Result<Ready, CliError> {
    let shop = &loaded.shop;
    let sides = sides(loaded, transport)?;
    Ok(pass::Shop {
        name: shop.name.clone(),
        cluster: shop.lightspeed.cluster.name().to_owned(),
        environment: shop.klarna.environment.name().to_owned(),
        region: shop.klarna.region.name().to_owned(),
        acquainted: acquainted(),
        policy: shop.policy.clone(),
        lightspeed: sides.lightspeed,
        klarna: sides.klarna,
        budgets: sides.budgets,
        store: store.clone(),
        clock: SystemClock,
    })
}

/// The clients of both sides, each with a budget of its own.
pub(super) struct Sides {
    pub(super) lightspeed: lightspeed::Client<ReqwestTransport, SystemClock>,
    pub(super) klarna: klarna::Client<ReqwestTransport, SystemClock>,
    budgets: Vec<Arc<Budget>>,
}

/// # Errors
/// The secrets were not read, or the shop works through an app that is not installed there.
pub(super) fn sides(loaded: &Loaded, transport: &ReqwestTransport) -> Result<Sides, CliError> {
    let shop = &loaded.shop;
    let failed = |why: &dyn Display| CliError::Failed {
        attempt: format!("getting ready for shop `{}`", shop.name),
        why: why.to_string(),
    };
    let secrets = loaded.secrets.as_ref().ok_or_else(|| failed(&"its secrets were not read"))?;
    let credentials = match &secrets.lightspeed {
        ShopLogin::Key(credentials) => credentials.clone(),
        ShopLogin::App(installed) => installed.credentials().map_err(|why| failed(&why))?,
    };
    let shops_budget = Arc::new(Budget::lightspeed("lightspeed", &shop.lightspeed.base_url));
    let merchants_budget = Arc::new(klarna_budget(&shop.klarna));
    let settings = lightspeed_settings(shop, credentials);
    let lightspeed = lightspeed::Client::new(transport.clone(), SystemClock, settings, shops_budget.clone());
    let settings = klarna::Settings { base_url: shop.klarna.base_url.clone(), credentials: secrets.klarna.clone() };
    let klarna = klarna::Client::new(transport.clone(), SystemClock, settings, merchants_budget.clone());
    Ok(Sides { lightspeed, klarna, budgets: vec![shops_budget, merchants_budget] })
}

fn lightspeed_settings(shop: &ShopConfig, credentials: Credentials) -> lightspeed::Settings {
    lightspeed::Settings {
        base_url: shop.lightspeed.base_url.clone(),
        language: shop.lightspeed.language.clone(),
        credentials,
        payment_words: shop.matching.payment.clone(),
        klarna_order_id: shop.matching.klarna_order_id.clone(),
    }
}

fn klarna_budget(config: &KlarnaConfig) -> Budget {
    let per_second = match config.environment {
        KlarnaEnvironment::Production => budget::KLARNA_PRODUCTION_PER_SECOND,
        KlarnaEnvironment::Playground => budget::KLARNA_PLAYGROUND_PER_SECOND,
    };
    Budget::klarna("klarna", &config.base_url, per_second)
}

/// The report of a pass that could not run: nothing was looked at, and nothing is called clean.
pub(super) fn nothing_checked(shop: &ShopName, dry_run: bool, at: Timestamp, error: &CliError) -> PassReport {
    let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    PassReport {
        shop: shop.clone(),
        pass: pass_id(at),
        started_at: at,
        finished_at: at,
        dry_run,
        currency: None,
        checked: Checked::default(),
        effects: Vec::new(),
        calls: Calls::default(),
        calls_left: Vec::new(),
        not_checked: vec![NotChecked { what: format!("shop {shop}"), why, side: None }],
    }
}

fn pass_id(at: Timestamp) -> PassId {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
    PassId(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
}
