//! Control calls about the sandbox itself: clock, switches, limits, keys, log, reset.

use serde_json::Value;

use super::fields::Fields;
use super::{Outcome, done};
use crate::accounts::{AREAS, MerchantKey, ShopKey};
use crate::json::{J, obj};
use crate::seed::Seed;
use crate::time::{SECOND, klarna_text};
use crate::wire::Side;
use crate::{World, time};

pub(crate) fn info(world: &World) -> J {
    obj! {
        "now": klarna_text(world.now_ms),
        "clock_offset_ms": world.offset_ms,
        "shop_orders": world.shop.orders.len(),
        "invoices": world.shop.invoices.len(),
        "klarna_orders": world.merchant.orders.len(),
        "idempotency_keys": world.merchant.keys.len(),
        "effects": world.effects,
        "languages": J::Arr(world.accounts.languages.iter().cloned().map(J::from).collect()),
        "currency": world.accounts.currency.clone(),
        "shop_id": world.accounts.shop_id,
        "keys": keys(world),
    }
}

pub(crate) fn clock(world: &World) -> J {
    obj! {
        "now": klarna_text(world.now_ms),
        "offset_ms": world.offset_ms,
        "lightspeed_ahead_ms": world.clocks.lightspeed_ms,
        "klarna_ahead_ms": world.clocks.klarna_ms,
    }
}

pub(crate) fn set_clock(world: &mut World, fields: &Fields) -> Outcome {
    let seconds = fields.number("advance_seconds")?.unwrap_or(0);
    let ms = fields.number("advance_ms")?.unwrap_or(0);
    world.advance_clock(seconds.saturating_mul(SECOND).saturating_add(ms));
    for (name, side) in [("lightspeed_ahead_ms", Side::Lightspeed), ("klarna_ahead_ms", Side::Klarna)] {
        if let Some(ahead) = fields.number(name)? {
            world.set_side_clock(side, ahead);
        }
    }
    Ok(clock(world))
}

pub(crate) fn switches(world: &World) -> J {
    let rows = world.switches.list().into_iter().map(|row| {
        obj! {
            "name": row.name,
            "value": row.value,
            "default": row.default,
            "allowed": row.allowed,
            "about": row.about,
        }
    });
    obj! { "switches": J::Arr(rows.collect()) }
}

/// All or nothing: a wrong name or value leaves every switch as it was.
pub(crate) fn set_switches(world: &mut World, fields: &Fields) -> Outcome {
    let mut changed = world.switches.clone();
    for (name, value) in fields.entries() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        changed.set(name, &text)?;
    }
    world.switches = changed;
    Ok(switches(world))
}

pub(crate) fn limits(world: &World) -> J {
    let figures = &world.figures;
    obj! {
        "enabled": figures.enabled,
        "lightspeed_five_minutes": figures.lightspeed_five_minutes,
        "lightspeed_hour": figures.lightspeed_hour,
        "lightspeed_day": figures.lightspeed_day,
        "lightspeed_second": figures.lightspeed_second,
        "klarna_second": figures.klarna_second,
    }
}

pub(crate) fn set_limits(world: &mut World, fields: &Fields) -> Outcome {
    let mut figures = world.figures;
    if let Some(enabled) = fields.flag("enabled")? {
        figures.enabled = enabled;
    }
    for (name, slot) in [
        ("lightspeed_five_minutes", &mut figures.lightspeed_five_minutes),
        ("lightspeed_hour", &mut figures.lightspeed_hour),
        ("lightspeed_day", &mut figures.lightspeed_day),
        ("lightspeed_second", &mut figures.lightspeed_second),
        ("klarna_second", &mut figures.klarna_second),
    ] {
        if let Some(number) = fields.number(name)? {
            *slot = number.max(0);
        }
    }
    world.figures = figures;
    Ok(limits(world))
}

pub(crate) fn keys(world: &World) -> J {
    let shop = world.accounts.shop_keys.iter().map(|key| {
        let mut areas = obj! {};
        for area in AREAS {
            let (read, write) = key.permissions.get(area);
            areas.set(area, obj! { "read": read, "write": write });
        }
        obj! { "key": key.key.clone(), "secret": key.secret.clone(), "permissions": areas }
    });
    let merchant = world.accounts.merchant_keys.iter();
    let merchant = merchant.map(|key| obj! { "username": key.username.clone(), "password": key.password.clone() });
    obj! { "lightspeed": J::Arr(shop.collect()), "klarna": J::Arr(merchant.collect()) }
}

/// `{"lightspeed": [{"key","secret","permissions"}], "klarna": [{"username","password"}]}`; a side
/// that is not named keeps its keys.
pub(crate) fn set_keys(world: &mut World, fields: &Fields) -> Outcome {
    let text = |value: &Value, name: &str| {
        let found = value.get(name).and_then(Value::as_str);
        found.map(str::to_owned).ok_or_else(|| format!("`{name}` is missing"))
    };
    if let Some(list) = fields.list("lightspeed")? {
        let mut keys = Vec::new();
        for entry in list {
            let mut key = ShopKey::new(&text(entry, "key")?, &text(entry, "secret")?);
            let areas = entry.get("permissions").and_then(Value::as_object);
            for (area, granted) in areas.into_iter().flatten() {
                let may = |verb: &str| granted.get(verb).and_then(Value::as_bool).unwrap_or(false);
                if !key.permissions.set(area, may("read"), may("write")) {
                    return Err(format!("no permission area is called `{area}`"));
                }
            }
            keys.push(key);
        }
        world.accounts.shop_keys = keys;
    }
    if let Some(list) = fields.list("klarna")? {
        let mut keys = Vec::new();
        for entry in list {
            keys.push(MerchantKey::new(&text(entry, "username")?, &text(entry, "password")?));
        }
        world.accounts.merchant_keys = keys;
    }
    if let Some(list) = fields.list("languages")? {
        world.accounts.languages = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    if let Some(currency) = fields.text("currency")? {
        currency.clone_into(&mut world.accounts.currency);
    }
    Ok(keys(world))
}

pub(crate) fn set_log(world: &mut World, fields: &Fields) -> Outcome {
    if let Some(capacity) = fields.unsigned("capacity")? {
        world.set_log_capacity(usize::try_from(capacity).unwrap_or(usize::MAX));
    }
    if let Some(enabled) = fields.flag("enabled")? {
        world.log.enabled = enabled;
    }
    Ok(done())
}

/// Starts again from a seed; keys and limits stay, switches and faults go unless `keep` is true.
pub(crate) fn reset(world: &mut World, fields: &Fields) -> Outcome {
    let seed = match fields.text("seed")?.unwrap_or("demo") {
        "empty" => Seed::Empty,
        "demo" => Seed::Demo,
        "orders" => Seed::Orders {
            count: fields.unsigned("count")?.and_then(|count| u32::try_from(count).ok()).unwrap_or(1_000),
            credit_permille: fields
                .unsigned("credit_permille")?
                .and_then(|share| u16::try_from(share).ok())
                .unwrap_or(100),
        },
        other => return Err(format!("no seed is called `{other}`: empty, demo, orders")),
    };
    let random = fields.unsigned("random_seed")?.unwrap_or(1);
    let mut fresh = World::new(random, time::timestamp(world.now_ms));
    fresh.offset_ms = world.offset_ms;
    fresh.clocks = world.clocks;
    fresh.accounts = world.accounts.clone();
    fresh.figures = world.figures;
    if fields.flag("keep")?.unwrap_or(false) {
        fresh.switches = world.switches.clone();
        fresh.faults = world.faults.clone();
    }
    fresh.sow(seed);
    *world = fresh;
    Ok(info(world))
}
