//! One order from first sight on: what both sides said, what we hold true, what was sent, and every step between.
//!
//! Read only, and enough for a stranger to follow one credit invoice from first sight to paid.

pub mod human;
pub mod json;

use jiff::Timestamp;

use reconciled_core::adoption::Settles;
use reconciled_core::facts::{Fraud, KlarnaOrder, KlarnaStatus, Said, Shipped, ShopStatus, Word};
use reconciled_core::id::{InvoiceId, KlarnaOrderId};
use reconciled_core::ledger::Attribution;
use reconciled_core::link::Answer;
use reconciled_core::money::{Currency, Minor};
use reconciled_store::{Break, Dossier, JournalRow};

/// Everything `show` prints.
#[derive(Clone, Debug)]
pub struct Life {
    pub currency: Option<Currency>,
    pub now: Timestamp,
    pub dossier: Dossier,
    pub journal: Vec<JournalRow>,
    pub breaks: Vec<Break>,
}

pub(crate) fn shop_status(word: &Word<ShopStatus>) -> String {
    spoken(word, |status| match status {
        ShopStatus::Open => "open",
        ShopStatus::Completed => "completed",
        ShopStatus::CompletedShipped => "completed_shipped",
        ShopStatus::PickedUp => "picked_up",
        ShopStatus::ReadyToDownload => "ready_to_download",
        ShopStatus::AwaitingPayment => "awaiting_payment",
        ShopStatus::Cancelled => "cancelled",
    })
}

pub(crate) fn shipped(word: &Word<Shipped>) -> String {
    spoken(word, |shipped| match shipped {
        Shipped::No => "no",
        Shipped::Partly => "partly",
        Shipped::Fully => "fully",
        Shipped::Cancelled => "cancelled",
    })
}

pub(crate) fn klarna_status(word: &Word<KlarnaStatus>) -> String {
    spoken(word, |status| match status {
        KlarnaStatus::Authorized => "authorized",
        KlarnaStatus::PartCaptured => "part_captured",
        KlarnaStatus::Captured => "captured",
        KlarnaStatus::Cancelled => "cancelled",
        KlarnaStatus::Expired => "expired",
        KlarnaStatus::Closed => "closed",
    })
}

pub(crate) fn fraud(word: &Word<Fraud>) -> String {
    spoken(word, |fraud| match fraud {
        Fraud::Accepted => "accepted",
        Fraud::Pending => "pending",
        Fraud::Rejected => "rejected",
    })
}

/// A word we know by its name, any other as it was written.
fn spoken<T>(word: &Word<T>, name: impl Fn(&T) -> &'static str) -> String {
    match word {
        Word::Known(known) => name(known).to_owned(),
        Word::Unknown(text) => text.clone(),
    }
}

fn amount(said: &Said) -> Option<Minor> {
    said.as_ref().ok().copied()
}

/// What a human said that a refund was for.
pub(crate) fn settles(dossier: &Dossier, currency: Option<Currency>, attribution: &Attribution) -> String {
    let number = |id: &InvoiceId| {
        let record = dossier.ledger.credits.get(id);
        record.map_or_else(|| format!("credit invoice {id}"), |record| record.number.to_string())
    };
    match attribution {
        Attribution::CreditInvoice(id) => number(id),
        Attribution::Cancel => format!("{}:cancel", dossier.shop.number),
        Attribution::RuledOut => "nothing (ruled out)".to_owned(),
        Attribution::Parts(parts) => {
            let words = parts.iter().map(|part| {
                let what = match &part.settles {
                    Settles::Credit(id) => number(id),
                    Settles::Cancel => format!("{}:cancel", dossier.shop.number),
                    Settles::Nothing => "nothing".to_owned(),
                };
                let amount =
                    currency.map_or_else(|| part.amount.get().to_string(), |currency| part.amount.decimal(currency));
                format!("{what}={amount}")
            });
            words.collect::<Vec<_>>().join(" ")
        }
    }
}

/// What Klarna said last about a Klarna order that the shop order names.
pub(crate) enum Asked<'a> {
    Read(&'a KlarnaOrder),
    /// Klarna does not know it, in its own words.
    Unknown(&'a str),
    Never,
}

pub(crate) fn asked<'a>(dossier: &'a Dossier, id: &KlarnaOrderId) -> Asked<'a> {
    let held = dossier.klarna.as_ref().map(|(order, _)| order).filter(|order| order.id == *id);
    let beside = dossier.asked.iter().map(|(seen, _)| seen).find(|seen| seen.candidate.id == *id);
    match (held, beside.map(|seen| &seen.answer)) {
        (Some(order), _) | (None, Some(Answer::Read(order))) => Asked::Read(order),
        (None, Some(Answer::NotFound { said })) => Asked::Unknown(said),
        (None, Some(Answer::Unasked) | None) => Asked::Never,
    }
}
