//! The token of one shop on disk: one small file, replaced whole, its token sealed.
//!
//! A removal is kept too, with its time: an older redirect must not bring the app back.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::seal::SealKey;
use crate::report::text::plain;
use reconciled_core::id::ShopName;

/// The layout of the file; another one is refused.
const VERSION: u32 = 1;

/// No file of ours is larger.
const LARGEST: u64 = 4096;

/// Where a shop's token lies, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: PathBuf,
    pub shop: ShopName,
    /// Lightspeed's number of the shop.
    pub shop_id: String,
}

/// The newest redirect that was taken for a shop.
#[derive(Clone, Debug)]
pub struct Kept {
    /// When Lightspeed made it.
    pub at: Timestamp,
    /// `None`: it removed the app.
    pub token: Option<SecretString>,
}

#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    #[error("the token file `{path}` cannot be {verb}: {why}")]
    File { path: String, verb: &'static str, why: io::Error },
    #[error("the token file `{0}` is not one of this program's; remove it and let the merchant install the app again")]
    Foreign(String),
    #[error(
        "the token in `{0}` does not open: it was sealed with another seal key, for another shop, or was changed; give the seal key it was made with, or remove the file and let the merchant install the app again"
    )]
    Sealed(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    version: u32,
    shop: String,
    shop_id: String,
    /// Seconds since 1970.
    at: i64,
    /// The nonce and the sealed token, in hexadecimal; an empty token is a removal.
    sealed: String,
}

impl Place {
    /// What is kept; `None` when nothing ever was.
    ///
    /// # Errors
    /// The file cannot be read, is not ours, or its token does not open.
    pub fn read(&self, key: &SealKey) -> Result<Option<Kept>, NotKept> {
        let mut text = String::new();
        match File::open(&self.file).and_then(|file| file.take(LARGEST).read_to_string(&mut text)) {
            Ok(_) => {}
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(self.failed("read", why)),
        }
        let row: Row = serde_json::from_str(&text).map_err(|_| NotKept::Foreign(self.shown()))?;
        let at = Timestamp::from_second(row.at).map_err(|_| NotKept::Foreign(self.shown()))?;
        if row.version != VERSION {
            return Err(NotKept::Foreign(self.shown()));
        }
        let token = key.open(&self.about(row.at), &row.sealed).ok_or_else(|| NotKept::Sealed(self.shown()))?;
        Ok(Some(Kept { at, token: (!token.expose_secret().is_empty()).then_some(token) }))
    }

    /// Replaces what is kept; on disk when this returns. A crash leaves the one or the other.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, key: &SealKey, kept: &Kept) -> Result<(), NotKept> {
        let at = kept.at.as_second();
        let token = kept.token.as_ref().map_or("", |token| token.expose_secret());
        let no_chance = || self.failed("written", io::Error::other("the machine gave no random numbers"));
        let sealed = key.seal(&self.about(at), token).ok_or_else(no_chance)?;
        let (shop, shop_id) = (self.shop.as_str().to_owned(), self.shop_id.clone());
        let row = Row { version: VERSION, shop, shop_id, at, sealed };
        let text = serde_json::to_string(&row).map_err(|why| self.failed("written", why.into()))?;
        put(&self.file, &text).map_err(|why| self.failed("written", why))
    }

    /// What the sealed token is bound to. No part can hold a line end.
    fn about(&self, at: i64) -> String {
        format!("reconciled app token {VERSION}\n{}\n{}\n{at}", self.shop, self.shop_id)
    }

    fn shown(&self) -> String {
        plain(&self.file.display().to_string())
    }

    fn failed(&self, verb: &'static str, why: io::Error) -> NotKept {
        NotKept::File { path: self.shown(), verb, why }
    }
}

/// Under another name first, then in its place in one step.
fn put(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    let placed = file
        .write_all(format!("{text}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if placed.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    placed?;
    File::open(directory)?.sync_all()
}
