//! Where the durable state lives.

use std::path::{Path, PathBuf};

use super::read::Kind;

/// `sqlite:` and a file. A relative path is relative to the configuration's directory: relative to wherever the
/// program was started, a second, empty store would forget every refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    Sqlite(PathBuf),
}

impl StoreUrl {
    pub fn path(&self) -> &Path {
        match self {
            Self::Sqlite(path) => path,
        }
    }
}

pub(super) const STANDARD: &str = "/var/lib/reconciled/reconciled.db";

pub(super) const STORE_URL: Kind<StoreUrl> = Kind {
    allowed: "an SQLite file, such as \"sqlite:///var/lib/reconciled/reconciled.db\" or \"sqlite:reconciled.db\" beside the configuration (PostgreSQL stores are not supported by this version)",
    read: |text| {
        let rest = text.strip_prefix("sqlite:")?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let names_a_file = !path.is_empty()
            && !path.ends_with('/')
            && !path.starts_with(':')
            && !path.contains(|c: char| c.is_control() || c == '?' || c == '#');
        names_a_file.then(|| StoreUrl::Sqlite(PathBuf::from(path)))
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_urls_are_read_or_refused() {
        for (text, expected) in [
            ("sqlite:///var/lib/reconciled/reconciled.db", Some("/var/lib/reconciled/reconciled.db")),
            ("sqlite://rel/path.db", Some("rel/path.db")),
            ("sqlite:rel.db", Some("rel.db")),
            ("sqlite:/abs.db", Some("/abs.db")),
            ("sqlite::memory:", None),
            ("sqlite://", None),
            ("sqlite:///var/lib/", None),
            ("sqlite:a.db?mode=memory", None),
            ("postgres://localhost/reconciled", None),
            ("/var/lib/reconciled.db", None),
        ] {
            let read = (STORE_URL.read)(text).map(|url| url.path().to_owned());
            assert_eq!(read.as_deref(), expected.map(Path::new), "{text}");
        }
    }
}
