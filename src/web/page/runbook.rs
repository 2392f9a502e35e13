//! What the runbook says about a break, with its own ids: the same text that `reconciled explain` prints.
//!
//! No Markdown in general: paragraphs that begin with a bold label, code in back-quotes, links as their text. A test
//! holds every section of the runbook against this.

use crate::runbook::{self, Ids};
use reconciled_core::discrepancy::BreakKind;

/// One paragraph: `Means`, `First look`, `Remedy`, `Call Klarna`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) label: String,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) is_code: bool,
    pub(super) text: String,
}

/// The paragraphs about a break of this kind, in the runbook's order.
pub(super) fn advice(kind: BreakKind, ids: &Ids) -> Vec<Advice> {
    runbook::page(kind, Some(ids)).unwrap_or_default().lines().filter_map(paragraph).collect()
}

fn paragraph(line: &str) -> Option<Advice> {
    let (label, text) = line.strip_prefix("**")?.split_once("**")?;
    // The severity stands on the page already.
    let text = ["(money). ", "(action). "]
        .into_iter()
        .fold(text.trim_start(), |text, said| text.strip_prefix(said).unwrap_or(text));
    Some(Advice { label: label.trim_end_matches('.').to_owned(), pieces: pieces(text) })
}

/// Code is what stands between back-quotes: every second part.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let parts = text.split('`').enumerate();
    let piece = |(index, text): (usize, &str)| Piece {
        is_code: index % 2 == 1,
        text: if index % 2 == 1 { text.to_owned() } else { without_links(text) },
    };
    parts.filter(|(_, text)| !text.is_empty()).map(piece).collect()
}

/// `[text](address)` as `text`.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, (inside, after))) = rest.split_once('[').and_then(|(b, r)| Some((b, r.split_once("](")?))) {
        let Some((_, behind)) = after.split_once(')') else { break };
        out.push_str(before);
        out.push_str(inside);
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_advice_and_no_markup_is_left_in_it() {
        for kind in BreakKind::ALL {
            let advice = advice(*kind, &Ids::default());
            let labels: Vec<_> = advice.iter().map(|it| it.label.as_str()).collect();
            assert_eq!(labels, ["Means", "First look", "Remedy", "Call Klarna"], "{}", kind.name());
            for piece in advice.iter().flat_map(|it| &it.pieces).filter(|piece| !piece.is_code) {
                let markup = ["**", "](", "`", "_**", "<"];
                assert!(!markup.iter().any(|it| piece.text.contains(it)), "{}: {}", kind.name(), piece.text);
            }
        }
    }

    #[test]
    fn code_and_links_are_told_apart_from_text() {
        let found = pieces("See [the glossary](glossary.md), then `a [b](c)` now.");
        let told: Vec<_> = found.iter().map(|piece| (piece.is_code, piece.text.as_str())).collect();
        assert_eq!(told, [(false, "See the glossary, then "), (true, "a [b](c)"), (false, " now.")]);
    }
}
