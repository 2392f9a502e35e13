//! The directory of checkpoints: one file per checkpoint, none ever replaced.
//!
//! `main-000000001842-2a9d61f0.checkpoint` is shop `main` at 1842 rows, signed with the key of that id. It is meant to
//! be copied away as it grows; what this machine holds alone, whoever owns this machine can replace.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::key::Verifier;
use super::note::{Checkpoint, Note};

const ENDING: &str = ".checkpoint";

/// A checkpoint with all the witnesses one may wish for is far smaller.
const LARGEST: u64 = 64 * 1024;

/// The file of a checkpoint.
pub fn place(directory: &Path, shop: &str, checkpoint: &Checkpoint, verifier: &Verifier) -> PathBuf {
    directory.join(format!("{shop}-{:012}-{}{ENDING}", checkpoint.size, verifier.id_text()))
}

/// The shop's checkpoint of the largest size, by the files' names.
///
/// # Errors
/// The directory cannot be read. One that is not there yet holds none.
pub fn newest(directory: &Path, shop: &str) -> io::Result<Option<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why),
    };
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in entries {
        let path = entry?.path();
        let Some(size) = size_of(&path, shop) else { continue };
        if newest.as_ref().is_none_or(|(largest, _)| size > *largest) {
            newest = Some((size, path));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

/// The size that a file of this shop names. A shop's name may itself have dashes, so it is read from the end.
fn size_of(path: &Path, shop: &str) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_suffix(ENDING)?;
    let mut parts = name.rsplitn(3, '-');
    let (_id, size, of) = (parts.next()?, parts.next()?, parts.next()?);
    if of == shop { size.parse().ok() } else { None }
}

/// # Errors
/// The file cannot be read, or is no checkpoint; as text for people.
pub fn read(path: &Path) -> Result<Note, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|why| why.to_string())?;
    file.take(LARGEST).read_to_string(&mut text).map_err(|why| why.to_string())?;
    Note::read(&text).map_err(|why| why.to_string())
}

/// Writes a note under its name in one step, wholly or not at all. `false` when the same note is there already.
///
/// # Errors
/// It cannot be written, or another note is there.
pub fn write(path: &Path, note: &str) -> io::Result<bool> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = directory.join(format!(".{name}.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&temporary)?;
    let written = file.write_all(note.as_bytes()).and_then(|()| file.sync_all());
    // A link is made only where nothing is.
    let placed = written.and_then(|()| fs::hard_link(&temporary, path));
    let _ = fs::remove_file(&temporary);
    match placed {
        Ok(()) => {
            File::open(directory)?.sync_all()?;
            Ok(true)
        }
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists && fs::read_to_string(path)? == note => Ok(false),
        Err(why) => Err(why),
    }
}
