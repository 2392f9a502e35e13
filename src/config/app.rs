//! The `[app]` section: an app that an agency registered with Lightspeed, and where its shops' tokens are kept.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::read::{Kind, Reader};
use super::values::FILE;

pub(super) const APP: &[&str] = &["key_file", "secret_file", "seal_key_file", "tokens"];

/// Where tokens are kept when the file does not say: below the directory that the unit may write to.
const STANDARD: &str = "/var/lib/reconciled/app";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppConfig {
    pub key_file: Option<PathBuf>,
    pub secret_file: Option<PathBuf>,
    /// The key that tokens are sealed with at rest.
    pub seal_key_file: Option<PathBuf>,
    /// A directory of its own.
    pub tokens: PathBuf,
}

const DIRECTORY: Kind<PathBuf> =
    Kind { allowed: "the name of a directory for the shops' sealed tokens", read: FILE.read };

/// Lightspeed's number of a shop, without leading zeros.
pub(super) const SHOP_ID: Kind<String> = Kind {
    allowed: "Lightspeed's number of the shop, in quotes, such as \"356891\"",
    read: |text| {
        let bare = text.trim_start_matches('0');
        let valid = (1..=18).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_digit());
        valid.then(|| bare.to_owned())
    },
};

pub(super) fn app<'t>(reader: &mut Reader<'t>, root: &DeTable<'t>, directory: &Path) -> Option<AppConfig> {
    let path = "app";
    let section = reader.section(root, path, path);
    section.table()?;
    reader.check_keys(section, path, APP);
    let mut file = |key| reader.get(section, path, key, &FILE).map(|file| directory.join(file));
    let (key_file, secret_file, seal_key_file) = (file("key_file"), file("secret_file"), file("seal_key_file"));
    let tokens = reader.get(section, path, "tokens", &DIRECTORY);
    let tokens = directory.join(tokens.unwrap_or_else(|| PathBuf::from(STANDARD)));
    Some(AppConfig { key_file, secret_file, seal_key_file, tokens })
}
