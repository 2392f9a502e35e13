//! Under which name a shop's books are kept, when the configuration calls it by another now.
//!
//! Rows are kept under the name that the first pass found, for ever. Another name leads to them only once the shop
//! itself said that it is the same one; a name is never believed.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::super::StoreError;
use super::dossier;
use super::journal::{self, entity};
use super::writer::Tx;
use reconciled_core::id::{Identity, ShopName};

/// The name that the books of the shop called `name` are kept under: itself, unless it was renamed.
pub(super) fn kept_under(conn: &Connection, name: ShopName) -> Result<ShopName, StoreError> {
    let mut find = conn.prepare_cached("SELECT shop FROM shop_name WHERE name = ?1")?;
    let found: Option<String> = find.query_row([name.as_str()], |row| row.get(0)).optional()?;
    Ok(found.map_or(name, ShopName))
}

/// Another name that this very shop is bound under already.
pub(super) fn other_name_of(tx: &Tx<'_>, identity: &Identity) -> Result<Option<String>, StoreError> {
    let mut find = tx.conn.prepare_cached(
        "SELECT coalesce((SELECT n.name FROM shop_name AS n WHERE n.shop = shop.name), shop.name) FROM shop
         WHERE cluster = ?1 AND shop_id = ?2 AND environment = ?3 AND region = ?4 AND name <> ?5 LIMIT 1",
    )?;
    let it = (&identity.cluster, &identity.shop_id, &identity.environment, &identity.region, tx.shop);
    Ok(find.query_row(it, |row| row.get(0)).optional()?)
}

/// The shop that was called `known` is called by this handle's name from now on. Only one name at a time leads to a
/// shop's books. A stop that was given under the new name is not lost with it: it is resumed first.
pub(super) fn take_over(tx: &mut Tx<'_>, known: &str, at: Timestamp) -> Result<(), StoreError> {
    let name = tx.shop;
    let kept = kept_under(tx.conn, ShopName(known.to_owned()))?.0;
    let is_bound = "SELECT EXISTS (SELECT 1 FROM shop WHERE name = ?1 AND environment IS NOT NULL)";
    let bound = |name: &str| -> rusqlite::Result<bool> { tx.conn.query_row(is_bound, [name], |row| row.get(0)) };
    if bound(name)? || !bound(&kept)? {
        return Err(StoreError::refused(format!("the books of `{known}` cannot be taken over by `{name}`")));
    }
    if dossier::is_stopped(tx.conn, name)? {
        let why = format!(
            "`{name}` was stopped before it was known to be `{known}`; `reconciled resume --shop {name}` first"
        );
        return Err(StoreError::refused(why));
    }
    tx.conn.prepare_cached("DELETE FROM shop_name WHERE shop = ?1")?.execute([&kept])?;
    tx.conn.prepare_cached("INSERT INTO shop_name (name, shop) VALUES (?1, ?2)")?.execute((name, &kept))?;
    tx.journal(&journal::Entry {
        at,
        actor: journal::ACTOR,
        cause: "the shop's own word",
        entity: entity::SHOP,
        entity_id: name,
        order: None,
        event: "books_taken_over",
        before: known,
        after: &kept,
        detail: "{}",
    })
}
