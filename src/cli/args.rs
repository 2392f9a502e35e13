//! Arguments that several commands share, and how their text is read.

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The longest note the journal keeps, in characters.
const LONGEST_NOTE: usize = 500;

/// Who decides, and why.
#[derive(Debug, Args)]
pub(super) struct Signed {
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = note)]
    pub note: String,
    #[command(flatten)]
    pub actor: Actor,
}

/// Who decides; why only if they like.
#[derive(Debug, Args)]
pub(super) struct Reversal {
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = note)]
    note: Option<String>,
    #[command(flatten)]
    pub(super) actor: Actor,
}

impl Reversal {
    pub(super) fn note(&self) -> &str {
        self.note.as_deref().unwrap_or_default()
    }
}

/// Who decides, and how that is told.
#[derive(Debug, Args)]
pub(super) struct Actor {
    /// Who decides [default: the user who called sudo, else the user]
    #[arg(long = "as", value_name = "NAME", value_parser = name)]
    pub name: Option<String>,
    /// One JSON object about what was decided, instead of text
    #[arg(long)]
    pub json: bool,
}

fn note(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("say why in a few words".to_owned());
    }
    if text.chars().count() > LONGEST_NOTE || text.contains(char::is_control) {
        return Err(format!("one line of at most {LONGEST_NOTE} characters"));
    }
    Ok(text.to_owned())
}

pub(super) fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let valid = (1..=64).contains(&text.chars().count()) && !text.contains(char::is_control);
    valid.then(|| text.to_owned()).ok_or_else(|| "a name of 1 to 64 characters".to_owned())
}

/// The number of an order or a credit invoice.
pub(super) fn number(text: &str) -> Result<String, String> {
    let text = text.trim();
    let valid = (1..=100).contains(&text.chars().count()) && !text.contains(char::is_control);
    valid.then(|| text.to_owned()).ok_or_else(|| "a number such as ORD00018".to_owned())
}

/// A moment: RFC 3339, or a day, which begins at midnight UTC.
///
/// # Errors
/// The sentence that says what is allowed.
pub fn since(text: &str) -> Result<Timestamp, String> {
    let day = || {
        let day = text.parse::<Date>().ok().filter(|_| text.len() == 10)?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    text.parse::<Timestamp>()
        .ok()
        .or_else(day)
        .ok_or_else(|| "a time such as 2026-01-31T08:00:00Z, or a day such as 2026-01-31".to_owned())
}
