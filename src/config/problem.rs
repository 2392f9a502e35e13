//! What can be wrong with a configuration, one line per mistake.
//!
//! No line ever contains a secret: values that look like one are withheld before they get here.

use std::fmt;
use std::io;

use crate::report::text::plain;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "no configuration was found: neither /etc/reconciled/config.toml nor ./reconciled.toml exists; name one with --config FILE"
    )]
    NoFile,
    #[error("the configuration `{}` cannot be read", plain(path))]
    Unreadable {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("the configuration cannot be used:\n{0}")]
    Problems(Problems),
}

/// Everything that is wrong, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// Line in the file (0: none in particular) and the text.
    lines: Vec<(usize, String)>,
}

impl Problems {
    pub(super) fn add(&mut self, line: usize, text: String) {
        self.lines.push((line, text));
    }

    pub(super) fn add_text(&mut self, text: String) {
        self.add(usize::MAX, text);
    }

    pub(super) fn into_sorted(mut self) -> Self {
        self.lines.sort();
        self.lines.dedup();
        self
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// One line per mistake.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|(_, text)| text.as_str())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.lines();
        if let Some(first) = lines.next() {
            write!(f, "  {first}")?;
        }
        lines.try_for_each(|line| write!(f, "\n  {line}"))
    }
}
