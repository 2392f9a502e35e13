//! The Ed25519 key of checkpoints: one seed for all shops, one name per shop.
//!
//! The seed is a secret of 32 bytes in base64; it is never printed. What is told to others is the verifier's key, in the
//! form of signed notes: `name+id+key`. The id depends on the name, so a checkpoint of one shop is none of another.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::rand;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest, Sha256};

/// Ed25519's number among the signature types of signed notes.
const ED25519_TYPE: u8 = 1;

/// Why a key is none, without the key.
#[derive(Debug, thiserror::Error)]
pub enum BadKey {
    #[error("it is not a key of 32 bytes in base64; `reconciled audit key --new FILE` makes one")]
    Seed,
    #[error("it is not a verifier key of the form name+id+key, as `reconciled audit key` prints it")]
    Verifier,
    #[error("this machine gives no random bytes")]
    Random,
}

/// Signs in the name of one log.
pub struct Signer {
    pair: Ed25519KeyPair,
    verifier: Verifier,
}

/// Knows a log's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: [u8; 32],
}

/// A new seed, as a secret is stored.
///
/// # Errors
/// The machine gives no randomness.
pub fn make() -> Result<SecretString, BadKey> {
    let mut seed = [0_u8; 32];
    rand::fill(&mut seed).map_err(|_| BadKey::Random)?;
    Ok(SecretString::from(BASE64_STANDARD.encode(seed)))
}

impl Signer {
    /// # Errors
    /// `seed` is none.
    pub fn new(name: &str, seed: &SecretString) -> Result<Self, BadKey> {
        let seed = BASE64_STANDARD.decode(seed.expose_secret()).map_err(|_| BadKey::Seed)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| BadKey::Seed)?;
        let key = pair.public_key().as_ref().try_into().map_err(|_| BadKey::Seed)?;
        Ok(Self { pair, verifier: Verifier { name: name.to_owned(), key } })
    }

    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The signature over `text`, behind the key's id.
    pub(super) fn sign(&self, text: &str) -> Vec<u8> {
        let signature = self.pair.sign(text.as_bytes());
        [&self.verifier.id()[..], signature.as_ref()].concat()
    }
}

impl Verifier {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256 over the name and the key.
    pub fn id(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(self.name.as_bytes());
        hasher.update([b'\n', ED25519_TYPE]);
        hasher.update(self.key);
        let [a, b, c, d, ..] = <[u8; 32]>::from(hasher.finalize());
        [a, b, c, d]
    }

    /// The id as it is written: eight hexadecimal digits.
    pub fn id_text(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id()))
    }

    pub(super) fn accepts(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.key).verify(text.as_bytes(), signature).is_ok()
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64_STANDARD.encode([&[ED25519_TYPE][..], &self.key].concat());
        write!(f, "{}+{}+{key}", self.name, self.id_text())
    }
}

impl FromStr for Verifier {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadKey::Verifier);
        };
        let key = BASE64_STANDARD.decode(key).map_err(|_| BadKey::Verifier)?;
        let Some((&ED25519_TYPE, key)) = key.split_first() else { return Err(BadKey::Verifier) };
        let verifier = Self { name: name.to_owned(), key: key.try_into().map_err(|_| BadKey::Verifier)? };
        if verifier.id_text() == id && !name.is_empty() { Ok(verifier) } else { Err(BadKey::Verifier) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, the first test.
    #[test]
    fn a_known_seed_has_the_known_key_and_signature() {
        let hex = |text: &str| -> Vec<u8> {
            let digit = |at: usize| text.get(at..at.saturating_add(2)).and_then(|two| u8::from_str_radix(two, 16).ok());
            (0..text.len()).step_by(2).filter_map(digit).collect()
        };
        let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let signer = Signer::new("log", &SecretString::from(BASE64_STANDARD.encode(seed))).expect("a seed");
        let key = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assert_eq!(signer.verifier().key.to_vec(), key);
        let signature = hex(concat!(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b",
            "d25bf5f0595bbe24655141438e7a100b"
        ));
        assert_eq!(signer.sign("").get(4..), Some(&signature[..]));
        assert_eq!(signer.verifier().to_string().parse::<Verifier>().ok().as_ref(), Some(signer.verifier()));
        assert!(Signer::new("log", &SecretString::from("c2hvcnQ=")).is_err());
    }
}
