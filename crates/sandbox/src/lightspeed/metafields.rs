//! Metafields of orders, invoices and shipments: free keys and values, full CRUD.

use serde_json::Value;

use super::call::{Call, Failure};
use super::model::{Metafield, Owner};
use super::{Outcome, answer, count, read, status_of, view};
use crate::World;
use crate::json::{J, obj};

/// Owner, singular envelope and plural envelope of a call.
fn owner(world: &World, call: &Call<'_>) -> Result<(Owner, &'static str, &'static str), Failure> {
    match call.parts.first().copied() {
        Some("orders") => Ok((Owner::Order(read::order(world, call)?.id), "orderMetafield", "orderMetafields")),
        Some("invoices") => {
            Ok((Owner::Invoice(read::invoice(world, call)?.id), "invoiceMetafield", "invoiceMetafields"))
        }
        _ => Ok((Owner::Shipment(read::shipment(world, call)?.id), "shipmentMetafield", "shipmentMetafields")),
    }
}

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Outcome {
    let (owner, single, plural) = owner(world, call)?;
    let wrap = |name: &'static str, json: J| J::Obj(vec![(name.into(), json)]);
    match (call.request.method.as_str(), call.parts.get(3).copied()) {
        ("GET", None) => Ok(answer(200, &wrap(plural, J::Arr(view(world, call).metafields(owner))))),
        ("GET", Some("count")) => {
            Ok(count(world.shop.metafields.get(&owner).map_or(0, std::collections::BTreeMap::len)))
        }
        ("GET", Some(_)) => {
            let id = existing(world, call, owner)?;
            Ok(answer(200, &wrap(single, shown(world, call, owner, id))))
        }
        ("POST", None) => {
            let (key, value) = content(&call.envelope(single)?)?;
            let (Some(key), Some(value)) = (key, value) else {
                return Err(Failure::Invalid { field: "key".to_owned() });
            };
            let now = world.now_ms;
            let id = world.shop.add_metafield(owner, &key, value, now);
            world.effect();
            let status = status_of(world.switches.lightspeed_post_status, 201);
            Ok(answer(status, &wrap(single, shown(world, call, owner, id))))
        }
        ("PUT", Some(_)) => {
            let id = existing(world, call, owner)?;
            let (key, value) = content(&call.envelope(single)?)?;
            let now = world.now_ms;
            if let Some(field) = field(world, owner, id) {
                field.key = key.unwrap_or_else(|| field.key.clone());
                field.value = value.unwrap_or_else(|| field.value.clone());
                field.updated = now;
            }
            world.effect();
            Ok(answer(200, &wrap(single, shown(world, call, owner, id))))
        }
        ("DELETE", Some(_)) => {
            let id = existing(world, call, owner)?;
            if let Some(fields) = world.shop.metafields.get_mut(&owner) {
                fields.remove(&id);
            }
            world.effect();
            Ok(answer(200, &obj! {}))
        }
        _ => Err(Failure::NoSuchVerb),
    }
}

fn field(world: &mut World, owner: Owner, id: u64) -> Option<&mut Metafield> {
    world.shop.metafields.get_mut(&owner)?.get_mut(&id)
}

fn existing(world: &World, call: &Call<'_>, owner: Owner) -> Result<u64, Failure> {
    let fields = world.shop.metafields.get(&owner);
    let known = |id: &u64| fields.is_some_and(|fields| fields.contains_key(id));
    call.id(3).filter(known).ok_or(Failure::NotFound)
}

fn shown(world: &World, call: &Call<'_>, owner: Owner, id: u64) -> J {
    let field = world.shop.metafields.get(&owner).and_then(|fields| fields.get(&id));
    field.map_or(J::FALSE, |field| view(world, call).metafield(id, field))
}

/// Key and value as sent; the value stays the string or number it was.
fn content(fields: &Value) -> Result<(Option<String>, Option<String>), Failure> {
    let key = match fields.get("key") {
        None => None,
        Some(Value::String(key)) => Some(key.clone()),
        Some(_) => return Err(Failure::Invalid { field: "key".to_owned() }),
    };
    let value = match fields.get("value") {
        None => None,
        Some(value @ (Value::String(_) | Value::Number(_))) => Some(value.to_string()),
        Some(_) => return Err(Failure::Invalid { field: "value".to_owned() }),
    };
    Ok((key, value))
}
