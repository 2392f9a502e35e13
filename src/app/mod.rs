//! An agency's app at Lightspeed: how a merchant's consent arrives, and the token that it brings.
//!
//! A shop that works through an app has no API key of its own: Lightspeed redirects the merchant's browser to us with a
//! token, and token and app secret together make the password. Talks to neither side, decides nothing about money, and
//! never lets a token out in clear.

mod kept;
mod reception;
mod redirect;
mod seal;

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};

pub use kept::{Kept, NotKept, Place};
pub use reception::{Change, InstallableShop, Reception};
pub use redirect::{Redirect, Refusal};
pub use seal::{BadSealKey, SealKey};

use reconciled_sides::http::Credentials;

/// What Lightspeed gave the agency for its app, and what tokens are sealed with here.
#[derive(Clone, Debug)]
pub struct App {
    pub key: SecretString,
    pub secret: SecretString,
    pub seal: SealKey,
}

/// A shop that works through an app.
#[derive(Clone, Debug)]
pub struct Installed {
    pub app: Arc<App>,
    pub place: Place,
}

/// Why there is no token to work with.
#[derive(Debug, thiserror::Error)]
pub enum NotInstalled {
    #[error("the app was never installed in shop {0}; the merchant installs it in Lightspeed's app store")]
    Never(String),
    #[error("the app was removed from shop {shop_id} at {at:.0}; the merchant installs it again")]
    Removed { shop_id: String, at: Timestamp },
    #[error(transparent)]
    NotKept(#[from] NotKept),
}

impl Installed {
    /// What the shop's API is called with now. Read anew each time, because a merchant may install or remove the app at
    /// any time.
    ///
    /// # Errors
    /// The app is not installed, or the token cannot be read; with what to do.
    pub fn credentials(&self) -> Result<Credentials, NotInstalled> {
        let shop_id = || self.place.shop_id.clone();
        let kept = self.place.read(&self.app.seal)?.ok_or_else(|| NotInstalled::Never(shop_id()))?;
        let Some(token) = kept.token else {
            return Err(NotInstalled::Removed { shop_id: shop_id(), at: kept.at });
        };
        Ok(Credentials { user: self.app.key.clone(), password: password(&token, &self.app.secret) })
    }
}

/// Lightspeed's rule for apps: the lower-case hexadecimal MD5 of the token followed by the app's secret.
fn password(token: &SecretString, app_secret: &SecretString) -> SecretString {
    md5_hex(&[token.expose_secret(), app_secret.expose_secret()]).into()
}

fn md5_hex(parts: &[&str]) -> String {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |letter: u8| char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_token_gives_the_published_password() {
        let (token, secret) = ("0123456789abcdef0123456789abcdef", "secretsecretsecretsecretsecret12");
        let made = password(&token.into(), &secret.into());
        assert_eq!(made.expose_secret(), "fe3b7b1507f20cbeac420f5cb0afd7e5");
    }

    #[test]
    fn hexadecimal_goes_both_ways_or_not_at_all() {
        assert_eq!(unhex(&hex(&[0, 15, 255])), Some(vec![0, 15, 255]));
        for text in ["0", "0g", "é0", " 0"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }
}
