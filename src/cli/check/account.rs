//! Both accounts: whether the credentials are accepted, what the key may do, which shop it is, and the clocks.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::finding::Findings;
use crate::cli::Status;
use crate::cli::context::now;
use crate::cli::wire::Sides;
use crate::config::Loaded;
use crate::report::words;
use reconciled_core::answer::Unreadable;
use reconciled_core::money::Currency;
use reconciled_core::policy::Mode;
use reconciled_sides::lightspeed::Permission;

/// Above this the ages that money waits for, and the times in the report, are wrong by more than anybody expects.
const SKEW_TOLERATED: SignedDuration = SignedDuration::from_mins(2);

/// What the rest of the check needs of the shop.
pub(super) struct Profile {
    pub(super) shop_id: String,
    pub(super) currency: Currency,
}

/// `None` when the shop cannot be read, or its amounts could not be understood.
pub(super) async fn lightspeed(loaded: &Loaded, sides: &Sides, findings: &mut Findings) -> Option<Profile> {
    match sides.lightspeed.permissions().await {
        Ok((granted, date)) => {
            let cluster = loaded.shop.lightspeed.cluster.name();
            findings.ok("lightspeed", format!("the API key is accepted ({cluster})"));
            clock("Lightspeed", date, findings);
            permissions(loaded, &granted, findings);
        }
        Err(why @ Unreadable::Refused(_)) => {
            findings.unread("lightspeed", "the shop", &why);
            return None;
        }
        Err(why) => findings.unread("permissions", "what the API key may do", &why),
    }
    let profile = match sides.lightspeed.profile().await {
        Ok(profile) => profile,
        Err(why) => {
            findings.unread("shop", "the shop", &why);
            return None;
        }
    };
    let name = profile.domain.unwrap_or_else(|| "a shop without a domain".to_owned());
    let info = profile.info;
    if info.is_default_currency == Some(false) {
        let remedy = "make the currency it sells in its default";
        let message =
            format!("{name} says that {} is not its default currency; its documents name none", info.currency);
        findings.problem("shop", Status::UNKNOWN, message, remedy);
        return None;
    }
    match info.currency.parse::<Currency>() {
        Ok(currency) => {
            findings.ok("shop", format!("{name} (id {}), sells in {currency}", info.id));
            findings.details(json!({"id": info.id, "domain": name, "currency": currency.code()}));
            Some(Profile { shop_id: info.id, currency })
        }
        Err(why) => {
            findings.problem("shop", Status::UNKNOWN, format!("{name}: {why}"), "this program cannot work for it");
            None
        }
    }
}

/// What passes need: orders (invoices and shipments are part of them) and the shop's settings. Marking paid writes.
fn permissions(loaded: &Loaded, granted: &[Permission], findings: &mut Findings) {
    let may = |area: &str, write: bool| {
        let found = granted.iter().find(|permission| permission.area == area);
        found.is_some_and(|permission| if write { permission.write } else { permission.read })
    };
    let marks = loaded.shop.policy.mark_paid == Mode::Drive;
    let hooks = loaded.config.webhooks.is_some();
    let wanted = [
        ("orders", false, true, "no pass can read orders"),
        ("settings", false, true, "no pass can learn the shop's currency"),
        ("orders", true, marks && loaded.shop.policy.act, "credit invoices cannot be marked paid"),
        ("settings", true, false, "`webhooks install` cannot register webhooks"),
    ];
    let lists = granted.iter().map(|it| match (it.read, it.write) {
        (true, true) => format!("{} (read, write)", it.area),
        (true, false) => format!("{} (read)", it.area),
        (false, true) => format!("{} (write)", it.area),
        (false, false) => format!("{} (nothing)", it.area),
    });
    let has = lists.collect::<Vec<_>>().join(", ");
    let mut is_whole = true;
    for (area, write, is_needed, consequence) in wanted {
        let concerns = if write { area == "orders" && marks || area == "settings" && hooks } else { true };
        if may(area, write) || !concerns {
            continue;
        }
        is_whole = false;
        let verb = if write { "write" } else { "read" };
        let message = format!("the API key may not {verb} {area}: {consequence}; it has {has}");
        let remedy = format!("grant the key {verb} for {area} in the back office, Settings, Developers");
        if is_needed {
            findings.problem("permissions", Status::UNKNOWN, message, remedy);
        } else {
            findings.warning("permissions", message, remedy);
        }
    }
    if is_whole {
        findings.ok("permissions", format!("the API key may do what is needed; it has {has}"));
    }
    let granted = granted.iter().map(|it| (it.area.clone(), json!({"read": it.read, "write": it.write})));
    findings.details(granted.collect());
}

/// Whether Klarna accepts the credentials.
pub(super) async fn klarna(loaded: &Loaded, sides: &Sides, findings: &mut Findings) -> bool {
    let (environment, region) = (loaded.shop.klarna.environment.name(), loaded.shop.klarna.region.name());
    match sides.klarna.probe().await {
        Ok(date) => {
            findings.ok("klarna", format!("the credentials are accepted ({environment}, {region})"));
            clock("Klarna", date, findings);
            true
        }
        Err(why) => {
            findings.unread("klarna", &format!("Klarna ({environment}, {region})"), &why);
            false
        }
    }
}

fn clock(side: &str, date: Option<Timestamp>, findings: &mut Findings) {
    let here = now();
    let Some(there) = date else {
        let remedy = "compare this machine's clock with another one";
        findings.warning("clock", format!("{side} did not say what time it is"), remedy);
        return;
    };
    let ahead = here.duration_since(there);
    if ahead.abs() <= SKEW_TOLERATED {
        findings.ok("clock", format!("agrees with {side}'s"));
    } else {
        let (from, to) = if here > there { (there, here) } else { (here, there) };
        let way = if here > there { "ahead of" } else { "behind" };
        let message = format!("this machine's clock is {} {way} {side}'s", words::age(from, to));
        findings.warning("clock", message, "let NTP set it (`timedatectl set-ntp true`)");
    }
    findings.details(json!({"side": side, "seconds_ahead": ahead.as_secs()}));
}
