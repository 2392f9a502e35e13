//! What an API key may do, and what the shop calls itself.
//!
//! Asked when a person sets the program up; nothing of it is kept, and no decision rests on it.

use jiff::Timestamp;

use super::convert::{self, envelope, needed, parse};
use super::error::failed;
use super::{Client, ShopInfo, dto};
use crate::clock::Clock;
use crate::http::json::{flag, members, quantity, text};
use crate::http::{SINGLE_ANSWER, Transport};
use reconciled_core::answer::Unreadable;

/// What the key may do in one area of the back office, such as `orders`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    pub area: String,
    pub read: bool,
    pub write: bool,
}

/// The shop as it presents itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub info: ShopInfo,
    /// The shop's own domain, else the one Lightspeed gave it.
    pub domain: Option<String>,
}

impl<T: Transport, C: Clock> Client<T, C> {
    /// The key's permissions per area, and the shop's clock. Every key may ask this, so it also shows whether the key is
    /// accepted at all.
    pub async fn permissions(&self) -> Result<(Vec<Permission>, Option<Timestamp>), Unreadable> {
        let answer = self.get("account/permissions", "", SINGLE_ANSWER).await?;
        let areas = members(envelope(&answer.body)?.get()).map_err(|_| failed("the permissions are not an object"))?;
        let mut permissions = Vec::with_capacity(areas.len());
        for (area, granted) in areas {
            let granted: dto::Permission<'_> = parse(granted, "a permission")?;
            let (read, write) = (flag(granted.read).unwrap_or(false), flag(granted.write).unwrap_or(false));
            permissions.push(Permission { area, read, write });
        }
        Ok((permissions, answer.date))
    }

    pub async fn profile(&self) -> Result<Profile, Unreadable> {
        let answer = self.get("shop", "", SINGLE_ANSWER).await?;
        let domains: dto::ShopDomains<'_> = parse(envelope(&answer.body)?, "the shop")?;
        let domain = text(domains.main_domain).or_else(|| text(domains.sub_domain));
        Ok(Profile { info: convert::shop(&answer.body)?, domain })
    }

    /// How many webhooks the shop may have, those of others included.
    pub async fn webhook_limit(&self) -> Result<u32, Unreadable> {
        let answer = self.get("shop/limits", "", SINGLE_ANSWER).await?;
        let limits: dto::ShopLimits<'_> = parse(envelope(&answer.body)?, "the shop's limits")?;
        needed(quantity(limits.max_webhooks), "maxWebhooks", "the shop's limits")
    }
}
