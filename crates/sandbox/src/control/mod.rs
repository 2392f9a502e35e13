//! The control API: `/_control/…` on both ports, JSON in and out.
//!
//! Not part of either service. It sets the clock, switches, limits and faults, performs acts by
//! hand, and shows what was asked and what is true. Documented in `docs/sandbox.md`.

mod act;
mod fields;
mod script;
mod settings;
mod wide;

use fields::Fields;

use super::World;
use super::json::{Dialect, J, obj};
use super::wire::{Query, Request, Response};

/// What a control call ends in: a body, or a sentence about what was wrong.
pub(crate) type Outcome = Result<J, String>;

pub(crate) fn handle(world: &mut World, request: &Request) -> Response {
    let path = request.path().trim_start_matches("/_control").trim_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let fields = match Fields::read(&request.body) {
        Ok(fields) => fields,
        Err(why) => return refused(&why),
    };
    match route(world, request, &parts, &fields) {
        Ok(body) => Response::json(200, &body, Dialect::Plain),
        Err(why) => refused(&why),
    }
}

fn refused(why: &str) -> Response {
    Response::json(400, &obj! { "error": why.to_owned() }, Dialect::Plain)
}

fn route(world: &mut World, request: &Request, parts: &[&str], fields: &Fields) -> Outcome {
    let method = request.method.as_str();
    match (method, parts) {
        ("GET", ["health"]) => Ok(obj! { "ok": true }),
        ("GET", ["info"]) => Ok(settings::info(world)),
        ("GET", ["clock"]) => Ok(settings::clock(world)),
        ("POST", ["clock"]) => settings::set_clock(world, fields),
        ("GET", ["switches"]) => Ok(settings::switches(world)),
        ("POST", ["switches"]) => settings::set_switches(world, fields),
        ("GET", ["limits"]) => Ok(settings::limits(world)),
        ("POST", ["limits"]) => settings::set_limits(world, fields),
        ("GET", ["keys"]) => Ok(settings::keys(world)),
        ("POST", ["keys"]) => settings::set_keys(world, fields),
        ("POST", ["reset"]) => settings::reset(world, fields),
        ("GET", ["faults"]) => Ok(script::list(world)),
        ("POST", ["faults"]) => script::add(world, fields),
        ("DELETE", ["faults"]) => {
            world.clear_faults();
            Ok(done())
        }
        ("DELETE", ["faults", id]) => script::remove(world, id),
        ("GET", ["log"]) => Ok(log(world, &Query::of(&request.path_and_query))),
        ("POST", ["log"]) => settings::set_log(world, fields),
        ("DELETE", ["log"]) => {
            world.clear_log();
            Ok(done())
        }
        ("GET", ["counters"]) => Ok(world.log.tallies_json()),
        ("DELETE", ["counters"]) => {
            world.log.clear_tallies();
            Ok(done())
        }
        ("GET", ["truth"]) => truth(world, &Query::of(&request.path_and_query)),
        ("GET", ["deliveries"]) => {
            let list: Vec<J> = world.shop.deliveries.iter().map(super::Delivery::json).collect();
            Ok(obj! { "deliveries": list })
        }
        ("DELETE", ["deliveries"]) => {
            world.shop.deliveries.clear();
            Ok(done())
        }
        ("POST", ["act", name]) => {
            wide::perform(world, name, fields).unwrap_or_else(|| act::perform(world, name, fields))
        }
        _ => Err(format!("no such control call: {method} /_control/{}", parts.join("/"))),
    }
}

pub(crate) fn done() -> J {
    obj! { "ok": true }
}

/// The log, newest last; `?side=klarna`, `?since=SEQUENCE`, `?writes=true`.
fn log(world: &World, query: &Query) -> J {
    let side = query.get("side");
    let since = query.number("since").unwrap_or(0);
    let writes = query.get("writes") == Some("true");
    let entries = world.log.entries().filter(|entry| {
        side.is_none_or(|side| side == entry.side.name())
            && entry.sequence > since
            && !(writes && entry.method == "GET")
    });
    obj! { "log": J::Arr(entries.map(super::LogEntry::json).collect()) }
}

/// Both sides in full, or one order (`?order=ORD00001`, a shop id, or a Klarna id).
fn truth(world: &mut World, query: &Query) -> Outcome {
    let Some(wanted) = query.get("order") else {
        let klarna = world.all_klarna_truth();
        return Ok(obj! {
            "now": super::time::klarna_text(world.now_ms),
            "klarna_orders": J::Arr(klarna.iter().map(super::KlarnaTruth::json).collect()),
            "shop_orders": J::Arr(world.all_shop_truth().iter().map(super::ShopTruth::json).collect()),
            "idempotency_keys": world.merchant.keys.len(),
        });
    };
    let (shop, klarna) = act::find_order(world, wanted)?;
    let klarna = klarna.and_then(|id| world.klarna_truth(id)).map_or(J::Null, |one| one.json());
    let shop = shop.and_then(|id| world.shop_truth(id)).map_or(J::Null, |one| one.json());
    Ok(obj! { "shop_order": shop, "klarna_order": klarna })
}
