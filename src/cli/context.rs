//! What every command needs: the global options, the environment, the time, and the configured shop's store.

use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

use super::Global;
use super::args::Actor;
use super::error::CliError;
use super::output::{self, Output};
use super::wire;
use crate::config::{self, ConfigError, Environment, Loaded, Request, ToStop};
use crate::report::json::write_value;
use crate::report::text::plain;
use reconciled_core::id::OrderId;
use reconciled_core::money::Currency;
use reconciled_sides::clock::{Clock as _, SystemClock};
use reconciled_store::{Named, Operated, Operation, Store, StoreError};

pub(super) struct Context {
    pub(super) global: Global,
    environment: Environment,
}

/// What a human decided, once it is in the journal.
pub(super) struct Decision {
    pub(super) outcome: Operated,
    by: String,
    at: Timestamp,
    note: String,
    json: bool,
}

/// The present, for ages and for the journal.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

impl Context {
    pub(super) fn new(global: Global, environment: Environment) -> Self {
        Self { global, environment }
    }

    /// The same, with the files beside `config` for systemd's credentials: the unit's are made from them.
    pub(super) fn with_credentials_beside(&self, config: &Path) -> Self {
        let directory = config.parent().unwrap_or(Path::new("."));
        Self { global: self.global.clone(), environment: self.environment.clone().with_credentials(directory) }
    }

    pub(super) const fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(super) fn stdout(&self) -> Output<std::io::Stdout> {
        output::stdout(self.global.color)
    }

    /// Standard output for what is not text for people: nothing is taken away.
    pub(super) fn stdout_as_is() -> Output<std::io::Stdout> {
        output::stdout(clap::ColorChoice::Always)
    }

    /// One line on stderr about what was done; not with `--quiet`.
    pub(super) fn say(&self, line: &str) {
        if !self.global.quiet {
            anstream::eprintln!("{line}");
        }
    }

    /// The configuration without its secrets: enough for everything that talks to the store only.
    pub(super) fn config(&self) -> Result<Loaded, CliError> {
        self.load(false)
    }

    /// The configuration with the shop's secrets.
    pub(super) fn config_with_secrets(&self) -> Result<Loaded, CliError> {
        self.load(true)
    }

    fn load(&self, secrets: bool) -> Result<Loaded, CliError> {
        let (file, shop) = (self.global.config.clone(), self.global.shop.clone());
        self.read(&Request { file, shop, secrets })
    }

    /// Every configured shop with its secrets, or the one named with `--shop`.
    pub(super) fn every_shop(&self) -> Result<Vec<Loaded>, CliError> {
        let loaded = self.load_shops(self.global.config.as_deref())?;
        for warning in loaded.iter().flat_map(|loaded| &loaded.warnings) {
            self.say(&format!("warning: {warning}"));
        }
        Ok(loaded)
    }

    /// The same from a given file; its warnings are the caller's to tell.
    pub(super) fn load_shops(&self, file: Option<&Path>) -> Result<Vec<Loaded>, ConfigError> {
        config::load_all(file, self.global.shop.as_deref(), &self.environment)
    }

    /// Every configured shop without its secrets, or the one named with `--shop`.
    pub(super) fn every_shop_without_secrets(&self) -> Result<Vec<Loaded>, CliError> {
        Ok(config::load_all_without_secrets(self.global.config.as_deref(), self.global.shop.as_deref())?)
    }

    /// As much of the configuration as stopping takes.
    pub(super) fn to_stop(&self) -> Result<ToStop, CliError> {
        Ok(config::to_stop(self.global.config.as_deref(), self.global.shop.as_deref())?)
    }

    /// Who decides: as named, or whoever started the program.
    pub(super) fn actor(&self, actor: &Actor) -> String {
        actor.name.clone().unwrap_or_else(|| self.environment.operator())
    }

    /// A configuration that this program wrote itself.
    pub(super) fn config_of(&self, file: &Path) -> Result<Loaded, CliError> {
        self.read(&Request { file: Some(file.to_owned()), shop: None, secrets: true })
    }

    fn read(&self, request: &Request) -> Result<Loaded, CliError> {
        let loaded = config::load(request, &self.environment)?;
        for warning in &loaded.warnings {
            self.say(&format!("warning: {warning}"));
        }
        Ok(loaded)
    }

    /// The configured shop's store, as it is on disk now.
    pub(super) fn store(&self) -> Result<wire::ShopStore, CliError> {
        wire::open(&self.config()?)
    }

    /// Journals a human's decision.
    pub(super) async fn operate<S: Store>(
        &self, store: &S, operation: Operation, actor: &Actor, note: &str, attempt: String,
    ) -> Result<Decision, CliError> {
        let by = self.actor(actor);
        let (at, note, json) = (now(), note.to_owned(), actor.json);
        let done = store.operate(operation, by.clone(), note.clone(), at).await;
        let outcome = done.map_err(|source| CliError::Store { attempt, source })?;
        Ok(Decision { outcome, by, at, note, json })
    }

    /// Says what was decided, in `line` or as an object with `fields`.
    pub(super) fn told(&self, decision: &Decision, fields: Value, line: &str) -> Result<(), CliError> {
        if !decision.json {
            self.say(line);
            return Ok(());
        }
        let mut told = fields;
        let (word, until, breaks) = match decision.outcome {
            Operated::Done => ("done", None, None),
            Operated::Proposed { until } => ("proposed", Some(until.to_string()), None),
            Operated::Breaks(count) => ("done", None, Some(count)),
        };
        told["outcome"] = word.into();
        told["by"] = decision.by.as_str().into();
        told["at"] = decision.at.to_string().into();
        told["note"] = decision.note.as_str().into();
        if let Some(until) = until {
            told["until"] = until.into();
        }
        if let Some(breaks) = breaks {
            told["breaks"] = breaks.into();
        }
        let mut out = self.stdout();
        write_value(&mut out, &told)?;
        writeln!(out)?;
        Ok(out.flush()?)
    }
}

/// Names what was attempted, for an error of the store.
pub(super) fn reading(what: impl Into<String>) -> impl FnOnce(StoreError) -> CliError {
    let attempt = what.into();
    move |source| CliError::Store { attempt, source }
}

/// The order with this number, or with a credit invoice of this number or id. A number that belongs to several orders names
/// none of them.
pub(super) async fn find<S: Store>(store: &S, number: &str) -> Result<OrderId, CliError> {
    let shown = plain(number);
    let found = store.find(number.to_owned()).await.map_err(reading(format!("looking for `{shown}`")))?;
    let Some(first) = found.first() else {
        return Err(CliError::Usage(format!(
            "no order or credit invoice `{shown}` is known; has a pass seen it, and is it paid with Klarna?"
        )));
    };
    if found.iter().all(|it| it.order == first.order) {
        return Ok(first.order);
    }
    let all: Vec<String> = found.iter().map(named).collect();
    Err(CliError::Usage(format!("`{shown}` is the number of {}; name one by its id", all.join(" and of "))))
}

/// Names it without a doubt.
fn named(it: &Named) -> String {
    let number = plain(it.number.as_str());
    match it.credit {
        Some(credit) => format!("credit invoice {credit} of order `{number}`"),
        None => format!("order {} (`{number}`)", it.order),
    }
}

/// The shop's currency, once a pass has asked.
pub(super) async fn currency<S: Store>(store: &S) -> Result<Option<Currency>, CliError> {
    let shop = store.shop().await.map_err(reading("reading the shop's record"))?;
    Ok(shop.map(|shop| shop.currency))
}
