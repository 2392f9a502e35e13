//! A second store in memory with the content of the first: what a restored backup or a cloned machine begins with.
//! Or another shop in the same database, for whoever simulates many shops one after another.
//!
//! For simulations only; a store on disk is copied by `admin::backup`.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::OpenFlags;
use rusqlite::backup::{Backup, StepResult};

use super::super::StoreError;
use super::open;
use super::writer::Writer;
use super::{Backend, Inner, SqliteStore};
use reconciled_core::id::ShopName;

impl SqliteStore {
    /// A copy of a store in memory, from one moment. From then on the two know nothing of each other.
    ///
    /// # Errors
    /// For a store on disk, and when SQLite has no memory.
    pub fn fork_in_memory(&self) -> Result<Self, StoreError> {
        let Backend::Inline(writer) = &self.inner.backend else {
            return Err(StoreError::refused("only a store in memory is forked".to_owned()));
        };
        let path = Path::new(":memory:");
        let mut conn = open::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        {
            let writer = writer.lock().map_err(|_| StoreError::Gone)?;
            let copy = Backup::new(writer.connection(), &mut conn)?;
            if copy.step(-1)? != StepResult::Done {
                return Err(StoreError::refused("the store was in use while it was copied".to_owned()));
            }
        }
        open::settle(&mut conn, path)?;
        let shop = self.inner.shop.clone();
        let writer = Mutex::new(Writer::new(conn, shop.0.clone()));
        Ok(Self { inner: Arc::new(Inner { shop, backend: Backend::Inline(writer) }) })
    }

    /// The same database in memory for another shop, and with it every statement that is prepared. The shop before
    /// stays in it.
    ///
    /// # Errors
    /// For a store on disk, while another handle on the store lives, and for a shop that was in it.
    pub fn for_another_shop(self, shop: ShopName) -> Result<Self, StoreError> {
        let refused =
            || StoreError::refused("only a store in memory that nobody else holds takes a new shop".to_owned());
        let inner = Arc::into_inner(self.inner).ok_or_else(refused)?;
        let Backend::Inline(writer) = inner.backend else { return Err(refused()) };
        let conn = writer.into_inner().map_err(|_| StoreError::Gone)?.into_connection();
        if open::knows(&conn, shop.as_str())? {
            return Err(refused());
        }
        Self::inline(conn, shop)
    }
}
