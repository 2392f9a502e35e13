//! An app from the shop's app store: the redirect when a merchant grants or withdraws access, and the key that results.
//!
//! The sandbox opens no browser: it says where the browser would be sent.

use md5::{Digest as _, Md5};

use super::webhook::hex;
use crate::World;
use crate::accounts::ShopKey;
use crate::switches::AppSignsWith;
use crate::time;

/// An app as its maker registered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRegistration {
    pub key: String,
    pub secret: String,
    /// Where browsers are sent; without a query.
    pub address: String,
}

impl World {
    /// The merchant installs the app. From now on the shop takes the app's key together with the MD5 of token and app
    /// secret. Returns the address that the browser is sent to.
    pub fn install_app(&mut self, app: &AppRegistration) -> String {
        let token = self.ids.uuid().simple().to_string();
        let password = hash(&[&token, &app.secret]);
        let signs_with = match self.switches.lightspeed_app_signs_with {
            AppSignsWith::Secret => app.secret.clone(),
            AppSignsWith::Password => password.clone(),
        };
        if self.switches.lightspeed_app_reinstall_revokes {
            self.accounts.shop_keys.retain(|key| key.key != app.key);
        }
        let mut key = ShopKey::new(&app.key, &password);
        key.signs_with = signs_with;
        self.accounts.shop_keys.push(key);
        self.redirect(app, Some(&token))
    }

    /// The merchant removes the app: its keys open nothing any more. Returns the address that tells the app so, unless
    /// it is not told.
    pub fn uninstall_app(&mut self, app: &AppRegistration) -> Option<String> {
        self.accounts.shop_keys.retain(|key| key.key != app.key);
        self.switches.lightspeed_app_tells_removal.then(|| self.redirect(app, None))
    }

    fn redirect(&self, app: &AppRegistration, token: Option<&str>) -> String {
        let language = self.accounts.languages.first().map_or("nl", String::as_str);
        let (shop, now) = (self.accounts.shop_id.to_string(), time::seconds(self.now_ms).to_string());
        let mut signed = vec![("language", language), ("shop_id", &shop), ("timestamp", &now)];
        signed.extend(token.map(|token| ("token", token)));
        let text: String = signed.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let signature = hash(&[&text, &app.secret]);
        let query: Vec<String> = signed.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (address, cluster) = (&app.address, self.cluster_name());
        format!("{address}?cluster_id={cluster}&{}&signature={signature}", query.join("&"))
    }
}

fn hash(parts: &[&str]) -> String {
    let mut hasher = Md5::new();
    for part in parts {
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}
