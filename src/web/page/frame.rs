//! What surrounds every page: where one is, who one is, what the last decision came to; and how values are written.
//!
//! Text of the two sides goes through [`plain`] before a template escapes it: markup stays text, and nothing steers
//! the reading direction.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use jiff::Timestamp;

use super::PageContext;
use super::refusal::Refusal;
use super::session::Flash;
use super::visit::{Visit, Visitor};
pub(super) use crate::report::text::plain;
use crate::report::words;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::Store as _;

/// The entries of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Breaks,
    Credits,
    Passes,
    Journal,
    Reports,
    Switch,
    /// One order, which no entry leads to.
    Order,
}

pub(super) struct Frame {
    pub(super) title: String,
    pub(super) operator: String,
    pub(super) form: String,
    pub(super) flash: Option<Flash>,
    /// There is more than one shop to choose from.
    pub(super) several: bool,
    pub(super) shop: Option<ShopFrame>,
}

/// The navigation of one shop.
pub(super) struct ShopFrame {
    pub(super) name: String,
    pub(super) environment: &'static str,
    pub(super) act: bool,
    pub(super) stopped: bool,
    pub(super) open_breaks: u64,
    section: Section,
}

impl ShopFrame {
    /// The value of `aria-current` for an entry.
    pub(super) fn is(&self, entry: &str) -> bool {
        let name = match self.section {
            Section::Overview => "overview",
            Section::Breaks => "breaks",
            Section::Credits => "credits",
            Section::Passes => "passes",
            Section::Journal => "journal",
            Section::Reports => "reports",
            Section::Switch => "switch",
            Section::Order => "order",
        };
        name == entry
    }
}

impl Frame {
    /// Around a page that is about no single shop.
    pub(super) fn around_all(context: &PageContext, visitor: &Visitor, title: &str) -> Result<Self, Refusal> {
        Ok(Self {
            title: title.to_owned(),
            operator: plain(&visitor.operator),
            form: visitor.form(context)?,
            flash: visitor.take_flash(context),
            several: context.access().is_some_and(|access| access.shops.len() > 1),
            shop: None,
        })
    }

    pub(super) async fn around(
        context: &PageContext, visit: &Visit, title: &str, section: Section,
    ) -> Result<Self, Refusal> {
        let standing = visit.store.standing().await?;
        let mut frame = Self::around_all(context, &visit.visitor, title)?;
        frame.shop = Some(ShopFrame {
            name: visit.shop.to_string(),
            environment: visit.served.environment,
            act: visit.served.policy.act,
            stopped: standing.stopped,
            open_breaks: standing.open_breaks(),
            section,
        });
        Ok(frame)
    }

    /// What was typed last and not accepted.
    pub(super) fn note(&self) -> &str {
        self.flash.as_ref().map_or("", |flash| flash.note.as_str())
    }
}

pub(super) fn html(template: &impl Template) -> Result<Response, Refusal> {
    Ok(Html(template.render()?).into_response())
}

/// A moment for a machine and for people; in UTC, as the journal has it.
#[derive(Clone, Debug)]
pub(super) struct When {
    pub(super) machine: String,
    pub(super) human: String,
}

pub(super) fn when(at: Timestamp) -> When {
    When { machine: format!("{at:.0}"), human: at.strftime("%-d %b %Y, %H:%M:%S").to_string() }
}

pub(super) fn maybe_when(at: Option<Timestamp>) -> Option<When> {
    at.map(when)
}

/// `44.95 EUR`, or a dash.
pub(super) fn money(amount: Option<Minor>, currency: Option<Currency>) -> String {
    words::some_money(amount, currency)
}

/// The beginning of a sentence; one that begins with the name of a setting begins with that name.
pub(super) fn capital(text: &str) -> String {
    if text.split(' ').next().is_some_and(|word| word.contains('_')) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A name of the outside contract as words: `refund_requested` becomes `refund requested`.
pub(super) fn spoken(name: &str) -> String {
    plain(name).replace('_', " ")
}
