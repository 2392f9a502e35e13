//! Takes redirects: verified, about now, for a shop that is configured, newer than the last, and then kept.
//!
//! One at a time, so that of two redirects the newer one stays. Nothing is kept before everything is known to be right.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::redirect::{Redirect, Refusal};
use super::{App, Kept, Place};
use reconciled_core::id::ShopName;

/// The shops that work through one app.
#[derive(Debug)]
pub struct Reception {
    app: Arc<App>,
    shops: Vec<InstallableShop>,
    turn: Mutex<()>,
}

/// One shop, and the cluster it lives on.
#[derive(Clone, Debug)]
pub struct InstallableShop {
    pub place: Place,
    /// `eu1` or `us1`.
    pub cluster: &'static str,
}

/// What a redirect that was taken changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Granted(ShopName),
    Removed(ShopName),
}

impl Reception {
    pub fn new(app: Arc<App>, shops: Vec<InstallableShop>) -> Self {
        Self { app, shops, turn: Mutex::new(()) }
    }

    /// Takes one redirect, `query` being what follows the question mark of its address. Blocks while the disk works.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn take(&self, query: &str, now: Timestamp) -> Result<Change, Refusal> {
        let redirect = Redirect::verified(query, &self.app.secret)?;
        redirect.is_fresh(now)?;
        let place = self.place(&redirect)?;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // What does not open is replaced: the merchant's new consent is what mends it.
        let newest = place.read(&self.app.seal).ok().flatten();
        if newest.is_some_and(|kept| redirect.at <= kept.at) {
            return Err(Refusal::Replayed(redirect.shop_id));
        }
        let shop = place.shop.clone();
        let change = if redirect.token.is_some() { Change::Granted(shop) } else { Change::Removed(shop) };
        let kept = Kept { at: redirect.at, token: redirect.token };
        place.keep(&self.app.seal, &kept).map_err(|why| Refusal::NotKept(why.to_string()))?;
        Ok(change)
    }

    fn place(&self, redirect: &Redirect) -> Result<&Place, Refusal> {
        let elsewhere = |shop: &InstallableShop| match redirect.cluster.as_deref() {
            Some("eu1" | "live") => shop.cluster != "eu1",
            Some("us1") => shop.cluster != "us1",
            Some(_) | None => false,
        };
        let mut found = self.shops.iter().filter(|shop| shop.place.shop_id == redirect.shop_id && !elsewhere(shop));
        match (found.next(), found.next()) {
            (Some(shop), None) => Ok(&shop.place),
            _ => Err(Refusal::OtherShop(redirect.shop_id.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
