//! The `[notify]` section: who is told when the service needs a human, and how often.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use toml::de::DeTable;

use super::hosts;
use super::read::{Kind, Reader, Section};
use super::values::{self, FILE};
use reconciled_core::discrepancy::Severity;
use reconciled_sides::http::reqwest::leads_to_loopback;

pub(super) const NOTIFY: &[&str] = &["command", "url", "token_file", "repeat", "min_severity"];

/// At least one of the two ways is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// A program by its whole path, and its arguments.
    pub command: Option<Vec<String>>,
    pub url: Option<String>,
    /// The bearer token of `url`, where it wants one.
    pub token_file: Option<PathBuf>,
    /// The same thing is not told again before.
    pub repeat: SignedDuration,
    /// Breaks below it are not told.
    pub min_severity: Severity,
}

const WORD: Kind<String> = Kind {
    allowed: "text without control characters",
    read: |text| {
        let valid = text.len() <= 4096 && !text.contains(char::is_control);
        valid.then(|| text.to_owned())
    },
};

const ADDRESS: Kind<String> = Kind {
    allowed: "an https address without user and query, such as \"https://hooks.example.org/reconciled\", or plain http to this machine",
    read: |text| {
        let url = (hosts::URL.read)(text)?;
        (url.scheme() == "https" || leads_to_loopback(text)).then(|| text.to_owned())
    },
};

const REPEAT: Kind<SignedDuration> = Kind {
    allowed: "a duration of at least one minute, such as \"24 hours\"",
    read: |text| values::duration(text).filter(|span| *span >= SignedDuration::from_mins(1)),
};

const SEVERITY: Kind<Severity> = Kind {
    allowed: "\"money\" (breaks about money only) or \"action\" (every break)",
    read: |text| [Severity::Money, Severity::Action].into_iter().find(|it| it.name() == text),
};

pub(super) fn notify<'t>(reader: &mut Reader<'t>, root: &DeTable<'t>, directory: &Path) -> Option<Notify> {
    let path = "notify";
    let section = reader.section(root, path, path);
    section.table()?;
    reader.check_keys(section, path, NOTIFY);
    let command = command(reader, section, path);
    let url = reader.get(section, path, "url", &ADDRESS);
    let token_file = reader.get(section, path, "token_file", &FILE).map(|file| directory.join(file));
    let repeat = reader.get(section, path, "repeat", &REPEAT).unwrap_or(SignedDuration::from_hours(24));
    let min_severity = reader.get(section, path, "min_severity", &SEVERITY).unwrap_or(Severity::Money);
    if !reader.has(section, "command") && !reader.has(section, "url") {
        let line = reader.line_of(section, "");
        reader.problem(line, "notify names nobody: set notify.command or notify.url, or leave the section out");
    }
    if token_file.is_some() && !reader.has(section, "url") {
        let line = reader.line_of(section, "token_file");
        reader.problem(line, "notify.token_file is the token of notify.url, which is missing");
    }
    Some(Notify { command, url, token_file, repeat, min_severity })
}

/// A program that is found by no path cannot be exchanged for another of its name.
fn command<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>, path: &str) -> Option<Vec<String>> {
    let words = reader.list(section, path, "command", &WORD)?;
    let is_whole = words.first().is_some_and(|program| program.starts_with('/'));
    if !is_whole {
        let line = reader.line_of(section, "command");
        reader.problem(
            line,
            "notify.command must begin with the whole path of a program, as in [\"/usr/local/bin/tell\", \"merchant\"]; no shell reads it",
        );
    }
    is_whole.then_some(words)
}
