//! Where a report of the command goes: to standard output, or whole into a file of its name.

use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::super::context::Context;
use super::super::error::CliError;
use super::super::wire;
use crate::config::Loaded;
use crate::report::period::{self, Any, FormatKind, Period, Source, Summary, Unmade};
use crate::report::text::plain;

/// Where a report goes.
pub(in super::super) enum Place {
    Stdout,
    File(PathBuf),
}

/// Readable by its owner and a group that files reports, by nobody else.
const MODE: u32 = 0o640;

/// Writes the report over `period` of every shop.
pub(in super::super) async fn make(
    context: &Context, shops: &[Loaded], period: Period, format: FormatKind, place: Place,
) -> Result<Vec<Summary>, CliError> {
    let sources: Vec<Source> = shops.iter().map(source).collect();
    match place {
        Place::Stdout => {
            // What is not for people must arrive as it is.
            let document = match format {
                FormatKind::Text => Any::styled_text(BufWriter::new(context.stdout())),
                FormatKind::Json | FormatKind::Csv | FormatKind::Html | FormatKind::Xlsx => {
                    Any::new(format, BufWriter::new(Context::stdout_as_is()))?
                }
            };
            let (mut out, summaries) = period::make(&sources, period, document).await?;
            out.flush()?;
            Ok(summaries)
        }
        Place::File(path) => {
            let file = BufWriter::new(beside(&path)?);
            let (file, summaries) = period::make(&sources, period, Any::new(format, file)?).await?;
            let file = file.into_inner().map_err(|error| failed(&path, error.error()))?;
            publish(file, &path)?;
            context.say(&format!("wrote {}", shown(&path)));
            Ok(summaries)
        }
    }
}

/// A configured shop as a report finds it.
pub(super) fn source(loaded: &Loaded) -> Source {
    Source {
        shop: loaded.shop.name.clone(),
        store: loaded.config.store.path().to_owned(),
        language: loaded.shop.lightspeed.language.clone(),
    }
}

impl From<Unmade> for CliError {
    fn from(why: Unmade) -> Self {
        match why {
            Unmade::Open { path, source, .. } => wire::opening(&path, source),
            Unmade::Read { shop, source } => {
                Self::Store { attempt: format!("reading the report of shop `{shop}`"), source }
            }
            Unmade::Output(why) => Self::Output(why),
        }
    }
}

fn shown(path: &Path) -> String {
    format!("`{}`", plain(&path.display().to_string()))
}

fn failed(path: &Path, why: &io::Error) -> CliError {
    CliError::Failed { attempt: format!("writing {}", shown(path)), why: why.to_string() }
}

/// A new file in the directory of `path`, under a name of its own.
fn beside(path: &Path) -> Result<NamedTempFile, CliError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    NamedTempFile::new_in(directory).map_err(|why| failed(path, &why))
}

/// Gives the file its name once all of it is on disk.
fn publish(file: NamedTempFile, path: &Path) -> Result<(), CliError> {
    let synced = file.as_file().set_permissions(Permissions::from_mode(MODE)).and_then(|()| file.as_file().sync_all());
    synced.map_err(|why| failed(path, &why))?;
    file.persist(path).map_err(|error| failed(path, &error.error))?;
    Ok(())
}
