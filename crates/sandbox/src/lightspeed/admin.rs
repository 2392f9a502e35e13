//! Webhook registrations, and the small resources about shop and account.

use std::borrow::Cow;

use serde_json::Value;

use super::call::{Call, Failure};
use super::model::draw;
use super::webhook::Webhook;
use super::{Outcome, answer, count, status_of, view};
use crate::World;
use crate::accounts::AREAS;
use crate::json::{J, obj};
use crate::switches::CodeCase;
use crate::time;

/// `shopLimits.maxWebhooks`
const MAX_WEBHOOKS: usize = 10;

pub(crate) fn webhooks(world: &mut World, call: &Call<'_>) -> Outcome {
    match (call.request.method.as_str(), call.parts.get(1).copied()) {
        ("GET", None) => {
            let hooks = world.shop.webhooks.values();
            let list: Vec<J> = hooks.map(|hook| webhook(world, call, hook)).collect();
            Ok(answer(200, &obj! { "webhooks": list }))
        }
        ("GET", Some("count")) => Ok(count(world.shop.webhooks.len())),
        ("GET", Some(_)) => {
            let hook = call.id(1).and_then(|id| world.shop.webhooks.get(&id));
            let hook = hook.ok_or(Failure::NotFound)?;
            Ok(answer(200, &obj! { "webhook": webhook(world, call, hook) }))
        }
        ("POST", None) => {
            if world.shop.webhooks.len() >= MAX_WEBHOOKS {
                let message = "The maximum number of webhooks is reached.".to_owned();
                return Err(Failure::Refused { message });
            }
            let mut hook = Webhook {
                id: 0,
                created: world.now_ms,
                updated: world.now_ms,
                is_active: true,
                group: String::new(),
                action: String::new(),
                language: "nl".to_owned(),
                address: String::new(),
                secret: call.secret.clone(),
            };
            update(&mut hook, &call.envelope("webhook")?)?;
            hook.id = draw(&mut world.shop.series.webhook);
            let json = webhook(world, call, &hook);
            world.shop.webhooks.insert(hook.id, hook);
            world.effect();
            let status = status_of(world.switches.lightspeed_post_status, 201);
            Ok(answer(status, &obj! { "webhook": json }))
        }
        ("PUT", Some(_)) => {
            let hook = call.id(1).and_then(|id| world.shop.webhooks.get(&id));
            let mut hook = hook.ok_or(Failure::NotFound)?.clone();
            update(&mut hook, &call.envelope("webhook")?)?;
            hook.updated = world.now_ms;
            let json = webhook(world, call, &hook);
            world.shop.webhooks.insert(hook.id, hook);
            world.effect();
            Ok(answer(200, &obj! { "webhook": json }))
        }
        ("DELETE", Some(_)) => {
            let removed = call.id(1).and_then(|id| world.shop.webhooks.remove(&id));
            removed.ok_or(Failure::NotFound)?;
            world.effect();
            Ok(answer(200, &obj! {}))
        }
        _ => Err(Failure::NoSuchVerb),
    }
}

fn update(hook: &mut Webhook, fields: &Value) -> Result<(), Failure> {
    const GROUPS: [&str; 12] = [
        "customers",
        "orders",
        "invoices",
        "shipments",
        "products",
        "variants",
        "quotes",
        "reviews",
        "returns",
        "tickets",
        "subscriptions",
        "contacts",
    ];
    const ACTIONS: [&str; 7] = ["created", "updated", "deleted", "paid", "shipped", "answered", "*"];
    let invalid = |name: &str| Failure::Invalid { field: name.to_owned() };
    let text = |name: &str, old: &str| match fields.get(name) {
        None => Ok(old.to_owned()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(invalid(name)),
    };
    hook.group = text("itemGroup", &hook.group)?;
    hook.action = text("itemAction", &hook.action)?;
    hook.language = text("language", &hook.language)?;
    hook.address = text("address", &hook.address)?;
    if let Some(active) = fields.get("isActive") {
        hook.is_active = active.as_bool().ok_or_else(|| invalid("isActive"))?;
    }
    if !GROUPS.contains(&hook.group.as_str()) {
        return Err(invalid("itemGroup"));
    }
    if !ACTIONS.contains(&hook.action.as_str()) {
        return Err(invalid("itemAction"));
    }
    if !hook.address.starts_with("http://") && !hook.address.starts_with("https://") {
        return Err(invalid("address"));
    }
    Ok(())
}

fn webhook(world: &World, call: &Call<'_>, hook: &Webhook) -> J {
    let view = view(world, call);
    obj! {
        "id": hook.id,
        "createdAt": view.time(hook.created),
        "updatedAt": view.time(hook.updated),
        "isActive": hook.is_active,
        "itemGroup": hook.group.clone(),
        "itemAction": hook.action.clone(),
        "language": language(&hook.language),
        "format": "json",
        "address": hook.address.clone(),
    }
}

fn language(code: &str) -> J {
    let (id, locale, title) = match code {
        "nl" => (5_i64, "nl_NL", "Nederlands"),
        "de" => (6, "de_DE", "Deutsch"),
        "us" => (18, "en_US", "English (US)"),
        _ => (7, "en_GB", "English"),
    };
    obj! { "id": id, "code": code.to_owned(), "locale": locale, "title": title }
}

/// GET of shop, account, payment methods and time.
pub(crate) fn read(world: &World, call: &Call<'_>) -> Outcome {
    if call.request.method != "GET" {
        return Err(Failure::NoSuchVerb);
    }
    let body = match call.parts.as_slice() {
        ["shop"] => obj! { "shop": shop(world, call) },
        ["shop", "limits"] => obj! { "shopLimits": obj! { "maxWebhooks": MAX_WEBHOOKS } },
        ["shop", "company"] => obj! {
            "shopCompany": obj! { "name": "Sandbox Shop B.V.", "cocNumber": "00000000", "vatNumber": "" },
        },
        ["account"] => obj! {
            "account": obj! {
                "id": world.accounts.shop_id,
                "createdAt": view(world, call).time(1_566_400_500_000),
                "permissions": view(world, call).link_many("account/permissions"),
                "ratelimit": view(world, call).link_many("account/ratelimit"),
                "appId": J::FALSE,
                "apiKey": world.accounts.shop_keys.get(call.key).map(|key| key.key.clone()),
                "signout": view(world, call).link_many("account/signout"),
                "metafields": view(world, call).link_many("account/metafields"),
            },
        },
        ["account", "permissions"] => obj! { "accountPermissions": permissions(world, call) },
        ["account", "ratelimit"] => obj! { "accountRatelimit": ratelimit(world, call) },
        ["paymentmethods"] => obj! { "paymentmethods": methods(world) },
        ["paymentmethods", "count"] => obj! { "count": methods(world).len() },
        ["paymentmethods", id] => {
            let wanted = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
            let method = wanted.and_then(|index| methods(world).into_iter().nth(index));
            obj! { "paymentmethod": method.ok_or(Failure::NotFound)? }
        }
        ["time"] => obj! { "time": view(world, call).time(world.now_ms) },
        _ => return Err(Failure::NotFound),
    };
    Ok(answer(200, &body))
}

fn shop(world: &World, call: &Call<'_>) -> J {
    let view = view(world, call);
    obj! {
        "id": world.accounts.shop_id,
        "createdAt": view.time(1_566_400_500_000),
        "status": "test",
        "isB2b": false,
        "isRetail": false,
        "subDomain": "sandbox-shop",
        "mainDomain": "sandbox-shop.example",
        "email": "shop@sandbox-shop.example",
        "phone": "",
        "fax": "",
        "street": "",
        "street2": "",
        "zipcode": "",
        "city": "",
        "region": "",
        "country": obj! { "id": 150_i64, "code": "nl", "code3": "nld", "title": "Netherlands, The" },
        "vatNumber": "",
        "cocNumber": "",
        "industry": "",
        "currency": obj! {
            "shortcode": match world.switches.lightspeed_currency_case {
                CodeCase::Lower => world.accounts.currency.to_ascii_lowercase(),
                CodeCase::Upper => world.accounts.currency.to_ascii_uppercase(),
            },
            "symbol": "€",
            "title": world.accounts.currency.clone(),
            "isDefault": world.switches.lightspeed_currency_is_default,
            "currencyRate": "1.000000",
        },
        "company": view.link_many("shop/company"),
        "limits": view.link_many("shop/limits"),
        "javascript": view.link_many("shop/javascript"),
        "website": view.link_many("shop/website"),
        "scripts": view.link_many("shop/scripts"),
        "metafields": view.link_many("shop/metafields"),
    }
}

fn permissions(world: &World, call: &Call<'_>) -> J {
    let key = world.accounts.shop_keys.get(call.key);
    let areas = AREAS.iter().map(|area| {
        let (read, write) = key.map_or((false, false), |key| key.permissions.get(area));
        (Cow::Borrowed(*area), obj! { "read": read, "write": write })
    });
    J::Obj(areas.collect())
}

fn ratelimit(world: &World, call: &Call<'_>) -> J {
    let mut limiter = world.shop_limiters.get(&call.key).cloned().unwrap_or_default();
    let quota = limiter.peek(&world.figures, world.now_ms, world.shop_zone());
    let names = ["limit5Min", "limitHour", "limitDay"].into_iter().zip(quota.limit);
    let entries = names.zip(quota.remaining.into_iter().zip(quota.reset));
    let seconds = world.now_ms.saturating_sub(world.now_ms.rem_euclid(time::SECOND));
    let json = entries.map(|((name, limit), (remaining, reset))| {
        let at = seconds.saturating_add(reset.saturating_mul(time::SECOND));
        let window = obj! {
            "limit": limit,
            "remaining": remaining,
            "reset": reset,
            "resetTime": view(world, call).time(at),
        };
        (Cow::Borrowed(name), window)
    });
    J::Obj(json.collect())
}

fn methods(world: &World) -> Vec<J> {
    let klarna = world.switches.lightspeed_payment_id.clone();
    let rows = [
        (1_i64, klarna, world.switches.lightspeed_payment_title.clone()),
        (2, "invoice".to_owned(), "Pay by invoice".to_owned()),
        (3, "banktransfer".to_owned(), "Bank transfer".to_owned()),
    ];
    rows.map(|(id, name, title)| obj! { "id": id, "key": name, "title": title }).into()
}
