//! `POST /hook/{token}`: Lightspeed says that something changed.
//!
//! Believed as far as a hint goes: the shop is looked at soon, by asking. What the message says is never used, so a
//! forged, replayed or reordered one can at most cost a pass. Refusals look alike from outside and are counted.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::Site;
use super::metrics::HintOutcome;
use reconciled_core::id::ShopName;

/// One shop's address for hints.
#[derive(Clone)]
pub struct HookEndpoint {
    pub shop: ShopName,
    /// Lightspeed's id of the shop, once a pass has learned it.
    pub shop_id: Option<String>,
    pub secret: SecretString,
}

impl HookEndpoint {
    /// The unguessable part of the address: a function of the shop's API secret, so that nothing more has to be kept
    /// and a new secret closes the old address.
    pub fn token(&self) -> String {
        let mut hash = Sha256::new();
        for part in ["reconciled webhook address", self.shop.as_str(), self.secret.expose_secret()] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().iter().take(20).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Lightspeed signs with the lower-case hexadecimal MD5 of the raw body followed by the API secret (community
    /// thread on webhook signatures; confirmed by a developer in 2021).
    fn is_signed(&self, body: &[u8], signature: &str) -> bool {
        let mut hash = Md5::new();
        hash.update(body);
        hash.update(self.secret.expose_secret().as_bytes());
        let expected: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        expected.as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

pub(super) async fn receive(
    State(site): State<Site>, Path(token): Path<String>, headers: HeaderMap, body: Bytes,
) -> StatusCode {
    match site.hear(&token, |name| headers.get(name).and_then(|value| value.to_str().ok()), &body) {
        HintOutcome::Woke => StatusCode::OK,
        HintOutcome::Dropped => StatusCode::SERVICE_UNAVAILABLE,
        HintOutcome::Refused => StatusCode::NOT_FOUND,
    }
}

impl Site {
    /// Judges and counts one message at the address of `token`, and wakes its shop if it is to be believed. `header`
    /// finds a header by its lower-case name.
    pub fn hear<'a>(&self, token: &str, header: impl Fn(&str) -> Option<&'a str>, body: &[u8]) -> HintOutcome {
        let outcome = self.judge(token, header, body);
        self.counters.count(outcome);
        outcome
    }

    fn judge<'a>(&self, token: &str, header: impl Fn(&str) -> Option<&'a str>, body: &[u8]) -> HintOutcome {
        let Some(endpoint) = self.endpoint(token) else { return HintOutcome::Refused };
        let signed = header("x-signature").is_some_and(|signature| endpoint.is_signed(body, signature));
        let other_shop = endpoint.shop_id.as_deref().is_some_and(|id| header("x-shop-id") != Some(id));
        if !signed || other_shop {
            HintOutcome::Refused
        } else if self.wake(&endpoint.shop) {
            HintOutcome::Woke
        } else {
            HintOutcome::Dropped
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_signature_is_accepted_and_nothing_else() {
        let endpoint =
            HookEndpoint { shop: ShopName("main".to_owned()), shop_id: None, secret: "mysecret".to_owned().into() };
        let body = br#"{"order":{"id":123}}"#;
        assert!(endpoint.is_signed(body, "b204b5467be8251155be8e3d750151d9"));
        for signature in ["", "B204B5467BE8251155BE8E3D750151D9", "b204b5467be8251155be8e3d750151d"] {
            assert!(!endpoint.is_signed(body, signature), "{signature}");
        }
        assert!(!endpoint.is_signed(br#"{"order":{"id":124}}"#, "b204b5467be8251155be8e3d750151d9"));
    }

    #[test]
    fn an_address_follows_the_shop_and_its_secret() {
        let endpoint = |shop: &str, secret: &str| {
            HookEndpoint { shop: ShopName(shop.to_owned()), shop_id: None, secret: secret.to_owned().into() }.token()
        };
        assert_eq!(endpoint("main", "mysecret").len(), 40);
        assert_ne!(endpoint("main", "mysecret"), endpoint("main", "othersecret"));
        assert_ne!(endpoint("main", "mysecret"), endpoint("second", "mysecret"));
    }
}
