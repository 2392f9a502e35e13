//! The files that `init` writes: each wholly or not at all, the configuration last.
//!
//! Secrets are their owner's alone from the first byte on. Nothing that is there is replaced without `--force`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use crate::cli::error::CliError;
use crate::config::PLACES;
use crate::config::draft::{self, SECRETS};
use crate::report::text::plain;

/// Where a shop's secrets lie, in the order of [`SECRETS`].
pub(super) fn beside(config: &Path, shop: &str) -> [PathBuf; 4] {
    SECRETS.map(|(short, _)| config.with_file_name(format!("{shop}.{short}")))
}

pub(in crate::cli) fn shown(path: &Path) -> String {
    format!("`{}`", plain(&path.display().to_string()))
}

/// The group that the service's unit reads its configuration as, when `config` is in the package's own place and this is
/// root: the group of that folder. The secrets beside it stay root's, and reach the service as systemd's credentials.
pub(super) fn services_group(config: &Path) -> Option<u32> {
    let is_the_units = config == Path::new(PLACES[0]) && rustix::process::geteuid().is_root();
    let group = fs::metadata(directory(config)).map_or(0, |about| about.gid());
    (is_the_units && group != 0).then_some(group)
}

/// The example as it is shipped: nobody's work is lost with it.
pub(super) fn is_example(config: &Path) -> bool {
    fs::read_to_string(config).is_ok_and(|text| draft::is_example(&text))
}

/// Asked before anything else: nobody types four secrets to be refused then.
pub(super) fn refuse_what_is_there(places: &[&Path], force: bool) -> Result<(), CliError> {
    let there: Vec<String> =
        places.iter().filter(|path| fs::symlink_metadata(path).is_ok()).map(|path| shown(path)).collect();
    if force || there.is_empty() {
        return Ok(());
    }
    let there = there.join(", ");
    Err(CliError::Usage(format!("{there}: already there; --force overwrites, --config or --shop names others")))
}

/// Writes the secrets and then the configuration, which is for `group` to read if there is one, else for all. When one of them cannot be written, those before it are taken back,
/// unless they replaced something.
pub(super) fn write(
    config: &Path, text: &str, group: Option<u32>, secrets: &[(&Path, &SecretString)], force: bool,
) -> Result<(), CliError> {
    let failed = |path: &Path, why: &io::Error| CliError::Failed {
        attempt: format!("writing {}", shown(path)),
        why: why.to_string(),
    };
    let directory = directory(config);
    DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(|why| failed(directory, &why))?;
    let mut done: Vec<&Path> = Vec::new();
    let secret_files = secrets.iter().map(|(path, secret)| (*path, secret.expose_secret(), 0o600, None, force));
    let mode = if group.is_some() { 0o640 } else { 0o644 };
    let replaces = force || is_example(config);
    for (path, text, mode, group, force) in secret_files.chain([(config, text, mode, group, replaces)]) {
        if let Err(why) = put(path, text, mode, group, force) {
            for path in done.into_iter().filter(|_| !force) {
                let _ = fs::remove_file(path);
            }
            return Err(failed(path, &why));
        }
        done.push(path);
    }
    Ok(())
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Under another name first, then in its place in one step.
pub(in crate::cli) fn put(path: &Path, text: &str, mode: u32, group: Option<u32>, force: bool) -> io::Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    let owned = group.map_or(Ok(()), |group| fchown(&file, None, Some(group)));
    let written = owned.and_then(|()| file.write_all(text.as_bytes())).and_then(|()| file.sync_all());
    // A link is made only where nothing is; a rename replaces.
    let placed =
        written.and_then(|()| if force { fs::rename(&temporary, path) } else { fs::hard_link(&temporary, path) });
    if !force || placed.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    placed?;
    File::open(directory(path))?.sync_all()
}
