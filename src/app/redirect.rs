//! The redirect by which Lightspeed says that a merchant granted or withdrew access, taken apart and verified.
//!
//! Pure: a query and the app's secret go in. Whoever opens such an address can only be believed as far as its signature
//! goes, and the signature covers the language, the shop, the time and the token; nothing else is used, save the
//! cluster, which can only make the answer a refusal.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::md5_hex;

/// How far the time in a redirect may lie from ours, either way: a browser follows it within seconds, and clocks differ.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// A longer query is none of Lightspeed's.
const LONGEST: usize = 1024;

/// What Lightspeed said.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// Lightspeed's number of the shop, without leading zeros.
    pub shop_id: String,
    /// When Lightspeed made the redirect.
    pub at: Timestamp,
    /// The token that access is granted with; `None` when the app was removed.
    pub token: Option<SecretString>,
    /// Not covered by the signature.
    pub cluster: Option<String>,
}

/// Why a redirect changes nothing. Told to the log, never to whoever opened the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("`{0}` is missing, doubled or not what Lightspeed writes there")]
    Malformed(&'static str),
    #[error("the signature is not one of the app's secret")]
    Forged,
    #[error("it was made {0} seconds away from now; is this machine's clock right?")]
    Stale(i64),
    #[error("shop {0} is not configured to work through the app (app_shop_id), or on another cluster")]
    OtherShop(String),
    #[error("a redirect for shop {0} that is as new or newer was taken before")]
    Replayed(String),
    #[error("the token could not be kept: {0}")]
    NotKept(String),
}

impl Redirect {
    /// Reads `query`, as it stands in the address, and verifies its signature.
    ///
    /// # Errors
    /// Every part that is signed must be there once and be written as Lightspeed writes it: the signed text joins them
    /// without a separator, so that a looser reading would let a part of one pass for another.
    pub fn verified(query: &str, app_secret: &SecretString) -> Result<Self, Refusal> {
        let part = |name: &'static str| part(query, name);
        let language = part("language")?.filter(|it| is_language(it)).ok_or(Refusal::Malformed("language"))?;
        let shop_id = part("shop_id")?.filter(|it| is_number(it)).ok_or(Refusal::Malformed("shop_id"))?;
        let timestamp = part("timestamp")?.filter(|it| is_number(it)).ok_or(Refusal::Malformed("timestamp"))?;
        let token = part("token")?;
        if token.is_some_and(|it| !is_token(it)) {
            return Err(Refusal::Malformed("token"));
        }
        let signature = part("signature")?.ok_or(Refusal::Malformed("signature"))?;
        let secret = app_secret.expose_secret();
        let mut signed = vec!["language=", language, "shop_id=", shop_id, "timestamp=", timestamp];
        signed.extend(token.iter().flat_map(|token| ["token=", token]));
        signed.push(secret);
        if !bool::from(md5_hex(&signed).as_bytes().ct_eq(signature.as_bytes())) {
            return Err(Refusal::Forged);
        }
        let seconds = timestamp.parse().map_err(|_| Refusal::Malformed("timestamp"))?;
        Ok(Self {
            shop_id: without_zeros(shop_id).to_owned(),
            at: Timestamp::from_second(seconds).map_err(|_| Refusal::Malformed("timestamp"))?,
            token: token.map(|token| token.to_owned().into()),
            cluster: part("cluster_id")?.map(str::to_owned),
        })
    }

    /// # Errors
    /// [`Refusal::Stale`] when it was not made about now.
    pub fn is_fresh(&self, now: Timestamp) -> Result<(), Refusal> {
        let away = now.duration_since(self.at);
        if away.abs() <= WINDOW { Ok(()) } else { Err(Refusal::Stale(away.as_secs())) }
    }
}

/// One parameter. None of them needs an escape, so one that has any is refused by what it may consist of.
fn part<'q>(query: &'q str, name: &'static str) -> Result<Option<&'q str>, Refusal> {
    if query.len() > LONGEST {
        return Err(Refusal::Malformed("query"));
    }
    let mut found = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
    let value = found.next().map(|(_, value)| value);
    if found.next().is_some() { Err(Refusal::Malformed(name)) } else { Ok(value) }
}

fn is_language(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_number(text: &str) -> bool {
    (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_token(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The documentation's sample shop is `000001`, live ones are plain numbers.
pub(super) fn without_zeros(text: &str) -> &str {
    let bare = text.trim_start_matches('0');
    if bare.is_empty() { "0" } else { bare }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "secretsecretsecretsecretsecret12";
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    const SIGNATURE: &str = "8d4b8d1af8b326d9acaabad02c27f831";

    fn read(query: &str) -> Result<Redirect, Refusal> {
        Redirect::verified(query, &SECRET.into())
    }

    fn query(token: Option<&str>, signature: &str) -> String {
        let token = token.map(|token| format!("&token={token}")).unwrap_or_default();
        format!("cluster_id=eu1&language=nl&shop_id=1001&timestamp=1700000000&signature={signature}{token}")
    }

    #[test]
    fn the_published_redirect_is_understood() {
        let found = read(&query(Some(TOKEN), SIGNATURE)).unwrap();
        assert_eq!((found.shop_id.as_str(), found.at.as_second()), ("1001", 1_700_000_000));
        assert_eq!(found.token.unwrap().expose_secret(), TOKEN);
        assert_eq!(found.cluster.as_deref(), Some("eu1"));
    }

    #[test]
    fn without_a_token_it_is_a_removal_signed_without_one() {
        let signature = md5_hex(&["language=nlshop_id=1001timestamp=1700000000", SECRET]);
        assert!(read(&query(None, &signature)).unwrap().token.is_none());
        assert_eq!(read(&query(None, SIGNATURE)).unwrap_err(), Refusal::Forged);
        assert_eq!(read(&query(Some(TOKEN), &signature)).unwrap_err(), Refusal::Forged);
    }

    #[test]
    fn every_signed_part_is_bound() {
        let right = query(Some(TOKEN), SIGNATURE);
        for (from, to) in [("nl", "en"), ("1001", "1002"), ("1700000000", "1700000001"), ("token=0", "token=1")] {
            assert_eq!(read(&right.replacen(from, to, 1)).unwrap_err(), Refusal::Forged, "{to}");
        }
        for signature in ["", "8D4B8D1AF8B326D9ACAABAD02C27F831", "8d4b8d1af8b326d9acaabad02c27f83"] {
            assert_eq!(read(&query(Some(TOKEN), signature)).unwrap_err(), Refusal::Forged, "{signature}");
        }
        assert_eq!(Redirect::verified(&right, &"othersecret".into()).unwrap_err(), Refusal::Forged);
    }

    /// The signed text has no separators: what follows would all sign the same, were it read.
    #[test]
    fn a_part_cannot_pass_for_another() {
        let moved = [
            format!("language=nl&shop_id=1001&timestamp=1700000000token={TOKEN}&signature={SIGNATURE}"),
            format!("language=nl&shop_id=1001timestamp=1700000000&timestamp=&token={TOKEN}&signature={SIGNATURE}"),
            format!("language=nlshop_id=1001&shop_id=&timestamp=1700000000&token={TOKEN}&signature={SIGNATURE}"),
            format!("{}&shop_id=1002", query(Some(TOKEN), SIGNATURE)),
            format!("{}&token=", query(Some(TOKEN), SIGNATURE)),
            query(Some("short"), SIGNATURE),
            query(Some("0123456789abcdef%30123456789abcdef"), SIGNATURE),
            String::new(),
        ];
        for query in moved {
            assert!(matches!(read(&query), Err(Refusal::Malformed(_))), "{query}");
        }
    }

    #[test]
    fn only_what_was_made_about_now_is_fresh() {
        let found = read(&query(Some(TOKEN), SIGNATURE)).unwrap();
        let at = |seconds: i64| Timestamp::from_second(1_700_000_000_i64.saturating_add(seconds)).unwrap();
        for (seconds, expected) in [(0, true), (300, true), (301, false), (-300, true), (-301, false)] {
            assert_eq!(found.is_fresh(at(seconds)).is_ok(), expected, "{seconds}");
        }
    }
}
