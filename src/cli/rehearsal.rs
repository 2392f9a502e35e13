//! A simulated shop on this machine, and a configuration that points at it.
//!
//! What is written here are the sandbox's own made-up credentials; no real one ever passes through.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::context::now;
use reconciled_sandbox::World;
use reconciled_sandbox::server::{Running, ServeOptions, serve};

/// Everything somebody needs to call the sandbox.
#[derive(Debug, Serialize)]
pub(super) struct Addresses {
    lightspeed: Lightspeed,
    klarna: Klarna,
    control: String,
}

#[derive(Debug, Serialize)]
struct Lightspeed {
    base_url: String,
    language: String,
    api_key: String,
    api_secret: String,
}

#[derive(Debug, Serialize)]
struct Klarna {
    base_url: String,
    username: String,
    password: String,
}

/// Serves `world` until the result is dropped or shut down.
pub(super) async fn start(world: World, lightspeed: SocketAddr, klarna: SocketAddr) -> io::Result<Running> {
    serve(world, ServeOptions { lightspeed, klarna, ..ServeOptions::anywhere(now) }).await
}

impl Addresses {
    pub(super) fn of(running: &Running) -> Self {
        let accounts = running.world.with(|world| world.accounts().clone());
        let shop = accounts.shop_keys.first().map(|it| (it.key.clone(), it.secret.clone()));
        let merchant = accounts.merchant_keys.first();
        let merchant = merchant.map(|it| (it.username.clone(), it.password.clone()));
        let (api_key, api_secret) = shop.unwrap_or_default();
        let (username, password) = merchant.unwrap_or_default();
        let language = accounts.languages.first().cloned().unwrap_or_default();
        Self {
            lightspeed: Lightspeed { base_url: running.lightspeed_url(), language, api_key, api_secret },
            klarna: Klarna { base_url: running.klarna_url(), username, password },
            control: format!("{}/_control", running.lightspeed_url()),
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let (lightspeed, klarna) = (&self.lightspeed, &self.klarna);
        format!(
            "Lightspeed  {}  key {}  secret {}\nKlarna      {}  username {}  password {}\nControl     {}\n",
            lightspeed.base_url,
            lightspeed.api_key,
            lightspeed.api_secret,
            klarna.base_url,
            klarna.username,
            klarna.password,
            self.control,
        )
    }

    /// Writes a configuration and its four secrets into `directory`; says where the configuration is.
    pub(super) fn write_config(&self, directory: &Path, act: bool) -> io::Result<PathBuf> {
        std::fs::create_dir_all(directory)?;
        for (name, secret) in [
            ("main.lightspeed-key", &self.lightspeed.api_key),
            ("main.lightspeed-secret", &self.lightspeed.api_secret),
            ("main.klarna-username", &self.klarna.username),
            ("main.klarna-password", &self.klarna.password),
        ] {
            write(&directory.join(name), secret)?;
        }
        let config = directory.join("reconciled.toml");
        write(&config, &self.config(act))?;
        Ok(config)
    }

    fn config(&self, act: bool) -> String {
        format!(
            r#"# A rehearsal against the sandbox; everything in it is made up.

[store]
url = "sqlite:reconciled.db"

[shops.main.lightspeed]
cluster  = "eu1"
language = "{}"
api_key_file    = "main.lightspeed-key"
api_secret_file = "main.lightspeed-secret"
base_url = "{}"

[shops.main.klarna]
environment = "playground"
region      = "eu"
username_file = "main.klarna-username"
password_file = "main.klarna-password"
base_url = "{}"

[shops.main.policy]
act = {act}
"#,
            self.lightspeed.language, self.lightspeed.base_url, self.klarna.base_url,
        )
    }
}

/// Readable by its owner only.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
