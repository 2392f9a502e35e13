//! The two locks beside the database: one pass at a time per shop, and nobody inside while the file is replaced.
//!
//! Both are advisory locks of the operating system on files of their own, so they end with the process that holds
//! them, however it ends, and never need to be cleaned up. The safety of a refund does not rest on them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::super::StoreError;
use reconciled_core::id::ShopName;

/// Held for the length of one pass. The lock is per shop and database, as the pass is: two shops of one database may
/// be reconciled at once, their writes take turns inside SQLite.
#[derive(Debug)]
#[must_use = "the pass lock ends when this is dropped"]
pub struct PassLock {
    _file: File,
}

impl PassLock {
    /// Takes the lock of `shop` on the store at `path`, or fails at once with [`StoreError::Locked`].
    pub fn acquire(path: &Path, shop: &ShopName) -> Result<Self, StoreError> {
        super::open::make_directory(path)?;
        let file = open(&lock_path(path, &format!(".{}.lock", file_name(shop.as_str()))))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked),
            Err(TryLockError::Error(why)) => Err(StoreError::Io(why.to_string())),
        }
    }
}

/// Shared by every open handle, whole for whoever replaces or migrates the file.
#[derive(Debug)]
pub(super) struct UseLock {
    file: File,
}

impl UseLock {
    /// Waits while somebody replaces or migrates the file, which takes as long as copying it.
    pub(super) fn shared(path: &Path) -> Result<Self, StoreError> {
        let file = open(&lock_path(path, ".lock"))?;
        file.lock_shared().map_err(|why| StoreError::Io(why.to_string()))?;
        Ok(Self { file })
    }

    /// `None` while any other handle, of this process or another, has the store open.
    pub(super) fn whole(path: &Path) -> Result<Option<Self>, StoreError> {
        let file = open(&lock_path(path, ".lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(why)) => Err(StoreError::Io(why.to_string())),
        }
    }

    /// From whole to shared. Another may come in between, which is harmless: it finds a finished file.
    pub(super) fn share(self) -> Result<Self, StoreError> {
        self.file.lock_shared().map_err(|why| StoreError::Io(why.to_string()))?;
        Ok(self)
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    let failed = |why: io::Error| StoreError::Io(format!("{}: {why}", path.display()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(no_follow());
    options.open(path).map_err(failed)
}

fn no_follow() -> i32 {
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0)
}

fn lock_path(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The shop's name with everything but letters, digits, `-` and `_` spelt out, so that no name leaves the directory
/// and no two names share a file.
fn file_name(shop: &str) -> String {
    shop.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02x}"),
        })
        .collect()
}
