//! The `[checkpoints]` section: where the journal's signed checkpoints go. Without it there are none.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::read::{Kind, Reader};
use super::values::FILE;

pub(super) const CHECKPOINTS: &[&str] = &["directory", "key_file", "origin"];

/// Whose name they carry when the file gives none.
const ORIGIN: &str = "reconciled";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    pub directory: PathBuf,
    pub key_file: Option<PathBuf>,
    /// Before the shop's name in a checkpoint's first line.
    pub origin: String,
}

impl Checkpoints {
    /// What a key is made for before the section is there.
    pub fn standard() -> Self {
        Self { directory: PathBuf::from("checkpoints"), key_file: None, origin: ORIGIN.to_owned() }
    }

    /// The name of one shop's log.
    pub fn log(&self, shop: &str) -> String {
        format!("{}/{shop}", self.origin)
    }
}

const DIRECTORY: Kind<PathBuf> = Kind {
    allowed: "a directory, such as \"/var/lib/reconciled/checkpoints\" or \"checkpoints\" beside the configuration",
    read: |text| {
        let valid = !text.is_empty() && !text.contains(char::is_control);
        valid.then(|| PathBuf::from(text))
    },
};

const NAME: Kind<String> = Kind {
    allowed: "a name without blanks and plus, as unlike others as an address is, such as \"books.example.com/reconciled\"",
    read: |text| {
        let fits = |letter: char| !letter.is_whitespace() && !letter.is_control() && letter != '+';
        let valid = (1..=200).contains(&text.len()) && text.chars().all(fits) && !text.ends_with('/');
        valid.then(|| text.to_owned())
    },
};

pub(super) fn checkpoints<'t>(reader: &mut Reader<'t>, root: &DeTable<'t>, directory: &Path) -> Option<Checkpoints> {
    let path = "checkpoints";
    let section = reader.section(root, path, path);
    section.table()?;
    reader.check_keys(section, path, CHECKPOINTS);
    let place = reader.required(section, path, "directory", &DIRECTORY);
    let key_file = reader.get(section, path, "key_file", &FILE).map(|file| directory.join(file));
    let origin = reader.get(section, path, "origin", &NAME).unwrap_or_else(|| ORIGIN.to_owned());
    Some(Checkpoints { directory: directory.join(place?), key_file, origin })
}
