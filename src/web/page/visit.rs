//! One request of somebody who is logged in: who it is, which shop it is about, and that shop's store.
//!
//! Nothing of a request outlives it but the session, and for some seconds the open store.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use jiff::Timestamp;

use super::offers::Case;
use super::refusal::Refusal;
use super::session::{Digest, Flash};
use super::{PageAccess, PageContext, ServedShop};
use reconciled_core::id::ShopName;
use reconciled_core::money::Currency;
use reconciled_sides::clock::{Clock as _, SystemClock};
use reconciled_store::pages::ProposalRow;
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Break, Dossier, Store as _};

pub(super) const COOKIE: &str = "reconciled_session";

/// Random bits of a session's key and of a form's token.
const RANDOM_BYTES: usize = 32;

/// Somebody who is logged in.
pub(super) struct Visitor {
    pub(super) operator: String,
    key: Digest,
}

/// The same, in one shop.
pub(super) struct Visit {
    pub(super) visitor: Visitor,
    pub(super) shop: ShopName,
    pub(super) served: ServedShop,
    pub(super) store: SqliteStore,
    /// The shop's, once a pass has asked.
    pub(super) currency: Option<Currency>,
    pub(super) now: Timestamp,
}

impl Visitor {
    /// A token for the forms of one page.
    pub(super) fn form(&self, context: &PageContext) -> Result<String, Refusal> {
        let form = random()?;
        context.sessions().issue(self.key, Digest::of(&form));
        Ok(form)
    }

    /// True once for every form.
    pub(super) fn redeem(&self, context: &PageContext, form: &str) -> bool {
        context.sessions().redeem(self.key, Digest::of(form))
    }

    pub(super) fn tell(&self, context: &PageContext, flash: Flash) {
        context.sessions().tell(self.key, flash);
    }

    pub(super) fn take_flash(&self, context: &PageContext) -> Option<Flash> {
        context.sessions().take_flash(self.key)
    }

    pub(super) fn leave(&self, context: &PageContext) {
        context.sessions().end(self.key);
    }
}

/// Text that nobody guesses.
pub(super) fn random() -> Result<String, Refusal> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(Refusal::NoRandomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The session's key, from the cookie. Of several the browser's first counts: it names ours by its path.
fn key(headers: &HeaderMap) -> Option<Digest> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(name, _)| *name == COOKIE).map(|(_, value)| Digest::of(value))
}

impl FromRequestParts<PageContext> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, context: &PageContext) -> Result<Self, Refusal> {
        let known = key(&parts.headers).and_then(|key| {
            let operator = context.sessions().operator(key, SystemClock.boottime())?;
            Some(Self { operator, key })
        });
        let asks_only = parts.method == Method::GET || parts.method == Method::HEAD;
        known.ok_or(if asks_only { Refusal::LogIn } else { Refusal::NoSession })
    }
}

impl FromRequestParts<PageContext> for Visit {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, context: &PageContext) -> Result<Self, Refusal> {
        let visitor = Visitor::from_request_parts(parts, context).await?;
        let params = RawPathParams::from_request_parts(parts, context).await.map_err(|_| Refusal::NotFound("page"))?;
        let named = params.iter().find(|(name, _)| *name == "shop");
        let shop = named.map(|(_, value)| ShopName(value.to_owned())).ok_or(Refusal::NotFound("page"))?;
        let access = context.access().ok_or(Refusal::Off)?;
        Self::enter(context, &access, visitor, shop).await
    }
}

impl Visit {
    /// What is held about an order, for what may be decided about it.
    pub(super) fn case<'a>(&self, dossier: &'a Dossier, breaks: &'a [Break], proposals: &'a [ProposalRow]) -> Case<'a> {
        let two_person_above = self.served.policy.two_person_above;
        Case { dossier, breaks, proposals, two_person_above, currency: self.currency, now: self.now }
    }

    async fn enter(
        context: &PageContext, access: &PageAccess, visitor: Visitor, shop: ShopName,
    ) -> Result<Self, Refusal> {
        let served = access.shops.get(&shop).cloned().ok_or(Refusal::NotFound("shop"))?;
        let store = context.stores.store(&served, &shop).await?;
        let currency = store.shop().await?.map(|record| record.currency);
        Ok(Self { visitor, shop, served, store, currency, now: SystemClock.now() })
    }
}
