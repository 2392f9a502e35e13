//! The configuration: one TOML file, checked as a whole, turned into typed values.
//!
//! The only module that reads files, the environment and credentials. It never prints a secret, never guesses a
//! value that was written wrongly, and never stops at the first mistake: all of them are reported at once, one line
//! each. A default never moves money.

mod app;
mod checkpoints;
pub mod draft;
pub mod environment;
pub mod hosts;
mod notify;
mod problem;
mod read;
mod schedule;
pub mod secrets;
mod server;
mod shop;
mod store_url;
mod values;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use app::AppConfig;
pub use checkpoints::Checkpoints;
pub use environment::Environment;
pub use notify::Notify;
pub use problem::{ConfigError, Problems};
pub use schedule::Schedule;
pub use secrets::{Secrets, ShopLogin};
pub use server::{PageConfig, Server};
pub use shop::{KlarnaConfig, LightspeedConfig, Match, ShopConfig};
pub use store_url::StoreUrl;
pub use values::duration;

use secrecy::{ExposeSecret as _, SecretString};

use read::Reader;
use reconciled_core::id::ShopName;

/// Where the configuration is looked for when no `--config` says so, in this order.
pub const PLACES: [&str; 2] = ["/etc/reconciled/config.toml", "reconciled.toml"];

/// A file larger than this is not a configuration.
const LARGEST_FILE: u64 = 1024 * 1024;

/// What a command needs of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub file: Option<PathBuf>,
    pub shop: Option<String>,
    /// The command talks to the two sides; without this no secret is read.
    pub secrets: bool,
}

/// The whole configuration, without any secret.
#[derive(Clone, Debug)]
pub struct Config {
    pub path: PathBuf,
    pub store: StoreUrl,
    pub schedule: Schedule,
    pub server: Server,
    pub page: PageConfig,
    /// Where Lightspeed reaches the service from outside; `None`: no hints, polling alone.
    pub webhooks: Option<String>,
    /// An app that shops may be worked for through; `None`: every shop has a key of its own.
    pub app: Option<AppConfig>,
    /// Who is told when a human is needed; `None`: nobody.
    pub notify: Option<Notify>,
    /// Where the journal's signed checkpoints go; `None`: there are none.
    pub checkpoints: Option<Checkpoints>,
    pub shops: BTreeMap<ShopName, ShopConfig>,
}

/// The configuration as one command uses it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Arc<Config>,
    /// The shop the command works on.
    pub shop: ShopConfig,
    /// Set when the request asked for them.
    pub secrets: Option<Secrets>,
    /// The token of `[notify] url`; read for a service only.
    pub notify_token: Option<SecretString>,
    /// The seed that signs checkpoints; read for a service only, a command asks for it by itself.
    pub checkpoint_key: Option<SecretString>,
    /// What opens the operations page; read for a service only. `None`: there is no page.
    pub page_token: Option<SecretString>,
    /// What is allowed and unwise; for stderr.
    pub warnings: Vec<String>,
}

/// Reads and checks the configuration, chooses the shop, and reads its secrets when the request wants them.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(request: &Request, environment: &Environment) -> Result<Loaded, ConfigError> {
    let path = find(request.file.as_deref())?;
    let text = read_text(&path)?;
    let (config, mut problems) = parse(&path, &text);
    let shop = choose(&path, &config.shops, request.shop.as_deref(), &mut problems);
    let mut warnings = Vec::new();
    let mut secrets = None;
    if let Some(shop) = shop.filter(|_| request.secrets) {
        let app = secrets::app(&config, [shop], environment, &mut problems, &mut warnings);
        secrets = secrets::read(shop, app.as_ref(), &config, environment, &mut problems, &mut warnings);
    }
    let shop = shop.cloned();
    match shop {
        Some(shop) if problems.is_empty() => {
            let config = Arc::new(config);
            let (notify_token, checkpoint_key, page_token) = (None, None, None);
            Ok(Loaded { config, shop, secrets, notify_token, checkpoint_key, page_token, warnings })
        }
        _ => Err(ConfigError::Problems(problems.into_sorted())),
    }
}

/// Reads and checks the configuration with every shop's secrets, for a service. With `only`, that shop alone.
///
/// # Errors
/// Everything that is wrong with any of the shops, at once.
pub fn load_all(
    file: Option<&Path>, only: Option<&str>, environment: &Environment,
) -> Result<Vec<Loaded>, ConfigError> {
    let path = find(file)?;
    let (config, mut problems) = parse(&path, &read_text(&path)?);
    let chosen: Vec<ShopConfig> = match only {
        Some(_) => choose(&path, &config.shops, only, &mut problems).into_iter().cloned().collect(),
        None => config.shops.values().cloned().collect(),
    };
    let config = Arc::new(config);
    let mut warnings = Vec::new();
    let notify = config.notify.as_ref();
    let notify_token =
        notify.and_then(|notify| secrets::notify_token(notify, &path, environment, &mut problems, &mut warnings));
    let checkpoint_key = secrets::checkpoint_key(&config, environment, &mut problems, &mut warnings);
    let page_token = secrets::page_token(&config.page, &path, environment, &mut problems, &mut warnings);
    if let Some(why) = server::unguarded(config.server, &config.page).filter(|_| page_token.is_some()) {
        problems.add_text(format!("{}: {why}", crate::report::text::plain(&path.display().to_string())));
    }
    let app = secrets::app(&config, &chosen, environment, &mut problems, &mut warnings);
    let mut all = Vec::with_capacity(chosen.len());
    for shop in chosen {
        let mut warnings = std::mem::take(&mut warnings);
        let secrets = secrets::read(&shop, app.as_ref(), &config, environment, &mut problems, &mut warnings);
        all.push(Loaded {
            config: config.clone(),
            shop,
            secrets,
            notify_token: notify_token.clone(),
            checkpoint_key: checkpoint_key.clone(),
            page_token: page_token.clone(),
            warnings,
        });
    }
    refuse_two_names(&all, &mut problems);
    if problems.is_empty() { Ok(all) } else { Err(ConfigError::Problems(problems.into_sorted())) }
}

/// Two shops with the same address and the same key are one shop, wherever their keys come from.
fn refuse_two_names(all: &[Loaded], problems: &mut Problems) {
    let mut known: BTreeMap<[String; 4], &ShopName> = BTreeMap::new();
    for loaded in all {
        let Some(ShopLogin::Key(key)) = loaded.secrets.as_ref().map(|secrets| &secrets.lightspeed) else { continue };
        let (lightspeed, klarna) = (&loaded.shop.lightspeed, &loaded.shop.klarna);
        let account = [klarna.environment.name().to_owned(), klarna.region.name().to_owned()];
        let [environment, region] = account;
        let place = [lightspeed.base_url.clone(), key.user.expose_secret().to_owned(), environment, region];
        if let Some(other) = known.insert(place, &loaded.shop.name) {
            let file = crate::report::text::plain(&loaded.config.path.display().to_string());
            problems.add_text(format!("{file}: {}", shop::two_names(&loaded.shop.name, other)));
        }
    }
}

/// The seed that signs checkpoints; `None` when the configuration asks for none.
///
/// # Errors
/// They are asked for, and there is no seed.
pub fn checkpoint_key(config: &Config, environment: &Environment) -> Result<Option<SecretString>, ConfigError> {
    let (mut problems, mut warnings) = (Problems::default(), Vec::new());
    let key = secrets::checkpoint_key(config, environment, &mut problems, &mut warnings);
    if problems.is_empty() { Ok(key) } else { Err(ConfigError::Problems(problems.into_sorted())) }
}

/// The same without any secret: enough for whatever talks to the stores only.
///
/// # Errors
/// Everything that is wrong with any of the shops, at once.
pub fn load_all_without_secrets(file: Option<&Path>, only: Option<&str>) -> Result<Vec<Loaded>, ConfigError> {
    let path = find(file)?;
    let (config, mut problems) = parse(&path, &read_text(&path)?);
    let chosen: Vec<ShopConfig> = match only {
        Some(_) => choose(&path, &config.shops, only, &mut problems).into_iter().cloned().collect(),
        None => config.shops.values().cloned().collect(),
    };
    if problems.is_empty() {
        Ok(without_secrets(config, chosen))
    } else {
        Err(ConfigError::Problems(problems.into_sorted()))
    }
}

fn without_secrets(config: Config, shops: Vec<ShopConfig>) -> Vec<Loaded> {
    let config = Arc::new(config);
    let loaded = |shop| Loaded {
        config: config.clone(),
        shop,
        secrets: None,
        notify_token: None,
        checkpoint_key: None,
        page_token: None,
        warnings: Vec::new(),
    };
    shops.into_iter().map(loaded).collect()
}

/// What stopping takes: the store, and the shops, those left out that have mistakes of their own.
pub struct ToStop {
    pub store: StoreUrl,
    pub shops: Vec<Loaded>,
    pub mistakes: Problems,
}

/// As much of a configuration as stopping takes: a mistake anywhere else is no reason to go on sending.
///
/// # Errors
/// When there is no configuration, or its mistakes hide where the store is.
pub fn to_stop(file: Option<&Path>, only: Option<&str>) -> Result<ToStop, ConfigError> {
    let path = find(file)?;
    let text = read_text(&path)?;
    let (config, mut mistakes) = parse(&path, &text);
    let shops = match only {
        Some(_) => choose(&path, &config.shops, only, &mut mistakes).into_iter().cloned().collect(),
        None => config.shops.values().cloned().collect(),
    };
    match shop::store_alone(&path, &text) {
        Some(store) => Ok(ToStop { store, shops: without_secrets(config, shops), mistakes: mistakes.into_sorted() }),
        None => Err(ConfigError::Problems(mistakes.into_sorted())),
    }
}

/// Checks a configuration's text; `path` names it in messages and anchors its relative paths.
pub fn parse(path: &Path, text: &str) -> (Config, Problems) {
    let mut reader = Reader::new(path, text);
    let config = shop::config(path, &mut reader);
    (config, reader.into_problems())
}

fn find(given: Option<&Path>) -> Result<PathBuf, ConfigError> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    let found = PLACES.iter().map(Path::new).find(|path| path.exists());
    found.map(Path::to_owned).ok_or(ConfigError::NoFile)
}

fn read_text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.display().to_string(), source };
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() || about.len() > LARGEST_FILE {
        return Err(unreadable(std::io::Error::new(
            ErrorKind::InvalidInput,
            "this is not a configuration file of at most one megabyte",
        )));
    }
    // Text that is not UTF-8 is refused by the standard library without quoting any of it.
    fs::read_to_string(path).map_err(unreadable)
}

/// The shop that was asked for, or the only one there is.
fn choose<'a>(
    path: &Path, shops: &'a BTreeMap<ShopName, ShopConfig>, wanted: Option<&str>, problems: &mut Problems,
) -> Option<&'a ShopConfig> {
    let names = || {
        let names: Vec<&str> = shops.keys().map(ShopName::as_str).collect();
        names.join(", ")
    };
    let file = path.display();
    match wanted {
        Some(name) => {
            let found = shops.get(&ShopName(name.to_owned()));
            // A shop with mistakes of its own is missing here, and its mistakes say more.
            if found.is_none() && problems.is_empty() {
                let name = crate::report::text::plain(name);
                problems.add_text(format!("{file}: no shop `{name}`; configured: {}", names()));
            }
            found
        }
        None if shops.len() > 1 => {
            problems.add_text(format!("{file}: several shops are configured; choose one with --shop: {}", names()));
            None
        }
        None => shops.values().next(),
    }
}
