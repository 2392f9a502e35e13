//! One finding: what was looked at, how it is, and what to do about it.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::cli::Status;
use crate::report::text::plain;
use reconciled_core::answer::Unreadable;
use reconciled_core::id::ShopName;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    Warning,
    Problem,
}

#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// `None`: the configuration as a whole.
    shop: Option<ShopName>,
    check: &'static str,
    level: Level,
    message: String,
    remedy: Option<String>,
    /// The same in figures, for scripts.
    details: Value,
    /// How the command ends when nothing worse is found.
    pub(super) status: Status,
}

/// The findings about one shop, in the order in which they were made.
pub(super) struct Findings {
    shop: Option<ShopName>,
    pub(super) list: Vec<Finding>,
}

impl Findings {
    pub(super) fn of(shop: Option<&ShopName>) -> Self {
        Self { shop: shop.cloned(), list: Vec::new() }
    }

    pub(super) fn ok(&mut self, check: &'static str, message: impl AsRef<str>) {
        self.add(check, Level::Ok, Status::AGREES, message.as_ref(), None);
    }

    pub(super) fn warning(&mut self, check: &'static str, message: impl AsRef<str>, remedy: impl AsRef<str>) {
        self.add(check, Level::Warning, Status::AGREES, message.as_ref(), Some(remedy.as_ref()));
    }

    pub(super) fn problem(
        &mut self, check: &'static str, status: Status, message: impl AsRef<str>, remedy: impl AsRef<str>,
    ) {
        self.add(check, Level::Problem, status, message.as_ref(), Some(remedy.as_ref()));
    }

    /// Something that could not be looked at.
    pub(super) fn unread(&mut self, check: &'static str, what: &str, why: &Unreadable) {
        let (message, remedy) = match why {
            Unreadable::Refused(said) => (said.in_a_sentence(), "correct that, then check again"),
            Unreadable::NotFound(said) | Unreadable::Failed(said) => (said.in_a_sentence(), "check again later"),
            Unreadable::Throttled { until, .. } | Unreadable::OutOfBudget { until } => {
                (format!("no call is left before {until:.0}"), "check again after that")
            }
        };
        self.problem(check, Status::UNKNOWN, format!("{what} could not be read: {message}"), remedy);
    }

    /// Gives the last finding its figures.
    pub(super) fn details(&mut self, details: Value) {
        if let Some(last) = self.list.last_mut() {
            last.details = details;
        }
    }

    fn add(&mut self, check: &'static str, level: Level, status: Status, message: &str, remedy: Option<&str>) {
        self.list.push(Finding {
            shop: self.shop.clone(),
            check,
            level,
            message: plain(message),
            remedy: remedy.map(plain),
            details: Value::Null,
            status,
        });
    }
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }

    const fn style(self) -> Style {
        match self {
            Self::Ok => AnsiColor::Green.on_default(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Problem => AnsiColor::Red.on_default().bold(),
        }
    }
}

impl Finding {
    pub(super) fn json(&self) -> Value {
        json!({
            "shop": self.shop.as_ref().map(ShopName::as_str),
            "check": self.check,
            "level": self.level.name(),
            "message": self.message,
            "remedy": self.remedy,
            "details": self.details,
        })
    }
}

/// One line each, under the name of their shop.
pub(super) fn print<W: Write>(out: &mut W, findings: &[Finding]) -> io::Result<()> {
    const HEADING: Style = Style::new().bold();
    let mut shop = None;
    for finding in findings {
        if finding.shop != shop {
            shop.clone_from(&finding.shop);
            let name = shop.as_ref().map_or("", ShopName::as_str);
            writeln!(out, "{HEADING}Shop {}{HEADING:#}", plain(name))?;
        }
        let style = finding.level.style();
        write!(out, "{style}{:<7}{style:#}  {:<13}  {}", finding.level.name(), finding.check, finding.message)?;
        match &finding.remedy {
            Some(remedy) => writeln!(out, "; now: {remedy}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}
