//! The runbook's page for a kind of break, with the ids of one break in its commands.
//!
//! The page is `docs/runbook.md`, compiled in, so that what is printed is what the installed program can do. Its
//! examples use one order, one credit invoice and so on throughout; those are what is replaced.

use std::borrow::Cow;

use crate::report::text::plain;
use reconciled_core::attribution::refunds_of;
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::intent::Intent;
use reconciled_store::{Break, Dossier};

const RUNBOOK: &str = include_str!("../docs/runbook.md");

/// What the page's examples are about.
const ORDER: &str = "ORD00018";
const CREDIT: &str = "INV00038";
const REFUND: &str = "0b1f7f5e-2c1d-4e7a-8b3f-9d5e6a7c8b90";
const INTENTS: [&str; 2] = ["5e0c6f1e-6d2c-5b0e-9a52-0a4f0c1f7d11", "8a0f3f4e-6c55-5b0a-9a43-1c2d3e4f5a6b"];
/// Words of a command behind which the examples' break stands.
const BEFORE_BREAK: [&str; 6] = ["show", "ack", "resolve", "reopen", "assign", "note"];

/// What a break is about, as far as it is known.
#[derive(Debug, Default)]
pub struct Ids {
    pub id: i64,
    pub order: Option<String>,
    pub credit: Option<String>,
    pub refund: Option<String>,
    pub intent: Option<String>,
}

impl Ids {
    /// From the break itself, and from what is held about its order.
    pub fn of(it: &Break, dossier: Option<&Dossier>) -> Self {
        let intents = dossier.map_or(&[][..], |dossier| &dossier.ledger.intents);
        let concerns = |intent: &&Intent| {
            let (id, reference) = (intent.id.to_string(), intent.effect.reference.as_str());
            let credit = it.credit_invoice.as_ref().map(reconciled_core::id::InvoiceNumber::as_str);
            id == it.subject || it.message.contains(&id) || reference == it.subject || Some(reference) == credit
        };
        // An effect that waits for a human's word is no intent yet: only its break names it.
        let names_effect = [BreakKind::LimitReached, BreakKind::CreditBeforeCapture].contains(&it.kind);
        let waiting = Some(&it.subject).filter(|subject| names_effect && subject.parse::<uuid::Uuid>().is_ok());
        let offered = it.offer.map(|(intent, _)| intent.to_string());
        let of_klarna = dossier.and_then(|dossier| Some((dossier, &dossier.klarna.as_ref()?.0)));
        let refunds = of_klarna.map_or_else(Vec::new, |(dossier, klarna)| {
            refunds_of(&dossier.ledger, &dossier.shop, klarna).into_iter().map(|refund| refund.id.0).collect()
        });
        // The order's only credit invoice is what a refund of it was for, if any is.
        let mut credits = dossier.iter().flat_map(|dossier| dossier.ledger.credits.values()).map(|held| &held.number);
        let only = credits.next().filter(|_| credits.next().is_none());
        Self {
            id: it.id,
            order: it.order.as_ref().map(|number| plain(number.as_str())),
            credit: it.credit_invoice.as_ref().or(only).map(|number| plain(number.as_str())),
            refund: refunds.into_iter().find(|refund| *refund == it.subject).map(|refund| plain(&refund)),
            intent: offered
                .or_else(|| waiting.cloned())
                .or_else(|| intents.iter().rfind(concerns).map(|intent| intent.id.to_string())),
        }
    }
}

/// The text under the kind's heading; with `ids`, about that break. A command that needs an id which nobody knows is cut
/// to its help, so that no example is pasted by mistake. `None` for a kind without a page.
pub fn page(kind: BreakKind, ids: Option<&Ids>) -> Option<String> {
    let (_, from) = RUNBOOK.split_once(&format!("\n### {}\n", kind.name()))?;
    let end = from.find("\n### ").into_iter().chain(from.find("\n## ")).min().unwrap_or(from.len());
    let text = from.get(..end)?.trim();
    Some(ids.map_or_else(|| text.to_owned(), |ids| filled(text, ids)))
}

/// The commands in a text, each as it can be pasted.
pub fn commands(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("reconciled ")).collect()
}

fn filled(text: &str, ids: &Ids) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| match at % 2 {
        1 if part.starts_with("reconciled ") => command(part, ids),
        _ => Cow::Borrowed(part),
    });
    parts.collect::<Vec<_>>().join("`")
}

/// An example with the break's own ids, or only its verb where one of them is not known, or an amount would be invented.
fn command<'a>(example: &'a str, ids: &Ids) -> Cow<'a, str> {
    let (words, note) = example.split_once(" --note ").map_or((example, None), |(words, note)| (words, Some(note)));
    let own = words.split(' ').scan("", |before, word| {
        let own = own_word(before, word, ids);
        *before = word;
        Some(own)
    });
    match own.collect::<Option<Vec<_>>>() {
        Some(own) => {
            let note = note.map(|note| format!(" --note {note}")).unwrap_or_default();
            Cow::Owned(format!("{}{note}", own.join(" ")))
        }
        None => Cow::Owned(format!("{} --help", words.split(' ').take(2).collect::<Vec<_>>().join(" "))),
    }
}

/// One word of an example; `None` where it is one that cannot be filled in.
fn own_word(before: &str, word: &str, ids: &Ids) -> Option<String> {
    if let Some(of_order) = word.strip_prefix(ORDER) {
        return ids.order.as_ref().map(|order| format!("{order}{of_order}"));
    }
    let is_example = word.parse::<uuid::Uuid>().is_ok() || word.starts_with("INV") || word.contains('=');
    match word {
        CREDIT => ids.credit.clone(),
        REFUND => ids.refund.clone(),
        _ if INTENTS.contains(&word) => ids.intent.clone(),
        "7" if BEFORE_BREAK.contains(&before) => Some(ids.id.to_string()),
        "--amount" => None,
        _ => (!is_example).then(|| word.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_id() -> Ids {
        let own = |text: &str| Some(text.to_owned());
        Ids { id: 4711, order: own("A-1"), credit: own("C-2"), refund: own("r-3"), intent: own("i-4") }
    }

    #[test]
    fn every_kind_has_a_page_that_ends_before_the_next() {
        for kind in BreakKind::ALL {
            let page = page(*kind, None).unwrap_or_else(|| panic!("{} has no page", kind.name()));
            assert!(page.starts_with("**Means** (") && page.contains("**Call Klarna**"), "{}: {page}", kind.name());
            assert!(!page.contains("\n#"), "{}", kind.name());
        }
    }

    #[test]
    fn a_breaks_own_ids_stand_in_every_command() {
        let ids = every_id();
        for kind in BreakKind::ALL {
            let page = page(*kind, Some(&ids)).unwrap();
            for example in [ORDER, "INV0", REFUND, INTENTS[0], INTENTS[1], "resolve 7 ", "show 7", "=25.00", "--amount"]
            {
                let stays = commands(&page).into_iter().find(|command| command.contains(example));
                assert_eq!(stays, None, "{}: {example}", kind.name());
            }
        }
        let page = page(BreakKind::RefundUnattributed, Some(&ids)).unwrap();
        assert!(commands(&page).contains(&"reconciled adopt r-3 C-2 --note 'refunded by hand on Monday'"), "{page}");
        assert!(commands(&page).contains(&"reconciled adopt r-3 A-1:cancel --note 'cancelled by phone'"), "{page}");
        assert!(commands(&page).contains(&"reconciled adopt --help"), "other credit invoices are not known: {page}");
    }

    #[test]
    fn an_id_that_nobody_knows_leaves_no_example_behind() {
        let ids = Ids { order: Some("A-1".to_owned()), ..Ids::default() };
        let page = page(BreakKind::RefundUnattributed, Some(&ids)).unwrap();
        assert_eq!(
            commands(&page).iter().filter(|it| it.starts_with("reconciled ignore")).collect::<Vec<_>>(),
            [&"reconciled ignore --help"]
        );
        assert!(commands(&page).contains(&"reconciled show A-1"), "{page}");
    }
}
