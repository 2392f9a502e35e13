//! Foreign text made fit to be shown: bounded, and without characters that move a cursor or hide others.
//!
//! Never parses, and never decides anything.

/// The longest piece of a server's message that is kept.
pub(crate) const LONGEST_MESSAGE: usize = 300;

/// At most `longest` characters of `text`; control and direction characters are written as escapes, which count as
/// what they are written as.
pub(crate) fn excerpt(text: &str, longest: usize) -> String {
    let mut kept = String::new();
    let mut room = longest;
    for character in text.trim().chars() {
        let shown: String =
            if is_harmless(character) { character.into() } else { character.escape_unicode().collect() };
        let Some(left) = room.checked_sub(shown.chars().count()) else {
            kept.push('…');
            break;
        };
        room = left;
        kept.push_str(&shown);
    }
    kept
}

fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn text_is_cut_and_shown_as_it_is() {
        for (text, expected) in [
            ("plain", "plain"),
            ("  two\nlines ", "two\\u{a}lines"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("é€😀", "é€😀"),
            ("0123456789abcdef-too-long", "0123456789abcdef-too…"),
            ("", ""),
        ] {
            assert_eq!(excerpt(text, 20), expected, "{text:?}");
        }
    }
}
