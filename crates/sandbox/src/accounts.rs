//! Who may call: the shop's API keys with their permissions, and the merchant's credentials.
//!
//! The defaults are printed by the sandbox command; they are made up and open nothing real.

use super::wire::base64;

/// A permission area of a shop key, in the order the service prints them.
pub(crate) const AREAS: [&str; 6] = ["content", "products", "customers", "orders", "settings", "tracking"];

/// Read and write per area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    granted: [(bool, bool); 6],
}

impl Permissions {
    pub const fn all() -> Self {
        Self { granted: [(true, true); 6] }
    }

    /// Sets one area; `false` when there is no such area.
    pub fn set(&mut self, area: &str, read: bool, write: bool) -> bool {
        let found = AREAS.iter().zip(&mut self.granted).find(|(name, _)| **name == area);
        found.is_some_and(|(_, granted)| {
            *granted = (read, write);
            true
        })
    }

    pub fn get(&self, area: &str) -> (bool, bool) {
        let found = AREAS.iter().zip(&self.granted).find(|(name, _)| **name == area);
        found.map_or((false, false), |(_, granted)| *granted)
    }
}

/// An API key of the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopKey {
    pub key: String,
    pub secret: String,
    pub permissions: Permissions,
    /// What webhooks to its owner are signed with.
    pub signs_with: String,
    header: String,
}

impl ShopKey {
    pub fn new(key: &str, secret: &str) -> Self {
        Self {
            key: key.to_owned(),
            secret: secret.to_owned(),
            permissions: Permissions::all(),
            signs_with: secret.to_owned(),
            header: basic(key, secret),
        }
    }
}

/// A credential of the Klarna merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantKey {
    pub username: String,
    pub password: String,
    headers: [String; 3],
}

impl MerchantKey {
    pub fn new(username: &str, password: &str) -> Self {
        let headers = [basic(username, password), format!("Basic {username}:{password}"), format!("Basic {password}")];
        Self { username: username.to_owned(), password: password.to_owned(), headers }
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

/// Everything the two services know of their callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    pub shop_id: u64,
    pub languages: Vec<String>,
    pub currency: String,
    pub shop_keys: Vec<ShopKey>,
    pub merchant_keys: Vec<MerchantKey>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            shop_id: 356_891,
            languages: vec!["nl".to_owned(), "en".to_owned()],
            currency: "EUR".to_owned(),
            shop_keys: vec![ShopKey::new("5a6e64626f78206b6579203030303031", "5a6e64626f7820736563726574303173")],
            merchant_keys: vec![MerchantKey::new(
                "8f3c1d52-6a0e-4b7f-9c25-0d5e7a9b1c34",
                "klarna_test_api_U2FuZGJveE9ubHlOb3RSZWFs",
            )],
        }
    }
}

impl Accounts {
    /// Index of the key an `Authorization` header belongs to.
    pub(crate) fn shop_key(&self, authorization: Option<&str>) -> Option<usize> {
        let header = authorization?;
        self.shop_keys.iter().position(|key| key.header == header)
    }

    pub(crate) fn knows_merchant(&self, authorization: Option<&str>) -> bool {
        let Some(header) = authorization else { return false };
        self.merchant_keys.iter().any(|key| key.headers.iter().any(|known| known == header))
    }

    /// The header a client of the first shop key sends; for tests and rehearsal.
    pub fn shop_authorization(&self) -> String {
        self.shop_keys.first().map(|key| key.header.clone()).unwrap_or_default()
    }

    /// The header a client of the first merchant credential sends.
    pub fn merchant_authorization(&self) -> String {
        let key = self.merchant_keys.first();
        key.and_then(|key| key.headers.first().cloned()).unwrap_or_default()
    }
}
