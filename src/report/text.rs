//! Text of the other sides, made safe for a terminal and a log.
//!
//! An order number or an error message is whatever somebody typed. Control characters could move the cursor or
//! forge a line; bidirectional overrides could make one amount look like another.

use std::io::{self, Write};

use serde_json::ser::Formatter;

/// No single text of the other sides is printed longer, in characters of the original.
const LONGEST: usize = 400;

/// `text` with everything invisible or directing written as `\u{…}`, at most 400 characters of it.
pub fn plain(text: &str) -> String {
    // Nearly all text is, and a report of a year asks millions of times.
    if text.len() <= LONGEST && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    let mut characters = text.chars();
    for character in characters.by_ref().take(LONGEST) {
        if directs(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    if characters.next().is_some() {
        safe.push('…');
    }
    safe
}

/// JSON that steers nothing when it is printed; to a parser it is the same text.
pub(super) struct PlainJson;

impl Formatter for PlainJson {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        for piece in fragment.split_inclusive(directs) {
            match piece.char_indices().next_back().filter(|(_, last)| directs(*last)) {
                None => out.write_all(piece.as_bytes())?,
                Some((at, last)) => {
                    out.write_all(piece.get(..at).unwrap_or_default().as_bytes())?;
                    for unit in last.encode_utf16(&mut [0; 2]) {
                        write!(out, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Characters that steer a terminal or the reading direction instead of showing something.
fn directs(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}
