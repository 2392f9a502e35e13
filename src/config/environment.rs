//! The process's environment, read once.
//!
//! Keeps only the variables this program has a use for, and never prints their values: some are secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Variables with a meaning here, besides those that begin with `RECONCILED_`.
const NAMES: [&str; 6] = ["CREDENTIALS_DIRECTORY", "JOURNAL_STREAM", "NO_COLOR", "SUDO_USER", "TERM", "USER"];

#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// What this process was started with; names and values that are not text are left out.
    pub fn of_process() -> Self {
        let text =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::of(text)
    }

    /// A given environment, for tests and simulations.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let wanted = |name: &str| name.starts_with("RECONCILED_") || NAMES.contains(&name);
        Self(variables.into_iter().filter(|(name, _)| wanted(name)).collect())
    }

    /// The same, with the files of `directory` for systemd's credentials.
    #[must_use]
    pub fn with_credentials(mut self, directory: &Path) -> Self {
        self.0.insert("CREDENTIALS_DIRECTORY".to_owned(), directory.display().to_string());
        self
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// systemd's directory of credentials.
    pub fn credentials_directory(&self) -> Option<PathBuf> {
        self.get("CREDENTIALS_DIRECTORY").map(PathBuf::from)
    }

    /// Stderr, known by its device and number, is the journal's own stream.
    pub fn is_journal(&self, device: u64, number: u64) -> bool {
        let stream = self.get("JOURNAL_STREAM").and_then(|text| text.split_once(':'));
        stream.is_some_and(|(dev, ino)| dev.parse() == Ok(device) && ino.parse() == Ok(number))
    }

    /// Who is at the keyboard, for the journal: who called `sudo`, else the user, else the user's number.
    pub fn operator(&self) -> String {
        let named = self.get("SUDO_USER").or_else(|| self.get("USER"));
        named.map_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()), str::to_owned)
    }

    /// `NO_COLOR` with any value, or a terminal that can do nothing.
    pub fn is_colourless(&self) -> bool {
        self.get("NO_COLOR").is_some() || self.get("TERM") == Some("dumb")
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
