//! The secrets of a shop and of an app, the tokens of notifications and of the operations page, and the key of
//! checkpoints: from a file, from systemd's credentials, or from the environment, in this order.
//!
//! A secret is never printed, in no message and no debug output; what is wrong with one is said without it.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::Config;
use super::environment::Environment;
use super::hosts::KlarnaEnvironment;
use super::notify::Notify;
use super::problem::Problems;
use super::server::PageConfig;
use super::shop::ShopConfig;
use crate::app::{App, Installed, Place, SealKey};
use crate::report::text::plain;
use reconciled_sides::http::Credentials;
use reconciled_store::checkpoint::Signer;

/// The credentials of both sides.
#[derive(Clone, Debug)]
pub struct Secrets {
    pub lightspeed: ShopLogin,
    pub klarna: Credentials,
}

/// How a shop's API is called.
#[derive(Clone, Debug)]
pub enum ShopLogin {
    /// With a key that the merchant made.
    Key(Credentials),
    /// Through an app that the merchant installed, or will.
    App(Installed),
}

impl ShopLogin {
    /// What Lightspeed signs its webhooks to us with.
    pub fn signs_with(&self) -> &SecretString {
        match self {
            Self::Key(credentials) => &credentials.password,
            Self::App(installed) => &installed.app.secret,
        }
    }
}

/// No key, secret, user name or password is longer.
const LONGEST: u64 = 4096;

/// Lightspeed's keys and secrets have exactly this length in every shop seen so far.
const LIGHTSPEED_LENGTH: usize = 32;

/// 128 random bits in hexadecimal.
const SHORTEST_TOKEN: usize = 32;

/// One secret, and where it may come from.
struct Source<'a> {
    /// The key in the file that names the secret's file.
    key: String,
    file: Option<&'a Path>,
    /// `main.klarna-password`
    credential: String,
    /// `RECONCILED_MAIN_KLARNA_PASSWORD`
    variable: String,
}

/// A refusal, without the secret.
#[derive(Debug, thiserror::Error)]
enum BadSecret {
    #[error("no secret: set `{key}`, provide the systemd credential `{credential}`, or set {variable}")]
    Nowhere { key: String, credential: String, variable: String },
    #[error("the file `{path}` cannot be read: {why}")]
    Unreadable { path: String, why: String },
    #[error("the secret from {from} is empty")]
    Empty { from: String },
    #[error("the secret from {from} contains white space or control characters")]
    Blank { from: String },
    #[error("the user name from {from} contains a colon, which HTTP cannot carry")]
    Colon { from: String },
}

pub(super) fn read(
    shop: &ShopConfig, app: Option<&Arc<App>>, config: &Config, environment: &Environment, problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Secrets> {
    let (name, path) = (shop.name.as_str(), &config.path);
    let mut get = |section: &str, key: &str, short: &str, file: Option<&Path>, is_user: bool| {
        let source = Source {
            key: format!("shops.{name}.{section}.{key}"),
            file,
            credential: format!("{name}.{short}"),
            variable: variable(name, short),
        };
        source.get(path, environment, is_user, problems, warnings)
    };
    let (lightspeed, klarna) = (&shop.lightspeed, &shop.klarna);
    let user = get("klarna", "username_file", "klarna-username", klarna.username_file.as_deref(), true);
    let password = get("klarna", "password_file", "klarna-password", klarna.password_file.as_deref(), false);
    let lightspeed = if let Some(shop_id) = &lightspeed.app_shop_id {
        installed(shop, shop_id, app, config, problems)
    } else {
        let key = get("lightspeed", "api_key_file", "lightspeed-key", lightspeed.key_file.as_deref(), true);
        let secret =
            get("lightspeed", "api_secret_file", "lightspeed-secret", lightspeed.secret_file.as_deref(), false);
        let what = format!("of shop `{name}`");
        unusual(&what, [("key", key.as_ref()), ("secret", secret.as_ref())], warnings);
        key.zip(secret).map(|(user, password)| ShopLogin::Key(Credentials { user, password }))
    };
    let password = password.filter(|it| agrees(it, shop, path, problems));
    Some(Secrets { lightspeed: lightspeed?, klarna: Credentials { user: user?, password: password? } })
}

/// The login of a shop that works through the app, whether or not it is installed there yet.
fn installed(
    shop: &ShopConfig, shop_id: &str, app: Option<&Arc<App>>, config: &Config, problems: &mut Problems,
) -> Option<ShopLogin> {
    let Some(section) = &config.app else {
        let file = plain(&config.path.display().to_string());
        let name = &shop.name;
        problems.add_text(format!("{file}: shops.{name}.lightspeed.app_shop_id needs a section [app]"));
        return None;
    };
    let file = section.tokens.join(format!("{}.token", shop.name));
    let place = Place { file, shop: shop.name.clone(), shop_id: shop_id.to_owned() };
    Some(ShopLogin::App(Installed { app: app?.clone(), place }))
}

/// The app's secrets, when one of `shops` works through it.
pub(super) fn app<'a>(
    config: &Config, shops: impl IntoIterator<Item = &'a ShopConfig>, environment: &Environment,
    problems: &mut Problems, warnings: &mut Vec<String>,
) -> Option<Arc<App>> {
    let section = config.app.as_ref()?;
    shops.into_iter().find(|shop| shop.lightspeed.app_shop_id.is_some())?;
    let mut get = |key: &str, short: &str, file: Option<&Path>, is_user: bool| {
        let source = Source {
            key: format!("app.{key}"),
            file,
            credential: format!("app.{short}"),
            variable: variable("app", short),
        };
        source.get(&config.path, environment, is_user, problems, warnings)
    };
    let key = get("key_file", "key", section.key_file.as_deref(), true);
    let secret = get("secret_file", "secret", section.secret_file.as_deref(), false);
    let seal = get("seal_key_file", "seal-key", section.seal_key_file.as_deref(), false);
    unusual("of the app", [("key", key.as_ref()), ("secret", secret.as_ref())], warnings);
    let seal = seal.and_then(|text| {
        let file = plain(&config.path.display().to_string());
        let why = |why| problems.add_text(format!("{file}: app.seal_key_file: {why}"));
        SealKey::parse(&text).map_err(why).ok()
    });
    Some(Arc::new(App { key: key?, secret: secret?, seal: seal? }))
}

fn unusual<const N: usize>(whose: &str, secrets: [(&str, Option<&SecretString>); N], warnings: &mut Vec<String>) {
    for (what, value) in secrets {
        if value.is_some_and(|it| it.expose_secret().len() != LIGHTSPEED_LENGTH) {
            warnings
                .push(format!("the Lightspeed {what} {whose} does not have the usual {LIGHTSPEED_LENGTH} characters"));
        }
    }
}

/// The token that goes with every notification; none is fine, one that cannot be read is not.
pub(super) fn notify_token(
    notify: &Notify, config: &Path, environment: &Environment, problems: &mut Problems, warnings: &mut Vec<String>,
) -> Option<SecretString> {
    notify.url.as_ref()?;
    let source = Source {
        key: "notify.token_file".to_owned(),
        file: notify.token_file.as_deref(),
        credential: "notify.token".to_owned(),
        variable: "RECONCILED_NOTIFY_TOKEN".to_owned(),
    };
    match source.read(environment, false, warnings) {
        Ok(token) => Some(token),
        Err(BadSecret::Nowhere { .. }) => None,
        Err(why) => {
            problems.add_text(format!("{}: {}: {why}", plain(&config.display().to_string()), source.key));
            None
        }
    }
}

/// The seed that signs checkpoints, where the configuration asks for them: then there must be one.
pub(super) fn checkpoint_key(
    config: &Config, environment: &Environment, problems: &mut Problems, warnings: &mut Vec<String>,
) -> Option<SecretString> {
    let checkpoints = config.checkpoints.as_ref()?;
    let source = Source {
        key: "checkpoints.key_file".to_owned(),
        file: checkpoints.key_file.as_deref(),
        credential: "checkpoint.key".to_owned(),
        variable: "RECONCILED_CHECKPOINT_KEY".to_owned(),
    };
    let read = source.read(environment, false, warnings).map_err(|why| why.to_string());
    let read = read.and_then(|seed| Signer::new("", &seed).map(|_| seed).map_err(|why| why.to_string()));
    read.map_err(|why| {
        problems.add_text(format!("{}: {}: {why}", plain(&config.path.display().to_string()), source.key));
    })
    .ok()
}

/// What opens the operations page; none is fine and leaves the page off, a weak one is not.
pub(super) fn page_token(
    page: &PageConfig, config: &Path, environment: &Environment, problems: &mut Problems, warnings: &mut Vec<String>,
) -> Option<SecretString> {
    let source = Source {
        key: "server.token_file".to_owned(),
        file: page.token_file.as_deref(),
        credential: "server.token".to_owned(),
        variable: "RECONCILED_SERVER_TOKEN".to_owned(),
    };
    let why = match source.read(environment, false, warnings) {
        Ok(token) if token.expose_secret().len() >= SHORTEST_TOKEN => return Some(token),
        Ok(_) => format!(
            "the token has fewer than {SHORTEST_TOKEN} characters and could be guessed; make one with `openssl rand -hex 32`"
        ),
        Err(BadSecret::Nowhere { .. }) => return None,
        Err(why) => why.to_string(),
    };
    problems.add_text(format!("{}: {}: {why}", plain(&config.display().to_string()), source.key));
    None
}

impl Secrets {
    /// The environment that Klarna's password says it is for, if it says one.
    pub fn marked(&self) -> Option<KlarnaEnvironment> {
        marked(&self.klarna.password)
    }
}

/// Klarna marks its newer passwords with the environment they are for.
fn marked(password: &SecretString) -> Option<KlarnaEnvironment> {
    let all = [KlarnaEnvironment::Playground, KlarnaEnvironment::Production];
    all.into_iter().find(|it| password.expose_secret().starts_with(it.password_prefix()))
}

/// A password must not be one of the other environment.
fn agrees(password: &SecretString, shop: &ShopConfig, config: &Path, problems: &mut Problems) -> bool {
    let wrong = marked(password).filter(|marked| *marked != shop.klarna.environment);
    if let Some(marked) = wrong {
        problems.add_text(format!(
            "{}: shops.{}.klarna.environment = \"{}\", but the password is one of the {} environment (it begins with `{}`); set environment = \"{}\" or use a password of {}",
            plain(&config.display().to_string()),
            shop.name,
            shop.klarna.environment.name(),
            marked.name(),
            marked.password_prefix(),
            marked.name(),
            shop.klarna.environment.name(),
        ));
    }
    wrong.is_none()
}

/// `RECONCILED_MAIN_KLARNA_PASSWORD`
fn variable(shop: &str, short: &str) -> String {
    let upper = |text: &str| -> String {
        let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        text.chars().map(word).collect()
    };
    format!("RECONCILED_{}_{}", upper(shop), upper(short))
}

/// A secret that somebody gave in a file, as this program would read it from its own.
///
/// # Errors
/// What is wrong with it, without it.
pub fn from_file(path: &Path, is_user: bool) -> Result<SecretString, String> {
    let read = || checked(&read_file(path, None)?, &quoted(path), is_user);
    read().map_err(|why| why.to_string())
}

/// A secret that somebody typed; `what` names it.
///
/// # Errors
/// What is wrong with it, without it.
pub fn from_text(text: &str, what: &str, is_user: bool) -> Result<SecretString, String> {
    checked(text, what, is_user).map_err(|why| why.to_string())
}

impl BadSecret {
    /// A file that is named wins over a credential that is there; say how to have it the other way.
    fn beside(self, credential: &str) -> Self {
        match self {
            Self::Unreadable { path, why } => Self::Unreadable {
                path,
                why: format!("{why} (the systemd credential `{credential}` is there: leave the key out to use it)"),
            },
            other @ (Self::Nowhere { .. } | Self::Empty { .. } | Self::Blank { .. } | Self::Colon { .. }) => other,
        }
    }
}

impl Source<'_> {
    /// The secret; what is wrong with it is remembered.
    fn get(
        &self, config: &Path, environment: &Environment, is_user: bool, problems: &mut Problems,
        warnings: &mut Vec<String>,
    ) -> Option<SecretString> {
        let why = match self.read(environment, is_user, warnings) {
            Ok(secret) => return Some(secret),
            Err(why) => why,
        };
        problems.add_text(format!("{}: {}: {why}", plain(&config.display().to_string()), self.key));
        None
    }

    fn read(
        &self, environment: &Environment, is_user: bool, warnings: &mut Vec<String>,
    ) -> Result<SecretString, BadSecret> {
        let credential = environment
            .credentials_directory()
            .map(|directory| directory.join(&self.credential))
            .filter(|path| path.exists());
        if let Some(path) = self.file {
            let text = read_file(path, Some(warnings)).map_err(|why| match credential {
                Some(_) => why.beside(&self.credential),
                None => why,
            })?;
            return checked(&text, &quoted(path), is_user);
        }
        if let Some(path) = credential {
            return checked(&read_file(&path, None)?, &quoted(&path), is_user);
        }
        if let Some(value) = environment.get(&self.variable) {
            return checked(value, &self.variable, is_user);
        }
        Err(BadSecret::Nowhere {
            key: self.key.clone(),
            credential: self.credential.clone(),
            variable: self.variable.clone(),
        })
    }
}

fn quoted(path: &Path) -> String {
    format!("`{}`", plain(&path.display().to_string()))
}

fn read_file(path: &Path, warnings: Option<&mut Vec<String>>) -> Result<String, BadSecret> {
    let unreadable =
        |why: &io::Error| BadSecret::Unreadable { path: plain(&path.display().to_string()), why: why.to_string() };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|why| unreadable(&why))?;
    let about = file.metadata().map_err(|why| unreadable(&why))?;
    file.take(LONGEST).read_to_string(&mut text).map_err(|why| unreadable(&why))?;
    if let Some(warnings) = warnings.filter(|_| about.is_file() && about.mode() & 0o027 != 0) {
        warnings.push(format!(
            "the secret in {} can be read or changed by others on this machine: chmod 600",
            quoted(path)
        ));
    }
    Ok(text)
}

/// One newline at the end is the editor's; anything else that is blank was copied by mistake.
fn checked(text: &str, from: &str, is_user: bool) -> Result<SecretString, BadSecret> {
    let from = from.to_owned();
    let secret = text.strip_suffix('\n').unwrap_or(text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        Err(BadSecret::Empty { from })
    } else if secret.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Err(BadSecret::Blank { from })
    } else if is_user && secret.contains(':') {
        Err(BadSecret::Colon { from })
    } else {
        Ok(SecretString::from(secret))
    }
}
