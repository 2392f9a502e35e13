//! What the service drives: every configured shop, with its secrets, its store and one set of connections.
//!
//! A store is opened for a pass and closed after it, so that a thousand shops at rest cost a thousand configurations
//! and nothing else. Nothing about an order outlives its pass.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::context::{Context, now, reading};
use super::error::{CliError, explain};
use super::sign::CheckpointSigning;
use super::watch::Watch;
use super::wire;
use crate::app::{self, Reception};
use crate::config::{self, Environment, Loaded, Server, ShopLogin};
use crate::daemon::agenda::Job;
use crate::daemon::board::Ended;
use crate::daemon::{ShopSchedule, Turn, Work};
use crate::pass::{self, Silent};
use crate::report::PassReport;
use crate::web::page::{PageAccess, ServedShop};
use crate::web::{HookEndpoint, Site};
use reconciled_core::id::ShopName;
use reconciled_sides::clock::{Clock as _, SystemClock};
use reconciled_sides::http::reqwest::ReqwestTransport;
use reconciled_store::NextDue;
use reconciled_store::{Standing, Store as _};

pub(super) type Shops = BTreeMap<ShopName, Loaded>;

/// The configuration as it is now; a reload replaces it whole.
pub(super) type SharedShops = Arc<RwLock<Arc<Shops>>>;

pub(super) fn shops(shared: &SharedShops) -> Arc<Shops> {
    shared.read().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(super) struct Service {
    file: Option<PathBuf>,
    only: Option<String>,
    environment: Environment,
    transport: ReqwestTransport,
    shops: SharedShops,
    site: Site,
    stop: pass::Stop,
    watch: Arc<Watch>,
    signing: CheckpointSigning,
    /// Where it listens; decided once, at its start.
    listen: Server,
}

impl Service {
    pub(super) fn new(context: &Context, site: Site) -> Result<Self, CliError> {
        let (file, only) = (context.global.config.clone(), context.global.shop.clone());
        let environment = context.environment().clone();
        let shops = load(file.as_deref(), only.as_deref(), &environment)?;
        let transport = wire::transport()?;
        let listen = shops.values().next().map_or(Server::Off, |loaded| loaded.config.server);
        let shops: SharedShops = Arc::new(RwLock::new(Arc::new(shops)));
        let watch = Watch::new(shops.clone(), transport.clone(), site.clone());
        Ok(Self {
            file,
            only,
            environment,
            transport,
            shops,
            site,
            stop: pass::Stop::default(),
            watch,
            signing: CheckpointSigning::default(),
            listen,
        })
    }

    pub(super) const fn listen(&self) -> Server {
        self.listen
    }

    /// Who tells people when they are needed.
    pub(super) fn watch(&self) -> Arc<Watch> {
        self.watch.clone()
    }

    fn shops(&self) -> Arc<Shops> {
        shops(&self.shops)
    }

    /// Signs every journal as this service leaves it.
    pub(super) async fn sign_off(&self) {
        self.signing.last_time(&self.shops()).await;
    }

    async fn run(&self, loaded: &Loaded, job: Job, next: NextDue) -> Result<(PassReport, Standing), CliError> {
        let store = wire::open(loaded)?;
        let options = pass::Options { full: job == Job::Full, stop: self.stop.clone(), ..pass::Options::default() };
        let report = wire::pass(loaded, &store, &self.transport, &options, &Silent).await?;
        // A pass that was asked to end has left work behind: it is still due, and the next start makes it up.
        if !self.stop.is_asked() {
            store.keep_next_due(next).await.map_err(reading("keeping when the next pass is due"))?;
        }
        let standing = store.standing().await.map_err(reading("reading how the shop stands"))?;
        self.watch.looked(loaded, &store, standing.stopped).await;
        if !self.stop.is_asked() {
            self.signing.after(loaded, &store, job).await;
        }
        Ok((report, standing))
    }

    /// Takes up the configuration as it is on disk now, once all of it can be worked with.
    async fn take_up(&self) -> Result<Vec<ShopSchedule>, String> {
        let shops = load(self.file.as_deref(), self.only.as_deref(), &self.environment);
        let shops = shops.map_err(|error| explain(&error))?;
        let (schedules, endpoints) = scheduled(&shops).await?;
        self.site.receive_with(reception(&shops));
        *self.shops.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shops);
        self.site.believe_hints_at(endpoints);
        self.site.open_page(access(&self.shops(), self.listen));
        Ok(schedules)
    }
}

impl Work for Service {
    async fn schedules(&self) -> Result<Vec<ShopSchedule>, String> {
        let shops = self.shops();
        let (schedules, endpoints) = scheduled(&shops).await?;
        self.site.receive_with(reception(&shops));
        self.site.believe_hints_at(endpoints);
        self.site.open_page(access(&self.shops(), self.listen));
        Ok(schedules)
    }

    async fn pass(&self, turn: Turn) -> Ended {
        let Turn { shop, job, next } = turn;
        let (started_at, boot) = (now(), SystemClock.boottime());
        let ran = match self.shops().get(&shop) {
            Some(loaded) => self.run(loaded, job, next).await,
            None => Err(CliError::Usage(format!("shop `{shop}` is no longer configured"))),
        };
        let mut ended = Ended::nothing(job, started_at);
        match ran {
            Ok((report, standing)) => {
                ended.tell(&report);
                ended.standing = Some(standing);
            }
            Err(error) => ended.trouble = Some(explain(&error)),
        }
        ended.took = SystemClock.boottime().saturating_sub(boot);
        say(&shop, &ended);
        ended
    }

    async fn reload(&self) -> Result<Vec<ShopSchedule>, String> {
        let taken_up = self.take_up().await;
        self.watch.reloaded(taken_up.is_err());
        taken_up
    }

    fn wind_down(&self) {
        self.stop.ask();
    }
}

/// Every shop's schedule and, where hints are asked for, its endpoint; nothing when one of the shops cannot be worked on.
async fn scheduled(shops: &Shops) -> Result<(Vec<ShopSchedule>, Vec<HookEndpoint>), String> {
    let mut schedules = Vec::new();
    let mut endpoints = Vec::new();
    for loaded in shops.values() {
        let store = wire::open(loaded).map_err(|error| explain(&error))?;
        let kept = store.next_due().await.map_err(|error| error.to_string())?;
        let (poll, full) = (loaded.config.schedule.poll.clone(), loaded.config.schedule.full.clone());
        for when in [&poll, &full] {
            when.next_after(now()).map_err(|error| error.to_string())?;
        }
        schedules.push(ShopSchedule { shop: loaded.shop.name.clone(), poll, full, kept });
        if let (Some(_), Some(secrets)) = (&loaded.config.webhooks, &loaded.secrets) {
            let known = store.shop().await.map_err(|error| error.to_string())?;
            endpoints.push(HookEndpoint {
                shop: loaded.shop.name.clone(),
                shop_id: known.map(|record| record.identity.shop_id),
                secret: secrets.lightspeed.signs_with().clone(),
            });
        }
    }
    Ok((schedules, endpoints))
}

/// What the operations page needs; nothing without a token, or without a place to listen.
fn access(shops: &Shops, listen: Server) -> Option<PageAccess> {
    let first = shops.values().next()?;
    let (token, Server::Listen(address)) = (first.page_token.as_ref()?, listen) else { return None };
    let served = |loaded: &Loaded| ServedShop {
        store: loaded.config.store.path().to_owned(),
        environment: loaded.shop.klarna.environment.name(),
        policy: loaded.shop.policy.clone(),
        language: loaded.shop.lightspeed.language.clone(),
    };
    let shops = shops.iter().map(|(name, loaded)| (name.clone(), served(loaded))).collect();
    Some(PageAccess::new(token, address.port(), first.config.page.hosts.clone(), shops))
}

/// Where an app's redirects are taken: for every shop that works through it.
fn reception(shops: &Shops) -> Option<Reception> {
    let mut known = None;
    let mut installable = Vec::new();
    for loaded in shops.values() {
        let Some(ShopLogin::App(installed)) = loaded.secrets.as_ref().map(|secrets| &secrets.lightspeed) else {
            continue;
        };
        known = Some(installed.app.clone());
        let cluster = loaded.shop.lightspeed.cluster.name();
        installable.push(app::InstallableShop { place: installed.place.clone(), cluster });
    }
    known.map(|app| Reception::new(app, installable))
}

fn load(file: Option<&Path>, only: Option<&str>, environment: &Environment) -> Result<Shops, CliError> {
    let all = config::load_all(file, only, environment)?;
    for warning in all.iter().flat_map(|loaded| &loaded.warnings) {
        tracing::warn!("{warning}");
    }
    Ok(all.into_iter().map(|loaded| (loaded.shop.name.clone(), loaded)).collect())
}

/// One line per pass: trouble is loud, a quiet pass is quiet.
fn say(shop: &ShopName, ended: &Ended) {
    let took = Duration::as_millis(&ended.took);
    match &ended.trouble {
        Some(why) => tracing::warn!(%shop, took_ms = took, "the pass did not check everything: {why}"),
        None if ended.outcomes.is_empty() => tracing::debug!(%shop, took_ms = took, "the pass found nothing to do"),
        None => tracing::info!(%shop, took_ms = took, effects = ?ended.outcomes, "the pass is done"),
    }
}
