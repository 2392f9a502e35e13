//! A configuration as `init` writes it: the commented example with the given values in their places, so that whoever
//! opens it finds every key explained.
//!
//! Holds no secret, and never turns anything on that writes: `act` stays as the example has it.

use super::hosts::{CLUSTER, ENVIRONMENT, REGION, URL};
use super::read::Kind;
use super::shop;
use super::store_url::STORE_URL;
use super::values::LANGUAGE;

const EXAMPLE: &str = include_str!("../../docs/config.example.toml");

/// The shop's name in the example.
const EXAMPLES_SHOP: &str = "main";

/// The values that differ from shop to shop. Each was accepted by its [`Field`].
#[derive(Clone, Debug)]
pub struct Draft {
    pub shop: String,
    pub cluster: String,
    pub language: String,
    pub environment: String,
    pub region: String,
    pub store: String,
    /// The sandbox's addresses; `None` for the services' own.
    pub lightspeed_url: Option<String>,
    pub klarna_url: Option<String>,
    /// Name files beside the configuration; otherwise the secrets come from systemd's credentials.
    pub secret_files: bool,
}

/// One value that has to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Shop,
    Cluster,
    Language,
    Environment,
    Region,
    Store,
    BaseUrl,
}

impl Field {
    /// The value as it is written, if it is allowed.
    ///
    /// # Errors
    /// The sentence that says what is.
    pub fn check(self, text: &str) -> Result<String, String> {
        fn read<T>(kind: &Kind<T>, text: &str) -> Result<(), String> {
            (kind.read)(text).map(drop).ok_or_else(|| format!("it must be {}", kind.allowed))
        }
        let text = text.trim();
        match self {
            Self::Shop if shop::is_name(text) => Ok(()),
            Self::Shop => Err("it must be 1 to 32 of the characters a-z, 0-9 and -".to_owned()),
            Self::Cluster => read(&CLUSTER, text),
            Self::Language => read(&LANGUAGE, text),
            Self::Environment => read(&ENVIRONMENT, text),
            Self::Region => read(&REGION, text),
            Self::Store => read(&STORE_URL, text),
            Self::BaseUrl => read(&URL, text),
        }?;
        Ok(text.to_owned())
    }
}

/// The four secrets of a shop: how each is called in a file's name, and in words.
pub const SECRETS: [(&str, &str); 4] = [
    ("lightspeed-key", "Lightspeed API key"),
    ("lightspeed-secret", "Lightspeed API secret"),
    ("klarna-username", "Klarna username (UID)"),
    ("klarna-password", "Klarna password"),
];

/// Whether `text` is the example, whichever of its lines are comments: the package has one without the secrets' files.
pub fn is_example(text: &str) -> bool {
    let bare = |line: &'_ str| line.strip_prefix("# ").unwrap_or(line).to_owned();
    text.lines().map(bare).eq(EXAMPLE.lines().map(bare))
}

/// What becomes of one line of the example.
enum Value {
    Set(String),
    /// A key that is left out, and stays as a comment.
    Out,
}

impl Draft {
    pub fn text(&self) -> String {
        let mut section = "";
        let mut text = String::with_capacity(EXAMPLE.len());
        for line in EXAMPLE.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                section = name.rsplit('.').next().unwrap_or(name);
            }
            text.push_str(&self.line(section, line));
            text.push('\n');
        }
        text
    }

    fn line(&self, section: &str, line: &str) -> String {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let Some((key, rest)) = bare.split_once('=') else { return self.named(line) };
        match self.value(section, key.trim()) {
            None => self.named(line),
            Some(Value::Out) => format!("# {bare}"),
            Some(Value::Set(value)) => {
                // A JSON string of printable text is a TOML string.
                let value = serde_json::Value::from(value).to_string();
                let comment = rest.split_once(" #").map_or_else(String::new, |(_, comment)| format!(" #{comment}"));
                let width = if comment.is_empty() { 0 } else { rest.find(" #").unwrap_or(0).saturating_sub(1) };
                format!("{key}= {value:<width$}{comment}")
            }
        }
    }

    fn value(&self, section: &str, key: &str) -> Option<Value> {
        let file = |short: &str| {
            if self.secret_files { Value::Set(format!("{}.{short}", self.shop)) } else { Value::Out }
        };
        let url = |url: &Option<String>| url.clone().map_or(Value::Out, Value::Set);
        Some(match (section, key) {
            ("store", "url") => Value::Set(self.store.clone()),
            ("lightspeed", "cluster") => Value::Set(self.cluster.clone()),
            ("lightspeed", "language") => Value::Set(self.language.clone()),
            ("lightspeed", "api_key_file") => file("lightspeed-key"),
            ("lightspeed", "api_secret_file") => file("lightspeed-secret"),
            ("lightspeed", "base_url") => url(&self.lightspeed_url),
            ("klarna", "environment") => Value::Set(self.environment.clone()),
            ("klarna", "region") => Value::Set(self.region.clone()),
            ("klarna", "username_file") => file("klarna-username"),
            ("klarna", "password_file") => file("klarna-password"),
            ("klarna", "base_url") => url(&self.klarna_url),
            _ => return None,
        })
    }

    /// A line that names the example's shop names this one instead.
    fn named(&self, line: &str) -> String {
        if self.shop == EXAMPLES_SHOP {
            return line.to_owned();
        }
        let upper = self.shop.to_ascii_uppercase().replace('-', "_");
        line.replace("[shops.main.", &format!("[shops.{}.", self.shop))
            .replace("\"main\"", &format!("\"{}\"", self.shop))
            .replace("main.lightspeed", &format!("{}.lightspeed", self.shop))
            .replace("RECONCILED_MAIN_", &format!("RECONCILED_{upper}_"))
    }
}
