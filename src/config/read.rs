//! Walks the TOML text section by section, and remembers the line of everything.
//!
//! Deserialising into structs would stop at the first mistake; this reads every key on its own and collects what is
//! wrong. A value that looks like a secret is never quoted.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::problem::Problems;
use super::values::looks_secret;
use crate::report::text::plain;

pub(super) struct Reader<'t> {
    file: String,
    text: &'t str,
    problems: Problems,
}

/// One table of the file.
#[derive(Clone, Copy)]
pub(super) struct Section<'a, 't> {
    table: Option<&'a DeTable<'t>>,
    line: usize,
}

/// What one value may be, and how it is read from text.
pub(super) struct Kind<T> {
    /// Completes "must be …".
    pub(super) allowed: &'static str,
    pub(super) read: fn(&str) -> Option<T>,
}

/// Keys under which people write secrets, and the key that names the file instead.
const SECRET_KEYS: [(&str, &str); 11] = [
    ("api_key", "api_key_file"),
    ("key", "api_key_file"),
    ("lightspeed_key", "api_key_file"),
    ("api_secret", "api_secret_file"),
    ("secret", "api_secret_file"),
    ("lightspeed_secret", "api_secret_file"),
    ("username", "username_file"),
    ("klarna_username", "username_file"),
    ("password", "password_file"),
    ("klarna_password", "password_file"),
    ("token", "token_file"),
];

impl<'t> Reader<'t> {
    pub(super) fn new(path: &Path, text: &'t str) -> Self {
        Self { file: plain(&path.display().to_string()), text, problems: Problems::default() }
    }

    /// The whole file; with mistakes of TOML's own grammar it is what could be understood.
    pub(super) fn root(&mut self) -> DeTable<'t> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            // The message is a fixed text of the parser; the error itself would quote the line.
            let line = error.span().map_or(0, |span| self.line(span.start));
            self.problem(line, &format!("this is not TOML: {}", error.message()));
        }
        table.into_inner()
    }

    /// How many were found so far.
    pub(super) fn problems(&self) -> usize {
        self.problems.lines().count()
    }

    pub(super) fn into_problems(self) -> Problems {
        self.problems.into_sorted()
    }

    pub(super) fn problem(&mut self, line: usize, what: &str) {
        let what = what.replace('\n', " ");
        let place = if line == 0 { self.file.clone() } else { format!("{}:{line}", self.file) };
        self.problems.add(line, format!("{place}: {what}"));
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        before.matches('\n').count().saturating_add(1)
    }

    /// A table within `parent`. Absent ones are empty, so that what they lack is reported key by key.
    pub(super) fn section<'a>(&mut self, parent: &'a DeTable<'t>, key: &str, path: &str) -> Section<'a, 't> {
        let Some((name, value)) = parent.get_key_value(key) else {
            return Section { table: None, line: 0 };
        };
        let line = self.line(name.span().start);
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.problem(line, &format!("{path} must be a section `[{path}]`"));
        }
        Section { table, line }
    }

    /// Refuses every key of `section` that is not in `known`, naming the nearest one.
    pub(super) fn check_keys(&mut self, section: Section<'_, 't>, path: &str, known: &[&str]) {
        for (key, _) in section.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let line = self.line(key.span().start);
            let full = join(path, &shown_key(name));
            let what = match SECRET_KEYS.iter().find(|(secret, _)| *secret == name) {
                Some((_, file)) => {
                    // The section's own key for a file, where it has another.
                    let own =
                        known.iter().find(|it| *it == file).or_else(|| known.iter().find(|it| it.ends_with("_file")));
                    let file = own.unwrap_or(file);
                    format!(
                        "{full}: a secret must not be written into the configuration; put it into a file of its own, mode 0600, and name that file with `{file}`"
                    )
                }
                None => unknown(name, &full, path, known),
            };
            self.problem(line, &what);
        }
    }

    /// Reads one key. `None` when it is absent or wrong; what is wrong is remembered.
    pub(super) fn get<T>(&mut self, section: Section<'_, 't>, path: &str, key: &str, kind: &Kind<T>) -> Option<T> {
        let (line, value) = self.value(section, key)?;
        let read = value.as_str().and_then(kind.read);
        if read.is_none() {
            self.wrong(line, path, key, value, kind.allowed);
        }
        read
    }

    pub(super) fn required<T>(&mut self, section: Section<'_, 't>, path: &str, key: &str, kind: &Kind<T>) -> Option<T> {
        let read = self.get(section, path, key, kind);
        if read.is_none() && self.value(section, key).is_none() {
            self.problem(section.line, &format!("{path}.{key} is missing; it must be {}", kind.allowed));
        }
        read
    }

    pub(super) fn flag(&mut self, section: Section<'_, 't>, path: &str, key: &str) -> Option<bool> {
        let (line, value) = self.value(section, key)?;
        let read = value.as_bool();
        if read.is_none() {
            self.wrong(line, path, key, value, "true or false, without quotes");
        }
        read
    }

    /// A list that must not be empty.
    pub(super) fn list<T>(
        &mut self, section: Section<'_, 't>, path: &str, key: &str, kind: &Kind<T>,
    ) -> Option<Vec<T>> {
        let (line, value) = self.value(section, key)?;
        let Some(items) = value.as_array().filter(|items| !items.is_empty()) else {
            self.wrong(line, path, key, value, "a list, not empty, in square brackets");
            return None;
        };
        let mut read = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref().as_str().and_then(kind.read) {
                Some(item) => read.push(item),
                None => self.wrong(line, path, key, item.get_ref(), kind.allowed),
            }
        }
        Some(read)
    }

    /// One value, or a list of them that is not empty.
    pub(super) fn one_or_more<T>(
        &mut self, section: Section<'_, 't>, path: &str, key: &str, kind: &Kind<T>,
    ) -> Option<Vec<T>> {
        let (_, value) = self.value(section, key)?;
        if value.as_array().is_some() {
            return self.list(section, path, key, kind);
        }
        self.get(section, path, key, kind).map(|one| vec![one])
    }

    /// The key is written, whatever its value.
    pub(super) fn has(&self, section: Section<'_, 't>, key: &str) -> bool {
        self.value(section, key).is_some()
    }

    /// The line of a key, for messages about more than one.
    pub(super) fn line_of(&self, section: Section<'_, 't>, key: &str) -> usize {
        self.value(section, key).map_or(section.line, |(line, _)| line)
    }

    fn value<'a>(&self, section: Section<'a, 't>, key: &str) -> Option<(usize, &'a DeValue<'t>)> {
        let (key, value) = section.table?.get_key_value(key)?;
        Some((self.line(key.span().start), value.get_ref()))
    }

    fn wrong(&mut self, line: usize, path: &str, key: &str, value: &DeValue<'t>, allowed: &str) {
        self.problem(line, &format!("{path}.{key} = {}: must be {allowed}", shown(value)));
    }
}

impl<'a, 't> Section<'a, 't> {
    pub(super) fn table(self) -> Option<&'a DeTable<'t>> {
        self.table
    }

    pub(super) fn of(table: &'a DeTable<'t>) -> Self {
        Self { table: Some(table), line: 0 }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What an unknown key probably is: one of another section, or a misspelt one of its own.
fn unknown(name: &str, full: &str, path: &str, known: &[&str]) -> String {
    // Earlier versions wrote it into every configuration, and the nearest known key would be no help.
    if full == "schedule.settle" {
        return format!("{full}: nothing reads payouts in this version; remove this line");
    }
    let elsewhere =
        super::shop::SECTIONS.iter().find(|(section, keys)| !path.ends_with(section) && keys.contains(&name));
    if let Some((section, _)) = elsewhere {
        return format!("{full}: unknown key here; `{name}` belongs into the section `{section}`");
    }
    let nearest = known.iter().max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
    match nearest {
        Some(nearest) => format!("{full}: unknown key; the nearest known one is `{nearest}`"),
        None => format!("{full}: unknown key; none is known here"),
    }
}

fn shown_key(name: &str) -> String {
    if looks_secret(name) { "(withheld)".to_owned() } else { plain(name) }
}

/// A value as a message may quote it.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => shown_text(text),
        DeValue::Integer(number) => plain(number.as_str()),
        DeValue::Float(number) => plain(number.as_str()),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a section".to_owned(),
    }
}

pub(super) fn shown_text(text: &str) -> String {
    if looks_secret(text) { "(withheld)".to_owned() } else { format!("\"{}\"", plain(text)) }
}
