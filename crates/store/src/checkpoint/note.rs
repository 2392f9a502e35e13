//! The text of a checkpoint, and the signed note around it.
//!
//! ```text
//! reconciled/main
//! 1842
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — reconciled/main Az3grlgtzPICa5OS8npVmf1Myq/5…
//! ```
//!
//! Further signature lines, of witnesses or of an older key, are carried and passed over. What is not exactly of this
//! form is refused whole.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::key::{Signer, Verifier};
use super::tree::Root;

/// Begins every signature line.
const DASH: &str = "\u{2014} ";

/// What one checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the configured origin and the shop.
    pub origin: String,
    /// How many rows the journal had.
    pub size: u64,
    pub root: Root,
}

/// What a journal says to a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The journal begins with what was signed.
    Holds,
    /// It ends before what was signed.
    Truncated { ends: u64 },
    /// It is as long, and says something else.
    Rewritten,
}

/// Why a text is no checkpoint of the log.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    #[error("it is not a checkpoint: {0}")]
    Form(&'static str),
    #[error("it is of the log `{found}`, not of `{wanted}`")]
    OtherLog { found: String, wanted: String },
    #[error("it is not signed with the key {0}")]
    NotSigned(String),
    #[error("its signature with the key {0} is false: the checkpoint itself was changed")]
    False(String),
}

/// A checkpoint with its signatures, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What the signatures cover, the last newline included.
    text: String,
    /// The signers' names, and their ids with their signatures.
    signatures: Vec<(String, Vec<u8>)>,
    checkpoint: Checkpoint,
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// The note with its one signature.
    pub fn signed(&self, signer: &Signer) -> String {
        let mut note = self.text();
        let signature = BASE64_STANDARD.encode(signer.sign(&note));
        // Writing to a String cannot fail.
        let _ = writeln!(note, "\n{DASH}{} {signature}", signer.verifier().name());
        note
    }

    /// Compares with a journal that holds together for `size` rows and whose tree at this checkpoint's size is `root`.
    pub fn against(&self, size: u64, root: Option<Root>) -> Held {
        match root {
            Some(root) if root == self.root => Held::Holds,
            Some(_) => Held::Rewritten,
            None => Held::Truncated { ends: size },
        }
    }

    fn read(text: &str) -> Result<Self, BadNote> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(BadNote::Form("it has fewer than three lines"));
        };
        let number = size.parse::<u64>().ok().filter(|number| number.to_string() == size);
        let size = number.ok_or(BadNote::Form("its second line is not a size"))?;
        let decoded = BASE64_STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        let root = Root(decoded.ok_or(BadNote::Form("its third line is not a hash in base64"))?);
        if origin.is_empty() {
            return Err(BadNote::Form("its first line is empty"));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

impl Note {
    /// # Errors
    /// What is wrong with its form; no signature is looked at.
    pub fn read(whole: &str) -> Result<Self, BadNote> {
        let (body, tail) = whole.rsplit_once("\n\n").ok_or(BadNote::Form("it has no signature"))?;
        let lines = tail.strip_suffix('\n').ok_or(BadNote::Form("its last line is cut off"))?;
        let signatures = lines.split('\n').map(signature).collect::<Option<Vec<_>>>();
        let signatures = signatures.ok_or(BadNote::Form("a signature line cannot be read"))?;
        let text = format!("{body}\n");
        if text.contains(|letter: char| letter.is_control() && letter != '\n') {
            return Err(BadNote::Form("it has control characters"));
        }
        Ok(Self { checkpoint: Checkpoint::read(&text)?, text, signatures })
    }

    /// What it says, whoever signed it.
    pub const fn claim(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// What it says, once the key of `verifier` is known to have signed it.
    ///
    /// # Errors
    /// It is of another log, or not signed by that key.
    pub fn verified(&self, verifier: &Verifier) -> Result<&Checkpoint, BadNote> {
        let (found, wanted) = (&self.checkpoint.origin, verifier.name());
        if found != wanted {
            return Err(BadNote::OtherLog { found: found.clone(), wanted: wanted.to_owned() });
        }
        let id = verifier.id();
        let ours = self.signatures.iter().find(|(name, bytes)| name == wanted && bytes.starts_with(&id));
        let Some((_, bytes)) = ours else { return Err(BadNote::NotSigned(verifier.id_text())) };
        let signature = bytes.get(id.len()..).unwrap_or_default();
        if verifier.accepts(&self.text, signature) {
            Ok(&self.checkpoint)
        } else {
            Err(BadNote::False(verifier.id_text()))
        }
    }
}

fn signature(line: &str) -> Option<(String, Vec<u8>)> {
    let (name, bytes) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = BASE64_STANDARD.decode(bytes).ok().filter(|bytes| bytes.len() > 4)?;
    (!name.is_empty()).then(|| (name.to_owned(), bytes))
}
