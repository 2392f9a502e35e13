//! One order's life as one list: what happened at either side, what this program did about it, what humans decided.

use jiff::Timestamp;

use super::frame::{When, capital, money, plain, spoken, when};
use super::lists::note;
use crate::report::show::Life;
use crate::report::show::human::{detail, subject};
use reconciled_core::id::Reference;

/// Who an entry is about, as a reader tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Lightspeed,
    Klarna,
    Program,
    Human,
}

impl Who {
    const fn name(self) -> &'static str {
        match self {
            Self::Lightspeed => "Lightspeed",
            Self::Klarna => "Klarna",
            Self::Program => "reconciled",
            Self::Human => "operator",
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Lightspeed => "lightspeed",
            Self::Klarna => "klarna",
            Self::Program => "program",
            Self::Human => "human",
        }
    }
}

pub(super) struct Entry {
    at: Timestamp,
    pub(super) when: When,
    pub(super) who: String,
    pub(super) class: &'static str,
    pub(super) what: String,
    pub(super) detail: String,
    pub(super) note: String,
}

impl Entry {
    fn new(at: Timestamp, who: Who, what: String, detail: String) -> Self {
        let name = who.name().to_owned();
        Self { at, when: when(at), who: name, class: who.class(), what, detail, note: String::new() }
    }
}

/// Everything dated that is known of the order, oldest first; of one moment, the two sides first.
pub(super) fn timeline(life: &Life) -> Vec<Entry> {
    let mut entries = said_by_the_shop(life);
    entries.extend(said_by_klarna(life));
    entries.extend(journalled(life));
    // Stable: rows of the journal keep their order.
    entries.sort_by_key(|entry| entry.at);
    entries
}

fn said_by_the_shop(life: &Life) -> Vec<Entry> {
    let shop = &life.dossier.shop;
    let total = shop.total.as_ref().map_or_else(|text| plain(text), |total| money(Some(*total), life.currency));
    let mut entries =
        vec![Entry::new(shop.created_at, Who::Lightspeed, format!("Order placed: {total}"), String::new())];
    for credit in &shop.credit_invoices {
        let amount = credit.amount.as_ref().map_or_else(|text| plain(text), |it| money(Some(*it), life.currency));
        let what = format!("Credit invoice {} added: {amount}", plain(credit.number.as_str()));
        entries.push(Entry::new(credit.created_at, Who::Lightspeed, what, String::new()));
    }
    entries
}

fn said_by_klarna(life: &Life) -> Vec<Entry> {
    let Some((order, _)) = &life.dossier.klarna else { return Vec::new() };
    let under = |reference: &Option<Reference>| {
        reference.as_ref().map_or_else(|| "no reference".to_owned(), |it| format!("reference {}", plain(it.as_str())))
    };
    let entry = |at: Option<Timestamp>, what: &str, amount, reference: &Option<Reference>| {
        let what = format!("{what}: {}", money(Some(amount), life.currency));
        Some(Entry::new(at?, Who::Klarna, what, under(reference)))
    };
    let captures = order.captures.iter().filter_map(|it| entry(it.captured_at, "Captured", it.amount, &it.reference));
    let refunds = order.refunds.iter().filter_map(|it| entry(it.refunded_at, "Refunded", it.amount, &it.reference));
    captures.chain(refunds).collect()
}

fn journalled(life: &Life) -> Vec<Entry> {
    let entry = |row: &reconciled_store::JournalRow| {
        let by_human = row.cause == "operator";
        let what = capital(&format!("{} {}", subject(life, row), phrase(&row.entity, &row.event)));
        let who = if by_human { Who::Human } else { Who::Program };
        let mut entry = Entry::new(row.at, who, what, String::new());
        entry.note = note(&row.detail);
        if by_human {
            entry.who = plain(&row.actor);
        }
        if entry.note.is_empty() {
            entry.detail = detail(life, &row.detail);
        }
        entry
    };
    life.journal.iter().map(entry).collect()
}

/// What an event of the journal says about its subject, as the rest of a sentence.
pub(super) fn phrase(entity: &str, event: &str) -> String {
    // An event may carry an id behind a colon; the detail has it too.
    let name = event.split(':').next().unwrap_or_default();
    let known = match (entity, name) {
        ("shop", "bound") => "was first seen",
        ("shop", "period_closed") => "has a closed period: its report stays as it is",
        ("shop", "stop") => "was stopped: nothing is written",
        ("shop", "resume") => "was resumed: writes may go again",
        (_, "first_seen") => "was first seen",
        ("order", "part_captured") => "is captured in part",
        ("order", "captured") => "is captured",
        ("order", "cancel_seen") => "was cancelled in the shop",
        ("order", "reversed") => "has given everything back",
        ("order", "expired") => "lapsed before anything was captured",
        ("order", "operator_hold") => "was held by a human",
        ("order", "operator_release") => "was released by a human",
        ("order", "operator_propose") => "has a refund that one operator proposed; another has to agree",
        ("order", "operator_withdraw") => "has an effect that nobody's consent counts for any more",
        ("order", "operator_approve") => "has an effect that a human approved",
        ("order", "operator_never_sent") => "has a credit invoice over what never left, as a human said",
        ("order", "operator_accept") => "has a share of Klarna's that a human named",
        ("order", "operator_attribute") => "has a refund that a human explained",
        ("credit_invoice", "refund_intended") => "will be refunded",
        ("credit_invoice", "refund_refused") => "could not be refunded",
        ("credit_invoice", "refunded") => "is refunded, proven",
        ("credit_invoice", "paid_seen") => "is paid in the shop",
        ("credit_invoice", "unpaid_seen") => "is not paid in the shop any more",
        ("credit_invoice", "withdrawn") => "was withdrawn",
        ("intent", "planned") => "is intended",
        ("intent", "claimed") => "is being sent",
        ("intent", "confirmed") => "was confirmed",
        ("intent", "seen") => "was found at the other side",
        ("intent", "rejected") => "was refused",
        ("intent", "throttled") => "has to wait",
        ("intent", "not_sent") => "never left",
        ("intent", "lost") => "got no certain answer",
        ("intent", "withdrawn") => "is not due any more",
        ("intent", "abandoned") => "was given up by a human",
        ("break", "opened") => "opened",
        ("break", "acknowledged") => "is being worked on",
        ("break", "resolved") => "was resolved by a human",
        ("break", "reopened") => "is open again",
        ("break", "cleared") => "cleared by itself",
        (_, "held") => "is held",
        (_, "released") => "is released",
        _ => return spoken(name),
    };
    known.to_owned()
}
