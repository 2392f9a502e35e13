//! Tokens at rest: AES-256-GCM with a random nonce, bound to the shop and the time they are for.
//!
//! The key is a secret like any other and never lies beside what it seals. A sealed text that was changed, moved to
//! another shop or given another time does not open.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::{hex, unhex};

/// What tokens are sealed with; never printed.
#[derive(Clone)]
pub struct SealKey(Arc<RandomizedNonceKey>);

/// Said without the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be 64 hexadecimal digits; make one with `openssl rand -hex 32`")]
pub struct BadSealKey;

impl SealKey {
    /// # Errors
    /// The text is not 32 bytes in hexadecimal.
    pub fn parse(text: &SecretString) -> Result<Self, BadSealKey> {
        let bytes = unhex(text.expose_secret()).ok_or(BadSealKey)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| BadSealKey)?;
        Ok(Self(Arc::new(key)))
    }

    /// Seals `text`; it opens again only together with the same `about`. `None` when the machine has no random numbers.
    pub(super) fn seal(&self, about: &str, text: &str) -> Option<String> {
        let mut sealed = text.as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(about), &mut sealed).ok()?;
        Some(hex(&[nonce.as_ref().as_slice(), &sealed].concat()))
    }

    /// `None` when it was sealed with another key or for something else, or was changed since.
    pub(super) fn open(&self, about: &str, sealed: &str) -> Option<SecretString> {
        let bytes = unhex(sealed)?;
        let (nonce, rest) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut rest = rest.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(about), &mut rest).ok()?;
        String::from_utf8(opened.to_vec()).ok().map(SecretString::from)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: &str) -> SealKey {
        SealKey::parse(&digit.repeat(64).into()).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_with_the_same_key_for_the_same_thing_only() {
        let sealed = key("a").seal("main 1001", "token").unwrap();
        assert_eq!(key("a").open("main 1001", &sealed).unwrap().expose_secret(), "token");
        assert!(key("b").open("main 1001", &sealed).is_none());
        assert!(key("a").open("main 1002", &sealed).is_none());
        assert!(!sealed.contains(&hex(b"token")));
        assert_ne!(key("a").seal("main 1001", "token").unwrap(), sealed, "every nonce is another");
    }

    #[test]
    fn a_changed_digit_anywhere_keeps_it_shut() {
        let sealed = key("a").seal("main", "token").unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            let digit = if changed.as_bytes()[index] == b'0' { "1" } else { "0" };
            changed.replace_range(index..=index, digit);
            assert!(key("a").open("main", &changed).is_none(), "digit {index}");
        }
        for short in ["", "00", &sealed[..24], &sealed[..sealed.len() - 2]] {
            assert!(key("a").open("main", short).is_none(), "{short}");
        }
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits_or_none() {
        for text in ["", "a", &"a".repeat(63), &"a".repeat(65), &"a".repeat(66), &"g".repeat(64), &"a".repeat(32)] {
            assert!(SealKey::parse(&text.to_owned().into()).is_err(), "{text}");
        }
        assert_eq!(format!("{:?}", key("a")), "SealKey");
    }
}
